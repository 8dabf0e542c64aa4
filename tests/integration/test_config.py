"""hall --check: every error at once, each with file, pointer, what was found and what is allowed."""

import copy
import json
import re
import subprocess

import pytest

GOOD = {
    "servers": {"box": {"address": "127.0.0.20", "mac": "02:00:5e:00:00:01"}},
    "domains": {"box.example": {"server": "box"}},
}


@pytest.fixture
def check(binary, tmp_path):
    def run(content, *options):
        file = tmp_path / "domains.json"
        if isinstance(content, bytes):
            file.write_bytes(content)
        elif content is not None:
            file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return subprocess.run([binary, "--config", file, "--check", *options], capture_output=True, text=True, timeout=60,
                              check=False)

    return run


def changed(**paths):
    value = copy.deepcopy(GOOD)
    for path, new in paths.items():
        at = value
        *way, last = path.split("__")
        for step in way:
            at = at[step]
        at[last] = new
    return value


def test_ten_lines_are_enough(check):
    done = check(GOOD)
    assert done.returncode == 0, done.stderr


def test_shared_containers_are_noted(check):
    value = changed()
    value["servers"]["other"] = {"address": "127.0.0.21", "mac": "02:00:5e:00:00:02"}
    value["domains"]["b.example"] = {"server": "box", "projects": {"b": {"containers": ["b-web", "db", "db"]}}}
    value["domains"]["box.example"]["projects"] = {"a": {"containers": ["db", "a-web"]}, "c": {"containers": ["db"]}}
    value["domains"]["other.example"] = {"server": "other", "projects": {"d": {"containers": ["db", "b-web"]}}}
    done = check(value)
    assert done.returncode == 0 and done.stderr == ""
    notes = [line for line in done.stdout.splitlines() if "note: " in line]
    assert len(notes) == 1, done.stdout
    assert "container db on server box is shared by projects a, b and c" in notes[0]


def test_all_errors_at_once(check):
    wrong = {
        "servers": {
            "box": {"address": "300.1.1.1", "mac": "nonsense", "colour": "red", "wake": {"port": 70000}},
            "Bad Id": {"address": "127.0.0.1", "mac": "02:00:5e:00:00:02"},
        },
        "domains": {"box.example": {"server": "nobody", "policy": {"mode": "sometimes", "idle": "soon"}}},
        "extra": 1,
    }
    done = check(wrong)
    assert done.returncode == 1
    lines = (done.stdout + done.stderr).splitlines()
    for pointer in ("/servers/box/address", "/servers/box/mac", "/servers/box/colour", "/servers/box/wake/port", "/servers/Bad Id",
                    "/domains/box.example/server", "/domains/box.example/policy/mode",
                    "/domains/box.example/policy/idle", "/extra"):
        found = [line for line in lines if f"domains.json: {pointer}: " in line]
        assert len(found) == 1, f"{pointer}: {lines}"
        assert re.search(r"found .+; allowed: .+", found[0]), found


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff\xfe\x00", b'{"servers": {}, "servers": {}}', b"[" * 100000, b'{"a":' * 1000 + b"1" + b"}" * 1000,
     b" " * (8 << 20), b'{"servers": "' + b"x" * (4 << 20) + b'"}'],
    ids=["empty", "cut", "list", "null", "binary", "doubled-key", "deep-open", "deep", "huge-blank", "huge-text"],
)
def test_broken_files_are_refused_with_a_sentence(check, content):
    done = check(content)
    assert done.returncode == 1, done
    words = done.stdout + done.stderr
    assert "domains.json" in words and len(words) < 4000


def test_missing_file_and_unknown_option(binary, check, tmp_path):
    done = check(None)
    assert done.returncode == 1 and "domains.json" in done.stdout + done.stderr
    done = subprocess.run([binary, "--colour"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0 and "--colour" in done.stderr
    done = subprocess.run([binary, "--check", "stray"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0 and "stray" in done.stderr


def test_version(binary):
    done = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and re.search(r"\d+\.\d+\.\d+", done.stdout)


def test_a_daemon_does_not_start_on_a_bad_configuration(binary, tmp_path):
    file = tmp_path / "domains.json"
    file.write_text(json.dumps(changed(servers__box__mac="nope")), encoding="utf-8")
    done = subprocess.run([binary, "--config", file], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 78 and "/servers/box/mac" in done.stderr


def test_cyclic_dependencies_are_refused(check):
    value = copy.deepcopy(GOOD)
    value["servers"]["box"]["depends_on"] = ["other"]
    value["servers"]["other"] = {"address": "127.0.0.21", "mac": "02:00:5e:00:00:02", "depends_on": ["box"]}
    done = check(value)
    assert done.returncode == 1 and "depends_on" in done.stdout + done.stderr


def test_a_password_in_the_file_is_refused_and_not_shown(check):
    done = check(changed(mqtt={"url": "mqtt://127.0.0.1", "password": "hunter2"}))
    words = done.stdout + done.stderr
    assert done.returncode == 1 and "/mqtt/password" in words and "hunter2" not in words
