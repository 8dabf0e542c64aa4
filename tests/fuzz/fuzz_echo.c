/* A packet as the ICMP socket gives it: only an answer with the bytes of a request of ours is one.
 */
#include <assert.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include "probe/echo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t slot;
    uint64_t nonce;
    if (echo_read(data, size, &slot, &nonce) && slot <= UINT16_MAX) {
        uint8_t again[ECHO_SIZE];
        assert(data[0] == ICMP_ECHOREPLY);
        echo_write((uint16_t)slot, nonce, again);
        assert(again[0] == ICMP_ECHO && !echo_read(again, sizeof again, &slot, &nonce));
        again[0] = ICMP_ECHOREPLY;
        uint32_t same_slot;
        uint64_t same_nonce;
        assert(echo_read(again, sizeof again, &same_slot, &same_nonce));
        assert(same_slot == slot && same_nonce == nonce);
    }
    return 0;
}
