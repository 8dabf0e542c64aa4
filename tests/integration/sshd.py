"""A real sshd in the network namespace of a simulated server, with keys of its own."""

import os
import subprocess
from pathlib import Path

from lan import free_port
from process import Process, wait_until


def make_key(path, kind="ed25519"):
    """The private key's file; the public one stands beside it. Returns the public line."""
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "test", "-f", path], check=True)
    return Path(f"{path}.pub").read_text(encoding="utf-8").strip()


class Sshd:
    """Listens on all addresses of the namespace, also while it has none."""

    def __init__(self, directory, pid):
        self.directory = Path(directory)
        self.directory.mkdir()
        self.port = free_port()
        self.host_key = make_key(self.directory / "host")
        self.other_host_key = make_key(self.directory / "otherhost")
        self.key = self.directory / "user"
        self.other_key = self.directory / "stranger"
        (self.directory / "authorized").write_text(make_key(self.key) + "\n", encoding="utf-8")
        make_key(self.other_key)
        os.makedirs("/run/sshd", exist_ok=True)  # sshd gives up its rights there
        file = self.directory / "sshd_config"
        file.write_text("\n".join([
            f"Port {self.port}", "ListenAddress 0.0.0.0", f"HostKey {self.directory}/host", "PidFile none", "UsePAM no",
            f"AuthorizedKeysFile {self.directory}/authorized", "StrictModes no", "PasswordAuthentication no",
            "KbdInteractiveAuthentication no", "PermitRootLogin prohibit-password", "LogLevel VERBOSE",
        ]) + "\n", encoding="utf-8")
        self.process = Process(["nsenter", "-t", str(pid), "-n", "/usr/sbin/sshd", "-D", "-e", "-f", file],
                               self.directory / "sshd.log")
        wait_until(lambda: "listening" in self.process.log_text(), 60, "sshd")

    def settings(self, **changes):
        return {"user": "root", "port": self.port, "key": str(self.key), "host_key": self.host_key, **changes}

    def close(self):
        """sshd, and what its sessions left running: they stand in files named *.pid."""
        self.process.stop()
        for file in self.directory.glob("*.pid"):
            try:
                os.kill(int(file.read_text(encoding="utf-8")), 9)
            except (OSError, ValueError):
                continue
