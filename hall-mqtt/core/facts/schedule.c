#include "core/facts/schedule.h"

#include <stddef.h>

#include "base/clock.h"

enum { MINUTE = 60, DAY = 86400, DAYS_OF_400_YEARS = 146097, THURSDAY = 3 };
static const int64_t horizon = (int64_t)SCHEDULE_HORIZON_DAYS * DAY;

/* What the wall clock shows, and which days' windows may hold then. */
struct reading {
    int32_t second; /* of the day */
    uint8_t today;  /* the weekday's bit; 0 on a date that is an exception */
    uint8_t yesterday;
};

/* One policy in its zone. */
struct walk {
    const struct model_policy *policy;
    const struct zone_port *zones;
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

/* The days from 1970-01-01 to the first of that year, Gregorian. */
static int64_t first_day(int64_t year)
{
    int64_t before = year - 1;
    return 365 * before + floor_div(before, 4) - floor_div(before, 100) + floor_div(before, 400) -
           719162;
}

static bool is_date(const struct model_date *date, int year, int month, int64_t day)
{
    return (date->year == year || date->year == MODEL_EVERY_YEAR) && date->month == month &&
           date->day == day;
}

static bool is_exception(const struct model_policy *policy, int64_t day)
{
    int year = (int)(1970 + floor_div(day * 400, DAYS_OF_400_YEARS));
    int month = 1;

    while (first_day(year) > day)
        year--;
    while (first_day(year + 1) <= day)
        year++;
    for (day -= first_day(year); day >= clock_days_in_month(year, month); month++)
        day -= clock_days_in_month(year, month);
    for (size_t i = 0; i < policy->n_except; i++)
        if (is_date(&policy->except[i], year, month, day + 1))
            return true;
    return false;
}

static uint8_t day_bit(const struct model_policy *policy, int64_t day)
{
    int64_t weekday = (day + THURSDAY) - 7 * floor_div(day + THURSDAY, 7);
    if (policy->n_except > 0 && is_exception(policy, day))
        return 0;
    return (uint8_t)(1U << weekday);
}

static int32_t offset_at(const struct walk *walk, int64_t at)
{
    return walk->zones->offset(walk->zones->context, walk->policy->timezone, at);
}

static struct reading read_at(const struct walk *walk, int64_t at)
{
    int64_t local = at + offset_at(walk, at);
    int64_t day = floor_div(local, DAY);
    return (struct reading){
        .second = (int32_t)(local - day * DAY),
        .today = day_bit(walk->policy, day),
        .yesterday = day_bit(walk->policy, day - 1),
    };
}

static bool window_holds(const struct model_window *window, const struct reading *reading)
{
    bool crosses = window->to <= window->from;
    bool begun = reading->second >= window->from * MINUTE;
    bool ended = reading->second >= window->to * MINUTE;

    if ((window->days & reading->today) && begun && (crosses || !ended))
        return true;
    return crosses && (window->days & reading->yesterday) && !ended;
}

static bool holds(const struct model_policy *policy, const struct reading *reading)
{
    for (size_t i = 0; i < policy->n_windows; i++)
        if (window_holds(&policy->windows[i], reading))
            return true;
    return false;
}

static bool wants_at(const struct walk *walk, int64_t at)
{
    struct reading reading = read_at(walk, at);
    return holds(walk->policy, &reading);
}

static void lower(int32_t *least, int32_t above, int32_t second)
{
    if (second > above && second < *least)
        *least = second;
}

/* How long until the wall clock, running on, shows the next time at which the answer may change; a
 * day's end is one. */
static int32_t to_next_edge(const struct model_policy *policy, const struct reading *reading)
{
    int32_t edge = DAY;
    for (size_t i = 0; i < policy->n_windows; i++) {
        const struct model_window *window = &policy->windows[i];
        if (!(window->days & (reading->today | reading->yesterday)))
            continue;
        lower(&edge, reading->second, window->from * MINUTE);
        lower(&edge, reading->second, window->to * MINUTE);
    }
    return edge - reading->second;
}

/* The first instant after `before`, up to `after`, with another offset; `after` where there is
 * none. At most a day apart. */
static int64_t until_change(const struct walk *walk, int64_t before, int64_t after)
{
    int32_t offset = offset_at(walk, before);

    if (offset_at(walk, after) == offset)
        return after;
    while (after - before > 1) {
        int64_t middle = before + (after - before) / 2;
        if (offset_at(walk, middle) == offset)
            before = middle;
        else
            after = middle;
    }
    return after;
}

/* The first instant after `at`, up to `limit`, at which the answer is another; NEVER where none is.
 */
static int64_t next_turn(const struct walk *walk, int64_t at, int64_t limit)
{
    struct reading reading = read_at(walk, at);
    const bool wants = holds(walk->policy, &reading);

    for (;;) {
        at = until_change(walk, at, at + to_next_edge(walk->policy, &reading));
        if (at > limit)
            return SCHEDULE_NEVER;
        reading = read_at(walk, at);
        if (holds(walk->policy, &reading) != wants)
            return at;
    }
}

/* The last beginning in (from, at]; NEVER where none is. */
static int64_t last_beginning(const struct walk *walk, int64_t from, int64_t at)
{
    int64_t found = SCHEDULE_NEVER;
    bool wants = wants_at(walk, from);

    for (;;) {
        from = next_turn(walk, from, at);
        if (from == SCHEDULE_NEVER)
            return found;
        wants = !wants;
        if (wants)
            found = from;
    }
}

/* When the stretch that holds `at` began: looked for from ever farther back. */
static int64_t stretch_began(const struct walk *walk, int64_t at)
{
    for (int64_t back = DAY;; back = back < horizon / 2 ? 2 * back : horizon) {
        int64_t found = last_beginning(walk, at - back, at);
        if (found != SCHEDULE_NEVER || back == horizon)
            return found;
    }
}

/* Whole seconds, kept where the horizon can be added and milliseconds counted. */
static int64_t in_s(int64_t wall_ms)
{
    const int64_t farthest = INT64_MAX / 2000;
    int64_t seconds = floor_div(wall_ms, 1000);
    return seconds > farthest ? farthest : seconds < -farthest ? -farthest : seconds;
}

static int64_t in_ms(int64_t seconds)
{
    return seconds == SCHEDULE_NEVER ? SCHEDULE_NEVER : seconds * 1000;
}

struct schedule_view schedule_view(const struct model_policy *policy, const struct zone_port *zones,
                                   int64_t wall_ms)
{
    const struct walk walk = {policy, zones};
    const int64_t now = in_s(wall_ms);
    const int64_t turn = next_turn(&walk, now, now + horizon);

    if (!wants_at(&walk, now))
        return (struct schedule_view){false, SCHEDULE_NEVER, SCHEDULE_NEVER, in_ms(turn)};
    return (struct schedule_view){
        .wants = true,
        .since = in_ms(stretch_began(&walk, now)),
        .until = in_ms(turn),
        .next = in_ms(turn == SCHEDULE_NEVER ? turn : next_turn(&walk, turn, now + horizon)),
    };
}
