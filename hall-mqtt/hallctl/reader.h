/*
 * reader: whoever looks at this terminal: their language, by LC_ALL, LC_MESSAGES or LANG, their
 * zone, and what may be shown to them.
 */
#ifndef HALL_HALLCTL_READER_H
#define HALL_HALLCTL_READER_H

#include "say/say.h"

enum say_language reader_language(void);
const struct local *reader_local(void);
/* Both, and now. What it points to stays. */
struct say_how reader_how(void);

/* Makes text of others one line that can be shown: what a terminal would obey becomes '?'. Returns
 * it. */
const char *reader_show(struct buf *text);

#endif
