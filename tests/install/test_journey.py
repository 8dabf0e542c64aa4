"""From nothing to the first woken server, on machines as an installer leaves them: docs/INSTALL.md and docs/UPGRADE.md typed with flags in place of
answers, on Debian 12 and on Debian 13. One machine stands in front; the other one has a site, and sleeps by being off: what the
tests run in has no suspend (tests/vm has). The packages come from an apt repository in a folder."""

import json
import re
import shutil
import subprocess
import time

import pytest
import roots
from booted import Booted
from lan import Lan
from process import wait_until
from world import BROWSER, ROOT, http_get

# Of Debian, on either machine; the line that enrols a server installs polkitd there.
BESIDE = ["mosquitto", "nginx-light", "polkitd"]
SITE = "testing.example.org"
MINUTES = 10
COMMANDS = 5


def documented(page, heading):
    """The commands below a heading of that page in docs/, one each, without comments."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.S | re.M).group(1)
    block = "".join(re.findall(r"^```sh\n(.*?)^```", section, re.S | re.M))
    return [re.sub(r"\s+#.*", "", line) for line in re.sub(r"(&&|\\)\n\s*", r"\1 ", block).splitlines() if line]


def answered(words):
    """Nobody answers apt-get."""
    return re.sub(r"(apt-get (?:install|remove|purge)) ", r"\1 -y ", words)


def add_newer(repository, folder, version):
    """The same packages as version, in the repository as package.sh leaves them there."""
    for file in repository.glob("*.deb"):
        if re.match("(hall|hallctl)_", file.name):
            tree = folder / file.stem
            subprocess.run(["dpkg-deb", "-R", file, tree], check=True)
            control = tree / "DEBIAN/control"
            control.write_text(re.sub(r"^Version: .*$", f"Version: {version}", control.read_text(), flags=re.M))
            subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, repository / f"{file.name.split('_')[0]}_{version}_newer.deb"], check=True)
    with (repository / "Packages").open("w") as index:
        subprocess.run(["apt-ftparchive", "packages", "."], cwd=repository, stdout=index, check=True)
    subprocess.run(["gzip", "-9nkf", "Packages"], cwd=repository, check=True)
    named = [word for key, value in (("Origin", "Hall"), ("Label", "Hall"), ("Suite", "hall"))
             for word in ("-o", f"APT::FTPArchive::Release::{key}={value}")]  # others would be another repository to apt
    release = subprocess.run(["apt-ftparchive", *named, "release", "."], cwd=repository, stdout=subprocess.PIPE, check=True).stdout
    (repository / "Release").write_bytes(release)


def edit(path, change):
    model = json.loads(path.read_text(encoding="utf-8"))
    change(model)
    path.write_text(json.dumps(model, indent=2), encoding="utf-8")


class Scene:
    """Both machines, and a visitor on the same LAN. Every command that a person types is counted."""

    def __init__(self, suite, repository, directory):
        self.typed = []
        self.repository, self.directory = repository, directory
        self.archives = roots.fetched(suite, directory / "fetched", ["hall", "hallctl", *BESIDE], repository)
        self.lan = Lan()
        self.pi = self.server = None
        try:
            root = roots.root("fresh", suite)
            self.pi = Booted(root, directory / "pi", self.lan, 10, "02:00:5e:10:0b:10", [(repository, "/srv/hall")])
            self.server = Booted(root, directory / "server", self.lan, 20, "02:00:5e:10:0b:20")
            for machine in (self.pi, self.server):
                shutil.copytree(self.archives, machine.root / "var/cache/apt/archives", dirs_exist_ok=True)
                machine.boot()
            self.server.run("apt-get install -y -q nginx-light")
            (self.server.root / "etc/nginx/conf.d/site.conf").write_text("server { listen 8080; root /srv/site; }\n")
            (self.server.root / "srv/site").mkdir()
            (self.server.root / "srv/site/index.html").write_text("<title>The site</title>\n")
            self.server.run("systemctl reload nginx")
        except BaseException:
            self.close()
            raise

    def type(self, words, on=None, **how):
        self.typed.append(words)
        said = (on or self.pi).run(words, **how)
        print(f"$ {words}\n{said}")
        return said

    def visit(self):
        return http_get(self.pi.address, 80, "/", BROWSER, host=SITE)

    def enroll(self, words):
        """The line that hallctl prints, typed on the server while hallctl waits for it."""
        self.typed.append(words)
        enrolling = self.pi.start(f"exec {words}", f"enroll-{len(self.typed)}.log")

        def printed():
            assert enrolling.alive(), enrolling.log_text()
            found = re.search(r"^ *(\S.*https://.*)$", enrolling.log_text(), re.M)
            return found and found.group(1)

        line = wait_until(printed, 60, "the line to paste")
        self.type(line, on=self.server)
        wait_until(lambda: not enrolling.alive(), 60, "the end of hallctl enroll")
        assert enrolling.popen.returncode == 0, enrolling.log_text()

    def sleeps_by_being_off(self):
        """And soon, once its agent agrees."""
        def sleep_soon(model):
            model["servers"]["testing"]["sleep"] = {"mode": "poweroff", "min_up": "0s"}
            model["domains"][SITE]["policy"] = {"idle": "15s"}

        def leave_out_the_kernel(model):
            """What the agent measures of it is this machine's: all share one."""
            model["activity"] = {"processor": 0, "disk": "off"}

        edit(self.server.root / "etc/hall/agent.json", leave_out_the_kernel)
        self.server.power_off()
        edit(self.pi.root / "var/lib/hall/domains.json", sleep_soon)
        # What is up when Hall begins stays so for a while: it begins once more, with a server that is off.
        self.pi.run("systemctl stop hall && rm /var/lib/hall/hall.db* && systemctl start hall")
        self.server.armed()

    def close(self):
        for machine in (self.pi, self.server):
            if machine:
                machine.close()
        self.lan.close()


# The tests of one release go on from one another, in this order and in one process.
@pytest.fixture(scope="module", params=[pytest.param(suite, marks=pytest.mark.xdist_group(suite)) for suite in roots.SUITES])
def scene(request, repository, tmp_path_factory):
    scene = Scene(request.param, repository(request.param), tmp_path_factory.mktemp(request.param))
    yield scene
    scene.close()


def test_the_first_woken_server_in_ten_minutes(scene, record_property):
    """Install, set up, enrol, and visit a server that is off."""
    began = time.monotonic()
    build, install, setup, enroll = documented("INSTALL.md", "Five commands")
    assert documented("HALLCTL.md", "Setting Hall up") == [setup]
    _, made, repository = build.partition("./package.sh --repo /srv/hall && ")  # the packages are there: see conftest.py
    assert made
    scene.type(repository)
    scene.type(answered(install))
    assert scene.pi.run("systemctl is-active hall").strip() == "active"
    scene.type(setup.replace("192.168.1.20", scene.server.address))
    scene.enroll(enroll)
    scene.sleeps_by_being_off()
    page = scene.visit()
    assert page.status == 503 and "<title>" in page.text(), page
    wait_until(lambda: "The site" in scene.visit().text(), 180, "the site behind nginx")
    minutes = (time.monotonic() - began) / 60
    print(f"install.minutes {minutes:.1f} minutes commands={len(scene.typed)}")
    record_property("install.minutes", f"{minutes:.1f}")
    assert scene.server.boots == 2 and scene.server.packets
    assert len(scene.typed) <= COMMANDS, scene.typed
    assert minutes <= MINUTES


def test_the_agent_vetoes_and_agrees(scene):
    """When nobody uses the site, what runs on the server keeps it on, and is named; after its end the server goes, by its own logind,
    and a visitor wakes it again."""
    scene.server.run("systemd-run --unit=nightly systemd-inhibit --what=shutdown:sleep --who=backup --mode=block sleep 1000")
    wait_until(lambda: "backup" in scene.pi.run("sudo hallctl why testing"), 120, "the veto", pause=0.5)
    assert scene.server.on()
    scene.server.run("systemctl stop nightly")
    scene.server.wait_off()
    wait_until(lambda: "off" in scene.pi.run("sudo hallctl status testing"), 60, "what Hall says of it", pause=0.2)
    wait_until(lambda: "The site" in scene.visit().text(), 180, "the site, once more")


def test_a_refused_configuration_fails_the_reload(scene):
    path = scene.pi.root / "var/lib/hall/domains.json"
    good = path.read_text(encoding="utf-8")
    path.write_text(good.replace('"address"', '"adress"', 1), encoding="utf-8")
    said = scene.pi.run("systemctl reload hall; echo status=$?; systemctl status --no-pager hall; journalctl -n 20 --no-pager -u hall",
                        accept=(0, 3))
    path.write_text(good, encoding="utf-8")
    assert "status=1" in said and "adress" in said, said
    scene.pi.run("systemctl reload hall")


def test_a_relay_is_installed_by_a_line(scene):
    """By the same command as an agent; and it sends a packet that Hall asks for."""
    path = scene.pi.root / "var/lib/hall/domains.json"
    before = path.read_text(encoding="utf-8")
    edit(path, lambda model: model["servers"].update(erp={"address": scene.lan.address(99), "mac": "02:00:5e:10:0b:99",
                                                            "wake": {"relay": "attic"}}))
    scene.pi.run("systemctl reload hall")
    scene.server.run("test ! -e /usr/bin/hall-wol")
    scene.enroll("sudo hallctl enroll --relay attic")
    assert scene.server.run("systemctl is-active hall-wol; systemctl is-enabled hall-wol").split() == ["active", "enabled"]
    scene.pi.run("sudo hallctl wake erp")
    wait_until(lambda: "packet for 02:00:5e:10:0b:99 sent" in scene.server.run("journalctl --no-pager -u hall-wol"), 60, "the packet")
    path.write_text(before, encoding="utf-8")
    scene.pi.run("systemctl reload hall")


def test_doctor_finds_nothing_bad(scene):
    """But a name that only DNS could know, which its command mends, and a card that cannot wake: that of a container."""
    bad = re.findall(r"^bad .*\n +\$ (.*)$", scene.pi.run("sudo hallctl doctor", accept=(1,)), re.M)
    assert len(bad) == 2 and "wol g" in bad[0] and SITE in bad[1], bad
    scene.pi.run(bad[1])
    assert re.findall(r"^bad .*\n +\$ (.*)$", scene.pi.run("sudo hallctl doctor", accept=(1,)), re.M) == bad[:1]


def test_an_upgrade_keeps_what_was_held(scene):
    build, install = documented("UPGRADE.md", "Upgrade")
    assert build == "git pull && ./package.sh --repo /srv/hall"  # a newer package is there: see add_newer()
    scene.pi.run("hallctl hold testing upgrade --for 1h")
    before = scene.pi.run("systemctl show -P MainPID hall")
    add_newer(scene.repository, scene.directory, "9999")
    scene.pi.run(answered(install))
    assert scene.pi.run("dpkg-query -W -f '${Version} ' hall hallctl") == "9999 9999 "
    assert scene.pi.run("systemctl is-active hall").strip() == "active" and scene.pi.run("systemctl show -P MainPID hall") != before
    wait_until(lambda: "upgrade" in scene.pi.run("hallctl why testing", accept=(0, 1, 3)), 60, "the hold", pause=0.2)
    scene.pi.run("hallctl release testing upgrade")


# What the packages of others have in their names, and what may stay: see docs/UPGRADE.md.
ELSEWHERE = re.compile(r"/(proc|sys|dev|srv|run/hall|root|var/cache/apt|var/lib/apt|etc/apt)(/|$)|.*(marshall|shallow|challenge|matchall)")


def test_purge_leaves_nothing(scene):
    """Removed, its data stays. Purged, there is no file, no user, no unit; the proxy and the broker go on without it."""
    remove, purge = documented("UPGRADE.md", "Remove")
    scene.pi.run(answered(remove))
    assert scene.pi.run("systemctl is-active hall; ls /usr/bin/hall* /usr/share/hall", accept=(2,)).splitlines()[0] in ("inactive", "unknown")
    for name in ("var/lib/hall/domains.json", "var/lib/hall/hall.db", "etc/hall/hall.env"):
        assert (scene.pi.root / name).exists(), name
    scene.pi.run(answered(purge))
    there = scene.pi.run("find / -xdev -iname '*hall*' 2>/dev/null; getent passwd hall; true").splitlines()
    assert [path for path in there if not ELSEWHERE.match(path)] == []
    assert scene.pi.run("systemctl is-active nginx mosquitto; systemctl --failed --no-legend").split() == ["active", "active"]
