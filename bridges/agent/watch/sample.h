/*
 * sample: what one look at this machine saw, and what of it counts by the configuration. Plain
 * data, shared by those who look, judge and report.
 */
#ifndef HALL_BRIDGES_AGENT_WATCH_SAMPLE_H
#define HALL_BRIDGES_AGENT_WATCH_SAMPLE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridges/agent/docker/docker.h"
#include "bridges/agent/logind/logind.h"
#include "bridges/agent/watch/proc.h"

enum {
    WATCH_PORTS_MAX = 64,
    WATCH_PROCESSES_MAX = 64,
    WATCH_IGNORED_MAX = 64,
    SAMPLE_SEEN_MAX = 8,    /* of a kind that are named; more are counted */
    SAMPLE_SILENT_MAX = 64, /* of each port, owed an answer or not */
};

/* Which checks are made, and from where on they count; zero, NULL or negative: not made. */
struct watch_config {
    const char *interface; /* NULL: that of the default route */
    bool sessions, inhibitors, idle_inhibitors, connections;
    bool terminals, copies, packages, jobs, guests, execs, shares;
    size_t n_ports; /* of connections; 0: every port that is published */
    const uint16_t *ports;
    int64_t window; /* ms: bytes that moved within it are use */
    double load;
    double processor;      /* how many of them are busy */
    int64_t network, disk; /* bytes a second */
    int64_t sustained;     /* ms: so long processor, network and disk are measured */
    size_t n_processes;
    const char *const *processes;
    size_t n_copies; /* 0: the programs of the table */
    const char *const *copy_programs;
    size_t n_ignored; /* programs, units, files and guests that are no use, by whichever check they
                         are found */
    const char *const *ignored;
    unsigned unseen;            /* a bit for each check, in their order: not to see is no veto */
    const char *const *command; /* argv, NULL-terminated */
};

/* One that is open, and on which bytes moved. */
struct sample_connection {
    uint16_t port;
    char peer[INET6_ADDRSTRLEN];
    int64_t bytes;    /* in the last minute; -1: not counted */
    int64_t quiet_ms; /* since then nothing moved */
};

/* The one of a port that moved last, of those that are open and on which nothing moves any more. */
struct sample_silence {
    uint16_t port;
    char peer[INET6_ADDRSTRLEN];
    int64_t quiet_ms;
    bool owed; /* the client spoke last; of those that are owed nothing another one is listed */
};

struct sample_connections {
    struct fact problem;
    size_t n, more, n_silent;
    struct sample_connection list[SAMPLE_SEEN_MAX];
    struct sample_silence silent[SAMPLE_SILENT_MAX]; /* the latest first; others are left out */
};

/* Programs, units, guests: what was found that counts, and where. */
struct sample_thing {
    char what[64], where[64];
};

struct sample_found {
    struct fact problem;
    size_t n, more;
    struct sample_thing list[SAMPLE_SEEN_MAX];
};

struct sample_number {
    struct fact problem;
    double value; /* load, or bytes a second */
};

/* A problem says why a check could not be made; FACT_NONE: it was. */
struct watch_sample {
    const struct docker_view *containers; /* NULL: none are looked after, or not heard of yet */
    struct logind_sessions sessions;
    struct logind_inhibitors inhibitors;
    struct sample_connections connections;
    struct sample_number load, processor, network, disk;
    struct sample_found processes, terminals, copies, packages, jobs, guests, execs;
    struct sample_found shares, unseen_shares; /* clients with open files, or of which that is not
                                                  known */
    struct {
        struct fact problem;
        bool active;
    } command;
};

#endif
