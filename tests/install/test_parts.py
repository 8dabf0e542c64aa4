"""Each part of Hall is configured where the libraries of the others are missing, and links none of them."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# The programs of each part, and the modules of pkg-config that it may ask for.
BASE = {"libmosquitto", "libcjson", "libsystemd"}
PARTS = {
    "DAEMON": ({"hall", "hall-handout"}, BASE | {"sqlite3", "libsodium", "libcurl", "libssl", "libcrypto"}),
    "CTL": ({"hallctl", "hall-simulate"}, BASE | {"libsodium", "libcurl"}),
    "AGENT": ({"hall-agent"}, BASE),
    "RELAY": ({"hall-wol"}, BASE),
}
LINKED = {"sqlite3": "sqlite3", "libsodium": "sodium", "libcurl": "curl", "civetweb": "civetweb", "libssl": "ssl", "libcrypto": "crypto"}


def describe(folder, modules):
    """A folder for pkg-config in which there are these modules and no others."""
    folder.mkdir()
    for module in modules:
        where = subprocess.run(["pkg-config", "--variable=pcfiledir", module], capture_output=True, text=True, check=True)
        text = (Path(where.stdout.strip()) / f"{module}.pc").read_text(encoding="utf-8")
        (folder / f"{module}.pc").write_text(re.sub(r"^Requires.*\n", "", text, flags=re.M), encoding="utf-8")
    return folder


def configure(place, parts, modules, *options, hidden=("/usr/include", "/usr/share/javascript/chart.js")):
    return subprocess.run(
        ["env", f"PKG_CONFIG_LIBDIR={describe(place / 'modules', modules)}", "cmake", "-G", "Ninja", "-S", ROOT, "-B", place / "build",
         *(f"-DHALL_{part}={'ON' if part in parts else 'OFF'}" for part in PARTS),
         f"-DCMAKE_IGNORE_PATH={';'.join(hidden)}", *options],
        capture_output=True, text=True, check=False)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_asks_only_for_what_it_needs(tmp_path, part):
    programs, modules = PARTS[part]
    # Only the daemon has civetweb and the dashboard's charts.
    done = configure(tmp_path, [part], modules, **({"hidden": ()} if part == "DAEMON" else {}))
    assert done.returncode == 0, done.stdout + done.stderr
    rules = (tmp_path / "build/build.ninja").read_text(encoding="utf-8")
    assert set(re.findall(r"^build bin/([\w-]+):", rules, re.M)) == programs
    linked = {name for name, library in LINKED.items() if re.search(rf"\blib{library}\.so|-l{library}\b", rules)}
    assert linked == {*modules, *(["civetweb"] if part == "DAEMON" else [])} & set(LINKED)
    # Every file that is to be compiled can be made.
    plan = subprocess.run(["ninja", "-n", "-C", tmp_path / "build"], capture_output=True, text=True, check=False)
    assert plan.returncode == 0, plan.stdout + plan.stderr


def test_a_missing_library_is_named(tmp_path):
    done = configure(tmp_path, ["RELAY"], BASE - {"libsystemd"})
    assert done.returncode != 0 and "libsystemd is missing" in done.stderr


def test_nothing_to_build_is_said(tmp_path):
    done = configure(tmp_path, [], BASE)
    assert done.returncode != 0 and "Nothing to build" in done.stderr
