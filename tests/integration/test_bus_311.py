"""Over MQTT 3.1.1 the broker does not say whether what it passes on at once is retained: nothing that is runs twice for it, and
no hold begins again."""

import json
import time

import pytest
from helpers import (answer_of, asleep, awake, barrier, events, hall_again, instant, leases, result, results, state_of, topic, wait_lease,
                     wait_no_lease, wait_state)
from process import wait_until
from test_bus import keeps_nothing


@pytest.fixture
def old(make_world):
    world = make_world(start=False)
    world.hall.config["mqtt"]["version"] = "3.1.1"
    world.hall.write(world.hall.config)
    world.start()
    bus = world.bus()
    bus.wait("hall/info", lambda m: m.json()["broker"] == {"protocol": "3.1.1"})
    wait_state(bus, "testing", "off")
    return world, bus


def again(world, bus):
    """Hall is killed, comes back, and has heard all that the broker keeps."""
    hall_again(world, bus)
    barrier(bus)


def kept(world, name):
    """What the broker keeps there, from a new client."""
    bus = world.bus(user="hall", topics=[name, "hall/servers/marker/event"])
    bus.publish("hall/servers/marker/event", "here")
    bus.wait_text("hall/servers/marker/event", "here")
    return [m.json() for m in bus.heard(name) if m.retained]


HOLD = topic("testing", "hold/backup")


@pytest.mark.parametrize("words", [{}, {"id": "h-1"}], ids=["nameless", "id"])
def test_a_retained_hold_ends_when_it_was_to_end(old, words):
    world, bus = old
    mark = bus.mark()
    bus.publish(HOLD, {"for": "2h", "reason": "disks", **words}, retain=True)
    until = wait_lease(bus, "testing", "hold", holder="backup")["until"]
    bus.wait(HOLD, lambda m: m.payload and "until" in m.json(), mark)
    assert abs(instant(kept(world, HOLD)[0]["until"]) - time.time() - 7200) < 60
    barrier(bus)
    assert [m.json()["outcome"] for m in bus.heard(topic("testing", "result"), mark) if m.json()["action"] == "hold"] == ["accepted", "done"]
    before = time.time()
    wait_until(lambda: time.time() >= before + 2, 10, "an end that would be another")
    again(world, bus)
    lease = wait_lease(bus, "testing", "hold", holder="backup")
    assert abs(instant(lease["until"]) - instant(until)) <= 1 and "disks" in lease["label"]
    assert "for" not in kept(world, HOLD)[0]


@pytest.mark.parametrize("how", ["empty", "retained", "command"])
def test_a_hold_that_was_released_does_not_come_back(old, how):
    world, bus = old
    mark = bus.mark()
    bus.publish(HOLD, {"for": "2h"}, retain=True)
    wait_lease(bus, "testing", "hold", holder="backup")
    bus.wait(HOLD, lambda m: m.payload and "until" in m.json(), mark)
    if how == "command":
        asleep(bus, "testing")  # by force
    else:
        bus.publish(HOLD, b"", retain=how == "retained")
        answer_of(bus, "testing", "release", mark, "done")  # on the disk, too
    wait_no_lease(bus, "testing", "hold")
    wait_until(lambda: keeps_nothing(world, HOLD), 15, "nothing on the broker")
    again(world, bus)
    assert leases(bus, "testing", "hold") == []
    bus.publish(HOLD, {"for": "1h"})  # and the next is one
    wait_lease(bus, "testing", "hold", holder="backup")
    bus.publish(HOLD, b"")
    wait_no_lease(bus, "testing", "hold")


COMMANDS = {
    "wake": ("command", {"action": "wake", "id": "kept"}), "word": ("command", "wake"), "power": ("power/set", "ON"),
    "policy": ("policy/set", "always_on"), "idle": ("idle/set", "20"), "keep": ("keep_awake/set", "ON"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_retained_command_runs_once_and_is_not_kept(old, name):
    world, bus = old
    what, payload = COMMANDS[name]
    mark = bus.mark()
    bus.publish(topic("testing", what), payload, retain=True)
    answer = bus.wait(topic("testing", "result"), lambda m: m.json()["outcome"] in ("accepted", "done"), mark).json()
    wait_until(lambda: keeps_nothing(world, topic("testing", what)), 15, "nothing on the broker")
    bus.wait(topic("testing", "result"), lambda m: m.json()["id"] == answer["id"] and m.json()["outcome"] == "done", mark, 30)
    if name != "idle":  # all others wake it
        wait_state(bus, "testing", "ready", 60)
        asked = bus.mark()
        bus.publish(topic("testing", "hold/later"), {"for": "1h"})
        answer_of(bus, "testing", "hold", asked, "done")  # by then the end of the wake is on the disk: it is not taken up again
    frames = world.sims["testing"].count("frame")
    again(world, bus)
    assert events(bus, "testing", "wake_requested", mark)[1:] == [], "at most one wake"
    assert [r["outcome"] for r in results(bus, "testing", answer["id"])].count("done") == 1
    said = [m.json() for m in bus.heard(topic("testing", "result"), mark) if m.json()["action"] == answer["action"]]
    assert {r["id"] for r in said} == {answer["id"]} and not any(r["outcome"] == "refused" for r in said)
    assert world.sims["testing"].count("frame") == frames


def test_an_empty_policy_is_a_command_beside_halls_own_clearing(old):
    """Each is answered; what comes back of Hall's own is not."""
    world, bus = old
    mark = bus.mark()

    def said():
        return sorted(m.json()["outcome"] for m in bus.heard(topic("testing", "result"), mark) if m.json()["action"] == "policy")

    for _ in range(5):
        bus.publish(topic("testing", "policy/set"), "always_on")
        bus.publish(topic("testing", "policy/set"), b"")
    wait_until(lambda: len(said()) >= 20, 20, "each of the answers")
    barrier(bus)
    assert said() == ["accepted"] * 10 + ["done"] * 10
    assert bus.last(topic("testing", "status")).json()["policy"] == "on_demand"
    awake(bus, "testing")
    assert state_of(bus, "testing") == "ready" and json.loads(bus.last("hall/info").payload)["broker"] == {"protocol": "3.1.1"}
    bus.publish(topic("testing", "command"), {"action": "sleep", "id": "s", "force": True})
    result(bus, "testing", "s", "done", 0, 60)
