#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"
#include "unit.h"
#include "web/page/page.h"
#include "web/page/phrase.h"
#include "web/page/status.h"

static const char *containers[] = {"web"};
static struct model_check checks[] = {{.kind = CHECK_PING}};
static struct model_server servers[] = {
    {.id = "testing", .name = "Testing", .n_checks = 1, .checks = checks}};
static struct model_site sites[] = {
    {.id = "testing.example", .name = "testing.example", .path = "/"},
    {.id = "client1",
     .name = "<b>\"Client\" & 'one'",
     .is_project = true,
     .path = "/client1",
     .n_containers = 1,
     .containers = containers},
};
static struct model_domain domains[] = {{.name = "testing.example"}};
static const struct model model = {.n_servers = 1,
                                   .servers = servers,
                                   .n_sites = 2,
                                   .sites = sites,
                                   .n_domains = 1,
                                   .domains = domains};

static struct page *page;

static int set_up(void **state)
{
    return page_create(&page);
}

static int tear_down(void **state)
{
    page_destroy(page);
    return 0;
}

static struct notice in_state(enum power_state power)
{
    struct notice notice = {.version = 5, .state = power, .since = 1000, .expected_ready = -1};
    for (int i = 0; i < STAGES; i++)
        notice.stages[i] = notice.expected[i] = STAGE_UNREACHED;
    return notice;
}

static struct notice waking(void)
{
    struct notice notice = in_state(POWER_WAKING);
    notice.wake_open = true;
    notice.wake_started = 1000;
    notice.wake_deadline = 181000;
    notice.expected_ready = 41000;
    notice.stages[STAGE_PACKET_SENT] = 0;
    notice.expected[STAGE_FIRST_SIGN] = 12000;
    return notice;
}

/* 2026-11-22T10:00:00Z when the boot clock shows 0. */
static struct now at(int64_t boot)
{
    return (struct now){.boot = boot, .wall = INT64_C(1795341600000) + boot};
}

static struct view see(const struct notice *notice, bool ready, bool asked, int64_t now)
{
    struct view view;
    view_init(&view, &model, 1, notice, ready, asked, at(now));
    return view;
}

static void every_state_has_its_view(void **state)
{
    static const struct {
        enum power_state state;
        enum view_kind alone, asked;
    } cases[POWER_STATES] = {
        {POWER_UNKNOWN, VIEW_CLICK, VIEW_WAKING},
        {POWER_OFF, VIEW_CLICK, VIEW_WAKING},
        {POWER_WAKING, VIEW_WAKING, VIEW_WAKING},
        {POWER_BOOTING, VIEW_BOOTING, VIEW_BOOTING},
        {POWER_READY, VIEW_DEGRADED, VIEW_DEGRADED},
        {POWER_DEGRADED, VIEW_DEGRADED, VIEW_DEGRADED},
        {POWER_SLEEPING, VIEW_CLICK, VIEW_SLEEPING},
        {POWER_UNREACHABLE, VIEW_CLICK, VIEW_WAKING},
        {POWER_WAKE_FAILED, VIEW_FAILED, VIEW_WAKING},
    };
    for (size_t i = 0; i < POWER_STATES; i++) {
        struct notice notice = in_state(cases[i].state);
        assert_int_equal(see(&notice, false, false, 2000).kind, cases[i].alone);
        assert_int_equal(see(&notice, false, true, 2000).kind, cases[i].asked);
        assert_int_equal(see(&notice, true, false, 2000).kind, VIEW_READY);
        /* Somebody else has asked, and its wake is under way or queued. */
        notice.wake_open = true;
        assert_int_equal(see(&notice, false, false, 2000).kind, cases[i].asked);
        notice.wake_open = false;
        notice.wake_queued = true;
        assert_int_equal(see(&notice, false, false, 2000).kind, cases[i].asked);
    }
}

static struct project_notice of_project(enum project_state state)
{
    struct project_notice project = {.state = state, .expected = -1};
    for (int i = 0; i < STAGES; i++)
        project.stages[i] = STAGE_UNREACHED;
    return project;
}

static struct view see_project(const struct notice *notice, const struct project_notice *project,
                               bool asked, int64_t now)
{
    struct view view = see(notice, false, asked, now);
    view_add_project(&view, project, asked, at(now));
    return view;
}

/* Its server runs since long; the stages shown are those of the containers, from the visit on. */
static void a_project_starts_alone(void **state)
{
    struct notice notice = in_state(POWER_READY);
    struct project_notice project = of_project(PROJECT_STARTING);
    notice.stages[STAGE_PACKET_SENT] = notice.stages[STAGE_SITE_ANSWERS] = 5; /* of an old wake */
    project.coming = project.alone = true;
    project.started = 100000;
    project.expected = 112000;
    project.stages[STAGE_DOCKER_UP] = 0;
    project.stages[STAGE_CONTAINER_PRESENT] = 10;
    struct view view = see_project(&notice, &project, true, 104000);
    assert_int_equal(view.kind, VIEW_BOOTING);
    assert_true(view_is_under_way(&view));
    assert_int_equal(view.elapsed, 4000);
    assert_int_equal(view.eta, 8000);
    assert_int_equal(view.stage, STAGE_CONTAINER_PRESENT);
    assert_false(view_shows_stage(&view, STAGE_PACKET_SENT));
    assert_false(view_shows_stage(&view, STAGE_AGENT_ONLINE));
    assert_int_equal(view_stage_status(&view, STAGE_DOCKER_UP), STAGE_DONE);
    assert_int_equal(view_stage_status(&view, STAGE_CONTAINER_HEALTHY), STAGE_NOW);
    assert_int_equal(view_stage_status(&view, STAGE_SITE_ANSWERS), STAGE_TODO);
    assert_true(see_project(&notice, &project, true, 113000).overdue);
    for (int stage = 0; stage < STAGES; stage++) /* those of a wake are not its own */
        assert_int_equal(view.notice.expected[stage], STAGE_UNREACHED);
    project.expected = -1;
    assert_int_equal(see_project(&notice, &project, true, 104000).eta, -1);
}

/* Where there is nothing to start, the site just does not answer yet. */
static void a_project_without_containers_does_not_start(void **state)
{
    struct notice notice = in_state(POWER_READY);
    struct project_notice project = of_project(PROJECT_STARTING);
    project.coming = true;
    project.started = 1000;
    sites[1].n_containers = 0;
    assert_int_equal(see_project(&notice, &project, true, 4000).kind, VIEW_DEGRADED);
    sites[1].n_containers = 1;
    assert_int_equal(see_project(&notice, &project, true, 4000).kind, VIEW_BOOTING);
}

/* While its server wakes all stages count from there. */
static void a_project_starts_with_its_server(void **state)
{
    struct notice notice = waking();
    struct project_notice project = of_project(PROJECT_STARTING);
    notice.state = POWER_BOOTING;
    notice.stages[STAGE_AGENT_ONLINE] = 9000;
    notice.stages[STAGE_SITE_ANSWERS] = 9500; /* another site's */
    project.coming = true;
    project.started = 3000; /* 2 s after the wake */
    project.stages[STAGE_DOCKER_UP] = 8000;
    struct view view = see_project(&notice, &project, true, 12000);
    assert_int_equal(view.kind, VIEW_BOOTING);
    assert_int_equal(view.notice.stages[STAGE_DOCKER_UP], 10000);
    assert_int_equal(view.notice.stages[STAGE_SITE_ANSWERS], STAGE_UNREACHED);
    assert_int_equal(view.stage, STAGE_DOCKER_UP);
    assert_true(view_shows_stage(&view, STAGE_PACKET_SENT));
    assert_int_equal(view.elapsed, 11000);
}

/* Its server is up before its containers: no stage that was shown vanishes, or stays "now". */
static void a_project_follows_its_server(void **state)
{
    struct notice notice = waking();
    struct project_notice project = of_project(PROJECT_STARTING);
    notice.state = POWER_READY;
    notice.wake_open = false;
    notice.stages[STAGE_FIRST_SIGN] = 2000;
    notice.stages[STAGE_AGENT_ONLINE] = 3000;
    notice.expected[STAGE_SITE_ANSWERS] = 20000;
    project.coming = true;
    project.started = 1000;
    project.stages[STAGE_DOCKER_UP] = 3500;
    struct view view = see_project(&notice, &project, true, 5000);
    assert_int_equal(view.kind, VIEW_BOOTING);
    assert_int_equal(view.elapsed, 4000);
    assert_int_equal(view.eta, 16000);
    for (int stage = STAGE_PACKET_SENT; stage <= STAGE_DOCKER_UP; stage++) {
        assert_true(view_shows_stage(&view, stage));
        assert_int_equal(view_stage_status(&view, stage), STAGE_DONE);
    }
    assert_int_equal(view_stage_status(&view, STAGE_CONTAINER_PRESENT), STAGE_NOW);
    assert_true(see_project(&notice, &project, true, 22000).overdue);
    notice.expected[STAGE_SITE_ANSWERS] = STAGE_UNREACHED;
    assert_int_equal(see_project(&notice, &project, true, 5000).eta, -1);
}

static void a_stopped_project_waits_for_the_button(void **state)
{
    struct notice notice = in_state(POWER_READY);
    struct project_notice project = of_project(PROJECT_STOPPED);
    assert_int_equal(see_project(&notice, &project, false, 5000).kind, VIEW_CLICK);
    assert_int_equal(see_project(&notice, &project, true, 5000).kind, VIEW_BOOTING);
}

static void what_ails_a_project_is_named_in_both_languages(void **state)
{
    struct notice notice = in_state(POWER_READY);
    struct project_notice project = of_project(PROJECT_MISSING);
    struct buf text = BUF_INIT(4096);
    for (int ailment = AILMENT_DOCKER; ailment < AILMENTS; ailment++) {
        project.ailment = (enum project_ailment)ailment;
        snprintf(project.container, sizeof project.container, "client1-web");
        project.problem = fact_with(FACT(PROJECT_MISSING), "client1-web", NULL);
        struct view view = see_project(&notice, &project, true, 5000);
        assert_int_equal(view.kind, VIEW_DEGRADED);
        assert_true(fact_equal(&view.notice.problem, &project.problem));
        for (int language = 0; language < LANGUAGES; language++) {
            const bool named = ailment == AILMENT_MISSING || ailment == AILMENT_RESTARTS ||
                               ailment == AILMENT_UNHEALTHY;
            view.language = (enum language)language;
            buf_clear(&text);
            phrase_message(&view, &text);
            assert_true(text.length > 20);
            assert_int_equal(strstr(buf_text(&text), "client1-web") != NULL, named);
            assert_null(strstr(buf_text(&text), "%s"));
        }
    }
    buf_finish(&text);
}

static void times_are_honest(void **state)
{
    struct notice notice = waking();
    struct view view = see(&notice, false, false, 11000);
    assert_int_equal(view.elapsed, 10000);
    assert_int_equal(view.eta, 30000);
    assert_int_equal(view.left, 170000);
    assert_false(view.overdue);
    assert_int_equal((int)(view_progress(&view) * 100), 24);
    assert_int_equal(view_retry_after(&view), 30);

    view = see(&notice, false, false, 60000);
    assert_true(view.overdue);
    assert_int_equal(view.eta, 0);
    assert_true(view_progress(&view) <= 0.95);

    notice.expected_ready = -1;
    view = see(&notice, false, false, 60000);
    assert_int_equal(view.eta, -1);
    assert_true(view_progress(&view) < 0);
    view = see(&notice, true, false, 60000);
    assert_true(view_progress(&view) >= 1);
}

static void a_wake_just_asked_for_has_no_old_stages(void **state)
{
    struct notice notice = waking();
    notice.state = POWER_WAKE_FAILED;
    notice.wake_open = false;
    assert_int_equal(see(&notice, false, false, 9000).stage, STAGE_PACKET_SENT);
    assert_int_equal(see(&notice, false, true, 9000).stage, -1);
}

static void polls_are_slow_early_and_quick_near_the_end(void **state)
{
    struct notice notice = waking();
    for (uint32_t chance = 0; chance < 5000; chance += 7) {
        struct view early = see(&notice, false, false, 2000);
        struct view late = see(&notice, false, false, 40500);
        assert_in_range(view_next_poll(&early, 0, chance), 1750, 2250);
        assert_in_range(view_next_poll(&late, 0, chance), 430, 570);
        assert_in_range(view_next_poll(&late, 1000, chance), 870, 1130);
    }
}

static void languages(void **state)
{
    static const struct {
        const char *accept;
        enum language language;
    } cases[] = {
        {NULL, LANGUAGE_ENGLISH},
        {"", LANGUAGE_ENGLISH},
        {"fr", LANGUAGE_FRENCH},
        {"fr-CA, en;q=0.8", LANGUAGE_FRENCH},
        {"FR-fr", LANGUAGE_FRENCH},
        {"en, fr;q=0.9", LANGUAGE_ENGLISH},
        {"en;q=0.5, fr;q=0.9", LANGUAGE_FRENCH},
        {"en ; q=0.5 , fr ; q=0.9", LANGUAGE_FRENCH},
        {"de, fr;q=0.3", LANGUAGE_FRENCH},
        {"de, *;q=0.5, fr;q=0.3", LANGUAGE_ENGLISH},
        {"fr;q=0", LANGUAGE_ENGLISH},
        {"fro, frisian", LANGUAGE_ENGLISH},
        {",,,;;;q=,fr;q=x", LANGUAGE_ENGLISH},
        {"fr;q=1e999", LANGUAGE_FRENCH},
        {"fr;q=1.5, en", LANGUAGE_ENGLISH},
        {"fr, en", LANGUAGE_ENGLISH},
        {"fr, en;q=1", LANGUAGE_ENGLISH},
        {"fr;q=1, en", LANGUAGE_ENGLISH},
        {"fr;q=0.5, en;q=0.5", LANGUAGE_ENGLISH},
        {"fr;q=0.501, en;q=0.5", LANGUAGE_FRENCH},
        {"fr;q=0.001", LANGUAGE_FRENCH},
        {"*, fr;q=0.9", LANGUAGE_ENGLISH},
        {"en;q=0, *;q=0.9, fr;q=0.5", LANGUAGE_FRENCH},
        {"fr;q=0.2, fr-CA;q=0.6, en;q=0.4", LANGUAGE_FRENCH},
        {"*x, fr;q=0.5", LANGUAGE_FRENCH},
        {"f, en;q=0.5", LANGUAGE_ENGLISH},
        {"fr;level=1, en;q=0.5", LANGUAGE_FRENCH},
        {"1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,fr",
         LANGUAGE_FRENCH},
        {"1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,"
         "fr",
         LANGUAGE_ENGLISH},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(language_choose(cases[i].accept), cases[i].language);
}

static void all_views_render_within_the_limit(void **state)
{
    struct notice notice = waking();
    struct buf out = BUF_INIT(65536);
    for (int language = 0; language < LANGUAGES; language++) {
        for (int power = 0; power < POWER_STATES; power++) {
            for (int failure = FAILURE_NONE; failure <= FAILURE_DEPENDENCY; failure++) {
                notice.state = (enum power_state)power;
                notice.failure = (enum wake_failure)failure;
                struct view view = see(&notice, false, false, 9000);
                view.language = (enum language)language;
                view.reference = "/client1/some/page?with=parameters";
                buf_clear(&out);
                page_write(page, &view, &out);
                assert_int_equal(buf_error(&out), 0);
                assert_true(out.length < 13300); /* with 700 bytes of head: 14,000 */
                assert_null(strstr(buf_text(&out), "{{"));
                assert_non_null(strstr(buf_text(&out), "</html>"));
            }
        }
    }
    buf_finish(&out);
}

static void names_and_addresses_are_escaped(void **state)
{
    struct notice notice = waking();
    struct buf out = BUF_INIT(65536);
    struct view view = see(&notice, false, false, 9000);
    view.reference = "/client1?a='\"><script>&b=%20";
    page_write(page, &view, &out);
    const char *text = buf_text(&out);
    assert_null(strstr(text, "<b>\"Client\""));
    assert_non_null(strstr(text, "&#60;b&#62;&#34;Client&#34; &#38; &#39;one&#39; is waking up"));
    assert_non_null(
        strstr(text, "data-ref=\"/client1?a=&#39;&#34;&#62;&#60;script&#62;&#38;b=%20\""));
    assert_non_null(strstr(text, "path=/client1%3Fa%3D%27%22%3E%3Cscript%3E%26b%3D%2520\""));
    buf_finish(&out);
}

static void refresh_only_while_something_happens(void **state)
{
    struct notice notice = waking();
    struct buf out = BUF_INIT(65536);
    struct view view = see(&notice, false, false, 9000);
    page_write(page, &view, &out);
    assert_non_null(strstr(buf_text(&out), "http-equiv=\"refresh\""));
    notice.state = POWER_WAKE_FAILED;
    notice.wake_open = false;
    view = see(&notice, false, false, 9000);
    buf_clear(&out);
    page_write(page, &view, &out);
    assert_null(strstr(buf_text(&out), "http-equiv=\"refresh\""));
    assert_non_null(strstr(buf_text(&out), "Try again"));
    buf_finish(&out);
}

static void the_refused_learn_nothing(void **state)
{
    struct buf out = BUF_INIT(65536);
    struct view view;
    view_init_refused(&view, &model, 0, "192.0.2.7");
    page_write(page, &view, &out);
    assert_non_null(strstr(buf_text(&out), "192.0.2.7"));
    assert_null(strstr(buf_text(&out), "<li "));
    buf_finish(&out);
}

static void the_policy_names_script_and_style(void **state)
{
    assert_non_null(strstr(page_policy(page), "default-src 'none'; script-src 'sha256-"));
    assert_non_null(strstr(page_policy(page), "frame-ancestors 'none'"));
    assert_null(strstr(page_policy(page), "unsafe"));
}

static struct json *status_of(const struct view *view, struct buf *out)
{
    struct json *json = NULL;
    struct json_error error;
    status_write(view, 500, out);
    assert_int_equal(json_read(buf_text(out), out->length, &json_limits_payload, &json, &error), 0);
    return json;
}

static void only_this_machine_is_told_who_else_uses_it(void **state)
{
    struct notice notice = waking();
    struct buf out = BUF_INIT(65536);
    snprintf(notice.why, sizeof notice.why, "awake because client2 was visited");
    struct view view = see(&notice, false, false, 11000);
    struct json *json = status_of(&view, &out);
    assert_int_equal(json_type(json_get(json, "awake_because")), JSON_NULL);
    json_free(json);
    buf_clear(&out);
    view.local = true;
    json = status_of(&view, &out);
    assert_string_equal(json_get_string(json, "awake_because"), notice.why);
    json_free(json);
    buf_finish(&out);
}

static void what_is_wrong_is_a_sentence_and_a_fact(void **state)
{
    struct notice notice = in_state(POWER_WAKE_FAILED);
    struct buf out = BUF_INIT(65536);
    notice.problem = FACT(WAKE_NO_SIGN, .word = STAGE_PACKET_SENT, .n = {5000});
    struct view view = see(&notice, false, false, 11000);
    struct json *json = status_of(&view, &out);
    assert_memory_equal(json_get_string(json, "problem"), "not ready after 5 s", 19);
    assert_string_equal(json_get_string(json_get(json, "problem_fact"), "code"), "wake.no_sign");
    json_free(json);
    buf_clear(&out);
    view.notice.problem = FACT(NONE);
    json = status_of(&view, &out);
    assert_int_equal(json_type(json_get(json, "problem")), JSON_NULL);
    assert_int_equal(json_type(json_get(json, "problem_fact")), JSON_NULL);
    json_free(json);
    buf_finish(&out);
}

static void the_status_says_the_same_as_json(void **state)
{
    static const char *const keys[] = {
        "state",      "stage",   "stages",  "elapsed_s",    "eta_s",        "progress",
        "deadline_s", "failure", "problem", "problem_fact", "next_poll_ms", "redirect",
        "version",    "guard",   "until",   "when",         "awake_because"};
    struct notice notice = waking();
    struct buf out = BUF_INIT(65536);
    struct view view = see(&notice, false, false, 11000);
    double eta = 0;
    struct json *json = status_of(&view, &out);
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        assert_non_null(json_get(json, keys[i]));
    assert_string_equal(json_get_string(json, "state"), "waking");
    assert_string_equal(json_get_string(json, "stage"), "packet_sent");
    assert_int_equal(json_count(json_get(json, "stages")), 7);
    assert_true(json_number(json_get(json, "eta_s"), &eta));
    assert_true(eta > 29.9 && eta < 30.1);
    assert_int_equal(json_type(json_get(json, "redirect")), JSON_NULL);
    assert_int_equal(json_type(json_get(json, "guard")), JSON_NULL);
    assert_int_equal(json_type(json_get(json, "until")), JSON_NULL);
    json_free(json);

    buf_clear(&out);
    view = see(&notice, true, false, 11000);
    view.reference = "/client1?x";
    json = status_of(&view, &out);
    assert_string_equal(json_get_string(json, "redirect"), "/client1?x");
    json_free(json);
    buf_finish(&out);
}

static void a_guard_of_the_server_holds_until_its_end(void **state)
{
    static const enum power_state held[] = {POWER_UNKNOWN, POWER_OFF, POWER_SLEEPING,
                                            POWER_UNREACHABLE, POWER_WAKE_FAILED};
    for (size_t i = 0; i < ARRAY_SIZE(held); i++) {
        struct notice notice = in_state(held[i]);
        notice.guard = (struct guard){GUARD_MIN_DOWN, 62000};
        struct view view = see(&notice, false, true, 2000);
        assert_int_equal(view.kind, VIEW_HELD);
        assert_int_equal(view_retry_after(&view), 60);
        assert_int_equal(view.until, INT64_C(1795341600000) + 62000);
        assert_int_not_equal(see(&notice, false, true, 62000).kind, VIEW_HELD);
        assert_int_equal(see(&notice, true, false, 2000).kind, VIEW_READY);
        notice.wake_open = true;
        assert_int_not_equal(see(&notice, false, false, 2000).kind, VIEW_HELD);
    }
    struct notice notice = in_state(POWER_BOOTING);
    notice.guard = (struct guard){GUARD_MIN_DOWN, 62000};
    assert_int_equal(see(&notice, false, true, 2000).kind, VIEW_BOOTING);
}

static void the_held_page_waits_and_has_no_button(void **state)
{
    struct notice notice = in_state(POWER_OFF);
    struct buf out = BUF_INIT(65536);
    notice.guard = (struct guard){GUARD_MIN_DOWN, 62000};
    struct view view = see(&notice, false, true, 2000);
    page_write(page, &view, &out);
    assert_non_null(strstr(buf_text(&out), "http-equiv=\"refresh\""));
    assert_non_null(strstr(buf_text(&out), "wait?path=/\" hidden><button"));
    assert_non_null(
        strstr(buf_text(&out), "datetime=\"2026-11-22T10:01:02Z\">2026-11-22 10:02 UTC</time>"));
    buf_finish(&out);
}

static const struct {
    enum guard_kind kind;
    const char *english, *french;
} limits[] = {
    {GUARD_CLIENT_WAKES, "your share of starts", "tous vos démarrages"},
    {GUARD_CLIENT_MINUTES, "your share of time", "tout votre temps"},
    {GUARD_PROJECT_WAKES, "its share of starts", "tous ses démarrages"},
    {GUARD_PROJECT_MINUTES, "its share of time", "tout son temps"},
    {GUARD_WINDOW, "hours of access", "heures d’accès"},
};

static struct view limited(enum guard_kind kind, int64_t until, enum language language)
{
    struct notice notice = waking();
    struct view view = see(&notice, true, false, 2000);
    view_limit(&view, (struct guard){kind, until}, at(2000));
    view.language = language;
    return view;
}

static void every_limit_is_named_with_its_end(void **state)
{
    struct buf out = BUF_INIT(65536);
    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        for (int language = 0; language < LANGUAGES; language++) {
            struct view view = limited(limits[i].kind, 86402000, (enum language)language);
            buf_clear(&out);
            page_write(page, &view, &out);
            assert_non_null(
                strstr(buf_text(&out), language == 0 ? limits[i].english : limits[i].french));
            assert_non_null(strstr(buf_text(&out), ">2026-11-23 10:01 UTC</time>"));
            assert_null(strstr(buf_text(&out), "http-equiv=\"refresh\""));
            assert_non_null(strstr(buf_text(&out), "\" hidden><button"));
            assert_true(out.length < 13300);
            assert_int_equal(view_retry_after(&view), 86400);
        }
    }
    buf_finish(&out);
}

static void a_limit_is_told_to_programs(void **state)
{
    struct buf out = BUF_INIT(65536);
    struct view view = limited(GUARD_PROJECT_MINUTES, 86402000, LANGUAGE_FRENCH);
    struct json *json = status_of(&view, &out);
    assert_string_equal(json_get_string(json, "guard"), guard_name(GUARD_PROJECT_MINUTES));
    assert_string_equal(json_get_string(json, "until"), "2026-11-23T10:00:02Z");
    assert_string_equal(json_get_string(json, "view"), "limited");
    assert_int_equal(json_type(json_get(json, "redirect")), JSON_NULL);
    assert_int_equal(json_type(json_get(json, "button")), JSON_NULL);
    json_free(json);
    buf_clear(&out);
    phrase_all(&view, &FACT(NONE), &out);
    assert_non_null(strstr(buf_text(&out), "Available again: 2026-11-23T10:00:02Z."));
    buf_finish(&out);
}

static void a_failure_stays_to_be_read(void **state)
{
    struct notice notice = in_state(POWER_WAKE_FAILED);
    struct buf out = BUF_INIT(65536);
    notice.failure = FAILURE_NO_SIGN;
    struct view view = see(&notice, false, false, 2000);
    view_limit(&view, (struct guard){GUARD_CLIENT_WAKES, 62000}, at(2000));
    assert_int_equal(view.kind, VIEW_FAILED);
    assert_int_equal(view_retry_after(&view), 60);
    struct json *json = status_of(&view, &out);
    assert_string_equal(json_get_string(json, "failure"), "no_sign");
    assert_non_null(strstr(json_get_string(json, "message"), "never answered"));
    assert_non_null(strstr(json_get_string(json, "message"), "share of starts"));
    assert_null(strstr(json_get_string(json, "message"), "try again"));
    assert_string_equal(json_get_string(json, "until"), "2026-11-22T10:01:02Z");
    assert_int_equal(json_type(json_get(json, "button")), JSON_NULL);
    json_free(json);
    view_limit(&view, (struct guard){GUARD_WINDOW, 62000}, at(2000));
    assert_int_equal(view.kind, VIEW_LIMITED);
    buf_finish(&out);
}

static void a_limit_without_end_promises_none(void **state)
{
    struct buf out = BUF_INIT(65536);
    struct view view = limited(GUARD_WINDOW, LEASE_FOREVER, LANGUAGE_ENGLISH);
    assert_int_equal(view_retry_after(&view), 0);
    assert_in_range(view_next_poll(&view, 0, 7), 10000, 20000);
    struct json *json = status_of(&view, &out);
    assert_int_equal(json_type(json_get(json, "until")), JSON_NULL);
    json_free(json);
    buf_clear(&out);
    page_write(page, &view, &out);
    assert_non_null(strstr(buf_text(&out), "class=\"x\" hidden><span id=\"qw\">"));
    buf_finish(&out);
}

static void stages_that_do_not_concern_the_site_are_left_out(void **state)
{
    struct notice notice = waking();
    struct view view;
    view_init(&view, &model, 0, &notice, false, false, at(2000));
    assert_false(view_shows_stage(&view, STAGE_DOCKER_UP));
    assert_false(view_shows_stage(&view, STAGE_AGENT_ONLINE));
    assert_true(view_shows_stage(&view, STAGE_SITE_ANSWERS));
    notice.stages[STAGE_AGENT_ONLINE] = 100;
    view_init(&view, &model, 0, &notice, false, false, at(2000));
    assert_true(view_shows_stage(&view, STAGE_AGENT_ONLINE));
}

/* The stage that is shown is the last of those reached, whichever it is. */
static void each_stage_may_be_the_last(void **state)
{
    for (int stage = 0; stage < STAGES; stage++) {
        struct notice notice = in_state(POWER_WAKING);
        notice.wake_open = true;
        for (int i = 0; i < STAGES; i++)
            notice.stages[i] = i <= stage ? 10 * i : STAGE_UNREACHED;
        assert_int_equal(see(&notice, false, false, 2000).stage, stage);
    }
}

/* Nor has one that a guard holds, until the wake that comes after it. */
static void one_that_is_held_has_no_old_stages(void **state)
{
    struct notice notice = in_state(POWER_OFF);
    notice.stages[STAGE_PACKET_SENT] = notice.stages[STAGE_FIRST_SIGN] = 5;
    notice.guard = (struct guard){GUARD_MIN_DOWN, 9000};
    const struct view held = see(&notice, false, true, 2000);
    assert_int_equal(held.kind, VIEW_HELD);
    for (int stage = 0; stage < STAGES; stage++)
        assert_int_equal(held.notice.stages[stage], STAGE_UNREACHED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_stage_may_be_the_last),
        cmocka_unit_test(one_that_is_held_has_no_old_stages),
        cmocka_unit_test(every_state_has_its_view),
        cmocka_unit_test(a_project_starts_alone),
        cmocka_unit_test(a_project_follows_its_server),
        cmocka_unit_test(a_project_starts_with_its_server),
        cmocka_unit_test(a_project_without_containers_does_not_start),
        cmocka_unit_test(a_stopped_project_waits_for_the_button),
        cmocka_unit_test(what_ails_a_project_is_named_in_both_languages),
        cmocka_unit_test(times_are_honest),
        cmocka_unit_test(a_wake_just_asked_for_has_no_old_stages),
        cmocka_unit_test(polls_are_slow_early_and_quick_near_the_end),
        cmocka_unit_test(languages),
        cmocka_unit_test(all_views_render_within_the_limit),
        cmocka_unit_test(names_and_addresses_are_escaped),
        cmocka_unit_test(refresh_only_while_something_happens),
        cmocka_unit_test(the_refused_learn_nothing),
        cmocka_unit_test(the_policy_names_script_and_style),
        cmocka_unit_test(only_this_machine_is_told_who_else_uses_it),
        cmocka_unit_test(what_is_wrong_is_a_sentence_and_a_fact),
        cmocka_unit_test(the_status_says_the_same_as_json),
        cmocka_unit_test(a_guard_of_the_server_holds_until_its_end),
        cmocka_unit_test(the_held_page_waits_and_has_no_button),
        cmocka_unit_test(every_limit_is_named_with_its_end),
        cmocka_unit_test(a_limit_is_told_to_programs),
        cmocka_unit_test(a_failure_stays_to_be_read),
        cmocka_unit_test(a_limit_without_end_promises_none),
        cmocka_unit_test(stages_that_do_not_concern_the_site_are_left_out),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
