#include "hallctl/why.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/number.h"
#include "core/facts/fault.h"

enum { SPAN_SIZE = 48, TEXT_SIZE = 2048 };

/* What the functions below write from. */
struct page {
    const struct known *server;
    const struct json *status, *config;
    const struct why_view *view;
    struct buf *out;
};

/* ---- small things ---- */

/* Texts of others may be in it: what a terminal would obey is shown as '?', and a line ends where
 * the format says so. */
__attribute__((format(printf, 2, 3))) static void say(struct buf *out, const char *format, ...)
{
    char text[TEXT_SIZE], shown[TEXT_SIZE];
    const size_t length = strlen(format);
    const bool is_line = length > 0 && format[length - 1] == '\n';
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    const size_t used = strlen(text);
    buf_puts(out,
             text_show(shown, sizeof(shown), text, used - (is_line && text[used - 1] == '\n')));
    buf_puts(out, is_line ? "\n" : "");
}

int64_t why_time(const struct json *object, const char *key)
{
    const char *text = json_get_string(object, key);
    int64_t at = 0;

    return text && rfc3339_parse(text, &at) == 0 ? at : 0;
}

static bool text_is(const struct json *object, const char *key, const char *text)
{
    return text_equal(json_get_string(object, key), text);
}

/* "20 min": without the "0 s" behind it. */
static char *span(int64_t ms, char out[SPAN_SIZE])
{
    duration_show(ms, out, SPAN_SIZE);
    char *rest = strrchr(out, ' ');
    while (rest && rest > out && *(rest - 1) != ' ')
        rest--;
    if (rest && rest > out && strncmp(rest, "0 ", 2) == 0)
        *(rest - 1) = '\0';
    return out;
}

static const char *or_else(const char *text, const char *other)
{
    return text && text[0] ? text : other;
}

static char *stamp(const struct page *page, int64_t at, char out[LOCAL_SIZE])
{
    return local_short(page->view->local, at, page->view->now, out);
}

static char *ago(const struct page *page, int64_t at, char out[SPAN_SIZE])
{
    return span(page->view->now > at ? page->view->now - at : 0, out);
}

static bool is_state(const struct page *page, const char *names)
{
    const char *state = or_else(json_get_string(page->status, "state"), page->server->state);
    const char *found = strstr(names, state);

    return state[0] != '\0' && found && (found[strlen(state)] == ' ' || found[strlen(state)] == 0);
}

static const struct json *leases_of(const struct json *status)
{
    return json_get(status, "leases");
}

/* ---- what it is ---- */

static void write_state(const struct page *page)
{
    const char *state = or_else(json_get_string(page->status, "state"), page->server->state);
    const char *name = json_get_string(page->config, "name");
    const int64_t since = why_time(page->status, "since");
    char at[LOCAL_SIZE], shown[SPAN_SIZE];

    buf_puts(page->out, page->server->id);
    if (name && strcmp(name, page->server->id) != 0)
        say(page->out, " (%s)", name);
    say(page->out, " is %s", or_else(state, "unknown"));
    if (since > 0)
        say(page->out, " since %s (%s)", stamp(page, since, at), ago(page, since, shown));
    say(page->out, ": %s.\n",
        or_else(json_get_string(page->status, "reason"), "no reason is known"));
}

static void write_problem(const struct page *page)
{
    const char *problem = json_get_string(page->status, "problem");

    if (problem)
        say(page->out, "Problem: %s.\n", problem);
}

/* ---- why it is awake ---- */

struct kind_words {
    const char *kind, *format; /* of the holder */
    bool label_tells;          /* the label says more than the holder, or says it alone */
};

static const struct kind_words kinds[] = {
    {"visit", "%s was visited", false},      {"schedule", "the schedule of %s wants it on", false},
    {"always_on", "%s is always on", false}, {"manual", "%s", true},
    {"hold", "%s holds it", false},          {"agent", "%s is in use on it", false},
    {"dependent", "%s needs it", false},     {"stream", "%s is in use", false},
};

static void write_lease_words(const struct json *lease, struct buf *out)
{
    const char *kind = or_else(json_get_string(lease, "kind"), "");
    const char *holder = or_else(json_get_string(lease, "holder"), "somebody");
    const char *label = json_get_string(lease, "label");

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (strcmp(kinds[i].kind, kind) != 0)
            continue;
        const char *found = strstr(kinds[i].format, "%s");
        say(out, "%.*s%s%s", (int)(found - kinds[i].format), kinds[i].format,
            kinds[i].label_tells ? or_else(label, holder) : holder, found + 2);
        return;
    }
    say(out, "%s (%s)", holder, kind);
}

static void write_lease(const struct page *page, const struct json *lease)
{
    const int64_t since = why_time(lease, "since"), until = why_time(lease, "until");
    const char *label = json_get_string(lease, "label");
    char at[LOCAL_SIZE];

    buf_puts(page->out, "  - ");
    write_lease_words(lease, page->out);
    if (label && label[0] && text_is(lease, "kind", "hold"))
        say(page->out, ": \"%s\"", label);
    else if (label && label[0] && text_is(lease, "kind", "stream"))
        say(page->out, ": %s", label);
    say(page->out, " (%s", or_else(json_get_string(lease, "kind"), "lease"));
    if (since > 0)
        say(page->out, ", since %s", stamp(page, since, at));
    if (until > 0)
        say(page->out, ", until %s", stamp(page, until, at));
    else
        buf_puts(page->out, ", no end known");
    buf_puts(page->out, ")\n");
}

static void write_leases(const struct page *page)
{
    const struct json *leases = leases_of(page->status);
    const bool on = text_is(page->status, "target", "ON");

    if (json_count(leases) == 0) {
        if (on)
            buf_puts(page->out, "Nothing needs it.\n");
        return;
    }
    buf_puts(page->out, on ? "It is on because:\n" : "It is wanted because:\n");
    for (const struct json *lease = json_first(leases); lease; lease = json_next(lease))
        write_lease(page, lease);
}

/* ---- a wake under way ---- */

static void write_wake(const struct page *page)
{
    const struct json *wake = json_get(page->status, "wake");
    const int64_t deadline = why_time(wake, "deadline");
    char at[LOCAL_SIZE], shown[SPAN_SIZE];
    double eta;

    if (!wake || json_type(wake) != JSON_OBJECT)
        return;
    say(page->out, "A wake is under way: %s; the last stage reached: %s.\n",
        or_else(json_get_string(wake, "cause"), "cause unknown"),
        or_else(json_get_string(wake, "stage"), "none yet"));
    if (json_number(json_get(wake, "eta_s"), &eta))
        say(page->out, "It was last expected to be ready in %s.\n",
            span((int64_t)(eta * 1000), shown));
    if (deadline > 0)
        say(page->out, "It is given up at %s.\n", stamp(page, deadline, at));
}

/* ---- what ends it ---- */

static bool has_endless(const struct json *leases)
{
    for (const struct json *lease = json_first(leases); lease; lease = json_next(lease))
        if (why_time(lease, "until") == 0)
            return true;
    return false;
}

static int64_t last_end(const struct json *leases)
{
    int64_t last = 0;

    for (const struct json *lease = json_first(leases); lease; lease = json_next(lease)) {
        const int64_t until = why_time(lease, "until");

        last = until > last ? until : last;
    }
    return last;
}

static void write_vetoes(const struct page *page)
{
    const struct json *vetoes = json_get(page->server->report, "vetoes");

    if (json_count(vetoes) == 0)
        return;
    buf_puts(page->out, "Its agent would veto a sleep now:\n");
    for (const struct json *veto = json_first(vetoes); veto; veto = json_next(veto))
        if (json_string(veto))
            say(page->out, "  - %s\n", json_string(veto));
}

static void write_refusal(const struct page *page)
{
    const struct json *refusal = json_get(page->status, "sleep_refused");
    const int64_t again = why_time(refusal, "not_before");
    char at[LOCAL_SIZE];

    if (!refusal || json_type(refusal) != JSON_OBJECT)
        return;
    say(page->out, "The last sleep was refused: %s.",
        or_else(json_get_string(refusal, "reason"), "no reason was given"));
    if (again > page->view->now && json_count(leases_of(page->status)) == 0)
        say(page->out, " Hall asks again at %s.", stamp(page, again, at));
    buf_putc(page->out, '\n');
}

static const char *agreement(const struct page *page)
{
    const char *via = json_get_string(json_get(page->config, "sleep"), "via");

    return text_equal(via, "agent") ? ", if its agent agrees" : "";
}

/* What would put it to sleep, and when. */
static void write_sleep(const struct page *page)
{
    const struct json *leases = leases_of(page->status);
    const char *id = page->server->id;
    char at[LOCAL_SIZE];

    if (!is_state(page, "ready degraded booting"))
        return;
    if (text_is(json_get(page->config, "sleep"), "via", "none"))
        buf_puts(page->out, "Hall never puts it to sleep: its sleep.via is none.\n");
    else if (json_count(leases) == 0)
        say(page->out, "Hall puts it to sleep now%s.\n", agreement(page));
    else if (has_endless(leases))
        say(page->out, "It goes to sleep when all of these have ended%s.\n", agreement(page));
    else
        say(page->out, "It goes to sleep at %s, when the last of these ends%s.\n",
            stamp(page, last_end(leases), at), agreement(page));
    if (json_count(leases) > 0 && !text_is(json_get(page->config, "sleep"), "via", "none"))
        say(page->out, "To end it now: hallctl sleep %s --force\n", id);
}

static void write_rouse(const struct page *page)
{
    const struct json *guard = json_get(page->status, "guard");
    const int64_t until = why_time(guard, "until");
    const char *name = json_get_string(guard, "name");
    char at[LOCAL_SIZE];

    if (name && until > 0)
        say(page->out, "The guard %s refuses to wake it until %s.\n", name, stamp(page, until, at));
    else if (name)
        say(page->out, "The guard %s refuses to wake it.\n", name);
    if (is_state(page, "off sleeping wake_failed unreachable"))
        say(page->out, "A visit of its sites wakes it, or: hallctl wake %s --wait\n",
            page->server->id);
}

/* ---- what is known besides ---- */

static void write_policy(const struct page *page)
{
    const char *policy = json_get_string(page->status, "policy");
    const struct json *needs = json_get(page->config, "depends_on");
    char shown[SPAN_SIZE];
    double idle;

    if (!policy)
        return;
    say(page->out, "Its policy is %s", policy);
    if (json_number(json_get(page->config, "idle_s"), &idle))
        say(page->out, "; a visit keeps it on for %s", span((int64_t)(idle * 1000), shown));
    if (json_get_bool(page->config, "keep_awake", false))
        buf_puts(page->out, "; keep-awake is on");
    buf_puts(page->out, ".\n");
    if (json_count(needs) == 0)
        return;
    buf_puts(page->out, "It needs");
    for (const struct json *need = json_first(needs); need; need = json_next(need))
        say(page->out, "%s %s", need == json_first(needs) ? "" : ",",
            or_else(json_string(need), "?"));
    buf_puts(page->out, ".\n");
}

static void write_next(const struct page *page)
{
    const struct json *next = json_get(page->status, "next_event");
    const int64_t at = why_time(next, "at");
    char shown[LOCAL_SIZE];

    if (at > 0)
        say(page->out, "Next: at %s %s: %s.\n", stamp(page, at, shown),
            or_else(json_get_string(next, "what"), "something"),
            or_else(json_get_string(next, "reason"), "no reason is known"));
}

static void write_fault(const struct page *page, const struct json *check)
{
    const char *reason = json_get_string(check, "reason");

    if (reason)
        say(page->out, " (%s)", reason);
}

static void write_check(const struct page *page, const struct json *check)
{
    const char *site = json_get_string(check, "site");
    bool passing;
    int64_t status;

    say(page->out, "; %s%s%s%s ", or_else(json_get_string(check, "kind"), "check"),
        site ? " (" : "", site ? site : "", site ? ")" : "");
    if (!json_bool(json_get(check, "passing"), &passing))
        buf_puts(page->out, "not known");
    else
        buf_puts(page->out, passing ? "passes" : "fails");
    if (json_integer(json_get(check, "status"), &status) && status > 0)
        say(page->out, ", HTTP %lld", (long long)status);
    write_fault(page, check);
}

static void write_mac(const struct page *page, const struct json *evidence)
{
    if (text_is(evidence, "mac", "match"))
        buf_puts(page->out, "; its MAC answers at its address");
    else if (text_is(evidence, "mac", "other"))
        say(page->out, "; another machine has its address: %s",
            or_else(json_get_string(evidence, "other_mac"), "MAC unknown"));
}

static void write_evidence(const struct page *page)
{
    const struct json *evidence = json_get(page->status, "evidence");
    const char *agent = json_get_string(evidence, "agent");
    const struct json *checks = json_get(evidence, "checks");

    if (!evidence || json_type(evidence) != JSON_OBJECT)
        return;
    if (agent)
        say(page->out, "Evidence: its agent says %s", agent);
    else
        buf_puts(page->out, "Evidence: nothing was heard of its agent");
    write_mac(page, evidence);
    for (const struct json *check = json_first(checks); check; check = json_next(check))
        write_check(page, check);
    buf_puts(page->out, ".\n");
}

static void write_boot(const struct page *page)
{
    char shown[SPAN_SIZE];
    double boot;

    if (json_number(json_get(page->status, "last_boot_s"), &boot))
        say(page->out, "The last wake took %s.\n", span((int64_t)(boot * 1000), shown));
}

void why_write(const struct known *server, const struct why_view *view, struct buf *out)
{
    static void (*const parts[])(const struct page *page) = {
        write_state,  write_problem, write_leases, write_wake,   write_sleep,    write_refusal,
        write_vetoes, write_rouse,   write_next,   write_policy, write_evidence, write_boot,
    };
    const struct page page = {.server = server,
                              .status = server->status,
                              .config = server->config,
                              .view = view,
                              .out = out};

    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        parts[i](&page);
}

void why_write_short(const struct known *server, struct buf *out)
{
    const struct json *leases = leases_of(server->status);

    if (json_get_string(server->status, "problem")) {
        say(out, "%s", json_get_string(server->status, "problem"));
        return;
    }
    if (json_count(leases) == 0)
        say(out, "%s", or_else(json_get_string(server->status, "reason"), ""));
    for (const struct json *lease = json_first(leases); lease; lease = json_next(lease)) {
        buf_puts(out, lease == json_first(leases) ? "" : ", ");
        write_lease_words(lease, out);
    }
}
