/*
 * stats: what is counted of servers and visitors. Four files keep it: stats_time.c the time in each
 * state, stats_totals.c what only rises, stats_wakes.c wakes and sleeps, stats_visitors.c visits,
 * refusals, logins. Time in states is counted in memory and written every half hour, at each wake
 * and sleep, at the end: so an SD card is spared, and after a crash at most half an hour of it is
 * missing, which the statistics then call unobserved. Visits and refusals are written within half a
 * minute. Durations are of the boot clock: a clock that is set changes where a stretch of time
 * stands, never how long it was. Loop thread only.
 */
#ifndef HALL_HALL_STATS_H
#define HALL_HALL_STATS_H

#include "hall/current.h"
#include "hall/outlet.h"
#include "store/store.h"
#include "words/payload.h"

struct stats;

/* All are borrowed and outlive it. -ENOMEM, -errno. */
int stats_create(sd_event *loop, const struct current *current, struct store *store,
                 const struct outlets *outlets, struct stats **ret_stats);
void stats_destroy(struct stats *stats);
extern const struct outlet_ops stats_outlet; /* context: a struct stats */

void stats_flush(struct stats *stats);
void stats_flush_visitors(struct stats *stats);
/* Before a server is published: writes a wake that was begun, corrects the last one. */
void stats_look(struct stats *stats, int server);
/* What only rises, as far as it is on the disk; false: nothing is counted. */
bool stats_energy(const struct stats *stats, int server, struct payload_energy *ret_energy);
/* The project and domain whose visit was the cause of a wake; left as they are where none was. */
void stats_visited(const struct model *model, const struct fact *cause, const char **ret_project,
                   const char **ret_domain);
/* A configuration was loaded, or refused. */
void stats_change(struct stats *stats, const char *by, bool loaded, const char *detail);

/* A new configuration: those of both keep what was counted. Room for n servers, NULL without
 * memory; free() where it is not applied. */
struct book *stats_books(size_t n);
/* Before it: the server is no longer configured. */
void stats_gone(struct stats *stats, int server);
void stats_renew(struct stats *stats, struct book *books, const struct model *old,
                 const struct model *new);

#endif
