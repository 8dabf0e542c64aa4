#include "hall/in_admin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/array.h"
#include "base/json.h"
#include "base/log.h"

#define HASH_KEY  "admin_password_hash"
#define KNOWN_KEY "admin_known"

enum { KEPT_BODY_MAX = 1024 };

/* What an earlier start kept. */
struct kept {
    char hash[SECRET_HASH_SIZE];
    struct throttle_known known;
};

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
} settings[] = {{HASH_KEY, read_hash}, {KNOWN_KEY, read_known}};

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
    snprintf(detail, sizeof(detail), "%s: %s", told->path, told->why);
    if (outlets_may_tell(in->outlets))
        outlets_event(in->outlets, types[told->kind],
                      say_words(FACT_ACCESS_REFUSED_PATH, told->who, detail));
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
        else
            tell(in, &news);
        if (news.kind == ADMIN_LOGIN)
            keep_known(in);
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
        .api = api,
    };
    error = admin_create(&options, &in->admin);
    secret_wipe(kept.hash, sizeof(kept.hash));
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
    admin_destroy(in->admin);
}
