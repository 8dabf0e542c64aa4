/*
 * stream_internal: what stream.c judges and stream_tell.c tells of. Internal to core/.
 */
#ifndef HALL_CORE_STREAM_INTERNAL_H
#define HALL_CORE_STREAM_INTERNAL_H

#include "core/stream.h"

enum {
    BUCKETS = 12, /* the last minute, for the figures */
    BUCKET_MS = 5000,
    CAME_MAX = 8, /* visitors whose names are known */
};
#define WHO_SEVERAL UINT32_MAX

struct came {
    uint32_t who;
    int site;
    char text[48]; /* "" not known */
};

/* A connection, from look to look. */
struct connection {
    uint64_t cookie; /* 0: the slot is free */
    uint64_t received, sent;
    uint64_t in, out; /* since the look before */
    int64_t last_in, last_out;
    int peer;
    bool known;     /* the look before saw it too */
    bool waiting;   /* more was sent after the last answer */
    bool waited;    /* so it was at the look before */
    bool monitor;   /* its request is a monitor's */
    bool websocket; /* a websocket passed the gate when its request began */
    bool gap;       /* it rested while nothing passed the gate */
    bool used;      /* it was in use at the look before */
    uint32_t who;   /* whose request it is: streams_visitor, 0: not known, or WHO_SEVERAL */
};

struct table {
    struct connection *slots;
    size_t size, n; /* size: a power of two */
};

struct bucket {
    int64_t number; /* of BUCKET_MS since the clock began */
    uint64_t in, out;
};

/* What goes on at one; made when something does. */
struct peer {
    struct came came[CAME_MAX]; /* the last is at n_came - 1, of all that came */
    uint32_t n_came;
    uint32_t user, silent_user;   /* who of connection; of several in use WHO_SEVERAL */
    bool counted;                 /* in this look one was in use */
    struct passes passes, before; /* of this look and before: PASSED_LEAST */
    uint32_t opened;              /* websockets that passed in this look */
    uint32_t websockets;          /* which may be open on the connections marked so */
    int64_t moved;                /* when the last byte moved that counts; 0: never */
    int64_t answered;             /* and the last of a person's short request, which may go on */
    enum stream_kind kind, kind_before; /* as of the look before */
    uint64_t most;                      /* bytes of the busiest connection of this look */
    int64_t silent;        /* last byte of a connection that waits in silence; 0: none */
    bool silent_websocket; /* it is a websocket */
    struct bucket buckets[BUCKETS];
};

struct place {
    struct stream_peer at;
    struct peer *peer; /* or NULL: nothing went on there yet */
};

struct streams {
    struct table now, before;
    int64_t at;           /* of this look */
    int64_t passed_since; /* when passes began to be counted as those of this look */
    uint32_t looks;
    size_t n;
    struct place places[]; /* sorted */
};

#endif
