/* say_enroll: what hallctl enroll tells while it waits, in each language. Pure data and its filling
 * in. */
#ifndef HALL_SAY_SAY_ENROLL_H
#define HALL_SAY_SAY_ENROLL_H

#include "say/say.h"

enum enroll_word {
    ENROLL_PASTE,        /* server, minutes: the line follows */
    ENROLL_PRINTED,      /* file, server */
    ENROLL_FETCHED,      /* server, address */
    ENROLL_ELSEWHERE,    /* address, server, its address */
    ENROLL_USED,         /* address */
    ENROLL_WRONG,        /* address */
    ENROLL_REGISTERED,   /* server */
    ENROLL_ONLINE,       /* server */
    ENROLL_RELAY_ONLINE, /* relay */
    ENROLL_NOBODY,       /* server, minutes */
    ENROLL_UNFINISHED,   /* server, what hallctl enroll is given for it */
    ENROLL_OFFLINE,      /* server, seconds, program */
    ENROLL_STOPPED,
};
enum { ENROLL_WORDS = ENROLL_STOPPED + 1, ENROLL_PARAMS = 3 };

const char *say_enroll_name(enum enroll_word word); /* "enroll.paste" */
/* Parameters that a sentence does not have are NULL. */
void say_enroll(enum enroll_word word, enum say_language language,
                const char *const params[ENROLL_PARAMS], struct buf *out);

#endif
