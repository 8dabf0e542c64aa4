/*
 * A new configuration while Hall runs: read whole, applied whole or not at all. Servers and
 * projects that stay keep their state, leases and wakes; what is gone is cleared from the bus. HTTP
 * workers that still answer from the old board are left to finish: board and configuration are
 * freed when the last one has.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/array.h"
#include "base/log.h"
#include "base/text.h"
#include "core/saved.h"
#include "ha-discovery/announcer.h"
#include "hall/hall_internal.h"
#include "hall/start.h"
#include "hall/stats.h"

enum { ERRORS_LIMIT = 65536, LOOK_EVERY_US = 250000 };

/* What HTTP workers may still be reading. */
struct retired {
    struct retired *next;
    struct board *board;
    struct config *config; /* NULL: main's own */
};

/* All that depends on the model, made for the new one before anything is changed. */
struct renewal {
    struct config *config;
    struct fleet *fleet;
    struct board *board;
    struct prober *prober;
    struct hall_streams *streams;
    sd_event_source *visits;
    bool *dirty;
    int *dirty_list;
    struct retired *retired;
    struct books_renewal *books;
    struct announcer *announcer;
};

static void renewal_finish(struct renewal *new)
{
    sd_event_source_disable_unref(new->visits);
    prober_destroy(new->prober);
    hall_streams_destroy(new->streams);
    fleet_destroy(new->fleet);
    board_destroy(new->board);
    free(new->dirty);
    free(new->dirty_list);
    free(new->retired);
    hall_books_forget(new->books);
    announcer_destroy(new->announcer);
    config_free(new->config);
}

/* The same site in the other model, or MODEL_NONE. */
static int find_site(const struct model *from, int site, const struct model *in)
{
    const struct model_site *wanted = &from->sites[site];
    const int domain = model_domain_by_host(in, from->domains[wanted->domain].name);

    if (wanted->is_project)
        return model_project_by_id(in, wanted->id);
    return domain == MODEL_NONE ? MODEL_NONE : in->domains[domain].site;
}

static uint64_t carry_sites(const struct hall *hall, const struct renewal *new, int server)
{
    const struct model *model = &new->config->model;
    uint64_t bits = 0;
    unsigned bit = 0;

    for (int site = fleet_first_site(new->fleet, server);
         site != MODEL_NONE && bit < BOARD_SITES_MAX;
         site = fleet_next_site(new->fleet, site), bit++) {
        const int old = find_site(model, site, &hall->config->model);

        if (old != MODEL_NONE && fleet_site_ready(hall->fleet, old))
            bits |= UINT64_C(1) << bit;
    }
    return bits;
}

/* Until the new fleet has its say, the new board says what the old one did: nobody is kept from a
 * ready site. */
static void carry_notices(const struct hall *hall, const struct renewal *new)
{
    const struct model *model = &new->config->model;
    struct notice notice;

    for (size_t i = 0; i < model->n_servers; i++) {
        const int old = model_server_by_id(&hall->config->model, model->servers[i].id);

        if (old == MODEL_NONE)
            continue;
        board_read(hall->board, old, &notice);
        notice.sites_ready = carry_sites(hall, new, (int)i);
        board_post(new->board, (int)i, &notice);
    }
}

static int renewal_prepare(struct hall *hall, struct renewal *new)
{
    const struct fleet_sink sink = {.act = hall_act, .context = hall};
    const struct model *model = &new->config->model;
    int error;

    new->dirty = calloc(model->n_servers + 1, sizeof(*new->dirty));
    new->dirty_list = calloc(model->n_servers + 1, sizeof(*new->dirty_list));
    new->retired = calloc(1, sizeof(*new->retired));
    if (!new->dirty || !new->dirty_list || !new->retired)
        return -ENOMEM;
    error = hall_books_prepare(hall, model, &new->books);
    if (error == 0)
        error = fleet_create(model, &sink, clock_now(), &new->fleet);
    if (error == 0)
        error = board_create(new->config, &new->board);
    if (error == 0)
        error = prober_create(hall->loop, model, &hall_prober_listener, hall, &new->prober);
    if (error == 0)
        error = hall_streams_create(hall, model, &new->streams);
    if (error == 0)
        error = hall_listen_to_board(hall, new->board, &new->visits);
    if (error == 0)
        error = hall_discover_prepare(hall, new->config, &new->announcer);
    if (error < 0)
        return error;
    carry_notices(hall, new);
    /* The last that may fail: from here on workers answer from the new board. */
    return front_replace(hall->front, new->board);
}

/* What only a restart changes is said, not half done; old: what Hall began with. */
static void tell_unchanged(const struct config *old, const struct config *new)
{
    const struct {
        const char *pointer;
        bool changed;
    } sections[] = {
        {"/http/gateway",
         memcmp(&old->http.gateway, &new->http.gateway, sizeof(new->http.gateway)) != 0},
        {"/http/admin", memcmp(&old->http.admin, &new->http.admin, sizeof(new->http.admin)) != 0},
        {"/mqtt", !text_equal(old->mqtt.host, new->mqtt.host) || old->mqtt.port != new->mqtt.port ||
                      old->mqtt.tls != new->mqtt.tls ||
                      !text_equal(old->mqtt.unix_path, new->mqtt.unix_path) ||
                      !text_equal(old->mqtt.ca, new->mqtt.ca) ||
                      !text_equal(old->mqtt.username, new->mqtt.username)},
        {"/mqtt/base_topic", !text_equal(old->mqtt.base_topic, new->mqtt.base_topic)},
        {"/mqtt/discovery_prefix",
         !text_equal(old->mqtt.discovery_prefix, new->mqtt.discovery_prefix)},
        {"/store/path", !text_equal(old->store.path, new->store.path)},
    };

    for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
        if (sections[i].changed)
            log_warning("%s: %s changed; it takes effect when Hall is restarted", new->file,
                        sections[i].pointer);
}

/* Topics of what is gone. */

static void clear(struct hall *hall, enum topic_kind kind, const char *id)
{
    char topic[TOPIC_MAX];

    topic_format(hall->begun->mqtt.base_topic, kind, id, NULL, topic);
    (void)mqtt_retain(hall->mqtt, topic, "", 0);
}

static void clear_gone(struct hall *hall, const struct model *old, const struct model *new)
{
    static const enum topic_kind of_server[] = {TOPIC_SERVER_STATE, TOPIC_SERVER_POWER,
                                                TOPIC_SERVER_STATUS, TOPIC_SERVER_CONFIG};
    static const enum topic_kind of_project[] = {TOPIC_PROJECT_STATE, TOPIC_PROJECT_STATUS};

    for (size_t i = 0; i < old->n_servers; i++)
        for (size_t k = 0; k < ARRAY_SIZE(of_server); k++)
            if (model_server_by_id(new, old->servers[i].id) == MODEL_NONE)
                clear(hall, of_server[k], old->servers[i].id);
    for (size_t i = 0; i < old->n_sites; i++)
        for (size_t k = 0; k < ARRAY_SIZE(of_project); k++)
            if (old->sites[i].is_project &&
                model_project_by_id(new, old->sites[i].id) == MODEL_NONE)
                clear(hall, of_project[k], old->sites[i].id);
}

/* An accepted command has an end, also when its server is configured no more. While the old
 * configuration holds. */
static void answer_gone(struct hall *hall, int server, struct now now)
{
    struct saved saved;

    fleet_save(hall->fleet, server, now, &saved);
    for (size_t i = 0; i < saved.n_commands; i++) {
        struct ledger_entry *entry = &saved.commands[i];

        if (!entry->open)
            continue;
        entry->outcome = entry->answered ? OUTCOME_FAILED : OUTCOME_REFUSED;
        entry->seconds_ms = now.wall - entry->received;
        text_copy(entry->reason, sizeof(entry->reason),
                  "the server was removed from the configuration");
        hall_answer(hall, entry, server);
    }
}

static void keep_books_of_gone(struct hall *hall, const struct model *new)
{
    const struct model *old = &hall->config->model;

    for (size_t i = 0; i < old->n_servers; i++)
        if (model_server_by_id(new, old->servers[i].id) == MODEL_NONE)
            hall_books_gone(hall, (int)i);
}

static void answer_all_gone(struct hall *hall, const struct model *new)
{
    const struct model *old = &hall->config->model;

    for (size_t i = 0; i < old->n_servers; i++)
        if (model_server_by_id(new, old->servers[i].id) == MODEL_NONE)
            answer_gone(hall, (int)i, clock_now());
}

/* Is there a server or project whose agent may have spoken before it was configured? */
static bool has_newcomer(const struct model *old, const struct model *new)
{
    for (size_t i = 0; i < new->n_servers; i++)
        if (model_server_by_id(old, new->servers[i].id) == MODEL_NONE)
            return true;
    for (size_t i = 0; i < new->n_sites; i++)
        if (new->sites[i].is_project && model_project_by_id(old, new->sites[i].id) == MODEL_NONE)
            return true;
    return false;
}

/* Freeing what workers no longer read. */

static void reclaim(struct hall *hall)
{
    for (struct retired **at = &hall->retired; *at;) {
        struct retired *retired = *at;

        if (!front_drop(hall->front, retired->board)) {
            at = &retired->next;
            continue;
        }
        *at = retired->next;
        board_destroy(retired->board);
        config_free(retired->config);
        free(retired);
    }
}

static int on_look(sd_event_source *source, uint64_t usec, void *context)
{
    struct hall *hall = context;

    (void)usec;
    reclaim(hall);
    if (hall->reload_again)
        hall_reload(hall);
    if (!hall->retired)
        return 0;
    sd_event_source_set_time_relative(source, LOOK_EVERY_US);
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void retire(struct hall *hall, struct retired *retired, struct board *board,
                   struct config *config)
{
    *retired = (struct retired){.next = hall->retired, .board = board, .config = config};
    hall->retired = retired;
    board_close(board);
    if (hall->reclaim) {
        sd_event_source_set_time_relative(hall->reclaim, LOOK_EVERY_US);
        sd_event_source_set_enabled(hall->reclaim, SD_EVENT_ONESHOT);
    } else {
        (void)sd_event_add_time_relative(hall->loop, &hall->reclaim, CLOCK_MONOTONIC, LOOK_EVERY_US,
                                         0, on_look, hall);
    }
}

/* Nothing fails from here on. */
static void apply(struct hall *hall, struct renewal *new)
{
    const struct config *old = hall->config;
    const bool newcomer = has_newcomer(&old->model, &new->config->model);

    hall_books_flush(hall);
    hall_release_all_answers(hall); /* they name servers by index */
    answer_all_gone(hall, &new->config->model);
    keep_books_of_gone(hall, &new->config->model);
    fleet_adopt(new->fleet, hall->fleet, clock_now());
    clear_gone(hall, &old->model, &new->config->model);
    hall_discover_adopt(hall, new->announcer);
    sd_event_source_disable_unref(hall->visits);
    prober_destroy(hall->prober);
    hall_streams_destroy(hall->streams);
    fleet_destroy(hall->fleet);
    free(hall->dirty);
    free(hall->dirty_list);
    board_carry_counts(new->board, hall->board);
    retire(hall, new->retired, hall->board, hall->own_config);
    hall->config = hall->own_config = new->config;
    hall->visits = new->visits;
    hall->prober = new->prober;
    hall->streams = new->streams;
    hall->fleet = new->fleet;
    hall->board = new->board;
    hall_admin_configure(hall);
    hall->dirty = new->dirty;
    hall->dirty_list = new->dirty_list;
    hall->n_dirty = 0;
    hall_books_renew(hall, new->books, &old->model, &new->config->model);
    board_set_broker(hall->board, mqtt_is_connected(hall->mqtt));
    hall->renewing = true;
    fleet_start(hall->fleet, clock_now());
    hall->renewing = false;
    hall_streams_start(hall);
    hall_publish_all(hall);
    hall_settle(hall);
    /* What agents left on the broker for those who were not configured yet was passed over: a new
     * connection hears it. */
    if (newcomer && mqtt_is_connected(hall->mqtt))
        mqtt_reconnect(hall->mqtt, "to hear what agents of new servers and projects said before");
}

/* What the file says is what Hall runs on, or not: shown until it is. */
static void note_problem(struct hall *hall, const char *why)
{
    char place[REASON_SIZE];

    hall->config_problem[0] = '\0';
    if (why[0])
        snprintf(
            hall->config_problem, sizeof(hall->config_problem),
            "%s (see Hall's log). Hall goes on with the configuration it had; correct the file "
            "and reload",
            hall_error_place(why, place, sizeof(place)));
    board_set_config_current(hall->board, !why[0]);
    hall_publish_info(hall);
}

/* For who asked, and for good. */
static void note(struct hall *hall, const char *why)
{
    text_copy(hall->reload_why, sizeof(hall->reload_why), why);
    note_problem(hall, why);
    hall_count_change(hall, hall->reload_by[0] ? hall->reload_by : "signal or bus", why[0] == '\0',
                      why[0] ? why : hall->config->file);
    hall->reload_by[0] = '\0';
}

static void reject(struct hall *hall, struct buf *errors)
{
    char *rest = NULL;
    char *text = NULL;
    char why[REASON_SIZE] = "the new configuration cannot be read";

    if (buf_steal(errors, &text) == 0)
        text_show(why, sizeof(why), text, strcspn(text, "\n"));
    for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line;
         line = strtok_r(NULL, "\n", &rest))
        log_error("%s", line);
    hall_tell(hall, "config_rejected", "the new configuration has errors; the old one goes on");
    note(hall, why);
    hall_hub_end(hall, COMMAND_RELOAD, why);
    free(text);
}

/* Too many workers still answer from older ones: the file is read again as soon as they have. */
static void put_off(struct hall *hall, int error)
{
    char why[REASON_SIZE];

    if (error == -EBUSY && hall->retired) {
        hall->reload_again = true;
        return;
    }
    snprintf(why, sizeof(why), "the new configuration cannot be applied: %s; the old one goes on",
             strerror(-error));
    hall_tell(hall, "config_rejected", why);
    note(hall, why);
    hall_hub_end(hall, COMMAND_RELOAD, why);
}

static void renew(struct hall *hall, struct config *config, const char *text, size_t length)
{
    struct renewal new = {.config = config};
    int error;

    /* What visitors told the old board comes first. */
    (void)hall_on_visits(NULL, -1, 0, hall);
    reclaim(hall);
    error = renewal_prepare(hall, &new);
    if (error < 0) {
        renewal_finish(&new);
        put_off(hall, error);
        return;
    }
    tell_unchanged(hall->begun, new.config);
    hall->zones = (struct zone_cache){0};
    apply(hall, &new);
    hall_keep_good(config->file, text, length);
    hall_tell(hall, "config_loaded", hall->config->file);
    note(hall, "");
    hall_hub_end(hall, COMMAND_RELOAD, NULL);
}

void hall_reload(struct hall *hall)
{
    const char *file = hall->config->file;
    struct buf errors = BUF_INIT(ERRORS_LIMIT);
    struct config *config = NULL;
    char *text = NULL;
    size_t length = 0;

    sd_notify(0, "RELOADING=1");
    hall->reload_again = false;
    hall->reload_why[0] = '\0';
    if (config_read(file, &text, &length, &errors) < 0 ||
        config_parse(file, text, length, &config, &errors) < 0) {
        reject(hall, &errors);
    } else if (secrets_check(config, &errors) < 0) {
        reject(hall, &errors);
        config_free(config);
    } else {
        renew(hall, config, text, length);
    }
    free(text);
    buf_finish(&errors);
    sd_notify(0, "READY=1");
}

void hall_reload_finish(struct hall *hall)
{
    sd_event_source_disable_unref(hall->reclaim);
    while (hall->retired) {
        struct retired *retired = hall->retired;

        hall->retired = retired->next;
        board_destroy(retired->board);
        config_free(retired->config);
        free(retired);
    }
    config_free(hall->own_config);
}
