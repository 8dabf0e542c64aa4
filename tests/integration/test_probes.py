"""The prober on real links: who answers, who does not, who is somebody else, and how soon it is noticed."""
import itertools
import re
import select
import subprocess
import sys
import time

import pytest

from links import NOBODY, hosts, join, tool  # noqa: F401
from process import went_on

MAC = "02:00:00:00:00:02"
OTHER = "02:00:00:00:00:99"
SERVER = "10.90.0.2"
DEAD = "10.90.0.77"
GROUPS = "net.ipv4.ping_group_range"

WEB = """
import http.server, ssl, sys, time
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print(time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000000, flush=True)
        self.send_response(404 if self.path == "/nope" else 200)
        self.end_headers()
    def log_message(self, *words):
        pass
server = http.server.ThreadingHTTPServer(("", int(sys.argv[1])), Page)
if len(sys.argv) > 2:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000000, flush=True)
server.serve_forever()
"""

# Answers echo requests in the kernel's stead, wrongly in the manner named; "right" rightly.
FORGER = """
import socket, struct, sys, time
manner = sys.argv[1]
ears = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
mouth = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
mouth.bind((sys.argv[2], 0))
def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
print("ready", flush=True)
first = None
while True:
    packet, (peer, _) = ears.recvfrom(2048)
    if packet[20] != 8:
        continue
    identity, body = packet[24:28], packet[28:]
    if manner == "nonce":
        body = body[:-1] + bytes([body[-1] ^ 1])
    elif manner == "slot":
        body = struct.pack("=I", 0xffffffff) + body[4:]
    elif manner == "short":
        body = body[:-2]
    elif manner == "long":
        body = body + b"xx"
    elif manner == "stale":
        first = first or (time.monotonic(), identity, body)
        if time.monotonic() - first[0] < 1.0:
            continue
        _, identity, body = first
    answer = b"\\0\\0" + b"\\0\\0" + identity + body
    answer = answer[:2] + struct.pack("!H", checksum(answer)) + answer[4:]
    mouth.sendto(answer, (peer, 0))
"""


def boot_ms():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


class Watch:
    """A running probe_watch; its lines are read as they come."""

    def __init__(self, host, interval, timeout, *words, rights=None, binds=None):
        command = [*(rights or []), tool("probe_watch"), str(interval), str(timeout), *words]
        self.process = host.start(command, binds, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE)
        self.lines = []
        self.rest = b""

    def read(self, seconds):
        """Reads for so long, or until something came; False when nothing did."""
        if not select.select([self.process.stdout], [], [], max(seconds, 0))[0]:
            return False
        data = self.process.stdout.read1(65536)
        assert data, self.process.stderr.read().decode()
        *complete, self.rest = (self.rest + data).split(b"\n")
        self.lines += [line.decode().split() for line in complete]
        return True

    def listen(self, seconds):
        """All lines of the next seconds, and those before."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read(end - time.monotonic())
        return self.lines

    def listen_on(self, seconds):
        """The same of so many seconds in which the machine went on."""
        end = went_on() + seconds
        while went_on() < end:
            self.read(0.2)
        return self.lines

    def wait(self, *words, after=0, seconds=10):
        """The time of the first line with these words behind its time."""
        end = time.monotonic() + seconds
        seen = 0
        while True:
            for line in itertools.islice(self.lines, seen, None):
                if int(line[0]) >= after and line[1:1 + len(words)] == list(words):
                    return int(line[0])
            seen = len(self.lines)
            assert time.monotonic() < end, f"{words} not seen in {self.lines[-20:]}"
            self.read(end - time.monotonic())

    def count(self, *words, after=0):
        return sum(1 for line in self.lines if int(line[0]) >= after and line[1:1 + len(words)] == list(words))

    def pace(self, server, interval, timeout):
        self.process.stdin.write(f"{server} {interval} {timeout}\n".encode())
        self.process.stdin.flush()

    def end(self):
        """Ends it as it should end; what it logged."""
        self.process.stdin.close()
        self.process.stdin = None
        _, log = self.process.communicate(timeout=20)
        assert self.process.returncode == 0, log.decode()
        return log.decode()


@pytest.fixture
def pair(hosts):  # noqa: F811
    hall, server = hosts("hall"), hosts("server")
    join(hall, "eth0", "10.90.0.1/24", server, "eth0", f"{SERVER}/24", MAC)
    hall.sysctl(GROUPS, "0 2147483647")
    return hall, server


def serve(host, *words):
    """Starts a web server; returns when it listens: (process, since when)."""
    web = host.start([sys.executable, "-c", WEB, *words], stdout=subprocess.PIPE, text=True)
    return web, int(web.stdout.readline())


def test_everything_answers_without_rights(pair):
    hall, server = pair
    serve(server, "80")
    watch = Watch(hall, 200, 10000, SERVER, MAC, "ping", "tcp:80", f"http:http://{SERVER}/",
                  f"http:http://{SERVER}/nope", rights=NOBODY)
    watch.wait("outcome", "0", "0", "pass")
    watch.wait("outcome", "0", "1", "pass")
    watch.wait("outcome", "0", "2", "pass", "200")
    watch.wait("outcome", "0", "3", "answer", "404")
    watch.wait("neighbour", "0", "match", MAC)
    assert watch.lines[0][1] == "neighbour"  # before any outcome
    assert watch.count("outcome", "0", "0", "miss") == 0
    assert watch.count("neighbour", "0", "other") == 0
    assert watch.end() == ""


def test_another_machine_has_the_address(pair):
    hall, _ = pair
    watch = Watch(hall, 200, 1000, SERVER, OTHER, "ping", "tcp:80")
    watch.wait("outcome", "0", "0", "pass")
    watch.wait("outcome", "0", "1", "answer")
    watch.wait("neighbour", "0", "other", MAC)
    assert watch.count("neighbour", "0", "match") == 0
    watch.end()


def test_the_address_passes_to_another_machine(pair):
    """The server sleeps, its address is given to another machine on the same link."""
    hall, server = pair
    watch = Watch(hall, 200, 1000, SERVER, MAC, "ping")
    watch.wait("neighbour", "0", "match", MAC)
    server.ip("link", "set", "eth0", "down")
    server.ip("link", "set", "eth0", "address", OTHER)
    server.sysctl("net.ipv4.conf.eth0.arp_notify", "1")  # it announces itself, as machines do
    server.ip("link", "set", "eth0", "up")
    watch.wait("neighbour", "0", "other", OTHER, seconds=20)
    watch.end()


def test_nobody_there(pair):
    hall, _ = pair
    watch = Watch(hall, 300, 700, DEAD, MAC, "ping", "tcp:80", f"http:http://{DEAD}/", "--",
                  "203.0.113.9", MAC, "ping", "tcp:80", "http:http://203.0.113.9/")
    for server, check in itertools.product("01", "012"):
        watch.wait("outcome", server, check, "miss", "0")
    watch.listen(1)
    assert {line[4] for line in watch.lines if line[1] == "outcome"} == {"miss"}
    assert watch.count("neighbour") == 0
    watch.end()


def test_behind_a_router_there_is_no_neighbour(pair, hosts):  # noqa: F811
    hall, router = pair
    far = hosts("far")
    join(router, "eth1", "10.93.0.1/24", far, "eth0", "10.93.0.2/24", MAC)
    router.sysctl("net.ipv4.ip_forward", "1")
    hall.ip("route", "add", "10.93.0.0/24", "via", SERVER)
    far.ip("route", "add", "default", "via", "10.93.0.1")
    hall.ip("neigh", "add", "10.93.0.2", "lladdr", OTHER, "dev", "eth0")  # left over from another day
    watch = Watch(hall, 200, 1000, "10.93.0.2", MAC, "ping")
    watch.wait("outcome", "0", "0", "pass")
    watch.wait("neighbour", "0", "unknown", "00:00:00:00:00:00")
    assert watch.count("neighbour", "0", "match") == watch.count("neighbour", "0", "other") == 0
    watch.end()


@pytest.mark.measures
def test_a_host_vanishes_and_comes_back(pair):
    hall, server = pair
    serve(server, "80")
    watch = Watch(hall, 250, 1000, SERVER, MAC, "ping", "tcp:80", f"http:http://{SERVER}/")
    watch.wait("outcome", "0", "2", "pass", "200")
    server.ip("link", "set", "eth0", "down")
    gone = boot_ms()
    for check in "012":
        watch.wait("outcome", "0", check, "miss", after=gone + 100)
    settled = boot_ms()
    watch.listen_on(4)  # longer than the kernel takes to forget the neighbour
    assert watch.count("outcome", "0", "0", "pass", after=settled) == 0
    assert watch.count("outcome", "0", "0", "miss", after=settled) >= 8
    server.ip("link", "set", "eth0", "up")
    back, begun = boot_ms(), went_on()
    for check in "012":
        # The kernel asks for a silent neighbour once a second; the rest is the pace.
        watch.wait("outcome", "0", check, "pass", after=back)
        assert went_on() - begun < 1.6
    watch.wait("neighbour", "0", "match", MAC, after=back)
    watch.end()


@pytest.mark.measures
def test_a_site_that_comes_up_is_noticed_at_once(pair):
    hall, server = pair
    watch = Watch(hall, 250, 1000, SERVER, MAC, f"http:http://{SERVER}/")
    waits = []
    for _ in range(7):
        watch.wait("outcome", "0", "0", "answer", after=boot_ms())
        web, since = serve(server, "80")
        waits.append(watch.wait("outcome", "0", "0", "pass", after=since) - since)
        web.kill()
        web.wait()
    watch.end()
    assert sorted(waits)[3] <= 260 and sorted(waits)[-2] <= 400, waits  # one may meet a machine that stands still


@pytest.mark.measures
def test_a_host_that_comes_up_is_asked_once(pair):
    """Several tries wait for the neighbour; all connect in one moment, one of them asks."""
    hall, server = pair
    web, _ = serve(server, "80")
    watch = Watch(hall, 100, 1000, SERVER, MAC, f"http:http://{SERVER}/")
    watch.wait("outcome", "0", "0", "pass")
    for _ in range(3):
        server.ip("link", "set", "eth0", "down")
        hall.ip("neigh", "flush", "dev", "eth0")
        watch.listen(0.7)
        server.ip("link", "set", "eth0", "up")
        back = boot_ms()
        watch.wait("outcome", "0", "0", "pass", after=back)
    watch.end()
    web.kill()
    asked = [int(line) for line in web.stdout]
    # The server may hear two at once that came one after the other; all that waited are heard so each of the three times.
    assert sorted(b - a for a, b in zip(asked, asked[1:]))[2] > 50, asked


@pytest.mark.parametrize("rights", [[], NOBODY], ids=["root", "nobody"])
def test_icmp_not_permitted(pair, rights):
    hall, _ = pair
    hall.sysctl(GROUPS, "1 0")
    watch = Watch(hall, 100, 1000, SERVER, MAC, "ping", "tcp:80", "--", SERVER, MAC, "ping", rights=rights)
    for _ in range(5):
        at = int(watch.lines[-1][0]) + 1 if watch.lines else 0
        for said in (("0", "0", "unable"), ("1", "0", "unable"), ("0", "1", "answer")):
            watch.wait("outcome", *said, after=at)
    assert {line[4] for line in watch.lines if line[1:4] == ["outcome", "0", "0"]} == {"unable"}
    hall.sysctl(GROUPS, "0 2147483647")  # what the log says to do helps at once
    watch.wait("outcome", "0", "0", "pass")
    warning, info = watch.end().splitlines()
    assert GROUPS in warning and "sysctl -w" in warning
    assert "permitted now" in info


@pytest.mark.parametrize("manner", ["nonce", "slot", "short", "long", "stale", "address"])
def test_forged_answers_are_not_believed(pair, manner):
    hall, server = pair
    server.sysctl("net.ipv4.icmp_echo_ignore_all", "1")
    server.ip("addr", "add", "10.90.0.3/24", "dev", "eth0")

    def forge(how, address):
        forger = server.start([sys.executable, "-c", FORGER, how, address], stdout=subprocess.PIPE, text=True)
        assert forger.stdout.readline() == "ready\n"
        return forger

    forger = forge(manner, "10.90.0.3" if manner == "address" else SERVER)
    watch, at = Watch(hall, 200, 500, SERVER, MAC, "ping"), 0
    for _ in range(4):
        at = watch.wait("outcome", "0", "0", "miss", after=at) + 1
    assert {line[4] for line in watch.lines if line[1] == "outcome"} == {"miss"}
    forger.kill()
    forge("right", SERVER)  # the forger can be right
    watch.wait("outcome", "0", "0", "pass")
    watch.end()


def test_certificates_are_verified(pair, tmp_path):
    hall, server = pair
    key, certificate, both = (tmp_path / name for name in ("key.pem", "cert.pem", "both.pem"))
    server.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=erp",
                "-addext", f"subjectAltName=IP:{SERVER}", "-keyout", str(key), "-out", str(certificate)])
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    serve(server, "443", str(both))
    url = f"http:https://{SERVER}/"
    distrusts = Watch(hall, 200, 2000, SERVER, MAC, url)
    distrusts.wait("outcome", "0", "0", "answer", "0")
    distrusts.listen(0.5)
    assert distrusts.count("outcome", "0", "0", "pass") == 0
    distrusts.end()
    trusts = Watch(hall, 200, 2000, SERVER, MAC, url,
                   binds={str(certificate): "/etc/ssl/certs/ca-certificates.crt"})
    trusts.wait("outcome", "0", "0", "pass", "200")
    trusts.end()


@pytest.mark.measures
def test_a_resolver_that_is_silent_delays_nobody(pair, tmp_path):
    hall, _ = pair
    resolver = tmp_path / "resolv.conf"
    resolver.write_text(f"nameserver {DEAD}\n")
    watch = Watch(hall, 200, 500, SERVER, MAC, "http:http://erp.example/", "--", SERVER, MAC, "ping",
                  binds={str(resolver): "/etc/resolv.conf"})
    watch.listen_on(4)
    threads = int(re.search(r"Threads:\s+(\d+)", status_of(watch.process)).group(1))
    watch.end()
    assert {line[4] for line in watch.lines if line[1:4] == ["outcome", "0", "0"]} == {"miss"}
    pings = [int(line[0]) for line in watch.lines if line[1:5] == ["outcome", "1", "0", "pass"]]
    assert len(pings) >= 15
    assert sorted(b - a for a, b in zip(pings, pings[1:]))[-3] < 350, pings  # two may meet a machine that stands still
    assert threads <= 3


def status_of(process):
    with open(f"/proc/{process.pid}/status", encoding="utf-8") as file:
        return file.read()


def wakeups_of(process):
    return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status_of(process), re.MULTILINE).group(1))


@pytest.mark.measures
def test_ten_sleeping_servers_wake_the_cpu_rarely(pair):
    hall, _ = pair
    words = []
    for n in range(10):
        address = f"10.90.0.{100 + n}"
        words += ["--"] * bool(n) + [address, MAC, "ping", "tcp:22", f"http:http://{address}/"]
    watch = Watch(hall, 5000, 1000, *words)
    for n in range(10):
        watch.wait("outcome", str(n), "2", "miss")
    before, begun = wakeups_of(watch.process), time.monotonic()
    watch.listen(10.5)  # two rounds
    rate = (wakeups_of(watch.process) - before) / (time.monotonic() - begun)
    for n in range(10):
        assert watch.count("outcome", str(n), "0", "miss") >= 2
    watch.end()
    print("wake-ups a second:", rate)
    assert rate <= 2.0, rate  # at this pace; it falls with the pace
