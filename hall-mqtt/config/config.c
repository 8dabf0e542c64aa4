#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "config/arena.h"
#include "config/complaint.h"
#include "config/option.h"
#include "config/raw.h"

static int fail_memory(struct report *report)
{
    report_whole(report, COMPLAINT_FILE, report->file, PHRASE(NO_MEMORY));
    return -ENOMEM;
}

static bool any_failed(const struct arena *arena, const struct arena *scratch)
{
    return arena_failed(arena) || arena_failed(scratch);
}

/* What the configuration keeps is in arena; the document and scratch are needed only meanwhile. */
static int read_document(struct arena *arena, struct arena *scratch, const struct json *document,
                         struct report *report, struct config **ret_config)
{
    struct raw_config *raw = arena_alloc(scratch, 1, sizeof(*raw));
    struct config *config = arena_alloc(arena, 1, sizeof(*config));
    if (!raw || !config)
        return -ENOMEM;

    option_read_object(arena, scratch, report, &option_root, NULL, document, raw);
    if (!any_failed(arena, scratch))
        link_raw(arena, scratch, report, raw);
    int r = any_failed(arena, scratch) ? -ENOMEM : report_end(report);
    if (r < 0)
        return r;

    *config = raw->config;
    config->file = arena_copy(arena, report->file);
    config->memory = arena;
    build_model(arena, raw, &config->model);
    if (arena_failed(arena))
        return -ENOMEM;
    *ret_config = config;
    return 0;
}

int config_parse(const char *file, const char *text, size_t length, struct config **ret_config,
                 struct report *report)
{
    struct json_error error = {0};
    struct json *document = NULL;
    report_begin(report, file);
    int r = json_read(text, length, &json_limits_config, &document, &error);
    if (r < 0) {
        report_syntax(report, &error);
        return r == -ENOMEM ? r : -EINVAL;
    }

    struct arena *arena = arena_create();
    struct arena *scratch = arena_create();
    r = arena && scratch ? read_document(arena, scratch, document, report, ret_config) : -ENOMEM;
    json_free(document);
    arena_destroy(scratch);
    if (r < 0)
        arena_destroy(arena);
    return r == -ENOMEM ? fail_memory(report) : r;
}

void config_free(struct config *config)
{
    if (config)
        arena_destroy(config->memory); /* the config itself is in there */
}

/* The file */

int config_unreadable(struct report *report, const char *file, int error, const char *why)
{
    const enum wording wording = error == -ENOENT                      ? WORDING_ABSENT
                                 : error == -EACCES || error == -EPERM ? WORDING_DENIED
                                                                       : WORDING_UNREADABLE;
    report_whole(report, COMPLAINT_FILE, file, (struct phrase){.kind = wording, .texts = {why}});
    return error;
}

static int fail_file(struct report *report, const char *file, enum wording why, int error)
{
    report_whole(report, COMPLAINT_FILE, file, (struct phrase){.kind = why});
    return error;
}

/* Not blocking, so that a FIFO without a writer is told apart instead of waited for. */
static int open_regular(const char *file, size_t *ret_size, struct report *report)
{
    struct stat status;
    int fd = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return config_unreadable(report, file, -errno, strerror(errno));
    int r = fstat(fd, &status) < 0 ? -errno : 0;
    if (r == 0 && S_ISDIR(status.st_mode))
        r = fail_file(report, file, WORDING_DIRECTORY, -EISDIR);
    else if (r == 0 && !S_ISREG(status.st_mode))
        r = fail_file(report, file, WORDING_NOT_REGULAR, -EINVAL);
    else if (r == 0 && status.st_size > (off_t)json_limits_config.bytes)
        r = fail_file(report, file, WORDING_TOO_LARGE, -EFBIG);
    if (r < 0) {
        close(fd);
        return r;
    }
    *ret_size = (size_t)status.st_size;
    return fd;
}

static int read_all(int fd, char *text, size_t size, size_t *ret_length)
{
    size_t length = 0;
    while (length < size) {
        ssize_t n = read(fd, text + length, size - length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        length += (size_t)n;
    }
    *ret_length = length;
    return 0;
}

int config_read(const char *file, char **ret_text, size_t *ret_length, struct report *report)
{
    size_t size = 0;
    int fd = open_regular(file, &size, report);
    if (fd < 0)
        return fd;
    char *text = malloc(size + 1);
    int r = text ? read_all(fd, text, size, ret_length) : -ENOMEM;
    close(fd);
    if (r < 0) {
        free(text);
        report_whole(report, COMPLAINT_FILE, file, PHRASE(UNREADABLE, .texts = {strerror(-r)}));
        return r;
    }
    *ret_text = text;
    return 0;
}

int config_load(const char *file, struct config **ret_config, struct report *report)
{
    char *text = NULL;
    size_t length = 0;
    int r = config_read(file, &text, &length, report);
    if (r == 0)
        r = config_parse(file, text, length, ret_config, report);
    free(text);
    return r;
}
