/*
 * socket_look: how long a look at many open connections takes, as Hall makes it every few seconds.
 *
 *   socket_look CONNECTIONS LOOKS
 *
 * Opens them on loopback, to a child that answers each request once, so that both ends are in the
 * kernel's table. Prints one JSON object.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"
#include "core/stream.h"
#include "loop/sockets.h"
#include "samples.h"

enum { CONNECTIONS_MAX = 15000, LOOKS_MAX = 1000 };

/* A child of its own: each process may open only so many. */
static void serve(int listener, int64_t n)
{
    char answer[300] = {0};

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int64_t i = 0; i < n; i++) {
        const int fd = accept(listener, NULL, NULL);

        if (fd < 0 || write(fd, answer, sizeof(answer)) < 0)
            _exit(1);
    }
    (void)pause();
    _exit(0);
}

static int open_all(int64_t n, struct sockaddr_in *address)
{
    const struct rlimit most = {.rlim_cur = CONNECTIONS_MAX + 100,
                                .rlim_max = CONNECTIONS_MAX + 100};
    socklen_t size = sizeof(*address);
    const int listener = socket(AF_INET, SOCK_STREAM, 0);

    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000009)};
    if (setrlimit(RLIMIT_NOFILE, &most) < 0 || listener < 0 ||
        bind(listener, (struct sockaddr *)address, sizeof(*address)) < 0 ||
        listen(listener, 1024) < 0 || getsockname(listener, (struct sockaddr *)address, &size) < 0)
        return -errno;
    const pid_t child = fork();

    if (child == 0)
        serve(listener, n);
    for (int64_t i = 0; child > 0 && i < n; i++) {
        const int fd = socket(AF_INET, SOCK_STREAM, 0);
        char byte;

        if (fd < 0 || connect(fd, (struct sockaddr *)address, sizeof(*address)) < 0 ||
            read(fd, &byte, 1) != 1)
            return -errno;
    }
    return child > 0 ? 0 : -errno;
}

static bool take(void *context, const struct tcp_socket *socket)
{
    struct streams *streams = context;
    struct socket_seen seen = {.cookie = socket->id,
                               .peer.port = socket->remote_port,
                               .received = socket->received,
                               .sent = socket->sent,
                               .quiet_in = (uint32_t)socket->quiet_in_ms,
                               .quiet_out = (uint32_t)socket->quiet_out_ms};

    memcpy(&seen.peer.address, &socket->remote.s6_addr[12], sizeof(seen.peer.address));
    return streams_see(streams, &seen) == 0;
}

static int look(struct sockets *sockets, const struct socket_peer *peer, struct streams *streams)
{
    streams_begin(streams, clock_now().boot);
    const int error = sockets_list_to(sockets, peer, 1, take, streams);

    streams_end(streams);
    return error;
}

static int measure(int64_t n, int64_t looks)
{
    struct sockaddr_in address;
    struct samples samples = {0};
    struct sockets *sockets = NULL;
    struct streams *streams = NULL;
    int error = open_all(n, &address);
    const struct socket_peer peer = {.address = address.sin_addr, .port = ntohs(address.sin_port)};
    const struct stream_peer same = {.address = peer.address, .port = peer.port};

    if (error == 0)
        error = sockets_create(&sockets);
    if (error == 0)
        error = streams_create(&same, 1, &streams);
    for (int64_t i = 0; error == 0 && i < looks; i++) {
        const int64_t began = clock_boot_ns();

        error = look(sockets, &peer, streams);
        samples_add(&samples, clock_boot_ns() - began);
    }
    if (error == 0)
        printf("{\"connections\": %zu, \"p50_us\": %.1f, \"p99_us\": %.1f}\n",
               streams_open(streams), samples_percentile(&samples, 50),
               samples_percentile(&samples, 99));
    samples_finish(&samples);
    streams_destroy(streams);
    sockets_destroy(sockets);
    return error;
}

int main(int argc, char **argv)
{
    int64_t n, looks;

    if (argc != 3 || number_parse(argv[1], 1, CONNECTIONS_MAX, &n) < 0 ||
        number_parse(argv[2], 1, LOOKS_MAX, &looks) < 0) {
        fprintf(stderr, "usage: socket_look CONNECTIONS LOOKS\n");
        return 2;
    }
    const int error = measure(n, looks);

    if (error < 0)
        fprintf(stderr, "socket_look: %s\n", strerror(-error));
    return error < 0;
}
