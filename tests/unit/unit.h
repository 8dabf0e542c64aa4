/* unit: cmocka, and what has to stand in front of it. */
#ifndef HALL_TESTS_UNIT_H
#define HALL_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/address.h"

/* Of an IPv4 address in host byte order, as constants: struct address, struct cidr. */
#define V4_BYTES(host_)                                                                            \
    {                                                                                              \
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, (uint8_t)((host_) >> 24),                        \
            (uint8_t)((host_) >> 16), (uint8_t)((host_) >> 8), (uint8_t)(host_)                    \
    }
#define CIDR_V4(host_, bits_)                                                                      \
    {                                                                                              \
        {V4_BYTES(UINT32_C(host_))}, 96 + (bits_)                                                  \
    }

/* 0: none. */
static inline struct address v4(uint32_t host)
{
    return host == 0 ? (struct address){{0}} : (struct address){V4_BYTES(host)};
}

#endif
