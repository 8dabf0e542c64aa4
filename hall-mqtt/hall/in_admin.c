#include "hall/in_admin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"

#define HASH_KEY     "admin_password_hash"
#define KNOWN_KEY    "admin_known"
#define SESSIONS_KEY "admin_sessions"

enum { KEPT_BODY_MAX = 1024, SESSIONS_BODY_MAX = 4096 };

/* What an earlier start kept. */
struct kept {
    char hash[SECRET_HASH_SIZE];
    struct throttle_known known;
    bool has_sessions;
    struct admin_sessions sessions;
};

/* ---- sessions ---- */

static bool read_hex(const char *text, uint8_t *out, size_t size)
{
    if (!text || strlen(text) != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++) {
        const int high = text_hex_digit(text[2 * i]), low = text_hex_digit(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

static void put_hex(struct json_writer *json, const char *key, const uint8_t *bytes, size_t size)
{
    char text[2 * SECRET_DIGEST_SIZE + 1];

    for (size_t i = 0; i < size && i < SECRET_DIGEST_SIZE; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    json_put_string(json, key, text);
}

static bool read_session(const struct json *json, struct session *ret_session)
{
    const int64_t now = clock_now().boot;
    struct session session = {.open = true};

    if (!read_hex(json_get_string(json, "id"), session.id, sizeof(session.id)) ||
        !json_integer(json_get(json, "began"), &session.began) ||
        !json_integer(json_get(json, "used"), &session.used) || session.began > now ||
        session.used > now)
        return false;
    *ret_session = session;
    return true;
}

/* They end by the boot clock: after a start of the machine, which may not know the time of day yet,
 * nobody could say how old they are. */
static void read_sessions(struct kept *kept, const struct json *json)
{
    const struct json *list = json_get(json, "sessions");
    struct admin_sessions *to = &kept->sessions;
    char boot[BOOT_ID_SIZE];
    size_t n = 0;

    clock_boot_id(boot);
    to->has_key = read_hex(json_get_string(json, "key"), to->key, sizeof(to->key));
    kept->has_sessions =
        read_hex(json_get_string(json, "password"), to->password, sizeof(to->password));
    if (boot[0] == '\0' || !text_equal(json_get_string(json, "boot"), boot))
        return;
    for (const struct json *one = list ? json_first(list) : NULL; one && n < SESSIONS_MAX;
         one = json_next(one))
        n += read_session(one, &to->open.list[n]);
}

static void read_hash(struct kept *kept, const struct json *json)
{
    const char *text = json_get_string(json, "hash");
    if (text)
        text_copy(kept->hash, sizeof(kept->hash), text);
}

static void read_known(struct kept *kept, const struct json *json)
{
    size_t n = 0;
    const struct json *list = json_get(json, "known");
    for (const struct json *one = list ? json_first(list) : NULL; one && n < THROTTLE_KNOWN;
         one = json_next(one)) {
        const char *who = json_string(one);
        if (who && who[0] != '\0' && strlen(who) < THROTTLE_WHO_SIZE)
            text_copy(kept->known.who[n++], THROTTLE_WHO_SIZE, who);
    }
}

static const struct {
    const char *key;
    void (*read)(struct kept *kept, const struct json *json);
} settings[] = {{HASH_KEY, read_hash}, {KNOWN_KEY, read_known}, {SESSIONS_KEY, read_sessions}};

static void read_setting(void *context, const char *key, const char *body, int64_t saved_wall)
{
    (void)saved_wall;
    for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
        struct json_error error;
        struct json *json = NULL;
        if (strcmp(key, settings[i].key) != 0 ||
            json_read(body, strlen(body), &json_limits_payload, &json, &error) < 0)
            continue;
        settings[i].read(context, json);
        json_free(json);
    }
}

static void keep(struct in_admin *in, const char *key, struct buf *body)
{
    if (buf_error(body) == 0)
        (void)store_put(in->store, STORE_SETTING, key, buf_text(body), true);
    buf_finish(body);
}

static void keep_hash(struct in_admin *in, const char *hash)
{
    struct buf text = BUF_INIT(KEPT_BODY_MAX);
    struct json_writer writer;

    json_writer_init(&writer, &text);
    json_begin_object(&writer, NULL);
    json_put_string(&writer, "hash", hash);
    json_end_object(&writer);
    keep(in, HASH_KEY, &text);
}

/* Who logs in again is known already, and nothing is written. */
static void keep_known(struct in_admin *in)
{
    struct buf text = BUF_INIT(KEPT_BODY_MAX);
    struct json_writer writer;
    const struct throttle_known known = admin_known(in->admin);

    if (memcmp(&known, &in->known, sizeof(known)) == 0)
        return;
    in->known = known;
    json_writer_init(&writer, &text);
    json_begin_object(&writer, NULL);
    json_begin_array(&writer, "known");
    for (size_t i = 0; i < THROTTLE_KNOWN && known.who[i][0] != '\0'; i++)
        json_put_string(&writer, NULL, known.who[i]);
    json_end_array(&writer);
    json_end_object(&writer);
    keep(in, KNOWN_KEY, &text);
}

static void put_session(struct json_writer *json, const struct session *session)
{
    json_begin_object(json, NULL);
    put_hex(json, "id", session->id, sizeof(session->id));
    json_put_integer(json, "began", session->began);
    json_put_integer(json, "used", session->used);
    json_end_object(json);
}

/* At each login and logout, and at the end: a restart, or a newer Hall, logs nobody out. */
static void keep_sessions(struct in_admin *in)
{
    struct buf text = BUF_INIT(SESSIONS_BODY_MAX);
    struct admin_sessions sessions;
    struct json_writer writer;
    char boot[BOOT_ID_SIZE];

    clock_boot_id(boot);
    admin_sessions(in->admin, &sessions);
    json_writer_init(&writer, &text);
    json_begin_object(&writer, NULL);
    if (sessions.has_key)
        put_hex(&writer, "key", sessions.key, sizeof(sessions.key));
    put_hex(&writer, "password", sessions.password, sizeof(sessions.password));
    json_put_string(&writer, "boot", boot);
    json_begin_array(&writer, "sessions");
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        if (sessions.open.list[i].open)
            put_session(&writer, &sessions.open.list[i]);
    json_end_array(&writer);
    json_end_object(&writer);
    secret_wipe(&sessions, sizeof(sessions));
    keep(in, SESSIONS_KEY, &text);
}

static void tell(struct in_admin *in, const struct admin_news *told)
{
    static const char *const types[] = {
        [ADMIN_LOGIN] = "login", [ADMIN_LOGIN_FAILED] = "login_failed"};
    struct news news = {
        .kind = NEWS_LOGIN,
        .login = {.who = told->who, .why = told->why, .ok = told->kind == ADMIN_LOGIN}};
    char detail[320];

    if (told->kind == ADMIN_REFUSED) {
        news = (struct news){
            .kind = NEWS_REFUSED,
            .refused = {
                .who = told->who, .path = told->path, .why = &told->refused, .site = MODEL_NONE}};
        outlets_refused(in->outlets, NULL, &news);
        return;
    }
    outlets_tell(in->outlets, &news);
    /* Of a login that succeeded the event's type says all but who. */
    snprintf(detail, sizeof(detail), "%s: %s", told->path, told->why);
    if (outlets_may_tell(in->outlets))
        outlets_event(in->outlets, types[told->kind],
                      say_words(FACT_ACCESS_REFUSED_PATH, told->who,
                                told->kind == ADMIN_LOGIN ? NULL : detail));
}

static int on_news(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct in_admin *in = context;
    struct admin_news news;

    (void)source;
    (void)fd;
    (void)events;
    while (admin_take(in->admin, &news)) {
        if (news.kind == ADMIN_HASHED)
            keep_hash(in, news.why);
        else if (news.kind != ADMIN_LOGOUT)
            tell(in, &news);
        if (news.kind == ADMIN_LOGIN)
            keep_known(in);
        if (news.kind == ADMIN_LOGIN || news.kind == ADMIN_LOGOUT)
            keep_sessions(in);
    }
    return 0;
}

int in_admin_listen(struct in_admin *in, sd_event *loop, const struct secrets *secrets,
                    struct api *api)
{
    struct kept kept = {.hash = ""};
    int error;

    (void)store_load(in->store, STORE_SETTING, read_setting, &kept);
    in->known = kept.known;
    const struct admin_options options = {
        .config = in->current->config,
        .secrets = secrets,
        .stored_hash = kept.hash[0] ? kept.hash : NULL,
        .known = &kept.known,
        .sessions = kept.has_sessions ? &kept.sessions : NULL,
        .api = api,
    };
    error = admin_create(&options, &in->admin);
    secret_wipe(&kept, sizeof(kept));
    if (error < 0) {
        log_error("admin: the dashboard is not there: %s; all else goes on", strerror(-error));
        return error == -ENOMEM ? error : 0;
    }
    error = sd_event_add_io(loop, &in->source, admin_fd(in->admin), EPOLLIN, on_news, in);
    return error < 0 ? error : 0;
}

static void on_renewed(void *context, const struct news *news)
{
    struct in_admin *in = context;

    (void)news;
    if (in->admin && admin_configure(in->admin, in->current->config) < 0)
        log_error("admin: no memory for the new /http settings; the old ones go on");
}

const struct outlet_ops in_admin_outlet = {.hear = {[NEWS_RENEWED] = on_renewed}};

void in_admin_finish(struct in_admin *in)
{
    sd_event_source_disable_unref(in->source);
    if (in->admin)
        keep_sessions(in);
    admin_destroy(in->admin);
}
