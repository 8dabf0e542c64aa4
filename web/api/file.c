/* The configuration as a file: read, checked, compared, replaced whole or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/text.h"
#include "web/api/api_internal.h"

/* Very long keys may leave no room for all errors in one answer. */
enum { ERROR_MAX = 8192, ERRORS_MAX = ANSWER_LIMIT - 4 * ERROR_MAX };

void api_file_etag(const char *text, size_t length, char out[ETAG_SIZE])
{
    snprintf(out, ETAG_SIZE, "\"%016" PRIx64 "\"", hash_add(HASH_START, text, length));
}

int api_file_load(const char *path, int flags, struct buf *out)
{
    char piece[8192];
    int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
    if (fd < 0)
        return -errno;
    ssize_t got;
    while ((got = read(fd, piece, sizeof(piece))) > 0)
        buf_add(out, piece, (size_t)got);
    int error = got < 0 ? -errno : buf_error(out);
    close(fd);
    return error;
}

bool api_file_read(struct api_call *call, struct buf *ret_text)
{
    int error = api_file_load(call->api->config_file, 0, ret_text);
    if (error < 0)
        api_problem(call, 503, "%s cannot be read: %s.", call->api->config_file,
                    error == -EMSGSIZE ? "it is longer than 256 KiB" : strerror(-error));
    return error == 0;
}

void api_file_get(struct api_call *call)
{
    struct api_params params;
    struct buf text = BUF_INIT(API_CONFIG_MAX);
    if (api_params(call, &params) && api_file_read(call, &text)) {
        buf_add(api_begin(call, 200, NULL), buf_text(&text), text.length);
        char etag[ETAG_SIZE];
        api_file_etag(buf_text(&text), text.length, etag);
        answer_header(call->answer, "ETag", etag);
        api_end(call);
    }
    buf_finish(&text);
}

/* ---- errors ---- */

static enum config_language language_of(const struct api_call *call)
{
    return call->request->language == LANGUAGE_FRENCH ? CONFIG_FRENCH : CONFIG_ENGLISH;
}

static void put_error(struct json_writer *writer, const struct complaint *complaint,
                      enum config_language language)
{
    struct buf text = BUF_INIT(ERROR_MAX), message = BUF_INIT(ERROR_MAX);

    complaint_say(complaint, language, &text);
    complaint_say_message(complaint, language, &message);
    json_begin_object(writer, NULL);
    json_put_string(writer, "text", buf_text(&text));
    json_put_string(writer, "pointer", complaint->pointer);
    json_put_string(writer, "message", buf_text(&message));
    complaint_put(writer, "fact", complaint);
    json_end_object(writer);
    buf_finish(&message);
    buf_finish(&text);
}

static void put_errors(struct api_call *call, struct json_writer *writer,
                       const struct report *report)
{
    const struct buf *room = &call->answer->room;

    json_begin_array(writer, "errors");
    for (const struct complaint *at = report->first; at && room->length < ERRORS_MAX; at = at->next)
        put_error(writer, at, language_of(call));
    json_end_array(writer);
}

void api_answer_errors(struct api_call *call, int status, const char *detail,
                       const struct report *report)
{
    struct json_writer writer;
    api_begin_problem(call, status, detail, NULL, &writer);
    put_errors(call, &writer, report);
    api_end_problem(call, &writer);
}

static int check(const struct api *api, const char *text, size_t length, struct report *report)
{
    struct config *config = NULL;
    /* Just the name: the errors say it at each line. */
    const char *slash = strrchr(api->config_file, '/');
    int error = config_parse(slash ? slash + 1 : api->config_file, text, length, &config, report);
    if (error == 0)
        error = secrets_check(config, report); /* as a reload does */
    config_free(config);
    return error;
}

/* ---- writing ---- */

int api_file_write(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t put = write(fd, text, length);
        if (put < 0 && errno != EINTR)
            return -errno;
        if (put > 0) {
            text += put;
            length -= (size_t)put;
        }
    }
    return fsync(fd) < 0 ? -errno : 0;
}

/* The new file gets the rights of the old one; its owner only where that is allowed. */
static int write_beside(const char *path, const char *beside, const char *text, size_t length)
{
    struct stat status = {.st_mode = 0640, .st_uid = (uid_t)-1, .st_gid = (gid_t)-1};
    (void)stat(path, &status);
    (void)unlink(beside);
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    if (fchown(fd, status.st_uid, status.st_gid) < 0 && fchown(fd, (uid_t)-1, status.st_gid) < 0)
        errno = 0;
    int error = fchmod(fd, status.st_mode & 0777) < 0 ? -errno : 0;
    if (error == 0)
        error = api_file_write(fd, text, length);
    close(fd);
    return error;
}

static void sync_folder(const char *path)
{
    char folder[4096];
    text_copy(folder, sizeof(folder), path);
    char *slash = strrchr(folder, '/');
    if (!slash)
        return;
    slash[slash == folder ? 1 : 0] = '\0';
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd);
    close(fd);
}

static int replace_file(const char *path, const char *text, size_t length)
{
    char beside[4096];
    if (snprintf(beside, sizeof(beside), "%s.new", path) >= (int)sizeof(beside))
        return -ENAMETOOLONG;
    int error = write_beside(path, beside, text, length);
    if (error == 0 && rename(beside, path) < 0)
        error = -errno;
    if (error < 0)
        (void)unlink(beside);
    else
        sync_folder(path);
    return error;
}

static bool load(struct api_call *call)
{
    struct errand *errand = api_errand(call, ERRAND_RELOAD);
    bool ok = errand && api_run(call, errand, API_COMMAND_MS);
    errand_drop(errand);
    return ok;
}

static void answer_changed(struct api_call *call, const char *text, size_t length,
                           const char *version, bool changed)
{
    struct json_writer writer;
    char etag[ETAG_SIZE];
    api_file_etag(text, length, etag);
    api_begin(call, 200, &writer);
    json_begin_object(&writer, NULL);
    json_put_string(&writer, "etag", etag);
    json_put_string(&writer, "version", version);
    json_put_bool(&writer, "changed", changed);
    json_end_object(&writer);
    answer_header(call->answer, "ETag", etag);
    api_end(call);
}

static bool keep_both(struct api_call *call, const struct buf *old, const char *text, size_t length,
                      char ret_version[64])
{
    char by[128];
    api_by(call, by, sizeof(by));
    int error = api_version_keep(call->api, buf_text(old), old->length, "file", ret_version);
    if (error == 0)
        error = api_version_keep(call->api, text, length, by, ret_version);
    if (error < 0)
        api_problem(call, 503,
                    "The versions beside the store cannot be written (%s); nothing was changed.",
                    strerror(-error));
    return error == 0;
}

static void replace(struct api_call *call, const struct buf *old, const char *text, size_t length)
{
    char version[64] = "";
    if (!keep_both(call, old, text, length, version))
        return;
    const bool changed = old->length != length || memcmp(buf_text(old), text, length) != 0;
    int error = changed ? replace_file(call->api->config_file, text, length) : 0;
    if (error < 0)
        api_problem(call, 503, "%s cannot be written: %s; nothing was changed.",
                    call->api->config_file, strerror(-error));
    else if (!changed || load(call))
        answer_changed(call, text, length, version, changed);
}

void api_file_replace(struct api_call *call, const char *text, size_t length)
{
    struct buf old = BUF_INIT(API_CONFIG_MAX);
    struct report report = {0};
    if (check(call->api, text, length, &report) < 0)
        api_answer_errors(
            call, 422,
            "The configuration has errors; nothing was changed. `errors` names them all.", &report);
    else if (api_file_read(call, &old))
        replace(call, &old, text, length);
    buf_finish(&old);
    report_finish(&report);
}

bool api_file_matches(struct api_call *call, const struct buf *current)
{
    const char *wanted = call->request->if_match;
    char etag[ETAG_SIZE];
    if (!wanted) {
        api_problem(call, 428, "If-Match is missing: give the ETag of the configuration you read.");
        return false;
    }
    api_file_etag(buf_text(current), current->length, etag);
    if (strcmp(wanted, etag) == 0)
        return true;
    api_problem(call, 412, "The configuration was changed meanwhile; read it again.");
    return false;
}

void api_file_put(struct api_call *call)
{
    struct api_params params;
    struct json *body = NULL;
    struct buf current = BUF_INIT(API_CONFIG_MAX);
    if (!api_params(call, &params) || !api_body(call, false, &body))
        return;
    json_free(body);
    pthread_mutex_lock(&call->api->file_lock);
    if (api_file_read(call, &current) && api_file_matches(call, &current))
        api_file_replace(call, call->request->body, call->request->length);
    pthread_mutex_unlock(&call->api->file_lock);
    buf_finish(&current);
}

/* ---- questions ---- */

void api_file_validate(struct api_call *call)
{
    struct report report = {0};
    struct json_writer writer;
    struct json *body = NULL;
    if (!api_body(call, false, &body))
        return;
    json_free(body);
    int error = check(call->api, call->request->body, call->request->length, &report);
    api_begin(call, 200, &writer);
    json_begin_object(&writer, NULL);
    json_put_bool(&writer, "valid", error == 0);
    put_errors(call, &writer, &report);
    json_end_object(&writer);
    api_end(call);
    report_finish(&report);
}

static void answer_diff(struct api_call *call, const struct buf *text, const struct json *new)
{
    struct json *old = NULL;
    struct json_error error;
    struct json_writer writer;
    char etag[ETAG_SIZE];
    if (json_read(buf_text(text), text->length, &api_limits, &old, &error) < 0) {
        api_problem(call, 503, "The file as it stands cannot be read: %s.", error.what);
        return;
    }
    api_file_etag(buf_text(text), text->length, etag);
    api_begin(call, 200, &writer);
    json_begin_object(&writer, NULL);
    json_put_string(&writer, "etag", etag);
    json_begin_array(&writer, "changes");
    api_diff(&writer, old, new);
    json_end_array(&writer);
    json_end_object(&writer);
    api_end(call);
    json_free(old);
}

void api_file_diff(struct api_call *call)
{
    struct json *body = NULL;
    struct buf text = BUF_INIT(API_CONFIG_MAX);
    if (api_body(call, false, &body) && api_file_read(call, &text))
        answer_diff(call, &text, body);
    json_free(body);
    buf_finish(&text);
}

void api_file_schema(struct api_call *call)
{
    struct api_params params;
    struct buf text = BUF_INIT(ERRAND_OUT_MAX);
    if (!api_params(call, &params))
        return;
    if (config_write_schema(&text) < 0) {
        api_problem(call, 500, "The schema cannot be written.");
    } else {
        buf_add(api_begin(call, 200, NULL), buf_text(&text), text.length);
        api_end(call);
    }
    buf_finish(&text);
}
