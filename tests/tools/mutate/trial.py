"""Compiles one mutant, puts it before the libraries when a test program is linked, and runs those programs that use it."""

import hashlib
import json
import os
import re
import resource
import shlex
import signal
import subprocess
import tempfile
import time
from pathlib import Path

SLOWEST = 5.0  # seconds: a program that takes longer by itself is not one of the unit tests of seconds


class Trial:
    """The objects and test programs of one build folder."""

    def __init__(self, root, build, limit):
        self.root, self.build, self.limit = root, build, limit
        self.scratch = tempfile.TemporaryDirectory(prefix="mutate-")
        self.folder = Path(self.scratch.name)
        commands = json.loads((build / "compile_commands.json").read_text())
        self.commands = {str(Path(c["file"]).resolve().relative_to(root)): c for c in commands}
        self.programs = {}  # name: names it holds
        for path in sorted((build / "tests").glob("test_*")):
            if os.access(path, os.X_OK) and path.is_file():
                self.programs[path.name] = names_in(path)
        self.seconds = {}
        self.links = {}
        self.originals = {}

    def object_of(self, path, source):
        """The file of an object made from source in place of path, or None if it does not compile. No debug lines, so that equal
        code gives equal objects. A step beyond an array of known size ends the program, as it does under sanitizers."""
        command = self.commands[path]
        words = [w for w in shlex.split(command["command"]) if w != "-Werror" and not w.endswith("ccache")]
        target = self.folder / "mutant.o"
        text = self.folder / Path(path).name
        text.write_text(source)
        words[words.index("-o") + 1] = str(target)
        words[words.index("-c") + 1] = str(text)
        words += ["-w", "-g0", "-O1", "-fsanitize=bounds-strict", "-fsanitize-undefined-trap-on-error", "-iquote", str((self.root / path).parent)]
        done = subprocess.run(words, cwd=command["directory"], capture_output=True)
        return target if done.returncode == 0 else None

    def original(self, path):
        """Digest of the unchanged object, and the names that it defines."""
        if path not in self.originals:
            made = self.object_of(path, (self.root / path).read_text())
            assert made, f"{path} does not compile"
            self.originals[path] = digest(made), names_in(made)
        return self.originals[path]

    def programs_for(self, path, patterns):
        """The test programs that hold something of this file: first those named like it, then the quick ones."""
        defined = self.original(path)[1]
        chosen = [name for name, held in self.programs.items()
                  if defined & held and any(re.fullmatch(p, name) for p in patterns)]
        for name in chosen:
            if name not in self.seconds:
                self.seconds[name] = self.time_of(name)
        stem = Path(path).stem
        chosen = [name for name in chosen if self.seconds[name] <= SLOWEST]
        return sorted(chosen, key=lambda name: (stem not in name, self.seconds[name], name))

    def time_of(self, name):
        start = time.monotonic()
        assert self.run(self.build / "tests" / name, 60) == 0, f"{name} fails without a mutant"
        return time.monotonic() - start

    def killer(self, made, programs):
        """The first program that fails with the object in place of the library's own, or None."""
        for name in programs:
            if self.run(self.link(name, made), max(self.limit, 3 * self.seconds[name])) != 0:
                return name
        return None

    def link(self, name, made):
        if name not in self.links:
            said = subprocess.run(["ninja", "-C", str(self.build), "-t", "commands", "-s", f"tests/{name}"], check=True,
                                  capture_output=True, text=True).stdout
            line = [row for row in said.splitlines() if f" -o tests/{name} " in row][-1]
            self.links[name] = [w for w in shlex.split(line) if w not in (":", "&&")]
        words = list(self.links[name])
        at = words.index("-o")
        program = self.folder / name
        # A test may have a function of its own in the place of one of the library's: then it does not see this mutant.
        words[at:at + 2] = ["-Wl,-s", "-Wl,-z,muldefs", str(made), "-o", str(program)]
        subprocess.run(words, cwd=self.build, check=True, capture_output=True)
        return program

    def run(self, program, seconds):
        """The exit status; whatever is left of its processes is ended with it."""
        child = subprocess.Popen([str(program)], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, start_new_session=True, preexec_fn=bounded)
        try:
            return child.wait(seconds)
        except subprocess.TimeoutExpired:
            return -1
        finally:
            try:
                os.killpg(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            child.wait()


def bounded():
    """A mutant may count for ever or fill the disk."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 28, 1 << 28))


def names_in(path):
    """The functions and data that an object or program defines, without the static ones."""
    said = subprocess.run(["nm", "--defined-only", "--extern-only", "--format=posix", str(path)], capture_output=True, text=True)
    return {line.split()[0] for line in said.stdout.splitlines() if not line.startswith("_")} - {"main"}


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
