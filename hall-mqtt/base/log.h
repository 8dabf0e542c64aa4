/*
 * log: one line each to stderr, with the journal's priority prefix "<N>" when stderr is the journal
 * (JOURNAL_STREAM names it), else with the time in front. Any thread may log; a line is one write.
 * Control characters in a message are shown as '?', so no input can forge a line. Secrets are never
 * passed in.
 */
#ifndef HALL_BASE_LOG_H
#define HALL_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level {
    LOG_LEVEL_ERROR = 3,
    LOG_LEVEL_WARNING = 4,
    LOG_LEVEL_INFO = 6,
    LOG_LEVEL_DEBUG = 7
};

void log_init(enum log_level most); /* the one global: what is printed at most */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

void log_error_lines(const char *text); /* each line of it as an error */

/* Lines about what comes from outside, which may not fill the log. Zero to begin with. */
struct log_flood {
    int64_t minute;
    unsigned lines, hidden;
};

/* May one more be written? So many are in a minute; the next minute says how many were not. now:
 * boot clock, ms. */
bool log_may_tell(struct log_flood *flood, int64_t now, unsigned most, const char *about);

#endif
