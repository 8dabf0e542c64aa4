"""1,000 commands at once, to as many servers: each has one answer and one end, and nothing is dropped."""

import re

import pytest
from conftest import SANITIZER
from helpers import newest, promised
from lan import free_port
from process import wait_until
from storm import Storm, bare
from world import Broker, Hall

SERVERS = 1000


def metric(hall, name):
    text = hall.get("/metrics").body.decode()
    return sum(int(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\d+)$", text, re.MULTILINE))


@pytest.fixture
def site(binary, tmp_path):
    """Servers that are told of by their agents alone."""
    broker = Broker(tmp_path / "broker", [])
    broker.start()
    wol = free_port()
    config = {
        "mqtt": {"url": f"mqtt://127.0.0.1:{broker.port}", "username": "hall"},
        "http": {"gateway": f"127.0.0.1:{free_port()}", "admin": f"127.0.0.1:{free_port()}"},
        "store": {"path": str(tmp_path / "store" / "hall.db")},
        "servers": {f"s{i}": {"address": f"127.0.{1 + i // 250}.{1 + i % 250}", "mac": f"02:00:00:00:{i >> 8:02x}:{i & 255:02x}",
                              "wake": {"broadcast": "127.255.255.255", "port": wol}, "checks": [{"agent": {}}]}
                    for i in range(SERVERS)},
        "domains": {"s0.storm": {"server": "s0"}},
    }
    (tmp_path / "store").mkdir()
    hall = Hall(binary, tmp_path / "hall", config, broker.passwords["hall"])
    hall.start()
    yield hall, broker, config
    assert not SANITIZER.search(hall.process.log_tail(100000))
    hall.stop()
    broker.stop()


@promised(2, otherwise=60)
def test_every_command_of_a_storm_is_answered_once_and_ends_once(site, limit):
    hall, broker, config = site
    storm = Storm(broker, list(config["servers"]))
    bus = broker.bus("operator", topics=("hall/status", "hall/info"))
    bus.wait_text("hall/status", "online", limit=120)
    try:
        most = max(limit, bare(broker, 5 * SERVERS))  # as many messages as there come and go
        answered, ended = storm.run(120)
        assert storm.wrong() == {}
        print(f"answered in {answered:.2f} s, ended in {ended:.2f} s, of {most:.2f} s")
        assert answered <= most and ended <= most
        assert metric(hall, "hall_messages_dropped_total") == 0
        assert newest(bus, "hall/info")["dropped"] == 0
        assert "dropped" not in hall.process.log_tail(100000)
    finally:
        storm.close()
        bus.close()
