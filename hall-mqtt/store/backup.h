/*
 * backup: the nightly copies of the store, as files beside it: PATH.backup.2026-11-22, the newest
 * of them kept. Blocking; the writer's thread. Days are UTC.
 */
#ifndef HALL_STORE_BACKUP_H
#define HALL_STORE_BACKUP_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/* The name of that day's; false where the path is too long. */
bool backup_name(const char *path, int64_t wall_ms, char out[PATH_MAX]);
/* Is it time: past that hour of the day, and the day has none yet? */
bool backup_is_due(const char *path, int64_t wall_ms, int hour);
/* Makes the empty file (0600) that a copy goes into; -errno. Its name is in ret_work. */
int backup_begin(const char *path, char ret_work[PATH_MAX]);
/* It is whole and on the disk: gives it its name, and removes all but the newest ones. -errno. */
int backup_end(const char *path, const char *work, int64_t wall_ms, int keep);
/* The newest copy there is, or the newest that is older than that one. */
bool backup_before(const char *path, const char *before, char out[PATH_MAX]);

#endif
