/* Rows read out of the pages of a store's file: how their cells are taken apart, whose they are,
 * and what is found where something is damaged. Files that are damaged in every way are played by
 * tests/integration/test_salvage.py. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/salvage_state.h"
#include "store/store.h"
#include "unit.h"

enum { LIMIT_MS = 20000, STATE_PAGE = 3 };

struct place {
    char folder[64], path[128];
};

static int make_place(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    strcpy(place->folder, "/tmp/test_salvage.XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->path, sizeof place->path, "%s/hall.db", place->folder);
    *state = place;
    return 0;
}

static int remove_place(void **state)
{
    struct place *place = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", place->folder);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a name of our own */
    free(place);
    return 0;
}

/* ---- pages ---- */

static void test_a_record_is_taken_apart(void **state)
{
    struct btree_value values[BTREE_VALUES_MAX];
    /* NULL, -2 (1 byte), 0x010203 (3), 0, 1, "ab" */
    const uint8_t record[] = {7, 0, 1, 3, 8, 9, 17, 0xfe, 1, 2, 3, 'a', 'b'};
    (void)state;
    assert_int_equal(btree_record(record, sizeof record, values), 6);
    assert_int_equal(values[0].type, BTREE_NULL);
    assert_int_equal(values[1].number, -2);
    assert_int_equal(values[2].number, 0x010203);
    assert_int_equal(values[3].number, 0);
    assert_int_equal(values[4].number, 1);
    assert_int_equal(values[5].type, BTREE_TEXT);
    assert_int_equal(values[5].length, 2);
    assert_memory_equal(values[5].text, "ab", 2);
    for (size_t cut = 0; cut < sizeof record; cut++)
        assert_int_equal(btree_record(record, cut, values), 0);
    const uint8_t beyond[] = {2, 19, 'a', 'b'}; /* three letters, of which two are there */
    assert_int_equal(btree_record(beyond, sizeof beyond, values), 0);
}

static void test_a_cell_never_leaves_its_page(void **state)
{
    struct btree_cell cell;
    uint8_t page[BTREE_PAGE] = {0x0d, 0, 0, 0, 1, 0, 0, 0, 0x03, 0xf0};
    (void)state;
    memcpy(page + 0x3f0, (const uint8_t[]){14, 5}, 2); /* 14 bytes, row 5: up to the end */
    assert_true(btree_cell(page, 2, 0, &cell));
    assert_int_equal(cell.id, 5);
    assert_int_equal(cell.n_local, 14);
    assert_int_equal(cell.overflow, 0);
    page[0x3f0] = 15;
    assert_false(btree_cell(page, 2, 0, &cell));
    memcpy(page + 8, (const uint8_t[]){0x00, 0x09}, 2); /* within the pointers */
    assert_false(btree_cell(page, 2, 0, &cell));
    memcpy(page + 8, (const uint8_t[]){0xff, 0xff}, 2);
    assert_false(btree_cell(page, 2, 0, &cell));
    memcpy(page + 3, (const uint8_t[]){0x02, 0x00}, 2); /* more pointers than there is room for */
    assert_int_equal(btree_cells(page, 2), 0);
    assert_false(btree_cell(page, 2, 0, &cell));
}

/* ---- files ---- */

static void wait_for(struct store *store, uint64_t ticket)
{
    struct pollfd fd = {.fd = store_fd(store), .events = POLLIN};
    while (store_committed(store) < ticket)
        assert_int_equal(poll(&fd, 1, LIMIT_MS), 1);
}

static void keep_numbers(struct store *store, enum store_table table, int64_t third, int64_t fourth,
                         const char *server)
{
    const struct store_entry entry = {.table = table,
                                      .id = store_new_id(store, table),
                                      .numbers = {clock_now().wall, 60000, third, fourth, 7, 8},
                                      .texts = {server}};
    store_keep(store, &entry, false);
}

static void fill(const char *path, int n)
{
    const struct store_options options = {.path = path, .keep_days = 90, .max_mb = 50};
    struct store *store = NULL;
    char body[3000], key[16];
    assert_int_equal(store_create(&options, &store), 0);
    for (int i = 0; i < n; i++) { /* some of one page, some of more */
        snprintf(key, sizeof key, "s%d", i);
        snprintf(body, sizeof body, "{\"n\":\"%0*d\"}", 1 + i % 5 * 500, i);
        store_put(store, STORE_SERVER, key, body, false);
        keep_numbers(store, STORE_SPANS, 3, 1, key);
        keep_numbers(store, STORE_TOTALS, 123456, 2000, key);
    }
    wait_for(store, store_put(store, STORE_SETTING, "idle", "20", true));
    store_destroy(store, LIMIT_MS);
}

static void spoil(const char *path, long at, const char *bytes, size_t n)
{
    FILE *file = fopen(path, "r+e");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    fclose(file);
}

static void copy_to(const char *path, const char *copy)
{
    char command[400];
    snprintf(command, sizeof command, "cp %s %s", path, copy);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): names of our own */
}

static void test_a_sound_file_gives_everything_and_needs_no_copy(void **state)
{
    const struct place *place = *state;
    struct salvage_found found;
    fill(place->path, 40);
    salvage_find(place->path, 0, &found);
    assert_true(found.whole);
    assert_int_equal(found.n, 41);
    assert_int_equal(found.n_copied, 0);
    assert_int_equal(found.n_totals, 40);
    assert_string_equal(found.totals[0].texts[0], "s0");
    assert_int_equal(found.totals[0].numbers[2], 123456);
    salvage_found_finish(&found);
}

static void test_totals_are_told_from_spans_where_nothing_says_which_is_which(void **state)
{
    const struct place *place = *state;
    struct salvage_found found;
    char none[BTREE_PAGE] = {0};
    fill(place->path, 40);
    spoil(place->path, 0, none, sizeof none);
    salvage_find(place->path, 0, &found);
    assert_int_equal(found.n, 41);
    assert_int_equal(found.n_totals, 40);
    for (size_t i = 0; i < found.n_totals; i++)
        assert_int_equal(found.totals[i].numbers[2], 123456);
    salvage_found_finish(&found);
}

static void test_a_broken_page_above_the_rows_costs_none(void **state)
{
    const struct place *place = *state;
    struct salvage_found found;
    char none[BTREE_PAGE] = {0};
    fill(place->path, 40);
    spoil(place->path, (STATE_PAGE - 1) * (long)BTREE_PAGE, none, sizeof none);
    salvage_find(place->path, 0, &found);
    assert_false(found.whole);
    assert_int_equal(found.n, 41);
    salvage_found_finish(&found);
}

static void test_what_is_missing_comes_from_the_newest_sound_copy(void **state)
{
    const struct place *place = *state;
    struct salvage_found found;
    char copy[192], none[BTREE_PAGE] = {0};
    fill(place->path, 10);
    snprintf(copy, sizeof copy, "%s.backup.2026-11-27", place->path);
    copy_to(place->path, copy);
    fill(place->path, 40);
    snprintf(copy, sizeof copy, "%s.backup.2026-11-28", place->path);
    copy_to(place->path, copy);
    snprintf(copy, sizeof copy, "%s.backup.2026-11-29", place->path);
    copy_to(place->path, copy);
    assert_int_equal(truncate(copy, 3000), 0);
    for (long i = 0; i < 200; i++)
        spoil(place->path, i * BTREE_PAGE, none, sizeof none);
    salvage_find(place->path, 0, &found);
    assert_int_equal(found.n, 41);
    assert_int_equal(found.n_copied, 41);
    assert_string_equal(found.copy, "hall.db.backup.2026-11-28");
    assert_int_equal(found.n_totals, 40);
    salvage_found_finish(&found);
}

static void test_a_body_that_is_no_json_is_not_taken(void **state)
{
    const struct place *place = *state;
    struct salvage_found found;
    fill(place->path, 1);
    FILE *file = fopen(place->path, "re");
    char bytes[65536];
    const size_t n = fread(bytes, 1, sizeof bytes, file);
    const char *at = memmem(bytes, n, "{\"n\":", 5);
    fclose(file);
    assert_non_null(at);
    spoil(place->path, at - bytes, "\xff\xff", 2);
    salvage_find(place->path, 0, &found);
    assert_false(found.whole);
    assert_int_equal(found.n, 1);
    assert_string_equal(found.rows[0].key, "idle");
    salvage_found_finish(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_record_is_taken_apart),
        cmocka_unit_test(test_a_cell_never_leaves_its_page),
        cmocka_unit_test_setup_teardown(test_a_sound_file_gives_everything_and_needs_no_copy,
                                        make_place, remove_place),
        cmocka_unit_test_setup_teardown(
            test_totals_are_told_from_spans_where_nothing_says_which_is_which, make_place,
            remove_place),
        cmocka_unit_test_setup_teardown(test_a_broken_page_above_the_rows_costs_none, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(test_what_is_missing_comes_from_the_newest_sound_copy,
                                        make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_a_body_that_is_no_json_is_not_taken, make_place,
                                        remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
