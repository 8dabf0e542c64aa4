#include "core/facts/history.h"

#include <stdlib.h>
#include <string.h>

static const char *const stage_names[STAGES] = {
    [STAGE_PACKET_SENT] = "packet_sent",
    [STAGE_FIRST_SIGN] = "first_sign",
    [STAGE_AGENT_ONLINE] = "agent_online",
    [STAGE_DOCKER_UP] = "docker_up",
    [STAGE_CONTAINER_PRESENT] = "container_present",
    [STAGE_CONTAINER_HEALTHY] = "container_healthy",
    [STAGE_SITE_ANSWERS] = "site_answers",
};

const char *stage_name(enum stage stage)
{
    return stage_names[stage];
}

const char *wake_kind_name(enum wake_kind kind)
{
    return kind == WAKE_RESUME ? "resume" : "cold_boot";
}

int32_t history_time(int64_t ms, int64_t most)
{
    const int64_t kept = ms < most ? ms : most;

    return kept < INT32_MAX ? (int32_t)kept : INT32_MAX;
}

void history_add(struct history *history, enum wake_kind kind, const struct boot *boot)
{
    const uint8_t next = history->kinds[kind].next;

    history->kinds[kind].boots[next] = *boot;
    history->kinds[kind].next = (uint8_t)((next + 1) % HISTORY_MAX);
    if (history->kinds[kind].n < HISTORY_MAX)
        history->kinds[kind].n++;
}

void history_amend(struct history *history, enum wake_kind kind, enum stage stage, int32_t ms)
{
    if (history->kinds[kind].n == 0)
        return;
    const unsigned newest = (history->kinds[kind].next + HISTORY_MAX - 1U) % HISTORY_MAX;
    history->kinds[kind].boots[newest].stages[stage] = ms;
}

/* Those that stay are put oldest first: what is not full begins at the first place. */
static void drop_newest(struct history *history, enum wake_kind kind)
{
    struct boot kept[HISTORY_MAX];
    const unsigned n = history->kinds[kind].n - 1U;
    const unsigned oldest = history->kinds[kind].next + HISTORY_MAX - n - 1U;

    for (unsigned i = 0; i < n; i++)
        kept[i] = history->kinds[kind].boots[(oldest + i) % HISTORY_MAX];
    memcpy(history->kinds[kind].boots, kept, n * sizeof(kept[0]));
    history->kinds[kind].n = (uint8_t)n;
    history->kinds[kind].next = (uint8_t)n;
}

void history_move(struct history *history, enum wake_kind from, enum wake_kind to)
{
    if (history->kinds[from].n == 0 || from == to)
        return;
    const unsigned newest = (history->kinds[from].next + HISTORY_MAX - 1U) % HISTORY_MAX;
    history_add(history, to, &history->kinds[from].boots[newest]);
    drop_newest(history, from);
}

static int compare(const void *a, const void *b)
{
    const int32_t left = *(const int32_t *)a;
    const int32_t right = *(const int32_t *)b;

    return (left > right) - (left < right);
}

/* The kind that has something to tell: the one asked for, else the other. */
static enum wake_kind told_kind(const struct history *history, enum wake_kind kind)
{
    const enum wake_kind other = kind == WAKE_RESUME ? WAKE_COLD : WAKE_RESUME;

    return history->kinds[kind].n > 0 ? kind : other;
}

/* Sorted times to a stage (STAGES: to ready) of the wakes that reached it; how many. */
static size_t sorted_times(const struct history *history, enum wake_kind kind, unsigned stage,
                           int32_t out[HISTORY_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < history->kinds[kind].n; i++) {
        const struct boot *boot = &history->kinds[kind].boots[i];
        const int32_t time = stage < STAGES ? boot->stages[stage] : boot->ready;

        if (time != STAGE_UNREACHED)
            out[n++] = time;
    }
    qsort(out, n, sizeof(out[0]), compare);
    return n;
}

static int64_t median(const struct history *history, enum wake_kind kind, unsigned stage)
{
    int32_t times[HISTORY_MAX];
    const size_t n = sorted_times(history, told_kind(history, kind), stage, times);

    if (n == 0)
        return -1;
    return n % 2 == 1 ? times[n / 2] : ((int64_t)times[n / 2 - 1] + times[n / 2]) / 2;
}

int64_t history_median(const struct history *history, enum wake_kind kind)
{
    return median(history, kind, STAGES);
}

int64_t history_stage_median(const struct history *history, enum wake_kind kind, enum stage stage)
{
    return median(history, kind, stage);
}

int64_t history_deadline(const struct history *history, enum wake_kind kind, int64_t least,
                         int64_t most)
{
    int32_t times[HISTORY_MAX];
    const size_t n = sorted_times(history, told_kind(history, kind), STAGES, times);

    if (n == 0)
        return most;
    /* Of so few values the 99th percentile is the largest. */
    const int64_t wanted = (int64_t)times[n - 1] * 3 / 2;
    if (wanted < least)
        return least < most ? least : most;
    return wanted < most ? wanted : most;
}
