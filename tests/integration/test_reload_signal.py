"""`hall --reload PID`, which `systemctl reload hall` runs: it says what came of the reload, and fails when the new configuration is
refused, with no broker and no dashboard."""

import json
import os
import signal
import subprocess

import pytest
from process import Process, wait_until

REFUSED = "Hall: the new configuration is refused; the old one goes on:\n"


@pytest.fixture
def world(make_world, tmp_path):
    world = make_world(start=False)
    world.runtime = tmp_path / "run"
    world.runtime.mkdir()
    world.hall.secrets = {"RUNTIME_DIRECTORY": str(world.runtime)}
    world.hall.start()
    return world


def reload(world, program="hall", words=("--reload",)):
    argv = [world.hall.binary.with_name(program), *words, str(world.hall.process.pid)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)


def break_file(world):
    broken = json.loads(json.dumps(world.hall.config))
    broken["servers"]["testing"]["mac"] = "nonsense"
    broken["domains"]["testing.localhost"]["polcy"] = {}
    world.hall.file.write_text(json.dumps(broken), encoding="utf-8")


@pytest.mark.parametrize(("program", "words"), [("hall", ["--reload"]), ("hallctl", ["reload", "--pid"])])
def test_it_says_what_came_of_it(world, program, words):
    """There is no broker in this world."""
    done = reload(world, program, words)
    assert (done.returncode, done.stdout) == (0, "Hall: the new configuration is in use\n"), done.stderr
    break_file(world)
    done = reload(world, program, words)
    assert done.returncode == 1 and done.stdout == "" and done.stderr.startswith(REFUSED), done
    assert "/servers/testing/mac: " in done.stderr and "/domains/testing.localhost/polcy: " in done.stderr
    assert (world.runtime / "reload").stat().st_mode & 0o777 == 0o600
    world.hall.write(world.hall.config)
    assert reload(world, program, words).returncode == 0  # the answer of before is not taken for this one


def test_each_of_several_hears_its_own(world):
    """While Hall stands still they all ask, and an answer to a reload that had begun before is none."""
    break_file(world)
    assert reload(world).returncode == 1
    world.hall.process.signal(signal.SIGSTOP)
    try:
        world.hall.write(world.hall.config)
        asking = [Process([world.hall.binary, "--reload", world.hall.process.pid], world.directory / f"ask{n}.log") for n in range(3)]
        for one in asking:
            wait_until(lambda one=one: waits(one.pid), 60, "the one who asks to wait")
        assert all(one.alive() for one in asking)
    finally:
        world.hall.process.signal(signal.SIGCONT)
    assert [one.popen.wait(60) for one in asking] == [0, 0, 0], [one.log_text() for one in asking]


def waits(pid):
    """It has a watch on the folder, and sleeps: its signal is sent."""
    watches = [link for fd in os.listdir(f"/proc/{pid}/fd") if "inotify" in (link := os.readlink(f"/proc/{pid}/fd/{fd}"))]
    with open(f"/proc/{pid}/wchan", encoding="ascii") as file:
        return watches and "poll" in file.read()


def test_a_hall_that_ends_meanwhile_is_a_failure(world):
    world.hall.process.signal(signal.SIGSTOP)
    asking = Process([world.hall.binary, "--reload", world.hall.process.pid], world.directory / "ask.log")
    wait_until(lambda: waits(asking.pid), 60, "the one who asks to wait")
    world.hall.process.kill()
    assert asking.popen.wait(60) == 1 and "ended before it had read its configuration" in asking.log_text()


@pytest.mark.parametrize("pid", ["", "1", "x", "-5", "12x", "99999999999999999999", "self"])
def test_what_is_not_hall_is_left_alone(binary, pid):
    pid = str(os.getpid()) if pid == "self" else pid
    done = subprocess.run([binary, "--reload", pid], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == (1 if pid == str(os.getpid()) else 2) and "--reload: " in done.stderr, done
    agent = subprocess.run([binary.with_name("hall-agent"), "--reload", pid], capture_output=True, text=True, timeout=60, check=False)
    assert agent.returncode == 2 and "only hall has it" in agent.stderr


def test_an_answer_that_cannot_be_left_is_said(make_world, tmp_path):
    world = make_world(start=False)
    world.hall.secrets = {"RUNTIME_DIRECTORY": str(tmp_path / "not there")}
    world.hall.start()
    done = reload(world)
    assert done.returncode == 1 and "No such file or directory" in done.stderr
