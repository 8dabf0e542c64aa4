"""./run.sh, as a clone has it: what it says, where it leads, and that what it installs starts nothing. The programs are those under
test; cmake alone is played, where a build is not what is looked at."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pytest
from lan import free_port
from links import hosts, join  # noqa: F401
from process import wait_until
from world import BROWSER, http_get

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("HALL_BUILD", "build")
STEPS = 40
CMAKE = f"""#!/bin/sh
[ -z "$BROKEN" ] || {{ echo "this went wrong"; exit 3; }}
case $1 in --build) ;; *) echo "-- Configuring"; exit 0 ;; esac
for n in $(seq {STEPS}); do echo "[$n/{STEPS}] Building C object $n.o"; done
"""


@pytest.fixture
def clone(tmp_path):
    """What run.sh needs of the tree, with programs that are built already."""
    clone = tmp_path / "a clone"
    for name in ("run.sh", ".ci", "tests/demo", "tests/peers", "broker-conf", "bridges/proxy"):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, clone / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, clone / name)
    (clone / "build").mkdir()
    (clone / "build" / "bin").symlink_to(BUILD / "bin")
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "cmake").write_text(CMAKE, encoding="utf-8")
    (tools / "cmake").chmod(0o755)
    return clone


def environment(clone, **changes):
    foreign = ("SSH_CONNECTION", "SUDO_USER", "ADMIN_PASSWORD")
    kept = {k: v for k, v in os.environ.items() if k not in foreign and not k.startswith("HALL_")}
    return {**kept, "PATH": f"{clone.parent / 'tools'}:{os.environ['PATH']}", **changes}


class Run:
    """./run.sh, of which one reads while it goes on. prefix: what it runs under."""

    def __init__(self, clone, *options, prefix=(), **changes):
        self.lines, self.changed = [], threading.Condition()
        self.popen = subprocess.Popen([*prefix, clone / "run.sh", *options], env=environment(clone, **changes), text=True,
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.popen.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.lines.append(None)
            self.changed.notify_all()

    def until(self, pattern, limit=60):
        """What is found in the first line that has the pattern."""
        def found():
            return next((m for line in self.lines if line is not None and (m := re.search(pattern, line))), None)

        with self.changed:
            self.changed.wait_for(lambda: found() or None in self.lines, limit)
            assert found(), f"{pattern} not in:\n{self.said()}"
            return found()

    def said(self):
        return "\n".join(line for line in self.lines if line is not None)

    def end(self):
        """As Ctrl-C of its terminal does."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGINT)
        status = self.popen.wait(60)
        self.reader.join(60)
        self.popen.stdout.close()
        return status


@pytest.fixture
def runs():
    made = []

    def make(*words, **options):
        made.append(Run(*words, **options))
        return made[-1]

    yield make
    for run in made:
        run.end()


def build_only(clone, **changes):
    return subprocess.run([clone / "run.sh", "--build-only"], env=environment(clone, **changes), capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, check=False, timeout=60)


def test_a_build_is_a_few_lines_in_a_pipe(clone):
    done = build_only(clone)
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert lines[0] == "Building Hall ..." and re.fullmatch(r"Building Hall: done in \d+ s", lines[-1])
    assert lines[1:-1] == [f"Building Hall ... [{n}/{STEPS}]" for n in (10, 20, 30, 40)]
    assert "Building C object 7.o" in (clone / "build/build.log").read_text(encoding="utf-8")
    assert "build/bin/hall\n" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("Built; nothing runs. Next: ./run.sh")


def test_a_build_is_one_line_on_a_terminal(clone):
    master, slave = pty.openpty()
    done = subprocess.run([clone / "run.sh", "--build-only"], env=environment(clone), stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=slave, check=False, timeout=60)
    os.close(slave)
    said = b""
    try:
        while piece := os.read(master, 65536):
            said += piece
    except OSError:  # EIO: nobody has its other end any more
        pass
    os.close(master)
    assert done.returncode == 0 and said.count(b"\n") == 1 and said.endswith(b" s\r\n"), said
    assert all(b"[%d/%d]" % (n, STEPS) in said for n in range(1, STEPS + 1))


def test_a_build_that_fails_shows_its_end(clone):
    done = build_only(clone, BROKEN="yes")
    assert done.returncode == 3 and "build/build.log:\nthis went wrong\n" in done.stderr, done.stderr


def dashboard_password(run):
    return run.until(r"^The dashboard, with the password (\S+)$").group(1)


def get(netloc, path, address=None):
    host, _, port = netloc.partition(":")
    return http_get(address or host, int(port), path, BROWSER, host=netloc)


def test_through_ssh_the_forwarded_ports_are_enough(clone, runs):
    """What is at the ports of the line leads to the site itself: nothing sends the browser to an address of the inner network."""
    run = runs(clone, "--no-namespaces", SSH_CONNECTION="192.0.2.9 50000 192.0.2.5 2222")
    line = run.until(r"^  ssh -p 2222 -L (\d+):127.0.0.1:\1 -L (\d+):127.0.0.1:\2 \S+@192\.0\.2\.5$")
    port, admin = line.groups()
    opened = run.until(r"^Now open (http://(testing\.localhost:(\d+))/client1)$")
    assert opened.group(3) == port
    assert http_get("127.0.0.1", int(admin), "/", BROWSER).status == 200
    first = get(opened.group(2), "/client1", "127.0.0.1")
    assert first.status == 503 and "<html" in first.text()
    answer = wait_until(lambda: (a := get(opened.group(2), "/client1", "127.0.0.1")).status != 503 and a, 60, "the site")
    assert answer.status == 200 and b"This is the site itself" in answer.body
    assert run.end() == 0


def test_without_ssh_nothing_is_said_of_it(clone, runs):
    run = runs(clone, "--no-namespaces")
    run.until(r"^Now open http://testing\.localhost:\d+/client1$")
    said = run.said()
    assert "ssh -L" not in said and "behind" not in said
    assert re.match(r"Building Hall \.\.\.", said)


@pytest.fixture
def network(hosts):  # noqa: F811
    """Hall's machine, and a laptop beside it; a second network leads to the same machine."""
    machine, laptop, stranger = hosts("pi"), hosts("laptop"), hosts("stranger")
    join(machine, "eth0", "192.168.77.5/24", laptop, "eth0", "192.168.77.9/24")
    join(machine, "eth1", "192.168.78.5/24", stranger, "eth0", "192.168.78.9/24")
    stranger.ip("route", "add", "192.168.77.0/24", "via", "192.168.78.5")
    return machine, laptop, stranger


def curl(host, url, *options):
    done = host.run(["curl", "-s", "-o", "-", "-w", "\n%{http_code} %{redirect_url}", "-m", "20", "-H", "Accept: text/html",
                     "-H", "Sec-Fetch-Mode: navigate", "-H", "Sec-Fetch-Dest: document", "-A", BROWSER["User-Agent"], *options, url])
    body, _, last = done.stdout.rpartition("\n")
    return int(last.split()[0]), body


def test_a_laptop_opens_the_demo_by_its_address(clone, runs, network):
    machine, laptop, stranger = network
    run = runs(clone, "--lan", "192.168.77.5", prefix=["ip", "netns", "exec", machine.name])
    site = run.until(r"^Now open (http://192\.168\.77\.5:8880/client1)$").group(1)
    dashboard = run.until(r"^  (http://192\.168\.77\.5:8881/)$").group(1)
    assert "every machine that reaches 192.168.77.5" in run.said() and "answers 192.168.77.0/24 alone" in run.said()
    status, body = curl(laptop, site)
    assert status == 503 and "<html" in body
    status, body = wait_until(lambda: (a := curl(laptop, site))[0] != 503 and a, 60, "the site")
    assert status == 200 and "This is the site itself" in body
    # The dashboard: for this network, with the password; not for the other one.
    assert curl(laptop, dashboard)[0] == 200
    assert curl(laptop, f"{dashboard}api/v1/servers")[0] == 401
    assert curl(stranger, site)[0] == 200 and curl(stranger, dashboard)[0] == 403
    login = json.dumps({"password": dashboard_password(run)})
    assert curl(laptop, f"{dashboard}login", "-H", "Content-Type: application/json", "-d", login)[0] in (200, 204)
    # The broker is for the machine itself.
    broker = re.search(r"mqtt://127\.0\.0\.1:(\d+)", run.said()).group(1)
    assert subprocess.run(["ip", "netns", "exec", laptop.name, "curl", "-s", "-m", "5", f"telnet://192.168.77.5:{broker}"],
                          stdin=subprocess.DEVNULL, check=False, timeout=60).returncode == 7  # refused
    assert run.end() == 0


@pytest.mark.parametrize("kind", ["caddy", "haproxy", "traefik"])
def test_a_whole_cycle_on_the_lan(clone, runs, network, kind):
    run = runs(clone, "--lan", "--once", "--proxy", kind, prefix=["ip", "netns", "exec", network[0].name])
    run.until(rf"site +200 at http://192\.168\.7[78]\.5:\d+/client1/welcome\S*: {kind} leads to the site itself")
    run.until(r"^The whole cycle happened\.")
    assert run.popen.wait(60) == 0


def test_an_address_of_another_machine_is_refused(clone):
    done = subprocess.run([clone / "run.sh", "--lan", "192.0.2.77"], env=environment(clone), capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, check=False, timeout=60)
    assert done.returncode == 1 and "--lan: 192.0.2.77 is no address of this machine; it has: " in done.stderr


@pytest.mark.parametrize("port, options", [(22, ""), (2222, "-p 2222 ")])
def test_a_real_configuration_says_where_to_look(clone, runs, port, options):
    gateway, admin = free_port(), free_port()
    config = {"mqtt": None, "http": {"gateway": f"127.0.0.1:{gateway}", "admin": f"127.0.0.1:{admin}"},
              "store": {"path": str(clone / "build" / "hall.db")},
              "servers": {"nas": {"address": "127.9.9.9", "mac": "02:00:00:00:00:01"}}, "domains": {}}
    (clone / "domains.json").write_text(json.dumps(config), encoding="utf-8")
    run = runs(clone, "--config", str(clone / "domains.json"), SSH_CONNECTION=f"192.0.2.9 50000 192.0.2.5 {port}")
    run.until(rf"Now open http://127\.0\.0\.1:{admin}/$")
    assert f": ssh {options}-L {admin}:127.0.0.1:{admin} " in run.said()
    assert http_get("127.0.0.1", admin, "/", BROWSER).status == 200
    run.popen.terminate()  # it is Hall itself
    assert run.popen.wait(60) == 0


# In a mount and process namespace of its own, over a copy of this machine: two services are removed there and installed again.
INSTALL = r"""
set -eu
mount -t tmpfs tmpfs "$WORK"
mkdir "$WORK/upper" "$WORK/work" "$WORK/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$WORK/upper,workdir=$WORK/work" "$WORK/root"
cd "$WORK/root"
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mkdir -p "$WORK/root/clone" && cp -a "$CLONE/.ci" "$WORK/root/clone/"
exec chroot . bash -c '
  set -eu
  rm -f /usr/sbin/policy-rc.d
  export DEBIAN_FRONTEND=noninteractive RUNLEVEL=2 PREVLEVEL=N # else nothing is started in a chroot
  dpkg --configure -a >/dev/null 2>&1 || : # someone may be installing on this machine just now
  apt-get purge -y -qq mosquitto "nginx*" >/purged 2>&1 || { cat /purged >&2; exit 1; }
  rm -f /etc/systemd/system/*.wants/mosquitto.service /etc/systemd/system/*.wants/nginx.service
  before=$(ls -A /usr/sbin /etc/systemd/system)
  . /clone/.ci/phases.sh
  . /clone/.ci/packages.sh
  '"$HARM"'
  packages_install mosquitto nginx-light
  echo "installed: $(dpkg-query -W -f "\${db:Status-Status} " mosquitto nginx-light)"
  echo "running: $(for p in /proc/[0-9]*; do cat $p/comm; done | grep -E "^(mosquitto|nginx)$" | sort -u | xargs)"
  echo "enabled: $(ls -A /etc/systemd/system/multi-user.target.wants /etc/rc2.d | grep -E "mosquitto|nginx" | grep -v ^K | xargs)"
  echo "policy: $(ls /usr/sbin/policy-rc.d 2>&1)"
  lines=$(wc -l </clone/build/packages.log)
  echo "log: $lines"
'
"""


def install(clone, tmp_path, harm=""):
    work = tmp_path / "work"
    work.mkdir()
    done = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", "bash", "-c", INSTALL],
                          env={**os.environ, "WORK": str(work), "CLONE": str(clone), "HARM": harm,
                               "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line), done.stderr


def test_what_is_installed_is_not_started(clone, tmp_path):
    found, said = install(clone, tmp_path)
    assert found["installed"].split() == ["installed", "installed"]
    assert found["running"] == "" and found["enabled"] == "", found
    assert "No such file" in found["policy"]
    assert int(found["log"]) > 20 and len(said.splitlines()) <= 3, said  # apt's words are in the log
