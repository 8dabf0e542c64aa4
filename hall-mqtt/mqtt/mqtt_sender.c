#include "mqtt/mqtt_sender.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

enum { COMPLAIN_EVERY_MS = 10000 };

int mqtt_sender_init(struct mqtt_sender *sender, const char *user,
                     const struct mqtt_listener *listener, void *context)
{
    *sender = (struct mqtt_sender){.user = user, .listener = listener, .context = context};
    return retained_create(&sender->retained);
}

void mqtt_sender_finish(struct mqtt_sender *sender)
{
    retained_destroy(sender->retained);
    outbox_finish(&sender->outbox);
}

static struct mqtt_flight *flight_find(struct mqtt_sender *sender, int id)
{
    for (size_t i = 0; i < MQTT_FLIGHTS_MAX; i++)
        if (sender->flights[i].id == id)
            return &sender->flights[i];
    return NULL;
}

/* The message is done with: the broker took it, or never will. */
static void flight_land(struct mqtt_sender *sender, struct mqtt_flight *flight, bool taken)
{
    const struct mqtt_flight landed = *flight;
    *flight = (struct mqtt_flight){0};
    if (landed.spare)
        sender->listener->spare_taken(sender->context, landed.token, taken);
    else if (landed.entry)
        retained_acknowledged(sender->retained, landed.entry);
    else
        outbox_acknowledged(&sender->outbox, landed.message);
}

static const char *flight_topic(const struct mqtt_flight *flight)
{
    if (flight->spare)
        return "the discovery prefix";
    return flight->entry ? flight->entry->topic : outbox_topic(flight->message);
}

static void complain_refused(struct mqtt_sender *sender, const struct mqtt_flight *flight,
                             const char *why)
{
    int64_t now = clock_now().boot;
    if (sender->complained_at != 0 && now - sender->complained_at < COMPLAIN_EVERY_MS)
        return;
    sender->complained_at = now;
    log_warning("mqtt: what is published to %s is refused: %s; user %s", flight_topic(flight), why,
                sender->user);
}

/* Hands a message over; its place in flight is filled in. False when nothing more can be sent. */
static bool send_flight(struct mqtt_sender *sender, struct mqtt_link *link,
                        struct mqtt_flight *flight, const struct mqtt_parcel *parcel)
{
    const char *refusal = NULL;
    int error = mqtt_link_publish(link, parcel, &flight->id, &refusal);
    if (error == -EBADMSG) {
        complain_refused(sender, flight, refusal);
        flight_land(sender, flight, false);
        return true;
    }
    return error == 0;
}

static bool send_message(struct mqtt_sender *sender, struct mqtt_link *link,
                         struct mqtt_flight *flight, struct outbox_message *message)
{
    flight->message = message;
    return send_flight(sender, link, flight,
                       &(struct mqtt_parcel){
                           .topic = outbox_topic(message),
                           .payload = outbox_payload(message),
                           .length = message->length,
                           .qos = 1,
                           .retain = message->retain,
                           .correlation = outbox_correlation(message),
                           .correlation_length = message->correlation_length,
                       });
}

static bool send_retained(struct mqtt_sender *sender, struct mqtt_link *link,
                          struct mqtt_flight *flight, struct retained_entry *entry)
{
    flight->entry = entry;
    return send_flight(sender, link, flight,
                       &(struct mqtt_parcel){
                           .topic = entry->topic,
                           .payload = entry->payload,
                           .length = entry->length,
                           .qos = 1,
                           .retain = true,
                           .marked = true,
                       });
}

static bool send_spare(struct mqtt_sender *sender, struct mqtt_link *link,
                       struct mqtt_flight *flight)
{
    struct mqtt_spare spare;
    size_t n = 0;
    for (size_t i = 0; i < MQTT_FLIGHTS_MAX; i++)
        n += sender->flights[i].id != 0 && sender->flights[i].spare;
    if (n >= MQTT_SPARES_MAX || !sender->listener->spare ||
        !sender->listener->spare(sender->context, &spare))
        return false;
    flight->spare = true;
    flight->token = spare.token;
    return send_flight(sender, link, flight,
                       &(struct mqtt_parcel){
                           .topic = spare.topic,
                           .payload = spare.payload,
                           .length = spare.length,
                           .qos = 1,
                           .retain = true,
                           .marked = true,
                       });
}

static bool send_next(struct mqtt_sender *sender, struct mqtt_link *link,
                      struct mqtt_flight *flight, bool with_spare)
{
    *flight = (struct mqtt_flight){0};
    struct outbox_message *message = outbox_next(&sender->outbox);
    if (message)
        return send_message(sender, link, flight, message);
    struct retained_entry *entry = retained_next(sender->retained);
    if (entry)
        return send_retained(sender, link, flight, entry);
    return with_spare && send_spare(sender, link, flight);
}

void mqtt_sender_pump(struct mqtt_sender *sender, struct mqtt_link *link, bool with_spare)
{
    struct mqtt_flight *flight;
    while ((flight = flight_find(sender, 0)))
        if (!send_next(sender, link, flight, with_spare))
            break;
}

bool mqtt_sender_taken(struct mqtt_sender *sender, int id, const char *refusal)
{
    struct mqtt_flight *flight = flight_find(sender, id);
    if (!flight)
        return false;
    if (refusal)
        complain_refused(sender, flight, refusal);
    flight_land(sender, flight, !refusal);
    return true;
}

void mqtt_sender_lost(struct mqtt_sender *sender)
{
    memset(sender->flights, 0, sizeof(sender->flights));
    outbox_unsent(&sender->outbox);
    retained_unsure(sender->retained);
}

bool mqtt_sender_has_work(const struct mqtt_sender *sender)
{
    bool flying = false;
    for (size_t i = 0; i < MQTT_FLIGHTS_MAX; i++)
        flying = flying || sender->flights[i].id != 0;
    return flying || retained_pending(sender->retained) > 0 || sender->outbox.first;
}

void mqtt_sender_tell_dropped(struct mqtt_sender *sender)
{
    const int64_t now = clock_now().boot;
    size_t untold = 0;
    for (unsigned kind = 0; kind < OUTBOX_KINDS; kind++) {
        const size_t dropped = outbox_take_dropped(&sender->outbox, (enum outbox_kind)kind);
        if (dropped > 0 && sender->listener->dropped)
            sender->listener->dropped(sender->context, dropped, kind == OUTBOX_AWAITED);
        sender->untold[kind] += dropped;
        untold += sender->untold[kind];
    }
    if (untold == 0 ||
        (sender->told_dropped_at != 0 && now - sender->told_dropped_at < COMPLAIN_EVERY_MS))
        return;
    sender->told_dropped_at = now;
    log_error("mqtt: %zu messages were dropped, %zu of them answers or commands: more than %d MiB "
              "waited for the broker",
              untold, sender->untold[OUTBOX_AWAITED], OUTBOX_BYTES >> 20);
    memset(sender->untold, 0, sizeof(sender->untold));
}
