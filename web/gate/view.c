#include "web/gate/view.h"

#include <limits.h>
#include <string.h>

#include "base/text.h"

const char *view_kind_name(enum view_kind kind)
{
    static const char *const names[VIEWS] = {
        [VIEW_CLICK] = "click",       [VIEW_WAKING] = "waking",     [VIEW_BOOTING] = "booting",
        [VIEW_DEGRADED] = "degraded", [VIEW_SLEEPING] = "sleeping", [VIEW_READY] = "ready",
        [VIEW_FAILED] = "failed",     [VIEW_REFUSED] = "refused",   [VIEW_HELD] = "held",
        [VIEW_LIMITED] = "limited",
    };
    return names[kind];
}

const char *stage_status_name(enum stage_status status)
{
    static const char *const names[] = {[STAGE_DONE] = "done",
                                        [STAGE_NOW] = "now",
                                        [STAGE_TODO] = "todo",
                                        [STAGE_MISSED] = "missed"};
    return names[status];
}

static bool is_asleep(enum power_state state)
{
    switch (state) {
    case POWER_UNKNOWN:
    case POWER_OFF:
    case POWER_UNREACHABLE:
    case POWER_WAKE_FAILED:
        return true;
    case POWER_WAKING:
    case POWER_BOOTING:
    case POWER_READY:
    case POWER_DEGRADED:
    case POWER_SLEEPING:
        return false;
    }
    return false;
}

/* The last wake was refused, and the next one would be as well. */
static bool is_held(const struct notice *notice, int64_t now)
{
    return notice->guard.kind != GUARD_NONE && notice->guard.until > now && !notice->wake_open &&
           !notice->wake_queued && (is_asleep(notice->state) || notice->state == POWER_SLEEPING);
}

static enum view_kind view_of_state(const struct notice *notice, bool asked, int64_t now)
{
    bool wanted = asked || notice->wake_open || notice->wake_queued;
    if (is_held(notice, now))
        return VIEW_HELD;
    if (is_asleep(notice->state) && wanted)
        return VIEW_WAKING;
    switch (notice->state) {
    case POWER_WAKING:
        return VIEW_WAKING;
    case POWER_BOOTING:
        return VIEW_BOOTING;
    case POWER_READY:
    case POWER_DEGRADED:
        return VIEW_DEGRADED;
    case POWER_SLEEPING:
        return wanted ? VIEW_SLEEPING : VIEW_CLICK;
    case POWER_WAKE_FAILED:
        return VIEW_FAILED;
    case POWER_UNKNOWN:
    case POWER_OFF:
    case POWER_UNREACHABLE:
        return VIEW_CLICK;
    }
    return VIEW_CLICK;
}

/* A wake asked for this moment has not begun yet: the stages of the one before are not its own. */
static void forget_old_wake(struct notice *notice)
{
    for (int stage = 0; stage < STAGES; stage++)
        notice->stages[stage] = STAGE_UNREACHED;
    notice->expected_ready = -1;
}

static int last_stage(const struct notice *notice)
{
    for (int stage = STAGES - 1; stage >= 0; stage--) {
        if (notice->stages[stage] != STAGE_UNREACHED)
            return stage;
    }
    return -1;
}

static int64_t not_negative(int64_t value)
{
    return value < 0 ? 0 : value;
}

static int64_t elapsed_of(const struct notice *notice, enum view_kind kind, int64_t now)
{
    if (kind == VIEW_CLICK || kind == VIEW_READY || kind == VIEW_HELD)
        return -1;
    if (notice->wake_open)
        return not_negative(now - notice->wake_started);
    if (kind == VIEW_WAKING)
        return 0;
    if (kind == VIEW_FAILED)
        return not_negative(notice->since - notice->wake_started);
    return not_negative(now - notice->since);
}

static void set_times(struct view *view, int64_t now)
{
    const struct notice *notice = &view->notice;
    bool estimated = notice->wake_open && notice->expected_ready >= 0;
    view->elapsed = elapsed_of(notice, view->kind, now);
    view->eta = estimated ? not_negative(notice->expected_ready - now) : -1;
    view->left = notice->wake_open ? not_negative(notice->wake_deadline - now) : -1;
    view->overdue = estimated && now > notice->expected_ready;
}

static void set_guard(struct view *view, struct guard guard, struct now now)
{
    bool ends = guard.until != LEASE_FOREVER;
    view->guard = guard;
    view->rest = ends ? not_negative(guard.until - now.boot) : -1;
    view->until = ends ? clock_wall_at(now, guard.until) : 0;
}

void view_init(struct view *view, const struct model *model, int site, const struct notice *notice,
               bool ready, bool asked, struct now now)
{
    *view = (struct view){.model = model, .notice = *notice, .rest = -1, .reference = "/"};
    view->site = &model->sites[site];
    view->server = &model->servers[view->site->server];
    view->domain = &model->domains[view->site->domain];
    view->kind = ready ? VIEW_READY : view_of_state(notice, asked, now.boot);
    if (view->kind == VIEW_HELD)
        set_guard(view, notice->guard, now);
    if ((view->kind == VIEW_WAKING || view->kind == VIEW_HELD) && !notice->wake_open)
        forget_old_wake(&view->notice);
    view->stage = last_stage(&view->notice);
    set_times(view, now.boot);
}

/* While its server wakes, the later stages are the project's own; they count from the wake, too. */
static void take_stages(struct view *view, const struct project_notice *project)
{
    const int64_t ahead = project->started - view->notice.wake_started;

    for (int stage = STAGE_DOCKER_UP; stage < STAGES; stage++) {
        const int32_t at = project->stages[stage];
        const bool reached = project->coming && at != STAGE_UNREACHED && at + ahead <= INT32_MAX;
        view->notice.stages[stage] = reached ? (int32_t)not_negative(at + ahead) : STAGE_UNREACHED;
    }
}

/* Its server is up, but woke for this visitor: to him it is still one start, with all its stages.
 */
static void show_behind(struct view *view, const struct project_notice *project, int64_t now)
{
    struct notice *notice = &view->notice;
    const int32_t usual = notice->expected[STAGE_SITE_ANSWERS];

    take_stages(view, project);
    view->kind = VIEW_BOOTING;
    view->elapsed = not_negative(now - notice->wake_started);
    view->left = -1;
    view->eta = usual == STAGE_UNREACHED ? -1 : not_negative(usual - view->elapsed);
    view->overdue = usual != STAGE_UNREACHED && view->elapsed > usual;
}

/* Its server runs: all that takes time is the project itself. */
static void show_alone(struct view *view, const struct project_notice *project, int64_t now)
{
    struct notice *notice = &view->notice;

    view->kind = VIEW_BOOTING;
    view->alone = true;
    forget_old_wake(notice);
    for (int stage = 0; stage < STAGES; stage++)
        notice->expected[stage] = STAGE_UNREACHED;
    view->left = view->eta = -1;
    view->overdue = false;
    view->elapsed = project->coming ? not_negative(now - project->started) : 0;
    if (!project->coming)
        return;
    memcpy(notice->stages, project->stages, sizeof(notice->stages));
    if (project->expected >= 0) {
        view->eta = not_negative(project->expected - now);
        view->overdue = now > project->expected;
    }
}

static bool has_containers(const struct view *view, const struct project_notice *project)
{
    return view->site->n_containers > 0 ||
           project->stages[STAGE_CONTAINER_PRESENT] != STAGE_UNREACHED;
}

static void show_ailment(struct view *view, const struct project_notice *project)
{
    view->ailment = project->ailment;
    text_copy(view->container, sizeof(view->container), project->container);
    view->notice.problem = project->problem;
}

void view_add_project(struct view *view, const struct project_notice *project, bool asked,
                      struct now now)
{
    const bool waking = view->notice.wake_open || view->notice.wake_queued;

    if (view->kind == VIEW_WAKING || (view->kind == VIEW_BOOTING && waking))
        take_stages(view, project);
    else if (view->kind != VIEW_DEGRADED && view->kind != VIEW_BOOTING)
        return;
    else if (project->ailment != AILMENT_NONE)
        show_ailment(view, project);
    else if (project->coming && has_containers(view, project) && !project->alone &&
             view->notice.stages[STAGE_PACKET_SENT] != STAGE_UNREACHED)
        show_behind(view, project, now.boot);
    else if ((project->coming && has_containers(view, project)) ||
             (asked && project->state == PROJECT_STOPPED))
        show_alone(view, project, now.boot);
    else if (project->state == PROJECT_STOPPED) {
        view->kind = VIEW_CLICK;
        forget_old_wake(&view->notice);
        view->elapsed = view->eta = view->left = -1;
    }
    view->stage = last_stage(&view->notice);
}

void view_limit(struct view *view, struct guard guard, struct now now)
{
    const bool of_wakes = guard.kind == GUARD_CLIENT_WAKES || guard.kind == GUARD_PROJECT_WAKES;

    set_guard(view, guard, now);
    if (view->kind == VIEW_FAILED && of_wakes)
        return; /* it stays to be read why the last wake came to nothing */
    view->kind = VIEW_LIMITED;
    forget_old_wake(&view->notice);
    view->stage = -1;
    view->elapsed = view->eta = view->left = -1;
    view->overdue = false;
}

void view_init_refused(struct view *view, const struct model *model, int domain, const char *who)
{
    *view = (struct view){.kind = VIEW_REFUSED,
                          .who = who,
                          .stage = -1,
                          .elapsed = -1,
                          .eta = -1,
                          .left = -1,
                          .rest = -1};
    view->domain = &model->domains[domain];
    view->server = &model->servers[view->domain->server];
    view->site = &model->sites[view->domain->site];
    view->reference = "/";
    forget_old_wake(&view->notice);
}

static bool has_agent(const struct model_server *server)
{
    for (size_t i = 0; i < server->n_checks; i++) {
        if (server->checks[i].kind == CHECK_AGENT)
            return true;
    }
    return false;
}

bool view_is_under_way(const struct view *view)
{
    return view->kind == VIEW_WAKING || view->kind == VIEW_BOOTING || view->kind == VIEW_SLEEPING ||
           view->kind == VIEW_DEGRADED;
}

bool view_goes_on(const struct view *view)
{
    return view_is_under_way(view) || view->kind == VIEW_HELD;
}

bool view_shows_stage(const struct view *view, int stage)
{
    const struct notice *notice = &view->notice;
    if (view->alone && stage < STAGE_DOCKER_UP)
        return false;
    if (notice->stages[stage] != STAGE_UNREACHED || stage == STAGE_PACKET_SENT ||
        stage == STAGE_FIRST_SIGN || stage == STAGE_SITE_ANSWERS)
        return true;
    if (stage == STAGE_AGENT_ONLINE)
        return has_agent(view->server) || view->site->n_containers > 0;
    return view->site->n_containers > 0;
}

/* The one that is waited for: the first shown behind the last reached. */
static int awaited_stage(const struct view *view)
{
    int stage = view->stage + 1;
    while (stage < STAGES && !view_shows_stage(view, stage))
        stage++;
    return stage;
}

enum stage_status view_stage_status(const struct view *view, int stage)
{
    if (view->kind == VIEW_READY || view->notice.stages[stage] != STAGE_UNREACHED)
        return STAGE_DONE;
    if (stage != awaited_stage(view))
        return STAGE_TODO;
    return view->kind == VIEW_FAILED ? STAGE_MISSED
           : view_is_under_way(view) ? STAGE_NOW
                                     : STAGE_TODO;
}

double view_progress(const struct view *view)
{
    if (view->kind == VIEW_READY)
        return 1;
    if (view->eta < 0 || view->elapsed < 0)
        return -1;
    double progress = (double)view->elapsed / (double)(view->elapsed + view->eta + 1);
    return progress > 0.95 ? 0.95 : progress;
}

static int whole_seconds(int64_t ms)
{
    int64_t seconds = (ms + 999) / 1000;
    return seconds < 1 ? 1 : seconds > INT_MAX ? INT_MAX : (int)seconds;
}

int view_retry_after(const struct view *view)
{
    if (view->guard.kind != GUARD_NONE)
        return view->rest < 0 ? 0 : whole_seconds(view->rest);
    if (view->kind == VIEW_FAILED || view->kind == VIEW_CLICK || view->kind == VIEW_REFUSED)
        return 60;
    int64_t seconds = view->eta < 0 ? 5 : (view->eta + 999) / 1000;
    return seconds < 2 ? 2 : seconds > 60 ? 60 : (int)seconds;
}

int64_t view_next_poll(const struct view *view, unsigned polls, uint32_t chance)
{
    int64_t pause = view->eta < 0 ? 1000 : view->eta / 5;
    pause = pause < 500 ? 500 : pause > 2000 ? 2000 : pause;
    if (view->kind == VIEW_CLICK || view->kind == VIEW_FAILED || view->kind == VIEW_HELD)
        pause = 2000;
    if (view->kind == VIEW_LIMITED)
        pause = view->rest >= 0 && view->rest < 15000 ? view->rest + 500 : 15000;
    int64_t crowd = polls > 500 ? 500 : (int64_t)polls;
    pause += pause * crowd / 500;
    return pause - pause / 8 + (int64_t)chance % (pause / 4 + 1);
}
