/* What the store wrote, read again: pages, filters, figures; and its nightly backups. */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "store/archive.h"
#include "store/backup.h"
#include "store/tuning.h"
#include "unit.h"

enum { LIMIT_MS = 20000 };

struct place {
    char folder[32], path[64];
    struct store *store;
};

static int set_up(void **state)
{
    static struct place place;
    strcpy(place.folder, "/tmp/hall-archive-XXXXXX");
    if (mkdtemp(place.folder) == NULL)
        return -1;
    snprintf(place.path, sizeof place.path, "%s/hall.db", place.folder);
    const struct store_options options = {.path = place.path, .keep_days = 3650, .max_mb = 50};
    *state = &place;
    return store_create(&options, &place.store);
}

static int tear_down(void **state)
{
    struct place *place = *state;
    DIR *directory = opendir(place->folder);
    struct dirent *entry;
    store_destroy(place->store, LIMIT_MS);
    while (directory != NULL && (entry = readdir(directory)) != NULL)
        unlinkat(dirfd(directory), entry->d_name, 0);
    if (directory != NULL)
        closedir(directory);
    return rmdir(place->folder);
}

static void settle(struct store *store)
{
    struct pollfd fd = {.fd = store_fd(store), .events = POLLIN};
    uint64_t ticket = store_put(store, STORE_SETTING, "settled", "1", true);
    while (store_committed(store) < ticket)
        assert_int_equal(poll(&fd, 1, LIMIT_MS), 1);
}

static void log_event(struct store *store, int64_t at, const char *server, const char *project,
                      const char *type, const char *body)
{
    const struct store_event event = {
        .at = at, .server = server, .project = project, .type = type, .body = body};
    store_log(store, &event, false);
}

struct gathered {
    int n;
    int64_t ids[512];
    int stop_after; /* 0: never */
};

static bool gather(void *context, const struct store_entry *entry)
{
    struct gathered *all = context;
    all->ids[all->n++] = entry->id;
    return all->n != all->stop_after;
}

static int64_t page(const struct place *place, enum store_table table,
                    const struct archive_filter *filter, struct gathered *all)
{
    struct archive *archive = NULL;
    char why[ARCHIVE_SENTENCE] = "";
    int64_t next = 0;
    assert_int_equal(archive_open(place->path, LIMIT_MS, &archive, why), 0);
    assert_int_equal(archive_page(archive, table, filter, gather, all, &next, why), 0);
    archive_close(archive);
    return next;
}

static void test_pages_follow_each_other_whatever_the_clock_did(void **state)
{
    const struct place *place = *state;
    struct gathered all = {0};
    struct archive_filter filter = {.limit = 10};
    /* At the 30th the clock jumps ahead a year, at the 60th back again; many at one instant. */
    for (int i = 1; i <= 100; i++)
        log_event(place->store, (i / 5 + (i >= 30 && i < 60 ? 1000000 : 0)) * 1000, "a", NULL,
                  "ready", "{}");
    settle(place->store);
    for (int pages = 0; pages < 20; pages++) {
        filter.before = page(place, STORE_EVENTS, &filter, &all);
        if (filter.before == 0)
            break;
    }
    assert_int_equal(all.n, 100);
    assert_int_equal(all.ids[0], 59);
    assert_int_equal(all.ids[99], 1);
    for (int i = 0; i < 100; i++)
        for (int k = i + 1; k < 100; k++)
            assert_int_not_equal(all.ids[i], all.ids[k]);
}

static void test_filters(void **state)
{
    const struct place *place = *state;
    static const struct {
        struct archive_filter filter;
        int found;
    } cases[] = {
        {{.limit = 100}, 6},
        {{.limit = 100, .server = "a"}, 3},
        {{.limit = 100, .server = "a", .type = "ready"}, 2},
        {{.limit = 100, .type = "stage"}, 1},
        {{.limit = 100, .type = "ready"}, 3},
        {{.limit = 100, .project = "p"}, 2},
        {{.limit = 100, .project = "p", .server = "b"}, 1},
        {{.limit = 100, .search = "NEEDLE"}, 1},
        {{.limit = 100, .search = "100%"}, 0},
        {{.limit = 100, .from = 2000, .to = 5000}, 3},
        {{.limit = 100, .from = 6000}, 1},
        {{.limit = 100, .to = 2000}, 1},
        {{.limit = 100, .server = "a' OR 1=1 --"}, 0},
        {{.limit = 100, .address = "1.2.3.4"}, 0},
    };
    log_event(place->store, 1000, "a", NULL, "stage", "{}");
    log_event(place->store, 2000, "a", "p", "ready", "{\"detail\":\"a needle in hay\"}");
    log_event(place->store, 3000, "a", NULL, "ready", "{}");
    log_event(place->store, 4000, "b", "p", "ready", "{}");
    log_event(place->store, 5000, "b", NULL, "packet_sent", "{}");
    log_event(place->store, 6000, NULL, NULL, "config_loaded", "{}");
    settle(place->store);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct gathered all = {0};
        assert_int_equal(page(place, STORE_EVENTS, &cases[i].filter, &all), 0);
        assert_int_equal(all.n, cases[i].found);
    }
}

static void keep(struct store *store, enum store_table table, int64_t id, const int64_t numbers[6],
                 const char *const texts[4])
{
    struct store_entry entry = {.table = table, .id = id};
    for (int i = 0; i < 6; i++)
        entry.numbers[i] = numbers[i];
    for (int i = 0; i < 4; i++)
        entry.texts[i] = texts[i];
    if (table == STORE_WAKES) {
        entry.texts[4] = "visit of p";
        entry.texts[5] = "visit";
        entry.texts[6] = numbers[4] ? NULL : "no_sign";
    }
    store_keep(store, &entry, false);
}

#define NUMBERS(...) ((const int64_t[6]){__VA_ARGS__})
#define TEXTS(...)   ((const char *const[4]){__VA_ARGS__})

static void test_the_same_id_again_replaces(void **state)
{
    const struct place *place = *state;
    struct gathered all = {0};
    const struct archive_filter filter = {.limit = 10};
    int64_t first = store_new_id(place->store, STORE_SPANS);
    keep(place->store, STORE_SPANS, first, NUMBERS(1000, 10, 1, 1, -1, -1), TEXTS("a"));
    settle(place->store);
    keep(place->store, STORE_SPANS, first, NUMBERS(2000, 1010, 1, 0, -1, -1), TEXTS("a"));
    keep(place->store, STORE_SPANS, store_new_id(place->store, STORE_SPANS),
         NUMBERS(3000, 1000, 4, 1), TEXTS("a"));
    settle(place->store);
    assert_int_equal(page(place, STORE_SPANS, &filter, &all), 0);
    assert_int_equal(all.n, 2);
}

static struct figure_row last_row;
static int n_rows;
static int64_t sums[16];

static void read_figure(void *context, const struct figure_row *row)
{
    (void)context;
    last_row = *row;
    n_rows++;
    if (row->numbers[0] >= 0 && row->numbers[0] < 16)
        sums[row->numbers[0]] += row->numbers[1];
}

static void figure(const struct place *place, enum archive_figure which, const char *server,
                   int64_t from, int64_t to)
{
    struct archive *archive = NULL;
    char why[ARCHIVE_SENTENCE] = "";
    n_rows = 0;
    memset(sums, 0, sizeof sums);
    assert_int_equal(archive_open(place->path, LIMIT_MS, &archive, why), 0);
    assert_int_equal(archive_figure(archive, which, server, from, to, read_figure, NULL, why), 0);
    archive_close(archive);
}

static void test_time_in_states_is_clipped_to_the_period(void **state)
{
    const struct place *place = *state;
    /* off 0-100 s, ready 100-160 s; then Hall was not there; off 1000-1100 s. */
    keep(place->store, STORE_SPANS, 1, NUMBERS(100000, 100000, 1, 0, -1, -1), TEXTS("a"));
    keep(place->store, STORE_SPANS, 2, NUMBERS(160000, 60000, 4, 0, 6000, 6000), TEXTS("a"));
    keep(place->store, STORE_SPANS, 3, NUMBERS(1100000, 100000, 1, 1, 200, 9000), TEXTS("a"));
    keep(place->store, STORE_SPANS, 4, NUMBERS(1100000, 1100000, 1, 1, -1, -1), TEXTS("b"));
    settle(place->store);
    figure(place, FIGURE_STATES, "a", 50000, 1050000);
    assert_int_equal(n_rows, 2);
    assert_int_equal(sums[1], 50000 + 50000);
    assert_int_equal(sums[4], 60000);
    figure(place, FIGURE_STATES, NULL, 0, 2000000);
    assert_int_equal(n_rows, 3);
    assert_int_equal(sums[1], 200000 + 1100000);
    figure(place, FIGURE_ENERGY, "a", 50000, 1050000);
    assert_int_equal(n_rows, 2); /* off: half of what is known, and as much time without */
    assert_int_equal(sums[1], 100);
    assert_int_equal(sums[4], 6000);
    assert_int_equal(last_row.numbers[0], 4);
    figure(place, FIGURE_ENERGY, "a", 0, 150000);
    assert_int_equal(sums[4], 5000);
    figure(place, FIGURE_SINCE, NULL, 0, 1);
    assert_int_equal(last_row.numbers[1], 1100000);
}

static void test_percentiles_are_of_the_ready_ones_by_kind(void **state)
{
    const struct place *place = *state;
    for (int i = 1; i <= 100; i++)
        keep(place->store, STORE_WAKES, i, NUMBERS(i * 1000, i * 10, 1, 0, 1, i % 168),
             TEXTS("w", "a", "p", "d"));
    keep(place->store, STORE_WAKES, 101, NUMBERS(5000, 99999, 1, 0, 0, 3), TEXTS("w", "a"));
    keep(place->store, STORE_WAKES, 102, NUMBERS(5000, 60000, 1, 1, 1, 3), TEXTS("w", "a"));
    settle(place->store);
    figure(place, FIGURE_BOOTS, "a", 0, 1000000);
    assert_int_equal(n_rows, 2); /* the cold one comes last */
    assert_int_equal(last_row.numbers[0], 1);
    assert_int_equal(last_row.numbers[2], 60000);
    figure(place, FIGURE_BOOTS, "a", 1, 5000);
    assert_int_equal(last_row.numbers[1], 4);
    assert_int_equal(last_row.numbers[2], 20);
    assert_int_equal(last_row.numbers[3], 40);
    figure(place, FIGURE_WAKES, NULL, 0, 1000000);
    assert_int_equal(last_row.numbers[0], 101);
    assert_int_equal(last_row.numbers[1], 1);
    for (int i = 0; i < FIGURES; i++) /* each can be asked, with and without */
        for (int with = 0; with < 2; with++)
            figure(place, (enum archive_figure)i, with ? "a" : NULL, 0, INT64_C(1) << 50);
}

static void test_no_file_is_said(void **state)
{
    struct archive *archive = NULL;
    char why[ARCHIVE_SENTENCE] = "";
    assert_true(archive_open("/nowhere/hall.db", 100, &archive, why) < 0);
    assert_non_null(strstr(why, "/nowhere/hall.db"));
    archive_close(NULL);
}

/* ---- backups ---- */

static void test_backups_are_due_once_a_night(void **state)
{
    const struct place *place = *state;
    const int64_t day = INT64_C(86400000), night = 20000 * day;
    char work[PATH_MAX], name[PATH_MAX];
    struct stat status;
    assert_false(backup_is_due(place->path, night + 3600000, 2));
    assert_true(backup_is_due(place->path, night + 3 * 3600000, 2));
    for (int i = 0; i < 5; i++) {
        int64_t at = night + i * day + 3 * 3600000;
        assert_true(backup_is_due(place->path, at, 2));
        assert_int_equal(backup_begin(place->path, work), 0);
        assert_int_equal(backup_end(place->path, work, at, 3), 0);
        assert_false(backup_is_due(place->path, at + 3600000, 2));
        assert_true(backup_name(place->path, at, name));
        assert_int_equal(stat(name, &status), 0);
        assert_int_equal(status.st_mode & 0777, 0600);
    }
    assert_true(backup_name(place->path, night + 2 * day, name) && access(name, F_OK) == 0);
    assert_true(backup_name(place->path, night + 1 * day, name) && access(name, F_OK) < 0);
    assert_true(backup_name(place->path, night, name) && access(name, F_OK) < 0);
}

static void test_a_backup_is_a_whole_store(void **state)
{
    struct place *place = *state;
    struct store_tuning tuning = store_tuning_real;
    char name[PATH_MAX];
    struct gathered all = {0};
    const struct archive_filter filter = {.limit = 10};
    const struct store_options options = {
        .path = place->path, .keep_days = 3650, .max_mb = 50, .backups = 2};
    log_event(place->store, 1000, "a", NULL, "ready", "{}");
    settle(place->store);
    store_destroy(place->store, LIMIT_MS);
    tuning.backup_after_ms = 1;
    tuning.backup_hour = 0;
    assert_int_equal(store_create_tuned(&options, &tuning, &place->store), 0);
    assert_true(backup_name(place->path, clock_now().wall, name));
    for (int i = 0; i < LIMIT_MS / 10 && access(name, F_OK) < 0; i++)
        poll(NULL, 0, 10);
    struct place copy = *place;
    snprintf(copy.path, sizeof copy.path, "%.60s", name);
    assert_int_equal(page(&copy, STORE_EVENTS, &filter, &all), 0);
    assert_int_equal(all.n, 1);
}

static void wait_problem(struct store *store, const char *word)
{
    struct pollfd fd = {.fd = store_fd(store), .events = POLLIN};
    char problem[2048] = "";
    while (strstr(problem, word) == NULL) {
        assert_int_equal(poll(&fd, 1, LIMIT_MS), 1);
        store_committed(store);
        store_problem(store, problem, sizeof problem);
    }
}

static void test_a_backup_that_cannot_be_written_is_told_and_harms_nothing(void **state)
{
    struct place *place = *state;
    struct store_tuning tuning = store_tuning_real;
    char work[PATH_MAX];
    const struct store_options options = {
        .path = place->path, .keep_days = 3650, .max_mb = 50, .backups = 1};
    store_destroy(place->store, LIMIT_MS);
    snprintf(work, sizeof work, "%s.backup.new", place->path);
    assert_int_equal(mkdir(work, 0700), 0); /* something else stands there */
    tuning.backup_after_ms = tuning.backup_every_ms = 20;
    tuning.backup_hour = 0;
    assert_int_equal(store_create_tuned(&options, &tuning, &place->store), 0);
    wait_problem(place->store, "could not be written");
    settle(place->store);
    assert_int_equal(rmdir(work), 0);
    wait_problem(place->store, "written again");
}

int main(void)
{
#define WITH_STORE(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_STORE(test_pages_follow_each_other_whatever_the_clock_did),
        WITH_STORE(test_filters),
        WITH_STORE(test_the_same_id_again_replaces),
        WITH_STORE(test_time_in_states_is_clipped_to_the_period),
        WITH_STORE(test_percentiles_are_of_the_ready_ones_by_kind),
        cmocka_unit_test(test_no_file_is_said),
        WITH_STORE(test_backups_are_due_once_a_night),
        WITH_STORE(test_a_backup_is_a_whole_store),
        WITH_STORE(test_a_backup_that_cannot_be_written_is_told_and_harms_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
