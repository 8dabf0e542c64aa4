/*
 * errand: what a worker of the admin listener asks of the loop thread, and waits for with a limit.
 * The loop takes errands in order and answers each once: with JSON for the client, or with a status
 * and a sentence. An errand is owned by both sides until each has dropped it, so that a worker who
 * waits no longer leaves nothing behind. Everything here may be called by any thread unless said
 * otherwise; nothing waits without a limit.
 */
#ifndef HALL_WEB_API_ERRAND_H
#define HALL_WEB_API_ERRAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "config/config.h"
#include "core/fleet.h"

enum errand_kind {
    ERRAND_INFO,
    ERRAND_SERVERS,  /* after, limit */
    ERRAND_SERVER,   /* id */
    ERRAND_PROJECTS, /* after, limit */
    ERRAND_PROJECT,  /* id */
    ERRAND_LEASES,   /* after, limit */
    ERRAND_HEARD,    /* id: a token of the doctor */
    ERRAND_COMMAND,  /* word, id, name, in: as on the bus's command topics */
    ERRAND_RELEASE,  /* id, lease, name: a lease of any kind that a person may end */
    ERRAND_ADDRESS,  /* id: where it is; the answer is plain text */
    ERRAND_CHECK,    /* id, name (a project, or ""): the URL of its HTTP check, so too */
    ERRAND_PACKET,   /* id: sends one */
    ERRAND_PREVIEW,  /* config: whose only domain has the policy; limit: days */
    ERRAND_RELOAD,
    ERRAND_FLUSH, /* limit 1: the time in the present states too */
};

/* On which command topic of the bus the same would be said. */
enum errand_word {
    ERRAND_WORD_COMMAND,
    ERRAND_WORD_POLICY,
    ERRAND_WORD_IDLE,
    ERRAND_WORD_KEEP_AWAKE,
    ERRAND_WORD_HOLD,
    ERRAND_WORD_PROJECT,
};

enum { ERRANDS_MAX = 64, ERRAND_IN_MAX = 64 * 1024, ERRAND_OUT_MAX = 240 * 1024 };

struct errand {
    enum errand_kind kind;
    enum errand_word word;
    char id[64 + 1];              /* server or project */
    char name[COMMAND_NAME_SIZE]; /* hold, holder, project */
    enum lease_kind lease;        /* RELEASE */
    char by[COMMAND_BY_SIZE];     /* who asks */
    int64_t after, limit;
    struct buf in;         /* what the client sent */
    struct config *config; /* PREVIEW; freed with the errand */
    /* The answer. */
    int status;           /* HTTP */
    struct report report; /* RELOAD: why the file was refused */
    struct buf out;       /* JSON; or the sentence of a problem where status >= 400 */
};

struct errands;

/* ---- news: what the loop tells those who watch ---- */

enum { NEWS_MAX = 64 };

/* One change, as JSON; kept for those who watch at the moment, the latest NEWS_MAX. */
void errands_news(struct errands *errands, const char *event, const char *json);
bool errands_watched(const struct errands *errands); /* is anybody there to read news? */
/* Appends what came since *cursor as text/event-stream; waits limit_ms at most. Cursor 0: begins
 * now. -ESHUTDOWN. Who watches says so before and after. */
int errands_watch(struct errands *errands, uint64_t *cursor, int64_t limit_ms, struct buf *out);

int errands_create(struct errands **ret_errands); /* -ENOMEM, -errno */
void errands_destroy(struct errands *errands);    /* no worker is at it any more */

/* A new errand, to be dropped by its worker. NULL: no memory. */
struct errand *errand_new(enum errand_kind kind);
void errand_drop(struct errand *errand);

/* The worker's side: gives it to the loop and waits. 0: answered; -ETIMEDOUT; -ESHUTDOWN; -EAGAIN:
 * too many wait already. */
int errands_run(struct errands *errands, struct errand *errand, int64_t limit_ms);

/* The loop's side. */
int errands_fd(const struct errands *errands);        /* readable while some wait */
struct errand *errands_take(struct errands *errands); /* the next, or NULL; owned now */
void errands_answer(struct errands *errands, struct errand *errand); /* and drops it */
void errands_close(struct errands *errands);                         /* nobody waits from now on */

#endif
