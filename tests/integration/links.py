"""Hosts on real links: network namespaces joined by veth pairs, named after this process and removed at the end."""
import itertools
import os
import subprocess

import pytest

BUILD = os.environ.get("HALL_BUILD", "build")
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--no-new-privs"]

_numbers = itertools.count()


def tool(name):
    return os.path.abspath(os.path.join(BUILD, "tests", name))


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


class Host:
    """One namespace. Its processes are ended, and it is deleted, by close()."""

    def __init__(self, name):
        self.name = f"hall-{name}-{os.getpid()}-{next(_numbers)}"
        self.processes = []
        ip("netns", "add", self.name)
        self.ip("link", "set", "lo", "up")

    def ip(self, *words):
        ip("-n", self.name, *words)

    def sysctl(self, key, value):
        self.run(["sysctl", "-qw", f"{key}={value}"])

    def _inside(self, command, binds):
        inside = ["ip", "netns", "exec", self.name]
        if not binds:
            return inside + command
        mounts = "".join(f"mount --bind {source} {target} && " for source, target in binds.items())
        return inside + ["sh", "-c", mounts + 'exec "$@"', "sh"] + command

    def run(self, command, **options):
        return subprocess.run(self._inside(command, None), check=True, capture_output=True, text=True,
                              timeout=30, **options)

    def start(self, command, binds=None, **options):
        """Starts a program; binds: {file: path it is seen under by this program alone}."""
        process = subprocess.Popen(self._inside(command, binds), **options)
        self.processes.append(process)
        return process

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    stream.close()
        subprocess.run(["ip", "netns", "del", self.name], check=False, capture_output=True)


def join(a, a_interface, a_address, b, b_interface, b_address, b_mac=None):
    """A veth pair between two hosts; addresses as 10.9.0.1/24."""
    ip("link", "add", a_interface, "netns", a.name, "type", "veth", "peer", "name", b_interface, "netns", b.name)
    if b_mac:
        b.ip("link", "set", b_interface, "address", b_mac)
    for host, interface, address in ((a, a_interface, a_address), (b, b_interface, b_address)):
        host.ip("addr", "add", address, "brd", "+", "dev", interface)
        host.ip("link", "set", interface, "up")


@pytest.fixture
def hosts():
    """Makes hosts: hosts("hall") gives a Host."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    made = []

    def make(name):
        made.append(Host(name))
        return made[-1]

    yield make
    for host in made:
        host.close()
