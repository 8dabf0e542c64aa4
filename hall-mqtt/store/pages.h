/*
 * pages: the pages of a store's file, with what its log has committed since, read by themselves: a
 * page that the disk does not give, or that is beyond the end, is missing, and the others are
 * there. Blocking; one thread at a time.
 */
#ifndef HALL_STORE_PAGES_H
#define HALL_STORE_PAGES_H

#include "store/btree.h"

struct pages;

/* -errno, as open does. */
int pages_open(const char *path, struct pages **ret_pages);
void pages_close(struct pages *pages);

/* The number of the last page, and of the one that should be the last. */
uint32_t pages_count(const struct pages *pages);
uint32_t pages_expected(const struct pages *pages);
bool pages_read(struct pages *pages, uint32_t number, uint8_t ret_page[BTREE_PAGE]);

/* To which tree a page belongs, as the file's map of its pages has it: the number of the tree's
 * first page; or that the map is broken there; or that it is free, or the rest of a long row. */
#define PAGES_UNKNOWN 0U
#define PAGES_NONE    UINT32_MAX
uint32_t pages_tree(struct pages *pages, uint32_t number);

/* The row of a cell, put together; in memory of pages' own, until the next. False: its rest cannot
 * be found. */
bool pages_payload(struct pages *pages, const struct btree_cell *cell, const uint8_t **ret_payload);

#endif
