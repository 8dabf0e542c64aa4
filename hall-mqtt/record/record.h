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

/* Bytes of a record: about 2,500 sites of one server, all in use, beside as many holds and commands
 * as there may be. */
enum { RECORD_LIMIT = 4 << 20, RECORD_KEY_SIZE = 400 };

/* Whose record it is. */
struct record_owner {
    const char *config; /* the configuration file, absolute */
    const uint8_t *mac; /* the server's */
    const char *boot;   /* the boot of Hall's machine that it is of; NULL or "": unknown */
};

/* Names instead of the indexes of this model. */
int record_write_server(const struct saved *saved, const struct model *model, int server,
                        const struct record_owner *owner, struct buf *out);
/* -EINVAL: not readable; -ESTALE: somebody else's; -ENOMEM. The caller finishes what was read. */
int record_read_server(const char *text, size_t length, const struct model *model, int server,
                       const struct record_owner *owner, struct saved *ret_saved);

/* Its commands alone, without their reasons, also where its server is not configured; without a
 * MAC of the owner any server's. Errors as above. */
int record_read_commands(const char *text, size_t length, const struct record_owner *owner,
                         struct saved *ret_saved);

/* Quotas name domains and projects, since indexes change. The key is unique per quota. */
void record_quota_key(const struct model *model, const struct quota *quota,
                      char out[RECORD_KEY_SIZE]);
int record_write_quota(const struct model *model, const struct quota *quota,
                       const struct record_owner *owner, struct buf *out);
int record_read_quota(const struct model *model, const char *text, size_t length,
                      const struct record_owner *owner, struct quota *ret_quota);

#endif
