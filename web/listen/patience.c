#include "web/listen/patience.h"

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

#include "base/clock.h"

enum {
    LOOK_MS = 10,
    BODY_MS = 1000,  /* and whose body has been read for less than that */
    HEAD_MAX = 4096, /* of a head so much is looked at for its end */
    FDS_MAX = 4096,
    GAP_MAX = 64, /* the lowest free number is given first: behind such a gap there is nothing */
    SEEN_MAX = 512,
    FLOOD_TIMES = 3, /* so many times as many as there are workers are a flood */
    SPARE = 2, /* with so few workers left the looking begins; it ends where they are plenty */
    /* Of tcpi_state; <netinet/tcp.h> names them, but has an older struct tcp_info. */
    ESTABLISHED = 1,
    CLOSE_WAIT = 8,
};

/* The first is ended first. */
enum conduct {
    CONDUCT_IDLE, /* has said nothing */
    CONDUCT_HEAD, /* a part of its head */
    CONDUCT_BODY, /* a part of its body */
    CONDUCT_FAIR, /* is served, is new, or has asked and waits */
};

struct seen {
    int fd;
    enum conduct conduct;
    uint64_t peer;
    unsigned age_ms; /* for which it had been as it is when the look began; 0: it is served */
    unsigned others; /* of the same address; set by rank() */
    bool asks;       /* has asked, and no worker has come to it */
    bool has_asked;  /* a whole head was there: a worker that took it has all it needs */
};

/* Open connections: those that workers serve, and those in the queue. */
struct sight {
    size_t n, open; /* n are listed */
    size_t leaving; /* so many of those open were ended, and their worker has yet to notice */
    bool asks;      /* one of them waits for a worker */
    int64_t began;  /* boot clock, ms */
    struct seen list[SEEN_MAX];
};

struct patience {
    const struct patience_rules *rules;
    const struct own_addresses *own;
    void *context;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t called;
    bool wanted, ends;
    atomic_bool looks; /* a look is under way or due: no need to call again */
    struct sight now, before;
};

uint64_t patience_peer(struct in_addr address, uint16_t port)
{
    return (uint64_t)ntohl(address.s_addr) << 16 | port;
}

struct sockaddr_in patience_address(uint64_t peer)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_addr = {htonl((uint32_t)(peer >> 16))},
                                .sin_port = htons((uint16_t)peer)};
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

/* For how long, in ms, it has been open without an answer; 0: it had one. Before the first answer
 * the kernel counts from the connection's beginning. */
static unsigned unanswered_ms(int fd)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof(info);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0 ||
        info.tcpi_state != ESTABLISHED || info.tcpi_data_segs_out > 0)
        return 0;
    return info.tcpi_last_data_sent;
}

/* Was it ended from here? Who says that nothing more will come may still wait for an answer. */
static bool is_leaving(int fd)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof(info);
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 &&
           info.tcpi_state != ESTABLISHED && info.tcpi_state != CLOSE_WAIT;
}

/* Did its sender ever send a byte? */
static bool is_silent(int fd)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof(info);
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 &&
           info.tcpi_data_segs_in == 0;
}

/* Is a whole head there that no worker has come to yet? One that fills the buffer is more than a
 * slow client sends, and asks as well. */
static void look_for_head(int fd, struct seen *seen)
{
    char head[HEAD_MAX];
    ssize_t length = recv(fd, head, sizeof(head), MSG_PEEK | MSG_DONTWAIT);
    seen->has_asked = length > 0 && (memmem(head, (size_t)length, "\r\n\r\n", 4) ||
                                     memmem(head, (size_t)length, "\n\n", 2));
    seen->asks = seen->has_asked || length == 0 || length == (ssize_t)sizeof(head);
}

static const struct seen *find(const struct sight *sight, const struct seen *seen)
{
    for (size_t i = 0; i < sight->n; i++) {
        if (sight->list[i].peer == seen->peer && sight->list[i].fd == seen->fd)
            return &sight->list[i];
    }
    return NULL;
}

static int64_t look_ms(const struct sight *sight)
{
    return clock_boot_ns() / 1000000 - sight->began;
}

/* connection is a duplicate of seen->fd. A look may be held up, and all are judged as they were
 * when it began; false: this one came later, and is a matter of the next look. */
static bool judge(const struct patience *patience, int connection, struct seen *seen)
{
    const struct patience_rules *rules = patience->rules;
    const unsigned reads_ms = rules->reads_for(patience->context, seen->peer);
    const unsigned age_ms = reads_ms > 0 ? reads_ms : unanswered_ms(connection);
    const int64_t since_ms = look_ms(&patience->now);

    seen->conduct = CONDUCT_FAIR;
    seen->age_ms = age_ms > since_ms ? age_ms - (unsigned)since_ms : 0;
    if (reads_ms > 0) {
        seen->conduct = seen->age_ms >= BODY_MS ? CONDUCT_BODY : CONDUCT_FAIR;
        return true;
    }
    if (age_ms == 0 || rules->at_work(patience->context, seen->peer))
        return true;
    const struct seen *before = find(&patience->before, seen);
    look_for_head(connection, seen);
    seen->has_asked = seen->has_asked || (before && before->has_asked);
    if (!seen->asks && !seen->has_asked && seen->age_ms >= rules->new_ms)
        seen->conduct = is_silent(connection) ? CONDUCT_IDLE : CONDUCT_HEAD;
    return seen->age_ms > 0;
}

/* ---- All of them ---- */

/* False: there is no such descriptor. */
static bool see_number(struct patience *patience, int fd)
{
    struct sight *now = &patience->now;
    int connection = own_socket_hold(fd, patience->own);

    if (connection < 0)
        return connection != -EBADF;
    struct seen seen = {.fd = fd, .peer = peer_of(connection)};
    if (seen.peer != 0) {
        if (judge(patience, connection, &seen)) {
            now->open++;
            now->leaving += is_leaving(connection) ? 1 : 0;
            now->asks = now->asks || seen.asks;
        }
        if (now->n < SEEN_MAX)
            now->list[now->n++] = seen;
    }
    close(connection);
    return true;
}

static int by_peer(const void *a, const void *b)
{
    const struct seen *one = a, *other = b;
    return (one->peer > other->peer) - (one->peer < other->peer);
}

/* Of the address with most connections first; of one address the least use, then the oldest. */
static int by_burden(const void *a, const void *b)
{
    const struct seen *one = a, *other = b;
    if (one->others != other->others)
        return one->others > other->others ? -1 : 1;
    if (one->conduct != other->conduct)
        return one->conduct < other->conduct ? -1 : 1;
    return (one->age_ms < other->age_ms) - (one->age_ms > other->age_ms);
}

static void rank(struct sight *sight)
{
    struct seen *list = sight->list;

    qsort(list, sight->n, sizeof(*list), by_peer);
    for (size_t first = 0, end = 0; first < sight->n; first = end) {
        while (end < sight->n && list[end].peer >> 16 == list[first].peer >> 16)
            end++;
        for (size_t i = first; i < end; i++)
            list[i].others = (unsigned)(end - first);
    }
    qsort(list, sight->n, sizeof(*list), by_burden);
}

static bool was_slow(const struct sight *before, const struct seen *seen)
{
    const struct seen *found = find(before, seen);
    return found && found->conduct == seen->conduct;
}

static void end_connection(const struct patience *patience, const struct seen *seen)
{
    int connection = own_socket_hold(seen->fd, patience->own);
    if (connection < 0)
        return;
    if (peer_of(connection) == seen->peer)
        shutdown(connection, SHUT_RDWR);
    close(connection);
}

/* A worker may just have read the head: only who looks slow in the same way twice is. Until then
 * nobody leaves in its place: the last look may have been long ago, or have missed it. */
static void end_some(struct patience *patience, size_t many)
{
    struct sight *now = &patience->now;

    rank(now);
    for (size_t i = 0; i < now->n && many > 0; i++) {
        if (now->list[i].conduct == CONDUCT_FAIR)
            continue;
        many--;
        if (was_slow(&patience->before, &now->list[i]))
            end_connection(patience, &now->list[i]);
    }
}

/* How many should leave. As many as wait, since those may stand before the one that asks, without
 * those that leave already; all where there are so many that others may stand behind the queue,
 * unseen. */
static size_t too_many(const struct patience *patience)
{
    const struct sight *now = &patience->now;
    const size_t most = patience->rules->most;
    const size_t stay = now->open - now->leaving;

    if (now->open >= FLOOD_TIMES * most)
        return now->open;
    return now->asks && stay > most ? stay - most : 0;
}

/* False: workers are plenty again. */
static bool look(struct patience *patience)
{
    const struct patience_rules *rules = patience->rules;

    if (rules->served(patience->context) < rules->scarce)
        return false;
    patience->before = patience->now;
    patience->now.n = patience->now.open = patience->now.leaving = 0;
    patience->now.asks = false;
    patience->now.began = clock_boot_ns() / 1000000;
    for (int fd = 3, gap = 0; fd < FDS_MAX && gap < GAP_MAX; fd++)
        gap = see_number(patience, fd) ? 0 : gap + 1;
    size_t many = too_many(patience);
    if (many > 0)
        end_some(patience, many);
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

int patience_create(const struct patience_rules *rules, const struct own_addresses *own,
                    void *context, struct patience **ret_patience)
{
    struct patience *patience = calloc(1, sizeof(*patience));
    if (!patience)
        return -ENOMEM;
    patience->rules = rules;
    patience->own = own;
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
