#include "probe/kinds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/number.h"
#include "base/text.h"
#include "probe/dial.h"

enum {
    AUTHORITY_SIZE = 32,    /* "255.255.255.255:65535" */
    REQUEST_SIZE = 2048,    /* longer ones are left to libcurl */
    REQUEST_FIXED = 256,    /* what stands around path and authority */
    LINE_SIZE = 64,         /* a status line's beginning */
    ANSWER_MAX = 16 * 1024, /* interim heads included */
};

/* --- the URL --- */

struct plain_url {
    struct in_addr address;
    uint16_t port;
    char authority[AUTHORITY_SIZE];
    const char *path; /* borrowed from the URL */
};

static bool read_authority(struct plain_url *url)
{
    char text[AUTHORITY_SIZE];
    int64_t port = 80;
    memcpy(text, url->authority, sizeof text);
    char *colon = strchr(text, ':');
    if (colon) {
        *colon = '\0';
        if (number_parse(colon + 1, 1, UINT16_MAX, &port) < 0)
            return false;
    }
    url->port = (uint16_t)port;
    return text_parse_ipv4(text, &url->address) == 0;
}

/* Only graphic ASCII; a fragment would not be sent. */
static bool is_plain_path(const char *path)
{
    for (; *path; path++)
        if (*path <= ' ' || *path > '~' || *path == '#')
            return false;
    return true;
}

static bool read_url(const char *text, struct plain_url *ret)
{
    static const char scheme[] = "http://";
    if (strncmp(text, scheme, strlen(scheme)) != 0 || strlen(text) > REQUEST_SIZE - REQUEST_FIXED)
        return false;
    const char *authority = text + strlen(scheme);
    size_t length = strcspn(authority, "/");
    if (length >= sizeof ret->authority)
        return false;
    *ret = (struct plain_url){.path = authority[length] ? authority + length : "/"};
    memcpy(ret->authority, authority, length);
    return read_authority(ret) && is_plain_path(ret->path);
}

bool http_is_plain(const char *url)
{
    struct plain_url parts;
    return read_url(url, &parts);
}

/* --- the answer --- */

/* Reads the answer's lines as they come, up to the status line of the final head. */
struct head {
    char line[LINE_SIZE]; /* the beginning of the line under way */
    size_t line_length;
    size_t total;
    bool interim; /* within a 1xx head */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 OK"; 0 when it is none (RFC 9112, section 4). */
static uint16_t read_status(const char *line)
{
    if (strncmp(line, "HTTP/1.", 7) != 0 || !is_digit(line[7]) || line[8] != ' ')
        return 0;
    const char *code = line + 9;
    if (!is_digit(code[0]) || !is_digit(code[1]) || !is_digit(code[2]) ||
        (code[3] != ' ' && code[3] != '\0'))
        return 0;
    return (uint16_t)((code[0] - '0') * 100 + (code[1] - '0') * 10 + code[2] - '0');
}

/* One line is complete. 0: go on; else the final status, or -EBADMSG. */
static int end_line(struct head *head)
{
    if (head->line_length > 0 && head->line[head->line_length - 1] == '\r')
        head->line_length--;
    head->line[head->line_length] = '\0';
    bool empty = head->line_length == 0;
    head->line_length = 0;
    if (head->interim) {
        head->interim = !empty;
        return 0;
    }
    uint16_t status = read_status(head->line);
    head->interim = status >= 100 && status < 200;
    if (head->interim)
        return 0;
    return status >= 200 ? status : -EBADMSG;
}

static int feed(struct head *head, const char *bytes, size_t length)
{
    head->total += length;
    for (size_t i = 0; i < length; i++) {
        int r = 0;
        if (bytes[i] == '\n')
            r = end_line(head);
        else if (head->line_length < sizeof head->line - 1)
            head->line[head->line_length++] = bytes[i];
        if (r != 0)
            return r;
    }
    return head->total > ANSWER_MAX ? -EBADMSG : 0;
}

/* --- the request --- */

struct request {
    struct attempt attempt;
    struct plain_url url;
    int fd;
    sd_event_source *io;
    bool asking; /* connected, and the request is this one's to send */
    struct head head;
};

static bool http_engaged(const struct probe_check *check)
{
    for (const struct attempt *a = check->attempts; a; a = a->next)
        if (((const struct request *)a)->asking)
            return true;
    return false;
}

/* Whoever took the connection is there, whatever else goes wrong. */
static enum probe_outcome http_expire(struct attempt *attempt)
{
    const struct request *request = (const struct request *)attempt;
    return outcome_of_error(attempt->check->server, request->asking ? ECONNRESET : ETIMEDOUT);
}

static void finish(struct request *request, int status)
{
    if (status < 0)
        attempt_fail(&request->attempt, ECONNRESET);
    else
        attempt_end_with_status(&request->attempt, (uint16_t)status);
}

static int on_answer(struct request *request)
{
    char bytes[1024];
    ssize_t size = recv(request->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    int r = size <= 0 ? -ECONNRESET : feed(&request->head, bytes, (size_t)size);
    if (r != 0)
        finish(request, r);
    return 0;
}

static bool send_request(const struct request *request)
{
    char text[REQUEST_SIZE];
    int length = snprintf(text, sizeof text,
                          "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: " PROBE_USER_AGENT "\r\n"
                          "Accept: */*\r\nConnection: close\r\n\r\n",
                          request->url.path, request->url.authority);
    /* The empty buffer of a new connection takes it whole. */
    return send(request->fd, text, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL) == length;
}

/* Of several tries the first that connects asks; the others go. */
static int on_decided(struct request *request)
{
    int r = dial_result(request->fd);
    if (r < 0) {
        attempt_fail(&request->attempt, -r);
        return 0;
    }
    if (http_engaged(request->attempt.check)) {
        attempt_drop(&request->attempt);
        return 0;
    }
    request->asking = true;
    if (!send_request(request) || sd_event_source_set_io_events(request->io, EPOLLIN) < 0)
        finish(request, -ECONNRESET);
    return 0;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    (void)source;
    (void)fd;
    (void)events;
    struct request *request = userdata;
    return request->asking ? on_answer(request) : on_decided(request);
}

static void http_drop(struct attempt *attempt)
{
    struct request *request = (struct request *)attempt;
    sd_event_source_disable_unref(request->io);
    if (request->fd >= 0)
        (void)close(request->fd);
    free(request);
}

static int begin(struct request *request, sd_event *loop, const char *url)
{
    if (!read_url(url, &request->url))
        return -EINVAL;
    int r = dial_begin(request->url.address, request->url.port, &request->fd);
    if (r < 0)
        return r;
    return sd_event_add_io(loop, &request->io, request->fd, EPOLLOUT, on_io, request);
}

static int http_begin(struct probe_kind *kind, struct probe_check *check,
                      struct attempt **ret_attempt)
{
    struct request *request = calloc(1, sizeof *request);
    if (!request)
        return -ENOMEM;
    request->fd = -1;
    int r = begin(request, kind->env->loop, check->check->url);
    if (r < 0) {
        http_drop(&request->attempt);
        return r;
    }
    *ret_attempt = &request->attempt;
    return 0;
}

static void http_destroy(struct probe_kind *kind)
{
    kind_finish(kind);
    free(kind);
}

static const struct kind_impl http_impl = {
    .begin = http_begin,
    .drop = http_drop,
    .engaged = http_engaged,
    .expire = http_expire,
    .destroy = http_destroy,
};

int http_create(const struct probe_env *env, struct probe_kind **ret_kind)
{
    struct probe_kind *kind = calloc(1, sizeof *kind);
    if (!kind)
        return -ENOMEM;
    int r = kind_init(kind, &http_impl, env, env->descriptors);
    if (r < 0) {
        http_destroy(kind);
        return r;
    }
    *ret_kind = kind;
    return 0;
}
