/*
 * archive: reading what the store wrote, on a read-only connection of its own, by any thread but
 * the loop's; one archive is one reading, opened for it and closed after, so that it costs nothing
 * between readings and always finds the file that is in use. Bounded in time: a page that would
 * take longer ends early and says where to go on; a figure that would is missing.
 */
#ifndef HALL_STORE_ARCHIVE_H
#define HALL_STORE_ARCHIVE_H

#include "store/store.h"

struct archive;

enum { ARCHIVE_PAGE_MS = 150, ARCHIVE_SENTENCE = 1024 };

/* limit_ms: for all that is asked of it together. -ENOENT, -EIO, -EBUSY ... with a sentence. */
int archive_open(const char *path, int64_t limit_ms, struct archive **ret_archive,
                 char ret_why[ARCHIVE_SENTENCE]);
void archive_close(struct archive *archive); /* NULL does nothing */

/* What of a table is wanted; NULL, 0: all. Texts are compared whole, but search, which is looked
 * for within the last text of a row without regard to (ASCII) case. */
struct archive_filter {
    const char *server, *domain, *project, *type, *address, *search;
    int64_t from, to; /* wall, ms: from <= time < to */
    int64_t before;   /* id: what comes behind that row */
    int limit;
};

/* A row: as a struct store_entry, whose texts live for the call. False: no more are wanted. */
typedef bool archive_row(void *context, const struct store_entry *entry);

/* Newest first. ret_next: where to go on, 0: that was all. */
int archive_page(struct archive *archive, enum store_table table,
                 const struct archive_filter *filter, archive_row *row, void *context,
                 int64_t *ret_next, char ret_why[ARCHIVE_SENTENCE]);

/* Figures over [from, to). Each is a list of rows of numbers and texts, see archive.c for its
 * columns; server NULL: all. */
enum archive_figure {
    FIGURE_SINCE,      /* first record; latest end of a span */
    FIGURE_STATES,     /* state, ms, first began; server */
    FIGURE_ENERGY,     /* state, used mJ, always mJ, ms of which neither is known; server */
    FIGURE_WAKES,      /* ready, failed; server */
    FIGURE_SLEEPS,     /* n; server */
    FIGURE_BOOTS,      /* kind, n, p50, p95; server */
    FIGURE_BOOT_DAYS,  /* kind, n, p50, p95; server, day */
    FIGURE_CAUSES,     /* n; class */
    FIGURE_PROJECTS,   /* n of wakes; project */
    FIGURE_HOURS,      /* hour of the week, n */
    FIGURE_FAILURES,   /* n, last; server, failure */
    FIGURE_VISITS,     /* n, last, n of wakes; project, domain */
    FIGURE_VISIT_DAYS, /* n; day */
    FIGURE_REFUSALS,   /* n; address */
    FIGURE_REFUSED,    /* n in all */
};
enum { FIGURES = 15, FIGURE_NUMBERS = 4, FIGURE_TEXTS = 2 };

struct figure_row {
    int64_t numbers[FIGURE_NUMBERS];
    const char *texts[FIGURE_TEXTS];
};
typedef void figure_reader(void *context, const struct figure_row *row);

int archive_figure(struct archive *archive, enum archive_figure figure, const char *server,
                   int64_t from, int64_t to, figure_reader *read, void *context,
                   char ret_why[ARCHIVE_SENTENCE]);

#endif
