"""The MQTT client against private brokers: outages, wrong passwords, lost state, strangers, many descriptors."""
import os
import queue
import re
import signal
import socket
import subprocess
import threading
import time
import uuid

import paho.mqtt.client as paho
import pytest
from helpers import promised
from process import Patience, went_on
from lan import free_port
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIMIT = 60  # seconds for what comes in any case
PROGRAM = os.path.join(os.environ.get("HALL_BUILD", os.path.join(TOP, "build")), "tests", "mqtt_watch")


class Broker:
    """A private mosquitto; start and stop as often as needed, on the same port."""

    def __init__(self, folder, extra="allow_anonymous true\n", listener=None, persistent=False):
        self.port = free_port()
        self.config = folder / "mosquitto.conf"
        store = f"persistence true\npersistence_location {folder}/\nautosave_interval 1\nautosave_on_changes true\n"
        self.config.write_text(f"{listener or f'listener {self.port} 127.0.0.1'}\n{extra}user root\n"
                               "set_tcp_nodelay true\nmax_queued_messages 0\n" + (store if persistent else ""))
        self.process = None

    def start(self):
        self.process = subprocess.Popen(["/usr/sbin/mosquitto", "-c", self.config, "-v"], stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if "running" in line:
                break
        else:
            raise RuntimeError("mosquitto did not start")
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self.read, args=(self.process,), daemon=True)
        self.reader.start()
        return self

    def read(self, process):
        for line in process.stderr:
            self.lines.put(line)

    def seen(self, peer):
        """What the broker logged so far, up to a word of that peer."""
        word, found = f"hall/seen/{uuid.uuid4().hex}", []
        peer.publish(word, "")
        while not found or word not in found[-1]:
            found.append(self.lines.get(timeout=LIMIT))
        return found

    def last_words(self):
        """What it logged since, after its end."""
        self.reader.join(LIMIT)
        return list(self.lines.queue)

    def stop(self, how=signal.SIGTERM):
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(LIMIT)
            self.process = None


class Watch:
    """The client under test: orders in, events out. The first of them, if any, is there for it when it begins."""

    def __init__(self, first=None, **options):
        arguments = [f"{name}={value}" for name, value in options.items()]
        reading, writing = os.pipe()
        self.orders = os.fdopen(writing, "w")
        if first:
            self.order(first)
        self.process = subprocess.Popen([PROGRAM, *arguments], stdin=reading, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, errors="replace")
        os.close(reading)
        self.events, self.errors = queue.Queue(), queue.Queue()
        for stream, where in ((self.process.stdout, self.events), (self.process.stderr, self.errors)):
            threading.Thread(target=self.read, args=(stream, where), daemon=True).start()

    @staticmethod
    def read(stream, where):
        for line in stream:
            where.put(line.rstrip("\n"))

    def order(self, line):
        self.orders.write(line + "\n")
        self.orders.flush()

    @staticmethod
    def next_of(where, start, timeout=LIMIT):
        patience = Patience(timeout)
        skipped = []
        while True:
            try:
                line = where.get(timeout=Patience.AT_ONCE)
            except queue.Empty:
                if patience.left() <= 0:
                    raise AssertionError(f"no line begins with {start!r}; seen: {skipped}") from None
                continue
            if line.startswith(start):
                return line
            skipped.append(line)

    def wait(self, start, timeout=LIMIT):
        return self.next_of(self.events, start, timeout)

    def wait_log(self, word, timeout=LIMIT):
        deadline = time.monotonic() + timeout
        while True:
            line = self.next_of(self.errors, "", max(0, deadline - time.monotonic()))
            if word in line:
                return line

    def end(self, how=None):
        if self.process.poll() is None:
            if how is None:
                self.order("quit")
            else:
                self.process.send_signal(how)
        status = self.process.wait(LIMIT)
        # A sanitizer's complaint ends the program with another status.
        assert how is not None or status == 0, list(self.errors.queue)
        return status


def new_client(name):
    """paho 1.6 and 2.x want different constructors."""
    if hasattr(paho, "CallbackAPIVersion"):
        return paho.Client(paho.CallbackAPIVersion.VERSION1, name, protocol=paho.MQTTv5)
    return paho.Client(name, protocol=paho.MQTTv5)


class Peer:
    """Another client of the broker, that sees everything."""

    def __init__(self, port, name="peer", filters="hall/#"):
        self.messages, self.ready = queue.Queue(), threading.Event()
        self.client = new_client(name)
        self.client.on_message = lambda _client, _data, message: self.messages.put(message)
        self.client.on_subscribe = lambda *_: self.ready.set()
        self.client.on_connect = lambda *_: self.client.subscribe(filters, options=SubscribeOptions(qos=1, retainAsPublished=True))
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self.ready.wait(LIMIT)

    def wait_for_all(self, awaited, timeout=LIMIT):
        """Each of these pairs of topic and payload, in whatever order they come."""
        deadline = time.monotonic() + timeout
        while awaited:
            message = self.messages.get(timeout=max(0, deadline - time.monotonic()))
            awaited = awaited - {(message.topic, message.payload.decode())}

    def wait(self, topic, payload=None, timeout=LIMIT):
        deadline = time.monotonic() + timeout
        seen = []
        while True:
            try:
                message = self.messages.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"nothing like that on {topic}; seen: {seen}") from None
            if message.topic == topic and payload in (None, message.payload.decode()):
                return message
            seen.append((message.topic, message.payload))

    def publish(self, topic, payload, retain=False, properties=None):
        self.client.publish(topic, payload, 1, retain, properties).wait_for_publish(LIMIT)

    def end(self):
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def things():
    """Whatever a test starts is ended, last first."""
    started = []
    yield started
    for thing in reversed(started):
        thing.stop() if isinstance(thing, Broker) else thing.end()


def add(things, thing):
    things.append(thing)
    return thing


def test_state_commands_and_answers(things, tmp_path):
    broker = add(things, Broker(tmp_path).start())
    peer = add(things, Peer(broker.port))
    watch = add(things, Watch(host="127.0.0.1", port=broker.port))
    assert watch.wait("connected") == "connected 5 connected by MQTT 5"
    peer.wait("hall/status", "online")
    watch.order("retain hall/servers/a/state off")
    assert peer.wait("hall/servers/a/state", "off").retain
    peer.publish("hall/servers/a/command", "wake")
    assert watch.wait("message") == "message hall/servers/a/command 0 4 wake"
    peer.publish("hall/servers/a/command", "wake", retain=True)
    assert watch.wait("message") == "message hall/servers/a/command 1 4 wake"
    watch.order("clear hall/servers/a/command")
    assert peer.wait("hall/servers/a/command", "").retain


def test_answer_carries_the_correlation(things, tmp_path):
    broker = add(things, Broker(tmp_path).start())
    peer = add(things, Peer(broker.port))
    watch = add(things, Watch(host="127.0.0.1", port=broker.port))
    watch.wait("connected")
    properties = Properties(PacketTypes.PUBLISH)
    properties.ResponseTopic = "hall/answers/peer"
    properties.CorrelationData = b"\x00\x01here"
    peer.publish("hall/servers/a/command", "wake", properties=properties)
    assert peer.wait("hall/answers/peer", "answer").properties.CorrelationData == b"\x00\x01here"


def test_megabyte_payload_is_told_and_harmless(things, tmp_path):
    broker = add(things, Broker(tmp_path).start())
    peer = add(things, Peer(broker.port))
    watch = add(things, Watch(host="127.0.0.1", port=broker.port))
    watch.wait("connected")
    peer.publish("hall/servers/a/command", b"\xff" * (1 << 20))
    watch.wait("message hall/servers/a/command 0 1048576 ")
    watch.order("publish hall/event still-here")
    peer.wait("hall/event", "still-here")


@promised(2)
def test_broker_absent_then_killed_then_back(things, tmp_path, limit):
    broker = add(things, Broker(tmp_path))
    watch = add(things, Watch(host="127.0.0.1", port=broker.port))
    watch.order("retain hall/servers/a/state off")
    assert "refused" in watch.wait("disconnected")
    for how in (signal.SIGKILL, signal.SIGTERM):
        broker.start()
        started = went_on()
        watch.wait("connected", limit)
        assert went_on() - started <= limit
        peer = Peer(broker.port)
        peer.wait("hall/servers/a/state", "off")
        peer.end()
        broker.stop(how)
        watch.wait("disconnected")


def test_what_waits_during_an_outage_is_sent(things, tmp_path):
    broker = add(things, Broker(tmp_path))
    port = free_port()
    watch = add(things, Watch(host="127.0.0.1", port=port))
    watch.wait("disconnected")
    for i in range(2000):
        watch.order(f"publish hall/event {i}")
        watch.wait("done publish")
    broker.start()
    peer = add(things, Peer(broker.port))
    add(things, Relay(broker.port, port))  # it gets there once the peer listens
    watch.wait("connected")
    assert peer.wait("hall/event").payload == b"0"
    peer.wait("hall/event", "1999")
    assert not [line for line in list(watch.errors.queue) if "dropped" in line]


@promised(2)
def test_wrong_password_then_right(things, tmp_path, limit):
    passwords = tmp_path / "passwords"

    def set_password(word):
        subprocess.run(["mosquitto_passwd", "-c", "-b", passwords, "hall", word], check=True, stderr=subprocess.DEVNULL)

    set_password("other")
    broker = add(things, Broker(tmp_path, f"allow_anonymous false\npassword_file {passwords}\n").start())
    watch = add(things, Watch(host="127.0.0.1", port=broker.port, username="hall", password="right"))
    assert "uthori" in watch.wait("disconnected")
    set_password("right")
    broker.process.send_signal(signal.SIGHUP)
    watch.wait("connected", limit)


def test_silent_peer_is_given_up(things, tmp_path):
    broker = add(things, Broker(tmp_path))
    with socket.create_server(("127.0.0.1", broker.port)) as silent:
        watch = add(things, Watch(host="127.0.0.1", port=broker.port))
        held = silent.accept()[0]
        assert "does not answer within 5 s" in watch.wait("disconnected")
        held.close()
    broker.start()
    watch.wait("connected")


def test_clean_stop_says_offline_before_it_goes(things, tmp_path):
    broker = add(things, Broker(tmp_path).start())
    peer = add(things, Peer(broker.port))
    watch = Watch(host="127.0.0.1", port=broker.port)
    peer.wait("hall/status", "online")
    broker.seen(peer)
    assert watch.end() == 0
    assert peer.wait("hall/status", "offline").retain
    broker.stop()
    assert any("Received DISCONNECT from hall-test" in line for line in broker.last_words())


def test_last_will(things, tmp_path):
    broker = add(things, Broker(tmp_path).start())
    peer = add(things, Peer(broker.port))
    watch = Watch(host="127.0.0.1", port=broker.port)
    peer.wait("hall/status", "online")
    watch.end(signal.SIGKILL)
    assert peer.wait("hall/status", "offline").retain


def test_unchanged_is_not_sent_again(things, tmp_path):
    broker = add(things, Broker(tmp_path).start())
    peer = add(things, Peer(broker.port))
    watch = add(things, Watch(host="127.0.0.1", port=broker.port))
    watch.wait("connected")
    peer.wait("hall/status", "online")
    for server in "ab":
        watch.order(f"retain hall/servers/{server}/state off")
        peer.wait(f"hall/servers/{server}/state", "off")
    broker.seen(peer)
    watch.order("reconnect")
    watch.wait("disconnected")
    watch.order("retain hall/servers/b/state waking")
    watch.wait("connected")
    peer.wait_for_all({("hall/servers/b/state", "waking"), ("hall/status", "online")})
    received = [line for line in broker.seen(peer) if "Received PUBLISH from hall-test" in line]
    assert [line for line in received if "servers/b/state" in line]
    assert not [line for line in received if "servers/a/state" in line]


def test_unchanged_is_not_sent_again_by_a_new_process(things, tmp_path):
    broker = add(things, Broker(tmp_path).start())
    peer = add(things, Peer(broker.port))
    for _ in range(2):
        watch = Watch("retain hall/servers/a/state off", host="127.0.0.1", port=broker.port)
        peer.wait("hall/status", "online")
        assert watch.end() == 0
    received = [line for line in broker.seen(peer) if "Received PUBLISH from hall-test" in line]
    assert len([line for line in received if "servers/a/state" in line]) == 1


@promised(2)
def test_lost_persistence_is_filled_again(things, tmp_path, limit):
    broker = add(things, Broker(tmp_path).start())
    watch = add(things, Watch(host="127.0.0.1", port=broker.port))
    watch.order("many 1000")
    watch.wait("connected")
    broker.stop(signal.SIGKILL)
    broker.start()
    watch.wait("connected", limit)
    peer = add(things, Peer(broker.port))
    peer.wait("hall/status", "online")
    second = add(things, Peer(broker.port, "second"))
    topics = set()
    while len(topics) < 1000:
        message = second.messages.get(timeout=LIMIT)
        if message.topic.endswith("/state"):
            topics.add(message.topic)


def test_removed_servers_are_cleared(things, tmp_path):
    broker = add(things, Broker(tmp_path).start())
    peer = add(things, Peer(broker.port))
    peer.publish("hall/servers/gone/state", "ready", retain=True)
    peer.publish("hall/agents/gone/state", "online", retain=True)
    peer.wait("hall/servers/gone/state", "ready")
    watch = add(things, Watch(host="127.0.0.1", port=broker.port))
    watch.wait("message hall/agents/gone/state 1 6 online")
    peer.wait("hall/servers/gone/state", "")
    peer.wait("hall/status", "online")


def test_foreign_publisher_is_corrected(things, tmp_path):
    broker = add(things, Broker(tmp_path).start())
    peer = add(things, Peer(broker.port))
    watch = add(things, Watch(host="127.0.0.1", port=broker.port))
    peer.wait("hall/status", "online")
    watch.order("retain hall/servers/a/state off")
    peer.wait("hall/servers/a/state", "off")
    others = Properties(PacketTypes.PUBLISH)
    others.UserProperty = [("by", "me"), ("publisher", "me"), ("publisher", "")]
    peer.publish("hall/servers/a/state", "ready", retain=True, properties=others)
    peer.wait("hall/servers/a/state", "off")
    assert "hall/servers/a/state" in watch.wait_log("someone else")
    peer.publish("hall/status", "offline", retain=True)
    peer.wait("hall/status", "online")
    # Again within 10 s: corrected, but not at once.
    peer.publish("hall/servers/a/state", "ready", retain=True)
    again = time.monotonic()
    peer.wait("hall/servers/a/state", "off")
    assert time.monotonic() - again > 1


def collect(peer, *awaited):
    """All that the peer sees until each of these pairs of topic and payload has come: the payloads of each topic."""
    seen, missing = {}, set(awaited)
    while missing:
        message = peer.messages.get(timeout=LIMIT)
        seen.setdefault(message.topic, []).append(message.payload.decode())
        missing.discard((message.topic, message.payload.decode()))
    return seen


@pytest.mark.parametrize("echoing", [False, True], ids=["broker", "broker-without-no-local"])
def test_own_quick_changes_are_not_taken_for_foreign(things, tmp_path, echoing):
    broker = add(things, Broker(tmp_path).start())
    port = add(things, EchoingBroker(broker.port)).port if echoing else broker.port
    peer = add(things, Peer(broker.port))
    watch = add(things, Watch(host="127.0.0.1", port=port))
    servers = range(20)
    watch.wait("connected")
    for i in range(800):
        for server in servers:
            watch.order(f"retain hall/servers/s{server}/state {i}")
        watch.order(f"retain hall/servers/gone/state {i}\nretain hall/servers/gone/state ")
        if i % 200 == 100:
            watch.order("reconnect")
        if i % 200 == 110:
            watch.wait("connected")
        elif i % 200 not in range(100, 110):
            watch.order("turn")
            watch.wait("done turn")
    # In whatever order: what is on its way with an older value goes again behind the others.
    seen = collect(peer, *((f"hall/servers/s{server}/state", "799") for server in servers))
    # On the watch's connection this comes after whatever of its own came back.
    peer.publish("hall/servers/a/command", "wake")
    assert watch.wait("message") == "message hall/servers/a/command 0 4 wake"
    watch.order("publish hall/event end")
    for topic, payloads in collect(peer, ("hall/event", "end")).items():
        seen.setdefault(topic, []).extend(payloads)
    for server in servers:
        numbers = [int(payload) for payload in seen[f"hall/servers/s{server}/state"]]
        assert numbers == sorted(set(numbers)) and numbers[-1] == 799
        assert len(numbers) >= 5, "each of five connections says the last at least"
    assert not [line for line in watch.errors.queue if "someone else" in line]


@promised(2)
def test_more_descriptors_than_select_can_hold(things, tmp_path, limit):
    broker = add(things, Broker(tmp_path))
    watch = add(things, Watch(host="127.0.0.1", port=broker.port, files=1100))
    watch.wait("disconnected")
    for _ in range(2):
        broker.start()
        watch.wait("connected", limit)
        peer = Peer(broker.port)
        peer.wait("hall/status", "online")
        peer.end()
        broker.stop(signal.SIGKILL)
        watch.wait("disconnected")


def test_unix_socket(things, tmp_path):
    path = tmp_path / "mqtt.sock"
    broker = add(things, Broker(tmp_path, listener=f"listener 0 {path}").start())
    watch = add(things, Watch(unix=path))
    watch.wait("connected")
    broker.stop()
    assert watch.wait("disconnected")


def test_name_is_resolved_on_the_side(things, tmp_path):
    broker = add(things, Broker(tmp_path).start())
    add(things, Watch(host="localhost", port=broker.port)).wait("connected")
    unknown = add(things, Watch(host="no-such-host.invalid", port=broker.port))
    assert "resolved" in unknown.wait("disconnected")


def make_certificates(folder):
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    (folder / "ext").write_text("subjectAltName=DNS:localhost\n")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
            "/CN=test CA", "-keyout", "ca.key", "-out", "ca.crt")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=broker", "-keyout",
            "server.key", "-out", "server.csr")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "ext", "-out", "server.crt")


def test_tls_verifies_the_name(things, tmp_path):
    make_certificates(tmp_path)
    broker = add(things, Broker(tmp_path, f"allow_anonymous true\ncafile {tmp_path}/ca.crt\ncertfile {tmp_path}/server.crt\n"
                                          f"keyfile {tmp_path}/server.key\n").start())
    good = add(things, Watch(host="localhost", port=broker.port, tls=1, ca=tmp_path / "ca.crt", id="good"))
    good.wait("connected")
    address = add(things, Watch(host="127.0.0.1", port=broker.port, tls=1, ca=tmp_path / "ca.crt", id="address"))
    assert "verif" in address.wait("disconnected")
    system = add(things, Watch(host="localhost", port=broker.port, tls=1, id="system"))
    assert "certificate verify failed" in system.wait("disconnected")
    missing = add(things, Watch(host="localhost", port=broker.port, tls=1, ca=tmp_path / "none.crt", id="missing"))
    assert "none.crt" in missing.wait("disconnected")
    broker.stop(signal.SIGKILL)
    good.wait("disconnected")
    broker.start()
    good.wait("connected")


class Relay:
    """Passes everything on to a real broker; what is made of it may be another kind of broker."""

    def __init__(self, behind, port=0):
        self.server = socket.create_server(("127.0.0.1", port))
        self.port = self.server.getsockname()[1]
        self.behind = behind
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                client = self.server.accept()[0]
            except OSError:
                return
            try:
                self.serve(client)
            except OSError:  # the broker is down, or the client has gone: the next one may have more luck
                client.close()

    def serve(self, client, hello=b""):
        broker = socket.create_connection(("127.0.0.1", self.behind))
        broker.sendall(hello)
        for side in (client, broker):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for source, target, pump in ((client, broker, self.to_broker), (broker, client, self.copy)):
            threading.Thread(target=self.pass_on, args=(source, target, pump), daemon=True).start()

    @staticmethod
    def pass_on(source, target, pump):
        try:
            pump(source, target)
        except OSError:
            pass
        # A thread that still reads from one of the two is woken by this, and not by closing alone.
        for side in (source, target):
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            side.close()

    @staticmethod
    def copy(source, target):
        while data := source.recv(65536):
            target.sendall(data)

    def to_broker(self, source, target):
        self.copy(source, target)

    def end(self):
        self.server.close()


class OldBroker(Relay):
    """Refuses MQTT 5 as a broker of 2013 would."""

    ANSWER = b"\x20\x02\x00\x01"
    renewed = False  # a newer one took its place

    def serve(self, client, hello=b""):
        hello = client.recv(4096)
        if b"MQTT\x05" in hello and not self.renewed:
            self.refuse(client)
        else:
            super().serve(client, hello)

    def refuse(self, client):
        client.sendall(self.ANSWER)
        client.close()


class Moquette(OldBroker):
    """Answers in the form of MQTT 5, with the code of 3.1.1."""

    ANSWER = b"\x20\x03\x00\x01\x00"


class WrongPacket(OldBroker):
    """Takes what follows the version for a mistake."""

    ANSWER = b"\x20\x03\x00\x81\x00"


class Deaf(OldBroker):
    """Does not look at the version: its answer is 3.1.1's."""

    ANSWER = b"\x20\x02\x00\x00"


class HangingUp(OldBroker):
    def refuse(self, client):
        client.close()


class Silent(OldBroker):
    """As aMQTT."""

    def refuse(self, client):
        self.held = [*getattr(self, "held", []), client]


OLD = {"3.1.1-code": OldBroker, "moquette": Moquette, "malformed": WrongPacket, "no-version": Deaf, "hang-up": HangingUp, "silence": Silent}


class EchoingBroker(Relay):
    """Knows nothing of no-local: everyone gets his own messages back."""

    NO_LOCAL = 4

    def to_broker(self, source, target):
        stream = source.makefile("rb")
        while head := stream.read(1):
            size, shift, length = 0, 0, b""
            while not length or length[-1] & 0x80:
                length += stream.read(1)
                size |= (length[-1] & 0x7F) << shift
                shift += 7
            body = bytearray(stream.read(size))
            if head == b"\x82":
                self.weaken(body)
            target.sendall(head + length + body)

    def weaken(self, subscribe):
        at = 3 + subscribe[2]  # behind the identifier and the properties
        while at < len(subscribe):
            at += 2 + int.from_bytes(subscribe[at:at + 2], "big")
            subscribe[at] &= ~self.NO_LOCAL
            at += 1


@pytest.mark.parametrize("kind", OLD.values(), ids=OLD)
def test_falls_back_to_mqtt_3(things, tmp_path, kind):
    broker = add(things, Broker(tmp_path).start())
    old = add(things, kind(broker.port))
    peer = add(things, Peer(broker.port))
    peer.publish("hall/servers/gone/state", "ready", retain=True)
    watch = add(things, Watch(host="127.0.0.1", port=old.port))
    watch.wait("connected 3.1.1")
    peer.wait("hall/servers/gone/state", "")
    peer.wait("hall/status", "online")
    watch.order("retain hall/servers/a/state off")
    peer.wait("hall/servers/a/state", "off")
    watch.order("clear hall/servers/a/command")
    peer.wait("hall/servers/a/command", "")
    peer.publish("hall/servers/a/command", "wake")
    assert watch.wait("message") == "message hall/servers/a/command 0 4 wake"
    broker.stop()
    watch.wait("disconnected")
    broker.start()
    watch.wait("connected 3.1.1")  # what was learned is known


def test_what_gave_no_answer_is_asked_again(things, tmp_path):
    broker = add(things, Broker(tmp_path).start())
    slow = add(things, HangingUp(broker.port))
    watch = add(things, Watch(host="127.0.0.1", port=slow.port))
    watch.wait("connected 3.1.1")
    slow.renewed = True
    assert "answers to MQTT 5 now" in watch.wait("disconnected")
    watch.wait("connected 5")


@pytest.mark.parametrize("kind", [OldBroker, Silent])
def test_a_version_may_be_asked_for(things, tmp_path, kind):
    broker = add(things, Broker(tmp_path).start())
    old = add(things, kind(broker.port))
    add(things, Watch(host="127.0.0.1", port=old.port, version="3.1.1", id="old")).wait("connected 3.1.1")
    new = add(things, Watch(host="127.0.0.1", port=old.port, version="5", id="new"))
    words = "Unsupported Protocol Version" if kind is OldBroker else "does not answer"
    assert words in new.wait("disconnected")
    add(things, Watch(host="127.0.0.1", port=broker.port, version="3.1.1", id="both")).wait("connected 3.1.1")


def test_a_refusal_of_3_is_named_in_its_words(things, tmp_path):
    broker = add(things, Broker(tmp_path, f"allow_anonymous false\npassword_file {tmp_path}/passwords\n"))
    subprocess.run(["mosquitto_passwd", "-c", "-b", tmp_path / "passwords", "hall", "right"], check=True, stderr=subprocess.DEVNULL)
    broker.start()
    for kind in (OldBroker, Moquette):
        old = add(things, kind(broker.port))
        watch = add(things, Watch(host="127.0.0.1", port=old.port, username="hall", password="wrong", id=kind.__name__))
        assert re.search(r"(not authori[sz]ed|bad user name or password).*check the user and HALL_MQTT_PASSWORD", watch.wait("disconnected"), re.I)


def test_message_too_large_for_the_broker_is_left_out(things, tmp_path):
    broker = add(things, Broker(tmp_path, "allow_anonymous true\nmax_packet_size 1000\n").start())
    peer = add(things, Peer(broker.port))
    watch = add(things, Watch(host="127.0.0.1", port=broker.port))
    watch.wait("connected")
    peer.wait("hall/status", "online")
    watch.order("retain hall/servers/a/status " + "x" * 2000)
    watch.order("publish hall/event " + "x" * 2000)
    watch.order("publish hall/event after")
    assert peer.wait("hall/event").payload == b"after"
    assert "hall/servers/a/status" in watch.wait_log("refused")
    watch.order("retain hall/servers/a/status small")
    peer.wait("hall/servers/a/status", "small")
    assert not [line for line in watch.events.queue if line.startswith("disconnected")]
