/* How often passwords and keys may be tried. */
#include <string.h>

#include "base/address.h"
#include "base/log.h"
#include "web/admin/admin_internal.h"

enum { TOLD_PAUSE_MS = 10000, KEY_SHORT = 16, PASSWORD_SHORT = 8 };

static void too_many(struct call *call, int64_t wait_ms)
{
    answer_begin(call->answer, 429);
    answer_header_number(call->answer, "Retry-After", (long)(wait_ms + 999) / 1000);
    answer_problem(call->answer,
                   "Too many failed attempts; wait as long as Retry-After says, then try again.");
}

static bool is_key(const struct call *call, const char *given)
{
    const char *key = call->admin->secrets->api_key;
    uint8_t a[SECRET_DIGEST_SIZE];
    uint8_t b[SECRET_DIGEST_SIZE];

    if (!key)
        return false;
    secret_digest(call->admin->key, given, strlen(given), a);
    secret_digest(call->admin->key, key, strlen(key), b);
    return secret_equal(a, sizeof(a), b, sizeof(b));
}

bool guess_key(struct call *call, const char *given)
{
    struct admin *admin = call->admin;
    char who[ADDRESS_TEXT_SIZE];
    bool good = is_key(call, given);

    address_format_client(call->request->address, who);
    pthread_mutex_lock(&admin->lock);
    int64_t wait = good ? throttle_ask(&admin->throttle, who, call->now)
                        : throttle_attempt(&admin->throttle, who, call->now);
    pthread_mutex_unlock(&admin->lock);
    if (wait > 0) {
        too_many(call, wait);
        return false;
    }
    if (!good)
        call_refuse(call, 401, admin->secrets->api_key ? &FACT(ACCESS_KEY) : &FACT(ACCESS_NO_KEY));
    call->by_key = good;
    return good;
}

/* ---- Passwords ---- */

/* Whoever is kept away may knock as often as he likes: now and then a line is enough. */
static void note_too_many(struct call *call)
{
    struct admin *admin = call->admin;
    const char *who = call->request->who;
    unsigned others = 0;

    pthread_mutex_lock(&admin->lock);
    bool tells = call->now - admin->throttled_told >= TOLD_PAUSE_MS;
    if (tells) {
        admin->throttled_told = call->now;
        others = admin->throttled_untold;
        admin->throttled_untold = 0;
    } else {
        admin->throttled_untold++;
    }
    pthread_mutex_unlock(&admin->lock);
    if (!tells)
        return;
    log_warning("admin: login from %s refused: too many failed attempts (%u more since the last "
                "such line)",
                who, others);
    admin_tell(admin, ADMIN_LOGIN_FAILED, who, "/login", "too many failed attempts");
}

bool guess_password(struct call *call)
{
    struct admin *admin = call->admin;
    char who[ADDRESS_TEXT_SIZE];

    address_format_client(call->request->address, who);
    pthread_mutex_lock(&admin->lock);
    int64_t wait = throttle_attempt(&admin->throttle, who, call->now);
    pthread_mutex_unlock(&admin->lock);
    if (wait > 0) {
        note_too_many(call);
        too_many(call, wait);
    }
    return wait == 0;
}

/* ---- At the start ---- */

static void warn(const char *variable, const char *value, size_t enough, const char *advice)
{
    if (value && strlen(value) < enough)
        log_warning("admin: %s has fewer than %zu bytes and may be guessed; %s", variable, enough,
                    advice);
}

void guess_warn(const struct secrets *secrets)
{
    warn("HALL_API_KEY", secrets->api_key, KEY_SHORT, "make one with `openssl rand -hex 32`");
    warn("ADMIN_PASSWORD", secrets->admin_password, PASSWORD_SHORT, "choose a longer one");
}
