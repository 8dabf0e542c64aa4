/* Containers that must not be stopped under. A busy one that does not run does nothing. */
#include <string.h>

#include "base/array.h"
#include "bridges/agent/watch/watch_internal.h"

/* Where nobody listens nothing runs. An engine that is there and not understood, or that does not
 * let this agent in, may run what is busy. */
static struct fact why_unknown(const struct docker_view *view)
{
    static const enum fact_code codes[] = {FACT_ENGINE_DENIED, FACT_ENGINE_LATE,
                                           FACT_ENGINE_TOO_LONG, FACT_ENGINE_ODD,
                                           FACT_ENGINE_STATUS};
    for (size_t i = 0; !view->up && i < ARRAY_SIZE(codes); i++)
        if (fact_is(&view->problem, codes[i]))
            return view->problem;
    return view->left_out > 0 ? FACT(LOOK_TOO_MANY, .n = {DOCKER_CONTAINERS_MAX}) : FACT(NONE);
}

static void judge(const struct watch_config *config, const struct watch_sample *sample,
                  struct vetoes *vetoes)
{
    const struct docker_view *view = sample->containers;
    for (size_t i = 0; view && i < view->n; i++)
        if (view->containers[i].busy && strcmp(view->containers[i].state, "running") == 0)
            veto(vetoes, fact_with(FACT(VETO_CONTAINER), view->containers[i].name, NULL));
    const struct fact why = view ? why_unknown(view) : FACT(NONE);
    if (!fact_is(&why, FACT_NONE) && !veto_allows_unseen(config, &veto_containers))
        veto(vetoes, fact_because(fact_with(FACT(VETO_UNKNOWN), "containers", NULL), &why));
}

/* Docker tells of each change by itself. */
const struct veto_check veto_containers = {.name = "containers", .judge = judge};
