/* A message of the kernel's table of TCP sockets, and what a look makes of it. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "core/stream.h"
#include "loop/sockets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(const struct tcp_socket *socket)
{
    struct stream_peer peer = {.port = socket->remote_port};
    struct streams *streams = NULL;
    struct stream_use use;
    memcpy(&peer.address, &socket->remote.s6_addr[12], sizeof peer.address);
    const struct socket_seen seen = {.cookie = socket->id,
                                     .peer = peer,
                                     .received = socket->received,
                                     .sent = socket->sent,
                                     .quiet_in = (uint32_t)socket->quiet_in_ms,
                                     .quiet_out = (uint32_t)socket->quiet_out_ms};
    assert(streams_create(&peer, 1, &streams) == 0);
    for (int look = 1; look < 4; look++) {
        streams_begin(streams, INT64_C(5000) * look);
        assert(streams_see(streams, &seen) == 0);
        streams_end(streams);
        if (streams_use(streams, 0, (struct stream_terms){.idle = 60000, .silent = true}, &use))
            assert(use.until > INT64_C(5000) * look && !fact_is(&use.what, FACT_NONE));
    }
    streams_destroy(streams);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tcp_socket socket;
    if (sockets_read(data, size, &socket))
        judge(&socket);
    return 0;
}
