#include "loop/errand.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

enum { PROBLEM_SIZE = 96, ACCURACY_US = 100000, READ_MOST = 65536 };

struct errand {
    sd_event *loop;
    struct errand_work work;
    sd_event_source *child; /* of the run under way, else NULL */
    sd_event_source *timer;
    sd_event_source *words; /* its stderr, while that is open and wanted; owns the pipe's end */
    pid_t pid;
    bool late;
    size_t length; /* of the line that is not whole yet */
    char line[ERRAND_LINE_MAX];
};

/* The child is a group of its own, and not yet waited for: the id is still its. */
static void kill_group(const struct errand *errand)
{
    (void)kill(-errand->pid, SIGKILL);
}

/* ---- what it says ---- */

static void tell_line(struct errand *errand)
{
    char shown[ERRAND_LINE_MAX];
    if (errand->length > 0)
        errand->work.line(errand->work.context,
                          text_show(shown, sizeof shown, errand->line, errand->length));
    errand->length = 0;
}

/* What does not fit a line is dropped. */
static void take_bytes(struct errand *errand, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] == '\n')
            tell_line(errand);
        else if (bytes[i] != '\r' && errand->length < sizeof errand->line)
            errand->line[errand->length++] = bytes[i];
}

/* As much as is there, but no more than READ_MOST of it in one turn. False: there is no more to
 * come. */
static bool read_words(struct errand *errand, int fd)
{
    char bytes[4096];
    for (size_t taken = 0; taken < READ_MOST;) {
        const ssize_t n = read(fd, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 && errno == EAGAIN;
        take_bytes(errand, bytes, (size_t)n);
        taken += (size_t)n;
    }
    return true;
}

static int on_words(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct errand *errand = context;
    (void)source;
    (void)events;
    if (!read_words(errand, fd))
        errand->words = sd_event_source_disable_unref(errand->words);
    return 0;
}

/* It has ended: what is left in the pipe, and a last line without an end. */
static void finish_words(struct errand *errand)
{
    if (errand->words != NULL)
        (void)read_words(errand, sd_event_source_get_io_fd(errand->words));
    errand->words = sd_event_source_disable_unref(errand->words);
    if (errand->work.line != NULL)
        tell_line(errand);
}

/* The end that the child writes to. */
static int open_words(struct errand *errand, int *ret_child_end)
{
    int ends[2];
    errand->length = 0;
    *ret_child_end = -1;
    if (errand->work.line == NULL)
        return 0;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    int error = fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
    if (error == 0)
        error = sd_event_add_io(errand->loop, &errand->words, ends[0], EPOLLIN, on_words, errand);
    if (error >= 0)
        error = sd_event_source_set_io_fd_own(errand->words, 1);
    if (error < 0) {
        errand->words = sd_event_source_disable_unref(errand->words);
        (void)close(ends[0]);
        (void)close(ends[1]);
        return error;
    }
    *ret_child_end = ends[1];
    return 0;
}

/* ---- the child ---- */

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
    finish_words(errand);
    if (errand->late)
        snprintf(problem, sizeof problem, "it took longer than %lld s",
                 (long long)(errand->work.limit_ms / 1000));
    else if (info->si_code != CLD_EXITED)
        snprintf(problem, sizeof problem, "it ended by signal %d", info->si_status);
    errand->work.done(errand->work.context, problem[0] == '\0' ? info->si_status : -1, problem);
    return 0;
}

static int describe_child(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes,
                          int words)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int error = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (error == 0)
        error = posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (error == 0 && words >= 0)
        error = posix_spawn_file_actions_adddup2(actions, words, STDERR_FILENO);
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

static int spawn_child(struct errand *errand, int words)
{
    static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                locale[] = "LC_ALL=C.UTF-8";
    char *const environment[] = {path, locale, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int error = describe_child(&actions, &attributes, words);
    if (error == 0)
        error = posix_spawn(&errand->pid, errand->work.argv[0], &actions, &attributes,
                            (char *const *)errand->work.argv, environment);
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
    int words;
    errand->late = false;
    int error = open_words(errand, &words);
    if (error == 0)
        error = spawn_child(errand, words);
    if (words >= 0)
        (void)close(words);
    if (error == 0)
        error = watch_child(errand);
    if (error < 0) {
        errand->words = sd_event_source_disable_unref(errand->words);
        snprintf(problem, sizeof problem, "it cannot be started: %s", strerror(-error));
        errand->work.done(errand->work.context, -1, problem);
        return;
    }
    sd_event_source_set_time(errand->timer,
                             (uint64_t)(clock_now().boot + errand->work.limit_ms) * 1000);
    sd_event_source_set_enabled(errand->timer, SD_EVENT_ONESHOT);
}

int errand_create(sd_event *loop, const struct errand_work *work, struct errand **ret_errand)
{
    struct errand *errand = calloc(1, sizeof *errand);
    if (errand == NULL)
        return -ENOMEM;
    *errand = (struct errand){.loop = sd_event_ref(loop), .work = *work};
    if (errand->work.limit_ms == 0)
        errand->work.limit_ms = ERRAND_LIMIT_MS;
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
    sd_event_source_disable_unref(errand->words);
    sd_event_source_disable_unref(errand->timer);
    sd_event_unref(errand->loop);
    free(errand);
}
