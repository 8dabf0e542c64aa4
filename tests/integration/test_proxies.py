"""Real nginx, Caddy, Traefik and HAProxy, told by `hallctl proxy-config`, in front of real upstreams: every kind of client gets its right
answer, nothing is lost, and nobody is led to where nothing answers."""

import base64
import contextlib
import hashlib
import http.server
import json
import os
import socket
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers import asleep, awake, events, reload, wait_event, wait_state, window
from process import wait_until
from proxy import KINDS, HttpsProxy, Proxy
from world import BROWSER, ROOT, free_port, http_get

HOST = "testing.localhost"
API = {"Accept": "application/json", "User-Agent": "curl/8.5.0"}
BOT = {**BROWSER, "User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}
ASSET = {"Accept": "image/avif,image/webp,*/*", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image",
         "User-Agent": BROWSER["User-Agent"]}


@pytest.fixture(scope="session")
def hallctl():
    path = ROOT / os.environ.get("HALL_BUILD", "build") / "bin" / "hallctl"
    assert path.exists(), f"{path} is not built"
    return path


def make_proxy(world, hallctl, kind, is_patient=True, **options):
    """Patient but where the test is of an outage that only time tells of."""
    proxy = Proxy(kind, world.directory / f"{kind}-{free_port()}", hallctl, world.hall.file, free_port(), is_patient=is_patient, **options)
    return proxy.start()


@pytest.fixture(scope="module", params=KINDS)
def proxy(world, request, hallctl):
    proxy = make_proxy(world, hallctl, request.param)
    yield proxy
    proxy.stop()


def ask(proxy, path="/client1/x", headers=None, method="GET", host=HOST, **words):
    return http_get("127.0.0.1", proxy.port, path, headers, method, host, words.pop("timeout", 40), **words)


@pytest.fixture
def sleeping(world, bus):
    asleep(bus, "testing")
    return bus.mark()


def check_waiting(answer, kind, status=503):
    assert answer.status == status, answer
    assert answer.headers["Cache-Control"] == "no-store"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert answer.headers["X-Hall-State"]
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers.get("Content-Type", "").startswith(kind), answer


def test_a_visit_from_asleep_to_the_site(world, bus, proxy, sleeping):
    """Asleep, the page, its polls, the site: at the address first asked for, with whatever query."""
    path = "/client1/welcome?from=a%20b&x=%22%3E%3Cscript%3E"
    page = ask(proxy, path, BROWSER)
    check_waiting(page, "text/html")
    assert b"<script>from" not in page.body and b'"><script' not in page.body
    wait_event(bus, "testing", "wake_requested", sleeping)
    status = wait_until(lambda: told_to_go(proxy, path), 20, "the page is told to go")
    assert status["redirect"] == path
    site = ask(proxy, path, BROWSER)
    assert site.status == 200 and b"This is the site itself" in site.body, site
    assert len(events(bus, "testing", "wake_requested", sleeping)) == 1


def told_to_go(proxy, path):
    from urllib.parse import quote

    status = ask(proxy, "/.hall/status?path=" + quote(path, safe=""), API).json()
    return status if status["redirect"] else None


def test_curl(proxy, sleeping, world, bus):
    url = f"http://127.0.0.1:{proxy.port}/client1/x"
    done = subprocess.run(["curl", "-sS", "-i", "-H", f"Host: {HOST}", url], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("HTTP/1.1 503") and "application/problem+json" in done.stdout, done.stdout
    wait_state(bus, "testing", "ready", 60)
    done = subprocess.run(["curl", "-sS", "--retry", "5", "--fail", "-H", f"Host: {HOST}", url], capture_output=True,
                          text=True, check=True)
    assert "This is the site itself" in done.stdout


@pytest.mark.parametrize(("headers", "method"), [(BOT, "GET"), (BROWSER, "HEAD"), (ASSET, "GET"),
                                                 ({**BROWSER, "Sec-Purpose": "prefetch"}, "GET"),
                                                 ({"Service-Worker": "script", "Sec-Fetch-Dest": "serviceworker"}, "GET")],
                         ids=["bot", "head", "asset", "prefetch", "service-worker"])
def test_those_who_do_not_wake(world, bus, proxy, sleeping, headers, method):
    answer = ask(proxy, "/client1/thing.js", headers, method)
    assert answer.status == 503 and b"<html" not in answer.body, answer
    assert answer.headers["Cache-Control"] == "no-store"
    bus_quiet(world, bus)
    assert events(bus, "testing", "wake_requested", sleeping) == []


CROSS = {"Sec-Fetch-Site": "cross-site", "User-Agent": "Mozilla/5.0 Another/1.0"}


def test_what_a_foreign_page_does_and_a_look_by_head_first(world, bus, proxy, sleeping):
    """Each proxy hands on what tells them apart. A tile of a start page asks HEAD, and GET at once if that was no 200."""
    for headers in ({**CROSS, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "empty"},
                    {**BROWSER, **CROSS, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
                    {"Accept": "*/*", "Referer": "http://evil.example/page?x", "User-Agent": CROSS["User-Agent"]},
                    {"Accept": "*/*", "Origin": "http://evil.example", "User-Agent": CROSS["User-Agent"]}):
        answer = ask(proxy, "/client1/x", headers)
        assert answer.status == 503 and answer.body == b"", (headers, answer)
    assert ask(proxy, "/client1/x", {}, "HEAD").status == 503
    tile = ask(proxy, "/client1/x", {})
    check_waiting(tile, "application/problem+json")
    assert tile.json()["detail_fact"] == {"code": "access.monitor"}, tile.body
    bus_quiet(world, bus)
    assert events(bus, "testing", "wake_requested", sleeping) == []
    check_waiting(ask(proxy, "/client1/x", API), "application/problem+json")
    wait_event(bus, "testing", "wake_requested", sleeping)


def bus_quiet(world, bus):
    """Visits pass to the loop in order: once one that is refused is told, those before were heard. One a second is."""
    mark = bus.mark()

    def told():
        assert world.hall.get("/auth", BROWSER, source="127.0.0.2").status == 403
        return any(m.json()["event_type"] == "access_refused" for m in bus.heard("hall/event", mark))

    wait_until(told, 10, "a refusal is told", pause=0.3)


def test_two_hundred_parts_of_a_page(world, bus, proxy, sleeping):
    """Asleep: none wakes, none gets a page. Ready: all get through."""
    def part(number):
        return ask(proxy, f"/client1/img{number}.png", ASSET)

    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(part, range(200)))
    assert {a.status for a in answers} == {503} and not any(a.body and b"<html" in a.body.lower() and b"hall" in a.body
                                                             for a in answers if a.headers.get("X-Hall-State"))
    bus_quiet(world, bus)
    assert events(bus, "testing", "wake_requested", sleeping) == []
    awake(bus, "testing")
    with ThreadPoolExecutor(40) as pool:
        assert [a.status for a in pool.map(part, range(200))] == [200] * 200


def test_outside_all_projects_and_forged_headers(world, bus, proxy, sleeping):
    assert ask(proxy, "/elsewhere", BROWSER).status == 404
    forged = {**BROWSER, "X-Forwarded-Host": "erp.localhost", "X-Forwarded-Uri": "/client2/", "X-Forwarded-Method": "HEAD",
              "X-Forwarded-For": "10.9.8.7"}
    answer = ask(proxy, "/client1/x", forged)
    check_waiting(answer, "text/html")
    found = wait_event(bus, "testing", "wake_requested", sleeping)
    assert "client1" in json.dumps(found) and "10.9.8.7" not in json.dumps(found), found


def test_the_command_line(hallctl, tmp_path):
    def run(*words):
        done = subprocess.run([hallctl, "proxy-config", *words], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    example = str(ROOT / "bridges" / "proxy" / "example.json")
    assert run("caddy", "--config", example)[0] == 0
    for words in ((), ("apache",), ("nginx", "more"), ("nginx", "--listen", "80"), ("nginx", "--fail-open", "--fail-closed")):
        status, out, errors = run(*words, "--config", example)
        assert (status, out) == (2, "") and "hallctl proxy-config" in errors, (words, errors)
    status, out, errors = run("nginx", "--config", str(tmp_path / "absent.json"))
    assert (status, out) == (1, "") and "absent.json" in errors


# A domain with an upstream of the test's own

class Site(http.server.ThreadingHTTPServer):
    """An upstream that tells what it got, can be told to answer badly, streams, and speaks websocket."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address, port, status):
        self.got, self.checked, self.open, self.status = [], [], set(), status
        super().__init__((address, port), SiteHandler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, request, client_address):
        pass

    def process_request(self, request, client_address):
        self.open.add(request)
        super().process_request(request, client_address)

    def close(self):
        """As a machine does that falls: connections that were kept end too."""
        self.shutdown()
        self.server_close()
        for connection in self.open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class SiteHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def do_GET(self):
        body = self.read_body()
        if self.path == "/health":
            self.server.checked.append(self.headers["Host"])
            return self.give(self.server.status, b"health")
        self.server.got.append((self.command, self.path, body, self.headers["Host"]))
        if self.headers.get("Upgrade", "").lower() == "websocket":
            return self.echo()
        return self.give(self.server.status, b"%s %s %s" % (self.command.encode(), self.path.encode(), body))

    do_POST = do_PUT = do_GET

    def give(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def echo(self):
        """Switches protocols, then sends back what comes, as it comes."""
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 4.2.2
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        self.wfile.flush()
        self.close_connection = True
        while data := self.connection.recv(4096):
            self.connection.sendall(data)


class Place:
    """A world whose server `testing` stands for one site of the test's own, on loopback of the machine itself."""

    def __init__(self, make_world, hallctl, access=None, idle="20m", **more):
        self.world = make_world(start=False, namespaces=False)
        self.port = free_port()
        config = self.world.hall.config
        config["servers"] = {"testing": config["servers"]["testing"]}
        address = config["servers"]["testing"]["address"]
        config["servers"]["testing"].update(address=address, checks=[{"agent": {}}], **more)
        config["domains"] = {HOST: {"server": "testing", "upstream": f"http://{address}:{self.port}", "health": "/health",
                                    "policy": {"idle": idle}, "access": access or {}}}
        self.address = address
        self.world.hall.write(config)
        self.world.described = {"testing": self.world.described["testing"]}
        self.hallctl = hallctl
        self.site = None
        self.proxies = []

    def start(self):
        self.world.start()
        self.bus = self.world.bus()
        wait_state(self.bus, "testing", "off")
        return self

    def open(self, status=200):
        self.site = Site(self.address, self.port, status)
        return self.site

    def proxy(self, kind, **options):
        self.proxies.append(make_proxy(self.world, self.hallctl, kind, **options))
        return self.proxies[-1]

    def close(self):
        for proxy in self.proxies:
            proxy.stop()
        if self.site:
            self.site.close()


@pytest.fixture
def make_place(make_world, hallctl):
    places = []

    def make(**options):
        places.append(Place(make_world, hallctl, **options).start())
        return places[-1]

    yield make
    for place in places:
        place.close()


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def wait_wake(place, mark):
    wait_event(place.bus, "testing", "wake_requested", mark)


def test_a_post_is_held_and_keeps_its_body(make_place, kind):
    """So is a form that a person sends: what would be lost with a page waits for the site."""
    place = make_place(access={"hold": "25s"})
    proxy, mark = place.proxy(kind), place.bus.mark()
    body = os.urandom(200_000)
    with ThreadPoolExecutor(2) as pool:
        program = pool.submit(ask, proxy, "/api?x=1", API, "POST", body=body)
        form = pool.submit(ask, proxy, "/form", {**BROWSER, "Content-Type": "text/plain"}, "POST", body=b"a=1")
        wait_wake(place, mark)
        wait_state(place.bus, "testing", "ready", 60)
        place.open()
        assert program.result(40).status == 200 and form.result(40).status == 200
    got = {path: (method, sent) for method, path, sent, _ in place.site.got}
    assert got["/api?x=1"] == ("POST", body) and got["/form"] == ("POST", b"a=1")


def test_a_post_that_is_not_held_is_refused_not_lost(make_place, kind):
    place = make_place()
    proxy = place.proxy(kind)
    answer = ask(proxy, "/api", API, "POST", body=b"x" * 100_000)
    check_waiting(answer, "application/problem+json")
    page = ask(proxy, "/form", BROWSER, "POST", body=b"a=1")
    check_waiting(page, "text/html")
    assert b'id="z"' in page.body, "the page says that the browser keeps what was sent"


def websocket(proxy, path="/socket"):
    client = socket.create_connection(("127.0.0.1", proxy.port), 10)
    key = base64.b64encode(os.urandom(16)).decode()
    client.sendall((f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
    head = b""
    while b"\r\n\r\n" not in head:
        more = client.recv(4096)
        assert more, head
        head += more
    return client, head


def test_a_websocket(make_place, kind):
    place = make_place(access={"websocket": True})
    proxy, mark = place.proxy(kind), place.bus.mark()
    client, head = websocket(proxy)
    client.close()
    assert head.startswith(b"HTTP/1.1 503"), head
    wait_wake(place, mark)
    place.open()
    wait_until(lambda: ask(proxy, "/", API).status == 200, 20, "the site")
    client, head = websocket(proxy)
    with client:
        assert head.startswith(b"HTTP/1.1 101"), head
        client.sendall(b"\x81\x85abcdhello")
        assert client.recv(100) == b"\x81\x85abcdhello"


def test_an_upstream_that_answers_502_at_first(make_place, kind):
    """Nobody is led to it before it answers well; and once it stops to, the page is back, not a 502."""
    place = make_place()
    proxy, mark = place.proxy(kind), place.bus.mark()
    check_waiting(ask(proxy, "/a", BROWSER), "text/html")
    wait_wake(place, mark)
    site = place.open(status=502)
    wait_state(place.bus, "testing", "ready", 60)
    for _ in range(10):
        assert ask(proxy, "/a", BROWSER).status == 503
        assert not told_to_go(proxy, "/a")
    assert site.got == []
    site.status = 200
    wait_until(lambda: told_to_go(proxy, "/a"), 15, "the page is told to go")
    assert ask(proxy, "/a", BROWSER).status == 200
    # The site dies. Hall may not know yet: the visitor gets its page all the same.
    site.close()
    place.site = None
    for headers, form in ((BROWSER, "text/html"), (API, "application/problem+json")):
        gone = ask(proxy, "/a", headers)
        keeps_status = kind == "traefik" and gone.status == 502  # so does its errors middleware, until Hall knows
        check_waiting(gone, form, 502 if keeps_status else 503)
    wait_until(lambda: not told_to_go(proxy, "/a"), 30, "the page stays")
    check_waiting(ask(proxy, "/a", BROWSER), "text/html")
    place.open()
    wait_until(lambda: told_to_go(proxy, "/a"), 30, "the page is told to go again")
    assert ask(proxy, "/a", BROWSER).status == 200


@pytest.mark.parametrize("fail_open", [False, True], ids=["fail-closed", "fail-open"])
def test_hall_stopped(make_place, kind, fail_open):
    place = make_place()
    proxy, mark = place.proxy(kind, fail_open=fail_open), place.bus.mark()
    assert ask(proxy, "/a", BROWSER).status == 503
    wait_wake(place, mark)
    site = place.open()
    wait_until(lambda: ask(proxy, "/a", API).status == 200, 20, "the site")
    place.world.hall.stop()
    if fail_open and kind == "traefik":  # until its health check has seen it
        wait_until(lambda: ask(proxy, "/open", API).status == 200, 15, "Traefik opens")
    answers = [ask(proxy, f"/stopped{i}", API, "POST", body=b"kept") for i in range(3)]
    if fail_open:
        assert [a.status for a in answers] == [200] * 3, answers
        assert ("POST", "/stopped0", b"kept", HOST) in [(m, p, b, h.split(":")[0]) for m, p, b, h in site.got]
    else:
        assert {a.status for a in answers} == {{"nginx": 503, "caddy": 502, "traefik": 500, "haproxy": 503}[kind]}, answers
        assert not any("stopped" in path for _, path, _, _ in site.got)
    place.world.hall.start()
    wait_until(lambda: ask(proxy, "/back", API).status == 200, 30, "the site again")


def test_the_host_that_was_asked_for_reaches_check_and_site(make_place, kind):
    place = make_place()
    proxy = place.proxy(kind)
    site = place.open()
    ask(proxy, "/a", API)
    wait_until(lambda: ask(proxy, "/b", API).status == 200, 20, "the site")
    assert {host.split(":")[0] for _, _, _, host in site.got} == {HOST}
    assert {host.split(":")[0] for host in site.checked} == {HOST}


def test_refusals_are_shown_to_people_and_programs(make_place, kind):
    """Outside the hours, and by address: Hall's own answer comes through the proxy, and nobody is woken."""
    place = make_place(access={"windows": [window("Europe/Paris", -180, 240)]})
    proxy, mark = place.proxy(kind), place.bus.mark()
    page = ask(proxy, "/a", BROWSER)
    assert page.status == 403 and page.headers["Content-Type"].startswith("text/html"), page
    assert b"is closed now" in page.body and int(page.headers["Retry-After"]) > 0
    problem = ask(proxy, "/a", API)
    assert problem.status == 403 and problem.json()["guard"] == "access.windows" and problem.json()["until"]
    access = {"allow": ["192.0.2.0/24"], "monitors": [{"agent": "GPTBot", "as": "refused"}]}
    reload(place.world, place.bus, lambda config: config["domains"][HOST].update(access=access))
    refused = ask(proxy, "/a", BROWSER)
    assert refused.status == 403 and b"No access from here" in refused.body, refused
    assert ask(proxy, "/a", {**API, "X-Forwarded-For": "192.0.2.1"}).status == 403, "claims of the visitor count for nothing"
    assert ask(proxy, "/a", {"User-Agent": "GPTBot/1.2"}).status == 403
    bus_quiet(place.world, place.bus)
    assert events(place.bus, "testing", "wake_requested", mark) == []


def test_a_cdn_in_front_says_who_the_visitor_is_and_nobody_else(make_place, kind):
    """The list of access is of visitors, whichever way they come; what they forge counts for nothing on either."""
    fronts = ["127.0.0.9", "2001:db8:cd::/48"]
    place = make_place(access={"allow": ["192.0.2.0/24", "2001:db8:1::/48"]})
    reload(place.world, place.bus, lambda config: config.setdefault("proxy", {}).update(trusted=fronts))
    proxy = place.proxy(kind, fronts=fronts)

    def status(source, forwarded, **claims):
        return ask(proxy, "/a", {**API, "X-Forwarded-For": forwarded, **claims}, source=source).status

    mark = place.bus.mark()
    for forwarded in ("198.51.100.7", "192.0.2.7, 198.51.100.7", "192.0.2.7,198.51.100.7, 2001:db8:cd::1", "2001:db8:2::7"):
        assert status("127.0.0.9", forwarded) == 403, forwarded
    assert status("127.0.0.9", "198.51.100.7", **{"X-Real-Ip": "192.0.2.7", "Forwarded": "for=192.0.2.7"}) == 403
    assert place.bus.wait_json("hall/event", mark, event_type="access_refused").json()["detail_fact"]["from"] == "198.51.100.7"
    for forwarded in ("192.0.2.7", "192.0.2.7, 127.0.0.9", "2001:db8:1::7, 2001:db8:cd::1"):
        assert status("127.0.0.8", forwarded) == 403, f"a stranger is no CDN: {forwarded}"
    assert status("127.0.0.8", "192.0.2.7", **{"X-Real-Ip": "192.0.2.7"}) == 403
    bus_quiet(place.world, place.bus)
    assert events(place.bus, "testing", "wake_requested", mark) == []
    claims = {"X-Forwarded-Host": "erp.localhost", "X-Forwarded-Uri": "/elsewhere", "X-Forwarded-Method": "HEAD"}
    for forwarded in ("192.0.2.7", "198.51.100.7, 192.0.2.7", "192.0.2.7, 2001:db8:cd::1", "2001:db8:1::7", "::ffff:192.0.2.8"):
        assert status("127.0.0.9", forwarded) in (503, 200), forwarded
        assert status("127.0.0.9", forwarded, **claims) in (503, 200), forwarded
    wait_event(place.bus, "testing", "wake_requested", mark)


def test_https_as_it_is_printed(make_place, kind):
    """For the world there is TLS, and plain HTTP leads there: with certificates that curl believes."""
    place = make_place()
    proxy = HttpsProxy(kind, place.world.directory / f"{kind}-tls", place.hallctl, place.world.hall.file, free_port(), HOST).start()
    place.proxies.append(proxy)
    wait_until(proxy.is_vouched_for, 60, "the certificate of the authority")

    def curl(url, *words):
        done = subprocess.run(["curl", "-sS", "-i", "--cacert", proxy.authority, "--max-time", "20", *words,
                               "--resolve", f"{HOST}:{proxy.port}:127.0.0.1", "--resolve", f"{HOST}:{proxy.plain}:127.0.0.1", url],
                              capture_output=True, text=True, check=False)
        return done.stdout if done.returncode == 0 else ""

    secure = f"https://{HOST}:{proxy.port}"
    led = curl(f"http://{HOST}:{proxy.plain}/a?b=c")
    assert led.split()[1] == ("301" if kind == "traefik" else "308") and f"ocation: https://{HOST}" in led and "/a?b=c" in led, led
    mark = place.bus.mark()
    browser = [word for name, value in BROWSER.items() for word in ("-H", f"{name}: {value}")]
    page = wait_until(lambda: curl(f"{secure}/a", *browser), 20, "an answer by TLS")
    assert page.startswith("HTTP/2 ")
    assert page.split()[1] == "503" and "is waking up" in page and "no-store" in page, page
    wait_wake(place, mark)
    place.open()
    status = json.dumps("redirect")
    wait_until(lambda: f'{status}:"/a"' in curl(f"{secure}/.hall/status?path=/a"), 20, "the page is told to go")
    assert curl(f"{secure}/a", *browser).split()[1] == "200"
