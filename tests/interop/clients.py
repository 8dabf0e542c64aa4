"""Other people's MQTT clients, each behind the same few words: hear one topic, say something, or ask and be answered."""

import json
import os
import subprocess
from pathlib import Path

LIMIT = 60
NODE = next((p for p in ("/usr/bin/node", "/usr/bin/nodejs") if os.path.exists(p)), "node")
SCRIPT = Path(__file__).with_name("client.js")


class Failed(AssertionError):
    pass


def run(argv, env=None, expect=0):
    done = subprocess.run([str(a) for a in argv], env=env, capture_output=True, text=True, timeout=LIMIT, check=False)
    if done.returncode != expect:
        raise Failed(f"{argv}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


class Mosquitto:
    """mosquitto_pub and mosquitto_sub of one protocol version."""

    def __init__(self, port, user, password, version):
        self.where = ["-h", "127.0.0.1", "-p", port, "-u", user, "-P", password, "-V", version]

    def pub(self, topic, *words):
        run(["mosquitto_pub", *self.where, "-q", 1, "-t", topic, *words])

    def first(self, topic, limit=30):
        """The first message there: what is retained, or the next."""
        return run(["mosquitto_sub", *self.where, "-q", 1, "-t", topic, "-C", 1, "-W", limit]).rstrip("\n")

    def listen(self, topic, n):
        """Starts to hear n messages; returns when the broker has taken the subscription."""
        words = ["stdbuf", "-oL", "mosquitto_sub", *self.where, "-d", "-q", 1, "-t", topic, "-C", n, "-W", LIMIT]
        listener = subprocess.Popen([str(a) for a in words], stdout=subprocess.PIPE, text=True)
        while line := listener.stdout.readline():
            if "Subscribed" in line:
                return listener
        raise Failed("mosquitto_sub ended before it was subscribed")

    @staticmethod
    def heard(listener):
        out = listener.stdout.read()
        listener.wait(LIMIT)
        return [json.loads(line) for line in out.splitlines() if line.startswith("{")]

    def ask(self, command_topic, payload, answer_topic):
        """MQTT 5: one answer on a topic of one's own."""
        return run(["mosquitto_rr", *self.where, "-t", command_topic, "-e", answer_topic, "-m", payload, "-W", 30]).strip()


def node(port, user, password, version, job):
    """Lets node-mqtt do a job (see client.js); returns what it printed, one JSON a line."""
    env = {**os.environ, "NODE_PATH": "/usr/share/nodejs:/usr/lib/nodejs"}
    out = run([NODE, SCRIPT, port, user, password, version, json.dumps(job)], env=env)
    return [json.loads(line) for line in out.splitlines()]
