#include "probe/dial.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

int dial_begin(struct in_addr address, uint16_t port, int *ret_fd)
{
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_addr = address, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) {
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
    socklen_t own_size = sizeof own, peer_size = sizeof peer;
    if (getsockname(fd, (struct sockaddr *)&own, &own_size) < 0 ||
        getpeername(fd, (struct sockaddr *)&peer, &peer_size) < 0)
        return false;
    return own.sin_port == peer.sin_port && own.sin_addr.s_addr == peer.sin_addr.s_addr;
}

int dial_result(int fd)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        return -errno;
    if (error)
        return -error;
    return met_itself(fd) ? -ECONNREFUSED : 0;
}
