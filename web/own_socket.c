#include "web/own_socket.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

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

static void end_reading(int held, int value)
{
    (void)value;
    shutdown(held, SHUT_RD);
}

void own_socket_end_reading(uint16_t port, bool listening)
{
    for_each(port, listening, end_reading, 0);
}
