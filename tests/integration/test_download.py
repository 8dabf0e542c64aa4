"""A long download through a real proxy: the proxy sees its beginning only, the real agent sees its connection, and the server
sleeps when it has ended, not before. Half an hour and its 20 minutes of idle time are pressed into seconds."""

import http.server
import threading
import time

import pytest
from helpers import command, result, wait_event, wait_no_lease, wait_state
from process import wait_until
from proxy import KINDS
from test_agent import Place as AgentPlace
from test_agent import agent_binary  # noqa: F401
from test_proxies import HOST, hallctl, make_proxy  # noqa: F401
from world import free_port, http_get

IDLE_S, LASTS_S, PIECE = 1, 5, b"x" * 1000


class Site(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    """A piece every 100 ms."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        pieces = LASTS_S * 10 if self.path == "/long" else 1
        self.send_response(200)
        self.send_header("Content-Length", str(pieces * len(PIECE)))
        self.end_headers()
        for _ in range(pieces):
            self.wfile.write(PIECE)
            self.wfile.flush()
            if pieces > 1:
                time.sleep(0.1)


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
        site = Site((server["address"], port), Handler)
        threading.Thread(target=site.serve_forever, args=(0.05,), daemon=True).start()
        place.agent(activity={"connections": [port]})
        wait_state(bus, "testing", "ready")
        wait_until(lambda: http_get("127.0.0.1", proxy.port, "/", host=HOST).status == 200, 15, "the site")
        mark, began = bus.mark(), time.monotonic()
        answer = http_get("127.0.0.1", proxy.port, "/long", host=HOST, timeout=40)
        lasted = time.monotonic() - began
        assert answer.status == 200 and len(answer.body) == LASTS_S * 10 * len(PIECE)
        assert lasted > 2 * IDLE_S, "it was longer than the idle time"
        assert place.system.calls("Suspend") == [], "nobody was put to sleep meanwhile"
        assert [m for m in bus.heard("hall/servers/testing/state", mark) if m.text() != "ready"] == []
        # Hall asks again by itself a minute after a veto; the test does not wait for that.
        wait_no_lease(bus, "testing", "stream", 40)
        id, mark = command(bus, "testing", "sleep")
        result(bus, "testing", id, "accepted", mark)
        wait_until(lambda: len(place.system.calls("Suspend")) == 1, 10, "logind is asked")
        bus.close()
    finally:
        if proxy:
            proxy.stop()
        if site:
            site.shutdown()
            site.server_close()
        place.close()
