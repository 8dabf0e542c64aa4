/* Programs that ask logind not to sleep or shut down. */
#include "bridges/agent/watch/watch_internal.h"

static bool counts(const struct watch_config *config)
{
    return config->inhibitors || config->idle_inhibitors;
}

static void look(struct watch *watch)
{
    watch_await(watch);
    logind_list_inhibitors(watch->logind, &watch->sight.sample.inhibitors, watch_answered, watch);
}

static void judge(const struct watch_config *config, const struct watch_sample *sample,
                  struct vetoes *vetoes)
{
    for (size_t i = 0; i < sample->inhibitors.n; i++) {
        const struct logind_inhibitor *inhibitor = &sample->inhibitors.list[i];
        if (config->inhibitors && logind_inhibits_sleep(inhibitor))
            veto(vetoes, fact_with(FACT(VETO_INHIBITOR), inhibitor->who, inhibitor->why));
        if (config->idle_inhibitors && !vetoes->asked && logind_inhibits_idle(inhibitor))
            veto(vetoes, fact_with(FACT(VETO_IDLE_INHIBITOR), inhibitor->who, inhibitor->why));
    }
    veto_more(vetoes, "inhibitors", sample->inhibitors.more);
}

const struct veto_check veto_inhibitors = {"inhibitors", true,  counts,
                                           look,         judge, VETO_PROBLEM(inhibitors)};
