"""What the measurements stand on: Hall under generated configurations on loopback, simulated sites, and peers."""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "demo"))

from lan import free_port  # noqa: E402
from process import Process, wait_until  # noqa: E402
from world import BROWSER, USERS, Broker, Hall, _tool  # noqa: E402, F401

BUILD = ROOT / os.environ.get("HALL_BUILD", "build")
BROADCAST = "127.255.255.255"
PROXY_HEADERS = {
    "X-Forwarded-Host": "s0.bench", "X-Forwarded-Uri": "/some/page?with=query", "X-Forwarded-Method": "GET",
    "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7",
}


class NotMeasured(Exception):
    """The figure cannot be given; the words say why."""


def address_of(number):
    return f"127.0.{1 + number // 250}.{1 + number % 250}"


def mac_of(number):
    return f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}"


def boot_ns():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def tool(name, *words, env=None, limit=120):
    """Runs a program of this folder; what it prints is JSON, one value a line."""
    done = subprocess.run([BUILD / "tests" / name, *map(str, words)], capture_output=True, text=True, timeout=limit,
                          env={**os.environ, **(env or {})}, check=False)
    if done.returncode != 0:
        raise NotMeasured(f"{name} ended with {done.returncode}: {done.stderr.strip()}")
    return [json.loads(line) for line in done.stdout.splitlines()]


class Rig:
    """A folder, a configuration, and all that runs for one row; everything ends with it."""

    def __init__(self, servers, broker=False, agent_checks=False, users=()):
        self._stack = contextlib.ExitStack()
        self.directory = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="hall-bench-")))
        self.n_servers = servers
        self.agent_checks = agent_checks
        self.site_port = free_port(address="0.0.0.0")
        self.wol_port = free_port(socket.SOCK_DGRAM, BROADCAST)
        self.broker = None
        if broker:
            self.broker = Broker(self.directory / "broker", [], users=(*USERS, *users))
            self._stack.callback(self.broker.stop)
            self.broker.start()
        password = self.broker.passwords["hall"] if self.broker else "none"
        self.hall = Hall(BUILD / "bin" / "hall", self.directory / "hall", self._config(), password)
        self._stack.callback(self.hall.stop)
        self.gateway = f"127.0.0.1:{self.hall.gateway[1]}"

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._stack.close()

    def _config(self):
        return {
            "mqtt": {"url": f"mqtt://127.0.0.1:{self.broker.port if self.broker else free_port()}",
                     "username": "hall"},
            "http": {"gateway": f"127.0.0.1:{free_port()}", "admin": f"127.0.0.1:{free_port()}"},
            "store": {"path": str(self.directory / "absent" / "hall.db")},
            "servers": {f"s{i}": self._server(i) for i in range(self.n_servers)},
            "domains": {f"s{i}.bench": self._domain(i) for i in range(self.n_servers)},
        }

    def _server(self, number):
        server = {"address": address_of(number), "mac": mac_of(number),
                  "wake": {"broadcast": BROADCAST, "port": self.wol_port, "timeout": "1h"}}
        if self.agent_checks:
            server["checks"] = [{"agent": {}}]
        return server

    def _domain(self, number):
        domain = {"server": f"s{number}"}
        if not self.agent_checks:
            domain["upstream"] = f"http://{address_of(number)}:{self.site_port}"
        return domain

    def keep_records(self):
        """With a store, which most rows do without."""
        Path(self.hall.config["store"]["path"]).parent.mkdir()

    def start_hall(self):
        self.hall.start()
        return self.hall.process.pid

    def run(self, argv, what, ready, env=None):
        """Starts a peer and waits until it is ready."""
        process = Process(argv, self.directory / f"{what}.log", env=env, lines=True)
        self._stack.callback(process.stop)

        def is_up():
            if not process.alive():
                raise NotMeasured(f"{what} does not start: {process.log_tail()}")
            return ready()

        wait_until(is_up, 10, what)
        return process

    def bus(self, topics, user="operator"):
        bus = self.broker.bus(user, topics=topics)
        self._stack.callback(bus.close)
        return bus

    def sites(self, boots=None):
        sites = Sites(self.site_port, self.wol_port, boots or {})
        self._stack.callback(sites.close)
        return sites

    def silent_sites(self):
        """Addresses that swallow what comes, as a machine that sleeps does: listeners whose queue is full."""
        for number in range(self.n_servers):
            listener = self._stack.enter_context(socket.socket())
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address_of(number), self.site_port))
            listener.listen(0)
            for _ in range(2):
                filler = self._stack.enter_context(socket.socket())
                filler.setblocking(False)
                filler.connect_ex((address_of(number), self.site_port))

    def request(self, name, path="/", headers=None, close=False):
        """A file with a whole HTTP request."""
        words = {"Host": "s0.bench", **(headers or {}), **({"Connection": "close"} if close else {})}
        file = self.directory / f"{name}.request"
        lines = [f"GET {path} HTTP/1.1", *(f"{k}: {v}" for k, v in words.items()), "", ""]
        file.write_bytes("\r\n".join(lines).encode())
        return file

    def wait_ready(self):
        wait_until(lambda: self.hall.get("/auth", PROXY_HEADERS).status == 200, 20, "s0 ready")

    def wait_off(self, limit=30):
        """Until the bus has said of every server that it is off."""
        bus = self.bus(("hall/servers/+/state",))
        last = {}

        def all_off():
            last.update((m.topic, m.text()) for m in bus.messages)
            return list(last.values()).count("off") == self.n_servers

        wait_until(all_off, limit, "all servers off", pause=0.2)
        return bus

    def nginx(self, servers):
        """nginx with two workers and these server blocks, each with its port."""
        conf = self.directory / "nginx.conf"
        user = "user root;" if os.geteuid() == 0 else ""
        temp = "".join(f"{kind}_temp_path {self.directory}/{kind};" for kind in
                       ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        conf.write_text(f"""{user} daemon off; worker_processes 2; pid {self.directory}/nginx.pid;
error_log {self.directory}/nginx-error.log;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 1000000000; {temp} {servers} }}
""")
        process = self.run([_tool("nginx"), "-p", self.directory, "-c", conf], "nginx",
                           lambda: (self.directory / "nginx.pid").exists() and (self.directory / "nginx.pid").read_text())
        return process


class Sites:
    """The sites of simulated servers. One starts to listen so long after the first magic packet for it, or at once."""

    def __init__(self, port, wol_port, boots):
        self.port, self.boots = port, boots
        self.up = {}
        self._started = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._wait(self._listen_for_packets(wol_port))

    def _wait(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen_for_packets(self, port):
        sites = self

        class Packets(asyncio.DatagramProtocol):
            def datagram_received(self, data, _address):
                sites._packet(data)

        await self._loop.create_datagram_endpoint(Packets, local_addr=(BROADCAST, port), allow_broadcast=True)

    def _packet(self, data):
        number = int.from_bytes(data[10:12], "big")
        if number in self.boots and number not in self._started:
            self._started.add(number)
            self._loop.call_later(self.boots[number], lambda: self._loop.create_task(self._open(number)))

    async def _open(self, number):
        await asyncio.start_server(self._serve, address_of(number), self.port)
        self.up[number] = boot_ns()

    def open(self, number):
        self._wait(self._open(number))

    async def _serve(self, reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            await writer.drain()
        writer.close()

    def close(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)


def wrk(url, headers, seconds=2, connections=16):
    """Requests a second over so many keep-alive connections."""
    words = [w for k, v in headers.items() for w in ("-H", f"{k}: {v}")]
    done = subprocess.run(["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", *words, "-s", str(HERE / "report.lua"), url],
                          capture_output=True, text=True, timeout=60, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or not lines:
        raise NotMeasured(f"wrk: {done.stderr.strip() or done.stdout}")
    return json.loads(lines[-1])


def status_of(pid, *keys):
    """Numbers of /proc/PID/status: kB or counts."""
    found = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return [int(found[key].split()[0]) for key in keys]


def activity(pid):
    """(context switches given up freely, ns on a CPU), of all threads."""
    switches = on_cpu = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        switches += status_of(f"{pid}/task/{task.name}", "voluntary_ctxt_switches")[0]
        on_cpu += int((task / "schedstat").read_text().split()[0])
    return switches, on_cpu


def settle(seconds):
    """Time that must pass by itself: what is measured here is what happens in it."""
    threading.Event().wait(seconds)
