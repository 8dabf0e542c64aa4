"""What is open through a real proxy is not cut off, though the idle time is four seconds and no agent watches: Hall sees the bytes in
the kernel's socket table. When it has ended the server sleeps. Idle connections of a proxy's pool and monitors keep none awake.
Each kind of use has a server of its own, so that all run at once and none hides behind another."""

import base64
import hashlib
import http.server
import os
import re
import socket
import threading
import time

import pytest
from helpers import status, wait_event, wait_lease
from process import wait_until
from proxy import KINDS
from test_proxies import hallctl, make_proxy  # noqa: F401
from world import free_port, http_get

IDLE_S, LASTS_S, STEP_S = 4, 10, 0.25
USES = ("download", "upload", "websocket", "events", "named")
SEEN_AS = {"events": "download", "named": "download"}
IDS = (*USES, "monitored")


class Sites(http.server.ThreadingHTTPServer):
    """One server's site: its path is what goes on there."""

    daemon_threads = True

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
        config = world.hall.config
        config["servers"] = {id: self.server(i, id) for i, id in enumerate(IDS)}
        config["domains"] = {host(id): {"server": id, "upstream": upstreams[id], "policy": {"idle": f"{IDLE_S}s"}} for id in IDS}
        world.hall.write(config)
        world.broker.start()
        world.hall.start()
        self.bus = world.bus()
        self.proxy = make_proxy(world, hallctl, kind)

    def server(self, index, id):
        return {"address": self.addresses[id][0], "mac": f"02:00:5e:10:07:{index:02x}",
                "wake": {"broadcast": "127.255.255.255", "port": free_port()},
                "sleep": {"via": "webhook", "min_up": "0s", "webhook": {"url": self.hooks.url(id)}}}

    def put_to_sleep(self, id):
        if site := self.running.pop(id, None):
            site.stop()

    def get(self, id, path="/", headers=None, method="GET", **words):
        return http_get("127.0.0.1", self.proxy.port, path, headers, method, host(id), **words)

    def wake(self, id):
        assert self.get(id).status == 503
        wait_event(self.bus, id, "packet_sent")
        address = ("127.0.0.1", self.addresses[id][1]) if id == "named" else self.addresses[id]
        self.running[id] = Sites(address, Site).start()
        wait_until(lambda: self.get(id).status == 200, 15, f"the site of {id}")
        self.bus.publish(f"hall/servers/{id}/hold/others", {"for": "1h", "reason": "the others are not there yet"})
        wait_lease(self.bus, id, "hold")

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


def websocket(place):
    with socket.create_connection(("127.0.0.1", place.proxy.port), 10) as visitor:
        key = base64.b64encode(os.urandom(16)).decode()
        visitor.sendall(f"GET /websocket HTTP/1.1\r\nHost: {host('websocket')}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += visitor.recv(1000)
        assert head.startswith(b"HTTP/1.1 101"), head
        for _ in range(int(LASTS_S / STEP_S)):
            time.sleep(STEP_S)
            visitor.sendall(b"hello")
            assert visitor.recv(100)


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
def place(make_world, hallctl, request):  # noqa: F811
    place = Place(make_world(start=False, namespaces=False), hallctl, request.param)
    yield place
    place.close()


def test_nobody_is_cut_while_bytes_move(place):
    for id in IDS:
        place.wake(id)
    monitor = Monitor(place)
    uses = {what.__name__: Use(what, place) for what in (download, upload, websocket, events, named)}
    place.release("monitored")
    try:
        for id in uses:
            label = rf"{SEEN_AS.get(id, id)} from 127\.0\.0\.1, [0-9.]+ (bytes|kB|MB) in the last minute"
            wait_until(lambda id=id, label=label: re.fullmatch(label, place.stream(id) or ""), LASTS_S, f"{id} is seen")
            place.release(id)
        because = status(place.bus, "download")["awake_because"]
        assert "download.localhost is in use: download from 127.0.0.1" in because
        for id, use in uses.items():
            use.join(30)
            assert use.error is None, (id, use.error)
        wait_until(lambda: set(place.hooks.asked) == set(IDS), 30, "all are asked to sleep")
    finally:
        monitor.over.set()
        monitor.join()
    for id, use in uses.items():
        assert place.hooks.asked[id] > use.ended, f"{id} slept while it was in use"
    assert place.hooks.asked["monitored"] < min(use.ended for use in uses.values()), "a monitor held its server"
