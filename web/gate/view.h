/*
 * view: what is true of a site at one moment for one visitor, derived from its server's notice and
 * the guards. The page, the status and the answers to programs are all made from it, so they never
 * disagree. Plain data; borrows from the model; pure: the time is passed in.
 */
#ifndef HALL_WEB_GATE_VIEW_H
#define HALL_WEB_GATE_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "core/model.h"
#include "web/board/board.h"
#include "web/gate/language.h"

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
    const struct model *model;
    const struct model_site *site;
    const struct model_server *server;
    const struct model_domain *domain;
    struct notice notice;
    int stage;       /* the last one reached; -1: none */
    int64_t elapsed; /* since the wake began, or since the state holds */
    int64_t eta;     /* 0: overdue */
    int64_t left;    /* until the wake is given up */
    bool overdue;
    struct guard guard; /* HELD, LIMITED, and FAILED where it may not be tried again: which */
    int64_t rest;       /* until its end; -1: no end known */
    int64_t until;      /* its end, wall time; 0: no end known */
    bool local;         /* asked on this machine itself, not by a proxy for a visitor */
    uint16_t why_not;   /* CLICK: the code of the fact that says why this visit wakes nothing */
    bool sent;          /* the visitor sent a form: asked for anew, it would be lost */
    int reload_s;       /* the page asks for itself again so often; 0: it polls the status */
    bool alone;         /* its server runs already: only its containers start */
    struct fault fault; /* why the site does not answer, where that is known */
    enum project_ailment ailment;
    char container[CONTAINER_NAME_SIZE]; /* the one that ails; "" */
    const char *who;                     /* VIEW_REFUSED: the visitor's address */
    const char *reference;               /* path and query asked for, from request_reference */
};

/* asked: this visitor's wish to wake was just told, so what is asleep is on its way. */
void view_init(struct view *view, const struct model *model, int site, const struct notice *notice,
               bool ready, bool asked, struct now now);
/* The site is a project: what is known of it counts beside its server. asked: as before. */
void view_add_project(struct view *view, const struct project_notice *project, bool asked,
                      struct now now);
/* Makes it the view of a visitor whom this guard keeps away. A failure stays one, without a button.
 */
void view_limit(struct view *view, struct guard guard, struct now now);
/* The same for who may not see the site: nothing of its state is told. */
void view_init_refused(struct view *view, const struct model *model, int domain, const char *who);

/* On the way to being ready. */
bool view_is_under_way(const struct view *view);
/* Something will happen without the visitor. */
bool view_goes_on(const struct view *view);

enum stage_status { STAGE_DONE, STAGE_NOW, STAGE_TODO, STAGE_MISSED };

enum stage_status view_stage_status(const struct view *view, int stage);
/* Does this stage of a wake concern the site? */
bool view_shows_stage(const struct view *view, int stage);
/* 0 to 1; negative: no estimate. 1 only when ready. */
double view_progress(const struct view *view);
/* Seconds after which it is sensible to ask again; 0: not known. */
int view_retry_after(const struct view *view);
/* When the page should ask next, ms: 500 near the end, 2000 early, more in a crowd (polls: how many
 * the last second saw), spread by chance (any number). */
int64_t view_next_poll(const struct view *view, unsigned polls, uint32_t chance);

const char *view_kind_name(enum view_kind kind);         /* "waking" ... */
const char *stage_status_name(enum stage_status status); /* "done" ... */

#endif
