"""Heads that programs read in different ways, as bytes on the wire: what stands behind one is never taken for a request of its own,
neither at the gateway, where a proxy's connection serves many visitors, nor at the dashboard."""

import re

import pytest
from test_admin import KEY, hall, make_hall  # noqa: F401 (fixtures)
from test_attacks import say

HOST = b"Host: hall.lan\r\n"
NEXT = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: " + KEY.encode() + b"\r\n\r\n"
HIDDEN = b"Content-Length: %d" % len(NEXT)
MANY = b"".join(b"X-%d: y\r\n" % i for i in range(80))

# Refused, whatever else is wrong with them.
BROKEN = {
    "a line folded, which hides a length": b"GET /auth HTTP/1.1\r\n" + HOST + b"X: y\r\n " + HIDDEN + b"\r\n\r\n",
    "folded by a tab": b"GET /auth HTTP/1.1\r\n" + HOST + b"X: y\r\n\t" + HIDDEN + b"\r\n\r\n",
    "the first line folded": b"GET /auth HTTP/1.1\r\n " + HOST + HIDDEN + b"\r\n\r\n",
    "a line without a name": b"GET /auth HTTP/1.1\r\n" + HOST + b": y\r\n" + HIDDEN + b"\r\n\r\n",
    "the first line without a name": b"GET /auth HTTP/1.1\r\n: y\r\n" + HOST + HIDDEN + b"\r\n\r\n",
    "the first line folded and without a name": b"GET /auth HTTP/1.1\r\n : y\r\n" + HOST + HIDDEN + b"\r\n\r\n",
    "LF alone and no line": b"GET /auth HTTP/1.1\n\n",
    "a line without a colon": b"GET /auth HTTP/1.1\r\n" + HOST + b"y\r\n" + HIDDEN + b"\r\n\r\n",
    "a blank before the colon": b"GET /auth HTTP/1.1\r\n" + HOST + b"Content-Length : %d\r\n\r\n" % len(NEXT),
    "a blank before the host's colon": b"GET /auth HTTP/1.1\r\nHost : hall.lan\r\n\r\n",
    "LF alone": b"GET /auth HTTP/1.1\n" + b"Host: hall.lan\n\n",
    "LF alone in the middle": b"GET /auth HTTP/1.1\r\nHost: hall.lan\nX: y\r\n\r\n",
    "LF alone at the end": b"GET /auth HTTP/1.1\r\nHost: hall.lan\r\nX: y\n\r\n",
    "CR alone": b"GET /auth HTTP/1.1\r\n" + HOST + b"X: y\r" + HIDDEN + b"\r\n\r\n",
    "a NUL in a value": b"GET /auth HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n" + HIDDEN + b"\r\n\r\n",
    "a NUL in a name": b"GET /auth HTTP/1.1\r\n" + HOST + b"Content-Length\0: %d\r\n\r\n" % len(NEXT),
    "two hosts": b"GET /auth HTTP/1.1\r\n" + HOST + b"Host: other.lan\r\n\r\n",
    "a folded line behind many": b"GET /auth HTTP/1.1\r\n" + HOST + MANY + b" y\r\n" + HIDDEN + b"\r\n\r\n",
    "a folded line before many": b"GET /auth HTTP/1.1\r\n" + HOST + b"X: y\r\n z\r\n" + MANY + HIDDEN + b"\r\n\r\n",
    "an empty length": b"GET /auth HTTP/1.1\r\n" + HOST + b"Content-Length: \r\n\r\n",
    "a length with a blank": b"GET /auth HTTP/1.1\r\n" + HOST + b"Content-Length: 1 8\r\n\r\n",
    "two lengths in one": b"GET /auth HTTP/1.1\r\n" + HOST + b"Content-Length: 0, 0\r\n\r\n",
    "an empty coding": b"GET /auth HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: \r\n\r\n",
    "a coding behind a tab": b"GET /auth HTTP/1.1\r\n" + HOST + b"Transfer-Encoding:\t\x0bchunked\r\n\r\n0\r\n\r\n",
    "HTTP/0.9": b"GET /healthz\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "another version": b"GET /auth HTTP/01.1\r\n" + HOST + b"\r\n",
    "CONNECT": b"CONNECT 127.0.0.1:22 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a user in the target": b"GET http://hall.lan@evil.example/auth HTTP/1.1\r\n" + HOST + b"\r\n",
}
# May be answered as what they are, and end their connection.
ENDING = {
    "an upgrade to h2c with a body": b"POST /auth HTTP/1.1\r\n" + HOST + HIDDEN + b"\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    "a length behind many lines": b"GET /auth HTTP/1.1\r\n" + HOST + MANY + HIDDEN + b"\r\n\r\n",
    "a length named in Connection": b"GET /auth HTTP/1.1\r\n" + HOST + b"Connection: Content-Length\r\n" + HIDDEN + b"\r\n\r\n",
    "a chunk with an extension": b"POST /auth HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0;x=\"\r\n\r\n",
    "a chunk that is no number": b"POST /login HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nx",
    "a chunk beyond all size": b"POST /login HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx",
    "a trailer": b"POST /login HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-API-Key: " + KEY.encode() + b"\r\n\r\n",
    "a body that waits to be asked for": b"POST /auth HTTP/1.1\r\n" + HOST + HIDDEN + b"\r\nExpect: 100-continue\r\n\r\n",
    "chunks of HTTP/1.0": b"POST /auth HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n0\r\n\r\n",
}


def statuses(got):
    return re.findall(rb"HTTP/1\.1 (\d{3}) ", got)


@pytest.mark.parametrize("at", ["gateway", "admin"])
def test_nothing_hides_behind_a_head(hall, at):
    address = getattr(hall, at)
    assert len(statuses(say(address, b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n" + NEXT))) == 2, "two plain ones are two"
    for name, head in BROKEN.items():
        got = say(address, head + NEXT)
        assert len(statuses(got)) == 1 and statuses(got)[0][:1] in (b"4", b"5"), (name, got)
        assert b'"uptime' not in got and not got.endswith(b"ok\n"), (name, got)
    for name, head in ENDING.items():
        got = say(address, head + NEXT)
        assert len(statuses(got)) == 1 and b"\r\nConnection: close\r\n" in got, (name, got)


def test_an_upgrade_is_none(hall):
    """What a proxy passes on of an upgrade leaves a connection of plain requests."""
    for name, line in (("h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__"),
                       ("websocket", b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==")):
        head = b"GET /api/v1/stream HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: " + name.encode() + b"\r\n" + line + b"\r\n\r\n"
        for address in (hall.admin, hall.gateway):
            assert b"101" not in statuses(say(address, head)), name
