"""A broker that is down, or is none: the log says why, and waiting for it costs nothing."""

import json
import os
import resource
import socket
import struct
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest
from lan import free_port
from process import Process, wait_until
from world import ROOT

BIN = ROOT / os.environ.get("HALL_BUILD", "build") / "bin"
WATCHED_S = 3
CPU_MOST_S = 0.5  # of those three seconds
CALLS_MOST = 2000
EC_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
SCHEMES, HOSTS = ("mqtt", "mqtts"), ("127.0.0.1", "localhost")


class Peer:
    """A port where something else than a broker is."""

    def __init__(self, _authority):
        self.server, self.held = socket.create_server(("127.0.0.1", 0)), []
        self.port = self.server.getsockname()[1]
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while True:
            client = self.server.accept()[0]
            if self.server is None:
                client.close()
                return
            self.serve(client)

    def serve(self, client):
        self.held.append(client)

    def end(self):
        server, self.server = self.server, None
        socket.create_connection(("127.0.0.1", self.port)).close()
        self.thread.join(10)
        for client in self.held:
            client.close()
        server.close()


class Closing(Peer):
    def serve(self, client):
        client.recv(4096)
        client.close()


class Absent(Peer):
    """Nothing is read: the connection is over before its first byte."""

    def serve(self, client):
        client.close()


class Resetting(Peer):
    def serve(self, client):
        client.recv(4096)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()


class Halfway(Peer):
    """A reset in the middle of the answer to TLS's hello."""

    def serve(self, client):
        client.recv(4096)
        client.sendall(b"\x16\x03\x03\x00\x7a\x02\x00")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()


class Talking(Peer):
    def serve(self, client):
        client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" + b"-" * 200)
        self.held.append(client)


class Refusing:
    def __init__(self, _authority):
        self.port = free_port()

    def end(self):
        pass


class Mosquitto:
    """A real broker with TLS, which knows none of the users. Its certificate is good for both names of it."""

    signed_by = "ca"

    def __init__(self, authority):
        folder = Path(tempfile.mkdtemp(dir=authority.parent))
        folder.chmod(0o755)
        self.port = free_port()
        certify(folder, authority.with_name(self.signed_by))
        (folder / "users").write_text("")
        (folder / "mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous false\npassword_file {folder}/users\n"
            f"certfile {folder}/server.crt\nkeyfile {folder}/server.key\nuser root\n")
        self.process = Process(["/usr/sbin/mosquitto", "-c", folder / "mosquitto.conf"], folder / "log")
        wait_until(lambda: " running" in (folder / "log").read_text(), 60, "mosquitto runs")

    def end(self):
        self.process.stop(10)


class Stranger(Mosquitto):
    """The same, with a certificate that another authority signed."""

    signed_by = "other"


# What is behind the port, and what the log says of it, for mqtt:// and for mqtts://.
KINDS = {
    "refuses": (Refusing, "Connection refused; no broker listens there", "Connection refused; no broker listens there"),
    "closes": (Closing, "the broker closed it", "does it speak TLS on this port"),
    "hangs up at once": (Absent, "no connection to", "no connection to"),
    "resets": (Resetting, "Connection reset by peer", "Connection reset by peer"),
    "resets halfway": (Halfway, "no connection to", "Connection reset by peer"),
    "speaks no TLS": (Talking, "does it speak TLS on this port (mqtts://)?", "wrong version number; does it speak TLS on this port"),
    "is a Mosquitto that refuses": (Mosquitto, "no connection to", "refuses the connection"),
    "is another's Mosquitto": (Stranger, "no connection to", "certificate verify failed"),
    "swallows": (Peer, "does not answer within 5 s", "does not answer within 5 s"),
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A file for mqtt.ca, so that each attempt does not read all of the system's; "other" beside it is of another one."""
    folder = tmp_path_factory.mktemp("ca")
    for name in ("ca", "other"):
        openssl("req", "-x509", *EC_KEY, "-days", "2", "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt")
    return folder / "ca.crt"


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True)


def certify(folder, authority):
    """server.key and server.crt, signed by an authority that is named without the ends of its files."""
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("req", *EC_KEY, "-subj", "/CN=localhost", "-keyout", folder / "server.key", "-out", folder / "server.csr")
    openssl("x509", "-req", "-in", folder / "server.csr", "-CA", f"{authority}.crt", "-CAkey", f"{authority}.key", "-CAcreateserial",
            "-days", "2", "-extfile", folder / "names", "-out", folder / "server.crt")


@pytest.fixture(params=KINDS, ids=lambda kind: kind.replace(" ", "-"))
def kind(request, authority):
    peer, plain, tls = KINDS[request.param]
    peer = peer(authority)
    yield peer, {"mqtt": plain, "mqtts": tls}
    peer.end()


def mqtt_of(scheme, host, port, authority):
    return {"url": f"{scheme}://{host}:{port}", **({"ca": str(authority)} if scheme == "mqtts" else {})}


def config_of(program, mqtt, folder):
    if program != "hall":
        return {"id": "testing", "mqtt": mqtt, "interface": "lo"}
    return {"mqtt": {**mqtt, "username": "hall"},
            "http": {"gateway": f"127.0.0.1:{free_port()}", "admin": f"127.0.0.1:{free_port()}"},
            "store": {"path": str(folder / "hall.db")},
            "servers": {"testing": {"address": "127.0.0.1", "mac": "02:00:00:00:00:01"}},
            "domains": {"testing.localhost": {"server": "testing"}}}


class Client:
    """A daemon, and what it has cost so far."""

    def __init__(self, program, mqtt, folder, word):
        self.word, self.name, self.log = word, f"{program} {mqtt['url']}", folder / "log"
        file = folder / "config.json"
        file.write_text(json.dumps(config_of(program, mqtt, folder)))
        environment = {k: v for k, v in os.environ.items() if not k.startswith("HALL_") and k != "CREDENTIALS_DIRECTORY"}
        environment.update(HALL_MQTT_PASSWORD="secret", DBUS_SYSTEM_BUS_ADDRESS=f"unix:path={folder}/none")
        self.process = Process([BIN / program, "--config", file], self.log, env=environment)

    def log_text(self):
        return self.log.read_text()

    def cpu_s(self):
        fields = open(f"/proc/{self.process.popen.pid}/stat", encoding="utf-8").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def calls(self):
        """How often it read or wrote, sockets included where TLS does."""
        lines = dict(line.split(": ") for line in open(f"/proc/{self.process.popen.pid}/io", encoding="utf-8").read().splitlines())
        return int(lines["syscr"]) + int(lines["syscw"])


@pytest.mark.measures
def test_a_broker_that_is_down_costs_nothing(kind, authority, tmp_path):
    peer, words = kind
    clients = []
    try:
        for number, (program, scheme, host) in enumerate((p, s, h) for p in ("hall", "hall-agent", "hall-wol") for s in SCHEMES for h in HOSTS):
            folder = tmp_path / str(number)
            folder.mkdir()
            clients.append(Client(program, mqtt_of(scheme, host, peer.port, authority), folder, words[scheme]))
        for client in clients:
            wait_until(lambda c=client: c.word in c.log_text(), 15, f"{client.name}: {client.word!r} in\n{client.log_text()}")
        before, begun = [(c.cpu_s(), c.calls()) for c in clients], time.monotonic()
        time.sleep(WATCHED_S)  # the time is what is looked at
        share = (time.monotonic() - begun) / WATCHED_S  # of it, as it became
        costs = {c.name: (c.cpu_s() - cpu, c.calls() - calls) for c, (cpu, calls) in zip(clients, before)}
        assert all(cpu <= CPU_MOST_S * share and calls <= CALLS_MOST * share for cpu, calls in costs.values()), costs
    finally:
        for client in clients:
            client.process.stop(10)


@pytest.mark.measures
def test_hallctl_gives_up_with_the_reason(kind, authority, tmp_path):
    peer, words = kind
    before, running = resource.getrusage(resource.RUSAGE_CHILDREN), []
    for scheme, host in ((s, h) for s in SCHEMES for h in HOSTS):
        file = tmp_path / f"{scheme}-{host}.json"
        file.write_text(json.dumps(config_of("hall", mqtt_of(scheme, host, peer.port, authority), tmp_path)))
        running.append((scheme, subprocess.Popen([BIN / "hallctl", "--config", file, "status"], stderr=subprocess.PIPE, text=True,
                                                 env={**os.environ, "HALL_MQTT_PASSWORD": "secret"})))
    for scheme, process in running:
        said = process.communicate(timeout=60)[1]
        assert process.returncode != 0 and words[scheme] in said, said
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime <= len(running) * CPU_MOST_S
