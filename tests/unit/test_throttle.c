#include <stdio.h>

#include "unit.h"
#include "web/admin/throttle.h"

static struct throttle throttle;

static int set_up(void **state)
{
    throttle = (struct throttle){.window = -THROTTLE_WINDOW_MS};
    return 0;
}

static void fail_often(const char *who, unsigned times, int64_t now)
{
    for (unsigned i = 0; i < times; i++)
        assert_int_equal(throttle_attempt(&throttle, who, now), 0);
}

static void an_address_may_guess_five_times_then_waits_longer_and_longer(void **state)
{
    int64_t now = 1000;
    fail_often("a", THROTTLE_FREE, now);
    for (int64_t pause = THROTTLE_FIRST_MS; pause < THROTTLE_MOST_MS; pause *= 2) {
        assert_int_equal(throttle_attempt(&throttle, "a", now), pause);
        assert_int_equal(throttle_attempt(&throttle, "a", now + pause - 1), 1);
        now += pause;
        fail_often("a", 1, now);
    }
    assert_int_equal(throttle_ask(&throttle, "a", now), THROTTLE_MOST_MS);
    now += THROTTLE_MOST_MS;
    for (int i = 0; i < 40; i++, now += THROTTLE_MOST_MS) {
        fail_often("a", 1, now);
        assert_int_equal(throttle_ask(&throttle, "a", now), THROTTLE_MOST_MS);
    }
}

static void others_are_not_kept_away_with_it(void **state)
{
    fail_often("a", THROTTLE_FREE, 1000);
    assert_true(throttle_ask(&throttle, "a", 1000) > 0);
    assert_int_equal(throttle_ask(&throttle, "b", 1000), 0);
    fail_often("b", 1, 1000);
}

static void the_right_one_is_forgiven(void **state)
{
    fail_often("a", THROTTLE_FREE - 1, 1000);
    throttle_forgive(&throttle, "a");
    fail_often("a", THROTTLE_FREE, 1000);
    throttle.in_window = 0;
    throttle_forgive(&throttle, "nobody");
    fail_often("b", 1, 1000);
}

static void quiet_addresses_are_forgotten(void **state)
{
    fail_often("a", THROTTLE_FREE, 1000);
    fail_often("a", THROTTLE_FREE, 1000 + THROTTLE_FORGET_MS);
}

static void all_together_have_a_limit_too(void **state)
{
    char who[16];
    for (int i = 0; i < THROTTLE_TOTAL; i++) {
        snprintf(who, sizeof who, "10.0.0.%d", i);
        fail_often(who, 1, 1000);
    }
    assert_int_equal(throttle_attempt(&throttle, "10.0.1.1", 1001), THROTTLE_WINDOW_MS - 1);
    assert_int_equal(throttle_attempt(&throttle, "10.0.1.1", 999 + THROTTLE_WINDOW_MS), 1);
    assert_int_equal(throttle_attempt(&throttle, "10.0.1.1", 1000 + THROTTLE_WINDOW_MS), 0);
}

static void a_flood_of_guesses_does_not_lock_out_who_was_in_before(void **state)
{
    char who[16];
    fail_often("o", 1, 1000);
    throttle_forgive(&throttle, "o");
    for (int i = 0; i < THROTTLE_TOTAL; i++) {
        snprintf(who, sizeof who, "10.0.0.%d", i);
        fail_often(who, 1, 1000);
    }
    assert_true(throttle_attempt(&throttle, "10.0.1.1", 1001) > 0);
    fail_often("o", THROTTLE_FREE, 1001);
    assert_int_equal(throttle_attempt(&throttle, "o", 1001), THROTTLE_FIRST_MS);
}

static void of_the_known_the_newest_stay(void **state)
{
    char who[16];
    for (int i = 0; i <= THROTTLE_KNOWN; i++) {
        snprintf(who, sizeof who, "10.2.0.%d", i);
        fail_often(who, 1, 1000);
        throttle_forgive(&throttle, who);
    }
    for (int i = 0; i < THROTTLE_TOTAL; i++) {
        snprintf(who, sizeof who, "10.0.0.%d", i);
        fail_often(who, 1, 1000);
    }
    assert_true(throttle_attempt(&throttle, "10.2.0.0", 1001) > 0);
    assert_int_equal(throttle_attempt(&throttle, "10.2.0.1", 1001), 0);
}

/* More addresses than are kept: the newest failures count. */
static void a_flood_of_addresses_pushes_out_the_quiet(void **state)
{
    char who[16];
    int64_t now = 1000;
    for (int i = 0; i < 3 * THROTTLE_CLIENTS; i++, now += THROTTLE_WINDOW_MS / THROTTLE_TOTAL) {
        snprintf(who, sizeof who, "10.1.0.%d", i);
        fail_often(who, 1, now);
    }
    fail_often(who, THROTTLE_FREE - 1, now + THROTTLE_WINDOW_MS);
    assert_true(throttle_ask(&throttle, who, now + THROTTLE_WINDOW_MS) > 0);
}

/* Exactly as many as there is room for, and then the one that failed longest ago gives place. */
static void those_known_outlive_a_start(void **state)
{
    static const char *const told[] = {"k2", "k3", "k4", "k5", "k6", "k7", "k8", "k9"};
    char who[THROTTLE_WHO_SIZE];
    struct throttle_known known;
    struct throttle next = {.window = -THROTTLE_WINDOW_MS};

    throttle_forgive(&throttle, "alone");
    known = throttle_known(&throttle);
    assert_string_equal(known.who[0], "alone");
    assert_string_equal(known.who[1], "");
    for (int i = 0; i < 10; i++) {
        snprintf(who, sizeof who, "k%d", i);
        throttle_forgive(&throttle, who);
    }
    known = throttle_known(&throttle);
    for (size_t i = 0; i < THROTTLE_KNOWN; i++)
        assert_string_equal(known.who[i], told[i]);
    throttle_recall(&next, &known);
    for (int i = 0; i < THROTTLE_TOTAL; i++) {
        snprintf(who, sizeof who, "10.4.0.%d", i);
        assert_int_equal(throttle_attempt(&next, who, 1000), 0);
    }
    assert_true(throttle_attempt(&next, "k1", 1000) > 0);
    assert_int_equal(throttle_attempt(&next, "k2", 1000), 0);
    assert_int_equal(throttle_attempt(&next, "k9", 1000), 0);
    throttle_forgive(&next, "k10"); /* the oldest gives place */
    assert_int_equal(throttle_attempt(&next, "10.5.0.0", 1000), 0);
    assert_true(throttle_attempt(&next, "k2", 1000) > 0);
}

static void the_one_quiet_for_longest_gives_place(void **state)
{
    char who[16];
    for (int i = 0; i < 64; i++) {
        snprintf(who, sizeof who, "10.3.0.%d", i);
        throttle.in_window = 0;
        fail_often(who, 4, 1000 + (i == 40 ? 0 : i + 1));
    }
    throttle.in_window = 0;
    fail_often("one more", 1, 2000);
    for (int i = 0; i < 64; i++) {
        snprintf(who, sizeof who, "10.3.0.%d", i);
        throttle.in_window = 0;
        if (i != 40)
            fail_often(who, 1, 2000);
        assert_int_equal(throttle_ask(&throttle, who, 2000), i == 40 ? 0 : 30000);
    }
    throttle.in_window = 0;
    fail_often("10.3.0.40", 4, 3000);
    assert_int_equal(throttle_ask(&throttle, "10.3.0.40", 3000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_address_may_guess_five_times_then_waits_longer_and_longer,
                               set_up),
        cmocka_unit_test_setup(others_are_not_kept_away_with_it, set_up),
        cmocka_unit_test_setup(the_right_one_is_forgiven, set_up),
        cmocka_unit_test_setup(quiet_addresses_are_forgotten, set_up),
        cmocka_unit_test_setup(all_together_have_a_limit_too, set_up),
        cmocka_unit_test_setup(a_flood_of_guesses_does_not_lock_out_who_was_in_before, set_up),
        cmocka_unit_test_setup(of_the_known_the_newest_stay, set_up),
        cmocka_unit_test_setup(those_known_outlive_a_start, set_up),
        cmocka_unit_test_setup(the_one_quiet_for_longest_gives_place, set_up),
        cmocka_unit_test_setup(a_flood_of_addresses_pushes_out_the_quiet, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
