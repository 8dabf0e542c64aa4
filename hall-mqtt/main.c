/* hall: the daemon. Options, configuration, then the three phases: create, run, destroy. */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "hall.h"

#define DEFAULT_CONFIG "/etc/hall/domains.json"

enum { EXIT_USAGE = 2, ERRORS_LIMIT = 65536 };

struct arguments {
    const char *config;
    bool check;
    enum log_level level;
};

static void print_usage(FILE *out)
{
    fputs("Usage: hall [--config FILE] [--check] [--verbose] [--version]\n"
          "Wakes servers when someone needs them and lets them sleep afterwards.\n\n"
          "  --config FILE  the configuration (default " DEFAULT_CONFIG ")\n"
          "  --check        read the configuration, name every error, exit 1 if there is one\n"
          "  --verbose      log more\n"
          "  --version      print the version\n"
          "Secrets come from the environment: HALL_MQTT_PASSWORD and others, see .env.example.\n",
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

    while ((option = getopt_long(argc, argv, "c:nvVh", options, NULL)) != -1) {
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
            puts("hall " HALL_VERSION);
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
    fprintf(stderr, "hall: unexpected argument: %s\n", argv[optind]);
    print_usage(stderr);
    return EXIT_USAGE;
}

static int check(const struct config *config)
{
    printf("%s: ok: %zu servers, %zu domains\n", config->file, config->model.n_servers,
           config->model.n_domains);
    return EXIT_SUCCESS;
}

static int serve(const struct config *config, const struct secrets *secrets)
{
    struct hall *hall = NULL;
    int result = hall_create(config, secrets, &hall);

    if (result == 0)
        result = hall_run(hall);
    hall_destroy(hall);
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Before any thread exists: signals come through the loop, a closed connection is an error and no
 * signal, and one allocation arena is enough for threads that hardly allocate. */
static void prepare_process(void)
{
    sigset_t mask;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGHUP);
    sigaddset(&mask, SIGCHLD); /* ssh */
    sigprocmask(SIG_BLOCK, &mask, NULL);
    mallopt(M_ARENA_MAX, 1);
    memory_trim(true);
}

int main(int argc, char *argv[])
{
    struct arguments arguments = {.config = DEFAULT_CONFIG, .level = LOG_LEVEL_INFO};
    struct buf errors = BUF_INIT(ERRORS_LIMIT);
    struct config *config = NULL;
    struct secrets secrets = {0};
    int status = read_arguments(argc, argv, &arguments);

    if (status >= 0)
        return status;
    log_init(arguments.level);
    const int config_error = config_load(arguments.config, &config, &errors);
    int secrets_error = secrets_load(&secrets, &errors);
    if (config_error == 0 && secrets_check(config, &errors) < 0)
        secrets_error = -EINVAL;
    if (config_error < 0 || secrets_error < 0) {
        fputs(buf_text(&errors), stderr);
        status = EXIT_FAILURE;
    } else if (arguments.check) {
        status = check(config);
    } else {
        prepare_process();
        status = serve(config, &secrets);
    }
    secrets_finish(&secrets);
    config_free(config);
    buf_finish(&errors);
    return status;
}
