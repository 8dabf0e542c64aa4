/* Two projects on one of the servers, which share a container; its agent starts and stops them. */
#include "base/text.h"
#include "world.h"

enum { BOXES = 3, OF_A = 1 | 4, OF_B = 2 | 4 };

static const char *names[2][2] = {{"a-web", "db"}, {"b-web", "db"}};
static const char *const all_names[BOXES] = {"a-web", "b-web", "db"};

static unsigned boxes_of(const struct world *world, int site)
{
    return site == world->docker.first ? OF_A : OF_B;
}

bool containers_site(const struct world *world, int site)
{
    return world->docker.first > 0 && site >= world->docker.first;
}

void containers_plan(struct world *world, int server)
{
    struct plan *plan = &world->plan;
    struct model_server *model = &plan->servers[server];
    struct model_domain *domain = &plan->domains[2 * server];
    static const char *const ids[] = {"a", "b"};
    const int64_t idle = between(world, 3, 10) * MINUTE;

    world->docker = (struct docker){.server = server, .first = (int)plan->model.n_sites};
    for (int i = 0; i < 2; i++) {
        const int site = world->docker.first + i;

        plan->sites[site] = plan->sites[2 * server];
        plan->sites[site].id = plan->sites[site].name = ids[i];
        plan->sites[site].is_project = true;
        snprintf(plan->upstreams[site], sizeof(plan->upstreams[site]), "http://192.0.2.%d:%d",
                 10 + server, 8000 + site);
        plan->sites[site].upstream = plan->upstreams[site];
        plan->sites[site].path = i == 0 ? "/a" : "/b";
        plan->sites[site].n_containers = 2;
        plan->sites[site].containers = names[i];
        plan->sites[site].idle_stop = idle;
        plan->sites[site].check = (int)model->n_checks;
        plan->checks[server][model->n_checks++] =
            (struct model_check){.kind = CHECK_HTTP, .site = site};
        domain->projects[domain->n_projects++] = site;
    }
    plan->model.n_sites += 2;
}

bool containers_pass(const struct world *world, int site)
{
    const unsigned boxes = boxes_of(world, site);

    return (world->docker.up & boxes) == boxes && (world->docker.moving & boxes) == 0;
}

/* What its agent tells, as said.boots. */
void containers_tell(struct world *world, int server)
{
    const struct said said = {.kind = SAID_CONTAINERS, .server = server, .boots = world->docker.up};

    if (server == world->docker.server && world->docker.first > 0)
        wire_publish(world, &said);
}

void containers_hear(struct world *world, const struct said *said)
{
    static struct containers_told told;
    const struct fleet_event event = {
        .kind = FLEET_CONTAINERS, .server = said->server, .containers = &told};

    told = (struct containers_told){.docker_up = true, .n = BOXES};
    for (unsigned i = 0; i < BOXES; i++) {
        text_copy(told.list[i].name, sizeof(told.list[i].name), all_names[i]);
        told.list[i].state = said->boots >> i & 1 ? CONTAINER_RUNNING : CONTAINER_EXITED;
    }
    hall_feed(world, &event);
}

/* A boot leaves them stopped, or as they are set to be. */
void containers_boot(struct world *world, int server)
{
    if (server == world->docker.server) {
        world->docker.up = chance(world, 500) ? 7 : 0;
        world->docker.moving = 0;
    }
}

/* ---- orders ---- */

/* Who came to a project within its idle time must find it. */
static void judge_stop(struct world *world, unsigned boxes)
{
    for (int site = world->docker.first; site < world->docker.first + 2; site++) {
        const int64_t used = world->docker.used[site - world->docker.first];

        world->counts[COUNT_JUDGED]++;
        if (used > 0 && (boxes_of(world, site) & boxes) != 0 && containers_pass(world, site) &&
            world->t - used < world->plan.sites[site].idle_stop - SECOND)
            judge_fail(world, "container", "%s is stopped, and was used %d s ago",
                       world->plan.sites[site].id, (int)((world->t - used) / SECOND));
    }
}

static void on_moved(struct world *world, const struct moment *moment)
{
    struct said said = moment->said;
    struct docker *docker = &world->docker;

    if (world->machines[said.server].suspended) { /* it goes on when the machine does */
        world_later_said(world, 5 * SECOND, on_moved, &moment->said, 0);
        return;
    }
    if (!machine_is_on(world, said.server) || (docker->moving & said.boots) == 0)
        return;
    docker->moving &= ~said.boots;
    said.kind = SAID_RESULT;
    said.answer = chance(world, 30) ? SLEEP_FAILED : SLEEP_DONE;
    if (said.answer == SLEEP_DONE && said.starts)
        docker->up |= said.boots;
    else if (said.answer == SLEEP_DONE)
        docker->up &= ~said.boots;
    tell(world, "containers %u of %s are %s%s", said.boots, world->plan.names[said.server],
         said.starts ? "started" : "stopped", said.answer == SLEEP_DONE ? "" : ", in vain");
    wire_publish(world, &said);
    containers_tell(world, said.server);
    judge_truth(world, said.server);
    judge_look(world, said.server);
}

void containers_ordered(struct world *world, const struct said *asked)
{
    struct said said = *asked;

    world->docker.moving |= said.boots;
    said.kind = SAID_RESULT;
    said.answer = SLEEP_ACCEPTED;
    wire_publish(world, &said);
    world_later_said(world, between(world, 500, 20000), on_moved, asked, 0);
}

bool containers_order(struct world *world, const struct action *action)
{
    const struct project *project = fleet_project(world->hall.fleet, action->project.site);
    struct said said = {.kind = SAID_ASK,
                        .server = action->server,
                        .containers = true,
                        .starts = action->project.verb == PROJECT_START,
                        .expires = world->t + action->project.lasts};

    text_copy(said.id, sizeof(said.id), action->project.id);
    for (size_t i = 0; i < project->n; i++)
        for (unsigned box = 0; box < BOXES; box++)
            if ((project->containers[i].ordered || world->broken == BREAK_SHARED) &&
                strcmp(project->containers[i].name, all_names[box]) == 0)
                said.boots |= 1U << box;
    tell(world, "Hall orders containers %u of %s %s", said.boots, world->plan.names[action->server],
         said.starts ? "started" : "stopped");
    if (!said.starts)
        judge_stop(world, said.boots);
    return wire_ask(world, &said);
}

void containers_used(struct world *world, int site)
{
    if (containers_site(world, site))
        world->docker.used[site - world->docker.first] = world->t;
}

/* A kill loses what was not written yet. */
void containers_forget(struct world *world)
{
    for (int i = 0; i < 2; i++)
        if (world->t - world->docker.used[i] <= 31 * SECOND)
            world->docker.used[i] = 0;
}
