"""A visit or a command wakes a sleeping server by a real packet; left alone it goes to sleep again."""

import struct
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from helpers import asleep, awake, command, events, result, results, state_of, topic, wait_event, wait_state
from process import wait_until
from world import BROWSER, http_get

STAGES = ["packet_sent", "first_sign", "agent_online", "docker_up", "container_present", "container_healthy",
          "site_answers"]


def magic(mac, secureon=""):
    return b"\xff" * 6 + bytes.fromhex(mac.replace(":", "")) * 16 + bytes.fromhex(secureon.replace(":", ""))


def dissect(frame):
    """Ethernet, IPv4 and UDP by hand: what the packet's reader would check."""
    assert frame[:6] == b"\xff" * 6, "Ethernet broadcast"
    assert frame[12:14] == b"\x08\x00", "IPv4"
    header = (frame[14] & 15) * 4
    assert frame[14] >> 4 == 4 and frame[14 + 9] == 17, "UDP"
    destination = ".".join(str(b) for b in frame[30:34])
    _, port, length, _ = struct.unpack("!4H", frame[14 + header:14 + header + 8])
    return destination, port, frame[14 + header + 8:14 + header + length]


def follow(world, url_path, host="testing.localhost"):
    """A browser at a ready site without a proxy in between: a redirect, then the site."""
    answers = []

    def leads_on():
        """Those who listen on the bus may hear that it is ready a moment before the workers know."""
        answers.append(world.hall.get(url_path, BROWSER, host=host))
        return answers[-1].status in (302, 303, 307)

    wait_until(leads_on, 15, "a redirect")
    answer = answers[-1]
    assert "no-store" in answer.headers["Cache-Control"]
    parts = urlsplit(answer.headers["Location"])
    return http_get(parts.hostname, parts.port, f"{parts.path}?{parts.query}", BROWSER)


def test_packet_on_the_wire_byte_by_byte_and_its_resends(make_world):
    world = make_world(namespaces=True)
    bus, sim = world.bus(), world.sims["testing"]
    wait_state(bus, "testing", "off")
    sim.tell("deaf on")
    start = time.monotonic()
    bus.publish(topic("testing", "command"), "wake")
    sim.wait("frame", 60, where=lambda _e: sim.count("frame") >= 3)
    frames = sim.frames()[:3]
    for frame in frames:
        destination, port, payload = dissect(bytes.fromhex(frame["hex"]))
        assert (destination, port) == (world.lan.broadcast, 9)
        assert payload == magic(world.described["testing"]["mac"]) and len(payload) == 102
    # A busy machine may be late, with any of them, never early; the plan to the millisecond is the core's.
    assert all(f["seen_mono"] - start >= due for f, due in zip(frames, (0, 1, 3)))


def test_packet_carries_secureon_and_reaches_only_its_server(make_world):
    world = make_world(start=False)
    world.hall.config["servers"]["erp"]["wake"]["secureon"] = "01:23:45:67:89:ab"
    world.hall.write(world.hall.config)
    world.start()
    bus = world.bus()
    wait_state(bus, "erp", "off")
    bus.publish(topic("erp", "command"), "wake")
    frame = bytes.fromhex(world.sims["erp"].wait("frame", 15)["hex"])
    assert frame.endswith(magic(world.described["erp"]["mac"], "01:23:45:67:89:ab"))
    wait_state(bus, "erp", "ready")
    assert world.sims["testing"].count("boot") == 0
    assert state_of(bus, "testing") == "off"


@pytest.mark.parametrize("namespaces", [True, False], ids=["namespaces", "loopback"])
def test_whole_cycle_by_visit(make_world, namespaces):
    world = make_world(namespaces=namespaces, idle="5s", min_up="1s")
    bus, sim = world.bus(), world.sims["testing"]
    wait_state(bus, "testing", "off")
    mark = bus.mark()
    answer = world.hall.get("/client1/a%20b?q=1&r=%C3%A9", BROWSER, host="testing.localhost")
    assert answer.status == 503 and b"<html" in answer.body
    sim.wait("frame")
    wait_event(bus, "testing", "ready", mark)
    for stage in STAGES:  # the probes and the bus are told of by themselves, so that their order is free
        wait_event(bus, "testing", "stage", mark, stage=stage)
    reached = [e["stage"] for e in events(bus, "testing", "stage", mark)]
    assert sorted(reached, key=STAGES.index) == STAGES, "each once"
    site = follow(world, "/client1/a%20b?q=1&r=%C3%A9")
    assert site.status == 200 and b"Client 1" in site.body
    assert b"/client1/a%20b?q=1&amp;r=%C3%A9" in site.body, "the URL first asked for, unchanged"
    wait_event(bus, "testing", "sleep_requested", mark)
    assert sim.wait("command")["action"] == "suspend"
    wait_event(bus, "testing", "asleep", mark, 30)
    wait_state(bus, "testing", "off")
    states = [m.text() for m in bus.heard(topic("testing", "state"), mark)]
    assert states == ["waking", "booting", "ready", "sleeping", "off"]


@pytest.mark.parametrize("words", ["wake", "power ON", "json"])
def test_wake_and_sleep_by_command(world, bus, words):
    asleep(bus, "testing")
    mark = bus.mark()
    if words == "wake":
        bus.publish(topic("testing", "command"), "wake")
    elif words == "power ON":
        bus.publish(topic("testing", "power/set"), "ON")
    else:
        command(bus, "testing", "wake", id="w-json", by="pytest", **{"for": "30m", "expires": "2099-01-01T00:00:00Z"})
    accepted = bus.wait_json(topic("testing", "result"), mark, outcome="accepted").json()
    done = result(bus, "testing", accepted["id"], "done", mark)
    assert set(done) == {"id", "action", "by", "outcome", "reason", "reason_fact", "seconds"}
    assert done["action"] == "wake" and 0 < done["seconds"] < 30
    wait_state(bus, "testing", "ready")
    assert [r["outcome"] for r in results(bus, "testing", accepted["id"])] == ["accepted", "done"]
    if words == "json":
        assert (done["id"], done["by"]) == ("w-json", "pytest")
        status = bus.last(topic("testing", "status")).json()
        assert any(lease["kind"] == "manual" for lease in status["leases"]), status


def test_power_shows_the_target_while_in_transition(world, bus):
    asleep(bus, "testing")
    mark = bus.mark()
    bus.publish(topic("testing", "power/set"), "ON")
    wait_state(bus, "testing", "ready")
    bus.publish(topic("testing", "power/set"), "OFF")
    wait_state(bus, "testing", "off", 60)
    values = [m.text() for m in bus.heard(topic("testing", "power"), mark)]
    assert values == ["ON", "OFF"], "a switch never bounces"
    first_on = bus.heard(topic("testing", "power"), mark)[0]
    ready = bus.wait_text(topic("testing", "state"), "ready", mark)
    assert first_on.at < ready.at


def test_waking_while_it_falls_asleep_is_legal(world, bus):
    awake(bus, "testing")
    mark = bus.mark()
    id, _ = command(bus, "testing", "sleep", force=True)
    bus.wait_text(topic("testing", "state"), "sleeping", mark)
    wake, _ = command(bus, "testing", "wake")
    result(bus, "testing", wake, "accepted", mark)
    result(bus, "testing", wake, "done", mark, 60)
    wait_state(bus, "testing", "ready")
    assert id != wake


def test_every_waiting_command_joins_one_wake(world, bus):
    asleep(bus, "testing")
    mark = bus.mark()
    ids = [command(bus, "testing", "wake")[0] for _ in range(5)]
    for id in ids:
        result(bus, "testing", id, "done", mark, 60)
    assert len(events(bus, "testing", "wake_requested", mark)) == 1


def test_thousand_first_visitors_cause_one_wake(world, bus):
    asleep(bus, "testing")
    sim, mark, seen = world.sims["testing"], bus.mark(), world.sims["testing"].count("frame")
    sim.tell("hold on")  # it is ready once all of them were there

    def visit(number):
        return world.hall.auth("/client1/", headers=BROWSER, client=f"198.51.{100 + number // 250}.{1 + number % 250}",
                               ).status

    try:
        with ThreadPoolExecutor(100) as pool:
            statuses = list(pool.map(visit, range(1000)))
    finally:
        sim.tell("hold off")
    assert set(statuses) == {503}
    wait_state(bus, "testing", "ready", 60)
    assert len(events(bus, "testing", "wake_requested", mark)) == 1
    wakes = {m.json()["wake"]["id"] for m in bus.heard(topic("testing", "status"), mark) if m.json()["wake"]}
    assert len(wakes) == 1, wakes
    assert sim.count("frame") - seen <= 3, "one packet and at most its resends"
