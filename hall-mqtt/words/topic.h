/*
 * topic: the names on the bus. Builds and reads topics below the configured base; the table of
 * kinds is the only place where their words stand. Pure.
 */
#ifndef HALL_WORDS_TOPIC_H
#define HALL_WORDS_TOPIC_H

#include <stdbool.h>
#include <stddef.h>

#include "core/model.h"

enum { TOPIC_MAX = 256 };

enum topic_kind {
    TOPIC_STATUS,       /* hall/status */
    TOPIC_INFO,         /* hall/info */
    TOPIC_EVENT,        /* hall/event */
    TOPIC_RESULT,       /* hall/result */
    TOPIC_COMMAND,      /* hall/command */
    TOPIC_SERVER_STATE, /* hall/servers/<id>/state ... */
    TOPIC_SERVER_POWER,
    TOPIC_SERVER_STATUS,
    TOPIC_SERVER_CONFIG,
    TOPIC_SERVER_EVENT,
    TOPIC_SERVER_RESULT,
    TOPIC_SERVER_POWER_SET,
    TOPIC_SERVER_COMMAND,
    TOPIC_SERVER_POLICY_SET,
    TOPIC_SERVER_IDLE_SET,
    TOPIC_SERVER_KEEP_AWAKE_SET,
    TOPIC_SERVER_HOLD, /* hall/servers/<id>/hold/<name> */
    TOPIC_PROJECT_STATE,
    TOPIC_PROJECT_STATUS,
    TOPIC_PROJECT_RESULT,
    TOPIC_PROJECT_COMMAND,
    TOPIC_AGENT_STATE,
    TOPIC_AGENT_REPORT,
    TOPIC_AGENT_CONTAINERS,
    TOPIC_AGENT_RESULT,
    TOPIC_AGENT_COMMAND,
    TOPIC_RELAY_STATE,
    TOPIC_RELAY_RESULT,
    TOPIC_RELAY_SEND,
};
enum { TOPIC_KINDS = 29 };

/* Builds; id and name are NULL where the kind has none. Returns out, "" if it would not fit. */
char *topic_format(const char *base, enum topic_kind kind, const char *id, const char *name,
                   char out[TOPIC_MAX]);

struct topic {
    enum topic_kind kind;
    char id[SLUG_MAX + 1];
    char name[SLUG_MAX + 1]; /* of a hold */
};
/* Reads; false for anything that is not one of ours (also ids that are no slugs). */
bool topic_parse(const char *base, const char *text, struct topic *ret_topic);
/* Of what topic_parse refuses: a command's topic but for an id or a name that is printable and no
 * slug, such as hall/servers/Testing/command. Who sent it is to be told. */
bool topic_misnamed(const char *base, const char *text, struct topic *ret_topic);

/* The filters Hall subscribes to, without overlap; index from 0; false behind the last. */
bool topic_subscription(const char *base, size_t index, char out[TOPIC_MAX]);
/* The filters that cover what Hall itself keeps retained, likewise. */
bool topic_retained(const char *base, size_t index, char out[TOPIC_MAX]);
/* Where Hall talks to itself, to know that the broker is well: hall/echo. */
char *topic_echo(const char *base, char out[TOPIC_MAX]);

#endif
