"""Servers that need each other, and servers on one circuit: who is woken when, who sleeps first, who fails with whom."""

import pytest
from helpers import (command, configured, events, reload, result, simple_servers, state_of, status, topic, wait_event, wait_lease,
                     wait_no_lease, wait_state, wait_status)
from process import wait_until
from world import BROWSER


def needs(**edges):
    """For configured(): app=["db"] says that app needs db."""

    def change(servers, _domains):
        for id, needed in edges.items():
            servers[id]["depends_on"] = needed

    return change


def build(make_world, change, ids, **options):
    options.setdefault("namespaces", False)
    return configured(make_world, change, servers=simple_servers(*ids), **options)


def first_frame(world, server):
    return world.sims[server].wait("frame", 60)["seen_mono"]


def event_at(bus, server, kind, after=0, limit=20.0):
    """Its place among all that was told."""
    return bus.messages.index(bus.wait_json(topic(server, "event"), after, limit, event_type=kind))


def opened_at(world, server):
    """When its site was about to answer."""
    return world.sims[server].wait("opening")["mono"]


def visit(world, server):
    return world.hall.auth("/", host=f"{server}.localhost", headers=BROWSER)


def settle_off(bus, ids):
    for id in ids:
        wait_state(bus, id, "off")


@pytest.mark.parametrize("namespaces", [True, False], ids=["namespaces", "loopback"])
def test_the_needed_one_is_woken_first_and_is_ready_before_the_other_gets_a_packet(make_world, namespaces):
    world = build(make_world, needs(app=["db"]), ("app", "db"), namespaces=namespaces)
    bus = world.bus()
    settle_off(bus, ("app", "db"))
    world.sims["app"].tell("hold on")  # its site does not answer before its agent is seen
    assert visit(world, "app").status == 503
    packet = first_frame(world, "app")
    assert first_frame(world, "db") < packet
    assert opened_at(world, "db") < packet, "not before its site answers"
    assert event_at(bus, "db", "ready") < event_at(bus, "app", "packet_sent")
    bus.wait_text(topic("app", "state"), "booting", limit=60)
    world.sims["app"].tell("hold off")
    wait_state(bus, "app", "ready", 60)
    lease = wait_lease(bus, "db", "dependent", holder="app")
    assert lease["until"] is None
    assert "app" in status(bus, "db")["awake_because"]
    states = [m.text() for m in bus.heard(topic("app", "state"))]
    assert states[-3:] == ["waking", "booting", "ready"]


def test_the_wait_is_named_while_it_lasts(make_world):
    world = build(make_world, needs(app=["db"]), ("app", "db"))
    bus = world.bus()
    settle_off(bus, ("app", "db"))
    world.sims["db"].tell("deaf on")
    visit(world, "app")
    found = wait_status(bus, "app", lambda s: s["state"] == "waking" and "waits for db" in s["reason"], 60)
    assert found["wake"] and found["wake"]["stage"] is None
    assert world.sims["app"].count("frame") == 0
    answer = world.hall.get("/.hall/status?path=/", host="app.localhost").json()
    assert answer["state"] == "waking"
    world.sims["db"].tell("boot")
    wait_state(bus, "app", "ready", 60)


def test_chain_wakes_from_the_bottom_and_sleeps_from_the_top(make_world):
    ids = ("web", "app", "db")
    world = build(make_world, needs(web=["app"], app=["db"]), ids, idle="1s")
    bus = world.bus()
    settle_off(bus, ids)
    mark = bus.mark()
    id, _ = command(bus, "web", "wake")
    result(bus, "web", id, "done", mark, 60)
    assert first_frame(world, "db") < first_frame(world, "app") < first_frame(world, "web")
    readies = [event_at(bus, id, "ready", mark) for id in ("db", "app", "web")]
    assert readies == sorted(readies)
    for id in ids:
        assert world.sims[id].count("boot") == 1
    for id in ids:
        wait_state(bus, id, "off", 60)
    asleep = [event_at(bus, id, "asleep", mark) for id in ("web", "app", "db")]
    assert asleep == sorted(asleep), "nobody is slept before those that need it"
    wait_no_lease(bus, "db", "dependent")


def test_diamond_wakes_the_middle_in_parallel_and_the_bottom_once(make_world):
    ids = ("top", "left", "right", "base")
    world = build(make_world, needs(top=["left", "right"], left=["base"], right=["base"]), ids, boot_s=1.5)
    bus = world.bus()
    settle_off(bus, ids)
    visit(world, "top")
    wait_state(bus, "top", "ready", 60)
    packets = {id: first_frame(world, id) for id in ids}
    assert packets["base"] < min(packets["left"], packets["right"])
    sent, readies = ([event_at(bus, id, kind) for id in ("left", "right")] for kind in ("packet_sent", "ready"))
    assert max(sent) < min(readies), "in parallel"
    assert max(opened_at(world, id) for id in ("left", "right")) < packets["top"]
    for id in ids:
        assert len(events(bus, id, "wake_requested")) == 1 and world.sims[id].count("boot") == 1
    assert {x["holder"] for x in status(bus, "base")["leases"] if x["kind"] == "dependent"} == {"left", "right"}


def test_one_that_is_needed_is_not_put_to_sleep(make_world):
    world = build(make_world, needs(app=["db"]), ("app", "db"))
    bus = world.bus()
    settle_off(bus, ("app", "db"))
    visit(world, "app")
    wait_state(bus, "app", "ready", 60)
    id, mark = command(bus, "db", "sleep")
    assert "app" in result(bus, "db", id, "refused", mark)["reason"]
    assert state_of(bus, "db") == "ready"
    id, mark = command(bus, "app", "sleep", force=True)
    result(bus, "app", id, "done", mark, 60)
    wait_no_lease(bus, "db", "dependent")


def test_failure_of_the_needed_one_is_told_everywhere(make_world):
    def change(servers, _domains):
        needs(app=["db"])(servers, _domains)
        servers["db"]["wake"]["timeout"] = "4s"

    world = build(make_world, change, ("app", "db"))
    bus = world.bus()
    settle_off(bus, ("app", "db"))
    world.sims["db"].tell("deaf on")
    id, mark = command(bus, "app", "wake")
    failed = result(bus, "app", id, "failed", mark, 60)
    assert failed["reason"].startswith("db, which it needs, did not become ready") and "no sign" in failed["reason"]
    wait_state(bus, "app", "wake_failed")
    wait_state(bus, "db", "wake_failed")
    assert "db" in wait_event(bus, "app", "wake_failed", mark)["detail"]
    assert "db, which it needs" in wait_status(bus, "app", lambda s: s["problem"], 60)["problem"]
    assert world.sims["app"].count("frame") == 0
    answer = world.hall.get("/.hall/status?path=/", host="app.localhost").json()
    assert answer["state"] == "wake_failed"
    page = world.hall.get("/.hall/wait?path=/", {**BROWSER, "Accept-Language": "en"}, host="app.localhost").text()
    assert "needs did not" in page or "depends" in page or "db" in page, (answer, page[-2500:])
    world.sims["db"].tell("deaf off")
    reload(world, bus, lambda config: config["servers"]["db"]["wake"].update(timeout="60s"))
    id, mark = command(bus, "app", "wake")
    result(bus, "app", id, "done", mark, 60)


def test_a_needed_one_that_is_up_already_is_not_woken(make_world):
    world = build(make_world, needs(app=["db"]), ("app", "db"))
    bus = world.bus()
    settle_off(bus, ("app", "db"))
    id, mark = command(bus, "db", "wake")
    result(bus, "db", id, "done", mark, 60)
    packets = world.sims["db"].count("frame")
    visit(world, "app")
    wait_state(bus, "app", "ready", 60)
    assert world.sims["db"].count("frame") == packets


def test_waking_the_needed_one_while_it_falls_asleep(make_world):
    world = build(make_world, needs(app=["db"]), ("app", "db"))
    bus = world.bus()
    settle_off(bus, ("app", "db"))
    id, mark = command(bus, "db", "wake")
    result(bus, "db", id, "done", mark, 60)
    id, mark = command(bus, "db", "sleep", force=True)
    bus.wait_text(topic("db", "state"), "sleeping", mark)
    visit(world, "app")
    wait_state(bus, "app", "ready", 60)
    assert world.sims["db"].count("boot") == 2


def test_of_a_circuit_one_starts_at_a_time(make_world):
    ids = ("one", "two", "three", "free")

    def change(servers, _domains):
        for id in ids[:3]:
            servers[id]["group"] = "phase1"

    world = build(make_world, change, ids, boot_s=1.2)
    bus = world.bus()
    settle_off(bus, ids)
    mark = bus.mark()
    world.sims["one"].tell("deaf on")
    for id in ids:
        visit(world, id)
    turns = wait_until(lambda: [m for id in ids[:3] for m in bus.heard(topic(id, "status"), mark)
                                if "waits for its turn" in m.json()["reason"]], 30, "a turn")
    assert "phase1" in turns[0].json()["reason"]
    wait_state(bus, "free", "ready", 60)  # others are not held up
    world.sims["one"].tell("boot")
    for id in ids:
        wait_state(bus, id, "ready", 60)
    frames = sorted((first_frame(world, id), id) for id in ids[:3])
    sites = {id: opened_at(world, id) for id in ids}
    for (_, before), (packet, _) in zip(frames, frames[1:]):
        assert packet >= sites[before], "not before the one ahead is up"
    assert frames[0][1] == "one" and opened_at(world, "free") < frames[1][0]
    assert all(len(events(bus, id, "wake_requested", mark)) == 1 for id in ids)


def test_a_turn_is_given_on_when_the_first_fails(make_world):
    def change(servers, _domains):
        for id in ("one", "two"):
            servers[id]["group"] = "phase1"
        servers["one"]["wake"]["timeout"] = "4s"

    world = build(make_world, change, ("one", "two"))
    bus = world.bus()
    settle_off(bus, ("one", "two"))
    world.sims["one"].tell("deaf on")
    id, mark = command(bus, "one", "wake")
    wait_event(bus, "one", "packet_sent", mark)
    second, mark = command(bus, "two", "wake")
    result(bus, "one", id, "failed", 0, 60)
    result(bus, "two", second, "done", mark, 60)
    assert event_at(bus, "one", "wake_failed") < event_at(bus, "two", "packet_sent")


def test_a_cycle_is_refused_when_the_configuration_is_read(make_world):
    import subprocess

    world = build(make_world, needs(app=["db"], db=["app"]), ("app", "db"), start=False)
    done = subprocess.run([world.hall.binary, "--config", world.hall.file, "--check"], capture_output=True, text=True, timeout=10,
                          env=world.hall.environment(), check=False)
    assert done.returncode == 1 and "/servers/" in done.stderr and "depends_on" in done.stderr, done.stderr
