"""The systemd units: they are read without a complaint, their programs exist, and they are shut up tightly."""

import json
import os
import re
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest
from lan import free_port
from process import Process

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("HALL_BUILD", "build")

# The unit, its program, what it may be exposed to (of 10), and what it must say.
UNITS = [
    ("hall-mqtt/systemd/hall.service", "hall", 1.2,
     ["Type=notify", "StateDirectory=hall", "ExecStart=/usr/bin/hall --config /var/lib/hall/domains.json", "EnvironmentFile=-/etc/hall/hall.env", "WatchdogSec=60", "CapabilityBoundingSet=",
      "ExecReload=/usr/bin/hall --reload $MAINPID", "RuntimeDirectory=hall", "RestartPreventExitStatus=78"]),
    ("bridges/relay/hall-wol.service", "hall-wol", 1.6,
     ["Type=notify", "ConditionPathExists=/etc/hall/relay.json", "WatchdogSec=60", "CapabilityBoundingSet=CAP_NET_RAW", "AmbientCapabilities=CAP_NET_RAW",
      "RestartPreventExitStatus=78"]),
    ("bridges/agent/hall-agent.service", "hall-agent", 1.7,
     ["Type=notify", "ConditionPathExists=/etc/hall/agent.json", "WatchdogSec=60", "RestartPreventExitStatus=78"]),
]
NAMES = [unit[1] for unit in UNITS]


def analyze(*words):
    return subprocess.run(["systemd-analyze", "--no-pager", *words], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("file", "program", "_most", "lines"), UNITS, ids=NAMES)
def test_verify(file, program, _most, lines, tmp_path):
    text = (ROOT / file).read_text(encoding="utf-8")
    assert set(lines) <= set(text.splitlines())
    assert f"/usr/bin/{program} --config" in text
    unit = tmp_path / Path(file).name
    unit.write_text(text.replace(f"/usr/bin/{program}", str((BUILD / "bin" / program).resolve())), encoding="utf-8")
    done = analyze("verify", str(unit))
    # Other units of the machine may have faults of their own.
    complaints = [line for line in (done.stdout + done.stderr).splitlines() if unit.name in line]
    assert complaints == [], complaints


def test_the_pauses_grow(tmp_path):
    """The drop-in, in its unit: read without a complaint, but that an older systemd does not know its two keys."""
    unit = tmp_path / "hall.service"
    drop_in = ROOT / "hall-mqtt/systemd/growing-pauses.conf"
    text = (ROOT / "hall-mqtt/systemd/hall.service").read_text(encoding="utf-8")
    unit.write_text(text.replace("/usr/bin/hall", str((BUILD / "bin/hall").resolve())) + drop_in.read_text(encoding="utf-8"), encoding="utf-8")
    version = int(re.search(r"systemd (\d+)", analyze("--version").stdout).group(1))
    done = analyze("verify", str(unit))
    complaints = [line for line in (done.stdout + done.stderr).splitlines() if unit.name in line]
    known = [] if version >= 254 else ["RestartSteps", "RestartMaxDelaySec"]
    assert len(complaints) == len(known) and all(key in line for key, line in zip(known, complaints)), complaints


def test_a_broken_configuration_is_not_left_to_another_program():
    """What must end with 78 is the main process: a check before it would be started again for ever."""
    for file, *_ in UNITS:
        assert "--check" not in (ROOT / file).read_text(encoding="utf-8")


def test_verify_sees_a_missing_program(tmp_path):
    """That the test above could fail."""
    unit = tmp_path / "hall.service"
    unit.write_text((ROOT / "hall-mqtt/systemd/hall.service").read_text().replace("/usr/bin/hall", "/nowhere/hall"))
    done = analyze("verify", str(unit))
    assert done.returncode != 0 and "/nowhere/hall" in done.stdout + done.stderr


@pytest.mark.parametrize(("file", "_program", "most", "_lines"), UNITS, ids=NAMES)
def test_exposure(file, _program, most, _lines):
    done = analyze("security", "--offline=true", f"--threshold={int(most * 10)}", str(ROOT / file))
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found.group(1)) <= most and done.returncode == 0


# What systemd and the programs say to each other, the programs with the rights that the units leave them.

NO_RIGHTS = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all",
             "--no-new-privs"]


class Manager:
    """systemd's end of sd_notify."""

    def __init__(self, directory):
        self.path = directory / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.path.chmod(0o777)
        self.socket.settimeout(60)

    def hear(self, wanted):
        """Words up to the wanted one."""
        heard = []
        while wanted not in heard:
            heard += self.socket.recv(4096).decode().splitlines()
        return heard


@pytest.fixture
def place():
    with tempfile.TemporaryDirectory(prefix="hall-unit-") as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


def start(place, program, config, manager):
    file = place / "config.json"
    file.write_text(json.dumps(config), encoding="utf-8")
    file.chmod(0o644)
    binary = BUILD / "bin" / program
    environment = {"PATH": os.environ["PATH"], "NOTIFY_SOCKET": str(manager.path), "HALL_MQTT_PASSWORD": "none"}
    check = subprocess.run([*NO_RIGHTS, binary, "--config", file, "--check"], env=environment, capture_output=True, check=False)
    assert check.returncode == 0, check.stderr
    # systemd names the process it means; setpriv becomes it.
    argv = ["/bin/sh", "-c", 'WATCHDOG_PID=$$ WATCHDOG_USEC=400000 exec "$@"', "sh", *NO_RIGHTS, binary, "--config", file]
    return Process(argv, place / "log", env=environment)


def test_hall_as_a_service(place):
    manager = Manager(place)
    state = place / "state"
    state.mkdir()
    os.chown(state, 65534, 65534)
    config = {"mqtt": {"url": f"mqtt://127.0.0.1:{free_port()}"},
              "http": {"gateway": f"127.0.0.1:{free_port()}", "admin": f"127.0.0.1:{free_port()}"},
              "store": {"path": str(state / "hall.db")},
              "servers": {"nas": {"address": "127.9.9.9", "mac": "02:00:00:00:00:01"}}, "domains": {}}
    hall = start(place, "hall", config, manager)
    try:
        manager.hear("READY=1")
        manager.hear("WATCHDOG=1")
        hall.signal(signal.SIGHUP)
        assert "RELOADING=1" in manager.hear("READY=1")
        (place / "config.json").write_text('{"servers": {"nas": {}}}', encoding="utf-8")
        hall.signal(signal.SIGHUP)  # refused: `systemctl status` shows it
        heard = manager.hear("RELOADING=1") + manager.hear("READY=1")
        assert any(line.startswith("STATUS=") and "/servers/nas" in line for line in heard), heard
        hall.signal(signal.SIGTERM)
        manager.hear("STOPPING=1")
        assert hall.popen.wait(60) == 0, hall.log_tail()
        assert (state / "hall.db").exists()
    finally:
        hall.stop()


def test_hall_wol_as_a_service(place):
    manager = Manager(place)
    relay = start(place, "hall-wol", {"id": "attic", "mqtt": {"url": f"mqtt://127.0.0.1:{free_port()}"}}, manager)
    try:
        manager.hear("READY=1")
        manager.hear("WATCHDOG=1")
        relay.signal(signal.SIGHUP)  # is for Hall alone; here it changes nothing
        relay.signal(signal.SIGTERM)
        manager.hear("STOPPING=1")
        assert relay.popen.wait(60) == 0, relay.log_tail()
    finally:
        relay.stop()
