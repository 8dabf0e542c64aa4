"""Words the tests share."""

import os
import time
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from process import wait_until

PROJECTS = {"testing": ("client1", "client2"), "erp": ()}
STATES = {"unknown", "off", "waking", "booting", "ready", "degraded", "sleeping", "unreachable", "wake_failed"}


def topic(server, what):
    return f"hall/servers/{server}/{what}"


def state_of(bus, server):
    message = bus.last(topic(server, "state"))
    return message.text() if message else None


def wait_state(bus, server, state, limit=60.0):
    """Until the last word on the state topic is this one, and the status, which may come a moment later, says so too."""
    def says():
        last = bus.last(topic(server, "status"))
        return state_of(bus, server) == state and (last.json()["state"] == state if last else not bus.hears(topic(server, "status")))

    try:
        wait_until(says, limit)
    except AssertionError:
        heard = bus.last(topic(server, "status"))
        raise AssertionError(f"{server} was not {state} within {limit} s; its state is {state_of(bus, server)}, its status {heard}") from None


def command(bus, server, action, **words):
    """Sends a JSON command, returns its id and the mark before it."""
    id = words.pop("id", uuid.uuid4().hex)
    mark = bus.mark()
    bus.publish(topic(server, "command"), {"action": action, "id": id, **words})
    return id, mark


def result(bus, server, id, outcome, after=0, limit=60.0):
    return bus.wait_json(topic(server, "result"), after, limit, id=id, outcome=outcome).json()


def results(bus, server, id):
    """All answers to that command so far, in order."""
    found = [m.json() for m in bus.heard(topic(server, "result"))]
    return [r for r in found if r["id"] == id]


def awake(bus, server):
    """Brings it to ready, and its projects too, whatever it was."""
    if state_of(bus, server) != "ready":
        id, mark = command(bus, server, "wake")
        result(bus, server, id, "done", mark, 60)
    wait_state(bus, server, "ready")
    for project in PROJECTS[server]:
        wait_last(bus, f"hall/projects/{project}/state", "ready", 60)


def first_answer(bus, where, send):
    """What is answered first to what `send` sends, on this topic of results; those sent before it may still end."""
    known = {m.json()["id"] for m in bus.heard(where)}
    send()
    return bus.wait(where, lambda m: m.json()["id"] not in known).json()


def barrier(bus):
    """All that Hall was told before is handled, and what came of it is published: it answered two commands since."""
    for _ in range(2):
        id, mark = command(bus, "testing", "no such action")
        result(bus, "testing", id, "refused", mark)


def hall_again(world, bus):
    """Hall is killed and comes back: it hears commands from now on. Its birth is the last it says when it has connected: that of
    the one that is killed was heard before, or it could be taken for the next one's. Returns the mark in between."""
    wait_until(lambda: (heard := bus.last("hall/status")) and heard.text() == "online", 60, "Hall's birth")
    world.hall.kill()
    mark = bus.mark()
    world.hall.start()
    bus.wait_text("hall/status", "online", mark, 60)
    return mark


def asleep(bus, server):
    """Brings it to off, whatever it was."""
    barrier(bus)
    wait_until(lambda: state_of(bus, server) in ("off", "ready", "degraded", "wake_failed", "unreachable"), 20,
               f"{server} settled")
    if state_of(bus, server) in ("ready", "degraded"):
        id, mark = command(bus, server, "sleep", force=True)
        result(bus, server, id, "done", mark, 60)
    wait_state(bus, server, "off")


def events(bus, server, kind, after=0):
    return [m.json() for m in bus.heard(topic(server, "event"), after) if m.json()["event_type"] == kind]


def wait_event(bus, server, kind, after=0, limit=60.0, **wanted):
    return bus.wait_json(topic(server, "event"), after, limit, event_type=kind, **wanted).json()


def wait_wake(bus, server, after=0):
    """A wake began, and the state topic says so too."""
    wait_event(bus, server, "wake_requested", after)
    bus.wait_text(topic(server, "state"), "waking", after)


# Worlds of the tests' own making

def simple_server(id, number):
    """A server with one site and no containers, `id`.localhost."""
    return {"name": id.capitalize(), "number": number, "mac": f"02:00:5e:10:01:{number:02x}", "domain": f"{id}.localhost",
            "checks": True, "sites": [{"id": id, "title": id, "path": None, "port": 8080, "containers": []}]}


def simple_servers(*ids):
    return {id: simple_server(id, 40 + i) for i, id in enumerate(ids)}


def configured(make_world, change=None, start=True, **options):
    """A world whose generated configuration is changed before Hall reads it: change(servers, domains)."""
    world = make_world(start=False, **options)
    if change:
        config = world.hall.config
        change(config["servers"], config["domains"])
        world.hall.write(config)
    if start:
        world.start()
    return world


def reload(world, bus, change=None, expect="config_loaded"):
    """Writes the changed configuration, sends SIGHUP, waits for Hall's word. change(config)."""
    import signal

    if change:
        change(world.hall.config)
        world.hall.write(world.hall.config)
    mark = bus.mark()
    world.hall.process.signal(signal.SIGHUP)
    return hall_event(bus, expect, mark)


# What Hall says

def wait_last(bus, where, text, limit=60.0):
    """Until the last word there is this one."""
    def says():
        last = bus.last(where)
        return last and last.text() == text

    wait_until(says, limit, f"{text} on {where}")


def newest(bus, where):
    """The last document there; the first one is waited for."""
    bus.wait(where)
    return bus.last(where).json()


def status(bus, server):
    return newest(bus, topic(server, "status"))


def wait_status(bus, server, where, limit=60.0, after=0, what="such status"):
    """The newest status if it is so, else the first that comes which is; those before `after` do not count."""
    with_newest = max((i for i, m in enumerate(bus.messages) if m.topic == topic(server, "status")), default=0)
    return bus.wait(topic(server, "status"), lambda m: m.payload and where(m.json()), max(after, with_newest), limit, what).json()


def leases(bus, server, kind):
    return [lease for lease in status(bus, server)["leases"] if lease["kind"] == kind]


def wait_lease(bus, server, kind, limit=60.0, **wanted):
    def fits(lease):
        return lease["kind"] == kind and all(lease[k] == v for k, v in wanted.items())

    found = wait_status(bus, server, lambda s: any(fits(x) for x in s["leases"]), limit, what=f"a lease {kind} {wanted}")
    return next(x for x in found["leases"] if fits(x))


def wait_no_lease(bus, server, kind, limit=60.0):
    wait_status(bus, server, lambda s: all(x["kind"] != kind for x in s["leases"]), limit, what=f"no lease {kind}")


def hall_event(bus, kind, after=0, limit=60.0):
    return bus.wait_json("hall/event", after, limit, event_type=kind).json()


def answer_of(bus, server, action, after, outcome, limit=60.0):
    """The answer to a command without an id."""
    return bus.wait_json(topic(server, "result"), after, limit, action=action, outcome=outcome).json()


def instant(text):
    """Seconds of an RFC 3339 time."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


# Processes: a program that was started has its own name only a moment after, and its words again a moment later

def name_of(pid):
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except (FileNotFoundError, ProcessLookupError):
        return None


def words_of(pid):
    """What it was started with; nothing while it is becoming what it is to be, and once it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace").split("\0")[:-1]
    except (FileNotFoundError, ProcessLookupError):
        return []


# Time

def promised(seconds, otherwise=60):
    """A test with a `limit`: what is promised, measured by itself, and a patient one beside the other tests and under sanitizers."""
    return pytest.mark.parametrize("limit", [otherwise, pytest.param(seconds, marks=pytest.mark.measures)], ids=["patient", "promised"])


# Chance

def seed():
    """HALL_SEED, or 1: what is left to chance is the same in every run, and another for who asks for it."""
    number = int(os.environ.get("HALL_SEED", "1"))
    print(f"HALL_SEED={number}")
    return number


# Wall time

def local_minutes(zone, minutes, start=None):
    """HH:MM in that zone, so many minutes from now (or from start)."""
    now = datetime.fromtimestamp(time.time() if start is None else start, timezone.utc)
    return (now + timedelta(minutes=minutes)).astimezone(ZoneInfo(zone)).strftime("%H:%M")


def window(zone, before, after, start=None):
    """A daily window from `before` minutes ago (negative: from now) to `after` minutes from now (or from start)."""
    return {"days": "daily", "from": local_minutes(zone, -before, start), "to": local_minutes(zone, after, start)}


def steady(zone):
    """That zone; one whose clocks are never set where its own are within half a day: hours named by the clock are skipped then, or
    come twice."""
    now = datetime.now(timezone.utc)
    offsets = {(now + timedelta(hours=hours)).astimezone(ZoneInfo(zone)).utcoffset() for hours in range(-12, 13)}
    return zone if len(offsets) == 1 else "Asia/Kathmandu"


def zone_by_day():
    """Somewhere it is the middle of the day: no midnight comes while a test runs, and no clock is set."""
    return next(z for z in ("Europe/Paris", "Asia/Tokyo", "America/New_York") if "06:00" < local_minutes(z, 0) < "22:00")
