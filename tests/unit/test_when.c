/* when: dates and times as people write them, in a zone that is always two hours ahead of UTC. */
#include "base/array.h"
#include "base/when.h"
#include "unit.h"

/* 2026-03-28 12:00 there. */
#define NOON INT64_C(1774692000000)
#define HOUR INT64_C(3600000)

static int32_t two_hours(void *context, const char *zone, int64_t utc_s)
{
    (void)context;
    (void)zone;
    (void)utc_s;
    return 7200;
}

static const struct zone_port zones = {.offset = two_hours};
static const struct local local = {.zones = &zones, .zone = "Test"};

static void test_what_is_read(void **state)
{
    static const struct {
        const char *text;
        bool forward;
        int64_t after_noon;
    } rows[] = {
        {"2026-03-28", true, -12 * HOUR},
        {"2026-03-28 13:00", true, HOUR},
        {"2026-03-28 13:00:30", true, HOUR + 30000},
        {"2026-03-28T13:00:00+01:00", true, 2 * HOUR},
        {"13:00", true, HOUR},
        {"12:00", true, 24 * HOUR},
        {"12:00", false, 0},
        {"13:00", false, -23 * HOUR},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        int64_t at = 0;
        assert_true(when_read(rows[i].text, &local, NOON, rows[i].forward, &at));
        assert_int_equal(at, NOON + rows[i].after_noon);
    }
}

static void test_what_is_refused(void **state)
{
    static const char *const texts[] = {
        "",      "today", "2026-02-29", "2026-13-01",       "1999-12-31",        "10000-01-01",
        "24:00", "12:60", "12:00 ",     "2026-03-28 24:00", "2026-03-28 12:00h", "2026-03-28x",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        int64_t at = 0;
        assert_false(when_read(texts[i], &local, NOON, true, &at));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_read),
        cmocka_unit_test(test_what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
