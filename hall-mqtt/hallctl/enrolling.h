/*
 * enrolling: one run of hallctl enroll. verbs_enroll.c makes it whole; enroll_line.c hands it out
 * and waits for the server.
 */
#ifndef HALL_HALLCTL_ENROLLING_H
#define HALL_HALLCTL_ENROLLING_H

#include "base/address.h"
#include "hallctl/enroll/handing.h"
#include "hallctl/enroll/packages.h"
#include "hallctl/enroll_broker.h"
#include "say/say_enroll.h"
#include "words/topic.h"

struct enrolling;

/* A kind of machine, as Hall sees it. */
struct enroll_way {
    const struct enroll_kind *kind;
    enum topic_kind state; /* where it says that it is there */
    enum enroll_word online;
    int (*find)(struct enrolling *it); /* in the configuration; -1, or the exit status */
};

struct enrolling {
    struct call call; /* with --config */
    struct config *config;
    struct settings settings;
    const struct enroll_way *way;
    const char *id;
    char again[SLUG_MAX + 16];         /* what hallctl enroll is given for it */
    const struct model_server *server; /* itself, or the first that it wakes as a relay */
    struct enroll_broker broker;
    struct enroll_packages packages;
    struct handing handing;
    char *ca;
    char own[ADDRESS_TEXT_SIZE]; /* this machine's, on the way to the server */
    char its[ADDRESS_TEXT_SIZE]; /* as configured; "": it may come from anywhere */
    char password[ENROLL_TOKEN_SIZE], token[ENROLL_TOKEN_SIZE], commit[ENROLL_TOKEN_SIZE];
    int64_t minutes;
    bool fetched;
};

/* A sentence of its own line, at once. Those it has no place for are NULL. */
void enroll_tell(enum enroll_word word, const char *first, const char *second, const char *third);
/* url NULL: all is carried. -1, or the exit status. */
int enroll_script_of(const struct enrolling *it, const char *url, const char *pin, struct buf *out);
void enroll_wipe(struct buf *buf); /* finishes it too */

/* Prints the line and waits until the server's agent is online, or the time is over. The exit
 * status. */
int enroll_hand_out(struct enrolling *it);

#endif
