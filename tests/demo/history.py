"""A past for the demo: days of visits, wakes, boots, sleeps and refused strangers, written into Hall's store while Hall is
not running. The same every time but for the clock."""

import json
import random
import sqlite3
import time
from datetime import datetime, timezone

DAY = 86400
STATES = ("unknown", "off", "waking", "booting", "ready", "degraded", "sleeping", "unreachable", "wake_failed")
STAGES = ("packet_sent", "first_sign", "agent_online", "docker_up", "container_present", "container_healthy", "site_answers")
STRANGERS = (("203.0.113.9", "/wp-login.php"), ("198.51.100.23", "/.env"), ("203.0.113.77", "/admin"))
WHY = "This address is not within /access/allow of the domain."


def rfc3339(at):
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Past:
    def __init__(self, db, servers, days, now):
        self.db, self.now, self.begin = db, now, now - days * DAY
        self.servers = servers
        self.chance = random.Random(7)
        self.rows = []
        self.times = {}  # server: (ms on, ms asleep)

    def put(self, at, statement, values):
        self.rows.append((at, statement, values))

    def event(self, at, server, kind, detail, project=None, domain=None, **more):
        body = {"event_type": kind, "server": server, "at": rfc3339(at), "detail": detail, **more}
        self.put(at, "INSERT INTO events (at, server, domain, project, type, body) VALUES (?, ?, ?, ?, ?, ?)",
                 (int(at * 1000), server, domain, project, kind, json.dumps(body)))

    def span(self, server, state, began, ended):
        if ended > began:
            on, asleep = self.times.get(server, (0, 0))
            ms = int((ended - began) * 1000)
            self.times[server] = (on, asleep + ms) if state == "off" else (on + ms, asleep)
            self.put(ended, "INSERT INTO spans (ended, ms, state, open, used_mj, always_mj, server) VALUES (?, ?, ?, 0, -1, -1, ?)",
                     (int(ended * 1000), int((ended - began) * 1000), STATES.index(state), server))

    def stages(self, cold):
        """Seconds after the start; each a little different."""
        scale = (2.6 if cold else 1.0) * self.chance.uniform(0.9, 1.25)
        return [0.0] + [round(scale * s, 3) for s in (4.1, 6.4, 7.9, 8.3, 11.2, 14.6)]

    def wake(self, at, server, project, domain, fails):
        chance = self.chance
        cold = chance.random() < 0.12
        stages = [0.0] + [-1] * 6 if fails else self.stages(cold)
        took = 180.0 if fails else stages[-1]
        class_ = chance.choices(("visit", "command", "schedule"), (12, 2, 1))[0]
        cause = {"visit": f"visit of {project}", "command": "manual of operator", "schedule": f"schedule of {domain}"}[class_]
        local = time.localtime(at)
        id = f"w-{int(at):x}"
        self.put(
            at, "INSERT INTO wakes (started, ms, packets, kind, ready, hour, packet_sent, first_sign, agent_online, docker_up, container_present,"
            " container_healthy, site_answers, wake, server, project, domain, cause, class, failure)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (int(at * 1000), int(took * 1000), 20 if fails else 3, int(cold), int(not fails), local.tm_wday * 24 + local.tm_hour,
             *[-1 if s < 0 else int(s * 1000) for s in stages], id, server, project if class_ == "visit" else None, domain, cause, class_,
             "no_sign" if fails else None))
        self.event(at, server, "wake_requested", cause, project if class_ == "visit" else None, domain)
        for name, seconds in zip(STAGES, stages):
            if seconds >= 0:
                self.event(at + seconds, server, "stage", name, stage=name, seconds=seconds)
        self.event(at + took, server, "wake_failed" if fails else "ready", "no sign of life" if fails else f"after {took:.1f} s")
        return took, stages[1]

    def visits(self, start, end, server, project, domain):
        n = self.chance.randint(2, 24)
        hour = int(start // 3600 * 3600)
        self.put(start, "INSERT INTO visits (hour, last, n, domain, project, server) VALUES (?, ?, ?, ?, ?, ?)",
                 (hour * 1000, int(end * 1000), n, domain, project, server))

    def one_use(self, at, server, sites, domain):
        """Woken, used, asleep again. When it ended."""
        chance = self.chance
        project = chance.choices(sites, range(2 * len(sites), len(sites), -1))[0]
        fails = chance.random() < 0.03
        took, first = self.wake(at, server, project, domain, fails)
        if fails:
            self.span(server, "waking", at, at + took)
            self.span(server, "wake_failed", at + took, at + took + 600)
            return at + took + 600
        used = chance.uniform(900, 9000)
        ready, end = at + took, at + took + used
        self.span(server, "waking", at, at + first)
        self.span(server, "booting", at + first, ready)
        broken = ready + used / 2 if chance.random() < 0.1 else end
        self.span(server, "ready", ready, broken)
        self.span(server, "degraded", broken, min(end, broken + 240))
        self.span(server, "ready", broken + 240, end)
        self.span(server, "sleeping", end, end + 9)
        self.visits(ready, end - 60, server, project, domain)
        self.event(end, server, "sleep_requested", "nobody needs it any more")
        if chance.random() < 0.15:
            self.event(end - 1200, server, "sleep_refused", "the agent: 1 ssh session")
        self.event(end + 9, server, "asleep", "silence is proven")
        self.put(end, "INSERT INTO sleeps (at, ms, awake_ms, outcome, server, asked_by, reason) VALUES (?, 9000, ?, 0, ?, 'hall', 'idle')",
                 (int(end * 1000), int((end - ready) * 1000), server))
        return end + 9

    def next_use(self, at):
        """Mostly in office hours, seldom at night."""
        while True:
            at += self.chance.expovariate(1 / 5400)
            local = time.localtime(at)
            office = 8 <= local.tm_hour < 19 and local.tm_wday < 5
            if self.chance.random() < (0.9 if office else 0.08):
                return at

    def server(self, id, sites, domain):
        at = self.begin
        while True:
            start = self.next_use(at)
            if start > self.now - 12000:
                break
            self.span(id, "off", at, start)
            at = self.one_use(start, id, sites, domain)
        self.span(id, "off", at, self.now)

    def strangers(self, domain):
        for address, path in STRANGERS:
            for _ in range(max(1, int((self.now - self.begin) / DAY))):
                at = self.chance.uniform(self.begin, self.now - 600)
                self.put(at, "INSERT INTO refusals (at, last, n, address, domain, path, why) VALUES (?, ?, ?, ?, ?, ?, ?)",
                         (int(at * 1000), int(at * 1000) + 90000, self.chance.randint(1, 30), address, domain, path, WHY))
                self.event(at, None, "access_refused", f"{address}: {path}: {WHY}", domain=domain)

    def logins(self):
        for hours in range(2, int((self.now - self.begin) / 3600), 11):
            ok = self.chance.random() < 0.85
            at = self.now - hours * 3600
            self.put(at, "INSERT INTO logins (at, ok, address, detail) VALUES (?, ?, '192.168.1.50', ?)",
                     (int(at * 1000), int(ok), None if ok else "wrong password"))

    def totals(self):
        """The energy follows from the times and the watts that are configured."""
        for server, (on, asleep) in self.times.items():
            self.put(self.now, "INSERT INTO totals (at, on_ms, asleep_ms, used_mj, saved_mj, wakes, server) VALUES (?, ?, ?, -1, -1, -1, ?)",
                     (int(self.now * 1000), on, asleep, server))

    def write(self):
        for id, server in self.servers.items():
            self.server(id, [s["id"] for s in server["sites"]], server["domain"])
        self.strangers(next(iter(self.servers.values()))["domain"])
        self.logins()
        self.totals()
        for _, statement, values in sorted(self.rows, key=lambda row: row[0]):
            self.db.execute(statement, values)


def fill(path, servers, days=1):
    """Into the store Hall has made."""
    with sqlite3.connect(path) as db:
        Past(db, servers, days, time.time()).write()
    db.close()
