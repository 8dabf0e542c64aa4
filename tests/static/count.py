#!/usr/bin/python3
"""Prints "PASSED FAILED" of a JUnit report, then the name of each test that failed, and below it, indented, the place and
the first words of its failure: they are all that is left of it where only the end of a log is kept. A skipped test counts as
failed, and so do a missing report and a runner that failed although no test did."""

import re
import sys
import xml.etree.ElementTree as tree

KINDS = ("failure", "error", "skipped")
WORDS, WIDTH = 4, 240


def why(case):
    """The innermost place in a test, and the lines that pytest marks; else the first lines there are."""
    parts = [p for p in map(case.find, KINDS) if p is not None]
    text = "\n".join(p.text or "" for p in parts)
    places = re.findall(r"^(\S*tests/\S+\.py:\d+)", text, re.M)
    words = [w[1:].strip() for w in text.splitlines() if w.startswith("E ")]
    if not words:  # cmocka's own
        words = re.findall(r"^\[  ERROR   \] --- (.*)|^\[   LINE   \] --- (.*)", case.findtext("system-out") or "", re.M)
        words = ["".join(w) for w in words]
    if not words:
        words = [w.strip() for p in parts for w in p.get("message", "").splitlines()]
    return places[-1:] + [w for w in words if w][:WORDS]


def main():
    report, status = sys.argv[1], int(sys.argv[2])
    try:
        cases = list(tree.parse(report).iter("testcase"))
    except (OSError, tree.ParseError):
        cases = []
    bad = [c for c in cases if any(c.find(k) is not None for k in KINDS) or c.get("status") in ("fail", "notrun", "disabled")]
    lines = [line for c in bad
             for line in (c.get("classname", "").removeprefix("tests.") + "::" + c.get("name", "?"),
                          *("    " + w[:WIDTH] for w in why(c)))]
    fell = not cases or (status != 0 and not bad)
    print("\n".join([f"{len(cases) - len(bad)} {len(bad) + fell}", *lines, *["the runner itself"] * fell]))


if __name__ == "__main__":
    main()
