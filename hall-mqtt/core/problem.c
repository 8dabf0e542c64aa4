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

/* "site box.example.org", "ping 192.168.1.20". */
static char *name_check(const struct model *model, const struct model_check *check, char *out,
                        size_t size)
{
    char address[INET_ADDRSTRLEN] = "";

    inet_ntop(AF_INET, &check->address, address, sizeof(address));
    if (check->site != MODEL_NONE && model)
        snprintf(out, size, "site %s", model->sites[check->site].id);
    else if (check->kind == CHECK_HTTP)
        snprintf(out, size, "http %s", check->url);
    else if (check->kind == CHECK_TCP)
        snprintf(out, size, "tcp %s:%u", address, (unsigned)check->port);
    else if (check->kind == CHECK_PING)
        snprintf(out, size, "ping %s", address);
    else
        snprintf(out, size, "agent");
    return out;
}

char *problem_say_check(const struct model *model, const struct model_check *check,
                        struct fault fault, char *out, size_t size)
{
    char name[PROBLEM_SIZE], text[FAULT_TEXT_SIZE];

    snprintf(out, size, "%s: %s", name_check(model, check, name, sizeof(name)),
             fault_say(fault, FAULT_ENGLISH, text));
    return out;
}

bool fleet_problem(const struct fleet *fleet, int server, char out[PROBLEM_SIZE])
{
    const struct power *power = &fleet->powers[server];
    char told[REASON_SIZE];
    const int check = problem_check(power, fleet->model, server);

    if (power_problem(power, told))
        text_copy(out, PROBLEM_SIZE, told);
    else if (check != MODEL_NONE)
        problem_say_check(fleet->model, &fleet->model->servers[server].checks[check],
                          power->evidence.checks[check].fault, out, PROBLEM_SIZE);
    else
        out[0] = '\0';
    return out[0] != '\0';
}
