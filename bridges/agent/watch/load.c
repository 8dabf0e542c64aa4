/* The load of the last minute. */
#include "base/text.h"
#include "bridges/agent/watch/watch_internal.h"

static bool counts(const struct watch_config *config)
{
    return config->load > 0;
}

static void look(struct watch *watch)
{
    struct sample_number *load = &watch->sight.sample.load;
    const bool loaded =
        watch_read(watch, "/proc/loadavg") && proc_read_load(watch->text, &load->value);
    if (!loaded)
        load->value = -1;
    text_copy(load->problem, sizeof(load->problem), loaded ? "" : "/proc/loadavg cannot be read");
}

static void judge(const struct watch_config *config, const struct watch_sample *sample,
                  struct vetoes *vetoes)
{
    if (sample->load.value >= config->load)
        veto(vetoes, "load: %.2f, the limit is %.2f", sample->load.value, config->load);
}

const struct veto_check veto_load = {
    .name = "load",
    .reported = true,
    .counts = counts,
    .look = look,
    .judge = judge,
    .problem = offsetof(struct watch_sample, load.problem),
};
