/* The plan: pure. Its parts are plan_*.c. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "config/format.h"
#include "hallctl/setup/plan_internal.h"

/* More than any argument of a program can be. */
enum { QUOTED_MAX = 1 << 20, HTTP_PORT = 80, HTTPS_PORT = 443 };

/* ---- what the parts share ---- */

bool plan_is_local(const struct planning *planning)
{
    return planning->answers->broker && !setup_is_elsewhere(planning->answers);
}

const struct setup_interface *plan_interface(const struct planning *planning)
{
    const struct setup_found *found = planning->found;

    if (planning->answers->interface)
        return setup_interface_named(found, planning->answers->interface);
    return found->n_interfaces > 0 ? &found->interfaces[0] : NULL;
}

bool plan_listens(const struct planning *planning, const char *program)
{
    for (size_t i = 0; i < planning->found->n_listeners; i++)
        if (strcmp(planning->found->listeners[i].program, program) == 0)
            return true;
    return false;
}

struct setup_change *plan_file(struct planning *planning, const char *path, const char *before,
                               const char *after, mode_t mode)
{
    struct setup_plan *plan = planning->plan;

    if (!after || (before && strcmp(before, after) == 0) || plan->n_changes == SETUP_FILES_MAX)
        return NULL;
    struct setup_change *change = &plan->changes[plan->n_changes++];
    *change = (struct setup_change){.path = path,
                                    .before = before,
                                    .after = after,
                                    .mode = mode,
                                    .owner = OWNED_BY_ROOT,
                                    .whole = true};
    return change;
}

const char *plan_quote(struct arena *arena, const char *text)
{
    struct buf out = BUF_INIT(QUOTED_MAX);
    struct json_writer json;

    json_writer_init(&json, &out);
    json_put_string(&json, NULL, text);
    const char *quoted = buf_error(&out) == 0 ? arena_copy(arena, buf_text(&out)) : NULL;
    buf_finish(&out);
    return quoted;
}

const char *plan_address(struct arena *arena, struct in_addr address)
{
    char text[INET_ADDRSTRLEN];

    return arena_copy(arena, inet_ntop(AF_INET, &address, text, sizeof(text)));
}

bool plan_is_host(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "abcdefghijklmnopqrstuvwxyz"
                                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-")] == '\0';
}

/* ---- single answers ---- */

static const char *known_interfaces(const struct planning *planning)
{
    const char *all = "";

    for (size_t i = 0; i < planning->found->n_interfaces; i++)
        all = arena_printf(planning->arena, "%s%s%s", all, i > 0 ? ", " : "",
                           planning->found->interfaces[i].name);
    return all;
}

/* Those of a broker on this machine are set up, not taken. */
static void check_broker_options(struct planning *planning)
{
    const struct setup_answers *answers = planning->answers;
    const char *option = answers->user              ? "--user"
                         : answers->ca              ? "--ca"
                         : answers->broker_password ? "--broker-password-file"
                                                    : NULL;

    if (option && !setup_is_elsewhere(answers))
        setup_note(planning->notes, SETUP_BROKER_OPTION, option, NULL);
}

static void check_answers(struct planning *planning)
{
    const struct setup_answers *answers = planning->answers;
    struct mqtt_broker broker;

    if (answers->interface && !setup_interface_named(planning->found, answers->interface))
        setup_note(planning->notes, SETUP_INTERFACE, answers->interface, known_interfaces(planning),
                   NULL);
    if (answers->language && strcmp(answers->language, "en") != 0 &&
        strcmp(answers->language, "fr") != 0)
        setup_note(planning->notes, SETUP_LANGUAGE, answers->language, NULL);
    if (setup_is_elsewhere(answers) &&
        format_mqtt_url.parse(planning->arena, answers->broker, &broker) != WORDING_NONE)
        setup_note(planning->notes, SETUP_BROKER_URL, answers->broker, NULL);
    check_broker_options(planning);
    if (answers->proxy && strcmp(answers->proxy, "none") != 0 && !proxy_place_named(answers->proxy))
        setup_note(planning->notes, SETUP_PROXY, answers->proxy, NULL);
}

/* ---- ports ---- */

static void check_port(struct planning *planning, struct in_addr address, uint16_t port,
                       const char *owner)
{
    const struct setup_found *found = planning->found;

    for (size_t i = 0; i < found->n_listeners; i++) {
        const struct setup_listener *other = &found->listeners[i];
        const bool meets = other->address.s_addr == address.s_addr ||
                           other->address.s_addr == INADDR_ANY || address.s_addr == INADDR_ANY;
        if (other->port != port || !meets || other->program[0] == '\0' ||
            strcmp(other->program, owner) == 0)
            continue;
        setup_note(planning->notes, SETUP_PORT_TAKEN,
                   arena_printf(planning->arena, "%u", (unsigned)port), other->program, owner,
                   NULL);
        return;
    }
}

/* Those that Hall's own configuration of it listens on, at every address. */
static void check_proxy_ports(struct planning *planning)
{
    static const struct in_addr all = {INADDR_ANY};
    const struct proxy_place *place = planning->plan->proxy;

    if (!place || (!place->file && planning->found->proxies[place - proxy_places].script))
        return;
    check_port(planning, all, HTTP_PORT, place->name);
    if (planning->config->proxy.tls)
        check_port(planning, all, HTTPS_PORT, place->name);
}

static void check_ports(struct planning *planning)
{
    static const uint16_t broker_ports[] = {1883, 8883};
    const struct config_http *http = &planning->config->http;

    for (size_t i = 0; i < http->n_gateway; i++)
        check_port(planning, http->gateway[i].sin_addr, ntohs(http->gateway[i].sin_port), "hall");
    for (size_t i = 0; i < http->n_admin; i++)
        check_port(planning, http->admin[i].sin_addr, ntohs(http->admin[i].sin_port), "hall");
    for (size_t i = 0; i < ARRAY_SIZE(broker_ports) && plan_is_local(planning); i++)
        check_port(planning, (struct in_addr){htonl(INADDR_LOOPBACK)}, broker_ports[i],
                   "mosquitto");
    check_proxy_ports(planning);
}

/* ---- all ---- */

static bool hall_has(const struct setup_found *found, const struct sockaddr_in *at, size_t n)
{
    size_t served = 0;

    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < found->n_listeners; k++) {
            const struct setup_listener *one = &found->listeners[k];
            if (one->port == ntohs(at[i].sin_port) && strcmp(one->program, "hall") == 0 &&
                (one->address.s_addr == INADDR_ANY ||
                 one->address.s_addr == at[i].sin_addr.s_addr)) {
                served++;
                break;
            }
        }
    return served == n;
}

/* Does Hall listen everywhere it will? One that does not was not started again the last time. */
static bool is_served(const struct planning *planning)
{
    const struct config_http *http = &planning->config->http;

    return hall_has(planning->found, http->gateway, http->n_gateway) &&
           hall_has(planning->found, http->admin, http->n_admin);
}

static void plan_services(struct planning *planning)
{
    struct setup_plan *plan = planning->plan;
    const char *before = planning->found->domains.text;
    const bool changed = !before || strcmp(before, plan->domains) != 0;

    const bool idle =
        planning->config && planning->config->model.n_servers > 0 && !is_served(planning);

    plan->restart_hall = planning->link_changed || idle;
    plan->reload_hall = changed && !plan->restart_hall;
}

/* Nothing is configured yet and nothing was asked for: a broker on this machine. */
static const struct setup_answers *complete(struct planning *planning)
{
    struct setup_answers *whole = arena_alloc(planning->arena, 1, sizeof(*whole));

    if (!whole)
        return planning->answers;
    *whole = *planning->answers;
    if (!whole->broker && setup_is_fresh(planning->found))
        whole->broker = "local";
    return whole;
}

void setup_plan(struct arena *arena, const struct setup_answers *answers,
                const struct setup_found *found, const struct setup_secrets *secrets,
                struct setup_plan *ret_plan, struct setup_notes *notes)
{
    struct planning planning = {.arena = arena,
                                .answers = answers,
                                .found = found,
                                .secrets = secrets,
                                .plan = ret_plan,
                                .notes = notes};

    *ret_plan = (struct setup_plan){0};
    planning.answers = complete(&planning);
    check_answers(&planning);
    plan_broker(&planning);
    plan_domains(&planning);
    plan_secrets(&planning);
    /* The last that is written: what is not there without it is made when setup runs again. */
    plan_domains_file(&planning);
    plan_proxy(&planning);
    if (planning.config)
        check_ports(&planning);
    plan_services(&planning);
    json_free(planning.before);
    config_free(planning.config);
    if (arena_failed(arena))
        setup_note(notes, SETUP_MEMORY, NULL);
}

bool setup_plan_is_empty(const struct setup_plan *plan)
{
    return plan->n_changes == 0 && !plan->new_users && !plan->renew[0] && !plan->names &&
           !plan->restart_broker && !plan->restart_hall && !plan->reload_hall && !plan->proxy;
}
