/* phrase: an event of the bus in words for people. Pure. */
#ifndef HALL_HALLCTL_EVENT_WORDS_H
#define HALL_HALLCTL_EVENT_WORDS_H

#include "base/json.h"

/* "the server answers", "wake requested: wake command by cron". Control characters are shown as
 * '?'. Returns out. */
char *phrase_event(const struct json *event, char *out, size_t size);

#endif
