/*
 * db_internal: small doors to SQL, between db.c, which alone knows the library, and db_rows.c and
 * archive.c, which know the tables.
 */
#ifndef HALL_STORE_DB_INTERNAL_H
#define HALL_STORE_DB_INTERNAL_H

#include "store/db.h"
#include "store/tables.h"

enum { DB_PAGE_SIZE = 1024 };

/* A value to bind: a text (NULL is SQL's NULL), or a number. */
struct value {
    bool is_number;
    int64_t number;
    const char *text;
};
#define TEXT(text_)     ((struct value){.text = (text_)})
#define NUMBER(number_) ((struct value){.is_number = true, .number = (number_)})

/* Runs a prepared statement to its end; its first column, if any, becomes the number. */
bool db_run(struct db *db, enum schema_statement which, int64_t *ret_number,
            struct trouble *ret_trouble);
bool db_run_with(struct db *db, enum schema_statement which, size_t n, const struct value values[],
                 struct trouble *ret_trouble);
bool db_ask_number(struct db *db, const char *question, int64_t *ret_number,
                   struct trouble *ret_trouble);

/* One row of a result; texts live until the next. */
struct db_row;
int64_t db_row_number(const struct db_row *row, int column);
const char *db_row_text(const struct db_row *row, int column); /* NULL: SQL's NULL */

/* False: no more are wanted. */
typedef bool db_reader(void *context, const struct db_row *row);
bool db_walk(struct db *db, enum schema_statement which, size_t n, const struct value values[],
             db_reader *read, void *context, struct trouble *ret_trouble);
/* The same with a statement of its own. */
bool db_query(struct db *db, const char *text, size_t n, const struct value values[],
              db_reader *read, void *context, struct trouble *ret_trouble);

/* From now on, what takes longer ends with TROUBLE_INTERRUPTED. */
void db_limit(struct db *db, int64_t limit_ms);

int64_t db_changes(const struct db *db);
void db_roll_back(struct db *db);
/* A file that is no longer where it was would take every row and lose it. */
bool db_check_place(struct db *db, struct trouble *ret_trouble);

#endif
