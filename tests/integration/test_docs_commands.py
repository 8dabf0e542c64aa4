"""Every command of the documents is typed: each ```sh block of the pages in the top folder, in docs/ and in examples/ is run
here on a Pi of its own (docs_pi.py), or by the test that TYPED names, or is one of the few EXCEPTIONS. A block in neither is run here."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.S | re.M)

# (page, heading): the test that reads and types all blocks below that heading
TYPED = {
    **{("SERVICE.md", f"By hand: {part}"): "integration/test_install.py::test_hall_is_installed_as_the_manual_says"
       for part in ("build", "the broker", "user, files and secrets", "start", "remove")},
    ("AGENT.md", "On Debian"): "integration/test_install.py::test_an_agent_is_installed_as_the_manual_says",
    ("AGENT.md", "Its files and the service"): "integration/test_install.py::test_an_agent_is_installed_as_the_manual_says",
    ("AGENT.md", "Removing it"): "integration/test_install.py::test_an_agent_is_installed_as_the_manual_says",
    ("RELAY.md", "Installing"): "integration/test_install.py::test_a_relay_is_installed_as_the_manual_says",
    ("INSTALL.md", "Five commands"): "install/test_journey.py::test_the_first_woken_server_in_ten_minutes",
    ("HALLCTL.md", "Setting Hall up"): "install/test_journey.py::test_the_first_woken_server_in_ten_minutes",
    ("UPGRADE.md", "Upgrade"): "install/test_journey.py::test_an_upgrade_keeps_what_was_held",
    **{("examples/README.md", part): "install/test_container.py::test_the_examples_are_made_as_the_manual_says"
       for part in ("A site of the server testing", "Dolibarr")},
    ("CONTAINER.md", "Prepare"): "install/test_container.py::test_the_image_is_built_as_the_manual_says",
    ("CONTAINER.md", "Start"): "install/test_container.py::test_hall_its_broker_and_traefik_come_up",
    ("CONTAINER.md", "Afterwards"): "install/test_container.py::test_what_it_had_outlives_a_restart_and_a_new_container",
    ("UPGRADE.md", "Remove"): "install/test_journey.py::test_purge_leaves_nothing",
}

# (page, heading): why no test types its words, and a file with words of it that does the same
EXCEPTIONS = {
    ("README.md", "Try it"): ("fetches the clone in which this test runs; ./test.sh types ./run.sh", "test.sh", "./run.sh --once"),
    ("README.fr.md", "L'essayer"): ("as README.md", "tests/integration/test_readme_languages.py", "test_commands_are_the_same_without"),
    ("AGENT.md", "On other distributions"): ("is for AlmaLinux", "tests/install/test_portable.py",
                                             "test_rpms_install_into_an_empty_root_and_leave_nothing_there"),
    ("CONTRIBUTING.md", "Tests"): ("builds everything once more; ./test.sh does so", "test.sh", "build asan && suite unit"),
    ("CONTRIBUTING.md", "Compilers and processors"): ("the same", "test.sh", 'build_cross "$arch" -DHALL_TESTS=ON'),
    ("CONTRIBUTING.md", "Do the unit tests notice a wrong line?"): ("takes an hour; its own test runs it on a small project",
                                                                    "tests/integration/test_mutate.py", '"tools" / "mutate"'),
    ("examples/README.md", "Back up"): ("needs the databases' own images; test_the_compose_files_are_valid reads what it names",
                                        "tests/integration/test_examples.py", "def test_the_compose_files_are_valid"),
    ("PROXIES.md", "Is everybody asked?"): ("needs Traefik's API", "tests/integration/test_traefik_labels.py", '"--check"'),
}

# (page, heading): what is there before its blocks are typed: the JSON sample below a heading of that page as domains.json, a few
# commands, and what is answered where a command asks
PREPARED = {
    ("README.md", "Your own servers"): {"sample": "Your own servers"},
    ("README.fr.md", "Vos propres serveurs"): {"sample": "Vos propres serveurs"},
    ("POLICIES.md", ""): {"sample": "Always on"},
    ("OPERATIONS.md", "When it is damaged"): {"shell": "sqlite3 /var/lib/hall/hall.db \"VACUUM INTO '/var/lib/hall/hall.db.corrupt.20261122T101505Z'\""},
    ("PROXIES.md", "nginx"): {"shell": "certbot certonly -d erp.example.org"},
    ("PROXIES.md", "Routers and container labels of your own"): {"shell": "mkdir -p /etc/traefik/dynamic"},
    ("examples/README.md", "Hall's machine"): {"shell": "cp examples/domains.json domains.json"},
    ("AGENT.md", "On the bus"): {"shell": "hallctl wake testing --wait"},
    ("DASHBOARD.md", "Open it"): {"answer": "a long enough password\n"},
}

# Commands that may end with a status of their own: nobody puts the server to sleep by hand in between, and no systemd runs.
STATUS = {"hallctl ping testing": (0, 1), "sudo hallctl doctor": (0, 1)}


class Block:
    def __init__(self, page, heading, number, text):
        self.page, self.heading, self.text = page, heading, text
        self.place = (page, heading)
        self.name = f"{page}: {heading or 'top'}, block {number}"

    def lines(self):
        """Each command by itself; a script as a whole."""
        joined = self.text.replace("\\\n", "")
        lines = [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
        whole = self.text.startswith("#!") or any(subprocess.run(["bash", "-n", "-c", line], capture_output=True, check=False).returncode
                                                  for line in lines)
        return [self.text] if whole else lines


def sections(page):
    """(heading, text) of a page, in order; the first has none."""
    for part in re.split(r"^(?=#{2,4} )", page.read_text(encoding="utf-8"), flags=re.M):
        title = re.match(r"#{2,4} (?:\d+\. )?(.+)", part)
        yield title.group(1) if title else "", part


def blocks():
    for page in [*sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]), *sorted((ROOT / "examples").rglob("*.md"))]:
        name = str(page.relative_to(ROOT)).removeprefix("docs/")
        for heading, part in sections(page):
            for number, text in enumerate(BLOCK.findall(part), 1):
                yield Block(name, heading, number, text)


def sample(block, heading):
    page = next(p for p in (ROOT / block.page, ROOT / "docs" / block.page) if p.exists())
    return re.search(r"^```json\n(.*?)^```", dict(sections(page))[heading], re.S | re.M).group(1)


BLOCKS = list(blocks())
HERE = [block for block in BLOCKS if block.place not in TYPED and block.place not in EXCEPTIONS]


def source_of(text, function):
    """That function's lines, its decorators included; "" where there is none."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return "\n".join(text.splitlines()[min([node, *node.decorator_list], key=lambda part: part.lineno).lineno - 1:node.end_lineno])
    return ""


def test_blocks_typed_elsewhere_exist_and_their_tests_read_them():
    places = {block.place for block in BLOCKS}
    assert {*TYPED, *EXCEPTIONS, *PREPARED} <= places, "no such block"
    assert not set(TYPED) & set(EXCEPTIONS)
    for (page, heading), name in TYPED.items():
        file, _, function = name.partition("::")
        text = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert f'{page}"' in text and f'"{heading.removeprefix("By hand: ")}"' in source_of(text, function), (page, heading, name)
    for why, file, words in EXCEPTIONS.values():
        assert words in (ROOT / file).read_text(encoding="utf-8"), (why, file)


class Desk:
    """The Pi, in namespaces of its own."""

    def __init__(self, binary, work):
        self.log = work / "pi.log"
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--net", "--propagation", "private", sys.executable, "-B", ROOT / "tests/integration/docs_pi.py", binary, work],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log.open("w", encoding="utf-8"), text=True)
        assert self.process.stdout.readline() == "ready\n", self.log.read_text(encoding="utf-8")

    def type(self, lines, files, shell, answer):
        self.process.stdin.write(json.dumps({"lines": lines, "files": files, "shell": shell, "answer": answer}) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, self.log.read_text(encoding="utf-8")[-4000:]
        return json.loads(answer)

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(60) == 0, self.log.read_text(encoding="utf-8")[-4000:]


@pytest.fixture(scope="module")
def desk(binary, tmp_path_factory):
    work = tmp_path_factory.mktemp("pi")
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", work], check=True)  # an overlay does not lie on every file system
    work.chmod(0o755)
    desk = None
    try:
        desk = Desk(binary, work)
        yield desk
        desk.close()
    finally:
        if desk and desk.process.poll() is None:
            desk.process.kill()
        subprocess.run(["umount", "-l", work], check=True)


def command_of(line):
    return re.sub(r"\s+#.*", "", line).strip()


@pytest.mark.parametrize("block", HERE, ids=lambda block: block.name)
def test_commands_do_what_the_document_says(block, desk):
    before = PREPARED.get(block.place, {})
    file = {"domains.json": sample(block, before["sample"])} if "sample" in before else {}
    for line, status, output in desk.type(block.lines(), file, before.get("shell", ""), before.get("answer", "")):
        assert status in STATUS.get(command_of(line), (0,)), f"{line}\n{output}"
        assert "not found" not in output, output
