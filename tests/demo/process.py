"""Processes that are ended by whoever started them: by pid, also when the starter itself is killed."""

import ctypes
import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent():
    """Runs in the child before exec: a killed starter leaves nobody behind; Ctrl-C is the starter's to handle."""
    os.setpgid(0, 0)
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Patience:
    """So many seconds, of which few go at once: a machine that stands still for longer takes nobody's patience."""

    AT_ONCE = 0.2

    def __init__(self, seconds):
        self.rest, self.seen = seconds, time.monotonic()

    def left(self):
        now = time.monotonic()
        self.rest -= min(now - self.seen, self.AT_ONCE)
        self.seen = now
        return self.rest


class Pulse:
    """Seconds in which this machine went on, for limits of what is promised: of a time in which it stood still one beat counts."""

    BEAT, MOST = 0.01, 0.05

    def __init__(self):
        self.lock, self.seen, self.counted = threading.Lock(), None, 0.0

    def _beat(self):
        while True:
            time.sleep(self.BEAT)
            self()

    def __call__(self):
        with self.lock:
            now = time.monotonic()
            if self.seen is None:
                threading.Thread(target=self._beat, daemon=True).start()
                self.seen = now
            self.counted += min(now - self.seen, self.MOST)
            self.seen = now
            return self.counted


went_on = Pulse()  # begins to beat when it is first asked


class Share:
    """What a program got of the processors since: how many times longer it took than by itself, others having their part."""

    def __init__(self, pid):
        self.pid = pid
        self.before = self._read()

    def _read(self):
        fields = [file.read_text(encoding="ascii").split() for file in Path(f"/proc/{self.pid}/task").glob("*/schedstat")]
        return sum(int(f[0]) for f in fields), sum(int(f[1]) for f in fields)  # ns that it ran, and waited to run

    def longer(self):
        ran, waited = (now - before for now, before in zip(self._read(), self.before))
        return 1 + waited / max(ran, 1)


class Process:
    """One child. Its stderr (and stdout, unless lines are wanted) goes to a file."""

    def __init__(self, argv, log, env=None, lines=False, cwd=None):
        self.argv = [str(a) for a in argv]
        self.log = log
        with open(log, "ab") as out:
            self.popen = subprocess.Popen(
                self.argv,
                stdin=subprocess.PIPE if lines else subprocess.DEVNULL,
                stdout=subprocess.PIPE if lines else out,
                stderr=out,
                env=env,
                cwd=cwd,
                preexec_fn=_die_with_parent,
            )
        self.pid = self.popen.pid

    def alive(self):
        return self.popen.poll() is None

    def signal(self, number):
        """What is told to stand still does so when this returns: each thread heeds it only once it is run."""
        if self.alive():
            self.popen.send_signal(number)
            if number == signal.SIGSTOP:
                wait_until(self._stands_still, 10, "a stop of every thread", pause=0.001)

    def _stands_still(self):
        stats = [stat.read_text(encoding="ascii", errors="replace") for stat in Path(f"/proc/{self.pid}/task").glob("*/stat")]
        return all(stat.rpartition(")")[2].split()[0] in "TZ" for stat in stats)

    def stop(self, limit=5.0):
        """SIGTERM, and SIGKILL if that is not heeded. Returns the exit status."""
        self.signal(signal.SIGTERM)
        patience = Patience(limit)
        while patience.left() > 0:
            try:
                return self.popen.wait(Patience.AT_ONCE)
            except subprocess.TimeoutExpired:
                pass
        return self.kill()

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.popen.wait(60)

    def log_text(self):
        with open(self.log, "rb") as file:
            return file.read().decode("utf-8", "replace")

    def log_tail(self, lines=15):
        return "\n".join(self.log_text().splitlines()[-lines:])


class Talker(Process):
    """A child that writes one JSON object a line to its stdout and takes words a line on its stdin."""

    def __init__(self, argv, log, env=None, hear=None):
        super().__init__(argv, log, env=env, lines=True)
        self.events = []
        self._hear = hear
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.popen.stdout:
            event = json.loads(line)
            if self._hear:
                self._hear(event)
            with self._changed:
                self.events.append(event)
                self._changed.notify_all()

    def tell(self, line):
        self.popen.stdin.write(line.encode() + b"\n")
        self.popen.stdin.flush()

    def count(self, name):
        with self._changed:
            return sum(1 for e in self.events if e["event"] == name)

    def all(self, name):
        with self._changed:
            return [e for e in self.events if e["event"] == name]

    def wait(self, name, limit=60.0, after=0, where=None):
        """The first event of that name whose index among all events is at least `after`."""
        patience = Patience(limit)
        with self._changed:
            while True:
                for event in self.events[after:]:
                    if event["event"] == name and (where is None or where(event)):
                        return event
                left = patience.left()
                if left <= 0:
                    seen = [e["event"] for e in self.events[after:]]
                    raise AssertionError(f"no '{name}' within {limit} s; seen: {seen}")
                self._changed.wait(min(left, Patience.AT_ONCE))

    def mark(self):
        with self._changed:
            return len(self.events)


def wait_until(predicate, limit=60.0, what="condition", pause=0.02):
    """For what has no event to wait for: asks again and again, for so long at most."""
    patience, pace = Patience(limit), threading.Event()
    while True:
        value = predicate()
        if value:
            return value
        if patience.left() <= 0:
            raise AssertionError(f"{what} did not come within {limit} s")
        pace.wait(pause)
