#include "core/facts/agent_ports.h"

#include <string.h>

#include "core/facts/leases.h"

enum {
    WEBSOCKET_LATE = 60000, /* ms: Hall learns that long after it of a websocket that passed */
};

/* ---- which sites ---- */

static bool leads_to(const struct step *step, int site, uint16_t port)
{
    struct model_upstream upstream;

    return model_upstream(step->fleet->model, site, &upstream) && upstream.port == port;
}

static bool is_mapped(const struct step *step, uint16_t port)
{
    const struct fleet *fleet = step->fleet;

    for (int site = fleet_first_site(fleet, step->server); site != MODEL_NONE;
         site = fleet_next_site(fleet, site))
        if (leads_to(step, site, port))
            return true;
    return false;
}

static bool is_meant(const struct step *step, int site, uint16_t port)
{
    return leads_to(step, site, port) || !is_mapped(step, port);
}

/* ---- what moves ---- */

static bool is_moving(const struct step *step, const struct agent_uses *uses)
{
    for (size_t i = 0; i < uses->n; i++)
        if (strcmp(uses->list[i].holder, AGENT_STREAM) == 0)
            return uses->list[i].quiet == 0 || uses->list[i].quiet < step_idle(step);
    return false;
}

/* Where the list of ports is not whole, any may be meant. */
static bool moves_at(const struct step *step, const struct agent_uses *uses, int site)
{
    if (uses->n_ports == 0 || uses->n_ports > AGENT_PORTS_MAX)
        return true;
    for (size_t i = 0; i < uses->n_ports; i++)
        if (is_meant(step, site, uses->ports[i]))
            return true;
    return false;
}

void agent_ports_note(struct step *step, const struct agent_uses *uses)
{
    struct fleet *fleet = step->fleet;
    const bool moving = is_moving(step, uses);

    for (int site = fleet_first_site(fleet, step->server); site != MODEL_NONE;
         site = fleet_next_site(fleet, site)) {
        struct site_state *state = &fleet->sites[site];
        const bool moved = state->moves;

        state->moves = moving && moves_at(step, uses, site);
        if (moved || state->moves)
            state->last_visit = step->now.boot;
    }
}

bool agent_ports_move(const struct step *step, int site)
{
    return step->fleet->sites[site].moves &&
           lease_find(step->power->leases, LEASE_STREAM, MODEL_NONE, AGENT_STREAM);
}

/* ---- what is silent ---- */

static bool had_websocket(const struct step *step, int site, int64_t last)
{
    const int64_t asked = step->fleet->sites[site].websocket;

    return asked > 0 && asked >= step->power->up_since && asked <= last + WEBSOCKET_LATE;
}

static bool counts_at(const struct step *step, int site, const struct agent_silence *silence)
{
    const struct model *model = step->fleet->model;

    return model->domains[model->sites[site].domain].access.websocket_holds &&
           is_meant(step, site, silence->port) &&
           (silence->owed || had_websocket(step, site, step->now.boot - silence->quiet));
}

static bool counts(const struct step *step, const struct agent_silence *silence)
{
    const struct fleet *fleet = step->fleet;

    if (silence->quiet >= step_idle(step))
        return false;
    for (int site = fleet_first_site(fleet, step->server); site != MODEL_NONE;
         site = fleet_next_site(fleet, site))
        if (counts_at(step, site, silence))
            return true;
    return false;
}

bool agent_ports_silent(const struct step *step, const struct agent_uses *uses,
                        struct agent_use *ret_use)
{
    const struct agent_silence *latest = NULL;

    for (size_t i = 0; i < uses->n_silent; i++)
        if (counts(step, &uses->silent[i]) && (!latest || uses->silent[i].quiet < latest->quiet))
            latest = &uses->silent[i];
    if (!latest)
        return false;
    *ret_use = (struct agent_use){
        .holder = AGENT_STREAM,
        .veto =
            fact_with(FACT(STREAM_SILENT, .word = latest->owed ? STREAM_REQUEST : STREAM_WEBSOCKET,
                           .n = {latest->quiet}),
                      latest->from, NULL),
        .until = step->now.boot - latest->quiet + step_idle(step)};
    return true;
}
