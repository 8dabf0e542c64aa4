"""Worlds for the tests: a private broker, Hall, simulated servers; and what must hold at the end of each."""

import fcntl
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "demo")]

from world import ROOT, World  # noqa: E402

# Of a build with -fsanitize=thread; all that the tests start inherit it.
os.environ.setdefault("TSAN_OPTIONS", f"history_size=7 suppressions={HERE.parent / 'tools' / 'tsan.txt'}")

SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|Assertion .* failed|\*\*\* ")

_open_worlds = []


def pytest_configure(config):
    config.addinivalue_line("markers", "history: needs the repository's history; test.sh leaves it out of a copy that has none")
    config.addinivalue_line("markers", "measures: of time or memory; test.sh runs it by itself, with the release build")


@pytest.fixture(scope="session")
def binary():
    """The daemon under test; HALL_BUILD names the build folder."""
    path = ROOT / os.environ.get("HALL_BUILD", "build") / "bin" / "hall"
    assert path.exists(), f"{path} is not built"
    return path


def check_end(world):
    """Ends Hall as systemd would; it must end in good order, and no sanitizer may have spoken."""
    alive = world.hall.process is not None and world.hall.process.alive()
    status = world.hall.stop(limit=60) if alive else 0
    log = world.hall.log_text()
    complaint = SANITIZER.search(log)
    assert complaint is None, log[max(0, complaint.start() - 200):complaint.start() + 6000]
    assert status == 0, f"hall ended with {status}:\n{log[-3000:]}"


class Worlds:
    """Makes worlds, and closes all of them at the end."""

    def __init__(self, binary, factory):
        self.binary, self.factory, self.made = binary, factory, []

    def __call__(self, start=True, **options):
        options.setdefault("boot_s", 0.8)
        options.setdefault("min_up", "0s")
        directory = options.pop("directory", None) or self.factory.mktemp("world")
        world = World(self.binary, directory, **options)
        self.made.append(world)
        _open_worlds.append(world)
        if start:
            world.start()
        return world

    def close(self):
        errors = []
        for world in self.made:
            try:
                check_end(world)
            except AssertionError as error:
                errors.append(error)
            finally:
                _open_worlds.remove(world)
                world.close()
        if errors:
            raise errors[0]


def _alone(file):
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@pytest.fixture(scope="session", autouse=True)
def echoes():
    """Hall may send echoes: a setting of this network namespace, for all that test in it, put back by the last of them."""
    setting = Path("/proc/sys/net/ipv4/ping_group_range")
    if not os.access(setting, os.W_OK):
        yield
        return
    kept = Path("/run/hall-tests-echoes")
    with kept.open("a+", encoding="ascii") as users, kept.with_suffix(".door").open("a", encoding="ascii") as door:
        fcntl.flock(door, fcntl.LOCK_EX)
        if _alone(users):
            users.truncate(0)
            users.write(setting.read_text(encoding="ascii"))
            users.flush()
            setting.write_text("0 2147483647\n", encoding="ascii")
        fcntl.flock(users, fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        yield
        fcntl.flock(door, fcntl.LOCK_EX)
        if _alone(users):
            users.seek(0)
            setting.write_text(users.read(), encoding="ascii")


@pytest.fixture
def open_path():
    """A directory that other users may enter. Those of pytest are root's alone, again whenever another pytest begins."""
    path = Path(tempfile.mkdtemp(prefix="hall-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def make_world(binary, tmp_path_factory):
    worlds = Worlds(binary, tmp_path_factory)
    yield worlds
    worlds.close()


@pytest.fixture(scope="module")
def world(binary, tmp_path_factory):
    """One running world for a whole file of tests; each leaves its servers as it likes (see helpers.asleep)."""
    worlds = Worlds(binary, tmp_path_factory)
    yield worlds()
    worlds.close()


@pytest.fixture(scope="module")
def bus(world):
    return world.bus()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for world in _open_worlds:
            report.sections.append((f"end of {world.hall.log}", world.hall.log_text()[-4000:]))
