/* hallctl ping, send: one server, asked and woken from this machine, without Hall. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"
#include "bridges/wol/wol.h"
#include "config/arena.h"
#include "config/config.h"
#include "config/format.h"
#include "core/problem.h"
#include "hallctl/discover.h"
#include "hallctl/hallctl.h"
#include "probe/neighbour.h"
#include "probe/probe.h"
#include "say/say.h"

enum { ANSWER_MS = 2000, ROUND_MS = 60000, ALL_MS = 20000, CHECKS = 3 };

/* The server that is meant, as Hall's configuration has it, or made of what was said. */
struct target {
    struct config *config; /* NULL: none was read */
    struct model_server server;
    struct model_check checks[MODEL_CHECKS_MAX];
    bool has_mac;
    const char *name;
};

/* ---- whom ---- */

static int find_configured(const struct call *call, const char *id, struct target *target)
{
    const int status = hallctl_config(call, places_config(), &target->config);

    if (status >= 0) {
        if (!call_has(call, FLAG_CONFIG))
            fputs("Say where Hall's configuration is with --config, or name an address instead of "
                  "a server.\n",
                  stderr);
        return status;
    }
    const struct model *model = &target->config->model;
    const int index = model_server_by_id(model, id);
    if (index == MODEL_NONE) {
        char shown[80];
        fprintf(stderr, "hallctl %s: there is no server \"%s\" in %s; known:", call->verb->name,
                text_show(shown, sizeof(shown), id, strlen(id)), target->config->file);
        for (size_t i = 0; i < model->n_servers && i < 20; i++)
            fprintf(stderr, "%s %s", i > 0 ? "," : "", model->servers[i].id);
        fputs(model->n_servers > 20 ? ", ...\n" : "\n", stderr);
        return HALLCTL_ERROR;
    }
    target->server = model->servers[index];
    target->has_mac = true;
    target->name = id;
    return -1;
}

static int take_mac(const struct call *call, const char *text, struct target *target)
{
    if (text_parse_mac(text, target->server.mac) < 0)
        return hallctl_refuse(call, "the MAC", text, "six bytes such as aa:bb:cc:dd:ee:01");
    target->has_mac = true;
    return -1;
}

/* ---- ping ---- */

struct pinging {
    sd_event *loop;
    const struct target *target;
    const struct model *sites; /* for their names; NULL */
    int64_t began;             /* ns */
    unsigned open;             /* checks without an outcome */
    bool told[MODEL_CHECKS_MAX];
    bool alive;
    int first_error;
};

static const char *outcome_words(enum probe_outcome outcome)
{
    switch (outcome) {
    case PROBE_PASS:
        return "passes";
    case PROBE_ANSWER:
        return "the machine answers, but not as required";
    case PROBE_MISS:
    case PROBE_GONE:
        return "no answer";
    case PROBE_UNABLE:
        return "cannot be tried here";
    case PROBE_PENDING:
        break;
    }
    return "";
}

static void print_check(const struct model_check *check)
{
    char address[INET_ADDRSTRLEN] = "";

    inet_ntop(AF_INET, &check->address, address, sizeof(address));
    switch (check->kind) {
    case CHECK_PING:
        printf("ping %s: ", address);
        break;
    case CHECK_TCP:
        printf("tcp %s:%u: ", address, (unsigned)check->port);
        break;
    case CHECK_HTTP:
        printf("http %s: ", check->url);
        break;
    case CHECK_AGENT:
        break;
    }
}

static void print_outcome(enum probe_outcome outcome, struct fault fault, uint16_t detail)
{
    const struct fact why = problem_of_fault(fault);
    char text[SAID_SIZE];

    const bool told = fault.code != FAULT_NONE && fault.code != FAULT_SILENT && detail == 0;

    printf("%s", outcome == PROBE_MISS && told ? "fails" : outcome_words(outcome));
    if (told)
        printf(": %s", say_fact_text(&why, NULL, (struct say_how){0}, text, sizeof(text)));
    if (detail > 0)
        printf(", HTTP %u", (unsigned)detail);
}

static void on_outcome(void *context, int server, unsigned index, enum probe_outcome outcome,
                       struct fault fault, uint16_t detail)
{
    struct pinging *pinging = context;
    const double ms = (double)(clock_boot_ns() - pinging->began) / 1e6;

    (void)server;
    if (index >= MODEL_CHECKS_MAX || pinging->told[index])
        return;
    pinging->alive = pinging->alive || outcome == PROBE_PASS || outcome == PROBE_ANSWER ||
                     outcome == PROBE_PENDING;
    if (outcome == PROBE_PENDING)
        return;
    pinging->told[index] = true;
    pinging->open--;
    print_check(&pinging->target->server.checks[index]);
    print_outcome(outcome, fault, detail);
    if (outcome == PROBE_PASS || outcome == PROBE_ANSWER)
        printf(", after %.1f ms", ms);
    putchar('\n');
    if (pinging->open == 0)
        sd_event_exit(pinging->loop, 0);
}

static void on_neighbour(void *context, int server, enum mac_verdict verdict, const uint8_t mac[6])
{
    (void)context; /* the table is looked at once more at the end */
    (void)server;
    (void)verdict;
    (void)mac;
}

static int on_late(sd_event_source *source, uint64_t us, void *userdata)
{
    struct pinging *pinging = userdata;

    (void)source;
    (void)us;
    return sd_event_exit(pinging->loop, 0);
}

static void tell_mac(const struct pinging *pinging)
{
    const struct model_server *server = &pinging->target->server;
    struct neighbours *neighbours = NULL;
    uint8_t found[6];
    char text[MAC_TEXT_SIZE];

    if (server->loopback || neighbours_create(&neighbours) < 0)
        return;
    enum mac_verdict verdict = neighbours_look(neighbours, server->address, server->mac, found);
    if (verdict == MAC_OTHER && model_has_mac(server, found))
        verdict = MAC_MATCH;
    if (verdict == MAC_UNKNOWN)
        puts("mac: not known; it does not answer, or it is behind a router");
    else if (verdict == MAC_MATCH)
        printf("mac: %s, as configured\n", text_format_mac(found, text));
    else if (!pinging->target->has_mac)
        printf("mac: %s\n", text_format_mac(found, text));
    else
        printf("mac: %s: this is another machine than the one configured\n",
               text_format_mac(found, text));
    neighbours_destroy(neighbours);
}

static int ping_with(struct pinging *pinging)
{
    static const struct prober_listener listener = {.outcome = on_outcome,
                                                    .neighbour = on_neighbour};
    struct model_server servers[1] = {pinging->target->server};
    const struct model model = {.n_servers = 1, .servers = servers};
    struct prober *prober = NULL;
    int error = prober_create(pinging->loop, &model, &listener, pinging, &prober);

    if (error == 0)
        error = sd_event_add_time_relative(pinging->loop, NULL, CLOCK_BOOTTIME,
                                           (uint64_t)ALL_MS * 1000, 1000, on_late, pinging);
    pinging->began = clock_boot_ns();
    if (error >= 0) {
        prober_pace(prober, 0, ROUND_MS, ANSWER_MS);
        error = sd_event_loop(pinging->loop);
    }
    prober_destroy(prober);
    return error;
}

static int ping(const struct call *call, const struct target *target)
{
    struct pinging pinging = {.target = target};

    for (size_t i = 0; i < target->server.n_checks; i++)
        pinging.open += target->server.checks[i].kind != CHECK_AGENT;
    log_init(LOG_LEVEL_WARNING);
    int error = sd_event_new(&pinging.loop);
    if (error >= 0)
        error = ping_with(&pinging);
    sd_event_unref(pinging.loop);
    if (error < 0)
        return hallctl_fail(call, target->name, strerror(-error));
    tell_mac(&pinging);
    printf("%s: %s\n", target->name, pinging.alive ? "is there" : "no sign of life");
    return pinging.alive ? HALLCTL_OK : HALLCTL_ERROR;
}

static void add_check(struct target *target, struct model_check check)
{
    check.site = MODEL_NONE;
    check.address = target->server.address;
    if (target->server.n_checks < MODEL_CHECKS_MAX)
        target->checks[target->server.n_checks++] = check;
}

static int add_http(const struct call *call, struct target *target, struct arena *arena)
{
    const char *url = NULL;
    const enum wording allowed = call_has(call, FLAG_HTTP)
                                     ? format_http_url.parse(arena, call->texts[FLAG_HTTP], &url)
                                     : WORDING_NONE;

    if (allowed)
        return hallctl_refuse(call, "--http", call->texts[FLAG_HTTP],
                              wording_text(allowed, CONFIG_ENGLISH));
    if (url)
        add_check(target, (struct model_check){.kind = CHECK_HTTP,
                                               .url = url,
                                               .tls = {.verify = true},
                                               .n_expect = 1,
                                               .expect = {{200, 399}}});
    return -1;
}

/* The same page is often asked for by a server and by its site. */
static bool has_url(const struct target *target, const struct model_check *check)
{
    for (size_t i = 0; i < target->server.n_checks; i++)
        if (check->kind == CHECK_HTTP && text_equal(target->checks[i].url, check->url))
            return true;
    return false;
}

/* The checks of the configuration come first, with a ping where there is none; then what was asked
 * for besides. */
static int choose_checks(const struct call *call, struct target *target, struct arena *arena)
{
    const struct model_check *configured = target->server.checks;
    const size_t n = target->server.n_checks;
    bool pinged = false;

    target->server.checks = target->checks;
    target->server.n_checks = 0;
    for (size_t i = 0; i < n && i < MODEL_CHECKS_MAX - CHECKS; i++) {
        if (configured[i].kind == CHECK_AGENT || has_url(target, &configured[i]))
            continue;
        pinged = pinged || configured[i].kind == CHECK_PING;
        target->checks[target->server.n_checks++] = configured[i];
    }
    if (!pinged)
        add_check(target, (struct model_check){.kind = CHECK_PING});
    if (call_has(call, FLAG_TCP))
        add_check(target, (struct model_check){.kind = CHECK_TCP,
                                               .port = (uint16_t)call->numbers[FLAG_TCP]});
    return add_http(call, target, arena);
}

static int find_pinged(const struct call *call, struct target *target)
{
    const char *text = call->operands[0];

    target->name = text;
    if (text_parse_ipv4(text, &target->server.address) < 0)
        return find_configured(call, text, target);
    target->server.id = text;
    target->server.loopback = ntohl(target->server.address.s_addr) >> 24 == 127;
    return call_has(call, FLAG_MAC) ? take_mac(call, call->texts[FLAG_MAC], target) : -1;
}

/* ---- send ---- */

static int find_woken(const struct call *call, struct target *target)
{
    const char *text = call->operands[0];

    if (!strchr(text, ':') && strlen(text) != 17)
        return find_configured(call, text, target);
    target->name = text;
    target->server.wake.broadcast.s_addr = htonl(INADDR_BROADCAST);
    target->server.wake.port = 9;
    return take_mac(call, text, target);
}

static int take_way(const struct call *call, struct target *target, struct arena *arena)
{
    struct model_wake *wake = &target->server.wake;
    enum wording allowed;

    if (call_has(call, FLAG_BROADCAST) &&
        text_parse_ipv4(call->texts[FLAG_BROADCAST], &wake->broadcast) < 0)
        return hallctl_refuse(call, "--broadcast", call->texts[FLAG_BROADCAST],
                              "an IPv4 address such as 192.168.1.255");
    if (call_has(call, FLAG_PORT))
        wake->port = (uint16_t)call->numbers[FLAG_PORT];
    if (call_has(call, FLAG_INTERFACE) &&
        (allowed = format_interface.parse(arena, call->texts[FLAG_INTERFACE], &wake->interface)))
        return hallctl_refuse(call, "--interface", call->texts[FLAG_INTERFACE],
                              wording_text(allowed, CONFIG_ENGLISH));
    if (call_has(call, FLAG_SECUREON) &&
        (allowed = format_secureon.parse(arena, call->texts[FLAG_SECUREON], wake)))
        return hallctl_refuse(call, "--secureon", "(not shown)",
                              wording_text(allowed, CONFIG_ENGLISH));
    return -1;
}

static const char *hint_of(int error)
{
    if (error == -ENODEV)
        return "there is no such interface; see: ip link";
    if (error == -ENETUNREACH)
        return "no route there; name the interface with --interface";
    return strerror(-error);
}

static int send_packet(const struct call *call, const struct target *target)
{
    const struct model_wake *wake = &target->server.wake;
    struct wol_target packet = {.secureon_length = wake->secureon_length,
                                .broadcast = wake->broadcast,
                                .port = wake->port,
                                .interface = wake->interface};
    char mac[MAC_TEXT_SIZE], to[INET_ADDRSTRLEN] = "";

    memcpy(packet.mac, target->server.mac, sizeof(packet.mac));
    memcpy(packet.secureon, wake->secureon, sizeof(packet.secureon));
    const int error = wol_send(&packet);
    inet_ntop(AF_INET, &wake->broadcast, to, sizeof(to));
    if (error < 0)
        return hallctl_fail(call, to, hint_of(error));
    printf("magic packet for %s sent to %s:%u%s%s\n", text_format_mac(packet.mac, mac), to,
           (unsigned)wake->port, wake->interface ? " by " : "",
           wake->interface ? wake->interface : "");
    if (wake->relay)
        printf("(Hall would send it by the relay %s; this one left from here)\n", wake->relay);
    return HALLCTL_OK;
}

typedef int find_target(const struct call *call, struct target *target);
typedef int complete_target(const struct call *call, struct target *target, struct arena *arena);

/* Each returns an exit status, or less than 0 where the next one goes on. */
static int run(const struct call *call, find_target *find, complete_target *complete,
               int (*act)(const struct call *call, const struct target *target))
{
    struct target target = {0};
    struct arena *arena = arena_create();
    int status = arena ? find(call, &target) : HALLCTL_ERROR;

    if (status < 0)
        status = complete(call, &target, arena);
    if (status < 0)
        status = act(call, &target);
    config_free(target.config);
    arena_destroy(arena);
    return status;
}

static int run_ping(const struct call *call)
{
    return run(call, find_pinged, choose_checks, ping);
}

static int run_send(const struct call *call)
{
    return run(call, find_woken, take_way, send_packet);
}

/* clang-format off */
static const struct verb verbs[] = {
    {.name = "ping", .operands = "SERVER|ADDRESS", .summary = "checks a server from this machine",
     .flags = WITH(FLAG_CONFIG) | WITH(FLAG_MAC) | WITH(FLAG_TCP) | WITH(FLAG_HTTP), .least = 1, .most = 1,
     .run = run_ping,
     .detail = "Runs the checks in Hall's configuration (--config, default " PLACE_CONFIG "): ping, TCP,\n"
               "HTTP, and which MAC answers; or checks an address. Exit status 0: it is up; 1: no answer.\n"},
    {.name = "send", .operands = "SERVER|MAC", .summary = "sends a magic packet from this machine",
     .flags = WITH(FLAG_CONFIG) | WITH(FLAG_INTERFACE) | WITH(FLAG_BROADCAST) | WITH(FLAG_PORT) | WITH(FLAG_SECUREON),
     .least = 1, .most = 1, .run = run_send,
     .detail = "As set in Hall's configuration (--config, default " PLACE_CONFIG "), or to a MAC.\n"
               "Hall does not see it; to wake a server for use: hallctl wake SERVER.\n"},
    {.name = "discover", .operands = "", .summary = "lists machines on the LAN, ready for the configuration",
     .flags = WITH(FLAG_CONFIG) | WITH(FLAG_JSON) | WITH(FLAG_SCAN) | WITH(FLAG_INTERFACE), .run = discover_run,
     .detail = "Lists the neighbours that this machine has seen recently. --scan NETWORK (at most /22) contacts every\n"
               "address in it first. With --config, configured servers are marked and left out below.\n"},
};
/* clang-format on */

const struct verb_family wire_family = {"Without Hall", verbs, ARRAY_SIZE(verbs)};
