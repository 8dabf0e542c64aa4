#include "core/facts/history.h"
#include "unit.h"

enum { LEAST = 30000, MOST = 180000 };

static struct boot boot_of(int32_t ready)
{
    struct boot boot = {.ready = ready};

    for (unsigned i = 0; i < STAGES; i++)
        boot.stages[i] = STAGE_UNREACHED;
    boot.stages[STAGE_FIRST_SIGN] = ready / 2;
    return boot;
}

static void add(struct history *history, enum wake_kind kind, int32_t ready)
{
    const struct boot boot = boot_of(ready);

    history_add(history, kind, &boot);
}

static void test_nothing_known(void **state)
{
    const struct history history = {0};

    assert_int_equal(history_median(&history, WAKE_RESUME), -1);
    assert_int_equal(history_stage_median(&history, WAKE_COLD, STAGE_DOCKER_UP), -1);
    assert_int_equal(history_deadline(&history, WAKE_COLD, LEAST, MOST), MOST);
}

static void test_median(void **state)
{
    struct history history = {0};

    add(&history, WAKE_RESUME, 9000);
    assert_int_equal(history_median(&history, WAKE_RESUME), 9000);
    add(&history, WAKE_RESUME, 5000);
    assert_int_equal(history_median(&history, WAKE_RESUME), 7000);
    add(&history, WAKE_RESUME, 60000);
    assert_int_equal(history_median(&history, WAKE_RESUME), 9000);
    assert_int_equal(history_stage_median(&history, WAKE_RESUME, STAGE_FIRST_SIGN), 4500);
    assert_int_equal(history_stage_median(&history, WAKE_RESUME, STAGE_DOCKER_UP), -1);
}

/* Without any of its own kind the other kind is the best guess; with one, its own alone counts. */
static void test_kinds(void **state)
{
    struct history history = {0};

    add(&history, WAKE_COLD, 60000);
    assert_int_equal(history_median(&history, WAKE_RESUME), 60000);
    add(&history, WAKE_RESUME, 5000);
    assert_int_equal(history_median(&history, WAKE_RESUME), 5000);
    assert_int_equal(history_median(&history, WAKE_COLD), 60000);
}

static void test_deadline(void **state)
{
    struct history history = {0};

    add(&history, WAKE_COLD, 60000);
    assert_int_equal(history_deadline(&history, WAKE_COLD, LEAST, MOST), 90000);
    add(&history, WAKE_COLD, 40000);
    assert_int_equal(history_deadline(&history, WAKE_COLD, LEAST, MOST), 90000);
    add(&history, WAKE_COLD, 170000);
    assert_int_equal(history_deadline(&history, WAKE_COLD, LEAST, MOST), MOST);
    add(&history, WAKE_RESUME, 4000);
    assert_int_equal(history_deadline(&history, WAKE_RESUME, LEAST, MOST), LEAST);
    assert_int_equal(history_deadline(&history, WAKE_RESUME, LEAST, 20000), 20000);
    add(&history, WAKE_RESUME, INT32_MAX);
    assert_int_equal(history_deadline(&history, WAKE_RESUME, LEAST, INT64_MAX),
                     (int64_t)INT32_MAX * 3 / 2);
}

static void test_only_the_last_count(void **state)
{
    struct history history = {0};

    add(&history, WAKE_COLD, 100000);
    for (int i = 0; i < HISTORY_MAX; i++)
        add(&history, WAKE_COLD, 40000);
    assert_int_equal(history_deadline(&history, WAKE_COLD, LEAST, MOST), 60000);
    assert_int_equal(history.kinds[WAKE_COLD].n, HISTORY_MAX);
}

static void test_amend_is_of_the_newest(void **state)
{
    struct history history = {0};

    history_amend(&history, WAKE_COLD, STAGE_DOCKER_UP, 1); /* nothing to amend */
    assert_int_equal(history.kinds[WAKE_COLD].n, 0);
    for (int i = 0; i < HISTORY_MAX; i++) /* the newest is the last place: its index wraps */
        add(&history, WAKE_COLD, 1000 * (i + 1));
    history_amend(&history, WAKE_COLD, STAGE_DOCKER_UP, 777);
    assert_int_equal(history_stage_median(&history, WAKE_COLD, STAGE_DOCKER_UP), 777);
    assert_int_equal(history.kinds[WAKE_COLD].boots[HISTORY_MAX - 1].stages[STAGE_DOCKER_UP], 777);
}

static void test_the_newest_moves(void **state)
{
    struct history history = {0};

    history_move(&history, WAKE_RESUME, WAKE_COLD); /* nothing to move */
    assert_int_equal(history.kinds[WAKE_COLD].n, 0);
    for (int i = 0; i <= HISTORY_MAX; i++) /* its index wraps */
        add(&history, WAKE_RESUME, 1000 * (i + 1));
    history_move(&history, WAKE_RESUME, WAKE_COLD);
    assert_int_equal(history_median(&history, WAKE_COLD), 1000 * (HISTORY_MAX + 1));
    assert_int_equal(history.kinds[WAKE_RESUME].n, HISTORY_MAX - 1);
    assert_int_equal(history_median(&history, WAKE_RESUME), 4500);
    add(&history, WAKE_RESUME, 500);
    assert_int_equal(history.kinds[WAKE_RESUME].n, HISTORY_MAX);
    assert_int_equal(history_median(&history, WAKE_RESUME), 4000);
}

static void test_names(void **state)
{
    static const char *const names[STAGES] = {
        "packet_sent",       "first_sign",        "agent_online", "docker_up",
        "container_present", "container_healthy", "site_answers"};

    for (unsigned i = 0; i < STAGES; i++)
        assert_string_equal(stage_name((enum stage)i), names[i]);
    assert_string_equal(wake_kind_name(WAKE_RESUME), "resume");
    assert_string_equal(wake_kind_name(WAKE_COLD), "cold_boot");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_known),
        cmocka_unit_test(test_median),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_only_the_last_count),
        cmocka_unit_test(test_amend_is_of_the_newest),
        cmocka_unit_test(test_the_newest_moves),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
