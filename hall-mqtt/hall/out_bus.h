/*
 * out_bus: what the bus is told of the fleet and of Hall. Retained topics of a server are published
 * once per turn of the loop, however much changed in it, but its state at once, so that whoever
 * watches the bus sees every state, also one that lasts a moment. Each message that is not retained
 * is told to the other outlets too (NEWS_SAID). Loop thread only.
 */
#ifndef HALL_HALL_OUT_BUS_H
#define HALL_HALL_OUT_BUS_H

#include "hall/stats.h"
#include "mqtt/mqtt.h"

struct out_bus;

/* All are borrowed and outlive it. -ENOMEM, -errno. */
int out_bus_create(sd_event *loop, const struct current *current, struct mqtt *mqtt,
                   struct stats *stats, struct outlets *outlets, struct out_bus **ret_bus);
void out_bus_destroy(struct out_bus *bus);
extern const struct outlet_ops out_bus_outlet; /* context: a struct out_bus */

/* Not retained. id: of the server, project, relay; NULL: Hall itself. */
void out_bus_send(struct out_bus *bus, enum topic_kind kind, const char *id, const char *text);
/* An event of a server that the log of events does not keep. */
void out_bus_event(struct out_bus *bus, const struct action *action);
/* Everything is to be told anew: by the end of this turn of the loop, or at once. */
void out_bus_renew(struct out_bus *bus);
void out_bus_publish(struct out_bus *bus);
/* What is no longer configured. */
void out_bus_clear(struct out_bus *bus, enum topic_kind kind, const char *id);

/* A new configuration: room for what is to be published of n servers, NULL without memory; free()
 * where it is not applied. */
struct marks *out_bus_marks(size_t n);
void out_bus_adopt(struct out_bus *bus, struct marks *marks);

#endif
