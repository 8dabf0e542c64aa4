/*
 * page: the waiting page as HTML. The template is taken apart once (page_create) and then only
 * read, by any thread; its holes are a table, filled from a view.
 */
#ifndef HALL_WEB_PAGE_PAGE_H
#define HALL_WEB_PAGE_PAGE_H

#include "base/buf.h"
#include "web/gate/view.h"

struct page;

/* -ENOMEM. */
int page_create(struct page **ret_page);
void page_destroy(struct page *page);
/* The value of the Content-Security-Policy header that fits the page. */
const char *page_policy(const struct page *page);
void page_write(const struct page *page, const struct view *view, struct buf *out);

#endif
