#!/usr/bin/python3
"""One simulated server: sleeps until a magic packet with its MAC arrives, boots in visible stages, serves its
sites, reports as an agent, and goes to sleep when told. Where its description names hall-agent's program, that is its
agent (see real_agent.py); else it speaks the agent's part by itself, and can be told to misbehave.

The first line on its stdin describes it, in JSON. It tells what happens as one JSON object a line on stdout, and
takes words on stdin: attach (the network is there), boot, crash, deaf on|off, stubborn on|off, sick on|off, hold on|off (what
asks how it is waits, which is told, as its answer is), slow SECONDS, agent off|on; with the real agent also suspend, poweroff, reboot, docker off|on, remove CONTAINER. The end of stdin is the end of the server.

In a network namespace it has no address while it sleeps, so neither ARP nor a ping is answered. On loopback it closes
its sockets.
"""

import html
import http.server
import json
import os
import queue
import re
import socket
import subprocess
import sys
import threading
import time
import uuid
from datetime import datetime, timezone

import paho.mqtt.client as mqtt

from bus import make_client

ETH_P_ALL = 3
REPORT_EVERY = 10.0

# What happens while it boots, and after which share of the boot time.
BOOT = [
    (0.25, "network"),
    (0.40, "agent"),
    (0.55, "docker"),
    (0.65, "containers"),
    (0.85, "healthy"),
    (1.00, "sites"),
]


_saying = threading.Lock()


def say(event, **details):
    line = json.dumps({"at": time.time(), "mono": time.monotonic(), "event": event, **details})
    with _saying:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def magic(mac):
    return b"\xff" * 6 + bytes.fromhex(mac.replace(":", "")) * 16


class Veth:
    """The network card in a namespace: sees every frame, has an address only while the server is up."""

    def __init__(self, spec):
        self.name = spec["interface"]
        self.address = f"{spec['address']}/{spec['prefix']}"

    def _ip(self, *words):
        subprocess.run(["ip", *words], check=True)

    def open(self):
        with open(f"/proc/sys/net/ipv6/conf/{self.name}/disable_ipv6", "w", encoding="ascii") as knob:
            knob.write("1")
        frames = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        frames.bind((self.name, 0))
        self._ip("link", "set", "lo", "up")
        self._ip("link", "set", self.name, "up")
        return frames

    def up(self):
        self._ip("addr", "add", self.address, "broadcast", "+", "dev", self.name)

    def down(self):
        self._ip("addr", "flush", "dev", self.name)


class LoopbackCard:
    """On loopback there is no card: a datagram to 127.255.255.255 reaches every server that listens there."""

    def __init__(self, spec):
        self.where = tuple(spec["wol"])

    def open(self):
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        datagrams.bind(self.where)
        return datagrams

    def up(self):
        pass

    def down(self):
        pass


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<style>
:root{{color-scheme:light dark}}
body{{font:1.05rem/1.6 system-ui,sans-serif;max-width:36rem;margin:12vh auto;padding:0 1.2rem}}
h1{{font-size:1.8rem;margin:0 0 .4rem}} code{{font-size:.95em}} .ok{{color:#16803c}} @media(prefers-color-scheme:dark){{.ok{{color:#5fd08a}}}}
</style></head><body>
<h1>{title}</h1>
<p class="ok">This is the site itself, served by the simulated server <strong>{server}</strong>.</p>
<p>You asked for <code>{path}</code>. The server has been up for {up} s.</p>
<p>Leave it alone for a while and Hall puts it to sleep again.</p>
</body></html>
"""


PIECE = 8192  # of a slow download


class Site(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, server, spec):
        self.sim = server
        self.spec = spec
        page = type("Page", (SitePage,), {"protocol_version": spec.get("protocol", "HTTP/1.0")})  # 1.1 keeps connections
        super().__init__((server.spec["nic"]["address"], spec["port"]), page)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, request, client_address):
        pass

    def close(self):
        self.shutdown()
        self.server_close()


class SitePage(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.server.sim.sick:
            return self._answer(503, "text/plain", b"out of order\n")
        if self.path == "/health":
            return self._tell_health()
        slow = re.search(r"/download\?seconds=(\d{1,3})\Z", self.path)
        if slow:
            return self._trickle(int(slow.group(1)))
        page = PAGE.format(
            title=html.escape(self.server.spec["title"]),
            server=html.escape(self.server.sim.id),
            path=html.escape(self.path),
            up=int(time.monotonic() - self.server.sim.up_since),
        )
        return self._answer(200, "text/html; charset=utf-8", page.encode())

    do_HEAD = do_GET

    def _answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _tell_health(self):
        is_held = not self.server.sim.free.is_set()
        if is_held:
            say("asked")
            self.server.sim.free.wait()
        self._answer(200, "text/plain", b"ok\n")
        if is_held:
            say("answered")

    def _trickle(self, seconds):
        """A download that takes so long: ten pieces a second."""
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(10 * seconds * PIECE))
        self.end_headers()
        for _ in range(10 * seconds):
            time.sleep(0.1)
            self.wfile.write(bytes(PIECE))

    def log_message(self, format, *args):
        pass


class Agent:
    """The agent's part of the bus contract: state with a last will, report, containers, answers to commands."""

    def __init__(self, sim):
        self.sim = sim
        self.base = f"{sim.spec['broker']['base']}/agents/{sim.id}"
        self.client = None
        self.ready = False
        self.telling = threading.Lock()  # of two threads that tell of the containers the last one tells how they are

    def connect(self):
        broker = self.sim.spec["broker"]
        # Always the same id: a connection that a crash left behind at the broker ends, and its will is out, before this one
        # says that it is online.
        self.client = make_client(f"agent-{self.sim.id}")
        self.client.username_pw_set(broker["user"], broker["password"])
        self.client.will_set(f"{self.base}/state", "offline", qos=1, retain=True)
        self.client.reconnect_delay_set(min_delay=1, max_delay=2)
        self.client.on_connect = self._on_connect
        self.client.on_message = self._on_message
        self.client.connect_async(broker["host"], broker["port"], keepalive=self.sim.spec.get("keepalive", 20))
        self.client.loop_start()

    def _on_connect(self, client, _userdata, _flags, reason, _properties=None):
        if str(reason) != "Success":
            say("agent_refused", reason=str(reason))
            return
        client.subscribe(f"{self.base}/command", options=mqtt.SubscribeOptions(qos=1, retainAsPublished=True))
        client.publish(f"{self.base}/state", "online", qos=1, retain=True)
        self.ready = True  # what changes from now on is told by who changes it, what did before is told here
        self.report()
        self.containers()
        say("agent_online")

    def _on_message(self, _client, _userdata, message):
        self.sim.queue.put(("command", (message.payload, bool(message.retain))))

    def _retain(self, what, value):
        client = self.client
        if client:
            client.publish(f"{self.base}/{what}", json.dumps(value), qos=1, retain=True)

    def report(self):
        sim = self.sim
        vetoes = sim.vetoes()
        self._retain("report", {
            "boot_id": sim.boot_id,
            "resumes": sim.resumes,
            "uptime_s": int(time.monotonic() - sim.up_since),
            "load": 0.1,
            "memory": {"total_mb": 8192, "free_mb": 6000},
            "sessions": [],
            "inhibitors": [],
            "vetoes": vetoes,
            "wol": {"interface": sim.spec["nic"]["interface"] or "lo", "armed": True},
            "can": {"suspend": True, "hibernate": False, "poweroff": True, "restart": True},
        })

    def containers(self):
        sim = self.sim
        with self.telling:
            present = [] if sim.docker in ("down", "up") else [
                {"name": name, "project": site["id"], "state": "running",
                 "health": "healthy" if sim.docker == "healthy" and not sim.sick else "starting"}
                for site in sim.spec["sites"] for name in site["containers"]
            ]
            self._retain("containers", {"docker": sim.docker != "down", "containers": present})

    def answer(self, id, outcome, reason=None, vetoes=()):
        say("answer", id=id, outcome=outcome, reason=reason)
        result = {"id": id, "outcome": outcome, "reason": reason, "vetoes": list(vetoes)}
        if self.client:
            self.client.publish(f"{self.base}/result", json.dumps(result), qos=1).wait_for_publish(2)

    def goodbye(self):
        if self.client:
            self.client.publish(f"{self.base}/state", "sleeping", qos=1, retain=True).wait_for_publish(2)

    def disconnect(self):
        client, self.client = self.client, None
        if client:
            client.disconnect()
            client.loop_stop()
        self.ready = False  # it may have become so until its thread had ended

    def abandon(self):
        """The cable is gone: nothing is said to the broker."""
        client, self.client = self.client, None
        if client:
            client.loop_stop()
            connection = client.socket()
            if connection:
                connection.close()
        self.ready = False


def read_command(payload, retained, seen, now):
    """(id, action, None) of a valid one; (id, None, why) of a refused one."""
    if len(payload) > 4096:
        return "", None, "more than 4096 bytes"
    try:
        command = json.loads(payload)
    except (ValueError, RecursionError):
        return "", None, "no JSON"
    if not isinstance(command, dict) or not isinstance(command.get("id"), str) or not command["id"]:
        return "", None, "no id"
    id = command["id"][:64]
    if retained:
        return id, None, "retained"
    if id in seen:
        return id, None, "handled before"
    try:
        expires = datetime.fromisoformat(command["expires"].replace("Z", "+00:00"))
        if expires.tzinfo is None or expires <= now:
            return id, None, "expired"
    except (KeyError, ValueError, AttributeError):
        return id, None, "no valid time in expires"
    if command.get("action") not in ("suspend", "hibernate", "poweroff", "reboot"):
        return id, None, "unknown action"
    return id, command["action"], None


class SimServer:
    def __init__(self, spec):
        self.spec = spec
        self.id = spec["id"]
        self.queue = queue.Queue()
        self.card = Veth(spec["nic"]) if spec["nic"]["interface"] else LoopbackCard(spec["nic"])
        self.boot_s = spec["boot_s"]
        self.real = bool(spec.get("agent_program"))
        if self.real:
            from real_agent import RealAgent

            self.agent = RealAgent(self, say)
        else:
            self.agent = Agent(self)
        self.sites = []
        self.plan = []            # (when, stage) still to come of the boot under way
        self.phase = "asleep"     # asleep, booting, up
        self.docker = "down"      # down, up, present, healthy
        self.boot_id = str(uuid.uuid4())
        self.resumes = 0
        self.up_since = time.monotonic()
        self.deaf = self.stubborn = self.sick = False
        self.free = threading.Event()
        self.free.set()
        self.with_agent = spec.get("agent", True)
        self.seen = set()
        self.next_report = None

    # What comes from outside

    def listen(self):
        source = self.card.open()
        threading.Thread(target=self._read_packets, args=(source,), daemon=True).start()

    def _read_packets(self, source):
        wanted = magic(self.spec["nic"]["mac"])
        while True:
            try:
                frame = source.recv(65536)
            except OSError:       # the interface went down for a moment
                continue
            if wanted in frame:
                self.queue.put(("packet", (time.time(), time.monotonic(), frame)))

    def read_words(self):
        for line in sys.stdin:
            self.queue.put(("word", line.split()))
        self.queue.put(("word", ["quit"]))

    def vetoes(self):
        busy = self.spec.get("busy_file")
        return ["busy: " + busy] if busy and os.path.exists(busy) else []

    # Its life

    def boot(self):
        self.phase, self.docker = "booting", "down"
        self.resumes += 1
        self.up_since = start = time.monotonic()
        self.plan = [(start + share * self.boot_s, stage) for share, stage in BOOT]
        say("boot", resumes=self.resumes)

    def start_agent(self):
        self.agent.connect()
        if not self.real:
            self.next_report = time.monotonic() + REPORT_EVERY

    def reach(self, stage):
        if stage == "network":
            self.card.up()
        elif stage == "agent" and self.with_agent:
            self.start_agent()
        elif stage in ("docker", "containers", "healthy"):
            self.docker = {"docker": "up", "containers": "present", "healthy": "healthy"}[stage]
            if self.real and stage == "docker":
                self.agent.docker_up()
            elif self.agent.ready:
                self.agent.containers()
        elif stage == "sites":
            self.phase = "up"
            say("opening")  # nobody was answered before; of the stage others may know already when it is told
            self.open_sites()
        say("stage", stage=stage)

    def open_sites(self):
        """Those that are to be served now; with the real agent a site is where its containers run."""
        wanted = [s for s in self.spec["sites"] if self.phase == "up" and (not self.real or self.agent.serves(s))]
        for site in [s for s in self.sites if s.spec not in wanted]:
            site.close()
            self.sites.remove(site)
        self.sites += [Site(self, spec) for spec in wanted if spec not in [s.spec for s in self.sites]]

    def _close_sites(self):
        for site in self.sites:
            site.close()
        self.sites = []

    def fall_asleep(self):
        self.plan, self.next_report = [], None
        self.agent.disconnect()
        self._close_sites()
        self.card.down()
        self.phase = "asleep"
        say("asleep")

    def go_down(self, action):
        """Its logind was asked to."""
        say("command", id=None, action=action, payload="")
        self.agent.let_go()
        self.fall_asleep()
        if action in ("poweroff", "reboot"):
            self.agent.shut_down()
        if action == "reboot":
            self.boot()

    def crash(self):
        """Silent at once, without a goodbye."""
        self.plan, self.next_report = [], None
        self.card.down()
        self._close_sites()
        self.agent.abandon()
        self.phase = "asleep"
        say("crashed")

    def handle_packet(self, at, mono, frame):
        say("frame", seen=at, seen_mono=mono, phase=self.phase, hex=frame.hex())
        if self.phase == "asleep" and not self.deaf:
            self.boot()

    def handle_command(self, payload, retained):
        id, action, why = read_command(payload, retained, self.seen, datetime.now(timezone.utc))
        say("command", id=id, action=action, payload=payload.decode("utf-8", "replace")[:500])
        if action is None:
            self.agent.answer(id, "refused", why)
            return
        self.seen.add(id)
        vetoes = self.vetoes()
        if vetoes:
            self.agent.answer(id, "refused", vetoes[0], vetoes)
            return
        self.agent.answer(id, "accepted")
        if self.stubborn:
            return
        self.agent.goodbye()
        self.fall_asleep()
        if action == "reboot":
            self.boot_id = str(uuid.uuid4())
            self.boot()

    def handle_word(self, words):
        def switch(word):
            return word == "on"

        if words[0] == "attach":
            self.listen()
            say("listening")
        elif words[0] == "boot" and self.phase == "asleep":
            self.boot()
        elif words[0] == "crash":
            self.crash()
        elif words[0] in ("deaf", "stubborn", "sick"):
            setattr(self, words[0], switch(words[1]))
            if self.agent.ready:
                self.agent.containers()
        elif words[0] == "hold":
            self.free.clear() if switch(words[1]) else self.free.set()
        elif words[0] in ("suspend", "poweroff", "reboot"):
            if self.phase != "asleep":
                self.go_down(words[0])
        elif words[0] == "docker":
            self.agent.docker_up() if switch(words[1]) else self.agent.engine.close()
        elif words[0] == "remove":
            self.agent.engine.remove(words[1])
        elif words[0] == "slow":
            self.boot_s = float(words[1])
        elif words[0] == "agent":
            self.with_agent = switch(words[1])
            if not self.with_agent:
                self.next_report = None
                self.agent.abandon()
            elif self.phase == "up":
                self.start_agent()
        say("heard", words=words)

    def step(self):
        """Does what is due, then waits for the next thing to happen."""
        while self.plan and self.plan[0][0] <= time.monotonic():
            self.reach(self.plan.pop(0)[1])
        now = time.monotonic()
        if self.next_report is not None and self.next_report <= now:
            self.agent.report()
            self.next_report = now + REPORT_EVERY
        due = [self.plan[0][0]] if self.plan else []
        due += [self.next_report] if self.next_report is not None else []
        try:
            return self.queue.get(timeout=max(0.0, min(due) - now) if due else None)
        except queue.Empty:
            return None

    def run(self):
        threading.Thread(target=self.read_words, daemon=True).start()
        say("started")
        while True:
            kind, what = self.step() or (None, None)
            if kind == "packet":
                self.handle_packet(*what)
            elif kind == "command":
                self.handle_command(*what)
            elif kind == "asked" and self.phase != "asleep":
                self.go_down(what)
            elif kind == "containers":
                self.open_sites()
            elif kind == "word" and what and what[0] == "quit":
                return
            elif kind == "word" and what:
                self.handle_word(what)


    def close(self):
        if self.real:
            self.agent.close()


if __name__ == "__main__":
    simulated = SimServer(json.loads(sys.stdin.readline()))
    try:
        simulated.run()
    finally:
        simulated.close()
