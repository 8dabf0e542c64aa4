#include "store/btree.h"

enum {
    FILE_HEADER = 100, /* before the first page's own */
    TYPE_LEAF = 0x0d,
    TYPE_INNER = 0x05,
    TYPE_INDEX_LEAF = 0x0a,
    TYPE_INDEX_INNER = 0x02,
    LEAF_HEADER = 8,
    INNER_HEADER = 12,
    LOCAL_MOST = BTREE_PAGE - 35, /* of a payload in its leaf */
    LOCAL_LEAST = (BTREE_PAGE - 12) * 32 / 255 - 23,
    VARINT_MOST = 9,
    FIRST_BLOB = 12, /* serial types from here on have a length */
};

static size_t number2(const uint8_t *bytes)
{
    return (size_t)bytes[0] << 8 | bytes[1];
}

uint32_t btree_number4(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* How many bytes it took; 0: it does not end where it must. */
static size_t varint(const uint8_t *bytes, size_t n, uint64_t *ret)
{
    uint64_t value = 0;

    for (size_t i = 0; i < n && i < VARINT_MOST; i++) {
        if (i == VARINT_MOST - 1) {
            *ret = value << 8 | bytes[i];
            return VARINT_MOST;
        }
        value = value << 7 | (bytes[i] & 0x7f);
        if (!(bytes[i] & 0x80)) {
            *ret = value;
            return i + 1;
        }
    }
    return 0;
}

/* ---- pages ---- */

static size_t header_at(uint32_t number)
{
    return number == 1 ? FILE_HEADER : 0;
}

enum btree_kind btree_kind(const uint8_t page[BTREE_PAGE], uint32_t number)
{
    switch (page[header_at(number)]) {
    case TYPE_LEAF:
        return BTREE_LEAF;
    case TYPE_INNER:
        return BTREE_INNER;
    case TYPE_INDEX_LEAF:
    case TYPE_INDEX_INNER:
        return BTREE_INDEX;
    default:
        return BTREE_OTHER;
    }
}

static size_t cells_at(const uint8_t page[BTREE_PAGE], uint32_t number)
{
    const bool is_inner = btree_kind(page, number) == BTREE_INNER;

    return header_at(number) + (is_inner ? INNER_HEADER : LEAF_HEADER);
}

size_t btree_cells(const uint8_t page[BTREE_PAGE], uint32_t number)
{
    const size_t n = number2(page + header_at(number) + 3);

    return cells_at(page, number) + 2 * n <= BTREE_PAGE ? n : 0;
}

/* Where a cell begins; 0: nowhere. */
static size_t cell_at(const uint8_t page[BTREE_PAGE], uint32_t number, size_t i)
{
    const size_t pointers = cells_at(page, number), n = btree_cells(page, number);
    const size_t at = i < n ? number2(page + pointers + 2 * i) : 0;

    return at >= pointers + 2 * n && at + 4 <= BTREE_PAGE ? at : 0;
}

static size_t local_of(uint64_t size)
{
    const size_t fits = LOCAL_LEAST + (size_t)((size - LOCAL_LEAST) % BTREE_CHAIN);

    if (size <= LOCAL_MOST)
        return (size_t)size;
    return fits <= LOCAL_MOST ? fits : LOCAL_LEAST;
}

bool btree_cell(const uint8_t page[BTREE_PAGE], uint32_t number, size_t i,
                struct btree_cell *ret_cell)
{
    size_t at = cell_at(page, number, i);
    uint64_t size = 0, id = 0;
    const size_t of_size = at > 0 ? varint(page + at, BTREE_PAGE - at, &size) : 0;

    at += of_size;
    const size_t of_id = of_size > 0 ? varint(page + at, BTREE_PAGE - at, &id) : 0;

    at += of_id;
    if (of_id == 0 || size == 0 || size > INT32_MAX)
        return false;
    const size_t local = local_of(size), tail = local < size ? 4 : 0;

    if (at + local + tail > BTREE_PAGE)
        return false;
    *ret_cell = (struct btree_cell){.id = (int64_t)id,
                                    .size = (size_t)size,
                                    .local = page + at,
                                    .n_local = local,
                                    .overflow = tail ? btree_number4(page + at + local) : 0};
    return tail == 0 || ret_cell->overflow > 0;
}

uint32_t btree_child(const uint8_t page[BTREE_PAGE], uint32_t number, size_t i)
{
    if (i == btree_cells(page, number))
        return btree_number4(page + header_at(number) + 8);
    const size_t at = cell_at(page, number, i);

    return at > 0 ? btree_number4(page + at) : 0;
}

/* ---- records ---- */

static size_t length_of(uint64_t type)
{
    static const uint8_t lengths[FIRST_BLOB] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};

    return type < FIRST_BLOB ? lengths[type] : (size_t)((type - FIRST_BLOB) / 2);
}

static int64_t number_of(const uint8_t *bytes, size_t n)
{
    uint64_t value = n > 0 && bytes[0] & 0x80 ? UINT64_MAX : 0;

    for (size_t i = 0; i < n; i++)
        value = value << 8 | bytes[i];
    return (int64_t)value;
}

static struct btree_value value_of(uint64_t type, const uint8_t *bytes, size_t n)
{
    enum { FLOAT = 7, ZERO = 8, ONE = 9 };

    if (type == 0)
        return (struct btree_value){.type = BTREE_NULL};
    if (type == ZERO || type == ONE)
        return (struct btree_value){.type = BTREE_NUMBER, .number = type == ONE};
    if (type < FLOAT)
        return (struct btree_value){.type = BTREE_NUMBER, .number = number_of(bytes, n)};
    return (struct btree_value){.type = type >= FIRST_BLOB && type % 2 ? BTREE_TEXT : BTREE_BLOB,
                                .text = (const char *)bytes,
                                .length = n};
}

size_t btree_record(const uint8_t *payload, size_t size,
                    struct btree_value ret_values[BTREE_VALUES_MAX])
{
    uint64_t header = 0, type = 0;
    size_t at = varint(payload, size, &header), n = 0;

    if (at == 0 || header > size)
        return 0;
    for (size_t body = (size_t)header; at < header; n++) {
        const size_t step = varint(payload + at, (size_t)header - at, &type);

        if (step == 0 || n == BTREE_VALUES_MAX || length_of(type) > size - body)
            return 0;
        ret_values[n] = value_of(type, payload + body, length_of(type));
        body += length_of(type);
        at += step;
    }
    return n;
}
