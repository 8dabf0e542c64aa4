"""What counts upwards only: energy and wakes as published, over kills, restarts, other watts, and a server that goes and
comes again."""

import copy
import json
import sqlite3
import time
from pathlib import Path

import pytest
from helpers import asleep, awake, reload, status, topic, wait_state, wait_status
from process import wait_until
from test_reload import add_extra

WATTS = {"on": 10000, "asleep": 4000}  # a watt-hour in less than a second
KEY = "key for tests 0123456789"
COUNTERS = ("used_kwh", "saved_kwh", "wakes")


@pytest.fixture
def world(make_world):
    world = make_world(start=False, boot_s=0.4)
    world.hall.secrets = {"HALL_API_KEY": KEY}
    world.hall.config["servers"]["testing"]["watts"] = WATTS
    world.hall.write(world.hall.config)
    world.start()
    return world


@pytest.fixture
def bus(world):
    return world.bus()


def counters(message):
    told = message.json()
    return {**told["energy"], "wakes": told["wakes"]}


def published(bus, server="testing"):
    """All that was published of it, in order; what a broker says again to a new subscriber is not there twice."""
    return [counters(m) for m in bus.heard(topic(server, "status")) if m.text()]


def check_rising(bus, server="testing"):
    all_of = published(bus, server)
    for key in COUNTERS:
        values = [one[key] for one in all_of]
        assert values == sorted(values), f"{key} falls: {values}"
    return all_of[-1]


def cycle(bus):
    """Up and down once: what it used and saved meanwhile is published."""
    before = published(bus)[-1]
    awake(bus, "testing")
    wait_until(lambda: published(bus)[-1]["wakes"] > before["wakes"], 10, "the wake is counted")
    asleep(bus, "testing")
    wait_until(lambda: published(bus)[-1]["used_kwh"] > before["used_kwh"], 10, "what it used")


def begin_again(world, bus):
    mark = bus.mark()
    world.hall.start()
    bus.wait_text("hall/status", "online", mark)
    wait_until(lambda: [m for m in bus.heard(topic("testing", "status"), mark) if m.text()], 10, "the first status")


def test_a_new_server_begins_at_zero(world, bus):
    wait_state(bus, "testing", "off")
    first = published(bus)[0]
    assert (first["used_kwh"], first["saved_kwh"], first["wakes"]) == (0, 0, 0) and first["basis"] == "configured"
    reload(world, bus, add_extra(world))
    wait_until(lambda: published(bus, "extra"), 10, "the new one")
    assert published(bus, "extra")[0]["used_kwh"] == 0


def test_a_kill_undercuts_nothing(world, bus):
    wait_state(bus, "testing", "off")
    cycle(bus)
    world.hall.kill()
    begin_again(world, bus)
    awake(bus, "testing")
    time.sleep(1.5)  # four watt-hours
    for sick, state in (("on", "degraded"), ("off", "ready")):  # each is published with what is counted by then
        world.sims["testing"].tell(f"sick {sick}")
        wait_state(bus, "testing", state)
        wait_until(lambda state=state: status(bus, "testing")["state"] == state, 10, "its status")
        world.hall.kill()
        begin_again(world, bus)
    wait_state(bus, "testing", "ready")
    asleep(bus, "testing")
    last = check_rising(bus)
    assert last["wakes"] == 2 and last["used_kwh"] > 0.001


def test_a_restart_loses_nothing(world, bus):
    wait_state(bus, "testing", "off")
    cycle(bus)
    awake(bus, "testing")
    assert world.hall.stop() == 0
    begin_again(world, bus)
    assert check_rising(bus)["wakes"] == 2


def statistics(world):
    """Of the period, by the dashboard's API."""
    return world.hall.ask_admin("/api/v1/statistics?server=testing", {"X-API-Key": KEY}).json()["servers"][0]["energy"]


def test_other_watts_hold_from_then_on(world, bus):
    wait_state(bus, "testing", "off")
    cycle(bus)
    before, past = published(bus)[-1], statistics(world)
    for watts in ({"on": 30, "asleep": 60}, None):
        change = copy.deepcopy(world.hall.config)
        change["servers"]["testing"].pop("watts", None)
        if watts:
            change["servers"]["testing"]["watts"] = watts
        world.hall.config = change
        reload(world, bus, lambda _config: None)
        awake(bus, "testing")
        asleep(bus, "testing")
    after = check_rising(bus)
    # Never ten kilowatts' worth of the past, nor less than what was counted by them.
    assert before["used_kwh"] <= after["used_kwh"] < before["used_kwh"] + 0.1
    now = statistics(world)
    assert past["used_kwh"] <= now["used_kwh"] < past["used_kwh"] + 0.1
    assert past["always_on_kwh"] <= now["always_on_kwh"] < past["always_on_kwh"] + 0.1


def test_a_server_that_comes_again_goes_on_where_it_was(world, bus):
    wait_state(bus, "testing", "off")
    cycle(bus)
    before = published(bus)[-1]
    whole = copy.deepcopy(world.hall.config)

    def take_away(config):
        del config["servers"]["testing"], config["domains"]["testing.localhost"]

    def bring_back(config):
        config.update(copy.deepcopy({key: whole[key] for key in ("servers", "domains")}))

    for restart in (False, True):
        mark = bus.mark()
        reload(world, bus, take_away)
        bus.wait(topic("testing", "status"), lambda m: not m.text(), mark)
        if restart:
            world.hall.kill()
            mark = bus.mark()
            world.hall.start()
            bus.wait_text("hall/status", "online", mark)
        reload(world, bus, bring_back)
        wait_until(lambda after=mark: [m for m in bus.heard(topic("testing", "status"), after) if m.text()], 10, "it is back")
    after = check_rising(bus)
    assert after["used_kwh"] >= before["used_kwh"] > 0 and after["wakes"] == before["wakes"] == 1


def test_what_an_earlier_version_counted_is_the_base(world, bus):
    wait_state(bus, "testing", "off")
    cycle(bus)
    assert world.hall.stop() == 0
    file = Path(world.hall.config["store"]["path"])
    with sqlite3.connect(file) as db:  # as version 2 had it
        db.executescript("""
            CREATE TABLE old_totals (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, on_ms INTEGER NOT NULL, asleep_ms INTEGER NOT NULL, server TEXT NOT NULL) STRICT;
            DROP TABLE totals; ALTER TABLE old_totals RENAME TO totals;
            INSERT INTO totals VALUES (1, 1, 3600000, 7200000, 'testing');
            CREATE TABLE old_spans (id INTEGER PRIMARY KEY, ended INTEGER NOT NULL, ms INTEGER NOT NULL, state INTEGER NOT NULL, open INTEGER NOT NULL, server TEXT NOT NULL) STRICT;
            INSERT INTO old_spans SELECT id, ended, ms, state, open, server FROM spans;
            DROP TABLE spans; ALTER TABLE old_spans RENAME TO spans;
            ALTER TABLE wakes DROP COLUMN cause_fact; ALTER TABLE sleeps DROP COLUMN reason_fact;
            ALTER TABLE refusals DROP COLUMN why_fact;
            PRAGMA user_version = 2""")
    mark = bus.mark()
    begin_again(world, bus)
    first = counters(next(m for m in bus.heard(topic("testing", "status"), mark) if m.text()))
    assert first["used_kwh"] == pytest.approx(18, abs=0.1) and first["saved_kwh"] == pytest.approx(12, abs=0.1)
    assert first["wakes"] == 1
    with sqlite3.connect(file) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (5,)
        assert db.execute("SELECT count(*) FROM spans WHERE used_mj = -1").fetchone()[0] > 0


def test_the_longest_domain_is_kept_whole(world, bus):
    """A name of 253 characters: in the rows of the store, on the bus, and in the sentences."""
    name = ".".join(["long" * 15, "er" * 30, "d" * 60, "e" * 60, "example"])
    name = "x" * (253 - len(name) - 1) + "." + name
    config = copy.deepcopy(world.hall.config)
    config["domains"][name] = {**config["domains"]["testing.localhost"], "projects": {}}
    reload(world, bus, lambda written: written.update(config))
    wait_state(bus, "testing", "off")
    world.hall.auth("/", host=name)
    wait_state(bus, "testing", "ready")
    told = wait_status(bus, "testing", lambda s: s["leases"] and s["wake"] is None)
    assert [(lease["kind"], lease["holder"], lease["reason_fact"]["site"]) for lease in told["leases"]] == [("visit", name, name)]
    assert told["awake_because_fact"]["code"] == "lease.visit" and f"awake because {name} was visited" in told["awake_because"]
    file = Path(world.hall.config["store"]["path"])
    assert not [m for m in bus.heard("hall/event") if m.json()["event_type"] == "store_problem"]
    world.hall.stop()
    with sqlite3.connect(file) as db:
        domain, cause, fact = db.execute("SELECT domain, cause, cause_fact FROM wakes WHERE server = 'testing'").fetchone()
        events = db.execute("SELECT domain, body FROM events WHERE type = 'wake_requested'").fetchall()
    assert domain == name and cause == f"visit of {name}" and json.loads(fact) == {"code": "wake.visit", "site": name}
    assert [(of, json.loads(body)["detail_fact"]) for of, body in events] == [(name, {"code": "wake.visit", "site": name})]
