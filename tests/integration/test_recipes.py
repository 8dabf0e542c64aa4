"""docs/RECIPES.md, where no other test has what it says: what is typed there is read from the page."""

import os
import re
import subprocess

from helpers import asleep, simple_servers, wait_state
from sshd import Sshd
from world import ROOT

HALLCTL = ROOT / os.environ.get("HALL_BUILD", "build") / "bin/hallctl"


def section(heading):
    page = (ROOT / "docs/RECIPES.md").read_text(encoding="utf-8")
    return re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", page, re.S | re.M).group(1)


def test_ssh_wakes_the_server_and_waits_for_it(make_world, tmp_path):
    """With the page's lines, real ssh and real sshd. The machine of the tests has busybox's nc, and root in place of a user."""
    world = make_world(namespaces=True, servers=simple_servers("testing"), boot_s=0.8)
    bus = world.bus()
    sshd = Sshd(tmp_path / "sshd", world.sims["testing"].pid)
    try:
        asleep(bus, "testing")
        lines = re.search(r"^```\n(.*?)^```", section("ssh with ProxyCommand"), re.S | re.M).group(1)
        config = tmp_path / "config"
        config.write_text(lines.replace("192.168.1.20", world.hall.config["servers"]["testing"]["address"]), encoding="utf-8")
        programs = tmp_path / "bin"
        programs.mkdir()
        (programs / "nc").symlink_to("/bin/busybox")
        (programs / "hallctl").symlink_to(HALLCTL)
        known = tmp_path / "known_hosts"
        known.write_text(f"testing {sshd.host_key}\n", encoding="utf-8")
        environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "HALL_MQTT_URL": f"mqtt://127.0.0.1:{world.broker.port}",
                       "HALL_MQTT_USERNAME": "operator", "HALL_MQTT_PASSWORD": world.broker.passwords["operator"]}
        done = subprocess.run(["ssh", "-F", config, "-i", sshd.key, "-o", f"Port={sshd.port}", "-o", f"UserKnownHostsFile={known}",
                               "-o", "HostKeyAlias=testing", "-o", "BatchMode=yes", "root@testing", "echo I am in"],
                              env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout) == (0, "I am in\n"), done.stderr + sshd.process.log_text()
        wait_state(bus, "testing", "ready")
    finally:
        sshd.close()
