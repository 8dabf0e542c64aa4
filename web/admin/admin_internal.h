/*
 * admin_internal: what the parts of the admin share. admin.c has its life and the inbox, door.c who
 * may come in, guess.c how often passwords and keys may be tried, login.c sessions, counter.c the
 * routes, stream.c the stream. Any worker may be in any of them: what changes is atomic or behind
 * the lock.
 */
#ifndef HALL_WEB_ADMIN_ADMIN_INTERNAL_H
#define HALL_WEB_ADMIN_ADMIN_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/address.h"
#include "web/admin/admin.h"
#include "web/admin/hasher.h"
#include "web/admin/session.h"
#include "web/admin/throttle.h"
#include "web/admin/turnstile.h"
#include "web/listen/listener.h"
#include "web/page/answer.h"

enum {
    ADMIN_WORKERS = 12, /* a browser opens six connections, and there are several browsers */
    ADMIN_KEPT = 6,     /* beyond, connections end with their answer */
    ADMIN_STREAMS = 3,  /* each holds a worker */
    ADMIN_LOGINS = 2,   /* so many may wait for their hash; others are told to come again */
    ADMIN_INBOX = 16,
    BODY_MAX = 64 * 1024,
    CONFIG_BODY_MAX = 1024 * 1024,
    TOKEN_SIZE = SESSION_TOKEN_SIZE,
};

/* Who may come in, copied from the configuration. */
struct rules {
    size_t n_allow;
    struct cidr *allow;
    struct proxies proxies;
    struct cidr *fronts;
    struct cidr *proxy_ranges;
    size_t n_hosts;
    char (*hosts)[REQUEST_HOST_SIZE]; /* the numbers it listens on too */
};

struct admin_worker {
    struct answer answer;
    struct buf body;
};

struct admin {
    struct listener *listener;
    struct admin_worker workers[ADMIN_WORKERS];
    const struct secrets *secrets;
    struct api *api;
    uint8_t key[SECRET_KEY_SIZE]; /* of all digests below */
    struct hasher *hasher;
    pthread_t first; /* makes or checks the first hash */
    bool has_first;
    char site[SLUG_MAX + 1];

    struct turnstile turnstile; /* bodies before a login */

    pthread_mutex_t rules_lock;
    struct rules rules;

    pthread_mutex_t lock; /* everything below */
    struct sessions sessions;
    struct throttle throttle;
    char hash[SECRET_HASH_SIZE]; /* of the password; "": none is set */
    int64_t refusal_told;
    unsigned refusals_untold;
    int64_t throttled_told;
    unsigned throttled_untold;

    atomic_bool closing;
    atomic_bool hashing; /* the first hash is not there yet */
    atomic_int streams, logins;
    struct inbox *inbox; /* of struct admin_news */
};

/* One request on its worker's thread. */
struct call {
    struct admin *admin;
    struct admin_worker *worker;
    struct exchange *exchange;
    const struct raw_request *raw;
    struct request *request;
    struct answer *answer;
    int64_t now; /* boot clock, ms */
    bool by_key; /* else by a session */
    bool has_session;
    uint8_t session[SESSION_ID_SIZE];
    char csrf[TOKEN_SIZE];
    int64_t until; /* when the session ends if nobody uses it */
    bool sent;     /* the whole answer has gone out already */
};

/* ---- admin.c ---- */

void admin_tell(struct admin *admin, enum admin_news_kind kind, const char *who, const char *path,
                const char *why);
void admin_tell_refused(struct admin *admin, const char *who, const char *path,
                        const struct fact *why);

/* ---- door.c ---- */

int rules_copy(const struct config *config, struct rules *ret_rules);
void rules_finish(struct rules *rules);
/* A header's value; NULL: absent, or it came twice. */
const char *call_header(const struct call *call, const char *name);
void call_problem(struct call *call, int status, const char *detail);
/* The same, logged and told. */
void call_refuse(struct call *call, int status, const struct fact *why);
/* Reads the request and looks at address and host. False: it was answered. */
bool door_opens(struct call *call);
/* May it go on, by the rules of now? */
bool door_stays_open(struct call *call);
/* Did a page of ours send this, as far as the browser says? */
bool door_same_origin(struct call *call);

/* ---- guess.c ---- */

/* May it be tried, and is it the key? False: it was answered. */
bool guess_password(struct call *call);
bool guess_key(struct call *call, const char *given);
/* Warns of what is too short. */
void guess_warn(const struct secrets *secrets);

/* ---- login.c ---- */

/* kept: sessions of before, which go on if the password is the same; or NULL. */
int login_start(struct admin *admin, const char *stored_hash, const struct admin_sessions *kept);
/* What tells one password's hash from another's. */
void login_digest_password(struct admin *admin, uint8_t out[SECRET_DIGEST_SIZE]);
/* Finds the session the cookie names. */
void login_recognise(struct call *call);
/* A key or a session, and for changes by a session our own page. False: it was answered. */
bool login_required(struct call *call);
void login_route_page(struct call *call);
void login_route_post(struct call *call);
void login_route_info(struct call *call);
void login_route_out(struct call *call);

/* ---- counter.c ---- */

/* The body into the worker's buf. False: it was answered. */
bool counter_read_body(struct call *call, size_t limit);
int counter_serve(void *context, unsigned worker, struct exchange *exchange,
                  const struct raw_request *raw);
void counter_refuse(void *context, unsigned worker, struct exchange *exchange, int status,
                    const struct fact *why);

/* ---- stream.c ---- */

void stream_route(struct call *call);

#endif
