#include "hall/in_store.h"

#include <string.h>
#include <sys/epoll.h>

/* ---- what was saved ---- */

static const int64_t told_for = INT64_C(7) * 24 * 3600000;

static struct told_value number_of(int64_t number)
{
    return (struct told_value){.known = number > 0, .number = number};
}

/* Behind what is said already: rows that a nightly copy gave. */
static size_t add_copied(struct told *told, size_t n, const char *copy, int64_t copied)
{
    if (copied == 0)
        return n;
    told->parts[n] = say_words(FACT_STORE_COPIED, copy, NULL).parts[0];
    told->parts[n].values[1] = number_of(copied);
    return n + 1;
}

static size_t add_record(struct told *told, const struct store_salvage *salvage)
{
    const bool is_lost = salvage->records == 0;

    told->parts[0] =
        say_words(is_lost ? FACT_STORE_LOST : FACT_STORE_SALVAGED, salvage->file, NULL).parts[0];
    if (!is_lost)
        told->parts[0].values[1] = number_of(salvage->records);
    return add_copied(told, 1, salvage->copy, salvage->records_copied);
}

static void add_history(struct told *told, size_t n, const struct store_salvage *salvage)
{
    told->parts[n] = say_words(FACT_STORE_HISTORY, salvage->file, NULL).parts[0];
    told->parts[n].values[1] = number_of(salvage->entries);
    told->parts[n].values[2] = number_of(salvage->lost);
    add_copied(told, n + 1, salvage->copy, salvage->entries_copied);
}

struct told in_store_tell(const struct store_salvage *salvage, int64_t wall_ms)
{
    struct told told = {0};

    if (salvage->turn == 0 || wall_ms > salvage->at + told_for)
        return told;
    const size_t n = add_record(&told, salvage);

    if (salvage->done)
        add_history(&told, n, salvage);
    return told;
}

static void tell_salvage(struct in_store *in)
{
    const struct store_salvage before = *in->salvage;
    struct store_salvage now;
    struct told told = {0};

    store_salvaged(in->store, &now);
    const bool is_other = now.turn > 0 && (before.turn == 0 || now.at != before.at);
    const bool is_over = now.done && !(is_other ? !now.is_new : before.done);

    if (!is_other && !is_over)
        return;
    *in->salvage = now;
    if (is_other && now.is_new) {
        add_record(&told, in->salvage);
        outlets_event(in->outlets, "store_problem", told);
    }
    if (is_over) {
        told = (struct told){0};
        add_history(&told, 0, in->salvage);
        outlets_event(in->outlets, "store_problem", told);
    }
    outlets_tell(in->outlets, &(struct news){.kind = NEWS_SALVAGED});
}

/* ---- what comes back ---- */

static int on_stored(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct in_store *in = context;
    struct news news = {.kind = NEWS_STORED, .ticket = store_committed(in->store)};
    news.written = store_written(in->store);
    char problem[sizeof(in->problem)];

    (void)source;
    (void)fd;
    (void)events;
    outlets_tell(in->outlets, &news);
    tell_salvage(in);
    store_problem(in->store, problem, sizeof(problem));
    if (strcmp(problem, in->problem) == 0)
        return 0;
    const bool turns = (problem[0] == '\0') != (in->problem[0] == '\0');

    memcpy(in->problem, problem, sizeof(problem));
    if (turns)
        outlets_tell(in->outlets, &(struct news){.kind = NEWS_TROUBLE, .problem = problem});
    outlets_event(in->outlets, "store_problem",
                  problem[0] ? say_words(FACT_STORE_PROBLEM, problem, NULL)
                             : say_words(FACT_STORE_REPAIRED, NULL, NULL));
    return 0;
}

int in_store_listen(struct in_store *in, sd_event *loop)
{
    const int error =
        sd_event_add_io(loop, &in->source, store_fd(in->store), EPOLLIN, on_stored, in);

    return error < 0 ? error : 0;
}

void in_store_finish(struct in_store *in)
{
    sd_event_source_disable_unref(in->source);
}
