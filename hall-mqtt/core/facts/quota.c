#include "core/facts/quota.h"

#include "base/hash.h"

static uint32_t hash(enum quota_kind kind, int subject, uint32_t address)
{
    const uint32_t key[] = {(uint32_t)kind, (uint32_t)subject, address};

    return (uint32_t)hash_add(HASH_START, key, sizeof(key));
}

static bool is_key(const struct quota *quota, enum quota_kind kind, int subject, uint32_t address)
{
    return quota->used && quota->kind == kind && quota->subject == subject &&
           quota->address == address;
}

static size_t find(const struct quota_book *book, enum quota_kind kind, int subject,
                   uint32_t address)
{
    const uint32_t start = hash(kind, subject, address);

    for (uint32_t i = 0; i < QUOTA_REACH; i++)
        if (is_key(&book->slots[(start + i) % QUOTA_SLOTS], kind, subject, address))
            return (start + i) % QUOTA_SLOTS;
    return QUOTA_SLOTS;
}

/* How much is lost by forgetting this entry: nothing when it is free or of another day. */
static uint64_t worth(const struct quota *quota, int32_t day)
{
    if (!quota->used || quota->day != day)
        return 0;
    return 1 + (uint64_t)quota->awake_ms + (uint64_t)quota->wakes * 3600000;
}

static size_t least_worth(const struct quota_book *book, uint32_t start, int32_t day)
{
    size_t best = start % QUOTA_SLOTS;

    for (uint32_t i = 1; i < QUOTA_REACH; i++) {
        const size_t slot = (start + i) % QUOTA_SLOTS;

        if (worth(&book->slots[slot], day) < worth(&book->slots[best], day))
            best = slot;
    }
    return best;
}

struct quota *quota_open(struct quota_book *book, enum quota_kind kind, int subject,
                         uint32_t address, int32_t day)
{
    size_t slot = find(book, kind, subject, address);

    if (slot == QUOTA_SLOTS)
        slot = least_worth(book, hash(kind, subject, address), day);
    struct quota *quota = &book->slots[slot];
    if (!is_key(quota, kind, subject, address) || quota->day != day)
        *quota = (struct quota){
            .used = true, .kind = kind, .subject = subject, .address = address, .day = day};
    return quota;
}

const struct quota *quota_look(const struct quota_book *book, enum quota_kind kind, int subject,
                               uint32_t address, int32_t day)
{
    const size_t slot = find(book, kind, subject, address);

    if (slot == QUOTA_SLOTS || book->slots[slot].day != day)
        return NULL;
    return &book->slots[slot];
}

void quota_use(struct quota *quota, int64_t now, int64_t gap)
{
    if (quota->last_use > 0) {
        const int64_t since = now - quota->last_use;

        quota->awake_ms += since < gap ? since : gap;
    }
    quota->last_use = now;
}
