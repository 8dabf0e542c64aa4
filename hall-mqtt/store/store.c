#include "store/store.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "store/writer.h"

enum { THREAD_STACK = 512 * 1024, OPEN_BUSY_MS = 200 };

const struct store_tuning store_tuning_real = {
    .pace = {.batch_ms = 30000, .batch_rows = 50},
    .retry_first_ms = 1000,
    .retry_most_ms = 30000,
    .give_up_ms = 1000,
    .silent_ms = 5000,
    .check_after_ms = 10000,
    .check_again_ms = 30000,
    .prune_every_ms = 3600000,
    .backup_after_ms = 3600000,
    .backup_every_ms = 3600000,
    .backup_again_ms = 300000,
    .backup_hour = 2,
    .salvage_after_ms = 2000,
    .salvage_ms = 50,
    .salvage_pause_ms = 50,
    .busy_ms = 1000,
};

/* ---- what the loop is told ---- */

static struct timespec span(int64_t ms)
{
    return (struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000 * 1000000)};
}

void store_arm(struct store *store, int64_t boot)
{
    if (boot >= store->armed)
        return;
    store->armed = boot;
    int64_t wait = boot - clock_now().boot;
    struct itimerspec when = {0};
    if (wait > 0)
        when.it_value = span(wait);
    else
        when.it_value.tv_nsec = 1; /* 0 would disarm */
    timerfd_settime(store->told, 0, &when, NULL);
}

void store_set_problem(struct store *store, const char *text)
{
    if (strcmp(store->problem, text) == 0)
        return;
    text_copy(store->problem, sizeof(store->problem), text);
    store_arm(store, 0);
}

static bool someone_waits(const struct store *store)
{
    return store->durable_last > store->committed;
}

/* When the durable tickets that wait are given up. */
static int64_t give_up_at(const struct store *store)
{
    bool known = store->problem[0] != '\0';
    if (!someone_waits(store))
        return QUEUE_NEVER;
    return store->durable_since + (known ? store->tuning.give_up_ms : store->tuning.silent_ms);
}

static void give_up(struct store *store)
{
    char text[TROUBLE_SIZE];
    struct trouble silent = {.kind = TROUBLE_SILENT, .detail = "no answer from the disk"};
    store->committed = store->durable_last;
    if (store->problem[0] != '\0')
        return;
    trouble_describe(&silent, store->path, text, sizeof(text));
    store_set_problem(store, text);
}

/* ---- life ---- */

static void store_free(struct store *store)
{
    queue_finish(&store->queue);
    for (size_t i = 0; i < 3; i++) {
        int fd = (int[]){store->bell, store->told, store->ended}[i];
        if (fd >= 0)
            close(fd);
    }
    pthread_mutex_destroy(&store->lock);
    pthread_mutex_destroy(&store->file);
    free(store->path);
    free(store);
}

void store_leave(struct store *store)
{
    if (atomic_exchange(&store->left, true))
        store_free(store);
}

static int store_init(struct store *store, const struct store_options *options)
{
    store->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    store->ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    store->told = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (store->bell < 0 || store->ended < 0 || store->told < 0)
        return -errno;
    /* SQLite takes "file:..." and ":memory:" for something else than files; a path that begins with
     * '.' or '/' is one. */
    char *copy = NULL;
    bool bare = options->path[0] != '/' && options->path[0] != '.';
    store->path = asprintf(&copy, "%s%s", bare ? "./" : "", options->path) < 0 ? NULL : copy;
    store->keep_days = options->keep_days;
    store->max_mb = options->max_mb;
    store->backups = options->backups;
    store->armed = QUEUE_NEVER;
    return !store->path ? -ENOMEM : 0;
}

/* Detached, with every signal blocked: those are the loop's. */
static int start_writer(struct store *store)
{
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, THREAD_STACK);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, &attributes, writer_run, store);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return -error;
}

static void open_first(struct store *store, const struct store_tuning *tuning)
{
    store->tuning = *tuning;
    store->tuning.busy_ms = tuning->busy_ms < OPEN_BUSY_MS ? tuning->busy_ms : OPEN_BUSY_MS;
    writer_open(store);
    store->tuning.busy_ms = tuning->busy_ms;
    if (store->db)
        db_set_busy(store->db, tuning->busy_ms);
    else {
        /* What the file holds is not known yet: ids from here on are beyond whatever it can hold.
         * Events have theirs when they are written. */
        for (size_t i = 0; i < STORE_TABLES; i++)
            if (i != STORE_EVENTS)
                queue_know_last(&store->queue, (enum store_table)i, clock_now().wall);
    }
}

int store_create_tuned(const struct store_options *options, const struct store_tuning *tuning,
                       struct store **ret_store)
{
    struct store *store = calloc(1, sizeof(*store));
    if (!store)
        return -ENOMEM;
    pthread_mutex_init(&store->file, NULL);
    pthread_mutex_init(&store->lock, NULL);
    int error = store_init(store, options);
    if (error == 0) {
        open_first(store, tuning);
        error = start_writer(store);
    }
    if (error < 0) {
        db_close(store->db, false);
        store_free(store);
        return error;
    }
    *ret_store = store;
    return 0;
}

int store_create(const struct store_options *options, struct store **ret_store)
{
    return store_create_tuned(options, &store_tuning_real, ret_store);
}

void store_destroy(struct store *store, int64_t limit_ms)
{
    if (!store)
        return;
    sigset_t all;
    struct pollfd ended = {.fd = store->ended, .events = POLLIN};
    const struct timespec limit = span(limit_ms);
    pthread_mutex_lock(&store->lock);
    store->stop = true;
    if (store->checking)
        db_interrupt(store->db);
    pthread_mutex_unlock(&store->lock);
    eventfd_write(store->bell, 1);
    sigfillset(&all); /* a signal is no reason to leave earlier */
    ppoll(&ended, 1, &limit, &all);
    store_leave(store);
}

/* ---- reading ---- */

struct load {
    struct store *store;
    enum store_kind kind;
    store_row *row;
    void *context;
};

static void load_row(void *context, const char *key, const char *body, int64_t saved_wall)
{
    struct load *load = context;
    pthread_mutex_lock(&load->store->lock);
    queue_know(&load->store->queue, load->kind, key, body, saved_wall);
    pthread_mutex_unlock(&load->store->lock);
    load->row(load->context, key, body, saved_wall);
}

/* Where nothing can be written, reading may still do. */
static bool load_aside(struct load *load, struct trouble *ret_trouble)
{
    struct db *reader = NULL;
    if (!db_open_reader(load->store->path, &reader, ret_trouble))
        return false;
    bool ok = db_load(reader, load->kind, load_row, load, ret_trouble);
    db_close(reader, false);
    return ok;
}

static void check_row(void *context, const char *key, const char *body, int64_t saved_wall)
{
    bool *is_sound = context;
    (void)key;
    (void)saved_wall;
    *is_sound = *is_sound && salvage_is_sound(body);
}

/* Nothing is handed on of what is damaged: SQLite does not see it within a text. */
static bool load_open(struct load *load, struct trouble *ret_trouble)
{
    struct db *db = load->store->db;
    bool is_sound = true;
    bool ok = db_load(db, load->kind, check_row, &is_sound, ret_trouble);
    if (ok && !is_sound)
        *ret_trouble = (struct trouble){.kind = TROUBLE_CORRUPT, .detail = "a row is no JSON"};
    if (ok && is_sound && db_load(db, load->kind, load_row, load, ret_trouble))
        return true;
    writer_failed(load->store, ret_trouble);
    return false;
}

/* What was damaged has been set aside by then, and another file is in its place. */
static bool load_again(struct load *load, struct trouble *ret_trouble)
{
    if (ret_trouble->kind != TROUBLE_CORRUPT || load->store->retry_at > 0)
        return false;
    writer_reopen(load->store);
    return load->store->db && db_load(load->store->db, load->kind, load_row, load, ret_trouble);
}

static int trouble_errno(enum trouble_kind kind)
{
    return kind == TROUBLE_BUSY      ? -EBUSY
           : kind == TROUBLE_CORRUPT ? -EBADMSG
           : kind == TROUBLE_MISSING ? -ENOENT
           : kind == TROUBLE_MEMORY  ? -ENOMEM
                                     : -EIO;
}

int store_load(struct store *store, enum store_kind kind, store_row *row, void *context)
{
    struct load load = {store, kind, row, context};
    struct trouble trouble = {0};
    pthread_mutex_lock(&store->file);
    bool was_open = store->db;
    bool ok = was_open ? load_open(&load, &trouble) || load_again(&load, &trouble)
                       : load_aside(&load, &trouble);
    if (!ok && !store->db) /* what is damaged, or gone, may have left something */
        ok = salvage_load(store->path, kind, load_row, &load) == 0;
    pthread_mutex_unlock(&store->file);
    return ok ? 0 : trouble_errno(trouble.kind);
}

/* ---- writing ---- */

/* What a row that comes in finds. */
struct arrival {
    struct now now;
    int64_t due;
};

static struct arrival lock_for(struct store *store)
{
    const struct now now = clock_now();
    pthread_mutex_lock(&store->lock);
    return (struct arrival){now, queue_due(&store->queue, &store->tuning.pace)};
}

/* What of the row concerns the writer, and who waits. */
static uint64_t unlock_with(struct store *store, struct arrival arrival, bool durable,
                            uint64_t ticket)
{
    if (durable) {
        if (!someone_waits(store))
            store->durable_since = arrival.now.boot;
        store->durable_last = store->queue.ticket;
        store_arm(store, give_up_at(store));
        if (store->checking)
            db_interrupt(store->db);
    }
    if (queue_due(&store->queue, &store->tuning.pace) < arrival.due)
        eventfd_write(store->bell, 1);
    pthread_mutex_unlock(&store->lock);
    return ticket;
}

uint64_t store_put(struct store *store, enum store_kind kind, const char *key, const char *body,
                   bool durable)
{
    const struct arrival arrival = lock_for(store);
    return unlock_with(store, arrival, durable,
                       queue_put(&store->queue, kind, key, body, durable, arrival.now));
}

uint64_t store_log(struct store *store, const struct store_event *event, bool durable)
{
    const struct arrival arrival = lock_for(store);
    return unlock_with(store, arrival, durable,
                       queue_log(&store->queue, event, durable, arrival.now));
}

uint64_t store_keep(struct store *store, const struct store_entry *entry, bool durable)
{
    const struct arrival arrival = lock_for(store);
    return unlock_with(store, arrival, durable,
                       queue_keep(&store->queue, entry, durable, arrival.now));
}

uint64_t store_flush(struct store *store)
{
    const struct arrival arrival = lock_for(store);
    const bool waits = queue_waiting(&store->queue) > 0;
    if (waits)
        queue_hurry(&store->queue);
    return unlock_with(store, arrival, waits, waits ? store->queue.ticket : 0);
}

int64_t store_new_id(struct store *store, enum store_table table)
{
    pthread_mutex_lock(&store->lock);
    int64_t id = queue_new_id(&store->queue, table);
    pthread_mutex_unlock(&store->lock);
    return id;
}

int store_fd(const struct store *store)
{
    return store->told;
}

uint64_t store_written(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    const uint64_t written = store->written;
    pthread_mutex_unlock(&store->lock);
    return written;
}

uint64_t store_committed(struct store *store)
{
    uint64_t expirations;
    pthread_mutex_lock(&store->lock);
    if (read(store->told, &expirations, sizeof(expirations)) > 0)
        store->armed = QUEUE_NEVER;
    if (give_up_at(store) <= clock_now().boot)
        give_up(store);
    store_arm(store, give_up_at(store));
    uint64_t committed = store->committed;
    pthread_mutex_unlock(&store->lock);
    return committed;
}

void store_salvaged(struct store *store, struct store_salvage *ret_salvage)
{
    pthread_mutex_lock(&store->lock);
    *ret_salvage = store->salvaged;
    pthread_mutex_unlock(&store->lock);
}

void store_problem(struct store *store, char *out, size_t size)
{
    char text[sizeof(store->news) + sizeof(store->problem)];
    pthread_mutex_lock(&store->lock);
    bool told = store->news[0] != '\0';
    snprintf(text, sizeof(text), "%s%s%s", store->news,
             told && store->problem[0] != '\0' ? " " : "", store->problem);
    store->news[0] = '\0';
    if (told)
        store_arm(store, 0); /* it reads differently from now on */
    pthread_mutex_unlock(&store->lock);
    text_copy(out, size, text);
}
