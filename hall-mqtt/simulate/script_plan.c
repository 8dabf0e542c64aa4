/* When the events of a script are due. */
#include <errno.h>

#include "simulate/script.h"

static const int64_t day = 86400000;

/* Whole days keep the time of day, also when the clock changes; other steps are just time. */
static int64_t repetition_at(const struct script_event *event, const struct local *local, int64_t k)
{
    if (event->every % day != 0)
        return event->at + k * event->every;
    struct tm parts = local_show(local, event->at);
    parts.tm_mday += (int)(k * (event->every / day));
    return local_instant(local, &parts);
}

/* The first time not before from; false: none before until. Begins two steps short of it, because
 * days have not all the same length. */
static bool next_time(const struct script_event *event, const struct local *local, int64_t from,
                      int64_t until, int64_t *ret_at)
{
    int64_t k = event->every > 0 ? (from - event->at) / event->every - 2 : 0;
    int64_t at = event->at;

    for (k = k < 0 ? 0 : k; event->every > 0 && at < from; k++)
        at = repetition_at(event, local, k);
    *ret_at = at;
    return at >= from && at < until && at <= event->until;
}

/* What happens at the same time happens in the order of the file. */
static void plan(struct script *script, size_t i, const struct local *local, int64_t from,
                 int64_t until)
{
    int64_t at;
    const bool again = next_time(&script->events[i], local, from, until, &at);

    due_set(&script->due, (int)i, again ? at * SCRIPT_EVENTS_MAX + (int64_t)i : DUE_NEVER);
}

int script_begin(struct script *script, const struct local *local, int64_t from, int64_t until)
{
    if (due_init(&script->due, script->n_events) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < script->n_events; i++) {
        plan(script, i, local, from, until);
        script->left_out += script->due.at[i] == DUE_NEVER ? 1 : 0;
    }
    return 0;
}

int64_t script_due(const struct script *script)
{
    const int64_t next = due_next(&script->due);

    return next == DUE_NEVER ? DUE_NEVER : next / SCRIPT_EVENTS_MAX;
}

const struct script_event *script_take(struct script *script, const struct local *local,
                                       int64_t until)
{
    const int i = due_server(&script->due);

    plan(script, (size_t)i, local, script_due(script) + 1, until);
    return &script->events[i];
}
