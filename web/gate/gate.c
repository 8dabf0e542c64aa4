#include "web/gate/gate.h"

#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "web/gate/reading.h"

/*
 * The decision table: what each kind of client gets when the site is ready, and when it is not.
 */
static const struct gate_row {
    const char *name;
    bool uses;  /* ready: counts as use */
    bool wakes; /* not ready: wakes (with wake "click" only the start button does) */
    enum verdict not_ready;
} rows[CLIENT_KINDS] = {
    /* clang-format off */
    /*                    name         uses   wakes  not ready */
    [CLIENT_BROWSER]   = {"browser",   true,  true,  VERDICT_PAGE},
    [CLIENT_API]       = {"api",       true,  true,  VERDICT_PROBLEM},
    [CLIENT_ASSET]     = {"asset",     false, false, VERDICT_BARE},
    [CLIENT_WEBSOCKET] = {"websocket", true,  true,  VERDICT_BARE}, /* wakes where the domain says so */
    [CLIENT_MONITOR]   = {"monitor",   false, false, VERDICT_PROBLEM},
    /* clang-format on */
};

const char *client_kind_name(enum client_kind kind)
{
    return rows[kind].name;
}

static char lower(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c;
}

static void mark_start(struct gate *gate, char c)
{
    unsigned char byte = (unsigned char)c;
    gate->monitor_starts[byte / 64] |= UINT64_C(1) << byte % 64;
}

void gate_init(struct gate *gate, const struct config *config)
{
    *gate = (struct gate){.config = config};
    gate->proxies = (struct proxies){config->http.n_trusted_proxies, config->http.trusted_proxies};
    for (size_t i = 0; i < config->http.n_monitors && gate->n_monitors < GATE_MONITORS_MAX; i++) {
        const char *text = config->http.monitors[i];
        if (*text == '\0')
            continue;
        gate->monitors[gate->n_monitors].text = text;
        gate->monitors[gate->n_monitors++].length = strlen(text);
        char c = lower(*text);
        mark_start(gate, c);
        if (c >= 'a' && c <= 'z')
            mark_start(gate, (char)(c - 'a' + 'A'));
    }
}

static bool monitor_starts_here(const struct gate *gate, const char *at)
{
    for (size_t i = 0; i < gate->n_monitors; i++) {
        if (strncasecmp(at, gate->monitors[i].text, gate->monitors[i].length) == 0)
            return true;
    }
    return false;
}

/* Every request passes here: one walk over the name, compared only where a monitor's name may
 * begin. */
static bool is_monitor(const struct gate *gate, const char *agent)
{
    if (!agent)
        return false;
    for (; *agent != '\0'; agent++) {
        unsigned char byte = (unsigned char)(*agent);
        if ((gate->monitor_starts[byte / 64] >> byte % 64 & 1) != 0 &&
            monitor_starts_here(gate, agent))
            return true;
    }
    return false;
}

static bool says(const char *value, const char *word)
{
    return value && strncasecmp(value, word, strlen(word)) == 0;
}

static bool is_prefetch(const struct request *request)
{
    return says(request->fields[FIELD_SEC_PURPOSE], "prefetch") ||
           says(request->fields[FIELD_PURPOSE], "prefetch") ||
           says(request->fields[FIELD_X_MOZ], "prefetch");
}

/* Fetch destinations that are a program's own request or a navigation; all others are parts of a
 * page. */
static bool is_part_destination(const char *destination)
{
    static const char *const others[] = {"empty", "document", "iframe", "frame", "fencedframe"};
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        if (strcmp(destination, others[i]) == 0)
            return false;
    }
    return *destination != '\0';
}

/* What browsers and robots ask for by themselves at the root of every host. */
static bool is_unasked_path(const char *path)
{
    static const char *const starts[] = {"/favicon.", "/robots.txt", "/apple-touch-icon",
                                         "/site.webmanifest", "/browserconfig.xml"};
    for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
        if (strncmp(path, starts[i], strlen(starts[i])) == 0)
            return true;
    }
    return false;
}

static bool has_part_suffix(const char *path)
{
    static const char *const suffixes[] = {".css",  ".js",   ".mjs",  ".map",   ".png",
                                           ".jpg",  ".jpeg", ".gif",  ".svg",   ".webp",
                                           ".avif", ".ico",  ".woff", ".woff2", ".ttf"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < ARRAY_SIZE(suffixes); i++) {
        if (strcasecmp(dot, suffixes[i]) == 0)
            return true;
    }
    return false;
}

/* Browsers too old to say what a request is for. */
static bool is_part_by_habit(const struct request *request)
{
    const char *accept = request->fields[FIELD_ACCEPT];
    if (says(accept, "image/") || says(accept, "text/css"))
        return true;
    return says(request->fields[FIELD_USER_AGENT], "Mozilla/") && has_part_suffix(request->path);
}

static bool accepts_html(const struct request *request)
{
    const char *accept = request->fields[FIELD_ACCEPT];
    return accept && strcasestr(accept, "text/html");
}

static bool is_navigation(const struct request *request)
{
    const char *mode = request->fields[FIELD_FETCH_MODE];
    if (mode)
        return strcmp(mode, "navigate") == 0;
    return strcmp(request->method, "GET") == 0 && accepts_html(request);
}

static bool is_part(const struct request *request)
{
    const char *destination = request->fields[FIELD_FETCH_DEST];
    if (is_prefetch(request) || is_unasked_path(request->path) ||
        request->fields[FIELD_SERVICE_WORKER])
        return true; /* a service worker's script, too, would be kept */
    if (is_navigation(request))
        return false;
    return destination ? is_part_destination(destination) : is_part_by_habit(request);
}

/* Ranges are IPv4; an IPv6 visitor is in those that hold everyone. */
static bool range_holds(const struct cidr *range, const struct request *request)
{
    return range->mask == 0 || (request->has_address && cidr_contains(range, request->address));
}

static bool rule_fits(const struct model_rule *rule, const struct request *request)
{
    const char *agent = request->fields[FIELD_USER_AGENT];
    if (rule->agent && (!agent || !strcasestr(agent, rule->agent)))
        return false;
    if (rule->method && strcmp(request->method, rule->method) != 0)
        return false;
    return (!rule->path || reading_is_below(request->path, rule->path)) &&
           range_holds(&rule->address, request);
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

static bool counts_as_monitor(const struct gate *gate, const struct model_rule *rule,
                              const struct request *request)
{
    if (rule)
        return rule->as != RULE_AS_CLIENT;
    return strcmp(request->method, "HEAD") == 0 ||
           is_monitor(gate, request->fields[FIELD_USER_AGENT]);
}

/* The first that fits, from the one that may do least. */
enum client_kind gate_client(const struct gate *gate, const struct model_rule *rule,
                             const struct request *request)
{
    if (counts_as_monitor(gate, rule, request))
        return CLIENT_MONITOR;
    if (request->fields[FIELD_WEBSOCKET_KEY] ||
        says(request->fields[FIELD_FETCH_MODE], "websocket"))
        return CLIENT_WEBSOCKET;
    if (is_part(request))
        return CLIENT_ASSET;
    return is_navigation(request) ? CLIENT_BROWSER : CLIENT_API;
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
        if (range_holds(&ranges[i], request))
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

static bool may_wake(const struct gate_row *row, const struct model_access *access,
                     enum client_kind client)
{
    if (access->wake == ACCESS_WAKE_CLICK)
        return false;
    return row->wakes && (client != CLIENT_WEBSOCKET || access->websocket_wakes);
}

/* What a person sends in a form would be lost with a page; what he only asks for is not. */
static bool may_be_held(enum client_kind client, const struct request *request)
{
    return client == CLIENT_API ||
           (client == CLIENT_BROWSER && !request_is_repeatable(request->method));
}

static void decide_not_ready(struct decision *decision, const struct request *request,
                             const struct model_access *access)
{
    const struct gate_row *row = &rows[decision->client];
    decision->verdict = row->not_ready;
    decision->wakes = may_wake(row, access, decision->client);
    decision->click = access->wake == ACCESS_WAKE_CLICK;
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
