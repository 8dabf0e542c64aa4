/* Whose a record is, for record*.c alone. */
#ifndef HALL_RECORD_RECORD_INTERNAL_H
#define HALL_RECORD_RECORD_INTERNAL_H

#include "base/json.h"
#include "record/record.h"

void record_put_owner(struct json_writer *writer, const struct record_owner *owner);
bool record_is_of(const struct json *record, const struct record_owner *owner);

#endif
