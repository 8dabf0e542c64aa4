/*
 * kinds: the kinds of probe, each behind the port of attempt.h. 0 or -errno; made by the prober as
 * the model needs them.
 */
#ifndef HALL_PROBE_KINDS_H
#define HALL_PROBE_KINDS_H

#include "probe/attempt.h"

/*
 * ICMP echo (RFC 792) on one datagram socket. An answer is believed when it comes from the address
 * asked and carries the random number of a request under way. Where the kernel refuses the socket,
 * this is logged once and every try is PROBE_UNABLE, until it is permitted. So it is on loopback,
 * where the kernel answers for everyone.
 */
int icmp_create(const struct probe_env *env, struct probe_kind **ret_kind);

/* TCP connect: nothing is sent, the connection is closed at once. */
int tcp_create(const struct probe_env *env, struct probe_kind **ret_kind);

/*
 * HTTP GET by libcurl, judged by the status: the rest of the answer is not read, redirects are not
 * followed, no proxy is used, certificates are verified. Whatever comes after a TCP connection,
 * silence too, is an answer of the machine. Of several tries of one check only the first that
 * connects sends its request.
 */
int http_create(const struct probe_env *env, struct probe_kind **ret_kind);

#endif
