/*
 * desk_internal: what the parts of the desk share. desk.c has the routes, desk_gate.c the doors
 * that ask the gate, desk_helper.c those below /.hall/, desk_reply.c the forms in which they answer
 * and what they tell the loop and the log. Any worker may be in any of them: all that changes here
 * is atomic.
 */
#ifndef HALL_WEB_ROUTES_DESK_INTERNAL_H
#define HALL_WEB_ROUTES_DESK_INTERNAL_H

#include <stdatomic.h>

#include "web/gate/gate.h"
#include "web/gate/view.h"
#include "web/page/page.h"
#include "web/routes/desk.h"
#include "web/routes/heads.h"

struct desk {
    struct board *board;
    const struct model *model;
    struct gate gate;
    struct page *page;
    struct heads heads;
    _Atomic int64_t polls_second;        /* of the count under way */
    atomic_uint polls_now, polls_before; /* this second's and the last one's */
    _Atomic int64_t refusal_told;
    atomic_uint refusals_untold;
    atomic_uint chance;
};

enum door { DOOR_AUTH, DOOR_NGINX, DOOR_ANY };

int64_t desk_now(void); /* boot clock, ms */

/* ---- desk_doctor.c ---- */

/* Keeps what the proxy said, if the doctor asks; false: somebody else does. request_read has read
 * the request, whatever it found. */
bool desk_hear_doctor(struct desk *desk, const struct raw_request *raw, const struct clerk *clerk,
                      enum heard_door door);

bool desk_is_doctor(const struct clerk *clerk);
/* It wants to be heard, and nothing of the site. */
void desk_refuse_doctor(struct clerk *clerk);

/* ---- desk_gate.c ---- */

void desk_ask_gate(struct desk *desk, const struct raw_request *raw, struct clerk *clerk,
                   enum door door);
/* The same once clerk->request is read. */
void desk_judge(struct desk *desk, const struct raw_request *raw, struct clerk *clerk,
                enum door door);
void desk_route_auth(struct desk *desk, const struct raw_request *raw, struct clerk *clerk);
void desk_route_auth_nginx(struct desk *desk, const struct raw_request *raw, struct clerk *clerk);

/* Waits for the site, hold ms at most; not at all where too many wait already. True: it is ready.
 */
bool desk_hold_for(struct desk *desk, const struct place *place, int64_t hold);

/* ---- desk_helper.c ---- */

void desk_route_status(struct desk *desk, const struct raw_request *raw, struct clerk *clerk);
void desk_route_wait(struct desk *desk, const struct raw_request *raw, struct clerk *clerk);

/* ---- desk_peer.c ---- */

void desk_route_traefik(struct desk *desk, const struct raw_request *raw, struct clerk *clerk);
void desk_route_sablier_dynamic(struct desk *desk, const struct raw_request *raw,
                                struct clerk *clerk);
void desk_route_sablier_blocking(struct desk *desk, const struct raw_request *raw,
                                 struct clerk *clerk);
void desk_route_sablier_poke(struct desk *desk, const struct raw_request *raw, struct clerk *clerk);
void desk_route_sablier_themes(struct desk *desk, const struct raw_request *raw,
                               struct clerk *clerk);
void desk_route_sablier_health(struct desk *desk, const struct raw_request *raw,
                               struct clerk *clerk);

/* ---- desk_reply.c ---- */

/* Did a proxy lead a visitor here, as far as it says so? */
bool desk_is_for_visitor(const struct raw_request *raw);
void desk_redirect(struct clerk *clerk, int status, const char *to);
/* The address asked for, as request_reference writes it; lives in the clerk. */
const char *desk_reference(struct clerk *clerk);

void desk_tell(struct desk *desk, enum visit_kind kind, int site, const struct clerk *clerk);
/* Into the log and to the loop. A flood of refusals is one line a second, with the number of the
 * others. */
void desk_note_refusal(struct desk *desk, const struct clerk *clerk, const struct raw_request *raw,
                       int site, const struct fact *why);
void desk_note_limit(struct desk *desk, const struct clerk *clerk, const struct raw_request *raw,
                     int site, struct guard guard);

/* What the visitor sees of the place now. */
void desk_look(struct desk *desk, struct clerk *clerk, const struct place *place, bool ready,
               bool asked, struct view *view);
void desk_send_page(struct desk *desk, struct clerk *clerk, const struct view *view, int status);
/* In the form this client understands. */
void desk_send_view(struct desk *desk, struct clerk *clerk, const struct view *view,
                    enum client_kind client, enum door door, int status);

bool desk_is_limited(struct desk *desk, const struct clerk *clerk, const struct place *place,
                     bool ready, struct guard *ret_guard);
void desk_send_limit(struct desk *desk, struct clerk *clerk, const struct place *place,
                     struct guard guard, enum client_kind client, enum door door);

/* The request is broken; this address may not; there is no such place. At nginx's door a fault is
 * a 401, as everything that nginx has to fetch by its error_page: any other status it would take
 * for an outage. */
void desk_refuse_fault(struct desk *desk, struct clerk *clerk, const struct raw_request *raw,
                       enum request_fault fault, enum door door);
void desk_refuse_address(struct desk *desk, struct clerk *clerk, const struct raw_request *raw,
                         const struct decision *decision, enum door door);
void desk_send_unknown(struct desk *desk, struct clerk *clerk, const struct place *place,
                       enum door door);

#endif
