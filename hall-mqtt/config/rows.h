/*
 * rows: short words for rows of option tables; for the files that have such tables and nobody else.
 */
#ifndef HALL_CONFIG_ROWS_H
#define HALL_CONFIG_ROWS_H

#include "base/array.h"
#include "config/format.h"
#include "config/option.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* clang-format off */
#define ROWS(rows_) .rows = (rows_), .n_rows = ARRAY_SIZE(rows_)
#define AT(type_, field_) .offset = offsetof(struct type_, field_)
#define TEXT(of_, most_) .kind = OPTION_TEXT, .format = &format_##of_, .max = (most_)
#define INTEGER(min_, max_) .kind = OPTION_INTEGER, .min = (min_), .max = (max_)
#define PORT .kind = OPTION_PORT, .min = 1, .max = UINT16_MAX
#define NUMBER(min_, max_) .kind = OPTION_NUMBER, .min = (min_), .max = (max_)
#define DURATION(min_, max_) .kind = OPTION_DURATION, .min = (min_), .max = (max_)
#define CHOICE(names_) .kind = OPTION_CHOICE, .names = (names_)
#define OBJECT(table_) .kind = OPTION_OBJECT, .table = &(table_)
#define LIST(item_, most_) .kind = OPTION_LIST, .item = &(item_), .max = (most_)
#define MAP(table_, of_, most_) \
    .kind = OPTION_MAP, .table = &(table_), .format = &format_##of_, .max = (most_)
#define NO_LIMIT .no_limit = true
#define COUNT_AT(type_, field_) .count_offset = offsetof(struct type_, field_)
#define GIVEN_AT(type_, field_) .given_offset = offsetof(struct type_, field_)

#define TABLE(name_, type_, rows_) {name_, sizeof(struct type_), ROWS(rows_)}
/* clang-format on */

extern const struct option_table table_sleep; /* of a struct raw_sleep */

#endif
