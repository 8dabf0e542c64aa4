/* How long a visitor waits, and how often a page asks: the bounds of view.c, written out. */
#include <string.h>

#include "base/array.h"
#include "unit.h"
#include "web/gate/view.h"

static struct model_server servers[] = {{.id = "erp"}};
static struct model_site sites[] = {{.id = "erp.example", .path = "/"}};
static struct model_domain domains[] = {{.name = "erp.example"}};
static const struct model model = {.n_servers = 1,
                                   .servers = servers,
                                   .n_sites = 1,
                                   .sites = sites,
                                   .n_domains = 1,
                                   .domains = domains};
static const struct now now = {.boot = 100000, .wall = INT64_C(1795339709000)};

static void each_name(void **state)
{
    static const struct {
        enum view_kind kind;
        const char *name;
        bool under_way, goes_on;
    } rows[] = {
        {VIEW_CLICK, "click", false, false},     {VIEW_WAKING, "waking", true, true},
        {VIEW_BOOTING, "booting", true, true},   {VIEW_DEGRADED, "degraded", true, true},
        {VIEW_SLEEPING, "sleeping", true, true}, {VIEW_READY, "ready", false, false},
        {VIEW_FAILED, "failed", false, false},   {VIEW_REFUSED, "refused", false, false},
        {VIEW_HELD, "held", false, true},        {VIEW_LIMITED, "limited", false, false},
    };
    assert_int_equal(ARRAY_SIZE(rows), VIEWS);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct view view = {.kind = rows[i].kind};
        assert_string_equal(view_kind_name(rows[i].kind), rows[i].name);
        assert_int_equal(view_is_under_way(&view), rows[i].under_way);
        assert_int_equal(view_goes_on(&view), rows[i].goes_on);
    }
    assert_string_equal(stage_status_name(STAGE_DONE), "done");
    assert_string_equal(stage_status_name(STAGE_NOW), "now");
    assert_string_equal(stage_status_name(STAGE_TODO), "todo");
    assert_string_equal(stage_status_name(STAGE_MISSED), "missed");
}

/* Seconds until it is sensible to ask again. */
static void when_to_come_again(void **state)
{
    static const struct {
        enum view_kind kind;
        int64_t eta;
        enum guard_kind guard;
        int64_t rest;
        int seconds;
    } rows[] = {
        {VIEW_WAKING, -1, GUARD_NONE, -1, 5},
        {VIEW_WAKING, 0, GUARD_NONE, -1, 2},
        {VIEW_WAKING, 2000, GUARD_NONE, -1, 2},
        {VIEW_WAKING, 2001, GUARD_NONE, -1, 3},
        {VIEW_BOOTING, 59001, GUARD_NONE, -1, 60},
        {VIEW_SLEEPING, 60001, GUARD_NONE, -1, 60},
        {VIEW_DEGRADED, 600000, GUARD_NONE, -1, 60},
        {VIEW_FAILED, 7000, GUARD_NONE, -1, 60},
        {VIEW_CLICK, 7000, GUARD_NONE, -1, 60},
        {VIEW_REFUSED, 7000, GUARD_NONE, -1, 60},
        {VIEW_READY, 7000, GUARD_NONE, -1, 7},
        {VIEW_LIMITED, 7000, GUARD_WINDOW, -1, 0},
        {VIEW_LIMITED, 7000, GUARD_WINDOW, 0, 1},
        {VIEW_LIMITED, 7000, GUARD_WINDOW, 1000, 1},
        {VIEW_LIMITED, 7000, GUARD_WINDOW, 1001, 2},
        {VIEW_FAILED, 7000, GUARD_CLIENT_WAKES, 86400000, 86400},
        {VIEW_HELD, 7000, GUARD_MIN_DOWN, INT64_MAX - 1000, INT32_MAX},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct view view = {.kind = rows[i].kind,
                                  .eta = rows[i].eta,
                                  .guard = {rows[i].guard, 0},
                                  .rest = rows[i].rest};
        assert_int_equal(view_retry_after(&view), rows[i].seconds);
    }
}

/* ms until the page asks next: at least, and at most, by chance. */
static void when_a_page_asks_next(void **state)
{
    static const struct {
        enum view_kind kind;
        int64_t eta, rest;
        unsigned polls;
        int64_t least, most;
    } rows[] = {
        {VIEW_WAKING, -1, -1, 0, 875, 1125},
        {VIEW_WAKING, 0, -1, 0, 438, 563},
        {VIEW_WAKING, 2500, -1, 0, 438, 563},
        {VIEW_WAKING, 5000, -1, 0, 875, 1125},
        {VIEW_WAKING, 7500, -1, 0, 1313, 1688},
        {VIEW_WAKING, 10000, -1, 0, 1750, 2250},
        {VIEW_WAKING, 15000, -1, 0, 1750, 2250},
        {VIEW_WAKING, 900000, -1, 0, 1750, 2250},
        {VIEW_WAKING, -1, -1, 250, 1313, 1688},
        {VIEW_WAKING, -1, -1, 500, 1750, 2250}, /* in a crowd, half as often; not less */
        {VIEW_WAKING, -1, -1, 501, 1750, 2250},
        {VIEW_WAKING, -1, -1, 100000, 1750, 2250},
        {VIEW_CLICK, 0, -1, 0, 1750, 2250},
        {VIEW_FAILED, 0, -1, 0, 1750, 2250},
        {VIEW_HELD, 0, -1, 0, 1750, 2250},
        {VIEW_LIMITED, 0, -1, 0, 13125, 16875},
        {VIEW_LIMITED, 0, 0, 0, 438, 563}, /* right after it ends */
        {VIEW_LIMITED, 0, 3500, 0, 3500, 4500},
        {VIEW_LIMITED, 0, 14999, 0, 13562, 17436},
        {VIEW_LIMITED, 0, 15000, 0, 13125, 16875},
        {VIEW_LIMITED, 0, 900000, 0, 13125, 16875},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct view view = {.kind = rows[i].kind, .eta = rows[i].eta, .rest = rows[i].rest};
        int64_t least = INT64_MAX, most = 0;
        for (uint32_t chance = 0; chance < 10000; chance++) {
            const int64_t pause = view_next_poll(&view, rows[i].polls, chance);
            least = pause < least ? pause : least;
            most = pause > most ? pause : most;
        }
        assert_int_equal(least, rows[i].least);
        assert_int_equal(most, rows[i].most);
    }
}

/* What is told of a wake that is open, and of none. */
static void the_times_of_a_wake(void **state)
{
    static const struct {
        bool open;
        int64_t started, expected, deadline;
        int64_t elapsed, eta, left;
        bool overdue;
    } rows[] = {
        {true, 90000, 120000, 160000, 10000, 20000, 60000, false},
        {true, 90000, 100000, 160000, 10000, 0, 60000, false},
        {true, 90000, 99999, 160000, 10000, 0, 60000, true},
        {true, 90000, -1, 160000, 10000, -1, 60000, false},
        {true, 90000, 0, 160000, 10000, 0, 60000, true},
        {true, 100001, 120000, 99999, 0, 20000, 0, false}, /* clocks of two threads */
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct view view;
        const struct notice notice = {.state = POWER_WAKING,
                                      .since = 50000,
                                      .wake_open = rows[i].open,
                                      .wake_started = rows[i].started,
                                      .expected_ready = rows[i].expected,
                                      .wake_deadline = rows[i].deadline};
        view_init(&view, &model, 0, &notice, false, false, now);
        assert_int_equal(view.kind, VIEW_WAKING);
        assert_int_equal(view.elapsed, rows[i].elapsed);
        assert_int_equal(view.eta, rows[i].eta);
        assert_int_equal(view.left, rows[i].left);
        assert_int_equal(view.overdue, rows[i].overdue);
        assert_string_equal(view.reference, "/");
    }
}

/* How long it is so already, by the state and by what the visitor sees of it. */
static void the_times_without_a_wake(void **state)
{
    static const struct {
        enum power_state state;
        bool ready, asked;
        enum view_kind kind;
        int64_t elapsed;
    } rows[] = {
        {POWER_OFF, false, false, VIEW_CLICK, -1},
        {POWER_OFF, false, true, VIEW_WAKING, 0},
        {POWER_UNREACHABLE, false, false, VIEW_CLICK, -1},
        {POWER_UNKNOWN, false, false, VIEW_CLICK, -1},
        {POWER_BOOTING, false, false, VIEW_BOOTING, 40000},
        {POWER_READY, true, false, VIEW_READY, -1},
        {POWER_READY, false, false, VIEW_DEGRADED, 40000},
        {POWER_DEGRADED, false, false, VIEW_DEGRADED, 40000},
        {POWER_SLEEPING, false, false, VIEW_CLICK, -1},
        {POWER_SLEEPING, false, true, VIEW_SLEEPING, 40000},
        {POWER_WAKE_FAILED, false, false, VIEW_FAILED, 50000},
        {POWER_WAKE_FAILED, false, true, VIEW_WAKING, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct view view;
        const struct notice notice = {.state = rows[i].state,
                                      .since = 60000,
                                      .wake_started = 10000,
                                      .wake_deadline = 160000,
                                      .expected_ready = 120000};
        view_init(&view, &model, 0, &notice, rows[i].ready, rows[i].asked, now);
        assert_int_equal(view.kind, rows[i].kind);
        assert_int_equal(view.elapsed, rows[i].elapsed);
        assert_int_equal(view.eta, -1);
        assert_int_equal(view.left, -1);
        assert_false(view.overdue);
        assert_int_equal(view.rest, -1);
    }
}

/* A guard of the server holds what is asleep, until its end. */
static void when_a_guard_holds(void **state)
{
    for (unsigned power = 0; power < POWER_STATES; power++) {
        const bool asleep = power == POWER_UNKNOWN || power == POWER_OFF ||
                            power == POWER_UNREACHABLE || power == POWER_WAKE_FAILED ||
                            power == POWER_SLEEPING;
        struct view view;
        struct notice notice = {.state = (enum power_state)power,
                                .guard = {GUARD_MIN_DOWN, 100001},
                                .expected_ready = -1};
        view_init(&view, &model, 0, &notice, false, true, now);
        assert_int_equal(view.kind == VIEW_HELD, asleep);
        if (asleep) {
            assert_int_equal(view.rest, 1);
            assert_int_equal(view.until, now.wall + 1);
            assert_int_equal(view.guard.kind, GUARD_MIN_DOWN);
        }
        notice.guard.until = 100000; /* it is over */
        view_init(&view, &model, 0, &notice, false, true, now);
        assert_int_not_equal(view.kind, VIEW_HELD);
        notice.guard.until = 100001;
        notice.wake_queued = true; /* it is woken all the same */
        view_init(&view, &model, 0, &notice, false, true, now);
        assert_int_not_equal(view.kind, VIEW_HELD);
    }
}

static const struct notice unreached = {
    .expected_ready = -1,
    .stages = {STAGE_UNREACHED, STAGE_UNREACHED, STAGE_UNREACHED, STAGE_UNREACHED, STAGE_UNREACHED,
               STAGE_UNREACHED, STAGE_UNREACHED}};

/* Which stages are shown before they are reached, by what the server and the site have. */
static void which_stages_concern_a_site(void **state)
{
    static struct model_check agent[] = {{.kind = CHECK_AGENT}}, ping[] = {{.kind = CHECK_PING}};
    static const struct {
        struct model_check *check;
        size_t n_containers;
        bool shown[STAGES];
    } rows[] = {
        {ping, 0, {true, true, false, false, false, false, true}},
        {agent, 0, {true, true, true, false, false, false, true}},
        {ping, 1, {true, true, true, true, true, true, true}},
        {agent, 1, {true, true, true, true, true, true, true}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct model_server server = {.n_checks = 1, .checks = rows[i].check};
        const struct model_site site = {.n_containers = rows[i].n_containers};
        struct view view = {.notice = unreached, .server = &server, .site = &site, .stage = -1};
        for (int stage = 0; stage < STAGES; stage++)
            assert_int_equal(view_shows_stage(&view, stage), rows[i].shown[stage]);
        view.alone = true; /* only its containers start */
        for (int stage = 0; stage < STAGES; stage++)
            assert_int_equal(view_shows_stage(&view, stage),
                             stage >= STAGE_DOCKER_UP && rows[i].shown[stage]);
        view.alone = false;
        view.notice.stages[STAGE_DOCKER_UP] = 5; /* reached */
        assert_true(view_shows_stage(&view, STAGE_DOCKER_UP));
    }
}

/* While its server wakes, the stages of a project count from the wake. */
static void the_stages_of_a_project_that_wakes(void **state)
{
    struct notice notice = unreached;
    struct project_notice project = {
        .state = PROJECT_STARTING, .coming = true, .started = 93000, .expected = -1};
    struct view view;
    memcpy(project.stages, unreached.stages, sizeof project.stages);
    project.stages[STAGE_DOCKER_UP] = 4000;
    notice.state = POWER_WAKING;
    notice.wake_open = true;
    notice.wake_started = 90000;
    notice.stages[STAGE_PACKET_SENT] = 0;
    view_init(&view, &model, 0, &notice, false, false, now);
    assert_int_equal(view.stage, STAGE_PACKET_SENT);
    view_add_project(&view, &project, false, now);
    assert_int_equal(view.notice.stages[STAGE_DOCKER_UP], 7000);
    assert_int_equal(view.notice.stages[STAGE_CONTAINER_PRESENT], STAGE_UNREACHED);
    assert_int_equal(view.stage, STAGE_DOCKER_UP);
    view_limit(&view, (struct guard){GUARD_CLIENT_MINUTES, 100500}, now);
    assert_int_equal(view.kind, VIEW_LIMITED);
    assert_int_equal(view.stage, -1);
    assert_int_equal(view.elapsed, -1);
    assert_int_equal(view.eta, -1);
    assert_int_equal(view.left, -1);
    assert_int_equal(view.rest, 500);
    assert_int_equal(view.notice.stages[STAGE_PACKET_SENT], STAGE_UNREACHED);
}

/* A failure stays to be read where only the wakes are used up. */
static void which_limits_hide_a_failure(void **state)
{
    for (unsigned kind = GUARD_NONE; kind < GUARDS; kind++) {
        struct view view = {.kind = VIEW_FAILED, .notice = unreached};
        view_limit(&view, (struct guard){(enum guard_kind)kind, LEASE_FOREVER}, now);
        assert_int_equal(view.kind, kind == GUARD_CLIENT_WAKES || kind == GUARD_PROJECT_WAKES
                                        ? VIEW_FAILED
                                        : VIEW_LIMITED);
        assert_int_equal(view.guard.kind, kind);
        assert_int_equal(view.rest, -1);
        assert_int_equal(view.until, 0);
    }
}

static void how_far_it_is(void **state)
{
    static const struct {
        enum view_kind kind;
        int64_t elapsed, eta;
        int percent;
    } rows[] = {
        {VIEW_READY, -1, -1, 100},   {VIEW_WAKING, -1, 1000, -100}, {VIEW_WAKING, 1000, -1, -100},
        {VIEW_WAKING, 0, 1000, 0},   {VIEW_WAKING, 0, 0, 0},        {VIEW_WAKING, 500, 499, 50},
        {VIEW_WAKING, 10000, 0, 95}, {VIEW_WAKING, 3, 0, 75},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct view view = {
            .kind = rows[i].kind, .elapsed = rows[i].elapsed, .eta = rows[i].eta};
        const double progress = view_progress(&view) * 100;
        assert_int_equal((int)(progress + (progress < 0 ? -0.01 : 0.01)), rows[i].percent);
    }
}

/* What a visitor sees of a project that is not ready, by his server and by the project. */
static void what_a_project_makes_of_the_view(void **state)
{
    enum { OPEN = 1, QUEUED = 2, PACKET = 4 }; /* of the server's wake */
    enum { COMING = 1, ALONE = 2, AILS = 4, ASKED = 8, TOLD = 16 /* of a container */ };
    /* What becomes of the stages: the server's own; the project's behind them; its own alone; none.
     */
    enum shown { OWN, BEHIND, BY_ITSELF, NONE };
    static const struct {
        enum view_kind from;
        unsigned wake;
        enum project_state project;
        unsigned how;
        enum view_kind to;
        enum shown shown;
    } rows[] = {
        /* While the server wakes, whoever began it. */
        {VIEW_WAKING, OPEN | PACKET, PROJECT_STARTING, COMING, VIEW_WAKING, BEHIND},
        {VIEW_WAKING, PACKET, PROJECT_STARTING, COMING, VIEW_WAKING, BEHIND},
        {VIEW_WAKING, OPEN | PACKET, PROJECT_STOPPED, AILS, VIEW_WAKING, BEHIND},
        {VIEW_BOOTING, OPEN | PACKET, PROJECT_STARTING, COMING, VIEW_BOOTING, BEHIND},
        {VIEW_BOOTING, QUEUED | PACKET, PROJECT_STARTING, COMING, VIEW_BOOTING, BEHIND},
        {VIEW_BOOTING, OPEN | PACKET, PROJECT_STARTING, COMING | ALONE, VIEW_BOOTING, BEHIND},
        {VIEW_BOOTING, OPEN | PACKET, PROJECT_STOPPED, 0, VIEW_BOOTING, BEHIND},
        /* It is up: what ails the project comes first. */
        {VIEW_DEGRADED, PACKET, PROJECT_STARTING, COMING | AILS | TOLD, VIEW_DEGRADED, OWN},
        {VIEW_BOOTING, PACKET, PROJECT_STOPPED, ASKED | AILS, VIEW_BOOTING, OWN},
        /* It woke for this project: one start. */
        {VIEW_DEGRADED, PACKET, PROJECT_STARTING, COMING | TOLD, VIEW_BOOTING, BEHIND},
        {VIEW_BOOTING, PACKET, PROJECT_STARTING, COMING | TOLD, VIEW_BOOTING, BEHIND},
        {VIEW_DEGRADED, OPEN | PACKET, PROJECT_STARTING, COMING | TOLD, VIEW_BOOTING, BEHIND},
        /* It was up before: only the project starts. */
        {VIEW_DEGRADED, PACKET, PROJECT_STARTING, COMING | TOLD | ALONE, VIEW_BOOTING, BY_ITSELF},
        {VIEW_DEGRADED, 0, PROJECT_STARTING, COMING | TOLD, VIEW_BOOTING, BY_ITSELF},
        {VIEW_BOOTING, 0, PROJECT_STARTING, COMING | TOLD, VIEW_BOOTING, BY_ITSELF},
        {VIEW_DEGRADED, 0, PROJECT_STOPPED, ASKED, VIEW_BOOTING, BY_ITSELF},
        {VIEW_DEGRADED, PACKET, PROJECT_STOPPED, ASKED, VIEW_BOOTING, BY_ITSELF},
        /* Nobody asked for it. */
        {VIEW_DEGRADED, PACKET, PROJECT_STOPPED, 0, VIEW_CLICK, NONE},
        {VIEW_BOOTING, 0, PROJECT_STOPPED, 0, VIEW_CLICK, NONE},
        /* It has no containers that could start, and it is not stopped. */
        {VIEW_DEGRADED, PACKET, PROJECT_STARTING, COMING, VIEW_DEGRADED, OWN},
        {VIEW_DEGRADED, PACKET, PROJECT_UNHEALTHY, ASKED | TOLD, VIEW_DEGRADED, OWN},
        {VIEW_BOOTING, PACKET, PROJECT_UNKNOWN, ASKED, VIEW_BOOTING, OWN},
        /* What the project does is not to be seen. */
        {VIEW_CLICK, PACKET, PROJECT_STARTING, COMING | TOLD, VIEW_CLICK, OWN},
        {VIEW_SLEEPING, OPEN | PACKET, PROJECT_STARTING, COMING | TOLD, VIEW_SLEEPING, OWN},
        {VIEW_READY, PACKET, PROJECT_STOPPED, 0, VIEW_READY, OWN},
        {VIEW_FAILED, PACKET, PROJECT_STOPPED, ASKED | AILS, VIEW_FAILED, OWN},
        {VIEW_REFUSED, PACKET, PROJECT_STOPPED, 0, VIEW_REFUSED, OWN},
        {VIEW_HELD, PACKET, PROJECT_STOPPED, ASKED, VIEW_HELD, OWN},
        {VIEW_LIMITED, PACKET, PROJECT_STOPPED, 0, VIEW_LIMITED, OWN},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct view view = {.kind = rows[i].from,
                            .site = &sites[0],
                            .notice = unreached,
                            .stage = 6,
                            .elapsed = 1,
                            .eta = 2,
                            .left = 3};
        struct project_notice project = {.state = rows[i].project,
                                         .ailment =
                                             rows[i].how & AILS ? AILMENT_MISSING : AILMENT_NONE,
                                         .coming = rows[i].how & COMING,
                                         .alone = rows[i].how & ALONE,
                                         .started = 93000,
                                         .expected = -1,
                                         .container = "client1-web",
                                         .problem = fact_said("it is not there")};
        view.notice.wake_open = rows[i].wake & OPEN;
        view.notice.wake_queued = rows[i].wake & QUEUED;
        view.notice.wake_started = 90000;
        view.notice.stages[STAGE_PACKET_SENT] = rows[i].wake & PACKET ? 0 : STAGE_UNREACHED;
        view.notice.stages[STAGE_CONTAINER_HEALTHY] = 9; /* of the server's other sites */
        memcpy(project.stages, unreached.stages, sizeof project.stages);
        if (rows[i].how & TOLD)
            project.stages[STAGE_CONTAINER_PRESENT] = 4000;
        const bool ails = rows[i].how & AILS && rows[i].shown == OWN &&
                          (rows[i].from == VIEW_DEGRADED || rows[i].from == VIEW_BOOTING);
        const int32_t present = !(rows[i].how & TOLD) || rows[i].shown == OWN ? STAGE_UNREACHED
                                : rows[i].shown == BEHIND                     ? 7000
                                                                              : 4000;

        view_add_project(&view, &project, rows[i].how & ASKED, now);
        if (view.kind != rows[i].to)
            fail_msg("row %zu: %s", i, view_kind_name(view.kind));
        if (view.notice.stages[STAGE_CONTAINER_PRESENT] != present ||
            view.notice.stages[STAGE_CONTAINER_HEALTHY] !=
                (rows[i].shown == OWN ? 9 : STAGE_UNREACHED) ||
            view.alone != (rows[i].shown == BY_ITSELF))
            fail_msg("row %zu: its stages", i);
        if ((view.ailment == AILMENT_MISSING) != ails ||
            (strcmp(view.container, "client1-web") == 0) != ails ||
            fact_equal(&view.notice.problem, &project.problem) != ails)
            fail_msg("row %zu: what ails", i);
        if (rows[i].shown == NONE) {
            assert_int_equal(view.elapsed, -1);
            assert_int_equal(view.eta, -1);
            assert_int_equal(view.left, -1);
            assert_int_equal(view.stage, -1);
        }
    }
}

/* The times of a project's start: by itself, and behind its server's wake. */
static void the_times_of_a_project(void **state)
{
    static const struct {
        bool alone, coming;
        int64_t started, expected; /* of the project */
        int32_t usual;             /* of the whole start */
        int64_t elapsed, eta;
        bool overdue;
    } rows[] = {
        {true, true, 93000, -1, 20000, 7000, -1, false},
        {true, true, 93000, 100000, 20000, 7000, 0, false},
        {true, true, 93000, 99999, 20000, 7000, 0, true},
        {true, true, 93000, 130000, 20000, 7000, 30000, false},
        {true, true, 93000, 0, 20000, 7000, 0, true},
        {true, true, 100001, 130000, 20000, 0, 30000, false},
        {true, false, 93000, 130000, 20000, 0, -1, false},
        {false, true, 93000, 130000, STAGE_UNREACHED, 10000, -1, false},
        {false, true, 93000, 130000, 10000, 10000, 0, false},
        {false, true, 93000, 130000, 9999, 10000, 0, true},
        {false, true, 93000, 130000, 20000, 10000, 10000, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct view view = {
            .kind = VIEW_DEGRADED, .site = &sites[0], .notice = unreached, .left = 3};
        struct project_notice project = {.state = PROJECT_STOPPED,
                                         .coming = rows[i].coming,
                                         .alone = rows[i].alone,
                                         .started = rows[i].started,
                                         .expected = rows[i].expected};
        memcpy(project.stages, unreached.stages, sizeof project.stages);
        project.stages[STAGE_CONTAINER_PRESENT] = 4000;
        view.notice.wake_started = 90000;
        view.notice.stages[STAGE_PACKET_SENT] = 0;
        view.notice.expected[STAGE_SITE_ANSWERS] = rows[i].usual;
        view_add_project(&view, &project, true, now);
        assert_int_equal(view.kind, VIEW_BOOTING);
        if (view.elapsed != rows[i].elapsed || view.eta != rows[i].eta ||
            view.overdue != rows[i].overdue || view.left != -1)
            fail_msg("row %zu: %d, %d, %d", i, (int)view.elapsed, (int)view.eta, view.overdue);
        assert_int_equal(view.notice.expected[STAGE_SITE_ANSWERS],
                         rows[i].alone ? STAGE_UNREACHED : rows[i].usual);
        assert_int_equal(view.notice.stages[STAGE_PACKET_SENT],
                         rows[i].alone ? STAGE_UNREACHED : 0);
    }
}

/* Who may not see the site is told nothing of how it stands. */
static void what_a_refused_visitor_sees(void **state)
{
    struct view view;
    view_init_refused(&view, &model, 0, "192.0.2.7");
    assert_int_equal(view.kind, VIEW_REFUSED);
    assert_string_equal(view.who, "192.0.2.7");
    assert_ptr_equal(view.domain, &domains[0]);
    assert_ptr_equal(view.server, &servers[0]);
    assert_ptr_equal(view.site, &sites[0]);
    assert_string_equal(view.reference, "/");
    assert_int_equal(view.stage, -1);
    assert_int_equal(view.elapsed, -1);
    assert_int_equal(view.eta, -1);
    assert_int_equal(view.left, -1);
    assert_int_equal(view.rest, -1);
    assert_int_equal(view.until, 0);
    assert_int_equal(view.notice.expected_ready, -1);
    for (int stage = 0; stage < STAGES; stage++)
        assert_int_equal(view.notice.stages[stage], STAGE_UNREACHED);
}

/* Of the stages that are shown the first behind the last reached is the one that is waited for. */
static void what_each_stage_is(void **state)
{
    enum { O = STAGE_TODO, N = STAGE_NOW, D = STAGE_DONE, M = STAGE_MISSED };
    static struct model_check agent[] = {{.kind = CHECK_AGENT}};
    static const struct {
        enum view_kind kind;
        bool has_agent;
        size_t n_containers;
        int last; /* reached, and all before it that are shown */
        int expected[STAGES];
    } rows[] = {
        {VIEW_WAKING, false, 0, -1, {N, O, O, O, O, O, O}},
        {VIEW_WAKING, false, 0, 0, {D, N, O, O, O, O, O}},
        {VIEW_BOOTING, false, 0, 1, {D, D, O, O, O, O, N}},
        {VIEW_BOOTING, true, 0, 1, {D, D, N, O, O, O, O}},
        {VIEW_BOOTING, true, 0, 2, {D, D, D, O, O, O, N}},
        {VIEW_BOOTING, true, 1, 2, {D, D, D, N, O, O, O}},
        {VIEW_DEGRADED, true, 1, 5, {D, D, D, D, D, D, N}},
        {VIEW_SLEEPING, false, 0, -1, {N, O, O, O, O, O, O}},
        {VIEW_FAILED, false, 0, 0, {D, M, O, O, O, O, O}},
        {VIEW_FAILED, false, 0, 1, {D, D, O, O, O, O, M}},
        {VIEW_CLICK, false, 0, -1, {O, O, O, O, O, O, O}},
        {VIEW_HELD, false, 0, -1, {O, O, O, O, O, O, O}},
        {VIEW_READY, false, 0, 1, {D, D, D, D, D, D, D}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct model_server server = {.n_checks = rows[i].has_agent, .checks = agent};
        const struct model_site site = {.n_containers = rows[i].n_containers};
        struct view view = {.kind = rows[i].kind,
                            .notice = unreached,
                            .server = &server,
                            .site = &site,
                            .stage = rows[i].last};
        for (int stage = 0; stage <= rows[i].last; stage++)
            if (rows[i].expected[stage] == D)
                view.notice.stages[stage] = stage * 1000;
        for (int stage = 0; stage < STAGES; stage++)
            if ((int)view_stage_status(&view, stage) != rows[i].expected[stage])
                fail_msg("row %zu, stage %d: %s", i, stage,
                         stage_status_name(view_stage_status(&view, stage)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_name),
        cmocka_unit_test(when_to_come_again),
        cmocka_unit_test(when_a_page_asks_next),
        cmocka_unit_test(the_times_of_a_wake),
        cmocka_unit_test(the_times_without_a_wake),
        cmocka_unit_test(when_a_guard_holds),
        cmocka_unit_test(which_stages_concern_a_site),
        cmocka_unit_test(the_stages_of_a_project_that_wakes),
        cmocka_unit_test(which_limits_hide_a_failure),
        cmocka_unit_test(how_far_it_is),
        cmocka_unit_test(what_a_project_makes_of_the_view),
        cmocka_unit_test(the_times_of_a_project),
        cmocka_unit_test(what_a_refused_visitor_sees),
        cmocka_unit_test(what_each_stage_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
