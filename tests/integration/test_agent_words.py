"""What agents say wrongly, all of it at once to one Hall: each named in the log, once a minute for each agent, and nothing else changes."""

import http.server
import threading
import time

import pytest
from helpers import barrier, leases, status, topic, wait_lease, wait_no_lease, wait_state, wait_status
from process import wait_until
from world import BROWSER

MEGABYTE = 1 << 20
GOOD = {"schema": 1, "boot_id": "b-1", "uptime_s": 60, "load": 0.5, "vetoes": ["backup"], "veto_facts": [None]}
RUNS = {"schema": 1, "docker": True, "containers": [{"name": "web", "state": "running", "health": "healthy"}]}

# Of each: the topic, what is sent, and what the log says of it.
REFUSED = {
    "number": ("report", b"42", "number; allowed: an object"),
    "list": ("report", b"[1, 2]", "array; allowed: an object"),
    "text": ("report", b'"online"', "string; allowed: an object"),
    "no-json": ("report", b"\xff\x00\xfe", "cannot be read"),
    "cut": ("report", b'{"load": 1', "cannot be read"),
    "nul": ("report", b'{"load": 1}\0', "cannot be read"),
    "two": ("report", b"{}{}", "cannot be read"),
    "doubled": ("report", b'{"load": 1, "load": 2}', '"load" appears twice'),
    "utf-8": ("report", b'{"boot_id": "\xc3\x28"}', "cannot be read"),
    "surrogate": ("report", b'{"boot_id": "\\ud800"}', "cannot be read"),
    "nested": ("report", b'{"vetoes": ' + b"[" * 1000 + b"]" * 1000 + b"}", "cannot be read"),
    "nested-objects": ("report", b'{"a":' * 1000 + b"1" + b"}" * 1000, "cannot be read"),
    "megabyte": ("report", b'{"vetoes": ["' + b"x" * MEGABYTE + b'"]}', "cannot be read"),
    "many": ("report", b'{"macs": [' + b"0," * 30000 + b"0]}", "more than"),
    "load-text": ("report", {**GOOD, "load": "high"}, '"load" is string'),
    "load-list": ("report", {**GOOD, "load": [1]}, '"load" is array'),
    "load-nan": ("report", b'{"load": NaN}', "cannot be read"),
    "load-infinite": ("report", b'{"load": -Infinity}', "cannot be read"),
    "load-huge": ("report", b'{"load": 1e300}', '"load" is out of range'),
    "load-beyond": ("report", b'{"load": 1e999}', "load"),
    "load-digits": ("report", b'{"load": ' + b"9" * 5000 + b"}", ""),
    "load-negative": ("report", b'{"load": -1}', '"load" is out of range'),
    "uptime-huge": ("report", b'{"uptime_s": 9223372036854775808}', '"uptime_s" is out of range'),
    "boot-number": ("report", b'{"boot_id": 5}', '"boot_id" is number'),
    "boot-control": ("report", b'{"boot_id": "a\\nb"}', '"boot_id" is no boot id'),
    "boot-long": ("report", {"boot_id": "b" * 5000}, '"boot_id" is no boot id'),
    "schema-zero": ("report", b'{"schema": 0}', '"schema" is out of range'),
    "schema-half": ("report", b'{"schema": 1.5}', '"schema" is out of range'),
    "schema-huge": ("report", b'{"schema": 1e18}', '"schema" is out of range'),
    "schema-text": ("report", b'{"schema": "1"}', '"schema" is string'),
    "vetoes-text": ("report", b'{"vetoes": "all"}', '"vetoes" is string'),
    "vetoes-numbers": ("report", b'{"vetoes": [1, 2]}', '"vetoes" has number'),
    "vetoes-objects": ("report", b'{"vetoes": [{}]}', '"vetoes" has object'),
    "facts-text": ("report", b'{"vetoes": [], "veto_facts": "x"}', '"veto_facts" is string'),
    "wol-list": ("report", b'{"wol": []}', '"wol" is array'),
    "wol-armed": ("report", b'{"wol": {"armed": "yes"}}', '"armed" is string'),
    "wol-letters": ("report", b'{"wol": {"letters": "xyz"}}', '"letters" is "xyz"'),
    "macs-object": ("report", b'{"macs": {}}', '"macs" is object'),
    "macs-words": ("report", b'{"macs": ["nonsense"]}', '"macs" has "nonsense"'),
    "connections": ("report", b'{"vetoes": [], "connections": 7}', '"connections" is number'),
    "silent": ("report", b'{"vetoes": [], "silent": "x"}', '"silent" is string'),
    "can": ("report", b'{"can": [true]}', '"can" is array'),
    "docker-text": ("containers", b'{"docker": "yes"}', '"docker" is string'),
    "docker-missing": ("containers", b"{}", '"docker" is missing'),
    "containers-object": ("containers", b'{"docker": true, "containers": {}}', '"containers" is object'),
    "container-number": ("containers", b'{"docker": true, "containers": [7]}', "a container is number"),
    "container-name": ("containers", b'{"docker": true, "containers": [{"name": 7}]}', '"name" is number'),
    "container-nested": ("containers", b'{"containers": ' + b"[" * 1000 + b"]" * 1000 + b"}", "cannot be read"),
    "containers-utf-8": ("containers", b'{"docker": true, "problem": "\x80"}', "cannot be read"),
    "containers-megabyte": ("containers", b'{"docker": false, "problem": "' + b"<b>" * (MEGABYTE // 3) + b'"}', "cannot be read"),
    "containers-schema": ("containers", b'{"schema": -1, "docker": false}', '"schema" is out of range'),
    "state-upper": ("state", b"OFFLINE", 'its state is "OFFLINE"'),
    "state-binary": ("state", b"\xff\x00", "its state is"),
    "state-long": ("state", b"offline" * 1000, "its state is"),
    "state-json": ("state", b'{"state": "offline"}', "its state is"),
    "result-empty": ("result", b"{}", '"id" is missing'),
    "result-outcome": ("result", b'{"id": "a", "outcome": "maybe"}', '"outcome" is "maybe"'),
    "result-limit": ("result", b'{"id": "a", "outcome": "accepted", "limit_s": -5}', '"limit_s" is no number'),
    "result-why": ("result", b'{"id": "a", "outcome": "refused", "vetoes": 3}', '"vetoes" is number'),
}
# Taken, and yet nothing that was in use is over.
TAKEN = {
    "nothing": {},
    "no-use": {"schema": 1, "load": 1.0},
    "null-use": {**GOOD, "vetoes": None},
    "other-schema": {**GOOD, "schema": 2, "vetoes": []},
}
IDS = ["testing", *REFUSED, *TAKEN, "unknown", "markup", "busy", "crowded"]


@pytest.fixture(scope="module")
def sites():
    """One page at every address of this machine."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *words):
            pass

    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 256

    server = Server(("", 0), Page)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def configure(world, port):
    config = world.hall.config
    config["servers"], config["domains"] = {}, {}
    for n, id in enumerate(IDS):
        address = f"127.0.1.{n + 1}"
        config["servers"][id] = {"address": address, "mac": f"02:00:5e:30:00:{n:02x}", "sleep": {"via": "agent"},
                                 "wake": {"broadcast": "127.255.255.255", "port": world.lan.wol_port},
                                 "checks": [{"tcp": {"port": port}}]}
        project = {"path": "/p", "upstream": f"http://{address}:{port}", "containers": ["web"], "health": "/"}
        config["domains"][f"{id}.localhost"] = {"server": id, "projects": {f"p-{id}": project}}
    world.hall.write(config)


@pytest.fixture(scope="module")
def spoken(binary, tmp_path_factory, sites):
    """Servers that are up, each with a hold and what its agent reports in use; and the agents' voice."""
    from conftest import Worlds, check_end

    worlds = Worlds(binary, tmp_path_factory)
    world = worlds(start=False, namespaces=False)
    configure(world, sites.server_address[1])
    conf = world.broker.directory / "mosquitto.conf"
    conf.write_text(conf.read_text(encoding="utf-8").replace("max_packet_size 65536\n", ""), encoding="utf-8")
    world.broker.start()
    world.hall.start()
    bus, voice = world.bus(), world.bus(user="hall", topics=[])
    bus.wait_text("hall/status", "online", limit=60)
    for id in IDS:
        voice.publish(f"hall/agents/{id}/state", "online", retain=True)
        wait_state(bus, id, "ready", 120)
        voice.publish(f"hall/agents/{id}/report", GOOD, retain=True)
        voice.publish(f"hall/agents/{id}/containers", RUNS, retain=True)
        bus.publish(topic(id, "hold/backup"), {"for": "2h"})
    for id in IDS:
        wait_lease(bus, id, "agent", 120)
        wait_lease(bus, id, "hold", 120)
        wait_until(lambda p=f"hall/projects/p-{id}/state": bus.last(p).text() == "ready", 60, id + "'s project")
    yield world, bus, voice
    check_end(world)
    worlds.close()


def standing(bus, id):
    """All that an agent's word may change."""
    now = status(bus, id)
    project = bus.last(f"hall/projects/p-{id}/status").json()
    return {**{key: now[key] for key in ("state", "leases", "load", "uptime_s", "problem", "target", "awake_until")},
            "agent": now["evidence"]["agent"], "project": (project["problem"], project["containers"]),
            "stands": bus.last(f"hall/projects/p-{id}/state").text()}


def minute():
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) // 60)


def lines(world, id, since):
    return [x for x in world.hall.log_text()[since:].splitlines() if f"agent {id}: message on" in x]


def test_ill_formed_words_change_nothing_and_are_named_once_a_minute(spoken):
    world, bus, voice = spoken
    before = {id: standing(bus, id) for id in REFUSED}
    since, began = len(world.hall.log_text()), minute()
    for _ in range(300):  # one that says more than the log takes of all hides none of the others
        voice.publish("hall/agents/testing/report", b"nonsense", qos=0)
    for _ in range(3):
        for id, (what, payload, _) in REFUSED.items():
            voice.publish(f"hall/agents/{id}/{what}", payload, retain=what != "result")
    barrier(bus)
    minutes = minute() - began + 1
    for id, (what, _, words) in REFUSED.items():
        told = lines(world, id, since)
        assert 1 <= len(told) <= minutes, (id, told)
        assert f"message on hall/agents/{id}/{what} ignored" in told[0] and words in told[0], (id, told)
        assert len(told[0]) < 600
        assert standing(bus, id) == before[id]
    assert 1 <= len(lines(world, "testing", since)) <= minutes
    assert status(bus, "testing")["state"] == "ready" and world.hall.get("/healthz").status == 200


@pytest.mark.parametrize("id", TAKEN)
def test_what_is_not_said_of_use_ends_no_lease(spoken, id):
    _, bus, voice = spoken
    before = [(x["kind"], x["holder"], x["since"]) for x in status(bus, id)["leases"]]
    for _ in range(3):
        voice.publish(f"hall/agents/{id}/report", TAKEN[id], retain=True)
    # What is kept of seventy servers may come after the answers of a barrier.
    now = wait_status(bus, id, lambda s: all(x["until"] for x in s["leases"] if x["kind"] == "agent"), 60, what="an end, some day")
    assert [(x["kind"], x["holder"], x["since"]) for x in now["leases"]] == before
    barrier(bus)
    assert [(x["kind"], x["holder"], x["since"]) for x in status(bus, id)["leases"]] == before
    assert status(bus, id)["state"] == "ready"
    voice.publish(f"hall/agents/{id}/report", {**GOOD, "vetoes": []}, retain=True)
    wait_no_lease(bus, id, "agent")


def test_checks_that_hall_does_not_know_are_use(spoken):
    world, bus, voice = spoken
    odd = "<script>alert(1)</script>"
    voice.publish("hall/agents/unknown/report", {**GOOD, "vetoes": ["quantum: entangled", odd], "veto_facts": [
        {"code": "veto.unknown", "veto": "quantum", "cause": None}, {"code": "veto.of.tomorrow", "html": odd}]}, retain=True)
    wait_lease(bus, "unknown", "agent", holder="quantum")
    assert wait_lease(bus, "unknown", "agent", holder="agent")["label"] == odd
    barrier(bus)
    assert status(bus, "unknown")["state"] == "ready" and lines(world, "unknown", 0) == []


def test_markup_of_containers_is_text_for_people(spoken):
    world, bus, voice = spoken
    odd = "<script>alert(1)</script>"
    voice.publish("hall/agents/markup/containers", {"schema": 1, "docker": False, "problem": odd, "containers": [
        {"name": odd, "project": odd, "state": odd, "health": odd}]}, retain=True)
    bus.wait("hall/projects/p-markup/status", lambda m: odd in (m.json()["problem"] or ""))
    mark = bus.mark()
    voice.publish("hall/agents/markup/containers", {"schema": 1, "docker": True, "problem": odd, "containers": [
        {"name": odd, "project": odd, "state": "exited"}, {"name": "web", "state": "exited", "health": odd}]}, retain=True)
    bus.wait_text("hall/projects/p-markup/state", "stopped", mark)
    pages = []

    def is_shut():
        """Those who listen on the bus may hear it a moment before the gate knows."""
        pages.append(world.hall.auth("/p/", host="markup.localhost", headers=BROWSER))
        return pages[-1].status == 503

    wait_until(is_shut, 15, "a page that waits")
    assert odd not in pages[-1].text()
    told = world.hall.get("/.hall/status?path=/p/", {"Host": "markup.localhost", "Accept-Language": "en"})
    assert told.headers["Content-Type"].startswith("application/json") and told.headers["X-Content-Type-Options"] == "nosniff"
    wait_lease(bus, "markup", "agent", holder="agent")
    assert status(bus, "markup")["state"] == "ready"


def test_what_finds_no_room_is_told_once(spoken):
    """More checks than have a lease, more containers than are followed: which agent, how many, and what to do."""
    world, bus, voice = spoken
    since, began = len(world.hall.log_text()), minute()

    def cut(id):
        return [x for x in world.hall.log_text()[since:].splitlines() if f"agent {id}: " in x]

    facts = [{"code": "veto.unknown", "veto": f"check {n}", "cause": None} for n in range(40)]
    busy = {**GOOD, "vetoes": [f"check {n}: busy" for n in range(40)], "veto_facts": facts}
    for load in (1.0, 2.0, 3.0):
        voice.publish("hall/agents/busy/report", {**busy, "load": load}, retain=True)
    wait_status(bus, "busy", lambda s: len([x for x in s["leases"] if x["kind"] == "agent"]) == 32, 60, what="32 leases")
    barrier(bus)
    assert len(leases(bus, "busy", "agent")) == 32
    assert len(cut("busy")) == 1 and "40 checks" in cut("busy")[0] and '"ignore"' in cut("busy")[0], cut("busy")
    voice.publish("hall/agents/busy/report", GOOD, retain=True)  # it is over; the next time is told again
    voice.publish("hall/agents/busy/report", busy, retain=True)
    barrier(bus)
    assert len(cut("busy")) == 2

    many = [{"name": f"c{n}", "project": "p", "state": "exited"} for n in range(200)]
    for _ in range(3):
        voice.publish("hall/agents/crowded/containers", {**RUNS, "containers": RUNS["containers"] + many}, retain=True)
    barrier(bus)
    told = cut("crowded")
    assert 1 <= len(told) <= minute() - began + 1 and "201 containers" in told[0] and "128" in told[0] and "prune" in told[0], told
    assert bus.last("hall/projects/p-crowded/state").text() == "ready"
