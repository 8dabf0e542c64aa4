/*
 * hallctl: the command line. Each command is one row of the table in main.c; a command gets its own
 * arguments (argv[0] is its name), prints its result to stdout and its errors to stderr, and
 * returns the exit status of the program.
 */
#ifndef HALL_HALLCTL_HALLCTL_H
#define HALL_HALLCTL_HALLCTL_H

#include <stdio.h>

enum hallctl_exit {
    HALLCTL_OK = 0,
    HALLCTL_ERROR = 1, /* what was read is wrong, or could not be done */
    HALLCTL_USAGE = 2, /* the command line is wrong */
};

struct hallctl_command {
    const char *name;
    const char *summary; /* one line of `hallctl --help` */
    int (*run)(int argc, char *argv[]);
    void (*help)(FILE *out);
};

int simulate_run(int argc, char *argv[]);
void simulate_help(FILE *out);

#endif
