"""A site whose answers do not end: downloads, uploads, events, a websocket's bytes; and a client for each. The program serves
at the port it is given, at every address; with address, port and path it is such a client."""

import socket
import sys
import threading
import time

PIECE = b"x" * 20000


def answer(connection, path):
    """Says how the request was taken, then goes on as its path says."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n")
    if path == "/":
        connection.sendall(b"Content-Length: 2\r\n\r\nok")
        return
    connection.sendall(b"\r\n")
    while path == "/download":
        connection.sendall(PIECE)
        time.sleep(0.1)
    while path == "/events":
        connection.sendall(b"data: tick\n\n")
        time.sleep(1)
    while path in ("/upload", "/socket"):
        got = connection.recv(65536)
        if not got:
            return
        if path == "/socket":
            connection.sendall(got)


def read_head(connection):
    head = b""
    while b"\r\n\r\n" not in head:
        got = connection.recv(1)
        if not got:
            return None
        head += got
    return head.split()[1].decode()


def serve_one(connection):
    try:
        path = read_head(connection)
        while path:
            answer(connection, path)
            path = read_head(connection)
    except OSError:
        pass
    finally:
        connection.close()


def serve(port):
    with socket.create_server(("", port)) as server:
        while True:
            threading.Thread(target=serve_one, args=(server.accept()[0],), daemon=True).start()


class Client:
    """One open connection; `move` lets a few bytes go both or one way, as its kind has it."""

    def __init__(self, address, port, path="/"):
        self.path = path
        self.socket = socket.create_connection((address, port), 5)
        self.port = self.socket.getsockname()[1]
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
        self.ask()

    def ask(self):
        self.socket.sendall(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % self.path.encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.socket.recv(1)
        if self.path == "/":
            assert self.socket.recv(2) == b"ok"

    def move(self):
        if self.path == "/":
            self.ask()
            return
        if self.path == "/upload":
            self.socket.sendall(PIECE)
        if self.path == "/socket":
            self.socket.sendall(b"ping")
        if self.path != "/upload":
            assert self.socket.recv(65536)

    def close(self):
        self.socket.close()


def visit(address, port, path):
    client = Client(address, port, path)
    print("there", flush=True)
    while True:
        client.move()


if __name__ == "__main__":
    if len(sys.argv) == 2:
        serve(int(sys.argv[1]))
    visit(sys.argv[1], int(sys.argv[2]), sys.argv[3])
