/*
 * saved: what of one server must survive a restart of Hall or a reload of its configuration, as
 * plain data. All times are wall time, ms, as it was when it was saved, since the boot clock of
 * another boot means nothing; 0 where unset, INT64_MAX where there is no end. Pure. How it is
 * written down is not its business.
 */
#ifndef HALL_CORE_SAVED_H
#define HALL_CORE_SAVED_H

#include "core/fleet.h"

enum {
    SAVED_COMMANDS = LEDGER_OF_SERVER, /* of one server: all that are open, */
    SAVED_ENDED = 24,                  /* and the latest of the others */
};

struct saved_project {
    char id[SLUG_MAX + 1];
    uint32_t visits;
    int64_t last_visit;
    bool wanted; /* somebody waits for it */
    uint32_t n_runs;
    int32_t runs[PROJECT_RUNS_MAX]; /* oldest first */
};

struct saved_override {
    bool policy_set;
    enum policy_mode policy;
    int64_t idle; /* ms; 0: as configured */
    char by[COMMAND_BY_SIZE];
};

/* Structs of the core stand here with their boot-clock times turned into wall times. What there may
 * be several of is its own memory. */
struct saved {
    int64_t at;
    int64_t boot_at; /* the boot clock then, ms, where this is still the same boot; else 0 */
    enum power_state state;
    int64_t since, up_since, down_since, retry_at;
    bool was_ready, said_goodbye, ever_woken, resting;
    int64_t leaving;
    struct guard guard; /* who waits for its end still does */
    uint32_t failures;
    enum wake_failure failure;
    int64_t last_boot; /* ms; -1 */
    int64_t last_ready;
    char boot_id[40];
    bool goodbye;     /* its agent said so, and it has not been back since */
    bool mac_matched; /* as in evidence, and so are the MACs */
    struct macs macs;
    struct saved_override override;
    struct wake wake;
    struct sleep sleep;
    struct rousing rousing;
    struct lease_set leases;
    struct history history;
    uint32_t n_woken;
    int64_t woken[WOKEN_MAX];
    size_t n_projects;
    struct saved_project *projects;
    size_t n_commands;
    struct ledger_entry *commands;   /* open ones first, the newest first of each; sites mean
                                        nothing here */
    char (*commanded)[SLUG_MAX + 1]; /* the project each was for, or "" */
};

/* Nothing is saved yet; room for this many of each. -ENOMEM. */
int saved_init(struct saved *saved, size_t leases, size_t projects, size_t commands);
void saved_finish(struct saved *saved);

/* -ENOMEM: ret_saved is not touched. */
int fleet_save(const struct fleet *fleet, int server, struct now now, struct saved *ret_saved);
/* Before fleet_start. What was open goes on; a server that was up or down is `unknown` until it is
 * seen. */
void fleet_restore(struct fleet *fleet, int server, struct now now, const struct saved *saved);

/* Quotas one by one; a cursor begins at 0. NULL after the last. */
const struct quota *fleet_quota(const struct fleet *fleet, size_t *cursor);
/* Times of it are of the boot clock that runs now. */
void fleet_restore_quota(struct fleet *fleet, struct now now, const struct quota *quota);

#endif
