"""Connections that a real proxy keeps, to Hall and to the sites: a request costs no new one, and none is kept so long that a visitor
would wait on it for a server that has lost power."""

import copy
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers import awake, configured, promised
from process import wait_until
from proxy import KINDS
from test_proxies import API, HOST, ask, hallctl, make_place, make_proxy  # noqa: F401 (fixtures)
from world import BROWSER, SERVERS

ESTABLISHED, LISTENS = "01", "0A"


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def connections(address, port, states=None):
    """Of this machine to that address, by their own ports: those in these states, or all that ever were and that the kernel remembers."""
    wanted = "".join(f"{int(part):02X}" for part in reversed(address.split("."))) + f":{port:04X}"
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table][1:]
    return {row[1] for row in rows if row[2] == wanted and (states is None or row[3] in states)} | \
           {row[2] for row in rows if row[1] == wanted and row[3] not in (ESTABLISHED, LISTENS) and states is None}


def test_requests_share_connections(make_place, kind):
    """To Hall and to the site, one after the other and some at a time."""
    place = make_place()
    proxy, site = place.proxy(kind), place.open()
    wait_until(lambda: ask(proxy, "/ready").status == 200, 20, "the site")
    # A busy machine may stand still for longer than an idle connection is kept: that costs a few, not one a request.
    for n, pool in ((60, 1), (120, 4)):
        ends = {"Hall": place.world.hall.gateway, "the site": (place.address, place.port)}
        before = {name: connections(*end) for name, end in ends.items()}
        with ThreadPoolExecutor(pool) as visitors:
            assert [answer.status for answer in visitors.map(lambda i: ask(proxy, f"/{i}", API), range(n))] == [200] * n
        for name, end in ends.items():
            made = len(connections(*end) - before[name])
            assert made <= n / 2, (name, made, n)
    assert len(site.got) >= 180


@promised(7, otherwise=25)  # 30 s and more, were the proxy left to itself
def test_a_server_that_falls_gives_its_page_within_seconds(make_world, hallctl, kind, limit):  # noqa: F811
    """Power is cut right after a visit, and Hall does not know yet. The next visitor waits for a connection, never for an answer on
    an old one. The page is his own, though with Traefik its request names no X-Forwarded-For."""
    def change(_, domains):
        domains[HOST]["access"] = {"allow": ["127.0.0.1/32"]}

    servers = {"testing": copy.deepcopy(SERVERS["testing"])}
    for site in servers["testing"]["sites"]:
        site["protocol"] = "HTTP/1.1"
    world = configured(make_world, change, servers=servers)
    if not world.lan.namespaces:
        pytest.fail("network namespaces are not permitted here: a server cannot fall without a word")
    bus, proxy = world.bus(), make_proxy(world, hallctl, kind, is_patient=False)
    try:
        awake(bus, "testing")
        with ThreadPoolExecutor(3) as pool:  # the site would keep all three
            assert {a.status for a in pool.map(lambda _: ask(proxy, "/client1/x", BROWSER), range(6))} == {200}
        last = time.monotonic()
        wait_until(lambda: not connections(world.lan.address(20), 8081, (ESTABLISHED,)), limit, "no connection is kept", pause=0.02)
        assert time.monotonic() - last < limit - 2  # HAProxy ends half of those it keeps at a time
        world.sims["testing"].tell("crash")
        began = time.monotonic()
        both = {}
        program = threading.Thread(target=lambda: both.update(program=ask(proxy, "/client1/y", API)))
        program.start()
        page = ask(proxy, "/client1/x", BROWSER)
        program.join()
        took = time.monotonic() - began
        assert took < limit, took
        assert page.status in (502, 503, 504) and page.headers["Content-Type"].startswith("text/html"), page
        assert b"No access" not in page.body and b"/client1/x" in page.body and int(page.headers["Retry-After"]) > 0
        assert both["program"].headers["Content-Type"] == "application/problem+json", both
    finally:
        proxy.stop()
