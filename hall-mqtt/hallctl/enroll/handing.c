#include "hallctl/enroll/handing.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "secret/secret.h"

enum { POLL_MS = 1000 }; /* poll's clock stands still in suspend */

/* ---- its life ---- */

static int spawn(const char *program, int in, int out, int *ret_pid)
{
    char *const argv[] = {(char *)program, NULL}, *const environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    pid_t pid;

    sigemptyset(&none);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    const int error = posix_spawn(&pid, program, &actions, &attributes, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    *ret_pid = error == 0 ? pid : 0;
    return -error;
}

int handing_open(struct handing *handing, const char *program)
{
    int to[2], from[2];

    *handing = (struct handing){0};
    if (pipe2(to, O_CLOEXEC) < 0)
        return -errno;
    if (pipe2(from, O_CLOEXEC) < 0) {
        const int error = -errno;
        close(to[0]);
        close(to[1]);
        return error;
    }
    const int error = spawn(program, to[0], from[1], &handing->pid);
    close(to[0]);
    close(from[1]);
    handing->to = to[1];
    handing->from = from[0];
    if (error < 0) {
        close(to[1]);
        close(from[0]);
    }
    return error;
}

void handing_close(struct handing *handing)
{
    if (handing->pid == 0)
        return;
    kill(handing->pid, SIGKILL);
    while (waitpid(handing->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    close(handing->to);
    close(handing->from);
    *handing = (struct handing){0};
}

/* ---- what it is given ---- */

static int give(struct handing *handing, const char *bytes, size_t length)
{
    while (length > 0) {
        const ssize_t n = write(handing->to, bytes, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -EPIPE;
        bytes += n;
        length -= (size_t)n;
    }
    return 0;
}

static int say(struct handing *handing, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int say(struct handing *handing, const char *format, ...)
{
    char line[HANDING_LINE];
    va_list args;

    va_start(args, format);
    const int n = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    const int error = n < HANDING_LINE ? give(handing, line, (size_t)n) : -EINVAL;
    explicit_bzero(line, sizeof(line));
    return error;
}

int handing_listen(struct handing *handing, const char *address, uint16_t port)
{
    return say(handing, "listen %s %u\n", address, (unsigned)port);
}

int handing_item(struct handing *handing, const char *name, const char *token, const char *bytes,
                 size_t length)
{
    const int error = say(handing, "item %s %s %zu\n", name, token, length);

    return error < 0 ? error : give(handing, bytes, length);
}

int handing_ask(struct handing *handing, const char *name, const char *token)
{
    return say(handing, "ask %s %s\n", name, token);
}

int handing_serve(struct handing *handing)
{
    return say(handing, "serve\n");
}

int handing_answer(struct handing *handing, bool yes)
{
    return say(handing, yes ? "yes\n" : "no\n");
}

/* ---- what it tells ---- */

static const struct {
    const char *name;
    enum handing_kind kind;
    bool sentence; /* its words are one */
} kinds[] = {
    {"ready", HANDING_READY, false}, {"fetched", HANDING_FETCHED, false},
    {"asked", HANDING_ASKED, false}, {"again", HANDING_AGAIN, false},
    {"wrong", HANDING_WRONG, false}, {"failed", HANDING_FAILED, true},
};

static bool read_event(char *line, struct handing_event *ret_event)
{
    char *rest = line;
    const char *name = strsep(&rest, " ");

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (strcmp(kinds[i].name, name) != 0)
            continue;
        ret_event->kind = kinds[i].kind;
        for (size_t k = 0; k < HANDING_WORDS; k++)
            ret_event->words[k] = !rest ? "" : kinds[i].sentence ? rest : strsep(&rest, " ");
        return true;
    }
    return false;
}

/* Takes a byte; is a line whole with it? */
static bool take(struct handing *handing, char byte)
{
    if (byte != '\n') {
        if (handing->length + 1 < HANDING_LINE)
            handing->line[handing->length++] = byte;
        return false;
    }
    handing->line[handing->length] = '\0';
    handing->length = 0;
    return true;
}

int handing_next(struct handing *handing, int64_t deadline, int other,
                 struct handing_event *ret_event)
{
    for (;;) {
        struct pollfd events[] = {{handing->from, POLLIN, 0}, {other, POLLIN, 0}};
        const int64_t left = deadline - clock_now().boot;
        char byte;

        if (left <= 0)
            return -ETIMEDOUT;
        const int n = poll(events, ARRAY_SIZE(events), left < POLL_MS ? (int)left : POLL_MS);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n <= 0)
            continue;
        if (events[1].revents != 0)
            return 0;
        if (read(handing->from, &byte, 1) != 1) /* lines are few and short */
            return -EPIPE;
        if (take(handing, byte) && read_event(handing->line, ret_event))
            return 1;
    }
}

int enroll_token(char ret_token[ENROLL_TOKEN_SIZE])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t bytes[ENROLL_TOKEN_SIZE - 1];

    if (secret_random(bytes, sizeof(bytes)) < 0)
        return -EIO;
    for (size_t i = 0; i < sizeof(bytes); i++)
        ret_token[i] = digits[bytes[i] & 63];
    ret_token[sizeof(bytes)] = '\0';
    explicit_bzero(bytes, sizeof(bytes));
    return 0;
}
