"""Servers that give Hall no rest: sites that trickle, MACs that change all the time. The state is right, and the store is
written seldom, however much is seen."""

import contextlib
import socket
import sqlite3
import threading
import time

import pytest
from helpers import barrier, state_of, status, topic, wait_state, wait_status
from process import wait_until
from test_evidence import MAC, awake_plain, local_world, plain_world, start, visit
from world import free_port

BATCH = 30  # s: what is not urgent is written so often at most


class Writes:
    """Counts the records and events that Hall writes from now on."""

    def __init__(self, world):
        self.path, self.began = world.hall.config["store"]["path"], time.monotonic()
        with contextlib.closing(sqlite3.connect(self.path, timeout=30)) as db:
            db.execute("CREATE TABLE seen (what TEXT, of TEXT)")
            db.execute("CREATE TRIGGER seen_i AFTER INSERT ON state BEGIN INSERT INTO seen VALUES (new.kind, new.key); END")
            db.execute("CREATE TRIGGER seen_u AFTER UPDATE ON state BEGIN INSERT INTO seen VALUES (new.kind, new.key); END")
            db.execute("CREATE TRIGGER seen_e AFTER INSERT ON events BEGIN INSERT INTO seen VALUES ('event', new.type); END")
            db.commit()

    def of(self, what):
        with contextlib.closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=30)) as db:
            return [row[0] for row in db.execute("SELECT of FROM seen WHERE what = ?", [what])]

    def most(self, urgent):
        """As many as may be: those at once, and one in each time between two batches."""
        return urgent + 1 + int((time.monotonic() - self.began) // BATCH)


@pytest.mark.parametrize("macs", [["02:00:5e:20:00:77", MAC], [f"02:00:5e:20:01:{n:02x}" for n in range(60)]], ids=["two", "many"])
def test_macs_that_change_each_second_are_not_each_written(make_world, macs):
    """Its agent is online, so each of them is its own, and is learned."""
    world = plain_world(make_world, {"sleep": {"via": "agent"}})
    bus = awake_plain(world)
    world.bus(user="hall", topics=[]).publish("hall/agents/box/state", "online", retain=True)
    wait_until(lambda: status(bus, "box")["evidence"]["agent"] == "online", 60, "the agent's word")
    box, mark = world.sims["box"], bus.mark()
    leases = [x["kind"] for x in status(bus, "box")["leases"]]
    wait_until(lambda: status(bus, "box")["wake"] is None, 60, "the end of the wake")
    writes, danced = Writes(world), box.mark()
    box.do("dance " + " ".join(macs))
    wait_until(lambda: len([e for e in box.events[danced:] if e == {"event": "danced"}]) >= 25, 120, "many changes")
    assert box.alive() and state_of(bus, "box") == "ready"
    box.do("rest")
    barrier(bus)
    assert len(writes.of("server")) <= writes.most(3), writes.of("server")
    assert len(writes.of("event")) <= 1, writes.of("event")
    assert [m.text() for m in bus.heard(topic("box", "state"), mark)] == []
    assert [x["kind"] for x in status(bus, "box")["leases"]] == leases


class Trickle:
    """A site that says its answer a byte a second, from `slow_from` bytes on; counts its askers."""

    def __init__(self, slow_from):
        self.slow_from, self.open, self.most, self.asked, self.said = slow_from, [], 0, 0, 0
        self.counting = threading.Lock()
        self.over = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", free_port()))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._answer, args=(self.listener.accept()[0],), daemon=True).start()

    def _answer(self, connection):
        with connection, contextlib.suppress(OSError):
            if not connection.recv(4096):
                return  # it only looked
            with self.counting:  # who hung up is seen here when the next byte is said, and counts no longer than he is there
                self.open = [one for one in self.open if self._waits(one)] + [connection]
                self.most, self.asked = max(self.most, len(self.open)), self.asked + 1
            answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000
            connection.sendall(answer[:self.slow_from])
            for n in range(self.slow_from, len(answer)):
                if self.over.wait(1):
                    return
                connection.sendall(answer[n:n + 1])
                with self.counting:
                    self.said += 1

    @staticmethod
    def _waits(connection):
        try:
            return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def close(self):
        self.over.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def trickles():
    made = []

    def make(slow_from):
        made.append(Trickle(slow_from))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_sites_that_trickle_are_judged_by_their_head_and_not_each_byte_is_written(make_world, trickles):
    head, body = trickles(0), trickles(17)  # behind the status line there is nothing that Hall waits for
    world = local_world(make_world, {"head.localhost": {"upstream": f"http://127.0.0.1:{head.port}", "timeout": "2s"},
                                     "body.localhost": {"upstream": f"http://127.0.0.1:{body.port}"}})
    bus = start(world)
    wait_state(bus, "box", "ready")
    wait_until(lambda: visit(world, "body.localhost") == 200, 60, "the site whose head is quick")
    wait_status(bus, "box", lambda s: "no answer within 2 s" in (s["problem"] or ""), 60, what="the problem of the other")
    mark, writes = bus.mark(), Writes(world)
    wait_until(lambda: head.asked >= 3 and head.said >= 30, 120, "it is asked again", pause=0.2)
    barrier(bus)
    assert head.most == 1, "one question at a time"
    assert len(writes.of("server")) <= writes.most(1), writes.of("server")
    assert len(writes.of("event")) <= 1, writes.of("event")
    assert [m.text() for m in bus.heard(topic("box", "state"), mark)] == []
    assert visit(world, "head.localhost") == 503 and visit(world, "body.localhost") == 200
    assert "no answer within 2 s" in status(bus, "box")["problem"]
    problems = [m.json()["problem"] for m in bus.heard(topic("box", "status"), mark)]
    assert all("no answer within 2 s" in (p or "") for p in problems), "an answer that came too late is none"
