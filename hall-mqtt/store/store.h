/*
 * store: what survives a restart, in SQLite: the state of servers (open wakes, leases, settings),
 * quotas, the event log, and what statistics are made of. One writer thread with a bounded queue
 * owns the writing connection; the loop thread puts and never waits. Routine rows are committed in
 * batches (30 s or 50 rows), what someone is told is done at once, and the ticket tells when it is
 * on the disk. Every commit is synced: with a batch only synced at the next checkpoint, a power cut
 * could take hours of events.
 *
 * A store that cannot be opened, is full, read-only or corrupt never stops Hall: rows wait in
 * memory as far as the queue reaches (newest state per key is kept, oldest events are dropped and
 * counted), the problem is told once, and the writer tries again until it succeeds. A corrupt file
 * is set aside as PATH.corrupt.TIME; what can be saved of it, or of the nightly copies, goes into
 * the fresh one: rows of state at once, before they are loaded, the history bit by bit.
 */
#ifndef HALL_STORE_STORE_H
#define HALL_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

struct store_options {
    const char *path;
    int keep_days; /* events older than that go */
    int max_mb;    /* and the oldest beyond that size */
    int backups;   /* so many nightly ones are kept beside it; 0: none are made */
};

enum store_kind {
    STORE_SERVER,  /* key: server id; body: JSON */
    STORE_QUOTA,   /* key: made by the caller; body: JSON */
    STORE_SETTING, /* key: made by the caller; body: JSON */
};

struct store_event {
    int64_t at;          /* wall, ms */
    const char *server;  /* or NULL */
    const char *domain;  /* or NULL */
    const char *project; /* or NULL */
    const char *type;    /* the bus's event_type */
    const char *body;    /* JSON, as published */
};

/* Tables beside events and state. An entry is an id, numbers and texts (NULL where there is none),
 * in the order named here; times are wall, ms. The same id again replaces what was written. */
enum store_table {
    STORE_EVENTS,   /* at; server, domain, project, type, body */
    STORE_WAKES,    /* started, ms, packets, kind, ready, hour of the week, 7 stages; id on the bus,
                       server, project, domain, cause, class of the cause, failure, fact of the
                       cause (JSON; NULL in old rows) */
    STORE_SLEEPS,   /* at, ms, awake ms, outcome (enum store_sleep); server, by, reason, its
                       fact (JSON; NULL in old rows) */
    STORE_SPANS,    /* ended, ms, state, open, used and always mJ (-1: unknown); server */
    STORE_VISITS,   /* hour, last, n; domain, project, server */
    STORE_REFUSALS, /* at, last, n; address, domain, project, path, why, its fact
                       (JSON; NULL in old rows) */
    STORE_TOTALS,   /* at, on ms, asleep ms, used and saved mJ, wakes (-1: unknown); server: one
                       row of each, kept for good */
    STORE_LOGINS,   /* at, ok; address, detail */
    STORE_CHANGES,  /* at, loaded; by, etag, detail */
};
/* Bytes of what is put under one key; more is dropped, and said in the log. */
enum { STORE_BODY_MAX = 4 << 20 };
enum { STORE_TABLES = 9, STORE_NUMBERS_MAX = 13, STORE_TEXTS_MAX = 8 };

enum store_sleep { STORE_ASLEEP, STORE_SLEEP_REFUSED, STORE_SLEEP_FAILED };

struct store_entry {
    enum store_table table;
    int64_t id; /* from store_new_id */
    int64_t numbers[STORE_NUMBERS_MAX];
    const char *texts[STORE_TEXTS_MAX];
};

/* What was saved of a damaged file. */
struct store_salvage {
    uint32_t turn;   /* another one: it has changed; 0: nothing ever was damaged */
    bool is_new;     /* found by this process */
    bool done;       /* the history too */
    char file[256];  /* its name from now on, beside the store; "": it was empty or gone */
    char copy[256];  /* the nightly copy that gave what was missing; "": none did */
    int64_t at;      /* wall, ms */
    int64_t records; /* of servers, quotas and settings, out of the file itself, */
    int64_t records_copied;
    int64_t entries; /* of the history: events, wakes, ... so far */
    int64_t entries_copied;
    int64_t lost; /* pages that could not be read */
};

/* A row of state, as loaded. */
typedef void store_row(void *context, const char *key, const char *body, int64_t saved_wall);

/* Opens (making folder and file, modes 0700 and 0600), migrates, starts the writer. Never waits
 * long: 200 ms at most for a lock. Fails only for lack of memory or threads; a store that cannot be
 * used yet is a problem, not a failure. */
int store_create(const struct store_options *options, struct store **ret_store);
/* Writes what waits (for limit_ms at most), checkpoints, closes. */
void store_destroy(struct store *store, int64_t limit_ms);

/* Before the loop runs: every row of a kind, on the caller's thread. 0, or -errno where nothing can
 * be read. */
int store_load(struct store *store, enum store_kind kind, store_row *row, void *context);

/* Loop thread; never waits. A NULL body removes the row. durable: commit at once. Returns a ticket,
 * from 1, growing. */
uint64_t store_put(struct store *store, enum store_kind kind, const char *key, const char *body,
                   bool durable);
uint64_t store_log(struct store *store, const struct store_event *event, bool durable);
int64_t store_new_id(struct store *store, enum store_table table);
uint64_t store_keep(struct store *store, const struct store_entry *entry, bool durable);

/* What waits is written at once, as if somebody had been told: for a reader who wants it now. The
 * ticket; 0: nothing waits. */
uint64_t store_flush(struct store *store);

/* Readable when store_committed or the problem changed; reading store_committed clears it. */
int store_fd(const struct store *store);
/* All durable tickets up to this one are on the disk, or (with a problem) were given up waiting
 * for: nobody waits for ever. */
uint64_t store_committed(struct store *store);
/* Those up to this one are on the disk. */
uint64_t store_written(struct store *store);
/* A sentence with what to do, or "" when all is well. Copies at most size bytes. */
void store_problem(struct store *store, char *out, size_t size);
/* The last damage, as far as it is known. */
void store_salvaged(struct store *store, struct store_salvage *ret_salvage);

#endif
