#include "web/page/phrase.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "core/problem.h"

enum say_language phrase_language(const struct view *view)
{
    return view->language == LANGUAGE_FRENCH ? SAY_FRENCH : SAY_ENGLISH;
}

static const char *word_of(const struct view *view, enum word word)
{
    return visitor_word(word, phrase_language(view));
}

static void put_with(struct buf *out, const struct view *view, enum word word, const char *filling)
{
    visitor_say(word, phrase_language(view), filling, out);
}

/* What people call it: a domain without a name of its own is known by its server. */
static const char *shown_name(const struct view *view)
{
    bool nameless = strcmp(view->site->name, view->domain->name) == 0;
    return nameless ? view->server->name : view->site->name;
}

void phrase_headline(const struct view *view, struct buf *out)
{
    static const enum word headlines[VIEWS] = {
        [VIEW_CLICK] = WORD_TITLE_CLICK,       [VIEW_WAKING] = WORD_TITLE_WAKING,
        [VIEW_BOOTING] = WORD_TITLE_BOOTING,   [VIEW_DEGRADED] = WORD_TITLE_DEGRADED,
        [VIEW_SLEEPING] = WORD_TITLE_SLEEPING, [VIEW_READY] = WORD_TITLE_READY,
        [VIEW_FAILED] = WORD_TITLE_FAILED,     [VIEW_REFUSED] = WORD_TITLE_REFUSED,
        [VIEW_HELD] = WORD_TITLE_HELD,         [VIEW_LIMITED] = WORD_TITLE_LIMITED,
    };
    enum word headline =
        view->guard.kind == GUARD_WINDOW ? WORD_TITLE_CLOSED : headlines[view->kind];
    put_with(out, view, headline, shown_name(view));
}

static enum word booting_message(int stage)
{
    static const enum word messages[STAGES] = {
        [STAGE_PACKET_SENT] = WORD_BOOTING,          [STAGE_FIRST_SIGN] = WORD_FIRST_SIGN,
        [STAGE_AGENT_ONLINE] = WORD_AGENT_ONLINE,    [STAGE_DOCKER_UP] = WORD_DOCKER_UP,
        [STAGE_CONTAINER_PRESENT] = WORD_CONTAINERS, [STAGE_CONTAINER_HEALTHY] = WORD_CONTAINERS,
        [STAGE_SITE_ANSWERS] = WORD_ANSWERS,
    };
    return stage < 0 ? WORD_BOOTING : messages[stage];
}

static enum word failure_message(enum wake_failure failure)
{
    switch (failure) {
    case FAILURE_NO_SIGN:
        return WORD_FAILED_NO_SIGN;
    case FAILURE_NOT_READY:
        return WORD_FAILED_NOT_READY;
    case FAILURE_NO_PACKET:
        return WORD_FAILED_NO_PACKET;
    case FAILURE_CANCELLED:
        return WORD_FAILED_CANCELLED;
    case FAILURE_DEPENDENCY:
        return WORD_FAILED_DEPENDENCY;
    case FAILURE_NONE:
        return WORD_FAILED;
    }
    return WORD_FAILED;
}

static enum word guard_message(enum guard_kind kind)
{
    switch (kind) {
    case GUARD_MIN_DOWN:
        return WORD_HELD_DOWN;
    case GUARD_WAKES_PER_HOUR:
        return WORD_HELD_OFTEN;
    case GUARD_CLIENT_WAKES:
        return WORD_CLIENT_WAKES;
    case GUARD_CLIENT_MINUTES:
        return WORD_CLIENT_MINUTES;
    case GUARD_PROJECT_WAKES:
        return WORD_PROJECT_WAKES;
    case GUARD_PROJECT_MINUTES:
        return WORD_PROJECT_MINUTES;
    case GUARD_WINDOW:
    case GUARD_NONE:
        return WORD_CLOSED;
    }
    return WORD_CLOSED;
}

static enum word degraded_message(enum project_ailment ailment)
{
    static const enum word messages[AILMENTS] = {
        [AILMENT_NONE] = WORD_DEGRADED,          [AILMENT_DOCKER] = WORD_AILS_DOCKER,
        [AILMENT_AGENT] = WORD_AILS_AGENT,       [AILMENT_MISSING] = WORD_AILS_MISSING,
        [AILMENT_RESTARTS] = WORD_AILS_RESTARTS, [AILMENT_UNHEALTHY] = WORD_AILS_UNHEALTHY,
        [AILMENT_FAILED] = WORD_AILS_FAILED,     [AILMENT_SILENT] = WORD_DEGRADED,
    };
    return messages[ailment];
}

static enum word message_of(const struct view *view)
{
    switch (view->kind) {
    case VIEW_CLICK:
        return WORD_CLICK;
    case VIEW_WAKING:
        return view->stage < 0 ? WORD_WAKING : WORD_PACKET_SENT;
    case VIEW_BOOTING:
        return booting_message(view->stage);
    case VIEW_DEGRADED:
        return degraded_message(view->ailment);
    case VIEW_SLEEPING:
        return WORD_SLEEPING;
    case VIEW_READY:
        return WORD_READY;
    case VIEW_FAILED:
        return failure_message(view->notice.failure);
    case VIEW_REFUSED:
        return WORD_REFUSED;
    case VIEW_HELD:
    case VIEW_LIMITED:
        return guard_message(view->guard.kind);
    }
    return WORD_BOOTING;
}

/* Of a site that should answer by now: why it does not. */
static void phrase_fault(const struct view *view, struct buf *out)
{
    const bool known = view->kind == VIEW_FAILED ? view->notice.failure == FAILURE_NOT_READY
                                                 : view_is_under_way(view);
    const struct say_how how = {.language = phrase_language(view)};
    const struct fact fault = problem_of_fault(view->fault);
    char text[SAID_SIZE];

    if (known && view->fault.code != FAULT_NONE)
        put_with(out, view, WORD_REASON, say_fact_text(&fault, NULL, how, text, sizeof(text)));
}

void phrase_message(const struct view *view, struct buf *out)
{
    put_with(out, view, message_of(view),
             view->kind == VIEW_DEGRADED ? view->container
             : view->who                 ? view->who
                                         : "");
    phrase_fault(view, out);
    if (view->kind == VIEW_FAILED) {
        bool limited = view->guard.kind != GUARD_NONE;
        buf_putc(out, ' ');
        buf_puts(out, word_of(view, limited ? guard_message(view->guard.kind) : WORD_ADVICE));
    }
}

/* "42 s" or "3 min". */
static char *whole_time(int64_t ms, char out[24])
{
    int64_t seconds = (ms + 999) / 1000;
    if (seconds > 90)
        snprintf(out, 24, "%d" NBSP "min", (int)((seconds + 30) / 60));
    else
        snprintf(out, 24, "%d" NBSP "s", (int)seconds);
    return out;
}

/* In steps of 5 s above ten seconds: what an estimate can honestly say. */
static char *rough_time(int64_t ms, char out[24])
{
    return whole_time(ms > 10000 ? (ms + 4999) / 5000 * 5000 : ms, out);
}

/* Before the time at which a guard ends; WORDS: there is none to show. */
enum word phrase_when(const struct view *view)
{
    if (view->until == 0)
        return WORDS;
    if (view->kind == VIEW_HELD)
        return WORD_WHEN_HELD;
    return view->guard.kind == GUARD_WINDOW ? WORD_WHEN_OPEN : WORD_WHEN_LIMITED;
}

void phrase_estimate(const struct view *view, struct buf *out)
{
    char time[24];
    if (view->kind == VIEW_SLEEPING || !view_is_under_way(view) || !view->notice.wake_open)
        return;
    if (view->overdue)
        put_with(out, view, view->left > 0 ? WORD_OVERDUE_LEFT : WORD_OVERDUE,
                 rough_time(view->left, time));
    else if (view->eta < 0)
        buf_puts(out, word_of(view, WORD_NO_ESTIMATE));
    else if (view->eta < 5000)
        buf_puts(out, word_of(view, WORD_SECONDS_LEFT));
    else
        put_with(out, view, WORD_ABOUT_LEFT, rough_time(view->eta, time));
}

enum word phrase_button(const struct view *view)
{
    if (view->reload_s > 0)
        return WORDS; /* asking again is all it takes, and the button has no address there */
    if (view->kind == VIEW_CLICK)
        return WORD_START;
    return view->kind == VIEW_FAILED && view->guard.kind == GUARD_NONE ? WORD_RETRY : WORDS;
}

/* "3.2 s" or "3,2 s". */
static char *exact_time(const struct view *view, int64_t ms, char out[24])
{
    if (ms >= 100000)
        return whole_time(ms, out);
    snprintf(out, 24, "%d%s%d" NBSP "s", (int)(ms / 1000), word_of(view, WORD_DECIMAL),
             (int)(ms % 1000 / 100));
    return out;
}

void phrase_stage(const struct view *view, int stage, struct buf *out)
{
    char time[24];
    int32_t at = view->notice.stages[stage];
    int32_t expected = view->notice.expected[stage];

    switch (view_stage_status(view, stage)) {
    case STAGE_DONE:
        if (at == STAGE_UNREACHED)
            buf_puts(out, word_of(view, WORD_STAGE_DONE));
        else if (at < 100)
            buf_puts(out, word_of(view, WORD_STAGE_AT_ONCE));
        else
            put_with(out, view, WORD_STAGE_AFTER, exact_time(view, at, time));
        return;
    case STAGE_NOW:
        buf_puts(out, word_of(view, WORD_STAGE_NOW));
        return;
    case STAGE_MISSED:
        buf_puts(out, word_of(view, WORD_STAGE_MISSED));
        return;
    case STAGE_TODO:
        break;
    }
    if (view->kind == VIEW_FAILED)
        buf_puts(out, word_of(view, WORD_STAGE_MISSED));
    else if (stage < view->stage)
        buf_puts(out, word_of(view, WORD_STAGE_PASSED));
    else if (expected > 0 && view->notice.wake_open)
        put_with(out, view, WORD_STAGE_USUALLY, whole_time(expected, time));
    else
        buf_puts(out, word_of(view, WORD_STAGE_TODO));
}

enum word phrase_stage_word(int stage)
{
    return (enum word)(WORD_STAGES + stage);
}

void phrase_where(const struct view *view, struct buf *out)
{
    buf_puts(out, view->domain->name);
    if (view->kind != VIEW_REFUSED && strcmp(shown_name(view), view->server->name) != 0) {
        buf_puts(out, " · ");
        put_with(out, view, WORD_ON_SERVER, view->server->name);
    }
}

void phrase_all(const struct view *view, const struct fact *why_not, struct buf *out)
{
    struct view english = *view;
    char time[RFC3339_SIZE];
    english.language = LANGUAGE_ENGLISH;
    phrase_headline(&english, out);
    if (view->kind == VIEW_CLICK && why_not->parts[0].code != FACT_NONE) {
        buf_puts(out, ": ");
        say_fact(why_not, NULL, (struct say_how){.language = SAY_ENGLISH}, out);
        buf_putc(out, '.');
    } else {
        buf_puts(out, ". ");
        phrase_message(&english, out);
    }
    if (view->until != 0)
        buf_printf(out, " %s %s.", word_of(&english, phrase_when(&english)),
                   rfc3339_format(view->until, time));
}
