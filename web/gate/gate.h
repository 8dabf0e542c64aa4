/*
 * gate: who asks and what is answered, as two tables. Pure: a request goes in, a decision comes
 * out; the caller carries it out. The gate is made once from the configuration, which it borrows,
 * and is then read by all workers without a lock.
 */
#ifndef HALL_WEB_GATE_GATE_H
#define HALL_WEB_GATE_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "core/power.h"
#include "web/gate/client.h"
#include "web/gate/request.h"
#include "web/site/site_name.h"

/* What is asked for, as the model knows it. */
enum place_kind {
    PLACE_SITE,
    PLACE_UNKNOWN_HOST, /* no such domain */
    PLACE_UNKNOWN_PATH, /* outside all projects of a domain that has no upstream of its own */
    PLACE_HELPER,       /* below /.hall/: the proxy should have sent it straight to Hall */
};

struct place {
    enum place_kind kind;
    int domain, site, server; /* MODEL_NONE where not known */
};

/* In what form the answer comes. */
enum verdict {
    VERDICT_PASS,    /* the site is ready: let through */
    VERDICT_PAGE,    /* the waiting page */
    VERDICT_PROBLEM, /* 503 and problem+json */
    VERDICT_BARE,    /* 503 without a body */
    VERDICT_REFUSED, /* 403: this address, or this client, may not */
    VERDICT_LIMITED, /* a guard refuses: 429, or 403 outside the hours; never wakes */
    VERDICT_UNKNOWN, /* 404: no such host or path; never wakes */
};

struct decision {
    enum verdict verdict;
    enum client_kind client;
    struct place place;
    bool uses;          /* counts as use of the site */
    bool wakes;         /* the visitor's wish is told, and wakes */
    uint16_t why_not;   /* not ready and no wake: the code of the fact that says why */
    bool unwanted;      /* REFUSED: by a rule of access.monitors, not by its address */
    bool astray;        /* REFUSED: the proxy leads it to another site than it names */
    struct guard guard; /* LIMITED: which refuses, and until when */
    int64_t hold;       /* ms a program, or a form, may be held before it is answered; 0: not */
};

struct gate {
    const struct config *config;
    struct proxies proxies;
    struct robots robots;
};

void gate_init(struct gate *gate, const struct config *config);

/* The first rule of the domain's access.monitors that fits, or NULL. */
const struct model_rule *gate_rule(const struct gate *gate, const struct place *place,
                                   const struct request *request);
enum client_kind gate_client(const struct gate *gate, const struct model_rule *rule,
                             const struct request *request);
struct place gate_place(const struct gate *gate, const struct request *request);
bool gate_allows(const struct gate *gate, const struct place *place, const struct request *request);

/* The site that host and path name, has it an upstream or not; MODEL_NONE: no domain. */
int gate_site(const struct gate *gate, const struct place *place, const struct request *request);
/* May another program read the path as one of another site? */
bool gate_is_doubtful(const struct gate *gate, const struct place *place,
                      const struct request *request);
/* False: a trusted proxy says in X-Hall-Site that it leads to another site. */
bool gate_agrees(const struct gate *gate, const struct place *place, const struct request *request);

/* The whole decision; ready: the place's site lets visitors through (false where there is no site);
 * guard: what keeps this visitor away from it, or NULL. */
struct decision gate_decide(const struct gate *gate, const struct request *request,
                            const struct place *place, bool ready, const struct guard *guard);

const char *client_kind_name(enum client_kind kind); /* "browser" ... */
bool client_sees_page(enum client_kind kind);        /* answers to it are pages */

#endif
