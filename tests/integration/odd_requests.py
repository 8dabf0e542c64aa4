"""Requests that programs read in different ways: random hosts, paths and forms, as bytes on the wire, the same for the same seed.
And what the oracle of the differential test needs: how a path may be read by whoever gets it."""

import random
import re

HOSTS = ("open.test", "secret.test", "va.test", "vb.test", "based.test")

# Pieces of a path. Names of what is restricted come often, also written in other ways.
NAMES = ("admin", "secret", "public", "echo") * 6 + (
         "x", ".hall", "ADMIN", "Secret", "%61dmin", "s%65cret", "admin.", "admin..", "admin%20",
         "secret;a=b", "secret%3b", "secret%00", "secret%23", "secret%3f", "secret*", "secret+", "%c3%a9", "\xe9", "\xc3\xa9", "~", "$x", "a%25b")
DOTS = ("..",) * 5 + (".", "%2e%2e", "%2E.", ".%2e", "..%00", "..;", "..;a=b", "...", "%252e%252e", "%c0%ae%c0%ae", "%e0%80%ae.", "", "%2e", "..%20", "..%09")
JOINTS = ("/",) * 16 + ("//", "%2f", "%2F", "%5c", "%5C", "\\", "/./", ";/", "%252f", "%c0%af", "%e0%80%af", "%ef%bc%8f", "%00/", "%3f", "#/", "%23/", "?")
ENDS = ("",) * 30 + ("/", "?", "?a=b", "?/../secret", "#", "#/../public", "%23", ";", "?a=/admin", "%3f/../secret", " ", "%", "%zz", "%0d%0a", "%u002e")

METHODS = ("GET",) * 30 + ("POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PROPFIND", "MOVE", "PATCH", "get", "G\tET", "TRACE", "X-ODD")

FORGED = ("X-Hall-Site: open.test", "x-hall-site: open.test/public", "X-Hall-Site: ", "X_Hall_Site: open.test", "X-Hall-Site : open.test",
          "X-Hall-Site:open.test\r\nX-Hall-Site: va.test", "X-Forwarded-Host: open.test", "X-Forwarded-Host: va.test", "X_Forwarded_Host: open.test",
          "X-Forwarded-Uri: /", "X-Forwarded-Uri: /public", "X-Forwarded-Uri: /echo\r\nX-Forwarded-Uri: /", "X-Forwarded-For: 127.0.0.5",
          "X-Forwarded-For: 127.0.0.5, 127.0.0.1", "X-Forwarded-For: ", "X-Real-Ip: 127.0.0.5", "X-Forwarded-Method: OPTIONS",
          "X-Forwarded-Proto: https", "X-Forwarded-Prefix: /secret", "Forwarded: for=127.0.0.5;host=open.test", "X-Original-Url: /secret/x",
          "X-Rewrite-Url: /admin", "X-Http-Method-Override: DELETE", "Content-Length: 0", "Expect: 100-continue", "Upgrade: h2c",
          "Upgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13", "Via: 1.1 x", "TE: trailers",
          "Sec-Fetch-Mode: navigate", "Accept: text/html", "X-Long: " + "y" * 9000)

CONNECTIONS = ("close",) * 8 + ("close, X-Hall-Site", "close, X-Forwarded-For, X-Forwarded-Uri", "X-Hall-Site, X-Real-Ip, close",
                                "close, X-Forwarded-Host", "close, Upgrade")


# What once led to another site than Hall judged, whatever the seed is.
KNOWN = tuple(f"{line}\r\nConnection: {connection}\r\n\r\n".encode() for connection in ("close", "close, X-Hall-Site") for line in (
    "GET http://secret.test/ HTTP/1.1\r\nHost: open.test", "GET http://open.test/admin HTTP/1.1\r\nHost: va.test",
    "GET /admin#/../public HTTP/1.1\r\nHost: open.test", "GET /public/admin#/../.. HTTP/1.1\r\nHost: open.test",
    "GET /ADMIN HTTP/1.1\r\nHost: open.test", "GET /admin.. HTTP/1.1\r\nHost: open.test", "GET /Admin/x HTTP/1.1\r\nHost: OPEN.TEST",
    "GET /admin/..%2fecho HTTP/1.1\r\nHost: open.test", "GET /secret/..%2fecho HTTP/1.1\r\nHost: open.test",
    "GET /secret%2fecho HTTP/1.1\r\nHost: open.test", "GET /secret%5cecho HTTP/1.1\r\nHost: open.test",
    "GET /x%2fy\\..\\secret/echo HTTP/1.1\r\nHost: based.test", "GET /secret%3f/x HTTP/1.1\r\nHost: based.test", "GET / HTTP/1.1\r\nHost: vb.test.", "GET http://vb.test/ HTTP/1.1\r\nHost: va.test"))


def host_spelling(chance, host):
    return chance.choice((host,) * 30 + (host.upper(), host + ".", host + ":80", host + ".:80", host + ":", host.title(), host + "..",
                                        host + ":99999", "x" + host, host + "\t", "u@" + host, host + "%2e", "[::1]", "127.0.0.1", ""))


def path(chance):
    pieces = [chance.choice(NAMES if chance.random() < 0.6 else DOTS) for _ in range(chance.randint(1, 4))]
    if chance.random() < 0.5:
        pieces.insert(0, chance.choice(("admin", "secret", "public", "public/admin", ".hall", "base/secret", "o'd$d+a;b=c,d~e@f!g(h)i&j:k.", "o%27d$d%2Ba%3bb=c,d~e@f!g(h)i&j:k")))
    if chance.random() < 0.4:
        pieces.append(chance.choice(("echo", "secret", "admin/x", "public/admin")))
    text = pieces[0]
    for piece in pieces[1:]:
        text += chance.choice(JOINTS) + piece
    return "/" + text + chance.choice(ENDS)


def target(chance, host):
    """The second word of the request line; the host it names may be another."""
    asked = path(chance)
    form = chance.random()
    if form < 0.85:
        return asked
    scheme = chance.choice(("http", "http", "https", "HTTP", "ws", "h2c"))
    other = host_spelling(chance, chance.choice((host,) + HOSTS))
    return chance.choice((f"{scheme}://{other}{asked}", f"//{other}{asked}", f"{scheme}:{asked}", f"{scheme}://{other}?{asked}",
                          f"{scheme}://{other}#{asked}", f"{scheme}://{other}\\{asked}", asked[1:] or "*", "*"))


def request(chance):
    """One request and nothing behind it, as bytes."""
    host = chance.choice(HOSTS)
    first = (f"{chance.choice(METHODS)} {target(chance, host)} HTTP/{chance.choice(('1.1',) * 30 + ('1.0', '1.0', '1.0', '2.0', '0.9'))}")
    named = [host_spelling(chance, host)]
    if chance.random() < 0.05:
        named = chance.choice(([], [*named, chance.choice(HOSTS)], [chance.choice(HOSTS), *named]))
    lines = [chance.choice(("Host: ", "Host: ", "host:", "HOST:  ")) + name for name in named]
    lines += chance.sample(FORGED, chance.choice((0, 0, 1, 1, 2, 4)))
    lines.append("Connection: " + chance.choice(CONNECTIONS))
    chance.shuffle(lines)
    return ("\r\n".join((first, *lines)) + "\r\n\r\n").encode("latin-1")


def requests(seed, count):
    chance = random.Random(seed)
    return [request(chance) for _ in range(count)]


# How whoever gets a path may read it

def decoded(text, kept=""):
    """Percent sequences once; those of `kept` stay as they are."""
    def one(match):
        character = chr(int(match.group(1), 16))
        return match.group(0) if character in kept else character

    return re.sub("%([0-9A-Fa-f]{2})", one, text)


def resolved(text):
    segments = []
    for segment in text.split("/"):
        if segment == "..":
            segments[-1:] = []
        elif segment not in ("", "."):
            segments.append(segment)
    return "/" + "/".join(segments)


def readings(text):
    """All that a server may take this path for: separators decoded or not, a backslash for a slash or not."""
    text = re.split("[?#]", text, maxsplit=1)[0]
    plain = {decoded(text, kept="/\\"), decoded(text), decoded(text, kept="\\")}
    return {resolved(one) for some in plain for one in (some, some.replace("\\", "/"))}


def is_below(text, top):
    return text == top or text.startswith(top + "/")
