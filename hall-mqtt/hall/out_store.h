/*
 * out_store: what survives a restart, into the store and out of it: records of servers and quotas,
 * and the log of events. It owns the store. Loop thread only.
 */
#ifndef HALL_HALL_OUT_STORE_H
#define HALL_HALL_OUT_STORE_H

#include "hall/current.h"
#include "hall/outlet.h"
#include "store/store.h"

struct out_store;

/* Opens the store. current and outlets are borrowed and outlive it. -ENOMEM, -errno. */
int out_store_create(const struct current *current, const struct outlets *outlets,
                     struct out_store **ret_out);
/* What waits is written first, within a second. */
void out_store_destroy(struct out_store *out);
/* Wall, ms: the latest time that was written down before this run, and before this boot; 0: none.
 */
void out_store_saved(const struct out_store *out, int64_t *ret_saved, int64_t *ret_before);

extern const struct outlet_ops out_store_outlet; /* context: a struct out_store */

struct store *out_store_store(const struct out_store *out); /* borrowed */
const char *
out_store_config_file(const struct out_store *out); /* absolute: whose records they are */
/* Gives the fleet back what is known of it, before its first step. */
void out_store_restore(struct out_store *out);

#endif
