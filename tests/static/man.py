#!/usr/bin/python3
"""The manual pages hold: groff and mandoc find nothing wrong in them, each names the options of --help and no others, hallctl(1)
names every verb as well, and domains.json(5), which the build makes, every option of the schema."""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = sorted((ROOT / "docs" / "man").glob("*.[1-8]"))


def lint(argv, page):
    done = subprocess.run([*argv, page], capture_output=True, text=True, check=False)
    return [f"{Path(page).name}: {line}" for line in (done.stderr + done.stdout).splitlines()]


def page_errors(page):
    yield from lint(["groff", "-man", "-Tutf8", "-ww", "-z"], page)
    yield from lint(["mandoc", "-T", "lint", "-W", "warning"], page)


def plain(page):
    """The words of a page, without roff's marks."""
    text = page.read_text(encoding="utf-8").replace("\\-", "-").replace("\\f", "\0").replace('"', "")
    return re.sub(r"\0[RIB]", " ", text)


def option_errors(program, page):
    """--help lists an option at the start of a line, and so does the page."""
    said = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    said = set(re.findall(r"--[a-z-]+", " ".join(re.findall(r"^  (--.*?)(?:  |$)", said, re.M))))
    shown = set(re.findall(r"^\.BI? (--[a-z-]+)", plain(page), re.M))
    for option in sorted(said ^ shown):
        yield f"{page.name}: {option} is in {'--help' if option in said else 'the page'} alone"


def hallctl_errors(hallctl, page):
    def complete(*words):
        return subprocess.run([hallctl, "complete", "--", *words], capture_output=True, text=True, check=True).stdout.split()

    text = plain(page)
    for verb in complete("")[:-1]:  # all but help
        if not re.search(rf"^\.BR? {verb}\b", text, re.M):
            yield f"{page.name}: the verb {verb} is missing"
        for option in complete(verb, "--"):
            if not re.search(rf"(?<![\w-]){option}(?![\w-])", text):
                yield f"{page.name}: the option {option} of {verb} is missing"


def keys_of(schema):
    for table in [schema, *schema["$defs"].values()]:
        yield from table.get("properties", {})


def main():
    build = ROOT / sys.argv[1]
    made = build / "share" / "domains.json.5"
    errors = [e for page in [*PAGES, made] for e in page_errors(page)]
    errors += hallctl_errors(build / "bin" / "hallctl", ROOT / "docs" / "man" / "hallctl.1")
    for page in PAGES:
        if page.stem != "hallctl":  # its options are those of its verbs
            errors += option_errors(build / "bin" / page.stem, page)
    text = plain(made)
    schema = json.loads((build / "share" / "domains.schema.json").read_text(encoding="utf-8"))
    errors += [f"{made.name}: the option {key} is missing" for key in sorted(set(keys_of(schema)))
               if not re.search(rf"^\.B (?:\S+\.)?{re.escape(key)}$", text, re.M)]
    print("\n".join(errors) or f"{len(PAGES) + 1} manual pages hold")
    return 1 if errors or not PAGES else 0


if __name__ == "__main__":
    sys.exit(main())
