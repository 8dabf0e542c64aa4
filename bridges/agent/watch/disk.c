/* Reading and writing of all disks together. */
#include "bridges/agent/watch/watch_internal.h"

static bool counts(const struct watch_config *config)
{
    return config->disk > 0;
}

static void look(struct watch *watch)
{
    uint64_t bytes = 0;
    const bool read = watch_read(watch, "/proc/diskstats") && proc_read_disks(watch->text, &bytes);
    meter_take(&watch->disk, read ? &bytes : NULL, "/proc/diskstats", watch->config->sustained,
               &watch->sight.sample.disk);
}

static void judge(const struct watch_config *config, const struct watch_sample *sample,
                  struct vetoes *vetoes)
{
    if (sample->disk.value >= (double)config->disk)
        veto(vetoes, FACT(VETO_DISK, .n = {(int64_t)sample->disk.value, config->disk}));
}

const struct veto_check veto_disk = {"disk", false, counts, look, judge, VETO_PROBLEM(disk)};
