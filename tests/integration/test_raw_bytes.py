"""Bytes that are hardly a request, at both listeners: each connection ends with answers of Hall's own, or with none; and the next
one is served. HALL_RAW=20000 sends so many to each, HALL_SEED=7 others."""

import os
import random
import re
import socket

import odd_requests
import pytest
from conftest import Worlds
from helpers import seed
from world import free_port

COUNT = int(os.environ.get("HALL_RAW", "600"))
HEAD = re.compile(rb"HTTP/1\.1 (\d{3}) [A-Za-z ]+\r\n((?:[!-9;-~]+: [^\r\n\0]*\r\n)*)\r\n")
PIECES = (b"\0", b"\r", b"\n", b"\r\n", b"\n\n", b"\r\n\r\n", b" ", b"\t", b":", b"%", b"%00", b"\x7f", b"\x80\xff", b"/" * 9000, b"A" * 70000,
          b"a: b\r\n" * 90, b"\r\n a: folded", b"Host: x\r\n", b"Content-Length: 9\r\n", b"Content-Length: -1\r\n", b"Expect: 100-continue\r\n",
          b"Content-Length: 99999999999999999999\r\n", b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: x\r\n", b"Range: bytes=0-1,9-\r\n",
          b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
          b"Connection: keep-alive\r\n", b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n", b"Authorization: Digest username=a, uri=\"\r\n",
          b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"5\r\nabcde\r\n0\r\n\r\n")

# What once harmed others that embed civetweb.
KNOWN = {
    "a folder's address without end": b"GET " + b"/" * 16000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",  # CVE-2025-55763
    "a form with NUL": b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 60\r\n\r\n"
                       b"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\0\0\r\n--b--",  # CVE-2025-9648
    "a form's file": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 75\r\n\r\n"
                     b"--b\r\nContent-Disposition: form-data; name=a; filename=../../x\r\n\r\nx\r\n--b--\r\n",  # CVE-2020-27304
    "included files": b"GET /index.shtml HTTP/1.1\r\nHost: x\r\n\r\n",  # CVE-2018-12684
    "compressed frames": b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                         b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
                         b"\xc1\xfe\xff\xff\0\0\0\0" + b"\xff" * 500,  # CVE-2026-29035
    "an expectation": b"GET / HTTP/1.1\r\nHost: x\r\nExpect: <script>alert(1)</script>\r\n\r\n",
    "a program to run": b"GET /cgi-bin/x.cgi HTTP/1.1\r\nHost: x\r\n\r\n",
    "a file to put": b"PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx",
    "a password's digest": b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Digest username=\"a\", realm=\"b\", nonce=\"1\", uri=\"/\", response=\"c\"\r\n\r\n",
}


@pytest.fixture(scope="module")
def doors(binary, tmp_path_factory):
    """Addresses of both listeners of one Hall, whose log is read for sanitizers at its end."""
    worlds = Worlds(binary, tmp_path_factory)
    world = worlds(start=False)
    admin = free_port()
    world.hall.config["http"].update(admin=f"127.0.0.1:{admin}", admin_hosts=["x"])
    world.hall.write(world.hall.config)
    world.start()
    yield {"gateway": world.hall.gateway, "dashboard": ("127.0.0.1", admin)}
    worlds.close()


def say(address, data):
    """All that is answered, also where the other side ended the connection before it had heard all."""
    got = b""
    with socket.create_connection(address, timeout=60) as s:
        try:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            while piece := s.recv(65536):
                got += piece
        except OSError as error:
            assert not isinstance(error, TimeoutError), data[:300]
    return got


def check(data, got, head_only):
    """Whole answers of Hall's one after the other, and nothing behind them. Returns their statuses."""
    statuses, rest = [], got
    while rest:
        head = HEAD.match(rest)
        assert head, (data[:300], got[:600])
        lines = dict(line.lower().split(b": ", 1) for line in head[2].split(b"\r\n")[:-1])
        statuses.append(int(head[1]))
        body = rest[head.end():]
        length = int(lines.get(b"content-length", 0))
        assert b"content-length" in lines or statuses[-1] in (204, 304), (data[:300], got[:600])
        assert b"civetweb" not in rest.lower() and b"set-cookie" not in lines and b"access-control-allow-origin" not in lines
        assert not body.startswith(b"Error "), f"civetweb's own words: {got[:300]}"
        assert len(body) >= length or head_only, (data[:300], got[:600])
        rest = b"" if head_only else body[length:]
    return statuses


def mutated(chance):
    data = bytearray(odd_requests.request(chance))
    for _ in range(chance.choice((0, 1, 1, 2, 3, 8))):
        at = chance.randrange(len(data) + 1)
        how = chance.random()
        if how < 0.4:
            data[at:at] = chance.choice(PIECES)
        elif how < 0.6:
            del data[at:at + chance.choice((1, 2, 20))]
        elif how < 0.8 and at < len(data):
            data[at] = chance.randrange(256)
        else:
            data[at:at] = data[chance.randrange(len(data)):][:200]
    return bytes(data if chance.random() < 0.9 else data[:chance.randrange(len(data))])


def is_served(address):
    return say(address, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 ")


@pytest.mark.parametrize("door", ["gateway", "dashboard"])
def test_each_connection_ends_in_order(doors, door):
    chance, address, statuses = random.Random(seed()), doors[door], set()
    for _ in range(COUNT):
        data = mutated(chance)
        statuses.update(check(data, say(address, data), b"HEAD" in data))
        assert is_served(address), data
    assert {200, 400, 404} & statuses and 400 in statuses, statuses


@pytest.mark.parametrize("door", ["gateway", "dashboard"])
@pytest.mark.parametrize("name", KNOWN)
def test_what_harmed_others(doors, door, name):
    statuses = check(KNOWN[name], say(doors[door], KNOWN[name]), False)
    assert statuses and all(status == 200 or status >= 400 for status in statuses) and len(statuses) == 1, statuses
    assert is_served(doors[door])
