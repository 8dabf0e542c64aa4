#include "web/routes/desk_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/log.h"
#include "say/say.h"
#include "web/page/status.h"

enum {
    LOG_PAUSE_MS = 1000, /* between two lines about refusals */
    ASTRAY_SIZE = 48,    /* of what a proxy says: address and path have to fit beside it */
};

void desk_redirect(struct clerk *clerk, int status, const char *to)
{
    answer_begin(&clerk->answer, status);
    answer_header(&clerk->answer, "Location", to);
    answer_never_kept(&clerk->answer);
    answer_end(&clerk->answer, NULL);
}

const char *desk_reference(struct clerk *clerk)
{
    request_reference(&clerk->request, clerk->reference, sizeof(clerk->reference));
    return clerk->reference;
}

void desk_tell(struct desk *desk, enum visit_kind kind, int site, const struct clerk *clerk)
{
    struct visit visit = {.kind = kind, .site = site};

    text_copy(visit.who, sizeof(visit.who), clerk->request.who);
    board_tell(desk->board, &visit);
}

/* The visitor's path where it was read: behind a proxy the request line names one of ours. */
static struct span asked_for(const struct clerk *clerk, const struct raw_request *raw)
{
    if (clerk->request.target.at)
        return clerk->request.target;
    return (struct span){raw->target, strlen(raw->target)};
}

/* A flood of refusals is one line a second, with the number of the others. */
void desk_note_refusal(struct desk *desk, const struct clerk *clerk, const struct raw_request *raw,
                       int site, const struct fact *why)
{
    char said[SAID_SIZE];
    int64_t now = desk_now();
    int64_t before = atomic_load(&desk->refusal_told);
    struct visit visit = {.kind = VISIT_REFUSED, .site = site};

    if (now - before < LOG_PAUSE_MS ||
        !atomic_compare_exchange_strong(&desk->refusal_told, &before, now)) {
        atomic_fetch_add(&desk->refusals_untold, 1);
        return;
    }
    unsigned others = atomic_exchange(&desk->refusals_untold, 0);
    struct span target = asked_for(clerk, raw);
    text_show(visit.path, sizeof(visit.path), target.at, target.length);
    log_warning("web: refused %s, %s%s: %s (%u more since the last such line)", clerk->request.who,
                clerk->request.host, visit.path,
                say_english(why, desk->model, clock_now().wall, said), others);
    text_copy(visit.who, sizeof(visit.who), clerk->request.who);
    visit.why = malloc(sizeof(*visit.why));
    if (visit.why)
        *visit.why = *why;
    if (!board_tell(desk->board, &visit))
        free(visit.why);
}

void desk_refuse_fault(struct desk *desk, struct clerk *clerk, const struct raw_request *raw,
                       enum request_fault fault, enum door door)
{
    const struct fact why = request_fault_fact(fault);
    bool told = door != DOOR_NGINX || fault == REQUEST_NOT_TRUSTED; /* else when nginx is back */

    clerk->answer.close = true; /* what follows on this connection may be read wrong as well */
    desk_refuse(clerk, told ? request_fault_status(fault) : 401, &why);
    if (!told)
        return;
    board_count(desk->board,
                fault == REQUEST_NOT_TRUSTED ? COUNT_REFUSED_PROXY : COUNT_REFUSED_BROKEN);
    desk_note_refusal(desk, clerk, raw, MODEL_NONE, &why);
}

void desk_look(struct desk *desk, struct clerk *clerk, const struct place *place, bool ready,
               bool asked, struct view *view)
{
    struct project_notice project;
    struct notice notice;
    board_read(desk->board, place->server, &notice);
    view_init(view, desk->model, place->site, &notice, ready, asked, clock_now());
    if (!ready)
        view->fault = board_site_fault(desk->board, place->site);
    if (board_read_project(desk->board, place->site, &project))
        view_add_project(view, &project, asked, clock_now());
    view->language = language_choose(clerk->request.fields[FIELD_ACCEPT_LANGUAGE]);
    view->reference = desk_reference(clerk);
}

/* Who asks decides what comes, and how the server stands. The star says that it depends on more
 * than that: a site's service worker, which may keep what is "no-store", may not keep this. */
static void state_headers(struct answer *answer, enum power_state state)
{
    answer_header(
        answer, "Vary",
        "Accept, Accept-Language, Sec-Fetch-Mode, Sec-Fetch-Dest, Sec-Purpose, User-Agent, *");
    answer_header(answer, "X-Hall-State", power_state_name(state));
}

static void not_ready_headers(struct clerk *clerk, const struct view *view)
{
    struct answer *answer = &clerk->answer;
    answer_never_kept(answer);
    state_headers(answer, view->notice.state);
    int seconds = view->kind == VIEW_READY ? 1 : view_retry_after(view);
    if (seconds > 0)
        answer_header_number(answer, "Retry-After", seconds);
}

/* Origin is told to our own forms only with a referrer policy that allows it, hence same-origin. */
void desk_send_page(struct desk *desk, struct clerk *clerk, const struct view *view, int status)
{
    struct buf *body = answer_begin(&clerk->answer, status);
    page_write(desk->page, view, body);
    answer_header(&clerk->answer, "Content-Security-Policy", page_policy(desk->page));
    answer_header(&clerk->answer, "Referrer-Policy", "same-origin");
    answer_header(&clerk->answer, "Content-Language",
                  view->language == LANGUAGE_FRENCH ? "fr" : "en");
    if (view->kind != VIEW_REFUSED) {
        not_ready_headers(clerk, view);
    } else {
        answer_never_kept(&clerk->answer);
        state_headers(&clerk->answer, view->notice.state);
    }
    answer_end(&clerk->answer, "text/html; charset=utf-8");
}

static void send_bare(struct clerk *clerk, const struct view *view, int status)
{
    answer_begin(&clerk->answer, status);
    not_ready_headers(clerk, view);
    answer_end(&clerk->answer, NULL);
}

static void send_problem(struct clerk *clerk, const struct view *view, int status)
{
    status_write_problem(view, status, answer_begin(&clerk->answer, status));
    not_ready_headers(clerk, view);
    answer_end(&clerk->answer, "application/problem+json");
}

/* In the form this client understands. nginx knows 401 alone, and then asks for the answer itself.
 */
void desk_send_view(struct desk *desk, struct clerk *clerk, const struct view *view,
                    enum client_kind client, enum door door, int status)
{
    if (door == DOOR_NGINX)
        send_bare(clerk, view, 401);
    else if (client_sees_page(client))
        desk_send_page(desk, clerk, view, status);
    else if (client == CLIENT_API || client == CLIENT_MONITOR)
        send_problem(clerk, view, status);
    else
        send_bare(clerk, view, status);
}

bool desk_is_limited(struct desk *desk, const struct clerk *clerk, const struct place *place,
                     bool ready, struct guard *ret_guard)
{
    const struct request *request = &clerk->request;
    return place->kind == PLACE_SITE &&
           board_refuses(desk->board, place->site, address_client(request->address), ready,
                         ret_guard);
}

void desk_note_limit(struct desk *desk, const struct clerk *clerk, const struct raw_request *raw,
                     int site, struct guard guard)
{
    const struct fact why = guard_fact(&guard, clock_now());

    desk_note_refusal(desk, clerk, raw, site, &why);
}

void desk_send_limit(struct desk *desk, struct clerk *clerk, const struct place *place,
                     struct guard guard, enum client_kind client, enum door door)
{
    struct view view;
    desk_look(desk, clerk, place, false, false, &view);
    view_limit(&view, guard, clock_now());
    desk_send_view(desk, clerk, &view, client, door, guard.kind == GUARD_WINDOW ? 403 : 429);
}

/* A refusal at an address of a domain; the domain says which server is meant. */
static void begin_refusal(struct desk *desk, struct clerk *clerk, const struct place *place,
                          int status)
{
    struct notice notice;
    answer_begin(&clerk->answer, status);
    if (place->domain == MODEL_NONE)
        return;
    board_read(desk->board, desk->model->domains[place->domain].server, &notice);
    state_headers(&clerk->answer, notice.state);
}

/* What the proxy says is shown in the log only: it may be anything. */
static void note_astray(struct desk *desk, const struct clerk *clerk, const struct raw_request *raw,
                        const struct place *place)
{
    const char *told = clerk->request.fields[FIELD_HALL_SITE];
    char shown[ASTRAY_SIZE];
    const struct fact why =
        fact_with(FACT(ACCESS_ASTRAY, .subject = gate_site(&desk->gate, place, &clerk->request)),
                  text_show(shown, sizeof(shown), told, strlen(told)), NULL);

    desk_note_refusal(desk, clerk, raw, place->site, &why);
}

/* Counts and logs a refusal; what the one who is refused is told. */
static struct fact note_decision(struct desk *desk, const struct clerk *clerk,
                                 const struct raw_request *raw, const struct decision *decision)
{
    const struct fact why = decision->unwanted ? FACT(ACCESS_CLIENT) : FACT(ACCESS_ADDRESS);

    if (decision->astray) {
        board_count(desk->board, COUNT_REFUSED_SITE);
        note_astray(desk, clerk, raw, &decision->place);
        return FACT(ACCESS_ASTRAY, .subject = MODEL_NONE);
    }
    board_count(desk->board, decision->unwanted ? COUNT_REFUSED_CLIENT : COUNT_REFUSED_ADDRESS);
    desk_note_refusal(desk, clerk, raw, decision->place.site, &why);
    return why;
}

void desk_refuse_address(struct desk *desk, struct clerk *clerk, const struct raw_request *raw,
                         const struct decision *decision, enum door door)
{
    const struct fact why = note_decision(desk, clerk, raw, decision);
    struct view view;

    if (door == DOOR_NGINX || !client_sees_page(decision->client) ||
        decision->place.domain == MODEL_NONE) {
        begin_refusal(desk, clerk, &decision->place, 403);
        answer_refuse(&clerk->answer, &why);
        return;
    }
    view_init_refused(&view, desk->model, decision->place.domain, clerk->request.who);
    board_read(desk->board, desk->model->domains[decision->place.domain].server, &view.notice);
    view.language = language_choose(clerk->request.fields[FIELD_ACCEPT_LANGUAGE]);
    desk_send_page(desk, clerk, &view, 403);
}

void desk_send_unknown(struct desk *desk, struct clerk *clerk, const struct place *place,
                       enum door door)
{
    static const uint16_t codes[] = {
        [PLACE_SITE] = FACT_NONE,
        [PLACE_UNKNOWN_HOST] = FACT_SITE_UNKNOWN_HOST,
        [PLACE_UNKNOWN_PATH] = FACT_SITE_UNKNOWN_PATH,
        [PLACE_HELPER] = FACT_SITE_HELPER,
    };
    const struct fact why = {.parts = {{.code = codes[place->kind]}}};

    begin_refusal(desk, clerk, place, door == DOOR_NGINX ? 401 : 404);
    if (door != DOOR_NGINX) {
        answer_refuse(&clerk->answer, &why);
        return;
    }
    answer_never_kept(&clerk->answer);
    answer_end(&clerk->answer, NULL);
}
