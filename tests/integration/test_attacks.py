"""Attacks on the dashboard's listener: every change without its token, requests that say two things at once, clients that
hold workers, floods of guesses, pages of others."""

import http.client
import json
import re
import signal
import socket
import sys
import threading
import time

import pytest
from conftest import check_end
from links import Host
from process import Process, wait_until
from test_admin import (  # noqa: F401 (fixtures)
    JSON,
    KEY,
    PASSWORD,
    Visitor,
    config,
    hall,
    make_hall,
    nginx,
    problem,
    start,
    visitor,
)
from world import ROOT, Hall, free_port, http_get

PARTS = {"id": "testing", "lease": "x", "name": "x", "version": "x"}


def changes(hall):
    """Every method and address of the API that changes something."""
    paths = hall.ask_admin("/api/v1/openapi.json", host="hall.lan").json()["paths"]
    for path, methods in paths.items():
        for method in methods:
            if method in ("post", "put", "delete", "patch"):
                path = path if path.startswith("/api/v1") else "/api/v1" + path
                yield method.upper(), re.sub(r"{(\w+)}", lambda m: PARTS.get(m.group(1), "x"), path)


def test_no_change_is_made_for_strangers_nor_for_pages_of_others(hall, visitor):
    asked = list(changes(hall))
    assert len(asked) > 20
    for method, path in asked:
        body = {} if method != "DELETE" else None
        text = json.dumps(body) if body is not None else None
        problem(hall.ask_admin(path, JSON, method, "hall.lan", body=text), 401)
        problem(visitor.ask(path, method, body), 403)
        problem(visitor.ask(path, method, body, {"X-CSRF-Token": visitor.csrf, "Origin": "https://evil.example"}), 403)
        problem(visitor.ask(path, method, body, {"X-CSRF-Token": visitor.csrf, "Sec-Fetch-Site": "cross-site"}), 403)
        problem(visitor.ask(path, method, body, {"X-CSRF-Token": visitor.csrf}, host="evil.example"), 403)
    assert hall.ask_admin("/api/v1/config", {"X-API-Key": KEY}, host="hall.lan").json() == hall.config


def test_a_page_of_another_origin_cannot_log_out(hall):
    # The browser sends no cookie from there, but would obey the answer's Set-Cookie.
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        answer = hall.ask_admin("/logout", headers, "POST", "hall.lan")
        problem(answer, 403)
        assert answer.headers["Set-Cookie"] is None


def say(address, text):
    """Everything that is answered until the end."""
    with socket.create_connection(address, timeout=10) as s:
        s.sendall(text)
        s.shutdown(socket.SHUT_WR)
        got = b""
        while piece := s.recv(65536):
            got += piece
        return got


SMUGGLED = b"GET /api/v1/info HTTP/1.1\r\nHost: hall.lan\r\nX-API-Key: " + KEY.encode() + b"\r\n\r\n"


@pytest.mark.parametrize("lines", [
    b"Content-Length: 4\r\nTransfer-Encoding: chunked", b"Content-Length: 4\r\nContent-Length: 5", b"Content-Length: 4, 4",
    b"Content-Length: +4", b"Content-Length: -1", b"Content-Length: 0x4", b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: chunked, chunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding : chunked", b"Transfer-Encoding: identity"])
def test_what_follows_an_unclear_body_is_no_request(hall, lines):
    for address in (hall.admin, hall.gateway):
        got = say(address, b"POST /login HTTP/1.1\r\nHost: hall.lan\r\n" + lines + b"\r\n\r\n0\r\n\r\n" + SMUGGLED)
        assert len(re.findall(rb"HTTP/1\.1 \d{3} ", got)) == 1, got
        assert got.split(b" ", 2)[1].startswith(b"4") and b'"uptime' not in got


@pytest.mark.parametrize("path", ["/api/v1/events/export", "/api/v1/servers", "/", "the script"])
def test_head_has_no_body(hall, path):
    if path == "the script":
        path = re.search(r'src="([^"]+)"', hall.ask_admin("/", host="hall.lan").text()).group(1)
    got = say(hall.admin, f"HEAD {path} HTTP/1.1\r\nHost: hall.lan\r\nX-API-Key: {KEY}\r\n\r\n".encode())
    head, body = got.split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 200 ") and body == b""


class SlowBodies:
    """So many that log in a byte at a time, and come again where they are sent away."""

    def __init__(self, address, count):
        self.address, self.ends = address, threading.Event()
        self.sockets = [self.connect() for _ in range(count)]
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def connect(self):
        s = socket.create_connection(self.address, timeout=10)
        s.sendall(b"POST /login HTTP/1.1\r\nHost: hall.lan\r\nContent-Length: 8000\r\n\r\n{")
        return s

    def run(self):
        while not self.ends.wait(0.2):
            for i, s in enumerate(self.sockets):
                try:
                    s.sendall(b" ")
                except OSError:
                    s.close()
                    self.sockets[i] = self.connect()

    def close(self):
        self.ends.set()
        self.thread.join()
        for s in self.sockets:
            s.close()


def test_bodies_that_never_end_do_not_keep_the_owner_out(hall, visitor):
    slow = SlowBodies(hall.admin, 8)
    try:
        for _ in range(5):
            assert visitor.is_in()
    finally:
        slow.close()


# On a link of usual frames: asks until Hall answers, asks for the longest file often without reading it, then for the page.
UNREAD = """
import http.client, socket, sys, time
sys.path.insert(0, sys.argv[2])
from process import went_on
def connect():
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
    s.settimeout(30)
    s.connect(("127.0.0.1", int(sys.argv[1])))
    return s
def ask():
    connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=30)
    connection.request("GET", "/", headers={"Host": "hall.lan"})
    return connection.getresponse().status
for _ in range(500):
    try:
        ask()
        break
    except OSError:
        time.sleep(0.02)
unread = [connect() for _ in range(24)]
for s in unread:
    s.sendall(b"GET /api/v1/openapi.json HTTP/1.1\\r\\nHost: hall.lan\\r\\n\\r\\n")
for s in unread[:12]:  # as many as there are workers
    s.recv(1, socket.MSG_PEEK)
start = went_on()
print(ask(), went_on() - start)
"""


@pytest.mark.measures
def test_who_does_not_read_keeps_nobody_waiting(binary, tmp_path):
    host = Host("unread")
    hall = Hall(binary, tmp_path, config(tmp_path), "x", {"HALL_API_KEY": KEY})
    try:
        host.ip("link", "set", "lo", "mtu", "1500")
        hall.start(wait=False, argv=["ip", "netns", "exec", host.name])
        status, seconds = host.run([sys.executable, "-c", UNREAD, str(hall.admin[1]), str(ROOT / "tests" / "demo")]).stdout.split()
        assert status == "200" and float(seconds) < 2, seconds
        check_end(type("", (), {"hall": hall}))
    finally:
        if hall.process and hall.process.alive():
            hall.kill()
        host.close()


def test_a_stream_ends_for_who_may_no_longer_come(hall):
    connection = http.client.HTTPConnection(*hall.admin, timeout=20)
    connection.request("GET", "/api/v1/stream", headers={"Host": "hall.lan", "X-API-Key": KEY})
    answer = connection.getresponse()
    assert answer.status == 200
    hall.config["http"]["admin_allow"] = ["192.168.1.0/24"]
    hall.write(hall.config)
    hall.process.signal(signal.SIGHUP)
    end = time.monotonic() + 15
    while answer.readline():
        assert time.monotonic() < end, "the stream goes on"
    connection.close()
    assert hall.ask_admin("/", host="hall.lan").status == 403


def test_a_flood_of_guesses_does_not_lock_out_who_was_in_before(hall, visitor):
    for i in range(1, 32):
        last = Visitor(hall, f"127.0.4.{i}").login("no").status
    assert last == 429
    assert visitor.login().status == 200


def test_who_is_kept_away_cannot_fill_the_log(hall):
    guesser = Visitor(hall, "127.0.0.5")
    statuses = [guesser.login("no").status for _ in range(100)]
    assert statuses.count(429) == 95
    assert hall.log_text().count("too many failed attempts") <= 4


# ---- Bodies before a login


def unfinished(address, source):
    s = socket.create_connection(address, timeout=60, source_address=(source, 0))
    s.sendall(b"POST /login HTTP/1.1\r\nHost: hall.lan\r\nContent-Length: 8000\r\n\r\n{")
    return s


def is_answered(s):
    s.settimeout(0.05)
    try:
        return bool(s.recv(1, socket.MSG_PEEK))
    except TimeoutError:
        return False


def test_bodies_before_a_login_take_one_worker(hall, visitor):
    slow = [unfinished(hall.admin, f"127.0.5.{i}") for i in range(1, 31)]
    try:
        wait_until(lambda: sum(not is_answered(s) for s in slow) <= 1, 60, "all but the one whose body is read to be sent away")
        assert visitor.is_in()
        assert Visitor(hall, "127.0.0.8").login().status == 200
    finally:
        for s in slow:
            s.close()


def test_who_never_ends_a_body_does_not_keep_others_at_that_address_from_logging_in(hall):
    with unfinished(hall.admin, "127.0.0.8"):
        assert Visitor(hall, "127.0.0.8").login().status == 200


# ---- Guesses over a restart


def test_who_was_in_before_a_restart_is_not_locked_out_after_it(hall, visitor):
    known = Visitor(hall, "127.0.0.8")
    assert known.login().status == 200
    assert Visitor(hall, "127.0.0.9").login().status == 200
    assert hall.stop() == 0
    start(hall)
    statuses = [Visitor(hall, f"127.0.{4 + i // 200}.{1 + i % 200}").login("no").status for i in range(300)]
    assert statuses.count(429) >= 270
    assert Visitor(hall, "127.0.0.10").login().status == 429
    for address in ("127.0.0.8", "127.0.0.9"):
        assert Visitor(hall, address).login().status == 200


# ---- Behind a proxy


@pytest.fixture
def proxied(hall, tmp_path):
    """nginx as docs/DASHBOARD.md has it, which keeps the API to itself."""
    port = free_port()
    command = nginx(hall, tmp_path, port)
    file = tmp_path / "nginx.conf"
    file.write_text(file.read_text(encoding="utf-8").replace("location / {", "location /api/ { return 403; } location / {", 1), encoding="utf-8")
    process = Process(command, tmp_path / "proxy.log")

    def ask(path, headers=None, method="GET", body=None):
        return http_get("127.0.0.1", port, path, {**JSON, **(headers or {})}, method, "hall.lan", 60, body, "127.0.0.9")

    def is_up():
        try:
            return ask("/").status == 200
        except OSError:
            return False

    wait_until(is_up, 60, "the proxy")
    yield ask
    process.stop()


def test_a_visitors_claims_change_no_path_of_the_dashboard(hall, proxied):
    key = {"X-API-Key": KEY}
    assert proxied("/api/v1/info", key).status == 403
    page = proxied("/", key)
    assert page.status == 200 and page.headers["Content-Type"].startswith("text/html")
    for claim in ({"X-Forwarded-Uri": "/api/v1/info"}, {"X-Forwarded-Uri": "http://hall.lan/api/v1/info"}, {"X-Original-Uri": "/api/v1/info"},
                  {"X-Original-Url": "/api/v1/info"}, {"X-Rewrite-Url": "/api/v1/info"}, {"X-Forwarded-Prefix": "/api/v1/info"},
                  {"X-Forwarded-Uri": "#"}, {"X-Forwarded-Method": "DELETE"}, {"X-HTTP-Method-Override": "DELETE"}):
        answer = proxied("/", {**key, **claim})
        assert (answer.status, answer.body) == (200, page.body), claim
    for path in ("/api/v1/info", "/%61pi/v1/info", "//api/v1/info", "/x/../api/v1/info", "/./api/v1/info", "/api%2fv1/info"):
        assert proxied(path, key).status in (403, 404), path


def test_a_proxy_names_the_visitor_by_address_host_and_scheme_alone(hall):
    for words in ({"X-Forwarded-Host": "evil.example"}, {"X-Forwarded-For": "203.0.113.9"}, {"X-Forwarded-Host": "hall.lan, evil.example"}):
        problem(hall.ask_admin("/", words, host="hall.lan"), 403)
    for words in ({"Forwarded": "for=127.0.0.1;host=hall.lan"}, {"X-Real-Ip": "127.0.0.1"}, {"X-Forwarded-Server": "hall.lan"},
                  {"X-Host": "hall.lan"}, {"X-Original-Host": "hall.lan"}):
        problem(hall.ask_admin("/", words, host="evil.example"), 403)


def cookies_of(answer):
    return answer.headers.get_all("Set-Cookie")


def test_over_tls_the_cookie_is_the_hosts_own(hall):
    tls = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "hall.lan"}
    answer = hall.ask_admin("/login", {**JSON, **tls}, "POST", "hall.lan", body=json.dumps({"password": PASSWORD}))
    token = re.fullmatch(r"__Host-hall_session=([0-9a-f]{64}); Path=/; HttpOnly; SameSite=Strict; Secure", cookies_of(answer)[0]).group(1)

    def is_in(cookie, headers=tls, source=None):
        return hall.ask_admin("/api/v1/session", {**headers, "Cookie": cookie}, host="hall.lan", source=source).json()["authenticated"]

    assert is_in(f"__Host-hall_session={token}")
    assert is_in(f"hall_session={'0' * 64}; __Host-hall_session={token}")  # tossed by a neighbour in the domain
    assert not is_in(f"hall_session={token}")
    assert not is_in(f"__Host-hall_session={token}", {})
    assert not is_in(f"__Host-hall_session={token}", tls, "127.0.0.9")  # no trusted proxy
    out = hall.ask_admin("/logout", {**tls, "Cookie": f"__Host-hall_session={token}", "X-CSRF-Token": answer.json()["csrf"]}, "POST", "hall.lan")
    assert out.status == 204 and cookies_of(out)[0].startswith("__Host-hall_session=;")
    assert not is_in(f"__Host-hall_session={token}")
