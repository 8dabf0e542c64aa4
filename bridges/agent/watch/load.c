/* The load of the last minute. */
#include "bridges/agent/watch/watch_internal.h"

static bool counts(const struct watch_config *config)
{
    return config->load > 0;
}

static void look(struct watch *watch)
{
    struct sample_number *load = &watch->sight.sample.load;
    *load = (struct sample_number){.value = -1};
    if (!watch_read(watch, "/proc/loadavg") || !proc_read_load(watch->text, &load->value))
        load->problem = fact_with(FACT(LOOK_UNREADABLE), "/proc/loadavg", NULL);
}

static void judge(const struct watch_config *config, const struct watch_sample *sample,
                  struct vetoes *vetoes)
{
    if (sample->load.value >= config->load)
        veto(vetoes, FACT(VETO_LOAD, .n = {(int64_t)(sample->load.value * 100 + 0.5),
                                           (int64_t)(config->load * 100 + 0.5)}));
}

const struct veto_check veto_load = {"load", true, counts, look, judge, VETO_PROBLEM(load)};
