#include "core/facts/due.h"
#include "unit.h"

enum { SERVERS = 257 };

static void test_empty(void **state)
{
    struct due due;

    assert_int_equal(due_init(&due, 0), 0);
    assert_true(due_next(&due) == DUE_NEVER);
    due_finish(&due);
    due_finish(&due);
    due_finish(NULL);
}

static void test_starts_with_nothing_due(void **state)
{
    struct due due;

    assert_int_equal(due_init(&due, 3), 0);
    assert_true(due_next(&due) == DUE_NEVER);
    due_set(&due, 2, 50);
    due_set(&due, 0, 70);
    assert_int_equal(due_next(&due), 50);
    assert_int_equal(due_server(&due), 2);
    due_set(&due, 2, DUE_NEVER);
    assert_int_equal(due_next(&due), 70);
    assert_int_equal(due_server(&due), 0);
    due_finish(&due);
}

static int64_t least(const struct due *due)
{
    int64_t at = DUE_NEVER;

    for (size_t i = 0; i < due->n; i++)
        if (due->at[i] < at)
            at = due->at[i];
    return at;
}

/* After any change the root is the least, and every server stands where its position says. */
static void test_order_holds(void **state)
{
    struct due due;
    uint32_t number = 12345;

    assert_int_equal(due_init(&due, SERVERS), 0);
    for (int round = 0; round < 20000; round++) {
        number = number * 1664525U + 1013904223U;
        const int server = (int)((number >> 8) % SERVERS);

        due_set(&due, server, number % 7 == 0 ? DUE_NEVER : (int64_t)(number % 1000));
        assert_true(due_next(&due) == least(&due));
        assert_true(due.at[due_server(&due)] == least(&due));
        assert_int_equal(due.heap[due.position[server]], server);
    }
    for (size_t i = 1; i < SERVERS; i++)
        assert_true(due.at[due.heap[(i - 1) / 2]] <= due.at[due.heap[i]]);
    due_finish(&due);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_starts_with_nothing_due),
        cmocka_unit_test(test_order_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
