/*
 * record: how the core's saved state is written down as JSON for the store, and read back. One
 * table per struct says which member has which name. Pure. A record of another server (other MAC)
 * or another configuration file is not this one's: it is refused, so that two Halls never inherit
 * from each other.
 */
#ifndef HALL_RECORD_RECORD_H
#define HALL_RECORD_RECORD_H

#include <stddef.h>

#include "base/buf.h"
#include "core/saved.h"

enum { RECORD_LIMIT = 65536, RECORD_KEY_SIZE = 400 };

/* Whose record it is. */
struct record_owner {
    const char *config; /* the configuration file, absolute */
    const uint8_t *mac; /* the server's */
};

/* Names instead of the indexes of this model. */
int record_write_server(const struct saved *saved, const struct model *model, int server,
                        const struct record_owner *owner, struct buf *out);
/* -EINVAL: not readable; -ESTALE: somebody else's. */
int record_read_server(const char *text, size_t length, const struct model *model, int server,
                       const struct record_owner *owner, struct saved *ret_saved);

/* Quotas name domains and projects, since indexes change. The key is unique per quota. */
void record_quota_key(const struct model *model, const struct quota *quota,
                      char out[RECORD_KEY_SIZE]);
int record_write_quota(const struct model *model, const struct quota *quota,
                       const struct record_owner *owner, struct buf *out);
int record_read_quota(const struct model *model, const char *text, size_t length,
                      const struct record_owner *owner, struct quota *ret_quota);

#endif
