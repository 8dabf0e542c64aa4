#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "core/facts/ledger.h"
#include "unit.h"

enum { SERVERS = 400 };

static struct ledger_entry *add_to(struct ledger *ledger, int server, int number)
{
    char id[COMMAND_ID_SIZE];

    snprintf(id, sizeof(id), "c%d", number);
    assert_int_equal(ledger_reserve(ledger), 0);
    return ledger_add(ledger, server, COMMAND_WAKE, id, "me", number);
}

static struct ledger_entry *add(struct ledger *ledger, int number)
{
    return add_to(ledger, 0, number);
}

static struct ledger_entry *find(struct ledger *ledger, int server, int number)
{
    char id[COMMAND_ID_SIZE];

    snprintf(id, sizeof(id), "c%d", number);
    return ledger_find(ledger, server, id);
}

static void close_entry(struct ledger *ledger, struct ledger_entry *entry)
{
    entry->answered = true;
    ledger_close(ledger, entry);
}

static int make(void **state)
{
    *state = calloc(1, sizeof(struct ledger));
    return *state ? ledger_init(*state, SERVERS) : -1;
}

static int unmake(void **state)
{
    ledger_finish(*state);
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

    for (int i = 0; i < LEDGER_OF_SERVER; i++)
        close_entry(ledger, add(ledger, i));
    assert_non_null(ledger_find(ledger, 0, "c0"));
    assert_non_null(add(ledger, LEDGER_OF_SERVER));
    assert_null(ledger_find(ledger, 0, "c0"));
    assert_non_null(ledger_find(ledger, 0, "c1"));
}

/* Of all servers together the first that ended gives way, whoever's it is. */
static void test_the_first_that_ended_makes_room_for_another_server(void **state)
{
    struct ledger *ledger = *state;
    struct ledger_entry *first = add_to(ledger, 1, 1), *second = add_to(ledger, 2, 2);

    close_entry(ledger, second);
    close_entry(ledger, first);
    for (size_t i = 2; i < ledger->room; i++)
        close_entry(ledger, add_to(ledger, (int)(i % SERVERS), 1000 + (int)i));
    assert_non_null(find(ledger, 2, 2));
    assert_non_null(add_to(ledger, 3, 9000));
    assert_null(find(ledger, 2, 2));
    assert_non_null(find(ledger, 1, 1));
    assert_non_null(add_to(ledger, 4, 9000));
    assert_null(find(ledger, 1, 1));
    assert_non_null(find(ledger, 3, 9000));
}

static void test_open_ones_are_never_overwritten(void **state)
{
    struct ledger *ledger = *state;
    struct ledger_entry *open = add(ledger, 0);

    for (int i = 1; i < 3 * LEDGER_OF_SERVER; i++)
        close_entry(ledger, add(ledger, i));
    assert_ptr_equal(ledger_find(ledger, 0, "c0"), open);
    assert_true(open->open);
}

static void test_all_open_of_a_server(void **state)
{
    struct ledger *ledger = *state;

    for (int i = 0; i < LEDGER_OF_SERVER; i++)
        assert_non_null(add(ledger, i));
    assert_null(add(ledger, 999));
    assert_non_null(add_to(ledger, 1, 999)); /* another server's */
    close_entry(ledger, ledger_find(ledger, 0, "c100"));
    assert_non_null(add(ledger, 1000));
    assert_null(ledger_find(ledger, 0, "c100"));
    assert_null(add(ledger, 1001));
}

/* Thousands may be open; and an id that ended is known for a while beside them. */
static void test_it_grows(void **state)
{
    enum { OPEN = 5000 };
    struct ledger *ledger = *state;

    for (int i = 0; i < OPEN; i++) {
        assert_non_null(add_to(ledger, i % SERVERS, i));
        close_entry(ledger, add_to(ledger, i % SERVERS, -i - 1));
        for (int k = i < 50 ? 0 : i - 50; k <= i; k += 7)
            assert_non_null(find(ledger, k % SERVERS, -k - 1));
    }
    for (int i = 0; i < OPEN; i++) {
        struct ledger_entry *entry = find(ledger, i % SERVERS, i);

        assert_non_null(entry);
        assert_true(entry->open && entry->received == i && entry->server == i % SERVERS);
        close_entry(ledger, entry);
    }
    assert_int_equal(ledger->n_open, 0);
    assert_true(ledger->room < 4 * OPEN);
}

/* The chains hold together, whatever is added and ended in whichever order. */
static void test_chains(void **state)
{
    enum { FEW = 5, STEPS = 20000 };
    struct ledger *ledger = *state;
    uint32_t chance = 1;

    for (int i = 0; i < STEPS; i++) {
        chance = chance * 1664525u + 1013904223u;
        const int server = (int)(chance >> 16) % FEW;
        struct ledger_entry *entry = ledger_newest(ledger, server);

        for (uint32_t k = chance >> 24; entry && k > 0; k--)
            entry = ledger_older(ledger, entry);
        if (entry && entry->open && chance % 3 != 0)
            close_entry(ledger, entry);
        else
            (void)add_to(ledger, server, i);
        size_t n = 0, open = 0;
        for (const struct ledger_entry *at = ledger_newest(ledger, server); at;
             at = ledger_older(ledger, at), n++) {
            assert_int_equal(at->server, server);
            open += at->open;
        }
        assert_int_equal(n, ledger->servers[server].n);
        assert_int_equal(open, ledger->servers[server].n_open);
        assert_true(n <= LEDGER_OF_SERVER);
    }
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
        TEST(test_the_first_that_ended_makes_room_for_another_server),
        TEST(test_all_open_of_a_server),
        TEST(test_it_grows),
        TEST(test_chains),
        cmocka_unit_test(test_action_names),
        cmocka_unit_test(test_outcome_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
