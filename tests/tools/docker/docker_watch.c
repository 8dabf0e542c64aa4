/*
 * docker_watch: follows an engine and prints what it sees, one JSON object a line, for tests.
 *
 *   docker_watch SOCKET
 *
 *   {"event":"view","up":true,"problem":"","containers":[{"name":"web",...}]}
 *   {"event":"done","request":"r1","ok":true,"reason":""}
 *   {"event":"refused","request":"r1","error":"ENOENT"}
 * A line "start|stop|restart PROJECT REQUEST [NAME...]" on standard input is a command; its end
 * ends.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/array.h"
#include "base/json.h"
#include "base/log.h"
#include "bridges/agent/docker/docker.h"
#include "say/say.h"

enum { NAMES_MAX = 16, LINE_MAX_SIZE = 4096, OUTPUT_MAX = 256 * 1024 };

struct watch {
    sd_event *loop;
    struct docker *docker;
    char input[LINE_MAX_SIZE];
    size_t length;
};

static void print(struct buf *buf)
{
    (void)printf("%s\n", buf_text(buf));
    (void)fflush(stdout);
    buf_finish(buf);
}

static void begin(struct json_writer *writer, struct buf *buf, const char *event)
{
    json_writer_init(writer, buf);
    json_begin_object(writer, NULL);
    json_put_string(writer, "event", event);
}

static const char *sentence(const struct fact *fact)
{
    static char text[1024];
    return say_fact_text(fact, NULL, (struct say_how){0}, text, sizeof(text));
}

static void on_changed(void *context, const struct docker_view *view)
{
    (void)context;
    struct buf buf = BUF_INIT(OUTPUT_MAX);
    struct json_writer writer;
    begin(&writer, &buf, "view");
    json_put_bool(&writer, "up", view->up);
    json_put_string(&writer, "problem", sentence(&view->problem));
    json_begin_array(&writer, "containers");
    for (size_t i = 0; i < view->n; i++) {
        const struct docker_container *container = &view->containers[i];
        json_begin_object(&writer, NULL);
        json_put_string(&writer, "name", container->name);
        json_put_string(&writer, "project", container->project);
        json_put_string(&writer, "state", container->state);
        json_put_string(&writer, "health", container->health);
        json_put_bool(&writer, "busy", container->busy);
        json_end_object(&writer);
    }
    json_end_array(&writer);
    json_end_object(&writer);
    print(&buf);
}

static void on_done(void *context, const char *request, const struct fact *why)
{
    (void)context;
    struct buf buf = BUF_INIT(OUTPUT_MAX);
    struct json_writer writer;
    begin(&writer, &buf, "done");
    json_put_string(&writer, "request", request);
    json_put_bool(&writer, "ok", fact_is(why, FACT_NONE));
    json_put_string(&writer, "reason", sentence(why));
    json_end_object(&writer);
    print(&buf);
}

static const struct docker_listener listener = {.changed = on_changed, .done = on_done};

static void refuse(const char *request, const char *error)
{
    struct buf buf = BUF_INIT(OUTPUT_MAX);
    struct json_writer writer;
    begin(&writer, &buf, "refused");
    json_put_string(&writer, "request", request);
    json_put_string(&writer, "error", error);
    json_end_object(&writer);
    print(&buf);
}

static bool read_verb(const char *word, enum docker_verb *ret_verb)
{
    static const char *const words[] = {
        [DOCKER_START] = "start", [DOCKER_STOP] = "stop", [DOCKER_RESTART] = "restart"};
    for (size_t i = 0; word && i < ARRAY_SIZE(words); i++)
        if (strcmp(words[i], word) == 0) {
            *ret_verb = (enum docker_verb)i;
            return true;
        }
    return false;
}

static void command(struct watch *watch, char *line)
{
    char *rest = NULL;
    enum docker_verb verb;
    const char *names[NAMES_MAX];
    size_t n = 0;
    bool known = read_verb(strtok_r(line, " ", &rest), &verb);
    const char *project = strtok_r(NULL, " ", &rest);
    const char *request = strtok_r(NULL, " ", &rest);
    if (!known || !request) {
        refuse("", "no such command");
        return;
    }
    for (char *name; n < NAMES_MAX && (name = strtok_r(NULL, " ", &rest));)
        names[n++] = name;
    int r = docker_command(watch->docker, verb, project, names, n, request);
    if (r < 0)
        refuse(request, strerrorname_np(-r));
}

static void take_lines(struct watch *watch)
{
    char *line = watch->input;
    for (char *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        command(watch, line);
    }
    watch->length = strlen(line);
    memmove(watch->input, line, watch->length + 1);
}

static int on_input(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    (void)source;
    (void)events;
    struct watch *watch = userdata;
    ssize_t size = read(fd, watch->input + watch->length, sizeof watch->input - 1 - watch->length);
    if (size <= 0)
        return sd_event_exit(watch->loop, 0);
    watch->length += (size_t)size;
    watch->input[watch->length] = '\0';
    take_lines(watch);
    return 0;
}

static int run(struct watch *watch, const char *socket)
{
    int r = sd_event_default(&watch->loop);
    if (r < 0)
        return r;
    r = sd_event_add_io(watch->loop, NULL, STDIN_FILENO, EPOLLIN, on_input, watch);
    if (r < 0)
        return r;
    r = docker_create(watch->loop, socket, &listener, watch, &watch->docker);
    return r < 0 ? r : sd_event_loop(watch->loop);
}

int main(int argc, char **argv)
{
    static struct watch watch;
    if (argc != 2) {
        (void)fprintf(stderr, "usage: docker_watch SOCKET\n");
        return 2;
    }
    log_init(LOG_LEVEL_INFO);
    int r = run(&watch, argv[1]);
    docker_destroy(watch.docker);
    (void)sd_event_unref(watch.loop);
    if (r < 0)
        (void)fprintf(stderr, "docker_watch: %s\n", strerror(-r));
    return r < 0;
}
