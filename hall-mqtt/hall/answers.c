#include "hall/answers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"

enum { BUCKETS = 1024, HELD_FIRST = 64, CORRELATION_MAX = 128 };

/* Where else a command's answers go, until its end. The routes of those who said it again hang on
 * the first's. */
struct route {
    uint64_t id;
    struct route *next;    /* of the same bucket */
    struct route *joined;  /* the next that hangs on the same */
    bool hangs;            /* on another, which ends it */
    struct errand *errand; /* a worker waits for the first answer; owned */
    size_t length;         /* of the correlation data */
    uint8_t correlation[CORRELATION_MAX];
    char topic[]; /* an MQTT 5 response topic; "" */
};

struct held_answer {
    uint64_t ticket; /* 0: not tied to a write yet */
    bool lost;       /* the record that it needs could not be made */
    int server;
    struct ledger_entry entry;
};

struct answers {
    const struct current *current;
    struct mqtt *mqtt;
    struct out_bus *bus;
    struct outlets *outlets;
    struct errands *errands;
    struct route *routes[BUCKETS]; /* by id */
    uint64_t next_route;
    struct held_answer *held; /* [room] a ring: first, n */
    size_t room, held_first, n_held;
};

/* ---- whom they go to ---- */

/* Answers may not be sent where Hall's own messages stand: Hall may write there, whoever asks for
 * the answer perhaps may not. */
static bool is_fit_for_answers(const struct current *current, const char *topic)
{
    const char *prefix = current->config->mqtt.discovery_prefix;
    const size_t length = strlen(prefix);
    char echo[TOPIC_MAX];
    struct topic own;

    return strlen(topic) < TOPIC_MAX && topic[0] != '$' && !strpbrk(topic, "+#") &&
           !topic_parse(current->begun->mqtt.base_topic, topic, &own) &&
           strcmp(topic, topic_echo(current->begun->mqtt.base_topic, echo)) != 0 &&
           !(strncmp(topic, prefix, length) == 0 && topic[length] == '/');
}

static void answer_errand(struct answers *answers, struct errand *errand, int status,
                          const char *text)
{
    errand->status = status;
    buf_puts(&errand->out, text);
    errands_answer(answers->errands, errand);
}

/* Its place in its bucket; *place is NULL where there is no such route. */
static struct route **place_of(struct answers *answers, uint64_t id)
{
    struct route **place = &answers->routes[id % BUCKETS];

    while (*place && (*place)->id != id)
        place = &(*place)->next;
    return place;
}

/* NULL: no memory. */
static struct route *new_route(struct answers *answers, const char *topic)
{
    const size_t size = strlen(topic) + 1;
    struct route *route = calloc(1, sizeof(*route) + size);

    if (!route) {
        log_error("bus: no memory for those who wait for an answer");
        return NULL;
    }
    memcpy(route->topic, topic, size);
    route->id = ++answers->next_route;
    route->next = answers->routes[route->id % BUCKETS];
    answers->routes[route->id % BUCKETS] = route;
    return route;
}

/* With all that hang on it. */
static void free_route(struct answers *answers, struct route *route)
{
    while (route) {
        struct route *joined = route->joined;

        *place_of(answers, route->id) = route->next;
        errand_drop(route->errand);
        free(route);
        route = joined;
    }
}

uint64_t answers_route_errand(struct answers *answers, struct errand *errand)
{
    struct route *route = new_route(answers, "");

    if (!route) {
        answer_errand(answers, errand, 503, "There is no memory to wait for the answer.");
        return 0;
    }
    route->errand = errand;
    return route->id;
}

uint64_t answers_route(struct answers *answers, const struct mqtt_message *message)
{
    struct route *route;

    if (!message->response_topic || message->correlation_length > CORRELATION_MAX)
        return 0;
    if (!is_fit_for_answers(answers->current, message->response_topic)) {
        if (outlets_may_tell(answers->outlets))
            log_warning("response topic %s refused: it is one of Hall's own or has wildcards",
                        message->response_topic);
        return 0;
    }
    route = new_route(answers, message->response_topic);
    if (!route)
        return 0;
    route->length = message->correlation_length;
    if (route->length > 0)
        memcpy(route->correlation, message->correlation, route->length);
    return route->id;
}

/* A command was said again: what else is answered to it, both hear. */
static void on_join(void *context, const struct action *action)
{
    struct answers *answers = context;
    struct route *joining = *place_of(answers, action->join.route);
    struct route *to = *place_of(answers, action->join.to);

    if (!joining || !to || joining == to)
        return;
    joining->hangs = true;
    joining->joined = to->joined;
    to->joined = joining;
}

/* ---- at once ---- */

/* A worker hears the first alone. */
static void respond(struct answers *answers, struct route *route, const struct buf *text)
{
    if (route->errand)
        answer_errand(answers, route->errand, 202, buf_text(text));
    else if (route->topic[0])
        (void)mqtt_respond(answers->mqtt, route->topic, route->correlation, route->length,
                           buf_text(text), text->length);
    route->errand = NULL;
}

void answers_send(struct answers *answers, const struct ledger_entry *entry, enum topic_kind kind,
                  const char *id)
{
    struct route *route = *place_of(answers, entry->route);
    struct buf text = BUF_INIT(PAYLOAD_LIMIT);

    if (payload_result(entry, &answers->current->config->model, clock_now(), &text) == 0) {
        out_bus_send(answers->bus, kind, id, buf_text(&text));
        for (struct route *of = route; of; of = route->hangs ? NULL : of->joined)
            respond(answers, of, &text);
    } else {
        log_error("bus: no memory for an answer to command %s", entry->id);
    }
    if (route && !route->hangs && entry->outcome != OUTCOME_ACCEPTED)
        free_route(answers, route);
    buf_finish(&text);
}

void answers_give(struct answers *answers, const struct ledger_entry *entry, int server)
{
    const struct model *model = &answers->current->config->model;
    const bool is_project = entry->site != MODEL_NONE;
    const char *id = is_project ? model->sites[entry->site].id : model->servers[server].id;

    char reason[SAID_SIZE];

    say_english(&entry->reason, model, clock_now().wall, reason);
    log_info("%s: %s %s by %s: %s%s%s", id, command_action_name(entry->action), entry->id,
             entry->by, command_outcome_name(entry->outcome), reason[0] ? ": " : "", reason);
    answers_send(answers, entry, is_project ? TOPIC_PROJECT_RESULT : TOPIC_SERVER_RESULT, id);
}

struct ledger_entry answers_entry(const struct command *command)
{
    struct ledger_entry entry = {.used = true,
                                 .answered = true,
                                 .site = MODEL_NONE,
                                 .server = MODEL_NONE,
                                 .action = command->action,
                                 .outcome = OUTCOME_REFUSED,
                                 .route = command->route};

    text_copy(entry.id, sizeof(entry.id), command->id);
    text_copy(entry.by, sizeof(entry.by), command->by[0] ? command->by : "someone");
    return entry;
}

void answers_refuse(struct answers *answers, const struct topic *topic,
                    const struct command *command, const struct fact *reason)
{
    const struct model *model = &answers->current->config->model;
    const bool is_project = topic->kind == TOPIC_PROJECT_COMMAND;
    const struct action event = {.kind = ACTION_EVENT,
                                 .server =
                                     is_project ? MODEL_NONE : model_server_by_id(model, topic->id),
                                 .event = {.what = HAPPENED_COMMAND_REFUSED, .detail = reason}};
    struct ledger_entry entry = answers_entry(command);
    char said[SAID_SIZE];

    entry.reason = *reason;
    if (outlets_may_tell(answers->outlets))
        log_warning("%s: command refused: %s", topic->id,
                    say_english(reason, model, clock_now().wall, said));
    answers_send(answers, &entry, is_project ? TOPIC_PROJECT_RESULT : TOPIC_SERVER_RESULT,
                 topic->id);
    if (event.server != MODEL_NONE)
        out_bus_event(answers->bus, &event);
}

/* ---- those that wait for the disk ---- */

/* Does it say that something will be, or stays so? An end of what was done says neither. */
static bool is_promise(const struct ledger_entry *entry)
{
    static const bool settings[COMMAND_ACTIONS] = {
        [COMMAND_POLICY] = true, [COMMAND_IDLE] = true,    [COMMAND_KEEP_AWAKE] = true,
        [COMMAND_HOLD] = true,   [COMMAND_RELEASE] = true,
    };

    return entry->outcome == OUTCOME_ACCEPTED ||
           (entry->outcome == OUTCOME_DONE && settings[entry->action]);
}

static void say_not_kept(struct ledger_entry *entry)
{
    if (is_promise(entry))
        entry->reason = fact_is(&entry->reason, FACT_NONE)
                            ? FACT(ANSWER_NOT_KEPT)
                            : fact_because(entry->reason, &FACT(ANSWER_NOT_KEPT));
}

static void give_first(struct answers *answers, bool kept)
{
    struct held_answer *held = &answers->held[answers->held_first];

    if (!kept)
        say_not_kept(&held->entry);
    answers_give(answers, &held->entry, held->server);
    /* From the beginning where none is left, so that the rest of the ring costs no memory. */
    answers->held_first = --answers->n_held > 0 ? (answers->held_first + 1) % answers->room : 0;
}

/* What is said again from memory needs no write, and has no ticket. */
static void release_until(struct answers *answers, uint64_t committed, uint64_t written)
{
    while (answers->n_held > 0) {
        const struct held_answer *first = &answers->held[answers->held_first];

        if (first->ticket > committed)
            return;
        give_first(answers, !first->lost && first->ticket <= written);
    }
}

void answers_release(struct answers *answers)
{
    while (answers->n_held > 0)
        give_first(answers, true);
}

/* The ring, straightened out in a larger one. */
static bool make_room(struct answers *answers)
{
    const size_t room = answers->room > 0 ? 2 * answers->room : HELD_FIRST;
    struct held_answer *held = calloc(room, sizeof(*held));

    if (!held)
        return false;
    for (size_t i = 0; i < answers->n_held; i++)
        held[i] = answers->held[(answers->held_first + i) % answers->room];
    free(answers->held);
    answers->held = held;
    answers->room = room;
    answers->held_first = 0;
    return true;
}

static void on_answer(void *context, const struct action *action)
{
    struct answers *answers = context;

    if (answers->n_held == answers->room && !make_room(answers)) {
        log_error("bus: no memory to hold answers until the disk has what they promise");
        answers_give(answers, action->answer, action->server);
        return;
    }
    answers->held[(answers->held_first + answers->n_held++) % answers->room] =
        (struct held_answer){.server = action->server, .entry = *action->answer};
}

static void on_saved(void *context, const struct news *news)
{
    struct answers *answers = context;

    for (size_t i = 0; i < answers->n_held; i++) {
        struct held_answer *held = &answers->held[(answers->held_first + i) % answers->room];

        if (held->ticket != 0 || held->server != news->server)
            continue;
        held->ticket = news->ticket;
        held->lost = news->ticket == 0;
    }
}

static void on_settled(void *context, const struct news *news)
{
    (void)news;
    release_until(context, 0, 0);
}

static void on_stored(void *context, const struct news *news)
{
    release_until(context, news->ticket, news->written);
}

const struct outlet_ops answers_outlet = {
    .act = {[ACTION_ANSWER] = on_answer, [ACTION_JOIN] = on_join},
    .hear = {[NEWS_SAVED] = on_saved, [NEWS_SETTLED] = on_settled, [NEWS_STORED] = on_stored},
};

/* ---- life ---- */

int answers_create(const struct current *current, struct mqtt *mqtt, struct out_bus *bus,
                   struct outlets *outlets, struct errands *errands, struct answers **ret_answers)
{
    struct answers *answers = calloc(1, sizeof(*answers));

    if (!answers)
        return -ENOMEM;
    *answers = (struct answers){
        .current = current, .mqtt = mqtt, .bus = bus, .outlets = outlets, .errands = errands};
    *ret_answers = answers;
    return 0;
}

void answers_destroy(struct answers *answers)
{
    if (!answers)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct route *route = answers->routes[i]; route;) {
            struct route *next = route->next;

            errand_drop(route->errand);
            free(route);
            route = next;
        }
    free(answers->held);
    free(answers);
}
