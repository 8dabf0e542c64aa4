/*
 * private_file: a small file of one program, replaced whole or not at all, in the folder that
 * systemd gives its unit. Blocks on the disk.
 */
#ifndef HALL_BASE_PRIVATE_FILE_H
#define HALL_BASE_PRIVATE_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* $STATE_DIRECTORY, $RUNTIME_DIRECTORY: systemd may name several folders, the first is meant.
 * False: named is NULL, no absolute path, or longer than a file in it may be. */
bool private_folder(const char *named, char out[PATH_MAX]);

/* Nobody but its owner may read it. 0 or -errno; the old file stays then. */
int private_file_replace(const char *path, const char *text, size_t length);

#endif
