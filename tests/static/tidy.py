#!/usr/bin/python3
"""tidy.py [--all] BUILD: runs clang-tidy over every source, with the commands of that build folder (of clang).

What passed is remembered in ${XDG_CACHE_HOME:-~/.cache}/hall/tidy by a hash of all that decides: the preprocessed source
with its comments and macros, the configuration, the version of clang-tidy. Without --all it is not looked at again."""

import concurrent.futures
import hashlib
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
KEPT_DAYS = 30


def cache():
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hall" / "tidy"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def forget_old(folder):
    """A mark that is used is as new as its last use."""
    marks = [(mark, mark.stat().st_mtime) for mark in folder.iterdir()]
    newest = max((used for _, used in marks), default=0)
    for mark, used in marks:
        if used < newest - KEPT_DAYS * 86400:
            mark.unlink()


def run(argv, folder=ROOT):
    return subprocess.run(argv, cwd=folder, capture_output=True, check=False)


def preprocessed(entry):
    """All that clang-tidy reads of one source; the same in every folder that holds this repository."""
    words = shlex.split(entry["command"])
    words = words[1:] if Path(words[0]).name == "ccache" else words
    del words[words.index("-o"):words.index("-o") + 2]
    words.remove("-c")
    done = run([*words, "-E", "-C", "-dD"], entry["directory"])
    return done.stdout.replace(str(ROOT).encode(), b"") if done.returncode == 0 else os.urandom(16)


def check(entry, common, marks, every):
    """What clang-tidy has to say of it, and whether it had to be asked."""
    mark = marks / hashlib.sha256(common + preprocessed(entry)).hexdigest()[:32]
    if not every and mark.exists():
        mark.touch()
        return "", False
    done = run(["clang-tidy", "-p", entry["directory"], "--quiet", entry["file"]])
    if done.returncode == 0:
        mark.touch()
        return "", True
    return (done.stdout + done.stderr).decode(), True


def main():
    every, build = "--all" in sys.argv[1:], ROOT / sys.argv[-1]
    entries = [e for e in json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
               if Path(e["file"]).is_relative_to(ROOT) and not Path(e["file"]).is_relative_to(build)]
    common = run(["clang-tidy", "--version"]).stdout + (ROOT / ".clang-tidy").read_bytes()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(lambda entry: check(entry, common, cache(), every), {e["file"]: e for e in entries}.values()))
    forget_old(cache())
    print("".join(words for words, _ in found) + f"{len(found)} sources, {sum(asked for _, asked in found)} looked at")
    return any(words for words, _ in found)


if __name__ == "__main__":
    sys.exit(main())
