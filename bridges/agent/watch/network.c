/* Traffic of the interface, both directions together. */
#include "bridges/agent/watch/watch_internal.h"

static bool counts(const struct watch_config *config)
{
    return config->network > 0;
}

static void look(struct watch *watch)
{
    const char *interface = watch->sight.interface[0] != '\0' ? watch->sight.interface : NULL;
    uint64_t bytes = 0;
    const bool read =
        watch_read(watch, "/proc/net/dev") && proc_read_traffic(watch->text, interface, &bytes);
    meter_take(&watch->network, read ? &bytes : NULL, "/proc/net/dev", watch->config->sustained,
               &watch->sight.sample.network);
}

static void judge(const struct watch_config *config, const struct watch_sample *sample,
                  struct vetoes *vetoes)
{
    if (sample->network.value >= (double)config->network)
        veto(vetoes, FACT(VETO_NETWORK, .n = {(int64_t)sample->network.value, config->network}));
}

const struct veto_check veto_network = {"network", false, counts,
                                        look,      judge, VETO_PROBLEM(network)};
