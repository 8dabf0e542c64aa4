/* What other programs of the proxy ask, beside /auth: Traefik's provider its configuration,
 * Sablier's plugins whether a site is ready. Answered to trusted proxies only. */
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "bridges/proxy/proxy_config.h"
#include "web/gate/sablier.h"
#include "web/routes/desk_internal.h"

enum {
    BLOCK_MOST_MS = 29000, /* a worker is not lent for longer */
    RELOAD_MOST_S = 60,
};

static bool is_from_proxy(struct desk *desk, const struct raw_request *raw, struct clerk *clerk)
{
    enum request_fault fault =
        request_read(raw, &desk->gate.proxies, REQUEST_VIA_DIRECT, &clerk->request);
    if (fault == REQUEST_FINE && !clerk->request.trusted)
        fault = REQUEST_NOT_TRUSTED;
    if (fault != REQUEST_FINE)
        desk_refuse_fault(desk, clerk, raw, fault, DOOR_ANY);
    return fault == REQUEST_FINE;
}

/* ---- Traefik ---- */

void desk_route_traefik(struct desk *desk, const struct raw_request *raw, struct clerk *clerk)
{
    const struct config *config = board_config(desk->board);
    const bool is_middleware = raw->query && strcmp(raw->query, "middleware") == 0;
    const struct proxy_options options = {.kind = PROXY_TRAEFIK,
                                          .form = is_middleware ? PROXY_MIDDLEWARE : PROXY_WHOLE,
                                          .fail_open = config->proxy.fail_open};
    struct buf errors = BUF_INIT(1024);

    if (!is_from_proxy(desk, raw, clerk))
        return;
    if (desk_is_for_visitor(raw)) {
        desk_note_refusal(desk, clerk, raw, MODEL_NONE, &FACT(ACCESS_PROXIED));
        desk_refuse(clerk, 403, &FACT(ACCESS_PROXIED));
        return;
    }
    clerk->answer.room.limit = PROXY_CONFIG_MAX;
    proxy_config_write(config, &options, answer_begin(&clerk->answer, 200), &errors);
    answer_never_kept(&clerk->answer);
    answer_end(&clerk->answer, "application/json");
    buf_finish(&errors);
}

/* ---- Sablier ---- */

/* May its plugin let the visitor pass? Every answer says so, the refusals too: the plugin for
 * proxy-wasm lets a visitor in when the header is missing. */
static void say_session(struct clerk *clerk, bool ready)
{
    clerk->answer.always =
        ready ? "X-Sablier-Session-Status: ready\r\n" : "X-Sablier-Session-Status: not-ready\r\n";
}

static bool read_sablier(struct desk *desk, const struct raw_request *raw, struct clerk *clerk,
                         struct sablier *ret_sablier)
{
    struct span query = {raw->query, raw->query ? strlen(raw->query) : 0};

    say_session(clerk, false);
    if (!is_from_proxy(desk, raw, clerk))
        return false;
    enum sablier_fault fault = sablier_read(desk->model, query, ret_sablier);
    if (fault == SABLIER_FINE)
        return true;
    const struct fact why = sablier_fault_fact(fault, ret_sablier);
    desk_refuse(clerk, sablier_fault_status(fault), &why);
    return false;
}

static struct place place_of(const struct desk *desk, int site)
{
    const struct model_site *what = &desk->model->sites[site];
    return (struct place){PLACE_SITE, what->domain, site, what->server};
}

/* The plugin does not say who the visitor is: what is not for everybody is not for it. False: it
 * was answered. */
static bool may_have(struct desk *desk, const struct raw_request *raw, struct clerk *clerk,
                     const struct place *place)
{
    struct guard guard;
    if (!gate_allows(&desk->gate, place, &clerk->request)) {
        const struct decision decision = {.place = *place, .client = CLIENT_API};
        desk_refuse_address(desk, clerk, raw, &decision, DOOR_ANY);
        return false;
    }
    bool ready = board_site_ready(desk->board, place->site);
    if (!desk_is_limited(desk, clerk, place, ready, &guard))
        return true;
    board_count(desk->board, COUNT_REFUSED_GUARD);
    desk_note_limit(desk, clerk, raw, place->site, guard);
    desk_send_limit(desk, clerk, place, guard, CLIENT_API, DOOR_ANY);
    return false;
}

/* Wants or uses all sites; the first that is not ready, or MODEL_NONE. */
static int ask_for(struct desk *desk, const struct clerk *clerk, const struct sablier *sablier)
{
    int waited_for = MODEL_NONE;
    for (size_t i = 0; i < sablier->n; i++) {
        int site = sablier->sites[i];
        const struct model_access *access =
            &desk->model->domains[desk->model->sites[site].domain].access;
        if (board_site_ready(desk->board, site)) {
            desk_tell(desk, VISIT_USES, site, clerk);
            continue;
        }
        if (access->wake == ACCESS_WAKE_VISIT)
            desk_tell(desk, VISIT_WANTS, site, clerk);
        if (waited_for == MODEL_NONE)
            waited_for = site;
    }
    return waited_for;
}

static bool may_have_all(struct desk *desk, const struct raw_request *raw, struct clerk *clerk,
                         const struct sablier *sablier)
{
    for (size_t i = 0; i < sablier->n; i++) {
        struct place place = place_of(desk, sablier->sites[i]);
        if (!may_have(desk, raw, clerk, &place))
            return false;
    }
    return true;
}

static int reload_s(const struct sablier *sablier)
{
    int64_t seconds = (sablier->refresh + 999) / 1000;
    return seconds < 1 ? 1 : seconds > RELOAD_MOST_S ? RELOAD_MOST_S : (int)seconds;
}

/* 200 in any case, as the plugins expect it: whether the visitor may pass is said by the header,
 * and some of them drop the status. */
void desk_route_sablier_dynamic(struct desk *desk, const struct raw_request *raw,
                                struct clerk *clerk)
{
    struct sablier sablier;
    struct view view;

    if (!read_sablier(desk, raw, clerk, &sablier) || !may_have_all(desk, raw, clerk, &sablier))
        return;
    int waited_for = ask_for(desk, clerk, &sablier);
    struct place place = place_of(desk, waited_for != MODEL_NONE ? waited_for : sablier.sites[0]);
    bool asked = desk->model->domains[place.domain].access.wake == ACCESS_WAKE_VISIT;
    desk_look(desk, clerk, &place, waited_for == MODEL_NONE, asked, &view);
    view.reload_s = reload_s(&sablier);
    say_session(clerk, waited_for == MODEL_NONE);
    board_count(desk->board, waited_for == MODEL_NONE ? COUNT_PASSED : COUNT_PAGES);
    desk_send_page(desk, clerk, &view, 200);
}

/* The places of those who wait are the same as for /auth. */
static bool wait_for_all(struct desk *desk, const struct clerk *clerk,
                         const struct sablier *sablier)
{
    int64_t timeout = sablier->timeout < BLOCK_MOST_MS ? sablier->timeout : BLOCK_MOST_MS;
    int64_t deadline = desk_now() + timeout;
    for (size_t i = 0; i < sablier->n; i++) {
        struct place place = place_of(desk, sablier->sites[i]);
        int64_t left = clerk->crowded ? 0 : deadline - desk_now();
        if (!desk_hold_for(desk, &place, left > 0 ? left : 0))
            return false;
    }
    return true;
}

static void put_instance(struct json_writer *json, const char *name, bool ready)
{
    json_begin_object(json, NULL);
    json_begin_object(json, "instance");
    json_put_string(json, "name", name);
    json_put_integer(json, "currentReplicas", ready ? 1 : 0);
    json_put_integer(json, "desiredReplicas", 1);
    json_put_string(json, "status", ready ? "ready" : "not-ready");
    json_end_object(json);
    json_put_null(json, "error");
    json_end_object(json);
}

/* How all sites stand at this moment. */
static void send_session(const struct desk *desk, struct clerk *clerk,
                         const struct sablier *sablier)
{
    bool ready[SABLIER_SITES_MAX];
    bool all = true;
    struct json_writer json;

    for (size_t i = 0; i < sablier->n; i++) {
        ready[i] = board_site_ready(desk->board, sablier->sites[i]);
        all = all && ready[i];
    }
    say_session(clerk, all);
    board_count(desk->board, all ? COUNT_PASSED : COUNT_PROBLEMS);
    json_writer_init(&json, answer_begin(&clerk->answer, 200));
    json_begin_object(&json, NULL);
    json_begin_object(&json, "session");
    json_begin_array(&json, "instances");
    for (size_t i = 0; i < sablier->n; i++)
        put_instance(&json, desk->model->sites[sablier->sites[i]].id, ready[i]);
    json_end_array(&json);
    json_put_string(&json, "status", all ? "ready" : "not-ready");
    json_end_object(&json);
    json_end_object(&json);
    answer_never_kept(&clerk->answer);
    answer_end(&clerk->answer, "application/json");
}

void desk_route_sablier_blocking(struct desk *desk, const struct raw_request *raw,
                                 struct clerk *clerk)
{
    struct sablier sablier;

    if (!read_sablier(desk, raw, clerk, &sablier) || !may_have_all(desk, raw, clerk, &sablier))
        return;
    ask_for(desk, clerk, &sablier);
    if (!wait_for_all(desk, clerk, &sablier)) {
        board_count(desk->board, COUNT_PROBLEMS);
        desk_refuse(clerk, 504, &FACT(SABLIER_LATE));
        return;
    }
    send_session(desk, clerk, &sablier);
}

/* Asks as the other two do, and waits for nothing. */
void desk_route_sablier_poke(struct desk *desk, const struct raw_request *raw, struct clerk *clerk)
{
    struct sablier sablier;

    if (!read_sablier(desk, raw, clerk, &sablier) || !may_have_all(desk, raw, clerk, &sablier))
        return;
    ask_for(desk, clerk, &sablier);
    send_session(desk, clerk, &sablier);
}

/* The names that Sablier brings with it: Hall takes any, and shows its own page. */
void desk_route_sablier_themes(struct desk *desk, const struct raw_request *raw,
                               struct clerk *clerk)
{
    static const char *const themes[] = {"ghost", "hacker-terminal", "matrix", "shuffle"};
    struct json_writer json;

    if (!is_from_proxy(desk, raw, clerk))
        return;
    json_writer_init(&json, answer_begin(&clerk->answer, 200));
    json_begin_object(&json, NULL);
    json_begin_array(&json, "themes");
    for (size_t i = 0; i < ARRAY_SIZE(themes); i++)
        json_put_string(&json, NULL, themes[i]);
    json_end_array(&json);
    json_end_object(&json);
    answer_never_kept(&clerk->answer);
    answer_end(&clerk->answer, "application/json");
}

void desk_route_sablier_health(struct desk *desk, const struct raw_request *raw,
                               struct clerk *clerk)
{
    const int status = board_is_closed(desk->board) ? 503 : 200;

    (void)raw;
    buf_puts(answer_begin(&clerk->answer, status), answer_reason(status));
    answer_never_kept(&clerk->answer);
    answer_end(&clerk->answer, "text/plain; charset=utf-8");
}
