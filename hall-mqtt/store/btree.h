/*
 * btree: SQLite's file format as far as rows have to be read out of a damaged file without the
 * library, which gives up at the first broken page: pages of table trees, their cells, records. All
 * of it is hostile: nothing is followed or read beyond the page or the payload given. Pages have
 * DB_PAGE_SIZE bytes, no reserved ones, as Hall makes its files. Pure.
 */
#ifndef HALL_STORE_BTREE_H
#define HALL_STORE_BTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BTREE_PAGE = 1024,
    BTREE_VALUES_MAX = 24,
    BTREE_CHAIN = BTREE_PAGE - 4, /* bytes of a payload in an overflow page */
};

enum btree_kind { BTREE_OTHER, BTREE_LEAF, BTREE_INNER, BTREE_INDEX };

/* What a page says it is: of a table's tree a leaf or above, of an index; number: from 1. */
enum btree_kind btree_kind(const uint8_t page[BTREE_PAGE], uint32_t number);
/* How many cells it says it has; 0 where there cannot be that many. */
size_t btree_cells(const uint8_t page[BTREE_PAGE], uint32_t number);

struct btree_cell {
    int64_t id;
    size_t size;          /* of the payload, */
    const uint8_t *local; /* so much of which lies in the page, */
    size_t n_local;
    uint32_t overflow; /* and the rest from that page on; 0: all of it lies here */
};
/* One row of a leaf. False: it is broken. */
bool btree_cell(const uint8_t page[BTREE_PAGE], uint32_t number, size_t i,
                struct btree_cell *ret_cell);
/* The page below a page; i up to btree_cells, which is the last one. 0: it is broken. */
uint32_t btree_child(const uint8_t page[BTREE_PAGE], uint32_t number, size_t i);

enum btree_type { BTREE_NULL, BTREE_NUMBER, BTREE_TEXT, BTREE_BLOB };
struct btree_value {
    enum btree_type type;
    int64_t number;
    const char *text; /* within the payload; not terminated */
    size_t length;
};
/* The values of a row; how many. 0: it is broken, or has more than BTREE_VALUES_MAX. */
size_t btree_record(const uint8_t *payload, size_t size,
                    struct btree_value ret_values[BTREE_VALUES_MAX]);

uint32_t btree_number4(const uint8_t *bytes);

#endif
