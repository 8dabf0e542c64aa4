/*
 * history: how long wakes took, per kind of wake, and what may be expected of the next one. Keeps
 * the last HISTORY_MAX of each kind. Pure.
 */
#ifndef HALL_CORE_FACTS_HISTORY_H
#define HALL_CORE_FACTS_HISTORY_H

#include <stddef.h>
#include <stdint.h>

enum wake_kind { WAKE_RESUME, WAKE_COLD };
enum { WAKE_KINDS = 2, HISTORY_MAX = 7 };

/* The stages of a wake, in the order in which they are usually reached. */
enum stage {
    STAGE_PACKET_SENT,
    STAGE_FIRST_SIGN,
    STAGE_AGENT_ONLINE,
    STAGE_DOCKER_UP,
    STAGE_CONTAINER_PRESENT,
    STAGE_CONTAINER_HEALTHY,
    STAGE_SITE_ANSWERS,
};
enum { STAGES = 7 };
#define STAGE_UNREACHED INT32_C(-1)

/* One finished wake: when each stage was reached, ms after its start, or STAGE_UNREACHED; and when
 * it was ready. */
struct boot {
    int32_t stages[STAGES];
    int32_t ready;
};

struct history {
    struct {
        uint8_t n, next;
        struct boot boots[HISTORY_MAX];
    } kinds[WAKE_KINDS];
};

/* A time as it is kept: most at the longest. */
int32_t history_time(int64_t ms, int64_t most);

void history_add(struct history *history, enum wake_kind kind, const struct boot *boot);
/* Notes a stage of the newest wake that was reached after it was ready. */
void history_amend(struct history *history, enum wake_kind kind, enum stage stage, int32_t ms);

/* The newest wake of one kind turned out to be of the other. */
void history_move(struct history *history, enum wake_kind from, enum wake_kind to);

/* Median time to ready, ms; -1 when no wake of that kind was seen (then of the other kind; then
 * -1). */
int64_t history_median(const struct history *history, enum wake_kind kind);
/* Median time to a stage, ms; -1 when unknown. */
int64_t history_stage_median(const struct history *history, enum wake_kind kind, enum stage stage);
/* The time after which a wake is called failed: p99 x 1.5, within [least, most]; most without
 * history. */
int64_t history_deadline(const struct history *history, enum wake_kind kind, int64_t least,
                         int64_t most);

const char *stage_name(enum stage stage);        /* "packet_sent" ... */
const char *wake_kind_name(enum wake_kind kind); /* "resume", "cold_boot" */

#endif
