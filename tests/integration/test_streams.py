"""What is open through a real proxy is not cut off, though the idle time is four seconds and no agent watches: Hall sees the bytes in
the kernel's socket table. When it has ended the server sleeps. Idle connections of a proxy's pool and monitors keep none awake.
Each kind of use has a server of its own, so that all run at once and none hides behind another."""

import base64
import contextlib
import ctypes
import hashlib
import http.server
import os
import re
import socket
import subprocess
import threading
import time

import pytest
from helpers import events as events_of
from helpers import status, wait_event, wait_lease
from process import wait_until
from proxy import KINDS
from test_proxies import hallctl, make_proxy  # noqa: F401
from world import free_port, http_get

IDLE_S, LASTS_S, STEP_S = 4, 12, 0.25
USES = ("download", "upload", "websocket", "strict", "events", "named", "six")
SEEN_AS = {"strict": "websocket", "events": "download", "named": "download", "six": "download"}
CLONE_NEWNS = 0x00020000
HEALTHY = (*USES, "monitored")
IDS = (*HEALTHY, "broken")


pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="names of its own need root")


@contextlib.contextmanager
def hosts(directory, text):
    """/etc/hosts for all that is started meanwhile: this thread gets mounts of its own."""
    path = directory / "hosts"
    path.write_text(text, "utf-8")
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "--bind", path, "/etc/hosts"], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "/etc/hosts"], check=True)


class Sites(http.server.ThreadingHTTPServer):
    """One server's site: its path is what goes on there."""

    daemon_threads = True

    def __init__(self, address, site):
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, site)

    def handle_error(self, request, client_address):
        pass

    def start(self):
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self):
        self.shutdown()
        self.server_close()


class Site(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        getattr(self, "go_" + self.path.strip("/"), self.go_page)()

    do_HEAD = do_GET

    def go_page(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"x" * 1000)

    def go_download(self):
        steps = int(LASTS_S / STEP_S)
        self.send_response(200)
        self.send_header("Content-Length", str(steps * 20000))
        self.end_headers()
        for _ in range(steps):
            self.wfile.write(b"x" * 20000)
            self.wfile.flush()
            time.sleep(STEP_S)

    def go_events(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for i in range(int(LASTS_S / STEP_S)):
            self.wfile.write(b"data: %d\n\n" % i)
            self.wfile.flush()
            time.sleep(STEP_S)
        self.close_connection = True

    def go_poll(self):
        """A long one: the answer is late."""
        time.sleep(LASTS_S - 2)
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"late")

    def do_POST(self):
        left = int(self.headers["Content-Length"])
        while left > 0:
            left -= len(self.rfile.read(min(left, 1000)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def go_websocket(self):
        """Gives back what comes, byte by byte: a proxy does not look into it."""
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        self.wfile.flush()
        while data := self.connection.recv(1000):
            self.connection.sendall(data)
        self.close_connection = True


class BrokenSite(Site):
    def go_page(self):
        self.send_error(500)


class Hooks(http.server.ThreadingHTTPServer):
    """Puts a server to sleep when it is asked to, and notes when."""

    daemon_threads = True

    def __init__(self, put_to_sleep):
        super().__init__(("127.0.0.1", 0), Hook)
        self.asked, self.put_to_sleep = {}, put_to_sleep
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def url(self, id):
        return f"http://127.0.0.1:{self.server_address[1]}/{id}"


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        id = self.path.strip("/")
        self.server.asked.setdefault(id, time.monotonic())
        self.server.put_to_sleep(id)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def host(id):
    return f"{id}.localhost"


class Place:
    """Hall, a proxy, and servers that are woken by a visit and sleep by a webhook."""

    def __init__(self, world, hallctl, kind):
        self.world, self.hooks, self.running = world, Hooks(self.put_to_sleep), {}
        self.addresses = {id: (f"127.0.7.{i + 1}", free_port()) for i, id in enumerate(IDS)}
        upstreams = {id: "http://%s:%d" % address for id, address in self.addresses.items()}
        # A name that leads elsewhere than to the server's address: to another card of it, say.
        upstreams["named"] = f"http://localhost:{self.addresses['named'][1]}"
        # One that has addresses of both families, of which programs take the newer.
        upstreams["six"] = f"http://six.test:{self.addresses['six'][1]}"
        config = world.hall.config
        config["servers"] = {id: self.server(i, id) for i, id in enumerate(IDS)}
        config["domains"] = {host(id): {"server": id, "upstream": upstreams[id], "policy": {"idle": f"{IDLE_S}s"}} for id in IDS}
        # There a websocket wakes nothing, and one that is silent counts for nothing; one that moves does.
        config["domains"][host("strict")]["access"] = {"websocket": False}
        world.hall.write(config)
        world.broker.start()
        world.hall.start()
        self.bus = world.bus()
        self.proxy = make_proxy(world, hallctl, kind)

    def server(self, index, id):
        address, port = self.addresses[id]
        broken = {"checks": [{"tcp": {"port": port}}, {"http": {"url": f"http://{address}:{port}"}}]} if id == "broken" else {}
        return {"address": address, "mac": f"02:00:5e:10:07:{index:02x}", **broken,
                "wake": {"broadcast": "127.255.255.255", "port": free_port(), **({"timeout": "3s"} if broken else {})},
                "sleep": {"via": "webhook", "min_up": "0s", "webhook": {"url": self.hooks.url(id)}}}

    def put_to_sleep(self, id):
        if site := self.running.pop(id, None):
            site.stop()

    def get(self, id, path="/", headers=None, method="GET", **words):
        return http_get("127.0.0.1", self.proxy.port, path, headers, method, host(id), **words)

    def boot(self, id, site=Site, hold=False):
        assert self.get(id).status == 503
        wait_event(self.bus, id, "packet_sent")
        if hold:  # before anybody could be put to sleep
            self.bus.publish(f"hall/servers/{id}/hold/others", {"for": "1h", "reason": "the others are not there yet"})
            wait_lease(self.bus, id, "hold")
        anywhere = {"named": "127.0.0.1", "six": "::"}
        self.running[id] = Sites((anywhere.get(id, self.addresses[id][0]), self.addresses[id][1]), site).start()

    def wake(self, id):
        self.boot(id, hold=True)
        wait_until(lambda: self.get(id).status == 200, 15, f"the site of {id}")

    def release(self, id):
        self.bus.publish(f"hall/servers/{id}/hold/others", "")

    def stream(self, id):
        """The label of what is in use there, or None."""
        return next((x["label"] for x in status(self.bus, id)["leases"] if x["kind"] == "stream"), None)

    def close(self):
        self.proxy.stop()
        self.bus.close()
        self.hooks.shutdown()
        self.hooks.server_close()
        for id in list(self.running):
            self.put_to_sleep(id)


def download(place, id="download"):
    answer = place.get(id, "/download", timeout=30)
    assert answer.status == 200 and len(answer.body) == int(LASTS_S / STEP_S) * 20000


def named(place):
    download(place, "named")


def six(place):
    download(place, "six")


def upload(place):
    class Body:
        """Read by http.client piece by piece."""

        left = int(LASTS_S / STEP_S)

        def read(self, _):
            time.sleep(STEP_S)
            self.left -= 1
            return b"x" * 20000 if self.left >= 0 else b""

    answer = place.get("upload", "/upload", {"Content-Length": str(Body.left * 20000)}, "POST", body=Body(), timeout=30)
    assert answer.status == 200


def events(place):
    assert place.get("events", "/events", timeout=30).body.count(b"data:") == int(LASTS_S / STEP_S)


def connect(visitor, id):
    """Asks for a websocket; the head of the answer."""
    key = base64.b64encode(os.urandom(16)).decode()
    visitor.sendall(f"GET /websocket HTTP/1.1\r\nHost: {host(id)}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        head += visitor.recv(1000)
    return head


def websocket(place, id="websocket"):
    with socket.create_connection(("127.0.0.1", place.proxy.port), 10) as visitor:
        head = connect(visitor, id)
        assert head.startswith(b"HTTP/1.1 101"), head
        for _ in range(int(LASTS_S / STEP_S)):
            time.sleep(STEP_S)
            visitor.sendall(b"hello")
            assert visitor.recv(100)


def strict(place):
    websocket(place, "strict")


class Use(threading.Thread):
    """One of them, in the background; what went wrong, and when it ended."""

    def __init__(self, what, place):
        super().__init__(daemon=True)
        self.what, self.place, self.error, self.ended = what, place, None, None
        self.start()

    def run(self):
        try:
            self.what(self.place)
        except Exception as error:  # told by the test
            self.error = error
        self.ended = time.monotonic()


class Monitor(threading.Thread):
    """Asks each second through the proxy, over the connections of its pool."""

    def __init__(self, place):
        super().__init__(daemon=True)
        self.place, self.over = place, threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(1):
            self.place.get("monitored", "/", {"User-Agent": "Uptime-Kuma/1.23"})


@pytest.fixture(params=KINDS)
def place(make_world, hallctl, tmp_path, request):  # noqa: F811
    with hosts(tmp_path, "127.0.0.1 localhost\n127.0.0.1 six.test\n::1 six.test\n"):
        place = Place(make_world(start=False, namespaces=False), hallctl, request.param)
        yield place
        place.close()


def is_seen(place, id):
    return re.fullmatch(rf"{SEEN_AS.get(id, id)} from 127\.0\.0\.1, [0-9.]+ (bytes|kB|MB) in the last minute", place.stream(id) or "")


def test_nobody_is_cut_while_bytes_move(place):
    with socket.create_connection(("127.0.0.1", place.proxy.port), 10) as visitor:
        assert connect(visitor, "strict").startswith(b"HTTP/1.1 503")
    assert not events_of(place.bus, "strict", "wake_requested"), "a websocket wakes nothing"
    for id in HEALTHY:
        place.wake(id)
    monitor = Monitor(place)
    uses = {what.__name__: Use(what, place) for what in (download, upload, websocket, strict, events, named, six)}
    place.release("monitored")
    try:
        unseen, because = set(uses), {}

        def all_seen():
            for id in [id for id in unseen if is_seen(place, id)]:
                because[id] = status(place.bus, id)["awake_because"]
                place.release(id)
                unseen.remove(id)
            return not unseen

        wait_until(all_seen, LASTS_S, f"all of {unseen} are seen")
        assert "download.localhost is in use: download from 127.0.0.1" in because["download"]
        for id, use in uses.items():
            use.join(30)
            assert use.error is None, (id, use.error)
        wait_until(lambda: set(place.hooks.asked) == set(HEALTHY), 30, "all are asked to sleep")
    finally:
        monitor.over.set()
        monitor.join()
    for id, use in uses.items():
        assert place.hooks.asked[id] > use.ended, f"{id} slept while it was in use"
    assert place.hooks.asked["monitored"] < min(use.ended for use in uses.values()), "a monitor held its server"


@pytest.mark.parametrize("place", ["nginx"], indirect=True)
def test_a_server_whose_site_is_broken_sleeps_after_its_last_use(place):
    last = time.monotonic()
    place.boot("broken", BrokenSite)
    wait_event(place.bus, "broken", "wake_failed")
    wait_until(lambda: "broken" in place.hooks.asked, 20, "it is asked to sleep")
    assert place.hooks.asked["broken"] - last > IDLE_S - 1
