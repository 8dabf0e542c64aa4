"""Commands whose server or project was removed from the configuration while Hall did not run: each has one end."""

import pytest
from helpers import barrier, command, hall_again, result, results, topic, wait_state
from process import wait_until


def without(config, what):
    domains = config["domains"]
    if what == "server":
        del config["servers"]["testing"], domains["testing.localhost"]
        return
    gone = domains["testing.localhost"]["projects"].pop("client1")
    if what == "project that moves":
        domains["erp.localhost"].setdefault("projects", {})["client1"] = gone


@pytest.mark.parametrize("what", ["project", "project that moves", "server"])
def test_commands_of_what_was_removed_while_hall_was_dead_have_one_end(make_world, what):
    world = make_world()
    bus = world.bus()
    wait_state(bus, "testing", "off")
    wait_state(bus, "erp", "off")
    world.sims["testing"].tell("deaf on")
    began = bus.mark()
    for project, id in (("client1", "p1"), ("client2", "p2")):
        bus.publish(f"hall/projects/{project}/command", {"action": "start", "id": id})
        bus.wait_json(f"hall/projects/{project}/result", began, id=id, outcome="accepted")
    wake, _ = command(bus, "testing", "wake")
    result(bus, "testing", wake, "accepted", began)

    def answers(project, id):
        return [m.json()["outcome"] for m in bus.heard(f"hall/projects/{project}/result", began) if m.json()["id"] == id]

    world.hall.kill()
    without(world.hall.config, what)
    world.hall.write(world.hall.config)
    mark = bus.mark()
    world.hall.start()
    told = bus.wait_json("hall/projects/client1/result", mark, id="p1").json()
    assert told["outcome"] == "failed" and told["seconds"] is not None
    assert told["reason_fact"] == {"code": "answer.gone" if what == "server" else "answer.project_gone"}
    if what == "server":
        bus.wait_json("hall/projects/client2/result", mark, id="p2", outcome="failed")
        result(bus, "testing", wake, "failed", mark)
    hall_again(world, bus)
    if what != "server":  # these go on, over both restarts
        world.sims["testing"].tell("deaf off")
        bus.wait_json("hall/projects/client2/result", began, 40, id="p2", outcome="done")
        result(bus, "testing", wake, "done", began, 60)
    barrier(bus)
    hall_again(world, bus)
    barrier(bus)
    assert answers("client1", "p1") == ["accepted", "failed"]
    assert answers("client2", "p2") == ["accepted", "failed" if what == "server" else "done"]
    assert [r["outcome"] for r in results(bus, "testing", wake)] == ["accepted", "failed" if what == "server" else "done"]


def test_nothing_is_said_where_all_is_still_there(make_world):
    world = make_world()
    bus = world.bus()
    wait_state(bus, "testing", "off")
    mark = bus.mark()
    bus.publish("hall/projects/client1/command", {"action": "start", "id": "p1"})
    bus.wait_json("hall/projects/client1/result", mark, 40, id="p1", outcome="done")
    wait_until(lambda: bus.last(topic("testing", "state")).text() == "ready", 20, "ready")
    hall_again(world, bus)
    barrier(bus)
    assert [m.json()["outcome"] for m in bus.heard("hall/projects/client1/result", mark)] == ["accepted", "done"]
