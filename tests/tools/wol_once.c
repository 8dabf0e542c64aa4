/*
 * wol_once: sends one magic packet by wol_send, for tests on the wire.
 *
 *   wol_once [--no-bindtodevice] MAC BROADCAST PORT INTERFACE|- SECUREON|-
 *
 * SECUREON is 8 or 12 hexadecimal digits. With --no-bindtodevice the kernel seems to refuse
 * SO_BINDTODEVICE, as it did to the unprivileged before Linux 5.7. Prints the result (0 or -errno).
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/number.h"
#include "base/text.h"
#include "bridges/wol/wol.h"

static bool refuse_bindtodevice;

/* Stands in front of libc's: the sender is linked to this one. */
int setsockopt(int fd, int level, int option, const void *value, socklen_t length)
{
    if (refuse_bindtodevice && level == SOL_SOCKET && option == SO_BINDTODEVICE) {
        errno = EPERM;
        return -1;
    }
    return (int)syscall(SYS_setsockopt, fd, level, option, value, length);
}

static bool read_secureon(const char *text, struct wol_target *target)
{
    size_t digits = strcmp(text, "-") == 0 ? 0 : strlen(text);
    if (digits != 0 && digits != 8 && digits != 12)
        return false;
    target->secureon_length = (uint8_t)(digits / 2);
    for (size_t i = 0; i < target->secureon_length; i++) {
        const char pair[3] = {text[2 * i], text[2 * i + 1], '\0'};
        char *end;
        target->secureon[i] = (uint8_t)strtoul(pair, &end, 16);
        if (*end)
            return false;
    }
    return true;
}

static bool read_target(char **arguments, struct wol_target *target)
{
    int64_t port;
    if (text_parse_mac(arguments[0], target->mac) < 0 ||
        text_parse_ipv4(arguments[1], &target->broadcast) < 0 ||
        number_parse(arguments[2], 0, UINT16_MAX, &port) < 0)
        return false;
    target->port = (uint16_t)port;
    target->interface = strcmp(arguments[3], "-") == 0 ? NULL : arguments[3];
    return read_secureon(arguments[4], target);
}

int main(int argc, char **argv)
{
    refuse_bindtodevice = argc > 1 && strcmp(argv[1], "--no-bindtodevice") == 0;
    int first = refuse_bindtodevice ? 2 : 1;
    struct wol_target target = {0};
    if (argc - first != 5 || !read_target(argv + first, &target)) {
        (void)fprintf(stderr, "usage: wol_once [--no-bindtodevice] MAC BROADCAST PORT INTERFACE|- "
                              "SECUREON|-\n");
        return 2;
    }
    int r = wol_send(&target);
    (void)printf("%d\n", r);
    return r < 0;
}
