/*
 * browsers: many visitors before the waiting page. Each asks for the page, then for /.hall/status
 * as the page's script does: with the version it knows, after the pause the last answer named, each
 * time over a new connection, until it is told where to go.
 *
 *   browsers ADDRESS:PORT SITES COUNT RAMP SECONDS
 *
 * Browser i visits the host s<i modulo SITES>.bench. They arrive evenly within RAMP seconds; all is
 * over after SECONDS. Prints a JSON object for each that is told to go (with the boot clock in ns),
 * and one for all at the end.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/number.h"
#include "exchange.h"
#include "samples.h"

enum { BROWSERS_MAX = 4096, EVENTS = 256, REQUEST_SIZE = 512, RETRY_MS = 1000, TICK_MS = 5 };

#define SECOND_NS INT64_C(1000000000)
#define MS_NS     INT64_C(1000000)

struct browser {
    struct exchange exchange;
    char request[REQUEST_SIZE];
    int64_t number, due; /* boot clock, ns */
    int64_t version;     /* of what it knows; -1: it has no page yet */
    bool landed;
};

struct crowd {
    struct sockaddr_in endpoint;
    int64_t sites, count, ramp, seconds;
    int epoll;
    struct browser *browsers;
    int64_t landed;
    size_t pages, errors;
    struct samples samples;
};

#define BROWSER_HEAD                                                                               \
    "Accept-Language: en\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0\r\n"         \
    "Connection: close\r\n\r\n"

static int write_request(const struct crowd *crowd, struct browser *browser)
{
    const int64_t site = browser->number % crowd->sites;

    if (browser->version < 0)
        return snprintf(browser->request, REQUEST_SIZE,
                        "GET / HTTP/1.1\r\nHost: s%" PRId64 ".bench\r\nAccept: text/html\r\n"
                        "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n" BROWSER_HEAD,
                        site);
    return snprintf(browser->request, REQUEST_SIZE,
                    "GET /.hall/status?path=%%2F&version=%" PRId64 " HTTP/1.1\r\n"
                    "Host: s%" PRId64
                    ".bench\r\nAccept: application/json\r\nSec-Fetch-Mode: cors\r\n"
                    "Sec-Fetch-Dest: empty\r\nSec-Fetch-Site: same-origin\r\n" BROWSER_HEAD,
                    browser->version, site);
}

/* The number behind a key, or -1. */
static int64_t number_behind(const char *text, const char *key)
{
    const char *at = strstr(text, key);

    return at ? strtoll(at + strlen(key), NULL, 10) : -1;
}

static int read_page(struct crowd *crowd, struct browser *browser)
{
    browser->version = number_behind(browser->exchange.buffer, "data-version=\"");
    if (browser->version < 0)
        return -EPROTO;
    crowd->pages++;
    browser->due = clock_boot_ns();
    return 0;
}

static int read_status(struct crowd *crowd, struct browser *browser)
{
    const char *text = browser->exchange.buffer;
    const int64_t pause = number_behind(text, "\"next_poll_ms\":");
    const int64_t now = clock_boot_ns();

    browser->version = number_behind(text, "\"version\":");
    if (strstr(text, "\"redirect\":\"/\"")) {
        browser->landed = true;
        crowd->landed++;
        (void)printf("{\"browser\": %" PRId64 ", \"at_ns\": %" PRId64 "}\n", browser->number, now);
        return 0;
    }
    browser->due = now + pause * MS_NS;
    return pause > 0 && browser->version >= 0 ? 0 : -EPROTO;
}

static void fail(struct crowd *crowd, struct browser *browser)
{
    crowd->errors++;
    browser->due = clock_boot_ns() + RETRY_MS * MS_NS;
}

static void go_on(struct crowd *crowd, struct browser *browser)
{
    const int status = browser->exchange.fd < 0 ? 0 : exchange_advance(&browser->exchange);
    const bool page = browser->version < 0;
    int error = -EPROTO;

    if (status == 0)
        return;
    if (status == (page ? 503 : 200)) {
        samples_add(&crowd->samples, clock_boot_ns() - browser->exchange.began);
        error = page ? read_page(crowd, browser) : read_status(crowd, browser);
    }
    if (error < 0)
        fail(crowd, browser);
}

static void ask(struct crowd *crowd, struct browser *browser)
{
    const int length = write_request(crowd, browser);

    if (exchange_begin(&browser->exchange, &crowd->endpoint, browser->request, (size_t)length,
                       crowd->epoll, browser) < 0)
        fail(crowd, browser);
}

static void ask_due(struct crowd *crowd)
{
    const int64_t now = clock_boot_ns();

    for (int64_t i = 0; i < crowd->count; i++) {
        struct browser *browser = &crowd->browsers[i];

        if (!browser->landed && browser->exchange.fd < 0 && browser->due <= now)
            ask(crowd, browser);
    }
}

static void run(struct crowd *crowd)
{
    struct epoll_event events[EVENTS];
    const int64_t start = clock_boot_ns();

    for (int64_t i = 0; i < crowd->count; i++)
        crowd->browsers[i].due = start + crowd->ramp * SECOND_NS / crowd->count * i;
    while (crowd->landed < crowd->count && clock_boot_ns() < start + crowd->seconds * SECOND_NS) {
        ask_due(crowd);
        const int n = epoll_wait(crowd->epoll, events, EVENTS, TICK_MS);

        for (int i = 0; i < n; i++)
            go_on(crowd, events[i].data.ptr);
    }
}

static int read_arguments(char **arguments, struct crowd *crowd)
{
    if (endpoint_parse(arguments[0], &crowd->endpoint) < 0 ||
        number_parse(arguments[1], 1, BROWSERS_MAX, &crowd->sites) < 0 ||
        number_parse(arguments[2], 1, BROWSERS_MAX, &crowd->count) < 0 ||
        number_parse(arguments[3], 0, 3600, &crowd->ramp) < 0 ||
        number_parse(arguments[4], 1, 3600, &crowd->seconds) < 0)
        return -EINVAL;
    return 0;
}

/* Ends the program where there is no memory. */
static void prepare(struct crowd *crowd)
{
    crowd->epoll = epoll_create1(EPOLL_CLOEXEC);
    crowd->browsers = calloc((size_t)crowd->count, sizeof(*crowd->browsers));
    if (crowd->epoll < 0 || !crowd->browsers) {
        perror("browsers");
        exit(EXIT_FAILURE);
    }
    for (int64_t i = 0; i < crowd->count; i++) {
        crowd->browsers[i].number = i;
        crowd->browsers[i].version = -1;
        crowd->browsers[i].exchange.fd = -1;
    }
}

int main(int argc, char **argv)
{
    const struct rlimit files = {BROWSERS_MAX + 64, BROWSERS_MAX + 64};
    struct crowd crowd = {0};

    (void)setrlimit(RLIMIT_NOFILE, &files);
    if (argc != 6 || read_arguments(argv + 1, &crowd) < 0) {
        (void)fputs("usage: browsers ADDRESS:PORT SITES COUNT RAMP SECONDS\n", stderr);
        return 2;
    }
    prepare(&crowd);
    run(&crowd);
    (void)printf("{\"pages\": %zu, \"landed\": %" PRId64 ", \"answers\": %zu, \"errors\": %zu, "
                 "\"p50_us\": %.1f, \"p99_us\": %.1f}\n",
                 crowd.pages, crowd.landed, crowd.samples.n, crowd.errors,
                 samples_percentile(&crowd.samples, 50), samples_percentile(&crowd.samples, 99));
    for (int64_t i = 0; i < crowd.count; i++)
        exchange_end(&crowd.browsers[i].exchange);
    samples_finish(&crowd.samples);
    free(crowd.browsers);
    return 0;
}
