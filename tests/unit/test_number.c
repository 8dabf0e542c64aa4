#include "base/array.h"
#include "base/number.h"
#include "unit.h"

#include <errno.h>

static void test_numbers(void **state)
{
    static const struct {
        const char *text;
        int64_t min, max;
        int result;
        int64_t value;
    } cases[] = {
        {"0", 0, 10, 0, 0},
        {"10", 0, 10, 0, 10},
        {"-5", -5, 5, 0, -5},
        {"9223372036854775807", 0, INT64_MAX, 0, INT64_MAX},
        {"11", 0, 10, -ERANGE, 0},
        {"-6", -5, 5, -ERANGE, 0},
        {"9223372036854775808", 0, INT64_MAX, -ERANGE, 0},
        {"99999999999999999999999999", INT64_MIN, INT64_MAX, -ERANGE, 0},
        {"18446744073709551617", 0, INT64_MAX, -ERANGE, 0},
        {"", 0, 10, -EINVAL, 0},
        {"-", -5, 5, -EINVAL, 0},
        {"-1", 0, 10, -EINVAL, 0},
        {"+1", 0, 10, -EINVAL, 0},
        {" 1", 0, 10, -EINVAL, 0},
        {"1 ", 0, 10, -EINVAL, 0},
        {"1x", 0, 10, -EINVAL, 0},
        {"0x1", 0, 10, -EINVAL, 0},
        {"1.0", 0, 10, -EINVAL, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int64_t value = 77;
        int r = number_parse(cases[i].text, cases[i].min, cases[i].max, &value);
        if (r != cases[i].result || value != (r == 0 ? cases[i].value : 77))
            fail_msg("\"%s\": %d, %lld", cases[i].text, r, (long long)value);
    }
}

static void test_durations(void **state)
{
    static const struct {
        const char *text;
        int result;
        int64_t ms;
        const char *again;
    } cases[] = {
        {"0s", 0, 0, "0s"},
        {"250ms", 0, 250, "250ms"},
        {"90s", 0, 90000, "1m30s"},
        {"20m", 0, 1200000, "20m"},
        {"1h30m", 0, 5400000, "1h30m"},
        {"7d", 0, 604800000, "7d"},
        {"1d2h3m4s5ms", 0, 93784005, "1d2h3m4s5ms"},
        {"1m5ms", 0, 60005, "1m5ms"},
        {"3653d", 0, INT64_C(315619200000), "3653d"},
        {"3653d1ms", -ERANGE, 0, NULL},
        {"99999999999999999999d", -ERANGE, 0, NULL},
        {"", -EINVAL, 0, NULL},
        {"5", -EINVAL, 0, NULL},
        {"m", -EINVAL, 0, NULL},
        {"5 m", -EINVAL, 0, NULL},
        {"5m ", -EINVAL, 0, NULL},
        {"-5m", -EINVAL, 0, NULL},
        {"5M", -EINVAL, 0, NULL},
        {"1.5h", -EINVAL, 0, NULL},
        {"30m1h", -EINVAL, 0, NULL},
        {"1m1m", -EINVAL, 0, NULL},
        {"1h30", -EINVAL, 0, NULL},
        {"99999999999999999999x", -EINVAL, 0, NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char again[64];
        int64_t ms = 77;
        int r = duration_parse(cases[i].text, &ms);
        if (r != cases[i].result || ms != (r == 0 ? cases[i].ms : 77))
            fail_msg("\"%s\": %d, %lld", cases[i].text, r, (long long)ms);
        if (r == 0)
            assert_string_equal(duration_format(ms, again, sizeof again), cases[i].again);
    }
}

static void test_duration_format_stays_inside(void **state)
{
    char out[5];
    assert_string_equal(duration_format(93784005, out, sizeof out), "1d2h");
    assert_string_equal(duration_format(-1, out, sizeof out), "0s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_duration_format_stays_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
