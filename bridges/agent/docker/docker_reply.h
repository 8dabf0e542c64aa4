/*
 * docker_reply: an HTTP answer read as it comes in (RFC 9112). Pure: bytes go in, pieces come out,
 * cut anywhere alike. It is hostile input: heads and lines are bounded, and what leaves room for
 * two readings of where a body ends is refused. Bodies by Content-Length, in chunks, or up to the
 * end of the connection; interim answers (1xx) are passed over. The caller bounds the body.
 */
#ifndef HALL_BRIDGES_AGENT_DOCKER_DOCKER_REPLY_H
#define HALL_BRIDGES_AGENT_DOCKER_DOCKER_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DOCKER_REPLY_LINE_MAX = 8 * 1024,   /* bytes of a line: of the head, or before a chunk */
    DOCKER_REPLY_HEADS_MAX = 32 * 1024, /* bytes of all heads, with interim ones and trailers */
};

enum docker_reply_phase {
    DOCKER_REPLY_STATUS,
    DOCKER_REPLY_FIELDS,
    DOCKER_REPLY_LENGTH, /* a body of known length */
    DOCKER_REPLY_CHUNK_SIZE,
    DOCKER_REPLY_CHUNK,
    DOCKER_REPLY_CHUNK_END,
    DOCKER_REPLY_TRAILERS,
    DOCKER_REPLY_TO_END, /* a body that the end of the connection ends */
    DOCKER_REPLY_OVER,
    DOCKER_REPLY_BROKEN,
};

/* Zeroed it is ready for an answer. Only docker_reply.c changes it; status may be read from the
 * head on. */
struct docker_reply {
    enum docker_reply_phase phase;
    int status;    /* 100-999; 0 before it is read */
    bool old;      /* HTTP/1.0 */
    bool chunked;  /* the transfer coding is named */
    bool has_size; /* Content-Length is named */
    int64_t size;  /* Content-Length */
    uint64_t left; /* bytes to come of the body, or of this chunk */
    size_t heard;  /* bytes of heads */
    size_t held;   /* bytes of the line so far */
    int error;     /* once broken */
    char line[DOCKER_REPLY_LINE_MAX];
};

enum docker_reply_event {
    DOCKER_REPLY_MORE, /* everything is taken, and the answer goes on */
    DOCKER_REPLY_HEAD, /* the final head is complete */
    DOCKER_REPLY_BODY, /* a piece of the body, not empty */
    DOCKER_REPLY_DONE, /* the answer is complete; bytes that follow it are left where they are */
};

struct docker_piece {
    const char *bytes; /* within those given */
    size_t length;
};

/*
 * Takes bytes off the front of *input up to the next event; to be called until it says MORE or
 * DONE. Returns an event; -EBADMSG: no such answer exists; -EMSGSIZE: a line or the heads are too
 * long. Either is repeated from then on.
 */
int docker_reply_next(struct docker_reply *reply, struct docker_piece *input,
                      struct docker_piece *ret_body);

/* The connection has ended. 0: so has the answer; -ECONNRESET: it was cut; -EBADMSG, -EMSGSIZE: it
 * was broken before. */
int docker_reply_end(const struct docker_reply *reply);

#endif
