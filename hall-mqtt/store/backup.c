#include "store/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "store/place.h"

enum { FILE_MODE = 0600, DAY_SIZE = 10 };

static const int64_t hour_ms = INT64_C(3600000);

bool backup_name(const char *path, int64_t wall_ms, char out[PATH_MAX])
{
    char time[RFC3339_SIZE];
    rfc3339_format(wall_ms, time);
    int length = snprintf(out, PATH_MAX, "%s.backup.%.*s", path, DAY_SIZE, time);
    return length > 0 && length < PATH_MAX;
}

bool backup_is_due(const char *path, int64_t wall_ms, int hour)
{
    char name[PATH_MAX];
    return wall_ms / hour_ms % 24 >= hour && backup_name(path, wall_ms, name) &&
           access(name, F_OK) < 0 && errno == ENOENT;
}

int backup_begin(const char *path, char ret_work[PATH_MAX])
{
    int length = snprintf(ret_work, PATH_MAX, "%s.backup.new", path);
    if (length < 0 || length >= PATH_MAX)
        return -ENAMETOOLONG;
    if (unlink(ret_work) < 0 && errno != ENOENT)
        return -errno;
    int fd = open(ret_work, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    if (fd < 0)
        return -errno;
    int error = fchmod(fd, FILE_MODE) < 0 ? -errno : 0;
    close(fd);
    return error;
}

/* The folder of the copies, and what their names begin with. */
static DIR *open_folder(const char *path, char start[NAME_MAX + 1])
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');

    snprintf(folder, PATH_MAX, "%.*s", slash ? (int)(slash - path + 1) : 2, slash ? path : "./");
    snprintf(start, NAME_MAX + 1, "%.200s.backup.", slash ? slash + 1 : path);
    return opendir(folder);
}

/* The next copy's day; NULL at the end. */
static const char *next_day(DIR *directory, const char *start)
{
    for (const struct dirent *entry; (entry = readdir(directory));) {
        const char *day = entry->d_name + strlen(start);
        if (strncmp(entry->d_name, start, strlen(start)) == 0 && strlen(day) == DAY_SIZE &&
            strspn(day, "0123456789-") == DAY_SIZE)
            return day;
    }
    return NULL;
}

/* The oldest, where there are more than so many. False: there are not. */
static bool find_surplus(const char *path, int keep, char out[PATH_MAX])
{
    char start[NAME_MAX + 1], oldest[DAY_SIZE + 1] = "";
    int n = 0;
    DIR *directory = open_folder(path, start);

    if (!directory)
        return false;
    for (const char *day; (day = next_day(directory, start)); n++)
        if (oldest[0] == '\0' || strcmp(day, oldest) < 0)
            text_copy(oldest, sizeof(oldest), day);
    closedir(directory);
    int length = snprintf(out, PATH_MAX, "%s.backup.%s", path, oldest);
    return n > keep && length > 0 && length < PATH_MAX;
}

bool backup_before(const char *path, const char *before, char out[PATH_MAX])
{
    char start[NAME_MAX + 1], newest[DAY_SIZE + 1] = "";
    const char *limit = before ? before + strlen(before) - DAY_SIZE : NULL;
    DIR *directory = open_folder(path, start);

    if (!directory)
        return false;
    for (const char *day; (day = next_day(directory, start));)
        if (strcmp(day, newest) > 0 && (!limit || strcmp(day, limit) < 0))
            text_copy(newest, sizeof(newest), day);
    closedir(directory);
    int length = snprintf(out, PATH_MAX, "%s.backup.%s", path, newest);
    return newest[0] != '\0' && length > 0 && length < PATH_MAX;
}

int backup_end(const char *path, const char *work, int64_t wall_ms, int keep)
{
    char name[PATH_MAX];
    int error = backup_name(path, wall_ms, name) ? place_sync(work) : -ENAMETOOLONG;
    if (error == 0 && rename(work, name) < 0)
        error = -errno;
    while (error == 0 && find_surplus(path, keep, name) && unlink(name) == 0)
        ;
    return error;
}
