/*
 * relay: what Hall and a relay for magic packets (hall-wol) say to each other, written and read.
 * Pure. Reading: 0, or -EINVAL with a sentence for people.
 */
#ifndef HALL_WORDS_RELAY_WORDS_H
#define HALL_WORDS_RELAY_WORDS_H

#include <netinet/in.h>

#include "base/buf.h"
#include "core/facts/ledger.h"

/* hall/relays/<id>/send: {id, mac, secureon, broadcast, port, expires} */
struct relay_request {
    char id[COMMAND_ID_SIZE];
    uint8_t mac[6];
    uint8_t secureon[6];
    uint8_t secureon_length;  /* 0, 4 or 6 */
    struct in_addr broadcast; /* 0: the relay's choice, null on the bus */
    uint16_t port;            /* default 9 */
    int64_t expires;          /* wall, ms */
};

/* hall/relays/<id>/result: {id, outcome, reason} */
enum relay_outcome { RELAY_DONE, RELAY_REFUSED, RELAY_FAILED };
struct relay_result {
    char id[COMMAND_ID_SIZE]; /* "": none could be read */
    enum relay_outcome outcome;
    char reason[REASON_SIZE];
};

const char *relay_outcome_name(enum relay_outcome outcome); /* "done", "refused", "failed" */

/* -EMSGSIZE, -ENOMEM. */
int relay_write_request(const struct relay_request *request, struct buf *out);
int relay_write_result(const struct relay_result *result, struct buf *out);

/* On failure ret_request has the id as far as it could be read, so that the refusal can carry it.
 */
int relay_read_request(const void *payload, size_t length, struct relay_request *ret_request,
                       char ret_reason[REASON_SIZE]);
int relay_read_result(const void *payload, size_t length, struct relay_result *ret_result,
                      char ret_reason[REASON_SIZE]);
/* hall/relays/<id>/state: online, offline. */
int relay_read_state(const void *payload, size_t length, bool *ret_online,
                     char ret_reason[REASON_SIZE]);

#endif
