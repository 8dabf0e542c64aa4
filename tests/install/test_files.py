"""What `cmake --install` puts where: every file with its mode, and its package."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("HALL_BUILD", "build")

PROGRAM, PLAIN = 0o755, 0o644
FILES = {
    "hall": {
        "bin/hall": PROGRAM,
        "libexec/hall/hall-handout": PROGRAM,
        "lib/systemd/system/hall.service": PLAIN,
        "lib/sysusers.d/hall.conf": PLAIN,
        "lib/tmpfiles.d/hall.conf": PLAIN,
        "lib/sysctl.d/50-hall.conf": PLAIN,
        "share/hall/domains.empty.json": PLAIN,
        "share/hall/domains.schema.json": PLAIN,
        "share/hall/broker/mosquitto.conf": PLAIN,
        "share/hall/broker/acl": PLAIN,
        "share/hall/broker/bridge.conf.example": PLAIN,
        "share/hall/proxy/hall.lua": PLAIN,
        "share/hall/proxy/traefik.yml": PLAIN,
        "share/hall/broker/make-users.sh": PROGRAM,
        "share/hall/broker/make-certs.sh": PROGRAM,
        "share/doc/hall/examples/domains.example.json": PLAIN,
        "share/doc/hall/examples/hall.env": PLAIN,
        "share/man/man5/domains.json.5": PLAIN,
        "share/man/man8/hall.8": PLAIN,
    },
    "hallctl": {
        "bin/hallctl": PROGRAM,
        "bin/hall-simulate": PROGRAM,
        "share/bash-completion/completions/hallctl": PLAIN,
        "share/zsh/vendor-completions/_hallctl": PLAIN,
        "share/man/man1/hallctl.1": PLAIN,
        "share/man/man1/hall-simulate.1": PLAIN,
    },
    "hall-agent": {
        "bin/hall-agent": PROGRAM,
        "lib/systemd/system/hall-agent.service": PLAIN,
        "lib/sysusers.d/hall-agent.conf": PLAIN,
        "lib/tmpfiles.d/hall-agent.conf": PLAIN,
        "share/polkit-1/rules.d/50-hall-agent.rules": PLAIN,
        "share/hall/agent.schema.json": PLAIN,
        "share/man/man8/hall-agent.8": PLAIN,
    },
    "hall-wol": {
        "bin/hall-wol": PROGRAM,
        "lib/systemd/system/hall-wol.service": PLAIN,
        "lib/tmpfiles.d/hall-wol.conf": PLAIN,
        "share/hall/relay.schema.json": PLAIN,
        "share/man/man8/hall-wol.8": PLAIN,
    },
}


def systemd_version():
    done = subprocess.run(["pkg-config", "--modversion", "libsystemd"], capture_output=True, text=True, check=True)
    return int(re.match(r"\d+", done.stdout).group())


def wanted(component):
    files = dict(FILES[component])
    if f"lib/systemd/system/{component}.service" in files and systemd_version() >= 254:
        files[f"lib/systemd/system/{component}.service.d/growing-pauses.conf"] = PLAIN
    return files


def installed(place, *options):
    """The files below PLACE/usr; nothing lies outside of it."""
    done = subprocess.run(["cmake", "--install", BUILD, "--prefix", "/usr", *options], env={**os.environ, "DESTDIR": str(place)},
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [entry.name for entry in place.iterdir()] == ["usr"]
    usr = place / "usr"
    return {str(file.relative_to(usr)): file.stat().st_mode & 0o7777 for file in usr.rglob("*") if not file.is_dir()}


@pytest.mark.parametrize("component", FILES)
def test_a_package_has_its_files(tmp_path, component):
    assert installed(tmp_path, "--component", component) == wanted(component)


def test_everything_is_in_a_package(tmp_path):
    assert installed(tmp_path) == {name: mode for component in FILES for name, mode in wanted(component).items()}


@pytest.mark.parametrize("program", ["hall", "hallctl", "hall-simulate", "hall-agent", "hall-wol"])
def test_a_program_says_the_version_of_its_build(program):
    version = re.search(r"^HALL_VERSION:STRING=(.*)$", (BUILD / "CMakeCache.txt").read_text(encoding="utf-8"), re.M).group(1)
    assert subprocess.run([BUILD / "bin" / program, "--version"], capture_output=True, text=True, check=True).stdout == f"{program} {version}\n"


def test_the_empty_configuration_is_valid():
    done = subprocess.run([BUILD / "bin/hall", "--config", ROOT / "hall-mqtt/systemd/domains.empty.json", "--check"],
                          capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "") and "ok: 0 servers, 0 domains" in done.stdout


@pytest.mark.parametrize("page", ["SERVICE.md", "AGENT.md", "RELAY.md", "HALLCTL.md"])
def test_components_that_are_named_exist(page):
    named = set(re.findall(r"cmake --install \S+ --component (\S+)", (ROOT / "docs" / page).read_text(encoding="utf-8")))
    assert named <= set(FILES)
