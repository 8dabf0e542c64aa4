#include "probe/stir.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

enum { BURST = 32, DISCARD_PORT = 9 };

void stir_pause(long ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&pause, NULL);
}

void stir(int fd, uint32_t first, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        /* To nobody's port, and empty: what counts is that the kernel must ask for the MAC. */
        const struct sockaddr_in to = {
            .sin_family = AF_INET, .sin_addr = {htonl(first + i)}, .sin_port = htons(DISCARD_PORT)};
        (void)sendto(fd, "", 0, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&to,
                     sizeof(to));
        if (i % BURST == BURST - 1)
            stir_pause(STIR_PAUSE_MS);
    }
}
