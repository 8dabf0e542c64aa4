/* What survives a restart: records of servers and quotas, the event log; and answers that wait for
 * the disk. */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/json.h"
#include "base/log.h"
#include "core/saved.h"
#include "hall/hall_internal.h"
#include "hall/in_api.h"
#include "hall/stats.h"
#include "record/record.h"
#include "web/api/errand.h"

enum { GOODBYE_MS = 1000, FLUSH_PAUSE_MS = 2000, BOOKS_PAUSE_MS = 60000 };

static struct record_owner owner_of(const struct hall *hall, int server)
{
    return (struct record_owner){.config = hall->config_file,
                                 .mac = hall->config->model.servers[server].mac};
}

/* Restoring. */

static void restore_server(void *context, const char *key, const char *body, int64_t saved_wall)
{
    struct hall *hall = context;
    const int server = model_server_by_id(&hall->config->model, key);
    struct saved saved;

    (void)saved_wall;
    if (server == MODEL_NONE)
        return;
    const struct record_owner owner = owner_of(hall, server);
    const int error = record_read_server(body, strlen(body), &owner, &saved);
    if (error == -ESTALE)
        log_info("%s: the store's record belongs to another configuration or MAC; not used", key);
    else if (error < 0)
        log_warning("%s: the store's record cannot be read; not used", key);
    else
        fleet_restore(hall->fleet, server, clock_now(), &saved);
}

static void restore_quota(void *context, const char *key, const char *body, int64_t saved_wall)
{
    struct hall *hall = context;
    const struct record_owner owner = {.config = hall->config_file};
    struct quota quota;

    (void)saved_wall;
    if (record_read_quota(&hall->config->model, body, strlen(body), &owner, &quota) == 0)
        fleet_restore_quota(hall->fleet, &quota);
    else
        (void)store_put(hall->store, STORE_QUOTA, key, NULL, false);
}

/* Keeping. */

void hall_keep_server(struct hall *hall, int server, bool durable)
{
    const struct record_owner owner = owner_of(hall, server);
    struct buf text = BUF_INIT(RECORD_LIMIT);
    uint64_t ticket = 0;
    struct saved saved;

    if (!hall->store)
        return;
    if (durable)
        hall_books_woken(hall, server, false); /* in the same commit */
    fleet_save(hall->fleet, server, clock_now(), &saved);
    if (record_write_server(&saved, &owner, &text) == 0)
        ticket = store_put(hall->store, STORE_SERVER, hall->config->model.servers[server].id,
                           buf_text(&text), durable);
    buf_finish(&text);
    for (size_t i = 0; durable && i < hall->n_held; i++) {
        struct held_answer *held = &hall->held[(hall->held_first + i) % HELD_MAX];

        if (held->ticket == 0 && held->server == server)
            held->ticket = ticket;
    }
}

void hall_keep_quota(struct hall *hall, const struct quota *quota)
{
    const struct record_owner owner = {.config = hall->config_file};
    struct buf text = BUF_INIT(RECORD_LIMIT);
    char key[RECORD_KEY_SIZE];

    if (!hall->store)
        return;
    record_quota_key(&hall->config->model, quota, key);
    if (record_write_quota(&hall->config->model, quota, &owner, &text) == 0)
        (void)store_put(hall->store, STORE_QUOTA, key, buf_text(&text), false);
    buf_finish(&text);
}

/* Which events are not to be lost, even if the power fails the next moment. */
static bool is_durable(enum happening what)
{
    switch (what) {
    case HAPPENED_WAKE_REQUESTED:
    case HAPPENED_READY:
    case HAPPENED_WAKE_FAILED:
    case HAPPENED_ASLEEP:
    case HAPPENED_SLEEP_FAILED:
    case HAPPENED_POLICY_CHANGED:
    case HAPPENED_HOLD:
    case HAPPENED_RELEASE:
        return true;
    case HAPPENED_PACKET_SENT:
    case HAPPENED_STAGE:
    case HAPPENED_SLEEP_REQUESTED:
    case HAPPENED_SLEEP_REFUSED:
    case HAPPENED_UNREACHABLE:
    case HAPPENED_BACK:
    case HAPPENED_COMMAND_REFUSED:
        break;
    }
    return false;
}

/* Those belong to the project whose visit caused the wake too. */
static bool is_of_wake(enum happening what)
{
    return what == HAPPENED_WAKE_REQUESTED || what == HAPPENED_READY ||
           what == HAPPENED_WAKE_FAILED;
}

void hall_keep_event(struct hall *hall, const struct action *action, const char *body)
{
    struct store_event event = {.at = clock_now().wall,
                                .server = hall->config->model.servers[action->server].id,
                                .type = happening_name(action->event.what),
                                .body = body};

    if (is_of_wake(action->event.what))
        hall_find_visited(&hall->config->model,
                          fleet_power(hall->fleet, action->server)->wake.cause, &event.project,
                          &event.domain);

    if (hall->store)
        (void)store_log(hall->store, &event, is_durable(action->event.what));
}

void hall_keep_access(struct hall *hall, const char *type, const char *who, const char *path,
                      const char *why)
{
    if (strcmp(type, "access_refused") == 0)
        hall_count_refusal(hall, who, MODEL_NONE, path, why);
    else
        hall_count_login(hall, who, strcmp(type, "login") == 0, why);
}

/* What Hall tells of itself. */
void hall_keep_told(struct hall *hall, const char *type, const char *body)
{
    const struct store_event event = {.at = clock_now().wall, .type = type, .body = body};

    if (hall->store && strcmp(type, "access_refused") != 0)
        (void)store_log(hall->store, &event, false);
}

/* Answers. */

static void send_first(struct hall *hall)
{
    const struct held_answer *held = &hall->held[hall->held_first];

    hall_answer(hall, &held->entry, held->server);
    hall->held_first = (hall->held_first + 1) % HELD_MAX;
    hall->n_held--;
}

void hall_hold_answer(struct hall *hall, int server, const struct ledger_entry *entry)
{
    if (hall->n_held == HELD_MAX)
        send_first(hall);
    hall->held[(hall->held_first + hall->n_held++) % HELD_MAX] =
        (struct held_answer){.server = server, .entry = *entry};
}

static void release_until(struct hall *hall, uint64_t committed)
{
    while (hall->n_held > 0 && hall->held[hall->held_first].ticket <= committed)
        send_first(hall);
}

void hall_release_answers(struct hall *hall)
{
    release_until(hall, 0);
}

void hall_release_all_answers(struct hall *hall)
{
    release_until(hall, UINT64_MAX);
}

/* Readers. */

static void end_flushing(struct hall *hall, uint64_t committed)
{
    size_t kept = 0;

    for (size_t i = 0; i < hall->n_flushing; i++) {
        struct flushing *flushing = &hall->flushing[i];

        if (flushing->ticket > committed)
            hall->flushing[kept++] = *flushing;
        else
            hall_api_flushed(hall, flushing->errand);
    }
    hall->n_flushing = kept;
}

/* Not more often than that, lest a page that is left open wears out an SD card. */
void hall_keep_flush(struct hall *hall, struct errand *errand)
{
    const int64_t now = clock_now().boot;
    uint64_t ticket = 0;

    if (hall->store && errand->limit > 0 && now - hall->books_flushed >= BOOKS_PAUSE_MS) {
        hall->books_flushed = now;
        hall_books_flush(hall);
    }
    if (hall->store && (hall->flushed == 0 || now - hall->flushed >= FLUSH_PAUSE_MS)) {
        visitors_flush(hall);
        ticket = store_flush(hall->store);
        hall->flushed = ticket > 0 ? now : hall->flushed;
    }
    if (ticket == 0 || hall->n_flushing == FLUSHING_MAX)
        hall_api_flushed(hall, errand);
    else
        hall->flushing[hall->n_flushing++] = (struct flushing){ticket, errand};
}

static int on_stored(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct hall *hall = context;
    char problem[256];

    (void)source;
    (void)fd;
    (void)events;
    const uint64_t committed = store_committed(hall->store);

    release_until(hall, committed);
    end_flushing(hall, committed);
    hall_books_stored(hall, committed);
    store_problem(hall->store, problem, sizeof(problem));
    if (strcmp(problem, hall->store_problem) == 0)
        return 0;
    const bool began = problem[0] != '\0', ended = hall->store_problem[0] != '\0';
    if (began != ended)
        board_count(hall->board, began ? COUNT_STORE_TROUBLES : COUNT_STORE_REPAIRS);
    memcpy(hall->store_problem, problem, sizeof(problem));
    hall_tell(hall, "store_problem", problem[0] ? problem : "the store works again");
    return 0;
}

static const char *name_of(const char *file)
{
    const char *slash = strrchr(file, '/');

    return slash ? slash + 1 : file;
}

/* Of a file that is gone, while Hall runs on the last good one: where it was. */
static char *absolute(const char *file)
{
    char *path = realpath(file, NULL), *folder = NULL, *copy = NULL;

    if (path)
        return path;
    copy = strdup(file);
    folder = copy ? realpath(dirname(copy), NULL) : NULL;
    if (!folder || asprintf(&path, "%s/%s", folder, name_of(file)) < 0)
        path = strdup(file);
    free(folder);
    free(copy);
    return path;
}

int hall_keep_create(struct hall *hall)
{
    const struct store_options options = {.path = hall->config->store.path,
                                          .keep_days = hall->config->store.keep_days,
                                          .max_mb = hall->config->store.max_mb,
                                          .backups = hall->config->store.backups};
    int error;

    hall->held = calloc(HELD_MAX, sizeof(*hall->held));
    hall->config_file = absolute(hall->config->file);
    if (!hall->held || !hall->config_file)
        return -ENOMEM;
    error = store_create(&options, &hall->store);
    if (error < 0)
        return error;
    if (store_load(hall->store, STORE_SERVER, restore_server, hall) == 0)
        (void)store_load(hall->store, STORE_QUOTA, restore_quota, hall);
    error =
        sd_event_add_io(hall->loop, &hall->stored, store_fd(hall->store), EPOLLIN, on_stored, hall);
    return error < 0 ? error : 0;
}

void hall_keep_destroy(struct hall *hall)
{
    if (hall->store) {
        store_destroy(hall->store, GOODBYE_MS);
        hall->store = NULL;
    }
    hall_release_all_answers(hall);
    end_flushing(hall, UINT64_MAX);
    sd_event_source_disable_unref(hall->stored);
    free(hall->held);
    free(hall->config_file);
    hall->held = NULL;
}
