"""The service under a real systemd: a reload that is refused fails and says why, a broken file at the start is survived with the last
good one, and without one the unit ends with 78 and is not started again."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/demo"), str(Path(__file__).resolve().parent)]

import roots  # noqa: E402
from booted import Booted  # noqa: E402
from debroot import release  # noqa: E402
from lan import make_lan  # noqa: E402

BUILD = ROOT / os.environ.get("HALL_BUILD", "build")
GOOD = {"mqtt": {"url": "mqtt://127.0.0.1:1883"}, "domains": {}, "servers": {"nas": {"address": "192.0.2.9", "mac": "02:00:00:00:00:01"}}}
BAD = {"servers": {"nas": {"adress": "x"}}}


def put_in(root, program):
    """The program, its unit and its user; and the libraries that the root lacks."""
    subprocess.run(["install", "-m", "755", program, root / "usr/bin/hall"], check=True)
    subprocess.run(["install", "-m", "644", ROOT / "hall-mqtt/systemd/hall.service", root / "etc/systemd/system/"], check=True)
    said = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    for library in map(Path, re.findall(r"=> (/\S+)", said)):
        if not any((root / folder / library.name).exists() for folder in ("usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu")):
            subprocess.run(["install", "-m", "644", library, root / "usr/local/lib/"], check=True)


@pytest.fixture
def machine(tmp_path):
    lan = make_lan(True)
    machine = Booted(roots.root("fresh", release()), tmp_path / "machine", lan, 30, "02:00:5e:10:00:30")
    try:
        put_in(machine.root, BUILD / "bin/hall")
        machine.boot()
        machine.run("ldconfig; useradd --system --user-group --shell /usr/sbin/nologin hall")
        machine.run("install -d -o hall -g hall -m 700 /var/lib/hall; systemctl daemon-reload")
        yield machine
    finally:
        machine.close()
        lan.close()


def put(machine, config):
    (machine.root / "tmp").mkdir(exist_ok=True)
    machine.run(f"cat >/var/lib/hall/domains.json <<'END'\n{json.dumps(config)}\nEND\nchown hall: /var/lib/hall/domains.json")


def test_the_unit_and_a_broken_file(machine):
    """No broker runs there."""
    put(machine, GOOD)
    machine.run("systemctl start hall")
    machine.run("systemctl reload hall")
    put(machine, BAD)
    said = machine.run("systemctl reload hall", accept=(1,))
    assert "failed" in said
    status = machine.run("systemctl status hall --no-pager")
    assert "active (running)" in status and "/servers/nas/adress: found an unknown key" in status and 'Status: "' in status, status
    put(machine, GOOD)
    machine.run("systemctl reload hall")
    assert "Status:" not in machine.run("systemctl status hall --no-pager")
    # At a start: the last good one, and it is said.
    put(machine, BAD)
    machine.run("systemctl restart hall")
    assert "Hall runs on the last good configuration" in machine.run("systemctl status hall --no-pager")
    # None: it ends, and stays so.
    machine.run("systemctl stop hall; rm /var/lib/hall/domains.json.good")
    machine.run("systemctl start hall", accept=(1,))
    shown = machine.run("systemctl show hall -p ActiveState -p ExecMainStatus -p NRestarts")
    assert set(shown.split()) == {"ActiveState=failed", "ExecMainStatus=78", "NRestarts=0"}
