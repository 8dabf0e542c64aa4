#include "bridges/agent/watch/visitors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bridges/agent/watch/forwarded.h"
#include "bridges/agent/watch/guests.h"
#include "bridges/agent/watch/traffic.h"
#include "loop/sockets.h"

enum { PORTS = 65536 };

struct visitors {
    const struct watch_config *config;
    struct sockets *sockets; /* NULL until it could be opened */
    struct forwarded *forwarded;
    struct guests *guests;
    struct traffic traffic;
    int64_t now;
    int error;                    /* of what was taken */
    uint8_t published[PORTS / 8]; /* a bit for each port; rebuilt by each look */
};

/* ---- which ports ---- */

static bool is_loopback(const struct in6_addr *address)
{
    return IN6_IS_ADDR_LOOPBACK(address) ||
           (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == 127);
}

static void publish(struct visitors *visitors, uint16_t port)
{
    visitors->published[port / 8] |= (uint8_t)(1U << port % 8);
}

static bool is_published(const struct visitors *visitors, uint16_t port)
{
    return (visitors->published[port / 8] >> port % 8 & 1) != 0;
}

static bool names_ports(const struct visitors *visitors)
{
    return visitors->config->n_ports > 0;
}

/* On ports that were named every client counts; otherwise not this machine itself, nor its
 * containers. */
static bool is_visitor(const struct visitors *visitors, const struct in6_addr *from,
                       const struct in6_addr *to)
{
    return names_ports(visitors) || (!is_loopback(from) && !IN6_ARE_ADDR_EQUAL(from, to) &&
                                     !guests_have(visitors->guests, from));
}

/* ---- looking ---- */

static bool take_socket(void *context, const struct tcp_socket *socket)
{
    struct visitors *visitors = context;
    if (socket->listening && !names_ports(visitors) && !is_loopback(&socket->local))
        publish(visitors, socket->local_port);
    if (socket->listening || !is_published(visitors, socket->local_port) ||
        !is_visitor(visitors, &socket->remote, &socket->local) ||
        socket->received + socket->sent <= 1) /* some kernels count the handshake */
        return true;
    const struct traffic_seen seen = {.id = socket->id,
                                      .peer = socket->remote,
                                      .port = socket->local_port,
                                      .counted = true,
                                      .timed = true,
                                      .owed = socket->quiet_in_ms < socket->quiet_out_ms,
                                      .bytes = (int64_t)(socket->received + socket->sent),
                                      .quiet_ms = socket->quiet_ms};
    visitors->error = traffic_take(&visitors->traffic, &seen, visitors->now);
    return visitors->error == 0;
}

/* A forwarded port is published by being forwarded. */
static bool take_flow(void *context, const struct forwarded_flow *flow)
{
    struct visitors *visitors = context;
    if (!flow->open || (names_ports(visitors) && !is_published(visitors, flow->port)) ||
        !is_visitor(visitors, &flow->from, &flow->to))
        return true;
    const struct traffic_seen seen = {.id = flow->id,
                                      .peer = flow->from,
                                      .port = flow->port,
                                      .counted = flow->counted,
                                      .timed = !flow->counted,
                                      .bytes = flow->bytes,
                                      .quiet_ms =
                                          forwarded_silent_s(visitors->forwarded, flow) * 1000};
    visitors->error = traffic_take(&visitors->traffic, &seen, visitors->now);
    return visitors->error == 0;
}

/* Without the right there may be forwarded connections that cannot be seen; sockets need none. */
static struct fact explain(enum fact_code code, int error)
{
    const struct fact failed = {.parts = {{.code = (uint16_t)code}}};
    return error == -EPERM    ? FACT(LOOK_NO_CAPABILITY)
           : error == -E2BIG  ? FACT(LOOK_TOO_MANY, .n = {TRAFFIC_MAX})
           : error == -ENOENT ? FACT(LOOK_NO_TCP_DIAG)
                              : fact_with(failed, strerror(-error), NULL);
}

bool visitors_look(struct visitors *visitors, int64_t now, int64_t window_ms,
                   struct sample_connections *ret_seen)
{
    visitors->now = now;
    visitors->error = 0;
    ret_seen->problem = FACT(NONE);
    memset(visitors->published, 0, sizeof(visitors->published));
    for (size_t i = 0; i < visitors->config->n_ports; i++)
        publish(visitors, visitors->config->ports[i]);
    guests_look(visitors->guests);
    int error = visitors->sockets ? 0 : sockets_create(&visitors->sockets);
    if (error == 0)
        error = sockets_list(visitors->sockets, take_socket, visitors);
    if (error == 0)
        error = visitors->error;
    if (error < 0)
        ret_seen->problem = explain(FACT_LOOK_NO_SOCKETS, error);
    error = forwarded_list(visitors->forwarded, take_flow, visitors);
    if (error == 0)
        error = visitors->error;
    if (error < 0)
        ret_seen->problem = explain(FACT_LOOK_NO_FORWARDED, error);
    const bool fresh = traffic_end(&visitors->traffic, now, window_ms);
    traffic_judge(&visitors->traffic, now, window_ms, ret_seen);
    return fresh;
}

/* ---- life ---- */

int visitors_create(const struct watch_config *config, struct visitors **ret_visitors)
{
    struct visitors *visitors = calloc(1, sizeof(*visitors));
    int error = visitors ? forwarded_create(&visitors->forwarded) : -ENOMEM;
    if (error == 0)
        error = guests_create(&visitors->guests);
    if (error < 0) {
        visitors_destroy(visitors);
        return error;
    }
    visitors->config = config;
    *ret_visitors = visitors;
    return 0;
}

void visitors_destroy(struct visitors *visitors)
{
    if (!visitors)
        return;
    sockets_destroy(visitors->sockets);
    forwarded_destroy(visitors->forwarded);
    guests_destroy(visitors->guests);
    traffic_finish(&visitors->traffic);
    free(visitors);
}
