/* The small parsers: what they accept survives being written and read again. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/number.h"
#include "base/text.h"

#define YEAR_9999_END INT64_C(253402300799999)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_numbers(const char *text)
{
    int64_t value;
    int64_t again;
    char out[64];

    if (number_parse(text, -1000, 1000, &value) == 0)
        assert(value >= -1000 && value <= 1000);
    if (duration_parse(text, &value) == 0) {
        assert(value >= 0);
        assert(duration_parse(duration_format(value, out, sizeof out), &again) == 0);
        assert(again == value);
    }
    if (rfc3339_parse(text, &value) == 0 && value >= 0 && value <= YEAR_9999_END) {
        assert(rfc3339_parse(rfc3339_format(value, out), &again) == 0);
        assert(again == value - value % 1000);
    }
}

static void check_addresses(const char *text)
{
    uint8_t mac[6];
    uint8_t again[6];
    char out[MAC_TEXT_SIZE];
    struct in_addr v4;
    struct address address;
    char shown[ADDRESS_TEXT_SIZE];
    struct sockaddr_in endpoint;
    struct cidr range;

    if (text_parse_mac(text, mac) == 0) {
        assert(text_parse_mac(text_format_mac(mac, out), again) == 0);
        assert(memcmp(mac, again, sizeof mac) == 0);
    }
    if (text_parse_ipv4(text, &v4) == 0)
        assert(address_parse(text, &address) == 0 && address_is_v4(address));
    if (address_parse(text, &address) == 0) {
        struct address same = {{0}};
        assert(cidr_parse(text, &range) == 0 && cidr_contains(&range, address));
        assert(strlen(address_format_client(address_client(address), shown)) < sizeof shown);
        if (!address_is_none(address))
            assert(address_parse(address_format(address, shown), &same) == 0 &&
                   address_equal(address, same));
    }
    if (text_parse_endpoint(text, &endpoint) == 0)
        assert(endpoint.sin_family == AF_INET);
    if (cidr_parse(text, &range) == 0)
        assert(range.bits <= 128 && cidr_contains(&range, range.network));
}

static void check_copies(const char *text, const uint8_t *data, size_t size)
{
    char out[24];
    for (size_t room = 1; room <= sizeof out; room++) {
        text_show(out, room, (const char *)data, size);
        assert(strlen(out) < room && text_is_utf8(out, strlen(out)) && !text_has_control(out));
        text_copy(out, room, text);
        assert(strlen(out) < room && strncmp(out, text, strlen(out)) == 0);
        if (text_is_utf8(text, strlen(text)))
            assert(text_is_utf8(out, strlen(out)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    check_numbers(text);
    check_addresses(text);
    check_copies(text, data, size);
    text_is_slug(text);
    free(text);
    return 0;
}
