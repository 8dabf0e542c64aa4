#include "bridges/agent/errand.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

enum { PROBLEM_SIZE = 96, ACCURACY_US = 100000 };

struct errand {
    sd_event *loop;
    const char *const *argv;
    void (*done)(void *context, int status, const char *problem);
    void *context;
    sd_event_source *child; /* of the run under way, else NULL */
    sd_event_source *timer;
    pid_t pid;
    bool late;
};

/* The child is a group of its own, and not yet waited for: the id is still its. */
static void kill_group(const struct errand *errand)
{
    (void)kill(-errand->pid, SIGKILL);
}

static int on_late(sd_event_source *source, uint64_t usec, void *context)
{
    struct errand *errand = context;
    (void)source;
    (void)usec;
    errand->late = true;
    kill_group(errand);
    return 0;
}

static int on_child(sd_event_source *source, const siginfo_t *info, void *context)
{
    struct errand *errand = context;
    char problem[PROBLEM_SIZE] = "";
    (void)source;
    sd_event_source_set_enabled(errand->timer, SD_EVENT_OFF);
    kill_group(errand); /* whatever it left behind */
    errand->child = sd_event_source_disable_unref(errand->child);
    if (errand->late)
        snprintf(problem, sizeof problem, "it took longer than %d s", ERRAND_LIMIT_MS / 1000);
    else if (info->si_code != CLD_EXITED)
        snprintf(problem, sizeof problem, "it ended by signal %d", info->si_status);
    errand->done(errand->context, problem[0] == '\0' ? info->si_status : -1, problem);
    return 0;
}

static int describe_child(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int error = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (error == 0)
        error = posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (error == 0)
        error = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
    if (error == 0)
        error = posix_spawnattr_setsigmask(attributes, &none);
    if (error == 0)
        error = posix_spawnattr_setsigdefault(attributes, &all);
    if (error == 0)
        error = posix_spawnattr_setpgroup(attributes, 0);
    if (error == 0)
        error = posix_spawnattr_setflags(
            attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    return error;
}

/* The secrets of the agent are not the program's. */
static int spawn_child(struct errand *errand)
{
    static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                locale[] = "LC_ALL=C.UTF-8";
    char *const environment[] = {path, locale, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int error = describe_child(&actions, &attributes);
    if (error == 0)
        error = posix_spawn(&errand->pid, errand->argv[0], &actions, &attributes,
                            (char *const *)errand->argv, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return -error;
}

/* Kills a child that nobody can watch. */
static int watch_child(struct errand *errand)
{
    const int error =
        sd_event_add_child(errand->loop, &errand->child, errand->pid, WEXITED, on_child, errand);
    if (error >= 0)
        return 0;
    kill_group(errand);
    (void)waitpid(errand->pid, NULL, 0);
    return error;
}

void errand_run(struct errand *errand)
{
    char problem[PROBLEM_SIZE];
    errand->late = false;
    int error = spawn_child(errand);
    if (error == 0)
        error = watch_child(errand);
    if (error < 0) {
        snprintf(problem, sizeof problem, "it cannot be started: %s", strerror(-error));
        errand->done(errand->context, -1, problem);
        return;
    }
    sd_event_source_set_time(errand->timer, (uint64_t)(clock_now().boot + ERRAND_LIMIT_MS) * 1000);
    sd_event_source_set_enabled(errand->timer, SD_EVENT_ONESHOT);
}

int errand_create(sd_event *loop, const char *const *argv,
                  void (*done)(void *context, int status, const char *problem), void *context,
                  struct errand **ret_errand)
{
    struct errand *errand = calloc(1, sizeof *errand);
    if (errand == NULL)
        return -ENOMEM;
    *errand =
        (struct errand){.loop = sd_event_ref(loop), .argv = argv, .done = done, .context = context};
    const int error = sd_event_add_time(loop, &errand->timer, CLOCK_BOOTTIME, UINT64_MAX,
                                        ACCURACY_US, on_late, errand);
    if (error < 0) {
        errand_destroy(errand);
        return error;
    }
    sd_event_source_set_enabled(errand->timer, SD_EVENT_OFF);
    *ret_errand = errand;
    return 0;
}

void errand_destroy(struct errand *errand)
{
    if (errand == NULL)
        return;
    if (errand->child != NULL) {
        kill_group(errand);
        sd_event_source_disable_unref(errand->child);
        (void)waitpid(errand->pid, NULL, 0); /* killed: it ends now */
    }
    sd_event_source_disable_unref(errand->timer);
    sd_event_unref(errand->loop);
    free(errand);
}
