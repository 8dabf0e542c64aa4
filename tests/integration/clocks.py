"""Hall's own clocks: a test sets its wall clock, or lets time pass for it. See tests/tools/clock."""

import math
import os
import re
import struct
import subprocess
import time

from helpers import barrier


class Clock:
    """To be made before Hall is started."""

    def __init__(self, world):
        self.set = self.passed = 0
        self.file, self.pipe = world.directory / "clock", world.directory / "clock-set"
        self.file.write_bytes(struct.pack("=qq", 0, 0))
        os.mkfifo(self.pipe)
        shim = world.hall.binary.parents[1] / "tests" / "clock_shim.so"
        assert shim.exists()
        libraries = subprocess.run(["ldd", world.hall.binary], capture_output=True, text=True, check=True).stdout
        first = re.findall(r"=> (\S*lib[at]san\S*)", libraries)
        self.others = {"LD_PRELOAD": " ".join([*first, str(shim)]), "CLOCK_FILE": str(self.file)}  # environment of other programs
        world.hall.secrets |= self.others | {"CLOCK_PIPE": str(self.pipe)}

    def _write(self, heard=True):
        with self.file.open("r+b") as file:
            file.write(struct.pack("=qq", self.set, self.passed))
        if not heard:
            return
        with self.pipe.open("wb", buffering=0) as pipe:
            pipe.write(b"the clock")

    def add(self, seconds, heard=True):
        """The wall clock is set so many seconds ahead of the machine's; heard: Hall runs, and is told by the kernel."""
        self.set = seconds
        self._write(heard)

    def now(self):
        return time.time() + self.set + self.passed

    def elapsed(self):
        """Seconds of Hall's time, from some moment on."""
        return time.monotonic() + self.passed

    def pass_by(self, bus, seconds, step=1, since=None):
        """So many seconds pass, one at a time, and Hall does in each what is due; those that pass meanwhile anyway are of them,
        however slow the machine is, and those since then. The others' clocks stay as they are."""
        end = (self.elapsed() if since is None else since) + seconds
        while (left := end - self.elapsed()) > 0:
            self.passed += min(step, math.ceil(left))
            self._write()
            barrier(bus)

    def pass_unseen(self, seconds):
        """So many pass at once, while Hall does not run."""
        self.passed += seconds
        self._write(heard=False)

    def pass_until(self, bus, at):
        """Up to a second before that time of Hall's wall clock."""
        while self.now() < at - 1:
            self.pass_by(bus, 1)
