/* A rate that goes on: neither a burst nor what has ended. */
#include "bridges/agent/watch/meter.h"
#include "unit.h"

static struct meter meter;
static struct sample_number rate;

static int begin(void **state)
{
    meter = (struct meter){0};
    return 0;
}

/* At so many seconds the counter shows so much. */
static void read_at(double seconds, uint64_t counter)
{
    meter_take_at(&meter, &counter, "/x", 15000, (int64_t)(seconds * 1000), &rate);
}

static void expect(double value)
{
    assert_true(fact_is(&rate.problem, FACT_NONE));
    assert_true(rate.value > value - 0.01 && rate.value < value + 0.01);
}

static void test_the_first_rate_needs_a_second(void **state)
{
    read_at(100, 5000);
    assert_true(fact_is(&rate.problem, FACT_LOOK_MEASURING));
    read_at(100.4, 5040);
    assert_true(fact_is(&rate.problem, FACT_LOOK_MEASURING));
    read_at(101, 5100);
    expect(100);
}

static void test_a_burst_is_averaged(void **state)
{
    read_at(0, 0);
    read_at(15, 0);
    read_at(20, 500); /* 100 for 5 s of 20 */
    expect(25);
    read_at(25, 1000);
    expect(40);
    read_at(30, 1500);
    expect(100);
}

static void test_what_has_ended_is_over_at_once(void **state)
{
    read_at(0, 0);
    read_at(15, 1500);
    expect(100);
    read_at(20, 1500);
    expect(0);
}

static void test_many_readings_keep_their_span(void **state)
{
    for (unsigned i = 0; i <= 600; i++)
        read_at(i, i * 7);
    expect(7);
    read_at(601, 600 * 7);
    assert_true(rate.value < 7 && rate.value > 0);
    read_at(601.4, 600 * 7 + 100); /* too soon to say more */
    assert_true(rate.value < 7);
}

static void test_a_counter_that_begins_again(void **state)
{
    read_at(0, 5000);
    read_at(5, 6000);
    expect(200);
    read_at(10, 10);
    assert_true(fact_is(&rate.problem, FACT_LOOK_MEASURING));
    read_at(15, 60);
    expect(10);
}

static void test_a_file_that_is_not_there(void **state)
{
    meter_take_at(&meter, NULL, "/proc/x", 15000, 0, &rate);
    assert_true(fact_is(&rate.problem, FACT_LOOK_UNREADABLE));
    assert_string_equal(fact_text(&rate.problem, 0, 0), "/proc/x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_the_first_rate_needs_a_second, begin),
        cmocka_unit_test_setup(test_a_burst_is_averaged, begin),
        cmocka_unit_test_setup(test_what_has_ended_is_over_at_once, begin),
        cmocka_unit_test_setup(test_many_readings_keep_their_span, begin),
        cmocka_unit_test_setup(test_a_counter_that_begins_again, begin),
        cmocka_unit_test_setup(test_a_file_that_is_not_there, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
