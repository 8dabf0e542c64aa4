#include "config/last_good.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* "/var/lib/hall/domains.json" has "$STATE_DIRECTORY/domains.json.good", or
 * "/etc/hall/.domains.json.good". systemd may name several folders; the first is ours. */
static int path_of(const char *file, char out[PATH_MAX])
{
    const char *state = getenv("STATE_DIRECTORY"), *slash = strrchr(file, '/');
    const char *name = slash ? slash + 1 : file;
    int n;

    if (state && state[0] == '/')
        n = snprintf(out, PATH_MAX, "%.*s/%s.good", (int)strcspn(state, ":"), state, name);
    else
        n = snprintf(out, PATH_MAX, "%.*s.%s.good", (int)(name - file), file, name);
    return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int read_copy(const char *path, char **ret_text, size_t *ret_length)
{
    struct report nobody = {0};
    struct stat status;
    int error = lstat(path, &status) < 0       ? -errno
                : S_ISREG(status.st_mode) == 0 ? -EINVAL
                                               : config_read(path, ret_text, ret_length, &nobody);

    report_finish(&nobody);
    return error;
}

static bool is_kept(const char *path, const char *text, size_t length)
{
    char *kept = NULL;
    size_t n = 0;
    const bool same =
        read_copy(path, &kept, &n) == 0 && n == length && kept && memcmp(kept, text, n) == 0;

    free(kept);
    return same;
}

static int write_all(int fd, const char *text, size_t length)
{
    while (length > 0) {
        const ssize_t n = write(fd, text, length);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -ENOSPC;
        text += n;
        length -= (size_t)n;
    }
    return fsync(fd) < 0 ? -errno : 0;
}

int last_good_keep(const char *file, const char *text, size_t length)
{
    char path[PATH_MAX], new[PATH_MAX + 8];
    int error = path_of(file, path);

    if (error < 0 || is_kept(path, text, length))
        return error;
    snprintf(new, sizeof(new), "%s.XXXXXX", path);
    const int fd = mkostemp(new, O_CLOEXEC); /* 0600 */
    if (fd < 0)
        return -errno;
    error = write_all(fd, text, length);
    close(fd);
    if (error == 0 && rename(new, path) < 0)
        error = -errno;
    if (error < 0)
        (void)unlink(new);
    return error;
}

int last_good_load(const char *file, struct config **ret_config, int64_t *ret_kept,
                   struct report *report)
{
    char path[PATH_MAX], *text = NULL;
    struct stat status;
    size_t length = 0;
    int error = path_of(file, path);

    if (error == 0)
        error = read_copy(path, &text, &length);
    if (error == 0 && stat(path, &status) < 0)
        error = -errno;
    if (error == 0) {
        report_whole(report, COMPLAINT_FILE, path, PHRASE(LAST_GOOD));
        error = config_parse(file, text, length, ret_config, report);
        *ret_kept = (int64_t)status.st_mtim.tv_sec * 1000;
    }
    free(text);
    return error;
}
