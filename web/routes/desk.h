/*
 * desk: where requests to the gateway are answered: routes, the gate's decisions carried out, the
 * page, the status. Knows the board and the clock, but no listener: front.c brings requests and
 * sends what comes back. Any worker may call; what a worker needs for one request is its clerk,
 * used again for the next.
 */
#ifndef HALL_WEB_ROUTES_DESK_H
#define HALL_WEB_ROUTES_DESK_H

#include "base/address.h"
#include "web/board/board.h"
#include "web/gate/request.h"
#include "web/page/answer.h"

struct desk;

struct clerk {
    bool crowded; /* set by the listener before: workers are too few for an answer to be held */
    struct answer answer;
    struct request request;
    char value[REQUEST_URI_MAX + 1]; /* a decoded parameter, which the request then borrows */
    char reference[3 * REQUEST_URI_MAX + 3];
};

/* board is borrowed. -ENOMEM. */
int desk_create(struct board *board, struct desk **ret_desk);
void desk_destroy(struct desk *desk);

void clerk_init(struct clerk *clerk);
void clerk_finish(struct clerk *clerk);

/* Answers; the result is clerk->answer, whose close and head_only the caller has set. May wait,
 * with a limit, where the contract says that an answer is held. */
void desk_answer(struct desk *desk, const struct raw_request *raw, struct clerk *clerk);

/* The listener's own refusals (broken requests), in the same form. */
void desk_refuse(struct clerk *clerk, int status, const struct fact *why);

/* May a connection of this peer be kept open? Only the trusted proxies' are. */
bool desk_trusts(const struct desk *desk, struct address peer);

#endif
