/*
 * board: the notice board between the loop thread and the HTTP workers. The loop posts what the
 * workers may see, one notice per server; workers read copies and drop visits into the inbox.
 * Workers never see live state and never wait without a limit. Every function says who may call it.
 * Costs of a post do not depend on the number of servers.
 */
#ifndef HALL_WEB_BOARD_BOARD_H
#define HALL_WEB_BOARD_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "config/config.h"
#include "core/fleet.h"
#include "core/problem.h"
#include "core/stream.h"
#include "web/board/count.h"
#include "web/board/heard.h"

enum { NOTICE_WHY_SIZE = 2048 };

/* What the workers know of one server. Times: boot clock, ms, so that ages are right whatever wall
 * time does. */
struct notice {
    uint32_t version; /* grows with each post that a page would show; 0: none yet */
    enum power_state state;
    int64_t since;
    bool wake_open;
    bool wake_queued;
    int64_t wake_started, wake_deadline;
    int32_t stages[STAGES];   /* of the open or last wake; ms after its start or STAGE_UNREACHED */
    int32_t expected[STAGES]; /* median of such a wake; STAGE_UNREACHED: unknown */
    int64_t expected_ready;   /* boot clock when it should be ready; -1: no estimate */
    enum wake_failure failure;
    struct guard guard; /* the server's guard that refused the last wake: it is not woken before */
    /* The board keeps only what there is of these, which most have not: they come last. */
    char why[NOTICE_WHY_SIZE]; /* "awake because ..." in English, for logs and programs */
    struct fact problem;
};

/* And of one project, beside the notice of its server. */
struct project_notice {
    enum project_state state;
    enum project_ailment ailment;
    bool coming;            /* somebody wants it, and it is not ready yet */
    bool alone;             /* its server was up already when that began */
    int64_t started;        /* when that began */
    int64_t expected;       /* when it should be ready; -1: no estimate */
    int32_t stages[STAGES]; /* ms after it began; those of containers and of the site */
    char container[CONTAINER_NAME_SIZE]; /* which one ails */
    struct fact problem;
};

/* What workers tell the loop. */
enum visit_kind {
    VISIT_WANTS,   /* a visitor is waiting for the site: wake */
    VISIT_USES,    /* a ready site was used */
    VISIT_REFUSED, /* access refused, by address or by a guard; why says so */
};
struct visit {
    enum visit_kind kind;
    int site;         /* or MODEL_NONE */
    char who[48];     /* client address */
    char path[60];    /* REFUSED: what was asked for, cleaned */
    struct fact *why; /* REFUSED: of whoever holds the visit; NULL: there was no memory */
};

struct board;

/* config is borrowed and outlives the board. -ENOMEM, -errno. */
int board_create(const struct config *config, struct board **ret_board);
void board_destroy(struct board *board);

/* Loop thread. */
void board_post(struct board *board, int server,
                const struct notice *notice); /* version is set by the board */
void board_post_project(struct board *board, int site,
                        const struct project_notice *notice); /* before that of its server */
/* Does the site let visitors through? Those who wait hear of it with the post of its server. */
void board_post_ready(struct board *board, int site, bool ready);
int board_fd(const struct board *board); /* readable when visits wait */
/* False: none left. Its why is the caller's to free. */
bool board_take(struct board *board, struct visit *ret_visit);
void board_close(
    struct board *board); /* wakes all waiting workers; waits return at once from now on */
/* Goes on counting where the older one stops (a reload). */
void board_carry_counts(struct board *board, const struct board *from);
bool board_is_closed(struct board *board);                  /* any thread: /readyz says so */
void board_set_broker(struct board *board, bool connected); /* for /readyz and /metrics */
/* Is the configuration what the file says? For /metrics; true at first. */
void board_set_config_current(struct board *board, bool current);
bool board_config_current(struct board *board);
/* Outside the hours of access until then (boot clock, ms); 0: open; LEASE_FOREVER: no opening
 * known. */
void board_set_closed(struct board *board, int site, int64_t closed_until);
/* Limits of today are forgotten: it ends at another time. */
void board_clock_was_set(struct board *board);
/* A guard refuses visitors until guard.until. A client's guard: those of this address (as
 * address_client), at all sites of the domain; a project's: everyone, at this site. */
void board_limit(struct board *board, int site, struct address address, struct guard guard);

/* Any thread. */
const struct config *board_config(const struct board *board);
void board_read(struct board *board, int server, struct notice *ret_notice);
/* False: the site is no project, or nothing is known of it yet. */
bool board_read_project(struct board *board, int site, struct project_notice *ret_notice);
bool board_site_ready(struct board *board, int site); /* cheap: one atomic load */
/* Why a site does not answer; FAULT_NONE: it does, or that is not known. Posted by the loop. */
void board_post_fault(struct board *board, int site, struct fault fault);
struct fault board_site_fault(const struct board *board, int site);
bool board_broker(struct board *board);
/* Does a guard keep this visitor away? Closed hours first, then used up time, which refuses at a
 * ready site too; used up wakes only where the visit would begin one. */
bool board_refuses(struct board *board, int site, struct address address, bool ready,
                   struct guard *ret_guard);
/* Waits until the server's notice is newer than version, limit_ms at most; false where too many
 * wait already in this queue (BOARD_WAITERS_MAX) or it was not newer in time. Pages that wait never
 * take the places of programs, nor the other way round. */
enum board_queue { BOARD_PAGES, BOARD_PROGRAMS };
enum { BOARD_WAITERS_MAX = 8, BOARD_QUEUES = 2 };
bool board_wait(struct board *board, enum board_queue queue, int server, uint32_t version,
                int64_t limit_ms);
bool board_is_full(struct board *board, enum board_queue queue); /* nobody can wait there now */
/* A request was let through to a site; what has been since the last time (loop thread). */
void board_pass(struct board *board, int site, enum pass_kind kind, const char *who);
void board_take_passes(struct board *board, int site, struct passes *ret_passes);
/* What happened at the gate, for /metrics. */
void board_count(struct board *board, enum count what);
uint64_t board_counted(const struct board *board, enum count what);
/* What the doctor's requests brought; lives as long as the board. */
struct heard_list *board_heard(struct board *board);
/* Tells the loop. Repeated uses of a site within a second, and wants within 100 ms, are told once.
 * False if the inbox is full. */
bool board_tell(struct board *board, const struct visit *visit);

#endif
