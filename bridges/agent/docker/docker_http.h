/*
 * docker_http: requests over a unix socket on the caller's sd-event loop (RFC 9112; docker_reply
 * reads the answers), with one connection for each. Answers are bounded in size and time; nothing
 * blocks. Loop thread only; nothing is called back from within these functions.
 */
#ifndef HALL_BRIDGES_AGENT_DOCKER_DOCKER_HTTP_H
#define HALL_BRIDGES_AGENT_DOCKER_DOCKER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "core/fact.h"

struct docker_http;
struct docker_request;

struct docker_answer {
    int error;  /* 0, or why there is no whole answer: -EACCES, -ENOENT, -ECONNREFUSED, -ETIMEDOUT,
                   -EMSGSIZE, -EBADMSG,  -ECONNRESET (cut), -ENOMEM or another of connect's */
    int status; /* of HTTP, 200-999; 0 where error comes before it */
    const char *body; /* NUL-terminated, borrowed; "" for a stream */
    size_t length;
};

struct docker_ask {
    bool post;        /* without a body; else a GET */
    const char *path; /* with its query, as it goes over the wire */
    int64_t limit_ms; /* for all of it; 0: a stream without an end */
    /* Of a stream answered 200: bytes as they come, the first time with length 0 for the head. Must
     * not begin, drop or destroy anything. */
    void (*stream)(void *context, const char *bytes, size_t length);
    /* The request is over and gone. It may begin and drop others. */
    void (*done)(void *context, const struct docker_answer *answer);
    void *context;
};

/* socket: at most 107 bytes. -EINVAL, -ENOMEM. */
int docker_http_create(sd_event *loop, const char *socket, struct docker_http **ret_http);
/* All requests must be over or dropped. */
void docker_http_destroy(struct docker_http *http);

/* -ENOMEM; -EMSGSIZE: the path is too long. */
int docker_http_begin(struct docker_http *http, const struct docker_ask *ask,
                      struct docker_request **ret_request);
/* Ends it without `done`. NULL is accepted. */
void docker_http_drop(struct docker_request *request);

/* What is wrong with this socket. */
struct fact docker_http_why(int error, const char *socket);

#endif
