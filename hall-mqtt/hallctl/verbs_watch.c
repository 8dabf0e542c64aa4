/* hallctl watch: what happens, as it happens. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "hallctl/meeting.h"
#include "hallctl/reader.h"
#include "say/say_table.h"

enum { AGAIN_S = 2, LINE_LIMIT = 131072, SUBJECT_WIDTH = 16 };

struct watching {
    struct meeting *meeting;
    bool json;
    int64_t told, limit; /* lines; 0: no limit */
};

static void tell(struct watching *watching, const char *subject, struct buf *what)
{
    char at[LOCAL_SIZE];

    printf("%s  %-*s %s\n", local_stamp(reader_local(), clock_now().wall, at), SUBJECT_WIDTH,
           subject, reader_show(what));
    watching->told++;
    buf_finish(what);
}

static void tell_state(struct watching *watching, const char *subject, const char *state,
                       bool project)
{
    const enum say_language language = reader_language();
    struct buf what = BUF_INIT(LINE_LIMIT);

    buf_printf(&what, language == SAY_FRENCH ? "%sétat\u00a0: %s" : "%sis %s",
               !project                 ? ""
               : language == SAY_FRENCH ? "projet, "
                                        : "project ",
               say_word_shown(PARAM_STATE, state, language));
    tell(watching, subject, &what);
}

static void tell_event(struct watching *watching, const char *subject, const struct json *event)
{
    struct buf what = BUF_INIT(LINE_LIMIT);

    if (!json_get_string(event, "event_type"))
        return;
    say_event(event, reader_how(), &what);
    tell(watching, subject, &what);
}

static void tell_json(struct watching *watching, const struct mqtt_message *message,
                      const struct json *value)
{
    struct buf line = BUF_INIT(LINE_LIMIT);
    struct json_writer json;

    json_writer_init(&json, &line);
    json_begin_object(&json, NULL);
    json_put_time(&json, "at", clock_now().wall);
    json_put_string(&json, "topic", message->topic);
    json_put_value(&json, "event", value);
    json_end_object(&json);
    if (buf_error(&line) == 0) {
        puts(buf_text(&line));
        watching->told++;
    }
    buf_finish(&line);
}

static void hear_event(struct watching *watching, const char *subject,
                       const struct mqtt_message *message)
{
    struct json_error error;
    struct json *value = NULL;

    if (json_read(message->payload, message->length, &json_limits_payload, &value, &error) < 0)
        return;
    if (watching->json)
        tell_json(watching, message, value);
    else
        tell_event(watching, subject, value);
    json_free(value);
}

static void hear(void *context, const struct topic *topic, const struct mqtt_message *message,
                 bool own)
{
    struct watching *watching = context;
    const bool named = watching->meeting->call->n_operands > 0;

    (void)own;
    if (watching->limit > 0 && watching->told >= watching->limit)
        return;
    if (topic->kind == TOPIC_EVENT && !named)
        hear_event(watching, "Hall", message);
    else if (topic->kind == TOPIC_SERVER_EVENT && hallctl_names(watching->meeting->call, topic->id))
        hear_event(watching, topic->id, message);
    else if (topic->kind == TOPIC_STATUS || (topic->kind == TOPIC_PROJECT_STATE && !named) ||
             (topic->kind == TOPIC_SERVER_STATE &&
              hallctl_names(watching->meeting->call, topic->id))) {
        struct buf word = BUF_INIT(256);
        buf_add(&word, message->payload, message->length);
        if (!watching->json)
            tell_state(watching, topic->kind == TOPIC_STATUS ? "Hall" : topic->id, buf_text(&word),
                       topic->kind == TOPIC_PROJECT_STATE);
        buf_finish(&word);
    }
    fflush(stdout);
}

static bool is_enough(void *context)
{
    const struct watching *watching = context;

    return (watching->limit > 0 && watching->told >= watching->limit) || ferror(stdout);
}

/* What is there now comes first, then what happens. */
static int read_all(struct meeting *meeting, struct watching *watching)
{
    const struct meeting_wish wishes[] = {
        {TOPIC_EVENT, NULL},
        {TOPIC_SERVER_EVENT, NULL},
        {TOPIC_SERVER_STATE, NULL},
        {TOPIC_PROJECT_STATE, NULL},
    };
    int status = meeting_read(meeting, wishes, 4);

    if (status >= 0 || (status = meeting_check_named(meeting)) >= 0)
        return status;
    for (size_t i = 0; i < meeting->picture.servers.n && !watching->json; i++) {
        const struct known *server = meeting->picture.servers.all[i];
        if (hallctl_names(meeting->call, server->id) && !is_enough(watching))
            tell_state(watching, server->id, server->state, false);
    }
    fflush(stdout);
    meeting->hear = hear;
    meeting->context = watching;
    return -1;
}

/* One connection, to its end; -1: it broke. */
static int watch_once(const struct call *call, struct watching *watching, int64_t deadline)
{
    struct meeting meeting = {0};
    int status = meeting_begin(&meeting, call);

    watching->meeting = &meeting;
    if (status < 0)
        status = read_all(&meeting, watching);
    if (status < 0) {
        const int error = talk_wait(meeting.talk, is_enough, watching, deadline);
        status = error == 0 ? HALLCTL_OK : error == -ETIMEDOUT ? HALLCTL_TIMEOUT : -1;
        if (status < 0)
            fprintf(stderr, "hallctl watch: %s; trying again\n", talk_why(meeting.talk));
    }
    meeting_finish(&meeting);
    watching->meeting = NULL;
    return status;
}

static int run_watch(const struct call *call)
{
    struct watching watching = {.json = call_has(call, FLAG_JSON),
                                .limit = call->numbers[FLAG_LIMIT]};
    const int64_t deadline =
        call_has(call, FLAG_TIMEOUT) ? clock_now().boot + call->numbers[FLAG_TIMEOUT] : INT64_MAX;
    int status = watch_once(call, &watching, deadline);
    bool lost = status < 0;

    /* Who has watched for a week wants to go on when the broker was restarted. */
    while (lost && clock_now().boot < deadline) {
        sleep(AGAIN_S);
        status = watch_once(call, &watching, deadline);
        lost = status < 0 || status == HALLCTL_UNREACHABLE;
    }
    return status < 0 ? HALLCTL_UNREACHABLE : status;
}

static const struct verb verbs[] = {
    {.name = "watch",
     .operands = "[SERVER...]",
     .summary = "shows events as they happen, until Ctrl-C",
     .flags = WITH_BROKER | WITH(FLAG_JSON) | WITH(FLAG_LIMIT) | WITH(FLAG_TIMEOUT),
     .most = 1000,
     .run = run_watch,
     .detail = "--limit N ends after N lines. If the connection breaks, it reconnects.\n"},
};

const struct verb_family watch_family = {"", verbs, ARRAY_SIZE(verbs)};
