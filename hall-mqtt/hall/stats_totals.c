/* What only rises: energy, by the watts that held at the time, and wakes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "hall/hall_internal.h"
#include "hall/stats_internal.h"
#include "store/archive.h"

enum {
    TOTALS_MAX = 100000,
    LEFT_MAX = 4096, /* of servers that are no longer configured */
    LOAD_MS = 150,
};

/* ---- counting ---- */

static void add_energy(struct book *book, double watts, double watts_on, int64_t ms)
{
    const int64_t used = llround(watts * (double)ms), always = llround(watts_on * (double)ms);

    book->totals.used_mj += used;
    book->totals.saved_mj += always > used ? always - used : 0;
    book->span_used_mj += used;
    book->span_always_mj += always;
}

static void count_wakes(struct book *book, uint32_t n_woken)
{
    if (n_woken > book->woken)
        book->totals.wakes += n_woken - book->woken;
    book->woken = n_woken;
}

/* Unreachable counts as on: nobody knows better, and what is saved must not be flattered. */
void totals_count(struct hall *hall, int server, int64_t ms)
{
    struct book *book = &hall->books->books[server];
    const struct model_watts watts = model_watts(&hall->config->model.servers[server]);

    count_wakes(book, fleet_power(hall->fleet, server)->n_woken);
    switch ((enum power_state)book->state) {
    case POWER_UNKNOWN:
        break;
    case POWER_OFF:
    case POWER_WAKING:
    case POWER_WAKE_FAILED:
        book->totals.asleep_ms += ms;
        add_energy(book, watts.asleep, watts.on, ms);
        break;
    case POWER_BOOTING:
    case POWER_READY:
    case POWER_DEGRADED:
    case POWER_SLEEPING:
    case POWER_UNREACHABLE:
        book->totals.on_ms += ms;
        add_energy(book, watts.on, watts.on, ms);
        break;
    }
}

/* ---- writing, and what may be published since ---- */

void totals_write(struct hall *hall, int server, bool durable)
{
    struct book *book = &hall->books->books[server];
    const struct totals *totals = &book->totals;

    if (!hall->books->loaded)
        return; /* a row of its own would hide the one that is there */
    if (!hall->store) {
        book->told = *totals;
        return;
    }
    if (book->row == 0)
        book->row = store_new_id(hall->store, STORE_TOTALS);
    const struct store_entry entry = {
        .table = STORE_TOTALS,
        .id = book->row,
        .numbers = {clock_now().wall, totals->on_ms, totals->asleep_ms, totals->used_mj,
                    totals->saved_mj, totals->wakes},
        .texts = {hall->config->model.servers[server].id},
    };
    book->written = *totals;
    book->ticket = store_keep(hall->store, &entry, durable);
}

void hall_books_stored(struct hall *hall, uint64_t committed)
{
    struct books *books = hall->books;

    if (books)
        totals_load(hall);
    for (size_t i = 0; books && i < books->n; i++) {
        struct book *book = &books->books[i];

        if (book->ticket == 0 || book->ticket > committed)
            continue;
        book->ticket = 0;
        book->told = book->written;
        hall_mark(hall, (int)i);
    }
}

void hall_books_woken(struct hall *hall, int server, bool durable)
{
    if (hall->books &&
        hall->books->books[server].woken != fleet_power(hall->fleet, server)->n_woken)
        hall_books_flush_server(hall, server, durable);
}

static double kwh(int64_t millijoules)
{
    return (double)millijoules / 3.6e9;
}

bool hall_books_energy(const struct hall *hall, int server, struct payload_energy *ret_energy)
{
    if (!hall->books || !hall->books->loaded)
        return false;
    const struct totals *told = &hall->books->books[server].told;
    *ret_energy = (struct payload_energy){
        .wakes = told->wakes,
        .saved_kwh = kwh(told->saved_mj),
        .used_kwh = kwh(told->used_mj),
        .basis = model_watts(&hall->config->model.servers[server]).basis,
    };
    return true;
}

/* ---- those that are no longer configured ---- */

void totals_leave(struct books *books, const char *id, const struct book *book)
{
    struct left_book *left = books->left;

    if (books->n_left == LEFT_MAX)
        return;
    if ((books->n_left & (books->n_left + 1)) == 0) /* room for 1, 3, 7, ... */
        left = realloc(left, 2 * (books->n_left + 1) * sizeof(*left));
    if (!left)
        return;
    books->left = left;
    left[books->n_left].book = *book;
    text_copy(left[books->n_left++].id, sizeof(left->id), id);
}

bool totals_return(struct books *books, const char *id, struct book *book)
{
    for (size_t i = 0; i < books->n_left; i++) {
        const struct book *old = &books->left[i].book;

        if (strcmp(books->left[i].id, id) != 0)
            continue;
        book->row = old->row;
        book->totals = old->totals;
        book->written = old->written;
        book->ticket = old->ticket;
        book->told = old->told;
        books->left[i] = books->left[--books->n_left];
        return true;
    }
    return false;
}

/* ---- loading ---- */

/* Rows of before energy was stored: the watts of today are the best that is known. */
static void reckon(struct totals *totals, struct model_watts watts, uint32_t n_woken)
{
    if (totals->used_mj < 0) {
        const double on = watts.on * (double)totals->on_ms;
        const double asleep = watts.asleep * (double)totals->asleep_ms;
        const double saved = (watts.on - watts.asleep) * (double)totals->asleep_ms;

        totals->used_mj = llround(on + asleep);
        totals->saved_mj = saved > 0 ? llround(saved) : 0;
    }
    if (totals->wakes < 0)
        totals->wakes = n_woken;
}

/* Besides what was counted since. */
static void read_into(struct book *book, const struct store_entry *entry, struct model_watts watts)
{
    struct totals kept = {entry->numbers[1], entry->numbers[2], entry->numbers[3],
                          entry->numbers[4], entry->numbers[5]};

    reckon(&kept, watts, book->woken);
    book->row = entry->id;
    book->told = kept;
    book->totals.on_ms += kept.on_ms;
    book->totals.asleep_ms += kept.asleep_ms;
    book->totals.used_mj += kept.used_mj;
    book->totals.saved_mj += kept.saved_mj;
    book->totals.wakes += kept.wakes;
}

static bool has_left(const struct books *books, const char *id)
{
    for (size_t i = 0; i < books->n_left; i++)
        if (strcmp(books->left[i].id, id) == 0)
            return true;
    return false;
}

/* Of several rows of one server (another file came between) the newest counts: it comes first. */
static bool read_totals(void *context, const struct store_entry *entry)
{
    struct hall *hall = context;
    const struct model *model = &hall->config->model;
    const char *id = entry->texts[0];
    const int server = id ? model_server_by_id(model, id) : MODEL_NONE;

    if (server == MODEL_NONE) {
        struct book gone = {0};

        if (!id || has_left(hall->books, id))
            return true;
        read_into(&gone, entry, model_watts(NULL));
        totals_leave(hall->books, id, &gone);
    } else if (hall->books->books[server].row == 0) {
        read_into(&hall->books->books[server], entry, model_watts(&model->servers[server]));
    }
    return true;
}

/* Without a row its wakes are those of its record. */
static void begin_wakes(struct books *books)
{
    for (size_t i = 0; i < books->n; i++)
        if (books->books[i].row == 0)
            books->books[i].told.wakes = books->books[i].totals.wakes += books->books[i].woken;
}

/* The store itself says what is wrong with it. */
static bool read_all(struct hall *hall)
{
    struct archive_filter filter = {.limit = TOTALS_MAX};
    struct archive *archive = NULL;
    char why[ARCHIVE_SENTENCE];
    int error;

    if (archive_open(hall->config->store.path, LOAD_MS, &archive, why) < 0)
        return false;
    do
        error =
            archive_page(archive, STORE_TOTALS, &filter, read_totals, hall, &filter.before, why);
    while (error == 0 && filter.before > 0);
    archive_close(archive);
    return error == 0;
}

void totals_load(struct hall *hall)
{
    struct books *books = hall->books;

    if (books->loaded || (hall->store && !read_all(hall)))
        return;
    books->loaded = true;
    begin_wakes(books);
}
