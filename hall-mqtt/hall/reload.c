#include "hall/reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/reload_signal.h"
#include "base/text.h"
#include "core/adopt.h"
#include "core/saved.h"
#include "hall/in_probes.h"
#include "hall/start.h"
#include "hall/stream_watch.h"

enum { ERRORS_LIMIT = 65536, LOOK_EVERY_US = 250000 };

/* What HTTP workers may still be reading. */
struct retired {
    struct retired *next;
    struct board *board;
    struct config *config; /* NULL: main's own */
};

/* Made for the new configuration before anything is changed. */
struct renewal {
    struct current next;
    struct marks *marks;
    struct retired *retired;
    struct book *books;
    struct announcer *announcer;
};

int reload_make(const struct reload *reload, struct current *next)
{
    const struct fleet_sink sink = {.act = outlets_act, .context = reload->outlets};
    const struct model *model = &next->config->model;
    sd_event *loop = reload->loop;
    int error = fleet_create(model, &sink, clock_now(), &next->fleet);

    if (error == 0)
        error = board_create(next->config, &next->board);
    if (error == 0)
        error = prober_create(loop, model, &in_probes_listener, reload->turn, &next->prober);
    if (error == 0)
        error = stream_watch_create(loop, reload->current, model, reload->turn, &next->streams);
    if (error == 0)
        error = in_visits_listen(reload->visits, loop, next->board, &next->visits);
    return error;
}

void reload_drop(struct current *current)
{
    sd_event_source_disable_unref(current->visits);
    prober_destroy(current->prober);
    stream_watch_destroy(current->streams);
    fleet_destroy(current->fleet);
}

static void renewal_finish(struct renewal *new, struct config *config)
{
    reload_drop(&new->next);
    board_destroy(new->next.board);
    free(new->marks);
    free(new->retired);
    free(new->books);
    announcer_destroy(new->announcer);
    config_free(config);
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

static void carry_sites(const struct current *old, const struct current *new, int server)
{
    for (int site = fleet_first_site(new->fleet, server); site != MODEL_NONE;
         site = fleet_next_site(new->fleet, site)) {
        const int was = find_site(&new->config->model, site, &old->config->model);

        board_post_ready(new->board, site, was != MODEL_NONE && fleet_site_ready(old->fleet, was));
    }
}

/* Until the new fleet has its say, the new board says what the old one did: nobody is kept from a
 * ready site. */
static void carry_notices(const struct current *old, const struct current *new)
{
    const struct model *model = &new->config->model;
    struct notice notice;

    for (size_t i = 0; i < model->n_servers; i++) {
        const int was = model_server_by_id(&old->config->model, model->servers[i].id);

        if (was == MODEL_NONE)
            continue;
        board_read(old->board, was, &notice);
        carry_sites(old, new, (int)i);
        board_post(new->board, (int)i, &notice);
    }
}

static int renewal_prepare(struct reload *reload, struct renewal *new, const struct config *config)
{
    struct current *next = &new->next;
    int error;

    *next = *reload->current;
    next->config = config;
    next->fleet = NULL;
    next->board = NULL;
    next->prober = NULL;
    next->streams = NULL;
    next->visits = NULL;
    next->zone_cache = (struct zone_cache){0};
    new->marks = out_bus_marks(config->model.n_servers);
    new->books = stats_books(config->model.n_servers);
    new->retired = calloc(1, sizeof(*new->retired));
    if (!new->marks || !new->books || !new->retired)
        return -ENOMEM;
    error = reload_make(reload, next);
    if (error == 0)
        error = out_discovery_prepare(reload->discovery, config, &new->announcer);
    if (error < 0)
        return error;
    error = fleet_adopt(next->fleet, reload->current->fleet, clock_now());
    if (error < 0)
        return error;
    carry_notices(reload->current, next);
    /* The last that may fail: from here on workers answer from the new board. */
    return front_replace(reload->front, next->board);
}

static bool listens_elsewhere(size_t n_old, const struct sockaddr_in *old, size_t n_new,
                              const struct sockaddr_in *new)
{
    return n_old != n_new || memcmp(old, new, n_new * sizeof(*new)) != 0;
}

/* What only a restart changes is said, not half done; old: what Hall began with. */
static void tell_unchanged(const struct config *old, const struct config *new)
{
    const struct {
        const char *pointer;
        bool changed;
    } sections[] = {
        {"/http/gateway", listens_elsewhere(old->http.n_gateway, old->http.gateway,
                                            new->http.n_gateway, new->http.gateway)},
        {"/http/admin",
         listens_elsewhere(old->http.n_admin, old->http.admin, new->http.n_admin, new->http.admin)},
        {"/mqtt", !text_equal(old->mqtt.broker.host, new->mqtt.broker.host) ||
                      old->mqtt.broker.port != new->mqtt.broker.port ||
                      old->mqtt.broker.tls != new->mqtt.broker.tls ||
                      !text_equal(old->mqtt.broker.unix_path, new->mqtt.broker.unix_path) ||
                      !text_equal(old->mqtt.broker.ca, new->mqtt.broker.ca) ||
                      !text_equal(old->mqtt.broker.username, new->mqtt.broker.username)},
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

/* ---- what is gone ---- */

static void clear_gone(struct out_bus *bus, const struct model *old, const struct model *new)
{
    static const enum topic_kind of_server[] = {TOPIC_SERVER_STATE, TOPIC_SERVER_POWER,
                                                TOPIC_SERVER_STATUS, TOPIC_SERVER_CONFIG};
    static const enum topic_kind of_project[] = {TOPIC_PROJECT_STATE, TOPIC_PROJECT_STATUS};

    for (size_t i = 0; i < old->n_servers; i++)
        for (size_t k = 0; k < ARRAY_SIZE(of_server); k++)
            if (model_server_by_id(new, old->servers[i].id) == MODEL_NONE)
                out_bus_clear(bus, of_server[k], old->servers[i].id);
    for (size_t i = 0; i < old->n_sites; i++)
        for (size_t k = 0; k < ARRAY_SIZE(of_project); k++)
            if (old->sites[i].is_project &&
                model_project_by_id(new, old->sites[i].id) == MODEL_NONE)
                out_bus_clear(bus, of_project[k], old->sites[i].id);
}

/* Has what this command is about been removed? A project that has moved to another server is a
 * new one there. */
static bool is_gone(const struct model *old, const struct model *new, int server, int site)
{
    const char *id = old->servers[server].id;

    if (model_server_by_id(new, id) == MODEL_NONE)
        return true;
    if (site == MODEL_NONE || !old->sites[site].is_project)
        return false;
    const int now = model_project_by_id(new, old->sites[site].id);

    return now == MODEL_NONE || !text_equal(new->servers[new->sites[now].server].id, id);
}

static bool loses_any(const struct reload *reload, const struct model *new, int server)
{
    const struct current *current = reload->current;
    const struct model *old = &current->config->model;

    for (int site = fleet_first_site(current->fleet, server); site != MODEL_NONE;
         site = fleet_next_site(current->fleet, site))
        if (is_gone(old, new, server, site))
            return true;
    return is_gone(old, new, server, MODEL_NONE);
}

/* An accepted command has an end, also when its server or project has been removed. */
static void answer_gone(struct reload *reload, const struct model *new, int server, struct now now)
{
    const struct model *old = &reload->current->config->model;
    struct saved saved;

    if (!loses_any(reload, new, server))
        return;
    if (fleet_save(reload->current->fleet, server, now, &saved) < 0) {
        log_error("%s: no memory to answer its open commands", old->servers[server].id);
        return;
    }
    for (size_t i = 0; i < saved.n_commands; i++) {
        struct ledger_entry *entry = &saved.commands[i];

        if (!entry->open || !is_gone(old, new, server, entry->site))
            continue;
        entry->outcome = entry->answered ? OUTCOME_FAILED : OUTCOME_REFUSED;
        entry->seconds_ms = now.wall - entry->received;
        entry->reason =
            is_gone(old, new, server, MODEL_NONE) ? FACT(ANSWER_GONE) : FACT(ANSWER_PROJECT_GONE);
        answers_give(reload->answers, entry, server);
    }
    saved_finish(&saved);
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

/* ---- freeing what workers no longer read ---- */

static void free_first(struct retired **list)
{
    struct retired *retired = *list;

    *list = retired->next;
    board_destroy(retired->board);
    config_free(retired->config);
    free(retired);
}

static void reclaim(struct reload *reload)
{
    for (struct retired **at = &reload->retired; *at;)
        if (front_drop(reload->front, (*at)->board))
            free_first(at);
        else
            at = &(*at)->next;
}

static int on_look(sd_event_source *source, uint64_t usec, void *context)
{
    struct reload *reload = context;

    (void)usec;
    reclaim(reload);
    if (reload->again)
        reload_now(reload, reload->by);
    if (!reload->retired)
        return 0;
    sd_event_source_set_time_relative(source, LOOK_EVERY_US);
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* ---- a new configuration ---- */

/* Nothing fails from here on. */
static void apply(struct reload *reload, struct renewal *new, struct config *config)
{
    struct current *current = reload->current;
    const struct model *old = &current->config->model, *model = &config->model;
    const bool newcomer = has_newcomer(old, model);

    stats_flush(reload->stats);
    answers_release(reload->answers); /* they name servers by index */
    /* While the old configuration holds. */
    for (size_t i = 0; i < old->n_servers; i++) {
        answer_gone(reload, model, (int)i, clock_now());
        if (model_server_by_id(model, old->servers[i].id) == MODEL_NONE)
            stats_gone(reload->stats, (int)i);
    }
    clear_gone(reload->bus, old, model);
    out_discovery_adopt(reload->discovery, new->announcer);
    board_carry_counts(new->next.board, current->board);
    struct retired *retired = new->retired;
    *retired =
        (struct retired){.next = reload->retired, .board = current->board, .config = reload->own};
    reload->retired = retired;
    board_close(current->board);
    sd_event_source_disable_unref(reload->reclaim);
    reload->reclaim = NULL;
    (void)sd_event_add_time_relative(reload->loop, &reload->reclaim, CLOCK_MONOTONIC, LOOK_EVERY_US,
                                     0, on_look, reload);
    reload_drop(current);
    *current = new->next;
    reload->own = config;
    out_bus_adopt(reload->bus, new->marks);
    stats_renew(reload->stats, new->books, old, model);
    outlets_tell(reload->outlets, &(struct news){.kind = NEWS_RENEWED});
    board_set_broker(current->board, mqtt_is_connected(reload->mqtt));
    current->renewing = true;
    fleet_start(current->fleet, clock_now());
    current->renewing = false;
    stream_watch_start(current->streams);
    out_bus_renew(reload->bus);
    turn_settle(reload->turn);
    /* What agents left on the broker for those who were not configured yet was passed over: a new
     * connection hears it. */
    if (newcomer && mqtt_is_connected(reload->mqtt))
        mqtt_reconnect(reload->mqtt, "to hear what agents of new servers and projects said before");
}

/* It ended so: why, or "", and all that is wrong, a line each; told to who asked, and noted for
 * good. What Hall runs on is shown until it is what the file says. */
static void end(struct reload *reload, const char *why, const char *words,
                const struct trouble *trouble)
{
    struct current *current = reload->current;
    const int error = reload_signal_answer(reload->began, why[0] ? words : NULL);

    if (error < 0)
        log_warning("hall: the result of the reload could not be reported to the caller: %s",
                    strerror(-error));

    text_copy(reload->why, sizeof(reload->why), why);
    current->trouble = *trouble;
    start_show_trouble(trouble);
    outlets_tell(reload->outlets, &(struct news){.kind = NEWS_CONFIG});
    stats_change(reload->stats, reload->by[0] ? reload->by : "signal or bus", why[0] == '\0',
                 why[0] ? why : current->config->file);
    reload->by[0] = '\0';
    outlets_tell(reload->outlets,
                 &(struct news){.kind = NEWS_ENDED,
                                .ended = {.action = COMMAND_RELOAD, .why = why[0] ? why : NULL}});
}

static void reject(struct reload *reload)
{
    const struct report *report = &reload->report;
    struct buf errors = BUF_INIT(ERRORS_LIMIT), first = BUF_INIT(ERRORS_LIMIT);
    struct trouble trouble;

    report_say(report, CONFIG_ENGLISH, &errors);
    log_error_lines(buf_text(&errors));
    if (report->first)
        complaint_say(report->first, CONFIG_ENGLISH, &first);
    start_note_trouble(report, &trouble);
    outlets_event(reload->outlets, "config_rejected", start_tell_trouble(&trouble));
    end(reload, first.length > 0 ? buf_text(&first) : trouble.place, buf_text(&errors), &trouble);
    buf_finish(&first);
    buf_finish(&errors);
}

/* Too many workers still answer from older ones: the file is read again as soon as they have. */
static void put_off(struct reload *reload, int error)
{
    struct trouble trouble = {0};
    char *why = trouble.place;

    if (error == -EBUSY && reload->retired) {
        reload->again = true;
        return;
    }
    snprintf(why, sizeof(trouble.place),
             "the new configuration cannot be applied: %s; the old one goes on", strerror(-error));
    outlets_event(reload->outlets, "config_rejected", say_words(FACT_CONFIG_PROBLEM, why, NULL));
    end(reload, why, why, &trouble);
}

static void renew(struct reload *reload, struct config *config, const char *text, size_t length)
{
    struct renewal new = {0};
    int error;

    /* What visitors told the old board comes first. */
    in_visits_take(reload->visits);
    reclaim(reload);
    error = renewal_prepare(reload, &new, config);
    if (error < 0) {
        renewal_finish(&new, config);
        put_off(reload, error);
        return;
    }
    tell_unchanged(reload->current->begun, config);
    apply(reload, &new, config);
    start_keep_good(config->file, text, length);
    outlets_event(reload->outlets, "config_loaded",
                  say_words(FACT_CONFIG_LOADED, reload->current->config->file, NULL));
    end(reload, "", "", &(struct trouble){0});
}

void reload_now(struct reload *reload, const char *by)
{
    const char *file = reload->current->config->file;
    struct config *config = NULL;
    char *text = NULL;
    size_t length = 0;

    sd_notify(0, "RELOADING=1");
    if (by != reload->by)
        text_copy(reload->by, sizeof(reload->by), by);
    reload->began = clock_boot_ns();
    reload->again = false;
    reload->why[0] = '\0';
    report_finish(&reload->report);
    if (config_read(file, &text, &length, &reload->report) < 0 ||
        config_parse(file, text, length, &config, &reload->report) < 0) {
        reject(reload);
    } else if (secrets_check(config, &reload->report) < 0) {
        reject(reload);
        config_free(config);
    } else {
        renew(reload, config, text, length);
    }
    free(text);
    sd_notify(0, "READY=1");
}

void reload_finish(struct reload *reload)
{
    sd_event_source_disable_unref(reload->reclaim);
    report_finish(&reload->report);
    while (reload->retired)
        free_first(&reload->retired);
    config_free(reload->own);
}
