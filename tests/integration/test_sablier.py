"""Sablier's API, as its proxies' plugins call it."""

import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from helpers import asleep, awake, events, wait_event, wait_state
from process import wait_until, went_on

HEADER = "X-Sablier-Session-Status"

# What each plugin sends of its options: Go's and njs's ways of writing queries and durations.
AGENTS = {"traefik": {"User-Agent": "sablier-traefik-plugin/1.1.0", "Accept-Encoding": "gzip"},
          "caddy": {"User-Agent": "Go-http-client/1.1", "Accept-Encoding": "gzip"},
          "nginx": {"User-Agent": "Mozilla/5.0", "Accept": "text/html", "Connection": "close"},
          "proxywasm": {"User-Agent": "sablier-proxywasm-plugin/1.8.1"}}
DYNAMIC = {
    "traefik": "display_name=sablier%40docker&names=client1&names=client2&refresh_frequency=2s&session_duration=5m"
               "&show_details=true&theme=hacker-terminal",
    "caddy": "display_name=This+is+my+display+name&names=client1%2Cclient2&refresh_frequency=1.5s&session_duration=5m0s"
             "&show_details=false&theme=ghost",
    "nginx": "session_duration=30m&display_name=&theme=&refresh_frequency=&show_details=&names=client1&names=client2",
    "proxywasm": "group=testing.localhost&session_duration=1h0m0s&theme=matrix",
}
BLOCKING = {
    "traefik": "group=testing.localhost&session_duration=1h&timeout=1m",
    "caddy": "names=client1&names=client2&session_duration=1m30s&timeout=1m0s",
    "nginx": "session_duration=1m&refresh_frequency=&timeout=30s&names=client1&names=client2",
    "proxywasm": "names=client1&names=client2&timeout=30s",
}


def ask(world, strategy, query, **words):
    return world.hall.get(f"/api/strategies/{strategy}?{query}", timeout=40, **words)


@pytest.fixture
def sleeping(world, bus):
    asleep(bus, "testing")
    asleep(bus, "erp")
    return bus.mark()


def test_dynamic_from_asleep_to_ready(world, bus, sleeping):
    query = "names=client1&session_duration=5m&refresh_frequency=2s&show_details=true&display_name=%3Cb%3E&theme=ghost"
    page = ask(world, "dynamic", query)
    assert (page.status, page.headers[HEADER]) == (200, "not-ready")
    assert page.headers["Content-Type"].startswith("text/html") and page.headers["Cache-Control"] == "no-store"
    assert b'content="2"' in page.body and b'data-reload="2"' in page.body
    assert b"<b>" not in page.body.split(b"<ol")[0] and b'/.hall/wait?path=' not in page.body.split(b"<form")[0]
    wait_event(bus, "testing", "wake_requested", sleeping)
    ready = wait_until(lambda: is_ready(ask(world, "dynamic", query)), 20, "ready")
    assert ready.status == 200
    assert len(events(bus, "testing", "wake_requested", sleeping)) == 1


@pytest.mark.parametrize("plugin", DYNAMIC)
def test_a_page_as_each_plugin_takes_it(world, bus, sleeping, plugin):
    """All read the header, the type and the body; Caddy's and nginx's the length as well. Status and the rest are lost."""
    page = ask(world, "dynamic", DYNAMIC[plugin], headers=AGENTS[plugin], host="sablier.cluster.local")
    assert (page.status, page.headers[HEADER]) == (200, "not-ready")
    assert page.headers["Content-Type"].startswith("text/html")
    assert int(page.headers["Content-Length"]) == len(page.body) and page.body.startswith(b"<!doctype html>")
    assert page.headers.get("Content-Encoding") is None and page.headers.get("Location") is None
    wait_event(bus, "testing", "wake_requested", sleeping)


@pytest.mark.parametrize("plugin", BLOCKING)
def test_a_session_as_each_plugin_takes_it(world, bus, plugin):
    awake(bus, "testing")
    answer = ask(world, "blocking", BLOCKING[plugin], headers=AGENTS[plugin], host="sablier.cluster.local")
    assert (answer.status, answer.headers[HEADER]) == (200, "ready")
    check_session(answer, "ready", ["client1", "client2"])


def check_session(answer, status, names):
    """Types and fields of Sablier's answer; `error` is null or a text, `message` comes only with something to say."""
    assert answer.headers["Content-Type"].startswith("application/json")
    session = answer.json()["session"]
    assert session["status"] == status and [one["instance"]["name"] for one in session["instances"]] == names
    for one in session["instances"]:
        instance = one["instance"]
        assert instance["status"] == status and one["error"] is None and "message" not in instance
        assert (instance["currentReplicas"], instance["desiredReplicas"]) == (int(status == "ready"), 1)


def test_poke_asks_and_waits_for_nothing(world, bus, sleeping):
    answer = ask(world, "poke", "group=testing.localhost&session_duration=5m")
    assert (answer.status, answer.headers[HEADER], answer.headers["Cache-Control"]) == (200, "not-ready", "no-store")
    check_session(answer, "not-ready", ["client1", "client2"])
    wait_event(bus, "testing", "wake_requested", sleeping)
    awake(bus, "testing")
    answer = ask(world, "poke", "names=client1")
    assert answer.headers[HEADER] == "ready"
    check_session(answer, "ready", ["client1"])


def test_health_and_themes(world):
    health = world.hall.get("/health")
    assert (health.status, health.body) == (200, b"OK") and health.headers["Content-Type"].startswith("text/plain")
    assert world.hall.get("/health", host="testing.localhost").status != 200, "the path is the site's there"
    for path in ("/api/strategies/dynamic/themes", "/api/themes", "/api/dynamic/themes"):
        answer = world.hall.get(path)
        assert answer.status == 200 and answer.headers["Content-Type"].startswith("application/json")
        assert answer.json() == {"themes": ["ghost", "hacker-terminal", "matrix", "shuffle"]}
        assert world.hall.get(path, source="127.0.0.2").status == 403


def test_a_slash_at_the_end_changes_nothing(world, bus, sleeping):
    assert world.hall.get("/health/").body == b"OK"
    assert world.hall.get("/api/themes/").json() == world.hall.get("/api/themes").json()
    for strategy in ("dynamic", "poke"):
        answer = ask(world, strategy + "/", "names=client1")
        assert (answer.status, answer.headers[HEADER]) == (200, "not-ready")
    assert ask(world, "blocking/", "names=client1&timeout=1ms").status == 504
    for wrong in ("dynamic//", "dynamic/x", "other", "dynamic/themes/ghost"):
        assert ask(world, wrong, "names=client1").status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_other_methods(world, method):
    answer = world.hall.get("/api/strategies/dynamic?names=client1", method=method)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert world.hall.get("/healthz").headers.get(HEADER) is None, "it stays with what plugins ask"


def is_ready(answer):
    return answer.headers.get(HEADER) == "ready" and answer


def test_blocking_waits_for_a_whole_group(world, bus, sleeping):
    answer = ask(world, "blocking", "group=testing.localhost&session_duration=1h&timeout=25s")
    assert (answer.status, answer.headers[HEADER]) == (200, "ready"), answer
    session = answer.json()["session"]
    assert session["status"] == "ready"
    assert [one["instance"]["name"] for one in session["instances"]] == ["client1", "client2"]
    assert all(one["instance"]["status"] == "ready" and one["error"] is None for one in session["instances"])
    awake(bus, "testing")


def test_blocking_ends_in_time(world, bus, sleeping):
    world.sims["testing"].tell("deaf on")
    try:
        began = time.monotonic()
        answer = ask(world, "blocking", "names=client1,client2&timeout=1s")
        assert time.monotonic() - began < 20, "29 s without an end of its own"
        assert (answer.status, answer.headers[HEADER]) == (504, "not-ready")
        assert answer.headers["Content-Type"].startswith("application/problem+json")
    finally:
        world.sims["testing"].tell("deaf off")


def test_containers_and_domains_are_names_too(world, bus, sleeping):
    awake(bus, "testing")
    assert is_ready(ask(world, "dynamic", "names=client1-db&names=" + quote("client2")))
    assert not is_ready(ask(world, "dynamic", "names=erp.localhost"))
    wait_event(bus, "erp", "wake_requested", sleeping)


@pytest.mark.parametrize(("query", "status"), [
    ("", 400), ("names=client1&group=testing.localhost", 400), ("names=client1&timeout=soon", 400),
    ("names=nothing", 404), ("group=nothing.example", 404), ("names=%3Cscript%3E", 404), ("names=%00", 400)])
@pytest.mark.parametrize("strategy", ["dynamic", "blocking", "poke"])
def test_errors(world, bus, sleeping, strategy, query, status):
    """The plugin for proxy-wasm lets the visitor in where the header is missing."""
    answer = ask(world, strategy, query)
    assert (answer.status, answer.headers[HEADER]) == (status, "not-ready"), answer
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    problem = answer.json()
    assert problem["status"] == status and problem["title"] and problem["detail"]


def test_only_trusted_proxies_may_ask(world, bus, sleeping):
    refused = ask(world, "dynamic", "names=client1", source="127.0.0.2")
    assert (refused.status, refused.headers[HEADER]) == (403, "not-ready")
    assert ask(world, "dynamic", "names=client1", host="testing.localhost").status == 404, "the path is the site's there"
    assert events(bus, "testing", "wake_requested", sleeping) == []


def test_what_is_not_for_everybody_is_not_for_plugins(make_world):
    world = make_world(start=False)
    domains = world.hall.config["domains"]
    domains["testing.localhost"]["access"] = {"allow": ["192.0.2.0/24"]}
    domains["erp.localhost"]["access"] = {"wake": "click"}
    world.hall.write(world.hall.config)
    world.start()
    bus = world.bus()
    wait_state(bus, "testing", "off")
    wait_state(bus, "erp", "off")
    for strategy in ("dynamic", "blocking", "poke"):
        refused = ask(world, strategy, "names=client1")
        assert (refused.status, refused.headers[HEADER]) == (403, "not-ready")
    assert ask(world, "dynamic", "group=erp.localhost").headers[HEADER] == "not-ready"
    wait_until(lambda: bus.heard("hall/event") and any(m.json()["event_type"] == "access_refused"
                                                       for m in bus.heard("hall/event")), 10, "the refusal is told")
    for server in ("testing", "erp"):
        assert events(bus, server, "wake_requested") == []


@pytest.mark.measures
def test_those_who_block_leave_the_gate_free(world, bus, sleeping):
    """Some are held, the others are answered at once; /auth is answered all the while."""
    world.sims["testing"].tell("deaf on")
    try:
        with ThreadPoolExecutor(40) as pool:
            blocked = [pool.submit(ask, world, "blocking", "names=client1&timeout=3s") for _ in range(40)]
            times = []
            for _ in range(50):
                began = went_on()
                assert world.hall.auth("/client1/x.png", headers={"Sec-Fetch-Dest": "image"}).status == 503
                times.append(went_on() - began)
            assert {one.result().status for one in blocked} == {504}
        assert sorted(times)[47] < 1.0, times
    finally:
        world.sims["testing"].tell("deaf off")
