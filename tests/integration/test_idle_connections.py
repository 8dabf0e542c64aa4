"""Connections that ask nothing at the dashboard's listener: left alone while there are workers for all, and where there
are not, those leave first that burden it most."""

import http.client
import select
import socket
import time
from pathlib import Path

from process import wait_until
from test_admin import KEY, hall, make_hall  # noqa: F401 (fixtures)

WORKERS = 12
PAGE = b"GET /api/v1/session HTTP/1.1\r\nHost: hall.lan\r\nConnection: close\r\n\r\n"
PART, REST = PAGE[:50], PAGE[50:]
SYN_RECV = "03"


def connect(hall, source, said=b""):
    s = socket.create_connection(hall.admin, 10, (source, 0))
    s.sendall(said)
    time.sleep(0.01)  # so that each is older than the next, by the ticks that the kernel counts
    return s


def is_cut(s):
    readable, _, _ = select.select([s], [], [], 0)
    return bool(readable) and s.recv(1, socket.MSG_PEEK) == b""


def kept_by_the_kernel(hall):
    """How many connections Hall does not have yet: they have said nothing. See tcp(7), TCP_DEFER_ACCEPT."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()]
    return sum(row[1].endswith(f":{hall.admin[1]:04X}") and row[3] == SYN_RECV for row in rows)


def ask(s, said=PAGE):
    s.sendall(said)
    answer = b""
    while piece := s.recv(4096):
        answer += piece
    return answer.split(b" ", 2)[1]


def test_idle_connections_are_left_alone_while_there_are_workers(hall):
    began = time.monotonic()
    idle = [connect(hall, "127.0.0.5") for _ in range(WORKERS - 4)]
    for n in range(40):
        assert ask(connect(hall, "127.0.0.1")) == b"200"
        time.sleep(0.02)
        if n >= 4 and time.monotonic() - began > 2:
            break  # after 3 s of silence they may be ended, however many workers there are
    assert [ask(s) for s in idle] == [b"200"] * len(idle)


def test_more_idle_connections_than_workers_are_left_alone_until_somebody_asks(hall):
    idle = [connect(hall, "127.0.0.5") for _ in range(WORKERS + 6)]
    time.sleep(0.5)
    assert not any(is_cut(s) for s in idle)
    assert ask(connect(hall, "127.0.0.1")) == b"200"


def test_the_oldest_of_the_fullest_address_leave_and_no_one_else(hall):
    stream = http.client.HTTPConnection(*hall.admin, timeout=10)
    stream.connect()
    line = stream.sock
    stream.request("GET", "/api/v1/stream", headers={"Host": "hall.lan", "X-API-Key": KEY})
    answer = stream.getresponse()
    assert answer.status == 200
    few = [connect(hall, "127.0.0.6", PART) for _ in range(3)]
    many = [connect(hall, "127.0.0.5", PART) for _ in range(26)]
    time.sleep(0.4)  # none of them is new any more
    new = connect(hall, "127.0.0.5", PART)
    assert ask(connect(hall, "127.0.0.1")) == b"200"
    cut = [is_cut(s) for s in many]
    assert sum(cut) >= 20 and cut == sorted(cut, reverse=True), cut  # the oldest, and no more than was needed
    assert sum(cut) < 26 and not is_cut(new) and not any(is_cut(s) for s in few)
    assert not is_cut(line) and answer.readline()
    assert [ask(s, REST) for s in few] == [b"200"] * 3


def test_a_part_of_a_request_stays_longer_than_none(hall):
    parts = [connect(hall, "127.0.0.5", PART) for _ in range(4)]
    idle = [connect(hall, "127.0.0.5") for _ in range(WORKERS)]
    wait_until(lambda: not kept_by_the_kernel(hall), 20, "Hall has those that say nothing")
    assert ask(connect(hall, "127.0.0.1")) == b"200"
    assert any(is_cut(s) for s in idle) and not any(is_cut(s) for s in parts)
