#include "web/listen/own_socket.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

enum {
    HEAD_DRAIN_MAX = 2 * 1024 * 1024, /* proxies written in Go pass on 1 MB */
    HEAD_DRAIN_MS = 1000,
};

static bool is_on(const struct sockaddr_in *local, const struct own_addresses *own)
{
    for (size_t i = 0; i < own->n; i++) {
        const struct sockaddr_in *at = &own->at[i];
        if (local->sin_port == at->sin_port && (at->sin_addr.s_addr == htonl(INADDR_ANY) ||
                                                at->sin_addr.s_addr == local->sin_addr.s_addr))
            return true;
    }
    return false;
}

/* 0; -EBADF, -ENOTSOCK */
static int look(int fd, const struct own_addresses *own)
{
    struct sockaddr_in local = {.sin_family = AF_UNSPEC};
    socklen_t length = sizeof(local);
    int type = 0;
    socklen_t type_length = sizeof(type);

    if (getsockname(fd, (struct sockaddr *)&local, &length) < 0)
        return errno == EBADF ? -EBADF : -ENOTSOCK;
    if (local.sin_family != AF_INET || !is_on(&local, own) ||
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_length) < 0 || type != SOCK_STREAM)
        return -ENOTSOCK;
    return 0;
}

int own_socket_hold(int fd, const struct own_addresses *own)
{
    int error = look(fd, own); /* most descriptors need no duplicate to be told */
    if (error < 0)
        return error;
    int held = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (held < 0)
        return -errno;
    error = look(held, own);
    if (error == 0)
        return held;
    close(held);
    return error;
}

static bool listens(int fd)
{
    int yes = 0;
    socklen_t length = sizeof(yes);
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &length) == 0 && yes != 0;
}

static bool has_peer(int fd, const void *context)
{
    const struct sockaddr_in *peer = context;
    struct sockaddr_in other = {.sin_family = AF_UNSPEC};
    socklen_t length = sizeof(other);
    return getpeername(fd, (struct sockaddr *)&other, &length) == 0 &&
           other.sin_family == AF_INET && other.sin_port == peer->sin_port &&
           other.sin_addr.s_addr == peer->sin_addr.s_addr;
}

/* Calls for each connection of ours, and what listens, until one is found; closes all others. */
static int find(const struct own_addresses *own, bool (*is_it)(int held, const void *context),
                const void *context, int *ret_number)
{
    DIR *descriptors = opendir("/proc/self/fd");
    int found = -ENOENT;
    if (!descriptors)
        return found;
    for (const struct dirent *entry; found < 0 && (entry = readdir(descriptors));) {
        int fd = (int)strtol(entry->d_name, NULL, 10);
        int held = entry->d_name[0] != '.' ? own_socket_hold(fd, own) : -ENOTSOCK;
        if (held < 0)
            continue;
        if (is_it(held, context)) {
            found = held;
            *ret_number = fd;
        } else {
            close(held);
        }
    }
    closedir(descriptors);
    return found;
}

/* What is left to wait for data, until `end`; none: 0. */
static bool has_data(int fd, int64_t end)
{
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    int64_t left = end - clock_boot_ns() / 1000000;
    return left > 0 && poll(&poller, 1, (int)left) == 1;
}

/* Is the end of a head among these bytes? *seen: how much of it the bytes before ended with. */
static bool sees_end(const char *bytes, size_t length, size_t *seen)
{
    static const char end[] = "\r\n\r\n";
    for (size_t i = 0; i < length && *seen < sizeof(end) - 1; i++)
        *seen = bytes[i] == end[*seen] ? *seen + 1 : bytes[i] == '\r' ? 1 : 0;
    return *seen == sizeof(end) - 1;
}

static uint64_t received(int fd)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof(info);
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 ? info.tcpi_bytes_received
                                                                      : 0;
}

static size_t drain_head(int fd)
{
    int64_t end = clock_boot_ns() / 1000000 + HEAD_DRAIN_MS;
    size_t total = 0;
    size_t seen = 0;
    char waste[4096];
    while (total < HEAD_DRAIN_MAX && has_data(fd, end)) {
        ssize_t length = recv(fd, waste, sizeof(waste), MSG_DONTWAIT);
        if (length <= 0)
            break;
        total += (size_t)length;
        if (sees_end(waste, (size_t)length, &seen))
            break;
    }
    return total;
}

bool own_socket_drain_head(const struct own_addresses *own, const struct sockaddr_in *peer,
                           size_t most)
{
    int number;
    int fd = find(own, has_peer, peer, &number);
    if (fd < 0)
        return false;
    bool drained = received(fd) >= most && drain_head(fd) > 0;
    close(fd);
    return drained;
}

void own_socket_end_peer(const struct own_addresses *own, const struct sockaddr_in *peer)
{
    int number;
    int fd = find(own, has_peer, peer, &number);
    if (fd < 0)
        return;
    shutdown(fd, SHUT_RD);
    close(fd);
}

static bool is_listening(int held, const void *context)
{
    (void)context;
    return listens(held);
}

int own_socket_listening(uint16_t port)
{
    const struct own_addresses own = {.n = 1,
                                      .at = {{.sin_family = AF_INET,
                                              .sin_port = htons(port),
                                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}}};
    int number = -ENOENT;
    int held = find(&own, is_listening, NULL, &number);
    if (held >= 0)
        close(held);
    return held < 0 ? held : number;
}

static bool end_reading(int held, const void *context)
{
    (void)context;
    if (!listens(held))
        shutdown(held, SHUT_RD);
    return false;
}

void own_socket_end_reading(const struct own_addresses *own)
{
    int number;
    (void)find(own, end_reading, NULL, &number);
}
