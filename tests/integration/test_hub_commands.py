"""Commands to Hall itself: hall/command, answered on hall/result."""

import json

import pytest
from helpers import barrier, wait_state
from test_bus import ago

TOPIC, RESULT = "hall/command", "hall/result"


def answer(bus, id, outcome, mark=0):
    return bus.wait(RESULT, lambda m: m.json()["id"] == id and m.json()["outcome"] == outcome, mark).json()


def answers(bus, id):
    return [m.json()["outcome"] for m in bus.heard(RESULT) if m.json()["id"] == id]


def test_reload_takes_the_new_configuration(world, bus):
    config = json.loads(json.dumps(world.hall.config))
    config["servers"]["erp"]["name"] = "Books"
    world.hall.write(config)
    mark = bus.mark()
    bus.publish(TOPIC, {"action": "reload", "id": "r1", "by": "a test"})
    assert answer(bus, "r1", "accepted", mark)["by"] == "a test"
    done = answer(bus, "r1", "done", mark)
    assert done["action"] == "reload" and done["reason"] is None and done["seconds"] >= 0
    bus.wait("hall/servers/erp/config", lambda m: m.json()["name"] == "Books", mark)
    bus.publish(TOPIC, {"action": "reload", "id": "r1"})
    bus.publish(TOPIC, {"action": "reload", "id": "r2"})
    answer(bus, "r2", "done", mark)
    assert answers(bus, "r1") == ["accepted", "done", "done"], "a repeated id is answered from memory"
    assert len([m for m in bus.heard("hall/event", mark) if m.json()["event_type"] == "config_loaded"]) == 2


def test_reload_of_a_broken_file_fails_with_its_first_error(world, bus):
    good = world.hall.config
    world.hall.file.write_text('{"servers": {"x": {}}}', encoding="utf-8")
    mark = bus.mark()
    bus.publish(TOPIC, {"action": "reload", "id": "broken"})
    failed = answer(bus, "broken", "failed", mark)
    assert "/servers/x" in failed["reason"], failed
    world.hall.write(good)


def test_a_word_alone_is_enough(world, bus):
    mark = bus.mark()
    bus.publish(TOPIC, " announce\n")
    done = bus.wait(RESULT, lambda m: m.json()["action"] == "announce" and m.json()["outcome"] == "done", mark)
    assert done.json()["by"] == "someone"


def test_mqtt_5_request_and_response(world, bus):
    mark = bus.mark()
    bus.publish(TOPIC, {"action": "announce", "id": "rr"}, response="hall/answers/me", correlation=b"\x00\x01", expiry=30)
    for outcome in ("accepted", "done"):
        response = bus.wait("hall/answers/me", lambda m, o=outcome: m.json()["outcome"] == o, mark)
        assert response.properties.CorrelationData == b"\x00\x01"
        assert response.json() == answer(bus, "rr", outcome, mark)


@pytest.mark.parametrize(("payload", "words"), [
    ("dance", "announce, reload"),
    ("", "empty"),
    ({"action": "wake", "id": "w"}, "announce, reload"),
    ({"id": "n"}, "action"),
    ({"action": "reload", "id": "f", "force": True}, "force"),
    ({"action": "reload", "id": "e", "expires": ago(5)}, "expired"),
    ("{", "JSON"),
    ("[" * 40, "JSON"),
])
def test_what_is_refused(world, bus, payload, words):
    mark = bus.mark()
    bus.publish(TOPIC, payload)
    refused = bus.wait(RESULT, lambda m: m.json()["outcome"] == "refused", mark).json()
    assert words in refused["reason"], refused


def test_retained_is_refused_and_cleared(world, bus):
    mark = bus.mark()
    bus.publish(TOPIC, "reload", retain=True)
    refused = bus.wait(RESULT, lambda m: m.json()["outcome"] == "refused", mark).json()
    assert "retained" in refused["reason"]
    bus.wait(TOPIC, lambda m: m.payload == b"", mark)


def test_others_may_not(world, bus):
    home = world.bus("homeassistant")
    mark = bus.mark()
    home.publish(TOPIC, "reload")
    bus.publish(TOPIC, {"action": "announce", "id": "after"})
    answer(bus, "after", "done", mark)
    assert [m.json()["id"] for m in bus.heard(RESULT, mark)] == ["after", "after"]


@pytest.mark.parametrize("retain", [True, False])
def test_a_peer_that_speaks_in_halls_name_is_corrected(make_world, retain):
    """Where the broker's rights are missing, Hall hears it, says so, and puts it right."""
    world = make_world(start=False)
    (world.broker.directory / "acl").write_text("user operator\ntopic readwrite #\nuser hall\ntopic readwrite #\n", encoding="utf-8")
    world.start()
    bus = world.bus()
    wait_state(bus, "testing", "off")
    barrier(bus)
    for where, lie in (("hall/servers/testing/state", "ready"), ("hall/servers/testing/power", "ON"), ("hall/status", "offline")):
        true, mark = bus.last(where).text(), bus.mark()
        bus.publish(where, lie, retain=retain)
        bus.wait_text(where, lie, mark)
        bus.wait(where, lambda m, t=true: m.text() == t, mark)
        assert f"someone else published to {where}" in world.hall.log_text()
    assert world.sims["testing"].count("frame") == 0
