"""What the agent takes for work that must not be cut, with nothing said of it in its file: real programs, a real tmux, a real lock.
The agent sees the processes of a namespace of its own, because this machine has other work."""

import os
import signal
from pathlib import Path

import pytest
from helpers import name_of, words_of
from process import Process, wait_until
from test_agent import Place, agent_binary, refused  # noqa: F401

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")
# What is measured of the machine as a whole is other tests' too.
ALONE = {"connections": False, "processor": 0, "network": "off", "disk": "off"}
DEFAULTS = {check: None for check in ("copies", "packages", "terminals", "jobs", "guests", "execs", "shares")}


def children(pid):
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


class Room:
    """A process namespace with its /proc, and folders of its own in place of the machine's."""

    def __init__(self, directory):
        self.directory, self.started = directory, []
        packages = directory / "dpkg"
        packages.mkdir()
        self.lock = packages / "lock-frontend"
        self.lock.touch()
        script = f"mount --bind {packages} /var/lib/dpkg && exec sleep 600"
        self.holder = Process(["unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "sh", "-c", script],
                              directory / "room.log")
        wait_until(lambda: [name_of(pid) for pid in children(self.holder.pid)] == ["sleep"], 15, "a namespace")
        self.first = children(self.holder.pid)[0]

    @property
    def sight(self):
        """In front of a program that sees these processes, but is none of them."""
        return ["nsenter", f"--mount=/proc/{self.first}/ns/mnt"]

    def run(self, *argv, name):
        """Starts it inside and waits until it is what it is to be; gives its pid outside."""
        entering = Process(["nsenter", f"--target={self.first}", "--pid", "--mount", *argv], self.directory / "inside.log")
        self.started.append(entering)
        wait_until(lambda: [(name_of(pid), words_of(pid)) for pid in children(entering.pid)] == [(name, list(argv))], 60, name)
        return children(entering.pid)[0]

    def must(self, *argv):
        done = Process(["nsenter", f"--target={self.first}", "--pid", "--mount", *argv], self.directory / "inside.log")
        assert done.popen.wait(60) == 0, done.log_tail()

    def close(self):
        self.holder.kill()
        for process in self.started:
            process.kill()


@pytest.fixture
def room(tmp_path):
    room = Room(tmp_path)
    yield room
    room.close()


@pytest.fixture
def place(agent_binary, open_path):  # noqa: F811
    """Other users come as far as an agent's file."""
    place = Place(agent_binary, open_path)
    yield place
    place.close()


@pytest.fixture(autouse=True)
def killed(place):
    """At an end in good order a sanitizer would look for leaks by /proc, in which these agents do not stand."""
    yield
    for agent in place.agents:
        agent.process.kill()


@pytest.fixture
def agent(place, room):
    agent = place.agent(start=False, prefix=room.sight, activity={**DEFAULTS, **ALONE})
    agent.start().wait_report(lambda report: report["vetoes"] == [], what="a report without vetoes")
    return agent


def held(room, *argv, name):
    """It reads what nobody writes, for as long as the test wants."""
    pipe = room.directory / "pipe"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDWR)
    return room.run(*[word.replace("PIPE", str(pipe)) for word in argv], name=name), end


@pytest.mark.parametrize("argv, name", [
    (["dd", "if=PIPE", "of=/dev/null"], "dd"),
    (["tar", "-x", "-f", "PIPE"], "tar"),
])
def test_a_program_that_copies(agent, room, argv, name):
    pid, end = held(room, *argv, name=name)
    answer = refused(agent, f"copies: {name} runs")
    assert answer["veto_facts"] == [{"code": "veto.copy", "name": name}]
    os.kill(pid, signal.SIGKILL)
    os.close(end)
    wait_until(lambda: name_of(pid) is None, 10, f"{name}'s end")
    agent.order(outcome="accepted")


def test_rsync_by_its_name(agent, room):
    """A program that is called so, where no rsync is installed."""
    program = room.directory / "rsync"
    program.symlink_to("/usr/bin/python3")
    pid = room.run(str(program), "-c", "import time; time.sleep(600)", name="rsync")
    refused(agent, "copies: rsync runs")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: name_of(pid) is None, 10, "its end")
    agent.order(outcome="accepted")


HOLD = "import fcntl, sys, time; f = open(sys.argv[1], 'w'); fcntl.lockf(f, fcntl.LOCK_EX); open(sys.argv[2], 'w').close(); time.sleep(600)"


def test_a_locked_package_manager(agent, room):
    taken = room.directory / "taken"
    pid = room.run("/usr/bin/python3", "-c", HOLD, str(room.lock), str(taken), name="python3")
    wait_until(taken.exists, 15, "the lock")
    answer = refused(agent, "packages: /var/lib/dpkg/lock-frontend is locked")
    assert answer["veto_facts"] == [{"code": "veto.package_lock", "file": "/var/lib/dpkg/lock-frontend"}]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: name_of(pid) is None, 10, "its end")
    agent.order(outcome="accepted")


def in_tmux(room):
    """What runs in its terminals, each by the words it was started with."""
    servers = [pid for pid in children(room.first) if name_of(pid) == "tmux: server"]
    return sorted(words_of(pid) for server in servers for pid in children(server))


def test_a_job_in_a_detached_tmux(agent, room):
    """tmux has answered before the shell that it started has become what it was told to be."""
    tmux = ["tmux", "-S", str(room.directory / "tmux"), "-f", "/dev/null"]
    room.must(*tmux, "new-session", "-d", "-s", "work", "exec sleep 600")
    wait_until(lambda: in_tmux(room) == [["sleep", "600"]], 60, "the job")
    answer = refused(agent, "terminals: sleep runs in tmux")
    assert answer["veto_facts"] == [{"code": "veto.terminal", "name": "sleep", "in": "tmux"}]
    room.must(*tmux, "new-session", "-d", "-s", "idle", "exec sh")
    room.must(*tmux, "kill-session", "-t", "work")
    wait_until(lambda: in_tmux(room) == [["sh"]], 60, "the job's end, and the shell")
    agent.wait_report(lambda report: report["vetoes"] == [], agent.bus.mark(), 60, "a report without vetoes")
    agent.order(outcome="accepted")
    room.must(*tmux, "kill-server")


def test_a_guest(agent, room):
    program = room.directory / "qemu-system-x86_64"
    program.symlink_to("/usr/bin/python3")
    room.run(str(program), "-c", "import time; time.sleep(600)", "-name", "guest=nas,debug-threads=on", name="qemu-system-x86")
    assert refused(agent, "guests: nas runs (qemu)")["veto_facts"] == [{"code": "veto.guest", "name": "nas", "kind": "qemu"}]


def test_what_the_owner_lets_pass(place, room):
    agent = place.agent(start=False, prefix=room.sight, activity={**DEFAULTS, **ALONE, "ignore": ["dd"]})
    agent.start()
    _, end = held(room, "dd", "if=PIPE", "of=/dev/null", name="dd")
    agent.order(outcome="accepted")
    os.close(end)


def hidden(room, agent_user_id):
    """The agent is another user, and /proc hides from it what is not its own."""
    room.must("mount", "-t", "proc", "-o", "hidepid=2", "proc", "/proc")
    return [*room.sight, "setpriv", f"--reuid={agent_user_id}", f"--regid={agent_user_id}", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]


@pytest.mark.parametrize("unseen", [False, True], ids=["a veto", "unless the owner allows it"])
def test_hidden_processes(place, room, unseen):
    checks = ["copies", "packages", "terminals", "guests", "execs", "shares"]
    activity = {**DEFAULTS, **ALONE, **({"unseen": checks} if unseen else {})}
    agent = place.agent(start=False, prefix=hidden(room, 65534), activity=activity)
    agent.start()
    if unseen:
        agent.order(outcome="accepted")
        return
    answer = refused(agent, "copies: not known: the processes of others are hidden")
    assert sorted(f["veto"] for f in answer["veto_facts"]) == sorted(checks)
    assert {f["cause"]["code"] for f in answer["veto_facts"]} == {"look.hidden"}


def test_a_busy_processor(place, room):
    agent = place.agent(start=False, prefix=room.sight, activity={**ALONE, "processor": 0.5, "sustained": "2s"})
    room.run("sh", "-c", "while :; do :; done", name="sh")
    agent.start()
    agent.wait_report(lambda report: any(f["code"] == "veto.processor" and f["load"] >= 0.5 for f in report["veto_facts"]), limit=20)
    refused(agent, "processor: a load of ")
