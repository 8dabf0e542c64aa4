"""The wall clock of Hall's machine is set while it runs, as on a Pi without a clock when the network comes: schedules follow it,
whatever was measured in time passed does not."""

import os
import subprocess

import pytest
from clocks import Clock
from helpers import (barrier, command, configured, events, instant, result, state_of, steady, wait_event, wait_lease, wait_no_lease,
                     wait_state, wait_status, window)
from world import BROWSER

ZONE = steady("Europe/Paris")
HOUR = 3600


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
    result(bus, "erp", id, "done", mark, 20)
    # Its time counts from when the server is there.
    lease = wait_status(bus, "erp", lambda s: s["state"] == "ready" and s["leases"], what="ready")["leases"][0]
    clock.add(2 * HOUR + HOUR // 2)
    assert wait_event(bus, "testing", "wake_requested", mark)["detail"] == "schedule of testing.localhost"
    wait_state(bus, "testing", "ready", 20)
    wait_lease(bus, "testing", "schedule")
    # Ten minutes are ten minutes: on the new clock they end as much later.
    wait_status(bus, "erp", lambda s: s["leases"] and abs(instant(s["leases"][0]["until"]) - instant(lease["until"]) - 2.5 * HOUR) <= 2,
                what="the end of ten minutes by the new clock")
    assert state_of(bus, "erp") == "ready"
    assert world.hall.auth("/", host="erp.localhost", headers=BROWSER).status == 200
    mark = bus.mark()
    clock.add(0)
    wait_no_lease(bus, "testing", "schedule")
    wait_event(bus, "testing", "sleep_requested", mark, 30)
    wait_state(bus, "testing", "off", 30)
    assert state_of(bus, "erp") == "ready" and not events(bus, "erp", "sleep_requested", mark)


def test_years_back_and_forth_in_the_middle_of_a_wake(place):
    world, clock, bus = place
    sim = world.sims["erp"]
    sim.tell("deaf on")
    id, mark = command(bus, "erp", "wake")
    sim.wait("frame", 15)
    for seconds in (-400 * 86400, 400 * 86400, 0):
        clock.add(seconds)
        barrier(bus)
        assert state_of(bus, "erp") == "waking" and state_of(bus, "testing") in ("off", "waking", "booting", "ready", "sleeping")
    sim.tell("deaf off")
    done = result(bus, "erp", id, "done", mark, 30)
    assert 0 < done["seconds"] < 60
    assert len(events(bus, "erp", "wake_requested", mark)) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_schedules_wait_until_the_clock_is_synchronised(make_world):
    """Where systemd-timesyncd runs, its mark is waited for; visitors and commands are not kept waiting by that."""

    def change(_servers, domains):
        domains["testing.localhost"]["policy"] = {"mode": "scheduled", "timezone": ZONE, "windows": [window(ZONE, 60, 120)]}

    world = configured(make_world, change, start=False)
    world.broker.start()
    for id in world.described:
        world.add_sim(id)
    script = 'mount -t tmpfs tmpfs /run\nmkdir -p /run/systemd/timesync\nexec "$@"'
    world.hall.start(argv=["unshare", "-m", "--propagation", "private", "sh", "-ec", script, "sh"])
    bus = world.bus()
    wait_state(bus, "testing", "off")
    id, mark = command(bus, "erp", "wake")
    result(bus, "erp", id, "done", mark, 20)
    barrier(bus)
    assert state_of(bus, "testing") == "off" and world.sims["testing"].count("frame") == 0
    subprocess.run(["nsenter", "-m", "-t", str(world.hall.process.pid), "touch", "/run/systemd/timesync/synchronized"], check=True)
    assert wait_event(bus, "testing", "wake_requested", limit=30)["detail"] == "schedule of testing.localhost"
    wait_state(bus, "testing", "ready", 20)
