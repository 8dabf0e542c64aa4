/*
 * hall_books: what is counted of servers and visitors, for the statistics. Three files keep it:
 * stats_time.c the time in each state, stats_wakes.c wakes and sleeps, stats_visitors.c
 * visits, refusals, logins. stats_totals.c has what only rises. Time in states is counted in
 * memory and written every half hour, at each wake and sleep, at the end: so an SD card is spared,
 * and after a crash at most half an hour of it is missing, which the statistics then call
 * unobserved. Visits and refusals are written within half a minute. Durations are of the boot
 * clock: a clock that is set changes where a stretch of time stands, never how long it was. Loop
 * thread only.
 */
#ifndef HALL_HALL_STATS_H
#define HALL_HALL_STATS_H

#include "core/fleet.h"
#include "words/payload.h"

struct hall;
struct books;

int hall_books_create(struct hall *hall); /* after the store; -ENOMEM */
void hall_books_destroy(struct hall *hall);
void hall_books_flush(struct hall *hall);

void hall_books_state(struct hall *hall, int server, enum power_state from);
/* The project and domain whose visit was the cause of a wake; left as they are where none was. */
void hall_find_visited(const struct model *model, const char *cause, const char **ret_project,
                       const char **ret_domain);
/* The agent has reported: whether it resumed or booted may be known better now. */
void hall_books_report(struct hall *hall, int server);
/* Something of a server changed: what was written of its last wake may have to be corrected. */
void hall_books_look(struct hall *hall, int server);
void hall_books_event(struct hall *hall, const struct action *action);
/* What the store has committed; which totals may be published since. */
void hall_books_stored(struct hall *hall, uint64_t committed);
/* A wake that was begun is to be written; durable: at once. */
void hall_books_woken(struct hall *hall, int server, bool durable);
/* What only rises, as far as it is on the disk; false: nothing is counted. */
bool hall_books_energy(const struct hall *hall, int server, struct payload_energy *ret_energy);

/* A new configuration was applied: those of both keep what was counted. -ENOMEM before anything is
 * changed, from the first. */
struct books_renewal;
int hall_books_prepare(const struct hall *hall, const struct model *model,
                       struct books_renewal **ret_renewal);
/* Before it: the server is no longer configured. */
void hall_books_gone(struct hall *hall, int server);
void hall_books_renew(struct hall *hall, struct books_renewal *renewal, const struct model *old,
                      const struct model *new);
void hall_books_forget(struct books_renewal *renewal); /* it was not applied; NULL does nothing */

/* stats_visitors.c */
struct visitors;
int visitors_create(struct hall *hall); /* hall->visitors; on failure too, for the destroyer */
void visitors_destroy(struct visitors *visitors);
void visitors_flush(struct hall *hall);
void hall_count_visit(struct hall *hall, int site);
/* site may be MODEL_NONE; path NULL. */
void hall_count_refusal(struct hall *hall, const char *address, int site, const char *path,
                        const char *why);
void hall_count_login(struct hall *hall, const char *address, bool ok, const char *detail);
void hall_count_change(struct hall *hall, const char *by, bool loaded, const char *detail);

#endif
