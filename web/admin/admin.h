/*
 * admin: the dashboard's listener: who may come in (address, host, password or key), sessions, the
 * files of the dashboard, and the door to /api/v1. Workers answer; what the loop should know (a
 * login, a refusal) waits in an inbox. Settings are copied, so that a new configuration can replace
 * them at any time.
 */
#ifndef HALL_WEB_ADMIN_ADMIN_H
#define HALL_WEB_ADMIN_ADMIN_H

#include <stdint.h>

#include "config/config.h"
#include "secret/secret.h"
#include "web/admin/session.h"
#include "web/admin/throttle.h"
#include "web/api/api.h"

struct admin;

/* Who is logged in, as it is kept over a restart: digests alone, of tokens and of the password's
 * hash. Times are of the boot clock. */
struct admin_sessions {
    bool has_key;
    uint8_t key[SECRET_KEY_SIZE]; /* of the digests, where HALL_SECRET_KEY gives none */
    uint8_t password[SECRET_DIGEST_SIZE];
    struct sessions open;
};

struct admin_options {
    const struct config *config;   /* borrowed while it is read */
    const struct secrets *secrets; /* outlives the admin */
    const char *stored_hash;       /* of the password, as kept from an earlier start; or NULL */
    const struct throttle_known *known;    /* as kept from an earlier start; or NULL */
    const struct admin_sessions *sessions; /* as kept from an earlier start; or NULL */
    struct api *api;                       /* outlives the admin */
};

/* Listens on /http/admin and starts its workers. -EACCES, -ENOMEM, -errno; the log says what to do.
 */
int admin_create(const struct admin_options *options, struct admin **ret_admin);
size_t admin_retry(struct admin *admin); /* the ports that were taken; how many still are */
void admin_destroy(struct admin *admin);

/* Loop thread: who may come in from now on. Sessions stay. -ENOMEM: as before. */
int admin_configure(struct admin *admin, const struct config *config);

/* Who is known now, to be kept over a restart. Any thread. */
struct throttle_known admin_known(struct admin *admin);
void admin_sessions(struct admin *admin, struct admin_sessions *ret_sessions);

enum admin_news_kind {
    ADMIN_LOGIN,
    ADMIN_LOGIN_FAILED,
    ADMIN_LOGOUT,
    ADMIN_REFUSED,
    ADMIN_HASHED, /* why is the hash of ADMIN_PASSWORD, to be kept */
};
struct admin_news {
    enum admin_news_kind kind;
    char who[48];
    char path[96];
    union {
        char why[160];
        struct fact refused; /* REFUSED: why */
    };
};
/* Loop thread: readable when news wait. */
int admin_fd(const struct admin *admin);
bool admin_take(struct admin *admin, struct admin_news *ret_news); /* false: none left */

#endif
