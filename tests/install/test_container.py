"""Hall in containers: docs/CONTAINER.md typed on a real engine, and a visitor who wakes a server through the three of them. No registry
is asked: the image's base is a root of Debian 13 with nothing but apt, those of the broker and the proxy have Debian's Mosquitto and
the pinned Traefik under the names used."""

import http.client
import json
import os
import re
import shutil
import ssl
import subprocess
import time
from pathlib import Path

import peers
import pytest
import roots
import yaml
from lan import Lan
from process import wait_until
from test_docker import Engine
from world import BROWSER, ROOT, Sim, http_get

pytestmark = pytest.mark.xdist_group("container")  # they go on from one another

SITE = "testing.example.org"
MAC = "02:00:5e:10:0c:20"
CLIENT = ["docker-cli", "docker-compose"]  # Debian 12 has no Compose that reads these files; both programs run there
SLIM = """export SUDO_FORCE_REMOVE=yes
apt-mark auto '~i' >/dev/null; apt-mark manual apt tzdata debian-archive-keyring >/dev/null
apt-get autoremove --purge -qq -y; apt-get clean; rm -rf /var/lib/apt/lists/*"""
# As in Debian's images: what apt fetched does not stay.
CLEAN = 'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };\nDir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";\n'
SERVER = {"id": "testing", "broker": {"base": "hall"}, "agent": False, "boot_s": 0.5, "keepalive": 5,
          "sites": [{"id": "site", "title": "The site", "path": None, "port": 8080, "containers": []}]}


def sections(page="docs/CONTAINER.md"):
    """The commands below each heading."""
    page = (ROOT / page).read_text(encoding="utf-8")
    parts = (re.split(r"\n", part, maxsplit=1) for part in re.split(r"^## ", page, flags=re.M)[1:])
    return {title: [line for block in re.findall(r"^```sh\n(.*?)^```", text, re.S | re.M) for line in block.splitlines()] for title, text in parts}


class Images(Engine):
    STORAGE = "overlay2"

    def loaded(self, name, root):
        """An image of what tar writes of a folder."""
        with subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE) as tar:
            repository, tag = name.split(":")
            self.must("POST", f"/images/create?fromSrc=-&repo={repository}&tag={tag}", tar.stdout, "application/x-tar")


class Place:
    """A Pi with an engine, in a network of its own once the images are there; a clone; and a server that sleeps."""

    def __init__(self, directory):
        self.directory, self.lan, self.sim, self.holder = directory, Lan(), None, None
        self.engine = Images()
        self.clone = directory / "clone"
        self.here = self.clone
        self.spent = {}
        try:
            roots.copy_of_the_tree(self.clone)
            self.engine.start()
            self._base()
        except BaseException:
            self.close()
            raise

    def _base(self):
        with roots.overlay(roots.root("fresh", "trixie"), self.directory / "base") as root:
            roots.inside(root, "sh", "-ec", SLIM)
            (root / "etc/apt/apt.conf.d/docker-clean").write_text(CLEAN)
            (root / "etc/apt/apt.conf.d/90proxy").write_text(roots.run("apt-config", "dump", "Acquire::http::Proxy"))
            self.engine.loaded("debian:trixie-slim", root)
            shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
            roots.inside(root, "sh", "-ec", f"cd /tmp; apt-get update -qq; apt-get download -qq {' '.join(CLIENT)}")
            for package in (root / "tmp").glob("*.deb"):
                roots.run("dpkg-deb", "-x", package, self.directory / "client")
        plugins = self.directory / "docker/cli-plugins"
        plugins.mkdir(parents=True)
        (plugins / "docker-compose").symlink_to(self.directory / "client/usr/libexec/docker/cli-plugins/docker-compose")

    def build(self, name, dockerfile, **files):
        folder = self.directory / "images" / name.split(":")[0]
        folder.mkdir(parents=True)
        for file, source in files.items():
            shutil.copy(source, folder / file)
        (folder / "Dockerfile").write_text(dockerfile)
        self.type(f"docker build -t {name} {folder}")

    def type(self, line, accept=(0,), answer=""):
        """A line of the document. Every user of this Pi is root, no terminal is there, and only its own network reaches Debian."""
        line = re.sub(r"\bsudo ", "", line).replace("docker build", "docker build --network host").replace(" -it ", " -i ")
        if line.startswith("cd "):
            self.here = self.here / line[3:]
            return ""
        env = {"PATH": f"{self.directory}/client/usr/bin:/usr/sbin:/usr/bin:/sbin:/bin", "DOCKER_HOST": f"unix://{self.engine.socket}",
               "DOCKER_CONFIG": str(self.directory / "docker"), "DOCKER_BUILDKIT": "0", "HOME": str(self.directory)}
        began = time.monotonic()
        done = subprocess.run([*self.engine.prefix, "sh", "-c", line], input=answer, cwd=self.here, env=env, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=600, check=False)
        print(f"$ {line}\n{done.stdout[-2000:]}({time.monotonic() - began:.1f} s)")
        assert done.returncode in accept, f"{line}: {done.returncode}\n{done.stdout[-4000:]}"
        return done.stdout

    def plug(self):
        """The engine goes on in the Pi's network; the server gets its card."""
        self.engine.stop()
        self.holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo up; exec sleep infinity"], stdout=subprocess.PIPE)
        assert self.holder.stdout.readline() == b"up\n"
        self.lan.attach(self.holder.pid, "02:00:5e:10:0c:10")
        self.engine.prefix = ["nsenter", "-t", str(self.holder.pid), "-n"]
        self.address = self.lan.address(10)
        for words in ("link set lo up", f"addr add {self.address}/24 broadcast {self.lan.broadcast} dev eth0", "link set eth0 up"):
            subprocess.run([*self.engine.prefix, "ip", *words.split()], check=True)
        self.engine.start()
        self.sim = Sim(self.lan, {**SERVER, "nic": self.lan.nic(20, MAC), "busy_file": str(self.directory / "busy")}, self.directory / "server.log")

    def container(self, name):
        return self.engine.must("GET", f"/containers/{name}/json")

    def healthy(self, *names):
        for name in names:
            wait_until(lambda n=name: self.container(n)["State"]["Health"]["Status"] == "healthy", 60, f"{name}: {self.container(name)['State']}")

    def visit(self):
        """The status and the text, by HTTPS."""
        connection = http.client.HTTPSConnection(self.address, 443, timeout=60, context=ssl._create_unverified_context())
        try:
            connection.request("GET", "/", headers={**BROWSER, "Host": SITE})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def close(self):
        if self.engine.process and self.engine.process.alive():
            for container in self.engine.must("GET", "/containers/json?all=1"):
                self.engine.call("DELETE", f"/containers/{container['Id']}?force=1")
        self.engine.close()
        if self.sim:
            self.sim.stop()
        if self.holder:
            self.holder.kill()
            self.holder.wait()
        self.lan.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("container"))
    yield place
    place.close()


def fill_in(place, passwords, digest):
    """What the document says of each file."""
    here = place.here
    hall = dict(line.split() for line in passwords.splitlines() if re.fullmatch(r"\w+ \S{20,}", line))["hall"]
    wanted = {"HALL_MQTT_PASSWORD": hall, "HALL_SECRET_KEY": "5" * 64, "HALL_ADMIN_PASSWORD_HASH": f"'{digest}'"}
    text = (here / "hall.env").read_text(encoding="utf-8")
    for key, value in wanted.items():
        text, times = re.subn(rf"^{key}=$", lambda _, k=key, v=value: f"{k}={v}", text, flags=re.M)
        assert times == 1, key
    (here / "hall.env").write_text(text, encoding="utf-8")
    file = here / "state/domains.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    config["servers"] = {"testing": {"address": place.lan.address(20), "mac": MAC, "wake": {"broadcast": place.lan.broadcast}}}
    config["proxy"] = {"resolver": "none"}
    config["domains"] = {SITE: {"server": "testing", "upstream": f"http://{place.lan.address(20)}:8080"}}
    file.write_text(json.dumps(config), encoding="utf-8")


def test_the_image_is_built_as_the_manual_says(place):
    """It is small, and starts as the package does: with an empty configuration, as a user without rights."""
    began = time.monotonic()
    build, *_ = sections()["Prepare"]
    place.type(build)
    image = place.engine.must("GET", "/images/hall/json")
    base = place.engine.must("GET", "/images/debian:trixie-slim/json")
    print(f"container.build {time.monotonic() - began:.0f} s, {(image['Size'] - base['Size']) / 1e6:.0f} MB beyond its base")
    assert image["Size"] - base["Size"] < 60e6
    assert image["Config"]["User"] == "hall"
    started = place.type("docker run -d --name empty --network none --read-only --cap-drop ALL hall").strip()
    assert len(started) == 64
    place.healthy("empty")
    said = place.type("docker exec empty sh -c 'id -u; grep -E \"^(Cap|NoNewPrivs)\" /proc/1/status; ls -ld /var/lib/hall /var/lib/hall/domains.json'")
    assert said.startswith("900\n") and not re.search(r"CapEff:\t0*[1-9a-f]", said), said
    assert re.search(r"^drwx------ .* hall hall .*/var/lib/hall$", said, re.M) and re.search(r"^-rw------- .*domains.json$", said, re.M), said
    place.type("docker exec empty hallctl --version && docker rm -f empty")


def test_no_secret_gets_near_the_image(place):
    """What the build is sent is what the Containerfile copies."""
    text = (place.clone / "examples/container/Containerfile").read_text(encoding="utf-8")
    copied = {word for words in re.findall(r"^COPY (?!--)(.+) \S+$", text, re.M) for word in words.split()}
    allowed = set(re.findall(r"^!(\S+)$", (place.clone / ".dockerignore").read_text(encoding="utf-8"), re.M))
    assert allowed == copied


@pytest.mark.parametrize("file", sorted((ROOT / "examples").rglob("compose.yaml")), ids=lambda file: file.parent.name)
def test_compose_takes_the_examples(place, file):
    """With the secrets that are made by hand."""
    (place.clone / "examples/container/hall.env").touch()
    place.type(f"docker compose -f {place.clone / file.relative_to(ROOT)} config -q")


def test_hall_its_broker_and_traefik_come_up(place):
    parts = sections()
    place.build("eclipse-mosquitto:2", "FROM debian:trixie-slim\nRUN apt-get update -qq && apt-get install -qq -y --no-install-recommends mosquitto "
                "netcat-openbsd && groupmod -g 1883 mosquitto && usermod -u 1883 mosquitto\n")
    place.build("traefik:v3.7", 'FROM eclipse-mosquitto:2\nCOPY traefik /traefik\nENTRYPOINT ["/traefik"]\n', traefik=peers.traefik())
    place.plug()
    passwords = digest = ""
    for line in parts["Prepare"][1:]:
        line = re.sub(r"/etc/sysctl.d/?", f"{place.directory}/", line)  # of the whole machine
        answer = "a long enough password\n" if "hash-password" in line else ""
        said = place.type(line, answer=answer)
        passwords, digest = (said if "make-users" in line else passwords), (said.strip().splitlines()[-1] if answer else digest)
    fill_in(place, passwords, digest)
    up, status, look = parts["Start"]
    place.type(up)
    place.healthy("hall", "hall-traefik")
    assert "hall-traefik" in place.type(status)
    assert "testing" in place.type(look)
    assert f"HALL_ADMIN_PASSWORD_HASH={digest}" in place.container("hall")["Config"]["Env"]


def test_each_has_no_more_rights_than_it_needs(place):
    wanted = {"hall": ("900", 0), "hall-mosquitto": ("1883", 0), "hall-traefik": ("0", 1 << 10)}  # CAP_NET_BIND_SERVICE
    for name, (user, rights) in wanted.items():
        found = place.container(name)
        status = Path(f"/proc/{found['State']['Pid']}/status").read_text(encoding="ascii")
        assert re.search(rf"^Uid:\t{user}\t", status, re.M) and re.search(r"^NoNewPrivs:\t1$", status, re.M), (name, status)
        assert int(re.search(r"^CapEff:\t(\w+)$", status, re.M).group(1), 16) & ~rights == 0, (name, status)
        assert found["HostConfig"]["ReadonlyRootfs"] and found["HostConfig"]["Memory"] > 0 and found["HostConfig"]["NetworkMode"] == "host"


def test_a_visitor_wakes_a_sleeping_server_and_lands(place):
    assert place.sim.frames() == []
    wait_until(lambda: place.visit()[0] == 503, 60, "the waiting page by Traefik, which asks Hall for its routes", pause=0.2)
    wait_until(lambda: "This is the site itself" in place.visit()[1], 60, "the site", pause=0.1)
    assert place.sim.frames(), "no magic packet was on the wire"
    place.healthy("hall-mosquitto")
    moved = http_get(place.address, 80, "/", BROWSER, host=SITE)
    assert moved.status in (301, 308) and moved.headers["Location"] == f"https://{SITE}/"


def test_what_it_had_outlives_a_restart_and_a_new_container(place):
    """SIGTERM ends it in time and in good order."""
    check, reload, logs, restart = sections()["Afterwards"]
    place.type(check)
    place.type(reload)
    place.type("docker compose exec hall hallctl hold testing nightly --for 2h")
    began = time.monotonic()
    place.type("docker compose stop hall")
    ended = place.container("hall")["State"]
    assert ended["ExitCode"] == 0 and time.monotonic() - began < 15, ended
    place.type("docker compose start hall")
    place.type(restart)
    place.type("docker compose down")
    place.type("docker compose up -d")
    place.healthy("hall")
    wait_until(lambda: "nightly" in place.type("docker compose exec hall hallctl why testing"), 60, "the hold")
    assert "error" not in place.type(logs), place.type(logs)


@pytest.mark.parametrize(("heading", "folder"), [("A site of the server testing", "testing/client1"), ("Dolibarr", "erp")])
def test_the_examples_are_made_as_the_manual_says(place, heading, folder):
    """And not started: the images are only of their names. test_examples.py starts them."""
    place.here, here = place.clone / "examples", place.here
    made = yaml.safe_load((place.clone / "examples" / folder / "compose.yaml").read_text(encoding="utf-8"))
    for service in made["services"].values():
        place.type(f"docker tag hall {service['image']}")
    for line in sections("examples/README.md")[heading]:
        place.type(line.replace("up -d", "up --no-start"))
    for name, secret in made["secrets"].items():
        file = place.here / secret["file"]
        assert file.stat().st_mode & 0o777 == 0o600 and len(file.read_text(encoding="ascii")) > 40, name
    ignored = subprocess.run(["git", "check-ignore", "--no-index", "-q", *(f"examples/{folder}/{s['file']}" for s in made["secrets"].values())], cwd=ROOT,
                             check=False)
    assert ignored.returncode in (0, 128)  # 128: no history is here
    for service in made["services"].values():
        found = place.container(service["container_name"])
        assert found["State"]["Status"] == "created" and found["Config"]["Labels"]["hall.project"] == made["name"]
        assert {name.removeprefix(f"{made['name']}_") for name in found["NetworkSettings"]["Networks"]} == set(service["networks"])
    place.here = here


def test_a_refused_configuration_is_answered(place):
    _, reload, _, _ = sections()["Afterwards"]
    file = place.here / "state/domains.json"
    good = file.read_text(encoding="utf-8")
    file.write_text(good.replace('"address"', '"adress"'), encoding="utf-8")
    assert "adress" in place.type(reload, accept=(1, 4))
    file.write_text(good, encoding="utf-8")
    place.type(reload)
