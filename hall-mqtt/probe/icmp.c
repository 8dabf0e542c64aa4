#include "probe/kinds.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "probe/echo.h"

enum {
    ECHOES_AT_ONCE = 512,       /* the kernel's neighbour table holds 1,024 by default */
    SLOTS = 2 * ECHOES_AT_ONCE, /* hurried ones may be twice as many */
    ANSWERS_PER_TURN = 64,      /* then the loop looks after the others */
};

struct echo {
    struct attempt attempt;
    struct pinger *pinger;
    uint64_t nonce;
    uint16_t slot;
};

struct pinger {
    struct probe_kind kind;
    int fd;
    sd_event_source *io;
    bool told_refused;
    uint16_t n_free;
    uint16_t free_slots[SLOTS]; /* a stack */
    struct echo *echoes[SLOTS]; /* under way, by slot */
};

static void tell_refused(struct pinger *pinger, int error)
{
    if (pinger->told_refused)
        return;
    pinger->told_refused = true;
    if (error == EACCES || error == EPERM)
        log_warning("probe: the kernel does not permit ICMP echo to group %u, ping checks count "
                    "for nothing; permit it "
                    "with: sysctl -w net.ipv4.ping_group_range='0 2147483647' (and a line in "
                    "/etc/sysctl.d/)",
                    (unsigned)getegid());
    else
        log_warning("probe: no ICMP socket (%s), ping checks count for nothing", strerror(error));
}

/* The request of ours that this message answers, or NULL. */
static struct echo *find_echo(const struct pinger *pinger, const void *bytes, size_t size,
                              const struct sockaddr_in *from)
{
    uint32_t slot;
    uint64_t nonce;
    if (!echo_read(bytes, size, &slot, &nonce) || slot >= SLOTS)
        return NULL;
    struct echo *echo = pinger->echoes[slot];
    if (!echo || echo->nonce != nonce)
        return NULL;
    const struct in_addr asked = echo->attempt.check->check->address;
    return from->sin_addr.s_addr == asked.s_addr ? echo : NULL;
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    (void)source;
    (void)events;
    const struct pinger *pinger = userdata;
    for (int i = 0; i < ANSWERS_PER_TURN; i++) {
        char received[ECHO_SIZE + 1]; /* so that a longer one is seen to be longer */
        struct sockaddr_in from = {0};
        socklen_t from_size = sizeof(from);
        ssize_t size = recvfrom(fd, received, sizeof(received), MSG_DONTWAIT,
                                (struct sockaddr *)&from, &from_size);
        if (size < 0 && errno == EAGAIN)
            break;
        struct echo *echo = size < 0 ? NULL : find_echo(pinger, received, (size_t)size, &from);
        if (echo)
            attempt_end(&echo->attempt, PROBE_PASS, FAULT_NONE, 0);
    }
    return 0;
}

static int icmp_open(struct pinger *pinger)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP);
    if (fd < 0)
        return -errno;
    int r = sd_event_add_io(pinger->kind.env->loop, &pinger->io, fd, EPOLLIN, on_readable, pinger);
    if (r < 0) {
        (void)close(fd);
        return r;
    }
    pinger->fd = fd;
    return 0;
}

/* Opens the socket where there is none yet: it may have been permitted in the meantime. */
static int icmp_ready(struct pinger *pinger)
{
    if (pinger->fd >= 0)
        return 0;
    int r = icmp_open(pinger);
    if (r < 0) {
        tell_refused(pinger, -r);
        return -EACCES;
    }
    if (pinger->told_refused)
        log_info("probe: ICMP echo is permitted now, ping checks count");
    return 0;
}

static int send_echo(const struct pinger *pinger, const struct echo *echo, struct in_addr address)
{
    uint8_t message[ECHO_SIZE];
    const struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = address};
    echo_write(echo->slot, echo->nonce, message);
    ssize_t size = sendto(pinger->fd, message, sizeof(message), MSG_DONTWAIT | MSG_NOSIGNAL,
                          (const struct sockaddr *)&to, sizeof(to));
    return size < 0 ? -errno : 0;
}

static void icmp_drop(struct attempt *attempt)
{
    struct echo *echo = (struct echo *)attempt;
    struct pinger *pinger = echo->pinger;
    pinger->echoes[echo->slot] = NULL;
    pinger->free_slots[pinger->n_free++] = echo->slot;
    free(echo);
}

static struct echo *echo_create(struct pinger *pinger)
{
    struct echo *echo = calloc(1, sizeof(*echo));
    if (!echo)
        return NULL;
    if (getrandom(&echo->nonce, sizeof(echo->nonce), 0) != sizeof(echo->nonce)) {
        free(echo);
        return NULL;
    }
    assert(pinger->n_free > 0); /* the limit of the kind is below the number of slots */
    echo->pinger = pinger;
    echo->slot = pinger->free_slots[--pinger->n_free];
    pinger->echoes[echo->slot] = echo;
    return echo;
}

static int icmp_begin(struct probe_kind *kind, struct probe_check *check,
                      struct attempt **ret_attempt)
{
    struct pinger *pinger = (struct pinger *)kind;
    int r = check->server->loopback ? -EACCES : icmp_ready(pinger);
    if (r < 0)
        return r;
    struct echo *echo = echo_create(pinger);
    if (!echo)
        return -ENOMEM;
    r = send_echo(pinger, echo, check->check->address);
    if (r < 0) {
        icmp_drop(&echo->attempt);
        return r;
    }
    *ret_attempt = &echo->attempt;
    return 0;
}

static void icmp_destroy(struct probe_kind *kind)
{
    struct pinger *pinger = (struct pinger *)kind;
    sd_event_source_disable_unref(pinger->io);
    if (pinger->fd >= 0)
        (void)close(pinger->fd);
    kind_finish(kind);
    free(pinger);
}

static const struct kind_impl icmp_impl = {
    .begin = icmp_begin,
    .drop = icmp_drop,
    .destroy = icmp_destroy,
};

int icmp_create(const struct probe_env *env, struct probe_kind **ret_kind)
{
    struct pinger *pinger = calloc(1, sizeof(*pinger));
    if (!pinger)
        return -ENOMEM;
    pinger->fd = -1;
    while (pinger->n_free < SLOTS) {
        pinger->free_slots[pinger->n_free] = (uint16_t)(SLOTS - 1 - pinger->n_free);
        pinger->n_free++;
    }
    int r = kind_init(&pinger->kind, &icmp_impl, env, ECHOES_AT_ONCE);
    if (r < 0) {
        icmp_destroy(&pinger->kind);
        return r;
    }
    *ret_kind = &pinger->kind;
    return 0;
}
