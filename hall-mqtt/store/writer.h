/*
 * writer: the thread behind the store, and what it shares with the loop thread; for store.c alone.
 * It sleeps without a deadline while nothing waits (but for the hourly pruning), and always does
 * the most urgent job first: open, write, check, prune, salvage, copy; the long ones in slices, or
 * so that a commit someone waits for interrupts them.
 */
#ifndef HALL_STORE_WRITER_H
#define HALL_STORE_WRITER_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/db.h"
#include "store/salvage.h"
#include "store/tuning.h"

struct store {
    char *path;
    int keep_days, max_mb, backups;
    struct store_tuning tuning;
    int bell;         /* eventfd: something for the writer */
    int told;         /* timerfd: something for the loop */
    int ended;        /* eventfd: the writer is done */
    atomic_bool left; /* one of the two threads has left; the second frees */

    pthread_mutex_t file;   /* held while the connection is used; taken before lock */
    struct salvage salvage; /* under file; and of the damaged file what is open: */
    struct pages *pages;

    pthread_mutex_t lock; /* everything below */
    struct db *db;        /* NULL: not open; changed under both locks, used under file */
    struct queue queue;
    bool stop, checking;
    uint64_t committed;    /* told to the loop */
    uint64_t written;      /* on the disk */
    uint64_t durable_last; /* the newest durable ticket; waits while it is beyond committed */
    int64_t durable_since; /* boot: since when the oldest of those waits */
    int64_t armed;         /* boot: when told gets readable; QUEUE_NEVER */
    int64_t retry_at, retry_ms, check_at, prune_at, backup_at, salvage_at;
    struct store_salvage salvaged; /* as told */
    bool backup_failed;            /* the last one did, and that was told */
    int64_t set_aside_at;          /* boot; 0: never */
    char problem[TROUBLE_SIZE];    /* while it lasts */
    char news[2 * TROUBLE_SIZE];   /* until told once */
};

/* Opens the file, or sets the problem. Any thread that alone has the store, or the writer. */
void writer_open(struct store *store);
/* The same where the caller holds file. */
void writer_reopen(struct store *store);
/* After the trouble of any use of the connection; the caller holds file. */
void writer_failed(struct store *store, const struct trouble *trouble);
/* The thread. */
void *writer_run(void *store);

/* Under lock: the loop is to look, at that boot time. */
void store_arm(struct store *store, int64_t boot);
void store_set_problem(struct store *store, const char *text);
/* The second of the two threads to call it frees. */
void store_leave(struct store *store);

#endif
