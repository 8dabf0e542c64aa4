#include "hall/start.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/program.h"
#include "base/text.h"
#include "config/last_good.h"

/* A configuration with its secrets, or nothing. */
static int check_secrets(struct config *config, struct config **ret_config, struct buf *errors)
{
    if (secrets_check(config, errors) < 0) {
        config_free(config);
        return -EINVAL;
    }
    *ret_config = config;
    return 0;
}

int start_read(struct start *start, const char *file, struct buf *errors)
{
    struct config *config = NULL;
    int error = config_read(file, &start->text, &start->length, errors);

    if (error == 0)
        error = config_parse(file, start->text, start->length, &config, errors);
    return error < 0 ? error : check_secrets(config, &start->config, errors);
}

char *start_error_place(const char *errors, char *out, size_t size)
{
    const size_t length = strcspn(errors, "\n");
    const char *found = memmem(errors, length, ": found ", sizeof(": found ") - 1);

    return text_show(out, size, errors, found ? (size_t)(found - errors) : length);
}

static void note_problem(struct start *start, const struct buf *errors, int64_t kept)
{
    size_t n = 0;
    char first[START_PROBLEM_SIZE / 2], at[RFC3339_SIZE];

    for (const char *text = buf_text(errors); *text; text++)
        n += *text == '\n';
    start_error_place(buf_text(errors), first, sizeof(first));
    snprintf(
        start->problem, sizeof(start->problem),
        "%s (%zu error%s, named in Hall's log). Hall runs on the last good configuration, of %s; "
        "correct the file and reload",
        first, n, n == 1 ? "" : "s", rfc3339_format(kept, at));
}

int start_fall_back(struct start *start, const char *file, struct buf *errors)
{
    struct buf more = BUF_INIT(PROGRAM_ERRORS_LIMIT);
    struct config *config = NULL;
    int64_t kept = 0;
    int error = last_good_load(file, &config, &kept, &more);

    if (error == 0)
        error = check_secrets(config, &start->config, &more);
    if (error == 0) {
        note_problem(start, errors, kept);
        free(start->text);
        start->text = NULL;
    } else if (error != -ENOENT) {
        buf_puts(errors, buf_text(&more));
    }
    buf_finish(&more);
    return error;
}

void start_keep_good(const char *file, const char *text, size_t length)
{
    const int error = last_good_keep(file, text, length);

    if (error < 0)
        log_warning(
            "%s: no copy can be kept for a start with a broken file: %s; set StateDirectory= "
            "in the unit, or let Hall write to the file's folder",
            file, strerror(-error));
}

void start_keep(struct start *start)
{
    if (start->text)
        start_keep_good(start->config->file, start->text, start->length);
    free(start->text);
    start->text = NULL;
}

void start_finish(struct start *start)
{
    config_free(start->config);
    free(start->text);
}
