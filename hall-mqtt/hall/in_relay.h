/*
 * in_relay: packets that a relay sends in Hall's place: which relays are there, what they were
 * asked, and what became of it; a packet becomes FLEET_PACKET_SENT or FLEET_PACKET_FAILED. Nothing
 * falls back to Hall's own sending: where a relay is configured, Hall cannot reach the server
 * itself. Loop thread only.
 */
#ifndef HALL_HALL_IN_RELAY_H
#define HALL_HALL_IN_RELAY_H

#include "hall/out_bus.h"
#include "hall/turn.h"

struct relays;

/* All are borrowed and outlive it. -ENOMEM, -errno. */
int relays_create(sd_event *loop, const struct current *current, struct turn *turn,
                  struct mqtt *mqtt, struct out_bus *bus, struct outlets *outlets,
                  struct relays **ret_relays);
void relays_destroy(struct relays *relays);

void relays_hear(struct relays *relays, const struct topic *topic,
                 const struct mqtt_message *message);
/* Asks the server's relay for a packet, by its number in a wake (0: of none): 0, and what became of
 * it comes later; or -errno and why. */
int relays_ask(struct relays *relays, const struct model_server *server, uint32_t number,
               struct fact *ret_why);

#endif
