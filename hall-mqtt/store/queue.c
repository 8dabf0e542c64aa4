#include "store/queue.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

/* ---- bodies and rows ---- */

static struct queue_body *body_new(const char *text, int64_t saved_wall)
{
    size_t size = strlen(text) + 1;
    struct queue_body *body = malloc(sizeof(*body) + size);
    if (!body)
        return NULL;
    body->references = 1;
    body->saved_wall = saved_wall;
    memcpy(body->text, text, size);
    return body;
}

static struct queue_body *body_share(struct queue_body *body)
{
    if (body)
        body->references++;
    return body;
}

static void body_drop(struct queue_body *body)
{
    if (body && --body->references == 0)
        free(body);
}

static void row_free(void *node)
{
    struct queue_row *row = node;
    body_drop(row->body);
    free(row);
}

static int compare_rows(const void *left, const void *right)
{
    const struct queue_row *a = left, *b = right;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return strcmp(a->key, b->key);
}

static struct queue_row *row_find(const struct queue *queue, enum store_kind kind, const char *key)
{
    struct queue_row name = {.kind = kind, .key = key};
    void *const *node = tfind(&name, &queue->known, compare_rows);
    return node ? *(struct queue_row *const *)node : NULL;
}

static struct queue_row *row_add(struct queue *queue, enum store_kind kind, const char *key)
{
    size_t size = strlen(key) + 1;
    if (queue->n_known >= QUEUE_ROWS_MAX)
        return NULL;
    struct queue_row *row = calloc(1, sizeof(*row) + size);
    if (!row)
        return NULL;
    row->kind = kind;
    row->key = memcpy(row + 1, key, size);
    if (!tsearch(row, &queue->known, compare_rows)) {
        free(row);
        return NULL;
    }
    queue->n_known++;
    return row;
}

static void row_forget(struct queue *queue, struct queue_row *row)
{
    tdelete(row, &queue->known, compare_rows);
    queue->n_known--;
    row_free(row);
}

/* ---- what waits ---- */

static void note_waiting(struct queue *queue, bool durable, int64_t since)
{
    if (queue_waiting(queue) == 0 || since < queue->since)
        queue->since = since;
    queue->durable |= durable;
}

static void row_wait(struct queue *queue, struct queue_row *row)
{
    if (row->waits)
        return;
    row->waits = true;
    row->after = NULL;
    if (queue->last)
        queue->last->after = row;
    else
        queue->first = row;
    queue->last = row;
    queue->n_rows++;
}

static void events_free(struct queue_events *events)
{
    struct queue_event *after;
    for (struct queue_event *event = events->first; event; event = after) {
        after = event->after;
        free(event);
    }
    *events = (struct queue_events){0};
}

/* The oldest routine event goes; where all are durable, the oldest. */
static void events_drop_one(struct queue *queue)
{
    struct queue_event *before = NULL, *event = queue->events.first;
    while (event && event->durable) {
        before = event;
        event = event->after;
    }
    if (!event) {
        before = NULL;
        event = queue->events.first;
    }
    if (!event)
        return;
    if (before)
        before->after = event->after;
    else
        queue->events.first = event->after;
    if (queue->events.last == event)
        queue->events.last = before;
    queue->events.n--;
    free(event);
    queue->dropped++;
}

static void events_bound(struct queue *queue)
{
    while (queue->events.n > QUEUE_EVENTS_MAX)
        events_drop_one(queue);
}

void queue_finish(struct queue *queue)
{
    tdestroy(queue->known, row_free);
    events_free(&queue->events);
    *queue = (struct queue){0};
}

/* ---- in ---- */

static bool text_fits(const char *text, size_t most)
{
    return !text || strnlen(text, most + 1) <= most;
}

static bool put(struct queue *queue, enum store_kind kind, const char *key, const char *text,
                int64_t wall)
{
    struct queue_body *body = NULL;
    if (!text_fits(key, QUEUE_KEY_MAX) || !text_fits(text, QUEUE_BODY_MAX))
        return false;
    struct queue_row *row = row_find(queue, kind, key);
    if (!row && !(row = row_add(queue, kind, key)))
        return false;
    if (text && !(body = body_new(text, wall)))
        return false;
    body_drop(row->body);
    row->body = body;
    row->ticket = queue->ticket;
    row_wait(queue, row);
    return true;
}

uint64_t queue_put(struct queue *queue, enum store_kind kind, const char *key, const char *body,
                   bool durable, struct now now)
{
    queue->ticket++;
    note_waiting(queue, durable, now.boot);
    if (!put(queue, kind, key, body, now.wall))
        queue->dropped++;
    return queue->ticket;
}

/* Copies a text behind what is there; NULL stays NULL. */
static const char *pack(char **at, const char *text)
{
    if (!text)
        return NULL;
    char *start = *at;
    size_t size = strlen(text) + 1;
    memcpy(start, text, size);
    *at += size;
    return start;
}

static bool entry_fits(const struct store_entry *entry)
{
    for (size_t i = 0; i < STORE_TEXTS_MAX; i++) {
        const bool is_body = (entry->table == STORE_EVENTS && i == 4) ||
                             (entry->table == STORE_WAKES && i == 7) ||
                             (entry->table == STORE_SLEEPS && i == 3);
        if (!text_fits(entry->texts[i], is_body ? QUEUE_TOLD_MAX : QUEUE_TEXT_MAX))
            return false;
    }
    return true;
}

static struct queue_event *event_new(const struct store_entry *entry)
{
    size_t size = 0;
    for (size_t i = 0; i < STORE_TEXTS_MAX; i++)
        size += entry->texts[i] ? strlen(entry->texts[i]) + 1 : 0;
    struct queue_event *copy = calloc(1, sizeof(*copy) + size);
    if (!copy)
        return NULL;
    char *at = (char *)(copy + 1);
    copy->table = entry->table;
    copy->id = entry->id;
    memcpy(copy->numbers, entry->numbers, sizeof(copy->numbers));
    for (size_t i = 0; i < STORE_TEXTS_MAX; i++)
        copy->texts[i] = pack(&at, entry->texts[i]);
    return copy;
}

uint64_t queue_keep(struct queue *queue, const struct store_entry *entry, bool durable,
                    struct now now)
{
    struct queue_event *copy = entry_fits(entry) ? event_new(entry) : NULL;
    queue->ticket++;
    note_waiting(queue, durable, now.boot);
    if (!copy) {
        queue->dropped++;
        return queue->ticket;
    }
    copy->durable = durable;
    copy->ticket = queue->ticket;
    copy->after = NULL;
    if (queue->events.last)
        queue->events.last->after = copy;
    else
        queue->events.first = copy;
    queue->events.last = copy;
    queue->events.n++;
    events_bound(queue);
    return queue->ticket;
}

uint64_t queue_log(struct queue *queue, const struct store_event *event, bool durable,
                   struct now now)
{
    const struct store_entry entry = {
        .table = STORE_EVENTS,
        .numbers = {event->at},
        .texts = {event->server, event->domain, event->project, event->type,
                  event->body ? event->body : "{}"},
    };
    return queue_keep(queue, &entry, durable, now);
}

void queue_know(struct queue *queue, enum store_kind kind, const char *key, const char *body,
                int64_t saved_wall)
{
    if (row_find(queue, kind, key))
        return;
    struct queue_row *row = row_add(queue, kind, key);
    if (!row)
        return;
    row->body = body_new(body, saved_wall);
    if (!row->body)
        row_forget(queue, row);
}

void queue_know_last(struct queue *queue, enum store_table table, int64_t id)
{
    if (id > queue->last_ids[table])
        queue->last_ids[table] = id;
}

int64_t queue_new_id(struct queue *queue, enum store_table table)
{
    return ++queue->last_ids[table];
}

/* ---- out ---- */

void queue_hurry(struct queue *queue)
{
    queue->durable |= queue_waiting(queue) > 0;
}

size_t queue_waiting(const struct queue *queue)
{
    return queue->n_rows + queue->events.n;
}

int64_t queue_due(const struct queue *queue, const struct queue_pace *pace)
{
    if (queue->durable || queue_waiting(queue) >= pace->batch_rows)
        return 0;
    return queue_waiting(queue) > 0 ? queue->since + pace->batch_ms : QUEUE_NEVER;
}

int queue_take(struct queue *queue, struct batch *ret_batch)
{
    struct batch batch = {.events = queue->events,
                          .last = queue->ticket,
                          .durable = queue->durable,
                          .since = queue->since};
    batch.rows = calloc(queue->n_rows + 1, sizeof(*batch.rows));
    if (!batch.rows)
        return -ENOMEM;
    for (struct queue_row *row = queue->first; row; row = row->after) {
        row->waits = false;
        batch.rows[batch.n_rows++] =
            (struct batch_row){.row = row, .body = body_share(row->body), .ticket = row->ticket};
    }
    for (struct queue_event *event = queue->events.first; event; event = event->after)
        if (event->id == 0)
            event->id = queue_new_id(queue, event->table);
    queue->first = queue->last = NULL;
    queue->n_rows = 0;
    queue->events = (struct queue_events){0};
    queue->durable = false;
    *ret_batch = batch;
    return 0;
}

static void batch_finish(struct batch *batch)
{
    for (size_t i = 0; i < batch->n_rows; i++)
        body_drop(batch->rows[i].body);
    free(batch->rows);
    events_free(&batch->events);
    *batch = (struct batch){0};
}

void queue_written(struct queue *queue, struct batch *batch)
{
    for (size_t i = 0; i < batch->n_rows; i++) {
        struct queue_row *row = batch->rows[i].row;
        if (!row->body && !row->waits)
            row_forget(queue, row);
    }
    batch_finish(batch);
}

void queue_return(struct queue *queue, struct batch *batch)
{
    note_waiting(queue, batch->durable, batch->since);
    for (size_t i = 0; i < batch->n_rows; i++)
        row_wait(queue, batch->rows[i].row);
    if (batch->events.last) {
        batch->events.last->after = queue->events.first;
        if (!queue->events.last)
            queue->events.last = batch->events.last;
        queue->events.first = batch->events.first;
        queue->events.n += batch->events.n;
        batch->events = (struct queue_events){0};
        events_bound(queue);
    }
    batch_finish(batch);
}

struct walk {
    struct queue *queue;
    int64_t boot;
};

static void walk_row(const void *node, VISIT visit, void *closure)
{
    struct queue_row *row = *(struct queue_row *const *)node;
    struct walk *walk = closure;
    if (visit != postorder && visit != leaf)
        return;
    note_waiting(walk->queue, false, walk->boot);
    row_wait(walk->queue, row);
}

void queue_know_anew(struct queue *queue, int64_t boot)
{
    struct walk walk = {queue, boot};
    twalk_r(queue->known, walk_row, &walk);
    queue->durable |= queue->n_rows > 0; /* a restart now would find nothing: at once */
}
