/*
 * tuning: the times of the store, for tests that cannot wait for the real ones. Milliseconds.
 */
#ifndef HALL_STORE_TUNING_H
#define HALL_STORE_TUNING_H

#include "store/queue.h"

struct store_tuning {
    struct queue_pace pace;
    int64_t retry_first_ms, retry_most_ms;  /* back-off while a problem lasts */
    int64_t give_up_ms;                     /* a durable ticket waits so long with a problem, */
    int64_t silent_ms;                      /* and so long for a disk that does not answer */
    int64_t check_after_ms, check_again_ms; /* integrity; again where it was interrupted */
    int64_t prune_every_ms;
    int64_t backup_after_ms, backup_every_ms, backup_again_ms; /* looks whether one is due */
    int backup_hour; /* of the day, UTC, from which on that day's is */
    int64_t salvage_after_ms, salvage_ms, salvage_pause_ms; /* of a damaged file's history */
    int busy_ms;
};

extern const struct store_tuning store_tuning_real;

/* store_create with other times. */
int store_create_tuned(const struct store_options *options, const struct store_tuning *tuning,
                       struct store **ret_store);

#endif
