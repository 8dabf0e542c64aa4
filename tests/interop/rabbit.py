"""A private RabbitMQ with its MQTT plugin: own node name, ports and folders, no service. Ended by its own pids."""

import os
from pathlib import Path

from lan import free_port
from process import Process, wait_until
from world import _listens

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
USER, PASSWORD = "guest", "guest"  # RabbitMQ makes it, for loopback alone

CONFIG = """\
mqtt.listeners.tcp.1 = 127.0.0.1:{port}
listeners.tcp = none
log.console = true
log.console.level = warning
log.file = false
"""


class Rabbit:
    def __init__(self, directory):
        self.directory = Path(directory)
        self.port, self.epmd_port, self.node_port = free_port(), free_port(), free_port()
        self.processes = []
        for name in ("home", "mnesia", "log"):
            (self.directory / name).mkdir(parents=True)
        (self.directory / "home").chmod(0o700)
        (self.directory / "plugins").write_text("[rabbitmq_mqtt].\n", encoding="utf-8")
        (self.directory / "rabbitmq.conf").write_text(CONFIG.format(port=self.port), encoding="utf-8")

    def environment(self):
        place = self.directory
        return {
            "PATH": os.environ["PATH"], "LANG": "C.UTF-8",
            "HOME": str(place / "home"),
            "ERL_EPMD_PORT": str(self.epmd_port), "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"hall-{os.getpid()}@localhost",
            "RABBITMQ_DIST_PORT": str(self.node_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_MNESIA_BASE": str(place / "mnesia"), "RABBITMQ_LOG_BASE": str(place / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(place / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(place / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        }

    def start(self, limit=120):
        env = self.environment()
        # The name server first and in the foreground: the node would leave its own behind.
        self.processes = [Process(["epmd", "-port", str(self.epmd_port), "-address", "127.0.0.1"],
                                  self.directory / "epmd.log", env=env)]
        wait_until(lambda: _listens("127.0.0.1", self.epmd_port), 20, "epmd")
        self.processes.append(Process([SERVER], self.directory / "rabbit.log", env=env, cwd=self.directory))
        wait_until(self._ready, limit, "RabbitMQ", pause=0.2)

    def _ready(self):
        server = self.processes[-1]
        if not server.alive():
            raise OSError("RabbitMQ does not start:\n" + server.log_tail(40))
        return _listens("127.0.0.1", self.port)

    def stop(self):
        for process in reversed(self.processes):
            process.stop(20)
