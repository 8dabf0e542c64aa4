#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/number.h"

_Static_assert(sizeof(time_t) == sizeof(int64_t), "times of 32 bits end in 2038: _TIME_BITS=64");

static int64_t read_ns(clockid_t id)
{
    struct timespec time = {0};
    clock_gettime(id, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* How much later the wall clock is than the boot clock, ms. The kernel cannot be asked for both at
 * once: a thread that was stopped in between is given another try. */
static int64_t wall_ahead(int64_t *ret_boot)
{
    enum { TRIES = 3, APART_NS = 100000 };
    int64_t before, wall, after;

    for (int i = 0; i < TRIES; i++) {
        before = read_ns(CLOCK_BOOTTIME);
        wall = read_ns(CLOCK_REALTIME);
        after = read_ns(CLOCK_BOOTTIME);
        if (after - before < APART_NS)
            break;
    }
    *ret_boot = after / 1000000;
    return (wall - after) / 1000000;
}

/* A reading goes by the difference between the clocks that was seen first, until they really move
 * against each other: an instant that passed has one wall time, whenever it is asked for. */
struct now clock_now(void)
{
    enum { APART_MS = 50 };
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static int64_t known;
    struct now now;
    const int64_t ahead = wall_ahead(&now.boot);

    pthread_mutex_lock(&lock);
    if (ahead < known - APART_MS || ahead > known + APART_MS)
        known = ahead;
    now.wall = now.boot + known;
    pthread_mutex_unlock(&lock);
    return now;
}

int64_t clock_boot_ns(void)
{
    return read_ns(CLOCK_BOOTTIME);
}

void clock_boot_id(char out[BOOT_ID_SIZE])
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

    if (!file || !fgets(out, BOOT_ID_SIZE, file))
        out[0] = '\0';
    if (file)
        fclose(file);
    out[strcspn(out, "\n")] = '\0';
}

int64_t clock_thread_ns(void)
{
    return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

struct timespec clock_monotonic_after(int64_t ms)
{
    const int64_t ns = read_ns(CLOCK_MONOTONIC) + ms * 1000000;
    return (struct timespec){.tv_sec = (time_t)(ns / 1000000000),
                             .tv_nsec = (long)(ns % 1000000000)};
}

int64_t clock_wall_at(struct now now, int64_t boot_ms)
{
    return now.wall - (now.boot - boot_ms);
}

char *rfc3339_format(int64_t wall_ms, char out[RFC3339_SIZE])
{
    struct tm parts;
    int64_t seconds = wall_ms / 1000 - (wall_ms % 1000 < 0 ? 1 : 0);
    const int64_t year_0 = INT64_C(-62167219200);
    const int64_t year_9999_end = INT64_C(253402300799);

    seconds = seconds < year_0 ? year_0 : seconds > year_9999_end ? year_9999_end : seconds;
    time_t time = (time_t)seconds;
    gmtime_r(&time, &parts);
    snprintf(out, RFC3339_SIZE, "%04u-%02u-%02uT%02u:%02u:%02uZ",
             (unsigned)(parts.tm_year + 1900) % 10000, (unsigned)(parts.tm_mon + 1) % 100,
             (unsigned)parts.tm_mday % 100, (unsigned)parts.tm_hour % 100,
             (unsigned)parts.tm_min % 100, (unsigned)parts.tm_sec % 100);
    return out;
}

/* Reads exactly `digits` digits within [min, max] and moves on behind them; false where they are
 * not there. */
static bool take(const char **at, unsigned digits, int min, int max, int *ret_value)
{
    int value = 0;
    for (unsigned i = 0; i < digits; i++) {
        char c = (*at)[i];
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    if (value < min || value > max)
        return false;
    *at += digits;
    *ret_value = value;
    return true;
}

static bool skip(const char **at, const char *any_of)
{
    if (**at == '\0' || !strchr(any_of, **at))
        return false;
    (*at)++;
    return true;
}

static bool take_date(const char **at, struct tm *parts)
{
    int year = 0;
    int month = 0;
    if (!take(at, 4, 0, 9999, &year) || !skip(at, "-") || !take(at, 2, 1, 12, &month) ||
        !skip(at, "-") || !take(at, 2, 1, clock_days_in_month(year, month), &parts->tm_mday))
        return false;
    parts->tm_year = year - 1900;
    parts->tm_mon = month - 1;
    return true;
}

static bool take_time(const char **at, struct tm *parts)
{
    return take(at, 2, 0, 23, &parts->tm_hour) && skip(at, ":") &&
           take(at, 2, 0, 59, &parts->tm_min) && skip(at, ":") &&
           take(at, 2, 0, 60, &parts->tm_sec); /* 60: a leap second, the first of the next minute */
}

/* ".5" -> 500; digits beyond milliseconds are dropped. */
static bool take_fraction(const char **at, int *ret_ms)
{
    int ms = 0;
    int weight = 100;
    int digit = 0;

    if (!skip(at, "."))
        return true;
    if (!take(at, 1, 0, 9, &digit))
        return false;
    do {
        ms += digit * weight;
        weight /= 10;
    } while (take(at, 1, 0, 9, &digit));
    *ret_ms = ms;
    return true;
}

static bool take_offset(const char **at, int *ret_minutes)
{
    int hours = 0;
    int minutes = 0;
    if (skip(at, "Zz"))
        return true;
    bool west = **at == '-';
    if (!skip(at, "+-") || !take(at, 2, 0, 23, &hours) || !skip(at, ":") ||
        !take(at, 2, 0, 59, &minutes))
        return false;
    *ret_minutes = west ? -(hours * 60 + minutes) : hours * 60 + minutes;
    return true;
}

int clock_days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

int rfc3339_parse(const char *text, int64_t *ret_wall_ms)
{
    struct tm parts = {0};
    int ms = 0;
    int offset = 0;

    if (!take_date(&text, &parts) || !skip(&text, "Tt") || !take_time(&text, &parts) ||
        !take_fraction(&text, &ms) || !take_offset(&text, &offset) || *text != '\0')
        return -EINVAL;
    *ret_wall_ms = ((int64_t)timegm(&parts) - (int64_t)offset * 60) * 1000 + ms;
    return 0;
}

bool clock_is_synchronised(void)
{
    /* systemd-timesyncd leaves a mark when it has synchronised; where it does not run, there is no
     * telling. */
    if (access("/run/systemd/timesync", F_OK) == 0)
        return access("/run/systemd/timesync/synchronized", F_OK) == 0;
    return true;
}

int64_t clock_rtc(void)
{
    FILE *file = fopen("/sys/class/rtc/rtc0/since_epoch", "re");
    char line[24] = "";
    int64_t seconds;

    if (!file)
        return 0;
    if (!fgets(line, sizeof(line), file))
        line[0] = '\0';
    fclose(file);
    line[strcspn(line, "\n")] = '\0';
    return number_parse(line, 0, INT64_MAX / 1000, &seconds) < 0 ? 0 : seconds * 1000;
}
