/* domains.json: single values are set, all else stays as its owner wrote it. */
#include <string.h>

#include "base/text.h"
#include "hallctl/setup/edit.h"
#include "hallctl/setup/plan_internal.h"

enum { DOMAINS_MODE = 0640, SHOWN_MAX = 96, LINE_MAX_BYTES = 4096, KNOWN_SIZE = 512 };

#define EMPTY                                                                                      \
    "{\n"                                                                                          \
    "  \"$schema\": \"/usr/share/hall/domains.schema.json\",\n"                                    \
    "  \"servers\": {},\n"                                                                         \
    "  \"domains\": {}\n"                                                                          \
    "}\n"

#define PATH(...) ((const char *const[]){__VA_ARGS__, NULL})

/* ---- values ---- */

static const struct json *value_at(const struct planning *planning, const char *const *keys)
{
    const struct json *value = planning->before;

    for (; value && *keys; keys++)
        value = json_get(value, *keys);
    return value;
}

static void note_complaints(struct planning *planning, const struct report *report)
{
    for (const struct complaint *one = report->first; one; one = one->next) {
        struct buf line = BUF_INIT(LINE_MAX_BYTES);
        complaint_say(one, planning->answers->french ? CONFIG_FRENCH : CONFIG_ENGLISH, &line);
        setup_note(planning->notes, SETUP_CONFIGURATION, buf_text(&line), NULL);
        buf_finish(&line);
    }
}

/* As Hall will read it: everything wrong is told now. */
static void parse(struct planning *planning)
{
    const char *text = planning->plan->domains;
    struct report report = {0};

    config_free(planning->config);
    planning->config = NULL;
    if (config_parse(planning->found->domains.path, text, strlen(text), &planning->config,
                     &report) < 0)
        note_complaints(planning, &report);
    report_finish(&report);
}

/* Sets a value, given as JSON. */
static void set(struct planning *planning, const char *const *keys, const char *value)
{
    struct setup_plan *plan = planning->plan;
    const char *text = value ? edit_set(planning->arena, plan->domains, keys, value) : NULL;

    planning->link_changed =
        planning->link_changed || strcmp(keys[0], "mqtt") == 0 || strcmp(keys[0], "http") == 0;
    if (text)
        plan->domains = text;
    else if (planning->notes->errors == 0)
        parse(planning); /* something on the way is no object, which no configuration may have */
}

/* Sets a text; nothing where it is there already. */
static void set_text(struct planning *planning, const char *const *keys, const char *text)
{
    const char *now = json_string(value_at(planning, keys));

    if (!now || strcmp(now, text) != 0)
        set(planning, keys, plan_quote(planning->arena, text));
}

/* ---- Hall itself ---- */

/* Only in a configuration that nobody has touched yet. */
static void set_defaults(struct planning *planning)
{
    const struct setup_found *found = planning->found;
    const struct setup_interface *interface = plan_interface(planning);
    struct arena *arena = planning->arena;

    if (found->timezone)
        set_text(planning, PATH("timezone"), found->timezone);
    if (!interface)
        return;
    const char *address = plan_address(arena, interface->address);
    const char *host = found->hostname, *names = "";
    if (plan_is_host(host))
        names =
            arena_printf(arena, ", \"%s\", \"%.*s.local\"", host, (int)strcspn(host, "."), host);
    set(planning, PATH("http"),
        arena_printf(arena,
                     "{\n    \"admin\": [\"127.0.0.1:8881\", \"%s:8881\"],\n"
                     "    \"admin_hosts\": [\"localhost\", \"127.0.0.1\", \"%s\"%s]\n  }",
                     address, address, names));
}

static void set_broker(struct planning *planning)
{
    const struct setup_answers *answers = planning->answers;

    if (!answers->broker)
        return;
    set_text(planning, PATH("mqtt", "url"),
             plan_is_local(planning) ? "mqtt://127.0.0.1:1883" : answers->broker);
    set_text(planning, PATH("mqtt", "username"), answers->user ? answers->user : "hall");
    if (answers->ca)
        set_text(planning, PATH("mqtt", "ca"), answers->ca);
}

/* ---- servers ---- */

static const char *found_mac(const struct planning *planning, struct in_addr address)
{
    const struct setup_found *found = planning->found;
    char mac[MAC_TEXT_SIZE];

    for (size_t i = 0; i < found->n_neighbours; i++)
        if (found->neighbours[i].address.s_addr == address.s_addr)
            return arena_copy(planning->arena, text_format_mac(found->neighbours[i].mac, mac));
    return NULL;
}

static const char *networks_of(const struct planning *planning)
{
    const struct setup_found *found = planning->found;
    const char *all = "";

    for (size_t i = 0; i < found->n_interfaces; i++) {
        const struct setup_interface *one = &found->interfaces[i];
        const struct in_addr network = {one->address.s_addr & one->mask.s_addr};
        all = arena_printf(planning->arena, "%s%s%s %s/%d", all, i > 0 ? ", " : "", one->name,
                           plan_address(planning->arena, network),
                           __builtin_popcount(one->mask.s_addr));
    }
    return all;
}

/* Is it the first or the last address of a network, which no machine has? */
static bool is_of_all(const struct setup_interface *interface, struct in_addr address)
{
    const uint32_t host = ntohl(address.s_addr & ~interface->mask.s_addr);
    const uint32_t most = ntohl(~interface->mask.s_addr);

    return most > 1 && (host == 0 || host == most);
}

/* Is it on this machine's networks? The interface; NULL: noted. */
static const struct setup_interface *
check_network(struct planning *planning, const struct setup_server *server, struct in_addr address)
{
    const struct setup_interface *interface = setup_interface_of(planning->found, address);

    if (!interface)
        setup_note(planning->notes, SETUP_SERVER_NETWORK, server->id, server->address,
                   networks_of(planning), NULL);
    else if (interface->address.s_addr == address.s_addr)
        setup_note(planning->notes, SETUP_SERVER_OWN, server->id, server->address, NULL);
    else if (is_of_all(interface, address))
        setup_note(planning->notes, SETUP_SERVER_ADDRESS, server->id, server->address, NULL);
    return interface;
}

static void set_new_server(struct planning *planning, const struct setup_server *server,
                           const char *mac, const struct setup_interface *interface)
{
    struct arena *arena = planning->arena;
    const char *device =
        planning->found->n_interfaces > 1
            ? arena_printf(arena, "\"interface\": %s, ", plan_quote(arena, interface->name))
            : "";

    set(planning, PATH("servers", server->id),
        arena_printf(arena,
                     "{ \"address\": \"%s\", \"mac\": \"%s\", \"wake\": { %s\"broadcast\": "
                     "\"%s\" } }",
                     server->address, mac, device, plan_address(arena, interface->broadcast)));
}

static void set_server(struct planning *planning, const struct setup_server *server)
{
    const char *const *address_at = PATH("servers", server->id, "address");
    const char *known = json_string(value_at(planning, address_at));
    const bool moved = known && strcmp(known, server->address) != 0;
    struct in_addr address;
    uint8_t mac[6];
    char text[MAC_TEXT_SIZE];

    if (text_parse_ipv4(server->address, &address) < 0 ||
        (server->mac && text_parse_mac(server->mac, mac) < 0))
        return; /* noted when it was taken */
    const struct setup_interface *interface = check_network(planning, server, address);
    const char *given = server->mac ? text_format_mac(mac, text) : NULL;
    if (!given && (!known || moved))
        given = found_mac(planning, address);
    if (!given && !known)
        setup_note(planning->notes, SETUP_SERVER_SILENT, server->id, server->address, NULL);
    else if (!known && interface)
        set_new_server(planning, server, given, interface);
    if (!known)
        return;
    set_text(planning, address_at, server->address);
    if (given)
        set_text(planning, PATH("servers", server->id, "mac"), given);
}

/* ---- sites ---- */

static bool is_server(const struct planning *planning, const char *id)
{
    const struct setup_answers *answers = planning->answers;

    for (size_t i = 0; i < answers->n_servers; i++)
        if (strcmp(answers->servers[i].id, id) == 0)
            return true;
    return value_at(planning, PATH("servers", id)) != NULL;
}

static const char *known_servers(const struct planning *planning)
{
    const struct json *servers = json_get(planning->before, "servers");
    char out[KNOWN_SIZE];
    struct buf all = BUF_INIT(KNOWN_SIZE - 1);

    for (const struct json *one = json_first(servers); one; one = json_next(one))
        buf_printf(&all, "%s%s", all.length > 0 ? ", " : "", json_key(one));
    for (size_t i = 0; i < planning->answers->n_servers; i++)
        buf_printf(&all, "%s%s", all.length > 0 ? ", " : "", planning->answers->servers[i].id);
    text_copy(out, sizeof(out), all.length > 0 ? buf_text(&all) : "-");
    buf_finish(&all);
    return arena_copy(planning->arena, out);
}

static void set_new_site(struct planning *planning, const struct setup_site *site)
{
    struct arena *arena = planning->arena;
    const char *upstream = site->upstream ? arena_printf(arena, ", \"upstream\": %s",
                                                         plan_quote(arena, site->upstream))
                                          : "";
    const char *policy =
        site->policy ? arena_printf(arena, ", \"policy\": { \"mode\": \"%s\" }", site->policy) : "";

    set(planning, PATH("domains", site->host),
        arena_printf(arena, "{ \"server\": \"%s\"%s%s }", site->server, upstream, policy));
}

static void set_site(struct planning *planning, const struct setup_site *site)
{
    char shown[SHOWN_MAX];

    if (!is_server(planning, site->server)) {
        setup_note(planning->notes, SETUP_SITE_SERVER, site->host,
                   text_show(shown, sizeof(shown), site->server, strlen(site->server)),
                   known_servers(planning), NULL);
        return;
    }
    if (strcspn(site->host, "\"\\") != strlen(site->host) || text_has_control(site->host)) {
        setup_note(planning->notes, SETUP_SITE_FORM,
                   text_show(shown, sizeof(shown), site->host, strlen(site->host)), NULL);
        return;
    }
    if (!value_at(planning, PATH("domains", site->host))) {
        set_new_site(planning, site);
        return;
    }
    set_text(planning, PATH("domains", site->host, "server"), site->server);
    if (site->upstream)
        set_text(planning, PATH("domains", site->host, "upstream"), site->upstream);
    if (site->policy)
        set_text(planning, PATH("domains", site->host, "policy", "mode"), site->policy);
}

/* ---- the whole ---- */

static bool is_fresh(const struct json *document)
{
    return json_count(json_get(document, "servers")) == 0 &&
           json_count(json_get(document, "domains")) == 0 && !json_get(document, "mqtt");
}

bool setup_is_fresh(const struct setup_found *found)
{
    const char *text = found->domains.text;
    struct json_error wrong = {0};
    struct json *document = NULL;

    if (!text || text[0] == '\0')
        return true;
    const bool fresh = json_read(text, strlen(text), &json_limits_config, &document, &wrong) == 0 &&
                       is_fresh(document);
    json_free(document);
    return fresh;
}

static int read_before(struct planning *planning)
{
    const struct setup_file *file = &planning->found->domains;
    struct json_error wrong = {0};

    planning->plan->domains = file->text && file->text[0] ? file->text : EMPTY;
    const char *text = planning->plan->domains;
    if (json_read(text, strlen(text), &json_limits_config, &planning->before, &wrong) < 0) {
        parse(planning);
        return -1;
    }
    planning->fresh = is_fresh(planning->before);
    return 0;
}

void plan_domains(struct planning *planning)
{
    const struct setup_answers *answers = planning->answers;

    if (read_before(planning) < 0)
        return;
    if (planning->fresh)
        set_defaults(planning);
    if (answers->language)
        set_text(planning, PATH("language"), answers->language);
    set_broker(planning);
    if (answers->http_only && json_get_bool(json_get(planning->before, "proxy"), "tls", true))
        set(planning, PATH("proxy", "tls"), "false");
    for (size_t i = 0; i < answers->n_servers; i++)
        set_server(planning, &answers->servers[i]);
    for (size_t i = 0; i < answers->n_sites; i++)
        set_site(planning, &answers->sites[i]);
    if (planning->notes->errors == 0)
        parse(planning);
}

void plan_domains_file(struct planning *planning)
{
    const struct setup_file *file = &planning->found->domains;
    struct setup_change *change =
        plan_file(planning, file->path, file->text, planning->plan->domains, DOMAINS_MODE);
    if (change) {
        change->owner = OWNED_BY_HALL;
        change->whole = false;
    }
}
