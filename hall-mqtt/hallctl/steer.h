/*
 * steer: a command to Hall and its answers: sends it, says what came of it, and waits for the end
 * where that is wanted.
 */
#ifndef HALL_HALLCTL_STEER_H
#define HALL_HALLCTL_STEER_H

#include "base/buf.h"
#include "hallctl/meeting.h"

enum { STEER_PAYLOAD_MAX = 4096 };

struct steer {
    enum topic_kind topic;  /* where it goes */
    enum topic_kind result; /* where everyone hears the answers */
    enum topic_kind event;  /* what is shown while it goes on; == result: nothing */
    const char *subject;    /* the server or project; NULL: Hall itself */
    const char *name;       /* of a hold, or NULL */
    const char *action;     /* as the answers call it */
    bool is_short;          /* its end follows at once */
    char id[40];            /* "": the payload has none */
    struct buf payload;
};

/* Sends it and tells what comes of it. Returns the exit status. */
int steer_run(struct meeting *meeting, const struct steer *steer);

/* Gives the command an id of its own, and says who sends it: {"action", "id", "by" ...}; the caller
 * adds what else belongs there, and steer_seal closes it. */
void steer_begin(struct steer *steer, const struct call *call, bool with_action,
                 struct json_writer *json);
void steer_seal(struct json_writer *json);

/* hallctl projects start|stop|restart PROJECT. */
int steer_project(const struct call *call, const char *word);

#endif
