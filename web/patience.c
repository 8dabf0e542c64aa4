#include "web/patience.h"

#include <errno.h>
#include <linux/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "web/own_socket.h"

enum {
    LONG_MS = 120,  /* how old a connection without a request may become where workers are few */
    SHORT_MS = 40,  /* and where there are hardly any */
    BODY_TIMES = 8, /* a body may take so many times as long */
    LOOK_MS = 10,
    HEAD_MAX = 4096, /* of a head so much is looked at for its end */
    FDS_MAX = 4096,
    GAP_MAX = 64, /* the lowest free number is given first: behind such a gap there is nothing */
    SUSPECTS_MAX = 512,
    SPARE = 2, /* with so few workers left the looking begins; it ends where they are plenty */
    ESTABLISHED = 1, /* of tcpi_state; <netinet/tcp.h> names it, but has an older struct tcp_info */
};

struct suspect {
    int fd;
    uint64_t peer;
};

struct suspects {
    size_t n;
    struct suspect list[SUSPECTS_MAX];
};

struct patience {
    const struct patience_rules *rules;
    void *context;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t called;
    bool wanted, ends;
    atomic_bool looks; /* a look is under way or due: no need to call again */
    struct suspects now, before;
};

uint64_t patience_peer(struct in_addr address, uint16_t port)
{
    return (uint64_t)ntohl(address.s_addr) << 16 | port;
}

/* ---- One connection ---- */

/* 0: not connected. */
static uint64_t peer_of(int fd)
{
    struct sockaddr_in peer = {.sin_family = AF_UNSPEC};
    socklen_t length = sizeof(peer);
    if (getpeername(fd, (struct sockaddr *)&peer, &length) < 0 || peer.sin_family != AF_INET)
        return 0;
    return patience_peer(peer.sin_addr, ntohs(peer.sin_port));
}

/* Was nothing ever answered on it, and is it so old? Before the first answer the kernel counts from
 * the connection's beginning. */
static bool is_unanswered(int fd, unsigned age_ms)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof(info);
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 &&
           info.tcpi_state == ESTABLISHED && info.tcpi_data_segs_out == 0 &&
           info.tcpi_last_data_sent >= age_ms;
}

/* Is a whole head there that no worker has come to yet? One that fills the buffer is more than a
 * slow client sends. */
static bool has_spoken(int fd)
{
    char head[HEAD_MAX];
    ssize_t length = recv(fd, head, sizeof(head), MSG_PEEK | MSG_DONTWAIT);
    return length == 0 || length == (ssize_t)sizeof(head) ||
           (length > 0 && (memmem(head, (size_t)length, "\r\n\r\n", 4) ||
                           memmem(head, (size_t)length, "\n\n", 2)));
}

/* ---- All of them ---- */

static bool was_suspect(const struct suspects *before, struct suspect suspect)
{
    for (size_t i = 0; i < before->n; i++) {
        if (before->list[i].fd == suspect.fd && before->list[i].peer == suspect.peer)
            return true;
    }
    return false;
}

static bool is_slow(const struct patience *patience, int fd, uint64_t peer, unsigned age_ms)
{
    const struct patience_rules *rules = patience->rules;
    if (rules->reads_for(patience->context, peer) >= BODY_TIMES * age_ms)
        return true;
    return is_unanswered(fd, age_ms) && !has_spoken(fd) && !rules->at_work(patience->context, peer);
}

/* A worker may just have read the head: only who looks the same twice is slow. connection is a
 * duplicate of number, and stays what it is. */
static void judge(struct patience *patience, int number, int connection, unsigned age_ms)
{
    const struct suspect suspect = {.fd = number, .peer = peer_of(connection)};

    if (suspect.peer == 0 || !is_slow(patience, connection, suspect.peer, age_ms))
        return;
    if (was_suspect(&patience->before, suspect))
        shutdown(connection, SHUT_RDWR);
    else if (patience->now.n < SUSPECTS_MAX)
        patience->now.list[patience->now.n++] = suspect;
}

/* False: there is no such descriptor. */
static bool judge_number(struct patience *patience, int fd, unsigned age_ms)
{
    int connection = own_socket_hold(fd, patience->rules->port);

    if (connection < 0)
        return connection != -EBADF;
    judge(patience, fd, connection, age_ms);
    close(connection);
    return true;
}

/* False: workers are plenty again. */
static bool look(struct patience *patience)
{
    const struct patience_rules *rules = patience->rules;
    unsigned served = rules->served(patience->context);
    if (served < rules->scarce)
        return false;
    unsigned age_ms = served < (rules->scarce + rules->most) / 2 ? LONG_MS : SHORT_MS;
    patience->before = patience->now;
    patience->now.n = 0;
    for (int fd = 3, gap = 0; fd < FDS_MAX && gap < GAP_MAX; fd++)
        gap = judge_number(patience, fd, age_ms) ? 0 : gap + 1;
    return true;
}

/* ---- The thread ---- */

/* False: it is to end. */
static bool wait_for_call(struct patience *patience)
{
    pthread_mutex_lock(&patience->lock);
    while (!patience->wanted && !patience->ends)
        pthread_cond_wait(&patience->called, &patience->lock);
    patience->wanted = false;
    bool goes_on = !patience->ends;
    pthread_mutex_unlock(&patience->lock);
    return goes_on;
}

static void *run(void *context)
{
    static const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000};
    struct patience *patience = context;

    while (wait_for_call(patience)) {
        /* First the pause: workers that are short for a moment are nothing to look at. */
        do
            nanosleep(&pause, NULL);
        while (look(patience));
        patience->now.n = 0;
        atomic_store(&patience->looks, false);
    }
    return NULL;
}

static void call(struct patience *patience, bool ends)
{
    pthread_mutex_lock(&patience->lock);
    patience->wanted = true;
    patience->ends = patience->ends || ends;
    pthread_cond_signal(&patience->called);
    pthread_mutex_unlock(&patience->lock);
}

void patience_look(struct patience *patience, unsigned served)
{
    if (served + SPARE >= patience->rules->most && !atomic_load(&patience->looks) &&
        !atomic_exchange(&patience->looks, true))
        call(patience, false);
}

/* It takes no signals: those are for the loop. */
static int start(struct patience *patience)
{
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t before;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 * 1024);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&patience->thread, &attributes, run, patience);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return -error;
}

int patience_create(const struct patience_rules *rules, void *context,
                    struct patience **ret_patience)
{
    struct patience *patience = calloc(1, sizeof(*patience));
    if (!patience)
        return -ENOMEM;
    patience->rules = rules;
    patience->context = context;
    pthread_mutex_init(&patience->lock, NULL);
    pthread_cond_init(&patience->called, NULL);
    int error = start(patience);
    if (error != 0) {
        free(patience);
        return error;
    }
    *ret_patience = patience;
    return 0;
}

void patience_destroy(struct patience *patience)
{
    if (!patience)
        return;
    call(patience, true);
    pthread_join(patience->thread, NULL);
    pthread_mutex_destroy(&patience->lock);
    pthread_cond_destroy(&patience->called);
    free(patience);
}
