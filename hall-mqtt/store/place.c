#include "store/place.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

enum { FOLDER_MODE = 0700, FILE_MODE = 0600, SAME_SECOND_MAX = 9 };

/* chmod after making, because the umask may have taken bits the owner needs. */
static int make_folder(const char *path)
{
    char folder[PATH_MAX];
    struct stat status;
    text_copy(folder, sizeof(folder), path);
    char *slash = strrchr(folder, '/');
    if (!slash || slash == folder)
        return 0;
    *slash = '\0';
    if (stat(folder, &status) == 0)
        return S_ISDIR(status.st_mode) ? 0 : -ENOTDIR;
    if (errno != ENOENT || mkdir(folder, FOLDER_MODE) < 0)
        return -errno;
    return chmod(folder, FOLDER_MODE) < 0 ? -errno : 0;
}

static int make_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    if (fd < 0)
        return -errno;
    int error = fchmod(fd, FILE_MODE) < 0 ? -errno : 0;
    close(fd);
    return error;
}

/* A file that is there is not opened here: closing it would drop SQLite's own locks on it. */
static int tend_file(const char *path, const struct stat *status)
{
    if (!S_ISREG(status->st_mode))
        return -EISDIR;
    if ((status->st_mode & 0777) != FILE_MODE && status->st_uid == geteuid() &&
        chmod(path, FILE_MODE) < 0 && errno != EROFS)
        return -errno;
    return 0;
}

int place_prepare(const char *path)
{
    struct stat status;
    if (strlen(path) + 64 > PATH_MAX)
        return -ENAMETOOLONG;
    int error = make_folder(path);
    if (error < 0)
        return error;
    if (stat(path, &status) == 0)
        return tend_file(path, &status);
    return errno == ENOENT ? make_file(path) : -errno;
}

/* "20261122T101505Z" */
static void format_stamp(int64_t wall_ms, char out[RFC3339_SIZE])
{
    char time[RFC3339_SIZE];
    size_t n = 0;
    rfc3339_format(wall_ms, time);
    for (const char *at = time; *at != '\0'; at++)
        if (*at != '-' && *at != ':')
            out[n++] = *at;
    out[n] = '\0';
}

static int move(const char *path, const char *aside, const char *suffix)
{
    char from[PATH_MAX + 8], to[PATH_MAX + 8];
    snprintf(from, sizeof(from), "%s%s", path, suffix);
    snprintf(to, sizeof(to), "%s%s", aside, suffix);
    return rename(from, to) < 0 && errno != ENOENT ? -errno : 0;
}

int place_choose_aside(const char *path, int64_t wall_ms, char out[PATH_MAX])
{
    char stamp[RFC3339_SIZE];
    format_stamp(wall_ms, stamp);
    for (int i = 0; i <= SAME_SECOND_MAX; i++) {
        int length = i == 0 ? snprintf(out, PATH_MAX, "%s.corrupt.%s", path, stamp)
                            : snprintf(out, PATH_MAX, "%s.corrupt.%s-%d", path, stamp, i);
        if (length < 0 || length >= PATH_MAX)
            return -ENAMETOOLONG;
        if (access(out, F_OK) < 0 && errno == ENOENT)
            return 0;
    }
    return -EEXIST;
}

/* The log goes first: left behind alone it would be replayed into the next file. */
int place_move(const char *path, const char *aside)
{
    int error = move(path, aside, "-wal");
    if (error == 0)
        error = move(path, aside, "-shm");
    return error < 0 ? error : move(path, aside, "");
}

int place_set_aside(const char *path, int64_t wall_ms, char ret_aside[PATH_MAX])
{
    char aside[PATH_MAX];
    int error = place_choose_aside(path, wall_ms, aside);
    if (error == 0)
        error = place_move(path, aside);
    if (error == 0)
        text_copy(ret_aside, PATH_MAX, aside);
    return error;
}

static int sync_one(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int error = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return error;
}

int place_sync(const char *path)
{
    char folder[PATH_MAX];
    int error = sync_one(path);
    text_copy(folder, sizeof(folder), path);
    return error < 0 ? error : sync_one(dirname(folder));
}
