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

/* A number and its unit: "100kB/s", or "off". Units are powers of ten; whole bytes come out. */
static enum wording parse_rate(struct arena *arena, const char *text, void *target)
{
    static const struct {
        const char *name;
        double factor;
    } units[] = {{"B/s", 1}, {"kB/s", 1e3}, {"MB/s", 1e6}, {"GB/s", 1e9}};
    char *unit;
    (void)arena;
    if (strcmp(text, "off") == 0) {
        *(int64_t *)target = 0;
        return WORDING_NONE;
    }
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
    size_t n_ports, n_processes, n_command, n_copies, n_ignored, n_unseen;
    uint16_t *ports;
    const char **processes, **command, **copies, **ignored;
    unsigned *unseen;
    enum option_given docker_given;
};

static const char *const right_names[] = {"suspend",    "hibernate", "poweroff", "reboot",
                                          "containers", "wol",       NULL};
static const unsigned rights_by_name[] = {RIGHT_SUSPEND, RIGHT_HIBERNATE,  RIGHT_POWEROFF,
                                          RIGHT_REBOOT,  RIGHT_CONTAINERS, RIGHT_WOL};
enum { N_RIGHTS = ARRAY_SIZE(rights_by_name) };

const char *const config_agent_checks[] = {
    "sessions", "inhibitors", "connections", "shares",  "terminals",  "copies",
    "packages", "jobs",       "guests",      "execs",   "processes",  "processor",
    "load",     "network",    "disk",        "command", "containers", NULL};

/* clang-format off */
static const struct option item_right = {
    .kind = OPTION_CHOICE, .names = right_names, .size = sizeof(unsigned)};
static const struct option item_port = {
    .kind = OPTION_PORT, .min = 1, .max = UINT16_MAX, .size = sizeof(uint16_t)};
static const struct option item_process = {TEXT(process, 64), .size = sizeof(char *)};
static const struct option item_copy = {TEXT(process, 64), .size = sizeof(char *)};
static const struct option item_ignored = {TEXT(text, 128), .size = sizeof(char *)};
static const struct option item_unseen = {
    .kind = OPTION_CHOICE, .names = config_agent_checks, .size = sizeof(unsigned)};
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
    {"shares", .kind = OPTION_BOOL, AT(raw_agent, out.watch.shares), .fallback = "true",
     .help = "Clients of this machine's Samba or NFS server that have files open."},
    {"terminals", .kind = OPTION_BOOL, AT(raw_agent, out.watch.terminals), .fallback = "true",
     .help = "Programs that run in tmux, screen and the like, shells that wait excepted."},
    {"copies", LIST(item_copy, WATCH_PROCESSES_MAX), .or_bool = true, AT(raw_agent, copies), COUNT_AT(raw_agent, n_copies),
     .help = "Programs that copy or back up: true those that are well known, such as rsync, borg, restic, dd and tar; a list those "
             "of these names. By default true."},
    {"packages", .kind = OPTION_BOOL, AT(raw_agent, out.watch.packages), .fallback = "true",
     .help = "A package manager runs, or holds its lock."},
    {"jobs", .kind = OPTION_BOOL, AT(raw_agent, out.watch.jobs), .fallback = "true",
     .help = "Jobs of systemd-run, and units of systemd that are starting or stopping, as a backup by a timer is while it runs."},
    {"guests", .kind = OPTION_BOOL, AT(raw_agent, out.watch.guests), .fallback = "true",
     .help = "Virtual machines and system containers that run here: QEMU, libvirt, Proxmox, LXC, nspawn."},
    {"execs", .kind = OPTION_BOOL, AT(raw_agent, out.watch.execs), .fallback = "true",
     .help = "docker exec and the like: what somebody runs in a container beside what it is for."},
    {"processor", .kind = OPTION_NUMBER, .min = 0, .max = 10000, AT(raw_agent, out.watch.processor), .fallback = "0.8",
     .help = "So many processors' work counts from here on; 0: never."},
    {"sustained", .kind = OPTION_DURATION, .min = 1000, .max = 60000, AT(raw_agent, out.watch.sustained), .fallback = "15s",
     .help = "How long processor, network and disk must be above their limits, on average."},
    {"load", .kind = OPTION_NUMBER, .min = 0, .max = 10000, AT(raw_agent, out.watch.load),
     .help = "The load of the last minute counts from here on."},
    {"network", TEXT(rate, 32), AT(raw_agent, out.watch.network), .fallback = "200kB/s",
     .help = "Traffic of the interface counts from here on, both directions together; off: never."},
    {"disk", TEXT(rate, 32), AT(raw_agent, out.watch.disk), .fallback = "2MB/s",
     .help = "Reading and writing of all disks together counts from here on; off: never."},
    {"processes", LIST(item_process, WATCH_PROCESSES_MAX), AT(raw_agent, processes), COUNT_AT(raw_agent, n_processes),
     .help = "Names of processes that count while they run."},
    {"ignore", LIST(item_ignored, WATCH_IGNORED_MAX), AT(raw_agent, ignored), COUNT_AT(raw_agent, n_ignored),
     .help = "Names, as the vetoes show them, that never count: of programs, units, guests, clients, locks."},
    {"unseen", LIST(item_unseen, 32), AT(raw_agent, unseen), COUNT_AT(raw_agent, n_unseen),
     .help = "Checks that need not see: by default not to know whether this server is in use is a veto."},
    {"inhibitors", .kind = OPTION_BOOL, AT(raw_agent, out.watch.inhibitors), .fallback = "true",
     .help = "Programs that ask logind not to sleep or shut down."},
    {"idle_inhibitors", .kind = OPTION_BOOL, AT(raw_agent, out.watch.idle_inhibitors), .fallback = "true",
     .help = "Programs that tell logind that the machine is not idle, as one that plays a film does, unless the sleep was asked for."},
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
    {"magic_packet_only", .kind = OPTION_BOOL, AT(raw_agent, out.magic_packet_only), .fallback = "false",
     .help = "Only a magic packet may wake this machine: before it sleeps, all else that its cards wake by is turned off."},
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
    config->watch.copies = !raw->copies || raw->n_copies > 0;
    config->watch.n_copies = raw->n_copies;
    config->watch.copy_programs = raw->copies;
    config->watch.n_ignored = raw->n_ignored;
    config->watch.ignored = raw->ignored;
    config->watch.unseen = 0;
    for (size_t i = 0; i < raw->n_unseen; i++)
        config->watch.unseen |= 1U << raw->unseen[i];
    config->watch.n_processes = raw->n_processes;
    config->watch.processes = raw->processes;
    if (raw->docker_given != GIVEN_WELL)
        config->docker_socket = NULL;
}

const struct document config_agent_document = {.table = &root_table, .finish = finish};
