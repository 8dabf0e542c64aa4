#!/usr/bin/python3
"""Prints "PASSED FAILED" of a JUnit report. A skipped test counts as failed, and so do a missing report and a
runner that failed although no test did."""

import sys
import xml.etree.ElementTree as tree


def main():
    report, status = sys.argv[1], int(sys.argv[2])
    try:
        cases = list(tree.parse(report).iter("testcase"))
    except (OSError, tree.ParseError):
        cases = []
    bad = sum(1 for c in cases
              if any(c.find(k) is not None for k in ("failure", "error", "skipped"))
              or c.get("status") in ("fail", "notrun", "disabled"))
    good = len(cases) - bad
    if not cases or (status != 0 and bad == 0):
        bad += 1
    print(good, bad)


if __name__ == "__main__":
    main()
