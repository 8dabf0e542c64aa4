/* The admin listener: made, told of a new configuration, and what it tells. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/json.h"
#include "base/log.h"
#include "hall/hall_internal.h"
#include "web/admin/admin.h"

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

static void keep_hash(struct hall *hall, const char *hash)
{
    struct buf text = BUF_INIT(HASH_BODY_MAX);
    struct json_writer writer;

    json_writer_init(&writer, &text);
    json_begin_object(&writer, NULL);
    json_put_string(&writer, "hash", hash);
    json_end_object(&writer);
    if (hall->store && buf_error(&text) == 0)
        (void)store_put(hall->store, STORE_SETTING, HASH_KEY, buf_text(&text), true);
    buf_finish(&text);
}

static void tell(struct hall *hall, const struct admin_news *news, const char *event_type)
{
    char detail[320];

    snprintf(detail, sizeof(detail), "%s: %s: %s", news->who, news->path, news->why);
    hall_keep_access(hall, event_type, news->who, news->path, news->why);
    if (hall_may_tell(hall))
        hall_tell(hall, event_type, detail);
}

static int on_news(sd_event_source *source, int fd, uint32_t events, void *context)
{
    static const char *const types[] = {[ADMIN_LOGIN] = "login",
                                        [ADMIN_LOGIN_FAILED] = "login_failed",
                                        [ADMIN_REFUSED] = "access_refused"};
    struct hall *hall = context;
    struct admin_news news;

    (void)source;
    (void)fd;
    (void)events;
    while (admin_take(hall->admin, &news)) {
        if (news.kind == ADMIN_HASHED)
            keep_hash(hall, news.why);
        else
            tell(hall, &news, types[news.kind]);
    }
    return 0;
}

/* Servers are woken without a dashboard too: one that cannot listen is said, and Hall goes on. */
int hall_admin_create(struct hall *hall)
{
    char hash[SECRET_HASH_SIZE] = "";
    int error;

    if (hall->store)
        (void)store_load(hall->store, STORE_SETTING, read_hash, hash);
    const struct admin_options options = {
        .config = hall->config,
        .secrets = hall->secrets,
        .stored_hash = hash[0] ? hash : NULL,
        .api = hall->api,
    };
    error = admin_create(&options, &hall->admin);
    secret_wipe(hash, sizeof(hash));
    if (error < 0) {
        log_error("admin: the dashboard is not there: %s; all else goes on", strerror(-error));
        return error == -ENOMEM ? error : 0;
    }
    error = sd_event_add_io(hall->loop, &hall->admin_news, admin_fd(hall->admin), EPOLLIN, on_news,
                            hall);
    return error < 0 ? error : 0;
}

void hall_admin_configure(struct hall *hall)
{
    if (hall->admin && admin_configure(hall->admin, hall->config) < 0)
        log_error("admin: no memory for the new /http settings; the old ones go on");
}

void hall_admin_destroy(struct hall *hall)
{
    sd_event_source_disable_unref(hall->admin_news);
    admin_destroy(hall->admin);
    hall->admin_news = NULL;
    hall->admin = NULL;
}
