/* Programs that run, by the names that the owner gave. */
#include "bridges/agent/watch/found.h"
#include "bridges/agent/watch/watch_internal.h"

static bool counts(const struct watch_config *config)
{
    return config->n_processes > 0;
}

static void look(struct watch *watch)
{
    const struct watch_config *config = watch->config;
    struct sample_found *processes = &watch->sight.sample.processes;
    *processes = (struct sample_found){.problem = watch->walk.problem};
    for (size_t i = 0; i < watch->walk.n; i++)
        for (size_t k = 0; k < config->n_processes; k++)
            if (proc_is_named(watch->walk.list[i].name, config->processes[k]))
                found_add(processes, watch->walk.list[i].name, "");
}

static void judge(const struct watch_config *config, const struct watch_sample *sample,
                  struct vetoes *vetoes)
{
    (void)config;
    found_judge(&sample->processes, "processes", FACT_VETO_PROCESS, vetoes);
}

const struct veto_check veto_processes = {"processes", false, counts,
                                          look,        judge, VETO_PROBLEM(processes)};
