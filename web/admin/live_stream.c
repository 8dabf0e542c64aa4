/* Server-Sent Events: few, because each holds a worker. */
#include <string.h>

#include "base/clock.h"
#include "web/admin/admin_internal.h"

enum { LOOK_MS = 1000, QUIET_MS = 1000, STREAM_LIMIT = 256 * 1024 };

static const char head[] = "HTTP/1.1 200 OK\r\n"
                           "Content-Type: text/event-stream\r\n"
                           "Cache-Control: no-store\r\n"
                           "X-Content-Type-Options: nosniff\r\n"
                           "X-Accel-Buffering: no\r\n"
                           "Connection: close\r\n\r\n"
                           "retry: 2000\n\n";

/* May whoever began it still come in, and is he still logged in? */
static bool goes_on(struct call *call)
{
    struct admin *admin = call->admin;
    if (atomic_load(&admin->closing) || !door_stays_open(call))
        return false;
    if (call->by_key)
        return true;
    pthread_mutex_lock(&admin->lock);
    bool open =
        sessions_find(&admin->sessions, call->session, false, clock_now().boot, &call->until);
    pthread_mutex_unlock(&admin->lock);
    return open;
}

/* A comment each second finds out whether anybody listens: a page that was loaded again leaves its
 * stream, and the next one needs the place. */
static bool send_news(struct call *call, struct buf *news, int64_t *quiet_since)
{
    int64_t now = clock_now().boot;
    if (news->length == 0 && now - *quiet_since < QUIET_MS)
        return true;
    if (news->length == 0)
        buf_puts(news, ":\n\n");
    *quiet_since = now;
    bool sent = exchange_send(call->exchange, buf_text(news), news->length);
    buf_clear(news);
    return sent;
}

static uint64_t read_cursor(const struct call *call)
{
    const char *last = call_header(call, "Last-Event-ID");
    uint64_t cursor = 0;
    for (; last && *last >= '0' && *last <= '9' && cursor < UINT64_MAX / 16; last++)
        cursor = cursor * 10 + (uint64_t)(*last - '0');
    return cursor;
}

/* A page cannot set headers of its stream: "?lang=fr" comes before what the browser says. */
static enum language language_of(const struct call *call)
{
    const struct span query = call->request->query;
    static const char asked[] = "lang=";

    if (query.length == sizeof(asked) + 1 && strncmp(query.at, asked, sizeof(asked) - 1) == 0)
        return strncmp(query.at + sizeof(asked) - 1, "fr", 2) == 0 ? LANGUAGE_FRENCH
                                                                   : LANGUAGE_ENGLISH;
    return language_choose(call->request->fields[FIELD_ACCEPT_LANGUAGE]);
}

static void follow(struct call *call)
{
    const enum language language = language_of(call);
    struct buf news = BUF_INIT(STREAM_LIMIT);
    uint64_t cursor = read_cursor(call);
    int64_t quiet_since = call->now;

    if (exchange_send(call->exchange, head, sizeof(head) - 1)) {
        while (goes_on(call) &&
               api_stream(call->admin->api, language, &cursor, LOOK_MS, &news) == 0 &&
               buf_error(&news) == 0 && send_news(call, &news, &quiet_since))
            ;
    }
    buf_finish(&news);
    call->sent = true;
}

void stream_route(struct call *call)
{
    struct admin *admin = call->admin;

    if (!login_required(call))
        return;
    if (call->answer->head_only) {
        answer_begin(call->answer, 200);
        answer_end(call->answer, "text/event-stream");
    } else if (atomic_fetch_add(&admin->streams, 1) < ADMIN_STREAMS) {
        follow(call);
        atomic_fetch_sub(&admin->streams, 1);
    } else {
        atomic_fetch_sub(&admin->streams, 1);
        call_problem(call, 503, "Three streams are open already; ask again at intervals instead.");
    }
}
