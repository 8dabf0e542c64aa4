#!/usr/bin/python3
"""Each library and program sees the rooms that ALLOWED of layers.py names, and no other: the compiler is asked. Every header
of a room that a target may not use has to be refused; one target of each folder has to accept all that the folder may use
(a program that is a main.c alone sees less). And a function or object that others can see is in one library: of two with one name a
program gets the one that comes first, without a word."""

import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from layers import ALLOWED, ROOT, rule_for

TARGET = re.compile(r" -o (?!tests/)\S*?CMakeFiles/([\w-]+)\.dir/")
REFUSED = re.compile(r"file not found|No such file or directory")


def headers():
    """Of each room one header, as others include it."""
    rooms = {}
    for folder in ALLOWED:
        first = min((ROOT / folder).glob("*.h")).relative_to(ROOT).as_posix()
        rooms[folder.removeprefix("hall-mqtt/")] = first.removeprefix("hall-mqtt/")
    return rooms


def targets(build):
    """Of each library and program: the folder of its first source, and how that is compiled."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        path = Path(entry["file"])
        name = TARGET.search(entry["command"])
        if name:
            words = shlex.split(entry["command"])
            words = words[:words.index("-o")]
            found.setdefault(name.group(1), (path.relative_to(ROOT).as_posix(), entry["directory"], words))
    return found


def compile_with(target, header):
    """What the compiler says to a file that includes this header; "" if it accepts it."""
    _, directory, words = target
    done = subprocess.run([*words, "-w", "-fsyntax-only", "-x", "c", "-"], cwd=directory, text=True, check=False,
                          input=f'#include "{header}"\n', capture_output=True,
                          env={**os.environ, "LC_ALL": "C"})
    return done.stderr.strip() or "refused without a word" if done.returncode else ""


def look(target, rooms):
    """Which rooms are not seen though allowed, and what was wrongly accepted or refused for another reason."""
    allowed = rule_for(target[0])
    said = {room: compile_with(target, header) for room, header in rooms.items()}
    unseen = {room for room in allowed if REFUSED.search(said[room])}
    odd = [f"{rooms[room]}: {text or 'accepted'}" for room, text in said.items()
           if (text if room in allowed else True) and not REFUSED.search(text)]
    return unseen, odd


def taken_twice(build):
    """Names that two libraries give."""
    homes = {}
    for library in sorted(build.rglob("lib*.a")):
        listed = subprocess.run(["nm", "--defined-only", "--extern-only", "--format=posix", library], text=True, check=True,
                                capture_output=True).stdout
        for name in re.findall(r"^([a-z]\w*) [TDBR] ", listed, re.M):
            homes.setdefault(name, set()).add(library.name)
    return [f"{name}: defined in {' and '.join(sorted(libraries))}" for name, libraries in sorted(homes.items()) if len(libraries) > 1]


def main():
    build = ROOT / sys.argv[1]
    rooms, found = headers(), targets(build)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        seen = dict(zip(found, pool.map(lambda target: look(target, rooms), found.values())))
    errors = [f"{name}: {text}" for name, (_, odd) in seen.items() for text in odd] + taken_twice(build)
    for folder, allowed in ALLOWED.items():
        unseen = [seen[name][0] for name, target in found.items() if rule_for(target[0]) is allowed]
        if all(unseen):
            errors.append(f"{folder}: no library sees {', '.join(sorted(min(unseen, key=len, default=allowed)))}")
    print("\n".join(errors) or f"{len(found)} libraries and programs see the rooms they may use, and no other of {len(rooms)}")
    return 1 if errors or not found else 0


if __name__ == "__main__":
    sys.exit(main())
