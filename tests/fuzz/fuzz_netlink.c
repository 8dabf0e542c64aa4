/* A datagram of the kernel, as each of its readers takes the messages in it. */
#include <assert.h>
#include <string.h>

#include "bridges/agent/watch/forwarded.h"
#include "bridges/agent/watch/link.h"
#include "loop/netlink.h"
#include "loop/sockets.h"
#include "probe/neighbour.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    const uint8_t *begin;
    size_t size, messages;
};

static void read_attributes(const void *body, size_t size)
{
    for (uint16_t type = 0; type < 64; type++) {
        size_t length = 0;
        const char *found = netlink_attribute(body, size, type, type % 9, &length);
        assert(!found || (length >= type % 9 && found >= (const char *)body &&
                          found + length <= (const char *)body + size));
    }
}

static bool take(void *context, uint16_t type, const void *body, size_t size)
{
    struct seen *seen = context;
    const uint8_t *at = body;
    struct neighbour neighbour;
    struct link link;
    struct tcp_socket socket;
    struct forwarded_flow flow;
    assert(at >= seen->begin && at + size <= seen->begin + seen->size);
    read_attributes(body, size);
    (void)neighbour_read(type, body, size, &neighbour);
    if (link_read(type, body, size, &link))
        assert(link.name[0] != '\0' && strnlen(link.name, sizeof link.name) < sizeof link.name &&
               strnlen(link.kind, sizeof link.kind) < sizeof link.kind);
    (void)sockets_read(body, size, &socket);
    if (forwarded_read(body, size, &flow))
        assert(flow.bytes >= 0 && flow.timeout_s >= -1);
    seen->messages++;
    return seen->messages < 100;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen seen = {.begin = data, .size = size};
    uint32_t sequence = 1;
    int error = 1;
    bool over = netlink_walk(data, size, sequence, take, &seen, &error);
    assert(over ? error <= 0 : error == 1);
    assert(seen.messages <= 100 && seen.messages * sizeof(struct nlmsghdr) <= size);
    return 0;
}
