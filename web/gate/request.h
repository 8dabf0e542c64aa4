/*
 * request: who asks, for what, from where. A list of header lines and a request line become a
 * struct request, once every doubtful thing is refused: doubled headers that steer, forwarded
 * headers from a peer that is no trusted proxy (they are ignored), names, paths and addresses of
 * the wrong form or length. One pass, no allocation, pure. The result borrows from the raw request.
 */
#ifndef HALL_WEB_GATE_REQUEST_H
#define HALL_WEB_GATE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/address.h"
#include "base/text.h"
#include "core/fact.h"
#include "web/site/uri.h"

enum {
    REQUEST_URI_MAX = 8192,                   /* bytes of path and query */
    REQUEST_LINE_MAX = REQUEST_URI_MAX + 512, /* the same as a URL, host included */
    REQUEST_HOST_SIZE = 254,                  /* RFC 1035: 253 and NUL */
    REQUEST_VALUE_MAX =
        2048, /* bytes of any other header that is read; longer ones are cut off from use */
    REQUEST_HEADERS_MAX = 200, /* lines; more could hide one: refused */
    REQUEST_WHO_SIZE = ADDRESS_TEXT_SIZE,
};

/* The header lines Hall reads. */
enum field {
    FIELD_HOST,
    FIELD_FORWARDED_HOST,
    FIELD_FORWARDED_URI,
    FIELD_FORWARDED_METHOD,
    FIELD_FORWARDED_PROTO,
    FIELD_FORWARDED_FOR,
    FIELD_HALL_SITE,
    FIELD_REAL_IP,
    FIELD_CONTENT_LENGTH,
    FIELD_TRANSFER_ENCODING,
    FIELD_ACCEPT, /* from here on: what a client says of itself; a blank value counts as none */
    FIELD_ACCEPT_LANGUAGE,
    FIELD_USER_AGENT,
    FIELD_ORIGIN,
    FIELD_REFERER,
    FIELD_FETCH_MODE,
    FIELD_FETCH_DEST,
    FIELD_FETCH_SITE,
    FIELD_SEC_PURPOSE,
    FIELD_PURPOSE,
    FIELD_X_MOZ,
    FIELD_WEBSOCKET_KEY,
    FIELD_SERVICE_WORKER,
};
enum { FIELDS = FIELD_SERVICE_WORKER + 1 };

struct header {
    const char *name, *value;
};

struct raw_request {
    const char *method;
    const char *target; /* path as sent, not decoded, without the query */
    const char *query;  /* or NULL */
    struct address peer;
    size_t n_headers;
    const struct header *headers;
    bool broken; /* one of its header lines */
};

/* The proxies whose word counts. */
struct proxies {
    size_t n;
    const struct cidr *ranges;
    size_t n_fronts; /* proxies in front of those: no visitors, but not believed themselves */
    const struct cidr *fronts;
};

/* Whose request is described: for /auth the visitor's, by forwarded headers alone; else this one,
 * unless a trusted proxy forwards it. Traefik's errors middleware asks without X-Forwarded-For and
 * names the visitor in X-Real-Ip, which is read there and nowhere else. To the dashboard a proxy
 * leads requests as they are: its word counts for who asks and under which host, but method and
 * path are those of the request, since proxies pass on what a visitor claims about them. */
enum request_via { REQUEST_VIA_AUTH, REQUEST_VIA_DIRECT, REQUEST_VIA_ERRORS, REQUEST_VIA_LED };

struct request {
    const char *fields[FIELDS]; /* NULL: absent. Values are trimmed on the left only */
    bool trusted;               /* the peer is a trusted proxy */
    bool forwarded;             /* and it asks for somebody else */
    bool after_head; /* the same client asked with HEAD a moment ago; set by who knows that */
    struct address address;       /* the visitor's */
    const char *method;           /* the visitor's */
    struct span target;           /* path as the visitor sent it, not decoded; at NULL: not read */
    struct span query;            /* of it; at NULL: none */
    char host[REQUEST_HOST_SIZE]; /* lower case, without port; "": none */
    char who[REQUEST_WHO_SIZE];   /* the visitor's address */
    char path[REQUEST_URI_MAX +
              1]; /* decoded, dots and doubled slashes resolved: for matching only */
};

enum request_fault {
    REQUEST_FINE,
    REQUEST_DOUBLED,      /* a header that steers came twice */
    REQUEST_BODY_UNCLEAR, /* Transfer-Encoding together with Content-Length */
    REQUEST_BAD_LENGTH,
    REQUEST_TOO_LONG,
    REQUEST_TOO_MANY_HEADERS,
    REQUEST_BAD_LINE,
    REQUEST_BAD_HOST,
    REQUEST_BAD_URI,
    REQUEST_DOUBTFUL,  /* the path can be read as one of another site; the gate finds that */
    REQUEST_TWO_HOSTS, /* a URL names another host */
    REQUEST_BAD_METHOD,
    REQUEST_BAD_FORWARDED_FOR,
    REQUEST_NOT_TRUSTED, /* /auth from a peer that is no trusted proxy */
};

enum request_fault request_read(const struct raw_request *raw, const struct proxies *proxies,
                                enum request_via via, struct request *ret_request);
/* The status it is answered with, and what is wrong and what to do. Not of REQUEST_FINE. */
int request_fault_status(enum request_fault fault);
struct fact request_fault_fact(enum request_fault fault);
const char *request_field_name(enum field field); /* "Host" ... */

/* Replaces what is asked for by this path and query (not decoded), as /.hall/status?path= names it.
 */
enum request_fault request_retarget(struct request *request, const char *target, size_t length);

/* The same of a URL, which may begin with "http://HOST": the host asked for, or it is refused. */
enum request_fault request_retarget_url(struct request *request, const char *url, size_t length);

/* The path and query asked for as a reference that stays on this origin and is plain ASCII: what
 * may stand in a Location header, an HTML attribute after escaping, and JSON. Its length; size
 * should be 3 * REQUEST_URI_MAX + 2, with less the reference is "/". */
size_t request_reference(const struct request *request, char *ret_reference, size_t size);

/* The host of http://HOST[:PORT][/...] in lower case. False: it is no such URL. */
bool request_url_host(const char *url, char ret_host[REQUEST_HOST_SIZE]);

/* GET, HEAD, OPTIONS: nothing is lost when it is asked again. */
bool request_is_repeatable(const char *method);

/* May a POST of a page have come from our own page? Sec-Fetch-Site decides, else Origin; programs
 * send neither. */
bool request_is_same_origin(const struct request *request);
/* Does it say so at all, as every browser does of a form? */
bool request_names_origin(const struct request *request);

#endif
