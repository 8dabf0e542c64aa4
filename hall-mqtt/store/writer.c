#include "store/writer_internal.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/text.h"
#include "store/place.h"

enum { SET_ASIDE_PAUSE = 60000 }; /* ms: a file that breaks again so soon is tried again slowly */

static const int64_t ids_apart = INT64_C(1) << 40; /* no file counts so far */

static int64_t boot_now(void)
{
    return clock_now().boot;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- what the loop is told ---- */

void writer_add_news(struct store *store, const char *text)
{
    size_t used = strlen(store->news);
    if (used > 0 && used + 1 < sizeof(store->news))
        store->news[used++] = ' ';
    text_copy(store->news + used, sizeof(store->news) - used, text);
    store_arm(store, 0);
}

/* A job ended well: whatever was wrong is over. */
void writer_set_well(struct store *store)
{
    store->retry_at = 0;
    store->retry_ms = 0;
    store_set_problem(store, "");
    if (store->queue.dropped > 0) {
        char text[128];
        snprintf(text, sizeof(text), "The store could not keep %llu events or rows.",
                 (unsigned long long)store->queue.dropped);
        store->queue.dropped = 0;
        writer_add_news(store, text);
    }
}

/* ---- failing ---- */

static void back_off(struct store *store)
{
    int64_t wait = store->retry_ms > 0 ? 2 * store->retry_ms : store->tuning.retry_first_ms;
    store->retry_ms = wait < store->tuning.retry_most_ms ? wait : store->tuning.retry_most_ms;
    store->retry_at = boot_now() + store->retry_ms;
}

static void drop_connection(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    struct db *db = store->db;
    store->db = NULL;
    pthread_mutex_unlock(&store->lock);
    pages_close(store->pages);
    store->pages = NULL;
    db_close(db, false);
}

static void set_problem(struct store *store, const struct trouble *trouble)
{
    char text[TROUBLE_SIZE];
    trouble_describe(trouble, store->path, text, sizeof(text));
    back_off(store);
    store_set_problem(store, text);
}

/* The next file is new: all rows known go into it at once; if files break one after the other, with
 * pauses. */
static void begin_afresh(struct store *store, const char *news)
{
    int64_t now = boot_now();
    bool again = store->set_aside_at > 0 && now - store->set_aside_at < SET_ASIDE_PAUSE;
    store->set_aside_at = now;
    store->retry_at = 0;
    if (again)
        back_off(store);
    queue_know_anew(&store->queue, now);
    if (news[0] != '\0')
        writer_add_news(store, news);
}

static void set_aside_lost(struct store *store, const struct trouble *trouble)
{
    char aside[PATH_MAX], news[TROUBLE_SIZE];
    int error = place_set_aside(store->path, clock_now().wall, aside);
    snprintf(news, sizeof(news),
             "The store was corrupt (%s). It was set aside as %.700s and a fresh one begun; the "
             "event log up to now is in the old file.",
             trouble->detail, aside);
    pthread_mutex_lock(&store->lock);
    if (error < 0)
        set_problem(store, trouble);
    else
        begin_afresh(store, news);
    pthread_mutex_unlock(&store->lock);
}

/* It waits where it is while nothing can be written beside it. */
static bool may_wait(enum trouble_kind kind)
{
    return kind == TROUBLE_FULL || kind == TROUBLE_READ_ONLY || kind == TROUBLE_PERMISSION ||
           kind == TROUBLE_MEMORY || kind == TROUBLE_IO;
}

static void set_aside(struct store *store, const struct trouble *trouble)
{
    struct trouble why = {0};
    drop_connection(store);
    bool ok = salvage_begin(store->path, clock_now().wall, &store->salvage, &why);
    if (!ok && !may_wait(why.kind)) {
        set_aside_lost(store, trouble);
        return;
    }
    pthread_mutex_lock(&store->lock);
    if (ok)
        begin_afresh(store, "");
    else
        set_problem(store, &why);
    store->salvaged.is_new = ok;
    pthread_mutex_unlock(&store->lock);
}

static void follow_moved(struct store *store)
{
    char news[TROUBLE_SIZE];
    snprintf(news, sizeof(news),
             "The store %.700s was moved or removed while in use. Hall began anew at that path.",
             store->path);
    drop_connection(store);
    pthread_mutex_lock(&store->lock);
    begin_afresh(store, news);
    pthread_mutex_unlock(&store->lock);
}

static void wait_for_better(struct store *store, const struct trouble *trouble, bool reopen)
{
    if (reopen)
        drop_connection(store);
    pthread_mutex_lock(&store->lock);
    set_problem(store, trouble);
    pthread_mutex_unlock(&store->lock);
}

void writer_failed(struct store *store, const struct trouble *trouble)
{
    switch (trouble->kind) {
    case TROUBLE_NONE:
    case TROUBLE_INTERRUPTED:
        return;
    case TROUBLE_CORRUPT:
        set_aside(store, trouble);
        return;
    case TROUBLE_MOVED:
        follow_moved(store);
        return;
    case TROUBLE_BUSY:
    case TROUBLE_FULL:
    case TROUBLE_MEMORY:
        wait_for_better(store, trouble, false);
        return;
    case TROUBLE_READ_ONLY:
    case TROUBLE_PERMISSION:
    case TROUBLE_MISSING:
    case TROUBLE_NOT_A_FILE:
    case TROUBLE_BAD_PATH:
    case TROUBLE_FOREIGN:
    case TROUBLE_NEWER:
    case TROUBLE_NO_LOG:
    case TROUBLE_IO:
    case TROUBLE_SILENT:
    case TROUBLE_KINDS:
        wait_for_better(store, trouble, true);
        return;
    }
}

/* ---- jobs ---- */

struct job {
    int64_t (*due)(const struct store *store); /* boot time; under lock */
    void (*run)(struct store *store);          /* under file */
};

static int64_t open_due(const struct store *store)
{
    return !store->db ? store->retry_at : QUEUE_NEVER;
}

/* What is known of the last damage. Rows of the time before are still to come while its history is
 * read: ids from here on are beyond whatever they have. */
static void know_salvage(struct store *store, const struct salvage *salvage)
{
    const int64_t wall = clock_now().wall;
    const bool is_new = store->salvaged.is_new;
    if (salvage->told.turn == 0)
        return;
    store->salvage = *salvage;
    store->salvaged = salvage->told;
    store->salvaged.is_new = is_new;
    store->salvage_at = boot_now() + store->tuning.salvage_after_ms;
    for (size_t i = 0; i < STORE_TABLES && !salvage->told.done; i++)
        queue_know_last(&store->queue, (enum store_table)i, later(wall, ids_apart));
    store_arm(store, 0);
}

/* What was open and now begins as an empty file gets every known row. */
static void opened(struct store *store, struct db *db, const int64_t last_ids[STORE_TABLES],
                   const struct salvage *salvage)
{
    int64_t now = boot_now();
    pthread_mutex_lock(&store->lock);
    store->db = db;
    store->check_at = now + store->tuning.check_after_ms;
    store->prune_at = now + store->tuning.check_after_ms;
    store->backup_at = now + store->tuning.backup_after_ms;
    for (size_t i = 0; i < STORE_TABLES; i++)
        queue_know_last(&store->queue, (enum store_table)i, last_ids[i]);
    know_salvage(store, salvage);
    if (db_is_fresh(db))
        queue_know_anew(&store->queue, now);
    if (queue_waiting(&store->queue) == 0)
        writer_set_well(store);
    store->retry_at = 0;
    pthread_mutex_unlock(&store->lock);
}

static bool open_file(struct store *store, struct db **ret_db, int64_t ret_last_ids[STORE_TABLES],
                      struct salvage *ret_salvage, struct trouble *ret_trouble)
{
    struct db *db = NULL;
    if (!db_open(store->path, store->tuning.busy_ms, &db, ret_trouble))
        return false;
    if (!db_last_ids(db, ret_last_ids, ret_trouble) ||
        !salvage_read(db, ret_salvage, ret_trouble)) {
        db_close(db, false);
        return false;
    }
    *ret_db = db;
    return true;
}

/* An empty file, or none, beside its log or nightly copies: at the start, for later Hall knows
 * better. */
static bool is_lost(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    bool knows = store->queue.n_known > 0;
    pthread_mutex_unlock(&store->lock);
    return !knows && salvage_is_missing(store->path);
}

static void open_run(struct store *store)
{
    struct db *db = NULL;
    struct trouble trouble = {0};
    struct salvage salvage = {0};
    int64_t last_ids[STORE_TABLES] = {0};
    if (store->db) /* opened by store_load while this waited for the file */
        return;
    int error = salvage_finish(store->path);
    if (error == 0 && is_lost(store)) {
        set_aside(store, &(struct trouble){.kind = TROUBLE_CORRUPT, .detail = "it is empty"});
        return;
    }
    if (error == 0)
        error = place_prepare(store->path);
    if (error < 0)
        trouble = trouble_of_errno(error);
    else if (open_file(store, &db, last_ids, &salvage, &trouble))
        opened(store, db, last_ids, &salvage);
    writer_failed(store, &trouble);
}

void writer_reopen(struct store *store)
{
    open_run(store);
}

void writer_open(struct store *store)
{
    pthread_mutex_lock(&store->file);
    open_run(store);
    if (!store->db && store->retry_at == 0) /* what is damaged is set aside by now */
        open_run(store);
    pthread_mutex_unlock(&store->file);
}

static int64_t write_due(const struct store *store)
{
    if (!store->db)
        return QUEUE_NEVER;
    return later(queue_due(&store->queue, &store->tuning.pace), store->retry_at);
}

static void write_run(struct store *store)
{
    struct batch batch = {0};
    struct trouble trouble = {0};
    pthread_mutex_lock(&store->lock);
    int error = queue_take(&store->queue, &batch);
    pthread_mutex_unlock(&store->lock);
    if (error < 0)
        trouble = trouble_of_errno(error);
    bool ok = error == 0 && db_write(store->db, &batch, &trouble);
    bool durable = batch.durable;
    uint64_t last = batch.last;
    pthread_mutex_lock(&store->lock);
    if (ok) {
        queue_written(&store->queue, &batch);
        writer_set_well(store);
        store->written = last > store->written ? last : store->written;
        if (durable) {
            store->committed = last > store->committed ? last : store->committed;
            store->durable_since = boot_now();
            store_arm(store, 0);
        }
    } else if (error == 0) {
        queue_return(&store->queue, &batch);
    }
    pthread_mutex_unlock(&store->lock);
    writer_failed(store, &trouble);
}

/* The most urgent first. */
static const struct job jobs[] = {{open_due, open_run},       {write_due, write_run},
                                  {check_due, check_run},     {prune_due, prune_run},
                                  {salvage_due, salvage_run}, {backup_due, backup_run}};

/* ---- the thread ---- */

/* The first job that is due; or NULL, and when the next one will be. */
static const struct job *pick(const struct store *store, int64_t *ret_next)
{
    int64_t now = boot_now();
    *ret_next = QUEUE_NEVER;
    for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
        int64_t due = jobs[i].due(store);
        if (due <= now)
            return &jobs[i];
        *ret_next = due < *ret_next ? due : *ret_next;
    }
    return NULL;
}

/* False when it is time to end. */
static bool turn(struct store *store)
{
    int64_t next;
    pthread_mutex_lock(&store->lock);
    bool stop = store->stop;
    const struct job *job = pick(store, &next);
    pthread_mutex_unlock(&store->lock);
    if (stop)
        return false;
    if (!job) {
        struct pollfd bell = {.fd = store->bell, .events = POLLIN};
        eventfd_t count;
        int64_t wait = next == QUEUE_NEVER ? -1 : later(next - boot_now(), 0);
        poll(&bell, 1, wait > INT32_MAX ? INT32_MAX : (int)wait);
        eventfd_read(store->bell, &count);
        return true;
    }
    pthread_mutex_lock(&store->file);
    job->run(store);
    pthread_mutex_unlock(&store->file);
    return true;
}

static bool waits(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    bool any = queue_waiting(&store->queue) > 0;
    pthread_mutex_unlock(&store->lock);
    return any;
}

void *writer_run(void *argument)
{
    struct store *store = argument;
    while (turn(store))
        ;
    /* One more try for what waits; twice, because the first may have to set a corrupt file aside.
     */
    pthread_mutex_lock(&store->file);
    for (int i = 0; i < 2 && waits(store); i++) {
        if (!store->db)
            open_run(store);
        if (store->db)
            write_run(store);
    }
    pages_close(store->pages);
    db_close(store->db, true);
    store->db = NULL;
    pthread_mutex_unlock(&store->file);
    eventfd_write(store->ended, 1);
    store_leave(store);
    return NULL;
}
