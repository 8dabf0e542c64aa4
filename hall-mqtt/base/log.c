#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

enum { MESSAGE_SIZE = 2048, LINE_SIZE = MESSAGE_SIZE + 64 };

/* Set once by log_init, before there are threads. */
static enum log_level level_most = LOG_LEVEL_INFO;
static bool to_journal;

/* systemd names the journal's socket as "device:inode", so that a redirected stderr is told apart.
 */
static bool stderr_is_journal(void)
{
    char found[64];
    struct stat status;
    const char *named = getenv("JOURNAL_STREAM");
    if (!named || fstat(STDERR_FILENO, &status) < 0)
        return false;
    snprintf(found, sizeof(found), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    return strcmp(named, found) == 0;
}

void log_init(enum log_level most)
{
    level_most = most;
    to_journal = stderr_is_journal();
}

static const char *level_prefix(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_ERROR:
        return "error: ";
    case LOG_LEVEL_WARNING:
        return "warning: ";
    case LOG_LEVEL_INFO:
        return "";
    case LOG_LEVEL_DEBUG:
        return "debug: ";
    }
    return "";
}

static int format_prefix(enum log_level level, char *out, size_t size)
{
    char time[RFC3339_SIZE];
    if (to_journal)
        return snprintf(out, size, "<%d>", (int)level);
    return snprintf(out, size, "%s %s", rfc3339_format(clock_now().wall, time),
                    level_prefix(level));
}

static void write_message(enum log_level level, const char *message)
{
    char line[LINE_SIZE];
    size_t used = (size_t)format_prefix(level, line, sizeof(line));

    text_show(line + used, sizeof(line) - used - 1, message, strlen(message));
    used += strlen(line + used);
    line[used++] = '\n';
    ssize_t written;
    do {
        written = write(STDERR_FILENO, line, used);
    } while (written < 0 && errno == EINTR);
}

void log_line(enum log_level level, const char *format, ...)
{
    const int saved_errno = errno;
    char message[MESSAGE_SIZE] = "";
    va_list args;

    va_start(args, format);
    if (level <= level_most)
        vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    if (level <= level_most)
        write_message(level, message);
    errno = saved_errno;
}

void log_error_lines(const char *text)
{
    while (*text) {
        const size_t length = strcspn(text, "\n");

        log_error("%.*s", (int)length, text);
        text += length + (text[length] == '\n');
    }
}

bool log_may_tell(struct log_flood *flood, int64_t now, unsigned most, const char *about)
{
    const int64_t minute = now / 60000;
    if (minute != flood->minute) {
        if (flood->hidden > 0)
            log_warning("%u more lines about %s were not shown in the last minute", flood->hidden,
                        about);
        *flood = (struct log_flood){.minute = minute};
    }
    if (flood->lines == most) {
        flood->hidden++;
        return false;
    }
    flood->lines++;
    return true;
}
