#include "core/facts/macs.h"

#include <string.h>

enum {
    TURN_MOST = 30000, /* ms: changes farther apart are those of one machine */
    TURNS_ENOUGH = 3,  /* there, back, and there again */
};

_Static_assert(MACS_MAX <= 8, "a bit for each in told");

static unsigned place_of(const struct macs *macs, const uint8_t mac[MAC_SIZE])
{
    unsigned i = 0;

    while (i < macs->n && memcmp(macs->list[i], mac, MAC_SIZE) != 0)
        i++;
    return i;
}

bool macs_have(const struct macs *macs, const uint8_t mac[MAC_SIZE])
{
    return place_of(macs, mac) < macs->n;
}

bool macs_are_told(const struct macs *macs, const uint8_t mac[MAC_SIZE])
{
    const unsigned place = place_of(macs, mac);

    return place < macs->n && (macs->told >> place & 1) != 0;
}

void macs_learn(struct macs *macs, const uint8_t mac[MAC_SIZE], bool told)
{
    unsigned place = place_of(macs, mac);

    if (place == macs->n)
        macs->learned++;
    told |= place < macs->n && (macs->told >> place & 1) != 0;
    if (place == macs->n && macs->n < MACS_MAX)
        macs->n++;
    else if (place == macs->n)
        place--; /* the oldest */
    const unsigned behind = ~0U << (place + 1), before = (1U << place) - 1;
    macs->told = (uint8_t)((macs->told & behind) | (macs->told & before) << 1 | told);
    memmove(macs->list[1], macs->list[0], (size_t)place * MAC_SIZE);
    memcpy(macs->list[0], mac, MAC_SIZE);
}

void macs_forget_told(struct macs *macs)
{
    macs->told = 0;
}

void macs_hear(struct macs *macs, const uint8_t mac[MAC_SIZE], int64_t now)
{
    static const uint8_t none[MAC_SIZE];
    const bool known = memcmp(macs->heard[0], none, MAC_SIZE) != 0;

    if (now - macs->turned > TURN_MOST)
        macs->turns = 0;
    if (memcmp(macs->heard[0], mac, MAC_SIZE) == 0)
        return;
    memcpy(macs->heard[1], macs->heard[0], MAC_SIZE);
    memcpy(macs->heard[0], mac, MAC_SIZE);
    if (!known)
        return;
    macs->turned = now;
    if (macs->turns < TURNS_ENOUGH)
        macs->turns++;
}

bool macs_alternate(const struct macs *macs)
{
    return macs->turns == TURNS_ENOUGH;
}
