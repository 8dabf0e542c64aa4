/*
 * Fuzzes what the network says to the gateway: a request line and header lines, as the listener
 * hands them on, through everything that reads them: rules, gate, references, parameters, page and
 * status. Input: method, target, query and header lines, each ended by a newline; a header is
 * "Name: value". The first byte chooses the peer and the way in.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "web/gate/gate.h"
#include "web/gate/request.h"
#include "web/listen/lines.h"
#include "web/page/page.h"
#include "web/page/phrase.h"
#include "web/page/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct cidr trusted[] = {
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}}, 128},
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 0}}, 104},
};
static const char *monitors[] = {"bot", "UptimeRobot"};
static struct model_server servers[] = {{.id = "testing", .name = "Testing"}};
static struct model_site sites[] = {
    {.id = "testing.example", .name = "testing.example", .path = "/"},
    {.id = "client1",
     .name = "Client1",
     .is_project = true,
     .path = "/client1",
     .upstream = "http://192.0.2.1"},
};
static struct model_domain domains[] = {{.name = "testing.example",
                                         .n_projects = 1,
                                         .projects = {1},
                                         .access = {.n_allow = 1, .allow = trusted}}};
static const struct config config = {.http = {.n_trusted_proxies = 2,
                                              .trusted_proxies = trusted,
                                              .n_monitors = 2,
                                              .monitors = monitors},
                                     .model = {.n_servers = 1,
                                               .servers = servers,
                                               .n_sites = 2,
                                               .sites = sites,
                                               .n_domains = 1,
                                               .domains = domains}};

/* What must hold of everything that was taken for sound. */
static void check_request(const struct request *request)
{
    char reference[3 * REQUEST_URI_MAX + 3];
    char value[64];
    size_t length = request_reference(request, reference, sizeof reference);

    assert(strlen(reference) == length && reference[0] == '/' && reference[1] != '/' &&
           reference[1] != '\\');
    for (size_t i = 0; i < length; i++)
        assert(reference[i] > 0x20 && reference[i] < 0x7f &&
               strchr("\"#<>\\", reference[i]) == NULL);
    size_t path = strcspn(reference, "?");
    assert(!uri_climbs((struct span){reference, path}));
    assert(request->path[0] == '/' && strlen(request->path) <= REQUEST_URI_MAX);
    assert(strstr(request->path, "//") == NULL && strstr(request->path, "/../") == NULL);
    assert(strlen(request->who) > 0);
    request_is_same_origin(request);
    if (uri_parameter(request->query, "path", value, sizeof value) >= 0) {
        struct request other = *request;
        (void)request_retarget(&other, value, strlen(value));
    }
}

static void show(const struct request *request, const struct place *place, const struct page *page)
{
    static char reference[3 * REQUEST_URI_MAX + 3];
    struct notice notice = {.state = POWER_WAKING, .wake_open = true, .expected_ready = 5000};
    struct buf out = BUF_INIT(256 * 1024);
    struct view view;

    request_reference(request, reference, sizeof reference);
    view_init(&view, &config.model, place->site, &notice, false, false,
              (struct now){.boot = 1000, .wall = 1700000000000});
    view.language = language_choose(request->fields[FIELD_ACCEPT_LANGUAGE]);
    view.reference = reference;
    page_write(page, &view, &out);
    assert(buf_error(&out) == 0);
    buf_clear(&out);
    status_write(&view, 500, &out);
    assert(buf_error(&out) == 0);
    buf_finish(&out);
}

static char *next_line(char **rest)
{
    char *line = *rest;
    char *end = line != NULL ? strchr(line, '\n') : NULL;
    *rest = end != NULL ? end + 1 : NULL;
    if (end != NULL)
        *end = '\0';
    return line;
}

static size_t read_headers(char *rest, struct header headers[80])
{
    size_t n = 0;
    for (char *line = next_line(&rest); line != NULL && n < 80; line = next_line(&rest)) {
        char *colon = strchr(line, ':');
        if (colon == NULL)
            continue;
        *colon = '\0';
        headers[n++] = (struct header){line, colon + 1};
    }
    return n;
}

/* The same bytes as the lines behind the first 64. */
static void read_far_lines(const uint8_t *data, size_t size)
{
    struct header headers[16];
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    ssize_t n = lines_read(text, headers, 16);
    for (ssize_t i = 0; i < n; i++)
        assert(headers[i].name[0] != '\0' && strpbrk(headers[i].value, "\r\n") == NULL);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gate gate;
    static struct page *page;
    struct header headers[80];
    struct request request;

    if (page == NULL && page_create(&page) != 0)
        abort();
    if (size < 1 || size > 32768)
        return 0;
    read_far_lines(data, size);
    gate_init(&gate, &config);
    char *text = malloc(size);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    char *rest = text;
    const char *method = next_line(&rest);
    const char *target = next_line(&rest);
    const char *query = next_line(&rest);
    struct raw_request raw = {
        .method = method, .target = target != NULL ? target : "/", .query = query};
    raw.peer =
        address_v4((struct in_addr){htonl((data[0] & 1) != 0 ? INADDR_LOOPBACK : 0xc0000201)});
    raw.headers = headers;
    raw.n_headers = rest != NULL ? read_headers(rest, headers) : 0;
    if (request_read(&raw, &gate.proxies,
                     (data[0] & 2) != 0 ? REQUEST_VIA_AUTH : REQUEST_VIA_DIRECT,
                     &request) == REQUEST_FINE) {
        check_request(&request);
        struct place place = gate_place(&gate, &request);
        gate_is_doubtful(&gate, &place, &request);
        struct decision decision = gate_decide(&gate, &request, &place, (data[0] & 4) != 0, NULL);
        assert(!(decision.uses && decision.wakes));
        assert(!decision.astray || decision.verdict == VERDICT_REFUSED);
        assert(place.kind == PLACE_SITE || (!decision.uses && !decision.wakes));
        if (place.kind == PLACE_SITE)
            show(&request, &place, page);
    }
    free(text);
    return 0;
}
