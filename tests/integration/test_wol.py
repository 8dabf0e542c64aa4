"""Magic packets on the wire, byte by byte: which link they leave by, to whom, and what is in them."""
import socket
import struct
import subprocess
import sys

import pytest

from links import NOBODY, hosts, join, tool  # noqa: F401

MAC = "02:00:00:00:00:02"
SYNC_AND_MAC = b"\xff" * 6 + bytes.fromhex(MAC.replace(":", "")) * 16

# Prints "ready", then the first frame heard that carries IPv4 and UDP, in hexadecimal; "silence" if none comes.
EAR = """
import select, socket, sys, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
s.bind((sys.argv[1], 0x0800))
print("ready", flush=True)
end = time.monotonic() + float(sys.argv[2])
while (left := end - time.monotonic()) > 0 and select.select([s], [], [], left)[0]:
    frame = s.recv(2048)
    if frame[23] == 17:
        print(frame.hex(), flush=True)
        break
else:
    print("silence", flush=True)
"""


class Ear:
    def __init__(self, host, interface, seconds=60):
        self.process = host.start([sys.executable, "-c", EAR, interface, str(seconds)], stdout=subprocess.PIPE,
                                  text=True)
        assert self.process.stdout.readline() == "ready\n"

    def frame(self):
        line = self.process.stdout.readline().strip()
        return None if line == "silence" else bytes.fromhex(line)


@pytest.fixture
def site(hosts):  # noqa: F811
    """A Pi with a LAN and, as its default route, another network."""
    pi, lan, wan = hosts("hall"), hosts("lan"), hosts("wan")
    join(pi, "lan0", "10.91.0.1/24", lan, "eth0", "10.91.0.2/24")
    join(pi, "wan0", "10.92.0.1/24", wan, "eth0", "10.92.0.2/24")
    pi.ip("route", "add", "default", "via", "10.92.0.2")
    return pi, lan, wan


def send(pi, *words, rights=None, ok=True):
    result = subprocess.run(["ip", "netns", "exec", pi.name, *(rights or []), tool("wol_once"), *words],
                            capture_output=True, text=True, timeout=30, check=False)
    assert result.stderr == ""
    assert (result.returncode == 0) == ok
    return int(result.stdout)


def parts(frame):
    """(destination MAC, source address, destination address, destination port, payload)"""
    assert frame[12:14] == b"\x08\x00" and frame[14] == 0x45
    length = struct.unpack("!H", frame[38:40])[0]
    return (frame[:6], socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34]),
            struct.unpack("!H", frame[36:38])[0], frame[42:34 + length])


@pytest.mark.parametrize("broadcast", ["10.91.0.255", "255.255.255.255"])
@pytest.mark.parametrize("way", [[], ["--no-bindtodevice"]], ids=["bindtodevice", "by address"])
@pytest.mark.parametrize("rights", [[], NOBODY], ids=["root", "nobody"])
def test_leaves_by_the_bound_interface(site, broadcast, way, rights):
    pi, lan, wan = site
    near, far = Ear(lan, "eth0"), Ear(wan, "eth0", 0.5)
    assert send(pi, *way, MAC, broadcast, "9", "lan0", "-", rights=rights) == 0
    assert parts(near.frame()) == (b"\xff" * 6, "10.91.0.1", broadcast, 9, SYNC_AND_MAC)
    assert far.frame() is None


@pytest.mark.parametrize("way", [[], ["--no-bindtodevice"]], ids=["bindtodevice", "by address"])
def test_two_links_of_one_subnet(site, hosts, way):  # noqa: F811
    pi, lan, _ = site
    twin = hosts("twin")
    join(pi, "lan1", "10.91.0.4/24", twin, "eth0", "10.91.0.5/24")
    for interface, here, there in (("lan0", lan, twin), ("lan1", twin, lan)):
        near, far = Ear(here, "eth0"), Ear(there, "eth0", 0.5)
        assert send(pi, *way, MAC, "10.91.0.255", "9", interface, "-") == 0
        assert parts(near.frame())[4] == SYNC_AND_MAC
        assert far.frame() is None


def test_unbound_goes_by_the_route(site):
    pi, lan, wan = site
    near, far = Ear(lan, "eth0", 0.5), Ear(wan, "eth0")
    assert send(pi, MAC, "255.255.255.255", "9", "-", "-") == 0
    assert parts(far.frame())[2:] == ("255.255.255.255", 9, SYNC_AND_MAC)
    assert near.frame() is None


@pytest.mark.parametrize("secureon", ["-", "a1a2a3a4", "a1a2a3a4a5a6"])
@pytest.mark.parametrize("port", [7, 9, 40000])
def test_secureon_and_port(site, secureon, port):
    pi, lan, _ = site
    ear = Ear(lan, "eth0")
    assert send(pi, MAC, "10.91.0.255", str(port), "lan0", secureon) == 0
    password = b"" if secureon == "-" else bytes.fromhex(secureon)
    assert parts(ear.frame())[3:] == (port, SYNC_AND_MAC + password)


def test_no_default_route_and_bound(site):
    pi, lan, _ = site
    pi.ip("route", "del", "default")
    ear = Ear(lan, "eth0")
    assert send(pi, MAC, "255.255.255.255", "9", "lan0", "-") == 0
    assert parts(ear.frame())[4] == SYNC_AND_MAC


def test_errors(site):
    pi, _, _ = site
    assert send(pi, MAC, "10.91.0.255", "9", "nosuch0", "-", ok=False) == -19  # ENODEV
    pi.ip("link", "set", "lan0", "down")
    assert send(pi, MAC, "10.91.0.255", "9", "lan0", "-", ok=False) in (-100, -101)  # ENETDOWN, ENETUNREACH
    pi.ip("route", "del", "default")
    assert send(pi, MAC, "255.255.255.255", "9", "-", "-", ok=False) == -101  # ENETUNREACH
