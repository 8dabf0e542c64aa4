"""/metrics, held against Prometheus' text format; and what docs/monitoring asks for is there."""

import json
import re

import yaml
from helpers import awake
from world import ROOT

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf'({NAME})(?:\{{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*)\}})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|NaN|[+-]Inf)')
LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"')
TYPES = {"counter", "gauge", "histogram", "summary", "untyped"}


def parse(text):
    """Strict: HELP and TYPE once, before their samples; families together; no sample twice; counters end in _total."""
    assert text.endswith("\n") and "\r" not in text
    samples, types, helps, current, closed = {}, {}, set(), None, set()
    for line in text.split("\n")[:-1]:
        if line.startswith("# "):
            kind, name, rest = line[2:].split(" ", 2)
            assert kind in ("HELP", "TYPE") and re.fullmatch(NAME, name) and rest.strip() == rest and rest, line
            if name != current:
                assert name not in closed, f"{name} comes twice"
                closed.add(current)
                current = name
            if kind == "HELP":
                assert name not in helps and name not in types, line
                helps.add(name)
            else:
                assert rest in TYPES and name not in types, line
                assert (rest == "counter") == name.endswith("_total"), line
                types[name] = rest
            continue
        match = SAMPLE.fullmatch(line)
        assert match, f"no sample: {line!r}"
        name, labels, value = match.groups()
        assert name == current and name in types and name in helps, line
        key = (name, tuple(sorted(LABEL.findall(labels or ""))))
        assert key not in samples, line
        samples[key] = float(value)
    return samples, types


def scrape(world):
    answer = world.hall.get("/metrics", host="127.0.0.1")
    assert answer.status == 200, answer
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return parse(answer.body.decode())


def test_metrics_are_sound_and_true(world, bus):
    awake(bus, "testing")
    before, _ = scrape(world)
    world.hall.auth("/client1")
    world.hall.auth("/", "nobody.example")
    after, types = scrape(world)
    assert after[("hall_servers", (("state", "ready"),))] >= 1
    assert sum(v for (name, _), v in after.items() if name == "hall_servers") == 2
    assert after[("hall_server_state", (("server", "testing"), ("state", "ready")))] == 1
    assert after[("hall_broker_connected", ())] == 1 and after[("hall_store_working", ())] == 1
    assert after[("hall_wakes_total", (("outcome", "ready"),))] >= 1
    for answer in ("passed", "unknown"):
        key = ("hall_requests_total", (("answer", answer),))
        assert after[key] == before[key] + 1
    for key, value in before.items():
        if types[key[0]] == "counter":
            assert after[key] >= value, key


def test_a_visitor_learns_nothing(world):
    for header in ("X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP", "Forwarded", "Via"):
        assert world.hall.get("/metrics", {header: "203.0.113.9"}, host="127.0.0.1").status == 403, header
    assert b"hall_servers" not in world.hall.get("/metrics", host="testing.localhost").body


def expressions():
    rules = yaml.safe_load((ROOT / "docs/monitoring/alerts.yml").read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            assert {"alert", "expr", "labels", "annotations"} <= set(rule), rule
            assert rule["annotations"]["summary"] and rule["annotations"]["description"]
            yield rule["expr"]
    board = json.loads((ROOT / "docs/monitoring/grafana-dashboard.json").read_text())
    assert len({p["id"] for p in board["panels"]}) == len(board["panels"])
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield target["expr"]


def test_what_the_examples_ask_for_is_there(world):
    samples, _ = scrape(world)
    labels = {}
    for name, pairs in samples:
        for label, value in pairs:
            labels.setdefault((name, label), set()).add(value)
    names = {name for name, _ in samples}
    asked = list(expressions())
    assert len(asked) > 15
    for expression in asked:
        assert expression.count("(") == expression.count(")") and expression.count("{") == expression.count("}")
        found = set(re.findall(r"hall_\w+", expression))
        assert found <= names, (expression, found - names)
        assert found or expression.startswith("up{")
        for name, selector in re.findall(r"(hall_\w+)\{([^}]*)\}", expression):
            for label, _, value in re.findall(r'(\w+)(=~?)"([^"]*)"', selector):
                states = {"unreachable", "wake_failed", "degraded"} if name == "hall_server_state" else set()
                for one in value.split("|"):
                    assert one in labels[(name, label)] | states, (expression, one)
    described = (ROOT / "docs/MONITORING.md").read_text()
    assert all(name in described for name in names)
