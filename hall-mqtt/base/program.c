#include "base/program.h"

#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/authorities.h"
#include "base/memory.h"
#include "base/version.h"

enum { EXIT_USAGE = 2 };

static void print_usage(const struct program *program, FILE *out)
{
    fprintf(out,
            "Usage: %s [--config FILE] [--check] [--verbose] [--version]\n"
            "%s\n\n"
            "  --config FILE  the configuration (default %s)\n"
            "  --check        read the configuration, name every error, exit 1 if there is one\n"
            "%s"
            "  --verbose      log more\n"
            "  --version      print the version\n"
            "%s\n",
            program->name, program->purpose, program->config,
            program->reloads ? "  --reload PID   have this process read its configuration, exit 1 "
                               "with every error if it refuses\n"
                             : "",
            program->secrets);
}

static bool read_pid(const char *text, int64_t *ret_pid)
{
    char *end;

    *ret_pid = strtoll(text, &end, 10);
    return *ret_pid >= 2 && *ret_pid <= INT32_MAX && !*end;
}

int program_arguments(const struct program *program, int argc, char *argv[],
                      struct program_arguments *ret_arguments)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"check", no_argument, NULL, 'n'},
        {"verbose", no_argument, NULL, 'v'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {"reload", required_argument, NULL, 'r'},
        {0},
    };
    int option;
    *ret_arguments = (struct program_arguments){.config = program->config, .level = LOG_LEVEL_INFO};
    while ((option = getopt_long(argc, argv, "c:nvVh", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            ret_arguments->config = optarg;
            break;
        case 'n':
            ret_arguments->check = true;
            break;
        case 'v':
            ret_arguments->level = LOG_LEVEL_DEBUG;
            break;
        case 'r':
            if (!program->reloads || !read_pid(optarg, &ret_arguments->reload)) {
                fprintf(stderr, "%s: --reload: %s\n", program->name,
                        program->reloads ? "the number of a process, as of: pidof hall"
                                         : "only hall has it");
                return EXIT_USAGE;
            }
            break;
        case 'V':
            printf("%s " HALL_VERSION "\n", program->name);
            return EXIT_SUCCESS;
        case 'h':
            print_usage(program, stdout);
            return EXIT_SUCCESS;
        default:
            print_usage(program, stderr);
            return EXIT_USAGE;
        }
    }
    if (optind == argc)
        return -1;
    fprintf(stderr, "%s: unexpected argument: %s\n", program->name, argv[optind]);
    print_usage(program, stderr);
    return EXIT_USAGE;
}

void program_prepare(void)
{
    sigset_t mask;
    if (HALL_PORTABLE)
        authorities_announce();
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGHUP);
    sigaddset(&mask, SIGCHLD); /* programs that are run */
    sigprocmask(SIG_BLOCK, &mask, NULL);
    mallopt(M_ARENA_MAX, 1);
    /* Large tables come from the kernel as zeros, and what is never used of them costs nothing. */
    mallopt(M_MMAP_THRESHOLD, 32 * 1024);
    memory_trim();
}
