#!/usr/bin/python3
"""The layers hold: a folder includes only from those below it, and a third-party header belongs to one file of an adapter."""

import re
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

# Folder of the including file: the folders its project headers may come from, with those that their headers bring along.
# rooms.py has the compiler confirm each row.
ALLOWED = {folder: set(rooms.split()) for folder, rooms in {
    "hall-mqtt/base": "base",
    "hall-mqtt/core": "base core",
    "hall-mqtt/say": "base core say",
    "hall-mqtt/config": "base core config",
    "hall-mqtt/words": "base core say words",
    "hall-mqtt/mqtt": "base mqtt",
    "hall-mqtt/loop": "base loop",
    "hall-mqtt/probe": "base core loop probe",
    "hall-mqtt/record": "base core say record",
    "hall-mqtt/secret": "secret",
    "hall-mqtt/store": "base store",
    "bridges/wol": "base bridges/wol",
    "bridges/companion": "base core config mqtt bridges/companion",
    "bridges/relay": "base core say config words mqtt loop bridges/companion bridges/wol bridges/relay",
    "bridges/agent/docker": "base core mqtt bridges/agent/docker",
    "bridges/agent/logind": "base core say bridges/agent/logind",
    "bridges/agent/watch": "base core loop bridges/agent/docker bridges/agent/logind bridges/agent/watch",
    "bridges/agent": "base core say config words mqtt loop bridges/companion bridges/agent/docker bridges/agent/logind "
                     "bridges/agent/watch bridges/agent",
    "bridges/remote": "base core config loop bridges/remote",
    "bridges/proxy": "base core config web/site bridges/proxy",
    "ha-discovery": "base core say words ha-discovery",
    "web/site": "base core web/site",
    "web/board": "base core config web/board",
    "web/gate": "base core config web/site web/board web/gate",
    "web/page": "base core say config web/site web/board web/gate web/page",
    "web/routes": "base core say config bridges/proxy web/site web/board web/gate web/page web/routes",
    "web/listen": "base core say config web/site web/board web/gate web/page web/routes web/listen",
    "web/api": "base core say config store web/site web/board web/gate web/page web/api",
    "web/admin": "base core say config secret web/site web/board web/gate web/page web/listen web/api web/admin",
    "hall-mqtt/handout": "base handout",
    "hall-mqtt/hallctl": "base core say config words mqtt probe secret bridges/wol bridges/proxy hallctl hallctl/doctor hallctl/enroll "
                         "hallctl/setup",
    "hall-mqtt/hallctl/doctor": "base core say config words mqtt web/site bridges/proxy hallctl hallctl/setup hallctl/enroll hallctl/doctor",
    "hall-mqtt/hallctl/enroll": "base secret hallctl/enroll",
    "hall-mqtt/hallctl/setup": "base core say config probe secret bridges/proxy hallctl/setup",
    "hall-mqtt/simulate": "base core say config words simulate",
    "hall-mqtt/hall": "base core say config words mqtt loop probe record secret store bridges/wol bridges/remote ha-discovery "
                      "web/site web/board web/gate web/page web/listen web/api web/admin hall",
}.items()}
# What is pure beside adapters in one folder, or as a whole: it includes no system's I/O.
PURE_OF_SYSTEM = ("ha-discovery", "hall-mqtt/core", "hall-mqtt/say", "hall-mqtt/config", "hall-mqtt/words", "hall-mqtt/record",
                  "web/site", "web/gate", "web/page/phrase", "web/page/status", "bridges/proxy",
                  "bridges/agent/watch/vetoes", "bridges/agent/watch/proc", "bridges/agent/agent_words",
                  "bridges/agent/docker/docker_api", "bridges/agent/docker/docker_reply",
                  "bridges/remote/ssh_words", "bridges/relay/relay_guard")
THIRD_PARTY = ("mosquitto", "crypt.h", "sqlite3", "cjson/", "cJSON", "civetweb", "curl/", "openssl/", "sodium", "systemd/sd-bus")
SYSTEM_IO = ("systemd/", "sys/socket.h", "sys/epoll.h", "pthread.h", "time.h", "sys/timerfd.h")
GENERATED = {"web/wait_page.h", "web/dashboard_assets.h", "hallctl/enroll_sh.h"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def folder_of(name):
    return name.rsplit("/", 1)[0]


def room_of(name):
    """The facts of the core are seen wherever the core is; its rules have a law of their own (core_errors)."""
    folder = folder_of(name)
    return "core" if folder in ("core/facts", "core/rules") else folder


def core_errors(path, names):
    """A rule of the core knows no other: its headers are for its own files (wake.h, wake_internal.h for wake*.c), and for
    settle.c, which runs them all. What the rules find, the facts, knows none of them."""
    stem = Path(path).stem
    for name in names:
        own = path.startswith("hall-mqtt/core/rules/") and Path(name).stem.split("_")[0] == stem.split("_")[0]
        if name.startswith("core/rules/") and not own and path != "hall-mqtt/core/settle.c":
            yield f"{path}: includes {name}; rules are run by settle.c and known to nobody else"
        if path.startswith(("hall-mqtt/core/rules/", "hall-mqtt/core/facts/")) and name in ("core/settle.h", "core/event.h"):
            yield f"{path}: includes {name}, which drives it"


def rule_for(path):
    return next((ALLOWED[k] for k in sorted(ALLOWED, key=len, reverse=True) if path.startswith(k + "/")), None)


def layer_errors(path, includes):
    rule = rule_for(path)
    if rule is None:
        yield f"{path}: no layer is known for its folder"
    yield from core_errors(path, [name for quote, name in includes if quote == '"'])
    for quote, name in includes:
        if quote == '"' and rule is not None and "/" in name and name not in GENERATED and room_of(name) not in rule:
            yield f"{path}: includes {name}; its layer may only include from {', '.join(sorted(rule))}"
        if quote == '"' and "/" not in name or ".." in name.split("/"):
            yield f"{path}: includes {name}, which does not say its room"
        if quote == "<" and path.startswith(PURE_OF_SYSTEM) and name.startswith(SYSTEM_IO):
            yield f"{path}: includes <{name}>, but is pure"


def daemon_errors():
    """The files of hall: each includes only headers of those further down in the table of docs/ARCHITECTURE.md."""
    folder = ROOT / "hall-mqtt/hall"
    table = (ROOT / "docs/ARCHITECTURE.md").read_text(encoding="utf-8").split("### The files of hall", 1)[1].split("\n## ", 1)[0]
    names = [name for row in table.splitlines() if row.startswith("| `") for name in re.findall(r"`(\w+)\.[ch]`", row.split("|")[1])]
    stems = {file.stem for file in folder.glob("*.[ch]")}

    def rank(stem):  # a header of several files (stats.h) stands with the last of them
        return max((i for i, name in enumerate(names) if name == stem or name.startswith(stem.split("_internal")[0] + "_")), default=None)

    yield from (f"docs/ARCHITECTURE.md: {stem} is missing in the files of hall" for stem in sorted(stems) if rank(stem) is None)
    yield from (f"docs/ARCHITECTURE.md: there is no {name} among the files of hall" for name in names if name not in stems)
    for file in sorted(folder.glob("*.[ch]")):
        for _, name in INCLUDE.findall(file.read_text(encoding="utf-8")):
            if name.startswith("hall/") and (rank(Path(name).stem) or 0) < (rank(file.stem) or 0):
                yield f"{file.relative_to(ROOT)}: includes {name}, which stands above it in docs/ARCHITECTURE.md"


def name_errors(files):
    """A file of hall says by its name alone which one it is."""
    places = defaultdict(set)
    for file in files:
        places[file.stem].add(file.parent.relative_to(ROOT).as_posix())
    yield from (f"{stem}: one name for files of {' and '.join(sorted(folders))}" for stem, folders in sorted(places.items())
                if len(folders) > 1 and stem != "main" and "hall-mqtt/hall" in folders)


def main():
    errors, owners = [], defaultdict(set)
    files = [f for top in ("hall-mqtt", "bridges", "web", "ha-discovery") for f in (ROOT / top).rglob("*.[ch]")]
    for file in sorted(files):
        path = file.relative_to(ROOT).as_posix()
        includes = INCLUDE.findall(file.read_text(encoding="utf-8"))
        errors += layer_errors(path, includes)
        for quote, name in includes:
            for third in THIRD_PARTY:
                if quote == "<" and name.startswith(third):
                    owners[third, file.parent].add(path)
    errors += [f"<{third}> has more than one door: {', '.join(sorted(paths))}"
               for (third, _), paths in owners.items() if len(paths) > 1]
    errors += [*daemon_errors(), *name_errors(files)]
    print("\n".join(errors) or f"{len(files)} files keep their layers")
    return 1 if errors or not files else 0


if __name__ == "__main__":
    sys.exit(main())
