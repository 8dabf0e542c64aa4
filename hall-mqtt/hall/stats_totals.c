/* What only rises: energy, by the watts that held at the time, and wakes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
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

/* Unreachable counts as on: nobody knows better, and what is saved must not be flattered. */
void totals_count(struct stats *stats, int server, int64_t ms)
{
    struct book *book = &stats->books[server];
    const struct model_watts watts = model_watts(&stats->current->config->model.servers[server]);

    const uint32_t n_woken = fleet_power(stats->current->fleet, server)->n_woken;

    if (n_woken > book->woken)
        book->totals.wakes += n_woken - book->woken;
    book->woken = n_woken;
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

void totals_write(struct stats *stats, int server, bool durable)
{
    struct book *book = &stats->books[server];
    const struct totals *totals = &book->totals;

    if (!stats->loaded)
        return; /* a row of its own would hide the one that is there */
    if (book->row == 0)
        book->row = store_new_id(stats->store, STORE_TOTALS);
    const struct store_entry entry = {
        .table = STORE_TOTALS,
        .id = book->row,
        .numbers = {clock_now().wall, totals->on_ms, totals->asleep_ms, totals->used_mj,
                    totals->saved_mj, totals->wakes},
        .texts = {stats->current->config->model.servers[server].id},
    };
    book->written = *totals;
    book->ticket = store_keep(stats->store, &entry, durable);
}

void stats_on_stored(void *context, const struct news *news)
{
    struct stats *stats = context;

    totals_load(stats);
    for (size_t i = 0; i < stats->n; i++) {
        struct book *book = &stats->books[i];

        if (book->ticket == 0 || book->ticket > news->ticket)
            continue;
        book->ticket = 0;
        book->told = book->written;
        outlets_tell(stats->outlets, &(struct news){.kind = NEWS_CHANGED, .server = (int)i});
    }
}

/* A wake that was begun is to be written; durable: at once. */
static void write_woken(struct stats *stats, int server, bool durable)
{
    if (stats->books[server].woken != fleet_power(stats->current->fleet, server)->n_woken)
        stats_flush_server(stats, server, durable);
}

/* In the same commit as the record of the server. */
void stats_on_save(void *context, const struct action *action)
{
    if (action->save.durable)
        write_woken(context, action->server, false);
}

void stats_look(struct stats *stats, int server)
{
    write_woken(stats, server, true);
    stats_amend_wake(stats, server);
}

#define MJ_OF_KWH 3.6e9

bool stats_energy(const struct stats *stats, int server, struct payload_energy *ret_energy)
{
    if (!stats->loaded)
        return false;
    const struct totals *told = &stats->books[server].told;
    *ret_energy = (struct payload_energy){
        .wakes = told->wakes,
        .saved_kwh = (double)told->saved_mj / MJ_OF_KWH,
        .used_kwh = (double)told->used_mj / MJ_OF_KWH,
        .basis = model_watts(&stats->current->config->model.servers[server]).basis,
    };
    return true;
}

/* ---- those that are no longer configured ---- */

void totals_leave(struct stats *stats, const char *id, const struct book *book)
{
    struct left_book *left = stats->left;

    if (stats->n_left == LEFT_MAX)
        return;
    if ((stats->n_left & (stats->n_left + 1)) == 0) /* room for 1, 3, 7, ... */
        left = realloc(left, 2 * (stats->n_left + 1) * sizeof(*left));
    if (!left)
        return;
    stats->left = left;
    left[stats->n_left].book = *book;
    text_copy(left[stats->n_left++].id, sizeof(left->id), id);
}

bool totals_return(struct stats *stats, const char *id, struct book *book)
{
    for (size_t i = 0; i < stats->n_left; i++) {
        const struct book *old = &stats->left[i].book;

        if (strcmp(stats->left[i].id, id) != 0)
            continue;
        book->row = old->row;
        book->totals = old->totals;
        book->written = old->written;
        book->ticket = old->ticket;
        book->told = old->told;
        stats->left[i] = stats->left[--stats->n_left];
        return true;
    }
    return false;
}

/* ---- loading ---- */

/* Besides what was counted since. */
static void read_into(struct book *book, const struct store_entry *entry, struct model_watts watts)
{
    struct totals kept = {entry->numbers[1], entry->numbers[2], entry->numbers[3],
                          entry->numbers[4], entry->numbers[5]};

    if (kept.used_mj < 0) { /* from before energy was stored: the watts of today are all there is */
        const double saved = (watts.on - watts.asleep) * (double)kept.asleep_ms;

        kept.used_mj =
            llround(watts.on * (double)kept.on_ms + watts.asleep * (double)kept.asleep_ms);
        kept.saved_mj = saved > 0 ? llround(saved) : 0;
    }
    if (kept.wakes < 0)
        kept.wakes = book->woken;
    book->row = entry->id;
    book->told = kept;
    book->totals.on_ms += kept.on_ms;
    book->totals.asleep_ms += kept.asleep_ms;
    book->totals.used_mj += kept.used_mj;
    book->totals.saved_mj += kept.saved_mj;
    book->totals.wakes += kept.wakes;
}

/* Of several rows of one server (another file came between) the newest counts: it comes first. */
static bool read_totals(void *context, const struct store_entry *entry)
{
    struct stats *stats = context;
    const struct model *model = &stats->current->config->model;
    const char *id = entry->texts[0];
    const int server = id ? model_server_by_id(model, id) : MODEL_NONE;

    if (server == MODEL_NONE) {
        struct book gone = {0};

        for (size_t i = 0; id && i < stats->n_left; i++)
            if (strcmp(stats->left[i].id, id) == 0)
                return true;
        if (!id)
            return true;
        read_into(&gone, entry, model_watts(NULL));
        totals_leave(stats, id, &gone);
    } else if (stats->books[server].row == 0) {
        read_into(&stats->books[server], entry, model_watts(&model->servers[server]));
    }
    return true;
}

/* The store itself says what is wrong with it. */
static bool read_all(struct stats *stats)
{
    struct archive_filter filter = {.limit = TOTALS_MAX};
    struct archive *archive = NULL;
    char why[ARCHIVE_SENTENCE];
    int error;

    if (archive_open(stats->current->config->store.path, LOAD_MS, &archive, why) < 0)
        return false;
    do
        error =
            archive_page(archive, STORE_TOTALS, &filter, read_totals, stats, &filter.before, why);
    while (error == 0 && filter.before > 0);
    archive_close(archive);
    return error == 0;
}

void totals_load(struct stats *stats)
{
    if (stats->loaded || !read_all(stats))
        return;
    stats->loaded = true;
    for (size_t i = 0; i < stats->n; i++) /* without a row its wakes are those of its record */
        if (stats->books[i].row == 0)
            stats->books[i].told.wakes = stats->books[i].totals.wakes += stats->books[i].woken;
}
