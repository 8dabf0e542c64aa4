#include "base/array.h"
#include "base/clock_judge.h"
#include "unit.h"

#define NOW  INT64_C(1795339709000) /* 2026-11-22 */
#define MADE INT64_C(1767225600000) /* 2026-01-01 */
enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };

/* The clock of a machine that has been up for an hour, and whose time service says nothing. */
static struct clock_signs signs(void)
{
    return (struct clock_signs){.now = {.boot = HOUR, .wall = NOW}, .waited = CLOCK_WAIT_MOST};
}

static void check(struct clock_signs of, enum clock_verdict expected, bool usable)
{
    assert_int_equal(clock_judge(&of), expected);
    assert_int_equal(clock_is_usable(expected), usable);
}

static void test_somebody_vouches(void **state)
{
    struct clock_signs of = signs();

    of.synchronised = true;
    for (int trust = CLOCK_TRUST_AUTO; trust <= CLOCK_TRUST_ALWAYS; trust++) {
        of.trust = (enum clock_trust)trust;
        check(of, CLOCK_RIGHT, true);
    }
    of.synchronised = false;
    check(of, CLOCK_CHOSEN, true);
    of.now.wall = MADE - 1; /* whoever says so */
    check(of, CLOCK_EARLY, false);
    of.synchronised = true;
    check(of, CLOCK_EARLY, false);
    of.now.wall = MADE;
    check(of, CLOCK_RIGHT, true);
}

static void test_waits(void **state)
{
    struct clock_signs of = signs();

    of.waited = CLOCK_WAIT_MOST - 1;
    check(of, CLOCK_WAITS, false);
    of.waited = CLOCK_WAIT_MOST;
    check(of, CLOCK_PLAUSIBLE, true);
    of.trust = CLOCK_TRUST_SYNCHRONISED;
    of.waited = INT64_C(1000) * HOUR;
    check(of, CLOCK_WAITS, false);
}

static void test_what_speaks_against_it(void **state)
{
    static const struct {
        int64_t rtc, saved, before;
        enum clock_verdict verdict;
    } rows[] = {
        {NOW + MINUTE, 0, 0, CLOCK_PLAUSIBLE},
        {NOW - MINUTE, NOW - HOUR, NOW - HOUR, CLOCK_PLAUSIBLE},
        {NOW + MINUTE + 1, 0, 0, CLOCK_APART},
        {NOW - MINUTE - 1, 0, 0, CLOCK_APART},
        {MADE - 1, 0, 0, CLOCK_PLAUSIBLE}, /* a hardware clock whose battery is empty: none */
        {NOW, NOW, 0, CLOCK_PLAUSIBLE},
        {NOW, NOW + 1, 0, CLOCK_BACK},
        {0, NOW + 1, 0, CLOCK_BACK},
        {0, NOW - 1, 0, CLOCK_PLAUSIBLE}, /* of this boot */
        /* It was off for ten minutes at least, as its clock counts: that went on. */
        {0, NOW - MINUTE, NOW - HOUR - 10 * MINUTE, CLOCK_PLAUSIBLE},
        {0, NOW - MINUTE, NOW - HOUR - 10 * MINUTE + 1, CLOCK_STOOD},
        {0, NOW - MINUTE, NOW - HOUR, CLOCK_STOOD},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct clock_signs of = signs();

        of.rtc = rows[i].rtc;
        of.saved = rows[i].saved;
        of.saved_before = rows[i].before;
        if (clock_judge(&of) != rows[i].verdict)
            fail_msg("row %zu: %d", i, clock_judge(&of));
        assert_int_equal(clock_is_usable(rows[i].verdict), rows[i].verdict == CLOCK_PLAUSIBLE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_somebody_vouches),
        cmocka_unit_test(test_waits),
        cmocka_unit_test(test_what_speaks_against_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
