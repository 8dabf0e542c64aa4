#include "words/payload_internal.h"

const char *payload_project_state_name(unsigned index)
{
    return index < PROJECT_STATES ? project_state_name((enum project_state)index) : NULL;
}

const char *payload_project_state(const struct fleet *fleet, const struct model *model, int site)
{
    (void)model;
    return project_state_name(fleet_project_state(fleet, site));
}

/* What its agent tells of it is shown only while that is to be believed. */
static void put_container(struct page *page, const struct container *container, bool known)
{
    json_begin_object(&page->json, NULL);
    json_put_string(&page->json, "name", container->name);
    json_put_string(&page->json, "state",
                    known ? container_state_name((enum container_state)container->state) : NULL);
    json_put_string(&page->json, "health",
                    known ? container_health_name((enum container_health)container->health) : NULL);
    json_end_object(&page->json);
}

static void put_containers(struct page *page, int site)
{
    const struct project *project = fleet_project(page->fleet, site);
    const bool known = fleet_project_is_known(page->fleet, site);

    json_begin_array(&page->json, "containers");
    for (size_t i = 0; project && i < project->n; i++)
        put_container(page, &project->containers[i], known);
    json_end_array(&page->json);
}

int payload_project_status(const struct fleet *fleet, const struct model *model, int site,
                           enum say_language language, struct now now, struct buf *out)
{
    const struct model_site *configured = &model->sites[site];
    const struct site_state *state = fleet_site(fleet, site);
    struct page page = {.fleet = fleet, .model = model, .language = language, .now = now};
    const struct fact problem = fleet_project_problem(fleet, site);
    page_begin(&page, out);
    json_put_string(&page.json, "state", payload_project_state(fleet, model, site));
    json_put_string(&page.json, "server", model->servers[configured->server].id);
    json_put_string(&page.json, "domain", model->domains[configured->domain].name);
    json_put_string(&page.json, "path", configured->path);
    put_containers(&page, site);
    json_put_integer(&page.json, "visits", state->visits);
    /* It may be from before this machine was started. */
    json_put_time(&page.json, "last_visit",
                  state->last_visit != 0 ? clock_wall_at(now, state->last_visit) : 0);
    page_put_fact(&page, "problem", &problem);
    return page_end(&page);
}

/* Of a project without names its agent takes all that it finds; by name it takes only those. */
static void put_ordered(struct page *page, const struct project *project)
{
    bool all = !project->configured;

    for (size_t i = 0; i < project->n; i++)
        all &= project->containers[i].ordered;
    if (all) {
        json_put_null(&page->json, "containers");
        return;
    }
    json_begin_array(&page->json, "containers");
    for (size_t i = 0; i < project->n; i++)
        if (project->containers[i].ordered)
            json_put_string(&page->json, NULL, project->containers[i].name);
    json_end_array(&page->json);
}

int payload_agent_project(const struct model_site *site, const struct project *project,
                          const char *id, enum project_verb verb, int64_t expires_wall,
                          struct buf *out)
{
    struct page page = {0};
    page_begin(&page, out);
    json_put_string(&page.json, "id", id);
    json_put_string(&page.json, "action", project_verb_name(verb));
    json_put_time(&page.json, "expires", expires_wall);
    json_put_bool(&page.json, "force", false);
    json_put_string(&page.json, "project", site->id);
    put_ordered(&page, project);
    return page_end(&page);
}
