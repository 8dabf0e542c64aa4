/* command: runs a program of this machine, with arguments of its own, and waits for its end. */
#ifndef HALL_HALLCTL_SETUP_COMMAND_H
#define HALL_HALLCTL_SETUP_COMMAND_H

#include <stdbool.h>

#include "base/buf.h"
#include "hallctl/setup/setup.h"

enum { COMMAND_OUT_MAX = 1 << 16 };

/* argv[0] is looked for in PATH. What it prints goes into out, without what does not fit; NULL:
 * nobody needs it. False: it failed, which is noted with the end of what it said. */
bool command_run(const char *const *argv, struct buf *out, struct setup_notes *notes);

/* systemctl VERB UNIT; where systemd does not run, that is noted for later. */
bool command_service(const char *verb, const char *unit, struct setup_notes *notes);

#endif
