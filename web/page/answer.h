/*
 * answer: one HTTP response as text, made in memory that its worker keeps and uses again. The body
 * is written first, behind room for the head, so that head and body leave in one write. Pure.
 */
#ifndef HALL_WEB_PAGE_ANSWER_H
#define HALL_WEB_PAGE_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "core/fact.h"

enum { ANSWER_HEAD_MAX = 3 * 8192 + 2048, ANSWER_LIMIT = 256 * 1024 };

struct answer {
    bool close;       /* set by the listener before: the connection ends with this answer */
    bool head_only;   /* and this: the request was HEAD */
    int status;       /* what was answered */
    const char *text; /* the whole response; lives until the next answer_begin */
    size_t length;
    const char *always; /* further lines of every head, whichever function makes it; or NULL */
    const void *apart;  /* a body that is sent behind text */
    size_t apart_length;
    struct buf head;
    struct buf room;
};

void answer_init(struct answer *answer);
void answer_finish(struct answer *answer);

/* A response that is complete as it stands: the fast path. With a body, `text` is used only where
 * head_only is not. */
void answer_fixed(struct answer *answer, int status, const char *text, size_t length);

/* Begins anew; the body may then be written to the buf this returns. */
struct buf *answer_begin(struct answer *answer, int status);
/* One header line. Values from outside must be clean already: control characters in one make it
 * vanish. */
void answer_header(struct answer *answer, const char *name, const char *value);
void answer_header_number(struct answer *answer, const char *name, long value);
/* Puts head and body together. type NULL: no body. */
void answer_end(struct answer *answer, const char *type);

/* The same, with a body that lives elsewhere: the listener sends it behind text. */
void answer_end_apart(struct answer *answer, const char *type, const void *body, size_t length);

/* Headers of everything that must not be kept or indexed. */
void answer_never_kept(struct answer *answer);
/* A whole RFC 9457 answer; more headers may be added before. Call after answer_begin. */
void answer_problem(struct answer *answer, const char *detail);
/* The same, of a fact without names from the configuration. */
void answer_refuse(struct answer *answer, const struct fact *why);

const char *answer_reason(int status);

#endif
