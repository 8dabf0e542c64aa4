"""Roots of Debian 12 and 13, fresh as an installer leaves them, for the tests that install Hall's packages.

Kept in ${XDG_CACHE_HOME:-~/.cache}/hall/roots/KIND-SUITE-KEY, where KEY is a hash of this file, and of the names of the
packages that build Hall: a changed recipe makes new ones. Nobody changes a root: who uses one lays an overlay over it (see booted.py).

A root of kind "fresh" is a machine before Hall: systemd, sudo, curl, wget. It has no network of its own when it runs: apt's lists
are in it, and what apt would fetch is fetched beforehand (fetched()).
One of kind "builder" has what builds Hall: the packages of the other release are made in it.

As a program: roots.py KIND SUITE makes the root and prints its folder.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "demo"))
from debroot import Missing, cache, debootstrap, mirror, release, run, tool  # noqa: E402

DAY = 24 * 3600  # seconds
SUITES = ["bookworm", "trixie"]
SOURCES = Path(__file__).resolve().parents[2]
FRESH = ["systemd", "systemd-sysv", "dbus", "libpam-systemd", "iproute2", "iputils-ping", "procps", "sudo", "curl", "wget",
         "ca-certificates", "tzdata", "less"]
UNWANTED = ["apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer",
            "getty@tty1.service", "console-getty.service", "systemd-networkd.service", "systemd-resolved.service",
            "systemd-timesyncd.service"]


def build_packages():
    """The names in .ci/packages.sh."""
    words = '. .ci/packages.sh; echo "${BUILD_PACKAGES[@]}" "${PACKAGING_PACKAGES[@]}" "${PORTABLE_PACKAGES[@]}"'
    return run("bash", "-c", words, cwd=SOURCES).split()


def key(kind):
    recipe = [Path(__file__).read_bytes()]
    if kind == "builder":
        recipe.append(" ".join(build_packages()).encode())
    return hashlib.sha256(b"\0".join(recipe)).hexdigest()[:12]


def inside(root, *argv, timeout=900):
    """What a program prints in the root, with the network of this machine and without a system."""
    return run("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec",
               'mount -t proc proc "$0/proc"; mount --bind /dev "$0/dev"; exec chroot "$0" "$@"', root, *argv, timeout=timeout,
               env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive",
                    "LC_ALL": "C.UTF-8"})


@contextlib.contextmanager
def overlay(lower, folder):
    """A root like the lower one, whose changes stay in the folder."""
    for name in ("upper", "work", "root"):
        (folder / name).mkdir(parents=True)
    place = folder / "root"
    run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={lower},upperdir={folder}/upper,workdir={folder}/work", place)
    try:
        yield place
    finally:
        run("umount", "-l", place)


def _apt(root, suite, *argv):
    """apt-get in the root, which finds packages where this machine's apt does."""
    (root / "etc/apt/sources.list").write_text(f"deb {mirror(suite)} {suite} main\n")
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    proxy = run("apt-config", "dump", "Acquire::http::Proxy")
    (root / "etc/apt/apt.conf.d/90proxy").write_text(proxy)
    inside(root, "apt-get", "update", "-qq")
    inside(root, "apt-get", *argv)
    (root / "etc/apt/apt.conf.d/90proxy").unlink()


def copy_of_the_tree(place):
    """The sources as they are here, without what was built of them."""
    place.mkdir()
    names = ["--exclude=./.git", "--exclude=./build", "--exclude=./build-*", "--exclude=__pycache__"]
    run("sh", "-ec", 'source=$1 place=$2; shift 2; tar -C "$source" "$@" -c . | tar -C "$place" -x', "sh", SOURCES, place, *names)


def fetched(suite, folder, packages, repository=None):
    """A folder with what apt-get in a fresh root would fetch from Debian to install these, some of them from a repository of
    Hall's packages. For /var/cache/apt/archives of a machine without a network."""
    with overlay(root("fresh", suite), folder) as place:
        if repository:
            shutil.copytree(repository, place / "srv/hall")
            (place / "etc/apt/sources.list.d/hall.list").write_text("deb [trusted=yes] file:/srv/hall ./\n")
        _apt(place, suite, "install", "-qq", "-y", "--download-only", *packages)
    return folder / "upper/var/cache/apt/archives"


def _fresh(suite, root):
    debootstrap(suite, root, FRESH)
    _apt(root, suite, "clean")
    for name in UNWANTED:
        (root / "etc/systemd/system" / name).symlink_to("/dev/null")
    (root / "etc/machine-id").write_text("")
    (root / "etc/fstab").write_text("")
    (root / "etc/resolv.conf").write_text("")
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n")


def _builder(suite, root):
    debootstrap(suite, root, ["ca-certificates"])
    (root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
    (root / "usr/sbin/policy-rc.d").chmod(0o755)
    _apt(root, suite, "install", "-qq", "-y", "--no-install-recommends", *build_packages(), "git", "dpkg-dev", "fakeroot")
    inside(root, "apt-get", "clean")


KINDS = {"fresh": _fresh, "builder": _builder}


def root(kind, suite):
    """The folder of this root; makes it when it is not there."""
    if os.geteuid() != 0:
        raise Missing("a root with users of its own needs root: run this as root")
    tool("systemd-nspawn")
    base, wanted = cache("roots"), f"{kind}-{suite}-{key(kind)}"
    base.mkdir(parents=True, exist_ok=True)
    with open(base / f"lock-{kind}-{suite}", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one makes it, others wait
        if not (base / wanted).is_dir():
            for old in base.glob(f"{kind}-{suite}-*"):
                if time.time() - old.stat().st_mtime > DAY:  # another checkout may be using it
                    shutil.rmtree(old)
            with tempfile.TemporaryDirectory(prefix="making-", dir=base) as folder:
                made = Path(folder) / "root"
                KINDS[kind](suite, made)
                made.rename(base / wanted)
                os.utime(base / wanted)
    return base / wanted


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in KINDS or sys.argv[2] not in SUITES:
        sys.exit(f"usage: roots.py {'|'.join(KINDS)} {'|'.join(SUITES)}")
    try:
        print(root(*sys.argv[1:]))
    except Missing as missing:
        sys.exit(f"tests/install: {missing}")
