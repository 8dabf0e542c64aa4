#include "web/board/board.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "web/board/inbox.h"
#include "web/board/kept_notice.h"
#include "web/board/limits.h"

enum {
    LOCKS = 64,        /* slots share locks: a copy takes less than a microsecond */
    INBOX_LEAST = 512, /* visits untold, beside one of each kind of each site */
    USE_PAUSE_MS = 1000,
    WANT_PAUSE_MS = 100,
};
#define NEVER INT64_MIN

/* The notice is guarded by the slot's lock. */
struct slot {
    _Atomic uint32_t version; /* what waiters look at without the lock */
    bool sites_changed;       /* since the last post; the loop thread's own */
    struct kept_notice notice;
};

struct site_slot {
    atomic_bool ready;
    int project; /* its place in projects, or MODEL_NONE */
    _Atomic int64_t told_use, told_want;
    _Atomic uint32_t passes[PASS_KINDS];
    _Atomic uint32_t who; /* of them, since they were taken; 0: nobody */
    atomic_bool several;
    _Atomic struct fault fault;
};

struct project_slot { /* guarded by the lock of its server's slot */
    bool posted;
    struct project_notice notice;
};

struct board {
    const struct config *config;
    struct slot *slots;
    struct site_slot *sites;
    struct project_slot *projects;
    pthread_mutex_t locks[LOCKS];
    struct limits *limits;
    struct inbox *inbox; /* of struct visit */
    pthread_mutex_t wait_lock;
    pthread_cond_t changed;
    atomic_int waiters[BOARD_QUEUES];
    _Atomic uint64_t counts[COUNTS];
    atomic_bool closed;
    atomic_bool broker;
    atomic_bool outdated; /* the configuration file says something else */
    struct heard_list heard;
};

static pthread_mutex_t *slot_lock(struct board *board, int server)
{
    return &board->locks[(size_t)server % LOCKS];
}

/* Counts the projects: how many slots they need. */
static size_t init_sites(struct board *board, const struct model *model)
{
    int n = 0;
    for (size_t i = 0; i < model->n_sites; i++) {
        board->sites[i].project = model->sites[i].is_project ? n++ : MODEL_NONE;
        atomic_init(&board->sites[i].told_use, NEVER);
        atomic_init(&board->sites[i].told_want, NEVER);
    }
    return (size_t)n;
}

static void init_locks(struct board *board)
{
    pthread_condattr_t monotonic;

    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_init(&board->locks[i], NULL);
    pthread_mutex_init(&board->wait_lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&board->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

int board_create(const struct config *config, struct board **ret_board)
{
    const struct model *model = &config->model;
    struct board *board = calloc(1, sizeof(*board));
    if (!board)
        return -ENOMEM;
    board->config = config;
    init_locks(board);
    heard_init(&board->heard);
    board->slots = calloc(model->n_servers + 1, sizeof(*board->slots));
    board->sites = calloc(model->n_sites + 1, sizeof(*board->sites));
    int error = inbox_create(sizeof(struct visit), INBOX_LEAST + 2 * model->n_sites, &board->inbox);
    if (!board->slots || !board->sites)
        error = -ENOMEM;
    if (error == 0) {
        board->projects = calloc(init_sites(board, model) + 1, sizeof(*board->projects));
        error = !board->projects ? -ENOMEM : limits_create(model, &board->limits);
    }
    if (error != 0) {
        board_destroy(board);
        return error;
    }
    struct notice none = {.expected_ready = -1};
    for (int stage = 0; stage < STAGES; stage++)
        none.stages[stage] = none.expected[stage] = STAGE_UNREACHED;
    for (size_t i = 0; i < model->n_servers; i++)
        kept_notice_set(&board->slots[i].notice, &none);
    *ret_board = board;
    return 0;
}

void board_destroy(struct board *board)
{
    if (!board)
        return;
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_destroy(&board->locks[i]);
    pthread_mutex_destroy(&board->wait_lock);
    heard_finish(&board->heard);
    pthread_cond_destroy(&board->changed);
    for (struct visit visit; board->inbox && board_take(board, &visit);)
        free(visit.why);
    inbox_destroy(board->inbox);
    limits_destroy(board->limits);
    for (size_t i = 0; board->slots && i < board->config->model.n_servers; i++)
        kept_notice_clear(&board->slots[i].notice);
    free(board->slots);
    free(board->sites);
    free(board->projects);
    free(board);
}

static void tell_waiters(struct board *board)
{
    if (atomic_load(&board->waiters[BOARD_PAGES]) == 0 &&
        atomic_load(&board->waiters[BOARD_PROGRAMS]) == 0)
        return;
    pthread_mutex_lock(&board->wait_lock);
    pthread_cond_broadcast(&board->changed);
    pthread_mutex_unlock(&board->wait_lock);
}

void board_post(struct board *board, int server, const struct notice *notice)
{
    struct slot *slot = &board->slots[server];
    struct notice posted = *notice, before;

    kept_notice_read(&slot->notice, &before); /* only this thread writes it */
    const bool news = notice_is_news(&before, notice) || slot->sites_changed;
    uint32_t version = atomic_load(&slot->version) + (news ? 1 : 0);

    version = version == 0 ? 1 : version; /* 0 says that nothing was posted */
    posted.version = version;
    slot->sites_changed = false;
    pthread_mutex_lock(slot_lock(board, server));
    kept_notice_set(&slot->notice, &posted);
    pthread_mutex_unlock(slot_lock(board, server));
    atomic_store(&slot->version, version);
    if (news)
        tell_waiters(board);
}

/* What a page of this server shows changed beside the notice. */
static void renew(struct board *board, int server)
{
    struct slot *slot = &board->slots[server];
    uint32_t version = atomic_load(&slot->version);
    struct notice notice;

    if (version == 0)
        return; /* nothing was posted: nobody knows an older version */
    version = version == UINT32_MAX ? 1 : version + 1;
    kept_notice_read(&slot->notice, &notice); /* only this thread writes it */
    notice.version = version;
    pthread_mutex_lock(slot_lock(board, server));
    kept_notice_set(&slot->notice, &notice);
    pthread_mutex_unlock(slot_lock(board, server));
    atomic_store(&slot->version, version);
    tell_waiters(board);
}

static int server_of(const struct board *board, int site)
{
    return board->config->model.sites[site].server;
}

void board_post_ready(struct board *board, int site, bool ready)
{
    if (atomic_exchange(&board->sites[site].ready, ready) != ready)
        board->slots[server_of(board, site)].sites_changed = true;
}

static bool is_news_of_project(const struct project_notice *old, const struct project_notice *new)
{
    return old->state != new->state || old->ailment != new->ailment || old->coming != new->coming ||
           old->started != new->started || old->expected != new->expected ||
           memcmp(old->stages, new->stages, sizeof(old->stages)) != 0 ||
           strcmp(old->container, new->container) != 0 || !fact_equal(&old->problem, &new->problem);
}

void board_post_project(struct board *board, int site, const struct project_notice *notice)
{
    struct project_slot *slot = &board->projects[board->sites[site].project];
    const int server = server_of(board, site);

    /* Only this thread writes it. */
    if (slot->posted && !is_news_of_project(&slot->notice, notice))
        return;
    pthread_mutex_lock(slot_lock(board, server));
    slot->notice = *notice;
    slot->posted = true;
    pthread_mutex_unlock(slot_lock(board, server));
    renew(board, server);
}

bool board_read_project(struct board *board, int site, struct project_notice *ret_notice)
{
    const int place = board->sites[site].project;

    if (place == MODEL_NONE)
        return false;
    pthread_mutex_lock(slot_lock(board, server_of(board, site)));
    const bool posted = board->projects[place].posted;
    *ret_notice = board->projects[place].notice;
    pthread_mutex_unlock(slot_lock(board, server_of(board, site)));
    return posted;
}

void board_set_closed(struct board *board, int site, int64_t closed_until)
{
    if (limits_close(board->limits, site, closed_until))
        renew(board, server_of(board, site));
}

void board_clock_was_set(struct board *board)
{
    limits_forget_day(board->limits);
}

void board_limit(struct board *board, int site, struct address address, struct guard guard)
{
    if (limits_add(board->limits, site, address, guard, clock_now().boot))
        renew(board, server_of(board, site));
}

int board_fd(const struct board *board)
{
    return inbox_fd(board->inbox);
}

bool board_take(struct board *board, struct visit *ret_visit)
{
    return inbox_take(board->inbox, ret_visit);
}

void board_close(struct board *board)
{
    atomic_store(&board->closed, true);
    tell_waiters(board);
}

bool board_is_closed(struct board *board)
{
    return atomic_load(&board->closed);
}

void board_set_broker(struct board *board, bool connected)
{
    atomic_store(&board->broker, connected);
}

void board_set_config_current(struct board *board, bool current)
{
    atomic_store(&board->outdated, !current);
}

bool board_config_current(struct board *board)
{
    return !atomic_load(&board->outdated);
}

const struct config *board_config(const struct board *board)
{
    return board->config;
}

void board_read(struct board *board, int server, struct notice *ret_notice)
{
    pthread_mutex_lock(slot_lock(board, server));
    kept_notice_read(&board->slots[server].notice, ret_notice);
    pthread_mutex_unlock(slot_lock(board, server));
}

bool board_site_ready(struct board *board, int site)
{
    return atomic_load_explicit(&board->sites[site].ready, memory_order_acquire);
}

void board_post_fault(struct board *board, int site, struct fault fault)
{
    const struct fault old = atomic_exchange(&board->sites[site].fault, fault);

    if (old.code != fault.code || old.number != fault.number)
        renew(board, server_of(board, site));
}

struct fault board_site_fault(const struct board *board, int site)
{
    return atomic_load(&board->sites[site].fault);
}

bool board_broker(struct board *board)
{
    return atomic_load(&board->broker);
}

/* Would letting a visitor in begin a wake? Not where the server is up, or on its way. */
static bool would_wake(struct board *board, int server)
{
    struct notice notice;
    board_read(board, server, &notice);
    switch (notice.state) {
    case POWER_UNKNOWN:
    case POWER_OFF:
    case POWER_SLEEPING:
    case POWER_UNREACHABLE:
    case POWER_WAKE_FAILED:
        return !notice.wake_open && !notice.wake_queued;
    case POWER_WAKING:
    case POWER_BOOTING:
    case POWER_READY:
    case POWER_DEGRADED:
        return false;
    }
    return false;
}

bool board_refuses(struct board *board, int site, struct address address, bool ready,
                   struct guard *ret_guard)
{
    if (!limits_any(board->limits))
        return false;
    bool wakes = !ready && would_wake(board, server_of(board, site));
    return limits_refuse(board->limits, site, address, wakes, clock_boot_ns() / 1000000, ret_guard);
}

/* Versions wrap; half the circle ahead is newer. */
static bool is_newer(struct board *board, int server, uint32_t version)
{
    uint32_t now = atomic_load(&board->slots[server].version);
    return now != version && now - version < UINT32_MAX / 2;
}

bool board_is_full(struct board *board, enum board_queue queue)
{
    return atomic_load(&board->waiters[queue]) >= BOARD_WAITERS_MAX;
}

bool board_wait(struct board *board, enum board_queue queue, int server, uint32_t version,
                int64_t limit_ms)
{
    if (is_newer(board, server, version))
        return true;
    if (atomic_fetch_add(&board->waiters[queue], 1) < BOARD_WAITERS_MAX) {
        const struct timespec deadline = clock_monotonic_after(limit_ms);
        int error = 0;
        pthread_mutex_lock(&board->wait_lock);
        while (!is_newer(board, server, version) && !atomic_load(&board->closed) && error == 0)
            error = pthread_cond_timedwait(&board->changed, &board->wait_lock, &deadline);
        pthread_mutex_unlock(&board->wait_lock);
    }
    atomic_fetch_sub(&board->waiters[queue], 1);
    return is_newer(board, server, version);
}

static void note_visitor(struct site_slot *slot, const char *who)
{
    const uint32_t visitor = streams_visitor(who);

    if (atomic_load_explicit(&slot->who, memory_order_relaxed) == visitor)
        return;
    const uint32_t before = atomic_exchange_explicit(&slot->who, visitor, memory_order_relaxed);
    if (before != 0 && before != visitor)
        atomic_store_explicit(&slot->several, true, memory_order_relaxed);
}

void board_pass(struct board *board, int site, enum pass_kind kind, const char *who)
{
    atomic_fetch_add_explicit(&board->sites[site].passes[kind], 1, memory_order_relaxed);
    if (kind != PASS_MONITOR)
        note_visitor(&board->sites[site], who);
}

void board_take_passes(struct board *board, int site, struct passes *ret_passes)
{
    for (int kind = 0; kind < PASS_KINDS; kind++)
        ret_passes->n[kind] =
            atomic_exchange_explicit(&board->sites[site].passes[kind], 0, memory_order_relaxed);
    ret_passes->who = atomic_exchange_explicit(&board->sites[site].who, 0, memory_order_relaxed);
    ret_passes->several =
        atomic_exchange_explicit(&board->sites[site].several, false, memory_order_relaxed);
}

void board_count(struct board *board, enum count what)
{
    atomic_fetch_add_explicit(&board->counts[what], 1, memory_order_relaxed);
}

uint64_t board_counted(const struct board *board, enum count what)
{
    return atomic_load_explicit(&board->counts[what], memory_order_relaxed);
}

void board_carry_counts(struct board *board, const struct board *from)
{
    for (int what = 0; what < COUNTS; what++)
        atomic_fetch_add_explicit(&board->counts[what], board_counted(from, (enum count)what),
                                  memory_order_relaxed);
}

struct heard_list *board_heard(struct board *board)
{
    return &board->heard;
}

/* The memory of when a site's visits of this kind were last told; NULL: all are told. */
static _Atomic int64_t *told_at(struct board *board, const struct visit *visit, int64_t *ret_pause)
{
    if (visit->site == MODEL_NONE)
        return NULL;
    switch (visit->kind) {
    case VISIT_USES:
        *ret_pause = USE_PAUSE_MS;
        return &board->sites[visit->site].told_use;
    case VISIT_WANTS:
        *ret_pause = WANT_PAUSE_MS;
        return &board->sites[visit->site].told_want;
    case VISIT_REFUSED:
        return NULL;
    }
    return NULL;
}

bool board_tell(struct board *board, const struct visit *visit)
{
    int64_t pause = 0;
    _Atomic int64_t *told = told_at(board, visit, &pause);
    if (!told)
        return inbox_put(board->inbox, visit);

    int64_t now = clock_boot_ns() / 1000000;
    int64_t before = atomic_load(told);
    if (before != NEVER && now - before < pause)
        return true;
    if (!atomic_compare_exchange_strong(told, &before, now))
        return true; /* another worker tells it at this moment */
    if (inbox_put(board->inbox, visit))
        return true;
    atomic_store(told, NEVER); /* not told: the next one tries again */
    return false;
}
