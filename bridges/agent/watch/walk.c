#include "bridges/agent/watch/walk.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_ROOM = 256, PATH_SIZE = 320, STAT_SIZE = 1024 };

/* ---- reading ---- */

/* As much of it as fits; -errno. */
static ssize_t load(int directory, const char *path, char *text, size_t size)
{
    const int fd = openat(directory, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    size_t length = 0;
    ssize_t got = 1;
    if (fd < 0)
        return -errno;
    while (length < size - 1 && (got = read(fd, text + length, size - 1 - length)) > 0)
        length += (size_t)got;
    const int error = got < 0 ? errno : 0;
    close(fd);
    text[length] = '\0';
    return error > 0 ? -error : (ssize_t)length;
}

size_t walk_read(const struct walk *walk, int32_t pid, const char *file, char *text, size_t size)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof(path), "%.200s/proc/%d/%.40s", walk->root, pid, file);
    const ssize_t length = load(AT_FDCWD, path, text, size);
    if (length <= 0)
        text[0] = '\0';
    return length > 0 ? (size_t)length : 0;
}

const char *walk_word(const char *text, size_t length, const char *at)
{
    at = at ? at + strlen(at) + 1 : text;
    return at < text + length ? at : NULL;
}

/* ---- taking ---- */

static int compare_pids(const void *a, const void *b)
{
    const struct process *one = a, *other = b;
    return one->pid < other->pid ? -1 : one->pid > other->pid;
}

const struct process *walk_find(const struct walk *walk, int32_t pid)
{
    const struct process key = {.pid = pid};
    return walk->n > 0 ? bsearch(&key, walk->list, walk->n, sizeof(key), compare_pids) : NULL;
}

static bool make_room(struct walk *walk)
{
    const size_t room = walk->room == 0 ? FIRST_ROOM : walk->room * 2;
    if (walk->n < walk->room)
        return true;
    struct process *more = room <= WALK_MAX ? reallocarray(walk->list, room, sizeof(*more)) : NULL;
    if (!more)
        return false;
    walk->list = more;
    walk->room = room;
    return true;
}

/* 0, also of one that is gone meanwhile; -EACCES: it is hidden; -ENOMEM. */
static int take_one(struct walk *walk, int directory, const struct dirent *entry, int64_t now)
{
    char path[PATH_SIZE], text[STAT_SIZE];
    struct proc_stat stat;
    snprintf(path, sizeof(path), "%.40s/stat", entry->d_name);
    const ssize_t length = load(directory, path, text, sizeof(text));
    if (length == -EACCES || length == -EPERM)
        return -EACCES;
    if (length < 0 || !proc_read_stat(text, &stat))
        return 0;
    if (!make_room(walk))
        return -ENOMEM;
    struct process *process = &walk->list[walk->n++];
    const int64_t born = stat.start_ticks * 1000 / sysconf(_SC_CLK_TCK);
    *process = (struct process){.pid = stat.pid,
                                .parent = stat.parent,
                                .number = entry->d_ino,
                                .age_ms = now > born ? now - born : 0,
                                .kernel = stat.kernel,
                                .terminal = stat.terminal};
    memcpy(process->name, stat.name, sizeof(process->name));
    return 0;
}

static struct fact explain(int error)
{
    return error == -ENOMEM   ? FACT(LOOK_TOO_MANY, .n = {WALK_MAX})
           : error == -EACCES ? FACT(LOOK_HIDDEN)
                              : fact_with(FACT(LOOK_UNREADABLE), "/proc", NULL);
}

/* Takes it over from the walk before. */
static bool is_settled(struct walk *walk, const struct walk *before, const struct dirent *entry,
                       int64_t now)
{
    const struct process *known = walk_find(before, (int32_t)strtol(entry->d_name, NULL, 10));
    if (!known || known->number != entry->d_ino || known->age_ms < WALK_SETTLED_MS ||
        !make_room(walk))
        return false;
    struct process *process = &walk->list[walk->n++];
    *process = *known;
    process->age_ms += now - before->taken;
    return true;
}

/* before: NULL: nothing is taken over. */
static int take_all(struct walk *walk, const struct walk *before, int64_t now)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof(path), "%.200s/proc", walk->root);
    DIR *directory = opendir(path);
    if (!directory)
        return -errno;
    int error = 0;
    const struct dirent *entry;
    while (error == 0 && (entry = readdir(directory)))
        if (isdigit((unsigned char)entry->d_name[0]) &&
            (!before || !is_settled(walk, before, entry, now)))
            error = take_one(walk, dirfd(directory), entry, now);
    closedir(directory);
    return error;
}

/* The first process is always there: who does not see it does not see all. */
void walk_take(struct walk *walk, int64_t now, bool closely)
{
    const struct walk before = *walk;
    *walk = (struct walk){.root = before.root, .taken = now};
    int error = take_all(walk, closely ? NULL : &before, now);
    free(before.list);
    if (walk->n > 0)
        qsort(walk->list, walk->n, sizeof(*walk->list), compare_pids);
    if (error == 0 && !walk_find(walk, 1))
        error = -EACCES;
    walk->problem = error < 0 ? explain(error) : FACT(NONE);
}

void walk_finish(struct walk *walk)
{
    const char *root = walk->root;
    free(walk->list);
    *walk = (struct walk){.root = root};
}
