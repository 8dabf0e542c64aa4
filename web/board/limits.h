/*
 * limits: whom the guards keep away from which site, and until when, as the loop thread tells it.
 * One writer (the loop), any number of readers; each limit ends by itself when its time has come.
 * Until the first is told, asking costs one atomic load. A flood of addresses pushes out the limits
 * that end first: their owners are told anew when the loop refuses them again.
 */
#ifndef HALL_WEB_BOARD_LIMITS_H
#define HALL_WEB_BOARD_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "core/model.h"
#include "core/power.h"

enum { LIMITS_CLIENTS_MAX = 1024 };

struct limits;

/* model is borrowed. -ENOMEM. */
int limits_create(const struct model *model, struct limits **ret_limits);
void limits_destroy(struct limits *limits);

/* Loop thread. True: this was not known before. Times: boot clock, ms. */
bool limits_close(struct limits *limits, int site, int64_t until); /* 0: open */
/* A client's limit holds for its address (as address_client) at
 * every site of the domain, a project's for everyone at this site. Guards of servers are not kept
 * here. */
bool limits_add(struct limits *limits, int site, struct address address, struct guard guard,
                int64_t now);

/* What lasts for today is forgotten, for today ends at another time: the loop tells it again. */
void limits_forget_day(struct limits *limits);

/* Any thread. */
bool limits_any(const struct limits *limits); /* false: nothing was ever limited */
/* wakes: letting the visitor in would begin a wake. Closed hours come first. */
bool limits_refuse(struct limits *limits, int site, struct address address, bool wakes, int64_t now,
                   struct guard *ret_guard);

#endif
