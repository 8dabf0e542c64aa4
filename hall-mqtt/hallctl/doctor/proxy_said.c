/*
 * What a proxy tells Hall of a visitor. The doctor asks for a site as one, under a name that Hall
 * knows it by (web/site/doctor_name.h), and claims in X-Forwarded-... what is not true; then it
 * reads by Hall's API what came there. The site itself is not asked, and nothing is woken.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/array.h"
#include "base/json.h"
#include "base/text.h"
#include "hallctl/doctor/facts.h"
#include "web/site/doctor_name.h"

enum {
    ASK_MS = 2500,
    BODY_MAX = 1 << 18,
    BESIDE = 8, /* domains at a time: Hall keeps what it heard of twice as many requests */
};

static const char *const header_names[SAID_HEADERS] = {
    [SAID_HOST] = "X-Forwarded-Host",     [SAID_FOR] = "X-Forwarded-For",
    [SAID_PROTO] = "X-Forwarded-Proto",   [SAID_URI] = "X-Forwarded-Uri",
    [SAID_METHOD] = "X-Forwarded-Method",
};

/* ---- asking ---- */

struct asking {
    const struct doctor *doctor;
    struct proxy_facts *facts;
    bool claims; /* who comes from this machine counts as a visitor */
};

static bool make_token(char out[DOCTOR_TOKEN_SIZE])
{
    unsigned char bits[(DOCTOR_TOKEN_SIZE - 1) / 2];

    if (getrandom(bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
        return false;
    for (size_t i = 0; i < sizeof(bits); i++)
        snprintf(out + 2 * i, 3, "%02x", bits[i]);
    return true;
}

/* HEAD, which a site may be asked at any time; Hall answers it for the site. */
static void look_at_site(const struct asking *asking, const struct proxy_domain *domain,
                         const char *agent)
{
    const char *const headers[] = {
        agent,
        asking->claims ? "X-Forwarded-Host: " CLAIM_HOST : NULL, /* the end */
        "X-Forwarded-For: " CLAIM_FOR,
        "X-Forwarded-Proto: " CLAIM_PROTO,
        "X-Forwarded-Uri: " CLAIM_URI,
        NULL,
    };
    const struct fetch_how how = {.via = asking->facts->address,
                                  .insecure = true,
                                  .limit_ms = ASK_MS,
                                  .head = true,
                                  .headers = headers};
    char url[2 * DOCTOR_HOST + 16], why[FETCH_WHY_SIZE];
    struct buf body = BUF_INIT(BODY_MAX);
    long status = 0;

    snprintf(url, sizeof(url), "%s://%s%s", asking->facts->tls ? "https" : "http", domain->name,
             domain->path);
    fetch_ask(url, &how, &body, &status, why); /* what comes back is for visitors */
    buf_finish(&body);
}

static void take_request(const struct json *request, struct proxy_domain *domain)
{
    const char *door = json_get_string(request, "door");
    const struct json *headers = json_get(request, "headers");
    struct proxy_said *said = &domain->said[text_equal(door, "auth") ? SAID_AUTH : SAID_HELPER];

    said->trusted = json_get_bool(request, "trusted", false);
    const char *peer = json_get_string(request, "peer"), *host = json_get_string(request, "host");
    text_copy(said->peer, sizeof(said->peer), peer ? peer : "");
    text_copy(said->host, sizeof(said->host), host ? host : "");
    for (size_t i = 0; i < SAID_HEADERS; i++) {
        const char *value = json_get_string(headers, header_names[i]);

        said->has[i] = value != NULL;
        text_copy(said->headers[i], sizeof(said->headers[i]), value ? value : "");
    }
    said->asked = true;
}

static void read_heard(const struct doctor *doctor, const char *token, struct proxy_domain *domain)
{
    char path[sizeof("/heard/") + DOCTOR_TOKEN_SIZE];
    struct json *heard = NULL;

    snprintf(path, sizeof(path), "/heard/%s", token);
    domain->heard = doctor_api(doctor, path, &heard, domain->unheard) == 0;
    for (const struct json *one = json_first(json_get(heard, "requests")); one;
         one = json_next(one))
        take_request(one, domain);
    json_free(heard);
}

static void ask(const struct asking *asking, struct proxy_domain *domain)
{
    struct proxy_facts *facts = asking->facts;
    char token[DOCTOR_TOKEN_SIZE] = "", agent[sizeof("User-Agent: " DOCTOR_NAME) + sizeof(token)];
    char why[FETCH_WHY_SIZE];
    const bool reads = make_token(token) && facts->has_key && facts->url[0] != '\0';

    snprintf(agent, sizeof(agent), "User-Agent: " DOCTOR_NAME "%s", token);
    domain->answer =
        site_ask(facts->tls ? "https" : "http", domain->name, facts->address, agent, why);
    text_copy(domain->unheard, sizeof(domain->unheard), why);
    if (reads && domain->answer != PROXY_SILENT) {
        if (domain->path[0] != '\0')
            look_at_site(asking, domain, agent);
        read_heard(asking->doctor, token, domain);
    }
    domain->looked = true;
}

static void ask_some(void *context, size_t first)
{
    const struct asking *asking = context;

    for (size_t i = first; i < asking->facts->n_domains; i += BESIDE)
        ask(asking, &asking->facts->domains[i]);
}

/* The domain's own site, or one of its projects'. */
static void find_path(const struct model *model, size_t n, struct proxy_domain *domain)
{
    for (size_t i = 0; i < model->n_sites && domain->path[0] == '\0'; i++) {
        const struct model_site *site = &model->sites[i];

        if ((size_t)site->domain == n && site->upstream)
            snprintf(domain->path, sizeof(domain->path), "%s%s", site->path,
                     strcmp(site->path, "/") == 0 ? "" : "/");
    }
}

/* A proxy that trusts this machine, as one behind a tunnel does, hands its claims on rightly. */
static bool trusts_us(const struct config *config)
{
    struct address loopback;
    bool trusts = address_parse("127.0.0.1", &loopback) < 0;

    for (size_t i = 0; i < config->proxy.n_trusted; i++)
        trusts = trusts || cidr_contains(&config->proxy.trusted[i], loopback);
    return trusts;
}

void proxy_said_gather(const struct doctor *doctor, struct proxy_facts *facts)
{
    const struct model *model = &doctor->config->model;
    struct asking asking = {doctor, facts, !trusts_us(doctor->config)};
    const size_t n = model->n_domains < DOCTOR_NAMES ? model->n_domains : DOCTOR_NAMES;

    facts->root = geteuid() == 0;
    facts->has_key = doctor->settings && doctor->settings->api_key;
    text_copy(facts->file, sizeof(facts->file), doctor->file);
    if (doctor->settings && doctor_has_api(doctor))
        text_copy(facts->url, sizeof(facts->url), doctor->settings->admin);
    for (size_t i = 0; i < n; i++) {
        text_copy(facts->domains[i].name, DOCTOR_HOST, model->domains[i].name);
        find_path(model, i, &facts->domains[i]);
    }
    facts->n_domains = n;
    doctor_beside(BESIDE, ask_some, &asking);
}

/* ---- judging ---- */

enum header_state { HEADER_GOOD, HEADER_MISSING, HEADER_CLAIMED, HEADER_OTHER };

/* What the nearest proxy added: of a list the last. */
static const char *last_of(const char *list)
{
    const char *comma = strrchr(list, ',');

    list = comma ? comma + 1 : list;
    return list + strspn(list, " \t");
}

static enum header_state compare(const struct proxy_said *said, enum said_header header,
                                 const char *right, const char *claim)
{
    const char *value = last_of(said->headers[header]);

    if (!said->has[header])
        return HEADER_MISSING;
    if (strcmp(value, claim) == 0)
        return HEADER_CLAIMED;
    return !right || strcmp(value, right) == 0 ? HEADER_GOOD : HEADER_OTHER;
}

/* Whoever the proxy sees: by its own address it may know us under another. */
static enum header_state state_of(const struct proxy_facts *from, const struct proxy_domain *domain,
                                  enum said_door door, enum said_header header)
{
    const struct proxy_said *said = &domain->said[door];

    switch (header) {
    case SAID_HOST: /* Host says it as well */
        return strcmp(said->host, domain->name) == 0 ? HEADER_GOOD
                                                     : compare(said, header, "", CLAIM_HOST);
    case SAID_FOR:
        return compare(said, header, NULL, CLAIM_FOR);
    case SAID_PROTO:
        return door == SAID_AUTH && said->has[header]
                   ? compare(said, header, from->tls ? "https" : "http", CLAIM_PROTO)
                   : HEADER_GOOD;
    case SAID_URI:
        return door == SAID_AUTH ? compare(said, header, domain->path, CLAIM_URI) : HEADER_GOOD;
    case SAID_METHOD:
        return door == SAID_AUTH ? compare(said, header, "HEAD", "") : HEADER_GOOD;
    }
    return HEADER_GOOD;
}

/* What is to be added to the place that asks Hall. */
static const char *line_of(const char *kind, enum said_header header)
{
    static const struct {
        const char *kind, *lines[SAID_HEADERS];
    } rows[] = {
        {"nginx",
         {[SAID_HOST] = "proxy_set_header X-Forwarded-Host $host;",
          [SAID_FOR] = "proxy_set_header X-Forwarded-For $remote_addr;",
          [SAID_PROTO] = "proxy_set_header X-Forwarded-Proto $scheme;",
          [SAID_URI] = "proxy_set_header X-Forwarded-Uri $request_uri;",
          [SAID_METHOD] = "proxy_set_header X-Forwarded-Method $request_method;"}},
        {"caddy",
         {[SAID_HOST] = "header_up X-Forwarded-Host {host}",
          [SAID_FOR] = "header_up X-Forwarded-For {remote_host}",
          [SAID_PROTO] = "header_up X-Forwarded-Proto {scheme}",
          [SAID_URI] = "header_up X-Forwarded-Uri {uri}",
          [SAID_METHOD] = "header_up X-Forwarded-Method {method}"}},
        {"haproxy",
         {[SAID_HOST] = "http-request set-header X-Forwarded-Host %[req.hdr(host)]",
          [SAID_FOR] = "http-request set-header X-Forwarded-For %[src]",
          [SAID_PROTO] = "http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]",
          [SAID_URI] = "http-request set-header X-Forwarded-Uri %[pathq]",
          [SAID_METHOD] = "http-request set-header X-Forwarded-Method %[method]"}},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (strcmp(rows[i].kind, kind) == 0)
            return rows[i].lines[header];
    return "";
}

static void add_header(const struct proxy_facts *from, const struct proxy_domain *domain,
                       enum said_door door, enum said_header header, struct findings *findings)
{
    const char *kind = from->kind[0] != '\0' ? from->kind : "traefik";
    const char *name = header_names[header], *line = line_of(kind, header);
    const char *at = door == SAID_AUTH ? "/auth" : "/.hall/";

    switch (state_of(from, domain, door, header)) {
    case HEADER_GOOD:
        break;
    case HEADER_MISSING:
        findings_add(findings, DOCTOR_PROXY_MISSING, from->address, domain->name, name, at, line,
                     kind, NULL);
        break;
    case HEADER_CLAIMED:
        findings_add(findings, DOCTOR_PROXY_CLAIMED, from->address, domain->name, name, at, line,
                     kind, NULL);
        break;
    case HEADER_OTHER:
        findings_add(findings, DOCTOR_PROXY_OTHER, from->address, domain->name, name, at,
                     domain->said[door].headers[header], kind, NULL);
        break;
    }
}

static void judge_door(const struct proxy_facts *from, const struct proxy_domain *domain,
                       enum said_door door, struct findings *findings)
{
    const struct proxy_said *said = &domain->said[door];

    for (size_t i = 0; said->asked && said->trusted && i < SAID_HEADERS; i++)
        add_header(from, domain, door, (enum said_header)i, findings);
}

/* Once for the proxy; false: Hall trusts it. */
static bool judge_trust(const struct proxy_facts *from, struct findings *findings)
{
    for (size_t i = 0; i < from->n_domains; i++)
        for (size_t door = 0; door < SAID_DOORS; door++) {
            const struct proxy_said *said = &from->domains[i].said[door];

            if (!said->asked || said->trusted)
                continue;
            findings_add(findings, DOCTOR_PROXY_UNTRUSTED, from->address, said->peer, from->file,
                         NULL);
            return true;
        }
    return false;
}

static void judge_domain(const struct proxy_facts *from, const struct proxy_domain *domain,
                         struct findings *findings)
{
    const char *kind = from->kind[0] != '\0' ? from->kind : "traefik";
    const size_t before = findings->n;

    /* What is astray, or without a name, was said. */
    if (!domain->heard || domain->answer != PROXY_IS_HALL)
        return;
    if (domain->path[0] != '\0' && !domain->said[SAID_AUTH].asked)
        findings_add(findings, DOCTOR_PROXY_UNASKED, from->address, domain->name, kind, NULL);
    for (unsigned door = 0; door < SAID_DOORS; door++)
        judge_door(from, domain, (enum said_door)door, findings);
    if (findings->n == before && domain->path[0] != '\0')
        findings_add(findings, DOCTOR_PROXY_TOLD, from->address, domain->name, NULL);
}

static void judge_silence(const struct proxy_facts *from, struct findings *findings)
{
    for (size_t i = 0; i < from->n_domains; i++) {
        const struct proxy_domain *domain = &from->domains[i];

        if (!domain->looked || domain->heard || domain->answer != PROXY_IS_HALL)
            continue;
        if (from->has_key)
            findings_add(findings, DOCTOR_PROXY_UNHEARD, from->url, domain->unheard, NULL);
        else
            findings_add(findings, from->root ? DOCTOR_PROXY_NO_KEY : DOCTOR_PROXY_CLOSED, NULL);
        return;
    }
}

void proxy_said_judge(const struct proxy_facts *from, struct findings *findings)
{
    const bool untrusted = judge_trust(from, findings);

    for (size_t i = 0; i < from->n_domains && !untrusted; i++)
        judge_domain(from, &from->domains[i], findings);
    if (from->url[0] != '\0')
        judge_silence(from, findings);
}
