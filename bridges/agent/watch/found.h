/*
 * found: what a check found that counts, by name: a few of them, and how many more. Names come from
 * outside, and are made fit to be shown.
 */
#ifndef HALL_BRIDGES_AGENT_WATCH_FOUND_H
#define HALL_BRIDGES_AGENT_WATCH_FOUND_H

#include "bridges/agent/watch/vetoes.h"

/* One more, unless it is there already; where: "" or where it is. */
void found_add(struct sample_found *found, const char *what, const char *where);

/* For judges: a veto with this code for each, its texts what and where. */
void found_judge(const struct sample_found *found, const char *check, enum fact_code code,
                 struct vetoes *vetoes);

#endif
