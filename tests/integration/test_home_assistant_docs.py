"""docs/HOME_ASSISTANT.md: every sample is readable, names what really exists, keeps to the rights, and is accepted by Hall."""

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml
from ha_rules import ENVIRONMENT, check_config
from helpers import awake, first_answer, topic
from test_broker_acl import may
from test_home_assistant import HUB, PROJECTS, SERVER, announced, watch

TEXT = (Path(__file__).parents[2] / "docs" / "HOME_ASSISTANT.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", TEXT, re.S)
OURS = re.compile(r"\b(?:switch|sensor|binary_sensor|button|select|number|event)\.[a-z0-9_]+\b")
ACTIONS = {"switch.turn_on", "button.press", "number.set_value", "select.select_option"}  # of the domain of their entity


def blocks(kind):
    return [text for k, text in BLOCKS if k == kind]


def walk(value):
    yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(child)


def samples():
    return [yaml.safe_load(text) for text in blocks("yaml")]


def actions():
    return [item for sample in samples() for item in walk(sample) if isinstance(item, dict) and "action" in item]


@pytest.fixture(scope="module")
def home(world, bus):
    awake(bus, "testing")
    home = watch(world)
    announced(home, SERVER, lambda c: "restart" in c["components"])
    found = {}
    for where in (HUB, SERVER, PROJECTS):
        home.wait(where)
        found.update((e.config["default_entity_id"], e) for e in check_config(where, home.last(where).payload)[1].values())
    return found


def test_there_are_the_samples_that_people_look_for():
    aliases = " ".join(s.get("alias", s.get("title", s.get("type", ""))) for s in samples())
    for words in ("arriving home", "at night", "did not wake", "vertical-stack", "Saved"):
        assert words in aliases
    assert len(blocks("json")) == 2 and blocks("sh")


def test_every_entity_named_is_announced(home):
    named = set(OURS.findall(TEXT)) - ACTIONS
    assert len(named) > 20
    assert named <= set(home), sorted(named - set(home))
    assert set(home) - named <= {e for e in home if "client2" in e}, "every entity is told of"


def test_automations_use_entities_as_they_can_be_used(home):
    for sample in samples():
        if "triggers" in sample:
            assert all(t["trigger"] in ("zone", "time", "state") for t in sample["triggers"])
            assert sample["actions"] and set(sample) <= {"alias", "triggers", "conditions", "actions", "mode"}
    for item in actions():
        if item["action"] in ACTIONS:
            entity = home[item["target"]["entity_id"]]
            assert entity.platform == item["action"].split(".")[0]
            if entity.platform == "select":
                assert item["data"]["option"] in entity.config["options"]
            if entity.platform == "number":
                assert entity.config["min"] <= item["data"]["value"] <= entity.config["max"]
        else:
            assert item["action"] in ("mqtt.publish", "notify.notify"), item
    states = {item["to"] for sample in samples() for item in walk(sample)
              if isinstance(item, dict) and item.get("entity_id") == "sensor.testing_state"}
    assert states and states <= set(home["sensor.testing_state"].config["options"])


def test_templates_of_the_samples_can_be_rendered(home, bus):
    status = bus.last(topic("testing", "status")).text()

    def state_attr(entity, name):
        return home[entity].attributes(status)[name]

    templates = [v for sample in samples() for v in walk(sample) if isinstance(v, str) and "{{" in v]
    assert len(templates) == 3
    for template in templates:
        assert "undefined" not in ENVIRONMENT.from_string(template, globals={"state_attr": state_attr}).render()
    night = next(t for t in templates if "leases" in t)
    assert ENVIRONMENT.from_string(night, globals={"state_attr": lambda *_: [{"kind": "hold"}]}).render() == "False"
    assert ENVIRONMENT.from_string(night, globals={"state_attr": lambda *_: None}).render() == "True"


def published():
    """(user, topic, payload) of everything the samples send."""
    for item in actions():
        if item["action"] == "mqtt.publish":
            yield "homeassistant", item["data"]["topic"], item["data"]["payload"]
    flow = {node["id"]: node for node in json.loads(blocks("json")[1])}
    for node in flow.values():
        for wire in (w for wires in node.get("wires", []) for w in wires):
            if flow[wire]["type"] == "mqtt out":
                yield "operator", flow[wire]["topic"], node["payload"]
    for line in "".join(blocks("sh")).splitlines():
        words = shlex.split(line)
        if words[0] == "mosquitto_pub":
            yield "operator", words[words.index("-t") + 1], "" if "-n" in words else words[words.index("-m") + 1]


def test_what_the_samples_send_is_allowed_and_accepted(world, bus, home):
    sent = list(published())
    assert len(sent) == 2 + 1 + 5
    for user, where, payload in sent:
        assert may(user, where.replace("hold/copy", "hold/backup"), True), (user, where)
        sender = world.bus(user, topics=[])
        result = first_answer(bus, "/".join(where.split("/")[:3]) + "/result", 
                              lambda s=sender, w=where, p=payload: s.publish(w, p))
        assert result["outcome"] in ("accepted", "done"), (where, payload, result)


def test_what_the_samples_read_is_allowed():
    topics = [n["topic"] for n in json.loads(blocks("json")[1]) if n["type"] == "mqtt in"]
    topics += re.findall(r"mosquitto_sub .*-t (\S+)", TEXT)
    assert len(topics) == 3
    for where in topics:
        assert may("operator", where.strip("`:").replace("+", "testing"), False), where


def test_the_configuration_sample_is_valid(binary, tmp_path):
    import subprocess

    file = tmp_path / "domains.json"
    file.write_text(blocks("json")[0], encoding="utf-8")
    done = subprocess.run([binary, "--config", file, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
