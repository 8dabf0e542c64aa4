#include "hallctl/enroll_broker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"
#include "base/text.h"
#include "config/arena.h"
#include "config/format.h"
#include "hallctl/enroll/packages.h"
#include "hallctl/talk.h"

#define DEFAULT_SHARE "/usr/share/hall"
#define TLS_PORT      "8883"

enum { NAMES_LIMIT = 8192, RELOAD_MS = 15000, AGAIN_MS = 1000 };

static bool is_loopback(const char *host)
{
    return !host || strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0;
}

/* ---- where agents reach it ---- */

/* "DNS:hall.lan,IP:192.168.1.2", as make-certs.sh leaves it beside the certificate. The machine's
 * own address first, since it needs no resolver; then a name; then any address. "": none. */
static void choose(char *names, const char *own, char ret_host[ENROLL_URL_SIZE])
{
    const char *best = "";
    int rank = 0;

    for (char *rest = names, *entry; (entry = strsep(&rest, ",\n"));) {
        const bool is_name = strncmp(entry, "DNS:", 4) == 0;
        const bool is_address = strncmp(entry, "IP:", 3) == 0;
        const char *host = entry + (is_name ? 4 : 3);
        if ((!is_name && !is_address) || is_loopback(host) || strchr(host, ':'))
            continue;
        const int found = strcmp(host, own) == 0 ? 3 : is_name ? 2 : 1;
        if (found > rank) {
            rank = found;
            best = host;
        }
    }
    text_copy(ret_host, ENROLL_URL_SIZE, best);
}

static int find_certificate(struct enroll_broker *broker, const char *own)
{
    char file[ENROLL_PATH_SIZE + 32], *names = NULL, host[ENROLL_URL_SIZE];
    size_t length = 0;

    snprintf(file, sizeof(file), "%s/certs/server.names", broker->folder);
    const int error = enroll_read_file(file, NAMES_LIMIT, &names, &length);
    if (error < 0) {
        hallctl_fail(broker->call, file, strerror(-error));
        fputs("Agents reach the broker by TLS. Make its certificate with hallctl setup, or as "
              "docs/CERTIFICATES.md says;\nor say with --url mqtts://NAME:8883 where they reach "
              "it.\n",
              stderr);
        return HALLCTL_ERROR;
    }
    choose(names, own, host);
    free(names);
    if (host[0] == '\0') {
        hallctl_fail(broker->call, file, "the certificate has no name by which others reach it");
        fprintf(stderr, "Make one with: make-certs.sh --host %s\n", own);
        return HALLCTL_ERROR;
    }
    snprintf(broker->url, sizeof(broker->url), "mqtts://%.256s:" TLS_PORT, host);
    return -1;
}

int enroll_broker_find(struct enroll_broker *broker, const char *own)
{
    const struct mqtt_broker *hall = &broker->hall->mqtt.broker;
    const char *url = broker->call->texts[FLAG_URL];
    struct mqtt_broker parsed = {0};
    int status = -1;

    snprintf(broker->ca_file, sizeof(broker->ca_file), "%.480s/certs/ca.crt", broker->folder);
    if (hall->tls && hall->ca)
        text_copy(broker->ca_file, sizeof(broker->ca_file), hall->ca);
    if (url)
        text_copy(broker->url, sizeof(broker->url), url);
    else if (hall->tls && !is_loopback(hall->host))
        text_copy(broker->url, sizeof(broker->url), broker->hall->broker);
    else
        status = find_certificate(broker, own);
    if (status >= 0)
        return status;
    struct arena *arena = arena_create();
    if (!arena || format_mqtt_url.parse(arena, broker->url, &parsed) || !parsed.tls)
        status = hallctl_refuse(broker->call, "--url", broker->url, "mqtts://HOST[:PORT]");
    else
        text_copy(broker->host, sizeof(broker->host), parsed.host);
    if (arena)
        arena_destroy(arena);
    return status;
}

/* ---- trying it ---- */

static void hear_nothing(void *context, const struct mqtt_message *message, bool own)
{
    (void)context;
    (void)message;
    (void)own;
}

static int try_with(const struct settings *settings, char *ret_why)
{
    const struct talk_listener listener = {.hear = hear_nothing};
    struct talk *talk = NULL;
    const int error = talk_open(settings, &listener, &talk, ret_why);

    talk_close(talk);
    return error;
}

int enroll_broker_try(const struct enroll_broker *broker, const char *user, const char *password,
                      bool quiet)
{
    char why[TALK_WHY_SIZE] = "out of memory";
    struct settings settings = *broker->hall;
    struct arena *arena = arena_create();
    int error = -ENOMEM;

    settings.broker = broker->url;
    if (arena && !format_mqtt_url.parse(arena, broker->url, &settings.mqtt.broker)) {
        settings.mqtt.broker.ca = broker->ca_file;
        settings.mqtt.broker.username = user;
        settings.password = password;
        error = try_with(&settings, why);
    }
    if (arena)
        arena_destroy(arena);
    if (error == 0)
        return -1;
    if (!quiet) {
        why[strcspn(why, "\n")] = '\0';
        fprintf(stderr,
                "hallctl %s: %s\nAgents are to reach the broker there, as user %s was to just now. "
                "docs/CERTIFICATES.md says how to open its TLS listener.\n",
                broker->call->verb->name, why, user);
    }
    return HALLCTL_UNREACHABLE;
}

/* ---- passwords ---- */

/* Runs a program with this on its stdin and waits for it; secrets of our environment are not its.
 * Its status, or -errno. */
static int run(char *const argv[], const char *input)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    const char *folders = getenv("PATH");
    char path[ENROLL_PATH_SIZE];
    char *const environment[] = {path, (char *)"LC_ALL=C", NULL};
    int ends[2], status = 0;
    sigset_t none;
    pid_t pid;

    snprintf(path, sizeof(path), "PATH=%s", folders ? folders : "/usr/sbin:/usr/bin:/sbin:/bin");
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    sigemptyset(&none);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    const int error = posix_spawnp(&pid, argv[0], &actions, &attributes, argv, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[0]);
    /* Shorter than a pipe's room: this does not wait. */
    const bool given = error == 0 && write(ends[1], input, strlen(input)) == (ssize_t)strlen(input);
    close(ends[1]);
    if (error != 0)
        return -error;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return given && WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
}

static int run_or_say(const struct enroll_broker *broker, char *const argv[], const char *input)
{
    char why[64];
    const int result = run(argv, input);

    if (result == 0)
        return -1;
    snprintf(why, sizeof(why), "exit status %d", result);
    hallctl_fail(broker->call, argv[0], result < 0 ? strerror(-result) : why);
    return HALLCTL_ERROR;
}

/* The broker reads its files again by a signal, and answers to nobody when that is done; but it
 * closes the file then, and deals with no connection in between. -1: it cannot be seen. */
static int watch_passwords(const struct enroll_broker *broker)
{
    char file[ENROLL_PATH_SIZE + 32];
    const int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

    snprintf(file, sizeof(file), "%s/passwords", broker->folder);
    if (watch >= 0)
        inotify_add_watch(watch, file, IN_CLOSE_NOWRITE);
    return watch;
}

/* Until somebody has read them; not for long, since the broker's may be another file. */
static void await_reading(int watch)
{
    struct pollfd event = {watch, POLLIN, 0};
    char heard[1024];

    if (poll(&event, 1, AGAIN_MS) > 0)
        while (read(watch, heard, sizeof(heard)) > 0)
            continue;
}

static int await_password(const struct enroll_broker *broker, const char *user,
                          const char *password, int watch)
{
    const int64_t until = clock_now().boot + RELOAD_MS;

    while (clock_now().boot < until) {
        await_reading(watch);
        if (enroll_broker_try(broker, user, password, true) < 0)
            return -1;
    }
    return enroll_broker_try(broker, user, password, false);
}

static int reload(const struct enroll_broker *broker, const char *user, const char *password)
{
    char *const argv[] = {(char *)"systemctl", (char *)"reload", (char *)"mosquitto", NULL};
    const int watch = watch_passwords(broker);
    int status = run_or_say(broker, argv, "");

    if (status < 0)
        status = await_password(broker, user, password, watch);
    if (watch >= 0)
        close(watch);
    return status;
}

int enroll_broker_set(const struct enroll_broker *broker, const char *user, const char *password)
{
    const char *share = getenv("HALL_SHARE");
    char script[ENROLL_PATH_SIZE], line[128];

    snprintf(script, sizeof(script), "%.400s/broker/make-users.sh",
             share && share[0] == '/' ? share : DEFAULT_SHARE);
    snprintf(line, sizeof(line), "%s\n", password);
    char *const make[] = {script,           (char *)"--dir", (char *)broker->folder,
                          (char *)"--give", (char *)user,    NULL};
    int status = run_or_say(broker, make, line);
    explicit_bzero(line, sizeof(line));
    return status < 0 ? reload(broker, user, password) : status;
}
