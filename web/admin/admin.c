#include "web/admin/admin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "web/admin/admin_internal.h"
#include "web/board/inbox.h"

static const struct listener_role role = {
    .name = "the dashboard",
    .pointer = "/http/admin",
    .workers = ADMIN_WORKERS,
    .may_come_later = true,
    .new_ms = 150, /* browsers connect in advance */
    .kept_max = ADMIN_KEPT,
    .serve = counter_serve,
    .refuse = counter_refuse,
};

/* ---- The inbox ---- */

/* The newest is dropped where it is full: the loop is busy with what came before. */
void admin_tell(struct admin *admin, enum admin_news_kind kind, const char *who, const char *path,
                const char *why)
{
    struct admin_news news = {.kind = kind};

    text_copy(news.who, sizeof(news.who), who);
    text_copy(news.path, sizeof(news.path), path);
    text_copy(news.why, sizeof(news.why), why);
    (void)inbox_put(admin->inbox, &news);
}

void admin_tell_refused(struct admin *admin, const char *who, const char *path,
                        const struct fact *why)
{
    struct admin_news news = {.kind = ADMIN_REFUSED, .refused = *why};

    text_copy(news.who, sizeof(news.who), who);
    text_copy(news.path, sizeof(news.path), path);
    (void)inbox_put(admin->inbox, &news);
}

int admin_fd(const struct admin *admin)
{
    return inbox_fd(admin->inbox);
}

bool admin_take(struct admin *admin, struct admin_news *ret_news)
{
    return inbox_take(admin->inbox, ret_news);
}

/* ---- Life ---- */

static void end_reading(void *context, uint64_t peer)
{
    listener_end_reading(((struct admin *)context)->listener, peer);
}

/* Digests are keyed by HALL_SECRET_KEY, or by chance: by what is kept with the sessions. */
static int make_key(struct admin *admin, const struct admin_sessions *kept)
{
    static const uint8_t zero[SECRET_KEY_SIZE];
    const char *secret = admin->secrets->secret_key;
    int error = secret_start();
    if (error != 0)
        return error;
    if (!secret && kept && kept->has_key) {
        memcpy(admin->key, kept->key, sizeof(admin->key));
        return 0;
    }
    if (!secret)
        return secret_random(admin->key, sizeof(admin->key));
    secret_digest(zero, secret, strlen(secret), admin->key);
    return 0;
}

static int make_parts(struct admin *admin, const struct admin_options *options)
{
    int error = make_key(admin, options->sessions);
    guess_warn(admin->secrets);
    if (error == 0)
        error = rules_copy(options->config, &admin->rules);
    if (error == 0)
        error = hasher_create(&admin->hasher);
    if (error == 0)
        error = login_start(admin, options->stored_hash, options->sessions);
    if (error == 0)
        error = listener_create(&role, admin, options->config->http.admin,
                                options->config->http.n_admin, &admin->listener);
    return error;
}

struct throttle_known admin_known(struct admin *admin)
{
    pthread_mutex_lock(&admin->lock);
    struct throttle_known known = throttle_known(&admin->throttle);
    pthread_mutex_unlock(&admin->lock);
    return known;
}

void admin_sessions(struct admin *admin, struct admin_sessions *ret_sessions)
{
    *ret_sessions = (struct admin_sessions){.has_key = !admin->secrets->secret_key};
    if (ret_sessions->has_key)
        memcpy(ret_sessions->key, admin->key, sizeof(ret_sessions->key));
    login_digest_password(admin, ret_sessions->password);
    pthread_mutex_lock(&admin->lock);
    ret_sessions->open = admin->sessions;
    pthread_mutex_unlock(&admin->lock);
}

int admin_create(const struct admin_options *options, struct admin **ret_admin)
{
    struct admin *admin = calloc(1, sizeof(*admin));
    if (!admin)
        return -ENOMEM;
    admin->secrets = options->secrets;
    admin->api = options->api;
    text_copy(admin->site, sizeof(admin->site), options->config->site);
    admin->refusal_told = admin->throttled_told = INT64_MIN / 2;
    turnstile_init(&admin->turnstile, end_reading, admin);
    pthread_mutex_init(&admin->rules_lock, NULL);
    pthread_mutex_init(&admin->lock, NULL);
    if (options->known)
        throttle_recall(&admin->throttle, options->known);
    for (size_t i = 0; i < ADMIN_WORKERS; i++)
        answer_init(&admin->workers[i].answer);
    int error = inbox_create(sizeof(struct admin_news), ADMIN_INBOX, &admin->inbox);
    if (error == 0)
        error = make_parts(admin, options);
    if (error != 0) {
        admin_destroy(admin);
        return error;
    }
    *ret_admin = admin;
    return 0;
}

size_t admin_retry(struct admin *admin)
{
    return listener_retry(admin->listener);
}

int admin_configure(struct admin *admin, const struct config *config)
{
    struct rules rules;
    int error = rules_copy(config, &rules);
    if (error != 0)
        return error;
    pthread_mutex_lock(&admin->rules_lock);
    struct rules old = admin->rules;
    admin->rules = rules;
    pthread_mutex_unlock(&admin->rules_lock);
    rules_finish(&old);
    return 0;
}

void admin_destroy(struct admin *admin)
{
    if (!admin)
        return;
    atomic_store(&admin->closing, true);
    listener_destroy(admin->listener);
    if (admin->has_first)
        pthread_join(admin->first, NULL);
    hasher_destroy(admin->hasher);
    for (size_t i = 0; i < ADMIN_WORKERS; i++) {
        answer_finish(&admin->workers[i].answer);
        buf_finish(&admin->workers[i].body);
    }
    rules_finish(&admin->rules);
    inbox_destroy(admin->inbox);
    turnstile_finish(&admin->turnstile);
    pthread_mutex_destroy(&admin->rules_lock);
    pthread_mutex_destroy(&admin->lock);
    secret_wipe(admin, sizeof(*admin));
    free(admin);
}
