#include "hall/out_store.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "core/saved.h"
#include "hall/stats.h"
#include "record/record.h"

enum { GOODBYE_MS = 1000 };
_Static_assert((int)RECORD_LIMIT <= (int)STORE_BODY_MAX, "the store takes each record");

struct out_store {
    const struct current *current;
    const struct outlets *outlets;
    struct store *store;
    char *file; /* the configuration, absolute: whose records these are */
    char boot[BOOT_ID_SIZE];
    int64_t saved, saved_before; /* wall, ms: the latest of all records, and of those before */
};

static struct record_owner owner_of(const struct out_store *out, int server)
{
    return (struct record_owner){.config = out->file,
                                 .mac = out->current->config->model.servers[server].mac,
                                 .boot = out->boot};
}

/* ---- restoring ---- */

static void restore_server(void *context, const char *key, const char *body, int64_t saved_wall)
{
    struct out_store *out = context;
    const int server = model_server_by_id(&out->current->config->model, key);
    struct saved saved;

    out->saved = saved_wall > out->saved ? saved_wall : out->saved;
    if (server == MODEL_NONE)
        return;
    const struct record_owner owner = owner_of(out, server);
    const int error = record_read_server(body, strlen(body), &out->current->config->model, server,
                                         &owner, &saved);
    if (error == -ESTALE)
        log_info("%s: the store's record belongs to another configuration or MAC; not used", key);
    else if (error < 0)
        log_warning("%s: the store's record cannot be read; not used", key);
    else
        fleet_restore(out->current->fleet, server, clock_now(), &saved);
    if (error == 0 && saved.boot_at == 0 && saved.at > out->saved_before)
        out->saved_before = saved.at;
    if (error == 0)
        saved_finish(&saved);
}

static void restore_quota(void *context, const char *key, const char *body, int64_t saved_wall)
{
    struct out_store *out = context;
    const struct record_owner owner = {.config = out->file, .boot = out->boot};
    struct quota quota;

    (void)saved_wall;
    if (record_read_quota(&out->current->config->model, body, strlen(body), &owner, &quota) == 0)
        fleet_restore_quota(out->current->fleet, clock_now(), &quota);
    else
        (void)store_put(out->store, STORE_QUOTA, key, NULL, false);
}

void out_store_restore(struct out_store *out)
{
    if (store_load(out->store, STORE_SERVER, restore_server, out) == 0)
        (void)store_load(out->store, STORE_QUOTA, restore_quota, out);
}

/* ---- keeping ---- */

static void on_save(void *context, const struct action *action)
{
    struct out_store *out = context;
    const struct model *model = &out->current->config->model;
    const struct record_owner owner = owner_of(out, action->server);
    struct news news = {.kind = NEWS_SAVED, .server = action->server};
    struct buf text = BUF_INIT(RECORD_LIMIT);
    struct saved saved;

    int error = fleet_save(out->current->fleet, action->server, clock_now(), &saved);

    if (error == 0) {
        error = record_write_server(&saved, model, action->server, &owner, &text);
        saved_finish(&saved);
    }
    if (error < 0)
        log_error("%s: its record cannot be written (%s): a restart of Hall would forget it",
                  model->servers[action->server].id, strerror(-error));
    else
        news.ticket = store_put(out->store, STORE_SERVER, model->servers[action->server].id,
                                buf_text(&text), action->save.durable);
    buf_finish(&text);
    if (action->save.durable)
        outlets_tell(out->outlets, &news);
}

static void on_quota(void *context, const struct action *action)
{
    struct out_store *out = context;
    const struct model *model = &out->current->config->model;
    const struct record_owner owner = {.config = out->file, .boot = out->boot};
    struct buf text = BUF_INIT(RECORD_LIMIT);
    char key[RECORD_KEY_SIZE];

    record_quota_key(model, action->quota, key);
    if (record_write_quota(model, action->quota, &owner, &text) == 0)
        (void)store_put(out->store, STORE_QUOTA, key, buf_text(&text), false);
    buf_finish(&text);
}

/* Which events are not to be lost, even if the power fails the next moment; and which belong to the
 * project whose visit caused the wake too. */
static const struct {
    bool durable, of_wake;
} keepings[HAPPENINGS] = {
    [HAPPENED_WAKE_REQUESTED] = {true, true},    [HAPPENED_READY] = {true, true},
    [HAPPENED_WAKE_FAILED] = {true, true},       [HAPPENED_ASLEEP] = {.durable = true},
    [HAPPENED_SLEEP_FAILED] = {.durable = true}, [HAPPENED_POLICY_CHANGED] = {.durable = true},
    [HAPPENED_HOLD] = {.durable = true},         [HAPPENED_RELEASE] = {.durable = true},
};

static void keep_event(struct out_store *out, const struct action *action, const char *body)
{
    const struct model *model = &out->current->config->model;
    struct store_event event = {.at = clock_now().wall,
                                .server = model->servers[action->server].id,
                                .type = happening_name(action->event.what),
                                .body = body};

    if (keepings[action->event.what].of_wake)
        stats_visited(model, &fleet_power(out->current->fleet, action->server)->wake.cause,
                      &event.project, &event.domain);
    (void)store_log(out->store, &event, keepings[action->event.what].durable);
}

/* Refused accesses are counted by the statistics; a row of each would wear out an SD card. */
static void on_said(void *context, const struct news *news)
{
    struct out_store *out = context;
    const char *type = news->said.type;

    if (news->said.action) {
        keep_event(out, news->said.action, news->said.text);
    } else if (type && strcmp(type, "access_refused") != 0) {
        const struct store_event event = {
            .at = clock_now().wall, .type = type, .body = news->said.text};

        (void)store_log(out->store, &event, false);
    }
}

const struct outlet_ops out_store_outlet = {
    .act = {[ACTION_SAVE] = on_save, [ACTION_QUOTA] = on_quota},
    .hear = {[NEWS_SAID] = on_said},
};

/* ---- life ---- */

/* Of a file that is gone, while Hall runs on the last good one: where it was. */
static char *absolute(const char *file)
{
    char *path = realpath(file, NULL);

    if (path)
        return path;
    char *copy = strdup(file), *folder = copy ? realpath(dirname(copy), NULL) : NULL;
    const char *slash = strrchr(file, '/');

    if (!folder || asprintf(&path, "%s/%s", folder, slash ? slash + 1 : file) < 0)
        path = strdup(file);
    free(folder);
    free(copy);
    return path;
}

int out_store_create(const struct current *current, const struct outlets *outlets,
                     struct out_store **ret_out)
{
    const struct config_store *config = &current->config->store;
    const struct store_options options = {.path = config->path,
                                          .keep_days = config->keep_days,
                                          .max_mb = config->max_mb,
                                          .backups = config->backups};
    struct out_store *out = calloc(1, sizeof(*out));
    int error = -ENOMEM;

    if (!out)
        return error;
    *out = (struct out_store){.current = current, .outlets = outlets};
    clock_boot_id(out->boot);
    out->file = absolute(current->config->file);
    if (out->file)
        error = store_create(&options, &out->store);
    if (error < 0) {
        out_store_destroy(out);
        return error;
    }
    *ret_out = out;
    return 0;
}

void out_store_destroy(struct out_store *out)
{
    if (!out)
        return;
    if (out->store)
        store_destroy(out->store, GOODBYE_MS);
    free(out->file);
    free(out);
}

void out_store_saved(const struct out_store *out, int64_t *ret_saved, int64_t *ret_before)
{
    *ret_saved = out->saved;
    *ret_before = out->saved_before;
}

struct store *out_store_store(const struct out_store *out)
{
    return out->store;
}

const char *out_store_config_file(const struct out_store *out)
{
    return out->file;
}
