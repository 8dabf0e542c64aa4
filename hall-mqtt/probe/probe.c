#include "probe/probe.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/log.h"
#include "probe/attempt.h"
#include "probe/elsewhere.h"
#include "probe/kinds.h"
#include "probe/neighbour.h"

enum {
    CALM_MS = 5000, /* rounds at least so far apart are put together with others' */
    CALM_ACCURACY_US = 250000,
    HURRIED_ACCURACY_US = 1000,
    SERVERS_PER_TICK =
        32, /* calm rounds of so many servers fall together, the next ones a tick later */
    TICK_MS = 1000,
    SILENT_ROUNDS = 4,  /* before it is looked for elsewhere */
    SLEEPER_MS = 10000, /* one asked so seldom may sleep: no other packets are sent to it */
    DESCRIPTORS_MIN = 16,
    DESCRIPTORS_MAX = 256,
};

enum kind { KIND_ICMP, KIND_TCP, KIND_HTTP, KINDS };

/* A server at run time. */
struct server_run {
    struct prober *prober;
    sd_event_source *timer; /* the next round; NULL until the first pace */
    int64_t interval_ms;    /* 0: stopped */
    int64_t due_ms;         /* when the next round begins; boot clock */
    int timeout_ms;
    size_t first_check;   /* of prober.checks */
    size_t n_checks;      /* those that are probed */
    bool neighbour_told;  /* in this round */
    unsigned silent;      /* rounds in a row in which nothing answered; stops at SILENT_ROUNDS */
    int64_t search_at;    /* its MAC is looked for elsewhere not before; boot clock, ms */
    struct in_addr moved; /* as told; 0.0.0.0: nowhere */
};

struct prober {
    struct probe_env env;
    const struct model *model;
    const struct prober_listener *listener;
    void *context;
    struct neighbours *neighbours;   /* NULL: no rtnetlink here, MACs stay unknown */
    struct probe_kind *kinds[KINDS]; /* NULL: not needed */
    struct probe_check *checks;      /* of all servers, one server's together */
    size_t n_checks;
    struct server_run *servers;
    struct elsewhere elsewhere;
};

typedef int kind_create(const struct probe_env *env, struct probe_kind **ret_kind);
static kind_create *const creators[KINDS] = {
    [KIND_ICMP] = icmp_create,
    [KIND_TCP] = tcp_create,
    [KIND_HTTP] = http_create,
};

/* --- results --- */

static void tell_moved(struct server_run *run, struct in_addr address)
{
    struct prober *prober = run->prober;
    if (run->moved.s_addr == address.s_addr || !prober->listener->moved)
        return;
    run->moved = address;
    prober->listener->moved(prober->context, (int)(run - prober->servers), address);
}

static void tell_neighbour(struct prober *prober, int server)
{
    const struct model_server *of = &prober->model->servers[server];
    if (of->loopback || prober->servers[server].neighbour_told)
        return;
    prober->servers[server].neighbour_told = true;
    uint8_t mac[6];
    enum mac_verdict verdict = neighbours_look(prober->neighbours, of->address, of->mac, mac);
    if (verdict == MAC_OTHER && model_has_mac(of, mac))
        verdict = MAC_MATCH;
    prober->listener->neighbour(prober->context, server, verdict, mac);
}

static void on_report(void *context, struct probe_check *check, enum probe_outcome outcome,
                      struct fault fault, uint16_t detail)
{
    struct prober *prober = context;
    if (outcome == PROBE_PASS || outcome == PROBE_ANSWER || outcome == PROBE_PENDING) {
        prober->servers[check->server_index].silent = 0;
        tell_moved(&prober->servers[check->server_index], (struct in_addr){0});
        tell_neighbour(prober, check->server_index);
    }
    prober->listener->outcome(prober->context, check->server_index, check->index, outcome, fault,
                              detail);
}

/* --- rounds --- */

static int server_index(const struct server_run *run)
{
    return (int)(run - run->prober->servers);
}

static bool is_calm(const struct server_run *run)
{
    return run->interval_ms >= CALM_MS;
}

/* Calm rounds begin at whole multiples of their interval, shifted by the server's tick: about an
 * interval from now. */
static int64_t next_calm(const struct server_run *run, int64_t now_ms)
{
    int64_t shift = (int64_t)(server_index(run) / SERVERS_PER_TICK) * TICK_MS % run->interval_ms;
    int64_t earliest = now_ms + run->interval_ms / 2 - shift;
    return (earliest / run->interval_ms + 1) * run->interval_ms + shift;
}

/* Fast rounds keep their beat; rounds that were missed (suspend, a busy loop) are not made up for.
 */
static int64_t next_hurried(const struct server_run *run, int64_t due_ms, int64_t now_ms)
{
    int64_t next = due_ms + run->interval_ms;
    return next > now_ms ? next : now_ms + run->interval_ms;
}

static int arm(struct server_run *run, uint64_t usec)
{
    int r = sd_event_source_set_time_accuracy(run->timer, is_calm(run) ? CALM_ACCURACY_US
                                                                       : HURRIED_ACCURACY_US);
    if (r < 0)
        return r;
    run->due_ms = (int64_t)(usec / 1000);
    r = sd_event_source_set_time(run->timer, usec);
    if (r < 0)
        return r;
    return sd_event_source_set_enabled(run->timer, SD_EVENT_ONESHOT);
}

/* Who does not answer may have been given another address. */
static void search(struct server_run *run, int64_t now)
{
    struct prober *prober = run->prober;
    const int index = server_index(run);
    struct in_addr found = {0};
    if (run->silent < SILENT_ROUNDS) {
        run->silent++;
        return;
    }
    if (now < run->search_at || !prober->listener->moved)
        return;
    run->search_at = now + ELSEWHERE_EVERY_MS;
    (void)elsewhere_find(&prober->elsewhere, prober->neighbours, &prober->model->servers[index],
                         index, prober->listener->owns, prober->context,
                         run->interval_ms < SLEEPER_MS, now, &found);
    tell_moved(run, found);
}

static int on_round(sd_event_source *source, uint64_t due_usec, void *userdata)
{
    (void)source;
    struct server_run *run = userdata;
    struct prober *prober = run->prober;
    uint64_t now_usec = 0;
    int r = sd_event_now(prober->env.loop, CLOCK_BOOTTIME, &now_usec);
    if (r < 0)
        return r;
    int64_t now_ms = (int64_t)(now_usec / 1000);
    int64_t next = is_calm(run) ? next_calm(run, now_ms)
                                : next_hurried(run, (int64_t)(due_usec / 1000), now_ms);
    r = arm(run, (uint64_t)next * 1000);
    if (r < 0)
        return r;
    run->neighbour_told = false;
    search(run, now_ms);
    /* A report may change the pace, or stop it. */
    for (size_t i = 0; i < run->n_checks && run->interval_ms; i++)
        check_ask(&prober->checks[run->first_check + i], run->timeout_ms, !is_calm(run));
    return 0;
}

static int start(struct server_run *run)
{
    uint64_t now_usec = 0;
    int r = sd_event_now(run->prober->env.loop, CLOCK_BOOTTIME, &now_usec);
    if (r < 0)
        return r;
    if (!run->timer)
        r = sd_event_add_time(run->prober->env.loop, &run->timer, CLOCK_BOOTTIME, now_usec, 0,
                              on_round, run);
    return r < 0 ? r : arm(run, now_usec);
}

void prober_pace(struct prober *prober, int server, int64_t interval_ms, int64_t timeout_ms)
{
    struct server_run *run = &prober->servers[server];
    int timeout = timeout_ms < INT_MAX ? (int)timeout_ms : INT_MAX;
    if (run->interval_ms == interval_ms && run->timeout_ms == timeout)
        return;
    run->interval_ms = interval_ms;
    run->timeout_ms = timeout;
    if (run->n_checks == 0)
        return;
    if (!interval_ms) {
        (void)sd_event_source_set_enabled(run->timer, SD_EVENT_OFF);
        for (size_t i = 0; i < run->n_checks; i++)
            check_cancel(&run->prober->checks[run->first_check + i]);
        return;
    }
    int r = start(run);
    if (r < 0)
        log_error("probe: server %s is not probed: %s", prober->model->servers[server].id,
                  strerror(-r));
}

bool prober_is_behind(const struct prober *prober, int64_t before)
{
    for (size_t s = 0; s < prober->model->n_servers; s++) {
        const struct server_run *run = &prober->servers[s];
        if (run->timer && run->interval_ms && run->due_ms <= before)
            return true;
    }
    return false;
}

void prober_stood_still(struct prober *prober)
{
    for (size_t i = 0; i < prober->n_checks; i++)
        check_forget(&prober->checks[i]);
    for (size_t s = 0; s < prober->model->n_servers; s++)
        prober->servers[s].silent = 0;
}

/* --- making and ending --- */

/* KINDS: not probed. */
static enum kind kind_of(const struct model_check *check)
{
    switch (check->kind) {
    case CHECK_PING:
        return KIND_ICMP;
    case CHECK_TCP:
        return KIND_TCP;
    case CHECK_HTTP:
        return KIND_HTTP;
    case CHECK_AGENT:
        break;
    }
    return KINDS;
}

static int need_kind(struct prober *prober, enum kind kind)
{
    if (prober->kinds[kind])
        return 0;
    return creators[kind](&prober->env, &prober->kinds[kind]);
}

static int add_check(struct prober *prober, size_t server, size_t index)
{
    const struct model_server *of = &prober->model->servers[server];
    const struct model_check *check = &of->checks[index];
    enum kind kind = kind_of(check);
    if (kind == KINDS)
        return 0;
    int r = need_kind(prober, kind);
    if (r < 0)
        return r;
    prober->checks[prober->n_checks++] = (struct probe_check){
        .server = of,
        .check = check,
        .kind = prober->kinds[kind],
        .server_index = (int)server,
        .index = (uint16_t)index,
    };
    return 0;
}

static int add_server(struct prober *prober, size_t server)
{
    struct server_run *run = &prober->servers[server];
    run->prober = prober;
    run->first_check = prober->n_checks;
    for (size_t i = 0; i < prober->model->servers[server].n_checks; i++) {
        int r = add_check(prober, server, i);
        if (r < 0)
            return r;
    }
    run->n_checks = prober->n_checks - run->first_check;
    return 0;
}

static int add_servers(struct prober *prober)
{
    const struct model *model = prober->model;
    size_t n = 0;
    for (size_t s = 0; s < model->n_servers; s++)
        for (size_t c = 0; c < model->servers[s].n_checks; c++)
            n += model->servers[s].checks[c].kind != CHECK_AGENT;
    prober->checks = calloc(n + 1, sizeof(*prober->checks));
    prober->servers = calloc(model->n_servers + 1, sizeof(*prober->servers));
    if (!prober->checks || !prober->servers)
        return -ENOMEM;
    for (size_t s = 0; s < model->n_servers; s++) {
        int r = add_server(prober, s);
        if (r < 0)
            return r;
    }
    return 0;
}

/* A quarter of what the process may open is left to each kind that needs descriptors. */
static unsigned descriptors_per_kind(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / 4 < DESCRIPTORS_MIN)
        return DESCRIPTORS_MIN;
    return limit.rlim_cur / 4 < DESCRIPTORS_MAX ? (unsigned)(limit.rlim_cur / 4) : DESCRIPTORS_MAX;
}

int prober_create(sd_event *loop, const struct model *model, const struct prober_listener *listener,
                  void *context, struct prober **ret_prober)
{
    struct prober *prober = calloc(1, sizeof(*prober));
    if (!prober)
        return -ENOMEM;
    *prober = (struct prober){
        .env = {.loop = loop,
                .report = on_report,
                .context = prober,
                .descriptors = descriptors_per_kind()},
        .model = model,
        .listener = listener,
        .context = context,
    };
    int r = neighbours_create(&prober->neighbours);
    if (r < 0)
        log_warning("probe: no rtnetlink (%s), MAC addresses stay unknown", strerror(-r));
    r = add_servers(prober);
    if (r < 0) {
        prober_destroy(prober);
        return r;
    }
    *ret_prober = prober;
    return 0;
}

void prober_destroy(struct prober *prober)
{
    if (!prober)
        return;
    for (size_t i = 0; i < prober->n_checks; i++)
        check_cancel(&prober->checks[i]);
    for (size_t s = 0; prober->servers && s < prober->model->n_servers; s++)
        sd_event_source_disable_unref(prober->servers[s].timer);
    for (size_t k = 0; k < KINDS; k++)
        kind_destroy(prober->kinds[k]);
    neighbours_destroy(prober->neighbours);
    free(prober->checks);
    free(prober->servers);
    free(prober);
}
