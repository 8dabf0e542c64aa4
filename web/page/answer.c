#include "web/page/answer.h"

#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "say/say.h"

static const struct reason {
    int status;
    const char *text;
} reasons[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {422, "Unprocessable Content"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

const char *answer_reason(int status)
{
    for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
        if (reasons[i].status == status)
            return reasons[i].text;
    }
    return "Unknown";
}

void answer_init(struct answer *answer)
{
    *answer = (struct answer){.head = BUF_INIT(ANSWER_HEAD_MAX), .room = BUF_INIT(ANSWER_LIMIT)};
}

void answer_finish(struct answer *answer)
{
    buf_finish(&answer->head);
    buf_finish(&answer->room);
}

void answer_fixed(struct answer *answer, int status, const char *text, size_t length)
{
    answer->status = status;
    answer->text = text;
    answer->length = length;
}

enum { HEAD_ROOM = 1536 }; /* heads are shorter, but for redirects to very long addresses */

struct buf *answer_begin(struct answer *answer, int status)
{
    static const char blank[HEAD_ROOM];

    answer->status = status;
    answer->apart_length = 0;
    buf_clear(&answer->head);
    buf_clear(&answer->room);
    buf_add(&answer->room, blank, sizeof(blank));
    buf_printf(&answer->head, "HTTP/1.1 %d %s\r\n", status, answer_reason(status));
    if (answer->always)
        buf_puts(&answer->head, answer->always);
    return &answer->room;
}

void answer_header(struct answer *answer, const char *name, const char *value)
{
    if (text_has_control(value))
        return;
    buf_puts(&answer->head, name);
    buf_add(&answer->head, ": ", 2);
    buf_puts(&answer->head, value);
    buf_add(&answer->head, "\r\n", 2);
}

void answer_header_number(struct answer *answer, const char *name, long value)
{
    buf_printf(&answer->head, "%s: %ld\r\n", name, value);
}

static void join(struct answer *answer)
{
    size_t head = answer->head.length;
    if (head > HEAD_ROOM) {
        answer->head.limit = ANSWER_LIMIT;
        /* The head does not fit in front of the body: both move to where there is place. */
        size_t body = answer->head_only ? 0 : answer->room.length - HEAD_ROOM;
        buf_add(&answer->head, answer->room.text + HEAD_ROOM, body);
        answer->text = answer->head.text;
        answer->length = answer->head.length;
        answer->head.limit = ANSWER_HEAD_MAX;
        return;
    }
    char *start = answer->room.text + HEAD_ROOM - head;
    memcpy(start, answer->head.text, head);
    answer->text = start;
    answer->length = head + (answer->head_only ? 0 : answer->room.length - HEAD_ROOM);
}

void answer_end(struct answer *answer, const char *type)
{
    if (type)
        answer_header(answer, "Content-Type", type);
    if (answer->status != 204 && answer->status != 304)
        buf_printf(&answer->head, "Content-Length: %zu\r\n",
                   answer->room.length - HEAD_ROOM + answer->apart_length);
    if (answer->close)
        buf_puts(&answer->head, "Connection: close\r\n");
    buf_puts(&answer->head, "\r\n");
    if (buf_error(&answer->head) == 0 && buf_error(&answer->room) == 0)
        join(answer);
    if (buf_error(&answer->head) != 0 || buf_error(&answer->room) != 0) {
        /* Memory is out, or more was written than any answer may hold. */
        static const char text[] =
            "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        answer->close = true;
        answer->apart_length = 0;
        answer_fixed(answer, 500, text, sizeof(text) - 1);
    }
}

void answer_end_apart(struct answer *answer, const char *type, const void *body, size_t length)
{
    answer->apart = body;
    answer->apart_length = length;
    answer_end(answer, type);
    if (answer->head_only)
        answer->apart_length = 0;
}

void answer_never_kept(struct answer *answer)
{
    buf_puts(&answer->head, "Cache-Control: no-store\r\n"
                            "CDN-Cache-Control: no-store\r\n"
                            "X-Robots-Tag: noindex\r\n"
                            "X-Content-Type-Options: nosniff\r\n");
}

static void put_problem(struct answer *answer, const char *detail, const struct fact *why)
{
    struct json_writer writer;
    json_writer_init(&writer, &answer->room);
    json_begin_object(&writer, NULL);
    json_put_string(&writer, "type", "about:blank");
    json_put_string(&writer, "title", answer_reason(answer->status));
    json_put_integer(&writer, "status", answer->status);
    json_put_string(&writer, "detail", detail);
    say_put_fact(&writer, "detail_fact", why, NULL);
    json_end_object(&writer);
    answer_never_kept(answer);
    answer_end(answer, "application/problem+json");
}

void answer_problem(struct answer *answer, const char *detail)
{
    put_problem(answer, detail, &FACT(NONE));
}

void answer_refuse(struct answer *answer, const struct fact *why)
{
    char said[SAID_SIZE];

    put_problem(answer, say_english(why, NULL, clock_now().wall, said), why);
}
