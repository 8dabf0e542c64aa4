"""What Hall makes of a damaged database: holds are kept, the sites are served, and everybody is told what was saved and what was not."""
import contextlib
import os
import shutil
import sqlite3

import pytest
from helpers import answer_of, awake, hall_event, topic, wait_lease, wait_state
from process import wait_until
from test_hallctl import Ctl
from test_last_good import KEY, info
from world import BROWSER

PAGE = 1024


def held(make_world):
    """Hall with a hold that is on the disk; then it is killed, and a nightly copy made of its store."""
    world = make_world(start=False)
    world.hall.secrets = {"HALL_API_KEY": KEY}
    world.broker.start()
    world.add_sim("testing")
    bus = world.bus()
    world.hall.start()
    wait_state(bus, "testing", "off", 60)
    awake(bus, "testing")
    mark = bus.mark()
    bus.publish(topic("testing", "hold/backup"), {"for": "2h", "reason": "nightly", "id": "h1"})
    answer_of(bus, "testing", "hold", mark, "done")
    hold = wait_lease(bus, "testing", "hold", holder="backup")
    world.hall.kill()
    database = world.hall.directory / "hall.db"
    with contextlib.closing(sqlite3.connect(database)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute(f"VACUUM INTO '{database}.backup.2026-11-28'")
    return world, bus, database, hold


def all_damaged(path):
    path.write_bytes(b"SQLite format 3\x00" + os.urandom(path.stat().st_size))


def first_page_zeroed(path):
    with open(path, "r+b") as file:
        file.write(bytes(PAGE))


@pytest.mark.parametrize("spoil, code", [(all_damaged, "store.lost"), (first_page_zeroed, "store.salvaged")])
def test_a_hold_survives_and_everybody_is_told(make_world, tmp_path, spoil, code):
    world, bus, database, hold = held(make_world)
    spoil(database)
    mark, said = bus.mark(), len(world.hall.log_text())
    world.hall.start()
    told = hall_event(bus, "store_problem", mark, 20)
    fact = told["detail_fact"]
    aside = next(p.name for p in database.parent.glob("hall.db.corrupt.*Z"))
    assert fact["code"] == code and fact["file"] == aside and aside in told["detail"]
    if code == "store.lost":
        assert fact["cause"]["code"] == "store.copied" and fact["cause"]["copy"] == "hall.db.backup.2026-11-28"
    again = wait_lease(bus, "testing", "hold", holder="backup")
    assert (again["since"], again["label"]) == (hold["since"], hold["label"])
    assert world.hall.auth("/client1/", headers=BROWSER).status in (200, 503)
    # Once the history has been gone through too, all of it is in one sentence, for a week.
    bus.wait("hall/event", lambda m: (m.json().get("detail_fact") or {}).get("code") == "store.history", mark, 20)
    bus.wait("hall/info", lambda m: "store.history" in m.text(), mark, 10)
    shown = bus.last("hall/info").json()
    assert shown["store_salvaged_fact"]["code"] == code and aside in shown["store_salvaged"]
    assert info(world)["store_salvaged"] == shown["store_salvaged"] and info(world)["store_salvaged_fact"] == shown["store_salvaged_fact"]
    assert aside in world.hall.log_text()[said:]
    ctl = Ctl(world.hall.binary, world.broker, tmp_path)
    assert aside in ctl.said("status")
    assert "la base de données était endommagée" in ctl.said("status", LC_ALL="fr_FR.UTF-8")
    # A restart says it no second time, and still shows it.
    mark = bus.mark()
    world.hall.stop()
    world.hall.start()
    bus.wait_text("hall/status", "online", mark, 60)
    wait_lease(bus, "testing", "hold", holder="backup")
    wait_until(lambda: (bus.last("hall/info").json()["store_salvaged_fact"] or {}).get("code") == code, 10, "it on the bus")
    assert not [m for m in bus.heard("hall/event", mark) if m.json()["event_type"] == "store_problem"]


def test_a_directory_in_its_place_costs_no_hold(make_world):
    world, bus, database, hold = held(make_world)
    database.unlink()
    database.mkdir()
    mark = bus.mark()
    world.hall.start()
    assert "is not a file" in hall_event(bus, "store_problem", mark, 20)["detail"]
    assert wait_lease(bus, "testing", "hold", holder="backup")["since"] == hold["since"]
    shutil.rmtree(database)
