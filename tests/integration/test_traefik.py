"""A real Traefik with the shipped files, with /traefik/config of a running Hall, and with what it alone does: its page of a site
that is gone, its way to be open while Hall is away. What all proxies do alike is in test_proxies.py."""

import json
import os
import re
import signal
import subprocess

import peers
import pytest
import yaml
from helpers import asleep
from process import Process, wait_until
from proxy import generated
from test_proxies import API, HOST, ask, hallctl, make_place  # noqa: F401 (fixtures)
from world import BROWSER, ROOT, free_port, http_get

FILES = ROOT / "bridges" / "proxy" / "traefik"
EXAMPLE = ROOT / "bridges" / "proxy" / "example.json"


def shipped(name):
    return yaml.safe_load((FILES / name).read_text(encoding="utf-8"))


class Traefik:
    """One with that static configuration, which it changes only in addresses, and in that no certificate is asked for."""

    def __init__(self, directory, static, dynamic=None):
        directory.mkdir(parents=True, exist_ok=True)
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
        self.process = Process([peers.traefik(), f"--configFile={self.file}"], self.log, env={**os.environ, "HOME": "/nonexistent"})
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

    def make(static, dynamic=None):
        made.append(Traefik(tmp_path / f"traefik{len(made)}", static, dynamic))
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
