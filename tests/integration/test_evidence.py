"""What counts as life and as ready, on real links and real certificates: cards that answer for sleepers, bridges, dropped
echoes; sites that are slow, dead or ill-certified, each by itself and each named."""

import http.server
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from helpers import command, newest, result, state_of, topic, wait_last, wait_state
from process import Talker, wait_until, went_on
from proxy import KINDS, Proxy
from streams import Client
from world import BROWSER, ROOT, free_port, http_get

MAC = "02:00:5e:20:00:50"
BRIDGE_MAC = "02:11:22:33:44:55"
HERE = Path(__file__).resolve().parent


# A server in a namespace, without an agent.


class Plain(Talker):
    def __init__(self, lan, log, **spec):
        super().__init__(lan.command([sys.executable, "-B", str(HERE / "plain_server.py")]), log)
        self.tell(json.dumps({"mac": MAC, **spec}))
        self.wait("started", 60)
        self.port = lan.attach(self.pid, MAC)
        self.do("attach")

    def do(self, word):
        mark = self.mark()
        self.tell(word)
        self.wait("done", 60, mark)


def plain_world(make_world, server=None, **spec):
    world = make_world(start=False, namespaces=True)
    address = world.lan.address(50)
    config = world.hall.config
    config["servers"] = {"box": {"address": address, "mac": MAC, "sleep": {"via": "none"},
                                 "wake": {"interface": world.lan.interface, "broadcast": world.lan.broadcast, "timeout": "40s"},
                                 **(server or {})}}
    config["domains"] = {"box.localhost": {"server": "box", "upstream": f"http://{address}:8080"}}
    world.hall.write(config)
    world.broker.start()
    world.sims["box"] = Plain(world.lan, world.directory / "box.log", address=address, **spec)
    return world


def start(world):
    world.hall.start()
    bus = world.bus()
    bus.wait_text("hall/status", "online")
    return bus


def visit(world, host="box.localhost"):
    return world.hall.auth("/", host=host, headers=BROWSER).status


def status(bus, server="box"):
    return newest(bus, topic(server, "status"))


def test_the_mac_of_a_bridge_belongs_to_the_server(make_world):
    world = plain_world(make_world, bridge=BRIDGE_MAC)
    bus = start(world)
    wait_state(bus, "box", "off")
    assert visit(world) == 503
    wait_state(bus, "box", "ready")
    wait_until(lambda: visit(world) == 200, 60, "passage")
    assert status(bus)["problem"] is None
    world.sims["box"].do("sleep")
    wait_state(bus, "box", "unreachable", 60)
    world.sims["box"].do("boot")  # by itself: the MAC is known now
    wait_state(bus, "box", "ready")


def test_a_further_mac_is_the_servers_own(make_world):
    world = plain_world(make_world, {"macs": [BRIDGE_MAC]}, bridge=BRIDGE_MAC)
    bus = start(world)
    wait_state(bus, "box", "off")
    world.sims["box"].do("boot")
    wait_state(bus, "box", "ready")


def test_a_site_that_answers_is_enough_without_echoes(make_world):
    world = plain_world(make_world, echoes=False)
    bus = start(world)
    wait_state(bus, "box", "off")
    assert visit(world) == 503
    wait_state(bus, "box", "ready")
    wait_until(lambda: visit(world) == 200, 60, "passage")
    assert status(bus)["problem"] is None


def test_a_card_that_answers_for_a_sleeper_is_no_life(make_world):
    world = plain_world(make_world, card=True)
    bus = start(world)
    wait_state(bus, "box", "off")
    wait_last(bus, topic("box", "power"), "OFF")
    assert visit(world) == 503
    world.sims["box"].wait("woken", 60)
    wait_state(bus, "box", "ready")
    # It says goodbye, as its agent would.
    voice = world.bus(user="hall", topics=[])
    voice.publish("hall/agents/box/state", "online", retain=True)
    wait_until(lambda: status(bus)["evidence"]["agent"] == "online", 60, "the agent's word")
    voice.publish("hall/agents/box/state", "sleeping", retain=True)
    world.sims["box"].do("sleep")
    wait_state(bus, "box", "off", 60)
    wait_last(bus, topic("box", "power"), "OFF")
    id, mark = command(bus, "box", "wake")
    result(bus, "box", id, "done", mark, 60)
    assert len(world.sims["box"].all("woken")) == 2


def awake_plain(world):
    bus = start(world)
    wait_state(bus, "box", "off")
    assert visit(world) == 503
    wait_state(bus, "box", "ready")
    return bus


def states(bus, after):
    return [m.text() for m in bus.heard(topic("box", "state"), after)]


def test_a_bridge_behind_a_card_that_answers_for_the_sleeper(make_world):
    """The card's own MAC has answered; the bridge's is its own all the same, also for a Hall that starts anew."""
    world = plain_world(make_world, card=True, bridge=BRIDGE_MAC)
    bus = awake_plain(world)
    assert status(bus)["problem"] is None
    world.sims["box"].do("sleep")
    wait_state(bus, "box", "unreachable", 60)
    world.hall.kill()
    mark = bus.mark()
    world.hall.start()
    wait_state(bus, "box", "off", 60)
    world.sims["box"].do("boot")  # by itself
    wait_state(bus, "box", "ready", 60)
    assert "address.taken" not in json.dumps([m.json() for m in bus.heard(topic("box", "status"), mark)])


def test_another_card_takes_over_while_the_site_answers(make_world):
    """A bond that fails over, without an agent."""
    world = plain_world(make_world)
    bus = awake_plain(world)
    mark = bus.mark()
    world.sims["box"].do("mac 02:00:5e:20:00:77")
    other = bus.wait(topic("box", "status"), lambda m: m.json()["evidence"]["mac"] == "other", mark, 60)
    bus.wait(topic("box", "status"), lambda m: m.json()["evidence"]["mac"] == "match", bus.messages.index(other), 60)
    assert states(bus, mark) == [] and status(bus)["problem"] is None


@pytest.mark.parametrize("bridge", [None, BRIDGE_MAC], ids=["configured", "learned"])
def test_a_server_that_was_given_another_address_is_found(make_world, bridge):
    """By DHCP: its MAC answers elsewhere, the configured one or one that was learned."""
    world = plain_world(make_world, bridge=bridge)
    bus = awake_plain(world)
    box, address, moved = world.sims["box"], world.lan.address(50), world.lan.address(77)
    interface = "br0" if bridge else "eth0"
    box.do(f"move {moved} {world.lan.gateway} {interface}")
    wait_until(lambda: (status(bus)["problem_fact"] or {}).get("code") == "address.moved", 60, "where it is")
    assert status(bus)["problem_fact"] == {"code": "address.moved", "address": moved}
    assert f"its MAC answers at {moved}" in status(bus)["problem"]
    assert state_of(bus, "box") == "unreachable"
    box.do(f"move {address} {world.lan.gateway} {interface}")
    wait_state(bus, "box", "ready", 60)
    assert status(bus)["problem"] is None


def test_macs_that_change_each_second(make_world):
    world = plain_world(make_world)
    bus = awake_plain(world)
    mark = bus.mark()
    leases = status(bus)["leases"]
    box = world.sims["box"]
    box.do(f"dance 02:00:5e:20:00:77 {MAC}")

    def named():
        problem = status(bus)["problem"] or ""
        return "two machines answer at " in problem and MAC in problem and "02:00:5e:20:00:77" in problem

    wait_until(named, 60, "both MACs in its problem")
    box.do("rest")
    box.do("dance " + " ".join(f"02:00:5e:20:01:{n:02x}" for n in range(20)))
    bus.wait(topic("box", "status"), lambda m: "02:00:5e:20:01:" in (m.json()["problem"] or ""), mark, 60)
    box.do("rest")
    assert states(bus, mark) == []
    assert [lease["kind"] for lease in status(bus)["leases"]] == [lease["kind"] for lease in leases]
    # Only one answers now: half a minute later nothing is wrong with it.
    wait_until(lambda: status(bus)["problem"] is None, 90, "the problem to be gone")
    assert states(bus, mark) == []



class Voice:
    """The agent of the server without one: says what it would, and does what it is told."""

    def __init__(self, world, letters):
        self.world, self.letters = world, letters
        self.bus = world.bus(user="hall", topics=["hall/agents/box/command"])

    def say(self, state):
        self.bus.publish("hall/agents/box/state", state, retain=True)

    def be_there(self):
        self.bus.publish("hall/agents/box/report", {"schema": 1, "wol": {"interface": "eth0", "armed": True, "letters": self.letters}},
                         retain=True)
        self.say("online")

    def obey(self, mark):
        """The next command that it hears puts its server to sleep."""
        order = self.bus.wait("hall/agents/box/command", None, mark, 60).json()
        self.bus.publish("hall/agents/box/result", {"id": order["id"], "outcome": "accepted"})
        self.say("sleeping")
        self.world.sims["box"].do("sleep")


def test_an_echo_ends_no_packets_beside_an_agent_that_nobody_heard(make_world):
    """It has no site, and its card answers for it while it sleeps."""
    world = plain_world(make_world, {"checks": [{"ping": {}}, {"agent": {}}], "sleep": {"via": "agent"}}, card=True)
    del world.hall.config["domains"]["box.localhost"]["upstream"]
    world.hall.write(world.hall.config)
    bus = start(world)
    wait_state(bus, "box", "booting")
    id, mark = command(bus, "box", "wake")
    assert world.sims["box"].wait("woken", 60)["magic"] is True
    Voice(world, "g").be_there()
    result(bus, "box", id, "done", mark, 60)
    wait_state(bus, "box", "ready")


def put_to_sleep(voice, bus):
    mark = voice.bus.mark()
    id, _ = command(bus, "box", "sleep", force=True)
    voice.obey(mark)
    return id


@pytest.mark.parametrize("seen", [False, True], ids=["before its silence is seen", "after"])
def test_a_card_that_any_packet_wakes_is_left_alone(make_world, seen):
    world = plain_world(make_world, {"sleep": {"via": "agent"}}, unicast=True)
    # The kernel would ask by itself whether its neighbour is still there, with packets of the same kind.
    Path(f"/proc/sys/net/ipv4/neigh/{world.lan.bridge}/base_reachable_time_ms").write_text("600000\n", encoding="ascii")
    voice = Voice(world, "ug")
    box = world.sims["box"]
    bus = awake_plain(world)
    voice.be_there()
    wait_until(lambda: status(bus)["evidence"]["agent"] == "online", 60, "the agent's word")
    for _ in range(2):  # Hall's own checks wake it
        assert "wol.roused" not in json.dumps(status(bus))
        if seen:
            box.do("wait")
        woken, mark = box.mark(), bus.mark()
        put_to_sleep(voice, bus)
        if seen:
            bus.wait_text(topic("box", "state"), "off", mark, 60)
            box.do("go")
        assert box.wait("woken", 60, woken)["magic"] is False
        voice.be_there()
        bus.wait_text(topic("box", "state"), "ready", mark, 60)
    wait_until(lambda: (status(bus)["problem_fact"] or {}).get("code") == "wol.roused", 60, "its problem")
    assert status(bus)["problem_fact"] == {"code": "wol.roused", "times": 2, "letters": "ug"}
    assert "Hall's own checks may wake it" in status(bus)["problem"]
    # From now on it is asked nothing while it sleeps.
    woken, mark = box.mark(), bus.mark()
    id = put_to_sleep(voice, bus)
    result(bus, "box", id, "done", mark, 60)
    wait_state(bus, "box", "off")  # an answer goes ahead of the state
    assert len(box.all("woken")) == 3
    assert visit(world) == 503
    assert box.wait("woken", 60, woken)["magic"] is True
    voice.be_there()
    bus.wait_text(topic("box", "state"), "ready", mark, 60)
    # Its owner cuts the letters.
    voice.letters = "g"
    voice.be_there()
    wait_until(lambda: status(bus)["problem"] is None, 60, "the problem to be gone")


# How soon a crash is seen. The limits are those promised, and what a loaded machine may take beside.

LOADED = 2.0


def pulled(world, bus, also=lambda: None):
    """Seconds from when the cable is pulled until that is shown, without those in which this machine stood still."""
    mark = bus.mark()
    began = went_on()
    world.lan.cable(world.sims["box"].port, False)
    also()
    bus.wait_text(topic("box", "state"), "unreachable", mark, 60)
    return went_on() - began


def settle_pace(bus):
    """The close watch of after a wake is over once the site has answered."""
    wait_until(lambda: status(bus)["evidence"]["checks"] and status(bus)["wake"] is None, 60, "the end of the wake")


def test_a_crash_is_seen_by_probes_within_5_s(make_world):
    world = plain_world(make_world)
    bus = awake_plain(world)
    settle_pace(bus)
    assert pulled(world, bus) < 5 + LOADED


def test_a_crash_that_its_agents_last_will_tells_is_seen_within_2_s(make_world):
    world = plain_world(make_world)
    bus = awake_plain(world)
    voice = world.bus(user="hall", topics=[])
    voice.publish("hall/agents/box/state", "online", retain=True)
    wait_until(lambda: status(bus)["evidence"]["agent"] == "online", 60, "the agent's word")
    took = pulled(world, bus, lambda: voice.publish("hall/agents/box/state", "offline", retain=True))
    assert took < 2 + LOADED / 2


class Stream:
    """One that goes on from here, until it is cut."""

    def __init__(self, address, path):
        self.client = Client(address, 8080, path)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            while not self.over.wait(0.1 if self.client.path == "/upload" else 0):
                self.client.move()
        except (OSError, AssertionError):
            pass

    def close(self):
        self.over.set()
        self.client.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.client.close()


@pytest.mark.parametrize("path", ["/download", "/upload"])
def test_a_crash_that_an_open_stream_tells_is_seen_within_2_s(make_world, path):
    world = plain_world(make_world, {"sleep": {"via": "agent"}})
    bus = awake_plain(world)
    stream = Stream(world.lan.address(50), path)
    try:
        wait_until(lambda: any(lease["kind"] == "stream" for lease in status(bus)["leases"]), 60, "its lease")
        settle_pace(bus)
        assert pulled(world, bus) < 2 + LOADED / 2
    finally:
        stream.close()


def test_a_stream_that_pauses_is_no_crash(make_world):
    """Its bytes stop, the machine is there: the checks hurry, and find it."""
    world = plain_world(make_world, {"sleep": {"via": "agent"}})
    bus = awake_plain(world)
    stream = Stream(world.lan.address(50), "/download")
    try:
        wait_until(lambda: any(lease["kind"] == "stream" for lease in status(bus)["leases"]), 60, "its lease")
        mark, asked = bus.mark(), world.sims["box"].mark()
        world.sims["box"].do("pause")
        wait_until(lambda: world.sims["box"].events[asked:].count({"event": "asked"}) >= 8, 60, "many questions")
        assert states(bus, mark) == []
    finally:
        stream.close()


@pytest.mark.parametrize("others", [True, False], ids=["beside-echoes", "alone"])
def test_a_question_that_is_open_at_the_crash_does_not_hide_it(make_world, others):
    """The site was asked and would have had 15 s: what else falls silent tells, or the question's own connection."""
    world = plain_world(make_world, echoes=others)
    bus = awake_plain(world)
    box = world.sims["box"]
    box.do("slow 13")
    mark = box.mark()
    box.wait("asked", 60, mark)
    assert pulled(world, bus) < 5 + LOADED


# Sites on this machine.


def site(delay=0.0, status_code=200, certificate=None):
    """A page that takes so long, and longer while it is not free; counts what is asked at once."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            with server.counting:
                server.open += 1
                server.most = max(server.most, server.open)
                server.asked += 1
            threading.Event().wait(delay)
            server.free.wait()
            with server.counting:
                server.open -= 1
            try:
                self.send_response(status_code)
                self.send_header("Content-Length", "3")
                self.end_headers()
                self.wfile.write(b"ok\n")
            except OSError:
                server.abandoned += 1

        def log_message(self, *words):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Page)
    server.open = server.most = server.asked = server.abandoned = 0
    server.counting, server.free = threading.Lock(), threading.Event()
    server.free.set()
    if certificate:
        import ssl
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


@pytest.fixture
def sites():
    made = []

    def make(**words):
        made.append(site(**words))
        return made[-1]

    yield make
    for server in made:
        server.shutdown()
        server.server_close()


def certificate(directory, name, host):
    key, crt = directory / f"{name}.key", directory / f"{name}.crt"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={host}",
                    "-addext", f"subjectAltName=DNS:{host}", "-keyout", key, "-out", crt], check=True, capture_output=True)
    return crt, key


def local_world(make_world, domains, checks=True):
    """One server on loopback that is there as long as the broker is, with these domains."""
    world = make_world(start=False, namespaces=False)
    config = world.hall.config
    config["servers"] = {"box": {"address": "127.0.0.1", "mac": MAC, "sleep": {"via": "none"},
                                 "wake": {"timeout": "30s", "broadcast": "127.255.255.255", "port": world.lan.wol_port},
                                 **({"checks": [{"tcp": {"port": world.broker.port}}]} if checks else {})}}
    config["domains"] = {host: {"server": "box", **domain} for host, domain in domains.items()}
    world.hall.write(config)
    world.broker.start()
    return world


def url(server, scheme="http"):
    return f"{scheme}://127.0.0.1:{server.server_address[1]}"


def page_status(world, host):
    return world.hall.get("/.hall/status?path=/", {"Host": host, "Accept-Language": "en"}).json()


def hallctl(world, *words):
    path = ROOT / os.environ.get("HALL_BUILD", "build") / "bin" / "hallctl"
    env = {**os.environ, "HALL_MQTT_PASSWORD": world.broker.passwords["operator"]}
    return subprocess.run([path, *words], capture_output=True, text=True, timeout=40, check=False, env=env).stdout


def test_slow_sites_are_waited_for_and_asked_once_at_a_time(make_world, sites):
    slow = {f"s{delay}.localhost": sites(delay=delay) for delay in (0, 4, 9)}
    world = local_world(make_world, {host: {"upstream": url(s)} for host, s in slow.items()})
    slow["s9.localhost"].free.clear()
    began = time.monotonic()
    start(world)
    assert wait_until(lambda: visit(world, "s0.localhost") == 200, 60, "the fast site")
    assert visit(world, "s9.localhost") == 503, "nobody waits for the slow ones"
    slow["s9.localhost"].free.set()
    for host in ("s4.localhost", "s9.localhost"):
        wait_until(lambda host=host: visit(world, host) == 200, 60, host)
    assert [s.most for s in slow.values()] == [1, 1, 1], "one question at a time"
    assert not any(s.abandoned for s in slow.values())
    took = time.monotonic() - began
    assert all(slow[f"s{delay}.localhost"].asked <= 1 + took / delay for delay in (4, 9))


def test_a_site_too_slow_is_named_with_its_time(make_world, sites):
    slow = sites(delay=6)
    world = local_world(make_world, {f"{name}.localhost": {"upstream": url(slow), "timeout": "1s"} for name in ("slow", "twin")})
    bus = start(world)
    wait_until(lambda: "no answer within 1 s" in (status(bus)["problem"] or ""), 60, "its problem")
    assert re.match(r"site (slow|twin)\.localhost: ", status(bus)["problem"])
    assert visit(world, "slow.localhost") == 503
    wait_until(lambda: slow.asked >= 3, 60, "it is asked again")
    assert slow.most == 1 and slow.abandoned == 0, "it may take its time, and has one question at a time from both domains"


def test_one_dead_or_ill_certified_site_closes_no_other(make_world, sites, tmp_path):
    """None of the owner's checks: any site that answers makes the server ready, and what fails is named everywhere."""
    own = certificate(tmp_path, "own", "pve")
    hosts = {
        "good": {"upstream": url(sites())},
        "self": {"upstream": url(sites(certificate=own), "https")},
        "off": {"upstream": url(sites(certificate=own), "https"), "tls": {"verify": False}},
        "named": {"upstream": url(sites(certificate=own), "https"), "tls": {"ca": str(own[0]), "name": "pve"}},
        "other": {"upstream": url(sites(certificate=own), "https"), "tls": {"ca": str(own[0])}},
        "dead": {"upstream": f"http://127.0.0.1:{free_port()}"},
        "ill": {"upstream": url(sites(status_code=500))},
    }
    domains = {f"{name}.localhost": domain for name, domain in hosts.items()}
    domains["good.localhost"]["projects"] = {"part": {"upstream": url(sites(certificate=own), "https")}}
    world = local_world(make_world, domains, checks=False)
    bus = start(world)
    wait_state(bus, "box", "ready")
    for name in ("good", "off", "named"):
        wait_until(lambda name=name: visit(world, f"{name}.localhost") == 200, 60, name)

    faults = {"self.localhost": "certificate.self_signed", "other.localhost": "certificate.wrong_name",
              "dead.localhost": "refused", "ill.localhost": "status", "part": "certificate.self_signed"}

    def named():
        return {c["site"]: c["fault"] for c in status(bus)["evidence"]["checks"] if c["fault"]} == faults

    wait_until(named, 60, "every failing check by its fault")
    assert [c["number"] for c in status(bus)["evidence"]["checks"] if c["site"] == "ill.localhost"] == [500]
    assert status(bus)["problem"].split(":")[0] in {f"site {host}" for host in faults}
    wait_until(lambda: "self-signed" in (newest(bus, "hall/projects/part/status")["problem"] or ""), 60, "the project's")
    for host, words in {"self.localhost": "self-signed", "other.localhost": "name mismatch", "dead.localhost": "refused",
                        "ill.localhost": "500"}.items():
        assert visit(world, host) == 503
        assert words in page_status(world, host)["message"]
        assert words in world.hall.auth("/", host=host, headers=BROWSER).text()
        assert f"site {host}: " in world.hall.log_text()
    french = world.hall.get("/.hall/status?path=/", {"Host": "self.localhost", "Accept-Language": "fr"}).json()
    assert "auto-signé" in french["message"]

    why = hallctl(world, "why", "box", "--broker", f"mqtt://127.0.0.1:{world.broker.port}", "--user", "operator")
    assert "self-signed" in why and "connection refused" in why, why
    ping = hallctl(world, "ping", "box", "--config", str(world.hall.file))
    assert "self-signed" in ping and "connection refused" in ping and "HTTP 500" in ping, ping


def test_proxies_reach_a_self_signed_site_as_hall_does(make_world, sites, tmp_path):
    own = certificate(tmp_path, "own", "pve")
    other = certificate(tmp_path, "other", "pve")
    domains = {
        "named.localhost": {"upstream": url(sites(certificate=own), "https"), "tls": {"ca": str(own[0]), "name": "pve"}},
        "off.localhost": {"upstream": url(sites(certificate=own), "https"), "tls": {"verify": False}},
    }
    world = local_world(make_world, domains)
    bus = start(world)
    wait_state(bus, "box", "ready")
    path = ROOT / os.environ.get("HALL_BUILD", "build") / "bin" / "hallctl"
    for kind in KINDS:
        proxy = Proxy(kind, tmp_path / kind, path, world.hall.file, free_port()).start()
        try:
            for host in domains:
                wait_until(lambda host=host: visit(world, host) == 200, 60, host)
                answer = http_get("127.0.0.1", proxy.port, "/", BROWSER, host=host)
                assert (answer.status, answer.body) == (200, b"ok\n"), (kind, host, answer)
        finally:
            proxy.process.stop()
    # And refuses what Hall refuses: the certificate of another machine.
    domains["named.localhost"]["tls"]["ca"] = str(other[0])
    config = world.hall.config
    config["domains"] = {host: {"server": "box", **domain} for host, domain in domains.items()}
    world.hall.write(config)
    for kind in KINDS:
        proxy = Proxy(kind, tmp_path / f"{kind}-refuses", path, world.hall.file, free_port()).start()
        try:  # Hall has not read it: it lets in, and the proxy itself does not trust. Traefik keeps its status.
            refused = http_get("127.0.0.1", proxy.port, "/", BROWSER, host="named.localhost")
            assert refused.status in (502, 503, 500) and b"ok" != refused.body.strip(), (kind, refused)
            assert http_get("127.0.0.1", proxy.port, "/", BROWSER, host="off.localhost").body == b"ok\n", kind
        finally:
            proxy.process.stop()


def test_a_server_whose_only_site_is_ill_certified_says_so(make_world, sites, tmp_path):
    world = local_world(make_world, {"self.localhost": {"upstream": url(sites(certificate=certificate(tmp_path, "own", "pve")), "https")}})
    bus = start(world)
    wait_until(lambda: "self-signed" in (status(bus)["problem"] or ""), 60, "its problem")
    assert state_of(bus, "box") == "ready", "the owner's own check passes"
    assert visit(world, "self.localhost") == 503
