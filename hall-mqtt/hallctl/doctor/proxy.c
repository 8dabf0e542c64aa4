/*
 * The reverse proxy: does it bring a domain to Hall with the headers that say which site is meant;
 * does Traefik's API show routers that pass Hall by; and does the proxy run in a network namespace
 * of its own, where Hall cannot see open connections? Only Hall's own helper is asked for, which
 * wakes nothing.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/text.h"
#include "bridges/proxy/proxy_check.h"
#include "hallctl/doctor/facts.h"
#include "hallctl/picture.h"
#include "hallctl/proxy_api.h"
#include "hallctl/talk.h"

enum { FOUND_MAX = 1 << 20 };

static const char *const programs[] = {"traefik", "caddy", "nginx", "haproxy"};

/* ---- by HTTP ---- */

static enum proxy_answer try_at(bool tls, const char *domain, const char *via,
                                struct proxy_facts *facts)
{
    char why[FETCH_WHY_SIZE];
    const enum proxy_answer answer = site_ask(tls ? "https" : "http", domain, via, NULL, why);

    text_copy(facts->address, sizeof(facts->address), via);
    text_copy(facts->why, sizeof(facts->why), why);
    facts->tls = tls;
    return answer;
}

/* A redirect to https and the like are no answer of Hall's: what speaks TLS is asked first. */
static void find_proxy(const struct doctor *doctor, struct proxy_facts *facts)
{
    const char *listen = doctor->call->texts[FLAG_LISTEN];
    const char *domain = doctor->config->model.domains[0].name;

    if (!listen) {
        if (try_at(true, domain, "127.0.0.1:443", facts) == PROXY_SILENT)
            try_at(false, domain, "127.0.0.1:80", facts);
        return;
    }
    const enum proxy_answer plain = try_at(false, domain, listen, facts);
    if (plain == PROXY_SILENT || plain == PROXY_IS_OTHER) {
        const struct proxy_facts before = *facts;

        if (try_at(true, domain, listen, facts) == PROXY_SILENT)
            *facts = before;
    }
}

static void ask_proxy(const struct doctor *doctor, struct proxy_facts *facts)
{
    char owner[DOCTOR_WORD] = "";
    const char *port;

    if (doctor->config->model.n_domains == 0)
        return;
    find_proxy(doctor, facts);
    if ((port = strrchr(facts->address, ':')))
        doctor_owner(doctor, (unsigned)strtoul(port + 1, NULL, 10), owner);
    owner[strcspn(owner, ",")] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
        if (strcmp(owner, programs[i]) == 0)
            text_copy(facts->kind, sizeof(facts->kind), owner);
    if (facts->why[0] == '\0')
        proxy_said_gather(doctor, facts);
}

static void ask_traefik(const struct doctor *doctor, struct proxy_facts *facts)
{
    struct buf found = BUF_INIT(FOUND_MAX);
    char why[PROXY_API_WHY] = "";

    text_copy(facts->api, sizeof(facts->api), doctor->call->texts[FLAG_CHECK]);
    facts->api_answered = proxy_api_find(facts->api, doctor->config, &found, why) == 0;
    if (!facts->api_answered)
        text_copy(facts->api_why, sizeof(facts->api_why), why);
    if (facts->api_answered && found.text)
        for (char *rest = found.text, *line; (line = strsep(&rest, "\n"));)
            if (line[0] != '\0' && facts->n_routes < DOCTOR_ROUTES)
                text_copy(facts->routes[facts->n_routes++], DOCTOR_HOST, line);
    buf_finish(&found);
}

/* ---- processes ---- */

static bool has(const struct proxy_facts *facts, const char *name)
{
    for (size_t i = 0; i < facts->n_apart; i++)
        if (strcmp(facts->apart[i], name) == 0)
            return true;
    return false;
}

/* Root alone may see the namespaces of others' processes. */
static void look_at_process(const struct doctor *doctor, long pid, const char *own,
                            struct proxy_facts *facts)
{
    char path[64], name[DOCTOR_WORD] = "", link[64];

    snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
    if (doctor_read(doctor, path, name, sizeof(name)) <= 0)
        return;
    name[strcspn(name, "\n")] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
        if (strcmp(name, programs[i]) != 0)
            continue;
        text_copy(facts->kind, sizeof(facts->kind), name);
        snprintf(path, sizeof(path), "/proc/%ld/ns/net", pid);
        const ssize_t n = readlink(path, link, sizeof(link) - 1);
        link[n > 0 ? n : 0] = '\0';
        if (n > 0 && strcmp(link, own) != 0 && !has(facts, name) &&
            facts->n_apart < DOCTOR_PROGRAMS)
            text_copy(facts->apart[facts->n_apart++], DOCTOR_WORD, name);
    }
}

static void look_at_processes(const struct doctor *doctor, struct proxy_facts *facts)
{
    DIR *dir = opendir("/proc");
    const struct dirent *entry;
    char own[64] = "";
    const ssize_t n = readlink("/proc/self/ns/net", own, sizeof(own) - 1);

    own[n > 0 ? n : 0] = '\0';
    while (dir && (entry = readdir(dir))) {
        const long pid = strtol(entry->d_name, NULL, 10);

        if (pid > 0)
            look_at_process(doctor, pid, own, facts);
    }
    if (dir)
        closedir(dir);
}

/* ---- agents ---- */

static void hear(void *context, const struct mqtt_message *message, bool own)
{
    struct topic topic;

    (void)own;
    picture_take(context, message->topic, message->payload, message->length, &topic);
}

/* Servers with a site whose agent has never reported: nobody sees what goes on there. */
static void look_for_agents(const struct doctor *doctor, struct proxy_facts *facts)
{
    struct picture picture;
    const struct talk_listener listener = {.hear = hear, .context = &picture};
    const char *base = doctor->settings->mqtt.base_topic;
    const enum topic_kind kinds[] = {TOPIC_SERVER_STATE, TOPIC_AGENT_REPORT};
    char topics[2][TOPIC_MAX], why[TALK_WHY_SIZE];
    const char *filters[2];
    struct talk *talk = NULL;

    picture_init(&picture, base);
    if (talk_open(doctor->settings, &listener, &talk, why) < 0)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        filters[i] = topic_format(base, kinds[i], "+", NULL, topics[i]);
    facts->agents_known = talk_read(talk, filters, ARRAY_SIZE(kinds)) == 0;
    for (size_t i = 0; facts->agents_known && i < doctor->config->model.n_servers; i++) {
        const char *id = doctor->config->model.servers[i].id;
        const struct known *known = picture_find(&picture.servers, id);

        if (hallctl_names(doctor->call, id) && (!known || !known->report) &&
            facts->n_unseen < DOCTOR_SERVERS)
            text_copy(facts->unseen[facts->n_unseen++], sizeof(facts->unseen[0]), id);
    }
    talk_close(talk);
    picture_finish(&picture);
}

static void gather(const struct doctor *doctor, void *facts)
{
    struct proxy_facts *into = facts;

    if (!doctor->config)
        return;
    look_at_processes(doctor, into);
    ask_proxy(doctor, into);
    if (call_has(doctor->call, FLAG_CHECK))
        ask_traefik(doctor, into);
    if (into->n_apart > 0 && doctor->settings)
        look_for_agents(doctor, into);
}

/* ---- judging ---- */

static void judge_domain(const struct proxy_facts *from, const struct proxy_domain *domain,
                         struct findings *findings)
{
    const char *kind = from->kind[0] != '\0' ? from->kind : "traefik";

    switch (domain->answer) {
    case PROXY_UNASKED:
        break;
    case PROXY_SILENT:
        findings_add(findings, DOCTOR_PROXY_NONE, from->address, domain->unheard, NULL);
        break;
    case PROXY_IS_HALL:
        findings_add(findings, DOCTOR_PROXY_GOOD, from->address, domain->name, NULL);
        break;
    case PROXY_NO_HOST:
        findings_add(findings, DOCTOR_PROXY_HEADERS, from->address, domain->name, kind, NULL);
        break;
    case PROXY_IS_OTHER:
        findings_add(findings, DOCTOR_PROXY_ASTRAY, from->address, domain->name, kind, NULL);
        break;
    }
}

static void judge(const void *facts, struct findings *findings)
{
    const struct proxy_facts *from = facts;

    if (from->why[0] != '\0')
        findings_add(findings, DOCTOR_PROXY_NONE, from->address, from->why, NULL);
    for (size_t i = 0; i < from->n_domains; i++)
        if (from->domains[i].looked)
            judge_domain(from, &from->domains[i], findings);
    proxy_said_judge(from, findings);
    if (from->api[0] != '\0' && !from->api_answered)
        findings_add(findings, DOCTOR_PROXY_API, from->api, from->api_why, NULL);
    else if (from->api[0] != '\0' && from->n_routes == 0)
        findings_add(findings, DOCTOR_PROXY_ROUTES, from->api, NULL);
    for (size_t i = 0; i < from->n_routes; i++)
        findings_add(findings, DOCTOR_PROXY_BYPASS, from->routes[i], NULL);
    for (size_t i = 0; i < from->n_apart; i++) {
        if (from->agents_known && from->n_unseen == 0)
            findings_add(findings, DOCTOR_PROXY_NAMESPACE_AGENT, from->apart[i], NULL);
        for (size_t k = 0; k < from->n_unseen; k++)
            findings_add(findings, DOCTOR_PROXY_NAMESPACE, from->apart[i], from->unseen[k], NULL);
    }
}

const struct doctor_check proxy_check = {"proxy", sizeof(struct proxy_facts), gather, judge};
