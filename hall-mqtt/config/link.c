/* What of domains.json must fit together: ids that name others, things that must be unique, cycles.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/raw.h"

/* Orders of indexes */

typedef int compare_fn(const void *a, const void *b, void *context);

static int *sorted_indexes(struct arena *arena, size_t n, compare_fn *compare, void *context)
{
    int *order = arena_alloc(arena, n, sizeof(*order));
    if (!order)
        return NULL;
    for (size_t i = 0; i < n; i++)
        order[i] = (int)i;
    qsort_r(order, n, sizeof(*order), compare, context);
    return order;
}

/* Equal ones stay in the order of the file. */
static int by_index(int difference, int a, int b)
{
    return difference != 0 ? difference : (a > b) - (a < b);
}

static int compare_server_ids(const void *a, const void *b, void *context)
{
    const struct raw_server *servers = context;
    int left = *(const int *)a;
    int right = *(const int *)b;
    return by_index(strcmp(servers[left].key.given, servers[right].key.given), left, right);
}

static int compare_macs(const void *a, const void *b, void *context)
{
    const struct raw_server *servers = context;
    int left = *(const int *)a;
    int right = *(const int *)b;
    return by_index(memcmp(servers[left].out.mac, servers[right].out.mac, 6), left, right);
}

static int compare_addresses(const void *a, const void *b, void *context)
{
    const struct raw_server *servers = context;
    int left = *(const int *)a;
    int right = *(const int *)b;
    uint32_t x = ntohl(servers[left].out.address.s_addr);
    uint32_t y = ntohl(servers[right].out.address.s_addr);
    return by_index((x > y) - (x < y), left, right);
}

static const char *domain_name(const struct raw_domain *domain)
{
    return domain->key.name ? domain->key.name : domain->key.given;
}

static int compare_domain_names(const void *a, const void *b, void *context)
{
    const struct raw_domain *domains = context;
    int left = *(const int *)a;
    int right = *(const int *)b;
    return by_index(strcmp(domain_name(&domains[left]), domain_name(&domains[right])), left, right);
}

/* Servers */

static int find_server(const struct raw_config *raw, const char *id)
{
    size_t low = 0;
    size_t high = raw->n_servers;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int difference = strcmp(id, raw->servers[raw->servers_by_id[middle]].key.given);
        if (difference == 0)
            return raw->servers_by_id[middle];
        if (difference < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return MODEL_NONE;
}

static void fail_no_server(struct report *report, const struct raw_config *raw,
                           const struct pointer *at, const char *id)
{
    struct phrase allowed = PHRASE(SERVER);
    unsigned least = 3;
    for (size_t i = 0; i < raw->n_servers && !report_is_full(report); i++) {
        unsigned distance = report_distance(raw->servers[i].key.given, id);
        if (distance < least) {
            least = distance;
            allowed = PHRASE(NEAR_SERVER, .texts = {raw->servers[i].key.given});
        }
    }
    report_error(report, COMPLAINT_CONFLICT, at, PHRASE(NO_SERVER, .texts = {id}), allowed);
}

static void check_macs(struct arena *arena, struct report *report, const struct raw_config *raw)
{
    static const uint8_t zero[6];
    char mac[MAC_TEXT_SIZE];
    int *order = sorted_indexes(arena, raw->n_servers, compare_macs, raw->servers);

    for (size_t i = 1; i < raw->n_servers && order; i++) {
        const struct raw_server *first = &raw->servers[order[i - 1]];
        const struct raw_server *second = &raw->servers[order[i]];
        if (memcmp(second->out.mac, zero, 6) == 0 ||
            memcmp(first->out.mac, second->out.mac, 6) != 0)
            continue;
        text_format_mac(second->out.mac, mac);
        report_error_at(report, COMPLAINT_CONFLICT, KEYS("servers", second->key.given, "mac"),
                        PHRASE(SHARED, .texts = {mac, first->key.given}), PHRASE(OWN_MAC));
    }
}

static void check_addresses(struct arena *arena, struct report *report,
                            const struct raw_config *raw)
{
    char address[INET_ADDRSTRLEN];
    int *order = sorted_indexes(arena, raw->n_servers, compare_addresses, raw->servers);

    for (size_t i = 1; i < raw->n_servers && order; i++) {
        const struct raw_server *first = &raw->servers[order[i - 1]];
        const struct raw_server *second = &raw->servers[order[i]];
        if (second->out.address.s_addr == 0 || ntohl(second->out.address.s_addr) >> 24 == 127 ||
            first->out.address.s_addr != second->out.address.s_addr)
            continue;
        inet_ntop(AF_INET, &second->out.address, address, sizeof(address));
        report_error_at(report, COMPLAINT_CONFLICT, KEYS("servers", second->key.given, "address"),
                        PHRASE(SHARED, .texts = {address, first->key.given}), PHRASE(OWN_ADDRESS));
    }
}

/* Resolves depends_on; what cannot be resolved is left out after it was reported. */
static void link_dependencies(struct report *report, struct raw_config *raw, int index)
{
    struct raw_server *server = &raw->servers[index];
    struct pointer servers = {.key = "servers"};
    struct pointer here = {.parent = &servers, .key = server->key.given};
    struct pointer list = {.parent = &here, .key = "depends_on"};
    struct model_server *out = &server->out;

    for (size_t i = 0; i < server->n_depends_on; i++) {
        struct pointer at = {.parent = &list, .index = i};
        if (!server->depends_on[i])
            continue; /* reported when it was read */
        int needed = find_server(raw, server->depends_on[i]);
        if (needed == MODEL_NONE) {
            fail_no_server(report, raw, &at, server->depends_on[i]);
            continue;
        }
        if (needed == index) {
            report_error(report, COMPLAINT_CONFLICT, &at, PHRASE(ITSELF), PHRASE(OTHER_SERVERS));
            continue;
        }
        for (size_t j = 0; j < out->n_depends_on; j++) {
            if (out->depends_on[j] == needed)
                report_error(report, COMPLAINT_CONFLICT, &at, PHRASE(SERVER_TWICE),
                             PHRASE(SERVER_ONCE));
        }
        out->depends_on[out->n_depends_on++] = needed;
    }
}

/* Dependency cycles, by a walk that needs no recursion */

enum colour { UNSEEN, ON_PATH, FINISHED };

struct step {
    int server;
    size_t next; /* dependency to look at */
};

static void fail_cycle(struct report *report, const struct raw_config *raw, const struct step *from,
                       size_t n)
{
    struct buf path = BUF_INIT(4096);
    for (size_t i = 0; i < n && path.length < 512; i++)
        buf_printf(&path, "%s -> ", raw->servers[from[i].server].key.given);
    buf_puts(&path, raw->servers[from[0].server].key.given);
    report_error_at(report, COMPLAINT_CONFLICT,
                    KEYS("servers", raw->servers[from[n - 1].server].key.given, "depends_on"),
                    PHRASE(CYCLE, .texts = {buf_text(&path)}), PHRASE(NO_CYCLE));
    buf_finish(&path);
}

static void walk(struct report *report, const struct raw_config *raw, int start, uint8_t *colours,
                 struct step *path)
{
    size_t n = 1;
    path[0] = (struct step){.server = start};
    colours[start] = ON_PATH;
    while (n > 0) {
        struct step *top = &path[n - 1];
        const struct model_server *server = &raw->servers[top->server].out;
        if (top->next == server->n_depends_on) {
            colours[top->server] = FINISHED;
            n--;
            continue;
        }
        int needed = server->depends_on[top->next++];
        if (colours[needed] == ON_PATH) {
            size_t first = n - 1;
            while (path[first].server != needed)
                first--;
            fail_cycle(report, raw, &path[first], n - first);
        } else if (colours[needed] == UNSEEN) {
            colours[needed] = ON_PATH;
            path[n++] = (struct step){.server = needed};
        }
    }
}

/* Domains */

static void check_domain_names(struct report *report, const struct raw_config *raw)
{
    for (size_t i = 1; i < raw->n_domains; i++) {
        const struct raw_domain *first = &raw->domains[raw->domains_by_name[i - 1]];
        const struct raw_domain *second = &raw->domains[raw->domains_by_name[i]];
        if (strcmp(domain_name(first), domain_name(second)) == 0)
            report_error_at(report, COMPLAINT_CONFLICT, KEYS("domains", second->key.given),
                            PHRASE(HOST_TWICE), PHRASE(HOST_ONCE));
    }
}

static void check_paths(struct report *report, const struct raw_domain *domain)
{
    for (size_t i = 0; i < domain->n_projects; i++) {
        const struct raw_site *project = &domain->projects[i];
        for (size_t j = 0; j < i; j++) {
            if (!text_equal(project->out.path, domain->projects[j].out.path))
                continue;
            report_error_at(
                report, COMPLAINT_CONFLICT,
                KEYS("domains", domain->key.given, "projects", project->key.given, "path"),
                PHRASE(PATH_OF, .texts = {domain->projects[j].key.given}), PHRASE(OWN_PATH));
        }
    }
}

static void default_paths(struct arena *arena, struct raw_domain *domain)
{
    for (size_t i = 0; i < domain->n_projects; i++) {
        struct raw_site *project = &domain->projects[i];
        if (!project->out.path)
            project->out.path = arena_printf(arena, "/%s", project->key.given);
    }
}

static int link_server(struct report *report, const struct raw_config *raw,
                       const struct raw_domain *domain)
{
    struct pointer domains = {.key = "domains"};
    struct pointer here = {.parent = &domains, .key = domain->key.given};
    struct pointer at = {.parent = &here, .key = "server"};

    if (!domain->server)
        return MODEL_NONE; /* reported when it was read */
    int server = find_server(raw, domain->server);
    if (server == MODEL_NONE)
        fail_no_server(report, raw, &at, domain->server);
    return server;
}

/* Projects are named by their id alone on the bus. */

struct project_place {
    const struct raw_domain *domain;
    const struct raw_site *project;
};

static int compare_projects(const void *a, const void *b)
{
    const struct project_place *left = a;
    const struct project_place *right = b;
    int difference = strcmp(left->project->key.given, right->project->key.given);
    if (difference != 0)
        return difference;
    return (left->domain > right->domain) - (left->domain < right->domain);
}

static void check_project_ids(struct arena *arena, struct report *report,
                              const struct raw_config *raw)
{
    size_t n = 0;
    size_t used = 0;
    for (size_t i = 0; i < raw->n_domains; i++)
        n += raw->domains[i].n_projects;
    struct project_place *places = arena_alloc(arena, n, sizeof(*places));
    if (!places)
        return;
    for (size_t i = 0; i < raw->n_domains; i++) {
        for (size_t j = 0; j < raw->domains[i].n_projects; j++)
            places[used++] = (struct project_place){.domain = &raw->domains[i],
                                                    .project = &raw->domains[i].projects[j]};
    }
    qsort(places, n, sizeof(*places), compare_projects);
    for (size_t i = 1; i < n; i++) {
        if (strcmp(places[i - 1].project->key.given, places[i].project->key.given) != 0)
            continue;
        report_error_at(
            report, COMPLAINT_CONFLICT,
            KEYS("domains", places[i].domain->key.given, "projects", places[i].project->key.given),
            PHRASE(PROJECT_TWICE, .texts = {places[i - 1].domain->key.given}), PHRASE(UNIQUE_IDS));
    }
}

/* At most so many: one stands for what is derived where none is given. */
static void count_checks(const struct raw_config *raw, size_t *counts)
{
    for (size_t i = 0; i < raw->n_servers; i++)
        counts[i] = raw->servers[i].n_checks > 0 ? raw->servers[i].n_checks : 1;
    for (size_t i = 0; i < raw->n_domains; i++) {
        const struct raw_domain *domain = &raw->domains[i];
        if (raw->domain_servers[i] == MODEL_NONE)
            continue;
        size_t *count = &counts[raw->domain_servers[i]];
        *count += domain->own.out.upstream ? 1 : 0;
        for (size_t j = 0; j < domain->n_projects; j++)
            *count += domain->projects[j].out.upstream ? 1 : 0;
    }
}

static void check_counts(struct report *report, const struct raw_config *raw)
{
    for (size_t i = 0; i < raw->n_servers; i++) {
        if (raw->check_counts[i] <= MODEL_CHECKS_MAX)
            continue;
        report_error_at(report, COMPLAINT_CONFLICT,
                        KEYS("servers", raw->servers[i].key.given, "checks"),
                        PHRASE(CHECKS, .numbers = {(int64_t)raw->check_counts[i]}),
                        PHRASE(AT_MOST, .numbers = {MODEL_CHECKS_MAX}));
    }
}

/* Home Assistant's birth message stands on PREFIX/status: that must not be Hall's own. */
static void check_topics(struct report *report, const struct raw_config *raw)
{
    const char *base = raw->config.mqtt.base_topic, *prefix = raw->config.mqtt.discovery_prefix;
    const size_t length = base ? strlen(base) : 0;
    if (length == 0 || !prefix || strncmp(base, prefix, length) != 0 ||
        (prefix[length] != '\0' && prefix[length] != '/'))
        return;
    report_error_at(report, COMPLAINT_CONFLICT, KEYS("mqtt", "discovery_prefix"), PHRASE(OWN_TOPIC),
                    PHRASE(OTHER_PREFIX));
}

void link_raw(struct arena *arena, struct arena *scratch, struct report *report,
              struct raw_config *raw)
{
    raw->servers_by_id = sorted_indexes(arena, raw->n_servers, compare_server_ids, raw->servers);
    raw->domains_by_name =
        sorted_indexes(scratch, raw->n_domains, compare_domain_names, raw->domains);
    raw->domain_servers = arena_alloc(scratch, raw->n_domains, sizeof(*raw->domain_servers));
    raw->check_counts = arena_alloc(scratch, raw->n_servers, sizeof(*raw->check_counts));
    if (arena_failed(arena) || arena_failed(scratch))
        return;

    check_topics(report, raw);
    check_macs(scratch, report, raw);
    check_addresses(scratch, report, raw);
    for (size_t i = 0; i < raw->n_servers; i++)
        link_dependencies(report, raw, (int)i);
    uint8_t *colours = arena_alloc(scratch, raw->n_servers, sizeof(*colours));
    struct step *path = arena_alloc(scratch, raw->n_servers, sizeof(*path));
    for (size_t i = 0; i < raw->n_servers && colours && path; i++) {
        if (colours[i] == UNSEEN)
            walk(report, raw, (int)i, colours, path);
    }
    check_domain_names(report, raw);
    for (size_t i = 0; i < raw->n_domains; i++) {
        raw->domain_servers[i] = link_server(report, raw, &raw->domains[i]);
        default_paths(arena, &raw->domains[i]);
        check_paths(report, &raw->domains[i]);
    }
    link_policies(report, raw);
    link_sleeps(report, raw);
    check_project_ids(scratch, report, raw);
    count_checks(raw, raw->check_counts);
    check_counts(report, raw);
}
