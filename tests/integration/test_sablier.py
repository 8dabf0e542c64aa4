"""Sablier's API, as its proxies' plugins call it."""

import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from helpers import asleep, awake, events, wait_event, wait_state
from process import wait_until, went_on

HEADER = "X-Sablier-Session-Status"


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
@pytest.mark.parametrize("strategy", ["dynamic", "blocking"])
def test_errors(world, bus, sleeping, strategy, query, status):
    answer = ask(world, strategy, query)
    assert answer.status == status, answer
    assert answer.headers["Content-Type"].startswith("application/problem+json") and answer.json()["detail"]


def test_only_trusted_proxies_may_ask(world, bus, sleeping):
    assert ask(world, "dynamic", "names=client1", source="127.0.0.2").status == 403
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
    assert ask(world, "dynamic", "names=client1").status == 403
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
