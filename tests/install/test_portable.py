"""The programs for other distributions: what they need, what their tarballs and RPMs are, and that they run in a root that has
neither libmosquitto nor cJSON nor libcurl."""

import hashlib
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tests" / folder) for folder in ("demo", "integration")]

from lan import free_port  # noqa: E402
from process import Process, wait_until  # noqa: E402
from roots import SUITES, root  # noqa: E402
from test_bus_down import EC_KEY, certify, openssl  # noqa: E402

pytestmark = pytest.mark.xdist_group("portable")  # they share a folder of the build
VERSION, EPOCH = "0.1.0~test", "1700000000"
PACKAGES = ("hall-agent", "hall-wol", "hallctl")
GLIBC, SYSTEMD = (2, 34), 252  # of AlmaLinux 9
SHARED = {"x86-64": "ld-linux-x86-64.so.2", "aarch64": "ld-linux-aarch64.so.1"}
NOBODY = 65534
NEW_NAMES = (f"machine{number}" for number in itertools.count())  # what the broker keeps of one is not the next one's
# Where other distributions have all of their authorities in one file.
AUTHORITIES = ["etc/ssl/certs/ca-certificates.crt", "etc/pki/tls/certs/ca-bundle.crt", "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"]
FILES = {
    "hall-agent": {"usr/bin/hall-agent", "usr/lib/systemd/system/hall-agent.service", "usr/lib/sysusers.d/hall-agent.conf",
                   "usr/lib/tmpfiles.d/hall-agent.conf", "usr/share/hall/agent.schema.json", "usr/share/man/man8/hall-agent.8",
                   "usr/share/polkit-1/rules.d/50-hall-agent.rules"},
    "hall-wol": {"usr/bin/hall-wol", "usr/lib/systemd/system/hall-wol.service", "usr/lib/tmpfiles.d/hall-wol.conf",
                 "usr/share/hall/relay.schema.json", "usr/share/man/man8/hall-wol.8"},
    "hallctl": {"usr/bin/hallctl", "usr/bin/hall-simulate", "usr/share/man/man1/hallctl.1", "usr/share/man/man1/hall-simulate.1",
                "usr/share/bash-completion/completions/hallctl", "usr/share/zsh/vendor-completions/_hallctl"},
}


def run(*argv, **options):
    done = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    assert done.returncode == 0, f"{argv}: {done.stdout[-4000:]}"
    return done.stdout


def pack(folder):
    """The object files are kept from one run to the next; what is packed of them is made each time."""
    machine = os.uname().machine
    for old in (*folder.glob(f"*-{machine}.tar.gz"), *folder.glob(f"*.{machine}.rpm")):
        old.unlink()
    run(ROOT / "cmake/portable/pack.sh", VERSION, folder, env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH}, timeout=900)
    return folder


@pytest.fixture(scope="module")
def packed():
    return pack(ROOT / "build/portable")


def tarball(packed, name):
    return packed / f"{name}-{VERSION}-linux-{os.uname().machine}.tar.gz"


def rpm(packed, name):
    return packed / f"{name}-{VERSION}-1.{os.uname().machine}.rpm"


def unpack(packed, name, place):
    run("tar", "-C", place, "-xzf", tarball(packed, name))


# --- what they are ---

def test_every_program_needs_glibc_and_libsystemd_of_almalinux_9(packed, tmp_path):
    for name in PACKAGES:
        unpack(packed, name, tmp_path)
    programs = sorted((tmp_path / "usr/bin").iterdir())
    assert len(programs) == 4
    for program in programs:
        needed = set(re.findall(r"NEEDED\s+(\S+)", run("objdump", "-p", program)))
        assert needed <= {"libc.so.6", "libsystemd.so.0", *SHARED.values()}, program
        versions = re.findall(r"0x\w+ 0x\w+ \d+ (\w+)_([\d.]+)$", run("objdump", "-p", program), re.M)
        assert {kind for kind, _ in versions} <= {"GLIBC", "LIBSYSTEMD"}, program
        for kind, number in versions:
            if kind == "GLIBC":
                assert tuple(map(int, number.split("."))) <= GLIBC, (program, number)
            else:
                assert int(number) <= SYSTEMD, (program, number)
        assert str(ROOT) not in program.read_bytes().decode("latin-1"), f"{program} names the folder it was built in"


@pytest.mark.parametrize("name", PACKAGES)
def test_a_tarball_unpacks_from_the_root(packed, name):
    with tarfile.open(tarball(packed, name)) as tar:
        members = {m.name: m for m in tar.getmembers()}
    assert set(members) == FILES[name], "its files, and no folder whose rights it would change"
    for member in members.values():
        assert (member.uid, member.gid, member.mtime) == (0, 0, int(EPOCH)) or member.mtime < int(EPOCH)
        assert member.mode == (0o755 if "/bin/" in member.name else 0o644) and member.isreg()


@pytest.mark.parametrize("name", PACKAGES)
def test_an_rpm_says_what_it_needs_and_does(packed, name):
    file = rpm(packed, name)
    assert {line[1:] for line in run("rpm", "-qp", "-l", file).splitlines()} == FILES[name]
    requires = run("rpm", "-qp", "--requires", file)
    assert "libc.so.6(GLIBC_2.34)" in requires and not re.search(r"mosquitto|cjson|curl|ssl|crypt|sodium", requires, re.I)
    owner = [run(ROOT / "cmake/owner.sh", name).strip() for name in ("HALL_HOMEPAGE", "HALL_MAINTAINER")]
    assert run("rpm", "-qp", "--qf", "%{URL}\n%{PACKAGER}", file).splitlines() == owner
    scripts = run("rpm", "-qp", "--scripts", file)
    if name == "hallctl":
        assert scripts == ""
    else:
        assert "systemd" in requires.split("\n")
        assert f"systemd-tmpfiles --create {name}.conf" in scripts and f"systemctl try-restart {name}.service" in scripts
        assert f"disable --now {name}.service" in scripts


def test_rpms_install_into_an_empty_root_and_leave_nothing_there(packed, tmp_path):
    place = tmp_path / "root"
    place.mkdir()
    (place / "bin").mkdir()
    shutil.copy("/bin/busybox", place / "bin/sh")  # for the scripts; what they call is missing, which they bear
    rpms = [rpm(packed, name) for name in PACKAGES]
    run("rpm", "--root", place, "--nodeps", "-i", *rpms)
    for name in PACKAGES:
        assert all((place / file).is_file() for file in FILES[name])
        run("rpm", "--root", place, "--nodeps", "-V", name)
    run("rpm", "--root", place, "--nodeps", "-e", *PACKAGES)
    assert not any((place / file).exists() for name in PACKAGES for file in FILES[name])


def sums(folder):
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted((*folder.glob("*.tar.gz"), *folder.glob("*.rpm")))}


def test_the_same_sources_give_the_same_bytes(packed):
    """Built in another folder, at another time, with another umask."""
    place = ROOT / "build/portable-again"
    shutil.rmtree(place, ignore_errors=True)
    old = os.umask(0o077)
    try:
        again = sums(pack(place))
    finally:
        os.umask(old)
        shutil.rmtree(place, ignore_errors=True)
    assert len(again) == 6 and again == sums(packed)


# --- that they run ---

@pytest.fixture(scope="module", params=SUITES)
def machine(request, tmp_path_factory):
    """A root with systemd alone, as the tarballs find it; an overlay."""
    place = tmp_path_factory.mktemp(request.param)
    for folder in ("upper", "work", "root"):
        (place / folder).mkdir()
    run("mount", "-t", "overlay", "overlay", "-o",
        f"lowerdir={root('fresh', request.param)},upperdir={place}/upper,workdir={place}/work", place / "root")
    (place / "root/etc/hosts").write_text("127.0.0.1 localhost\n")
    try:
        yield place / "root"
    finally:
        run("umount", "-l", place / "root")


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    """A real mosquitto: TLS at one port, plain at the other, and the authority of its certificate."""
    folder = tmp_path_factory.mktemp("broker")
    folder.chmod(0o755)
    openssl("req", "-x509", *EC_KEY, "-days", "2", "-subj", "/CN=ca", "-keyout", folder / "ca.key", "-out", folder / "ca.crt")
    certify(folder, folder / "ca")
    ports = {"tls": free_port(), "plain": free_port()}
    (folder / "mosquitto.conf").write_text(
        f"per_listener_settings true\nlistener {ports['tls']} 127.0.0.1\nallow_anonymous true\ncertfile {folder}/server.crt\n"
        f"keyfile {folder}/server.key\nlistener {ports['plain']} 127.0.0.1\nallow_anonymous true\nuser root\n")
    process = Process(["/usr/sbin/mosquitto", "-c", folder / "mosquitto.conf"], folder / "log")
    wait_until(lambda: " running" in (folder / "log").read_text(), 60, "mosquitto runs")
    yield {**ports, "ca": folder / "ca.crt"}
    process.stop(10)


def hear(broker, topic):
    return run("mosquitto_sub", "-p", broker["plain"], "-t", topic, "-C", 1, "-W", 60).strip()


def trust(machine, broker, place):
    """The machine's authorities are the broker's alone, in this file, or nowhere."""
    for file in AUTHORITIES:
        (machine / file).unlink(missing_ok=True)
    shutil.rmtree(machine / "etc/ssl/certs", ignore_errors=True)
    if place:
        (machine / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(broker["ca"], machine / place)


def inside(machine, *argv):
    return ["chroot", machine, "/usr/bin/env", "-i", "PATH=/usr/bin:/usr/sbin", "HALL_MQTT_PASSWORD=none", *argv]


@pytest.mark.parametrize("place", [*AUTHORITIES, "the file says"])
def test_the_agent_runs_where_there_is_glibc_and_systemd(packed, machine, broker, tmp_path, place):
    unpack(packed, "hall-agent", machine)
    named, id = place == "the file says", next(NEW_NAMES)
    trust(machine, broker, None if named else place)
    if named:
        shutil.copy(broker["ca"], machine / "etc/mine.crt")
    config = {"id": id, "interface": "lo", "docker": {"socket": "/run/none.sock"},
              "mqtt": {"url": f"mqtts://localhost:{broker['tls']}", **({"ca": "/etc/mine.crt"} if named else {})}}
    (machine / "etc/agent.json").write_text(json.dumps(config))
    # With the rights that its unit gives it: a program that gained some would not read its environment.
    agent = Process(inside(machine, "/usr/bin/setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=+net_admin",
                           "--ambient-caps=+net_admin", "/usr/bin/hall-agent", "--config", "/etc/agent.json"), tmp_path / "log")
    try:
        assert hear(broker, f"hall/agents/{id}/state") == "online", agent.log_tail()
        report = json.loads(hear(broker, f"hall/agents/{id}/containers"))
        assert report["docker"] is False and "docker.socket" in report["problem"], "its own client looked for Docker"
    finally:
        agent.stop(10)
    assert hear(broker, f"hall/agents/{id}/state") == "offline"


def test_without_authorities_the_broker_is_not_trusted(packed, machine, broker, tmp_path):
    unpack(packed, "hall-wol", machine)
    trust(machine, broker, None)
    id = next(NEW_NAMES)
    (machine / "etc/relay.json").write_text(json.dumps({"id": id, "mqtt": {"url": f"mqtts://localhost:{broker['tls']}"}, "interface": "lo"}))
    relay = Process(inside(machine, "/usr/bin/hall-wol", "--config", "/etc/relay.json"), tmp_path / "log")
    try:
        wait_until(lambda: "certificate verify failed" in relay.log_tail(), 60, "it says why")
    finally:
        relay.stop(10)
    trust(machine, broker, AUTHORITIES[1])
    relay = Process(inside(machine, "/usr/bin/hall-wol", "--config", "/etc/relay.json"), tmp_path / "log2")
    try:
        assert hear(broker, f"hall/relays/{id}/state") == "online", relay.log_tail()
    finally:
        relay.stop(10)


def test_hallctl_reaches_broker_and_https(packed, machine, broker):
    """Its libcurl, too, trusts whom the system trusts."""
    unpack(packed, "hallctl", machine)
    trust(machine, broker, AUTHORITIES[1])
    # No HTTP there, which TLS has to be agreed on to find.
    events = inside(machine, f"HALL_ADMIN_URL=https://localhost:{broker['tls']}", "/usr/bin/hallctl", "events")
    said = subprocess.run(events, capture_output=True, text=True, check=False, timeout=60)
    assert said.returncode == 3 and "certificate" not in said.stderr, said
    trust(machine, broker, None)
    said = subprocess.run(events, capture_output=True, text=True, check=False, timeout=60)
    assert said.returncode == 3 and "certificate" in said.stderr, said
