/*
 * plain_file: files that a configuration names and a library opens, which would wait for the other
 * end of a FIFO for ever, with the whole loop, and read a device without end.
 */
#ifndef HALL_BASE_PLAIN_FILE_H
#define HALL_BASE_PLAIN_FILE_H

#include <stdbool.h>

/* Is it safe to open and read to its end: a regular file of at most 1 MiB, or nothing at all? */
bool plain_file_is(const char *path);
/* The path itself where it is, else that of an empty file, of which the library says what it says
 * of a file that it has no use for. */
const char *plain_file_or_empty(const char *path);

#endif
