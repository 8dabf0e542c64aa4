"""The contract of /api/v1: every answer is held against web/assets/openapi.json."""

import json
import re

import jsonschema
from world import ROOT

DOCUMENT = json.loads((ROOT / "web/assets/openapi.json").read_text(encoding="utf-8"))
FORMATS = jsonschema.FormatChecker()


@FORMATS.checks("date-time", raises=ValueError)
def is_time(text):
    return not isinstance(text, str) or bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", text))


def resolve(node):
    while "$ref" in node:
        target = DOCUMENT
        for part in node["$ref"].lstrip("#/").split("/"):
            target = target[part]
        node = target
    return node


def operations():
    """(method, path, operation) of each."""
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def find(method, path):
    for known, template, operation in operations():
        pattern = re.sub(r"\{\w+\}", "[^/]+", template)
        if known == method and re.fullmatch(pattern, path):
            return operation
    raise AssertionError(f"{method} {path} is not described")


def validate(value, schema):
    resolver = jsonschema.RefResolver("", DOCUMENT)
    jsonschema.Draft202012Validator(schema, resolver=resolver, format_checker=FORMATS).validate(value)


def check(method, path, answer):
    """The answer is one that the description has for this route."""
    responses = find(method, path)["responses"]
    assert str(answer.status) in responses, f"{method} {path} gave {answer.status}, which is not described: {answer.body[:300]}"
    kind = answer.headers["Content-Type"].split(";")[0]
    content = resolve(responses[str(answer.status)])["content"]
    assert kind in content, f"{method} {path} gave {kind}"
    if kind.endswith("json"):
        validate(json.loads(answer.body), content[kind]["schema"])
    return answer
