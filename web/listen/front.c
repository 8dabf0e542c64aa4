#include "web/listen/front.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "web/listen/listener.h"
#include "web/routes/desk.h"

enum { WORKERS = 22, KEPT_MAX = 18, OFFICES_LEFT = 16 };

/* A board and the desk that answers from it. After a reload there is a new one, and the old one
 * goes when no worker is at it any more. */
struct office {
    struct board *board;
    struct desk *desk;
};

struct worker {
    struct clerk clerk;
    _Atomic(struct office *) office; /* where it is at work now, or NULL */
};

struct front {
    struct listener *listener;
    _Atomic(struct office *) office;
    struct office *left[OFFICES_LEFT]; /* older ones, not dropped yet. Loop thread */
    struct worker *workers;
};

/* Goes to the office of the day. Whoever closes it looks at all workers afterwards, so the look
 * back here decides. */
static struct desk *enter_office(struct front *front, struct worker *worker)
{
    struct office *office = atomic_load(&front->office);

    for (;;) {
        atomic_store(&worker->office, office);
        struct office *now = atomic_load(&front->office);
        if (now == office)
            return office->desk;
        office = now;
    }
}

static void send_answer(struct exchange *exchange, const struct answer *answer)
{
    if (answer->close)
        exchange_close(exchange);
    exchange_send(exchange, answer->text, answer->length);
}

static int serve(void *context, unsigned number, struct exchange *exchange,
                 const struct raw_request *raw)
{
    struct front *front = context;
    struct worker *worker = &front->workers[number];
    struct desk *desk = enter_office(front, worker);
    struct answer *answer = &worker->clerk.answer;

    answer->close = !exchange_may_stay(exchange) || !desk_trusts(desk, raw->peer);
    answer->head_only = strcmp(raw->method, "HEAD") == 0;
    worker->clerk.crowded = exchange_is_crowded(exchange);
    desk_answer(desk, raw, &worker->clerk);
    bool drains = desk_trusts(desk, raw->peer) && !worker->clerk.crowded;
    atomic_store_explicit(&worker->office, NULL, memory_order_release);
    send_answer(exchange, answer);
    if (drains)
        exchange_drain(exchange);
    return answer->status;
}

static void refuse(void *context, unsigned number, struct exchange *exchange, int status,
                   const struct fact *why)
{
    struct clerk *clerk = &((struct front *)context)->workers[number].clerk;
    clerk->answer.close = true;
    clerk->answer.head_only = false;
    desk_refuse(clerk, status, why);
    send_answer(exchange, &clerk->answer);
}

static const struct listener_role gateway = {
    .name = "the gateway",
    .pointer = "/http/gateway",
    .workers = WORKERS,
    .new_ms = 40, /* proxies ask at once */
    .kept_max = KEPT_MAX,
    .serve = serve,
    .refuse = refuse,
};

/* ---- Start and end ---- */

static int make_workers(struct front *front)
{
    front->workers = calloc(WORKERS, sizeof(*front->workers));
    if (!front->workers)
        return -ENOMEM;
    for (size_t i = 0; i < WORKERS; i++)
        clerk_init(&front->workers[i].clerk);
    return 0;
}

static int open_office(struct board *board, struct office **ret_office)
{
    struct office *office = calloc(1, sizeof(*office));
    if (!office)
        return -ENOMEM;
    office->board = board;
    int error = desk_create(board, &office->desk);
    if (error != 0) {
        free(office);
        return error;
    }
    *ret_office = office;
    return 0;
}

static void close_office(struct office *office)
{
    if (!office)
        return;
    desk_destroy(office->desk);
    free(office);
}

int front_create(struct board *board, struct front **ret_front)
{
    struct front *front = calloc(1, sizeof(*front));
    if (!front)
        return -ENOMEM;
    struct office *office = NULL;
    int error = open_office(board, &office);
    atomic_store(&front->office, office);
    if (error == 0)
        error = make_workers(front);
    if (error == 0)
        error = listener_create(&gateway, front, board_config(board)->http.gateway,
                                board_config(board)->http.n_gateway, &front->listener);
    if (error != 0) {
        front_destroy(front);
        return error;
    }
    *ret_front = front;
    return 0;
}

static struct office **find_left(struct front *front, const struct board *board)
{
    for (size_t i = 0; i < OFFICES_LEFT; i++)
        if (!board ? !front->left[i] : front->left[i] && front->left[i]->board == board)
            return &front->left[i];
    return NULL;
}

int front_replace(struct front *front, struct board *board)
{
    struct office **place = find_left(front, NULL);
    struct office *office = NULL;
    if (!place)
        return -EBUSY;
    int error = open_office(board, &office);
    if (error == 0)
        *place = atomic_exchange(&front->office, office);
    return error;
}

bool front_drop(struct front *front, const struct board *board)
{
    struct office **place = find_left(front, board);
    if (!place)
        return true;
    for (size_t i = 0; i < WORKERS; i++)
        if (atomic_load(&front->workers[i].office) == *place)
            return false;
    close_office(*place);
    *place = NULL;
    return true;
}

size_t front_retry(struct front *front)
{
    return listener_retry(front->listener);
}

uint16_t front_port(const struct front *front)
{
    return listener_port(front->listener);
}

void front_destroy(struct front *front)
{
    if (!front)
        return;
    listener_destroy(front->listener);
    for (size_t i = 0; front->workers && i < WORKERS; i++)
        clerk_finish(&front->workers[i].clerk);
    free(front->workers);
    for (size_t i = 0; i < OFFICES_LEFT; i++)
        close_office(front->left[i]);
    close_office(atomic_load(&front->office));
    free(front);
}
