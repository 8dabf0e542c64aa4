"""Clients that begin a request and never finish it."""

import contextlib
import resource
import selectors
import socket
import threading
import time

HEAD, MORE = b"GET / HTTP/1.1\r\nHost: testing.localhost\r\n", b"X-More: 1\r\n"


def allow_descriptors(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, count)), hard))


class SlowClients:
    """So many connections, each with a part of a request to which a line is added now and then, or silent. Who is sent away
    comes again, after a pause."""

    def __init__(self, endpoint, count=1000, silent=False, pause=0.0):
        allow_descriptors(2 * count + 500)
        self.endpoint, self.silent, self.pause = endpoint, silent, pause
        self.selector = selectors.DefaultSelector()
        self.away = []  # (when, ) of those who come again
        self.sent_away = 0
        self.ends = threading.Event()
        for _ in range(count):
            self.connect()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def connect(self):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(self.endpoint)
        self.selector.register(client, selectors.EVENT_READ | selectors.EVENT_WRITE)

    def run(self):
        dripped = time.monotonic()
        while not self.ends.is_set():
            for key, events in self.selector.select(0.05):
                self.turn(key.fileobj, events)
            now = time.monotonic()
            while self.away and self.away[0] <= now:
                self.away.pop(0)
                self.connect()
            if now - dripped > 0.5 and not self.silent:
                dripped = now
                for key in list(self.selector.get_map().values()):
                    with contextlib.suppress(OSError):
                        key.fileobj.send(MORE)

    def turn(self, client, events):
        try:
            if events & selectors.EVENT_READ and not client.recv(4096):
                raise ConnectionError
            if events & selectors.EVENT_WRITE:
                self.selector.modify(client, selectors.EVENT_READ)
                if not self.silent:
                    client.send(HEAD)
        except BlockingIOError:
            pass
        except OSError:
            self.sent_away += 1
            self.selector.unregister(client)
            client.close()
            self.away.append(time.monotonic() + self.pause)

    def close(self):
        self.ends.set()
        self.thread.join(5)
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()
