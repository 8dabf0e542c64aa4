/* What was learned of a server in the course of time: how long its wakes take and when they were,
 * its MACs, whether it wakes by itself. */
#include "base/array.h"
#include "base/text.h"
#include "record/field.h"
#include "record/record_internal.h"

enum { WAKES_MOST = 1000000000 };

static const struct field rousing_fields[] = {
    FIELD(rousing, slept, FIELD_INT64),
    FIELD(rousing, until, FIELD_INT64),
    FIELD(rousing, rounds, FIELD_UINT32),
    FIELD(rousing, quiet, FIELD_BOOL),
};

void record_put_times(struct json_writer *writer, const char *name, const int32_t times[STAGES])
{
    size_t reached = 0;

    for (size_t i = 0; i < STAGES; i++)
        reached += times[i] != STAGE_UNREACHED;
    if (reached == 0)
        return;
    json_begin_array(writer, name);
    for (size_t i = 0; i < STAGES; i++)
        json_put_integer(writer, NULL, times[i]);
    json_end_array(writer);
}

void record_read_times(const struct json *array, int32_t times[STAGES])
{
    const struct json *item = json_first(array);

    for (size_t i = 0; i < STAGES; i++, item = item ? json_next(item) : NULL) {
        int64_t time = STAGE_UNREACHED;

        if (!item || !json_integer(item, &time) || time < STAGE_UNREACHED || time > INT32_MAX)
            time = STAGE_UNREACHED;
        times[i] = (int32_t)time;
    }
}

static void write_history(struct json_writer *writer, const struct history *history)
{
    json_begin_array(writer, "boots");
    for (unsigned kind = 0; kind < WAKE_KINDS; kind++)
        for (unsigned i = 0; i < history->kinds[kind].n; i++) {
            /* Oldest first, so that reading is adding. */
            const unsigned start =
                (unsigned)(history->kinds[kind].next + HISTORY_MAX - history->kinds[kind].n);
            const struct boot *boot = &history->kinds[kind].boots[(start + i) % HISTORY_MAX];

            json_begin_object(writer, NULL);
            json_put_integer(writer, "kind", kind);
            json_put_integer(writer, "ready", boot->ready);
            record_put_times(writer, "stages", boot->stages);
            json_end_object(writer);
        }
    json_end_array(writer);
}

static void read_history(const struct json *array, struct history *history)
{
    for (const struct json *item = json_first(array); item; item = json_next(item)) {
        int64_t kind = WAKE_KINDS, ready = -1;
        struct boot boot;

        if (!json_integer(json_get(item, "kind"), &kind) || kind < 0 || kind >= WAKE_KINDS ||
            !json_integer(json_get(item, "ready"), &ready) || ready < 0 || ready > INT32_MAX)
            continue;
        boot.ready = (int32_t)ready;
        record_read_times(json_get(item, "stages"), boot.stages);
        history_add(history, (enum wake_kind)kind, &boot);
    }
}

static void write_woken(struct json_writer *writer, const struct saved *saved)
{
    const uint32_t n = saved->n_woken < WOKEN_MAX ? saved->n_woken : WOKEN_MAX;

    json_put_integer(writer, "wakes", saved->n_woken);
    json_begin_array(writer, "woken");
    for (uint32_t i = 0; i < n; i++)
        json_put_integer(writer, NULL, saved->woken[(saved->n_woken - n + i) % WOKEN_MAX]);
    json_end_array(writer);
}

/* The newest times, each at its place in the ring; how many there were before is counted on. */
static void read_woken(const struct json *record, struct saved *saved)
{
    int64_t times[WOKEN_MAX], all = 0;
    uint32_t n = 0;

    for (const struct json *item = json_first(json_get(record, "woken")); item && n < WOKEN_MAX;
         item = json_next(item))
        if (json_integer(item, &times[n]))
            n++;
    saved->n_woken = n;
    if (n == WOKEN_MAX && json_integer(json_get(record, "wakes"), &all) && all > n &&
        all < WAKES_MOST)
        saved->n_woken = (uint32_t)all;
    for (uint32_t i = 0; i < n; i++)
        saved->woken[(saved->n_woken - n + i) % WOKEN_MAX] = times[i];
}

/* The MACs that were learned, the latest first. */

static void write_macs(struct json_writer *writer, const struct macs *macs)
{
    char text[MAC_TEXT_SIZE];

    if (macs->n == 0)
        return;
    json_begin_array(writer, "macs");
    for (size_t i = 0; i < macs->n; i++)
        json_put_string(writer, NULL, text_format_mac(macs->list[i], text));
    json_end_array(writer);
}

static void read_macs(const struct json *array, struct macs *macs)
{
    uint8_t list[MACS_MAX][MAC_SIZE];
    size_t n = 0;

    for (const struct json *item = json_first(array); item && n < MACS_MAX; item = json_next(item))
        n += json_string(item) && text_parse_mac(json_string(item), list[n]) == 0;
    while (n-- > 0)
        macs_learn(macs, list[n], false);
}

void record_put_learned(struct json_writer *writer, const struct saved *saved)
{
    write_history(writer, &saved->history);
    write_woken(writer, saved);
    write_macs(writer, &saved->macs);
    if (saved->rousing.slept == 0 && saved->rousing.rounds == 0 && !saved->rousing.quiet)
        return;
    json_begin_object(writer, "rousing");
    field_write(writer, rousing_fields, ARRAY_SIZE(rousing_fields), &saved->rousing);
    json_end_object(writer);
}

void record_read_learned(const struct json *record, struct saved *saved)
{
    read_history(json_get(record, "boots"), &saved->history);
    read_woken(record, saved);
    read_macs(json_get(record, "macs"), &saved->macs);
    field_read(json_get(record, "rousing"), rousing_fields, ARRAY_SIZE(rousing_fields),
               &saved->rousing);
    if (saved->rousing.until > saved->at + ROUSING_REST_MOST || saved->rousing.slept > saved->at)
        saved->rousing.until = saved->rousing.slept = 0;
}
