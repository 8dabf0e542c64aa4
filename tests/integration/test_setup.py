"""hallctl setup on a machine of its own: mount and network namespaces in which /etc, /root, /run and /var can be written to and
nothing of it stays. Mosquitto, Hall and the proxies' own checks are the real ones; systemctl is played by a few lines that start
and stop them."""

import os
import pty
import re
import select
import signal
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("HALL_BUILD", "build")

PREPARE = r"""
set -eu
for folder in /etc /root /run /var; do
  name=$(echo "$folder" | tr / _)
  mkdir -p "$WORK/layers/$name/upper" "$WORK/layers/$name/work"
  mount -t overlay overlay -o "lowerdir=$folder,upperdir=$WORK/layers/$name/upper,workdir=$WORK/layers/$name/work" "$folder"
done
# As if Hall had never been here, and the packages were just installed.
sed -i '/^hall:/d' /etc/passwd /etc/group /etc/shadow /etc/gshadow
rm -rf /etc/hall /var/lib/hall /root/.config/hall /etc/mosquitto/passwords /etc/mosquitto/acl /etc/mosquitto/certs /etc/mosquitto/conf.d \
  /etc/nginx/conf.d/hall.conf /etc/caddy/hall /etc/haproxy/hall.* /etc/traefik /etc/letsencrypt
mkdir -p /etc/mosquitto/conf.d /run/systemd/system /run/mosquitto
chown mosquitto /run/mosquitto /var/log/mosquitto
useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin hall
ip link set lo up
ip link add eth0 type veth peer name far
ip link set eth0 up; ip link set far up
ip addr add 192.168.77.2/24 dev eth0
ip route add default via 192.168.77.1
ip neigh add 192.168.77.20 lladdr aa:bb:cc:dd:ee:01 dev eth0 nud permanent
mkdir -p "$WORK/share" "$WORK/bin"
cp -r "$ROOT/broker-conf" "$WORK/share/broker"
mkdir -p "$WORK/share/proxy"
cp "$ROOT/bridges/proxy/haproxy/hall.lua" "$ROOT/bridges/proxy/traefik/traefik.yml" "$WORK/share/proxy/"
cat >"$WORK/bin/systemctl" <<'EOF'
#!/bin/bash
echo "$*" >>"$WORK/systemctl"
end() { if [ -e "$WORK/$1.pid" ]; then kill "$(cat "$WORK/$1.pid")" || true; while kill -0 "$(cat "$WORK/$1.pid")"; do sleep 0.02; done; fi 2>/dev/null; }
case $1-$2 in
  enable-*) ;;
  restart-mosquitto)
    end mosquitto
    mosquitto -c /etc/mosquitto/mosquitto.conf </dev/null >>"$WORK/mosquitto.log" 2>&1 &
    echo $! >"$WORK/mosquitto.pid"
    for _ in $(seq 3000); do [ -n "$(ss -Hltn 'sport = 1883')" ] && exit 0; kill -0 $! || exit 1; sleep 0.02; done
    exit 1 ;;
  restart-hall)
    end hall
    set -a; . /etc/hall/hall.env; set +a
    setpriv --reuid=hall --regid=hall --clear-groups hall --config /var/lib/hall/domains.json </dev/null >>"$WORK/hall.log" 2>&1 &
    echo $! >"$WORK/hall.pid" ;;
  reload-hall) kill -HUP "$(cat "$WORK/hall.pid")" ;;
  *-nginx | *-caddy | *-haproxy | *-traefik)
    ! [ -e "$WORK/broken" ] || exit 1
    end "$2"
    setsid "$WORK/bin/start-$2" </dev/null >>"$WORK/$2.log" 2>&1 &
    echo $! >"$WORK/$2.pid" ;;
esac
EOF
cat >"$WORK/bin/start-nginx" <<'EOF'
#!/bin/sh
exec nginx -g 'daemon off;'
EOF
cat >"$WORK/bin/start-caddy" <<'EOF'
#!/bin/sh
exec caddy run --environ --config /etc/caddy/Caddyfile
EOF
cat >"$WORK/bin/start-haproxy" <<'EOF'
#!/bin/bash
mkdir -p /run/haproxy
. /etc/default/haproxy
exec haproxy -Ws -f /etc/haproxy/haproxy.cfg -p /run/haproxy.pid $EXTRAOPTS
EOF
# Debian has no Traefik: a few lines that hand a request on, by the name of the program.
cat >"$WORK/bin/start-traefik" <<'EOF'
#!/bin/bash
exec -a traefik "$WORK/bin/traefik" -c '
import http.server, urllib.request
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = urllib.request.Request("http://127.0.0.1:8880" + self.path, headers={"Host": self.headers["Host"], "X-Forwarded-For": "127.0.0.1"})
        with urllib.request.urlopen(asked) as answer:
            self.send_response(answer.status); self.end_headers(); self.wfile.write(answer.read())
http.server.ThreadingHTTPServer(("127.0.0.1", 80), Handler).serve_forever()'
EOF
cp "$(readlink -f /usr/bin/python3)" "$WORK/bin/traefik"
chmod 755 "$WORK"/bin/*
: >"$WORK/systemctl"
export PATH="$WORK/bin:$BUILD/bin:$PATH" HALL_SHARE="$WORK/share/broker" LC_ALL=C.UTF-8
unset SUDO_UID HALL_MQTT_PASSWORD || true
trap 'for f in "$WORK"/*.pid; do if [ -e "$f" ]; then kill "$(cat "$f")" 2>/dev/null || true; fi; done; wait' EXIT
printf 'correct horse\n' >/root/password
state() { find /etc /root/.config /root/password /var/lib/hall -xdev -type f -printf '%p %m %u %T@ %s\n' 2>/dev/null | sort | sha256sum; }
ASK="hallctl setup --yes"
SITE="--site testing.example.org=testing,http://192.168.77.20:8080"
"""


def namespaced(script):
    return ["unshare", "--mount", "--net", "--propagation", "private", "bash", "-c", PREPARE + script]


@pytest.fixture
def place(tmp_path):
    """A tmpfs, because an overlay does not lie on every file system."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", tmp_path], check=True)
    tmp_path.chmod(0o755)
    yield tmp_path
    subprocess.run(["umount", "-l", tmp_path], check=True)


def environment(place):
    return {**os.environ, "WORK": str(place), "ROOT": str(ROOT), "BUILD": str(BUILD), "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}


def play(place, script, status=0):
    done = subprocess.run(namespaced(script), env=environment(place), capture_output=True, text=True, check=False, timeout=300,
                          stdin=subprocess.DEVNULL)
    logs = "".join(f"\n{f.name}:\n{f.read_text()}" for f in place.glob("*.log"))
    assert done.returncode == status, done.stdout + done.stderr + logs
    return done


def test_everything_at_once_and_again(place):
    done = play(place, r"""
$ASK --password-file /root/password --server testing=192.168.77.20 $SITE --proxy nginx --http-only --language fr --interface eth0
stat -c '%U %a %n' /etc/hall /etc/hall/hall.env /var/lib/hall /var/lib/hall/domains.json /root/.config/hall/hallctl.json
echo "--- done"; cat "$WORK/systemctl"; : >"$WORK/systemctl"; before=$(state)
hallctl status
mosquitto_sub --cafile /etc/mosquitto/certs/ca.crt -h 192.168.77.2 -p 8883 -u operator \
  -P "$(sed -n 's/.*"password": "\(.*\)",/\1/p' /root/.config/hall/hallctl.json)" -t hall/status -C 1 -W 60
echo "--- again"
$ASK --password-file /root/password --server testing=192.168.77.20 $SITE --proxy nginx --http-only --language fr --interface eth0
hallctl setup --yes
echo "--- end"; cat "$WORK/systemctl"; [ "$before" = "$(state)" ]
""")
    first, told, again = done.stdout.split("--- done")[0], done.stdout.split("--- done")[1], done.stdout.split("--- again")[1]
    assert "Hall runs and is connected to 127.0.0.1" in first
    assert "nginx brings visitors of testing.example.org to Hall" in first
    assert "Open http://192.168.77.2:8881/" in first and "sudo hallctl enroll testing" in first
    assert "root 755 /etc/hall\nroot 600 /etc/hall/hall.env\nhall 700 /var/lib/hall\nhall 640 /var/lib/hall/domains.json\n" \
           "root 600 /root/.config/hall/hallctl.json\n" in first
    assert told.split("SERVER")[0].split() == "enable mosquitto restart mosquitto restart hall enable nginx reload-or-restart nginx".split()
    assert re.search(r"^testing +\w+", told, re.M) and re.search(r"^online$", told, re.M)
    assert again == "\nnothing to change\nnothing to change\n--- end\n"
    for secret in ("correct horse", "HALL_MQTT_PASSWORD", "argon2"):
        assert secret not in done.stdout + done.stderr


def test_only_the_new_server_is_added(place):
    done = play(place, r"""
$ASK --server testing=192.168.77.20 $SITE --proxy nginx --http-only >/dev/null
sed -i 's/^  "domains"/  "site" :  "attic",\n&/' /var/lib/hall/domains.json
cp /var/lib/hall/domains.json "$WORK/before"; sha256sum /etc/hall/hall.env /etc/mosquitto/* /root/.config/hall/* 2>/dev/null >"$WORK/sums" || true
: >"$WORK/systemctl"
$ASK --server erp=192.168.77.21,AA-BB-CC-DD-EE-02 --site erp.example.org=erp,http://192.168.77.21,always_on
sha256sum --quiet -c "$WORK/sums"; cat "$WORK/systemctl"
echo "--- difference"; diff "$WORK/before" /var/lib/hall/domains.json || true
grep -c 'server_name erp.example.org' /etc/nginx/conf.d/hall.conf
""")
    difference = done.stdout.split("--- difference\n")[1]
    assert re.findall(r'^> +"(\w[\w.]*)"', difference, re.M) == ["testing", "erp", "testing.example.org", "erp.example.org"]
    assert '"mac": "aa:bb:cc:dd:ee:02"' in difference and '"mode": "always_on"' in difference
    assert "reload hall\nenable nginx\nreload-or-restart nginx\n--- difference" in done.stdout
    assert "restart mosquitto" not in done.stdout


WRONG = [
    ("--server testing", "--server: found"),
    ("--server Testing=192.168.77.20", "1 to 64 characters"),
    ("--server testing=192.168.77.20,aa:bb", "found the MAC"),
    ("--server testing=10.1.1.1,aa:bb:cc:dd:ee:01", "none of this machine's networks (eth0 192.168.77.0/24)"),
    ("--server testing=192.168.77.255,aa:bb:cc:dd:ee:01", "allowed: the IPv4 address of one machine"),
    ("--server testing=192.168.77.0,aa:bb:cc:dd:ee:01", "allowed: the IPv4 address of one machine"),
    ("--server testing=192.168.77.2,aa:bb:cc:dd:ee:01", "this machine's own address"),
    ("--server testing=192.168.77.99", "does not answer, so its MAC is not known"),
    ("--site a.example.org=nas,http://192.168.77.20", 'there is no server "nas"'),
    ("--server testing=192.168.77.20 --site a.example.org=testing,gopher://x", "/domains/a.example.org/upstream"),
    ("--interface eth9", 'no interface "eth9"'),
    ("--language de", "allowed: en or fr"),
    ("--proxy apache", "allowed: nginx, caddy, traefik, haproxy or none"),
    ("--server testing=192.168.77.20 --site a.example.org=testing,http://192.168.77.20 --proxy nginx", "no certificate for a.example.org"),
    ("--broker http://hall", "--broker: found"),
    ("--broker mqtt://127.0.0.1:1999", "needs the password of hall"),
    ("--broker-password-file /root/password", "--broker-password-file belongs to a broker elsewhere"),
    ("--broker local --user me", "--user belongs to a broker elsewhere"),
    ("--broker mqtt://127.0.0.1:1999 --broker-password-file /root/password", "does not accept the user hall"),
    ("--password-file /root/none", "cannot be read"),
    ("--password-file /dev/null", "cannot be read"),
    ("--password-file /root", "/root cannot be read: Is a directory"),
]


def test_a_wrong_answer_is_explained_before_anything_is_written(place):
    lines = "".join(f'echo "--- {i}" >&2; ! $ASK {flags} >"$WORK/out"; ! [ -s "$WORK/out" ]; [ "$before" = "$(state)" ]\n'
                    for i, (flags, _) in enumerate(WRONG))
    done = play(place, 'before=$(state)\n' + lines + 'cat "$WORK/systemctl"')
    assert done.stdout == ""
    parts = re.split(r"^--- \d+\n", done.stderr, flags=re.M)[1:]
    assert len(parts) == len(WRONG)
    for (flags, words), said in zip(WRONG, parts):
        assert words in said, (flags, said)


def test_what_is_taken_or_of_others(place):
    done = play(place, r"""
before=$(state)
/usr/bin/python3 -c 'import socket, time
v6 = socket.socket(socket.AF_INET6); v6.bind(("::1", 8881)); v6.listen()
s = socket.socket(); s.bind(("127.0.0.1", 8880)); s.listen(); print("up", flush=True); time.sleep(600)' >"$WORK/up" &
echo $! >"$WORK/other.pid"; while ! [ -s "$WORK/up" ]; do sleep 0.02; done
echo "--- port" >&2; ! $ASK; [ "$before" = "$(state)" ]; kill "$(cat "$WORK/other.pid")"; wait "$(cat "$WORK/other.pid")" || true
printf 'listener 1884\nallow_anonymous true\n' >/etc/mosquitto/conf.d/mine.conf
before=$(state); echo "--- broker" >&2; ! $ASK; [ "$before" = "$(state)" ]
rm /etc/mosquitto/conf.d/mine.conf
echo 'server {}' >/etc/nginx/conf.d/hall.conf
before=$(state); echo "--- proxy" >&2; ! $ASK --proxy nginx; [ "$before" = "$(state)" ]
rm /etc/nginx/conf.d/hall.conf
echo 'EXTRAOPTS="-de"' >>/etc/default/haproxy
before=$(state); echo "--- haproxy" >&2; ! $ASK --proxy haproxy; [ "$before" = "$(state)" ]
cat "$WORK/systemctl"
""")
    said = dict(re.findall(r"^--- (\w+)\n(.*?)(?=^--- |\Z)", done.stderr, re.M | re.S))
    assert re.search(r"port 8880 is taken by python3\S*, and hall needs it", said["port"])
    assert "8881" not in said["port"]  # IPv6 alone takes nothing from IPv4
    assert "/etc/mosquitto/conf.d/mine.conf configures Mosquitto already (listener)" in said["broker"]
    assert "per_listener_settings" in said["broker"] and "--broker mqtt://127.0.0.1:1883" in said["broker"]
    assert "/etc/nginx/conf.d/hall.conf has a configuration of your own" in said["proxy"]
    assert "/etc/default/haproxy has a configuration of your own" in said["haproxy"]
    assert done.stdout == ""


@pytest.mark.parametrize("proxy, service", [("nginx", "reload-or-restart nginx"), ("caddy", "reload-or-restart caddy"),
                                            ("haproxy", "restart haproxy"), ("traefik", "restart traefik")])
def test_each_proxy_takes_its_configuration(place, proxy, service):
    done = play(place, rf"""
mkdir -p /etc/traefik
$ASK --server testing=192.168.77.20 $SITE --proxy {proxy} --http-only
grep -qx '{service}' "$WORK/systemctl"
echo "--- again"; $ASK --server testing=192.168.77.20 $SITE --proxy {proxy} --http-only
""")
    assert f"{proxy} brings visitors of testing.example.org to Hall" in done.stdout
    assert done.stdout.endswith("--- again\nnothing to change\n")


def test_a_proxy_that_does_not_bring_its_site_is_told(place):
    done = play(place, r"""
: >"$WORK/broken"
! $ASK --server testing=192.168.77.20 $SITE --proxy nginx --http-only || exit 1
rm "$WORK/broken"; echo "--- again"
$ASK --server testing=192.168.77.20 $SITE --proxy nginx --http-only
echo "--- other"; printf '#!/bin/sh\nexec /usr/bin/python3 -m http.server 80\n' >"$WORK/bin/start-nginx"
! $ASK --server testing=192.168.77.20 $SITE --site b.example.org=testing,http://192.168.77.20 --proxy nginx || exit 1
echo "--- taken"; before=$(state)
! $ASK --server testing=192.168.77.20 --site c.example.org=testing,http://192.168.77.20 --proxy nginx || exit 1
[ "$before" = "$(state)" ]; kill "$(cat "$WORK/nginx.pid")"; while [ -n "$(ss -Hltn 'sport = 80')" ]; do sleep 0.02; done
echo "--- nobody"; printf '#!/bin/sh\nexec true\n' >"$WORK/bin/start-nginx"
! $ASK --server testing=192.168.77.20 --site c.example.org=testing,http://192.168.77.20 --proxy nginx || exit 1
""")
    again = done.stdout.split("--- again\n")[1].split("---")[0]
    assert "systemctl reload-or-restart nginx failed" in done.stderr
    assert "reloads nginx" in again and "nginx brings visitors of testing.example.org to Hall" in again
    assert "what answers for testing.example.org on this machine is not Hall behind nginx; see: sudo hallctl doctor" in done.stderr
    assert re.search(r"port 80 is taken by python3\S*, and nginx needs it", done.stderr)
    assert "nginx does not answer for c.example.org: " in done.stderr


def test_a_proxy_that_refuses_gets_its_old_configuration_back(place):
    done = play(place, r"""
echo 'nonsense;' >/etc/nginx/conf.d/zz.conf
! $ASK --server testing=192.168.77.20 $SITE --proxy nginx --http-only || exit 1
[ ! -e /etc/nginx/conf.d/hall.conf ]
! grep nginx "$WORK/systemctl" || exit 1
""")
    assert "nginx -t -q failed" in done.stderr and "nonsense" in done.stderr
    assert "/etc/nginx/conf.d/hall.conf is as it was before" in done.stdout


ELSEWHERE = r"""
mkdir "$WORK/broker"; "$HALL_SHARE/make-users.sh" --dir "$WORK/broker" >"$WORK/users" 2>/dev/null
mosquitto_passwd -b "$WORK/broker/passwords" hall pw; echo pw >/root/hall
sed "s|/etc/mosquitto|$WORK/broker|; s/^listener 1883/user root\nlistener 1999/" "$HALL_SHARE/mosquitto.conf" >"$WORK/broker/conf"
cp "$HALL_SHARE/acl" "$WORK/broker/acl"
mosquitto -c "$WORK/broker/conf" >"$WORK/mosquitto.log" 2>&1 & echo $! >"$WORK/other.pid"
for _ in $(seq 3000); do [ -n "$(ss -Hltn 'sport = 1999')" ] && break; sleep 0.02; done
"""


def test_a_broker_elsewhere(place):
    done = play(place, ELSEWHERE + r"""
before=$(state)
! $ASK --broker mqtt://127.0.0.1:1999 --broker-password-file /root/password --server testing=192.168.77.20 || exit 1
[ "$before" = "$(state)" ]
$ASK --broker mqtt://127.0.0.1:1999 --broker-password-file /root/hall --server testing=192.168.77.20
cat "$WORK/systemctl"; [ ! -e /etc/mosquitto/passwords ]; hallctl status
HALL_MQTT_PASSWORD=$(cat /root/hall) $ASK --broker mqtt://127.0.0.1:1999 --server testing=192.168.77.20
""")
    assert "does not accept the user hall" in done.stderr
    assert "Hall runs and is connected to 127.0.0.1" in done.stdout
    assert "\nrestart hall\nSERVER" in done.stdout and done.stdout.endswith("\nnothing to change\n")


def test_root_needs_nothing_and_others_are_told(place):
    done = play(place, r"""
$ASK --server testing=192.168.77.20 >/dev/null
rm -r /root/.config/hall
hallctl status; hallctl events --limit 1; hallctl ping testing || true; hallctl --config /var/lib/hall/domains.json status
as() { setpriv --reuid=nobody --regid=nogroup --clear-groups env HOME=/nonexistent "$@"; }
! as hallctl status || exit 1
! LC_ALL=fr_FR.UTF-8 as hallctl status || exit 1
! as hallctl setup --yes || exit 1
""")
    assert len(re.findall(r"^testing +\w+", done.stdout, re.M)) == 2
    assert "192.168.77.20" in done.stdout
    assert "hallctl status: who you are at the broker is not known" in done.stderr
    assert "sudo hallctl status; or have ~/.config/hall/hallctl.json say it" in done.stderr and "tapez sudo hallctl status" in done.stderr
    assert "only root may set Hall up" in done.stderr


def test_the_user_of_sudo_may_steer(place):
    done = play(place, r"""
useradd --create-home --home-dir /run/anna anna
SUDO_UID=$(id -u anna) $ASK --server testing=192.168.77.20 >/dev/null
stat -c '%U %a %n' /run/anna/.config/hall /run/anna/.config/hall/hallctl.json
setpriv --reuid=anna --regid=anna --clear-groups env HOME=/run/anna hallctl status
# Somebody else, later.
useradd --create-home --home-dir /run/ben ben; : >"$WORK/systemctl"
SUDO_UID=$(id -u ben) $ASK >/dev/null
stat -c '%U %a %n' /run/ben/.config/hall/hallctl.json; ! [ -s "$WORK/systemctl" ]
SUDO_UID=$(id -u ben) $ASK; setpriv --reuid=ben --regid=ben --clear-groups env HOME=/run/ben hallctl status
""")
    assert "ben 600 /run/ben/.config/hall/hallctl.json\n" in done.stdout
    assert "anna 700 /run/anna/.config/hall\nanna 600 /run/anna/.config/hall/hallctl.json\n" in done.stdout
    assert len(re.findall(r"^testing ", done.stdout, re.M)) == 2 and "\nnothing to change\n" in done.stdout


CUT_SHORT = {
    "killed behind the users": (r"""
mv "$HALL_SHARE/make-users.sh" "$WORK/make-users"
printf '#!/bin/sh\n"%s" "$@"\nkill -9 $PPID\n' "$WORK/make-users" >"$HALL_SHARE/make-users.sh"; chmod 755 "$HALL_SHARE/make-users.sh"
""", 'mv "$WORK/make-users" "$HALL_SHARE/make-users.sh"', ""),
    "no room for the secrets": ("mkdir /etc/hall; mount -t tmpfs -o size=4k tmpfs /etc/hall; head -c 4096 /dev/zero >/etc/hall/full", "umount /etc/hall",
                                "/etc/hall/hall.env could not be written: No space left on device"),
    "no room for the configuration": ("mkdir /var/lib/hall; mount -t tmpfs -o size=4k tmpfs /var/lib/hall; head -c 4096 /dev/zero >/var/lib/hall/full",
                                      "umount /var/lib/hall", "/var/lib/hall/domains.json could not be written: No space left on device"),
    "nothing may be written": ("mount -o remount,ro /etc", "mount -o remount,rw /etc", "the folder /etc/mosquitto cannot be written to"),
}


@pytest.mark.parametrize("how", CUT_SHORT)
def test_what_was_cut_short_is_finished_the_next_time(place, how):
    before, after, words = CUT_SHORT[how]
    done = play(place, before + r"""
! $ASK --server testing=192.168.77.20 || exit 1
""" + after + r"""
! grep restart "$WORK/systemctl"; find /etc /var/lib/hall /root/.config -name '*.hall-new' 2>/dev/null || true
$ASK --server testing=192.168.77.20 >/dev/null
grep -q operator /root/.config/hall/hallctl.json; hallctl status
echo "--- again"; $ASK --server testing=192.168.77.20
""")
    assert words in done.stderr
    assert re.search(r"\A.*^testing +\w+[^\n]*\n--- again\nnothing to change\n\Z", done.stdout, re.M | re.S)
    assert ".hall-new" not in done.stdout and "restart mosquitto" not in done.stdout


def test_a_machine_is_asked_for_its_mac(place):
    done = play(place, r"""
unshare --net sleep 600 & echo $! >"$WORK/far.pid"
while [ "$(readlink "/proc/$!/ns/net")" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
ip link set far netns $!
nsenter -t $! -n sh -c 'ip link set far address aa:bb:cc:dd:ee:30; ip link set far up; ip addr add 192.168.77.30/24 dev far'
hallctl setup --dry-run --server erp=192.168.77.30
ip neigh flush dev eth0; echo "--- scan"
hallctl discover --scan 192.168.77.24/29
""")
    setup, scan = done.stdout.split("--- scan\n")
    assert '"erp": { "address": "192.168.77.30", "mac": "aa:bb:cc:dd:ee:30"' in setup
    assert re.search(r"^192\.168\.77\.30 +aa:bb:cc:dd:ee:30 ", scan, re.M)


def test_an_installation_by_hand(place):
    done = play(place, r"""
mkdir /etc/hall; printf '{ "servers": {}, "domains": {}, "timezone": "Asia/Tokyo" }\n' >/etc/hall/domains.json
hallctl check
hallctl setup --dry-run --server testing=192.168.77.20
""")
    assert "/etc/hall/domains.json: ok" in done.stdout and "\n  /etc/hall/domains.json\n" in done.stdout
    assert "/var/lib/hall/domains.json" not in done.stdout


def test_dry_run_writes_nothing(place):
    done = play(place, 'before=$(state); hallctl setup --dry-run --server testing=192.168.77.20; [ "$before" = "$(state)" ]; cat "$WORK/systemctl"')
    assert "new file /var/lib/hall/domains.json" in done.stdout and done.stdout.endswith("nothing was written (--dry-run)\n")


def test_without_a_terminal_it_wants_yes(place):
    done = play(place, 'before=$(state); ! hallctl setup --server testing=192.168.77.20; [ "$before" = "$(state)" ]')
    assert "with --yes" in done.stderr


class Terminal:
    """What a person sees and types."""

    def __init__(self, place, script, language):
        self.seen, self.at = "", 0
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe("unshare", namespaced(f"export LC_ALL={language}\n" + script), environment(place))

    def wait(self, words):
        """Until these words stand behind those of the last call."""
        end = time.monotonic() + 60
        while words not in self.seen[self.at:]:
            assert select.select([self.fd], [], [], end - time.monotonic())[0], f"no {words!r} in:\n{self.seen}"
            self.seen += self.read()
        self.at = self.seen.index(words, self.at) + len(words)

    def read(self):
        assert select.select([self.fd], [], [], 60)[0], f"silent:\n{self.seen}"
        try:
            got = os.read(self.fd, 65536).decode()
        except OSError:
            got = ""
        assert got, f"ended:\n{self.seen}"
        return got

    def type(self, words, line):
        self.wait(words)
        os.write(self.fd, (line + "\n").encode())

    def end(self):
        while select.select([self.fd], [], [], 60)[0]:
            try:
                self.seen += os.read(self.fd, 65536).decode()
            except OSError:  # all have closed it
                break
        else:
            os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


def test_the_questions_at_a_terminal(place):
    terminal = Terminal(place, 'hallctl setup; cat "$WORK/systemctl" /var/lib/hall/domains.json', "C.UTF-8")
    terminal.type("a URL [local]: ", "")
    terminal.type("en or fr [en]: ", "de")
    terminal.type("allowed: en or fr", "fr")
    terminal.wait("192.168.77.20    aa:bb:cc:dd:ee:01")
    terminal.type("(empty: no more): ", "testing")
    terminal.type("IPv4 address of testing: ", "10.0.0.1")
    terminal.type("must be on): ", "aa:bb:cc:dd:ee:01")
    terminal.wait("10.0.0.1 is in none of this machine's networks (eth0 192.168.77.0/24)")
    terminal.type("(empty: no more): ", "testing")
    terminal.type("IPv4 address of testing: ", "192.168.77.20")
    terminal.type("must be on): ", "")
    terminal.type("(empty: no more): ", "")
    terminal.type("(empty: no more): ", "testing.example.org")
    terminal.type("Server of testing.example.org [testing]: ", "")
    terminal.type("[http://192.168.77.20:80]: ", "http://192.168.77.20:8080")
    terminal.type("[on_demand]: ", "")
    terminal.type("(empty: no more): ", "")
    terminal.type("or none [nginx]: ", "none")
    terminal.type("none yet): ", "correct horse")
    terminal.type("Once more: ", "correct house")
    terminal.type("none yet): ", "correct horse")
    terminal.type("Once more: ", "correct horse")
    terminal.type("Write this? yes or no [yes]: ", "")
    assert terminal.end() == 0, terminal.seen
    assert "correct ho" not in terminal.seen
    assert "Hall runs and is connected" in terminal.seen and "restart mosquitto\r\nrestart hall\r\n" in terminal.seen
    assert '"language": "fr"' in terminal.seen and '"upstream": "http://192.168.77.20:8080"' in terminal.seen


def test_a_broker_elsewhere_at_a_terminal(place):
    terminal = Terminal(place, ELSEWHERE + "hallctl setup --language en --server testing=192.168.77.20", "C.UTF-8")
    terminal.type("a URL [local]: ", "mqtt://127.0.0.1:1999")
    terminal.type("Hall's user at mqtt://127.0.0.1:1999 [hall]: ", "")
    terminal.type("Password of hall there (empty: none yet): ", "wrong")
    terminal.wait("mqtt://127.0.0.1:1999 does not accept the user hall: ")
    terminal.type("Hall's user at mqtt://127.0.0.1:1999 [hall]: ", "")
    terminal.type("Password of hall there (empty: none yet): ", "pw")
    terminal.type("(empty: no more): ", "")
    terminal.type("none yet): ", "")
    terminal.type("Write this? yes or no [yes]: ", "")
    assert terminal.end() == 0, terminal.seen
    assert "Hall runs and is connected to 127.0.0.1" in terminal.seen


@pytest.mark.parametrize("how", ["Ctrl-C", "end", "no", "Ctrl-C at the password"])
def test_who_stops_has_written_nothing(place, how):
    flags = "--server testing=192.168.77.20 $SITE --proxy none --broker local --language fr"
    terminal = Terminal(place, f'before=$(state); set +e; hallctl setup {"" if how in ("Ctrl-C", "end") else flags}; echo "status $?"; stty -a | grep -o " echo "'
                        '; [ "$before" = "$(state)" ] && echo same; cat "$WORK/systemctl"', "fr_FR.UTF-8")
    if how == "Ctrl-C":
        terminal.wait("URL [local]: ")
        os.write(terminal.fd, b"\x03")
    elif how == "end":
        terminal.wait("URL [local]: ")
        os.write(terminal.fd, b"\x04")
    else:
        terminal.wait("pas encore): ")
        os.write(terminal.fd, b"\x03" if how == "Ctrl-C at the password" else b"\n")
    if how == "no":
        terminal.type("oui ou non [oui]: ", "non")
    terminal.end()
    assert "rien n’a été écrit\r\nstatus 1\r\n echo \r\nsame\r\n" in terminal.seen, terminal.seen
    assert terminal.seen.endswith("same\r\n")
