"""Slow clients: a thousand that never finish their request do not keep the gateway from the proxy, nor are those ended
who wait for an answer."""

import resource
import selectors
import socket
import threading
import time

import pytest
from helpers import asleep
from world import BROWSER

SLOW = 1000
API = {"Accept": "application/json", "User-Agent": "curl/8.5.0"}


@pytest.fixture(autouse=True)
def descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class SlowClients:
    """So many connections, each with a part of a request to which a line is added now and then; who is sent away comes
    again."""

    def __init__(self, endpoint, count=SLOW, silent=False):
        self.endpoint, self.silent = endpoint, silent
        self.selector = selectors.DefaultSelector()
        self.again = self.held = 0
        self.ends = threading.Event()
        for _ in range(count):
            self.connect()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def connect(self):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(self.endpoint)
        self.selector.register(client, selectors.EVENT_READ | selectors.EVENT_WRITE)

    def drip(self, client, first):
        if not self.silent:
            client.send(b"GET / HTTP/1.1\r\nHost: testing.localhost\r\n" if first else b"X-More: 1\r\n")

    def run(self):
        dripped = time.monotonic()
        while not self.ends.is_set():
            for key, events in self.selector.select(0.05):
                self.turn(key.fileobj, events)
            if time.monotonic() - dripped > 0.5:
                dripped = time.monotonic()
                for key in list(self.selector.get_map().values()):
                    try:
                        self.drip(key.fileobj, False)
                    except OSError:
                        pass

    def turn(self, client, events):
        try:
            if events & selectors.EVENT_READ and not client.recv(4096):
                raise ConnectionError
            if events & selectors.EVENT_WRITE:
                self.selector.modify(client, selectors.EVENT_READ)
                self.drip(client, True)
        except BlockingIOError:
            pass
        except OSError:
            self.again += 1
            self.selector.unregister(client)
            client.close()
            self.connect()

    def close(self):
        self.ends.set()
        self.thread.join(5)
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()


@pytest.mark.parametrize("silent", [False, True], ids=["dripping", "silent"])
def test_a_thousand_slow_clients_do_not_keep_the_proxy_waiting(world, bus, silent):
    slow = SlowClients(world.hall.gateway, silent=silent)
    try:
        time.sleep(0.5)
        times = []
        for _ in range(200):
            began = time.monotonic()
            assert world.hall.auth("/client1/logo.png", headers={"Sec-Fetch-Dest": "image"}).status in (200, 503)
            times.append(time.monotonic() - began)
    finally:
        slow.close()
    times.sort()
    print(f"p50 {times[100] * 1000:.1f} ms, p99 {times[197] * 1000:.1f} ms, {slow.again} sent away")
    assert times[197] < 1.0, f"p99 {times[197]:.2f} s"


def test_who_waits_for_an_answer_is_not_sent_away(make_world):
    world = make_world(start=False, boot_s=2.5)
    world.hall.config["domains"]["testing.localhost"]["access"] = {"hold": "20s"}
    world.hall.write(world.hall.config)
    world.start()
    asleep(world.bus(), "testing")
    answers = []
    program = threading.Thread(target=lambda: answers.append(world.hall.auth("/client1/api", headers=API, method="POST")))
    program.start()
    slow = SlowClients(world.hall.gateway)
    try:
        program.join(25)
    finally:
        slow.close()
    assert [a.status for a in answers] == [200]
    assert world.hall.get("/client1/", BROWSER, host="testing.localhost").status == 307
