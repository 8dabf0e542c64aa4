/* The store: its queue by itself, the words for its troubles, and the whole of it on a real file.
 * Disks that misbehave are played by store_faults and by the integration tests. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/queue.h"
#include "store/store.h"
#include "store/trouble.h"
#include "store/tuning.h"
#include "unit.h"

enum { LIMIT_MS = 20000 };

static const struct queue_pace pace = {.batch_ms = 30000, .batch_rows = 50};

static struct now at(int64_t boot)
{
    return (struct now){.boot = boot, .wall = 1000000 + boot};
}

static uint64_t log_type(struct queue *queue, const char *type, bool durable, int64_t boot)
{
    const struct store_event event = {.at = boot, .server = "s", .type = type, .body = "{}"};
    return queue_log(queue, &event, durable, at(boot));
}

/* ---- queue ---- */

static void test_a_batch_is_due_by_time_number_or_need(void **state)
{
    struct queue queue = {0};
    assert_int_equal(queue_due(&queue, &pace), QUEUE_NEVER);
    log_type(&queue, "ready", false, 100);
    log_type(&queue, "ready", false, 20000);
    assert_int_equal(queue_due(&queue, &pace), 30100);
    for (int i = 2; i < 49; i++)
        log_type(&queue, "ready", false, 20000);
    assert_int_equal(queue_due(&queue, &pace), 30100);
    queue_put(&queue, STORE_SERVER, "a", "1", false, at(20000));
    assert_int_equal(queue_due(&queue, &pace), 0);
    queue_finish(&queue);

    log_type(&queue, "ready", true, 100);
    assert_int_equal(queue_due(&queue, &pace), 0);
    queue_finish(&queue);
}

static void test_the_newest_body_of_a_row_is_taken_once(void **state)
{
    struct queue queue = {0};
    struct batch batch;
    assert_int_equal(queue_put(&queue, STORE_SERVER, "a", "1", false, at(1)), 1);
    assert_int_equal(queue_put(&queue, STORE_QUOTA, "a", "2", false, at(2)), 2);
    assert_int_equal(queue_put(&queue, STORE_SERVER, "a", "3", false, at(3)), 3);
    assert_int_equal(queue_waiting(&queue), 2);
    assert_int_equal(queue_take(&queue, &batch), 0);
    assert_int_equal(batch.n_rows, 2);
    assert_int_equal(batch.last, 3);
    assert_string_equal(batch.rows[0].body->text, "3");
    assert_int_equal(batch.rows[0].body->saved_wall, 1000003);
    assert_string_equal(batch.rows[1].body->text, "2");
    assert_int_equal(queue_waiting(&queue), 0);
    queue_written(&queue, &batch);
    assert_int_equal(queue_due(&queue, &pace), QUEUE_NEVER);
    queue_finish(&queue);
}

static void test_what_failed_waits_again_behind_what_is_newer(void **state)
{
    struct queue queue = {0};
    struct batch batch;
    queue_put(&queue, STORE_SERVER, "a", "old", true, at(1));
    queue_put(&queue, STORE_SERVER, "b", "kept", false, at(2));
    log_type(&queue, "first", false, 3);
    assert_int_equal(queue_take(&queue, &batch), 0);
    queue_put(&queue, STORE_SERVER, "a", "new", false, at(50));
    log_type(&queue, "second", false, 51);
    assert_false(queue.durable);
    queue_return(&queue, &batch);
    assert_true(queue.durable);
    assert_int_equal(queue.since, 1);
    assert_int_equal(queue_waiting(&queue), 4);

    assert_int_equal(queue_take(&queue, &batch), 0);
    assert_string_equal(batch.rows[0].body->text, "new");
    assert_string_equal(batch.rows[1].body->text, "kept");
    assert_string_equal(batch.events.first->texts[3], "first");
    assert_string_equal(batch.events.last->texts[3], "second");
    assert_int_equal(batch.events.first->id, 1); /* as at the first try */
    assert_int_equal(batch.events.last->id, 2);
    queue_written(&queue, &batch);
    queue_finish(&queue);
}

static void test_a_removed_row_is_forgotten_once_that_is_written(void **state)
{
    struct queue queue = {0};
    struct batch batch;
    queue_know(&queue, STORE_SETTING, "idle", "20", 7);
    assert_int_equal(queue_waiting(&queue), 0);
    queue_put(&queue, STORE_SETTING, "idle", NULL, false, at(1));
    queue_know(&queue, STORE_SETTING, "idle", "20", 7); /* what is read is older */
    assert_int_equal(queue_take(&queue, &batch), 0);
    assert_null(batch.rows[0].body);
    queue_written(&queue, &batch);
    assert_int_equal(queue.n_known, 0);
    queue_finish(&queue);
}

static void test_a_fresh_file_gets_every_row_at_once(void **state)
{
    struct queue queue = {0};
    struct batch batch;
    queue_know_anew(&queue, 5);
    assert_int_equal(queue_due(&queue, &pace), QUEUE_NEVER);
    queue_know(&queue, STORE_SETTING, "idle", "20", 7);
    queue_put(&queue, STORE_SERVER, "a", "1", false, at(1));
    queue_know_anew(&queue, 5);
    assert_int_equal(queue_due(&queue, &pace), 0);
    assert_int_equal(queue_take(&queue, &batch), 0);
    assert_int_equal(batch.n_rows, 2);
    queue_written(&queue, &batch);
    queue_finish(&queue);
}

static void test_events_are_bounded_and_durable_ones_outlive_routine(void **state)
{
    struct queue queue = {0};
    log_type(&queue, "durable", true, 0);
    for (int i = 0; i < QUEUE_EVENTS_MAX + 10; i++)
        log_type(&queue, i == 10 ? "last dropped" : "routine", false, i);
    assert_int_equal(queue.events.n, QUEUE_EVENTS_MAX);
    assert_int_equal(queue.dropped, 11);
    assert_string_equal(queue.events.first->texts[3], "durable");
    assert_string_equal(queue.events.first->after->texts[3], "routine");
    queue_finish(&queue);

    for (int i = 0; i < QUEUE_EVENTS_MAX + 1; i++)
        log_type(&queue, "durable", true, i);
    assert_int_equal(queue.events.first->numbers[0], 1);
    assert_int_equal(queue.events.n, QUEUE_EVENTS_MAX);
    queue_finish(&queue);
}

static void test_what_is_too_long_is_dropped_and_its_ticket_still_comes(void **state)
{
    struct queue queue = {0};
    char *body = malloc(QUEUE_BODY_MAX + 2);
    assert_non_null(body);
    memset(body, 'x', QUEUE_BODY_MAX + 1);
    body[QUEUE_BODY_MAX + 1] = '\0';
    assert_int_equal(queue_put(&queue, STORE_SERVER, "a", body, true, at(1)), 1);
    const struct store_event event = {.type = "ready", .body = body};
    assert_int_equal(queue_log(&queue, &event, true, at(1)), 2);
    assert_int_equal(queue.dropped, 2);
    assert_int_equal(queue_waiting(&queue), 0);
    assert_int_equal(queue_due(&queue, &pace), 0);
    body[QUEUE_BODY_MAX] = '\0';
    queue_put(&queue, STORE_SERVER, "a", body, false, at(1));
    assert_int_equal(queue_waiting(&queue), 1);
    free(body);
    queue_finish(&queue);
}

static void test_every_trouble_names_the_file_and_a_way_out(void **state)
{
    char text[TROUBLE_SIZE];
    for (int kind = TROUBLE_BUSY; kind < TROUBLE_INTERRUPTED; kind++) {
        struct trouble trouble = {.kind = (enum trouble_kind)kind, .detail = "the detail"};
        trouble_describe(&trouble, "/var/lib/hall/hall.db", text, sizeof text);
        assert_non_null(strstr(text, "/var/lib/hall/hall.db"));
        assert_non_null(strstr(text, "(the detail). "));
        assert_null(strstr(text, "(null)"));
    }
}

/* ---- the store on a file ---- */

struct place {
    char folder[64], path[96];
};

static int make_place(void **state)
{
    static struct place place;
    strcpy(place.folder, "/tmp/test-store-XXXXXX");
    if (mkdtemp(place.folder) == NULL)
        return -1;
    snprintf(place.path, sizeof place.path, "%s/hall.db", place.folder);
    *state = &place;
    return 0;
}

static int remove_place(void **state)
{
    const struct place *place = *state;
    DIR *directory = opendir(place->folder);
    struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL)
        unlinkat(dirfd(directory), entry->d_name, 0);
    if (directory != NULL)
        closedir(directory);
    return rmdir(place->folder);
}

static struct store *open_store(const struct place *place, const struct store_tuning *tuning)
{
    struct store *store = NULL;
    const struct store_options options = {.path = place->path, .keep_days = 90, .max_mb = 1};
    assert_int_equal(store_create_tuned(&options, tuning, &store), 0);
    return store;
}

static void wait_for(struct store *store, uint64_t ticket)
{
    struct pollfd fd = {.fd = store_fd(store), .events = POLLIN};
    while (store_committed(store) < ticket)
        assert_int_equal(poll(&fd, 1, LIMIT_MS), 1);
}

/* Until the problem holds that word; "" waits for none. */
static void wait_problem(struct store *store, const char *word)
{
    struct pollfd fd = {.fd = store_fd(store), .events = POLLIN};
    char problem[2048];
    for (;;) {
        store_committed(store);
        store_problem(store, problem, sizeof problem);
        if (word[0] == '\0' ? problem[0] == '\0' : strstr(problem, word) != NULL)
            return;
        assert_int_equal(poll(&fd, 1, LIMIT_MS), 1);
    }
}

static void gather(void *context, const char *key, const char *body, int64_t saved_wall)
{
    char *all = context;
    assert_true(saved_wall > 0);
    size_t used = strlen(all);
    snprintf(all + used, 512 - used, "%s=%s;", key, body);
}

static void assert_rows(struct store *store, enum store_kind kind, const char *rows)
{
    char all[512] = "";
    assert_int_equal(store_load(store, kind, gather, all), 0);
    assert_string_equal(all, rows);
}

static void test_rows_survive(void **state)
{
    struct store *store = open_store(*state, &store_tuning_real);
    assert_rows(store, STORE_SERVER, "");
    assert_int_equal(store_put(store, STORE_SERVER, "b", "2", false), 1);
    assert_int_equal(store_put(store, STORE_SERVER, "a", "1", false), 2);
    assert_int_equal(store_put(store, STORE_SETTING, "a", "3", false), 3);
    assert_int_equal(store_put(store, STORE_SERVER, "b", "4", false), 4);
    store_destroy(store, LIMIT_MS);

    store = open_store(*state, &store_tuning_real);
    assert_rows(store, STORE_SERVER, "a=1;b=4;");
    assert_rows(store, STORE_QUOTA, "");
    assert_rows(store, STORE_SETTING, "a=3;");
    wait_for(store, store_put(store, STORE_SERVER, "a", NULL, true));
    assert_rows(store, STORE_SERVER, "b=4;");
    store_destroy(store, LIMIT_MS);
}

static void test_a_durable_row_takes_what_waits_with_it(void **state)
{
    struct store *store = open_store(*state, &store_tuning_real);
    uint64_t routine = store_put(store, STORE_SERVER, "a", "1", false);
    uint64_t durable = store_put(store, STORE_SETTING, "b", "2", true);
    assert_true(durable > routine);
    wait_for(store, durable);
    assert_rows(store, STORE_SERVER, "a=1;");
    store_destroy(store, LIMIT_MS);
}

static void test_the_loop_is_not_woken_for_nothing(void **state)
{
    struct store *store = open_store(*state, &store_tuning_real);
    struct pollfd fd = {.fd = store_fd(store), .events = POLLIN};
    wait_for(store, store_put(store, STORE_SERVER, "a", "1", true));
    store_committed(store);
    store_put(store, STORE_SERVER, "a", "2", false);
    assert_int_equal(poll(&fd, 1, 20), 0);
    store_destroy(store, LIMIT_MS);
}

static void test_a_corrupt_file_is_set_aside_and_told(void **state)
{
    const struct place *place = *state;
    struct store_salvage salvage;
    char problem[2048];
    FILE *file = fopen(place->path, "we");
    assert_non_null(file);
    for (int i = 0; i < 300; i++)
        fputs("this is no database ", file);
    fclose(file);
    struct store *store = open_store(place, &store_tuning_real);
    store_salvaged(store, &salvage);
    assert_true(salvage.turn > 0 && salvage.is_new && strstr(salvage.file, ".corrupt."));
    assert_int_equal(salvage.records + salvage.records_copied, 0);
    store_problem(store, problem, sizeof problem);
    assert_string_equal(problem, "");
    wait_for(store, store_put(store, STORE_SERVER, "a", "1", true));
    assert_rows(store, STORE_SERVER, "a=1;");
    store_destroy(store, LIMIT_MS);
}

static void test_nobody_waits_for_ever(void **state)
{
    struct place place = *(struct place *)*state;
    struct store_tuning tuning = store_tuning_real;
    tuning.give_up_ms = 10;
    snprintf(place.path, sizeof place.path, "%s/no/such/hall.db", ((struct place *)*state)->folder);
    struct store *store = open_store(&place, &tuning);
    char all[512] = "";
    assert_true(store_load(store, STORE_SERVER, gather, all) < 0);
    wait_problem(store, "folder is missing");
    wait_for(store, store_put(store, STORE_SERVER, "a", "1", true));
    wait_for(store, store_put(store, STORE_SERVER, "a", "2", true));
    store_destroy(store, LIMIT_MS);
}

static size_t file_size(const struct place *place)
{
    struct stat status;
    return stat(place->path, &status) == 0 ? (size_t)status.st_size : 0;
}

enum { SLICE = 200, EVENTS = 2000 };

/* 4 MB of events that happened at that time. */
static void fill(const struct place *place, int64_t wall)
{
    char body[2001];
    struct store_tuning tuning = store_tuning_real;
    tuning.check_after_ms = LIMIT_MS;
    memset(body, 'x', 2000);
    body[2000] = '\0';
    struct store *store = open_store(place, &tuning);
    for (int i = 0; i < EVENTS; i++) {
        bool durable = i % SLICE == SLICE - 1;
        const struct store_event event = {.at = wall + i, .type = "ready", .body = body};
        uint64_t ticket = store_log(store, &event, durable);
        if (durable)
            wait_for(store, ticket);
    }
    wait_for(store, store_put(store, STORE_SETTING, "kept", "1", true));
    store_destroy(store, LIMIT_MS);
    assert_true(file_size(place) > 2000000);
}

/* Commits until the pruning between them has made the file that small. */
static void expect_shrinks(const struct place *place, size_t size)
{
    struct store_tuning tuning = store_tuning_real;
    tuning.check_after_ms = 0;
    tuning.prune_every_ms = 1;
    struct store *store = open_store(place, &tuning);
    for (int i = 0; i < 20000 && file_size(place) > size; i++)
        wait_for(store, store_put(store, STORE_SETTING, "kept", "1", true));
    assert_rows(store, STORE_SETTING, "kept=1;");
    store_destroy(store, LIMIT_MS);
    assert_true(file_size(place) <= size);
}

static void test_what_is_old_is_forgotten(void **state)
{
    fill(*state, 1000000);
    expect_shrinks(*state, 400000);
}

static void test_what_is_too_much_is_forgotten(void **state)
{
    fill(*state, clock_now().wall);
    expect_shrinks(*state, 1500000);
    assert_true(file_size(*state) > 700000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_batch_is_due_by_time_number_or_need),
        cmocka_unit_test(test_the_newest_body_of_a_row_is_taken_once),
        cmocka_unit_test(test_what_failed_waits_again_behind_what_is_newer),
        cmocka_unit_test(test_a_removed_row_is_forgotten_once_that_is_written),
        cmocka_unit_test(test_a_fresh_file_gets_every_row_at_once),
        cmocka_unit_test(test_events_are_bounded_and_durable_ones_outlive_routine),
        cmocka_unit_test(test_what_is_too_long_is_dropped_and_its_ticket_still_comes),
        cmocka_unit_test(test_every_trouble_names_the_file_and_a_way_out),
        cmocka_unit_test_setup_teardown(test_rows_survive, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_a_durable_row_takes_what_waits_with_it, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(test_the_loop_is_not_woken_for_nothing, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(test_a_corrupt_file_is_set_aside_and_told, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(test_nobody_waits_for_ever, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_what_is_old_is_forgotten, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_what_is_too_much_is_forgotten, make_place,
                                        remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
