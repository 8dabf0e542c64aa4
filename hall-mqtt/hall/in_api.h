/*
 * hall_api: the loop's side of /api/v1: answers the errands of its workers, and tells those who
 * watch what changed. The documents are the bus's own, so that the two never disagree. Loop thread
 * only.
 */
#ifndef HALL_HALL_IN_API_H
#define HALL_HALL_IN_API_H

#include "core/ledger.h"
#include "words/topic.h"

struct hall;
struct errand;

int hall_api_create(struct hall *hall);
void hall_api_close(struct hall *hall);   /* nobody waits for the loop any more */
void hall_api_destroy(struct hall *hall); /* after the admin listener is gone */

/* A worker waited for the first answer to this command. */
void hall_api_result(struct hall *hall, struct errand *errand, const struct ledger_entry *entry,
                     const char *text);
/* What it wants to read is on the disk. */
void hall_api_flushed(struct hall *hall, struct errand *errand);
/* Its place was needed for another command. */
void hall_api_lost(struct hall *hall, struct errand *errand);

/* For those who watch. */
void hall_api_said(struct hall *hall, enum topic_kind kind, const char *id, const char *text);
void hall_api_changed(struct hall *hall, int server);

/* describe.c: the documents. They append to out. */
struct buf;
void hall_describe_server(struct hall *hall, int server, struct buf *out);
void hall_describe_project(struct hall *hall, int site, struct buf *out);
void hall_describe_info(struct hall *hall, struct buf *out);
/* Lists; from: index of the first, 0 at first; ret_next: of the next, 0 none. */
void hall_describe_servers(struct hall *hall, int64_t from, int64_t limit, struct buf *out);
void hall_describe_projects(struct hall *hall, int64_t from, int64_t limit, struct buf *out);
void hall_describe_leases(struct hall *hall, int64_t from, int64_t limit, struct buf *out);
void hall_describe_preview(struct hall *hall, const struct model_policy *policy, int64_t days,
                           struct buf *out);

#endif
