#include "web/routes/desk_internal.h"

#include <string.h>

static void send_not_ready(struct desk *desk, struct clerk *clerk, const struct decision *decision,
                           enum door door, bool ready)
{
    static const enum count counts[] = {[VERDICT_PASS] = COUNT_PAGES,
                                        [VERDICT_PAGE] = COUNT_PAGES,
                                        [VERDICT_PROBLEM] = COUNT_PROBLEMS,
                                        [VERDICT_BARE] = COUNT_BARE};
    struct view view;
    board_count(desk->board, counts[decision->verdict]);
    desk_look(desk, clerk, &decision->place, ready, decision->wakes, &view);
    view.why_not = decision->why_not;
    view.sent = client_sees_page(decision->client) && !request_is_repeatable(clerk->request.method);
    desk_send_view(desk, clerk, &view, decision->client, door, 503);
}

/* Not of people or their programs: not worth a line. */
static bool is_by_the_way(enum client_kind client)
{
    return client == CLIENT_ASSET || client == CLIENT_MONITOR || client == CLIENT_FOREIGN;
}

static void limit(struct desk *desk, struct clerk *clerk, const struct raw_request *raw,
                  const struct decision *decision, enum door door)
{
    board_count(desk->board, COUNT_REFUSED_GUARD);
    if (!is_by_the_way(decision->client))
        desk_note_limit(desk, clerk, raw, decision->place.site, decision->guard);
    desk_send_limit(desk, clerk, &decision->place, decision->guard, decision->client, door);
}

/* Complete as they stand: what almost every request gets. Without a body: a proxy that only looks
 * at the status would end the connection to be rid of one. */
#define FIXED(text_)                                                                               \
    {                                                                                              \
        text_, sizeof(text_) - 1                                                                   \
    }
static const struct {
    const char *text;
    size_t length;
} passes[2][2] = {
    /* [door is nginx's][connection ends] */
    {FIXED("HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 0\r\n\r\n"),
     FIXED("HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 0\r\nConnection: "
           "close\r\n\r\n")},
    {FIXED("HTTP/1.1 204 No Content\r\nCache-Control: no-store\r\n\r\n"),
     FIXED("HTTP/1.1 204 No Content\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n")},
};

static const enum pass_kind pass_kinds[CLIENT_KINDS] = {
    [CLIENT_BROWSER] = PASS_PERSON,      [CLIENT_FRAME] = PASS_PERSON,
    [CLIENT_API] = PASS_PERSON,          [CLIENT_ASSET] = PASS_PART,
    [CLIENT_WEBSOCKET] = PASS_WEBSOCKET, [CLIENT_MONITOR] = PASS_MONITOR,
    [CLIENT_FOREIGN] = PASS_PART,
};

/* No proxy asked first: the visitor is sent to the site itself. */
static void lead_to_site(struct clerk *clerk, const struct model_site *site)
{
    if (!site->upstream) {
        desk_refuse(clerk, 502, &FACT(SITE_NO_UPSTREAM));
        return;
    }
    size_t length = strlen(site->upstream);
    while (length > 0 && site->upstream[length - 1] == '/')
        length--;
    struct buf to = BUF_INIT(ANSWER_HEAD_MAX);
    buf_add(&to, site->upstream, length);
    buf_puts(&to, desk_reference(clerk));
    desk_redirect(clerk, 307, buf_text(&to));
    buf_finish(&to);
}

static void pass(struct desk *desk, struct clerk *clerk, const struct decision *decision,
                 enum door door)
{
    board_count(desk->board, COUNT_PASSED);
    board_pass(desk->board, decision->place.site, pass_kinds[decision->client], clerk->request.who);
    if (decision->uses)
        desk_tell(desk, VISIT_USES, decision->place.site, clerk);
    if (door != DOOR_ANY) {
        bool nginx = door == DOOR_NGINX;
        bool close = clerk->answer.close;
        answer_fixed(&clerk->answer, nginx ? 204 : 200, passes[nginx][close].text,
                     passes[nginx][close].length);
    } else if (clerk->request.forwarded)
        /* It became ready while the proxy was on its way here. The page asks the proxy again, after
         * a moment: a redirect to the same address would run in circles where a proxy sends
         * everything here. */
        send_not_ready(desk, clerk, decision, door, true);
    else
        lead_to_site(clerk, &desk->model->sites[decision->place.site]);
}

/* Waits for the site, hold ms at most; not at all where too many wait already. */
bool desk_hold_for(struct desk *desk, const struct place *place, int64_t hold)
{
    int64_t deadline = desk_now() + hold;
    for (int64_t left = hold; left > 0; left = deadline - desk_now()) {
        struct notice notice;
        board_read(desk->board, place->server, &notice);
        if (board_site_ready(desk->board, place->site))
            return true;
        if (!board_wait(desk->board, BOARD_PROGRAMS, place->server, notice.version, left))
            break;
    }
    return board_site_ready(desk->board, place->site);
}

/* Who waits has a budget of his own: some places, and none while workers are few. */
static bool held_until_ready(struct desk *desk, const struct clerk *clerk,
                             const struct decision *decision)
{
    if (clerk->crowded || board_is_full(desk->board, BOARD_PROGRAMS)) {
        board_count(desk->board, COUNT_HELD_CROWDED);
        return false;
    }
    board_count(desk->board, COUNT_HELD);
    bool ready = desk_hold_for(desk, &decision->place, decision->hold);
    if (ready)
        board_count(desk->board, COUNT_HELD_PASSED);
    return ready;
}

static void wait_and_see(struct desk *desk, struct clerk *clerk, struct decision *decision,
                         enum door door)
{
    if (decision->wakes)
        desk_tell(desk, VISIT_WANTS, decision->place.site, clerk);
    /* Behind a proxy's error page the request was held already. */
    bool holds = decision->hold > 0 && (door != DOOR_ANY || !clerk->request.forwarded);
    if (holds && held_until_ready(desk, clerk, decision)) {
        decision->uses = true;
        pass(desk, clerk, decision, door);
        return;
    }
    send_not_ready(desk, clerk, decision, door, false);
}

void desk_ask_gate(struct desk *desk, const struct raw_request *raw, struct clerk *clerk,
                   enum door door)
{
    enum request_via via = door == DOOR_ANY ? REQUEST_VIA_DIRECT : REQUEST_VIA_AUTH;
    enum request_fault fault = request_read(raw, &desk->gate.proxies, via, &clerk->request);
    if (door != DOOR_ANY && desk_hear_doctor(desk, raw, clerk, HEARD_AUTH))
        desk_refuse_doctor(clerk);
    else if (fault != REQUEST_FINE)
        desk_refuse_fault(desk, clerk, raw, fault, door);
    else
        desk_judge(desk, raw, clerk, door);
}

void desk_judge(struct desk *desk, const struct raw_request *raw, struct clerk *clerk,
                enum door door)
{
    struct place place = gate_place(&desk->gate, &clerk->request);
    if (desk_is_doctor(clerk)) { /* led here by a proxy that did not ask before */
        desk_refuse_doctor(clerk);
        return;
    }
    if (gate_is_doubtful(&desk->gate, &place, &clerk->request)) {
        desk_refuse_fault(desk, clerk, raw, REQUEST_DOUBTFUL, door);
        return;
    }
    bool ready = place.site != MODEL_NONE && board_site_ready(desk->board, place.site);
    clerk->request.after_head = heads_follow(&desk->heads, &clerk->request, desk_now());
    struct guard guard;
    bool limited = desk_is_limited(desk, clerk, &place, ready, &guard);
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
        desk_refuse_address(desk, clerk, raw, &decision, door);
        return;
    case VERDICT_LIMITED:
        limit(desk, clerk, raw, &decision, door);
        return;
    case VERDICT_UNKNOWN:
        board_count(desk->board, COUNT_UNKNOWN);
        desk_send_unknown(desk, clerk, &place, door);
        return;
    }
}

void desk_route_auth(struct desk *desk, const struct raw_request *raw, struct clerk *clerk)
{
    desk_ask_gate(desk, raw, clerk, DOOR_AUTH);
}

void desk_route_auth_nginx(struct desk *desk, const struct raw_request *raw, struct clerk *clerk)
{
    desk_ask_gate(desk, raw, clerk, DOOR_NGINX);
}
