/* Lists of what was: pages of the store's tables, newest first. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "core/facts/history.h"
#include "core/power.h"
#include "store/archive.h"
#include "web/api/api_internal.h"

enum { PAGE_MS = 2000, FRESH_MS = 1500, BODY_ROOM = 200 * 1024 };

/* Where that does not work, what is read is a little older. */
static void freshen(struct api_call *call, bool spans)
{
    struct errand *errand = errand_new(ERRAND_FLUSH);
    if (!errand)
        return;
    errand->limit = spans;
    (void)errands_run(call->api->errands, errand, FRESH_MS);
    errand_drop(errand);
}

struct archive *api_archive(struct api_call *call, int64_t limit_ms, bool fresh, bool spans)
{
    struct archive *archive = NULL;
    char why[ARCHIVE_SENTENCE];
    if (fresh)
        freshen(call, spans);
    if (archive_open(call->api->store_path, limit_ms, &archive, why) == 0)
        return archive;
    api_problem(call, 503, "%s", why);
    return NULL;
}

static const char *given(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

void api_filter(const struct api_params *params, struct archive_filter *ret_filter)
{
    *ret_filter = (struct archive_filter){
        .server = given(params->server),
        .domain = given(params->domain),
        .project = given(params->project),
        .type = given(params->type),
        .address = given(params->address),
        .search = given(params->search),
        .from = params->from,
        .to = params->to,
        .before = params->before,
        .limit = (int)params->limit,
    };
}

/* ---- rows ---- */

static void put_ms(struct json_writer *writer, const char *key, int64_t ms)
{
    if (ms >= 0)
        json_put_seconds(writer, key, ms);
    else
        json_put_null(writer, key);
}

/* A fact as it was stored; null in old rows. */
static void put_stored_fact(struct json_writer *writer, const char *key, const char *text)
{
    struct json *fact = NULL;
    struct json_error error;
    if (text && json_read(text, strlen(text), &api_limits, &fact, &error) == 0)
        json_put_value(writer, key, fact);
    else
        json_put_null(writer, key);
    json_free(fact);
}

const char *api_event_detail(const struct json *body)
{
    return json_get_string(body, "detail");
}

void api_put_event(struct json_writer *writer, const struct store_entry *entry)
{
    struct json *body = NULL;
    struct json_error error;
    const char *text = entry->texts[4] ? entry->texts[4] : "{}";
    if (json_read(text, strlen(text), &api_limits, &body, &error) < 0)
        body = NULL;
    json_begin_object(writer, NULL);
    json_put_integer(writer, "id", entry->id);
    json_put_time(writer, "at", entry->numbers[0]);
    json_put_string(writer, "server", entry->texts[0]);
    json_put_string(writer, "domain", entry->texts[1]);
    json_put_string(writer, "project", entry->texts[2]);
    json_put_string(writer, "type", entry->texts[3]);
    json_put_string(writer, "detail", body ? api_event_detail(body) : NULL);
    json_put_value(writer, "detail_fact", json_get(body, "detail_fact"));
    if (body) {
        json_put_value(writer, "body", body);
    } else {
        json_begin_object(writer, "body");
        json_end_object(writer);
    }
    json_end_object(writer);
    json_free(body);
}

static void put_wake(struct json_writer *writer, const struct store_entry *entry)
{
    const int64_t *number = entry->numbers;
    json_begin_object(writer, NULL);
    json_put_integer(writer, "id", entry->id);
    json_put_string(writer, "wake", entry->texts[0]);
    json_put_string(writer, "server", entry->texts[1]);
    json_put_string(writer, "project", entry->texts[2]);
    json_put_string(writer, "cause", entry->texts[4]);
    put_stored_fact(writer, "cause_fact", entry->texts[7]);
    json_put_string(writer, "kind", wake_kind_name(number[3] != 0 ? WAKE_COLD : WAKE_RESUME));
    json_put_string(writer, "outcome", number[4] != 0 ? "ready" : "failed");
    json_put_string(writer, "failure", entry->texts[6]);
    json_put_time(writer, "started", number[0]);
    put_ms(writer, "seconds", number[1]);
    json_put_integer(writer, "packets", number[2]);
    json_begin_object(writer, "stages");
    for (int i = 0; i < STAGES; i++)
        put_ms(writer, stage_name((enum stage)i), number[6 + i]);
    json_end_object(writer);
    json_end_object(writer);
}

static void put_sleep(struct json_writer *writer, const struct store_entry *entry)
{
    static const char *const outcomes[] = {"asleep", "refused", "failed"};
    const int64_t outcome = entry->numbers[3];
    json_begin_object(writer, NULL);
    json_put_integer(writer, "id", entry->id);
    json_put_string(writer, "server", entry->texts[0]);
    json_put_time(writer, "at", entry->numbers[0]);
    json_put_string(writer, "outcome", outcomes[outcome >= 0 && outcome <= 2 ? outcome : 2]);
    json_put_string(writer, "by", entry->texts[1]);
    json_put_string(writer, "reason", entry->texts[2]);
    put_stored_fact(writer, "reason_fact", entry->texts[3]);
    put_ms(writer, "seconds", entry->numbers[1]);
    put_ms(writer, "awake_s", entry->numbers[2]);
    json_end_object(writer);
}

static void put_span(struct json_writer *writer, const struct store_entry *entry)
{
    const int64_t state = entry->numbers[2];
    const bool known = state >= 0 && state < POWER_STATES;
    json_begin_object(writer, NULL);
    json_put_string(writer, "server", entry->texts[0]);
    json_put_string(writer, "state",
                    power_state_name(known ? (enum power_state)state : POWER_UNKNOWN));
    json_put_time(writer, "began", entry->numbers[0] - entry->numbers[1]);
    json_put_time(writer, "ended", entry->numbers[0]);
    json_put_seconds(writer, "seconds", entry->numbers[1]);
    json_put_bool(writer, "open", entry->numbers[3] != 0);
    json_end_object(writer);
}

static void put_refusal(struct json_writer *writer, const struct store_entry *entry)
{
    json_begin_object(writer, NULL);
    json_put_integer(writer, "id", entry->id);
    json_put_time(writer, "at", entry->numbers[0]);
    json_put_time(writer, "last", entry->numbers[1]);
    json_put_string(writer, "address", entry->texts[0]);
    json_put_string(writer, "domain", entry->texts[1]);
    json_put_string(writer, "project", entry->texts[2]);
    json_put_string(writer, "path", entry->texts[3]);
    json_put_string(writer, "why", entry->texts[4]);
    put_stored_fact(writer, "why_fact", entry->texts[5]);
    json_put_integer(writer, "count", entry->numbers[2]);
    json_end_object(writer);
}

static void put_login(struct json_writer *writer, const struct store_entry *entry)
{
    json_begin_object(writer, NULL);
    json_put_integer(writer, "id", entry->id);
    json_put_time(writer, "at", entry->numbers[0]);
    json_put_string(writer, "address", entry->texts[0]);
    json_put_bool(writer, "ok", entry->numbers[1] != 0);
    json_put_string(writer, "detail", entry->texts[1]);
    json_end_object(writer);
}

static void put_change(struct json_writer *writer, const struct store_entry *entry)
{
    json_begin_object(writer, NULL);
    json_put_integer(writer, "id", entry->id);
    json_put_time(writer, "at", entry->numbers[0]);
    json_put_string(writer, "by", entry->texts[0]);
    json_put_string(writer, "outcome", entry->numbers[1] != 0 ? "loaded" : "rejected");
    json_put_string(writer, "etag", entry->texts[1]);
    json_put_string(writer, "detail", entry->texts[2]);
    json_end_object(writer);
}

/* ---- lists ---- */

/* The name of a list is the key its rows stand under. */
static const struct list {
    const char *name;
    enum store_table table;
    void (*put)(struct json_writer *writer, const struct store_entry *entry);
} lists[] = {
    {"events", STORE_EVENTS, api_put_event},   {"wakes", STORE_WAKES, put_wake},
    {"sleeps", STORE_SLEEPS, put_sleep},       {"states", STORE_SPANS, put_span},
    {"refusals", STORE_REFUSALS, put_refusal}, {"logins", STORE_LOGINS, put_login},
    {"changes", STORE_CHANGES, put_change},
};

struct listing {
    const struct list *list;
    struct json_writer writer;
    int64_t last;
    bool full; /* no room for more */
};

static bool put_row(void *context, const struct store_entry *entry)
{
    struct listing *listing = context;
    listing->list->put(&listing->writer, entry);
    listing->last = entry->id;
    listing->full = listing->writer.buf->length > BODY_ROOM;
    return !listing->full;
}

static void answer_list(struct api_call *call, struct archive *archive,
                        const struct archive_filter *filter)
{
    const struct list *list = lists;
    while (strcmp(list->name, call->route->word) != 0)
        list++;
    struct listing listing = {.list = list};
    struct buf rows = BUF_INIT(2 * BODY_ROOM);
    char why[ARCHIVE_SENTENCE];
    int64_t next = 0;
    json_writer_init(&listing.writer, &rows);
    json_begin_object(&listing.writer, NULL);
    json_begin_array(&listing.writer, listing.list->name);
    if (archive_page(archive, listing.list->table, filter, put_row, &listing, &next, why) < 0) {
        api_problem(call, 503, "%s", why);
        buf_finish(&rows);
        return;
    }
    json_end_array(&listing.writer);
    next = listing.full ? listing.last : next;
    if (next > 0)
        json_put_integer(&listing.writer, "next", next);
    else
        json_put_null(&listing.writer, "next");
    json_end_object(&listing.writer);
    api_say(call, buf_text(&rows), rows.length, api_begin(call, 200, NULL));
    api_end(call);
    buf_finish(&rows);
}

void api_past_list(struct api_call *call)
{
    struct api_params params;
    struct archive_filter filter;
    if (!api_params(call, &params))
        return;
    api_filter(&params, &filter);
    struct archive *archive =
        api_archive(call, PAGE_MS, params.before == 0, strcmp(call->route->word, "states") == 0);
    if (archive)
        answer_list(call, archive, &filter);
    archive_close(archive);
}
