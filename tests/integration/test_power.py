"""What a server is told to do, and what becomes of that when it takes long, when Hall is not there meanwhile, or when it cannot be done:
a command gets its true end, the state is true, and only what happened is told."""

import signal
import struct

import pytest
from clocks import Clock
from helpers import (awake, barrier, command, configured, events, result, results, simple_servers, state_of, status, topic, wait_event, wait_last,
                     wait_state, wait_status)
from process import wait_until
from world import BROWSER

BOX = "hall/agents/box/"
REPORT = {"schema": 1, "version": "0", "boot_id": "b", "resumes": 0, "uptime_s": 60, "load": 0.1, "vetoes": [], "veto_facts": [],
          "wol": {"interface": "eth0", "armed": True}, "can": {"suspend": True, "poweroff": True}}


class Agent:
    """The test speaks the agent's part."""

    def __init__(self, world):
        self.bus = world.bus(user="box", topics=[BOX + "command"])
        self.say("online")
        self.bus.publish(BOX + "report", REPORT, retain=True)

    def say(self, state):
        self.bus.publish(BOX + "state", state, retain=True)

    def asked(self, n, limit=60):
        """The nth command, from 1."""
        wait_until(lambda: len(self.bus.heard(BOX + "command")) >= n, limit, f"command {n} to the agent")
        return self.bus.heard(BOX + "command")[n - 1].json()

    def answer(self, asked, outcome, **words):
        self.bus.publish(BOX + "result", {"id": asked["id"], "action": asked["action"], "outcome": outcome, **words})


class Place:
    def __init__(self, make_world, clock=True, idle="20m", mode="poweroff", **server):
        def change(servers, domains):
            servers["box"]["sleep"] = {"via": "agent", "mode": mode, "min_up": "0s", "timeout": "60s"} | server.pop("sleep", {})
            servers["box"]["checks"] = [check for check in servers["box"]["checks"] if "http" in check]
            servers["box"]["wake"] |= server.pop("wake", {})
            domains["box.localhost"]["policy"]["idle"] = idle

        self.world = configured(make_world, change, start=False, namespaces=False, servers=simple_servers("box"), boot_s=0.4)
        self.clock = Clock(self.world) if clock else None
        self.world.start()
        self.bus = self.world.bus()
        self.sim = self.world.sims["box"]
        self.sim.tell("agent off")
        wait_state(self.bus, "box", "off")

    def up(self):
        id, mark = command(self.bus, "box", "wake")
        result(self.bus, "box", id, "done", mark, 60)
        self.agent = Agent(self.world)
        wait_status(self.bus, "box", lambda s: s["evidence"]["agent"] == "online", what="the agent's word")
        barrier(self.bus)

    def ends(self, id):
        return [r["outcome"] for r in results(self.bus, "box", id)]

    def policy(self, policy):
        mark = self.bus.mark()
        self.bus.publish(topic("box", "policy/set"), policy)
        self.bus.wait_json(topic("box", "result"), mark, action="policy", outcome="done")

    def sees_no_failure(self, mark):
        for kind in ("sleep_failed", "unreachable"):
            assert not events(self.bus, "box", kind, mark), kind
        assert {m.text() for m in self.bus.heard(topic("box", "state"), mark)} <= {"ready", "sleeping", "off"}
        switch = [m.text() for m in self.bus.heard(topic("box", "power"), mark)]
        assert set(switch) <= {"OFF"}, switch


@pytest.fixture
def place(make_world):
    return lambda **words: Place(make_world, **words)


@pytest.mark.parametrize("limit", [122, None], ids=["its own limit", "no limit"])
def test_a_power_off_that_takes_long_is_a_power_off(place, limit):
    """Put down by force: what always wants it on does not wake it again."""
    here = place()
    here.up()
    here.policy("always_on")
    id, mark = command(here.bus, "box", "sleep", force=True)
    here.agent.answer(here.agent.asked(1), "accepted", **({"limit_s": limit} if limit else {}))
    here.agent.say("sleeping")
    result(here.bus, "box", id, "accepted", mark)
    here.clock.pass_by(here.bus, 70)
    here.agent.say("offline")  # systemd ends it long before the machine is off
    here.clock.pass_by(here.bus, 10)
    assert state_of(here.bus, "box") == "sleeping" and here.ends(id) == ["accepted"]
    frames = here.sim.count("frame")
    here.sim.tell("crash")
    result(here.bus, "box", id, "done", mark, 60)
    wait_state(here.bus, "box", "off")
    here.clock.pass_by(here.bus, 200)
    assert here.ends(id) == ["accepted", "done"] and here.sim.count("frame") == frames
    assert len(events(here.bus, "box", "asleep", mark)) == 1
    here.sees_no_failure(mark)
    assert here.world.hall.auth("/", host="box.localhost", headers=BROWSER).status == 503  # a visitor wakes it all the same
    wait_state(here.bus, "box", "ready", 60)


def test_one_that_said_goodbye_and_stays_is_told_as_it_is_and_may_still_go(place):
    here = place()
    here.up()
    id, mark = command(here.bus, "box", "sleep")
    here.agent.answer(here.agent.asked(1), "accepted", limit_s=5)
    here.agent.say("sleeping")
    result(here.bus, "box", id, "accepted", mark)
    here.clock.pass_by(here.bus, 500)
    assert state_of(here.bus, "box") == "sleeping" and here.ends(id) == ["accepted"]
    here.clock.pass_by(here.bus, 160)
    told = result(here.bus, "box", id, "failed", mark)
    assert told["reason_fact"] == {"code": "sleep.agreed_awake", "seconds": 660}
    wait_state(here.bus, "box", "ready")
    wait_last(here.bus, topic("box", "power"), "ON")
    here.clock.pass_by(here.bus, 60)
    here.sim.tell("crash")
    wait_state(here.bus, "box", "off", 60)
    wait_event(here.bus, "box", "asleep", mark)
    assert not events(here.bus, "box", "unreachable", mark)


def test_force_overtakes_what_hall_or_a_person_proposed(place):
    here = place(idle="30s")
    here.up()
    here.clock.pass_by(here.bus, 31)
    first = here.agent.asked(1)  # nobody needs it
    assert not first["force"] and not first["asked"]
    plain, mark = command(here.bus, "box", "sleep")
    second = here.agent.asked(2)
    assert second["asked"] and not second["force"] and second["id"] == plain
    forced, _ = command(here.bus, "box", "sleep", force=True)
    third = here.agent.asked(3)
    assert third["force"] and third["id"] == forced
    for asked in (first, second):
        here.agent.answer(asked, "refused", reason="a film plays")
    barrier(here.bus)
    assert here.ends(plain) == here.ends(forced) == []
    here.agent.answer(third, "accepted", limit_s=32)
    here.agent.say("sleeping")
    here.sim.tell("crash")
    for id in (plain, forced):
        result(here.bus, "box", id, "done", mark, 60)
        assert here.ends(id) == ["accepted", "done"]
    assert not events(here.bus, "box", "sleep_refused", mark)


def test_force_sends_a_packet_also_to_one_that_is_ready(place):
    here = place(clock=False)
    here.up()
    for force, more in ((False, 0), (True, 1)):
        frames = here.sim.count("frame")
        id, mark = command(here.bus, "box", "wake", force=force)
        result(here.bus, "box", id, "done", mark)
        if more:
            wait_event(here.bus, "box", "packet_sent", mark)
            wait_until(lambda n=frames: here.sim.count("frame") == n + 1, 60, "the packet")
        barrier(here.bus)
        assert here.ends(id) == ["accepted", "done"] and here.sim.count("frame") == frames + more
        assert len(events(here.bus, "box", "packet_sent", mark)) == more
        assert not events(here.bus, "box", "wake_requested", mark)
    assert state_of(here.bus, "box") == "ready"


def test_a_packet_that_is_not_sent_is_not_told_as_sent(place):
    """Somebody presses its button in the end: that it boots in that time was not learned from Hall's packets."""
    here = place(clock=False, wake={"interface": "nosuch0"})
    id, mark = command(here.bus, "box", "wake")
    shown = wait_status(here.bus, "box", lambda s: s["problem"], what="the problem")
    assert shown["problem_fact"] == {"code": "wake.packet_failed", "said": None,
                                     "cause": {"code": "wol.no_interface", "interface": "nosuch0"}}
    assert "nosuch0" in shown["problem"] and "wake.interface" in shown["problem"]
    assert shown["wake"]["stages"]["packet_sent"] is None and shown["wake"]["stage"] is None
    here.sim.tell("boot")
    result(here.bus, "box", id, "done", mark, 60)
    wait_state(here.bus, "box", "ready")
    barrier(here.bus)
    assert not events(here.bus, "box", "packet_sent", mark)
    assert all(e["stage"] != "packet_sent" for e in events(here.bus, "box", "stage", mark))
    assert status(here.bus, "box")["last_boot_s"] is None and here.sim.count("frame") == 0


def test_a_wake_without_a_packet_fails_with_the_reason(place):
    here = place(clock=False, wake={"interface": "nosuch0", "timeout": "2s"})
    id, mark = command(here.bus, "box", "wake")
    told = result(here.bus, "box", id, "failed", mark, 60)["reason_fact"]
    assert told["code"] == "wake.no_packet" and told["cause"] == {"code": "wol.no_interface", "interface": "nosuch0"}
    assert not events(here.bus, "box", "packet_sent", mark)


def test_a_page_that_polls_one_that_is_up_and_not_ready_fails_once(place):
    here = place()
    here.up()
    here.sim.tell("sick on")
    wait_state(here.bus, "box", "degraded", 60)
    mark = here.bus.mark()
    page = lambda: here.world.hall.auth("/", host="box.localhost", headers=BROWSER).status  # noqa: E731
    wait_until(lambda: page() == 503, 60, "the site's own check, which is another than the server's")
    for _ in range(150):
        assert page() == 503
        here.clock.pass_by(here.bus, 2)
    assert state_of(here.bus, "box") == "degraded"
    assert len(events(here.bus, "box", "wake_failed", mark)) == 1
    assert len(events(here.bus, "box", "wake_requested", mark)) == 1
    here.sim.tell("sick off")
    wait_state(here.bus, "box", "ready", 60)
    wait_until(lambda: page() == 200, 60, "passage")


# Hall is not there when the time of a command is over

class Away:
    """Hall is dead, or stands still, for ninety seconds of its clock."""

    def __init__(self, here, how):
        self.here, self.how = here, how
        if how == "killed":
            here.world.hall.kill()
        else:
            here.world.hall.process.signal(signal.SIGSTOP)

    def back(self):
        here = self.here
        here.clock.passed += 90
        with here.clock.file.open("r+b") as file:
            file.write(struct.pack("=qq", here.clock.set, here.clock.passed))
        mark = here.bus.mark()
        if self.how == "killed":
            here.world.hall.start()
            here.bus.wait_text("hall/status", "online", mark, 60)
        else:
            here.world.hall.process.signal(signal.SIGCONT)
            here.clock.pass_by(here.bus, 1)
        return mark


@pytest.mark.parametrize("how", ["killed", "stopped"])
@pytest.mark.parametrize("becomes", ["silent", "answers", "online", "goodbye and answers", "goodbye and silent"])
def test_a_sleep_whose_time_ends_while_hall_is_away(place, how, becomes):
    here = place(mode="suspend")
    here.up()
    id, mark = command(here.bus, "box", "sleep", force=True)
    here.agent.answer(here.agent.asked(1), "accepted")
    result(here.bus, "box", id, "accepted", mark)
    wait_state(here.bus, "box", "sleeping")
    away = Away(here, how)
    if "goodbye" in becomes:
        here.agent.say("sleeping")
    if "silent" in becomes:
        here.agent.say("offline")  # for it, the broker
        here.sim.tell("crash")
    if becomes == "online":
        here.agent.say("offline")
        here.agent.say("online")
    again = away.back()
    if "silent" in becomes:
        result(here.bus, "box", id, "done", mark, 60)
        wait_state(here.bus, "box", "off", 60)
        assert not events(here.bus, "box", "sleep_failed", mark)
    elif becomes == "goodbye and answers":  # a goodbye is a goodbye
        barrier(here.bus)
        here.clock.pass_by(here.bus, 60)
        assert state_of(here.bus, "box") == "sleeping" and here.ends(id) == ["accepted"]
        here.clock.pass_by(here.bus, 620)
        result(here.bus, "box", id, "failed", mark, 60)
        wait_state(here.bus, "box", "ready", 60)
    else:
        result(here.bus, "box", id, "failed", mark, 60)
        wait_state(here.bus, "box", "ready", 60)
    barrier(here.bus)
    assert len(here.ends(id)) == 2, here.ends(id)
    assert not events(here.bus, "box", "unreachable", again)


@pytest.mark.parametrize("how", ["killed", "stopped"])
@pytest.mark.parametrize("boots", [True, False], ids=["it came up", "it did not"])
def test_a_wake_whose_time_ends_while_hall_is_away(place, how, boots):
    here = place(wake={"timeout": "30s"})
    here.sim.tell("deaf on")
    id, mark = command(here.bus, "box", "wake")
    result(here.bus, "box", id, "accepted", mark)
    wait_event(here.bus, "box", "packet_sent", mark)
    away = Away(here, how)
    if boots:
        here.sim.tell("boot")
        here.sim.wait("stage", 60, where=lambda e: e["stage"] == "sites")
    away.back()
    result(here.bus, "box", id, "done" if boots else "failed", mark, 60)
    wait_state(here.bus, "box", "ready" if boots else "wake_failed", 60)
    barrier(here.bus)
    assert len(here.ends(id)) == 2, here.ends(id)
    assert status(here.bus, "box")["last_boot_s"] is None  # how long it took nobody saw
