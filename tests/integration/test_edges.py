"""What no library sends, through real nginx, Caddy and HAProxy as generated: request forms that programs read in different ways, heads of any
length, streams, and a Hall that is hung. Nobody gets more by it than by a plain request. One world serves all tests, which come in
the order of its day: asleep, then awake."""

import contextlib
import os
import re
import signal
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import Worlds
from helpers import reload, wait_state
from process import wait_until, went_on
from proxy import Proxy
from test_proxies import API, BROWSER, HOST, Place, hallctl  # noqa: F401 (fixture)
from world import free_port

FAR = {"allow": ["192.0.2.0/24"]}
OWN = ("nginx", "caddy", "haproxy")
MODES = {"closed": False, "open": True}


class Edge(Place):
    """An open domain with two projects nobody here may see: `apart` has an upstream of its own, `shared` the domain's. Another domain
    nobody may see has the same upstream. Each proxy twice: fail-closed and fail-open."""

    def begin(self):
        self.start()
        reload(self.world, self.bus, self._domains)
        self.ports = {(kind, mode): self.proxy(kind, fail_open=opens).port for kind in OWN for mode, opens in MODES.items()}
        return self

    def _domains(self, config):
        site = config["domains"][HOST]
        site["projects"] = {"apart": {"path": "/apart", "upstream": f"http://{self.address}:{free_port()}", "access": FAR},
                            "shared": {"path": "/shared", "access": FAR}}
        config["domains"]["secret.localhost"] = {"server": "testing", "upstream": site["upstream"], "health": "/health", "access": FAR}

    def wake(self):
        self.bus.publish("hall/servers/testing/command", {"action": "wake"})
        wait_state(self.bus, "testing", "ready", 60)
        if not self.site:
            self.open()
        for port in self.ports.values():
            wait_until(lambda: status_of(exchange(port, head("/ready"))) == 200, 20, "the site")
        self.site.got.clear()

    @contextlib.contextmanager
    def by_hand(self):
        """The site's port as a socket of the test's own."""
        self.wake()
        self.site.close()
        self.site = None
        with socket.create_server((self.address, self.port)) as server:
            server.settimeout(20)
            yield server


@pytest.fixture(scope="module")
def edge(binary, tmp_path_factory, hallctl):  # noqa: F811
    worlds = Worlds(binary, tmp_path_factory)
    edge = Edge(worlds, hallctl)
    yield edge.begin()
    edge.close()
    worlds.close()


@pytest.fixture(params=OWN)
def kind(request):
    return request.param


def exchange(port, data, limit=60):
    """All that comes back for these bytes."""
    with socket.create_connection(("127.0.0.1", port), limit) as client:
        client.sendall(data)
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while more := client.recv(65536):
                received += more
        return received.decode("latin-1")


def head(target="/", host=HOST, method="GET", more=""):
    return f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n".encode()


def status_of(answer):
    found = re.match(r"HTTP/1\.[01] (\d{3})", answer)
    assert found, answer[:200]
    return int(found.group(1))


def accept_visit(server):
    """A visitor's connection and how many bytes of its body have come; Hall's checks get their answer."""
    while True:
        site, _ = server.accept()
        site.settimeout(20)
        first = b""
        while b"\r\n\r\n" not in first:
            more = site.recv(65536)
            assert more, first
            first += more
        if b"/health" not in first.split(b"\r\n", 1)[0]:
            return site, len(first.split(b"\r\n\r\n", 1)[1])
        site.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        site.close()


def take(site, received, wanted):
    while received < wanted:
        more = site.recv(65536)
        assert more, received
        received += len(more)
    return received


def spooled(edge):
    """Bodies that nginx keeps on the disk."""
    return [name for proxy in edge.proxies for _, _, files in os.walk(proxy.directory / "client_body") for name in files]


# Asleep

def test_methods_of_webdav_get_what_the_others_get(edge, kind):
    for method in ("MOVE", "COPY", "ACL", "SEARCH", "MKCALENDAR", "PROPFIND", "X-ODD"):
        answer = exchange(edge.ports[kind, "closed"], head("/dav", method=method, more="Accept: */*\r\nUser-Agent: monitor-bot\r\n"))
        assert status_of(answer) == 503 and re.search(r"(?im)^retry-after: \d+", answer), (method, answer[:400])


def test_an_upload_that_is_refused_is_not_kept(edge, kind):
    with socket.create_connection(("127.0.0.1", edge.ports[kind, "closed"]), 20) as client:
        with contextlib.suppress(ConnectionError):  # it may leave while we still send
            client.sendall(head("/up", method="PUT", more="User-Agent: bot\r\nContent-Length: 50000000\r\n") + b"x" * 1_000_000)
        assert b" 503 " in client.recv(4096).split(b"\r\n", 1)[0], "refused before the rest has come"
        assert spooled(edge) == []


def test_both_readings_are_logged(edge):
    """A proxy that leads elsewhere than Hall judges: refused by each door, with the visitor's path."""
    hall = edge.world.hall
    told = {"X-Forwarded-Host": HOST, "X-Forwarded-Uri": "/where?a=b", "X-Hall-Site": f"{HOST}/else"}

    def is_logged():
        for path, headers, form in (("/auth", API, "application/problem+json"), ("/auth", BROWSER, "text/html"),
                                    ("/auth/nginx", BROWSER, "application/problem+json"), ("/", BROWSER, "text/html")):
            answer = hall.get(path, {**headers, **told})
            assert answer.status == 403 and answer.headers["Content-Type"].startswith(form), (path, answer)
            if form == "application/problem+json":  # what the proxy says is not the visitor's to know
                assert answer.json()["detail_fact"] == {"code": "access.astray", "to": None, "site": None}
        log = hall.log.read_text(encoding="utf-8")
        return f'{HOST}/where: the proxy leads this request to another site ("{HOST}/else") than its host and path name ({HOST});' in log

    wait_until(is_logged, 10, "a line in the log; there is one a second", pause=0.3)
    assert hall.get("/auth", {**API, **told, "X-Hall-Site": HOST}).status == 503
    assert hall.get("/", {**API, **told}, source="127.0.0.2").status != 403, "who is no trusted proxy names nothing"


# Awake

@pytest.mark.parametrize("mode", MODES)
def test_odd_forms_get_no_further_than_plain_ones(edge, kind, mode):
    edge.wake()
    for target, status in {
            "/x": 200, "/apart/x": 403, "/shared/x": 403,
            "/apart#/../public": 400, "/#": 400, "/x?y#z": 400, "/apart\\echo": 400,
            "/apart/..%2fecho": 400, "/apart%2fecho": 400, "/apart%5cecho": 400, "/shared/..%2fecho": 400, "/shared%2Fx": 400,
            "/x/..;/shared": 400, "/shared;a=b/x": 400, "/shared./x": 400, "/SHARED/x": 400, "/shared%252fx": 400, "/shared/../echo": 400,
            "/x/../apart": 403, "//apart/x": 403, "/%61part": 403, "/x/%2e%2e/shared": 403,
            "http://secret.localhost/": 403, "http://secret.localhost/ready": 403,
            "/APART/x": 200, "/apart../x": 200, "/apart%3fx": 200, "/apartment": 200, "/api/a%2fb": 200}.items():
        edge.site.got.clear()
        answer = exchange(edge.ports[kind, mode], head(target))
        if kind == "haproxy" and target.startswith("http://"):
            status = 400  # it takes no two hosts
        assert status_of(answer) == status, (target, answer[:300])
        assert bool(edge.site.got) == (status == 200), (target, edge.site.got)


def test_claims_of_the_visitor_name_no_site(edge, kind):
    edge.wake()
    for more in (f"X-Hall-Site: {HOST}\r\n", f"X-Hall-Site: {HOST}\r\nX-Hall-Site: {HOST}/apart\r\n", "X_Hall_Site: x\r\n",
                 "Connection: X-Hall-Site\r\n"):
        assert status_of(exchange(edge.ports[kind, "closed"], head("/apart/x", more=more))) == 403, more
        assert status_of(exchange(edge.ports[kind, "closed"], head("/x", more=more))) == 200, more


def test_long_cookies_are_the_sites_business(edge, kind):
    edge.wake()
    for length in (27_000, 60_000):
        assert status_of(exchange(edge.ports[kind, "closed"], head(f"/{length}", more=f"Cookie: a={'x' * length}\r\n"))) == 200
    assert [path for _, path, _, _ in edge.site.got] == ["/27000", "/60000"]


def test_a_long_head_opens_nothing(edge, kind):
    """Fail-open is for the time without Hall: a head that Hall refuses lets nobody in, now or for a while after."""
    edge.wake()
    port = edge.ports[kind, "open"]
    for more in (f"X-Long: {'x' * 24_000}\r\n", "".join(f"X-{i}: {'x' * 500}\r\n" for i in range(45)),
                 f"X-Long: {'x' * 50_000}\r\nX-More: {'y' * 50_000}\r\n", "".join(f"X-{i}: y\r\n" for i in range(300))):
        assert status_of(exchange(port, head("/long", "secret.localhost", more=more))) in (400, 403, 431), more[:100]
        assert [status_of(exchange(port, head("/after", "secret.localhost"))) for _ in range(3)] == [403] * 3, more[:100]
    assert edge.site.got == []


def test_events_come_at_once(edge, kind):
    """Each event of a stream before the next is written."""
    with edge.by_hand() as server, socket.create_connection(("127.0.0.1", edge.ports[kind, "closed"]), 20) as client:
        client.sendall(head("/events", more="Accept: text/event-stream\r\n"))
        site, _ = accept_visit(server)
        with site:
            site.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
            received = b""
            for number in range(3):
                site.sendall(b"data: %d\n\n" % number)
                while b"data: %d" % number not in received:
                    more = client.recv(4096)
                    assert more, received
                    received += more


def test_an_upload_streams(edge, kind):
    """What has been sent is at the site while the rest has not been."""
    with edge.by_hand() as server, socket.create_connection(("127.0.0.1", edge.ports[kind, "closed"]), 20) as client:
        client.sendall(head("/up", method="PUT", more="Content-Length: 1000000\r\n") + b"x" * 300_000)
        site, received = accept_visit(server)
        with site:
            received = take(site, received, 250_000)
            assert spooled(edge) == []
            client.sendall(b"x" * 700_000)
            take(site, received, 1_000_000)
            site.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            assert b" 201 " in client.recv(4096)


def test_an_error_in_asking_opens_nothing(edge, hallctl):  # noqa: F811
    """HAProxy lets a request go on when its Lua action fails: the line after it does not."""
    edge.wake()
    for mode, opens in MODES.items():
        proxy = Proxy("haproxy", edge.world.directory / f"haproxy-broken-{mode}", hallctl, edge.world.hall.file, free_port(), opens)
        conf = proxy.directory / "haproxy.cfg"
        text, found = re.subn(r"(?m)^    set-var proc\.hall_reads .*\n", "", conf.read_text(encoding="utf-8"))
        assert found == 1, "without what it reads the action fails"
        conf.write_text(text, encoding="utf-8")
        edge.proxies.append(proxy.start())
        assert [status_of(exchange(proxy.port, head(path))) for path in ("/x", "/apart/x")] == [503, 503], mode
        assert "hall_ask" in proxy.log.read_text(encoding="utf-8"), "HAProxy says so"
    assert edge.site.got == []


@pytest.mark.measures
def test_a_hung_hall(edge):
    """It takes connections and answers none: after two seconds it counts as down, for the page's questions after three."""
    edge.wake()

    ports = {(kind, mode): edge.proxy(kind, fail_open=opens, is_patient=False).port for kind in OWN for mode, opens in MODES.items()}
    for port in ports.values():
        wait_until(lambda: status_of(exchange(port, head("/ready"))) == 200, 20, "the site")

    def timed(port, path):
        began = went_on()
        return status_of(exchange(port, head(path))), went_on() - began

    edge.world.hall.process.signal(signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(8) as pool:
            visits = {at: pool.submit(timed, port, "/hung") for at, port in ports.items()}
            polls = [pool.submit(timed, ports[kind, "closed"], "/.hall/status?path=/") for kind in OWN]
            for (kind, mode), visit in visits.items():
                status, took = visit.result()
                assert took < 4, (kind, mode, took)
                assert status == 200 if mode == "open" else status in (502, 503, 504), (kind, mode, status)
            for poll in polls:
                status, took = poll.result()
                assert status in (502, 503, 504) and took < 6, (status, took)
    finally:
        edge.world.hall.process.signal(signal.SIGCONT)
    for port in ports.values():
        wait_until(lambda: status_of(exchange(port, head("/back"))) == 200, 20, "the site again")
