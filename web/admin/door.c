/* Who may come in: which address, under which host, from which page. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/address.h"
#include "base/log.h"
#include "say/say.h"
#include "web/admin/admin_internal.h"

enum { LOG_PAUSE_MS = 1000 }; /* between two lines about refusals */

/* ---- The rules ---- */

static int copy_ranges(size_t n, const struct cidr *ranges, struct cidr **ret)
{
    struct cidr *copy = calloc(n + 1, sizeof(*copy));
    if (!copy)
        return -ENOMEM;
    if (n > 0)
        memcpy(copy, ranges, n * sizeof(*copy));
    *ret = copy;
    return 0;
}

/* A name that somebody else's DNS could point here is none of ours; our own number is. */
static int copy_hosts(const struct config_http *http, struct rules *rules)
{
    rules->hosts = calloc(http->n_admin_hosts + http->n_admin, sizeof(*rules->hosts));
    if (!rules->hosts)
        return -ENOMEM;
    for (size_t i = 0; i < http->n_admin_hosts; i++)
        text_copy(rules->hosts[rules->n_hosts++], sizeof(*rules->hosts), http->admin_hosts[i]);
    for (size_t i = 0; i < http->n_admin; i++) {
        const struct in_addr *own = &http->admin[i].sin_addr;
        if (own->s_addr != htonl(INADDR_ANY))
            inet_ntop(AF_INET, own, rules->hosts[rules->n_hosts++], sizeof(*rules->hosts));
    }
    return 0;
}

int rules_copy(const struct config *config, struct rules *ret_rules)
{
    const struct config_http *http = &config->http;
    struct rules rules = {.n_allow = http->n_admin_allow};
    int error = copy_ranges(http->n_admin_allow, http->admin_allow, &rules.allow);
    if (error == 0)
        error = copy_ranges(http->n_trusted_proxies, http->trusted_proxies, &rules.proxy_ranges);
    if (error == 0)
        error = copy_ranges(config->proxy.n_trusted, config->proxy.trusted, &rules.fronts);
    if (error == 0)
        error = copy_hosts(http, &rules);
    if (error != 0) {
        rules_finish(&rules);
        return error;
    }
    rules.proxies = (struct proxies){http->n_trusted_proxies, rules.proxy_ranges,
                                     config->proxy.n_trusted, rules.fronts};
    *ret_rules = rules;
    return 0;
}

void rules_finish(struct rules *rules)
{
    free(rules->allow);
    free(rules->proxy_ranges);
    free(rules->fronts);
    free(rules->hosts);
    *rules = (struct rules){0};
}

static bool allows_address(const struct rules *rules, const struct request *request)
{
    for (size_t i = 0; i < rules->n_allow; i++) {
        if (cidr_contains(&rules->allow[i], request->address))
            return true;
    }
    return false;
}

static bool allows_host(const struct rules *rules, const char *host)
{
    for (size_t i = 0; i < rules->n_hosts; i++) {
        if (strcasecmp(rules->hosts[i], host) == 0)
            return true;
    }
    return false;
}

/* ---- Answers ---- */

void call_problem(struct call *call, int status, const char *detail)
{
    answer_begin(call->answer, status);
    answer_problem(call->answer, detail);
}

/* A flood of refusals is one line a second, with the number of the others. */
static bool may_tell(struct admin *admin, int64_t now, unsigned *ret_others)
{
    pthread_mutex_lock(&admin->lock);
    bool may = now - admin->refusal_told >= LOG_PAUSE_MS;
    if (may) {
        admin->refusal_told = now;
        *ret_others = admin->refusals_untold;
        admin->refusals_untold = 0;
    } else {
        admin->refusals_untold++;
    }
    pthread_mutex_unlock(&admin->lock);
    return may;
}

void call_refuse(struct call *call, int status, const struct fact *why)
{
    char said[SAID_SIZE];
    const struct request *request = call->request;
    char path[sizeof((struct admin_news *)0)->path];
    unsigned others = 0;

    text_show(path, sizeof(path), call->raw->target, strlen(call->raw->target));
    if (may_tell(call->admin, call->now, &others)) {
        log_warning("admin: refused %s, %s%s: %s (%u more since the last such line)", request->who,
                    request->host, path, say_english(why, NULL, clock_now().wall, said), others);
        admin_tell_refused(call->admin, request->who, path, why);
    }
    answer_begin(call->answer, status);
    answer_refuse(call->answer, why);
}

const char *call_header(const struct call *call, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < call->raw->n_headers; i++) {
        if (strcasecmp(call->raw->headers[i].name, name) != 0)
            continue;
        if (value)
            return NULL;
        value = call->raw->headers[i].value;
    }
    return value;
}

/* ---- The door ---- */

enum entry { ENTRY_FREE, ENTRY_FAULT, ENTRY_ADDRESS, ENTRY_HOST };

static enum entry look(struct call *call, enum request_fault *ret_fault)
{
    struct admin *admin = call->admin;
    enum entry entry = ENTRY_FREE;

    pthread_mutex_lock(&admin->rules_lock);
    *ret_fault = request_read(call->raw, &admin->rules.proxies, REQUEST_VIA_LED, call->request);
    if (*ret_fault != REQUEST_FINE)
        entry = ENTRY_FAULT;
    else if (!allows_address(&admin->rules, call->request))
        entry = ENTRY_ADDRESS;
    else if (!allows_host(&admin->rules, call->request->host))
        entry = ENTRY_HOST;
    pthread_mutex_unlock(&admin->rules_lock);
    return entry;
}

bool door_stays_open(struct call *call)
{
    struct admin *admin = call->admin;

    pthread_mutex_lock(&admin->rules_lock);
    bool open = allows_address(&admin->rules, call->request) &&
                allows_host(&admin->rules, call->request->host);
    pthread_mutex_unlock(&admin->rules_lock);
    return open;
}

bool door_opens(struct call *call)
{
    enum request_fault fault;
    struct fact why;
    switch (look(call, &fault)) {
    case ENTRY_FREE:
        return true;
    case ENTRY_FAULT:
        why = request_fault_fact(fault);
        call->answer->close = true; /* what follows may be part of it */
        call_refuse(call, request_fault_status(fault), &why);
        return false;
    case ENTRY_ADDRESS:
        call_refuse(call, 403, &FACT(ACCESS_ADMIN_ADDRESS));
        return false;
    case ENTRY_HOST:
        call_refuse(call, 403, &FACT(ACCESS_ADMIN_HOST));
        return false;
    }
    return false;
}

/* Sec-Fetch-Site and Origin must both agree, as far as they came. */
bool door_same_origin(struct call *call)
{
    const char *site = call->request->fields[FIELD_FETCH_SITE];

    call->request->fields[FIELD_FETCH_SITE] = NULL;
    bool same = request_is_same_origin(call->request);
    call->request->fields[FIELD_FETCH_SITE] = site;
    return same && (!site || strcmp(site, "same-origin") == 0);
}
