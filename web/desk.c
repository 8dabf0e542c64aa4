#include "web/desk.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "web/gate.h"
#include "web/page.h"

enum {
    STATUS_HOLD_MS = 10000,     /* a status is held so long for a change, where few wait */
    STATUS_HOLD_NEAR_MS = 5000, /* and so long while the estimate moves quickly */
    STATUS_POLL_HELD_MS = 100,  /* who is held may come back at once */
    START_HOLD_MS = 300,        /* a pressed button waits so long for the wake to begin */
    LOG_PAUSE_MS = 1000,        /* between two lines about refusals */
};

struct desk {
    struct board *board;
    const struct model *model;
    struct gate gate;
    struct page *page;
    _Atomic int64_t polls_second;        /* of the count under way */
    atomic_uint polls_now, polls_before; /* this second's and the last one's */
    _Atomic int64_t refusal_told;
    atomic_uint refusals_untold;
    atomic_uint chance;
};

enum door { DOOR_AUTH, DOOR_NGINX, DOOR_ANY };

static int64_t now_ms(void)
{
    return clock_boot_ns() / 1000000;
}

int desk_create(struct board *board, struct desk **ret_desk)
{
    struct desk *desk = calloc(1, sizeof *desk);
    if (desk == NULL)
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
    if (desk == NULL)
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

bool desk_trusts(const struct desk *desk, struct in_addr peer)
{
    for (size_t i = 0; i < desk->gate.proxies.n; i++) {
        if (cidr_contains(&desk->gate.proxies.ranges[i], peer))
            return true;
    }
    return false;
}

/* ---- Small answers ---- */

static void problem(struct clerk *clerk, int status, const char *detail)
{
    answer_begin(&clerk->answer, status);
    answer_problem(&clerk->answer, detail);
}

void desk_refuse(struct clerk *clerk, int status, const char *detail)
{
    problem(clerk, status, detail);
}

static void redirect(struct clerk *clerk, int status, const char *to)
{
    answer_begin(&clerk->answer, status);
    answer_header(&clerk->answer, "Location", to);
    answer_never_kept(&clerk->answer);
    answer_end(&clerk->answer, NULL);
}

static const char *reference_of(struct clerk *clerk)
{
    request_reference(&clerk->request, clerk->reference, sizeof clerk->reference);
    return clerk->reference;
}

/* ---- Telling the loop, and the log ---- */

static void tell(struct desk *desk, enum visit_kind kind, int site, const struct clerk *clerk,
                 const char *detail)
{
    struct visit visit;
    visit.kind = kind;
    visit.site = site;
    memcpy(visit.who, clerk->request.who, sizeof visit.who);
    text_copy(visit.detail, sizeof visit.detail, detail);
    board_tell(desk->board, &visit);
}

/* A flood of refusals is one line a second, with the number of the others. */
static void note_refusal(struct desk *desk, const struct clerk *clerk,
                         const struct raw_request *raw, int site, const char *why)
{
    int64_t now = now_ms();
    int64_t before = atomic_load(&desk->refusal_told);
    char path[60];
    char detail[sizeof((struct visit *)0)->detail];

    if (now - before < LOG_PAUSE_MS ||
        !atomic_compare_exchange_strong(&desk->refusal_told, &before, now)) {
        atomic_fetch_add(&desk->refusals_untold, 1);
        return;
    }
    unsigned others = atomic_exchange(&desk->refusals_untold, 0);
    text_show(path, sizeof path, raw->target, strlen(raw->target));
    if (site != MODEL_NONE || clerk->request.host[0] != '\0')
        log_warning("web: refused %s, %s%s: %s (%u more since the last such line)",
                    clerk->request.who, clerk->request.host, path, why, others);
    else
        log_warning("web: refused %s, %s: %s (%u more since the last such line)",
                    clerk->request.who, path, why, others);
    snprintf(detail, sizeof detail, "%s: %.66s", path, why);
    tell(desk, VISIT_REFUSED, site, clerk, detail);
}

static void refuse_fault(struct desk *desk, struct clerk *clerk, const struct raw_request *raw,
                         enum request_fault fault)
{
    const struct request_fault_text *text = request_fault_text(fault);
    clerk->answer.close = true; /* what follows on this connection may be read wrong as well */
    note_refusal(desk, clerk, raw, MODEL_NONE, text->detail);
    problem(clerk, text->status, text->detail);
}

/* ---- Answers while a site is not ready ---- */

static void look(struct desk *desk, struct clerk *clerk, const struct place *place, bool ready,
                 bool asked, struct view *view)
{
    struct notice notice;
    board_read(desk->board, place->server, &notice);
    view_init(view, desk->model, place->site, &notice, ready, asked, clock_now());
    view->language = language_choose(clerk->request.fields[FIELD_ACCEPT_LANGUAGE]);
    view->reference = reference_of(clerk);
}

static void not_ready_headers(struct clerk *clerk, const struct view *view)
{
    struct answer *answer = &clerk->answer;
    answer_never_kept(answer);
    answer_header(
        answer, "Vary",
        "Accept, Accept-Language, Sec-Fetch-Mode, Sec-Fetch-Dest, Sec-Purpose, User-Agent");
    answer_header(answer, "X-Hall-State", power_state_name(view->notice.state));
    int seconds = view->kind == VIEW_READY ? 1 : view_retry_after(view);
    if (seconds > 0)
        answer_header_number(answer, "Retry-After", seconds);
}

/* Origin is told to our own forms only with a referrer policy that allows it, hence same-origin. */
static void send_page(struct desk *desk, struct clerk *clerk, const struct view *view, int status)
{
    struct buf *body = answer_begin(&clerk->answer, status);
    page_write(desk->page, view, body);
    answer_header(&clerk->answer, "Content-Security-Policy", page_policy(desk->page));
    answer_header(&clerk->answer, "Referrer-Policy", "same-origin");
    answer_header(&clerk->answer, "Content-Language",
                  view->language == LANGUAGE_FRENCH ? "fr" : "en");
    if (view->kind != VIEW_REFUSED)
        not_ready_headers(clerk, view);
    else
        answer_never_kept(&clerk->answer);
    answer_end(&clerk->answer, "text/html; charset=utf-8");
}

static void send_bare(struct clerk *clerk, const struct view *view, int status)
{
    answer_begin(&clerk->answer, status);
    not_ready_headers(clerk, view);
    answer_end(&clerk->answer, NULL);
}

static void put_eta(struct json_writer *writer, int64_t eta)
{
    if (eta < 0)
        json_put_null(writer, "eta_s");
    else
        json_put_seconds(writer, "eta_s", eta);
}

static void put_retry_after(struct json_writer *writer, int seconds)
{
    if (seconds == 0)
        json_put_null(writer, "retry_after_s");
    else
        json_put_integer(writer, "retry_after_s", seconds);
}

static void send_problem(struct clerk *clerk, const struct view *view, int status)
{
    struct buf *body = answer_begin(&clerk->answer, status);
    struct buf detail = BUF_INIT(2048);
    struct json_writer writer;

    view_say(view, &detail);
    json_writer_init(&writer, body);
    json_begin_object(&writer, NULL);
    json_put_string(&writer, "type", "about:blank");
    json_put_string(&writer, "title", answer_reason(status));
    json_put_integer(&writer, "status", status);
    json_put_string(&writer, "detail", buf_text(&detail));
    json_put_string(&writer, "site", view->site->id);
    json_put_string(&writer, "state", power_state_name(view->notice.state));
    json_put_string(&writer, "stage", view->stage < 0 ? NULL : stage_name((enum stage)view->stage));
    put_eta(&writer, view->eta);
    json_put_string(&writer, "guard", guard_name(view->guard.kind));
    json_put_time(&writer, "until", view->until);
    put_retry_after(&writer, view_retry_after(view));
    json_end_object(&writer);
    not_ready_headers(clerk, view);
    answer_end(&clerk->answer, "application/problem+json");
    buf_finish(&detail);
}

/* In the form this client understands. nginx knows 401 alone, and then asks for the answer itself.
 */
static void send_view(struct desk *desk, struct clerk *clerk, const struct view *view,
                      enum client_kind client, enum door door, int status)
{
    if (door == DOOR_NGINX)
        send_bare(clerk, view, 401);
    else if (client == CLIENT_BROWSER)
        send_page(desk, clerk, view, status);
    else if (client == CLIENT_API || client == CLIENT_MONITOR)
        send_problem(clerk, view, status);
    else
        send_bare(clerk, view, status);
}

static void send_not_ready(struct desk *desk, struct clerk *clerk, const struct decision *decision,
                           enum door door, bool ready)
{
    struct view view;
    look(desk, clerk, &decision->place, ready, decision->wakes, &view);
    send_view(desk, clerk, &view, decision->client, door, 503);
}

/* ---- Guards ---- */

static bool is_limited(struct desk *desk, const struct clerk *clerk, const struct place *place,
                       bool ready, struct guard *ret_guard)
{
    const struct request *request = &clerk->request;
    uint32_t address = request->has_address ? ntohl(request->address.s_addr) : 0;
    return place->kind == PLACE_SITE &&
           board_refuses(desk->board, place->site, address, ready, ret_guard);
}

static void note_limit(struct desk *desk, const struct clerk *clerk, const struct raw_request *raw,
                       int site, struct guard guard)
{
    char until[RFC3339_SIZE] = "";
    char why[REASON_SIZE];
    if (guard.until != LEASE_FOREVER)
        rfc3339_format(clock_wall_at(clock_now(), guard.until), until);
    snprintf(why, sizeof why, "guard %s refuses%s%s", guard_name(guard.kind),
             until[0] != '\0' ? " until " : "", until);
    note_refusal(desk, clerk, raw, site, why);
}

static void send_limit(struct desk *desk, struct clerk *clerk, const struct place *place,
                       struct guard guard, enum client_kind client, enum door door)
{
    struct view view;
    look(desk, clerk, place, false, false, &view);
    view_limit(&view, guard, clock_now());
    send_view(desk, clerk, &view, client, door, guard.kind == GUARD_WINDOW ? 403 : 429);
}

/* Parts of a page and monitors are not worth a line. */
static void limit(struct desk *desk, struct clerk *clerk, const struct raw_request *raw,
                  const struct decision *decision, enum door door)
{
    if (decision->client != CLIENT_ASSET && decision->client != CLIENT_MONITOR)
        note_limit(desk, clerk, raw, decision->place.site, decision->guard);
    send_limit(desk, clerk, &decision->place, decision->guard, decision->client, door);
}

/* ---- The gate ---- */

/* Complete as they stand: what almost every request gets. */
#define FIXED(text_)                                                                               \
    {                                                                                              \
        text_, sizeof(text_) - 1                                                                   \
    }
static const struct {
    const char *text;
    size_t length;
} passes[2][2] = {
    /* [door is nginx's][connection ends] */
    {FIXED("HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 3\r\n\r\nok\n"),
     FIXED("HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 3\r\nConnection: "
           "close\r\n\r\nok\n")},
    {FIXED("HTTP/1.1 204 No Content\r\nCache-Control: no-store\r\n\r\n"),
     FIXED("HTTP/1.1 204 No Content\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n")},
};

static void let_pass(struct clerk *clerk, bool nginx)
{
    bool close = clerk->answer.close;
    size_t length = passes[nginx][close].length;
    if (clerk->answer.head_only && !nginx)
        length -= 3;
    answer_fixed(&clerk->answer, nginx ? 204 : 200, passes[nginx][close].text, length);
}

/* No proxy asked first: the visitor is sent to the site itself. */
static void lead_to_site(struct clerk *clerk, const struct model_site *site)
{
    if (site->upstream == NULL) {
        problem(clerk, 502,
                "The site is ready, but Hall does not know where: give it an \"upstream\" in the "
                "configuration, or let a reverse proxy ask /auth.");
        return;
    }
    size_t length = strlen(site->upstream);
    while (length > 0 && site->upstream[length - 1] == '/')
        length--;
    struct buf to = BUF_INIT(ANSWER_HEAD_MAX);
    buf_add(&to, site->upstream, length);
    buf_puts(&to, reference_of(clerk));
    redirect(clerk, 307, buf_text(&to));
    buf_finish(&to);
}

static void pass(struct desk *desk, struct clerk *clerk, const struct decision *decision,
                 enum door door)
{
    if (decision->uses)
        tell(desk, VISIT_USES, decision->place.site, clerk, "");
    if (door != DOOR_ANY)
        let_pass(clerk, door == DOOR_NGINX);
    else if (clerk->request.forwarded)
        /* It became ready while the proxy was on its way here. The page asks the proxy again, after
         * a moment: a redirect to the same address would run in circles where a proxy sends
         * everything here. */
        send_not_ready(desk, clerk, decision, door, true);
    else
        lead_to_site(clerk, &desk->model->sites[decision->place.site]);
}

static void refuse(struct desk *desk, struct clerk *clerk, const struct raw_request *raw,
                   const struct decision *decision, enum door door)
{
    static const char why[] = "This address is not within /access/allow of the domain.";
    struct view view;

    note_refusal(desk, clerk, raw, decision->place.site, why);
    if (door == DOOR_NGINX || decision->client != CLIENT_BROWSER) {
        problem(clerk, 403, why);
        return;
    }
    view_init_refused(&view, desk->model, decision->place.domain, clerk->request.who);
    view.language = language_choose(clerk->request.fields[FIELD_ACCEPT_LANGUAGE]);
    send_page(desk, clerk, &view, 403);
}

static void unknown(struct clerk *clerk, const struct place *place, enum door door)
{
    static const char *const details[] = {
        [PLACE_SITE] = "",
        [PLACE_UNKNOWN_HOST] =
            "Hall has no domain of this name; add it to /domains in the configuration.",
        [PLACE_UNKNOWN_PATH] =
            "This path is in no project of the domain, and the domain has no upstream.",
        [PLACE_HELPER] =
            "This is one of Hall's own addresses; let the proxy send /.hall/ straight to Hall.",
    };
    if (door != DOOR_NGINX) {
        problem(clerk, 404, details[place->kind]);
        return;
    }
    answer_begin(&clerk->answer, 401);
    answer_never_kept(&clerk->answer);
    answer_end(&clerk->answer, NULL);
}

/* Waits for the site, hold ms at most; not at all where too many wait already. */
static bool hold_for(struct desk *desk, const struct place *place, int64_t hold)
{
    int64_t deadline = now_ms() + hold;
    for (int64_t left = hold; left > 0; left = deadline - now_ms()) {
        struct notice notice;
        board_read(desk->board, place->server, &notice);
        if (board_site_ready(desk->board, place->site))
            return true;
        if (!board_wait(desk->board, place->server, notice.version, left))
            break;
    }
    return board_site_ready(desk->board, place->site);
}

static void wait_and_see(struct desk *desk, struct clerk *clerk, struct decision *decision,
                         enum door door)
{
    if (decision->wakes)
        tell(desk, VISIT_WANTS, decision->place.site, clerk, "");
    /* Behind a proxy's error page the request was held already. */
    bool held = door != DOOR_ANY || !clerk->request.forwarded;
    if (held && decision->hold > 0 && hold_for(desk, &decision->place, decision->hold)) {
        decision->uses = true;
        pass(desk, clerk, decision, door);
        return;
    }
    send_not_ready(desk, clerk, decision, door, false);
}

static void ask_gate(struct desk *desk, const struct raw_request *raw, struct clerk *clerk,
                     enum door door)
{
    enum request_via via = door == DOOR_ANY ? REQUEST_VIA_DIRECT : REQUEST_VIA_AUTH;
    enum request_fault fault = request_read(raw, &desk->gate.proxies, via, &clerk->request);
    if (fault != REQUEST_FINE) {
        refuse_fault(desk, clerk, raw, fault);
        return;
    }
    struct place place = gate_place(&desk->gate, &clerk->request);
    bool ready = place.site != MODEL_NONE && board_site_ready(desk->board, place.site);
    struct guard guard;
    bool limited = is_limited(desk, clerk, &place, ready, &guard);
    struct decision decision =
        gate_decide(&desk->gate, &clerk->request, &place, ready, limited ? &guard : NULL);

    switch (decision.verdict) {
    case VERDICT_PASS:
        pass(desk, clerk, &decision, door);
        return;
    case VERDICT_PAGE:
    case VERDICT_PROBLEM:
    case VERDICT_BARE:
        wait_and_see(desk, clerk, &decision, door);
        return;
    case VERDICT_REFUSED:
        refuse(desk, clerk, raw, &decision, door);
        return;
    case VERDICT_LIMITED:
        limit(desk, clerk, raw, &decision, door);
        return;
    case VERDICT_UNKNOWN:
        unknown(clerk, &place, door);
        return;
    }
}

static void route_auth(struct desk *desk, const struct raw_request *raw, struct clerk *clerk)
{
    ask_gate(desk, raw, clerk, DOOR_AUTH);
}

static void route_auth_nginx(struct desk *desk, const struct raw_request *raw, struct clerk *clerk)
{
    ask_gate(desk, raw, clerk, DOOR_NGINX);
}

/* ---- The page's helpers ---- */

/* Reads a helper's request and finds the site its `path` names. False: it was answered. */
static bool open_helper(struct desk *desk, const struct raw_request *raw, struct clerk *clerk,
                        struct place *ret_place)
{
    struct span query = {raw->query, raw->query != NULL ? strlen(raw->query) : 0};
    enum request_fault fault =
        request_read(raw, &desk->gate.proxies, REQUEST_VIA_DIRECT, &clerk->request);
    int length = request_parameter(query, "path", clerk->value, sizeof clerk->value);

    if (fault == REQUEST_FINE && length >= 0)
        fault = request_retarget(&clerk->request, clerk->value, (size_t)length);
    else if (fault == REQUEST_FINE)
        fault = request_retarget(&clerk->request, "/", 1);
    if (fault != REQUEST_FINE) {
        refuse_fault(desk, clerk, raw, fault);
        return false;
    }
    struct place place = gate_place(&desk->gate, &clerk->request);
    if (!gate_allows(&desk->gate, &place, &clerk->request)) {
        const struct decision decision = {.place = place, .client = CLIENT_API};
        refuse(desk, clerk, raw, &decision, DOOR_ANY);
        return false;
    }
    if (place.kind != PLACE_SITE) {
        unknown(clerk, &place, DOOR_ANY);
        return false;
    }
    *ret_place = place;
    return true;
}

/* Counts this poll; how many the second before saw. */
static unsigned count_poll(struct desk *desk, int64_t now)
{
    int64_t second = now / 1000;
    int64_t counted = atomic_load(&desk->polls_second);
    if (second != counted &&
        atomic_compare_exchange_strong(&desk->polls_second, &counted, second)) {
        unsigned last = atomic_exchange(&desk->polls_now, 0);
        atomic_store(&desk->polls_before, second == counted + 1 ? last : 0);
    }
    atomic_fetch_add(&desk->polls_now, 1);
    return atomic_load(&desk->polls_before);
}

/* Spreads polls; needs no secrecy, only scatter. */
static uint32_t next_chance(struct desk *desk)
{
    return (atomic_fetch_add(&desk->chance, 1) + 1) * UINT32_C(2654435761) >> 8;
}

static int64_t status_hold(const struct view *view)
{
    return view->eta >= 0 && view->eta < 60000 ? STATUS_HOLD_NEAR_MS : STATUS_HOLD_MS;
}

/* Holds the answer for news behind the version the page knows. False: there was no place to wait,
 * or no wish to. */
static bool hold_status(struct desk *desk, const struct raw_request *raw, const struct place *place,
                        const struct view *view)
{
    struct span query = {raw->query, raw->query != NULL ? strlen(raw->query) : 0};
    char version[16];
    if (view->kind == VIEW_READY || view->kind == VIEW_LIMITED ||
        request_parameter(query, "version", version, sizeof version) < 1)
        return false;
    int64_t limit = status_hold(view);
    int64_t start = now_ms();
    return board_wait(desk->board, place->server, (uint32_t)strtoul(version, NULL, 10), limit) ||
           now_ms() - start >= limit / 2;
}

/* What a page that is open already shows now. */
static void look_again(struct desk *desk, struct clerk *clerk, const struct place *place,
                       struct view *view)
{
    bool ready = board_site_ready(desk->board, place->site);
    struct guard guard;
    look(desk, clerk, place, ready, false, view);
    if (is_limited(desk, clerk, place, ready, &guard))
        view_limit(view, guard, clock_now());
}

static void route_status(struct desk *desk, const struct raw_request *raw, struct clerk *clerk)
{
    struct place place;
    struct view view;

    if (!open_helper(desk, raw, clerk, &place))
        return;
    unsigned polls = count_poll(desk, now_ms());
    look_again(desk, clerk, &place, &view);
    bool held = hold_status(desk, raw, &place, &view);
    if (held)
        look_again(desk, clerk, &place, &view);
    int64_t pause = held && view.kind != VIEW_LIMITED
                        ? STATUS_POLL_HELD_MS
                        : view_next_poll(&view, polls, next_chance(desk));
    struct buf *body = answer_begin(&clerk->answer, 200);
    page_write_status(&view, pause, body);
    answer_never_kept(&clerk->answer);
    answer_header(&clerk->answer, "Vary", "Accept-Language");
    answer_header(&clerk->answer, "X-Hall-State", power_state_name(view.notice.state));
    answer_end(&clerk->answer, "application/json");
}

/* The button: the one way to wake a site that waits for a click, and to try again after a failure.
 */
static void press_button(struct desk *desk, struct clerk *clerk, const struct raw_request *raw,
                         const struct place *place)
{
    struct notice notice;
    if (!request_is_same_origin(&clerk->request)) {
        static const char why[] = "The button was pressed on a page of another origin.";
        note_refusal(desk, clerk, raw, place->site, why);
        problem(clerk, 403, why);
        return;
    }
    board_read(desk->board, place->server, &notice);
    if (!board_site_ready(desk->board, place->site)) {
        tell(desk, VISIT_WANTS, place->site, clerk, "");
        board_wait(desk->board, place->server, notice.version, START_HOLD_MS);
    }
    redirect(clerk, 303, reference_of(clerk));
}

static void route_wait(struct desk *desk, const struct raw_request *raw, struct clerk *clerk)
{
    struct place place;
    struct guard guard;
    struct view view;

    if (!open_helper(desk, raw, clerk, &place))
        return;
    bool press = strcmp(raw->method, "POST") == 0;
    bool ready = board_site_ready(desk->board, place.site);
    if (is_limited(desk, clerk, &place, ready, &guard)) {
        if (press)
            note_limit(desk, clerk, raw, place.site, guard);
        send_limit(desk, clerk, &place, guard, CLIENT_BROWSER, DOOR_ANY);
        return;
    }
    if (press) {
        press_button(desk, clerk, raw, &place);
        return;
    }
    if (ready) {
        redirect(clerk, 303, reference_of(clerk));
        return;
    }
    look(desk, clerk, &place, false, false, &view);
    send_page(desk, clerk, &view, 503);
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

/* ---- Routes ---- */

enum { METHOD_GET = 1, METHOD_POST = 2 }; /* HEAD goes with GET */

static const struct route {
    const char *path;
    unsigned methods;
    const char *allow;
    bool own_host; /* only where Host is no configured domain: a site may have the same path */
    void (*answer)(struct desk *desk, const struct raw_request *raw, struct clerk *clerk);
} routes[] = {
    {"/auth", METHOD_GET, "GET, HEAD, OPTIONS", false, route_auth},
    {"/auth/nginx", METHOD_GET, "GET, HEAD, OPTIONS", false, route_auth_nginx},
    {"/.hall/status", METHOD_GET, "GET, HEAD, OPTIONS", false, route_status},
    {"/.hall/wait", METHOD_GET | METHOD_POST, "GET, HEAD, POST, OPTIONS", false, route_wait},
    {"/healthz", METHOD_GET, "GET, HEAD, OPTIONS", true, route_healthz},
    {"/readyz", METHOD_GET, "GET, HEAD, OPTIONS", true, route_readyz},
};

static bool method_fits(const char *method, unsigned methods)
{
    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
        return (methods & METHOD_GET) != 0;
    return strcmp(method, "POST") == 0 && (methods & METHOD_POST) != 0;
}

static void other_method(struct clerk *clerk, const struct route *route, const char *method)
{
    bool asks = strcmp(method, "OPTIONS") == 0;
    answer_begin(&clerk->answer, asks ? 204 : 405);
    answer_header(&clerk->answer, "Allow", route->allow);
    if (asks)
        answer_end(&clerk->answer, NULL);
    else
        answer_problem(&clerk->answer, "Allow names the methods this address knows.");
}

/* Does the request name a configured domain, so that its paths are the site's? */
static bool is_for_domain(struct desk *desk, const struct raw_request *raw, struct clerk *clerk)
{
    return request_read(raw, &desk->gate.proxies, REQUEST_VIA_DIRECT, &clerk->request) ==
               REQUEST_FINE &&
           gate_place(&desk->gate, &clerk->request).domain != MODEL_NONE;
}

static const struct route *find_route(struct desk *desk, const struct raw_request *raw,
                                      struct clerk *clerk)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (strcmp(raw->target, routes[i].path) == 0)
            return routes[i].own_host && is_for_domain(desk, raw, clerk) ? NULL : &routes[i];
    }
    return NULL;
}

void desk_answer(struct desk *desk, const struct raw_request *raw, struct clerk *clerk)
{
    const struct route *route = find_route(desk, raw, clerk);
    if (route == NULL)
        ask_gate(desk, raw, clerk, DOOR_ANY);
    else if (method_fits(raw->method, route->methods))
        route->answer(desk, raw, clerk);
    else
        other_method(clerk, route, raw->method);
}
