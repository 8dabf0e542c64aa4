/*
 * faulty_vfs: SQLite's way to the disk, made unreliable. It stands before the real VFS, counts what
 * is written, lets the Nth operation fail, and records every write, so that afterwards the disk can
 * be rebuilt as a power cut at any operation could have left it: what was not synced yet is kept,
 * lost, or torn by sectors. Any thread.
 */
#ifndef TESTS_FAKES_FAULTY_VFS_H
#define TESTS_FAKES_FAULTY_VFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Becomes the default VFS. Once. */
int faulty_vfs_install(void);

uint64_t faulty_vfs_written(void); /* bytes, since the last reset */
uint64_t faulty_vfs_syncs(void);
void faulty_vfs_reset_counts(void);

/* From the nth operation on (1: the next), so many fail. 0 fails nothing. */
void faulty_vfs_fail(long nth, long count);
bool faulty_vfs_failed(void); /* did one, since faulty_vfs_fail? */

/* While on, a sync does not end. */
void faulty_vfs_hang(bool on);

enum faulty_loss { FAULTY_KEPT, FAULTY_LOST, FAULTY_TORN };

void faulty_vfs_record(bool on); /* on forgets what was recorded */
void faulty_vfs_mark(uint64_t value);
size_t faulty_vfs_operations(void);
/* Rebuilds the files in folder as after the first n operations; returns the newest mark among them.
 */
uint64_t faulty_vfs_rebuild(size_t n, enum faulty_loss loss, unsigned *seed, const char *folder);

#endif
