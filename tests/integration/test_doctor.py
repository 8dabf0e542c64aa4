"""hallctl doctor against the real thing: each fault is made by itself, is found as that line alone, and goes when the command of
the line (or what it stands for here) has been typed."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time

import pytest
from conftest import Worlds
from helpers import asleep, awake, barrier, reload
from lan import free_port
from process import Process, wait_until
from proxy import KINDS, HttpsProxy, Proxy, generated, tool
from test_agent import Agent
from test_clock import Unsynchronised
from test_salvaged import all_damaged, first_page_zeroed, held
from world import ROOT

LIMIT = 60
LONGEST = 15  # what doctor promises
KEY = "0123456789abcdef0123456789abcdef"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting and namespaces need root")
pytestmark = needs_root


class Doctor:
    """The doctor as Hall's owner calls it. inside: words before the command, which change where it runs."""

    def __init__(self, world, home):
        self.program = world.hall.binary.with_name("hallctl")
        self.file = world.hall.file
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("HALL_", "XDG_", "LC_", "LANG"))}
        self.env |= {"HALL_MQTT_PASSWORD": world.broker.passwords["hall"], "HALL_API_KEY": KEY, "HOME": str(home), "LC_ALL": "C"}

    def run(self, *words, inside=(), config=True, **env):
        argv = [*inside, self.program, "doctor", *(["--config", self.file] if config else []), *words]
        began = time.monotonic()
        done = subprocess.run(argv, env={**self.env, **env}, text=True, capture_output=True, timeout=LIMIT, check=False,
                              stdin=subprocess.DEVNULL)
        assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr
        assert done.returncode in (0, 1), done.stderr
        self.seconds = time.monotonic() - began
        return done

    def look(self, *words, **options):
        """All lines by code; of one code the last."""
        done = self.run("--json", *words, **options)
        self.report = json.loads(done.stdout)
        assert done.returncode == (1 if self.report["bad"] else 0)
        return {line["code"].removeprefix("doctor."): line for line in self.report["lines"]}

    def bad(self, *words, **options):
        """The codes of the lines that are bad, each with its command."""
        lines = self.look(*words, **options)
        return {code: line["command"] for code, line in lines.items() if line["verdict"] == "bad"}


def mounted(*script):
    """Words that run a command where these mounts were made."""
    return ["unshare", "-m", "--propagation", "private", "sh", "-ec", "\n".join([*script, 'exec "$@"']), "sh"]


@pytest.fixture(scope="module")
def world(binary, tmp_path_factory):
    """One for all tests of this file, with a key to its API."""
    worlds = Worlds(binary, tmp_path_factory)
    world = worlds(start=False)
    world.hall.secrets = {"HALL_API_KEY": KEY}
    world.start()
    yield world
    worlds.close()


@pytest.fixture
def doctor(world, tmp_path):
    """Of the world that all tests of this file share, which is well."""
    return Doctor(world, tmp_path)


def test_what_is_well(world, bus, doctor, tmp_path):
    for id in ("testing", "erp"):
        awake(bus, id)
    port = free_port()
    proxy = Proxy("nginx", tmp_path / "nginx", doctor.program, world.hall.file, port).start()
    try:
        lines = doctor.look("--listen", f"127.0.0.1:{port}")
    finally:
        proxy.stop()
    assert [line for line in lines.values() if line["verdict"] == "bad"] == []
    for code in ("configuration.good", "disk.good", "ping.good", "network.good", "port.good", "broker.good", "rights.good", "hall.good",
                 "version.good", "server.good", "dns.good", "proxy.good", "proxy.told"):
        assert lines[code]["command"] is None, lines[code]
    assert len([line for line in doctor.report["lines"] if line["code"] == "doctor.port.good"]) == 2
    assert "access_refused" not in world.hall.log_text()  # nothing that it asks is an offence
    counted = [sum(line["verdict"] == verdict for line in doctor.report["lines"]) for verdict in ("good", "warning", "bad")]
    assert counted == [doctor.report[key] for key in ("good", "warnings", "bad")]


def test_for_people_in_their_language(doctor):
    plain = doctor.run()
    assert "good     " in plain.stdout and plain.stdout.splitlines()[-1].endswith(" 0 bad")
    french = doctor.run(LC_ALL="fr_FR.UTF-8").stdout
    assert "est valide (2 serveurs, 2 domaines)" in french and french.splitlines()[-1].endswith(" 0 mauvais")
    assert [c["code"] for c in json.loads(doctor.run("--json").stdout)["lines"]] == \
        [c["code"] for c in json.loads(doctor.run("--json", LC_ALL="fr_FR.UTF-8").stdout)["lines"]]


def test_servers_by_name(doctor):
    doctor.look("testing")
    assert {line["parameters"]["server"] for line in doctor.report["lines"] if "server" in line["parameters"]} == {"testing"}
    assert doctor.bad("nobody") == {"server.unknown": "hallctl status"}


# ---- broker ----

def test_wrong_password(world, doctor):
    before = doctor.bad()
    command = "sudo mosquitto_passwd /etc/mosquitto/passwords hall && sudo systemctl reload mosquitto"
    assert before == {} and doctor.bad(HALL_MQTT_PASSWORD="wrong") == {"broker.login": command}
    users = world.broker.directory / "users"
    kept = users.read_bytes()
    try:  # what the command does, on the file of this broker
        subprocess.run(["mosquitto_passwd", "-b", users, "hall", "wrong"], check=True)
        world.broker.process.signal(signal.SIGHUP)
        wait_until(lambda: doctor.bad(HALL_MQTT_PASSWORD="wrong") == {}, LIMIT, "the new password")
    finally:
        users.write_bytes(kept)
        world.broker.process.signal(signal.SIGHUP)
    wait_until(lambda: doctor.bad() == {}, LIMIT, "the old password")


def test_no_password(doctor):
    lines = doctor.look(HALL_MQTT_PASSWORD="")
    assert doctor.report["bad"] == 0 and lines["broker.no_password"]["command"] == "sudo hallctl doctor"


@pytest.mark.parametrize("right, code", [("# none", "rights.write"), ("topic write homeassistant/#", "rights.read")])
def test_missing_right(world, doctor, right, code):
    acl, shipped = world.broker.directory / "acl", ROOT / "broker-conf" / "acl"
    text = shipped.read_text(encoding="utf-8")
    own = "user hall\ntopic readwrite hall/#\ntopic readwrite homeassistant/#\n"
    assert own in text
    acl.write_text(text.replace(own, f"user hall\ntopic readwrite hall/#\n{right}\n"), encoding="utf-8")
    world.broker.process.signal(signal.SIGHUP)
    try:
        wait_until(lambda: list(doctor.bad()) == [code], LIMIT, code)
        line = next(line for line in doctor.report["lines"] if line["verdict"] == "bad")
        assert line["parameters"] == {"user": "hall", "topic": "homeassistant/#"}
        assert line["command"].startswith("sudo cp -b /usr/share/hall/broker/acl /etc/mosquitto/acl && ")
    finally:  # the same, for the file of this broker
        shutil.copy(shipped, acl)
        world.broker.process.signal(signal.SIGHUP)
    wait_until(lambda: doctor.bad() == {}, LIMIT, "the right")


def test_user_of_an_agent_is_missing(world, doctor, tmp_path):
    """Root reads Debian's file: here one of our own, in its place."""
    folder = tmp_path / "mosquitto"
    folder.mkdir(mode=0o755)
    make = [ROOT / "broker-conf" / "make-users.sh", "--dir", folder, "--user", "testing"]
    subprocess.run(make, check=True, capture_output=True)
    inside = mounted("mkdir -p /etc/mosquitto 2>/dev/null || mount -t tmpfs tmpfs /etc/mosquitto", f"mount --bind {folder} /etc/mosquitto") \
        if os.path.isdir("/etc/mosquitto") else None
    if inside is None:
        pytest.fail("mosquitto is installed without /etc/mosquitto")
    assert doctor.bad(inside=inside) == {
        "server.no_user": "sudo /usr/share/hall/broker/make-users.sh --user erp && sudo systemctl reload mosquitto"}
    subprocess.run([*make, "--user", "erp"], check=True, capture_output=True)
    assert doctor.bad(inside=inside) == {}
    (folder / "passwords").chmod(0o644)
    assert doctor.bad(inside=inside) == {"secrets.open": "sudo chmod 640 /etc/mosquitto/passwords"}
    subprocess.run(["chmod", "640", folder / "passwords"], check=True)
    assert doctor.bad(inside=inside) == {}


def certify(folder, days):
    """What make-certs.sh makes, for so many days."""
    done = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", str(days),
                           "-keyout", folder / "server.key", "-out", folder / "server.crt", "-subj", "/CN=127.0.0.1", "-addext",
                           "subjectAltName=IP:127.0.0.1"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("days, verdict", [(3, "bad"), (20, "warning"), (90, "good")])
def test_certificate_of_the_broker(make_world, tmp_path, days, verdict):
    world = make_world(start=False)
    certify(tmp_path, days)
    port = free_port()
    conf = world.broker.directory / "mosquitto.conf"
    conf.write_text(conf.read_text(encoding="utf-8") + f"listener {port} 127.0.0.1\ncertfile {tmp_path}/server.crt\n"
                    f"keyfile {tmp_path}/server.key\n", encoding="utf-8")
    world.hall.config["mqtt"] |= {"url": f"mqtts://127.0.0.1:{port}", "ca": str(tmp_path / "server.crt")}
    world.hall.write(world.hall.config)
    world.start()
    doctor = Doctor(world, tmp_path)
    lines = doctor.look()
    found = [line for line in lines.values() if line["code"].startswith("doctor.certificate.")]
    assert [line["verdict"] for line in found] == [verdict]
    assert doctor.report["bad"] == (2 if verdict == "bad" else 0)  # the file and what the broker shows
    if verdict == "good":
        return
    script, _, rest = found[0]["command"].partition(" && ")
    assert script.startswith("sudo /usr/share/hall/broker/make-certs.sh --host 127.0.0.1") and rest == "sudo systemctl restart mosquitto"
    # What it does, in the folder of this broker.
    (tmp_path / "server.crt").unlink()
    subprocess.run([ROOT / "broker-conf" / "make-certs.sh", "--dir", tmp_path, *script.split()[2:]], check=True, capture_output=True)
    world.broker.process.stop()
    world.broker.start()
    world.hall.config["mqtt"]["ca"] = str(tmp_path / "ca.crt")
    world.hall.write(world.hall.config)
    lines = doctor.look()
    assert {line["verdict"] for line in lines.values() if line["code"].startswith("doctor.certificate.")} == {"good"}


def test_broker_that_is_silent(doctor):
    """It takes connections and says nothing; the whole is over in time."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as silent:
        found = doctor.bad("--broker", f"mqtt://127.0.0.1:{silent.getsockname()[1]}")
    assert found == {"broker.silent": "sudo systemctl restart mosquitto"} and doctor.seconds < LONGEST


def pipe(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def serve_311(client, port):
    """Refuses MQTT 5 as brokers do that do not know it; the rest goes to the real one."""
    with client:
        packet = client.recv(65536)
        if not packet:  # it was only looked at
            return
        if packet[packet.index(b"MQTT") + 4] == 5:
            client.sendall(b"\x20\x02\x00\x01")
            return
        with socket.create_connection(("127.0.0.1", port)) as broker:
            broker.sendall(packet)
            back = threading.Thread(target=pipe, args=(broker, client), daemon=True)
            back.start()
            pipe(client, broker)
            back.join()


def test_broker_of_an_older_mqtt(world, doctor):
    """It is found out as by every other verb, and its rights are tried."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as old:
        def accept():
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=serve_311, args=(old.accept()[0], world.broker.port), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        lines = doctor.look("--broker", f"mqtt://127.0.0.1:{old.getsockname()[1]}", "--user", "hall")
        assert lines["broker.good"] and lines["hall.good"] and lines["rights.good"] and not doctor.bad()


def test_broker_that_is_stopped_or_unknown(doctor):
    assert doctor.bad("--broker", f"mqtt://127.0.0.1:{free_port()}") == {"broker.stopped": "sudo systemctl start mosquitto"}
    assert doctor.bad("--broker", "mqtt://nobody.invalid") == {"broker.unresolved": "getent ahosts nobody.invalid"}
    assert doctor.seconds < LONGEST


def test_settings_that_cannot_be_used(doctor, tmp_path):
    """An option, or the caller's own file: it is said, and the other checks go on."""
    lines = doctor.look("--broker", "nonsense")
    assert lines["settings.error"]["verdict"] == "bad" and "nonsense" in lines["settings.error"]["text"]
    assert lines["port.good"] and not [code for code in lines if code.startswith(("broker.", "hall."))]
    file = tmp_path / ".config" / "hall" / "hallctl.json"
    file.parent.mkdir(parents=True)
    file.write_text("{", encoding="utf-8")
    file.chmod(0o600)
    assert f"{file}:" in doctor.look()["settings.error"]["text"]


# ---- this machine ----

def test_pings_are_closed(doctor):
    """In a namespace of its own, where nothing else is either: one line comes and goes, and it is this."""
    typed = []
    script = ["ip link set lo up", "echo '1 0' >/proc/sys/net/ipv4/ping_group_range", 'sh -c "${TYPED:-true}" >&2']
    inside = ["unshare", "-n", *mounted("mount -t proc proc /proc", *script)]
    closed = doctor.bad(inside=inside)
    typed = closed["ping.closed"].removeprefix("sudo ")
    opened = doctor.bad(inside=inside, TYPED=typed)
    assert typed == "sysctl -w net.ipv4.ping_group_range='0 2147483647'"
    assert set(closed) - set(opened) == {"ping.closed"} and set(opened) <= set(closed)


def test_full_disk(world, doctor):
    folder = world.hall.directory
    keep = f"cp {world.hall.file} $T/"
    small = mounted("T=$(mktemp -d)", keep, f"mount -t tmpfs -o size=1m tmpfs {folder}", f"cp $T/* {folder}/", "rm -r $T")
    assert doctor.bad(inside=small) == {"disk.full": "sudo journalctl --vacuum-size=50M"}
    locked = mounted("T=$(mktemp -d)", keep, f"mount -t tmpfs tmpfs {folder}", f"cp $T/* {folder}/", "rm -r $T",
                     f"mount -o remount,ro {folder}", 'sh -c "${TYPED:-true}"')
    found = doctor.bad(inside=locked)
    assert found == {"disk.readonly": f"sudo mount -o remount,rw {folder}"}
    assert doctor.bad(inside=locked, TYPED=found["disk.readonly"].removeprefix("sudo ")) == {}


def test_interface_is_down(world, doctor):
    name = world.lan.interface
    subprocess.run(["ip", "link", "set", name, "down"], check=True)
    try:
        found = {code: command for code, command in doctor.bad().items() if code.startswith("network.")}
        assert found == {"network.down": f"sudo ip link set {name} up"}
    finally:
        subprocess.run(["ip", "link", "set", name, "up"], check=True)
    assert "network.down" not in doctor.look()


def test_configuration(world, doctor, tmp_path):
    good = world.hall.file.read_text(encoding="utf-8")
    doctor.file = tmp_path / "broken.json"
    doctor.file.write_text(good.replace('"broadcast"', '"brodcast"'), encoding="utf-8")
    found = doctor.bad(HALL_MQTT_URL=f"mqtt://127.0.0.1:{world.broker.port}", HALL_MQTT_USERNAME="hall")
    assert found == {"configuration.error": f"sudo hallctl check {doctor.file}"}
    assert "brodcast" in doctor.look(HALL_MQTT_URL="mqtt://127.0.0.1:1")["configuration.error"]["text"]


def test_interface_and_broadcast_that_are_wrong(world, doctor, tmp_path):
    config = json.loads(world.hall.file.read_text(encoding="utf-8"))
    doctor.file = tmp_path / "domains.json"
    config["servers"]["erp"]["wake"]["broadcast"] = "10.255.0.255"
    config["servers"]["testing"]["wake"]["interface"] = "none0"
    doctor.file.write_text(json.dumps(config), encoding="utf-8")
    assert set(doctor.bad()) == {"network.broadcast", "network.no_interface"}


def test_names(world, doctor, tmp_path):
    config = json.loads(world.hall.file.read_text(encoding="utf-8"))
    config["domains"]["nowhere.invalid"] = {"server": "erp", "upstream": "http://upstream.invalid"}
    doctor.file = tmp_path / "domains.json"
    doctor.file.write_text(json.dumps(config), encoding="utf-8")
    hosts = tmp_path / "hosts"
    shutil.copy("/etc/hosts", hosts)
    inside = mounted(f"mount --bind {hosts} /etc/hosts", 'sh -c "${TYPED:-true}" >&2')
    found = doctor.bad(inside=inside)
    assert set(found) == {"dns.unresolved", "dns.upstream"}
    found = doctor.bad(inside=inside, TYPED=found["dns.unresolved"].replace("sudo ", ""))
    assert set(found) == {"dns.upstream"}
    lines = [line for line in doctor.report["lines"] if line["parameters"].get("domain") == "nowhere.invalid"]
    assert {line["code"] for line in lines} == {"doctor.dns.good", "doctor.dns.upstream"}


def test_clock_that_nobody_keeps(make_world, tmp_path):
    place = Unsynchronised(make_world, clock={"trust": "synchronised"})
    doctor = Doctor(place.world, tmp_path)
    inside = ["nsenter", "-m", "-t", str(place.world.hall.process.pid)]
    place.info("clock.waits")
    assert doctor.bad(inside=inside) == {"clock.distrusted": "sudo timedatectl set-ntp true"}
    assert doctor.look(inside=inside)["clock.free"]["verdict"] == "warning"
    place.synchronise()  # what the command brings about
    place.info(None)
    lines = doctor.look(inside=inside)
    assert doctor.report["bad"] == 0 and "clock.no_rtc" in lines and "clock.free" not in lines


# ---- Hall ----

def taken(address, port):
    return socket.create_server((address, port), backlog=50)


def taken_by_all(_address, port):
    """As servers in Go listen: one socket of IPv6, for both."""
    return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=50)


@pytest.mark.parametrize("take", [taken, taken_by_all])
def test_hall_is_stopped_and_its_port_taken(make_world, tmp_path, take):
    world = make_world()
    doctor = Doctor(world, tmp_path)
    assert doctor.bad() == {}
    world.hall.stop()
    assert doctor.bad() == {"hall.offline": "sudo systemctl restart hall", "port.closed": "sudo systemctl restart hall"}
    address, port = world.hall.admin
    with take(address, port):
        world.hall.start()
        wait_until(lambda: "hall.good" in doctor.look(), LIMIT, "Hall")
        assert doctor.bad() == {"port.taken": f"sudo ss -ltnp sport = :{port}"}
        line = next(line for line in doctor.report["lines"] if line["verdict"] == "bad")
        assert line["parameters"]["who"].endswith(f", {os.getpid()}") and line["parameters"]["listener"] == "admin"
        shown = subprocess.run(line["command"].removeprefix("sudo "), shell=True, check=True, capture_output=True, text=True).stdout
        assert f"pid={os.getpid()}" in shown
    wait_until(lambda: doctor.bad() == {}, LIMIT, "Hall at its port")


def test_hall_that_hangs(make_world, tmp_path):
    world = make_world()
    doctor = Doctor(world, tmp_path)
    assert doctor.bad() == {}
    world.hall.process.signal(signal.SIGSTOP)
    try:
        assert doctor.bad()["port.silent"] == "sudo systemctl restart hall" and doctor.seconds < LONGEST
    finally:
        world.hall.process.signal(signal.SIGCONT)
    wait_until(lambda: doctor.bad() == {}, LIMIT, "Hall")


def test_what_an_edit_of_the_configuration_mends(world, doctor, tmp_path):
    """A server on no network of ours, a gateway for all, a store without its folder."""
    config = json.loads(world.hall.file.read_text(encoding="utf-8"))
    doctor.file = tmp_path / "domains.json"
    wrong = json.loads(json.dumps(config))
    wrong["servers"]["erp"]["address"] = "198.51.100.21"
    wrong["servers"]["erp"]["wake"] = {}
    wrong["http"]["gateway"] = f"0.0.0.0:{world.hall.gateway[1]}"
    wrong["store"] = {"path": str(tmp_path / "missing" / "hall.db")}
    doctor.file.write_text(json.dumps(wrong), encoding="utf-8")
    lines = doctor.look()
    assert lines["network.far"]["command"] == f"ip -br -4 address && sudoedit {doctor.file}"
    assert lines["port.everywhere"]["command"] == f"sudoedit {doctor.file}"
    make = lines["disk.missing"]["command"]
    assert make == f"sudo install -d -o hall -g hall -m 700 {tmp_path}/missing"
    subprocess.run(make.replace("sudo ", "").replace("-o hall -g hall ", ""), shell=True, check=True)  # there is no such user here
    lines = doctor.look()
    assert lines["disk.good"]["parameters"]["path"] == f"{tmp_path}/missing"
    doctor.file.write_text(json.dumps(config), encoding="utf-8")
    assert not {"network.far", "port.everywhere", "disk.missing"} & set(doctor.look())


def test_hall_runs_on_an_older_configuration(make_world, tmp_path):
    world = make_world()
    doctor = Doctor(world, tmp_path)
    good = world.hall.file.read_text(encoding="utf-8")
    world.hall.file.write_text(good.replace('"broadcast"', '"brodcast"'), encoding="utf-8")
    bus = world.bus()
    reload(world, bus, expect="config_rejected")
    doctor.file = tmp_path / "good.json"
    doctor.file.write_text(good, encoding="utf-8")
    assert list(doctor.bad()) == ["configuration.old"]
    world.hall.file.write_text(good, encoding="utf-8")
    reload(world, bus)
    assert doctor.bad() == {}


def another_version(program, directory):
    """The real program, that takes itself for another version."""
    version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout.split()[1].encode()
    other = directory / program.name
    told = program.read_bytes()
    assert version in told
    other.write_bytes(told.replace(version, version[:-1] + (b"7" if version[-1:] != b"7" else b"8")))
    other.chmod(0o755)
    return other


def test_versions_that_differ(make_world, tmp_path):
    """A real agent and a real hallctl of another version than Hall's; then of the same."""
    world = make_world(start=False)
    world.broker.start()
    world.hall.start()
    doctor = Doctor(world, tmp_path)
    wait_until(lambda: "hall.good" in doctor.look(), LIMIT, "Hall")
    ours = doctor.look()["version.good"]["parameters"]["version"]
    program, bus = doctor.program.with_name("hall-agent"), "unix:path=/nonexistent"
    for n, binary in enumerate((another_version(program, tmp_path), program)):
        folder = tmp_path / f"agent{n}"
        folder.mkdir()
        agent = Agent(binary, folder, world.broker, bus, id="erp").start()
        try:
            if binary == program:
                wait_until(lambda: "version.good" in doctor.look(), LIMIT, "the agent")
                continue
            wait_until(lambda: "version.agent" in doctor.look(), LIMIT, "the agent")
            line = doctor.look()["version.agent"]
            assert line["parameters"]["server"] == "erp" and line["parameters"]["hall"] == ours != line["parameters"]["agent"]
            assert line["command"] == "hallctl enroll erp" and line["verdict"] == "warning"
        finally:
            agent.close()
    right = doctor.program
    doctor.program = another_version(right, tmp_path)
    line = doctor.look()["version.hallctl"]
    assert line["parameters"] == {"hall": ours, "hallctl": doctor.report["version"]} and line["verdict"] == "warning"
    doctor.program = right
    assert "version.good" in doctor.look()


@pytest.mark.parametrize("spoil", [all_damaged, first_page_zeroed])
def test_a_store_that_was_damaged(make_world, tmp_path, spoil):
    world, _bus, database, _hold = held(make_world)
    doctor = Doctor(world, tmp_path)
    spoil(database)
    world.hall.start()
    wait_until(lambda: "store.salvaged" in doctor.look(), LIMIT, "the damage")
    line = doctor.look()["store.salvaged"]
    aside = next(p.name for p in database.parent.glob("hall.db.corrupt.*Z"))
    assert line["verdict"] == "bad" and aside in line["text"] and doctor.run().returncode == 1
    assert line["command"] == f"sudo dmesg --level=err,crit; sudo ls -l {database}*"
    assert aside in subprocess.run(line["command"].replace("sudo ", ""), shell=True, check=True, capture_output=True, text=True).stdout


def test_a_store_that_cannot_be_used(make_world, tmp_path):
    """Hall says so by its API, and goes on by itself once the cause is gone."""
    world = make_world(start=False)
    world.hall.secrets = {"HALL_API_KEY": KEY}
    database = world.hall.directory / "hall.db"
    with contextlib.closing(sqlite3.connect(database)) as other:
        other.execute("CREATE TABLE another (program TEXT)")
        other.commit()
    world.start()
    doctor = Doctor(world, tmp_path)
    wait_until(lambda: "store.problem" in doctor.look(), LIMIT, "the problem")
    line = doctor.look()["store.problem"]
    assert line["verdict"] == "bad" and str(database) in line["text"]
    assert line["command"] == f"sudo journalctl -u hall -n 20; sudo ls -ld {database.parent} {database.parent}/*"
    database.unlink()
    wait_until(lambda: "store.problem" not in doctor.look(), LIMIT, "the store")


def test_wake_on_lan_is_off(world, bus, doctor):
    awake(bus, "erp")
    name = "hall/agents/erp/report"
    report = bus.last(name).json()
    agent = world.bus("erp")
    off = {**report, "wol": {"interface": "eno1", "card": "eno1", "armed": False, "letters": "d", "problem": None}}
    agent.publish(name, json.dumps(off), retain=True)
    wait_until(lambda: "server.wol_off" in doctor.look("erp"), LIMIT, "the card")
    assert doctor.bad("erp") == {"server.wol_off": f"ssh {world.lan.address(21)} sudo ethtool -s eno1 wol g"}
    agent.publish(name, json.dumps({**off, "wol": {**off["wol"], "armed": True, "letters": "g"}}), retain=True)
    wait_until(lambda: doctor.bad("erp") == {}, LIMIT, "the card")


def test_agent_is_gone(world, bus, doctor):
    awake(bus, "erp")
    agent = world.bus("erp")
    agent.publish("hall/agents/erp/state", "offline", retain=True)
    wait_until(lambda: doctor.bad("erp").get("server.agent_offline"), LIMIT, "the agent")
    agent.publish("hall/agents/erp/state", "online", retain=True)
    wait_until(lambda: doctor.bad("erp") == {}, LIMIT, "the agent")


# ---- the proxy ----

NO_HEADERS = """server {{
  listen 127.0.0.1:{port};
  server_name testing.localhost erp.localhost;
  location / {{ proxy_pass http://{hall[0]}:{hall[1]}; }}
}}
"""
ASTRAY = """server {{
  listen 127.0.0.1:{port};
  location / {{ return 200 "hello"; }}
}}
"""


def of_proxy(found):
    return {code: command for code, command in found.items() if code.startswith("proxy.")}


@pytest.mark.parametrize("text, code", [(NO_HEADERS, "proxy.headers"), (ASTRAY, "proxy.astray")])
def test_proxy_without_headers(world, doctor, tmp_path, text, code):
    port = free_port()
    listen = ("--listen", f"127.0.0.1:{port}")
    told = text.format(port=port, hall=world.hall.gateway)
    proxy = Proxy("nginx", tmp_path / "wrong", doctor.program, world.hall.file, port, text=told).start()
    try:
        found = of_proxy(doctor.bad(*listen))
    finally:
        proxy.stop()
    assert list(found) == [code] and found[code].startswith("hallctl proxy-config ")
    proxy = Proxy("nginx", tmp_path / "right", doctor.program, world.hall.file, port).start()  # what the command prints
    try:
        assert of_proxy(doctor.bad(*listen)) == {}
    finally:
        proxy.stop()


def told(doctor, port):
    """What it says of the headers: code, domain, header, where, and the line to add."""
    doctor.look("--listen", f"127.0.0.1:{port}")
    values = [(line["code"].removeprefix("doctor.proxy."), line["parameters"]) for line in doctor.report["lines"]
              if line["code"].startswith("doctor.proxy.")]
    return {(code, of.get("domain"), of.get("header"), of.get("door"), of.get("line")) for code, of in values 
            if code not in ("good", "namespace", "namespace_agent")}


def domains_of(world):
    return list(json.loads(world.hall.file.read_text(encoding="utf-8"))["domains"])


@pytest.mark.parametrize("kind", KINDS)
def test_what_each_proxy_tells_of_its_visitors(world, bus, doctor, tmp_path, kind):
    """As hallctl prints it, by HTTP and by HTTPS, whether the sites sleep or not; it wakes none, and nobody is refused."""
    for id in ("testing", "erp"):
        asleep(bus, id)
    mark = bus.mark()
    def check(proxy, names):
        good = {("told", name, None, None, None) for name in names}
        proxy.start()
        try:
            if isinstance(proxy, HttpsProxy) and kind == "caddy":  # it makes its certificates once it runs
                wait_until(lambda: told(doctor, proxy.port) == good, LIMIT, "the proxy")
            assert told(doctor, proxy.port) == good and doctor.report["bad"] == 0, doctor.report
        finally:
            proxy.stop()

    check(Proxy(kind, tmp_path / "plain", doctor.program, world.hall.file, free_port(), is_patient=True), domains_of(world))
    config = json.loads(world.hall.file.read_text(encoding="utf-8"))
    doctor.file = tmp_path / "domains.json"  # with the one domain for which there is a certificate
    name = "testing.localhost"
    doctor.file.write_text(json.dumps({**config, "domains": {name: config["domains"][name]}}), encoding="utf-8")
    check(HttpsProxy(kind, tmp_path / "tls", doctor.program, doctor.file, free_port(), name), [name])
    barrier(bus)
    assert not [m for m in bus.heard("hall/event", mark) if m.json()["event_type"] in ("wake_requested", "access_refused")]


# What is taken away or added in what hallctl prints; the header that is missed, where; the line that the doctor says to add.
def without(pattern):
    return lambda text: re.sub(pattern, "", text)


LINES = [
    ("nginx", without(r".*proxy_set_header X-Forwarded-For .*\n"), "missing", "X-Forwarded-For", {"/auth", "/.hall/"},
     "proxy_set_header X-Forwarded-For $remote_addr;"),
    ("nginx", without(r".*proxy_set_header X-Forwarded-Uri .*\n"), "missing", "X-Forwarded-Uri", {"/auth"},
     "proxy_set_header X-Forwarded-Uri $request_uri;"),
    ("nginx", lambda text: text.replace("X-Forwarded-Proto $scheme", "X-Forwarded-Proto $http_x_forwarded_proto"), "claimed",
     "X-Forwarded-Proto", {"/auth"}, "proxy_set_header X-Forwarded-Proto $scheme;"),
    ("nginx", lambda text: text.replace("X-Forwarded-For $remote_addr", "X-Forwarded-For $http_x_forwarded_for"), "claimed",
     "X-Forwarded-For", {"/auth"}, "proxy_set_header X-Forwarded-For $remote_addr;"),
    ("caddy", lambda text: text.replace("\theader_up -Authorization\n", "\theader_up -Authorization\n\theader_up -X-Forwarded-For\n"),
     "missing", "X-Forwarded-For", {"/auth", "/.hall/"}, "header_up X-Forwarded-For {remote_host}"),
    ("haproxy", without(r".*set-header X-Forwarded-For .*\n"), "claimed", "X-Forwarded-For", {"/auth"},
     "http-request set-header X-Forwarded-For %[src]"),
    ("haproxy", without(r".*set-header X-Forwarded-Proto .*\n"), "claimed", "X-Forwarded-Proto", {"/auth"},
     "http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]"),
    ("haproxy", lambda text: text.replace("x-forwarded-method ", ""), "missing", "X-Forwarded-Method", {"/auth"},
     "http-request set-header X-Forwarded-Method %[method]"),
]


@pytest.mark.parametrize(("kind", "change", "code", "header", "doors", "line"), LINES, ids=[f"{row[0]}-{row[2]}-{row[3]}" for row in LINES])
def test_a_header_that_a_proxy_does_not_set(world, doctor, tmp_path, kind, change, code, header, doors, line):
    port = free_port()
    right = generated(doctor.program, kind, world.hall.file, "--listen", f"127.0.0.1:{port}")
    wrong = change(right)
    assert wrong != right
    proxy = Proxy(kind, tmp_path / kind, doctor.program, world.hall.file, port, text=wrong).start()
    try:
        found = {row for row in told(doctor, port) if row[0] == code}
        domains = domains_of(world)
        assert found >= {(code, name, header, door, line) for name in domains for door in doors if (code, door) != ("claimed", "/.hall/")}
        assert {row[2] for row in found} == {header} and doctor.report["bad"] > 0
        assert all(row["command"] == f"hallctl proxy-config {kind}" for row in doctor.report["lines"] if row["code"] == f"doctor.proxy.{code}")
    finally:
        proxy.stop()


def test_traefik_that_believes_its_visitors(world, doctor, tmp_path):
    """Entry point and middleware that trust anybody: what a visitor claims reaches Hall."""
    port = free_port()
    right = generated(doctor.program, "traefik", world.hall.file)
    text = right.replace('"trustForwardHeader":false', '"trustForwardHeader":true')
    assert text != right
    proxy = Proxy("traefik", tmp_path / "wrong", doctor.program, world.hall.file, port, text=text, fronts=["127.0.0.1/32"]).start()
    try:
        found = {row[:4] for row in told(doctor, port)}
        for header in ("X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Uri"):
            assert {("claimed", name, header, "/auth") for name in domains_of(world)} <= found, found
    finally:
        proxy.stop()
    config = json.loads(world.hall.file.read_text(encoding="utf-8"))
    doctor.file = tmp_path / "domains.json"  # this machine is a proxy in front: then it is right to believe it
    doctor.file.write_text(json.dumps({**config, "proxy": {"trusted": ["127.0.0.1"]}}), encoding="utf-8")
    proxy = Proxy("traefik", tmp_path / "right", doctor.program, doctor.file, port, fronts=["127.0.0.1/32"]).start()
    try:
        assert {row[0] for row in told(doctor, port)} == {"told"}
    finally:
        proxy.stop()


def test_a_proxy_that_does_not_ask(world, bus, doctor, tmp_path):
    """Its sites sleep, so that it leads the doctor to Hall's page after all: that wakes nothing either."""
    for id in ("testing", "erp"):
        asleep(bus, id)
    mark = bus.mark()
    port = free_port()
    right = generated(doctor.program, "nginx", world.hall.file, "--listen", f"127.0.0.1:{port}")
    proxy = Proxy("nginx", tmp_path / "wrong", doctor.program, world.hall.file, port, text=re.sub(r"\bauth_request .*;", "", right)).start()
    try:
        assert told(doctor, port) == {("unasked", name, None, None, None) for name in domains_of(world)}
    finally:
        proxy.stop()
    barrier(bus)
    assert not [m for m in bus.heard("hall/event", mark) if m.json()["event_type"] in ("wake_requested", "access_refused")]


def test_a_proxy_that_is_not_trusted(world, doctor, tmp_path):
    """It asks from another address, as one in a container does. What the line says is added, and Hall reloads."""
    port = free_port()
    right = generated(doctor.program, "nginx", world.hall.file, "--listen", f"127.0.0.1:{port}")
    text = right.replace("    client_max_body_size 0;", "    client_max_body_size 0;\n    proxy_bind 127.0.0.3;")
    assert text != right
    kept = json.loads(world.hall.file.read_text(encoding="utf-8"))
    bus = world.bus()
    proxy = Proxy("nginx", tmp_path / "wrong", doctor.program, world.hall.file, port, text=text).start()
    try:
        lines = doctor.look("--listen", f"127.0.0.1:{port}")
        assert lines["proxy.untrusted"]["parameters"] == {"address": f"127.0.0.1:{port}", "peer": "127.0.0.3", "file": str(world.hall.file)}
        assert lines["proxy.untrusted"]["command"] == f"sudoedit {world.hall.file} && sudo systemctl reload hall"
        world.hall.write({**kept, "http": {**kept["http"], "trusted_proxies": ["127.0.0.1", "127.0.0.3"]}})
        reload(world, bus)
        assert {row[0] for row in told(doctor, port)} == {"told"}
    finally:
        proxy.stop()
        world.hall.write(kept)
        reload(world, bus)


def test_somebody_who_may_not_know_the_key(world, doctor, tmp_path, open_path):
    port = free_port()
    proxy = Proxy("nginx", tmp_path / "nginx", doctor.program, world.hall.file, port).start()
    for name in ("hallctl", "domains.json"):
        shutil.copy(world.hall.file if name == "domains.json" else doctor.program, open_path / name)
    (open_path / "domains.json").chmod(0o644)
    doctor.program, doctor.file = open_path / "hallctl", open_path / "domains.json"
    del doctor.env["HALL_API_KEY"]
    try:
        lines = doctor.look("--listen", f"127.0.0.1:{port}", inside=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
                            HOME="/nonexistent")
        assert lines["proxy.closed"]["command"] == "sudo hallctl doctor" and lines["proxy.good"] and "proxy.no_key" not in lines
    finally:
        proxy.stop()


def test_without_a_key_to_the_api(world, doctor, tmp_path):
    port = free_port()
    proxy = Proxy("nginx", tmp_path / "nginx", doctor.program, world.hall.file, port).start()
    listen = ("--listen", f"127.0.0.1:{port}")
    try:
        wrong = doctor.look(*listen, HALL_API_KEY="f" * 32)
        assert wrong["proxy.unheard"]["parameters"]["why"] == "HTTP 401" and wrong["proxy.good"]
        del doctor.env["HALL_API_KEY"]
        lines = doctor.look(*listen)
        assert lines["proxy.no_key"]["command"].startswith("echo HALL_API_KEY=$(openssl rand -hex 32) | sudo tee -a /etc/hall/hall.env ")
        assert doctor.report["bad"] == 0 and "proxy.told" not in lines
    finally:
        proxy.stop()


def test_proxy_in_a_container(make_world, tmp_path):
    """A namespace of its own, as Docker gives one; in a new world no agent has said anything yet."""
    world = make_world()
    doctor = Doctor(world, tmp_path)
    program = tmp_path / "haproxy"
    shutil.copy(tool("sleep"), program)
    apart = Process(["unshare", "-n", program, "600"], tmp_path / "apart.log")
    try:
        wait_until(lambda: "proxy.namespace" in doctor.look(), LIMIT, "the namespace")
        lines = [line for line in doctor.report["lines"] if line["code"] == "doctor.proxy.namespace"
                 and line["parameters"]["program"] == "haproxy"]
        assert {line["parameters"]["server"]: line["command"] for line in lines} == \
            {"testing": "hallctl enroll testing", "erp": "hallctl enroll erp"} and doctor.report["bad"] == 0
        bus = world.bus()
        for id in ("testing", "erp"):
            awake(bus, id)
        wait_until(lambda: "proxy.namespace" not in doctor.look(), LIMIT, "the agents")
        assert doctor.look()["proxy.namespace_agent"]["verdict"] == "good"
    finally:
        apart.stop()


# ---- with little ----

def test_nothing_runs(doctor, tmp_path):
    """No configuration, no broker, no Hall, in a machine of its own."""
    empty = ["unshare", "-n", *mounted("ip link set lo up", "mount -t tmpfs tmpfs /etc/hall 2>/dev/null || true",
                                       "mount -t tmpfs tmpfs /var/lib/hall 2>/dev/null || true")]
    found = doctor.bad(inside=empty, config=False)
    assert found["configuration.none"] == "sudo hallctl setup" and found["broker.stopped"] == "sudo systemctl start mosquitto"
    assert doctor.seconds < LONGEST


def overlaid(*script):
    """The same with /etc and /var as they are, and places of their own for what is written there."""
    return mounted("T=$(mktemp -d)", "mount -t tmpfs tmpfs $T", *[
        f"mkdir -p $T/{name}/u $T/{name}/w && mount -t overlay overlay -o lowerdir=/{name},upperdir=$T/{name}/u,workdir=$T/{name}/w /{name}"
        for name in ("etc", "var")], *script)


def test_root_has_the_password_of_the_service(world, doctor):
    """As packages leave it: the configuration in /var/lib/hall, the password in /etc/hall/hall.env, and none in the environment."""
    place = ["mkdir -p /etc/hall /var/lib/hall", f"cp {world.hall.file} /var/lib/hall/domains.json", "umask 077"]
    given = f"echo \"HALL_MQTT_PASSWORD='{doctor.env.pop('HALL_MQTT_PASSWORD')}'\" >/etc/hall/hall.env"
    lines = doctor.look(inside=overlaid(*place, given), config=False)
    assert doctor.report["bad"] == 0 and lines["broker.good"]["parameters"]["user"] == "hall" and "rights.good" in lines
    assert lines["configuration.good"]["parameters"]["file"] == "/var/lib/hall/domains.json" and "secrets.good" in lines
    found = doctor.bad(inside=overlaid(*place, given, "chmod 644 /etc/hall/hall.env"), config=False)
    assert found == {"secrets.open": "sudo chmod 640 /etc/hall/hall.env"}
    assert "broker.no_password" in doctor.look(inside=overlaid(*place), config=False)


def test_a_person_asks_as_himself(world, doctor, tmp_path):
    """With the user and password of his own hallctl.json, whatever Hall's are."""
    folder = tmp_path / ".config" / "hall"
    folder.mkdir(parents=True)
    own = {"broker": f"mqtt://127.0.0.1:{world.broker.port}", "username": "operator", "password": world.broker.passwords["operator"]}
    (folder / "hallctl.json").write_text(json.dumps(own), encoding="utf-8")
    (folder / "hallctl.json").chmod(0o600)
    del doctor.env["HALL_MQTT_PASSWORD"]
    lines = doctor.look()
    assert doctor.report["bad"] == 0 and lines["broker.good"]["parameters"]["user"] == "operator" and "hall.good" in lines


def test_without_root(world, doctor, open_path):
    """What others may not read is said, with what to type; everything else goes on."""
    file = open_path / "domains.json"
    shutil.copy(world.hall.file, file)
    file.chmod(0o600)
    doctor.file = file
    program = open_path / "hallctl"
    shutil.copy(doctor.program, program)
    doctor.program = program
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    lines = doctor.look(inside=user, HOME="/nonexistent")
    assert lines["configuration.closed"]["command"] == "sudo hallctl doctor" and "clock.free" not in lines
    file.chmod(0o644)
    lines = doctor.look(inside=user, HOME="/nonexistent")
    assert lines["configuration.good"] and lines["broker.good"] and lines["port.good"]


def test_all_checks_wait_beside_each_other(world, doctor, tmp_path):
    """Broker, upstreams and proxy take connections and never answer: the time is that of the slowest."""
    with socket.create_server(("127.0.0.1", 0), backlog=200) as silent:
        port = silent.getsockname()[1]
        config = json.loads(world.hall.file.read_text(encoding="utf-8"))
        for n in range(12):
            config["domains"][f"n{n}.localhost"] = {"server": "erp", "upstream": f"https://127.0.0.{n + 1}:{port}"}
        config["mqtt"]["url"] = f"mqtt://127.0.0.1:{port}"
        config["http"] |= {"gateway": f"127.0.0.1:{port}", "admin": f"127.0.0.2:{port}"}
        doctor.file = tmp_path / "domains.json"
        doctor.file.write_text(json.dumps(config), encoding="utf-8")
        found = doctor.bad("--listen", f"127.0.0.1:{port}", "--check", f"http://127.0.0.1:{port}")
    assert doctor.seconds < LONGEST and "broker.silent" in found
