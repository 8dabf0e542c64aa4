/*
 * remote_internal: one ask under way, as its two ways see it: ssh.c and webhook.c. remote.c makes
 * it, keeps it in a list and tells what comes of it.
 */
#ifndef HALL_REMOTE_INTERNAL_H
#define HALL_REMOTE_INTERNAL_H

#include "bridges/remote/remote.h"
#include "loop/curl_loop.h"

struct asking;

struct way_impl {
    /* 0; or -errno with a sentence. Tells nothing from within. */
    int (*begin)(struct asking *asking, const struct remote_ask *ask, char reason[REASON_SIZE]);
    /* Ends its part, done or not, and frees it. */
    void (*end)(struct asking *asking);
};

struct asking {
    struct remote *remote;
    struct asking *next;
    const struct way_impl *impl;
    void *way; /* of the impl */
    bool accepted;
    char server[SLUG_MAX + 1];
    char id[COMMAND_ID_SIZE];
};

extern const struct way_impl way_ssh, way_webhook;
curl_loop_done webhook_done;

sd_event *remote_loop(const struct remote *remote);
/* Made when it is first needed. NULL: no memory. */
struct curl_loop *remote_curl(struct remote *remote);

/* It was asked, and the end may still be to come. */
void remote_accept(struct asking *asking, const char *reason);
/* The last word; the asking is gone afterwards. NULL: it was accepted before, and that holds. */
void remote_end(struct asking *asking, const char *failure);

#endif
