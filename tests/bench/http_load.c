/*
 * http_load: sends one request again and again, each over a new connection, many at a time, and
 * counts the whole answers.
 *
 *   http_load ADDRESS:PORT REQUEST-FILE CONNECTIONS SECONDS STATUS
 *
 * SECONDS 0: each of the connections asks once, all at the same moment. An answer of another status
 * than STATUS is an error. Prints one JSON object.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/number.h"
#include "exchange.h"
#include "samples.h"

enum { CONNECTIONS_MAX = 4096, EVENTS = 256, PATIENCE_S = 30 };

#define SECOND_NS INT64_C(1000000000)

struct load {
    struct sockaddr_in endpoint;
    char *request;
    size_t request_length;
    int64_t connections, seconds, status;
    int epoll;
    struct exchange *exchanges;
    int64_t open; /* exchanges under way */
    int64_t until;
    size_t errors;
    struct samples samples;
};

static void begin(struct load *load, struct exchange *exchange)
{
    if (exchange_begin(exchange, &load->endpoint, load->request, load->request_length, load->epoll,
                       exchange) == 0)
        load->open++;
    else
        load->errors++;
}

static void go_on(struct load *load, struct exchange *exchange)
{
    const int result = exchange->fd < 0 ? 0 : exchange_advance(exchange);

    if (result == 0)
        return;
    load->open--;
    if (result == load->status)
        samples_add(&load->samples, clock_boot_ns() - exchange->began);
    else
        load->errors++;
    if (load->seconds > 0 && clock_boot_ns() < load->until)
        begin(load, exchange);
}

static void run(struct load *load)
{
    struct epoll_event events[EVENTS];
    const int64_t patience = clock_boot_ns() + (load->seconds + PATIENCE_S) * SECOND_NS;

    load->until = clock_boot_ns() + load->seconds * SECOND_NS;
    for (int64_t i = 0; i < load->connections; i++)
        begin(load, &load->exchanges[i]);
    while (load->open > 0 && clock_boot_ns() < patience) {
        const int n = epoll_wait(load->epoll, events, EVENTS, 1000);

        for (int i = 0; i < n; i++)
            go_on(load, events[i].data.ptr);
    }
    load->errors += (size_t)load->open;
}

static int read_arguments(char **arguments, struct load *load)
{
    if (endpoint_parse(arguments[0], &load->endpoint) < 0 ||
        number_parse(arguments[2], 1, CONNECTIONS_MAX, &load->connections) < 0 ||
        number_parse(arguments[3], 0, 3600, &load->seconds) < 0 ||
        number_parse(arguments[4], 100, 599, &load->status) < 0)
        return -EINVAL;
    return 0;
}

/* Ends the program where there is no memory. */
static void prepare(const char *file, struct load *load)
{
    load->request = exchange_read_request(file, &load->request_length);
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    load->exchanges = calloc((size_t)load->connections, sizeof(*load->exchanges));
    if (load->epoll < 0 || !load->exchanges) {
        perror("http_load");
        exit(EXIT_FAILURE);
    }
    for (int64_t i = 0; i < load->connections; i++)
        load->exchanges[i].fd = -1;
}

int main(int argc, char **argv)
{
    const struct rlimit files = {CONNECTIONS_MAX + 64, CONNECTIONS_MAX + 64};
    struct load load = {0};

    (void)setrlimit(RLIMIT_NOFILE, &files);
    if (argc != 6 || read_arguments(argv + 1, &load) < 0) {
        (void)fputs("usage: http_load ADDRESS:PORT REQUEST-FILE CONNECTIONS SECONDS STATUS\n",
                    stderr);
        return 2;
    }
    prepare(argv[2], &load);
    const int64_t began = clock_boot_ns();
    run(&load);
    (void)printf("{\"answers\": %zu, \"errors\": %zu, \"seconds\": %.6f, \"p50_us\": %.1f, "
                 "\"p99_us\": %.1f}\n",
                 load.samples.n, load.errors, (double)(clock_boot_ns() - began) / SECOND_NS,
                 samples_percentile(&load.samples, 50), samples_percentile(&load.samples, 99));
    samples_finish(&load.samples);
    free(load.exchanges);
    free(load.request);
    return 0;
}
