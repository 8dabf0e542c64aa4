#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "core/facts/ledger.h"
#include "unit.h"

static struct ledger_entry *add(struct ledger *ledger, int number)
{
    char id[COMMAND_ID_SIZE];

    snprintf(id, sizeof(id), "c%d", number);
    return ledger_add(ledger, 0, COMMAND_WAKE, id, "me", number);
}

static void close_entry(struct ledger_entry *entry)
{
    entry->answered = true;
    entry->open = false;
}

static int make(void **state)
{
    *state = calloc(1, sizeof(struct ledger));
    return *state ? 0 : -1;
}

static int unmake(void **state)
{
    free(*state);
    return 0;
}

static void test_add_and_find(void **state)
{
    struct ledger *ledger = *state;
    struct ledger_entry *entry = ledger_add(ledger, 1, COMMAND_SLEEP, "a1", "operator", 77);

    assert_non_null(entry);
    assert_ptr_equal(ledger_find(ledger, 1, "a1"), entry);
    assert_null(ledger_find(ledger, 2, "a1")); /* an id is of one server */
    assert_null(ledger_find(ledger, 1, "a"));
    assert_null(ledger_find(ledger, 1, ""));
    assert_true(entry->used && entry->open && !entry->answered);
    assert_int_equal(entry->action, COMMAND_SLEEP);
    assert_int_equal(entry->received, 77);
    assert_string_equal(entry->by, "operator");
}

/* Each is found by its server and its id, and by nothing else; a place that is free is none. */
static void test_what_is_found(void **state)
{
    static const struct {
        int server;
        const char *id;
    } rows[] = {{0, "a"}, {0, "b"}, {1, "a"}, {1, "c"}, {2, "d"}};
    struct ledger *ledger = *state;
    struct ledger_entry *entries[ARRAY_SIZE(rows)];

    assert_null(ledger_find(ledger, 0, ""));
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        entries[i] = ledger_add(ledger, rows[i].server, COMMAND_WAKE, rows[i].id, "me", 1);
    for (int server = 0; server < 4; server++)
        for (const char *id = "abcde"; *id; id++) {
            const char name[] = {*id, '\0'};
            const struct ledger_entry *expected = NULL;

            for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                if (rows[i].server == server && strcmp(rows[i].id, name) == 0)
                    expected = entries[i];
            assert_ptr_equal(ledger_find(ledger, server, name), expected);
        }
    assert_null(ledger_find(ledger, 0, ""));
}

static void test_closed_ones_make_room_oldest_first(void **state)
{
    struct ledger *ledger = *state;

    for (int i = 0; i < LEDGER_MAX; i++)
        close_entry(add(ledger, i));
    assert_non_null(ledger_find(ledger, 0, "c0"));
    assert_non_null(add(ledger, LEDGER_MAX));
    assert_null(ledger_find(ledger, 0, "c0"));
    assert_non_null(ledger_find(ledger, 0, "c1"));
}

static void test_open_ones_are_never_overwritten(void **state)
{
    struct ledger *ledger = *state;
    struct ledger_entry *open = add(ledger, 0);

    for (int i = 1; i < 3 * LEDGER_MAX; i++)
        close_entry(add(ledger, i));
    assert_ptr_equal(ledger_find(ledger, 0, "c0"), open);
    assert_true(open->open);
}

static void test_all_open(void **state)
{
    struct ledger *ledger = *state;

    for (int i = 0; i < LEDGER_MAX; i++)
        assert_non_null(add(ledger, i));
    assert_null(add(ledger, 999));
    close_entry(ledger_find(ledger, 0, "c100"));
    assert_non_null(add(ledger, 1000));
    assert_null(ledger_find(ledger, 0, "c100"));
    assert_null(add(ledger, 1001));
}

static void test_action_names(void **state)
{
    static const char *const names[COMMAND_ACTIONS] = {
        "wake", "sleep",   "restart", "cancel", "policy",   "idle",  "keep_awake",
        "hold", "release", "start",   "stop",   "announce", "reload"};
    enum command_action action = COMMAND_STOP;

    for (unsigned i = 0; i < COMMAND_ACTIONS; i++) {
        assert_string_equal(command_action_name((enum command_action)i), names[i]);
        assert_true(command_action_from_name(names[i], &action));
        assert_int_equal(action, i);
    }
    assert_null(command_action_name(COMMAND_NONE));
    action = COMMAND_HOLD;
    assert_false(command_action_from_name("explode", &action));
    assert_false(command_action_from_name("", &action));
    assert_int_equal(action, COMMAND_HOLD);
}

static void test_outcome_names(void **state)
{
    assert_string_equal(command_outcome_name(OUTCOME_ACCEPTED), "accepted");
    assert_string_equal(command_outcome_name(OUTCOME_REFUSED), "refused");
    assert_string_equal(command_outcome_name(OUTCOME_DONE), "done");
    assert_string_equal(command_outcome_name(OUTCOME_FAILED), "failed");
}

#define TEST(test_) cmocka_unit_test_setup_teardown(test_, make, unmake)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_add_and_find),
        TEST(test_what_is_found),
        TEST(test_closed_ones_make_room_oldest_first),
        TEST(test_open_ones_are_never_overwritten),
        TEST(test_all_open),
        cmocka_unit_test(test_action_names),
        cmocka_unit_test(test_outcome_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
