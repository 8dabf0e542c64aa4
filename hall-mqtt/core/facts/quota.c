#include "core/facts/quota.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"

static uint32_t hash(enum quota_kind kind, int subject, struct address address)
{
    const uint32_t key[] = {(uint32_t)kind, (uint32_t)subject};
    const uint64_t begun = hash_add(HASH_START, key, sizeof(key));

    return (uint32_t)hash_add(begun, address.bytes, sizeof(address.bytes));
}

static bool is_key(const struct quota *quota, enum quota_kind kind, int subject,
                   struct address address)
{
    return quota->used && quota->kind == kind && quota->subject == subject &&
           address_equal(quota->address, address);
}

static size_t find(const struct quota_book *book, enum quota_kind kind, int subject,
                   struct address address)
{
    const uint32_t start = hash(kind, subject, address);

    for (uint32_t i = 0; i < QUOTA_REACH; i++)
        if (is_key(&book->slots[(start + i) % book->size], kind, subject, address))
            return (start + i) % book->size;
    return book->size;
}

/* How much is lost by forgetting this entry: nothing when it is free or of another day. */
static uint64_t worth(const struct quota *quota, int32_t day)
{
    if (!quota->used || quota->day != day)
        return 0;
    if (quota->kind == QUOTA_PROJECT)
        return UINT64_MAX; /* only those configured have one */
    return 1 + (uint64_t)quota->awake_ms + (uint64_t)quota->wakes * 3600000;
}

static size_t least_worth(const struct quota_book *book, uint32_t start, int32_t day)
{
    size_t best = start % book->size;

    for (uint32_t i = 1; i < QUOTA_REACH; i++) {
        const size_t slot = (start + i) % book->size;

        if (worth(&book->slots[slot], day) < worth(&book->slots[best], day))
            best = slot;
    }
    return best;
}

int quota_init(struct quota_book *book)
{
    *book = (struct quota_book){.size = QUOTA_SLOTS_FIRST};
    book->slots = calloc(book->size, sizeof(*book->slots));
    return book->slots ? 0 : -ENOMEM;
}

void quota_finish(struct quota_book *book)
{
    free(book->slots);
    *book = (struct quota_book){0};
}

/* Where nobody has to give way, as far as there is such a place. */
static void move(const struct quota *quota, struct quota_book *to)
{
    const uint32_t start = hash(quota->kind, quota->subject, quota->address);

    for (uint32_t i = 0; i < QUOTA_REACH; i++) {
        struct quota *slot = &to->slots[(start + i) % to->size];

        if (slot->used)
            continue;
        *slot = *quota;
        to->n++;
        return;
    }
    *quota_open(to, quota->kind, quota->subject, quota->address, quota->day) = *quota;
}

int quota_reserve(struct quota_book *book)
{
    struct quota_book next = {.size = 2 * book->size};

    if (2 * book->n < book->size || book->size >= QUOTA_SLOTS_MAX)
        return 0;
    next.slots = calloc(next.size, sizeof(*next.slots));
    if (!next.slots)
        return -ENOMEM;
    for (uint32_t i = 0; i < book->size; i++)
        if (book->slots[i].used)
            move(&book->slots[i], &next);
    free(book->slots);
    *book = next;
    return 0;
}

struct quota *quota_open(struct quota_book *book, enum quota_kind kind, int subject,
                         struct address address, int32_t day)
{
    size_t slot = find(book, kind, subject, address);

    if (slot == book->size)
        slot = least_worth(book, hash(kind, subject, address), day);
    struct quota *quota = &book->slots[slot];
    book->n += !quota->used;
    if (!is_key(quota, kind, subject, address) || quota->day != day)
        *quota = (struct quota){
            .used = true, .kind = kind, .subject = subject, .address = address, .day = day};
    return quota;
}

const struct quota *quota_look(const struct quota_book *book, enum quota_kind kind, int subject,
                               struct address address, int32_t day)
{
    const size_t slot = find(book, kind, subject, address);

    if (slot == book->size || book->slots[slot].day != day)
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
