/*
 * program: what the daemons' main() have in common: the options --config, --check, --reload,
 * --verbose, --version and --help, and the state a process is put into before any thread exists.
 */
#ifndef HALL_BASE_PROGRAM_H
#define HALL_BASE_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"

struct program {
    const char *name;
    const char *purpose; /* one line */
    const char *config;  /* the default file */
    const char *secrets; /* one line: where they come from */
    bool reloads;        /* reads its configuration again at SIGHUP */
};

enum {
    PROGRAM_ERRORS_LIMIT = 65536, /* bytes of a configuration's errors */
    PROGRAM_EXIT_CONFIG = 78,     /* EX_CONFIG: to start again helps nobody; the units know it */
};

struct program_arguments {
    const char *config;
    bool check;
    int64_t reload; /* the process that shall read its configuration; 0: none */
    enum log_level level;
};

/* Returns -1 to go on, else the exit status: everything was said. */
int program_arguments(const struct program *program, int argc, char *argv[],
                      struct program_arguments *ret_arguments);

/* Signals come through the loop (SIGTERM, SIGINT, SIGHUP and SIGCHLD are blocked), a closed
 * connection is an error and no signal, and one allocation arena is enough for threads that hardly
 * allocate. */
void program_prepare(void);

#endif
