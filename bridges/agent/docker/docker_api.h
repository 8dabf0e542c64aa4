/*
 * docker_api: what the engine answers, read into plain structs. Pure. Everything here reads hostile
 * input: it is bounded, what cannot be read is refused as a whole or left out singly, and nothing
 * is kept that could not be shown or put into a path. Source: Docker Engine API v1.41; Podman's
 * compatible API where it differs.
 */
#ifndef HALL_BRIDGES_AGENT_DOCKER_DOCKER_API_H
#define HALL_BRIDGES_AGENT_DOCKER_DOCKER_API_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "bridges/agent/docker/docker.h"

enum {
    DOCKER_ANSWER_MAX = 1024 * 1024, /* bytes of an answer */
    DOCKER_LINE_MAX = 64 * 1024,     /* bytes of an event */
    DOCKER_ID_SIZE = 65,
    DOCKER_SERVICE_SIZE = 65,
    DOCKER_DEPENDS_SIZE = 1024,
};

enum docker_sight {
    DOCKER_SIGHT_LISTED,     /* the list tells the health, or the container does not run */
    DOCKER_SIGHT_UNKNOWN,    /* it runs, and the list is silent: to be inspected */
    DOCKER_SIGHT_NONE,       /* inspected: no health check is defined */
    DOCKER_SIGHT_INSPECTED,  /* inspected: one is defined, so the list cannot be relied on */
    DOCKER_SIGHT_UNREADABLE, /* inspected in vain */
};

struct docker_entry {
    struct docker_container shown;
    char id[DOCKER_ID_SIZE];           /* hexadecimal */
    char compose[DOCKER_PROJECT_SIZE]; /* labels of Docker Compose, "" where absent */
    char service[DOCKER_SERVICE_SIZE];
    char depends[DOCKER_DEPENDS_SIZE];
    enum docker_sight sight;
};

struct docker_list {
    size_t n;
    size_t left_out; /* not readable, or more than DOCKER_CONTAINERS_MAX */
    struct docker_entry entries[];
};

/* The answer to GET /containers/json, sorted by name; those of a project go first when there are
 * too many. Freed by free. -EMSGSIZE, -EBADMSG, -ENOMEM. */
int docker_api_list(const char *bytes, size_t length, struct docker_list **ret_list);

/* The answer to GET /containers/ID/json: its health, "" where no check is defined. -EMSGSIZE,
 * -EBADMSG, -ENOMEM. */
int docker_api_health(const char *bytes, size_t length, char ret_health[24]);

/* Does this event change what a list or a health tells? What cannot be read may. */
bool docker_api_event_matters(const char *bytes, size_t length);

/* The engine's own words in an answer of an error, fit to be shown; "" where there are none.
 * Returns out. */
char *docker_api_message(const char *bytes, size_t length, char *out, size_t size);

/* The order to start these in: each behind those of its compose project that it depends on, else as
 * given. A circle is broken at its first. order gets a permutation of 0..n-1; n <=
 * DOCKER_CONTAINERS_MAX. */
void docker_api_order(const struct docker_entry *const *entries, size_t n, size_t *order);

/* Cuts a stream into its lines. Empty ones are passed over; one longer than DOCKER_LINE_MAX is told
 * as an empty one. */
struct docker_lines {
    struct buf text;
    bool skipping; /* the rest of a line too long */
};
void docker_lines_init(struct docker_lines *lines);
void docker_lines_finish(struct docker_lines *lines);
void docker_lines_feed(struct docker_lines *lines, const char *bytes, size_t length,
                       void (*line)(void *context, const char *bytes, size_t length),
                       void *context);

#endif
