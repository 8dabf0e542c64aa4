"""A server without an agent, in a network namespace of its own: run by plain.Plain, which tells it on stdin what to do.

It boots on a magic packet, with `unicast` on any frame that is addressed to its card; after `wait` not before `go`. What woke
it is told before its site answers. Its site is plain HTTP on port 8080,
where /download and /upload have no end. The spec says what its card does while it sleeps
(`card`: answers echoes and ARP, and drops TCP), and how it looks when it is up (`bridge`: its address is on a bridge with
this MAC; `echoes`: false drops echoes). While it is up, `mac M` gives its card another MAC, `dance M M ...` one of these by
turns each second until `rest`, `move A G I` gives its interface I another
address, from which it speaks with G, and `slow S` makes its page take so long, which is told when it is asked for; so it is
after `pause`, from which on its downloads stand still."""

import http.server
import json
import socket
import subprocess
import sys
import threading

telling = threading.Lock()


def tell(event, **words):
    """A line is one, whoever else tells something."""
    with telling:
        print(json.dumps({"event": event, **words}), flush=True)


class Page(http.server.BaseHTTPRequestHandler):
    slow = 0
    paused = threading.Event()

    def do_GET(self):
        if Page.slow or Page.paused.is_set():
            tell("asked")
            threading.Event().wait(Page.slow)
        if self.path in ("/download", "/upload"):
            self.move_on()
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def move_on(self):
        """A request without an end."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while self.path == "/download":
            self.wfile.write(b"" if Page.paused.is_set() else b"x" * 20000)
            threading.Event().wait(0.1)
        while self.rfile.read1(65536):
            pass

    def log_message(self, *words):
        pass


class Machine:
    def __init__(self, spec):
        self.spec = spec
        self.site = None
        self.up = False
        self.sleeps = 0
        self.changing = threading.Lock()
        self.may_boot = threading.Event()
        self.may_boot.set()
        self.dancing = threading.Event()
        self.dancer = None

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
        self.sysctl("ipv4/conf/eth0/arp_notify", 1)  # it announces its address, as machines do
        self.run("ip", "link", "set", "eth0", "up")
        if not self.spec.get("echoes", True):
            self.drop("icmp", True)
        self.sleep()

    def sleep(self):
        with self.changing:
            self.fall_asleep()
            self.sleeps += 1
            # A card of its own for each sleep: what came before is none of its frames.
            card = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            card.bind(("eth0", 0))
        threading.Thread(target=self.listen, args=(card, self.sleeps), daemon=True).start()

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

    def boot(self, sleep=None, **woken):
        """By itself, or from that sleep by what woke it."""
        with self.changing:
            if not self.up and sleep in (None, self.sleeps):
                self.come_up(woken)

    def come_up(self, woken):
        if self.spec.get("card"):
            self.drop("tcp", False)
            self.run("ip", "addr", "flush", "dev", "eth0")
        if self.spec.get("bridge"):
            self.run("ip", "link", "add", "br0", "address", self.spec["bridge"], "type", "bridge")
            self.run("ip", "link", "set", "br0", "up")
            self.run("ip", "link", "set", "eth0", "master", "br0")
            self.run("ip", "addr", "add", f"{self.spec['address']}/24", "dev", "br0")
        else:
            self.run("ip", "addr", "add", f"{self.spec['address']}/24", "dev", "eth0")
        if woken:
            tell("woken", **woken)
        self.site = http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Page)
        threading.Thread(target=self.site.serve_forever, args=(0.05,), daemon=True).start()
        self.up = True

    def mac(self, mac):
        self.run("ip", "link", "set", "eth0", "address", mac)

    def move(self, address, gateway, interface):
        self.run("ip", "addr", "flush", "dev", interface)
        self.run("ip", "addr", "add", f"{address}/24", "dev", interface)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as talk:
            talk.bind((address, 0))
            talk.sendto(b"", (gateway, 9))

    def dance(self, *macs):
        self.dancing.clear()

        def dance():
            turn = 0
            while not self.dancing.wait(1):
                self.mac(macs[turn % len(macs)])
                tell("danced")
                turn += 1

        self.dancer = threading.Thread(target=dance)
        self.dancer.start()

    def rest(self):
        self.dancing.set()
        self.dancer.join()

    def listen(self, card, sleep):
        """Every frame until one wakes it."""
        mac = bytes.fromhex(self.spec["mac"].replace(":", ""))
        magic = b"\xff" * 6 + mac * 16
        with card:
            while not self.up and sleep == self.sleeps:
                frame = card.recv(65536)
                by_magic = magic in frame
                if by_magic or (self.spec.get("unicast") and frame[:6] == mac):
                    self.may_boot.wait()
                    self.boot(sleep, magic=by_magic)


def main():
    machine = Machine(json.loads(sys.stdin.readline()))
    tell("started")
    words = {"wait": machine.may_boot.clear, "go": machine.may_boot.set, "attach": machine.attach, "boot": machine.boot, "sleep": machine.sleep, "mac": machine.mac,
             "dance": machine.dance, "move": machine.move, "rest": machine.rest, "pause": Page.paused.set, "slow": lambda seconds: setattr(Page, "slow", float(seconds))}
    for line in sys.stdin:
        word, *rest = line.split()
        words[word](*rest)
        tell("done")


main()
