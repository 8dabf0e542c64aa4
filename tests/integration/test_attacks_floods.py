"""Who asks often or from everywhere: what Hall writes, keeps and holds open for strangers has an end; and no cache keeps its answers."""

import contextlib
import os
import socket
import sqlite3

import pytest
from conftest import check_end
from process import wait_until
from test_admin import KEY, config, hall, listens, make_hall, start  # noqa: F401 (fixtures)
from world import BROWSER, Hall

SITE = "testing.example.org"
KEYED = {"X-API-Key": KEY}


def test_no_cache_keeps_what_hall_says(hall):
    """Nor is a name that caches keep, as those of styles, another way to an answer."""
    for headers in (BROWSER, {}, {"Accept": "text/css"}, {"Service-Worker": "script"}, {"Range": "bytes=0-9"}, {"If-None-Match": "*"}):
        for path in ("/", "/x.css", "/.hall/status?path=/x.css", "/.hall/status?path=/&/x.css", "/.hall/wait?path=/", "/.hall/x.js", "/favicon.ico"):
            for method in ("GET", "HEAD"):
                answer = hall.get(path, headers, method, SITE)
                assert "no-store" in answer.headers["Cache-Control"] and answer.headers["CDN-Cache-Control"] == "no-store", (path, answer)
                assert "*" in answer.headers["Vary"], (path, answer)
                assert not {"ETag", "Last-Modified", "Expires", "Age"} & set(answer.headers) and answer.status not in (206, 304), (path, answer)
    for path in ("/.hall/status/x.css?path=/", "/.hall/status;x.css?path=/", "/.hall/status%2fx.css?path=/", "/.hall/wait/x.css?path=/"):
        assert hall.get(path, {}, host=SITE).status >= 400, path
    for path in ("/api/v1/info", "/api/v1/session", "/api/v1/config", "/api/v1/servers", "/api/v1/events/export", "/api/v1/statistics"):
        answer = hall.ask_admin(path, KEYED, host="hall.lan")
        assert answer.status == 200 and answer.headers["Cache-Control"] == "no-store", (path, answer)
        for behind in ("/x.css", ".css", ";x.css", "%2fx.css", "%00.css", "%0a.css"):
            assert hall.ask_admin(path + behind, KEYED, host="hall.lan").status in (400, 404), path + behind


MAPPED = ("::ffff:203.0.113.9", "::FFFF:203.0.113.9", "::ffff:cb00:7109", "0:0:0:0:0:ffff:203.0.113.9", "0000:0000:0000:0000:0000:FFFF:CB00:7109",
          "[::ffff:203.0.113.9]:4711", "[::ffff:cb00:7109]")


@pytest.mark.parametrize("address", MAPPED)
def test_an_address_in_other_clothes_is_judged_as_itself(hall, address):
    assert hall.ask_admin("/", {"X-Forwarded-For": address}, host="hall.lan").status == 403
    assert hall.ask_admin("/", {"X-Forwarded-For": f"{address}, ::ffff:127.0.0.1"}, host="hall.lan").status == 403
    assert hall.ask_admin("/", {"X-Forwarded-For": address.replace("203.0.113.9", "192.168.1.7").replace("cb00:7109", "c0a8:107").replace("CB00:7109", "C0A8:0107")},
                          host="hall.lan").status == 200


def test_a_flood_from_everywhere_is_a_few_rows_and_lines(binary, tmp_path):
    told = config(tmp_path)
    told["domains"][SITE]["access"] = {"allow": ["192.168.1.0/24"]}
    hall = Hall(binary, tmp_path, told, "x", {"HALL_API_KEY": KEY})
    start(hall)
    for i in range(1500):
        answer = hall.auth(f"/{'x' * 200}{i}", SITE, client=f"198.51.{100 + i // 250}.{1 + i % 250}")
        assert answer.status == 403
    hall.ask_admin("/", {"X-Forwarded-For": "203.0.113.9"}, host="hall.lan")
    check_end(type("", (), {"hall": hall}))
    assert hall.log_text().count("access_refused") + hall.log_text().count("refused 198.51.") < 200
    with contextlib.closing(sqlite3.connect(tmp_path / "hall.db")) as db:
        rows = {table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("refusals", "events", "visits", "logins")}
    assert rows["refusals"] <= 310 and rows["events"] < 120 and rows["visits"] <= 1, rows
    assert sum(file.stat().st_size for file in tmp_path.glob("hall.db*")) < 1 << 20


def half(address):
    s = socket.create_connection(address, timeout=60)
    s.sendall(b"GET / HTTP/1.1\r\nHost: hall.lan\r\nX: ")
    return s


def test_connections_without_end_leave_descriptors(binary, tmp_path):
    """With as many as a program may have by default, also for a site that is asked meanwhile."""
    hall = Hall(binary, tmp_path, config(tmp_path), "x", {"HALL_API_KEY": KEY})
    hall.start(argv=["prlimit", "--nofile=1024"])
    wait_until(lambda: listens(hall), 60, "the dashboard")
    most = 0
    with contextlib.ExitStack() as kept:
        for i in range(1200):
            kept.enter_context(half(hall.gateway if i % 2 else hall.admin))
            if i % 50 == 0:
                most = max(most, len(os.listdir(f"/proc/{hall.process.popen.pid}/fd")))
        assert hall.get("/healthz").status == 200
        assert hall.ask_admin("/api/v1/info", KEYED, host="hall.lan").status == 200
    assert most < 700, most
    assert "Too many open files" not in hall.log_text()
    check_end(type("", (), {"hall": hall}))
