"""hallctl doctor on a machine with a real systemd: units that stopped, failed, changed, or hide the packaged one; and each
command that mends it, typed there."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "demo")]

import roots  # noqa: E402
from booted import Booted  # noqa: E402
from debroot import release  # noqa: E402
from lan import make_lan  # noqa: E402

HALLCTL = HERE.parents[1] / os.environ.get("HALL_BUILD", "build") / "bin" / "hallctl"
CONFIGURATION = {"servers": {"nas": {"address": "192.0.2.1", "mac": "02:00:00:00:00:01"}},
                 "domains": {"nas.localhost": {"server": "nas", "upstream": "http://192.0.2.1"}}}
UNIT = "[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n"


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """It has hallctl, and in Hall's place a unit that only waits."""
    folder = tmp_path_factory.mktemp("doctor")
    place = folder / "disk"  # an overlay does not lie on every file system
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], check=True)
    (folder / "bin").mkdir()
    shutil.copy(HALLCTL, folder / "bin" / "hallctl")
    lan = make_lan(True)
    booted = Booted(roots.root("fresh", release()), place / "machine", lan, 30, "02:00:5e:10:00:30", [(folder / "bin", "/opt/hall")])
    try:
        booted.boot()
        booted.run("DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-download libcjson1 libmosquitto1 libsodium23")
        booted.run(f"mkdir -m 700 -p /var/lib/hall; echo '{json.dumps(CONFIGURATION)}' >/var/lib/hall/domains.json; "
                   f"printf '{UNIT}' >/usr/lib/systemd/system/hall.service; systemctl daemon-reload; systemctl enable -q --now hall")
        yield booted
    finally:
        booted.close()
        lan.close()
        subprocess.run(["umount", "-l", place], check=True)


def look(machine):
    """The lines about hall.service, code and command."""
    report = json.loads(machine.run("/opt/hall/hallctl doctor --json", accept=(0, 1)))
    return {line["code"].removeprefix("doctor.unit."): line["command"] for line in report["lines"]
            if line["code"].startswith("doctor.unit.") and line["parameters"]["unit"] == "hall.service"}


FAULTS = [
    ("systemctl stop hall", {"stopped"}),
    ("systemctl disable -q hall", {"disabled"}),
    ("systemctl kill -s SEGV hall; until systemctl -q is-failed hall; do :; done", {"failed"}),
    ("cp /usr/lib/systemd/system/hall.service /etc/systemd/system/; systemctl daemon-reload; systemctl restart hall", {"hides"}),
    ("echo '#' >>/usr/lib/systemd/system/hall.service", {"stale"}),
    ("mkdir -p /run/systemd/system/hall.service.d; printf '[Service]\\nRestart=always\\n' >/run/systemd/system/hall.service.d/again.conf; "
     "systemctl daemon-reload; systemctl kill -s SEGV hall; until systemctl show -P NRestarts hall | grep -qx 1; do :; done; "
     "until systemctl -q is-active hall; do :; done", {"restarts"}),  # the last: it goes on being started again
]


@pytest.mark.parametrize("fault, codes", FAULTS, ids=[next(iter(codes)) for _, codes in FAULTS])
def test_a_fault_is_found_and_mended(machine, fault, codes):
    assert look(machine) == {"good": None}
    machine.run(fault)
    found = look(machine)
    assert set(found) == codes
    for command in found.values():
        machine.run(command)
    assert look(machine) == {"good": None}
