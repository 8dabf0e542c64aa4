#include "bridges/agent/config_agent.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "bridges/agent/agent_commands.h"
#include "config/rows.h"

enum { COMMAND_WORDS_MAX = 32 };

/* ---- formats ---- */

/* A number and its unit: "100kB/s". Units are powers of ten; whole bytes come out. */
static enum wording parse_rate(struct arena *arena, const char *text, void *target)
{
    static const struct {
        const char *name;
        double factor;
    } units[] = {{"B/s", 1}, {"kB/s", 1e3}, {"MB/s", 1e6}, {"GB/s", 1e9}};
    char *unit;
    (void)arena;
    if (!isdigit((unsigned char)text[0]) || text[strspn(text, "0123456789.")] == '\0')
        return WORDING_RATE;
    const double number = strtod(text, &unit);
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        const double bytes = number * units[i].factor;
        if (strcmp(units[i].name, unit) != 0 || bytes < 1 || bytes > 1e12)
            continue;
        *(int64_t *)target = (int64_t)bytes;
        return WORDING_NONE;
    }
    return WORDING_RATE;
}

static const struct format format_rate = {.allowed = WORDING_RATE, .parse = parse_rate};

static enum wording parse_process(struct arena *arena, const char *text, void *target)
{
    return strchr(text, '/') || format_text.parse(arena, text, target) ? WORDING_PROCESS
                                                                       : WORDING_NONE;
}

static const struct format format_process = {.allowed = WORDING_PROCESS, .parse = parse_process};

/* ---- tables ---- */

/* What the file says; the strings are in the arena, so are the lists. */
struct raw_agent {
    struct config_agent out;
    const char *schema;
    size_t n_allow;
    unsigned *allow;
    size_t n_ports, n_processes, n_command;
    uint16_t *ports;
    const char **processes, **command;
    enum option_given docker_given;
};

static const char *const right_names[] = {"suspend",    "hibernate", "poweroff", "reboot",
                                          "containers", "wol",       NULL};
static const unsigned rights_by_name[] = {RIGHT_SUSPEND, RIGHT_HIBERNATE,  RIGHT_POWEROFF,
                                          RIGHT_REBOOT,  RIGHT_CONTAINERS, RIGHT_WOL};
enum { N_RIGHTS = ARRAY_SIZE(rights_by_name) };

/* clang-format off */
static const struct option item_right = {
    .kind = OPTION_CHOICE, .names = right_names, .size = sizeof(unsigned)};
static const struct option item_port = {
    .kind = OPTION_PORT, .min = 1, .max = UINT16_MAX, .size = sizeof(uint16_t)};
static const struct option item_process = {TEXT(process, 64), .size = sizeof(char *)};
static const struct option item_word = {TEXT(text, 1024), .size = sizeof(char *)};

static const struct option docker_rows[] = {
    {"socket", TEXT(file, 107), AT(raw_agent, out.docker_socket), .fallback = "/run/docker.sock",
     .help = "The engine's socket: Docker's, or Podman's compatible one."},
};
static const struct option_table docker_table = {"docker", sizeof(struct raw_agent), ROWS(docker_rows)};

static const struct option activity_rows[] = {
    {"sessions", .kind = OPTION_BOOL, AT(raw_agent, out.watch.sessions), .fallback = "true",
     .help = "Somebody is logged in: remote sessions, and local ones that are not idle."},
    {"connections", LIST(item_port, WATCH_PORTS_MAX), .or_bool = true, AT(raw_agent, ports), COUNT_AT(raw_agent, n_ports),
     .help = "Open TCP connections on which bytes move: true counts those to every port that other machines reach, Docker's "
             "published ones too; a list counts those to its ports; false or [] none. By default true."},
    {"window", .kind = OPTION_DURATION, .min = 1000, .max = 3600000, AT(raw_agent, out.watch.window), .fallback = "2m",
     .help = "Bytes that moved on such a connection count for this time, or for Hall's idle time where that is less."},
    {"load", .kind = OPTION_NUMBER, .min = 0, .max = 10000, AT(raw_agent, out.watch.load),
     .help = "The load of the last minute counts from here on."},
    {"network", TEXT(rate, 32), AT(raw_agent, out.watch.network),
     .help = "Traffic of the interface counts from here on, both directions together."},
    {"disk", TEXT(rate, 32), AT(raw_agent, out.watch.disk),
     .help = "Reading and writing of all disks together counts from here on."},
    {"processes", LIST(item_process, WATCH_PROCESSES_MAX), AT(raw_agent, processes), COUNT_AT(raw_agent, n_processes),
     .help = "Names of processes that count while they run."},
    {"inhibitors", .kind = OPTION_BOOL, AT(raw_agent, out.watch.inhibitors), .fallback = "true",
     .help = "Programs that ask logind not to sleep or shut down."},
    {"command", LIST(item_word, COMMAND_WORDS_MAX), AT(raw_agent, command), COUNT_AT(raw_agent, n_command),
     .help = "A program and its arguments: exit status 0 says active, 1 idle; anything else counts as active."},
};
static const struct option_table activity_table = {"activity", sizeof(struct raw_agent), ROWS(activity_rows)};

static const struct option root_rows[] = {
    {"$schema", TEXT(any, 1024), AT(raw_agent, schema), .help = "For editors; the agent ignores it."},
    {"id", TEXT(slug, 64), AT(raw_agent, out.head.id), .required = true,
     .help = "The server's id in Hall's configuration, and the agent's user at the broker."},
    {"mqtt", OBJECT(document_mqtt_table), AT(raw_agent, out.head.mqtt), .required = true, .help = "The broker."},
    {"docker", OBJECT(docker_table), .offset = 0, .given_offset = offsetof(struct raw_agent, docker_given),
     .help = "Where the containers are; without it none are looked after."},
    {"interface", TEXT(interface, 15), AT(raw_agent, out.watch.interface),
     .help = "The interface that is woken and measured; by default that of the default route."},
    {"allow", LIST(item_right, 16), AT(raw_agent, allow), COUNT_AT(raw_agent, n_allow),
     .help = "What Hall may do here; by default everything."},
    {"activity", OBJECT(activity_table), .offset = 0, .help = "What counts as use."},
};
static const struct option_table root_table = {"agent", sizeof(struct raw_agent), ROWS(root_rows)};
/* clang-format on */

/* ---- what follows from what ---- */

static void finish(struct arena *arena, void *target, struct report *report)
{
    struct raw_agent *raw = target;
    struct config_agent *config = &raw->out;
    const char *program = raw->n_command > 0 ? raw->command[0] : NULL;
    char shown[SHOWN_SIZE];
    if (program && program[0] != '/') {
        text_show(shown, sizeof(shown), program, strlen(program));
        report_error_at(report, COMPLAINT_VALUE, KEYS("activity", "command", "0"),
                        PHRASE(VALUE, .texts = {shown}), PHRASE(PROGRAM));
    }
    config->rights = 0;
    for (size_t i = 0; !raw->allow && i < N_RIGHTS; i++)
        config->rights |= rights_by_name[i];
    for (size_t i = 0; i < raw->n_allow; i++)
        config->rights |= rights_by_name[raw->allow[i]];
    /* The list of a command's words with the NULL that exec wants. */
    const char **argv =
        raw->n_command > 0 ? arena_alloc(arena, raw->n_command + 1, sizeof(*argv)) : NULL;
    for (size_t i = 0; argv && i < raw->n_command; i++)
        argv[i] = raw->command[i];
    config->watch.command = argv;
    config->watch.connections = !raw->ports || raw->n_ports > 0;
    config->watch.n_ports = raw->n_ports;
    config->watch.ports = raw->ports;
    config->watch.n_processes = raw->n_processes;
    config->watch.processes = raw->processes;
    if (raw->docker_given != GIVEN_WELL)
        config->docker_socket = NULL;
}

const struct document config_agent_document = {.table = &root_table, .finish = finish};
