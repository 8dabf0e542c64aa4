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

/* 0; -EBADF, -ENOTSOCK */
static int look(int fd, uint16_t port)
{
    struct sockaddr_in own = {.sin_family = AF_UNSPEC};
    socklen_t length = sizeof(own);
    int type = 0;
    socklen_t type_length = sizeof(type);

    if (getsockname(fd, (struct sockaddr *)&own, &length) < 0)
        return errno == EBADF ? -EBADF : -ENOTSOCK;
    if (own.sin_family != AF_INET || ntohs(own.sin_port) != port ||
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_length) < 0 || type != SOCK_STREAM)
        return -ENOTSOCK;
    return 0;
}

int own_socket_hold(int fd, uint16_t port)
{
    int error = look(fd, port); /* most descriptors need no duplicate to be told */
    if (error < 0)
        return error;
    int held = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (held < 0)
        return -errno;
    error = look(held, port);
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

static bool has_peer(int fd, const struct sockaddr_in *peer)
{
    struct sockaddr_in other = {.sin_family = AF_UNSPEC};
    socklen_t length = sizeof(other);
    return getpeername(fd, (struct sockaddr *)&other, &length) == 0 &&
           other.sin_family == AF_INET && other.sin_port == peer->sin_port &&
           other.sin_addr.s_addr == peer->sin_addr.s_addr;
}

static int hold_peer(uint16_t port, const struct sockaddr_in *peer)
{
    DIR *descriptors = opendir("/proc/self/fd");
    int found = -ENOENT;
    if (!descriptors)
        return found;
    for (const struct dirent *entry; found < 0 && (entry = readdir(descriptors));) {
        int fd = (int)strtol(entry->d_name, NULL, 10);
        int held = entry->d_name[0] != '.' ? own_socket_hold(fd, port) : -ENOTSOCK;
        if (held >= 0 && has_peer(held, peer))
            found = held;
        else if (held >= 0)
            close(held);
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

bool own_socket_drain_head(uint16_t port, const struct sockaddr_in *peer, size_t most)
{
    int fd = hold_peer(port, peer);
    if (fd < 0)
        return false;
    bool drained = received(fd) >= most && drain_head(fd) > 0;
    close(fd);
    return drained;
}

void own_socket_end_peer(uint16_t port, const struct sockaddr_in *peer)
{
    int fd = hold_peer(port, peer);
    if (fd < 0)
        return;
    shutdown(fd, SHUT_RD);
    close(fd);
}

/* Each that listens, or each other. */
static void for_each(uint16_t port, bool listening, void (*act)(int held, int value), int value)
{
    DIR *descriptors = opendir("/proc/self/fd");
    if (!descriptors)
        return;
    for (const struct dirent *entry; (entry = readdir(descriptors));) {
        int fd = (int)strtol(entry->d_name, NULL, 10);
        int held = entry->d_name[0] != '.' ? own_socket_hold(fd, port) : -ENOTSOCK;
        if (held < 0)
            continue;
        if (listens(held) == listening)
            act(held, value);
        close(held);
    }
    closedir(descriptors);
}

/* What is accepted has the listening one's settings. */
static void give_room(int held, int bytes)
{
    (void)setsockopt(held, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

void own_socket_give_room(uint16_t port, int bytes)
{
    for_each(port, true, give_room, bytes);
}

static void await_data(int held, int seconds)
{
    (void)setsockopt(held, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds));
}

void own_socket_await_data(uint16_t port, int seconds)
{
    for_each(port, true, await_data, seconds);
}

static void end_reading(int held, int value)
{
    (void)value;
    shutdown(held, SHUT_RD);
}

void own_socket_end_reading(uint16_t port, bool listening)
{
    for_each(port, listening, end_reading, 0);
}
