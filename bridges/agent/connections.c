#include "bridges/agent/connections.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "bridges/agent/forwarded.h"
#include "bridges/agent/guests.h"
#include "bridges/agent/traffic.h"
#include "loop/sockets.h"

enum { PORTS = 65536 };

struct connections {
    const struct activity_limits *limits;
    struct sockets *sockets; /* NULL until it could be opened */
    struct forwarded *forwarded;
    struct guests *guests;
    struct traffic traffic;
    int64_t now;
    uint8_t published[PORTS / 8]; /* a bit for each port; rebuilt by each look */
};

/* ---- which ports ---- */

static bool is_loopback(const struct in6_addr *address)
{
    return IN6_IS_ADDR_LOOPBACK(address) ||
           (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == 127);
}

static void publish(struct connections *connections, uint16_t port)
{
    connections->published[port / 8] |= (uint8_t)(1U << port % 8);
}

static bool is_published(const struct connections *connections, uint16_t port)
{
    return (connections->published[port / 8] >> port % 8 & 1) != 0;
}

static bool names_ports(const struct connections *connections)
{
    return connections->limits->n_ports > 0;
}

static void publish_named(struct connections *connections)
{
    memset(connections->published, 0, sizeof(connections->published));
    for (size_t i = 0; i < connections->limits->n_ports; i++)
        publish(connections, connections->limits->ports[i]);
}

/* On ports that were named every client counts; otherwise not this machine itself, nor its
 * containers. */
static bool is_visitor(const struct connections *connections, const struct in6_addr *from,
                       const struct in6_addr *to)
{
    return names_ports(connections) || (!is_loopback(from) && !IN6_ARE_ADDR_EQUAL(from, to) &&
                                        !guests_have(connections->guests, from));
}

/* ---- looking ---- */

static bool take_socket(void *context, const struct tcp_socket *socket)
{
    struct connections *connections = context;
    if (socket->listening && !names_ports(connections) && !is_loopback(&socket->local))
        publish(connections, socket->local_port);
    if (socket->listening || !is_published(connections, socket->local_port) ||
        !is_visitor(connections, &socket->remote, &socket->local) ||
        socket->received + socket->sent <= 1) /* some kernels count the handshake */
        return true;
    const struct traffic_seen seen = {.id = socket->id,
                                      .peer = socket->remote,
                                      .port = socket->local_port,
                                      .counted = true,
                                      .timed = true,
                                      .bytes = (int64_t)(socket->received + socket->sent),
                                      .quiet_ms = socket->quiet_ms};
    return traffic_take(&connections->traffic, &seen, connections->now) == 0;
}

/* A forwarded port is published by being forwarded. */
static bool take_flow(void *context, const struct forwarded_flow *flow)
{
    struct connections *connections = context;
    if (!flow->open || (names_ports(connections) && !is_published(connections, flow->port)) ||
        !is_visitor(connections, &flow->from, &flow->to))
        return true;
    const struct traffic_seen seen = {.id = flow->id,
                                      .peer = flow->from,
                                      .port = flow->port,
                                      .counted = flow->counted,
                                      .timed = !flow->counted,
                                      .bytes = flow->bytes,
                                      .quiet_ms =
                                          forwarded_silent_s(connections->forwarded, flow) * 1000};
    return traffic_take(&connections->traffic, &seen, connections->now) == 0;
}

static int look_sockets(struct connections *connections)
{
    const int error = connections->sockets ? 0 : sockets_create(&connections->sockets);
    return error < 0 ? error : sockets_list(connections->sockets, take_socket, connections);
}

static void explain(const char *what, int error, char problem[ACTIVITY_PROBLEM_SIZE])
{
    if (error == -EPERM)
        snprintf(problem, ACTIVITY_PROBLEM_SIZE,
                 "%s cannot be seen without CAP_NET_ADMIN; the unit of hall-agent grants it", what);
    else if (error == -ENOENT)
        snprintf(problem, ACTIVITY_PROBLEM_SIZE,
                 "no tcp_diag in this kernel; load that module, or turn connections off");
    else
        snprintf(problem, ACTIVITY_PROBLEM_SIZE, "%s cannot be seen: %s", what, strerror(-error));
}

bool connections_look(struct connections *connections, int64_t now, int64_t window_ms,
                      struct activity_connections *ret_connections)
{
    connections->now = now;
    ret_connections->problem[0] = '\0';
    publish_named(connections);
    guests_look(connections->guests);
    int error = look_sockets(connections);
    if (error < 0)
        explain("the sockets of this machine", error, ret_connections->problem);
    error = forwarded_list(connections->forwarded, take_flow, connections);
    if (error < 0)
        explain("forwarded connections", error, ret_connections->problem);
    const bool fresh = traffic_end(&connections->traffic, now, window_ms);
    traffic_judge(&connections->traffic, now, window_ms, ret_connections);
    return fresh;
}

/* ---- life ---- */

int connections_create(const struct activity_limits *limits, struct connections **ret_connections)
{
    struct connections *connections = calloc(1, sizeof(*connections));
    int error = connections ? forwarded_create(&connections->forwarded) : -ENOMEM;
    if (error == 0)
        error = guests_create(&connections->guests);
    if (error < 0) {
        connections_destroy(connections);
        return error;
    }
    connections->limits = limits;
    *ret_connections = connections;
    return 0;
}

void connections_destroy(struct connections *connections)
{
    if (!connections)
        return;
    sockets_destroy(connections->sockets);
    forwarded_destroy(connections->forwarded);
    guests_destroy(connections->guests);
    traffic_finish(&connections->traffic);
    free(connections);
}
