"""Whoever may write in Hall's name, or stands in its place: what hallctl prints of it steers no terminal."""

import json
import re
import threading

import pytest
from helpers import asleep
from test_hallctl import ctl  # noqa: F401 (fixture)

# Sets the window's title, clears the screen, the same by a C1 character, turns the text, ends the line.
EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\x7f\u202e\u2066\r\n- erp is on"
STEERS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")
TURNS = re.compile("[\u2028-\u202e\u2066-\u2069]")


def spoilt(value):
    """Every text in it with what is evil behind it; what Hall chose itself as well."""
    if isinstance(value, dict):
        return {key: spoilt(one) for key, one in value.items()}
    if isinstance(value, list):
        return [spoilt(one) for one in value]
    return value + EVIL if isinstance(value, str) and not re.match(r"\d{4}-", value) else value


@pytest.fixture
def impostor(world, bus):
    """Hall has left; somebody with its password says what it said, spoilt, and answers commands."""
    asleep(bus, "testing")
    assert world.hall.stop() == 0
    bus.wait_text("hall/status", "offline")
    retained = {}
    for message in bus.messages:
        retained[message.topic] = message
    false = world.broker.bus("hall")
    for name, message in retained.items():
        if re.fullmatch(r"hall/(servers|projects)/[^/]+/(status|config)|hall/info", name):
            false.publish(name, json.dumps(spoilt(message.json())), retain=True)
    false.publish("hall/servers/testing/state", "off" + EVIL, retain=True)
    false.publish("hall/status", "online", retain=True)

    ends = threading.Event()

    def answer():
        mark = 0
        while not ends.wait(0.05):
            for message in false.messages[mark:]:
                mark += 1
                if message.topic == "hall/servers/testing/command" and getattr(message.properties, "ResponseTopic", None):
                    for outcome in ("accepted" + EVIL, "refused"):
                        said = {"id": message.json()["id"], "action": EVIL, "by": EVIL, "outcome": outcome, "reason": EVIL, "seconds": 1,
                                "reason_fact": {"code": EVIL, "x": EVIL}}
                        false.publish(message.properties.ResponseTopic, json.dumps(said, ensure_ascii=False),
                                      correlation=getattr(message.properties, "CorrelationData", None))

    thread = threading.Thread(target=answer)
    thread.start()
    yield false
    ends.set()
    thread.join()
    false.close()


def test_hostile_words_steer_no_terminal(ctl, impostor):  # noqa: F811
    for words in (["status"], ["status", "testing"], ["why", "testing"], ["projects"], ["--json", "status"], ["--json", "why", "testing"],
                  ["wake", "testing"], ["--json", "wake", "testing"], ["sleep", "testing"], ["policy", "testing"]):
        for language in ("C", "fr_FR.UTF-8"):
            process = ctl.start(*words, LC_ALL=language)
            said = "".join(process.communicate(timeout=60))
            assert said and "Sanitizer" not in said, (words, said)
            found = STEERS.search(said) or ("--json" not in words and TURNS.search(said))
            assert not found, (words, said[max(0, found.start() - 60):found.start() + 60])
            assert not re.search(r"(?m)^- erp is on", said), (words, said)
