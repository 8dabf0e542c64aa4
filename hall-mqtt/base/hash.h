/*
 * hash: FNV-1a of 64 bits, which tells one text from the next. It resists nobody who searches for
 * two texts with the same hash.
 */
#ifndef HALL_BASE_HASH_H
#define HALL_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_START UINT64_C(14695981039346656037)

/* The hash of what was hashed already, HASH_START for nothing, and of these bytes behind it. */
static inline uint64_t hash_add(uint64_t hash, const void *bytes, size_t n)
{
    for (const unsigned char *at = bytes; n > 0; n--)
        // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): bytes of wider values
        hash = (hash ^ *at++) * UINT64_C(1099511628211);
    return hash;
}

#endif
