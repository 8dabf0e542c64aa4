"""Hall replaced by a newer one on the same store, and by the older one again. The older one is that of the commit below, built once
from this repository's history and kept in ${XDG_CACHE_HOME:-~/.cache}/hall."""

import fcntl
import os
import shutil
import subprocess
import tempfile

import pytest
from helpers import answer_of, barrier, command, result, topic, wait_lease, wait_state, wait_status
from peers import cache
from test_admin import PASSWORD, Visitor
from world import BROWSER, ROOT

pytestmark = pytest.mark.history
OLD = "4f84343443ccbf44aa5f26a66a165d7d9a285862"


def build(folder):
    """Its daemon alone."""
    with tempfile.TemporaryDirectory(prefix="hall-old-") as place:
        archive = subprocess.run(["git", "-c", f"safe.directory={ROOT}", "-C", ROOT, "archive", OLD], check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", place], input=archive, check=True)
        for words in (["cmake", "-S", place, "-B", f"{place}/b", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug", "-DHALL_TESTS=OFF"],
                      ["cmake", "--build", f"{place}/b", "--target", "hall"]):
            subprocess.run(words, check=True, capture_output=True)
        shutil.copy(f"{place}/b/bin/hall", folder / "new")
    os.replace(folder / "new", folder / "hall")


@pytest.fixture(scope="module")
def old():
    folder = cache() / f"release-{OLD[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "hall").exists():
            build(folder)
    return folder / "hall"


class Site:
    """One world whose Hall is now this program, now that one."""

    def __init__(self, world, new):
        self.world, self.new = world, new
        self.bus = None

    def run(self, program):
        hall = self.world.hall
        mark = self.bus.mark() if self.bus else 0
        if hall.process and hall.process.alive():
            assert hall.stop(60) == 0
            self.bus.wait_text("hall/status", "offline", mark, 60)
        hall.binary = program
        mark = self.bus.mark() if self.bus else 0
        hall.start()
        self.bus = self.bus or self.world.bus()
        self.bus.wait_text("hall/status", "online", mark, 60)
        return mark


@pytest.fixture
def site(make_world, binary):
    world = make_world(start=False)
    world.hall.secrets = {"ADMIN_PASSWORD": PASSWORD}
    world.hall.write({**world.hall.config, "http": {**world.hall.config["http"], "admin_hosts": ["hall.lan"]}})
    world.broker.start()
    for server in ("testing", "erp"):
        world.add_sim(server)
    yield Site(world, binary)
    world.hall.binary = binary


def promise(site):
    """A hold, a setting, and a wake that is under way."""
    bus = site.bus
    for server in ("testing", "erp"):
        wait_state(bus, server, "off")
    mark = bus.mark()
    bus.publish(topic("erp", "hold/backup"), {"for": "2h", "reason": "nightly", "id": "h1"})
    answer_of(bus, "erp", "hold", mark, "done")
    bus.publish(topic("erp", "idle/set"), "33")
    answer_of(bus, "erp", "idle", mark, "done")
    site.world.sims["testing"].tell("deaf on")
    id, mark = command(bus, "testing", "wake", by="anna")
    result(bus, "testing", id, "accepted", mark)
    wake = wait_status(bus, "testing", lambda s: s["wake"])["wake"]
    return wait_lease(bus, "erp", "hold", holder="backup"), id, wake


def check(site, hold, wake):
    """All of it lives on; what the older one cannot keep yet, a login, begins. Returns who logged in."""
    bus, visitor = site.bus, Visitor(site.world.hall)
    barrier(bus)
    assert wait_lease(bus, "erp", "hold", holder="backup")["until"] == hold["until"]
    assert visitor.login().status == 200
    site.world.bus().wait_json(topic("erp", "config"), 0, idle_s=33 * 60)
    now = wait_status(bus, "testing", lambda s: s["wake"])
    assert now["state"] == "waking" and now["wake"]["id"] == wake["id"] and now["wake"]["deadline"] == wake["deadline"]
    return visitor


def test_an_upgrade_keeps_hold_setting_and_open_wake_and_from_then_on_sessions(site, old):
    site.run(old)
    hold, id, wake = promise(site)
    site.run(site.new)
    visitor = check(site, hold, wake)
    mark = site.run(site.new)  # as the next upgrade does
    assert visitor.is_in() and visitor.change().status == 404  # its CSRF token holds too: the server is unknown, not the visitor
    check(site, hold, wake)
    site.world.sims["testing"].tell("deaf off")
    assert result(site.bus, "testing", id, "done", mark)
    wait_state(site.bus, "testing", "ready", 60)


def test_an_older_hall_leaves_the_newer_store_alone_and_says_what_to_do(site, old):
    site.run(old)
    hold, _id, wake = promise(site)
    site.run(site.new)
    visitor = check(site, hold, wake)
    site.world.hall.stop(60)
    folder = site.world.hall.directory
    before = (folder / "hall.db").read_bytes()
    said = len(site.world.hall.log_text())
    site.run(old)
    # The sites stay open; nothing of the file is used.
    assert site.world.hall.auth("/client1/", headers=BROWSER).status == 503
    site.bus.wait_json("hall/event", 0, 60, event_type="store_problem")
    log = site.world.hall.log_text()[said:]
    assert "was written by a newer version of Hall and is left alone" in log and "Run that version" in log, log
    assert site.world.hall.stop(60) == 0
    assert (folder / "hall.db").read_bytes() == before
    site.run(site.new)
    assert visitor.is_in()
    check(site, hold, wake)
