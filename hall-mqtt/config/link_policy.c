/* What the options of one policy, and of the hours of access, must hold against each other. Windows
 * may overlap or touch: they are one stretch then. */
#include <stdio.h>
#include <string.h>

#include "config/raw.h"

static void fail_key(struct report *report, const struct pointer *parent, const char *key,
                     struct phrase found, struct phrase allowed)
{
    struct pointer at = {.parent = parent, .key = key};
    report_error(report, COMPLAINT_CONFLICT, &at, found, allowed);
}

/* Times that could not be read are 0, so of a list that is wrong only what is sure is told. */
static void check_window(struct report *report, const struct pointer *at,
                         const struct model_policy *policy, bool sure)
{
    const struct model_window *window = &policy->windows[at->index];

    if (window->from == window->to && (sure || window->from != 0))
        report_error(report, COMPLAINT_CONFLICT, at, PHRASE(EMPTY_WINDOW), PHRASE(OTHER_END));
    for (size_t i = 0; i < at->index && sure; i++) {
        const struct model_window *other = &policy->windows[i];
        if (window->days != other->days || window->from != other->from || window->to != other->to)
            continue;
        report_error(report, COMPLAINT_CONFLICT, at, PHRASE(SAME_WINDOW, .numbers = {(int64_t)i}),
                     PHRASE(WINDOW_ONCE));
        return;
    }
}

/* Is there a day that both mean? */
static bool overlaps(const struct model_date *a, const struct model_date *b)
{
    const bool years =
        a->year == b->year || a->year == MODEL_EVERY_YEAR || b->year == MODEL_EVERY_YEAR;
    return years && a->month == b->month && a->day == b->day;
}

static void check_date(struct report *report, const struct pointer *at,
                       const struct model_policy *policy)
{
    const struct model_date *date = &policy->except[at->index];
    char shown[24];

    for (size_t i = 0; i < at->index && date->year != 0; i++) {
        if (!overlaps(date, &policy->except[i]))
            continue;
        char year[8] = "";
        if (date->year != MODEL_EVERY_YEAR)
            snprintf(year, sizeof(year), "%04d-", date->year);
        snprintf(shown, sizeof(shown), "%s%02d-%02d", year, date->month, date->day);
        report_error(report, COMPLAINT_CONFLICT, at,
                     PHRASE(DATE_TWICE, .texts = {shown}, .numbers = {(int64_t)i}),
                     PHRASE(DATE_ONCE));
        return;
    }
}

static void check_hours(struct report *report, const struct pointer *at,
                        const struct model_policy *hours, enum option_given given)
{
    struct pointer windows = {.parent = at, .key = "windows"};
    for (size_t i = 0; i < hours->n_windows; i++) {
        struct pointer window = {.parent = &windows, .index = i};
        check_window(report, &window, hours, given == GIVEN_WELL);
    }
    struct pointer except = {.parent = at, .key = "except"};
    for (size_t i = 0; i < hours->n_except; i++) {
        struct pointer date = {.parent = &except, .index = i};
        check_date(report, &date, hours);
    }
    if (hours->n_windows == 0 && given != GIVEN_BADLY && hours->n_except > 0 &&
        hours->except[0].year != 0)
        fail_key(report, at, "except", PHRASE(DATES_ALONE), PHRASE(WINDOWS_OR_NO_DATES));
}

static void check_mode(struct report *report, const struct pointer *at,
                       const struct raw_policy *policy)
{
    if (policy->out.n_windows == 0) {
        if (policy->out.mode == POLICY_SCHEDULED)
            fail_key(report, at, "windows", PHRASE(NO_WINDOW), PHRASE(A_WINDOW));
    } else if (policy->mode_given == GIVEN_NOT) {
        fail_key(report, at, "mode", PHRASE(MODE_MISSING), PHRASE(A_MODE));
    } else if (policy->out.mode == POLICY_ALWAYS_ON) {
        fail_key(report, at, "windows",
                 PHRASE(WINDOWS_WITH, .texts = {policy_mode_name(POLICY_ALWAYS_ON)}),
                 PHRASE(NO_WINDOWS));
    }
}

/* Windows that wait for a change at run time have their time outside too. */
static void check_otherwise(struct report *report, const struct pointer *at,
                            const struct raw_policy *policy)
{
    enum policy_mode mode = policy->out.mode;

    if (policy->otherwise_given != GIVEN_WELL || mode == POLICY_SCHEDULED ||
        (mode == POLICY_ON_DEMAND && policy->out.n_windows > 0))
        return;
    fail_key(report, at, "otherwise", PHRASE(OTHERWISE_WITH, .texts = {policy_mode_name(mode)}),
             PHRASE(WHEN_SCHEDULED));
}

static void check_policy(struct report *report, const struct pointer *domain,
                         const struct raw_policy *policy)
{
    struct pointer at = {.parent = domain, .key = "policy"};
    check_hours(report, &at, &policy->out, policy->windows_given);
    if (policy->mode_given == GIVEN_BADLY || policy->windows_given == GIVEN_BADLY)
        return;
    check_mode(report, &at, policy);
    check_otherwise(report, &at, policy);
}

static void check_quota(struct report *report, const struct pointer *access, const char *key,
                        int inside, int outside)
{
    if (inside > 0 && outside > 0)
        fail_key(report, access, key, PHRASE(QUOTA_TWICE), PHRASE(QUOTA_ONCE));
}

static void check_project(struct report *report, const struct pointer *projects,
                          const struct raw_site *project)
{
    struct pointer here = {.parent = projects, .key = project->key.given};
    struct pointer access = {.parent = &here, .key = "access"};
    check_hours(report, &access, &project->out.hours, project->hours_given);
    check_quota(report, &access, "wakes_per_day", project->access_wakes_per_day,
                project->out.wakes_per_day);
    check_quota(report, &access, "minutes_per_day", project->access_minutes_per_day,
                project->out.minutes_per_day);
}

/* A rule that names nothing would be one for everybody; what could not be read was told already. */
static void check_monitors(struct report *report, const struct pointer *access,
                           const struct model_access *out)
{
    struct pointer monitors = {.parent = access, .key = "monitors"};
    for (size_t i = 0; i < out->n_monitors && report->n == 0; i++) {
        const struct model_rule *rule = &out->monitors[i];
        struct pointer at = {.parent = &monitors, .index = i};
        if (!rule->agent && !rule->path && !rule->method && cidr_is_everyone(&rule->address))
            report_error(report, COMPLAINT_MISSING, &at, PHRASE(RULE_FOR_ALL), PHRASE(RULE_KEY));
    }
}

void link_policies(struct report *report, const struct raw_config *raw)
{
    for (size_t i = 0; i < raw->n_domains; i++) {
        const struct raw_domain *domain = &raw->domains[i];
        struct pointer domains = {.key = "domains"};
        struct pointer here = {.parent = &domains, .key = domain->key.given};
        struct pointer access = {.parent = &here, .key = "access"};
        struct pointer projects = {.parent = &here, .key = "projects"};
        check_policy(report, &here, &domain->policy);
        check_hours(report, &access, &domain->access.out.hours, domain->access.hours_given);
        check_monitors(report, &access, &domain->access.out);
        for (size_t k = 0; k < domain->n_projects; k++)
            check_project(report, &projects, &domain->projects[k]);
    }
}
