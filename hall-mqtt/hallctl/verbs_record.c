/* hallctl events, stats: what Hall remembers, from its admin API. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/number.h"
#include "base/when.h"
#include "hallctl/fetch.h"
#include "hallctl/grid.h"
#include "hallctl/meeting.h"
#include "hallctl/reader.h"
#include "hallctl/why.h"

enum {
    URL_SIZE = 1024,
    PAGE_MOST = 200, /* what the API gives at once */
    EVENTS_DEFAULT = 50,
    EVENTS_MOST = 20000,
    PAGES_MOST = 1000, /* a search may give short pages */
    LINE_LIMIT = 262144,
    CELL_SIZE = 64,
    DAYS_DEFAULT = 30,
    SUBJECT_WIDTH = 16,
    SUBJECT_SIZE = 80,
};

static const int64_t day_ms = 86400000;

struct asking {
    const struct call *call;
    struct settings settings;
    int64_t now;
};

/* ---- asking ---- */

static int say_refused(const struct asking *asking, long status, const struct json *body)
{
    const char *detail = json_get_string(body, "detail");
    char shown[FETCH_WHY_SIZE] = "";

    fprintf(stderr, "hallctl %s: %s: HTTP %ld: %s\n", asking->call->verb->name,
            asking->settings.admin, status,
            detail ? text_show(shown, sizeof(shown), detail, strlen(detail))
                   : "no reason was given");
    if (status == 401)
        fputs("Set HALL_API_KEY to the key that Hall has in its environment file.\n", stderr);
    else if (status == 403)
        fputs("This machine, or the name in --admin, must be in http.admin_allow and "
              "http.admin_hosts.\n",
              stderr);
    return HALLCTL_ERROR;
}

static int read_body(const struct asking *asking, long status, const struct buf *body,
                     struct json **ret_value)
{
    static const struct json_limits limits = {.bytes = FETCH_BYTES_MAX, .depth = 16};
    struct json_error error = {0};
    struct json *value = NULL;
    const int bad = json_read(buf_text(body), body->length, &limits, &value, &error);

    if (status == 200 && bad == 0) {
        *ret_value = value;
        return -1;
    }
    const int result = status == 200 ? HALLCTL_ERROR : say_refused(asking, status, value);
    if (status == 200)
        fprintf(stderr, "hallctl %s: %s does not answer as Hall does: %s\n",
                asking->call->verb->name, asking->settings.admin, error.what);
    json_free(value);
    return result;
}

/* -1: ret_value is the answer, to be freed. */
static int ask(const struct asking *asking, const char *url, struct json **ret_value)
{
    struct buf body = BUF_INIT(FETCH_BYTES_MAX);
    char why[FETCH_WHY_SIZE] = "out of memory";
    long status = 0;
    int result = HALLCTL_UNREACHABLE;

    if (fetch_get(url, asking->settings.api_key, &body, &status, why) == 0)
        result = read_body(asking, status, &body, ret_value);
    else
        fprintf(stderr,
                "hallctl %s: %s: %s\nWhere Hall's admin address is: --admin URL, --config FILE, "
                "HALL_ADMIN_URL\n",
                asking->call->verb->name, asking->settings.admin, why);
    buf_finish(&body);
    return result;
}

/* "2h" ago, "18:00" as the clock here showed it last, or an instant. */
static int64_t read_since(const struct asking *asking, const char *text)
{
    int64_t value = 0;

    if (duration_parse(text, &value) == 0)
        return asking->now - value;
    return when_read(text, reader_local(), asking->now, false, &value) ? value : 0;
}

/* ---- events ---- */

struct pages {
    struct json *all[PAGES_MOST]; /* they own what is listed */
    size_t n;
    const struct json *events[EVENTS_MOST]; /* newest first */
    size_t n_events, limit;
};

static void format_url(const struct asking *asking, const struct pages *pages, int64_t since,
                       int64_t before, char out[URL_SIZE])
{
    const struct call *call = asking->call;
    const size_t left = pages->limit - pages->n_events;
    char from[RFC3339_SIZE];
    struct buf url = BUF_INIT(URL_SIZE - 1);

    buf_printf(&url, "%s/api/v1/events?limit=%zu", asking->settings.admin,
               left < PAGE_MOST ? left : PAGE_MOST);
    if (call->n_operands > 0)
        buf_printf(&url, "&server=%s", call->operands[0]);
    if (since > 0)
        buf_printf(&url, "&from=%s", rfc3339_format(since, from));
    if (before > 0)
        buf_printf(&url, "&before=%lld", (long long)before);
    text_copy(out, URL_SIZE, buf_text(&url));
    buf_finish(&url);
}

static int read_pages(const struct asking *asking, struct pages *pages, int64_t since)
{
    char url[URL_SIZE];
    int64_t before = 0;
    bool more = true;

    while (more && pages->n < PAGES_MOST && pages->n_events < pages->limit) {
        struct json *page = NULL;

        format_url(asking, pages, since, before, url);
        const int status = ask(asking, url, &page);
        if (status >= 0)
            return status;
        pages->all[pages->n++] = page;
        const struct json *list = json_get(page, "events");
        for (const struct json *event = json_first(list); event; event = json_next(event))
            if (pages->n_events < pages->limit)
                pages->events[pages->n_events++] = event;
        more = json_integer(json_get(page, "next"), &before) && before > 0;
    }
    return -1;
}

static void print_event(const struct json *event)
{
    const struct json *body = json_get(event, "body");
    const char *server = json_get_string(event, "server");
    const char *subject = server ? server : json_get_string(event, "project");
    struct buf words = BUF_INIT(LINE_LIMIT);
    char at[LOCAL_SIZE], shown[SUBJECT_SIZE];

    /* What is older than the body is told by its columns. */
    say_event(json_get_string(body, "event_type") ? body : event, reader_how(), &words);
    printf("%s  %-*s %s\n", local_stamp(reader_local(), why_time(event, "at"), at), SUBJECT_WIDTH,
           text_show(shown, sizeof(shown), subject ? subject : "Hall",
                     strlen(subject ? subject : "Hall")),
           reader_show(&words));
    buf_finish(&words);
}

static void print_event_json(const struct json *event)
{
    struct buf line = BUF_INIT(LINE_LIMIT);
    struct json_writer json;

    json_writer_init(&json, &line);
    json_put_value(&json, NULL, event);
    puts(buf_text(&line));
    buf_finish(&line);
}

static int show_events(const struct asking *asking)
{
    const struct call *call = asking->call;
    const int64_t since =
        call_has(call, FLAG_SINCE) ? read_since(asking, call->texts[FLAG_SINCE]) : 0;
    const int64_t limit = call_has(call, FLAG_LIMIT)   ? call->numbers[FLAG_LIMIT]
                          : call_has(call, FLAG_SINCE) ? EVENTS_MOST
                                                       : EVENTS_DEFAULT;

    if (call_has(call, FLAG_SINCE) && since == 0)
        return hallctl_refuse(call, "--since", call->texts[FLAG_SINCE],
                              "2h (ago), 18:00, or 2026-11-22T18:00:00Z");
    struct pages *pages = calloc(1, sizeof(*pages));
    if (!pages)
        return HALLCTL_ERROR;
    pages->limit = limit < EVENTS_MOST ? (size_t)limit : EVENTS_MOST;
    int status = read_pages(asking, pages, since);
    if (status < 0) {
        /* As a log: the newest last. */
        for (size_t i = pages->n_events; i > 0; i--)
            if (call_has(asking->call, FLAG_JSON))
                print_event_json(pages->events[i - 1]);
            else
                print_event(pages->events[i - 1]);
        status = HALLCTL_OK;
    }
    for (size_t i = 0; i < pages->n; i++)
        json_free(pages->all[i]);
    free(pages);
    return status;
}

/* ---- stats ---- */

static const char *number_of(const struct json *object, const char *key, const char *format,
                             double factor, char out[CELL_SIZE])
{
    double value;

    if (!json_number(json_get(object, key), &value))
        return NULL;
    if (format[0] == '\0')
        snprintf(out, CELL_SIZE, "%.0f", value * factor);
    else if (strcmp(format, "%") == 0)
        snprintf(out, CELL_SIZE, "%.1f %%", value * factor);
    else
        snprintf(out, CELL_SIZE, "%.1f %s", value * factor, format);
    return out;
}

/* How long half of its wakes took, of one kind. */
static const char *boot_of(const struct json *server, const char *kind, char out[CELL_SIZE])
{
    const struct json *boots = json_get(server, "boots");

    for (const struct json *boot = json_first(boots); boot; boot = json_next(boot))
        if (text_equal(json_get_string(boot, "kind"), kind))
            return number_of(boot, "p50_s", "s", 1, out);
    return NULL;
}

static void put_server(struct grid *grid, const struct json *server)
{
    const struct json *energy = json_get(server, "energy");
    char cell[CELL_SIZE];

    grid_put(grid, json_get_string(server, "server"));
    grid_put(grid, number_of(server, "wakes", "", 1, cell));
    grid_put(grid, number_of(server, "wakes_failed", "", 1, cell));
    grid_put(grid, number_of(server, "up_share", "%", 100, cell));
    grid_put(grid, boot_of(server, "resume", cell));
    grid_put(grid, boot_of(server, "cold_boot", cell));
    grid_put(grid, number_of(energy, "used_kwh", "kWh", 1, cell));
    grid_put(grid, number_of(energy, "saved_kwh", "kWh", 1, cell));
}

static void print_servers(const struct json *value)
{
    static const char *const titles[] = {"SERVER", "WAKES",     "FAILED", "AWAKE",
                                         "RESUME", "COLD BOOT", "USED",   "SAVED"};
    const struct json *servers = json_get(value, "servers");
    struct grid grid;

    grid_init(&grid, titles, ARRAY_SIZE(titles));
    for (const struct json *server = json_first(servers); server; server = json_next(server))
        put_server(&grid, server);
    grid_print(&grid, meeting_width(), meeting_is_bold(), stdout);
    grid_finish(&grid);
}

/* "Wakes by cause: visit 33, manual 5." */
static void print_counts(const struct json *value, const char *list_key, const char *title,
                         const char *name_key, const char *count_key)
{
    const struct json *list = json_get(value, list_key);
    const char *before = "";
    char count[CELL_SIZE], shown[SUBJECT_SIZE];

    if (json_count(list) == 0)
        return;
    printf("%s:", title);
    for (const struct json *item = json_first(list); item; item = json_next(item)) {
        const char *name = json_get_string(item, name_key);
        const char *n = number_of(item, count_key, "", 1, count);
        printf("%s %s %s", before,
               text_show(shown, sizeof(shown), name ? name : "?", strlen(name ? name : "?")),
               n ? n : "?");
        before = ",";
    }
    puts(".");
}

static const char *shown_of(const struct json *object, const char *key, const char *fallback,
                            char out[CELL_SIZE])
{
    const char *text = json_get_string(object, key);
    return text ? text_show(out, CELL_SIZE, text, strlen(text)) : fallback;
}

static void print_energy(const struct json *value)
{
    const struct json *energy = json_get(value, "energy");
    char used[CELL_SIZE], hall[CELL_SIZE], saved[CELL_SIZE], basis[CELL_SIZE], currency[CELL_SIZE];
    double money;

    if (!number_of(energy, "used_kwh", "kWh", 1, used) ||
        !number_of(energy, "hall_kwh", "kWh", 1, hall) ||
        !number_of(energy, "saved_kwh", "kWh", 1, saved))
        return;
    printf("Energy (%s): the servers used %s, Hall itself %s; saved %s",
           shown_of(energy, "basis", "unknown", basis), used, hall, saved);
    if (json_number(json_get(energy, "saved_money"), &money))
        printf(", %.2f %s", money, shown_of(energy, "currency", "", currency));
    puts(".");
}

static int print_stats(const struct json *value)
{
    char from[LOCAL_SIZE], to[LOCAL_SIZE], refused[CELL_SIZE];

    printf("From %s to %s%s\n\n", local_stamp(reader_local(), why_time(value, "from"), from),
           local_stamp(reader_local(), why_time(value, "to"), to),
           json_get_bool(value, "complete", true) ? "" : " (cut short: ask for fewer days)");
    print_servers(value);
    putchar('\n');
    print_counts(value, "wakes_by_cause", "Wakes by cause", "cause", "n");
    print_counts(value, "failures", "Failed wakes", "failure", "n");
    print_counts(value, "projects", "Visits by project", "project", "visits");
    if (number_of(json_get(value, "refusals"), "n", "", 1, refused))
        printf("Refused accesses: %s.\n", refused);
    print_energy(value);
    return HALLCTL_OK;
}

static int show_stats(const struct asking *asking)
{
    const struct call *call = asking->call;
    const int64_t days = call_has(call, FLAG_DAYS) ? call->numbers[FLAG_DAYS] : DAYS_DEFAULT;
    char url[URL_SIZE], from[RFC3339_SIZE];
    struct json *value = NULL;

    snprintf(url, sizeof(url), "%.512s/api/v1/statistics?from=%s%s%s", asking->settings.admin,
             rfc3339_format(asking->now - days * day_ms, from),
             call->n_operands > 0 ? "&server=" : "", call->n_operands > 0 ? call->operands[0] : "");
    const int status = ask(asking, url, &value);
    if (status >= 0)
        return status;
    if (call_has(call, FLAG_JSON))
        print_event_json(value);
    else
        print_stats(value);
    json_free(value);
    return HALLCTL_OK;
}

/* ---- the verbs ---- */

static int look_back(const struct call *call, int (*show)(const struct asking *asking))
{
    struct asking asking = {.call = call, .now = clock_now().wall};

    if (call->n_operands > 0 && !text_is_slug(call->operands[0]))
        return hallctl_refuse(call, "the server", call->operands[0], "1 to 64 of a-z 0-9 _ -");
    int status = hallctl_settings(call, &asking.settings);
    if (status < 0)
        status = show(&asking);
    settings_finish(&asking.settings);
    return status;
}

static int run_events(const struct call *call)
{
    return look_back(call, show_events);
}

static int run_stats(const struct call *call)
{
    return look_back(call, show_stats);
}

/* clang-format off */
#define KEY_DETAIL "Uses Hall's admin API: --admin URL, --config FILE, HALL_ADMIN_URL, or http://127.0.0.1:8881.\n" \
                   "Set HALL_API_KEY to the same key as Hall.\n"
static const struct verb verbs[] = {
    {.name = "events", .operands = "[SERVER]", .summary = "shows past events, newest last",
     .flags = WITH(FLAG_ADMIN) | WITH(FLAG_CONFIG) | WITH(FLAG_JSON) | WITH(FLAG_LIMIT) | WITH(FLAG_SINCE),
     .most = 1, .run = run_events, .detail = "The last 50, the last --limit N, or all --since a time.\n" KEY_DETAIL},
    {.name = "stats", .operands = "[SERVER]", .summary = "shows wakes, their times, and the energy saved",
     .flags = WITH(FLAG_ADMIN) | WITH(FLAG_CONFIG) | WITH(FLAG_JSON) | WITH(FLAG_DAYS),
     .most = 1, .run = run_stats, .detail = "For the last 30 days, or --days N.\n" KEY_DETAIL},
};
/* clang-format on */

const struct verb_family record_family = {"Look back", verbs, ARRAY_SIZE(verbs)};
