"""A long download through a real proxy: the proxy sees its beginning only, the real agent sees its connection, and the server
sleeps when it has ended, not before. Half an hour and its 20 minutes of idle time are pressed into seconds."""

import http.server
import threading
import time

import pytest
from helpers import command, topic, wait_event, wait_lease, wait_no_lease, wait_state
from process import wait_until
from proxy import KINDS
from test_agent import Place as AgentPlace
from test_agent import agent_binary  # noqa: F401
from test_proxies import HOST, hallctl, make_proxy  # noqa: F401
from world import free_port, http_get

IDLE_S, LASTS_S, PIECE = 3, 7, b"x" * 1000
RESERVE = 600  # pieces at most until Hall has seen the download, the rest of them at its end


class Site(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *words):
        super().__init__(*words)
        self.counts = threading.Event()  # the time from here on is that of the download

    def handle_error(self, request, client_address):
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    """A piece every 100 ms."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        is_long = self.path == "/long"
        reserve, pieces = (RESERVE, LASTS_S * 10) if is_long else (0, 1)
        self.send_response(200)
        self.send_header("Content-Length", str((reserve + pieces) * len(PIECE)))
        self.end_headers()
        while reserve > 0 and not self.server.counts.is_set():
            reserve -= self.send(is_long)
        while pieces > 0:
            pieces -= self.send(is_long)
        self.wfile.write(PIECE * reserve)

    def send(self, is_long):
        self.wfile.write(PIECE)
        self.wfile.flush()
        if is_long:
            time.sleep(0.1)
        return 1


class Download(threading.Thread):
    """What came of it, and when it had ended, by both clocks."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.answer = port, None
        self.start()

    def run(self):
        self.answer = http_get("127.0.0.1", self.port, "/long", host=HOST, timeout=120)
        self.ended, self.ended_wall = time.monotonic(), time.time()


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_download_is_not_cut(make_world, agent_binary, hallctl, tmp_path, kind):  # noqa: F811
    world = make_world(start=False, namespaces=False)
    config, port = world.hall.config, free_port()
    server = config["servers"]["testing"]
    server["checks"] = [{"agent": {}}]
    config["servers"] = {"testing": server}
    config["domains"] = {HOST: {"server": "testing", "upstream": f"http://{server['address']}:{port}",
                                "policy": {"idle": f"{IDLE_S}s"}}}
    place = AgentPlace(agent_binary, tmp_path)
    config["mqtt"]["url"] = f"mqtt://127.0.0.1:{place.broker.port}"
    world.hall.password = place.broker.passwords["hall"]
    world.hall.write(config)
    proxy = site = None
    try:
        bus = place.broker.bus("operator")
        world.hall.start()
        proxy = make_proxy(world, hallctl, kind)
        wait_state(bus, "testing", "off")
        assert http_get("127.0.0.1", proxy.port, "/", host=HOST).status == 503
        wait_event(bus, "testing", "packet_sent")
        # The idle time is short: it counts from when the download is seen to go on.
        bus.publish(topic("testing", "hold/begin"), {"for": "1h", "reason": "the download has not begun"})
        wait_lease(bus, "testing", "hold")
        site = Site((server["address"], port), Handler)
        threading.Thread(target=site.serve_forever, args=(0.05,), daemon=True).start()
        place.agent(activity={"connections": [port]})
        wait_state(bus, "testing", "ready")
        wait_until(lambda: http_get("127.0.0.1", proxy.port, "/", host=HOST).status == 200, 15, "the site")
        mark, download = bus.mark(), Download(proxy.port)
        wait_lease(bus, "testing", "stream", 30)
        bus.publish(topic("testing", "hold/begin"), "")
        wait_no_lease(bus, "testing", "hold")
        alone = time.monotonic()
        site.counts.set()
        download.join(60)
        assert download.answer and download.answer.status == 200
        assert len(download.answer.body) == (RESERVE + LASTS_S * 10) * len(PIECE)
        assert download.ended - alone > 2 * IDLE_S, "it was longer than the idle time"
        assert [m for m in bus.heard(topic("testing", "state"), mark) if m.text() != "ready" and m.at < download.ended] == []
        # Hall asks again by itself a minute after a veto; the test does not wait for that.
        wait_no_lease(bus, "testing", "stream", 40)

        def goes():
            id, mark = command(bus, "testing", "sleep")
            return bus.wait_json(topic("testing", "result"), mark, id=id).json()["outcome"] != "refused" or place.system.calls("Suspend")

        wait_until(goes, 30, "it is told to sleep", pause=0.5)
        wait_until(lambda: len(place.system.calls("Suspend")) == 1, 15, "logind is asked")
        assert place.system.calls("Suspend")[0][0] >= int(download.ended_wall), "nobody was put to sleep meanwhile"
        bus.close()
    finally:
        if proxy:
            proxy.stop()
        if site:
            site.shutdown()
            site.server_close()
        place.close()
