#include "hall/hall.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>

#include "base/log.h"
#include "base/text.h"
#include "hall/hall_internal.h"
#include "hall/in_api.h"
#include "hall/stats.h"
#include "loop/daemon.h"
#include "mqtt/client_id.h"

enum {
    TRIM_AFTER_MS = 5000, /* what only the start needed is given back then */
    FLEET_ACCURACY_US = 5000,
    GOODBYE_MS = 1000, /* how long the last messages may take */
    SUBSCRIPTIONS_MAX = 32,
};

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
    (void)source;
    (void)info;
    hall_reload(context);
    return 0;
}

static int add_sources(struct hall *hall)
{
    int error = sd_event_add_time(hall->loop, &hall->timer, CLOCK_BOOTTIME, 0, FLEET_ACCURACY_US,
                                  hall_on_timer, hall);

    if (error == 0 || error > 0)
        error = sd_event_add_defer(hall->loop, &hall->publish, hall_on_publish, hall);
    if (error >= 0)
        error = hall_listen_to_board(hall, hall->board, &hall->visits);
    if (error >= 0)
        error = sd_event_add_signal(hall->loop, NULL, SIGHUP, on_hangup, hall);
    if (error >= 0)
        error = daemon_trim(hall->loop, TRIM_AFTER_MS, &hall->trim);
    if (error < 0)
        return error;
    sd_event_source_set_enabled(hall->timer, SD_EVENT_OFF);
    sd_event_source_set_enabled(hall->publish, SD_EVENT_OFF);
    /* What changed is published after all events of this turn were handled. */
    return sd_event_source_set_priority(hall->publish, SD_EVENT_PRIORITY_IDLE);
}

static void name_client(const struct hall *hall, char ret_id[static CLIENT_ID_SIZE])
{
    const struct config_mqtt *config = &hall->begun->mqtt;
    const struct client_id_owner owner = {
        .role = "hall",
        .name = hall->config->site,
        .base_topic = config->base_topic,
        .username = config->username,
        .password = hall->secrets->mqtt_password,
    };

    client_id_derive(&owner, ret_id);
}

static int create_mqtt(struct hall *hall)
{
    const struct config_mqtt *config = &hall->begun->mqtt;
    char names[SUBSCRIPTIONS_MAX][TOPIC_MAX];
    char retained[SUBSCRIPTIONS_MAX][TOPIC_MAX];
    const char *subscriptions[SUBSCRIPTIONS_MAX];
    const char *retained_filters[SUBSCRIPTIONS_MAX];
    char browsed[2][HALL_FILTER_SIZE];
    char status[TOPIC_MAX], echo[TOPIC_MAX], client_id[CLIENT_ID_SIZE];
    size_t n = 0, n_retained = 0;

    while (n < SUBSCRIPTIONS_MAX && topic_subscription(config->base_topic, n, names[n])) {
        subscriptions[n] = names[n];
        n++;
    }
    while (n_retained < SUBSCRIPTIONS_MAX &&
           topic_retained(config->base_topic, n_retained, retained[n_retained])) {
        retained_filters[n_retained] = retained[n_retained];
        n_retained++;
    }
    hall_discover_filters(hall->config, browsed);
    topic_format(config->base_topic, TOPIC_STATUS, NULL, NULL, status);
    topic_echo(config->base_topic, echo);
    name_client(hall, client_id);
    const struct mqtt_options options = {
        .host = config->host,
        .unix_path = config->unix_path,
        .port = config->port,
        .tls = config->tls,
        .ca = config->ca,
        .version = config->version,
        .client_id = client_id,
        .username = config->username,
        .password = hall->secrets->mqtt_password,
        .will_topic = status,
        .will_payload = "offline",
        .birth_payload = "online",
        .echo_topic = echo,
        .subscriptions = subscriptions,
        .n_subscriptions = n,
        .retained_filters = retained_filters,
        .n_retained_filters = n_retained,
        .browsed_filters = (const char *const[]){browsed[0], browsed[1]},
        .n_browsed_filters = 2,
    };
    return mqtt_create(hall->loop, &options, &hall_mqtt_listener, hall, &hall->mqtt);
}

static int allocate(struct hall *hall)
{
    const size_t n = hall->config->model.n_servers + 1;

    hall->dirty = calloc(n, sizeof(*hall->dirty));
    hall->dirty_list = calloc(n, sizeof(*hall->dirty_list));
    hall->routes = calloc(ROUTES_MAX, sizeof(*hall->routes));
    return hall->dirty && hall->dirty_list && hall->routes ? 0 : -ENOMEM;
}

/* The front comes first: visitors are answered while the rest is still being set up. */
static int create_parts(struct hall *hall)
{
    const struct model *model = &hall->config->model;
    const struct fleet_sink sink = {.act = hall_act, .context = hall};
    int error = allocate(hall);

    if (error == 0)
        error = fleet_create(model, &sink, clock_now(), &hall->fleet);
    if (error == 0)
        error = hall_clock_create(hall);
    if (error == 0)
        error = board_create(hall->config, &hall->board);
    if (error == 0)
        error = front_create(hall->board, &hall->front);
    if (error == 0)
        error = add_sources(hall);
    if (error >= 0)
        error = prober_create(hall->loop, model, &hall_prober_listener, hall, &hall->prober);
    if (error == 0)
        error = remote_create(hall->loop, hall_on_remote, hall, &hall->remote);
    if (error == 0)
        error = hall_streams_create(hall, model, &hall->streams);
    if (error == 0)
        error = hall_relay_create(hall);
    if (error == 0)
        error = create_mqtt(hall);
    if (error == 0)
        error = hall_keep_create(hall);
    if (error == 0)
        error = hall_books_create(hall);
    if (error == 0)
        error = hall_discover_create(hall);
    if (error == 0)
        error = hall_api_create(hall);
    if (error == 0)
        error = hall_admin_create(hall);
    return error;
}

int hall_create(const struct config *config, const struct secrets *secrets, const char *problem,
                struct hall **ret_hall)
{
    struct hall *hall = calloc(1, sizeof(*hall));
    int error = -ENOMEM;

    if (!hall)
        return error;
    hall->config = hall->begun = config;
    hall->secrets = secrets;
    text_copy(hall->config_problem, sizeof(hall->config_problem), problem);
    hall->started_wall = clock_now().wall;
    error = daemon_create(&hall->loop);
    if (error == 0)
        error = create_parts(hall);
    if (error < 0) {
        log_error("hall: cannot start: %s", strerror(-error));
        hall_destroy(hall);
        return error;
    }
    board_set_config_current(hall->board, !problem[0]);
    fleet_start(hall->fleet, clock_now());
    hall_streams_start(hall);
    hall_publish_all(hall);
    hall_settle(hall);
    /* Before the broker is asked what it holds: what Hall does not name by then is cleared there.
     */
    (void)hall_on_publish(NULL, hall);
    *ret_hall = hall;
    return 0;
}

int hall_run(struct hall *hall)
{
    if (hall->config_problem[0])
        hall_tell(hall, "config_rejected", hall->config_problem);
    else
        hall_tell(hall, "config_loaded", hall->config->file);
    return daemon_run(hall->loop);
}

void hall_destroy(struct hall *hall)
{
    if (!hall)
        return;
    if (hall->board)
        board_close(hall->board);
    front_destroy(hall->front);
    hall_api_close(hall);
    hall_admin_destroy(hall);
    hall_books_destroy(hall);
    hall_keep_destroy(hall);
    hall_api_destroy(hall);
    mqtt_destroy(hall->mqtt, GOODBYE_MS);
    hall_discover_destroy(hall);
    remote_destroy(hall->remote);
    hall_relay_destroy(hall);
    prober_destroy(hall->prober);
    hall_streams_destroy(hall->streams);
    hall_clock_destroy(hall);
    fleet_destroy(hall->fleet);
    sd_event_source_disable_unref(hall->timer);
    sd_event_source_disable_unref(hall->publish);
    sd_event_source_disable_unref(hall->visits);
    sd_event_source_disable_unref(hall->trim);
    board_destroy(hall->board);
    hall_reload_finish(hall);
    sd_event_unref(hall->loop);
    free(hall->dirty);
    free(hall->dirty_list);
    free(hall->routes);
    free(hall);
}
