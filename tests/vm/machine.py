"""One machine that is real to its kernel: QEMU without any hardware help, on a tap device of the tests' bridge.

What the network card of a real machine does in its sleep a thread does here: it watches the tap device, and when a magic
packet with the machine's MAC passes it wakes the machine from RAM, or switches it on. It does nothing else, and nothing
else wakes the machine.
"""

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

from debroot import tool
from image import bundle
from lan import ip
from process import Process, wait_until
from simserver import ETH_P_ALL, magic
from world import ROOT

UNIT = """[Unit]
Description=The site
After=network.target
[Service]
ExecStart=/bin/busybox httpd -f -p 8080 -h /srv/site
"""
NETWORK = """[Match]
Type=ether
[Network]
Address={address}/24
Gateway={gateway}
LinkLocalAddressing=no
IPv6AcceptRA=no
"""


class Monitor:
    """QEMU's QMP: commands and their answers, and events with the moment they came."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("r", encoding="utf-8")
        self.events, self.answers = [], []
        self.changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        self.command("qmp_capabilities")

    def _read(self):
        for line in self.file:
            message = json.loads(line)
            with self.changed:
                if "event" in message:
                    self.events.append((message["event"], time.monotonic()))
                elif "QMP" not in message:
                    self.answers.append(message)
                self.changed.notify_all()

    def command(self, name):
        """One at a time; the callers take turns."""
        with self.changed:
            self.socket.sendall(json.dumps({"execute": name}).encode())
            assert self.changed.wait_for(lambda: self.answers, 20), f"QEMU does not answer {name}"
            answer = self.answers.pop()
        assert "return" in answer, (name, answer)
        return answer["return"]

    def mark(self):
        with self.changed:
            return len(self.events)

    def count(self, name, after=0):
        with self.changed:
            return sum(1 for event, _ in self.events[after:] if event == name)

    def wait(self, name, after=0, limit=60.0):
        """When the first such event after the mark came."""
        def found():
            return [at for event, at in self.events[after:] if event == name]

        with self.changed:
            assert self.changed.wait_for(found, limit), f"no {name} within {limit} s; events: {self.events[after:]}"
            return found()[0]

    def close(self):
        self.socket.close()


class Machine:
    """Switched off until its first packet."""

    def __init__(self, image, directory, lan, number, mac, agent, broker):
        self.directory, self.lan, self.mac = Path(directory), lan, mac
        self.address = lan.address(number)
        self.tap = f"ht{os.getpid()}"
        self.packets = []  # (when, frame)
        self.monitor = self.process = self.frames = None
        self.lock = threading.Lock()
        self._make_keys()
        self._hand_in(image, agent, broker)
        try:
            self._plug()
            self._start(image)
        except BaseException:
            self.close()
            raise

    # What it is given

    def _make_keys(self):
        for name in ("host", "user"):
            subprocess.run([tool("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", self.directory / name],
                           check=True)
        public = (self.directory / "host.pub").read_text()
        (self.directory / "known_hosts").write_text(f"{self.address} {public}")

    def _hand_in(self, image, agent, broker):
        """The agent as docs/AGENT.md installs it, and what makes this machine this one."""
        tree = self.directory / "tree"

        def put(path, text, mode=0o644):
            target = tree / "handed-in" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(text, Path):
                shutil.copy(text, target)
            else:
                target.write_text(text)
            target.chmod(mode)

        # The tests log in by ssh: two minutes after each would be long.
        config = {"id": broker["user"], "mqtt": {"url": f"mqtt://{self.lan.gateway}:{broker['port']}"},
                  "activity": {"window": "3s"}}
        put("usr/bin/hall-agent", Path(agent), 0o755)
        put("etc/hall/agent.json", json.dumps(config))
        put("etc/hall/agent.env", f"HALL_MQTT_PASSWORD={broker['password']}\n", 0o600)
        put("etc/systemd/system/hall-agent.service", ROOT / "bridges/agent/hall-agent.service")
        put("etc/polkit-1/rules.d/50-hall-agent.rules", ROOT / "bridges/agent/50-hall-agent.rules")
        put("etc/systemd/system/site.service", UNIT)
        put("etc/systemd/network/wired.network", NETWORK.format(address=self.address, gateway=self.lan.gateway))
        put("etc/hostname", "server\n")
        put("etc/ssh/ssh_host_ed25519_key", self.directory / "host", 0o600)
        put("root/.ssh/authorized_keys", self.directory / "user.pub", 0o600)
        put("srv/site/index.html", "This is the site of a real machine.\n")
        wants = tree / "handed-in/etc/systemd/system/multi-user.target.wants"
        wants.mkdir()
        for unit in ("hall-agent.service", "site.service"):
            (wants / unit).symlink_to(f"/etc/systemd/system/{unit}")
        for folder in (tree / "handed-in").rglob("*"):
            if folder.is_dir():
                folder.chmod(0o755)
        (tree / "handed-in").chmod(0o755)
        (tree / "handed-in/root").chmod(0o700)
        (tree / "handed-in/root/.ssh").chmod(0o700)
        bundle(tree, self.directory / "handed-in.cpio")
        with open(self.directory / "initrd", "wb") as out:
            for part in (image / "initramfs", self.directory / "handed-in.cpio"):
                out.write(part.read_bytes())

    # Its body

    def _plug(self):
        ip("tuntap", "add", "dev", self.tap, "mode", "tap")
        ip("link", "set", self.tap, "master", self.lan.bridge, "up")
        self.frames = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.frames.bind((self.tap, 0))

    def _start(self, image):
        qmp = self.directory / "qmp"
        self.process = Process([
            tool("qemu-system-x86_64"), "-accel", "tcg", "-machine", "pc", "-cpu", "qemu64,+rdrand", "-m", "384", "-nodefaults",
            "-display", "none", "-no-shutdown", "-S", "-global", "PIIX4_PM.disable_s3=0", "-rtc", "base=utc",
            "-kernel", image / "vmlinuz", "-initrd", self.directory / "initrd",
            "-append", "console=ttyS0 quiet net.ifnames=0 systemd.show_status=0 mitigations=off",
            "-drive", f"file={image / 'root.ext4'},if=virtio,format=raw,snapshot=on",
            "-netdev", f"tap,id=wire,ifname={self.tap},script=no,downscript=no",
            "-device", f"i82559er,netdev=wire,mac={self.mac}",
            "-serial", f"file:{self.directory / 'console.log'}", "-qmp", f"unix:{qmp},server=on,wait=off",
        ], self.directory / "qemu.log")

        def listens():
            assert self.process.alive(), self.process.log_tail()
            try:
                self.monitor = Monitor(qmp)
            except OSError:
                return False
            return True

        wait_until(listens, 20, "QEMU's monitor")
        threading.Thread(target=self._watch_wire, daemon=True).start()

    def _watch_wire(self):
        wanted = magic(self.mac)
        while True:
            try:
                frame = self.frames.recv(65536)
            except OSError:  # closed
                return
            if wanted in frame:
                self.packets.append((time.monotonic(), frame))
                self._wake()

    def _wake(self):
        """What the card of a machine does, by the state the machine is in."""
        with self.lock:
            state = self.state()
            if state == "suspended":
                self.monitor.command("system_wakeup")
            elif state == "prelaunch":
                self.monitor.command("cont")
            elif state == "shutdown":
                mark = self.monitor.mark()
                self.monitor.command("system_reset")
                self.monitor.wait("RESET", mark)
                self.monitor.command("cont")

    def state(self):
        """QEMU's word: prelaunch, running, suspended, shutdown."""
        return self.monitor.command("query-status")["status"]

    # What is asked of it

    def ssh(self, *words):
        return [tool("ssh"), "-F", "none", "-i", self.directory / "user", "-o", f"UserKnownHostsFile={self.directory / 'known_hosts'}",
                "-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "-o", "ConnectTimeout=60", f"root@{self.address}", *words]

    def run(self, command):
        """What a command prints there. It is a login: the agent sees it while it lasts."""
        done = subprocess.run(self.ssh(command), capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, (command, done.returncode, done.stdout, done.stderr)
        return done.stdout

    def start(self, command):
        """A login whose end may never be heard of: it takes the machine down."""
        return Process(self.ssh(command), self.directory / "ssh.log")

    def answers(self):
        """Whether anything answers at its address: asked of the wire itself, without the memory of the kernel."""
        ip("neigh", "flush", "dev", self.lan.bridge, "to", self.address, check=False)
        with socket.socket() as probe:
            probe.settimeout(4)
            probe.connect_ex((self.address, 22))
        return "lladdr" in ip("neigh", "show", "to", self.address, "dev", self.lan.bridge)

    def console(self):
        path = self.directory / "console.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def close(self):
        if self.process:
            self.process.kill()
        if self.monitor:
            self.monitor.close()
        if self.frames:
            self.frames.close()
        ip("link", "del", self.tap, check=False)
