#include "handout/door.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

enum {
    CONNECTIONS = 24,
    OF_ONE_ADDRESS = 6, /* of those without a token that is ours */
    HEAD_MS = 10000,
    ASK_MS = 90000,
    SEND_MS = 120000,
    LINGER_MS = 3000,
    BACKLOG = 32,
    ANSWER_MAX = 256,
    READ_SIZE = 1024,
};

enum stage {
    STAGE_FREE,
    STAGE_HEAD, /* the handshake and the request */
    STAGE_ASK,  /* waits for door_answer */
    STAGE_SEND,
    STAGE_CLOSE,  /* our side of TLS is to be closed */
    STAGE_LINGER, /* until the other side has read it all and closes */
};

struct connection {
    enum stage stage;
    int fd;
    struct tls tls;
    struct address peer;
    bool known;       /* it has shown a token that is ours, for the first time */
    uint64_t number;  /* in the order in which they came */
    int64_t deadline; /* boot clock, ms */
    short wanted;     /* events of poll */
    char head[REQUEST_MAX];
    size_t head_length;
    char answer[ANSWER_MAX];
    size_t answer_length, sent; /* of answer and body together */
    const struct item *item;    /* its bytes are the body; NULL: the answer is all */
};

struct door {
    struct items *items;
    struct tls_identity *identity;
    struct door_listener listener;
    int fd;
    uint16_t port;
    bool agreed;
    uint64_t came; /* connections so far */
    struct connection all[CONNECTIONS];
};

/* ---- one connection ---- */

static void drop(struct connection *connection)
{
    if (connection->stage == STAGE_FREE)
        return;
    tls_close(&connection->tls);
    close(connection->fd);
    explicit_bzero(connection, sizeof(*connection));
}

static void enter(struct connection *connection, enum stage stage, int64_t limit_ms)
{
    connection->stage = stage;
    connection->deadline = clock_now().boot + limit_ms;
}

/* After -EAGAIN it goes on when poll says so; any other failure is its end. */
static void wait_or_drop(struct connection *connection, ssize_t error)
{
    if (error == -EAGAIN)
        connection->wanted = connection->tls.wanted;
    else
        drop(connection);
}

static void answer(struct connection *connection, const char *status, const char *body)
{
    const struct item *item = connection->item;
    const int n =
        snprintf(connection->answer, ANSWER_MAX,
                 "HTTP/1.1 %s\r\nContent-Type: application/octet-stream\r\nContent-Length: %zu\r\n"
                 "Cache-Control: no-store\r\nConnection: close\r\n\r\n%s",
                 status, item ? item->length : strlen(body), item ? "" : body);

    connection->answer_length = (size_t)n;
    connection->wanted = POLLOUT;
    enter(connection, STAGE_SEND, SEND_MS);
}

static void take_asking(struct door *door, struct connection *connection, struct item *item,
                        const char *address)
{
    connection->known = true;
    if (door->agreed) {
        answer(connection, "200 OK", "yes\n");
        return;
    }
    connection->wanted = 0;
    enter(connection, STAGE_ASK, ASK_MS);
    if (!item->used)
        door->listener.asked(door->listener.context, item, address);
    item->used = true;
}

static void take_request(struct door *door, struct connection *connection, const char *token)
{
    const struct door_listener *listener = &door->listener;
    struct item *item = items_find(door->items, token);
    char address[ADDRESS_TEXT_SIZE];

    address_format(connection->peer, address);
    if (!item) {
        listener->wrong(listener->context, address);
        answer(connection, "404 Not Found", "wrong token\n");
    } else if (!item->bytes) {
        take_asking(door, connection, item, address);
    } else if (item->used) {
        listener->again(listener->context, item, address);
        answer(connection, "410 Gone", "this was fetched before\n");
    } else {
        item->used = true;
        connection->known = true;
        connection->item = item;
        listener->fetched(listener->context, item, address);
        answer(connection, "200 OK", "");
    }
}

static void on_head(struct door *door, struct connection *connection)
{
    char token[TOKEN_LENGTH + 1];

    for (;;) {
        const ssize_t n = tls_read(&connection->tls, connection->head + connection->head_length,
                                   REQUEST_MAX - connection->head_length);
        if (n < 0) {
            wait_or_drop(connection, n);
            return;
        }
        connection->head_length += (size_t)n;
        switch (items_request(connection->head, connection->head_length, token)) {
        case REQUEST_PART:
            continue;
        case REQUEST_WHOLE:
            take_request(door, connection, token);
            return;
        case REQUEST_BAD:
            answer(connection, "400 Bad Request", "no request for a token\n");
            return;
        }
    }
}

/* The next bytes to send, 0: none are left. */
static size_t rest_of(const struct connection *connection, const char **ret_bytes)
{
    const size_t body = connection->item ? connection->item->length : 0;

    if (connection->sent < connection->answer_length) {
        *ret_bytes = connection->answer + connection->sent;
        return connection->answer_length - connection->sent;
    }
    const size_t sent = connection->sent - connection->answer_length;
    *ret_bytes = sent < body ? connection->item->bytes + sent : NULL;
    return body - sent;
}

static void on_send(struct connection *connection)
{
    const char *bytes;
    size_t length;

    while ((length = rest_of(connection, &bytes)) > 0) {
        const ssize_t n = tls_write(&connection->tls, bytes, length);
        if (n < 0) {
            wait_or_drop(connection, n);
            return;
        }
        connection->sent += (size_t)n;
    }
    enter(connection, STAGE_CLOSE, LINGER_MS);
}

static void on_close(struct connection *connection)
{
    if (tls_end(&connection->tls) == -EAGAIN) {
        connection->wanted = connection->tls.wanted;
        return;
    }
    shutdown(connection->fd, SHUT_WR);
    connection->wanted = POLLIN;
    enter(connection, STAGE_LINGER, LINGER_MS);
}

/* What still comes is of no interest; closing before it is read could cost the peer our answer. */
static void on_linger(struct connection *connection)
{
    char nothing[READ_SIZE];
    const ssize_t n = recv(connection->fd, nothing, sizeof(nothing), MSG_DONTWAIT);

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        drop(connection);
}

static void advance(struct door *door, struct connection *connection)
{
    if (connection->stage == STAGE_HEAD)
        on_head(door, connection);
    if (connection->stage == STAGE_SEND)
        on_send(connection);
    if (connection->stage == STAGE_CLOSE)
        on_close(connection);
    if (connection->stage == STAGE_LINGER)
        on_linger(connection);
}

/* ---- who comes ---- */

/* Room for one more: a free place, else that of the oldest who has shown no token of ours, whatever
 * he waits for; of his own address where that has too many. NULL: all here have one. */
static struct connection *make_room(struct door *door, struct address peer)
{
    struct connection *oldest = NULL, *own = NULL, *room = NULL;
    unsigned n = 0;

    for (size_t i = 0; i < CONNECTIONS; i++) {
        struct connection *it = &door->all[i];

        if (it->stage == STAGE_FREE)
            room = it;
        if (it->stage == STAGE_FREE || it->known)
            continue;
        if (!oldest || it->number < oldest->number)
            oldest = it;
        if (!address_equal(it->peer, peer))
            continue;
        n++;
        if (!own || it->number < own->number)
            own = it;
    }
    if (n >= OF_ONE_ADDRESS)
        room = own;
    if (!room)
        room = oldest;
    if (room)
        drop(room);
    return room;
}

static struct address peer_of(const struct sockaddr_storage *storage)
{
    struct address address = {{0}};

    if (storage->ss_family == AF_INET)
        return address_v4(((const struct sockaddr_in *)storage)->sin_addr);
    memcpy(address.bytes, &((const struct sockaddr_in6 *)storage)->sin6_addr, 16);
    return address;
}

static void admit(struct door *door)
{
    struct sockaddr_storage storage = {0};
    socklen_t length = sizeof(storage);
    const int fd =
        accept4(door->fd, (struct sockaddr *)&storage, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
    const struct address peer = peer_of(&storage);
    struct connection *connection = fd < 0 ? NULL : make_room(door, peer);
    struct tls tls;

    if (!connection || tls_open(door->identity, fd, &tls) < 0) {
        if (fd >= 0)
            close(fd);
        return;
    }
    *connection = (struct connection){
        .fd = fd, .tls = tls, .peer = peer, .number = ++door->came, .wanted = POLLIN};
    enter(connection, STAGE_HEAD, HEAD_MS);
}

/* ---- the door ---- */

static int open_socket(struct address address, uint16_t port, int *ret_fd)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    const bool is_v4 = address_is_v4(address);
    const int yes = 1;

    if (is_v4)
        v4.sin_addr = address_to_v4(address);
    else
        memcpy(&v6.sin6_addr, address.bytes, 16);
    const int fd =
        socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    *ret_fd = fd;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
        bind(fd, is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6,
             is_v4 ? sizeof(v4) : sizeof(v6)) < 0 ||
        listen(fd, BACKLOG) < 0)
        return -errno;
    return 0;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in6 any = {.sin6_port =
                                   0}; /* the port of an IPv4 address lies where this has it */
    socklen_t length = sizeof(any);

    _Static_assert(offsetof(struct sockaddr_in, sin_port) ==
                       offsetof(struct sockaddr_in6, sin6_port),
                   "one place");
    return getsockname(fd, (struct sockaddr *)&any, &length) < 0 ? 0 : ntohs(any.sin6_port);
}

int door_create(struct items *items, struct tls_identity *identity, struct address address,
                uint16_t port, const struct door_listener *listener, struct door **ret_door)
{
    struct door *door = calloc(1, sizeof(*door));

    if (!door)
        return -ENOMEM;
    *door = (struct door){.items = items, .identity = identity, .listener = *listener, .fd = -1};
    const int error = open_socket(address, port, &door->fd);
    if (error < 0 || door->fd < 0) {
        door_destroy(door);
        return error;
    }
    door->port = port_of(door->fd);
    *ret_door = door;
    return 0;
}

void door_destroy(struct door *door)
{
    if (!door)
        return;
    for (size_t i = 0; i < CONNECTIONS; i++)
        drop(&door->all[i]);
    if (door->fd >= 0)
        close(door->fd);
    free(door);
}

uint16_t door_port(const struct door *door)
{
    return door->port;
}

void door_answer(struct door *door, bool yes)
{
    door->agreed = yes;
    for (size_t i = 0; i < CONNECTIONS; i++)
        if (door->all[i].stage == STAGE_ASK) {
            answer(&door->all[i], yes ? "200 OK" : "503 Service Unavailable",
                   yes ? "yes\n" : "no\n");
            advance(door, &door->all[i]);
        }
    for (size_t i = 0; !yes && i < door->items->n; i++)
        if (!door->items->all[i].bytes)
            door->items->all[i].used = false; /* it may be asked for once more */
}

/* What is late goes; the time until the next is, ms, -1: nobody is here. */
static int sweep(struct door *door)
{
    const int64_t now = clock_now().boot;
    int64_t next = -1;

    for (size_t i = 0; i < CONNECTIONS; i++) {
        struct connection *it = &door->all[i];

        if (it->stage != STAGE_FREE && it->deadline <= now)
            drop(it);
        if (it->stage != STAGE_FREE && (next < 0 || it->deadline - now < next))
            next = it->deadline - now;
    }
    return (int)next;
}

int door_run(struct door *door, int fd)
{
    const int timeout = sweep(door);
    struct pollfd events[CONNECTIONS + 2];

    for (size_t i = 0; i < CONNECTIONS; i++) {
        const struct connection *it = &door->all[i];
        const bool is_here = it->stage != STAGE_FREE;

        events[i] = (struct pollfd){is_here ? it->fd : -1, it->wanted, 0};
    }
    events[CONNECTIONS] = (struct pollfd){door->fd, POLLIN, 0};
    events[CONNECTIONS + 1] = (struct pollfd){fd, POLLIN, 0};
    if (poll(events, CONNECTIONS + 2, timeout) < 0)
        return errno == EINTR ? 0 : -errno;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        struct connection *it = &door->all[i];

        if (events[i].revents != 0 && it->stage == STAGE_ASK)
            drop(it); /* it hung up */
        else if (events[i].revents != 0)
            advance(door, it);
    }
    if (events[CONNECTIONS].revents != 0)
        admit(door);
    return events[CONNECTIONS + 1].revents != 0;
}
