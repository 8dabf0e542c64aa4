/*
 * outlet: who is told what the fleet decides and what became of it: the bus, the board, the store,
 * the statistics, Home Assistant, those who watch by the API. Each registers a table of what it
 * listens to; hall.c registers them in the order in which they are told. An outlet may tell the
 * others what it made of something (a document that left, a ticket of the store), but never feeds
 * the fleet while it is told: what it finds is deferred (turn.h). Loop thread only; nothing fails.
 */
#ifndef HALL_HALL_OUTLET_H
#define HALL_HALL_OUTLET_H

#include "base/log.h"
#include "core/fleet.h"
#include "say/say.h"
#include "words/topic.h"

enum { OUTLETS_MAX = 16, ACTION_KINDS = ACTION_CHECK + 1, TOLD_A_MINUTE = 120 };

/* What happens beside the actions of the fleet. */
enum news_kind {
    NEWS_SETTLED,   /* a turn is over */
    NEWS_CHANGED,   /* server: something told of it is no longer true */
    NEWS_REPORT,    /* server: its agent has reported, and the fleet knows */
    NEWS_VISIT,     /* a visitor came to a site */
    NEWS_REFUSED,   /* or was refused */
    NEWS_LOGIN,     /* somebody logged in, or tried to */
    NEWS_EVENT,     /* of Hall itself, for hall/event */
    NEWS_SAID,      /* a message left that is not retained */
    NEWS_PUBLISHED, /* server: all retained topics of it are up to date */
    NEWS_BROKER,    /* is it connected? */
    NEWS_DROPPED,   /* messages to the broker gave way, for too much waited */
    NEWS_SAVED,     /* server: its record is on its way to the disk */
    NEWS_STORED,    /* everything up to this ticket is on the disk, or given up waiting for */
    NEWS_TROUBLE,   /* the store stopped working, or works again */
    NEWS_SALVAGED,  /* more is known of what was saved of a damaged store */
    NEWS_CONFIG,    /* whether the file is what Hall runs on */
    NEWS_RENEWED,   /* another configuration holds */
    NEWS_ENDED,     /* all commands of this kind to Hall itself */
    NEWS_VERDICT,   /* whether wall time is believed, or why not, has changed */
    NEWS_CLOCK,     /* server: wall time was set, or is known from now on; of each one */
};
enum { NEWS_KINDS = NEWS_CLOCK + 1 };

/* What it points to is borrowed for the call. */
struct news {
    enum news_kind kind;
    int server;
    union {
        struct {
            int site;
            const char *who;
            bool uses; /* it was ready; else a wake is wanted */
        } visit;
        struct {
            const char *who, *path; /* path: "" where none is known */
            const struct fact *why;
            int site; /* or MODEL_NONE */
        } refused;
        struct {
            const char *who, *why;
            bool ok;
        } login;
        struct {
            const char *type;
            const struct told *told;
        } event;
        struct {
            enum topic_kind topic;
            const char *id; /* of the server or project; NULL: Hall itself */
            const char *text;
            const struct action *action; /* events of a server that the log of events keeps */
            const char *type;            /* events of Hall */
        } said;
        bool connected;
        struct {
            size_t n;
            bool awaited; /* answers or commands */
        } dropped;
        struct {
            uint64_t ticket;  /* SAVED, STORED: nobody waits for more than this */
            uint64_t written; /* STORED: and this is on the disk */
        };
        const char *problem; /* TROUBLE: "": it works again */
        struct {
            enum command_action action;
            const char *why; /* NULL: done */
        } ended;
    };
};

/* NULL: not for this outlet. */
struct outlet_ops {
    void (*act[ACTION_KINDS])(void *context, const struct action *action);
    void (*hear[NEWS_KINDS])(void *context, const struct news *news);
};

struct outlets {
    struct {
        const struct outlet_ops *ops;
        void *context;
    } list[OUTLETS_MAX];
    size_t n;
    struct log_flood told; /* about hostile input */
    int64_t named_in;      /* the minute in which a line named each of these */
    size_t n_named;
    char named[TOLD_A_MINUTE][SLUG_MAX + 1];
};

/* ops and context are borrowed. At most OUTLETS_MAX. */
void outlets_add(struct outlets *outlets, const struct outlet_ops *ops, void *context);
/* The fleet's sink: context is a struct outlets. */
void outlets_act(void *context, const struct action *action);
void outlets_tell(const struct outlets *outlets, const struct news *news);
/* An event of Hall itself. */
void outlets_event(const struct outlets *outlets, const char *type, struct told told);
/* NEWS_REFUSED, and the event of it, as far as one more may be told. */
void outlets_refused(struct outlets *outlets, const struct model *model, const struct news *news);
/* May one more line about hostile input be told? */
bool outlets_may_tell(struct outlets *outlets);
/* Likewise of one agent or relay: one line a minute, so that none of them hides what others say. */
bool outlets_may_tell_of(struct outlets *outlets, const char *who);

#endif
