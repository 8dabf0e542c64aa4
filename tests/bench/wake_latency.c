/*
 * wake_latency: how long from the wish to the magic packet, measured in one process by one clock.
 *
 *   wake_latency mqtt|http FIRST COUNT UDP-PORT BROKER-PORT ADDRESS:PORT
 *
 * Wakes the servers s<FIRST> to s<FIRST + COUNT - 1>, one after the other: by a command on the bus,
 * or by a browser's request over a new connection for the host s<number>.bench. Waits for the magic
 * packet with that server's MAC (02:00:00:00 and the number in two bytes) on 127.255.255.255, then
 * cancels the wake and lets the machine rest. The user at the broker is `operator`, its password is
 * in BENCH_PASSWORD. Prints one JSON object.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <mosquitto.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"
#include "exchange.h"
#include "samples.h"

enum { PACKET_MAC = 6, PACKET_LEAST = 102, PATIENCE_MS = 2000, REST_MS = 20, KEEPALIVE_S = 60 };

#define MS_NS INT64_C(1000000)

struct bench {
    bool by_http;
    int64_t first, count;
    struct sockaddr_in gateway;
    int packets; /* UDP socket */
    struct mosquitto *bus;
    bool connected;
    size_t errors;
    struct samples samples;
};

static int listen_for_packets(uint16_t port)
{
    const struct sockaddr_in broadcast = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(0x7fffffff)};
    const int yes = 1;
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
        bind(fd, (const struct sockaddr *)&broadcast, sizeof(broadcast)) < 0)
        return -errno;
    return fd;
}

static void on_connect(struct mosquitto *bus, void *context, int result)
{
    struct bench *bench = context;

    (void)bus;
    bench->connected = result == 0;
}

static int connect_bus(struct bench *bench, int port)
{
    const int64_t until = clock_boot_ns() + PATIENCE_MS * MS_NS;

    (void)mosquitto_lib_init();
    bench->bus = mosquitto_new(NULL, true, bench);
    if (!bench->bus)
        return -ENOMEM;
    mosquitto_connect_callback_set(bench->bus, on_connect);
    (void)mosquitto_username_pw_set(bench->bus, "operator", getenv("BENCH_PASSWORD"));
    (void)mosquitto_int_option(bench->bus, MOSQ_OPT_TCP_NODELAY, 1);
    if (mosquitto_connect(bench->bus, "127.0.0.1", port, KEEPALIVE_S) != MOSQ_ERR_SUCCESS)
        return -ECONNREFUSED;
    while (!bench->connected && clock_boot_ns() < until)
        if (mosquitto_loop(bench->bus, 100, 1) != MOSQ_ERR_SUCCESS)
            return -ECONNREFUSED;
    return bench->connected ? 0 : -ETIMEDOUT;
}

static void command(struct bench *bench, int64_t server, const char *word)
{
    char topic[64];

    (void)snprintf(topic, sizeof(topic), "hall/servers/s%" PRId64 "/command", server);
    if (mosquitto_publish(bench->bus, NULL, topic, (int)strlen(word), word, 0, false) !=
        MOSQ_ERR_SUCCESS)
        bench->errors++;
}

/* A new connection with a browser's request on its way; -errno. */
static int visit(const struct bench *bench, int64_t server)
{
    char request[512];
    const int length = snprintf(
        request, sizeof(request),
        "GET / HTTP/1.1\r\nHost: s%" PRId64 ".bench\r\nAccept: text/html\r\n"
        "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nConnection: close\r\n\r\n",
        server);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 ||
        connect(fd, (const struct sockaddr *)&bench->gateway, sizeof(bench->gateway)) < 0 ||
        send(fd, request, (size_t)length, MSG_NOSIGNAL) != length)
        return -errno;
    return fd;
}

/* Reads the answer to its end. */
static void leave(int fd)
{
    char scrap[4096];

    while (recv(fd, scrap, sizeof(scrap), 0) > 0)
        ;
    (void)close(fd);
}

/* Waits for the server's first magic packet; later ones of servers woken before are passed over. */
static bool wait_packet(const struct bench *bench, int64_t server)
{
    const int64_t until = clock_boot_ns() + PATIENCE_MS * MS_NS;
    const uint8_t mac[PACKET_MAC] = {2, 0, 0, 0, (uint8_t)(server >> 8), (uint8_t)(server & 255)};
    struct pollfd poll_packets = {.fd = bench->packets, .events = POLLIN};
    uint8_t packet[256];

    while (clock_boot_ns() < until) {
        if (poll(&poll_packets, 1, PATIENCE_MS) <= 0)
            return false;
        const ssize_t n = recv(bench->packets, packet, sizeof(packet), 0);
        if (n >= PACKET_LEAST && memcmp(packet + PACKET_MAC, mac, sizeof(mac)) == 0)
            return true;
    }
    return false;
}

static void rest(struct bench *bench)
{
    const int64_t until = clock_boot_ns() + REST_MS * MS_NS;

    while (clock_boot_ns() < until)
        if (mosquitto_loop(bench->bus, 1, 1) != MOSQ_ERR_SUCCESS)
            return;
}

static void measure(struct bench *bench, int64_t server)
{
    const int64_t began = clock_boot_ns();
    int fd = -1;

    if (bench->by_http)
        fd = visit(bench, server);
    else
        command(bench, server, "wake");
    if (wait_packet(bench, server))
        samples_add(&bench->samples, clock_boot_ns() - began);
    else
        bench->errors++;
    if (fd >= 0)
        leave(fd);
    command(bench, server, "cancel");
    rest(bench);
}

static int prepare(char **arguments, struct bench *bench)
{
    int64_t udp, broker;

    bench->by_http = strcmp(arguments[0], "http") == 0;
    if (number_parse(arguments[1], 0, UINT16_MAX, &bench->first) < 0 ||
        number_parse(arguments[2], 1, UINT16_MAX, &bench->count) < 0 ||
        number_parse(arguments[3], 1, UINT16_MAX, &udp) < 0 ||
        number_parse(arguments[4], 1, UINT16_MAX, &broker) < 0 ||
        endpoint_parse(arguments[5], &bench->gateway) < 0)
        return -EINVAL;
    bench->packets = listen_for_packets((uint16_t)udp);
    return bench->packets < 0 ? bench->packets : connect_bus(bench, (int)broker);
}

int main(int argc, char **argv)
{
    struct bench bench = {0};
    const int error = argc == 7 ? prepare(argv + 1, &bench) : -EINVAL;

    if (error < 0) {
        (void)fprintf(stderr,
                      "wake_latency: %s\nusage: wake_latency mqtt|http FIRST COUNT UDP-PORT "
                      "BROKER-PORT ADDRESS:PORT\n",
                      strerror(-error));
        return 2;
    }
    for (int64_t i = 0; i < bench.count; i++)
        measure(&bench, bench.first + i);
    (void)printf("{\"answers\": %zu, \"errors\": %zu, \"p50_us\": %.1f, \"p99_us\": %.1f}\n",
                 bench.samples.n, bench.errors, samples_percentile(&bench.samples, 50),
                 samples_percentile(&bench.samples, 99));
    samples_finish(&bench.samples);
    mosquitto_destroy(bench.bus);
    (void)mosquitto_lib_cleanup();
    (void)close(bench.packets);
    return 0;
}
