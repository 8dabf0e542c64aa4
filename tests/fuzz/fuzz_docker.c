/* The first byte chooses the reader; the rest is what an engine sent. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "bridges/agent/docker/docker_api.h"
#include "bridges/agent/docker/docker_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t size)
{
    size_t length = strnlen(text, size);
    assert(length < size && !text_has_control(text) && text_is_utf8(text, length));
}

static void check_entry(const struct docker_entry *entry)
{
    check_text(entry->shown.name, sizeof entry->shown.name);
    check_text(entry->shown.project, sizeof entry->shown.project);
    check_text(entry->shown.state, sizeof entry->shown.state);
    check_text(entry->shown.health, sizeof entry->shown.health);
    check_text(entry->id, sizeof entry->id);
    check_text(entry->service, sizeof entry->service);
    check_text(entry->depends, sizeof entry->depends);
    assert(*entry->shown.name && strspn(entry->id, "0123456789abcdef") == strlen(entry->id));
}

static void check_order(const struct docker_list *list)
{
    const struct docker_entry *entries[DOCKER_CONTAINERS_MAX];
    size_t order[DOCKER_CONTAINERS_MAX];
    bool seen[DOCKER_CONTAINERS_MAX] = {false};
    for (size_t i = 0; i < list->n; i++)
        entries[i] = &list->entries[i];
    docker_api_order(entries, list->n, order);
    for (size_t i = 0; i < list->n; i++) {
        assert(order[i] < list->n && !seen[order[i]]);
        seen[order[i]] = true;
    }
}

static void read_list(const char *bytes, size_t length)
{
    struct docker_list *list;
    if (docker_api_list(bytes, length, &list) < 0)
        return;
    assert(list->n <= DOCKER_CONTAINERS_MAX);
    for (size_t i = 0; i < list->n; i++)
        check_entry(&list->entries[i]);
    check_order(list);
    free(list);
}

static void read_health(const char *bytes, size_t length)
{
    char health[24] = "";
    if (docker_api_health(bytes, length, health) == 0)
        check_text(health, sizeof health);
}

static void read_message(const char *bytes, size_t length)
{
    char message[64];
    check_text(docker_api_message(bytes, length, message, sizeof message), sizeof message);
}

static void on_line(void *context, const char *bytes, size_t length)
{
    size_t *told = context;
    assert(length <= DOCKER_LINE_MAX && !memchr(bytes, '\n', length));
    (void)docker_api_event_matters(bytes, length);
    *told += length;
}

/* The second byte is the size of the pieces. */
static void read_stream(const char *bytes, size_t length)
{
    struct docker_lines lines;
    size_t told = 0;
    size_t step = length > 0 ? (uint8_t)*bytes + 1U : 1;
    docker_lines_init(&lines);
    for (size_t at = 0; at < length; at += step)
        docker_lines_feed(&lines, bytes + at, length - at < step ? length - at : step, on_line,
                          &told);
    assert(told <= length);
    docker_lines_finish(&lines);
}

/* What an answer in pieces of this size comes to; sum is of its body. */
struct came_to {
    int event;
    int end;
    int status;
    enum docker_reply_phase phase;
    size_t length;
    uint32_t sum;
};

static void take_piece(struct came_to *to, const struct docker_piece *body,
                       const struct docker_piece *given)
{
    assert(body->length > 0 && body->bytes + body->length <= given->bytes);
    for (size_t i = 0; i < body->length; i++)
        to->sum = to->sum * 31 + (uint8_t)body->bytes[i];
    to->length += body->length;
}

static struct came_to answer_in_pieces(const char *bytes, size_t length, size_t step)
{
    static struct docker_reply reply;
    struct came_to to = {.event = DOCKER_REPLY_MORE};
    memset(&reply, 0, sizeof reply);
    for (size_t at = 0; at < length && to.event == DOCKER_REPLY_MORE; at += step) {
        struct docker_piece input = {bytes + at, length - at < step ? length - at : step}, body;
        do {
            to.event = docker_reply_next(&reply, &input, &body);
            if (to.event == DOCKER_REPLY_BODY)
                take_piece(&to, &body, &input);
        } while (to.event == DOCKER_REPLY_HEAD || to.event == DOCKER_REPLY_BODY);
        assert(to.event != DOCKER_REPLY_MORE || input.length == 0);
        assert(reply.held < sizeof reply.line);
    }
    to.end = docker_reply_end(&reply);
    to.status = reply.status;
    to.phase = reply.phase;
    return to;
}

/* The second byte is the size of the pieces: they change nothing. */
static void read_answer(const char *bytes, size_t length)
{
    if (length < 2)
        return;
    const struct came_to whole = answer_in_pieces(bytes + 1, length - 1, length - 1);
    const struct came_to cut = answer_in_pieces(bytes + 1, length - 1, (uint8_t)*bytes + 1U);
    assert(whole.phase == cut.phase && whole.status == cut.status && whole.end == cut.end);
    assert(whole.length == cut.length && whole.sum == cut.sum);
    assert(whole.phase == DOCKER_REPLY_BROKEN || whole.event == cut.event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(const char *bytes, size_t length) = {
        read_list, read_health, read_message, read_stream, read_answer};
    if (size > 0)
        readers[(uint8_t)(data[0] - '0') % 5]((const char *)data + 1, size - 1);
    return 0;
}
