/* Clocks that a test can set, for one program alone (LD_PRELOAD). CLOCK_FILE holds two numbers of 8
 * bytes, seconds both: what is added to the wall clock alone, as by somebody who sets it, and what
 * has passed beyond what did pass, for all clocks alike; timers of timerfd_create(2) come as much
 * earlier. Without CLOCK_PIPE nobody says that the clock was set; it is a FIFO: what is written to
 * it is to the program what the kernel says when somebody sets the clock (a timer that is
 * cancelled), and it has the program look at the clocks. Timeouts of poll(2) and of condition
 * variables stay as they are. */
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { TIMERS = 64 }; /* descriptors below this are known again */

struct added {
    int64_t wall, passed; /* s */
};

static const struct added *added;
static int pipe_fd = -1;

/* Timers as the program set them, to be set anew when time passes. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct itimerspec timers[TIMERS];
static int64_t followed; /* of added->passed */

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("CLOCK_FILE");
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *map = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *added, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        abort();
    close(fd);
    added = map;
}

static bool is_set(const struct timespec *time)
{
    return time->tv_sec != 0 || time->tv_nsec != 0;
}

static int set_timer(int fd, int flags, struct itimerspec at, struct itimerspec *old)
{
    if ((flags & TFD_TIMER_ABSTIME) != 0 && is_set(&at.it_value)) {
        at.it_value.tv_sec -= followed;
        if (at.it_value.tv_sec < 0)
            at.it_value = (struct timespec){.tv_nsec = 1};
    }
    return (int)syscall(SYS_timerfd_settime, fd, flags, &at, old);
}

/* The lock is held. */
static void follow(void)
{
    const int64_t passed = __atomic_load_n(&added->passed, __ATOMIC_RELAXED);

    if (passed == followed)
        return;
    __atomic_store_n(&followed, passed, __ATOMIC_RELAXED);
    for (int fd = 0; fd < TIMERS; fd++)
        if (is_set(&timers[fd].it_value))
            (void)set_timer(fd, TFD_TIMER_ABSTIME, timers[fd], NULL);
}

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    int error = (int)syscall(SYS_clock_gettime, clock, ret_time);

    if (error != 0 || added == NULL)
        return error;
    const int64_t passed = __atomic_load_n(&added->passed, __ATOMIC_RELAXED);
    if (passed != __atomic_load_n(&followed, __ATOMIC_RELAXED)) {
        pthread_mutex_lock(&lock);
        follow();
        pthread_mutex_unlock(&lock);
    }
    if (clock == CLOCK_REALTIME)
        ret_time->tv_sec += __atomic_load_n(&added->wall, __ATOMIC_RELAXED) + passed;
    else if (clock == CLOCK_BOOTTIME || clock == CLOCK_MONOTONIC)
        ret_time->tv_sec += passed;
    return 0;
}

time_t time(time_t *ret_time)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (ret_time != NULL)
        *ret_time = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict ret_time, void *restrict zone)
{
    struct timespec now;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    *ret_time = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return 0;
}

int timerfd_create(clockid_t clock, int flags)
{
    if (clock != CLOCK_REALTIME)
        return (int)syscall(SYS_timerfd_create, clock, flags);
    if (getenv("CLOCK_PIPE") == NULL)
        return (int)syscall(SYS_timerfd_create, clock, flags);
    pipe_fd = open(getenv("CLOCK_PIPE"), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    return pipe_fd;
}

int timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old)
{
    if (fd == pipe_fd && fd >= 0) {
        struct timespec now;

        clock_gettime(CLOCK_REALTIME, &now);
        if ((flags & TFD_TIMER_ABSTIME) != 0 && new->it_value.tv_sec <= now.tv_sec) {
            /* It has come: whoever sets it again and again never rests. */
            fputs("a timer of the wall clock is set to what is past\n", stderr);
            abort();
        }
        return 0;
    }
    pthread_mutex_lock(&lock);
    follow();
    int error = set_timer(fd, flags, *new, old);
    if (fd >= 0 && fd < TIMERS)
        timers[fd] = (flags & TFD_TIMER_ABSTIME) != 0 ? *new : (struct itimerspec){0};
    pthread_mutex_unlock(&lock);
    return error;
}
