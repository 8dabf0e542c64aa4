"""examples/: what is there is valid, fits together, and runs: the compose files' projects on a real engine, apart from each other and
within their limits, seen, started and stopped by the agent's own hands. The images are made of busybox under the names used; what the
real ones do inside is theirs."""

import io
import json
import re
import shutil
import subprocess
import tarfile

import pytest
import yaml
from links import hosts, join  # noqa: F401
from process import wait_until
from test_docker import ROOT_ONLY, Engine, Watch, folder  # noqa: F401
from world import ROOT

EXAMPLES = ROOT / "examples"
PROJECTS = {p.parent.name: p for p in sorted([*EXAMPLES.glob("testing/*/compose.yaml"), EXAMPLES / "erp/compose.yaml"])}
FILES = {**PROJECTS, "container": EXAMPLES / "container/compose.yaml"}

# Of the Compose Specification, what the examples use; a key that is not here is a misspelt one.
TOP = {"name", "services", "networks", "volumes", "secrets"}
SERVICE = {"image", "build", "container_name", "restart", "depends_on", "ports", "networks", "environment", "env_file", "secrets", "volumes",
           "healthcheck", "labels", "mem_limit", "cpus", "pids_limit", "security_opt", "stop_grace_period", "network_mode", "command",
           "cap_drop", "cap_add", "read_only", "tmpfs", "user"}
HEALTH = {"test", "interval", "timeout", "retries", "start_period"}
DURATION = re.compile(r"(\d+)s")
SIZE = {"m": 1 << 20, "g": 1 << 30}


def compose(name):
    return yaml.safe_load(FILES[name].read_text(encoding="utf-8"))


def domains():
    return json.loads((EXAMPLES / "domains.json").read_text(encoding="utf-8"))


def configured():
    return {id: project for domain in domains()["domains"].values() for id, project in domain["projects"].items()}


def seconds(text):
    return int(DURATION.fullmatch(text).group(1))


def size(text):
    return int(text[:-1]) * SIZE[text[-1]]


@pytest.mark.parametrize("name", FILES)
def test_the_compose_files_are_valid(name):
    file = compose(name)
    assert file["name"] == (name if name != "container" else "hall") and not file.keys() - TOP
    for service in file["services"].values():
        assert not service.keys() - SERVICE, service.keys() - SERVICE
        assert not service.get("healthcheck", {}).keys() - HEALTH
        for kind in ("networks", "secrets"):
            assert set(service.get(kind, [])) <= set(file.get(kind, {}))
        for volume in service.get("volumes", []):
            source, target = volume.split(":")[:2]
            assert target.startswith("/") and (source[0] in "./" or source in file["volumes"])
        for other, how in service.get("depends_on", {}).items():
            assert how["condition"] == "service_healthy" and file["services"][other]["healthcheck"]
    if shutil.which("docker") and subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0:
        done = subprocess.run(["docker", "compose", "-f", FILES[name], "config", "-q"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", PROJECTS)
def test_each_project_is_limited_healthy_apart_and_known(name):
    file, known = compose(name), configured()[name]
    assert sorted(s["container_name"] for s in file["services"].values()) == sorted(known["containers"])
    for service in file["services"].values():
        assert service["labels"] == {"hall.project": name} and service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"][0] == "CMD" and seconds(service["healthcheck"]["interval"]) > 0
        assert 0 < size(service["mem_limit"]) <= 1 << 30 and 0 < service["cpus"] <= 2 and 0 < service["pids_limit"] <= 256
        assert service["security_opt"] == ["no-new-privileges:true"] and "privileged" not in service
    assert all(not network.get("external") for network in file["networks"].values())
    if "db" in file["services"]:
        assert file["services"]["db"]["networks"] == ["back"] and file["networks"]["back"] == {"internal": True}
        assert "ports" not in file["services"]["db"]
    assert known["upstream"].rsplit(":", 1)[1] == file["services"]["web"]["ports"][0].split(":")[0]


def test_halls_own_files_are_valid(binary):
    done = subprocess.run([binary, "--config", EXAMPLES / "domains.json", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert set(configured()) == set(PROJECTS)
    for server in domains()["servers"]:
        file = EXAMPLES / server / "agent.json"
        done = subprocess.run([binary.with_name("hall-agent"), "--config", file, "--check"], capture_output=True, text=True, check=False)
        assert done.returncode == 0 and json.loads(file.read_text(encoding="utf-8"))["id"] == server, done.stderr


def test_the_container_has_what_a_build_needs(tmp_path):
    """cmake takes the folders that are copied there, with the words that stand there, and the packages are those of run.sh."""
    text = (EXAMPLES / "container/Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    (tmp_path / "src").mkdir()
    for words in re.findall(r"^COPY (?!--)(.+) /src/(\S*)$", text, re.M):
        for source in words[0].split():
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, tmp_path / "src" / words[1])
            else:
                shutil.copy(ROOT / source, tmp_path / "src" / source)
    words = re.search(r"^RUN cmake -S /src -B /build (.+?) +&& cmake --build /build ", text, re.M).group(1).split()
    done = subprocess.run(["cmake", "-S", tmp_path / "src", "-B", tmp_path / "build", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    installed = set(re.search(r"^FROM .* AS build\nRUN .*?--no-install-recommends (.+)$", text, re.M).group(1).split())
    assert installed == set(subprocess.run(["bash", "-c", '. "$1"; echo "${BUILD_PACKAGES[@]}"', "-", ROOT / ".ci/packages.sh"],
                                           capture_output=True, text=True, check=True).stdout.split())


# --- on a real engine ---

INIT = """#!/bin/sh
trap 'exit 0' TERM
mkdir -p /usr/share/nginx/html /run
touch /run/up
httpd -f -p "$1" -h /usr/share/nginx/html &
wait
"""
OUTSIDE = "10.99.0.2"
LIMIT = "/sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes"  # of control groups 2, of 1
UP = "#!/bin/sh\ntest -e /run/up\n"
PORTS = {"nginx": 80, "dolibarr/dolibarr": 80, "postgres": 5432, "mariadb": 3306}


def image_root():
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        tar.add("/bin/busybox", "bin/busybox")
        for name in ("sh", "test", "touch", "mkdir", "httpd", "wget", "nc", "cat", "ip"):
            link = tarfile.TarInfo("bin/" + name)
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        for name, text in (("bin/init", INIT), ("bin/pg_isready", UP), ("bin/healthcheck.sh", UP), ("bin/curl", UP)):
            file = tarfile.TarInfo(name)
            file.mode, file.size = 0o755, len(text)
            tar.addfile(file, io.BytesIO(text.encode()))
    return data.getvalue()


class Namespaced(Engine):
    """In a network of its own, with the firewall rules by which Docker keeps bridges apart."""

    SETTINGS = ("--bridge=none",)


@pytest.fixture
def engine(hosts):  # noqa: F811
    host, outside = hosts("docker"), hosts("outside")
    join(host, "eth0", "10.99.0.1/24", outside, "eth0", f"{OUTSIDE}/24")
    outside.start(["/bin/busybox", "httpd", "-f", "-p", "80"], stdout=subprocess.DEVNULL)
    engine = Namespaced(prefix=["nsenter", f"--net=/run/netns/{host.name}"])  # ip netns would hide the control groups
    try:
        yield filled(engine)
    finally:
        if engine.process.alive():
            for container in engine.must("GET", "/containers/json?all=1"):
                engine.call("DELETE", f"/containers/{container['Id']}?force=1")
        engine.close()


def filled(engine):
    engine.start()
    for image in {s["image"] for name in PROJECTS for s in compose(name)["services"].values()}:
        repository, tag = image.split(":")
        command = json.dumps(["init", str(PORTS[repository])])
        engine.must("POST", f"/images/create?fromSrc=-&repo={repository}&tag={tag}&changes=CMD+{command.replace(' ', '').replace(chr(34), '%22')}",
                    image_root(), "application/x-tar")
    return engine


class Project:
    """What `docker compose up --no-start` makes of a file."""

    def __init__(self, engine, name, place):
        self.engine, self.name, self.file = engine, name, compose(name)
        self.place = place / name
        shutil.copytree(PROJECTS[name].parent, self.place)
        for secret in self.file.get("secrets", {}).values():
            (self.place / secret["file"]).write_text("secret\n", encoding="utf-8")
        for network, how in self.file["networks"].items():
            engine.must("POST", "/networks/create", json.dumps({"Name": f"{name}_{network}", "Internal": how.get("internal", False)}))
        for service, words in self.file["services"].items():
            self._create(service, words)

    def _source(self, volume):
        source, rest = volume.split(":", 1)
        return f"{self.place / source}:{rest}" if source.startswith(".") else f"{self.name}_{source}:{rest}"

    def _create(self, service, words):
        first, *others = [f"{self.name}_{network}" for network in words["networks"]]
        secrets = [f"{self.place / self.file['secrets'][s]['file']}:/run/secrets/{s}:ro" for s in words.get("secrets", [])]
        ports = dict(reversed(port.split(":")) for port in words.get("ports", []))
        body = {
            "Image": words["image"], "Env": [f"{k}={v}" for k, v in words.get("environment", {}).items()],
            "Labels": {**words["labels"], "com.docker.compose.project": self.name, "com.docker.compose.service": service},
            "Healthcheck": {"Test": words["healthcheck"]["test"], "Interval": 10**9, "Timeout": 10**10},  # sooner than the real ones
            "ExposedPorts": {f"{inside}/tcp": {} for inside in ports},
            "HostConfig": {
                "NetworkMode": first, "Binds": [self._source(v) for v in words.get("volumes", [])] + secrets,
                "PortBindings": {f"{inside}/tcp": [{"HostPort": outside}] for inside, outside in ports.items()},
                "RestartPolicy": {"Name": words["restart"]}, "SecurityOpt": words["security_opt"],
                "Memory": size(words["mem_limit"]), "NanoCpus": int(words["cpus"] * 1e9), "PidsLimit": words["pids_limit"]},
            "NetworkingConfig": {"EndpointsConfig": {first: {"Aliases": [service]}}}}
        made = self.engine.must("POST", f"/containers/create?name={words['container_name']}", json.dumps(body))
        assert not made["Warnings"], made
        for network in others:
            self.engine.must("POST", f"/networks/{network}/connect", json.dumps(
                {"Container": made["Id"], "EndpointConfig": {"Aliases": [service]}}))

    def containers(self):
        return configured()[self.name]["containers"]


def inspect(engine, container):
    return engine.must("GET", f"/containers/{container}/json")


def inside(engine, container, *command):
    """The exit status of a command in a container, and what it said."""
    made = engine.must("POST", f"/containers/{container}/exec", json.dumps({"Cmd": command, "AttachStdout": True, "Tty": True}))
    said = engine.must("POST", f"/exec/{made['Id']}/start", json.dumps({"Tty": True}))
    wait_until(lambda: not engine.must("GET", f"/exec/{made['Id']}/json")["Running"], 60, f"{command} in {container}")
    return engine.must("GET", f"/exec/{made['Id']}/json")["ExitCode"], said


def reached(engine, here, places):
    """Which of these (address, port) a container reaches, all tried at once."""
    tries = " ".join(f"(nc -w 3 {address} {port} </dev/null >/dev/null 2>&1 && echo {address}:{port}) &" for address, port in places)
    said = inside(engine, here, "sh", "-c", f"{tries} wait")[1].decode()
    return {(address, port) for address, port in places if f"{address}:{port}" in said.split()}


def places(engine, project):
    """All addresses of a project's containers, with the port that is served there."""
    return {(at["IPAddress"], PORTS[there["Config"]["Image"].split(":")[0]])
            for there in (inspect(engine, container) for container in project.containers())
            for at in there["NetworkSettings"]["Networks"].values()}


@ROOT_ONLY
def test_the_projects_run_apart_within_their_limits_by_the_agents_hand(engine, folder, tmp_path):  # noqa: F811
    projects = {name: Project(engine, name, tmp_path) for name in PROJECTS}
    watch = Watch(engine.socket, folder)
    watch.up()
    for name, project in projects.items():
        for container in project.containers():
            watch.sees(container, project=name)
        watch.carry_out("start", name, *project.containers())
        for container in project.containers():
            watch.sees(container, project=name, state="running", health="healthy")
    # Limits.
    for name, project in projects.items():
        for words in project.file["services"].values():
            host = inspect(engine, words["container_name"])["HostConfig"]
            assert (host["Memory"], host["PidsLimit"]) == (size(words["mem_limit"]), words["pids_limit"])
            said = inside(engine, words["container_name"], "sh", "-c", f"cat {LIMIT} 2>/dev/null")[1]
            assert said.strip() == str(size(words["mem_limit"])).encode(), said
    # Each site reaches its own database and the world, and nothing of another project; a database nothing but its own network.
    world = (OUTSIDE, 80)
    served = {name: places(engine, project) for name, project in projects.items()}
    everything = set().union(*served.values(), {world})
    for name, project in projects.items():
        assert reached(engine, f"{name}-web", everything) == served[name] | {world}, name
        if "db" in project.file["services"]:
            own = reached(engine, f"{name}-db", everything)
            assert world not in own and own < served[name], (name, own)
    # One is stopped; the others go on.
    watch.carry_out("stop", "client2", *projects["client2"].containers())
    for container in projects["client2"].containers():
        watch.sees(container, state="exited")
    watch.shows("client1-web", state="running", health="healthy")
    watch.shows("erp-db", state="running", health="healthy")
    watch.close()
