"""Every client of the house speaks with Hall over Mosquitto, in both versions of the protocol."""

import json
import threading

import paho.mqtt.client as paho
import pytest
from clients import Mosquitto, node
from helpers import STATES, asleep, awake, state_of, topic, wait_lease, wait_no_lease, wait_state

VERSIONS = ["mqttv311", "5"]
COMMAND, RESULT = topic("testing", "command"), topic("testing", "result")


@pytest.fixture(params=VERSIONS)
def mosquitto(request, world):
    return Mosquitto(world.broker.port, "operator", world.broker.passwords["operator"], request.param)


def outcomes(answers):
    return [a["outcome"] for a in answers]


# ---- mosquitto_pub, mosquitto_sub, mosquitto_rr ----

def test_mosquitto_reads_what_is_retained(mosquitto, bus):
    asleep(bus, "testing")
    assert mosquitto.first("hall/status") == "online"
    assert mosquitto.first(topic("testing", "state")) == "off"
    assert mosquitto.first("hall/servers/+/state") in STATES
    assert json.loads(mosquitto.first(topic("testing", "status")))["state"] == "off"


def test_mosquitto_wakes_and_hears_how_it_went(mosquitto, bus):
    asleep(bus, "testing")
    listener = mosquitto.listen(RESULT, 2)
    mosquitto.pub(COMMAND, "-m", "wake")
    answers = mosquitto.heard(listener)
    assert outcomes(answers) == ["accepted", "done"] and {a["action"] for a in answers} == {"wake"}
    assert answers[1]["seconds"] > 0
    listener = mosquitto.listen(RESULT, 2)
    mosquitto.pub(topic("testing", "power/set"), "-m", "OFF")
    assert outcomes(mosquitto.heard(listener)) == ["accepted", "done"]
    wait_state(bus, "testing", "off")


def test_mosquitto_holds_and_releases(mosquitto, bus):
    hold = topic("testing", "hold/interop")
    mosquitto.pub(hold, "-m", '{"for":"1h","reason":"interop"}')
    wait_lease(bus, "testing", "hold", holder="interop", label="interop")
    wait_state(bus, "testing", "ready")
    mosquitto.pub(hold, "-n")
    wait_no_lease(bus, "testing", "hold")


def test_mosquitto_is_refused_a_retained_command(mosquitto, bus):
    awake(bus, "testing")
    mark = bus.mark()
    mosquitto.pub(topic("testing", "command"), "-r", "-m", '{"action":"cancel","id":"kept"}')
    # Over 3.1.1 Hall cannot see that a message is retained... but Hall itself speaks 5 here, and is told.
    bus.wait_json(RESULT, mark, id="kept", outcome="refused")
    bus.wait(COMMAND, lambda m: m.payload == b"", mark)


def test_mosquitto_rr_is_answered_on_its_own_topic(world, bus):
    asleep(bus, "testing")
    client = Mosquitto(world.broker.port, "operator", world.broker.passwords["operator"], "5")
    answer = json.loads(client.ask(COMMAND, "wake", "hall/answers/interop"))
    assert answer["outcome"] == "accepted" and answer["action"] == "wake"
    wait_state(bus, "testing", "ready")


# ---- paho ----

class Paho:
    """paho-mqtt of either generation, in either version of the protocol."""

    def __init__(self, world, version):
        words = {"protocol": paho.MQTTv5 if version == "5" else paho.MQTTv311}
        if hasattr(paho, "CallbackAPIVersion"):
            words["callback_api_version"] = paho.CallbackAPIVersion.VERSION2
        self.client = paho.Client(**words)
        self.client.username_pw_set("operator", world.broker.passwords["operator"])
        self.heard, self.changed, self.granted = [], threading.Condition(), threading.Event()
        self.client.on_message = self._hear
        self.client.on_subscribe = lambda *_: self.granted.set()
        self.client.connect("127.0.0.1", world.broker.port)
        self.client.loop_start()

    def _hear(self, _client, _userdata, message):
        with self.changed:
            self.heard.append((message.topic, message.payload.decode()))
            self.changed.notify_all()

    def subscribe(self, filter):
        self.granted.clear()
        self.client.subscribe(filter, qos=1)
        assert self.granted.wait(60)

    def wait(self, where):
        with self.changed:
            assert self.changed.wait_for(lambda: any(where(*m) for m in self.heard), 60), self.heard

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_paho(world, bus, version, qos):
    awake(bus, "erp")
    client = Paho(world, version)
    try:
        client.subscribe("hall/servers/erp/#")
        client.wait(lambda t, p: t == topic("erp", "state") and p == "ready")
        id = f"paho-{version}-{qos}"
        client.client.publish(topic("erp", "command"), json.dumps({"action": "wake", "id": id, "for": "5m"}), qos=qos)
        client.wait(lambda t, p: t == topic("erp", "result") and json.loads(p)["id"] == id
                    and json.loads(p)["outcome"] == "done")
    finally:
        client.close()


# ---- node-mqtt ----

@pytest.mark.parametrize("version", VERSIONS)
def test_node_reads_what_is_retained(world, bus, version):
    awake(bus, "erp")
    heard = node(world.broker.port, "operator", world.broker.passwords["operator"], version,
                 {"subscribe": topic("erp", "status"), "until": {"state": "ready"}})
    assert heard[0]["retained"] and json.loads(heard[-1]["payload"])["policy"] == "on_demand"


@pytest.mark.parametrize("version", VERSIONS)
def test_node_wakes_and_hears_how_it_went(world, bus, version):
    asleep(bus, "testing")
    id = f"node-{version}"
    heard = node(world.broker.port, "operator", world.broker.passwords["operator"], version,
                 {"subscribe": RESULT, "topic": COMMAND, "payload": json.dumps({"action": "wake", "id": id}),
                  "until": {"id": id, "outcome": "done"}})
    assert [json.loads(m["payload"])["outcome"] for m in heard if id in m["payload"]] == ["accepted", "done"]
    assert state_of(bus, "testing") == "ready"


def test_node_is_answered_on_its_own_topic(world, bus):
    awake(bus, "testing")
    heard = node(world.broker.port, "operator", world.broker.passwords["operator"], "5",
                 {"subscribe": "hall/answers/node", "topic": COMMAND, "payload": "wake", "responseTopic": "hall/answers/node",
                  "correlation": "ninety-nine", "until": {"action": "wake", "outcome": "done"}})
    assert {m["correlation"] for m in heard} == {"ninety-nine"}
