#include "bridges/agent/docker/docker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "bridges/agent/docker/docker_api.h"
#include "bridges/agent/docker/docker_http.h"
#include "bridges/agent/docker/docker_run.h"
#include "mqtt/backoff.h"

enum {
    PING_LIMIT_MS = 5 * 1000,
    OPEN_LIMIT_MS = 10 * 1000, /* for the head of the event stream */
    LIST_LIMIT_MS = 20 * 1000,
    RETRY_MOST_MS = 10 * 1000, /* an engine that returns is seen by then */
    SOUND_MS = 2 * 1000,       /* a stream that lived so long was a good one */
    BURST_MS = 30,             /* events come in bursts */
    PACE_MS = 500,             /* between two lists at least */
    SETTLE_MS = 1000,          /* from a list to the next after an event, at first */
    SETTLE_FACTOR = 5,         /* and each time longer by */
    SAFETY_MS = 5 * 60 * 1000, /* a list without an event, lest one was lost */
    SHOWN_SIZE = 64,
    PATH_SIZE = 128,
};

/* What is under way with the engine; the timer means something else in each. */
enum link {
    LINK_AWAY, /* waits to try again */
    LINK_PINGING,
    LINK_OPENING, /* the event stream is asked for */
    LINK_LIVE,    /* the stream stands; lists are taken when it speaks */
};

struct docker {
    sd_event *loop;
    sd_event_source *timer;
    struct docker_http *http;
    const struct docker_listener *listener;
    void *context;
    struct docker_runs runs;

    enum link link;
    struct docker_request *stream;
    struct docker_request *asked; /* a ping, a list or an inspection: one at a time */
    struct docker_lines lines;
    struct backoff backoff;
    int64_t opened; /* boot clock, ms: when the stream's head came */
    int64_t listed; /* when the last list was asked for */
    int64_t quiet;  /* from a list to the next when nothing happens */
    bool stale;     /* something happened since */

    struct docker_list *known; /* what the view was made of; NULL until then */
    struct docker_list *found; /* the one being completed, or NULL */
    size_t at;                 /* of found: the next to inspect */
    struct docker_view view;
    char shown[SHOWN_SIZE]; /* the socket, for messages */
};

static int64_t boot_ms(void)
{
    return clock_now().boot;
}

/* Cannot fail for a timer that exists. */
static void arm(struct docker *docker, int64_t ms)
{
    (void)sd_event_source_set_time_relative(docker->timer, (uint64_t)ms * 1000);
    (void)sd_event_source_set_enabled(docker->timer, SD_EVENT_ONESHOT);
}

/* --- the view --- */

static bool is_same_view(const struct docker_view *a, const struct docker_view *b)
{
    if (a->up != b->up || a->n != b->n || !fact_equal(&a->problem, &b->problem))
        return false;
    for (size_t i = 0; i < a->n; i++) {
        const struct docker_container *one = &a->containers[i], *other = &b->containers[i];
        if (strcmp(one->name, other->name) != 0 || strcmp(one->project, other->project) != 0 ||
            strcmp(one->state, other->state) != 0 || strcmp(one->health, other->health) != 0 ||
            one->busy != other->busy)
            return false;
    }
    return true;
}

/* Comes last in whatever calls it: the listener may give commands. */
static void show(struct docker *docker, const struct docker_view *view)
{
    if (is_same_view(&docker->view, view))
        return;
    docker->view = *view;
    docker->listener->changed(docker->context, &docker->view);
}

/* --- away --- */

static void forget_found(struct docker *docker)
{
    free(docker->found);
    docker->found = NULL;
    docker->at = 0;
}

static void rest(struct docker *docker)
{
    uint32_t bits;
    docker_http_drop(docker->asked);
    docker_http_drop(docker->stream);
    docker->asked = docker->stream = NULL;
    forget_found(docker);
    docker->link = LINK_AWAY;
    if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != (ssize_t)sizeof(bits))
        bits = 0;
    int64_t wait = backoff_next(&docker->backoff, boot_ms(), bits);
    arm(docker, wait < RETRY_MOST_MS ? wait : RETRY_MOST_MS);
}

/* The engine cannot be used; tells so and tries again later. */
static void fail(struct docker *docker, struct fact why)
{
    const struct docker_view view = {.problem = why};
    free(docker->known);
    docker->known = NULL;
    rest(docker);
    show(docker, &view);
}

static void fail_for(struct docker *docker, int error)
{
    fail(docker, docker_http_why(error, docker->shown));
}

/* Only an answer of 200 is one. */
static bool is_good(struct docker *docker, const struct docker_answer *answer)
{
    char message[64];
    if (answer->error)
        fail_for(docker, answer->error);
    else if (answer->status != 200)
        fail(docker,
             fact_with(FACT(ENGINE_STATUS, .n = {answer->status}), docker->shown,
                       docker_api_message(answer->body, answer->length, message, sizeof(message))));
    return !answer->error && answer->status == 200;
}

static void get(struct docker *docker, const char *path, int64_t limit_ms,
                void (*done)(void *context, const struct docker_answer *answer))
{
    const struct docker_ask ask = {
        .path = path, .limit_ms = limit_ms, .done = done, .context = docker};
    int r = docker_http_begin(docker->http, &ask, &docker->asked);
    if (r < 0)
        fail_for(docker, r);
}

/* --- health: from the list, an inspection, or the list before --- */

static const struct docker_entry *find(const struct docker_list *list, const char *id)
{
    for (size_t i = 0; list && i < list->n; i++)
        if (strcmp(list->entries[i].id, id) == 0)
            return &list->entries[i];
    return NULL;
}

/* A container's health check cannot change, so one without is not inspected again. */
static void recall(struct docker_list *list, const struct docker_list *before)
{
    for (size_t i = 0; i < list->n; i++) {
        struct docker_entry *entry = &list->entries[i];
        const struct docker_entry *old = find(before, entry->id);
        if (entry->sight == DOCKER_SIGHT_UNKNOWN && old && old->sight == DOCKER_SIGHT_NONE)
            entry->sight = DOCKER_SIGHT_NONE;
    }
}

/* Not to know is not to be healthy. */
static void see_health(struct docker_entry *entry, const struct docker_answer *answer,
                       const struct docker_list *before)
{
    const struct docker_entry *old = find(before, entry->id);
    char health[sizeof(entry->shown.health)];
    if (answer->status == 200 && docker_api_health(answer->body, answer->length, health) == 0) {
        entry->sight = *health ? DOCKER_SIGHT_INSPECTED : DOCKER_SIGHT_NONE;
        text_copy(entry->shown.health, sizeof(entry->shown.health), health);
        return;
    }
    entry->sight = DOCKER_SIGHT_UNREADABLE;
    text_copy(entry->shown.health, sizeof(entry->shown.health), "unhealthy");
    if (!old || old->sight != DOCKER_SIGHT_UNREADABLE)
        log_warning("docker: the health of %s cannot be read; it counts as unhealthy: inspect it",
                    entry->shown.name);
}

/* --- lists and inspections --- */

/* Docker says "die" and "stop" before its list knows of them, under load by seconds, and then says
 * no more: so the lists that follow an event are taken again, ever more rarely. */
static void arm_for_list(struct docker *docker)
{
    const int64_t quiet = docker->quiet, pace = docker->listed + PACE_MS - boot_ms();
    if (!docker->stale)
        docker->quiet = quiet * SETTLE_FACTOR < SAFETY_MS ? quiet * SETTLE_FACTOR : SAFETY_MS;
    arm(docker, !docker->stale ? quiet : pace < BURST_MS ? BURST_MS : pace);
}

/* The list found is complete. */
static void show_found(struct docker *docker)
{
    struct docker_view view = {0};
    if (docker->found->left_out > (docker->known ? docker->known->left_out : 0))
        log_warning("docker: %zu containers are left out: at most %d are followed, those of "
                    "projects first; a name must be of letters, digits, _ . -",
                    docker->found->left_out, DOCKER_CONTAINERS_MAX);
    free(docker->known);
    docker->known = docker->found;
    docker->found = NULL;
    view.up = true;
    view.n = docker->known->n;
    view.left_out = docker->known->left_out;
    for (size_t i = 0; i < view.n; i++)
        view.containers[i] = docker->known->entries[i].shown;
    arm_for_list(docker);
    show(docker, &view);
}

static void inspect_next(struct docker *docker);

/* One container that vanished or cannot be read does not make the engine a bad one. */
static void on_inspected(void *context, const struct docker_answer *answer)
{
    struct docker *docker = context;
    struct docker_entry *entry = &docker->found->entries[docker->at++];
    docker->asked = NULL;
    if (answer->error && answer->error != -EMSGSIZE) {
        fail_for(docker, answer->error);
        return;
    }
    if (!answer->error && answer->status == 404) {
        entry->sight = DOCKER_SIGHT_LISTED; /* the next list will not have it */
        text_copy(entry->shown.state, sizeof(entry->shown.state), "removing");
        docker->stale = true;
    } else {
        see_health(entry, answer, docker->known);
    }
    inspect_next(docker);
}

static void inspect_next(struct docker *docker)
{
    char path[PATH_SIZE];
    struct docker_list *found = docker->found;
    while (docker->at < found->n && found->entries[docker->at].sight != DOCKER_SIGHT_UNKNOWN)
        docker->at++;
    if (docker->at == found->n) {
        show_found(docker);
        return;
    }
    (void)snprintf(path, sizeof(path), "/containers/%s/json", found->entries[docker->at].id);
    get(docker, path, LIST_LIMIT_MS, on_inspected);
}

static void on_listed(void *context, const struct docker_answer *answer)
{
    struct docker *docker = context;
    docker->asked = NULL;
    if (!is_good(docker, answer))
        return;
    int r = docker_api_list(answer->body, answer->length, &docker->found);
    if (r < 0) {
        fail_for(docker, r);
        return;
    }
    docker->at = 0;
    recall(docker->found, docker->known);
    inspect_next(docker);
}

static void list(struct docker *docker)
{
    docker->stale = false;
    docker->listed = boot_ms();
    get(docker, "/containers/json?all=1", LIST_LIMIT_MS, on_listed);
}

/* --- the event stream --- */

/* {"type":["container"],"event":[...]}: what changes a list, in Docker's words and Podman's; not
 * the commands that health checks run. */
static const char events_path[] =
    "/events?filters=%7B%22type%22%3A%5B%22container%22%5D%2C%22event%22%3A%5B"
    "%22create%22%2C%22start%22%2C%22die%22%2C%22died%22%2C%22exited%22%2C%22stop%22%2C"
    "%22pause%22%2C%22unpause%22%2C%22destroy%22%2C%22remove%22%2C%22rename%22%2C"
    "%22health_status%22%2C%22health_status%3A%20healthy%22%2C%22health_status%3A%20unhealthy%22%2C"
    "%22health_status%3A%20starting%22%5D%7D";

static void on_event(void *context, const char *bytes, size_t length)
{
    struct docker *docker = context;
    if (docker->stale || !docker_api_event_matters(bytes, length))
        return;
    docker->stale = true;
    docker->quiet = SETTLE_MS;
    if (!docker->asked)
        arm_for_list(docker);
}

/* The list is taken once the stream stands, so that nothing falls between them. */
static void on_stream(void *context, const char *bytes, size_t length)
{
    struct docker *docker = context;
    if (docker->link == LINK_OPENING) {
        docker->link = LINK_LIVE;
        docker->opened = boot_ms();
        arm(docker, 0);
    }
    docker_lines_feed(&docker->lines, bytes, length, on_event, docker);
}

static void ping(struct docker *docker);

/* An engine that stops is told by the ping; one that merely ended the stream is asked anew without
 * a word. */
static void on_stream_over(void *context, const struct docker_answer *answer)
{
    struct docker *docker = context;
    bool was_open = docker->link == LINK_LIVE;
    docker->stream = NULL;
    if (!was_open) {
        struct docker_answer cut = {.error = -ECONNRESET};
        (void)is_good(docker, !answer->error && answer->status == 200 ? &cut : answer);
        return;
    }
    bool sound = boot_ms() - docker->opened >= SOUND_MS;
    rest(docker);
    if (sound) {
        backoff_reset(&docker->backoff);
        ping(docker);
    }
}

static void on_pinged(void *context, const struct docker_answer *answer)
{
    struct docker *docker = context;
    docker->asked = NULL;
    if (is_good(docker, answer)) {
        const struct docker_ask ask = {
            .path = events_path, .stream = on_stream, .done = on_stream_over, .context = docker};
        docker->link = LINK_OPENING;
        docker_lines_finish(&docker->lines);
        arm(docker, OPEN_LIMIT_MS);
        int r = docker_http_begin(docker->http, &ask, &docker->stream);
        if (r < 0)
            fail_for(docker, r);
    }
}

static void ping(struct docker *docker)
{
    docker->link = LINK_PINGING;
    (void)sd_event_source_set_enabled(docker->timer, SD_EVENT_OFF);
    get(docker, "/_ping", PING_LIMIT_MS, on_pinged);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    (void)source;
    (void)usec;
    struct docker *docker = userdata;
    switch (docker->link) {
    case LINK_AWAY:
        ping(docker);
        break;
    case LINK_PINGING:
        break;
    case LINK_OPENING:
        fail_for(docker, -ETIMEDOUT);
        break;
    case LINK_LIVE:
        if (!docker->asked)
            list(docker);
        break;
    }
    return 0;
}

/* --- commands --- */

int docker_command(struct docker *docker, enum docker_verb verb, const char *project,
                   const char *const *names, size_t n_names, const char *request)
{
    const struct docker_task task = {.verb = verb,
                                     .project = project ? project : "",
                                     .names = names,
                                     .n_names = n_names,
                                     .request = request};
    if (!docker->view.up || !docker->known)
        return -ENOTCONN;
    return docker_runs_begin(&docker->runs, docker->known, &task);
}

/* --- beginning and ending --- */

static int init(struct docker *docker, const char *socket)
{
    text_show(docker->shown, sizeof(docker->shown), socket, strlen(socket));
    docker_lines_init(&docker->lines);
    int r = docker_http_create(docker->loop, socket, &docker->http);
    if (r < 0)
        return r;
    docker->runs = (struct docker_runs){
        .http = docker->http, .listener = docker->listener, .context = docker->context};
    r = sd_event_add_time(docker->loop, &docker->timer, CLOCK_BOOTTIME, 0, 1000, on_timer, docker);
    if (r < 0)
        return r;
    docker->link = LINK_AWAY;
    docker->quiet = SAFETY_MS;
    arm(docker, 0);
    return 0;
}

int docker_create(sd_event *loop, const char *socket, const struct docker_listener *listener,
                  void *context, struct docker **ret_docker)
{
    struct docker *docker = calloc(1, sizeof(*docker));
    if (!docker)
        return -ENOMEM;
    docker->loop = sd_event_ref(loop);
    docker->listener = listener;
    docker->context = context;
    int r = init(docker, socket);
    if (r < 0) {
        docker_destroy(docker);
        return r;
    }
    *ret_docker = docker;
    return 0;
}

void docker_destroy(struct docker *docker)
{
    if (!docker)
        return;
    docker_runs_finish(&docker->runs);
    docker_http_drop(docker->asked);
    docker_http_drop(docker->stream);
    docker_http_destroy(docker->http);
    sd_event_source_disable_unref(docker->timer);
    docker_lines_finish(&docker->lines);
    forget_found(docker);
    free(docker->known);
    (void)sd_event_unref(docker->loop);
    free(docker);
}
