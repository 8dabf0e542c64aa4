"""hallctl against a real Hall and a real broker: every verb, what it says, how it ends, and what it refuses."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from bus import Bus
from helpers import asleep, awake, barrier, state_of, status, topic, wait_lease, wait_state, wait_status
from lan import free_port
from process import wait_until
from world import Broker, ROOT

DONE, ERROR, USAGE, UNREACHABLE, TIMEOUT = range(5)
LIMIT = 60


class Ctl:
    """hallctl as one user of a world's broker; nothing of whoever runs the tests gets in."""

    def __init__(self, binary, broker, home, user="operator"):
        self.path = binary.with_name("hallctl")
        self.home = home
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("HALL_", "XDG_", "NO_COLOR"))}
        self.env |= {"HALL_MQTT_URL": f"mqtt://127.0.0.1:{broker.port}", "HALL_MQTT_USERNAME": user,
                     "HALL_MQTT_PASSWORD": broker.passwords[user], "HOME": str(home), "TZ": "Europe/Paris", "LC_ALL": "C"}

    def run(self, *words, expect=DONE, text="", **env):
        done = subprocess.run([self.path, *words], env={**self.env, **env}, input=text, text=True, capture_output=True,
                              timeout=LIMIT, check=False)
        assert done.returncode == expect, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr
        return done

    def said(self, *words, **options):
        return self.run(*words, **options).stdout

    def complained(self, *words, expect=ERROR, **options):
        done = self.run(*words, expect=expect, **options)
        assert done.stderr.startswith("hallctl") or ": " in done.stderr, done.stderr
        return done.stderr

    def start(self, *words, **env):
        # Whoever runs the tests in the background has them ignore Ctrl-C, and a child inherits that.
        return subprocess.Popen([self.path, *words], env={**self.env, **env}, text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))


@pytest.fixture(scope="module")
def ctl(binary, world, tmp_path_factory):
    return Ctl(binary, world.broker, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def viewer(binary, world, tmp_path_factory):
    return Ctl(binary, world.broker, tmp_path_factory.mktemp("home"), "viewer")


# ---- seeing ----

def test_status(ctl, bus):
    asleep(bus, "testing")
    lines = ctl.said("status").splitlines()
    assert lines[0].split() == ["SERVER", "STATE", "FOR", "UNTIL", "POLICY", "WHY"]
    assert [line.split()[0] for line in lines[1:]] == ["erp", "testing"]
    assert lines[2].split()[1] == "off"
    one = ctl.said("status", "testing").splitlines()
    assert len(one) == 2 and "\x1b" not in "".join(one)


def test_status_json_is_what_the_bus_has(ctl, bus):
    asleep(bus, "testing")
    value = {}

    def is_the_same():
        """Unless something was published in between."""
        value.update(json.loads(ctl.said("status", "--json")))
        return value["servers"]["testing"]["status"] == status(bus, "testing")

    wait_until(is_the_same, 20, "what the bus has")
    assert value["hall"] == "online" and value["info"]["servers"] == 2
    assert set(value["servers"]) == {"erp", "testing"}
    assert value["servers"]["testing"]["config"] == bus.last(topic("testing", "config")).json()
    assert set(json.loads(ctl.said("--json", "status", "erp"))["servers"]) == {"erp"}


def test_why_ends_the_argument(ctl, bus, world):
    asleep(bus, "testing")
    off = ctl.said("why", "testing")
    assert off.startswith("testing (Testing) is off since ") and "hallctl wake testing" in off
    awake(bus, "testing")
    world.hall.auth("/client1/", headers={"Accept": "text/html", "Sec-Fetch-Mode": "navigate"})
    ctl.run("hold", "testing", "backup", "--for", "2h", "--reason", "nightly")
    wait_lease(bus, "testing", "visit")
    wait_lease(bus, "testing", "hold")
    on = ctl.said("why", "testing")
    until = r"\(until (\w+ )?[-\d:+ ]+\), since "
    assert re.search(r"client1 was visited \d+ s ago " + until, on), on
    assert re.search("backup holds it: nightly " + until, on), on
    assert re.search(r"It goes to sleep at (\w+ )?[-\d:+ ]+, when the last of these ends, if its agent agrees\.", on), on
    assert "Next: at " in on and "Its policy is on_demand; a visit keeps it on for 20 min." in on
    assert "Evidence: its agent says online" in on
    value = json.loads(ctl.said("why", "testing", "--json"))
    assert value["server"] == "testing" and value["status"]["state"] == "ready" and value["vetoes"] == []
    french = ctl.said("why", "testing", LC_ALL="fr_FR.UTF-8")
    assert french.startswith("testing (Testing)\u00a0: prêt depuis ")
    assert "client1 a été visité il y a " in french and "backup le maintient\u00a0: nightly (jusqu’à " in french
    assert "backup le maintient" in ctl.said("status", "testing", LC_ALL="", LANG="fr_FR.UTF-8")
    ctl.run("release", "testing", "backup")
    barrier(bus)  # answers come before what the broker is to keep
    assert "backup" not in ctl.said("why", "testing")


def test_why_tells_the_veto(ctl, bus, world):
    awake(bus, "erp")
    busy = world.directory / "erp.busy"
    busy.touch()
    try:
        refused = ctl.complained("sleep", "erp", "--wait")
        assert "refused" in refused and "busy: " in refused and "hallctl why erp" in refused
        wait_status(bus, "erp", lambda s: s["sleep_refused"] is not None)
        why = ctl.said("why", "erp")
        assert "The last sleep was refused: " in why and "busy: " in why
    finally:
        busy.unlink()
    ctl.run("sleep", "erp", "--wait", "--force")
    wait_status(bus, "erp", lambda s: s["sleep_refused"] is None)


def test_projects(ctl, bus):
    awake(bus, "testing")
    lines = ctl.said("projects").splitlines()
    assert [line.split()[0] for line in lines] == ["PROJECT", "client1", "client2"]
    assert "testing.localhost/client1" in lines[1] and " ready " in lines[1]
    assert lines == ctl.said("projects", "list").splitlines()
    value = json.loads(ctl.said("projects", "--json"))["projects"]
    assert value["client1"]["status"]["server"] == "testing"
    assert "known: client1, client2" in ctl.complained("projects", "start", "client3")
    assert "list, start PROJECT" in ctl.complained("projects", "begin", "client1", expect=USAGE)
    assert "list, start PROJECT" in ctl.complained("projects", "start", expect=USAGE)
    ctl.complained("projects", "list", "client1", expect=USAGE)


def test_watch(ctl, bus):
    asleep(bus, "testing")
    watch = ctl.start("watch", "testing", "--limit", "4")
    assert watch.stdout.readline().split()[-2:] == ["is", "off"]
    ctl.run("wake", "testing", "--wait")
    out, err = watch.communicate(timeout=LIMIT)
    assert watch.returncode == DONE, err
    assert len(out.splitlines()) == 3 and "wake requested: wake command by " in out
    assert all(" testing " in line for line in out.splitlines())


def test_watch_json_and_its_end_in_time(ctl, bus):
    asleep(bus, "testing")
    watch = ctl.start("watch", "--json", "--timeout", "60s", "--limit", "2")
    # It hears what it is told once it is there: until then it is told again.
    while watch.poll() is None:
        ctl.run("hold", "testing", "short", "--for", "1h")
        ctl.run("release", "testing", "short")
    events = [json.loads(line) for line in watch.stdout.read().splitlines()]
    assert len(events) == 2 and all(e["topic"].startswith("hall/") and e["event"]["event_type"] for e in events)
    asleep(bus, "testing")
    assert ctl.run("watch", "--timeout", "300ms", expect=TIMEOUT).stderr == ""


# ---- steering ----

def test_wake_tells_its_progress(ctl, bus):
    asleep(bus, "testing")
    done = ctl.said("wake", "testing", "--wait", "--for", "45m", "--by", "a test")
    assert "the magic packet is sent" in done and "the server answers" in done and "ready" in done
    assert re.search(r"^testing: wake done after [\d.]+ s$", done, re.M)
    lease = wait_lease(bus, "testing", "manual")
    assert lease["holder"] == "a test"
    again = ctl.said("wake", "testing")
    assert again in ("testing: wake accepted\n", "testing: wake done\n")


def test_wake_json_is_the_bus_line_by_line(ctl, bus):
    asleep(bus, "testing")
    lines = [json.loads(line) for line in ctl.said("wake", "testing", "--wait", "--json").splitlines()]
    outcomes = [x["outcome"] for x in lines if "outcome" in x]
    assert outcomes == ["accepted", "done"]
    assert {"stage", "ready"} <= {x["event_type"] for x in lines if "event_type" in x}


def test_a_wake_that_takes_too_long(ctl, bus, world):
    asleep(bus, "testing")
    world.sims["testing"].tell("slow 4")
    assert "not at its end yet" in ctl.complained("wake", "testing", "--wait", "--timeout", "2s", expect=TIMEOUT)
    world.sims["testing"].tell(f"slow {world.boot_s}")
    wait_state(bus, "testing", "ready")


def test_sleep_names_what_is_in_its_way(ctl, bus):
    awake(bus, "testing")
    ctl.run("hold", "testing", "move", "--until", "2099-01-01T00:00:00Z", expect=ERROR)
    ctl.run("hold", "testing", "move", "--for", "1h")
    refused = ctl.complained("sleep", "testing")
    assert "move holds it" in refused and "--force passes over it" in refused
    assert re.search(r"sleep done after [\d.]+ s", ctl.said("sleep", "testing", "--force", "--wait"))
    wait_state(bus, "testing", "off")


def test_restart_and_cancel(ctl, bus, world):
    awake(bus, "testing")
    assert "restart done" in ctl.said("restart", "testing", "--wait", "--force")
    assert "no wake is under way" in ctl.complained("cancel", "testing") or state_of(bus, "testing") != "ready"
    wait_state(bus, "testing", "ready")
    asleep(bus, "testing")
    world.sims["testing"].tell("deaf on")
    try:
        ctl.run("wake", "testing")
        assert ctl.said("cancel", "testing") == "testing: cancel done\n"
    finally:
        world.sims["testing"].tell("deaf off")


def test_hold_until_a_time_of_the_day(ctl, bus):
    asleep(bus, "testing")
    assert ctl.said("hold", "testing", "evening", "--until", "18:00") == "testing: hold done\n"
    until = wait_lease(bus, "testing", "hold", holder="evening")["until"]
    local = time.strptime(until, "%Y-%m-%dT%H:%M:%SZ")
    assert local.tm_min == 0 and local.tm_hour in (16, 17)  # Paris
    assert ctl.said("release", "testing", "evening") == "testing: release done\n"


def test_policy_idle_and_keep_awake(ctl, bus):
    assert ctl.said("policy", "testing") == "on_demand\n"
    assert ctl.said("policy", "testing", "always_on") == "testing: policy done\n"
    wait_status(bus, "testing", lambda s: s["policy"] == "always_on")
    assert ctl.said("policy", "testing") == "always_on\n"
    ctl.run("policy", "testing", "configured")
    barrier(bus)  # answers come before what the broker is to keep
    assert ctl.said("policy", "testing") == "on_demand\n"
    ctl.run("idle", "testing", "2h")
    barrier(bus)
    assert ctl.said("idle", "testing") == "120\n"
    ctl.run("idle", "testing", "20")
    barrier(bus)
    assert ctl.said("idle", "testing") == "20\n"
    assert ctl.said("keep-awake", "testing") == "off\n"
    ctl.run("keep-awake", "testing", "ON")
    barrier(bus)
    assert ctl.said("keep-awake", "testing") == "on\n"
    ctl.run("keep-awake", "testing", "off")
    asleep(bus, "testing")


def test_hall_itself(ctl, bus, world):
    assert ctl.said("announce") == "Hall: announce done\n"
    assert ctl.said("reload") == "Hall: reload done\n"
    good = world.hall.config
    world.hall.file.write_text('{"servers": {"x": {}}}', encoding="utf-8")
    try:
        assert "/servers/x" in ctl.complained("reload")
        mark = bus.mark()
        assert "told to reload" in ctl.said("reload", "--pid", str(world.hall.process.pid))
        bus.wait_json("hall/event", mark, event_type="config_rejected")
        assert "is not hall" in ctl.complained("reload", "--pid", str(os.getpid()))
    finally:
        world.hall.write(good)
    ctl.run("reload")


# ---- what is refused ----

@pytest.mark.parametrize("words", [
    ["status", "tesing"], ["why", "tesing"], ["wake", "tesing"], ["sleep", "tesing"], ["restart", "tesing"],
    ["cancel", "tesing"], ["hold", "tesing", "x", "--for", "1h"], ["release", "tesing", "x"], ["policy", "tesing"],
    ["policy", "tesing", "always_on"], ["idle", "tesing", "5"], ["keep-awake", "tesing"], ["watch", "tesing"],
    ["wake", "no/slash"], ["wake", "+"], ["wake", "#"], ["why", "Testing"], ["wake", "\x1b[2J"], ["why", "ü" * 200],
], ids=" ".join)
def test_an_unknown_server_lists_the_known_ones(ctl, words):
    said = ctl.complained(*words)
    assert "there is no server" in said and "known: erp, testing" in said and "\x1b" not in said
    assert ("Did you mean testing?" in said) == (words[1] in ("tesing", "Testing"))


@pytest.mark.parametrize(("words", "hint"), [
    ([], "Usage: hallctl"),
    (["waek", "testing"], "Did you mean wake?"),
    (["wake"], "usage: hallctl wake SERVER"),
    (["wake", "testing", "erp"], "usage: hallctl wake SERVER"),
    (["wake", "testing", "--for", "soon"], "a duration"),
    (["wake", "testing", "--for", "31d"], "30d"),
    (["wake", "testing", "--loud"], "unknown option --loud\n"),
    (["sleep", "testing", "--for", "1h"], "unknown option --for\n"),
    (["hold", "testing", "backup"], "--for 2h"),
    (["hold", "testing", "backup", "--for", "1h", "--until", "18:00"], "one end"),
    (["hold", "testing", "Back up", "--for", "1h"], "a-z 0-9 _ -"),
    (["hold", "testing", "backup", "--until", "whenever"], "18:00"),
    (["release", "testing", "a/b"], "a-z 0-9 _ -"),
    (["policy", "testing", "sometimes"], "always_on, scheduled, on_demand, configured"),
    (["idle", "testing", "0"], "1 to 10080"),
    (["idle", "testing", "90s"], "1 to 10080"),
    (["keep-awake", "testing", "maybe"], "on, off"),
    (["status", "--broker", "http://x"], "mqtt://"),
    (["status", "--base", "a/+/b"], "the base topic"),
    (["status", "--config", "/nowhere/domains.json"], "/nowhere/domains.json"),
    (["status", "--by", "me"], "unknown option --by\n"),
    (["reload", "--pid", "1"], "a whole number"),
    (["watch", "--limit", "0"], "a whole number"),
    (["ping"], "usage: hallctl ping"),
    (["ping", "127.0.0.1", "--mac", "aa:bb"], "six bytes"),
    (["ping", "127.0.0.1", "--http", "ftp://x"], "http"),
    (["send", "aa:bb:cc:dd:ee:0g"], "six bytes"),
    (["send", "aa:bb:cc:dd:ee:01", "--broadcast", "lan"], "IPv4"),
    (["send", "aa:bb:cc:dd:ee:01", "--secureon", "xyz"], "--secureon"),
    (["discover", "--scan", "10.0.0.0/8"], "/22 at most"),
    (["discover", "--scan", "here"], "/22 at most"),
], ids=lambda x: " ".join(x) if isinstance(x, list) else "")
def test_a_wrong_command_line_says_what_is_allowed(ctl, words, hint):
    done = ctl.run(*words, expect=USAGE)
    assert done.stdout == "" and hint in done.stderr, done.stderr


def test_the_viewer_may_look_and_nothing_else(viewer, bus):
    asleep(bus, "testing")
    assert "testing" in viewer.said("status")
    assert "testing (Testing) is off" in viewer.said("why", "testing")
    assert "does not pass it on" in viewer.complained("wake", "testing")
    barrier(bus)
    assert state_of(bus, "testing") == "off"


# ---- without Hall, or without a broker ----

def test_no_broker_and_no_hall(binary, tmp_path):
    broker = Broker(tmp_path / "broker", ["127.0.0.1"], free_port())
    ctl = Ctl(binary, broker, tmp_path)
    assert "Connection refused" in ctl.complained("status", expect=UNREACHABLE)
    assert "--broker" in ctl.complained("wake", "testing", expect=UNREACHABLE)
    assert ctl.run("complete", "--", "wake", "").stdout == ""
    broker.start()
    try:
        assert "nothing is heard of Hall" in ctl.complained("status", expect=UNREACHABLE)
        refused = ctl.complained("status", expect=UNREACHABLE, HALL_MQTT_PASSWORD="wrong")
        assert "refuses the connection" in refused and "check the user and HALL_MQTT_PASSWORD" in refused and "wrong" not in refused
        hall = Bus("127.0.0.1", broker.port, "hall", broker.passwords["hall"])
        hall.publish("hall/status", "offline", retain=True)
        hall.close()
        assert "hall/status is offline" in ctl.complained("wake", "testing", expect=UNREACHABLE)
    finally:
        broker.stop()
    assert "cannot be resolved" in ctl.complained("status", "--broker", "mqtt://nowhere.invalid", expect=UNREACHABLE)


def test_watch_outlives_the_broker(make_world, binary, tmp_path):
    world = make_world()
    ctl = Ctl(binary, world.broker, tmp_path)
    watch = ctl.start("watch", "--limit", "1000", "--timeout", "5m")
    lines = []
    try:
        assert " is " in watch.stdout.readline()
        threading.Thread(target=lambda: [lines.append(line) for line in watch.stdout], daemon=True).start()
        world.broker.kill()
        assert "trying again" in watch.stderr.readline()
        world.broker.start()

        def held():
            subprocess.run([ctl.path, "hold", "erp", "again", "--for", "1h", "--reason", "known again"], env=ctl.env,
                           capture_output=True, check=False, timeout=LIMIT)
            return any("known again" in line for line in lines)
        wait_until(held, LIMIT, "watch hears of a hold after the broker came back")
    finally:
        watch.kill()
        watch.wait()


# ---- where the broker is ----

def test_settings_from_a_file(ctl, world, tmp_path):
    folder = tmp_path / ".config" / "hall"
    folder.mkdir(parents=True)
    file = folder / "hallctl.json"
    words = {"HOME": str(tmp_path), "HALL_MQTT_URL": "", "HALL_MQTT_USERNAME": "", "HALL_MQTT_PASSWORD": ""}
    settings = {"broker": f"mqtt://127.0.0.1:{world.broker.port}", "username": "operator",
                "password": world.broker.passwords["operator"]}
    file.write_text(json.dumps(settings), encoding="utf-8")
    file.chmod(0o644)
    assert "chmod 600" in ctl.complained("status", expect=USAGE, **words)
    file.chmod(0o600)
    assert "testing" in ctl.said("status", **words)
    assert "testing" in ctl.said("status", **{**words, "HOME": "/nowhere", "XDG_CONFIG_HOME": str(tmp_path / ".config")})
    for text, hint in [('{"brokr": "x"}', "/brokr"), ("{", "hallctl.json:1:"), ('{"broker": 7}', "/broker"),
                       ('{"broker": "ftp://x"}', "mqtt://")]:
        file.write_text(text, encoding="utf-8")
        assert hint in ctl.complained("status", expect=USAGE, **words)


def test_settings_of_halls_own_configuration(ctl, world):
    password = world.broker.passwords["hall"]
    words = {"HALL_MQTT_URL": "mqtt://127.0.0.1:1", "HALL_MQTT_USERNAME": "nobody", "HALL_MQTT_PASSWORD": password}
    assert "testing" in ctl.said("status", "--config", str(world.hall.file), **words)
    assert "127.0.0.1:1:" in ctl.complained("status", expect=UNREACHABLE, **words)


# ---- from this machine ----

def test_send_and_ping(ctl, bus, world):
    asleep(bus, "erp")
    config = ["--config", str(world.hall.file)]
    mark = world.sims["erp"].mark()
    gone = ctl.run("ping", "erp", *config, expect=ERROR)
    assert "erp: no sign of life" in gone.stdout
    assert "02:00:5e:10:00:21" in ctl.said("send", "erp", *config)
    world.sims["erp"].wait("frame", 10, mark)
    wait_state(bus, "erp", "ready", 60)
    there = ctl.said("ping", "erp", *config)
    assert "passes, HTTP 200" in there and "erp: is there" in there
    assert "there is no server" in ctl.complained("ping", "nowhere", *config)
    assert "known: testing, erp" in ctl.complained("send", "nowhere", *config)
    assert "there is no such interface" in ctl.complained("send", "aa:bb:cc:dd:ee:01", "--interface", "nowhere0")
    address = world.hall.config["servers"]["erp"]["address"]
    assert "tcp" in ctl.said("ping", address, "--tcp", "8080")
    refused = ctl.run("ping", address, "--tcp", "1", expect=DONE if world.lan.namespaces else ERROR).stdout
    assert (f"tcp {address}:1: the machine answers, but not as required" in refused) == bool(world.lan.namespaces)


def test_ping_tells_whose_mac_answers(ctl, bus, world):
    awake(bus, "erp")
    address = world.hall.config["servers"]["erp"]["address"]
    done = ctl.said("ping", address, "--tcp", "8080", "--mac", "02:00:5e:10:00:99")
    if world.lan.namespaces:
        assert "mac: 02:00:5e:10:00:21: this is another machine" in done
    else:
        assert "mac:" not in done


def test_discover(ctl, bus, world, tmp_path):
    awake(bus, "erp")
    if not world.lan.namespaces:
        assert ctl.run("discover", "--json").stdout.startswith("{")
        return
    scanned = [f"--scan={world.lan.address(0)}/24", "--interface", world.lan.interface]
    found = json.loads(ctl.said("discover", "--json", *scanned))["servers"]
    macs = {s["mac"] for s in found.values()}
    assert "02:00:5e:10:00:21" in macs
    table = ctl.said("discover", "--interface", world.lan.interface, "--config", str(world.hall.file))
    line = next(x for x in table.splitlines() if "02:00:5e:10:00:21" in x)
    assert line.split()[-1] == "erp"
    # What it prints is a configuration once it has domains.
    file = tmp_path / "domains.json"
    id = next(k for k, s in found.items() if s["mac"] == "02:00:5e:10:00:21")
    file.write_text(json.dumps({"servers": found, "domains": {"x.localhost": {"server": id}}}), encoding="utf-8")
    assert "ok:" in ctl.said("check", str(file))
    assert "no such interface" in ctl.complained("discover", "--interface", "nowhere0")


def test_check(ctl, world, tmp_path):
    assert "ok: 2 servers, 2 domains" in ctl.said("check", str(world.hall.file))
    assert "ok: 2 servers" in ctl.said("check", "--config", str(world.hall.file))
    file = tmp_path / "wrong.json"
    file.write_text('{"servers": {"x": {}}, "colour": 1}', encoding="utf-8")
    said = ctl.run("check", str(file), expect=ERROR).stderr
    assert "/servers/x" in said and "/colour" in said and len(said.splitlines()) >= 3
    assert "cannot be read" in ctl.run("check", "/nowhere", expect=ERROR).stderr


# ---- passwords ----

def test_hash_password_of_a_pipe(ctl):
    one = ctl.said("hash-password", text="correct horse\n")
    assert re.fullmatch(r"\$argon2id\$v=19\$m=\d+,t=\d+,p=\d+\$[\w+/]+\$[\w+/]+\n", one)
    assert one != ctl.said("hash-password", text="correct horse")
    assert "short" in ctl.run("hash-password", text="abc").stderr
    for text, hint in [("", "nothing came in"), ("\n", "is empty"), ("x" * 1025, "longer than 1024"), ("a\0b\n", "UTF-8")]:
        assert hint in ctl.complained("hash-password", text=text)


def talk_on_a_terminal(ctl, *words, answers=(), **env):
    """Runs it on a terminal of its own; answers are typed when it asks. Returns what the terminal showed."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(ctl.path, [str(ctl.path), *words], {**ctl.env, "TERM": "xterm", **env})
    shown, left, end = "", list(answers), time.monotonic() + LIMIT
    while time.monotonic() < end:
        if not select.select([fd], [], [], 1)[0]:
            continue
        try:
            piece = os.read(fd, 4096).decode("utf-8", "replace")
        except OSError:
            break
        if not piece:
            break
        shown += piece
        if left and shown.endswith(": "):
            os.write(fd, (left.pop(0) + "\n").encode())
    os.close(fd)
    return shown, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_hash_password_on_a_terminal_shows_nothing(ctl):
    shown, code = talk_on_a_terminal(ctl, "hash-password", answers=["correct horse", "correct horse"])
    assert code == DONE and "$argon2id$" in shown and "horse" not in shown
    shown, code = talk_on_a_terminal(ctl, "hash-password", answers=["correct horse", "correct house"])
    assert code == ERROR and "not the same" in shown and "hor" not in shown


# ---- terminals, pipes, shells ----

def test_colour_only_on_a_terminal_that_wants_it(ctl):
    assert "\x1b[1m" in talk_on_a_terminal(ctl, "status")[0]
    assert "\x1b" not in talk_on_a_terminal(ctl, "status", NO_COLOR="1")[0]
    assert "\x1b" not in talk_on_a_terminal(ctl, "status", TERM="dumb")[0]
    assert "\x1b" not in ctl.said("status")


def test_output_that_cannot_be_written_is_no_success(ctl):
    with open("/dev/full", "w") as full:
        done = subprocess.run([ctl.path, "status"], env=ctl.env, stdout=full, stderr=subprocess.PIPE, text=True,
                              check=False, timeout=LIMIT)
    assert done.returncode == ERROR and "could not be written" in done.stderr


def test_help_of_every_verb(ctl):
    verbs = ctl.said("complete", "--", "").split()[:-1]
    assert {"status", "why", "wake", "sleep", "restart", "cancel", "hold", "release", "policy", "idle", "keep-awake",
            "watch", "projects", "ping", "send", "announce", "check", "reload", "hash-password", "discover",
            "events", "stats", "proxy-config"} <= set(verbs)
    page = ctl.said("--help")
    for verb in verbs:
        assert re.search(rf"^  {verb} ", page, re.M)
        assert ctl.said("help", verb).startswith(f"Usage: hallctl {verb}")
        assert ctl.said(verb, "--help") == ctl.said("help", verb)
    assert ctl.said("--version").startswith("hallctl ")
    assert "Exit status" in page


def complete_in_bash(ctl, *words):
    script = (f". {ROOT}/hall-mqtt/hallctl/completion/hallctl.bash; COMP_LINE=\"$*\"; "
              "COMP_POINT=${#COMP_LINE}; _hallctl; printf '%s\\n' \"${COMPREPLY[@]}\"")
    done = subprocess.run(["bash", "-c", script, "bash", str(ctl.path), *words], env=ctl.env, text=True,
                          capture_output=True, timeout=LIMIT, check=True)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(("words", "expected"), [
    (["wa"], ["watch", "wake"]),
    (["wake", ""], ["erp", "testing"]),
    (["wake", "te"], ["testing"]),
    (["wake", "--wait", "e"], ["erp"]),
    (["status", "erp", "t"], ["testing"]),
    (["policy", "testing", "on"], ["on_demand"]),
    (["keep-awake", "testing", ""], ["on", "off"]),
    (["projects", "st"], ["start", "stop"]),
    (["projects", "start", ""], ["client1", "client2"]),
    (["sleep", "testing", "--fo"], ["--force"]),
    (["wake", "testing", "--for", ""], []),
    (["help", "disc"], ["discover"]),
    (["proxy-config", "ca"], ["caddy"]),
    (["policy", "testing", "on_demand", ""], []),
    (["--broker", "mqtt://127.0.0.1:1", "wake", ""], []),
    (["check", "/etc/host"], sorted(str(file) for file in Path("/etc").glob("host*"))),
    (["check", "--config", "/etc/hostn"], ["/etc/hostname"]),
    (["--brok"], ["--broker"]),
], ids=lambda x: " ".join(x) or "nothing")
def test_bash_completes(ctl, words, expected):
    assert sorted(complete_in_bash(ctl, *words)) == sorted(expected)


def complete_in_zsh(ctl, *words):
    """What the file gives to zsh's own builtins, which need a terminal."""
    script = (f'compadd() {{ shift; print -l -- "$@" }}; _files() {{ print files }}; words=("$@") CURRENT=$#; '
              f". {ROOT}/hall-mqtt/hallctl/completion/_hallctl")
    done = subprocess.run(["zsh", "-c", script, "zsh", str(ctl.path), *words], env=ctl.env, text=True,
                          capture_output=True, timeout=LIMIT, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_zsh_completes(ctl):
    assert {"wake", "help"} <= set(complete_in_zsh(ctl, "wa"))
    assert complete_in_zsh(ctl, "wake", "te") == ["erp", "testing"]
    assert "--force" in complete_in_zsh(ctl, "sleep", "testing", "--")
    assert complete_in_zsh(ctl, "check", "") == ["files"]
    assert complete_in_zsh(ctl, "idle", "testing", "") == []


def test_ctrl_c_ends_a_wait_quietly(ctl, bus, world):
    asleep(bus, "testing")
    world.sims["testing"].tell("deaf on")
    try:
        waiting = ctl.start("wake", "testing", "--wait")
        waiting.stdout.readline()
        waiting.send_signal(signal.SIGINT)
        waiting.communicate(timeout=LIMIT)
        assert waiting.returncode == -signal.SIGINT
        ctl.run("cancel", "testing")
    finally:
        world.sims["testing"].tell("deaf off")


# ---- what Hall remembers ----

KEY = "a-key-of-the-tests-0123456789"


@pytest.fixture(scope="module")
def keyed(binary, tmp_path_factory):
    """A world whose Hall has an API key, with one wake behind it."""
    from conftest import Worlds  # pytest's own copy of the file next to this one

    worlds = Worlds(binary, tmp_path_factory)
    world = worlds(start=False)
    plain = world.hall.environment
    world.hall.environment = lambda: {**plain(), "HALL_API_KEY": KEY}
    world.start()
    ctl = Ctl(binary, world.broker, tmp_path_factory.mktemp("home"))
    ctl.env |= {"HALL_API_KEY": KEY, "HALL_ADMIN_URL": "http://" + world.hall.config["http"]["admin"]}
    ctl.run("wake", "testing", "--wait", "--by", "the tests")
    yield ctl
    worlds.close()


def all_events(keyed, *words):
    return [json.loads(line) for line in keyed.said("events", "--json", *words).splitlines()]


def test_events(keyed):
    wait_until(lambda: any(e["type"] == "ready" for e in all_events(keyed)), 60, "the event on the disk")
    lines = keyed.said("events", "testing").splitlines()
    assert all(" testing " in line for line in lines)
    assert any("wake requested: wake command by the tests" in line for line in lines)
    order = [e["id"] for e in all_events(keyed)]
    assert order == sorted(order), "the newest comes last"
    # What happened last may be written in between.
    wait_until(lambda: all_events(keyed, "--limit", "2") == all_events(keyed)[-2:], 15, "the last two")
    assert {e["server"] for e in all_events(keyed, "testing")} == {"testing"}
    since = [e["id"] for e in all_events(keyed, "--since", "1h")]
    assert since[:len(order)] == order
    assert all_events(keyed, "--since", "2099-01-01T00:00:00Z") == []


def test_stats(keyed):
    lines = keyed.said("stats").splitlines()
    assert lines[0].startswith("From ")
    assert lines[2].split()[:4] == ["SERVER", "WAKES", "FAILED", "AWAKE"]
    assert next(line for line in lines if line.startswith("testing")).split()[:3] == ["testing", "1", "0"]
    value = json.loads(keyed.said("stats", "testing", "--json", "--days", "2"))
    assert [s["server"] for s in value["servers"]] == ["testing"] and value["servers"][0]["wakes"] == 1


def test_looking_back_needs_the_key(keyed):
    for verb in ("events", "stats"):
        assert "Set HALL_API_KEY" in keyed.complained(verb, HALL_API_KEY="")
        refused = keyed.complained(verb, HALL_API_KEY="another-key")
        assert "HTTP 401" in refused and "another-key" not in refused
        assert "--admin URL" in keyed.complained(verb, "--admin", "http://127.0.0.1:1", expect=UNREACHABLE)
        assert "http" in keyed.complained(verb, "--admin", "ftp://127.0.0.1", expect=USAGE)
        assert "a-z 0-9" in keyed.complained(verb, "no such", expect=USAGE)
    assert "18:00" in keyed.complained("events", "--since", "yesterday", expect=USAGE)
