#include "web/routes/desk_internal.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/number.h"
#include "web/page/status.h"

enum {
    STATUS_HOLD_MS = 1000,     /* a status is held so long for a change, where few wait: no longer,
                                  for a proxy waits until then to see that Hall is hung */
    STATUS_POLL_HELD_MS = 100, /* who is held may come back at once */
    START_HOLD_MS = 300,       /* a pressed button waits so long for the wake to begin */
};

/* Does the proxy take the helper for one of another domain? */
static bool is_astray(const struct desk *desk, const struct clerk *clerk)
{
    struct place place = gate_place(&desk->gate, &clerk->request);
    place.kind = PLACE_HELPER; /* whatever address of a site the proxy came here for */
    return !gate_agrees(&desk->gate, &place, &clerk->request);
}

/* Reads a helper's request and finds the site its `path` names. False: it was answered. */
static bool open_helper(struct desk *desk, const struct raw_request *raw, struct clerk *clerk,
                        enum client_kind client, struct place *ret_place)
{
    struct span query = {raw->query, raw->query ? strlen(raw->query) : 0};
    enum request_fault fault =
        request_read(raw, &desk->gate.proxies, REQUEST_VIA_DIRECT, &clerk->request);
    int length = uri_parameter(query, "path", clerk->value, sizeof(clerk->value));

    desk_hear_doctor(desk, raw, clerk, HEARD_HELPER);
    bool astray = fault == REQUEST_FINE && is_astray(desk, clerk);
    if (fault == REQUEST_FINE && length >= 0)
        fault = request_retarget(&clerk->request, clerk->value, (size_t)length);
    else if (fault == REQUEST_FINE)
        fault = length == -ENOENT ? request_retarget(&clerk->request, "/", 1) : REQUEST_BAD_URI;
    struct place place = {PLACE_UNKNOWN_HOST, MODEL_NONE, MODEL_NONE, MODEL_NONE};
    if (fault == REQUEST_FINE)
        place = gate_place(&desk->gate, &clerk->request);
    if (gate_is_doubtful(&desk->gate, &place, &clerk->request))
        fault = REQUEST_DOUBTFUL;
    if (fault != REQUEST_FINE) {
        desk_refuse_fault(desk, clerk, raw, fault, DOOR_ANY);
        return false;
    }
    bool allowed = gate_allows(&desk->gate, &place, &clerk->request);
    if (astray || !allowed) {
        const struct decision decision = {.place = place, .client = client, .astray = astray};
        desk_refuse_address(desk, clerk, raw, &decision, DOOR_ANY);
        return false;
    }
    if (place.kind != PLACE_SITE) {
        desk_send_unknown(desk, clerk, &place, DOOR_ANY);
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

/* Holds the answer for news behind the version the page knows. False: there was no place to wait,
 * or no wish to. A version that does not exist yet is from before a restart: old, not new. */
static bool hold_status(struct desk *desk, const struct raw_request *raw, const struct place *place,
                        const struct view *view, bool crowded)
{
    struct span query = {raw->query, raw->query ? strlen(raw->query) : 0};
    char text[16];
    int64_t version;
    if (crowded || view->kind == VIEW_READY || view->kind == VIEW_LIMITED ||
        uri_parameter(query, "version", text, sizeof(text)) < 1 ||
        number_parse(text, 0, view->notice.version, &version) < 0)
        return false;
    int64_t start = desk_now();
    return board_wait(desk->board, BOARD_PAGES, place->server, (uint32_t)version, STATUS_HOLD_MS) ||
           desk_now() - start >= STATUS_HOLD_MS / 2;
}

/* What a page that is open already shows now. */
static void look_again(struct desk *desk, struct clerk *clerk, const struct place *place,
                       struct view *view)
{
    bool ready = board_site_ready(desk->board, place->site);
    struct guard guard;
    desk_look(desk, clerk, place, ready, false, view);
    if (desk_is_limited(desk, clerk, place, ready, &guard))
        view_limit(view, guard, clock_now());
}

void desk_route_status(struct desk *desk, const struct raw_request *raw, struct clerk *clerk)
{
    struct place place;
    struct view view;

    if (!open_helper(desk, raw, clerk, CLIENT_API, &place))
        return;
    unsigned polls = count_poll(desk, desk_now());
    look_again(desk, clerk, &place, &view);
    bool held = hold_status(desk, raw, &place, &view, clerk->crowded);
    if (held)
        look_again(desk, clerk, &place, &view);
    int64_t pause = held && view.kind != VIEW_LIMITED
                        ? STATUS_POLL_HELD_MS
                        : view_next_poll(&view, polls, next_chance(desk));
    struct buf *body = answer_begin(&clerk->answer, 200);
    view.local = clerk->request.trusted && !clerk->request.forwarded;
    status_write(&view, pause, body);
    answer_never_kept(&clerk->answer);
    answer_header(&clerk->answer, "Vary", "Accept-Language, *");
    answer_header(&clerk->answer, "X-Hall-State", power_state_name(view.notice.state));
    answer_end(&clerk->answer, "application/json");
}

/* A form of our own page. Where only people wake a site, it has to come from a browser: programs do
 * not say where their forms come from. */
static bool is_own_form(const struct desk *desk, const struct clerk *clerk,
                        const struct place *place)
{
    return request_is_same_origin(&clerk->request) &&
           (desk->model->domains[place->domain].access.wake != ACCESS_WAKE_PERSON ||
            request_names_origin(&clerk->request));
}

/* The button: the one way to wake a site that waits for a click, and to try again after a failure.
 */
static void press_button(struct desk *desk, struct clerk *clerk, const struct raw_request *raw,
                         const struct place *place)
{
    struct notice notice;
    if (!is_own_form(desk, clerk, place)) {
        board_count(desk->board, COUNT_REFUSED_ORIGIN);
        desk_note_refusal(desk, clerk, raw, place->site, &FACT(ACCESS_ORIGIN));
        desk_refuse(clerk, 403, &FACT(ACCESS_ORIGIN));
        return;
    }
    board_read(desk->board, place->server, &notice);
    if (!board_site_ready(desk->board, place->site)) {
        desk_tell(desk, VISIT_WANTS, place->site, clerk);
        board_wait(desk->board, BOARD_PAGES, place->server, notice.version, START_HOLD_MS);
    }
    desk_redirect(clerk, 303, desk_reference(clerk));
}

/* "gone=1": Traefik has just found that the site does not answer. Its errors middleware asks
 * here. */
static bool is_gone(const struct raw_request *raw)
{
    struct span query = {raw->query, raw->query ? strlen(raw->query) : 0};
    char value[2];
    return uri_parameter(query, "gone", value, sizeof(value)) == 1 && value[0] == '1';
}

/* The visitor is answered as if nginx or Caddy had led him here: a person with a page, a program
 * with JSON, and nobody to the site. The path is a URL since Traefik 3.5.2. */
static void show_gone(struct desk *desk, const struct raw_request *raw, struct clerk *clerk)
{
    struct span query = {raw->query, raw->query ? strlen(raw->query) : 0};
    enum request_fault fault =
        request_read(raw, &desk->gate.proxies, REQUEST_VIA_ERRORS, &clerk->request);
    int length = uri_parameter(query, "path", clerk->value, sizeof(clerk->value));

    if (fault == REQUEST_FINE)
        fault = length < 0 ? REQUEST_BAD_URI
                           : request_retarget_url(&clerk->request, clerk->value, (size_t)length);
    if (fault != REQUEST_FINE) {
        desk_refuse_fault(desk, clerk, raw, fault, DOOR_ANY);
        return;
    }
    clerk->request.forwarded = true;
    desk_judge(desk, raw, clerk, DOOR_ANY);
}

void desk_route_wait(struct desk *desk, const struct raw_request *raw, struct clerk *clerk)
{
    struct place place;
    struct guard guard;
    struct view view;
    bool press = strcmp(raw->method, "POST") == 0;

    if (!press && is_gone(raw)) {
        show_gone(desk, raw, clerk);
        return;
    }
    if (!open_helper(desk, raw, clerk, CLIENT_BROWSER, &place))
        return;
    bool ready = board_site_ready(desk->board, place.site);
    if (desk_is_limited(desk, clerk, &place, ready, &guard)) {
        if (press)
            desk_note_limit(desk, clerk, raw, place.site, guard);
        desk_send_limit(desk, clerk, &place, guard, CLIENT_BROWSER, DOOR_ANY);
        return;
    }
    if (press) {
        press_button(desk, clerk, raw, &place);
        return;
    }
    if (ready) {
        desk_redirect(clerk, 303, desk_reference(clerk));
        return;
    }
    desk_look(desk, clerk, &place, ready, false, &view);
    desk_send_page(desk, clerk, &view, 503);
}
