#include "bridges/remote/ssh_words.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"

enum { STATUS_OF_SSH = 255 };

/* ---- what it is told ---- */

/* One key of the host and one of ours are all there is; nothing of the machine's configuration, no
 * question, no forwarding, no connection shared with others. VERBOSE is how ssh says that a login
 * succeeded. */
/* clang-format off */
static const char *const fixed[] = {
    "-F", "none", "-T",
    "-o", "BatchMode=yes",
    "-o", "StrictHostKeyChecking=yes",
    "-o", "UserKnownHostsFile=none",
    "-o", "GlobalKnownHostsFile=none",
    "-o", "CheckHostIP=no",
    "-o", "UpdateHostKeys=no",
    "-o", "VerifyHostKeyDNS=no",
    "-o", "IdentitiesOnly=yes",
    "-o", "IdentityAgent=none",
    "-o", "PreferredAuthentications=publickey",
    "-o", "ClearAllForwardings=yes",
    "-o", "PermitLocalCommand=no",
    "-o", "ControlPath=none",
    "-o", "ConnectionAttempts=1",
    "-o", "ConnectTimeout=6",
    "-o", "ServerAliveInterval=2",
    "-o", "ServerAliveCountMax=2",
    "-o", "LogLevel=VERBOSE",
};
/* clang-format on */

static void add(struct ssh_words *words, const char *word)
{
    if (words->n < SSH_WORDS_MAX)
        words->argv[words->n] = word;
    words->n++;
}

__attribute__((format(printf, 2, 3))) static void add_text(struct ssh_words *words,
                                                           const char *format, ...)
{
    va_list args;
    const size_t left = sizeof(words->text) - words->used;
    va_start(args, format);
    const int length = vsnprintf(words->text + words->used, left, format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= left) {
        words->n = SSH_WORDS_MAX + 1; /* too long */
        return;
    }
    add(words, words->text + words->used);
    words->used += (size_t)length + 1;
}

bool ssh_words_make(struct ssh_words *words, const char *program, const struct model_ssh *ssh,
                    const char *address, const char *command)
{
    words->n = words->used = 0;
    add_text(words, "%s", program);
    for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
        add(words, fixed[i]);
    /* The one known host, told by a program that prints its arguments: no file has to be kept. */
    add(words, "-o");
    add(words, "HostKeyAlias=hall");
    add(words, "-o");
    add_text(words, "KnownHostsCommand=/bin/echo hall %s", ssh->host_key);
    add(words, "-o");
    add_text(words, "IdentityFile=\"%s\"", ssh->key);
    add(words, "-p");
    add_text(words, "%u", (unsigned)ssh->port);
    add(words, "-l");
    add_text(words, "%s", ssh->user);
    add(words, "--");
    add_text(words, "%s", address);
    add_text(words, "%s", command);
    if (words->n > SSH_WORDS_MAX)
        return false;
    words->argv[words->n] = NULL;
    return true;
}

/* ---- what it says ---- */

static bool begins(const char *line, const char *words)
{
    return strncmp(line, words, strlen(words)) == 0;
}

/* What ssh says of itself at this level, of no use to anyone. */
static bool is_noise(const char *line)
{
    static const char *const noise[] = {"Transferred: ", "Bytes per second: ", "debug", "@@@",
                                        "Connection to "};
    for (size_t i = 0; i < ARRAY_SIZE(noise); i++)
        if (begins(line, noise[i]))
            return true;
    return line[strspn(line, " ")] == '\0';
}

bool ssh_words_hear(struct ssh_heard *heard, const char *line)
{
    if (!heard->logged_in && begins(line, "Authenticated to ")) {
        heard->logged_in = true;
        return true;
    }
    if (is_noise(line))
        return false;
    if (!heard->logged_in)
        text_copy(heard->last, sizeof(heard->last), line);
    else if (heard->first[0] == '\0')
        text_copy(heard->first, sizeof(heard->first), line);
    return false;
}

/* A server that suspends at once takes the connection with it, or leaves it hanging. */
static enum ssh_end judge_command(const struct ssh_heard *heard, int status, char *out, size_t size)
{
    if (status == 0) {
        snprintf(out, size, "it was asked by ssh");
        return SSH_ASKED;
    }
    if (status < 0 || status == STATUS_OF_SSH) {
        snprintf(out, size, "it was asked by ssh, and the connection ended without an answer");
        return SSH_ASKED;
    }
    snprintf(out, size, "the command by ssh failed with status %d%s%s", status,
             heard->first[0] ? ": " : "", heard->first);
    return SSH_REFUSED;
}

enum ssh_end ssh_words_judge(const struct ssh_heard *heard, int status, const char *problem,
                             char *out, size_t size)
{
    if (heard->logged_in)
        return judge_command(heard, status, out, size);
    if (status < 0)
        snprintf(out, size, "ssh did not log in: %s%s%s", problem, heard->last[0] ? "; " : "",
                 heard->last);
    else
        snprintf(out, size, "ssh did not log in: %s",
                 heard->last[0] ? heard->last : "it did not say why");
    return SSH_REFUSED;
}
