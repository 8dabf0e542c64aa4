#include "base/array.h"
#include "base/zone.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "unit.h"

static int64_t at(const char *text)
{
    int64_t ms = 0;
    assert_int_equal(rfc3339_parse(text, &ms), 0);
    return ms / 1000;
}

static void test_exists(void **state)
{
    static const char *const good[] = {"UTC", "Europe/Paris", "America/Argentina/Ushuaia",
                                       "Etc/GMT+5"};
    static const char *const bad[] = {
        "",
        "Europe",
        "Europe/Pariss",
        "europe/paris ",
        "/etc/passwd",
        "../../../etc/passwd",
        "Europe//Paris",
        "Europe/Paris/",
        "right/Europe/Paris",
        "zone.tab",
        "tzdata.zi",
        "EST5EDT,M3.2.0,M11.1.0",
        "Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        if (!zone_exists(good[i]))
            fail_msg("%s is there", good[i]);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        if (zone_exists(bad[i]))
            fail_msg("%s is not there", bad[i]);
}

static const struct {
    const char *zone, *at;
    int32_t offset;
} known[] = {
    {"UTC", "2026-07-01T00:00:00Z", 0},
    {"Europe/Paris", "2026-03-29T00:59:59Z", 3600},
    {"Europe/Paris", "2026-03-29T01:00:00Z", 7200},
    {"Europe/Paris", "2026-10-25T00:59:59Z", 7200},
    {"Europe/Paris", "2026-10-25T01:00:00Z", 3600},
    {"Europe/Paris", "2038-07-01T00:00:00Z", 7200},
    {"Europe/Paris", "2099-01-01T00:00:00Z", 3600},
    {"America/New_York", "2026-03-08T06:59:59Z", -18000},
    {"America/New_York", "2026-03-08T07:00:00Z", -14400},
    {"Australia/Lord_Howe", "2026-04-04T14:59:59Z", 39600},
    {"Australia/Lord_Howe", "2026-04-04T15:00:00Z", 37800},
    {"Asia/Kathmandu", "2026-11-22T00:00:00Z", 20700},
    {"Pacific/Apia", "2011-12-30T09:59:59Z", -36000},
    {"Pacific/Apia", "2011-12-30T10:00:00Z", 50400},
    {"Africa/Freetown", "1939-09-01T12:00:00Z", -2400}, /* four days, the shortest time ever */
    {"Africa/Freetown", "1939-09-06T12:00:00Z", -3600},
    {"No/Where", "2026-07-01T00:00:00Z", 0},
    {"../../../etc/localtime", "2026-07-01T00:00:00Z", 0},
};

/* In an order that makes the cache forget, in one that lets it remember, and with no cache at all.
 */
static void test_offsets(void **state)
{
    struct zone_cache kept = {0};

    for (size_t i = 0; i < 5 * ARRAY_SIZE(known); i++) {
        size_t k = i * 7 % ARRAY_SIZE(known);
        struct zone_cache fresh = {0};
        int32_t first = zone_offset(&kept, known[k].zone, at(known[k].at));
        int32_t second = zone_offset(&kept, known[k].zone, at(known[k].at));
        int32_t third = zone_offset(&fresh, known[k].zone, at(known[k].at));
        if (first != known[k].offset || second != known[k].offset || third != known[k].offset)
            fail_msg("%s at %s: %d, %d, %d", known[k].zone, known[k].at, first, second, third);
    }
}

/* The cache against libc asked directly, hour by hour over ten years, with more zones than it has
 * blocks. */
static void test_agrees_with_libc(void **state)
{
    static const char *const zones[] = {"Africa/Casablanca", "Africa/Cairo", "America/Santiago",
                                        "Europe/Moscow",     "Asia/Gaza",    "Antarctica/Troll"};
    struct zone_cache cache = {0};

    for (size_t i = 0; i < ARRAY_SIZE(zones); i++) {
        setenv("TZ", zones[i], 1);
        tzset();
        for (int64_t t = at("2009-01-01T00:00:00Z"); t < at("2019-01-01T00:00:00Z"); t += 3600) {
            time_t time = (time_t)t;
            struct tm parts;
            localtime_r(&time, &parts);
            if (zone_offset(&cache, zones[i], t) != parts.tm_gmtoff)
                fail_msg("%s at %lld", zones[i], (long long)t);
        }
    }
    unsetenv("TZ");
}

static void test_leaves_tz(void **state)
{
    struct zone_cache cache = {0};
    struct tm parts;
    time_t summer = (time_t)at("2026-07-01T00:00:00Z");

    setenv("TZ", "America/New_York", 1);
    tzset();
    assert_int_equal(zone_offset(&cache, "Asia/Kathmandu", summer), 20700);
    assert_string_equal(getenv("TZ"), "America/New_York");
    assert_int_equal(localtime_r(&summer, &parts)->tm_gmtoff, -14400);

    unsetenv("TZ");
    tzset();
    long before = localtime_r(&summer, &parts)->tm_gmtoff;
    cache = (struct zone_cache){0};
    assert_int_equal(zone_offset(&cache, "Asia/Kathmandu", summer), 20700);
    assert_int_equal(localtime_r(&summer, &parts)->tm_gmtoff, before);
}

/* A look-up that the cache answers must not touch TZ. */
static void test_remembers(void **state)
{
    struct zone_cache cache = {0};
    int64_t now = at("2026-07-01T00:00:00Z");

    zone_offset(&cache, "Europe/Paris", now);
    zone_offset(&cache, "America/New_York", now);
    struct zone_cache before = cache;
    for (int64_t t = now; t < now + INT64_C(2592000); t += 86400) {
        assert_int_equal(zone_offset(&cache, "Europe/Paris", t), 7200);
        assert_int_equal(zone_offset(&cache, "America/New_York", t), -14400);
    }
    assert_memory_equal(before.blocks, cache.blocks, sizeof cache.blocks);
}

static void test_far_away(void **state)
{
    struct zone_cache cache = {0};
    static const int64_t far[] = {INT64_MIN,        INT64_MAX,           INT64_MAX / 1000,
                                  INT64_MIN / 1000, INT64_C(1) << 55,    -(INT64_C(1) << 55),
                                  INT64_C(1) << 50, -(INT64_C(1) << 50), 0};
    char longest[200];

    for (size_t i = 0; i < ARRAY_SIZE(far); i++) {
        int32_t offset = zone_offset(&cache, "Europe/Paris", far[i]);
        assert_in_range(offset + 86400, 0, 2 * 86400);
    }
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(zone_offset(&cache, longest, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exists),           cmocka_unit_test(test_offsets),
        cmocka_unit_test(test_agrees_with_libc), cmocka_unit_test(test_leaves_tz),
        cmocka_unit_test(test_remembers),        cmocka_unit_test(test_far_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
