"""The Pi of the documents: Hall with its files where a package puts them, a broker with the shipped rules, and the servers
testing and erp, simulated; in network and mount namespaces of its own, on the usual ports, and nothing of it stays.

Run by test_docs_commands.py within those namespaces: it reads requests from stdin, one JSON object a line, and answers each."""

import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "demo")]

from process import wait_until  # noqa: E402
from typing_place import LISTENERS, STAND_INS  # noqa: E402
from world import ROOT, SERVERS, World  # noqa: E402

OVERLAID = ("/etc", "/usr", "/var/lib", "/var/backups", "/root")
LIMIT = 60


def run(*words, **options):
    return subprocess.run([str(w) for w in words], check=True, **options)


def overlay(work):
    """What is written to these folders from here on is seen by nobody else."""
    for folder in OVERLAID:
        Path(folder).mkdir(exist_ok=True)
        upper, inner = (work / "layers" / folder.replace("/", "_") / name for name in ("upper", "work"))
        upper.mkdir(parents=True)
        inner.mkdir()
        run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={folder},upperdir={upper},workdir={inner}", folder)


def network():
    run("ip", "link", "set", "lo", "up")
    Path("/proc/sys/net/ipv4/ping_group_range").write_text("0 2147483647", encoding="ascii")  # as 50-hall.conf does
    hosts = Path("/etc/hosts")
    hosts.write_text("127.0.0.1 localhost hall.lan testing.example.org erp.example.org\n", encoding="ascii")


def user(name):
    """A system user as the package makes it."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        run("useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", name)


class Pi:
    def __init__(self, binary, work):
        self.work, self.desk, self.bin, self.programs = work, work / "desk", work / "bin", binary.parent
        overlay(work)
        network()
        user("hall")
        described = {id: {**server, "domain": f"{id}.example.org"} for id, server in SERVERS.items()}
        self.world = World(binary, work / "world", described, boot_s=0.8, min_up="0s",
                           wanted_ports={"broker": 1883, "gateway": 8880, "admin": 8881})
        self._secrets()
        self._files()
        self._programs(binary)

    def _secrets(self):
        """As they stand in the documents."""
        broker, hall = self.world.broker, self.world.hall
        broker.passwords.update(operator="PASSWORD", viewer="PASSWORD", testing="the-password")
        run("sh", "-c", f"{ROOT}/broker-conf/make-certs.sh --host hall.lan >{self.work}/certs.log 2>&1")
        broker._write()
        with (broker.directory / "mosquitto.conf").open("a", encoding="ascii") as file:
            file.write("log_type subscribe\nlistener 8883 127.0.0.1\n"
                       + "".join(f"{key} /etc/mosquitto/certs/{name}\n" for key, name in (("certfile", "server.crt"), ("keyfile", "server.key"))))
        hall.secrets |= {"HALL_API_KEY": "a-key-for-scripts", "ADMIN_PASSWORD": "a-password"}

    def _files(self):
        state, etc = Path("/var/lib/hall"), Path("/etc/hall")
        shutil.rmtree(etc, ignore_errors=True)
        shutil.rmtree(state, ignore_errors=True)
        etc.mkdir(mode=0o755)
        state.mkdir(mode=0o700)
        shutil.copy("/etc/mosquitto/certs/ca.crt", etc / "ca.crt")
        secret = etc / "hall.env"
        secret.write_text(f"HALL_MQTT_PASSWORD={self.world.hall.password}\n", encoding="ascii")
        secret.chmod(0o600)
        hall = self.world.hall
        hall.config["store"]["path"] = str(state / "hall.db")
        hall.config["mqtt"] = {"url": "mqtt://127.0.0.1:1883", "username": "hall"}
        hall.file = state / "domains.json"
        hall.write(hall.config)
        home = Path("/root/.config")
        for name in ("mosquitto_pub", "mosquitto_sub", "mosquitto_rr"):
            home.mkdir(parents=True, exist_ok=True)
            (home / name).write_text("-u operator\n-P PASSWORD\n", encoding="ascii")
        shutil.rmtree(home / "hall", ignore_errors=True)
        (home / "hall").mkdir()
        own = home / "hall" / "hallctl.json"
        own.write_text(json.dumps({"username": "operator", "password": "PASSWORD", "api_key": "a-key-for-scripts"}), encoding="ascii")
        own.chmod(0o600)

    def _programs(self, binary):
        """A folder to type in, with what a clone has, and stand-ins before everything else in PATH."""
        self.bin.mkdir()
        self.desk.mkdir()
        for name, (_, text) in STAND_INS.items():
            (self.bin / name).write_text(f"#!/bin/bash\n{text}", encoding="utf-8")
            (self.bin / name).chmod(0o755)
        (self.bin / "hall").symlink_to(binary)
        (self.desk / "run.sh").symlink_to(self.bin / "run.sh")
        for name in ("broker-conf", "bridges", "docs", "examples", ".env.example"):
            (self.desk / name).symlink_to(ROOT / name)
        (self.desk / "build").symlink_to(binary.parent.parent)
        (self.desk / "config/nginx/proxy-confs").mkdir(parents=True)  # of SWAG

    def start(self):
        self.world.start()
        run("chown", "-R", "hall:", "/var/lib/hall")

    def environment(self):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HALL_", "XDG_", "NO_COLOR"))}
        return {**kept, "HOME": "/root", "LC_ALL": "C.UTF-8", "PATH": f"{self.bin}:{os.environ['PATH']}:/usr/sbin:/sbin",
                "PROGRAMS": str(self.programs), "HALL_API_KEY": "a-key-for-scripts"}

    def subscriptions(self):
        """How many the broker has taken: its log says each as CLIENT QOS TOPIC."""
        log = (self.world.broker.directory / "mosquitto.log").read_text(encoding="utf-8", errors="replace")
        return len(re.findall(r"^\d+: \S+ [012] \S+$", log, re.M))

    def popen(self, script, answer=""):
        file = self.work / "answer"
        file.write_text(answer, encoding="utf-8")
        with file.open(encoding="utf-8") as typed:
            return subprocess.Popen(["bash", "-c", "set -o pipefail\n" + script], env=self.environment(), cwd=self.desk, stdin=typed,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)

    def type(self, lines, files, shell, answer):
        """Each line in a shell of its own, those that only listen before the others, as in a second terminal; [line, status, output]."""
        for name, text in files.items():
            (self.desk / name).write_text(text, encoding="utf-8")
        run("bash", "-c", "set -eu\n" + shell, env=self.environment(), cwd=self.desk, stdout=subprocess.DEVNULL)
        listening = [(line, self.listen(line)) for line in lines if LISTENERS.match(line)]
        done = [self.end(line, self.popen(line, answer)) for line in lines if not LISTENERS.match(line)]
        return done + [self.end(line, process) for line, process in listening]

    def listen(self, line):
        """Starts what listens, until the broker has taken its subscription."""
        before = self.subscriptions()
        process = self.popen(line)
        if "mosquitto_sub" in line or "hallctl" in line:
            wait_until(lambda: self.subscriptions() > before or process.poll() is not None, LIMIT, f"a listener: {line}")
        return process

    @staticmethod
    def end(line, process):
        try:
            output = process.communicate(timeout=LIMIT)[0]
            return line, process.returncode, output
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return line, -1, process.communicate()[0] + f"\nhas not ended within {LIMIT} s"


def main():
    pi = Pi(Path(sys.argv[1]), Path(sys.argv[2]))
    try:
        pi.start()
        print("ready", flush=True)
        for line in sys.stdin:
            print(json.dumps(pi.type(**json.loads(line))), flush=True)
    finally:
        pi.world.close()


if __name__ == "__main__":
    main()
