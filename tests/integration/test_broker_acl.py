"""The broker's rights and its scripts, on a private mosquitto with the files of broker-conf: every pair of user and topic."""
import itertools
import re
import shutil
import ssl
import subprocess
import threading
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from lan import free_port

CONF = Path(__file__).resolve().parents[2] / "broker-conf"

STATES = ["hall/status", "hall/info", "hall/servers/testing/state", "hall/servers/testing/power",
          "hall/servers/testing/status", "hall/servers/testing/config", "hall/projects/client1/state",
          "hall/projects/client1/status"]
TOLD = ["hall/event", "hall/result", "hall/servers/testing/event", "hall/servers/testing/result", "hall/projects/client1/result"]
COMMANDS = ["hall/servers/testing/power/set", "hall/servers/testing/command", "hall/servers/testing/policy/set",
            "hall/servers/testing/idle/set", "hall/servers/testing/keep_awake/set", "hall/servers/testing/hold/backup",
            "hall/projects/client1/command"]
HALL_COMMANDS = ["hall/command"]  # to Hall itself: the operator's alone
AGENTS = [f"hall/agents/{who}/{what}" for who in ("testing", "erp", "viewer", "operator", "homeassistant")
          for what in ("state", "report", "containers", "result", "command")]
RELAYS = [f"hall/relays/{who}/{what}" for who in ("attic", "erp", "viewer", "operator", "homeassistant") for what in ("state", "result", "send")]
DISCOVERY = ["homeassistant/status", "homeassistant/device/hall_testing/config"]
OTHER = ["hall/echo", "hall/other", "hall/servers/testing/other", "other/topic", "hallo/status"]
TOPICS = STATES + TOLD + COMMANDS + HALL_COMMANDS + AGENTS + RELAYS + DISCOVERY + OTHER
USERS = ["hall", "homeassistant", "operator", "viewer", "testing", "erp", "attic"]


def is_role(topic, *roles):
    return re.match(rf"hall/(agents|relays)/({'|'.join(roles)})/", topic) is not None


def may(user, topic, write):
    """The rights as the contract words them, written a second time."""
    if user == "hall":
        return topic.startswith(("hall/", "homeassistant/"))
    if user == "homeassistant":
        if topic in DISCOVERY:
            return True
        return topic in COMMANDS if write else topic.startswith("hall/") and not is_role(topic, user)
    if user == "operator":
        if write:
            return topic in COMMANDS + HALL_COMMANDS
        return topic.startswith(("hall/", "homeassistant/")) and not is_role(topic, user)
    if user == "viewer":
        return not write and topic in STATES
    if write:
        return topic in [f"hall/agents/{user}/{w}" for w in ("state", "report", "containers", "result")] + \
            [f"hall/relays/{user}/{w}" for w in ("state", "result")]
    return topic in (f"hall/agents/{user}/command", f"hall/relays/{user}/send")


def run_users(folder, *arguments):
    return subprocess.run([CONF / "make-users.sh", "--dir", folder, *arguments], check=False, capture_output=True, text=True)


def start_broker(folder, edits):
    """The shipped configuration with other places and ports."""
    shutil.copy(CONF / "acl", folder / "acl")
    text = (CONF / "mosquitto.conf").read_text().replace("/etc/mosquitto", str(folder))
    for old, new in edits.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "test.conf").write_text(text + "user root\n")
    process = subprocess.Popen(["/usr/sbin/mosquitto", "-c", folder / "test.conf"], stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if "running" in line:
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return process
    raise RuntimeError(f"mosquitto ended with {process.wait()}")


def new_client(name):
    """paho 1.6 and 2.x want different constructors."""
    if hasattr(paho, "CallbackAPIVersion"):
        return paho.Client(paho.CallbackAPIVersion.VERSION1, name, protocol=paho.MQTTv5)
    return paho.Client(name, protocol=paho.MQTTv5)


class User:
    """One connected user, which listens to everything it may."""

    def __init__(self, port, name, password, tls=None):
        self.heard, self.condition, self.refused = [], threading.Condition(), None
        self.client = new_client(f"test-{name}")
        self.client.username_pw_set(name, password)
        if tls:
            self.client.tls_set(tls, tls_version=ssl.PROTOCOL_TLS_CLIENT)
        ready = threading.Event()
        self.client.on_message = self.hear
        self.client.on_subscribe = lambda *_: ready.set()

        def on_connect(client, _data, _flags, code, _properties=None):
            self.refused = None if code == 0 else str(code)
            if self.refused:
                ready.set()
            else:
                client.subscribe("#", 1)

        self.client.on_connect = on_connect
        self.client.connect("localhost" if tls else "127.0.0.1", port)
        self.client.loop_start()
        assert ready.wait(60)

    def hear(self, _client, _data, message):
        with self.condition:
            self.heard.append((message.topic, message.payload.decode()))
            self.condition.notify_all()

    def wait(self, payload):
        with self.condition:
            return self.condition.wait_for(lambda: any(p == payload for _, p in self.heard), 60)

    def heard_on(self, payload):
        with self.condition:
            return {topic for topic, text in self.heard if text == payload}

    def publish(self, topic, payload):
        self.client.publish(topic, payload, 1).wait_for_publish(60)

    def end(self):
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    folder = tmp_path_factory.mktemp("broker")
    made = run_users(folder, "--user", "testing", "--user", "erp", "--user", "attic")
    assert made.returncode == 0, made.stderr
    passwords = dict(line.split(" ") for line in made.stdout.splitlines())
    assert sorted(passwords) == sorted(USERS)
    # A listener of its own without rules shows what really went through.
    port, open_port = free_port(), free_port()
    process = start_broker(folder, {"listener 1883 127.0.0.1":
                                    f"listener {open_port} 127.0.0.1\nallow_anonymous true\n\nlistener {port} 127.0.0.1"})
    users = {name: User(port, name, passwords[name]) for name in USERS}
    witness = User(open_port, "witness", None)
    yield {"users": users, "witness": witness, "port": port, "passwords": passwords, "folder": folder}
    for user in [*users.values(), witness]:
        user.end()
    process.terminate()
    process.wait(60)


@pytest.mark.parametrize("name", USERS)
def test_writing(broker, name):
    user, witness = broker["users"][name], broker["witness"]
    text = f"written by {name}"
    for topic in TOPICS:
        user.publish(topic, text)
    # The witness speaks last on the same broker: what it hears before its own word is all there is.
    witness.publish("witness/end", f"end of {name}")
    assert witness.wait(f"end of {name}")
    assert witness.heard_on(text) == {topic for topic in TOPICS if may(name, topic, True)}


@pytest.mark.parametrize("name", USERS)
def test_reading(broker, name):
    user, witness = broker["users"][name], broker["witness"]
    text, last = f"for {name}", f"last for {name}"
    readable = [topic for topic in TOPICS if may(name, topic, False)]
    for topic in TOPICS:
        witness.publish(topic, text)
    witness.publish(readable[0], last)
    assert user.wait(last)
    assert user.heard_on(text) == set(readable)


@pytest.mark.parametrize(("name", "password"), [("hall", "wrong"), ("nobody", "x"), (None, None), ("hall", "")])
def test_strangers_are_refused(broker, name, password):
    stranger = User(broker["port"], name, password)
    stranger.end()
    assert stranger.refused


def test_the_word_for_every_topic_is_known():
    pairs = list(itertools.product(USERS, TOPICS, (True, False)))
    assert len(pairs) == len(USERS) * len(TOPICS) * 2
    assert len(set(TOPICS)) == len(TOPICS)


def test_users_are_made_once_and_never_shown_again(tmp_path):
    first = run_users(tmp_path)
    assert [line.split(" ")[0] for line in first.stdout.splitlines()] == ["hall", "homeassistant", "operator", "viewer"]
    stored = (tmp_path / "passwords").read_text()
    assert all(line.split(" ")[1] not in stored for line in first.stdout.splitlines())
    second = run_users(tmp_path, "--user", "testing", "--user", "testing")
    assert [line.split(" ")[0] for line in second.stdout.splitlines()] == ["testing"]
    assert (tmp_path / "passwords").read_text().startswith(stored)
    third = run_users(tmp_path, "--user", "testing")
    assert third.returncode == 0 and third.stdout == ""
    assert (tmp_path / "passwords").stat().st_mode & 0o777 == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["passwords"]


@pytest.mark.parametrize("arguments", [["--user", "Bad:Name"], ["--user"], ["--what"], ["--dir", "/nowhere/at/all"]])
def test_users_script_names_what_is_wrong(tmp_path, arguments):
    done = run_users(tmp_path, *arguments)
    assert done.returncode == 1 and arguments[-1] in done.stderr
    assert list(tmp_path.iterdir()) == []


def run_certs(folder, *arguments):
    return subprocess.run([CONF / "make-certs.sh", "--dir", folder, *arguments], check=False, capture_output=True, text=True)


def test_certificates(tmp_path):
    certs = tmp_path / "certs"
    made = run_certs(certs, "--host", "localhost", "--host", "127.0.0.1")
    assert made.returncode == 0, made.stderr
    subprocess.run(["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "localhost",
                    "-CAfile", certs / "ca.crt", certs / "server.crt"], check=True, capture_output=True)
    before = (certs / "server.crt").read_bytes(), (certs / "ca.crt").read_bytes()
    assert "kept" in run_certs(certs, "--host", "localhost", "--host", "127.0.0.1").stderr
    assert ((certs / "server.crt").read_bytes(), (certs / "ca.crt").read_bytes()) == before
    assert run_certs(certs, "--host", "localhost").returncode == 0
    assert (certs / "server.crt").read_bytes() != before[0] and (certs / "ca.crt").read_bytes() == before[1]
    assert (certs / "ca.key").stat().st_mode & 0o777 == 0o600
    assert run_certs(certs).returncode == 1
    assert "no;pe" in run_certs(certs, "--host", "no;pe").stderr


def test_tls_listener_as_shipped(tmp_path):
    assert run_certs(tmp_path / "certs", "--host", "localhost").returncode == 0
    passwords = dict(line.split(" ") for line in run_users(tmp_path).stdout.splitlines())
    text = (CONF / "mosquitto.conf").read_text()
    section = text[text.index("#listener 8883"):text.index("#tls_version")] + "#tls_version tlsv1.2"
    port = free_port()
    process = start_broker(tmp_path, {
        "listener 1883": f"listener {free_port()}",
        section.replace("/etc/mosquitto", str(tmp_path)):
            section.replace("#", "").replace("8883", str(port)).replace("/etc/mosquitto", str(tmp_path)),
    })
    try:
        user = User(port, "hall", passwords["hall"], tls=str(tmp_path / "certs" / "ca.crt"))
        assert user.refused is None
        user.publish("hall/status", "by TLS")
        assert user.wait("by TLS")
        user.end()
    finally:
        process.terminate()
        process.wait(60)
