/* hall-agent: what a server says and does for Hall. Options, configuration, then the three phases:
 * create, run, destroy. */
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "bridges/agent/agent.h"
#include "bridges/agent/config_agent.h"

#define DEFAULT_CONFIG "/etc/hall/agent.json"

enum { EXIT_USAGE = 2, ERRORS_LIMIT = 65536 };

struct arguments {
    const char *config;
    bool check;
    enum log_level level;
};

static void print_usage(FILE *out)
{
    fputs("Usage: hall-agent [--config FILE] [--check] [--verbose] [--version]\n"
          "Reports to Hall what this server does, and lets it sleep when nobody needs it.\n\n"
          "  --config FILE  the configuration (default " DEFAULT_CONFIG ")\n"
          "  --check        read the configuration, name every error, exit 1 if there is one\n"
          "  --verbose      log more\n"
          "  --version      print the version\n"
          "The password at the broker comes from the environment: HALL_MQTT_PASSWORD, or a "
          "credential hall-mqtt-password.\n",
          out);
}

/* Returns -1 to go on, else the exit status. */
static int read_arguments(int argc, char *argv[], struct arguments *ret)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"check", no_argument, NULL, 'n'},
        {"verbose", no_argument, NULL, 'v'},      {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},         {0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "c:nvVh", options, NULL)) >= 0) {
        switch (option) {
        case 'c':
            ret->config = optarg;
            break;
        case 'n':
            ret->check = true;
            break;
        case 'v':
            ret->level = LOG_LEVEL_DEBUG;
            break;
        case 'V':
            puts("hall-agent " HALL_VERSION);
            return EXIT_SUCCESS;
        case 'h':
            print_usage(stdout);
            return EXIT_SUCCESS;
        default:
            print_usage(stderr);
            return EXIT_USAGE;
        }
    }
    if (optind == argc)
        return -1;
    fprintf(stderr, "hall-agent: \"%s\" is no option\n", argv[optind]);
    print_usage(stderr);
    return EXIT_USAGE;
}

static int serve(const struct config_agent *config, const struct secrets *secrets)
{
    struct agent *agent = NULL;
    int result = agent_create(config, secrets->mqtt_password, &agent);
    if (result == 0)
        result = agent_run(agent);
    agent_destroy(agent);
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Before any thread exists: signals come through the loop, and one allocation arena is enough. */
static void prepare_process(void)
{
    sigset_t mask;
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGCHLD);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    mallopt(M_ARENA_MAX, 1);
    memory_trim(true);
}

int main(int argc, char *argv[])
{
    struct arguments arguments = {.config = DEFAULT_CONFIG, .level = LOG_LEVEL_INFO};
    struct buf errors = BUF_INIT(ERRORS_LIMIT);
    struct config_agent *config = NULL;
    struct secrets secrets = {0};
    int status = read_arguments(argc, argv, &arguments);
    if (status >= 0)
        return status;
    log_init(arguments.level);
    const int config_error = config_agent_load(arguments.config, &config, &errors);
    const int secrets_error = secrets_load(&secrets, &errors);
    if (config_error < 0 || secrets_error < 0) {
        fputs(buf_text(&errors), stderr);
        status = EXIT_FAILURE;
    } else if (arguments.check) {
        printf("%s: ok: agent of %s\n", config->file, config->id);
        status = EXIT_SUCCESS;
    } else {
        prepare_process();
        status = serve(config, &secrets);
    }
    secrets_finish(&secrets);
    config_agent_free(config);
    buf_finish(&errors);
    return status;
}
