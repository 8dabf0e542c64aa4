#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"
#include "bridges/wol/wol.h"
#include "unit.h"

static const uint8_t mac[6] = {0x02, 0x11, 0x22, 0x33, 0x44, 0x55};
static const uint8_t secureon[6] = {0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6};

/* The kernel seems to refuse SO_BINDTODEVICE, as it did to the unprivileged before Linux 5.7. */
static bool refuse_bindtodevice;

int setsockopt(int fd, int level, int option, const void *value, socklen_t length)
{
    if (refuse_bindtodevice && level == SOL_SOCKET && option == SO_BINDTODEVICE) {
        errno = EPERM;
        return -1;
    }
    return (int)syscall(SYS_setsockopt, fd, level, option, value, length);
}

static struct wol_target make_target(uint8_t secureon_length)
{
    struct wol_target target = {.secureon_length = secureon_length};
    memcpy(target.mac, mac, sizeof mac);
    memcpy(target.secureon, secureon, sizeof secureon);
    return target;
}

static void check_payload(const uint8_t *packet, size_t size, size_t secureon_length)
{
    assert_int_equal(size, 102 + secureon_length);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(packet[i], 0xff);
    for (size_t i = 0; i < 16; i++)
        assert_memory_equal(packet + 6 + 6 * i, mac, 6);
    assert_memory_equal(packet + 102, secureon, secureon_length);
}

static void test_packet_of_each_length(void **state)
{
    static const uint8_t lengths[] = {0, 4, 6};
    for (size_t i = 0; i < sizeof lengths; i++) {
        uint8_t packet[WOL_PACKET_MAX];
        const struct wol_target target = make_target(lengths[i]);
        size_t size = wol_packet(&target, packet);
        check_payload(packet, size, lengths[i]);
    }
}

static void test_packet_touches_nothing_behind_it(void **state)
{
    uint8_t packet[WOL_PACKET_MAX + 1];
    memset(packet, 0x77, sizeof packet);
    const struct wol_target target = make_target(4);
    assert_int_equal(wol_packet(&target, packet), 106);
    assert_int_equal(packet[106], 0x77);
    assert_int_equal(packet[107], 0x77);
}

/* A UDP socket on a free port of all addresses, which hears broadcasts too. */
static int listen_udp(uint16_t *ret_port)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in own = {.sin_family = AF_INET};
    socklen_t size = sizeof own;
    const struct timeval limit = {.tv_sec = 10};
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof own), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &size), 0);
    *ret_port = ntohs(own.sin_port);
    return fd;
}

static void send_and_hear(const char *to, const char *interface, uint8_t secureon_length)
{
    struct wol_target target = make_target(secureon_length);
    int fd = listen_udp(&target.port);
    target.broadcast.s_addr = inet_addr(to);
    target.interface = interface;
    assert_int_equal(wol_send(&target), 0);
    uint8_t packet[256];
    ssize_t size = recv(fd, packet, sizeof packet, 0);
    assert_true(size > 0);
    check_payload(packet, (size_t)size, secureon_length);
    (void)close(fd);
}

static void test_send_on_loopback(void **state)
{
    send_and_hear("127.0.0.1", NULL, 0);
    send_and_hear("127.255.255.255", NULL, 6);
    send_and_hear("127.255.255.255", "lo", 4);
}

static void test_send_without_bindtodevice(void **state)
{
    refuse_bindtodevice = true;
    send_and_hear("127.255.255.255", "lo", 6);
    refuse_bindtodevice = false;
}

static void test_no_such_interface(void **state)
{
    static const char *const names[] = {"", "no-such-if0", "a-name-longer-than-any-interface"};
    for (size_t refused = 0; refused < 2; refused++)
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
            struct wol_target target = make_target(0);
            target.broadcast.s_addr = inet_addr("127.255.255.255");
            target.port = 9;
            target.interface = names[i];
            refuse_bindtodevice = refused;
            int r = wol_send(&target);
            refuse_bindtodevice = false;
            assert_int_equal(r, -ENODEV);
        }
}

static void test_descriptors_are_closed(void **state)
{
    int before = dup(STDERR_FILENO);
    (void)close(before);
    send_and_hear("127.0.0.1", NULL, 0);
    struct wol_target target = make_target(0);
    target.interface = "no-such-if0";
    assert_int_equal(wol_send(&target), -ENODEV);
    int after = dup(STDERR_FILENO);
    (void)close(after);
    assert_int_equal(before, after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packet_of_each_length),
        cmocka_unit_test(test_packet_touches_nothing_behind_it),
        cmocka_unit_test(test_send_on_loopback),
        cmocka_unit_test(test_send_without_bindtodevice),
        cmocka_unit_test(test_no_such_interface),
        cmocka_unit_test(test_descriptors_are_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
