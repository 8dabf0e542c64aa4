"""Who gets to the dashboard and its API: addresses, hosts, passwords, sessions, keys, and pages of others that try."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import time

import pytest
from conftest import check_end
from process import Process, wait_until, went_on
from proxy import tool
from world import ROOT, Hall, free_port, http_get

PASSWORD = "correct horse battery"
KEY = "0123456789abcdef0123456789abcdef"
JSON = {"Content-Type": "application/json"}


def config(directory, **http):
    return {
        "mqtt": {"url": "mqtt://127.0.0.1:1"},
        "http": {"gateway": f"127.0.0.1:{free_port()}", "admin": f"127.0.0.1:{free_port()}",
                 "trusted_proxies": ["127.0.0.1"], "admin_allow": ["127.0.0.0/8", "192.168.1.0/24"],
                 "admin_hosts": ["hall.lan"], **http},
        "store": {"path": str(directory / "hall.db")},
        "servers": {"testing": {"address": "127.77.0.9", "mac": "aa:bb:cc:dd:ee:01"}},
        "domains": {"testing.example.org": {"server": "testing", "upstream": "http://127.77.0.9:9"}},
    }


class Visitor:
    """A browser as far as cookies and the CSRF token go; source: its address."""

    def __init__(self, hall, source=None):
        self.hall, self.source = hall, source
        self.cookie = self.csrf = None

    def ask(self, path, method="GET", body=None, headers=None, host="hall.lan"):
        words = dict(headers or {})
        if self.cookie:
            words.setdefault("Cookie", f"hall_session={self.cookie}")
        if body is not None:
            words = {**JSON, **words}
            body = body if isinstance(body, (str, bytes)) else json.dumps(body)
        return self.hall.ask_admin(path, words, method, host, body=body, source=self.source)

    def login(self, password=PASSWORD, **words):
        answer = self.ask("/login", "POST", {"password": password}, **words)
        if answer.status == 200:
            self.cookie = re.match(r"(?:__Host-)?hall_session=([0-9a-f]{64});", answer.headers["Set-Cookie"]).group(1)
            self.csrf = answer.json()["csrf"]
        return answer

    def change(self, headers=None, **words):
        return self.ask("/api/v1/servers/nobody/wake", "POST", {}, {"X-CSRF-Token": self.csrf, **(headers or {})}, **words)

    def is_in(self):
        return self.ask("/api/v1/session").json()["authenticated"]


def problem(answer, status):
    assert answer.status == status, answer
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status and body["detail"]
    return body["detail"]


@pytest.fixture
def make_hall(binary, tmp_path):
    halls = []

    def make(secrets=None, wait=True, **http):
        hall = Hall(binary, tmp_path, config(tmp_path, **http), "x", {"ADMIN_PASSWORD": PASSWORD, "HALL_API_KEY": KEY} if secrets is None else secrets)
        halls.append(hall)
        start(hall)
        wait_until(lambda: session(hall)["configured"] or not hall.secrets or not wait, 60, "the first hash")
        return hall

    yield make
    for hall in halls:
        if hall.process.alive():
            check_end(type("", (), {"hall": hall}))


def listens(hall):
    try:
        return session(hall)
    except OSError:
        return None


def start(hall):
    hall.start()
    wait_until(lambda: listens(hall), 60, "the admin listener")


def session(hall):
    return hall.ask_admin("/api/v1/session", host="hall.lan").json()


@pytest.fixture
def hall(make_hall):
    return make_hall()


@pytest.fixture
def visitor(hall):
    visitor = Visitor(hall)
    assert visitor.login().status == 200
    return visitor


# ---- What everyone sees


def test_the_page_runs_nothing_but_its_own_files_and_nobody_frames_it(hall):
    page = hall.ask_admin("/", host="hall.lan")
    assert page.status == 200 and page.headers["Content-Type"].startswith("text/html")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["X-Content-Type-Options"] == "nosniff" and page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["Referrer-Policy"]
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=", page.text())
    again = hall.ask_admin("/", {"If-None-Match": page.headers["ETag"]}, host="hall.lan")
    assert again.status == 304 and again.body == b""
    for path in re.findall(r'(?:src|href)="(/[^"]+)"', page.text()):
        assert hall.ask_admin(path, host="hall.lan").status == 200, path
    assert "paths" in hall.ask_admin("/api/v1/openapi.json", host="hall.lan").json()
    problem(hall.ask_admin("/nothing", host="hall.lan"), 404)
    problem(hall.ask_admin("/app/../../etc/passwd", host="hall.lan"), 404)
    assert hall.ask_admin("/", method="PUT", host="hall.lan").headers["Allow"] == "GET, HEAD"


def test_without_a_login_the_api_says_nothing(hall):
    detail = problem(hall.ask_admin("/api/v1/servers", host="hall.lan"), 401)
    assert "X-API-Key" in detail
    problem(hall.ask_admin("/api/v1/stream", host="hall.lan"), 401)
    problem(hall.ask_admin("/api/v1/servers/testing/wake", method="POST", host="hall.lan"), 401)
    wait_until(lambda: "access_refused: 127.0.0.1: /api/v1/servers" in hall.log_text(), 60, "the refusal in the log")


# ---- Where from


@pytest.mark.parametrize("host", ["evil.example", "hall.lan.evil.example", "127.0.0.2", "[::1]", "hall.lan:1x"])
def test_another_host_name_is_refused(hall, host):
    answer = hall.ask_admin("/", host=host)
    assert answer.status in (400, 403), answer
    assert "dashboard" not in answer.text() or "admin_hosts" in answer.text()
    problem(hall.ask_admin("/login", JSON, "POST", host, body='{"password":"x"}'), answer.status)


def test_its_own_names_and_number_are_hosts(hall):
    for host in ("hall.lan", "HALL.LAN", "hall.lan:8881", "%s:%d" % hall.admin, "127.0.0.1"):
        assert hall.ask_admin("/", host=host).status == 200, host


def test_an_address_outside_is_refused_also_behind_the_proxy(hall):
    def behind(address, source="127.0.0.1"):
        return hall.ask_admin("/", {"X-Forwarded-For": address, "X-Forwarded-Host": "hall.lan"}, source=source, host="hall.lan")

    assert behind("192.168.1.7").status == 200
    assert "admin_allow" in problem(behind("203.0.113.9"), 403)
    problem(behind("192.168.1.7, 203.0.113.9"), 403)  # the left part is the visitor's own claim
    problem(behind("2001:db8::1"), 403)
    problem(behind("not an address"), 400)
    assert behind("203.0.113.9", source="127.0.0.2").status == 200  # no trusted proxy: its word does not count
    wait_until(lambda: "access_refused: 203.0.113.9: /: " in hall.log_text(), 60, "the refusal in the log")


# ---- Sessions


def test_a_login_makes_a_session_that_scripts_cannot_read(hall):
    visitor = Visitor(hall)
    answer = visitor.login()
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie and "Secure" not in cookie
    assert "Secure" in Visitor(hall).login(headers={"X-Forwarded-Proto": "https"}).headers["Set-Cookie"]
    assert visitor.is_in()
    assert visitor.change().status not in (401, 403)
    assert visitor.cookie not in hall.log_text() and PASSWORD not in hall.log_text()


def test_each_login_is_a_new_session_and_ends_the_one_before(hall, visitor):
    before = visitor.cookie
    assert visitor.login().status == 200
    assert visitor.cookie != before and visitor.is_in()
    visitor.cookie = before
    assert not visitor.is_in()
    # Nor does a cookie somebody planted become one.
    victim = Visitor(hall)
    victim.cookie = "ab" * 32
    assert victim.login().status == 200 and victim.cookie != "ab" * 32
    victim.cookie = "ab" * 32
    assert not victim.is_in()


def test_logging_out_ends_it(visitor):
    problem(visitor.ask("/logout", "POST"), 403)
    assert visitor.is_in()
    assert visitor.ask("/logout", "POST", headers={"X-CSRF-Token": visitor.csrf}).status == 204
    assert not visitor.is_in()


@pytest.mark.parametrize("cookie", ["", "hall_session=", "hall_session=zz", "hall_session=" + "a" * 63, "hall_session=" + "a" * 65,
                                    "x=1; hall_session=" + "0" * 64, "hall_session=" + "0" * 64 + "; hall_session=1"])
def test_odd_cookies_are_nobody(hall, cookie):
    assert not hall.ask_admin("/api/v1/session", {"Cookie": cookie}, host="hall.lan").json()["authenticated"]


# ---- Pages of others


@pytest.mark.parametrize("headers", [
    {"X-CSRF-Token": ""}, {"X-CSRF-Token": "0" * 64}, {"Origin": "https://evil.example"}, {"Origin": "null"},
    {"Origin": "http://hall.lan.evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"}])
def test_a_page_of_another_origin_changes_nothing(visitor, headers):
    problem(visitor.change(headers), 403)


def test_our_own_page_may(visitor):
    for headers in ({"Origin": "http://hall.lan"}, {"Origin": "https://hall.lan", "Sec-Fetch-Site": "same-origin"}, {}):
        assert visitor.change(headers).status not in (401, 403)


def test_a_login_from_another_origin_is_refused(hall):
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        problem(Visitor(hall).login(headers=headers), 403)


def restart(hall, kill=False):
    if kill:
        hall.kill()
    else:
        hall.stop()
    hall.start()
    wait_until(lambda: listens(hall), 60, "the dashboard")


@pytest.mark.parametrize("key", [None, KEY])
@pytest.mark.parametrize("kill", [False, True])
def test_a_restart_logs_nobody_out(make_hall, key, kill):
    hall = make_hall({"ADMIN_PASSWORD": PASSWORD, **({"HALL_SECRET_KEY": key} if key else {})})
    visitor, left = Visitor(hall), Visitor(hall)
    assert visitor.login().status == 200 and left.login().status == 200
    store = hall.config["store"]["path"]
    wait_until(lambda: kept(store) == 2, 60, "the sessions in the store")
    assert left.ask("/logout", "POST", {}, {"X-CSRF-Token": left.csrf}).status == 204
    wait_until(lambda: kept(store) == 1, 60, "the sessions in the store")
    restart(hall, kill)
    assert visitor.is_in() and visitor.change().status == 404 and not left.is_in()
    assert visitor.cookie not in json.dumps(rows(store))


def test_another_password_ends_the_sessions_of_before(make_hall):
    hall = make_hall({"ADMIN_PASSWORD": PASSWORD})
    visitor = Visitor(hall)
    assert visitor.login().status == 200
    hall.secrets["ADMIN_PASSWORD"] = "another battery staple"
    restart(hall)
    wait_until(lambda: not visitor.is_in(), 60, "the end of the session")
    assert visitor.login().status == 401 and visitor.login("another battery staple").status == 200


def test_another_start_of_the_machine_ends_them(make_hall):
    """A machine without a hardware clock does not know then how long it was off."""
    hall = make_hall({"ADMIN_PASSWORD": PASSWORD})
    visitor = Visitor(hall)
    assert visitor.login().status == 200
    hall.stop()
    with contextlib.closing(sqlite3.connect(hall.config["store"]["path"])) as db, db:
        (body,) = db.execute("SELECT body FROM state WHERE key = 'admin_sessions'").fetchone()
        changed = {**json.loads(body), "boot": "00000000-0000-0000-0000-000000000000"}
        db.execute("UPDATE state SET body = ? WHERE key = 'admin_sessions'", (json.dumps(changed),))
    hall.start()
    wait_until(lambda: listens(hall), 60, "the dashboard")
    assert not visitor.is_in() and visitor.login().status == 200


def test_another_key_ends_them_too(make_hall):
    hall = make_hall({"ADMIN_PASSWORD": PASSWORD, "HALL_SECRET_KEY": KEY})
    visitor = Visitor(hall)
    assert visitor.login().status == 200
    hall.secrets["HALL_SECRET_KEY"] = KEY[::-1]
    restart(hall)
    assert not visitor.is_in()


def rows(store):
    with contextlib.closing(sqlite3.connect(store)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: [[str(cell) for cell in row] for row in db.execute(f"SELECT * FROM {table}")] for table in tables}


def kept(store):
    """How many sessions are in the store."""
    found = [cell for table in rows(store).values() for row in table if "admin_sessions" in row for cell in row if cell.startswith("{")]
    return len(json.loads(found[0])["sessions"]) if found else None


# ---- Guessing


def test_guessing_is_slowed_down_for_that_address_alone(hall):
    guesser = Visitor(hall, "127.0.0.5")
    statuses = [guesser.login(f"guess {i}").status for i in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    answer = guesser.login()  # the right one, but too late
    assert answer.status == 429 and 1 <= int(answer.headers["Retry-After"]) <= 30
    assert Visitor(hall).login().status == 200
    wait_until(lambda: "login_failed: 127.0.0.5: /login: wrong password" in hall.log_text(), 60, "the failure in the log")
    wait_until(lambda: re.search(r" login: 127\.0\.0\.1$", hall.log_text(), re.M), 60, "the login in the log, without English words")


def test_guessing_from_one_ipv6_network_is_slowed_down_as_from_one_address(make_hall):
    hall = make_hall(admin_allow=["2001:db8::/32", "127.0.0.1"])

    def guess(who, password):
        return hall.ask_admin("/login", {**JSON, "X-Forwarded-For": who}, "POST", "hall.lan", body=json.dumps({"password": password})).status

    statuses = [guess(f"2001:db8:0:1::{i}", f"guess {i}") for i in range(1, 8)]
    assert statuses == [401] * 5 + [429] * 2
    assert guess("2001:db8:0:2::1", "guess") == 401
    assert guess("2001:db9::1", PASSWORD) == 403


def test_guessing_from_many_addresses_is_slowed_down_too(hall):
    begun = time.monotonic()
    statuses = [Visitor(hall, f"127.0.1.{i}").login("no").status for i in range(1, 36)]
    minutes = int((time.monotonic() - begun) / 60)  # a slow machine's guesses may reach into another minute
    assert statuses.count(401) <= 30 * (1 + minutes)
    assert minutes > 0 or statuses == [401] * 30 + [429] * 5


@pytest.mark.parametrize("body", ["", "{}", "[]", "{", '{"password":1}', '{"password":""}', '{"password":"' + "x" * 1025 + '"}',
                                  '{"password":"a","password":"b"}', "[" * 5000, b"\xff\xfe", '{"password":null}'])
def test_what_is_no_password_is_refused(hall, body):
    problem(Visitor(hall).ask("/login", "POST", body), 400)


def test_bodies_are_bounded(visitor):
    problem(visitor.ask("/login", "POST", '{"password":"' + "x" * 9000 + '"}'), 413)
    answer = visitor.ask("/api/v1/servers/testing/wake", "POST", " " * 70000, {"X-CSRF-Token": visitor.csrf})
    problem(answer, 413)


# ---- Keys


def test_scripts_come_in_by_key(hall):
    def ask(key, **words):
        return hall.ask_admin("/api/v1/servers/nobody/wake", {"X-API-Key": key, **JSON}, "POST", "hall.lan", body="{}", **words)

    assert ask(KEY).status not in (401, 403)
    for key in ("", KEY[:-1], KEY + "0", KEY.upper(), "x" * 3000):
        problem(ask(key, source="127.0.0.6"), 401)
    assert ask(KEY, source="127.0.0.6").status == 429
    assert ask(KEY).status not in (401, 403, 429)
    assert KEY not in hall.log_text()


# ---- The password


def test_what_may_be_guessed_is_said_at_the_start(make_hall):
    hall = make_hall({"ADMIN_PASSWORD": "hunter2", "HALL_API_KEY": "0123456789abcde"})
    for name in ("ADMIN_PASSWORD", "HALL_API_KEY"):
        assert f"{name} has fewer than" in hall.log_text()
    assert "hunter2" not in hall.log_text() and "0123456789abcde" not in hall.log_text()

def test_the_first_password_is_kept_as_a_hash(make_hall, tmp_path):
    hall = make_hall({"ADMIN_PASSWORD": PASSWORD})
    assert Visitor(hall).login().status == 200

    def kept():
        """The file may still be without its tables."""
        try:
            with contextlib.closing(sqlite3.connect(f"file:{tmp_path}/hall.db?mode=ro", uri=True)) as db:
                return [row for row in db.execute("SELECT body FROM state") if "$argon2id$" in row[0]]
        except sqlite3.OperationalError:
            return None

    wait_until(kept, 60, "the hash in the store")
    assert hall.stop() == 0
    everything = b"".join(f.read_bytes() for f in tmp_path.iterdir() if f.name.startswith("hall.db"))
    assert PASSWORD.encode() not in everything
    hall.secrets = {}
    start(hall)
    wait_until(lambda: session(hall)["configured"], 60, "the kept hash")
    assert Visitor(hall).login().status == 200
    assert hall.stop() == 0
    hall.secrets = {"ADMIN_PASSWORD": "another one"}
    start(hall)
    wait_until(lambda: Visitor(hall).login("another one").status == 200, 60, "the new password")


def test_without_a_password_the_page_says_what_to_do(make_hall):
    hall = make_hall({})
    assert session(hall) == {**session(hall), "configured": False, "authenticated": False}
    assert "hallctl hash-password" in problem(Visitor(hall).login(), 503)
    assert "HALL_API_KEY" in problem(hall.ask_admin("/api/v1/info", {"X-API-Key": "x"}, host="hall.lan"), 401)


def test_a_hash_that_is_none_lets_nobody_in(make_hall):
    hall = make_hall({"HALL_ADMIN_PASSWORD_HASH": "$2b$12$abcdefghijklmnopqrstuv", "ADMIN_PASSWORD": PASSWORD}, wait=False)
    assert "HALL_ADMIN_PASSWORD_HASH is no Argon2id hash" in hall.log_text()
    problem(Visitor(hall).login(), 503)


# ---- New configuration, ends


def test_a_new_configuration_changes_who_may_come_and_keeps_sessions(hall, visitor):
    hall.config["http"]["admin_hosts"] = ["new.lan"]
    hall.write(hall.config)
    hall.process.signal(signal.SIGHUP)
    wait_until(lambda: hall.ask_admin("/", host="new.lan").status == 200, 60, "the new host")
    problem(visitor.ask("/"), 403)
    assert visitor.ask("/api/v1/session", host="new.lan").json()["authenticated"]


def test_a_taken_address_leaves_the_gateway_alone(make_hall, hall, tmp_path, binary):
    other = Hall(binary, tmp_path / "other", config(tmp_path / "other", admin="%s:%d" % hall.admin), "x")
    other.start()
    try:
        assert other.get("/healthz").status == 200
        wait_until(lambda: "choose another /http/admin" in other.log_text(), 60, "what to do, in the log")
    finally:
        check_end(type("", (), {"hall": other}))


def open_stream(hall, visitor):
    connection = http.client.HTTPConnection(*hall.admin, timeout=60)
    connection.request("GET", "/api/v1/stream", headers={"Host": "hall.lan", "Cookie": f"hall_session={visitor.cookie}"})
    return connection, connection.getresponse()


def test_streams_are_few_and_end_with_the_session(hall, visitor):
    streams = [open_stream(hall, visitor) for _ in range(3)]
    try:
        assert [s[1].status for s in streams] == [200] * 3
        assert streams[0][1].headers["Content-Type"].startswith("text/event-stream")
        connection, answer = open_stream(hall, visitor)
        assert answer.status == 503
        connection.close()
        assert visitor.is_in()  # workers are left for the others
        assert visitor.ask("/logout", "POST", headers={"X-CSRF-Token": visitor.csrf}).status == 204
        for _, answer in streams:
            answer.read()  # to its end, which it has by nothing else
    finally:
        for connection, _ in streams:
            connection.close()


@pytest.mark.parametrize("path", ["/api/v1/stream", "/api/v1/events/export?format=csv"])
def test_what_comes_in_pieces_is_all_that_comes(make_hall, path):
    """Also where it is the first that its worker ever answers: nothing is sent behind it."""
    hall = make_hall()
    got = []
    with contextlib.ExitStack() as all_links:
        links = [all_links.enter_context(socket.create_connection(hall.admin, 60)) for _ in range(3)]
        for link in links:
            link.sendall(f"GET {path} HTTP/1.1\r\nHost: hall.lan\r\nX-API-Key: {KEY}\r\n\r\n".encode())
        for link in links:
            got.append(link.recv(4096))
        assert hall.stop(limit=60) == 0
        for link, first in zip(links, got):
            while more := link.recv(65536):
                first += more
            assert first.startswith(b"HTTP/1.1 200 OK\r\n") and first.count(b"HTTP/1.1 ") == 1, first


@pytest.mark.measures
def test_hall_ends_soon_though_a_stream_is_open(hall, visitor):
    connection, answer = open_stream(hall, visitor)
    assert answer.status == 200
    start = went_on()
    assert hall.stop(limit=60) == 0
    assert went_on() - start < 5
    connection.close()


def test_broken_requests_get_our_answers(hall):
    def say(text):
        with socket.create_connection(hall.admin, timeout=10) as s:
            s.sendall(text)
            return s.recv(65536)

    assert b" 400 " in say(b"GARBAGE\r\n\r\n").split(b"\r\n", 1)[0]
    assert b" 40" in say(b"POST /login HTTP/1.1\r\nHost: hall.lan\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")


# ---- Behind a real proxy, told what docs/DASHBOARD.md says


def snippet(language):
    text = (ROOT / "docs" / "DASHBOARD.md").read_text(encoding="utf-8")
    return re.search(rf"for {language} (?:that )?is\n\n```\w*\n(.*?)```", text, re.S).group(1)


def nginx(hall, directory, port):
    location = snippet("nginx").replace("127.0.0.1:8881", "%s:%d" % hall.admin)
    paths = "".join(f"{what}_temp_path {directory}/{what}; " for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (directory / "nginx.conf").write_text(f"""{'user root;' if os.geteuid() == 0 else ''}
daemon off; pid {directory}/nginx.pid; error_log {directory}/error.log; events {{}}
http {{ access_log off; {paths} server {{ listen 127.0.0.1:{port}; {location} }} }}""", encoding="utf-8")
    return [tool("nginx"), "-c", directory / "nginx.conf", "-e", directory / "error.log"]


def caddy(hall, directory, port):
    site = snippet("Caddy").replace("127.0.0.1:8881", "%s:%d" % hall.admin).replace("hall.lan {", f"http://hall.lan:{port} {{\n bind 127.0.0.1")
    (directory / "Caddyfile").write_text("{\n admin off\n auto_https off\n}\n" + site.replace("tls internal", ""), encoding="utf-8")
    return ["env", f"HOME={directory}", tool("caddy"), "run", "--config", directory / "Caddyfile", "--adapter", "caddyfile"]


@pytest.mark.parametrize("kind", [nginx, caddy])
def test_behind_a_real_proxy(hall, tmp_path, kind):
    port = free_port()
    process = Process(kind(hall, tmp_path, port), tmp_path / "proxy.log")
    try:
        def ask(path, method="GET", body=None, headers=None):
            return http_get("127.0.0.1", port, path, {**JSON, **(headers or {})}, method, f"hall.lan:{port}", 10, body, "127.0.0.9")

        def is_up():
            try:
                return ask("/").status == 200
            except OSError:
                return False

        wait_until(is_up, 60, "the proxy")
        answer = ask("/login", "POST", json.dumps({"password": PASSWORD}), {"Origin": f"http://hall.lan:{port}"})
        assert answer.status == 200, answer
        wait_until(lambda: "login from 127.0.0.9" in hall.log_text(), 60, "the visitor's own address in the log")
        words = {"Cookie": answer.headers["Set-Cookie"].split(";")[0], "X-CSRF-Token": answer.json()["csrf"]}
        for origin, refused in ((f"http://hall.lan:{port}", False), ("http://evil.example", True)):
            told = ask("/api/v1/servers/nobody/wake", "POST", "{}", {**words, "Origin": origin})
            assert (told.status == 403) == refused, told
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/api/v1/stream", headers={"Host": f"hall.lan:{port}", **words})
        assert connection.getresponse().readline().startswith(b"retry:")  # at once, though the stream stays open
        connection.close()
    finally:
        process.stop()
