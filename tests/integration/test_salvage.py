"""A damaged store: what can be saved of it is, out of the file, its log and the nightly copies, whatever happens meanwhile."""
import contextlib
import os
import random
import shutil
import signal
import sqlite3
import time

import pytest
from drives import LIMIT, asides, ask, drive, sound  # noqa: F401 (drive: a fixture)
from helpers import seed
from process import went_on

PAGE = 1024
COPY = "hall.db.backup.2026-11-28"
ROWS = 40
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


def now():
    return int(time.time() * 1000)


def add_history(path, n, first=1):
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA synchronous=OFF")
        db.executemany("INSERT INTO events VALUES (?, ?, 'testing', NULL, 'client1', 'ready', ?)",
                       ((i, now() - 1000000 + i, '{"n":%d,"detail":"it is ready after some seconds"}' % i) for i in range(first, first + n)))
        db.executemany("INSERT INTO totals VALUES (?, ?, ?, 123456, 2000, 5, 6, ?)", ((i, now(), i * 1000, f"s{i}") for i in range(1, 30)))
        db.executemany("INSERT INTO spans VALUES (?, ?, 1000, 3, 0, 5, 6, 's1')", ((i, now() - 5000 + i) for i in range(1, 300)))
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def copied(path, day="2026-11-28"):
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute(f"VACUUM INTO '{path}.backup.{day}'")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A store with rows of state (some longer than a page), totals and history; and its nightly copy."""
    from drives import Drive
    path = tmp_path_factory.mktemp("made") / "hall.db"
    one = Drive(path, "quick")
    for i in range(ROWS):
        one.order(f'put server s{i} {{"hold":{i},"x":"{"y" * (i * 60)}"}}')
    one.sure("sure setting idle 20")
    one.end()
    add_history(path, 3000)
    copied(path)
    return path


@pytest.fixture
def place(made, tmp_path):
    """A copy of it that may be spoilt; its nightly copy is not there yet."""
    shutil.copy(made, tmp_path / "hall.db")
    return tmp_path / "hall.db"


@pytest.fixture
def whole(drive, made, tmp_path_factory):  # noqa: F811
    path = tmp_path_factory.mktemp("whole") / "hall.db"
    shutil.copy(made, path)
    one = drive(path)
    rows = one.rows()[1]
    one.end()
    assert len(rows) == ROWS + 1
    return rows


def with_copy(made, path):
    shutil.copy(made.parent / COPY, path.parent)


def spoil(path, at, data):
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(data)


def spoil_pages(path, dice):
    """One to twenty pages: zeroed, of garbage, or only in part."""
    pages = path.stat().st_size // PAGE
    for page in dice.sample(range(pages), dice.choice([1, 1, 3, 20])):
        how = dice.choice(["zeros", "garbage", "part"])
        if how == "part":
            spoil(path, page * PAGE + dice.randrange(PAGE - 64), dice.randbytes(64))
        else:
            spoil(path, page * PAGE, bytes(PAGE) if how == "zeros" else dice.randbytes(PAGE))


def count(path, table):
    return ask(path, f"SELECT count(*) FROM {table}")


def passes(path):
    """As Hall looks at it. It leaves no log beside the file."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as db:
            return db.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
    except sqlite3.DatabaseError:
        return False


def wait_history(one):
    """The whole of it is back: entries of the file, of the copy, and pages that are lost."""
    line = next((line for line in one.seen if line.startswith("history")), None) or one.wait("history")
    return [int(word) for word in line.split()[1:]]


def test_damage_anywhere(drive, made, whole, tmp_path):  # noqa: F811
    """Never a crash; every row that is given is as it was; none is missing where a copy has it."""
    dice = random.Random(seed())
    for turn in range(int(os.environ.get("HALL_DAMAGES", "60"))):
        folder = tmp_path / str(turn)
        folder.mkdir()
        path = folder / "hall.db"
        shutil.copy(made, path)
        has_copy = dice.random() < 0.5
        if has_copy:
            with_copy(made, path)
        spoil_pages(path, dice)
        noticed = not passes(path)
        one = drive(path, "quick")
        code, rows = one.rows()
        if noticed and not any(line.startswith("salvage") for line in one.seen):
            one.wait("salvage")
        assert code == 0 and set(rows) <= set(whole), f"turn {turn}"
        assert not has_copy or rows == whole, f"turn {turn}: the copy has them"
        one.sure("sure-event 77777")
        one.end()
        assert passes(path) and len(asides(folder)) <= 1
        again = drive(path, "quick")
        assert again.rows() == (0, rows), f"turn {turn}: after a restart"
        again.end()
        shutil.rmtree(folder)


def header_zeroed(path):
    spoil(path, 0, bytes(PAGE))


def cut_in_half(path):
    os.truncate(path, path.stat().st_size // 2)


def emptied(path):
    os.truncate(path, 0)


def removed(path):
    path.unlink()


@pytest.mark.parametrize("spoilt, keeps_state", [(header_zeroed, True), (cut_in_half, True), (emptied, False), (removed, False)])
def test_it_is_made_whole_by_the_copy(drive, made, place, whole, spoilt, keeps_state):  # noqa: F811
    with_copy(made, place)
    spoilt(place)
    one = drive(place, "quick")
    line = one.wait("salvage").split()
    assert one.rows() == (0, whole)
    assert line[4] == COPY and (line[1] == "-") == (spoilt in (emptied, removed))
    assert int(line[2]) + int(line[3]) == ROWS + 1 and (int(line[3]) == 0) == keeps_state
    wait_history(one)
    one.end()
    assert count(place, "events") == 3000 and count(place, "totals") == 29 and count(place, "spans") == 299 and sound(place)


@pytest.mark.parametrize("at, data", [(60, b"\x7f\xff\xff\xff"), (60, bytes(4)), (68, b"\x7f\xff\xff\xff"), (60, bytes(12))])
def test_a_header_that_names_another_owner_is_damage(drive, place, whole, at, data):  # noqa: F811
    """The tables say whose it is. (That of another program, or of a newer Hall, is left alone: test_store.py.)"""
    spoil(place, at, data)
    one = drive(place, "quick")
    assert one.wait("salvage").split()[2] == str(ROWS + 1) and one.rows() == (0, whole)
    wait_history(one)
    one.end()
    assert count(place, "events") == 3000 and sound(place)


def test_a_header_of_zeros_costs_nothing_even_without_a_copy(drive, place, whole):  # noqa: F811
    header_zeroed(place)
    one = drive(place, "quick")
    assert one.rows() == (0, whole)
    assert wait_history(one) == [3299, 0, 0]
    one.end()
    assert count(place, "events") == 3000 and count(place, "totals") == 29 and sound(place)


def test_nothing_is_made_up_where_a_file_is_new(drive, tmp_path):  # noqa: F811
    one = drive(tmp_path / "hall.db", "quick")
    assert one.rows() == (0, [])
    one.end()
    assert not [line for line in one.seen if line and line.startswith("salvage")]


def test_what_is_only_in_the_log_is_found_there(drive, place):  # noqa: F811
    """Killed, so that the newest row has not gone into the file; then a page of the file breaks."""
    one = drive(place, "quick")
    one.sure('sure server s7 {"hold":"the newest"}')
    one.process.send_signal(signal.SIGKILL)
    one.process.wait(LIMIT)
    assert (place.parent / "hall.db-wal").stat().st_size > 0
    header_zeroed(place)
    # With the header in the log the library would not see the damage.
    spoil(place, 4 * PAGE, os.urandom(PAGE))
    spoil(place, 5 * PAGE, os.urandom(PAGE))
    one = drive(place, "quick")
    code, rows = one.rows()
    assert code == 0 and 'row server s7 {"hold":"the newest"}' in rows
    one.end()
    assert sound(place)


@pytest.mark.parametrize("gone", [True, False], ids=["gone", "empty"])
@pytest.mark.parametrize("has_copy", [True, False])
def test_what_the_log_of_an_empty_file_holds_is_kept(drive, made, place, whole, gone, has_copy):  # noqa: F811
    """Power was cut: what was written last is in the log, and beside it the file is empty, or is not there."""
    one = drive(place, "quick")
    one.sure('sure server s7 {"hold":"the newest"}')
    one.process.send_signal(signal.SIGKILL)
    one.process.wait(LIMIT)
    if has_copy:
        with_copy(made, place)
    os.truncate(place, 0)
    if gone:
        place.unlink()
    one = drive(place, "quick")
    code, rows = one.rows()
    assert code == 0 and 'row server s7 {"hold":"the newest"}' in rows
    if has_copy:
        others = {row for row in whole if not row.startswith("row server s7 ")}
        assert len(others) == ROWS and others <= set(rows)
    one.end()
    assert sound(place)
    kept, = asides(place.parent)
    assert (place.parent / f"{kept}-wal").stat().st_size > 0


def test_a_folder_in_its_place_hides_no_copy(drive, made, place, whole):  # noqa: F811
    with_copy(made, place)
    place.unlink()
    place.mkdir()
    one = drive(place, "quick")
    assert "is not a file" in one.wait("problem")
    assert one.rows() == (0, whole)
    place.rmdir()
    one.wait("well")
    one.end()
    assert drive(place, "quick").rows() == (0, whole)


@needs_root
@pytest.mark.parametrize("has_copy", [True, False])
def test_a_full_disk_while_it_is_saved(drive, made, place, whole, has_copy):  # noqa: F811
    """What is known is used at once; it is written when there is room again."""
    disk = place.parent / "disk"
    disk.mkdir()
    path = disk / "hall.db"
    if has_copy:
        with_copy(made, place)
    spoil(place, 0, os.urandom(PAGE))
    script = f"mount -t tmpfs -o size=4m,mode=700 tmpfs {disk}\ncp {place.parent}/hall.db* {disk}\nhead -c 9M /dev/zero > {disk}/ballast 2>&- || true"
    one = drive(path, "quick", script=script)
    assert "the disk is full" in one.wait("problem")
    assert one.rows() == (0, whole)
    one.sure('sure server s3 {"newer":1}')
    one.inside(f"rm {disk}/ballast")
    for start in ("salvage", "well"):  # in either order
        if not any(line.startswith(start) for line in one.seen):
            one.wait(start)
    wait_history(one)
    one.sure("sure-event 5")
    rows = one.rows()[1]
    assert 'row server s3 {"newer":1}' in rows and len(rows) == len(whole)
    one.inside(f"cp {path} {path}-wal {place.parent}")
    assert sound(place) and count(place, "events") == 3001
    one.end()


def test_killed_while_it_is_saved(drive, made, place, whole):  # noqa: F811
    """At any moment, again and again: every row once, and in the end all of the history once."""
    with_copy(made, place)
    add_history_more(place, 20000)
    spoil(place, 0, bytes(PAGE))
    spoil(place, 200 * PAGE, bytes(3 * PAGE))
    dice = random.Random(seed())
    for _ in range(int(os.environ.get("STORE_KILLS", "100")) // 4):
        one = drive_begun(drive, place)
        time.sleep(dice.random() * 0.03)
        one.process.send_signal(signal.SIGKILL)
        one.process.wait(LIMIT)
    one = drive(place, "quick")
    assert one.rows() == (0, whole)
    deadline = time.monotonic() + LIMIT
    while ask(place, "SELECT json_extract(body, '$.done') FROM state WHERE kind = 'salvage'") != 1:
        assert time.monotonic() < deadline, "its history never ends"
        time.sleep(0.02)
    one.end()
    assert sound(place) and len(asides(place.parent)) == 1
    assert ask(place, "SELECT count(DISTINCT id) FROM events") == count(place, "events") >= 23000 - 3 * 14
    assert count(place, "totals") == 29


def add_history_more(path, n):
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executemany("INSERT INTO events VALUES (?, ?, 'testing', NULL, NULL, 'ready', ?)",
                       ((3000 + i, now(), '{"n":%d}' % i) for i in range(1, n + 1)))
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def drive_begun(drive, path):  # noqa: F811
    """It may be killed before it has said that it is there."""
    from drives import Drive
    return Drive(path, "quick")


def test_what_happens_meanwhile_is_kept_beside_it(drive, place):  # noqa: F811
    add_history_more(place, 20000)
    spoil(place, 0, bytes(PAGE))
    one = drive(place, "quick")
    for i in range(5):
        one.sure(f"sure-event {900000 + i}")
    wait_history(one)
    one.end()
    assert count(place, "events") == 23005 and sound(place)
    with contextlib.closing(sqlite3.connect(place)) as db:
        mine = [row[0] for row in db.execute("SELECT json_extract(body, '$.n') FROM events WHERE json_extract(body, '$.n') >= 900000 ORDER BY id")]
        assert mine == [900000 + i for i in range(5)]
        assert db.execute("SELECT max(id) FROM events").fetchone() == db.execute("SELECT id FROM events WHERE json_extract(body, '$.n') = 900004").fetchone()


def test_damage_within_damage(drive, made, place, whole):  # noqa: F811
    """The new file breaks before the history of the old one is through: nothing of either is lost."""
    with_copy(made, place)
    add_history_more(place, 20000)
    spoil(place, 0, bytes(PAGE))
    one = drive(place, "quick")
    one.wait("salvage")
    one.process.send_signal(signal.SIGKILL)
    one.process.wait(LIMIT)
    with contextlib.closing(sqlite3.connect(place)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # its log would hide the damage
    spoil(place, 0, bytes(PAGE))
    one = drive(place, "quick")
    assert one.rows() == (0, whole)
    wait_history(one)
    one.end()
    assert len(list(place.parent.glob("*.corrupt.*"))) == 2 and count(place, "events") == 23000 and sound(place)


@pytest.mark.measures
def test_a_large_history_keeps_nobody_waiting(drive, place, whole):  # noqa: F811
    """200,000 events behind a broken first page: served at once; who waits for the disk waits for one step at most."""
    add_history_more(place, 200000)
    spoil(place, 0, bytes(PAGE))
    start = went_on()
    one = drive(place)
    assert one.rows() == (0, whole)
    assert went_on() - start < 1
    waited = []
    while not any(line.startswith("history") for line in one.seen) and len(waited) < 200:
        begin = went_on()
        one.sure("sure-event 900000")
        waited.append(went_on() - begin)
        time.sleep(0.02)
    assert max(waited) < 2, sorted(waited)[-5:]
    one.end()
