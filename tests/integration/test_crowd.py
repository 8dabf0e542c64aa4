"""More sites, visitors and holds of one server than fit on a page: each keeps it awake, is told of and outlives Hall."""

import os
import signal
import sqlite3
import subprocess

import openapi
import pytest
from clocks import Clock
from helpers import (answer_of, awake, barrier, command, configured, leases, newest, reload, result, state_of, status, topic, wait_event,
                     wait_lease, wait_state, wait_status)
from lan import free_port
from process import wait_until
from world import BROWSER, Broker, Hall

SITES = [f"site{n:02}.localhost" for n in range(45)]
HOLDS = 128  # and wake commands, of one server
KEY = "0123456789abcdef0123456789abcdef"


def crowd(idle="20m"):
    def change(_servers, domains):
        for site in SITES:
            domains[site] = {"server": "testing", "policy": {"idle": idle}}

    return change


def visit(world, site):
    answer = world.hall.auth("/", host=site, headers=BROWSER)
    assert answer.status == 200, answer


def holders(found, kind):
    return [lease["holder"] for lease in found["leases"] if lease["kind"] == kind]


def all_leases(world):
    """By the API, page for page."""
    found, place = [], ""
    while place is not None:
        answer = world.hall.ask_admin(f"/api/v1/leases?limit=100{place}", {"X-API-Key": KEY}, host="localhost")
        assert answer.status == 200, answer.body
        openapi.check("GET", "/leases", answer)
        found += answer.json()["leases"]
        place = f"&after={answer.json()['next']}" if answer.json()["next"] else None
    return found


def why(world):
    hallctl = world.hall.binary.parent / "hallctl"
    environment = os.environ | {"HALL_MQTT_URL": f"mqtt://127.0.0.1:{world.broker.port}", "HALL_MQTT_USERNAME": "operator",
                                "HALL_MQTT_PASSWORD": world.broker.passwords["operator"], "LC_ALL": "C.UTF-8"}
    return subprocess.run([hallctl, "why", "testing"], env=environment, capture_output=True, text=True, timeout=30, check=True).stdout


def test_each_visitor_of_a_crowd_is_told_of_and_outlives_hall(make_world):
    world = configured(make_world, crowd())
    bus = world.bus()
    awake(bus, "testing")
    for site in SITES:
        visit(world, site)
    found = wait_status(bus, "testing", lambda s: len(holders(s, "visit")) == len(SITES), what="a lease of each site")
    assert sorted(holders(found, "visit")) == SITES and found["leases_more"] == 0
    assert all(site in found["awake_because"] for site in SITES)
    said = why(world)
    assert all(site in said for site in SITES), said
    reload(world, bus)
    assert sorted(holders(status(bus, "testing"), "visit")) == SITES
    world.hall.stop()
    mark = bus.mark()
    world.hall.start()
    bus.wait_text("hall/status", "online", mark)
    barrier(bus)  # what is as before is not published again
    found = wait_status(bus, "testing", lambda s: len(holders(s, "visit")) == len(SITES), what="each lease after a restart")
    assert sorted(holders(found, "visit")) == SITES
    wait_state(bus, "testing", "ready", 60)


def test_each_visitor_of_a_crowd_keeps_the_server_awake(make_world):
    world = configured(make_world, crowd("1m"), start=False, idle="1m")
    clock = Clock(world)
    world.start()
    bus = world.bus()
    awake(bus, "testing")
    for site in SITES:
        visit(world, site)
    clock.pass_by(bus, 15)
    for number in (10, 39, 44):  # the 11th, the 40th, the last: each by itself
        mark, began = bus.mark(), clock.elapsed()
        visit(world, SITES[number])
        wait_lease(bus, "testing", "visit", holder=SITES[number])
        clock.pass_by(bus, 50, since=began)
        found = status(bus, "testing")
        assert holders(found, "visit") == [SITES[number]] and SITES[number] in found["awake_because"]
        assert state_of(bus, "testing") == "ready"
        assert not [m for m in bus.heard(topic("testing", "event"), mark) if m.json()["event_type"] == "sleep_requested"]
    mark = bus.mark()
    clock.pass_by(bus, 30)
    wait_event(bus, "testing", "asleep", mark, 60)


def test_names_are_whole(make_world):
    """Two domains that begin with the same 64 letters: only one is always on."""
    alike = "a" * 60 + ".home."
    one, other = f"{alike}one.localhost", f"{alike}other.localhost"

    def change(_servers, domains):
        domains[one] = {"server": "testing", "policy": {"mode": "on_demand", "idle": "1m"}}
        domains[other] = {"server": "testing", "policy": {"mode": "always_on"}}

    world = configured(make_world, change)
    bus = world.bus()
    wait_state(bus, "testing", "ready", 60)
    wait_lease(bus, "testing", "always_on", holder=other)
    assert [lease["holder"] for lease in leases(bus, "testing", "always_on")] == [other]
    visit(world, one)
    visit(world, other)
    wait_lease(bus, "testing", "visit", holder=one)
    wait_lease(bus, "testing", "visit", holder=other)


def hold(bus, name, mark):
    bus.publish(topic("testing", f"hold/{name}"), {"for": "2h", "reason": "r" * 60})
    return answer_of(bus, "testing", "hold", mark, "done")


def test_as_many_holds_as_there_may_be(make_world):
    world = configured(make_world, crowd(), start=False)
    world.hall.secrets = {"HALL_API_KEY": KEY}
    world.start()
    bus = world.bus()
    wait_state(bus, "testing", "off", 60)
    names = [f"hold-{n:03}-" + "n" * 50 for n in range(HOLDS)]
    for name in names:
        hold(bus, name, bus.mark())
    mark = bus.mark()
    bus.publish(topic("testing", "hold/one-more"), {"for": "2h"})
    refused = answer_of(bus, "testing", "hold", mark, "refused")
    assert refused["reason_fact"] == {"code": "answer.leases_full", "most": HOLDS}, refused
    assert str(HOLDS) in refused["reason"]
    id, mark = command(bus, "testing", "wake", by="one-more")
    assert result(bus, "testing", id, "refused", mark)["reason_fact"]["code"] == "answer.leases_full"
    wait_state(bus, "testing", "ready", 60)
    visit(world, SITES[40])  # has a place of his own
    found = wait_status(bus, "testing", lambda s: len(s["leases"]) + s["leases_more"] == HOLDS + 1, what="all leases")
    assert found["leases_more"] > 0 and found["awake_because"].endswith(" more")
    assert len(bus.last(topic("testing", "status")).payload) < 65536
    assert f"and {found['leases_more']} more" in why(world)
    listed = all_leases(world)
    assert sorted(lease["holder"] for lease in listed) == sorted([*names, SITES[40]])
    assert all(lease["server"] == "testing" for lease in listed)
    world.hall.stop()
    mark = bus.mark()
    world.hall.start()
    bus.wait_text("hall/status", "online", mark)
    assert sorted(lease["holder"] for lease in all_leases(world)) == sorted([*names, SITES[40]])
    mark = bus.mark()
    bus.publish(topic("testing", f"hold/{names[7]}"), "")
    answer_of(bus, "testing", "release", mark, "done")
    hold(bus, "one-more", mark)
    wait_status(bus, "testing", lambda s: len(s["leases"]) + s["leases_more"] == HOLDS + 1, what="all leases")


def test_each_site_of_a_crowd_is_counted(make_world):
    """The visits of one hour are in the store site by site, and those of each project outlive Hall."""
    many = [f"many{n:03}.localhost" for n in range(300)]
    projects = [f"project{n:02}" for n in range(40)]

    def change(_servers, domains):
        for site in many:
            domains[site] = {"server": "testing"}
        for n, project in enumerate(projects):
            domain = domains.setdefault(f"group{n // 16}.localhost", {"server": "testing", "projects": {}})
            domain["projects"][project] = {"path": f"/{project}"}

    world = configured(make_world, change)
    bus = world.bus()
    awake(bus, "testing")
    for site in many:
        visit(world, site)
    for n, project in enumerate(projects):
        world.hall.auth(f"/{project}", host=f"group{n // 16}.localhost", headers=BROWSER)
    for project in projects:
        bus.wait_json(f"hall/projects/{project}/status", visits=1)
    world.hall.stop()
    with sqlite3.connect(world.hall.config["store"]["path"]) as db:
        counted = {name for name, in db.execute("SELECT DISTINCT domain FROM visits")}
    assert set(many) <= counted, sorted(set(many) - counted)
    mark = bus.mark()
    world.hall.start()
    bus.wait_text("hall/status", "online", mark)
    barrier(bus)  # what is as before is not published again
    wait_until(lambda: all(newest(bus, f"hall/projects/{project}/status")["visits"] == 1 for project in projects), 60, "the visits of before")


@pytest.fixture
def behind_a_relay(binary, tmp_path):
    """100 servers that one relay wakes."""
    broker = Broker(tmp_path / "broker", [], users=("hall", "operator", "attic"))
    broker.start()
    (tmp_path / "store").mkdir()
    config = {
        "mqtt": {"url": f"mqtt://127.0.0.1:{broker.port}", "username": "hall"},
        "http": {"gateway": f"127.0.0.1:{free_port()}", "admin": f"127.0.0.1:{free_port()}"},
        "store": {"path": str(tmp_path / "store" / "hall.db")},
        "servers": {f"s{n}": {"address": f"127.0.1.{1 + n}", "mac": f"02:00:00:00:00:{n:02x}", "wake": {"relay": "attic"},
                              "checks": [{"agent": {}}]} for n in range(100)},
        "domains": {"s0.crowd": {"server": "s0"}},
    }
    hall = Hall(binary, tmp_path / "hall", config, broker.passwords["hall"])
    hall.start()
    yield hall, broker
    hall.stop()
    broker.stop()


def test_a_relay_is_asked_for_all_at_once(behind_a_relay):
    """Before it answers the first one."""
    hall, broker = behind_a_relay
    relay, bus = broker.bus("attic", topics=("hall/relays/attic/send",)), broker.bus("operator")
    bus.wait_text("hall/status", "online", limit=60)
    relay.publish("hall/relays/attic/state", "online", retain=True)
    asked = set()
    try:
        hall.process.signal(signal.SIGSTOP)  # it is asked for all within the time that a relay has to answer
        for n in range(100):
            bus.publish(f"hall/servers/s{n}/command", "wake")
        hall.process.signal(signal.SIGCONT)
        for n in range(100):
            sent = relay.wait("hall/relays/attic/send", lambda m, n=n: m.json()["mac"] == f"02:00:00:00:00:{n:02x}")
            asked.add(sent.json()["id"])
        assert len(asked) == 100
        failed = [line for line in hall.log_text().splitlines() if "could not be sent" in line]
        assert all(line.endswith("relay attic did not answer") for line in failed), failed
    finally:
        relay.close()
        bus.close()
