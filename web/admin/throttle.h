/*
 * throttle: how often a password or key may be guessed: five times from one address, then one more
 * after 30 s, 1 min, 2 min and so on up to 15 min; and 30 times a minute from all addresses
 * together. An attempt counts from its beginning, so that many at once gain nothing. Addresses from
 * which the right one came before are kept out of the total, so that a flood of guesses from others
 * does not lock the owner out. Pure: time (boot clock, ms) is passed in; the caller locks.
 */
#ifndef HALL_WEB_ADMIN_THROTTLE_H
#define HALL_WEB_ADMIN_THROTTLE_H

#include <stdint.h>

enum {
    THROTTLE_CLIENTS = 64, /* the one quiet for longest gives place */
    THROTTLE_WHO_SIZE = 48,
    THROTTLE_FREE = 5,
    THROTTLE_FIRST_MS = 30000,
    THROTTLE_MOST_MS = 15 * 60 * 1000,
    THROTTLE_FORGET_MS = 30 * 60 * 1000, /* quiet for so long: forgiven */
    THROTTLE_TOTAL = 30,
    THROTTLE_KNOWN = 8, /* addresses that gave the right one; the newest */
    THROTTLE_WINDOW_MS = 60000,
};

/* Addresses that gave the right one, the oldest first; "" after the last. */
struct throttle_known {
    char who[THROTTLE_KNOWN][THROTTLE_WHO_SIZE];
};

struct throttle_client {
    char who[THROTTLE_WHO_SIZE];
    unsigned failures;
    int64_t last, until;
};

struct throttle {
    struct throttle_client clients[THROTTLE_CLIENTS];
    int64_t window;
    unsigned in_window;
    char known[THROTTLE_KNOWN][THROTTLE_WHO_SIZE];
    unsigned next_known;
};

/* 0: go on, and it counts as failed until throttle_forgive; else the ms to wait. */
int64_t throttle_attempt(struct throttle *throttle, const char *who, int64_t now);
/* As above, but counts nothing: is this address kept away at the moment? */
int64_t throttle_ask(struct throttle *throttle, const char *who, int64_t now);
/* Those who are known, to be kept, and how they are known again after a start. */
struct throttle_known throttle_known(const struct throttle *throttle);
void throttle_recall(struct throttle *throttle, const struct throttle_known *known);
/* It was the right one: its failures are forgotten, and it is known from now on. */
void throttle_forgive(struct throttle *throttle, const char *who);

#endif
