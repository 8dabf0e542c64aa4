"""Roots of Debian 12 and 13, fresh as an installer leaves them, for the tests that install Hall's packages.

Kept in ${XDG_CACHE_HOME:-~/.cache}/hall/roots/KIND-SUITE-KEY, where KEY is a hash of this file: a changed recipe makes new
ones. Nobody changes a root: who uses one lays an overlay over it (see booted.py).

A root of kind "fresh" is a machine before Hall: systemd, sudo, curl, wget. It has no network of its own when it runs, so
apt's lists are in it, and the packages of Debian that an installation of Hall fetches lie in apt's cache.
One of kind "builder" has what builds Hall: the packages of the other release are made in it.

As a program: roots.py KIND SUITE makes the root and prints its folder.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "demo"))
from debroot import Missing, cache, debootstrap, mirror, release, run, tool  # noqa: E402

SUITES = ["bookworm", "trixie"]
SOURCES = Path(__file__).resolve().parents[2]
FRESH = ["systemd", "systemd-sysv", "dbus", "libpam-systemd", "iproute2", "iputils-ping", "procps", "sudo", "curl", "wget",
         "ca-certificates", "tzdata", "less"]
# What "apt-get install" of Hall's packages, and of what stands beside them, fetches from Debian.
FETCHED = ["mosquitto", "mosquitto-clients", "nginx-light", "polkitd", "libcivetweb1", "libsodium23", "libcjson1", "libmosquitto1",
           "openssl", "openssh-client", "adduser", "mailcap"]
UNWANTED = ["apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer",
            "getty@tty1.service", "console-getty.service", "systemd-networkd.service", "systemd-resolved.service",
            "systemd-timesyncd.service"]


def build_packages():
    """The names in .ci/packages.sh."""
    words = '. .ci/packages.sh; echo "${BUILD_PACKAGES[@]}"'
    return run("bash", "-c", words, cwd=SOURCES).split()


def key():
    recipe = [Path(__file__).read_bytes(), (SOURCES / ".ci/packages.sh").read_bytes()]
    return hashlib.sha256(b"\0".join(recipe)).hexdigest()[:12]


def _inside(root, *argv, timeout=900):
    """Runs a program in the root, with the network of this machine."""
    run("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec",
        'mount -t proc proc "$0/proc"; mount --bind /dev "$0/dev"; exec chroot "$0" "$@"', root, *argv, timeout=timeout,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"})


def _apt(root, suite, *argv):
    """apt-get in the root, which finds packages where this machine's apt does."""
    (root / "etc/apt/sources.list").write_text(f"deb {mirror(suite)} {suite} main\n")
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    proxy = run("apt-config", "dump", "Acquire::http::Proxy")
    (root / "etc/apt/apt.conf.d/90proxy").write_text(proxy)
    _inside(root, "apt-get", "update", "-qq")
    _inside(root, "apt-get", *argv)
    (root / "etc/apt/apt.conf.d/90proxy").unlink()


def _fresh(suite, root):
    debootstrap(suite, root, FRESH)
    _apt(root, suite, "install", "-qq", "-y", "--download-only", *FETCHED)
    for name in UNWANTED:
        (root / "etc/systemd/system" / name).symlink_to("/dev/null")
    (root / "etc/machine-id").write_text("")
    (root / "etc/fstab").write_text("")
    (root / "etc/resolv.conf").write_text("")


def _builder(suite, root):
    debootstrap(suite, root, ["ca-certificates"])
    (root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
    (root / "usr/sbin/policy-rc.d").chmod(0o755)
    _apt(root, suite, "install", "-qq", "-y", "--no-install-recommends", *build_packages(), "git", "dpkg-dev", "fakeroot")
    _inside(root, "apt-get", "clean")


KINDS = {"fresh": _fresh, "builder": _builder}


def root(kind, suite):
    """The folder of this root; makes it when it is not there."""
    if os.geteuid() != 0:
        raise Missing("a root with users of its own needs root: run this as root")
    tool("systemd-nspawn")
    base, wanted = cache("roots"), f"{kind}-{suite}-{key()}"
    base.mkdir(parents=True, exist_ok=True)
    with open(base / f"lock-{kind}-{suite}", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one makes it, others wait
        if not (base / wanted).is_dir():
            for old in base.glob(f"{kind}-{suite}-*"):
                shutil.rmtree(old)
            with tempfile.TemporaryDirectory(prefix="making-", dir=base) as folder:
                made = Path(folder) / "root"
                KINDS[kind](suite, made)
                made.rename(base / wanted)
    return base / wanted


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in KINDS or sys.argv[2] not in SUITES:
        sys.exit(f"usage: roots.py {'|'.join(KINDS)} {'|'.join(SUITES)}")
    try:
        print(root(*sys.argv[1:]))
    except Missing as missing:
        sys.exit(f"tests/install: {missing}")
