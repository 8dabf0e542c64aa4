"""Chromium in front of the real nginx and the real Caddy, as `hallctl proxy-config` tells them: from asleep to the site, and a
form that is sent while it sleeps."""

import http.server
import os
import pathlib
import sys
import threading
import urllib.parse

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "demo")]

from lan import free_port  # noqa: E402
from process import wait_until  # noqa: E402
from proxy import KINDS, Proxy  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402
from test_wait_page import BUILD, make_browser  # noqa: E402
from world import World  # noqa: E402

HOST = "testing.localhost"


# A site's own, as bad as can be: whatever comes is kept for ever.
WORKER = b"""
self.addEventListener('install', e => self.skipWaiting());
self.addEventListener('activate', e => e.waitUntil(clients.claim()));
self.addEventListener('fetch', e => e.respondWith((async () => {
  const kept = await caches.open('kept'), known = await kept.match(e.request);
  if (known) return known;
  const answer = await fetch(e.request);
  try { await kept.put(e.request, answer.clone()); } catch (refused) {}
  return answer;
})()));
"""
REGISTER = """
const done = arguments[0];
navigator.serviceWorker.addEventListener('controllerchange', () => done('controlled'));
navigator.serviceWorker.register('/worker.js').catch(e => done(String(e)));
"""
KEPT = """
const done = arguments[0];
caches.open('kept').then(c => c.keys()).then(keys => done(keys.map(k => new URL(k.url).pathname)));
"""


class Site(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.server.got.append((self.command, self.path, body))
        text = f"<!doctype html><title>The site</title><p id=m>{self.command}<p id=b>{body}".encode()
        is_worker = self.path == "/worker.js"
        text = WORKER if is_worker else text
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if is_worker else "text/html")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_GET


class Place:
    """Hall, a sleeping server on loopback whose site is the test's to open, and a proxy."""

    def __init__(self, directory, kind):
        self.world = World(BUILD / "bin" / "hall", directory, namespaces=False, boot_s=0.5, min_up="0s")
        config = self.world.hall.config
        self.address, self.port = config["servers"]["testing"]["address"], free_port()
        config["servers"] = {"testing": {**config["servers"]["testing"], "checks": [{"agent": {}}]}}
        config["domains"] = {HOST: {"server": "testing", "name": "Atelier",
                                    "upstream": f"http://{self.address}:{self.port}"}}
        self.world.described = {"testing": self.world.described["testing"]}
        self.world.hall.write(config)
        self.world.start()
        self.bus = self.world.bus()
        self.bus.wait_text("hall/servers/testing/state", "off")
        self.proxy = Proxy(kind, directory / kind, BUILD / "bin" / "hallctl", self.world.hall.file, free_port(), is_patient=True).start()
        self.site = None

    def open(self):
        self.site = Site((self.address, self.port), Handler)
        self.site.got = []
        threading.Thread(target=self.site.serve_forever, args=(0.05,), daemon=True).start()

    def shut(self):
        self.site.shutdown()
        self.site.server_close()
        self.site = None

    def url(self, path):
        return f"http://{HOST}:{self.proxy.port}{path}"

    def close(self):
        self.proxy.stop()
        self.world.close()
        if self.site:
            self.shut()


@pytest.fixture(params=KINDS)
def place(request, tmp_path):
    assert os.access(BUILD / "bin" / "hallctl", os.X_OK)
    place = Place(tmp_path, request.param)
    yield place
    place.close()


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    driver = make_browser(tmp_path_factory.mktemp("profile"), "en", True)
    yield driver
    driver.quit()


def landed(driver):
    WebDriverWait(driver, 60, poll_frequency=0.02).until(lambda d: d.title == "The site")


def test_from_asleep_to_the_site(place, driver):
    path = "/atelier/plan?x=1%202&y=%C3%A9"
    driver.get(place.url(path))
    assert driver.title in ("Atelier is waking up", "Atelier is starting", "Atelier is almost there")
    place.bus.wait_text("hall/servers/testing/state", "ready")
    assert driver.title != "The site"
    place.open()
    landed(driver)
    assert driver.current_url == place.url(path)
    assert ("GET", path, "") in place.site.got


def test_a_form_that_is_sent_while_it_sleeps_arrives(place, driver):
    form = f'<form id=f method=post action="{place.url("/order")}"><input name=what value="a b&amp;c"></form>'
    driver.get("data:text/html," + urllib.parse.quote(form))
    driver.find_element(By.ID, "f").submit()
    WebDriverWait(driver, 60).until(lambda d: d.find_elements(By.ID, "z"))
    assert "could not be delivered yet" in driver.find_element(By.ID, "z").text
    place.open()
    landed(driver)
    assert driver.find_element(By.ID, "m").text == "POST"
    assert wait_until(lambda: ("POST", "/order", "what=a+b%26c") in place.site.got, 60, "the form")


def test_a_service_worker_cannot_keep_the_page(place, driver):
    place.open()
    driver.get(place.url("/first"))
    landed(driver)
    assert driver.execute_async_script(REGISTER) == "controlled"
    place.shut()
    driver.get(place.url("/second"))
    assert driver.title != "The site" and driver.find_elements(By.ID, "s")
    driver.get(place.url("/third"))
    WebDriverWait(driver, 60, poll_frequency=0.02).until(lambda d: d.execute_script("return navigator.serviceWorker.controller !== null"))
    place.open()
    landed(driver)
    assert driver.current_url == place.url("/third")
    driver.get(place.url("/second"))
    landed(driver)
    kept = driver.execute_async_script(KEPT)
    assert "/second" in kept and "/third" in kept, "it does keep what it can: the site"
    assert not [path for path in kept if path.startswith("/.hall/")], kept


# Whatever a page can have a browser ask for, but a step of the person himself. It then says what its answers were.
FOREIGN = """<!doctype html><title>Elsewhere</title>
<link rel=prefetch href="{to}/prefetch"><link rel=stylesheet href="{to}/style">
<script type=speculationrules>{{"prefetch":[{{"source":"list","urls":["{to}/speculated"]}}],
"prerender":[{{"source":"list","urls":["{to}/rendered"]}}]}}</script>
<iframe hidden src="{to}/frame"></iframe><object data="{to}/object"></object><embed src="{to}/embed">
<img src="{to}/image"><video src="{to}/video" preload=auto></video><script src="{to}/script" async></script>
<form id=f action="{to}/form" method=post target=inner></form><iframe hidden name=inner></iframe>
<a id=ping href="#here" ping="{to}/ping">ping</a><a id=go href="{to}/link">go</a>
<script>
document.getElementById('f').submit();
document.getElementById('ping').click();
navigator.sendBeacon('{to}/beacon', 'x');
const settled = what => what.then(() => 'passed', e => String(e));
const socket = new Promise(done => {{
  const s = new WebSocket('{to}/socket'.replace('http', 'ws'));
  s.onopen = s.onerror = done;
}});
Promise.all([settled(fetch('{to}/cors')), settled(fetch('{to}/no-cors', {{mode: 'no-cors'}})),
  settled(fetch('{to}/posted', {{mode: 'no-cors', method: 'POST', body: 'x', headers: {{Accept: 'text/html'}}}})),
  settled(fetch('{to}/preflight', {{method: 'PUT', headers: {{'X-Odd': '1'}}}})), settled(socket)])
  .then(all => document.title = all.join(', '));
</script>"""


class ForeignHandler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        text = FOREIGN.format(to=self.server.to).encode()
        self.send_response(200 if self.path == "/" else 404)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def test_a_page_of_another_site_wakes_nothing_and_its_link_does(place, driver):
    elsewhere = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), ForeignHandler)
    elsewhere.daemon_threads, elsewhere.to = True, f"http://{HOST}:{place.proxy.port}"
    threading.Thread(target=elsewhere.serve_forever, args=(0.05,), daemon=True).start()
    mark = place.bus.mark()
    try:
        driver.get(f"http://elsewhere.localhost:{elsewhere.server_port}/")
        WebDriverWait(driver, 60).until(lambda d: d.title.count(",") >= 4)

        def refused():
            assert place.world.hall.get("/auth", source="127.0.0.2").status == 403
            return any(m.json()["event_type"] == "access_refused" for m in place.bus.heard("hall/event", mark))

        wait_until(refused, 60, "what came before was heard", pause=0.3)
        assert not [m for m in place.bus.heard("hall/servers/testing/event", mark) if m.json()["event_type"] == "wake_requested"], driver.title
        driver.find_element(By.ID, "go").click()
        place.bus.wait_json("hall/servers/testing/event", mark, event_type="wake_requested")
        assert "Atelier" in WebDriverWait(driver, 60).until(lambda d: d.find_element(By.TAG_NAME, "h1").text)
    finally:
        elsewhere.shutdown()
        elsewhere.server_close()
