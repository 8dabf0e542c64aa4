/*
 * socket_look: how long a look at many open connections takes, as Hall makes it every few seconds.
 *
 *   socket_look CONNECTIONS LOOKS UPSTREAMS
 *
 * Opens them on loopback, to a child that answers each request once, so that both ends are in the
 * kernel's table. They lead to one of the upstreams, each of which has a port of its own. Prints
 * one JSON object; kernel_us is what the kernel takes to tell of the same connections, read into a
 * buffer that nobody looks at.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"
#include "hall/upstreams.h"
#include "loop/sockets.h"
#include "samples.h"

enum { ESTABLISHED = 1 }; /* of include/net/tcp_states.h */
enum { CONNECTIONS_MAX = 15000, LOOKS_MAX = 1000, UPSTREAMS_MAX = 5000, URL_SIZE = 40 };

struct watch {
    struct upstreams *upstreams;
    struct sockets *sockets;
    struct streams *streams;
};

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
    const struct watch *watch = context;
    const struct stream_peer *peer =
        upstreams_find(watch->upstreams, &socket->remote, socket->remote_port);

    return !peer ||
           streams_see(watch->streams,
                       &(struct socket_seen){.cookie = socket->id,
                                             .peer = *peer,
                                             .received = socket->received,
                                             .sent = socket->sent,
                                             .quiet_in = (uint32_t)socket->quiet_in_ms,
                                             .quiet_out = (uint32_t)socket->quiet_out_ms}) == 0;
}

static int look(struct watch *watch)
{
    const uint16_t *ports;
    const size_t n = upstreams_ports(watch->upstreams, &ports);

    streams_begin(watch->streams, clock_now().boot);
    const int error = sockets_list_to(watch->sockets, ports, n, take, watch);

    streams_end(watch->streams);
    return error;
}

/* ---- the reference ---- */

/* All that are established over IPv4, both ends, as ss asks for them. */
struct question {
    struct nlmsghdr header;
    struct inet_diag_req_v2 body;
};

/* The kernel writes each part of its answer as it is read, so nothing is left once there is no
 * more. */
static int read_all(int fd)
{
    static char buffer[32768];
    const struct question question = {
        .header = {.nlmsg_len = sizeof(question),
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .body = {.sdiag_family = AF_INET,
                 .sdiag_protocol = IPPROTO_TCP,
                 .idiag_ext = 1U << (INET_DIAG_INFO - 1),
                 .idiag_states = 1U << ESTABLISHED},
    };

    if (send(fd, &question, sizeof(question), 0) < 0)
        return -errno;
    while (recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT) > 0)
        ;
    return errno == EAGAIN ? 0 : -errno;
}

/* Of this thread, whatever else the machine does. */
static int64_t cpu_ns(void)
{
    struct timespec used;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return used.tv_sec * INT64_C(1000000000) + used.tv_nsec;
}

/* A model of one server, with what it needs in one place. */
struct place {
    struct model model;
    struct model_server server;
    struct model_domain domain;
    struct model_site sites[UPSTREAMS_MAX];
    char urls[UPSTREAMS_MAX][URL_SIZE];
};

/* The first is where the connections lead; the others have no one there. */
static void make_sites(struct place *place, size_t n, const struct sockaddr_in *address)
{
    place->model = (struct model){.n_servers = 1,
                                  .servers = &place->server,
                                  .n_domains = 1,
                                  .domains = &place->domain,
                                  .n_sites = n,
                                  .sites = place->sites};
    for (size_t i = 0; i < n; i++) {
        const unsigned port = i == 0 ? ntohs(address->sin_port) : 1024 + (unsigned)(7 * i) % 31000;

        snprintf(place->urls[i], URL_SIZE, "http://127.0.0.9:%u", port);
        place->sites[i].upstream = place->urls[i];
    }
}

static int begin(struct watch *watch, const struct model *model)
{
    struct stream_peer *peers = calloc(model->n_sites, sizeof(*peers));
    size_t n = 0;
    int error = peers ? upstreams_create(NULL, model, &watch->upstreams) : -ENOMEM;

    if (error == 0)
        error = sockets_create(&watch->sockets);
    for (size_t i = 0; error == 0 && i < model->n_sites; i++)
        n += upstreams_peer(model, (int)i, &peers[n]);
    if (error == 0)
        error = streams_create(peers, n, &watch->streams);
    free(peers);
    if (error < 0)
        return error;
    upstreams_begin(watch->upstreams);
    for (size_t i = 0; i < model->n_sites; i++)
        upstreams_add(watch->upstreams, (int)i);
    upstreams_end(watch->upstreams);
    return 0;
}

struct figures {
    struct samples whole, cpu, kernel;
};

/* Each look beside the reference, so that both meet the same machine. */
static int look_and_compare(struct watch *watch, int kernel, struct figures *figures)
{
    const int64_t began = clock_boot_ns(), cpu_began = cpu_ns();
    int error = look(watch);
    const int64_t cpu_ended = cpu_ns();

    samples_add(&figures->whole, clock_boot_ns() - began);
    samples_add(&figures->cpu, cpu_ended - cpu_began);
    if (error == 0)
        error = read_all(kernel);
    samples_add(&figures->kernel, cpu_ns() - cpu_ended);
    return error;
}

static int measure(int64_t n, int64_t looks, int64_t n_upstreams)
{
    struct sockaddr_in address = {0};
    struct figures figures = {0};
    struct watch watch = {0};
    static struct place place;
    const int kernel = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    int error = kernel < 0 ? -errno : open_all(n, &address);

    if (error < 0)
        return error;
    make_sites(&place, (size_t)n_upstreams, &address);
    error = begin(&watch, &place.model);
    for (int64_t i = 0; error == 0 && i < looks; i++)
        error = look_and_compare(&watch, kernel, &figures);
    if (error == 0)
        printf("{\"connections\": %zu, \"p50_us\": %.1f, \"p99_us\": %.1f, \"cpu_us\": %.1f, "
               "\"kernel_us\": %.1f}\n",
               streams_open(watch.streams), samples_percentile(&figures.whole, 50),
               samples_percentile(&figures.whole, 99), samples_percentile(&figures.cpu, 0),
               samples_percentile(&figures.kernel, 0));
    samples_finish(&figures.whole);
    samples_finish(&figures.cpu);
    samples_finish(&figures.kernel);
    (void)close(kernel);
    streams_destroy(watch.streams);
    sockets_destroy(watch.sockets);
    upstreams_destroy(watch.upstreams);
    return error;
}

int main(int argc, char **argv)
{
    int64_t n, looks, upstreams;

    if (argc != 4 || number_parse(argv[1], 1, CONNECTIONS_MAX, &n) < 0 ||
        number_parse(argv[2], 1, LOOKS_MAX, &looks) < 0 ||
        number_parse(argv[3], 1, UPSTREAMS_MAX, &upstreams) < 0) {
        fprintf(stderr, "usage: socket_look CONNECTIONS LOOKS UPSTREAMS\n");
        return 2;
    }
    const int error = measure(n, looks, upstreams);

    if (error < 0)
        fprintf(stderr, "socket_look: %s\n", strerror(-error));
    return error < 0;
}
