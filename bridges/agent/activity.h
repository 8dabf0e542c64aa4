/*
 * activity: is this server in use? A decision over one sample of what was seen: each check that
 * finds something, and each that could not be made, is a veto with a name. Pure.
 */
#ifndef HALL_AGENT_ACTIVITY_H
#define HALL_AGENT_ACTIVITY_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridges/agent/docker.h"
#include "bridges/agent/proc.h"

enum {
    ACTIVITY_SESSIONS_MAX = 32,
    ACTIVITY_INHIBITORS_MAX = 32,
    ACTIVITY_PORTS_MAX = 64,
    ACTIVITY_PROCESSES_MAX = 64,
    ACTIVITY_SEEN_MAX = 8, /* of a kind that are named; more are counted */
    ACTIVITY_VETOES_MAX = 24,
    ACTIVITY_VETO_SIZE = 160,
    ACTIVITY_PROBLEM_SIZE = 128,
};

/* Which checks are made, and from where on they count; zero, NULL or negative: not made. */
struct activity_limits {
    bool sessions, inhibitors, connections;
    size_t n_ports; /* of connections; 0: every port that is published */
    const uint16_t *ports;
    int64_t window; /* ms: bytes that moved within it are use */
    double load;
    int64_t network, disk; /* bytes a second */
    size_t n_processes;
    const char *const *processes;
    const char *command; /* its name, for people */
};

struct activity_session {
    char user[64], host[64], seat[32], class[24], state[16];
    bool remote, idle;
};

struct activity_inhibitor {
    char who[64], why[96], what[64], mode[16];
};

/* One that is open, and on which bytes moved. */
struct activity_connection {
    uint16_t port;
    char peer[INET6_ADDRSTRLEN];
    int64_t bytes;    /* in the last minute; -1: not counted */
    int64_t quiet_ms; /* since then nothing moved */
};

struct activity_connections {
    char problem[ACTIVITY_PROBLEM_SIZE];
    size_t n, more;
    struct activity_connection list[ACTIVITY_SEEN_MAX];
};

/* What one look saw. A problem that is not "" says why a check could not be made. */
struct activity_sample {
    struct {
        char problem[ACTIVITY_PROBLEM_SIZE];
        size_t n;    /* in the list */
        size_t more; /* beyond it */
        struct activity_session list[ACTIVITY_SESSIONS_MAX];
    } sessions;
    struct {
        char problem[ACTIVITY_PROBLEM_SIZE];
        size_t n, more;
        struct activity_inhibitor list[ACTIVITY_INHIBITORS_MAX];
    } inhibitors;
    struct activity_connections connections;
    struct {
        char problem[ACTIVITY_PROBLEM_SIZE];
        double value; /* load, or bytes a second */
    } load, network, disk;
    struct {
        char problem[ACTIVITY_PROBLEM_SIZE];
        size_t n, more;
        char list[ACTIVITY_SEEN_MAX][PROC_COMM_SIZE];
    } processes;
    struct {
        char problem[ACTIVITY_PROBLEM_SIZE];
        bool active;
    } command;
};

struct vetoes {
    size_t n;
    size_t more; /* that found no place */
    char list[ACTIVITY_VETOES_MAX][ACTIVITY_VETO_SIZE];
};

/* containers: of them the busy ones count; NULL: none are looked after. Each veto begins with the
 * check's name as in the configuration: "sessions: root by ssh from 192.0.2.7". */
void activity_judge(const struct activity_limits *limits, const struct activity_sample *sample,
                    const struct docker_view *containers, struct vetoes *ret_vetoes);

/* Someone is there: a remote session always, a local one unless it says it is idle. */
bool activity_session_counts(const struct activity_session *session);
/* It keeps the machine from sleeping or going down. */
bool activity_inhibitor_counts(const struct activity_inhibitor *inhibitor);

/* "1.2 MB/s". Returns out. */
char *activity_format_rate(double bytes_a_second, char *out, size_t size);

#endif
