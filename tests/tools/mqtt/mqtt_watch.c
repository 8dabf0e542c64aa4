/*
 * mqtt_watch: the MQTT client alone, for tests. Options as name=value arguments, orders as lines on
 * stdin, what happens as lines on stdout: retain TOPIC PAYLOAD | publish TOPIC PAYLOAD | clear
 * TOPIC | many N | reconnect | files N | quit connected PROTOCOL WHY | disconnected WHY | message
 * TOPIC RETAINED PAYLOAD | done A message with a response topic is answered "answer" there.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/array.h"
#include "base/log.h"
#include "mqtt/mqtt.h"

enum { LINE_SIZE = 4096, LIMIT_MS = 30000 };

struct watcher {
    sd_event *loop;
    struct mqtt *mqtt;
    size_t filled;
    char line[LINE_SIZE];
};

static void on_message(void *context, const struct mqtt_message *message)
{
    struct watcher *watcher = context;
    int shown = message->length > 200 ? 200 : (int)message->length;
    printf("message %s %d %zu %.*s\n", message->topic, message->retained, message->length, shown,
           (const char *)message->payload);
    if (message->response_topic != NULL)
        mqtt_respond(watcher->mqtt, message->response_topic, message->correlation,
                     message->correlation_length, "answer", 6);
}

static void on_connected(void *context, bool connected, const char *why)
{
    struct watcher *watcher = context;
    if (connected)
        printf("connected %s %s\n", mqtt_protocol(watcher->mqtt), why);
    else
        printf("disconnected %s\n", why);
}

/* Moves every descriptor opened from now on beyond what select() can hold. */
static void open_files(long n)
{
    struct rlimit limit = {.rlim_cur = (rlim_t)n + 100, .rlim_max = (rlim_t)n + 100};
    setrlimit(RLIMIT_NOFILE, &limit);
    for (long i = 0; i < n; i++)
        if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0)
            perror("files");
}

static void retain_many(struct watcher *watcher, long n)
{
    char topic[64];
    for (long i = 0; i < n; i++) {
        snprintf(topic, sizeof topic, "hall/servers/s%ld/state", i);
        mqtt_retain(watcher->mqtt, topic, "off", 3);
    }
}

static void obey(struct watcher *watcher, char *line)
{
    char *verb = strsep(&line, " "), *topic = strsep(&line, " ");
    const char *payload = line != NULL ? line : "";
    if (strcmp(verb, "retain") == 0)
        mqtt_retain(watcher->mqtt, topic, payload, strlen(payload));
    else if (strcmp(verb, "publish") == 0)
        mqtt_publish(watcher->mqtt, topic, payload, strlen(payload));
    else if (strcmp(verb, "clear") == 0)
        mqtt_clear(watcher->mqtt, topic);
    else if (strcmp(verb, "many") == 0)
        retain_many(watcher, strtol(topic, NULL, 10));
    else if (strcmp(verb, "reconnect") == 0)
        mqtt_reconnect(watcher->mqtt, "asked to");
    else if (strcmp(verb, "files") == 0)
        open_files(strtol(topic, NULL, 10));
    else if (strcmp(verb, "quit") == 0)
        sd_event_exit(watcher->loop, 0);
    printf("done %s\n", verb);
}

static void obey_lines(struct watcher *watcher)
{
    char *end;
    while ((end = memchr(watcher->line, '\n', watcher->filled)) != NULL) {
        size_t used = (size_t)(end - watcher->line) + 1;
        *end = '\0';
        obey(watcher, watcher->line);
        watcher->filled -= used;
        memmove(watcher->line, watcher->line + used, watcher->filled);
    }
}

static int on_stdin(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    struct watcher *watcher = userdata;
    ssize_t got = read(fd, watcher->line + watcher->filled, sizeof watcher->line - watcher->filled);
    (void)source;
    (void)revents;
    if (got <= 0)
        return sd_event_exit(watcher->loop, 0);
    watcher->filled += (size_t)got;
    obey_lines(watcher);
    return 0;
}

static const char *argument(int argc, char **argv, const char *name, const char *fallback)
{
    size_t length = strlen(name);
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], name, length) == 0 && argv[i][length] == '=')
            return argv[i] + length + 1;
    return fallback;
}

static const char *const subscriptions[] = {"hall/servers/+/command", "hall/agents/+/state"};
static const char *const retained_filters[] = {"hall/status", "hall/servers/+/state",
                                               "hall/servers/+/status"};

static enum mqtt_version version_of(const char *name)
{
    return strcmp(name, "5") == 0       ? MQTT_VERSION_5
           : strcmp(name, "3.1.1") == 0 ? MQTT_VERSION_311
                                        : MQTT_VERSION_AUTO;
}

static struct mqtt_options read_options(int argc, char **argv)
{
    return (struct mqtt_options){
        .broker = {.host = argument(argc, argv, "host", NULL),
                   .unix_path = argument(argc, argv, "unix", NULL),
                   .port = (uint16_t)strtol(argument(argc, argv, "port", "1883"), NULL, 10),
                   .tls = argument(argc, argv, "tls", NULL) != NULL,
                   .ca = argument(argc, argv, "ca", NULL),
                   .version = version_of(argument(argc, argv, "version", "auto")),
                   .username = argument(argc, argv, "username", NULL)},
        .client_id = argument(argc, argv, "id", "hall-test"),
        .password = argument(argc, argv, "password", NULL),
        .will_topic = "hall/status",
        .will_payload = "offline",
        .birth_payload = "online",
        .echo_topic = "hall/echo",
        .subscriptions = subscriptions,
        .n_subscriptions = ARRAY_SIZE(subscriptions),
        .retained_filters = retained_filters,
        .n_retained_filters = ARRAY_SIZE(retained_filters),
    };
}

int main(int argc, char **argv)
{
    static const struct mqtt_listener listener = {.message = on_message, .connected = on_connected};
    struct mqtt_options options = read_options(argc, argv);
    struct watcher watcher = {0};
    setlinebuf(stdout);
    log_init(LOG_LEVEL_DEBUG);
    open_files(strtol(argument(argc, argv, "files", "0"), NULL, 10));
    if (sd_event_new(&watcher.loop) < 0 ||
        mqtt_create(watcher.loop, &options, &listener, &watcher, &watcher.mqtt) < 0 ||
        sd_event_add_io(watcher.loop, NULL, STDIN_FILENO, EPOLLIN, on_stdin, &watcher) < 0) {
        fprintf(stderr, "mqtt_watch: cannot start\n");
        return 1;
    }
    int status = sd_event_loop(watcher.loop);
    mqtt_destroy(watcher.mqtt, LIMIT_MS);
    sd_event_unref(watcher.loop);
    return status;
}
