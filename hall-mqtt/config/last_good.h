/*
 * last_good: a copy of the configuration that Hall last ran on, for a start with a file that is
 * broken. It lies in $STATE_DIRECTORY as systemd sets it, else beside the configuration, because
 * no other folder is known until the configuration can be read. Blocks on the disk. Nobody but
 * Hall's user may read it.
 */
#ifndef HALL_CONFIG_LAST_GOOD_H
#define HALL_CONFIG_LAST_GOOD_H

#include "config/config.h"

/* Replaces the copy, unless it has this text already. 0 or -errno; the old one stays then. */
int last_good_keep(const char *file, const char *text, size_t length);

/* The copy, parsed as if it were the file, and when it was kept (wall, ms). -ENOENT: there is none;
 * -EINVAL: it has errors itself, which are reported. */
int last_good_load(const char *file, struct config **ret_config, int64_t *ret_kept,
                   struct report *report);

#endif
