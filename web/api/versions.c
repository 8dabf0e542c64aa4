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
#include "web/site/uri.h"

enum { KEPT = 10, LOOKED_AT_MAX = 64, NAME_SIZE = 128, HASH_SIZE = 16 };

struct version {
    char name[NAME_SIZE];
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

/* TIME-HASH-BY.json, and nothing that could climb. */
static bool is_version(const char *name)
{
    size_t digits = strspn(name, "0123456789");
    size_t length = strlen(name);
    return digits >= 1 && digits <= 15 && name[digits] == '-' && length < NAME_SIZE &&
           strspn(name + digits + 1, "0123456789abcdef") == HASH_SIZE &&
           name[digits + 1 + HASH_SIZE] == '-' && !strchr(name, '/') && length > 5 &&
           strcmp(name + length - 5, ".json") == 0;
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
        if (!is_version(entry->d_name) || fstatat(dirfd(directory), entry->d_name, &status, 0) < 0)
            continue;
        text_copy(versions[n].name, NAME_SIZE, entry->d_name);
        versions[n].at = strtoll(entry->d_name, NULL, 10);
        versions[n++].bytes = status.st_size;
    }
    closedir(directory);
    qsort(versions, n, sizeof(versions[0]), compare);
    return n;
}

/* The part that clients know a version by. */
static void id_of(const char *name, char out[64])
{
    size_t length = strspn(name, "0123456789") + 1 + HASH_SIZE;
    snprintf(out, 64, "%.*s", (int)length, name);
}

static const char *hash_of(const char *name)
{
    return name + strspn(name, "0123456789") + 1;
}

/* ---- keeping ---- */

/* What fits a file name: all else as %XX. */
static void name_by(const char *by, char *out, size_t size)
{
    size_t n = 0;
    for (; *by != '\0' && n + 4 <= size; by++) {
        char c = *by;
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            c == '.' || c == '-')
            out[n++] = *by;
        else
            n += (size_t)snprintf(out + n, size - n, "%%%02X", (unsigned char)*by);
    }
    out[n] = '\0';
}

/* And back; the file may be anybody's, so what is no such sequence stays as it is. */
static void by_of_name(const char *name, char out[NAME_SIZE])
{
    char query[NAME_SIZE + 8];
    const char *by = hash_of(name) + HASH_SIZE + 1;
    int length = snprintf(query, sizeof(query), "by=%.*s", (int)strlen(by) - 5, by);
    if (uri_parameter((struct span){query, (size_t)length}, "by", out, NAME_SIZE) < 0)
        text_copy(out, NAME_SIZE, query + 3);
}

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
    char folder[PATH_MAX], path[PATH_MAX + NAME_SIZE];
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
    if (n == 0 || strncmp(hash_of(versions[0].name), hash, HASH_SIZE) != 0)
        return false;
    id_of(versions[0].name, ret_version);
    return true;
}

int api_version_keep(const struct api *api, const char *text, size_t length, const char *by,
                     char ret_version[64])
{
    char folder[PATH_MAX], path[PATH_MAX + NAME_SIZE], etag[ETAG_SIZE], who[64];
    long long newest = 0, at = clock_now().wall;
    api_file_etag(text, length, etag);
    if (is_newest(api, etag + 1, ret_version, &newest))
        return 0;
    folder_of(api, folder);
    if (mkdir(folder, 0700) < 0 && errno != EEXIST)
        return -errno;
    at = at > newest ? at : newest + 1; /* the order holds, whatever the clock does */
    name_by(by, who, sizeof(who));
    snprintf(path, sizeof(path), "%s/%lld-%.16s-%s.json", folder, at, etag + 1, who);
    int error = write_version(path, text, length);
    if (error < 0)
        return error;
    snprintf(ret_version, 64, "%lld-%.16s", at, etag + 1);
    forget_oldest(api);
    return 0;
}

/* ---- routes ---- */

static void put_version(struct json_writer *writer, const struct version *version)
{
    char id[64], etag[ETAG_SIZE], by[NAME_SIZE];
    id_of(version->name, id);
    snprintf(etag, sizeof(etag), "\"%.16s\"", hash_of(version->name));
    by_of_name(version->name, by);
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
    char folder[PATH_MAX], path[PATH_MAX + NAME_SIZE], id[64];
    size_t n = list(call->api, versions);
    folder_of(call->api, folder);
    for (size_t i = 0; i < n; i++) {
        id_of(versions[i].name, id);
        if (strcmp(id, call->args[0]) != 0)
            continue;
        snprintf(path, sizeof(path), "%s/%.*s", folder, NAME_SIZE - 1, versions[i].name);
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
