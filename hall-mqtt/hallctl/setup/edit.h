/*
 * edit: changes single values of a JSON text and leaves the rest as it was written: order, blanks,
 * notation. Pure. The text must be valid JSON (json_read accepts it) with an object at its top.
 */
#ifndef HALL_HALLCTL_SETUP_EDIT_H
#define HALL_HALLCTL_SETUP_EDIT_H

#include "config/arena.h"

/* Sets the value at these keys (NULL behind the last), given as JSON. What is missing or null
 * on the way is made; a new member goes behind the last one. Keys have no characters that JSON
 * escapes. Returns the new text, of the arena; NULL: something on the way is no object, or no
 * memory. */
char *edit_set(struct arena *arena, const char *text, const char *const *keys, const char *value);

#endif
