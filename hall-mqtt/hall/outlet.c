#include "hall/outlet.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

void outlets_add(struct outlets *outlets, const struct outlet_ops *ops, void *context)
{
    assert(outlets->n < OUTLETS_MAX);
    outlets->list[outlets->n].ops = ops;
    outlets->list[outlets->n++].context = context;
}

void outlets_act(void *context, const struct action *action)
{
    const struct outlets *outlets = context;

    for (size_t i = 0; i < outlets->n; i++)
        if (outlets->list[i].ops->act[action->kind])
            outlets->list[i].ops->act[action->kind](outlets->list[i].context, action);
}

void outlets_tell(const struct outlets *outlets, const struct news *news)
{
    for (size_t i = 0; i < outlets->n; i++)
        if (outlets->list[i].ops->hear[news->kind])
            outlets->list[i].ops->hear[news->kind](outlets->list[i].context, news);
}

void outlets_event(const struct outlets *outlets, const char *type, struct told told)
{
    outlets_tell(outlets, &(struct news){.kind = NEWS_EVENT, .event = {type, &told}});
}

void outlets_refused(struct outlets *outlets, const struct model *model, const struct news *news)
{
    const struct fact denied = fact_because(
        fact_with(FACT(ACCESS_DENIED), news->refused.who, news->refused.path), news->refused.why);
    struct told told;

    outlets_tell(outlets, news);
    say_resolve(&denied, model, &told);
    if (outlets_may_tell(outlets))
        outlets_event(outlets, "access_refused", told);
}

bool outlets_may_tell(struct outlets *outlets)
{
    return log_may_tell(&outlets->told, clock_now().boot, TOLD_A_MINUTE, "refused input");
}

bool outlets_may_tell_of(struct outlets *outlets, const char *who)
{
    const int64_t now = clock_now().boot;

    if (now / 60000 != outlets->named_in) {
        outlets->named_in = now / 60000;
        outlets->n_named = 0;
    }
    for (size_t i = 0; i < outlets->n_named; i++)
        if (strcmp(outlets->named[i], who) == 0) {
            outlets->told.hidden++;
            return false;
        }
    if (!log_may_tell(&outlets->told, now, TOLD_A_MINUTE, "refused input"))
        return false;
    /* Each of them was a line of this minute, so there is room for all. */
    text_copy(outlets->named[outlets->n_named++], sizeof(outlets->named[0]), who);
    return true;
}
