#include "config/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_SIZE = 8 * 1024, ALIGNMENT = _Alignof(max_align_t) };

struct chunk {
    struct chunk *next;
    size_t used, size;
    max_align_t bytes[];
};

struct arena {
    struct chunk *chunks; /* the newest first */
    bool failed;
};

struct arena *arena_create(void)
{
    return calloc(1, sizeof(struct arena));
}

void arena_destroy(struct arena *arena)
{
    if (!arena)
        return;
    while (arena->chunks) {
        struct chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        free(chunk);
    }
    free(arena);
}

static struct chunk *add_chunk(struct arena *arena, size_t size)
{
    struct chunk *chunk = calloc(1, sizeof(*chunk) + size);
    if (!chunk) {
        arena->failed = true;
        return NULL;
    }
    chunk->size = size;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    return chunk;
}

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
    struct chunk *chunk = arena->chunks;
    if (size != 0 && count > SIZE_MAX / 4 / size) {
        arena->failed = true;
        return NULL;
    }
    size_t needed = (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!chunk || chunk->size - chunk->used < needed)
        chunk = add_chunk(arena, needed > CHUNK_SIZE ? needed : CHUNK_SIZE);
    if (!chunk)
        return NULL;
    void *memory = (char *)chunk->bytes + chunk->used;
    chunk->used += needed;
    return memory;
}

char *arena_copy_part(struct arena *arena, const char *bytes, size_t length)
{
    char *copy = arena_alloc(arena, length + 1, 1);
    if (copy)
        memcpy(copy, bytes, length);
    return copy;
}

char *arena_copy(struct arena *arena, const char *text)
{
    return arena_copy_part(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    char *text = length < 0 ? NULL : arena_alloc(arena, (size_t)length + 1, 1);
    if (text)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(args);
    return text;
}

bool arena_failed(const struct arena *arena)
{
    return arena->failed;
}
