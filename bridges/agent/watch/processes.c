/* Programs that run, by name. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "bridges/agent/watch/watch_internal.h"

static bool counts(const struct watch_config *config)
{
    return config->n_processes > 0;
}

static bool read_comm(struct watch *watch, const char *pid, char comm[PROC_COMM_SIZE])
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
    return watch_read(watch, path) && proc_read_comm(watch->text, comm);
}

static void take(struct watch *watch, const char *comm)
{
    const struct watch_config *config = watch->config;
    struct watch_sample *sample = &watch->sight.sample;
    bool wanted = false;
    for (size_t i = 0; i < config->n_processes && !wanted; i++)
        wanted = proc_is_named(comm, config->processes[i]);
    for (size_t i = 0; i < sample->processes.n && wanted; i++)
        wanted = strcmp(sample->processes.list[i], comm) != 0;
    if (!wanted)
        return;
    if (sample->processes.n == SAMPLE_SEEN_MAX)
        sample->processes.more++;
    else
        text_show(sample->processes.list[sample->processes.n++], PROC_COMM_SIZE, comm,
                  strlen(comm));
}

static void look(struct watch *watch)
{
    struct watch_sample *sample = &watch->sight.sample;
    char comm[PROC_COMM_SIZE];
    DIR *directory = opendir("/proc");
    sample->processes.n = sample->processes.more = 0;
    sample->processes.problem =
        directory && read_comm(watch, "1", comm) ? FACT(NONE) : FACT(LOOK_HIDDEN);
    const struct dirent *entry;
    while (directory && (entry = readdir(directory)))
        if (isdigit((unsigned char)entry->d_name[0]) && read_comm(watch, entry->d_name, comm))
            take(watch, comm);
    if (directory)
        closedir(directory);
}

static void judge(const struct watch_config *config, const struct watch_sample *sample,
                  struct vetoes *vetoes)
{
    (void)config;
    for (size_t i = 0; i < sample->processes.n; i++)
        veto(vetoes, fact_with(FACT(VETO_PROCESS), sample->processes.list[i], NULL));
    veto_more(vetoes, "processes", sample->processes.more);
}

const struct veto_check veto_processes = {"processes", false, counts,
                                          look,        judge, VETO_PROBLEM(processes)};
