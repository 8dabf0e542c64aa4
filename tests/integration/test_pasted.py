"""Nginx in a container that others configure, Nginx Proxy Manager's and SWAG's: a frame as theirs, by the rules of nginx, around what
`hallctl proxy-config nginx --snippet` and `--swag` print. It lives in a namespace of its own and finds Hall at the address of a
bridge on the host, as a container does. (Their nginx are OpenResty and Alpine's; this one is Debian's.)"""

import base64
import contextlib
import http.client
import json
import os
import socket
import ssl
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers import asleep, awake, events, wait_event
from lan import ip
from process import Process, wait_until
from proxy import patient, tool
from test_proxies import API, check_waiting, hallctl  # noqa: F401 (fixture)
from world import BROWSER, Answer, free_port

ERP, TESTING = "erp.localhost", "testing.localhost"
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
TEMPS = "".join(f"{what}_temp_path {{folder}}/{what};\n" for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))


def printed(hallctl, world, form, host, *options):
    done = subprocess.run([hallctl, "proxy-config", "nginx", "--config", world.hall.file, form, host, *options],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


# Nginx Proxy Manager: one server block a proxy host, with "Advanced" pasted into it

MANAGER_HTTP = """
  keepalive_timeout 90s;
  proxy_connect_timeout 90s;
  proxy_send_timeout 90s;
  proxy_read_timeout 90s;
  client_max_body_size 2000m;
  server_names_hash_bucket_size 1024;
  proxy_http_version 1.1;
  proxy_set_header X-Forwarded-Scheme $scheme;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header Accept-Encoding "";
  proxy_cache_path {folder}/cache keys_zone=public-cache:1m;
  resolver 127.0.0.11 ipv6=off;
  map $host $forward_scheme {{ default http; }}
  {believed}
  real_ip_header X-Real-IP;
  real_ip_recursive on;
"""
MANAGER_PROXY = """
      add_header X-Served-By $host;
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-Scheme $scheme;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Real-IP $remote_addr;
      proxy_pass $forward_scheme://$server:$port$request_uri;
"""
# What the switches of its form add: Websockets Support, Cache Assets, Block Common Exploits, a certificate of Let's Encrypt.
MANAGER_SWITCHES = """
    location ^~ /.well-known/acme-challenge/ {{
      auth_basic off;
      allow all;
      default_type "text/plain";
      root {folder}/challenges;
    }}
    location = /.well-known/acme-challenge/ {{ return 404; }}
    location ~* ^.*\\.(css|js|jpe?g|gif|png|webp|svg|ico)$ {{
      proxy_cache public-cache;
      proxy_cache_key $host$request_uri;
      proxy_ignore_headers Set-Cookie Cache-Control Expires X-Accel-Expires;
      proxy_cache_valid any 30m;
      proxy_cache_use_stale error timeout updating http_500 http_502 http_503 http_504 http_404;
      proxy_connect_timeout 5s;
      proxy_read_timeout 45s;
{proxy}
    }}
    set $block_file_injections 0;
    if ($query_string ~ "[a-zA-Z0-9_]=http://") {{ set $block_file_injections 1; }}
    if ($block_file_injections = 1) {{ return 403; }}
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $http_connection;
    proxy_http_version 1.1;
"""


def manager_host(folder, host, target, pasted, access="", switches=True):
    address, port = target
    return f"""
  server {{
    set $forward_scheme http;
    set $server "{address}";
    set $port {port};
    listen 80;
    server_name {host};
{MANAGER_SWITCHES.format(folder=folder, proxy=MANAGER_PROXY) if switches else ""}
{pasted}
    location / {{
      {access}
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $http_connection;
      proxy_http_version 1.1;
{MANAGER_PROXY}
    }}
  }}
"""


# SWAG: a file a site, among the http block's own

SWAG_HTTP = """
  map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
  client_max_body_size 0;
  error_page 502 /502.html;
  server {{
    listen 80 default_server;
    location / {{ return 301 https://$host$request_uri; }}
  }}
  server {{
    listen 443 ssl default_server;
    include {folder}/ssl.conf;
    return 404;
  }}
"""


def swag_folder(folder, files):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-subj", "/CN=localhost"], check=True, capture_output=True)
    (folder / "ssl.conf").write_text(f"ssl_certificate {folder}/cert.pem;\nssl_certificate_key {folder}/key.pem;\n", encoding="utf-8")
    (folder / "resolver.conf").write_text("resolver 127.0.0.11 valid=30s;\n", encoding="utf-8")
    parts = []
    for text in files:
        assert "include /config/nginx/ssl.conf;" in text and "include /config/nginx/resolver.conf;" in text
        parts.append(text.replace("/config/nginx/", f"{folder}/"))
    return "\n".join(parts)


class Container:
    """Nginx at an address on the host's bridge. Visitors come from two other addresses of the host, which are on no list."""

    def __init__(self, world, number=90):
        lan = world.lan
        self.address = lan.address(number)
        third = lan.network[0].packed[2]
        self.home, self.away = f"192.168.{third}.5", f"198.18.{third}.7"
        for visitor in (self.home, self.away):
            ip("addr", "add", f"{visitor}/32", "dev", lan.bridge)
        self.folder = world.directory / "container"
        self.folder.mkdir()
        self.holder = Process(lan.command(["sleep", "infinity"]), self.folder / "holder.log")
        own = os.readlink("/proc/self/ns/net")
        wait_until(lambda: os.readlink(f"/proc/{self.holder.pid}/ns/net") != own, 60, "a namespace")
        lan.attach(self.holder.pid, f"02:00:5e:10:02:{number:02x}")
        for words in (("link", "set", "lo", "up"), ("addr", "add", f"{self.address}/24", "dev", "eth0"), ("link", "set", "eth0", "up"),
                      ("route", "add", "default", "via", lan.gateway)):
            subprocess.run(self.inside("ip", *words), check=True)
        self.nginx = None

    def inside(self, *words):
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", *words]

    def start(self, http_block, port):
        self.port = port
        conf = self.folder / "nginx.conf"
        conf.write_text(f"user root;\ndaemon off;\nworker_processes 1;\npid {self.folder}/nginx.pid;\nerror_log {self.folder}/error.log warn;\n"
                        f"events {{ worker_connections 512; }}\nhttp {{\naccess_log off;\n{TEMPS.format(folder=self.folder)}{http_block}\n}}\n",
                        encoding="utf-8")
        self.nginx = Process(self.inside(tool("nginx"), "-p", self.folder, "-c", conf), self.folder / "nginx.log")
        wait_until(self._listens, 60, "nginx")
        return self

    def _listens(self):
        assert self.nginx.alive(), self.nginx.log_tail()
        with contextlib.suppress(OSError), socket.create_connection((self.address, self.port), 1):
            return True
        return False

    def log(self):
        return (self.folder / "error.log").read_text(encoding="utf-8")

    def visit(self, host, path, headers=None, source=None, method="GET", body=None):
        words = {"timeout": 60, "source_address": (source or self.away, 0)}
        if self.port == 443:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            connection = http.client.HTTPSConnection(self.address, self.port, context=context, **words)
        else:
            connection = http.client.HTTPConnection(self.address, self.port, **words)
        with contextlib.closing(connection):
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in {"Host": host, **(headers or {}), **({"Content-Length": str(len(body))} if body else {})}.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            return Answer(response, response.read())

    def stop(self):
        for process in (self.nginx, self.holder):
            if process:
                process.stop()


@pytest.fixture
def make_container(make_world):
    """A world whose Hall listens at the bridge's address and believes the container alone."""
    made = []

    def make(change=None, number=90):
        world = make_world(start=False)
        if not world.lan.namespaces:
            pytest.fail("network namespaces are not permitted here: there is no container")
        config = world.hall.config
        config["http"].update(gateway=f"{world.lan.gateway}:{free_port(address=world.lan.gateway)}",
                              trusted_proxies=[f"{world.lan.address(number)}/32"])
        if change:
            change(config["domains"])
        world.hall.write(config)
        world.start()
        made.append(Container(world, number))
        return world, made[-1]

    yield make
    for container in made:
        container.stop()


def target_of(world):
    """Where the form of a proxy host leads to: to the site of erp, for both."""
    return world.lan.address(21), 8080


def manager(world, container, hallctl, access="", switches=True, options=(), is_patient=True, aliases=""):
    hosts = []
    for host in (ERP, TESTING):
        text = printed(hallctl, world, "--snippet", host, *options)
        hosts.append(manager_host(container.folder, f"{host} {aliases}" if host == ERP else host, target_of(world), patient("nginx", text) if is_patient else text, access, switches))
    believed = " ".join(f"set_real_ip_from {one};" for one in PRIVATE)
    return container.start(MANAGER_HTTP.format(folder=container.folder, believed=believed) + "".join(hosts), 80)


def swag(world, container, hallctl, options=(), is_patient=True):
    files = [printed(hallctl, world, "--swag", host, *options) for host in (ERP, TESTING)]
    text = swag_folder(container.folder, [patient("nginx", one) if is_patient else one for one in files])
    return container.start(SWAG_HTTP.format(folder=container.folder) + text, 443)


FRAMES = {"manager": manager, "swag": swag}


@pytest.fixture(params=FRAMES)
def frame(request):
    return FRAMES[request.param]


def status_of(container, host, path):
    return container.visit(host, f"/.hall/status?path={path}", API).json()


@pytest.mark.parametrize(("host", "path", "server"), [(ERP, "/x?a=b%20c", "erp"), (TESTING, "/client1/x?a=b", "testing")], ids=["own", "project"])
def test_a_visit_from_asleep_to_the_site(make_container, hallctl, frame, host, path, server):
    world, container = make_container()
    frame(world, container, hallctl)
    bus = world.bus()
    asleep(bus, server)
    mark = bus.mark()
    upload = container.visit(host, path, {**API, "User-Agent": "Googlebot/2.1"}, method="POST", body=b"x" * 3_000_000)
    check_waiting(upload, "application/problem+json")
    page = container.visit(host, path, BROWSER)
    check_waiting(page, "text/html")
    wait_event(bus, server, "wake_requested", mark)
    wait_until(lambda: status_of(container, host, path.split("?", 1)[0])["redirect"], 20, "the page is told to go")
    site = container.visit(host, path, BROWSER)
    assert site.status == 200 and b"This is the site itself" in site.body, site
    assert len(events(bus, server, "wake_requested", mark)) == 1
    assert "[error]" not in container.log() and "uninitialized" not in container.log(), container.log()


def test_refusals_and_what_visitors_claim(make_container, hallctl, frame):
    """The visitor's address is the one he comes from, whatever the frame believes; his own X-Hall-Site is worth nothing."""
    def change(domains):
        domains[ERP]["access"] = {"allow": ["198.18.0.0/16"]}
        domains[TESTING]["projects"]["client2"]["access"] = {"allow": ["203.0.113.0/24"]}

    world, container = make_container(change)
    frame(world, container, hallctl)
    bus = world.bus()
    for server in ("erp", "testing"):
        awake(bus, server)
    wait_until(lambda: container.visit(ERP, "/", API).status == 200, 20, "the site")
    wait_until(lambda: container.visit(TESTING, "/client1/", API).status == 200, 20, "the project")
    refused = container.visit(ERP, "/", BROWSER, container.home)
    assert refused.status == 403 and b"No access from here" in refused.body, refused
    claims = {"X-Real-IP": container.away, "X-Forwarded-For": container.away, "Forwarded": f"for={container.away}",
              "X-Forwarded-Host": TESTING, "X-Forwarded-Uri": "/client1/", "X-Hall-Site": f"{TESTING}/client1"}
    for headers in (claims, *({name: value} for name, value in claims.items())):
        assert container.visit(ERP, "/", {**API, **headers}, container.home).status == 403, headers
        assert container.visit(TESTING, "/client2/", {**API, **headers}).status == 403, headers
    for path in ("/client1/../client2/", "//client2/", "/%63lient2/", "/client1/..%2fclient2/", "/.hall/../client2/", "/client2/a.png",
                 "/.well-known/acme-challenge/../../client2/", "/.hall-auth", "/.hall-auth/client1"):
        answer = container.visit(TESTING, path, API)
        assert answer.status in (400, 403, 404), (path, answer)
        assert b"This is the site itself" not in answer.body
    assert container.visit(ERP, "/a.png", API, container.home).status == 403, "what the frame caches is asked for as well"
    assert container.visit(TESTING, "/elsewhere", BROWSER).status == 404, "whatever the form leads to"


@pytest.mark.parametrize("opens", [False, True], ids=["closed", "open"])
def test_hall_away(make_container, hallctl, frame, opens):
    world, container = make_container()
    frame(world, container, hallctl, options=["--fail-open" if opens else "--fail-closed"], is_patient=False)
    bus = world.bus()
    awake(bus, "erp")
    awake(bus, "testing")
    for host, path in ((ERP, "/"), (TESTING, "/client1/")):
        wait_until(lambda host=host, path=path: container.visit(host, path, API).status == 200, 20, "the site")
    world.hall.stop()
    for host, path in ((ERP, "/"), (TESTING, "/client1/")):
        answer = container.visit(host, path, API)
        assert answer.status == (200 if opens else 503), answer
        assert opens or answer.headers["Retry-After"] == "10"
    assert container.visit(ERP, "/.hall/status", API).status == 503
    world.sims["erp"].tell("crash")
    neither = container.visit(ERP, "/", API)
    assert neither.status == 503 and neither.headers["Retry-After"] == "10", neither
    world.hall.start()
    wait_until(lambda: container.visit(TESTING, "/client1/", API).status == 200, 30, "the site again")


def test_a_site_that_is_gone_gives_its_page(make_container, hallctl, frame):
    world, container = make_container()
    frame(world, container, hallctl)
    bus = world.bus()
    awake(bus, "erp")
    wait_until(lambda: container.visit(ERP, "/", API).status == 200, 20, "the site")
    world.sims["erp"].tell("crash")
    with ThreadPoolExecutor(2) as pool:
        page, program = pool.submit(container.visit, ERP, "/", BROWSER), pool.submit(container.visit, ERP, "/", API)
        check_waiting(page.result(), "text/html")
        check_waiting(program.result(), "application/problem+json")


def test_what_the_manager_does_itself_stays(make_container, hallctl):
    """Its password, its list, its shield and its challenges, as without Hall; only challenges wake nobody and need nobody."""
    world, container = make_container()
    (container.folder / "users").write_text("anna:{PLAIN}secret\n", encoding="ascii")
    folder = container.folder / "challenges" / ".well-known" / "acme-challenge"
    folder.mkdir(parents=True)
    (folder / "Tok-en_1").write_text("proof", encoding="ascii")
    access = f"auth_basic here; auth_basic_user_file {container.folder}/users; deny {container.home}; allow all; satisfy all;"
    manager(world, container, hallctl, access=access)
    bus = world.bus()
    asleep(bus, "erp")
    mark = bus.mark()
    denied = container.visit(ERP, "/", BROWSER, container.home)
    assert denied.status == 403 and b"nginx" in denied.body, denied
    asked = container.visit(ERP, "/", BROWSER)
    assert asked.status == 401 and asked.headers["WWW-Authenticate"] == 'Basic realm="here"', asked
    shield = container.visit(ERP, "/?a=http://b", BROWSER)
    assert shield.status == 403 and b"nginx" in shield.body, shield
    proof = container.visit(ERP, "/.well-known/acme-challenge/Tok-en_1", API)
    assert proof.status == 200 and proof.body == b"proof", proof
    assert events(bus, "erp", "wake_requested", mark) == []
    password = {"Authorization": "Basic " + base64.b64encode(b"anna:secret").decode()}
    check_waiting(container.visit(ERP, "/", {**BROWSER, **password}), "text/html")
    wait_event(bus, "erp", "wake_requested", mark)
    wait_until(lambda: container.visit(ERP, "/", {**API, **password}).status == 200, 20, "the site")


def test_no_challenge_is_a_way_around_hall(make_container, hallctl):
    """Where the manager has no such certificate, nothing below that path reaches the site."""
    world, container = make_container(lambda domains: domains[ERP].update(access={"allow": ["203.0.113.0/24"]}))
    manager(world, container, hallctl, switches=False)
    awake(world.bus(), "erp")
    assert container.visit(ERP, "/", API).status == 403
    for path in ("/.well-known/acme-challenge/x", "/.well-known/acme-challenge/", "/.well-known/acme-challenge"):
        assert container.visit(ERP, path, API).status in (403, 404), path
    for path in ("/.well-known/acme-challenge/../x", "/.WELL-KNOWN/acme-challenge/x", "/.well-known/acme-challenge/x?y"):
        assert container.visit(ERP, path, API).status in (403, 404), path


def test_a_proxy_host_leads_visitors_of_no_other_name(make_container, hallctl):
    """What its lines say of the site counts, not the name that the visitor came by, nor what he says."""
    def change(domains):
        domains["alias.localhost"] = {"server": "erp", "upstream": domains[ERP]["upstream"]}
        domains[ERP]["access"] = {"allow": ["203.0.113.0/24"]}

    world, container = make_container(change)
    manager(world, container, hallctl, aliases="alias.localhost")
    awake(world.bus(), "erp")
    for headers in (API, {**API, "X-Hall-Site": "alias.localhost"}):
        assert container.visit("alias.localhost", "/", headers).status == 403, headers
    assert container.visit(ERP, "http://alias.localhost/", API).status == 403
    assert container.visit("alias.localhost", f"http://{ERP}/", API).status == 403


def test_names_of_containers_are_looked_up_when_they_are_asked_for(make_container, hallctl):
    """A container that does not run keeps nginx from nothing else."""
    def change(domains):
        domains[ERP]["upstream"] = "http://erp-web:8080"
        domains[TESTING]["projects"]["client1"]["upstream"] = "https://client1-web/base"

    world, container = make_container(change)
    swag(world, container, hallctl)
    text = printed(hallctl, world, "--swag", ERP)
    for line in ("set $upstream_app erp-web;", "set $upstream_port 8080;", "set $upstream_proto http;",
                 'proxy_pass "$upstream_proto://$upstream_app:$upstream_port";'):
        assert line in text, line
    text = printed(hallctl, world, "--snippet", TESTING)
    assert 'proxy_pass "$upstream_proto://$upstream_app:$upstream_port/base$request_uri";' in text
    assert "set $upstream_port 443;" in text and "resolver.conf" not in text
    check_waiting(container.visit(ERP, "/", BROWSER), "text/html")


def test_the_command_line(hallctl, tmp_path):
    config = tmp_path / "domains.json"
    config.write_text(json.dumps({"servers": {"s": {"address": "192.0.2.1", "mac": "02:00:00:00:00:01"}},
                                  "domains": {"a.example": {"server": "s", "upstream": "http://192.0.2.1"}}}), encoding="utf-8")

    def run(*words):
        done = subprocess.run([hallctl, "proxy-config", *words, "--config", config], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    status, out, errors = run("nginx", "--snippet", "b.example")
    assert (status, out) == (1, "") and "b.example" in errors, errors
    for words in (("caddy", "--snippet", "a.example"), ("nginx", "--middleware"), ("traefik", "--swag", "a.example"),
                  ("nginx", "--snippet", "a.example", "--swag", "a.example"), ("nginx", "--swag", "a.example", "--listen", "127.0.0.1:80")):
        status, out, errors = run(*words)
        assert (status, out) == (2, "") and "hallctl proxy-config" in errors, (words, errors)
