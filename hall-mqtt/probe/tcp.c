#include "probe/kinds.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct tcp_attempt {
    struct attempt attempt;
    int fd;
    sd_event_source *io;
};

/* The socket becomes writable when the connection is decided. */
static int dial(struct in_addr address, uint16_t port, int *ret_fd)
{
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_addr = address, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS) {
        int error = errno;
        (void)close(fd);
        return -error;
    }
    *ret_fd = fd;
    return 0;
}

/* A connect to a free port in the range of ephemeral ports may meet itself (RFC 9293, simultaneous
 * open). */
static bool met_itself(int fd)
{
    struct sockaddr_in own = {0}, peer = {0};
    socklen_t own_size = sizeof(own), peer_size = sizeof(peer);
    if (getsockname(fd, (struct sockaddr *)&own, &own_size) < 0 ||
        getpeername(fd, (struct sockaddr *)&peer, &peer_size) < 0)
        return false;
    return own.sin_port == peer.sin_port && own.sin_addr.s_addr == peer.sin_addr.s_addr;
}

/* How it went: 0 or -errno. */
static int dial_result(int fd)
{
    int error = 0;
    socklen_t size = sizeof(error);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        return -errno;
    if (error)
        return -error;
    return met_itself(fd) ? -ECONNREFUSED : 0;
}

static int on_decided(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    (void)source;
    (void)events;
    struct tcp_attempt *tcp = userdata;
    int r = dial_result(fd);
    if (r < 0)
        attempt_fail(&tcp->attempt, -r);
    else
        attempt_end(&tcp->attempt, PROBE_PASS, FAULT_NONE, 0);
    return 0;
}

static void tcp_drop(struct attempt *attempt)
{
    struct tcp_attempt *tcp = (struct tcp_attempt *)attempt;
    sd_event_source_disable_unref(tcp->io);
    if (tcp->fd >= 0)
        (void)close(tcp->fd);
    free(tcp);
}

static int tcp_begin(struct probe_kind *kind, struct probe_check *check,
                     struct attempt **ret_attempt)
{
    struct tcp_attempt *tcp = calloc(1, sizeof(*tcp));
    if (!tcp)
        return -ENOMEM;
    tcp->fd = -1;
    int r = dial(check->check->address, check->check->port, &tcp->fd);
    if (r == 0)
        r = sd_event_add_io(kind->env->loop, &tcp->io, tcp->fd, EPOLLOUT, on_decided, tcp);
    if (r < 0) {
        tcp_drop(&tcp->attempt);
        return r;
    }
    *ret_attempt = &tcp->attempt;
    return 0;
}

static void tcp_destroy(struct probe_kind *kind)
{
    kind_finish(kind);
    free(kind);
}

static const struct kind_impl tcp_impl = {
    .begin = tcp_begin,
    .drop = tcp_drop,
    .destroy = tcp_destroy,
};

int tcp_create(const struct probe_env *env, struct probe_kind **ret_kind)
{
    struct probe_kind *kind = calloc(1, sizeof(*kind));
    if (!kind)
        return -ENOMEM;
    int r = kind_init(kind, &tcp_impl, env, env->descriptors);
    if (r < 0) {
        tcp_destroy(kind);
        return r;
    }
    *ret_kind = kind;
    return 0;
}
