"""Projects: Hall, the real agent and a real Docker engine in a server's network namespace. What the server is to the
network is simulated: it is silent while it sleeps, and a magic packet brings it up."""
import copy
import json
import os
import re
import shutil
import signal
import subprocess
import threading

import pytest
from helpers import (barrier, configured, events, hall_event, instant, leases, reload, state_of, status, topic, wait_event,
                     wait_lease, wait_no_lease, wait_state, wait_status)
from logind import SystemBus
from process import wait_until
from test_agent import HELD, Agent, agent_binary  # noqa: F401 (a fixture)
from test_docker import Engine
from test_hallctl import Ctl
from world import BROWSER

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces and a Docker engine need root")

STAGES = ["packet_sent", "first_sign", "agent_online", "docker_up", "container_present", "container_healthy", "site_answers"]
SERVER = {
    "testing": {
        "name": "Testing", "number": 20, "mac": "02:00:5e:10:00:20", "domain": "testing.localhost",
        "sites": [
            {"id": "client1", "title": "Client 1", "path": "/client1", "port": 8081, "containers": ["client1-web", "client1-db"]},
            {"id": "client2", "title": "Client 2", "path": "/client2", "port": 8082, "containers": ["client2-web"]},
        ],
    },
}


class Server:
    """A machine: a namespace with a card, Docker in it, and an agent that is started when it has booted."""

    def __init__(self, world, binary, directory):
        self.world, self.asleep = world, True
        self.sim = world.add_sim("testing", agent=False, sites=[])
        inside = ["nsenter", f"--net=/proc/{self.sim.pid}/ns/net"]
        self.system = SystemBus(directory)
        self.engine = Engine(inside)
        self.agent = Agent(binary, directory, world.broker, self.system.address, prefix=inside,
                           docker={"socket": str(self.engine.socket)}, activity={"sessions": True},
                           mqtt={"url": f"mqtt://{world.lan.gateway}:{world.broker.port}"})

    def start(self):
        self.system.start()
        (self.engine.folder / "flags").mkdir()
        self.engine.start()
        self.engine.load_image()

    def create(self):
        self.engine.create("client1-web", "until test -e /flags/open; do sleep 0.1; done; exec busybox httpd -f -p 8081 -h /flags",
                           health="test -e /flags/well", late=True)
        self.engine.create("client1-db")
        self.engine.create("client2-web", "busybox httpd -f -p 8082 -h /flags")

    def come(self):
        """The packet has come: it boots, or goes on where it was."""
        self.sim.wait("stage", 20, where=lambda e: e["stage"] == "network", after=self.mark)
        if self.agent.process is None:
            self.agent.start(wait=False)
        else:
            self.agent.process.signal(signal.SIGCONT)
            self.system.going(False)
        self.asleep = False

    def watch(self):
        self.mark = self.sim.mark()

    def fall_asleep(self, n):
        """As logind does: it tells, waits for whoever holds it, and then the machine stands still."""
        wait_until(lambda: len(self.system.calls("Suspend")) == n, 40, "Suspend")
        self.system.going(True)
        wait_until(lambda: HELD not in self.system.inhibitors(), 10, "the agent to let go")
        self.agent.process.signal(signal.SIGSTOP)
        self.sim.tell("crash")
        self.asleep = True

    def state(self, name):
        return self.engine.inspect(name)["State"]["Status"]

    def close(self):
        try:
            if self.agent.process:
                self.agent.process.signal(signal.SIGCONT)
            self.agent.close()
        finally:
            self.engine.close()
            self.system.stop()


@pytest.fixture
def server(make_world, agent_binary, tmp_path):  # noqa: F811
    made = []

    def make(change=None, **options):
        def lay(servers, domains):
            servers["testing"]["checks"] = [{"ping": {}}, {"agent": {}}]
            if change:
                change(domains["testing.localhost"]["projects"])

        world = configured(make_world, lay, start=False, servers=SERVER, namespaces=True, **options)
        world.broker.start()
        made.append(Server(world, agent_binary, tmp_path))
        made[0].start()
        world.hall.start()
        made[0].bus = world.bus()
        wait_state(made[0].bus, "testing", "off", 60)
        return made[0]

    yield make
    for one in made:
        one.close()


def visit(server, path="/client1/page"):
    return server.world.hall.auth(path, headers=BROWSER).status


def project(server, id):
    return server.bus.last(f"hall/projects/{id}/status").json()


def wait_project(server, id, state, limit=40.0):
    """In both of its topics: which is told first is open."""
    wait_until(lambda: server.bus.last(f"hall/projects/{id}/state").text() == state == project(server, id)["state"], limit,
               f"{id} {state}")


def wait_problem(server, id, *words, limit=30.0):
    wait_until(lambda: all(w in (project(server, id)["problem"] or "") for w in words), limit,
               f"{words} in {project(server, id)['problem']}")


class Visitor(threading.Thread):
    """Who visits that path twice a second, whatever takes its time meanwhile, and what he is answered."""

    def __init__(self, server, path):
        super().__init__(daemon=True)
        self.server, self.path, self.answers, self.over = server, path, [], threading.Event()

    def run(self):
        while not self.over.is_set():
            self.answers.append(visit(self.server, self.path))
            self.over.wait(0.5)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


def order(server, id, action, **words):
    """A command to a project; its answers."""
    mark = server.bus.mark()
    server.bus.publish(f"hall/projects/{id}/command", {"action": action, "id": f"{action}-{mark}", **words})

    def answers():
        return [m.json() for m in server.bus.heard(f"hall/projects/{id}/result", mark)]

    wait_until(lambda: any(a["outcome"] in ("refused", "done", "failed") for a in answers()), 60, f"the end of {action}")
    return answers()


def page(server, path="/client1/page"):
    """What the waiting page of that path is told."""
    return server.world.hall.get(f"/.hall/status?path={path}", {"Accept-Language": "en"}, host="testing.localhost").json()


def test_the_full_cycle(server):
    """Visit, wake, boot, containers start, become healthy, site; idle, containers stop, sleep, goodbye, silence. Then
    the other project, after a resume."""
    s = server(lambda projects: projects["client1"].update(idle_stop="3s"), idle="10s")
    s.create()
    s.watch()
    assert visit(s) == 503
    s.bus.wait_text(topic("testing", "state"), "waking")
    s.come()
    wait_project(s, "client1", "starting")
    wait_until(lambda: s.state("client1-web") == "running" and s.state("client1-db") == "running", 30, "the containers")
    wait_state(s.bus, "testing", "ready", 60)
    assert visit(s) == 503

    def awaits_health():  # Docker runs it before Hall hears of it
        now = page(s)
        return now["state"] == "ready" and [x["name"] for x in now["stages"] if x["status"] == "now"] == ["container_healthy"]

    wait_until(awaits_health, 20, "the page to wait for the container's health")
    s.engine.flag("well").touch()
    wait_event(s.bus, "testing", "stage", stage="container_healthy", limit=30)
    s.engine.flag("open").touch()
    wait_project(s, "client1", "ready")
    assert visit(s) == 200
    told = project(s, "client1")
    assert sorted((c["name"], c["state"], c["health"]) for c in told["containers"]) == [
        ("client1-db", "running", None), ("client1-web", "running", "healthy")]
    assert told["visits"] == 1 and told["last_visit"] and told["problem"] is None
    assert [e["stage"] for e in events(s.bus, "testing", "stage")] == STAGES
    assert s.bus.last("hall/projects/client2/state").text() == "stopped" and s.state("client2-web") == "created"
    orders = [m.json() for m in s.agent.bus.heard(s.agent.topic("command"))]
    assert [(o["action"], o["project"], o["containers"]) for o in orders] == [
        ("start", "client1", ["client1-web", "client1-db"])]
    mark = s.bus.mark()
    wait_project(s, "client1", "stopped")
    wait_until(lambda: s.state("client1-web") == s.state("client1-db") == "exited", 20, "the containers to end")
    s.agent.wait_state("sleeping", limit=60)
    s.fall_asleep(1)
    wait_state(s.bus, "testing", "off", 60)
    wait_event(s.bus, "testing", "asleep")
    said = [(m.topic, m.text()) for m in s.bus.messages[mark:]]
    first = next(i for i, (_, text) in enumerate(said) if text == "sleeping")
    assert ("hall/projects/client1/state", "stopped") in said[:first], "the containers were stopped while the server was up"
    s.watch()
    assert visit(s, "/client2/") == 503
    s.come()
    assert s.sim.count("boot") == 2
    wait_project(s, "client2", "ready")
    assert visit(s, "/client2/") == 200
    assert s.state("client1-web") == "exited" and project(s, "client1")["visits"] == 1
    assert s.bus.last("hall/projects/client1/state").text() == "stopped"


def awake(server):
    """Its server is up and held."""
    server.watch()
    server.bus.publish(topic("testing", "hold") + "/test", {"for": "2h", "reason": "a test"})
    server.come()
    wait_state(server.bus, "testing", "ready", 60)


def test_projects_beside_each_other_and_what_ails_them(server, tmp_path):
    """Commands, a broken one beside a good one, a container that vanishes, a health check that fails, Docker that stops."""
    s = server()
    s.create()
    s.engine.flag("well").touch()
    s.engine.flag("open").touch()
    assert order(s, "client1", "stop")[-1]["outcome"] == "done"  # its server is off
    assert order(s, "client1", "restart")[-1]["outcome"] == "refused"
    awake(s)
    wait_project(s, "client1", "stopped")
    answers = order(s, "client1", "start", by="tester")
    assert [a["outcome"] for a in answers] == ["accepted", "done"] and answers[1]["by"] == "tester"
    assert visit(s) == 200 and s.state("client2-web") == "created"
    again = {"action": "start", "id": answers[0]["id"]}
    mark = s.bus.mark()
    s.bus.publish("hall/projects/client1/command", again)  # from memory
    assert s.bus.wait("hall/projects/client1/result", after=mark).json()["outcome"] == "done"
    started = s.engine.inspect("client1-web")["State"]["StartedAt"]
    # Only containers start: stages from the visit, and those of the wake are not shown.
    assert visit(s, "/client2/") == 503
    wait_project(s, "client2", "ready")
    assert visit(s, "/client2/") == 200
    # Health fails, and the site answers: it is told, and visitors are let in.
    s.engine.flag("well").unlink()
    wait_project(s, "client1", "unhealthy")
    wait_problem(s, "client1", "client1-web is unhealthy")
    assert visit(s) == 200 and visit(s, "/client2/") == 200
    s.engine.flag("well").touch()
    wait_project(s, "client1", "ready")
    assert project(s, "client1")["problem"] is None
    # A container vanishes.
    s.engine.remove("client2-web")
    wait_project(s, "client2", "missing")
    wait_problem(s, "client2", "client2-web is not on the server", "create it")
    assert visit(s) == 200 and state_of(s.bus, "testing") == "ready"
    wait_until(lambda: visit(s, "/client2/") == 503, 30, "its site to be found gone")
    wait_until(lambda: "client2-web" in page(s, "/client2/")["message"], 20, "the page to name it")
    s.engine.create("client2-web", "busybox httpd -f -p 8082 -h /flags")
    assert visit(s, "/client2/") == 503
    wait_project(s, "client2", "ready")
    # Restart and stop.
    assert [a["outcome"] for a in order(s, "client1", "restart")] == ["accepted", "done"]
    assert s.engine.inspect("client1-web")["State"]["StartedAt"] > started and visit(s) == 200
    assert [a["outcome"] for a in order(s, "client1", "stop")] == ["accepted", "done"]
    wait_project(s, "client1", "stopped")
    # By hand, as the manual says.
    ctl = Ctl(s.world.hall.binary, s.world.broker, tmp_path)
    assert "client1" in ctl.said("projects", "start", "client1", "--wait") and s.state("client1-web") == "running"
    wait_project(s, "client1", "ready")
    ctl.run("projects", "stop", "client1", "--wait")
    wait_project(s, "client1", "stopped")
    assert s.state("client1-web") == "exited" and s.state("client2-web") == "running"  # "done" is what Docker has done
    assert visit(s, "/client2/") == 200
    # Docker goes.
    s.engine.stop()
    wait_problem(s, "client1", "Docker is down", "start Docker")
    assert visit(s) == 503
    wait_until(lambda: "Docker" in page(s)["message"], 20, "the page to name Docker")
    visits = project(s, "client2")["visits"]
    assert visits >= 1
    # Counts survive a restart of Hall.
    s.world.hall.stop()
    s.world.hall.start()
    wait_until(lambda: project(s, "client2")["visits"] == visits, 10, "the visits of before")
    assert project(s, "client2")["last_visit"]
    s.engine.start()
    assert visit(s) == 503
    wait_project(s, "client1", "ready", limit=60)


def test_a_start_that_fails_is_named_and_not_stormed(server):
    s = server()
    s.engine.create("client1-web", "no-such-program-anywhere")
    s.engine.create("client1-db")
    s.engine.remove("client1-db")
    s.engine.create("client1-db", "exit 3")
    s.engine.create("client2-web", "busybox httpd -f -p 8082 -h /flags")
    awake(s)
    for _ in range(10):
        assert visit(s) == 503
    wait_problem(s, "client1", "stop again right after they were started", limit=90)
    orders = [m.json() for m in s.agent.bus.heard(s.agent.topic("command"))]
    assert [o["action"] for o in orders] == ["start"] * 3
    wait_project(s, "client1", "stopped")
    assert visit(s, "/client2/") == 503
    wait_project(s, "client2", "ready")


def sharing(projects):
    """Both need one database, and are stopped after a short time."""
    projects["client1"].update(idle_stop="3s", containers=["client1-web", "shared-db"])
    projects["client2"].update(idle_stop="3s", containers=["client2-web", "shared-db"])


def test_a_shared_container_stays_up_for_the_project_in_use(server):
    """Two projects share a database: one falls idle, the other is visited twice a second; then commands."""
    s = server(sharing)
    s.create()
    s.engine.create("shared-db")
    s.engine.flag("well").touch()
    s.engine.flag("open").touch()
    awake(s)
    assert order(s, "client1", "start")[-1]["outcome"] == "done"
    began = s.engine.inspect("shared-db")["State"]["StartedAt"]
    assert order(s, "client2", "start")[-1]["outcome"] == "done"  # client1 falls idle meanwhile
    with Visitor(s, "/client2/") as use:
        wait_until(lambda: s.state("client1-web") == "exited" and len(use.answers) > 20, 40, "the idle project to end", pause=0.25)
        assert set(use.answers) == {200} and s.state("client2-web") == "running", use.answers
        assert s.engine.inspect("shared-db")["State"]["StartedAt"] == began and s.state("shared-db") == "running"
        wait_project(s, "client1", "stopped")
        wait_project(s, "client2", "ready")
        # A visit brings the idle one back beside it; commands to it leave the shared container alone, and say so.
        assert visit(s) == 503
        wait_until(lambda: visit(s) == 200, 30, "client1 to come back", pause=0.25)
        restarted = order(s, "client1", "restart")[-1]
        assert (restarted["outcome"], restarted["reason"]) == ("done", "shared-db is not restarted: project client2 uses it")
        stopped = order(s, "client1", "stop")[-1]
        assert (stopped["outcome"], stopped["reason"]) == ("done", "shared-db stays up: project client2 uses it")
        assert s.engine.inspect("shared-db")["State"]["StartedAt"] == began and set(use.answers) == {200}
    # Nobody visits: the last one takes it along.
    wait_project(s, "client2", "stopped")
    wait_until(lambda: s.state("client2-web") == s.state("shared-db") == "exited", 20, "the containers to end")


# With an agent that says what it is told to: the bus alone.

@pytest.fixture
def told(make_world):
    """A world whose agent is this test."""
    world = make_world(namespaces=False)
    agent = world.broker.bus("testing", topics=["hall/agents/testing/command"])
    world.buses.append(agent)
    world.sims["testing"].tell("agent off")
    return world, agent, world.bus()


def say(agent, what, value):
    agent.publish(f"hall/agents/testing/{what}", value if isinstance(value, str) else json.dumps(value), retain=True)


def report(**words):
    return {"boot_id": "b", "load": 0.5, "uptime_s": 60, "vetoes": [], "wol": {"interface": "eno1", "armed": True},
            "can": {"suspend": True}, **words}


def test_what_the_agent_reports_in_use_is_a_lease(told):
    world, agent, bus = told
    say(agent, "state", "online")
    wait_status(bus, "testing", lambda s: s["evidence"]["agent"] == "online")
    wait_until(lambda: state_of(bus, "testing") in ("booting", "ready", "degraded"), 20, "it is up")
    root = {"code": "veto.remote_session", "user": "root", "from": "192.0.2.7"}
    marie = {"code": "veto.session", "user": "marie", "seat": "seat0"}
    load = {"code": "veto.load", "load": 3.1, "limit": 2}
    say(agent, "report", report(vetoes=["root", "marie", "load"], veto_facts=[root, marie, load]))
    lease = wait_lease(bus, "testing", "agent", holder="sessions")
    assert lease["label"] == "sessions: root from 192.0.2.7" and lease["until"] is None
    assert [x["holder"] for x in leases(bus, "testing", "agent")] == ["sessions", "load"]
    assert "its agent reports sessions: root from 192.0.2.7" in status(bus, "testing")["awake_because"]
    say(agent, "report", report(vetoes=["load"], veto_facts=[load]))
    wait_status(bus, "testing", lambda s: [x["holder"] for x in s["leases"] if x["kind"] == "agent"] == ["load"])
    say(agent, "report", report(vetoes=["sessions: root", "load: 3.1"]))
    lease = wait_lease(bus, "testing", "agent", holder="agent")
    assert lease["label"] == "sessions: root" and lease["reason_fact"]["cause"] == {"code": "agent.said", "said": "sessions: root"}
    assert len(leases(bus, "testing", "agent")) == 1
    say(agent, "report", report())
    wait_no_lease(bus, "testing", "agent")


def test_how_the_card_is_set_is_shown_and_used(told):
    _, agent, bus = told
    say(agent, "state", "online")
    say(agent, "report", report(wol={"interface": "eno1", "armed": False}))
    shown = wait_status(bus, "testing", lambda s: s["evidence"]["wol"] == {"interface": "eno1", "armed": False})
    wait_status(bus, "testing", lambda s: "Wake-on-LAN is off" in (s["problem"] or "") and "eno1" in s["problem"])
    assert shown["evidence"]["wol"]["interface"] == "eno1"
    mark = bus.mark()
    bus.publish(topic("testing", "command"), {"action": "sleep", "id": "s1"})
    answer = bus.wait_json(topic("testing", "result"), mark, id="s1").json()
    assert answer["outcome"] == "refused" and "not known to be wakeable" in answer["reason"]
    say(agent, "report", report())
    wait_status(bus, "testing", lambda s: s["problem"] is None or "Wake-on-LAN" not in s["problem"])
    bus.publish(topic("testing", "command"), {"action": "sleep", "id": "s2"})
    agent.wait_json("hall/agents/testing/command", id="s2", action="suspend")


def test_an_agent_of_another_schema_is_named_and_not_believed(told):
    _, agent, bus = told
    say(agent, "state", "online")
    say(agent, "report", report(schema=2, vetoes=["sessions: root"]))
    say(agent, "containers", {"schema": 2, "docker": True, "containers": [
        {"name": "client1-web", "state": "exited"}, {"name": "client1-db", "state": "exited"}]})
    wait_status(bus, "testing", lambda s: "schema 2" in (s["problem"] or ""))
    barrier(bus)
    assert leases(bus, "testing", "agent") == []
    assert all(c["state"] is None for c in bus.last("hall/projects/client1/status").json()["containers"])
    say(agent, "report", report(schema=1, vetoes=["sessions: root"]))
    wait_lease(bus, "testing", "agent", holder="agent")


def test_a_container_that_restarts_again_and_again_is_one_state(told):
    """Docker starts it each time, and it runs for a second: its project is not ready by turns, and its name is told."""
    _, agent, bus = told
    bus.publish(topic("testing", "command"), "wake")
    wait_until(lambda: state_of(bus, "testing") == "booting", 20, "it is up")
    say(agent, "state", "online")
    say(agent, "report", report())
    wait_until(lambda: state_of(bus, "testing") == "ready", 20, "it is ready")

    def web(state):
        say(agent, "containers", {"docker": True, "containers": [{"name": "client1-web", "state": state}, {"name": "client1-db", "state": "running"}]})
        barrier(bus)

    web("running")
    wait_until(lambda: bus.last("hall/projects/client1/state").text() == "ready", 20, "its page to answer")
    before = bus.mark()
    for _ in range(20):
        web("restarting")
        web("running")
    shown = bus.wait("hall/projects/client1/status", lambda m: (m.json()["problem_fact"] or {}).get("code") == "project.restarts").json()
    assert shown["problem_fact"]["container"] == "client1-web" and "again and again" in shown["problem"]
    wait_until(lambda: bus.last("hall/projects/client1/state").text() == "unhealthy", 15, "its state")
    assert len(bus.heard("hall/projects/client1/state", before)) <= 1


def three(projects):
    """A third one beside them, with a cache that it shares with the second alone."""
    sharing(projects)
    projects["client2"]["containers"] = ["client2-web", "shared-db", "shared-cache"]
    projects["client3"] = {**copy.deepcopy(projects["client2"]), "name": "Client 3", "path": "/client3",
                           "upstream": projects["client2"]["upstream"].replace(":8082", ":8083"),
                           "containers": ["client3-web", "shared-db", "shared-cache"]}


def test_three_projects_share_and_the_last_one_ends_what_is_shared(server):
    """With a real engine: whoever falls idle or is stopped leaves alone what any other one that is wanted lists; `--check` names it."""
    s = server(three)
    done = subprocess.run([s.world.hall.binary, "--config", s.world.hall.file, "--check"], capture_output=True, text=True, check=True,
                          env={**os.environ, **s.world.hall.environment()})
    for words in ("container shared-db on server testing is shared by projects client1, client2 and client3",
                  "container shared-cache on server testing is shared by projects client2 and client3"):
        assert words in done.stdout + done.stderr, done
    s.create()
    s.engine.create("client3-web", "busybox httpd -f -p 8083 -h /flags")
    for name in ("shared-db", "shared-cache"):
        s.engine.create(name)
    for flag in ("well", "open"):
        s.engine.flag(flag).touch()
    awake(s)
    for id in ("client1", "client2", "client3"):
        assert order(s, id, "start")[-1]["outcome"] == "done"
    began = {name: s.engine.inspect(name)["State"]["StartedAt"] for name in ("shared-db", "shared-cache")}

    def unmoved(*names):
        return all(s.state(name) == "running" and s.engine.inspect(name)["State"]["StartedAt"] == began[name] for name in names)

    # Only the third is visited: the others end, and nothing of what it needs.
    with Visitor(s, "/client3/") as use:
        wait_until(lambda: s.state("client1-web") == s.state("client2-web") == "exited", 40, "the idle ones to end", pause=0.25)
        assert unmoved("shared-db", "shared-cache") and s.state("client3-web") == "running"
        # Commands to the second, which is wanted again, name the one that is in the way.
        assert visit(s, "/client2/") == 503
        wait_until(lambda: visit(s, "/client2/") == 200, 30, "client2 to come back", pause=0.25)
        restarted = order(s, "client2", "restart")[-1]
        assert restarted["outcome"] == "done" and "client3" in restarted["reason"] and "is not restarted" in restarted["reason"]
        stopped = order(s, "client2", "stop")[-1]
        assert stopped["outcome"] == "done" and "client3" in stopped["reason"] and re.search("stays? up", stopped["reason"])
        assert unmoved("shared-db", "shared-cache") and s.state("client2-web") == "exited"
        # The first comes while the third goes: the database is the first's now, the cache nobody's.
        assert visit(s) == 503
        wait_until(lambda: visit(s) == 200, 30, "client1 to come", pause=0.25)
        assert set(use.answers) == {200}, use.answers
    with Visitor(s, "/client1/page"):
        wait_until(lambda: s.state("client3-web") == s.state("shared-cache") == "exited", 40, "client3 to end", pause=0.25)
        assert unmoved("shared-db")
    wait_until(lambda: s.state("client1-web") == s.state("shared-db") == "exited", 40, "the last one to end what is shared")
