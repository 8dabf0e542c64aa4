"""A look at ten thousand open connections, as Hall takes it every few seconds: of how many upstreams they may be makes no difference."""

import json
import os
import subprocess

import pytest
from world import ROOT

CONNECTIONS, LOOKS = 10000, 60


def look(upstreams, connections=CONNECTIONS, looks=LOOKS):
    """Another program has its part of the machine, so the quickest of all looks tells what one takes."""
    done = subprocess.run([ROOT / os.environ.get("HALL_BUILD", "build") / "tests" / "socket_look", str(connections), str(looks), str(upstreams)],
                          capture_output=True, text=True, timeout=120, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("upstreams", [1, 33, 1000])
def test_each_connection_is_seen(upstreams):
    assert look(upstreams, 100, 2)["connections"] == 100


@pytest.mark.measures
@pytest.mark.skipif(os.geteuid() != 0, reason="ten thousand open files need root")
@pytest.mark.parametrize("upstreams", [1, 100, 1000])
def test_ten_thousand_are_looked_at_quickly(upstreams):
    seen = look(upstreams)
    assert seen["connections"] == CONNECTIONS
    # Beside what the kernel takes to tell of both ends to a reader that does nothing with it: three quarters of that in 2026.
    # bench.sh has the goal in milliseconds, which is missed on slow machines.
    assert seen["cpu_us"] <= seen["kernel_us"], seen
