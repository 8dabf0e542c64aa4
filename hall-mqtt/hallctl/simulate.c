/* hallctl simulate: the command line of a simulation. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/zone.h"
#include "config/config.h"
#include "hallctl/hallctl.h"
#include "hallctl/when.h"
#include "hallctl/world.h"

enum { ERRORS_LIMIT = 262144, DAYS_DEFAULT = 3, DAYS_MOST = 400 };

struct arguments {
    const char *config, *from, *script;
    int days;
    bool json;
};

void simulate_help(FILE *out)
{
    fputs(
        "Usage: hallctl simulate FILE [--from DATE] [--days N] [--script EVENTS] [--json]\n"
        "Runs Hall's own decisions against the configuration FILE and simulated servers, at full\n"
        "speed, and says what it would do and why. Nothing is sent to anybody.\n\n"
        "  --from DATE      the first day, such as 2026-03-28; by default that of the first event\n"
        "                   of the script, else today\n"
        "  --days N         so many days, 1 to 400; by default 3\n"
        "  --script EVENTS  a file of events, one a line; by default only the policies act\n"
        "  --json           one JSON object a line\n\n"
        "An event: DATE TIME EVENT [every DURATION [until [DATE] TIME]], in the zone of the\n"
        "configuration. Words with blanks stand in \"quotes\"; # begins a comment. EVENT is one "
        "of\n",
        out);
    script_print_verbs(out);
    fputs("\nExit status: 0 done, 1 an error in FILE or EVENTS, 2 an error in the command line.\n",
          out);
}

static int refuse(const char *what, const char *found, const char *allowed)
{
    fprintf(stderr, "hallctl simulate: %s: found \"%.80s\"; allowed: %s\n", what, found, allowed);
    return HALLCTL_USAGE;
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
    case 'h':
        simulate_help(stdout);
        return HALLCTL_OK;
    default:
        fputs("Try: hallctl help simulate\n", stderr);
        return HALLCTL_USAGE;
    }
}

static int read_arguments(int argc, char *argv[], struct arguments *ret)
{
    static const struct option options[] = {
        {"from", required_argument, NULL, 'f'},   {"days", required_argument, NULL, 'd'},
        {"script", required_argument, NULL, 's'}, {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},         {0},
    };
    int option;

    optind = 1;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        const int status = take_option(option, ret);

        if (status >= 0)
            return status;
    }
    if (optind == argc) {
        fputs("hallctl simulate: the configuration is missing\nTry: hallctl help simulate\n",
              stderr);
        return HALLCTL_USAGE;
    }
    ret->config = argv[optind];
    return optind + 1 == argc ? -1 : refuse("argument", argv[optind + 1], "one FILE");
}

static int64_t first_event(const struct script *script)
{
    int64_t first = script->events[0].at;

    for (size_t i = 1; i < script->n_events; i++)
        first = script->events[i].at < first ? script->events[i].at : first;
    return first;
}

static int find_begin(const struct arguments *arguments, const struct local *local,
                      const struct script *script, int64_t *ret_from)
{
    const int64_t at = script->n_events > 0 ? first_event(script) : clock_now().wall;

    struct when when = {0};
    bool skipped;

    *ret_from = local_midnight(local, at, 0);
    if (!arguments->from)
        return -1;
    if (!when_read_date(arguments->from, &when))
        return refuse("--from", arguments->from, WHEN_DATE_ALLOWED);
    *ret_from = when_instant(&when, local, &skipped);
    return -1;
}

static int fail(const struct buf *errors)
{
    fputs(buf_text(errors), stderr);
    return HALLCTL_ERROR;
}

static int run(const struct arguments *arguments, const struct config *config,
               const struct local *local, struct script *script, struct buf *errors)
{
    struct world_plan plan = {.model = &config->model,
                              .local = local,
                              .script = script,
                              .out = stdout,
                              .json = arguments->json};
    const int status = find_begin(arguments, local, script, &plan.from);

    if (status >= 0)
        return status;
    plan.until = local_midnight(local, plan.from, arguments->days);
    if (script_expand(script, local, plan.from, plan.until, errors) < 0)
        return fail(errors);
    if (script->left_out > 0)
        fprintf(stderr, "%s: %zu events lie outside the days that are simulated\n", script->file,
                script->left_out);
    const int error = world_run(&plan);
    if (error < 0)
        fprintf(stderr, "hallctl simulate: %s\n", strerror(-error));
    return error < 0 ? HALLCTL_ERROR : HALLCTL_OK;
}

static int simulate(const struct arguments *arguments, const struct config *config,
                    struct buf *errors)
{
    static struct zone_cache cache; /* large, and only one at a time is of use: TZ is global */
    const struct zone_port zones = {.offset = zone_offset, .context = &cache};
    const struct local local = {.zones = &zones, .zone = config->timezone};
    const struct script_place place = {
        .file = arguments->script, .model = &config->model, .local = &local};
    struct script script = {0};

    if (arguments->script && script_load(&place, &script, errors) < 0)
        return fail(errors);
    const int status = run(arguments, config, &local, &script, errors);
    script_finish(&script);
    return status;
}

int simulate_run(int argc, char *argv[])
{
    struct arguments arguments = {.days = DAYS_DEFAULT};
    struct buf errors = BUF_INIT(ERRORS_LIMIT);
    struct config *config = NULL;
    int status = read_arguments(argc, argv, &arguments);

    if (status >= 0)
        return status;
    status = config_load(arguments.config, &config, &errors) < 0
                 ? fail(&errors)
                 : simulate(&arguments, config, &errors);
    config_free(config);
    buf_finish(&errors);
    return status;
}
