/* Logging in, and what needs a login: login.c, guess.c and door.c over fakes of the hasher, the
 * bodies and the loop's inbox. */

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../fakes/transcript.h"
#include "base/array.h"
#include "say/say.h"
#include "unit.h"
#include "web/admin/admin_internal.h"

static struct admin admin;
static struct secrets secrets;
static struct raw_request raw;
static struct request request;
static struct header headers[8];
static struct call call;
static char kept_hash[SECRET_HASH_SIZE], other_hash[SECRET_HASH_SIZE];
static const char *body;
static bool body_comes;
static int verify_error, hash_error;
static int naps, naps_until_hashed; /* 10 ms each */

static struct cidr loopback[] = {CIDR_V4(0x7f000001, 32)};
static const struct proxies proxies = {.n = 1, .ranges = loopback};

/* ---- the fakes: each is linked in place of what it is named after ---- */

int hasher_verify(struct hasher *hasher, const char *hash, const char *password, int64_t limit_ms)
{
    (void)hasher;
    assert_int_equal(limit_ms, 6000);
    transcribe("verify %s by %s hash; ", password,
               strcmp(hash, kept_hash) == 0 ? "the kept" : "another");
    return verify_error;
}

int hasher_hash(struct hasher *hasher, const char *password, int64_t limit_ms,
                char ret_hash[SECRET_HASH_SIZE])
{
    (void)hasher;
    assert_int_equal(limit_ms, 6000);
    transcribe("hash %s; ", password);
    assert_true(admin.hashing); /* who logs in meanwhile waits */
    if (hash_error == 0)
        memcpy(ret_hash, other_hash, SECRET_HASH_SIZE);
    return hash_error;
}

void admin_tell(struct admin *to, enum admin_news_kind kind, const char *who, const char *path,
                const char *why)
{
    static const char *const kinds[] = {"login", "login failed", "logout", "refused", "hashed"};
    assert_ptr_equal(to, &admin);
    if (kind == ADMIN_HASHED)
        assert_string_equal(why, other_hash);
    transcribe("told: %s %s %s %s; ", kinds[kind], who, path, kind == ADMIN_HASHED ? "" : why);
}

void admin_tell_refused(struct admin *to, const char *who, const char *path, const struct fact *why)
{
    assert_ptr_equal(to, &admin);
    transcribe("told: refused %s %s %s; ", who, path, say_code_name(why->parts[0].code));
}

int nanosleep(const struct timespec *pause, struct timespec *rest)
{
    (void)rest;
    assert_int_equal(pause->tv_sec, 0);
    assert_int_equal(pause->tv_nsec, 10000000);
    if (++naps == naps_until_hashed) {
        text_copy(admin.hash, sizeof(admin.hash), kept_hash);
        admin.hashing = false;
    }
    return 0;
}

uint64_t exchange_peer(const struct exchange *exchange)
{
    assert_null(exchange);
    return 1;
}

bool counter_read_body(struct call *of, size_t limit)
{
    assert_int_equal(limit, 8192);
    buf_clear(&of->worker->body);
    if (body_comes)
        buf_puts(&of->worker->body, body);
    else
        call_problem(of, 413, "too long");
    return body_comes;
}

/* ---- helpers ---- */

static int set_up(void **state)
{
    memset(&admin, 0, sizeof(admin));
    turnstile_init(&admin.turnstile, NULL, NULL);
    pthread_mutex_init(&admin.lock, NULL);
    pthread_mutex_init(&admin.rules_lock, NULL);
    admin.secrets = &secrets;
    admin.throttled_told = admin.refusal_told = -1000000;
    admin.throttle.window = -1000000;
    text_copy(admin.site, sizeof(admin.site), "attic");
    text_copy(admin.hash, sizeof(admin.hash), kept_hash);
    secrets = (struct secrets){.api_key = NULL};
    answer_init(&admin.workers[0].answer);
    admin.workers[0].body = BUF_INIT(65536);
    verify_error = hash_error = 0;
    body = "";
    body_comes = true;
    call.now = 1000;
    transcript[0] = '\0';
    return 0;
}

static int tear_down(void **state)
{
    assert_int_equal(admin.turnstile.reader, 0);
    turnstile_finish(&admin.turnstile);
    answer_finish(&admin.workers[0].answer);
    buf_finish(&admin.workers[0].body);
    return 0;
}

/* A request from 192.168.1.7 through a trusted proxy; header lines end with a NULL name. */
static void ask(const char *method, const char *path, const struct header *more)
{
    const int64_t now = call.now;
    raw = (struct raw_request){.method = method, .target = path, .headers = headers};
    raw.peer = v4(INADDR_LOOPBACK);
    headers[raw.n_headers++] = (struct header){"Host", "hall.lan"};
    headers[raw.n_headers++] = (struct header){"X-Forwarded-For", "192.168.1.7"};
    for (; more && more->name; more++)
        headers[raw.n_headers++] = *more;
    assert_int_equal(request_read(&raw, &proxies, REQUEST_VIA_LED, &request), REQUEST_FINE);
    call = (struct call){.admin = &admin,
                         .worker = &admin.workers[0],
                         .raw = &raw,
                         .request = &request,
                         .answer = &admin.workers[0].answer,
                         .now = now};
    login_recognise(&call);
}

#define HEADERS(...) ((const struct header[]){__VA_ARGS__, {NULL, NULL}})

static void assert_answer(int status, const char *words)
{
    assert_int_equal(call.answer->status, status);
    if (!strstr(call.answer->text, words))
        fail_msg("\"%s\" is not in: %s", words, call.answer->text);
}

static void assert_no_word(const char *words)
{
    if (strstr(call.answer->text, words))
        fail_msg("\"%s\" is in: %s", words, call.answer->text);
}

static void log_in(const struct header *more)
{
    body = "{\"password\":\"open sesame\"}";
    ask("POST", "/login", more);
    login_route_post(&call);
}

static char cookie[128], csrf[80];

/* The cookie that the last answer set, and the token of its page. */
static void take_session(void)
{
    const char *set = strstr(call.answer->text, "Set-Cookie: hall_session=");
    assert_non_null(set);
    snprintf(cookie, sizeof cookie, "%.*s", 13 + 64, set + strlen("Set-Cookie: "));
    const char *token = strstr(call.answer->text, "\"csrf\":\"");
    assert_non_null(token);
    snprintf(csrf, sizeof csrf, "%.*s", 64, token + strlen("\"csrf\":\""));
}

/* Of the keyed digest, in hexadecimal digits: what a page shows of a token. */
static void assert_csrf_of(const char *token)
{
    uint8_t bytes[SECRET_DIGEST_SIZE];
    char text[160], hex[80] = "";
    snprintf(text, sizeof text, "csrf:%s", token);
    secret_digest(admin.key, text, strlen(text), bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    assert_string_equal(csrf, hex);
}

static bool has_session(const char *its_cookie)
{
    ask("GET", "/", HEADERS({"Cookie", its_cookie}, {"X-Hall-Background", "1"}));
    return call.has_session;
}

/* ---- the password's hash ---- */

static void the_hash_that_counts(void **state)
{
    static const char *const broken = "$argon2id$broken";
    const struct {
        const char *given, *stored, *counts;
    } rows[] = {
        {NULL, NULL, ""},
        {kept_hash, NULL, kept_hash},
        {NULL, kept_hash, kept_hash},
        {other_hash, kept_hash, other_hash}, /* the environment comes first */
        {broken, kept_hash, ""},             /* and is not passed over */
        {NULL, broken, ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        admin.hash[0] = '\0';
        secrets.admin_password_hash = rows[i].given;
        assert_int_equal(login_start(&admin, rows[i].stored, NULL), 0);
        assert_string_equal(admin.hash, rows[i].counts);
        assert_false(admin.has_first);
    }
    secrets.admin_password_hash = kept_hash;
    secrets.admin_password = "not needed";
    assert_int_equal(login_start(&admin, NULL, NULL), 0);
    assert_false(admin.has_first);
}

static void start_with_password(const char *stored)
{
    admin.hash[0] = '\0';
    secrets.admin_password = "open sesame";
    assert_int_equal(login_start(&admin, stored, NULL), 0);
    assert_true(admin.has_first);
    pthread_join(admin.first, NULL);
    assert_false(admin.hashing);
}

static void a_plain_password_is_hashed_once(void **state)
{
    start_with_password(NULL);
    assert_transcript("hash open sesame; told: hashed   ; ");
    assert_string_equal(admin.hash, other_hash);
    start_with_password(kept_hash);
    assert_transcript("verify open sesame by the kept hash; ");
    assert_string_equal(admin.hash, kept_hash);
    verify_error = -EACCES; /* it was changed since */
    start_with_password(kept_hash);
    assert_transcript("verify open sesame by the kept hash; hash open sesame; told: hashed   ; ");
    assert_string_equal(admin.hash, other_hash);
    hash_error = -ENOMEM;
    start_with_password(NULL);
    assert_transcript("hash open sesame; ");
    assert_string_equal(admin.hash, "");
}

/* ---- logging in ---- */

static void the_right_password_begins_a_session(void **state)
{
    log_in(NULL);
    assert_transcript("verify open sesame by the kept hash; told: login 192.168.1.7 /login logged "
                      "in; ");
    assert_answer(200, "\"authenticated\":true,\"configured\":true,\"csrf\":\"");
    assert_answer(200, "; Path=/; HttpOnly; SameSite=Strict\r\n");
    assert_answer(200, "Cache-Control: no-store");
    assert_answer(200, "application/json");
    take_session();
    assert_csrf_of(cookie + strlen("hall_session="));
    assert_true(has_session(cookie));
    assert_string_equal(call.csrf, csrf);
    assert_int_equal(admin.logins, 0);
    cookie[13]++; /* another token: 'g' or one digit more */
    assert_false(has_session(cookie));
}

static void the_cookie_is_secure_behind_https(void **state)
{
    static const struct {
        const char *proto;
        bool secure;
    } rows[] = {{"https", true}, {"HTTPS", true}, {"http", false}, {"httpsx", false}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        log_in(HEADERS({"X-Forwarded-Proto", rows[i].proto}));
        assert_answer(200, rows[i].secure ? "Set-Cookie: __Host-hall_session="
                                          : "Set-Cookie: hall_session=");
        if (rows[i].secure)
            assert_answer(200, "SameSite=Strict; Secure\r\n");
        else
            assert_no_word("Secure");
    }
    /* Only a proxy that is trusted knows. */
    body = "{\"password\":\"open sesame\"}";
    ask("POST", "/login", HEADERS({"X-Forwarded-Proto", "https"}));
    request.trusted = false;
    login_route_post(&call);
    assert_answer(200, "SameSite=Strict\r\n");
}

/* Hall has only just started: the first hash is there in a moment, or not at all. */
static void a_login_waits_for_the_first_hash(void **state)
{
    admin.hash[0] = '\0';
    admin.hashing = true;
    naps = 0;
    naps_until_hashed = 3;
    log_in(NULL);
    assert_answer(200, "\"authenticated\":true");
    assert_int_equal(naps, 3);
    admin.hash[0] = '\0';
    admin.hashing = true;
    naps = 0;
    naps_until_hashed = -1;
    log_in(NULL);
    assert_answer(503, "No password is set");
    assert_int_equal(naps, 600);
    admin.hashing = false;
    text_copy(admin.hash, sizeof(admin.hash), kept_hash);
    log_in(NULL);
    assert_int_equal(naps, 600);
}

/* A token that an attacker planted is worth nothing afterwards. */
static void each_login_has_a_session_of_its_own(void **state)
{
    char first[128], first_csrf[80];
    log_in(NULL);
    take_session();
    text_copy(first, sizeof(first), cookie);
    text_copy(first_csrf, sizeof(first_csrf), csrf);
    log_in(HEADERS({"Cookie", first}));
    take_session();
    assert_string_not_equal(first, cookie);
    assert_string_not_equal(first_csrf, csrf);
    assert_string_not_equal(cookie + 13, csrf); /* nor does one lead to the other */
    assert_false(has_session(first));
    assert_true(has_session(cookie));
    log_in(NULL); /* from another browser: that ends nothing */
    assert_true(has_session(cookie));
}

static void what_is_no_login(void **state)
{
    static const char *const bodies[] = {"",
                                         "{}",
                                         "[]",
                                         "open sesame",
                                         "{\"password\":\"\"}",
                                         "{\"password\":1}",
                                         "{\"password\":null}"};
    char text[1200];
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
        body = bodies[i];
        ask("POST", "/login", NULL);
        login_route_post(&call);
        assert_answer(400, "Send {\\\"password\\\": \\\"...\\\"} as JSON, 1024 bytes at most.");
    }
    snprintf(text, sizeof text, "{\"password\":\"%01025d\"}", 0);
    body = text;
    ask("POST", "/login", NULL);
    login_route_post(&call);
    assert_answer(400, "1024 bytes");
    assert_transcript("");
    snprintf(text, sizeof text, "{\"password\":\"%01024d\"}", 0);
    ask("POST", "/login", NULL);
    login_route_post(&call);
    assert_answer(200, "\"authenticated\":true");
    assert_int_equal(strspn(transcript + strlen("verify "), "0"), 1024);
    body_comes = false;
    ask("POST", "/login", NULL);
    login_route_post(&call);
    assert_answer(413, "too long");
}

static void who_cannot_log_in(void **state)
{
    log_in(HEADERS({"Origin", "https://evil.example"}));
    assert_answer(403, "\"access.origin\"");
    log_in(HEADERS({"Sec-Fetch-Site", "cross-site"}));
    assert_answer(403, "\"access.origin\"");
    verify_error = -EBUSY;
    transcript[0] = '\0';
    log_in(NULL);
    assert_answer(503, "The password cannot be checked at the moment");
    assert_transcript("verify open sesame by the kept hash; ");
    verify_error = 0;
    atomic_store(&admin.logins, ADMIN_LOGINS); /* others wait for their hash */
    log_in(NULL);
    assert_answer(503, "at the moment");
    assert_transcript("");
    assert_int_equal(admin.logins, ADMIN_LOGINS);
    atomic_store(&admin.logins, ADMIN_LOGINS - 1);
    log_in(NULL);
    assert_answer(200, "\"authenticated\":true");
    assert_int_equal(admin.logins, ADMIN_LOGINS - 1);
    admin.hash[0] = '\0';
    log_in(NULL);
    assert_answer(503, "No password is set");
}

static void wrong_passwords_are_counted(void **state)
{
    verify_error = -EACCES;
    for (int i = 0; i < 5; i++) {
        log_in(NULL);
        assert_answer(401, "The password is wrong.");
        assert_transcript("verify open sesame by the kept hash; told: login failed 192.168.1.7 "
                          "/login wrong password; ");
        assert_no_word("Set-Cookie");
    }
    call.now += 999;
    log_in(NULL);
    assert_answer(429, "Retry-After: 30\r\n"); /* 29,001 ms, rounded up */
    assert_transcript("told: login failed 192.168.1.7 /login too many failed attempts; ");
    call.now += 9999; /* knocking again is a line every 10 s */
    log_in(NULL);
    assert_answer(429, "Retry-After: 20\r\n");
    assert_transcript("");
    assert_int_equal(admin.throttled_untold, 1);
    call.now += 1;
    log_in(NULL);
    assert_transcript("told: login failed 192.168.1.7 /login too many failed attempts; ");
    assert_int_equal(admin.throttled_untold, 0);
    call.now += 30000;
    verify_error = 0;
    log_in(NULL);
    assert_answer(200, "\"authenticated\":true");
    assert_int_equal(throttle_ask(&admin.throttle, "192.168.1.7", call.now), 0);
    /* Forgiven: five may be wrong again. */
    verify_error = -EACCES;
    for (int i = 0; i < 5; i++) {
        log_in(NULL);
        assert_answer(401, "wrong");
    }
}

/* ---- sessions ---- */

/* What a page does by itself keeps nobody logged in. */
static void only_a_person_renews_a_session(void **state)
{
    static const struct {
        const char *path;
        struct header more;
        bool renews;
    } rows[] = {
        {"/", {NULL, NULL}, true},
        {"/api/v1/servers", {NULL, NULL}, true},
        {"/api/v1/servers", {"X-Hall-Background", "1"}, false},
        {"/api/v1/stream", {NULL, NULL}, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        call.now = 1000;
        log_in(NULL);
        take_session();
        int64_t until = call.until;
        call.now = 5000;
        ask("GET", rows[i].path, HEADERS({"Cookie", cookie}, rows[i].more));
        assert_true(call.has_session);
        assert_int_equal(call.until, rows[i].renews ? until + 4000 : until);
    }
}

static void what_needs_a_login(void **state)
{
    static const struct {
        const char *method;
        bool cookie, csrf;
        const char *origin;
        bool allowed;
        int status;
        const char *words;
    } rows[] = {
        {"GET", false, false, NULL, false, 401,
         "log in first, or send X-API-Key\",\"detail_fact\":{\"code\":\"access.login\"}"},
        {"POST", false, true, NULL, false, 401, "\"access.login\""},
        {"GET", true, false, NULL, true, 0, ""},
        {"HEAD", true, false, NULL, true, 0, ""},
        {"POST", true, false, NULL, false, 403, "\"access.token\""},
        {"PUT", true, false, NULL, false, 403, "\"access.token\""},
        {"DELETE", true, false, NULL, false, 403, "\"access.token\""},
        {"POST", true, true, NULL, true, 0, ""},
        {"DELETE", true, true, "http://hall.lan", true, 0, ""},
        {"POST", true, true, "http://evil.example", false, 403, "\"access.origin\""},
    };
    log_in(NULL);
    take_session();
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct header more[4] = {{NULL, NULL}};
        size_t n = 0;
        if (rows[i].cookie)
            more[n++] = (struct header){"Cookie", cookie};
        if (rows[i].csrf)
            more[n++] = (struct header){"X-CSRF-Token", csrf};
        if (rows[i].origin)
            more[n++] = (struct header){"Origin", rows[i].origin};
        ask(rows[i].method, "/api/v1/servers", more);
        assert_int_equal(login_required(&call), rows[i].allowed);
        if (!rows[i].allowed)
            assert_answer(rows[i].status, rows[i].words);
        assert_false(call.by_key);
    }
    csrf[0] = csrf[0] == 'a' ? 'b' : 'a';
    ask("POST", "/api/v1/servers", HEADERS({"Cookie", cookie}, {"X-CSRF-Token", csrf}));
    assert_false(login_required(&call));
    csrf[0] = '\0';
    ask("POST", "/api/v1/servers", HEADERS({"Cookie", cookie}, {"X-CSRF-Token", csrf}));
    assert_false(login_required(&call));
}

static void keys_of_scripts(void **state)
{
    ask("POST", "/api/v1/servers/erp/wake", HEADERS({"X-API-Key", "anything"}));
    assert_false(login_required(&call));
    assert_answer(401, "\"access.no_key\"");
    secrets.api_key = "0123456789abcdef";
    ask("POST", "/api/v1/servers/erp/wake", HEADERS({"X-API-Key", "0123456789abcdef"}));
    assert_true(login_required(&call));
    assert_true(call.by_key);
    for (int i = 0; i < 4; i++) { /* the one above counted as well */
        ask("POST", "/api/v1/servers/erp/wake", HEADERS({"X-API-Key", "0123456789abcdeF"}));
        assert_false(login_required(&call));
        assert_answer(401, "\"access.key\"");
        assert_false(call.by_key);
    }
    /* Kept away, with the right one too, so that nobody learns which is right. */
    ask("POST", "/api/v1/servers/erp/wake", HEADERS({"X-API-Key", "0123456789abcdef"}));
    assert_false(login_required(&call));
    assert_answer(429, "Retry-After: 30\r\n");
    assert_false(call.by_key);
    call.now += 30000;
    ask("POST", "/api/v1/servers/erp/wake", HEADERS({"X-API-Key", "0123456789abcdef"}));
    assert_true(login_required(&call));
}

static void logging_out(void **state)
{
    log_in(NULL);
    take_session();
    ask("POST", "/logout", HEADERS({"Cookie", cookie}, {"Origin", "http://evil.example"}));
    login_route_out(&call);
    assert_answer(403, "\"access.origin\"");
    ask("POST", "/logout", HEADERS({"Cookie", cookie}));
    login_route_out(&call);
    assert_answer(403, "\"access.token\"");
    assert_true(has_session(cookie));
    ask("POST", "/logout", HEADERS({"Cookie", cookie}, {"X-CSRF-Token", csrf}));
    login_route_out(&call);
    assert_answer(204, "Set-Cookie: hall_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    assert_answer(204, "Cache-Control: no-store");
    assert_false(has_session(cookie));
    ask("POST", "/logout", NULL); /* nothing to end */
    login_route_out(&call);
    assert_answer(204, "Max-Age=0");
    log_in(NULL);
    assert_no_word("Max-Age");
}

static void what_the_page_is_told(void **state)
{
    ask("GET", "/api/v1/session", HEADERS({"Accept-Language", "fr"}));
    login_route_info(&call);
    assert_answer(200, "{\"authenticated\":false,\"configured\":true,\"csrf\":null,\"until\":null,"
                       "\"language\":\"fr\",\"site\":\"attic\",\"version\":\"");
    assert_answer(200, "Cache-Control: no-store");
    assert_answer(200, "application/json");
    admin.hash[0] = '\0';
    ask("GET", "/api/v1/session", NULL);
    login_route_info(&call);
    assert_answer(200, "\"configured\":false");
    assert_answer(200, "\"language\":\"en\"");
    admin.hashing = true;
    ask("GET", "/api/v1/session", NULL);
    login_route_info(&call);
    assert_answer(200, "\"configured\":true");
    admin.hashing = false;
    text_copy(admin.hash, sizeof(admin.hash), kept_hash);
    log_in(NULL);
    assert_answer(200, "\"until\":\"2");
    ask("GET", "/login", NULL);
    login_route_page(&call);
    assert_answer(303, "Location: /\r\n");
    assert_answer(303, "Cache-Control: no-store");
}

static int make_hashes(void **state)
{
    return secret_start() == 0 && secret_hash_password("a", 1, kept_hash) == 0 &&
                   secret_hash_password("b", 1, other_hash) == 0
               ? 0
               : -1;
}

#define LOGIN(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOGIN(the_hash_that_counts),
        LOGIN(a_plain_password_is_hashed_once),
        LOGIN(the_right_password_begins_a_session),
        LOGIN(the_cookie_is_secure_behind_https),
        LOGIN(a_login_waits_for_the_first_hash),
        LOGIN(each_login_has_a_session_of_its_own),
        LOGIN(what_is_no_login),
        LOGIN(who_cannot_log_in),
        LOGIN(wrong_passwords_are_counted),
        LOGIN(only_a_person_renews_a_session),
        LOGIN(what_needs_a_login),
        LOGIN(keys_of_scripts),
        LOGIN(logging_out),
        LOGIN(what_the_page_is_told),
    };
    return cmocka_run_group_tests(tests, make_hashes, NULL);
}
