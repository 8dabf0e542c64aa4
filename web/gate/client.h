/*
 * client: what kind of client asks, by what its request says of itself. Pure; the robots are made
 * once from the configuration, whose texts they borrow, and then read without a lock.
 */
#ifndef HALL_WEB_GATE_CLIENT_H
#define HALL_WEB_GATE_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/model.h"
#include "web/gate/request.h"

enum client_kind {
    CLIENT_BROWSER, /* a person navigates: what he sees is this page */
    CLIENT_FRAME,   /* a frame within a page of our own sites */
    CLIENT_API,     /* a program */
    CLIENT_ASSET,   /* part of a page, favicon, prefetch */
    CLIENT_WEBSOCKET,
    CLIENT_MONITOR, /* monitors, bots, HEAD and what follows it */
    CLIENT_FOREIGN, /* a page of another site: its script, its websocket, a frame of it */
};
enum { CLIENT_KINDS = 7 };

enum { ROBOTS_MAX = 128, ROBOTS_PAIRS = 1024 };

/* Parts of User-Agent headers that name robots; case does not count. They are found by the hash of
 * their first two letters, those of one letter by themselves: each place counts from 1, 0 is the
 * end. */
struct robots {
    uint8_t n;
    struct {
        const char *text;
        size_t length;
        uint8_t next; /* with the same two letters */
    } names[ROBOTS_MAX];
    uint8_t pairs[ROBOTS_PAIRS];
    uint8_t letters;
};

/* Empty names are left out, and those beyond ROBOTS_MAX. */
void robots_init(struct robots *robots, size_t n, const char *const *names);
bool robots_hold(const struct robots *robots, const char *agent); /* NULL: no */

/* rule: the first of access.monitors that fits, or NULL. Hosts of the model are our own sites. */
enum client_kind client_of(const struct robots *robots, const struct model *model,
                           const struct model_rule *rule, const struct request *request);

/* Does a page of another site ask? Sec-Fetch-Site decides (Fetch Metadata, section 2.3); where a
 * browser does not send it (to plain HTTP, or because it is old), Origin and then Referer. */
bool client_is_foreign(const struct model *model, const struct request *request);

#endif
