"""Roots of Debian for the tests: what makes them, where apt gets packages, and what is missing for it."""

import os
import re
import shutil
import subprocess
from pathlib import Path

NEEDED = {"debootstrap": "debootstrap", "mke2fs": "e2fsprogs", "cpio": "cpio", "dpkg-deb": "dpkg", "apt-get": "apt",
          "qemu-system-x86_64": "qemu-system-x86", "ssh": "openssh-client", "ssh-keygen": "openssh-client",
          "systemd-nspawn": "systemd-container"}


class Missing(Exception):
    """What is not there, and what to do."""


def tool(name):
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if not found:
        raise Missing(f"{name} is not installed: apt-get install {NEEDED[name]}")
    return found


def run(*argv, **options):
    try:
        done = subprocess.run([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False, **options)
    except subprocess.TimeoutExpired as late:
        raise Missing(f"{' '.join(map(str, argv))} did not end in time: is the mirror of apt reachable?") from late
    if done.returncode != 0:
        raise Missing(f"{' '.join(map(str, argv))} ended with {done.returncode}:\n{done.stdout[-3000:]}")
    return done.stdout


def release():
    """The codename of the Debian that this runs on."""
    words = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    name = words.get("VERSION_CODENAME", "").strip('"')
    if words.get("ID", "").strip('"') != "debian" or not name:
        raise Missing("roots are made from Debian's packages: run this on Debian 12 or 13")
    return name


def _targets():
    """(site, release, component, trusted keys) of each source of packages that apt has here."""
    lines = run("apt-get", "indextargets", "--format", "$(SITE) $(RELEASE) $(COMPONENT) $(SIGNED_BY)", "Created-By: Packages")
    return [line.split() for line in lines.splitlines()]


def mirror(suite):
    """Where apt gets this release's packages from, as configured here; a mirror has the other releases too. The lists may
    have been cleaned away."""
    own = release()
    for refresh in (False, True):
        if refresh:
            run("apt-get", "update", "-qq", timeout=300)
        for site, name, component, *_ in _targets():
            if name == own and component == "main" and run("apt-cache", "search", "--names-only", "^linux-image-amd64$"):
                return site
    raise Missing(f"apt has no source of packages for {own} main, and so none for {suite}: see /etc/apt/sources.list.d")


def proxies():
    """debootstrap fetches by itself, and knows nothing of apt's configuration."""
    words = dict(re.findall(r"(\w+)='(.*)'", run("apt-config", "shell", "http", "Acquire::http::Proxy",
                                                  "https", "Acquire::https::Proxy")))
    return {f"{kind}_proxy": address for kind, address in words.items() if address and address != "DIRECT"}


def debootstrap(suite, root, packages):
    """Makes the folder root a small Debian of this release with these packages."""
    run(tool("debootstrap"), "--variant=minbase", f"--include={','.join(packages)}", suite, root, mirror(suite),
        env={**os.environ, **proxies()}, timeout=900)


def cache(name):
    """Where roots are kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "hall" / name
