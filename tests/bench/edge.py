"""A real proxy in front of a real site, by itself and with exactly what `hallctl proxy-config` prints: what asking Hall costs it."""

import json

import rig as r
from proxy import Proxy, generated

HOST = "s0.bench"
HEADERS = {"Host": HOST, **r.BROWSER}

# The same site with the same streaming, by somebody who knows the proxy and has no Hall.
NGINX = """
upstream site {{ server {site}; keepalive 32; }}
server {{
  listen 127.0.0.1:{port};
  server_name {host};
  client_max_body_size 0;
  proxy_http_version 1.1;
  proxy_buffering off;
  proxy_request_buffering off;
  proxy_set_header Connection "";
  proxy_set_header Host $host;
  proxy_set_header X-Forwarded-Host $host;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-For $remote_addr;
  location / {{ proxy_pass http://site; }}
}}
"""
# As most people begin: a connection to the site for each request.
NGINX_AT_FIRST = """
server {{
  listen 127.0.0.1:{port};
  server_name {host};
  location / {{ proxy_pass http://{site}; proxy_set_header Host $host; }}
}}
"""
CADDY = """
http://{host}:{port} {{
	bind 127.0.0.1
	reverse_proxy {site}
}}
"""
# Answers anything at once: a site of two bytes, and the cheapest that could be asked in Hall's place.
SITE = 'server {{ listen {site}; keepalive_timeout 75s; location / {{ return 200 "ok"; }} }}'
BARE = 'server {{ listen {bare}; keepalive_timeout 75s; location / {{ return 200; }} location = /auth/nginx {{ return 204; }} }}'


def traefik(site, host, port):
    assert port
    return json.dumps({"http": {
        "routers": {"site": {"entryPoints": ["websecure"], "rule": f"Host(`{host}`)", "service": "site"}},
        "services": {"site": {"loadBalancer": {"servers": [{"url": f"http://{site}"}]}}}}})


ALONE = {"nginx": NGINX.format, "caddy": CADDY.format, "traefik": traefik}


class BusyProxy(Proxy):
    workers = 2  # as many as processors, which is Debian's way


class Edge(r.Rig):
    """Hall and a ready site, and that proxy three times: alone; asking Hall; asking the bare one."""

    def __init__(self, kind):
        super().__init__(1)
        self.kind = kind
        self.site, self.bare = f"{r.address_of(0)}:{self.site_port}", f"127.0.0.1:{r.free_port()}"
        self.hallctl = r.BUILD / "bin" / "hallctl"

    def begin(self):
        self.nginx(SITE.format(site=self.site) + BARE.format(bare=self.bare))
        self.start_hall()
        self.wait_ready()
        port = r.free_port()
        self.alone = self._start("alone", port, ALONE[self.kind](site=self.site, host=HOST, port=port))
        port = r.free_port()
        printed = generated(self.hallctl, self.kind, self.hall.file, "--listen", f"127.0.0.1:{port}")
        self.asking = self._start("asking", port, printed)
        # Each has a port of its own: what is printed names it, but for Traefik, whose entry points are not Hall's to say.
        other = r.free_port()
        self.asking_bare = self._start("bare", other, printed.replace(f":{port}", f":{other}").replace(self.gateway, self.bare))
        return self

    def at_first(self):
        """nginx alone with a connection to the site for each request."""
        port = r.free_port()
        return self._start("at-first", port, NGINX_AT_FIRST.format(site=self.site, host=HOST, port=port))

    def _start(self, name, port, text):
        proxy = BusyProxy(self.kind, self.directory / name, self.hallctl, self.hall.file, port, text=text)
        self._stack.callback(proxy.stop)
        return proxy.start()

    def load(self, proxy, seconds=1, connections=16):
        return r.wrk(f"http://127.0.0.1:{proxy.port}/some/page", HEADERS, seconds, connections)

    def latency(self, count=800):  # nginx ends a connection after 1,000 requests
        request = self.request("edge", "/some/page", HEADERS)
        return r.tool("http_latency", request, count, f"127.0.0.1:{self.alone.port}", f"127.0.0.1:{self.asking.port}")[0]
