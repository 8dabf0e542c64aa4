"""The MQTT contract: topics, answers, refusals, and what the broker keeps."""

import json
import signal
from datetime import datetime, timedelta, timezone

import pytest
from helpers import (STATES, asleep, awake, barrier, command, events, result, results, state_of, status, topic, wait_event, wait_last,
                     wait_state, wait_status)
from process import wait_until


def ago(seconds):
    return (datetime.now(timezone.utc) - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def retained(world, name, limit=5.0):
    """What the broker keeps on a topic: asked by a new client."""
    bus = world.bus(topics=[name])
    return bus.wait(name, lambda m: m.retained, limit=limit)


def keeps_nothing(world, name):
    """A marker sent after subscribing: had there been something kept, it would have come first."""
    bus = world.bus(user="hall", topics=[name, "hall/servers/marker/event"])
    bus.publish("hall/servers/marker/event", "here")
    bus.wait_text("hall/servers/marker/event", "here")
    return [m for m in bus.heard(name) if m.retained] == []


STATUS_KEYS = {"state", "since", "reason", "target", "evidence", "leases", "awake_until", "wake", "last_boot_s", "problem",
               "next_event", "last_ready", "wakes", "policy", "load", "uptime_s", "energy"}


def test_what_stands_retained(world, bus):
    asleep(bus, "testing")
    assert retained(world, "hall/status").text() == "online"
    info = retained(world, "hall/info").json()
    assert {"version", "schema", "started", "servers", "domains", "projects", "broker"} <= set(info)
    for server in ("testing", "erp"):
        assert retained(world, topic(server, "state")).text() in STATES
        assert retained(world, topic(server, "power")).text() in ("ON", "OFF")
        assert STATUS_KEYS <= set(retained(world, topic(server, "status")).json())
        config = retained(world, topic(server, "config")).json()
        assert {"name", "mac", "policy", "idle_s", "keep_awake", "depends_on"} <= set(config)
    for project in ("client1", "client2"):
        assert retained(world, f"hall/projects/{project}/state").text() in (
            "unknown", "missing", "stopped", "starting", "unhealthy", "ready")
        status = retained(world, f"hall/projects/{project}/status").json()
        assert {"server", "domain", "path", "containers", "visits", "last_visit", "problem"} <= set(status)
        assert status["server"] == "testing"


def test_status_tells_why_and_until_when(world, bus):
    awake(bus, "testing")
    world.hall.auth("/client1/", headers={"Accept": "text/html", "Sec-Fetch-Mode": "navigate"})

    def visited():
        status = bus.last(topic("testing", "status")).json()
        return status if any(x["kind"] == "visit" for x in status["leases"]) else None

    status = wait_until(visited, 15, "the visit lease in the status")
    assert status["awake_until"] is not None and status["state"] == "ready"
    assert all({"kind", "holder", "label", "since", "until"} <= set(x) for x in status["leases"])
    assert status["evidence"]["agent"] == "online"


def test_answers_go_to_the_response_topic_with_correlation_data(world, bus):
    asleep(bus, "testing")
    reply = world.bus(topics=["hall/servers/testing/result"])
    answers = world.bus(topics=["reply/#", "hall/replies/#"])
    bus.publish(topic("testing", "command"), {"action": "wake", "id": "corr-1"}, response="hall/replies/corr",
                correlation=b"\x00\x01binary")
    first = answers.wait_json("hall/replies/corr", id="corr-1", outcome="accepted")
    assert first.properties.CorrelationData == b"\x00\x01binary"
    answers.wait_json("hall/replies/corr", id="corr-1", outcome="done", limit=20)
    reply.wait_json(topic("testing", "result"), id="corr-1", outcome="done", limit=20)


@pytest.mark.parametrize("response", ["hall/agents/testing/command", "hall/servers/testing/power/set", "hall/status", "hall/echo",
                                      "homeassistant/sensor/x/config", "homeassistant/status"])
def test_hall_lends_nobody_its_right_to_write(world, bus, response):
    asleep(bus, "testing")
    answers = world.bus(topics=["hall/#", "homeassistant/#"])
    mark = answers.mark()
    bus.publish(topic("testing", "command"), {"action": "wake", "id": "lent-1"}, response=response)
    answers.wait_json(topic("testing", "result"), id="lent-1", outcome="done", limit=20)
    assert [m for m in answers.heard(response, mark) if "lent-1" in m.text()] == []
    wait_until(lambda: f"response topic {response} refused" in world.hall.log_text(), 15, "the refusal in the log")


def test_a_repeated_id_is_answered_from_memory(world, bus):
    asleep(bus, "testing")
    id, mark = command(bus, "testing", "wake", id="once-only")
    result(bus, "testing", id, "done", mark, 60)
    asleep(bus, "testing")
    mark = bus.mark()
    command(bus, "testing", "wake", id="once-only")
    again = result(bus, "testing", id, "done", mark)
    assert again["action"] == "wake"
    assert state_of(bus, "testing") == "off"
    assert events(bus, "testing", "wake_requested", mark) == []


def test_a_retained_command_is_refused_and_cleared(world, bus):
    asleep(bus, "testing")
    mark = bus.mark()
    bus.publish(topic("testing", "command"), {"action": "wake", "id": "kept"}, retain=True)
    refused = result(bus, "testing", "kept", "refused", mark)
    assert "retained" in refused["reason"]
    wait_event(bus, "testing", "command_refused", mark)
    bus.wait(topic("testing", "command"), lambda m: m.payload == b"", mark)
    assert keeps_nothing(world, topic("testing", "command"))
    assert state_of(bus, "testing") == "off"


def test_a_command_kept_while_hall_was_away_is_refused_and_cleared(make_world):
    world = make_world()
    bus = world.bus()
    wait_state(bus, "testing", "off")
    assert world.hall.stop() == 0
    bus.publish(topic("testing", "command"), "wake", retain=True)
    bus.publish(topic("testing", "power/set"), "ON", retain=True)
    mark = bus.mark()
    world.hall.start()
    bus.wait(topic("testing", "command"), lambda m: m.payload == b"", mark)
    bus.wait(topic("testing", "power/set"), lambda m: m.payload == b"", mark)
    wait_state(bus, "testing", "off")
    assert world.sims["testing"].count("frame") == 0


def test_a_command_that_expired_at_the_broker_is_not_run(make_world):
    """The sender gave it a second to live (MQTT 5); Hall comes back later. One that lives still is run."""
    world = make_world()
    bus = world.bus()
    wait_state(bus, "testing", "off")
    assert world.hall.stop() == 0
    bus.publish(topic("testing", "command"), {"action": "wake", "id": "brief"}, retain=True, expiry=1)
    wait_until(lambda: keeps_nothing(world, topic("testing", "command")), 10, "the broker to drop it", pause=0.3)
    mark = bus.mark()
    world.hall.start()
    bus.wait_text("hall/status", "online", mark)
    wait_state(bus, "testing", "off")
    barrier(bus)
    assert results(bus, "testing", "brief") == [] and world.sims["testing"].count("frame") == 0
    bus.publish(topic("testing", "command"), {"action": "wake", "id": "long"}, expiry=60)
    result(bus, "testing", "long", "done", mark, 60)


@pytest.mark.parametrize(
    ("payload", "word"),
    [
        ({"action": "wake", "id": "late", "expires": ago(5)}, "expired"),
        ({"action": "wake", "id": "odd-time", "expires": "tomorrow"}, "expires"),
        ({"action": "dance", "id": "odd-action"}, "action"),
        ({"id": "no-action"}, "action"),
        ({"action": "wake", "id": "odd-for", "for": "forever"}, "for"),
        ({"action": "wake", "id": "odd-force", "force": "yes"}, "force"),
        ({"action": "wake", "id": "odd-key", "speed": 3}, "speed"),
    ],
    ids=lambda v: v["id"] if isinstance(v, dict) else "",
)
def test_commands_that_are_refused(world, bus, payload, word):
    asleep(bus, "testing")
    mark = bus.mark()
    bus.publish(topic("testing", "command"), payload)
    refused = result(bus, "testing", payload["id"], "refused", mark)
    assert word in refused["reason"], refused
    assert len(results(bus, "testing", payload["id"])) == 1
    assert state_of(bus, "testing") == "off"
    assert events(bus, "testing", "wake_requested", mark) == []


@pytest.mark.parametrize("words, answers", [("servers/Testing/command", "servers/Testing"), ("servers/testing/hold/Back up", "servers/testing"),
                                            ("projects/Client1/command", "projects/Client1")])
def test_who_mistakes_a_name_is_told(world, bus, words, answers):
    """Even where it was retained, and then it is cleared."""
    for retain in (False, True):
        mark = bus.mark()
        bus.publish(f"hall/{words}", '{"action":"wake","id":"odd","by":"me"}', retain=retain)
        answer = bus.wait(f"hall/{answers}/result", lambda m: m.json()["outcome"] == "refused", after=mark).json()
        assert "a-z, 0-9" in answer["reason"], answer
    wait_until(lambda: keeps_nothing(world, f"hall/{words}"), 15, "the cleared topic")


def test_sleep_is_refused_with_the_reason(world, bus):
    awake(bus, "testing")
    busy = world.directory / "testing.busy"
    busy.touch()
    try:
        id, mark = command(bus, "testing", "sleep")
        ends = bus.wait(topic("testing", "result"),
                        lambda m: m.json()["id"] == id and m.json()["outcome"] in ("refused", "failed"), mark)
        assert "busy" in ends.json()["reason"]
        wait_event(bus, "testing", "sleep_refused", mark)
        assert state_of(bus, "testing") == "ready"
    finally:
        busy.unlink()


def test_will_when_killed_and_online_when_back(make_world):
    world = make_world()
    bus = world.bus()
    bus.wait_text("hall/status", "online")
    mark = bus.mark()
    world.hall.kill()
    bus.wait_text("hall/status", "offline", mark)
    mark = bus.mark()
    world.hall.start()
    bus.wait_text("hall/status", "online", mark)


def test_everything_works_over_3_1_1(make_world):
    world = make_world(start=False)
    config = world.hall.config
    config["mqtt"]["version"] = "3.1.1"
    world.hall.write(config)
    world.start()
    bus = world.bus()
    bus.wait("hall/info", lambda m: m.json()["broker"] == {"protocol": "3.1.1"})
    wait_state(bus, "testing", "off")
    id, mark = command(bus, "testing", "wake")
    result(bus, "testing", id, "done", mark, 60)
    assert [r["outcome"] for r in results(bus, "testing", id)] == ["accepted", "done"]
    wait_until(lambda: status(bus, "testing")["state"] == "ready", 10, "the status of a server that is ready")
    assert bus.last(topic("testing", "power")).text() == "ON"
    mark = bus.mark()
    world.broker.kill()
    world.broker.start()
    bus.wait_text("hall/status", "online", mark, 60)
    again = world.bus()
    wait_state(again, "testing", "ready")
    id, mark = command(again, "testing", "sleep", force=True)
    result(again, "testing", id, "done", mark, 60)
    assert "connected by MQTT 5" not in world.hall.log_text()


def test_clean_stop_says_offline(make_world):
    world = make_world()
    bus = world.bus()
    bus.wait_text("hall/status", "online")
    mark = bus.mark()
    world.hall.process.signal(signal.SIGTERM)
    assert world.hall.process.popen.wait(10) == 0
    bus.wait_text("hall/status", "offline", mark)
    assert retained(world, "hall/status").text() == "offline"


def test_unchanged_retained_topics_are_not_sent_again(make_world):
    world = make_world()
    bus = world.bus()
    wait_state(bus, "testing", "off")
    wait_state(bus, "erp", "off")
    world.hall.stop()
    mark = bus.mark()
    world.hall.start()
    bus.wait_text("hall/status", "online", mark)
    barrier(bus)
    wait_last(bus, topic("testing", "state"), "off")
    repeated = [m for what in ("config", "power") for m in bus.heard(topic("testing", what), mark)]
    assert repeated == [], "the broker still had it"


def test_topics_of_removed_servers_are_cleared(make_world):
    world = make_world()
    bus = world.bus()
    wait_state(bus, "erp", "off")
    world.hall.stop()
    config = json.loads(json.dumps(world.hall.config))
    del config["servers"]["erp"], config["domains"]["erp.localhost"]
    world.hall.write(config)
    mark = bus.mark()
    world.hall.start()
    for what in ("state", "power", "status", "config"):
        bus.wait(topic("erp", what), lambda m: m.payload == b"", mark)


def test_figures_of_a_sleeper_are_null(world, bus):
    """Not those of before it slept; and its agent's vetoes of then are none of now."""
    awake(bus, "testing")
    up = wait_status(bus, "testing", lambda s: s["load"] is not None and s["uptime_s"] is not None, what="figures")
    assert up["state"] in ("ready", "booting", "degraded")
    asleep(bus, "testing")
    down = wait_status(bus, "testing", lambda s: s["state"] == "off", what="off")
    assert down["load"] is None and down["uptime_s"] is None
    assert retained(world, "hall/agents/testing/report").json()["load"] is not None, "what the agent left is its own"
    mark = bus.mark()
    awake(bus, "testing")
    wait_status(bus, "testing", lambda s: s["load"] is not None, after=mark, what="figures again")
