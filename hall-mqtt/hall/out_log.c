#include "hall/out_log.h"

#include "core/problem.h"

static const char *id_of(const struct current *current, int server)
{
    return current->config->model.servers[server].id;
}

static void on_state(void *context, const struct action *action)
{
    const struct current *current = context;

    log_info("%s: %s -> %s: %s", id_of(current, action->server),
             power_state_name(action->state.from), power_state_name(action->state.to),
             fleet_power(current->fleet, action->server)->reason);
}

static void on_status(void *context, const struct action *action)
{
    const struct current *current = context;
    char why[REASON_SIZE];

    if (!action->status.leases)
        return;
    power_why(fleet_power(current->fleet, action->server), clock_now(), why, sizeof(why));
    log_info("%s: %s", id_of(current, action->server), why);
}

static void on_event(void *context, const struct action *action)
{
    log_info("%s: %s: %s", id_of(context, action->server), happening_name(action->event.what),
             action->event.detail);
}

static void on_site(void *context, const struct action *action)
{
    const struct current *current = context;
    const int site = action->site.site;
    char problem[REASON_SIZE];

    if (!action->site.changed)
        return;
    const bool has_problem = fleet_project_problem(current->fleet, site, problem);

    log_info("%s: project %s%s%s", current->config->model.sites[site].id,
             project_state_name(fleet_project_state(current->fleet, site)), has_problem ? ": " : "",
             problem);
}

static void on_check(void *context, const struct action *action)
{
    const struct current *current = context;
    const struct model *model = &current->config->model;
    const unsigned check = action->check.check;
    const struct fault fault =
        fleet_power(current->fleet, action->server)->evidence.checks[check].fault;
    char text[PROBLEM_SIZE];

    log_warning("%s: %s", id_of(current, action->server),
                problem_say_check(model, &model->servers[action->server].checks[check], fault, text,
                                  sizeof(text)));
}

static void on_hall_event(void *context, const struct news *news)
{
    (void)context;
    log_info("hall: %s: %s", news->event.type, news->event.detail);
}

const struct outlet_ops out_log_outlet = {
    .act = {[ACTION_STATE] = on_state,
            [ACTION_STATUS] = on_status,
            [ACTION_EVENT] = on_event,
            [ACTION_SITE] = on_site,
            [ACTION_CHECK] = on_check},
    .hear = {[NEWS_EVENT] = on_hall_event},
};
