#include "hall/in_relay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "loop/timer.h"
#include "words/relay_words.h"

enum {
    RELAYS_MAX = 64,    /* that spoke on the bus */
    PENDING_FIRST = 64, /* packets that no answer came for yet; room for more is made */
    EXPIRES_MS = 10000,
    ANSWER_MS = 4000, /* a relay that has not answered by then has not sent */
    ACCURACY_US = 100000,
    ORDER_LIMIT = 1024,
};

struct word {
    char id[SLUG_MAX + 1];
    bool online;
};

struct pending {
    char id[COMMAND_ID_SIZE]; /* "": free */
    char relay[SLUG_MAX + 1];
    char server[SLUG_MAX + 1]; /* its index may change with a reload */
    uint32_t number;           /* of its wake; 0: of none */
    int64_t due;               /* boot clock */
};

struct relays {
    const struct current *current;
    struct turn *turn;
    struct mqtt *mqtt;
    struct out_bus *bus;
    struct outlets *outlets;
    size_t n;
    struct word words[RELAYS_MAX];
    size_t room;
    struct pending *pending; /* [room] */
    uint64_t next;           /* makes ids */
    sd_event_source *timer;
};

/* ---- what relays say of themselves ---- */

static struct word *find_word(struct relays *relays, const char *id)
{
    for (size_t i = 0; i < relays->n; i++)
        if (strcmp(relays->words[i].id, id) == 0)
            return &relays->words[i];
    return NULL;
}

static int on_state(struct relays *relays, const struct topic *topic,
                    const struct mqtt_message *message, char ret_reason[REASON_SIZE])
{
    struct word *word = find_word(relays, topic->id);
    bool online = false;
    const int error = message->length > 0
                          ? relay_read_state(message->payload, message->length, &online, ret_reason)
                          : 0; /* cleared: it is gone */

    if (error < 0)
        return error;
    if (!word && relays->n == RELAYS_MAX) {
        snprintf(ret_reason, REASON_SIZE, "there are more than %d relays", RELAYS_MAX);
        return -ENOSPC;
    }
    if (!word) {
        word = &relays->words[relays->n++];
        text_copy(word->id, sizeof(word->id), topic->id);
        word->online = !online;
    }
    if (word->online != online)
        log_info("relay %s: %s", word->id, online ? "online" : "offline");
    word->online = online;
    return 0;
}

/* ---- what became of a packet ---- */

static void succeed(struct relays *relays, struct pending *pending)
{
    const struct fleet_event event = {
        .kind = FLEET_PACKET_SENT,
        .server = model_server_by_id(&relays->current->config->model, pending->server),
        .packet = {.number = pending->number},
    };

    *pending = (struct pending){0};
    if (event.server != MODEL_NONE && event.packet.number > 0)
        turn_feed(relays->turn, &event);
}

static void fail(struct relays *relays, struct pending *pending, const struct fact *why)
{
    const struct model *model = &relays->current->config->model;
    struct fleet_event event = {.kind = FLEET_PACKET_FAILED,
                                .server = model_server_by_id(model, pending->server)};
    char said[SAID_SIZE];

    log_warning("%s: magic packet could not be sent: %s", pending->server,
                say_english(why, model, clock_now().wall, said));
    event.packet.reason = fact_because(FACT(WAKE_PACKET_FAILED), why);
    *pending = (struct pending){0};
    if (event.server != MODEL_NONE)
        turn_feed(relays->turn, &event);
}

static int on_result(struct relays *relays, const struct topic *topic,
                     const struct mqtt_message *message, char ret_reason[REASON_SIZE])
{
    struct relay_result result;
    const int error = relay_read_result(message->payload, message->length, &result, ret_reason);

    if (error < 0)
        return error;
    for (size_t i = 0; i < relays->room; i++) {
        struct pending *pending = &relays->pending[i];

        if (strcmp(pending->id, result.id) != 0 || strcmp(pending->relay, topic->id) != 0)
            continue;
        const struct fact why =
            fact_with(result.outcome == RELAY_REFUSED ? FACT(RELAY_REFUSED) : FACT(RELAY_FAILED),
                      pending->relay, result.reason);
        if (result.outcome == RELAY_DONE)
            succeed(relays, pending);
        else
            fail(relays, pending, &why);
        break;
    }
    return 0; /* what nobody waits for came too late, or was not asked by us */
}

void relays_hear(struct relays *relays, const struct topic *topic,
                 const struct mqtt_message *message)
{
    char reason[REASON_SIZE];
    const int error = topic->kind == TOPIC_RELAY_STATE ? on_state(relays, topic, message, reason)
                                                       : on_result(relays, topic, message, reason);

    if (error < 0 && outlets_may_tell_of(relays->outlets, topic->id))
        log_warning("relay %s: message on %s ignored: %s", topic->id, message->topic, reason);
}

/* ---- asking ---- */

static void arm(struct relays *relays)
{
    int64_t due = INT64_MAX;

    for (size_t i = 0; i < relays->room; i++)
        if (relays->pending[i].id[0] && relays->pending[i].due < due)
            due = relays->pending[i].due;
    loop_timer_set(relays->timer, due);
}

static int on_due(sd_event_source *source, uint64_t usec, void *context)
{
    struct relays *relays = context;
    const int64_t now = clock_now().boot;

    (void)source;
    (void)usec;
    for (size_t i = 0; i < relays->room; i++) {
        struct pending *pending = &relays->pending[i];

        const struct fact why = fact_with(FACT(RELAY_SILENT), pending->relay, NULL);
        if (pending->id[0] && pending->due <= now)
            fail(relays, pending, &why);
    }
    arm(relays);
    return 0;
}

/* Publishes a request for this server, with the id that its answer will have. */
static int publish(struct relays *relays, const struct model_server *server,
                   char id[static COMMAND_ID_SIZE])
{
    struct relay_request request = {
        .secureon_length = server->wake.secureon_length,
        .broadcast = server->wake.broadcast,
        .port = server->wake.port,
        .expires = clock_now().wall + EXPIRES_MS,
    };
    struct buf text = BUF_INIT(ORDER_LIMIT);

    memcpy(request.mac, server->mac, sizeof(request.mac));
    memcpy(request.secureon, server->wake.secureon, sizeof(request.secureon));
    snprintf(request.id, sizeof(request.id), "%.16s-%llx-%llu", server->id,
             (unsigned long long)relays->current->started, (unsigned long long)++relays->next);
    const int error = relay_write_request(&request, &text);

    if (error == 0) {
        out_bus_send(relays->bus, TOPIC_RELAY_SEND, server->wake.relay, buf_text(&text));
        text_copy(id, COMMAND_ID_SIZE, request.id);
    }
    buf_finish(&text);
    return error;
}

/* NULL: no memory. */
static struct pending *free_place(struct relays *relays)
{
    for (size_t i = 0; i < relays->room; i++)
        if (!relays->pending[i].id[0])
            return &relays->pending[i];
    const size_t room = relays->room > 0 ? 2 * relays->room : PENDING_FIRST;
    struct pending *pending = reallocarray(relays->pending, room, sizeof(*pending));

    if (!pending)
        return NULL;
    memset(&pending[relays->room], 0, (room - relays->room) * sizeof(*pending));
    relays->pending = pending;
    pending = &relays->pending[relays->room];
    relays->room = room;
    return pending;
}

int relays_ask(struct relays *relays, const struct model_server *server, uint32_t number,
               struct fact *ret_why)
{
    const char *relay = server->wake.relay;
    const struct word *word = find_word(relays, relay);
    struct pending *pending = free_place(relays);

    if (!mqtt_is_connected(relays->mqtt) || !word || !word->online || !pending) {
        *ret_why = !mqtt_is_connected(relays->mqtt) ? FACT(RELAY_NO_BROKER)
                   : !word                          ? FACT(RELAY_UNHEARD)
                   : !word->online                  ? FACT(RELAY_OFFLINE)
                                                    : FACT(RELAY_FULL);
        if (!fact_is(ret_why, FACT_RELAY_FULL))
            *ret_why = fact_with(*ret_why, relay, NULL);
        return -ENOTCONN;
    }
    const int error = publish(relays, server, pending->id);
    if (error < 0) {
        *ret_why = fact_said(strerror(-error));
        return error;
    }
    text_copy(pending->relay, sizeof(pending->relay), relay);
    text_copy(pending->server, sizeof(pending->server), server->id);
    pending->number = number;
    pending->due = clock_now().boot + ANSWER_MS;
    arm(relays);
    return 0;
}

int relays_create(sd_event *loop, const struct current *current, struct turn *turn,
                  struct mqtt *mqtt, struct out_bus *bus, struct outlets *outlets,
                  struct relays **ret_relays)
{
    struct relays *relays = calloc(1, sizeof(*relays));
    int error;

    if (!relays)
        return -ENOMEM;
    relays->current = current;
    relays->turn = turn;
    relays->bus = bus;
    relays->mqtt = mqtt;
    relays->outlets = outlets;
    error = loop_timer_create(loop, ACCURACY_US, on_due, relays, &relays->timer);
    if (error < 0) {
        relays_destroy(relays);
        return error;
    }
    *ret_relays = relays;
    return 0;
}

void relays_destroy(struct relays *relays)
{
    if (!relays)
        return;
    sd_event_source_disable_unref(relays->timer);
    free(relays->pending);
    free(relays);
}
