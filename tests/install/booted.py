"""One machine: a root of roots.py, booted by systemd-nspawn, with a card on the tests' LAN.

Its files are an overlay of its own, so what is installed there stays from one boot to the next, and the root below stays as it
is. What a network card does while its machine is off a thread does here: it watches the cable, and when a magic packet with the
machine's MAC passes it switches the machine on.
"""

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

from lan import ip
from process import Process, wait_until
from roots import overlay
from simserver import ETH_P_ALL, magic

ENVIRONMENT = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "TERM=dumb"]
POWER_OFF = signal.SIGRTMIN + 4  # see systemd(1)


def own_groups(name):
    """New control groups of this name where systemd looks for its own: below those that this process is in, in the unified
    hierarchy and in that named systemd, whichever there are. See cgroups(7)."""
    made = []
    for line in Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines():
        _, kind, place = line.split(":", 2)
        if kind not in ("", "name=systemd"):
            continue
        for mount in Path("/proc/self/mountinfo").read_text(encoding="ascii").splitlines():
            left, _, right = mount.partition(" - ")
            if right.startswith("cgroup2 ") if kind == "" else right.startswith("cgroup ") and "name=systemd" in right:
                made.append(Path(left.split()[4]) / place.lstrip("/") / name)
                made[-1].mkdir(exist_ok=True)
                break
    return made


def _remove(group):
    """With those below it; none has a process any more."""
    for folder, _, _ in os.walk(group, topdown=False):
        os.rmdir(folder)


class Booted:
    """Off until boot(), or until its first magic packet once its card is armed()."""

    def __init__(self, root, directory, lan, number, mac, binds=()):
        self.directory, self.lan, self.mac = Path(directory), lan, mac
        self.address = lan.address(number)
        self.name = f"hall-{os.getpid()}-{number}"
        self.binds = binds  # (folder here, folder there), to be read only
        self.process = self.leader = self.card = self.frames = None
        self.groups = []
        self.packets = []  # when each came
        self.boots = 0
        self.lock = threading.Lock()
        self.files = contextlib.ExitStack()
        self.root = self.files.enter_context(overlay(root, self.directory))
        (self.root / "etc/hostname").write_text(f"{self.directory.name}\n")
        (self.root / "etc/hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {self.directory.name}\n")

    def boot(self):
        """Returns once systemd has started all that it will start."""
        with self.lock:
            binds = [f"--bind-ro={here}:{there}" for here, there in self.binds]
            self.process = Process(
                [*self._apart(), "systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--private-network",
                 "--console=pipe", "--resolv-conf=off", "--timezone=off", "--link-journal=no", f"--machine={self.name}", f"--directory={self.root}",
                 *binds], self.directory / "console.log")
            self.leader = wait_until(self._leader, 60, "the machine's first process")
            self._plug()
            self.boots += 1
        try:
            wait_until(self._settled, 120, "the end of the boot", pause=0.2)
        except AssertionError as late:
            raise AssertionError(f"{self.name}: {self.run('systemctl list-jobs; systemctl --failed')}") from late

    def _apart(self):
        """Begins a command in control groups of its own: two systemds in the same ones would end each other's programs."""
        self.groups = own_groups(self.name)
        enter = 'for group; do shift; [ "$group" != -- ] || break; echo $$ >"$group/cgroup.procs"; done; exec "$@"'
        return ["sh", "-c", enter, "sh", *self.groups, "--"]

    def _settled(self):
        """Everything was started that systemd starts."""
        return self.run("systemctl is-system-running", accept=(0, 1, 3)).strip() in ("running", "degraded")

    def _leader(self):
        """The pid of its systemd, as seen from here."""
        assert self.process.alive(), self.process.log_tail()
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii").split()
        for pid in children:
            with contextlib.suppress(OSError):
                named = Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip() == "systemd"
                if named and Path(f"/proc/{pid}/root/run/systemd/private").exists():
                    return int(pid)
        return None

    def _plug(self):
        self.card = self.lan.attach(self.leader, self.mac)
        inside = ["nsenter", "-t", str(self.leader), "-n", "ip"]
        for words in (f"addr add {self.address}/24 broadcast {self.lan.broadcast} dev eth0", "link set eth0 up",
                      f"route add default via {self.lan.gateway}"):
            subprocess.run([*inside, *words.split()], check=True)

    # Asked of it

    def command(self, words, user="root", environment=()):
        """The argv that runs a line of shell there, as after a login."""
        become = [] if user == "root" else ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"]
        return ["nsenter", "-t", str(self.leader), "-a", "env", "-i", *ENVIRONMENT, *environment, *become, "sh", "-c",
                f"cd /root; {words}"]

    def run(self, words, limit=300, accept=(0,), **how):
        """What a line of shell prints there, stdout and stderr."""
        done = subprocess.run(self.command(words, **how), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=limit, check=False)
        assert done.returncode in accept, f"{self.name}: {words}: ended with {done.returncode}:\n{done.stdout[-6000:]}"
        return done.stdout

    def start(self, words, log, **how):
        """A line of shell that goes on."""
        return Process(self.command(words, **how), self.directory / log)

    def on(self):
        return self.process is not None and self.process.alive()

    # Power

    def armed(self):
        """From now on its card switches it on. The cable of a machine that is off hangs from the bridge all the same."""
        frames = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        frames.bind((self.lan.bridge, 0))
        self.frames = frames
        threading.Thread(target=self._watch, args=(frames,), daemon=True).start()

    def _watch(self, frames):
        wanted = magic(self.mac)
        while True:
            try:
                frame = frames.recv(65536)
            except OSError:  # closed
                return
            if wanted in frame:
                self.packets.append(time.monotonic())
                if not self.on():
                    self.boot()

    def power_off(self):
        """By its button. Returns once it is off."""
        os.kill(self.leader, POWER_OFF)
        self.wait_off()

    def wait_off(self, limit=120):
        wait_until(lambda: not self.on(), limit, f"{self.name} switched off")

    def close(self):
        if self.frames:
            with contextlib.suppress(OSError):
                self.frames.shutdown(socket.SHUT_RDWR)
            self.frames.close()
        if self.on():
            with contextlib.suppress(AssertionError, OSError):
                os.kill(self.leader, POWER_OFF)
                self.wait_off(30)
        if self.on():
            with contextlib.suppress(OSError):
                os.kill(self.leader, signal.SIGKILL)  # and all that run there with it
            self.process.stop(10)
        self.files.close()
        for group in self.groups:
            with contextlib.suppress(OSError):
                _remove(group)
