"""The agent on a server: a real broker with the shipped rights, a logind on a private bus, the real /proc."""

import json
import os
import signal
import socket
import stat
import subprocess
import time
import uuid
from datetime import datetime, timedelta, timezone

import jsonschema
import pytest
from conftest import SANITIZER
from helpers import command, name_of, result, state_of, wait_lease, wait_state
from logind import SystemBus
from process import Process, wait_until
from real_agent import SHARED
from world import ROOT, Broker

HELD, HELD_TOO = ((what, "hall-agent", "says goodbye before the network goes", "delay") for what in ("sleep", "shutdown"))


@pytest.fixture(scope="session")
def agent_binary():
    path = ROOT / os.environ.get("HALL_BUILD", "build") / "bin" / "hall-agent"
    assert path.exists(), f"{path} is not built"
    return path


def at(seconds):
    return (datetime.now(timezone.utc) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Agent:
    """The program, its file, and what it is told and says."""

    def __init__(self, binary, directory, broker, bus_address, id="testing", prefix=(), **config):
        self.binary, self.directory, self.broker, self.id = binary, directory, broker, id
        self.prefix = prefix  # what it is started with, to be elsewhere
        self.address = bus_address
        self.file, self.log = directory / "agent.json", directory / "agent.log"
        self.process = None
        self.bus = broker.bus("hall")
        self.write(**config)

    def write(self, **config):
        activity = {**SHARED, **config.pop("activity", {})}
        config = {"id": self.id, "mqtt": {"url": f"mqtt://127.0.0.1:{self.broker.port}"}, "interface": "lo", "activity": activity, **config}
        self.file.write_text(json.dumps(config), encoding="utf-8")

    def environment(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith("HALL_") and k != "CREDENTIALS_DIRECTORY"}
        env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
        return {**env, "HALL_MQTT_PASSWORD": self.broker.passwords[self.id], "DBUS_SYSTEM_BUS_ADDRESS": self.address}

    def start(self, wait=True):
        mark = self.bus.mark()
        self.process = Process([*self.prefix, self.binary, "--config", self.file, "--verbose"], self.log, env=self.environment())
        if wait:
            self.wait_state("online", mark)
        return self

    def topic(self, what):
        return f"hall/agents/{self.id}/{what}"

    def wait_state(self, word, after=0, limit=30.0):
        return self.bus.wait_text(self.topic("state"), word, after, limit)

    def state(self):
        return self.bus.last(self.topic("state")).text()

    def wait_report(self, where=lambda r: True, after=0, limit=30.0, what="such a report"):
        return self.bus.wait(self.topic("report"), lambda m: where(m.json()), after, limit, what).json()

    def command(self, action="suspend", retain=False, **words):
        command = {"id": uuid.uuid4().hex, "action": action, "expires": at(30), "force": False, **words}
        mark = self.bus.mark()
        self.bus.publish(self.topic("command"), {k: v for k, v in command.items() if v is not None}, retain=retain)
        return command["id"], mark

    def result(self, id, after=0, limit=30.0, **wanted):
        return self.bus.wait_json(self.topic("result"), after, limit, id=id, **wanted).json()

    def order(self, action="suspend", outcome=None, **words):
        """Says it and waits for the first answer."""
        id, mark = self.command(action, **words)
        answer = self.result(id, mark)
        assert outcome in (None, answer["outcome"]), answer
        return answer

    def log_text(self):
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def close(self):
        try:
            if self.process and self.process.alive():
                status = self.process.stop(10)
                assert status == 0, f"hall-agent ended with {status}:\n{self.log_text()[-2000:]}"
            complaint = SANITIZER.search(self.log_text())
            assert complaint is None, self.log_text()[-6000:]
        finally:
            if self.process:
                self.process.kill()
            self.bus.close()


class Place:
    """A broker, a system bus, and the agents started there."""

    def __init__(self, binary, directory):
        self.binary, self.directory, self.agents = binary, directory, []
        self.broker = Broker(directory / "broker", [])
        self.broker.start()
        self.system = SystemBus(directory)

    def agent(self, start=True, logind=True, **config):
        if self.system.daemon is None:
            self.system.start(logind)
        agent = Agent(self.binary, self.directory, self.broker, self.system.address, **config)
        self.agents.append(agent)
        return agent.start() if start else agent

    def close(self):
        errors = []
        for agent in self.agents:
            try:
                agent.close()
            except AssertionError as error:
                errors.append(error)
        self.system.stop()
        self.broker.stop()
        if errors:
            raise errors[0]


@pytest.fixture
def place(agent_binary, tmp_path):
    place = Place(agent_binary, tmp_path)
    yield place
    place.close()


def suspended(place, n=1):
    wait_until(lambda: len(place.system.calls("Suspend")) == n, 15, f"{n} calls of Suspend")


def never_suspended(place):
    assert place.system.calls("Suspend") == []


# What it reports

def test_report_tells_what_the_machine_is(place):
    agent = place.agent()
    report = agent.wait_report()
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        assert report["boot_id"] == file.read().strip()
    with open("/proc/uptime", encoding="ascii") as file:
        assert 0 <= float(file.read().split()[0]) - report["uptime_s"] < 30
    assert report["load"] >= 0 and report["memory"]["total_mb"] > report["memory"]["free_mb"] > 0
    assert report["schema"] == 1 and report["resumes"] == 0
    assert report["sessions"] == [] and report["vetoes"] == []
    assert report["wol"]["interface"] == "lo" and not report["wol"]["armed"] and report["wol"]["problem"]
    assert report["can"] == {"suspend": True, "hibernate": True, "poweroff": True, "reboot": True, "containers": True,
                             "problem": None, "problem_fact": None}
    wait_until(lambda: {HELD, HELD_TOO} <= set(place.system.inhibitors()), 15, "the delay inhibitors")
    assert agent.bus.last(agent.topic("containers")) is None


def test_can_is_what_the_file_allows_and_logind_can(place):
    place.system.start()
    place.system.method("CanHibernate", 'ret = "na"', "", "s")
    place.system.method("CanReboot", 'ret = "challenge"', "", "s")
    agent = place.agent(allow=["suspend", "hibernate", "reboot"])
    can = agent.wait_report()["can"]
    assert can == {"suspend": True, "hibernate": False, "poweroff": False, "reboot": False, "containers": False,
                   "problem": None, "problem_fact": None}
    answer = agent.order("poweroff", "refused")
    assert "poweroff is switched off" in answer["reason"]
    assert answer["reason_fact"] == {"code": "agent.not_allowed", "action": "poweroff"}
    answer = agent.order("hibernate", "refused")
    assert "hibernate is not possible" in answer["reason"]
    assert answer["reason_fact"] == {"code": "agent.cannot", "action": "hibernate", "cause": {"code": "logind.unable"}}


def test_will_and_clean_end(place):
    agent = place.agent()
    mark = agent.bus.mark()
    agent.process.kill()
    agent.wait_state("offline", mark)
    agent.start()
    mark = agent.bus.mark()
    assert agent.process.stop(10) == 0
    agent.wait_state("offline", mark)


def test_sessions_come_and_go_at_once(place):
    agent = place.agent()
    agent.wait_report()
    path = place.system.add_session("c1", "root", Remote=True, RemoteHost="192.0.2.7", IdleHint=True)
    report = agent.wait_report(lambda r: r["vetoes"], limit=15)
    assert report["vetoes"] == ["sessions: root from 192.0.2.7"]
    assert report["veto_facts"] == [{"code": "veto.remote_session", "user": "root", "from": "192.0.2.7"}]
    assert report["sessions"] == [{"user": "root", "remote": True, "from": "192.0.2.7", "seat": "seat0", "idle": True,
                                   "counts": True}]
    mark = agent.bus.mark()
    place.system.remove_session("c1", path)
    agent.wait_report(lambda r: not r["vetoes"], mark, 15)


# Sleep

def test_suspend_says_goodbye_before_logind_is_asked(place):
    agent = place.agent()
    id, mark = agent.command()
    assert agent.result(id, mark) == {"id": id, "action": "suspend", "outcome": "accepted", "reason": None,
                                      "reason_fact": None, "vetoes": [], "veto_facts": [], "limit_s": 32}
    agent.wait_state("sleeping", mark)
    suspended(place)
    place.system.going(True)
    wait_until(lambda: HELD not in place.system.inhibitors(), 10, "the agent to let go")
    assert agent.state() == "sleeping"
    mark = agent.bus.mark()
    place.system.going(False)
    agent.wait_state("online", mark)
    assert agent.wait_report(lambda r: r["resumes"] == 1, mark)["can"]["suspend"]
    wait_until(lambda: HELD in place.system.inhibitors(), 10, "the delay inhibitor again")
    assert "asleep" in agent.log_text()


@pytest.mark.measures
def test_accepted_to_logind_within_50_ms(place):
    agent = place.agent()
    place.system.method("Suspend", "import time; open('%s', 'a').write('%%f\\n' %% time.time())" % (place.directory / "at"))
    times = []
    for _ in range(10):
        id, mark = agent.command()
        accepted = agent.bus.wait_json(agent.topic("result"), mark, id=id, outcome="accepted")
        wait_until(lambda n=len(times) + 1: (place.directory / "at").exists() and
                   len((place.directory / "at").read_text().splitlines()) == n, 5, "Suspend", pause=0.002)
        times.append(float((place.directory / "at").read_text().splitlines()[-1]) - accepted.wall)
        mark = agent.bus.mark()
        place.system.going(True)
        place.system.going(False)
        agent.wait_state("online", mark)
        agent.wait_report(after=mark)
    assert sorted(times)[len(times) // 2] < 0.05, times


@pytest.mark.parametrize("verb, method", [("hibernate", "Hibernate"), ("poweroff", "PowerOff"), ("reboot", "Reboot")])
def test_other_verbs(place, verb, method):
    agent = place.agent()
    agent.order(verb, "accepted")
    wait_until(lambda: place.system.calls(method), 15, method)
    assert place.system.calls(method)[0][1] == [False], "nobody is there to be asked for a password"


def test_sleep_begun_by_someone_else_gets_its_goodbye(place):
    agent = place.agent()
    mark = agent.bus.mark()
    place.system.going(True)
    agent.wait_state("sleeping", mark)
    wait_until(lambda: HELD not in place.system.inhibitors(), 10, "the agent to let go")
    assert "going down" in agent.order(outcome="refused")["reason"]
    mark = agent.bus.mark()
    place.system.going(False)
    agent.wait_state("online", mark)
    agent.order(outcome="accepted")


def test_shutdown_begun_and_called_off(place):
    agent = place.agent()
    mark = agent.bus.mark()
    place.system.going(True, "Shutdown")
    agent.wait_state("sleeping", mark)
    wait_until(lambda: HELD_TOO not in place.system.inhibitors(), 10, "the agent to let go")
    mark = agent.bus.mark()
    place.system.going(False, "Shutdown")
    agent.wait_state("online", mark)
    assert agent.wait_report(after=mark)["resumes"] == 0


def test_logind_fails_then_it_is_online_again(place):
    agent = place.agent()
    place.system.refuse("Suspend", "Sleep verb not supported")
    id, mark = agent.command()
    agent.result(id, mark, outcome="accepted")
    assert "Sleep verb not supported" in agent.result(id, mark, outcome="failed")["reason"]
    said = [m.text() for m in agent.bus.heard(agent.topic("state"), mark)]
    wait_until(lambda: agent.state() == "online", 15, "online again")
    assert said[0] == "sleeping"
    agent.order(outcome="accepted")


@pytest.mark.measures
def test_broker_away_does_not_hold_a_sleep_up(place):
    agent = place.agent()
    place.broker.kill()
    wait_until(lambda: "not connected" in agent.log_text(), 10, "the agent to notice")
    place.system.going(True)
    wait_until(lambda: HELD not in place.system.inhibitors(), 1.5, "the agent to let go")


@pytest.mark.measures
def test_mute_broker_holds_a_sleep_up_for_two_seconds_only(place):
    agent = place.agent()
    wait_until(lambda: HELD in place.system.inhibitors(), 15, "the delay inhibitor")
    place.broker.process.signal(signal.SIGSTOP)
    try:
        place.system.going(True)
        wait_until(lambda: HELD not in place.system.inhibitors(), 4, "the agent to let go")
        assert "did not take the goodbye in time" in agent.log_text()
    finally:
        place.broker.process.signal(signal.SIGCONT)


# Vetoes

def refused(agent, *words, **command):
    answer = agent.order(outcome="refused", **command)
    for word in words:
        assert any(word in veto for veto in answer["vetoes"]), answer
    assert answer["vetoes"][0] == answer["reason"] and answer["veto_facts"][0] == answer["reason_fact"]
    assert [fact["code"].startswith("veto.") for fact in answer["veto_facts"]] == [True] * len(answer["vetoes"])
    return answer


def test_sessions_veto_and_force(place):
    agent = place.agent()
    place.system.add_session("c1", "marie", "seat0")
    refused(agent, "sessions: marie on seat0")
    never_suspended(place)
    agent.order(outcome="accepted", force=True)
    suspended(place)


def test_idle_and_closing_sessions_and_greeters_do_not_count(place):
    agent = place.agent()
    place.system.add_session("c1", "marie", "seat0", IdleHint=True)
    place.system.add_session("c2", "gdm", "seat0", Class="greeter")
    place.system.add_session("c3", "jean", "seat0", State="closing", Remote=True)
    agent.order(outcome="accepted")


def test_connections_veto(place):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        agent = place.agent(activity={"connections": [port]})
        agent.wait_report(lambda r: r["vetoes"] == [])
        with socket.create_connection(("127.0.0.1", port)) as client:
            agent.order(outcome="accepted", idle_s=3600)
            woken(place, agent, 1)
            client.sendall(b"x" * 2000)
            refused(agent, f"connections: port {port} from 127.0.0.1, 2.0 kB in the last minute")
    agent.order(outcome="accepted")


def woken(place, agent, n):
    """It was let go, and is awake again."""
    suspended(place, n)
    mark = agent.bus.mark()
    place.system.going(True)
    place.system.going(False)
    agent.wait_state("online", mark)


@pytest.mark.parametrize("value, counts", [(False, False), ([], False), (True, False), (None, False), ("port", True)])
def test_connections_can_be_switched_off_and_this_machine_is_no_visitor(place, value, counts):
    with socket.create_server(("", 0)) as server:
        port = server.getsockname()[1]
        agent = place.agent(activity={"connections": [port] if value == "port" else value})
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"x" * 2000)
            agent.order(outcome="refused" if counts else "accepted")


def test_connections_over_ipv6_count_too(place):
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        port = server.getsockname()[1]
        agent = place.agent(activity={"connections": [port]})
        with socket.create_connection(("::1", port)) as client:
            client.sendall(b"x" * 2000)
            refused(agent, f"connections: port {port} from ::1")


def test_load_veto(place):
    busy = Process(["sh", "-c", "while :; do :; done"], place.directory / "busy.log")
    try:
        wait_until(lambda: os.getloadavg()[0] > 0, 30, "some load")
    finally:
        busy.stop()
    agent = place.agent(activity={"load": 0.000001, "sessions": False, "inhibitors": False})
    refused(agent, "load: ")
    place.agents[0].process.stop()
    agent.write(activity={"load": 9999})
    agent.start().order(outcome="accepted")


def test_process_veto(place):
    sleeper = place.directory / "busybee"
    subprocess.run(["cp", "/bin/sleep", sleeper], check=True)
    agent = place.agent(activity={"processes": ["busybee"]})
    agent.wait_report(lambda r: r["vetoes"] == [])
    process = Process([sleeper, "600"], place.directory / "sleeper.log")
    try:
        wait_until(lambda: name_of(process.pid) == "busybee", 60, "its name")
        refused(agent, "processes: busybee")
    finally:
        process.kill()
    agent.order(outcome="accepted")


def test_inhibitors_veto(place):
    agent = place.agent()
    delay = place.system.inhibit("sleep", "NetworkManager", "turns off", "delay")
    other = place.system.inhibit("idle:handle-lid-switch", "player", "shows a film", "block")
    fd = place.system.inhibit("shutdown:sleep", "dnf", "installs packages", "block")
    refused(agent, "inhibitors: dnf (installs packages)")
    os.close(fd)
    wait_until(lambda: not any(i[1] == "dnf" for i in place.system.inhibitors()), 15, "dnf's end")
    agent.order(outcome="accepted", asked=True)
    os.close(delay)
    os.close(other)


def test_an_idle_inhibitor_vetoes_unless_somebody_asked(place):
    agent = place.agent()
    film = place.system.inhibit("idle", "player", "plays a film", "block")
    answer = refused(agent, "inhibitors: player says that this machine is not idle (plays a film)")
    assert answer["veto_facts"] == [{"code": "veto.idle_inhibitor", "who": "player", "why": "plays a film"}]
    agent.order(outcome="accepted", asked=True)
    os.close(film)


@pytest.mark.parametrize("word", ["inhibited", "inhibitor-blocked", "challenge-inhibitor-blocked"])
def test_what_is_only_inhibited_is_possible(place, word):
    """As logind answers since version 257; the agent's own delay inhibitor stands in the list."""
    place.system.start()
    place.system.method("CanSuspend", f'ret = "{word}"', "", "s")
    agent = place.agent(activity={"inhibitors": False, "idle_inhibitors": False})
    wait_until(lambda: HELD in place.system.inhibitors(), 15, "the delay inhibitor")
    assert agent.wait_report(lambda r: r["can"]["suspend"])["can"]["problem"] is None
    fd = place.system.inhibit("sleep", "dnf", "installs packages", "block")
    assert agent.order(outcome="refused")["reason_fact"]["cause"] == {"code": "logind.blocked"}
    os.close(fd)
    wait_until(lambda: not any(i[1] == "dnf" for i in place.system.inhibitors()), 15, "dnf's end")
    agent.order(outcome="accepted")


def script(place, text):
    path = place.directory / f"busy-{uuid.uuid4().hex}"
    path.write_text("#!/bin/sh\n" + text + "\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.mark.parametrize("text, veto", [
    ("exit 0", "says so"),
    ("exit 3", "exit status 3"),
    ("kill -9 $$", "signal 9"),
    ('test -z "$HALL_MQTT_PASSWORD" && test "$1" = "a b; c" && test "$#" = 1 && exit 1; exit 0', None),
])
def test_command(place, text, veto):
    place.system.start()
    agent = place.agent(activity={"command": [script(place, text), "a b; c"]})
    if veto:
        refused(agent, veto)
    else:
        agent.order(outcome="accepted")


def test_command_that_is_not_there(place):
    refused(place.agent(activity={"command": ["/nowhere/busy"]}), "command: not known", "cannot be started")


def test_command_that_hangs_is_killed_and_not_waited_for_too_long(place):
    pid_file = place.directory / "pid"
    agent = place.agent(activity={"command": [script(place, f"sleep 100 & echo $! >{pid_file}.new; mv {pid_file}.new {pid_file}; wait")]})
    assert "not found out in time" in agent.order(outcome="refused")["reason"]
    agent.wait_report(lambda r: any("longer than 10 s" in v for v in r["vetoes"]))
    pid = int(pid_file.read_text())
    assert agent.process.alive() and pid > 1
    agent.order(outcome="accepted", force=True)


def test_rates_are_known_after_a_second(place):
    """The first look takes two readings: who asks at once is answered, and not told to come again."""
    agent = place.agent(activity={"processor": 9000, "network": "900GB/s", "disk": "900GB/s"})
    agent.order(outcome="accepted")


def test_network_rate_veto(place):
    agent = place.agent(activity={"network": "1B/s"})
    agent.wait_report(lambda r: any("network:" in v and "the limit is 1 B/s" in v for v in r["vetoes"]))
    refused(agent, "network:")


# What must be refused

def test_expired(place):
    agent = place.agent()
    assert "expired" in agent.order(outcome="refused", expires=at(-1))["reason"]
    assert "\"expires\" is missing" in agent.order(outcome="refused", expires=None)["reason"]
    never_suspended(place)


def test_what_is_meant_for_another_agent(place):
    """It hears only its own, and another agent has no right to tell it anything."""
    agent = place.agent()
    other = place.broker.bus("erp", topics=[])
    words = {"action": "suspend", "expires": at(30), "force": True}
    mark = agent.bus.mark()
    agent.bus.publish("hall/agents/erp/command", {"id": "for-erp", **words})
    other.publish(agent.topic("command"), {"id": "by-erp", **words})
    other.close()
    agent.order(outcome="refused", expires=at(-1))
    answers = [m.json()["id"] for m in agent.bus.messages[mark:] if m.topic.endswith("/result")]
    assert len(answers) == 1 and not {"for-erp", "by-erp"} & set(answers), answers
    never_suspended(place)


def test_replayed(place):
    agent = place.agent()
    place.system.add_session("c1", "marie", "seat0")
    answer = agent.order(outcome="refused")
    agent.command(id=answer["id"])
    again = agent.bus.wait_json(agent.topic("result"), id=answer["id"], reason="a command with this id was handled before")
    assert again.json()["outcome"] == "refused"


def test_retained_is_refused_at_each_start(place):
    agent = place.agent(start=False)
    agent.command(retain=True)
    agent.start()
    assert "retained" in agent.bus.wait(agent.topic("result")).json()["reason"]
    never_suspended(place)


@pytest.mark.parametrize("payload, word", [
    (b"suspend", "JSON"), (b"[]", "an object"), (b"{", "JSON"), (b"\xff\xfe", "JSON"), (b'{"id":1}', "id"),
    (b'{"id":"x","action":"rm -rf /"}', "action"), (b'{"id":"x","action":{}}', "action"),
    (b'{"id":"' + b"x" * 200 + b'","action":"suspend"}', "id"), (b"[" * 2000, "JSON"),
    (b'{"id":"x","action":"suspend","expires":"tomorrow"}', "expires"),
    (b'{"id":"x","action":"suspend","expires":"2100-01-01T00:00:00Z","force":"yes"}', "force"),
    (b'{"id":"x","action":"start","expires":"2100-01-01T00:00:00Z"}', "project"),
])
def test_malformed(place, payload, word):
    agent = place.agent()
    agent.bus.publish(agent.topic("command"), payload)
    answer = agent.bus.wait(agent.topic("result")).json()
    assert answer["outcome"] == "refused" and word in answer["reason"]
    agent.order(outcome="accepted")


def test_containers_without_docker(place):
    agent = place.agent()
    assert "docker" in agent.order("start", "refused", project="client1")["reason"]


def test_docker_that_is_not_there_is_named(place):
    agent = place.agent(docker={"socket": str(place.directory / "docker.sock")})
    containers = agent.bus.wait_json(agent.topic("containers"), docker=False).json()
    assert containers["containers"] == [] and containers["problem"]
    assert agent.order("start", "refused", project="client1")["reason"] == containers["problem"]
    agent.order(outcome="accepted")


def test_flood_of_commands_is_answered_and_does_not_fill_the_log(place):
    agent = place.agent()
    for number in range(200):
        agent.bus.client.publish(agent.topic("command"), json.dumps({"id": f"f{number}", "action": "dance"}), qos=1)
    agent.bus.wait_json(agent.topic("result"), limit=60, id="f199")
    assert agent.log_text().count(": refused: ") <= 2 * 30, "30 in each minute by the clock, of which two may be met"
    agent.order(outcome="accepted")


# Windows of failure

def test_without_logind_nothing_can_be_done_and_it_says_why(place):
    agent = place.agent(logind=False)
    report = agent.wait_report(lambda r: r["can"]["problem"])
    assert not any(report["can"][verb] for verb in ("suspend", "hibernate", "poweroff", "reboot"))
    assert "logind is not on the system bus" in report["can"]["problem"]
    assert report["can"]["problem_fact"] == {"code": "logind.absent"}
    answer = refused(agent, "sessions: not known: logind is not on the system bus")
    assert {"code": "veto.unknown", "veto": "sessions", "cause": {"code": "logind.absent"}} in answer["veto_facts"]
    mark = agent.bus.mark()
    place.system.start_logind()
    agent.wait_report(lambda r: r["can"]["suspend"], mark, 15)
    wait_until(lambda: HELD in place.system.inhibitors(), 10, "the delay inhibitor")
    agent.order(outcome="accepted")


def test_without_a_system_bus(place):
    place.system.start()
    place.system.stop()
    agent = place.agent()
    assert "system bus cannot be reached" in agent.wait_report()["can"]["problem"]
    refused(agent, "sessions: not known: the system bus cannot be reached")
    id, mark = agent.command(force=True)
    assert "system bus" in agent.result(id, mark, outcome="failed")["reason"]
    wait_until(lambda: agent.state() == "online", 15, "online again")


def test_broker_lost_before_the_goodbye_keeps_the_machine_awake(place):
    """The agent has the command, and the broker stands still before it may decide."""
    agent, undecided = place.agent(start=False), place.directory / "undecided"
    agent.write(activity={"command": [script(place, f"while test -e {undecided}; do sleep 0.02; done; exit 1")]})
    agent.start()
    agent.wait_report()
    undecided.touch()
    id, mark = agent.command()
    place.broker.process.signal(signal.SIGSTOP)
    undecided.unlink()
    wait_until(lambda: "did not take the goodbye in time" in agent.log_text(), 30, "its giving up")
    place.broker.process.signal(signal.SIGCONT)
    agent.result(id, mark, outcome="failed")
    wait_until(lambda: agent.state() == "online", 10, "online again")
    never_suspended(place)


def test_system_bus_restarts(place):
    agent = place.agent()
    mark = agent.bus.mark()
    place.system.logind.stop()
    place.system.daemon.kill()
    place.system.socket.unlink()
    agent.wait_report(lambda r: "bus" in (r["can"]["problem"] or ""), mark, 20)
    mark = agent.bus.mark()
    place.system.start()
    agent.wait_report(lambda r: r["can"]["suspend"], mark, 20)
    wait_until(lambda: HELD in place.system.inhibitors(), 10, "the delay inhibitor again")


def test_logind_restarts(place):
    agent = place.agent()
    wait_until(lambda: HELD in place.system.inhibitors(), 10, "the delay inhibitor")
    mark = agent.bus.mark()
    place.system.stop_logind()
    agent.wait_report(lambda r: not r["can"]["suspend"], mark)
    mark = agent.bus.mark()
    place.system.start_logind()
    agent.wait_report(lambda r: r["can"]["suspend"], mark)
    wait_until(lambda: HELD in place.system.inhibitors(), 10, "the delay inhibitor again")


def test_broker_restarts(place):
    agent = place.agent()
    agent.wait_report()
    mark = agent.bus.mark()
    place.broker.kill()
    place.broker.start()
    agent.wait_state("online", mark)
    agent.wait_report(after=mark)
    agent.order(outcome="accepted")


def test_broker_comes_late(place):
    place.broker.stop()
    place.system.start()
    place.broker.start()
    agent = place.agent(start=False)
    place.broker.kill()
    agent.start(wait=False)
    wait_until(lambda: "not connected" in agent.log_text(), 15, "its complaint")
    place.broker.start()
    agent.wait_state("online")


def test_a_connection_made_since_the_sleep_is_kept(place):
    """Whoever resumes may be connected anew before logind says that the sleep is over."""
    agent = place.agent()
    place.system.going(True)
    agent.wait_state("sleeping")
    place.broker.kill()
    mark = agent.bus.mark()
    place.broker.start()
    agent.wait_state("online", mark)
    mark = agent.bus.mark()
    place.system.going(False)
    agent.wait_report(lambda r: r["resumes"] == 1, mark)
    assert agent.bus.heard(agent.topic("state"), mark) == [], "neither offline nor sleeping once more"


# With Hall

def test_with_hall_a_whole_cycle(make_world, agent_binary, tmp_path):
    """Veto, goodbye, silence, off; a wake by a real packet, resumed, ready."""
    world = make_world(start=False, idle="2s")
    system = SystemBus(tmp_path)
    system.start()
    agent = None
    try:
        world.broker.start()
        sim = world.add_sim("testing", agent=False)
        world.hall.start()
        agent = Agent(agent_binary, tmp_path, world.broker, system.address)
        bus = world.bus()
        wait_state(bus, "testing", "off")
        path = system.add_session("c1", "marie", "seat0")
        id, word = command(bus, "testing", "wake")
        wait_until(lambda: sim.count("frame"), 15, "a magic packet")
        agent.start()
        result(bus, "testing", id, "done", word, 30)
        # Whether Hall proposes a sleep before it hears of the session is a matter of who is faster.
        assert "marie" in str(wait_lease(bus, "testing", "agent", 30))
        id, word = command(bus, "testing", "sleep")
        assert "marie" in str(result(bus, "testing", id, "refused", word, 30))
        assert state_of(bus, "testing") == "ready" and system.calls("Suspend") == []
        mark = agent.bus.mark()
        system.remove_session("c1", path)
        id, word = command(bus, "testing", "sleep")
        agent.wait_state("sleeping", mark)
        wait_until(lambda: system.calls("Suspend"), 15, "Suspend")
        system.going(True)
        wait_until(lambda: HELD not in system.inhibitors(), 10, "the agent to let go")
        agent.process.signal(signal.SIGSTOP)  # suspended: neither a word nor a farewell
        sim.tell("crash")
        result(bus, "testing", id, "done", word, 60)
        wait_state(bus, "testing", "off", 60)
        packets = sim.count("frame")
        id, word = command(bus, "testing", "wake")
        wait_until(lambda: sim.count("frame") > packets, 15, "a magic packet")
        agent.process.signal(signal.SIGCONT)
        system.going(False)
        result(bus, "testing", id, "done", word, 30)
        wait_state(bus, "testing", "ready")
        assert agent.wait_report(lambda r: r["resumes"] == 1)
    finally:
        if agent:
            agent.process.signal(signal.SIGCONT)
            agent.close()
        system.stop()


# The program

def run(binary, *arguments, **options):
    return subprocess.run([binary, *arguments], capture_output=True, text=True, timeout=60, check=False, **options)


def test_check_names_every_error(agent_binary, tmp_path):
    file = tmp_path / "agent.json"
    file.write_text(json.dumps({"id": "Testing!", "mqtt": {"url": "ftp://x", "password": "hush"}, "allow": ["dance"],
                                "activity": {"network": "fast", "connections": [0], "command": ["busy"], "lod": 1, "copies": ["/bin/cp"],
                                             "processor": -1, "disk": "on", "sustained": "2m", "unseen": ["everything"], "jobs": 1}}))
    done = run(agent_binary, "--config", file, "--check")
    assert done.returncode == 1
    for pointer in ("/id", "/mqtt/url", "/mqtt/password", "/allow/0", "/activity/network", "/activity/connections/0",
                    "/activity/command/0", "/activity/lod", "/activity/copies/0", "/activity/processor", "/activity/disk",
                    "/activity/sustained", "/activity/unseen/0", "/activity/jobs"):
        assert f"{file}: {pointer}: found" in done.stderr, done.stderr
    assert "hush" not in done.stderr and 'did you mean "load"' in done.stderr


def test_check_of_good_files(agent_binary, tmp_path):
    file = tmp_path / "agent.json"
    full = {"id": "testing", "mqtt": {"url": "mqtts://hall.lan:8883", "username": "testing", "ca": "/etc/hall/ca.crt"},
            "docker": {"socket": "/run/docker.sock"}, "interface": "eno1",
            "allow": ["suspend", "poweroff", "reboot", "containers"],
            "activity": {"sessions": True, "connections": [22, 80, 443], "load": 2.0, "network": "100kB/s",
                         "disk": "1MB/s", "processes": ["rsync", "apt-get"], "inhibitors": True,
                         "command": ["/usr/local/bin/busy"], "idle_inhibitors": False, "shares": True, "terminals": False,
                         "copies": ["rsync"], "packages": True, "jobs": False, "guests": False, "execs": True, "processor": 0.5,
                         "sustained": "30s", "ignore": ["weechat"], "unseen": ["shares", "jobs"]}}
    off = {"id": "testing", "mqtt": {}, "activity": {"network": "off", "disk": "off", "processor": 0, "copies": False, "ignore": []}}
    schema = json.loads((ROOT / "docs" / "agent.schema.json").read_text(encoding="utf-8"))
    for config in (full, off, {"id": "testing", "mqtt": {"url": "mqtt://127.0.0.1"}}):
        jsonschema.validate(config, schema)
        file.write_text(json.dumps(config))
        done = run(agent_binary, "--config", file, "--check")
        assert (done.returncode, done.stderr) == (0, ""), done
    assert run(agent_binary, "--config", tmp_path, "--check").returncode == 1
    assert run(agent_binary, "--config", tmp_path / "none", "--check").returncode == 1
    assert run(agent_binary, "--version").stdout.startswith("hall-agent ")
    assert run(agent_binary, "--nonsense").returncode == 2


@pytest.mark.measures
def test_is_small_and_sleeps(place):
    """Memory and wake-ups in rest, over ten seconds."""
    most = 6144
    agent = place.agent(activity={"connections": [22], "processes": ["rsync"], "network": "1GB/s"})
    wait_until(lambda: resident(agent.process.pid) < most, 15, f"{most} kB")
    before, begun = switches(agent.process.pid), time.monotonic()
    idle = Process(["sleep", "10"], place.directory / "sleep.log")
    idle.popen.wait(60)
    rate = (switches(agent.process.pid) - before) / (time.monotonic() - begun)
    assert rate <= 2
    print("agent:", resident(agent.process.pid), "kB,", rate, "wake-ups/s")


def status_of(pid, key):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(key + ":"))


def resident(pid):
    return status_of(pid, "VmRSS")


def switches(pid):
    return status_of(pid, "voluntary_ctxt_switches")
