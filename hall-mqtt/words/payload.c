#include "words/payload.h"

#include <stdio.h>

#include "words/payload_internal.h"

void page_begin(struct page *page, struct buf *out)
{
    json_writer_init(&page->json, out);
    json_begin_object(&page->json, NULL);
}

int page_end(struct page *page)
{
    json_end_object(&page->json);
    return buf_error(page->json.buf);
}

void page_put_bool(struct page *page, const char *key, bool known, bool value)
{
    if (known)
        json_put_bool(&page->json, key, value);
    else
        json_put_null(&page->json, key);
}

void page_put_seconds(struct page *page, const char *key, int64_t ms)
{
    if (ms >= 0)
        json_put_seconds(&page->json, key, ms);
    else
        json_put_null(&page->json, key);
}

void page_put_instant(struct page *page, const char *key, int64_t boot)
{
    bool known = boot > 0 && boot != LEASE_FOREVER;
    json_put_time(&page->json, key, known ? clock_wall_at(page->now, boot) : 0);
}

void page_put_text(struct page *page, const char *key, const char *text)
{
    json_put_string(&page->json, key, text && text[0] != '\0' ? text : NULL);
}

const char *page_beside(const char *key, const char *suffix, char out[PAGE_KEY_SIZE])
{
    snprintf(out, PAGE_KEY_SIZE, "%s%s", key, suffix);
    return out;
}

static void put_sentence(struct page *page, const char *key, const struct told *told,
                         enum say_language language)
{
    const struct say_how how = {.language = language, .now = page->now.wall};
    struct buf text = BUF_INIT(SAY_SENTENCE_MAX);

    say_sentence(told, how, &text);
    page_put_text(page, key, buf_text(&text));
    buf_finish(&text);
}

void page_put_told(struct page *page, const char *key, const struct told *told)
{
    char name[PAGE_KEY_SIZE];

    put_sentence(page, key, told, SAY_ENGLISH);
    if (page->language != SAY_ENGLISH)
        put_sentence(page, page_beside(key, PAGE_LOCALIZED, name), told, page->language);
    say_put_told(&page->json, page_beside(key, "_fact", name), told);
}

void page_put_fact(struct page *page, const char *key, const struct fact *fact)
{
    struct told told;

    say_resolve(fact, page->model, &told);
    page_put_told(page, key, &told);
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
    page_put_told(&page, "config_problem", info->config_problem);
    page_put_told(&page, "store_salvaged", info->store_salvaged);
    json_put_bool(&page.json, "clock_trusted", info->clock_trusted);
    page_put_told(&page, "clock_problem", info->clock_problem);
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
    page_put_fact(&page, "detail", action->event.detail);
    json_put_string(&page.json, "stage", is_stage ? stage_name(action->event.stage) : NULL);
    page_put_seconds(&page, "seconds", is_timed ? action->event.ms : -1);
    return page_end(&page);
}

int payload_hall_event(const char *event_type, const struct told *told, struct now now,
                       struct buf *out)
{
    struct page page = {.now = now};
    page_begin(&page, out);
    json_put_string(&page.json, "event_type", event_type);
    json_put_time(&page.json, "at", now.wall);
    page_put_told(&page, "detail", told);
    return page_end(&page);
}

int payload_result(const struct ledger_entry *entry, const struct model *model, struct now now,
                   struct buf *out)
{
    bool is_end = entry->outcome == OUTCOME_DONE || entry->outcome == OUTCOME_FAILED;
    struct page page = {.model = model, .now = now};
    page_begin(&page, out);
    page_put_text(&page, "id", entry->id);
    json_put_string(&page.json, "action", command_action_name(entry->action));
    page_put_text(&page, "by", entry->by);
    json_put_string(&page.json, "outcome", command_outcome_name(entry->outcome));
    page_put_fact(&page, "reason", &entry->reason);
    page_put_seconds(&page, "seconds", is_end ? entry->seconds_ms : -1);
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
