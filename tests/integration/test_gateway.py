"""The HTTP contract: each kind of client gets its right answer, asleep and awake; only those who may wake do."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from helpers import (asleep, awake, configured, events, instant, reload, simple_servers, state_of, topic, wait_lease, wait_state,
                     wait_status, wait_wake)
from process import wait_until, went_on
from world import BROWSER

API = {"Accept": "application/json", "User-Agent": "curl/8.5.0"}
ASSET = {"Accept": "image/avif,image/webp,*/*", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image",
         "User-Agent": BROWSER["User-Agent"]}
PREFETCH = {**BROWSER, "Sec-Purpose": "prefetch;prerender"}
WEBSOCKET = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13", "Sec-Fetch-Mode": "websocket",
             "User-Agent": BROWSER["User-Agent"]}
IDLE_S = 1200  # of every domain here
BOT = {**BROWSER, "User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}


def check_not_ready(answer):
    assert answer.status == 503, answer
    assert answer.headers["Cache-Control"] == "no-store"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert answer.headers["X-Hall-State"] in ("off", "waking", "booting", "unknown")
    assert answer.headers["Vary"]


def wakes(world, bus, mark):
    """Whether the visits so far woke it. Visits pass to the loop in order, so one that is known to be heard ends the
    wait: a project of the other server."""
    world.hall.auth("/", host="erp.localhost", headers=BROWSER)
    wait_until(lambda: any(x["kind"] == "visit" for x in bus.last(topic("erp", "status")).json()["leases"]), 5,
               "the visit of erp")
    wait_until(lambda: state_of(bus, "erp") != "off", 15, "the wake of erp")
    return len(events(bus, "testing", "wake_requested", mark))


@pytest.fixture
def sleeping(world, bus):
    asleep(bus, "testing")
    asleep(bus, "erp")
    return bus.mark()


@pytest.fixture
def ready(world, bus):
    awake(bus, "testing")


def test_browser_gets_the_waiting_page_and_wakes(world, bus, sleeping):
    answer = world.hall.auth("/client1/x", headers=BROWSER)
    check_not_ready(answer)
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Content-Type"].startswith("text/html")
    assert len(answer.body) <= 14 * 1024
    wait_wake(bus, "testing", sleeping)


def test_old_browser_without_fetch_metadata_counts_as_one(world, bus, sleeping):
    answer = world.hall.auth("/client1/x", headers={"Accept": "text/html,*/*", "User-Agent": "Mozilla/5.0"})
    check_not_ready(answer)
    assert answer.headers["Content-Type"].startswith("text/html")
    wait_wake(bus, "testing", sleeping)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_page_speaks_the_visitors_language(world, sleeping, language):
    answer = world.hall.auth("/client1/x", headers={**BROWSER, "Accept-Language": language + ";q=0.9, de;q=0.1"})
    assert f'lang="{language}"' in answer.text()


def test_program_gets_problem_json_and_wakes(world, bus, sleeping):
    answer = world.hall.auth("/client1/api/v1/things", headers=API)
    check_not_ready(answer)
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert int(answer.headers["Retry-After"]) > 0
    problem = answer.json()
    assert problem["status"] == 503 and problem["title"]
    wait_wake(bus, "testing", sleeping)


@pytest.mark.parametrize(
    ("path", "headers", "method"),
    [
        ("/client1/logo.png", ASSET, "GET"),
        ("/favicon.ico", ASSET, "GET"),
        ("/client1/", PREFETCH, "GET"),
        ("/client1/", BROWSER, "HEAD"),
        ("/client1/", BOT, "GET"),
        ("/client1/socket", WEBSOCKET, "GET"),
    ],
    ids=["asset", "favicon", "prefetch", "head", "bot", "websocket"],
)
def test_those_who_do_not_wake(world, bus, sleeping, path, headers, method):
    answer = world.hall.auth(path, headers=headers, method=method)
    assert answer.status in (503, 404), answer
    assert b"<html" not in answer.body
    assert wakes(world, bus, sleeping) == 0


@pytest.mark.parametrize("headers", [BROWSER, API, ASSET, WEBSOCKET], ids=["browser", "api", "asset", "websocket"])
@pytest.mark.parametrize(("path", "status"), [("/auth", 200), ("/auth/nginx", 204)])
def test_ready_lets_everyone_through(world, ready, headers, path, status):
    assert world.hall.auth("/client1/x", headers=headers, path=path).status == status


def test_nginx_is_told_401_and_the_page_comes_from_the_gateway_itself(world, bus, sleeping):
    assert world.hall.auth("/client1/x", headers=BROWSER, path="/auth/nginx").status == 401
    wait_wake(bus, "testing", sleeping)


def test_auth_ignores_its_own_query(world, ready):
    assert world.hall.auth("/client1/x", headers=BROWSER, path="/auth?path=/elsewhere").status == 200


def test_use_renews_and_a_bot_does_not(world, bus, ready):
    world.hall.auth("/client1/x", headers=BROWSER)
    used = time.time()
    wait_lease(bus, "testing", "visit", holder="client1")
    wait_until(lambda: time.time() > used + 5, 20, "a later moment")
    world.hall.auth("/client1/x", headers=BOT)
    world.hall.auth("/client2/x", headers=BROWSER)
    later = wait_status(bus, "testing", lambda s: any(x["holder"] == "client2" and instant(x["until"]) > used + IDLE_S + 4
                                                      for x in s["leases"]))
    first = next(x for x in later["leases"] if x["holder"] == "client1")
    assert instant(first["until"]) < used + IDLE_S + 4


def test_without_a_proxy_the_gateway_serves_page_then_redirect(world, bus, sleeping):
    answer = world.hall.get("/client1/a?b=c", BROWSER, host="testing.localhost")
    check_not_ready(answer)
    assert b"<html" in answer.body
    awake(bus, "testing")
    answer = world.hall.get("/client1/a?b=c", BROWSER, host="testing.localhost")
    assert answer.status in (302, 303, 307)
    assert answer.headers["Location"] == f"http://{world.lan.address(20)}:8081/client1/a?b=c"


def test_status_helper(world, bus, sleeping):
    answer = world.hall.get("/.hall/status?path=/client1/x", host="testing.localhost")
    status = answer.json()
    assert {"state", "stages", "eta_s", "next_poll_ms", "redirect"} <= set(status), status
    assert (status["state"], status["redirect"]) == ("off", None)
    assert "no-store" in answer.headers["Cache-Control"]
    assert wakes(world, bus, sleeping) == 0, "asking does not wake"
    awake(bus, "testing")
    status = world.hall.get("/.hall/status?path=/client1/x?y=1", host="testing.localhost").json()
    assert status["state"] == "ready" and status["redirect"]


def test_wait_helper_is_the_page(world, bus, sleeping):
    answer = world.hall.get("/.hall/wait?path=/client1/x", BROWSER, host="testing.localhost")
    assert answer.headers["Content-Type"].startswith("text/html") and b"<html" in answer.body


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health(world, path):
    assert world.hall.get(path).status == 200


def test_forwarded_headers_from_an_untrusted_address_count_for_nothing(world, bus, sleeping):
    headers = {"X-Forwarded-Host": "testing.localhost", "X-Forwarded-Uri": "/client1/", "X-Forwarded-For": "192.0.2.1",
               "X-Forwarded-Method": "GET", "X-Forwarded-Proto": "https", **BROWSER}
    answer = world.hall.get("/auth", headers, source="127.0.0.2")
    assert answer.status == 403, answer
    assert wakes(world, bus, sleeping) == 0
    wait_until(lambda: "127.0.0.2" in world.hall.log_text(), 15, "the log line that names the address")


def test_access_list(make_world):
    world = make_world(start=False)
    world.hall.config["domains"]["testing.localhost"]["access"] = {"allow": ["192.0.2.0/24"]}
    world.hall.write(world.hall.config)
    world.start()
    bus = world.bus()
    wait_state(bus, "testing", "off")
    mark = bus.mark()
    assert world.hall.auth("/client1/", headers=BROWSER, client="198.51.100.1").status == 403
    refused = bus.wait_json("hall/event", mark, event_type="access_refused")
    told = refused.json()
    assert told["detail_fact"]["from"] == "198.51.100.1" and told["detail_fact"]["cause"] == {"code": "access.address"}, told
    assert told["detail"].startswith("198.51.100.1: ") and "/access/allow" in told["detail"]
    program = world.hall.auth("/client1/", headers=API, client="198.51.100.1")
    assert program.status == 403 and program.json()["detail_fact"] == {"code": "access.address"}
    assert events(bus, "testing", "wake_requested", mark) == []
    assert world.hall.auth("/client1/", headers=BROWSER, client="192.0.2.1").status == 503
    wait_wake(bus, "testing", mark)


def test_the_gone_page_is_for_those_whom_the_site_is_for(make_world):
    """As Traefik's errors middleware asks: without X-Forwarded-For, the visitor in X-Real-Ip; in the form of 2.11 and of 3.7."""
    def change(_, domains):
        domains["testing.localhost"]["access"] = {"allow": ["192.0.2.0/24"]}

    world = configured(make_world, change)
    bus = world.bus()
    awake(bus, "testing")

    def gone(visitor, url, headers=BROWSER):
        return world.hall.get("/.hall/wait?gone=1&path=" + quote(url, safe=""), {
            **headers, "X-Forwarded-Host": "testing.localhost", "X-Forwarded-Port": "80", "X-Forwarded-Proto": "http",
            "X-Real-Ip": visitor}, host="testing.localhost")

    for url in ("/client1/x?a=b", "http://testing.localhost/client1/x?a=b"):
        page = gone("192.0.2.7", url)
        assert page.status == 503 and b"No access" not in page.body and b"/client1/x?a=b" in page.body, page
        program = gone("192.0.2.7", url, {"Accept": "application/json"})
        assert program.status == 503 and program.headers["Content-Type"] == "application/problem+json", program
        assert gone("192.0.2.7", url, {**BROWSER, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}).body == b""
        refused = gone("198.51.100.7", url)
        assert refused.status == 403 and b"No access from here" in refused.body and b"client1" not in refused.body.lower()
        assert gone("198.51.100.7", url).body == world.hall.get("/client1/x?a=b", {
            **BROWSER, "X-Forwarded-Host": "testing.localhost", "X-Forwarded-For": "198.51.100.7"}).body


def test_click_domain_wakes_only_by_its_button(make_world):
    world = make_world(start=False)
    world.hall.config["domains"]["testing.localhost"]["access"] = {"wake": "click"}
    world.hall.write(world.hall.config)
    world.start()
    bus = world.bus()
    wait_state(bus, "testing", "off")
    mark = bus.mark()
    page = world.hall.get("/client1/", BROWSER, host="testing.localhost")
    assert page.status == 503 and b"<form" in page.body and b'method="post"' in page.body.lower()
    assert wakes(world, bus, mark) == 0
    action = page.text().lower().split('<form', 1)[1].split('action="', 1)[1].split('"', 1)[0].replace("&amp;", "&")
    answer = world.hall.get(action, {**BROWSER, "Sec-Fetch-Site": "same-origin"}, "POST", "testing.localhost")
    assert answer.status in (303, 302, 503), answer
    wait_wake(bus, "testing", mark)


def test_held_program_is_answered_when_it_is_ready(make_world):
    world = make_world(start=False)
    world.hall.config["domains"]["testing.localhost"]["access"] = {"hold": "20s"}
    world.hall.write(world.hall.config)
    world.start()
    bus = world.bus()
    wait_state(bus, "testing", "off")
    assert world.hall.auth("/client1/api", headers=API).status == 200


def test_errors_are_problem_json(world):
    answer = world.hall.get("/nothing", API, host="nowhere.example")
    assert answer.status == 404
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert json.loads(answer.body)["status"] == 404


@pytest.mark.parametrize("path, host, headers, status, fact", [
    ("/x", "nowhere.example", {}, 404, {"code": "site.unknown_host"}),
    ("/elsewhere", "erp.localhost", {"X-Forwarded-Host": "testing.localhost"}, 404, {"code": "site.unknown_path"}),
    ("/x" * 4097, "erp.localhost", {}, 414, {"code": "request.too_long", "most": 8192}),
    ("/%zz", "erp.localhost", {}, 400, {"code": "request.path"}),
    ("/x", "a_b..c", {}, 400, {"code": "request.host"}),
    ("/x", "erp.localhost", {"Content-Length": "1, 2"}, 400, {"code": "request.length"}),
    ("/auth", "127.0.0.1", {"X-Forwarded-Host": "erp.localhost", "X-Forwarded-For": "somebody"}, 400, {"code": "request.forwarded_for"}),
    ("/metrics", "127.0.0.1", {"Via": "1.1 proxy"}, 403, {"code": "access.proxied"}),
    ("/api/strategies/dynamic", "127.0.0.1", {}, 400, {"code": "sablier.neither"}),
    ("/api/strategies/dynamic?names=nobody", "127.0.0.1", {}, 404, {"code": "sablier.no_name", "name": "nobody"}),
])
def test_who_is_refused_is_told_a_code(world, path, host, headers, status, fact):
    answer = world.hall.get(path, {**API, **headers}, host=host)
    assert answer.status == status, answer.body
    problem = answer.json()
    assert problem["detail_fact"] == fact and problem["detail"] and problem["title"]


def test_a_method_that_is_not_known_names_those_that_are(world):
    answer = world.hall.get("/healthz", API, host="127.0.0.1", method="POST")
    assert answer.status == 405 and answer.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert answer.json()["detail_fact"] == {"code": "request.method", "allowed": "GET, HEAD, OPTIONS"}


@pytest.mark.measures
def test_those_who_are_held_leave_the_gate_free(make_world):
    """Some of many programs are held, the others get their 503 at once; the gate answers all the while."""
    world = make_world(start=False)
    world.hall.config["domains"]["testing.localhost"]["access"] = {"hold": "4s"}
    world.hall.write(world.hall.config)
    world.start()
    bus = world.bus()
    wait_state(bus, "testing", "off")
    world.sims["testing"].tell("deaf on")

    def timed(call):
        began, begun = time.monotonic(), went_on()
        assert call().status == 503
        return time.monotonic() - began, went_on() - begun

    with ThreadPoolExecutor(40) as pool:
        held = [pool.submit(timed, lambda: world.hall.auth("/client1/api", headers=API)) for _ in range(40)]
        others = [timed(lambda: world.hall.auth("/client1/logo.png", headers=ASSET)) for _ in range(50)]
        times = sorted(one.result() for one in held)
    assert 1 <= sum(t >= 3.9 for t, _ in times) and sum(t >= 3.9 for _, t in times) <= 8, times
    assert sorted(t for _, t in times)[20] < 3, times
    assert sorted(t for _, t in others)[47] < 1, others


def test_monitors_by_path_method_agent_and_address(make_world):
    world = make_world(start=False)
    world.hall.config["domains"]["testing.localhost"]["access"] = {"monitors": [
        {"path": "/client1/health"}, {"agent": "googlebot", "as": "refused"}, {"address": "192.0.2.99"},
        {"agent": "deploy-bot", "as": "client"}]}
    world.hall.write(world.hall.config)
    world.start()
    bus = world.bus()
    wait_state(bus, "testing", "off")
    wait_state(bus, "erp", "off")
    mark = bus.mark()
    assert world.hall.auth("/client1/health/x", headers=BROWSER).status == 503
    assert world.hall.auth("/client1/", headers=BROWSER, client="192.0.2.99").status == 503
    assert world.hall.auth("/client1/", headers=BOT).status == 403
    assert wakes(world, bus, mark) == 0
    refused = bus.wait_json("hall/event", mark, event_type="access_refused").json()
    assert refused["detail_fact"]["cause"] == {"code": "access.client"}, refused
    answer = world.hall.auth("/client1/", headers={"User-Agent": "my-deploy-bot/1.0"})
    assert answer.status == 503
    wait_wake(bus, "testing", mark)


def test_a_site_that_a_proxy_found_silent_gets_a_page_not_a_redirect(world, bus, ready):
    forwarded = {**BROWSER, "X-Forwarded-Host": "testing.localhost", "X-Forwarded-For": "192.0.2.7"}
    plain = world.hall.get("/.hall/wait?path=/client1/x", forwarded)
    assert (plain.status, plain.headers["Location"]) == (303, "/client1/x")
    for url in ("/client1/x", "http://testing.localhost/client1/x", "https://testing.localhost:8443/client1/x"):
        gone = world.hall.get("/.hall/wait?gone=1&path=" + quote(url, safe=""), forwarded)
        assert gone.status == 503 and gone.headers["Retry-After"] == "1" and b"<html" in gone.body, (url, gone)
    for url in ("http://erp.localhost/", "http://evil.example/client1/x", "x"):
        assert world.hall.get("/.hall/wait?gone=1&path=" + quote(url, safe=""), forwarded).status in (400, 404), url
    assert world.hall.get("/client1/x", forwarded).status == 503, "an error page of nginx or Caddy: no redirect either"


def test_nobody_is_led_elsewhere_by_what_he_writes(world, bus, ready):
    """Redirects stay on the site, and nothing that a visitor wrote breaks out of a header or of the page."""
    for path in ("//evil.example/x", "/\\evil.example", "/%2F%2Fevil.example", "/client1/%0d%0aX-Evil:%201", "/client1/..//evil"):
        answer = world.hall.get(path, BROWSER, host="testing.localhost")
        assert "X-Evil" not in answer.headers
        assert answer.headers.get("Location", "http://" + world.lan.address(20)).startswith("http://" + world.lan.address(20))
        answer = world.hall.get("/.hall/wait?path=" + quote(path, safe=""), BROWSER, host="testing.localhost")
        where = answer.headers.get("Location", "/")
        assert where.startswith("/") and not where.startswith(("//", "/\\")), where
    for host in ("evil.example", "testing.localhost@evil.example", "testing.localhost<script>", 'a"onload=x'):
        answer = world.hall.get("/client1/", BROWSER, host=host)
        assert answer.status in (400, 404) and b"<script>" not in answer.body, answer
    asleep(bus, "testing")
    answer = world.hall.get("/client1/?x=\"><script>alert(1)</script>&'".replace(" ", "%20"), BROWSER, host="testing.localhost")
    assert answer.status == 503 and b"<script>alert" not in answer.body
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["CDN-Cache-Control"] == "no-store"
    worker = world.hall.get("/client1/sw.js", {"Service-Worker": "script", "Accept": "*/*"}, host="testing.localhost")
    assert worker.status == 503 and worker.body == b"" and worker.headers["Cache-Control"] == "no-store"


def test_any_number_of_sites_of_a_server_is_let_through(make_world):
    """Eighty projects of five domains, all behind what their domains have in front of them; also after a reload."""
    def change(servers, domains):
        upstream = domains["testing.localhost"].pop("upstream")
        for n in range(5):
            projects = {f"p{n}x{i}": {"path": f"/p{i}"} for i in range(16)}
            domains[f"many{n}.localhost"] = {"server": "testing", "upstream": upstream, "projects": projects}
        domains["testing.localhost"]["upstream"] = upstream

    world = configured(make_world, change, servers=simple_servers("testing"))
    bus = world.bus()
    asleep(bus, "testing")
    asked = [(f"many{n}.localhost", f"/p{i}/x") for n in range(5) for i in range(16)]

    def ready():
        return [world.hall.auth(path, host=host, headers=ASSET).status for host, path in asked]

    assert set(ready()) == {503}
    world.hall.auth("/p15/x", host="many4.localhost", headers=BROWSER)
    wait_until(lambda: ready() == [200] * len(asked), 60, "all sites, each by a check of its own")
    reload(world, bus)
    assert ready() == [200] * len(asked)


CROSS = {"Sec-Fetch-Site": "cross-site", "User-Agent": BROWSER["User-Agent"]}
FOREIGN = {
    "cors": {**CROSS, "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Origin": "https://evil.example", "Accept": "*/*"},
    "no-cors": {**CROSS, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "empty", "Accept": "text/html"},
    "iframe": {**BROWSER, **CROSS, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    "object": {**BROWSER, **CROSS, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "object"},
    "prerender": {**BROWSER, **CROSS, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Purpose": "prefetch;prerender"},
    "old": {"Accept": "*/*", "Origin": "http://evil.example", "User-Agent": BROWSER["User-Agent"]},
    "old-referer": {"Accept": "*/*", "Referer": "http://evil.example/page", "User-Agent": BROWSER["User-Agent"]},
    "websocket": {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13", "Origin": "https://evil.example"},
}


def test_a_page_of_another_site_wakes_nothing(world, bus, sleeping):
    for name, headers in FOREIGN.items():
        for method in ("GET", "POST"):
            answer = world.hall.auth("/client1/x", headers=headers, method=method)
            assert answer.status == 503 and answer.body == b"", (name, method, answer)
            answer = world.hall.get("/client1/x", headers, method, "testing.localhost")
            assert answer.status == 503 and answer.body == b"", (name, method, answer)
    assert wakes(world, bus, sleeping) == 0


@pytest.mark.parametrize("headers", [
    {**BROWSER, **CROSS, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
    {**BROWSER, "Referer": "http://elsewhere.example/"}, {**API, "Origin": "https://erp.localhost"}], ids=["link", "old-link", "own"])
def test_a_persons_own_step_from_another_site_wakes(world, bus, sleeping, headers):
    check_not_ready(world.hall.auth("/client1/x", headers=headers))
    wait_wake(bus, "testing", sleeping)


def test_only_people_wake(make_world):
    """Programs, websockets, frames and monitors wake nothing and are told why; a page, a form and the button of a browser do."""
    world = configured(make_world, lambda _, domains: domains["testing.localhost"].update(
        access={"wake": "person", "websocket": True}))
    bus = world.bus()
    wait_state(bus, "testing", "off")
    wait_state(bus, "erp", "off")
    mark = bus.mark()
    problem = world.hall.auth("/client1/api", headers=API)
    check_not_ready(problem)
    assert problem.json()["detail_fact"] == {"code": "access.wake_person"} and "person" in problem.json()["detail"], problem.body
    assert world.hall.auth("/client1/api", headers=API, method="POST").json()["detail_fact"] == {"code": "access.wake_person"}
    assert world.hall.auth("/client1/", headers=BOT).json()["detail_fact"] == {"code": "access.monitor"}
    frame = {**BROWSER, "Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "same-origin"}
    for headers in (WEBSOCKET, ASSET, frame):
        assert world.hall.auth("/client1/x", headers=headers).status == 503
    button = "/.hall/wait?path=/client1/"
    assert world.hall.get(button, API, "POST", "testing.localhost").status == 403, "a program presses no button"
    assert wakes(world, bus, mark) == 0
    form = {**BROWSER, "Sec-Fetch-Site": "same-origin", "Origin": "https://testing.localhost"}
    assert world.hall.auth("/client1/x", headers=form, method="POST").status == 503
    wait_wake(bus, "testing", mark)


def test_the_button_of_a_site_for_people(make_world):
    world = configured(make_world, lambda _, domains: domains["testing.localhost"].update(access={"wake": "person"}))
    bus = world.bus()
    wait_state(bus, "testing", "off")
    mark = bus.mark()
    answer = world.hall.get("/.hall/wait?path=/client1/", {**BROWSER, "Origin": "http://testing.localhost"}, "POST", "testing.localhost")
    assert answer.status == 303, answer
    wait_wake(bus, "testing", mark)
