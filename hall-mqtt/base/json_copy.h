/* json_copy: a value of a document, written again into another. Pure. */
#ifndef HALL_BASE_JSON_COPY_H
#define HALL_BASE_JSON_COPY_H

#include "base/json.h"

/* key is NULL at top level and in arrays; a NULL value writes null. */
void json_copy(struct json_writer *writer, const char *key, const struct json *value);

#endif
