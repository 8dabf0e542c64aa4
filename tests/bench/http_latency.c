/*
 * http_latency: the time of one request, of two endpoints in turn, so that both meet the same
 * machine in the same mood.
 *
 *   http_latency REQUEST-FILE COUNT ADDRESS:PORT ADDRESS:PORT
 *
 * One keep-alive connection to each, the requests strictly one after the other. Any answer but 200
 * is an error. Prints one JSON object: an array with the percentiles of each endpoint.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"
#include "exchange.h"
#include "samples.h"

enum { SIDES = 2, PATIENCE_S = 5, WARM_UP = 100 };

struct side {
    struct sockaddr_in endpoint;
    int fd;
    size_t errors;
    struct samples samples;
};

static int side_connect(struct side *side)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    const int yes = 1;

    side->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (side->fd < 0)
        return -errno;
    (void)setsockopt(side->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(side->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    if (connect(side->fd, (const struct sockaddr *)&side->endpoint, sizeof(side->endpoint)) < 0)
        return -errno;
    return 0;
}

/* The status of one answer, or -errno. */
static int ask(const struct side *side, const char *request, size_t request_length)
{
    char buffer[EXCHANGE_BUFFER];
    size_t length = 0, whole;
    int status = 0;

    if (send(side->fd, request, request_length, MSG_NOSIGNAL) != (ssize_t)request_length)
        return -EPIPE;
    while (status == 0) {
        const ssize_t n = recv(side->fd, buffer + length, sizeof(buffer) - 1 - length, 0);

        if (n <= 0)
            return -ECONNRESET;
        length += (size_t)n;
        buffer[length] = '\0';
        status = answer_read(buffer, length, false, &whole);
    }
    return status;
}

static void measure(struct side *side, const char *request, size_t length, bool counts)
{
    const int64_t began = clock_boot_ns();
    const int status = ask(side, request, length);

    if (status == 200 && counts)
        samples_add(&side->samples, clock_boot_ns() - began);
    if (status == 200)
        return;
    side->errors++;
    (void)close(side->fd);
    (void)side_connect(side);
}

static void print_side(struct side *side, const char *end)
{
    (void)printf("{\"answers\": %zu, \"errors\": %zu, \"p50_us\": %.1f, \"p99_us\": %.1f}%s",
                 side->samples.n, side->errors, samples_percentile(&side->samples, 50),
                 samples_percentile(&side->samples, 99), end);
}

int main(int argc, char **argv)
{
    struct side sides[SIDES] = {0};
    size_t length;
    int64_t count;

    if (argc != 3 + SIDES || number_parse(argv[2], 1, 10000000, &count) < 0 ||
        endpoint_parse(argv[3], &sides[0].endpoint) < 0 ||
        endpoint_parse(argv[4], &sides[1].endpoint) < 0) {
        (void)fputs("usage: http_latency REQUEST-FILE COUNT ADDRESS:PORT ADDRESS:PORT\n", stderr);
        return 2;
    }
    char *request = exchange_read_request(argv[1], &length);
    for (size_t i = 0; i < SIDES; i++)
        if (side_connect(&sides[i]) < 0) {
            perror(argv[3 + i]);
            return 1;
        }
    for (int64_t i = -WARM_UP; i < count; i++)
        for (size_t k = 0; k < SIDES; k++)
            measure(&sides[k], request, length, i >= 0);
    (void)printf("[");
    print_side(&sides[0], ", ");
    print_side(&sides[1], "]\n");
    for (size_t i = 0; i < SIDES; i++) {
        (void)close(sides[i].fd);
        samples_finish(&sides[i].samples);
    }
    free(request);
    return 0;
}
