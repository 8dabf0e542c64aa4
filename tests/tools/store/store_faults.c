/*
 * store_faults: the store on an unreliable disk. store_faults PLAY [SEED]
 *   power   the power goes at every single write of a short life, what was not synced kept, lost
 *           or torn: the file is sound, what was said to be written is there, nothing twice
 *   errors  the Nth operation fails, and so do the next few: all is written in the end, once
 *   silent  a sync does not end: nobody waits for ever, and all is written when it does end
 *   writes  bytes and syncs of a day with 10 servers and 1,000 visits
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "faulty_vfs.h"
#include "store/store.h"
#include "store/tuning.h"

enum { PATH_SIZE = 256, LIMIT_MS = 20000 };

static char folder[PATH_SIZE], rebuilt[PATH_SIZE];

static void expect(bool what, const char *words, uint64_t where)
{
    if (what)
        return;
    fprintf(stderr, "FAILED at %llu: %s (files in %s, %s)\n", (unsigned long long)where, words,
            folder, rebuilt);
    exit(1);
}

/* ---- a life ---- */

static struct store *begin(const struct store_tuning *tuning)
{
    char path[PATH_SIZE + 16];
    struct store *store = NULL;
    snprintf(path, sizeof path, "%s/hall.db", folder);
    const struct store_options options = {.path = path, .keep_days = 100000, .max_mb = 50};
    expect(store_create_tuned(&options, tuning, &store) == 0, "store_create", 0);
    return store;
}

static void wait_for(struct store *store, uint64_t ticket)
{
    struct pollfd fd = {.fd = store_fd(store), .events = POLLIN};
    while (store_committed(store) < ticket)
        expect(poll(&fd, 1, LIMIT_MS) == 1, "the ticket comes", ticket);
}

static uint64_t log_number(struct store *store, unsigned n, bool durable)
{
    char body[32];
    snprintf(body, sizeof body, "{\"n\":%u}", n);
    const struct store_event event = {
        .at = 1000000 + n, .server = n % 2 ? "testing" : NULL, .type = "ready", .body = body};
    return store_log(store, &event, durable);
}

/* The state of the number n: some pages of it, so that logs grow and are checkpointed. */
static uint64_t put_number(struct store *store, unsigned n, size_t size)
{
    char *body = malloc(size + 16);
    expect(body != NULL, "memory", n);
    int used = snprintf(body, 16, "%u ", n);
    memset(body + used, 'x', size);
    body[(size_t)used + size] = '\0';
    uint64_t ticket = store_put(store, STORE_SERVER, "testing", body, true);
    free(body);
    return ticket;
}

/* A row of its own, and one that is written over and over. */
static void keep_number(struct store *store, unsigned n)
{
    const struct store_entry wake = {.table = STORE_WAKES,
                                     .id = store_new_id(store, STORE_WAKES),
                                     .numbers = {n, n},
                                     .texts = {"w", "testing", NULL, NULL, "visit", "visit", NULL}};
    const struct store_entry span = {
        .table = STORE_SPANS, .id = 1, .numbers = {n, n, 0, 1}, .texts = {"testing"}};
    store_keep(store, &wake, false);
    store_keep(store, &span, false);
}

/* Durable step by durable step; each said to be done is marked. */
static void live(struct store *store, unsigned steps, size_t size)
{
    for (unsigned n = 1; n <= steps; n++) {
        log_number(store, n, true);
        keep_number(store, n);
        wait_for(store, put_number(store, n, size));
        faulty_vfs_mark(n);
    }
}

/* ---- what is on the disk ---- */

static sqlite3 *open_plain(const char *where)
{
    char path[PATH_SIZE + 16];
    sqlite3 *sql = NULL;
    snprintf(path, sizeof path, "%s/hall.db", where);
    expect(sqlite3_open_v2(path, &sql, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "unix") ==
               SQLITE_OK,
           "it opens", 0);
    return sql;
}

static long long number(sqlite3 *sql, const char *question, size_t at)
{
    sqlite3_stmt *statement = NULL;
    expect(sqlite3_prepare_v2(sql, question, -1, &statement, NULL) == SQLITE_OK,
           sqlite3_errmsg(sql), at);
    expect(sqlite3_step(statement) == SQLITE_ROW, sqlite3_errmsg(sql), at);
    long long value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

static void expect_sound(sqlite3 *sql, size_t at)
{
    long long bad = number(
        sql, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'", at);
    expect(bad == 0, "integrity_check", at);
}

/* At least up to the mark; events without gap and none twice; the state no older than they are. */
static void expect_rows(sqlite3 *sql, uint64_t mark, size_t at)
{
    long long tables = number(sql, "SELECT count(*) FROM sqlite_schema WHERE type = 'table'", at);
    expect(tables == 10 || (tables == 0 && mark == 0), "the tables are there", at);
    if (tables == 0)
        return;
    long long events = number(sql, "SELECT count(*) FROM events", at);
    long long different = number(sql, "SELECT count(DISTINCT body) FROM events", at);
    long long newest = number(sql, "SELECT coalesce(max(at) - 1000000, 0) FROM events", at);
    long long state = number(sql, "SELECT coalesce(max(CAST(body AS INTEGER)), 0) FROM state", at);
    long long wakes = number(sql, "SELECT count(*) FROM wakes", at);
    long long span = number(sql, "SELECT coalesce(max(ms), 0) FROM spans", at);
    expect(wakes == number(sql, "SELECT coalesce(max(ms), 0) FROM wakes", at) &&
               wakes == number(sql, "SELECT count(DISTINCT ms) FROM wakes", at),
           "no wake is missing between others, none is there twice", at);
    expect(wakes >= (long long)mark && span >= (long long)mark && span <= events &&
               number(sql, "SELECT count(*) FROM spans", at) <= 1,
           "wakes and spans are there as far as was said", at);
    expect(events == different, "no event is there twice", at);
    expect(events == newest, "no event is missing between others", at);
    expect(events >= (long long)mark, "every event that was said to be written is there", at);
    expect(state >= (long long)mark && state <= events,
           "the state is the one that was said to be written", at);
}

static void empty(const char *where)
{
    DIR *directory = opendir(where);
    struct dirent *entry;
    expect(directory != NULL, where, 0);
    while ((entry = readdir(directory)) != NULL)
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(directory), entry->d_name, 0);
    closedir(directory);
}

static bool has_corrupt(const char *where)
{
    bool found = false;
    DIR *directory = opendir(where);
    struct dirent *entry;
    expect(directory != NULL, where, 0);
    while ((entry = readdir(directory)) != NULL)
        found = found || strstr(entry->d_name, ".corrupt.") != NULL;
    closedir(directory);
    return found;
}

/* ---- plays ---- */

static const struct store_tuning quick = {
    .pace = {.batch_ms = 50, .batch_rows = 50},
    .retry_first_ms = 1,
    .retry_most_ms = 1,
    .give_up_ms = LIMIT_MS,
    .silent_ms = LIMIT_MS,
    .check_after_ms = 0,
    .check_again_ms = 1,
    .prune_every_ms = LIMIT_MS,
    .busy_ms = 100,
};

static int play_power(unsigned seed)
{
    const unsigned steps = 150;
    const size_t size = 9000;
    faulty_vfs_record(true);
    struct store *store = begin(&quick);
    live(store, steps, size);
    store_destroy(store, LIMIT_MS);
    faulty_vfs_record(false);
    size_t n = faulty_vfs_operations();
    expect(n / 4 > steps, "there were writes", n);
    for (size_t i = 0; i <= n; i++) {
        uint64_t mark = faulty_vfs_rebuild(i, (enum faulty_loss)(i % 3), &seed, rebuilt);
        sqlite3 *sql = open_plain(rebuilt);
        expect_sound(sql, i);
        expect_rows(sql, mark, i);
        expect(sqlite3_close(sql) == SQLITE_OK, "it closes", i);
        empty(rebuilt);
    }
    printf("power: cut at each of %zu operations, %u steps\n", n, steps);
    return 0;
}

static bool live_with_failures(long nth, long count)
{
    enum { STEPS = 6 };
    faulty_vfs_fail(nth, count);
    struct store *store = begin(&quick);
    live(store, STEPS, 3000);
    bool failed = faulty_vfs_failed();
    faulty_vfs_fail(0, 0);
    store_destroy(store, LIMIT_MS);
    expect(!has_corrupt(folder), "a sound file is not set aside", (size_t)nth);
    sqlite3 *sql = open_plain(folder);
    expect_sound(sql, (size_t)nth);
    expect_rows(sql, STEPS, (size_t)nth);
    sqlite3_close(sql);
    empty(folder);
    return failed;
}

static int play_errors(unsigned seed)
{
    static const long counts[] = {1, 3, 20};
    (void)seed;
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
        long nth = 1;
        while (live_with_failures(nth, counts[i]))
            nth++;
        expect(nth > 50, "operations failed", (size_t)nth);
        printf("errors: %ld in a row from each of the first %ld operations\n", counts[i], nth - 1);
    }
    return 0;
}

static bool problem_has(struct store *store, const char *word)
{
    char problem[2048];
    store_problem(store, problem, sizeof problem);
    return strstr(problem, word) != NULL;
}

/* An answer that comes after the store was given up ends the problem, and that is told. */
static void wait_until_well(struct store *store)
{
    struct pollfd fd = {.fd = store_fd(store), .events = POLLIN};
    store_committed(store); /* takes what was told, before the look */
    while (problem_has(store, "does not answer")) {
        expect(poll(&fd, 1, LIMIT_MS) == 1, "the end of the problem is told", 0);
        store_committed(store);
    }
}

static int play_silent(unsigned seed)
{
    struct store_tuning tuning = quick;
    (void)seed;
    tuning.silent_ms = 30;
    struct store *store = begin(&tuning);
    live(store, 1, 10);
    wait_until_well(store); /* a disk under load may be silent for so long too */
    faulty_vfs_hang(true);
    uint64_t ticket = put_number(store, 2, 10);
    wait_for(store, ticket);
    expect(problem_has(store, "does not answer"), "the problem is told", 0);
    faulty_vfs_hang(false);
    log_number(store, 2, true);
    wait_for(store, put_number(store, 3, 10));
    wait_until_well(store);
    log_number(store, 3, true);
    faulty_vfs_hang(true);
    store_destroy(store, 30);
    faulty_vfs_hang(false);
    store =
        begin(&tuning); /* waits for the lock of the one that was left behind, or finds it done */
    wait_for(store, put_number(store, 3, 10));
    wait_until_well(store);
    store_destroy(store, LIMIT_MS);
    empty(folder);
    printf("silent: given up waiting for, and back\n");
    return 0;
}

/* As the daemon does it: a visit renews a lease of its server; one of 25 finds it asleep. */
static void put_server(struct store *store, const char *key, int n)
{
    char body[800];
    memset(body, 'x', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    snprintf(body, 16, "%d", n);
    store_put(store, STORE_SERVER, key, body, false);
}

static void tell(struct store *store, const char *key, const char *type, int64_t at, bool visited)
{
    char body[200];
    memset(body, 'x', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    const struct store_event event = {.at = at,
                                      .server = key,
                                      .domain = visited ? "testing.example.org" : NULL,
                                      .project = visited ? "client1" : NULL,
                                      .type = type,
                                      .body = body};
    store_log(store, &event, false);
}

static void keep_wake(struct store *store, const char *key, int64_t at)
{
    const struct store_entry wake = {
        .table = STORE_WAKES,
        .id = store_new_id(store, STORE_WAKES),
        .numbers = {at, 18100, 3, 0, 1, 20, 2, 11400, 12900, 12900, 13000, 17800, 18100},
        .texts = {"w-18c2-7", key, "client1", "testing.example.org", "visit of client1", "visit",
                  NULL}};
    const struct store_entry sleep = {.table = STORE_SLEEPS,
                                      .id = store_new_id(store, STORE_SLEEPS),
                                      .numbers = {at, 9200, 2640000, STORE_ASLEEP},
                                      .texts = {key, "hall", "silence is proven"}};
    store_keep(store, &wake, false);
    store_keep(store, &sleep, false);
}

static void keep_span(struct store *store, const char *key, int64_t at)
{
    const struct store_entry span = {.table = STORE_SPANS,
                                     .id = store_new_id(store, STORE_SPANS),
                                     .numbers = {at, 60000, 1, 0},
                                     .texts = {key}};
    store_keep(store, &span, false);
}

/* A wake and the sleep after it, with every event and every state of theirs. */
static void cycle(struct store *store, const char *key, int64_t at)
{
    static const char *const types[] = {"packet_sent", "packet_sent", "packet_sent",     "stage",
                                        "stage",       "stage",       "stage",           "stage",
                                        "stage",       "stage",       "sleep_requested", "asleep"};
    tell(store, key, "wake_requested", at, true);
    tell(store, key, "ready", at, true);
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        tell(store, key, types[i], at, false);
    for (int i = 0; i < 5; i++)
        keep_span(store, key, at);
    keep_wake(store, key, at);
}

/* The visits of a site in an hour, as they stand. */
static void keep_visits(struct store *store, int site, int second)
{
    static int64_t ids[10], hours[10];
    const int64_t hour = second / 3600;
    char key[32];
    if (ids[site] == 0 || hours[site] != hour)
        ids[site] = store_new_id(store, STORE_VISITS);
    hours[site] = hour;
    snprintf(key, sizeof key, "server%d", site);
    const struct store_entry entry = {.table = STORE_VISITS,
                                      .id = ids[site],
                                      .numbers = {hour * 3600000, second * INT64_C(1000), 42},
                                      .texts = {"testing.example.org", "client1", key}};
    store_keep(store, &entry, false);
}

static void visit(struct store *store, int n, int second)
{
    char key[32];
    snprintf(key, sizeof key, "server%d", n % 10);
    put_server(store, key, n);
    keep_visits(store, n % 10, second);
    if (n % 25 == 0)
        cycle(store, key, n * INT64_C(86400));
}

/* Each half hour: the stretch of time that lasts and the totals of each server. */
static void keep_books(struct store *store, int64_t half_hour)
{
    static int64_t spans[10];
    char key[32];
    for (int i = 0; i < 10; i++) {
        snprintf(key, sizeof key, "server%d", i);
        const struct store_entry totals = {.table = STORE_TOTALS,
                                           .id = i + 1,
                                           .numbers = {half_hour * 1800000, 123456789, 987654321,
                                                       5555555555, 42424242424, half_hour},
                                           .texts = {key}};
        store_keep(store, &totals, false);
        if (spans[i] == 0 || (half_hour + i) % 8 == 0)
            spans[i] = store_new_id(store, STORE_SPANS);
        const struct store_entry span = {
            .table = STORE_SPANS,
            .id = spans[i],
            .numbers = {half_hour * 1800000, 1800000, 1, 1, 3600000, 81000000},
            .texts = {key}};
        store_keep(store, &span, false);
    }
}

static uint64_t process_write_bytes(void)
{
    const char *name = "write_bytes: ";
    uint64_t found = 0;
    char line[128];
    FILE *io = fopen("/proc/self/io", "re");
    while (io != NULL && fgets(line, sizeof line, io) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            found = strtoull(line + strlen(name), NULL, 10);
    if (io != NULL)
        fclose(io);
    return found;
}

static int compare_seconds(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Visits at random seconds of that many hours; a commit 25 s after the first that waits, as
 * hall_visitors does. */
static void day(const char *name, int hours, unsigned seed)
{
    enum { VISITS = 1000, BATCH_S = 25 };
    int seconds[VISITS + 1], half_hour = 0;
    struct store_tuning tuning = quick;
    tuning.pace = (struct queue_pace){.batch_ms = LIMIT_MS, .batch_rows = SIZE_MAX};
    for (int i = 0; i < VISITS; i++)
        seconds[i] = rand_r(&seed) % (hours * 3600);
    qsort(seconds, VISITS, sizeof seconds[0], compare_seconds);
    seconds[VISITS] = INT32_MAX;
    faulty_vfs_reset_counts();
    uint64_t before = process_write_bytes();
    struct store *store = begin(&tuning);
    for (int i = 0, first = 0; i < VISITS; i++) {
        visit(store, i, seconds[i]);
        for (; half_hour < seconds[i] / 1800; half_hour++) {
            keep_books(store, half_hour);
            wait_for(store, store_put(store, STORE_SETTING, "none", NULL, true));
        }
        if (seconds[i + 1] - seconds[first] < BATCH_S)
            continue;
        wait_for(store, store_put(store, STORE_SETTING, "none", NULL, true));
        first = i + 1;
    }
    store_destroy(store, LIMIT_MS);
    printf("writes.%s %.2f MB syncs=%llu process=%.2f MB\n", name,
           (double)faulty_vfs_written() / 1e6, (unsigned long long)faulty_vfs_syncs(),
           (double)(process_write_bytes() - before) / 1e6);
    expect(faulty_vfs_written() <= 5000000, "a day is at most 5 MB", faulty_vfs_written());
    empty(folder);
}

static int play_writes(unsigned seed)
{
    day("day", 24, seed);
    day("office", 8, seed);
    return 0;
}

static const struct {
    const char *name;
    int (*play)(unsigned seed);
} plays[] = {{"power", play_power},
             {"errors", play_errors},
             {"silent", play_silent},
             {"writes", play_writes}};

static void make_folders(void)
{
    bool memory = access("/dev/shm", W_OK) == 0 && getenv("STORE_FAULTS_DIR") == NULL;
    const char *top = memory ? "/dev/shm" : getenv("STORE_FAULTS_DIR");
    snprintf(folder, sizeof folder, "%s/hall-store-XXXXXX", top != NULL ? top : "/tmp");
    snprintf(rebuilt, sizeof rebuilt, "%s/hall-store-XXXXXX", top != NULL ? top : "/tmp");
    expect(mkdtemp(folder) != NULL && mkdtemp(rebuilt) != NULL, "folders", 0);
}

int main(int n, char **arguments)
{
    unsigned seed = n > 2 ? (unsigned)strtoul(arguments[2], NULL, 10) : 1;
    for (size_t i = 0; n > 1 && i < ARRAY_SIZE(plays); i++) {
        if (strcmp(arguments[1], plays[i].name) != 0)
            continue;
        printf("seed %u\n", seed);
        make_folders();
        faulty_vfs_install();
        int status = plays[i].play(seed);
        rmdir(folder);
        rmdir(rebuilt);
        return status;
    }
    fprintf(stderr, "store_faults power|errors|silent|writes [SEED]\n");
    return 2;
}
