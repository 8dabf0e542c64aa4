/*
 * in_api: the loop's side of /api/v1: answers the errands of its workers between other events, with
 * the documents of describe.h, and takes commands as if the bus had brought them. What is past the
 * workers read from the store's file themselves (store/archive.h). Loop thread only.
 */
#ifndef HALL_HALL_IN_API_H
#define HALL_HALL_IN_API_H

#include "hall/act.h"
#include "hall/describe.h"
#include "hall/reload.h"

enum { FLUSHING_MAX = 8 };

struct in_api {
    /* Set by the caller, borrowed. */
    struct errands *errands;
    struct describe describe;
    struct act *act;
    struct answers *answers;
    struct reload *reload;
    struct stats *stats;
    struct store *store;

    /* Its own. */
    sd_event_source *source;
    struct {
        uint64_t ticket;
        struct errand *errand;
    } flushing[FLUSHING_MAX]; /* who waits for what they read to be written */
    size_t n_flushing;
    int64_t flushed, books_flushed; /* boot: when somebody last wanted that */
};

int in_api_listen(struct in_api *in, sd_event *loop); /* 0 or -errno */
void in_api_finish(struct in_api *in);                /* what waits for the disk is answered */
extern const struct outlet_ops in_api_outlet;         /* context: a struct in_api */

#endif
