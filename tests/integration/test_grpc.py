"""gRPC through real proxies as `hallctl proxy-config` writes them: a call wakes the server, a stream with pauses of seconds keeps it
awake, and when that has ended it sleeps, though the client stays connected. Without an agent."""

import os
import queue
import subprocess
import sys
import threading

import pytest
from helpers import wait_event, wait_lease
from process import Patience, wait_until
from proxy import KINDS, HttpsProxy
from test_proxies import hallctl  # noqa: F401 (a fixture)
from test_streams import Hooks
from world import ROOT, free_port

HOST = "grpc.localhost"
IDLE_S, LASTS_S, GAP_S = 6, 10, 1.5  # the first messages are taken for the request, which is a visit; more come in its idle time
PEER = ROOT / "tests" / "integration" / "grpc_peer.py"


class Peer:
    """One of them, and what it says."""

    def __init__(self, *words, prefix=()):
        self.process = subprocess.Popen([*prefix, sys.executable, "-B", PEER, *map(str, words)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, env={**os.environ, "GRPC_VERBOSITY": "NONE"})
        self.said, self.lines = [], queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.strip())
        self.lines.put("over")

    def wait(self, *starts, limit=60):
        patience = Patience(limit)
        while True:
            try:
                self.said.append(self.lines.get(timeout=Patience.AT_ONCE))
            except queue.Empty:
                if patience.left() <= 0:
                    raise AssertionError(f"none of {starts}; it said {self.said}") from None
                continue
            if self.said[-1].startswith(starts):
                return self.said[-1]
            assert self.said[-1] != "over", self.said

    def wait_end(self):
        """When a visitor's stream had ended, by its own clock."""
        said = self.wait("ended", "cut")
        assert said.startswith("ended"), self.said
        return float(said.split()[1])

    def end(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()


class Place:
    def __init__(self, world, hallctl, kind):  # noqa: F811
        self.world, self.hooks, self.site, self.port = world, Hooks(self.put_to_sleep), None, free_port()
        config = world.hall.config
        config["servers"] = {"box": {"address": "127.0.7.1", "mac": "02:00:5e:10:07:00",
                                     "wake": {"broadcast": "127.255.255.255", "port": free_port()},
                                     "sleep": {"via": "webhook", "min_up": "0s", "webhook": {"url": self.hooks.url("box")}}}}
        config["domains"] = {HOST: {"server": "box", "upstream": f"h2c://127.0.7.1:{self.port}", "policy": {"idle": f"{IDLE_S}s"}}}
        world.hall.write(config)
        world.broker.start()
        self.bus = world.bus()
        world.hall.start()
        self.proxy = HttpsProxy(kind, world.directory / f"{kind}-tls", hallctl, world.hall.file, free_port(), HOST).start()
        wait_until(self.proxy.is_vouched_for, 60, "its certificate")

    def put_to_sleep(self, _):
        self.site.end()

    def close(self):
        self.proxy.stop()
        self.hooks.shutdown()
        self.hooks.server_close()
        if self.site:
            self.site.end()


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_wakes_and_a_stream_with_pauses_is_not_cut(make_world, hallctl, kind):  # noqa: F811
    place = Place(make_world(start=False, namespaces=False), hallctl, kind)
    client = None
    try:
        client = Peer("visit", f"127.0.0.1:{place.proxy.port}", HOST, place.proxy.authority, LASTS_S, GAP_S)
        assert client.wait("refused") == "refused UNAVAILABLE", "it is told to come again"
        wait_event(place.bus, "box", "packet_sent")
        place.site = Peer("serve", f"127.0.7.1:{place.port}")
        place.site.wait("serves")
        client.wait("answered")
        lease = wait_lease(place.bus, "box", "stream", 15)
        assert "127.0.0.1" in lease["label"]
        ended = client.wait_end()
        assert len([line for line in client.said if line.startswith("moved")]) == int(LASTS_S / GAP_S) + 1
        wait_until(lambda: "box" in place.hooks.asked, 30, "it is asked to sleep, though the client stays connected")
        assert place.hooks.asked["box"] - ended > IDLE_S - 2, "it slept while a stream was open, or at once"
    finally:
        if client:
            client.end()
        place.close()
