/* What the bus and the board are told of the fleet. */
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "hall/hall_internal.h"
#include "hall/in_api.h"
#include "hall/stats.h"
#include "words/payload.h"

static const char *base_topic(const struct hall *hall)
{
    return hall->begun->mqtt.base_topic;
}

static void retain(struct hall *hall, enum topic_kind kind, const char *id, const char *text)
{
    char topic[TOPIC_MAX];

    topic_format(base_topic(hall), kind, id, NULL, topic);
    if (mqtt_retain(hall->mqtt, topic, text, strlen(text)) < 0)
        log_error("bus: %s: no memory to keep this message", topic);
}

static void retain_buf(struct hall *hall, enum topic_kind kind, const char *id, int error,
                       struct buf *text)
{
    if (error < 0)
        log_error("bus: the message of %s is too long to publish", id ? id : base_topic(hall));
    else
        retain(hall, kind, id, buf_text(text));
    buf_finish(text);
}

void hall_send(struct hall *hall, enum topic_kind kind, const char *id, const char *text)
{
    char topic[TOPIC_MAX];

    topic_format(base_topic(hall), kind, id, NULL, topic);
    (void)mqtt_publish(hall->mqtt, topic, text, strlen(text));
    hall_api_said(hall, kind, id, text);
}

void hall_tell(struct hall *hall, const char *event_type, const char *detail)
{
    struct buf text = BUF_INIT(PAYLOAD_LIMIT);

    log_info("hall: %s: %s", event_type, detail);
    if (payload_hall_event(event_type, detail, clock_now(), &text) == 0) {
        hall_send(hall, TOPIC_EVENT, NULL, buf_text(&text));
        hall_keep_told(hall, event_type, buf_text(&text));
    }
    buf_finish(&text);
}

/* The notice of one server, for the HTTP workers. */

static int64_t expected_ready(const struct power *power)
{
    const struct history *history = &power->history;
    int64_t expected;

    if (!power->wake.open && power->awaited_until == 0)
        return -1;
    expected = history_stage_median(history, power->wake.kind, STAGE_SITE_ANSWERS);
    if (expected < 0)
        expected = history_median(history, power->wake.kind);
    return expected < 0 ? -1 : power->wake.started + expected;
}

static uint64_t sites_ready(const struct fleet *fleet, int server)
{
    uint64_t bits = 0;
    unsigned bit = 0;

    for (int site = fleet_first_site(fleet, server); site != MODEL_NONE && bit < 64;
         site = fleet_next_site(fleet, site), bit++)
        if (fleet_site_ready(fleet, site))
            bits |= UINT64_C(1) << bit;
    return bits;
}

static void post_faults(struct hall *hall, int server)
{
    for (int site = fleet_first_site(hall->fleet, server); site != MODEL_NONE;
         site = fleet_next_site(hall->fleet, site))
        board_post_fault(hall->board, site, problem_of_site(hall->fleet, site));
}

static void post_project(struct hall *hall, int site)
{
    const struct project *project = fleet_project(hall->fleet, site);
    struct project_notice notice = {0};
    const char *container;

    notice.state = fleet_project_state(hall->fleet, site);
    notice.ailment = fleet_project_ailment(hall->fleet, site, &container);
    notice.coming = project->wanted || project->order == PROJECT_RESTART;
    notice.alone = !project->wanted || project->alone;
    notice.started = project->wanted ? project->started : 0;
    notice.expected = project_expected(project);
    for (unsigned i = 0; i < STAGES; i++)
        notice.stages[i] = project->wanted ? project->stages[i] : STAGE_UNREACHED;
    text_show(notice.container, sizeof(notice.container), container, strlen(container));
    (void)fleet_project_problem(hall->fleet, site, notice.problem);
    board_post_project(hall->board, site, &notice);
}

static void post_notice(struct hall *hall, int server)
{
    const struct power *power = fleet_power(hall->fleet, server);
    struct notice notice = {
        .state = power->state,
        .since = power->since,
        .wake_open = power->wake.open,
        .wake_queued = power->wake.queued,
        .wake_started = power->wake.started,
        .wake_deadline = power->wake.deadline,
        .expected_ready = expected_ready(power),
        .failure = power->failure,
        .guard = power->guard,
        .sites_ready = sites_ready(hall->fleet, server),
    };

    memcpy(notice.stages, power->wake.stages, sizeof(notice.stages));
    for (unsigned i = 0; i < STAGES; i++)
        notice.expected[i] =
            (int32_t)history_stage_median(&power->history, power->wake.kind, (enum stage)i);
    power_why(power, clock_now(), notice.why, sizeof(notice.why));
    (void)fleet_problem(hall->fleet, server, notice.problem);
    post_faults(hall, server);
    for (int site = fleet_first_site(hall->fleet, server); site != MODEL_NONE;
         site = fleet_next_site(hall->fleet, site))
        if (fleet_project(hall->fleet, site))
            post_project(hall, site);
    board_post(hall->board, server, &notice);
}

/* One server's topics. */

void hall_publish_state(struct hall *hall, int server)
{
    const char *id = hall->config->model.servers[server].id;
    const struct power *power = fleet_power(hall->fleet, server);

    retain(hall, TOPIC_SERVER_STATE, id, power_state_name(power->state));
    retain(hall, TOPIC_SERVER_POWER, id, payload_server_power(hall->fleet, server));
}

static void publish_projects(struct hall *hall, int server)
{
    const struct model *model = &hall->config->model;

    for (int site = fleet_first_site(hall->fleet, server); site != MODEL_NONE;
         site = fleet_next_site(hall->fleet, site)) {
        const char *id = model->sites[site].id;
        struct buf text = BUF_INIT(PAYLOAD_LIMIT);

        if (!model->sites[site].is_project)
            continue;
        retain(hall, TOPIC_PROJECT_STATE, id, payload_project_state(hall->fleet, model, site));
        retain_buf(hall, TOPIC_PROJECT_STATUS, id,
                   payload_project_status(hall->fleet, model, site, clock_now(), &text), &text);
    }
}

static void publish_server(struct hall *hall, int server)
{
    const struct model *model = &hall->config->model;
    const char *id = model->servers[server].id;
    struct buf status = BUF_INIT(PAYLOAD_LIMIT);
    struct buf config = BUF_INIT(PAYLOAD_LIMIT);
    struct payload_energy energy;

    hall_books_woken(hall, server, true);
    const bool counted = hall_books_energy(hall, server, &energy);

    hall_books_look(hall, server);
    hall_publish_state(hall, server);
    retain_buf(hall, TOPIC_SERVER_STATUS, id,
               payload_server_status(hall->fleet, model, server, counted ? &energy : NULL,
                                     clock_now(), &status),
               &status);
    retain_buf(hall, TOPIC_SERVER_CONFIG, id,
               payload_server_config(hall->fleet, model, server, &config), &config);
    publish_projects(hall, server);
    hall_api_changed(hall, server);
}

void hall_mark(struct hall *hall, int server)
{
    if (!hall->renewing)
        post_notice(hall, server);
    if (hall->dirty[server])
        return;
    hall->dirty[server] = true;
    hall->dirty_list[hall->n_dirty++] = server;
    sd_event_source_set_enabled(hall->publish, SD_EVENT_ONESHOT);
}

int hall_on_publish(sd_event_source *source, void *context)
{
    struct hall *hall = context;

    (void)source;
    for (size_t i = 0; i < hall->n_dirty; i++) {
        hall->dirty[hall->dirty_list[i]] = false;
        publish_server(hall, hall->dirty_list[i]);
    }
    hall->n_dirty = 0;
    return 0;
}

void hall_publish_info(struct hall *hall)
{
    const struct hall_info info = {.version = HALL_VERSION,
                                   .started = hall->started_wall,
                                   .awake = hall->n_awake,
                                   .config_problem = hall->config_problem,
                                   .broker = mqtt_protocol(hall->mqtt)};
    struct buf text = BUF_INIT(PAYLOAD_LIMIT);

    retain_buf(hall, TOPIC_INFO, NULL, payload_info(&info, &hall->config->model, &text), &text);
}

void hall_count_awake(struct hall *hall)
{
    hall->n_awake = 0;
    for (size_t i = 0; i < hall->config->model.n_servers; i++)
        hall->n_awake += power_is_up(fleet_power(hall->fleet, (int)i)->state);
}

void hall_publish_all(struct hall *hall)
{
    hall_count_awake(hall);
    hall_publish_info(hall);
    for (size_t i = 0; i < hall->config->model.n_servers; i++)
        hall_mark(hall, (int)i);
}
