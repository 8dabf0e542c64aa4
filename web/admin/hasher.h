/*
 * hasher: Argon2id away from the HTTP workers, whose stacks are small, and one at a time, because
 * each takes some 20 MB while it lasts. Whoever asks waits, with a limit. Any thread.
 */
#ifndef HALL_WEB_ADMIN_HASHER_H
#define HALL_WEB_ADMIN_HASHER_H

#include "secret/secret.h"

struct hasher;

int hasher_create(struct hasher **ret_hasher);
void hasher_destroy(struct hasher *hasher); /* nobody may be waiting any more */

/* 0: it fits; -EACCES: it does not; -EBUSY: others came first and none had an end within limit_ms;
 * -errno. */
int hasher_verify(struct hasher *hasher, const char *hash, const char *password, int64_t limit_ms);
int hasher_hash(struct hasher *hasher, const char *password, int64_t limit_ms,
                char ret_hash[SECRET_HASH_SIZE]);

#endif
