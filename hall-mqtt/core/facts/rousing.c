#include "core/facts/rousing.h"

#include <string.h>

enum {
    SOON = 180000,       /* ms after it fell asleep: its boot, and the slowest look, are within */
    REST_FIRST = 900000, /* ms until Hall proposes a sleep again, twice as long each time */
    REST_DOUBLINGS = 4,
    ROUNDS_MOST = 99,
};
_Static_assert(REST_FIRST << REST_DOUBLINGS == ROUSING_REST_MOST, "the last of them");

static bool was_soon(const struct rousing *rousing, int64_t now)
{
    return now - rousing->slept <= SOON;
}

void rousing_note_sleep(struct rousing *rousing, int64_t now)
{
    rousing->slept = now;
}

void rousing_note_wake(struct rousing *rousing, int64_t now)
{
    if (rousing->slept > 0 && !was_soon(rousing, now))
        rousing->rounds = 0;
    rousing->slept = 0;
}

bool rousing_note_life(struct rousing *rousing, int64_t now)
{
    const bool soon = rousing->slept > 0 && was_soon(rousing, now);

    rousing_note_wake(rousing, now);
    if (!soon)
        return false;
    if (rousing->rounds < ROUNDS_MOST)
        rousing->rounds++;
    if (!rousing_is_told(rousing))
        return false;
    const uint32_t more = rousing->rounds - ROUSING_TOLD;

    rousing->quiet = true;
    rousing->until = now + ((int64_t)REST_FIRST << (more < REST_DOUBLINGS ? more : REST_DOUBLINGS));
    return true;
}

bool rousing_hear(struct rousing *rousing, const char *letters)
{
    /* 's' asks for a password beside the magic packet, 'f' is a filter of its owner's. */
    const bool only_magic = strchr(letters, 'g') && letters[strspn(letters, "gsf")] == '\0';
    const bool had = rousing->quiet || rousing->rounds > 0;

    if (only_magic)
        *rousing = (struct rousing){.slept = rousing->slept};
    return only_magic && had;
}

bool rousing_is_told(const struct rousing *rousing)
{
    return rousing->rounds >= ROUSING_TOLD;
}
