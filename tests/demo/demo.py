#!/usr/bin/python3
"""The demo: a private broker, Hall, and two servers that really sleep until a magic packet comes.
With --once it plays one whole cycle without a person and says what happened when."""

import argparse
import copy
import fcntl
import os
import re
import secrets
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from urllib.parse import quote, urlsplit

sys.dont_write_bytecode = True

import away  # noqa: E402
import history  # noqa: E402
from process import wait_until  # noqa: E402
from proxy import KINDS, beside, through  # noqa: E402
from world import BROWSER, ROOT, SERVERS, World, http_get  # noqa: E402

DOWNLOAD_S = 9  # longer than the idle time of --once


class Ended(Exception):
    """A signal asked us to end."""


def end_on_signals():
    def handler(number, _frame):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Ended(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handler)


class Timeline:
    """Prints what happens, with the time since the start, in the order in which it is told."""

    def __init__(self):
        self.start = time.monotonic()
        self.lock = threading.Lock()

    def restart(self):
        self.start = time.monotonic()

    def line(self, what, text, at=None):
        since = (at if at is not None else time.monotonic()) - self.start
        with self.lock:
            print(f"{since:8.3f} s  {what:<15} {text}", flush=True)


def describe(event):
    """One line of an event of the bus."""
    text = event.get("detail") or ""
    kind = event.get("stage") or event["event_type"]
    return f"{kind}{': ' + text if text and text != kind else ''}"


def event_of(message):
    """(server, event) of a message that tells an event just now, else None."""
    found = re.fullmatch(r"hall/servers/([^/]+)/event", message.topic)
    if not found or message.retained:
        return None
    try:
        return found.group(1), message.json()
    except ValueError:
        return None


def is_echo_of_packet(event):
    """The stage that says once more that a packet was sent."""
    return event["event_type"] == "stage" and event["stage"] == "packet_sent"


# What the player says of the events on the bus: a short name and a sentence.
WORDS = {
    "wake_requested": ("wake", "Hall wakes testing: {detail}"),
    "packet_sent": ("packet", "Hall sent {detail}"),
    "first_sign": ("first sign", "testing answers for the first time"),
    "agent_online": ("agent", "its agent is on the bus"),
    "docker_up": ("Docker", "the agent reports that Docker is up"),
    "container_present": ("containers", "the containers of client1 are there"),
    "container_healthy": ("healthy", "the containers of client1 are healthy"),
    "site_answers": ("site", "client1 answers"),
    "ready": ("ready", "{detail}"),
    "sleep_requested": ("idle", "nobody needs testing any more: {detail}"),
    "asleep": ("asleep", "{detail}"),
}


class Step(Exception):
    """A step of the cycle that did not happen."""


class Player:
    """One whole cycle of the server `testing`, as a visitor and a bystander see it."""

    def __init__(self, world, timeline):
        self.world, self.timeline = world, timeline
        self.bus = world.bus(hear=self.hear)
        self.sim = world.sims["testing"]
        self.url = f"http://{world.described['testing']['domain']}:{world.hall.gateway[1]}/client1/welcome?from=demo"

    def get(self, path, headers=None):
        return self.world.hall.get(path, headers, host=urlsplit(self.url).netloc)

    def visit(self):
        parts = urlsplit(self.url)
        return self.get(f"{parts.path}?{parts.query}", BROWSER)

    def expect(self, step, limit, wait):
        try:
            return wait(limit)
        except (AssertionError, OSError) as error:
            raise Step(f"{step}: not within {limit} s\n  {error}") from error

    def event(self, kind, limit, after, **wanted):
        topic = "hall/servers/testing/event"
        return self.expect(f"event {kind} {wanted or ''}".strip(), limit,
                           lambda s: self.bus.wait_json(topic, after, s, event_type=kind, **wanted))

    def state(self, state, limit, after=0):
        topic = "hall/servers/testing/state"
        return self.expect(f"state {state}", limit, lambda s: self.bus.wait_text(topic, state, after, s))

    def hear(self, message):
        """Tells the events of the bus as they come."""
        told = event_of(message)
        if not told or told[0] != "testing":
            return
        event = told[1]
        if is_echo_of_packet(event):
            return
        kind = event.get("stage") or event["event_type"]
        what, text = WORDS.get(kind, (kind, "{detail}"))
        self.timeline.line(what, text.format(detail=event.get("detail") or ""), message.at)

    def asleep_first(self):
        self.state("off", 60)
        self.timeline.restart()
        self.timeline.line("asleep", "testing is off, nothing answers at its address")

    def visited(self):
        self.timeline.line("visit", f"a browser asks for {self.url}")
        answer = self.visit()
        if answer.status != 503 or b"<html" not in answer.body.lower():
            raise Step(f"visit: the waiting page was expected, not {answer}")
        self.timeline.line("waiting page", f"{answer.status}, {len(answer.body)} bytes")

    def woken(self, after):
        frame = self.expect("magic packet at the server", 60, lambda s: self.sim.wait("frame", s))
        self.timeline.line("packet seen", f"by testing: {len(frame['hex']) // 2} bytes with its MAC", frame["seen_mono"])
        for stage in ("first_sign", "agent_online", "docker_up", "container_present", "container_healthy",
                      "site_answers"):
            self.event("stage", 60, after, stage=stage)
        self.event("ready", 60, after)
        self.state("ready", 60, after)

    def told_to_go(self):
        """What the waiting page asks, until it is told where to go."""
        parts = urlsplit(self.url)
        path = f"/.hall/status?path={quote(parts.path + '?' + parts.query, safe='/')}"
        return self.expect("the status says where to go", 60, lambda s: wait_until(
            lambda: self.get(path).json()["redirect"], s, "redirect"))

    def redirected(self):
        self.told_to_go()
        answer = self.visit()
        where = answer.headers.get("Location", "")
        if answer.status not in (302, 303, 307) or not where:
            raise Step(f"redirect: expected after ready, not {answer}")
        parts = urlsplit(where)
        self.site = where
        site = http_get(parts.hostname, parts.port or 80, f"{parts.path}?{parts.query}", BROWSER)
        if site.status != 200 or b"This is the site itself" not in site.body or b"/client1/welcome" not in site.body:
            raise Step(f"redirect: {where} is not the site asked for: {site}")
        self.timeline.line("redirect", f"{answer.status} to {where}: 200, the site itself")

    def downloaded(self):
        """A download that takes longer than the idle time: the server must not sleep under it. The mark before it."""
        mark, began = self.bus.mark(), time.monotonic()
        self.timeline.line("download", f"of {DOWNLOAD_S} s begins; without visitors testing sleeps after {self.world.idle}")
        answer = self.expect("download", DOWNLOAD_S + 20, lambda s: self.fetch(f"/client1/download?seconds={DOWNLOAD_S}", s))
        ended = time.monotonic()
        took = ended - began
        if answer.status != 200 or len(answer.body) != int(answer.headers["Content-Length"]) or took < DOWNLOAD_S:
            raise Step(f"download: {answer.status}, {len(answer.body)} bytes in {took:.1f} s")
        ends = [m.json() for m in self.bus.heard("hall/servers/testing/event", mark)
                if m.json()["event_type"] == "sleep_requested" and m.at < ended]
        if ends:
            raise Step(f"download: testing was sent to sleep under it: {ends}")
        self.timeline.line("download", f"{len(answer.body)} bytes came in {took:.1f} s, and testing stayed awake")
        return mark

    def fetch(self, path, limit):
        """From where the page led: the site itself."""
        where = urlsplit(self.site)
        return http_get(where.hostname, where.port or 80, path, {"Accept": "*/*"}, timeout=limit)

    def put_to_sleep(self, after):
        self.event("sleep_requested", 60, after)
        command = self.expect("sleep command at the agent", 60,
                              lambda s: self.sim.wait("command", s, where=lambda e: e["action"] == "suspend"))
        self.timeline.line("sleep command", f"agent was told to {command['action']}, and agreed", command["mono"])
        self.event("asleep", 60, after)
        self.state("off", 60, after)

    def play(self):
        self.asleep_first()
        mark = self.bus.mark()
        self.visited()
        self.woken(mark)
        self.redirected()
        self.put_to_sleep(self.downloaded())


def play_once(world, proxy):
    timeline = Timeline()
    try:
        (through(Player, proxy) if proxy else Player)(world, timeline).play()
    except Step as missing:
        print(f"\nThe cycle is not complete. {missing}\n\nThe end of {world.hall.log}:")
        print(world.hall.process.log_tail(25))
        return 1
    print("\nThe whole cycle happened.")
    return 0


def explain(world, proxy, lan):
    port = proxy.port if proxy else world.hall.gateway[1]
    admin = world.hall.admin[1]
    front = f", behind {proxy.kind} at port {port}" if proxy else ""
    broker, password = world.broker, world.broker.passwords["operator"]
    at = f"-h 127.0.0.1 -p {broker.port} -u operator -P {password}"
    where = "network namespaces, on the bridge " + world.lan.bridge if world.lan.namespaces else "loopback"
    site = f"http://{world.described['testing']['domain']}:{port}"
    print(f"""
Hall is running{front}, with two simulated servers in {where}. Both are asleep.

The dashboard, with the password {world.hall.secrets["ADMIN_PASSWORD"]}
  http://{lan.address if lan else "127.0.0.1"}:{lan.port if lan else admin}/

The sites:
  {site}/client1      project client1 on the server testing
  {site}/client2      project client2 on the same server
  http://erp.localhost:{world.hall.gateway[1] if lan else port}/               the server erp{", from this machine alone" if lan else ""}

Watch and steer it from a shell:
  export HALL_MQTT_URL=mqtt://127.0.0.1:{broker.port} HALL_MQTT_USERNAME=operator HALL_MQTT_PASSWORD={password}
  build/bin/hallctl status
  build/bin/hallctl wake testing --wait

Or over MQTT with any client:
  mosquitto_sub {at} -v -t 'hall/#'
  mosquitto_pub {at} -t hall/servers/erp/command -m wake
  mosquitto_pub {at} -t hall/servers/erp/command -m sleep

A server goes to sleep {world.idle} after its last visitor. While this file exists, testing refuses to:
  {world.directory / 'testing.busy'}

Files and logs: {world.directory}
Ctrl-C ends everything.
""")
    if lan:
        print(lan.who(port))
    elif line := away.ssh_line([port, admin]):
        print(f"You came here through ssh. On the machine with the browser, type this first and leave it open:\n  {line}\n"
              "Or end the demo and start it with --lan.\n")
    print(f"Now open {site}/client1", flush=True)


def follow(world, proxy):
    """Prints what happens until a signal comes or a part dies."""
    def tell(message):
        told = event_of(message)
        if told and not is_echo_of_packet(told[1]):
            print(f"{time.strftime('%H:%M:%S')}  {told[0]:<8} {describe(told[1])}", flush=True)

    world.bus(hear=tell)
    parts = {"hall": world.hall.process, "mosquitto": world.broker.process,
             **{id: sim.talker for id, sim in world.sims.items()}}
    if proxy:
        parts[proxy.kind] = proxy.process
    while True:
        for name, process in parts.items():
            if not process.alive():
                print(f"{name} ended with status {process.popen.returncode}. The end of {process.log}:")
                print(process.log_tail(20))
                return 1
        time.sleep(0.5)


def give_past(world, days):
    """Hall makes its store, and is away while a past is written into it."""
    world.hall.start()
    store = Path(world.hall.config["store"]["path"])
    wait_until(store.exists, 10, "Hall's store")
    world.hall.stop()
    history.fill(store, world.described, days)


def take(directory):
    """(where to keep files, a lock to hold): the directory, or one beside it while another demo runs there."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    lock = open(directory.with_name(f"{directory.name}.lock"), "w", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        directory = directory.with_name(f"{directory.name}-{os.getpid()}")
    return directory, lock


def described(lan):
    """The demo's servers; on the LAN `testing` is asked for by the address, which needs no name server."""
    servers = copy.deepcopy(SERVERS)
    if lan:
        servers["testing"]["domain"] = lan.address
    return servers


def wanted_ports(once, lan):
    """Through ssh the proxy has the gateway's usual port, as it has on the LAN at another address."""
    if once:
        return None
    return {"broker": 1883, "gateway": 8880 if lan or not away.through_ssh() else 0, "admin": 8881}


def run(arguments):
    directory, _lock = take(Path(arguments.directory))
    shutil.rmtree(directory, ignore_errors=True)
    once = arguments.once
    lan = away.find(arguments.lan) if arguments.lan is not None else None
    is_away = lan or (away.through_ssh() and not once)
    kind = arguments.proxy or ("nginx" if is_away else None)
    world = World(
        arguments.hall, directory, described(lan),
        namespaces=False if arguments.no_namespaces else None,
        boot_s=arguments.boot if arguments.boot is not None else (3.0 if once else 8.0),
        idle="5s" if once else "2m",
        min_up="2s" if once else "30s",
        wanted_ports=wanted_ports(once, lan),
        agent=Path(arguments.hall).with_name("hall-agent"),
    )
    proxy = None
    try:
        if not world.lan.namespaces:
            print("The simulated servers live on loopback (network namespaces need root, and to be permitted).")
        world.hall.secrets["ADMIN_PASSWORD"] = secrets.token_urlsafe(6)
        if lan:
            lan.open_dashboard(world.hall)
        if arguments.history:
            give_past(world, arguments.history)
        world.start()
        if kind:
            wanted = 0 if once else 8880 if is_away else 8080
            proxy = beside(kind, world, arguments.hall, lan.address if lan else "127.0.0.1", wanted)
        if once:
            return play_once(world, proxy)
        explain(world, proxy, lan)
        return follow(world, proxy)
    finally:
        if proxy:
            proxy.stop()
        world.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hall", default=str(ROOT / "build" / "bin" / "hall"), help="the daemon to run")
    parser.add_argument("--directory", default=str(ROOT / "build" / "demo"), help="for files and logs; emptied first")
    parser.add_argument("--once", action="store_true", help="play one whole cycle, then end")
    parser.add_argument("--no-namespaces", action="store_true", help="keep the simulated servers on loopback")
    parser.add_argument("--history", type=int, nargs="?", const=1, metavar="DAYS", help="as if it had run for a day, or so many")
    parser.add_argument("--proxy", choices=KINDS, help="put this reverse proxy in front")
    parser.add_argument("--lan", nargs="?", const="", metavar="ADDRESS", help="open to the network of this machine's address")
    parser.add_argument("--boot", type=float, help="seconds a server takes to boot")
    arguments = parser.parse_args()
    end_on_signals()
    try:
        return run(arguments)
    except Ended as ended:
        print("\nEnded.")
        return 0 if not arguments.once else 128 + int(ended.args[0])
    except OSError as error:
        print(f"The demo does not start: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
