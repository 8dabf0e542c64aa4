/* What a machine does as a whole: traffic, disks, processors, load, each read where the kernel
 * tells it, each from its limit on. */
#include <sys/sysinfo.h>

#include "base/clock.h"
#include "machine_fixture.h"

enum { AGO = 10000, LIMIT = 1000 };

static const char net_dev[] =
    "Inter-|   Receive                                                |  Transmit\n"
    "  eno1: 600000 1 0 0 0 0 0 0 400000 1 0 0 0 0 0 0\n"
    "  eno2: 90000000 1 0 0 0 0 0 0 90000000 1 0 0 0 0 0 0\n";

/* It showed so much less AGO ms before. */
static void was(struct meter *meter, uint64_t counter, uint64_t less)
{
    *meter = (struct meter){.n = 1,
                            .marks = {{.at = clock_now().boot - AGO, .counter = counter - less}}};
}

/* The machine that runs this test may stand still for a moment. */
static void expect_rate(double value, double rate)
{
    assert_true(value > rate * 0.5 && value <= rate);
}

static void expect_unreadable(const struct veto_check *check, const char *file)
{
    look(check);
    assert_int_equal(vetoes.n, 1);
    assert_true(fact_is(&vetoes.list[0], FACT_VETO_UNKNOWN));
    assert_string_equal(fact_text(&vetoes.list[0], 0, 0), check->name);
    assert_int_equal(vetoes.list[0].parts[1].code, FACT_LOOK_UNREADABLE);
    assert_string_equal(fact_text(&vetoes.list[0], 1, 0), file);
}

static void expect_veto(const struct veto_check *check, enum fact_code code)
{
    look(check);
    assert_int_equal(vetoes.n, 1);
    assert_true(fact_is(&vetoes.list[0], code));
}

static void test_traffic(void **state)
{
    config.network = LIMIT;
    config.sustained = 15000;
    text_copy(watch->sight.interface, sizeof(watch->sight.interface), "eno1");
    expect_unreadable(&veto_network, "/proc/net/dev");
    put("/proc/net/dev", net_dev);
    was(&watch->network, 1000000, 2 * LIMIT * AGO / 1000);
    expect_veto(&veto_network, FACT_VETO_NETWORK);
    expect_rate(watch->sight.sample.network.value, 2 * LIMIT);
    was(&watch->network, 1000000, LIMIT * AGO / 2000);
    expect(&veto_network, "");
    expect_rate(watch->sight.sample.network.value, (double)LIMIT / 2);
    watch->sight.interface[0] = '\0'; /* all of them */
    was(&watch->network, 181000000, 2 * LIMIT * AGO / 1000);
    expect_veto(&veto_network, FACT_VETO_NETWORK);
    put("/proc/net/dev", "nothing of the kind\n");
    expect_unreadable(&veto_network, "/proc/net/dev");
}

static void test_disks(void **state)
{
    const uint64_t bytes = 30000 * UINT64_C(512);

    config.disk = LIMIT;
    config.sustained = 15000;
    expect_unreadable(&veto_disk, "/proc/diskstats");
    put("/proc/diskstats", "   8       0 sda 100 0 10000 9 50 0 20000 7 0 0 0\n");
    was(&watch->disk, bytes, 2 * LIMIT * AGO / 1000);
    expect_veto(&veto_disk, FACT_VETO_DISK);
    expect_rate(watch->sight.sample.disk.value, 2 * LIMIT);
    was(&watch->disk, bytes, LIMIT * AGO / 2000);
    expect(&veto_disk, "");
    put("/proc/diskstats", "8 0 sda 1 2 3\n");
    expect_unreadable(&veto_disk, "/proc/diskstats");
}

static void test_load(void **state)
{
    config.load = 2;
    expect_unreadable(&veto_load, "/proc/loadavg");
    put("/proc/loadavg", "2.00 0.50 0.10 3/512 12345\n");
    expect_veto(&veto_load, FACT_VETO_LOAD);
    put("/proc/loadavg", "1.99 2.50 2.10 3/512 12345\n");
    expect(&veto_load, "");
    put("/proc/loadavg", "nan\n");
    expect_unreadable(&veto_load, "/proc/loadavg");
    assert_true(watch->sight.sample.load.value < 0);
}

/* Ten seconds have passed, and one processor was busy for this many hundredths. */
static void was_busy(unsigned hundredths)
{
    const uint64_t a_second = (uint64_t)sysconf(_SC_CLK_TCK), n = (uint64_t)get_nprocs();
    const uint64_t work = 10 * a_second * hundredths / 100;
    char text[128];

    snprintf(text, sizeof text, "cpu  %llu 0 0 %llu 0 0 0 0 0 0\n", (unsigned long long)work,
             (unsigned long long)(10 * a_second * n - work));
    put("/proc/stat", text);
    watch->processor = (struct meter){.n = 1};
}

static void test_processors(void **state)
{
    config.processor = 0.5;
    config.sustained = 15000;
    expect_unreadable(&veto_processor, "/proc/stat");
    was_busy(70);
    expect_veto(&veto_processor, FACT_VETO_PROCESSOR);
    assert_int_equal(vetoes.list[0].parts[0].n[0], 70);
    assert_int_equal(vetoes.list[0].parts[0].n[1], 50);
    was_busy(50);
    expect_veto(&veto_processor, FACT_VETO_PROCESSOR);
    was_busy(48);
    expect(&veto_processor, "");
    put("/proc/stat", "cpu0 1 2 3\n");
    expect_unreadable(&veto_processor, "/proc/stat");
    put("/proc/stat", "");
    expect_unreadable(&veto_processor, "/proc/stat");
}

/* In the report they are not; the load is. */
static void test_what_is_in_the_report(void **state)
{
    assert_true(veto_load.reported);
    assert_false(veto_network.reported || veto_disk.reported || veto_processor.reported);
    assert_false(veto_execs.reported || veto_shares.reported);
    for (size_t i = 0; i < VETO_CHECKS; i++)
        assert_true(!veto_checks[i]->counts || !veto_checks[i]->counts(&config));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHECK(test_traffic),
        CHECK(test_disks),
        CHECK(test_load),
        CHECK(test_processors),
        CHECK(test_what_is_in_the_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
