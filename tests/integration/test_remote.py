"""Servers without an agent: put to sleep by a real ssh and by a webhook, and silent or not all the same."""

import http.server
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from conftest import Worlds
from helpers import (awake, command, events, reload, result, results, simple_servers, wait_event,
                     wait_state, wait_status)
from process import Process, wait_until
from sshd import Sshd

SECRET = "Bearer of-nobodys-business"


def children(pid):
    """Of a process, by /proc: what ssh and its like leave behind would be here."""
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
            found += file.read().split()
    return found


class Hooks(http.server.ThreadingHTTPServer):
    """Answers as it is told to, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Hook)
        self.asked, self.answer, self.then = [], 204, lambda: None
        self.url = f"http://127.0.0.1:{self.server_address[1]}/nas/sleep?really=yes"
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, request, client_address):
        pass


class Hook(http.server.BaseHTTPRequestHandler):
    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, dict(self.headers), body.decode()))
        self.server.then()
        if self.server.answer is None:  # cut without a word
            self.close_connection = True
            return
        self.send_response(self.server.answer)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_PUT = do_GET = handle_any

    def log_message(self, format, *args):
        pass


class Nas:
    """One world whose server has no agent; each test says how it is put to sleep."""

    def __init__(self, make_world, tmp_path_factory):
        self.world = make_world(start=False, namespaces=True, servers=simple_servers("erp"), boot_s=0.4)
        self.hall = self.world.hall
        environment = self.hall.environment()
        self.hall.environment = lambda: {**environment, "HALL_SECRET_NAS": SECRET}
        server = self.hall.config["servers"]["erp"]
        site = self.world.described["erp"]["sites"][0]
        server["checks"] = [{"ping": {}}, {"http": {"url": self.world.upstream(self.world.described["erp"], site) + "/health"}}]
        server["sleep"] = {"via": "none", "min_up": "0s"}
        self.hall.write(self.hall.config)
        self.world.start()
        self.bus = self.world.bus()
        self.sim = self.world.sims["erp"]
        self.sim.tell("agent off")
        self.directory = tmp_path_factory.mktemp("sshd")
        self.sshd = Sshd(self.directory / "sshd", self.sim.pid)
        self.hooks = Hooks()

    def sleeps(self, timeout="20s", **sleep):
        def change(config):
            config["servers"]["erp"]["sleep"] = {"min_up": "0s", "timeout": timeout, **sleep}

        reload(self.world, self.bus, change)
        awake(self.bus, "erp")

    def by_ssh(self, timeout="20s", mode="suspend", **settings):
        self.sleeps(timeout, via="ssh", mode=mode, ssh=self.sshd.settings(**settings))

    def by_webhook(self, timeout="20s", **settings):
        self.sleeps(timeout, via="webhook", webhook={"url": self.hooks.url, **settings})

    def refused(self, action="sleep"):
        """The reason it gives."""
        id, mark = command(self.bus, "erp", action)
        reason = result(self.bus, "erp", id, "refused", mark)["reason"]
        wait_state(self.bus, "erp", "ready")
        return reason

    def fails(self, then=lambda: None):
        """Asked, accepted, and awake all the same: the reason, and the problem that is shown."""
        id, mark = command(self.bus, "erp", "sleep")
        result(self.bus, "erp", id, "accepted", mark, 60)
        then()
        reason = result(self.bus, "erp", id, "failed", mark, 60)["reason"]
        assert wait_event(self.bus, "erp", "sleep_failed", mark)["detail"] == reason
        shown = wait_status(self.bus, "erp", lambda s: s["problem"] and s["state"] == "ready")["problem"]
        assert reason in shown
        return reason

    def file(self, name):
        return self.sshd.directory / name

    def gone(self):
        """The silence was real; the simulated server learns of it."""
        wait_state(self.bus, "erp", "off", 60)
        self.sim.tell("crash")

    def close(self):
        self.sshd.close()
        self.hooks.shutdown()
        self.hooks.server_close()


@pytest.fixture(scope="module")
def nas(binary, tmp_path_factory):
    worlds = Worlds(binary, tmp_path_factory)
    nas = None
    try:
        nas = Nas(worlds, tmp_path_factory)
        yield nas
    finally:
        if nas:
            nas.close()
        worlds.close()


def vanish(file, pid):
    """What a machine that suspends at once looks like to ssh: it says nothing any more."""
    return f"echo $$ > {pid}; echo asked > {file}; ip -4 addr flush dev eth0; exec sleep 60"


def test_a_server_that_suspends_under_the_connection_was_asked_not_lost(nas):
    nas.by_ssh(suspend=vanish(nas.file("asked"), nas.file("a.pid")))
    id, mark = command(nas.bus, "erp", "sleep")
    accepted = result(nas.bus, "erp", id, "accepted", mark, 60)
    nas.gone()
    assert result(nas.bus, "erp", id, "done", mark)
    assert accepted["reason"] in (None, "") and nas.file("asked").read_text() == "asked\n"
    assert events(nas.bus, "erp", "sleep_failed", mark) == events(nas.bus, "erp", "unreachable", mark) == []
    assert wait_event(nas.bus, "erp", "asleep", mark)


def test_a_connection_closed_by_the_host_was_asked_too(nas):
    """As poweroff looks: sshd is ended, then the machine."""
    nas.by_ssh(mode="poweroff", poweroff=f"touch {nas.file('off')}; ip -4 addr flush dev eth0 & kill -KILL $PPID")
    id, mark = command(nas.bus, "erp", "sleep")
    result(nas.bus, "erp", id, "accepted", mark, 60)
    nas.gone()
    result(nas.bus, "erp", id, "done", mark)
    assert nas.file("off").exists()


def test_restart(nas):
    nas.by_ssh(restart=vanish(nas.file("again"), nas.file("b.pid")))
    id, mark = command(nas.bus, "erp", "restart")
    result(nas.bus, "erp", id, "accepted", mark, 60)
    wait_until(nas.file("again").exists, 60, "the command")
    nas.sim.tell("crash")
    result(nas.bus, "erp", id, "done", mark, 60)
    wait_state(nas.bus, "erp", "ready")


@pytest.mark.parametrize(("changes", "words"), [
    (lambda s: {"host_key": s.other_host_key}, "Host key verification failed"),
    (lambda s: {"key": str(s.other_key)}, "Permission denied (publickey)"),
    (lambda s: {"user": "nobody"}, "Permission denied (publickey)"),
    (lambda s: {"port": 1}, "Connection refused"),
    (lambda s: {"key": str(s.directory / "none")}, "cannot be read: No such file"),
    (lambda s: {"key": str(s.directory / "user.pub")}, "is open to others: chmod 600"),
    (lambda s: {"suspend": "echo 'no right to' >&2; echo more >&2; exit 3"}, "failed with status 3: no right to"),
    (lambda s: {"suspend": "no-such-program-at-all"}, "failed with status 127: "),
], ids=["wrong host key", "wrong user key", "wrong user", "nobody there", "no key", "open key", "status", "no program"])
def test_ssh_refused_by_name(nas, changes, words):
    nas.by_ssh(**{"suspend": f"touch {nas.file('never')}", **changes(nas.sshd)})
    assert words in nas.refused()
    assert not nas.file("never").exists()


def test_a_host_that_accepts_and_says_nothing(nas, tmp_path):
    mute = "import socket; s = socket.create_server(('', 2)); print('listening', flush=True); c = s.accept(); s.accept()"
    listener = Process(["nsenter", "-t", str(nas.sim.pid), "-n", sys.executable, "-c", mute], tmp_path / "mute.log")
    try:
        wait_until(lambda: "listening" in listener.log_text(), 60, "the listener")
        nas.by_ssh(port=2)
        reason = nas.refused()
        assert reason.startswith("ssh did not log in: ") and "timed out" in reason
    finally:
        listener.kill()


def test_a_command_that_hangs_is_ended_and_the_server_seen_awake(nas):
    nas.by_ssh(timeout="10s", suspend=f"echo $$ > {nas.file('c.pid')}; exec sleep 600")
    assert nas.fails() == "it was asked, but still answers after 10 s"
    wait_until(lambda: children(nas.hall.process.pid) == [], 60, "ssh ended")


def test_ssh_accepted_but_stays_awake(nas):
    nas.by_ssh(timeout="2s", suspend="true")
    assert nas.fails() == "it was asked, but still answers after 2 s"


def test_a_late_failure_is_told(nas):
    """The command was taken for accepted, and then failed."""
    over = nas.file("late")
    nas.by_ssh(suspend=f"until [ -e {over} ]; do sleep 0.1; done; echo too late >&2; exit 4")
    assert nas.fails(over.touch) == "the command by ssh failed with status 4: too late"


def test_what_was_asked_outlives_a_new_configuration(nas):
    over = nas.file("outlived")
    nas.by_ssh(suspend=f"until [ -e {over} ]; do sleep 0.1; done; echo after all >&2; exit 7")
    id, mark = command(nas.bus, "erp", "sleep")
    result(nas.bus, "erp", id, "accepted", mark, 60)
    reload(nas.world, nas.bus, lambda config: config.update(timezone="Europe/Berlin"))
    over.touch()
    assert result(nas.bus, "erp", id, "failed", mark)["reason"] == "the command by ssh failed with status 7: after all"


def test_webhook_restarts(nas):
    nas.hooks.answer, nas.hooks.asked, nas.hooks.then = 200, [], lambda: nas.sim.tell("crash")
    nas.by_webhook(restart_url=nas.hooks.url.replace("sleep", "restart"), restart_body="again", body="sleep")
    id, mark = command(nas.bus, "erp", "restart")
    result(nas.bus, "erp", id, "done", mark, 60)
    [(method, path, _, body)] = nas.hooks.asked
    assert (method, path, body) == ("POST", "/nas/restart?really=yes", "again")
    wait_state(nas.bus, "erp", "ready")


def test_webhook_puts_to_sleep(nas):
    nas.hooks.answer, nas.hooks.asked = 202, []
    nas.hooks.then = lambda: nas.sim.tell("crash")
    nas.by_webhook(method="PUT", body='{"do":"sleep"}', expect=[200, "202-204"],
                   headers={"Authorization": {"secret": "HALL_SECRET_NAS"}, "Content-Type": {"value": "application/json"}})
    id, mark = command(nas.bus, "erp", "sleep")
    result(nas.bus, "erp", id, "accepted", mark)
    wait_state(nas.bus, "erp", "off", 60)
    result(nas.bus, "erp", id, "done", mark)
    [(method, path, headers, body)] = nas.hooks.asked
    assert (method, path, body) == ("PUT", "/nas/sleep?really=yes", '{"do":"sleep"}')
    assert headers["Authorization"] == SECRET and headers["Content-Type"] == "application/json"
    assert len(results(nas.bus, "erp", id)) == 2


@pytest.mark.parametrize(("answer", "words"), [
    (403, "the webhook answered 403, which is not expected"), (302, "answered 302"), (500, "answered 500")])
def test_webhook_refused_by_name(nas, answer, words):
    nas.hooks.answer, nas.hooks.asked, nas.hooks.then = answer, [], lambda: None
    nas.by_webhook()
    assert words in nas.refused()
    assert [asked[0] for asked in nas.hooks.asked] == ["POST"]


def test_webhook_not_there(nas):
    nas.sleeps(via="webhook", webhook={"url": "http://127.0.0.1:1/"})
    assert "the webhook could not be asked: Couldn't connect" in nas.refused()
    assert nas.refused("restart") == "no sleep.webhook.restart_url is configured"


def test_webhook_accepted_but_stays_awake(nas):
    nas.hooks.answer, nas.hooks.then = 204, lambda: None
    nas.by_webhook(timeout="2s")
    assert nas.fails() == "it was asked, but still answers after 2 s"


def test_webhook_cut_without_an_answer_was_asked(nas):
    nas.hooks.answer, nas.hooks.then = None, lambda: nas.sim.tell("crash")
    nas.by_webhook()
    id, mark = command(nas.bus, "erp", "sleep")
    wait_state(nas.bus, "erp", "off", 60)
    result(nas.bus, "erp", id, "done", mark)


def test_secrets_are_in_no_log_and_on_no_topic(nas):
    assert SECRET.split()[1] not in nas.hall.log_text()
    assert not any(SECRET.split()[1] in message.text() for message in nas.bus.messages)


def test_a_secret_that_is_not_set_is_an_error_of_the_configuration(nas, binary):
    nas.by_webhook(headers={"Authorization": {"secret": "HALL_SECRET_NAS"}})
    environment = {k: v for k, v in nas.hall.environment().items() if k != "HALL_SECRET_NAS"}
    done = subprocess.run([binary, "--config", nas.hall.file, "--check"], env=environment, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 1
    assert ('/servers/erp/sleep/webhook/headers/Authorization/secret: found "HALL_SECRET_NAS", which is not set; '
            "allowed: a variable that is set in the environment file") in done.stderr


@pytest.mark.parametrize("goes, how", [(True, "killed"), (False, "killed"), (True, "stopped"), (False, "stopped")],
                         ids=["it goes-killed", "it stays-killed", "it goes-stopped", "it stays-stopped"])
def test_its_time_ends_while_hall_is_away(nas, goes, how):
    nas.by_ssh(timeout="3s", suspend="true")
    asked = nas.sim.mark()
    if how == "stopped":  # over a question that is open, and is answered meanwhile
        nas.sim.tell("hold on")
        nas.sim.wait("asked", 60, asked)
    id, mark = command(nas.bus, "erp", "sleep")
    result(nas.bus, "erp", id, "accepted", mark, 60)
    over = time.monotonic() + 14  # past the look of ten seconds that a reload begins, and what one that stood still does not notice
    if how == "killed":
        nas.hall.kill()
    else:
        nas.hall.process.signal(signal.SIGSTOP)
        nas.sim.tell("hold off")
        nas.sim.wait("answered", 60, asked)
    if goes:
        nas.sim.tell("crash")
    wait_until(lambda: time.monotonic() > over, 60, "its time to be over")
    again = nas.bus.mark()
    if how == "killed":
        nas.hall.start()
    else:
        nas.hall.process.signal(signal.SIGCONT)
    result(nas.bus, "erp", id, "done" if goes else "failed", mark, 60)
    wait_state(nas.bus, "erp", "off" if goes else "ready", 60)
    assert [r["outcome"] for r in results(nas.bus, "erp", id)] == ["accepted", "done" if goes else "failed"]
    assert not events(nas.bus, "erp", "unreachable", again)
