/*
 * stream_watch_internal: what the files of the watch share. stream_watch.c looks at every
 * connection and says what is use; stream_watch_glance.c sees in between whether a stream has
 * stopped.
 */
#ifndef HALL_HALL_STREAM_WATCH_INTERNAL_H
#define HALL_HALL_STREAM_WATCH_INTERNAL_H

#include "core/stream.h"
#include "hall/stream_watch.h"
#include "hall/upstreams.h"
#include "loop/sockets.h"

enum {
    LOOK_SHARE = 50, /* a look takes at most this part of the time between two */
    OWN_MAX = 4096,  /* own sockets that are known */
};

struct watch {
    bool up;      /* its server runs, and may be slept */
    bool ordered; /* the fleet waits for a look */
    bool told;    /* the fleet knows that it is watched */
    bool in_use;  /* as last told */
    bool stalled; /* in this glance */
    int64_t rest; /* boot clock, ms: what stalls is not told before */
};

struct stream_watch {
    const struct current *current;
    struct turn *turn;
    const struct model *model;
    struct streams *streams;
    struct upstreams *upstreams; /* of servers that are up */
    bool peers_stale;
    int *peer_of;       /* [n_sites] its peer in streams, or MODEL_NONE */
    uint32_t *asked_in; /* [n_sites], by peer: the telling in which its use was asked for */
    uint32_t telling;
    bool *websocket;         /* [n_sites] one has passed, which the fleet has not heard */
    struct watch *watches;   /* [n_servers] */
    struct stream_use *uses; /* [n_sites], of the server at hand */
    size_t n_uses;
    int n_up; /* of them */
    struct sockets *sockets;
    sd_event_source *timer, *glance;
    int64_t took_us; /* by the last look, of a processor */
    int error;       /* of the last look */
    bool own_listed; /* in this look */
    uint32_t own[OWN_MAX];
    size_t n_own;
};

int stream_watch_glance_create(sd_event *loop, struct stream_watch *at);
/* A server is in use: its streams are watched for a sudden end. */
void stream_watch_glance_later(struct stream_watch *at);

#endif
