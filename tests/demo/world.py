"""A small world for Hall: a private broker with the shipped ACL, Hall itself, and simulated servers.
The demo shows it to people; the integration tests run it to pieces."""

import http.client
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from bus import Bus
from lan import free_port, make_lan
from process import Process, Talker, wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
BROWSER = {
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "Accept-Language": "en",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
}

SERVERS = {
    "testing": {
        "name": "Testing", "number": 20, "mac": "02:00:5e:10:00:20", "domain": "testing.localhost", "checks": True,
        "sites": [
            {"id": "client1", "title": "Client 1", "path": "/client1", "port": 8081, "containers": ["client1-web", "client1-db"]},
            {"id": "client2", "title": "Client 2", "path": "/client2", "port": 8082, "containers": ["client2-web"]},
        ],
    },
    "erp": {
        "name": "ERP", "number": 21, "mac": "02:00:5e:10:00:21", "domain": "erp.localhost",
        "sites": [{"id": "erp", "title": "ERP", "path": None, "port": 8080, "containers": []}],
    },
}

# The roles, and the agents of the usual two; worlds of other servers add theirs.
USERS = ("hall", "operator", "viewer", "homeassistant", "testing", "erp")


class Broker:
    """A private Mosquitto with the shipped ACL and users of its own."""

    def __init__(self, directory, addresses, port=None, users=USERS):
        self.directory = Path(directory)
        self.addresses = list(dict.fromkeys(["127.0.0.1", *addresses]))
        self.port = port or free_port()
        self.passwords = {user: secrets.token_urlsafe(12) for user in users}
        self.process = None
        self._write()

    def _write(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        users = self.directory / "users"
        users.write_text("".join(f"{u}:{p}\n" for u, p in self.passwords.items()), encoding="utf-8")
        users.chmod(0o600)
        subprocess.run(["mosquitto_passwd", "-U", users], check=True)
        acl = self.directory / "acl"
        shutil.copy(ROOT / "broker-conf" / "acl", acl)
        acl.chmod(0o600)
        lines = ["per_listener_settings false", "allow_anonymous false", f"password_file {users}", f"acl_file {acl}",
                 "persistence false", "set_tcp_nodelay true", "max_packet_size 65536", "max_queued_messages 20000",
                 "max_queued_bytes 16777216", "log_dest stderr",
                 "log_type error", "log_type warning", "log_type notice", "connection_messages true"]
        if os.geteuid() == 0:
            lines.append("user root")
        lines += [f"listener {self.port} {address}" for address in self.addresses]
        (self.directory / "mosquitto.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def start(self):
        self.process = Process([_tool("mosquitto"), "-c", self.directory / "mosquitto.conf"],
                               self.directory / "mosquitto.log")
        wait_until(self._ready, 60, "the broker")

    def _ready(self):
        if not self.process.alive():
            raise OSError("mosquitto does not start:\n" + self.process.log_tail())
        return _listens("127.0.0.1", self.port)

    def stop(self):
        if self.process:
            self.process.stop()

    def kill(self):
        self.process.kill()

    def bus(self, user="operator", **words):
        return Bus("127.0.0.1", self.port, user, self.passwords[user], **words)


def _tool(name):
    """Debian keeps daemons in /usr/sbin, which is not in everybody's PATH."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not found:
        raise OSError(f"{name} is not installed")
    return found


def _listens(address, port):
    import socket

    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, port)) == 0


class Sim:
    """The handle of one simulated server."""

    def __init__(self, lan, spec, log, hear=None):
        self.spec = spec
        argv = lan.command([sys.executable, "-B", str(Path(__file__).with_name("simserver.py"))])
        self.talker = Talker(argv, log, hear=hear)
        self.talker.tell(json.dumps(spec))
        self.talker.wait("started", 60)
        self.port = lan.attach(self.talker.pid, spec["nic"]["mac"])
        self.talker.tell("attach")
        self.talker.wait("listening", 60)

    def __getattr__(self, name):
        return getattr(self.talker, name)

    def tell(self, words):
        """Says it and waits until it was heard."""
        mark = self.talker.mark()
        self.talker.tell(words)
        self.talker.wait("heard", 60, mark)

    def frames(self):
        """All that its card has seen: what comes to it is told in the order in which it came, and so is that it heard us."""
        self.tell("look")
        return self.talker.all("frame")

    def stop(self):
        if self.talker.alive():
            self.talker.popen.stdin.close()
            try:
                self.talker.popen.wait(10)
            except subprocess.TimeoutExpired:
                self.talker.kill()


class Hall:
    """The daemon under a generated configuration."""

    def __init__(self, binary, directory, config, password, secrets=None):
        self.binary = binary
        self.secrets = secrets or {}
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.file = self.directory / "domains.json"
        self.log = self.directory / "hall.log"
        self.password = password
        self.process = None
        self.write(config)

    def write(self, config):
        self.config = config
        self.file.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")

    def environment(self):
        foreign = ("CREDENTIALS_DIRECTORY", "ADMIN_PASSWORD", "WOL_API_KEY")
        env = {k: v for k, v in os.environ.items() if not k.startswith("HALL_") and k not in foreign}
        env["HALL_MQTT_PASSWORD"] = self.password
        env.update(self.secrets)
        env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
        return env

    def start(self, wait=True, argv=()):
        self.process = Process([*argv, self.binary, "--config", self.file], self.log, env=self.environment())
        if wait:
            wait_until(self._serves, 60, "Hall's gateway", pause=0.005)

    def _serves(self):
        if not self.process.alive():
            raise OSError(f"hall ended with {self.process.popen.returncode}:\n" + self.process.log_tail())
        try:
            return self.get("/healthz").status == 200
        except OSError:
            return False

    def _first(self, key):
        listed = self.config["http"][key]
        host, port = (listed if isinstance(listed, str) else listed[0]).split(":")
        return host, int(port)

    @property
    def gateway(self):
        return self._first("gateway")

    @property
    def admin(self):
        return self._first("admin")

    def ask_admin(self, path, headers=None, method="GET", host=None, timeout=60, body=None, source=None):
        return http_get(*self.admin, path, headers, method, host, timeout, body, source)

    def get(self, path, headers=None, method="GET", host=None, timeout=60, body=None, source=None):
        return http_get(*self.gateway, path, headers, method, host, timeout, body, source)

    def auth(self, url_path, host="testing.localhost", headers=None, method="GET", client="192.0.2.7", path="/auth"):
        """What a reverse proxy asks on behalf of a visitor."""
        words = {"X-Forwarded-Host": host, "X-Forwarded-Uri": url_path, "X-Forwarded-Method": method,
                 "X-Forwarded-Proto": "https", "X-Forwarded-For": client, **(headers or {})}
        return self.get(path, words)

    def stop(self, limit=60.0):
        return self.process.stop(limit) if self.process else 0

    def kill(self):
        self.process.kill()

    def log_text(self):
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""


class Answer:
    def __init__(self, response, body):
        self.status = response.status
        self.headers = response.headers
        self.body = body

    def text(self):
        return self.body.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {dict(self.headers)} {self.body[:200]!r}>"


def http_get(address, port, path, headers=None, method="GET", host=None, timeout=60, body=None, source=None):
    connection = http.client.HTTPConnection(address, port, timeout=timeout,
                                            source_address=(source, 0) if source else None)
    try:
        connection.request(method, path, body=body, headers={**({"Host": host} if host else {}), **(headers or {})})
        response = connection.getresponse()
        return Answer(response, response.read())
    finally:
        connection.close()


class World:
    """Everything together. Parts are started by start() or one by one, and ended by close() whatever happened."""

    def __init__(self, binary, directory, servers=None, namespaces=None, boot_s=1.0, idle="20m", min_up="5m",
                 wanted_ports=None, lan=None, hear=None, agent=None, timezone="Europe/Paris"):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.described = servers or SERVERS
        self.boot_s = boot_s
        self.idle, self.min_up, self.timezone = idle, min_up, timezone
        self.hear = hear
        wanted = wanted_ports or {}  # of the broker, the gateway and the dashboard, where they are free
        self.agent = agent  # the program, for servers with the real one
        self.lan = lan or make_lan(namespaces)
        self._own_lan = lan is None
        self.sims = {}
        self.buses = []
        try:
            port = free_port(wanted=wanted.get("broker", 0))
            users = dict.fromkeys([*USERS, *self.described])
            self.broker = Broker(self.directory / "broker", [self.lan.gateway], port, users)
            gateway = free_port(wanted=wanted.get("gateway", 0))
            admin = free_port(wanted=wanted.get("admin", 0))
            self.hall = Hall(binary, self.directory / "hall", self.config(gateway, admin),
                             self.broker.passwords["hall"])
        except BaseException:
            self.close()
            raise

    def config(self, gateway, admin):
        return {
            "timezone": self.timezone,
            "mqtt": {"url": f"mqtt://127.0.0.1:{self.broker.port}", "username": "hall"},
            "http": {"gateway": f"127.0.0.1:{gateway}", "admin": f"127.0.0.1:{admin}"},
            "store": {"path": str(self.directory / "hall" / "hall.db")},
            "servers": {id: self.server_config(s) for id, s in self.described.items()},
            "domains": {s["domain"]: self.domain_config(id, s) for id, s in self.described.items()},
        }

    def server_config(self, server):
        wake = {"broadcast": self.lan.broadcast, "port": self.lan.wol_port, "timeout": "60s"}
        if self.lan.interface:
            wake["interface"] = self.lan.interface
        config = {
            "name": server["name"],
            "address": self.lan.address(server["number"]),
            "mac": server["mac"],
            "wake": wake,
            "sleep": {"via": "agent", "mode": "suspend", "min_up": self.min_up},
        }
        if server.get("checks"):  # the others show what Hall does by default
            config["checks"] = [{"ping": {}}] if self.lan.namespaces else []
            config["checks"] += [{"agent": {}}]
            if not self.agent:  # else a site is there once its containers were started, which is no matter of the server
                config["checks"] += [{"http": {"url": self.upstream(server, site) + "/health"}} for site in server["sites"]]
        return config

    def upstream(self, server, site):
        return f"http://{self.lan.address(server['number'])}:{site['port']}"

    def domain_config(self, id, server):
        domain = {"server": id, "policy": {"mode": "on_demand", "idle": self.idle}}
        projects = {}
        for site in server["sites"]:
            if site["path"] is None:
                domain["upstream"] = self.upstream(server, site)
                continue
            projects[site["id"]] = {
                "path": site["path"],
                "upstream": self.upstream(server, site),
                "containers": site["containers"],
                "health": "/health",
            }
        if projects:
            domain["projects"] = projects
        return domain

    def sim_spec(self, id, **changes):
        server = self.described[id]
        return {
            "id": id,
            "nic": self.lan.nic(server["number"], server["mac"]),
            "broker": {"host": self.lan.gateway, "port": self.broker.port, "base": "hall", "user": id,
                       "password": self.broker.passwords[id]},
            "boot_s": self.boot_s,
            "sites": server["sites"],
            "keepalive": 5,
            "busy_file": str(self.directory / f"{id}.busy"),
            **({"agent_program": str(self.agent), "agent_log": str(self.directory / f"{id}-agent.log")} if self.agent else {}),
            **changes,
        }

    def add_sim(self, id, key=None, **changes):
        key = key or id
        hear = (lambda event: self.hear(id, event)) if self.hear else None
        self.sims[key] = Sim(self.lan, self.sim_spec(id, **changes), self.directory / f"{key}.log", hear)
        return self.sims[key]

    def bus(self, user="operator", **words):
        bus = self.broker.bus(user, **words)
        self.buses.append(bus)
        return bus

    def start(self):
        self.broker.start()
        for id in self.described:
            self.add_sim(id)
        self.hall.start()
        watch = self.broker.bus(topics=["hall/status"])
        try:
            watch.wait_text("hall/status", "online", limit=60)  # it hears commands from now on
        finally:
            watch.close()

    def start_watched(self, **words):
        """The same with a watcher that is there before Hall and misses nothing of it: what it does by itself is told but once."""
        self.broker.start()
        for id in self.described:
            self.add_sim(id)
        bus = self.bus()
        self.hall.start(**words)
        bus.wait_text("hall/status", "online", limit=60)
        return bus

    def close(self):
        for bus in self.buses:
            bus.close()
        self.buses = []
        for part in (getattr(self, "hall", None), *self.sims.values(), getattr(self, "broker", None)):
            if part:
                part.stop()
        if self._own_lan:
            self.lan.close()


__all__ = ["BROWSER", "Broker", "Hall", "ROOT", "SERVERS", "Sim", "World", "free_port", "http_get", "time"]
