/*
 * arena: memory that is given back all at once. One configuration lives in one arena.
 * A failed allocation is sticky: callers may go on and ask arena_failed at their end.
 */
#ifndef HALL_CONFIG_ARENA_H
#define HALL_CONFIG_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

struct arena *arena_create(void); /* NULL: no memory */
void arena_destroy(struct arena *arena);

/* Zeroed, aligned for anything; never NULL for count 0. NULL: no memory. */
void *arena_alloc(struct arena *arena, size_t count, size_t size);
char *arena_copy(struct arena *arena, const char *text);
char *arena_copy_part(struct arena *arena, const char *bytes, size_t length);
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

bool arena_failed(const struct arena *arena);

#endif
