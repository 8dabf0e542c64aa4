#include "hall/out_board.h"

#include <string.h>

#include "base/text.h"

static int64_t expected_ready(const struct power *power)
{
    const struct history *history = &power->history;
    int64_t expected;

    if (!power->wake.open && power->awaited_until == 0)
        return -1;
    expected = history_stage_median(history, power->wake.kind, STAGE_SITE_ANSWERS);
    if (expected < 0)
        expected = history_median(history, power->wake.kind);
    return expected < 0 ? -1 : power->wake.started + expected;
}

static void post_project(const struct current *current, int site)
{
    const struct project *project = fleet_project(current->fleet, site);
    struct project_notice notice = {0};
    const char *container;

    notice.state = fleet_project_state(current->fleet, site);
    notice.ailment = fleet_project_ailment(current->fleet, site, &container);
    notice.coming = project->wanted || project->order == PROJECT_RESTART;
    notice.alone = !project->wanted || project->alone;
    notice.started = project->wanted ? project->started : 0;
    notice.expected = project_expected(project);
    for (unsigned i = 0; i < STAGES; i++)
        notice.stages[i] = project->wanted ? project->stages[i] : STAGE_UNREACHED;
    text_show(notice.container, sizeof(notice.container), container, strlen(container));
    notice.problem = fleet_project_problem(current->fleet, site);
    board_post_project(current->board, site, &notice);
}

static void post(const struct current *current, int server)
{
    const struct power *power = fleet_power(current->fleet, server);
    struct notice notice = {
        .state = power->state,
        .since = power->since,
        .wake_open = power->wake.open,
        .wake_queued = power->wake.queued,
        .wake_started = power->wake.started,
        .wake_deadline = power->wake.deadline,
        .expected_ready = expected_ready(power),
        .failure = power->failure,
        .guard = power->guard,
        .problem = fleet_problem(current->fleet, server),
    };

    if (current->renewing)
        return;
    memcpy(notice.stages, power->wake.stages, sizeof(notice.stages));
    for (unsigned i = 0; i < STAGES; i++)
        notice.expected[i] =
            (int32_t)history_stage_median(&power->history, power->wake.kind, (enum stage)i);
    const struct now now = clock_now();
    struct buf why = BUF_INIT(SAY_SENTENCE_MAX);

    say_awake(current->fleet, server, now, (struct say_how){.now = now.wall}, &why);
    text_copy(notice.why, sizeof(notice.why), buf_text(&why));
    buf_finish(&why);
    for (int site = fleet_first_site(current->fleet, server); site != MODEL_NONE;
         site = fleet_next_site(current->fleet, site)) {
        board_post_ready(current->board, site, fleet_site_ready(current->fleet, site));
        board_post_fault(current->board, site, problem_of_site(current->fleet, site));
        if (fleet_project(current->fleet, site))
            post_project(current, site);
    }
    board_post(current->board, server, &notice);
}

/* ---- what it listens to ---- */

/* Of a state, and of what else changed in the turn: it is posted before it is on the bus, so that
 * who hears of a state there finds it at the gate. */
static void on_status(void *context, const struct action *action)
{
    post(context, action->server);
}

static void on_changed(void *context, const struct news *news)
{
    post(context, news->server);
}

static void on_site(void *context, const struct action *action)
{
    const struct current *current = context;
    const int site = action->site.site;

    board_set_closed(current->board, site, fleet_site(current->fleet, site)->closed_until);
    post(current, action->server);
}

static void on_limit(void *context, const struct action *action)
{
    const struct current *current = context;

    board_limit(current->board, action->limit.site, action->limit.address, action->limit.guard);
}

static void on_event(void *context, const struct action *action)
{
    static const struct {
        enum count count;
        bool counted;
    } counts[HAPPENINGS] = {
        [HAPPENED_READY] = {COUNT_WAKES_READY, true},
        [HAPPENED_WAKE_FAILED] = {COUNT_WAKES_FAILED, true},
        [HAPPENED_ASLEEP] = {COUNT_SLEEPS_ASLEEP, true},
        [HAPPENED_SLEEP_REFUSED] = {COUNT_SLEEPS_REFUSED, true},
        [HAPPENED_SLEEP_FAILED] = {COUNT_SLEEPS_FAILED, true},
    };
    const struct current *current = context;

    if (counts[action->event.what].counted)
        board_count(current->board, counts[action->event.what].count);
}

static void on_broker(void *context, const struct news *news)
{
    const struct current *current = context;

    board_set_broker(current->board, news->connected);
}

static void on_dropped(void *context, const struct news *news)
{
    const struct current *current = context;

    for (size_t i = 0; i < news->dropped.n; i++)
        board_count(current->board,
                    news->dropped.awaited ? COUNT_DROPPED_AWAITED : COUNT_DROPPED_EVENTS);
}

static void on_trouble(void *context, const struct news *news)
{
    const struct current *current = context;

    board_count(current->board, news->problem[0] ? COUNT_STORE_TROUBLES : COUNT_STORE_REPAIRS);
}

static void on_config(void *context, const struct news *news)
{
    const struct current *current = context;

    (void)news;
    board_set_config_current(current->board, !current->trouble.place[0]);
}

const struct outlet_ops out_board_outlet = {
    .act = {[ACTION_STATE] = on_status,
            [ACTION_STATUS] = on_status,
            [ACTION_SITE] = on_site,
            [ACTION_LIMIT] = on_limit,
            [ACTION_EVENT] = on_event},
    .hear = {[NEWS_CHANGED] = on_changed,
             [NEWS_BROKER] = on_broker,
             [NEWS_DROPPED] = on_dropped,
             [NEWS_TROUBLE] = on_trouble,
             [NEWS_CONFIG] = on_config},
};
