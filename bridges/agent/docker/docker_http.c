#include "bridges/agent/docker/docker_http.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/version.h"
#include "bridges/agent/docker/docker_api.h"
#include "bridges/agent/docker/docker_reply.h"

enum {
    REQUEST_MAX = 8 * 1024,
    READ_SIZE = 64 * 1024, /* at most in one turn of the loop */
    CROWDED_MS = 100,      /* from a socket without room for one more to the next try */
};

struct docker_http {
    sd_event *loop;
    struct sockaddr_un address;
    char bytes[READ_SIZE];
};

struct docker_request {
    struct docker_http *http;
    struct docker_ask ask; /* without the path */
    int fd;
    sd_event_source *io;    /* NULL until there is a connection */
    sd_event_source *timer; /* first that it begins, then that its time is over */
    uint64_t deadline;      /* monotonic clock, us; UINT64_MAX: none */
    struct buf text;        /* the request */
    size_t sent;            /* bytes of it */
    struct docker_reply reply;
    bool streaming; /* answered 200; the body goes on as it comes */
    struct buf body;
};

/* --- the end of a request --- */

void docker_http_drop(struct docker_request *request)
{
    if (!request)
        return;
    sd_event_source_disable_unref(request->io);
    sd_event_source_disable_unref(request->timer);
    if (request->fd >= 0)
        close(request->fd);
    buf_finish(&request->text);
    buf_finish(&request->body);
    free(request);
}

static void finish_request(struct docker_request *request, int error)
{
    const struct docker_ask ask = request->ask;
    struct buf body = request->body;
    const struct docker_answer answer = {
        .error = error,
        .status = request->reply.status >= 200 ? request->reply.status : 0,
        .body = buf_text(&body),
        .length = body.length,
    };
    request->body = BUF_INIT(0);
    docker_http_drop(request);
    ask.done(ask.context, &answer);
    buf_finish(&body);
}

/* --- the answer --- */

static int take_event(struct docker_request *request, int event, const struct docker_piece *body)
{
    const bool streams = request->ask.stream && request->reply.status == 200;
    if (event == DOCKER_REPLY_HEAD && streams) {
        request->streaming = true;
        request->ask.stream(request->ask.context, "", 0);
    } else if (event == DOCKER_REPLY_BODY && streams) {
        request->ask.stream(request->ask.context, body->bytes, body->length);
    } else if (event == DOCKER_REPLY_BODY) {
        buf_add(&request->body, body->bytes, body->length);
    }
    return buf_error(&request->body);
}

/* 1: it is complete; 0: it goes on. */
static int take_bytes(struct docker_request *request, const char *bytes, size_t length)
{
    struct docker_piece input = {bytes, length}, body;
    int r = 0, event = DOCKER_REPLY_HEAD;
    while (r == 0 && event > DOCKER_REPLY_MORE && event != DOCKER_REPLY_DONE) {
        event = docker_reply_next(&request->reply, &input, &body);
        r = event < 0 ? event : take_event(request, event, &body);
    }
    return r < 0 ? r : event == DOCKER_REPLY_DONE;
}

static void read_some(struct docker_request *request)
{
    char *bytes = request->http->bytes;
    const ssize_t n = recv(request->fd, bytes, READ_SIZE, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        finish_request(request, n < 0 ? -errno : docker_reply_end(&request->reply));
        return;
    }
    const int r = take_bytes(request, bytes, (size_t)n);
    if (r != 0)
        finish_request(request, r < 0 ? r : 0);
}

/* --- the request --- */

/* One that cannot be sent to its end may have been answered all the same: reading tells. */
static void send_some(struct docker_request *request)
{
    const size_t left = request->text.length - request->sent;
    const ssize_t n =
        send(request->fd, request->text.text + request->sent, left, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    request->sent += n < 0 ? left : (size_t)n;
    if (request->sent == request->text.length)
        (void)sd_event_source_set_io_events(request->io, EPOLLIN);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    (void)source;
    (void)fd;
    struct docker_request *request = userdata;
    if (request->sent < request->text.length)
        send_some(request);
    if ((events & ~(uint32_t)EPOLLOUT) != 0)
        read_some(request);
    return 0;
}

/* -EAGAIN: the engine has no room for one more connection now. */
static int open_connection(struct docker_request *request)
{
    const struct docker_http *http = request->http;
    if (request->fd < 0)
        request->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (request->fd < 0 ||
        connect(request->fd, (const struct sockaddr *)&http->address, sizeof(http->address)) < 0)
        return -errno;
    return sd_event_add_io(http->loop, &request->io, request->fd, EPOLLIN | EPOLLOUT, on_io,
                           request);
}

static int arm(struct docker_request *request, uint64_t usec)
{
    const int r = sd_event_source_set_time(request->timer, usec);
    return r < 0 ? r
                 : sd_event_source_set_enabled(
                       request->timer, usec == UINT64_MAX ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    (void)source;
    struct docker_request *request = userdata;
    int r = -ETIMEDOUT;
    if (!request->io && usec < request->deadline) {
        uint64_t next = request->deadline;
        r = open_connection(request);
        if (r == -EAGAIN && usec + CROWDED_MS * 1000 < next)
            next = usec + CROWDED_MS * 1000;
        if (r >= 0 || r == -EAGAIN)
            r = arm(request, next);
    }
    if (r < 0)
        finish_request(request, r);
    return 0;
}

/* RFC 9112, 3 and 9.6. Each connection is for one request: one from before the engine's restart
 * would cost a try. */
static void write_request(struct buf *text, const struct docker_ask *ask)
{
    buf_printf(text, "%s %s HTTP/1.1\r\n", ask->post ? "POST" : "GET", ask->path);
    buf_puts(text, "Host: docker\r\nUser-Agent: hall-agent/" HALL_VERSION "\r\n"
                   "Accept: */*\r\nConnection: close\r\n");
    buf_puts(text, ask->post ? "Content-Length: 0\r\n\r\n" : "\r\n");
}

/* It begins with the loop's next turn, since nothing may be called back from here. */
static int init_request(struct docker_request *request, int64_t limit_ms)
{
    uint64_t now;
    if (buf_error(&request->text))
        return buf_error(&request->text);
    int r = sd_event_now(request->http->loop, CLOCK_MONOTONIC, &now);
    if (r < 0)
        return r;
    request->deadline = limit_ms > 0 ? now + (uint64_t)limit_ms * 1000 : UINT64_MAX;
    return sd_event_add_time(request->http->loop, &request->timer, CLOCK_MONOTONIC, now, 1000,
                             on_timer, request);
}

int docker_http_begin(struct docker_http *http, const struct docker_ask *ask,
                      struct docker_request **ret_request)
{
    struct docker_request *request = calloc(1, sizeof(*request));
    if (!request)
        return -ENOMEM;
    *request = (struct docker_request){
        .http = http,
        .ask = {.stream = ask->stream, .done = ask->done, .context = ask->context},
        .fd = -1,
        .text = BUF_INIT(REQUEST_MAX),
        .body = BUF_INIT(DOCKER_ANSWER_MAX),
    };
    write_request(&request->text, ask);
    const int r = init_request(request, ask->limit_ms);
    if (r < 0) {
        docker_http_drop(request);
        return r;
    }
    *ret_request = request;
    return 0;
}

/* --- the whole --- */

int docker_http_create(sd_event *loop, const char *socket, struct docker_http **ret_http)
{
    const size_t length = strlen(socket);
    if (length == 0 || length >= sizeof(((struct sockaddr_un *)0)->sun_path))
        return -EINVAL;
    struct docker_http *http = calloc(1, sizeof(*http));
    if (!http)
        return -ENOMEM;
    http->loop = sd_event_ref(loop);
    http->address.sun_family = AF_UNIX;
    memcpy(http->address.sun_path, socket, length + 1);
    *ret_http = http;
    return 0;
}

void docker_http_destroy(struct docker_http *http)
{
    if (!http)
        return;
    (void)sd_event_unref(http->loop);
    free(http);
}

/* --- words --- */

static const struct trouble {
    int error;
    enum fact_code code;
} troubles[] = {
    {-EACCES, FACT_ENGINE_DENIED},    {-EPERM, FACT_ENGINE_DENIED},
    {-ENOENT, FACT_ENGINE_NO_SOCKET}, {-ECONNREFUSED, FACT_ENGINE_NOBODY},
    {-ETIMEDOUT, FACT_ENGINE_LATE},   {-EMSGSIZE, FACT_ENGINE_TOO_LONG},
    {-EBADMSG, FACT_ENGINE_ODD},      {-ECONNRESET, FACT_ENGINE_CUT},
};

struct fact docker_http_why(int error, const char *socket)
{
    for (size_t i = 0; i < ARRAY_SIZE(troubles); i++)
        if (troubles[i].error == error)
            return fact_with((struct fact){.parts = {{.code = (uint16_t)troubles[i].code}}}, socket,
                             NULL);
    return fact_with(FACT(ENGINE_FAILED), socket, strerror(-error));
}
