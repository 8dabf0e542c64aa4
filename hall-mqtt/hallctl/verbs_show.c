/* hallctl status, why, projects: what the broker holds of Hall. */
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/number.h"
#include "hallctl/grid.h"
#include "hallctl/meeting.h"
#include "hallctl/reader.h"
#include "hallctl/steer.h"
#include "hallctl/why.h"

enum { OUT_LIMIT = 64 << 20, CELL_SIZE = 1024, SPAN_SIZE = 48 };

static const char *ago(int64_t at, int64_t now, char out[SPAN_SIZE])
{
    return at > 0 ? duration_show(now > at ? now - at : 0, out, SPAN_SIZE) : NULL;
}

static const char *when(int64_t at, int64_t now, char out[LOCAL_SIZE])
{
    return at > 0 ? local_short(reader_local(), at, now, out) : NULL;
}

/* ---- status ---- */

static void put_server_row(struct grid *grid, const struct known *server, int64_t now)
{
    char span[SPAN_SIZE], until[LOCAL_SIZE];
    struct buf why = BUF_INIT(SAY_SENTENCE_MAX);

    why_write_short(server, reader_how(), &why);
    grid_put(grid, server->id);
    grid_put(grid, server->state);
    grid_put(grid, ago(why_time(server->status, "since"), now, span));
    grid_put(grid, when(why_time(server->status, "awake_until"), now, until));
    grid_put(grid, json_get_string(server->status, "policy"));
    grid_put(grid, buf_text(&why));
    buf_finish(&why);
}

static int print_status_table(const struct meeting *meeting)
{
    static const char *const titles[] = {"SERVER", "STATE", "FOR", "UNTIL", "POLICY", "WHY"};
    const int64_t now = clock_now().wall;
    struct grid grid;

    grid_init(&grid, titles, ARRAY_SIZE(titles));
    for (size_t i = 0; i < meeting->picture.servers.n; i++)
        if (hallctl_names(meeting->call, meeting->picture.servers.all[i]->id))
            put_server_row(&grid, meeting->picture.servers.all[i], now);
    grid_print(&grid, meeting_width(), meeting_is_bold(), stdout);
    grid_finish(&grid);
    return HALLCTL_OK;
}

static const char *or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static void put_known(struct json_writer *json, const struct known *known, bool is_server)
{
    json_begin_object(json, known->id);
    json_put_string(json, "state", or_null(known->state));
    if (is_server)
        json_put_string(json, "power", or_null(known->power));
    json_put_value(json, "status", known->status);
    if (is_server)
        json_put_value(json, "config", known->config);
    json_end_object(json);
}

static void put_list(struct json_writer *json, const char *key, const struct known_list *list,
                     const struct call *call, bool is_server)
{
    json_begin_object(json, key);
    for (size_t i = 0; i < list->n; i++)
        if (!call || hallctl_names(call, list->all[i]->id))
            put_known(json, list->all[i], is_server);
    json_end_object(json);
}

static int print_status_json(const struct meeting *meeting)
{
    struct buf out = BUF_INIT(OUT_LIMIT);
    struct json_writer json;

    json_writer_init(&json, &out);
    json_begin_object(&json, NULL);
    json_put_string(&json, "hall", or_null(meeting->picture.hall));
    json_put_value(&json, "info", meeting->picture.info);
    put_list(&json, "servers", &meeting->picture.servers, meeting->call, true);
    json_end_object(&json);
    buf_putc(&out, '\n');
    return hallctl_print(&out);
}

/* Brokers that replay nothing for a filter with wildcards show a server that is named all the same.
 */
static int read_servers(struct meeting *meeting)
{
    const bool one = meeting->call->n_operands == 1;
    const char *id =
        one && text_is_slug(meeting->call->operands[0]) ? meeting->call->operands[0] : NULL;
    const struct meeting_wish wishes[] = {
        {TOPIC_INFO, NULL},        {TOPIC_SERVER_STATE, NULL}, {TOPIC_SERVER_POWER, id},
        {TOPIC_SERVER_STATUS, id}, {TOPIC_SERVER_CONFIG, id},  {TOPIC_SERVER_STATE, id},
    };

    return meeting_read(meeting, wishes, id ? 6 : 5);
}

static int say_none(const struct meeting *meeting)
{
    int64_t servers = 0;

    if (meeting->picture.servers.n > 0)
        return -1;
    json_integer(json_get(meeting->picture.info, "servers"), &servers);
    if (servers == 0) {
        fputs("Hall has no servers: none is configured, or this user may not read them.\n", stderr);
        return -1;
    }
    fprintf(stderr,
            "Servers: %lld, but the broker does not say which (RabbitMQ gives back no retained "
            "messages for wildcards).\nName one: hallctl status SERVER\n",
            (long long)servers);
    return HALLCTL_ERROR;
}

static int show_status(struct meeting *meeting)
{
    int status = read_servers(meeting);

    if (status >= 0 || (status = meeting_check_named(meeting)) >= 0 ||
        (status = say_none(meeting)) >= 0)
        return status;
    if (call_has(meeting->call, FLAG_JSON))
        return print_status_json(meeting);
    /* What concerns all servers comes before them. */
    struct buf problem = BUF_INIT(SAY_SENTENCE_MAX);
    if (say_member(meeting->picture.info, "config_problem", reader_how(), &problem))
        printf(reader_language() == SAY_FRENCH
                   ? "Le fichier de configuration a été refusé\u00a0: %s\n\n"
                   : "The configuration file was refused: %s\n\n",
               reader_show(&problem));
    buf_clear(&problem);
    if (say_member(meeting->picture.info, "store_salvaged", reader_how(), &problem))
        printf(reader_language() == SAY_FRENCH ? "Stockage\u00a0: %s\n\n" : "Store: %s\n\n",
               reader_show(&problem));
    buf_clear(&problem);
    if (say_member(meeting->picture.info, "clock_problem", reader_how(), &problem))
        printf("%s\n\n", reader_show(&problem));
    buf_finish(&problem);
    return print_status_table(meeting);
}

/* Meets Hall, shows something, leaves. */
static int show(const struct call *call, int (*what)(struct meeting *meeting))
{
    struct meeting meeting = {0};
    int status = meeting_begin(&meeting, call);

    if (status < 0)
        status = what(&meeting);
    meeting_finish(&meeting);
    return status;
}

static int run_status(const struct call *call)
{
    return show(call, show_status);
}

/* ---- why ---- */

static int print_why(const struct known *server)
{
    struct buf out = BUF_INIT(OUT_LIMIT);

    why_write(server, reader_how(), &out);
    return hallctl_print(&out);
}

static int print_why_json(const struct known *server)
{
    struct buf out = BUF_INIT(OUT_LIMIT);
    struct json_writer json;

    json_writer_init(&json, &out);
    json_begin_object(&json, NULL);
    json_put_string(&json, "server", server->id);
    json_put_value(&json, "status", server->status);
    json_put_value(&json, "config", server->config);
    json_put_value(&json, "vetoes", picture_vetoes(server));
    json_end_object(&json);
    buf_putc(&out, '\n');
    return hallctl_print(&out);
}

static int show_why(struct meeting *meeting)
{
    const char *id = meeting->call->operands[0];
    int status = read_servers(meeting);

    if (status >= 0 || (status = meeting_check_server(meeting, id)) >= 0)
        return status;
    /* The agent's report may be read by operators only; without it, all else is told. */
    const struct meeting_wish report = {TOPIC_AGENT_REPORT, id};
    if ((status = meeting_read(meeting, &report, 1)) >= 0)
        return status;
    const struct known *server = picture_find(&meeting->picture.servers, id);
    return call_has(meeting->call, FLAG_JSON) ? print_why_json(server) : print_why(server);
}

static int run_why(const struct call *call)
{
    return show(call, show_why);
}

/* ---- projects ---- */

static void put_project_row(struct grid *grid, const struct known *project, int64_t now)
{
    const struct json *status = project->status;
    const char *domain = json_get_string(status, "domain"), *path = json_get_string(status, "path");
    struct buf problem = BUF_INIT(SAY_SENTENCE_MAX);
    char last[LOCAL_SIZE], address[CELL_SIZE], visits[32] = "";
    int64_t n = 0;

    snprintf(address, sizeof(address), "%s%s", domain ? domain : "", path ? path : "");
    if (json_integer(json_get(status, "visits"), &n))
        snprintf(visits, sizeof(visits), "%lld", (long long)n);
    grid_put(grid, project->id);
    grid_put(grid, project->state);
    grid_put(grid, json_get_string(status, "server"));
    grid_put(grid, address);
    grid_put(grid, visits);
    grid_put(grid, when(why_time(status, "last_visit"), now, last));
    say_member(status, "problem", reader_how(), &problem);
    grid_put(grid, buf_text(&problem));
    buf_finish(&problem);
}

static int print_projects(const struct meeting *meeting)
{
    static const char *const titles[] = {"PROJECT", "STATE",      "SERVER", "ADDRESS",
                                         "VISITS",  "LAST VISIT", "PROBLEM"};
    const int64_t now = clock_now().wall;
    struct grid grid;

    grid_init(&grid, titles, ARRAY_SIZE(titles));
    for (size_t i = 0; i < meeting->picture.projects.n; i++)
        put_project_row(&grid, meeting->picture.projects.all[i], now);
    grid_print(&grid, meeting_width(), meeting_is_bold(), stdout);
    grid_finish(&grid);
    return HALLCTL_OK;
}

static int print_projects_json(const struct meeting *meeting)
{
    struct buf out = BUF_INIT(OUT_LIMIT);
    struct json_writer json;

    json_writer_init(&json, &out);
    json_begin_object(&json, NULL);
    put_list(&json, "projects", &meeting->picture.projects, NULL, false);
    json_end_object(&json);
    buf_putc(&out, '\n');
    return hallctl_print(&out);
}

static int show_projects(struct meeting *meeting)
{
    const struct meeting_wish wishes[] = {{TOPIC_PROJECT_STATE, NULL},
                                          {TOPIC_PROJECT_STATUS, NULL}};
    const int status = meeting_read(meeting, wishes, 2);

    if (status >= 0)
        return status;
    return call_has(meeting->call, FLAG_JSON) ? print_projects_json(meeting)
                                              : print_projects(meeting);
}

static int run_projects(const struct call *call)
{
    const char *word = call->n_operands > 0 ? call->operands[0] : "list";

    if (strcmp(word, "list") != 0)
        return steer_project(call, word);
    if (call->n_operands <= 1)
        return show(call, show_projects);
    fputs("hallctl projects: list shows all of them, and takes no name\n", stderr);
    return HALLCTL_USAGE;
}

static const struct verb verbs[] = {
    {.name = "status",
     .operands = "[SERVER...]",
     .summary = "shows the servers: state, since when, until when, and why",
     .flags = WITH_BROKER | WITH(FLAG_JSON),
     .most = 1000,
     .run = run_status},
    {.name = "why",
     .operands = "SERVER",
     .summary = "explains why a server is on or off, and what comes next",
     .flags = WITH_BROKER | WITH(FLAG_JSON),
     .least = 1,
     .most = 1,
     .run = run_why},
    {.name = "projects",
     .operands = "[list|start|stop|restart [PROJECT]]",
     .summary = "lists the projects, or starts and stops one",
     .flags = WITH_BROKER | WITH(FLAG_JSON) | WITH(FLAG_WAIT) | WITH(FLAG_TIMEOUT) | WITH(FLAG_BY),
     .most = 2,
     .run = run_projects},
};

const struct verb_family show_family = {"See", verbs, ARRAY_SIZE(verbs)};
