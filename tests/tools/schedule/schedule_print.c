/*
 * Prints the stretches of schedules, found by walking from edge to edge. A line of standard input
 * is one schedule: ZONE FROM UNTIL WINDOWS EXCEPT, with times in seconds since 1970; windows as
 * "31:480-1140,96:0-1440" (bits of the days, minutes of the day); dates as "2026-12-25,2027-01-01";
 * "-" for none. For each, a line "BEGIN END" a stretch
 * ("-1" where none is in sight), from that which holds FROM to the last that begins before UNTIL,
 * then a line ".".
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/zone.h"
#include "core/facts/schedule.h"

struct job {
    int64_t from, until;
    struct model_policy policy;
    struct model_window windows[MODEL_WINDOWS_MAX];
    struct model_date except[MODEL_EXCEPT_MAX];
};

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "schedule_print: cannot read: %s\n", what);
    exit(2);
}

/* Takes the next word off `rest`, which ends at any of `ends`; a number in [0, most]. */
static int64_t take_number(char **rest, const char *ends, int64_t most)
{
    const char *word = strsep(rest, ends);
    int64_t value = 0;
    if (word == NULL || number_parse(word, 0, most, &value) < 0)
        give_up(word != NULL ? word : "the end of a line");
    return value;
}

static void read_windows(struct job *job, char *rest)
{
    while (rest != NULL) {
        if (job->policy.n_windows == MODEL_WINDOWS_MAX)
            give_up("more windows");
        struct model_window *window = &job->windows[job->policy.n_windows++];
        window->days = (uint8_t)take_number(&rest, ":", 127);
        window->from = (uint16_t)take_number(&rest, "-", 1440);
        window->to = (uint16_t)take_number(&rest, ",", 1440);
    }
}

static void read_except(struct job *job, char *rest)
{
    while (rest != NULL) {
        if (job->policy.n_except == MODEL_EXCEPT_MAX)
            give_up("more dates");
        struct model_date *date = &job->except[job->policy.n_except++];
        date->year = (int16_t)take_number(&rest, "-", 9999); /* 0: every year */
        if (date->year == 0)
            date->year = MODEL_EVERY_YEAR;
        date->month = (uint8_t)take_number(&rest, "-", 12);
        date->day = (uint8_t)take_number(&rest, ",", 31);
    }
}

static char *take_word(char **rest)
{
    char *word = strsep(rest, " \n");
    if (word == NULL)
        give_up("the end of a line");
    return word;
}

static void read_job(struct job *job, char *line)
{
    *job = (struct job){.policy = {.mode = POLICY_SCHEDULED}};
    job->policy.timezone = take_word(&line);
    job->policy.windows = job->windows;
    job->policy.except = job->except;
    job->from = take_number(&line, " ", INT64_MAX / 1000);
    job->until = take_number(&line, " ", INT64_MAX / 1000);
    char *windows = take_word(&line);
    char *except = take_word(&line);
    if (strcmp(windows, "-") != 0)
        read_windows(job, windows);
    if (strcmp(except, "-") != 0)
        read_except(job, except);
}

static int64_t in_s(int64_t ms)
{
    return ms == SCHEDULE_NEVER ? -1 : ms / 1000;
}

/* What a view says must hold in itself, and be said of any other instant of the stretch too. */
static void check_view(const struct job *job, const struct zone_port *zones, int64_t begin,
                       const struct schedule_view *view)
{
    int64_t last = view->until == SCHEDULE_NEVER ? begin : view->until - 1;
    struct schedule_view again = schedule_view(&job->policy, zones, last);

    if (!again.wants || again.until != view->until ||
        (view->until != SCHEDULE_NEVER && schedule_view(&job->policy, zones, view->until).wants)) {
        fprintf(stderr, "schedule_print: %s: views of one stretch differ at %" PRId64 "\n",
                job->policy.timezone, last);
        exit(1);
    }
}

/* What a view cannot see beyond its horizon is looked for from farther on. */
static struct schedule_view look_far(const struct job *job, const struct zone_port *zones,
                                     int64_t at)
{
    const int64_t stride = (int64_t)SCHEDULE_HORIZON_DAYS / 2 * 86400 * 1000;
    struct schedule_view view = schedule_view(&job->policy, zones, at);
    const int64_t since = view.since;

    while (view.wants && view.until == SCHEDULE_NEVER && at < job->until * 1000) {
        at += stride;
        view = schedule_view(&job->policy, zones, at);
    }
    view.since = since;
    return view;
}

static void print_job(const struct job *job, const struct zone_port *zones)
{
    struct schedule_view view = schedule_view(&job->policy, zones, job->from * 1000);
    int64_t at = view.wants ? job->from * 1000 : view.next;

    while (at != SCHEDULE_NEVER && at < job->until * 1000) {
        view = schedule_view(&job->policy, zones, at);
        check_view(job, zones, at, &view);
        view = look_far(job, zones, at);
        printf("%" PRId64 " %" PRId64 "\n", in_s(view.since), in_s(view.until));
        at = view.next;
    }
    puts(".");
}

int main(void)
{
    static struct zone_cache cache;
    const struct zone_port zones = {.offset = zone_offset, .context = &cache};
    char line[2048];
    struct job job;

    while (fgets(line, sizeof line, stdin) != NULL) {
        read_job(&job, line);
        print_job(&job, &zones);
    }
    return 0;
}
