"""The packages in a root of their own, without a system that runs: installed, upgraded, removed, purged, and put over an
installation by hand. What lintian says of them, and that they are the same bytes wherever they are built."""

import hashlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "tests/demo")]

import roots  # noqa: E402
from debroot import release  # noqa: E402

BUILD = ROOT / os.environ.get("HALL_BUILD", "build")
NAMES = ["hall", "hall-agent", "hall-wol", "hallctl"]
UNITS = ["hall", "hall-agent", "hall-wol"]
LIBRARIES = ["libcivetweb1", "libsodium23", "libcjson1", "libmosquitto1", "libsqlite3-0"]
HAND = Path(__file__).parent / "by_hand"  # units as the manual once had them copied
COMMIT = {"SOURCE_DATE_EPOCH": "1796076870"}


def run(*argv, **how):
    done = subprocess.run(argv, capture_output=True, text=True, check=False, **how)
    assert done.returncode == 0, f"{argv}: {done.stdout[-4000:]}{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """Packs what is built, as this version; gives the file of each package."""
    made = {}

    def pack(version):
        if version not in made:
            folder = tmp_path_factory.mktemp("packed")
            run("cpack", "--config", BUILD / "CPackConfig.cmake", "-B", folder, "-D", f"CPACK_PACKAGE_VERSION={version}", cwd=BUILD,
                env={**os.environ, **COMMIT})
            made[version] = {re.match(r"[a-z-]+", file.name).group(): file for file in folder.glob("*.deb")}
        return made[version]

    return pack


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """What the packages need of Debian."""
    return roots.fetched(release(), tmp_path_factory.mktemp("fetched"), LIBRARIES)


@pytest.fixture
def root(tmp_path, archives):
    """A fresh Debian; what is done in it is gone after the test."""
    lower, place = roots.root("fresh", release()), tmp_path / "root"
    run("mount", "-t", "tmpfs", "tmpfs", tmp_path)
    try:
        for name in ("upper", "work", "root"):
            (tmp_path / name).mkdir()
        run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={lower},upperdir={tmp_path}/upper,workdir={tmp_path}/work", place)
        (place / "pk").mkdir()
        shutil.copytree(archives, place / "var/cache/apt/archives", dirs_exist_ok=True)
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=False)
        run("umount", "-l", tmp_path)


def inside(root, *argv):
    """What a program says in the root, without a system that runs and without a network."""
    done = subprocess.run(["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-ec",
                           'mount -t proc proc "$0/proc"; mount --bind /dev "$0/dev"; exec chroot "$0" "$@"', root, *argv],
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, f"{argv}: {done.stdout[-4000:]}"
    return done.stdout


def install(root, files):
    """As `apt-get install ./*.deb` does; what they need lies in apt's cache."""
    for file in files:
        shutil.copy(file, root / "pk")
    return inside(root, "apt-get", "install", "-q", "-y", "--no-install-recommends", "--allow-downgrades",
                        *(f"/pk/{file.name}" for file in files))


def owned(root, name):
    return inside(root, "stat", "-c", "%U %G %a", name).strip()


def all_files(root):
    names = inside(root, "sh", "-c", "find /etc /usr /var /home /root -path /var/lib/dpkg -prune -o -path /var/lib/apt -prune -o "
                         "-path /var/cache -prune -o -path /var/log -prune -o -print")
    return set(names.splitlines())


def users(root):
    return {line.split(":")[0] for name in ("passwd", "group") for line in (root / "etc" / name).read_text().splitlines()}


def test_they_say_what_lintian_wants(packed):
    done = subprocess.run(["lintian", "--allow-root", *packed("1.0").values()], capture_output=True, text=True, check=False)
    assert [line for line in done.stdout.splitlines() if line[:2] in ("E:", "W:")] == []
    assert done.returncode == 0, done.stdout + done.stderr


def test_they_say_who_made_them(packed):
    """As cmake/owner.cmake has it."""
    owner = [run(ROOT / "cmake/owner.sh", name).strip() for name in ("HALL_MAINTAINER", "HALL_HOMEPAGE")]
    for name, file in packed("1.0").items():
        assert run("dpkg-deb", "-f", file, "Maintainer", "Homepage").splitlines() == [f"Maintainer: {owner[0]}", f"Homepage: {owner[1]}"], name


def test_from_the_first_to_the_last(root, packed):
    """Installed, upgraded with what was changed kept, removed with the data kept, purged with nothing left."""
    inside(root, "apt-get", "install", "-q", "-y", "--no-install-recommends", *LIBRARIES)
    before, users_before = all_files(root), users(root)

    install(root, packed("1.0").values())
    assert owned(root, "/etc/hall") == "root root 755"
    assert owned(root, "/var/lib/hall") == "hall hall 700"
    assert owned(root, "/var/lib/hall/domains.json") == "hall hall 600"
    assert "ok: 0 servers, 0 domains" in inside(root, "setpriv", "--reuid=hall", "--regid=hall", "--clear-groups", "hall", "--check")
    for name in UNITS:
        assert (root / f"etc/systemd/system/multi-user.target.wants/{name}.service").is_symlink()
    assert "hall-agent" in users(root)

    config = root / "var/lib/hall/domains.json"
    config.write_text('{"servers": {}, "domains": {}, "timezone": "Europe/Paris"}')
    for name in ("hall.env", "agent.json", "agent.env", "relay.json", "relay.env"):
        (root / "etc/hall" / name).write_text("kept")
    inside(root, "systemctl", "disable", "hall-wol")
    install(root, packed("1.1").values())
    assert "Paris" in config.read_text() and owned(root, "/var/lib/hall/domains.json") == "hall hall 600"
    assert owned(root, "/etc/hall/hall.env") == "root root 600"
    assert not (root / "etc/systemd/system/multi-user.target.wants/hall-wol.service").is_symlink()  # what an administrator chose

    inside(root, "dpkg", "--remove", *NAMES)
    assert config.exists() and (root / "etc/hall/hall.env").exists() and not (root / "usr/bin/hall").exists()
    inside(root, "dpkg", "--purge", "hall")
    assert not (root / "var/lib/hall").exists() and not (root / "etc/hall/hall.env").exists()
    assert (root / "etc/hall/agent.env").read_text() == "kept"  # another's
    inside(root, "dpkg", "--purge", "hall-agent", "hall-wol")
    left = all_files(root) - before
    assert left == set() and users(root) == users_before


MADE = "# Made from domains.json by: hallctl proxy-config\n"
EXTRA = 'EXTRAOPTS="-S /run/haproxy-master.sock -f /etc/haproxy/hall.cfg"\n'
SETUPS = {  # what setup writes for others
    "etc/nginx/conf.d/hall.conf": MADE, "etc/caddy/hall": MADE + "(hall_gate) {\n}\n", "etc/haproxy/hall.cfg": MADE, "etc/haproxy/hall.lua": "--\n",
    "etc/mosquitto/conf.d/hall.conf": (ROOT / "broker-conf/mosquitto.conf").read_text(), "etc/mosquitto/acl": "", "etc/mosquitto/passwords": "",
    **{f"etc/mosquitto/certs/{name}": "" for name in ("ca.key", "ca.crt", "server.key", "server.crt", "server.names")}}
OTHERS = {"etc/caddy/Caddyfile": ":8123 {\n\trespond own\n}\n%simport hall\n", "etc/default/haproxy": "CONFIG=own\n" + EXTRA,
          "etc/mosquitto/mosquitto.conf": "include_dir /etc/mosquitto/conf.d\n", "etc/mosquitto/certs/README": "",
          "etc/traefik/traefik.yml": "own"}


@pytest.mark.parametrize("used", [False, True], ids=["by nobody else", "by others too"])
def test_a_purge_takes_back_what_setup_wrote(root, packed, used):
    """A real Caddy judges what is left."""
    install(root, [packed("1.0")["hall"]])
    shutil.copy(shutil.which("caddy"), root / "usr/bin/caddy")
    for name, text in (SETUPS | OTHERS).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text.replace("%s", ":8124 {\n\timport hall_gate\n}\n" if used else ""))
    if used:
        (root / "etc/mosquitto/conf.d/own.conf").write_text("listener 1884\npassword_file /etc/mosquitto/passwords\n")
    said = inside(root, "dpkg", "--purge", "hall")
    left = {name for name in SETUPS if (root / name).exists()}
    caddyfile = (root / "etc/caddy/Caddyfile").read_text()
    if used:
        assert left == {name for name in SETUPS if name == "etc/caddy/hall" or re.match("etc/mosquitto/[acp]", name) and "conf.d" not in name}
        assert "import hall\n" in caddyfile and "/etc/caddy/hall stays" in said and "passwords and certs in /etc/mosquitto stay" in said
    else:
        assert left == set() and caddyfile == ":8123 {\n\trespond own\n}\n"
    assert (root / "etc/default/haproxy").read_text() == "CONFIG=own\n"
    assert all((root / name).exists() for name in OTHERS) and not list((root / "etc").rglob("*.purged"))


def by_hand(root, unit):
    """What docs/INSTALL.md had people type before there were packages; systemctl enabled the unit."""
    script = """
    useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin hall
    install -d -o hall -g hall -m 750 /etc/hall
    install -d -o hall -g hall -m 700 /var/lib/hall
    echo '{"servers": {}, "domains": {}, "timezone": "Asia/Tokyo"}' >/etc/hall/domains.json
    chown hall:hall /etc/hall/domains.json; chmod 640 /etc/hall/domains.json
    echo HALL_MQTT_PASSWORD=secret >/etc/hall/hall.env; chown hall:hall /etc/hall/hall.env; chmod 600 /etc/hall/hall.env
    install -d -o hall -g hall -m 700 /etc/hall/keys; echo key >/etc/hall/keys/nas; chown hall:hall /etc/hall/keys/nas
    echo old >/usr/bin/hall
    systemctl enable hall
    """
    (root / "etc/systemd/system/hall.service").write_text(unit)
    inside(root, "sh", "-ec", script)


def test_an_installation_by_hand_is_taken_over(root, packed):
    by_hand(root, (HAND / "hall.service").read_text())
    passwd = (root / "etc/passwd").read_text()
    install(root, [packed("1.0")["hall"]])
    assert "Tokyo" in (root / "var/lib/hall/domains.json").read_text() and not (root / "etc/hall/domains.json").exists()
    assert owned(root, "/var/lib/hall/domains.json") == "hall hall 600"
    assert owned(root, "/etc/hall") == "root root 755"
    assert owned(root, "/etc/hall/hall.env") == "root root 600" and "secret" in (root / "etc/hall/hall.env").read_text()
    assert owned(root, "/etc/hall/keys/nas").startswith("hall hall")
    system = root / "etc/systemd/system"
    assert not (system / "hall.service").exists() and (system / "hall.service.by-hand").exists()
    assert os.readlink(system / "multi-user.target.wants/hall.service").endswith("/lib/systemd/system/hall.service")
    assert (root / "etc/passwd").read_text() == passwd
    inside(root, "dpkg", "--purge", "hall")
    assert not (root / "etc/hall").exists() and not (system / "hall.service.by-hand").exists()


def test_a_unit_that_was_changed_stays_with_its_configuration(root, packed):
    by_hand(root, (HAND / "hall.service").read_text().replace("MemoryMax=128M", "MemoryMax=256M"))
    said = install(root, [packed("1.0")["hall"]])
    assert "256M" in (root / "etc/systemd/system/hall.service").read_text()
    assert "Tokyo" in (root / "etc/hall/domains.json").read_text() and not (root / "var/lib/hall/domains.json").exists()
    assert "hall.service stays" in said and "no configuration is moved" in said


def test_a_masked_unit_is_no_installation_by_hand(root, packed):
    """An administrator who does not want it started yet: the configuration is made all the same."""
    unit = root / "etc/systemd/system/hall.service"
    unit.symlink_to("/dev/null")
    said = install(root, [packed("1.0")["hall"]])
    assert os.readlink(unit) == "/dev/null" and owned(root, "/var/lib/hall/domains.json") == "hall hall 600"
    assert "stays" not in said and "no configuration is moved" not in said


# What the manual had people copy to /etc before there were packages, up to this commit.
LAST_BY_HAND = "7fe977abb8ea0fb81153f9d61e0ce2fa1ecf95d4"
COPIED = {"hall-mqtt/systemd/hall.service": "hall", "bridges/agent/hall-agent.service": "hall-agent", "bridges/agent/50-hall-agent.rules": "hall-agent",
          "bridges/relay/hall-wol.service": "hall-wol", "hall-mqtt/systemd/growing-pauses.conf": "hall"}


@pytest.mark.history
@pytest.mark.parametrize("file", COPIED)
def test_every_version_that_was_copied_by_hand_is_known(file):
    """So that the package puts it aside."""
    git = ["git", "-c", f"safe.directory={ROOT}", "-C", ROOT]
    known = (ROOT / f"cmake/packaging/deb/{COPIED[file]}.sh").read_text(encoding="utf-8")
    named = run(*git, "log", "--follow", "--name-only", "--format=%H", LAST_BY_HAND, "--", file).split()
    assert len(named) >= 2
    for commit, name in zip(named[::2], named[1::2]):
        copied = subprocess.run([*git, "show", f"{commit}:{name}"], capture_output=True, check=True).stdout
        assert Path(name).name != Path(file).name or hashlib.sha256(copied).hexdigest() in known, (commit, name)


@pytest.mark.parametrize("newer", [0, 1])
def test_a_store_of_a_newer_hall_is_refused(root, packed, newer):
    tables = (ROOT / "hall-mqtt/store/tables.h").read_text(encoding="utf-8")
    ours = int(re.search(r"SCHEMA_VERSION = (\d+)", tables).group(1))
    install(root, [packed("1.1")["hall"]])
    store = sqlite3.connect(root / "var/lib/hall/hall.db")
    store.execute(f"PRAGMA application_id={0x48616c6c}")
    store.execute(f"PRAGMA user_version={ours + newer}")
    store.close()
    older = packed("1.0")["hall"]
    shutil.copy(older, root / "pk")
    said = inside(root, "sh", "-c", f"dpkg -i /pk/{older.name}; echo ended with $?")
    now = inside(root, "dpkg-query", "-W", "-f", "${Version} ${db:Status-Status}", "hall")
    if newer:
        assert "ended with 1" in said and f"has version {ours + 1}, and this Hall reads versions up to {ours}" in said
        assert now.startswith("1.1-") and now.endswith(" installed")
    else:
        assert "ended with 0" in said and now.startswith("1.0-")


def depends(file):
    """The names of the packages that it needs, without their versions and alternatives."""
    return {re.match(r"[a-z0-9.+-]+", word).group() for word in run("dpkg-deb", "-f", file, "Depends").split(", ")}


def contents(file):
    """Mode and name of all that is in it."""
    return sorted((line.split()[0], line.split()[-1]) for line in run("dpkg-deb", "-c", file).splitlines())


def offered(repository, folder, arch):
    """Where an apt of this architecture would download Hall's packages from: a file for each."""
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    (folder / "sources.list").write_text(f"deb [trusted=yes] file:{repository} ./\n")
    (folder / "status").touch()
    (folder / "apt.conf").write_text(f"""
        APT {{ Architecture "{arch}"; Architectures {{ "{arch}"; }}; Sandbox::User "root"; }};
        Dir {{ State "{folder}"; State::status "{folder}/status"; Cache "{folder}/cache"; }};
        Dir::Etc {{ sourcelist "{folder}/sources.list"; sourceparts "/dev/null"; }};
    """)
    how = {"env": {**os.environ, "APT_CONFIG": str(folder / "apt.conf")}, "cwd": folder}
    run("apt-get", "update", "-qq", **how)
    said = run("apt-get", "download", "--print-uris", *NAMES, **how)
    return {Path(unquote(uri)).name for uri in re.findall(r"^'file:([^']+)'", said, re.M)}


def test_packages_for_another_architecture(tmp_path, packed):
    """As this machine's: each file, and each package that they need, but with programs for that processor. Both lie in one
    repository."""
    native = run("dpkg", "--print-architecture").strip()
    other, machine = ("armhf", "ARM") if native == "arm64" else ("arm64", "AArch64")
    repository = tmp_path / "repository"
    repository.mkdir()
    for file in packed("1.0").values():
        shutil.copy(file, repository)
    run(ROOT / "package.sh", "--arch", other, "--agents", "none", "--repo", repository, env={**os.environ, **COMMIT})
    theirs = {re.match(r"[a-z-]+", file.name).group(): file for file in repository.glob(f"*_{other}.deb")}
    assert sorted(theirs) == NAMES and len(list(repository.glob("*.deb"))) == 2 * len(NAMES)
    assert offered(repository, tmp_path / native, native) == {file.name for file in packed("1.0").values()}
    assert offered(repository, tmp_path / other, other) == {file.name for file in theirs.values()}
    for name, own in packed("1.0").items():
        file, place = theirs[name], tmp_path / name
        assert run("dpkg-deb", "-f", file, "Architecture").strip() == other
        assert depends(file) == depends(own) and "libc6 (>= 2." in run("dpkg-deb", "-f", file, "Depends")
        assert contents(file) == contents(own)
        run("dpkg-deb", "-x", file, place)
        for program in [*place.glob("usr/bin/*"), *place.glob("usr/libexec/hall/*")]:
            assert re.search(rf"Machine: +{machine}\n", run("readelf", "-h", program)), program
            assert ".debug_info" not in run("readelf", "-SW", program), f"{program} is not stripped"
    done = subprocess.run(["lintian", "--allow-root", *theirs.values()], capture_output=True, text=True, check=False)
    assert [line for line in done.stdout.splitlines() if line[:2] in ("E:", "W:")] == []


def _a_step_that_fails_is_told(clone, environment):
    """One that is in the middle of the last step, and a folder that is none, which is seen before anything is built."""
    (clone / "elsewhere/Packages").mkdir(parents=True)  # which apt-ftparchive cannot write to
    for folder, said in (("elsewhere", "Writing the repository"), ("README.md", "you cannot write to")):
        done = subprocess.run([clone / "package.sh", "--agents", "none", "--repo", folder], cwd=clone, env=environment, capture_output=True,
                              text=True, check=False)
        assert done.returncode != 0 and said in done.stderr, done
        assert not (clone / "Packages").exists(), "it wrote where it was"


def test_the_same_bytes_and_a_signed_repository(tmp_path, packed):
    """Built in another folder; apt's own program believes the signature."""
    clone = tmp_path / "a folder of another name"
    roots.copy_of_the_tree(clone)
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    version = re.search(r"^HALL_VERSION:STRING=(.*)$", (BUILD / "CMakeCache.txt").read_text(), re.M).group(1)
    environment = {**os.environ, **COMMIT, "GNUPGHOME": str(keys), "HALL_VERSION": version}
    environment.pop("CMAKE_C_COMPILER_LAUNCHER", None)  # really built again
    run("gpg", "--batch", "--passphrase", "", "--quick-generate-key", "packages@example.org", env=environment)
    try:
        run(clone / "package.sh", "--agents", "none", "--repo", "repository", "--sign", "packages@example.org", env=environment,
            cwd=tmp_path)
    finally:
        run("gpgconf", "--kill", "gpg-agent", env=environment)
    repository = tmp_path / "repository"
    ours = {file.name: file.read_bytes() for file in packed(version).values()}
    theirs = {file.name: file.read_bytes() for file in repository.glob("*.deb")}
    assert ours.keys() == theirs.keys() and [name for name in ours if ours[name] != theirs[name]] == []
    _a_step_that_fails_is_told(clone, environment)
    run("gpg", "--batch", "--dearmor", "--output", tmp_path / "hall.gpg", repository / "hall.asc", env=environment)
    run("gpgv", "--keyring", tmp_path / "hall.gpg", repository / "InRelease")
    for line in (repository / "Packages").read_text().splitlines():
        if line.startswith("Filename: "):
            assert (repository / line.split(": ")[1]).is_file()
