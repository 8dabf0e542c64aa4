/* Asks by the system's ssh. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "bridges/remote/remote_internal.h"
#include "bridges/remote/ssh_words.h"
#include "loop/child.h"

enum {
    /* A command that still runs so long after the login is not going to be refused: said before
       the probes can tell of silence, so that this silence is expected. */
    GRACE_MS = 2000,
    ACCURACY_US = 50000,
};

struct ssh {
    struct child *child;
    sd_event_source *grace;
    struct ssh_heard heard;
    struct ssh_words words;
    bool begun;
    char failed[REASON_SIZE]; /* why it could not even begin */
};

static int on_grace(sd_event_source *source, uint64_t usec, void *context)
{
    (void)source;
    (void)usec;
    remote_accept(context, "it was asked by ssh");
    return 0;
}

static void on_line(void *context, const char *line)
{
    struct asking *asking = context;
    struct ssh *ssh = asking->way;
    log_debug("%s: ssh: %s", asking->server, line);
    if (ssh_words_hear(&ssh->heard, line))
        (void)sd_event_add_time_relative(remote_loop(asking->remote), &ssh->grace, CLOCK_BOOTTIME,
                                         GRACE_MS * 1000, ACCURACY_US, on_grace, asking);
}

static void on_done(void *context, int status, const char *problem)
{
    struct asking *asking = context;
    struct ssh *ssh = asking->way;
    char sentence[REASON_SIZE];
    if (!ssh->begun) {
        snprintf(ssh->failed, sizeof(ssh->failed), "ssh: %s", problem);
        return;
    }
    if (ssh_words_judge(&ssh->heard, status, problem, sentence, sizeof(sentence)) == SSH_REFUSED) {
        log_warning("%s: %s", asking->server, sentence);
        remote_end(asking, sentence);
        return;
    }
    log_info("%s: %s", asking->server, sentence);
    remote_accept(asking, sentence);
    remote_end(asking, NULL);
}

/* ssh is looked for where it belongs, then by PATH. NULL: it is not installed. */
static const char *find_program(char *out, size_t size)
{
    static const char usual[] = "/usr/bin:/bin:/usr/local/bin";
    const char *const paths[] = {usual, getenv("PATH")};
    for (size_t i = 0; i < 2; i++)
        for (const char *at = paths[i]; at && *at; at += strcspn(at, ":"), at += *at == ':') {
            const int length = snprintf(out, size, "%.*s/ssh", (int)strcspn(at, ":"), at);
            if (at[0] == '/' && length > 0 && (size_t)length < size && access(out, X_OK) == 0)
                return out;
        }
    return NULL;
}

/* What ssh would only mutter about. */
static int check_key(const char *key, char reason[REASON_SIZE])
{
    struct stat status;
    if (stat(key, &status) < 0 || access(key, R_OK) < 0) {
        const int error = -errno;
        snprintf(reason, REASON_SIZE, "the key file %.120s cannot be read: %s", key,
                 strerror(-error));
        return error;
    }
    if (!S_ISREG(status.st_mode) || (status.st_uid == geteuid() && (status.st_mode & 077))) {
        snprintf(reason, REASON_SIZE, "the key file %.120s is open to others: chmod 600", key);
        return -EPERM;
    }
    return 0;
}

static int make_words(struct ssh *ssh, const struct remote_ask *ask, char reason[REASON_SIZE])
{
    char program[256], address[INET_ADDRSTRLEN];
    if (!find_program(program, sizeof(program))) {
        snprintf(reason, REASON_SIZE, "ssh is not installed: apt-get install openssh-client");
        return -ENOENT;
    }
    const int error = check_key(ask->server->sleep.ssh->key, reason);
    if (error < 0)
        return error;
    inet_ntop(AF_INET, &ask->server->address, address, sizeof(address));
    const struct model_sleep *sleep = &ask->server->sleep;
    if (ssh_words_make(&ssh->words, program, ask->server->sleep.ssh, address,
                       ask->restart ? sleep->ssh->restart : sleep->ssh->commands[sleep->mode]))
        return 0;
    snprintf(reason, REASON_SIZE, "the settings of sleep.ssh are too long together");
    return -E2BIG;
}

static void ssh_end(struct asking *asking)
{
    struct ssh *ssh = asking->way;
    child_destroy(ssh->child);
    sd_event_source_disable_unref(ssh->grace);
    free(ssh);
}

static int ssh_begin(struct asking *asking, const struct remote_ask *ask, char reason[REASON_SIZE])
{
    struct ssh *ssh = calloc(1, sizeof(*ssh));
    const struct child_work work = {.argv = ssh ? ssh->words.argv : NULL,
                                    .limit_ms = ask->limit_ms,
                                    .line = on_line,
                                    .done = on_done,
                                    .context = asking};
    if (!ssh) {
        snprintf(reason, REASON_SIZE, "out of memory");
        return -ENOMEM;
    }
    asking->way = ssh;
    int error = make_words(ssh, ask, reason);
    if (error < 0)
        return error;
    error = child_create(remote_loop(asking->remote), &work, &ssh->child);
    if (error < 0) {
        snprintf(reason, REASON_SIZE, "ssh cannot be started: %s", strerror(-error));
        return error;
    }
    child_run(ssh->child);
    ssh->begun = true;
    if (ssh->failed[0] == '\0')
        return 0;
    text_copy(reason, REASON_SIZE, ssh->failed);
    return -EIO;
}

const struct way_impl way_ssh = {.begin = ssh_begin, .end = ssh_end};
