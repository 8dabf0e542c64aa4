#include "config/last_good.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/private_file.h"

/* "/var/lib/hall/domains.json" has "$STATE_DIRECTORY/domains.json.good", or
 * "/etc/hall/.domains.json.good". */
static int path_of(const char *file, char out[PATH_MAX])
{
    const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
    char state[PATH_MAX];
    int n;

    if (private_folder(getenv("STATE_DIRECTORY"), state))
        n = snprintf(out, PATH_MAX, "%s/%s.good", state, name);
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

int last_good_keep(const char *file, const char *text, size_t length)
{
    char path[PATH_MAX];
    const int error = path_of(file, path);

    return error < 0 || is_kept(path, text, length) ? error
                                                    : private_file_replace(path, text, length);
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
