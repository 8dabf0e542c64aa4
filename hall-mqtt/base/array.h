/* array: how many items an array has. Of an array alone: a pointer has forgotten it. */
#ifndef HALL_BASE_ARRAY_H
#define HALL_BASE_ARRAY_H

#define ARRAY_SIZE(array_) (sizeof(array_) / sizeof((array_)[0]))

#endif
