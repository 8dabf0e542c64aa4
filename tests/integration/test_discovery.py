"""When Hall announces itself to Home Assistant, and when it keeps silent."""

import json
import signal
import time
from itertools import pairwise

import pytest
from ha_rules import check_config
from helpers import awake, barrier, topic, wait_state
from process import wait_until
from test_mqtt_client import EchoingBroker, OldBroker
from test_home_assistant import ERP, HUB, PROJECTS, SERVER, announced, last_config, wait_announced, watch

FOREIGN = json.dumps({"device": {"identifiers": ["x"], "name": "X"}, "origin": {"name": "zigbee2mqtt"}, "components": {
    "a": {"platform": "sensor", "unique_id": "x_a", "name": None, "state_topic": "x/a"}}})


def changed(world, change):
    config = json.loads(json.dumps(world.hall.config))
    change(config)
    world.hall.write(config)


def reload(world):
    world.hall.process.signal(signal.SIGHUP)


def quiet_until_online(world, bus, home, mark):
    """Hall is back, has read what the broker holds, and has said what it had to."""
    bus.wait_text("hall/status", "online", mark, limit=60)
    said = home.mark()
    home.publish("homeassistant/device/hall/server_ghost/config",
                 json.dumps({"origin": {"name": "Hall"}, "device": {}, "components": {}}), retain=True)
    home.wait("homeassistant/device/hall/server_ghost/config", lambda m: m.payload == b"", said, limit=60)


def test_identical_ones_are_not_sent_again_after_a_restart(make_world):
    world = make_world()
    bus, home = world.bus(), watch(world)
    wait_announced(home)
    awake(bus, "testing")
    announced(home, SERVER, lambda c: "restart" in c["components"])
    world.hall.stop()
    mark, heard = bus.mark(), home.mark()
    world.hall.start()
    quiet_until_online(world, bus, home, mark)
    repeated = [m for m in home.messages[heard:] if m.topic.endswith("/config") and "ghost" not in m.topic]
    assert repeated == [], "the broker still had them"


def test_what_is_gone_is_cleared_and_what_is_foreign_is_left_alone(make_world):
    world = make_world()
    bus, home = world.bus(), watch(world)
    wait_announced(home)
    world.hall.stop()
    for foreign in ("homeassistant/device/other/config", "homeassistant/device/hall/server_gone/config",
                    "homeassistant/sensor/hall/thing/config"):
        home.publish(foreign, FOREIGN, retain=True)
    changed(world, lambda c: (c["servers"].pop("erp"), c["domains"].pop("erp.localhost"),
                              c["domains"]["testing.localhost"].pop("projects")))
    mark, heard = bus.mark(), home.mark()
    world.hall.start()
    home.wait(ERP, lambda m: m.payload == b"", heard)
    home.wait(PROJECTS, lambda m: m.payload == b"", heard)
    quiet_until_online(world, bus, home, mark)
    cleared = {m.topic for m in home.messages[heard:] if m.payload == b"" and "ghost" not in m.topic}
    assert cleared == {ERP, PROJECTS}


def test_a_reload_clears_adds_and_removes_in_two_steps(make_world):
    world = make_world()
    bus, home = world.bus(), watch(world)
    wait_announced(home)
    mark = home.mark()

    def change(config):
        del config["servers"]["erp"], config["domains"]["erp.localhost"]
        del config["domains"]["testing.localhost"]["projects"]["client2"]
        config["servers"]["nas"] = {"address": "127.0.0.77", "mac": "02:00:00:00:77:01"}

    changed(world, change)
    asked = time.monotonic()  # nothing was sent before; what is heard may be heard late
    reload(world)
    home.wait(ERP, lambda m: m.payload == b"", mark)
    new = "homeassistant/device/hall/server_nas/config"
    check_config(new, announced(home, new) and home.last(new).payload)
    first = home.wait(PROJECTS, after=mark)
    check_config(PROJECTS, first.payload)
    removing = {k: c for k, c in first.json()["components"].items() if set(c) == {"platform"}}
    assert removing == {f"client2_{k}": {"platform": p} for k, p in
                        (("state", "sensor"), ("running", "binary_sensor"), ("start", "button"), ("stop", "button"))}
    second = home.wait(PROJECTS, lambda m: m.at > first.at, mark, limit=60)
    assert set(second.json()["components"]) == {f"client1_{k}" for k in ("state", "running", "start", "stop")}
    assert second.at - asked >= 4.9, "Home Assistant loses components of two payloads within 5 s"


def test_two_changes_of_one_device_are_kept_apart(make_world):
    world = make_world()
    bus, home = world.bus(), watch(world)
    wait_announced(home)
    mark, asked = home.mark(), {}
    for name in ("One", "Two", "Three"):
        asked[name] = time.monotonic()  # nothing was sent before; what is heard may be heard late
        changed(world, lambda c, n=name: c["servers"]["testing"].update(name=n))
        reload(world)
        bus.wait(topic("testing", "config"), lambda m, n=name: m.json()["name"] == n)
    home.wait(SERVER, lambda m: m.json()["device"]["name"] == "Three", mark, 60)
    said = [(m.json()["device"]["name"], m.at) for m in home.heard(SERVER, mark) if m.payload]
    names = [name for name, _ in said]
    assert names == [name for name in asked if name in names] and names[-1] == "Three", "each once at most, in order"
    for (before, _), (_, at) in pairwise(said):
        assert at - asked[before] >= 4.9, said


def test_birth_of_home_assistant_is_answered_with_everything_once(make_world):
    world = make_world()
    home = watch(world)
    wait_announced(home)
    mark = home.mark()
    home.publish("homeassistant/status", "offline", qos=0)
    born = time.monotonic()
    home.publish("homeassistant/status", "online", qos=0)
    home.publish("homeassistant/status", "online", qos=0)
    for where in (HUB, SERVER, ERP, PROJECTS):
        message = home.wait(where, after=mark, limit=60)
        assert message.at - born >= 0.9, "it has much to do when it starts"
    order = [m.topic for m in home.messages[mark:] if m.topic.endswith("/config")]
    assert order == [HUB, SERVER, ERP, PROJECTS], "each behind the one it is connected via, and once"


def test_what_a_person_deleted_stays_away_until_announce(make_world):
    world = make_world()
    bus, home = world.bus(), watch(world)
    wait_announced(home)
    mark = home.mark()
    home.publish(ERP, "", retain=True)  # so does Home Assistant
    wait_until(lambda: "somebody deleted server_erp" in world.hall.log_text(), 60, "the log line")
    home.publish("homeassistant/status", "online", qos=0)
    home.wait(HUB, after=mark, limit=60)
    home.wait(PROJECTS, after=mark, limit=60)
    assert [m for m in home.heard(ERP, mark) if m.payload] == []
    world.hall.stop()
    mark, heard = bus.mark(), home.mark()
    world.hall.start()
    quiet_until_online(world, bus, home, mark)
    changed(world, lambda c: c["servers"]["erp"].update(name="Books"))
    reload(world)
    bus.wait(topic("erp", "config"), lambda m: m.json()["name"] == "Books")
    home.publish("homeassistant/status", "online", qos=0)
    home.wait(PROJECTS, after=heard, limit=60)
    assert home.heard(ERP, heard) == [], "it is remembered over a restart and a reload"
    bus.publish("hall/command", {"action": "announce", "id": "back"})
    assert announced(home, ERP, after=heard)["device"]["name"] == "Books"
    bus.wait("hall/result", lambda m: m.json()["id"] == "back" and m.json()["outcome"] == "done", limit=60)
    world.hall.stop()
    mark = bus.mark()
    world.hall.start()
    quiet_until_online(world, bus, home, mark)
    assert home.last(ERP).payload, "and forgotten"


def test_another_publisher_is_corrected(make_world):
    world = make_world()
    home = watch(world)
    wait_announced(home)
    good, mark = home.last(SERVER).payload, home.mark()
    home.publish(SERVER, FOREIGN, retain=True)
    home.wait(SERVER, lambda m: b"zigbee2mqtt" in m.payload, mark)
    first = home.wait(SERVER, lambda m: m.payload and b"zigbee2mqtt" not in m.payload, mark, limit=60)
    assert first.json()["components"]["a"] == {"platform": "sensor"}, "what the other had put there is taken away first"
    home.wait(SERVER, lambda m: m.payload == good, mark, limit=60)
    assert "someone else published to " + SERVER in world.hall.log_text()


def test_names_in_french(make_world):
    world = make_world(start=False)
    changed(world, lambda c: c.update(language="fr"))
    world.start()
    home = watch(world)
    _, found = check_config(SERVER, home.wait(SERVER).payload)
    names = {key: entity.config["name"] for key, entity in found.items()}
    assert names["state"] == "État" and names["sleep"] == "Mettre en veille" and names["power"] is None
    assert found["state"].config["default_entity_id"] == "sensor.testing_state", "the same in every language"
    _, projects = check_config(PROJECTS, home.wait(PROJECTS).payload)
    assert projects["client1_state"].config["name"] == "État de Client1"


def lasting(status):
    """Without what grows while nothing happens."""
    return {**status, "energy": None}


def test_a_reload_that_changes_the_language_changes_what_is_shown(make_world):
    """Documents and announcements, there and back; in English nothing is left of it."""
    world = make_world()
    bus, home = world.bus(), watch(world)
    wait_announced(home)
    wait_state(bus, "testing", "off")
    barrier(bus)
    documents = [topic("testing", "status"), "hall/projects/client1/status"]
    first, before = last_config(home, SERVER), [lasting(bus.last(where).json()) for where in documents]
    mark = bus.mark()
    changed(world, lambda c: c.update(language="fr"))
    reload(world)
    french = bus.wait(documents[0], lambda m: b"_localized" in m.payload, mark).json()
    assert french["reason_localized"] != french["reason"] and french["reason_fact"]["code"]
    bus.wait(documents[1], lambda m: b"problem_localized" in m.payload, mark)
    announcement = announced(home, SERVER, lambda c: c["components"]["state"]["name"] == "État")
    _, found = check_config(SERVER, json.dumps(announcement))
    assert found["state"].attributes(json.dumps(french))["reason"] == french["reason_localized"]
    mark, heard = bus.mark(), home.mark()
    changed(world, lambda c: c.update(language="en"))
    reload(world)
    for where, was in zip(documents, before):
        bus.wait(where, lambda m, was=was: lasting(m.json()) == was, mark)
    home.wait(SERVER, lambda m: m.payload == first, heard)
    bus.wait_json("hall/event", mark, event_type="config_loaded")
    barrier(bus)
    assert not [m.topic for m in bus.messages if b"_localized" in m.payload and m.topic not in
                (*documents, topic("erp", "status"), "hall/projects/client2/status")]


ODD_NAMES = ["+/#", "Sérvèr 名前 🦉", "a\"b\\c{{ 1 }}", "x" * 64, "{}", "</script>"]


@pytest.mark.parametrize(("prefix", "base", "site"), [
    ("ha/ééé 🏠/$x", "home/my-hall_1.é", "attic"), ("homeassistant", "homeassistant/hall", "hall"), ("p" * 128, "b" * 128, "hall")],
    ids=["scripts", "below", "long"])
def test_odd_prefixes_bases_and_names(make_world, prefix, base, site):
    world = make_world(start=False)

    def change(config):
        config["mqtt"].update(discovery_prefix=prefix, base_topic=base)
        config["site"] = site
        for i, name in enumerate(ODD_NAMES):
            config["servers"][f"s-{i}_"] = {"address": f"127.0.1.{i + 1}", "mac": f"02:00:00:00:99:{i:02x}", "name": name}

    changed(world, change)
    acl = world.broker.directory / "acl"
    acl.write_text("user hall\ntopic readwrite #\n", encoding="utf-8")
    world.broker.start()
    world.hall.start()
    home = world.bus("hall", topics=["#"])
    said = {}

    def complete():
        said.update({m.topic: m for m in home.messages if m.topic.startswith(prefix + "/device/") and m.payload})
        return len(said) == 1 + 2 + len(ODD_NAMES) + 1

    wait_until(complete, 60, "all devices")
    names = set()
    for where, message in said.items():
        device, found = check_config(where, message.payload, prefix)
        names.add(device["name"])
        for entity in found.values():
            for key in ("state_topic", "command_topic"):
                assert entity.config.get(key, base + "/").startswith(base + "/")
    assert set(ODD_NAMES) <= names
    assert ("Hall" if site == "hall" else "Hall attic") in names
    mark = home.mark()
    home.publish(f"{prefix}/status", "online", qos=0)
    for where in said:
        home.wait(where, after=mark, limit=60)


def test_an_agent_that_can_restart_no_more_takes_the_button_away(make_world):
    world = make_world()
    bus, home = world.bus(), watch(world)
    awake(bus, "testing")
    announced(home, SERVER, lambda c: "unique_id" in c["components"].get("restart", {}))
    agent, report = world.bus("testing", topics=[]), bus.last("hall/agents/testing/report").json()
    mark = home.mark()
    report["can"]["restart"] = False
    world.sims["testing"].tell("agent off")
    agent.publish("hall/agents/testing/report", report, retain=True)
    assert announced(home, SERVER, after=mark)["components"]["restart"] == {"platform": "button"}
    announced(home, SERVER, lambda c: "restart" not in c["components"], mark, 60)


def test_a_server_asleep_keeps_its_restart_button(make_world):
    """After a restart of Hall and a broker that lost the agent's report, nobody knows better than what stands there."""
    world = make_world()
    bus, home = world.bus(), watch(world)
    awake(bus, "testing")
    announced(home, SERVER, lambda c: "restart" in c["components"])
    world.hall.stop()
    world.sims["testing"].stop()
    world.bus("testing", topics=[]).publish("hall/agents/testing/report", "", retain=True)
    mark, heard = bus.mark(), home.mark()
    world.hall.start()
    quiet_until_online(world, bus, home, mark)
    assert [m for m in home.heard(SERVER, heard) if m.payload] == []


@pytest.mark.parametrize("relay", [OldBroker, EchoingBroker])
def test_brokers_that_give_back_what_hall_sends(make_world, relay):
    """MQTT 3.1.1, and brokers without no-local: that must not look like somebody else's doing."""
    world = make_world(start=False)
    world.broker.start()
    between = relay(world.broker.port)
    try:
        changed(world, lambda c: c["mqtt"].update(url=f"mqtt://127.0.0.1:{between.port}"))
        bus, home = world.bus(), watch(world)
        world.hall.start()
        wait_announced(home)
        mark = home.mark()
        changed(world, lambda c: (c["servers"].pop("erp"), c["domains"].pop("erp.localhost"), c.update(language="fr")))
        reload(world)
        home.wait(ERP, lambda m: m.payload == b"", mark, 60)
        announced(home, SERVER, lambda c: c["components"]["state"]["name"] == "\u00c9tat", mark)
        home.publish(SERVER, "", retain=True)
        wait_until(lambda: "somebody deleted server_testing" in world.hall.log_text(), 60, "the log line")
        bus.publish("hall/command", "announce")
        announced(home, SERVER, after=mark)
        bus.wait("hall/result", lambda m: m.json()["outcome"] == "done", limit=60)
        assert "someone else" not in world.hall.log_text()
        world.hall.stop()
    finally:
        between.end()
