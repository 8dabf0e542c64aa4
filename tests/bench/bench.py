"""The figures of docs/BENCHMARKS.md. Run by ./bench.sh, which builds first."""

import gzip
import json
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import rig as r
from agents import AgentRig
from edge import Edge
from rig import NotMeasured, Rig
from slow import SlowClients
from storm import Storm

ROUNDS = 3
EDGE_ROUNDS = 5
median = statistics.median


class Figure:
    def __init__(self, value, unit, met, words, **numbers):
        self.value, self.unit, self.met, self.words, self.numbers = value, unit, met, words, numbers

    def line(self, name, target):
        numbers = "".join(f"{key}={value:.3g} " for key, value in self.numbers.items())
        return f"{name} {self.value:.4g} {self.unit} {numbers}{self.words}; target {target} {'met' if self.met else 'MISSED'}"


def no_errors(answer, what):
    if answer["errors"] or not answer["answers"]:
        raise NotMeasured(f"{what}: {answer['errors']} errors beside {answer['answers']} answers")
    return answer


def rate(answer, what):
    return no_errors(answer, what)["answers"] / answer["seconds"]


def in_turn(one, other):
    """Both measured ROUNDS times, one after the other: the medians, and the median of the ratios."""
    pairs = [(one(), other()) for _ in range(ROUNDS)]
    return median(a for a, _ in pairs), median(b for _, b in pairs), median(a / b for a, b in pairs)


def gate_rps():
    with Rig(10) as rig:
        port = r.free_port()
        rig.nginx(f"server {{ listen 127.0.0.1:{port}; return 204; }}")
        rig.sites().open(0)
        rig.start_hall()
        rig.wait_ready()
        hall, nginx, ratio = in_turn(
            lambda: rate(r.wrk(f"http://{rig.gateway}/auth", r.PROXY_HEADERS), "hall"),
            lambda: rate(r.wrk(f"http://127.0.0.1:{port}/auth", r.PROXY_HEADERS), "nginx"))
    return Figure(ratio, "x", ratio >= 0.55, f"hall {hall:.0f}/s, nginx {nginx:.0f}/s", ratio=ratio)


def proxy_blocks(rig, upstream, plain, asking):
    common = 'proxy_http_version 1.1; proxy_set_header Connection "";'
    return f"""
upstream site {{ server 127.0.0.1:{upstream}; keepalive 16; keepalive_requests 1000000000; }}
upstream hall {{ server {rig.gateway}; keepalive 16; keepalive_requests 1000000000; }}
server {{ listen 127.0.0.1:{upstream}; return 200 "ok"; }}
server {{ listen 127.0.0.1:{plain}; location / {{ proxy_pass http://site; {common} }} }}
server {{ listen 127.0.0.1:{asking};
  location / {{ auth_request /hall-auth; proxy_pass http://site; {common} }}
  location = /hall-auth {{ internal; proxy_pass http://hall/auth; proxy_pass_request_body off; {common}
    proxy_set_header Content-Length ""; proxy_set_header Host $host; proxy_set_header X-Forwarded-Host s0.bench;
    proxy_set_header X-Forwarded-Uri $request_uri; proxy_set_header X-Forwarded-Method $request_method;
    proxy_set_header X-Forwarded-Proto http; proxy_set_header X-Forwarded-For $remote_addr; }} }}"""


def gate_added():
    with Rig(10) as rig:
        upstream, plain, asking = r.free_port(), r.free_port(), r.free_port()
        rig.nginx(proxy_blocks(rig, upstream, plain, asking))
        rig.sites().open(0)
        rig.start_hall()
        rig.wait_ready()
        request = rig.request("added", "/some/page", r.BROWSER)
        rounds = [r.tool("http_latency", request, 4000, f"127.0.0.1:{plain}", f"127.0.0.1:{asking}")[0]
                  for _ in range(ROUNDS)]
    for sides in rounds:
        for side in sides:
            no_errors(side, "nginx")
    added = {p: median((b[f"{p}_us"] - a[f"{p}_us"]) / 1000 for a, b in rounds) for p in ("p50", "p99")}
    base = median(a["p50_us"] / 1000 for a, _ in rounds)
    return Figure(added["p50"], "ms", added["p50"] <= 0.30, f"plain proxy {base:.3f} ms, keep-alive, one at a time", **added)


def edge(kind):
    """Each proxy for a second in turn, so that all meet the same machine; the site is as cheap as one can be, on the same processors."""
    with Edge(kind) as rig:
        rig.begin()
        proxies = {"alone": rig.alone, "asking": rig.asking, "bare": rig.asking_bare}
        if kind == "nginx":
            proxies["at first"] = rig.at_first()
        rounds = [{name: rate(rig.load(proxy), f"{kind} {name}") for name, proxy in proxies.items()} for _ in range(EDGE_ROUNDS)]
        alone, asking = (no_errors(side, kind) for side in rig.latency())
    rates = {name: median(rates[name] for rates in rounds) for name in proxies}
    ratio, bare = (median(rates[name] / rates["alone"] for rates in rounds) for name in ("asking", "bare"))
    words = f"{rates['asking']:.0f}/s, alone {rates['alone']:.0f}/s; {bare:.2f} x if a bare nginx is asked in Hall's place"
    if kind == "nginx":
        words += f"; {median(rates['asking'] / rates['at first'] for rates in rounds):.2f} x nginx without keepalive to the site"
    return Figure(ratio, "x", ratio >= 0.8, f"{words}; added p50 {(asking['p50_us'] - alone['p50_us']) / 1000:.3f} ms", ratio=ratio)


def threads_of(pid):
    """Hall's gateway workers, once each has taken its name; the loop and the acceptor do not answer."""
    names = [(task / "comm").read_text().strip() for task in Path(f"/proc/{pid}/task").iterdir()]
    return sum("worker" in name for name in names) or max(1, len(names) - 2)


def page_of(rig):
    answer = rig.hall.get("/", r.BROWSER, host="s0.bench")
    if answer.status != 503:
        raise NotMeasured(f"the waiting page came with {answer.status}")
    return answer.body


def gate_page():
    with Rig(10) as rig:
        pid = rig.start_hall()
        size = len(page_of(rig))
        r.settle(0.3)
        threads = threads_of(pid)
        bare = f"127.0.0.1:{r.free_port()}"
        peer = rig.run([r.BUILD / "tests" / "bare_civetweb", bare, threads, size], "bare_civetweb",
                       lambda: r.wait_until(lambda: listens(bare), 5, "bare civetweb"))
        assert peer.alive()
        request = rig.request("page", "/", r.BROWSER, close=True)
        hall, bare_rate, ratio = in_turn(
            lambda: rate(r.tool("http_load", rig.gateway, request, 16, 2, 503)[0], "hall"),
            lambda: rate(r.tool("http_load", bare, request, 16, 2, 503)[0], "bare civetweb"))
    return Figure(ratio, "x", ratio >= 0.8,
                  f"hall {hall:.0f}/s, bare civetweb {bare_rate:.0f}/s, {threads} threads, {size} bytes each", ratio=ratio)


def gate_slow(count=1000):
    """A proxy that opens a connection for each question, so that every one of them needs a worker that is free."""
    with Rig(10) as rig:
        rig.sites().open(0)
        rig.start_hall()
        rig.wait_ready()
        request = rig.request("slow", "/auth", r.PROXY_HEADERS, close=True)
        quiet = no_errors(r.tool("http_load", rig.gateway, request, 2, 3, 200)[0], "/auth")
        crowd = SlowClients(rig.hall.gateway, count, pause=1.0)
        try:
            r.settle(1)
            slow = no_errors(r.tool("http_load", rig.gateway, request, 2, 5, 200)[0], "/auth")
        finally:
            crowd.close()
    p50, p99 = slow["p50_us"] / 1000, slow["p99_us"] / 1000
    return Figure(p99, "ms", p99 <= 50, f"{count} slow clients, {slow['answers']} answers, p99 without them "
                  f"{quiet['p99_us'] / 1000:.2f} ms", p50=p50, p99=p99)


def listens(endpoint):
    host, port = endpoint.split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def page_size():
    with Rig(1) as rig:
        rig.start_hall()
        page = page_of(rig)
    size, small = len(page) / 1024, len(gzip.compress(page, 9)) / 1024
    outside = [word for word in (b' src="', b"@import", b'rel="stylesheet"') if word in page]
    if outside:
        raise NotMeasured(f"the page is not all inline: it has {outside}")
    return Figure(size, "KB", size <= 14 and small <= 6, f"gzip -9 {small:.2f} KB")


def wake(how, count=250):
    with Rig(count, broker=True) as rig:
        rig.start_hall()
        rig.wait_off()
        found = r.tool("wake_latency", how, 0, count, rig.wol_port, rig.broker.port, rig.gateway,
                       env={"BENCH_PASSWORD": rig.broker.passwords["operator"]})[0]
    no_errors(found, f"wake by {how}")
    return found["p50_us"] / 1000, found["p99_us"] / 1000, found["answers"]


def wake_latency():
    p50, p99, n = wake("mqtt")
    return Figure(p50, "ms", p50 <= 2 and p99 <= 10, f"{n} wakes by the bus", p50=p50, p99=p99)


def wake_http():
    p50, p99, n = wake("http")
    return Figure(p99, "ms", p99 <= 10, f"{n} wakes by a visit", p50=p50, p99=p99)


def percentile(values, percent):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def ready_latency(count=48, arriving=24, limit=40):
    """The sites start to answer 1 to 4 s after their packet; some four browsers wait at a time."""
    chance = random.Random(1)
    boots = {i: chance.uniform(1, 4) for i in range(count)}
    with Rig(count) as rig:
        sites = rig.sites(boots)
        rig.start_hall()
        *landed, total = r.tool("browsers", rig.gateway, count, count, arriving, limit)
    no_errors(total, "browsers")
    if total["landed"] != count:
        raise NotMeasured(f"{count - total['landed']} of {count} browsers were never told to go")
    late = [(one["at_ns"] - sites.up[one["browser"]]) / 1e6 for one in landed]
    p50, p95, p99 = (percentile(late, p) for p in (50, 95, 99))
    return Figure(p50, "ms", p50 <= 150 and p95 <= 500, f"p95 {p95:.0f} ms, {count} wakes", p50=p50, p95=p95, p99=p99)


def mem_hall():
    with Rig(10, broker=True) as rig:
        rig.sites().open(0)
        pid = rig.start_hall()
        rig.wait_ready()
        answer = no_errors(r.wrk(f"http://{rig.gateway}/auth", r.PROXY_HEADERS), "hall")
        if answer["answers"] < 10000:
            raise NotMeasured(f"only {answer['answers']} requests")
        r.settle(6)
        rss, anonymous = (kb / 1024 for kb in r.status_of(pid, "VmRSS", "RssAnon"))
    return Figure(rss, "MB", rss <= 8 and anonymous <= 3, f"anonymous {anonymous:.2f} MB, after {answer['answers']} requests")


def mem_wol(orders=200):
    """The relay with its broker, after orders as fast as it takes them."""
    with Rig(1, broker=True, users=("attic",)) as rig:
        file = rig.directory / "relay.json"
        file.write_text(json.dumps({"id": "attic", "mqtt": {"url": f"mqtt://127.0.0.1:{rig.broker.port}"}, "interface": "lo",
                                    "packets_per_second": 100}))
        hall = rig.bus(("hall/relays/attic/#",), user="hall")
        relay = rig.run([r.BUILD / "bin" / "hall-wol", "--config", file], "hall-wol",
                        lambda: hall.heard("hall/relays/attic/state"),
                        env={**os.environ, "HALL_MQTT_PASSWORD": rig.broker.passwords["attic"]})
        expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60))
        for number in range(orders):
            hall.publish("hall/relays/attic/send", {
                "id": str(number), "mac": "02:00:00:00:00:01", "secureon": None, "broadcast": r.BROADCAST,
                "port": rig.wol_port, "expires": expires})
        hall.wait_json("hall/relays/attic/result", id=str(orders - 1))
        sent = sum(m.json()["outcome"] == "done" for m in hall.heard("hall/relays/attic/result"))
        r.settle(6)
        rss, anonymous = (kb / 1024 for kb in r.status_of(relay.pid, "VmRSS", "RssAnon"))
    return Figure(rss, "MB", rss <= 4, f"anonymous {anonymous:.2f} MB, after {orders} orders, {sent} packets")


def mem_waiting(count=1000):
    with Rig(10) as rig:
        pid = rig.start_hall()
        page_of(rig)
        r.settle(7)
        before, most = r.status_of(pid, "VmRSS")[0], 0
        crowd = subprocess.Popen([r.BUILD / "tests" / "browsers", rig.gateway, "1", str(count), "5", "25"],
                                 stdout=subprocess.PIPE, text=True)
        try:
            while crowd.poll() is None:
                most = max(most, r.status_of(pid, "VmRSS")[0])
                r.settle(0.2)
            total = json.loads(crowd.stdout.read().splitlines()[-1])
        finally:
            crowd.kill()
            crowd.wait()
    grown, p99 = (most - before) / 1024, total["p99_us"] / 1000
    return Figure(grown, "MB", grown <= 4 and p99 <= 50 and not total["errors"],
                  f"{total['pages']} browsers, {total['answers']} answers in 25 s, {total['errors']} errors",
                  p50=total["p50_us"] / 1000, p99=p99)


def idle_wakeups(seconds=30):
    with Rig(10, broker=True) as rig:
        rig.silent_sites()
        pid = rig.start_hall()
        rig.wait_off().close()
        r.settle(6)
        began, before = time.monotonic(), r.activity(pid)
        r.settle(seconds)
        after, passed = r.activity(pid), time.monotonic() - began
    wakeups, cpu = (after[0] - before[0]) / passed, (after[1] - before[1]) / 1e7 / passed
    return Figure(wakeups, "/s", wakeups <= 3 and cpu <= 0.1, f"{cpu:.3f} % of a core, {seconds} s")


def socket_look():
    looks = [r.tool("socket_look", 10000, 40, upstreams)[0] for upstreams in (1, 100, 1000)]
    of_each = ", ".join(f"{look['p50_us'] / 1000:.1f}" for look in looks)
    ms = max(look["p50_us"] for look in looks) / 1000
    return Figure(ms, "ms", ms <= 5, f"10000 connections on loopback, both ends in the table; with 1, 100 and 1000 upstreams {of_each}",
                  p99=max(look["p99_us"] for look in looks) / 1000)


def start_once(rig):
    """From before exec to the first answer of /auth, ms. No preparation of the child, so that spawning costs little."""
    request = rig.request("start", "/auth", r.PROXY_HEADERS, close=True).read_bytes()
    with open(rig.hall.log, "ab") as log:
        began = time.monotonic()
        child = subprocess.Popen([rig.hall.binary, "--config", rig.hall.file], stderr=log, close_fds=False,
                                 env=rig.hall.environment())
    try:
        while not answers(rig.hall.gateway, request):
            if child.poll() is not None or time.monotonic() > began + 30:
                raise NotMeasured(f"hall does not start: {rig.hall.log_text()[-500:]}")
            time.sleep(0.0003)
        return (time.monotonic() - began) * 1000
    finally:
        child.kill()
        child.wait()


def answers(gateway, request):
    with socket.socket() as probe:
        probe.settimeout(5)
        if probe.connect_ex(gateway) != 0:
            return False
        probe.sendall(request)
        return probe.recv(64).startswith(b"HTTP/1.1 ")


def start():
    with Rig(10) as rig:
        times = [start_once(rig) for _ in range(20)]
    p50, p99 = median(times), percentile(times, 99)
    return Figure(p50, "ms", p50 <= 50, "20 starts, no broker, no store", p50=p50, p99=p99)


def scale_servers(sizes=(10, 100, 1000, 10000)):
    """Servers that are told of by their agent alone, so that no probing blurs the cost of Hall itself."""
    rows = []
    for size in sizes:
        with Rig(size, broker=True, agent_checks=True) as rig:
            begun = start_once(rig)
            rig.start_hall()
            r.settle(7)
            kb = r.status_of(rig.hall.process.pid, "VmRSS")[0]
            rows.append((size, begun, kb, change_cost(rig)))
    per_server = (rows[-1][2] - rows[0][2]) / (rows[-1][0] - rows[0][0])
    met = per_server <= 8 and rows[-1][3] <= 2 * rows[0][3] + 0.5
    words = ", ".join(f"{size}: start {begun:.0f} ms, {kb / 1024:.1f} MB, change {cost:.2f} ms" for size, begun, kb, cost in rows)
    return Figure(per_server, "KB", met, words)


def change_cost(rig, count=10):
    """Median time from a command to the new state on the bus, ms."""
    bus = rig.bus(("hall/servers/+/state",))
    bus.client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    times = []
    for i in range(count):
        topic, mark = f"hall/servers/s{i}/state", bus.mark()
        began = time.monotonic()
        bus.publish(f"hall/servers/s{i}/command", "wake", qos=0)
        times.append((bus.wait(topic, lambda m: m.text() == "waking", mark).at - began) * 1000)
    return median(times)


def devices_held(rig):
    """The announcements that stand on the broker: how many, and their bytes together."""
    done = subprocess.run(["mosquitto_sub", "-p", str(rig.broker.port), "-u", "hall", "-P", rig.broker.passwords["hall"], "-q", "0",
                           "-t", "homeassistant/device/hall/+/config", "--retained-only", "-F", "%l", "-W", "5"],
                          capture_output=True, text=True, timeout=60, check=False)
    sizes = [int(line) for line in done.stdout.split()]
    return len(sizes), sum(sizes)


def announce(count=1000):
    """All servers to an empty broker, in the background; then Hall starts anew beside a broker that has everything."""
    with Rig(count, broker=True, agent_checks=True) as rig:
        bus = rig.bus(("hall/status", "hall/result"))
        rig.start_hall()
        bus.wait_text("hall/status", "online", limit=60)
        began = time.monotonic()
        bus.publish("hall/command", {"action": "announce", "id": "all"})
        waking = change_cost(rig)
        seconds = bus.wait_json("hall/result", limit=60, id="all", outcome="done").at - began
        held, size = devices_held(rig)
        if held != count + 1:
            raise NotMeasured(f"{held} of {count + 1} devices are on the broker")
        rig.hall.stop()
        witness, mark = rig.broker.bus(user="hall", topics=("homeassistant/device/hall/#",)), bus.mark()
        try:
            r.settle(2)
            before = witness.mark()
            rig.hall.start()
            bus.wait_text("hall/status", "online", mark, limit=60)
            r.settle(3)
            again = witness.mark() - before
        finally:
            witness.close()
    return Figure(seconds, "s", seconds <= 5 and again == 0,
                  f"{count} servers, {size / count / 1024:.1f} KB each; {again} sent again after a restart; "
                  f"a change of state meanwhile {waking:.2f} ms")


def scale_visitors(crowds=(1, 10, 100, 1000)):
    with Rig(len(crowds), broker=True) as rig:
        rig.start_hall()
        rig.wait_off()
        bus = rig.bus(("hall/servers/+/event",))
        wakes, errors, slowest = [], 0, 0.0
        for i, crowd in enumerate(crowds):
            request = rig.request(f"crowd{crowd}", "/", {**r.BROWSER, "Host": f"s{i}.bench"}, close=True)
            answer = r.tool("http_load", rig.gateway, request, crowd, 0, 503)[0]
            errors += answer["errors"] + crowd - answer["answers"]
            slowest = max(slowest, answer["p99_us"] / 1000)
            bus.wait_json(f"hall/servers/s{i}/event", event_type="wake_requested")
            r.settle(0.5)
            wakes.append(sum(m.json()["event_type"] == "wake_requested" for m in bus.heard(f"hall/servers/s{i}/event")))
    return Figure(max(wakes), "wakes", set(wakes) == {1} and errors == 0,
                  f"{'/'.join(map(str, crowds))} visitors: {'/'.join(map(str, wakes))} wakes, {errors} errors", p99=slowest)


def storm(servers=10000, count=1000, limit=2.0):
    """At once to every tenth server, whose agents then come up; half of the answers are awaited at two places. With a store."""
    with Rig(servers, broker=True, agent_checks=True) as rig:
        rig.keep_records()
        last = f"hall/servers/s{servers - 1}/status"
        bus = rig.bus(("hall/status", "hall/info", last))
        rig.start_hall()
        bus.wait_text("hall/status", "online", limit=60)
        bus.wait(last, lambda m: m.payload, 0, 60, "the last status")
        r.settle(7)
        commands = Storm(rig.broker, [f"s{i}" for i in range(0, servers, servers // count)])
        try:
            answered, ended = commands.run(30)
            found, wrong = commands.answered_within(limit), len(commands.wrong())
            dropped = bus.last("hall/info").json()["dropped"]
        finally:
            commands.close()
    return Figure(found, "answered", found == count and wrong == 0 and dropped == 0,
                  f"{count} commands to {servers} servers: the last answer after {answered:.2f} s, the last end after {ended:.2f} s, "
                  f"{wrong} wrong, {dropped} dropped")


def store_writes():
    """On a file system that counts: a day of ten servers with 1,000 visits and 40 wakes, through the real store."""
    out = subprocess.run([r.BUILD / "tests" / "store_faults", "writes"], capture_output=True, text=True, timeout=120, check=True).stdout
    day, office = (float(re.search(rf"writes\.{name} ([0-9.]+) MB", out).group(1)) for name in ("day", "office"))
    return Figure(day, "MB", max(day, office) <= 5, f"10 servers, 1,000 visits over 24 h; within 8 h {office:.2f} MB")


def mem_agent():
    with AgentRig() as rig:
        r.settle(6)
        rss, anonymous = (kb / 1024 for kb in r.status_of(rig.pid, "VmRSS", "RssAnon"))
    return Figure(rss, "MB", rss <= 6, f"anonymous {anonymous:.2f} MB")


def agent_sleep(count=60):
    with AgentRig() as rig:
        times = [rig.sleep_once() * 1000 for _ in range(count)]
    p50, p99 = median(times), percentile(times, 99)
    return Figure(p99, "ms", p99 <= 50, f"{count} sleeps", p50=p50, p99=p99)


def agent_wakeups(seconds=30):
    with AgentRig() as rig:
        r.settle(6)
        began, before = time.monotonic(), r.activity(rig.pid)
        r.settle(seconds)
        after, passed = r.activity(rig.pid), time.monotonic() - began
    wakeups, cpu = (after[0] - before[0]) / passed, (after[1] - before[1]) / 1e7 / passed
    return Figure(wakeups, "/s", wakeups <= 2, f"{cpu:.3f} % of a core, {seconds} s")


def build():
    with tempfile.TemporaryDirectory(prefix="hall-bench-") as folder:
        began = time.monotonic()
        for argv in (["cmake", "-S", r.ROOT, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
                      "-DHALL_TESTS=OFF"], ["cmake", "--build", folder, "-j", "2"]):
            done = subprocess.run(argv, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise NotMeasured(f"the build failed: {done.stdout[-500:]}{done.stderr[-500:]}")
        seconds = time.monotonic() - began
    return Figure(seconds, "s", seconds <= 60, "configure and build, 2 jobs, without tests")


ROWS = {
    "gate.rps": (gate_rps, ">= 0.55 x nginx"),
    "gate.added": (gate_added, "<= 0.30 ms"),
    "edge.nginx": (lambda: edge("nginx"), ">= 0.8 x nginx alone"),
    "edge.caddy": (lambda: edge("caddy"), ">= 0.8 x Caddy alone"),
    "edge.traefik": (lambda: edge("traefik"), ">= 0.8 x Traefik alone"),
    "gate.page": (gate_page, ">= 0.8 x bare civetweb"),
    "gate.slow": (gate_slow, "p99 <= 50 ms"),
    "page.size": (page_size, "<= 14 KB, gzip <= 6 KB"),
    "wake.latency": (wake_latency, "p50 <= 2 ms, p99 <= 10 ms"),
    "wake.http": (wake_http, "p99 <= 10 ms"),
    "ready.latency": (ready_latency, "p50 <= 150 ms, p95 <= 500 ms"),
    "mem.hall": (mem_hall, "<= 8 MB, anonymous <= 3 MB"),
    "mem.wol": (mem_wol, "<= 4 MB"),
    "mem.waiting": (mem_waiting, "<= 4 MB, 0 errors, p99 <= 50 ms"),
    "idle.wakeups": (idle_wakeups, "<= 3 /s, <= 0.1 % of a core"),
    "socket.look": (socket_look, "<= 5 ms"),
    "mem.agent": (mem_agent, "<= 6 MB"),
    "agent.sleep": (agent_sleep, "p99 <= 50 ms"),
    "agent.wakeups": (agent_wakeups, "<= 2 /s"),
    "start": (start, "<= 50 ms"),
    "scale.servers": (scale_servers, "<= 8 KB per server, change cost flat"),
    "announce": (announce, "<= 5 s, none sent again"),
    "scale.visitors": (scale_visitors, "exactly 1 wake, 0 errors"),
    "storm": (storm, "1,000 of 1,000 within 2 s"),
    "store.writes": (store_writes, "<= 5 MB a day"),
    "build": (build, "<= 60 s"),
}


def measure(name):
    row, target = ROWS[name]
    try:
        print(row().line(name, target), flush=True)
        return True
    except (NotMeasured, AssertionError, OSError, ValueError, LookupError, subprocess.SubprocessError) as error:
        print(f"{name}: not measured: {error}", file=sys.stderr, flush=True)
        return False


def main(names):
    if names == ["--list"]:
        print("\n".join(ROWS))
        return 0
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        print(f"bench.sh: unknown: {' '.join(unknown)}. ./bench.sh --list names the figures", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    return 0 if all([measure(name) for name in names or ROWS]) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
