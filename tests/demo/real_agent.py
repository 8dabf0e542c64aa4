"""The real hall-agent in a simulated server, and what it needs there: a system bus of its own with a logind (of
python3-dbusmock) whose Suspend puts the simulated server to sleep, and a Docker engine of sorts.

It stands where simserver.Agent stands, and has its methods. Its process is frozen while the server sleeps."""

import json
import os
import shutil
import signal
import tempfile
import threading
from pathlib import Path

from engine import Engine
from logind import SystemBus
from process import Process, wait_until

VERBS = {"Suspend": "suspend", "Hibernate": "hibernate", "PowerOff": "poweroff", "Reboot": "reboot"}
# The simulated server shares its processors, disks and processes with the machine that it runs on: none of that is its use.
SHARED = {"shares": False, "terminals": False, "copies": False, "packages": False, "jobs": False, "guests": False, "execs": False,
          "processor": 0, "network": "off", "disk": "off"}
HEALTHY_SHARE = 0.2  # of the boot time: so long a container takes to become healthy


class RealAgent:
    def __init__(self, sim, say):
        self.sim, self.say = sim, say
        self.folder = Path(tempfile.mkdtemp(prefix="hall-sim-"))  # short: paths of sockets have an end
        self.system = SystemBus(self.folder)
        self.process = None
        projects = [(name, site["id"]) for site in sim.spec["sites"] for name in site["containers"]]
        self.engine = Engine(self.folder / "docker.sock", projects, HEALTHY_SHARE * sim.boot_s, self._container_changed)
        self.watching = False
        self._write()

    @property
    def ready(self):
        return self.process is not None

    def _write(self):
        spec = self.sim.spec
        activity = {**SHARED, "sessions": True, "inhibitors": True}
        if not spec["nic"]["interface"]:  # on loopback nobody is a visitor
            activity["connections"] = False
        if spec.get("busy_file"):
            activity["command"] = ["/usr/bin/test", "-e", spec["busy_file"]]
        config = {"id": self.sim.id, "interface": spec["nic"]["interface"] or "lo", "activity": activity,
                  "mqtt": {"url": f"mqtt://{spec['broker']['host']}:{spec['broker']['port']}",
                           "username": spec["broker"]["user"], "base_topic": spec["broker"]["base"]}}
        if self.engine.containers:
            config["docker"] = {"socket": self.engine.path}
        (self.folder / "agent.json").write_text(json.dumps(config), encoding="utf-8")

    def _container_changed(self, name, state, health):
        self.say("container", name=name, state=state, health=health)
        self.sim.queue.put(("containers", None))

    def serves(self, site):
        """A site without containers is there when the server is."""
        mine = [c for c in self.engine.containers if c.project == site["id"]]
        return all(c.state == "running" and c.health != "starting" for c in mine)

    # Its life

    def connect(self):
        if self.system.daemon is None:
            self._prepare()
        if self.process is None:
            spec = self.sim.spec
            env = {k: v for k, v in os.environ.items() if not k.startswith("HALL_") and k != "CREDENTIALS_DIRECTORY"}
            env.update(HALL_MQTT_PASSWORD=spec["broker"]["password"], DBUS_SYSTEM_BUS_ADDRESS=self.system.address)
            self.process = Process([spec["agent_program"], "--config", self.folder / "agent.json"],
                                   spec["agent_log"], env=env)
        else:
            self.process.signal(signal.SIGCONT)
            self.system.going(False)
        self.say("agent_online")

    def _prepare(self):
        """Suspend and the like only write down that they were asked for: a method of the mock may not wait."""
        self.system.start()
        os.mkfifo(self.folder / "asked")
        for method in VERBS:
            self.system.method(method, f"open({str(self.folder / 'asked')!r}, 'w').write('{method}\\n')")
        threading.Thread(target=self._hear, daemon=True).start()

    def _hear(self):
        while True:
            with open(self.folder / "asked", encoding="ascii") as asked:
                for line in asked:
                    self.sim.queue.put(("asked", VERBS[line.strip()]))

    def let_go(self):
        """What logind does before the machine goes down: it tells, and waits for those who delay."""
        self.system.going(True)
        try:
            wait_until(lambda: not any(i[0] == "sleep" and i[1] == "hall-agent" for i in self.system.inhibitors()), 5, "the goodbye")
        except AssertionError:
            pass  # nor does logind wait for longer

    def docker_up(self):
        if self.engine.server is None:
            self.engine.open()

    def containers(self):
        self.engine.set_sick(self.sim.sick)

    def report(self):
        """It reports by itself."""

    def disconnect(self):
        """The machine sleeps: nothing runs there."""
        if self.process:
            self.process.signal(signal.SIGSTOP)

    def abandon(self):
        """Without a goodbye; what ran is gone."""
        if self.process:
            self.process.kill()
            self.process = None

    def shut_down(self):
        self.abandon()
        self.engine.stop_all()

    def close(self):
        self.abandon()
        self.engine.close()
        self.system.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
