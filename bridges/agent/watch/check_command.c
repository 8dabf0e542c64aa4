/* A program of the administrator's, which says whether the server is in use. */
#include "bridges/agent/watch/watch_internal.h"

static bool counts(const struct watch_config *config)
{
    return config->command != NULL;
}

static void on_done(void *context, int status, const char *problem)
{
    struct watch *watch = context;
    struct watch_sample *sample = &watch->sight.sample;
    sample->command.active = status == 0;
    sample->command.problem = status < 0   ? fact_with(FACT(SAID), problem, NULL)
                              : status > 1 ? FACT(LOOK_STATUS, .n = {status})
                                           : FACT(NONE);
    watch_answered(watch);
}

int check_command_begin(struct watch *watch)
{
    const struct child_work work = {
        .argv = watch->config->command, .done = on_done, .context = watch};
    return child_create(watch->loop, &work, &watch->command);
}

static void look(struct watch *watch)
{
    watch_await(watch);
    child_run(watch->command);
}

static void judge(const struct watch_config *config, const struct watch_sample *sample,
                  struct vetoes *vetoes)
{
    if (sample->command.active)
        veto(vetoes, fact_with(FACT(VETO_COMMAND), config->command[0], NULL));
}

const struct veto_check veto_command = {"command", false, counts,
                                        look,      judge, VETO_PROBLEM(command)};
