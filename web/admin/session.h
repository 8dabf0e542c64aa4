/*
 * session: who is logged in to the dashboard. A session is known by a digest of its token alone, so
 * that nobody who sees this memory can use it. It ends after 20 minutes without use, and after 8
 * hours in any case. Pure: time (boot clock, ms) is passed in; the caller locks.
 */
#ifndef HALL_WEB_ADMIN_SESSION_H
#define HALL_WEB_ADMIN_SESSION_H

#include <stdbool.h>
#include <stdint.h>

enum {
    SESSIONS_MAX = 16, /* a further login ends the one unused for longest */
    SESSION_ID_SIZE = 32,
    SESSION_IDLE_MS = 20 * 60 * 1000,
    SESSION_LIFE_MS = 8 * 60 * 60 * 1000,
};

struct session {
    bool open;
    uint8_t id[SESSION_ID_SIZE];
    int64_t began, used;
};

struct sessions {
    struct session list[SESSIONS_MAX];
};

void sessions_open(struct sessions *sessions, const uint8_t id[SESSION_ID_SIZE], int64_t now);
/* Is it open? used: by a person, which puts off its end; a page that only refreshes itself does
 * not. ret_until (or NULL): when it ends if it is not used any more. */
bool sessions_find(struct sessions *sessions, const uint8_t id[SESSION_ID_SIZE], bool used,
                   int64_t now, int64_t *ret_until);
/* False: it was not open. */
bool sessions_close(struct sessions *sessions, const uint8_t id[SESSION_ID_SIZE], int64_t now);
/* The cookie's name. Over TLS browsers take "__Host-" only from this very host, for it alone and
 * with Secure (RFC 6265bis, 4.1.3): no neighbour in the domain can set one in its place. */
const char *session_cookie_name(bool tls);
/* The token that a Cookie header names (RFC 6265): 256 bits in hex. False: none, or it has another
 * form; of several the first counts. header may be NULL. */
enum { SESSION_TOKEN_SIZE = 65 };
bool session_cookie(const char *header, bool tls, char ret_token[SESSION_TOKEN_SIZE]);

#endif
