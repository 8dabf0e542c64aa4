/*
 * picture: what the broker holds of Hall, as far as it was read: its servers and projects with
 * their last word. Bounded: what does not fit is left out. Everything is a copy of its own. Pure.
 */
#ifndef HALL_HALLCTL_PICTURE_H
#define HALL_HALLCTL_PICTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"
#include "words/topic.h"

enum { PICTURE_MOST = 20000, PICTURE_WORD_SIZE = 24 };

/* A server or a project. JSON is NULL where nothing (or no JSON) was heard. */
struct known {
    char id[SLUG_MAX + 1];
    char state[PICTURE_WORD_SIZE], power[PICTURE_WORD_SIZE];
    struct json *status, *config;
    struct json *report; /* the agent's */
};

struct known_list { /* sorted by id */
    struct known **all;
    size_t n, size;
};

struct picture {
    const char *base;             /* borrowed */
    char hall[PICTURE_WORD_SIZE]; /* "online", "offline"; "" when nothing was heard */
    struct json *info;
    struct known_list servers, projects;
};

void picture_init(struct picture *picture, const char *base);
void picture_finish(struct picture *picture);

/* Takes one message; false where it is none that is kept here. ret_topic is what it is, where it is
 * one of Hall's. An empty one means that the server or project is no more. */
bool picture_take(struct picture *picture, const char *topic, const void *payload, size_t length,
                  struct topic *ret_topic);

/* NULL: not heard of. */
const struct known *picture_find(const struct known_list *list, const char *id);
/* What the agent of a server says of its use now; NULL: not known, as while it sleeps. */
const struct json *picture_vetoes(const struct known *server);
/* "erp, testing", as much as fits, for a message; "none" where there is none. Returns out. */
char *picture_names(const struct known_list *list, char *out, size_t size);
/* The one that was probably meant; NULL: none is like it. */
const char *picture_guess(const struct known_list *list, const char *id);

#endif
