/* The long jobs of the writer: each in slices, or such that a commit someone waits for breaks it
 * off. */
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/backup.h"
#include "store/salvage_history.h"
#include "store/writer_internal.h"

static const int64_t day_ms = INT64_C(86400000);

static int64_t boot_now(void)
{
    return clock_now().boot;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- checking ---- */

int64_t check_due(const struct store *store)
{
    return !store->db ? QUEUE_NEVER : later(store->check_at, store->retry_at);
}

/* The loop may interrupt while checking is set, and only then. */
static void set_checking(struct store *store, bool checking, int64_t next)
{
    pthread_mutex_lock(&store->lock);
    store->checking = checking;
    store->check_at = next;
    pthread_mutex_unlock(&store->lock);
}

void check_run(struct store *store)
{
    struct trouble trouble = {0};
    set_checking(store, true, QUEUE_NEVER);
    bool ok = db_check(store->db, &trouble);
    set_checking(store, false, ok ? QUEUE_NEVER : boot_now() + store->tuning.check_again_ms);
    writer_failed(store, &trouble);
}

/* ---- forgetting ---- */

int64_t prune_due(const struct store *store)
{
    return !store->db ? QUEUE_NEVER : later(store->prune_at, store->retry_at);
}

void prune_run(struct store *store)
{
    bool more = false;
    struct trouble trouble = {0};
    int64_t before = clock_now().wall - store->keep_days * day_ms;
    bool ok = db_prune(store->db, before, (int64_t)store->max_mb << 20, &more, &trouble);
    pthread_mutex_lock(&store->lock);
    if (ok) {
        writer_set_well(store);
        store->prune_at = more ? 0 : boot_now() + store->tuning.prune_every_ms;
    }
    pthread_mutex_unlock(&store->lock);
    writer_failed(store, &trouble);
}

/* ---- the history of a damaged file ---- */

static bool is_salvaging(const struct store *store)
{
    return store->db && store->salvaged.turn > 0 && !store->salvaged.done;
}

int64_t salvage_due(const struct store *store)
{
    return is_salvaging(store) ? later(store->salvage_at, store->retry_at) : QUEUE_NEVER;
}

void salvage_run(struct store *store)
{
    struct trouble trouble = {0};
    bool ok = salvage_slice(store->path, store->db, store->tuning.salvage_ms, &store->salvage,
                            &store->pages, &trouble);
    pthread_mutex_lock(&store->lock);
    if (ok) {
        bool is_new = store->salvaged.is_new;
        writer_set_well(store);
        store->salvaged = store->salvage.told;
        store->salvaged.is_new = is_new;
        store->salvage_at = boot_now() + store->tuning.salvage_pause_ms;
        if (store->salvaged.done)
            store_arm(store, 0);
    }
    pthread_mutex_unlock(&store->lock);
    writer_failed(store, &trouble);
}

/* ---- the nightly copy ---- */

/* A copy of half of it would push out a whole one. */
int64_t backup_due(const struct store *store)
{
    return !store->db || store->backups == 0 || is_salvaging(store)
               ? QUEUE_NEVER
               : later(store->backup_at, store->retry_at);
}

/* Told when it fails for the first time, and when it works again. */
static void tell_backup(struct store *store, const struct trouble *trouble, const char *work)
{
    char text[TROUBLE_SIZE];
    bool failed = trouble->kind != TROUBLE_NONE;
    if (failed)
        unlink(work);
    if (failed == store->backup_failed)
        return;
    store->backup_failed = failed;
    snprintf(text, sizeof(text),
             failed ? "The nightly backup %.500s could not be written: %s."
                    : "The nightly backup was written again%.0s%.0s.",
             work, trouble->detail);
    writer_add_news(store, text);
}

/* One that cannot be read again is none, and must not push out another. */
static bool check_copy(const char *work, struct trouble *ret_trouble)
{
    struct db *copy = NULL;
    if (!db_open_reader(work, &copy, ret_trouble))
        return false;
    bool ok = db_check(copy, ret_trouble);
    db_close(copy, false);
    return ok;
}

static bool make_backup(struct store *store, char work[PATH_MAX], struct trouble *ret_trouble)
{
    int error = backup_begin(store->path, work);
    if (error == 0 && (!db_copy(store->db, work, ret_trouble) || !check_copy(work, ret_trouble)))
        return false;
    if (error == 0)
        error = backup_end(store->path, work, clock_now().wall, store->backups);
    if (error < 0)
        *ret_trouble = trouble_of_errno(error);
    return error == 0;
}

/* What is wrong with a copy says nothing about the store itself. */
void backup_run(struct store *store)
{
    char work[PATH_MAX] = "";
    struct trouble trouble = {0};
    if (backup_is_due(store->path, clock_now().wall, store->tuning.backup_hour)) {
        pthread_mutex_lock(&store->lock);
        store->checking = true;
        pthread_mutex_unlock(&store->lock);
        (void)make_backup(store, work, &trouble);
    }
    bool again = trouble.kind == TROUBLE_INTERRUPTED;
    pthread_mutex_lock(&store->lock);
    store->checking = false;
    store->backup_at =
        boot_now() + (again ? store->tuning.backup_again_ms : store->tuning.backup_every_ms);
    if (again)
        unlink(work);
    else if (work[0] != '\0')
        tell_backup(store, &trouble, work);
    pthread_mutex_unlock(&store->lock);
}
