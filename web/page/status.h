/*
 * status: a view as JSON, for the page's script and for programs. Pure; output goes to the caller's
 * buf.
 */
#ifndef HALL_WEB_PAGE_STATUS_H
#define HALL_WEB_PAGE_STATUS_H

#include <stdint.h>

#include "base/buf.h"
#include "web/gate/view.h"

/* The answer of /.hall/status. */
void status_write(const struct view *view, int64_t next_poll, struct buf *out);
/* RFC 9457, of an answer with this HTTP status. */
void status_write_problem(const struct view *view, int status, struct buf *out);

#endif
