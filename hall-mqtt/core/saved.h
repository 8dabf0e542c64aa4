/*
 * saved: what of one server must survive a restart of Hall or a reload of its configuration, as
 * plain data. All times are wall time, ms, since the boot clock of another life means nothing; 0
 * where unset, INT64_MAX where there is no end. Pure. How it is written down is not its business.
 */
#ifndef HALL_CORE_SAVED_H
#define HALL_CORE_SAVED_H

#include "core/fleet.h"

enum {
    SAVED_COMMANDS = 24, /* of one server: all that are open, as far as there is room, and the
                            latest ones */
    SAVED_PROJECTS = 32,
};

struct saved_project {
    char id[SLUG_MAX + 1];
    uint32_t visits;
    int64_t last_visit;
    uint32_t n_runs;
    int32_t runs[PROJECT_RUNS_MAX]; /* oldest first */
};

struct saved_override {
    bool policy_set;
    enum policy_mode policy;
    int64_t idle; /* ms; 0: as configured */
    char by[COMMAND_BY_SIZE];
};

/* Structs of the core stand here with their boot-clock times turned into wall times. */
struct saved {
    int64_t at;
    enum power_state state;
    int64_t since, up_since, down_since, retry_at;
    bool was_ready, said_goodbye, ever_woken, resting;
    uint32_t failures;
    enum wake_failure failure;
    int64_t last_boot; /* ms; -1 */
    int64_t last_ready;
    char boot_id[40];
    struct saved_override override;
    struct wake wake;
    struct sleep sleep;
    struct lease_set leases;
    struct history history;
    uint32_t n_woken;
    int64_t woken[WOKEN_MAX];
    size_t n_commands;
    struct ledger_entry commands[SAVED_COMMANDS]; /* oldest first; sites mean nothing here */
    char commanded[SAVED_COMMANDS][SLUG_MAX + 1]; /* the project each was for, or "" */
    size_t n_projects;
    struct saved_project projects[SAVED_PROJECTS];
};

void fleet_save(const struct fleet *fleet, int server, struct now now, struct saved *ret_saved);
/* Before fleet_start. What was open goes on; a server that was up or down is `unknown` until it is
 * seen. */
void fleet_restore(struct fleet *fleet, int server, struct now now, const struct saved *saved);

/* For a reload: servers of both configurations, by id, keep everything; also what is known of them.
 */
void fleet_adopt(struct fleet *fleet, const struct fleet *old, struct now now);

/* Quotas one by one; a cursor begins at 0. NULL after the last. */
const struct quota *fleet_quota(const struct fleet *fleet, size_t *cursor);
void fleet_restore_quota(struct fleet *fleet, const struct quota *quota);

#endif
