"""Chromium drops whatever it loads (ERR_NETWORK_CHANGED) when an interface of its machine comes or goes, and the tests beside these ones
make and remove many. So each process that runs browsers has a network of its own, where the system permits it (root)."""

import ctypes
import os
import subprocess


def pytest_configure(config):
    config.addinivalue_line("markers", "measures: of time; test.sh runs it by itself")


CLONE_NEWNET = 0x40000000  # unshare(2)

if os.geteuid() == 0 and ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) == 0:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
