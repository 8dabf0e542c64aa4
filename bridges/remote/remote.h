/*
 * remote: asks servers that have no agent to sleep or restart, by the system's ssh or by a webhook.
 * What comes of it is told from the loop; whether the server really fell silent is for the probes
 * to say. Asks that are under way outlive a change of the configuration. Loop thread only; SIGCHLD
 * is blocked by the program.
 */
#ifndef HALL_REMOTE_REMOTE_H
#define HALL_REMOTE_REMOTE_H

#include <systemd/sd-event.h>

#include "core/fleet.h"

struct remote;

/* Who is asked, and for what. Borrowed for the call. */
struct remote_ask {
    const struct model_server *server;
    const char *id; /* of the sleep */
    bool restart;
    int64_t limit_ms; /* an answer is told by then */
};

/* SLEEP_ACCEPTED, SLEEP_FAILED, or the one after the other; a sentence for each. May ask, not
 * destroy. */
typedef void remote_told(void *context, const char *server, const char *id,
                         enum sleep_answer answer, const char *reason);

/* -ENOMEM. */
int remote_create(sd_event *loop, remote_told *told, void *context, struct remote **ret_remote);
/* Ends what is under way. */
void remote_destroy(struct remote *remote);

/* 0, and the answer comes later; or -errno with a sentence. */
int remote_sleep(struct remote *remote, const struct remote_ask *ask, char reason[REASON_SIZE]);

#endif
