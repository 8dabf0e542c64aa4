"""An upstream's name that leads to more addresses than Hall looks at: the log names it, once."""

import os

import pytest
from helpers import barrier, wait_state
from process import wait_until
from test_evidence import local_world, start
from test_streams import hosts
from world import free_port

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="names of its own need root")


@pytest.mark.parametrize("n", [16, 20])
def test_more_addresses_than_hall_looks_at(make_world, tmp_path, n):
    lines = ["127.0.0.1 localhost", "127.0.3.1 few.test", *(f"127.0.2.{i + 1} many.test" for i in range(n))]
    with hosts(tmp_path, "\n".join(lines) + "\n"):
        world = local_world(make_world, {f"{name}.localhost": {"upstream": f"http://{name}.test:{free_port()}"} for name in ("many", "few", "none")})
        bus = start(world)
        wait_state(bus, "box", "ready")

        def told(words):
            return [x for x in world.hall.log_text().splitlines() if words in x]

        wait_until(lambda: told("none.test of none.localhost has no address"), 60, "the look-up")
        barrier(bus)
        many = told("addresses: open connections are looked for")
        assert len(many) == (n > 16), many
        assert all("many.test of many.localhost has 20 addresses" in x and "16 of them" in x and "upstream" in x for x in many)
