"""A server without an agent, in a network namespace of its own: run by plain.Plain, which tells it on stdin what to do.

It boots on a magic packet. Its site is plain HTTP on port 8080. The spec says what its card does while it sleeps
(`card`: answers echoes and ARP, and drops TCP), and how it looks when it is up (`bridge`: its address is on a bridge with
this MAC; `echoes`: false drops echoes)."""

import http.server
import json
import socket
import subprocess
import sys
import threading


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, *words):
        pass


class Machine:
    def __init__(self, spec):
        self.spec = spec
        self.site = None
        self.up = False

    def run(self, *words):
        subprocess.run(words, check=True)

    def sysctl(self, key, value):
        with open(f"/proc/sys/net/{key}", "w", encoding="ascii") as file:
            file.write(str(value))

    def drop(self, kind, on):
        self.run("iptables", "-w", "-A" if on else "-D", "INPUT", "-p", kind, "-j", "DROP")

    def attach(self):
        self.run("ip", "link", "set", "lo", "up")
        self.sysctl("ipv6/conf/all/disable_ipv6", 1)
        self.run("ip", "link", "set", "eth0", "up")
        if not self.spec.get("echoes", True):
            self.drop("icmp", True)
        self.fall_asleep()
        threading.Thread(target=self.listen, daemon=True).start()

    def fall_asleep(self):
        if self.site:
            self.site.shutdown()
            self.site.server_close()
            self.site = None
        self.run("ip", "addr", "flush", "dev", "eth0")
        if self.up and self.spec.get("bridge"):
            self.run("ip", "link", "del", "br0")
        if self.spec.get("card"):
            self.run("ip", "addr", "add", f"{self.spec['address']}/24", "dev", "eth0")
            self.drop("tcp", True)
        self.up = False

    def boot(self):
        if self.up:
            return
        if self.spec.get("card"):
            self.drop("tcp", False)
        elif self.spec.get("bridge"):
            self.run("ip", "link", "add", "br0", "address", self.spec["bridge"], "type", "bridge")
            self.run("ip", "link", "set", "br0", "up")
            self.run("ip", "link", "set", "eth0", "master", "br0")
            self.run("ip", "addr", "add", f"{self.spec['address']}/24", "dev", "br0")
        else:
            self.run("ip", "addr", "add", f"{self.spec['address']}/24", "dev", "eth0")
        self.site = http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Page)
        threading.Thread(target=self.site.serve_forever, args=(0.05,), daemon=True).start()
        self.up = True

    def listen(self):
        """Its card: every frame until a magic packet is in one."""
        magic = b"\xff" * 6 + bytes.fromhex(self.spec["mac"].replace(":", "")) * 16
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as card:
            card.bind(("eth0", 0))
            while True:
                if magic in card.recv(65536) and not self.up:
                    self.boot()
                    print(json.dumps({"event": "woken"}), flush=True)


def main():
    machine = Machine(json.loads(sys.stdin.readline()))
    print(json.dumps({"event": "started"}), flush=True)
    for line in sys.stdin:
        {"attach": machine.attach, "boot": machine.boot, "sleep": machine.fall_asleep}[line.strip()]()
        print(json.dumps({"event": "done"}), flush=True)


main()
