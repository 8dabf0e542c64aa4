"""The dashboard in a real browser, at a real Hall with servers that really sleep: what a person does there, in both
languages, from phone to wide screen, in both themes. Screenshots are left in $HALL_BUILD/screenshots."""

import http.client
import json
import os
import pathlib
import re
import signal
import sys
import urllib.parse

import pytest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "demo")]

import history  # noqa: E402
from dashboard import SCREENS, Dashboard  # noqa: E402
from process import wait_until  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from world import ROOT, SERVERS, World  # noqa: E402

BUILD = ROOT / os.environ.get("HALL_BUILD", "build")
PASSWORD = "a password for tests"
KEY = "key for tests 0123456789"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    servers = json.loads(json.dumps(SERVERS))
    world = World(BUILD / "bin" / "hall", tmp_path_factory.mktemp("world"), servers=servers, boot_s=1.5, min_up="0s")
    try:
        world.hall.secrets.update(ADMIN_PASSWORD=PASSWORD, HALL_API_KEY=KEY)
        world.hall.config["domains"]["erp.localhost"]["access"] = {"allow": ["192.168.0.0/16"]}
        world.hall.write(world.hall.config)
        past(world)
        world.start()
        yield world
    finally:
        world.close()


def past(world):
    """So that there is something to see."""
    world.hall.start()
    store = pathlib.Path(world.hall.config["store"]["path"])
    wait_until(store.exists, 60, "the store")
    assert world.hall.stop() == 0
    history.fill(store, world.described, 14)


@pytest.fixture(scope="module")
def bus(world):
    return world.bus()


@pytest.fixture(scope="module")
def page(world, tmp_path_factory):
    page = Dashboard("http://127.0.0.1:%d/" % world.hall.admin[1], tmp_path_factory.mktemp("chromium"), BUILD.resolve() / "screenshots")
    yield page
    page.close()


@pytest.fixture
def inside(page):
    """Logged in, wide, light, in English."""
    page.size(1366)
    page.dark(False)
    if not page.all(".frame"):
        page.login(PASSWORD)
    if page.run("return document.documentElement.lang") != "en":
        page.type("#language", "en")
        page.until(lambda: page.run("return document.documentElement.lang") == "en", "English")
    return page


def api(world, path, method="GET", body=None, headers=None):
    words = {"X-API-Key": KEY, **({"Content-Type": "application/json"} if body is not None else {}), **(headers or {})}
    answer = world.hall.ask_admin("/api/v1" + path, words, method, body=body if body is None or isinstance(body, str) else json.dumps(body))
    assert answer.status < 300, answer
    return answer


def state(page, server):
    return page.run("const e = document.querySelector(`[data-server=\"${arguments[0]}\"] .chip[data-state]`); return e && e.dataset.state", server)


def ready(world):
    """Each test may be the first of its process."""
    if api(world, "/servers/testing").json()["status"]["state"] != "ready":
        api(world, "/servers/testing/wake", "POST", {})
        wait_until(lambda: api(world, "/servers/testing").json()["status"]["state"] == "ready", 60, "testing ready")


def asleep(world):
    if api(world, "/servers/testing").json()["status"]["state"] != "off":
        api(world, "/servers/testing/sleep", "POST", {"force": True})
        wait_until(lambda: api(world, "/servers/testing").json()["status"]["state"] == "off", 60, "testing asleep")


def test_the_door(page):
    page.open()
    page.one("#password")
    page.check("login")
    page.shot("login")
    page.type("#password", "wrong")
    page.click("#login")
    page.until_text("#login-error", "The password is wrong.")
    assert page.run("return document.querySelector('#login-error').getAttribute('role')") == "alert"
    page.type(".door select", "fr")
    page.until_text("h1", "Connexion")
    page.type(".door select", "en")
    page.login(PASSWORD)
    page.until_text("h1", "asleep")
    assert page.run("return document.cookie") == ""


def test_a_server_is_woken_and_goes_ready_before_ones_eyes(inside, world, bus):
    page = inside
    wait_until(lambda: api(world, "/servers/testing").json()["status"]["state"] in ("off", "ready"), 60, "a known state")
    asleep(world)
    page.go("")
    page.until(lambda: state(page, "testing") == "off", "testing off")
    assert float(page.text("[data-server=testing] .foot").split(" kWh saved")[0]) > 1  # two weeks of it
    page.run("window.seen = []; new MutationObserver(() => { const e = document.querySelector('[data-server=testing] .chip'); if (e && window.seen.at(-1) !== e.dataset.state) window.seen.push(e.dataset.state); }).observe(document.body, {subtree: true, childList: true, attributes: true})")
    page.click("[data-server=testing] [data-act=wake]")
    page.until(lambda: state(page, "testing") == "ready", "testing ready")
    seen = page.run("return window.seen")
    assert "booting" in seen or "waking" in seen, seen
    assert page.text(".link") == "Live"
    page.until_text("[data-server=testing] .why", "woken by")
    page.go("servers/testing")
    page.until(lambda: len(page.all(".stages li.done")) >= 6, "the stages of the wake")
    page.shot("server-ready")


def test_a_sleeper_shows_no_figures_of_before_it_slept(inside, world):
    page = inside
    ready(world)
    page.go("servers/testing")

    def shown():
        return page.run("""return [...document.querySelectorAll('main dt')].filter((e) => ['Load', 'Up for'].includes(e.textContent.trim()))
                           .map((e) => e.nextElementSibling.textContent.trim())""")

    page.until(lambda: len(shown()) == 2 and all(any(c.isdigit() for c in words) for words in shown()), f"its load and time up: {shown()}")
    asleep(world)
    page.until(lambda: state(page, "testing") == "off" and not any(c.isdigit() for words in shown() for c in words), f"none: {shown()}")


def test_sleep_is_vetoed_by_name_and_forced(inside, world):
    page = inside
    ready(world)
    api(world, "/servers/testing/holds/backup", "PUT", {"for": "1h", "reason": "nightly backup"})
    page.go("servers/testing")
    page.until_text("main", "nightly backup")
    page.click(".head [data-act=sleep]")
    page.until_text("dialog", "backup")
    page.shot("veto")
    page.click("dialog button.danger")
    page.until(lambda: state(page, "testing") == "off", "testing asleep by force")


def test_a_lease_is_released(inside, world):
    page = inside
    ready(world)
    page.go("servers/testing")
    page.click("[data-act=hold]")
    page.type("#hold-reason", "until I say so")
    page.click("dialog button.main")
    page.until_text("main", "held: dashboard – until I say so")
    page.click("[data-lease=dashboard] [data-act=release]")
    page.until(lambda: not page.all("[data-lease=dashboard]"), "the hold is gone")


def test_tools(inside, world):
    page = inside
    ready(world)
    page.go("servers/testing")
    # An echo needs a right that not every machine gives; then it is said which.
    for tool, words in (("ping", (" ms", "ping_group_range")), ("http", ("200",)), ("packet", ("Works",))):
        page.click(f".tools [data-act={tool}]")
        page.until(lambda t=tool, w=words: any(x in page.text(f"[data-result={t}]") for x in w), f"{tool} answers {words}")


def test_a_policy_is_edited_in_place(inside, world):
    page = inside
    page.go("policies")
    card = "[data-domain='testing.localhost']"
    page.click(f"{card} input[value=scheduled]")
    page.until(lambda: len(page.all(f"{card} .week .bar i")) >= 4, "the week to come")
    before = len(page.all(f"{card} .week .bar i"))
    for day in (6, 7):
        page.click(f"{card} .days label:nth-child({day}) input")
    page.until(lambda: len(page.all(f"{card} .week .bar i")) > before, "the weekend too")
    page.shot("policy")
    page.click(f"{card} [data-act=save]")
    page.until_text("#toasts", "saved")
    policy = api(world, "/config").json()["domains"]["testing.localhost"]["policy"]
    assert policy["mode"] == "scheduled" and policy["windows"][0]["days"] == "mon-sun", policy
    wait_until(lambda: api(world, "/servers/testing").json()["status"]["policy"] == "scheduled", 60, "the new policy")
    page.click(f"{card} input[value=on_demand]")
    page.until(lambda: not page.run(f"return document.querySelector(\"{card} [data-act=save]\").disabled"), "may be saved")
    page.click(f"{card} [data-act=save]")
    wait_until(lambda: api(world, "/servers/testing").json()["status"]["policy"] == "on_demand", 60, "the old policy")


def test_a_project_is_added_and_removed(inside, world):
    page = inside
    page.go("projects")
    page.click("[data-act=add]")
    for name, value in (("domain", "testing.localhost"), ("id", "shop"), ("path", "/shop"), ("upstream", world.upstream({"number": 20}, {"port": 8083}))):
        page.type(f"dialog [name={name}]", value)
    page.click("dialog button.main")
    page.one("[data-project=shop]")
    assert api(world, "/config").json()["domains"]["testing.localhost"]["projects"]["shop"]["path"] == "/shop"
    page.click("[data-project=shop] [data-act=edit]")
    page.type("dialog [name=path]", "/store")
    page.click("dialog button.main")
    page.until_text("[data-project=shop]", "/store")
    page.click("[data-project=shop] [data-act=remove]")
    page.click("dialog button.danger")
    page.until(lambda: not page.all("[data-project=shop]"), "the project is gone")
    # What Hall does not accept is said, with where it is wrong.
    page.click("[data-act=add]")
    for name, value in (("id", "bad"), ("path", "/client1"), ("upstream", "http://127.0.0.1:1")):
        page.type(f"dialog [name={name}]", value)
    page.type("dialog [name=domain]", "testing.localhost")
    page.click("dialog button.main")
    page.until_text("dialog .errors", "/domains/")
    page.click("dialog button.main")


def test_events_are_filtered_and_exported(inside, world):
    page = inside
    page.go("events")
    page.until(lambda: len(page.all("#events tbody tr")) > 30, "events")
    page.type("#f-server", "testing")
    page.type("#f-type", "wake_requested")
    page.until(lambda: page.all("#events tbody tr") and all("Wake requested" in r for r in page.run("return [...document.querySelectorAll('#events tbody tr')].map((r) => r.textContent)")), "wakes of testing alone")
    csv = page.run("return fetch(document.querySelector('#export-csv').href).then((r) => r.text())")
    rows = csv.strip().splitlines()
    assert len(rows) > 5 and all("wake_requested" in r and "testing" in r for r in rows[1:]), rows[:3]
    exported = page.run("return fetch(document.querySelector('#export-json').href).then((r) => r.json())")
    assert {e["type"] for e in (exported["events"] if isinstance(exported, dict) else exported)} == {"wake_requested"}
    page.type("#f-type", "")
    page.type("#f-search", "no such words", "input")
    page.until_text("main", "No events.")


def test_what_happened_is_told_in_french_too(inside, world):
    ready(world)
    asleep(world)  # asked for, whatever it was before
    ready(world)
    inside.type("#language", "fr")
    inside.go("events")
    for words in ("paquet magique n°", "le silence est confirmé", "mise en veille par", "commande de réveil de"):
        inside.until(lambda said=words: said in inside.one("tbody").text, words)
    assert "magic packet" not in inside.one("tbody").text and "ready after" not in inside.one("tbody").text


def test_a_refused_sleep_is_told_in_french_too(inside, world):
    page = inside
    ready(world)
    api(world, "/servers/testing/holds/backup", "PUT", {"for": "1h", "reason": "sauvegarde"})
    page.type("#language", "fr")
    page.go("servers/testing")
    page.until_text(".facts", "tous les contrôles requis")
    page.click(".head [data-act=sleep]")
    page.until_text("dialog", "sauvegarde")
    assert not page.all("dialog p[lang=en]"), page.text("dialog")
    page.shot("veto-fr")
    page.click("dialog button:not(.danger)")
    api(world, "/servers/testing/holds/backup", "DELETE")


def test_a_refused_visitor_is_let_in_by_one_click(inside, world):
    page = inside
    answer = world.hall.auth("/secret", host="erp.localhost", client="198.51.100.7", headers={"Accept": "application/json"})
    assert answer.status == 403
    page.go("access")
    row = "#refusals tbody tr"
    page.type("#f-address", "198.51.100.7")
    page.until_text(row, "198.51.100.7")
    page.until_text(row, "erp.localhost")
    page.click(f"{row} [data-act=allow]")
    page.until_text("#toasts", "198.51.100.7 may come to erp.localhost now.")
    wait_until(lambda: world.hall.auth("/secret", host="erp.localhost", client="198.51.100.7", headers={"Accept": "application/json"}).status != 403, 60, "it is let in")
    page.click(f"{row} [data-act=deny]")
    wait_until(lambda: world.hall.auth("/secret", host="erp.localhost", client="198.51.100.7", headers={"Accept": "application/json"}).status == 403, 60, "it is kept out")


def edit(page, old, new):
    page.run("const e = document.querySelector('#editor'); e.value = e.value.replace(arguments[0], arguments[1]); e.dispatchEvent(new Event('input', {bubbles: true}))", old, new)


def test_errors_of_the_configuration_are_told_in_french_too(inside):
    page = inside
    page.type("#language", "fr")
    page.go("config")
    edit(page, '"address": "', '"address": "x')
    page.click("#validate")
    page.until_text("#report .errors", "une adresse IPv4, comme")
    assert not page.all("#report [lang=en]") and "found" not in page.text("#report")
    edit(page, '"address": "x', '"address": "')


def test_the_configuration_is_checked_compared_and_saved(inside, world):
    page = inside
    page.go("config")
    edit(page, '"address": "', '"address": "x')
    page.click("#validate")
    page.until_text("#report .errors", "/servers/testing/address")
    page.shot("config-errors")
    edit(page, '"address": "x', '"address": "')
    edit(page, '"ERP"', '"Books"')
    page.click("#compare")
    page.until_text("#report .diff", "/servers/erp/name")
    page.click("#save")
    page.until_text("#toasts", "The configuration is saved")
    assert api(world, "/config").json()["servers"]["erp"]["name"] == "Books"
    # Somebody else saves meanwhile: nothing is lost unasked.
    edit(page, '"Books"', '"Mine"')
    theirs = api(world, "/config")
    text = theirs.text().replace('"Books"', '"Theirs"')
    api(world, "/config", "PUT", text, {"If-Match": theirs.headers["ETag"]})
    page.click("#save")
    page.until_text("dialog", "Somebody else")
    page.click("dialog [value=theirs]")
    page.until(lambda: '"Theirs"' in page.run("return document.querySelector('#editor').value"), "theirs")
    assert api(world, "/config").json()["servers"]["erp"]["name"] == "Theirs"


EVIL = "'\"><b class=owned>x</b><img src=x onerror=alert(1)>${1}"


def test_a_refused_file_is_a_banner_until_it_is_mended(inside, world):
    page, good = inside, world.hall.file.read_text(encoding="utf-8")
    page.go("")
    try:
        world.hall.file.write_text(good.replace('"mac"', '"mca"', 1), encoding="utf-8")
        world.hall.process.signal(signal.SIGHUP)
        page.until_text(".banner.bad", "The configuration file was refused:")
        assert "correct the file and reload" in page.one(".banner.bad").text
    finally:
        world.hall.file.write_text(good, encoding="utf-8")
        world.hall.process.signal(signal.SIGHUP)
    page.until(lambda: not page.all(".banner.bad"), "the banner to go")


def test_what_others_say_is_text_and_never_markup(inside, world, bus):
    page = inside
    before = api(world, "/config")
    config = before.json()
    config["servers"]["testing"]["name"] = EVIL
    for project in config["domains"]["testing.localhost"]["projects"].values():
        project["name"] = EVIL
    api(world, "/config", "PUT", json.dumps(config), {"If-Match": before.headers["ETag"]})
    bus.publish("hall/servers/testing/hold/evil", json.dumps({"for": "1h", "reason": EVIL}))
    bus.publish("hall/servers/testing/command", json.dumps({"action": "wake", "id": EVIL, "by": EVIL, "reason": EVIL}))
    path = "/" + urllib.parse.quote(EVIL, safe="'<>=()$ {}\"").replace(" ", "%20")
    evil = {"Accept": "application/json", "User-Agent": EVIL, "Referer": EVIL}
    assert world.hall.auth(path, host="erp.localhost", client="198.51.100.8", headers=evil).status == 403
    world.hall.ask_admin(path, {"User-Agent": EVIL}, host="127.0.0.1")
    try:
        wait_until(lambda: any(EVIL in lease.values() for lease in api(world, "/leases").json()["leases"]), 60, "the hold")
        for screen in SCREENS:
            page.go(screen)
            assert page.run("return document.querySelectorAll('.owned, img[src=x]').length") == 0, screen
            assert not page.errors(), screen
        for screen in ("", "servers/testing", "projects"):
            page.go(screen)
            page.until_text("main", EVIL)
    finally:
        bus.publish("hall/servers/testing/hold/evil", "")
        api(world, "/config", "PUT", before.text(), {"If-Match": api(world, "/config").headers["ETag"]})


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_screen_in_every_size_and_light(inside, language):
    page = inside
    page.type("#language", language)
    page.until(lambda: page.run("return document.documentElement.lang") == language, language)
    for screen in SCREENS:
        page.go(screen)
        name = screen.replace("/", "-") or "overview"
        for width, dark in ((1366, False), (390, True)):
            page.size(width)
            page.dark(dark)
            page.run("return new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))")
            page.check(f"{name} {language} {width}")
            page.shot(f"{name}-{language}-{width}")
        page.size(1366)
        page.dark(False)


def test_without_a_place_for_its_stream_it_asks_at_intervals(inside, world):
    page = inside
    asleep(world)
    streams = []

    def all_are_taken():
        stream = http.client.HTTPConnection(*world.hall.admin, timeout=20)
        stream.request("GET", "/api/v1/stream", headers={"X-API-Key": KEY})
        answer = stream.getresponse()
        streams.extend([(stream, answer)] * (answer.status == 200))
        return len(streams) == 3

    try:
        page.driver.get("about:blank")  # its own stream ends; its worker finds out a little later
        wait_until(all_are_taken, 60, "three streams", pause=0.2)
        page.open()
        page.until_text(".link", "Up to date")
        page.go("")
        page.until(lambda: state(page, "testing") == "off", "testing off")
        api(world, "/servers/testing/wake", "POST", {})
        page.until(lambda: state(page, "testing") == "ready", "testing ready")
        page.check("polling")
    finally:
        for stream, answer in streams:
            answer.close()
            stream.close()


def test_every_word_is_there_in_both_languages():
    app = ROOT / "web" / "assets" / "app"
    words = {name: dict(re.findall(r"^  '([^']+)': '(.*)',$", (app / f"words_{name}.js").read_text(encoding="utf-8"), re.M)) for name in ("en", "fr")}
    assert words["en"].keys() == words["fr"].keys() and len(words["en"]) > 300
    for key, text in words["en"].items():
        french = words["fr"][key]
        assert set(re.findall(r"{(\w+)}", text)) == set(re.findall(r"{(\w+)}", french)), key
        assert text.count("|") == french.count("|"), key
        assert not re.search(r"(?<![\u00a0\d])[;:?!](?=\s|$)", french) or "://" in french, f"{key}: a French mark wants a space before it: {french}"
    used = set()
    for file in app.glob("[!w]*.js"):  # but for words*.js
        used |= set(re.findall(r"\bt\('([\w.]+)'", file.read_text(encoding="utf-8")))
    assert used <= words["en"].keys(), used - words["en"].keys()


def test_by_keyboard_alone(inside):
    page = inside
    page.go("projects")
    assert page.run("return document.activeElement.tagName") == "H1"  # so that a screen reader says where we are
    page.run("document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex')")
    page.driver.switch_to.active_element.send_keys(Keys.TAB)
    assert page.run("return document.activeElement.className") == "skip"
    page.driver.switch_to.active_element.send_keys(Keys.ENTER)
    page.until(lambda: page.run("return document.activeElement.tagName") == "H1", "the title has the focus")
    page.size(390)
    page.run("document.querySelector('#menu').focus()")
    page.driver.switch_to.active_element.send_keys(Keys.ENTER)
    page.until(lambda: page.run("return document.querySelector('#menu').getAttribute('aria-expanded')") == "true", "the menu")
    page.shot("menu-390")
    page.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    page.until(lambda: page.run("return document.querySelector('#menu').getAttribute('aria-expanded')") == "false", "the menu closed")


def test_a_lost_connection_is_said_and_a_login_outlives_a_new_start(inside, world):
    page = inside
    page.go("")
    world.hall.kill()
    page.until_text("#lost", "Hall does not answer")
    page.check("lost")
    page.shot("lost")
    world.hall.start()
    page.until(lambda: not page.text("#lost"), "the end of the notice")
    assert not page.all("#password")
    world.hall.kill()
    world.hall.secrets["HALL_SECRET_KEY"] = "another key of 32 bytes, or a few more"
    world.hall.start()
    page.until(lambda: page.all("#password"), "the door")
    page.until_text("main", "Your session has ended")


def test_without_a_password_it_says_what_to_do(page, world):
    assert world.hall.stop() == 0
    for name in pathlib.Path(world.hall.config["store"]["path"]).parent.glob("hall.db*"):
        name.unlink()
    world.hall.secrets = {}
    world.hall.start()
    wait_until(lambda: answers(world), 60, "the dashboard")
    page.open()
    page.until_text("main", "hallctl hash-password")
    page.size(390)
    page.check("setup")
    page.shot("setup")


def answers(world):
    try:
        return world.hall.ask_admin("/").status == 200
    except OSError:
        return False
