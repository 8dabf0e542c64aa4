#include "base/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

enum { V4_BITS = 96, CLIENT_BITS = 64 };

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct address address_v4(struct in_addr v4)
{
    struct address address;
    memcpy(address.bytes, mapped, sizeof(mapped));
    memcpy(&address.bytes[sizeof(mapped)], &v4.s_addr, sizeof(v4.s_addr));
    return address;
}

bool address_is_v4(struct address address)
{
    return memcmp(address.bytes, mapped, sizeof(mapped)) == 0;
}

struct in_addr address_to_v4(struct address address)
{
    struct in_addr v4;
    memcpy(&v4.s_addr, &address.bytes[sizeof(mapped)], sizeof(v4.s_addr));
    return v4;
}

bool address_is_none(struct address address)
{
    return address_equal(address, (struct address){{0}});
}

bool address_equal(struct address a, struct address b)
{
    return memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
}

int address_parse(const char *text, struct address *ret_address)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (inet_pton(AF_INET, text, &v4) == 1) {
        *ret_address = address_v4(v4);
        return 0;
    }
    if (inet_pton(AF_INET6, text, &v6) != 1)
        return -EINVAL;
    if (IN6_IS_ADDR_LOOPBACK(&v6))
        *ret_address = address_v4((struct in_addr){htonl(INADDR_LOOPBACK)});
    else
        memcpy(ret_address->bytes, v6.s6_addr, sizeof(ret_address->bytes));
    return 0;
}

/* Dotted IPv4, as each question of a proxy has it: inet_ntop() goes through printf(). */
static void format_v4(const uint8_t bytes[4], char *at)
{
    for (int i = 0; i < 4; i++) {
        if (bytes[i] >= 100)
            *at++ = (char)('0' + bytes[i] / 100);
        if (bytes[i] >= 10)
            *at++ = (char)('0' + bytes[i] / 10 % 10);
        *at++ = (char)('0' + bytes[i] % 10);
        *at++ = i < 3 ? '.' : '\0';
    }
}

char *address_format(struct address address, char out[ADDRESS_TEXT_SIZE])
{
    out[0] = '\0';
    if (address_is_v4(address))
        format_v4(&address.bytes[sizeof(mapped)], out);
    else if (!address_is_none(address))
        inet_ntop(AF_INET6, address.bytes, out, ADDRESS_TEXT_SIZE);
    return out;
}

struct address address_client(struct address address)
{
    if (!address_is_v4(address))
        memset(&address.bytes[CLIENT_BITS / 8], 0, sizeof(address.bytes) - CLIENT_BITS / 8);
    return address;
}

char *address_format_client(struct address client, char out[ADDRESS_TEXT_SIZE])
{
    address_format(address_client(client), out);
    const size_t length = strlen(out);
    if (length > 0 && !address_is_v4(client))
        snprintf(out + length, ADDRESS_TEXT_SIZE - length, "/%d", CLIENT_BITS);
    return out;
}

/* Is everything behind the first bits zero? */
static bool ends_with_zeros(struct address address, unsigned bits)
{
    for (unsigned bit = bits; bit < 128; bit++) {
        if ((address.bytes[bit / 8] >> (7 - bit % 8) & 1) != 0)
            return false;
    }
    return true;
}

static bool parse_bits(const char *text, int64_t most, int64_t *ret_bits)
{
    const bool padded = text[0] == '0' && text[1] != '\0';
    return !padded && strlen(text) <= 3 && number_parse(text, 0, most, ret_bits) == 0;
}

int cidr_parse(const char *text, struct cidr *ret_range)
{
    char address[INET6_ADDRSTRLEN];
    const size_t length = strcspn(text, "/");
    const unsigned before = memchr(text, ':', length) ? 0 : V4_BITS;
    struct cidr range;
    int64_t bits = 128 - before;

    if (length >= sizeof(address))
        return -EINVAL;
    memcpy(address, text, length);
    address[length] = '\0';
    if (address_parse(address, &range.network) < 0)
        return -EINVAL;
    if (text[length] == '/' && !parse_bits(text + length + 1, bits, &bits))
        return -EINVAL;
    range.bits = (uint8_t)(before + (unsigned)bits);
    if (!ends_with_zeros(range.network, range.bits))
        return -EINVAL;
    if (bits == 0)
        range = (struct cidr){.bits = 0}; /* 0.0.0.0/0 */
    *ret_range = range;
    return 0;
}

bool cidr_contains(const struct cidr *range, struct address address)
{
    const unsigned whole = range->bits / 8, rest = range->bits % 8;

    return memcmp(range->network.bytes, address.bytes, whole) == 0 &&
           (rest == 0 || (range->network.bytes[whole] ^ address.bytes[whole]) >> (8 - rest) == 0);
}

char *cidr_format(const struct cidr *range, char out[ADDRESS_TEXT_SIZE])
{
    const bool v4 = range->bits >= V4_BITS && address_is_v4(range->network);

    inet_ntop(v4 ? AF_INET : AF_INET6, &range->network.bytes[v4 ? sizeof(mapped) : 0], out,
              INET6_ADDRSTRLEN);
    snprintf(out + strlen(out), 5, "/%d", range->bits - (v4 ? V4_BITS : 0));
    return out;
}

bool cidr_is_everyone(const struct cidr *range)
{
    return range->bits == 0;
}
