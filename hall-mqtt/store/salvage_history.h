/*
 * salvage_history: the history of a damaged store, put into the new one in slices between other
 * work: first what is in the damaged file, then, where something of it was damaged, what the newest
 * nightly copy has besides. A slice is one transaction, with how far it went.
 */
#ifndef HALL_STORE_SALVAGE_HISTORY_H
#define HALL_STORE_SALVAGE_HISTORY_H

#include "store/salvage.h"

/* One slice, about that long. pages: what is open of it, from one to the next; NULL at first. */
bool salvage_slice(const char *path, struct db *db, int64_t ms, struct salvage *salvage,
                   struct pages **pages, struct trouble *ret_trouble);

#endif
