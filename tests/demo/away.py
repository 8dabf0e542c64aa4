"""The demo for a browser on another machine: on the LAN address of this one, or through ssh."""

import getpass
import ipaddress
import os
import re
import socket

from lan import PREFIX, free_port, ip


def addresses():
    """The networks of this machine's own IPv4 addresses, by address: those of bridges that a demo or Docker made are not for others."""
    found = re.findall(r"^\d+: (\S+) +inet (\d+(?:\.\d+){3}/\d+)", ip("-4", "-o", "addr", "show", "scope", "global"), re.M)
    interfaces = [ipaddress.ip_interface(at) for name, at in found if not re.match(rf"{PREFIX}|docker|br-|veth", name)]
    return {str(interface.ip): interface.network for interface in interfaces}


def towards_others():
    """The address from which this machine would speak to the world; connect(2) of a datagram socket sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        try:
            asker.connect(("198.51.100.1", 9))
        except OSError:
            return None
        return asker.getsockname()[0]


class Lan:
    """One address of this machine, and the network that may reach the demo there."""

    def __init__(self, address, network):
        self.address, self.network = address, network

    def open_dashboard(self, hall):
        """At the address too, for that network; its password stays."""
        port = free_port(address=self.address, wanted=hall.admin[1])
        hall.config["http"]["admin"] = [hall.config["http"]["admin"], f"{self.address}:{port}"]
        hall.config["http"]["admin_allow"] = ["127.0.0.0/8", str(self.network)]
        hall.config["http"]["admin_hosts"] = ["localhost", "127.0.0.1", self.address]
        hall.write(hall.config)
        self.port = port

    def who(self, port):
        return (f"Who reaches it: every machine that reaches {self.address} opens the sites (port {port}), without a password, and wakes\n"
                f"the simulated servers; the dashboard (port {self.port}) answers {self.network} alone and asks for its password.\n"
                "The broker stays on 127.0.0.1. With a firewall, both ports must be open.\n")


def find(wanted):
    """The address wanted; or the one that ssh came to, or the one towards the world, or the only one."""
    known = addresses()
    through = ssh_words()
    for address in [wanted] if wanted else [through[2] if through else None, towards_others(), *known]:
        if address in known:
            return Lan(address, known[address])
    raise OSError(f"--lan: {wanted or 'this machine'} {'is no address of this machine' if wanted else 'has no IPv4 address on a network'}; "
                  f"it has: {', '.join(known) or 'none'}")


def ssh_words():
    """Client's address and port, this machine's address and port; None without ssh. See ssh(1), SSH_CONNECTION."""
    words = os.environ.get("SSH_CONNECTION", "").split()
    return words if len(words) == 4 else None


def through_ssh():
    return ssh_words() is not None


def ssh_line(ports):
    """What leads these ports of this machine to a browser elsewhere."""
    words = ssh_words()
    if not words:
        return None
    at = f" -p {words[3]}" if words[3] != "22" else ""
    forwards = " ".join(f"-L {port}:127.0.0.1:{port}" for port in ports)
    return f"ssh{at} {forwards} {os.environ.get('SUDO_USER') or getpass.getuser()}@{words[2]}"
