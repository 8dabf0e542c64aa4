"""A real Traefik with the shipped files, with /traefik/config of a running Hall, and with what it alone does: its page of a site
that is gone, its way to be open while Hall is away. What all proxies do alike is in test_proxies.py."""

import copy
import http.client
import json
import os
import re
import signal
import ssl
import subprocess
import threading
import time

import peers
import pytest
import yaml
from helpers import asleep, configured, promised, reload, wait_state
from process import Process, wait_until
from proxy import Proxy, generated
from test_kept_connections import ESTABLISHED, connections
from test_proxies import API, HOST, ask, check_waiting, hallctl, make_place, wait_wake  # noqa: F401 (fixtures)
from world import BROWSER, ROOT, SERVERS, Answer, free_port, http_get

FILES = ROOT / "bridges" / "proxy" / "traefik"
EXAMPLE = ROOT / "bridges" / "proxy" / "example.json"


def shipped(name):
    return yaml.safe_load((FILES / name).read_text(encoding="utf-8"))


class Traefik:
    """One with that static configuration, which it changes only in addresses, and in that no certificate is asked for."""

    def __init__(self, directory, static, dynamic=None, age="new"):
        directory.mkdir(parents=True, exist_ok=True)
        self.age = age
        self.ports = {name: free_port() for name in (*static["entryPoints"], "traefik")}
        static = {**static, "api": {"insecure": True, "dashboard": False}, "log": {"level": "WARN"},
                  "global": {"checkNewVersion": False, "sendAnonymousUsage": False}}
        static.pop("certificatesResolvers", None)
        static["entryPoints"].setdefault("traefik", {})
        for name, port in self.ports.items():
            static["entryPoints"][name]["address"] = f"127.0.0.1:{port}"
        if dynamic is not None:
            (directory / "hall.yml").write_text(self.moved(dynamic), encoding="utf-8")
            static["providers"] = {"file": {"directory": str(directory)}}
            directory = directory / "static"
            directory.mkdir(exist_ok=True)
        self.file, self.log = directory / "traefik.yml", directory / "traefik.log"
        self.file.write_text(json.dumps(static), encoding="utf-8")
        self.process = None

    def moved(self, dynamic):
        """Its questions to itself are asked at the ports it has here."""
        for name, port in (("hall-auth", 8890), ("hall-open", 8891)):
            dynamic = dynamic.replace(f":{port}", f":{self.ports.get(name, port)}")
        for printed in ('"timeout":"1s"', '"responseHeaderTimeout":"2s"'):  # of its questions to Hall: a stall is no outage
            dynamic = dynamic.replace(printed, re.sub(r"\ds", "5s", printed))
        return dynamic

    def start(self, routers=1):
        self.process = Process([peers.traefik(self.age), f"--configFile={self.file}"], self.log, env={**os.environ, "HOME": "/nonexistent"})
        wait_until(lambda: len(self.api("http/routers")) >= routers, 60, f"routers of Traefik: {self.process.log_tail()}")
        return self

    def api(self, what):
        """What of ours it has, with what it finds wrong in it."""
        assert self.process.alive(), self.process.log_tail()
        try:
            answer = http_get("127.0.0.1", self.ports["traefik"], f"/api/{what}")
        except OSError:
            return []
        return [one for one in answer.json() if one["provider"] != "internal"] if answer.status == 200 else []

    def stop(self):
        if self.process:
            self.process.stop()


@pytest.fixture
def make_traefik(tmp_path):
    made = []

    def make(static, dynamic=None, age="new"):
        made.append(Traefik(tmp_path / f"traefik{len(made)}", static, dynamic, age))
        return made[-1]

    yield make
    for traefik in made:
        traefik.stop()


def check_sound(traefik):
    """It has all of it, and finds nothing wrong with it but that this test gave it no certificate authority."""
    for what in ("http/routers", "http/services", "http/middlewares"):
        for one in traefik.api(what):
            errors = [e for e in one.get("error", []) if "certificate resolver" not in e]
            assert one["status"] == "enabled" and not errors, one
    complaints = [line for line in traefik.process.log_text().splitlines() if "ERR" in line and "certificate resolver" not in line]
    assert complaints == [], complaints


def test_the_file_by_hand_is_what_hall_would_say(hallctl):
    assert shipped("dynamic.yml") == json.loads(generated(hallctl, "traefik", EXAMPLE))


@pytest.mark.parametrize(("option", "static"), [("--fail-closed", "traefik.yml"), ("--fail-open", "traefik-fail-open.yml")])
def test_it_takes_what_is_generated(hallctl, make_traefik, option, static):
    text = generated(hallctl, "traefik", EXAMPLE, option)
    traefik = make_traefik(shipped(static), text).start()
    assert len(traefik.api("http/routers")) == len(json.loads(text)["http"]["routers"])
    check_sound(traefik)


def test_the_second_one(make_traefik):
    """Its provider is Docker, which is not here; its entry point is what matters."""
    static = {**shipped("second-traefik.yml"), "providers": {}}
    traefik = make_traefik(static, "http: {routers: {a: {rule: 'PathPrefix(`/`)', service: 'noop@internal'}}}").start()
    check_sound(traefik)


def test_the_provider(world, bus, make_traefik):
    """The shipped traefik.yml and the running Hall, and nothing else: a visitor gets his page, and then the site, by HTTPS."""
    static = shipped("traefik.yml")
    assert static["providers"]["http"]["endpoint"] == "http://127.0.0.1:8880/traefik/config"
    static["providers"]["http"] = {"endpoint": "http://%s:%s/traefik/config" % world.hall.gateway, "pollInterval": "1s"}
    traefik = make_traefik(static).start()
    check_sound(traefik)
    assert {router["provider"] for router in traefik.api("http/routers")} == {"http"}
    led = http_get("127.0.0.1", traefik.ports["web"], "/client1/x?y", host=HOST)
    assert led.status == 301 and led.headers["Location"] == f"https://{HOST}/client1/x?y"

    def visit(path):
        done = subprocess.run(["curl", "-sS", "-k", "-i", "--path-as-is", "--max-time", "20", "--resolve", f"{HOST}:{port}:127.0.0.1",
                               f"https://{HOST}:{port}{path}"], capture_output=True, text=True, check=True)
        return int(done.stdout.split()[1])

    port = traefik.ports["websecure"]
    asleep(bus, "testing")
    assert visit("/client1/x") == 503
    wait_until(lambda: visit("/client1/x") == 200, 20, "the site")
    for path, status in (("/client1/a%2Fb%23%25%3F", 200), ("/client1/a%5cb", 400), ("/client1/a%00b", 400), ("/client1/..%2fclient2/", 400)):
        assert visit(path) == status, path


def test_the_provider_answers_traefik_alone(world):
    """Of the running Hall, to trusted proxies only; a site may have that path itself."""
    answer = world.hall.get("/traefik/config")
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/json"
    http = answer.json()["http"]
    assert http["services"]["project-client1"]["loadBalancer"]["servers"] == [{"url": f"http://{world.lan.address(20)}:8081"}]
    assert http["services"]["hall"]["loadBalancer"]["servers"] == [{"url": "http://%s:%s" % world.hall.gateway}]
    assert world.hall.get("/traefik/config", source="127.0.0.2").status == 403
    for header in ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via"):  # whom a catch-all leads here
        answer = world.hall.get("/traefik/config", {header: "203.0.113.9"}, host="nobody.example")
        assert answer.status == 403 and b"services" not in answer.body, header
    assert world.hall.get("/traefik/config", method="POST").status == 405
    assert world.hall.get("/traefik/config", host="testing.localhost").status == 404


def in_front(world, hallctl, **options):
    return Proxy("traefik", world.directory / "traefik", hallctl, world.hall.file, free_port(), **options).start()


class Visitor:
    """One who keeps his connection, by HTTP or by HTTPS with a certificate that nobody vouches for."""

    def __init__(self, port, secure):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        words = {"port": port, "timeout": 60}
        self.connection = (http.client.HTTPSConnection("127.0.0.1", context=context, **words) if secure
                           else http.client.HTTPConnection("127.0.0.1", **words))

    def ask(self, path, headers):
        self.connection.request("GET", path, headers={"Host": HOST, **headers})
        response = self.connection.getresponse()
        return Answer(response, response.read())


def provided(world, make_traefik, age):
    """The shipped traefik.yml, whose routers come from the running Hall, without what an old one does not know."""
    static = shipped("traefik.yml")
    static["providers"]["http"] = {"endpoint": "http://%s:%s/traefik/config" % world.hall.gateway, "pollInterval": "1s"}
    if age == "old":
        static["entryPoints"]["websecure"].pop("http")
    return make_traefik(static, age=age).start().ports["websecure"]


@pytest.mark.parametrize(("way", "age"), [("file", "old"), ("provider", "new"), ("provider", "old")])
@promised(7, otherwise=25)  # 30 s, were Traefik left to itself
def test_a_server_that_falls_gives_its_page_in_each_way(make_world, hallctl, make_traefik, limit, way, age):
    """Power is cut, and Hall does not know yet. It is the visitor's own page, though its request names no X-Forwarded-For: on the
    connection that he has kept, and on a new one. Before that he came from asleep to the site; a stranger is refused."""
    def change(_, domains):
        domains[HOST]["access"] = {"allow": ["127.0.0.1/32"]}

    servers = {"testing": copy.deepcopy(SERVERS["testing"])}
    for site in servers["testing"]["sites"]:
        site["protocol"] = "HTTP/1.1"
    world = configured(make_world, change, servers=servers)
    if not world.lan.namespaces:
        pytest.fail("network namespaces are not permitted here: a server cannot fall without a word")
    bus = world.bus()
    proxy = in_front(world, hallctl, age=age) if way == "file" else None
    port = proxy.port if proxy else provided(world, make_traefik, age)
    try:
        asleep(bus, "testing")
        kept = Visitor(port, way == "provider")
        asleep_page = kept.ask("/client1/x", BROWSER)
        assert asleep_page.status == 503 and b"is waking up" in asleep_page.body, asleep_page
        wait_until(lambda: kept.ask("/client1/x", BROWSER).status == 200, 30, "the site")
        astray = kept.ask("/client1/..%2fclient2/", API)
        assert astray.status == 400, astray
        site = world.lan.address(20), 8081
        wait_until(lambda: not connections(*site, (ESTABLISHED,)), limit, "no connection to the site is kept", pause=0.02)
        world.sims["testing"].tell("crash")
        began = time.monotonic()
        both = {}
        program = threading.Thread(target=lambda: both.update(program=Visitor(port, way == "provider").ask("/client1/y", API)))
        program.start()
        page = kept.ask("/client1/x", BROWSER)
        program.join()
        took = time.monotonic() - began
        assert took < limit, took
        assert page.status in (502, 503, 504) and page.headers["Content-Type"].startswith("text/html"), page
        assert b"No access" not in page.body and b"/client1/x" in page.body and int(page.headers["Retry-After"]) > 0
        assert both["program"].headers["Content-Type"] == "application/problem+json", both
    finally:
        if proxy:
            proxy.stop()


@pytest.mark.parametrize("age", ["new", "old"])
def test_by_way_of_the_second_one(make_place, make_traefik, tmp_path, age):
    """The server's own Traefik, as shipped, knows its container only later: its 404 lets nobody through. Then it falls."""
    place = make_place()
    folder = tmp_path / "routers"
    folder.mkdir()
    static = {**shipped("second-traefik.yml"), "providers": {"file": {"directory": str(folder)}}}
    static["entryPoints"]["inner"]["forwardedHeaders"] = {"trustedIPs": ["127.0.0.1/32"]}

    def lead(host):
        router = {"rule": f"Host(`{host}`)", "service": "site"}
        service = {"loadBalancer": {"servers": [{"url": f"http://{place.address}:{place.port}"}]}}
        fresh = folder / "fresh"
        fresh.write_text(json.dumps({"http": {"routers": {"site": router}, "services": {"site": service}}}), encoding="utf-8")
        fresh.rename(folder / "site.yml")

    lead("other.localhost")
    second = make_traefik(static, age=age).start()
    reload(place.world, place.bus, lambda config: config["domains"][HOST].update(
        upstream=f"http://127.0.0.1:{second.ports['inner']}", expect=["200-399", 401, 403]))
    first, mark = place.proxy("traefik", age=age), place.bus.mark()
    site = place.open()
    check_waiting(ask(first, "/a", BROWSER), "text/html")
    wait_wake(place, mark)
    wait_state(place.bus, "testing", "ready")
    check_waiting(ask(first, "/a", BROWSER), "text/html")
    lead(HOST)
    wait_until(lambda: ask(first, "/.hall/status?path=/a", API).json()["redirect"], 30, "the page is told to go")
    assert ask(first, "/a", BROWSER).status == 200
    assert {host.split(":")[0] for _, _, _, host in site.got} == {HOST}
    second.stop()
    gone = ask(first, "/a", BROWSER)
    assert gone.status in (502, 503) and gone.headers["Content-Type"].startswith("text/html"), gone
    assert ask(first, "/b", API).headers["Content-Type"] == "application/problem+json"


def test_long_cookies_pass(make_place):
    """Hall is not asked with them, and takes them where it is: with the page of a site that is gone."""
    place = make_place()
    proxy, site = place.proxy("traefik"), place.open()
    headers = {**BROWSER, "Cookie": "; ".join(f"session{i}={'x' * 3000}" for i in range(9))}
    assert ask(proxy, "/a", headers).status == 503
    wait_until(lambda: ask(proxy, "/b", headers).status == 200, 20, "the site")
    site.close()
    place.site = None
    gone = ask(proxy, "/a", headers)
    assert gone.status in (502, 503) and gone.headers["Content-Type"].startswith("text/html"), gone


def test_open_while_hall_is_away_even_if_traefik_starts_then(make_place, make_traefik):
    """By the shipped files, which lead it to a file. While Hall runs it is open for nobody."""
    place = make_place(access={"allow": ["192.0.2.0/24"]})
    place.open()
    config = place.world.hall.config
    place.world.hall.write({**config, "proxy": {"tls": False}})
    text = generated(place.hallctl, "traefik", place.world.hall.file, "--fail-open")
    traefik = make_traefik(shipped("traefik-fail-open.yml"), text).start()

    def visit(headers=API):
        return http_get("127.0.0.1", traefik.ports["websecure"], "/a", headers, host=HOST).status

    large = {**API, "X-Large": "x" * 24000}
    assert [visit(large if i % 2 else API) for i in range(40)] == [403] * 40
    place.world.hall.stop()
    wait_until(lambda: visit() == 200, 15, "Traefik opens")
    traefik.stop()
    traefik.start()
    wait_until(lambda: visit() == 200, 15, "Traefik opens, though it never saw Hall")
    place.world.hall.start()
    wait_until(lambda: visit() == 403, 15, "Hall is asked again")
    place.world.hall.process.signal(signal.SIGSTOP)  # it takes connections, and says nothing
    try:
        wait_until(lambda: visit() == 200, 15, "Traefik opens for a Hall that is hung")
    finally:
        place.world.hall.process.signal(signal.SIGCONT)
    wait_until(lambda: visit() == 403, 15, "Hall is asked again")
