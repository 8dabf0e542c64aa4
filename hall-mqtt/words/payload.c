#include "words/payload.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "core/problem.h"
#include "say/say.h"

enum { KEY_SIZE = 40 };
static const char localized[] = "_localized";

/* What the functions below write with. */
struct page {
    const struct fleet *fleet;
    const struct model *model;
    enum say_language language; /* of the sentences beside the English ones */
    struct now now;
    struct json_writer json;
};

static void page_begin(struct page *page, struct buf *out)
{
    json_writer_init(&page->json, out);
    json_begin_object(&page->json, NULL);
}

static int page_end(struct page *page)
{
    json_end_object(&page->json);
    return buf_error(page->json.buf);
}

static void put_bool_or_null(struct page *page, const char *key, bool known, bool value)
{
    if (known)
        json_put_bool(&page->json, key, value);
    else
        json_put_null(&page->json, key);
}

static void put_seconds_or_null(struct page *page, const char *key, int64_t ms)
{
    if (ms >= 0)
        json_put_seconds(&page->json, key, ms);
    else
        json_put_null(&page->json, key);
}

/* A boot-clock instant as wall time; null where there is none, or no end. */
static void put_instant(struct page *page, const char *key, int64_t boot)
{
    bool known = boot > 0 && boot != LEASE_FOREVER;
    json_put_time(&page->json, key, known ? clock_wall_at(page->now, boot) : 0);
}

static void put_text_or_null(struct page *page, const char *key, const char *text)
{
    json_put_string(&page->json, key, text && text[0] != '\0' ? text : NULL);
}

static const char *beside(const char *key, const char *suffix, char out[KEY_SIZE])
{
    snprintf(out, KEY_SIZE, "%s%s", key, suffix);
    return out;
}

static void put_sentence(struct page *page, const char *key, const struct told *told,
                         enum say_language language)
{
    const struct say_how how = {.language = language, .now = page->now.wall};
    struct buf text = BUF_INIT(SAY_SENTENCE_MAX);

    say_sentence(told, how, &text);
    put_text_or_null(page, key, buf_text(&text));
    buf_finish(&text);
}

/* What is told to people: the sentence, in English, and beside it what it says. */
static void put_told(struct page *page, const char *key, const struct told *told)
{
    char name[KEY_SIZE];

    put_sentence(page, key, told, SAY_ENGLISH);
    if (page->language != SAY_ENGLISH)
        put_sentence(page, beside(key, localized, name), told, page->language);
    say_put_told(&page->json, beside(key, "_fact", name), told);
}

static void put_fact(struct page *page, const char *key, const struct fact *fact)
{
    struct told told;

    say_resolve(fact, page->model, &told);
    put_told(page, key, &told);
}

/* ---- server status ---- */

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
    put_fact(page, "reason", &reason);
}

static void put_check(struct page *page, const struct model_check *check,
                      const struct check_state *state)
{
    bool known = state->known && !state->unable;
    json_begin_object(&page->json, NULL);
    json_put_string(&page->json, "kind", check_kind_name(check->kind));
    put_text_or_null(page, "site",
                     check->site == MODEL_NONE ? NULL : page->model->sites[check->site].id);
    json_put_bool(&page->json, "required", check->required);
    put_bool_or_null(page, "passing", known, state->passing);
    put_bool_or_null(page, "alive", known, state->alive);
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
    put_text_or_null(page, "interface", report->wol_interface);
    put_bool_or_null(page, "armed", report->wol_known, report->wol_armed);
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

static void put_leases(struct page *page, const struct lease_set *set, int server)
{
    json_begin_array(&page->json, "leases");
    for (size_t i = 0; i < set->n; i++) {
        const struct lease *lease = &set->leases[i];
        const struct fact reason = lease_fact(lease, server, page->now);
        /* What is known beside kind and holder: of a hold why, of a stream what goes on. */
        const struct fact why = lease_why(lease);

        json_begin_object(&page->json, NULL);
        json_put_string(&page->json, "kind", lease_kind_name(lease->kind));
        json_put_string(&page->json, "holder", lease_holder(lease, page->model, server));
        put_fact(page, "label", &why);
        put_instant(page, "since", lease->since);
        put_instant(page, "until", lease->until);
        put_fact(page, "reason", &reason);
        json_end_object(&page->json);
    }
    json_end_array(&page->json);
}

static void put_stages(struct page *page, const struct wake *wake)
{
    json_begin_object(&page->json, "stages");
    for (unsigned i = 0; i < STAGES; i++)
        put_seconds_or_null(page, stage_name((enum stage)i),
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
    put_fact(page, "cause", &wake->cause);
    json_put_string(&page->json, "stage", (unsigned)stage < STAGES ? stage_name(stage) : NULL);
    put_stages(page, wake);
    put_seconds_or_null(page, "eta_s", power_eta(power, page->now.boot));
    put_instant(page, "deadline", wake->open ? wake->deadline : 0);
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
    put_fact(page, "reason", &next.reason);
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
    put_fact(page, "reason", &sleep->refusal);
    put_instant(page, "not_before", sleep->not_before);
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
    put_instant(page, "until", guard->until == LEASE_FOREVER ? 0 : guard->until);
    json_end_object(&page->json);
}

static void put_report(struct page *page, const struct agent_report *report)
{
    if (report->heard && report->load >= 0)
        json_put_number(&page->json, "load", report->load);
    else
        json_put_null(&page->json, "load");
    if (report->heard && report->uptime_s >= 0)
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
    put_text_or_null(page, key, buf_text(&why));
    buf_finish(&why);
}

static void put_awake(struct page *page, const struct power *power, int server)
{
    const struct fact because = power_awake_because(power, server, page->now);
    char name[KEY_SIZE];

    put_instant(page, "awake_until", lease_awake_until(power->leases));
    put_because(page, "awake_because", server, SAY_ENGLISH);
    if (page->language != SAY_ENGLISH)
        put_because(page, beside("awake_because", localized, name), server, page->language);
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
    put_instant(&page, "since", power->since);
    put_fact(&page, "reason", &power->reason);
    json_put_string(&page.json, "target", payload_server_power(fleet, server));
    put_evidence(&page, &model->servers[server], power);
    put_leases(&page, power->leases, server);
    put_awake(&page, power, server);
    put_wake(&page, power);
    put_seconds_or_null(&page, "last_boot_s", power->last_boot);
    json_put_time(&page.json, "last_ready", power->last_ready);
    json_put_integer(&page.json, "wakes", energy ? energy->wakes : power->n_woken);
    put_fact(&page, "problem", &problem);
    put_next_event(&page, fleet, server);
    put_refusal(&page, &power->sleep);
    put_guard(&page, &power->guard);
    json_put_string(&page.json, "policy", policy_mode_name(fleet_policy(fleet, server)));
    put_report(&page, &power->report);
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

/* ---- projects ---- */

const char *payload_project_state_name(unsigned index)
{
    return index < PROJECT_STATES ? project_state_name((enum project_state)index) : NULL;
}

const char *payload_project_state(const struct fleet *fleet, const struct model *model, int site)
{
    (void)model;
    return project_state_name(fleet_project_state(fleet, site));
}

/* What its agent tells of it is shown only while that is to be believed. */
static void put_container(struct page *page, const struct container *container, bool known)
{
    json_begin_object(&page->json, NULL);
    json_put_string(&page->json, "name", container->name);
    json_put_string(&page->json, "state",
                    known ? container_state_name((enum container_state)container->state) : NULL);
    json_put_string(&page->json, "health",
                    known ? container_health_name((enum container_health)container->health) : NULL);
    json_end_object(&page->json);
}

static void put_containers(struct page *page, int site)
{
    const struct project *project = fleet_project(page->fleet, site);
    const bool known = fleet_project_is_known(page->fleet, site);

    json_begin_array(&page->json, "containers");
    for (size_t i = 0; project && i < project->n; i++)
        put_container(page, &project->containers[i], known);
    json_end_array(&page->json);
}

int payload_project_status(const struct fleet *fleet, const struct model *model, int site,
                           enum say_language language, struct now now, struct buf *out)
{
    const struct model_site *configured = &model->sites[site];
    const struct site_state *state = fleet_site(fleet, site);
    struct page page = {.fleet = fleet, .model = model, .language = language, .now = now};
    const struct fact problem = fleet_project_problem(fleet, site);
    page_begin(&page, out);
    json_put_string(&page.json, "state", payload_project_state(fleet, model, site));
    json_put_string(&page.json, "server", model->servers[configured->server].id);
    json_put_string(&page.json, "domain", model->domains[configured->domain].name);
    json_put_string(&page.json, "path", configured->path);
    put_containers(&page, site);
    json_put_integer(&page.json, "visits", state->visits);
    /* It may be from before this machine was started. */
    json_put_time(&page.json, "last_visit",
                  state->last_visit != 0 ? clock_wall_at(now, state->last_visit) : 0);
    put_fact(&page, "problem", &problem);
    return page_end(&page);
}

/* ---- Hall itself, events, answers ---- */

static void put_broker(struct page *page, const char *protocol)
{
    json_begin_object(&page->json, "broker");
    json_put_string(&page->json, "protocol", protocol);
    json_end_object(&page->json);
}

int payload_info(const struct hall_info *info, const struct model *model, struct buf *out)
{
    struct page page = {.model = model};
    size_t projects = 0;
    for (size_t i = 0; i < model->n_sites; i++)
        projects += model->sites[i].is_project;
    page_begin(&page, out);
    json_put_string(&page.json, "version", info->version);
    json_put_integer(&page.json, "schema", PAYLOAD_SCHEMA);
    json_put_time(&page.json, "started", info->started);
    json_put_integer(&page.json, "servers", (int64_t)model->n_servers);
    json_put_integer(&page.json, "servers_awake", (int64_t)info->awake);
    json_put_integer(&page.json, "domains", (int64_t)model->n_domains);
    json_put_integer(&page.json, "projects", (int64_t)projects);
    put_told(&page, "config_problem", info->config_problem);
    put_told(&page, "store_salvaged", info->store_salvaged);
    json_put_integer(&page.json, "dropped", (int64_t)info->dropped);
    put_broker(&page, info->broker);
    return page_end(&page);
}

int payload_event(const struct model *model, const struct action *action,
                  enum say_language language, struct now now, struct buf *out)
{
    bool is_stage = action->event.what == HAPPENED_STAGE;
    bool is_timed = is_stage || action->event.what == HAPPENED_READY;
    struct page page = {.model = model, .language = language, .now = now};
    page_begin(&page, out);
    json_put_string(&page.json, "event_type", happening_name(action->event.what));
    json_put_string(&page.json, "server", model->servers[action->server].id);
    json_put_time(&page.json, "at", now.wall);
    put_fact(&page, "detail", action->event.detail);
    json_put_string(&page.json, "stage", is_stage ? stage_name(action->event.stage) : NULL);
    put_seconds_or_null(&page, "seconds", is_timed ? action->event.ms : -1);
    return page_end(&page);
}

int payload_hall_event(const char *event_type, const struct told *told, struct now now,
                       struct buf *out)
{
    struct page page = {.now = now};
    page_begin(&page, out);
    json_put_string(&page.json, "event_type", event_type);
    json_put_time(&page.json, "at", now.wall);
    put_told(&page, "detail", told);
    return page_end(&page);
}

int payload_result(const struct ledger_entry *entry, const struct model *model, struct now now,
                   struct buf *out)
{
    bool is_end = entry->outcome == OUTCOME_DONE || entry->outcome == OUTCOME_FAILED;
    struct page page = {.model = model, .now = now};
    page_begin(&page, out);
    put_text_or_null(&page, "id", entry->id);
    json_put_string(&page.json, "action", command_action_name(entry->action));
    put_text_or_null(&page, "by", entry->by);
    json_put_string(&page.json, "outcome", command_outcome_name(entry->outcome));
    put_fact(&page, "reason", &entry->reason);
    put_seconds_or_null(&page, "seconds", is_end ? entry->seconds_ms : -1);
    return page_end(&page);
}

int payload_hold(const struct command *command, int64_t until_wall, struct buf *out)
{
    struct page page = {0};
    page_begin(&page, out);
    if (command->by[0] != '\0')
        json_put_string(&page.json, "by", command->by);
    if (command->reason[0] != '\0')
        json_put_string(&page.json, "reason", command->reason);
    json_put_time(&page.json, "until", until_wall);
    return page_end(&page);
}

int payload_agent_command(const char *id, const char *action, bool force, bool asked,
                          int64_t expires_wall, int64_t idle_ms, struct buf *out)
{
    struct page page = {0};
    page_begin(&page, out);
    json_put_string(&page.json, "id", id);
    json_put_string(&page.json, "action", action);
    json_put_time(&page.json, "expires", expires_wall);
    json_put_bool(&page.json, "force", force);
    json_put_bool(&page.json, "asked", asked);
    json_put_integer(&page.json, "idle_s", idle_ms / 1000);
    return page_end(&page);
}

/* Of a project without names its agent takes all that it finds; by name it takes only those. */
static void put_ordered(struct page *page, const struct project *project)
{
    bool all = !project->configured;

    for (size_t i = 0; i < project->n; i++)
        all &= project->containers[i].ordered;
    if (all) {
        json_put_null(&page->json, "containers");
        return;
    }
    json_begin_array(&page->json, "containers");
    for (size_t i = 0; i < project->n; i++)
        if (project->containers[i].ordered)
            json_put_string(&page->json, NULL, project->containers[i].name);
    json_end_array(&page->json);
}

int payload_agent_project(const struct model_site *site, const struct project *project,
                          const char *id, enum project_verb verb, int64_t expires_wall,
                          struct buf *out)
{
    struct page page = {0};
    page_begin(&page, out);
    json_put_string(&page.json, "id", id);
    json_put_string(&page.json, "action", project_verb_name(verb));
    json_put_time(&page.json, "expires", expires_wall);
    json_put_bool(&page.json, "force", false);
    json_put_string(&page.json, "project", site->id);
    put_ordered(&page, project);
    return page_end(&page);
}
