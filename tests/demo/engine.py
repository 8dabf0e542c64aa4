"""As much of a Docker engine as hall-agent speaks with, on a unix socket: containers that only say that they run.
The tests of the agent use a real engine; nobody shall have to install one to see the demo."""

import json
import os
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler

VERBS = ("start", "stop", "restart")


class Container:
    """Stopped until it is started; healthy some time after that."""

    def __init__(self, number, name, project):
        self.id = f"{number:064x}"
        self.name, self.project = name, project
        self.state, self.health, self.turn = "exited", "", 0

    def listed(self):
        status = f"Up 1 second (health: starting)" if self.health == "starting" else f"Up 1 second ({self.health})"
        return {"Id": self.id, "Names": ["/" + self.name], "State": self.state, "Labels": {"hall.project": self.project},
                "Status": status if self.state == "running" else "Exited (0)"}

    def inspected(self):
        health = {"Health": {"Status": self.health}} if self.health else {}
        return {"Id": self.id, "Name": "/" + self.name, "State": {"Status": self.state, **health}}


class Engine:
    """changed(name, state, health) is told of everything that happens to a container, from any thread."""

    def __init__(self, path, projects, healthy_after, changed):
        self.path, self.healthy_after, self.changed = str(path), healthy_after, changed
        self.containers = [Container(i + 1, name, project) for i, (name, project) in enumerate(projects)]
        self.news = threading.Condition()
        self.events = []
        self.sick = False
        self.server = None

    def open(self):
        engine = self

        class Answers(Api):
            pass

        Answers.engine = engine
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.server = Server(self.path, Answers)
        threading.Thread(target=self.server.serve_forever, args=(0.1,), daemon=True).start()

    def find(self, id):
        return next((c for c in self.containers if id in (c.id, c.name)), None)

    def happened(self, container, action):
        with self.news:
            self.events.append({"Type": "container", "Action": action, "Actor": {"ID": container.id}})
            self.news.notify_all()
        self.changed(container.name, container.state, container.health)

    def order(self, container, verb):
        if verb in ("stop", "restart") and container.state == "running":
            container.turn += 1
            container.state, container.health = "exited", ""
            self.happened(container, "die")
        if verb in ("start", "restart") and container.state != "running":
            container.turn += 1
            container.state, container.health = "running", "starting"
            self.happened(container, "start")
            threading.Timer(self.healthy_after, self.grow_up, (container, container.turn)).start()

    def remove(self, name):
        container = self.find(name)
        container.turn += 1
        container.state = "removing"
        self.containers.remove(container)
        self.happened(container, "destroy")

    def grow_up(self, container, turn):
        if container.turn == turn:
            self.examine(container)

    def examine(self, container):
        health = "unhealthy" if self.sick else "healthy"
        if container.state == "running" and container.health != health:
            container.health = health
            self.happened(container, f"health_status: {health}")

    def set_sick(self, sick):
        self.sick = sick
        for container in self.containers:
            if container.health != "starting":
                self.examine(container)

    def stop_all(self):
        """The machine went down: nobody is told."""
        for container in self.containers:
            container.turn += 1
            container.state, container.health = "exited", ""

    def close(self):
        server = self.server
        if server:
            with self.news:
                self.server = None
                self.news.notify_all()
            server.shutdown()
            server.server_close()


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    allow_reuse_address = True

    def get_request(self):
        request, _ = super().get_request()
        return request, ("agent", 0)  # what BaseHTTPRequestHandler expects of an address

    def handle_error(self, request, client_address):
        pass  # the agent went away


class Api(BaseHTTPRequestHandler):
    engine = None
    protocol_version = "HTTP/1.1"

    def answer(self, status, value=None):
        body = b"" if value is None else (value if isinstance(value, bytes) else json.dumps(value).encode())
        self.send_response(status)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        path = self.path.split("?")[0]
        if path == "/_ping":
            return self.answer(200, b"OK")
        if path == "/events":
            return self.stream()
        if path == "/containers/json":
            return self.answer(200, [c.listed() for c in self.engine.containers])
        container = self.engine.find(path.split("/")[2]) if path.count("/") == 3 else None
        return self.answer(200, container.inspected()) if container else self.answer(404, {"message": "no such container"})

    def do_POST(self):
        words = self.path.split("?")[0].split("/")
        container = self.engine.find(words[2]) if len(words) == 4 else None
        if not container or words[3] not in VERBS:
            return self.answer(404, {"message": "no such container"})
        self.engine.order(container, words[3])
        return self.answer(204)

    def stream(self):
        """Chunks of one event each, until the agent or the engine goes away. Whoever hears that it begins misses nothing after."""
        engine, server = self.engine, self.server
        self.close_connection = True
        with engine.news:
            seen = len(engine.events)
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        while engine.server is server:
            with engine.news:
                engine.news.wait_for(lambda: len(engine.events) > seen or engine.server is not server, 5)
                fresh, seen = engine.events[seen:], len(engine.events)
            for event in fresh:
                line = json.dumps({**event, "time": int(time.time())}).encode() + b"\n"
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))

    def log_message(self, format, *args):
        pass
