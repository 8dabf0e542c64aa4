#include "hallctl/setup/write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct target {
    char folder[PATH_MAX];
    char name[NAME_MAX + 1];
    uid_t uid;
    gid_t gid;
    mode_t mode;
};

/* Whose a new file is. */
static void choose_owner(const struct setup_change *change, struct target *target)
{
    const struct passwd *user = change->owner == OWNED_BY_HALL ? getpwnam("hall") : NULL;

    target->mode = change->mode;
    target->uid = user ? user->pw_uid : geteuid();
    target->gid = user ? user->pw_gid : getegid();
}

/* One that exists stays as it was; where a link leads is what is replaced, but never in a folder
 * that is not root's. */
static int aim(const struct setup_change *change, struct target *target)
{
    char path[PATH_MAX];
    struct stat status;

    if (snprintf(path, sizeof(path), "%s", change->path) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    if (change->owner == OWNED_BY_ROOT && access(change->path, F_OK) == 0 &&
        !realpath(change->path, path))
        return -errno;
    choose_owner(change, target);
    if (lstat(path, &status) == 0 && S_ISREG(status.st_mode) &&
        !(change->secret && change->owner == OWNED_BY_ROOT)) {
        target->mode = status.st_mode & 07777;
        target->uid = status.st_uid;
        target->gid = status.st_gid;
    }
    char *slash = strrchr(path, '/');
    if (!slash || strlen(slash + 1) > NAME_MAX - 16)
        return -EINVAL;
    memcpy(target->name, slash + 1, strlen(slash + 1) + 1);
    *slash = '\0';
    memcpy(target->folder, path[0] ? path : "/", strlen(path[0] ? path : "/") + 1);
    return 0;
}

/* mkdir -p. A home's and Hall's are for themselves alone. */
static int make_folder(const struct setup_change *change, const struct target *target)
{
    const mode_t mode = change->owner == OWNED_BY_ROOT ? 0755 : 0700;
    char path[PATH_MAX];

    memcpy(path, target->folder, strlen(target->folder) + 1);
    for (char *at = path + 1;; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        const char end = *at;
        *at = '\0';
        if (mkdir(path, mode) == 0) {
            if (change->owner == OWNED_BY_HALL && chown(path, target->uid, target->gid) < 0)
                return -errno;
        } else if (errno != EEXIST) {
            return -errno;
        }
        if (end == '\0')
            return 0;
        *at = end;
    }
}

static int write_all(int fd, const char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        const ssize_t n = write(fd, text, left);
        if (n < 0 && errno != EINTR)
            return -errno;
        text += n > 0 ? n : 0;
        left -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int fill(int fd, const struct target *target, const char *text)
{
    int error = write_all(fd, text);

    if (error == 0 && fchown(fd, target->uid, target->gid) < 0)
        error = -errno;
    if (error == 0 && fchmod(fd, target->mode) < 0)
        error = -errno;
    return error == 0 && fsync(fd) < 0 ? -errno : error;
}

static int put(const struct target *target, const char *text)
{
    char temporary[NAME_MAX + 1];
    const int folder = open(target->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (folder < 0)
        return -errno;
    snprintf(temporary, sizeof(temporary), ".%.200s.hall-new", target->name);
    (void)unlinkat(folder, temporary, 0);
    const int fd =
        openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int error = fd < 0 ? -errno : fill(fd, target, text);
    if (fd >= 0 && close(fd) < 0 && error == 0)
        error = -errno;
    if (error == 0 && renameat(folder, temporary, folder, target->name) < 0)
        error = -errno;
    if (error < 0)
        (void)unlinkat(folder, temporary, 0);
    else
        (void)fsync(folder);
    (void)close(folder);
    return error;
}

/* With the rights of the home's user, so that no link in it leads root astray. */
static int become(const struct setup_change *change, const struct setup_found *found)
{
    if (change->owner != OWNED_BY_HOME)
        return 0;
    const struct setup_home *home = &found->homes[change->home];
    return setegid(home->gid) < 0 || seteuid(home->uid) < 0 ? -errno : 0;
}

static void come_back(const struct setup_change *change)
{
    if (change->owner == OWNED_BY_HOME && (seteuid(getuid()) < 0 || setegid(getgid()) < 0))
        abort(); /* never go on as somebody else */
}

static int write_text(const struct setup_change *change, const struct setup_found *found,
                      const char *text)
{
    struct target target = {0};
    int error = become(change, found);

    if (error == 0)
        error = aim(change, &target);
    if (error == 0)
        error = make_folder(change, &target);
    if (error == 0)
        error = put(&target, text);
    come_back(change);
    return error;
}

int write_change(const struct setup_change *change, const struct setup_found *found,
                 struct setup_notes *notes)
{
    const int error = write_text(change, found, change->after);

    if (error < 0)
        setup_note(notes, SETUP_WRITE, change->path, strerror(-error), NULL);
    return error;
}

void write_undo(const struct setup_change *change, const struct setup_found *found,
                struct setup_notes *notes)
{
    const int error = change->before             ? write_text(change, found, change->before)
                      : unlink(change->path) < 0 ? -errno
                                                 : 0;

    if (error < 0)
        setup_note(notes, SETUP_WRITE, change->path, strerror(-error), NULL);
    else
        setup_note(notes, SETUP_UNDONE, change->path, NULL);
}
