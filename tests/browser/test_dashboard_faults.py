"""What the dashboard says of sites that do not answer, in a real browser: each failing check with its reason, a certificate, a refused
connection, no answer in time, status 500, on the page of its server, and that of a project beside it; in both languages."""

import http.server
import os
import pathlib
import ssl
import subprocess
import sys
import threading

import pytest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "demo")]

from dashboard import Dashboard  # noqa: E402
from process import wait_until  # noqa: E402
from world import ROOT, Hall, free_port  # noqa: E402

BUILD = ROOT / os.environ.get("HALL_BUILD", "build")
PASSWORD = "a password for tests"
# Where systemd-timesyncd runs and has not said yet that the clock is right.
UNSYNCHRONISED = ["unshare", "-m", "--propagation", "private", "sh", "-ec",
                  'mount -t tmpfs tmpfs /run; mkdir -p /run/systemd/timesync; exec "$@"', "sh"]
# The site, and what is said of it.
SAID = {
    "en": {"self": "self-signed", "dead": "connection refused", "slow": "no answer within 1 s", "ill": "500", "part": "self-signed"},
    "fr": {"self": "auto-signé", "dead": "connexion refusée", "slow": "aucune réponse en 1", "ill": "500", "part": "auto-signé"},
}


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.over.wait(self.server.delay)
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Sites:
    def __init__(self, directory):
        self.servers, self.directory, self.over = [], directory, threading.Event()

    def url(self, status=200, delay=0, tls=False):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        server.status, server.delay, server.over, server.daemon_threads = status, delay, self.over, True
        server.handle_error = lambda *_: None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.certificate())
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self.servers.append(server)
        return f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"

    def certificate(self):
        crt, key = self.directory / "own.crt", self.directory / "own.key"
        if not crt.exists():
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=pve", "-addext",
                            "subjectAltName=DNS:pve", "-keyout", key, "-out", crt], check=True, capture_output=True)
        return crt, key

    def close(self):
        self.over.set()
        for server in self.servers:
            server.shutdown()
            server.server_close()


@pytest.fixture(scope="module")
def hall(tmp_path_factory):
    directory = tmp_path_factory.mktemp("hall")
    sites = Sites(directory)
    upstreams = {"good": {"upstream": sites.url()}, "self": {"upstream": sites.url(tls=True)},
                 "dead": {"upstream": f"http://127.0.0.1:{free_port()}"}, "slow": {"upstream": sites.url(delay=30), "timeout": "1s"},
                 "ill": {"upstream": sites.url(status=500)}}
    upstreams["good"]["projects"] = {"part": {"upstream": sites.url(tls=True)}}
    hall = Hall(BUILD / "bin" / "hall", directory, {
        "mqtt": {"url": "mqtt://127.0.0.1:1"},
        "http": {"gateway": f"127.0.0.1:{free_port()}", "admin": f"127.0.0.1:{free_port()}"},
        "store": {"path": str(directory / "hall.db")}, "clock": {"trust": "synchronised"},
        "servers": {"box": {"address": "127.0.0.1", "mac": "02:00:5e:10:00:09", "sleep": {"via": "none"}}},
        "domains": {f"{name}.localhost": {"server": "box", **domain} for name, domain in upstreams.items()},
    }, "x", {"ADMIN_PASSWORD": PASSWORD})
    try:
        hall.start(argv=UNSYNCHRONISED)
        wait_until(lambda: can_log_in(hall), 60, "the first hash")
        yield hall
        assert hall.stop() == 0
    finally:
        sites.close()


def can_log_in(hall):
    try:
        return hall.ask_admin("/api/v1/session").json()["configured"]
    except OSError:
        return False


@pytest.fixture(scope="module")
def page(hall, tmp_path_factory):
    page = Dashboard("http://127.0.0.1:%d/" % hall.admin[1], tmp_path_factory.mktemp("chromium"), BUILD.resolve() / "screenshots")
    page.size(1366)
    page.login(PASSWORD)
    yield page
    page.close()


def line_of(page, site):
    """That of the check of this site, and the language it is marked as."""
    return page.run("""const e = [...document.querySelectorAll('ul.stack li.row')].find((e) => e.textContent.includes('· ' + arguments[0]));
                       const said = e && e.querySelector('span[lang]'); return e ? [e.textContent, said ? said.lang : null] : ['', null]""", site)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_each_failing_check_is_named_with_its_reason(page, language):
    if page.run("return document.documentElement.lang") != language:
        page.type("#language", language)
        page.until(lambda: page.run("return document.documentElement.lang") == language, language)
    page.go("servers/box")
    for site, words in SAID[language].items():
        name = "part" if site == "part" else f"{site}.localhost"
        page.until(lambda name=name, words=words: words in line_of(page, name)[0], f"{words} of {name}: {line_of(page, name)}", 40)
        assert line_of(page, name)[1] is None, f"{name}: it is in the reader's language"
    # Nobody woke it, and that is said in the reader's language too.
    assert {"en": "it was up when Hall started", "fr": "il était déjà allumé au démarrage de Hall"}[language] in page.text("main")
    assert language == "en" or "found awake" not in page.text("main")
    # The server itself says the first of them, the overview too; the project its own.
    problem = page.text(".note.bad")
    assert any(words in problem for words in SAID[language].values()), problem
    page.go("")
    page.until(lambda: any(words in page.text("main") for words in SAID[language].values()), "it on the overview")
    page.go("projects")
    page.until_text('[data-project="part"]', SAID[language]["part"])
    assert page.run("const e = [...document.querySelectorAll('[data-project=part] dd')].find((e) => e.textContent.includes(arguments[0])); "
                    "return e.lang || (e.querySelector('[lang]') || e).lang", SAID[language]["part"]) == "", "no other language than the page's"
    assert not page.errors()


def test_a_clock_that_is_not_believed_is_a_banner_until_it_is(page, hall):
    page.type("#language", "en")
    page.go("")
    page.until_text("#clock", "not synchronised", 40)
    page.shot("clock")
    page.type("#language", "fr")
    page.until_text("#clock", "synchronisée")
    subprocess.run(["nsenter", "-m", "-t", str(hall.process.pid), "touch", "/run/systemd/timesync/synchronized"], check=True)
    page.until(lambda: not page.all("#clock"), "no banner", 40)
    assert not page.errors()
