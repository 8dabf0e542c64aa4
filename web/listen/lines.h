/*
 * lines: what civetweb leaves open of a head: whether the lines it took apart are all of them, and
 * those behind its 64th, which are cut into names and values where they stand. Pure.
 */
#ifndef HALL_WEB_LISTEN_LINES_H
#define HALL_WEB_LISTEN_LINES_H

#include <stdbool.h>
#include <sys/types.h>

#include "web/gate/request.h"

/* civetweb takes apart a head in place and takes a blank at the beginning of a line for its end,
 * drops blanks before a colon, and lets LF alone end a line: others may read lines there that it
 * does not. Are these n lines all that stand behind `before`, with nothing between them but CRLF?
 * They are as civetweb left them, each CR and LF a NUL. NULL: no; else what follows the last. */
const char *lines_behind(const char *before, const struct header *lines, size_t n);

/* text: "Name: value" CRLF, again and again, up to an empty line or its NUL; it is changed. How
 * many there are. -EBADMSG: a line without a name, with a blank in it, folded, or not ended by
 * CRLF; -E2BIG: more than `size`. */
ssize_t lines_read(char *text, struct header *out, size_t size);

struct lines_taken {
    const char *before; /* the version, behind which the lines stand */
    const char *limit;  /* nothing of the head stands there any more */
    size_t most;        /* lines that civetweb takes apart at most */
};
/* Completes raw, which has the lines that civetweb took apart, by those behind them. all: room for
 * REQUEST_HEADERS_MAX, used where there are more. broken: others may read other lines. */
void lines_gather(const struct lines_taken *taken, struct header *all, struct raw_request *raw);

#endif
