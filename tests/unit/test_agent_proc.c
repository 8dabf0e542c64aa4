/* The texts of /proc, as they are and as nobody wants them. */
#include <string.h>

#include "bridges/agent/watch/proc.h"
#include "unit.h"

static void test_load_and_uptime(void **state)
{
    double load = 0;
    int64_t seconds = 0;
    assert_true(proc_read_load("2.05 1.50 0.99 3/512 12345\n", &load));
    assert_true(load > 2.04 && load < 2.06);
    assert_true(proc_read_uptime("356190.77 1411300.52\n", &seconds));
    assert_int_equal(seconds, 356190);
    assert_false(proc_read_load("", &load));
    assert_false(proc_read_load("nan 1 1\n", &load));
    assert_false(proc_read_load("-1 1 1\n", &load));
    assert_false(proc_read_load("1e400 1 1\n", &load));
    assert_false(proc_read_load("1,5 1 1\n", &load));
    assert_false(proc_read_uptime("99999999999999999999999 1\n", &seconds));
}

static void test_memory(void **state)
{
    struct proc_memory memory = {0};
    assert_true(proc_read_memory(
        "MemTotal:        8048024 kB\nMemFree: 1 kB\nMemAvailable:    6144000 kB\n", &memory));
    assert_int_equal(memory.total_mb, 7859);
    assert_int_equal(memory.available_mb, 6000);
    assert_false(proc_read_memory("MemTotal: 8048024 kB\n", &memory));
    assert_false(proc_read_memory("MemTotal: -5 kB\nMemAvailable: 1 kB\n", &memory));
    assert_false(
        proc_read_memory("MemTotal: 99999999999999999999999 kB\nMemAvailable: 1 kB\n", &memory));
    assert_false(proc_read_memory("MemTotal:\nMemAvailable: 1 kB", &memory));
    assert_false(proc_read_memory("", &memory));
}

static const char net_dev[] =
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop "
    "fifo colls carrier "
    "compressed\n"
    "    lo: 9000000   10    0    0    0     0          0         0  9000000   10    0    0    0   "
    "  0       0          0\n"
    "  eno1:1000       2    0    0    0     0          0         0      200    1    0    0    0    "
    " 0       0          0\n"
    "  eno2: 30       2    0    0    0     0          0         0      4    1    0    0    0     0 "
    "      0          0\n";

static void test_traffic(void **state)
{
    uint64_t bytes = 0;
    assert_true(proc_read_traffic(net_dev, "eno1", &bytes));
    assert_int_equal(bytes, 1200);
    assert_true(proc_read_traffic(net_dev, NULL, &bytes));
    assert_int_equal(bytes, 1234);
    assert_true(proc_read_traffic(net_dev, "lo", &bytes));
    assert_false(proc_read_traffic(net_dev, "eno", &bytes));
    assert_false(proc_read_traffic("  eno1: 1 2 3\n", "eno1", &bytes));
    assert_false(proc_read_traffic("  eno1: -1 2 3 4 5 6 7 8 9 10\n", "eno1", &bytes));
    assert_false(proc_read_traffic("  eno1: 99999999999999999999999999 2 3 4 5 6 7 8 9 10\n",
                                   "eno1", &bytes));
    assert_false(proc_read_traffic("", NULL, &bytes));
    assert_false(proc_read_traffic(":::::\n:\n\n\n", NULL, &bytes));
}

static void test_default_interface(void **state)
{
    char interface[IF_NAMESIZE] = "";
    assert_true(proc_read_default_interface(
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
        "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
        "eno1\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
        "eno1\t0001A8C0\t00000000\t0001\t0\t0\t1\t00FFFFFF\t0\t0\t0\n",
        interface));
    assert_string_equal(interface, "eno1");
    assert_false(proc_read_default_interface("eno1\t00000000\t0101A8C0\n", interface));
    assert_false(proc_read_default_interface(
        "averyveryverylongname\t00000000\t0\t3\t0\t0\t1\t00000000\n", interface));
    assert_false(proc_read_default_interface("", interface));
}

static void test_ticks(void **state)
{
    struct proc_ticks ticks = {0};
    assert_true(
        proc_read_ticks("cpu  1 20 300 4000 50000 600000 7000000 80 900 1000\ncpu0 1\n", &ticks));
    assert_int_equal(ticks.busy, 7600321);
    assert_int_equal(ticks.all, 7654321);
    assert_false(proc_read_ticks("cpu0 1 20 300 4000 50000 600000 7000000\n", &ticks));
    assert_false(proc_read_ticks("cpu  1 20 300 4000 50000 600000\n", &ticks));
    assert_false(proc_read_ticks("cpu  1 20 -3 4000 50000 600000 7000000\n", &ticks));
    assert_false(proc_read_ticks("cpu", &ticks));
    assert_false(proc_read_ticks("", &ticks));
}

static void test_locks(void **state)
{
    struct proc_lock lock = {0};
    assert_true(proc_read_lock("1: POSIX  ADVISORY  WRITE 1234 fe:1F:131090 0 EOF\n", &lock));
    assert_int_equal(lock.major, 0xfe);
    assert_int_equal(lock.minor, 0x1f);
    assert_int_equal(lock.inode, 131090);
    assert_true(proc_read_lock("12: OFDLCK ADVISORY  READ -1 00:2a:7 0 EOF\n", &lock));
    assert_false(proc_read_lock("1: -> POSIX  ADVISORY  WRITE 1234 08:01:131090 0 EOF\n", &lock));
    assert_false(proc_read_lock("1: POSIX  ADVISORY  WRITE 1234 08:01 0 EOF\n", &lock));
    assert_false(proc_read_lock("1: POSIX  ADVISORY  WRITE 1234 zz:01:1 0 EOF\n", &lock));
    assert_false(proc_read_lock("1: POSIX ADVISORY WRITE 1 fffffffff:01:1 0 EOF\n", &lock));
    assert_false(proc_read_lock("1: POSIX ADVISORY WRITE 1 08:01:99999999999999999999 0\n", &lock));
    assert_false(proc_read_lock("1: LEASE  ACTIVE    READ 5 <none>:0 0 EOF\n", &lock));
    assert_false(proc_read_lock("", &lock));
}

static void test_disks(void **state)
{
    uint64_t bytes = 0;
    assert_true(proc_read_disks("   8       0 sda 100 0 10 9 50 0 20 7 0 0 0\n"
                                "   8       1 sda1 100 0 10 9 50 0 20 7 0 0 0\n"
                                " 259       0 nvme0n1 1 0 100 1 1 0 200 1 0 0 0\n"
                                " 259       1 nvme0n1p1 1 0 100 1 1 0 200 1 0 0 0\n"
                                " 259       2 nvme0n10 1 0 1000 1 1 0 2000 1 0 0 0\n"
                                "   7       0 loop0 1 0 100 1 1 0 200 1 0 0 0\n"
                                " 253       0 dm-0 1 0 100 1 1 0 200 1 0 0 0\n"
                                "   9       0 md0 1 0 100 1 1 0 200 1 0 0 0\n",
                                &bytes));
    assert_int_equal(bytes, (30 + 300) * 512);
    assert_false(proc_read_disks("", &bytes));
    assert_false(proc_read_disks("8 0 sda 1 2 3\n", &bytes));
    assert_false(proc_read_disks("8 0 sda 100 0 9223372036854775000 9 50 0 20 7\n", &bytes));
}

static void test_names(void **state)
{
    char comm[PROC_COMM_SIZE] = "";
    char id[37] = "";
    assert_true(proc_read_comm("rsync\n", comm));
    assert_string_equal(comm, "rsync");
    assert_true(proc_read_comm("a name (of) two", comm));
    assert_false(proc_read_comm("\n", comm));
    assert_false(proc_read_comm("sixteen-letters-x\n", comm));
    assert_true(proc_is_named("packagekit-back", "packagekit-backend"));
    assert_false(proc_is_named("rsync", "rsyncd"));
    assert_true(proc_read_boot_id("2f3c5f0e-0d33-4a5e-9a5e-2f8cbbf1a3d1\n", id));
    assert_string_equal(id, "2f3c5f0e-0d33-4a5e-9a5e-2f8cbbf1a3d1");
    assert_false(proc_read_boot_id("2f3c5f0e-0d33-4a5e-9a5e-2f8cbbf1a3d1x", id));
    assert_false(proc_read_boot_id("", id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_and_uptime), cmocka_unit_test(test_memory),
        cmocka_unit_test(test_traffic),         cmocka_unit_test(test_default_interface),
        cmocka_unit_test(test_ticks),           cmocka_unit_test(test_locks),
        cmocka_unit_test(test_disks),           cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
