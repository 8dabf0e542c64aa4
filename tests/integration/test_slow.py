"""Slow clients: a thousand that never finish their request do not keep the gateway from the proxy, nor are those ended
who wait for an answer."""

import socket
import threading
import time

import pytest
from helpers import asleep, wait_event
from process import Share, went_on
from slow import SlowClients
from world import BROWSER

API = {"Accept": "application/json", "User-Agent": "curl/8.5.0"}


@pytest.mark.measures
@pytest.mark.parametrize("silent", [False, True], ids=["dripping", "silent"])
def test_a_thousand_slow_clients_do_not_keep_the_proxy_waiting(world, bus, silent):
    slow = SlowClients(world.hall.gateway, silent=silent, pause=0.1)
    try:
        time.sleep(0.5)
        times, share = [], Share(world.hall.process.pid)
        for _ in range(200):
            began = went_on()
            assert world.hall.auth("/client1/logo.png", headers={"Sec-Fetch-Dest": "image"}).status in (200, 503)
            times.append(went_on() - began)
        longer = share.longer()
    finally:
        slow.close()
    times.sort()
    print(f"p99 {times[197]:.2f} s, {slow.sent_away} sent away; {longer:.1f} times as long as by itself")
    assert times[197] < 1.0 * longer


def test_a_proxy_held_up_before_it_asks_is_answered(world, bus):
    """Between connecting and asking a busy machine may stop it for longer than a slow client is left alone."""
    slow = SlowClients(world.hall.gateway, pause=0.1)
    try:
        for _ in range(20):
            with socket.create_connection(world.hall.gateway, timeout=10) as proxy:
                time.sleep(0.2)
                proxy.sendall(b"GET /healthz HTTP/1.1\r\nHost: hall\r\nConnection: close\r\n\r\n")
                assert proxy.recv(12) == b"HTTP/1.1 200"
    finally:
        slow.close()


def test_who_waits_for_an_answer_is_not_sent_away(make_world):
    world = make_world(start=False, boot_s=2.5)
    world.hall.config["domains"]["testing.localhost"]["access"] = {"hold": "20s"}
    world.hall.write(world.hall.config)
    world.start()
    bus = world.bus()
    asleep(bus, "testing")
    mark, answers = bus.mark(), []
    program = threading.Thread(target=lambda: answers.append(world.hall.auth("/client1/api", headers=API, method="POST")))
    program.start()
    wait_event(bus, "testing", "wake_requested", mark)
    slow = SlowClients(world.hall.gateway, 300, pause=0.1)
    try:
        program.join(25)
    finally:
        slow.close()
    assert [a.status for a in answers] == [200]
    assert world.hall.get("/client1/", BROWSER, host="testing.localhost").status == 307
