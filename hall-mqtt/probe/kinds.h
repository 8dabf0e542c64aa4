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
 * HTTP GET, judged by the status; the body is not read, redirects are not followed. Whatever comes
 * after a TCP connection, silence too, is an answer of the machine. Of several tries of one check
 * only the first that connects sends its request.
 *
 * http: the plain case, http:// and a dotted address, with nothing but sockets.
 * https: all others, by libcurl, which alone weighs more than the rest of Hall and is therefore
 * loaded only when such a check is configured. No proxy is used, certificates are verified.
 */
bool http_is_plain(const char *url);
int http_create(const struct probe_env *env, struct probe_kind **ret_kind);
int https_create(const struct probe_env *env, struct probe_kind **ret_kind);

#define PROBE_USER_AGENT "Hall/" HALL_VERSION " (check)"

#endif
