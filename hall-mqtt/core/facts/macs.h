/*
 * macs: the MACs that answer on the address of one server. Those that are its own beside what is
 * configured (of a bridge, a bond, a second card) are learned, the latest first: of too many the
 * oldest goes. And whether two of them take turns. Pure.
 */
#ifndef HALL_CORE_FACTS_MACS_H
#define HALL_CORE_FACTS_MACS_H

#include <stdbool.h>
#include <stdint.h>

enum { MACS_MAX = 8, MAC_SIZE = 6 };

struct macs {
    uint8_t n;
    uint16_t learned; /* how often a new one came */
    uint8_t told;     /* a bit for each place: its agent names it as one of its own */
    uint8_t list[MACS_MAX][MAC_SIZE];
    uint8_t heard[2][MAC_SIZE]; /* the latest that answered, and the other one before it */
    uint8_t turns;              /* in how quick succession they changed; stops at a few */
    int64_t turned;             /* boot clock, ms: the latest change */
};

bool macs_have(const struct macs *macs, const uint8_t mac[MAC_SIZE]);
/* Named by the agent in its latest report. */
bool macs_are_told(const struct macs *macs, const uint8_t mac[MAC_SIZE]);
void macs_learn(struct macs *macs, const uint8_t mac[MAC_SIZE], bool told);
/* Each report names all of them. */
void macs_forget_told(struct macs *macs);
void macs_hear(struct macs *macs, const uint8_t mac[MAC_SIZE], int64_t now);
/* Did two of them take turns a moment ago? */
bool macs_alternate(const struct macs *macs);

#endif
