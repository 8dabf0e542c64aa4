#include "hallctl/setup/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"

enum { PIECE = 4096, SHOWN = 400 };

struct stream {
    int fd;
    struct buf *to;
};

static void take(struct stream *stream)
{
    char piece[PIECE];
    const ssize_t n = read(stream->fd, piece, sizeof(piece));

    if (n > 0 && stream->to && stream->to->length + (size_t)n < stream->to->limit)
        buf_add(stream->to, piece, (size_t)n);
    if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) {
        (void)close(stream->fd);
        stream->fd = -1;
    }
    explicit_bzero(piece, sizeof(piece));
}

static void drain(struct stream *out, struct stream *err)
{
    while (out->fd >= 0 || err->fd >= 0) {
        struct pollfd ready[] = {{out->fd, POLLIN, 0}, {err->fd, POLLIN, 0}};

        if (poll(ready, 2, -1) < 0 && errno != EINTR)
            return;
        if (ready[0].revents)
            take(out);
        if (ready[1].revents)
            take(err);
    }
}

/* Its pid, or -errno; the ends to read from. */
static int begin(const char *const *argv, int *ret_out, int *ret_err)
{
    posix_spawn_file_actions_t actions;
    int out[2], err[2];
    pid_t pid = 0;
    char *const *words; /* POSIX wants it without const, and changes nothing */

    memcpy(&words, &argv, sizeof(words));
    if (pipe2(out, O_CLOEXEC) < 0)
        return -errno;
    if (pipe2(err, O_CLOEXEC) < 0) {
        const int error = errno;
        (void)close(out[0]);
        (void)close(out[1]);
        return -error;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
    const int error = posix_spawnp(&pid, argv[0], &actions, NULL, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    (void)close(out[1]);
    (void)close(err[1]);
    *ret_out = out[0];
    *ret_err = err[0];
    return error != 0 ? -error : pid;
}

static bool is_good(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static const char *line_of(struct arena *arena, const char *const *argv)
{
    const char *line = argv[0];

    for (size_t i = 1; argv[i] && line; i++)
        line = arena_printf(arena, "%s %s", line, argv[i]);
    return line;
}

/* The end of what it said, as one line. */
static const char *why_of(struct arena *arena, struct buf *said)
{
    char shown[SHOWN];
    char *text = said->text;

    while (said->length > 0 && text[said->length - 1] == '\n')
        text[--said->length] = '\0';
    for (char *at = text; at && *at; at++)
        if (*at == '\n' || *at == '\t')
            *at = ' ';
    const size_t skip = said->length > SHOWN - 10 ? said->length - (SHOWN - 10) : 0;
    return arena_copy(arena,
                      text_show(shown, sizeof(shown), buf_text(said) + skip, said->length - skip));
}

bool command_run(const char *const *argv, struct buf *out, struct setup_notes *notes)
{
    struct buf said = BUF_INIT(COMMAND_OUT_MAX);
    struct stream from_out = {-1, out}, from_err = {-1, &said};
    const int pid = begin(argv, &from_out.fd, &from_err.fd);

    if (pid == -ENOENT)
        buf_puts(&said, strerror(ENOENT));
    drain(&from_out, &from_err);
    const bool good = pid > 0 && is_good(pid);
    if (!good) {
        if (said.length == 0 && out && pid > 0)
            buf_puts(&said, buf_text(out));
        setup_note(notes, SETUP_COMMAND, line_of(notes->arena, argv),
                   said.length > 0 ? why_of(notes->arena, &said) : "-", NULL);
    }
    buf_finish(&said);
    return good;
}

bool command_service(const char *verb, const char *unit, struct setup_notes *notes)
{
    const char *const argv[] = {"systemctl", verb, unit, NULL};

    if (access("/run/systemd/system", F_OK) == 0)
        return command_run(argv, NULL, notes);
    setup_note(notes, SETUP_NO_SYSTEMD, arena_printf(notes->arena, "systemctl %s %s", verb, unit),
               NULL);
    return true;
}
