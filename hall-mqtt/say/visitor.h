/*
 * visitor: every sentence the waiting page says, in each language it speaks. At most one place to
 * be filled in each. Typography is each language's own: no-break spaces, apostrophes and quotation
 * marks are the real ones. Pure.
 */
#ifndef HALL_SAY_VISITOR_H
#define HALL_SAY_VISITOR_H

#include "core/power.h"
#include "say/say.h"

#define NBSP  "\u00a0" /* no-break space */
#define NNBSP "\u202f" /* the narrow one French puts before ; ! ? */

enum word {
    WORD_TAG,
    WORD_DECIMAL,
    WORD_TITLE_CLICK,
    WORD_TITLE_WAKING,
    WORD_TITLE_BOOTING,
    WORD_TITLE_DEGRADED,
    WORD_TITLE_SLEEPING,
    WORD_TITLE_READY,
    WORD_TITLE_FAILED,
    WORD_TITLE_REFUSED,
    WORD_TITLE_HELD,
    WORD_TITLE_LIMITED,
    WORD_TITLE_CLOSED,
    WORD_CLICK,
    WORD_WAKING,
    WORD_PACKET_SENT,
    WORD_BOOTING,
    WORD_FIRST_SIGN,
    WORD_AGENT_ONLINE,
    WORD_DOCKER_UP,
    WORD_CONTAINERS,
    WORD_ANSWERS,
    WORD_DEGRADED,
    WORD_REASON,
    WORD_AILS_DOCKER,
    WORD_AILS_AGENT,
    WORD_AILS_MISSING,
    WORD_AILS_RESTARTS,
    WORD_AILS_UNHEALTHY,
    WORD_AILS_FAILED,
    WORD_SLEEPING,
    WORD_READY,
    WORD_FAILED,
    WORD_FAILED_NO_SIGN,
    WORD_FAILED_NOT_READY,
    WORD_FAILED_NO_PACKET,
    WORD_FAILED_CANCELLED,
    WORD_FAILED_DEPENDENCY,
    WORD_ADVICE,
    WORD_REFUSED,
    WORD_HELD_DOWN,
    WORD_HELD_OFTEN,
    WORD_CLIENT_WAKES,
    WORD_CLIENT_MINUTES,
    WORD_PROJECT_WAKES,
    WORD_PROJECT_MINUTES,
    WORD_CLOSED,
    WORD_WHEN_HELD,
    WORD_WHEN_LIMITED,
    WORD_WHEN_OPEN,
    WORD_ABOUT_LEFT,
    WORD_SECONDS_LEFT,
    WORD_NO_ESTIMATE,
    WORD_OVERDUE,
    WORD_OVERDUE_LEFT,
    WORD_ELAPSED,
    WORD_PROGRESS,
    WORD_STAGES_LABEL,
    WORD_ON_SERVER,
    WORD_START,
    WORD_RETRY,
    WORD_LOST,
    WORD_FOOTER,
    WORD_FOOTER_REFUSED,
    WORD_NOSCRIPT,
    WORD_SENT,
    WORD_STAGE_AFTER,
    WORD_STAGE_AT_ONCE,
    WORD_STAGE_DONE,
    WORD_STAGE_NOW,
    WORD_STAGE_TODO,
    WORD_STAGE_USUALLY,
    WORD_STAGE_PASSED,
    WORD_STAGE_MISSED,
    WORD_STAGES, /* one for each stage of a wake, in their order */
    WORDS = WORD_STAGES + STAGES,
};

/* As it stands in the table, with "%s" for its place; NULL for WORDS. */
const char *visitor_word(enum word word, enum say_language language);
/* The same, filled in. */
void visitor_say(enum word word, enum say_language language, const char *filling, struct buf *out);

#endif
