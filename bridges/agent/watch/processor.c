/* Work of the processors, in whole ones: a loop that turns keeps one busy. The load average is
 * another measure: it counts waiting for disks too, and forgets slowly. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "bridges/agent/watch/watch_internal.h"

enum { LINE_SIZE = 256 };

static bool counts(const struct watch_config *config)
{
    return config->processor > 0;
}

/* The first line is enough; the file has one for each processor, and for each interrupt. */
static bool read_ticks(const struct watch *watch, struct proc_ticks *ret_ticks)
{
    char line[LINE_SIZE];
    snprintf(line, sizeof(line), "%.200s/proc/stat", watch->walk.root);
    const int fd = open(line, O_RDONLY | O_CLOEXEC);
    const ssize_t got = fd >= 0 ? read(fd, line, sizeof(line) - 1) : -1;
    if (fd >= 0)
        close(fd);
    line[got > 0 ? got : 0] = '\0';
    return proc_read_ticks(line, ret_ticks);
}

/* By the time that the processors had: a guest whose host has little left for it is as busy as it
 * feels. */
static void look(struct watch *watch)
{
    struct sample_number *processor = &watch->sight.sample.processor;
    const long a_second = sysconf(_SC_CLK_TCK), n = sysconf(_SC_NPROCESSORS_ONLN);
    struct proc_ticks ticks = {0};
    const bool read = read_ticks(watch, &ticks);
    const int64_t time = (int64_t)(ticks.all * 1000 / (uint64_t)(a_second * (n > 0 ? n : 1)));
    meter_take_at(&watch->processor, read ? &ticks.busy : NULL, "/proc/stat",
                  watch->config->sustained, time, processor);
    processor->value /= (double)a_second;
}

static void judge(const struct watch_config *config, const struct watch_sample *sample,
                  struct vetoes *vetoes)
{
    if (sample->processor.value >= config->processor)
        veto(vetoes, FACT(VETO_PROCESSOR, .n = {(int64_t)(sample->processor.value * 100 + 0.5),
                                                (int64_t)(config->processor * 100 + 0.5)}));
}

const struct veto_check veto_processor = {"processor", false, counts,
                                          look,        judge, VETO_PROBLEM(processor)};
