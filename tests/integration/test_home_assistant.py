"""Home Assistant sees Hall: payloads against its rules, templates against real messages, every command really sent."""

import json
import re
from datetime import datetime
from pathlib import Path

import pytest
from ha_rules import Entity, Rejected, check_config
from helpers import STATES, asleep, awake, barrier, command, first_answer, topic, wait_lease, wait_state, wait_status
from process import wait_until
from test_api import KEY, Api

HUB, SERVER, ERP, PROJECTS = ("homeassistant/device/hall/" + o + "/config" for o in (
    "hub", "server_testing", "server_erp", "domain_testing_localhost"))
SERVER_ENTITIES = {
    "power": "switch", "state": "sensor", "running": "binary_sensor", "problem": "binary_sensor", "wake": "button", "sleep": "button",
    "restart": "button", "keep_awake": "switch", "policy": "select", "idle": "number", "activity": "event", "awake_until": "sensor",
    "awake_because": "sensor", "last_ready": "sensor", "boot_time": "sensor", "wakes": "sensor", "energy_saved": "sensor",
    "energy_used": "sensor", "load": "sensor", "uptime": "sensor",
}
PROJECT_ENTITIES = {"state": "sensor", "running": "binary_sensor", "start": "button", "stop": "button"}
HUB_ENTITIES = {"connectivity": "binary_sensor", "version": "sensor", "servers_awake": "sensor"}


def watch(world, user="homeassistant"):
    return world.bus(user, topics=["homeassistant/#"])


def last_config(home, topic):
    message = home.wait(topic, lambda m: m.payload)
    return (home.last(topic) or message).payload


def entities(home, topic):
    return check_config(topic, last_config(home, topic))


def announced(home, topic, where=lambda config: True, after=0, limit=20):
    return home.wait(topic, lambda m: m.payload and where(m.json()), after, limit).json()


def wait_announced(home, *topics):
    """Each of the usual devices, in whatever order a new client hears what the broker keeps."""
    for where in topics or (HUB, SERVER, ERP, PROJECTS):
        home.wait(where, lambda m: m.payload, limit=60)


@pytest.fixture(scope="module")
def home(world):
    bus = watch(world)
    wait_announced(bus)
    yield bus


# What is announced


def test_every_entity_is_announced_by_the_rules(world, bus, home):
    awake(bus, "testing")  # its agent has said that it can restart it
    announced(home, SERVER, lambda c: "restart" in c["components"])
    for where, expected in ((HUB, HUB_ENTITIES), (SERVER, SERVER_ENTITIES)):
        device, found = entities(home, where)
        assert {key: e.platform for key, e in found.items()} == expected
    device, found = entities(home, PROJECTS)
    assert {key: e.platform for key, e in found.items()} == {
        f"{p}_{key}": platform for p in ("client1", "client2") for key, platform in PROJECT_ENTITIES.items()}
    assert device["via_device"] in entities(home, SERVER)[0]["identifiers"]
    assert entities(home, SERVER)[0]["via_device"] in entities(home, HUB)[0]["identifiers"]


def test_ids_are_unique_and_main_entities_take_the_name_of_their_device(world, home):
    ids, names = [], []
    for where in sorted({m.topic for m in home.messages if m.topic.endswith("/config")}):
        _, found = entities(home, where)
        ids += [e.config["unique_id"] for e in found.values()]
        names += [e.config["default_entity_id"] for e in found.values()]
        unnamed = [key for key, e in found.items() if e.config["name"] is None]
        assert unnamed == {HUB: ["connectivity"]}.get(where, [] if "domain_" in where else ["power"])
    assert len(set(ids)) == len(ids) and len(set(names)) == len(names)
    assert "switch.testing" in names and "sensor.project_client1_state" in names


def test_nothing_is_announced_retained_to_wake_anything(world, bus, home):
    """Announcements are retained; commands are not."""
    witness = world.bus("hall", topics=["homeassistant/#"])
    assert witness.wait(SERVER).retained and witness.wait(HUB).retained


def test_the_rules_refuse_what_home_assistant_refuses(world, home):
    """A checker that takes everything would prove nothing."""
    good = json.loads(last_config(home, SERVER))
    spoilt = [
        lambda c: c.update(extra=1), lambda c: c["device"].update(colour="red"), lambda c: c.pop("origin"),
        lambda c: c["components"]["state"].update(option=[]), lambda c: c["components"]["state"].pop("unique_id"),
        lambda c: c["components"]["state"].pop("options"), lambda c: c["components"]["power"].update(name="Testing"),
        lambda c: c["components"]["idle"].pop("command_topic"), lambda c: c["components"]["wakes"].update(state_class="rising"),
        lambda c: c["components"]["load"].update(availability_mode="latest"), lambda c: c["components"]["energy_saved"].update(
            unit_of_measurement="km"), lambda c: c["components"]["wake"].update(retain=True),
        lambda c: c["components"]["running"].update(entity_category="config"),
    ]
    check_config(SERVER, json.dumps(good))
    for spoil in spoilt:
        config = json.loads(json.dumps(good))
        spoil(config)
        with pytest.raises(Rejected):
            check_config(SERVER, json.dumps(config))


@pytest.mark.parametrize("file", sorted((Path(__file__).parent.parent / "golden").glob("discovery_*.json")), ids=lambda f: f.stem)
def test_golden_payloads_keep_the_rules(file):
    device, found = check_config("homeassistant/device/hall/any/config", file.read_text(encoding="utf-8"))
    assert found and device["manufacturer"] == "Hall"


# What the templates make of real messages


def instant(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None


def expected_of(key, state, status, config):
    """What a person must see, said once more."""
    broken = state in ("degraded", "unreachable", "wake_failed")
    energy = status["energy"] or {}
    return {
        "power": status["target"] == "ON",
        "state": state,
        "running": None if state == "unknown" else state in ("booting", "ready", "degraded"),
        "problem": bool(status["problem"]) or broken,
        "keep_awake": config["keep_awake"],
        "policy": config["policy"],
        "idle": max(1, -(-config["idle_s"] // 60)),
        "awake_until": instant(status["awake_until"]),
        "awake_because": status["awake_because"] and status["awake_because"][:255],
        "last_ready": instant(status["last_ready"]),
        "boot_time": status["last_boot_s"],
        "wakes": status["wakes"],
        "energy_saved": energy.get("saved_kwh"),
        "energy_used": energy.get("used_kwh"),
        "load": status["load"],
        "uptime": status["uptime_s"],
    }[key]


def payload_of(entity, server, state, status, config):
    return {topic(server, "state"): state, topic(server, "power"): status["target"], topic(server, "status"): json.dumps(status),
            topic(server, "config"): json.dumps(config)}[entity.config["state_topic"]]


def states_seen(bus, seen):
    for server in ("testing", "erp"):
        for message in bus.heard(topic(server, "status")):
            status = message.json()
            seen[server, status["state"]] = status
    return {state for _, state in seen}


def go_through_all_states(world, bus):
    seen = {}
    wait_state(bus, "testing", "off")
    world.sims["testing"].tell("hold on")  # it boots until that has been published: a state that passes at once need not be
    command(bus, "testing", "wake")
    wait_status(bus, "testing", lambda s: s["state"] == "booting", 60)
    world.sims["testing"].tell("hold off")
    wait_state(bus, "testing", "ready", 60)
    world.sims["testing"].tell("sick on")
    wait_state(bus, "testing", "degraded")
    world.sims["testing"].tell("sick off")
    wait_state(bus, "testing", "ready")
    asleep(bus, "testing")
    awake(bus, "testing")
    world.sims["testing"].tell("crash")
    wait_state(bus, "testing", "unreachable", 60)  # a check that is open when it crashes may take 15 s to fail
    world.sims["erp"].tell("deaf on")
    command(bus, "erp", "wake")
    wait_state(bus, "erp", "wake_failed")
    barrier(bus)  # and what goes with it has come too
    wait_until(lambda: states_seen(bus, seen) >= STATES, 60, f"all states, not only {sorted(states_seen(bus, seen))}")
    return seen


def test_every_template_in_each_of_the_nine_states(make_world):
    world = make_world(start=False)
    world.hall.config["servers"]["erp"]["wake"]["timeout"] = "1s"
    world.hall.write(world.hall.config)
    world.broker.start()
    bus, home = world.bus(), watch(world)
    for id in world.described:
        world.add_sim(id)
    world.hall.start()
    bus.wait_text("hall/status", "online")
    seen = go_through_all_states(world, bus)
    assert {state for _, state in seen} == STATES
    for (server, state), status in sorted(seen.items()):
        _, found = entities(home, f"homeassistant/device/hall/server_{server}/config")
        config = bus.last(topic(server, "config")).json()
        for key, entity in found.items():
            if entity.platform in ("button", "event"):
                continue
            payload = payload_of(entity, server, state, status, config)
            assert entity.state(payload) == expected_of(key, state, status, config), (server, state, key)
            if "json_attributes_topic" in entity.config:
                assert entity.config["json_attributes_topic"] == topic(server, "status")
                attributes = entity.attributes(json.dumps(status))
                if key == "problem":
                    assert bool(attributes["reason"]) == entity.state(payload), (state, attributes)
                    fact = status["problem_fact"] or status["reason_fact"]
                    assert attributes["reason_code"] == (fact["code"] if entity.state(payload) else None)
                if key == "state":
                    assert attributes["reason_fact"] == status["reason_fact"] and status["reason_fact"], status
                    assert attributes["reason_code"] == status["reason_fact"]["code"]
                if key == "awake_because":
                    assert attributes["leases"] == status["leases"]
                    assert attributes["because"] == status["awake_because"]
                    assert attributes["reason_code"] == status["awake_because_fact"]["code"]
    check_events(bus, home)
    check_hub(bus, home)
    check_projects(bus, home)


# In French


def golden(name):
    return (Path(__file__).parent.parent / "golden" / (name + ".json")).read_text(encoding="utf-8")


def test_golden_documents_are_shown_in_french():
    server, projects, event = (check_config("homeassistant/device/hall/any/config", golden(name))[1][key] for name, key in (
        ("discovery_server_full", "awake_because"), ("discovery_domain_removing", "client1_state"), ("discovery_server_full", "activity")))
    because = server.attributes(golden("status_fr"))
    assert because["because"] == server.state(golden("status_fr")) and because["because"].startswith("allumé car il était déjà allumé")
    assert [lease["reason"].split(" (")[0] for lease in because["leases"]] == [
        "il était déjà allumé au démarrage de Hall", "backup le maintient\u00a0: nightly", "client1 a été visité il y a 3\u202fmin"]
    assert because["reason_code"] == "lease.visit" and because["leases"][2]["reason_fact"]["site"] == "client1"
    problem = projects.attributes(golden("project_fr"))
    assert problem["reason"].startswith("rien n’indique l’état de ses conteneurs") and problem["reason_code"] == "project.agent_silent"
    refused = event.event(golden("event_fr"))
    assert refused["detail"].startswith("une commande conservée (retained) est refusée")
    assert refused["detail_fact"] == {"code": "answer.retained"} and "detail_localized" not in refused


def english(document):
    """The document as a Hall that speaks English says it, or one from before there was another language."""
    if isinstance(document, list):
        return [english(item) for item in document]
    if isinstance(document, dict):
        return {key: english(value) for key, value in document.items() if not key.endswith("_localized")}
    return document


def french(document):
    """The document with its French sentences in the place of the English ones."""
    if isinstance(document, list):
        return [french(item) for item in document]
    if isinstance(document, dict):
        return {key: document.get(key + "_localized") or french(value) for key, value in document.items() if not key.endswith("_localized")}
    return document


def shown(entity, message):
    """All that a person sees of an entity after this message."""
    if entity.platform == "event":
        return entity.event(message)
    return (entity.state(message), entity.attributes(message) if "json_attributes_template" in entity.config else None)


def announced_in_english(home, topic):
    """The same entities as they would be announced in English: with the templates of the golden files, which have other ids."""
    known = check_config("homeassistant/device/hall/any/config", golden("discovery_domain" if topic == PROJECTS else "discovery_server"))[1]
    found = {}
    for key, entity in entities(home, topic)[1].items():
        config = dict(entity.config)
        for template in ("value_template", "json_attributes_template"):
            config.pop(template, None)
            if key in known or key.startswith("client"):
                source = known[key if key in known else "client1_" + key.split("_", 1)[1]].config
                config.update({template: source[template]} if template in source else {})
        found[key] = Entity(key, config)
    return found


def test_every_sentence_is_french_where_hall_is(make_world):
    """What is shown is what an English Hall shows, but for its sentences; codes and states are the same."""
    world = make_world(start=False)
    world.hall.secrets = {"HALL_API_KEY": KEY}
    world.hall.config["servers"]["erp"]["wake"]["timeout"] = "1s"
    world.hall.write({**world.hall.config, "language": "fr"})
    world.broker.start()
    bus, home = world.bus(), watch(world)
    for id in world.described:
        world.add_sim(id)
    world.hall.start()
    bus.wait_text("hall/status", "online")
    command(bus, "testing", "hold")  # is refused: an event with a sentence
    go_through_all_states(world, bus)
    bus.publish(topic("testing", "hold/night"), json.dumps({"for": "1h", "reason": "sauvegarde"}))
    wait_lease(bus, "testing", "hold")
    said = set()
    for where, topics in ((SERVER, ["servers/testing/status", "servers/testing/event"]), (PROJECTS, ["projects/client1/status"]),
                          (SERVER.replace("testing", "erp"), ["servers/erp/status", "servers/erp/event"])):
        in_french, in_english = entities(home, where)[1], announced_in_english(home, where)
        for message in (m for t in topics for m in bus.heard("hall/" + t) if m.payload):
            for key, entity in in_french.items():
                if entity.config.get("state_topic") != message.topic:
                    continue
                document = message.json()
                now, before = shown(entity, message.text()), shown(in_english[key], json.dumps(english(document)))
                assert now == shown(in_english[key], json.dumps(french(document))), (key, document)
                assert "_localized" not in json.dumps(now, default=str)
                assert shown(entity, json.dumps(english(document))) == before, "what an older Hall left is shown as it is"
                said |= sentences(now) - sentences(before)
    assert {"un contrôle requis échoue", "son agent a accepté la mise en veille", "commande de réveil de quelqu’un"} <= said, sorted(said)
    assert any(re.match("(allumé|demandé) car .*night le maintient\u00a0: sauvegarde", s) for s in said), sorted(said)
    assert any("aucun signe de vie" in s and "vérifiez" in s for s in said), sorted(said)
    assert not [s for s in said if re.search(r"\b(the|its|is|by|and)\b", s)], sorted(said)
    check_the_api_is_as_before(world, bus)


def sentences(value):
    """All texts in what is shown."""
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return {value} if isinstance(value, str) else set()
    return {s for item in value for s in sentences(item)}


def check_the_api_is_as_before(world, bus):
    """It speaks its reader's language: the French sentences of the bus are those it makes, and it has no others beside them."""
    api = Api(world.hall)
    answers = [api.ask("GET", "/servers/erp", headers={"Accept-Language": language}).json() for language in ("en", "fr")]
    said = bus.last(topic("erp", "status")).json()
    assert answers[1]["status"]["problem"] == said["problem_localized"] != said["problem"] == answers[0]["status"]["problem"]
    assert "_localized" not in json.dumps(answers)
    assert "detail_localized" in bus.heard(topic("erp", "event"))[-1].json()
    wait_until(lambda: api.get("/events", server="erp", type="wake_failed")["events"], 10, "the event in the store")
    assert "_localized" not in json.dumps(api.get("/events", server="erp"))


def check_events(bus, home):
    kinds = set()
    for server in ("testing", "erp"):
        _, found = entities(home, f"homeassistant/device/hall/server_{server}/config")
        for message in bus.heard(topic(server, "event")):
            kinds.add(found["activity"].state(message.text()))
            assert not message.retained
    assert {"wake_requested", "packet_sent", "stage", "ready", "asleep", "unreachable", "wake_failed"} <= kinds


def check_hub(bus, home):
    _, found = entities(home, HUB)
    counts = set()
    for message in bus.heard("hall/info"):
        counts.add(found["servers_awake"].state(message.text()))
        assert found["version"].state(message.text()) == message.json()["version"]
    assert {0.0, 1.0} <= counts
    assert found["connectivity"].state("online") is True and found["connectivity"].state("offline") is False


def check_projects(bus, home):
    _, found = entities(home, PROJECTS)
    states = set()
    for message in bus.heard("hall/projects/client1/status"):
        state = message.json()["state"]
        assert found["client1_state"].state(message.text()) == state
        assert found["client1_running"].state(message.text()) is (None if state == "unknown" else state == "ready")
        found["client1_state"].attributes(message.text())
        states.add(state)
    assert {"unknown", "stopped", "starting", "ready"} <= states
    assert bus.last("hall/projects/client1/state").text() == bus.last("hall/projects/client1/status").json()["state"]


class Shown:
    """One entity as Home Assistant shows it: each message is taken whole before anybody is told of a change."""

    def __init__(self, entity, tell):
        self.entity, self.tell, self.state, self.attributes = entity, tell, None, {}

    def hear(self, message):
        before = self.state
        if message.topic == self.entity.config["state_topic"]:
            self.state = self.entity.state(message.text())
        if message.topic == self.entity.config["json_attributes_topic"]:
            self.attributes = self.entity.attributes(message.text())
        if self.state != before:
            self.tell(self.state, self.attributes)


def changes(bus, entity):
    """(state, reason) at each change of its state, from the messages as they came."""
    found = []
    shown = Shown(entity, lambda state, attributes: found.append((state, attributes.get("reason"))))
    for message in list(bus.messages):
        if message.payload:
            shown.hear(message)
    return found


def reasons_logged(world, id, what=""):
    """(state, reason) of each change, as Hall's log has it."""
    pattern = rf"^\S+ {id}: \w+ -> (\w+): (.*)$" if not what else rf"^\S+ {id}: {what} (\w+)(?:: (.*))?$"
    return re.findall(pattern, world.hall.log_text(), re.M)


def test_at_each_change_the_reason_is_that_of_the_new_state(make_world):
    world = make_world(start=False)
    world.hall.config["servers"]["erp"]["wake"]["timeout"] = "1s"
    world.hall.write(world.hall.config)
    world.broker.start()
    bus, home = world.bus(), watch(world)
    for id in world.described:
        world.add_sim(id)
    world.hall.start()
    bus.wait_text("hall/status", "online")
    world.sims["erp"].tell("deaf on")
    for by in ("Anna", "Ben"):
        mark = bus.mark()
        wait_until(lambda: bus.last(topic("erp", "state")).text() in ("off", "wake_failed"), 10, "erp settled")
        command(bus, "erp", "wake", by=by)
        bus.wait(topic("erp", "status"), lambda m: m.json()["state"] == "waking", mark)
        wait_until(lambda: bus.last(topic("erp", "status")).json()["state"] == "wake_failed", 10, "erp failed")
    awake(bus, "testing")
    mark = bus.mark()
    asleep(bus, "testing")
    bus.wait_text("hall/projects/client1/state", "stopped", mark, 60)
    barrier(bus)  # and what goes with it has come too
    for server in ("testing", "erp"):
        _, found = entities(home, f"homeassistant/device/hall/server_{server}/config")
        logged, seen = reasons_logged(world, server), changes(bus, found["state"])
        assert set(seen) - {("unknown", seen[0][1])} <= set(logged), (seen, logged)
        assert len(seen) >= 4
        for state, reason in changes(bus, found["problem"]):
            assert bool(reason) == state, (state, reason)
    failed = [reason for state, reason in changes(bus, found["state"]) if state == "wake_failed"]
    assert len(failed) == 2 and all("wake command" not in reason and "sign of life" in reason for reason in failed), failed
    _, found = entities(home, PROJECTS)
    seen = changes(bus, found["client1_state"])
    logged = {(state, reason or None) for state, reason in reasons_logged(world, "client1", "project")}
    assert len(seen) >= 4 and {s for s in seen if s[0] != "unknown"} <= logged, (seen, logged)


def test_availability_is_halls_own(world, bus, home):
    """Off is a state, not unavailable; only load and uptime go with the agent."""
    awake(bus, "testing")
    wait_until(lambda: bus.last("hall/agents/testing/state").text() == "online", 10, "the agent")

    def available():
        heard = {m.topic: m.text() for m in bus.messages if m.payload}
        return {key: e.is_available(heard) for key, e in entities(home, SERVER)[1].items()}

    assert all(available().values())
    asleep(bus, "testing")
    wait_until(lambda: bus.last("hall/agents/testing/state").text() != "online", 10, "the agent's goodbye")
    assert {key for key, is_there in available().items() if not is_there} == {"load", "uptime"}


def test_offline_is_seen_at_the_hub(make_world):
    world = make_world()
    bus, home = world.bus(), watch(world)
    wait_announced(home)
    found = entities(home, HUB)[1]
    mark = bus.mark()
    world.hall.kill()
    heard = {"hall/status": bus.wait_text("hall/status", "offline", mark).text()}
    assert found["connectivity"].is_available(heard) and found["connectivity"].state("offline") is False
    assert not found["version"].is_available(heard)
    assert not any(e.is_available(heard) for e in entities(home, SERVER)[1].values())


# Commands


def test_every_command_is_accepted(world, bus, home):
    awake(bus, "testing")
    announced(home, SERVER, lambda c: "restart" in c["components"])
    sender = world.bus("homeassistant", topics=[])
    sent = 0
    for key, entity in entities(home, SERVER)[1].items():
        for value, payload in entity.commands():
            if key == "power" and value == "OFF" or key in ("sleep", "restart"):
                awake(bus, "testing")
            if key == "power" and value == "ON" or key == "wake":
                asleep(bus, "testing")
            barrier(bus)  # nothing of the last command is still on its way
            answer = first_answer(bus, topic("testing", "result"), lambda e=entity, p=payload:
                                  sender.publish(e.config["command_topic"], p, qos=e.config["qos"]))
            assert answer["outcome"] in ("accepted", "done"), (key, value, answer)
            if key in ("wake", "sleep", "restart"):
                assert answer["by"] == "Home Assistant"
            sent += 1
    assert sent == 2 + 3 + 2 + 2 + 3, "switches, buttons, policies without windows, minutes"
    sender.publish(topic("testing", "policy/set"), "")
    sender.publish(topic("testing", "idle/set"), "20")


def test_every_command_of_a_project_is_accepted(world, bus, home):
    awake(bus, "testing")
    sender = world.bus("homeassistant", topics=[])
    for key, entity in entities(home, PROJECTS)[1].items():
        for _, payload in entity.commands():
            where = entity.config["command_topic"].replace("/command", "/result")
            answer = first_answer(bus, where, lambda e=entity, p=payload: sender.publish(e.config["command_topic"], p))
            # The simulated agent moves no containers; that it was asked shows that Hall took the command.
            taken = answer["outcome"] in ("accepted", "done") or answer["reason"] == "unknown action"
            assert taken and answer["by"] == "Home Assistant", (key, answer)


def test_scheduled_is_offered_where_there_are_windows(make_world):
    world = make_world(start=False)
    config = world.hall.config
    config["domains"]["testing.localhost"]["policy"] = {"mode": "scheduled", "windows": [{"from": "08:00", "to": "09:00"}]}
    world.hall.write(config)
    world.start()
    home, bus = watch(world), world.bus()
    policy = entities(home, SERVER)[1]["policy"]
    assert policy.config["options"] == ["always_on", "scheduled", "on_demand"]
    assert policy.state(bus.wait(topic("testing", "config")).text()) == "scheduled"
    assert entities(home, SERVER.replace("testing", "erp"))[1]["policy"].config["options"] == ["always_on", "on_demand"]
    mark = bus.mark()
    bus.publish(topic("testing", "policy/set"), "scheduled")
    assert bus.wait(topic("testing", "result"), after=mark).json()["outcome"] in ("accepted", "done")
