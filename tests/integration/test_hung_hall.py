"""A Hall that is hung (it takes connections and answers none) behind real proxies: everybody who comes is answered after two seconds as
the mode says, however many come at once, over new connections and old ones."""

import contextlib
import http.client
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
from process import wait_until, went_on
from test_proxies import API, BROWSER, HOST, hallctl, make_place  # noqa: F401 (fixtures)

EACH = 12
# Traefik fail-closed is not here: it waits 30 s for the answer to a question of its middleware, whatever it is told.
PROXIES = (("nginx", False), ("nginx", True), ("caddy", False), ("caddy", True), ("traefik", True))


class Visitor:
    """Over a connection of his own, which stays."""

    def __init__(self, proxy, opens, headers):
        self.kind, self.opens = proxy.kind, opens
        self.connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=60)
        self.headers = {**headers, "Host": HOST}

    def ask(self, path):
        """The status, and how long it took."""
        began = went_on()
        self.connection.request("GET", path, headers=self.headers)
        answer = self.connection.getresponse()
        answer.read()
        return answer.status, went_on() - began

    def close(self):
        self.connection.close()


def check(visitor, turn, status, took):
    """Traefik opens at its second look at Hall's health: who comes before is refused."""
    refused = status in (502, 503, 504)
    expected = refused if not visitor.opens else status == 200 or (refused and (visitor.kind, turn) == ("traefik", 0))
    assert expected and took < 4, (visitor.kind, visitor.opens, turn, status, took)


@pytest.mark.measures
def test_a_hung_hall(make_place):  # noqa: F811
    place = make_place()
    place.open()
    proxies = [(place.proxy(kind, is_patient=False, fail_open=opens), opens) for kind, opens in PROXIES]
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(EACH * len(PROXIES)) as pool:
        visitors = [stack.enter_context(contextlib.closing(Visitor(*proxy, BROWSER if n % 4 < 2 else API)))
                    for n in range(EACH) for proxy in proxies]
        for visitor in visitors[:len(proxies)]:
            wait_until(lambda visitor=visitor: visitor.ask("/ready")[0] == 200, 20, "the site")
        old = visitors[:len(visitors) // 2]  # the others come for the first time while Hall is hung
        assert {status for status, _ in pool.map(lambda v: v.ask("/before"), old)} == {200}
        place.world.hall.process.signal(signal.SIGSTOP)
        try:
            for turn in range(2):
                for visitor, found in zip(visitors, pool.map(lambda v: v.ask("/hung"), visitors)):
                    check(visitor, turn, *found)
            for status, took in pool.map(lambda v: v.ask("/.hall/status?path=/&version=1"), visitors):
                assert status in (502, 503, 504) and took < 5, (status, took)  # Hall may hold it for a second
        finally:
            place.world.hall.process.signal(signal.SIGCONT)
        for visitor in visitors:
            wait_until(lambda visitor=visitor: visitor.ask("/back")[0] == 200, 20, "the site again")
