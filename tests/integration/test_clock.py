"""The wall clock of Hall's machine is set while it runs, as on a Pi without a clock when the network comes: schedules follow it,
whatever was measured in time passed does not."""

import os
import subprocess
import time
from datetime import datetime, timezone

import pytest
from clocks import Clock
from helpers import (barrier, command, configured, events, instant, newest, reload, result, state_of, steady, wait_event, wait_lease, wait_no_lease,
                     wait_state, wait_status, window)
from test_hallctl import Ctl
from world import BROWSER

ZONE = steady("Europe/Paris")
HOUR = 3600
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


@pytest.fixture
def place(make_world):
    """testing has hours that begin in two hours and last one; erp is on demand."""

    def change(_servers, domains):
        domains["testing.localhost"]["policy"] = {"mode": "scheduled", "timezone": ZONE, "idle": "1s", "windows": [window(ZONE, -120, 180)]}

    world = configured(make_world, change, start=False)
    clock = Clock(world)
    world.start()
    bus = world.bus()
    wait_state(bus, "testing", "off")
    wait_state(bus, "erp", "off")
    return world, clock, bus


def test_forward_into_the_hours_and_back_out_of_them(place):
    world, clock, bus = place
    id, mark = command(bus, "erp", "wake", **{"for": "10m"})
    result(bus, "erp", id, "done", mark, 60)
    # Its time counts from when the server is there.
    lease = wait_status(bus, "erp", lambda s: s["state"] == "ready" and s["leases"], what="ready")["leases"][0]
    clock.add(2 * HOUR + HOUR // 2)
    assert wait_event(bus, "testing", "wake_requested", mark)["detail"] == "schedule of testing.localhost"
    wait_state(bus, "testing", "ready", 60)
    wait_lease(bus, "testing", "schedule")
    # Ten minutes are ten minutes: on the new clock they end as much later.
    wait_status(bus, "erp", lambda s: s["leases"] and abs(instant(s["leases"][0]["until"]) - instant(lease["until"]) - 2.5 * HOUR) <= 2,
                what="the end of ten minutes by the new clock")
    assert state_of(bus, "erp") == "ready"
    assert world.hall.auth("/", host="erp.localhost", headers=BROWSER).status == 200
    mark = bus.mark()
    clock.add(0)
    wait_no_lease(bus, "testing", "schedule")
    wait_event(bus, "testing", "sleep_requested", mark, 60)
    wait_state(bus, "testing", "off", 60)
    assert state_of(bus, "erp") == "ready" and not events(bus, "erp", "sleep_requested", mark)


def test_years_back_and_forth_in_the_middle_of_a_wake(place):
    world, clock, bus = place
    sim = world.sims["erp"]
    sim.tell("deaf on")
    id, mark = command(bus, "erp", "wake")
    sim.wait("frame", 60)
    for seconds in (-400 * 86400, 400 * 86400, 0):
        clock.add(seconds)
        barrier(bus)
        assert state_of(bus, "erp") == "waking" and state_of(bus, "testing") in ("off", "waking", "booting", "ready", "sleeping")
    sim.tell("deaf off")
    done = result(bus, "erp", id, "done", mark, 60)
    assert 0 < done["seconds"] < 60
    assert len(events(bus, "erp", "wake_requested", mark)) == 1


class Unsynchronised:
    """A machine whose time service says nothing yet; rtc: what its hardware clock shows, beside the test's."""

    def __init__(self, make_world, rtc=None, **config):

        def change(_servers, domains):
            domains["testing.localhost"]["policy"] = {"mode": "scheduled", "timezone": ZONE, "windows": [window(ZONE, 60, 120)]}

        self.world = world = configured(make_world, change, start=False)
        world.hall.write({**world.hall.config, **config})
        self.clock = Clock(world)
        script = ["mount -t tmpfs tmpfs /run", "mkdir -p /run/systemd/timesync", "mount -t tmpfs tmpfs /sys/class"]
        if rtc is not None:
            script += ["mkdir -p /sys/class/rtc/rtc0", f"echo {int(time.time()) + rtc} >/sys/class/rtc/rtc0/since_epoch"]
        self.argv = ["unshare", "-m", "--propagation", "private", "sh", "-ec", "\n".join([*script, 'exec "$@"']), "sh"]
        world.broker.start()
        for id in world.described:
            world.add_sim(id)
        world.hall.start(argv=self.argv)
        self.bus = world.bus()
        wait_state(self.bus, "testing", "off")

    def synchronise(self):
        pid = str(self.world.hall.process.pid)
        subprocess.run(["nsenter", "-m", "-t", pid, "touch", "/run/systemd/timesync/synchronized"], check=True)

    def pass_minutes(self, minutes):
        self.clock.pass_by(self.bus, minutes * 60, step=30)

    def info(self, code, limit=20):
        """hall/info, once its clock_problem has this code (None: there is none)."""
        return self.bus.wait("hall/info", lambda m: (m.json()["clock_problem_fact"] or {}).get("code") == code, limit=limit).json()


@needs_root
def test_schedules_wait_until_the_clock_is_synchronised(make_world, tmp_path):
    """Where systemd-timesyncd runs, its mark is waited for; visitors and commands are not kept waiting by that. What waits is told."""
    place = Unsynchronised(make_world, clock={"trust": "synchronised"})
    world, bus = place.world, place.bus
    waits = place.info("clock.waits")
    assert waits["clock_trusted"] is False and "not synchronised" in waits["clock_problem"]
    id, mark = command(bus, "erp", "wake")
    result(bus, "erp", id, "done", mark, 60)
    place.pass_minutes(7)
    assert state_of(bus, "testing") == "off" and world.sims["testing"].count("frame") == 0
    wait_status(bus, "testing", lambda s: (s["problem_fact"] or {}).get("code") == "clock.schedule", what="that its hours wait")
    assert wait_status(bus, "erp", lambda s: s["state"] == "ready", what="ready")["problem"] is None
    assert "the clock of Hall's machine is not synchronised" in world.hall.log_text()
    assert "is not synchronised" in Ctl(world.hall.binary, world.broker, tmp_path).said("status")
    mark = bus.mark()
    place.synchronise()
    assert wait_event(bus, "testing", "wake_requested", mark, limit=60)["detail"] == "schedule of testing.localhost"
    wait_state(bus, "testing", "ready", 60)
    bus.wait_json("hall/info", mark, clock_trusted=True, clock_problem=None)
    wait_status(bus, "testing", lambda s: s["problem"] is None, what="no problem")


@needs_root
@pytest.mark.parametrize("rtc", [None, 3], ids=["without", "with"])
def test_a_plausible_clock_is_used(make_world, rtc):
    """No network, so no time service: after five minutes schedules follow the clock all the same, and it is told why."""
    place = Unsynchronised(make_world, rtc if rtc is None else rtc + 300)
    bus = place.bus
    place.info("clock.waits")
    place.pass_minutes(4)
    assert state_of(bus, "testing") == "off" and place.world.sims["testing"].count("frame") == 0
    place.pass_minutes(1)
    assert wait_event(bus, "testing", "wake_requested", limit=60)["detail"] == "schedule of testing.localhost"
    assert place.info("clock.plausible")["clock_trusted"] is True
    place.synchronise()
    assert place.info(None)["clock_trusted"] is True


@needs_root
def test_a_clock_that_something_speaks_against(make_world):
    """Its hardware clock shows another time: schedules wait, until the owner says otherwise. What he sets holds at once."""
    place = Unsynchronised(make_world, 2 * HOUR)
    bus, world = place.bus, place.world
    place.pass_minutes(6)
    assert place.info("clock.apart")["clock_trusted"] is False and world.sims["testing"].count("frame") == 0
    world.hall.write({**world.hall.config, "clock": {"trust": "always"}})
    reload(world, bus)
    assert wait_event(bus, "testing", "wake_requested", limit=60)["detail"] == "schedule of testing.localhost"
    assert place.info(None)["clock_trusted"] is True


@needs_root
def test_retained_holds_before_the_clock_is_known(make_world):
    """A Pi wakes up in the past, or in the future: what the broker keeps for a time to come is neither refused nor cleared."""
    place = Unsynchronised(make_world, clock={"trust": "synchronised"})
    bus, topic = place.bus, "hall/servers/erp/hold/move"
    place.clock.add(400 * 86400)
    barrier(bus)
    end = time.time() + 5 * HOUR
    bus.publish(topic, {"until": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end))}, retain=True)
    wait_lease(bus, "erp", "hold", holder="move")
    mark = bus.mark()
    place.world.hall.kill()
    place.world.hall.start(argv=place.argv)
    bus.wait_text("hall/status", "online", mark, 60)
    wait_lease(bus, "erp", "hold", holder="move")
    place.clock.add(0)
    place.synchronise()
    bus.wait_json("hall/info", mark, limit=60, clock_trusted=True)
    wait_status(bus, "erp", lambda s: any(x["holder"] == "move" and abs(instant(x["until"]) - end) <= 3 for x in s["leases"]), 60, what="its end")
    assert not [m for m in bus.heard(topic) if not m.payload], "it was not cleared"


def wait_ends(bus, after=0, **wanted):
    """The holds of erp, and their ends by the wall clock."""

    def holds(status):
        return {x["holder"]: instant(x["until"]) for x in status["leases"] if x["kind"] == "hold"}

    def fits(status):
        now = holds(status)
        return len(now) == 3 and all(abs(now[name] - at) <= 3 for name, at in wanted.items())

    return holds(wait_status(bus, "erp", fits, after=after, what=f"holds with these ends: {wanted}"))


@pytest.mark.parametrize("hours", [3, -3])
def test_killed_and_the_clock_set_in_between(place, hours):
    """Two hours are two hours, here and on the broker; until an instant is until that instant. Without a kill as with one."""
    world, clock, bus = place
    kept = "hall/servers/erp/hold/kept"
    named = clock.now() + 10 * HOUR
    bus.publish("hall/servers/erp/hold/span", {"for": "2h"})
    bus.publish("hall/servers/erp/hold/named", {"until": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(named))})
    bus.publish(kept, {"for": "2h", "reason": "backup"}, retain=True)
    before = wait_ends(bus)
    wait_state(bus, "erp", "ready", 60)

    def told(at):
        bus.wait(kept, lambda m: b"until" in m.payload and abs(instant(m.json()["until"]) - at) <= 3 and m.json()["reason"] == "backup")

    def all_hold(shift, after):
        wait_ends(bus, after, named=named, span=before["span"] + shift, kept=before["kept"] + shift)
        told(before["kept"] + shift)

    told(before["kept"])
    world.hall.kill()
    mark = bus.mark()
    clock.add(hours * HOUR, heard=False)
    world.hall.start()
    bus.wait_text("hall/status", "online", mark, 60)
    all_hold(hours * HOUR, mark)
    mark = bus.mark()
    clock.add(hours * HOUR // 3)
    all_hold(hours * HOUR // 3, mark)
    # What stands on the disk and on the broker is by the new clock: that of another boot would read it right.
    world.hall.kill()
    mark = bus.mark()
    world.hall.start()
    bus.wait_text("hall/status", "online", mark, 60)
    all_hold(hours * HOUR // 3, mark)
    bus.publish("hall/servers/erp/hold/kept", "", retain=True)
    wait_status(bus, "erp", lambda s: not any(x["holder"] == "kept" for x in s["leases"]), what="its release")


def far(date):
    return datetime.fromisoformat(date + "+00:00").timestamp()


@pytest.mark.parametrize("date", ["2038-01-19T03:13:40", "2040-06-15T09:00:00", "2100-03-01T09:00:00"])
def test_far_dates(make_world, tmp_path, date):
    """Beyond 32 bits: schedules, commands, holds, statistics and hallctl, and no flood in the log. The first passes the end itself."""
    zone, start = "Europe/Paris", far(date)

    def change(_servers, domains):
        domains["testing.localhost"]["policy"] = {"mode": "scheduled", "timezone": zone, "idle": "1s",
                                                  "windows": [window(zone, 60, 120, start)], "except": [date[:4] + "-12-25"]}

    world = configured(make_world, change, start=False)
    clock = Clock(world)
    world.hall.secrets |= {"HALL_API_KEY": "k" * 32}
    clock.add(int(start - time.time()), heard=False)
    world.start()
    bus = world.bus()
    wait_lease(bus, "testing", "schedule")
    wait_state(bus, "testing", "ready", 60)
    until = wait_lease(bus, "testing", "schedule")["until"]
    assert abs(instant(until) - start - 2 * HOUR) <= 60
    id, mark = command(bus, "erp", "wake", **{"for": "10m"})
    result(bus, "erp", id, "done", mark, 60)
    said = wait_status(bus, "erp", lambda s: s["state"] == "ready" and s["leases"], what="ready")
    assert abs(instant(said["since"]) - clock.now()) < 60 and abs(instant(said["leases"][0]["until"]) - clock.now() - 600) < 60
    assert instant(newest(bus, "hall/info")["started"]) >= start - 60
    ctl = Ctl(world.hall.binary, world.broker, tmp_path)
    at = datetime.fromtimestamp(clock.now() + 3 * HOUR, timezone.utc).strftime("%Y-%m-%d %H:%M")
    ctl.run("hold", "erp", "backup", "--until", at, TZ="UTC", **clock.others)
    hold = wait_lease(bus, "erp", "hold", holder="backup")
    assert abs(instant(hold["until"]) - clock.now() - 3 * HOUR) <= 120
    assert "backup holds it" in ctl.said("why", "erp", **clock.others)
    clock.pass_by(bus, 15 if date.startswith("2038") else 2)
    clock.add(clock.set + 60)
    barrier(bus)
    figures = world.hall.ask_admin("/api/v1/statistics", {"X-API-Key": "k" * 32}, "GET", "localhost", timeout=15)
    assert figures.status == 200 and figures.json()["servers"], figures.body
    mark = bus.mark()
    world.hall.kill()
    world.hall.start()
    bus.wait_text("hall/status", "online", mark, 60)
    assert abs(instant(wait_lease(bus, "erp", "hold", holder="backup")["until"]) - instant(hold["until"])) <= 2
    assert len(world.hall.log_text().splitlines()) < 300
