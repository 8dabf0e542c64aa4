/* Which open connections are use: bytes that move on one that stays. */
#include <errno.h>
#include <string.h>

#include "bridges/agent/watch/traffic.h"
#include "unit.h"

enum { WINDOW = 120000, LOOK = 15000 };

static struct traffic traffic;
static struct sample_connections found;
static int64_t now;

static int begin(void **state)
{
    now = 1000000;
    return 0;
}

static int end(void **state)
{
    traffic_finish(&traffic);
    return 0;
}

static struct traffic_seen connection(uint64_t id, int64_t bytes, int64_t quiet_ms)
{
    return (struct traffic_seen){
        .id = id,
        .peer = {.s6_addr = {[10] = 0xff, [11] = 0xff, [12] = 192, [13] = 0, [14] = 2, [15] = 7}},
        .port = 8080,
        .counted = true,
        .timed = true,
        .bytes = bytes,
        .quiet_ms = quiet_ms};
}

static bool look(const struct traffic_seen *seen, size_t n, int64_t later)
{
    now += later;
    for (size_t i = 0; i < n; i++)
        assert_int_equal(traffic_take(&traffic, &seen[i], now), 0);
    const bool fresh = traffic_end(&traffic, now, WINDOW);
    traffic_judge(&traffic, now, WINDOW, &found);
    return fresh;
}

static bool look_one(int64_t bytes, int64_t quiet_ms, int64_t later)
{
    const struct traffic_seen seen = connection(7, bytes, quiet_ms);
    return look(&seen, 1, later);
}

/* Of each port one, of those that are owed an answer another; the shortest silence first. */
static void test_silence(void **state)
{
    static const struct {
        uint16_t port;
        bool owed;
        int64_t quiet;
    } rows[] = {{80, false, 600000}, {80, false, 200000}, {80, false, 300000},
                {80, true, 400000},  {443, true, 150000}, {80, true, 500000}};
    enum { MANY = SAMPLE_SILENT_MAX + 20 };
    struct traffic_seen seen[MANY];

    for (size_t i = 0; i < 6; i++) {
        seen[i] = connection(i + 1, 100, rows[i].quiet);
        seen[i].port = rows[i].port;
        seen[i].owed = rows[i].owed;
    }
    look(seen, 6, 0);
    assert_int_equal(found.n_silent, 0);
    look(seen, 6, TRAFFIC_SETTLE_MS);
    assert_int_equal(found.n, 0);
    assert_int_equal(found.n_silent, 3);
    assert_true(found.silent[0].port == 443 && found.silent[0].owed);
    assert_int_equal(found.silent[1].quiet_ms, 200000);
    assert_true(found.silent[1].port == 80 && !found.silent[1].owed);
    assert_int_equal(found.silent[2].quiet_ms, 400000);
    assert_true(found.silent[2].port == 80 && found.silent[2].owed);
    assert_string_equal(found.silent[2].peer, "192.0.2.7");
    for (int i = 0; i < MANY; i++) {
        seen[i] = connection((uint64_t)i + 1, 100, 1000000 - 1000 * i);
        seen[i].port = (uint16_t)(1000 + i);
    }
    look(seen, MANY, TRAFFIC_SETTLE_MS);
    look(seen, MANY, TRAFFIC_SETTLE_MS);
    assert_int_equal(found.n_silent, SAMPLE_SILENT_MAX);
    for (size_t i = 0; i < SAMPLE_SILENT_MAX; i++)
        assert_int_equal(found.silent[i].port, 1000 + MANY - 1 - i);
}

static void test_a_stream_counts_from_the_second_look_on(void **state)
{
    assert_true(look_one(5000, 0, 0));
    assert_int_equal(found.n, 0);
    assert_false(look_one(9000, 100, TRAFFIC_SETTLE_MS));
    assert_int_equal(found.n, 1);
    assert_string_equal(found.list[0].peer, "192.0.2.7");
    assert_int_equal(found.list[0].port, 8080);
    assert_int_equal(found.list[0].bytes, 4000); /* the agent began later than the connection */
    assert_int_equal(found.list[0].quiet_ms, 100);
}

static void test_it_ends_with_its_last_byte_and_the_window(void **state)
{
    look_one(5000, 0, 0);
    look_one(5000, WINDOW - 1, WINDOW - 1);
    assert_int_equal(found.n, 1);
    look_one(5000, WINDOW, 1);
    assert_int_equal(found.n, 0);
    look_one(5001, 0, LOOK);
    assert_int_equal(found.n, 1);
}

static void test_checks_each_second_are_nothing(void **state)
{
    for (uint64_t id = 1; id < 50; id++) {
        const struct traffic_seen seen = connection(id, 900, 3);
        assert_true(look(&seen, 1, id % 2 ? LOOK : TRAFFIC_SETTLE_MS));
        assert_int_equal(found.n, 0);
    }
}

static void test_an_idle_pool_is_nothing_and_asks_for_no_second_look(void **state)
{
    struct traffic_seen pool[20];
    for (size_t i = 0; i < 20; i++)
        pool[i] = connection(i, 100000, WINDOW);
    assert_false(look(pool, 20, 0));
    assert_false(look(pool, 20, LOOK));
    assert_int_equal(found.n, 0);
}

static void test_of_a_forwarded_one_packets_without_bytes_are_nothing(void **state)
{
    struct traffic_seen seen = connection(7, 100, 0);
    seen.timed = false;
    look(&seen, 1, 0);
    for (int i = 0; i < 8; i++)
        look(&seen, 1, LOOK); /* a keepalive each time */
    assert_int_equal(found.n, 0);
    seen.bytes = 130;
    look(&seen, 1, LOOK);
    assert_int_equal(found.n, 1);
    seen.bytes = 118; /* an acknowledgement is shorter than is reckoned */
    look(&seen, 1, WINDOW);
    assert_int_equal(found.n, 0);
    seen.bytes = 125;
    look(&seen, 1, LOOK);
    assert_int_equal(found.n, 1);
}

static void test_bytes_are_of_the_last_minute(void **state)
{
    look(NULL, 0, 0); /* the agent has looked before: it knows when this one began */
    int64_t bytes = 0;
    for (int i = 0; i < 40; i++)
        look_one(bytes += 15000000, 0, LOOK);
    assert_in_range(found.list[0].bytes, 30000000, 90000000);
    for (int i = 0; i < 7; i++)
        look_one(bytes, i * LOOK, LOOK);
    assert_int_equal(found.n, 1);
    assert_int_equal(found.list[0].bytes, 0);
}

static void test_those_that_move_most_are_named(void **state)
{
    struct traffic_seen seen[30];
    look(NULL, 0, 0);
    for (size_t i = 0; i < 30; i++)
        seen[i] = connection(i, (int64_t)(i * 7 % 30) * 1000, 0);
    look(seen, 30, LOOK);
    look(seen, 30, LOOK);
    assert_int_equal(found.n, SAMPLE_SEEN_MAX);
    assert_int_equal(found.more, 30 - SAMPLE_SEEN_MAX);
    for (size_t i = 0; i < SAMPLE_SEEN_MAX; i++)
        assert_int_equal(found.list[i].bytes, (29 - (int64_t)i) * 1000);
}

static void test_more_than_are_followed(void **state)
{
    struct traffic_seen seen = connection(0, 1, 0);
    for (; seen.id < TRAFFIC_MAX; seen.id++)
        assert_int_equal(traffic_take(&traffic, &seen, now), 0);
    assert_int_equal(traffic_take(&traffic, &seen, now), -E2BIG);
    assert_true(traffic_end(&traffic, now, WINDOW));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_silence, begin, end),
        cmocka_unit_test_setup_teardown(test_a_stream_counts_from_the_second_look_on, begin, end),
        cmocka_unit_test_setup_teardown(test_it_ends_with_its_last_byte_and_the_window, begin, end),
        cmocka_unit_test_setup_teardown(test_checks_each_second_are_nothing, begin, end),
        cmocka_unit_test_setup_teardown(test_an_idle_pool_is_nothing_and_asks_for_no_second_look,
                                        begin, end),
        cmocka_unit_test_setup_teardown(test_of_a_forwarded_one_packets_without_bytes_are_nothing,
                                        begin, end),
        cmocka_unit_test_setup_teardown(test_bytes_are_of_the_last_minute, begin, end),
        cmocka_unit_test_setup_teardown(test_those_that_move_most_are_named, begin, end),
        cmocka_unit_test_setup_teardown(test_more_than_are_followed, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
