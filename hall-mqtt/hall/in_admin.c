#include "hall/in_admin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/json.h"
#include "base/log.h"

#define HASH_KEY "admin_password_hash"

enum { HASH_BODY_MAX = 512 };

static void read_hash(void *context, const char *key, const char *body, int64_t saved_wall)
{
    char *hash = context;
    struct json_error error;
    struct json *json = NULL;

    (void)saved_wall;
    if (strcmp(key, HASH_KEY) != 0 ||
        json_read(body, strlen(body), &json_limits_payload, &json, &error) < 0)
        return;
    const char *text = json_get_string(json, "hash");
    if (text)
        text_copy(hash, SECRET_HASH_SIZE, text);
    json_free(json);
}

static void keep_hash(struct in_admin *in, const char *hash)
{
    struct buf text = BUF_INIT(HASH_BODY_MAX);
    struct json_writer writer;

    json_writer_init(&writer, &text);
    json_begin_object(&writer, NULL);
    json_put_string(&writer, "hash", hash);
    json_end_object(&writer);
    if (buf_error(&text) == 0)
        (void)store_put(in->store, STORE_SETTING, HASH_KEY, buf_text(&text), true);
    buf_finish(&text);
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
    }
    return 0;
}

int in_admin_listen(struct in_admin *in, sd_event *loop, const struct secrets *secrets,
                    struct api *api)
{
    char hash[SECRET_HASH_SIZE] = "";
    int error;

    (void)store_load(in->store, STORE_SETTING, read_hash, hash);
    const struct admin_options options = {
        .config = in->current->config,
        .secrets = secrets,
        .stored_hash = hash[0] ? hash : NULL,
        .api = api,
    };
    error = admin_create(&options, &in->admin);
    secret_wipe(hash, sizeof(hash));
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
