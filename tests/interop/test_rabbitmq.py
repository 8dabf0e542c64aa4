"""RabbitMQ's MQTT plugin as the broker of Hall, an agent and hallctl: a whole cycle, and what differs from Mosquitto.
That of Debian 12 (3.10) knows MQTT 3.1.1 alone, that of Debian 13 (4.0) also 5; docs/BUS.md tells of the first. The broker
is started once."""

import json
import os
import socket
import subprocess
import threading

import paho.mqtt.client as paho
import pytest
from clients import Failed, Mosquitto, node
from lan import free_port
from process import wait_until
from rabbit import PASSWORD, USER, Rabbit
from world import Hall

MAC = "02:00:5e:10:77:01"
HALL_TOPICS = {"command": "hall/servers/testing/command", "result": "hall/servers/testing/result",
               "state": "hall/servers/testing/state"}


class Agent:
    """A server of the barest kind: awake once the magic packet came, an agent of MQTT 3.1.1, nothing else."""

    def __init__(self, port, wol_port):
        self.port, self.client, self.packets = port, None, 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.255.255.255", wol_port))
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        wanted = b"\xff" * 6 + bytes.fromhex(MAC.replace(":", "")) * 16
        while True:
            try:
                packet = self.socket.recv(2048)
            except OSError:
                return
            if packet == wanted:
                self.packets += 1
                self.wake()

    def wake(self):
        if self.client:
            return
        words = {"client_id": "testing", "protocol": paho.MQTTv311}
        if hasattr(paho, "CallbackAPIVersion"):
            words["callback_api_version"] = paho.CallbackAPIVersion.VERSION2
        self.client = paho.Client(**words)
        self.client.username_pw_set(USER, PASSWORD)
        self.client.will_set("hall/agents/testing/state", "offline", qos=1, retain=True)
        self.client.on_connect = self._online
        self.client.on_message = self._obey
        self.client.connect("127.0.0.1", self.port)
        self.client.loop_start()

    def _online(self, client, *_):
        client.subscribe("hall/agents/testing/command", qos=1)
        report = {"boot_id": "b1", "uptime_s": 1, "load": 0.1, "vetoes": [], "wol": {"interface": "eth0", "armed": True},
                  "can": {"suspend": True}}
        client.publish("hall/agents/testing/report", json.dumps(report), qos=1, retain=True)
        client.publish("hall/agents/testing/state", "online", qos=1, retain=True)

    def _obey(self, client, _userdata, message):
        command = json.loads(message.payload)
        client.publish("hall/agents/testing/result", json.dumps({"id": command["id"], "outcome": "accepted",
                                                                 "reason": None, "vetoes": []}), qos=1)
        client.publish("hall/agents/testing/state", "sleeping", qos=1, retain=True)
        threading.Thread(target=self.sleep, daemon=True).start()

    def sleep(self):
        client, self.client = self.client, None
        client.disconnect()
        client.loop_stop()

    def close(self):
        self.socket.close()
        if self.client:
            self.sleep()


class Site:
    """RabbitMQ, Hall, the agent."""

    def __init__(self, binary, directory):
        self.binary = binary
        self.rabbit = Rabbit(directory / "rabbit")
        wol_port = free_port(socket.SOCK_DGRAM)
        self.hall = Hall(binary, directory / "hall", {
            "mqtt": {"url": f"mqtt://127.0.0.1:{self.rabbit.port}", "username": USER},
            "http": {"gateway": f"127.0.0.1:{free_port()}", "admin": f"127.0.0.1:{free_port()}"},
            "store": {"path": str(directory / "hall" / "hall.db")},
            "servers": {"testing": {"address": "127.0.0.77", "mac": MAC, "checks": [{"agent": {}}],
                                    "wake": {"port": wol_port, "timeout": "60s"}, "sleep": {"min_up": "0s"}}},
            "domains": {"testing.localhost": {"server": "testing"}},
        }, PASSWORD)
        self.rabbit.start()
        self.agent = Agent(self.rabbit.port, wol_port)
        self.hall.start()
        self.clients = Mosquitto(self.rabbit.port, USER, PASSWORD, "mqttv311")
        wait_until(lambda: "bus: connected" in self.hall.log_text(), 60, "Hall's connection")
        wait_until(lambda: self.clients.first("hall/status") == "online", 30, "Hall on the bus")
        self.v5 = self._speaks_5()

    def _speaks_5(self):
        """Asked of the broker by a client that is not Hall's."""
        try:
            return Mosquitto(self.rabbit.port, USER, PASSWORD, "5").first("hall/status", 2) == "online"
        except Failed:
            return False

    def ctl(self, *words, expect=0):
        env = {k: v for k, v in os.environ.items() if not k.startswith("HALL_")}
        env |= {"HALL_MQTT_URL": f"mqtt://127.0.0.1:{self.rabbit.port}", "HALL_MQTT_USERNAME": USER,
                "HALL_MQTT_PASSWORD": PASSWORD, "HOME": "/nowhere"}
        done = subprocess.run([self.binary.with_name("hallctl"), *words], env=env, text=True, capture_output=True,
                              timeout=60, check=False)
        assert done.returncode == expect, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def state(self):
        return self.clients.first(HALL_TOPICS["state"])

    def wait_state(self, state):
        wait_until(lambda: self.state() == state, 30, f"testing {state}")

    def asleep(self):
        """Off, or unknown still: only its agent tells of this server, and is not waited for."""
        wait_until(lambda: self.state() in ("off", "unknown", "ready"), 30, "testing settled")
        if self.state() == "ready":
            self.ctl("sleep", "testing", "--force", "--wait")
            self.wait_state("off")

    def close(self):
        status = self.hall.stop(10)
        self.agent.close()
        self.rabbit.stop()
        assert status == 0, self.hall.log_text()[-3000:]
        assert "Sanitizer" not in self.hall.log_text() and "runtime error" not in self.hall.log_text()


@pytest.fixture(scope="module")
def site(binary, tmp_path_factory):
    site = Site(binary, tmp_path_factory.mktemp("rabbitmq"))
    yield site
    site.close()


def test_hall_speaks_what_the_broker_knows(site):
    version = "5" if site.v5 else "3.1.1"
    assert f"connected by MQTT {version}" in site.hall.log_text()
    assert json.loads(site.clients.first("hall/info"))["broker"]["protocol"] == version
    assert site.clients.first("hall/status") == "online"
    assert "corrected" not in site.hall.log_text(), "its own messages come back, and are known for its own"


def test_a_whole_cycle(site):
    site.asleep()
    before = site.agent.packets
    listener = site.clients.listen(HALL_TOPICS["result"], 2)
    site.clients.pub(HALL_TOPICS["command"], "-m", "wake")
    assert [a["outcome"] for a in site.clients.heard(listener)] == ["accepted", "done"]
    assert site.agent.packets > before and site.state() == "ready"
    listener = site.clients.listen(HALL_TOPICS["result"], 2)
    site.clients.pub("hall/servers/testing/power/set", "-m", "OFF")
    assert [a["outcome"] for a in site.clients.heard(listener)] == ["accepted", "done"]
    assert site.state() == "off"


def test_hallctl(site):
    site.asleep()
    assert "wake done after" in site.ctl("wake", "testing", "--wait").stdout
    assert "ready" in site.ctl("status", "testing").stdout
    assert "testing (Testing) is ready since" in site.ctl("why", "testing").stdout
    assert site.ctl("hold", "testing", "backup", "--for", "1h").stdout == "testing: hold done\n"
    assert "backup holds it" in site.ctl("sleep", "testing", expect=1).stderr
    assert site.ctl("release", "testing", "backup").stdout == "testing: release done\n"
    assert site.ctl("policy", "testing", "on_demand").stdout == "testing: policy done\n"
    assert site.ctl("reload").stdout == "Hall: reload done\n"


def test_nothing_is_replayed_for_wildcards(site):
    """What differs: see docs/BUS.md. When this fails, RabbitMQ has learned it, and the page is to be changed."""
    with pytest.raises(Failed):
        Mosquitto(site.rabbit.port, USER, PASSWORD, "mqttv311").first("hall/servers/+/state", 2)
    said = site.ctl("status", expect=1).stderr
    assert "Servers: 1" in said and "hallctl status SERVER" in said


def test_node(site):
    site.asleep()
    heard = node(site.rabbit.port, USER, PASSWORD, "mqttv311",
                 {"subscribe": HALL_TOPICS["result"], "topic": HALL_TOPICS["command"],
                  "payload": json.dumps({"action": "wake", "id": "node-1"}), "until": {"id": "node-1", "outcome": "done"}})
    assert [json.loads(m["payload"])["outcome"] for m in heard] == ["accepted", "done"]


def test_a_retained_command_is_not_run_again(site):
    """Over 3.1.1 a retained command runs once, since Hall cannot see that it is one; RabbitMQ replays nothing for
    Hall's filters, so the next start does not run it again."""
    site.asleep()
    site.clients.pub(HALL_TOPICS["command"], "-r", "-m", "wake")
    if not site.v5:  # there Hall is told, and refuses it
        site.wait_state("ready")
        site.asleep()
    before = site.agent.packets
    assert site.hall.stop(10) == 0
    site.hall.start()
    wait_until(lambda: site.hall.log_text().count("bus: connected") >= 2, 30, "Hall's connection")
    wait_until(lambda: site.clients.first("hall/status") == "online", 30, "Hall is back")
    site.ctl("idle", "testing", "20")  # it hears commands, and has heard what there was before this one
    assert site.agent.packets == before and site.state() in ("off", "unknown")
