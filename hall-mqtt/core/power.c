#include "core/power.h"

#include <string.h>

/* Rows are read aloud: "booting, and it falls silent: unreachable, or off where it said that
 * it goes; or, when a wake is wanted, waking again". */
#define STAY                                                                                       \
    {                                                                                              \
        NEXT_STAY, NEXT_STAY                                                                       \
    }
#define TO(state_)                                                                                 \
    {                                                                                              \
        POWER_##state_, POWER_##state_                                                             \
    }
#define EITHER(to_, wanted_)                                                                       \
    {                                                                                              \
        POWER_##to_, POWER_##wanted_                                                               \
    }
#define GONE_OR(wanted_)                                                                           \
    {                                                                                              \
        NEXT_GONE, wanted_                                                                         \
    }
#define AS_SEEN                                                                                    \
    {                                                                                              \
        NEXT_AS_SEEN, NEXT_AS_SEEN                                                                 \
    }

const struct power_row power_table[POWER_STATES][POWER_EVENTS] =
    {
        [POWER_UNKNOWN] =
            {
                [POWER_SIGN] = TO(BOOTING),
                [POWER_PASS] = TO(READY),
                [POWER_FAIL] = STAY,
                [POWER_SILENT] = EITHER(OFF, WAKING),
                [POWER_GOODBYE] = TO(OFF),
                [POWER_BACK] = STAY,
                [POWER_WAKE] = AS_SEEN,
                [POWER_SLEEP] = TO(SLEEPING),
                [POWER_DEADLINE] = STAY,
                [POWER_CANCEL] = STAY,
            },
        [POWER_OFF] =
            {
                [POWER_SIGN] = TO(BOOTING),
                [POWER_PASS] = TO(READY),
                [POWER_FAIL] = STAY,
                [POWER_SILENT] = STAY,
                [POWER_GOODBYE] = STAY,
                [POWER_BACK] = STAY,
                [POWER_WAKE] = AS_SEEN,
                [POWER_SLEEP] = STAY,
                [POWER_DEADLINE] = STAY,
                [POWER_CANCEL] = STAY,
            },
        [POWER_WAKING] =
            {
                [POWER_SIGN] = TO(BOOTING),
                [POWER_PASS] = TO(READY),
                [POWER_FAIL] = STAY,
                [POWER_SILENT] = STAY,
                [POWER_GOODBYE] = STAY,
                [POWER_BACK] = STAY,
                [POWER_WAKE] = STAY,
                [POWER_SLEEP] = STAY,
                [POWER_DEADLINE] = TO(WAKE_FAILED),
                [POWER_CANCEL] = AS_SEEN,
            },
        [POWER_BOOTING] =
            {
                [POWER_SIGN] = STAY,
                [POWER_PASS] = TO(READY),
                [POWER_FAIL] = STAY,
                [POWER_SILENT] = GONE_OR(POWER_WAKING),
                [POWER_GOODBYE] = TO(SLEEPING),
                [POWER_BACK] = STAY,
                [POWER_WAKE] = STAY,
                [POWER_SLEEP] = TO(SLEEPING),
                [POWER_DEADLINE] = EITHER(BOOTING, WAKE_FAILED),
                [POWER_CANCEL] = STAY,
            },
        [POWER_READY] =
            {
                [POWER_SIGN] = STAY,
                [POWER_PASS] = STAY,
                [POWER_FAIL] = TO(DEGRADED),
                [POWER_SILENT] = GONE_OR(POWER_WAKING),
                [POWER_GOODBYE] = TO(SLEEPING),
                [POWER_BACK] = STAY,
                [POWER_WAKE] = STAY,
                [POWER_SLEEP] = TO(SLEEPING),
                [POWER_DEADLINE] = STAY,
                [POWER_CANCEL] = STAY,
            },
        [POWER_DEGRADED] =
            {
                [POWER_SIGN] = STAY,
                [POWER_PASS] = TO(READY),
                [POWER_FAIL] = STAY,
                [POWER_SILENT] = GONE_OR(POWER_WAKING),
                [POWER_GOODBYE] = TO(SLEEPING),
                [POWER_BACK] = STAY,
                [POWER_WAKE] = STAY,
                [POWER_SLEEP] = TO(SLEEPING),
                [POWER_DEADLINE] = STAY,
                [POWER_CANCEL] = STAY,
            },
        [POWER_SLEEPING] =
            {
                [POWER_SIGN] = AS_SEEN,
                [POWER_PASS] = STAY,
                [POWER_FAIL] = STAY,
                [POWER_SILENT] = EITHER(OFF, WAKING),
                [POWER_GOODBYE] = STAY,
                [POWER_BACK] = AS_SEEN,
                [POWER_WAKE] = STAY,
                [POWER_SLEEP] = STAY,
                [POWER_DEADLINE] = AS_SEEN,
                [POWER_CANCEL] = STAY,
            },
        [POWER_UNREACHABLE] =
            {
                [POWER_SIGN] = TO(BOOTING),
                [POWER_PASS] = TO(READY),
                [POWER_FAIL] = STAY,
                [POWER_SILENT] = STAY,
                [POWER_GOODBYE] = TO(OFF),
                [POWER_BACK] = STAY,
                [POWER_WAKE] = AS_SEEN,
                [POWER_SLEEP] = STAY,
                [POWER_DEADLINE] = STAY,
                [POWER_CANCEL] = STAY,
            },
        [POWER_WAKE_FAILED] =
            {
                [POWER_SIGN] = TO(BOOTING),
                [POWER_PASS] = TO(READY),
                [POWER_FAIL] = STAY,
                [POWER_SILENT] = GONE_OR(NEXT_GONE),
                [POWER_GOODBYE] = TO(SLEEPING),
                [POWER_BACK] = STAY,
                [POWER_WAKE] = AS_SEEN,
                [POWER_SLEEP] = TO(SLEEPING),
                [POWER_DEADLINE] = STAY,
                [POWER_CANCEL] = STAY,
            },
};

static const char *const state_names[POWER_STATES] = {
    [POWER_UNKNOWN] = "unknown",
    [POWER_OFF] = "off",
    [POWER_WAKING] = "waking",
    [POWER_BOOTING] = "booting",
    [POWER_READY] = "ready",
    [POWER_DEGRADED] = "degraded",
    [POWER_SLEEPING] = "sleeping",
    [POWER_UNREACHABLE] = "unreachable",
    [POWER_WAKE_FAILED] = "wake_failed",
};

const char *power_state_name(enum power_state state)
{
    return state_names[state];
}

const char *wake_failure_name(enum wake_failure failure)
{
    switch (failure) {
    case FAILURE_NO_SIGN:
        return "no_sign";
    case FAILURE_NOT_READY:
        return "not_ready";
    case FAILURE_NO_PACKET:
        return "no_packet";
    case FAILURE_CANCELLED:
        return "cancelled";
    case FAILURE_DEPENDENCY:
        return "dependency";
    case FAILURE_NONE:
        break;
    }
    return NULL;
}

static const char *const guard_names[GUARDS] = {
    [GUARD_MIN_DOWN] = "min_down",
    [GUARD_WAKES_PER_HOUR] = "wakes_per_hour",
    [GUARD_CLIENT_WAKES] = "access.wakes_per_day",
    [GUARD_CLIENT_MINUTES] = "access.minutes_per_day",
    [GUARD_PROJECT_WAKES] = "project.wakes_per_day",
    [GUARD_PROJECT_MINUTES] = "project.minutes_per_day",
    [GUARD_WINDOW] = "access.windows",
};

const char *guard_name(enum guard_kind kind)
{
    return guard_names[kind];
}

struct fact guard_fact(const struct guard *guard, struct now now)
{
    return FACT(
        GUARD, .word = (uint8_t)guard->kind,
        .n = {guard->until == LEASE_FOREVER ? LEASE_FOREVER : clock_wall_at(now, guard->until)});
}

static bool is_wanted(const struct power *power)
{
    return power->wake.open || power->wake.queued;
}

/* What the evidence alone says. */
static enum power_state as_seen(const struct power *power)
{
    if (power->evidence.passing)
        return POWER_READY;
    if (power->evidence.alive)
        return power->was_ready ? POWER_DEGRADED : POWER_BOOTING;
    return is_wanted(power) ? POWER_WAKING : POWER_OFF;
}

enum power_state power_next_state(const struct power *power, enum power_event event)
{
    const struct power_row *row = &power_table[power->state][event];
    const uint8_t next = is_wanted(power) ? row->wanted : row->to;

    if (next == NEXT_STAY)
        return power->state;
    if (next == NEXT_AS_SEEN)
        return as_seen(power);
    if (next == NEXT_GONE)
        return power->leaving != 0 ? POWER_OFF : POWER_UNREACHABLE;
    return (enum power_state)next;
}

int32_t power_seconds(int64_t ms)
{
    const int64_t seconds = ms / 1000 + (ms % 1000 > 0 ? 1 : 0);

    return seconds > INT32_MAX ? INT32_MAX : seconds < INT32_MIN ? INT32_MIN : (int32_t)seconds;
}

bool power_is_up(enum power_state state)
{
    return state == POWER_BOOTING || state == POWER_READY || state == POWER_DEGRADED;
}

bool power_is_down(const struct power *power)
{
    return !power->evidence.alive &&
           (power->state == POWER_OFF || power->state == POWER_UNREACHABLE ||
            power->state == POWER_WAKE_FAILED);
}

bool power_is_awake(const struct power *power)
{
    return power_is_up(power->state) ||
           (power->state == POWER_WAKE_FAILED && power->evidence.alive);
}

void power_forget_goodbye(struct power *power)
{
    if (power->leaving == 0)
        return;
    power->leaving = 0;
    power->resting = false;
}

bool power_report_holds(const struct power *power)
{
    return power->report.heard && !power->report.past && power_is_up(power->state) &&
           power->evidence.agent == AGENT_ONLINE;
}

bool power_target_on(const struct power *power)
{
    /* The switch follows the command at once and springs back only if the agent vetoes. */
    if (power->sleep.phase == SLEEP_PROPOSED && !power->sleep.restart)
        return false;
    switch (power->state) {
    case POWER_WAKING:
    case POWER_BOOTING:
    case POWER_READY:
    case POWER_DEGRADED:
        return true;
    case POWER_SLEEPING:
        return power->wake.queued;
    case POWER_WAKE_FAILED:
        return power->evidence.alive;
    case POWER_UNKNOWN:
    case POWER_OFF:
    case POWER_UNREACHABLE:
        break;
    }
    return false;
}

enum power_need power_need(const struct power *power, int64_t now)
{
    if ((power->wake.open && power->wake.deadline > now) || power->wake.queued)
        return NEED_ALL;
    if (power->state == POWER_SLEEPING)
        return NEED_WHO_IS_UP;
    return power->evidence.alive ? NEED_ALL : NEED_NOBODY;
}

void power_note_needs(struct power *power)
{
    power->need = power_need(power, 0);
}

int64_t power_eta(const struct power *power, int64_t now)
{
    /* Nobody knows how long others make it wait. */
    if (!power->wake.open || power->wake.wait != WAIT_NOTHING)
        return -1;
    const int64_t expected = history_median(&power->history, power->wake.kind);
    if (expected < 0)
        return -1;
    const int64_t left = power->wake.started + expected - now;
    return left > 0 ? left : 0;
}

enum stage power_stage(const struct power *power)
{
    for (unsigned i = STAGES; i-- > 0;)
        if (power->wake.started != 0 && power->wake.stages[i] != STAGE_UNREACHED)
            return (enum stage)i;
    return (enum stage)STAGES;
}

/* How closely each state is watched. While a wake is open the first good answer must be seen at
 * once; a server that is up is asked now and then, and closely as soon as one answer is missing. */
struct pace {
    int64_t interval, timeout;
};
static const struct pace pace_wake = {200, 1000};
static const struct pace pace_suspect = {300, 700};
static const struct pace pace_told = {200,
                                      500}; /* something beside the checks says that it is gone */
static const struct pace paces[POWER_STATES] = {
    [POWER_UNKNOWN] = {500, 1000},      [POWER_OFF] = {10000, 2000},
    [POWER_WAKING] = {200, 1000},       [POWER_BOOTING] = {1000, 1000},
    [POWER_READY] = {2500, 1000},       [POWER_DEGRADED] = {2000, 1000},
    [POWER_SLEEPING] = {500, 500},      [POWER_UNREACHABLE] = {5000, 2000},
    [POWER_WAKE_FAILED] = {5000, 2000},
};

static bool is_watched_closely(enum power_state state)
{
    return state == POWER_READY || state == POWER_DEGRADED;
}

/* Its goodbye was heard, or was before Hall started: it will say when it is back. */
static bool agent_will_tell(const struct power *power)
{
    return power->evidence.agent == AGENT_SLEEPING ||
           (power->state == POWER_UNKNOWN && power->said_goodbye &&
            power->evidence.agent == AGENT_UNHEARD);
}

bool power_is_left_alone(const struct power *power)
{
    if (!power->rousing.quiet || power->wake.open || power->wake.queued ||
        power->evidence.agent == AGENT_ONLINE)
        return false;
    if (power->state == POWER_OFF)
        return true;
    return (power->state == POWER_UNKNOWN || power->state == POWER_SLEEPING) &&
           agent_will_tell(power);
}

static bool is_suspect(const struct power *power, size_t n_checks)
{
    if (evidence_doubts(&power->evidence))
        return true;
    for (size_t i = 0; i < n_checks; i++) {
        const struct check_state *check = &power->evidence.checks[i];

        if (check->passing && check->fails > 0)
            return true;
        if (check->alive && check->misses > 0)
            return true;
    }
    return false;
}

void power_pace(const struct power *power, size_t n_checks, int64_t *ret_interval,
                int64_t *ret_timeout)
{
    /* Its wake failed, and it is up: visitors are at those of its sites that answer. */
    const enum power_state state =
        power_is_awake(power) && !power_is_up(power->state) ? POWER_DEGRADED : power->state;
    const struct pace *pace = &paces[state];

    if (power->wake.open || power->awaited_until > 0)
        pace = &pace_wake;
    else if (is_watched_closely(state) && power->suspect_until > 0)
        pace = &pace_told;
    else if (is_watched_closely(state) && is_suspect(power, n_checks))
        pace = &pace_suspect;
    *ret_interval = pace->interval;
    if (power_is_left_alone(power))
        *ret_interval = agent_will_tell(power) ? 0 : ROUSING_QUIET_LOOK;
    *ret_timeout = pace->timeout;
}

struct fact power_awake_because(const struct power *power, int server, struct now now)
{
    const struct lease *lease = lease_longest(power->leases);

    return lease ? lease_fact(lease, server, now) : power->reason;
}

struct fact power_roused(const struct power *power)
{
    return fact_with(FACT(WOL_ROUSED, .n = {power->rousing.rounds}), power->report.wol_letters,
                     NULL);
}

struct fact power_problem(const struct power *power)
{
    const struct agent_report *report = &power->report;

    if (rousing_is_told(&power->rousing) &&
        (fact_is(&power->problem, FACT_NONE) || fact_is(&power->problem, FACT_SLEEP_FAILED)))
        return power_roused(power);
    if (power->problem.parts[0].code != FACT_NONE)
        return power->problem;
    if (report->schema > 0 && report->schema != AGENT_SCHEMA)
        return FACT(AGENT_SCHEMA, .n = {report->schema, AGENT_SCHEMA});
    if (report->heard && report->wol_known && !report->wol_armed && !power->ever_woken)
        return fact_with(FACT(WOL_OFF), report->wol_interface, NULL);
    return FACT(NONE);
}
