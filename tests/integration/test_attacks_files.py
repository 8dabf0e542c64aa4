"""Files that others prepared: those a configuration names, and those that lie where Hall writes its own."""

import contextlib
import json
import os
import shutil
import socket

import pytest
from conftest import check_end
from process import wait_until
from test_admin import JSON, KEY, config, start
from world import Hall

KEYED = {"X-API-Key": KEY}


def hall_with(binary, directory, told):
    return Hall(binary, directory, told, "x", {"HALL_API_KEY": KEY})


def is_there(hall):
    return hall.ask_admin("/api/v1/info", KEYED, host="hall.lan").status == 200


@pytest.fixture(params=["fifo", "device"])
def endless(request, tmp_path):
    """Nobody ever writes into the one, and the other never ends."""
    if request.param == "device":
        return "/dev/zero"
    os.mkfifo(tmp_path / "authority")
    return str(tmp_path / "authority")


def test_a_sites_authority_that_never_ends_holds_nobody_up(binary, tmp_path, endless):
    with socket.create_server(("127.0.0.1", 0)) as site:
        told = config(tmp_path)
        told["servers"]["testing"].update(address="127.0.0.1", checks=[{"http": {
            "url": "https://127.0.0.1:%d/" % site.getsockname()[1], "tls": {"ca": endless}}}])
        hall = hall_with(binary, tmp_path, told)
        start(hall)
        site.settimeout(60)
        for _ in range(2):  # the first has been looked at when the second comes
            site.accept()[0].close()
        assert is_there(hall)
        check_end(type("", (), {"hall": hall}))


def test_a_brokers_authority_that_never_ends_holds_nobody_up(binary, tmp_path, endless):
    hall = hall_with(binary, tmp_path, {**config(tmp_path), "mqtt": {"url": "mqtts://127.0.0.1:1", "ca": endless}})
    start(hall)
    wait_until(lambda: f"{endless} cannot be used: it is not a regular file" in hall.log_text(), 60, "what is wrong with it")
    assert is_there(hall)
    check_end(type("", (), {"hall": hall}))


def test_links_where_hall_writes_lead_nowhere(binary, tmp_path):
    """Somebody may write in the folders of the store and of the configuration, and waits for Hall to write into what is not its own."""
    victim, place = tmp_path / "victim", tmp_path / "place"
    victim.write_text("mine\n", encoding="utf-8")
    place.mkdir()
    hall = hall_with(binary, place, config(place))
    traps = ["hall.db-wal", "hall.db-shm", "hall.db-journal", "hall.db.backup.new", "hall.db.salvaged", "hall.db.salvaged.new",
             "hall.db.salvaged.new-journal", "hall.db.salvaged.new-wal", ".domains.json.good", ".domains.json.new", "domains.json.new",
             "domains.json.tmp", "domains.json~"]
    for name in traps:
        (place / name).symlink_to(victim)
    shutil.rmtree(place / "domains.json.versions", ignore_errors=True)
    start(hall)
    current = hall.ask_admin("/api/v1/config", KEYED, host="hall.lan")
    changed = json.loads(json.dumps(hall.config))
    changed["site"] = "attic"
    put = hall.ask_admin("/api/v1/config", {**KEYED, **JSON, "If-Match": current.headers["ETag"]}, "PUT", "hall.lan", body=json.dumps(changed))
    hall.ask_admin("/api/v1/servers/testing/wake", {**KEYED, **JSON}, "POST", "hall.lan", body="{}")
    check_end(type("", (), {"hall": hall}))
    assert victim.read_text(encoding="utf-8") == "mine\n" and victim.stat().st_mode & 0o777 == 0o644, [put.status, hall.log_text()[-2000:]]
    with contextlib.suppress(FileNotFoundError):
        (place / "hall.db").unlink()
    (place / "hall.db").write_bytes(b"SQLite format 3\0" + os.urandom(8192))  # to be salvaged
    for name in traps:
        with contextlib.suppress(FileNotFoundError):
            (place / name).unlink()
        (place / name).symlink_to(victim)
    start(hall)
    check_end(type("", (), {"hall": hall}))
    assert victim.read_text(encoding="utf-8") == "mine\n"
