/* manual: the manual page domains.json(5), made from the option table. Pure; for schema_main.c. */
#ifndef HALL_CONFIG_MANUAL_H
#define HALL_CONFIG_MANUAL_H

#include "base/buf.h"

int manual_write(struct buf *out); /* roff with the man macros. -EMSGSIZE, -ENOMEM */

#endif
