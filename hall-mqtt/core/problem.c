#include "core/problem.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/text.h"
#include "core/state.h"

/* A project's site may rest while its server is up: what is wrong with it, the project tells. */
static bool is_of_server(const struct model *model, const struct model_check *check)
{
    return check->site == MODEL_NONE || !model->sites[check->site].is_project;
}

/* Beside others, a check that its owner did not name says nothing. */
static bool speaks(const struct model_server *server, const struct model_check *check)
{
    return check->required || check->site != MODEL_NONE || !server->any_site;
}

/* While it starts, what does not answer yet is no fault; a bad certificate gets no better. */
static bool is_known(const struct power *power, const struct check_state *state)
{
    return evidence_fails(state) &&
           (!power->wake.open || fault_is_of_tls((enum fault_code)state->fault.code));
}

int problem_check(const struct power *power, const struct model *model, int server)
{
    const struct model_server *configured = &model->servers[server];
    int found = MODEL_NONE;

    if (!power->evidence.alive && power->failure != FAILURE_NOT_READY)
        return MODEL_NONE;
    for (size_t i = 0; i < configured->n_checks; i++) {
        const struct model_check *check = &configured->checks[i];

        if (!is_known(power, &power->evidence.checks[i]) || !speaks(configured, check) ||
            !is_of_server(model, check))
            continue;
        if (check->required)
            return (int)i;
        if (found == MODEL_NONE)
            found = (int)i;
    }
    return found;
}

int problem_untold(struct power *power, const struct model *model, int server)
{
    const struct model_server *configured = &model->servers[server];

    for (size_t i = 0; i < configured->n_checks; i++) {
        struct check_state *state = &power->evidence.checks[i];
        const bool known = power->evidence.alive && is_known(power, state);
        const uint8_t code = known ? state->fault.code : FAULT_NONE;

        if (code == state->told)
            continue;
        state->told = code;
        if (known && speaks(configured, &configured->checks[i]) &&
            is_of_server(model, &configured->checks[i]))
            return (int)i;
    }
    return MODEL_NONE;
}

struct fault problem_of_site(const struct fleet *fleet, int site)
{
    const struct model_site *configured = &fleet->model->sites[site];
    const struct power *power = &fleet->powers[configured->server];
    const bool looked_at = power->evidence.alive || power->failure == FAILURE_NOT_READY;

    if (configured->check == MODEL_NONE || !looked_at ||
        !is_known(power, &power->evidence.checks[configured->check]))
        return (struct fault){.code = FAULT_NONE};
    return power->evidence.checks[configured->check].fault;
}

struct fact problem_of_fault(struct fault fault)
{
    if (fault.code == FAULT_NONE)
        return FACT(NONE);
    return (struct fact){.parts = {{.code = (uint16_t)(FACT_CHECK_SILENT + fault.code - 1),
                                    .subject = MODEL_NONE,
                                    .n = {fault.number}}}};
}

struct fact problem_of_check(const struct power *power, int server, int check)
{
    struct fact fact = problem_of_fault(power->evidence.checks[check].fault);

    if (fact_is(&fact, FACT_NONE))
        return fact;
    fact.parts[0].subject = server;
    fact.parts[0].word = (uint8_t)check;
    return fact;
}

static struct fact dispute(const struct power *power, const struct model_server *server)
{
    const struct macs *macs = &power->evidence.macs;
    char address[INET_ADDRSTRLEN], first[MAC_TEXT_SIZE], second[MAC_TEXT_SIZE];
    char both[2 * MAC_TEXT_SIZE + 2];

    if (!evidence_is_disputed(&power->evidence, server))
        return FACT(NONE);
    (void)inet_ntop(AF_INET, &server->address, address, sizeof(address));
    snprintf(both, sizeof(both), "%s, %s", text_format_mac(macs->heard[0], first),
             text_format_mac(macs->heard[1], second));
    return fact_with(FACT(ADDRESS_SHARED), address, both);
}

static bool keeps_hours(const struct fleet *fleet, int site)
{
    const struct model_site *model = &fleet->model->sites[site];
    const struct model_domain *domain = &fleet->model->domains[model->domain];
    const struct override *override = &fleet->overrides[model->server];
    const enum policy_mode mode = override->policy_set ? override->policy : domain->policy.mode;

    return (mode == POLICY_SCHEDULED && domain->policy.n_windows > 0) ||
           model->hours.n_windows > 0 || domain->access.hours.n_windows > 0;
}

/* Its hours wait for a clock that should be known by now. */
static struct fact waiting(const struct fleet *fleet, int server)
{
    if (fleet->clock_trusted || !fleet->clock_missed)
        return FACT(NONE);
    for (int site = fleet->site_first[server]; site != MODEL_NONE; site = fleet->site_next[site])
        if (keeps_hours(fleet, site))
            return FACT(CLOCK_SCHEDULE);
    return FACT(NONE);
}

/* It runs, but where nobody looks for it. */
static struct fact moved(const struct power *power)
{
    char address[INET_ADDRSTRLEN];

    if (power->moved.s_addr == 0 || power->evidence.alive)
        return FACT(NONE);
    (void)inet_ntop(AF_INET, &power->moved, address, sizeof(address));
    return fact_with(FACT(ADDRESS_MOVED), address, NULL);
}

struct fact fleet_problem(const struct fleet *fleet, int server)
{
    const struct power *power = &fleet->powers[server];
    const struct fact shared = dispute(power, &fleet->model->servers[server]);
    struct fact told = fact_is(&shared, FACT_NONE) ? moved(power) : shared;

    if (fact_is(&told, FACT_NONE))
        told = power_problem(power);
    const int check = problem_check(power, fleet->model, server);

    if (!fact_is(&told, FACT_NONE))
        return told;
    return check != MODEL_NONE ? problem_of_check(power, server, check) : waiting(fleet, server);
}
