/* Work that is done when nothing else waits, and in the end also where something always does. */
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "loop/timer.h"
#include "unit.h"

enum { LIMIT_MS = 60000 };

struct fixture {
    sd_event *loop;
    struct loop_idle *idle;
    int others, done, others_before;
};

static void on_idle(void *context)
{
    struct fixture *f = context;
    f->done++;
    f->others_before = f->others;
}

static int on_other(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct fixture *f = context;
    (void)source;
    (void)fd;
    (void)events;
    f->others++;
    return 0;
}

/* Bytes that wait to be read, and always will. */
static void add_other(struct fixture *f, int enabled)
{
    sd_event_source *other = NULL;
    const int fd = eventfd(1, EFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(sd_event_add_io(f->loop, &other, fd, EPOLLIN, on_other, f) >= 0);
    assert_true(sd_event_source_set_io_fd_own(other, 1) >= 0);
    assert_true(sd_event_source_set_enabled(other, enabled) >= 0);
    assert_true(sd_event_source_set_floating(other, 1) >= 0);
    (void)sd_event_source_unref(other);
}

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){0};
    assert_true(sd_event_new(&fixture.loop) >= 0);
    assert_int_equal(loop_idle_create(fixture.loop, on_idle, &fixture, &fixture.idle), 0);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    loop_idle_destroy(f->idle);
    loop_idle_destroy(NULL);
    (void)sd_event_unref(f->loop);
    return 0;
}

static void run_until_done(struct fixture *f, int done)
{
    for (int64_t end = clock_now().boot + LIMIT_MS; f->done < done;) {
        assert_true(clock_now().boot < end);
        assert_true(sd_event_run(f->loop, 100000) >= 0);
    }
}

static void test_it_comes_behind_what_waits_and_once(void **state)
{
    struct fixture *f = *state;
    const int64_t began = clock_now().boot;
    loop_idle_set(f->idle);
    loop_idle_set(f->idle);
    for (int i = 0; i < 3; i++)
        add_other(f, SD_EVENT_ONESHOT);
    run_until_done(f, 1);
    if (clock_now().boot - began < IDLE_MOST_MS)
        assert_int_equal(f->others_before, 3);
    for (int64_t end = clock_now().boot + 2 * IDLE_MOST_MS; clock_now().boot < end;)
        assert_true(sd_event_run(f->loop, 10000) >= 0);
    assert_int_equal(f->done, 1);
}

static void test_a_loop_that_is_always_busy_does_not_keep_it_away(void **state)
{
    struct fixture *f = *state;
    const int64_t began = clock_now().boot;
    add_other(f, SD_EVENT_ON);
    loop_idle_set(f->idle);
    for (int i = 0; i < 10; i++) {
        assert_true(sd_event_run(f->loop, 0) >= 0);
        loop_idle_set(f->idle); /* puts off nothing */
    }
    if (clock_now().boot - began < IDLE_MOST_MS)
        assert_int_equal(f->done, 0);
    run_until_done(f, 1);
    loop_idle_set(f->idle);
    run_until_done(f, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_it_comes_behind_what_waits_and_once),
        TEST(test_a_loop_that_is_always_busy_does_not_keep_it_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
