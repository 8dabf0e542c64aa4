#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "core/facts/quota.h"
#include "unit.h"

enum { TODAY = 20000, DOMAIN = 3 };

static struct quota_book book;

static int empty(void **state)
{
    quota_finish(&book);
    return quota_init(&book);
}

static void test_keys(void **state)
{
    quota_open(&book, QUOTA_CLIENT, DOMAIN, v4(7), TODAY)->wakes = 1;
    quota_open(&book, QUOTA_CLIENT, DOMAIN, v4(8), TODAY)->wakes = 2;
    quota_open(&book, QUOTA_CLIENT, DOMAIN + 1, v4(7), TODAY)->wakes = 3;
    quota_open(&book, QUOTA_PROJECT, DOMAIN, v4(7), TODAY)->wakes = 4;
    assert_int_equal(quota_look(&book, QUOTA_CLIENT, DOMAIN, v4(7), TODAY)->wakes, 1);
    assert_int_equal(quota_look(&book, QUOTA_CLIENT, DOMAIN, v4(8), TODAY)->wakes, 2);
    assert_int_equal(quota_look(&book, QUOTA_CLIENT, DOMAIN + 1, v4(7), TODAY)->wakes, 3);
    assert_int_equal(quota_look(&book, QUOTA_PROJECT, DOMAIN, v4(7), TODAY)->wakes, 4);
    assert_null(quota_look(&book, QUOTA_PROJECT, DOMAIN, v4(8), TODAY));
}

static void test_days(void **state)
{
    quota_open(&book, QUOTA_PROJECT, 1, v4(0), TODAY)->wakes = 5;
    assert_null(quota_look(&book, QUOTA_PROJECT, 1, v4(0), TODAY + 1));
    assert_int_equal(quota_open(&book, QUOTA_PROJECT, 1, v4(0), TODAY + 1)->wakes, 0);
    assert_null(quota_look(&book, QUOTA_PROJECT, 1, v4(0), TODAY));
}

/* Time awake: what lies between uses, a longer gap as the idle time it kept the server up. */
static void test_use(void **state)
{
    struct quota *quota = quota_open(&book, QUOTA_CLIENT, DOMAIN, v4(7), TODAY);

    quota_use(quota, 1000, 60000);
    assert_int_equal(quota->awake_ms, 0);
    quota_use(quota, 31000, 60000);
    assert_int_equal(quota->awake_ms, 30000);
    quota_use(quota, 31000, 60000);
    assert_int_equal(quota->awake_ms, 30000);
    quota_use(quota, 10000000, 60000);
    assert_int_equal(quota->awake_ms, 90000);
}

/* A hundred thousand addresses of one wake each: the heavy users stay known. */
static void test_flood(void **state)
{
    for (uint32_t heavy = 0; heavy < 20; heavy++) {
        struct quota *quota =
            quota_open(&book, QUOTA_CLIENT, DOMAIN, v4(0x0a000000 + heavy), TODAY);

        quota->wakes = 10 + heavy;
        quota->awake_ms = 3600000;
    }
    for (uint32_t i = 0; i < 100000; i++)
        quota_open(&book, QUOTA_CLIENT, DOMAIN, v4(0xc0000000 + i * 2654435761U % 0x10000000),
                   TODAY)
            ->wakes = 1;
    for (uint32_t heavy = 0; heavy < 20; heavy++) {
        const struct quota *quota =
            quota_look(&book, QUOTA_CLIENT, DOMAIN, v4(0x0a000000 + heavy), TODAY);

        assert_non_null(quota);
        assert_int_equal(quota->wakes, 10 + heavy);
    }
}

/* A flood never pushes out a project. */
static void test_flood_beside_projects(void **state)
{
    for (int site = 0; site < 100; site++)
        quota_open(&book, QUOTA_PROJECT, site, v4(0), TODAY)->wakes = 1;
    for (uint32_t i = 0; i < 100000; i++)
        quota_open(&book, QUOTA_CLIENT, DOMAIN, v4(i * 2654435761U), TODAY)->wakes = 1000;
    for (int site = 0; site < 100; site++)
        assert_non_null(quota_look(&book, QUOTA_PROJECT, site, v4(0), TODAY));
}

/* With room made between steps, each of many clients stays known. */
static void test_room_for_many(void **state)
{
    enum { MANY = 20000 };

    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(quota_reserve(&book), 0);
        quota_open(&book, QUOTA_CLIENT, DOMAIN, v4(i * 2654435761U), TODAY)->wakes = 1 + i;
    }
    for (uint32_t i = 0; i < MANY; i++) {
        const struct quota *quota =
            quota_look(&book, QUOTA_CLIENT, DOMAIN, v4(i * 2654435761U), TODAY);

        assert_non_null(quota);
        assert_int_equal(quota->wakes, 1 + i);
    }
    assert_in_range(book.size, 2 * MANY, QUOTA_SLOTS_MAX);
}

/* Some were counted while the clock showed another day, years on or back: when room is made,
 * neither they nor those of today are forgotten. */
static void test_no_wrong_day_clears_others(void **state)
{
    static const int32_t days[] = {TODAY, TODAY + 5000, TODAY - 5000, TODAY - 1};
    const uint32_t size = book.size, most = size / 2;

    for (uint32_t i = 0; i < most; i++)
        quota_open(&book, QUOTA_CLIENT, DOMAIN, v4(i * 2654435761U), TODAY)->wakes = i + 1;
    for (uint32_t i = 0; i < size; i++)
        book.slots[i].day = days[book.slots[i].wakes % 4];
    assert_int_equal(quota_reserve(&book), 0);
    assert_int_equal(book.size, 2 * size);
    for (uint32_t i = 0; i < most; i++) {
        const struct quota *quota =
            quota_look(&book, QUOTA_CLIENT, DOMAIN, v4(i * 2654435761U), days[(i + 1) % 4]);

        assert_non_null(quota);
        assert_int_equal(quota->wakes, i + 1);
    }
}

/* However many come, it does not grow without end. */
static void test_most_room(void **state)
{
    for (uint32_t i = 0; i < 200000; i++) {
        assert_int_equal(quota_reserve(&book), 0);
        (void)quota_open(&book, QUOTA_CLIENT, DOMAIN, v4(i * 2654435761U), TODAY);
    }
    assert_int_equal(book.size, QUOTA_SLOTS_MAX);
}

/* What was used up yesterday makes room before anything of today. */
static void test_yesterday_makes_room(void **state)
{
    for (uint32_t i = 0; i < QUOTA_SLOTS_FIRST; i++)
        quota_open(&book, QUOTA_CLIENT, DOMAIN, v4(i * 7919), TODAY - 1)->wakes = 1000;
    for (uint32_t i = 0; i < QUOTA_SLOTS_FIRST / 4; i++)
        quota_open(&book, QUOTA_CLIENT, DOMAIN, v4(0x0a000000 + i * 104729), TODAY)->wakes = 1;
    size_t known = 0;
    for (uint32_t i = 0; i < QUOTA_SLOTS_FIRST / 4; i++)
        known +=
            quota_look(&book, QUOTA_CLIENT, DOMAIN, v4(0x0a000000 + i * 104729), TODAY) != NULL;
    assert_in_range(known, QUOTA_SLOTS_FIRST / 4 - QUOTA_SLOTS_FIRST / 64, QUOTA_SLOTS_FIRST / 4);
}

/* A place that is worth less than all others is given away wherever it is within reach, and never
 * one beyond; of equal ones it is the first. */
static void test_the_least_worth_makes_room(void **state)
{
    enum { CLIENT = 0x0a0b0c0d, COMMON = 0x0b000000 };
    const size_t start =
        (size_t)(quota_open(&book, QUOTA_CLIENT, DOMAIN, v4(CLIENT), TODAY) - book.slots);
    static const struct {
        struct quota cheap;
        bool first; /* it is worth as much as the others */
    } rows[] = {
        {{.used = false, .day = TODAY, .wakes = 9}, false},
        {{.used = true, .day = TODAY - 1, .wakes = 9}, false},
        {{.used = true, .day = TODAY, .wakes = 1}, false},
        {{.used = true, .day = TODAY, .awake_ms = 2 * 3600000 - 1}, false},
        {{.used = true, .day = TODAY, .wakes = 1, .awake_ms = 3600000 - 1}, false},
        {{.used = true, .day = TODAY, .awake_ms = 2 * 3600000}, true},
        {{.used = true, .day = TODAY, .wakes = 1, .awake_ms = 3600000}, true},
    };

    for (size_t row = 0; row < ARRAY_SIZE(rows); row++)
        for (size_t at = 0; at <= QUOTA_REACH; at++) {
            const bool taken = at < QUOTA_REACH && !rows[row].first;

            for (uint32_t i = 0; i < QUOTA_SLOTS_FIRST; i++)
                book.slots[i] = (struct quota){.used = true,
                                               .subject = -1,
                                               .address = v4(COMMON + i),
                                               .day = TODAY,
                                               .wakes = 2};
            book.slots[(start + at) % QUOTA_SLOTS_FIRST] = rows[row].cheap;
            book.slots[(start + at) % QUOTA_SLOTS_FIRST].subject = -1;
            assert_ptr_equal(quota_open(&book, QUOTA_CLIENT, DOMAIN, v4(CLIENT), TODAY),
                             &book.slots[(start + (taken ? at : 0)) % QUOTA_SLOTS_FIRST]);
        }
}

/* A key is found again wherever it is within reach. */
static void test_reach(void **state)
{
    const struct quota mine = *quota_open(&book, QUOTA_PROJECT, 5, v4(0), TODAY);
    size_t start = 0;

    while (!book.slots[start].used)
        start++;
    for (size_t at = 0; at <= QUOTA_REACH; at++) {
        struct quota *place = &book.slots[(start + at) % QUOTA_SLOTS_FIRST];

        memset(book.slots, 0, book.size * sizeof(*book.slots));
        *place = mine;
        assert_ptr_equal(quota_look(&book, QUOTA_PROJECT, 5, v4(0), TODAY),
                         at < QUOTA_REACH ? place : NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_keys, empty),
        cmocka_unit_test_setup(test_days, empty),
        cmocka_unit_test_setup(test_use, empty),
        cmocka_unit_test_setup(test_flood, empty),
        cmocka_unit_test_setup(test_flood_beside_projects, empty),
        cmocka_unit_test_setup(test_room_for_many, empty),
        cmocka_unit_test_setup(test_no_wrong_day_clears_others, empty),
        cmocka_unit_test_setup(test_most_room, empty),
        cmocka_unit_test_setup(test_yesterday_makes_room, empty),
        cmocka_unit_test_setup(test_the_least_worth_makes_room, empty),
        cmocka_unit_test_setup(test_reach, empty),
    };

    const int failed = cmocka_run_group_tests(tests, NULL, NULL);

    quota_finish(&book);
    return failed;
}
