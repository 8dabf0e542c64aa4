"""Names on the bus: no other user can take over the connection of Hall, an agent or a relay."""

import json
import os
import re
import socket
import struct
import threading
import time
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from helpers import command
from lan import free_port
from process import Process, wait_until
from world import ROOT

BIN = ROOT / os.environ.get("HALL_BUILD", "build") / "bin"
THIEVES = ("viewer", "homeassistant", "operator", "erp")
OWNERS = {"hall": "hall", "agent": "testing", "relay": "attic"}
ROUNDS, ORDERS = 3, 6


def text(value):
    return struct.pack("!H", len(value)) + value.encode()


def takes(port, user, password, client_id, version):
    """Connects with that id, and goes again; whether the broker allowed it."""
    level = {"5": 5, "3.1.1": 4}[version]
    body = text("MQTT") + bytes([level, 0xC2]) + struct.pack("!H", 30) + (b"\0" if level == 5 else b"")
    body += text(client_id) + text(user) + text(password)
    with socket.create_connection(("127.0.0.1", port), timeout=60) as peer:
        peer.sendall(bytes([0x10, len(body)]) + body)
        answer = peer.recv(64)
        return len(answer) >= 4 and answer[0] == 0x20 and answer[3] == 0


class Daemon:
    """hall-agent or hall-wol, with a file of its own."""

    def __init__(self, program, world, directory, id, **settings):
        self.file, self.log = directory / f"{id}.json", directory / f"{id}.log"
        self.file.write_text(json.dumps({"id": id, "mqtt": {"url": f"mqtt://127.0.0.1:{world.broker.port}"}, **settings}))
        environment = {k: v for k, v in os.environ.items() if not k.startswith("HALL_") and k != "CREDENTIALS_DIRECTORY"}
        environment.update(HALL_MQTT_PASSWORD=world.broker.passwords[id], DBUS_SYSTEM_BUS_ADDRESS=f"unix:path={directory}/none")
        self.start = lambda: Process([BIN / program, "--config", self.file], self.log, env=environment)
        self.process = self.start()

    def close(self):
        if self.process.alive():
            self.process.stop(10)


class Place:
    """A broker with the shipped rights, Hall, one real agent and one real relay."""

    def __init__(self, world, directory):
        self.world, self.directory = world, directory
        world.broker.passwords["attic"] = uuid.uuid4().hex
        world.broker._write()
        world.broker.start()
        self.bus = world.broker.bus("hall")
        world.hall.start()
        self.agent = Daemon("hall-agent", world, directory, "testing", interface="lo")
        self.relay = Daemon("hall-wol", world, directory, "attic")
        for topic in STATES:
            self.bus.wait_text(topic, "online", limit=60)

    def broker_log(self):
        return (self.world.broker.directory / "mosquitto.log").read_text()

    def ids(self, owner):
        """Under which ids the broker knew that role, in order."""
        user = OWNERS[owner]
        found = re.findall(rf"New client connected from \S+ as (\S+) \(.*u'{user}'", self.broker_log())
        return [id for id in found if id.startswith(owner)]

    def order(self, topic, answers, **words):
        id, mark = uuid.uuid4().hex, self.bus.mark()
        expires = (datetime.now(timezone.utc) + timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.bus.publish(topic, {"id": id, "expires": expires, **words})
        return self.bus.wait_json(answers, mark, 10, id=id).json()

    def close(self):
        self.agent.close()
        self.relay.close()
        self.bus.close()


STATES = ("hall/status", "hall/agents/testing/state", "hall/relays/attic/state")


@pytest.fixture
def place(make_world, tmp_path):
    place = Place(make_world(start=False, namespaces=False), tmp_path)
    yield place
    place.close()


def guesses():
    """What somebody would try who knows the program, its documents and the names of everything."""
    names = [*OWNERS.values(), "home", "hall", "agent", "relay", "wol", "erp"]
    ids = {"", *names, *(f"{a}-{b}" for a in ("hall", "hall-agent", "hall-wol", "agent", "relay", "hallctl") for b in names)}
    return sorted(ids - {""}) + sorted(id.upper() for id in ids - {""})


def steal(place, stop, taken):
    while not stop.is_set():
        for user in THIEVES:
            for id in guesses():
                if stop.is_set():
                    return
                version = "5" if len(taken) % 2 else "3.1.1"
                assert takes(place.world.broker.port, user, place.world.broker.passwords[user], id, version)
                taken.append((user, id))


def ask_everybody(place):
    """Each of them answers."""
    id, mark = command(place.bus, "testing", "cancel")
    place.bus.wait_json("hall/servers/testing/result", mark, 10, id=id)
    place.order("hall/agents/testing/command", "hall/agents/testing/result", action="no such", force=False)
    place.order("hall/relays/attic/send", "hall/relays/attic/result", mac="02:00:00:00:00:07", secureon=None,
                broadcast="127.255.255.255", port=free_port())


def test_nobody_takes_the_name_of_another(place):
    before, stop, taken, failed = place.bus.mark(), threading.Event(), [], []

    def work():
        try:
            steal(place, stop, taken)
        except Exception as error:  # pylint: disable=broad-except
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        answered = 0
        while (answered < ORDERS or len(taken) < ROUNDS * len(THIEVES) * len(guesses())) and not failed:
            ask_everybody(place)
            answered += 1
    finally:
        stop.set()
        thread.join(120)
        assert not thread.is_alive()
    assert not failed, failed
    for topic in STATES:
        assert [m.text() for m in place.bus.heard(topic, before)] == [], topic
    for owner in OWNERS:
        assert len(place.ids(owner)) == 1, place.ids(owner)


def test_ids_tell_nothing_and_are_the_same_at_each_start(place):
    first = {owner: place.ids(owner) for owner in OWNERS}
    assert all(len(ids) == 1 for ids in first.values()), first
    assert all(re.fullmatch(rf"{owner}-[a-z2-7]{{{22 - len(owner)}}}", ids[0]) for owner, ids in first.items()), first
    for daemon in (place.agent, place.relay):
        mark = place.bus.mark()
        daemon.process.kill()
        daemon.process = daemon.start()
        topic = STATES[1] if daemon is place.agent else STATES[2]
        place.bus.wait_text(topic, "online", mark, 60)
    mark = place.bus.mark()
    place.world.hall.kill()
    place.world.hall.start()
    place.bus.wait_text("hall/status", "online", mark, 60)
    for owner, ids in first.items():
        assert place.ids(owner) == ids * 2, owner


def slow_down(place, owner, logs):
    """Both of that role name the suspicion, and wait longer and longer."""
    for log in logs:
        wait_until(lambda log=log: "does another client use the same client id?" in log(), 60, "the suspicion in the log")
    started, known = time.monotonic(), len(place.ids(owner))
    wait_until(lambda: len(place.ids(owner)) >= known + 2, 60, "two more connections")
    # Without a back-off of its own they would need two seconds.
    assert time.monotonic() - started > 3.5


def test_a_second_hall_is_named_and_both_slow_down(place):
    """The same installation twice: the same secrets on the same machine."""
    hall = place.world.hall
    config = json.loads(json.dumps(hall.config))
    config["http"] = {"gateway": f"127.0.0.1:{free_port()}", "admin": f"127.0.0.1:{free_port()}"}
    config["store"] = {"path": str(place.directory / "second.db")}
    second = type(hall)(hall.binary, place.directory / "second", config, hall.password)
    second.start()
    try:
        slow_down(place, "hall", [hall.log_text, second.log_text])
    finally:
        second.stop()


@pytest.mark.parametrize("owner", ["agent", "relay"])
def test_a_second_agent_or_relay_is_named_and_both_slow_down(place, owner):
    """The image of a server that was copied with its agent."""
    first = place.agent if owner == "agent" else place.relay
    (place.directory / "second").mkdir()
    program, id, settings = {"agent": ("hall-agent", "testing", {"interface": "lo"}), "relay": ("hall-wol", "attic", {})}[owner]
    second = Daemon(program, place.world, place.directory / "second", id, **settings)
    try:
        slow_down(place, owner, [first.log.read_text, second.log.read_text])
    finally:
        second.close()
