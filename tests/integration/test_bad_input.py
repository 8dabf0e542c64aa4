"""Hostile input on the bus and over HTTP: an answer or a log line, and Hall goes on."""

import socket

import pytest
from helpers import asleep, events, result, topic, wait_state
from process import wait_until
from world import BROWSER

BAD_PAYLOADS = {
    "empty": b"",
    "binary": bytes(range(256)),
    "nul": b"wake\0",
    "upper": b"WAKE",
    "number": b"42",
    "list": b"[1,2,3]",
    "cut": b'{"action":"wake"',
    "doubled": b'{"action":"wake","action":"sleep"}',
    "wrong type": b'{"action":["wake"]}',
    "long id": b'{"action":"wake","id":"' + b"i" * 500 + b'"}',
    "control id": b'{"action":"wake","id":"a\\u0000b\\n"}',
    "nested": b'{"action":' + b"[" * 1000 + b"]" * 1000 + b"}",
    "nested objects": b'{"a":' * 1000 + b"1" + b"}" * 1000,
    "big": b'{"action":"wake","by":"' + b"x" * 60000 + b'"}',
    "utf-8": b'{"action":"wake","by":"\xc3\x28"}',
}


@pytest.mark.parametrize("name", BAD_PAYLOADS)
def test_bad_commands_are_answered_refused(world, bus, name):
    asleep(bus, "testing")
    mark = bus.mark()
    bus.publish(topic("testing", "command"), BAD_PAYLOADS[name])
    refused = bus.wait_json(topic("testing", "result"), mark, outcome="refused").json()
    assert set(refused) == {"id", "action", "by", "outcome", "reason", "reason_fact", "seconds"} and refused["reason"]
    assert events(bus, "testing", "wake_requested", mark) == []
    assert world.hall.get("/healthz").status == 200


@pytest.mark.parametrize("payload", [b"", b"MAYBE", b"\xff", b"1" * 5000], ids=["empty", "word", "binary", "long"])
def test_bad_power_words_are_refused(world, bus, payload):
    mark = bus.mark()
    bus.publish(topic("testing", "power/set"), payload)
    assert bus.wait_json(topic("testing", "result"), mark, outcome="refused").json()["reason"]


def test_a_megabyte_is_the_brokers_to_refuse_or_halls(world, bus):
    """The shipped broker takes no packet above 64 KiB: it drops that client. One that takes it leaves it to Hall."""
    loud = world.bus(topics=[])
    loud.client.publish(topic("testing", "command"), b"x" * (1 << 20), qos=0)
    bus.publish(topic("testing", "command"), {"action": "nonsense", "id": "after-the-megabyte"})
    result(bus, "testing", "after-the-megabyte", "refused")


def test_megabyte_through_a_broker_that_takes_it(make_world):
    world = make_world(start=False)
    conf = world.broker.directory / "mosquitto.conf"
    conf.write_text(conf.read_text(encoding="utf-8").replace("max_packet_size 65536\n", ""), encoding="utf-8")
    world.start()
    bus = world.bus()
    wait_state(bus, "testing", "off")
    for what in ("servers/testing/command", "agents/testing/report", "agents/testing/containers"):
        hall = world.bus(user="testing" if "agents" in what else "operator", topics=[])
        hall.publish("hall/" + what, b"[" * (1 << 20))
    bus.publish(topic("testing", "command"), {"action": "nonsense", "id": "after"})
    result(bus, "testing", "after", "refused")


@pytest.mark.parametrize("server", ["nobody", "x" * 64, "Wrong Id", "..", "testing/extra"])
def test_commands_for_servers_that_do_not_exist_are_logged(world, bus, server):
    before = len(world.hall.log_text())
    bus.publish(f"hall/servers/{server}/command", "wake")
    bus.publish(topic("testing", "command"), {"action": "nonsense", "id": "after-" + server[:20]})
    result(bus, "testing", "after-" + server[:20], "refused")
    if server == "nobody":
        wait_until(lambda: "nobody" in world.hall.log_text()[before:], 15, "a log line that names it")


@pytest.mark.parametrize("what", ["state", "report", "containers", "result"])
@pytest.mark.parametrize("payload", [b"", b"\xff\x00", b"{}", b'{"docker":7,"containers":{}}', b"[" * 1000, b'{"load":"high","wol":[]}'],
                         ids=["empty", "binary", "object", "types", "nested", "wrong"])
def test_what_agents_say_wrongly(world, bus, what, payload):
    agent = world.bus(user="testing", topics=[])
    agent.publish(f"hall/agents/testing/{what}", payload)
    agent.publish("hall/agents/testing/state", "offline")
    assert world.hall.process.alive() and world.hall.get("/healthz").status == 200


def talk(world, data, limit=60):
    """Bytes as they are; all that comes back until Hall closes or the limit."""
    with socket.create_connection(world.hall.gateway, timeout=limit) as connection:
        got = b""
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while chunk := connection.recv(65536):
                got += chunk
        except OSError:  # it closed in the middle, or was silent
            pass
    return got


def status_of(answer):
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/") else None


RAW = {
    "doubled host": (b"GET / HTTP/1.1\r\nHost: testing.localhost\r\nHost: erp.localhost\r\n\r\n", {400}),
    "doubled forwarded host": (b"GET /auth HTTP/1.1\r\nHost: h\r\nX-Forwarded-Host: testing.localhost\r\nX-Forwarded-Host: erp.localhost\r\n"
                               b"X-Forwarded-Uri: /client1\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n", {400}),
    "length and encoding": (b"POST / HTTP/1.1\r\nHost: testing.localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                            {400}),
    "long path": (b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: testing.localhost\r\n\r\n", {400, 413, 414, 431, None}),
    "long header": (b"GET / HTTP/1.1\r\nHost: testing.localhost\r\nX-A: " + b"a" * 70000 + b"\r\n\r\n", {400, 413, 431, None}),
    "many headers": (b"GET / HTTP/1.1\r\nHost: testing.localhost\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(200)) + b"\r\n",
                     {400, 431, None}),
    "binary": (bytes(range(256)) * 8 + b"\r\n\r\n", {400, None}),
    "empty": (b"\r\n\r\n", {400, None}),
    "unknown method": (b"BREW / HTTP/1.1\r\nHost: testing.localhost\r\n\r\n", {400, 405, 501, None}),
    "options": (b"OPTIONS / HTTP/1.1\r\nHost: nowhere.example\r\nOrigin: http://evil.example\r\n\r\n", {200, 204, 400, 403, 404, 405}),
    "nul in path": (b"GET /client1/%00 HTTP/1.1\r\nHost: testing.localhost\r\n\r\n", {400, 404}),
    "split in path": (b"GET /client1/%0d%0aSet-Cookie:x HTTP/1.1\r\nHost: testing.localhost\r\nAccept: text/html\r\n\r\n",
                      {302, 303, 307, 400, 404, 503}),
    "dots": (b"GET /client1/../../etc/passwd HTTP/1.1\r\nHost: testing.localhost\r\n\r\n", {400, 404, 503}),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", {400, 404}),
    "odd host": (b"GET / HTTP/1.1\r\nHost: a b<script>\r\n\r\n", {400, 404}),
    "negative length": (b"POST / HTTP/1.1\r\nHost: testing.localhost\r\nContent-Length: -5\r\n\r\n", {400, 403, 404, 405, 411, 503, None}),
}


@pytest.mark.parametrize("name", RAW)
def test_bad_requests(world, bus, name):
    asleep(bus, "testing")
    data, allowed = RAW[name]
    answer = talk(world, data)
    assert status_of(answer) in allowed, answer[:300]
    head = answer.split(b"\r\n\r\n", 1)[0].lower()
    assert b"set-cookie" not in head and b"access-control-allow-origin" not in head
    assert world.hall.get("/healthz").status == 200


@pytest.mark.parametrize("words", [
    {"X-Forwarded-Uri": "no slash"}, {"X-Forwarded-Uri": "/" + "a" * 9000}, {"X-Forwarded-Host": "a" * 300},
    {"X-Forwarded-Host": "nowhere.example"}, {"X-Forwarded-For": "not an address"}, {"X-Forwarded-Uri": "/unknown/path"},
], ids=["uri", "long uri", "long host", "unknown host", "for", "unknown path"])
def test_odd_forwarded_headers_neither_pass_nor_wake(world, bus, words):
    asleep(bus, "testing")
    mark = bus.mark()
    answer = world.hall.auth("/client1/", headers={**BROWSER, **words})
    assert answer.status in (400, 404, 414), answer
    assert events(bus, "testing", "wake_requested", mark) == []


def test_slow_clients_do_not_stop_the_gate(world):
    slow = [socket.create_connection(world.hall.gateway) for _ in range(100)]
    try:
        for connection in slow:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: ")
        assert world.hall.get("/healthz", timeout=15).status == 200
    finally:
        for connection in slow:
            connection.close()
