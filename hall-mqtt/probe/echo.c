#include "probe/echo.h"

#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>

struct message {
    struct icmphdr header;
    uint32_t slot;
    uint32_t zero;
    uint64_t nonce;
};
_Static_assert(sizeof(struct message) == ECHO_SIZE, "without gaps");

void echo_write(uint16_t slot, uint64_t nonce, uint8_t out[ECHO_SIZE])
{
    const struct message message = {
        .header = {.type = ICMP_ECHO, .un.echo.sequence = htons(slot)},
        .slot = slot,
        .nonce = nonce,
    };
    memcpy(out, &message, sizeof(message));
}

bool echo_read(const void *bytes, size_t size, uint32_t *ret_slot, uint64_t *ret_nonce)
{
    struct message message;
    if (size != sizeof(message))
        return false;
    memcpy(&message, bytes, sizeof(message));
    *ret_slot = message.slot;
    *ret_nonce = message.nonce;
    return message.header.type == ICMP_ECHOREPLY;
}
