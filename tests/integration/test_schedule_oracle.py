"""Schedules over thirty years, minute by minute, against Python's reading of the zone database.

The definition is evaluated as it is said, instant by instant: does the wall clock show a time of a window, on one
of its days, that is no exception? What the wall clock shows is asked of zoneinfo; what the daemon's code finds by
walking from edge to edge comes from schedule_print. Both become one byte a minute, and must be the same."""
import calendar
import datetime
import functools
import random
import re
import subprocess
import zoneinfo
from itertools import pairwise

import pytest
from helpers import seed
from links import tool

UTC = datetime.timezone.utc
EPOCH = datetime.date(1970, 1, 1).toordinal()
FROM = int(datetime.datetime(2010, 1, 1, tzinfo=UTC).timestamp()) // 60
UNTIL = int(datetime.datetime(2040, 1, 1, tzinfo=UTC).timestamp()) // 60
DAY = 1440
FIRST_DAY, LAST_DAY = FROM // DAY - 2, UNTIL // DAY + 2
NAMES = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

ZONES = ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu",
         "America/Santiago", "Africa/Cairo", "Pacific/Apia"]

# No year without any: beyond 400 days the code does not look.
HOLIDAYS = [f"{year}-{day}" for year in range(2010, 2040)
            for day in ("07-14", ["01-01", "03-29", "10-25", "12-31", "03-08", "04-05"][year % 6])]

SCHEDULES = {
    "plain": (["mon-fri 08:00-19:00"], []),
    "midnight": (["daily 22:00-06:00"], []),
    "midnight, some days": (["fri,sat 20:00-04:30", "wed 23:59-00:01"], []),
    "until midnight": (["mon,thu 18:00-24:00", "tue 17:00-00:00"], []),
    "several": (["mon-fri 06:30-08:00", "mon-fri 12:00-14:00", "sat-mon 20:00-21:15"], []),
    "touching": (["daily 08:00-12:00", "daily 12:00-14:00", "sun 14:00-24:00", "mon 00:00-08:00"], []),
    "overlapping": (["daily 08:00-13:00", "tue-thu 10:00-16:00", "sat 23:00-09:00"], []),
    "whole days": (["sat,sun 00:00-24:00"], []),
    "always": (["daily 00:00-24:00"], []),
    "always, with holidays": (["daily 00:00-24:00"], HOLIDAYS),
    "in the gap": (["daily 02:00-02:30", "daily 02:30-03:00"], []),
    "begins in the gap": (["daily 02:30-04:00", "daily 00:30-01:15"], []),
    "ends in the gap": (["daily 01:00-02:15", "daily 23:30-00:30"], []),
    "in the doubled hour": (["sun 01:15-01:45", "sun 02:15-02:45", "sat 23:15-23:45"], []),
    "odd minutes": (["daily 00:01-00:02", "daily 01:59-02:01", "daily 23:59-24:00"], []),
    "holidays": (["mon-fri 08:00-19:00"], HOLIDAYS),
    "holidays across midnight": (["daily 21:00-05:00", "daily 12:00-12:30"], HOLIDAYS),
    "each year's holidays": (["daily 21:00-05:00", "mon-fri 12:00-12:30"], ["0000-12-25", "0000-01-01", "0000-02-29"]),
    "no day": ([], []),
}


def bits(days):
    """The weekdays, Monday 0, that a configuration's word means."""
    if days == "daily":
        return set(range(7))
    found = set()
    for word in days.split(","):
        first, _, last = word.partition("-")
        day = NAMES.index(first)
        found.add(day)
        while NAMES[day] != (last or first):
            day = (day + 1) % 7
            found.add(day)
    return found


def minutes(clock):
    return int(clock[:2]) * 60 + int(clock[3:])


def windows_of(schedule):
    words = [re.fullmatch(r"(\S+) (\S+)-(\S+)", text).groups() for text in schedule[0]]
    return [(bits(days), minutes(begin), minutes(end)) for days, begin, end in words]


def wanted(windows, minute, today, yesterday):
    """The definition. Days are weekdays, None on an exception."""
    for days, begin, end in windows:
        if end > begin:
            if today in days and begin <= minute < end:
                return True
        elif (today in days and minute >= begin) or (yesterday in days and minute < end):
            return True
    return False


def days_of(date):
    """The days that a date means; of year 0 are those of every year."""
    if not date.startswith("0000-"):
        return [datetime.date.fromisoformat(date).toordinal()]
    month, day = int(date[5:7]), int(date[8:])
    return [datetime.date(year, month, day).toordinal() for year in range(2009, 2041)
            if (month, day) != (2, 29) or calendar.isleap(year)]


def wall_minutes(schedule):
    """For every minute that a wall clock can show, from FIRST_DAY on, whether the schedule wants it."""
    windows, except_days = windows_of(schedule), {day for date in schedule[1] for day in days_of(date)}
    days, known = [], {}
    for day in range(FIRST_DAY, LAST_DAY):
        key = tuple(None if d + EPOCH in except_days else (d + 3) % 7 for d in (day, day - 1))
        if key not in known:
            known[key] = bytes(wanted(windows, minute, *key) for minute in range(DAY))
        days.append(known[key])
    return b"".join(days)


@functools.cache
def wall_runs(zone):
    """Where the wall clock of a zone runs on: (minute, the minute shown), asked at every quarter of an hour, and at
    every minute of those that end with another offset."""
    info = zoneinfo.ZoneInfo(zone)

    read = datetime.datetime.fromtimestamp
    runs, current = [], None
    for quarter in range(FROM, UNTIL, 15):
        if read(quarter * 60, info).utcoffset() != current:
            for minute in range(max(FROM, quarter - 14), quarter + 1):
                offset = read(minute * 60, info).utcoffset()
                if offset != current:
                    assert offset % datetime.timedelta(minutes=1) == datetime.timedelta()
                    current = offset
                    runs.append((minute, minute + current // datetime.timedelta(minutes=1)))
    return runs


def expected_minutes(runs, wall):
    ends = [begin for begin, _ in runs[1:]] + [UNTIL]
    base = FIRST_DAY * DAY
    return b"".join(wall[shown - base:shown - base + end - begin] for (begin, shown), end in zip(runs, ends))


def found_minutes(stretches):
    found = bytearray(UNTIL - FROM)
    for begin, end in stretches:
        begin = FROM if begin == -1 else max(begin // 60, FROM)
        end = UNTIL if end == -1 else min(end // 60, UNTIL)
        found[begin - FROM:end - FROM] = b"\1" * (end - begin)
    return bytes(found)


def job(zone, schedule, begin=FROM * 60, end=UNTIL * 60):
    windows = ",".join(f"{sum(1 << d for d in days)}:{begin}-{end}" for days, begin, end in windows_of(schedule))
    return f"{zone} {begin} {end} {windows or '-'} {','.join(schedule[1]) or '-'}\n"


def print_stretches(jobs):
    """What the program under test finds: a list of (begin, end) for each job."""
    done = subprocess.run([tool("schedule_print")], input="".join(jobs), capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stderr == "", done.stderr[-2000:]
    answers = [[]]
    for line in done.stdout.splitlines():
        if line == ".":
            answers.append([])
        else:
            answers[-1].append(tuple(int(word) for word in line.split()))
    assert answers.pop() == [] and len(answers) == len(jobs)
    return answers


@pytest.fixture(scope="module")
def walls():
    return {name: wall_minutes(schedule) for name, schedule in SCHEDULES.items()}


def first_difference(zone, a, b):
    at = next(i for i in range(len(a)) if a[i] != b[i])
    local = datetime.datetime.fromtimestamp((FROM + at) * 60, zoneinfo.ZoneInfo(zone))
    return f"{zone}: at {local.isoformat()} the schedule should {'' if a[at] else 'not '}want the server"


@pytest.mark.parametrize("zone", ZONES)
def test_thirty_years(zone, walls):
    runs = wall_runs(zone)
    answers = print_stretches([job(zone, schedule) for schedule in SCHEDULES.values()])
    for name, stretches in zip(SCHEDULES, answers):
        expected, found = expected_minutes(runs, walls[name]), found_minutes(stretches)
        assert len(expected) == len(found) == UNTIL - FROM
        if expected != found:
            pytest.fail(f"{name}: {first_difference(zone, expected, found)}")
        for (_, end), (begin, _) in pairwise(stretches):
            assert end < begin, f"{name}: the stretch until {end} and the one from {begin} are one"
        assert all(edge % 60 == 0 or edge == -1 for stretch in stretches for edge in stretch)


def random_schedule(dice):
    windows = []
    for _ in range(dice.randint(1, 4)):
        days = ",".join(dice.sample(NAMES, dice.randint(1, 7)))
        begin, end = dice.sample(range(0, DAY), 2) if dice.random() < 0.6 else dice.sample(range(0, 300, 15), 2)
        windows.append(f"{days} {begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}")
    day = datetime.date(2010, 1, 1)
    dates = {(day + datetime.timedelta(dice.randrange(10950))).isoformat() for _ in range(dice.choice([0, 0, 60]))}
    return windows, sorted(dates)


def test_random_schedules():
    """Schedules nobody thought of, in the zone whose clock changes most oddly and in one that changes at midnight."""
    dice = random.Random(seed())
    schedules = [random_schedule(dice) for _ in range(12)]
    for zone in ("Australia/Lord_Howe", "America/Santiago"):
        runs = wall_runs(zone)
        for schedule, stretches in zip(schedules, print_stretches([job(zone, s) for s in schedules])):
            expected, found = expected_minutes(runs, wall_minutes(schedule)), found_minutes(stretches)
            if expected != found:
                pytest.fail(f"{schedule}: {first_difference(zone, expected, found)}")
