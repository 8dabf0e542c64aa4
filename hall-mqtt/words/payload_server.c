#include "base/text.h"
#include "core/problem.h"
#include "words/payload_internal.h"

/* Bytes of a status before which another lease begins. */
enum { LEASES_ROOM = 44000 };

/* Why it does not pass: null while that is not known beyond doubt. */
static void put_fault(struct page *page, const struct check_state *state)
{
    const bool fails = evidence_fails(state);
    const struct fact reason = fails ? problem_of_fault(state->fault) : FACT(NONE);

    json_put_string(&page->json, "fault",
                    fails ? fault_name((enum fault_code)state->fault.code) : NULL);
    if (fails && state->fault.number > 0)
        json_put_integer(&page->json, "number", state->fault.number);
    else
        json_put_null(&page->json, "number");
    page_put_fact(page, "reason", &reason);
}

static void put_check(struct page *page, const struct model_check *check,
                      const struct check_state *state)
{
    bool known = state->known && !state->unable;
    json_begin_object(&page->json, NULL);
    json_put_string(&page->json, "kind", check_kind_name(check->kind));
    page_put_text(page, "site",
                  check->site == MODEL_NONE ? NULL : page->model->sites[check->site].id);
    json_put_bool(&page->json, "required", check->required);
    page_put_bool(page, "passing", known, state->passing);
    page_put_bool(page, "alive", known, state->alive);
    if (state->detail > 0)
        json_put_integer(&page->json, "status", state->detail);
    else
        json_put_null(&page->json, "status");
    put_fault(page, state);
    json_end_object(&page->json);
}

static const char *mac_word(enum mac_verdict verdict)
{
    switch (verdict) {
    case MAC_UNKNOWN:
        return NULL;
    case MAC_MATCH:
        return "match";
    case MAC_OTHER:
        return "other";
    }
    return NULL;
}

/* As its agent reports the card that wakes it. */
static void put_wol(struct page *page, const struct agent_report *report)
{
    if (!report->wol_known && !report->wol_interface[0]) {
        json_put_null(&page->json, "wol");
        return;
    }
    json_begin_object(&page->json, "wol");
    page_put_text(page, "interface", report->wol_interface);
    page_put_bool(page, "armed", report->wol_known, report->wol_armed);
    json_end_object(&page->json);
}

static void put_evidence(struct page *page, const struct model_server *server,
                         const struct power *power)
{
    const struct evidence *evidence = &power->evidence;
    char mac[MAC_TEXT_SIZE];
    json_begin_object(&page->json, "evidence");
    json_put_bool(&page->json, "alive", evidence->alive);
    json_put_bool(&page->json, "passing", evidence->passing);
    json_put_string(&page->json, "agent", agent_word_name(evidence->agent));
    json_put_string(&page->json, "mac", mac_word(evidence->mac));
    json_put_string(&page->json, "other_mac",
                    evidence->mac == MAC_OTHER ? text_format_mac(evidence->other_mac, mac) : NULL);
    put_wol(page, &power->report);
    json_begin_array(&page->json, "checks");
    for (size_t i = 0; i < server->n_checks; i++)
        put_check(page, &server->checks[i], &evidence->checks[i]);
    json_end_array(&page->json);
    json_end_object(&page->json);
}

static void put_lease(struct page *page, const struct lease *lease, int server)
{
    const struct fact reason = lease_fact(lease, server, page->now);
    /* What is known beside kind and holder: of a hold why, of a stream what goes on. */
    const struct fact why = lease_why(lease);

    json_begin_object(&page->json, NULL);
    json_put_string(&page->json, "kind", lease_kind_name(lease->kind));
    json_put_string(&page->json, "holder", lease_holder(lease, page->model, server));
    page_put_fact(page, "label", &why);
    page_put_instant(page, "since", lease->since);
    page_put_instant(page, "until", lease->until);
    page_put_fact(page, "reason", &reason);
    json_end_object(&page->json);
}

/* As many as leave room for what follows, and how many more there are. */
static void put_leases(struct page *page, const struct lease_set *set, int server)
{
    size_t told = 0;

    json_begin_array(&page->json, "leases");
    for (; told < set->n && page->json.buf->length < LEASES_ROOM; told++)
        put_lease(page, &set->leases[told], server);
    json_end_array(&page->json);
    json_put_integer(&page->json, "leases_more", (int64_t)(set->n - told));
}

static void put_stages(struct page *page, const struct wake *wake)
{
    json_begin_object(&page->json, "stages");
    for (unsigned i = 0; i < STAGES; i++)
        page_put_seconds(page, stage_name((enum stage)i),
                         wake->open ? wake->stages[i] : STAGE_UNREACHED);
    json_end_object(&page->json);
}

static void put_wake(struct page *page, const struct power *power)
{
    const struct wake *wake = &power->wake;
    if (!wake->open && !wake->queued) {
        json_put_null(&page->json, "wake");
        return;
    }
    enum stage stage = wake->open ? power_stage(power) : (enum stage)STAGES;
    json_begin_object(&page->json, "wake");
    json_put_string(&page->json, "id", wake->id);
    page_put_fact(page, "cause", &wake->cause);
    json_put_string(&page->json, "stage", (unsigned)stage < STAGES ? stage_name(stage) : NULL);
    put_stages(page, wake);
    page_put_seconds(page, "eta_s", power_eta(power, page->now.boot));
    page_put_instant(page, "deadline", wake->open ? wake->deadline : 0);
    json_end_object(&page->json);
}

static void put_next_event(struct page *page, const struct fleet *fleet, int server)
{
    struct next_event next;

    if (!fleet_next_event(fleet, server, page->now, &next)) {
        json_put_null(&page->json, "next_event");
        return;
    }
    json_begin_object(&page->json, "next_event");
    json_put_time(&page->json, "at", next.at);
    json_put_string(&page->json, "what", next.what);
    page_put_fact(page, "reason", &next.reason);
    json_end_object(&page->json);
}

/* Why it is still awake although nothing needs it: until the next sleep is agreed. */
static void put_refusal(struct page *page, const struct sleep *sleep)
{
    if (fact_is(&sleep->refusal, FACT_NONE)) {
        json_put_null(&page->json, "sleep_refused");
        return;
    }
    json_begin_object(&page->json, "sleep_refused");
    page_put_fact(page, "reason", &sleep->refusal);
    page_put_instant(page, "not_before", sleep->not_before);
    json_end_object(&page->json);
}

static void put_guard(struct page *page, const struct guard *guard)
{
    if (guard->kind == GUARD_NONE) {
        json_put_null(&page->json, "guard");
        return;
    }
    json_begin_object(&page->json, "guard");
    json_put_string(&page->json, "name", guard_name(guard->kind));
    page_put_instant(page, "until", guard->until == LEASE_FOREVER ? 0 : guard->until);
    json_end_object(&page->json);
}

/* Of now, or not at all. */
static void put_report(struct page *page, const struct power *power)
{
    const struct agent_report *report = &power->report;
    const bool holds = power_report_holds(power);

    if (holds && report->load >= 0)
        json_put_number(&page->json, "load", report->load);
    else
        json_put_null(&page->json, "load");
    if (holds && report->uptime_s >= 0)
        json_put_integer(&page->json, "uptime_s", report->uptime_s);
    else
        json_put_null(&page->json, "uptime_s");
}

/* All its leases, where the fact is that of one. */
static void put_because(struct page *page, const char *key, int server, enum say_language language)
{
    const struct say_how how = {.language = language, .now = page->now.wall};
    struct buf why = BUF_INIT(SAY_SENTENCE_MAX);

    say_awake(page->fleet, server, page->now, how, &why);
    page_put_text(page, key, buf_text(&why));
    buf_finish(&why);
}

static void put_awake(struct page *page, const struct power *power, int server)
{
    const struct fact because = power_awake_because(power, server, page->now);
    char name[PAGE_KEY_SIZE];

    page_put_instant(page, "awake_until", lease_awake_until(power->leases));
    put_because(page, "awake_because", server, SAY_ENGLISH);
    if (page->language != SAY_ENGLISH)
        put_because(page, page_beside("awake_because", PAGE_LOCALIZED, name), server,
                    page->language);
    say_put_fact(&page->json, "awake_because_fact", &because, page->model);
}

/* To a watt-hour: more would only look exact. */
static double whole_wh(double kwh)
{
    return (double)(int64_t)(kwh * 1000 + 0.5) / 1000;
}

static void put_energy(struct page *page, const struct payload_energy *energy)
{
    if (!energy) {
        json_put_null(&page->json, "energy");
        return;
    }
    json_begin_object(&page->json, "energy");
    json_put_number(&page->json, "saved_kwh", whole_wh(energy->saved_kwh));
    json_put_number(&page->json, "used_kwh", whole_wh(energy->used_kwh));
    json_put_string(&page->json, "basis", energy->basis);
    json_end_object(&page->json);
}

int payload_server_status(const struct fleet *fleet, const struct model *model, int server,
                          const struct payload_energy *energy, enum say_language language,
                          struct now now, struct buf *out)
{
    const struct power *power = fleet_power(fleet, server);
    struct page page = {.fleet = fleet, .model = model, .language = language, .now = now};
    const struct fact problem = fleet_problem(fleet, server);
    page_begin(&page, out);
    json_put_string(&page.json, "state", power_state_name(power->state));
    page_put_instant(&page, "since", power->since);
    page_put_fact(&page, "reason", &power->reason);
    json_put_string(&page.json, "target", payload_server_power(fleet, server));
    put_evidence(&page, &model->servers[server], power);
    put_leases(&page, power->leases, server);
    put_awake(&page, power, server);
    put_wake(&page, power);
    page_put_seconds(&page, "last_boot_s", power->last_boot);
    json_put_time(&page.json, "last_ready", power->last_ready);
    json_put_integer(&page.json, "wakes", energy ? energy->wakes : power->n_woken);
    page_put_fact(&page, "problem", &problem);
    put_next_event(&page, fleet, server);
    put_refusal(&page, &power->sleep);
    put_guard(&page, &power->guard);
    json_put_string(&page.json, "policy", policy_mode_name(fleet_policy(fleet, server)));
    put_report(&page, power);
    put_energy(&page, energy);
    return page_end(&page);
}

const char *payload_server_power(const struct fleet *fleet, int server)
{
    return power_target_on(fleet_power(fleet, server)) ? "ON" : "OFF";
}

/* ---- server config ---- */

static void put_depends(struct page *page, const struct model_server *server)
{
    json_begin_array(&page->json, "depends_on");
    for (size_t i = 0; i < server->n_depends_on; i++)
        json_put_string(&page->json, NULL, page->model->servers[server->depends_on[i]].id);
    json_end_array(&page->json);
}

static void put_sleep(struct page *page, const struct model_sleep *sleep)
{
    bool sleeps = sleep->via != SLEEP_VIA_NONE;
    json_begin_object(&page->json, "sleep");
    json_put_string(&page->json, "via", sleep_via_name(sleep->via));
    json_put_string(&page->json, "mode", sleeps ? sleep_mode_name(sleep->mode) : NULL);
    json_end_object(&page->json);
}

int payload_server_config(const struct fleet *fleet, const struct model *model, int server,
                          struct buf *out)
{
    const struct model_server *configured = &model->servers[server];
    struct page page = {.fleet = fleet, .model = model};
    char mac[MAC_TEXT_SIZE];
    page_begin(&page, out);
    json_put_string(&page.json, "name", configured->name);
    json_put_string(&page.json, "mac", text_format_mac(configured->mac, mac));
    json_put_string(&page.json, "policy", policy_mode_name(fleet_policy(fleet, server)));
    json_put_seconds(&page.json, "idle_s", fleet_idle(fleet, server));
    json_put_bool(&page.json, "keep_awake", fleet_keep_awake(fleet, server));
    put_depends(&page, configured);
    put_sleep(&page, &configured->sleep);
    return page_end(&page);
}
