/* What others ask of the fleet. */
#include "core/state.h"

enum { IDLE_DEFAULT = 20 * 60000 };

const struct model *fleet_model(const struct fleet *fleet)
{
    return fleet->model;
}

const struct power *fleet_power(const struct fleet *fleet, int server)
{
    return &fleet->powers[server];
}

const struct site_state *fleet_site(const struct fleet *fleet, int site)
{
    return &fleet->sites[site];
}

int fleet_first_site(const struct fleet *fleet, int server)
{
    return fleet->site_first[server];
}

int fleet_next_site(const struct fleet *fleet, int site)
{
    return fleet->site_next[site];
}

bool fleet_site_ready(const struct fleet *fleet, int site)
{
    return fleet->sites[site].ready;
}

enum policy_mode fleet_policy(const struct fleet *fleet, int server)
{
    const struct model *model = fleet->model;
    enum policy_mode strongest = POLICY_ON_DEMAND;

    if (fleet->overrides[server].policy_set)
        return fleet->overrides[server].policy;
    for (int site = fleet->site_first[server]; site != MODEL_NONE; site = fleet->site_next[site]) {
        const enum policy_mode mode = model->domains[model->sites[site].domain].policy.mode;

        if (mode < strongest)
            strongest = mode;
    }
    return strongest;
}

int64_t fleet_idle(const struct fleet *fleet, int server)
{
    const struct model *model = fleet->model;
    int64_t longest = 0;

    if (fleet->overrides[server].idle > 0)
        return fleet->overrides[server].idle;
    for (int site = fleet->site_first[server]; site != MODEL_NONE; site = fleet->site_next[site]) {
        const int64_t idle = model->domains[model->sites[site].domain].policy.idle;

        if (idle > longest)
            longest = idle;
    }
    return longest > 0 ? longest : IDLE_DEFAULT;
}

bool fleet_keep_awake(const struct fleet *fleet, int server)
{
    return lease_find(fleet->powers[server].leases, LEASE_HOLD, MODEL_NONE, KEEP_AWAKE);
}
