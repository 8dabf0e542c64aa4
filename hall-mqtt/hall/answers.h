/*
 * answers: the answers to commands, and whom they go to: the result topic of their subject, and the
 * MQTT 5 response topic or the worker of the API that asked. An answer of the fleet waits until
 * what it promises is on the disk (the magic packet does not wait). Loop thread only.
 */
#ifndef HALL_HALL_ANSWERS_H
#define HALL_HALL_ANSWERS_H

#include "hall/out_bus.h"
#include "web/api/errand.h"

struct answers;

/* All are borrowed and outlive it. -ENOMEM. */
int answers_create(const struct current *current, struct mqtt *mqtt, struct out_bus *bus,
                   struct outlets *outlets, struct errands *errands, struct answers **ret_answers);
/* Workers that still wait hear nothing more. */
void answers_destroy(struct answers *answers);
extern const struct outlet_ops answers_outlet; /* context: a struct answers */

/* Who waits for the answers to the next command: its route. 0: nobody but the result topic. Takes
 * the errand, which its first answer answers. */
uint64_t answers_route(struct answers *answers, const struct mqtt_message *message);
uint64_t answers_route_errand(struct answers *answers, struct errand *errand);

/* At once; id: of the subject, NULL: Hall itself. */
void answers_send(struct answers *answers, const struct ledger_entry *entry, enum topic_kind kind,
                  const char *id);
/* Of the fleet, at once. */
void answers_give(struct answers *answers, const struct ledger_entry *entry, int server);
/* A command that never reached the fleet. */
void answers_refuse(struct answers *answers, const struct topic *topic,
                    const struct command *command, const struct fact *reason);
/* All that wait for the disk. */
void answers_release(struct answers *answers);
/* A command's entry as it came, for those who keep no ledger. */
struct ledger_entry answers_entry(const struct command *command);

#endif
