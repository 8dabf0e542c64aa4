"""A configuration that is broken at the start: the sites stay open under the last one Hall ran on, and everybody is told;
where there is none, Hall ends with a status that the unit does not start again."""

import json
import os
import signal
import subprocess

import pytest
from helpers import hall_event, wait_state
from process import wait_until
from test_hallctl import Ctl
from test_metrics import scrape
from world import BROWSER

KEY = "0123456789abcdef0123456789abcdef"
EX_CONFIG = 78
COPY = ".domains.json.good"


def make(make_world, **secrets):
    world = make_world(start=False)
    world.hall.secrets = {"HALL_API_KEY": KEY, **secrets}
    world.broker.start()
    world.hall.start()
    assert info(world)["config_problem"] is None  # by then the copy is there
    return world


def spoil(world):
    """Two errors, as a hurried editor makes them."""
    broken = json.loads(world.hall.file.read_text(encoding="utf-8"))
    broken["servers"]["testing"]["mac"] = "nonsense"
    broken["domains"]["testing.localhost"]["polcy"] = {}
    world.hall.file.write_text(json.dumps(broken), encoding="utf-8")


def info(world):
    """The dashboard listens a moment after the gate."""
    def asked():
        try:
            return world.hall.ask_admin("/api/v1/info", {"X-API-Key": KEY}).json()
        except ConnectionRefusedError:
            return None

    return wait_until(asked, 10, "the dashboard to listen")


def current(world):
    return scrape(world)[0][("hall_config_current", ())]


def ends(world, **environment):
    """Hall is started and ends by itself: its status, and what it said."""
    done = subprocess.run([world.hall.binary, "--config", world.hall.file], env={**world.hall.environment(), **environment},
                          capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_broken_file_leaves_the_sites_open_and_is_loud(make_world, tmp_path):
    world = make(make_world)
    assert current(world) == 1
    good = world.hall.file.read_text(encoding="utf-8")
    copy = world.hall.directory / COPY
    assert copy.read_text(encoding="utf-8") == good and copy.stat().st_mode & 0o777 == 0o600
    world.hall.stop()
    spoil(world)
    bus = world.bus()
    mark = bus.mark()
    said = len(world.hall.log_text())
    world.add_sim("testing")
    world.hall.start()
    # The sites are served: a visit wakes, and is let through.
    assert world.hall.auth("/client1/", headers=BROWSER).status == 503
    wait_state(bus, "testing", "ready", 60)
    wait_until(lambda: world.hall.auth("/client1/", headers=BROWSER).status == 200, 10, "the visit to be let through")
    # It is said everywhere.
    log = world.hall.log_text()[said:]
    assert "/servers/testing/mac: " in log and "/domains/testing.localhost/polcy: " in log, log
    rejected = hall_event(bus, "config_rejected", mark)
    problem = wait_until(lambda: bus.last("hall/info").json()["config_problem"], 10, "the problem on the bus")
    assert rejected["detail"] == problem == info(world)["config_problem"]
    assert "nonsense" in log and "nonsense" not in problem  # it could be a password in the wrong place
    for words in ("/servers/testing/mac", "and 1 more", "last good configuration", "reload"):
        assert words in problem
    fact = bus.last("hall/info").json()["config_problem_fact"]
    assert (fact["code"], fact["more"]) == ("config.last_good", 1) and fact["kept"] and fact["place"].endswith(": /servers/testing/mac")
    assert info(world)["config_problem_fact"] == fact == rejected["detail_fact"]
    assert current(world) == 0
    ctl = Ctl(world.hall.binary, world.broker, tmp_path)
    assert "/servers/testing/mac" in ctl.said("status") and json.loads(ctl.said("status", "--json"))["info"]["config_problem"] == problem
    assert copy.read_text(encoding="utf-8") == good
    # A reload of what is still broken changes nothing; the mended file ends it.
    mark = bus.mark()
    world.hall.process.signal(signal.SIGHUP)
    rejected = hall_event(bus, "config_rejected", mark)
    fact = wait_until(lambda: (f := bus.last("hall/info").json()["config_problem_fact"])["code"] == "config.kept" and f, 10, "its new problem")
    assert fact["more"] == 1 and fact["place"].endswith(": /servers/testing/mac") and rejected["detail_fact"] == fact
    assert world.hall.auth("/client1/", headers=BROWSER).status == 200 and current(world) == 0
    mark = bus.mark()
    mended = json.loads(good)
    mended["servers"]["testing"]["name"] = "Mended"
    world.hall.write(mended)
    world.hall.process.signal(signal.SIGHUP)
    hall_event(bus, "config_loaded", mark)
    bus.wait_json("hall/info", mark, config_problem=None)
    assert info(world)["config_problem"] is None and current(world) == 1
    assert "refused" not in ctl.said("status")
    assert json.loads(copy.read_text(encoding="utf-8"))["servers"]["testing"]["name"] == "Mended"


@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff\xfe"], ids=["gone", "empty", "cut", "binary"])
def test_whatever_is_wrong_with_the_file(make_world, content):
    world = make(make_world)
    world.hall.stop()
    world.hall.file.unlink()
    if content is not None:
        world.hall.file.write_bytes(content)
    world.hall.start()
    assert world.hall.auth("/client1/", headers=BROWSER).status == 503
    assert "last good configuration" in info(world)["config_problem"]


def test_the_copy_lies_where_systemd_says(make_world, tmp_path):
    world = make(make_world, STATE_DIRECTORY=str(tmp_path))
    wait_until((tmp_path / "domains.json.good").exists, 10, "the copy")
    assert not (world.hall.directory / COPY).exists()
    world.hall.stop()
    spoil(world)
    world.hall.start()
    assert "last good configuration" in info(world)["config_problem"]


def test_without_a_good_one_the_status_is_78(make_world, tmp_path):
    world = make(make_world)
    world.hall.stop()
    copy = world.hall.directory / COPY
    spoil(world)
    kept = copy.read_bytes()
    for content in (None, b"{", b'{"servers": {"x": 1}}'):
        copy.unlink(missing_ok=True)
        if content is not None:
            copy.write_bytes(content)
        status, said = ends(world)
        assert status == EX_CONFIG and "/servers/testing/mac: " in said and "/domains/testing.localhost/polcy: " in said, said
        assert content is None or COPY in said, said
    copy.unlink()
    os.symlink(tmp_path / "elsewhere", copy)
    (tmp_path / "elsewhere").write_bytes(kept)
    assert ends(world)[0] == EX_CONFIG  # a link is not Hall's own
    done = subprocess.run([world.hall.binary, "--config", world.hall.file, "--check"], env=world.hall.environment(), capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode == 1 and "/servers/testing/mac: " in done.stderr


def test_a_secret_that_is_gone_counts_as_broken(make_world):
    """The file names a secret that the environment no longer has: the version before, without it, goes on."""
    world = make(make_world, HALL_SECRET_HOOK="hunter2")
    config = json.loads(world.hall.file.read_text(encoding="utf-8"))
    world.hall.stop()
    config["servers"]["testing"]["sleep"] = {
        "via": "webhook", "webhook": {"url": "http://127.0.0.1:9/", "headers": {"Authorization": {"secret": "HALL_SECRET_HOOK"}}}}
    world.hall.write(config)
    del world.hall.secrets["HALL_SECRET_HOOK"]
    world.hall.start()
    assert "/headers/Authorization/secret" in info(world)["config_problem"] and "hunter2" not in world.hall.log_text()


@pytest.mark.parametrize("program", ["hall-agent", "hall-wol"])
def test_the_agent_and_the_relay_end_with_78_too(binary, tmp_path, program):
    file = tmp_path / "config.json"
    file.write_text('{"id": "Not An Id"}', encoding="utf-8")
    argv = [binary.with_name(program), "--config", file]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == EX_CONFIG and "/id: " in done.stderr
    assert subprocess.run([*argv, "--check"], capture_output=True, timeout=60, check=False).returncode == 1
