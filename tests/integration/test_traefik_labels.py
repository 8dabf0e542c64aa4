"""Traefik whose routers are labels of containers, from a real engine: what `hallctl proxy-config traefik --middleware` and
/traefik/config?middleware give them to go through, and whom `--check` finds that does not."""

import json
import subprocess

import pytest
from proxy import generated
from test_docker import ROOT_ONLY, engine, one_engine  # noqa: F401 (fixtures)
from test_proxies import API, HOST, check_waiting, hallctl, make_place, wait_wake  # noqa: F401 (fixtures)
from test_traefik import check_sound, make_traefik  # noqa: F401 (fixture)
from process import wait_until
from world import BROWSER, http_get

OTHER = "other.localhost"


def static(place, engine, provider, folder):
    providers = {"docker": {"endpoint": f"unix://{engine.socket}", "exposedByDefault": False}}
    if provider == "http":
        providers["http"] = {"endpoint": "http://%s:%s/traefik/config?middleware" % place.world.hall.gateway, "pollInterval": "1s"}
    else:
        folder.mkdir()
        (folder / "hall.yml").write_text(generated(place.hallctl, "traefik", place.world.hall.file, "--middleware"), encoding="utf-8")
        providers["file"] = {"directory": str(folder), "watch": False}
    return {"entryPoints": {"websecure": {}}, "providers": providers}


def labels(port, middlewares, host=HOST, name="shop", rule=None, **more):
    own = {f"traefik.http.routers.{name}.rule": rule or f"Host(`{host}`)", f"traefik.http.routers.{name}.entrypoints": "websecure",
           f"traefik.http.services.{name}.loadbalancer.server.port": str(port)}
    if middlewares:
        own[f"traefik.http.routers.{name}.middlewares"] = middlewares
    return {"traefik.enable": "true", **own, **{f"traefik.http.{key}": value for key, value in more.items()}}


def in_front(place, engine, make_traefik, provider, tmp_path, **containers):
    """Traefik with those containers' routers; the site behind all of them is the place's own."""
    for name, words in containers.items():
        engine.run(name, labels=words)
    traefik = make_traefik(static(place, engine, provider, tmp_path / "dynamic")).start(2)
    wait_until(lambda: {f"{name}@docker" for name in containers} <= {one["name"] for one in traefik.api("http/routers")}, 60, "routers of labels")
    return traefik


@pytest.fixture
def closed_place(make_place):
    """The containers are in the host's network: Traefik looks for their ports at 127.0.0.1."""
    def make(**options):
        place = make_place(**options)
        config = place.world.hall.config
        config["proxy"] = {"tls": False}
        place.world.hall.write(config)
        place.world.hall.stop()
        place.world.hall.start()
        place.address = "0.0.0.0"  # noqa: S104 (where the site will listen)
        return place

    return make


@ROOT_ONLY
@pytest.mark.parametrize(("provider", "named"), [("file", f"hall-site-{HOST}@file"), ("http", "hall@http")], ids=["file-named", "http-unnamed"])
def test_from_asleep_to_the_site(closed_place, engine, make_traefik, tmp_path, provider, named):
    place = closed_place()
    traefik = in_front(place, engine, make_traefik, provider, tmp_path, shop=labels(place.port, named))
    check_sound(traefik)

    def visit(path, headers=BROWSER):
        return http_get("127.0.0.1", traefik.ports["websecure"], path, headers, host=HOST)

    mark = place.bus.mark()
    page = visit("/a?b=c")
    check_waiting(page, "text/html")
    wait_wake(place, mark)
    site = place.open()
    wait_until(lambda: visit("/.hall/status?path=/a", API).json()["redirect"] == "/a", 20, "the page is told to go")
    answer = visit("/a?b=c")
    assert answer.status == 200 and answer.body == b"GET /a?b=c ", answer
    astray = visit("/a", {**API, "X-Hall-Site": "erp.localhost"})
    assert astray.status == 200, "what the visitor says of the site is taken away"
    site.close()
    place.site = None
    gone = visit("/a")
    assert gone.status in (502, 503) and gone.headers["Content-Type"].startswith("text/html"), gone


def check(place, traefik, file=None):
    done = subprocess.run([place.hallctl, "proxy-config", "traefik", "--config", file or place.world.hall.file, "--check",
                           f"http://127.0.0.1:{traefik.ports['traefik']}/"], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@ROOT_ONLY
def test_routers_that_pass_hall_by_are_found(closed_place, engine, make_traefik, tmp_path):
    """Each of them as Traefik itself has it: whose visitors really come to the site unasked is what counts."""
    place = closed_place(access={"allow": ["192.0.2.0/24"]})
    place.open()
    containers = {
        "asks": labels(place.port, f"hall-site-{HOST}@file", name="asks"),
        "chained": labels(place.port, "front", name="chained", rule=f"Host(`{HOST}`) && PathPrefix(`/chained`)",
                          **{"middlewares.front.chain.middlewares": "hall@file"}),
        "below": labels(place.port, None, name="below", rule=f"Host(`{HOST}`)", **{"routers.below.priority": "3"}),
        "led": labels(place.port, "away", name="led", rule=f"Host(`{HOST}`) && Path(`/old`)",
                      **{"middlewares.away.redirectregex.regex": ".*", "middlewares.away.redirectregex.replacement": "http://x/"}),
        "others": labels(place.port, None, OTHER, name="others"),
    }
    traefik = in_front(place, engine, make_traefik, "file", tmp_path, **containers)

    def visit(path):
        return http_get("127.0.0.1", traefik.ports["websecure"], path, API, host=HOST).status

    assert [visit(path) for path in ("/", "/chained/x", "/old")] == [403, 403, 302]
    assert check(place, traefik) == (0, "Hall is asked for each of the 1 domains.\n", "")
    for name, rule, path, more in (("path", f"Host(`{HOST}`) && Path(`/past`)", "/past", {}),
                                   ("twice", f"Host(`x.localhost`) || Host(`{HOST.upper()}`) && PathPrefix(`/twice`)", "/twice", {}),
                                   ("any", "PathPrefix(`/any`)", "/any", {"routers.any.priority": "1000"})):
        engine.run(name, labels=labels(place.port, None, name=name, rule=rule, **more))
        wait_until(lambda path=path: visit(path) == 200, 20, f"the router {name} takes its visitors")
        status, out, errors = check(place, traefik)
        assert (status, errors) == (1, "") and out.count("\n") == 1 and f"{HOST}: the router {name}@docker " in out, (out, errors)
        engine.remove(name)
        wait_until(lambda path=path: visit(path) == 403, 20, f"the router {name} is gone")


@ROOT_ONLY
def test_a_router_of_ones_own_beside_halls(make_place, make_traefik):
    """The user's has the same host as Hall's, and a higher priority: Traefik itself says nothing."""
    place = make_place(access={"allow": ["192.0.2.0/24"]})
    place.world.hall.write({**place.world.hall.config, "proxy": {"tls": False}})
    text = json.loads(generated(place.hallctl, "traefik", place.world.hall.file))
    assert text["http"]["routers"].keys() == {f"helper-{HOST}", f"site-{HOST}"}
    place.open()
    target = f"http://{place.address}:{place.port}"

    def with_mine(priority):
        mine = {"rule": f"Host(`{HOST}`)", "entryPoints": ["websecure"], "service": "mine", "priority": priority}
        own = {"routers": {**text["http"]["routers"], **({"mine": mine} if priority else {})},
               "services": {**text["http"]["services"], "mine": {"loadBalancer": {"servers": [{"url": target}]}}}}
        return make_traefik({"entryPoints": {"websecure": {}}}, json.dumps({"http": {**text["http"], **own}})).start(2)

    for priority, found in ((None, 403), (5, 403), (5000, 200)):
        traefik = with_mine(priority)
        assert http_get("127.0.0.1", traefik.ports["websecure"], "/", API, host=HOST).status == found
        status, out, errors = check(place, traefik)
        assert status == (0 if found == 403 else 1), (out, errors)
        assert ("the router mine@file" in out) == (found == 200), out


def test_an_api_that_is_none(hallctl, make_place):
    place = make_place()
    for url, status, words in (("http://127.0.0.1:1", 3, "127.0.0.1"), ("http://%s:%s" % place.world.hall.gateway, 1, "HTTP 404")):
        done = subprocess.run([hallctl, "proxy-config", "traefik", "--config", place.world.hall.file, "--check", url],
                              capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (status, "") and words in done.stderr, done


@ROOT_ONLY
def test_a_believed_proxy_in_front_hands_on_no_visitors_claims(closed_place, engine, make_traefik, tmp_path):
    """What it has from the visitor of host, path and method is not what the router led by."""
    place = closed_place(access={"allow": ["192.0.2.0/24"]})
    config = place.world.hall.config
    config["domains"][OTHER] = {**config["domains"][HOST], "access": {}}
    place.world.hall.write(config)
    place.world.hall.stop()
    place.world.hall.start()
    place.bus.publish("hall/servers/testing/command", {"action": "wake"})
    place.open()
    engine.run("both", labels=labels(place.port, "hall@file", name="both", rule=f"Host(`{HOST}`) || Host(`{OTHER}`)"))
    static_file = static(place, engine, "file", tmp_path / "dynamic")
    static_file["entryPoints"]["websecure"]["forwardedHeaders"] = {"trustedIPs": ["127.0.0.1/32"]}
    hall = tmp_path / "dynamic" / "hall.yml"
    asked = hall.read_text(encoding="utf-8")
    hall.write_text(asked.replace('"trustForwardHeader":false', '"trustForwardHeader":true'), encoding="utf-8")
    traefik = make_traefik(static_file).start(2)

    def visit(host, headers):
        return http_get("127.0.0.1", traefik.ports["websecure"], "/", {**API, **headers}, host=host).status

    wait_until(lambda: visit(OTHER, {}) == 200, 60, "the open site")
    assert visit(HOST, {}) == 403
    for claim in ({"X-Forwarded-Host": OTHER}, {"X-Hall-Site": OTHER}, {"X-Forwarded-Host": OTHER, "X-Hall-Site": OTHER}):
        assert visit(HOST, claim) == 403, claim
