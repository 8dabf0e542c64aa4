#include "web/listen/listen_sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

enum {
    BACKLOG = 1024,
    SILENT_S = 3, /* civetweb's own patience, request_timeout_ms, comes after it */
    TEXT_SIZE = INET_ADDRSTRLEN + 8,
};

static const char *show(const struct sockaddr_in *address, char text[TEXT_SIZE])
{
    char number[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &address->sin_addr, number, sizeof(number));
    snprintf(text, TEXT_SIZE, "%s:%u", number, ntohs(address->sin_port));
    return text;
}

static const char *advice(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "another program listens there; stop it, or choose another";
    case EACCES:
        return "ports below 1024 need a right this process does not have; choose another";
    default:
        return "see the reason, and";
    }
}

static bool sets(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

static bool binds(int fd, const struct sockaddr_in *address)
{
    return bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
}

/* An address that no interface has yet may come: Docker's bridge, a network that is slow to rise.
 * The kernel then takes connections to it from the moment it is there. */
static bool binds_freely(const struct listen_sockets *sockets, int fd,
                         const struct sockaddr_in *address)
{
    char text[TEXT_SIZE];
    if (binds(fd, address))
        return true;
    if (errno != EADDRNOTAVAIL || !sets(fd, IPPROTO_IP, IP_FREEBIND, 1) || !binds(fd, address))
        return false;
    log_warning("web: no interface of this machine has the address of %s; %s is there as soon as "
                "one has it, else correct %s",
                show(address, text), sockets->name, sockets->pointer);
    return true;
}

/* Blocking, as civetweb's own are. What is accepted has the listening socket's settings. The room:
 * so that no worker waits for who does not read. TCP_DEFER_ACCEPT (tcp(7)): the kernel keeps a
 * connection to itself until its peer sends something, so that a client that only connects takes no
 * worker, and one that is delayed between connecting and asking is not mistaken for one that never
 * asks. */
static int open_one(const struct listen_sockets *sockets, struct sockaddr_in *address)
{
    socklen_t length = sizeof(*address);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    (void)sets(fd, SOL_SOCKET, SO_SNDBUF, sockets->room);
    (void)sets(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, SILENT_S);
    if (sets(fd, SOL_SOCKET, SO_REUSEADDR, 1) && binds_freely(sockets, fd, address) &&
        listen(fd, BACKLOG) == 0 && getsockname(fd, (struct sockaddr *)address, &length) == 0)
        return fd;
    const int error = errno;
    close(fd);
    return -error;
}

int listen_sockets_open(struct listen_sockets *sockets, const struct sockaddr_in *addresses,
                        size_t n)
{
    char text[TEXT_SIZE];
    sockets->addresses.n = 0;
    for (size_t i = 0; i < n; i++) {
        struct sockaddr_in *address = &sockets->addresses.at[i];
        *address = addresses[i];
        sockets->fd[i] = open_one(sockets, address);
        sockets->place[i] = -1;
        sockets->addresses.n = i + 1;
        const int error = sockets->fd[i] < 0 ? -sockets->fd[i] : 0;
        if (error == 0)
            continue;
        log_error("web: cannot listen on %s: %s; %s %s", show(address, text), strerror(error),
                  advice(error), sockets->pointer);
        if (error != EADDRINUSE) {
            listen_sockets_close(sockets);
            return -error;
        }
    }
    return 0;
}

const char *listen_sockets_places(size_t n)
{
    static const char all[] = "127.0.0.1:0,127.0.0.1:0,127.0.0.1:0,127.0.0.1:0,"
                              "127.0.0.1:0,127.0.0.1:0,127.0.0.1:0,127.0.0.1:0";
    enum { ONE = sizeof("127.0.0.1:0,") - 1 };
    _Static_assert(sizeof(all) == (size_t)OWN_ADDRESSES_MAX * ONE, "a place for each");
    return all + (OWN_ADDRESSES_MAX - n) * ONE;
}

/* What stands in a place is never ready as long as the port is taken. */
static int take_place(int fd, int place)
{
    const int stand_in = fd < 0 ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : fd;
    int error = 0;
    if (stand_in < 0 || dup3(stand_in, place, O_CLOEXEC) < 0)
        error = -errno;
    if (stand_in != fd && stand_in >= 0)
        close(stand_in);
    return error;
}

int listen_sockets_put(struct listen_sockets *sockets, const uint16_t *ports)
{
    for (size_t i = 0; i < sockets->addresses.n; i++) {
        const int place = own_socket_listening(ports[i]);
        const int error = place < 0 ? place : take_place(sockets->fd[i], place);
        if (error < 0)
            return error;
        sockets->place[i] = place;
    }
    return 0;
}

size_t listen_sockets_missing(const struct listen_sockets *sockets)
{
    size_t missing = 0;
    for (size_t i = 0; i < sockets->addresses.n; i++)
        missing += sockets->fd[i] < 0;
    return missing;
}

size_t listen_sockets_retry(struct listen_sockets *sockets)
{
    char text[TEXT_SIZE];
    for (size_t i = 0; i < sockets->addresses.n; i++) {
        struct sockaddr_in *address = &sockets->addresses.at[i];
        const int fd = sockets->fd[i] < 0 ? open_one(sockets, address) : -1;
        if (fd < 0)
            continue;
        if (take_place(fd, sockets->place[i]) < 0) {
            close(fd);
            continue;
        }
        sockets->fd[i] = fd;
        log_info("web: %s listens on %s", sockets->name, show(address, text));
    }
    return listen_sockets_missing(sockets);
}

void listen_sockets_tell(const struct listen_sockets *sockets)
{
    char text[TEXT_SIZE];
    for (size_t i = 0; i < sockets->addresses.n; i++) {
        if (sockets->fd[i] >= 0)
            log_info("web: %s listens on %s", sockets->name, show(&sockets->addresses.at[i], text));
    }
}

void listen_sockets_end(const struct listen_sockets *sockets)
{
    static const uint64_t one = 1;
    for (size_t i = 0; i < sockets->addresses.n; i++) {
        if (sockets->fd[i] >= 0)
            shutdown(sockets->fd[i], SHUT_RD);
        else if (sockets->place[i] >= 0)
            (void)!write(sockets->place[i], &one, sizeof(one));
    }
}

void listen_sockets_close(struct listen_sockets *sockets)
{
    for (size_t i = 0; i < sockets->addresses.n; i++) {
        if (sockets->fd[i] >= 0)
            close(sockets->fd[i]);
    }
    sockets->addresses.n = 0;
}
