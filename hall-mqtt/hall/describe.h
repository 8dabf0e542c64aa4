/*
 * describe: the documents of the API: what the bus says of servers and projects, by the same
 * writers, so that the two never disagree, with what a page needs besides. Each appends to out.
 * Loop thread only.
 */
#ifndef HALL_HALL_DESCRIBE_H
#define HALL_HALL_DESCRIBE_H

#include "hall/in_store.h"
#include "hall/stats.h"
#include "mqtt/mqtt.h"

/* Borrowed: where it is read from. */
struct describe {
    const struct current *current;
    const struct stats *stats;
    const struct mqtt *mqtt;
    const struct in_store *store;
};

void describe_server(const struct describe *from, int server, struct buf *out);
void describe_project(const struct describe *from, int site, struct buf *out);
void describe_info(const struct describe *from, struct buf *out);
/* Lists; after: index of the first, 0 at first; the answer's "next": of the next. */
void describe_servers(const struct describe *from, int64_t after, int64_t limit, struct buf *out);
void describe_projects(const struct describe *from, int64_t after, int64_t limit, struct buf *out);
void describe_leases(const struct describe *from, int64_t after, int64_t limit, struct buf *out);
/* What the doctor's requests with this token brought. */
void describe_heard(const struct describe *from, const char *token, struct buf *out);
/* When a policy would have its servers on. */
void describe_preview(const struct describe *from, const struct model_policy *policy, int64_t days,
                      struct buf *out);

#endif
