"""The waiting page in a real browser: from asleep to the site, in both languages, without JavaScript, failing and
retried, started by a click, in both themes, narrow and wide. front_stage plays Hall; a small server plays the site and,
in front of both, a reverse proxy that asks /auth first. Screenshots are left in $HALL_BUILD/screenshots."""

import http.client
import http.server
import json
import os
import pathlib
import queue
import re
import subprocess
import threading
import time
import urllib.parse

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

BUILD = pathlib.Path(os.environ.get("HALL_BUILD", pathlib.Path(__file__).parents[2] / "build")).resolve()
SHOTS = BUILD / "screenshots"
PATIENCE = 60

CONFIG = {
    "http": {"gateway": "127.0.0.1:0", "trusted_proxies": ["127.0.0.1"]},
    "servers": {
        "testing": {"name": "Testing", "address": "127.0.0.20", "mac": "aa:bb:cc:dd:ee:01"},
        "erp": {"name": "ERP", "address": "127.0.0.21", "mac": "aa:bb:cc:dd:ee:02"},
    },
    "domains": {
        "testing.localhost": {
            "server": "testing",
            "projects": {
                "atelier": {"name": "Atelier Lumière", "path": "/atelier", "upstream": "http://127.0.0.20:8081",
                            "containers": ["atelier-web"]}
            },
        },
        "erp.localhost": {"server": "erp", "upstream": "http://127.0.0.21:8080", "access": {"wake": "click"}},
        "closed.localhost": {"server": "erp", "upstream": "http://127.0.0.21:8080",
                             "access": {"allow": ["10.0.0.0/8"]}},
    },
}


class Stage:
    """front_stage, its visits in a queue."""

    def __init__(self, folder):
        config = folder / "domains.json"
        config.write_text(json.dumps(CONFIG))
        self.process = subprocess.Popen([str(BUILD / "tests" / "front_stage"), str(config)], text=True, bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.port = int(self._next("port").split()[1])

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.strip())

    def _next(self, word):
        end = time.monotonic() + PATIENCE
        while True:
            line = self.lines.get(timeout=max(0.01, end - time.monotonic()))
            if line.split()[0] == word:
                return line

    def say(self, *lines):
        for line in lines:
            self.process.stdin.write(line + "\n")
            assert self._next_answer() == "done", line

    def _next_answer(self):
        kept = []
        while True:
            line = self.lines.get(timeout=PATIENCE)
            if line in ("done", "not understood"):
                for other in kept:
                    self.lines.put(other)
                return line
            kept.append(line)

    def visit(self, kind):
        return self._next(kind)

    def forget_visits(self):
        while not self.lines.empty():
            self.lines.get()

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


class Proxy(http.server.ThreadingHTTPServer):
    """A reverse proxy as small as can be: asks /auth, sends /.hall/ to Hall, serves the site itself."""

    daemon_threads = True

    def __init__(self, hall_port):
        super().__init__(("127.0.0.1", 0), ProxyHandler)
        self.hall_port = hall_port
        self.helpers = True
        self.cut = False
        self.site_requests = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class ProxyHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def ask(self, method, target, extra):
        hall = http.client.HTTPConnection("127.0.0.1", self.server.hall_port, timeout=30)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection", "content-length")}
        headers.update({"X-Forwarded-Host": self.headers["Host"], "X-Forwarded-For": self.client_address[0],
                        "X-Forwarded-Proto": "http", **extra})
        hall.request(method, target, headers=headers)
        answer = hall.getresponse()
        return answer.status, answer.getheaders(), answer.read()

    def give(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "connection", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_any(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.startswith("/.hall/") and self.server.helpers:
            if self.server.cut:
                self.close_connection = True
                return
            try:
                self.give(*self.ask(self.command, self.path, {}))
            except (http.client.HTTPException, OSError):
                self.close_connection = True  # Hall or the browser ended it
            return
        status, headers, body = self.ask("GET", "/auth", {"X-Forwarded-Uri": self.path,
                                                           "X-Forwarded-Method": self.command})
        if status != 200:
            self.give(status, headers, body)
            return
        self.server.site_requests.append((self.command, self.path))
        self.give(200, [("Content-Type", "text/html"), ("Cache-Control", "no-store")],
                  b"<!doctype html><title>The site</title><h1 id=site>The site</h1>")

    do_GET = do_POST = do_HEAD = handle_any


@pytest.fixture
def stage(tmp_path):
    stage = Stage(tmp_path)
    yield stage
    stage.close()


@pytest.fixture
def proxy(stage):
    proxy = Proxy(stage.port)
    yield proxy
    proxy.shutdown()
    proxy.server_close()


def make_browser(folder, language, script):
    options = Options()
    for flag in ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
                 "--disable-component-update", "--disable-sync", f"--user-data-dir={folder}", f"--lang={language}"):
        options.add_argument(flag)
    preferences = {"intl.accept_languages": language}
    if not script:
        preferences["profile.managed_default_content_settings.javascript"] = 2
    options.add_experimental_option("prefs", preferences)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    driver.set_page_load_timeout(60)
    return driver


@pytest.fixture(scope="module")
def browsers(tmp_path_factory):
    drivers = {}
    yield drivers, tmp_path_factory
    for driver in drivers.values():
        driver.quit()


@pytest.fixture
def browser(browsers):
    """A browser of that kind, blank; the same kinds are used again."""
    drivers, folders = browsers
    used = []

    def make(language="en", script=True, dark=False, still=False):
        key = (language, script)
        if key not in drivers:
            drivers[key] = make_browser(folders.mktemp("profile"), language, script)
        driver = drivers[key]
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
                         {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"}]})
        driver.get_log("browser")
        used.append(driver)
        return driver

    yield make
    for driver in used:
        driver.get("about:blank")


def url(proxy, path="/atelier/plan?x=1%202&y=%C3%A9", host="testing.localhost"):
    return f"http://{host}:{proxy.server_port}{path}"


def size(driver, width, height):
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                           {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})


def shot(driver, name):
    SHOTS.mkdir(parents=True, exist_ok=True)
    driver.save_screenshot(str(SHOTS / f"{name}.png"))


def until(driver, what, patience=PATIENCE):
    return WebDriverWait(driver, patience, poll_frequency=0.02).until(lambda _: what())


def text(driver, css):
    return driver.execute_script("return document.querySelector(arguments[0]).textContent", css)


def classes(driver):
    return driver.execute_script(
        "return Object.fromEntries([...document.querySelectorAll('li:not([hidden])')].map(l=>[l.dataset.s,l.className]))")


def errors(driver):
    """Whatever the page did wrong. A 503 is what the page itself comes with; the small site has no icon."""
    return [e["message"] for e in driver.get_log("browser")
            if e["level"] == "SEVERE" and not re.search("503|429|403|favicon", e["message"])]


def begin(stage, ms=20000):
    stage.say(f"wake testing {ms}", "expect testing first_sign 6000", "expect testing agent_online 9000",
              "expect testing docker_up 11000", "expect testing container_present 12000",
              "expect testing container_healthy 16000", "expect testing site_answers 20000",
              "stage testing packet_sent")


def landed(driver, proxy, path):
    until(driver, lambda: driver.title == "The site")
    assert driver.current_url == url(proxy, path)


def test_from_asleep_to_the_site(stage, proxy, browser):
    driver = browser()
    size(driver, 1280, 900)
    path = "/atelier/plan?x=1%202&y=%C3%A9"
    driver.get(url(proxy, path))
    assert stage.visit("wants").split()[1] == "atelier"
    assert driver.title == "Atelier Lumière is waking up"
    begin(stage)
    until(driver, lambda: classes(driver)["packet_sent"] == "done")
    assert classes(driver)["first_sign"] == "now"
    assert re.match(r"About \d+\u00a0s left, learned", text(driver, "#e"))
    shot(driver, "waking-en-light")
    for stage_name in ("first_sign", "agent_online", "docker_up", "container_present"):
        stage.say("ago testing 2600", f"stage testing {stage_name}")
        until(driver, lambda: classes(driver)[stage_name] == "done")
    assert driver.title == "Atelier Lumière is starting"
    assert "Atelier Lumière is starting" in text(driver, "#s"), "screen readers are told"
    shot(driver, "booting-en-light")
    stage.say("ready testing")
    landed(driver, proxy, path)
    assert proxy.site_requests[-1] == ("GET", path)
    assert errors(driver) == []


def test_french(stage, proxy, browser):
    driver = browser(language="fr", dark=True)
    size(driver, 1280, 900)
    driver.get(url(proxy))
    begin(stage)
    stage.say("ago testing 5200", "stage testing first_sign", "ago testing 3100", "stage testing agent_online")
    until(driver, lambda: classes(driver)["agent_online"] == "done")
    assert driver.title == "Atelier Lumière démarre"
    assert driver.find_element(By.TAG_NAME, "html").get_attribute("lang") == "fr"
    assert "Le système fonctionne\u202f; ses services démarrent." == text(driver, "#x")
    assert "«\u00a0Testing\u00a0»" in text(driver, ".w")
    assert re.search(r"après \d,\d\u00a0s", text(driver, "[data-s=first_sign] small"))
    assert "d’après les démarrages précédents" in text(driver, "#e")
    shot(driver, "booting-fr-dark")


def test_without_javascript(stage, proxy, browser):
    driver = browser(script=False)
    size(driver, 800, 900)
    driver.get(url(proxy, "/atelier/a?b=c&d"))
    assert "is waking up" in driver.title
    stage.visit("wants")
    stage.forget_visits()
    begin(stage)
    stage.say("stage testing first_sign")
    until(driver, lambda: "is starting" in driver.title)
    assert "/.hall/wait" in driver.current_url
    shot(driver, "booting-without-javascript")
    stage.say("ready testing")
    landed(driver, proxy, "/atelier/a?b=c&d")


def test_failure_without_javascript_stays_and_is_retried(stage, proxy, browser):
    driver = browser(script=False)
    driver.get(url(proxy))
    stage.visit("wants")
    begin(stage)
    stage.say("fail testing no_sign")
    until(driver, lambda: "did not wake up" in driver.title)
    stage.forget_visits()
    driver.find_element(By.CSS_SELECTOR, "button").click()
    assert stage.visit("wants").split()[1] == "atelier"


@pytest.mark.parametrize("failure,language,words", [
    ("no_sign", "en", "unplugged"), ("not_ready", "fr", "L’un de ses services"), ("no_packet", "en", "could not be sent"),
    ("cancelled", "fr", "annulé")])
def test_failure_and_retry(stage, proxy, browser, failure, language, words):
    driver = browser(language=language)
    size(driver, 1280, 900)
    driver.get(url(proxy))
    stage.visit("wants")
    begin(stage)
    until(driver, lambda: classes(driver)["packet_sent"] == "done")
    stage.say("ago testing 90000", f"fail testing {failure}")
    until(driver, lambda: words in text(driver, "#x"))
    assert classes(driver)["first_sign"] == "missed"
    shot(driver, f"failed-{failure}-{language}")
    stage.forget_visits()
    driver.find_element(By.CSS_SELECTOR, "button").click()
    assert stage.visit("wants").split()[1] == "atelier"
    begin(stage)
    until(driver, lambda: driver.find_element(By.ID, "m").get_attribute("data-view") == "waking")
    stage.say("ready testing")
    until(driver, lambda: driver.title == "The site")


def test_click_to_wake(stage, proxy, browser):
    driver = browser()
    size(driver, 1280, 900)
    driver.get(url(proxy, "/", host="erp.localhost"))
    assert driver.title == "ERP is asleep"
    assert stage.lines.empty(), "looking at the page wakes nothing"
    shot(driver, "click-en-light")
    driver.find_element(By.CSS_SELECTOR, "button").click()
    assert stage.visit("wants").split()[1] == "erp.localhost"
    stage.say("wake erp 5000", "stage erp packet_sent")
    until(driver, lambda: driver.find_element(By.ID, "m").get_attribute("data-view") == "waking")
    assert not driver.find_element(By.CSS_SELECTOR, "button").is_displayed()
    stage.say("ready erp")
    until(driver, lambda: driver.title == "The site")
    assert driver.current_url == url(proxy, "/", host="erp.localhost")


def test_refused(proxy, browser):
    driver = browser(dark=True)
    size(driver, 1280, 900)
    driver.get(url(proxy, "/", host="closed.localhost"))
    assert driver.title == "No access from here"
    shot(driver, "refused-en-dark")


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_widths_and_themes(stage, proxy, browser, width, dark):
    driver = browser(language="fr", dark=dark)
    size(driver, width, 900)
    begin(stage)
    stage.say("ago testing 5200", "stage testing first_sign", "ago testing 3100", "stage testing agent_online",
              "ago testing 2000", "stage testing docker_up")
    driver.get(url(proxy))
    until(driver, lambda: classes(driver)["docker_up"] == "done")
    assert driver.execute_script("return document.documentElement.scrollWidth") <= width
    shot(driver, f"booting-fr-{'dark' if dark else 'light'}-{width}")


def test_overdue_first_time_and_long_names(stage, proxy, browser):
    driver = browser()
    size(driver, 420, 900)
    stage.say("wake testing", "stage testing packet_sent")
    driver.get(url(proxy))
    until(driver, lambda: "first start we see" in text(driver, "#e"))
    assert not driver.find_element(By.TAG_NAME, "progress").get_attribute("value") or driver.execute_script(
        "return document.querySelector('progress').position") == -1
    shot(driver, "waking-no-estimate-420")
    stage.say("wake testing 1", "stage testing packet_sent", "touch testing")
    until(driver, lambda: "longer than usual" in text(driver, "#e"))
    shot(driver, "overdue-420")


LIMITS = [("access.wakes_per_day", "share of starts", "tous vos démarrages"),
          ("access.minutes_per_day", "share of time", "tout votre temps"),
          ("project.wakes_per_day", "This project has used up its share of starts", "Ce projet a utilisé tous ses démarrages"),
          ("project.minutes_per_day", "This project has used up its share of time", "Ce projet a utilisé tout son temps"),
          ("access.windows", "hours of access", "heures d’accès")]


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("guard,english,french", LIMITS)
def test_limited(stage, proxy, browser, guard, english, french, language):
    driver = browser(language=language, dark=language == "fr")
    size(driver, 1280, 900)
    stage.say(f"limit atelier 127.0.0.1 {guard} 7200000")
    driver.get(url(proxy))
    kind, site, who, detail = stage.visit("refused").split(" ", 3)
    assert (site, who) == ("atelier", "127.0.0.1")
    assert re.search(rf"guard {re.escape(guard)} refuses until \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", detail)
    assert (english if language == "en" else french) in text(driver, "#x")
    assert not driver.find_element(By.CSS_SELECTOR, "button").is_displayed()
    assert not driver.find_element(By.TAG_NAME, "progress").is_displayed()
    shown = driver.find_element(By.TAG_NAME, "time")
    assert shown.is_displayed() and "UTC" not in shown.text and re.search(r"\d\d:\d\d", shown.text), shown.text
    shot(driver, f"limited-{guard}-{language}")
    assert errors(driver) == []


def test_limited_without_javascript_and_without_end(stage, proxy, browser):
    driver = browser(script=False)
    size(driver, 800, 900)
    stage.say("limit atelier 127.0.0.1 access.minutes_per_day 7200000")
    driver.get(url(proxy))
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", text(driver, "time"))
    shot(driver, "limited-without-javascript")
    stage.say("closed atelier -1")
    driver.get(url(proxy))
    assert driver.title == "Atelier Lumière is closed now"
    assert not driver.find_element(By.TAG_NAME, "time").is_displayed()


def test_an_open_page_shows_a_limit_and_its_end(stage, proxy, browser):
    driver = browser()
    size(driver, 1280, 900)
    driver.get(url(proxy))
    stage.visit("wants")
    view = lambda: driver.find_element(By.ID, "m").get_attribute("data-view")
    assert view() == "waking"
    stage.say("limit atelier 127.0.0.1 access.wakes_per_day 4000")
    until(driver, lambda: view() == "limited")
    assert driver.find_element(By.TAG_NAME, "time").is_displayed()
    assert "share of starts" in text(driver, "#s"), "screen readers are told"
    stage.forget_visits()
    until(driver, lambda: view() == "click")
    assert stage.lines.empty(), "a page that is left open wakes nothing"
    assert not driver.find_element(By.TAG_NAME, "time").is_displayed()
    driver.find_element(By.CSS_SELECTOR, "button").click()
    assert stage.visit("wants").split()[1] == "atelier"


def test_used_up_wakes_do_not_keep_from_a_server_that_others_wake(stage, proxy, browser):
    driver = browser()
    stage.say("limit atelier 127.0.0.1 access.wakes_per_day 7200000")
    driver.get(url(proxy))
    assert "share of starts" in text(driver, "#x")
    begin(stage)
    driver.get(url(proxy))
    assert driver.find_element(By.ID, "m").get_attribute("data-view") == "waking"
    stage.say("ready testing")
    until(driver, lambda: driver.title == "The site")


@pytest.mark.parametrize("guard,language,words", [("min_down", "en", "switched off a moment ago"),
                                                  ("wakes_per_hour", "fr", "autant de fois")])
def test_a_guard_of_the_server_is_waited_for(stage, proxy, browser, guard, language, words):
    driver = browser(language=language)
    size(driver, 1280, 900)
    driver.get(url(proxy))
    stage.visit("wants")
    stage.say(f"guard testing {guard} 60000")
    until(driver, lambda: words in text(driver, "#x"))
    assert driver.find_element(By.TAG_NAME, "time").is_displayed()
    assert not driver.find_element(By.CSS_SELECTOR, "button").is_displayed()
    shot(driver, f"held-{guard}-{language}")
    begin(stage)
    until(driver, lambda: classes(driver).get("packet_sent") == "done" and
          driver.find_element(By.ID, "l").is_displayed())
    assert not driver.find_element(By.TAG_NAME, "time").is_displayed()
    stage.say("ready testing")
    until(driver, lambda: driver.title == "The site")


def test_a_failure_that_was_the_last_try_stays_to_be_read(stage, proxy, browser):
    driver = browser()
    size(driver, 1280, 900)
    driver.get(url(proxy))
    stage.visit("wants")
    begin(stage)
    stage.say("limit atelier 127.0.0.1 access.wakes_per_day 7200000", "fail testing no_sign")
    until(driver, lambda: "unplugged" in text(driver, "#x"))
    assert "share of starts" in text(driver, "#x")
    assert not driver.find_element(By.CSS_SELECTOR, "button").is_displayed()
    assert driver.find_element(By.TAG_NAME, "time").is_displayed()
    shot(driver, "failed-and-limited-en")


@pytest.mark.parametrize("width", [320, 420])
def test_limited_fits_narrow_screens(stage, proxy, browser, width):
    driver = browser(language="fr")
    size(driver, width, 800)
    stage.say("closed atelier 172800000")
    driver.get(url(proxy))
    assert driver.execute_script("return document.documentElement.scrollWidth") <= width
    shot(driver, f"closed-fr-{width}")


KINDS = {"browser": {"Sec-Fetch-Mode": "navigate"}, "program": {"Accept": "application/json"},
         "part": {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, "websocket": {"Sec-WebSocket-Key": "x"},
         "monitor": {"User-Agent": "UptimeRobot/2.0"}}


def ask_auth(stage, kind, target="/auth", visitor="192.0.2.7"):
    hall = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=10)
    hall.request("GET", target, headers={"X-Forwarded-Host": "testing.localhost", "X-Forwarded-Uri": "/atelier/x",
                                         "X-Forwarded-For": visitor, **KINDS[kind]})
    answer = hall.getresponse()
    return answer, answer.read()


@pytest.mark.parametrize("ready", [False, True])
@pytest.mark.parametrize("guard,status", [("access.minutes_per_day", 429), ("project.minutes_per_day", 429),
                                          ("access.windows", 403)])
def test_every_client_is_told_of_a_limit_its_way(stage, guard, status, ready):
    if ready:
        stage.say("ready testing")
        assert ask_auth(stage, "browser")[0].status == 200
    stage.say(f"limit atelier 192.0.2.7 {guard} 3600000")
    for kind in KINDS:
        answer, body = ask_auth(stage, kind)
        assert answer.status == status, kind
        assert 3590 <= int(answer.getheader("Retry-After")) <= 3600
        assert answer.getheader("Cache-Control") == "no-store"
        if kind in ("part", "websocket"):
            assert body == b""
        elif kind == "browser":
            assert answer.getheader("Content-Type").startswith("text/html") and b"<time" in body
        else:
            assert answer.getheader("Content-Type") == "application/problem+json"
            problem = json.loads(body)
            assert (problem["status"], problem["guard"]) == (status, guard)
            assert re.fullmatch(r"[0-9-]{10}T[0-9:]{8}Z", problem["until"]) and problem["until"] in problem["detail"]
        assert ask_auth(stage, kind, "/auth/nginx")[0].status == 401
    if guard.startswith("access.minutes"):
        assert ask_auth(stage, "part", visitor="192.0.2.8")[0].status == (200 if ready else 503)


def test_the_status_names_the_guard(stage):
    def status(visitor="192.0.2.7"):
        hall = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=10)
        hall.request("GET", "/.hall/status?path=/atelier/", headers={"X-Forwarded-Host": "testing.localhost",
                                                                     "X-Forwarded-For": visitor})
        return json.loads(hall.getresponse().read())

    assert (status()["guard"], status()["until"]) == (None, None)
    stage.say("limit atelier 192.0.2.7 access.minutes_per_day 3600000", "ready testing")
    limited = status()
    assert (limited["guard"], limited["view"], limited["redirect"]) == ("access.minutes_per_day", "limited", None)
    assert limited["until"].endswith("Z")
    assert status("192.0.2.8")["redirect"] == "/atelier/"
    stage.say("state testing off", "guard testing min_down 60000")
    assert status("192.0.2.8")["guard"] == "min_down"


def test_the_button_does_not_wake_past_a_limit(stage):
    stage.say("limit erp.localhost - project.wakes_per_day 3600000")
    hall = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=10)
    hall.request("POST", "/.hall/wait?path=/", headers={"Host": "erp.localhost", "Sec-Fetch-Site": "same-origin"})
    answer = hall.getresponse()
    answer.read()
    assert answer.status == 429
    assert "project.wakes_per_day" in stage.visit("refused")
    stage.say("touch erp")
    assert stage.lines.empty()


def luminance(colour):
    parts = [int(c) / 255 for c in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_contrast(stage, proxy, browser, dark):
    driver = browser(dark=dark, still=True)
    begin(stage)
    stage.say("stage testing first_sign")
    driver.get(url(proxy))
    until(driver, lambda: classes(driver)["first_sign"] == "done")
    colour = lambda css, what: driver.execute_script(
        "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]", css, what)
    card = colour("main", "backgroundColor")
    for css in (".w", "h1", "#x", "#e", ".el", "li.done b", "li.now b", "li.todo b", "li.todo small", ".ft"):
        assert contrast(colour(css, "color"), card) >= 4.5, css
    stage.say("fail testing no_sign")
    until(driver, lambda: driver.find_element(By.ID, "m").get_attribute("data-view") == "failed")
    assert contrast(colour("h1", "color"), card) >= 4.5
    assert contrast(colour("li.missed small", "color"), card) >= 4.5
    assert contrast(colour("button", "color"), colour("button", "backgroundColor")) >= 4.5


def test_reduced_motion(stage, proxy, browser):
    driver = browser(still=True)
    begin(stage)
    driver.get(url(proxy))
    moving = driver.execute_script("return document.getAnimations().length")
    assert moving == 0


def test_accessible_names_and_landmarks(stage, proxy, browser):
    driver = browser()
    begin(stage)
    driver.get(url(proxy))
    until(driver, lambda: classes(driver)["packet_sent"] == "done")
    assert len(driver.find_elements(By.TAG_NAME, "main")) == 1
    assert len(driver.find_elements(By.TAG_NAME, "h1")) == 1
    assert driver.find_element(By.TAG_NAME, "progress").aria_role == "progressbar"
    assert driver.find_element(By.TAG_NAME, "progress").accessible_name == "Progress"
    assert driver.find_element(By.ID, "s").get_attribute("aria-live") == "polite"
    assert driver.find_element(By.CSS_SELECTOR, "li.now").get_attribute("aria-current") == "step"


def test_lost_connection_is_said_and_survived(stage, proxy, browser):
    driver = browser()
    size(driver, 600, 900)
    begin(stage)
    driver.get(url(proxy))
    until(driver, lambda: classes(driver)["packet_sent"] == "done")
    proxy.cut = True
    stage.say("touch testing")
    until(driver, lambda: driver.find_element(By.ID, "n").is_displayed())
    shot(driver, "connection-lost")
    proxy.cut = False
    until(driver, lambda: not driver.find_element(By.ID, "n").is_displayed())
    stage.say("ready testing")
    until(driver, lambda: driver.title == "The site")


def test_missing_proxy_rule_falls_back_to_reloading(stage, proxy, browser):
    proxy.helpers = False
    driver = browser()
    begin(stage)
    driver.get(url(proxy))
    stage.say("ready testing")
    until(driver, lambda: driver.title == "The site")


def test_a_fragment_survives(stage, proxy, browser):
    driver = browser()
    begin(stage)
    driver.get(url(proxy, "/atelier/app#/view/3"))
    stage.say("ready testing")
    landed(driver, proxy, "/atelier/app#/view/3")


def test_hostile_address_is_shown_harmless(stage, proxy, browser):
    driver = browser()
    driver.get(url(proxy, "/atelier/%22%3E%3Cscript%3Ealert(1)%3C/script%3E?'\"><img%20src=x%20onerror=alert(1)>"))
    stage.visit("wants")
    assert driver.find_elements(By.TAG_NAME, "img") == []
    assert errors(driver) == []


def test_direct_without_a_proxy(stage):
    hall = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=10)
    stage.say("ready testing")
    hall.request("GET", "/atelier/x?y=%41", headers={"Host": "testing.localhost", "Accept": "text/html"})
    answer = hall.getresponse()
    answer.read()
    assert answer.status == 307
    assert answer.getheader("Location") == "http://127.0.0.20:8081/atelier/x?y=%41"
    hall.request("GET", "/.hall/status?" + urllib.parse.urlencode({"path": "/atelier//evil.example"}),
                 headers={"Host": "testing.localhost"})
    assert json.loads(hall.getresponse().read())["redirect"] == "/atelier//evil.example"
