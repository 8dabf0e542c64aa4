"""docs/SERVICE.md, docs/AGENT.md and docs/RELAY.md, typed as they stand: in a mount namespace in which /etc, /usr and /var/lib can be
written to and nothing of it stays. What needs a running systemd or an editor is played by a few lines in its place."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from lan import free_port

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("HALL_BUILD", "build")
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.S | re.M)

# The words of the manual that are not run as they stand.
PLAY = r"""
set -eu
sudo() {
  local as=root
  if [ "$1" = -u ]; then as=$2; shift 2; fi
  case $1 in
    apt-get | systemctl) echo "skipped: $*" ;;
    sudoedit) edit "$2" ;;
    *) if [ "$as" = root ]; then "$@"; else setpriv --reuid="$as" --regid="$as" --clear-groups "$@"; fi ;;
  esac
}
sudoedit() { edit "$1"; }
systemctl() { echo "skipped: systemctl $*"; }
journalctl() { echo "skipped: journalctl $*"; }
edit() {
  case $1 in
    */hall.env) sed -i "s/^HALL_MQTT_PASSWORD=.*/HALL_MQTT_PASSWORD=$(sed -n 's/^hall //p' "$WORK/users")/" "$1" ;;
    */domains.json) cp "$WORK/domains.json" "$WORK/edited" && cat "$WORK/edited" >"$1" ;;
    */agent.json) cp "$WORK/agent.json" "$1" ;;
    */relay.json) cp "$WORK/relay.json" "$1" ;;
    *) echo "nobody edits $1" >&2; exit 1 ;;
  esac
}
for folder in /etc /usr /var/lib; do
  name=$(echo "$folder" | tr / _)
  mkdir -p "$WORK/layers/$name/upper" "$WORK/layers/$name/work"
  mount -t overlay overlay -o "lowerdir=$folder,upperdir=$WORK/layers/$name/upper,workdir=$WORK/layers/$name/work" "$folder"
done
# As if Hall had never been here.
sed -i '/^hall:/d' /etc/passwd /etc/group /etc/shadow /etc/gshadow
rm -rf /etc/hall /etc/mosquitto/passwords /var/lib/hall
mkdir -p /etc/mosquitto/conf.d /etc/systemd/system
cd "$ROOT"
"""

BEHIND = r"""
stat -c '%U %a %n' /etc/hall /etc/hall/hall.env /var/lib/hall /var/lib/hall/domains.json
# As the unit would: the environment file read, the user's rights.
set -a; . /etc/hall/hall.env; set +a
mosquitto -c /etc/mosquitto/conf.d/hall.conf >"$WORK/mosquitto.log" 2>&1 &
broker=$!
setpriv --reuid=hall --regid=hall --clear-groups --bounding-set=-all --no-new-privs \
  hall --config /var/lib/hall/domains.json 2>"$WORK/hall.log" &
hall=$!
trap 'kill "$hall" "$broker" 2>/dev/null || true; wait' EXIT
for _ in $(seq 600); do grep -q 'bus: connected' "$WORK/hall.log" && break; sleep 0.1; done
mosquitto_sub -h 127.0.0.1 -p "$PORT" -u operator -P "$(sed -n 's/^operator //p' "$WORK/users")" -t hall/status -C 1 -W 60
ls -ld /var/lib/hall/hall.db
trap - EXIT
kill "$hall" "$broker"
wait "$hall" "$broker" || true
"""

REMOVED = r"""
ls -d /var/lib/hall /etc/hall /usr/bin/hall /usr/bin/hallctl /usr/lib/systemd/system/hall.service 2>/dev/null || echo "nothing is left"
getent passwd hall || echo "nobody is left"
"""


def blocks(page, *headings):
    """The shell blocks of these sections, in order."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    sections = dict(re.findall(r"^#{2,3} (?:\d+\. )?(.+?)\n(.*?)(?=^#{2,3} |\Z)", text, re.S | re.M))
    return "\n".join("\n".join(BLOCK.findall(sections[heading])) for heading in headings)


def outside():
    """What the manual changes on a real machine."""
    return Path("/etc/passwd").read_bytes(), Path("/etc/hall").exists(), Path("/var/lib/hall").exists()


@pytest.fixture
def place(tmp_path):
    """A tmpfs, because an overlay does not lie on every file system."""
    before = outside()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", tmp_path], check=True)
    tmp_path.chmod(0o755)
    yield tmp_path
    subprocess.run(["umount", "-l", tmp_path], check=True)
    assert outside() == before


def play(place, script):
    port, gateway, admin = free_port(), free_port(), free_port()
    (place / "domains.json").write_text(
        f'{{"mqtt": {{"url": "mqtt://127.0.0.1:{port}", "username": "hall"}},'
        f' "http": {{"gateway": "127.0.0.1:{gateway}", "admin": "127.0.0.1:{admin}"}},'
        ' "servers": {"testing": {"address": "127.8.8.8", "mac": "02:00:00:00:00:01"}}}')
    (place / "agent.json").write_text('{"id": "testing", "mqtt": {"url": "mqtts://hall.lan:8883", "ca": "/etc/hall/ca.crt"}}')
    (place / "relay.json").write_text(
        '{"id": "attic", "mqtt": {"url": "mqtts://hall.lan:8883", "ca": "/etc/hall/ca.crt"}, "interface": "eth0", "raw": true}')
    script = (script.replace("build/bin/", f"{BUILD}/bin/").replace("build/share/", f"{BUILD}/share/")
              .replace("./run.sh --build-only", "echo skipped: the build").replace("cmake --install build", f"cmake --install {BUILD}")
              .replace("xargs -a build/", f"xargs -a {BUILD}/")
              .replace("make-users.sh --user testing --user attic", "make-users.sh --user testing --user attic >$WORK/users"))
    script = re.sub(r"^sudo systemctl restart mosquitto", f"sed -i 's/^listener 1883/user root\\\\nlistener {port}/' "
                    "/etc/mosquitto/conf.d/hall.conf", script, flags=re.M)
    return subprocess.run(["unshare", "--mount", "--propagation", "private", "bash", "-c", PLAY + script],
                          env={**os.environ, "WORK": str(place), "ROOT": str(ROOT), "PORT": str(port),
                               "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"},
                          capture_output=True, text=True, check=False, timeout=300)


def test_hall_is_installed_as_the_manual_says(place):
    by_hand = {part: blocks("SERVICE.md", f"By hand: {part}") for part in ("build", "the broker", "user, files and secrets", "start", "remove")}
    remove = by_hand.pop("remove")
    done = play(place, "\n".join(by_hand.values()) + BEHIND + remove + REMOVED)
    log = done.stdout + done.stderr + "".join(f.read_text() for f in place.glob("*.log"))
    assert done.returncode == 0, log
    assert "root 755 /etc/hall\nroot 600 /etc/hall/hall.env\nhall 700 /var/lib/hall\nhall 600 /var/lib/hall/domains.json\n" in done.stdout
    assert "/var/lib/hall/domains.json: ok: 1 server, 0 domains" in done.stdout
    assert re.search(r"^online$", done.stdout, re.M), log
    assert re.search(r"^-rw------- \d+ hall hall .*/var/lib/hall/hall.db$", done.stdout, re.M), log
    assert done.stdout.endswith("nothing is left\nnobody is left\n"), log


def test_an_agent_is_installed_as_the_manual_says(place):
    before = "cd $WORK; echo authority >ca.crt\n"
    check = "\nhall-agent --config /etc/hall/agent.json --check\nstat -c '%U %a' /etc/hall/agent.env\nid -un hall-agent\n"
    left = ("\nfind $WORK/layers/_usr/upper $WORK/layers/_etc/upper ! -type c -iname '*hall*'"  # a device: what was below is deleted
            "\ngetent passwd hall-agent || getent group hall-agent || echo nobody is left\n")
    done = play(place, before + blocks("AGENT.md", "On Debian", "Its files and the service") + check + blocks("AGENT.md", "Removing it") + left)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "/etc/hall/agent.json: ok: agent of testing\nroot 600\nhall-agent\n" in done.stdout
    assert done.stdout.endswith("skipped: systemctl daemon-reload\nnobody is left\n"), done.stdout


def test_a_relay_is_installed_as_the_manual_says(place):
    check = "\nhall-wol --config /etc/hall/relay.json --check\nstat -c '%U %a' /etc/hall/relay.env\n"
    done = play(place, blocks("RELAY.md", "Installing") + check)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("/etc/hall/relay.json: ok: relay attic\nroot 600\n")
