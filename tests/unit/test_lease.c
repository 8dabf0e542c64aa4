#include "core/facts/lease.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

static struct lease places[LEASES_ASKED_MAX + LEASES_AGENT_MAX + 7];

/* A set of a server with one site, one domain and two servers that may need it. */
static struct lease_set empty(void)
{
    const struct lease_holders holders = {.sites = 1, .domains = 1, .servers = 2};

    assert_int_equal(lease_room(&holders), sizeof(places) / sizeof(places[0]));
    memset(places, 0, sizeof(places));
    return (struct lease_set){.room = lease_room(&holders), .leases = places};
}

static void test_take_and_renew(void **state)
{
    struct lease_set set = empty();
    const struct fact again = fact_said("again");

    assert_true(lease_take(&set, LEASE_VISIT, MODEL_NONE, "client1", NULL, 100, 500));
    assert_true(lease_take(&set, LEASE_VISIT, MODEL_NONE, "client1", &again, 200, 600));
    assert_int_equal(set.n, 1);
    const struct lease *lease = lease_find(&set, LEASE_VISIT, MODEL_NONE, "client1");
    assert_non_null(lease);
    assert_int_equal(lease->since, 100);
    assert_int_equal(lease->renewed, 200);
    assert_int_equal(lease->until, 600);
    const struct fact kept = lease_why(lease);

    assert_string_equal(fact_text(&kept, 0, 0), "again");
    assert_null(lease_find(&set, LEASE_HOLD, MODEL_NONE, "client1"));
    assert_null(lease_find(&set, LEASE_VISIT, MODEL_NONE, "client"));
}

static void test_kind_and_holder_name_a_lease(void **state)
{
    struct lease_set set = empty();

    assert_true(lease_take(&set, LEASE_VISIT, MODEL_NONE, "backup", NULL, 0, 10));
    assert_true(lease_take(&set, LEASE_HOLD, MODEL_NONE, "backup", NULL, 0, 20));
    assert_int_equal(set.n, 2);
    assert_true(lease_release(&set, LEASE_VISIT, MODEL_NONE, "backup"));
    assert_false(lease_release(&set, LEASE_VISIT, MODEL_NONE, "backup"));
    assert_non_null(lease_find(&set, LEASE_HOLD, MODEL_NONE, "backup"));
}

/* As many of a sort as may be; what is in the set can still be renewed, and those who have a place
 * of their own have it. */
static void test_full(void **state)
{
    struct lease_set set = empty();
    char name[LEASE_HOLDER_SIZE];

    for (int i = 0; i < LEASES_ASKED_MAX; i++) {
        snprintf(name, sizeof(name), "h%d", i);
        assert_true(
            lease_take(&set, i % 2 ? LEASE_HOLD : LEASE_MANUAL, MODEL_NONE, name, NULL, 0, 10 + i));
    }
    assert_false(lease_take(&set, LEASE_HOLD, MODEL_NONE, "one more", NULL, 0, 10));
    assert_false(lease_take(&set, LEASE_MANUAL, MODEL_NONE, "one more", NULL, 0, 10));
    assert_true(lease_take(&set, LEASE_HOLD, MODEL_NONE, "h3", NULL, 5, 999));
    assert_int_equal(lease_awake_until(&set), 999);
    for (int i = 0; i < LEASES_AGENT_MAX - 1; i++) {
        snprintf(name, sizeof(name), "a%d", i);
        assert_true(lease_take(&set, LEASE_AGENT, MODEL_NONE, name, NULL, 0, 10));
    }
    assert_true(lease_take(&set, LEASE_STREAM, MODEL_NONE, AGENT_STREAM, NULL, 0, 10));
    assert_false(lease_take(&set, LEASE_AGENT, MODEL_NONE, "one more", NULL, 0, 10));
    assert_true(lease_take(&set, LEASE_VISIT, 0, "", NULL, 0, 10));
    assert_true(lease_take(&set, LEASE_STREAM, 0, "", NULL, 0, 10));
    assert_true(lease_take(&set, LEASE_ALWAYS_ON, MODEL_NONE, "", NULL, 0, 10));
    assert_true(lease_take(&set, LEASE_ALWAYS_ON, 0, "", NULL, 0, 10));
    assert_true(lease_take(&set, LEASE_SCHEDULE, 0, "", NULL, 0, 10));
    assert_true(lease_take(&set, LEASE_DEPENDENT, 0, "", NULL, 0, 10));
    assert_true(lease_take(&set, LEASE_DEPENDENT, 1, "", NULL, 0, 10));
    assert_int_equal(set.n, set.room);
}

/* What was saved comes back once, where it has a place. */
static void test_put(void **state)
{
    struct lease_set set = empty();
    struct lease lease = {.kind = LEASE_HOLD, .subject = MODEL_NONE, .since = 3, .until = 9};

    for (int i = 0; i < LEASES_ASKED_MAX + 5; i++) {
        snprintf(lease.holder, LEASE_HOLDER_SIZE, "h%d", i);
        lease_put(&set, &lease);
        lease_put(&set, &lease);
    }
    assert_int_equal(set.n, LEASES_ASKED_MAX);
    lease = (struct lease){.kind = LEASE_VISIT, .until = 7};
    lease_put(&set, &lease);
    assert_int_equal(lease_find(&set, LEASE_VISIT, 0, "")->until, 7);
}

static void test_expire(void **state)
{
    struct lease_set set = empty();

    assert_int_equal(lease_awake_until(&set), 0);
    assert_true(lease_next_end(&set) == LEASE_FOREVER);
    lease_take(&set, LEASE_VISIT, MODEL_NONE, "a", NULL, 0, 100);
    lease_take(&set, LEASE_VISIT, MODEL_NONE, "b", NULL, 0, 200);
    lease_take(&set, LEASE_ALWAYS_ON, MODEL_NONE, "c", NULL, 0, LEASE_FOREVER);
    assert_int_equal(lease_next_end(&set), 100);
    assert_int_equal(lease_expire(&set, 99), 0);
    assert_int_equal(lease_expire(&set, 100), 1);
    assert_null(lease_find(&set, LEASE_VISIT, MODEL_NONE, "a"));
    assert_int_equal(lease_expire(&set, INT64_MAX - 1), 1);
    assert_true(lease_awake_until(&set) == LEASE_FOREVER);
    assert_int_equal(set.n, 1);
}

static void test_release_kind(void **state)
{
    struct lease_set set = empty();

    lease_take(&set, LEASE_VISIT, MODEL_NONE, "a", NULL, 0, 100);
    lease_take(&set, LEASE_HOLD, MODEL_NONE, "b", NULL, 0, 100);
    lease_take(&set, LEASE_VISIT, MODEL_NONE, "c", NULL, 0, 100);
    assert_int_equal(lease_release_kind(&set, LEASE_VISIT), 2);
    assert_int_equal(lease_release_kind(&set, LEASE_VISIT), 0);
    assert_int_equal(set.n, 1);
    assert_string_equal(set.leases[0].holder, "b");
}

/* Longer names than fit are cut, and found again by the same long name. */
static void test_long_names(void **state)
{
    struct lease_set set = empty();
    char holder[300];

    memset(holder, 'x', sizeof(holder) - 1);
    holder[sizeof(holder) - 1] = '\0';
    const struct fact why = fact_said(holder);

    assert_true(lease_take(&set, LEASE_HOLD, MODEL_NONE, holder, &why, 0, 1));
    assert_true(lease_take(&set, LEASE_HOLD, MODEL_NONE, holder, &why, 0, 2));
    assert_int_equal(set.n, 1);
    assert_int_equal(strlen(set.leases[0].holder), LEASE_HOLDER_SIZE - 1);
    const struct fact kept = lease_why(&set.leases[0]);

    assert_int_equal(strlen(fact_text(&kept, 0, 0)), LEASE_TEXT_SIZE - LEASE_HOLDER_SIZE - 1);
    assert_true(lease_release(&set, LEASE_HOLD, MODEL_NONE, holder));
}

static void test_names(void **state)
{
    static const char *const names[LEASE_KINDS] = {"visit", "schedule", "always_on", "manual",
                                                   "hold",  "agent",    "dependent", "stream"};

    for (unsigned i = 0; i < LEASE_KINDS; i++)
        assert_string_equal(lease_kind_name((enum lease_kind)i), names[i]);
}

static void test_mark_tells_other_holders(void **state)
{
    struct lease_set set = empty();
    uint32_t one;

    assert_int_equal(lease_mark(&set), 0);
    lease_take(&set, LEASE_VISIT, MODEL_NONE, "client1", NULL, 1, 10);
    one = lease_mark(&set);
    assert_int_not_equal(one, 0);
    lease_take(&set, LEASE_VISIT, MODEL_NONE, "client1", NULL, 5, 20);
    assert_int_equal(lease_mark(&set), one);
    lease_take(&set, LEASE_HOLD, MODEL_NONE, "client1", NULL, 5, 20);
    assert_int_not_equal(lease_mark(&set), one);
    lease_release(&set, LEASE_HOLD, MODEL_NONE, "client1");
    assert_int_equal(lease_mark(&set), one);
}

/* Name, first and second text share one room: what fits to the last byte is kept whole, the rest of
 * the second is cut. */
static void test_texts_fill_the_room(void **state)
{
    enum { FIRST = 50, SECOND = LEASE_TEXT_SIZE - 2 - (FIRST + 1) - 1 };
    static const struct {
        int first, second, kept_first, kept_second;
    } rows[] = {
        {FIRST, SECOND, FIRST, SECOND},
        {FIRST, SECOND + 1, FIRST, SECOND},
        {FIRST + SECOND, 0, FIRST + SECOND, 0},
        {FIRST + SECOND, 1, FIRST + SECOND, 0},
        {0, FIRST + SECOND + 1, 0, FIRST + SECOND},
        {1, 1, 1, 1},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct lease_set set = empty();
        char first[LEASE_TEXT_SIZE + 1], second[LEASE_TEXT_SIZE + 1];

        memset(first, 'a', sizeof(first));
        memset(second, 'b', sizeof(second));
        first[rows[i].first] = second[rows[i].second] = '\0';
        const struct fact why = fact_with(FACT(AGENT_SAID), first, second);

        assert_true(lease_take(&set, LEASE_HOLD, MODEL_NONE, "h", &why, 0, 1));
        const struct fact kept = lease_why(&set.leases[0]);

        assert_string_equal(set.leases[0].holder, "h");
        assert_int_equal(strlen(fact_text(&kept, 0, 0)), rows[i].kept_first);
        assert_int_equal(strlen(fact_text(&kept, 0, 1)), rows[i].kept_second);
        assert_int_equal(fact_text(&kept, 0, 1)[0], rows[i].kept_second ? 'b' : '\0');
    }
}

/* What each kind says: why the server is awake, and why it was woken. */
static void test_what_each_lease_says(void **state)
{
    enum { SERVER = 5, OTHER = 3 };
    static const struct {
        enum lease_kind kind;
        int subject;
        const char *holder;
        enum fact_code awake, woken;
        int told; /* the subject that is told */
        bool named;
    } rows[] = {
        {LEASE_VISIT, OTHER, "", FACT_LEASE_VISIT, FACT_WAKE_VISIT, OTHER, false},
        {LEASE_SCHEDULE, OTHER, "", FACT_LEASE_SCHEDULE, FACT_WAKE_SCHEDULE, OTHER, false},
        {LEASE_ALWAYS_ON, OTHER, "", FACT_LEASE_ALWAYS_ON, FACT_WAKE_ALWAYS_ON, OTHER, false},
        {LEASE_ALWAYS_ON, MODEL_NONE, "", FACT_LEASE_ALWAYS_ON_SERVER, FACT_WAKE_ALWAYS_ON_SERVER,
         SERVER, false},
        {LEASE_MANUAL, MODEL_NONE, "anne", FACT_LEASE_MANUAL, FACT_WAKE_MANUAL, MODEL_NONE, true},
        {LEASE_HOLD, MODEL_NONE, "backup", FACT_LEASE_HOLD, FACT_WAKE_HOLD, MODEL_NONE, true},
        {LEASE_DEPENDENT, OTHER, "", FACT_LEASE_DEPENDENT, FACT_WAKE_DEPENDENT, OTHER, false},
        {LEASE_STREAM, OTHER, "", FACT_LEASE_STREAM, FACT_WAKE_STREAM, OTHER, false},
        {LEASE_STREAM, MODEL_NONE, AGENT_STREAM, FACT_LEASE_AGENT, FACT_WAKE_AGENT, MODEL_NONE,
         true},
        {LEASE_AGENT, MODEL_NONE, "ssh", FACT_LEASE_AGENT, FACT_WAKE_AGENT, MODEL_NONE, true},
        {LEASE_AGENT, MODEL_NONE, AGENT_WORDS, FACT_LEASE_AGENT, FACT_WAKE_AGENT, MODEL_NONE, true},
    };
    const struct now now = {.boot = 50000, .wall = 1795345200000};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct lease_set set = empty();

        assert_true(
            lease_take(&set, rows[i].kind, rows[i].subject, rows[i].holder, NULL, 40000, 70000));
        const struct lease *lease = &set.leases[0];
        const struct fact awake = lease_fact(lease, SERVER, now);
        const struct fact woken = lease_cause(lease, SERVER);

        assert_int_equal(awake.parts[0].code, rows[i].awake);
        assert_int_equal(woken.parts[0].code, rows[i].woken);
        assert_int_equal(awake.parts[0].subject,
                         rows[i].named ? awake.parts[0].subject : rows[i].told);
        assert_int_equal(awake.parts[0].n[1], now.wall + 20000);
        assert_int_equal(awake.parts[0].n[0], rows[i].kind == LEASE_VISIT ? now.wall - 10000 : 0);
        if (rows[i].named)
            assert_string_equal(fact_text(&woken, 0, 0),
                                strcmp(rows[i].holder, AGENT_WORDS) == 0 ? "" : rows[i].holder);
        else
            assert_int_equal(woken.parts[0].subject, rows[i].told);
    }
}

/* Two names are one where they are equal as far as they are kept. */
static void test_which_names_are_the_same(void **state)
{
    static const struct {
        size_t length, differs; /* the character in which the second is another */
        size_t n;
    } rows[] = {{1, 0, 2},   {5, 4, 2},   {62, 61, 2}, {63, 62, 2},
                {64, 63, 2}, {65, 64, 1}, {90, 80, 1}, {90, 63, 2}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct lease_set set = empty();
        char name[100] = {0};

        memset(name, 'x', rows[i].length);
        assert_true(lease_take(&set, LEASE_HOLD, MODEL_NONE, name, NULL, 0, 1));
        name[rows[i].differs] = 'y';
        assert_true(lease_take(&set, LEASE_HOLD, MODEL_NONE, name, NULL, 0, 2));
        if (set.n != rows[i].n)
            fail_msg("row %zu", i);
    }
}

/* How much of why it is held has room behind the name and another text. */
static void test_how_much_of_a_reason_is_kept(void **state)
{
    enum { ROOM = LEASE_TEXT_SIZE - 2 }; /* behind a name of one letter and its end */
    static const struct {
        size_t first, second;
    } rows[] = {{1, 3}, {ROOM - 5, 3}, {ROOM - 4, 2}, {ROOM - 3, 1}, {ROOM - 2, 0}, {ROOM - 1, 0}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct lease_set set = empty();
        char first[LEASE_TEXT_SIZE] = {0};

        memset(first, 'x', rows[i].first);
        const struct fact why = fact_with(FACT(VETO_SESSION), first, "abc");

        assert_true(lease_take(&set, LEASE_HOLD, MODEL_NONE, "h", &why, 0, 1));
        const struct fact kept = lease_why(&set.leases[0]);

        assert_string_equal(fact_text(&kept, 0, 0), first);
        assert_int_equal(strlen(fact_text(&kept, 0, 1)), rows[i].second);
    }
}

/* A named instant follows the wall clock, a span does not; renewed as a span, it is one. */
static void test_ends_when_the_clock_is_set(void **state)
{
    const struct now now = {.boot = 10000, .wall = 900000};
    struct lease_set set = empty();
    char name[LEASE_HOLDER_SIZE];

    assert_true(
        lease_hold(&set, "span", NULL, (struct lease_end){.until = 20000, .told = 700000}, 1000));
    assert_true(
        lease_hold(&set, "named", NULL, (struct lease_end){.until = 20000, .ends = 905000}, 1000));
    assert_true(lease_take(&set, LEASE_ALWAYS_ON, 0, "", NULL, 1000, LEASE_FOREVER));
    lease_clock_was_set(&set, now);
    assert_int_equal(set.leases[0].until, 20000);
    assert_int_equal(set.leases[1].until, 15000);
    assert_true(lease_is_told(&set.leases[0], 700000));
    lease_tell_again(&set, now);
    assert_true(lease_is_told(&set.leases[0], 910999));
    assert_false(lease_is_told(&set.leases[0], 911000));
    assert_false(lease_is_told(&set.leases[1], 0));
    assert_false(lease_is_told(&set.leases[1], 905000));
    assert_true(set.leases[2].until == LEASE_FOREVER);
    assert_true(lease_hold(&set, "named", NULL, (struct lease_end){.until = 30000}, 2000));
    lease_clock_was_set(&set, now);
    assert_int_equal(set.leases[1].until, 30000);
    for (int i = 2; i < LEASES_ASKED_MAX; i++) {
        snprintf(name, sizeof(name), "h%d", i);
        assert_true(lease_hold(&set, name, NULL, (struct lease_end){.until = 30000}, 2000));
    }
    assert_false(lease_hold(&set, "one too many", NULL, (struct lease_end){.until = 30000}, 2000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_names_are_the_same),
        cmocka_unit_test(test_ends_when_the_clock_is_set),
        cmocka_unit_test(test_how_much_of_a_reason_is_kept),
        cmocka_unit_test(test_take_and_renew),
        cmocka_unit_test(test_mark_tells_other_holders),
        cmocka_unit_test(test_kind_and_holder_name_a_lease),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_put),
        cmocka_unit_test(test_expire),
        cmocka_unit_test(test_release_kind),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_texts_fill_the_room),
        cmocka_unit_test(test_what_each_lease_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
