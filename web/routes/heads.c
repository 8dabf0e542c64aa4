#include "web/routes/heads.h"

#include <string.h>

#include "base/hash.h"

enum { UNIT_MS = 16, TIME_BITS = 24 };
static const uint64_t time_mask = (UINT64_C(1) << TIME_BITS) - 1;

static uint64_t add_text(uint64_t hash, const char *text)
{
    return hash_add(hash, text, strlen(text) + 1);
}

/* Who asks which host, never 0 in the upper bits. */
static uint64_t client_number(const struct request *request)
{
    const char *agent = request->fields[FIELD_USER_AGENT];
    uint64_t hash = add_text(HASH_START, request->who);
    hash = add_text(hash, agent ? agent : "");
    return add_text(hash, request->host) | UINT64_C(1) << TIME_BITS;
}

static uint64_t age(uint64_t seen, uint64_t time)
{
    return (time - seen) & time_mask;
}

static void note(_Atomic uint64_t *set, uint64_t number, uint64_t time)
{
    size_t place = 0;
    for (size_t i = 0; i < HEADS_WAYS; i++) {
        uint64_t seen = atomic_load(&set[i]);
        if (seen == 0 || (seen & ~time_mask) == (number & ~time_mask)) {
            place = i;
            break;
        }
        if (age(seen, time) > age(atomic_load(&set[place]), time))
            place = i;
    }
    atomic_store(&set[place], (number & ~time_mask) | time);
}

bool heads_follow(struct heads *heads, const struct request *request, int64_t now)
{
    const bool is_head = strcmp(request->method, "HEAD") == 0;
    if (!is_head && !atomic_load_explicit(&heads->any, memory_order_relaxed))
        return false;
    const uint64_t number = client_number(request);
    const uint64_t time = (uint64_t)now / UNIT_MS & time_mask;
    _Atomic uint64_t *set = heads->seen[number % HEADS_SETS];

    if (is_head) {
        note(set, number, time);
        atomic_store(&heads->any, true);
        return false;
    }
    for (size_t i = 0; i < HEADS_WAYS; i++) {
        uint64_t seen = atomic_load(&set[i]);
        if ((seen & ~time_mask) == (number & ~time_mask) && age(seen, time) <= HEADS_MS / UNIT_MS)
            return true;
    }
    return false;
}
