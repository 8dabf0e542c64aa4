#include "hall/out_log.h"

#include "core/problem.h"

static const char *id_of(const struct current *current, int server)
{
    return current->config->model.servers[server].id;
}

static const char *said(const struct current *current, const struct fact *fact, char out[SAID_SIZE])
{
    return say_english(fact, &current->config->model, clock_now().wall, out);
}

static void on_state(void *context, const struct action *action)
{
    const struct current *current = context;
    char reason[SAID_SIZE];

    log_info("%s: %s -> %s: %s", id_of(current, action->server),
             power_state_name(action->state.from), power_state_name(action->state.to),
             said(current, &fleet_power(current->fleet, action->server)->reason, reason));
}

static void on_status(void *context, const struct action *action)
{
    const struct current *current = context;
    const struct now now = clock_now();
    struct buf why = BUF_INIT(SAY_SENTENCE_MAX);

    if (!action->status.leases)
        return;
    say_awake(current->fleet, action->server, now, (struct say_how){.now = now.wall}, &why);
    log_info("%s: %s", id_of(current, action->server), buf_text(&why));
    buf_finish(&why);
}

static void on_event(void *context, const struct action *action)
{
    char detail[SAID_SIZE];

    log_info("%s: %s: %s", id_of(context, action->server), happening_name(action->event.what),
             said(context, action->event.detail, detail));
}

static void on_site(void *context, const struct action *action)
{
    const struct current *current = context;
    const int site = action->site.site;
    const struct fact problem = fleet_project_problem(current->fleet, site);
    char words[SAID_SIZE];

    if (!action->site.changed)
        return;
    said(current, &problem, words);
    log_info("%s: project %s%s%s", current->config->model.sites[site].id,
             project_state_name(fleet_project_state(current->fleet, site)), words[0] ? ": " : "",
             words);
}

static void on_check(void *context, const struct action *action)
{
    const struct current *current = context;
    const struct fact fault = problem_of_check(fleet_power(current->fleet, action->server),
                                               action->server, (int)action->check.check);
    char words[SAID_SIZE];

    log_warning("%s: %s", id_of(current, action->server), said(current, &fault, words));
}

static void on_hall_event(void *context, const struct news *news)
{
    struct buf words = BUF_INIT(SAY_SENTENCE_MAX);

    (void)context;
    say_sentence(news->event.told, (struct say_how){.now = clock_now().wall}, &words);
    log_info("hall: %s: %s", news->event.type, buf_text(&words));
    buf_finish(&words);
}

const struct outlet_ops out_log_outlet = {
    .act = {[ACTION_STATE] = on_state,
            [ACTION_STATUS] = on_status,
            [ACTION_EVENT] = on_event,
            [ACTION_SITE] = on_site,
            [ACTION_CHECK] = on_check},
    .hear = {[NEWS_EVENT] = on_hall_event},
};
