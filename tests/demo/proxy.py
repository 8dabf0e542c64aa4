"""A real reverse proxy in front of Hall, nginx, Caddy, Traefik or HAProxy, with exactly what `hallctl proxy-config` prints."""

import json
import os
import re
import socket
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import peers
from lan import free_port
from process import Process, wait_until
from world import http_get

KINDS = ("nginx", "caddy", "traefik", "haproxy")
BRIDGES = Path(__file__).resolve().parents[2] / "bridges" / "proxy"
# How long an answer of Hall is awaited, as it is printed: a second or two, for which a busy machine may stand still.
AWAITED = {"nginx": (r"(\bproxy_(?:send|read)_timeout )\d+s", r"(\bproxy_connect_timeout )1s"),
           "caddy": (r"(\bresponse_header_timeout )\d+s", r"(\bdial_timeout )2s", r"(\bhealth_timeout )1s", r"(\blb_try_duration )4s"),
           "traefik": (r'("responseHeaderTimeout":")\d+s', r'("(?:dialTimeout|timeout)":")1s'),
           "haproxy": (r"(\blua\.hall_ask \S+ )\d+s", r"(\btimeout server )\d+s", r"(\btimeout connect )1s", r"(\btimeout check )800ms")}
PATIENT_S = 90


def tool(name):
    """Debian keeps daemons in /usr/sbin, which is not in everybody's PATH."""
    for folder in os.environ.get("PATH", "").split(":") + ["/usr/sbin", "/sbin"]:
        if os.access(Path(folder) / name, os.X_OK):
            return str(Path(folder) / name)
    raise OSError(f"{name} is not installed")


def generated(hallctl, kind, config, *options):
    done = subprocess.run([hallctl, "proxy-config", kind, "--config", config, *options], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise OSError(f"hallctl proxy-config {kind}: {done.stderr}")
    return done.stdout


def _connects(port, address):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, port)) == 0


def patient(kind, text):
    """For tests of what a proxy does while Hall answers: no stall of the machine is an outage of Hall."""
    for n, pattern in enumerate(AWAITED[kind]):
        text, found = re.subn(pattern, rf"\g<1>{PATIENT_S}s", text)
        if n == 0 and not found:
            raise OSError(f"hallctl proxy-config {kind} prints nothing like {pattern!r}")
    return text


class Proxy:
    """One proxy on ADDRESS:PORT, plain HTTP. Everything it writes is below its directory. is_patient: see patient()."""

    workers = 1  # of nginx
    address = "127.0.0.1"

    def __init__(self, kind, directory, hallctl, config, port, fail_open=False, is_patient=False, age="new", text=None,
                 fronts=(), address=address):
        self.kind, self.directory, self.address, self.port, self.age = kind, Path(directory), address, port, age
        self.directory.mkdir(parents=True, exist_ok=True)
        self.log = self.directory / f"{kind}.log"
        self.process, self.fronts = None, list(fronts)
        text = text or generated(hallctl, kind, config, "--listen", f"{address}:{port}",
                                 "--fail-open" if fail_open else "--fail-closed")
        text = patient(kind, text) if is_patient else text
        self.inner = [free_port() for _ in range(2)]  # for questions of the proxy to itself, where it is open to all
        self.listens = [port]
        for printed, here in ((":8889", self.inner[0]), (":8890", self.inner[0]), (":8891", self.inner[1])):
            self.listens += [here] if printed in text and here not in self.listens else []
            text = text.replace(printed, f":{here}")
        self.argv, self.env = {"nginx": self._nginx, "caddy": self._caddy, "traefik": self._traefik, "haproxy": self._haproxy}[kind](text)

    def _nginx(self, text):
        (self.directory / "hall.conf").write_text(text, encoding="utf-8")
        temp = "".join(f"  {what}_temp_path '{self.directory}/{what}';\n"
                       for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        conf = self.directory / "nginx.conf"
        conf.write_text(f"""{'user root;' if os.geteuid() == 0 else ''}
daemon off;
worker_processes {self.workers};
pid '{self.directory}/nginx.pid';
error_log '{self.log}';
events {{ worker_connections 1024; }}
http {{
  access_log off;
{temp}  include '{self.directory}/hall.conf';
}}
""", encoding="utf-8")
        return [tool("nginx"), "-p", self.directory, "-c", conf], dict(os.environ)

    def _caddy(self, text, options="auto_https off"):
        conf = self.directory / "Caddyfile"
        conf.write_text(f"{{\n\tadmin off\n\t{options}\n}}\n" + text, encoding="utf-8")
        home = {"HOME": str(self.directory), "XDG_DATA_HOME": str(self.directory), "XDG_CONFIG_HOME": str(self.directory)}
        return [tool("caddy"), "run", "--config", conf, "--adapter", "caddyfile"], {**os.environ, **home}

    def _haproxy(self, text):
        """Without what Debian's unit has ready for it, and with inner sockets of its own."""
        for pattern, here in ((r"^    (?:chroot|stats|user|group) .*\n", ""), (r"/etc/haproxy/hall\.lua", f"'{BRIDGES}/haproxy/hall.lua'"),
                              (r"\babns@hall-", f"abns@hall-{self.port}-")):
            text, found = re.subn(pattern, here, text, flags=re.M)
            if not found:
                raise OSError(f"hallctl proxy-config haproxy prints nothing like {pattern!r}")
        conf = self.directory / "haproxy.cfg"
        conf.write_text(text, encoding="utf-8")
        return [tool("haproxy"), "-db", "-f", conf], dict(os.environ)

    def _traefik(self, text):
        """Its files by hand: entry points as the shipped traefik.yml and traefik-fail-open.yml name them."""
        folder = self.directory / "dynamic"
        folder.mkdir(exist_ok=True)
        (folder / "hall.yml").write_text(text, encoding="utf-8")
        points = {"websecure": {"address": f"{self.address}:{self.port}"},
                  "hall-auth": {"address": f"127.0.0.1:{self.inner[0]}", "forwardedHeaders": {"trustedIPs": ["127.0.0.1/32"]}},
                  "hall-open": {"address": f"127.0.0.1:{self.inner[1]}"}}
        if self.fronts:  # only its static configuration can say so
            points["websecure"]["forwardedHeaders"] = {"trustedIPs": self.fronts}
        return self._traefik_with({"entryPoints": points, "ping": {"manualRouting": True},
                                   "providers": {"file": {"directory": str(folder), "watch": False}}})

    def _traefik_with(self, static):
        """With an API of its own, which says when it has its routers."""
        self.api = free_port()
        static = {**static, "api": {"insecure": True, "dashboard": False}, "log": {"level": "INFO"},
                  "global": {"checkNewVersion": False, "sendAnonymousUsage": False}}
        static["entryPoints"]["traefik"] = {"address": f"127.0.0.1:{self.api}"}
        conf = self.directory / "traefik.yml"
        conf.write_text(json.dumps(static, indent=2), encoding="utf-8")  # JSON is YAML
        return [peers.traefik(self.age), f"--configFile={conf}"], {**os.environ, "HOME": str(self.directory)}

    def start(self):
        self.process = Process(self.argv, self.log, env=self.env)
        wait_until(self._routes if self.kind == "traefik" else self._listens, 60, self.kind)
        return self

    def _routes(self):
        """Traefik listens before it knows its routers, and at one address before it does at the next."""
        if not self._listens():
            return False
        try:
            answer = http_get("127.0.0.1", self.api, "/api/http/routers")
        except OSError:
            return False
        return answer.status == 200 and any(router["provider"] != "internal" for router in answer.json())

    def _listens(self):
        """At all its addresses: it begins at one after the other, in whatever order."""
        if not self.process.alive():
            raise OSError(f"{self.kind} does not start:\n" + self.process.log_tail())
        return all(_connects(port, self.address if port == self.port else "127.0.0.1") for port in self.listens)

    def stop(self):
        if self.process:
            self.process.stop()


class HttpsProxy(Proxy):
    """The same with what is printed for the world: HTTPS on PORT, plain HTTP on `plain` that leads there. Certificates of our own
    (not Caddy) or of Caddy's own authority; `authority` is the file that vouches for them. Patient: tests alone have it."""

    def __init__(self, kind, directory, hallctl, config, port, host):
        self.kind, self.directory, self.port, self.plain, self.age = kind, Path(directory), port, free_port(), "new"
        self.listens = [self.plain, self.port]
        self.directory.mkdir(parents=True, exist_ok=True)
        self.log = self.directory / f"{kind}.log"
        self.process = None
        text = patient(kind, generated(hallctl, kind, config))
        make = {"nginx": self._https_nginx, "caddy": self._https_caddy, "traefik": self._https_traefik, "haproxy": self._https_haproxy}[kind]
        self.argv, self.env = make(text, host)

    def is_vouched_for(self):
        """Caddy makes its authority once it runs: its file may be there before all of it is written."""
        return self.authority.exists() and b"-----END CERTIFICATE-----" in self.authority.read_bytes()

    def _certify(self, host):
        key, self.authority = self.directory / "privkey.pem", self.directory / "fullchain.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-keyout", key, "-out", self.authority, "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"],
                       check=True, capture_output=True)
        return key

    def _https_nginx(self, text, host):
        self._certify(host)
        lines = [line for line in text.splitlines() if "listen [::]" not in line]
        text = "\n".join(lines) + "\n"
        for printed, here in (("listen 80;", f"listen 127.0.0.1:{self.plain};"),
                              ("listen 443 ssl http2;", f"listen 127.0.0.1:{self.port} ssl http2;"),
                              (f"/etc/letsencrypt/live/{host}/", f"{self.directory}/")):
            if printed not in text:
                raise OSError(f"hallctl proxy-config nginx prints no {printed!r}")
            text = text.replace(printed, here)
        return self._nginx(text)

    def _https_haproxy(self, text, host):
        folder = self.directory / "certs"
        folder.mkdir()
        key = self._certify(host)
        (folder / f"{host}.pem").write_bytes(self.authority.read_bytes() + key.read_bytes())
        for pattern, here in ((r"^    bind :::.*\n", ""), (r"bind :80$", f"bind 127.0.0.1:{self.plain}"),
                              (r"bind :443 ", f"bind 127.0.0.1:{self.port} "), ("'/etc/haproxy/certs'", str(folder))):
            text, found = re.subn(pattern, here, text, flags=re.M)
            if not found:
                raise OSError(f"hallctl proxy-config haproxy prints nothing like {pattern!r}")
        return self._haproxy(text)

    def _https_traefik(self, text, host):
        folder = self.directory / "dynamic"
        folder.mkdir(exist_ok=True)
        (folder / "hall.yml").write_text(text, encoding="utf-8")
        tls = {"tls": {"certificates": [{"keyFile": str(self._certify(host)), "certFile": str(self.authority)}]}}
        (folder / "tls.yml").write_text(json.dumps(tls), encoding="utf-8")
        return self._traefik_with({"entryPoints": {"web": {"address": f"127.0.0.1:{self.plain}"},
                                                   "websecure": {"address": f"127.0.0.1:{self.port}"}},
                                   "providers": {"file": {"directory": str(folder), "watch": False}}})

    def _https_caddy(self, text, _host):
        self.authority = self.directory / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        return self._caddy(text, f"http_port {self.plain}\n\thttps_port {self.port}\n\tdefault_bind 127.0.0.1\n\tlocal_certs\n"
                                 "\tskip_install_trust")


def beside(kind, world, hall, address, wanted=0):
    """In front of a running world, at an address of this machine; hallctl lies beside hall."""
    return Proxy(kind, world.directory / kind, Path(hall).with_name("hallctl"), world.hall.file,
                 free_port(address=address, wanted=wanted), address=address).start()


def through(player, proxy):
    """That player of the demo's cycle, who comes through the proxy: he stays at its address from the page to the site."""

    class ThroughProxy(player):
        def __init__(self, world, timeline):
            super().__init__(world, timeline)
            self.url = urlsplit(self.url)._replace(netloc=f"{urlsplit(self.url).hostname}:{proxy.port}").geturl()

        def get(self, path, headers=None):
            return http_get(proxy.address, proxy.port, path, headers, host=urlsplit(self.url).netloc)

        def fetch(self, path, limit):
            return http_get(proxy.address, proxy.port, path, {"Accept": "*/*"}, host=urlsplit(self.url).netloc, timeout=limit)

        def redirected(self):
            self.told_to_go()
            answer = self.visit()
            if answer.status != 200 or b"This is the site itself" not in answer.body:
                raise OSError(f"the site was expected at {self.url}, not {answer}")
            self.timeline.line("site", f"{answer.status} at {self.url}: {proxy.kind} leads to the site itself")

    return ThroughProxy
