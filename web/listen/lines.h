/*
 * lines: the header lines behind those that civetweb takes apart, which are 64 at most. The text is
 * cut into names and values where it stands. Pure.
 */
#ifndef HALL_WEB_LISTEN_LINES_H
#define HALL_WEB_LISTEN_LINES_H

#include <sys/types.h>

#include "web/gate/request.h"

/* text: "Name: value" CRLF, again and again, up to an empty line or its NUL; it is changed. How
 * many there are. -EBADMSG: a line without a name, with a blank in it, folded, or not ended by
 * CRLF; -E2BIG: more than `size`. */
ssize_t lines_read(char *text, struct header *out, size_t size);

#endif
