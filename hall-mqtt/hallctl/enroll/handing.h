/*
 * handing: the helper hall-handout, seen from hallctl: started, given what it hands out, and heard.
 * It ends when this process ends, or closes it: then every token is void.
 */
#ifndef HALL_HALLCTL_ENROLL_HANDING_H
#define HALL_HALLCTL_ENROLL_HANDING_H

#include <stdbool.h>
#include <stdint.h>

#include "hallctl/enroll/script.h"

enum { HANDING_LINE = 256, HANDING_WORDS = 3, HANDING_PIN = 64 };

struct handing {
    int pid; /* 0: none */
    int to, from;
    char line[HANDING_LINE];
    size_t length;
};

enum handing_kind {
    HANDING_READY,   /* words: port, pin */
    HANDING_FETCHED, /* words: item, address */
    HANDING_ASKED,   /* likewise */
    HANDING_AGAIN,   /* likewise: its token was used before */
    HANDING_WRONG,   /* word: address; of a token nobody has */
    HANDING_FAILED,  /* words: why */
};

struct handing_event {
    enum handing_kind kind;
    const char *words[HANDING_WORDS]; /* borrowed until the next event; "" where there is none */
};

/* -errno: the helper cannot be started. A zeroed one is closed. */
int handing_open(struct handing *handing, const char *program);
void handing_close(struct handing *handing);

/* In this order; -EPIPE: the helper has ended. */
int handing_listen(struct handing *handing, const char *address,
                   uint16_t port); /* READY or FAILED comes */
int handing_item(struct handing *handing, const char *name, const char *token, const char *bytes,
                 size_t length);
int handing_ask(struct handing *handing, const char *name, const char *token);
int handing_serve(struct handing *handing);
int handing_answer(struct handing *handing, bool yes);

/* The next event, until the deadline (boot clock, ms) or until other is readable (-1: nothing
 * else). 1: an event, 0: other, -ETIMEDOUT, -EPIPE. */
int handing_next(struct handing *handing, int64_t deadline, int other,
                 struct handing_event *ret_event);

/* 32 characters of base64url. -EIO: no chance to be had. */
int enroll_token(char ret_token[ENROLL_TOKEN_SIZE]);

#endif
