#include "base/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_ROOM = 300 }; /* of a file in the folder, and of a new one beside it */

bool private_folder(const char *named, char out[PATH_MAX])
{
    const size_t length = named ? strcspn(named, ":") : 0;

    if (length == 0 || length >= PATH_MAX - NAME_ROOM || named[0] != '/')
        return false;
    memcpy(out, named, length);
    out[length] = '\0';
    return true;
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

int private_file_replace(const char *path, const char *text, size_t length)
{
    char new[PATH_MAX + 8];

    snprintf(new, sizeof(new), "%s.XXXXXX", path);
    const int fd = mkostemp(new, O_CLOEXEC); /* 0600 */
    if (fd < 0)
        return -errno;
    int error = write_all(fd, text, length);
    close(fd);
    if (error == 0 && rename(new, path) < 0)
        error = -errno;
    if (error < 0)
        (void)unlink(new);
    return error;
}
