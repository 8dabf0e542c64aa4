/*
 * queue: what the store knows and what still has to be written, in memory. Of every state row the
 * newest body is kept for good (so that a fresh file can be filled again), of events those that
 * wait. Bounded: events beyond the limit push out the oldest, routine ones first. Not for sharing:
 * the owner holds a lock around every call; of a batch that was taken, everything but the queue
 * itself may be read without it.
 */
#ifndef HALL_STORE_QUEUE_H
#define HALL_STORE_QUEUE_H

#include "base/clock.h"
#include "store/store.h"

enum {
    QUEUE_EVENTS_MAX = 16384, /* waiting: what a storm of commands tells while a disk is slow */
    QUEUE_ROWS_MAX = 65536,   /* known */
    QUEUE_KEY_MAX = 512,      /* bytes; longer keys and bodies are refused */
    QUEUE_TEXT_MAX = 1024,
    QUEUE_BODY_MAX = STORE_BODY_MAX,
    QUEUE_TOLD_MAX = 524288, /* of an event */
};

#define QUEUE_NEVER INT64_MAX

/* The newest body of one row. Shared with batches under way. */
struct queue_body {
    unsigned references;
    int64_t saved_wall;
    char text[];
};

struct queue_row {
    enum store_kind kind;
    const char *key; /* within this allocation */
    bool waits;
    uint64_t ticket;         /* of the newest put */
    struct queue_body *body; /* NULL: removed */
    struct queue_row *after; /* among those that wait */
};

struct queue_event {
    bool durable;
    uint64_t ticket;
    enum store_table table;
    int64_t id; /* in the file; given when first taken, so that writing it again does no harm */
    int64_t numbers[STORE_NUMBERS_MAX];
    const char *texts[STORE_TEXTS_MAX]; /* within this allocation, or NULL */
    struct queue_event *after;
};

struct queue_events {
    struct queue_event *first, *last;
    size_t n;
};

struct queue {
    void *known; /* tree of struct queue_row by kind and key */
    size_t n_known;
    struct queue_row *first, *last; /* rows that wait */
    size_t n_rows;
    struct queue_events events;     /* that wait */
    uint64_t ticket;                /* the last one given */
    bool durable;                   /* one that waits is */
    int64_t since;                  /* boot, ms: since when the oldest waits */
    int64_t last_ids[STORE_TABLES]; /* given or read */
    uint64_t dropped;               /* rows and events that could not be kept */
};

/* What goes to the disk in one transaction. */
struct batch_row {
    struct queue_row *row;
    struct queue_body *body; /* NULL: remove */
    uint64_t ticket;
};
struct batch {
    size_t n_rows;
    struct batch_row *rows;
    struct queue_events events;
    uint64_t last; /* every ticket up to this one is in it or was before */
    bool durable;
    int64_t since;
};

/* When what waits is to be written. */
struct queue_pace {
    int64_t batch_ms;
    size_t batch_rows;
};

void queue_finish(struct queue *queue);

/* Both return the ticket. What does not fit in memory or is too long is dropped and counted. */
uint64_t queue_put(struct queue *queue, enum store_kind kind, const char *key, const char *body,
                   bool durable, struct now now);
uint64_t queue_log(struct queue *queue, const struct store_event *event, bool durable,
                   struct now now);
uint64_t queue_keep(struct queue *queue, const struct store_entry *entry, bool durable,
                    struct now now);
/* A row as read from the disk; one that was put already is newer and stays. */
void queue_know(struct queue *queue, enum store_kind kind, const char *key, const char *body,
                int64_t saved_wall);

/* The file has rows of this table up to this id. */
void queue_know_last(struct queue *queue, enum store_table table, int64_t id);
int64_t queue_new_id(struct queue *queue, enum store_table table);

/* What waits is to be written at once. */
void queue_hurry(struct queue *queue);
size_t queue_waiting(const struct queue *queue);
/* The boot time from which on what waits is to be written; 0 at once, QUEUE_NEVER where nothing
 * waits. */
int64_t queue_due(const struct queue *queue, const struct queue_pace *pace);

/* Takes everything that waits. -ENOMEM: it all waits on. */
int queue_take(struct queue *queue, struct batch *ret_batch);
/* It is on the disk. */
void queue_written(struct queue *queue, struct batch *batch);
/* It is not: it waits again, unless something newer does. */
void queue_return(struct queue *queue, struct batch *batch);

/* The file is new and empty: every known row waits. */
void queue_know_anew(struct queue *queue, int64_t boot);

#endif
