#include "base/array.h"
#include "core/facts/schedule.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/zone.h"
#include "unit.h"

#define HM(hour, minute) ((hour)*60 + (minute))

enum { MON = 1, TUE = 2, WED = 4, THU = 8, FRI = 16, SAT = 32, SUN = 64, WORK = 31, DAILY = 127 };

/* A schedule and the stretches expected of it, walked from an instant on. */
struct expected {
    const char *name, *zone, *from;
    const char *stretches[6][2]; /* begin, end; ends with NULL */
    size_t n_windows, n_except;
    struct model_window windows[3];
    struct model_date except[3];
};

static const struct expected table[] = {
    {.name = "office hours, over a weekend",
     .zone = "Europe/Paris",
     .from = "2026-11-20T00:00:00Z",
     .n_windows = 1,
     .windows = {{WORK, HM(8, 0), HM(19, 0)}},
     .stretches = {{"2026-11-20T08:00:00+01:00", "2026-11-20T19:00:00+01:00"},
                   {"2026-11-23T08:00:00+01:00", "2026-11-23T19:00:00+01:00"}}},
    {.name = "a date that is an exception",
     .zone = "Europe/Paris",
     .from = "2026-12-24T20:00:00+01:00",
     .n_windows = 1,
     .windows = {{WORK, HM(8, 0), HM(19, 0)}},
     .n_except = 2,
     .except = {{2027, 1, 1}, {2026, 12, 25}},
     .stretches = {{"2026-12-28T08:00:00+01:00", "2026-12-28T19:00:00+01:00"}}},
    {.name = "a date that is an exception every year",
     .zone = "Europe/Paris",
     .from = "2029-12-31T12:00:00+01:00",
     .n_windows = 1,
     .windows = {{DAILY, HM(8, 0), HM(19, 0)}},
     .n_except = 2,
     .except = {{MODEL_EVERY_YEAR, 1, 1}, {MODEL_EVERY_YEAR, 12, 31}},
     .stretches = {{"2030-01-02T08:00:00+01:00", "2030-01-02T19:00:00+01:00"}}},
    {.name = "across midnight",
     .zone = "Europe/Paris",
     .from = "2026-11-20T00:00:00Z",
     .n_windows = 1,
     .windows = {{FRI | SAT, HM(22, 0), HM(2, 0)}},
     .stretches = {{"2026-11-20T22:00:00+01:00", "2026-11-21T02:00:00+01:00"},
                   {"2026-11-21T22:00:00+01:00", "2026-11-22T02:00:00+01:00"},
                   {"2026-11-27T22:00:00+01:00", "2026-11-28T02:00:00+01:00"}}},
    {.name = "across midnight: an exception takes the night that begins on it, not the one that "
             "ends on it",
     .zone = "Europe/Paris",
     .from = "2026-11-19T12:00:00Z",
     .n_windows = 1,
     .windows = {{DAILY, HM(22, 0), HM(2, 0)}},
     .n_except = 1,
     .except = {{2026, 11, 20}},
     .stretches = {{"2026-11-19T22:00:00+01:00", "2026-11-20T02:00:00+01:00"},
                   {"2026-11-21T22:00:00+01:00", "2026-11-22T02:00:00+01:00"}}},
    {.name = "to midnight, then from midnight: one stretch",
     .zone = "Europe/Paris",
     .from = "2026-11-19T12:00:00Z",
     .n_windows = 2,
     .windows = {{FRI, HM(18, 0), HM(24, 0)}, {SAT, HM(0, 0), HM(6, 0)}},
     .stretches = {{"2026-11-20T18:00:00+01:00", "2026-11-21T06:00:00+01:00"},
                   {"2026-11-27T18:00:00+01:00", "2026-11-28T06:00:00+01:00"}}},
    {.name = "to 00:00 is to the end of the day",
     .zone = "Europe/Paris",
     .from = "2026-11-19T12:00:00Z",
     .n_windows = 1,
     .windows = {{FRI, HM(18, 0), HM(0, 0)}},
     .stretches = {{"2026-11-20T18:00:00+01:00", "2026-11-21T00:00:00+01:00"}}},
    {.name = "windows that overlap or touch",
     .zone = "Europe/Paris",
     .from = "2026-11-20T00:00:00Z",
     .n_windows = 3,
     .windows = {{FRI, HM(8, 0), HM(12, 0)},
                 {FRI, HM(12, 0), HM(14, 0)},
                 {FRI, HM(13, 0), HM(18, 0)}},
     .stretches = {{"2026-11-20T08:00:00+01:00", "2026-11-20T18:00:00+01:00"}}},
    {.name = "all week but one day",
     .zone = "Europe/Paris",
     .from = "2026-11-21T12:00:00Z",
     .n_windows = 1,
     .windows = {{DAILY, HM(0, 0), HM(24, 0)}},
     .n_except = 1,
     .except = {{2026, 11, 22}},
     .stretches = {{NULL, "2026-11-22T00:00:00+01:00"}, {"2026-11-23T00:00:00+01:00", NULL}}},
    {.name = "begins in the hour that spring skips",
     .zone = "Europe/Paris",
     .from = "2026-03-28T12:00:00Z",
     .n_windows = 1,
     .windows = {{DAILY, HM(2, 30), HM(4, 0)}},
     .stretches = {{"2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00"},
                   {"2026-03-30T02:30:00+02:00", "2026-03-30T04:00:00+02:00"}}},
    {.name = "lies wholly in the hour that spring skips",
     .zone = "Europe/Paris",
     .from = "2026-03-28T12:00:00Z",
     .n_windows = 1,
     .windows = {{DAILY, HM(2, 0), HM(3, 0)}},
     .stretches = {{"2026-03-30T02:00:00+02:00", "2026-03-30T03:00:00+02:00"}}},
    {.name = "ends in the hour that spring skips",
     .zone = "Europe/Paris",
     .from = "2026-03-28T12:00:00Z",
     .n_windows = 1,
     .windows = {{SUN, HM(1, 0), HM(2, 30)}},
     .stretches = {{"2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00"}}},
    {.name = "lies in the hour that autumn shows twice",
     .zone = "Europe/Paris",
     .from = "2026-10-24T12:00:00Z",
     .n_windows = 1,
     .windows = {{SUN, HM(2, 15), HM(2, 45)}},
     .stretches = {{"2026-10-25T02:15:00+02:00", "2026-10-25T02:45:00+02:00"},
                   {"2026-10-25T02:15:00+01:00", "2026-10-25T02:45:00+01:00"}}},
    {.name = "spans the hour that autumn shows twice",
     .zone = "Europe/Paris",
     .from = "2026-10-24T12:00:00Z",
     .n_windows = 1,
     .windows = {{SUN, HM(2, 0), HM(3, 0)}},
     .stretches = {{"2026-10-25T02:00:00+02:00", "2026-10-25T03:00:00+01:00"}}},
    {.name = "ends where the clock goes back: the hour counts again",
     .zone = "Europe/Paris",
     .from = "2026-10-24T12:00:00Z",
     .n_windows = 1,
     .windows = {{SUN, HM(1, 0), HM(2, 30)}},
     .stretches = {{"2026-10-25T01:00:00+02:00", "2026-10-25T02:30:00+02:00"},
                   {"2026-10-25T02:00:00+01:00", "2026-10-25T02:30:00+01:00"}}},
    {.name = "New York in spring",
     .zone = "America/New_York",
     .from = "2026-03-08T00:00:00Z",
     .n_windows = 1,
     .windows = {{SAT | SUN, HM(22, 0), HM(3, 0)}},
     .stretches = {{"2026-03-07T22:00:00-05:00", "2026-03-08T03:00:00-04:00"},
                   {"2026-03-08T22:00:00-04:00", "2026-03-09T03:00:00-04:00"}}},
    {.name = "half an hour back on Lord Howe",
     .zone = "Australia/Lord_Howe",
     .from = "2026-04-04T00:00:00Z",
     .n_windows = 1,
     .windows = {{SUN, HM(1, 45), HM(1, 50)}},
     .stretches = {{"2026-04-05T01:45:00+11:00", "2026-04-05T01:50:00+11:00"},
                   {"2026-04-05T01:45:00+10:30", "2026-04-05T01:50:00+10:30"},
                   {"2026-04-12T01:45:00+10:30", "2026-04-12T01:50:00+10:30"}}},
    {.name = "half an hour skipped on Lord Howe",
     .zone = "Australia/Lord_Howe",
     .from = "2026-10-03T00:00:00Z",
     .n_windows = 1,
     .windows = {{SUN, HM(2, 10), HM(2, 40)}},
     .stretches = {{"2026-10-04T02:30:00+11:00", "2026-10-04T02:40:00+11:00"}}},
    {.name = "a quarter past the hour in Kathmandu",
     .zone = "Asia/Kathmandu",
     .from = "2026-11-22T00:00:00Z",
     .n_windows = 1,
     .windows = {{MON, HM(0, 0), HM(6, 0)}},
     .stretches = {{"2026-11-22T18:15:00Z", "2026-11-23T00:15:00Z"}}},
    {.name = "a day that begins at one o'clock in Santiago",
     .zone = "America/Santiago",
     .from = "2026-09-05T12:00:00-04:00",
     .n_windows = 2,
     .windows = {{SUN, HM(0, 30), HM(2, 0)}, {SAT, HM(22, 0), HM(0, 30)}},
     .stretches = {{"2026-09-05T22:00:00-04:00", "2026-09-06T02:00:00-03:00"},
                   {"2026-09-12T22:00:00-03:00", "2026-09-13T02:00:00-03:00"}}},
    {.name = "an evening hour shown twice in Santiago, on the same day",
     .zone = "America/Santiago",
     .from = "2026-04-04T12:00:00-03:00",
     .n_windows = 1,
     .windows = {{SAT, HM(23, 0), HM(23, 30)}},
     .stretches = {{"2026-04-04T23:00:00-03:00", "2026-04-04T23:30:00-03:00"},
                   {"2026-04-04T23:00:00-04:00", "2026-04-04T23:30:00-04:00"}}},
    {.name = "to midnight, where the last hour comes again",
     .zone = "America/Santiago",
     .from = "2026-04-04T12:00:00-03:00",
     .n_windows = 1,
     .windows = {{SAT, HM(22, 0), HM(24, 0)}},
     .stretches = {{"2026-04-04T22:00:00-03:00", "2026-04-05T00:00:00-04:00"}}},
    {.name = "Cairo, whose day begins at one o'clock",
     .zone = "Africa/Cairo",
     .from = "2026-04-23T12:00:00+02:00",
     .n_windows = 1,
     .windows = {{FRI, HM(0, 0), HM(8, 0)}},
     .stretches = {{"2026-04-24T01:00:00+03:00", "2026-04-24T08:00:00+03:00"}}},
    {.name = "a Friday that Samoa left out",
     .zone = "Pacific/Apia",
     .from = "2011-12-29T00:00:00-10:00",
     .n_windows = 1,
     .windows = {{THU | FRI, HM(20, 0), HM(4, 0)}},
     .stretches = {{"2011-12-29T20:00:00-10:00", "2011-12-31T04:00:00+14:00"},
                   {"2012-01-05T20:00:00+14:00", "2012-01-06T04:00:00+14:00"}}},
};

static struct zone_cache cache;
static const struct zone_port zones = {.offset = zone_offset, .context = &cache};

static int64_t at(const char *text)
{
    int64_t ms = SCHEDULE_NEVER;
    if (text != NULL && rfc3339_parse(text, &ms) < 0)
        fail_msg("%s is no time", text);
    return ms;
}

static struct model_policy policy_of(const struct expected *row)
{
    return (struct model_policy){
        .mode = POLICY_SCHEDULED,
        .timezone = row->zone,
        .n_windows = row->n_windows,
        .windows = (struct model_window *)row->windows,
        .n_except = row->n_except,
        .except = (struct model_date *)row->except,
    };
}

/* A stretch as seen from its two ends, and from just outside of them. */
static void check_stretch(const struct expected *row, int64_t begin, int64_t end)
{
    struct model_policy policy = policy_of(row);
    int64_t first = begin == SCHEDULE_NEVER ? end - 1 : begin;
    int64_t last = end == SCHEDULE_NEVER ? begin : end - 1;
    struct schedule_view from_first = schedule_view(&policy, &zones, first);
    struct schedule_view from_last = schedule_view(&policy, &zones, last);

    if (!from_first.wants || from_first.since != begin || from_first.until != end)
        fail_msg("%s: %" PRId64 " to %" PRId64, row->name, from_first.since, from_first.until);
    assert_true(from_last.wants);
    assert_int_equal(from_last.since, begin);
    assert_int_equal(from_last.until, end);
    assert_int_equal(from_last.next, from_first.next);
    if (begin != SCHEDULE_NEVER)
        assert_false(schedule_view(&policy, &zones, begin - 1).wants);
    if (end != SCHEDULE_NEVER)
        assert_false(schedule_view(&policy, &zones, end).wants);
}

static void check_row(const struct expected *row)
{
    struct model_policy policy = policy_of(row);
    struct schedule_view view = schedule_view(&policy, &zones, at(row->from));

    for (size_t i = 0; row->stretches[i][0] != NULL || row->stretches[i][1] != NULL; i++) {
        int64_t begin = at(row->stretches[i][0]);
        int64_t end = at(row->stretches[i][1]);
        int64_t found = view.wants ? view.since : view.next;
        if (found != begin)
            fail_msg("%s: stretch %zu begins %" PRId64 ", not %" PRId64, row->name, i, found,
                     begin);
        check_stretch(row, begin, end);
        if (end != SCHEDULE_NEVER)
            view = schedule_view(&policy, &zones, end);
    }
}

static void test_table(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        check_row(&table[i]);
}

static void test_milliseconds(void **state)
{
    struct model_policy policy = policy_of(&table[0]);
    int64_t begin = at("2026-11-20T08:00:00+01:00");
    struct schedule_view view = schedule_view(&policy, &zones, begin - 1);

    assert_false(view.wants);
    assert_int_equal(view.since, SCHEDULE_NEVER);
    assert_int_equal(view.until, SCHEDULE_NEVER);
    assert_int_equal(view.next, begin);
    view = schedule_view(&policy, &zones, begin + 999);
    assert_true(view.wants);
    assert_int_equal(view.since, begin);
    assert_int_equal(view.next, at("2026-11-23T08:00:00+01:00"));
}

static void test_never(void **state)
{
    struct model_window none_of_the_days = {0, HM(8, 0), HM(19, 0)};
    struct model_policy policy = {.timezone = "UTC"};

    for (size_t i = 0; i < 2; i++) {
        policy.n_windows = i;
        policy.windows = i > 0 ? &none_of_the_days : NULL;
        struct schedule_view view = schedule_view(&policy, &zones, at("2026-11-20T08:00:00Z"));
        assert_false(view.wants);
        assert_int_equal(view.next, SCHEDULE_NEVER);
    }
}

static void test_always(void **state)
{
    struct model_window whole[] = {{WORK, 0, HM(24, 0)}, {SAT | SUN, HM(0, 0), HM(0, 0)}};
    struct model_policy policy = {.timezone = "Europe/Paris", .n_windows = 2, .windows = whole};
    struct schedule_view view = schedule_view(&policy, &zones, at("2026-11-20T08:00:00Z"));

    assert_true(view.wants);
    assert_int_equal(view.since, SCHEDULE_NEVER);
    assert_int_equal(view.until, SCHEDULE_NEVER);
    assert_int_equal(view.next, SCHEDULE_NEVER);
}

/* Nine Saturdays in a row are exceptions: the tenth is found; and so is the one that was before
 * them. */
static void test_looks_far(void **state)
{
    struct model_window saturdays = {SAT, HM(8, 0), HM(19, 0)};
    struct model_date except[] = {{2026, 1, 3},  {2026, 1, 10}, {2026, 1, 17},
                                  {2026, 1, 24}, {2026, 1, 31}, {2026, 2, 7},
                                  {2026, 2, 14}, {2026, 2, 21}, {2026, 2, 28}};
    struct model_policy policy = {.timezone = "UTC",
                                  .n_windows = 1,
                                  .windows = &saturdays,
                                  .n_except = ARRAY_SIZE(except),
                                  .except = except};
    struct schedule_view view = schedule_view(&policy, &zones, at("2025-12-27T12:00:00Z"));

    assert_true(view.wants);
    assert_int_equal(view.next, at("2026-03-07T08:00:00Z"));
    assert_int_equal(schedule_view(&policy, &zones, at("2025-12-28T00:00:00Z")).next, view.next);
}

/* A stretch that began nearly at the horizon, and one that began beyond it. */
static void test_horizon(void **state)
{
    struct model_window whole = {DAILY, 0, HM(24, 0)};
    struct model_date except = {2026, 1, 1};
    struct model_policy policy = {
        .timezone = "UTC", .n_windows = 1, .windows = &whole, .n_except = 1, .except = &except};
    const int64_t day = 86400000;
    const int64_t began = at("2026-01-02T00:00:00Z");

    assert_int_equal(schedule_view(&policy, &zones, began + 399 * day).since, began);
    assert_int_equal(schedule_view(&policy, &zones, began + 401 * day).since, SCHEDULE_NEVER);
    assert_int_equal(schedule_view(&policy, &zones, began - 400 * day).until, began - day);
    assert_int_equal(schedule_view(&policy, &zones, began - 402 * day).until, SCHEDULE_NEVER);
}

/* A zone as the port may give it: one change, in which the clock goes a whole day back. */
static int32_t one_step(void *context, const char *zone, int64_t utc_s)
{
    int *calls = context;
    (*calls)++;
    assert_string_equal(zone, "Made/Up");
    return utc_s < 31536000 ? 43200 : -43200;
}

static void test_port(void **state)
{
    int calls = 0;
    const struct zone_port made_up = {.offset = one_step, .context = &calls};
    struct model_window thursday = {THU, HM(13, 0), HM(14, 0)}; /* 1970-12-31 is one */
    struct model_policy policy = {.timezone = "Made/Up", .n_windows = 1, .windows = &thursday};
    const int64_t hour = 3600000;
    const int64_t step = INT64_C(31536000000);

    assert_int_equal(schedule_view(&policy, &made_up, step - 24 * hour).next, step - 23 * hour);
    assert_int_equal(schedule_view(&policy, &made_up, step - 22 * hour).next, step + hour);
    assert_in_range(calls, 1, 200);
}

static void test_any_instant(void **state)
{
    static const int64_t far[] = {INT64_MIN, INT64_MIN / 2, -1, 0, INT64_MAX / 2, INT64_MAX};

    for (size_t i = 0; i < ARRAY_SIZE(far); i++)
        for (size_t row = 0; row < ARRAY_SIZE(table); row++) {
            struct model_policy policy = policy_of(&table[row]);
            struct schedule_view view = schedule_view(&policy, &zones, far[i]);
            assert_true(view.wants || view.since == SCHEDULE_NEVER);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),     cmocka_unit_test(test_milliseconds),
        cmocka_unit_test(test_never),     cmocka_unit_test(test_always),
        cmocka_unit_test(test_looks_far), cmocka_unit_test(test_horizon),
        cmocka_unit_test(test_port),      cmocka_unit_test(test_any_instant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
