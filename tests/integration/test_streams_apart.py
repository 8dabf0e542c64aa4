"""A whole house: the proxy and Hall on one machine, the server in a network namespace of its own, with the real agent in its default
settings. Downloads, uploads, a websocket, events, a long poll and gRPC go on at once through the proxy, longer than the idle time; none
is cut. After the last of them the server sleeps."""

import base64
import contextlib
import http.client
import os
import socket
import ssl
import sys
import threading
import time

import pytest
from helpers import configured, status, wait_state
from logind import SystemBus
from process import Process, wait_until
from proxy import KINDS, HttpsProxy
from test_agent import HELD, Agent, agent_binary  # noqa: F401 (a fixture)
from test_grpc import Peer
from test_proxies import hallctl  # noqa: F401 (a fixture)
from test_streams import LASTS_S, STEP_S
from world import ROOT, free_port

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")

HOST, IDLE_S, GRPC_LASTS_S, GRPC_GAP_S = "testing.localhost", 4, 14, 2.5
SERVER = {"testing": {"name": "Testing", "number": 20, "mac": "02:00:5e:10:00:20", "domain": HOST, "sites": []}}
SITE = """
import sys
from test_streams import Site, Sites
class Below(Site):
    def parse_request(self):
        known = super().parse_request()
        self.path = self.path.removeprefix("/web") if known else "/"
        return known
Sites((sys.argv[1], int(sys.argv[2])), Below).serve_forever()
"""


class House:
    def __init__(self, world, binary, hallctl, kind, directory):  # noqa: F811
        self.world, self.kind = world, kind
        self.sim = world.add_sim("testing", agent=False, sites=[])
        self.inside = ["nsenter", f"--net=/proc/{self.sim.pid}/ns/net"]
        self.address, self.ports = world.lan.address(20), (free_port(), free_port())
        config = world.hall.config
        config["domains"] = {HOST: {"server": "testing", "upstream": f"h2c://{self.address}:{self.ports[0]}", "policy": {"idle": f"{IDLE_S}s"},
                                    "projects": {"web": {"path": "/web", "upstream": f"http://{self.address}:{self.ports[1]}"}}}}
        config["servers"]["testing"].update(checks=[{"ping": {}}, {"agent": {}}])
        config["servers"]["testing"]["sleep"] = {"min_up": "0s"}
        world.hall.write(config)
        self.system = SystemBus(directory)
        self.agent = Agent(binary, directory, world.broker, self.system.address, prefix=self.inside, interface="eth0",
                           mqtt={"url": f"mqtt://{world.lan.gateway}:{world.broker.port}"})
        self.sites, self.directory = [], directory
        self.system.start()
        self.bus = world.bus()
        world.hall.start()
        wait_state(self.bus, "testing", "off", 60)
        self.proxy = HttpsProxy(kind, world.directory / f"{kind}-tls", hallctl, world.hall.file, free_port(), HOST).start()
        wait_until(self.proxy.is_vouched_for, 60, "its certificate")

    def come(self):
        """The packet has come."""
        self.sim.wait("stage", 30, where=lambda e: e["stage"] == "network")
        self.agent.start(wait=False)
        self.sites.append(Peer("serve", f"{self.address}:{self.ports[0]}", prefix=self.inside))
        self.sites[0].wait("serves")
        self.sites.append(Process([*self.inside, sys.executable, "-B", "-c", SITE, self.address, str(self.ports[1])], self.directory / "site.log",
                                  env={**os.environ, "PYTHONPATH": ":".join(sys.path)}))

    def connect(self):
        """TLS to the proxy, as a visitor's browser has it."""
        context = ssl.create_default_context(cafile=str(self.proxy.authority))
        raw = socket.create_connection(("127.0.0.1", self.proxy.port), 40)
        return context.wrap_socket(raw, server_hostname=HOST)

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(HOST)
        connection.sock = self.connect()
        with contextlib.closing(connection):
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()

    def close(self):
        if self.agent.process:
            self.agent.close()
        self.proxy.stop()
        for site in self.sites:
            site.end() if isinstance(site, Peer) else site.kill()
        self.system.stop()


def download(house):
    status_code, body = house.ask("GET", "/web/download")
    assert status_code == 200 and len(body) == int(LASTS_S / STEP_S) * 20000


def upload(house):
    def body():
        for _ in range(int(LASTS_S / STEP_S)):
            time.sleep(STEP_S)
            yield b"x" * 20000

    assert house.ask("POST", "/web/upload", body(), {"Content-Length": str(int(LASTS_S / STEP_S) * 20000)})[0] == 200


def events(house):
    assert house.ask("GET", "/web/events")[1].count(b"data:") == int(LASTS_S / STEP_S)


def poll(house):
    assert house.ask("GET", "/web/poll") == (200, b"late")


def websocket(house):
    with house.connect() as visitor:
        key = base64.b64encode(os.urandom(16)).decode()
        visitor.sendall(f"GET /web/websocket HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += visitor.recv(1000)
        assert head.startswith(b"HTTP/1.1 101"), head
        for _ in range(int(LASTS_S / STEP_S)):
            time.sleep(STEP_S)
            visitor.sendall(b"hello")
            assert visitor.recv(100)


class Use(threading.Thread):
    def __init__(self, what, house):
        super().__init__(daemon=True)
        self.what, self.house, self.error, self.ended = what, house, None, None
        self.start()

    def run(self):
        try:
            self.what(self.house)
        except Exception as error:  # told by the test
            self.error = error
        self.ended = time.monotonic()


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_cut_and_then_it_sleeps(make_world, agent_binary, hallctl, tmp_path, kind):  # noqa: F811
    world = configured(make_world, start=False, servers=SERVER, namespaces=True)
    world.broker.start()
    house = House(world, agent_binary, hallctl, kind, tmp_path)
    client = None
    try:
        client = Peer("visit", f"127.0.0.1:{house.proxy.port}", HOST, house.proxy.authority, GRPC_LASTS_S, GRPC_GAP_S)
        client.wait("refused")
        house.come()
        client.wait("answered")
        wait_until(lambda: house.ask("GET", "/web/page")[0] == 200, 20, "the other site")
        uses = {what.__name__: Use(what, house) for what in (download, upload, events, poll, websocket)}
        wait_until(lambda: any(x["kind"] == "stream" for x in status(house.bus, "testing")["leases"]), LASTS_S, "Hall to see them")
        house.agent.wait_report(lambda r: any("connections" in v for v in r["vetoes"]), limit=LASTS_S)
        for name, use in uses.items():
            use.join(40)
            assert use.error is None, (name, use.error)
        ended = max(client.wait_end(), *(use.ended for use in uses.values())) - time.monotonic() + time.time()
        # By itself, though the gRPC client stays connected and the proxy keeps its connections; a minute after a veto it is asked again.
        wait_until(lambda: len(house.system.calls("Suspend")) == 1, 120, "it is put to sleep")
        assert house.system.calls("Suspend")[0][0] - int(ended) >= IDLE_S - 2, "it slept while it was in use, or at once"
        house.system.going(True)
        wait_until(lambda: HELD not in house.system.inhibitors(), 10, "the agent to let go")
    finally:
        if client:
            client.end()
        house.close()
