/*
 * ask: the questions of hallctl setup at a terminal, each with a default in brackets. An answer
 * that the plan refuses is explained and asked for again. Nothing is written here.
 */
#ifndef HALL_HALLCTL_SETUP_ASK_H
#define HALL_HALLCTL_SETUP_ASK_H

#include "hallctl/setup/setup.h"

/* Adds to the answers what they do not have yet. False: the terminal was closed, or Ctrl-C. */
bool ask_answers(struct arena *arena, struct setup_request *request, struct setup_found *found,
                 const struct setup_secrets *secrets);
/* Whether to write it now. */
bool ask_consent(enum say_language language);

#endif
