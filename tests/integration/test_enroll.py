"""hallctl enroll: a Pi and a server on a link of their own, a real broker with TLS, the line typed on the server with curl and
with wget. The server's systemd is played by a few lines that start the real agent or relay; tests/install has a real one."""

import base64
import contextlib
import ctypes
import hashlib
import io
import json
import os
import re
import select
import signal
import socket
import ssl
import subprocess
import tarfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from clocks import Clock
from links import hosts, join  # noqa: F401  (a fixture)
from process import wait_until

ROOT = Path(__file__).resolve().parents[2]
PI, SERVER, OTHER = "10.9.8.1", "10.9.8.2", "10.9.8.3"
LIMIT = 60
CLONE_NEWNET = 0x40000000
DONE, ERROR, USAGE, UNREACHABLE, TIMEOUT = range(5)

# The machine that is enrolled: this one's programs, with an /etc of its own, and no trace of Hall.
MACHINE = r"""
set -eu
for folder in /etc /usr/bin /usr/lib /usr/share /usr/local /var/lib; do
  name=$(echo "$folder" | tr / _)
  mkdir -p "$WORK/layers/$name/upper" "$WORK/layers/$name/work"
  mount -t overlay overlay -o "lowerdir=$folder,upperdir=$WORK/layers/$name/upper,workdir=$WORK/layers/$name/work" "$folder"
done
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system
if [ ! -e "$WORK/once" ]; then
  sed -i '/^hall/d' /etc/passwd /etc/group /etc/shadow /etc/gshadow
  rm -rf /etc/hall /usr/bin/hall-agent /usr/lib/systemd/system/hall-agent.service
  mkdir -p /usr/local/sbin
  cp "$PLAY" /usr/local/sbin/systemctl
  printf '#!/bin/sh\ncat /tmp/agent.log\n' >/usr/local/sbin/journalctl
  chmod 755 /usr/local/sbin/systemctl /usr/local/sbin/journalctl
  : >"$WORK/once"
fi
for program in $WITHOUT; do
  for file in "/usr/bin/$program" "/usr/local/bin/$program"; do [ ! -e "$file" ] || mount --bind /dev/null "$file"; done
done
mount --bind "$WORK/run" /tmp
PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin
exec sh -c "$1"
"""

SYSTEMCTL = r"""#!/bin/sh
echo "$*" >>/tmp/systemctl.log
end() { [ ! -e /tmp/agent.pid ] || { kill "$(cat /tmp/agent.pid)" 2>/dev/null; rm -f /tmp/agent.pid; }; }
case $* in
  restart*)
    end
    : >/tmp/agent.log
    set -a
    case $2 in
      hall-agent.service) user=hall-agent file=/etc/hall/agent ;;
      hall-wol.service) user=nobody file=/etc/hall/relay ;;
    esac
    . "$file.env"
    setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups "/usr/bin/${2%.service}" --config "$file.json" \
      </dev/null >>/tmp/agent.log 2>&1 9>&- &
    echo $! >/tmp/agent.pid
    ;;
  disable*) end ;;
  is-active*) [ -e /tmp/agent.pid ] && kill -0 "$(cat /tmp/agent.pid)" ;;
  is-failed*) [ -e /tmp/agent.pid ] && ! kill -0 "$(cat /tmp/agent.pid)" 2>/dev/null ;;
  show*) echo 0123 ;;
  cat*) [ -z "${NO_POLKIT:-}" ] || [ -e /tmp/polkit ] ;;
esac
"""


class Machine:
    """The server, whose files stay from one line to the next."""

    def __init__(self, host, folder):
        self.host, self.folder = host, folder
        (folder / "run").mkdir()
        (folder / "run").chmod(0o1777)
        (folder / "play").write_text(SYSTEMCTL)

    def type(self, line, expect=0, without="", **env):
        words = ["unshare", "--mount", "--propagation", "private", "bash", "-c", MACHINE, "machine", line]
        done = subprocess.run(["ip", "netns", "exec", self.host.name, *words], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False, timeout=150,
                              env={"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin", "LANG": "en_US.UTF-8", "WORK": str(self.folder),
                                   "PLAY": str(self.folder / "play"), "WITHOUT": without, **env})
        assert done.returncode == expect, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def file(self, path):
        """As the server has it."""
        for folder in ("/etc", "/usr/bin", "/usr/lib", "/usr/share", "/var/lib"):
            if path.startswith(folder + "/"):
                return self.folder / "layers" / folder.replace("/", "_") / "upper" / path[len(folder) + 1:]
        return self.folder / "run" / path.removeprefix("/tmp/")

    def agent(self):
        with contextlib.suppress(OSError, ValueError):
            pid = int(self.file("/tmp/agent.pid").read_text())
            if Path(f"/proc/{pid}").exists():
                return pid
        return None

    def end_agent(self):
        if pid := self.agent():
            os.kill(pid, signal.SIGKILL)


class Pi:
    """Hall's own machine: broker, configuration, packages."""

    def __init__(self, host, folder, build):
        self.host, self.folder, self.build = host, folder, build
        self.broker, self.config = folder / "mosquitto", folder / "domains.json"
        self.packages = folder / "agents"
        self.broker.mkdir()
        self.packages.mkdir()
        (folder / "home").mkdir()
        (folder / "share").mkdir()
        (folder / "share" / "broker").symlink_to(ROOT / "broker-conf")
        self.config.write_text(json.dumps({"mqtt": {"url": "mqtt://127.0.0.1:1883", "username": "hall"},
                                           "servers": {"testing": {"address": SERVER, "mac": "02:00:00:00:00:01"}}}))
        self.pack("1.0")
        made = subprocess.run([ROOT / "broker-conf/make-users.sh", "--dir", self.broker], check=True, capture_output=True, text=True)
        self.passwords = dict(line.split() for line in made.stdout.splitlines())
        subprocess.run([ROOT / "broker-conf/make-certs.sh", "--dir", self.broker / "certs", "--host", "hall.lan", "--host", PI],
                       check=True, capture_output=True)
        text = (ROOT / "broker-conf/mosquitto.conf").read_text(encoding="utf-8")
        head, tls = text.split("#listener 8883", 1)
        tls, tail = tls.split("\n\n", 1)
        text = head + "listener 8883" + tls.replace("\n#", "\n") + "\n\n" + tail
        (self.broker / "acl").write_bytes((ROOT / "broker-conf/acl").read_bytes())
        (self.broker / "acl").chmod(0o600)
        (self.broker / "mosquitto.conf").write_text("user root\n" + text.replace("/etc/mosquitto", str(self.broker)))
        self.mosquitto = host.start(["mosquitto", "-c", str(self.broker / "mosquitto.conf")],
                                    stdout=subprocess.DEVNULL, stderr=(folder / "mosquitto.log").open("w"))
        bin_folder = folder / "bin"
        bin_folder.mkdir()
        (bin_folder / "systemctl").write_text(f"#!/bin/sh\n[ \"$*\" = 'reload mosquitto' ] && kill -HUP {self.mosquitto.pid}\n")
        (bin_folder / "systemctl").chmod(0o755)
        self.env = {"PATH": f"{bin_folder}:{os.environ['PATH']}:/usr/sbin:/sbin", "HOME": str(folder / "home"), "LC_ALL": "C",
                    "HALL_MQTT_PASSWORD": self.passwords["hall"], "HALL_SHARE": str(folder / "share"),
                    "HALL_LIBEXEC": str(build / "bin")}
        wait_until(lambda: self.listens(8883), LIMIT, "the broker")

    def listens(self, port):
        return f":{port} " in self.host.run(["ss", "-Hltn"]).stdout

    def pack(self, version, change=None, program="hall-agent"):
        """A program's package, as the packages' part makes it."""
        for old in self.packages.glob("*.tar.gz"):
            old.unlink()
        files = {"hall-agent": {"usr/lib/systemd/system/hall-agent.service": ROOT / "bridges/agent/hall-agent.service",
                                "usr/share/polkit-1/rules.d/50-hall-agent.rules": ROOT / "bridges/agent/50-hall-agent.rules"},
                 "hall-wol": {"usr/lib/systemd/system/hall-wol.service": ROOT / "bridges/relay/hall-wol.service"}}
        members = {f"usr/bin/{program}": self.build / "bin" / program} | files[program]
        with tarfile.open(self.packages / f"{program}-{version}-linux-x86_64.tar.gz", "w:gz", compresslevel=1) as tar:
            for name, file in members.items():
                info = tarfile.TarInfo(name)
                data = file.read_bytes()
                info.size, info.mode = len(data), 0o755
                tar.addfile(info, io.BytesIO(data))
            if change:
                change(tar)

    def words(self, *words):
        return [str(self.build / "bin/hallctl"), "enroll", "--config", str(self.config), "--dir", str(self.broker),
                "--agents", str(self.packages), *words]

    def enroll(self, *words, server="testing", binds=None, **env):
        # Whoever runs the tests in the background has them ignore Ctrl-C, and a child inherits that.
        return Enrolling(self.host.start(self.words(server, *words), binds, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE, text=True, env={**self.env, **env}, cwd=self.folder,
                                         preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)))

    def complains(self, *words, server="testing", expect=ERROR, **env):
        done = subprocess.run(["ip", "netns", "exec", self.host.name, *self.words(server, *words)], capture_output=True, text=True,
                              env={**self.env, **env}, cwd=self.folder, timeout=LIMIT, check=False)
        assert done.returncode == expect, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr
        return done.stderr + done.stdout

    def knows(self, password, user="testing"):
        """May one come in with it, the way an agent does?"""
        done = subprocess.run(["ip", "netns", "exec", self.host.name, "mosquitto_pub", "-h", PI, "-p", "8883", "--cafile",
                               self.broker / "certs/ca.crt", "-u", user, "-P", password, "-t", f"hall/agents/{user}/report",
                               "-m", "{}"], capture_output=True, check=False, timeout=LIMIT)
        return done.returncode == 0

    def hash(self, user="testing"):
        """What the broker keeps of its password."""
        return next((line for line in (self.broker / "passwords").read_text().splitlines() if line.startswith(user + ":")), None)


class Enrolling:
    """hallctl enroll while it runs."""

    def __init__(self, process):
        self.process, self.text, self.line = process, "", None

    def until(self, wanted, limit=LIMIT):
        """Until it has said this, or ended."""
        end = time.monotonic() + limit
        while wanted not in self.text:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
            assert ready, f"it does not say {wanted!r}: {self.text}"
            read = os.read(self.process.stdout.fileno(), 4096).decode()
            assert read, f"it ended without {wanted!r}: {self.text}\n{self.process.stderr.read()}"
            self.text += read
        return self.text

    def printed(self):
        self.until("| $r sh'\n")
        self.line = re.search(r"^sh -c .*$", self.text, re.M).group(0)
        self.url = re.search(r"u=(https://\S+)/(\S{32}) ", self.line)
        self.pin = re.search(r"p=sha256//(\S+);", self.line).group(1)
        return self.line

    def ends(self, status, limit=LIMIT):
        out, err = self.process.communicate(timeout=limit)
        self.text += out
        assert self.process.returncode == status, f"{self.process.returncode}\n{self.text}\n{err}"
        assert "Sanitizer" not in err and "runtime error" not in err, err
        return err


@pytest.fixture
def place(tmp_path):
    """A tmpfs, because an overlay does not lie on every file system."""
    before = Path("/etc/passwd").read_bytes(), Path("/etc/hall").exists()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", tmp_path], check=True)
    tmp_path.chmod(0o755)
    yield tmp_path
    subprocess.run(["umount", "-l", tmp_path], check=True)
    assert (Path("/etc/passwd").read_bytes(), Path("/etc/hall").exists()) == before


@pytest.fixture
def pi(hosts, binary, place):  # noqa: F811
    host = hosts("pi")
    host.server = hosts("server")
    join(host, "eth0", f"{PI}/24", host.server, "eth0", f"{SERVER}/24")
    (place / "pi").mkdir()
    return Pi(host, place / "pi", binary.parent.parent)


@pytest.fixture
def server(pi, place):
    (place / "server").mkdir()
    machine = Machine(pi.host.server, place / "server")
    yield machine
    machine.end_agent()


def mode(path):
    return path.stat().st_mode & 0o777


def fetch(pi, url, headers=(), method="GET"):
    """One request to the helper, from the Pi itself."""
    done = subprocess.run(["ip", "netns", "exec", pi.host.name, "curl", "-skq", "-X", method, "-o", "-", "-w", "\n%{http_code}",
                           *[w for h in headers for w in ("-H", h)], url], capture_output=True, text=True, check=False, timeout=LIMIT)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


# ---- the whole of it ----

@pytest.mark.parametrize("without", ["wget", "curl"])
def test_a_server_is_enrolled_by_one_line(pi, server, without):
    enrolling = pi.enroll()
    line = enrolling.printed()
    said = server.type(line, without=without)
    assert "hall: done: the agent of testing is connected to mqtts://10.9.8.1:8883\n" in said.stdout
    enrolling.ends(DONE)
    assert enrolling.text.count("testing: fetched by 10.9.8.2\n") == 1 and "warning" not in enrolling.text
    assert enrolling.text.endswith("testing: its agent is online\n")
    assert json.loads(server.file("/etc/hall/agent.json").read_text()) == {
        "id": "testing", "mqtt": {"url": "mqtts://10.9.8.1:8883", "ca": "/etc/hall/ca.crt"}}
    assert server.file("/etc/hall/ca.crt").read_bytes() == (pi.broker / "certs/ca.crt").read_bytes()
    assert [mode(server.file(f"/etc/hall{f}")) for f in ("", "/agent.json", "/agent.env", "/ca.crt")] == [0o755, 0o644, 0o600, 0o644]
    assert mode(server.file("/usr/bin/hall-agent")) == 0o755
    assert server.file("/usr/lib/systemd/system/hall-agent.service").exists()
    password = re.fullmatch(r"HALL_MQTT_PASSWORD=(\S{32})\n", server.file("/etc/hall/agent.env").read_text()).group(1)
    assert pi.knows(password)
    left = [str(f) for f in (*server.file("/etc/hall").iterdir(), *(server.folder / "run").iterdir())]
    assert not [f for f in left if "hall-new" in f or "hall-enroll" in f], left
    assert password not in line + enrolling.text + said.stdout + said.stderr


def test_again_it_is_brought_up_to_date_and_its_file_stays(pi, server):
    first = pi.enroll()
    server.type(first.printed())
    first.ends(DONE)
    old = server.file("/etc/hall/agent.env").read_text()
    pid = server.agent()
    agent = json.loads(server.file("/etc/hall/agent.json").read_text()) | {"activity": {"processes": ["ffmpeg"]}}
    server.file("/etc/hall/agent.json").write_text(json.dumps(agent))
    server.file("/etc/hall/agent.env").write_text(old + "TZ=Europe/Paris\n")
    kept = pi.hash()
    second = pi.enroll()
    line = second.printed()
    assert pi.hash() == kept, "the old password holds until the new one is there"
    said = server.type(line, LANG="fr_FR.UTF-8")
    second.ends(DONE)
    assert "hall: terminé : l’agent de testing est connecté à mqtts://10.9.8.1:8883\n" in said.stdout
    assert "/etc/hall/agent.json est conservé tel quel" in said.stdout
    assert json.loads(server.file("/etc/hall/agent.json").read_text()) == agent
    new = server.file("/etc/hall/agent.env").read_text()
    assert new.startswith("TZ=Europe/Paris\nHALL_MQTT_PASSWORD=") and new != old
    assert server.agent() != pid
    assert not pi.knows(old.strip().split("=")[1]) and pi.knows(new.strip().split("=")[-1])


def test_a_file_that_does_not_say_what_is_wanted_is_replaced(pi, server):
    for words in ([], ["--interface", "eth0"]):
        enrolling = pi.enroll(*words)
        said = server.type(enrolling.printed())
        enrolling.ends(DONE)
    assert "/etc/hall/agent.json was replaced; the old file is /etc/hall/agent.json.before" in said.stdout
    assert json.loads(server.file("/etc/hall/agent.json").read_text())["interface"] == "eth0"
    assert "interface" not in json.loads(server.file("/etc/hall/agent.json.before").read_text())


def test_hallctls_own_user_does_as_well(pi, server):
    folder = pi.folder / "home/.config/hall"
    folder.mkdir(parents=True)
    file = folder / "hallctl.json"
    file.write_text(json.dumps({"broker": "mqtt://127.0.0.1:1883", "username": "operator", "password": pi.passwords["operator"]}))
    file.chmod(0o600)
    del pi.env["HALL_MQTT_PASSWORD"]
    enrolling = pi.enroll()
    server.type(enrolling.printed())
    enrolling.ends(DONE)
    assert enrolling.text.endswith("testing: its agent is online\n")


def test_a_file_is_carried_there(pi, server):
    done = pi.complains("--print", "--interface", "eth0", expect=DONE)
    assert done.startswith("enroll-testing.sh is written.")
    script = pi.folder / "enroll-testing.sh"
    assert mode(script) == 0o600
    assert "enroll-testing.sh: it exists" in pi.complains("--print"), "what is there is never written over"
    (server.folder / "run" / "enroll-testing.sh").write_bytes(script.read_bytes())
    said = server.type("sh /tmp/enroll-testing.sh", without="curl wget")
    assert "hall: done: the agent of testing is connected" in said.stdout
    assert json.loads(server.file("/etc/hall/agent.json").read_text())["interface"] == "eth0"


def test_the_broker_is_tried_when_it_has_read_the_password(pi):
    """Not before, however late that is: it would note each try as a refusal."""
    reload = pi.folder / "bin/systemctl"
    reload.write_text(f"#!/bin/sh\n(sleep 0.8; kill -HUP {pi.mosquitto.pid}) >/dev/null 2>&1 &\n")
    pi.complains("--print", expect=DONE)
    password = re.search(r"^hall_password='(\S+)'$", (pi.folder / "enroll-testing.sh").read_text(), re.M).group(1)
    assert pi.knows(password)
    log = (pi.folder / "mosquitto.log").read_text()
    assert log.count("not authorised") <= 1, log  # one where a second passed before the signal


# ---- a relay ----

def name_a_relay(pi, relay="attic"):
    model = json.loads(pi.config.read_text())
    model["servers"]["testing"]["wake"] = {"relay": relay}
    pi.config.write_text(json.dumps(model))


@pytest.mark.parametrize("carried", [False, True])
def test_a_relay_is_enrolled_likewise(pi, server, carried):
    name_a_relay(pi)
    pi.pack("1.0", program="hall-wol")
    if carried:
        assert pi.complains("--print", "--relay", server="attic", expect=DONE).startswith("enroll-attic.sh is written.")
        (server.folder / "run/enroll-attic.sh").write_bytes((pi.folder / "enroll-attic.sh").read_bytes())
        said = server.type("sh /tmp/enroll-attic.sh", without="curl wget", LANG="fr_FR.UTF-8")
        assert "hall: terminé : le relais de attic est connecté à mqtts://10.9.8.1:8883\n" in said.stdout
    else:
        enrolling = pi.enroll("--relay", server="attic")
        said = server.type(enrolling.printed(), NO_POLKIT="yes")
        enrolling.ends(DONE)
        assert enrolling.text.endswith("attic: fetched by 10.9.8.2\nattic: installed; its password at the broker is set\n"
                                       "attic: the relay is online\n")
        assert re.fullmatch("hall: hall-wol \\S+ is installed\nhall: done: the relay of attic is connected to mqtts://10.9.8.1:8883\n",
                            said.stdout), "it needs no polkit"
    assert json.loads(server.file("/etc/hall/relay.json").read_text()) == {
        "id": "attic", "mqtt": {"url": "mqtts://10.9.8.1:8883", "ca": "/etc/hall/ca.crt"}}
    assert mode(server.file("/etc/hall/relay.env")) == 0o600 and not server.file("/etc/hall/agent.json").exists()
    assert server.file("/usr/lib/systemd/system/hall-wol.service").exists() and not server.file("/usr/bin/hall-agent").exists()
    password = server.file("/etc/hall/relay.env").read_text().strip().split("=")[1]
    assert pi.knows(password, user="attic") and pi.hash() is None
    assert "hall-agent" not in server.file("/etc/passwd").read_text(), "the unit makes its own user"


def test_a_relay_is_one_that_servers_name(pi):
    assert 'a server there needs: "wake": {"relay": "attic"}' in pi.complains("--relay", server="attic")
    name_a_relay(pi)
    assert "no package of hall-wol is there" in pi.complains("--relay", server="attic")
    assert "a server has this name" in pi.complains("--relay")
    assert "allowed: --docker with a server" in pi.complains("--relay", "--docker", server="attic", expect=USAGE)


# ---- what is there already ----

def test_what_a_package_installed_is_kept(pi, server):
    """Its configuration is not, where it says something else; and another version is named."""
    dpkg = "printf '#!/bin/sh\\necho installed\\n' >/usr/local/sbin/dpkg-query; chmod 755 /usr/local/sbin/dpkg-query; "
    old = f"install {pi.build}/bin/hall-agent /usr/bin/agent-of-old; " \
          "printf '#!/bin/sh\\n[ \"$1\" != --version ] || exec echo hall-agent 0.0.9\\nexec /usr/bin/agent-of-old \"$@\"\\n' " \
          ">/usr/bin/hall-agent; chmod 755 /usr/bin/hall-agent; "
    write = "mkdir -p /etc/hall; echo '{\"id\":\"testing\",\"mqtt\":{\"url\":\"mqtt://10.9.8.9\"}}' >/etc/hall/agent.json; "
    enrolling = pi.enroll()
    said = server.type(dpkg + old + write + enrolling.printed())
    enrolling.ends(DONE)
    assert said.stdout.startswith("hall: hall-agent is already installed by a package of this machine: it is kept\n"
                                  "hall: warning: its version is 0.0.9, and Hall has ")
    assert "/etc/hall/agent.json was replaced; the old file is /etc/hall/agent.json.before" in said.stdout
    assert json.loads(server.file("/etc/hall/agent.json").read_text())["mqtt"]["url"] == "mqtts://10.9.8.1:8883"
    assert "x86_64" not in enrolling.text and server.file("/usr/bin/hall-agent").read_text().startswith("#!/bin/sh")
    same = pi.enroll()
    said = server.type(f"install {pi.build}/bin/hall-agent /usr/bin/hall-agent; " + same.printed())
    same.ends(DONE)
    assert "it is kept\n" in said.stdout and "warning" not in said.stdout


def test_an_agent_of_another_version_is_replaced_and_named(pi, server):
    old = "printf '#!/bin/sh\\necho hall-agent 0.0.9\\n' >/usr/bin/hall-agent; chmod 755 /usr/bin/hall-agent; "
    enrolling = pi.enroll()
    said = server.type(old + enrolling.printed())
    enrolling.ends(DONE)
    assert re.search(r"^hall: hall-agent \S+ is installed in place of hall-agent 0\.0\.9$", said.stdout, re.M)
    again = pi.enroll()
    said = server.type(again.printed())
    again.ends(DONE)
    assert re.search(r"^hall: hall-agent \S+ is installed$", said.stdout, re.M)


# ---- what goes wrong ----

def unchanged(server):
    return not server.file("/etc/hall").exists() and not server.file("/usr/bin/hall-agent").exists() and server.agent() is None


def without_rights(line, sudo):
    """The line, as somebody types it who is not root, where sudo is this."""
    make = f"printf '#!/bin/sh\\n{sudo}\\n' >/usr/local/sbin/sudo; chmod 755 /usr/local/sbin/sudo; "
    return make + f"exec setpriv --reuid=nobody --regid=nogroup --clear-groups {line}"


def test_a_script_that_was_cut_does_nothing(pi, server):
    """By whatever lost its end: each line but the last only says what something is."""
    enrolling = pi.enroll()
    enrolling.printed()
    script = fetch(pi, "/".join(enrolling.url.groups()))[1]
    assert script.endswith("; fi\n")
    (server.folder / "run/whole").write_text(script)
    cuts = " ".join(str(cut) for cut in (*range(1, len(script.encode()), 499), *range(len(script.encode()) - 90, len(script.encode()) - 1)))
    said = server.type("set -- " + cuts + '; for cut; do head -c "$cut" /tmp/whole | sh && echo "$cut"; done 2>&1; true')
    assert "hall: " not in said.stdout, "it began"
    assert unchanged(server) and not (server.folder / "run/systemctl.log").exists()


@pytest.mark.parametrize("without", ["wget", "curl"])
def test_half_a_script_is_not_run(pi, server, place, without):
    """The connection breaks in the middle of it: nothing is run of it."""
    key, certificate = place / "key", place / "certificate"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)
    public = subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
    pin = base64.b64encode(hashlib.sha256(public).digest()).decode()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    half = b"touch /tmp/was-run\n"

    def serve(listener):
        with listener, listener.accept()[0] as plain, context.wrap_socket(plain, server_side=True) as tls:
            assert tls.recv(4096).startswith(b"GET /")
            tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n" + half)
            with contextlib.suppress(OSError):
                tls.unwrap()

    enrolling = pi.enroll()
    line = enrolling.printed().replace(":8885/", ":8886/").replace(enrolling.pin, pin)
    with inside(pi):
        listener = socket.create_server((PI, 8886))
    thread = threading.Thread(target=serve, args=(listener,))
    thread.start()
    said = server.type(line, expect=1, without=without)
    thread.join(LIMIT)
    assert "Hall: nothing was fetched from https://10.9.8.1:8886" in said.stderr
    assert unchanged(server) and not (server.folder / "run/was-run").exists()


def test_neither_curl_nor_wget(pi, server):
    enrolling = pi.enroll()
    said = server.type(enrolling.printed(), expect=1, without="curl wget")
    assert said.stderr == "Hall: install curl or wget, or use hallctl enroll --print\n"
    assert unchanged(server)


@pytest.mark.parametrize("days", [-3650, -1, 3650])
def test_a_clock_that_is_wrong(pi, server, days):
    """The key needs no clock. The broker's certificate does, which Hall's clock made: who is behind is told so."""
    enrolling = pi.enroll()
    wrong = f"printf '#!/bin/sh\\necho {int(time.time()) + days * 86400}\\n' >/usr/local/sbin/date; chmod 755 /usr/local/sbin/date; "
    said = server.type(wrong + enrolling.printed())
    enrolling.ends(DONE)
    behind = re.search(r"warning: the clock of this machine is (\d+) s behind that of Hall", said.stderr)
    assert (behind is not None) == (days < 0)
    assert not behind or 0 <= int(behind.group(1)) + days * 86400 < 60


def test_no_secret_is_in_a_command_line(pi, server):
    """Of all processes, on both machines, as often as they can be looked at; the line itself has its token. The port tells it from
    those of other tests."""
    seen, over = set(), threading.Event()

    def look():
        while not over.is_set():
            for process in os.listdir("/proc"):
                with contextlib.suppress(OSError):
                    if process.isdigit():
                        seen.add(Path(f"/proc/{process}/cmdline").read_bytes())

    looking = threading.Thread(target=look)
    looking.start()
    enrolling = pi.enroll("--port", "8899")
    try:
        server.type(enrolling.printed())
        enrolling.ends(DONE)
    finally:
        over.set()
        looking.join(LIMIT)
    password = server.file("/etc/hall/agent.env").read_text().strip().split("=")[1]
    token = enrolling.url.group(2)
    mine = [words.decode(errors="replace") for words in seen if PI.encode() in words or b"hall" in words]
    assert [words for words in mine if token in words], "the line was seen"
    assert not [words for words in mine if password in words]
    tokens = {found for words in mine for found in re.findall(r"https://10\.9\.8\.1:8899/(\S{32})", words)}
    assert tokens == {token}, "of those that the script has none was seen"


def test_two_at_once_get_it_once(pi):
    enrolling = pi.enroll()
    enrolling.printed()
    url = "/".join(enrolling.url.groups())
    with ThreadPoolExecutor(8) as many:
        statuses = sorted(status for status, _ in many.map(lambda _: fetch(pi, url), range(8)))
    assert statuses == [200] + [410] * 7


def test_a_user_whom_sudo_refuses_does_not_use_the_line_up(pi, server):
    enrolling = pi.enroll()
    line = enrolling.printed()
    for sudo in ("exit 1", "exec /bin/no-such-program"):
        said = server.type(without_rights(line, sudo), expect=1)
        assert "Hall: run this as root, or as a user who may use sudo\n" in said.stderr
    assert "fetched by" not in enrolling.text and unchanged(server)
    said = server.type(without_rights(line, 'echo "$@" >>/tmp/sudo.log; exec "$@"'), expect=1)
    assert "hall: run this as root, or with sudo\n" in said.stderr  # this sudo gives no rights
    assert server.file("/tmp/sudo.log").read_text() == "sh -c :\nsh\n"
    enrolling.until("testing: fetched by 10.9.8.2\n")


def test_a_silent_machine_is_not_waited_for_long(pi, server):
    """As behind a firewall; and the line says which machine that is."""
    enrolling = pi.enroll()
    line = enrolling.printed().replace(":8885/", ":8886/")
    with inside(pi), socket.create_server((PI, 8886)):
        for without, patient in (("wget", "-m30"), ("curl", "-T30")):
            assert patient in line
            said = server.type(line.replace(patient, patient[:-1].replace("3", "1")), expect=1, without=without)
            assert "Hall: nothing was fetched from https://10.9.8.1:8886: check the firewall there" in said.stderr


def test_the_line_works_once_and_for_this_key_alone(pi, server):
    enrolling = pi.enroll()
    line = enrolling.printed()
    other_pin = line.replace(enrolling.pin, "A" * 43 + "=")
    for without in ("wget", "curl"):
        said = server.type(other_pin, expect=1, without=without)
        assert "Hall: nothing was fetched" in said.stderr
    assert "fetched by" not in enrolling.text, "a wrong key ends it before the token is sent"
    status, body = fetch(pi, enrolling.url.group(0)[2:].strip())
    assert status == 200 and body.startswith("#!/bin/sh\n")
    enrolling.until("warning: 10.9.8.1 is not the address of testing in the configuration (10.9.8.2).")
    assert fetch(pi, enrolling.url.group(0)[2:].strip()) == (410, "this was fetched before\n")
    assert "Hall: nothing was fetched" in server.type(line, expect=1).stderr
    assert unchanged(server) and pi.hash() is None
    enrolling.until("warning: 10.9.8.2 tried to fetch a second time; refused")
    enrolling.process.send_signal(signal.SIGINT)
    enrolling.ends(ERROR)
    assert enrolling.text.endswith("stopped; the line is void\n")
    assert not pi.listens(8885)


def test_guesses_find_nothing(pi):
    enrolling = pi.enroll()
    enrolling.printed()
    base, token = enrolling.url.groups()
    near = token[:-1] + ("A" if token[-1] != "A" else "B")
    for path in (near, "A" * 32):
        assert fetch(pi, f"{base}/{path}") == (404, "wrong token\n")
    for path in ("", "..", token[:-1], token + "A", f"{token}/", f"x/{token}", f"{token}?a", f"%41{token[3:]}"):
        assert fetch(pi, f"{base}/{path}") == (400, "no request for a token\n"), path
    for method in ("POST", "HEAD", "PUT"):
        assert fetch(pi, f"{base}/{token}", method=method)[0] in (400, 0)
    enrolling.until("warning: 10.9.8.1 came with a wrong token; refused")
    assert fetch(pi, f"{base}/{token}")[0] == 200, "and the token still works"


def test_a_flood_of_guesses_hides_no_second_use(pi):
    enrolling = pi.enroll()
    enrolling.printed()
    base, token = enrolling.url.groups()
    assert fetch(pi, f"{base}/{token}")[0] == 200
    for _ in range(21):
        assert fetch(pi, f"{base}/{'A' * 32}")[0] == 404
    assert fetch(pi, f"{base}/{token}")[0] == 410
    enrolling.until("warning: 10.9.8.1 tried to fetch a second time; refused")
    assert enrolling.text.count("came with a wrong token") == 20


@contextlib.contextmanager
def inside(pi):
    """Sockets of this thread are made in the Pi's namespace."""
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{pi.host.name}", os.O_RDONLY)
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.setns(there, CLONE_NEWNET) == 0
    try:
        yield
    finally:
        assert libc.setns(here, CLONE_NEWNET) == 0
        os.close(here)
        os.close(there)


def test_slow_and_many_strangers_keep_nobody_out(pi, server):
    enrolling = pi.enroll()
    line = enrolling.printed()
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    silent, talking = [], []
    for number in range(100, 110):
        pi.host.ip("addr", "add", f"10.9.8.{number}/32", "dev", "lo")
    with inside(pi):
        for number in range(200):  # of ten addresses, and of one
            source = (f"10.9.8.{100 + number % 10}", 0) if number < 120 else None
            silent.append(socket.create_connection((PI, 8885), timeout=LIMIT, source_address=source))
        for _ in range(3):
            slow = context.wrap_socket(socket.create_connection((PI, 8885), timeout=LIMIT))
            assert slow.version() == "TLSv1.3"
            slow.send(b"GET /")
            talking.append(slow)
    said = server.type(line)
    assert "hall: done: " in said.stdout
    enrolling.ends(DONE)
    for each in (*silent, *talking):
        each.close()


def stranger(source=None):
    """A connection that speaks TLS, of this address of the Pi."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # without authorities, which take time to read
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(socket.create_connection((PI, 8885), timeout=LIMIT, source_address=source))


def test_one_address_cannot_push_another_out(pi):
    """It has six places: those who come from elsewhere, and are slow, keep theirs."""
    enrolling = pi.enroll()
    enrolling.printed()
    pi.host.ip("addr", "add", "10.9.8.100/32", "dev", "lo")
    with inside(pi), stranger() as first:
        many = []
        for number in range(40):
            many.append(socket.create_connection((PI, 8885), timeout=LIMIT, source_address=("10.9.8.100", 0)))
            if number >= 6:
                with contextlib.suppress(ConnectionResetError):
                    assert many[number - 6].recv(1) == b"", "it has to give way"
        first.sendall(f"GET /{'A' * 32} HTTP/1.1\r\n\r\n".encode())
        assert first.recv(4096).startswith(b"HTTP/1.1 404 ")
        for each in many:
            each.close()


def test_those_who_were_refused_keep_nobody_out(pi):
    """They have their answer, and do not hang up."""
    enrolling = pi.enroll()
    enrolling.printed()
    pi.host.ip("addr", "add", "10.9.8.100/32", "dev", "lo")
    refused = []
    with inside(pi):
        for _ in range(30):
            refused.append(stranger(("10.9.8.100", 0)))
            refused[-1].sendall(b"HEAD ")
            assert refused[-1].recv(4096).startswith(b"HTTP/1.1 400 ")
    base, token = enrolling.url.groups()
    assert fetch(pi, f"{base}/{token}")[0] == 200
    for each in refused:
        each.close()


def test_garbage_is_answered_or_cut(pi):
    enrolling = pi.enroll()
    enrolling.printed()
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode, old.maximum_version = False, ssl.CERT_NONE, ssl.TLSVersion.TLSv1_2
    base, token = enrolling.url.groups()
    with inside(pi):
        for bytes_ in (b"GET / HTTP/1.1\r\n\r\n", b"\0" * 5000, os.urandom(5000)):
            with socket.create_connection((PI, 8885), timeout=LIMIT) as plain, contextlib.suppress(OSError):
                plain.sendall(bytes_)
                plain.shutdown(socket.SHUT_WR)
                while plain.recv(4096):
                    pass
        for bytes_ in (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\0" * 4000, b"GET /" + b"A" * 4000, f"GET /{token} HTTP/1.1\r\nX: ".encode() + b"y" * 4000,
                       f"GET /{token} HTTP/1.1\r\n\0\r\n\r\n".encode()):
            with context.wrap_socket(socket.create_connection((PI, 8885), timeout=LIMIT)) as tls:
                tls.sendall(bytes_)
                answer = tls.recv(4096)
                assert answer.startswith(b"HTTP/1.1 400 "), answer
        with context.wrap_socket(socket.create_connection((PI, 8885), timeout=LIMIT), server_hostname="hall.lan") as tls:
            tls.sendall(f"GET /{'A' * 32} HTTP/1.1\r\n\r\n".encode())
            assert tls.recv(4096).startswith(b"HTTP/1.1 404 "), "a name is as good as none"
        with pytest.raises(ssl.SSLError), socket.create_connection((PI, 8885), timeout=LIMIT) as plain:
            old.wrap_socket(plain)
    assert fetch(pi, f"{base}/{token}")[0] == 200


def test_the_helper_has_no_rights(pi):
    enrolling = pi.enroll()
    enrolling.printed()
    children = Path(f"/proc/{enrolling.process.pid}/task/{enrolling.process.pid}/children").read_text().split()
    pid = next(p for p in children if Path(f"/proc/{p}/comm").read_text().strip() == "hall-handout")
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
    assert status["Uid"].split() == ["65534"] * 4 and status["Gid"].split() == ["65534"] * 4 and status["Groups"].strip() == ""
    assert os.readlink(f"/proc/{pid}/root").endswith(" (deleted)") and not os.listdir(f"/proc/{pid}/root"), "it has files to open"
    assert not list(Path("/run").glob("hall-handout-*"))
    assert status["NoNewPrivs"] == "1" and int(status["CapEff"], 16) == 0 and int(status["CapPrm"], 16) == 0
    argv = [Path(f"/proc/{p}/cmdline").read_bytes() for p in (pid, enrolling.process.pid)]
    assert not [a for a in argv if enrolling.url.group(2).encode() in a]
    enrolling.process.kill()
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), LIMIT, "the helper ended with hallctl")


def test_a_broken_package_leaves_the_server_as_it_was(pi, server):
    first = pi.enroll()
    server.type(first.printed())
    first.ends(DONE)
    before = server.file("/etc/hall/agent.env").read_text(), pi.hash(), server.agent()

    def evil(tar):
        info = tarfile.TarInfo("etc/cron.d/hall-agent")
        tar.addfile(info, io.BytesIO(b""))

    pi.pack("1.1", evil)
    second = pi.enroll()
    said = server.type(second.printed(), expect=1)
    assert "hall: the package contains an unexpected file: etc/cron.d/hall-agent\nhall: nothing was changed\n" in said.stderr
    assert (server.file("/etc/hall/agent.env").read_text(), pi.hash(), server.agent()) == before
    assert not server.file("/etc/cron.d/hall-agent").exists() and not list(server.file("/usr/bin").glob("*hall-new"))


def test_a_machine_that_cannot_be_a_server_is_told_why(pi, server):
    enrolling = pi.enroll()
    line = enrolling.printed()
    said = server.type("rm -r /run/systemd; " + line, expect=1, LANG="fr_FR.UTF-8")
    assert "hall: cette machine ne fonctionne pas avec systemd, dont l’agent a besoin\n" in said.stderr
    assert unchanged(server)
    enrolling.process.send_signal(signal.SIGTERM)
    enrolling.ends(ERROR)
    for file in pi.packages.iterdir():
        file.rename(file.with_name("hall-agent-1.0-linux-aarch64.tar.gz"))
    other = pi.enroll()
    said = server.type(other.printed(), expect=1)
    assert "hall: no package of hall-agent was provided for a processor of type x86_64\nhall: nothing was changed\n" in said.stderr
    assert unchanged(server)


def test_an_agent_that_does_not_connect_is_not_left_running(pi, server):
    hosts_file = pi.folder / "hosts"
    hosts_file.write_text(f"127.0.0.1 localhost\n{PI} hall.lan\n")
    enrolling = pi.enroll("--url", "mqtts://hall.lan:8883", binds={hosts_file: "/etc/hosts"})
    line = enrolling.printed()  # a name that the server does not know
    said = server.type("cp /bin/true /usr/local/sbin/sleep; " + line, expect=1)  # nobody waits here
    assert "hall: the agent did not connect within 90 s; it is stopped." in said.stderr
    assert "hallctl enroll testing again" in said.stderr
    assert server.agent() is None and "disable --quiet --now hall-agent" in server.file("/tmp/systemctl.log").read_text()


@pytest.mark.parametrize("mirror", ["holds", "fails"])
def test_polkit_is_installed_where_it_is_missing(pi, server, mirror):
    """Without it the server would never sleep. The lists of this apt-get are old."""
    apt = server.folder / "run" / "apt-get"
    apt.write_text(f"""#!/bin/sh
echo "$DEBIAN_FRONTEND $*" >>/tmp/apt.log
case $* in
  *update) [ {mirror} = holds ] && : >/tmp/lists ;;
  *) [ -e /tmp/lists ] && : >/tmp/polkit || {{ echo 'E: no archive' >&2; exit 100; }} ;;
esac
""")
    enrolling = pi.enroll()
    said = server.type("install /tmp/apt-get /usr/local/sbin; " + enrolling.printed(), NO_POLKIT="yes")
    enrolling.ends(DONE)
    assert "hall: polkit is missing, which lets the agent put this server to sleep: installing the package polkitd\n" in said.stdout
    assert "hall: done: " in said.stdout
    warning = "hall: warning: polkit is missing, so the agent cannot put this server to sleep; install it with"
    assert (warning in said.stdout) == (mirror == "fails") and ("E: no archive" in said.stderr) == (mirror == "fails")
    done = [words.split()[-2:] for words in server.file("/tmp/apt.log").read_text().splitlines()]
    install = ["install", "polkitd"]
    assert done == ([install, ["-q", "update"], install] if mirror == "holds" else [install, ["-q", "update"]])


def test_nobody_comes(pi, binary):
    clock = clock_of(pi, binary)
    enrolling = pi.enroll("--minutes", "1440", "--port", "9443", **clock.others)
    assert ":9443/" in enrolling.printed()
    clock.pass_unseen(1439 * 60)
    assert pi.listens(9443) and enrolling.process.poll() is None
    clock.pass_unseen(61)
    enrolling.ends(TIMEOUT)
    assert enrolling.text.endswith("testing: nobody fetched it within 1440 min; the line is void\n")
    assert not pi.listens(9443)


def installed_by_hand(pi, enrolling):
    """What the script does, but for starting an agent."""
    base, token = enrolling.url.groups()
    commit = re.search(r"^hall_commit='(\S{32})'$", fetch(pi, f"{base}/{token}")[1], re.M).group(1)
    assert fetch(pi, f"{base}/{commit}") == (200, "yes\n")


def test_ctrl_c_ends_the_wait_for_the_agent(pi):
    enrolling = pi.enroll()
    enrolling.printed()
    installed_by_hand(pi, enrolling)
    enrolling.until("testing: installed; its password at the broker is set\n")
    enrolling.process.send_signal(signal.SIGINT)
    assert enrolling.process.wait(LIMIT) == -signal.SIGINT
    wait_until(lambda: not pi.listens(8885), LIMIT, "the end of the helper")


def clock_of(pi, binary):
    return Clock(SimpleNamespace(directory=pi.folder, hall=SimpleNamespace(binary=binary, secrets={})))


def test_what_was_fetched_is_not_installed(pi, binary):
    clock = clock_of(pi, binary)
    enrolling = pi.enroll(**clock.others)
    enrolling.printed()
    assert fetch(pi, "/".join(enrolling.url.groups()))[0] == 200
    enrolling.until("testing: fetched by 10.9.8.1\n")
    clock.pass_unseen(601)
    enrolling.ends(TIMEOUT)
    assert "testing: fetched, but not installed; what the line said on testing tells why." in enrolling.text


def test_what_is_missing_is_named(pi):
    assert "erp: there is no such server in the configuration" in pi.complains(server="erp")
    assert "apt-get install hall-enroll" in pi.complains("--agents", str(pi.folder))
    assert "mqtts://HOST[:PORT]" in pi.complains("--url", "mqtt://10.9.8.1", expect=USAGE)
    assert "an address of this machine" in pi.complains("--listen", "hall.lan", expect=USAGE)
    assert "Cannot assign requested address" in pi.complains("--listen", OTHER)
    assert "use --print" in pi.complains(HALL_LIBEXEC="/nowhere")
    assert "docs/CERTIFICATES.md" in pi.complains("--url", f"mqtts://{PI}:8884", expect=UNREACHABLE)
    key = (pi.broker / "certs/ca.key").read_text()
    with (pi.broker / "certs/ca.crt").open("a") as ca:
        ca.write(key)
    assert "it does not hold certificates alone" in pi.complains()
    assert pi.hash() is None
