/* hall-simulate: what Hall would do with a configuration, for some days of simulated servers. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/version.h"
#include "base/when.h"
#include "config/config.h"
#include "simulate/world.h"

enum { ERRORS_LIMIT = 262144, DAYS_DEFAULT = 3, DAYS_MOST = 400 };
enum { EXIT_OK = 0, EXIT_FILE = 1, EXIT_USAGE = 2 };

struct arguments {
    const char *config, *from, *script;
    int days;
    bool json;
};

static const char help[] =
    "Usage: hall-simulate FILE [--from DATE] [--days N] [--script EVENTS] [--json]\n"
    "Runs Hall's own decisions against the configuration FILE and simulated servers, at full\n"
    "speed, and says what it would do and why. Nothing is sent to anybody.\n\n"
    "  --from DATE      the first day, such as 2026-03-28; by default that of the first line\n"
    "                   of the script, else today\n"
    "  --days N         so many days, 1 to 400; by default 3\n"
    "  --script EVENTS  what happens, one JSON object a line; by default only the policies act\n"
    "  --json           one JSON object a line\n"
    "  --version, --help\n\n"
    "A line of the script has \"at\" (\"2026-03-28 09:00\", or \"+9h\" since the beginning), may\n"
    "have \"every\" and \"until\", and says one of\n"
    "  \"topic\", \"payload\"          a command to a server, or a report of its agent\n"
    "  \"visit\": \"HOST/PATH\"        a visitor; \"from\": his address\n"
    "  \"server\", \"crash\": true     it loses power; the next magic packet boots it\n"
    "  \"server\", \"lost_packets\": N the next magic packets do not reach it\n"
    "  \"server\", \"boot\": \"45s\"     how long it takes until its sites answer\n"
    "  \"restart_hall\": true        Hall restarts, and goes on from its store\n"
    "  \"clock\": \"+3h\"              Hall's clock is set forward or back\n\n"
    "Exit status: 0 done, 1 an error in FILE or EVENTS, 2 an error in the command line.\n";

static int refuse(const char *what, const char *found, const char *allowed)
{
    fprintf(stderr, "hall-simulate: %s: found \"%.80s\"; allowed: %s\n", what, found, allowed);
    return EXIT_USAGE;
}

/* -1 to go on, else the exit status. */
static int take_option(int option, struct arguments *ret)
{
    int64_t days = 0;

    switch (option) {
    case 'f':
        ret->from = optarg;
        return -1;
    case 'd':
        if (number_parse(optarg, 1, DAYS_MOST, &days) < 0)
            return refuse("--days", optarg, "a number, 1 to 400");
        ret->days = (int)days;
        return -1;
    case 's':
        ret->script = optarg;
        return -1;
    case 'j':
        ret->json = true;
        return -1;
    case 'v':
        puts("hall-simulate " HALL_VERSION);
        return EXIT_OK;
    case 'h':
        fputs(help, stdout);
        return EXIT_OK;
    default:
        fputs("Try: hall-simulate --help\n", stderr);
        return EXIT_USAGE;
    }
}

static int read_arguments(int argc, char *argv[], struct arguments *ret)
{
    static const struct option options[] = {
        {"from", required_argument, NULL, 'f'},
        {"days", required_argument, NULL, 'd'},
        {"script", required_argument, NULL, 's'},
        {"json", no_argument, NULL, 'j'},
        {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int option, status = -1;

    while (status < 0 && (option = getopt_long(argc, argv, "h", options, NULL)) != -1)
        status = take_option(option, ret);
    if (status >= 0)
        return status;
    if (optind == argc) {
        fputs("hall-simulate: the configuration is missing\nTry: hall-simulate --help\n", stderr);
        return EXIT_USAGE;
    }
    ret->config = argv[optind];
    return optind + 1 == argc ? -1 : refuse("argument", argv[optind + 1], "one FILE");
}

static int fail(const struct buf *errors)
{
    fputs(buf_text(errors), stderr);
    return EXIT_FILE;
}

static int play(const struct arguments *arguments, struct script *script, struct world_plan *plan)
{
    plan->from = local_midnight(plan->local, plan->from, 0);
    plan->until = local_midnight(plan->local, plan->from, arguments->days);
    int error = script_begin(script, plan->local, plan->from, plan->until);
    if (script->left_out > 0)
        fprintf(stderr, "%s: %zu events lie outside the days that are simulated\n",
                arguments->script, script->left_out);
    if (error == 0)
        error = world_run(plan);
    if (error < 0)
        fprintf(stderr, "hall-simulate: %s\n", strerror(-error));
    return error < 0 ? EXIT_FILE : EXIT_OK;
}

static int simulate(const struct arguments *arguments, const struct config *config,
                    struct buf *errors)
{
    static struct zone_cache cache; /* large, and only one at a time is of use: TZ is global */
    const struct zone_port zones = {.offset = zone_offset, .context = &cache};
    const struct local local = {.zones = &zones, .zone = config->timezone};
    struct script script = {0};
    struct world_plan plan = {.model = &config->model,
                              .local = &local,
                              .script = &script,
                              .out = stdout,
                              .json = arguments->json};
    struct script_place place = {.file = arguments->script,
                                 .base_topic = config->mqtt.base_topic,
                                 .model = &config->model,
                                 .local = &local,
                                 .from = SCRIPT_UNSET};
    const int64_t now = clock_now().wall;

    if (arguments->from && !when_read(arguments->from, &local, now, false, &place.from))
        return refuse("--from", arguments->from, "a date such as 2026-03-28");
    if (arguments->script && script_load(&place, &script, errors) < 0)
        return fail(errors);
    plan.from = place.from == SCRIPT_UNSET ? now : place.from;
    const int status = play(arguments, &script, &plan);
    script_finish(&script);
    return status;
}

static int load(const char *file, struct config **ret_config, struct buf *errors)
{
    struct report report = {0};
    const int error = config_load(file, ret_config, &report);

    report_say(&report, CONFIG_ENGLISH, errors);
    report_finish(&report);
    return error;
}

int main(int argc, char *argv[])
{
    struct arguments arguments = {.days = DAYS_DEFAULT};
    struct buf errors = BUF_INIT(ERRORS_LIMIT);
    struct config *config = NULL;
    int status = read_arguments(argc, argv, &arguments);

    if (status < 0)
        status = load(arguments.config, &config, &errors) < 0
                     ? fail(&errors)
                     : simulate(&arguments, config, &errors);
    config_free(config);
    buf_finish(&errors);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fputs("hall-simulate: the output could not be written\n", stderr);
    return EXIT_FILE;
}
