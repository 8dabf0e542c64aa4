/*
 * clock: the only place that reads clocks, and the text forms of wall time. All else is told the
 * time.
 */
#ifndef HALL_BASE_CLOCK_H
#define HALL_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum { BOOT_ID_SIZE = 40 };
#define RFC3339_SIZE 32 /* "2026-11-22T09:28:29Z" with room for milliseconds, and NUL */

/* One reading of both clocks. Milliseconds. */
struct now {
    int64_t boot; /* CLOCK_BOOTTIME: intervals; goes on in suspend, never steps */
    int64_t wall; /* CLOCK_REALTIME since 1970: what people and schedules read; may step */
};

/* The wall clock of a reading may be 50 ms off, so that two readings agree on when something was.
 */
struct now clock_now(void);
/* Does the time service say that the wall clock is right? Where none is known of, it is taken to.
 */
bool clock_is_synchronised(void);
/* What the hardware clock shows, wall, ms; 0: there is none. */
int64_t clock_rtc(void);
int64_t clock_boot_ns(void); /* for measuring */
/* Which run of the machine the boot clock belongs to; "" where the kernel does not say. */
void clock_boot_id(char out[BOOT_ID_SIZE]);
int64_t
clock_thread_ns(void); /* what this thread has had of a processor; what others had is not its */
/* For condition variables whose clock is CLOCK_MONOTONIC. */
struct timespec clock_monotonic_after(int64_t ms);

/* The wall time at which the boot clock showed boot_ms, as seen now. */
int64_t clock_wall_at(struct now now, int64_t boot_ms);

int clock_days_in_month(int year, int month); /* month 1 to 12; Gregorian */

/* RFC 3339, UTC, whole seconds: "2026-11-22T09:28:29Z". Returns out. */
char *rfc3339_format(int64_t wall_ms, char out[RFC3339_SIZE]);

/* RFC 3339 with any offset and fraction ("2026-11-22T10:28:29.5+01:00"). -EINVAL. */
int rfc3339_parse(const char *text, int64_t *ret_wall_ms);

#endif
