/*
 * version_name: the file of a kept version of the configuration says by its name when it was made,
 * which text it is, and who wrote it: TIME-HASH-BY.json. Pure.
 */
#ifndef HALL_WEB_API_VERSION_NAME_H
#define HALL_WEB_API_VERSION_NAME_H

#include <stdbool.h>

enum { VERSION_NAME_SIZE = 128, VERSION_HASH_SIZE = 16, VERSION_ID_SIZE = 64 };

/* at: wall, ms, not negative. hash: its first 16 characters are hexadecimal. */
void version_name_make(long long at, const char *hash, const char *by, char out[VERSION_NAME_SIZE]);

/* Is a file's name one of these, and nothing that could climb? The others take only such. */
bool version_name_is(const char *name);
/* "TIME-HASH", the part that clients know a version by. */
void version_name_id(const char *name, char out[VERSION_ID_SIZE]);
const char *version_name_hash(const char *name); /* borrows; 16 characters of it */
/* The file may be anybody's, so what was not written so stays as it is. */
void version_name_by(const char *name, char out[VERSION_NAME_SIZE]);

#endif
