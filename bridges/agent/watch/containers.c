/* Containers that must not be stopped under. A busy one that does not run does nothing. */
#include <string.h>

#include "bridges/agent/watch/watch_internal.h"

static void judge(const struct watch_config *config, const struct watch_sample *sample,
                  struct vetoes *vetoes)
{
    const struct docker_view *view = sample->containers;
    (void)config;
    for (size_t i = 0; view && i < view->n; i++)
        if (view->containers[i].busy && strcmp(view->containers[i].state, "running") == 0)
            veto(vetoes, fact_with(FACT(VETO_CONTAINER), view->containers[i].name, NULL));
}

/* Docker tells of each change by itself. */
const struct veto_check veto_containers = {.name = "containers", .judge = judge};
