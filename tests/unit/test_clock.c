#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "base/clock.h"
#include "unit.h"

static void test_format(void **state)
{
    char out[RFC3339_SIZE];
    assert_string_equal(rfc3339_format(0, out), "1970-01-01T00:00:00Z");
    assert_string_equal(rfc3339_format(INT64_C(1795339709123), out), "2026-11-22T09:28:29Z");
    assert_string_equal(rfc3339_format(-1, out), "1969-12-31T23:59:59Z");
    assert_string_equal(rfc3339_format(-1000, out), "1969-12-31T23:59:59Z");
    assert_string_equal(rfc3339_format(INT64_MAX, out), "9999-12-31T23:59:59Z");
    assert_string_equal(rfc3339_format(INT64_MIN, out), "0000-01-01T00:00:00Z");
}

static void test_parse(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-11-22T09:28:29Z", INT64_C(1795339709000)},
        {"2026-11-22T10:28:29.5+01:00", INT64_C(1795339709500)},
        {"2026-11-22t04:58:29.123456789-04:30", INT64_C(1795339709123)},
        {"2024-02-29T00:00:00z", INT64_C(1709164800000)},
        {"2000-02-29T00:00:00Z", INT64_C(951782400000)},
        {"2016-12-31T23:59:60Z", INT64_C(1483228800000)},
        {"1969-12-31T23:59:59Z", -1000},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int64_t ms = 77;
        if (rfc3339_parse(cases[i].text, &ms) != 0 || ms != cases[i].ms)
            fail_msg("%s: %lld", cases[i].text, (long long)ms);
    }
}

static void test_parse_refuses(void **state)
{
    static const char *const bad[] = {
        "",
        "2026-11-22",
        "2026-11-22T09:28:29",
        "2026-11-22 09:28:29Z",
        "2026-13-22T09:28:29Z",
        "2026-02-29T09:28:29Z",
        "1900-02-29T00:00:00Z",
        "2026-11-31T09:28:29Z",
        "2026-11-00T09:28:29Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T09:60:29Z",
        "2026-11-22T09:28:61Z",
        "2026-11-22T09:28:29.Z",
        "2026-11-22T09:28:29+1:00",
        "2026-11-22T09:28:29+24:00",
        "2026-11-22T09:28:29Zx",
        "26-11-22T09:28:29Z",
        "2026-11-22T09:28:29 Z",
        "2026-00-22T09:28:29Z",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        int64_t ms = 77;
        if (rfc3339_parse(bad[i], &ms) != -EINVAL || ms != 77)
            fail_msg("%s was accepted", bad[i]);
    }
}

static void test_days_in_month(void **state)
{
    assert_int_equal(clock_days_in_month(2026, 2), 28);
    assert_int_equal(clock_days_in_month(2028, 2), 29);
    assert_int_equal(clock_days_in_month(2100, 2), 28);
    assert_int_equal(clock_days_in_month(2000, 2), 29);
    assert_int_equal(clock_days_in_month(2026, 12), 31);
    assert_int_equal(clock_days_in_month(2026, 4), 30);
}

static void test_clocks(void **state)
{
    struct now first = clock_now();
    struct now second = clock_now();
    assert_true(second.boot >= first.boot);
    assert_true(first.wall > INT64_C(1500000000000));
    assert_true(clock_boot_ns() / 1000000 >= second.boot);
    assert_int_equal(clock_wall_at((struct now){.boot = 5000, .wall = 900000}, 4000), 899000);
    assert_int_equal(clock_wall_at((struct now){.boot = 5000, .wall = 900000}, 7000), 902000);
}

/* What was published of an instant is not published again with the second before it. */
static void test_an_instant_keeps_its_wall_time(void **state)
{
    const struct now first = clock_now();

    (void)state;
    for (int i = 0; i < 100000; i++)
        assert_int_equal(clock_wall_at(clock_now(), first.boot), first.wall);
}

static void test_boot_id(void **state)
{
    char first[BOOT_ID_SIZE], second[BOOT_ID_SIZE];

    clock_boot_id(first);
    clock_boot_id(second);
    assert_int_equal(strlen(first), 36);
    assert_string_equal(first, second);
}

/* A thread that waits has nothing of a processor, and one that works has. */
static void test_the_time_of_a_thread_is_its_own(void **state)
{
    const struct timespec wait = {.tv_nsec = 50000000};
    const int64_t began = clock_thread_ns(), boot = clock_boot_ns();

    (void)state;
    nanosleep(&wait, NULL);
    assert_true(clock_boot_ns() - boot >= 50000000);
    assert_true(clock_thread_ns() - began < 40000000);
    while (clock_thread_ns() - began < 50000000)
        ;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_days_in_month),
        cmocka_unit_test(test_clocks),
        cmocka_unit_test(test_an_instant_keeps_its_wall_time),
        cmocka_unit_test(test_boot_id),
        cmocka_unit_test(test_the_time_of_a_thread_is_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
