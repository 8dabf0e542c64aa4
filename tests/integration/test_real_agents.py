"""Hall, a broker with its rights, and servers in namespaces with the real hall-agent: what goes wrong between them."""

import os

import pytest
from conftest import SANITIZER
from helpers import command, events, result, state_of, topic, wait_event, wait_state, wait_status
from process import wait_until
from world import BROWSER, ROOT

AGENT = ROOT / os.environ.get("HALL_BUILD", "build") / "bin" / "hall-agent"


@pytest.fixture
def real(make_world):
    """A world, its bus, and the server `testing` ready; what the agents wrote is looked through at the end."""
    world = make_world(agent=AGENT, idle="20m")
    bus = world.bus()
    wait_state(bus, "testing", "off", 60)
    id, mark = command(bus, "testing", "wake")
    result(bus, "testing", id, "done", mark, 60)
    wait_state(bus, "testing", "ready")
    bus.wait("hall/agents/testing/containers", lambda m: m.json()["docker"], limit=20)
    world.sims["testing"].wait("stage", 20, where=lambda e: e["stage"] == "sites")  # it is up itself
    yield world, bus, world.sims["testing"]
    logs = "".join(path.read_text(encoding="utf-8", errors="replace") for path in world.directory.glob("*-agent.log"))
    assert logs and SANITIZER.search(logs) is None, logs[-6000:]


def agent_state(bus, word, after=0, limit=30):
    return bus.wait_text("hall/agents/testing/state", word, after, limit)


def report(bus, after, where, limit=30):
    return bus.wait("hall/agents/testing/report", lambda m: where(m.json()), after, limit).json()


def sleep(bus):
    id, mark = command(bus, "testing", "sleep")
    result(bus, "testing", id, "done", mark, 60)
    wait_state(bus, "testing", "off", 60)
    return mark


def wait_project(bus, project, state, limit=30):
    wait_until(lambda: bus.last(f"hall/projects/{project}/state").text() == state, limit, f"{project} {state}")


def visit_until_ready(world, path="/client1/"):
    wait_until(lambda: world.hall.auth(path, headers=BROWSER).status == 200, 40, f"passage to {path}", pause=0.1)


def test_a_visit_starts_its_containers_and_they_live_through_the_sleep(real):
    world, bus, sim = real
    assert world.hall.auth("/client1/", headers=BROWSER).status == 503, "its containers are stopped"
    visit_until_ready(world)
    wait_project(bus, "client1", "ready")
    wait_project(bus, "client2", "stopped")
    id, mark = command(bus, "testing", "sleep", force=True)
    result(bus, "testing", id, "done", mark, 60)
    assert events(bus, "testing", "unreachable", mark) == []
    mark = bus.mark()
    assert world.hall.auth("/client1/", headers=BROWSER).status == 503
    visit_until_ready(world)
    assert report(bus, mark, lambda r: r["resumes"] == 1)
    assert bus.heard("hall/agents/testing/command", mark) == [], "what ran before the sleep runs after it"


def test_the_agent_is_killed_and_comes_back(real):
    _world, bus, sim = real
    mark = bus.mark()
    sim.tell("agent off")
    agent_state(bus, "offline", mark)
    wait_status(bus, "testing", lambda s: s["evidence"]["agent"] == "offline", 20)
    assert state_of(bus, "testing") in ("ready", "degraded"), "the server lives"
    id, asked = command(bus, "testing", "sleep")
    assert result(bus, "testing", id, "refused", asked, 60)["reason"]
    mark = bus.mark()
    sim.tell("agent on")
    agent_state(bus, "online", mark)
    wait_state(bus, "testing", "ready", 60)
    report(bus, mark, lambda r: r["vetoes"] == [])
    sleep(bus)


def test_docker_goes_and_comes_back(real):
    world, bus, sim = real
    visit_until_ready(world)
    mark = bus.mark()
    sim.tell("docker off")
    bus.wait("hall/agents/testing/containers", lambda m: not m.json()["docker"] and m.json()["problem"], mark, 30)
    bus.wait("hall/projects/client1/status", lambda m: "Docker" in (m.json()["problem"] or ""), mark, 30)
    assert state_of(bus, "testing") == "ready", "the server is there all the same"
    mark = bus.mark()
    sim.tell("docker on")
    bus.wait("hall/agents/testing/containers", lambda m: m.json()["docker"], mark, 30)
    visit_until_ready(world)
    wait_project(bus, "client1", "ready")


def test_a_container_is_removed(real):
    world, bus, sim = real
    visit_until_ready(world)
    mark = bus.mark()
    sim.tell("remove client1-db")
    found = bus.wait("hall/projects/client1/status", lambda m: "client1-db" in (m.json()["problem"] or ""), mark, 30).json()
    assert {c["name"]: c["state"] for c in found["containers"]}["client1-db"] != "running", found
    wait_project(bus, "client2", "stopped")


@pytest.mark.parametrize("what", ["suspend", "poweroff"])
def test_someone_at_the_server_sends_it_down(real, what):
    _world, bus, sim = real
    mark = bus.mark()
    sim.tell(what)
    agent_state(bus, "sleeping", mark)
    wait_state(bus, "testing", "off", 60)
    states = [m.text() for m in bus.heard(topic("testing", "state"), mark)]
    assert states == ["sleeping", "off"] and events(bus, "testing", "sleep_requested", mark) == []
    id, mark = command(bus, "testing", "wake")
    result(bus, "testing", id, "done", mark, 60)


def test_it_reboots_behind_halls_back(real):
    world, bus, sim = real
    visit_until_ready(world)
    mark = bus.mark()
    sim.tell("reboot")
    agent_state(bus, "sleeping", mark)
    agent_state(bus, "online", mark)
    wait_state(bus, "testing", "ready", 60)
    assert "unreachable" not in [m.text() for m in bus.heard(topic("testing", "state"), mark)]
    assert sim.count("boot") == 2
    visit_until_ready(world)  # its containers are started anew


def test_it_resumes_without_a_network(real):
    world, bus, sim = real
    sleep(bus)
    world.lan.cable(sim.port, False)
    mark = bus.mark()
    sim.tell("boot")  # somebody pressed its button
    sim.wait("agent_online", 20, where=lambda e: sim.count("agent_online") == 2)
    assert state_of(bus, "testing") == "off"
    world.lan.cable(sim.port, True)
    agent_state(bus, "online", mark, 70)
    wait_state(bus, "testing", "ready", 60)
    assert report(bus, mark, lambda r: r["resumes"] == 1)
    wait_status(bus, "testing", lambda s: s["problem"] is None)
    assert wait_event(bus, "testing", "ready", mark)["detail"].endswith("Hall had not woken it")
