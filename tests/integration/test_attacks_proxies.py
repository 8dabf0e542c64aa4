"""Two requests in one, through real proxies as generated: whatever a body or a head hides, no site behind gets a request that Hall
has not judged."""

import contextlib
import re
import socket

import pytest
from conftest import Worlds
from proxy import KINDS
from test_edges import OWN, Edge, head, status_of
from test_proxies import HOST, hallctl  # noqa: F401 (fixture)

# For a project that nobody here may see, with all that a request needs.
HIDDEN = f"GET /apart/hidden HTTP/1.1\r\nHost: {HOST}\r\nX-Hall-Site: {HOST}\r\nX-Forwarded-Uri: /x\r\n\r\n".encode()
CHUNK = b"%x\r\n" % len(HIDDEN) + HIDDEN + b"\r\n0\r\n\r\n"


def lines(*more, method="POST", version="1.1"):
    return f"{method} /x HTTP/{version}\r\nHost: {HOST}\r\n".encode() + b"".join(line + b"\r\n" for line in more) + b"\r\n"


LENGTH, CHUNKED = b"Content-Length: %d" % len(HIDDEN), b"Transfer-Encoding: chunked"
REQUESTS = {
    "a length and chunks": lines(LENGTH, CHUNKED) + b"0\r\n\r\n" + HIDDEN,
    "chunks and a length": lines(CHUNKED, b"Content-Length: 4") + CHUNK,
    "two lengths": lines(b"Content-Length: 0", LENGTH) + HIDDEN,
    "two lengths in one": lines(b"Content-Length: 0, %d" % len(HIDDEN)) + HIDDEN,
    "a signed length": lines(b"Content-Length: +0") + HIDDEN,
    "a length of zero in hexadecimal": lines(b"Content-Length: 0x%x" % len(HIDDEN)) + HIDDEN,
    "a length with a blank before its colon": lines(b"Content-Length : %d" % len(HIDDEN)) + HIDDEN,
    "a folded length": lines(b"X: y", b" " + LENGTH) + HIDDEN,
    "a folded coding": lines(b"Content-Length: 0", b"Transfer-Encoding:", b" chunked") + CHUNK,
    "a coding behind LF": lines(b"X: y\n" + CHUNKED) + b"0\r\n\r\n" + HIDDEN,
    "a coding behind CR": lines(b"X: y\r" + CHUNKED) + b"0\r\n\r\n" + HIDDEN,
    "a coding with a blank": lines(b"Transfer-Encoding : chunked") + b"0\r\n\r\n" + HIDDEN,
    "a coding behind a tab": lines(LENGTH, b"Transfer-Encoding:\tchunked") + b"0\r\n\r\n" + HIDDEN,
    "a coding behind VT": lines(LENGTH, b"Transfer-Encoding: \x0bchunked") + b"0\r\n\r\n" + HIDDEN,
    "another coding": lines(LENGTH, b"Transfer-Encoding: xchunked") + b"0\r\n\r\n" + HIDDEN,
    "two codings": lines(b"Transfer-Encoding: identity", CHUNKED) + b"0\r\n\r\n" + HIDDEN,
    "a coding twice": lines(b"Transfer-Encoding: chunked, chunked") + b"0\r\n\r\n" + HIDDEN,
    "a coding in quotes": lines(LENGTH, b'Transfer-Encoding: "chunked"') + b"0\r\n\r\n" + HIDDEN,
    "an extension that never ends": lines(CHUNKED) + b"0;x=\"\r\n\r\n" + HIDDEN,
    "an extension with LF": lines(CHUNKED) + b"2;\nxx\r\n%x\r\n" % len(HIDDEN) + HIDDEN + b"\r\n0\r\n\r\n",
    "a chunk ended by LF": lines(CHUNKED) + b"1\ny\n0\n\n" + HIDDEN,
    "a chunk longer than it says": lines(CHUNKED) + b"1\r\nyy0\r\n\r\n" + HIDDEN,
    "a chunk of 2^64": lines(CHUNKED) + b"10000000000000000\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a trailer": lines(CHUNKED, b"Trailer: X-Hall-Site") + b"0\r\nX-Hall-Site: %s\r\nContent-Length: 9\r\n\r\n" % HOST.encode() + HIDDEN,
    "a body of GET": lines(LENGTH, method="GET") + HIDDEN,
    "a body of HEAD": lines(LENGTH, method="HEAD") + HIDDEN,
    "chunks of HTTP/1.0": lines(CHUNKED, b"Connection: keep-alive", version="1.0") + b"0\r\n\r\n" + HIDDEN,
    "a length that Connection names": lines(LENGTH, b"Connection: keep-alive, Content-Length") + HIDDEN,
    "a coding that Connection names": lines(CHUNKED, b"Connection: keep-alive, Transfer-Encoding") + CHUNK,
    "a body that waits": lines(LENGTH, b"Expect: 100-continue") + HIDDEN,
    "an upgrade to h2c": lines(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__", method="GET") + HIDDEN,
    "an upgrade that fails": lines(b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 777",
                                   b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", method="GET") + HIDDEN,
    "an upgrade with a body": lines(b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13", LENGTH,
                                    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==") + HIDDEN,
    "a line end in the target": b"GET /x%20HTTP/1.1%0d%0aHost:%20" + HOST.encode() + b"%0d%0a%0d%0aGET%20/apart/hidden HTTP/1.1\r\nHost: "
                                + HOST.encode() + b"\r\n\r\n",
    "a line end in a value": lines(b"X: y%0d%0a" + LENGTH, b"Cookie: a=b\x00\x0d") + HIDDEN,
    "HTTP/0.9": b"GET /x\r\n\r\n" + HIDDEN,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + HIDDEN,
    "one behind the other": lines(method="GET") + HIDDEN,
}


@pytest.fixture(scope="module")
def edge(binary, tmp_path_factory, hallctl):  # noqa: F811
    worlds = Worlds(binary, tmp_path_factory)
    edge = Edge(worlds, hallctl).begin()
    for kind in set(KINDS) - set(OWN):
        edge.ports[kind, "closed"] = edge.proxy(kind).port
    edge.wake()
    yield edge
    edge.close()
    worlds.close()


def spoken(port, data):
    """What comes back until the other side ends or says nothing more for a moment; our end is not told before that."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), 60) as client, contextlib.suppress(OSError):
        client.sendall(data)
        client.settimeout(0.15)
        while more := client.recv(65536):
            received += more
    return received


@pytest.mark.parametrize("kind", KINDS)
def test_no_request_hides_in_another(edge, kind):
    port = edge.ports[kind, "closed"]
    assert status_of(spoken(port, head("/apart/hidden")).decode("latin-1")) == 403
    for name, data in REQUESTS.items():
        edge.site.got.clear()
        spoken(port, data)
        # Those that come next find the connections that it has left behind.
        answers = [spoken(port, head("/after")).decode("latin-1") for _ in range(2)]
        assert [status_of(answer) for answer in answers] == [200, 200], (name, answers)
        got = [path for _, path, *_ in edge.site.got]
        assert all(re.fullmatch(r"(?i)/x(%20http/1\.1%0d.*)?|/after", path) for path in got), (name, got)
