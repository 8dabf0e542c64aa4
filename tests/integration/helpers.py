"""Words the tests share."""

import uuid

from process import wait_until

PROJECTS = {"testing": ("client1", "client2"), "erp": ()}
STATES = {"unknown", "off", "waking", "booting", "ready", "degraded", "sleeping", "unreachable", "wake_failed"}


def topic(server, what):
    return f"hall/servers/{server}/{what}"


def state_of(bus, server):
    message = bus.last(topic(server, "state"))
    return message.text() if message else None


def wait_state(bus, server, state, limit=15.0):
    """Until the last word on the state topic is this one."""
    wait_until(lambda: state_of(bus, server) == state, limit, f"{server} {state} (it is {state_of(bus, server)})")


def command(bus, server, action, **words):
    """Sends a JSON command, returns its id and the mark before it."""
    id = words.pop("id", uuid.uuid4().hex)
    mark = bus.mark()
    bus.publish(topic(server, "command"), {"action": action, "id": id, **words})
    return id, mark


def result(bus, server, id, outcome, after=0, limit=15.0):
    return bus.wait_json(topic(server, "result"), after, limit, id=id, outcome=outcome).json()


def results(bus, server, id):
    """All answers to that command so far, in order."""
    found = [m.json() for m in bus.heard(topic(server, "result"))]
    return [r for r in found if r["id"] == id]


def awake(bus, server):
    """Brings it to ready, and its projects too, whatever it was."""
    if state_of(bus, server) != "ready":
        id, mark = command(bus, server, "wake")
        result(bus, server, id, "done", mark, 30)
    wait_state(bus, server, "ready")
    for project in PROJECTS[server]:
        wait_until(lambda p=project: bus.last(f"hall/projects/{p}/state").text() == "ready", 15, project + " ready")


def barrier(bus):
    """All that Hall was told before is handled, and what came of it is published: it answered two commands since."""
    for _ in range(2):
        id, mark = command(bus, "testing", "no such action")
        result(bus, "testing", id, "refused", mark)


def asleep(bus, server):
    """Brings it to off, whatever it was."""
    barrier(bus)
    wait_until(lambda: state_of(bus, server) in ("off", "ready", "degraded", "wake_failed", "unreachable"), 20,
               f"{server} settled")
    if state_of(bus, server) in ("ready", "degraded"):
        id, mark = command(bus, server, "sleep", force=True)
        result(bus, server, id, "done", mark, 30)
    wait_state(bus, server, "off")


def events(bus, server, kind, after=0):
    return [m.json() for m in bus.heard(topic(server, "event"), after) if m.json()["event_type"] == kind]


def wait_event(bus, server, kind, after=0, limit=15.0, **wanted):
    return bus.wait_json(topic(server, "event"), after, limit, event_type=kind, **wanted).json()


def wait_wake(bus, server, after=0):
    """A wake began, and the state topic says so too."""
    wait_event(bus, server, "wake_requested", after)
    bus.wait_text(topic(server, "state"), "waking", after)
