/*
 * command: reads what people and programs send to the command topics of servers, projects and Hall
 * itself, in all its forms, into a struct command of the core; and decides what must be refused
 * before the core sees it. Pure.
 */
#ifndef HALL_WORDS_COMMAND_H
#define HALL_WORDS_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "core/fleet.h"
#include "words/topic.h"

/*
 * Reads one payload that came on a command topic. retained: the message was a retained one (only a
 * hold with an end may be). now is for `expires` and `until`; wall 0: what time it is is not known
 * yet, and neither is judged. 0, or -errno with what was wrong and what is
 * allowed in ret_why: -EINVAL not understood, -ESTALE retained or expired,
 * -ERANGE a value out of range, -ENOTSUP. On failure as much of id and by as could be read is in
 * ret_command, so that the refusal can carry them. An empty payload is what clearing a retained
 * message looks like: but for a policy (back to the configured one) and a hold (released) it is
 * -EINVAL, and FACT_COMMAND_EMPTY unless it is retained where it may not be. A retained hold that
 * says `for` (no `until`) would start again at each replay: the caller leaves it with its end
 * instead.
 */
int command_read(const struct topic *topic, const void *payload, size_t length, bool retained,
                 struct now now, struct command *ret_command, struct fact *ret_why);
/* May it stand on the broker? Then it has an end. */
bool command_may_be_retained(enum topic_kind kind);
/* The server that it is for: the topic's, or that of the project it names, which becomes the
 * command's site. MODEL_NONE: neither is configured. */
int command_subject(const struct model *model, const struct topic *topic, struct command *command);

#endif
