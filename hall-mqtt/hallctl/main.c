/* hallctl: finds the verb, reads the command line by it, and runs it. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/authorities.h"
#include "base/version.h"
#include "hallctl/verbs.h"

static void print_help(FILE *out)
{
    fputs("Usage: hallctl [OPTION...] VERB [ARGUMENT...]\n"
          "       hallctl help VERB\n"
          "       hallctl --version\n",
          out);
    verbs_print(out);
    fputs("\nThe broker is the first of: --broker URL, --config FILE (Hall's domains.json),\n"
          "HALL_MQTT_URL, ~/.config/hall/hallctl.json, mqtt://127.0.0.1:1883. The user is --user "
          "NAME\n"
          "or HALL_MQTT_USERNAME; the password is HALL_MQTT_PASSWORD in the environment.\n"
          "\nExit status: 0 done; 1 refused, failed, or an error in a file; 2 an error in the "
          "command\n"
          "line; 3 no broker or no Hall; 4 not done in time.\n",
          out);
}

static int refuse_unknown(const char *name)
{
    const struct verb *guess = verbs_guess(name);

    fprintf(stderr, "hallctl: unknown verb \"%.64s\".%s%s%s\n", name, guess ? " Did you mean " : "",
            guess ? guess->name : "", guess ? "?" : "");
    verbs_print(stderr);
    return HALLCTL_USAGE;
}

static int help_on(const struct verb *verb)
{
    arguments_help(verb, stdout);
    return HALLCTL_OK;
}

static int help(const char *name)
{
    const struct verb *verb = name ? verbs_find(name) : NULL;

    if (verb)
        return help_on(verb);
    if (name)
        return refuse_unknown(name);
    print_help(stdout);
    return HALLCTL_OK;
}

/* A full disk or a closed pipe must not look like success. */
static int finish_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fputs("hallctl: the output could not be written\n", stderr);
    return HALLCTL_ERROR;
}

/* argv[0] is the verb's name; what stood before it is in the call. */
static int run_verb(const struct verb *verb, int argc, char *argv[], struct call *call)
{
    int next = 0;

    if (arguments_read(verb, argc, argv, call, &next) < 0)
        return HALLCTL_USAGE;
    return call_has(call, FLAG_HELP) ? help_on(verb) : verb->run(call);
}

static int run(int argc, char *argv[])
{
    struct call call = {0};
    int next = 1;

    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("hallctl " HALL_VERSION);
        return HALLCTL_OK;
    }
    if (arguments_read(NULL, argc, argv, &call, &next) < 0)
        return HALLCTL_USAGE;
    if (call_has(&call, FLAG_HELP))
        return help(next < argc ? argv[next] : NULL);
    if (next == argc) {
        print_help(stderr);
        return HALLCTL_USAGE;
    }
    if (strcmp(argv[next], "help") == 0)
        return help(next + 1 < argc ? argv[next + 1] : NULL);
    const struct verb *verb = verbs_find(argv[next]);
    return verb ? run_verb(verb, argc - next, argv + next, &call) : refuse_unknown(argv[next]);
}

int main(int argc, char *argv[])
{
    if (HALL_PORTABLE)
        authorities_announce();
    signal(SIGPIPE, SIG_IGN);
    return finish_output(run(argc, argv));
}
