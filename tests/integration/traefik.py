"""The part of Traefik's documented configuration that Hall's files use, and no key beyond it (doc.traefik.io, version 3: static
configuration; routers, services and middlewares of the dynamic one). A value is described by a function that checks it, a
dict of keys (those with a leading '!' are required), or a list with what its items are; '*' stands for any name."""

import re

NAME = re.compile(r"[A-Za-z0-9._:-]+(@[a-z]+)?\Z")
DURATION = re.compile(r"(\d+(ns|us|ms|s|m|h))+\Z")


class Wrong(AssertionError):
    """Not as Traefik documents it."""


def text(value):
    return isinstance(value, str) and value != ""


def boolean(value):
    return isinstance(value, bool)


def whole(value):
    return isinstance(value, int) and not isinstance(value, bool)


def duration(value):
    return isinstance(value, str) and DURATION.match(value)


def name(value):
    return isinstance(value, str) and NAME.match(value)


def url(value):
    return isinstance(value, str) and re.match(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?/?\Z", value)


def address_url(value):
    return isinstance(value, str) and re.match(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?/\S*\Z", value)


def endpoint(value):
    return isinstance(value, str) and re.match(r"([0-9.]*):\d{1,5}\Z", value)


def cidr(value):
    return isinstance(value, str) and re.match(r"\d+\.\d+\.\d+\.\d+(/\d+)?\Z", value)


def statuses(value):
    return isinstance(value, str) and re.match(r"\d{3}(-\d{3})?\Z", value)


def base_path(value):
    return isinstance(value, str) and value.startswith("/")


MATCHER = re.compile(r"(Host|Path|PathPrefix)\(`([^`]+)`\)")


def rule(value):
    """Matchers joined by && and ||, in parentheses that close."""
    if not isinstance(value, str) or not MATCHER.search(value):
        return False
    rest = MATCHER.sub("M", value)
    while True:
        simpler = re.sub(r"M (&&|\|\|) M", "M", rest)
        simpler = re.sub(r"\(M\)", "M", simpler)
        if simpler == rest:
            return rest == "M"
        rest = simpler


SERVERS = {"!servers": [{"!url": url, "weight": whole, "preservePath": boolean}], "passHostHeader": boolean,
           "serversTransport": name, "responseForwarding": {"flushInterval": duration},
           "healthCheck": {"!path": text, "scheme": text, "mode": text, "hostname": text, "port": whole, "method": text,
                           "status": whole, "interval": duration, "timeout": duration, "followRedirects": boolean,
                           "headers": {"*": text}}}

DYNAMIC = {"!http": {
    "!routers": {"*": {"!rule": rule, "!service": name, "entryPoints": [name], "middlewares": [name], "priority": whole,
                       "tls": {"certResolver": name, "options": name, "domains": [{"!main": text, "sans": [text]}]}}},
    "!services": {"*": {"loadBalancer": SERVERS, "failover": {"!service": name, "!fallback": name, "healthCheck": {}}}},
    "!middlewares": {"*": {
        "forwardAuth": {"!address": address_url, "trustForwardHeader": boolean, "authResponseHeaders": [text],
                        "authRequestHeaders": [text], "addAuthCookiesToResponse": [text], "forwardBody": boolean,
                        "maxBodySize": whole, "headerField": text, "preserveLocationHeader": boolean,
                        "preserveRequestMethod": boolean},
        "redirectScheme": {"!scheme": text, "port": text, "permanent": boolean},
        "errors": {"!status": [statuses], "!service": name, "!query": base_path, "statusRewrites": {"*": whole}},
        "addPrefix": {"!prefix": base_path}}}}}

STATIC = {
    "!entryPoints": {"*": {"!address": endpoint, "asDefault": boolean, "reusePort": boolean,
                           "forwardedHeaders": {"insecure": boolean, "trustedIPs": [cidr]},
                           "transport": {"respondingTimeouts": {"readTimeout": duration, "writeTimeout": duration,
                                                                "idleTimeout": duration},
                                         "lifeCycle": {"requestAcceptGraceTimeout": duration,
                                                       "graceTimeOut": duration}}}},
    "certificatesResolvers": {"*": {"acme": {"!email": text, "!storage": text, "caServer": text,
                                             "httpChallenge": {"!entryPoint": name}, "tlsChallenge": {}}}},
    "!providers": {"http": {"!endpoint": address_url, "pollInterval": duration, "pollTimeout": duration,
                            "headers": {"*": text}},
                   "file": {"directory": text, "filename": text, "watch": boolean},
                   "docker": {"endpoint": text, "exposedByDefault": boolean, "network": text, "defaultRule": text,
                              "constraints": text, "watch": boolean}},
    "ping": {"entryPoint": name, "manualRouting": boolean, "terminatingStatusCode": whole},
    "log": {"level": text, "format": text, "filePath": text}}


def check(value, schema, where=""):
    """Wrong unless the value is as the schema says."""
    if callable(schema):
        if not schema(value):
            raise Wrong(f"{where}: {value!r} is no {schema.__name__}")
    elif isinstance(schema, list):
        if not isinstance(value, list) or not value:
            raise Wrong(f"{where}: {value!r} is no list")
        for index, item in enumerate(value):
            check(item, schema[0], f"{where}/{index}")
    else:
        check_object(value, schema, where)


def check_object(value, schema, where):
    if not isinstance(value, dict):
        raise Wrong(f"{where}: {value!r} is no object")
    for key in schema:
        if key.startswith("!") and key[1:] not in value:
            raise Wrong(f"{where}: {key[1:]} is missing")
    for key, item in value.items():
        known = schema.get(key, schema.get("!" + key, schema.get("*")))
        if known is None:
            raise Wrong(f"{where}/{key}: Traefik has no such key")
        if "*" in schema and not NAME.match(key):
            raise Wrong(f"{where}/{key}: no name")
        check(item, known, f"{where}/{key}")


def check_dynamic(document, entry_points, resolvers):
    """The keys, and that every name leads somewhere."""
    check(document, DYNAMIC)
    http = document["http"]
    services, middlewares = set(http["services"]) | {"ping@internal", "noop@internal"}, set(http["middlewares"])
    for key, one in {**http["services"], **http["middlewares"]}.items():
        if len(one) != 1:
            raise Wrong(f"{key}: {sorted(one)} where one kind belongs")
    for key, router in http["routers"].items():
        wanted = {router["service"]} - services | set(router.get("middlewares", ())) - middlewares
        wanted |= set(router.get("entryPoints", ())) - set(entry_points)
        resolver = router.get("tls", {}).get("certResolver")
        wanted |= {resolver} - set(resolvers) - {None}
        if wanted:
            raise Wrong(f"router {key}: nothing is called {sorted(wanted)}")
    for service in http["services"].values():
        for role in ("service", "fallback"):
            if "failover" in service and "loadBalancer" not in http["services"].get(service["failover"][role], {}):
                raise Wrong(f"failover: {role} {service['failover'][role]} is no load balancer")
        if "failover" in service and "healthCheck" not in \
                http["services"][service["failover"]["service"]]["loadBalancer"]:
            raise Wrong("failover: its service has no healthCheck")
