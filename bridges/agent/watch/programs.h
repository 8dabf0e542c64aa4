/*
 * programs: whether a process is one that a table lists: by its name, by how long it has run, and
 * by the words that make of it a service which runs for ever. Pure but for the command line that it
 * reads.
 */
#ifndef HALL_BRIDGES_AGENT_WATCH_PROGRAMS_H
#define HALL_BRIDGES_AGENT_WATCH_PROGRAMS_H

#include "bridges/agent/watch/walk.h"

enum { PROGRAM_BRIEF_MS = 5000, PROGRAM_RESIDENT_WORDS = 4 };

struct program {
    const char *name;
    bool brief; /* scripts call it all the time: it counts once it has run for a while */
    /* One of these in its command line: a service that waits for work. Those that it starts for
     * each piece of work count. */
    const char *resident[PROGRAM_RESIDENT_WORDS];
};

bool program_counts(const struct walk *walk, const struct process *process,
                    const struct program *program);

/* The first of the table that this process is and that counts, or NULL. */
const struct program *program_find(const struct walk *walk, const struct process *process,
                                   const struct program *programs, size_t n);

#endif
