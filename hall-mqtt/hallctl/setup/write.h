/* write: puts a file in place as a whole, durably, with owner and mode; and takes that back. */
#ifndef HALL_HALLCTL_SETUP_WRITE_H
#define HALL_HALLCTL_SETUP_WRITE_H

#include "hallctl/setup/setup.h"

/* 0 or -errno, noted. A file that exists keeps owner and mode, unless it holds root's secrets.
 * Missing folders are made. In a home all of it is done with the rights of its user. */
int write_change(const struct setup_change *change, const struct setup_found *found,
                 struct setup_notes *notes);
/* As it was before. */
void write_undo(const struct setup_change *change, const struct setup_found *found,
                struct setup_notes *notes);

#endif
