#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "unit.h"
#include "web/admin/turnstile.h"

static struct turnstile turnstile;
static atomic_uint_fast64_t ended;

/* As a worker does whose read was ended. */
static void end(void *context, uint64_t peer)
{
    (void)context;
    ended = peer;
}

static int set_up(void **state)
{
    turnstile_init(&turnstile, end, NULL);
    turnstile.most_ms = 60000;
    ended = 0;
    return 0;
}

static int tear_down(void **state)
{
    turnstile_finish(&turnstile);
    return 0;
}

struct visit {
    pthread_t thread;
    uint64_t peer;
    char who[16];
    bool enters;
};

static void *visit(void *context)
{
    struct visit *visit = context;
    visit->enters = turnstile_enter(&turnstile, visit->peer, visit->who);
    if (visit->enters)
        turnstile_leave(&turnstile);
    return NULL;
}

static void begin(struct visit *one, uint64_t peer, const char *who)
{
    one->peer = peer;
    snprintf(one->who, sizeof one->who, "%s", who);
    assert_int_equal(pthread_create(&one->thread, NULL, visit, one), 0);
}

static unsigned count_waiting(void)
{
    unsigned n = 0;
    pthread_mutex_lock(&turnstile.lock);
    for (size_t i = 0; i < TURNSTILE_WAITING; i++)
        n += turnstile.waiting[i][0] != '\0';
    pthread_mutex_unlock(&turnstile.lock);
    return n;
}

static void await_waiting(unsigned n)
{
    while (count_waiting() != n)
        sched_yield();
}

static void one_after_the_other(void **state)
{
    for (uint64_t i = 1; i < 4; i++) {
        assert_true(turnstile_enter(&turnstile, i, "a"));
        turnstile_leave(&turnstile);
    }
    assert_int_equal(ended, 0);
}

static void two_may_wait_and_one_of_each_address(void **state)
{
    struct visit first, second;
    assert_true(turnstile_enter(&turnstile, 1, "a"));
    begin(&first, 2, "a");
    await_waiting(1);
    assert_false(turnstile_enter(&turnstile, 3, "a"));
    begin(&second, 4, "b");
    await_waiting(2);
    assert_false(turnstile_enter(&turnstile, 5, "c"));
    turnstile_leave(&turnstile);
    pthread_join(first.thread, NULL);
    pthread_join(second.thread, NULL);
    assert_true(first.enters);
    assert_true(second.enters);
    assert_int_equal(count_waiting(), 0);
}

static void who_reads_for_long_is_ended_for_the_next(void **state)
{
    struct visit next;
    assert_true(turnstile_enter(&turnstile, 7, "a"));
    begin(&next, 8, "b");
    while (ended == 0)
        sched_yield();
    assert_int_equal(ended, 7);
    turnstile_leave(&turnstile);
    pthread_join(next.thread, NULL);
    assert_true(next.enters);
}

static void who_waits_in_vain_is_sent_away(void **state)
{
    turnstile.most_ms = 1;
    assert_true(turnstile_enter(&turnstile, 7, "a"));
    assert_false(turnstile_enter(&turnstile, 8, "b"));
    assert_int_equal(count_waiting(), 0);
    turnstile_leave(&turnstile);
    assert_true(turnstile_enter(&turnstile, 8, "b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_after_the_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_may_wait_and_one_of_each_address, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_reads_for_long_is_ended_for_the_next, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(who_waits_in_vain_is_sent_away, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
