/* The last versions of the configuration, as files in a folder beside the store: their names say
 * when, which text, and who wrote it: TIME-ETAG-BY.json. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "web/api/api_internal.h"
#include "web/api/version_name.h"

enum { KEPT = 10, LOOKED_AT_MAX = 64 };

struct version {
    char name[VERSION_NAME_SIZE];
    long long at; /* wall, ms */
    long long bytes;
};

/* "/var/lib/hall/hall.db" has "/var/lib/hall/versions". */
static void folder_of(const struct api *api, char out[PATH_MAX])
{
    const char *slash = strrchr(api->store_path, '/');
    if (!slash)
        text_copy(out, PATH_MAX, "versions");
    else
        snprintf(out, PATH_MAX, "%.*s/versions", (int)(slash - api->store_path), api->store_path);
}

static int compare(const void *a, const void *b)
{
    const struct version *left = a, *right = b;
    if (left->at != right->at)
        return left->at < right->at ? 1 : -1;
    return strcmp(right->name, left->name);
}

/* Newest first. */
static size_t list(const struct api *api, struct version versions[LOOKED_AT_MAX])
{
    char folder[PATH_MAX];
    struct stat status;
    size_t n = 0;
    folder_of(api, folder);
    DIR *directory = opendir(folder);
    if (!directory)
        return 0;
    for (const struct dirent *entry; n < LOOKED_AT_MAX && (entry = readdir(directory));) {
        if (!version_name_is(entry->d_name) ||
            fstatat(dirfd(directory), entry->d_name, &status, 0) < 0)
            continue;
        text_copy(versions[n].name, VERSION_NAME_SIZE, entry->d_name);
        versions[n].at = strtoll(entry->d_name, NULL, 10);
        versions[n++].bytes = status.st_size;
    }
    closedir(directory);
    qsort(versions, n, sizeof(versions[0]), compare);
    return n;
}

/* ---- keeping ---- */

static int write_version(const char *path, const char *text, size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int error = api_file_write(fd, text, length);
    close(fd);
    if (error < 0)
        (void)unlink(path);
    return error;
}

static void forget_oldest(const struct api *api)
{
    struct version versions[LOOKED_AT_MAX];
    char folder[PATH_MAX], path[PATH_MAX + VERSION_NAME_SIZE];
    size_t n = list(api, versions);
    folder_of(api, folder);
    for (size_t i = KEPT; i < n; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, versions[i].name);
        (void)unlink(path);
    }
}

/* The newest version has this text already: nothing is kept twice. */
static bool is_newest(const struct api *api, const char *hash, char ret_version[64],
                      long long *ret_at)
{
    struct version versions[LOOKED_AT_MAX];
    size_t n = list(api, versions);
    *ret_at = n > 0 ? versions[0].at : 0;
    if (n == 0 || strncmp(version_name_hash(versions[0].name), hash, VERSION_HASH_SIZE) != 0)
        return false;
    version_name_id(versions[0].name, ret_version);
    return true;
}

int api_version_keep(const struct api *api, const char *text, size_t length, const char *by,
                     char ret_version[64])
{
    char folder[PATH_MAX], path[PATH_MAX + VERSION_NAME_SIZE], etag[ETAG_SIZE];
    char name[VERSION_NAME_SIZE];
    long long newest = 0, at = clock_now().wall;
    api_file_etag(text, length, etag);
    if (is_newest(api, etag + 1, ret_version, &newest))
        return 0;
    folder_of(api, folder);
    if (mkdir(folder, 0700) < 0 && errno != EEXIST)
        return -errno;
    at = at > newest ? at : newest + 1; /* the order holds, whatever the clock does */
    version_name_make(at, etag + 1, by, name);
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    int error = write_version(path, text, length);
    if (error < 0)
        return error;
    version_name_id(name, ret_version);
    forget_oldest(api);
    return 0;
}

/* ---- routes ---- */

static void put_version(struct json_writer *writer, const struct version *version)
{
    char id[64], etag[ETAG_SIZE], by[VERSION_NAME_SIZE];
    version_name_id(version->name, id);
    snprintf(etag, sizeof(etag), "\"%.16s\"", version_name_hash(version->name));
    version_name_by(version->name, by);
    json_begin_object(writer, NULL);
    json_put_string(writer, "version", id);
    json_put_time(writer, "at", version->at);
    json_put_string(writer, "by", by);
    json_put_string(writer, "etag", etag);
    json_put_integer(writer, "bytes", version->bytes);
    json_end_object(writer);
}

void api_version_list(struct api_call *call)
{
    struct version versions[LOOKED_AT_MAX];
    struct api_params params;
    struct json_writer writer;
    if (!api_params(call, &params))
        return;
    size_t n = list(call->api, versions);
    api_begin(call, 200, &writer);
    json_begin_object(&writer, NULL);
    json_begin_array(&writer, "versions");
    for (size_t i = 0; i < n && i < KEPT; i++)
        put_version(&writer, &versions[i]);
    json_end_array(&writer);
    json_end_object(&writer);
    api_end(call);
}

/* False: answered 404. */
static bool read_version(struct api_call *call, struct buf *out)
{
    struct version versions[LOOKED_AT_MAX];
    char folder[PATH_MAX], path[PATH_MAX + VERSION_NAME_SIZE], id[64];
    size_t n = list(call->api, versions);
    folder_of(call->api, folder);
    for (size_t i = 0; i < n; i++) {
        version_name_id(versions[i].name, id);
        if (strcmp(id, call->args[0]) != 0)
            continue;
        snprintf(path, sizeof(path), "%s/%.*s", folder, VERSION_NAME_SIZE - 1, versions[i].name);
        if (api_file_load(path, O_NOFOLLOW, out) == 0)
            return true;
    }
    api_problem(call, 404, "There is no such version; see /api/v1/config/versions.");
    return false;
}

void api_version_get(struct api_call *call)
{
    struct api_params params;
    struct buf text = BUF_INIT(API_CONFIG_MAX);
    char etag[ETAG_SIZE];
    if (api_params(call, &params) && read_version(call, &text)) {
        buf_add(api_begin(call, 200, NULL), buf_text(&text), text.length);
        api_file_etag(buf_text(&text), text.length, etag);
        answer_header(call->answer, "ETag", etag);
        api_end(call);
    }
    buf_finish(&text);
}

void api_version_restore(struct api_call *call)
{
    struct api_params params;
    struct buf text = BUF_INIT(API_CONFIG_MAX), current = BUF_INIT(API_CONFIG_MAX);
    if (!api_params(call, &params))
        return;
    pthread_mutex_lock(&call->api->file_lock);
    if (read_version(call, &text) && api_file_read(call, &current) &&
        api_file_matches(call, &current))
        api_file_replace(call, buf_text(&text), text.length);
    pthread_mutex_unlock(&call->api->file_lock);
    buf_finish(&text);
    buf_finish(&current);
}
