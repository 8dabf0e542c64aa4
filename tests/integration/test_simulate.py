"""hall-simulate: the same core against simulated servers. What it says is kept in tests/golden/simulate_*;
HALL_GOLDEN=write writes it anew, to be looked at before it is believed."""
import datetime
import json
import os
import random
import resource
import subprocess
import zoneinfo
from pathlib import Path

import pytest
from helpers import seed

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
SCENARIOS = {
    "office": ["--from", "2026-03-27", "--days", "4"],  # the clock jumps on the 29th
    "evening": ["--days", "1"],
    "quotas": ["--days", "2"],  # 02:30 comes twice on the 25th
    "depends": ["--days", "1"],
}


@pytest.fixture(scope="session")
def simulator(binary):
    path = binary.with_name("hall-simulate")
    assert path.exists(), f"{path} is not built"

    def run(*words, **environment):
        return subprocess.run([path, *words], cwd=GOLDEN, capture_output=True, text=True, check=False, timeout=60,
                              env={**os.environ, **environment})
    return run


def arguments(name):
    return [f"simulate_{name}.json", "--script", f"simulate_{name}.events", *SCENARIOS[name]]


def compare(name, text):
    path = GOLDEN / f"simulate_{name}.txt"
    if os.environ.get("HALL_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text.splitlines() == path.read_text(encoding="utf-8").splitlines()


def events(done):
    """The lines of --json: those before the summary, and the summary."""
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[-1]["what"] == "summary"
    return lines[:-1], {server["server"]: server for server in lines[-1]["servers"]}


def run_events(simulator, folder, config, script="", *words):
    (folder / "domains.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "events").write_text(script, encoding="utf-8")
    return events(simulator(str(folder / "domains.json"), "--script", str(folder / "events"), "--json",
                          *words))


@pytest.mark.parametrize("name", SCENARIOS)
def test_says_what_it_said(simulator, name):
    done = simulator(*arguments(name))
    assert done.returncode == 0 and done.stderr == ""
    compare(name, done.stdout)


def test_all_errors_of_a_script_at_once(simulator):
    done = simulator("simulate_evening.json", "--script", "simulate_errors.events")
    assert done.returncode == 1 and done.stdout == ""
    compare("errors", done.stderr)
    wrong = (GOLDEN / "simulate_errors.events").read_text(encoding="utf-8").splitlines()[1:-1]
    assert len(done.stderr.splitlines()) == len(wrong)


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_zone_of_the_process_does_not_matter(simulator, name):
    assert simulator(*arguments(name), TZ="America/New_York").stdout == simulator(*arguments(name), TZ="").stdout


@pytest.mark.parametrize("name", SCENARIOS)
def test_json_says_the_same(simulator, name):
    text = simulator(*arguments(name)).stdout.split("\n\n")[0].splitlines()
    lines, _ = events(simulator(*arguments(name), "--json"))
    assert len(lines) == len(text)
    for line, shown in zip(lines, text):
        assert shown.startswith(line["local"]) and shown.endswith(line["text"]) and line["what"] in shown
    times = [line["at"] for line in lines]
    assert times == sorted(times)


OFFICE = {"mode": "scheduled", "windows": [{"days": "mon-fri", "from": "08:00", "to": "19:00"}]}


def company(policy):
    return {"timezone": "Europe/Paris",
            "servers": {"erp": {"address": "192.168.1.21", "mac": "aa:bb:cc:dd:ee:02",
                                "watts": {"on": 100, "asleep": 1}}},
            "domains": {"erp.example.org": {"server": "erp", "upstream": "http://192.168.1.21",
                                            "policy": policy}}}


def test_ready_when_its_windows_open(simulator, tmp_path):
    """Four weeks around the spring change: awake before 8 on every working day, asleep soon after 19."""
    lines, account = run_events(simulator, tmp_path, company(OFFICE), "", "--from", "2026-03-16", "--days", "28")
    ready = {line["local"][4:14]: line["local"][15:20] for line in lines if line["what"] == "ready"}
    asleep = {line["local"][4:14]: line["local"][15:20] for line in lines if line["what"] == "asleep"}
    days = [datetime.date(2026, 3, 16) + datetime.timedelta(n) for n in range(28)]
    working = [day.isoformat() for day in days if day.weekday() < 5]
    assert sorted(ready) == working and sorted(asleep) == working
    assert all("07:55" <= at < "08:00" for at in ready.values())
    assert all("19:00" <= at < "19:05" for at in asleep.values())
    assert 11 * 3600 * 20 < account["erp"]["on_s"] < 11.1 * 3600 * 20
    whole = (28 * 24 - 1) * 3600
    kwh = (100 * account["erp"]["on_s"] + (whole - account["erp"]["on_s"])) / 3.6e6
    assert account["erp"]["kwh"] == pytest.approx(kwh)
    assert account["erp"]["kwh_always_on"] == pytest.approx(100 * whole / 3.6e6)


def test_always_on_is_on_and_comes_back(simulator, tmp_path):
    _, account = run_events(simulator, tmp_path, company({"mode": "always_on"}), json.dumps({"at": "2026-06-01 12:00", "server": "erp", "crash": True}), "--days", "1")
    assert account["erp"]["wakes"] == 2 and account["erp"]["on_s"] > 86400 - 120


def test_random_scripts_end_in_order(simulator, tmp_path):
    """Whatever happens, nobody is put to sleep under a lease, and without one nobody stays up for ever."""
    dice = random.Random(seed())
    config = json.loads((GOLDEN / "simulate_depends.json").read_text(encoding="utf-8"))
    config["servers"]["lab"]["sleep"] = {"via": "agent"}
    zone = zoneinfo.ZoneInfo("Europe/Paris")
    begin = datetime.datetime(2026, 10, 24, tzinfo=zone).timestamp()
    command, hold = "hall/servers/{s}/command", "hall/servers/{s}/hold/job"
    deeds = [{"visit": "web.example.org"}, {"visit": "lab.example.org", "from": "10.0.0.7"},
             {"topic": command, "payload": {"action": "wake", "by": "me", "for": "20m"}},
             {"topic": command, "payload": {"action": "sleep"}},
             {"topic": command, "payload": {"action": "sleep", "force": True}},
             {"topic": command, "payload": {"action": "restart"}}, {"topic": command, "payload": "cancel"},
             {"topic": hold, "payload": {"for": "30m", "reason": "so"}}, {"topic": hold},
             {"server": "{s}", "crash": True}, {"server": "{s}", "lost_packets": 3}, {"server": "{s}", "boot": "{b}s"},
             {"topic": "hall/agents/{s}/report", "payload": {"vetoes": ["sessions: me"]}},
             {"topic": "hall/agents/{s}/report", "payload": {"vetoes": []}},
             {"restart_hall": True}, {"clock": "+10m"}, {"clock": "-10m"},
             {"topic": "hall/servers/{s}/idle/set", "payload": "{b}"}]
    for _ in range(20):
        script = []
        for _ in range(80):
            at = datetime.datetime.fromtimestamp(begin + dice.random() * 40 * 3600, zone)
            deed = json.dumps(dice.choice(deeds)).replace("{s}", dice.choice(["nas", "web", "lab"]))
            script.append(f'{{"at": "{at.isoformat(timespec="seconds")}", ' +
                          deed.replace("{b}", str(dice.randint(5, 60)))[1:])
        # At the end nobody uses anything any more.
        script += [json.dumps({"at": "+41h", "topic": f"hall/agents/{s}/report", "payload": {}})
                   for s in ("nas", "web", "lab")]
        lines, _ = run_events(simulator, tmp_path, config, "\n".join(script), "--from", "2026-10-24", "--days", "3")
        check_order(lines)


def check_order(lines):
    state, leases = {}, {"nas": 0, "web": 0, "lab": 0}
    for line in lines:
        server, what, text = line["subject"], line["what"], line["text"]
        if what == "lease":
            leases[server] += 1 if text.startswith("begins") else -1
        elif what == "sleep_requested":
            assert text != "sleep by idle" or leases[server] == 0
        elif what == "restart_hall":
            state.clear()  # what is under way goes on, all else is unknown
        elif what == "state":
            before, after = text.split(":")[0].split(" -> ")
            assert state.get(server, before) == before
            state[server] = after
    # The last event is hours ago: all is over.
    assert set(leases.values()) == {0}
    assert set(state.values()) <= {"off", "unreachable", "wake_failed"}


@pytest.mark.measures
def test_three_days_of_ten_servers_take_no_time(simulator, tmp_path):
    servers = {f"s{i}": {"address": f"192.168.1.{i + 10}", "mac": f"02:00:00:00:00:{i:02x}"} for i in range(10)}
    windows = [{"days": "daily", "from": "08:00", "to": "12:00"}]
    config = {"timezone": "Europe/Paris", "servers": servers,
              "domains": {f"{id}.example.org": {"server": id, "policy": {"mode": "scheduled", "windows": windows}}
                          for id in servers}}
    script = "".join(json.dumps({"at": "2026-06-01 14:00", "every": "2m", "until": "2026-06-03 18:00",
                                 "visit": f"{id}.example.org"}) + "\n" for id in servers)
    begin = resource.getrusage(resource.RUSAGE_CHILDREN)
    _, account = run_events(simulator, tmp_path, config, script, "--days", "3")
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime < 5
    assert len(account) == 10 and all(server["wakes"] > 0 for server in account.values())


def test_help_and_version(simulator):
    assert '"lost_packets"' in simulator("--help").stdout
    assert simulator("--version").stdout.startswith("hall-simulate ")


@pytest.mark.parametrize("words, said", [
    ([], "configuration is missing"),
    (["a", "b"], "one FILE"),
    (["a", "--days", "0"], "1 to 400"),
    (["a", "--days", "401"], "1 to 400"),
    (["a", "--nonsense"], "hall-simulate --help"),
    (["simulate_evening.json", "--from", "2026-02-29"], "a date such as"),
])
def test_a_wrong_command_line_is_2(simulator, words, said):
    done = simulator(*words)
    assert done.returncode == 2 and said in done.stderr and done.stdout == ""


@pytest.mark.parametrize("words, said", [
    (["absent.json"], "absent.json"),
    (["simulate_evening.json", "--script", "absent.events"], "absent.events"),
    (["simulate_evening.json", "--script", "."], "readable file"),
    (["simulate_evening.events"], "simulate_evening.events"),
])
def test_what_cannot_be_read_is_1(simulator, words, said):
    done = simulator(*words)
    assert done.returncode == 1 and said in done.stderr and done.stdout == ""


HOSTILE = {
    "nul": (b'{"at": "+1h", "visit": "erp.example.org\0"}\n', "JSON"),
    "no utf-8": (b'{"at": "+1h", "visit": "\xff"}\n', "UTF-8"),
    "escape": (b'{"at": "+1h", "visit": "\\u001b[31m"}\n', "?[31m"),
    "long name": (b'{"at": "+1h", "topic": "hall/servers/erp/command", "payload": {"action": "wake", "by": "'
                  + b"x" * 65 + b'"}}\n', "65 bytes; allowed: at most 64"),
    "a list": (b"[]\n", "object"),
    "deep": (b'{"at":' + b"[" * 40 + b"]" * 40 + b"}\n", "deep"),
    "many events": (b'{"at": "+1h", "restart_hall": true}\n' * 10001, "10000 events"),
    "long file": (b"# a comment that is long\n" * 50000, "1 MiB"),
    "many errors": (b"x\n" * 1000, "900 more errors"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_scripts(simulator, tmp_path, name):
    script, allowed = HOSTILE[name]
    (tmp_path / "domains.json").write_text(json.dumps(company(OFFICE)), encoding="utf-8")
    (tmp_path / "events").write_bytes(script)
    done = simulator(str(tmp_path / "domains.json"), "--script", str(tmp_path / "events"), "--days", "30")
    assert done.returncode == 1 and allowed in done.stderr and done.stdout == ""


def test_what_lies_outside_is_left_out_and_told(simulator):
    done = simulator("simulate_evening.json", "--script", "simulate_evening.events", "--from", "2026-11-21")
    assert done.returncode == 0 and "lie outside" in done.stderr and "visit" not in done.stdout.split("\n\n")[0]


def test_a_full_disk_is_no_success(binary):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([binary.with_name("hall-simulate"), "--help"], stdout=full, stderr=subprocess.PIPE,
                              text=True, check=False)
    assert done.returncode == 1 and "could not be written" in done.stderr
