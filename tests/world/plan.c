/* What is configured in a world, and what its machines are like. */
#include <arpa/inet.h>

#include "world.h"

static const char *const zones[] = {"UTC", "Europe/Paris", "America/New_York",
                                    "Australia/Lord_Howe"};
/* An hour or more before the clocks there change, and plain days. */
static const int64_t starts[] = {
    INT64_C(1795341600000), /* 2026-11-22T10:00Z */
    INT64_C(1774731600000), /* 2026-03-28T21:00Z */
    INT64_C(1792875600000), /* 2026-10-24T21:00Z */
    INT64_C(1772942400000), /* 2026-03-08T04:00Z */
    INT64_C(1793505600000), /* 2026-11-01T04:00Z */
    INT64_C(1775307600000), /* 2026-04-04T13:00Z */
};

static void make_checks(struct world *world, int server)
{
    struct plan *plan = &world->plan;
    struct model_server *model = &plan->servers[server];
    const bool named = chance(world, 400);
    size_t n = 0;

    model->checks = plan->checks[server];
    model->any_site = !named;
    if (!named || (!world->machines[server].echo_blocked && chance(world, 500)))
        model->checks[n++] =
            (struct model_check){.kind = CHECK_PING, .required = named, .site = MODEL_NONE};
    if (named)
        model->checks[n++] =
            (struct model_check){.kind = CHECK_TCP, .required = true, .site = MODEL_NONE};
    if (named && world->machines[server].has_agent && chance(world, 500))
        model->checks[n++] =
            (struct model_check){.kind = CHECK_AGENT, .required = true, .site = MODEL_NONE};
    for (int site = 2 * server; site < 2 * server + 2; site++) {
        plan->sites[site].check = (int)n;
        model->checks[n++] = (struct model_check){.kind = CHECK_HTTP, .site = site};
    }
    model->n_checks = n;
}

static void make_policy(struct world *world, int domain, int64_t idle)
{
    struct model_policy *policy = &world->plan.domains[domain].policy;
    const uint32_t kind = roll(world, 10);

    *policy =
        (struct model_policy){.mode = POLICY_ON_DEMAND, .idle = idle, .timezone = world->plan.zone};
    if (kind < 7)
        return;
    if (kind == 9) {
        policy->mode = POLICY_ALWAYS_ON;
        return;
    }
    policy->mode = POLICY_SCHEDULED;
    policy->windows = world->plan.windows[domain];
    policy->n_windows = 1 + roll(world, 2);
    for (size_t i = 0; i < policy->n_windows; i++) {
        const uint16_t from = (uint16_t)roll(world, 1440);

        policy->windows[i] = (struct model_window){
            .days = 0x7f, .from = from, .to = (uint16_t)((from + 20 + roll(world, 120)) % 1440)};
        if (policy->windows[i].to == 0)
            policy->windows[i].to = 1;
    }
}

static void make_server(struct world *world, int server)
{
    static const enum sleep_via vias[] = {SLEEP_VIA_AGENT, SLEEP_VIA_AGENT, SLEEP_VIA_AGENT,
                                          SLEEP_VIA_SSH, SLEEP_VIA_NONE};
    struct plan *plan = &world->plan;
    struct machine *machine = &world->machines[server];
    struct model_server *model = &plan->servers[server];
    const enum sleep_via via = vias[roll(world, 5)];

    snprintf(plan->names[server], sizeof(plan->names[server]), "s%d", server);
    machine->has_agent = via == SLEEP_VIA_AGENT || chance(world, 300);
    machine->watched = chance(world, 800);
    machine->echo_blocked = chance(world, 150);
    machine->drops = chance(world, 300);
    machine->bridged = chance(world, 200);
    machine->slow = chance(world, 200) ? between(world, 800, 9000) : 0;
    *model = (struct model_server){
        .id = plan->names[server],
        .name = plan->names[server],
        .address.s_addr = htonl(0xc0000200U + 10 + (uint32_t)server),
        .mac = {2, 0, 0, 0, 0, (uint8_t)(server + 1)},
        .wake = {.port = 9, .timeout = 180 * SECOND},
        .sleep = {.via = via,
                  .mode = chance(world, 300) ? SLEEP_POWEROFF : SLEEP_SUSPEND,
                  .min_up = between(world, 1, 5) * MINUTE,
                  .timeout = between(world, 60, 120) * SECOND},
        .watts_on = -1,
        .watts_asleep = -1,
    };
    make_checks(world, server);
    machine->card_echoes = !machine->echo_blocked && chance(world, 150);
}

static void make_sites(struct world *world, int server)
{
    struct plan *plan = &world->plan;
    const int64_t idle = between(world, 2, 20) * MINUTE;

    for (int i = 2 * server; i < 2 * server + 2; i++) {
        snprintf(plan->hosts[i], sizeof(plan->hosts[i]), "d%d.example", i);
        snprintf(plan->upstreams[i], sizeof(plan->upstreams[i]), "http://192.0.2.%d:%d",
                 10 + server, 8000 + i);
        plan->sites[i] = (struct model_site){.id = plan->hosts[i],
                                             .name = plan->hosts[i],
                                             .server = server,
                                             .domain = i,
                                             .path = "/",
                                             .upstream = plan->upstreams[i],
                                             .check = MODEL_NONE};
        plan->domains[i] =
            (struct model_domain){.name = plan->hosts[i], .server = server, .site = i};
        plan->domains[i].access.websocket_holds = chance(world, 500);
        make_policy(world, i, idle);
    }
}

void plan_make(struct world *world)
{
    struct plan *plan = &world->plan;
    const size_t n = 1 + roll(world, SERVERS_MAX);

    plan->zone = zones[roll(world, sizeof(zones) / sizeof(zones[0]))];
    plan->starts =
        starts[roll(world, sizeof(starts) / sizeof(starts[0]))] + between(world, 0, 3 * HOUR);
    plan->quiet_clock = chance(world, 500);
    for (int server = 0; server < (int)n; server++) {
        make_sites(world, server);
        make_server(world, server);
        if (server > 0 && chance(world, 300))
            plan->servers[server].depends_on[plan->servers[server].n_depends_on++] =
                (int)roll(world, (uint32_t)server);
    }
    plan->model = (struct model){.n_servers = n,
                                 .servers = plan->servers,
                                 .n_domains = 2 * n,
                                 .domains = plan->domains,
                                 .n_sites = 2 * n,
                                 .sites = plan->sites};
    for (int server = 0; server < (int)n; server++)
        if (world->docker.first == 0 && world->machines[server].has_agent && chance(world, 300))
            containers_plan(world, server);
}
