#include "bridges/agent/watch/vetoes.h"

/* In the order in which people read them. */
const struct veto_check *const veto_checks[VETO_CHECKS] = {
    &veto_sessions,  &veto_inhibitors, &veto_connections, &veto_shares,  &veto_terminals,
    &veto_copies,    &veto_packages,   &veto_jobs,        &veto_guests,  &veto_execs,
    &veto_processes, &veto_processor,  &veto_load,        &veto_network, &veto_disk,
    &veto_command,   &veto_containers};

bool veto_allows_unseen(const struct watch_config *config, const struct veto_check *check)
{
    for (size_t i = 0; i < VETO_CHECKS; i++)
        if (veto_checks[i] == check)
            return (config->unseen >> i & 1) != 0;
    return false;
}

void veto(struct vetoes *vetoes, struct fact fact)
{
    if (vetoes->n == VETOES_MAX)
        vetoes->more++;
    else
        vetoes->list[vetoes->n++] = fact;
}

void veto_more(struct vetoes *vetoes, const char *check, size_t more)
{
    if (more > 0)
        veto(vetoes, fact_with(FACT(VETO_MORE, .n = {(int64_t)more}), check, NULL));
}

static const struct fact *problem_of(const struct veto_check *check,
                                     const struct watch_sample *sample)
{
    static const struct fact none;
    return check->problem > 0 ? (const void *)((const char *)sample + check->problem) : &none;
}

void vetoes_judge(const struct watch_config *config, const struct watch_sample *sample, bool asked,
                  struct vetoes *ret_vetoes)
{
    ret_vetoes->asked = asked;
    ret_vetoes->n = ret_vetoes->more = 0;
    for (size_t i = 0; i < VETO_CHECKS; i++) {
        const struct veto_check *check = veto_checks[i];
        const struct fact *problem = problem_of(check, sample);
        if (check->counts && !check->counts(config))
            continue;
        if (fact_is(problem, FACT_NONE))
            check->judge(config, sample, ret_vetoes);
        else if (!veto_allows_unseen(config, check))
            veto(ret_vetoes,
                 fact_because(fact_with(FACT(VETO_UNKNOWN), check->name, NULL), problem));
    }
}
