#include "hall/answers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"

enum { ROUTES_MAX = 2 * LEDGER_MAX, HELD_MAX = 2 * LEDGER_MAX, CORRELATION_MAX = 128 };

/* Where else a command's answers go. Kept as long as the ledger can ask for it. */
struct route {
    uint64_t id;
    char topic[TOPIC_MAX]; /* an MQTT 5 response topic; "" */
    size_t length;
    uint8_t correlation[CORRELATION_MAX];
    struct errand *errand; /* or a worker waits for the first answer; owned */
};

struct held_answer {
    uint64_t ticket; /* 0: not tied to a write yet */
    int server;
    struct ledger_entry entry;
};

struct answers {
    const struct current *current;
    struct mqtt *mqtt;
    struct out_bus *bus;
    struct outlets *outlets;
    struct errands *errands;
    struct route *routes; /* [ROUTES_MAX] a ring by id */
    uint64_t next_route;
    struct held_answer *held; /* [HELD_MAX] a queue: first, n */
    size_t held_first, n_held;
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

/* The oldest gives way. */
static struct route *new_route(struct answers *answers)
{
    struct route *route = &answers->routes[++answers->next_route % ROUTES_MAX];

    if (route->errand)
        answer_errand(answers, route->errand, 503,
                      "Too many commands are under way; the end of this one is not known.");
    *route = (struct route){.id = answers->next_route};
    return route;
}

uint64_t answers_route_errand(struct answers *answers, struct errand *errand)
{
    struct route *route = new_route(answers);

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
    route = new_route(answers);
    text_copy(route->topic, sizeof(route->topic), message->response_topic);
    route->length = message->correlation_length;
    if (route->length > 0)
        memcpy(route->correlation, message->correlation, route->length);
    return route->id;
}

/* ---- at once ---- */

void answers_send(struct answers *answers, const struct ledger_entry *entry, enum topic_kind kind,
                  const char *id)
{
    struct route *route = &answers->routes[entry->route % ROUTES_MAX];
    const bool routed = entry->route > 0 && route->id == entry->route;
    struct buf text = BUF_INIT(PAYLOAD_LIMIT);

    if (payload_result(entry, &answers->current->config->model, clock_now(), &text) == 0) {
        if (!entry->quiet)
            out_bus_send(answers->bus, kind, id, buf_text(&text));
        if (routed && route->errand)
            answer_errand(answers, route->errand, 202, buf_text(&text));
        else if (routed && route->topic[0])
            (void)mqtt_respond(answers->mqtt, route->topic, route->correlation, route->length,
                               buf_text(&text), text.length);
        if (routed)
            route->errand = NULL; /* it had its first answer */
    }
    buf_finish(&text);
}

void answers_give(struct answers *answers, const struct ledger_entry *entry, int server)
{
    const struct model *model = &answers->current->config->model;
    const bool is_project = entry->site != MODEL_NONE;
    const char *id = is_project ? model->sites[entry->site].id : model->servers[server].id;

    char reason[SAID_SIZE];

    say_english(&entry->reason, model, clock_now().wall, reason);
    if (!entry->quiet)
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

static void give_first(struct answers *answers)
{
    const struct held_answer *held = &answers->held[answers->held_first];

    answers_give(answers, &held->entry, held->server);
    /* From the beginning where none is left, so that the rest of the ring costs no memory. */
    answers->held_first = --answers->n_held > 0 ? (answers->held_first + 1) % HELD_MAX : 0;
}

static void release_until(struct answers *answers, uint64_t committed)
{
    while (answers->n_held > 0 && answers->held[answers->held_first].ticket <= committed)
        give_first(answers);
}

void answers_release(struct answers *answers)
{
    release_until(answers, UINT64_MAX);
}

static void on_answer(void *context, const struct action *action)
{
    struct answers *answers = context;

    if (answers->n_held == HELD_MAX)
        give_first(answers);
    answers->held[(answers->held_first + answers->n_held++) % HELD_MAX] =
        (struct held_answer){.server = action->server, .entry = *action->answer};
}

static void on_saved(void *context, const struct news *news)
{
    struct answers *answers = context;

    for (size_t i = 0; i < answers->n_held; i++) {
        struct held_answer *held = &answers->held[(answers->held_first + i) % HELD_MAX];

        if (held->ticket == 0 && held->server == news->server)
            held->ticket = news->ticket;
    }
}

static void on_settled(void *context, const struct news *news)
{
    (void)news;
    release_until(context, 0);
}

static void on_stored(void *context, const struct news *news)
{
    release_until(context, news->ticket);
}

const struct outlet_ops answers_outlet = {
    .act = {[ACTION_ANSWER] = on_answer},
    .hear = {[NEWS_SAVED] = on_saved, [NEWS_SETTLED] = on_settled, [NEWS_STORED] = on_stored},
};

/* ---- life ---- */

int answers_create(const struct current *current, struct mqtt *mqtt, struct out_bus *bus,
                   struct outlets *outlets, struct errands *errands, struct answers **ret_answers)
{
    struct answers *answers = calloc(1, sizeof(*answers));

    if (!answers)
        return -ENOMEM;
    *answers = (struct answers){.current = current,
                                .mqtt = mqtt,
                                .bus = bus,
                                .outlets = outlets,
                                .errands = errands,
                                .routes = calloc(ROUTES_MAX, sizeof(*answers->routes)),
                                .held = calloc(HELD_MAX, sizeof(*answers->held))};
    if (!answers->routes || !answers->held) {
        answers_destroy(answers);
        return -ENOMEM;
    }
    *ret_answers = answers;
    return 0;
}

void answers_destroy(struct answers *answers)
{
    if (!answers)
        return;
    for (size_t i = 0; answers->routes && i < ROUTES_MAX; i++)
        errand_drop(answers->routes[i].errand);
    free(answers->routes);
    free(answers->held);
    free(answers);
}
