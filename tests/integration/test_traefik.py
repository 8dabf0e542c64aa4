"""What Traefik is told: the shipped files and /traefik/config of a running Hall, against Traefik's documented keys."""

import copy
import json
import os

import pytest
import traefik
import yaml
from proxy import generated
from world import ROOT

FOLDER = ROOT / "bridges" / "proxy"
FILES = FOLDER / "traefik"
HALLCTL = ROOT / os.environ.get("HALL_BUILD", "build") / "bin" / "hallctl"


def read(name):
    return yaml.safe_load((FILES / name).read_text(encoding="utf-8"))


def names_of(static):
    return set(static["entryPoints"]), set(static.get("certificatesResolvers", ()))


@pytest.mark.parametrize("name", ["traefik.yml", "traefik-fail-open.yml", "second-traefik.yml"])
def test_static_files(name):
    static = read(name)
    traefik.check(static, traefik.STATIC)
    points, _ = names_of(static)
    for resolver in static.get("certificatesResolvers", {}).values():
        assert resolver["acme"]["httpChallenge"]["entryPoint"] in points


def test_the_file_by_hand_is_what_hall_would_say():
    dynamic = read("dynamic.yml")
    traefik.check_dynamic(dynamic, *names_of(read("traefik.yml")))
    assert dynamic == json.loads(generated(HALLCTL, "traefik", FOLDER / "example.json"))


@pytest.mark.parametrize(("option", "static"), [("--fail-closed", "traefik.yml"), ("--fail-open", "traefik-fail-open.yml")])
def test_what_is_generated(option, static):
    dynamic = json.loads(generated(HALLCTL, "traefik", FOLDER / "example.json", option))
    traefik.check_dynamic(dynamic, *names_of(read(static)))


def test_the_provider(world):
    """Of the running Hall, to trusted proxies only; a site may have that path itself."""
    answer = world.hall.get("/traefik/config")
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/json"
    dynamic = answer.json()
    traefik.check_dynamic(dynamic, *names_of(read("traefik.yml")))
    http = dynamic["http"]
    assert http["services"]["project-client1"]["loadBalancer"]["servers"] == [
        {"url": f"http://{world.lan.address(20)}:8081"}]
    assert http["services"]["hall"]["loadBalancer"]["servers"] == [{"url": "http://%s:%s" % world.hall.gateway}]
    assert http["middlewares"]["hall-auth"]["forwardAuth"] == {
        "address": "http://%s:%s/auth" % world.hall.gateway, "trustForwardHeader": False}
    assert http["routers"]["helper-testing.localhost"]["priority"] > 1000
    assert world.hall.get("/traefik/config", source="127.0.0.2").status == 403
    for header in ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via"):  # whom a catch-all leads here
        answer = world.hall.get("/traefik/config", {header: "203.0.113.9"}, host="nobody.example")
        assert answer.status == 403 and b"services" not in answer.body, header
    assert world.hall.get("/traefik/config", method="POST").status == 405
    assert world.hall.get("/traefik/config", host="testing.localhost").status == 404


@pytest.mark.parametrize("change", [
    lambda d: d["http"]["routers"]["site-erp.example.org"].update(middleware=["hall-auth"]),
    lambda d: d["http"]["routers"]["site-erp.example.org"].update(rule="Host(`x`) &&"),
    lambda d: d["http"]["routers"]["site-erp.example.org"].update(service="nothing"),
    lambda d: d["http"]["middlewares"]["hall-auth"]["forwardAuth"].update(trustForwardHeader="false"),
    lambda d: d["http"]["services"].pop("hall"),
    lambda d: d.update(tcp={}),
])
def test_the_checker_sees_what_is_wrong(change):
    dynamic = copy.deepcopy(read("dynamic.yml"))
    change(dynamic)
    with pytest.raises(traefik.Wrong):
        traefik.check_dynamic(dynamic, *names_of(read("traefik.yml")))
