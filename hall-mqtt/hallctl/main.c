/* hallctl: finds the command and runs it. */
#include <stdlib.h>
#include <string.h>

#include "hallctl/hallctl.h"

static const struct hallctl_command commands[] = {
    {"simulate", "try a configuration: what would be woken and put to sleep, and why", simulate_run,
     simulate_help},
};
enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static const struct hallctl_command *find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static void print_commands(FILE *out)
{
    fputs("Commands:\n", out);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-12s %s\n", commands[i].name, commands[i].summary);
}

static void print_help(FILE *out)
{
    fputs("Usage: hallctl COMMAND [ARGUMENT...]\n"
          "       hallctl help COMMAND\n"
          "       hallctl --version\n\n",
          out);
    print_commands(out);
    fputs("\nExit status: 0 done, 1 an error in what was read, 2 an error in the command line.\n",
          out);
}

static int refuse_unknown(const char *name)
{
    fprintf(stderr, "hallctl: there is no command \"%.64s\".\n", name);
    print_commands(stderr);
    return HALLCTL_USAGE;
}

static int help_on(const char *name)
{
    const struct hallctl_command *command = find(name);

    if (!command)
        return refuse_unknown(name);
    command->help(stdout);
    return HALLCTL_OK;
}

static int help(int argc, char *argv[])
{
    if (argc > 2)
        return help_on(argv[2]);
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

static int run(int argc, char *argv[])
{
    const char *word = argc > 1 ? argv[1] : "";

    if (word[0] == '\0') {
        print_help(stderr);
        return HALLCTL_USAGE;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0)
        return help(argc, argv);
    if (strcmp(word, "--version") == 0) {
        puts("hallctl " HALL_VERSION);
        return HALLCTL_OK;
    }
    const struct hallctl_command *command = find(word);
    return command ? command->run(argc - 1, argv + 1) : refuse_unknown(word);
}

int main(int argc, char *argv[])
{
    return finish_output(run(argc, argv));
}
