"""What the agent takes for use of the ports that a server publishes: bytes that move on a connection that stays open. A server
in a network namespace with a real Docker engine, whose bridge and address translation are its own; the visitor comes from
outside. Its idle time is pressed into seconds."""

import io
import json
import os
import socket
import sys
import tarfile
import threading
import time

import pytest
from lan import Lan
from logind import SystemBus
from process import Process, wait_until
from streams import Client
from test_agent import Agent, agent_binary  # noqa: F401
from test_docker import Engine
from world import ROOT, Broker

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces and a Docker engine need root")

NUMBER, HOST_PORT, PUBLISHED, INSIDE = 20, 8081, 8080, 80
WINDOW_S = 4
SETTLE_S = 0.9  # nearly: so long after it was seen first a connection counts
SITE = ROOT / "tests" / "integration" / "streams.py"
BOTH = pytest.mark.parametrize("port", [HOST_PORT, PUBLISHED], ids=["host", "docker"])
DIRECTORIES = ("usr", "tmp")
LINKS = {"bin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64"}


def image():
    """Empty: what runs in it is this machine's python, bound into it."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name in DIRECTORIES:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for name, target in LINKS.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
    return data.getvalue()


class BridgedEngine(Engine):
    """As people run it: with a bridge, and ports published by address translation."""

    SETTINGS = ("--userland-proxy=false",)

    def publish(self, name, port, inside):
        self.must("POST", "/images/create?fromSrc=-&repo=empty", image(), "application/x-tar")
        self.must("POST", f"/containers/create?name={name}", json.dumps({
            "Image": "empty", "Cmd": ["/usr/bin/python3", "/tmp/streams.py", str(inside)], "StopSignal": "SIGKILL",
            "ExposedPorts": {f"{inside}/tcp": {}},
            "HostConfig": {"Binds": ["/usr:/usr:ro", f"{SITE}:/tmp/streams.py:ro"],
                           "PortBindings": {f"{inside}/tcp": [{"HostPort": str(port)}]}}}))
        self.must("POST", f"/containers/{name}/start")


class Server:
    """A namespace with a card, a site of its own, Docker with another, and the agent."""

    def __init__(self, binary, directory):
        self.lan = Lan()
        self.address = self.lan.address(NUMBER)
        self.directory, self.binary = directory, binary
        self.holder = Process(self.lan.command(["sleep", "600"]), directory / "holder.log")
        wait_until(self._is_apart, 15, "a namespace")
        self.lan.attach(self.holder.pid, "02:00:5e:10:00:20")
        self.inside = ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net"]
        self.run("ip", "addr", "add", f"{self.address}/24", "dev", "eth0")
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "link", "set", "eth0", "up")
        self.run("ip", "route", "add", "default", "via", self.lan.gateway)
        self.broker = Broker(directory / "broker", [self.lan.gateway])
        self.system = SystemBus(directory)
        self.engine = BridgedEngine(self.inside)
        self.site = Process([*self.inside, sys.executable, SITE, HOST_PORT], directory / "site.log")

    def _is_apart(self):
        return os.readlink(f"/proc/{self.holder.pid}/ns/net") != os.readlink("/proc/self/ns/net")

    def run(self, *argv):
        done = Process([*self.inside, *argv], self.directory / "run.log")
        assert done.popen.wait(10) == 0, done.log_tail()

    def start(self):
        self.broker.start()
        self.system.start()
        self.engine.start()
        self.engine.publish("site", PUBLISHED, INSIDE)
        for port in (HOST_PORT, PUBLISHED):
            wait_until(lambda port=port: self.answers(port), 20, f"the site at {port}")

    def answers(self, port):
        try:
            Client(self.address, port).close()
            return True
        except OSError:
            return False

    def agent(self, **activity):
        return Agent(self.binary, self.directory, self.broker, self.system.address, prefix=self.inside,
                     mqtt={"url": f"mqtt://{self.lan.gateway}:{self.broker.port}"}, activity=activity)

    def close(self):
        self.engine.close()
        self.site.kill()
        self.system.stop()
        self.broker.stop()
        self.holder.kill()
        self.lan.close()


@pytest.fixture(scope="module")
def server(agent_binary, tmp_path_factory):  # noqa: F811
    server = Server(agent_binary, tmp_path_factory.mktemp("server"))
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def agent(server):
    """With nothing said of connections: but for the time it takes until they are forgotten."""
    agent = server.agent(window=f"{WINDOW_S}s")
    mark = agent.bus.mark()
    agent.start().wait_report(after=mark)
    yield agent
    agent.close()


class Moving:
    """A client on whose connection bytes move until it is told to be still. `last`: when they moved last, or a moment before."""

    def __init__(self, *where):
        self.last = time.monotonic()
        self.client, self.ends = Client(*where), threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.ends.wait(0.05):
            self.last = time.monotonic()
            self.client.move()

    def be_still(self):
        """The connection stays open."""
        self.ends.set()
        self.thread.join(60)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.be_still()
        self.client.close()


def lan_address(server):
    return server.lan.gateway  # the visitor is in our namespace


@BOTH
@pytest.mark.parametrize("path", ["/download", "/upload", "/socket", "/events"])
def test_what_moves_is_a_veto_with_figures(server, agent, port, path):
    with Moving(server.address, port, path):
        mark = agent.bus.mark()
        answer = agent.order(outcome="refused")
        assert answer["reason"].startswith(f"connections: port {port} from {lan_address(server)}, "), answer
        assert answer["reason"].endswith(" in the last minute"), answer
        seen = agent.wait_report(lambda r: r["connections"], mark)["connections"]
        assert [(c["from"], c["port"]) for c in seen] == [(lan_address(server), port)] and seen[0]["bytes"] > 0, seen
        assert server.system.calls("Suspend") == []


@BOTH
def test_use_that_begins_and_ends_is_reported_before_the_next_look_is_due(server, agent, port):
    mark = agent.bus.mark()
    with Moving(server.address, port, "/socket"):
        agent.wait_report(lambda r: r["vetoes"], mark)
        mark = agent.bus.mark()
    agent.wait_report(lambda r: not r["vetoes"], mark, WINDOW_S + 9)  # the next look is due 20 s after the agent began


@BOTH
def test_what_stays_open_in_silence_is_reported(server, agent, port):
    """Hall knows from its gate whether a websocket was asked for."""
    mark = agent.bus.mark()
    client = Client(server.address, port, "/socket")
    client.move()
    seen = agent.wait_report(lambda r: r["silent"], mark)
    assert not seen["vetoes"], seen
    found = [(s["from"], s["port"], s["owed"]) for s in seen["silent"]]
    assert (lan_address(server), port, False) in found and all(s["quiet_s"] >= WINDOW_S - 1 for s in seen["silent"]), seen
    client.close()


def test_an_answer_that_is_owed_is_reported(server, agent):
    mark = agent.bus.mark()
    client = Client(server.address, HOST_PORT, "/upload")  # which is never answered
    time.sleep(0.1)  # the kernel's clock for this has ticks of 4 ms
    client.move()
    seen = agent.wait_report(lambda r: r["silent"], mark)
    assert [(s["port"], s["owed"]) for s in seen["silent"]] == [(HOST_PORT, True)], seen
    client.close()


def come_back(server, agent, n):
    """It was let go; now it is awake again."""
    wait_until(lambda: len(server.system.calls("Suspend")) == n, 15, "Suspend")
    mark = agent.bus.mark()
    server.system.going(True)
    server.system.going(False)
    agent.wait_state("online", mark)


def accepted(server, agent, **words):
    n = len(server.system.calls("Suspend"))
    agent.order(outcome="accepted", **words)
    come_back(server, agent, n + 1)


@BOTH
def test_after_the_last_byte_and_the_window_it_may_sleep(server, agent, port):
    n = len(server.system.calls("Suspend"))
    with Moving(server.address, port, "/socket") as moving:
        agent.order(outcome="refused")
        moving.be_still()
        wait_until(lambda: agent.order()["outcome"] == "accepted", 60, "its consent", pause=0.3)
        assert time.monotonic() - moving.last > WINDOW_S - 0.5
        come_back(server, agent, n + 1)


@BOTH
def test_halls_idle_time_is_the_window_where_it_is_less(server, agent, port):
    with Moving(server.address, port, "/") as moving:
        agent.order(outcome="refused", idle_s=600)
        moving.be_still()
        n = len(server.system.calls("Suspend"))
        # The idle time itself, a second that conntrack does not tell apart, and what a machine that stands still adds.
        wait_until(lambda: agent.order(idle_s=1)["outcome"] == "accepted", WINDOW_S - 0.5, "its consent", pause=0.3)
        come_back(server, agent, n + 1)


@BOTH
def test_what_is_asked_each_second_and_hung_up_does_not_hold(server, agent, port):
    """What is open for as long as the agent needs to see it twice does: on a machine that stands still meanwhile."""
    ends, lasted = threading.Event(), []

    def check():
        while not ends.wait(0.5):
            began = time.monotonic()
            lasted.append(None)
            client = Client(server.address, port)
            client.socket.shutdown(socket.SHUT_WR)
            assert client.socket.recv(1) == b"", "it hangs up too"
            client.close()
            lasted[-1] = time.monotonic() - began

    def let_go():
        seen, n = len(lasted), len(server.system.calls("Suspend"))
        answer = agent.order()
        if answer["outcome"] == "accepted":
            come_back(server, agent, n + 1)
            return True
        under_way = len(lasted) - 1
        wait_until(lambda: lasted[under_way] is not None, 60, "the end of the one under way")
        assert max(lasted[max(0, seen - 1):under_way + 1]) >= SETTLE_S, (answer, lasted)
        return False

    thread = threading.Thread(target=check, daemon=True)
    thread.start()
    try:
        for _ in range(3):
            wait_until(let_go, 60, "its consent")
    finally:
        ends.set()
        thread.join(60)


def test_its_own_containers_are_no_visitors(server, agent):
    """One of them reads from the machine without end, as an application reads from its database."""
    pid = server.engine.inspect("site")["State"]["Pid"]
    gateway = server.engine.inspect("site")["NetworkSettings"]["Gateway"]
    reader = Process(["nsenter", f"--net=/proc/{pid}/ns/net", sys.executable, SITE, gateway, HOST_PORT, "/download"],
                     server.directory / "reader.log")
    try:
        wait_until(lambda: "there" in reader.log_text(), 10, "the container to read")
        accepted(server, agent)
        with Moving(server.address, HOST_PORT, "/download"):
            answer = agent.order(outcome="refused")
            assert [v for v in answer["vetoes"] if lan_address(server) not in v] == [], answer
    finally:
        reader.kill()


def test_what_is_forwarded_and_cannot_be_seen_is_a_veto(server, agent):
    """An agent without the right that its unit gives it does not take a server for idle that forwards ports."""
    assert agent.process.stop(10) == 0
    agent.prefix = [*agent.prefix, "setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"]
    client = Client(server.address, PUBLISHED)  # so that something is tracked
    agent.start()
    answer = agent.order(outcome="refused")
    assert "connections: not known: forwarded connections cannot be seen without CAP_NET_ADMIN" in answer["reason"], answer
    client.close()
