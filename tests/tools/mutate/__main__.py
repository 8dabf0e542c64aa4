#!/usr/bin/python3
"""Changes one line of C at a time and says which changes the unit tests do not notice. See CONTRIBUTING.md."""

import argparse
import random
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from mutants import enumerations, mutants_of  # noqa: E402
from trial import Trial, digest  # noqa: E402

FOLDERS = ("hall-mqtt", "web", "bridges", "ha-discovery")


def options():
    reader = argparse.ArgumentParser(prog="tests/tools/mutate", description=__doc__)
    reader.add_argument("modules", nargs="*", metavar="MODULE", help="a row of modules.txt; all of them if none is given")
    reader.add_argument("--seed", type=int, default=1, help="which sample is drawn (default 1)")
    reader.add_argument("--count", type=int, default=60, help="mutants for each module (default 60)")
    reader.add_argument("--all", action="store_true", help="every mutant, not a sample")
    reader.add_argument("--min", type=float, default=0, help="exit with 1 if a module is below this percentage")
    reader.add_argument("--limit", type=float, default=4, help="seconds after which a test program counts as failed (default 4)")
    reader.add_argument("--root", type=Path, default=HERE.parent.parent.parent, help="the project's folder")
    reader.add_argument("--build", type=Path, default=Path("build-dev"), help="a build folder with unit tests (default build-dev)")
    reader.add_argument("--table", type=Path, default=HERE / "modules.txt", help="the table of modules")
    reader.add_argument("--equivalent", type=Path, default=HERE / "equivalent.txt", help="the list of mutants that change nothing")
    return reader.parse_args()


def table_of(path):
    """Module: (patterns of sources, patterns of test programs)."""
    rows = [line.split("|") for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
    return {name.strip(): (sources.split(), programs.split()) for name, sources, programs in rows}


def equivalents_of(path):
    """("file.c function", line before, line after) of the mutants that were read and found to change nothing."""
    found, place, before = set(), "", ""
    for line in path.read_text().splitlines():
        if line.startswith("- "):
            before = " ".join(line[2:].split())
        elif line.startswith("+ "):
            found.add((place, before, " ".join(line[2:].split())))
        elif line and line[0] not in "#=":
            place = line.strip()
    return found


class Module:
    """The mutants of one module, and what became of them."""

    def __init__(self, name, root, sources, programs, next_of):
        self.name, self.programs = name, programs
        paths = sorted({path for pattern in sources for path in root.glob(pattern)})
        assert paths, f"modules.txt: {name}: there is no such source"
        self.sources = {str(path.relative_to(root)): path.read_text() for path in paths}
        self.mutants = [m for path, source in self.sources.items() for m in mutants_of(path, source, next_of)]
        self.killed, self.survivors, self.seen = 0, [], set()

    def tried(self):
        return self.killed + len(self.survivors)

    def percent(self):
        return 100 * self.killed / max(1, self.tried())

    def play(self, trial, equivalents, seed, count):
        """Tries mutants until count of them could be judged; what does not compile, or is the same code, is none."""
        order = list(self.mutants)
        random.Random(f"{seed} {self.name}").shuffle(order)
        known = [m for m in order if self.key(m) in equivalents]
        for mutant in known:
            self.new_object(trial, mutant)
        for mutant in order:
            if count is not None and self.tried() >= count:
                return
            if mutant not in known:
                self.judge(trial, mutant, self.sources[mutant.path])

    def key(self, mutant):
        source = self.sources[mutant.path]
        return f"{Path(mutant.path).name} {mutant.place(source)}", *mutant.lines(source)

    def new_object(self, trial, mutant):
        """The object of a mutant that is not the same code as the original or an earlier one, or None."""
        made = trial.object_of(mutant.path, mutant.apply(self.sources[mutant.path]))
        code = made and (mutant.path, digest(made))
        if not made or code[1] == trial.original(mutant.path)[0] or code in self.seen:
            return None
        self.seen.add(code)
        return made

    def judge(self, trial, mutant, source):
        programs = trial.programs_for(mutant.path, self.programs)
        made = self.new_object(trial, mutant)
        if not made:
            return
        if trial.killer(made, programs):
            self.killed += 1
            return
        self.survivors.append(mutant)
        place, before, after = self.key(mutant)
        print(f"{mutant.path}:{mutant.line(source)}: {place.split()[-1]}: survived ({mutant.operator})\n  - {before}\n  + {after}",
              flush=True)


def main():
    asked = options()
    root = asked.root.resolve()
    build = root / asked.build
    subprocess.run(["cmake", "--build", str(build)], check=True, stdout=subprocess.DEVNULL)
    table, equivalents = table_of(asked.table), equivalents_of(asked.equivalent)
    unknown = set(asked.modules) - set(table)
    if unknown:
        sys.exit(f"unknown module {', '.join(sorted(unknown))}: {asked.table} has {', '.join(table)}")
    folders = [root / folder for folder in FOLDERS]
    next_of = enumerations(p.read_text() for folder in folders for p in sorted(folder.rglob("*.[ch]")))
    trial = Trial(root, build, asked.limit)
    low = False
    for name in asked.modules or table:
        module = Module(name, root, *table[name], next_of)
        module.play(trial, equivalents, asked.seed, None if asked.all else asked.count)
        how = "all" if asked.all else f"seed {asked.seed}"
        print(f"{name}: {how}, {module.tried()} mutants, {module.killed} killed, {len(module.survivors)} survived, "
              f"{module.percent():.0f} %", flush=True)
        low |= module.percent() < asked.min
    return low


sys.exit(main())
