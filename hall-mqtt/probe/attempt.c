#include "probe/attempt.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/log.h"

enum {
    PATIENCE_MS = 15 * 1000,      /* of http, where its check names no time */
    LATE_MOST_MS = 5 * 60 * 1000, /* one that was too slow is waited for so long in all */
    SHORTAGE_LOG_US = 60 * 1000 * 1000,
    ACCURACY_HURRIED_US = 5 * 1000,
    ACCURACY_CALM_US = 500 * 1000, /* so that the time-outs of sleeping servers fall together */
};

/* A refusal is an answer, but not on loopback. */
static enum probe_outcome outcome_of_error(const struct model_server *server, int error)
{
    switch (error) {
    case ECONNREFUSED:
    case ECONNRESET:
        return server->loopback ? PROBE_MISS : PROBE_ANSWER;
    case EPERM:
    case EACCES:
    case EAFNOSUPPORT:
        return PROBE_UNABLE;
    default:
        return PROBE_MISS;
    }
}

static enum fault_code fault_of_error(int error)
{
    switch (error) {
    case ECONNREFUSED:
        return FAULT_REFUSED;
    case ECONNRESET:
        return FAULT_CLOSED;
    case EPERM:
    case EACCES:
    case EAFNOSUPPORT:
        return FAULT_UNABLE;
    default:
        return FAULT_SILENT;
    }
}

/* What this machine lacks for the moment says nothing about any server. */
static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS ||
           error == EAGAIN || error == EADDRNOTAVAIL;
}

static void tell_shortage(struct probe_kind *kind, const struct probe_check *check, int error)
{
    uint64_t now = 0;
    (void)sd_event_now(kind->env->loop, CLOCK_BOOTTIME, &now);
    if (kind->shortage_told && now - kind->shortage_told < SHORTAGE_LOG_US)
        return;
    kind->shortage_told = now;
    log_warning(
        "probe: %s of server %s not made, this machine is short of something: %s; its state "
        "stays as it was",
        check_kind_name(check->check->kind), check->server->id, strerror(error));
}

/* What the number says is the HTTP status, or what its fault says. */
static void report(const struct probe_kind *kind, struct probe_check *check,
                   enum probe_outcome outcome, enum fault_code fault, uint16_t number)
{
    const bool is_status = fault == FAULT_NONE || fault == FAULT_STATUS;

    check->missed = outcome == PROBE_MISS || outcome == PROBE_GONE;
    kind->env->report(
        kind->env->context, check, outcome,
        (struct fault){.code = (uint8_t)fault, .number = fault == FAULT_NONE ? 0 : number},
        is_status ? number : 0);
}

static void attempt_drop(struct attempt *attempt)
{
    struct probe_check *check = attempt->check;
    struct probe_kind *kind = check->kind;
    struct attempt **link = &check->attempts;
    while (*link != attempt)
        link = &(*link)->next;
    *link = attempt->next;
    check->n_attempts--;
    sd_event_source_disable_unref(attempt->deadline);
    kind->busy -= !attempt->late;
    kind->late -= attempt->late;
    kind->impl->drop(attempt);
    if (kind->first_waiting && kind->busy < kind->limit)
        (void)sd_event_source_set_enabled(kind->turn, SD_EVENT_ONESHOT);
}

static void drop_all(struct probe_check *check)
{
    while (check->attempts)
        attempt_drop(check->attempts);
}

/* The machine is gone: what it was asked it has forgotten. */
static void drop_late(struct probe_check *check)
{
    struct attempt *next;
    for (struct attempt *attempt = check->attempts; attempt; attempt = next) {
        next = attempt->next;
        if (attempt->late)
            attempt_drop(attempt);
    }
}

void attempt_end(struct attempt *attempt, enum probe_outcome outcome, enum fault_code fault,
                 uint16_t number)
{
    struct probe_check *check = attempt->check;
    if (outcome == PROBE_PASS || outcome == PROBE_ANSWER)
        drop_all(check);
    else
        attempt_drop(attempt);
    if (outcome == PROBE_MISS || outcome == PROBE_GONE)
        drop_late(check);
    report(check->kind, check, outcome, fault, number);
}

void attempt_end_wrong(struct attempt *attempt, enum fault_code fault, uint16_t number)
{
    const bool loopback = attempt->check->server->loopback;
    attempt_end(attempt, loopback ? PROBE_MISS : PROBE_ANSWER, fault, number);
}

/* How long an answer may take; ping and tcp are asked again at each round. */
static int64_t patience_of(const struct probe_check *check)
{
    const int64_t named = check->check->timeout;
    if (named > 0)
        return named;
    return check->check->kind == CHECK_HTTP ? PATIENCE_MS : check->timeout_ms;
}

static uint16_t patience_s(const struct probe_check *check)
{
    return (uint16_t)((patience_of(check) + 999) / 1000);
}

/* Whether nothing answered since it last did is not for a slow answer to say. */
static enum probe_outcome outcome_of_slowness(const struct probe_check *check)
{
    return check->missed || check->server->loopback ? PROBE_MISS : PROBE_ANSWER;
}

static void end_slow(struct attempt *attempt)
{
    const struct probe_check *check = attempt->check;
    attempt_end(attempt, outcome_of_slowness(check), FAULT_SLOW, patience_s(check));
}

void attempt_end_with_status(struct attempt *attempt, uint16_t status)
{
    const struct probe_check *check = attempt->check;
    if (attempt->late)
        end_slow(attempt);
    else if (status_is_in(check->check->expect, check->check->n_expect, status))
        attempt_end(attempt, PROBE_PASS, FAULT_NONE, status);
    else
        attempt_end_wrong(attempt, FAULT_STATUS, status);
}

void attempt_fail(struct attempt *attempt, int error)
{
    struct probe_check *check = attempt->check;
    if (is_shortage(error)) {
        attempt_drop(attempt);
        tell_shortage(check->kind, check, error);
        return;
    }
    attempt_end(attempt, outcome_of_error(check->server, error), fault_of_error(error), 0);
}

void check_cancel(struct probe_check *check)
{
    check->wanted = false;
    drop_all(check);
}

void check_forget(struct probe_check *check)
{
    check_cancel(check);
    check->missed = false;
    check->rest_until = check->look_after = check->ask_after = 0;
}

static int64_t time_of_round(const struct probe_check *check)
{
    return check->check->kind == CHECK_HTTP ? check->timeout_ms : patience_of(check);
}

static bool set_deadline(struct attempt *attempt, int64_t ms)
{
    return ms > 0 &&
           sd_event_source_set_time_relative(attempt->deadline, (uint64_t)ms * 1000) >= 0 &&
           sd_event_source_set_enabled(attempt->deadline, SD_EVENT_ONESHOT) >= 0;
}

/* The whole time of a try that the machine had taken is over. */
static void run_out(struct attempt *attempt)
{
    struct probe_check *check = attempt->check;
    struct probe_kind *kind = check->kind;
    if (attempt->late || kind->late >= kind->limit ||
        !set_deadline(attempt, LATE_MOST_MS - patience_of(check))) {
        end_slow(attempt);
        return;
    }
    attempt->late = true;
    kind->late++;
    kind->busy--;
    if (kind->first_waiting && kind->busy < kind->limit)
        (void)sd_event_source_set_enabled(kind->turn, SD_EVENT_ONESHOT);
    report(kind, check, outcome_of_slowness(check), FAULT_SLOW, patience_s(check));
}

/* The machine is there; its answer may take as long as the check allows. */
static void go_on(struct attempt *attempt)
{
    struct probe_check *check = attempt->check;
    attempt->patient = true;
    if (!set_deadline(attempt, patience_of(check) - time_of_round(check))) {
        run_out(attempt);
        return;
    }
    report(check->kind, check, PROBE_PENDING, FAULT_NONE, 0);
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
    (void)source;
    (void)usec;
    struct attempt *attempt = userdata;
    const struct kind_impl *impl = attempt->check->kind->impl;
    if (attempt->patient)
        run_out(attempt);
    else if (impl->may_go_on && impl->may_go_on(attempt))
        go_on(attempt);
    else
        attempt_end(attempt, PROBE_MISS, FAULT_SILENT, 0);
    return 0;
}

/* Only the newest are kept: in a row of tries without an answer the oldest is given up as missed.
 */
static void give_up_oldest(struct probe_check *check)
{
    struct attempt *oldest = check->attempts;
    while (oldest->next)
        oldest = oldest->next;
    attempt_end(oldest, PROBE_MISS, FAULT_SILENT, 0);
}

static void begin(struct probe_check *check)
{
    struct probe_kind *kind = check->kind;
    struct attempt *attempt = NULL;
    check->wanted = false;
    int r = kind->impl->begin(kind, check, &attempt);
    if (r < 0) {
        if (is_shortage(-r))
            tell_shortage(kind, check, -r);
        else
            report(kind, check, outcome_of_error(check->server, -r), fault_of_error(-r), 0);
        return;
    }
    attempt->check = check;
    attempt->next = check->attempts;
    check->attempts = attempt;
    check->n_attempts++;
    kind->busy++;
    r = sd_event_add_time_relative(
        kind->env->loop, &attempt->deadline, CLOCK_BOOTTIME, (uint64_t)time_of_round(check) * 1000,
        check->hurried ? ACCURACY_HURRIED_US : ACCURACY_CALM_US, on_deadline, attempt);
    if (r < 0)
        attempt_fail(attempt, -r);
    else if (check->n_attempts > ATTEMPTS_MAX)
        give_up_oldest(check);
}

static void enqueue(struct probe_check *check)
{
    struct probe_kind *kind = check->kind;
    check->wanted = true;
    if (check->queued)
        return;
    check->queued = true;
    check->next_waiting = NULL;
    if (kind->last_waiting)
        kind->last_waiting->next_waiting = check;
    else
        kind->first_waiting = check;
    kind->last_waiting = check;
}

static int on_turn(sd_event_source *source, void *userdata)
{
    (void)source;
    struct probe_kind *kind = userdata;
    while (kind->first_waiting && kind->busy < kind->limit) {
        struct probe_check *check = kind->first_waiting;
        kind->first_waiting = check->next_waiting;
        if (!kind->first_waiting)
            kind->last_waiting = NULL;
        check->queued = false;
        if (check->wanted)
            begin(check);
    }
    return 0;
}

void check_ask(struct probe_check *check, int timeout_ms, bool hurried)
{
    struct probe_kind *kind = check->kind;
    check->timeout_ms = timeout_ms;
    check->hurried = hurried;
    if (kind->impl->engaged && kind->impl->engaged(check))
        return;
    if (kind->busy < (hurried ? 2 * kind->limit : kind->limit))
        begin(check);
    else
        enqueue(check);
}

int kind_init(struct probe_kind *kind, const struct kind_impl *impl, const struct probe_env *env,
              unsigned limit)
{
    *kind = (struct probe_kind){.impl = impl, .env = env, .limit = limit};
    int r = sd_event_add_defer(env->loop, &kind->turn, on_turn, kind);
    if (r < 0)
        return r;
    return sd_event_source_set_enabled(kind->turn, SD_EVENT_OFF);
}

void kind_finish(struct probe_kind *kind)
{
    kind->turn = sd_event_source_disable_unref(kind->turn);
}

void kind_destroy(struct probe_kind *kind)
{
    if (kind)
        kind->impl->destroy(kind);
}
