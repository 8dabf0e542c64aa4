#include "base/reload_signal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/private_file.h"

#define ANSWER "reload"
#define FOLDER "RUNTIME_DIRECTORY="

enum {
    PATIENCE_MS = 60000, /* less than systemd has with ExecReload= */
    TEXT_SIZE = 65536,
    ENVIRONMENT_SIZE = 262144,
    COMM_SIZE = 32,
};

/* ---- the daemon ---- */

int reload_signal_answer(int64_t began, const char *why)
{
    char folder[PATH_MAX], path[PATH_MAX + 8], *text = NULL;

    if (!private_folder(getenv("RUNTIME_DIRECTORY"), folder))
        return 0;
    snprintf(path, sizeof(path), "%s/" ANSWER, folder);
    const int length =
        asprintf(&text, "%" PRId64 " %s\n%s", began, why ? "refused" : "done", why ? why : "");
    const int error = length < 0 ? -ENOMEM : private_file_replace(path, text, (size_t)length);
    free(text);
    return error;
}

/* ---- the sender ---- */

static ssize_t read_file(const char *path, char *out, size_t size)
{
    size_t length = 0;
    ssize_t n;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    if (fd < 0)
        return -errno;
    while (length < size - 1 && (n = read(fd, out + length, size - 1 - length)) > 0)
        length += (size_t)n;
    close(fd);
    out[length] = '\0';
    return (ssize_t)length;
}

/* Is it Hall that has this number? Another program might take a hang-up amiss. The unit's own
 * ExecReload= does not see the daemon below /proc (ProtectProc=, PrivateUsers=); systemd knows
 * which process it means. */
static bool is_hall(int64_t pid)
{
    char path[40], name[COMM_SIZE];

    snprintf(path, sizeof(path), "/proc/%" PRId64 "/comm", pid);
    if (read_file(path, name, sizeof(name)) > 0)
        return strcmp(name, "hall\n") == 0;
    return getenv("RUNTIME_DIRECTORY") != NULL;
}

/* Where that process answers: only root and its own user may know. */
static bool find_folder(int64_t pid, char out[PATH_MAX])
{
    char path[40], *all = calloc(1, ENVIRONMENT_SIZE);
    bool found = false;

    snprintf(path, sizeof(path), "/proc/%" PRId64 "/environ", pid);
    const ssize_t length = all ? read_file(path, all, ENVIRONMENT_SIZE) : 0;
    for (const char *at = all; length > 0 && at < all + length && !found; at += strlen(at) + 1)
        found =
            strncmp(at, FOLDER, strlen(FOLDER)) == 0 && private_folder(at + strlen(FOLDER), out);
    free(all);
    return found;
}

/* The answer to a reload that began after `asked`; false: not yet. */
static bool take_answer(const char *folder, int64_t asked, char *text, bool *ret_done)
{
    char path[PATH_MAX + 8], *end;

    snprintf(path, sizeof(path), "%s/" ANSWER, folder);
    if (read_file(path, text, TEXT_SIZE) <= 0 || strtoll(text, &end, 10) < asked)
        return false;
    *ret_done = strcmp(end, " done\n") == 0;
    char *line = strchr(text, '\n');
    memmove(text, line ? line + 1 : "", line ? strlen(line + 1) + 1 : 1);
    return true;
}

/* 0: answered; -errno: -ESRCH if the process ended, -ETIME if it does not answer. */
static int await_answer(int process, int folder_watch, const char *folder, int64_t asked,
                        char *text, bool *ret_done)
{
    struct pollfd polls[] = {{.fd = folder_watch, .events = POLLIN},
                             {.fd = process, .events = POLLIN}};
    char events[4096];
    const int64_t end = asked / 1000000 + PATIENCE_MS;

    while (!take_answer(folder, asked, text, ret_done)) {
        const int64_t rest = end - clock_boot_ns() / 1000000;

        if (polls[1].revents)
            return -ESRCH;
        if (rest <= 0)
            return -ETIME;
        if (poll(polls, 2, (int)rest) < 0 && errno != EINTR)
            return -errno;
        if (polls[0].revents && read(folder_watch, events, sizeof(events)) < 0 && errno != EINTR)
            return -errno;
    }
    return 0;
}

/* By number: glibc has these calls since 2.36, and the programs run with 2.34. */
static int hang_up(int process)
{
    return (int)syscall(SYS_pidfd_send_signal, process, SIGHUP, NULL, 0);
}

static int send_and_await(int process, const char *folder, char *text, bool *ret_done)
{
    const int watch = inotify_init1(IN_CLOEXEC);
    int error = watch < 0 ? -errno : 0;

    if (error == 0 && inotify_add_watch(watch, folder, IN_MOVED_TO | IN_ONLYDIR) < 0)
        error = -errno;
    const int64_t asked = clock_boot_ns();
    if (error == 0 && hang_up(process) < 0)
        error = -errno;
    if (error == 0)
        error = await_answer(process, watch, folder, asked, text, ret_done);
    if (watch >= 0)
        close(watch);
    return error;
}

static bool say_error(const char *who, int64_t pid, int error)
{
    fprintf(stderr, "%s: process %" PRId64 ": %s\n", who, pid,
            error == -ETIME   ? "did not say within a minute what came of it; see its log"
            : error == -ESRCH ? "ended before it had read its configuration; see its log"
                              : strerror(-error));
    return false;
}

static bool say_end(bool done, const char *text)
{
    if (done)
        puts("Hall: the new configuration is in use");
    else
        fprintf(stderr, "Hall: the new configuration is refused; the old one goes on:\n%s", text);
    return done;
}

static bool send_to(const char *who, int64_t pid, int process)
{
    char folder[PATH_MAX], *text = malloc(TEXT_SIZE);
    const bool answers =
        find_folder(pid, folder) || private_folder(getenv("RUNTIME_DIRECTORY"), folder);
    bool done = false;
    const int error = !text                  ? -ENOMEM
                      : answers              ? send_and_await(process, folder, text, &done)
                      : hang_up(process) < 0 ? -errno
                                             : 0;

    if (error == 0 && !answers)
        puts("Hall: told to reload; its log says what came of it");
    done = error < 0 ? say_error(who, pid, error) : answers ? say_end(done, text) : true;
    free(text);
    return done;
}

bool reload_signal_send(const char *who, int64_t pid)
{
    const int process = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);

    if (process < 0 || !is_hall(pid)) {
        fprintf(stderr, "%s: process %" PRId64 " is not hall; see: pidof hall\n", who, pid);
        if (process >= 0)
            close(process);
        return false;
    }
    const bool done = send_to(who, pid, process);

    close(process);
    return done;
}
