"""The agent's eyes and hands for containers: with a real engine, and with one that answers as no engine should."""
import http.client
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from links import tool
from process import Process, Talker, wait_until

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="a Docker engine of one's own needs root")
SANITIZER = re.compile(r"Sanitizer|runtime error:|Assertion .* failed")
NOBODY = 65534
ID = "0123456789ab" + "c" * 50


@pytest.fixture
def folder():
    """A short path, for sockets."""
    path = Path(tempfile.mkdtemp(prefix="hall-dk-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


class Watch:
    """A running docker_watch."""

    def __init__(self, socket_path, folder, prefix=(), program=None):
        self.talker = Talker([*prefix, program or tool("docker_watch"), socket_path], folder / "watch.log")
        self.number = 0

    def views(self, after=0):
        return [e for e in self.talker.events[after:] if e["event"] == "view"]

    def view(self, where, limit=45.0, after=0):
        return self.talker.wait("view", limit, after, where)

    def up(self, limit=45.0, after=0):
        return self.view(lambda v: v["up"], limit, after)

    def down(self, *words, limit=45.0, after=0):
        return self.view(lambda v: not v["up"] and all(w in v["problem"] for w in words), limit, after)

    def sees(self, name, limit=45.0, after=0, **wanted):
        """The first view in which the container is so; absent=True: in which it is not."""
        absent = wanted.pop("absent", False)

        def fits(view):
            found = [c for c in view["containers"] if c["name"] == name]
            return view["up"] and (absent and not found or any(all(c[k] == v for k, v in wanted.items()) for c in found))

        return self.view(fits, limit, after)

    def shows(self, name, **wanted):
        """Until the container is so in the newest view."""
        wait_until(lambda: all(self.now().get(name, {}).get(k) == v for k, v in wanted.items()), 45, f"{name} {wanted}")

    def now(self):
        return {c["name"]: c for c in self.views()[-1]["containers"]}

    def mark(self):
        return self.talker.mark()

    def ask(self, verb, project, *names):
        return self.ask_at_once((verb, project, *names))[0]

    def ask_at_once(self, *asked):
        """All of them are read before the first is done."""
        requests = [f"r{self.number + i + 1}" for i in range(len(asked))]
        self.number += len(asked)
        self.talker.tell("\n".join(" ".join([verb, project or "-", request, *names])
                                   for request, (verb, project, *names) in zip(requests, asked)))
        return requests

    def done(self, request, limit=60.0):
        return self.talker.wait("done", limit, 0, lambda e: e["request"] == request)

    def carry_out(self, verb, project, *names):
        answer = self.done(self.ask(verb, project, *names))
        assert answer["ok"], answer
        return answer

    def refused(self, verb, project, *names):
        request = self.ask(verb, project, *names)
        return self.talker.wait("refused", 60, 0, lambda e: e["request"] == request)["error"]

    def close(self):
        self.talker.popen.stdin.close()
        status = self.talker.popen.wait(60)
        log = self.talker.log_text()
        assert not SANITIZER.search(log), log[:6000]
        assert status == 0, log[-2000:]


@pytest.fixture
def watch(folder):
    made = []

    def make(socket_path, **options):
        made.append(Watch(socket_path, folder, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


# --- a real engine ---

class Connection(http.client.HTTPConnection):
    def __init__(self, path, timeout=60):
        super().__init__("docker", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def engine_root():
    """A root file system that holds nothing but busybox."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        tar.add("/bin/busybox", "bin/busybox")
        for name in ("sh", "sleep", "test", "false"):
            link = tarfile.TarInfo("bin/" + name)
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
    return data.getvalue()


class Engine:
    """A dockerd of our own: own data, own socket, no bridge, no firewall rules."""

    SETTINGS = ("--iptables=false", "--ip6tables=false", "--bridge=none")
    STORAGE = "vfs"  # lies on every file system

    def __init__(self, prefix=()):
        self.prefix = prefix  # what it is started with, to be elsewhere
        self.folder = Path(tempfile.mkdtemp(prefix="hall-dke-"))
        self.folder.chmod(0o755)
        self.socket = self.folder / "s"
        self.process = None

    def start(self):
        program = shutil.which("dockerd", path="/usr/sbin:/usr/bin:/sbin:/bin")
        assert program and Path("/bin/busybox").exists(), "the packages docker.io and busybox-static are needed"
        self.process = Process(
            [*self.prefix, program, "--data-root", self.folder / "data", "--exec-root", self.folder / "exec", "-H", f"unix://{self.socket}",
             *self.SETTINGS, f"--storage-driver={self.STORAGE}", "-p", self.folder / "pid",
             "--shutdown-timeout=2"], self.folder / "log")
        wait_until(self.answers, 60, f"dockerd (its log: {self.process.log_tail(5)})")

    def answers(self):
        assert self.process.alive(), self.process.log_tail()
        try:
            return self.call("GET", "/_ping")[0] == 200
        except OSError:
            return False

    def stop(self):
        self.process.stop(60)

    def call(self, method, path, body=None, kind="application/json"):
        connection = Connection(self.socket)
        try:
            connection.request(method, path, body, {"Content-Type": kind} if body is not None else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def must(self, method, path, body=None, kind="application/json"):
        status, answer = self.call(method, path, body, kind)
        assert status < 300, (method, path, status, answer)
        return json.loads(answer) if answer[:1] in (b"{", b"[") else answer

    def load_image(self):
        self.must("POST", "/images/create?fromSrc=-&repo=hallbox", engine_root(), "application/x-tar")

    def create(self, name, command="sleep 600", health=None, labels=(), restart=None, late=False):
        config = {
            "Image": "hallbox", "Cmd": ["sh", "-c", command], "Labels": dict(labels), "StopSignal": "SIGKILL",
            "HostConfig": {"NetworkMode": "host", "Binds": [f"{self.folder}/flags:/flags"]},
        }
        if health:
            # late: what fails before it was once healthy does not count, so that "starting" lasts
            config["Healthcheck"] = {"Test": ["CMD-SHELL", health], "Interval": 300_000_000, "Timeout": 60_000_000_000,
                                     "Retries": 1, "StartPeriod": 3600_000_000_000 if late else 0}
        if restart:
            config["HostConfig"]["RestartPolicy"] = {"Name": restart}
        return self.must("POST", f"/containers/create?name={quote(name)}", json.dumps(config))["Id"]

    def run(self, name, *words, **options):
        self.create(name, *words, **options)
        self.must("POST", f"/containers/{name}/start")

    def inspect(self, name):
        return self.must("GET", f"/containers/{name}/json")

    def remove(self, name):
        self.must("DELETE", f"/containers/{name}?force=1")

    def clear(self):
        for container in self.must("GET", "/containers/json?all=1"):
            self.call("DELETE", f"/containers/{container['Id']}?force=1")
        for flag in (self.folder / "flags").iterdir():
            flag.unlink()

    def flag(self, name):
        return self.folder / "flags" / name

    def end_leftovers(self):
        """A shim whose engine did not end in good order names our folder on its command line."""
        for entry in Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
            except OSError:
                continue
            if b"containerd-shim" in words and str(self.folder).encode() + b"/" in words:
                os.kill(int(entry.name), signal.SIGKILL)

    def close(self):
        if self.process:
            self.stop()
        self.end_leftovers()
        for mount in reversed(Path("/proc/self/mounts").read_text().splitlines()):
            if mount.split()[1].startswith(f"{self.folder}/"):
                subprocess.run(["umount", mount.split()[1]], check=True)
        shutil.rmtree(self.folder)


@pytest.fixture(scope="module")
def one_engine():
    engine = Engine()
    try:
        (engine.folder / "flags").mkdir()
        engine.start()
        engine.load_image()
        yield engine
        engine.clear()
    finally:
        engine.close()


@pytest.fixture
def engine(one_engine):
    if not one_engine.process.alive():
        one_engine.start()
    yield one_engine
    one_engine.clear()


@ROOT_ONLY
def test_a_container_becomes_healthy_late_and_sick_again(engine, watch):
    w = watch(engine.socket)
    w.up()
    engine.run("web", health="test -e /flags/ok", labels={"hall.project": "client1", "hall.busy": "true"}, late=True)
    seen = w.sees("web", state="running", health="starting")
    assert seen["containers"] == [{"name": "web", "project": "client1", "state": "running", "health": "starting", "busy": True}]
    mark = w.mark()
    engine.flag("ok").touch()
    w.sees("web", after=mark, health="healthy")
    engine.flag("ok").unlink()
    w.sees("web", after=mark, health="unhealthy")
    after = w.mark()
    engine.must("POST", "/containers/web/restart")
    engine.flag("ok").touch()
    w.sees("web", after=after, health="healthy")
    after = w.mark()
    engine.must("POST", "/containers/web/stop")
    w.sees("web", after=after, state="exited", health="")


@ROOT_ONLY
def test_containers_that_fail_restart_pause_are_renamed_and_vanish(engine, watch):
    w = watch(engine.socket)
    w.up()
    engine.run("plain")
    w.sees("plain", state="running", health="", project="")
    engine.must("POST", "/containers/plain/pause")
    w.sees("plain", state="paused")
    engine.must("POST", "/containers/plain/unpause")
    engine.must("POST", "/containers/plain/rename?name=other")
    w.sees("other", state="running")
    w.sees("plain", absent=True, after=w.mark() - 1)
    engine.run("broken", "exit 3")
    w.sees("broken", state="exited")
    engine.run("loops", "exit 3", restart="always")
    w.sees("loops", state="restarting")
    engine.create("waiting")
    w.sees("waiting", state="created")
    for name in ("other", "broken", "loops", "waiting"):
        engine.remove(name)
    w.view(lambda v: v["up"] and v["containers"] == [], after=w.mark() - 1)


def compose(project, service, *depends):
    return {"com.docker.compose.project": project, "com.docker.compose.service": service,
            "com.docker.compose.depends_on": ",".join(f"{d}:service_started:false" for d in depends)}


@ROOT_ONLY
def test_a_compose_project_starts_in_the_order_of_its_dependencies_and_stops_in_reverse(engine, watch):
    engine.create("a-web", labels=compose("shop", "web", "cache", "db"))
    engine.create("b-cache", labels=compose("shop", "cache", "db"))
    engine.create("c-db", labels=compose("shop", "db"))
    w = watch(engine.socket)
    w.sees("c-db", project="shop", state="created")
    order = ["c-db", "b-cache", "a-web"]

    def times(what):
        return [engine.inspect(name)["State"][what] for name in order]

    w.carry_out("start", "shop")
    assert times("StartedAt") == sorted(times("StartedAt"))
    for name in order:
        w.sees(name, state="running")
    w.carry_out("start", "shop")  # again: nothing to do is no failure
    w.carry_out("restart", "shop")
    assert times("StartedAt") == sorted(times("StartedAt"))
    mark = w.mark()
    w.carry_out("stop", "shop")
    assert times("FinishedAt") == sorted(times("FinishedAt"), reverse=True)
    for name in order:
        w.sees(name, after=mark, state="exited")
    w.carry_out("stop", "shop")


@ROOT_ONLY
def test_two_projects_do_not_disturb_each_other(engine, watch):
    for project in ("one", "two"):
        for service in ("web", "db"):
            engine.create(f"{project}-{service}", health="test -e /flags/" + project,
                          labels=compose(project, service, *(["db"] if service == "web" else [])))
    w = watch(engine.socket)
    w.sees("two-web", state="created")
    requests = [w.ask("start", "one"), w.ask("start", "two")]
    assert all(w.done(r)["ok"] for r in requests)
    engine.flag("two").touch()
    w.sees("two-db", health="healthy")
    w.sees("two-web", health="healthy")
    assert w.now()["one-web"]["health"] != "healthy"
    before = [engine.inspect(f"two-{s}")["State"]["StartedAt"] for s in ("web", "db")]
    requests = w.ask_at_once(("restart", "one"), ("stop", "one"))
    assert w.talker.wait("refused", 60)["error"] == "EBUSY"
    assert w.done(requests[0])["ok"]
    w.carry_out("stop", "one")
    w.shows("one-web", state="exited")
    assert [engine.inspect(f"two-{s}")["State"]["StartedAt"] for s in ("web", "db")] == before
    assert w.now()["two-web"] == {"name": "two-web", "project": "two", "state": "running", "health": "healthy", "busy": False}


@ROOT_ONLY
def test_what_is_not_there_is_named(engine, watch):
    engine.create("there")
    engine.create("bad", "x")
    w = watch(engine.socket)
    w.sees("there")
    assert w.refused("start", "nobody") == "ENOENT"
    assert w.refused("start", "", "nobody") == "ENOENT"
    answer = w.done(w.ask("start", "", "there", "not-there"))
    assert not answer["ok"] and "not-there" in answer["reason"] and "create it" in answer["reason"]
    w.sees("there", state="running")
    w.carry_out("stop", "", "there", "not-there")
    engine.run("stuck")
    w.sees("stuck")
    engine.must("POST", "/containers/stuck/pause")
    answer = w.done(w.ask("start", "", "stuck"))
    assert not answer["ok"] and "stuck" in answer["reason"] and "pause" in answer["reason"], answer


@ROOT_ONLY
def test_the_engine_stops_and_comes_back(engine, watch):
    engine.run("web", health="true", labels={"hall.project": "p"})
    w = watch(engine.socket)
    w.sees("web", health="healthy")
    mark = w.mark()
    engine.stop()
    down = w.down("start Docker", after=mark)
    assert down["containers"] == []
    assert w.refused("start", "p") == "ENOTCONN"
    mark = w.mark()
    engine.start()
    w.sees("web", after=mark, limit=30, state="exited")  # it is asked each ten seconds at least
    w.carry_out("start", "p")
    w.sees("web", after=mark, health="healthy")


@ROOT_ONLY
def test_no_right_to_the_socket_says_what_to_do(engine, watch, folder):
    program = folder / "docker_watch"
    shutil.copy(tool("docker_watch"), program)
    os.chmod(engine.socket, 0o660)
    w = watch(engine.socket, program=program,
              prefix=["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"])
    w.down("no permission", str(engine.socket), "group docker", "docker.socket")
    os.chmod(engine.socket, 0o666)
    try:
        w.up()
    finally:
        os.chmod(engine.socket, 0o660)


# --- an engine that answers as it is told ---

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK"
STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def answer(body, status=200):
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(action="start", kind="container"):
    return json.dumps({"Type": kind, "Action": action, "Actor": {"ID": ID}}).encode() + b"\n"


def container(name, state="running", status="Up 5 seconds", id=None, **labels):
    number = "%060x" % (sum(name.encode()) * 1000 + len(name))
    return {"Id": id or number, "Names": ["/" + name], "State": state, "Status": status,
            "Labels": {k.replace("_", "."): v for k, v in labels.items()}}


class Fake:
    """Listens on a unix socket. An answer is bytes (then the connection ends), or a function of the connection. What it notes of a
    request it has noted before it answers."""

    def __init__(self, path, containers=()):
        self.path = path
        self.ping, self.list, self.inspect, self.command = OK, answer(list(containers)), answer({"State": {}}), answer(b"", 204)
        self.events = None  # None: stands until told otherwise
        self.requests, self.times, self.streams, self.closed = [], [], [], False
        self.lock = threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(path))
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while not self.closed:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        head = b""
        while b"\r\n\r\n" not in head:
            part = connection.recv(4096)
            if not part:
                return connection.close()
            head += part
        method, path, _ = head.decode().split("\r\n")[0].split()
        with self.lock:
            self.requests.append((method, path))
            self.times.append(time.monotonic())
        try:
            self.reply(connection, method, path)
        except OSError:
            pass  # the other side was right to go

    def reply(self, connection, method, path):
        if path.startswith("/events") and self.events is None:
            with self.lock:
                self.streams.append(connection)
            connection.sendall(STREAM)
            return
        kind = {"/_ping": "ping", "/containers/json?all=1": "list"}.get(path)
        if path.startswith("/events"):
            kind = "events"
        reply = getattr(self, kind or ("command" if method == "POST" else "inspect"))
        if callable(reply):
            reply = reply(connection, path)
        connection.sendall(reply or b"")
        connection.close()

    def count(self, start):
        with self.lock:
            return sum(1 for _, path in self.requests if path.startswith(start))

    def asked_at(self, start):
        with self.lock:
            return [at for (_, path), at in zip(self.requests, self.times) if path.startswith(start)]

    def posts(self):
        with self.lock:
            return [path.split("/", 2)[2] for method, path in self.requests if method == "POST"]

    def say(self, *chunks):
        for one in chunks:
            self.streams[-1].sendall(chunk(one))

    def end_stream(self):
        stream = self.streams[-1]
        stream.shutdown(socket.SHUT_RDWR)
        stream.close()

    def close(self):
        if self.closed:
            return
        self.closed = True
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for stream in self.streams:
            stream.close()


@pytest.fixture
def fake(folder):
    fake = Fake(folder / "s")
    yield fake
    fake.close()


def deep(n):
    return b"[" * n + b"]" * n


BAD_ANSWERS = {
    "cut head": (b"HTTP/1.1 200", "half way"),
    "nothing": (b"", "half way"),
    "cut body": (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[{\"Id\":", "half way"),
    "no http": (b"SSH-2.0-OpenSSH_9.2\r\n", "does not speak"),
    "http 0.9": (b"[]", "does not speak"),
    "bad chunks": (STREAM + b"zz\r\n[]\r\n0\r\n\r\n", "does not speak"),
    "negative chunk": (STREAM + b"-5\r\n[]\r\n", "does not speak"),
    "endless head": (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20000, "more than 1 MiB"),
    "error": (answer({"message": "the disk is \u001b full"}, 500), "500: the disk is ? full"),
    "error in no json": (answer(b"<html>", 502), "502"),
    "redirect": (b"HTTP/1.1 302 X\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", "302"),
}
BAD_LISTS = {
    "not json": (answer(b"<html>hello</html>"), "does not speak"),
    "cut json": (answer(b"[{\"Id\":"), "does not speak"),
    "an object": (answer({"Id": ID}), "does not speak"),
    "not utf-8": (answer(b"[\"\xff\xfe\"]"), "does not speak"),
    "a key twice": (answer(b'[{"Id":"a","Id":"b"}]'), "does not speak"),
    "deep": (answer(deep(5000)), "more than 1 MiB"),
    "huge": (answer(b"[" + b'"x",' * 400000 + b"1]"), "more than 1 MiB"),
    "huge chunked": (STREAM + chunk(b" " * 70000) * 17 + b"0\r\n\r\n", "more than 1 MiB"),
}


def streams_only(which):
    """Bad as an answer; of a stream these are a beginning like any other."""
    return which in ("cut body", "bad chunks", "negative chunk")


CASES = [(part, which, *bad) for part in ("ping", "events", "list")
         for which, bad in (BAD_ANSWERS | (BAD_LISTS if part == "list" else {})).items()
         if part != "events" or not streams_only(which)]


def test_bad_answers_are_told_and_got_over(folder):
    """All side by side: each waits a second before it asks again."""
    told = []
    try:
        for number, (part, which, bad, words) in enumerate(CASES):
            fake = Fake(folder / f"s{number}")
            setattr(fake, part, bad)
            (folder / str(number)).mkdir()
            told.append((part, which, words, fake, Watch(fake.path, folder / str(number))))
        for part, which, words, fake, w in told:
            down = w.down(words, limit=60)
            assert down["containers"] == [] and str(fake.path) in down["problem"], (part, which, down)
            fake.ping, fake.events, fake.list = OK, None, answer([container("web")])
        for _, _, _, _, w in told:
            w.sees("web", limit=60)
    finally:
        for _, _, _, fake, w in told:
            w.close()
            fake.close()


def test_a_slow_engine_is_told(fake, watch):
    gate = threading.Event()
    fake.ping = lambda connection, path: gate.wait(60) and b""
    w = watch(fake.path)
    w.down("does not answer in time")
    gate.set()
    fake.ping = OK
    w.up()


def test_a_list_that_drips_in_is_read(fake, watch):
    whole = answer([container("web")])

    def drip(connection, path):
        for i in range(len(whole)):
            connection.sendall(whole[i:i + 1])
        return b""

    fake.list = drip
    watch(fake.path).sees("web")


@pytest.mark.parametrize("head, body", [
    (b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" + STREAM, lambda text: chunk(text[:9]) + chunk(text[9:]) + b"0\r\nTrailer: x\r\n\r\n"),
    (b"HTTP/1.1 200 OK\r\n\r\n", lambda text: text),
    (b"HTTP/1.0 200\nServer: old\n\n", lambda text: text),
], ids=["chunks", "to-the-end", "http-1.0"])
def test_a_list_ends_as_its_head_says(fake, watch, head, body):
    fake.list = head + body(json.dumps([container("web")]).encode())
    watch(fake.path).sees("web")


def test_an_engine_without_room_for_a_connection_is_tried_again(folder, watch):
    """One that just starts has all of its connections waiting: connect() says EAGAIN then, and poll() nothing."""
    crowded, crowd = folder / "s", []
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(crowded))
    listener.listen(0)
    while True:
        crowd.append(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK))
        try:
            crowd[-1].connect(str(crowded))
        except BlockingIOError:
            break
    w = watch(crowded)
    begun = time.monotonic()
    wait_until(lambda: time.monotonic() > begun + 1, 5)
    assert w.views() == [], "it waits, within its five seconds"
    for one in crowd:
        one.close()
    for _ in crowd[:-1]:
        listener.accept()[0].close()
    asked, _ = listener.accept()
    assert asked.recv(4096).startswith(b"GET /_ping HTTP/1.1\r\nHost: docker\r\n")
    asked.sendall(b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n")
    w.down("500")
    asked.close()
    listener.close()


def test_what_cannot_be_read_is_left_out_singly(fake, watch):
    fake.list = answer([
        None, 5, "x", [], {}, {"Id": 5}, {"Id": ID}, {"Id": "../../etc", "Names": ["/a"]},
        {"Id": ID, "Names": "web"}, {"Id": ID, "Names": [5, None]}, {"Id": ID, "Names": ["/" + "n" * 200]},
        {"Id": ID, "Names": ["/bad name"]}, {"Id": ID, "Names": ["/odd"], "State": 7, "Status": [], "Labels": [1]},
        container("web", hall_project="p" * 100), container("db", state="flying"),
        container("ok", status="Up 1 second (healthy)", hall_project="p", hall_busy="true"),
    ])
    w = watch(fake.path)
    w.up()
    assert w.now() == {
        "odd": {"name": "odd", "project": "", "state": "unknown", "health": "", "busy": False},
        "web": {"name": "web", "project": "", "state": "running", "health": "", "busy": False},
        "db": {"name": "db", "project": "", "state": "unknown", "health": "", "busy": False},
        "ok": {"name": "ok", "project": "p", "state": "running", "health": "healthy", "busy": True},
    }


def test_of_too_many_those_of_projects_are_kept(fake, watch):
    fake.list = answer([container(f"n{i:03}", "exited", "") for i in range(150)] +
                       [container(f"p{i:03}", "exited", "", hall_project="p") for i in range(20)])
    w = watch(fake.path)
    w.up()
    assert len(w.now()) == 128 and sum(c["project"] == "p" for c in w.now().values()) == 20


def health(word):
    return answer({"State": {"Status": "running", "Health": {"Status": word}}})


def test_health_is_inspected_where_the_list_is_silent(fake, watch):
    replies = {"sick": health("unhealthy"), "none": answer({"State": {"Health": None}}), "odd": answer(b"<html>"),
               "big": answer(b" " * 2_000_000), "gone": answer({"message": "no"}, 404), "new": health("starting"),
               "mad": health("wonderful")}
    containers = [container(name) for name in replies]
    ids = {c["Id"]: name for c, name in zip(containers, replies)}
    fake.list = answer(containers + [container("listed", status="Up 2 hours (unhealthy)"), container("off", "exited", "Exited (0)")])
    fake.inspect = lambda connection, path: replies[ids[path.split("/")[2]]]
    w = watch(fake.path)
    w.up()
    found = {name: (c["state"], c["health"]) for name, c in w.now().items()}
    assert found == {
        "sick": ("running", "unhealthy"), "none": ("running", ""), "odd": ("running", "unhealthy"), "big": ("running", "unhealthy"),
        "gone": ("removing", ""), "new": ("running", "starting"), "mad": ("running", "unhealthy"),
        "listed": ("running", "unhealthy"), "off": ("exited", ""),
    }
    none = next(c["Id"] for c in containers if c["Names"] == ["/none"])
    new = next(c["Id"] for c in containers if c["Names"] == ["/new"])
    replies["new"] = health("healthy")
    fake.say(event("health_status: healthy"))
    w.sees("new", health="healthy")
    assert fake.count(f"/containers/{none}") == 1  # it has no check and never will
    assert fake.count(f"/containers/{new}") >= 2


def test_events_in_pieces_garbage_and_beyond_all_size_lead_to_a_list(fake, watch):
    w = watch(fake.path)
    w.up()
    whole = event("start")
    says = {
        "halves": [whole[:10], whole[10:]],
        "bytes": [whole[i:i + 1] for i in range(len(whole))],
        "many": [whole * 50],
        "garbage": [b"\x00\xff{{{\n"],
        "wrong types": [b'{"Type":[],"Action":{}}\n'],
        "not an object": [b"[]\n"],
        "huge": [b"x" * 60000] * 5 + [b"\n"],
        "deep": [deep(3000) + b"\n"],
        "podman": [b'{"Type":"container","Action":"died"}\n'],
        "no type": [b'{"status":"start"}\n'],
    }
    for name, chunks in says.items():
        fake.list = answer([container(name.replace(" ", "-"))])
        fake.say(*chunks)
        w.sees(name.replace(" ", "-"))
    assert len(fake.streams) == 1 and all(v["up"] for v in w.views())


def test_a_half_event_and_the_end_of_the_stream(fake, watch):
    w = watch(fake.path)
    w.up()
    opened = time.monotonic()
    wait_until(lambda: time.monotonic() - opened > 2.2, 5)  # a stream that lived for a while
    fake.say(event()[:10])
    fake.list = answer([container("web")])
    fake.end_stream()
    w.sees("web")
    assert len(fake.streams) == 2 and all(v["up"] for v in w.views())


def test_a_crash_that_leaves_the_socket_behind(fake, folder, watch):
    fake.list = answer([container("web")])
    w = watch(fake.path)
    w.sees("web")
    mark = w.mark()
    fake.close()
    w.down("nobody listens", "start Docker", after=mark)
    mark = w.mark()
    fake.path.unlink()
    again = Fake(fake.path, [container("web")])
    try:
        w.sees("web", after=mark)
    finally:
        again.close()


def test_a_stream_that_always_ends_at_once_is_asked_for_ever_more_slowly(fake, watch):
    fake.events = STREAM + chunk(event()) + b"0\r\n\r\n"
    w = watch(fake.path)
    wait_until(lambda: fake.count("/events") >= 3, 60)
    first, _, third = fake.asked_at("/events")[:3]
    assert third - first >= 1.9  # it waits from the answer on, which came after this was noted
    fake.events = None
    w.up()


def test_nothing_is_asked_while_nothing_happens(fake, watch):
    w = watch(fake.path)
    w.up()
    before = len(fake.requests)
    for _ in range(20):
        fake.say(event("exec_create: sh -c true"), event("exec_start: sh"), event("exec_die"), event("create", "network"))
    quiet = time.monotonic() + 1.5
    wait_until(lambda: time.monotonic() > quiet, 5)
    assert fake.requests[before:] == []


def test_a_list_that_is_behind_its_events_is_taken_again(fake, watch):
    """Docker says "die" before its own list knows of it."""
    fake.list = answer([container("web")])
    w = watch(fake.path)
    w.sees("web", state="running")
    exited = answer([container("web", "exited", "Exited (0) 1 second ago")])
    late = iter([fake.list])
    fake.list = lambda connection, path: next(late, exited)
    before = fake.count("/containers/json")
    fake.say(event("die"))
    w.sees("web", limit=30, state="exited")
    assert fake.count("/containers/json") - before >= 2


def test_a_flood_of_events_does_not_become_a_flood_of_lists(fake, watch):
    w = watch(fake.path)
    w.up()
    before, start = fake.count("/containers/json"), time.monotonic()
    while time.monotonic() < start + 2 or fake.count("/containers/json") < before + 2:
        assert time.monotonic() < start + 60, "no list is taken while events come"
        fake.say(event() * 100)
    fake.list = answer([container("last")])
    fake.say(event())
    w.sees("last")
    lists = fake.count("/containers/json") - before
    assert lists <= 1 + (time.monotonic() - start) / 0.49, "half a second lies between two"


# --- commands to it ---

def shop():
    return [container("web", hall_project="shop", **compose("shop", "web", "db")),
            container("db", hall_project="shop", **compose("shop", "db"))]


def ids():
    return {c["Id"]: c["Names"][0][1:] for c in shop()}


def steps(fake):
    return [(ids()[id], verb) for id, verb in (post.split("/") for post in fake.posts())]


FAILURES = {
    "gone": (answer({"message": "No such container"}, 404), "gone"),
    "conflict": (answer({"message": "it is paused"}, 409), "it is paused (409)"),
    "error": (answer({"message": "port is already allocated"}, 500), "port is already allocated (500)"),
    "not json": (answer(b"\xff<html>", 500), "(500)"),
    "cut": (b"HTTP/1.1 204", "gave no answer"),
    "huge": (answer(b"x" * 2_000_000, 500), "gave no answer"),
}


@pytest.mark.parametrize("which", FAILURES)
def test_a_start_that_fails_ends_there_and_says_why(fake, watch, which):
    fake.list = answer(shop())
    fake.command, words = FAILURES[which]
    w = watch(fake.path)
    w.up()
    said = w.done(w.ask("start", "shop"))
    assert not said["ok"] and words in said["reason"] and "db" in said["reason"]
    assert steps(fake) == [("db", "start")]
    fake.command = answer(b"", 304)
    w.carry_out("start", "shop")
    assert steps(fake)[1:] == [("db", "start"), ("web", "start")]


def test_a_stop_goes_on_in_reverse_and_tells_the_first_failure(fake, watch):
    fake.list = answer(shop())
    fake.command = answer({"message": "cannot kill"}, 500)
    w = watch(fake.path)
    w.up()
    said = w.done(w.ask("stop", "shop"))
    assert not said["ok"] and "web" in said["reason"] and "cannot kill" in said["reason"]
    assert steps(fake) == [("web", "stop"), ("db", "stop")]
    fake.command = answer({"message": "No such container"}, 404)  # gone is stopped
    w.carry_out("stop", "shop")


def test_a_slow_command_keeps_its_containers_and_no_others(fake, watch):
    gate = threading.Event()
    fake.list = answer(shop() + [container("lone", hall_project="other")])
    lone = container("lone")["Id"]
    fake.command = lambda connection, path: (lone in path or gate.wait(60)) and answer(b"", 204)
    w = watch(fake.path)
    w.up()
    request = w.ask("start", "shop")
    wait_until(lambda: fake.posts(), 60)
    assert w.refused("stop", "shop") == "EBUSY"
    assert w.refused("restart", "", "db") == "EBUSY"
    w.carry_out("restart", "other")
    gate.set()
    assert w.done(request)["ok"]


def test_the_engine_goes_in_the_middle_of_a_command(fake, watch):
    fake.list = answer(shop())
    held = []
    fake.command = lambda connection, path: held.append(connection) or time.sleep(0.2) or b""
    w = watch(fake.path)
    w.up()
    said = w.done(w.ask("start", "shop"))
    assert not said["ok"] and "gave no answer" in said["reason"]


def test_the_watcher_ends_in_the_middle_of_everything(fake, watch):
    gate = threading.Event()
    fake.list = answer(shop())
    fake.command = lambda connection, path: gate.wait(60) and b""
    w = watch(fake.path)
    w.up()
    w.ask("start", "shop")
    wait_until(lambda: fake.posts(), 60)
    fake.list = lambda connection, path: gate.wait(60) and b""
    fake.say(event())
    wait_until(lambda: fake.count("/containers/json") >= 2, 60)
    w.talker.popen.stdin.close()
    w.talker.popen.wait(60)
    gate.set()


@pytest.mark.parametrize("make", ["nothing", "file", "folder"])
def test_no_socket_there(folder, watch, make):
    path = folder / "s"
    if make == "file":
        path.touch()
    elif make == "folder":
        path.mkdir()
    w = watch(path)
    w.down("start Docker", "docker.socket", str(path))
    if make != "nothing":
        path.rmdir() if make == "folder" else path.unlink()
    fake = Fake(path)
    try:
        w.up()
    finally:
        fake.close()
