"""Which card the agent tells of, and which MACs, where the address of its server sits on a bridge or on what stands on one: real
interfaces in a network namespace. Bonds and VLANs, which not every kernel has, are in tests/unit/test_agent_links.c."""

import json
import os

import pytest
from lan import Lan
from links import hosts  # noqa: F401
from logind import SystemBus
from process import wait_until
from test_agent import Agent, agent_binary  # noqa: F401
from world import Broker

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")

CARD_MAC, BRIDGE_MAC, TOP_MAC = "02:00:5e:20:00:10", "02:00:5e:20:00:50", "02:00:5e:20:00:60"


class Machine:
    """A host of its own with a card, on a network where the broker is."""

    def __init__(self, binary, directory, server):
        self.binary, self.directory, self.server = binary, directory, server
        self.lan = Lan()
        self.holder = server.start(["sleep", "600"])
        wait_until(self._is_apart, 15, "a namespace")
        self.lan.attach(self.holder.pid, CARD_MAC)
        server.ip("link", "set", "eth0", "name", "eno1", "up")
        self.broker = Broker(directory / "broker", [self.lan.gateway])
        self.system = SystemBus(directory)
        self.agent = None

    def _is_apart(self):
        return os.readlink(f"/proc/{self.holder.pid}/ns/net") != os.readlink("/proc/self/ns/net")

    def stand_on(self, interface):
        self.server.ip("addr", "add", f"{self.lan.address(20)}/24", "dev", interface)
        self.server.ip("route", "add", "default", "via", self.lan.gateway)

    def bridge(self):
        self.server.ip("link", "add", "vmbr0", "address", BRIDGE_MAC, "type", "bridge")
        self.server.ip("link", "set", "eno1", "master", "vmbr0")
        self.server.ip("link", "set", "vmbr0", "up")

    def on_bridge(self):
        self.bridge()
        self.server.ip("link", "add", "link", "vmbr0", "name", "top0", "address", TOP_MAC, "type", "macvlan", "mode", "bridge")
        self.server.ip("link", "set", "top0", "up")

    def report(self, **config):
        self.broker.start()
        self.system.start()
        prefix = ["ip", "netns", "exec", self.server.name]
        self.agent = Agent(self.binary, self.directory, self.broker, self.system.address, prefix=prefix,
                           mqtt={"url": f"mqtt://{self.lan.gateway}:{self.broker.port}"}, **config)
        if "interface" not in config:  # the one of the default route
            config = json.loads(self.agent.file.read_text(encoding="utf-8"))
            del config["interface"]
            self.agent.file.write_text(json.dumps(config), encoding="utf-8")
        return self.agent.start().wait_report()

    def close(self):
        if self.agent:
            self.agent.close()
        self.system.stop()
        self.broker.stop()
        self.lan.close()


@pytest.fixture
def machine(agent_binary, tmp_path, hosts):  # noqa: F811
    machine = Machine(agent_binary, tmp_path, hosts("links"))
    yield machine
    machine.close()


def test_a_card_by_itself(machine):
    machine.stand_on("eno1")
    report = machine.report()
    assert (report["wol"]["interface"], report["wol"]["card"]) == ("eno1", "eno1")
    assert report["macs"] == [CARD_MAC]
    assert report["wol"]["armed"] is False and report["wol"]["problem"] == "its driver knows no Wake-on-LAN"


def test_the_card_below_a_bridge_is_asked(machine):
    machine.bridge()
    machine.stand_on("vmbr0")
    report = machine.report()
    assert (report["wol"]["interface"], report["wol"]["card"]) == ("vmbr0", "eno1")
    assert report["macs"][0] == BRIDGE_MAC
    assert report["wol"]["armed"] is False


def test_the_card_below_what_stands_on_a_bridge(machine):
    machine.on_bridge()
    machine.stand_on("top0")
    report = machine.report()
    assert (report["wol"]["interface"], report["wol"]["card"]) == ("top0", "eno1")
    assert report["macs"][:2] == [TOP_MAC, BRIDGE_MAC]


def test_an_interface_that_goes_and_comes(machine):
    """The bridge is made again, as when its network is configured anew."""
    machine.bridge()
    machine.stand_on("vmbr0")
    machine.report(interface="vmbr0")
    mark = machine.agent.bus.mark()
    machine.server.ip("link", "del", "vmbr0")
    machine.stand_on("eno1")
    lost = machine.agent.wait_report(lambda r: r["wol"]["card"] == "vmbr0", mark, 60)
    assert lost["wol"]["problem"] == "there is no such interface" and lost["wol"]["armed"] is None
    mark = machine.agent.bus.mark()
    machine.server.ip("addr", "flush", "dev", "eno1")
    machine.bridge()
    machine.stand_on("vmbr0")
    found = machine.agent.wait_report(lambda r: r["wol"]["card"] == "eno1", mark, 60)
    assert found["macs"][0] == BRIDGE_MAC
