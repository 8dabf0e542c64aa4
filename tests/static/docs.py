#!/usr/bin/python3
"""What the documentation shows is true: every whole configuration in a ```json block passes `hall --check`,
every other such block is JSON, every relative link leads somewhere, every test that is named exists, every option of the schema is explained, the list of
facts is that of the code, and the READMEs clone from the homepage that cmake/owner.cmake names."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SAMPLE = re.compile(r"^```json\n(.*?)^```", re.S | re.M)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s#]+)(?:#[^)]*)?\)")


def pages():
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])


def check_configuration(hall, name, text):
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        done = subprocess.run([hall, "--config", file.name, "--check"], capture_output=True, text=True, check=False)
    return [] if done.returncode == 0 else [f"{name}: hall --check refuses the sample:\n{done.stdout}{done.stderr}"]


def sample_errors(hall, page, text):
    for number, sample in enumerate(SAMPLE.findall(text), 1):
        name = f"{page.relative_to(ROOT)} sample {number}"
        try:
            value = json.loads(sample)
        except ValueError as error:
            yield f"{name}: no JSON: {error}"
            continue
        if isinstance(value, dict) and "servers" in value and "domains" in value:
            yield from check_configuration(hall, name, sample)


def link_errors(page, text):
    for target in LINK.findall(text):
        if not re.match(r"[a-z]+:", target) and not (page.parent / target).exists():
            yield f"{page.relative_to(ROOT)}: {target} does not exist"


def test_names():
    """Of all tests in Python, and of their files."""
    names = set()
    for file in (ROOT / "tests").rglob("test_*"):
        names |= {file.name, file.stem}
        if file.suffix == ".py":
            names |= set(re.findall(r"^def (test_\w+)", file.read_text(encoding="utf-8"), re.M))
    return names


def test_errors(page, text, names):
    for name in re.findall(r"`(test_\w+(?:\.\w+)?)`", text):
        if name not in names:
            yield f"{page.relative_to(ROOT)}: there is no test {name}"


def options_of(schema):
    """The names of all options, wherever they stand."""
    if isinstance(schema, list):
        return {name for part in schema for name in options_of(part)}
    if not isinstance(schema, dict):
        return set()
    here = schema.get("properties")
    names = set(here) if isinstance(here, dict) else set()
    return names.union(*(options_of(part) for part in schema.values()))


def option_errors():
    page = (ROOT / "docs" / "CONFIGURATION.md").read_text(encoding="utf-8")
    schema = json.loads((ROOT / "docs" / "domains.schema.json").read_text(encoding="utf-8"))
    top = page.partition("## Top level\n")[2].partition("\n## ")[0]
    for name in sorted(options_of(schema)):
        if f"`{name}`" not in page and f'"{name}"' not in page:
            yield f"docs/CONFIGURATION.md: says nothing of `{name}`"
    for name in schema["properties"]:
        if f"| `{name}` |" not in top:
            yield f"docs/CONFIGURATION.md: no row for `{name}` under Top level"


def fact_errors(hall, write):
    """The lists of codes in BUS.md and API.md are those that the programs have."""
    begin, end = "--write -->\n", "<!-- end of the closed list -->\n"
    for name, source, *args in (("BUS.md", "say/say_table.c"), ("API.md", "config/wording_table.c", "wordings"),
                               ("TROUBLESHOOTING.md", "say/say_doctor.c", "doctor")):
        page = ROOT / "docs" / name
        text = page.read_text(encoding="utf-8")
        table = subprocess.run([Path(hall).parent.parent / "tests" / "fact_codes", *args], capture_output=True, text=True, check=True).stdout
        before, _, rest = text.partition(begin)
        shown, _, after = rest.partition(end)
        if write:
            page.write_text(before + begin + table + end + after, encoding="utf-8")
        elif shown != table:
            yield f"docs/{name}: its list of codes is not that of hall-mqtt/{source}; run tests/static/docs.py BUILD/bin/hall --write"


def clone_errors(write):
    """Both READMEs clone from where cmake/owner.cmake says that Hall is."""
    homepage = subprocess.run([ROOT / "cmake/owner.sh", "HALL_HOMEPAGE"], capture_output=True, text=True, check=True).stdout.strip()
    clone = f"git clone {homepage}.git && cd {homepage.rpartition('/')[2]} "
    for name in ("README.md", "README.fr.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        changed, lines = re.subn(r"^git clone \S+ && cd \S+ ", clone, text, flags=re.M)
        if write and lines == 1:
            (ROOT / name).write_text(changed, encoding="utf-8")
        elif lines != 1 or changed != text:
            yield f"{name}: has not one line \"{clone.strip()}\", as cmake/owner.cmake says; run tests/static/docs.py BUILD/bin/hall --write"


def picture_errors():
    """The drawings are what their script draws."""
    done = subprocess.run([sys.executable, "-B", ROOT / "tests/tools/pictures/journey.py", "--check"], capture_output=True, text=True, check=False)
    return done.stdout.splitlines()


def symptom_errors():
    """A symptom names lines that the doctor has."""
    page = (ROOT / "docs" / "TROUBLESHOOTING.md").read_text(encoding="utf-8")
    symptoms, _, lines = page.partition("## The doctor's lines")
    for code in re.findall(r"`(doctor\.[a-z_.]+)`", symptoms):
        if f"| `{code}` |" not in lines:
            yield f"docs/TROUBLESHOOTING.md: the doctor has no line {code}"


def main():
    names = test_names()
    errors = [*option_errors(), *picture_errors(), *symptom_errors(), *fact_errors(sys.argv[1], "--write" in sys.argv),
              *clone_errors("--write" in sys.argv)]
    for page in pages():
        text = page.read_text(encoding="utf-8")
        errors += [*sample_errors(sys.argv[1], page, text), *link_errors(page, text), *test_errors(page, text, names)]
    for example in sorted((ROOT / "docs").rglob("*.example.json")):
        errors += check_configuration(sys.argv[1], example.name, example.read_text(encoding="utf-8"))
    print("\n".join(errors) or f"{len(pages())} pages hold")
    return 1 if errors or not pages() else 0


if __name__ == "__main__":
    sys.exit(main())
