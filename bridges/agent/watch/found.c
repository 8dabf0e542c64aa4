#include "bridges/agent/watch/found.h"

#include <string.h>

#include "base/text.h"

void found_add(struct sample_found *found, const char *what, const char *where)
{
    struct sample_thing thing;
    text_show(thing.what, sizeof(thing.what), what, strlen(what));
    text_show(thing.where, sizeof(thing.where), where, strlen(where));
    for (size_t i = 0; i < found->n; i++)
        if (strcmp(found->list[i].what, thing.what) == 0 &&
            strcmp(found->list[i].where, thing.where) == 0)
            return;
    if (found->n == SAMPLE_SEEN_MAX)
        found->more++;
    else
        found->list[found->n++] = thing;
}

void found_judge(const struct sample_found *found, const char *check, enum fact_code code,
                 struct vetoes *vetoes)
{
    const struct fact fact = {.parts = {{.code = (uint16_t)code}}};
    for (size_t i = 0; i < found->n; i++)
        veto(vetoes, fact_with(fact, found->list[i].what, found->list[i].where));
    veto_more(vetoes, check, found->more);
}
