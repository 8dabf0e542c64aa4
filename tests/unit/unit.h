/* unit: cmocka, and what has to stand in front of it. */
#ifndef HALL_TESTS_UNIT_H
#define HALL_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
