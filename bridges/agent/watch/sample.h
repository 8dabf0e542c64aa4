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
    SAMPLE_SEEN_MAX = 8, /* of a kind that are named; more are counted */
};

/* Which checks are made, and from where on they count; zero, NULL or negative: not made. */
struct watch_config {
    const char *interface; /* NULL: that of the default route */
    bool sessions, inhibitors, connections;
    size_t n_ports; /* of connections; 0: every port that is published */
    const uint16_t *ports;
    int64_t window; /* ms: bytes that moved within it are use */
    double load;
    int64_t network, disk; /* bytes a second */
    size_t n_processes;
    const char *const *processes;
    const char *const *command; /* argv, NULL-terminated */
};

/* One that is open, and on which bytes moved. */
struct sample_connection {
    uint16_t port;
    char peer[INET6_ADDRSTRLEN];
    int64_t bytes;    /* in the last minute; -1: not counted */
    int64_t quiet_ms; /* since then nothing moved */
};

struct sample_connections {
    struct fact problem;
    size_t n, more;
    struct sample_connection list[SAMPLE_SEEN_MAX];
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
    struct sample_number load, network, disk;
    struct {
        struct fact problem;
        size_t n, more;
        char list[SAMPLE_SEEN_MAX][PROC_COMM_SIZE];
    } processes;
    struct {
        struct fact problem;
        bool active;
    } command;
};

#endif
