"""One hall-agent at rest and at work: a broker with the shipped rights, a logind of python3-dbusmock on a private bus."""

import contextlib
import json
import os
import tempfile
import uuid
from pathlib import Path

from logind import SystemBus
from process import Process, wait_until
from rig import BUILD, NotMeasured
from world import Broker

TOPIC = "hall/agents/testing/"
CONFIG = {"id": "testing", "interface": "lo", "activity": {"connections": [22, 443], "processes": ["busybee"], "load": 900.0,
                                                          "processor": 900, "network": "1GB/s", "disk": "10GB/s", "copies": ["busybee"],
                                                          "packages": False, "terminals": False, "guests": False}}


class AgentRig:
    """With every check of activity that needs no program."""

    def __enter__(self):
        self._stack = contextlib.ExitStack()
        try:
            self._start(Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="hall-bench-"))))
        except BaseException:
            self._stack.close()
            raise
        return self

    def _start(self, directory):
        self.asked = directory / "asked"
        self.asked.touch()
        broker = Broker(directory / "broker", [])
        self._stack.callback(broker.stop)
        broker.start()
        self.system = SystemBus(directory)
        self._stack.callback(self.system.stop)
        self.system.start()
        self.system.method("Suspend", f"import time; open({str(self.asked)!r}, 'a').write('%f\\n' % time.time())")
        self.bus = broker.bus("hall")
        self._stack.callback(self.bus.close)
        file = directory / "agent.json"
        file.write_text(json.dumps({**CONFIG, "mqtt": {"url": f"mqtt://127.0.0.1:{broker.port}"}}), encoding="utf-8")
        env = {k: v for k, v in os.environ.items() if not k.startswith("HALL_")}
        env.update(HALL_MQTT_PASSWORD=broker.passwords["testing"], DBUS_SYSTEM_BUS_ADDRESS=self.system.address)
        self.process = Process([BUILD / "bin" / "hall-agent", "--config", file], directory / "agent.log", env=env)
        self._stack.callback(self.process.stop)
        self.pid = self.process.pid
        self.bus.wait_text(TOPIC + "state", "online", limit=10)
        # Rates need two looks.
        self.bus.wait(TOPIC + "report", lambda m: not m.json()["vetoes"], limit=30)

    def __exit__(self, *error):
        self._stack.close()

    def sleep_once(self):
        """Seconds from the word "accepted", as it came to Hall, to logind being asked; the machine comes back at once."""
        n, mark, id = len(self.times()), self.bus.mark(), uuid.uuid4().hex
        self.bus.publish(TOPIC + "command", {"id": id, "action": "suspend", "expires": "2099-01-01T00:00:00Z", "force": True})
        accepted = self.bus.wait_json(TOPIC + "result", mark, id=id)
        if accepted.json()["outcome"] != "accepted":
            raise NotMeasured(f"the sleep was not accepted: {accepted.text()}")
        wait_until(lambda: len(self.times()) > n, 5, "logind to be asked", pause=0.002)
        mark = self.bus.mark()
        self.system.going(True)
        self.system.going(False)
        self.bus.wait_text(TOPIC + "state", "online", mark)
        self.bus.wait(TOPIC + "report", None, mark)
        return max(0.0, self.times()[n] - accepted.wall)

    def times(self):
        return [float(line) for line in self.asked.read_text(encoding="ascii").split("\n") if line]


