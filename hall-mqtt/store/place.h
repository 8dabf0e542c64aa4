/*
 * place: the store's file as a file: made with its folder, for its owner alone whatever the umask;
 * set aside when it is broken. Blocking; the writer's thread, or before there is one.
 */
#ifndef HALL_STORE_PLACE_H
#define HALL_STORE_PLACE_H

#include <limits.h>
#include <stdint.h>

/* Makes the folder (its last part, 0700) and the empty file (0600) where they are missing.
 * -EISDIR where something else stands at that
 * path; -errno. */
int place_prepare(const char *path);

/* Renames the file and what belongs to it (-wal, -shm) to PATH.corrupt.TIME, never over another
 * file. -errno. */
int place_set_aside(const char *path, int64_t wall_ms, char ret_aside[PATH_MAX]);
/* Its two halves: a name that nothing has, and the renaming, which may be done again. */
int place_choose_aside(const char *path, int64_t wall_ms, char ret_aside[PATH_MAX]);
int place_move(const char *path, const char *aside);
/* What was written to it, and then to its folder, is on the disk. -errno. */
int place_sync(const char *path);

#endif
