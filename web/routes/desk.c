#include "web/routes/desk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/json.h"
#include "web/board/metrics.h"
#include "web/routes/desk_internal.h"

int64_t desk_now(void)
{
    return clock_boot_ns() / 1000000;
}

int desk_create(struct board *board, struct desk **ret_desk)
{
    struct desk *desk = calloc(1, sizeof(*desk));
    if (!desk)
        return -ENOMEM;
    int error = page_create(&desk->page);
    if (error != 0) {
        free(desk);
        return error;
    }
    desk->board = board;
    desk->model = &board_config(board)->model;
    gate_init(&desk->gate, board_config(board));
    atomic_init(&desk->refusal_told, INT64_MIN / 2);
    *ret_desk = desk;
    return 0;
}

void desk_destroy(struct desk *desk)
{
    if (!desk)
        return;
    page_destroy(desk->page);
    free(desk);
}

void clerk_init(struct clerk *clerk)
{
    answer_init(&clerk->answer);
}

void clerk_finish(struct clerk *clerk)
{
    answer_finish(&clerk->answer);
}

bool desk_trusts(const struct desk *desk, struct address peer)
{
    for (size_t i = 0; i < desk->gate.proxies.n; i++) {
        if (cidr_contains(&desk->gate.proxies.ranges[i], peer))
            return true;
    }
    return false;
}

void desk_refuse(struct clerk *clerk, int status, const struct fact *why)
{
    answer_begin(&clerk->answer, status);
    answer_refuse(&clerk->answer, why);
}

/* ---- Health ---- */

static void route_healthz(struct desk *desk, const struct raw_request *raw, struct clerk *clerk)
{
    (void)desk;
    (void)raw;
    buf_puts(answer_begin(&clerk->answer, 200), "ok\n");
    answer_never_kept(&clerk->answer);
    answer_end(&clerk->answer, "text/plain");
}

static void route_readyz(struct desk *desk, const struct raw_request *raw, struct clerk *clerk)
{
    bool closed = board_is_closed(desk->board);
    struct buf *body = answer_begin(&clerk->answer, closed ? 503 : 200);
    struct json_writer writer;

    (void)raw;
    json_writer_init(&writer, body);
    json_begin_object(&writer, NULL);
    json_put_string(&writer, "status", closed ? "stopping" : "serving");
    json_put_bool(&writer, "broker", board_broker(desk->board));
    json_end_object(&writer);
    answer_never_kept(&clerk->answer);
    answer_end(&clerk->answer, "application/json");
}

/* A proxy that leads a visitor here says so in one of these. */
bool desk_is_for_visitor(const struct raw_request *raw)
{
    static const char *const names[] = {
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "X-Forwarded-Uri",
        "X-Real-IP",
        "Forwarded",
        "Via",
    };
    for (size_t i = 0; i < raw->n_headers; i++) {
        for (size_t j = 0; j < ARRAY_SIZE(names); j++) {
            if (strcasecmp(raw->headers[i].name, names[j]) == 0)
                return true;
        }
    }
    return false;
}

/* For a Prometheus on this machine or this network: who comes through a proxy is a visitor, and
 * learns nothing of servers. */
static void route_metrics(struct desk *desk, const struct raw_request *raw, struct clerk *clerk)
{
    if (desk_is_for_visitor(raw)) {
        desk_refuse(clerk, 403, &FACT(ACCESS_PROXIED));
        return;
    }
    metrics_write(desk->board, answer_begin(&clerk->answer, 200));
    answer_never_kept(&clerk->answer);
    answer_end(&clerk->answer, "text/plain; version=0.0.4; charset=utf-8");
}

/* ---- Routes ---- */

enum { METHOD_GET = 1, METHOD_POST = 2 }; /* HEAD goes with GET */

static const struct route {
    const char *path;
    unsigned methods;
    const char *allow;
    bool own_host; /* only where Host is no configured domain: a site may have the same path */
    bool slash;    /* the same with a slash at the end */
    void (*answer)(struct desk *desk, const struct raw_request *raw, struct clerk *clerk);
} routes[] = {
    {"/auth", METHOD_GET, "GET, HEAD, OPTIONS", false, false, desk_route_auth},
    {"/auth/nginx", METHOD_GET, "GET, HEAD, OPTIONS", false, false, desk_route_auth_nginx},
    {"/.hall/status", METHOD_GET, "GET, HEAD, OPTIONS", false, false, desk_route_status},
    {"/.hall/wait", METHOD_GET | METHOD_POST, "GET, HEAD, POST, OPTIONS", false, false,
     desk_route_wait},
    {"/traefik/config", METHOD_GET, "GET, HEAD, OPTIONS", true, false, desk_route_traefik},
    {"/api/strategies/dynamic", METHOD_GET, "GET, HEAD, OPTIONS", true, true,
     desk_route_sablier_dynamic},
    {"/api/strategies/blocking", METHOD_GET, "GET, HEAD, OPTIONS", true, true,
     desk_route_sablier_blocking},
    {"/api/strategies/poke", METHOD_GET, "GET, HEAD, OPTIONS", true, true, desk_route_sablier_poke},
    {"/api/strategies/dynamic/themes", METHOD_GET, "GET, HEAD, OPTIONS", true, true,
     desk_route_sablier_themes},
    {"/api/dynamic/themes", METHOD_GET, "GET, HEAD, OPTIONS", true, true,
     desk_route_sablier_themes},
    {"/api/themes", METHOD_GET, "GET, HEAD, OPTIONS", true, true, desk_route_sablier_themes},
    {"/health", METHOD_GET, "GET, HEAD, OPTIONS", true, true, desk_route_sablier_health},
    {"/healthz", METHOD_GET, "GET, HEAD, OPTIONS", true, false, route_healthz},
    {"/readyz", METHOD_GET, "GET, HEAD, OPTIONS", true, false, route_readyz},
    {"/metrics", METHOD_GET, "GET, HEAD, OPTIONS", true, false, route_metrics},
};

static bool method_fits(const char *method, unsigned methods)
{
    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
        return (methods & METHOD_GET) != 0;
    return strcmp(method, "POST") == 0 && (methods & METHOD_POST) != 0;
}

static void other_method(struct clerk *clerk, const struct route *route, const char *method)
{
    const struct fact why = fact_with(FACT(REQUEST_METHOD), route->allow, NULL);
    bool asks = strcmp(method, "OPTIONS") == 0;
    answer_begin(&clerk->answer, asks ? 204 : 405);
    answer_header(&clerk->answer, "Allow", route->allow);
    if (asks)
        answer_end(&clerk->answer, NULL);
    else
        answer_refuse(&clerk->answer, &why);
}

/* Does the request name a configured domain, so that its paths are the site's? */
static bool is_for_domain(struct desk *desk, const struct raw_request *raw, struct clerk *clerk)
{
    enum request_fault fault =
        request_read(raw, &desk->gate.proxies, REQUEST_VIA_DIRECT, &clerk->request);
    if (fault != REQUEST_FINE)
        return fault != REQUEST_BAD_HOST; /* an IPv6 address is no domain; the rest is refused */
    return gate_place(&desk->gate, &clerk->request).domain != MODEL_NONE;
}

static bool is_path(const struct route *route, const char *path)
{
    size_t length = strlen(route->path);
    return strncmp(path, route->path, length) == 0 &&
           (path[length] == '\0' || (route->slash && strcmp(path + length, "/") == 0));
}

static const struct route *find_route(struct desk *desk, const struct raw_request *raw,
                                      struct clerk *clerk)
{
    for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
        if (is_path(&routes[i], raw->target))
            return routes[i].own_host && is_for_domain(desk, raw, clerk) ? NULL : &routes[i];
    }
    return NULL;
}

void desk_answer(struct desk *desk, const struct raw_request *raw, struct clerk *clerk)
{
    const struct route *route = find_route(desk, raw, clerk);
    if (!route)
        desk_ask_gate(desk, raw, clerk, DOOR_ANY);
    else if (method_fits(raw->method, route->methods))
        route->answer(desk, raw, clerk);
    else
        other_method(clerk, route, raw->method);
    clerk->answer.always = NULL;
}
