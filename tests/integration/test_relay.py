"""The relay: real packets from a host of its own on the LAN, asked for by Hall over a real broker with the shipped rights."""

import json
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path

import jsonschema
import pytest
from conftest import SANITIZER, Worlds
from helpers import command, result, simple_servers, state_of, status, wait_state, wait_status
from links import Host, ip
from process import Process, wait_until
from test_doctor import Doctor
from world import ROOT

MAC = "02:00:5e:10:02:77"
NET_RAW = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all,+net_raw",
           "--inh-caps=+net_raw", "--ambient-caps=+net_raw"]
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--no-new-privs"]


def magic(mac, secureon=""):
    return b"\xff" * 6 + bytes.fromhex(mac.replace(":", "")) * 16 + bytes.fromhex(secureon.replace(":", ""))


class Relay:
    """hall-wol in a namespace that is plugged into the world's LAN."""

    def __init__(self, world):
        self.world = world
        self.directory = Path(tempfile.mkdtemp(prefix="hall-relay-"))  # that others may enter
        self.directory.chmod(0o755)
        self.host, self.process = Host("relay"), None
        self.binary = world.hall.binary.parent / "hall-wol"
        self.log = self.directory / "relay.log"
        port = f"hr{self.host.name[-9:].replace('-', '')}"
        ip("link", "add", port, "type", "veth", "peer", "name", "eth0", "address", MAC, "netns", self.host.name)
        ip("link", "set", port, "master", world.lan.bridge, "up")
        self.host.ip("addr", "add", f"{world.lan.address(77)}/24", "broadcast", "+", "dev", "eth0")
        self.host.ip("link", "set", "eth0", "up")

    def command(self, rights, **settings):
        config = {"id": "attic", "mqtt": {"url": f"mqtt://{self.world.lan.gateway}:{self.world.broker.port}"},
                  "interface": "eth0", **settings}
        file = self.directory / "relay.json"
        file.write_text(json.dumps(config))
        file.chmod(0o644)
        return ["ip", "netns", "exec", self.host.name, *rights, self.binary, "--config", file]

    def environment(self):
        environment = {k: v for k, v in self.world.hall.environment().items() if not k.startswith("HALL_")}
        return {**environment, "HALL_MQTT_PASSWORD": self.world.broker.passwords["attic"]}

    def start(self, bus, rights=(), **settings):
        self.stop()
        mark = bus.mark()
        self.process = Process(self.command(rights, **settings), self.log, env=self.environment())
        bus.wait_text("hall/relays/attic/state", "online", mark)

    def stop(self):
        if self.process and self.process.alive():
            assert self.process.stop() == 0, self.process.log_tail()
        self.process = None

    def close(self):
        try:
            self.stop()
        finally:
            self.host.close()
        log = self.log.read_text() if self.log.exists() else ""
        shutil.rmtree(self.directory)
        assert not SANITIZER.search(log), log[-3000:]


class Site:
    def __init__(self, worlds):
        self.world = worlds(start=False, namespaces=True, servers=simple_servers("erp"), boot_s=0.4)
        self.world.broker.passwords["attic"] = "attic's own"
        self.world.broker._write()
        server = self.world.hall.config["servers"]["erp"]
        server["wake"].update(relay="attic", secureon="01:23:45:67:89:ab")
        self.world.hall.write(self.world.hall.config)
        self.world.start()
        self.bus = self.world.bus("hall")
        self.sim = self.world.sims["erp"]
        self.relay = Relay(self.world)
        self.mac = self.world.described["erp"]["mac"]

    def wake(self):
        """The frames that come until it is ready."""
        before = len(self.sim.frames())
        id, mark = command(self.bus, "erp", "wake")
        result(self.bus, "erp", id, "done", mark, 60)
        return [bytes.fromhex(frame["hex"]) for frame in self.sim.frames()[before:]]

    def asleep(self):
        wait_until(lambda: state_of(self.bus, "erp") in ("off", "ready"), 20, "erp settled")
        if status(self.bus, "erp")["state"] != "off":
            id, mark = command(self.bus, "erp", "sleep", force=True)
            result(self.bus, "erp", id, "done", mark, 60)
        wait_state(self.bus, "erp", "off")

    def order(self, **changes):
        """What Hall would send."""
        expires = datetime.now(timezone.utc) + timedelta(seconds=30)
        return {"id": uuid.uuid4().hex, "mac": self.mac, "secureon": None, "broadcast": None, "port": 9,
                "expires": expires.strftime("%Y-%m-%dT%H:%M:%SZ"), **changes}

    def send(self, order, retain=False):
        """Its result."""
        mark = self.bus.mark()
        self.bus.publish("hall/relays/attic/send", order, retain=retain)
        wanted = {"id": order["id"]} if isinstance(order, dict) and "id" in order else {}
        return self.bus.wait_json("hall/relays/attic/result", mark, 10, **wanted).json()


@pytest.fixture(scope="module")
def site(binary, tmp_path_factory):
    worlds = Worlds(binary, tmp_path_factory)
    site = None
    try:
        site = Site(worlds)
        yield site
    finally:
        if site:
            site.relay.close()
        worlds.close()


def problem(site, words, code=None):
    status = wait_status(site.bus, "erp", lambda s: words in (s["problem"] or ""), what=words)
    if code:
        assert status["problem_fact"]["code"] == "wake.packet_failed" and status["problem_fact"]["said"] is None
        cause = status["problem_fact"]["cause"]
        assert cause["code"] == code and cause["relay"] == "attic", cause
    return status["problem"]


def test_hall_never_falls_back_to_its_own_packets(site):
    """Nobody has heard of the relay: said by name, and no packet leaves; the next one goes when the relay is there."""
    site.asleep()
    before = len(site.sim.frames())
    id, mark = command(site.bus, "erp", "wake")
    assert problem(site, "has not been heard of", "relay.unheard") == "a magic packet could not be sent: relay attic has not been heard of"
    assert len(site.sim.frames()) == before
    site.relay.start(site.bus)
    result(site.bus, "erp", id, "done", mark, 60)
    sources = {bytes.fromhex(f["hex"])[6:12] for f in site.sim.frames()[before:]}
    assert sources == {bytes.fromhex(MAC.replace(":", ""))}


def test_a_datagram_and_a_frame_byte_by_byte(site):
    site.relay.start(site.bus, NET_RAW, raw=True)
    site.asleep()
    frames = site.wake()
    payload, source = magic(site.mac, "01:23:45:67:89:ab"), bytes.fromhex(MAC.replace(":", ""))
    raw = b"\xff" * 6 + source + b"\x08\x42" + payload
    assert frames.count(raw) >= 1
    datagrams = [frame for frame in frames if frame != raw]
    for frame in datagrams:
        assert frame[:14] == b"\xff" * 6 + source + b"\x08\x00" and frame[14] == 0x45 and frame[23] == 17
        assert frame[26:30] == bytes(map(int, site.world.lan.address(77).split(".")))
        assert frame[30:34] == bytes(map(int, site.world.lan.broadcast.split(".")))
        assert int.from_bytes(frame[36:38], "big") == 9
        assert int.from_bytes(frame[38:40], "big") == 8 + len(payload)
        assert frame[42:] == payload
    assert len(datagrams) == frames.count(raw)


def test_without_raw_it_needs_no_rights(site):
    site.relay.start(site.bus, NOBODY)
    site.asleep()
    frames = site.wake()
    assert frames and all(frame[12:14] == b"\x08\x00" for frame in frames)


def test_raw_without_the_right_says_what_to_do(site):
    done = subprocess.run(site.relay.command(NOBODY, raw=True), env=site.relay.environment(), capture_output=True, text=True,
                          check=False, timeout=20)
    assert done.returncode == 1 and "CAP_NET_RAW" in done.stderr and '"raw" to false' in done.stderr


@pytest.mark.parametrize(("broadcast", "port", "secureon"), [
    (None, 9, None), ("255.255.255.255", 7, "11:22:33:44"), ("lan", 40000, "11:22:33:44:55:66")])
def test_orders_as_the_bus_has_them(site, broadcast, port, secureon):
    site.relay.start(site.bus)
    mark = len(site.sim.frames())
    broadcast = site.world.lan.broadcast if broadcast == "lan" else broadcast
    order = site.order(broadcast=broadcast, port=port, secureon=secureon)
    assert site.send(order) == {"id": order["id"], "outcome": "done", "reason": None}
    wait_until(lambda: len(site.sim.frames()) > mark, 15, "the packet")
    frame = bytes.fromhex(site.sim.frames()[mark]["hex"])
    assert frame[30:34] == bytes(map(int, (broadcast or "255.255.255.255").split(".")))
    assert (int.from_bytes(frame[36:38], "big"), frame[42:]) == (port, magic(site.mac, secureon or ""))


def test_refused_orders_send_nothing(site):
    site.relay.start(site.bus)
    good, before = site.order(), len(site.sim.frames())
    assert site.send(good)["outcome"] == "done"
    wait_until(lambda: len(site.sim.frames()) > before, 15, "the packet")
    other = "02:00:00:00:99:99"
    heard = len(site.sim.frames())
    past = (datetime.now(timezone.utc) - timedelta(seconds=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for order, words in [
            (good, "handled before"), (site.order(expires=past), "it expired at"), (site.order(expires=None), '"expires"'),
            (site.order(mac="x"), '"mac"'), (site.order(port=0), '"port"'), (site.order(broadcast="239.1.1.1"), '"broadcast"'),
            ("wake", "JSON cannot be read"), ("[" * 40, "JSON cannot be read"), ("[1]", "payload is array"), ({"mac": other}, '"id"')]:
        answer = site.send(order)
        assert answer["outcome"] == "refused" and words in answer["reason"], (order, answer)
    last = site.order()
    assert site.send(last)["outcome"] == "done"
    wait_until(lambda: len(site.sim.frames()) > heard, 15, "the last packet")
    assert len(site.sim.frames()) == heard + 1


def test_a_retained_order_is_refused_also_at_each_start(site):
    site.relay.start(site.bus)
    order = site.order()
    try:
        assert "retained" in site.send(order, retain=True)["reason"]
        mark = site.bus.mark()
        site.relay.start(site.bus)
        assert "retained" in site.bus.wait_json("hall/relays/attic/result", mark, 10, id=order["id"]).json()["reason"]
    finally:
        site.bus.publish("hall/relays/attic/send", "", retain=True)


def test_a_flood_is_held_back_and_hall_is_told(site):
    site.asleep()
    site.relay.start(site.bus, packets_per_second=1)
    other = "02:00:00:00:99:99"
    mark, orders = site.bus.mark(), [site.order(mac=other) for _ in range(60)]
    began = time.monotonic()
    for order in orders:
        site.bus.publish("hall/relays/attic/send", order)
    site.bus.wait_json("hall/relays/attic/result", mark, 20, id=orders[-1]["id"])
    answers = [m.json() for m in site.bus.heard("hall/relays/attic/result", mark)]
    done = sum(a["outcome"] == "done" for a in answers)
    assert len(answers) == 60 and 1 <= done <= 10 + time.monotonic() - began
    assert {a["reason"] for a in answers if a["outcome"] == "refused"} == {"more than 1 packets a second"}
    over, flooder = threading.Event(), site.world.bus("hall", topics=["hall/nothing"])

    def flood():
        while not over.wait(0.01):
            for _ in range(10):
                flooder.publish("hall/relays/attic/send", site.order(mac=other))

    thread, mark = threading.Thread(target=flood), site.bus.mark()
    site.sim.tell("deaf on")  # one packet a second is let through, and that may be the wake's: then its next one is refused
    thread.start()
    try:
        site.bus.wait_json("hall/relays/attic/result", mark, 20, outcome="refused")
        id, mark = command(site.bus, "erp", "wake")
        assert "relay attic refused it: more than 1 packets a second" in problem(site, "refused", "relay.refused")
    finally:
        over.set()
        thread.join()
        site.sim.tell("deaf off")
    result(site.bus, "erp", id, "done", mark, 60)


def test_a_relay_that_does_not_answer_is_named(site):
    site.asleep()
    site.relay.start(site.bus)
    site.relay.process.signal(signal.SIGSTOP)
    id, mark = command(site.bus, "erp", "wake")
    try:
        assert "relay attic did not answer" in problem(site, "did not answer", "relay.silent")
    finally:
        site.relay.process.signal(signal.SIGCONT)
    result(site.bus, "erp", id, "done", mark, 60)


def test_what_the_relay_cannot_send_is_named(site):
    site.asleep()
    site.relay.start(site.bus, interface="nosuch0")
    command(site.bus, "erp", "wake")
    assert "relay attic could not send it: the packet could not be sent on nosuch0: No such device" in problem(site, "nosuch0", "relay.failed")
    site.relay.start(site.bus)
    wait_state(site.bus, "erp", "ready", 60)


def test_offline_by_goodbye_and_by_will(site):
    site.relay.start(site.bus)
    mark = site.bus.mark()
    site.relay.stop()
    site.bus.wait_text("hall/relays/attic/state", "offline", mark)
    site.asleep()
    command(site.bus, "erp", "wake")
    assert problem(site, "is offline", "relay.offline").endswith("relay attic is offline")
    site.relay.start(site.bus)
    wait_state(site.bus, "erp", "ready", 60)
    mark = site.bus.mark()
    site.relay.process.kill()
    site.bus.wait_text("hall/relays/attic/state", "offline", mark)


def test_the_doctor_sees_that_it_is_gone(site, tmp_path):
    """A relay that stopped, and one that is cut off; the command of the line starts it again."""
    doctor = Doctor(site.world, tmp_path)
    gone = {"server.relay_offline": "ssh attic sudo systemctl restart hall-wol"}
    site.relay.start(site.bus)
    assert "server.relay_offline" not in doctor.look("erp")
    for end in (site.relay.stop, lambda: site.relay.process.kill()):
        mark = site.bus.mark()
        end()
        site.bus.wait_text("hall/relays/attic/state", "offline", mark)
        found = doctor.bad("erp")
        assert {code: command for code, command in found.items() if "relay" in code} == gone
        site.relay.process = None
        site.relay.start(site.bus)
        assert "server.relay_offline" not in doctor.look("erp") and "network.relay" in doctor.look("erp")


def test_another_relays_words_are_not_its(site):
    """The broker's rights: the relay's user hears and says nothing of others."""
    bus = site.world.bus("attic", topics=["hall/relays/attic/send"])
    mark = site.bus.mark()
    bus.publish("hall/relays/cellar/state", "online")
    bus.publish("hall/servers/erp/command", "wake")
    bus.publish("hall/relays/attic/result", {"id": "not asked", "outcome": "failed", "reason": None})
    site.bus.wait_json("hall/relays/attic/result", mark, id="not asked")
    assert site.bus.heard("hall/relays/cellar/state", mark) == site.bus.heard("hall/servers/erp/command", mark) == []


def test_check_and_version(site, tmp_path):
    def run(*arguments):
        return subprocess.run([site.relay.binary, *arguments], capture_output=True, text=True, check=False, timeout=20)

    assert run("--version").stdout.startswith("hall-wol 0.")
    file = tmp_path / "relay.json"
    file.write_text('{"id":"attic","mqtt":{"url":"mqtt://127.0.0.1"},"raw":true,"speed":9}')
    done = run("--config", file, "--check")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"{file}: /speed: found an unknown key; allowed: $schema, id, mqtt, interface, raw, packets_per_second",
        f'{file}: /interface: found nothing; allowed: the interface that frames leave by, as "eth0"; raw needs it']
    schema = json.loads((ROOT / "docs" / "relay.schema.json").read_text(encoding="utf-8"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"id": "attic", "mqtt": {}, "raw": True}, schema)
    for config in ({"id": "attic", "mqtt": {"url": "mqtt://127.0.0.1"}},
                   {"id": "attic", "mqtt": {"url": "mqtts://hall.lan:8883", "ca": "/etc/hall/ca.crt", "base_topic": "hall",
                                            "username": "attic"}, "interface": "eth0", "raw": True, "packets_per_second": 100}):
        jsonschema.validate(config, schema)
        file.write_text(json.dumps(config))
        assert run("--config", file, "--check").stdout == f"{file}: ok: relay attic\n"
    assert "cannot be read" in run("--config", tmp_path / "none", "--check").stderr
