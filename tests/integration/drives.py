"""The store alone, driven by lines (tests/tools/store/store_drive.c), and looks at its files with SQLite's own library."""
import contextlib
import os
import queue
import sqlite3
import subprocess
import threading
import time

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(os.environ.get("HALL_BUILD", os.path.join(TOP, "build")), "tests", "store_drive")
LIMIT = 60
NUMBERED = ("put", "sure", "remove", "event", "sure-event")  # orders that are told their ticket


class Drive:
    """The store under test: orders in, lines out. `script` is a shell that prepares its mounts; it must exec "$@"."""

    def __init__(self, path, *options, script=None, command=None):
        command = command or [PROGRAM, str(path), *options]
        if script is not None:
            command = ["unshare", "-m", "--propagation", "private", "sh", "-ec", script + '\nexec "$@"', "sh", *command]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.lines, self.seen = queue.Queue(), []
        self.ordered = self.told = 0  # of those with a ticket
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def order(self, line):
        self.ordered += line.split()[0] in NUMBERED
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def wait(self, start, limit=LIMIT):
        deadline = time.monotonic() + limit
        while True:
            try:
                line = self.lines.get(timeout=max(0.001, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no line begins with {start!r}; seen: {self.seen}") from None
            assert line is not None, f"it ended before {start!r}; seen: {self.seen}"
            self.seen.append(line)
            self.told += line.startswith("ticket ")
            if line.startswith(start):
                return line

    def number(self, order):
        """Its own ticket: those of the orders before it may still be told."""
        self.order(order)
        while True:
            ticket = int(self.wait("ticket ").split()[1])
            if self.told == self.ordered:
                return ticket

    def sure(self, order):
        """A durable order, waited for until it is committed or given up."""
        ticket = self.number(order)
        while int(self.wait("committed").split()[1]) < ticket:
            pass

    def rows(self):
        mark = len(self.seen)
        self.order("load")
        code = int(self.wait("loaded").split()[1])
        return code, [line for line in self.seen[mark:] if line.startswith("row ")]

    def inside(self, command):
        """Runs a command in the mount namespace of the program."""
        subprocess.run(["nsenter", "-m", "-t", str(self.process.pid), "sh", "-ec", command], check=True)

    def end(self):
        if self.process.poll() is None:
            self.order("quit")
        status = self.process.wait(LIMIT)
        self.reader.join(LIMIT)
        while not self.lines.empty():
            self.seen.append(self.lines.get())
        assert status == 0, self.seen

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(LIMIT)


@pytest.fixture
def drive():
    made = []

    def start(*args, **kwargs):
        made.append(Drive(*args, **kwargs))
        made[-1].wait("created 0")
        return made[-1]

    yield start
    for one in made:
        one.kill()


def events(path):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=LIMIT) as db:
        return [row[0] for row in db.execute("SELECT json_extract(body, '$.n') FROM events ORDER BY id")]


def ask(path, question):
    with sqlite3.connect(path, timeout=LIMIT) as db:
        return db.execute(question).fetchone()[0]


def sound(path):
    return ask(path, "PRAGMA integrity_check") == "ok"


def asides(folder):
    return sorted(p.name for p in folder.iterdir() if ".corrupt." in p.name and p.name.endswith("Z"))


def filled(drive, path, n=300):
    """A store with n events and some state, closed in good order."""
    one = drive(path, "quick")
    for i in range(n):
        one.order(f"event {i}")
    one.order("put setting idle 20")
    one.sure("sure server testing {\"state\":\"ready\"}")
    one.end()
    # Where a check was under way its end leaves the log, which would hide what is spoilt in the file.
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
