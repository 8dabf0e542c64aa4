/* Containers that several projects of a server list: one of them does not stop or restart what
 * another one needs. */
#include <string.h>

#include "core/facts/agent_ports.h"
#include "core/rules/project_internal.h"

/* How much a project needs its containers. */
enum need {
    NEED_NONE,
    NEED_RUNS,   /* it runs, and nothing has asked for its end */
    NEED_WANTED, /* it is visited, busy, starting, or was told to start */
};

struct holder {
    const struct project *project; /* NULL: nobody else lists it */
    enum need need;
};

static bool is_visited(const struct step *step, const struct project *project)
{
    const struct model_site *site = project_site(step, project);
    const int64_t used = step->fleet->sites[project->site].last_visit;

    if (agent_ports_move(step, project->site))
        return true;
    if (site->idle_stop == 0)
        return lease_find(step->power->leases, LEASE_VISIT, project->site, "") ||
               lease_find(step->power->leases, LEASE_STREAM, project->site, "");
    return used != 0 && used + site->idle_stop > step->now.boot;
}

static bool is_coming(const struct project *project)
{
    return project->wanted || project->order == PROJECT_START ||
           project->order == PROJECT_RESTART ||
           (project->asked & (project_bit(PROJECT_START) | project_bit(PROJECT_RESTART))) != 0;
}

static enum need need_of(const struct step *step, const struct project *project)
{
    const int64_t idle_at = project_idle_at(step, project);

    if (is_coming(project))
        return NEED_WANTED;
    if (!project_is_running(project) || project->order == PROJECT_STOP)
        return NEED_NONE;
    if (is_visited(step, project) || project_is_busy(project))
        return NEED_WANTED;
    return idle_at > 0 && idle_at <= step->now.boot ? NEED_NONE : NEED_RUNS;
}

static struct container *find(const struct project *project, const char *name)
{
    for (size_t i = 0; i < project->n; i++)
        if (strcmp(project->containers[i].name, name) == 0)
            return &project->containers[i];
    return NULL;
}

/* Of the others that list a container, the one that needs it most. */
static struct holder holder_of(const struct step *step, const struct project *project,
                               const char *name)
{
    struct holder holder = {0};
    const struct project *other;

    for (other = projects_first(step); other; other = projects_next(other)) {
        if (other == project || !find(other, name))
            continue;
        const enum need need = need_of(step, other);

        if (!holder.project || need > holder.need)
            holder = (struct holder){other, need};
    }
    return holder;
}

static void note_spared(const struct step *step, struct project *project, enum project_verb verb,
                        const char *name, size_t n)
{
    const struct holder holder = holder_of(step, project, name);

    if (!holder.project)
        return;
    const struct fact spared =
        FACT(PROJECT_SPARED, .subject = holder.project->site, .n = {(int64_t)n - 1});
    project->spared = fact_with(spared, name, NULL);
    if (verb != PROJECT_STOP)
        project->spared.parts[0].code = FACT_PROJECT_SPARED_RESTART;
}

/* Does no other project need it by `least` or more? */
static bool is_free(const struct step *step, const struct project *project,
                    const struct container *container, enum need least)
{
    return holder_of(step, project, container->name).need < least;
}

/* Takes what is free, and is not being stopped already. */
static size_t choose(const struct step *step, struct project *project, enum project_verb verb,
                     enum need least)
{
    const char *spared = NULL;
    size_t n = 0, n_spared = 0;

    for (size_t i = 0; i < project->n; i++) {
        struct container *container = &project->containers[i];
        const bool free = is_free(step, project, container, least);

        container->ordered = free && !container->leaving;
        n += container->ordered;
        n_spared += !free;
        if (!free && !spared)
            spared = container->name;
    }
    project->spared = FACT(NONE);
    if (spared)
        note_spared(step, project, verb, spared, n_spared);
    return n;
}

bool project_has_own(const struct step *step, const struct project *project)
{
    for (size_t i = 0; i < project->n; i++)
        if (!project->containers[i].leaving && container_is_up(&project->containers[i]) &&
            is_free(step, project, &project->containers[i], NEED_RUNS))
            return true;
    return false;
}

size_t project_choose(const struct step *step, struct project *project, enum project_verb verb)
{
    size_t n = choose(step, project, verb, NEED_RUNS);

    /* A command may end what only runs, where there is nothing else to stop. */
    if (n == 0 && project->asked)
        n = choose(step, project, verb, NEED_WANTED);
    return n;
}

void project_choose_all(struct project *project)
{
    for (size_t i = 0; i < project->n; i++)
        project->containers[i].ordered = true;
}

void project_mark_leaving(struct step *step, const struct project *project, bool leaving)
{
    struct project *other;

    for (other = projects_first(step); other; other = projects_next(other))
        for (size_t i = 0; other != project && i < project->n; i++) {
            struct container *same = find(other, project->containers[i].name);

            if (!same || !project->containers[i].ordered)
                continue;
            same->leaving = leaving;
            project_forget_answer(step, other);
        }
}

bool project_is_taken(const struct step *step, const struct project *project)
{
    const struct project *other;

    for (other = projects_first(step); other; other = projects_next(other))
        for (size_t i = 0; other != project && other->order != PROJECT_NOTHING && i < other->n; i++)
            if (other->containers[i].ordered && find(project, other->containers[i].name))
                return true;
    return false;
}
