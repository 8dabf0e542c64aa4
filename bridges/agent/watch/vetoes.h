/*
 * vetoes: is this server in use? Each check is a file with a row: it looks, then it judges what was
 * seen. What it finds is a veto, and so is not to know. The table of rows is in vetoes.c; nothing
 * else lists the checks.
 */
#ifndef HALL_BRIDGES_AGENT_WATCH_VETOES_H
#define HALL_BRIDGES_AGENT_WATCH_VETOES_H

#include "bridges/agent/watch/sample.h"

struct watch;

enum { VETOES_MAX = 24, VETO_CHECKS = 17 };

struct vetoes {
    bool
        asked; /* a person asked for the sleep, or a program of his: the machine need not be idle */
    size_t n;
    size_t more; /* that found no place */
    struct fact list[VETOES_MAX];
};

struct veto_check {
    const char *name; /* as in the configuration */
    bool reported;    /* what it sees is in the report, whether it counts or not */
    /* Is it made? NULL: always. Pure, as judge is. */
    bool (*counts)(const struct watch_config *config);
    /* Fills in its part of the sample, at once or later (watch_await); never blocks. NULL: somebody
     * else does. */
    void (*look)(struct watch *watch);
    /* Only when there is no problem. */
    void (*judge)(const struct watch_config *config, const struct watch_sample *sample,
                  struct vetoes *vetoes);
    size_t problem; /* its offset in the sample; 0: there can be none */
};

// NOLINTNEXTLINE(bugprone-macro-parentheses): a member
#define VETO_PROBLEM(part_) offsetof(struct watch_sample, part_.problem)

extern const struct veto_check *const veto_checks[VETO_CHECKS];

extern const struct veto_check veto_sessions, veto_inhibitors, veto_connections, veto_shares,
    veto_terminals, veto_copies, veto_packages, veto_jobs, veto_guests, veto_execs, veto_processes,
    veto_processor, veto_load, veto_network, veto_disk, veto_command, veto_containers;

/* Is it no veto that this check cannot look? The owner may have said so. */
bool veto_allows_unseen(const struct watch_config *config, const struct veto_check *check);

/* Not knowing counts as use. asked: as in struct vetoes. Pure. */
void vetoes_judge(const struct watch_config *config, const struct watch_sample *sample, bool asked,
                  struct vetoes *ret_vetoes);

/* For judges: one more veto, and how many more there were than could be listed. */
void veto(struct vetoes *vetoes, struct fact fact);
void veto_more(struct vetoes *vetoes, const char *check, size_t more);

/* Someone is there: a remote session always, a local one unless it says it is idle. */
bool veto_session_counts(const struct logind_session *session);

#endif
