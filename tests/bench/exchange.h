/*
 * exchange: one HTTP request and its answer over a connection of its own, without blocking; and the
 * little the bench programs must understand of an answer. The caller owns the struct, the request
 * and the epoll instance, whose events carry the pointer given at the start.
 */
#ifndef HALL_BENCH_EXCHANGE_H
#define HALL_BENCH_EXCHANGE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EXCHANGE_BUFFER = 32768 };

struct exchange {
    int fd; /* -1: none under way */
    const char *request;
    size_t request_length, sent;
    int64_t began; /* boot clock, ns */
    size_t length;
    char buffer[EXCHANGE_BUFFER]; /* the answer so far, always NUL-terminated */
};

/* "127.0.0.1:8880". -EINVAL. */
int endpoint_parse(const char *text, struct sockaddr_in *ret_endpoint);

/* The whole file, NUL-terminated, to be freed; ends the program with a word where it cannot be
 * read. */
char *exchange_read_request(const char *file, size_t *ret_length);

/* Connects and sends as far as that goes at once. 0 or -errno. */
int exchange_begin(struct exchange *exchange, const struct sockaddr_in *endpoint,
                   const char *request, size_t length, int epoll, void *pointer);
/* On an event: the status once the answer is whole (the connection is then closed), 0 while it is
 * not, or -errno. */
int exchange_advance(struct exchange *exchange);
void exchange_end(struct exchange *exchange);

/* The length of the whole answer at the start of text and its status; 0 while more must come,
 * -EPROTO if it is none. ended: no more will come. */
int answer_read(const char *text, size_t length, bool ended, size_t *ret_length);

#endif
