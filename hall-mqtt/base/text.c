#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

/* What RFC 3629 allows as the second byte behind this first one. */
static bool second_byte_fits(unsigned char first, unsigned char second)
{
    if (!is_continuation(second))
        return false;
    switch (first) {
    case 0xe0:
        return second >= 0xa0; /* overlong below */
    case 0xed:
        return second <= 0x9f; /* surrogates above */
    case 0xf0:
        return second >= 0x90; /* overlong below */
    case 0xf4:
        return second <= 0x8f; /* beyond U+10FFFF above */
    default:
        return true;
    }
}

size_t text_utf8_step(const char *bytes, size_t length)
{
    const unsigned char *at = (const unsigned char *)bytes;
    if (length == 0 || at[0] == 0)
        return 0;
    if (at[0] < 0x80)
        return 1;
    size_t needed = at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : at[0] < 0xf5 ? 4 : 0;
    if (needed == 0 || needed > length || !second_byte_fits(at[0], at[1]))
        return 0;
    for (size_t i = 2; i < needed; i++) {
        if (!is_continuation(at[i]))
            return 0;
    }
    return needed;
}

bool text_is_utf8(const char *bytes, size_t length)
{
    for (size_t step; length > 0; bytes += step, length -= step) {
        step = text_utf8_step(bytes, length);
        if (step == 0)
            return false;
    }
    return true;
}

bool text_is_slug(const char *text)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-");
    return length >= 1 && length <= SLUG_MAX && text[length] == '\0';
}

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

bool text_has_control(const char *text)
{
    for (; *text != '\0'; text++) {
        if (is_control(*text))
            return true;
    }
    return false;
}

bool text_equal(const char *a, const char *b)
{
    return !a || !b ? a == b : strcmp(a, b) == 0;
}

/* How many of the first `size` bytes can be kept without cutting a sequence in two. */
static size_t whole_sequences(const char *bytes, size_t size)
{
    size_t kept = size;
    while (kept > 0 && size - kept < 4 && is_continuation((unsigned char)bytes[kept]))
        kept--;
    return is_continuation((unsigned char)bytes[kept]) ? size : kept;
}

char *text_copy(char *target, size_t size, const char *source)
{
    if (size == 0)
        return target;
    size_t length = strnlen(source, size);
    if (length == size)
        length = whole_sequences(source, size - 1);
    memcpy(target, source, length);
    target[length] = '\0';
    return target;
}

/* U+2028 to U+202E end lines and turn the direction of what follows, U+2066 to U+2069 as well. */
static bool turns_text(const unsigned char *bytes)
{
    return bytes[0] == 0xe2 && ((bytes[1] == 0x80 && bytes[2] >= 0xa8 && bytes[2] <= 0xae) ||
                                (bytes[1] == 0x81 && bytes[2] >= 0xa6 && bytes[2] <= 0xa9));
}

/* C1 control characters (U+0080 to U+009F) steer terminals as well as the ASCII ones. */
static bool is_harmful(const char *bytes, size_t step)
{
    return step == 0 || (step == 1 && is_control(bytes[0])) ||
           (step == 2 && (unsigned char)bytes[0] == 0xc2 && (unsigned char)bytes[1] < 0xa0) ||
           (step == 3 && turns_text((const unsigned char *)bytes));
}

char *text_show(char *target, size_t size, const char *bytes, size_t length)
{
    size_t used = 0;
    size_t fits = 0; /* how much may stay where "..." must follow */

    if (size == 0)
        return target;
    while (length > 0) {
        size_t step = text_utf8_step(bytes, length);
        bool harmful = is_harmful(bytes, step);
        size_t width = harmful ? 1 : step;
        if (used + width >= size) {
            used = fits;
            snprintf(target + used, size - used, "...");
            return target;
        }
        memcpy(target + used, harmful ? "?" : bytes, width);
        used += width;
        if (used + sizeof "..." <= size)
            fits = used;
        step = step == 0 ? 1 : step;
        bytes += step;
        length -= step;
    }
    target[used] = '\0';
    return target;
}

int text_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int text_parse_mac(const char *text, uint8_t ret_mac[6])
{
    uint8_t mac[6];

    if (strnlen(text, MAC_TEXT_SIZE) != MAC_TEXT_SIZE - 1)
        return -EINVAL;
    for (size_t i = 0; i < 6; i++) {
        const char *at = text + 3 * i;
        int high = text_hex_digit(at[0]);
        int low = text_hex_digit(at[1]);
        if (high < 0 || low < 0)
            return -EINVAL;
        if (i < 5 && ((at[2] != ':' && at[2] != '-') || at[2] != text[2]))
            return -EINVAL;
        mac[i] = (uint8_t)(high << 4 | low);
    }
    memcpy(ret_mac, mac, sizeof(mac));
    return 0;
}

char *text_format_mac(const uint8_t mac[6], char out[MAC_TEXT_SIZE])
{
    snprintf(out, MAC_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
             mac[4], mac[5]);
    return out;
}

int text_parse_ipv4(const char *text, struct in_addr *ret_address)
{
    struct in_addr address;
    if (inet_pton(AF_INET, text, &address) != 1)
        return -EINVAL;
    *ret_address = address;
    return 0;
}

/* The address in front of `separator`, and what is behind it (NULL where it is missing). */
static int parse_address_before(const char *text, char separator, struct in_addr *ret_address,
                                const char **ret_rest)
{
    char address[INET_ADDRSTRLEN];
    const char *at = strchr(text, separator);
    size_t length = at ? (size_t)(at - text) : strlen(text);
    if (length >= sizeof(address))
        return -EINVAL;
    memcpy(address, text, length);
    address[length] = '\0';
    *ret_rest = at ? at + 1 : NULL;
    return text_parse_ipv4(address, ret_address);
}

int text_parse_endpoint(const char *text, struct sockaddr_in *ret_address)
{
    struct in_addr address;
    const char *rest;
    int64_t port;

    if (parse_address_before(text, ':', &address, &rest) < 0 || !rest || strlen(rest) > 5 ||
        number_parse(rest, 0, UINT16_MAX, &port) < 0)
        return -EINVAL;
    *ret_address = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = address};
    return 0;
}
