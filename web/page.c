#include "web/page.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "web/wait_page.h"
#include "web/words.h"

/* ---- The view: what is true of a site now ---- */

static bool is_asleep(enum power_state state)
{
    switch (state) {
    case POWER_UNKNOWN:
    case POWER_OFF:
    case POWER_UNREACHABLE:
    case POWER_WAKE_FAILED:
        return true;
    case POWER_WAKING:
    case POWER_BOOTING:
    case POWER_READY:
    case POWER_DEGRADED:
    case POWER_SLEEPING:
        return false;
    }
    return false;
}

/* The last wake was refused, and the next one would be as well. */
static bool is_held(const struct notice *notice, int64_t now)
{
    return notice->guard.kind != GUARD_NONE && notice->guard.until > now && !notice->wake_open &&
           !notice->wake_queued && (is_asleep(notice->state) || notice->state == POWER_SLEEPING);
}

static enum view_kind view_of_state(const struct notice *notice, bool asked, int64_t now)
{
    bool wanted = asked || notice->wake_open || notice->wake_queued;
    if (is_held(notice, now))
        return VIEW_HELD;
    if (is_asleep(notice->state) && wanted)
        return VIEW_WAKING;
    switch (notice->state) {
    case POWER_WAKING:
        return VIEW_WAKING;
    case POWER_BOOTING:
        return VIEW_BOOTING;
    case POWER_READY:
    case POWER_DEGRADED:
        return VIEW_DEGRADED;
    case POWER_SLEEPING:
        return wanted ? VIEW_SLEEPING : VIEW_CLICK;
    case POWER_WAKE_FAILED:
        return VIEW_FAILED;
    case POWER_UNKNOWN:
    case POWER_OFF:
    case POWER_UNREACHABLE:
        return VIEW_CLICK;
    }
    return VIEW_CLICK;
}

/* A wake asked for this moment has not begun yet: the stages of the one before are not its own. */
static void forget_old_wake(struct notice *notice)
{
    for (int stage = 0; stage < STAGES; stage++)
        notice->stages[stage] = STAGE_UNREACHED;
    notice->expected_ready = -1;
}

static int last_stage(const struct notice *notice)
{
    for (int stage = STAGES - 1; stage >= 0; stage--) {
        if (notice->stages[stage] != STAGE_UNREACHED)
            return stage;
    }
    return -1;
}

static int64_t not_negative(int64_t value)
{
    return value < 0 ? 0 : value;
}

static int64_t elapsed_of(const struct notice *notice, enum view_kind kind, int64_t now)
{
    if (kind == VIEW_CLICK || kind == VIEW_READY || kind == VIEW_HELD)
        return -1;
    if (notice->wake_open)
        return not_negative(now - notice->wake_started);
    if (kind == VIEW_WAKING)
        return 0;
    if (kind == VIEW_FAILED)
        return not_negative(notice->since - notice->wake_started);
    return not_negative(now - notice->since);
}

static void set_times(struct view *view, int64_t now)
{
    const struct notice *notice = &view->notice;
    bool estimated = notice->wake_open && notice->expected_ready >= 0;
    view->elapsed = elapsed_of(notice, view->kind, now);
    view->eta = estimated ? not_negative(notice->expected_ready - now) : -1;
    view->left = notice->wake_open ? not_negative(notice->wake_deadline - now) : -1;
    view->overdue = estimated && now > notice->expected_ready;
}

static void set_guard(struct view *view, struct guard guard, struct now now)
{
    bool ends = guard.until != LEASE_FOREVER;
    view->guard = guard;
    view->rest = ends ? not_negative(guard.until - now.boot) : -1;
    view->until = ends ? clock_wall_at(now, guard.until) : 0;
}

void view_init(struct view *view, const struct model *model, int site, const struct notice *notice,
               bool ready, bool asked, struct now now)
{
    *view = (struct view){.notice = *notice, .rest = -1, .reference = "/"};
    view->site = &model->sites[site];
    view->server = &model->servers[view->site->server];
    view->domain = &model->domains[view->site->domain];
    view->kind = ready ? VIEW_READY : view_of_state(notice, asked, now.boot);
    if (view->kind == VIEW_HELD)
        set_guard(view, notice->guard, now);
    if ((view->kind == VIEW_WAKING || view->kind == VIEW_HELD) && !notice->wake_open)
        forget_old_wake(&view->notice);
    view->stage = last_stage(&view->notice);
    set_times(view, now.boot);
}

void view_limit(struct view *view, struct guard guard, struct now now)
{
    const bool of_wakes = guard.kind == GUARD_CLIENT_WAKES || guard.kind == GUARD_PROJECT_WAKES;

    set_guard(view, guard, now);
    if (view->kind == VIEW_FAILED && of_wakes)
        return; /* it stays to be read why the last wake came to nothing */
    view->kind = VIEW_LIMITED;
    forget_old_wake(&view->notice);
    view->stage = -1;
    view->elapsed = view->eta = view->left = -1;
    view->overdue = false;
}

void view_init_refused(struct view *view, const struct model *model, int domain, const char *who)
{
    *view = (struct view){.kind = VIEW_REFUSED,
                          .who = who,
                          .stage = -1,
                          .elapsed = -1,
                          .eta = -1,
                          .left = -1,
                          .rest = -1};
    view->domain = &model->domains[domain];
    view->server = &model->servers[view->domain->server];
    view->site = &model->sites[view->domain->site];
    view->reference = "/";
    forget_old_wake(&view->notice);
}

static bool has_agent(const struct model_server *server)
{
    for (size_t i = 0; i < server->n_checks; i++) {
        if (server->checks[i].kind == CHECK_AGENT)
            return true;
    }
    return false;
}

bool view_shows_stage(const struct view *view, int stage)
{
    const struct notice *notice = &view->notice;
    if (notice->stages[stage] != STAGE_UNREACHED || stage == STAGE_PACKET_SENT ||
        stage == STAGE_FIRST_SIGN || stage == STAGE_SITE_ANSWERS)
        return true;
    if (stage == STAGE_AGENT_ONLINE)
        return has_agent(view->server) || view->site->n_containers > 0;
    return view->site->n_containers > 0;
}

double view_progress(const struct view *view)
{
    if (view->kind == VIEW_READY)
        return 1;
    if (view->eta < 0 || view->elapsed < 0)
        return -1;
    double progress = (double)view->elapsed / (double)(view->elapsed + view->eta + 1);
    return progress > 0.95 ? 0.95 : progress;
}

static int whole_seconds(int64_t ms)
{
    int64_t seconds = (ms + 999) / 1000;
    return seconds < 1 ? 1 : seconds > INT_MAX ? INT_MAX : (int)seconds;
}

int view_retry_after(const struct view *view)
{
    if (view->guard.kind != GUARD_NONE)
        return view->rest < 0 ? 0 : whole_seconds(view->rest);
    if (view->kind == VIEW_FAILED || view->kind == VIEW_CLICK || view->kind == VIEW_REFUSED)
        return 60;
    int64_t seconds = view->eta < 0 ? 5 : (view->eta + 999) / 1000;
    return seconds < 2 ? 2 : seconds > 60 ? 60 : (int)seconds;
}

int64_t view_next_poll(const struct view *view, unsigned polls, uint32_t chance)
{
    int64_t pause = view->eta < 0 ? 1000 : view->eta / 5;
    pause = pause < 500 ? 500 : pause > 2000 ? 2000 : pause;
    if (view->kind == VIEW_CLICK || view->kind == VIEW_FAILED || view->kind == VIEW_HELD)
        pause = 2000;
    if (view->kind == VIEW_LIMITED)
        pause = view->rest >= 0 && view->rest < 15000 ? view->rest + 500 : 15000;
    int64_t crowd = polls > 500 ? 500 : (int64_t)polls;
    pause += pause * crowd / 500;
    return pause - pause / 8 + (int64_t)chance % (pause / 4 + 1);
}

/* ---- Words ---- */

/* A weight, RFC 9110 12.4.2, in thousandths; what is none counts as nothing. */
static int read_weight(const char *text)
{
    double weight = strtod(text, NULL);
    return weight >= 1 ? 1000 : weight > 0 ? (int)(weight * 1000) : 0;
}

/* One entry of the list, "fr-CA;q=0.8", at most raises what it speaks for. */
static void weigh_entry(const char *entry, int quality[LANGUAGES], int *any)
{
    static const char *const tags[LANGUAGES] = {
        [LANGUAGE_ENGLISH] = "en", [LANGUAGE_FRENCH] = "fr"};
    size_t tag = strcspn(entry, ",; \t");
    const char *q = entry + tag + strspn(entry + tag, " \t");
    int value = 1000;

    if (*q == ';') {
        q += 1 + strspn(q + 1, " \t");
        value = strncasecmp(q, "q=", 2) == 0 ? read_weight(q + 2) : value;
    }
    if (tag == 1 && *entry == '*')
        *any = value;
    for (int i = 0; i < LANGUAGES; i++) {
        bool same =
            tag >= 2 && strncasecmp(entry, tags[i], 2) == 0 && (tag == 2 || entry[2] == '-');
        if (same && value > quality[i])
            quality[i] = value;
    }
}

enum language language_choose(const char *accept)
{
    int quality[LANGUAGES] = {-1, -1}; /* thousandths; -1: not named */
    int any = -1;

    for (unsigned n = 0; accept != NULL && *accept != '\0' && n < 32; n++) {
        accept += strspn(accept, " \t,");
        weigh_entry(accept, quality, &any);
        accept += strcspn(accept, ",");
    }
    if (quality[LANGUAGE_ENGLISH] < 0)
        quality[LANGUAGE_ENGLISH] = any;
    bool french =
        quality[LANGUAGE_FRENCH] > 0 && quality[LANGUAGE_FRENCH] > quality[LANGUAGE_ENGLISH];
    return french ? LANGUAGE_FRENCH : LANGUAGE_ENGLISH;
}

static const char *say(const struct view *view, enum word word)
{
    return words[word][view->language];
}

/* A sentence of the table with its one %s filled in; the table is ours, so the format is. */
static void put_with(struct buf *out, const char *sentence, const char *filling)
{
    const char *hole = strstr(sentence, "%s");
    if (hole == NULL) {
        buf_puts(out, sentence);
        return;
    }
    buf_add(out, sentence, (size_t)(hole - sentence));
    buf_puts(out, filling);
    buf_puts(out, hole + 2);
}

/* What people call it: a domain without a name of its own is known by its server. */
static const char *shown_name(const struct view *view)
{
    bool nameless = strcmp(view->site->name, view->domain->name) == 0;
    return nameless ? view->server->name : view->site->name;
}

static void put_headline(const struct view *view, struct buf *out)
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
    put_with(out, say(view, headline), shown_name(view));
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
        return WORD_DEGRADED;
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

static void put_message(const struct view *view, struct buf *out)
{
    put_with(out, say(view, message_of(view)), view->who != NULL ? view->who : "");
    if (view->kind == VIEW_FAILED) {
        bool limited = view->guard.kind != GUARD_NONE;
        buf_putc(out, ' ');
        buf_puts(out, say(view, limited ? guard_message(view->guard.kind) : WORD_ADVICE));
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

static bool is_under_way(const struct view *view)
{
    return view->kind == VIEW_WAKING || view->kind == VIEW_BOOTING || view->kind == VIEW_SLEEPING ||
           view->kind == VIEW_DEGRADED;
}

/* Before the time at which a guard ends; WORDS: there is none to show. */
static enum word when_word(const struct view *view)
{
    if (view->until == 0)
        return WORDS;
    if (view->kind == VIEW_HELD)
        return WORD_WHEN_HELD;
    return view->guard.kind == GUARD_WINDOW ? WORD_WHEN_OPEN : WORD_WHEN_LIMITED;
}

static void put_estimate(const struct view *view, struct buf *out)
{
    char time[24];
    if (view->kind == VIEW_SLEEPING || !is_under_way(view) || !view->notice.wake_open)
        return;
    if (view->overdue)
        put_with(out, say(view, view->left > 0 ? WORD_OVERDUE_LEFT : WORD_OVERDUE),
                 rough_time(view->left, time));
    else if (view->eta < 0)
        buf_puts(out, say(view, WORD_NO_ESTIMATE));
    else if (view->eta < 5000)
        buf_puts(out, say(view, WORD_SECONDS_LEFT));
    else
        put_with(out, say(view, WORD_ABOUT_LEFT), rough_time(view->eta, time));
}

static enum word button_word(const struct view *view)
{
    if (view->kind == VIEW_CLICK)
        return WORD_START;
    return view->kind == VIEW_FAILED && view->guard.kind == GUARD_NONE ? WORD_RETRY : WORDS;
}

enum stage_status { STAGE_DONE, STAGE_NOW, STAGE_TODO, STAGE_MISSED };

static const char *const stage_status_names[] = {
    [STAGE_DONE] = "done", [STAGE_NOW] = "now", [STAGE_TODO] = "todo", [STAGE_MISSED] = "missed"};

/* The one that is waited for: the first shown behind the last reached. */
static int awaited_stage(const struct view *view)
{
    int stage = view->stage + 1;
    while (stage < STAGES && !view_shows_stage(view, stage))
        stage++;
    return stage;
}

static enum stage_status stage_status(const struct view *view, int stage)
{
    if (view->kind == VIEW_READY || view->notice.stages[stage] != STAGE_UNREACHED)
        return STAGE_DONE;
    if (stage != awaited_stage(view))
        return STAGE_TODO;
    return view->kind == VIEW_FAILED ? STAGE_MISSED : is_under_way(view) ? STAGE_NOW : STAGE_TODO;
}

/* "3.2 s" or "3,2 s". */
static char *exact_time(const struct view *view, int64_t ms, char out[24])
{
    if (ms >= 100000)
        return whole_time(ms, out);
    snprintf(out, 24, "%d%s%d" NBSP "s", (int)(ms / 1000), say(view, WORD_DECIMAL),
             (int)(ms % 1000 / 100));
    return out;
}

static void put_stage_text(const struct view *view, int stage, struct buf *out)
{
    char time[24];
    int32_t at = view->notice.stages[stage];
    int32_t expected = view->notice.expected[stage];

    switch (stage_status(view, stage)) {
    case STAGE_DONE:
        if (at == STAGE_UNREACHED)
            buf_puts(out, say(view, WORD_STAGE_DONE));
        else if (at < 100)
            buf_puts(out, say(view, WORD_STAGE_AT_ONCE));
        else
            put_with(out, say(view, WORD_STAGE_AFTER), exact_time(view, at, time));
        return;
    case STAGE_NOW:
        buf_puts(out, say(view, WORD_STAGE_NOW));
        return;
    case STAGE_MISSED:
        buf_puts(out, say(view, WORD_STAGE_MISSED));
        return;
    case STAGE_TODO:
        break;
    }
    if (view->kind == VIEW_FAILED)
        buf_puts(out, say(view, WORD_STAGE_MISSED));
    else if (stage < view->stage)
        buf_puts(out, say(view, WORD_STAGE_PASSED));
    else if (expected > 0 && view->notice.wake_open)
        put_with(out, say(view, WORD_STAGE_USUALLY), whole_time(expected, time));
    else
        buf_puts(out, say(view, WORD_STAGE_TODO));
}

static enum word stage_word(int stage)
{
    return (enum word)(WORD_STAGES + stage);
}

/* ---- HTML ---- */

static void put_escaped(struct buf *out, const char *text)
{
    for (;;) {
        size_t plain = strcspn(text, "&<>\"'");
        buf_add(out, text, plain);
        text += plain;
        if (*text == '\0')
            return;
        buf_printf(out, "&#%d;", *text++);
    }
}

/* What `put` writes, escaped. Names are a few dozen characters, sentences a few hundred. */
static void put_text(const struct view *view, void (*put)(const struct view *, struct buf *),
                     struct buf *out)
{
    struct buf text = BUF_INIT(4096);
    put(view, &text);
    put_escaped(out, buf_text(&text));
    buf_finish(&text);
}

static void put_word(const struct view *view, struct buf *out, enum word word)
{
    buf_puts(out, say(view, word)); /* our own: nothing to escape */
}

static void hole_lang(const struct view *view, struct buf *out)
{
    put_word(view, out, WORD_TAG);
}

static void hole_headline(const struct view *view, struct buf *out)
{
    put_text(view, put_headline, out);
}

static void hole_message(const struct view *view, struct buf *out)
{
    put_text(view, put_message, out);
}

static void hole_estimate(const struct view *view, struct buf *out)
{
    put_text(view, put_estimate, out);
}

static const char *view_name(enum view_kind kind)
{
    static const char *const names[VIEWS] = {
        [VIEW_CLICK] = "click",       [VIEW_WAKING] = "waking",     [VIEW_BOOTING] = "booting",
        [VIEW_DEGRADED] = "degraded", [VIEW_SLEEPING] = "sleeping", [VIEW_READY] = "ready",
        [VIEW_FAILED] = "failed",     [VIEW_REFUSED] = "refused",   [VIEW_HELD] = "held",
        [VIEW_LIMITED] = "limited",
    };
    return names[kind];
}

static void hole_view(const struct view *view, struct buf *out)
{
    buf_puts(out, view_name(view->kind));
}

static void hole_reference(const struct view *view, struct buf *out)
{
    put_escaped(out, view->reference);
}

/* As the value of a parameter: what steers a query string is encoded once more. */
static void hole_reference_value(const struct view *view, struct buf *out)
{
    const char *at = view->reference;
    for (;;) {
        size_t plain = strcspn(at, "%&+#?='\"<>");
        buf_add(out, at, plain);
        at += plain;
        if (*at == '\0')
            return;
        buf_printf(out, "%%%02X", *at++);
    }
}

/* Something will happen without the visitor. */
static bool goes_on(const struct view *view)
{
    return is_under_way(view) || view->kind == VIEW_HELD;
}

/* Without script the page asks again by itself; /.hall/wait never wakes, so a failure stays to be
 * read. */
static void hole_refresh(const struct view *view, struct buf *out)
{
    if (!goes_on(view) && view->kind != VIEW_READY)
        return;
    buf_puts(out, "<noscript><meta http-equiv=\"refresh\" content=\"4;url=/.hall/wait?path=");
    hole_reference_value(view, out);
    buf_puts(out, "\"></noscript>");
}

static void hole_version(const struct view *view, struct buf *out)
{
    buf_printf(out, "%u", view->notice.version);
}

static void hole_elapsed_s(const struct view *view, struct buf *out)
{
    buf_printf(out, "%d", (int)(not_negative(view->elapsed) / 1000));
}

static void hole_total_s(const struct view *view, struct buf *out)
{
    if (view->eta > 0)
        buf_printf(out, "%d", (int)((view->elapsed + view->eta) / 1000));
}

static void hole_lost(const struct view *view, struct buf *out)
{
    put_word(view, out, WORD_LOST);
}

/* Rises from behind the hills with the progress; wait.js moves it on by the same rule. */
static void hole_sun(const struct view *view, struct buf *out)
{
    double progress = view_progress(view);
    buf_printf(out, "%d", 166 - (progress < 0 ? 8 : (int)(progress * 100)));
}

static void put_where(const struct view *view, struct buf *out)
{
    buf_puts(out, view->domain->name);
    if (view->kind != VIEW_REFUSED && strcmp(shown_name(view), view->server->name) != 0) {
        buf_puts(out, " · ");
        put_with(out, say(view, WORD_ON_SERVER), view->server->name);
    }
}

static void hole_where(const struct view *view, struct buf *out)
{
    put_text(view, put_where, out);
}

static void put_hidden(struct buf *out, bool hidden)
{
    if (hidden)
        buf_puts(out, " hidden");
}

static void hole_when_hidden(const struct view *view, struct buf *out)
{
    put_hidden(out, when_word(view) == WORDS);
}

static void hole_when(const struct view *view, struct buf *out)
{
    if (when_word(view) != WORDS)
        put_word(view, out, when_word(view));
}

static void hole_until(const struct view *view, struct buf *out)
{
    char time[RFC3339_SIZE];
    if (view->until != 0)
        buf_puts(out, rfc3339_format(view->until, time));
}

/* "2026-11-22 14:05 UTC", where no script makes it the visitor's own time. Not earlier than it is.
 */
static void hole_until_text(const struct view *view, struct buf *out)
{
    char time[RFC3339_SIZE];
    if (view->until == 0)
        return;
    rfc3339_format(view->until + 59999, time);
    buf_printf(out, "%.10s %.5s UTC", time, time + 11);
}

static void hole_form_hidden(const struct view *view, struct buf *out)
{
    put_hidden(out, button_word(view) == WORDS);
}

static void hole_button(const struct view *view, struct buf *out)
{
    enum word word = button_word(view);
    put_word(view, out, word == WORDS ? WORD_RETRY : word);
}

static void hole_progress_hidden(const struct view *view, struct buf *out)
{
    put_hidden(out, !is_under_way(view) && view->kind != VIEW_READY);
}

static void hole_progress_label(const struct view *view, struct buf *out)
{
    put_word(view, out, WORD_PROGRESS);
}

static void hole_progress_value(const struct view *view, struct buf *out)
{
    double progress = view_progress(view);
    if (progress >= 0)
        buf_printf(out, " value=\"%d\"", (int)(progress * 100));
}

static void hole_elapsed_label(const struct view *view, struct buf *out)
{
    put_word(view, out, WORD_ELAPSED);
}

static void hole_elapsed(const struct view *view, struct buf *out)
{
    int seconds = (int)(not_negative(view->elapsed) / 1000);
    buf_printf(out, "%d:%02d", seconds / 60, seconds % 60);
}

static void hole_stages_label(const struct view *view, struct buf *out)
{
    put_word(view, out, WORD_STAGES_LABEL);
}

static void hole_stages_hidden(const struct view *view, struct buf *out)
{
    put_hidden(out, view->kind == VIEW_CLICK || view->kind == VIEW_REFUSED ||
                        view->kind == VIEW_HELD || view->kind == VIEW_LIMITED);
}

static void hole_stages(const struct view *view, struct buf *out)
{
    for (int stage = 0; stage < STAGES && view->kind != VIEW_REFUSED; stage++) {
        enum stage_status status = stage_status(view, stage);
        buf_printf(out, "<li data-s=\"%s\" class=\"%s\"%s%s><b>%s</b><small>",
                   stage_name((enum stage)stage), stage_status_names[status],
                   status == STAGE_NOW ? " aria-current=\"step\"" : "",
                   view_shows_stage(view, stage) ? "" : " hidden", say(view, stage_word(stage)));
        put_stage_text(view, stage, out);
        buf_puts(out, "</small></li>");
    }
}

static void hole_footer(const struct view *view, struct buf *out)
{
    bool refused = view->kind == VIEW_REFUSED || view->kind == VIEW_LIMITED;
    put_word(view, out, refused ? WORD_FOOTER_REFUSED : WORD_FOOTER);
}

static void hole_noscript(const struct view *view, struct buf *out)
{
    if (goes_on(view))
        put_word(view, out, WORD_NOSCRIPT);
}

static const struct hole {
    const char *name;
    void (*put)(const struct view *view, struct buf *out);
} holes[] = {
    {"lang", hole_lang},
    {"refresh", hole_refresh},
    {"headline", hole_headline},
    {"view", hole_view},
    {"reference", hole_reference},
    {"reference_value", hole_reference_value},
    {"version", hole_version},
    {"elapsed_s", hole_elapsed_s},
    {"total_s", hole_total_s},
    {"lost", hole_lost},
    {"sun", hole_sun},
    {"where", hole_where},
    {"message", hole_message},
    {"when_hidden", hole_when_hidden},
    {"when", hole_when},
    {"until", hole_until},
    {"until_text", hole_until_text},
    {"form_hidden", hole_form_hidden},
    {"button", hole_button},
    {"progress_label", hole_progress_label},
    {"progress_hidden", hole_progress_hidden},
    {"progress_value", hole_progress_value},
    {"estimate", hole_estimate},
    {"elapsed_label", hole_elapsed_label},
    {"elapsed", hole_elapsed},
    {"stages_label", hole_stages_label},
    {"stages_hidden", hole_stages_hidden},
    {"stages", hole_stages},
    {"footer", hole_footer},
    {"noscript", hole_noscript},
};

/* ---- The template, taken apart ---- */

enum { SEGMENTS_MAX = 64, POLICY_SIZE = 400, BASE64_SHA256_SIZE = 45 };

struct segment {
    const char *text; /* written first */
    size_t length;
    const struct hole *hole; /* then this; NULL at the end */
};

struct page {
    size_t n;
    struct segment segments[SEGMENTS_MAX];
    char policy[POLICY_SIZE];
};

static const struct hole *find_hole(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof holes / sizeof holes[0]; i++) {
        if (strlen(holes[i].name) == length && memcmp(holes[i].name, name, length) == 0)
            return &holes[i];
    }
    return NULL;
}

/* RFC 4648 of 32 bytes. */
static void base64_sha256(const unsigned char bytes[32], char out[BASE64_SHA256_SIZE])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t length = 0;
    for (size_t i = 0; i < 33; i += 3) {
        unsigned third = i + 2 < 32 ? bytes[i + 2] : 0;
        unsigned bits = (unsigned)bytes[i] << 16 | (unsigned)bytes[i + 1] << 8 | third;
        for (int shift = 18; shift >= 0; shift -= 6)
            out[length++] = digits[bits >> shift & 63];
    }
    out[43] = '=';
    out[44] = '\0';
}

static void make_policy(struct page *page)
{
    char script[BASE64_SHA256_SIZE];
    char style[BASE64_SHA256_SIZE];
    base64_sha256(wait_page_script_sha256, script);
    base64_sha256(wait_page_style_sha256, style);
    snprintf(page->policy, sizeof page->policy,
             "default-src 'none'; script-src 'sha256-%s'; style-src 'sha256-%s'; img-src data:; "
             "connect-src 'self'; "
             "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
             script, style);
}

int page_create(struct page **ret_page)
{
    struct page *page = calloc(1, sizeof *page);
    const char *at = wait_page_html;
    if (page == NULL)
        return -ENOMEM;
    for (const char *open; (open = strstr(at, "{{")) != NULL && page->n < SEGMENTS_MAX - 1;) {
        const char *close = strstr(open, "}}");
        const struct hole *hole =
            close != NULL ? find_hole(open + 2, (size_t)(close - open - 2)) : NULL;
        if (hole == NULL) {
            free(page);
            return -EBADMSG; /* the template names a hole that is not in the table: our own bug */
        }
        page->segments[page->n++] = (struct segment){at, (size_t)(open - at), hole};
        at = close + 2;
    }
    page->segments[page->n++] = (struct segment){at, strlen(at), NULL};
    make_policy(page);
    *ret_page = page;
    return 0;
}

void page_destroy(struct page *page)
{
    free(page);
}

const char *page_policy(const struct page *page)
{
    return page->policy;
}

void page_write(const struct page *page, const struct view *view, struct buf *out)
{
    for (size_t i = 0; i < page->n; i++) {
        buf_add(out, page->segments[i].text, page->segments[i].length);
        if (page->segments[i].hole != NULL)
            page->segments[i].hole->put(view, out);
    }
}

/* ---- JSON ---- */

static void put_seconds(struct json_writer *writer, const char *key, int64_t ms)
{
    if (ms < 0)
        json_put_null(writer, key);
    else
        json_put_seconds(writer, key, ms);
}

static void put_json_text(struct json_writer *writer, const char *key, const struct view *view,
                          void (*put)(const struct view *, struct buf *))
{
    struct buf text = BUF_INIT(4096);
    put(view, &text);
    json_put_string(writer, key, buf_text(&text));
    buf_finish(&text);
}

static void put_json_stage(struct json_writer *writer, const struct view *view, int stage)
{
    struct buf text = BUF_INIT(256);
    put_stage_text(view, stage, &text);
    json_begin_object(writer, NULL);
    json_put_string(writer, "name", stage_name((enum stage)stage));
    json_put_string(writer, "label", say(view, stage_word(stage)));
    json_put_string(writer, "status", stage_status_names[stage_status(view, stage)]);
    json_put_string(writer, "text", buf_text(&text));
    put_seconds(writer, "at_s", view->notice.stages[stage]);
    put_seconds(writer, "expected_s", view->notice.expected[stage]);
    json_end_object(writer);
    buf_finish(&text);
}

static void put_json_words(struct json_writer *writer, const struct view *view)
{
    enum word button = button_word(view);
    enum word when = when_word(view);
    json_put_string(writer, "view", view_name(view->kind));
    put_json_text(writer, "title", view, put_headline);
    put_json_text(writer, "message", view, put_message);
    put_json_text(writer, "estimate", view, put_estimate);
    json_put_string(writer, "when", when == WORDS ? NULL : say(view, when));
    json_put_string(writer, "button", button == WORDS ? NULL : say(view, button));
}

static void put_json_progress(struct json_writer *writer, double progress)
{
    if (progress < 0)
        json_put_null(writer, "progress");
    else
        json_put_number(writer, "progress", (double)(int)(progress * 1000) / 1000);
}

void page_write_status(const struct view *view, int64_t next_poll, struct buf *out)
{
    const struct notice *notice = &view->notice;
    bool failed = view->kind == VIEW_FAILED;
    struct json_writer writer;

    json_writer_init(&writer, out);
    json_begin_object(&writer, NULL);
    json_put_string(&writer, "state", power_state_name(notice->state));
    json_put_string(&writer, "stage", view->stage < 0 ? NULL : stage_name((enum stage)view->stage));
    json_begin_array(&writer, "stages");
    for (int stage = 0; stage < STAGES; stage++) {
        if (view_shows_stage(view, stage))
            put_json_stage(&writer, view, stage);
    }
    json_end_array(&writer);
    put_seconds(&writer, "elapsed_s", view->elapsed);
    put_seconds(&writer, "eta_s", view->eta);
    put_json_progress(&writer, view_progress(view));
    put_seconds(&writer, "deadline_s", view->left);
    json_put_string(&writer, "failure", failed ? wake_failure_name(notice->failure) : NULL);
    json_put_string(&writer, "problem", notice->problem[0] != '\0' ? notice->problem : NULL);
    json_put_string(&writer, "guard", guard_name(view->guard.kind));
    json_put_time(&writer, "until", view->until);
    json_put_integer(&writer, "next_poll_ms", next_poll);
    json_put_string(&writer, "redirect", view->kind == VIEW_READY ? view->reference : NULL);
    json_put_integer(&writer, "version", notice->version);
    put_json_words(&writer, view);
    json_end_object(&writer);
}

void view_say(const struct view *view, struct buf *out)
{
    struct view english = *view;
    char time[RFC3339_SIZE];
    english.language = LANGUAGE_ENGLISH;
    put_headline(&english, out);
    buf_puts(out, ". ");
    put_message(&english, out);
    if (view->until != 0)
        buf_printf(out, " %s %s.", say(&english, when_word(&english)),
                   rfc3339_format(view->until, time));
}
