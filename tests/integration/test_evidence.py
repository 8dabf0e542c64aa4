"""What counts as life and as ready, on real links and real certificates: cards that answer for sleepers, bridges, dropped
echoes; sites that are slow, dead or ill-certified, each by itself and each named."""

import http.server
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from helpers import command, result, state_of, topic, wait_state
from process import Talker, wait_until
from proxy import Proxy
from world import BROWSER, ROOT, free_port, http_get

MAC = "02:00:5e:20:00:50"
BRIDGE_MAC = "02:11:22:33:44:55"
HERE = Path(__file__).resolve().parent


# A server in a namespace, without an agent.


@pytest.fixture
def echoes():
    """Hall may send echoes: a setting of this network namespace, put back at the end."""
    setting = Path("/proc/sys/net/ipv4/ping_group_range")
    before = setting.read_text(encoding="ascii")
    setting.write_text("0 2147483647\n", encoding="ascii")
    yield
    setting.write_text(before, encoding="ascii")


class Plain(Talker):
    def __init__(self, lan, log, **spec):
        super().__init__(lan.command([sys.executable, "-B", str(HERE / "plain_server.py")]), log)
        self.tell(json.dumps({"mac": MAC, **spec}))
        self.wait("started", 10)
        lan.attach(self.pid, MAC)
        self.do("attach")

    def do(self, word):
        mark = self.mark()
        self.tell(word)
        self.wait("done", 10, mark)


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
    return bus.last(topic(server, "status")).json()


def test_the_mac_of_a_bridge_belongs_to_the_server(make_world, echoes):
    world = plain_world(make_world, bridge=BRIDGE_MAC)
    bus = start(world)
    wait_state(bus, "box", "off")
    assert visit(world) == 503
    wait_state(bus, "box", "ready")
    wait_until(lambda: visit(world) == 200, 15, "passage")
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


def test_a_site_that_answers_is_enough_without_echoes(make_world, echoes):
    world = plain_world(make_world, echoes=False)
    bus = start(world)
    wait_state(bus, "box", "off")
    assert visit(world) == 503
    wait_state(bus, "box", "ready")
    wait_until(lambda: visit(world) == 200, 15, "passage")
    assert status(bus)["problem"] is None


def test_a_card_that_answers_for_a_sleeper_is_no_life(make_world, echoes):
    world = plain_world(make_world, card=True)
    bus = start(world)
    wait_state(bus, "box", "off")
    assert bus.last(topic("box", "power")).text() == "OFF"
    assert visit(world) == 503
    world.sims["box"].wait("woken", 15)
    wait_state(bus, "box", "ready")
    # It says goodbye, as its agent would.
    voice = world.bus(user="hall", topics=[])
    voice.publish("hall/agents/box/state", "online", retain=True)
    wait_until(lambda: status(bus)["evidence"]["agent"] == "online", 15, "the agent's word")
    voice.publish("hall/agents/box/state", "sleeping", retain=True)
    world.sims["box"].do("sleep")
    wait_state(bus, "box", "off", 20)
    assert bus.last(topic("box", "power")).text() == "OFF"
    id, mark = command(bus, "box", "wake")
    result(bus, "box", id, "done", mark, 20)
    assert len(world.sims["box"].all("woken")) == 2


# Sites on this machine.


def site(delay=0.0, status_code=200, certificate=None):
    """A page that takes so long; counts what is asked at once."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            server.open += 1
            server.most = max(server.most, server.open)
            server.asked += 1
            threading.Event().wait(delay)
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
    start(world)
    assert wait_until(lambda: visit(world, "s0.localhost") == 200, 15, "the fast site")
    assert visit(world, "s9.localhost") == 503, "nobody waits for the slow ones"
    for host in ("s4.localhost", "s9.localhost"):
        wait_until(lambda host=host: visit(world, host) == 200, 20, host)
    assert [s.most for s in slow.values()] == [1, 1, 1], "one question at a time"
    assert not any(s.abandoned for s in slow.values())
    assert slow["s4.localhost"].asked <= 3 and slow["s9.localhost"].asked <= 2


def test_a_site_too_slow_is_named_with_its_time(make_world, sites):
    slow = sites(delay=6)
    world = local_world(make_world, {"slow.localhost": {"upstream": url(slow), "timeout": "1s"}})
    bus = start(world)
    wait_until(lambda: "no answer within 1 s" in (status(bus)["problem"] or ""), 20, "its problem")
    assert status(bus)["problem"].startswith("site slow.localhost: ")
    assert visit(world, "slow.localhost") == 503


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
        wait_until(lambda name=name: visit(world, f"{name}.localhost") == 200, 5, name)

    faults = {"self.localhost": "certificate.self_signed", "other.localhost": "certificate.wrong_name",
              "dead.localhost": "refused", "ill.localhost": "status", "part": "certificate.self_signed"}

    def named():
        return {c["site"]: c["fault"] for c in status(bus)["evidence"]["checks"] if c["fault"]} == faults

    wait_until(named, 30, "every failing check by its fault")
    assert [c["number"] for c in status(bus)["evidence"]["checks"] if c["site"] == "ill.localhost"] == [500]
    assert status(bus)["problem"].split(":")[0] in {f"site {host}" for host in faults}
    wait_until(lambda: "self-signed" in (bus.last("hall/projects/part/status").json()["problem"] or ""), 15, "the project's")
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


def test_nginx_reaches_a_self_signed_site_as_hall_does(make_world, sites, tmp_path):
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
    for kind in ("nginx", "caddy"):
        proxy = Proxy(kind, tmp_path / kind, path, world.hall.file, free_port()).start()
        try:
            for host in domains:
                wait_until(lambda host=host: visit(world, host) == 200, 5, host)
                answer = http_get("127.0.0.1", proxy.port, "/", BROWSER, host=host)
                assert (answer.status, answer.body) == (200, b"ok\n"), (kind, host, answer)
        finally:
            proxy.process.stop()
    # And refuses what Hall refuses: the certificate of another machine.
    domains["named.localhost"]["tls"]["ca"] = str(other[0])
    config = world.hall.config
    config["domains"] = {host: {"server": "box", **domain} for host, domain in domains.items()}
    world.hall.write(config)
    proxy = Proxy("nginx", tmp_path / "refuses", path, world.hall.file, free_port()).start()
    try:  # Hall has not read it: it lets in, and nginx itself does not trust
        assert http_get("127.0.0.1", proxy.port, "/", BROWSER, host="named.localhost").status == 503
    finally:
        proxy.process.stop()


def test_a_server_whose_only_site_is_ill_certified_says_so(make_world, sites, tmp_path):
    world = local_world(make_world, {"self.localhost": {"upstream": url(sites(certificate=certificate(tmp_path, "own", "pve")), "https")}})
    bus = start(world)
    wait_until(lambda: "self-signed" in (status(bus)["problem"] or ""), 15, "its problem")
    assert state_of(bus, "box") == "ready", "the owner's own check passes"
    assert visit(world, "self.localhost") == 503
