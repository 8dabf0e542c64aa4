"""Every command of the documents is typed: each ```sh block of README.md, README.fr.md and docs/*.md is run here on a Pi of
its own (docs_pi.py), or by the test that TYPED names, or is one of the few EXCEPTIONS. A block in neither is run here."""

import importlib
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.S | re.M)

# (page, heading): the test that types all blocks below that heading
TYPED = {
    **{("SERVICE.md", f"By hand: {part}"): "test_install.test_hall_is_installed_as_the_manual_says"
       for part in ("build", "the broker", "user, files and secrets", "start")},
    ("AGENT.md", "On Debian"): "test_install.test_an_agent_is_installed_as_the_manual_says",
    ("AGENT.md", "Its files and the service"): "test_install.test_an_agent_is_installed_as_the_manual_says",
    ("RELAY.md", "Installing"): "test_install.test_a_relay_is_installed_as_the_manual_says",
}

# (page, heading): why no test of these types it
EXCEPTIONS = {
    ("README.md", "Try it"): "./test.sh types both: itself, and ./run.sh as its part demo",
    ("AGENT.md", "On other distributions"): "is typed on AlmaLinux, which no test of these has; test_portable.py installs both",
    ("PROXIES.md", "Is everybody asked?"): "needs Traefik's API: test_traefik_labels.py asks it",
    ("INSTALL.md", "Five commands"): "tests/install types them on machines booted for it",
    ("HALLCTL.md", "Setting Hall up"): "tests/install types it on machines booted for it",
    ("UPGRADE.md", "Upgrade"): "tests/install types it on machines booted for it",
    ("UPGRADE.md", "Remove"): "tests/install types it on machines booted for it",
    **{("CONTAINER.md", part): "tests/install/test_container.py types it on an engine of its own" for part in ("Prepare", "Start", "Afterwards")},
    ("SERVICE.md", "By hand: remove"): "ends the Pi that the others type on",
    ("README.fr.md", "L'essayer"): "as README.md",
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
    for page in sorted([*ROOT.glob("README*.md"), *(ROOT / "docs").glob("*.md")]):
        for heading, part in sections(page):
            for number, text in enumerate(BLOCK.findall(part), 1):
                yield Block(page.name, heading, number, text)


def sample(block, heading):
    page = next(p for p in (ROOT / block.page, ROOT / "docs" / block.page) if p.exists())
    return re.search(r"^```json\n(.*?)^```", dict(sections(page))[heading], re.S | re.M).group(1)


BLOCKS = list(blocks())
HERE = [block for block in BLOCKS if block.place not in TYPED and block.place not in EXCEPTIONS]


def test_blocks_typed_elsewhere_exist_and_their_tests_read_them():
    places = {block.place for block in BLOCKS}
    assert {*TYPED, *EXCEPTIONS, *PREPARED} <= places, "no such block"
    assert not set(TYPED) & set(EXCEPTIONS)
    for (page, heading), name in TYPED.items():
        module, _, function = name.partition(".")
        source = inspect.getsource(getattr(importlib.import_module(module), function))
        assert f'"{page}"' in source and f'"{heading.removeprefix("By hand: ")}"' in source, (page, heading, name)


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
