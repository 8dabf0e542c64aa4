"""Policies on the running daemon: always on, in windows, on demand; settings and holds from the bus."""

import datetime
import time
import zoneinfo

import pytest
from clocks import Clock
from helpers import (answer_of, asleep, awake, barrier, command, configured, events, instant, leases, local_minutes, result, state_of,
                     status, steady, topic, wait_event, wait_lease, wait_no_lease, wait_state, wait_status, window, zone_by_day)
from test_api import KEY, Api
from world import BROWSER

API = {"Accept": "application/json", "User-Agent": "curl/8.5.0"}
ZONES = ["Europe/Paris", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]


def policy(**words):
    """For configured(): the policy of testing's domain."""

    def change(_servers, domains):
        domains["testing.localhost"]["policy"] = words

    return change


def goodbye(world, server):
    """Somebody suspends it at its own keyboard."""
    voice = world.bus(user="hall", topics=[])
    voice.publish(f"hall/agents/{server}/command",
                  {"id": f"own{time.monotonic()}", "action": "suspend", "expires": "2099-01-01T00:00:00Z"})


# always_on

def test_always_on_is_woken_at_the_start_and_whenever_it_is_found_off(make_world):
    world = configured(make_world, policy(mode="always_on"), start=False)
    clock = Clock(world)
    bus, sim = world.start_watched(), world.sims["testing"]
    sim.wait("frame", 20)
    wait_state(bus, "testing", "ready", 60)
    assert wait_event(bus, "testing", "wake_requested")["detail"] == "always_on of testing.localhost"
    lease = wait_lease(bus, "testing", "always_on", holder="testing.localhost")
    assert lease["until"] is None
    found = status(bus, "testing")
    assert found["policy"] == "always_on" and found["awake_until"] is None
    assert "always" in found["awake_because"], found["awake_because"]
    mark, boots = bus.mark(), sim.count("boot")
    goodbye(world, "testing")
    wait_event(bus, "testing", "wake_requested", mark, 30)
    wait_state(bus, "testing", "ready", 60)
    assert sim.count("boot") == boots + 1
    mark = bus.mark()
    sim.tell("crash")
    gone = wait_event(bus, "testing", "unreachable", mark, 60)
    clock.pass_until(bus, instant(gone["at"]) + 29)
    again = wait_event(bus, "testing", "wake_requested", mark)  # it had half a minute to come back by itself
    assert 29 <= instant(again["at"]) - instant(gone["at"]) < 60
    wait_event(bus, "testing", "ready", mark, 30)
    assert sim.count("boot") == boots + 2
    id, mark = command(bus, "testing", "sleep")
    assert "always" in result(bus, "testing", id, "refused", mark)["reason"]
    assert state_of(bus, "erp") == "off", "its neighbour is left alone"


def test_always_on_backs_off_after_a_failure(make_world):
    def change(servers, domains):
        servers["testing"]["wake"]["timeout"] = "4s"
        domains["testing.localhost"]["policy"] = {"mode": "always_on"}

    world = configured(make_world, change, start=False)
    world.broker.start()
    world.add_sim("testing", boot_s=0.5)
    sim = world.sims["testing"]
    sim.tell("deaf on")
    clock = Clock(world)
    bus = world.bus()
    world.hall.start()
    bus.wait_text("hall/status", "online", limit=60)
    wait_state(bus, "testing", "wake_failed", 60)
    failed = wait_event(bus, "testing", "wake_failed")
    found = wait_status(bus, "testing", lambda s: (s["next_event"] or {}).get("what") == "wake_retry", 15)
    assert found["problem"]
    retry = instant(found["next_event"]["at"])
    assert retry - instant(failed["at"]) == pytest.approx(60, abs=2)
    mark = bus.mark()
    sim.tell("deaf off")
    clock.pass_until(bus, retry - 2)
    again = instant(wait_event(bus, "testing", "wake_requested", mark)["at"])
    assert retry - 1.5 <= again < retry + 30, "nothing before the back-off is over"
    wait_state(bus, "testing", "ready", 60)


# scheduled

@pytest.mark.parametrize("zone", ZONES)
def test_inside_a_window_it_is_on_outside_it_is_not(make_world, zone):
    def change(_servers, domains):
        domains["testing.localhost"]["policy"] = {"mode": "scheduled", "timezone": zone, "windows": [window(zone, 60, 120, began)]}
        domains["erp.localhost"]["policy"] = {"mode": "scheduled", "timezone": zone, "windows": [window(zone, -120, 180, began)]}

    zone, began = steady(zone), time.time()
    world = configured(make_world, change)
    bus = world.bus()
    wait_state(bus, "testing", "ready", 60)
    lease = wait_lease(bus, "testing", "schedule", holder="testing.localhost")
    end = instant(lease["until"])
    assert end == pytest.approx((began // 60 + 120) * 60, abs=1)
    assert status(bus, "testing")["policy"] == "scheduled"
    barrier(bus)
    wait_state(bus, "erp", "off")
    assert world.sims["erp"].count("frame") == 0 and not leases(bus, "erp", "schedule")
    coming = wait_status(bus, "erp", lambda s: s["next_event"], 15)["next_event"]
    assert coming["what"] == "schedule" and "erp.localhost" in coming["reason"]
    opening = (began // 60 + 120) * 60
    assert instant(coming["at"]) == pytest.approx(opening - 60, abs=61), "a lead before the window"


def test_dates_and_days_without_a_window_are_respected(make_world):
    zone = zone_by_day()
    today = datetime.datetime.now(zoneinfo.ZoneInfo(zone)).strftime("%Y-%m-%d")

    def change(_servers, domains):
        wide = [{"from": "00:00", "to": "24:00"}]
        domains["testing.localhost"]["policy"] = {"mode": "scheduled", "timezone": zone, "windows": wide, "except": [today]}
        domains["erp.localhost"]["policy"] = {"mode": "scheduled", "timezone": zone, "windows": wide}

    world = configured(make_world, change)
    bus = world.bus()
    wait_state(bus, "erp", "ready", 60)
    wait_state(bus, "testing", "off")
    assert world.sims["testing"].count("frame") == 0


def test_a_window_ends_and_another_is_prepared(make_world):
    """To the minute: it sleeps when the window ends; its neighbour is woken a lead of one minute before one begins."""
    zone, now = steady("America/New_York"), time.time()
    minutes = 2  # time enough to start; the rest is passed over
    edge = (now // 60 + minutes) * 60

    def change(_servers, domains):
        domains["testing.localhost"]["policy"] = {"mode": "scheduled", "timezone": zone, "idle": "1s",
                                                  "windows": [{"from": local_minutes(zone, -30, now),
                                                               "to": local_minutes(zone, minutes, now)}]}
        domains["erp.localhost"]["policy"] = {"mode": "scheduled", "timezone": zone,
                                              "windows": [{"from": local_minutes(zone, minutes + 1, now),
                                                           "to": local_minutes(zone, 90, now)}]}

    world = configured(make_world, change, start=False)
    clock = Clock(world)
    bus = world.start_watched()
    wait_state(bus, "testing", "ready", 60)
    clock.add(max(0, int(edge - 2 - time.time())))
    slept = wait_event(bus, "testing", "sleep_requested")
    assert 0 <= instant(slept["at"]) - edge < 30, "at the end of the window, not before"
    woken = wait_event(bus, "erp", "wake_requested", limit=10)
    assert 0 <= instant(woken["at"]) - edge < 30, "a minute before its window"
    assert woken["detail"] == "schedule of erp.localhost"
    wait_state(bus, "testing", "off", 60)
    wait_state(bus, "erp", "ready", 60)


def test_otherwise_refuse_names_the_opening(make_world):
    zone = "Asia/Kathmandu"

    def change(_servers, domains):
        domains["testing.localhost"]["policy"] = {"mode": "scheduled", "timezone": zone, "otherwise": "refuse",
                                                  "windows": [window(zone, -120, 180, began)]}
        domains["erp.localhost"]["policy"] = {"mode": "scheduled", "timezone": zone, "otherwise": "on_demand",
                                              "windows": [window(zone, -120, 180, began)]}

    began = time.time()
    opening = (began // 60 + 120) * 60
    world = configured(make_world, change)
    bus = world.bus()
    wait_state(bus, "testing", "off")
    mark = bus.mark()
    page = world.hall.auth("/client1/", headers=BROWSER)
    assert page.status == 403 and page.headers["Content-Type"].startswith("text/html"), page
    assert page.headers["Cache-Control"] == "no-store"
    french = world.hall.auth("/client1/", headers={**BROWSER, "Accept-Language": "fr"})
    assert french.status == 403 and 'lang="fr"' in french.text()
    problem = world.hall.auth("/client1/api", headers=API)
    assert problem.status == 403 and problem.headers["Content-Type"].startswith("application/problem+json")
    words = problem.json()
    assert words["guard"] == "access.windows" and instant(words["until"]) == pytest.approx(opening, abs=1)
    shown = time.strftime("%H:%M", time.gmtime(instant(words["until"]) + 20700))
    assert shown in page.text() or words["until"][:16] in page.text(), (shown, words["until"], page.text()[-2500:])
    assert world.hall.auth("/client1/", headers=BROWSER, path="/auth/nginx").status in (401, 403)
    told = bus.wait_json("hall/event", mark, event_type="access_refused").json()
    assert "access.windows" in told["detail"] or "window" in told["detail"], told
    assert world.hall.auth("/", host="erp.localhost", headers=BROWSER).status == 503, "otherwise on_demand lets in"
    world.sims["erp"].wait("frame", 15)
    assert world.sims["testing"].count("frame") == 0
    id, mark = command(bus, "testing", "wake")
    result(bus, "testing", id, "done", mark, 60)
    assert world.hall.auth("/client1/", headers=BROWSER).status == 403, "closed, though the server is up"


# Settings from the bus

def test_policy_set_is_obeyed_remembered_and_undone(make_world):
    world = make_world()
    bus, sim = world.bus(), world.sims["testing"]
    wait_state(bus, "testing", "off")
    mark = bus.mark()
    bus.publish(topic("testing", "policy/set"), "always_on")
    answer_of(bus, "testing", "policy", mark, "done")
    changed = wait_event(bus, "testing", "policy_changed", mark)
    assert "always_on" in changed["detail"] and " by " in changed["detail"]
    wait_state(bus, "testing", "ready", 60)
    assert status(bus, "testing")["policy"] == "always_on"
    wait_lease(bus, "testing", "always_on")
    bus.wait_json(topic("testing", "config"), mark, policy="always_on")

    world.hall.kill()
    mark = bus.mark()
    world.hall.start()
    bus.wait_text("hall/status", "online", mark, 60)
    wait_status(bus, "testing", lambda s: s["policy"] == "always_on" and s["state"] == "ready", 20)
    wait_lease(bus, "testing", "always_on")

    mark = bus.mark()
    bus.publish(topic("testing", "policy/set"), "")
    answer_of(bus, "testing", "policy", mark, "done")
    wait_no_lease(bus, "testing", "always_on")
    assert status(bus, "testing")["policy"] == "on_demand"
    world.hall.stop()
    mark = bus.mark()
    world.hall.start()
    bus.wait_text("hall/status", "online", mark, 60)
    bus.wait(topic("testing", "status"), lambda m: m.json()["policy"] == "on_demand", mark, 10)
    assert sim.count("crashed") == 0


def test_policy_set_to_on_demand_lets_an_always_on_server_sleep(make_world):
    world = configured(make_world, policy(mode="always_on", idle="1s"))
    bus = world.bus()
    wait_state(bus, "testing", "ready", 60)
    bus.publish(topic("testing", "policy/set"), "on_demand")
    wait_no_lease(bus, "testing", "always_on")
    wait_state(bus, "testing", "off", 60)
    bus.publish(topic("testing", "policy/set"), "always_on")
    wait_state(bus, "testing", "ready", 60)


@pytest.mark.parametrize("word", ["sometimes", "ALWAYS ON", "{}", "always_on\x00", "x" * 5000])
def test_an_unknown_policy_is_refused_with_what_is_allowed(world, bus, word):
    mark = bus.mark()
    bus.publish(topic("testing", "policy/set"), word)
    assert "always_on, scheduled, on_demand" in answer_of(bus, "testing", "policy", mark, "refused")["reason"]


def test_scheduled_without_windows_is_refused(world, bus):
    mark = bus.mark()
    bus.publish(topic("testing", "policy/set"), "scheduled")
    assert "windows" in answer_of(bus, "testing", "policy", mark, "refused")["reason"]


def test_a_retained_policy_is_refused_and_cleared(world, bus):
    mark = bus.mark()
    bus.publish(topic("testing", "policy/set"), "always_on", retain=True)
    assert "retained" in answer_of(bus, "testing", "policy", mark, "refused")["reason"]
    barrier(bus)
    late = world.bus(topics=["hall/servers/testing/policy/set", "hall/status"])
    late.wait_text("hall/status", "online")
    assert late.last(topic("testing", "policy/set")) is None


def test_idle_set_counts_from_then_on_and_is_remembered(make_world):
    world = make_world()
    bus = world.bus()
    wait_state(bus, "erp", "off")
    mark = bus.mark()
    bus.publish(topic("erp", "idle/set"), "7")
    answer_of(bus, "erp", "idle", mark, "done")
    bus.wait_json(topic("erp", "config"), mark, idle_s=420)
    assert "7" in wait_event(bus, "erp", "policy_changed", mark)["detail"]
    world.hall.auth("/", host="erp.localhost", headers=BROWSER)
    lease = wait_lease(bus, "erp", "visit")
    assert instant(lease["until"]) - instant(lease["since"]) == pytest.approx(420, abs=2)
    world.hall.kill()
    mark = bus.mark()
    world.hall.start()
    bus.wait_text("hall/status", "online", mark, 60)
    barrier(bus)
    assert bus.last(topic("erp", "config")).json()["idle_s"] == 420
    for word in ("0", "-3", "10081", "99999999999999999999", "soon", "1.5"):
        mark = bus.mark()
        bus.publish(topic("erp", "idle/set"), word)
        answer_of(bus, "erp", "idle", mark, "refused")


# Holds

def test_keep_awake_holds_for_ever_and_lets_go(make_world):
    world = make_world(idle="1s")
    bus = world.bus()
    wait_state(bus, "testing", "off")
    mark = bus.mark()
    bus.publish(topic("testing", "keep_awake/set"), "ON")
    answer_of(bus, "testing", "keep_awake", mark, "done")
    wait_state(bus, "testing", "ready", 60)
    assert wait_lease(bus, "testing", "hold", holder="keep_awake")["until"] is None
    bus.wait_json(topic("testing", "config"), mark, keep_awake=True)
    world.hall.kill()
    mark = bus.mark()
    world.hall.start()
    bus.wait_text("hall/status", "online", mark, 60)
    wait_lease(bus, "testing", "hold", holder="keep_awake")
    assert bus.last(topic("testing", "config")).json()["keep_awake"] is True
    id, mark = command(bus, "testing", "sleep")
    assert "keep_awake" in result(bus, "testing", id, "refused", mark)["reason"]
    bus.publish(topic("testing", "keep_awake/set"), "OFF")
    answer_of(bus, "testing", "keep_awake", mark, "done")
    wait_state(bus, "testing", "off", 60)


def test_hold_wakes_keeps_awake_and_says_why(make_world):
    world = make_world(idle="1s")
    bus = world.bus()
    wait_state(bus, "testing", "off")
    mark = bus.mark()
    bus.publish(topic("testing", "hold/backup"), {"for": "2h", "reason": "nightly backup", "by": "cron"})
    answer_of(bus, "testing", "hold", mark, "done")
    assert "backup" in wait_event(bus, "testing", "hold", mark)["detail"]
    wait_state(bus, "testing", "ready", 60)
    lease = wait_lease(bus, "testing", "hold", holder="backup")
    assert lease["label"] == "nightly backup"
    assert instant(lease["until"]) - instant(lease["since"]) == pytest.approx(7200, abs=1)
    why = status(bus, "testing")["awake_because"]
    assert "backup" in why and "until" in why
    id, mark = command(bus, "testing", "sleep")
    assert "backup" in result(bus, "testing", id, "refused", mark)["reason"]
    bus.publish(topic("testing", "hold/backup"), {"for": "3h", "reason": "longer"})
    wait_status(bus, "testing", lambda s: [x["label"] for x in s["leases"] if x["kind"] == "hold"] == ["longer"], 15)
    bus.publish(topic("testing", "hold/backup"), "")
    answer_of(bus, "testing", "release", mark, "done")
    wait_event(bus, "testing", "release", mark)
    wait_state(bus, "testing", "off", 60)
    mark = bus.mark()
    bus.publish(topic("testing", "hold/backup"), "")
    assert "no hold" in answer_of(bus, "testing", "release", mark, "refused")["reason"]


def test_hold_ends_by_itself(make_world):
    world = make_world(idle="1s")
    bus = world.bus()
    wait_state(bus, "testing", "off")
    bus.publish(topic("testing", "hold/short"), {"for": "4s", "reason": "a moment"})
    lease = next(x for x in bus.wait(topic("testing", "status"), lambda m: m.json()["leases"]).json()["leases"] if x["holder"] == "short")
    requested = wait_event(bus, "testing", "sleep_requested", limit=20)
    assert instant(requested["at"]) >= instant(lease["until"]) - 1
    wait_state(bus, "testing", "off", 60)


def test_retained_hold_lives_until_its_end_through_a_restart_without_a_store(make_world):
    world = make_world()
    bus = world.bus()
    wait_state(bus, "testing", "off")
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    bus.publish(topic("testing", "hold/job"), {"until": until, "reason": "retained job"}, retain=True)
    lease = wait_lease(bus, "testing", "hold", holder="job")
    assert instant(lease["until"]) == pytest.approx(instant(until), abs=1)
    wait_state(bus, "testing", "ready", 60)
    world.hall.kill()
    for file in world.hall.directory.glob("hall.db*"):
        file.unlink()
    mark = bus.mark()
    world.hall.start()
    bus.wait_text("hall/status", "online", mark, 60)
    bus.wait(topic("testing", "status"), lambda m: any(x["holder"] == "job" for x in m.json()["leases"]), mark, 10)
    assert instant(wait_lease(bus, "testing", "hold", holder="job")["until"]) == pytest.approx(instant(until), abs=1)
    bus.publish(topic("testing", "hold/job"), "", retain=True)
    wait_no_lease(bus, "testing", "hold")


def test_retained_hold_for_a_time_does_not_begin_anew_at_each_start(make_world):
    world = make_world()
    bus = world.bus()
    asleep(bus, "testing")
    begun = time.time()
    bus.publish(topic("testing", "hold/job"), {"for": "1h", "reason": "retained job"}, retain=True)
    lease = wait_lease(bus, "testing", "hold", holder="job")
    assert begun - 1 <= instant(lease["until"]) - 3600 <= time.time()
    late = world.bus(topics=["hall/servers/testing/hold/+"])
    kept = late.wait(topic("testing", "hold/job"), lambda m: "until" in m.text()).json()
    assert kept["reason"] == "retained job"
    assert instant(kept["until"]) == pytest.approx(instant(lease["until"]), abs=2)
    # Released without -r it is not there for the next start either.
    bus.publish(topic("testing", "hold/job"), "")
    wait_no_lease(bus, "testing", "hold")
    barrier(bus)
    later = world.bus(topics=["hall/servers/testing/hold/+", "hall/status"])
    later.wait_text("hall/status", "online")
    assert later.last(topic("testing", "hold/job")) is None


@pytest.mark.parametrize("how", ["by force", "by another", "by the API"])
def test_a_retained_hold_that_is_released_does_not_come_back(make_world, how):
    world = make_world(start=False)
    world.hall.secrets |= {"HALL_API_KEY": KEY}
    world.start()
    bus = world.bus()
    awake(bus, "testing")
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    bus.publish(topic("testing", "hold/job"), {"until": until, "reason": "retained job"}, retain=True)
    wait_lease(bus, "testing", "hold", holder="job")
    if how == "by force":
        id, mark = command(bus, "testing", "sleep", force=True)
        result(bus, "testing", id, "done", mark, 60)
    elif how == "by another":
        bus.publish(topic("testing", "hold/job"), "")
    else:
        Api(world.hall).do("DELETE", "/servers/testing/holds/job")
    wait_no_lease(bus, "testing", "hold")
    barrier(bus)
    mark = bus.mark()
    world.hall.kill()
    world.hall.start()
    bus.wait_text("hall/status", "online", mark, 60)
    barrier(bus)
    wait_no_lease(bus, "testing", "hold")
    assert not events(bus, "testing", "hold", mark)
    later = world.bus(topics=["hall/servers/testing/hold/+", "hall/status"])
    later.wait_text("hall/status", "online")
    assert later.last(topic("testing", "hold/job")) is None


@pytest.mark.parametrize(
    ("payload", "retain", "words"),
    [
        ({"reason": "for ever"}, False, "needs an end"),
        ({"for": "1h", "until": "SOON"}, False, "both"),
        ({"until": "2020-01-01T00:00:00Z"}, False, "over"),
        ({"until": "2020-01-01T00:00:00Z"}, True, "over"),
        ({"reason": "for ever"}, True, "needs an end"),
        ({"for": "31d"}, False, "30d"),
        ({"for": "99999999999999999999h"}, False, "30d"),
        ({"for": "-1h"}, False, "duration"),
        ({"for": 3600}, False, "duration"),
        ({"until": "tomorrow"}, False, "time"),
        ({"for": "1h", "name": "x"}, False, "unknown"),
        ("2h", False, "JSON"),
    ],
    ids=str,
)
def test_holds_that_are_refused(world, bus, payload, retain, words):
    if isinstance(payload, dict) and payload.get("until") == "SOON":
        payload = {**payload, "until": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))}
    asleep(bus, "testing")
    mark = bus.mark()
    bus.publish(topic("testing", "hold/bad"), payload, retain=retain)
    assert words in answer_of(bus, "testing", "hold", mark, "refused")["reason"]
    barrier(bus)
    assert not leases(bus, "testing", "hold") and state_of(bus, "testing") == "off"
    if retain:
        late = world.bus(topics=["hall/servers/testing/hold/+", "hall/status"])
        late.wait_text("hall/status", "online")
        assert late.last(topic("testing", "hold/bad")) is None, "it was cleared"


def test_wake_for_a_time(make_world):
    world = make_world(idle="1s")
    bus = world.bus()
    wait_state(bus, "testing", "off")
    id, mark = command(bus, "testing", "wake", by="anna", **{"for": "40m"})
    result(bus, "testing", id, "done", mark, 60)
    lease = wait_lease(bus, "testing", "manual", holder="anna")
    assert instant(lease["until"]) - instant(lease["since"]) == pytest.approx(2400, abs=20)
    assert "anna" in status(bus, "testing")["awake_because"]
    id, mark = command(bus, "testing", "sleep", by="anna")
    result(bus, "testing", id, "done", mark, 60)
    wait_state(bus, "testing", "off", 60)


def test_awake_because_and_next_event_tell_the_truth(make_world):
    world = make_world()
    bus = world.bus()
    wait_state(bus, "testing", "off")
    mark = bus.mark()
    world.hall.auth("/client1/", headers=BROWSER)
    found = bus.wait(topic("testing", "status"), lambda m: m.json()["state"] in ("waking", "booting"), mark).json()
    assert found["next_event"]["what"] in ("ready", "wake_deadline") and "client1" in found["next_event"]["reason"]
    wait_state(bus, "testing", "ready", 60)
    awake(bus, "testing")
    found = wait_status(bus, "testing", lambda s: (s["next_event"] or {}).get("what") == "sleep", 15)
    assert found["next_event"]["at"] == found["awake_until"]
    assert "client1" in found["awake_because"]
    api = world.hall.get("/.hall/status?path=/client1/", host="testing.localhost").json()
    assert api["state"] == "ready"
