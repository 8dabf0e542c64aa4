#include "core/rules/sites.h"

#include "core/emit.h"
#include "core/facts/projects.h"

/* A domain that has projects and nothing of its own gives no answer: its projects do. */
static bool has_an_answer(const struct model *model, const struct model_site *site)
{
    return site->check != MODEL_NONE || site->is_project ||
           model->domains[site->domain].n_projects == 0;
}

/* The site whose answer ends the wait: a visited one; with no visitors, any that gives one. */
static bool is_waited_for(const struct step *step, int site)
{
    const struct lease_set *set = step->power->leases;
    bool visited = false;

    for (size_t i = 0; i < set->n; i++)
        visited |= set->leases[i].kind == LEASE_VISIT;
    return visited ? lease_find(set, LEASE_VISIT, site, "") != NULL
                   : has_an_answer(step->fleet->model, &step->fleet->model->sites[site]);
}

static bool lets_in(const struct step *step, int site)
{
    const struct power *power = step->power;
    const struct project *project = project_of(step, site);
    const int check = step->fleet->model->sites[site].check;

    /* Its own check speaks for it, whatever else keeps the server from being ready. */
    return power->state != POWER_SLEEPING &&
           evidence_site_answers(&power->evidence, step->model, check) &&
           (!project || project_admits(power, project, check != MODEL_NONE));
}

void sites_update(struct step *step)
{
    struct fleet *fleet = step->fleet;

    for (int site = fleet->site_first[step->server]; site != MODEL_NONE;
         site = fleet->site_next[site]) {
        const bool ready = lets_in(step, site);

        if (ready == fleet->sites[site].ready)
            continue;
        fleet->sites[site].ready = ready;
        if (ready && is_waited_for(step, site))
            step_stage(step, STAGE_SITE_ANSWERS);
        step_emit(step, &(struct action){.kind = ACTION_SITE, .site = {.site = site}});
        step->changed = true;
    }
}
