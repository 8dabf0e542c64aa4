/*
 * hallctl: the command line. A verb is one row of its family's table: its name, operands, options,
 * and what it does; the families stand in main.c, one file each. A verb prints its result to stdout
 * and its errors to stderr, and returns the exit status of the program.
 */
#ifndef HALL_HALLCTL_HALLCTL_H
#define HALL_HALLCTL_HALLCTL_H

#include <stdio.h>

#include "base/places.h"
#include "hallctl/arguments.h"
#include "hallctl/settings.h"

enum hallctl_exit {
    HALLCTL_OK = 0,
    HALLCTL_ERROR = 1,       /* refused or failed, or what was read is wrong */
    HALLCTL_USAGE = 2,       /* the command line is wrong */
    HALLCTL_UNREACHABLE = 3, /* no broker, or no Hall behind it */
    HALLCTL_TIMEOUT = 4,     /* no answer, or no end, within the time */
};

/* Each says on stderr what is wrong with a call and returns the exit status, or -1 to go on. */
int hallctl_fail(const struct call *call, const char *what, const char *why);
int hallctl_refuse(const struct call *call, const char *what, const char *found,
                   const char *allowed);
/* The configuration of --config, else of the file fallback; NULL: none, and ret_config stays. */
int hallctl_config(const struct call *call, const char *fallback, struct config **ret_config);
int hallctl_settings(const struct call *call, struct settings *ret_settings);

/* Is it among the operands, or are there none? */
bool hallctl_names(const struct call *call, const char *id);

/* Prints and finishes it; an error where it did not fit. */
int hallctl_print(struct buf *out);

struct verb_family {
    const char *title; /* of its part of `hallctl --help` */
    const struct verb *verbs;
    size_t n_verbs;
};

extern const struct verb_family show_family;     /* verbs_show.c: status, why, projects */
extern const struct verb_family watch_family;    /* verbs_watch.c: watch */
extern const struct verb_family record_family;   /* verbs_record.c: events, stats */
extern const struct verb_family steer_family;    /* verbs_steer.c: wake, sleep, hold ... */
extern const struct verb_family wire_family;     /* verbs_wire.c: ping, send, discover */
extern const struct verb_family plan_family;     /* verbs_proxy.c: proxy-config */
extern const struct verb_family setup_family;    /* verbs_setup.c: setup */
extern const struct verb_family doctor_family;   /* doctor/: doctor */
extern const struct verb_family tool_family;     /* verbs_tool.c: check, hash-password */
extern const struct verb_family enroll_family;   /* verbs_enroll.c: enroll */
extern const struct verb_family complete_family; /* complete.c, hidden */

#endif
