/*
 * orders: a command to Hall and its answers: sends it, says what came of it, and waits for the end
 * where that is wanted.
 */
#ifndef HALL_HALLCTL_ORDERS_H
#define HALL_HALLCTL_ORDERS_H

#include "base/buf.h"
#include "hallctl/meeting.h"

enum { ORDER_PAYLOAD_MAX = 4096 };

struct order {
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
int orders_run(struct meeting *meeting, const struct order *order);

/* Gives the order an id of its own, and says who gives it: {"action", "id", "by" ...}; the caller
 * adds what else belongs there, and orders_seal closes it. */
void orders_begin(struct order *order, const struct call *call, bool with_action,
                  struct json_writer *json);
void orders_seal(struct json_writer *json);

/* hallctl projects start|stop|restart PROJECT. */
int orders_run_project(const struct call *call, const char *word);

#endif
