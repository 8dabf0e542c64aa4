#!/usr/bin/python3
"""Prints "PASSED FAILED" of a JUnit report, then the name of each test that failed, a line each. A skipped test counts
as failed, and so do a missing report and a runner that failed although no test did."""

import sys
import xml.etree.ElementTree as tree


def main():
    report, status = sys.argv[1], int(sys.argv[2])
    try:
        cases = list(tree.parse(report).iter("testcase"))
    except (OSError, tree.ParseError):
        cases = []
    bad = [c.get("classname", "").removeprefix("tests.") + "::" + c.get("name", "?") for c in cases
           if any(c.find(k) is not None for k in ("failure", "error", "skipped"))
           or c.get("status") in ("fail", "notrun", "disabled")]
    good = len(cases) - len(bad)
    if not cases or (status != 0 and not bad):
        bad.append("the runner itself")
    print("\n".join([f"{good} {len(bad)}", *bad]))


if __name__ == "__main__":
    main()
