#include "web/routes/desk_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "web/page/status.h"

enum { LOG_PAUSE_MS = 1000 }; /* between two lines about refusals */

void desk_problem(struct clerk *clerk, int status, const char *detail)
{
    answer_begin(&clerk->answer, status);
    answer_problem(&clerk->answer, detail);
}

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
                       int site, const char *why)
{
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
    if (site != MODEL_NONE || clerk->request.host[0] != '\0')
        log_warning("web: refused %s, %s%s: %s (%u more since the last such line)",
                    clerk->request.who, clerk->request.host, visit.path, why, others);
    else
        log_warning("web: refused %s, %s: %s (%u more since the last such line)",
                    clerk->request.who, visit.path, why, others);
    text_copy(visit.who, sizeof(visit.who), clerk->request.who);
    visit.why = strdup(why);
    if (!board_tell(desk->board, &visit))
        free(visit.why);
}

void desk_refuse_fault(struct desk *desk, struct clerk *clerk, const struct raw_request *raw,
                       enum request_fault fault, enum door door)
{
    const struct request_fault_text *text = request_fault_text(fault);
    bool told = door != DOOR_NGINX || fault == REQUEST_NOT_TRUSTED; /* else when nginx is back */

    clerk->answer.close = true; /* what follows on this connection may be read wrong as well */
    desk_problem(clerk, told ? text->status : 401, text->detail);
    if (!told)
        return;
    board_count(desk->board,
                fault == REQUEST_NOT_TRUSTED ? COUNT_REFUSED_PROXY : COUNT_REFUSED_BROKEN);
    desk_note_refusal(desk, clerk, raw, MODEL_NONE, text->detail);
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

void desk_put_session(struct clerk *clerk, bool ready)
{
    answer_header(&clerk->answer, "X-Sablier-Session-Status", ready ? "ready" : "not-ready");
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
    if (view->reload_s > 0)
        desk_put_session(clerk, view->kind == VIEW_READY);
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
    else if (client == CLIENT_BROWSER)
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
    uint32_t address = request->has_address ? ntohl(request->address.s_addr) : 0;
    return place->kind == PLACE_SITE &&
           board_refuses(desk->board, place->site, address, ready, ret_guard);
}

void desk_note_limit(struct desk *desk, const struct clerk *clerk, const struct raw_request *raw,
                     int site, struct guard guard)
{
    char until[RFC3339_SIZE] = "";
    char why[REASON_SIZE];
    if (guard.until != LEASE_FOREVER)
        rfc3339_format(clock_wall_at(clock_now(), guard.until), until);
    snprintf(why, sizeof(why), "guard %s refuses%s%s", guard_name(guard.kind),
             until[0] != '\0' ? " until " : "", until);
    desk_note_refusal(desk, clerk, raw, site, why);
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

enum { WHY_SIZE = 2 * SITE_NAME_SIZE + 128 };

/* What the proxy says is shown in the log only: it may be anything. */
static void note_astray(struct desk *desk, const struct clerk *clerk, const struct raw_request *raw,
                        const struct place *place)
{
    const char *told = clerk->request.fields[FIELD_HALL_SITE];
    char shown[SITE_NAME_SIZE];
    char name[SITE_NAME_SIZE];
    char why[WHY_SIZE];
    text_show(shown, sizeof(shown), told, strlen(told));
    snprintf(why, sizeof(why), "the proxy leads to \"%s\", but host and path name \"%s\"", shown,
             gate_site_name(&desk->gate, place, &clerk->request, name));
    desk_note_refusal(desk, clerk, raw, place->site, why);
}

/* Counts and logs a refusal; the sentence for the one who is refused. */
static const char *note_decision(struct desk *desk, const struct clerk *clerk,
                                 const struct raw_request *raw, const struct decision *decision)
{
    const char *why = decision->unwanted
                          ? "A rule of /access/monitors of the domain refuses this client."
                          : "/access/allow or /access/deny of the domain keeps this address out.";
    if (decision->astray) {
        board_count(desk->board, COUNT_REFUSED_SITE);
        note_astray(desk, clerk, raw, &decision->place);
        return "The proxy leads this request to another site than its host and path name; use the "
               "configuration that hallctl proxy-config prints.";
    }
    board_count(desk->board, decision->unwanted ? COUNT_REFUSED_CLIENT : COUNT_REFUSED_ADDRESS);
    desk_note_refusal(desk, clerk, raw, decision->place.site, why);
    return why;
}

void desk_refuse_address(struct desk *desk, struct clerk *clerk, const struct raw_request *raw,
                         const struct decision *decision, enum door door)
{
    const char *why = note_decision(desk, clerk, raw, decision);
    struct view view;

    if (door == DOOR_NGINX || decision->client != CLIENT_BROWSER ||
        decision->place.domain == MODEL_NONE) {
        begin_refusal(desk, clerk, &decision->place, 403);
        answer_problem(&clerk->answer, why);
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
    static const char *const details[] = {
        [PLACE_SITE] = "",
        [PLACE_UNKNOWN_HOST] =
            "Hall has no domain of this name; add it to /domains in the configuration.",
        [PLACE_UNKNOWN_PATH] =
            "This path is in no project of the domain, and the domain has no upstream.",
        [PLACE_HELPER] =
            "This is one of Hall's own addresses; let the proxy send /.hall/ straight to Hall.",
    };
    begin_refusal(desk, clerk, place, door == DOOR_NGINX ? 401 : 404);
    if (door != DOOR_NGINX) {
        answer_problem(&clerk->answer, details[place->kind]);
        return;
    }
    answer_never_kept(&clerk->answer);
    answer_end(&clerk->answer, NULL);
}
