"""Guards on the running daemon: each refusal names the guard and its end, on the page, the bus and in the log."""

import time
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from clocks import Clock
from helpers import (asleep, awake, barrier, command, configured, events, hall_event, instant, result, state_of, wait_event,
                     wait_state, wait_status, zone_by_day)
from process import wait_until
from world import BROWSER

API = {"Accept": "application/json", "User-Agent": "curl/8.5.0"}


def server_words(**words):
    return lambda servers, _domains: servers["testing"].update(words)


def access_words(**words):
    def change(_servers, domains):
        domains["testing.localhost"]["access"] = words

    return change


def woken_and_asleep(bus):
    awake(bus, "testing")
    asleep(bus, "testing")


def end_in(reason):
    """The time a refusal names."""
    return instant(reason.rsplit("until ", 1)[1].split()[0].rstrip(".,;"))


def next_midnight(world):
    """Of the configured zone, seconds."""
    now = datetime.now(ZoneInfo(world.timezone))
    return (now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)).timestamp()


# Of the server

def test_min_down_refuses_names_its_end_and_then_wakes(make_world):
    world = configured(make_world, server_words(min_down="60s"), start=False)
    clock = Clock(world)
    world.start()
    bus, sim = world.bus(), world.sims["testing"]
    wait_state(bus, "testing", "off")
    woken_and_asleep(bus)
    packets, mark = sim.count("frame"), bus.mark()
    id, _ = command(bus, "testing", "wake")
    refused = result(bus, "testing", id, "refused", mark)
    assert "min_down" in refused["reason"]
    end = end_in(refused["reason"])
    assert 0 < end - time.time() <= 61
    assert "min_down" in wait_event(bus, "testing", "command_refused", mark)["detail"]
    assert "min_down" in world.hall.log_text()

    page = world.hall.auth("/client1/", headers=BROWSER)
    assert page.status == 503
    found = wait_status(bus, "testing", lambda s: s["guard"], 15)
    assert found["guard"]["name"] == "min_down" and abs(instant(found["guard"]["until"]) - end) <= 1
    assert found["next_event"]["what"] == "guard_end" and "min_down" in found["next_event"]["reason"]
    problem = world.hall.auth("/client1/", headers=API).json()
    assert problem["guard"] == "min_down" and abs(instant(problem["until"]) - end) <= 1, problem
    assert sim.count("frame") == packets
    clock.pass_until(bus, end - 1)
    woken = instant(wait_event(bus, "testing", "wake_requested", mark)["at"])
    assert end - 1.5 <= woken <= end + 30, "the visitor who waits gets it then"
    wait_state(bus, "testing", "ready", 60)


def test_force_overrides_the_guards_of_the_server(make_world):
    world = configured(make_world, server_words(min_down="1h", wakes_per_hour=1))
    bus = world.bus()
    wait_state(bus, "testing", "off")
    woken_and_asleep(bus)
    id, mark = command(bus, "testing", "wake")
    result(bus, "testing", id, "refused", mark)
    id, mark = command(bus, "testing", "wake", force=True)
    result(bus, "testing", id, "done", mark, 60)


def test_wakes_per_hour_counts_wakes_and_survives_a_restart(make_world):
    world = configured(make_world, server_words(wakes_per_hour=2))
    bus, sim = world.bus(), world.sims["testing"]
    wait_state(bus, "testing", "off")
    woken_and_asleep(bus)
    first = instant(wait_event(bus, "testing", "wake_requested")["at"])
    woken_and_asleep(bus)
    packets = sim.count("frame")
    for restart in (False, True):
        if restart:
            world.hall.kill()
            mark = bus.mark()
            world.hall.start()
            bus.wait_text("hall/status", "online", mark, 60)
            barrier(bus)
            wait_state(bus, "testing", "off", 60)
        id, mark = command(bus, "testing", "wake")
        reason = result(bus, "testing", id, "refused", mark)["reason"]
        assert "wakes_per_hour" in reason and end_in(reason) == pytest.approx(first + 3600, abs=2)
    assert world.hall.auth("/client1/", headers=BROWSER).status == 503
    wait_status(bus, "testing", lambda s: s["guard"] and s["guard"]["name"] == "wakes_per_hour", 15)
    wait_until(lambda: world.hall.auth("/client1/", headers=API).json()["guard"] == "wakes_per_hour", 15, "the page knows")
    assert sim.count("frame") == packets and state_of(bus, "testing") == "off"


# Of visitors

def check_limited(world, bus, mark, guard, path, client, ends):
    """Browser, program, nginx, the bus and the log name the guard and its end."""
    page = world.hall.auth(path, headers=BROWSER, client=client)
    assert page.status == 429 and page.headers["Content-Type"].startswith("text/html"), page
    assert page.headers["Cache-Control"] == "no-store" and int(page.headers["Retry-After"]) > 0
    problem = world.hall.auth(path, headers=API, client=client)
    assert problem.status == 429 and problem.headers["Content-Type"].startswith("application/problem+json")
    words = problem.json()
    assert words["guard"] == guard and words["status"] == 429 and words["detail"], words
    assert instant(words["until"]) == pytest.approx(ends, abs=2), words
    told = hall_event(bus, "access_refused", mark)
    assert guard in told["detail"], told
    refuses = told["detail_fact"]["cause"]
    assert refuses["code"] == "guard" and refuses["guard"] == guard, told
    assert words["detail_fact"] == {"code": "guard", "guard": guard, "until": words["until"]}, words
    assert guard in world.hall.log_text()
    nginx = world.hall.auth(path, headers=BROWSER, client=client, path="/auth/nginx")
    assert nginx.status in (401, 429)


def test_wakes_per_day_are_counted_by_client_address(make_world):
    world = configured(make_world, access_words(wakes_per_day=1), timezone=zone_by_day())
    bus, sim = world.bus(), world.sims["testing"]
    wait_state(bus, "testing", "off")
    first, second, third = "198.51.100.1", "198.51.100.2", "198.51.100.3"
    assert world.hall.auth("/client1/", headers=BROWSER, client=first).status == 503
    wait_event(bus, "testing", "wake_requested")
    # Joined: it does not count.
    for _ in range(5):
        world.hall.auth("/client1/", headers=BROWSER, client=second)
    wait_state(bus, "testing", "ready", 60)
    wait_until(lambda: world.hall.auth("/client1/", headers=BROWSER, client=first).status == 200, 10,
               "a ready site lets in whoever has used up its wakes")
    asleep(bus, "testing")
    packets, mark = sim.count("frame"), bus.mark()
    check_limited(world, bus, mark, "access.wakes_per_day", "/client1/", first, next_midnight(world))
    assert world.hall.auth("/client2/", headers=BROWSER, client=first).status == 429, "of the whole domain"
    barrier(bus)
    assert sim.count("frame") == packets and not events(bus, "testing", "wake_requested", mark)
    assert world.hall.auth("/client1/", headers=BROWSER, client=second).status == 503
    wait_event(bus, "testing", "wake_requested", mark)
    wait_state(bus, "testing", "ready", 60)
    asleep(bus, "testing")
    assert world.hall.auth("/client1/", headers=BROWSER, client=second).status == 429
    id, mark = command(bus, "testing", "wake")
    result(bus, "testing", id, "done", mark, 60)
    asleep(bus, "testing")
    assert world.hall.auth("/client1/", headers=BROWSER, client=third).status == 503


def test_a_forged_address_does_not_help(make_world):
    """The header counts from the trusted proxy only; anybody else is refused whatever they say."""
    world = configured(make_world, access_words(wakes_per_day=1), timezone=zone_by_day())
    bus = world.bus()
    wait_state(bus, "testing", "off")
    words = {**BROWSER, "X-Forwarded-Host": "testing.localhost", "X-Forwarded-Uri": "/client1/", "X-Forwarded-Method": "GET",
             "X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.77"}
    assert world.hall.get("/auth", words, source="127.0.0.9").status == 403
    barrier(bus)
    assert state_of(bus, "testing") == "off"


def test_quota_of_a_project_holds_for_everyone_and_for_it_alone(make_world):
    def change(_servers, domains):
        domains["testing.localhost"]["projects"]["client1"]["wakes_per_day"] = 1

    world = configured(make_world, change, timezone=zone_by_day())
    bus = world.bus()
    wait_state(bus, "testing", "off")
    world.hall.auth("/client1/", headers=BROWSER, client="198.51.100.1")
    wait_event(bus, "testing", "wake_requested")
    wait_state(bus, "testing", "ready", 60)
    asleep(bus, "testing")
    mark = bus.mark()
    check_limited(world, bus, mark, "project.wakes_per_day", "/client1/", "198.51.100.9", next_midnight(world))
    assert state_of(bus, "testing") == "off"
    assert world.hall.auth("/client2/", headers=BROWSER, client="198.51.100.9").status == 503
    wait_event(bus, "testing", "wake_requested", mark)


def test_ipv6_visitors_are_counted_by_their_network_and_named(make_world):
    """Two addresses of one /64 share a day's wake; a restart keeps that; a list of ranges holds both families."""
    def change(_servers, domains):
        domains["testing.localhost"]["access"] = {"wakes_per_day": 1, "allow": ["2001:db8::/32", "192.0.2.0/24"]}

    world = configured(make_world, change, timezone=zone_by_day())
    bus = world.bus()
    wait_state(bus, "testing", "off")
    mark = bus.mark()
    for stranger in ("2001:db9::1", "::192.0.2.1", "fe80::1%eth0", "198.51.100.1"):
        assert world.hall.auth("/client1/", headers=BROWSER, client=stranger).status == 403, stranger
    assert bus.wait_json("hall/event", mark, event_type="access_refused").json()["detail_fact"]["from"] == "2001:db9::1"
    assert world.hall.auth("/client1/", headers=BROWSER, client="2001:db8::1/64").status == 400
    assert world.hall.auth("/client1/", headers=BROWSER, client="[2001:db8:0:1::5]:40000").status == 503
    wait_event(bus, "testing", "wake_requested", mark)
    wait_state(bus, "testing", "ready", 60)
    asleep(bus, "testing")
    world.hall.stop()
    mark = bus.mark()
    world.hall.start()
    bus.wait_text("hall/status", "online", mark, 60)
    barrier(bus)
    wait_state(bus, "testing", "off", 60)
    mark = bus.mark()
    wait_until(lambda: world.hall.auth("/client1/", headers=BROWSER, client="2001:db8:0:1::6").status == 429, 60, "429 after the restart")
    check_limited(world, bus, mark, "access.wakes_per_day", "/client1/", "2001:db8:0:1:ffff::1", next_midnight(world))
    assert events(bus, "testing", "wake_requested", mark) == []
    assert world.hall.auth("/client2/", headers=BROWSER, client="::ffff:192.0.2.7").status == 503
    wait_event(bus, "testing", "wake_requested", mark)


def test_quotas_survive_a_restart_and_a_reload(make_world):
    from helpers import reload

    world = configured(make_world, access_words(wakes_per_day=1), timezone=zone_by_day())
    bus = world.bus()
    wait_state(bus, "testing", "off")
    world.hall.auth("/client1/", headers=BROWSER, client="198.51.100.1")
    wait_event(bus, "testing", "wake_requested")
    wait_state(bus, "testing", "ready", 60)
    asleep(bus, "testing")
    packets = world.sims["testing"].count("frame")

    def refused():
        return world.hall.auth("/client1/", headers=BROWSER, client="198.51.100.1").status == 429

    assert refused()
    world.hall.stop()
    mark = bus.mark()
    world.hall.start()
    bus.wait_text("hall/status", "online", mark, 60)
    barrier(bus)
    wait_state(bus, "testing", "off", 60)
    wait_until(refused, 15, "429 after the restart")
    reload(world, bus, lambda config: config["domains"]["testing.localhost"]["access"].update(wakes_per_day=1, hold="1s"))
    wait_until(refused, 15, "429 after the reload")
    assert world.sims["testing"].count("frame") == packets
    reload(world, bus, lambda config: config["domains"]["testing.localhost"].pop("access"))
    wait_until(lambda: not refused(), 15, "no limit, no refusal")


@pytest.mark.parametrize("where", ["domain", "project"])
def test_used_up_minutes_close_a_ready_site(make_world, where):
    """A minute of use, seen as several uses less than idle apart."""

    def change(_servers, domains):
        domain = domains["testing.localhost"]
        if where == "domain":
            domain["access"] = {"minutes_per_day": 1}
        else:
            domain["projects"]["client1"]["minutes_per_day"] = 1

    world = configured(make_world, change, start=False, timezone=zone_by_day())
    clock = Clock(world)
    world.start()
    bus = world.bus()
    wait_state(bus, "testing", "off")
    world.hall.auth("/client1/", headers=BROWSER, client="198.51.100.1")
    wait_until(lambda: world.hall.auth("/client1/", headers=BROWSER, client="198.51.100.1").status == 200, 20, "ready")
    began = time.monotonic()
    mark = bus.mark()

    def is_used_up():
        clock.pass_by(bus, 2)
        return world.hall.auth("/client1/", headers=BROWSER, client="198.51.100.1").status == 429

    wait_until(is_used_up, 60, "the minute is over")
    assert 50 <= clock.passed + time.monotonic() - began <= 75
    check_limited(world, bus, mark, f"{'access' if where == 'domain' else 'project'}.minutes_per_day", "/client1/", "198.51.100.1",
                  next_midnight(world))
    other = world.hall.auth("/client1/", headers=BROWSER, client="198.51.100.2").status
    assert other == (200 if where == "domain" else 429)
