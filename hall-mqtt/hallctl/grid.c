#include "hallctl/grid.h"

#include <string.h>

#include "base/text.h"
#include "hallctl/reader.h"

enum { GAP = 2 };

/* Columns of a terminal that text takes, if each character takes one. */
static size_t width_of(const char *text)
{
    size_t width = 0;

    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

void grid_init(struct grid *grid, const char *const *titles, size_t n_columns)
{
    *grid = (struct grid){.n_columns = n_columns, .cells = BUF_INIT(GRID_BYTES_MAX)};
    for (size_t i = 0; i < n_columns; i++)
        grid_put(grid, titles[i]);
}

void grid_finish(struct grid *grid)
{
    buf_finish(&grid->cells);
}

void grid_put(struct grid *grid, const char *text)
{
    size_t *widest = &grid->widths[grid->n_cells % grid->n_columns];
    struct buf cell = BUF_INIT(GRID_BYTES_MAX);

    buf_puts(&cell, text && text[0] ? text : "-");
    const size_t width = width_of(reader_show(&cell));
    buf_add(&grid->cells, buf_text(&cell), cell.length + 1);
    buf_finish(&cell);
    if (buf_error(&grid->cells) < 0)
        return;
    *widest = width > *widest ? width : *widest;
    grid->n_cells++;
}

/* Bytes of the first `width` characters. */
static int fitting(const char *text, size_t width)
{
    const char *end = text;

    for (size_t step; width > 0 && (step = text_utf8_step(end, strlen(end))) > 0; width--)
        end += step;
    return (int)(end - text);
}

static const char *print_row(const struct grid *grid, const char *cell, size_t width, FILE *out)
{
    size_t used = 0;

    for (size_t i = 0; i < grid->n_columns; i++, cell += strlen(cell) + 1) {
        if (i + 1 == grid->n_columns) {
            if (width == 0 || used + width_of(cell) <= width || used + GAP >= width)
                fputs(cell, out);
            else
                fprintf(out, "%.*s\u2026", fitting(cell, width - used - 1), cell);
            continue;
        }
        const size_t column = grid->widths[i] + GAP;
        fprintf(out, "%s%*s", cell, (int)(column - width_of(cell)), "");
        used += column;
    }
    return cell;
}

void grid_print(const struct grid *grid, size_t width, bool bold, FILE *out)
{
    const char *cell = buf_text(&grid->cells);

    for (size_t row = 0; (row + 1) * grid->n_columns <= grid->n_cells; row++) {
        fputs(bold && row == 0 ? "\033[1m" : "", out);
        cell = print_row(grid, cell, width, out);
        fputs(bold && row == 0 ? "\033[0m\n" : "\n", out);
    }
}
