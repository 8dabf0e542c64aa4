#include "simulate/script.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/array.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/number.h"
#include "base/text.h"
#include "base/when.h"
#include "say/say.h"
#include "words/agent_report.h"
#include "words/command.h"

enum { ERRORS_SHOWN = 100, FOUND_SIZE = 64, ALLOWED_SIZE = 512, LOST_MOST = 1000 };
static const int64_t second = 1000, hour = 3600000, day = 86400000;

/* A script while it is read, and the event in the making. */
struct reading {
    struct script_place *place;
    struct script *script;
    struct buf *errors;
    size_t n_errors, room;
    unsigned line;
    const struct json *object;
    const char *key; /* the member at hand */
    struct script_event event;
};

/* Both always false. */
static bool complain(struct reading *reading, const char *what, const char *why)
{
    if (reading->n_errors++ < ERRORS_SHOWN)
        buf_printf(reading->errors, "%s:%u: %s%s%s%s\n", reading->place->file, reading->line,
                   reading->key ? reading->key : "", reading->key ? ": " : "", what, why);
    return false;
}

static bool refuse(struct reading *reading, const char *allowed)
{
    const char *text = reading->key ? json_get_string(reading->object, reading->key) : NULL;
    char shown[FOUND_SIZE], found[FOUND_SIZE + 32] = "allowed: ";

    if (text)
        snprintf(found, sizeof(found),
                 "found \"%s\"; allowed: ", text_show(shown, sizeof(shown), text, strlen(text)));
    return complain(reading, found, allowed);
}

/* ---- values ---- */

typedef bool reader(struct reading *reading, const struct json *value);

static bool read_span(struct reading *reading, const char *text, int64_t least, int64_t most,
                      int64_t *ret)
{
    char allowed[96], from[24], to[24];
    int64_t ms;

    if (text && duration_parse(text, &ms) == 0 && ms >= least && ms <= most) {
        *ret = ms;
        return true;
    }
    snprintf(allowed, sizeof(allowed), "a duration such as \"30m\", %s to %s",
             duration_format(least, from, sizeof(from)), duration_format(most, to, sizeof(to)));
    return refuse(reading, allowed);
}

/* "+2m" is two minutes after origin. The first time that is no such span tells when to begin. */
static bool read_time(struct reading *reading, const struct json *value, int64_t origin,
                      int64_t *ret)
{
    const struct local *local = reading->place->local;
    const char *text = json_string(value);
    int64_t ms = 0;

    if (text && text[0] == '+' && duration_parse(text + 1, &ms) == 0 && ms <= 400 * day) {
        *ret = origin + ms;
        return true;
    }
    if (text && strlen(text) >= sizeof("2026-03-28") - 1 && when_read(text, local, 0, true, ret))
        return true;
    return refuse(reading, WHEN_ALLOWED ", or +DURATION");
}

static bool read_at(struct reading *reading, const struct json *value)
{
    struct script_place *place = reading->place;
    const char *text = json_string(value);
    const int64_t now = clock_now().wall;

    if (place->from == SCRIPT_UNSET && text && text[0] == '+')
        place->from = local_midnight(place->local, now, 0);
    if (!read_time(reading, value, place->from, &reading->event.at))
        return false;
    if (place->from == SCRIPT_UNSET)
        place->from = local_midnight(place->local, reading->event.at, 0);
    return true;
}

static bool read_every(struct reading *reading, const struct json *value)
{
    return read_span(reading, json_string(value), second, 366 * day, &reading->event.every);
}

static bool read_until(struct reading *reading, const struct json *value)
{
    struct script_event *event = &reading->event;

    if (!read_time(reading, value, event->at, &event->until))
        return false;
    return (event->every > 0 && event->until > event->at) ||
           refuse(reading, "with \"every\", and a time after the first one");
}

/* A line says one thing. */
static bool is_of_kind(struct reading *reading, enum script_kind kind)
{
    if (reading->event.kind != SCRIPT_NONE)
        return refuse(reading, "one thing on a line");
    reading->event.kind = kind;
    return true;
}

typedef const char *name_of(const struct model *model, size_t index);

static bool refuse_name(struct reading *reading, name_of *name, size_t n)
{
    char allowed[ALLOWED_SIZE] = "";
    size_t used = 0;

    for (size_t i = 0; i < n && used < sizeof(allowed) - SLUG_MAX; i++)
        used += (size_t)snprintf(allowed + used, sizeof(allowed) - used, "%s%.60s",
                                 i > 0 ? ", " : "", name(reading->place->model, i));
    return refuse(reading, allowed[0] ? allowed : "nothing, for there is none");
}

static const char *server_name(const struct model *model, size_t index)
{
    return model->servers[index].id;
}

static const char *domain_name(const struct model *model, size_t index)
{
    return model->domains[index].name;
}

static bool find_server(struct reading *reading, const char *id)
{
    const struct model *model = reading->place->model;

    reading->event.server = id ? model_server_by_id(model, id) : MODEL_NONE;
    return reading->event.server != MODEL_NONE ||
           refuse_name(reading, server_name, model->n_servers);
}

static bool read_server(struct reading *reading, const struct json *value)
{
    return find_server(reading, json_string(value));
}

/* "testing.example.org/client1": a host, and a path below it. */
static bool read_visit(struct reading *reading, const struct json *value)
{
    const struct model *model = reading->place->model;
    const char *text = json_string(value);
    const size_t length = text ? strcspn(text, "/") : 0;
    char host[256] = "";
    int domain = MODEL_NONE;

    if (text && length < sizeof(host)) {
        snprintf(host, sizeof(host), "%.*s", (int)length, text);
        domain = model_domain_by_host(model, host);
    }
    if (domain == MODEL_NONE)
        return refuse_name(reading, domain_name, model->n_domains);
    reading->event.site = model_site_for_path(model, domain, text[length] ? text + length : "/");
    reading->event.server = model->sites[reading->event.site].server;
    return is_of_kind(reading, SCRIPT_VISIT);
}

static bool read_from(struct reading *reading, const struct json *value)
{
    const char *text = json_string(value);
    struct address address;

    if (!text || address_parse(text, &address) < 0)
        return refuse(reading, "an address such as 192.168.1.50 or 2001:db8::50");
    text_copy(reading->event.from, sizeof(reading->event.from), text);
    return true;
}

static bool read_crash(struct reading *reading, const struct json *value)
{
    bool crash = false;

    return (json_bool(value, &crash) && crash) ? is_of_kind(reading, SCRIPT_CRASH)
                                               : refuse(reading, "true");
}

static bool read_lost_packets(struct reading *reading, const struct json *value)
{
    int64_t count = 0;

    if (!json_integer(value, &count) || count < 0 || count > LOST_MOST)
        return refuse(reading, "a number, 0 to 1000");
    reading->event.count = (int)count;
    return is_of_kind(reading, SCRIPT_LOST_PACKETS);
}

static bool read_boot(struct reading *reading, const struct json *value)
{
    return read_span(reading, json_string(value), second, hour, &reading->event.duration) &&
           is_of_kind(reading, SCRIPT_BOOT);
}

static bool read_restart_hall(struct reading *reading, const struct json *value)
{
    bool restart = false;

    return (json_bool(value, &restart) && restart) ? is_of_kind(reading, SCRIPT_RESTART_HALL)
                                                   : refuse(reading, "true");
}

static bool read_clock(struct reading *reading, const struct json *value)
{
    const char *text = json_string(value);
    int64_t ms = 0;

    if (!text || (text[0] != '+' && text[0] != '-') || duration_parse(text + 1, &ms) < 0 ||
        ms > 366 * day)
        return refuse(reading, "+ or - and a duration of at most 366d, such as +3h");
    reading->event.duration = text[0] == '-' ? -ms : ms;
    return is_of_kind(reading, SCRIPT_CLOCK);
}

/* ---- messages on the bus ---- */

/* A payload may be any JSON; a string stands for its own bytes. */
static void write_payload(const struct json *value, struct buf *out)
{
    struct json_writer writer;

    if (!value || json_string(value)) {
        buf_puts(out, value ? json_string(value) : "");
        return;
    }
    json_writer_init(&writer, out);
    json_put_value(&writer, NULL, value);
}

static int read_message(const struct topic *topic, const char *payload, int64_t at,
                        struct fleet_event *event, char ret_reason[REASON_SIZE])
{
    const struct now now = {.wall = at};
    struct fact why;

    if (topic->kind == TOPIC_AGENT_REPORT)
        return report_read_report(payload, strlen(payload), event, ret_reason);
    event->kind = FLEET_COMMAND;
    event->command.site = MODEL_NONE;
    const int error =
        command_read(topic, payload, strlen(payload), false, now, &event->command, &why);
    say_fact_text(&why, NULL, (struct say_how){.now = at}, ret_reason, REASON_SIZE);
    return error;
}

static bool is_of_a_server(enum topic_kind kind)
{
    return kind == TOPIC_AGENT_REPORT ||
           (kind >= TOPIC_SERVER_POWER_SET && kind <= TOPIC_SERVER_HOLD);
}

/* The payload is read with it; its own times are those of the event's first time. */
static bool read_topic(struct reading *reading, const struct json *value)
{
    const char *text = json_string(value);
    struct buf payload = BUF_INIT(json_limits_payload.bytes);
    struct fleet_event event = {0};
    char reason[REASON_SIZE];
    struct topic topic;

    if (!text || !topic_parse(reading->place->base_topic, text, &topic) ||
        !is_of_a_server(topic.kind))
        return refuse(reading, "a command topic of a server, or hall/agents/SERVER/report");
    if (!find_server(reading, topic.id) || !is_of_kind(reading, SCRIPT_BUS))
        return false;
    write_payload(json_get(reading->object, "payload"), &payload);
    const int error = read_message(&topic, buf_text(&payload), reading->event.at, &event, reason);
    buf_finish(&payload);
    if (error < 0) {
        reading->key = "payload";
        return complain(reading, "", reason);
    }
    event.server = reading->event.server;
    reading->event.bus = malloc(sizeof(event));
    if (!reading->event.bus)
        return refuse(reading, "as many lines as there is memory for");
    *reading->event.bus = event;
    return true;
}

/* ---- lines ---- */

/* In the order they are read. */
static const struct member {
    const char *key;
    reader *read; /* NULL: with another one */
} members[] = {
    {"at", read_at},       {"every", read_every},
    {"until", read_until}, {"server", read_server},
    {"topic", read_topic}, {"payload", NULL},
    {"visit", read_visit}, {"from", read_from},
    {"crash", read_crash}, {"lost_packets", read_lost_packets},
    {"boot", read_boot},   {"restart_hall", read_restart_hall},
    {"clock", read_clock},
};

static bool is_member(const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(members); i++)
        if (strcmp(members[i].key, key) == 0)
            return true;
    return false;
}

static bool check_keys(struct reading *reading)
{
    const struct json *member = json_first(reading->object);
    char allowed[ALLOWED_SIZE] = "";
    size_t used = 0;

    while (member && is_member(json_key(member)))
        member = json_next(member);
    for (size_t i = 0; i < ARRAY_SIZE(members); i++)
        used += (size_t)snprintf(allowed + used, sizeof(allowed) - used, "%s%s",
                                 used > 0 ? ", " : "", members[i].key);
    reading->key = member ? json_key(member) : NULL;
    return !member || complain(reading, "no such key; allowed: ", allowed);
}

static bool check_event(struct reading *reading)
{
    const struct script_event *event = &reading->event;
    const bool of_server = event->kind == SCRIPT_CRASH || event->kind == SCRIPT_LOST_PACKETS ||
                           event->kind == SCRIPT_BOOT;

    reading->key = NULL;
    if (!json_get(reading->object, "at"))
        return refuse(reading, "an \"at\" that says when");
    if (event->kind == SCRIPT_NONE)
        return refuse(reading,
                      "one of topic, visit, crash, lost_packets, boot, restart_hall, clock");
    if (of_server != (json_get(reading->object, "server") != NULL))
        return refuse(reading, "a \"server\" with crash, lost_packets and boot alone");
    return true;
}

static bool read_members(struct reading *reading)
{
    bool read = check_keys(reading);

    for (size_t i = 0; read && i < ARRAY_SIZE(members); i++) {
        const struct json *value = json_get(reading->object, members[i].key);

        reading->key = members[i].key;
        read = !value || !members[i].read || members[i].read(reading, value);
    }
    return read && check_event(reading);
}

static bool keep_event(struct reading *reading)
{
    struct script *script = reading->script;

    if (script->n_events == SCRIPT_EVENTS_MAX)
        return refuse(reading, "10000 events in one script");
    if (script->n_events == reading->room) {
        reading->room = reading->room ? 2 * reading->room : 16;
        struct script_event *events =
            realloc(script->events, reading->room * sizeof(*script->events));
        if (!events)
            return refuse(reading, "as many lines as there is memory for");
        script->events = events;
    }
    script->events[script->n_events++] = reading->event;
    return true;
}

/* Blank lines are passed over, and those that begin with #. */
static void read_line(struct reading *reading, const char *line, size_t length)
{
    struct json *object = NULL;
    char why[REASON_SIZE];

    reading->line++;
    reading->key = NULL;
    while (length > 0 && (*line == ' ' || *line == '\t' || *line == '\r'))
        line++, length--;
    if (length == 0 || *line == '#')
        return;
    if (json_read_object(line, length, &object, why, sizeof(why)) < 0) {
        complain(reading, "", why);
        return;
    }
    reading->object = object;
    reading->event = (struct script_event){
        .line = reading->line, .site = MODEL_NONE, .server = MODEL_NONE, .until = INT64_MAX};
    if (!read_members(reading) || !keep_event(reading))
        free(reading->event.bus);
    json_free(object);
}

static int read_lines(struct script_place *place, const char *text, size_t length,
                      struct script *script, struct buf *errors)
{
    struct reading reading = {.place = place, .script = script, .errors = errors};

    for (size_t at = 0; at < length;) {
        const char *end = memchr(text + at, '\n', length - at);
        const size_t line = end ? (size_t)(end - text) - at : length - at;

        read_line(&reading, text + at, line);
        at += line + 1;
    }
    if (reading.n_errors > ERRORS_SHOWN)
        buf_printf(errors, "%s: %zu more errors\n", place->file, reading.n_errors - ERRORS_SHOWN);
    return reading.n_errors > 0 ? -EINVAL : 0;
}

static int read_whole(FILE *file, char *text, size_t *ret_length)
{
    *ret_length = fread(text, 1, SCRIPT_BYTES_MAX + 1, file);
    if (ferror(file))
        return errno > 0 ? -errno : -EIO;
    return *ret_length > SCRIPT_BYTES_MAX ? -EFBIG : 0;
}

int script_load(struct script_place *place, struct script *ret_script, struct buf *errors)
{
    struct script script = {0};
    FILE *file = fopen(place->file, "re");
    char *text = malloc(SCRIPT_BYTES_MAX + 1);
    size_t length = 0;
    int error = !file ? -errno : !text ? -ENOMEM : 0;

    if (error == 0)
        error = read_whole(file, text, &length);
    if (error == 0)
        error = read_lines(place, text, length, &script, errors);
    if (error < 0 && error != -EINVAL)
        buf_printf(errors, "%s: %s; allowed: a readable file of at most 1 MiB\n", place->file,
                   strerror(-error));
    if (file)
        fclose(file);
    free(text);
    if (error < 0)
        script_finish(&script);
    else
        *ret_script = script;
    return error;
}

void script_finish(struct script *script)
{
    if (!script)
        return;
    for (size_t i = 0; i < script->n_events; i++)
        free(script->events[i].bus);
    free(script->events);
    due_finish(&script->due);
    *script = (struct script){0};
}
