/*
 * page: what a visitor who waits is shown, as HTML for people and as JSON for the page's script and
 * for programs. Both come from the same view, so they never disagree. The template is taken apart
 * once (page_create) and then only read, by any thread. Pure: the time is passed in, output goes to
 * the caller's buf.
 */
#ifndef HALL_WEB_PAGE_H
#define HALL_WEB_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "core/model.h"
#include "web/board.h"

enum language { LANGUAGE_ENGLISH, LANGUAGE_FRENCH };
enum { LANGUAGES = 2 };

/* The best of Accept-Language (RFC 9110 12.5.4) that Hall speaks; English where none is, or with
 * NULL. */
enum language language_choose(const char *accept_language);

enum view_kind {
    VIEW_CLICK, /* asleep, and only the button wakes it */
    VIEW_WAKING,
    VIEW_BOOTING,
    VIEW_DEGRADED, /* the server runs, the site does not answer */
    VIEW_SLEEPING, /* falling asleep; woken right after */
    VIEW_READY,
    VIEW_FAILED,
    VIEW_REFUSED, /* this address may not */
    VIEW_HELD,    /* asleep, and a guard of the server keeps it so for now; it starts by itself */
    VIEW_LIMITED, /* a guard keeps this visitor away */
};
enum { VIEWS = 10 };

/* All that is said of a site at one moment. Times are ms; -1: not known. */
struct view {
    enum view_kind kind;
    enum language language;
    const struct model_site *site;
    const struct model_server *server;
    const struct model_domain *domain;
    struct notice notice;
    int stage;       /* the last one reached; -1: none */
    int64_t elapsed; /* since the wake began, or since the state holds */
    int64_t eta;     /* 0: overdue */
    int64_t left;    /* until the wake is given up */
    bool overdue;
    struct guard guard;    /* HELD, LIMITED, and FAILED where it may not be tried again: which */
    int64_t rest;          /* until its end; -1: no end known */
    int64_t until;         /* its end, wall time; 0: no end known */
    const char *who;       /* VIEW_REFUSED: the visitor's address */
    const char *reference; /* path and query asked for, from request_reference */
};

/* asked: this visitor's wish to wake was just told, so what is asleep is on its way. */
void view_init(struct view *view, const struct model *model, int site, const struct notice *notice,
               bool ready, bool asked, struct now now);
/* Makes it the view of a visitor whom this guard keeps away. A failure stays one, without a button.
 */
void view_limit(struct view *view, struct guard guard, struct now now);
/* The same for who may not see the site: nothing of its state is told. */
void view_init_refused(struct view *view, const struct model *model, int domain, const char *who);

/* Does this stage of a wake concern the site? */
bool view_shows_stage(const struct view *view, int stage);
/* 0 to 1; negative: no estimate. 1 only when ready. */
double view_progress(const struct view *view);
/* Seconds after which it is sensible to ask again; 0: not known. */
int view_retry_after(const struct view *view);
/* When the page should ask next, ms: 500 near the end, 2000 early, more in a crowd (polls: how many
 * the last second saw), spread by chance (any number). */
int64_t view_next_poll(const struct view *view, unsigned polls, uint32_t chance);
/* A few sentences for programs, in English. */
void view_say(const struct view *view, struct buf *out);

struct page;

/* -ENOMEM. */
int page_create(struct page **ret_page);
void page_destroy(struct page *page);
/* The value of the Content-Security-Policy header that fits the page. */
const char *page_policy(const struct page *page);
void page_write(const struct page *page, const struct view *view, struct buf *out);

/* The answer of /.hall/status. */
void page_write_status(const struct view *view, int64_t next_poll, struct buf *out);

#endif
