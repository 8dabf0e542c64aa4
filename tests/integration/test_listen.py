"""Where Hall listens: on several addresses, on one that this machine does not have yet, on a port that another program has at the
start. Nothing of it ends Hall, and each is there as soon as it can be."""

import contextlib
import socket
import sys

import pytest
from conftest import check_end
from links import Host
from process import wait_until
from test_admin import config
from world import Hall, free_port

LATE = "172.31.7.1"  # as Docker's bridge, which comes after Hall
ASK = """
import http.client, sys
link = http.client.HTTPConnection(sys.argv[1], int(sys.argv[2]), timeout=20)
link.request("GET", "/healthz")
print(link.getresponse().status)
"""


@pytest.fixture
def make_hall(binary, tmp_path):
    halls = []

    def make(argv=(), wait=True, **http):
        hall = Hall(binary, tmp_path / str(len(halls)), config(tmp_path / str(len(halls)), **http), "x")
        halls.append(hall)
        hall.start(wait=wait, argv=argv)
        return hall

    yield make
    for hall in halls:
        if hall.process.alive():
            check_end(type("", (), {"hall": hall}))


@contextlib.contextmanager
def taken(port):
    with socket.create_server(("127.0.0.1", port)):
        yield


@pytest.fixture
def pi():
    pi = Host("listen")
    yield pi
    pi.close()


def test_an_address_that_comes_later_and_goes_and_comes_back(pi, make_hall):
    hall = make_hall(["ip", "netns", "exec", pi.name], wait=False, gateway=["127.0.0.1:8880", f"{LATE}:8880"], admin=f"{LATE}:8881")

    def asks(address, port):
        with contextlib.suppress(Exception):
            return pi.run([sys.executable, "-c", ASK, address, str(port)]).stdout.strip()

    wait_until(lambda: asks("127.0.0.1", 8880) == "200", 60, "the gateway at the address that is there")
    for port, place in ((8880, "/http/gateway"), (8881, "/http/admin")):
        wait_until(lambda: f"no interface of this machine has the address of {LATE}:{port}" in hall.log_text(), 60, "a line in the log")
        assert place in hall.log_text()
    for _ in range(2):
        assert asks(LATE, 8880) is None
        pi.ip("addr", "add", f"{LATE}/32", "dev", "lo")
        assert asks(LATE, 8880) == "200", "at once"
        assert asks(LATE, 8881) in ("401", "403", "404"), "the dashboard, which knows no such address"
        assert asks("127.0.0.1", 8880) == "200"
        pi.ip("addr", "del", f"{LATE}/32", "dev", "lo")


def test_a_port_of_the_dashboard_that_is_taken_at_the_start(make_hall):
    port = free_port()
    with taken(port):
        hall = make_hall(admin=f"127.0.0.1:{port}")
        assert hall.get("/healthz").status == 200
        wait_until(lambda: f"cannot listen on 127.0.0.1:{port}: Address already in use; another program listens there; stop it, or "
                   "choose another /http/admin" in hall.log_text(), 60, "what to do, in the log")
    wait_until(lambda: f"the dashboard listens on 127.0.0.1:{port}" in hall.log_text(), 60, "the dashboard")
    assert hall.ask_admin("/api/v1/session", host="hall.lan").status == 200


def test_one_of_the_gateways_ports_is_taken(make_hall):
    ports = [free_port(), free_port()]
    gateway = [f"127.0.0.1:{port}" for port in ports]
    with taken(ports[1]):
        hall = make_hall(gateway=gateway)
        wait_until(lambda: "choose another /http/gateway" in hall.log_text(), 60, "what to do, in the log")
    wait_until(lambda: f"the gateway listens on {gateway[1]}" in hall.log_text(), 60, "the second address")
    hall.config["http"]["gateway"] = gateway[1]
    assert hall.get("/healthz").status == 200


def test_another_hall_is_no_reason_to_wait(make_hall, tmp_path):
    """The gateway's only port is taken: most likely Hall runs already, and a second one would fight it on the bus."""
    port = free_port()
    with taken(port):
        hall = make_hall(wait=False, gateway=f"127.0.0.1:{port}")
        assert hall.process.popen.wait(60) == 1
        assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in hall.log_text()
    assert not (tmp_path / "0" / "hall.db").exists()
