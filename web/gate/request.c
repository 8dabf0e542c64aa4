#include "web/gate/request.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "web/site/site_name.h"

/* Which lines are read; those that steer may come once only. */
static const struct wanted {
    const char *name;
    unsigned char length;
    bool once;
} wanted[FIELDS] = {
#define WANTED(name_, once_)                                                                       \
    {                                                                                              \
        name_, sizeof(name_) - 1, once_                                                            \
    }
    [FIELD_HOST] = WANTED("Host", true),
    [FIELD_FORWARDED_HOST] = WANTED("X-Forwarded-Host", true),
    [FIELD_FORWARDED_URI] = WANTED("X-Forwarded-Uri", true),
    [FIELD_FORWARDED_METHOD] = WANTED("X-Forwarded-Method", true),
    [FIELD_FORWARDED_PROTO] = WANTED("X-Forwarded-Proto", true),
    [FIELD_FORWARDED_FOR] = WANTED("X-Forwarded-For", true),
    [FIELD_HALL_SITE] = WANTED(SITE_NAME_HEADER, true),
    [FIELD_REAL_IP] = WANTED("X-Real-Ip", false),
    [FIELD_CONTENT_LENGTH] = WANTED("Content-Length", true),
    [FIELD_TRANSFER_ENCODING] = WANTED("Transfer-Encoding", true),
    [FIELD_ACCEPT] = WANTED("Accept", false),
    [FIELD_ACCEPT_LANGUAGE] = WANTED("Accept-Language", false),
    [FIELD_USER_AGENT] = WANTED("User-Agent", false),
    [FIELD_ORIGIN] = WANTED("Origin", true),
    [FIELD_REFERER] = WANTED("Referer", false),
    [FIELD_FETCH_MODE] = WANTED("Sec-Fetch-Mode", false),
    [FIELD_FETCH_DEST] = WANTED("Sec-Fetch-Dest", false),
    [FIELD_FETCH_SITE] = WANTED("Sec-Fetch-Site", true),
    [FIELD_SEC_PURPOSE] = WANTED("Sec-Purpose", false),
    [FIELD_PURPOSE] = WANTED("Purpose", false),
    [FIELD_X_MOZ] = WANTED("X-Moz", false),
    [FIELD_WEBSOCKET_KEY] = WANTED("Sec-WebSocket-Key", false),
    [FIELD_SERVICE_WORKER] = WANTED("Service-Worker", false),
};

/* Those of no other status are 400. */
static const struct {
    int16_t status;
    int16_t most; /* what its fact names */
} faults[] = {
    [REQUEST_TOO_LONG] = {414, REQUEST_URI_MAX},
    [REQUEST_TOO_MANY_HEADERS] = {431, REQUEST_HEADERS_MAX},
    [REQUEST_NOT_TRUSTED] = {403, 0},
};
_Static_assert(FACT_REQUEST_UNTRUSTED - FACT_REQUEST_DOUBLED ==
                   REQUEST_NOT_TRUSTED - REQUEST_DOUBLED,
               "faults and their facts stand in one order");

int request_fault_status(enum request_fault fault)
{
    return faults[fault].status > 0 ? faults[fault].status : 400;
}

struct fact request_fault_fact(enum request_fault fault)
{
    const unsigned code = FACT_REQUEST_DOUBLED + (unsigned)fault - REQUEST_DOUBLED;

    return (struct fact){.parts = {{.code = (uint16_t)code, .n = {faults[fault].most}}}};
}

const char *request_field_name(enum field field)
{
    return wanted[field].name;
}

static int find_field(const char *name)
{
    size_t length = strnlen(name, 32);
    for (int i = 0; i < FIELDS; i++) {
        if (wanted[i].length == length && strcasecmp(wanted[i].name, name) == 0)
            return i;
    }
    return -1;
}

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t");
}

/* Digits alone: "0, 5" and "+5" are read in different ways by different programs. */
static bool is_length(const char *value)
{
    size_t digits = strspn(value, "0123456789");
    return digits >= 1 && digits <= 18 && *skip_blanks(value + digits) == '\0';
}

static enum request_fault read_headers(const struct raw_request *raw, struct request *request)
{
    memset(request->fields, 0, sizeof(request->fields));
    if (raw->broken)
        return REQUEST_BAD_LINE;
    if (raw->n_headers > REQUEST_HEADERS_MAX)
        return REQUEST_TOO_MANY_HEADERS;
    for (size_t i = 0; i < raw->n_headers; i++) {
        int field = find_field(raw->headers[i].name);
        if (field < 0)
            continue;
        const char *value = skip_blanks(raw->headers[i].value);
        if (field >= FIELD_ACCEPT && *value == '\0')
            continue; /* of what a client may say of itself, nothing is as good as absent */
        if (request->fields[field] && wanted[field].once)
            return REQUEST_DOUBLED;
        if (!request->fields[field])
            request->fields[field] = value;
    }
    if (request->fields[FIELD_CONTENT_LENGTH] && request->fields[FIELD_TRANSFER_ENCODING])
        return REQUEST_BODY_UNCLEAR;
    const char *body = request->fields[FIELD_CONTENT_LENGTH];
    return !body || is_length(body) ? REQUEST_FINE : REQUEST_BAD_LENGTH;
}

static bool is_trusted(const struct proxies *proxies, struct address address)
{
    for (size_t i = 0; i < proxies->n; i++) {
        if (cidr_contains(&proxies->ranges[i], address))
            return true;
    }
    return false;
}

/* Is it a proxy on the way, of whichever kind? */
static bool is_hop(const struct proxies *proxies, struct address address)
{
    for (size_t i = 0; i < proxies->n_fronts; i++) {
        if (cidr_contains(&proxies->fronts[i], address))
            return true;
    }
    return is_trusted(proxies, address);
}

static char lower(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c;
}

static bool is_host_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

static size_t host_length(const char *value, char out[REQUEST_HOST_SIZE])
{
    size_t length = 0;
    for (char c; is_host_character(c = lower(value[length])); length++) {
        if (length + 1 >= REQUEST_HOST_SIZE ||
            (c == '.' && (length == 0 || out[length - 1] == '.')))
            return 0;
        out[length] = c;
    }
    out[length] = '\0';
    return length;
}

/* Behind the name: nothing, blanks, or ":" and a port. */
static bool is_host_end(const char *rest)
{
    if (*rest == ':') {
        size_t digits = strspn(rest + 1, "0123456789");
        if (digits > 5)
            return false;
        rest += 1 + digits;
    }
    return *skip_blanks(rest) == '\0';
}

/* RFC 952/1123 names (and the underscores people use); IPv4 addresses have the same letters. */
static enum request_fault read_host(const char *value, char out[REQUEST_HOST_SIZE])
{
    size_t length = host_length(value, out);
    if (length == 0 || !is_host_end(value + length))
        return REQUEST_BAD_HOST;
    return REQUEST_FINE;
}

/* What names the host asked for; "" where nothing does. Of a list the last, which the nearest proxy
 * added: what stands before it may be the visitor's claim. */
static const char *host_value(const struct request *request)
{
    const char *value = request->forwarded ? request->fields[FIELD_FORWARDED_HOST] : NULL;
    const char *comma = value ? strrchr(value, ',') : NULL;
    if (!value)
        value = request->fields[FIELD_HOST];
    return comma ? skip_blanks(comma + 1) : value ? value : "";
}

static enum request_fault choose_host(struct request *request)
{
    const char *value = host_value(request);
    request->host[0] = '\0';
    return *value == '\0' ? REQUEST_FINE : read_host(value, request->host);
}

/* Target is path and query in one piece. */
static enum request_fault set_target(struct request *request, struct span target)
{
    request->target = target;
    if (target.length > REQUEST_URI_MAX)
        return REQUEST_TOO_LONG;
    if (target.length == 0 || target.at[0] != '/' || !uri_is_clean(target))
        return REQUEST_BAD_URI;
    const char *mark = memchr(target.at, '?', target.length);
    struct span path = {target.at, mark ? (size_t)(mark - target.at) : target.length};
    if (!uri_normalise_path(path, request->path))
        return REQUEST_BAD_URI;
    request->target = path;
    request->query =
        (struct span){mark ? mark + 1 : NULL, mark ? target.length - path.length - 1 : 0};
    return REQUEST_FINE;
}

enum request_fault request_retarget(struct request *request, const char *target, size_t length)
{
    return set_target(request, (struct span){target, length});
}

enum request_fault request_retarget_url(struct request *request, const char *url, size_t length)
{
    struct span target = {url, length};
    struct span authority = uri_take_authority(&target);
    char text[REQUEST_HOST_SIZE + 6]; /* with ":65535" */
    char host[REQUEST_HOST_SIZE];

    if (!authority.at)
        return set_target(request, target);
    if (authority.length >= sizeof(text))
        return REQUEST_BAD_HOST;
    memcpy(text, authority.at, authority.length);
    text[authority.length] = '\0';
    enum request_fault fault = read_host(text, host);
    if (fault != REQUEST_FINE)
        return fault;
    if (strcmp(host, request->host) != 0)
        return REQUEST_TWO_HOSTS;
    return set_target(request, target.length > 0 ? target : (struct span){"/", 1});
}

/* The request line's own path and query, which the listener gives apart. */
static enum request_fault set_own_target(struct request *request, const struct raw_request *raw)
{
    struct span query = {raw->query, raw->query ? strlen(raw->query) : 0};
    size_t length = strlen(raw->target);
    size_t mark = raw->query ? 1 : 0;
    if (length + mark + query.length > REQUEST_URI_MAX)
        return REQUEST_TOO_LONG;
    enum request_fault fault = set_target(request, (struct span){raw->target, length});
    if (fault != REQUEST_FINE)
        return fault;
    if (!uri_is_clean(query))
        return REQUEST_BAD_URI;
    request->query = query;
    return REQUEST_FINE;
}

/* What a trusted proxy says about method or path; NULL: nothing that counts. */
static const char *said_of_request(const struct request *request, enum field field,
                                   enum request_via via)
{
    return request->trusted && via != REQUEST_VIA_LED ? request->fields[field] : NULL;
}

static enum request_fault choose_target(struct request *request, const struct raw_request *raw,
                                        enum request_via via)
{
    const char *uri = said_of_request(request, FIELD_FORWARDED_URI, via);
    if (uri)
        return request_retarget_url(request, uri, strnlen(uri, REQUEST_LINE_MAX));
    if (via == REQUEST_VIA_AUTH)
        return set_target(request, (struct span){"/", 1});
    return set_own_target(request, raw);
}

/* RFC 9110, section 5.6.2 */
static const char token[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~";

static enum request_fault choose_method(struct request *request, const struct raw_request *raw,
                                        enum request_via via)
{
    const char *method = said_of_request(request, FIELD_FORWARDED_METHOD, via);
    request->method = method ? method : raw->method;
    size_t length = strspn(request->method, token);
    return length >= 1 && length <= 32 && request->method[length] == '\0' ? REQUEST_FINE
                                                                          : REQUEST_BAD_METHOD;
}

/* "1.2.3.4", "1.2.3.4:567", "2001:db8::1", "[2001:db8::1]:567" of `length` bytes: the bare address,
 * without a zone ("fe80::1%eth0"), which is the proxy's own matter. */
static bool bare_address(const char *at, size_t length, char out[INET6_ADDRSTRLEN])
{
    const char *end = at + length;
    if (length > 0 && *at == '[') {
        at++;
        end = memchr(at, ']', length - 1);
    } else {
        const char *colon = memchr(at, ':', length);
        if (colon && !memchr(colon + 1, ':', (size_t)(end - colon - 1)))
            end = colon; /* one colon: a port */
    }
    const char *zone = end ? memchr(at, '%', (size_t)(end - at)) : NULL;
    if (zone)
        end = zone;
    if (!end || end == at || end - at >= INET6_ADDRSTRLEN)
        return false;
    memcpy(out, at, (size_t)(end - at));
    out[end - at] = '\0';
    return true;
}

static void set_address(struct request *request, struct address address)
{
    request->address = address;
    address_format(address, request->who);
}

static bool read_address(struct request *request, const char *at, size_t length)
{
    char text[INET6_ADDRSTRLEN];
    struct address address;

    if (!bare_address(at, length, text) || address_parse(text, &address) < 0 ||
        address_is_none(address))
        return false;
    set_address(request, address);
    return true;
}

static size_t trimmed(const char **at, size_t length)
{
    for (; length > 0 && (**at == ' ' || **at == '\t'); length--)
        (*at)++;
    while (length > 0 && ((*at)[length - 1] == ' ' || (*at)[length - 1] == '\t'))
        length--;
    return length;
}

/* Who the peer says the visitor is; NULL: it does not, or is not to be believed. */
static const char *said_addresses(const struct request *request, enum request_via via)
{
    const char *list = request->trusted ? request->fields[FIELD_FORWARDED_FOR] : NULL;
    if (request->trusted && !list && via == REQUEST_VIA_ERRORS)
        list = request->fields[FIELD_REAL_IP];
    return list;
}

/* The rightmost entry that is no proxy of ours: everything left of it is the visitor's own claim.
 */
static enum request_fault choose_address(struct request *request, const struct raw_request *raw,
                                         const struct proxies *proxies, enum request_via via)
{
    const char *list = said_addresses(request, via);

    set_address(request, raw->peer);
    if (!list)
        return REQUEST_FINE;
    size_t end = strnlen(list, REQUEST_VALUE_MAX + 1);
    if (end > REQUEST_VALUE_MAX)
        return REQUEST_BAD_FORWARDED_FOR;
    for (;;) {
        const char *comma = memrchr(list, ',', end);
        const char *entry = comma ? comma + 1 : list;
        size_t length = trimmed(&entry, (size_t)(list + end - entry));
        if (length > 0 && !read_address(request, entry, length))
            return REQUEST_BAD_FORWARDED_FOR;
        if (!comma || (length > 0 && !is_hop(proxies, request->address)))
            return REQUEST_FINE;
        end = (size_t)(comma - list);
    }
}

enum request_fault request_read(const struct raw_request *raw, const struct proxies *proxies,
                                enum request_via via, struct request *ret_request)
{
    struct request *request = ret_request;
    enum request_fault fault = read_headers(raw, request);

    request->host[0] = request->path[0] = '\0';
    request->after_head = false;
    request->target = (struct span){NULL, 0};
    request->trusted = is_trusted(proxies, raw->peer);
    set_address(request, raw->peer);
    if (fault != REQUEST_FINE)
        return fault;
    if (via == REQUEST_VIA_AUTH && !request->trusted)
        return REQUEST_NOT_TRUSTED;
    request->forwarded =
        request->trusted && (via == REQUEST_VIA_AUTH || request->fields[FIELD_FORWARDED_HOST]);
    if ((fault = choose_address(request, raw, proxies, via)) != REQUEST_FINE ||
        (fault = choose_host(request)) != REQUEST_FINE ||
        (fault = choose_method(request, raw, via)) != REQUEST_FINE)
        return fault;
    return choose_target(request, raw, via);
}

size_t request_reference(const struct request *request, char *ret_reference, size_t size)
{
    struct span path = request->target;

    if (size < 3 * (path.length + request->query.length) + 3)
        return (size_t)(stpcpy(ret_reference, "/") - ret_reference);
    /* "//host" and "/\host" would leave this origin. */
    while (path.length > 0 && (*path.at == '/' || *path.at == '\\')) {
        path.at++;
        path.length--;
    }
    ret_reference[0] = '/';
    size_t length = uri_climbs(path) ? uri_encode_path(ret_reference, request->path)
                                     : 1 + uri_encode(ret_reference + 1, path);
    if (request->query.at) {
        ret_reference[length++] = '?';
        length += uri_encode(ret_reference + length, request->query);
    }
    ret_reference[length] = '\0';
    return length;
}

bool request_is_repeatable(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 ||
           strcmp(method, "OPTIONS") == 0;
}

/* Do two authorities name the same port, as far as both name one? A proxy may hide it. */
static bool ports_agree(const char *a, const char *b)
{
    const char *port_a = strchr(a, ':');
    const char *port_b = strchr(b, ':');
    return !port_a || !port_b || strcmp(port_a, port_b) == 0;
}

/* What stands behind "http://" or "https://"; NULL: it is neither. */
static const char *authority_of(const char *url)
{
    if (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0)
        return NULL;
    return strchr(url, '/') + 2;
}

bool request_url_host(const char *url, char ret_host[REQUEST_HOST_SIZE])
{
    const char *authority = authority_of(url);
    size_t length = authority ? host_length(authority, ret_host) : 0;
    const char *end = length > 0 ? authority + length : NULL;
    return end && strchr(":/?# \t", *end) && !memchr(authority, '@', strcspn(authority, "/?#"));
}

bool request_names_origin(const struct request *request)
{
    return request->fields[FIELD_FETCH_SITE] || request->fields[FIELD_ORIGIN];
}

bool request_is_same_origin(const struct request *request)
{
    const char *site = request->fields[FIELD_FETCH_SITE];
    const char *origin = request->fields[FIELD_ORIGIN];
    char host[REQUEST_HOST_SIZE];

    if (site)
        return strcmp(site, "same-origin") == 0;
    if (!origin)
        return true;
    const char *authority = authority_of(origin);
    return authority && read_host(authority, host) == REQUEST_FINE &&
           strcmp(host, request->host) == 0 && ports_agree(authority, host_value(request));
}
