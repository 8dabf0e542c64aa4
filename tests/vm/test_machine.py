"""Hall, its agent and a machine that is real to its kernel: systemd, logind, suspend to RAM, a card that wakes it.

The tests share one machine, which is slow to boot, and build on no order: each brings it to where it begins.
"""

import json
import os
import re
import sqlite3
import time

import pytest
from debroot import Missing
from helpers import command, events, result, state_of, status, topic, wait_no_lease, wait_state
from image import image
from machine import Machine
from process import wait_until
from world import BROWSER, ROOT, World, http_get

SERVER = "testing"
MAC = "02:00:5e:10:0a:20"
DESCRIBED = {SERVER: {"name": "Testing", "number": 20, "mac": MAC, "domain": "testing.localhost",
                      "sites": [{"id": "site", "title": "Site", "path": None, "port": 8080, "containers": []}]}}
BOOT_LIMIT = 240  # seconds; alone on two cores it takes 20
RESUME_LIMIT = 120


class Scene:
    """The machine on a LAN with a broker and Hall, and what was heard."""

    def __init__(self, binaries, directory):
        folder = image()
        self.world = World(binaries / "hall", directory, servers=DESCRIBED, namespaces=True, idle="5s", min_up="0s")
        self.machine = None
        try:
            self._start(binaries, directory, folder)
        except BaseException:
            self.close()
            raise

    def _start(self, binaries, directory, folder):
        world = self.world
        server = world.hall.config["servers"][SERVER]
        server["wake"]["timeout"] = "5m"
        server["checks"] = [{"ping": {}}, {"agent": {}}, {"http": {"url": f"http://{server['address']}:8080/"}}]
        world.hall.write(world.hall.config)
        world.broker.start()
        (directory / "machine").mkdir()
        self.machine = Machine(folder, directory / "machine", world.lan, 20, MAC, binaries / "hall-agent",
                               {"user": SERVER, "port": world.broker.port, "password": world.broker.passwords[SERVER]})
        world.hall.start()
        self.bus = world.bus()
        wait_state(self.bus, SERVER, "off", 60)

    def visit(self):
        return self.world.hall.get("/", BROWSER, host="testing.localhost")

    def report(self, after=0, limit=60, **wanted):
        def fits(message):
            value = message.json()
            return all(value[k] == v for k, v in wanted.items())

        return self.bus.wait(f"hall/agents/{SERVER}/report", fits, after, limit, f"a report with {wanted}").json()

    def wake(self, kind, limit):
        """A visit wakes it, by Hall's own packet; says how long each step took."""
        machine, mark, seen = self.machine, self.bus.mark(), len(self.machine.packets)
        answer = self.visit()
        assert answer.status == 503 and b"<html" in answer.body
        wait_until(lambda: len(machine.packets) > seen, 10, "Hall's packet on the wire", pause=0.005)
        packet = machine.packets[seen][0]
        # A loaded machine may boot for longer than Hall waits: then it is ready, and learned of, after "wake_failed".
        reached = {
            "first_sign": self.bus.wait_text(topic(SERVER, "state"), "booting", mark, limit).at - packet,
            "agent_online": self.bus.wait_text(f"hall/agents/{SERVER}/state", "online", mark, limit).at - packet,
            "ready": self.bus.wait_json(topic(SERVER, "event"), mark, limit, event_type="ready").at - packet,
        }
        wait_state(self.bus, SERVER, "ready", limit)
        # Awake for as long as the test likes; a sleep command ends this, as it ends what people asked for by command.
        id, asked = command(self.bus, SERVER, "wake", **{"for": "1h"})
        result(self.bus, SERVER, id, "done", asked)
        tell(f"{kind:<10} packet to first sign {reached['first_sign']:6.2f} s, to agent online "
             f"{reached['agent_online']:6.2f} s, to ready {reached['ready']:6.2f} s")
        return mark

    def ready(self):
        if state_of(self.bus, SERVER) != "ready":
            self.wake("again", BOOT_LIMIT)
        # No login is left over from before.
        wait_until(lambda: (self.last_report() or {"vetoes": "none yet"})["vetoes"] == [], 60, "a report without a veto")

    def last_report(self):
        message = self.bus.last(f"hall/agents/{SERVER}/report")
        return message.json() if message else None

    def sleep(self):
        """By Hall's command, through the agent and logind, to the proof of silence. The mark before it."""
        wait_no_lease(self.bus, SERVER, "visit", 20)
        wait_until(lambda: self._asked_to_sleep(), 60, "a sleep that is accepted", pause=1)
        id, mark = self.asked
        result(self.bus, SERVER, id, "done", mark, 120)
        wait_state(self.bus, SERVER, "off", 10)
        return mark

    def _asked_to_sleep(self):
        """A login of ours, and the use of its connection, may take a moment to end."""
        id, mark = self.asked = command(self.bus, SERVER, "sleep")
        first = self.bus.wait_json(topic(SERVER, "result"), mark, 30, id=id).json()
        assert first["outcome"] == "accepted" or re.search("sessions|connections|processor|network|disk", first["reason"]), first
        return first["outcome"] == "accepted"

    def gone(self, event, mark, qmp):
        """It said goodbye, then its kernel stopped; Hall calls it off, and never unreachable."""
        word = self.bus.wait_text(f"hall/agents/{SERVER}/state", "sleeping", mark, 60)
        stopped = self.machine.monitor.wait(event, qmp, 120)
        assert word.at < stopped, "the goodbye comes before the network goes"
        wait_state(self.bus, SERVER, "off", 120)
        states = [m.text() for m in self.bus.heard(topic(SERVER, "state"), mark)]
        assert states == ["sleeping", "off"], (states, self.bus.heard(f"hall/agents/{SERVER}/state", mark))
        assert not self.machine.answers(), "nothing answers at its address"

    def connections(self):
        """How often the broker took the agent's connection."""
        log = (self.world.directory / "broker" / "mosquitto.log").read_text(encoding="utf-8", errors="replace")
        return sum("New client connected" in line and " as agent-" in line and f"u'{SERVER}'" in line for line in log.splitlines())

    def close(self):
        if self.machine:
            self.machine.close()
        self.world.close()


def tell(line):
    """The timings are for people: test.sh shows this file."""
    print(line)
    if os.environ.get("TIMINGS"):
        with open(os.environ["TIMINGS"], "a", encoding="utf-8") as file:
            file.write(line + "\n")


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    binaries = ROOT / os.environ.get("HALL_BUILD", "build") / "bin"
    try:
        scene = Scene(binaries, tmp_path_factory.mktemp("scene"))
    except Missing as missing:
        pytest.fail(str(missing), pytrace=False)
    yield scene
    scene.close()


@pytest.fixture(autouse=True)
def last_words(scene, request):
    failed = request.session.testsfailed
    yield
    if request.session.testsfailed > failed:
        print("Hall:", scene.world.hall.log_text()[-3000:], "\nThe machine:", scene.machine.console()[-3000:])


def test_a_visit_switches_it_on(scene):
    """A cold boot; the agent runs as its unit says, may suspend by its polkit rule, and reads the card."""
    if state_of(scene.bus, SERVER) == "off":
        scene.wake("cold boot", BOOT_LIMIT)
    scene.ready()
    report = scene.last_report()
    assert report["can"] == {"suspend": True, "hibernate": report["can"]["hibernate"], "poweroff": True, "reboot": True,
                             "containers": True, "problem": None, "problem_fact": None}
    assert report["wol"]["interface"] == "eth0" and report["wol"]["problem"] in (None, "")
    assert scene.machine.run("systemctl show -p User --value hall-agent").strip() == "hall-agent"
    held = scene.machine.run("systemd-inhibit --list --no-legend").splitlines()
    assert [line.split()[5] for line in held if line.startswith("hall-agent")] == ["shutdown", "sleep"], held
    answer = scene.visit()
    assert answer.status in (302, 303, 307), answer
    site = http_get(scene.machine.address, 8080, "/")
    assert site.status == 200 and b"a real machine" in site.body


def test_a_login_is_a_veto(scene):
    scene.ready()
    mark, qmp = scene.bus.mark(), scene.machine.monitor.mark()
    login = scene.machine.start("sleep 600")
    try:
        scene.bus.wait(f"hall/agents/{SERVER}/report", lambda m: m.json()["vetoes"], mark, 60)
        wait_no_lease(scene.bus, SERVER, "visit", 20)
        veto = f"sessions: root from {scene.world.lan.gateway}"
        id, mark = command(scene.bus, SERVER, "sleep")
        # While bytes have moved on it lately, Hall knows of the connection and need not ask; a quiet session is the agent's to tell.
        refused = result(scene.bus, SERVER, id, "refused", mark, 60)
        told = {"sleep.in_use": f"port 22 from {scene.world.lan.gateway}", "veto.remote_session": f"root from {scene.world.lan.gateway}"}
        assert told[refused["reason_fact"]["code"]] in refused["reason"], refused
        # The agent itself says no too, whoever asks it.
        hall = scene.world.bus(user="hall")
        hall.publish(f"hall/agents/{SERVER}/command", {"id": "by-hand", "action": "suspend", "expires": "2099-01-01T00:00:00Z"})
        assert hall.wait_json(f"hall/agents/{SERVER}/result", id="by-hand", limit=30).json()["vetoes"][0] == veto
        assert state_of(scene.bus, SERVER) == "ready" and scene.machine.state() == "running"
    finally:
        login.stop()
    assert scene.machine.monitor.count("SUSPEND", qmp) == 0
    mark = scene.bus.mark()
    scene.report(mark, vetoes=[])


# Each is begun by a login that ends at once, and prints its pid; and what the agent says of it.
AWAY = "</dev/null >/dev/null 2>&1 & echo $!"
WORK = {
    "tmux": ("tmux new-session -d -P -F '#{pane_pid}' 'sleep 6000'", "terminals: sleep runs in tmux"),
    "rsync": (f"truncate -s 64M /var/tmp/big; setsid rsync --bwlimit=1 /var/tmp/big /var/tmp/copy {AWAY}", "copies: rsync runs"),
    "dpkg": (f"setsid flock --no-fork /var/lib/dpkg/lock-frontend sleep 6000 {AWAY}", "packages: /var/lib/dpkg/lock-frontend is locked"),
    "systemd-run": ("systemd-run --quiet --unit=nightly sleep 6000; systemctl show --property MainPID --value nightly",
                    "jobs: nightly.service runs"),
    "loop": (f"setsid sh -c 'while :; do :; done' {AWAY}", "processor: a load of "),
    "idle": (f"setsid systemd-inhibit --what=idle --who=player --why='plays a film' sleep 6000 {AWAY}",
             "inhibitors: player says that this machine is not idle (plays a film)"),
}


def test_work_that_nobody_watches_keeps_it_awake(scene):
    """With the agent's own defaults, and nobody logged in. All at once; then one after the other ends, and the last lets it go."""
    scene.ready()
    machine, qmp, hall = scene.machine, scene.machine.monitor.mark(), scene.world.bus(user="hall")
    pids = {kind: machine.run(command).split()[-1] for kind, (command, _) in WORK.items()}
    rest = [words for _, words in WORK.values()]

    def missing(report):
        """What it does not name; somebody who is logged in is no part of this."""
        unnamed = [words for words in rest if not any(veto.startswith(words) for veto in report["vetoes"])]
        return unnamed + [session["user"] for session in report["sessions"] if session["counts"]]

    def seen(mark):
        try:
            return scene.bus.wait(f"hall/agents/{SERVER}/report", lambda m: not missing(m.json()), mark, 120).json()
        except AssertionError:
            report = scene.last_report()
            raise AssertionError(f"without {missing(report)}: {report['vetoes']}") from None

    for kind, pid in pids.items():
        report = seen(scene.bus.mark())
        hall.publish(f"hall/agents/{SERVER}/command", {"id": f"while-{kind}", "action": "suspend", "expires": "2099-01-01T00:00:00Z"})
        answer = hall.wait_json(f"hall/agents/{SERVER}/result", id=f"while-{kind}", limit=30).json()
        assert answer["outcome"] == "refused" and not missing({"vetoes": answer["vetoes"], "sessions": []}), answer
        assert machine.monitor.count("SUSPEND", qmp) == 0
        tell(f"work       {next(v for v in report['vetoes'] if v.startswith(rest[0]))}")
        machine.run(f"kill {pid}")
        rest.pop(0)
    scene.gone("SUSPEND", scene.sleep(), qmp)
    scene.wake("resume", RESUME_LIMIT)


def test_suspended_by_hall_and_woken_by_its_packet(scene):
    scene.ready()
    machine, qmp = scene.machine, scene.machine.monitor.mark()
    before, connections = scene.last_report(), scene.connections()
    mark = scene.sleep()
    scene.gone("SUSPEND", mark, qmp)
    assert machine.state() == "suspended"
    asleep_at, packets = machine.monitor.wait("SUSPEND", qmp), len(machine.packets)
    # Long enough for the jump of its clock to show.
    wait_until(lambda: time.monotonic() - asleep_at > 8, 20)
    assert machine.state() == "suspended" and len(machine.packets) == packets
    qmp = machine.monitor.mark()
    mark = scene.wake("resume", RESUME_LIMIT)
    slept = machine.monitor.wait("WAKEUP", qmp) - asleep_at
    report = scene.report(mark, resumes=before["resumes"] + 1)
    assert report["boot_id"] == before["boot_id"], "the same boot goes on"
    # It reads how long it slept off a clock of whole seconds.
    assert report["uptime_s"] - before["uptime_s"] >= slept - 2, "its clock counts the sleep"
    assert report["wol"]["armed"] is True, "the agent armed the card before the sleep"
    assert scene.connections() == connections + 1, "the connection from before the sleep is not trusted"
    states = [m.text() for m in scene.bus.heard(f"hall/agents/{SERVER}/state", mark)]
    assert states[-1] == "online" and states.count("online") == 1
    log = machine.run("journalctl -u hall-agent -o cat")
    assert "back from sleep" in log and "not connected to the broker: this machine was" in log


def test_suspended_behind_halls_back(scene):
    scene.ready()
    mark, qmp = scene.bus.mark(), scene.machine.monitor.mark()
    login = scene.machine.start("systemctl suspend")
    scene.gone("SUSPEND", mark, qmp)
    login.kill()
    assert events(scene.bus, SERVER, "sleep_requested", mark) == []
    scene.wake("resume", RESUME_LIMIT)


def test_a_cold_boot_is_learned_beside_the_resumes(scene):
    scene.ready()
    boot_id = scene.last_report()["boot_id"]
    mark, qmp = scene.bus.mark(), scene.machine.monitor.mark()
    login = scene.machine.start("systemctl poweroff")
    scene.gone("SHUTDOWN", mark, qmp)
    login.kill()
    mark = scene.wake("cold boot", BOOT_LIMIT)
    report = scene.report(mark)
    assert report["boot_id"] != boot_id and report["resumes"] == 0
    cold = status(scene.bus, SERVER)["last_boot_s"]
    scene.ready()
    scene.sleep()
    scene.wake("resume", RESUME_LIMIT)
    resumed = wait_until(lambda: status(scene.bus, SERVER)["last_boot_s"] != cold and status(scene.bus, SERVER)["last_boot_s"],
                         10, "the time of the resume")
    assert 0 < resumed < cold
    learned = kept(scene.world.hall.config["store"]["path"])
    assert learned["resume"] and learned["cold_boot"], learned
    assert max(learned["resume"]) < min(learned["cold_boot"]), learned
    tell("learned    " + ", ".join(f"{kind}: {' '.join(f'{ms / 1000:.2f} s' for ms in times)}" for kind, times in learned.items()))


def test_a_clock_that_jumps_is_named(scene):
    """A day ahead: Hall's command looks expired there. The agent lives on, and is back to normal with its clock."""
    scene.ready()
    machine, qmp = scene.machine, scene.machine.monitor.mark()
    machine.run("date -s @$(($(date +%s) + 86400))")
    wait_no_lease(scene.bus, SERVER, "visit", 20)
    wait_no_lease(scene.bus, SERVER, "agent", 60)
    wait_no_lease(scene.bus, SERVER, "stream", 60)
    id, mark = command(scene.bus, SERVER, "sleep")
    assert "the clocks differ" in result(scene.bus, SERVER, id, "refused", mark, 60)["reason"]
    assert machine.monitor.count("SUSPEND", qmp) == 0
    machine.run("date -s @$(($(date +%s) - 86400))")
    scene.gone("SUSPEND", scene.sleep(), qmp)


def kept(path):
    """Times to ready that the store keeps of this server, by kind, ms."""
    def read():
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as store:
            body = store.execute("SELECT body FROM state WHERE kind = 'server' AND key = ?", (SERVER,)).fetchone()
        boots = json.loads(body[0])["boots"]
        return {name: [b["ready"] for b in boots if b["kind"] == number] for number, name in enumerate(("resume", "cold_boot"))}

    wait_until(lambda: all(read().values()), 10, "both kinds in the store")
    return read()
