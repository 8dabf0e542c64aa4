#include "web/gate/gate.h"

#include <string.h>

#include "base/address.h"
#include "base/array.h"
#include "web/gate/reading.h"

enum { ACCESS_WAKES = 3 };

/*
 * The decision table: what each kind of client gets when the site is ready, and when it is not.
 */
static const struct gate_row {
    const char *name;
    bool uses;                /* ready: counts as use */
    bool wakes[ACCESS_WAKES]; /* not ready: wakes, by access.wake; beside that the start button */
    enum verdict not_ready;
} rows[CLIENT_KINDS] = {
    /* clang-format off */
    /*                    name         uses    visit  click  person   not ready */
    [CLIENT_BROWSER]   = {"browser",   true,  {true,  false, true},  VERDICT_PAGE},
    [CLIENT_FRAME]     = {"frame",     true,  {true,  false, false}, VERDICT_PAGE},
    [CLIENT_API]       = {"api",       true,  {true,  false, false}, VERDICT_PROBLEM},
    [CLIENT_ASSET]     = {"asset",     false, {false, false, false}, VERDICT_BARE},
    [CLIENT_WEBSOCKET] = {"websocket", true,  {true,  false, false}, VERDICT_BARE}, /* where the domain says so */
    [CLIENT_MONITOR]   = {"monitor",   false, {false, false, false}, VERDICT_PROBLEM},
    [CLIENT_FOREIGN]   = {"foreign",   false, {false, false, false}, VERDICT_BARE},
    /* clang-format on */
};

const char *client_kind_name(enum client_kind kind)
{
    return rows[kind].name;
}

bool client_sees_page(enum client_kind kind)
{
    return rows[kind].not_ready == VERDICT_PAGE;
}

void gate_init(struct gate *gate, const struct config *config)
{
    *gate = (struct gate){.config = config};
    gate->proxies = (struct proxies){config->http.n_trusted_proxies, config->http.trusted_proxies,
                                     config->proxy.n_trusted, config->proxy.trusted};
    robots_init(&gate->robots, config->http.n_monitors, config->http.monitors);
}

static bool rule_fits(const struct model_rule *rule, const struct request *request)
{
    const char *agent = request->fields[FIELD_USER_AGENT];
    if (rule->agent && (!agent || !strcasestr(agent, rule->agent)))
        return false;
    if (rule->method && strcmp(request->method, rule->method) != 0)
        return false;
    return (!rule->path || reading_is_below(request->path, rule->path)) &&
           cidr_contains(&rule->address, request->address);
}

const struct model_rule *gate_rule(const struct gate *gate, const struct place *place,
                                   const struct request *request)
{
    if (place->domain == MODEL_NONE)
        return NULL;
    const struct model_access *access = &gate->config->model.domains[place->domain].access;
    for (size_t i = 0; i < access->n_monitors; i++) {
        if (rule_fits(&access->monitors[i], request))
            return &access->monitors[i];
    }
    return NULL;
}

enum client_kind gate_client(const struct gate *gate, const struct model_rule *rule,
                             const struct request *request)
{
    return client_of(&gate->robots, &gate->config->model, rule, request);
}

/* A domain with projects and no upstream of its own has nothing outside them. */
static bool has_nothing_there(const struct model *model, const struct model_domain *domain,
                              int site)
{
    return site == domain->site && domain->n_projects > 0 && !model->sites[site].upstream;
}

struct place gate_place(const struct gate *gate, const struct request *request)
{
    const struct model *model = &gate->config->model;
    struct place place = {PLACE_UNKNOWN_HOST, MODEL_NONE, MODEL_NONE, MODEL_NONE};

    if (request->host[0] != '\0')
        place.domain = model_domain_by_host(model, request->host);
    if (place.domain == MODEL_NONE)
        return place;
    const struct model_domain *domain = &model->domains[place.domain];
    int site = reading_site(model, place.domain, request->path);
    place.kind = site == MODEL_NONE ? PLACE_HELPER : PLACE_UNKNOWN_PATH;
    if (site == MODEL_NONE || has_nothing_there(model, domain, site))
        return place;
    place.kind = PLACE_SITE;
    place.site = site;
    place.server = model->sites[site].server;
    return place;
}

int gate_site(const struct gate *gate, const struct place *place, const struct request *request)
{
    const struct model *model = &gate->config->model;
    if (place->domain == MODEL_NONE)
        return MODEL_NONE;
    return place->kind == PLACE_HELPER ? model->domains[place->domain].site
                                       : reading_site(model, place->domain, request->path);
}

bool gate_is_doubtful(const struct gate *gate, const struct place *place,
                      const struct request *request)
{
    return place->domain != MODEL_NONE &&
           reading_is_doubtful(&gate->config->model, place->domain, request->target, request->path);
}

/* Hall's own addresses belong to no site: there it is the domain that must be the same. */
static size_t compared_length(const struct place *place, const char *told)
{
    if (place->kind == PLACE_HELPER)
        return strcspn(told, "/ \t");
    size_t length = strlen(told);
    while (length > 0 && (told[length - 1] == ' ' || told[length - 1] == '\t'))
        length--;
    return length;
}

bool gate_agrees(const struct gate *gate, const struct place *place, const struct request *request)
{
    const char *told = request->trusted ? request->fields[FIELD_HALL_SITE] : NULL;
    char room[SITE_NAME_SIZE];
    if (!told)
        return true;
    const struct model *model = &gate->config->model;
    int site = gate_site(gate, place, request);
    const char *name = site == MODEL_NONE ? "" : site_name(model, &model->sites[site], room);
    size_t length = compared_length(place, told);
    return strlen(name) == length && strncmp(told, name, length) == 0;
}

static bool any_holds(size_t n, const struct cidr *ranges, const struct request *request)
{
    for (size_t i = 0; i < n; i++) {
        if (cidr_contains(&ranges[i], request->address))
            return true;
    }
    return false;
}

/* Without a list everyone is let in. */
static bool lets_in(size_t n, const struct cidr *allow, const struct request *request)
{
    return n == 0 || any_holds(n, allow, request);
}

bool gate_allows(const struct gate *gate, const struct place *place, const struct request *request)
{
    if (place->domain == MODEL_NONE)
        return true;
    const struct model *model = &gate->config->model;
    const struct model_access *access = &model->domains[place->domain].access;
    if (any_holds(access->n_deny, access->deny, request) ||
        !lets_in(access->n_allow, access->allow, request))
        return false;
    return place->site == MODEL_NONE ||
           lets_in(model->sites[place->site].n_allow, model->sites[place->site].allow, request);
}

static bool may_wake(const struct model_access *access, enum client_kind client)
{
    return rows[client].wakes[access->wake] &&
           (client != CLIENT_WEBSOCKET || access->websocket_wakes);
}

/* Why this client wakes nothing, for those who can read. */
static uint16_t why_not(const struct model_access *access, enum client_kind client)
{
    if (client == CLIENT_MONITOR)
        return FACT_ACCESS_MONITOR;
    return access->wake == ACCESS_WAKE_PERSON ? FACT_ACCESS_WAKE_PERSON : FACT_ACCESS_WAKE_CLICK;
}

/* What a person sends in a form would be lost with a page; what he only asks for is not. */
static bool may_be_held(enum client_kind client, const struct request *request)
{
    return client == CLIENT_API || ((client == CLIENT_BROWSER || client == CLIENT_FRAME) &&
                                    !request_is_repeatable(request->method));
}

static void decide_not_ready(struct decision *decision, const struct request *request,
                             const struct model_access *access)
{
    decision->verdict = rows[decision->client].not_ready;
    decision->wakes = may_wake(access, decision->client);
    if (!decision->wakes)
        decision->why_not = why_not(access, decision->client);
    decision->hold = may_be_held(decision->client, request) ? access->hold : 0;
}

struct decision gate_decide(const struct gate *gate, const struct request *request,
                            const struct place *place, bool ready, const struct guard *guard)
{
    const struct model_rule *rule = gate_rule(gate, place, request);
    struct decision decision = {.verdict = VERDICT_UNKNOWN,
                                .place = *place,
                                .client = gate_client(gate, rule, request),
                                .unwanted = rule && rule->as == RULE_AS_REFUSED,
                                .astray = !gate_agrees(gate, place, request)};

    if (decision.astray || decision.unwanted || !gate_allows(gate, place, request)) {
        decision.verdict = VERDICT_REFUSED;
    } else if (place->kind == PLACE_SITE && guard) {
        decision.verdict = VERDICT_LIMITED;
        decision.guard = *guard;
    } else if (place->kind == PLACE_SITE && ready) {
        decision.verdict = VERDICT_PASS;
        decision.uses = rows[decision.client].uses;
    } else if (place->kind == PLACE_SITE) {
        decide_not_ready(&decision, request, &gate->config->model.domains[place->domain].access);
    }
    return decision;
}
