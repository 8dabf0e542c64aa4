#include "mqtt/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stddef.h>

bool address_is_numeric(const char *host)
{
    struct in6_addr address;
    return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

static const struct addrinfo *pick_turn(const struct addrinfo *found, unsigned turn)
{
    const struct addrinfo *pick = found;
    unsigned n = 1;
    for (; pick->ai_next; pick = pick->ai_next)
        n++;
    pick = found;
    for (unsigned i = turn % n; i > 0; i--)
        pick = pick->ai_next;
    return pick;
}

bool address_pick(const char *host, unsigned turn, char out[ADDRESS_SIZE])
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found;
    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return false;
    const struct addrinfo *pick = pick_turn(found, turn);
    bool named = getnameinfo(pick->ai_addr, pick->ai_addrlen, out, ADDRESS_SIZE, NULL, 0,
                             NI_NUMERICHOST) == 0;
    freeaddrinfo(found);
    return named;
}
