"""Long use pressed together: thousands of visits and commands, cycles of power, reloads, one after the other. Memory and descriptors stay where they were; a crash at the end takes no more than the last half minute of what was counted.
HALL_SOAK=600 makes ten minutes of it."""

import os
import re
import signal
import sqlite3
import time
from pathlib import Path

import pytest
from helpers import asleep, awake, barrier, command, reload, result, topic, wait_state
from process import wait_until, went_on
from world import BROWSER

LASTS_S = float(os.environ.get("HALL_SOAK", "20"))
WINDOW = 12  # rounds
GROWTH_KB = 64  # of memory of its own from one window to the next; a leak of 50 bytes a visit is more
ROUNDS_MOST = 8 * WINDOW  # by then every worker has done all it can be asked, and what it keeps is there
PATHS = ("/client1/", "/client2/a?b=c", "/nowhere", "/client1/x.png")


def anonymous_kb(pid):
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return int(re.search(r"^Anonymous: +(\d+) kB", rollup, re.M).group(1))


def descriptors(pid):
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def growth(sizes):
    """KB by which the last window of rounds needs more than the one before it: first uses are steps, which end; a leak goes on."""
    kb = [kb for kb, _ in sizes]
    return min(kb[-WINDOW:]) - min(kb[-2 * WINDOW : -WINDOW]) if len(kb) >= 2 * WINDOW else GROWTH_KB + 1


def visit(world, n):
    for i in range(n):
        browser = {**BROWSER, "Accept-Language": ("en", "fr")[i % 2]}
        world.hall.auth(PATHS[i % 4], headers=browser if i % 3 else {"Accept": "application/json"}, client=f"192.0.2.{i % 250}")
        world.hall.get("/.hall/status?path=/client1/", host="testing.localhost")


def round_of_use(world, bus, number):
    """Visits, holds, refused commands, now and then a cycle of power or a reload."""
    visit(world, 60)
    if number % 8 == 0:
        for server in ("testing", "erp"):
            (asleep if number % 16 else awake)(bus, server)
    for i in range(10):
        bus.publish(topic("testing", f"hold/h{i}"), {"for": "1h", "reason": "soak"})
        bus.publish(topic("testing", f"hold/h{i}"), "")
        bus.publish(topic("testing", "command"), {"action": "dance", "id": f"{number}-{i}"})
    barrier(bus)
    if number % 4 == 0:
        reload(world, bus, lambda config: config["servers"]["erp"].update(name=f"ERP {number}"))
    visit(world, 60)


def visits_kept(world):
    with sqlite3.connect(f"file:{world.hall.directory / 'hall.db'}?mode=ro", uri=True) as store:
        return store.execute("SELECT coalesce(sum(n), 0) FROM visits").fetchone()[0]


@pytest.mark.measures
def test_memory_is_flat_and_a_crash_takes_half_a_minute_at_most(make_world):
    world = make_world(namespaces=False, boot_s=0.2)
    bus = world.bus()
    wait_state(bus, "testing", "off")
    pid = world.hall.process.popen.pid
    begun, sizes, number = time.monotonic(), [], 0
    while time.monotonic() - begun < LASTS_S or (growth(sizes) > GROWTH_KB and number < ROUNDS_MOST):
        round_of_use(world, bus, number)
        number += 1
        sizes.append((anonymous_kb(pid), descriptors(pid)))
    print(f"{number} rounds, {number * 120} visits; KB and descriptors: {sizes[:: max(1, number // 12)]}")
    assert max(n for _, n in sizes[-2:]) <= min(n for _, n in sizes[-2 * WINDOW :]) + 4, sizes
    assert growth(sizes) <= GROWTH_KB, sizes

    # It ends in good order.
    mark = bus.mark()
    assert world.hall.stop(limit=10) == 0
    world.hall.start()
    bus.wait_text("hall/status", "online", mark)

    # What was counted is on the disk within half a minute, whatever happens then.
    awake(bus, "testing")
    wait_until(lambda: world.hall.auth("/client1/", headers=BROWSER).status == 200, 10, "passage")
    before, said = visits_kept(world), went_on()
    wait_until(lambda: world.hall.auth("/client1/", headers=BROWSER).status != 200 or visits_kept(world) > before, 35,
               "the visit in the store", pause=0.25)
    took = went_on() - said
    print(f"written after {took:.1f} s")
    assert took <= 30
    world.hall.process.signal(signal.SIGKILL)
    world.hall.process.popen.wait(5)
    assert visits_kept(world) > before
    mark = bus.mark()
    world.hall.start()
    bus.wait_text("hall/status", "online", mark)
    id, mark = command(bus, "erp", "wake")
    result(bus, "erp", id, "done", mark, 20)
