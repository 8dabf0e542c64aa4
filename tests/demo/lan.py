"""Where the simulated servers live: a LAN of network namespaces, or loopback where those are not permitted.

A LAN is a bridge in our own namespace, with the first address of a free /24, and one nameless namespace a
server (it vanishes with the server's process). The bridge carries our pid in its name; one whose pid is gone is a
leftover of a killed run and is removed.
"""

import ipaddress
import itertools
import os
import random
import re
import socket
import subprocess

PREFIX = "hallbr"


def ip(*words, check=True):
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def claim(name):
    """A socket by which the name is ours until it is closed, None when it is another's: no two processes of one network
    bind the same. See unix(7), abstract addresses."""
    sign = socket.socket(socket.AF_UNIX)
    try:
        sign.bind(f"\0hall-tests-{name}")
    except OSError:
        sign.close()
        return None
    return sign


def _ports():
    """Each port once, so that what is restarted finds its own free; below those that the kernel gives to outgoing
    connections, and by the hundred for this process alone."""
    claims = []
    for first in random.sample(range(10000, 32000, 100), 220):
        if sign := claim(f"ports-{first}"):
            claims.append(sign)
            yield from random.sample(range(first, first + 100), 100)


PORTS = _ports()


WANTED = {}


def _claim_wanted(port):
    """The usual ports of a demo, for this process while it lives: what it starts there does not listen yet."""
    if port and port not in WANTED:
        WANTED[port] = claim(f"port-{port}")
    return [port] if port and WANTED[port] else []


def free_port(kind=socket.SOCK_STREAM, address="127.0.0.1", wanted=0):
    """A free port; the wanted one if it is free."""
    for port in itertools.chain(_claim_wanted(wanted), PORTS):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((address, port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port on {address}")


def namespaces_permitted():
    """Tries it: root in a container may still not be allowed to."""
    if os.geteuid() != 0:
        return False
    name = f"{PREFIX}{os.getpid()}t"
    try:
        if subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode:
            return False
        ip("link", "add", name, "type", "bridge")
        ip("link", "del", name)
    except OSError:
        return False
    return True


def _networks_in_use():
    text = ip("-4", "-o", "addr") + ip("-4", "route", "show", "table", "all")
    for word in re.findall(r"\b(\d+\.\d+\.\d+\.\d+(?:/\d+)?)\b", text):
        network = ipaddress.ip_network(word, strict=False)
        if network.prefixlen > 0:
            yield network


def _pick_network():
    """A /24 of 10.213.0.0/16 that nothing on this machine knows, and the claim to it."""
    used = list(_networks_in_use())
    first = os.getpid() % 254
    for step in range(254):
        network = ipaddress.ip_network(f"10.213.{1 + (first + step) % 254}.0/24")
        if not any(network.overlaps(u) for u in used) and (sign := claim(f"network-{network}")):
            return network, sign
    raise OSError("no free network in 10.213.0.0/16")


def _sweep():
    for line in ip("-o", "link", "show", "type", "bridge").splitlines():
        found = re.search(rf"\b{PREFIX}(\d+)[a-z]*:", line)
        if found and not os.path.exists(f"/proc/{found.group(1)}"):
            ip("link", "del", found.group(0)[:-1], check=False)


class Lan:
    """Servers in namespaces. Hall and the broker stay in ours and use `gateway`."""

    namespaces = True
    _serial = 0

    def __init__(self):
        _sweep()
        self.letters = chr(ord("a") + Lan._serial // 26 % 26) + chr(ord("a") + Lan._serial % 26)
        Lan._serial += 1
        self.bridge = f"{PREFIX}{os.getpid()}{self.letters}"  # 15 characters at most, see netdevice(7)
        self.network, self.sign = _pick_network()
        self.gateway = str(self.network[1])
        self.broadcast = str(self.network.broadcast_address)
        self.interface = self.bridge
        self.wol_port = 9
        self._ports = 0
        ip("link", "add", self.bridge, "type", "bridge")
        try:
            ip("addr", "add", f"{self.gateway}/24", "broadcast", self.broadcast, "dev", self.bridge)
            ip("link", "set", self.bridge, "up")
        except OSError:
            self.close()
            raise

    def address(self, number):
        return str(self.network[number])

    def command(self, argv):
        return ["unshare", "--net", *argv]

    def nic(self, number, mac):
        """What a simulated server is told of its network card."""
        return {"interface": "eth0", "address": self.address(number), "prefix": 24, "mac": mac}

    def _port(self, number):
        return f"hv{number}-{os.getpid()}{self.letters}"

    def attach(self, pid, mac):
        """Plugs the cable between a server's namespace and the bridge."""
        self._ports += 1
        port = self._port(self._ports)
        ip("link", "add", port, "type", "veth", "peer", "name", "eth0", "address", mac, "netns", str(pid))
        ip("link", "set", port, "master", self.bridge, "up")
        return port

    def cable(self, port, plugged):
        ip("link", "set", port, "up" if plugged else "down")

    def close(self):
        """A namespace outlives its processes while one of its connections still seeks an end: its cable does not wait for that."""
        for number in range(1, self._ports + 1):
            ip("link", "del", self._port(number), check=False)
        ip("link", "del", self.bridge, check=False)
        self.sign.close()


class Loopback:
    """Servers on 127.0.0.x: no link layer, so the packet is a datagram to 127.255.255.255."""

    namespaces = False
    gateway = "127.0.0.1"
    broadcast = "127.255.255.255"
    interface = None

    def __init__(self):
        self.wol_port = free_port(socket.SOCK_DGRAM, "127.255.255.255")
        # Of our own, so that two of these can stand beside each other.
        self.prefix = f"127.{1 + os.getpid() // 250 % 250}.{1 + os.getpid() % 250}"

    def address(self, number):
        return f"{self.prefix}.{number}"

    def command(self, argv):
        return list(argv)

    def nic(self, number, mac):
        return {"interface": None, "address": self.address(number), "mac": mac,
                "wol": [self.broadcast, self.wol_port]}

    def attach(self, pid, mac):
        return None

    def close(self):
        pass


def make_lan(namespaces=None):
    """namespaces: True to insist, False for loopback, None for what is permitted."""
    if namespaces is None:
        namespaces = namespaces_permitted()
    return Lan() if namespaces else Loopback()
