#include "loop/child.h"

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

struct child {
    sd_event *loop;
    struct child_work work;
    sd_event_source *run; /* of the run under way, else NULL */
    sd_event_source *timer;
    sd_event_source *words; /* its stderr, while that is open and wanted; owns the pipe's end */
    pid_t pid;
    bool late;
    size_t length; /* of the line that is not whole yet */
    char line[CHILD_LINE_MAX];
};

/* The child is a group of its own, and not yet waited for: the id is still its. */
static void kill_group(const struct child *child)
{
    (void)kill(-child->pid, SIGKILL);
}

/* ---- what it says ---- */

static void tell_line(struct child *child)
{
    char shown[CHILD_LINE_MAX];
    if (child->length > 0)
        child->work.line(child->work.context,
                         text_show(shown, sizeof(shown), child->line, child->length));
    child->length = 0;
}

/* What does not fit a line is dropped. */
static void take_bytes(struct child *child, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] == '\n')
            tell_line(child);
        else if (bytes[i] != '\r' && child->length < sizeof(child->line))
            child->line[child->length++] = bytes[i];
}

/* As much as is there, but no more than READ_MOST of it in one turn. False: there is no more to
 * come. */
static bool read_words(struct child *child, int fd)
{
    char bytes[4096];
    for (size_t taken = 0; taken < READ_MOST;) {
        const ssize_t n = read(fd, bytes, sizeof(bytes));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 && errno == EAGAIN;
        take_bytes(child, bytes, (size_t)n);
        taken += (size_t)n;
    }
    return true;
}

static int on_words(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct child *child = context;
    (void)source;
    (void)events;
    if (!read_words(child, fd))
        child->words = sd_event_source_disable_unref(child->words);
    return 0;
}

/* The end that the child writes to. */
static int open_words(struct child *child, int *ret_end)
{
    int ends[2];
    child->length = 0;
    *ret_end = -1;
    if (!child->work.line)
        return 0;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    int error = fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
    if (error == 0)
        error = sd_event_add_io(child->loop, &child->words, ends[0], EPOLLIN, on_words, child);
    if (error >= 0)
        error = sd_event_source_set_io_fd_own(child->words, 1);
    if (error < 0) {
        child->words = sd_event_source_disable_unref(child->words);
        (void)close(ends[0]);
        (void)close(ends[1]);
        return error;
    }
    *ret_end = ends[1];
    return 0;
}

/* ---- the child ---- */

static int on_late(sd_event_source *source, uint64_t usec, void *context)
{
    struct child *child = context;
    (void)source;
    (void)usec;
    child->late = true;
    kill_group(child);
    return 0;
}

static int on_end(sd_event_source *source, const siginfo_t *info, void *context)
{
    struct child *child = context;
    char problem[PROBLEM_SIZE] = "";
    (void)source;
    sd_event_source_set_enabled(child->timer, SD_EVENT_OFF);
    kill_group(child); /* whatever it left behind */
    child->run = sd_event_source_disable_unref(child->run);
    /* It has ended: what is left in the pipe, and a last line without an end. */
    if (child->words)
        (void)read_words(child, sd_event_source_get_io_fd(child->words));
    child->words = sd_event_source_disable_unref(child->words);
    if (child->work.line)
        tell_line(child);
    if (child->late)
        snprintf(problem, sizeof(problem), "it took longer than %lld s",
                 (long long)(child->work.limit_ms / 1000));
    else if (info->si_code != CLD_EXITED)
        snprintf(problem, sizeof(problem), "it ended by signal %d", info->si_status);
    child->work.done(child->work.context, problem[0] == '\0' ? info->si_status : -1, problem);
    return 0;
}

static int describe(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, int words)
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

static int spawn(struct child *child, int words)
{
    static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                locale[] = "LC_ALL=C.UTF-8";
    char *const environment[] = {path, locale, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int error = describe(&actions, &attributes, words);
    if (error == 0)
        error = posix_spawn(&child->pid, child->work.argv[0], &actions, &attributes,
                            (char *const *)child->work.argv, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return -error;
}

/* Kills a child that nobody can watch. */
static int watch(struct child *child)
{
    const int error =
        sd_event_add_child(child->loop, &child->run, child->pid, WEXITED, on_end, child);
    if (error >= 0)
        return 0;
    kill_group(child);
    (void)waitpid(child->pid, NULL, 0);
    return error;
}

void child_run(struct child *child)
{
    char problem[PROBLEM_SIZE];
    int words;
    child->late = false;
    int error = open_words(child, &words);
    if (error == 0)
        error = spawn(child, words);
    if (words >= 0)
        (void)close(words);
    if (error == 0)
        error = watch(child);
    if (error < 0) {
        child->words = sd_event_source_disable_unref(child->words);
        snprintf(problem, sizeof(problem), "it cannot be started: %s", strerror(-error));
        child->work.done(child->work.context, -1, problem);
        return;
    }
    sd_event_source_set_time(child->timer,
                             (uint64_t)(clock_now().boot + child->work.limit_ms) * 1000);
    sd_event_source_set_enabled(child->timer, SD_EVENT_ONESHOT);
}

int child_create(sd_event *loop, const struct child_work *work, struct child **ret_child)
{
    struct child *child = calloc(1, sizeof(*child));
    if (!child)
        return -ENOMEM;
    *child = (struct child){.loop = sd_event_ref(loop), .work = *work};
    if (child->work.limit_ms == 0)
        child->work.limit_ms = CHILD_LIMIT_MS;
    const int error = sd_event_add_time(loop, &child->timer, CLOCK_BOOTTIME, UINT64_MAX,
                                        ACCURACY_US, on_late, child);
    if (error < 0) {
        child_destroy(child);
        return error;
    }
    sd_event_source_set_enabled(child->timer, SD_EVENT_OFF);
    *ret_child = child;
    return 0;
}

void child_destroy(struct child *child)
{
    if (!child)
        return;
    if (child->run) {
        kill_group(child);
        sd_event_source_disable_unref(child->run);
        (void)waitpid(child->pid, NULL, 0); /* killed: it ends now */
    }
    sd_event_source_disable_unref(child->words);
    sd_event_source_disable_unref(child->timer);
    sd_event_unref(child->loop);
    free(child);
}
