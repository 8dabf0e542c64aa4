/* Where requests to the dashboard are answered: routes, bodies, files, and the API's door. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "web/admin/admin_internal.h"
#include "web/admin/asset.h"

enum { ROOM_KEPT = 16 * 1024 /* a worker gives back what a longer answer took */ };

/* No script or style but our own files; nobody frames us. */
static const char always[] =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src "
    "'self' data:; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'\r\n"
    "X-Frame-Options: DENY\r\n"
    "Referrer-Policy: same-origin\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Permissions-Policy: camera=(), microphone=(), geolocation=(), payment=(), usb=()\r\n";

/* ---- Bodies ---- */

static bool refuse_body(struct call *call)
{
    call_problem(call, 413, "The body is longer than this address takes.");
    return false;
}

bool counter_read_body(struct call *call, size_t limit)
{
    struct buf *body = &call->worker->body;
    const char *length = call->request->fields[FIELD_CONTENT_LENGTH];
    char piece[4096];
    ssize_t n;

    buf_clear(body);
    body->limit = limit;
    if (length && strtoull(length, NULL, 10) > limit)
        return refuse_body(call);
    while ((n = exchange_read(call->exchange, piece, sizeof(piece))) > 0 && buf_error(body) == 0)
        buf_add(body, piece, (size_t)n);
    if (buf_error(body) == -EMSGSIZE)
        return refuse_body(call);
    if (n < 0 || buf_error(body) != 0) {
        call_problem(call, 400, "The body did not come whole.");
        return false;
    }
    return true;
}

/* ---- Files ---- */

static void send_asset(struct call *call, const struct asset *asset)
{
    const char *tags = call_header(call, "If-None-Match");
    bool known = tags && strstr(tags, asset->tag);

    answer_begin(call->answer, known ? 304 : 200);
    answer_header(call->answer, "ETag", asset->tag);
    answer_header(call->answer, "Cache-Control",
                  asset->lasting ? "max-age=31536000, immutable" : "no-cache");
    if (!asset->lasting)
        answer_header(call->answer, "Vary", "Accept-Language");
    answer_header(call->answer, "X-Content-Type-Options", "nosniff");
    if (asset->packed && !known)
        answer_header(call->answer, "Content-Encoding", "gzip");
    if (known)
        answer_end(call->answer, NULL);
    else
        answer_end_apart(call->answer, asset->type, asset->bytes, asset->length);
}

/* The page is the one file that differs by language. */
static const struct asset *asked_asset(const struct call *call)
{
    const char *path = call->request->path;
    if (strcmp(path, "/") == 0)
        return asset_page(language_choose(call->request->fields[FIELD_ACCEPT_LANGUAGE]));
    return asset_find(path);
}

/* ---- The API ---- */

static int write_piece(void *context, const char *bytes, size_t length)
{
    struct call *call = context;
    return exchange_send(call->exchange, bytes, length) ? 0 : -EPIPE;
}

static void ask_api(struct call *call)
{
    const struct request *request = call->request;

    if (!login_required(call) || !counter_read_body(call, api_body_max(request->path)))
        return;
    const struct buf *body = &call->worker->body;
    const struct api_request asked = {
        .method = call->raw->method,
        .path = request->path,
        .query = request->query,
        .content_type = call_header(call, "Content-Type"),
        .body = body->length > 0 ? buf_text(body) : NULL,
        .length = body->length,
        .if_match = call_header(call, "If-Match"),
        .who = request->who,
        .by = call->by_key ? "api-key" : "admin",
        .language = language_choose(request->fields[FIELD_ACCEPT_LANGUAGE]),
        .write = write_piece,
        .context = call,
    };
    call->answer->length = 0;
    api_answer(call->admin->api, &asked, call->answer);
    call->sent = call->answer->length == 0;
}

/* ---- Routes ---- */

static const struct route {
    const char *method;
    const char *path;
    void (*answer)(struct call *call);
} routes[] = {
    {"GET", "/login", login_route_page},           {"POST", "/login", login_route_post},
    {"POST", "/logout", login_route_out},          {"GET", "/api/v1/session", login_route_info},
    {"POST", "/api/v1/session", login_route_post}, {"DELETE", "/api/v1/session", login_route_out},
    {"GET", "/api/v1/stream", stream_route},
};
enum { ROUTES = ARRAY_SIZE(routes) };

static bool is_get(const struct call *call)
{
    return strcmp(call->raw->method, "GET") == 0 || strcmp(call->raw->method, "HEAD") == 0;
}

static bool fits(const struct call *call, const char *method)
{
    return strcmp(method, "GET") == 0 ? is_get(call) : strcmp(method, call->raw->method) == 0;
}

static void other_method(struct call *call, const char *allow)
{
    const struct fact why = fact_with(FACT(REQUEST_METHOD), allow, NULL);

    answer_begin(call->answer, 405);
    answer_header(call->answer, "Allow", allow);
    answer_refuse(call->answer, &why);
}

/* True: one of the routes has that path, and the request was answered. */
static bool take_route(struct call *call)
{
    struct buf allow = BUF_INIT(64);

    for (size_t i = 0; i < ROUTES; i++) {
        if (strcmp(routes[i].path, call->request->path) != 0)
            continue;
        if (fits(call, routes[i].method)) {
            routes[i].answer(call);
            buf_finish(&allow);
            return true;
        }
        buf_printf(&allow, "%s%s", allow.length > 0 ? ", " : "", routes[i].method);
    }
    bool known = allow.length > 0;
    if (known)
        other_method(call, buf_text(&allow));
    buf_finish(&allow);
    return known;
}

static void answer_call(struct call *call)
{
    const char *path = call->request->path;

    login_recognise(call);
    if (take_route(call))
        return;
    const struct asset *asset = asked_asset(call);
    if (asset && is_get(call))
        send_asset(call, asset);
    else if (asset)
        other_method(call, "GET, HEAD");
    else if (strncmp(path, "/api/v1/", 8) == 0)
        ask_api(call);
    else
        call_problem(call, 404, "The dashboard is at /, the API below /api/v1/.");
}

/* ---- Workers ---- */

static void send_answer(struct exchange *exchange, const struct answer *answer)
{
    if (answer->close)
        exchange_close(exchange);
    if (exchange_send(exchange, answer->text, answer->length) && answer->apart_length > 0)
        exchange_send(exchange, answer->apart, answer->apart_length);
}

static void tidy(struct buf *buf)
{
    if (buf->size > ROOM_KEPT)
        buf_finish(buf);
}

int counter_serve(void *context, unsigned number, struct exchange *exchange,
                  const struct raw_request *raw)
{
    struct admin *admin = context;
    struct admin_worker *worker = &admin->workers[number];
    struct request request; /* 9 KB, on the stack: it is given back when nothing is asked */
    struct call call = {.admin = admin,
                        .worker = worker,
                        .exchange = exchange,
                        .raw = raw,
                        .request = &request,
                        .answer = &worker->answer,
                        .now = clock_now().boot};

    call.answer->status = 200; /* of what is sent piece by piece, which has no other */
    call.answer->close = !exchange_may_stay(exchange);
    call.answer->head_only = strcmp(raw->method, "HEAD") == 0;
    call.answer->always = always;
    if (door_opens(&call))
        answer_call(&call);
    if (call.sent)
        exchange_close(exchange);
    else
        send_answer(exchange, call.answer);
    tidy(&worker->answer.room);
    tidy(&worker->body);
    return worker->answer.status;
}

void counter_refuse(void *context, unsigned number, struct exchange *exchange, int status,
                    const struct fact *why)
{
    struct answer *answer = &((struct admin *)context)->workers[number].answer;
    answer->close = true;
    answer->head_only = false;
    answer->always = always;
    answer_begin(answer, status);
    answer_refuse(answer, why);
    send_answer(exchange, answer);
}
