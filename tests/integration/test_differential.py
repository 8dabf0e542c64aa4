"""Who chooses the site? The proxy by its reading of host and path, Hall by its own: where they differ, an access rule is void.
Random requests go through real nginx, Caddy and Traefik, as generated, in front of sites with different rules. Nothing may ever
come from a site that the visitor's address may not see. HALL_DIFFERENTIAL=100000 sends so many to each proxy, HALL_SEED=1 the
same again."""

import asyncio
import os
import re
import threading
from collections import Counter
from urllib.parse import quote, unquote

import odd_requests
import pytest
from helpers import seed, wait_state
from process import wait_until
from proxy import KINDS
from test_proxies import hallctl, make_proxy  # noqa: F401 (fixture)
from world import free_port

MEMBER, STRANGER = "127.0.0.5", "127.0.0.6"
ODD = "/o'd$d+a;b=c,d~e@f!g(h)i&j:k."  # all that a project's path may have, but '*', which Caddy has another use for
MEMBERS = {"allow": [f"{MEMBER}/32"]}
COUNT = int(os.environ.get("HALL_DIFFERENTIAL", "1500"))
SEED = seed()
AT_ONCE = 24

# What is behind the proxies. Some serve one site, some several: by path, or by the Host they are told.
UPSTREAMS = ("site", "admin", "public", "deep", "odd", "closed", "virtual", "based")


def domains(at):
    def site(upstream, **more):
        return {"server": "testing", "upstream": at[upstream], "policy": {"idle": "20m"}, **more}

    return {
        "open.test": site("site", projects={
            "admin": {"path": "/admin", "upstream": at["admin"], "access": MEMBERS},
            "secret": {"path": "/secret", "access": MEMBERS},
            "public": {"path": "/public", "upstream": at["public"]},
            "deep": {"path": "/public/admin", "upstream": at["deep"], "access": MEMBERS},
            "odd": {"path": ODD, "upstream": at["odd"], "access": MEMBERS}}),
        "secret.test": site("closed", access=MEMBERS),
        "va.test": site("virtual"),
        "vb.test": site("virtual", access=MEMBERS),
        "based.test": site("based", projects={"based-secret": {"path": "/secret", "access": MEMBERS}}),
    }


def host_of(text):
    return re.sub(r":\d*\Z", "", text.strip().lower()).rstrip(".")


def is_forbidden(answer):
    """May a stranger not have had this answer? Whatever the upstream may have read in what it got."""
    name, target, host = answer
    if name in ("admin", "deep", "odd", "closed"):
        return True
    if name == "virtual":
        return host_of(host) == "vb.test"
    top = {"site": "/secret", "based": "/base/secret"}.get(name)
    return top is not None and any(odd_requests.is_below(path, top) for path in odd_requests.readings(target))


class Upstreams:
    """All of them in one thread: each answers with its name and what it was asked for, in headers."""

    def __init__(self, address):
        self.at = {name: f"http://{address}:{free_port(address=address)}" + ("/base" if name == "based" else "") for name in UPSTREAMS}
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.servers = []

    def open(self):
        self.servers = [self.run(self._listen(name, url)) for name, url in self.at.items()]

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(600)

    def _listen(self, name, url):
        host, port = re.match(r"http://([^:]+):(\d+)", url).groups()

        async def serve(reader, writer):
            try:
                while head := await reader.readuntil(b"\r\n\r\n"):
                    writer.write(answer_of(name, head.decode("latin-1")))
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
                pass
            finally:
                writer.close()

        return asyncio.start_server(serve, host, int(port), backlog=512)

    def close(self):
        async def end():
            for server in self.servers:
                server.close()

        self.run(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)


def answer_of(name, head):
    target = head.split("\r\n", 1)[0].split(" ", 1)[1].rsplit(" ", 1)[0]
    host = re.search(r"^host:[ \t]*(.*?)[ \t]*$", head, re.M | re.I)
    return (f"HTTP/1.1 200 OK\r\nX-From: {name} {quote(target, safe='')} {quote(host.group(1) if host else '', safe='')}\r\n"
            "Content-Length: 3\r\n\r\nyes").encode()


class Place:
    """Hall awake in front of all sites, and the three proxies, each as it is closed and as it is open while Hall is away."""

    def __init__(self, world, hallctl):
        config = world.hall.config
        config["servers"] = {"testing": {**config["servers"]["testing"], "checks": [{"agent": {}}]}}
        self.upstreams = Upstreams(config["servers"]["testing"]["address"])
        config["domains"] = domains(self.upstreams.at)
        world.hall.write(config)
        world.described = {"testing": world.described["testing"]}
        world.start()
        bus = world.bus()
        wait_state(bus, "testing", "off")
        bus.publish("hall/servers/testing/command", {"action": "wake"})
        wait_state(bus, "testing", "ready", 60)
        self.upstreams.open()
        self.proxies = {(kind, opens): make_proxy(world, hallctl, kind, fail_open=opens) for kind in KINDS for opens in (False, True)}

    def close(self):
        for proxy in self.proxies.values():
            proxy.stop()
        self.upstreams.close()


@pytest.fixture(scope="module")
def place(binary, tmp_path_factory, hallctl):
    from conftest import Worlds

    worlds = Worlds(binary, tmp_path_factory)
    place = Place(worlds(start=False, namespaces=False), hallctl)
    yield place
    place.close()
    worlds.close()


async def send(port, source, request, limit):
    """(status, [(upstream, target, host)]) of all answers that came; status 0: none."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    except OSError:
        return 0, []
    try:
        writer.write(request)
        received = await asyncio.wait_for(until_answered(reader), limit)
    except (OSError, asyncio.TimeoutError):
        return 0, []
    finally:
        writer.close()
    text = received.decode("latin-1")
    status = re.match(r"HTTP/1\.[01] (\d{3})", text)
    found = re.findall(r"^x-from: (\S+) (\S*) ?(\S*)\r$", text, re.M | re.I)
    return int(status.group(1)) if status else 0, [(name, unquote(target), unquote(host)) for name, target, host in found]


async def until_answered(reader):
    """All that comes: every request asks for the connection to be closed."""
    received = b""
    try:
        while data := await reader.read(65536):
            received += data
    except ConnectionError:
        pass  # who refuses does not read the rest
    return received


async def send_all(port, source, requests, limit=5):
    """Some that are odd are never answered."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(request):
        async with gate:
            return await send(port, source, request, limit)

    return await asyncio.gather(*(one(request) for request in requests))


def plain(host, path):
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()


# What a member sees, and from whom: without this nothing would be shown by a stranger's seeing nothing.
PLAIN = {("open.test", "/x"): "site", ("open.test", "/admin/x"): "admin", ("open.test", "/secret/x"): "site",
         ("open.test", "/public/x"): "public", ("open.test", "/public/admin"): "deep", ("open.test", ODD + "/x"): "odd",
         ("open.test", ODD): "odd", ("secret.test", "/"): "closed",
         ("va.test", "/x"): "virtual", ("vb.test", "/x"): "virtual", ("based.test", "/secret"): "based", ("based.test", "/x"): "based"}


both_modes = pytest.mark.parametrize(("kind", "opens"), [(kind, opens) for kind in KINDS for opens in (False, True)],
                                     ids=[kind + mode for kind in KINDS for mode in ("", "-open")])


@both_modes
def test_plain_requests_reach_their_sites(place, kind, opens):
    """Those that are allowed to; a stranger gets 403 of exactly what is for members."""
    port = place.proxies[kind, opens].port

    def seen(source):
        answers = asyncio.run(send_all(port, source, [plain(*one) for one in PLAIN], 60))
        return dict(zip(PLAIN, [answer[0][0] if answer else status for status, answer in answers]))

    wait_until(lambda: seen(MEMBER) == PLAIN, 10, "all sites for a member")
    strangers = {("open.test", "/x"): "site", ("open.test", "/public/x"): "public", ("va.test", "/x"): "virtual", ("based.test", "/x"): "based"}
    assert seen(STRANGER) == {one: strangers.get(one, 403) for one in PLAIN}


@both_modes
def test_nothing_comes_from_what_is_not_for_the_visitor(place, kind, opens):
    print(f"HALL_SEED={SEED} HALL_DIFFERENTIAL={COUNT} {kind}")
    statuses, came, wrong = Counter(), Counter(), []
    for start in range(0, COUNT, 5000):
        requests = [*odd_requests.KNOWN, *odd_requests.requests(SEED + start, min(5000, COUNT - start))]
        answers = asyncio.run(send_all(place.proxies[kind, opens].port, STRANGER, requests))
        statuses.update(status for status, _ in answers)
        came.update(one[0] for _, got in answers for one in got)
        wrong += [(one, request) for request, (_, got) in zip(requests, answers) for one in got if is_forbidden(one)]
    print(dict(statuses), dict(came))
    assert wrong == [], f"{len(wrong)} with HALL_SEED={SEED}, the first:\n" + "\n".join(map(repr, wrong[:12]))
    assert came.total() > COUNT / 20 and statuses[403] > COUNT / 20, (statuses, came)
