"""A new configuration while wakes and leases are live: applied whole or not at all, and nobody notices who need not."""

import contextlib
import copy
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from helpers import (awake, barrier, command, configured, events, hall_event, instant, reload, result, results,
                     simple_server, state_of, status, topic, wait_event, wait_lease, wait_state)
from process import wait_until
from world import BROWSER

KINDS = ("state", "power", "status", "config")


def extra(world, id="extra", number=60):
    """Describes one more server of this world; returns what the configuration says of it."""
    described = simple_server(id, number)
    world.described = {**world.described, id: described}
    return world.server_config(described), world.domain_config(id, described)


def add_extra(world):
    server, domain = extra(world)

    def change(config):
        config["servers"]["extra"] = server
        config["domains"]["extra.localhost"] = domain

    return change


def retained(world, *topics):
    """What a newcomer finds on the broker: topic to payload."""
    late = world.bus(topics=["hall/servers/#", "hall/projects/#", "hall/info", "hall/status"])
    late.wait_text("hall/status", "online")
    barrier_bus = world.bus()
    barrier(barrier_bus)
    found = {}
    for message in list(late.messages):
        found[message.topic] = message.text()
    return {t: found.get(t) for t in topics} if topics else found


def rss_kb(world):
    with open(f"/proc/{world.hall.process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def open_files(world):
    return len(os.listdir(f"/proc/{world.hall.process.pid}/fd"))


def test_a_wake_and_the_leases_live_on(make_world):
    world = make_world(boot_s=0.8)
    bus, sim = world.bus(), world.sims["testing"]
    wait_state(bus, "testing", "off")
    sim.tell("deaf on")
    world.hall.auth("/client1/", headers=BROWSER)
    id, mark = command(bus, "testing", "wake", by="anna")
    result(bus, "testing", id, "accepted", mark)
    bus.publish(topic("testing", "hold/backup"), {"for": "2h", "reason": "nightly"})
    wait_lease(bus, "testing", "hold")
    before = status(bus, "testing")
    wait_until(lambda: sim.count("frame") >= 2, 60, "a second packet")
    packets = sim.count("frame")
    mark = bus.mark()
    reload(world, bus, add_extra(world))
    barrier(bus)
    after = status(bus, "testing")
    assert after["wake"]["id"] == before["wake"]["id"]
    assert abs(instant(after["wake"]["deadline"]) - instant(before["wake"]["deadline"])) <= 1
    assert [(x["kind"], x["holder"], x["label"]) for x in after["leases"]] == \
        [(x["kind"], x["holder"], x["label"]) for x in before["leases"]]
    assert "unknown" not in [m.text() for m in bus.heard(topic("testing", "state"), mark)]
    wait_until(lambda: sim.count("frame") > packets, 60, "another packet")
    sim.tell("deaf off")
    result(bus, "testing", id, "done", mark, 60)
    assert [r["outcome"] for r in results(bus, "testing", id)] == ["accepted", "done"]
    assert len(events(bus, "testing", "wake_requested")) == 1
    wait_state(bus, "testing", "ready", 60)


def test_the_response_topic_of_an_open_command_is_remembered(make_world):
    world = make_world(boot_s=0.8)
    bus, sim = world.bus(), world.sims["testing"]
    wait_state(bus, "testing", "off")
    sim.tell("deaf on")
    bus.publish(topic("testing", "command"), {"action": "wake", "id": "resp1"}, response="hall/answers/me", correlation=b"c1")
    result(bus, "testing", "resp1", "accepted")
    reload(world, bus, add_extra(world))
    sim.tell("deaf off")
    result(bus, "testing", "resp1", "done", 0, 60)
    heard = bus.wait("hall/answers/me", lambda m: m.json()["outcome"] == "done", 0, 15)
    assert heard.properties.CorrelationData == b"c1"


@pytest.mark.parametrize("what", ["project", "server", "project that moves"])
def test_what_is_removed_ends_its_open_commands(make_world, what):
    """Each has one end, and those of what stays go on."""
    world = make_world()
    bus = world.bus()
    wait_state(bus, "testing", "off")
    wait_state(bus, "erp", "off")
    world.sims["testing"].tell("deaf on")
    mark = bus.mark()
    for project, id in (("client1", "p1"), ("client2", "p2")):
        bus.publish(f"hall/projects/{project}/command", {"action": "start", "id": id})
        bus.wait_json(f"hall/projects/{project}/result", mark, id=id, outcome="accepted")
    wake, _ = command(bus, "testing", "wake")
    result(bus, "testing", wake, "accepted", mark)

    def change(config):
        domains = config["domains"]
        if what == "server":
            del config["servers"]["testing"], domains["testing.localhost"]
            return
        gone = domains["testing.localhost"]["projects"].pop("client1")
        if what == "project that moves":
            domains["erp.localhost"].setdefault("projects", {})["client1"] = gone

    reload(world, bus, change)
    told = bus.wait_json("hall/projects/client1/result", mark, id="p1", outcome="failed").json()
    assert told["reason_fact"] == {"code": "answer.gone" if what == "server" else "answer.project_gone"}
    if what == "server":
        bus.wait_json("hall/projects/client2/result", mark, id="p2", outcome="failed")
        result(bus, "testing", wake, "failed", mark)
    else:
        world.sims["testing"].tell("deaf off")
        bus.wait_json("hall/projects/client2/result", mark, 40, id="p2", outcome="done")
        result(bus, "testing", wake, "done", mark, 60)
    barrier(bus)
    for project, id in (("client1", "p1"), ("client2", "p2")):
        heard = [m.json()["outcome"] for m in bus.heard(f"hall/projects/{project}/result", mark) if m.json()["id"] == id]
        assert len(heard) == 2 and heard[0] == "accepted", heard


def test_ready_servers_stay_ready_and_visitors_notice_nothing(make_world):
    world = make_world()
    bus = world.bus()
    awake(bus, "testing")
    awake(bus, "erp")
    world.hall.auth("/client1/", headers=BROWSER)
    wait_lease(bus, "testing", "visit")
    mark = bus.mark()
    reload(world, bus, lambda config: config["servers"]["testing"].update(name="Renamed"))
    assert world.hall.auth("/client1/", headers=BROWSER).status == 200
    assert world.hall.auth("/", host="erp.localhost", headers=BROWSER).status == 200
    bus.wait_json(topic("testing", "config"), mark, name="Renamed")
    barrier(bus)
    assert {m.text() for m in bus.heard(topic("testing", "state"), mark)} <= {"ready"}
    assert wait_lease(bus, "testing", "visit")


def test_servers_and_domains_come_and_go(make_world):
    world = make_world()
    bus = world.bus()
    wait_state(bus, "erp", "off")
    awake(bus, "testing")
    # One comes.
    change = add_extra(world)
    world.broker.passwords["extra"] = world.broker.passwords["erp"]
    mark = bus.mark()
    reload(world, bus, change)
    wait_state(bus, "extra", "off", 60)
    for kind in KINDS:
        bus.wait(topic("extra", kind), lambda m: m.payload, mark, 15)
    bus.wait_json("hall/info", mark, servers=3, domains=3)
    assert world.hall.auth("/", host="extra.localhost", headers=BROWSER).status == 503
    wait_event(bus, "extra", "wake_requested", mark)
    # Two go, one of them with an open wake and one with projects.
    id, _ = command(bus, "extra", "wake", by="anna")
    result(bus, "extra", id, "accepted")
    mark = bus.mark()

    def remove(config):
        for server, domain in (("extra", "extra.localhost"), ("testing", "testing.localhost")):
            del config["servers"][server], config["domains"][domain]

    reload(world, bus, remove)
    bus.wait_json("hall/info", mark, servers=1, domains=1, projects=0)
    erp_id, at = command(bus, "erp", "wake")
    result(bus, "erp", erp_id, "done", at, 60)
    wait_state(bus, "erp", "ready")
    barrier(bus)  # the broker keeps all that Hall has said by now, and no more
    late = world.bus(topics=["hall/servers/#", "hall/projects/#", "hall/status"])
    barrier(late)  # answered behind all that the broker kept
    assert late.last(topic("erp", "state")).text() == "ready"
    left = {m.topic for m in late.messages if m.retained and m.payload}
    assert left == {"hall/status"} | {topic("erp", kind) for kind in KINDS}, left
    assert world.hall.auth("/client1/", headers=BROWSER).status in (403, 404)
    at = bus.mark()
    bus.publish(topic("extra", "command"), {"action": "wake", "id": "late"})
    assert "no server" in result(bus, "extra", "late", "refused", at)["reason"]
    assert [r["outcome"] for r in results(bus, "extra", id)] == ["accepted", "failed"], "an accepted command has an end"
    # And back, as if new.
    mark = bus.mark()
    original = {"testing": world.described["testing"]}

    def give_back(config):
        for id, server in original.items():
            config["servers"][id] = world.server_config(server)
            config["domains"][server["domain"]] = world.domain_config(id, server)

    reload(world, bus, give_back)
    bus.wait_text(topic("testing", "state"), "ready", mark, 20)
    wait_until(lambda: world.hall.auth("/client1/", headers=BROWSER).status == 200, 10, "passage")


def test_a_new_server_that_is_up_already_is_found_ready_with_its_agent(make_world):
    """Its agent said online before Hall knew the server: the broker has kept that word."""
    described = {"extra": simple_server("extra", 60)}
    from world import SERVERS

    world = configured(make_world, servers={**SERVERS, **described}, start=False)
    config = world.hall.config
    server, domain = config["servers"].pop("extra"), config["domains"].pop("extra.localhost")
    world.hall.write(config)
    world.start()
    bus, sim = world.bus(), world.sims["extra"]
    sim.tell("boot")
    sim.wait("stage", 10, where=lambda e: e["stage"] == "sites")
    bus.wait_text("hall/agents/extra/state", "online")
    barrier(bus)

    def change(config):
        config["servers"]["extra"] = server
        config["domains"]["extra.localhost"] = domain

    reload(world, bus, change)
    wait_state(bus, "extra", "ready", 60)
    assert world.sims["extra"].count("frame") == 0


def test_changed_policies_and_checks_apply_at_once(make_world):
    world = make_world()
    bus = world.bus()
    wait_state(bus, "testing", "off")
    reload(world, bus, lambda config: config["domains"]["testing.localhost"].update(policy={"mode": "always_on"}))
    wait_state(bus, "testing", "ready", 60)
    mark = bus.mark()
    reload(world, bus, lambda config: config["servers"]["testing"].update(checks=[{"tcp": {"port": 9}}]))
    wait_until(lambda: state_of(bus, "testing") != "ready", 20, "the new check to count")
    reload(world, bus, lambda config: config["servers"]["testing"].update(checks=[{"tcp": {"port": 8081}}]))
    wait_state(bus, "testing", "ready", 60)
    assert world.sims["testing"].count("boot") == 1
    assert "off" not in [m.text() for m in bus.heard(topic("testing", "state"), mark)]
    reload(world, bus, lambda config: config["domains"]["testing.localhost"].update(policy={"mode": "on_demand", "idle": "1s"}))
    wait_state(bus, "testing", "off", 60)


def test_a_setting_of_the_bus_outlives_a_reload(make_world):
    world = make_world()
    bus = world.bus()
    wait_state(bus, "testing", "off")
    bus.publish(topic("testing", "idle/set"), "41")
    bus.wait_json(topic("testing", "config"), 0, idle_s=41 * 60)
    reload(world, bus, add_extra(world))
    barrier(bus)
    assert bus.last(topic("testing", "config")).json()["idle_s"] == 41 * 60


@pytest.mark.parametrize("broken", ["syntax", "missing", "three errors", "empty", "cycle", "huge"])
def test_a_broken_file_is_rejected_and_the_old_one_goes_on(make_world, broken):
    world = make_world()
    bus = world.bus()
    awake(bus, "testing")
    good = copy.deepcopy(world.hall.config)
    wanted = []
    if broken == "syntax":
        world.hall.file.write_text('{"servers": {', encoding="utf-8")
        wanted = ["domains.json"]
    elif broken == "missing":
        world.hall.file.unlink()
        wanted = ["domains.json"]
    elif broken == "empty":
        world.hall.file.write_text("", encoding="utf-8")
        wanted = ["domains.json"]
    elif broken == "huge":
        world.hall.file.write_text("[" * 5_000_000, encoding="utf-8")
        wanted = ["domains.json"]
    else:
        bad = copy.deepcopy(good)
        if broken == "cycle":
            bad["servers"]["testing"]["depends_on"] = ["erp"]
            bad["servers"]["erp"]["depends_on"] = ["testing"]
            wanted = ["depends_on"]
        else:
            bad["servers"]["testing"]["mac"] = "zz"
            bad["servers"]["erp"]["addres"] = "1.2.3.4"
            bad["domains"]["erp.localhost"]["policy"] = {"mode": "scheduled", "windows": [{"from": "25:00", "to": "08:00"}]}
            wanted = ["/servers/testing/mac", "/servers/erp/addres", "/domains/erp.localhost/policy/windows/0/from"]
        world.hall.file.write_text(__import__("json").dumps(bad), encoding="utf-8")
    before = len(world.hall.log_text())
    mark = bus.mark()
    world.hall.process.signal(signal.SIGHUP)
    hall_event(bus, "config_rejected", mark)
    log = world.hall.log_text()[before:]
    for words in wanted:
        assert words in log, log
    assert world.hall.auth("/client1/", headers=BROWSER).status == 200
    id, at = command(bus, "erp", "wake")
    result(bus, "erp", id, "done", at, 60)
    world.hall.write(good)
    reload(world, bus)
    assert world.hall.auth("/client1/", headers=BROWSER).status == 200


def test_what_needs_a_restart_is_said(make_world):
    world = make_world()
    bus = world.bus()
    wait_state(bus, "testing", "off")

    def change(config):
        config["store"]["path"] += ".other"
        config["mqtt"]["username"] = "someone"

    reload(world, bus, change)
    log = world.hall.log_text()
    assert "/store/path changed" in log and "/mqtt changed" in log
    barrier(bus)


def test_another_base_topic_waits_for_the_restart(make_world):
    """Everything goes on below the topic that the connection was made for: states, answers, what is cleared."""
    world = make_world()
    bus = world.bus()
    wait_state(bus, "testing", "off")
    add = add_extra(world)

    def change(config):
        config["mqtt"]["base_topic"] = "elsewhere"
        add(config)

    reload(world, bus, change)
    reload(world, bus)  # said again, and still not done
    assert world.hall.log_text().count("/mqtt/base_topic changed; it takes effect when Hall is restarted") == 2
    wait_state(bus, "extra", "off")
    id, at = command(bus, "erp", "wake")
    result(bus, "erp", id, "done", at, 60)


def test_connections_and_held_requests_of_before_are_answered(make_world):
    """A kept-alive connection, a request that is held for the server, a status poll: all outlive the change."""
    import http.client

    def change(_servers, domains):
        domains["testing.localhost"]["access"] = {"hold": "20s"}

    world = configured(make_world, change, boot_s=3.0)
    bus = world.bus()
    wait_state(bus, "testing", "off")
    kept = http.client.HTTPConnection(*world.hall.gateway, timeout=30)
    kept.request("GET", "/healthz")
    assert kept.getresponse().read() is not None
    words = {"Accept": "application/json", "User-Agent": "curl/8"}
    with ThreadPoolExecutor(4) as pool:
        held = [pool.submit(world.hall.auth, "/client1/api", "testing.localhost", {**words}) for _ in range(3)]
        wait_event(bus, "testing", "wake_requested")
        reload(world, bus, add_extra(world))
        reload(world, bus)
        kept.request("GET", "/healthz")
        answer = kept.getresponse()
        assert answer.status == 200 and answer.read() is not None
        for one in held:
            code = one.result(30).status
            assert code in (200, 503), code
    wait_until(lambda: world.hall.auth("/client1/", headers=BROWSER).status == 200, 20, "passage")


def with_extra(world):
    """The configuration as it is, and with another server, its domain, and another name."""
    plain = copy.deepcopy(world.hall.config)
    more = copy.deepcopy(plain)
    server, domain = extra(world)
    more["servers"]["extra"], more["domains"]["extra.localhost"] = server, domain
    more["servers"]["testing"]["name"] = "Other"
    return plain, more


@contextlib.contextmanager
def under_load(world):
    """Four browsers without a pause; each of their visits is let in."""
    stop, statuses, errors = threading.Event(), [], []

    def load(number):
        while not stop.is_set():
            try:
                statuses.append(world.hall.auth(f"/client{1 + number % 2}/", headers=BROWSER).status)
            except OSError as error:
                errors.append(error)

    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(load, n) for n in range(4)]
        try:
            yield statuses
        finally:
            stop.set()
        for job in jobs:
            job.result(20)
    assert not errors, errors[:3]
    assert set(statuses) == {200}, {code: statuses.count(code) for code in set(statuses)}


def reload_often(world, bus, configs, n):
    for i in range(n):
        world.hall.write(configs[(i + 1) % 2])
        mark = bus.mark()
        world.hall.process.signal(signal.SIGHUP)
        hall_event(bus, "config_loaded", mark, 10)


def test_fifty_quick_reloads_under_load(make_world):
    world = make_world(namespaces=False)
    bus = world.bus()
    awake(bus, "testing")
    configs = with_extra(world)
    with under_load(world) as statuses:
        reload_often(world, bus, configs, 50)
        wait_until(lambda: len(statuses) > 500, 120, "five hundred visits")
    # A burst without waiting: the last word counts.
    world.hall.write(configs[1])
    mark = bus.mark()
    for _ in range(50):
        world.hall.process.signal(signal.SIGHUP)
    hall_event(bus, "config_loaded", mark, 10)
    bus.wait_json("hall/info", mark, servers=3)
    assert world.hall.auth("/client1/", headers=BROWSER).status == 200
    assert state_of(bus, "testing") == "ready"


@pytest.mark.measures
def test_memory_is_flat_over_reloads(make_world):
    world = make_world(namespaces=False)
    bus = world.bus()
    awake(bus, "testing")
    configs = with_extra(world)

    def settled():
        """Boards that workers may still read are freed within a second or two."""
        small = [rss_kb(world)]

        def steady():
            small.append(rss_kb(world))
            return len(small) > 12 and max(small[-10:]) - min(small[-10:]) < 64

        wait_until(steady, 15, "a steady size", pause=0.2)
        return small[-1]

    with under_load(world) as statuses:
        reload_often(world, bus, configs, 20)
        sizes, files = [settled()], open_files(world)
        for _ in range(3):
            reload_often(world, bus, configs, 50)
            sizes.append(settled())
    print(f"RSS after 20, 70, 120 and 170 reloads: {sizes} kB; {len(statuses)} requests")
    # What workers and caches hold comes and goes; what leaks comes with every fifty.
    assert min(after - before for before, after in pairwise(sizes)) <= 512, "memory grows with reloads"
    assert open_files(world) <= files + 4, "descriptors are left open"


def test_reload_without_a_broker(make_world):
    world = make_world(start=False)
    world.hall.start()
    change = add_extra(world)
    change(world.hall.config)
    world.hall.write(world.hall.config)
    world.hall.process.signal(signal.SIGHUP)
    wait_until(lambda: world.hall.auth("/", host="extra.localhost", headers=BROWSER).status == 503, 15, "the new domain")
    assert world.hall.auth("/", host="nobody.localhost", headers=BROWSER).status in (403, 404)
    world.broker.start()
    bus = world.bus()
    bus.wait_text("hall/status", "online", limit=120)
    bus.wait_json("hall/info", servers=3, limit=15)


def test_stop_in_the_middle_of_reloads(make_world):
    world = make_world()
    for _ in range(20):
        world.hall.process.signal(signal.SIGHUP)
        world.hall.auth("/client1/", headers=BROWSER)
    world.hall.process.signal(signal.SIGTERM)
    assert world.hall.process.popen.wait(60) == 0
