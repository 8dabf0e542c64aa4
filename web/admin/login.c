/* Passwords and sessions. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/version.h"
#include "web/admin/admin_internal.h"
#include "web/gate/language.h"

enum { HASH_WAIT_MS = 6000, LOGIN_BODY_MAX = 8192 };

/* ---- The password's hash ---- */

/* Another password ends what began with the one before. */
static void set_hash(struct admin *admin, const char *hash)
{
    pthread_mutex_lock(&admin->lock);
    text_copy(admin->hash, sizeof(admin->hash), hash);
    admin->sessions = (struct sessions){0};
    pthread_mutex_unlock(&admin->lock);
}

static bool read_hash(struct admin *admin, char out[SECRET_HASH_SIZE])
{
    pthread_mutex_lock(&admin->lock);
    memcpy(out, admin->hash, SECRET_HASH_SIZE);
    pthread_mutex_unlock(&admin->lock);
    return out[0] != '\0';
}

void login_digest_password(struct admin *admin, uint8_t out[SECRET_DIGEST_SIZE])
{
    char hash[SECRET_HASH_SIZE];

    (void)read_hash(admin, hash);
    secret_digest(admin->key, hash, strlen(hash), out);
    secret_wipe(hash, sizeof(hash));
}

static void recall_sessions(struct admin *admin, const struct admin_sessions *kept)
{
    uint8_t password[SECRET_DIGEST_SIZE];

    login_digest_password(admin, password);
    if (kept && admin->hash[0] != '\0' &&
        secret_equal((const char *)password, sizeof(password), (const char *)kept->password,
                     sizeof(kept->password)))
        admin->sessions = kept->open;
}

/* ADMIN_PASSWORD, and the hash kept from before: made anew where they do not belong together. */
static void *make_first(void *context)
{
    struct admin *admin = context;
    const char *password = admin->secrets->admin_password;
    char hash[SECRET_HASH_SIZE];
    bool known = read_hash(admin, hash);

    if (!known || hasher_verify(admin->hasher, hash, password, HASH_WAIT_MS) != 0) {
        int error = hasher_hash(admin->hasher, password, HASH_WAIT_MS, hash);
        if (error == 0) {
            set_hash(admin, hash);
            admin_tell(admin, ADMIN_HASHED, "", "", hash);
            log_info("admin: the hash of ADMIN_PASSWORD is kept; the password itself can be "
                     "removed from the environment");
        } else {
            log_error("admin: ADMIN_PASSWORD cannot be hashed: %s; nobody can log in",
                      strerror(-error));
        }
        if (error == 0 && known)
            log_warning("admin: ADMIN_PASSWORD differs from the password kept so far; it counts "
                        "from now on");
    }
    atomic_store(&admin->hashing, false);
    return NULL;
}

static int start_first(struct admin *admin)
{
    sigset_t all;
    sigset_t before;

    atomic_store(&admin->hashing, true);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&admin->first, NULL, make_first, admin);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    admin->has_first = error == 0;
    return -error;
}

/* HALL_ADMIN_PASSWORD_HASH comes first, then ADMIN_PASSWORD, then what an earlier start kept. */
static void find_hash(struct admin *admin, const char *stored_hash)
{
    const char *given = admin->secrets->admin_password_hash;

    if (given && !secret_is_hash(given))
        log_error("admin: HALL_ADMIN_PASSWORD_HASH is no Argon2id hash of at most 64 MiB; nobody "
                  "can log in; make one with `hallctl hash-password`");
    if (given)
        set_hash(admin, secret_is_hash(given) ? given : "");
    else if (stored_hash && secret_is_hash(stored_hash))
        set_hash(admin, stored_hash);
    else if (!admin->secrets->admin_password)
        log_warning("admin: no password is set, so nobody can log in; make a line for the "
                    "environment file with `hallctl hash-password`");
}

int login_start(struct admin *admin, const char *stored_hash, const struct admin_sessions *kept)
{
    find_hash(admin, stored_hash);
    recall_sessions(admin, kept);
    return admin->secrets->admin_password && !admin->secrets->admin_password_hash
               ? start_first(admin)
               : 0;
}

/* ---- Tokens ---- */

static void to_hex(const uint8_t *bytes, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * n] = '\0';
}

/* What is kept of a token, and what a page has to show besides it; neither leads to the other. */
static void digest(const struct admin *admin, const char *purpose, const char *token,
                   uint8_t out[SECRET_DIGEST_SIZE])
{
    char text[TOKEN_SIZE + 16];
    int length = snprintf(text, sizeof(text), "%s:%s", purpose, token);
    secret_digest(admin->key, text, (size_t)length, out);
    secret_wipe(text, sizeof(text));
}

static void recall(struct call *call, const char *token)
{
    uint8_t csrf[SECRET_DIGEST_SIZE];
    digest(call->admin, "session", token, call->session);
    digest(call->admin, "csrf", token, csrf);
    to_hex(csrf, sizeof(csrf), call->csrf);
}

/* As far as a trusted proxy says. */
static bool over_tls(const struct call *call)
{
    const char *proto =
        call->request->trusted ? call->request->fields[FIELD_FORWARDED_PROTO] : NULL;
    return proto && strcasecmp(proto, "https") == 0;
}

void login_recognise(struct call *call)
{
    struct admin *admin = call->admin;
    char token[TOKEN_SIZE];

    if (!session_cookie(call_header(call, "Cookie"), over_tls(call), token))
        return;
    recall(call, token);
    secret_wipe(token, sizeof(token));
    pthread_mutex_lock(&admin->lock);
    /* What a page does by itself, to stay up to date, keeps nobody logged in. */
    call->has_session = sessions_find(&admin->sessions, call->session,
                                      !call_header(call, "X-Hall-Background") &&
                                          strcmp(call->request->path, "/api/v1/stream") != 0,
                                      call->now, &call->until);
    pthread_mutex_unlock(&admin->lock);
}

/* ---- What needs a login ---- */

static bool check_page(struct call *call)
{
    const char *token = call_header(call, "X-CSRF-Token");

    if (strcmp(call->raw->method, "GET") == 0 || strcmp(call->raw->method, "HEAD") == 0)
        return true;
    if (!door_same_origin(call)) {
        call_refuse(call, 403, &FACT(ACCESS_ORIGIN));
        return false;
    }
    if (!token || !secret_equal(token, strlen(token), call->csrf, strlen(call->csrf))) {
        call_refuse(call, 403, &FACT(ACCESS_TOKEN));
        return false;
    }
    return true;
}

bool login_required(struct call *call)
{
    const char *key = call_header(call, "X-API-Key");
    if (key)
        return guess_key(call, key);
    if (call->has_session)
        return check_page(call);
    call_refuse(call, 401, &FACT(ACCESS_LOGIN));
    return false;
}

/* ---- Logging in ---- */

static void set_cookie(struct call *call, const char *token)
{
    const bool tls = over_tls(call);
    char cookie[160];

    snprintf(cookie, sizeof(cookie), "%s=%s; Path=/; HttpOnly; SameSite=Strict%s%s",
             session_cookie_name(tls), token, tls ? "; Secure" : "",
             token[0] == '\0' ? "; Max-Age=0" : "");
    answer_header(call->answer, "Set-Cookie", cookie);
    secret_wipe(cookie, sizeof(cookie));
}

static void write_info(struct call *call)
{
    static const char *const languages[] = {"en", "fr"};
    char hash[SECRET_HASH_SIZE];
    struct json_writer writer;
    bool configured = read_hash(call->admin, hash) || atomic_load(&call->admin->hashing);

    json_writer_init(&writer, &call->answer->room);
    json_begin_object(&writer, NULL);
    json_put_bool(&writer, "authenticated", call->has_session);
    json_put_bool(&writer, "configured", configured);
    json_put_string(&writer, "csrf", call->has_session ? call->csrf : NULL);
    if (call->has_session)
        json_put_time(&writer, "until", clock_wall_at(clock_now(), call->until));
    else
        json_put_null(&writer, "until");
    json_put_string(&writer, "language",
                    languages[language_choose(call->request->fields[FIELD_ACCEPT_LANGUAGE])]);
    json_put_string(&writer, "site", call->admin->site);
    json_put_string(&writer, "version", HALL_VERSION);
    json_end_object(&writer);
    secret_wipe(hash, sizeof(hash));
}

void login_route_info(struct call *call)
{
    answer_begin(call->answer, 200);
    write_info(call);
    answer_never_kept(call->answer);
    answer_end(call->answer, "application/json");
}

void login_route_page(struct call *call)
{
    answer_begin(call->answer, 303);
    answer_header(call->answer, "Location", "/");
    answer_never_kept(call->answer);
    answer_end(call->answer, NULL);
}

/* Nobody knows who sends it: it is read in its turn. */
static bool read_login_body(struct call *call)
{
    struct turnstile *turnstile = &call->admin->turnstile;
    if (!turnstile_enter(turnstile, exchange_peer(call->exchange), call->request->who)) {
        answer_begin(call->answer, 503);
        answer_header_number(call->answer, "Retry-After", 1);
        answer_problem(call->answer, "Others log in at this moment; try again in a second.");
        return false;
    }
    bool whole = counter_read_body(call, LOGIN_BODY_MAX);
    turnstile_leave(turnstile);
    return whole;
}

/* {"password":"..."}; false: it was answered. */
static bool read_password(struct call *call, char out[SECRET_PASSWORD_MAX + 1])
{
    struct json_error error;
    struct json *json = NULL;
    const struct buf *body = &call->worker->body;

    if (!read_login_body(call))
        return false;
    const char *password = NULL;
    if (json_read(buf_text(body), body->length, &json_limits_payload, &json, &error) == 0)
        password = json_get_string(json, "password");
    bool good = password && password[0] != '\0' && strlen(password) <= SECRET_PASSWORD_MAX;
    if (good)
        text_copy(out, SECRET_PASSWORD_MAX + 1, password);
    json_free(json);
    secret_wipe(body->text, body->length);
    if (!good)
        call_problem(call, 400, "Send {\"password\": \"...\"} as JSON, 1024 bytes at most.");
    return good;
}

/* A session of its own for each login: the one before, whoever began it, ends. */
static int begin_session(struct call *call, char token[TOKEN_SIZE])
{
    struct admin *admin = call->admin;
    char who[ADDRESS_TEXT_SIZE];
    uint8_t random[(TOKEN_SIZE - 1) / 2];
    int error = secret_random(random, sizeof(random));
    if (error != 0)
        return error;
    to_hex(random, sizeof(random), token);
    address_format_client(call->request->address, who);
    pthread_mutex_lock(&admin->lock);
    if (call->has_session)
        sessions_close(&admin->sessions, call->session, call->now);
    recall(call, token);
    sessions_open(&admin->sessions, call->session, call->now);
    throttle_forgive(&admin->throttle, who);
    call->has_session =
        sessions_find(&admin->sessions, call->session, true, call->now, &call->until);
    pthread_mutex_unlock(&admin->lock);
    secret_wipe(random, sizeof(random));
    return 0;
}

static void welcome(struct call *call)
{
    char token[TOKEN_SIZE] = "";
    if (begin_session(call, token) != 0) {
        call_problem(call, 500, "No random numbers are to be had; see Hall's log.");
        return;
    }
    log_info("admin: login from %s", call->request->who);
    admin_tell(call->admin, ADMIN_LOGIN, call->request->who, "/login", "logged in");
    answer_begin(call->answer, 200);
    write_info(call);
    set_cookie(call, token);
    answer_never_kept(call->answer);
    answer_end(call->answer, "application/json");
    secret_wipe(token, sizeof(token));
}

static void turn_away(struct call *call, int error)
{
    const char *who = call->request->who;
    if (error != -EACCES) {
        call_problem(call, 503, "The password cannot be checked at the moment; try again.");
        return;
    }
    log_warning("admin: login failed from %s: wrong password", who);
    admin_tell(call->admin, ADMIN_LOGIN_FAILED, who, "/login", "wrong password");
    call_problem(call, 401, "The password is wrong.");
}

/* At most a few wait for their hash, so that workers stay free for those who are logged in. */
static void try_password(struct call *call, const char *hash, const char *password)
{
    struct admin *admin = call->admin;
    int error = -EBUSY;

    if (atomic_fetch_add(&admin->logins, 1) < ADMIN_LOGINS)
        error = hasher_verify(admin->hasher, hash, password, HASH_WAIT_MS);
    atomic_fetch_sub(&admin->logins, 1);
    if (error == 0)
        welcome(call);
    else
        turn_away(call, error);
}

void login_route_post(struct call *call)
{
    char password[SECRET_PASSWORD_MAX + 1];
    char hash[SECRET_HASH_SIZE];

    if (!door_same_origin(call)) {
        call_refuse(call, 403, &FACT(ACCESS_ORIGIN));
        return;
    }
    /* Hall has only just started: the first hash is there in a moment. */
    static const struct timespec pause = {.tv_nsec = 10000000};
    for (int waited = 0; atomic_load(&call->admin->hashing) && waited < HASH_WAIT_MS; waited += 10)
        nanosleep(&pause, NULL);
    if (!read_hash(call->admin, hash)) {
        call_problem(call, 503,
                     "No password is set: run `hallctl hash-password`, put its line into "
                     "HALL_ADMIN_PASSWORD_HASH and restart Hall.");
        return;
    }
    if (read_password(call, password) && guess_password(call))
        try_password(call, hash, password);
    secret_wipe(password, sizeof(password));
    secret_wipe(hash, sizeof(hash));
}

void login_route_out(struct call *call)
{
    struct admin *admin = call->admin;

    /* Without a session as well: the answer takes the cookie away, and that is not for others. */
    if (!door_same_origin(call)) {
        call_refuse(call, 403, &FACT(ACCESS_ORIGIN));
        return;
    }
    if (call->has_session && !check_page(call))
        return;
    pthread_mutex_lock(&admin->lock);
    if (call->has_session)
        sessions_close(&admin->sessions, call->session, call->now);
    pthread_mutex_unlock(&admin->lock);
    if (call->has_session)
        admin_tell(admin, ADMIN_LOGOUT, call->request->who, "/logout", "logged out");
    answer_begin(call->answer, 204);
    set_cookie(call, "");
    answer_never_kept(call->answer);
    answer_end(call->answer, NULL);
}
