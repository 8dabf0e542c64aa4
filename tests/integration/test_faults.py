"""What goes wrong out there: brokers that die, servers that fall silent, sleeps and wakes that fail."""

import shutil
import signal
import socket
import statistics
import subprocess
import threading
import time

import pytest
from helpers import asleep, awake, command, promised, result, results, state_of, topic, wait_event, wait_state
from process import wait_until, went_on
from world import BROWSER


def test_gate_and_wake_work_without_any_broker(make_world):
    world = make_world(start=False)
    for id in world.described:
        world.add_sim(id, agent=False)
    for server in world.hall.config["servers"].values():
        server["checks"] = [{"tcp": {"port": 8080 if server["name"] == "ERP" else 8081}}]
    world.hall.write(world.hall.config)
    world.hall.start()
    assert world.hall.get("/healthz").status == 200
    assert world.hall.auth("/client1/", headers=BROWSER).status == 503
    world.sims["testing"].wait("frame")
    wait_until(lambda: world.hall.auth("/client1/", headers=BROWSER).status == 200, 20, "passage", pause=0.1)
    world.broker.start()
    bus = world.bus()
    bus.wait_text("hall/status", "online", limit=62)
    wait_state(bus, "testing", "ready")


@promised(2.2)
def test_broker_killed_and_restarted(make_world, limit):
    world = make_world()
    bus = world.bus()
    wait_state(bus, "testing", "off")
    awake(bus, "testing")
    bus.close()
    world.buses.clear()
    world.broker.kill()
    wait_until(lambda: world.hall.auth("/client1/", headers=BROWSER).status == 200, 15, "the gate goes on")
    world.broker.start()
    back = went_on()
    again = world.bus()
    again.wait_text("hall/status", "online", limit=limit)
    assert went_on() - back <= limit, "reconnected within 2 s"
    wait_state(again, "testing", "ready", 15)
    wait_state(again, "erp", "off", 15)
    for what in ("power", "status", "config"):
        assert wait_until(lambda w=what: again.last(topic("testing", w)), 3, what).payload
    id, mark = command(again, "erp", "wake")
    result(again, "erp", id, "done", mark, 20)


def test_one_broker_restart_does_not_lose_an_open_wake(make_world):
    world = make_world(boot_s=4.0)
    bus = world.bus()
    wait_state(bus, "testing", "off")
    bus.publish(topic("testing", "command"), "wake")
    wait_state(bus, "testing", "waking")
    world.broker.kill()
    world.broker.start()
    wait_until(lambda: world.hall.auth("/client1/", headers=BROWSER).status == 200, 25, "ready", pause=0.1)


@pytest.mark.measures
def test_a_broker_that_stands_still_and_goes_on(make_world):
    """It neither answers nor hangs up: the gate and a wake do not wait for it, and afterwards it is told how things stand."""
    world = make_world(start=False)
    for server in world.hall.config["servers"].values():
        server["checks"] = [{"tcp": {"port": 8080 if server["name"] == "ERP" else 8081}}]
    world.hall.write(world.hall.config)
    world.start()
    bus = world.bus()
    wait_state(bus, "testing", "off")
    world.broker.process.signal(signal.SIGSTOP)
    try:
        assert world.hall.auth("/client1/", headers=BROWSER).status == 503
        world.sims["testing"].wait("frame", 15)
        took = []

        def passes():
            begun = time.monotonic()
            status = world.hall.auth("/client1/", headers=BROWSER).status
            took.append(time.monotonic() - begun)
            return status == 200

        wait_until(passes, 20, "passage", pause=0.05)
        assert statistics.median(took) <= 0.05, took
    finally:
        world.broker.process.signal(signal.SIGCONT)
    wait_state(bus, "testing", "ready", 62)
    wait_until(lambda: bus.last(topic("testing", "power")).text() == "ON", 15, "its power")


class SlowLine:
    """Carries bytes between Hall and the broker late and in drops: 100 ms a piece, 500 bytes at most."""

    def __init__(self, port):
        self.to, self.carried = port, 0
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        threading.Thread(target=self._let_in, daemon=True).start()

    def _let_in(self):
        while True:
            try:
                here = self.door.accept()[0]
                there = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                return
            for a, b in ((here, there), (there, here)):
                threading.Thread(target=self._carry, args=(a, b), daemon=True).start()

    def _carry(self, source, sink):
        try:
            while piece := source.recv(500):
                time.sleep(0.1)
                sink.sendall(piece)
                self.carried += len(piece)
        except OSError:
            pass
        for end in (source, sink):
            end.close()


@pytest.mark.measures
def test_a_slow_broker(make_world):
    """Five kilobytes a second, 200 ms there and back: all is told, in order, and the gate does not wait for it."""
    world = make_world(start=False)
    line = SlowLine(world.broker.port)
    world.hall.config["mqtt"]["url"] = f"mqtt://127.0.0.1:{line.port}"
    world.hall.write(world.hall.config)
    world.broker.start()
    for id in world.described:
        world.add_sim(id)
    world.hall.start()
    bus = world.bus()
    wait_state(bus, "testing", "off", 40)
    id, mark = command(bus, "testing", "wake")
    result(bus, "testing", id, "accepted", mark, 20)
    took = []
    for _ in range(50):
        begun = time.monotonic()
        world.hall.auth("/client1/", headers=BROWSER)
        took.append(time.monotonic() - begun)
    assert statistics.median(took) <= 0.05, took
    result(bus, "testing", id, "done", mark, 40)
    wait_state(bus, "testing", "ready", 20)
    states = [m.text() for m in bus.heard(topic("testing", "state"))]
    assert states[-4:] == ["off", "waking", "booting", "ready"] and line.carried > 1000, states
    line.door.close()


def test_wrong_broker_password_is_said_and_the_gate_goes_on(make_world):
    world = make_world(start=False)
    world.hall.password = "wrong"
    world.broker.start()
    world.hall.start()
    wait_until(lambda: "authori" in world.hall.log_text().lower() or "password" in world.hall.log_text().lower(), 10,
               "a log line about the password")
    assert world.hall.auth("/client1/", headers=BROWSER).status == 503
    assert "wrong" not in world.hall.log_text()


@pytest.mark.parametrize("namespaces", [True, False], ids=["namespaces", "loopback"])
def test_silence_without_goodbye_is_unreachable_and_return_is_seen(make_world, namespaces):
    world = make_world(namespaces=namespaces)
    bus, sim = world.bus(), world.sims["testing"]
    wait_state(bus, "testing", "off")
    awake(bus, "testing")
    mark = bus.mark()
    sim.tell("crash")
    wait_event(bus, "testing", "unreachable", mark, 60)
    wait_state(bus, "testing", "unreachable")
    mark = bus.mark()
    sim.tell("boot")
    wait_event(bus, "testing", "back", mark, 60)
    wait_state(bus, "testing", "ready", 30)
    states = [m.text() for m in bus.heard(topic("testing", "state"))]
    assert states[:4] == ["off", "waking", "booting", "ready"] or states[0] == "unknown"


def test_a_cable_that_is_pulled_and_plugged_in_again(make_world):
    """The server lives on and knows nothing of it; its agent's connection to the broker breaks, too. No state comes and goes."""
    world = make_world(namespaces=True)
    bus, sim = world.bus(), world.sims["testing"]
    wait_state(bus, "testing", "off")
    awake(bus, "testing")
    mark = bus.mark()
    world.lan.cable(sim.port, False)
    wait_event(bus, "testing", "unreachable", mark, 60)
    wait_state(bus, "testing", "unreachable")
    assert world.hall.auth("/client1/", method="HEAD").status == 503, "and one that wakes nothing"
    world.lan.cable(sim.port, True)
    wait_event(bus, "testing", "back", mark, 60)
    wait_state(bus, "testing", "ready", 60)
    wait_until(lambda: world.hall.auth("/client1/", headers=BROWSER).status == 200, 20, "passage")
    states = [m.text() for m in bus.heard(topic("testing", "state"), mark)]
    assert states[0] in ("degraded", "unreachable") and states.count("unreachable") == 1 and states.count("ready") == 1, states
    assert sim.count("boot") == 1


def test_goodbye_of_its_own_counts_at_once(make_world):
    """Somebody suspends the server at its own keyboard: its agent says so, no command of ours."""
    world = make_world()
    bus, sim = world.bus(), world.sims["testing"]
    wait_state(bus, "testing", "off")
    awake(bus, "testing")
    mark = bus.mark()
    voice = world.bus(user="hall", topics=[])
    voice.publish("hall/agents/testing/command", {"id": "own", "action": "suspend", "expires": "2099-01-01T00:00:00Z"})
    sim.wait("asleep")
    bus.wait_text(topic("testing", "state"), "sleeping", mark)
    wait_state(bus, "testing", "off", 60)
    assert "unreachable" not in [m.text() for m in bus.heard(topic("testing", "state"), mark)]


def test_another_machine_on_its_address_is_not_the_server(make_world):
    world = make_world(namespaces=True)
    bus = world.bus()
    wait_state(bus, "testing", "off")
    nic = world.lan.nic(20, "02:00:5e:99:99:99")
    world.add_sim("testing", key="impostor", nic=nic, agent=False)
    impostor = world.sims["impostor"]
    impostor.tell("boot")
    impostor.wait("stage", 15, where=lambda e: e["stage"] == "sites")

    def other_seen():
        text = bus.last(topic("testing", "status")).text().lower()
        return "02:00:5e:99:99:99" in text

    wait_until(other_seen, 90, "the other MAC in the status")
    assert state_of(bus, "testing") == "off"
    assert world.hall.auth("/client1/", headers=BROWSER).status == 503, "no visitor is sent to a stranger"


def test_sleep_that_fails_leaves_the_truth_and_names_the_problem(make_world):
    world = make_world(start=False)
    world.hall.config["servers"]["testing"]["sleep"]["timeout"] = "5s"
    world.hall.write(world.hall.config)
    world.start()
    bus, sim = world.bus(), world.sims["testing"]
    wait_state(bus, "testing", "off")
    awake(bus, "testing")
    sim.tell("stubborn on")
    id, mark = command(bus, "testing", "sleep", force=True)
    assert result(bus, "testing", id, "failed", mark, 30)["reason"]
    wait_event(bus, "testing", "sleep_failed", mark)
    wait_state(bus, "testing", "ready")
    status = bus.wait(topic("testing", "status"), lambda m: m.json()["problem"], mark).json()
    assert status["state"] == "ready"
    assert bus.last(topic("testing", "power")).text() == "ON"


def test_wake_that_fails_says_why_and_a_new_one_mends_it(make_world):
    world = make_world(start=False)
    world.hall.config["servers"]["testing"]["wake"]["timeout"] = "5s"
    world.hall.write(world.hall.config)
    world.start()
    bus, sim = world.bus(), world.sims["testing"]
    wait_state(bus, "testing", "off")
    sim.tell("deaf on")
    id, mark = command(bus, "testing", "wake")
    assert result(bus, "testing", id, "failed", mark, 30)["reason"]
    wait_state(bus, "testing", "wake_failed")
    wait_event(bus, "testing", "wake_failed", mark)
    told = bus.wait(topic("testing", "status"), lambda m: m.json()["problem"], mark).json()
    answer = world.hall.get("/.hall/status?path=/client1/", host="testing.localhost").json()
    assert answer["state"] == "wake_failed"
    assert (answer["problem"], answer["problem_fact"]) == (told["problem"], told["problem_fact"])
    sim.tell("deaf off")
    awake(bus, "testing")
    wait_until(lambda: bus.last(topic("testing", "status")).json()["problem"] is None, 15, "the problem to be gone")


def test_a_site_out_of_order_is_degraded_not_down(make_world):
    world = make_world()
    bus, sim = world.bus(), world.sims["erp"]
    wait_state(bus, "erp", "off")
    awake(bus, "erp")
    sim.tell("sick on")
    wait_until(lambda: state_of(bus, "erp") == "degraded" or world.hall.auth("/", host="erp.localhost", headers=BROWSER).status == 503,
               60, "the sick site to be noticed")
    assert state_of(bus, "erp") in ("ready", "degraded")
    sim.tell("sick off")
    wait_until(lambda: world.hall.auth("/", host="erp.localhost", headers=BROWSER).status == 200, 60, "the site back")


def test_agent_that_dies_while_the_server_lives(make_world):
    world = make_world()
    bus, sim = world.bus(), world.sims["testing"]
    wait_state(bus, "testing", "off")
    awake(bus, "testing")
    mark = bus.mark()
    sim.tell("agent off")
    bus.wait_text("hall/agents/testing/state", "offline", mark, 20)
    bus.wait(topic("testing", "status"), lambda m: m.json()["evidence"]["agent"] == "offline", mark, 20)
    assert state_of(bus, "testing") in ("ready", "degraded")
    assert world.hall.auth("/client1/", headers=BROWSER).status == 200


def test_killed_in_the_middle_of_a_wake(make_world):
    world = make_world(boot_s=3.0)
    bus = world.bus()
    wait_state(bus, "testing", "off")
    bus.publish(topic("testing", "command"), "wake")
    wait_state(bus, "testing", "waking")
    world.hall.kill()
    world.hall.start()
    wait_state(bus, "testing", "ready", 30)


@pytest.mark.measures
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_clean_stop_within_two_seconds(make_world, number):
    world = make_world()
    start = went_on()
    world.hall.process.signal(number)
    assert world.hall.process.popen.wait(60) == 0
    assert went_on() - start <= 2


@pytest.mark.measures
def test_clean_stop_with_clients_waiting_and_no_broker(make_world):
    world = make_world(start=False)
    world.hall.start()
    start = went_on()
    world.hall.process.signal(signal.SIGTERM)
    assert world.hall.process.popen.wait(60) == 0
    assert went_on() - start <= 2


def test_port_in_use_is_said(make_world):
    world = make_world()
    done = subprocess.run([world.hall.binary, "--config", world.hall.file], env=world.hall.environment(), capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert str(world.hall.gateway[1]) in done.stderr


def test_unprivileged_on_loopback_alone(open_path, make_world):
    world = make_world(start=False, namespaces=False, directory=open_path)
    program = world.directory / "hall-copy"
    shutil.copy(world.hall.binary, program)
    world.hall.binary = program
    world.broker.start()
    for id in world.described:
        world.add_sim(id)
    world.hall.start(argv=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all",
                           "--inh-caps=-all", "--no-new-privs"])
    bus = world.bus()
    wait_state(bus, "testing", "off")
    awake(bus, "testing")
    assert world.hall.auth("/client1/", headers=BROWSER).status == 200
    asleep(bus, "testing")


def test_no_answer_is_given_twice(world, bus):
    asleep(bus, "testing")
    id, mark = command(bus, "testing", "wake")
    result(bus, "testing", id, "done", mark, 30)
    sleep, mark = command(bus, "testing", "sleep", force=True)
    result(bus, "testing", sleep, "done", mark, 60)
    for one in (id, sleep):
        assert [r["outcome"] for r in results(bus, "testing", one)] == ["accepted", "done"]
