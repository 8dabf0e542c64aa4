#include "hallctl/steer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"
#include "hallctl/reader.h"

enum {
    BY_SIZE = 65, /* what Hall takes, and NUL */
    HOST_SIZE = 65,
    SPAN_SIZE = 48,
    TOLD_MAX = 6 * 64 * 1024, /* what comes from the bus, all of it escaped */
    WAIT_MS = 1800000,        /* for an end: a wake, with what it depends on */
};

/* What is known of a command under way. */
struct following {
    const struct steer *steer;
    const struct meeting *meeting;
    bool json, wait;
    bool accepted, ended, refused, failed;
};

/* ---- who and what ---- */

static void default_by(char out[BY_SIZE])
{
    char host[HOST_SIZE] = "";
    const char *user = getenv("SUDO_USER");
    char text[BY_SIZE + HOST_SIZE];

    user = user && user[0] ? user : getenv("USER");
    (void)gethostname(host, sizeof(host) - 1);
    snprintf(text, sizeof(text), "%.40s@%s", user && user[0] ? user : "hallctl", host);
    text_show(out, BY_SIZE, text, strlen(text));
}

void steer_begin(struct steer *steer, const struct call *call, bool with_action,
                 struct json_writer *json)
{
    char by[BY_SIZE];
    uint64_t number = 0;

    if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != (ssize_t)sizeof(number))
        number = (uint64_t)clock_boot_ns();
    snprintf(steer->id, sizeof(steer->id), "hallctl-%016" PRIx64, number);
    default_by(by);
    steer->payload = BUF_INIT(STEER_PAYLOAD_MAX);
    json_writer_init(json, &steer->payload);
    json_begin_object(json, NULL);
    if (with_action)
        json_put_string(json, "action", steer->action);
    json_put_string(json, "id", steer->id);
    json_put_string(json, "by", call_has(call, FLAG_BY) ? call->texts[FLAG_BY] : by);
}

void steer_seal(struct json_writer *json)
{
    json_end_object(json);
}

/* ---- telling ---- */

static const char *subject_of(const struct following *following)
{
    return following->steer->subject ? following->steer->subject : "Hall";
}

/* Written again: who wrote it first may not have thought of terminals. */
static void tell_json(const struct json *value)
{
    struct buf line = BUF_INIT(TOLD_MAX);
    struct json_writer writer;

    json_writer_init(&writer, &line);
    json_put_value(&writer, NULL, value);
    if (buf_error(&line) == 0)
        puts(buf_text(&line));
    fflush(stdout);
    buf_finish(&line);
}

static const char *span_of(const struct json *object, const char *key, char out[SPAN_SIZE])
{
    double seconds;

    if (!json_number(json_get(object, key), &seconds))
        return NULL;
    if (seconds < 10)
        snprintf(out, SPAN_SIZE, "%.1f s", seconds);
    else
        duration_show((int64_t)(seconds * 1000), out, SPAN_SIZE);
    return out;
}

/* How long it is expected to take from now, as Hall said last. */
static void tell_eta(const struct following *following)
{
    const struct known_list *servers = &following->meeting->picture.servers;
    const struct known *server =
        following->steer->subject ? picture_find(servers, following->steer->subject) : NULL;
    char span[SPAN_SIZE];

    if (server && span_of(json_get(server->status, "wake"), "eta_s", span))
        printf(" (about %s to go)", span);
}

static void tell_event(const struct following *following, const struct json *event)
{
    const char *stage = json_get_string(event, "stage");
    struct buf words = BUF_INIT(SAY_SENTENCE_MAX);
    char span[SPAN_SIZE];

    if (!json_get_string(event, "event_type"))
        return;
    say_event(event, reader_how(), &words);
    printf("%s: ", subject_of(following));
    if (span_of(event, "seconds", span))
        printf("after %s: ", span);
    printf("%s", reader_show(&words));
    if (stage)
        tell_eta(following);
    putchar('\n');
    fflush(stdout);
    buf_finish(&words);
}

static void tell_bad(const struct following *following, const struct json *result)
{
    const struct steer *steer = following->steer;
    struct buf reason = BUF_INIT(SAY_SENTENCE_MAX);

    if (!say_member(result, "reason", reader_how(), &reason))
        buf_puts(&reason, reader_language() == SAY_FRENCH ? "Hall ne donne pas de raison"
                                                          : "Hall gives no reason");
    fprintf(stderr, "hallctl: %s: %s %s: %s\n", subject_of(following), steer->action,
            json_get_string(result, "outcome"), reader_show(&reason));
    if (steer->subject &&
        (strcmp(steer->action, "sleep") == 0 || strcmp(steer->action, "restart") == 0))
        fprintf(stderr, "What keeps it on: hallctl why %s; --force passes over it.\n",
                steer->subject);
    else if (steer->subject && strcmp(steer->action, "wake") == 0)
        fprintf(stderr, "What is known of it: hallctl why %s\n", steer->subject);
    buf_finish(&reason);
}

static void tell_result(const struct following *following, const struct json *result)
{
    const char *outcome = json_get_string(result, "outcome");
    char span[SPAN_SIZE];
    char shown[32] = "?";

    if (following->refused || following->failed) {
        tell_bad(following, result);
        return;
    }
    /* What ends at once is told once. */
    if (!following->ended && (following->steer->is_short || following->wait))
        return;
    if (outcome)
        text_show(shown, sizeof(shown), outcome, strlen(outcome));
    printf("%s: %s %s", subject_of(following), following->steer->action, shown);
    if (following->ended && span_of(result, "seconds", span) && !following->steer->is_short)
        printf(" after %s", span);
    putchar('\n');
    fflush(stdout);
}

/* ---- hearing ---- */

/* Where answers come to everyone, this one is ours by its id; one without is by its action. */
static bool is_our_result(const struct following *following, const struct json *result, bool own)
{
    const struct steer *steer = following->steer;
    const char *id = json_get_string(result, "id");

    if (own || talk_is_v5(following->meeting->talk))
        return own;
    return steer->id[0] != '\0' ? text_equal(id, steer->id)
                                : text_equal(json_get_string(result, "action"), steer->action);
}

static void take_result(struct following *following, const struct json *result, bool own)
{
    if (!is_our_result(following, result, own) || following->ended)
        return;
    const char *outcome = json_get_string(result, "outcome");
    following->accepted = following->accepted || text_equal(outcome, "accepted");
    following->refused = text_equal(outcome, "refused");
    following->failed = text_equal(outcome, "failed");
    following->ended = following->refused || following->failed || text_equal(outcome, "done");
    if (following->json)
        tell_json(result);
    if (!following->json || following->refused || following->failed)
        tell_result(following, result);
}

static bool is_ours(const struct following *following, const struct topic *topic,
                    enum topic_kind kind)
{
    return topic->kind == kind &&
           (!following->steer->subject || strcmp(topic->id, following->steer->subject) == 0);
}

static void hear(void *context, const struct topic *topic, const struct mqtt_message *message,
                 bool own)
{
    struct following *following = context;
    const struct steer *steer = following->steer;
    const bool is_result = own || is_ours(following, topic, steer->result);
    const bool is_event = !is_result && following->wait && !following->ended &&
                          steer->event != steer->result && is_ours(following, topic, steer->event);
    struct json *value = NULL;
    struct json_error error;

    if ((!is_result && !is_event) ||
        json_read(message->payload, message->length, &json_limits_payload, &value, &error) < 0)
        return;
    if (is_result)
        take_result(following, value, own);
    else if (following->json)
        tell_json(value);
    else
        tell_event(following, value);
    json_free(value);
}

/* ---- sending and waiting ---- */

static bool is_enough(void *context)
{
    const struct following *following = context;
    const bool to_the_end = following->wait || following->steer->is_short;

    return following->ended || (following->accepted && !to_the_end) ||
           meeting_is_over(following->meeting);
}

static bool is_answered(void *context)
{
    const struct following *following = context;

    return following->ended || following->accepted || meeting_is_over(following->meeting);
}

static int say_late(const struct following *following)
{
    if (!following->accepted)
        fprintf(stderr,
                "hallctl: %s: Hall has not answered within %d s; is it well? See: journalctl -u "
                "hall\n",
                subject_of(following), TALK_ANSWER_MS / 1000);
    else
        fprintf(stderr, "hallctl: %s: %s is not at its end yet; it goes on without us\n",
                subject_of(following), following->steer->action);
    return HALLCTL_TIMEOUT;
}

static int say_gone(const struct following *following)
{
    fprintf(stderr, "hallctl: %s: Hall left the broker meanwhile; what became of it is not known\n",
            subject_of(following));
    return HALLCTL_UNREACHABLE;
}

/* The first answer comes soon or never; its end may take as long as it is waited for. */
static int await(struct meeting *meeting, struct following *following)
{
    const bool long_wait = following->wait && !following->steer->is_short;
    const int64_t limit = call_has(meeting->call, FLAG_TIMEOUT)
                              ? meeting->call->numbers[FLAG_TIMEOUT]
                          : long_wait ? WAIT_MS
                                      : TALK_ANSWER_MS;
    const int64_t deadline = clock_now().boot + limit;
    const int64_t first = clock_now().boot + TALK_ANSWER_MS;
    int error =
        talk_wait(meeting->talk, is_answered, following, first < deadline ? first : deadline);

    if (error == 0)
        error = talk_wait(meeting->talk, is_enough, following, deadline);
    if (error == -ETIMEDOUT)
        return say_late(following);
    if (error < 0)
        return meeting_failed(meeting, error);
    if (following->refused || following->failed)
        return HALLCTL_ERROR;
    const bool good = following->ended ||
                      (following->accepted && !following->wait && !following->steer->is_short);
    return good ? HALLCTL_OK : say_gone(following);
}

static int send_command(struct meeting *meeting, const struct steer *steer)
{
    char topic[TOPIC_MAX];
    const int error = buf_error(&steer->payload);

    topic_format(meeting->settings.mqtt.base_topic, steer->topic, steer->subject, steer->name,
                 topic);
    if (error < 0 || topic[0] == '\0') {
        fprintf(stderr, "hallctl %s: that is too long\n", meeting->call->verb->name);
        return HALLCTL_USAGE;
    }
    const int sent =
        talk_ask(meeting->talk, topic, buf_text(&steer->payload), steer->payload.length);
    return sent < 0 ? meeting_failed(meeting, sent) : -1;
}

/* Over MQTT 5 the answers come to us alone; what happens meanwhile is read with them. */
static int listen_to(struct meeting *meeting, const struct steer *steer, bool wait)
{
    struct meeting_wish wishes[3];
    size_t n = 0;

    if (!talk_is_v5(meeting->talk))
        wishes[n++] = (struct meeting_wish){steer->result, steer->subject};
    if (wait && steer->event != steer->result) {
        wishes[n++] = (struct meeting_wish){steer->event, steer->subject};
        wishes[n++] = (struct meeting_wish){TOPIC_SERVER_STATUS, steer->subject};
    }
    return meeting_read(meeting, wishes, n);
}

int steer_run(struct meeting *meeting, const struct steer *steer)
{
    struct following following = {
        .steer = steer,
        .meeting = meeting,
        .json = call_has(meeting->call, FLAG_JSON),
        .wait = call_has(meeting->call, FLAG_WAIT),
    };
    int status = listen_to(meeting, steer, following.wait);

    if (status >= 0)
        return status;
    meeting->hear = hear;
    meeting->context = &following;
    status = send_command(meeting, steer);
    if (status < 0)
        status = await(meeting, &following);
    meeting->hear = NULL;
    return status;
}
