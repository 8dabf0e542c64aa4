/* What the files of a record share, for record*.c alone: record_learned.c has what time has taught.
 */
#ifndef HALL_RECORD_RECORD_INTERNAL_H
#define HALL_RECORD_RECORD_INTERNAL_H

#include "base/json.h"
#include "record/record.h"

void record_put_owner(struct json_writer *writer, const struct record_owner *owner);
bool record_is_of(const struct json *record, const struct record_owner *owner);
/* Is the boot clock in it the one that still runs? */
bool record_is_of_boot(const struct json *record, const struct record_owner *owner);

/* Those of the stages of a wake. */
void record_put_times(struct json_writer *writer, const char *name, const int32_t times[STAGES]);
void record_read_times(const struct json *array, int32_t times[STAGES]);

void record_put_learned(struct json_writer *writer, const struct saved *saved);
void record_read_learned(const struct json *record, struct saved *saved);

#endif
