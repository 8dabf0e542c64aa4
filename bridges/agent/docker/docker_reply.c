#include "bridges/agent/docker/docker_reply.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/number.h"
#include "base/text.h"

/* --- lines --- */

/* RFC 9112, 2.2: a line ends in CR LF; LF alone is taken as well, CR alone is not. */
static int end_line(struct docker_reply *reply)
{
    if (reply->held > 0 && reply->line[reply->held - 1] == '\r')
        reply->held--;
    reply->line[reply->held] = '\0';
    const bool odd = strlen(reply->line) != reply->held || strchr(reply->line, '\r');
    reply->held = 0;
    return odd ? -EBADMSG : 1;
}

/* 1: the line is complete, without its end; 0: more is needed. */
static int take_line(struct docker_reply *reply, struct docker_piece *input)
{
    const char *end = memchr(input->bytes, '\n', input->length);
    const size_t n = end ? (size_t)(end - input->bytes) : input->length;
    if (n > sizeof(reply->line) - 1 - reply->held)
        return -EMSGSIZE;
    memcpy(reply->line + reply->held, input->bytes, n);
    reply->held += n;
    input->bytes += n + (end ? 1 : 0);
    input->length -= n + (end ? 1 : 0);
    return end ? end_line(reply) : 0;
}

/* One of a head or of the trailers. */
static int take_head_line(struct docker_reply *reply, struct docker_piece *input)
{
    const size_t before = input->length;
    const int r = take_line(reply, input);
    reply->heard += before - input->length;
    return reply->heard > DOCKER_REPLY_HEADS_MAX ? -EMSGSIZE : r;
}

/* --- the status line: RFC 9112, 4 --- */

static const char protocol[] = "HTTP/1.";

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 OK"; the reason may be absent, with the space before it. */
static int read_status(struct docker_reply *reply)
{
    const char *at = reply->line + strlen(protocol);
    if (strncmp(reply->line, protocol, strlen(protocol)) != 0 || !is_digit(at[0]) || at[1] != ' ')
        return -EBADMSG;
    reply->old = *at == '0';
    at += 2;
    if (!is_digit(at[0]) || at[0] == '0' || !is_digit(at[1]) || !is_digit(at[2]) ||
        (at[3] != ' ' && at[3] != '\0'))
        return -EBADMSG;
    reply->status = (at[0] - '0') * 100 + (at[1] - '0') * 10 + at[2] - '0';
    return 0;
}

static int on_status(struct docker_reply *reply, struct docker_piece *input)
{
    const int r = take_head_line(reply, input);
    if (r < 0)
        return r;
    /* What is no HTTP is told at its first byte: it may wait for us, or end without a line. */
    const size_t seen = reply->held < strlen(protocol) ? reply->held : strlen(protocol);
    if (r == 0)
        return memcmp(reply->line, protocol, seen) == 0 ? DOCKER_REPLY_MORE : -EBADMSG;
    reply->phase = DOCKER_REPLY_FIELDS;
    return read_status(reply);
}

/* --- the fields of the head: RFC 9112, 5 and 6.3; RFC 9110, 5 --- */

/* Repeated, it must say the same (RFC 9110, 8.6). */
static int read_length(struct docker_reply *reply, const char *value)
{
    int64_t size;
    if (*value == '\0' || value[strspn(value, "0123456789")] != '\0')
        return -EBADMSG;
    if (number_parse(value, 0, INT64_MAX, &size) < 0)
        return -EMSGSIZE;
    if (reply->has_size && reply->size != size)
        return -EBADMSG;
    reply->has_size = true;
    reply->size = size;
    return 0;
}

/* No other coding was asked for, and none is defined for HTTP/1.0. */
static int read_coding(struct docker_reply *reply, const char *value)
{
    if (reply->chunked || reply->old || strcasecmp(value, "chunked") != 0)
        return -EBADMSG;
    reply->chunked = true;
    return 0;
}

static const struct field {
    const char *name;
    int (*read)(struct docker_reply *reply, const char *value);
} fields[] = {
    {"Content-Length", read_length},
    {"Transfer-Encoding", read_coding},
};

/* RFC 9110, 5.6.2. */
static bool is_token(const char *text)
{
    return *text != '\0' && text[strspn(text, "!#$%&'*+-.^_`|~0123456789"
                                              "abcdefghijklmnopqrstuvwxyz"
                                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0';
}

/* A folded line begins with a space and so has no name: it is refused, as no engine writes one. */
static int read_field(struct docker_reply *reply)
{
    char *colon = strchr(reply->line, ':');
    if (!colon)
        return -EBADMSG;
    *colon = '\0';
    if (!is_token(reply->line))
        return -EBADMSG;
    char *value = colon + 1 + strspn(colon + 1, " \t");
    for (size_t n = strlen(value); n > 0 && strchr(" \t", value[n - 1]); n--)
        value[n - 1] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        if (strcasecmp(reply->line, fields[i].name) == 0)
            return fields[i].read(reply, value);
    return 0;
}

/* RFC 9112, 6.3, in its order; both a length and chunks may hide a second answer. */
static int end_head(struct docker_reply *reply)
{
    const bool bodiless = reply->status == 204 || reply->status == 304;
    if (reply->chunked && reply->has_size)
        return -EBADMSG;
    if (bodiless || (reply->has_size && reply->size == 0))
        reply->phase = DOCKER_REPLY_OVER;
    else if (reply->chunked)
        reply->phase = DOCKER_REPLY_CHUNK_SIZE;
    else
        reply->phase = reply->has_size ? DOCKER_REPLY_LENGTH : DOCKER_REPLY_TO_END;
    reply->left = (uint64_t)reply->size;
    return DOCKER_REPLY_HEAD;
}

/* RFC 9110, 15.2: another answer follows. A switch to another protocol was not asked for. */
static int end_interim(struct docker_reply *reply)
{
    if (reply->status == 101)
        return -EBADMSG;
    reply->phase = DOCKER_REPLY_STATUS;
    reply->status = 0;
    reply->chunked = reply->has_size = false;
    reply->size = 0;
    return DOCKER_REPLY_MORE;
}

static int on_fields(struct docker_reply *reply, struct docker_piece *input)
{
    const int r = take_head_line(reply, input);
    if (r <= 0)
        return r;
    if (reply->line[0] != '\0')
        return read_field(reply);
    return reply->status < 200 ? end_interim(reply) : end_head(reply);
}

/* --- the body --- */

static void take_body(struct docker_piece *input, size_t n, struct docker_piece *ret_body)
{
    *ret_body = (struct docker_piece){input->bytes, n};
    input->bytes += n;
    input->length -= n;
}

/* What is left of it, as far as it is there. */
static int take_counted(struct docker_reply *reply, struct docker_piece *input,
                        enum docker_reply_phase then, struct docker_piece *ret_body)
{
    const size_t n = reply->left < input->length ? (size_t)reply->left : input->length;
    reply->left -= n;
    if (reply->left == 0)
        reply->phase = then;
    take_body(input, n, ret_body);
    return DOCKER_REPLY_BODY;
}

/* RFC 9112, 7.1: hexadecimal, then extensions, which are passed over. */
static int on_chunk_size(struct docker_reply *reply, struct docker_piece *input)
{
    const int r = take_line(reply, input);
    size_t n = 0;
    if (r <= 0)
        return r;
    for (reply->left = 0; text_hex_digit(reply->line[n]) >= 0; n++) {
        if (reply->left > UINT64_MAX >> 8)
            return -EMSGSIZE;
        reply->left = reply->left << 4 | (unsigned)text_hex_digit(reply->line[n]);
    }
    const char *rest = reply->line + n + strspn(reply->line + n, " \t");
    if (n == 0 || (*rest != '\0' && *rest != ';'))
        return -EBADMSG;
    reply->phase = reply->left > 0 ? DOCKER_REPLY_CHUNK : DOCKER_REPLY_TRAILERS;
    return DOCKER_REPLY_MORE;
}

static int on_chunk_end(struct docker_reply *reply, struct docker_piece *input)
{
    const int r = take_line(reply, input);
    if (r < 0 || (r == 0 && reply->held > 1) || (r > 0 && reply->line[0] != '\0'))
        return -EBADMSG;
    if (r > 0)
        reply->phase = DOCKER_REPLY_CHUNK_SIZE;
    return DOCKER_REPLY_MORE;
}

/* RFC 9112, 7.1.2: nothing in them is needed. */
static int on_trailers(struct docker_reply *reply, struct docker_piece *input)
{
    const int r = take_head_line(reply, input);
    if (r <= 0)
        return r;
    if (reply->line[0] == '\0')
        reply->phase = DOCKER_REPLY_OVER;
    return DOCKER_REPLY_MORE;
}

/* --- the whole --- */

/* One step; MORE where it has come to nothing that must be told. */
static int step(struct docker_reply *reply, struct docker_piece *input,
                struct docker_piece *ret_body)
{
    switch (reply->phase) {
    case DOCKER_REPLY_STATUS:
        return on_status(reply, input);
    case DOCKER_REPLY_FIELDS:
        return on_fields(reply, input);
    case DOCKER_REPLY_LENGTH:
        return take_counted(reply, input, DOCKER_REPLY_OVER, ret_body);
    case DOCKER_REPLY_CHUNK_SIZE:
        return on_chunk_size(reply, input);
    case DOCKER_REPLY_CHUNK:
        return take_counted(reply, input, DOCKER_REPLY_CHUNK_END, ret_body);
    case DOCKER_REPLY_CHUNK_END:
        return on_chunk_end(reply, input);
    case DOCKER_REPLY_TRAILERS:
        return on_trailers(reply, input);
    case DOCKER_REPLY_TO_END:
        take_body(input, input->length, ret_body);
        return DOCKER_REPLY_BODY;
    case DOCKER_REPLY_OVER:
    case DOCKER_REPLY_BROKEN:
        break;
    }
    return DOCKER_REPLY_MORE;
}

int docker_reply_next(struct docker_reply *reply, struct docker_piece *input,
                      struct docker_piece *ret_body)
{
    int r = DOCKER_REPLY_MORE;
    while (r == DOCKER_REPLY_MORE && input->length > 0 && reply->phase < DOCKER_REPLY_OVER)
        r = step(reply, input, ret_body);
    if (r < 0) {
        reply->phase = DOCKER_REPLY_BROKEN;
        reply->error = r;
    }
    if (reply->phase == DOCKER_REPLY_BROKEN)
        return reply->error;
    return r == DOCKER_REPLY_MORE && reply->phase == DOCKER_REPLY_OVER ? DOCKER_REPLY_DONE : r;
}

int docker_reply_end(const struct docker_reply *reply)
{
    if (reply->phase == DOCKER_REPLY_BROKEN)
        return reply->error;
    return reply->phase == DOCKER_REPLY_OVER || reply->phase == DOCKER_REPLY_TO_END ? 0
                                                                                    : -ECONNRESET;
}
