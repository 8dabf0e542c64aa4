/*
 * grid: a table for people: columns as wide as their widest cell, and on a terminal the last one
 * cut to what is left of the line. Cells are copied and shown without control characters. Pure but
 * for the printing.
 */
#ifndef HALL_HALLCTL_GRID_H
#define HALL_HALLCTL_GRID_H

#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"

enum { GRID_COLUMNS_MAX = 8, GRID_BYTES_MAX = 16 << 20 };

struct grid {
    size_t n_columns, n_cells;
    struct buf cells; /* one after the other, each with its NUL */
    size_t widths[GRID_COLUMNS_MAX];
};

void grid_init(struct grid *grid, const char *const *titles, size_t n_columns);
void grid_finish(struct grid *grid);

/* The next cell; NULL is an empty one, shown as "-". Rows are filled from left to right. */
void grid_put(struct grid *grid, const char *text);

/* width: columns of the terminal; 0: none, nothing is cut. bold: the titles. */
void grid_print(const struct grid *grid, size_t width, bool bold, FILE *out);

#endif
