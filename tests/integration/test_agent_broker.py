"""What an agent reported in use, while the broker stays away and after it is back."""

import time

import pytest
from helpers import barrier, leases, result, topic, wait_lease, wait_state, wait_status
from process import wait_until
from test_agent_words import GOOD, sites  # noqa: F401 (a fixture)

IDLE_S = 2


def there(world):
    """The agent's voice, and an ear, at the broker as it is now."""
    voice, bus = world.bus(user="hall", topics=[]), world.bus()
    bus.wait_text("hall/status", "online", limit=30)
    return voice, bus


@pytest.mark.parametrize("via", ["agent", "none"])
def test_use_outlives_the_brokers_absence_and_not_its_agent(make_world, sites, via):  # noqa: F811
    world = make_world(start=False, namespaces=False)
    config, port = world.hall.config, sites.server_address[1]
    config["servers"] = {"box": {"address": "127.0.1.1", "mac": "02:00:5e:30:00:01", "sleep": {"via": via},
                                 "wake": {"broadcast": "127.255.255.255", "port": world.lan.wol_port}, "checks": [{"tcp": {"port": port}}]}}
    config["domains"] = {"box.localhost": {"server": "box", "upstream": f"http://127.0.1.1:{port}", "policy": {"idle": f"{IDLE_S}s"}}}
    world.hall.write(config)
    world.broker.start()
    world.hall.start()
    voice, bus = there(world)
    voice.publish("hall/agents/box/state", "online", retain=True)
    wait_state(bus, "box", "ready", 30)
    voice.publish("hall/agents/box/report", GOOD, retain=True)
    before = wait_lease(bus, "box", "agent")
    assert before["until"] is None

    world.broker.kill()
    wait_until(lambda: "bus: not connected" in world.hall.log_text(), 15, "Hall misses it")
    gone = time.monotonic()
    wait_until(lambda: time.monotonic() > gone + 2 * IDLE_S, 30, "more than the idle time")
    world.broker.start()
    voice, bus = there(world)
    back = time.time()
    wait_status(bus, "box", lambda s: any(x["kind"] == "agent" and x["until"] is not None for x in s["leases"]), what="its end")
    after = wait_lease(bus, "box", "agent")
    assert after["since"] == before["since"], "nobody said that it is over"
    voice.publish("hall/agents/box/report", GOOD, retain=True)  # as a broker that kept it would
    barrier(bus)
    kept = leases(bus, "box", "agent")
    assert len(kept) == 1 and kept[0]["until"] is not None and kept[0]["since"] == before["since"]
    assert time.time() - back < 50, "within the minute that it has"
    voice.publish("hall/agents/box/report", {**GOOD, "uptime_s": 61}, retain=True)
    wait_status(bus, "box", lambda s: any(x["kind"] == "agent" and x["until"] is None for x in s["leases"]))
    bus.publish(topic("box", "command"), {"action": "nonsense", "id": "alive"})
    result(bus, "box", "alive", "refused")
