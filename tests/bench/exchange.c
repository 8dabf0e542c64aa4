#include "exchange.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"

enum { REQUEST_LIMIT = 16384 };

int endpoint_parse(const char *text, struct sockaddr_in *ret_endpoint)
{
    struct sockaddr_in endpoint = {.sin_family = AF_INET};
    const char *colon = strrchr(text, ':');
    char address[INET_ADDRSTRLEN];
    int64_t port;

    if (!colon || (size_t)(colon - text) >= sizeof(address))
        return -EINVAL;
    memcpy(address, text, (size_t)(colon - text));
    address[colon - text] = '\0';
    if (inet_pton(AF_INET, address, &endpoint.sin_addr) != 1 ||
        number_parse(colon + 1, 1, UINT16_MAX, &port) < 0)
        return -EINVAL;
    endpoint.sin_port = htons((uint16_t)port);
    *ret_endpoint = endpoint;
    return 0;
}

char *exchange_read_request(const char *file, size_t *ret_length)
{
    FILE *in = fopen(file, "re");
    char *text = calloc(1, REQUEST_LIMIT);

    if (!in || !text) {
        perror(file);
        exit(EXIT_FAILURE);
    }
    *ret_length = fread(text, 1, REQUEST_LIMIT - 1, in);
    (void)fclose(in);
    return text;
}

int exchange_begin(struct exchange *exchange, const struct sockaddr_in *endpoint,
                   const char *request, size_t length, int epoll, void *pointer)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = pointer};

    exchange->request = request;
    exchange->request_length = length;
    exchange->sent = 0;
    exchange->length = 0;
    exchange->began = clock_boot_ns();
    exchange->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (exchange->fd < 0)
        return -errno;
    if ((connect(exchange->fd, (const struct sockaddr *)endpoint, sizeof(*endpoint)) < 0 &&
         errno != EINPROGRESS) ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, exchange->fd, &event) < 0) {
        const int error = -errno;

        exchange_end(exchange);
        return error;
    }
    return 0;
}

static int send_rest(struct exchange *exchange)
{
    while (exchange->sent < exchange->request_length) {
        const ssize_t n = send(exchange->fd, exchange->request + exchange->sent,
                               exchange->request_length - exchange->sent, MSG_NOSIGNAL);

        if (n < 0)
            return errno == EAGAIN ? 0 : -errno;
        exchange->sent += (size_t)n;
    }
    return 0;
}

/* Reads what is there. 0: more may come; 1: the peer has ended; -errno. */
static int receive(struct exchange *exchange)
{
    for (;;) {
        const size_t room = sizeof(exchange->buffer) - 1 - exchange->length;
        const ssize_t n = recv(exchange->fd, exchange->buffer + exchange->length, room, 0);

        if (n < 0)
            return errno == EAGAIN ? 0 : -errno;
        if (n == 0)
            return room == 0 ? -EMSGSIZE : 1;
        exchange->length += (size_t)n;
        exchange->buffer[exchange->length] = '\0';
    }
}

int exchange_advance(struct exchange *exchange)
{
    size_t length;
    int result = send_rest(exchange);

    if (result == -ENOTCONN)
        return 0;
    if (result == 0)
        result = receive(exchange);
    if (result >= 0) {
        const bool ended = result == 1;

        result = answer_read(exchange->buffer, exchange->length, ended, &length);
        if (result == 0 && ended)
            result = -ECONNRESET;
    }
    if (result != 0)
        exchange_end(exchange);
    return result;
}

/* With a reset, so that tens of thousands of connections leave no ports in TIME_WAIT behind. */
void exchange_end(struct exchange *exchange)
{
    const struct linger linger = {.l_onoff = 1, .l_linger = 0};

    if (exchange->fd < 0)
        return;
    (void)setsockopt(exchange->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    (void)close(exchange->fd);
    exchange->fd = -1;
}

/* The body's length by its header; SIZE_MAX: it ends with the connection. */
static size_t body_length(const char *head, const char *end, int status)
{
    const char *line = strcasestr(head, "\r\nContent-Length:");

    if (status == 204 || status == 304)
        return 0;
    return line && line < end ? strtoul(line + 17, NULL, 10) : SIZE_MAX;
}

int answer_read(const char *text, size_t length, bool ended, size_t *ret_length)
{
    const char *end = length > 0 ? strstr(text, "\r\n\r\n") : NULL;

    if (!end)
        return 0;
    if (strncmp(text, "HTTP/1.", 7) != 0)
        return -EPROTO;
    const int status = (int)strtol(text + 9, NULL, 10);
    const size_t head = (size_t)(end - text) + 4, body = body_length(text, end, status);
    if (status < 100 || status > 599)
        return -EPROTO;
    if (body == SIZE_MAX ? !ended : length - head < body)
        return 0;
    *ret_length = body == SIZE_MAX ? length : head + body;
    return status;
}
