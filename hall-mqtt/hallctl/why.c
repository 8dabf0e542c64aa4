#include "hallctl/why.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/number.h"
#include "hallctl/reader.h"
#include "say/say_table.h"

enum { SPAN_SIZE = 48 };

#define NBSP  "\u00a0" /* before a French colon */
#define NNBSP "\u202f" /* before a French semicolon */

/* What the functions below write from. */
struct page {
    const struct known *server;
    const struct json *status, *config;
    struct say_how how;
    struct buf *out;
};

/* ---- small things ---- */

/* In the reader's language; both take the same. What others wrote ends no line. */
__attribute__((format(printf, 2, 4), format(printf, 3, 4))) static void
say(const struct page *page, const char *english, const char *french, ...)
{
    struct buf text = BUF_INIT(page->out->limit);
    va_list args;

    va_start(args, french);
    buf_vprintf(&text, page->how.language == SAY_FRENCH ? french : english, args);
    va_end(args);
    const bool is_line = text.length > 0 && buf_text(&text)[text.length - 1] == '\n';
    if (is_line)
        text.text[--text.length] = '\0';
    buf_puts(page->out, reader_show(&text));
    buf_puts(page->out, is_line ? "\n" : "");
    buf_finish(&text);
}

/* The sentence of this key, as the reader knows it. */
static bool say_key(const struct page *page, const struct json *object, const char *key)
{
    struct buf text = BUF_INIT(SAY_SENTENCE_MAX);
    const bool known = say_member(object, key, page->how, &text);

    buf_puts(page->out, reader_show(&text));
    buf_finish(&text);
    return known;
}

static void say_key_or_not(const struct page *page, const struct json *object, const char *key)
{
    if (!say_key(page, object, key))
        say(page, "no reason is known", "raison inconnue");
}

static const char *word(const struct page *page, enum param_kind kind, const char *known)
{
    return say_word_shown(kind, known, page->how.language);
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
    const long long s = (ms + 500) / 1000;

    if (s >= 7200 && s / 60 % 60 == 0)
        snprintf(out, SPAN_SIZE, "%lld h", s / 3600);
    else if (s >= 120 && s < 7200 && s % 60 == 0)
        snprintf(out, SPAN_SIZE, "%lld min", s / 60);
    else
        duration_show(ms, out, SPAN_SIZE);
    return out;
}

static const char *or_else(const char *text, const char *other)
{
    return text && text[0] ? text : other;
}

static char *stamp(const struct page *page, int64_t at, char out[LOCAL_SIZE])
{
    return local_short(page->how.local, at, page->how.now, out);
}

/* Sets of states. */
enum {
    IS_UP = 1 << POWER_READY | 1 << POWER_DEGRADED | 1 << POWER_BOOTING,
    IS_DOWN =
        1 << POWER_OFF | 1 << POWER_SLEEPING | 1 << POWER_WAKE_FAILED | 1 << POWER_UNREACHABLE,
};

static bool is_state(const struct page *page, unsigned states)
{
    const char *state = or_else(json_get_string(page->status, "state"), page->server->state);

    for (unsigned i = 0; i < POWER_STATES; i++)
        if (strcmp(power_state_name((enum power_state)i), state) == 0)
            return (states >> i & 1) != 0;
    return false;
}

/* That there are beside those listed. */
static int64_t leases_more(const struct json *status)
{
    int64_t more = 0;

    return json_integer(json_get(status, "leases_more"), &more) ? more : 0;
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
        say(page, " (%s)", " (%s)", name);
    say(page, " is %s", NBSP ": %s", word(page, PARAM_STATE, or_else(state, "unknown")));
    if (since > 0)
        say(page, " since %s (%s)", " depuis %s (%s)", stamp(page, since, at),
            span(page->how.now > since ? page->how.now - since : 0, shown));
    say(page, ": ", NBSP "– ");
    say_key_or_not(page, page->status, "reason");
    buf_puts(page->out, ".\n");
}

static void write_problem(const struct page *page)
{
    if (!json_get_string(page->status, "problem"))
        return;
    say(page, "Problem: ", "Problème" NBSP ": ");
    say_key(page, page->status, "problem");
    buf_puts(page->out, ".\n");
}

/* ---- why it is awake ---- */

/* An older Hall says no reason. */
static void write_lease_words(const struct page *page, const struct json *lease)
{
    if (!say_key(page, lease, "reason"))
        say(page, "%s (%s)", "%s (%s)", or_else(json_get_string(lease, "holder"), "?"),
            or_else(json_get_string(lease, "kind"), "?"));
}

static void write_lease(const struct page *page, const struct json *lease)
{
    const int64_t since = why_time(lease, "since"), until = why_time(lease, "until");
    char at[LOCAL_SIZE];

    buf_puts(page->out, "  - ");
    write_lease_words(page, lease);
    if (since > 0)
        say(page, ", since %s", ", depuis %s", stamp(page, since, at));
    if (until == 0)
        say(page, ", no end known", ", sans fin connue");
    else if (!json_get(lease, "reason_fact"))
        say(page, ", until %s", ", jusqu’à %s", stamp(page, until, at));
    buf_putc(page->out, '\n');
}

static void write_leases(const struct page *page)
{
    const struct json *leases = leases_of(page->status);
    const bool on = text_is(page->status, "target", "ON");

    if (json_count(leases) > 0 && on)
        say(page, "It is on because:\n", "Il est allumé car" NBSP ":\n");
    else if (json_count(leases) > 0)
        say(page, "It is wanted because:\n", "Il est voulu car" NBSP ":\n");
    else if (on)
        say(page, "Nothing needs it.\n", "Rien n’a besoin de lui.\n");
    for (const struct json *lease = json_first(leases); lease; lease = json_next(lease))
        write_lease(page, lease);
    if (leases_more(page->status) > 0)
        say(page, "  and %" PRId64 " more\n", "  et %" PRId64 " de plus\n",
            leases_more(page->status));
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
    say(page, "A wake is under way: ", "Un réveil est en cours" NBSP ": ");
    say_key_or_not(page, wake, "cause");
    say(page, "; the last stage reached: %s.\n", NNBSP "; dernière étape atteinte" NBSP ": %s.\n",
        word(page, PARAM_STAGE, or_else(json_get_string(wake, "stage"), "none")));
    if (json_number(json_get(wake, "eta_s"), &eta))
        say(page, "It was last expected to be ready in %s.\n",
            "Il devait être prêt dans %s, selon la dernière estimation.\n",
            span((int64_t)(eta * 1000), shown));
    if (deadline > 0)
        say(page, "It is given up at %s.\n", "Abandon à %s.\n", stamp(page, deadline, at));
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
    const struct json *vetoes = picture_vetoes(page->server);
    const struct json *fact = json_first(json_get(page->server->report, "veto_facts"));

    if (json_count(vetoes) == 0)
        return;
    say(page, "Its agent would veto a sleep now:\n",
        "Son agent refuserait maintenant une mise en veille" NBSP ":\n");
    for (const struct json *veto = json_first(vetoes); veto; veto = json_next(veto)) {
        struct buf text = BUF_INIT(SAY_SENTENCE_MAX);

        if (say_again(fact, json_string(veto), page->how, &text))
            buf_printf(page->out, "  - %s\n", reader_show(&text));
        buf_finish(&text);
        fact = fact ? json_next(fact) : NULL;
    }
}

static void write_refusal(const struct page *page)
{
    const struct json *refusal = json_get(page->status, "sleep_refused");
    const int64_t again = why_time(refusal, "not_before");
    char at[LOCAL_SIZE];

    if (!refusal || json_type(refusal) != JSON_OBJECT)
        return;
    say(page, "The last sleep was refused: ", "La dernière mise en veille a été refusée" NBSP ": ");
    say_key_or_not(page, refusal, "reason");
    buf_putc(page->out, '.');
    if (again > page->how.now && json_count(leases_of(page->status)) == 0)
        say(page, " Hall asks again at %s.", " Hall redemande à %s.", stamp(page, again, at));
    buf_putc(page->out, '\n');
}

/* What would put it to sleep, and when. */
static void write_sleep(const struct page *page)
{
    const struct json *sleep = json_get(page->config, "sleep");
    const struct json *leases = leases_of(page->status);
    char at[LOCAL_SIZE];

    if (!is_state(page, IS_UP))
        return;
    if (text_is(sleep, "via", "none")) {
        say(page, "Hall never puts it to sleep: its sleep.via is none.\n",
            "Hall ne le met jamais en veille" NBSP ": son sleep.via vaut none.\n");
        return;
    }
    if (json_count(leases) == 0)
        say(page, "Hall puts it to sleep now", "Hall le met maintenant en veille");
    else if (has_endless(leases))
        say(page, "It goes to sleep when all of these have ended",
            "Il sera mis en veille quand tout cela aura pris fin");
    else
        say(page, "It goes to sleep at %s, when the last of these ends",
            "Il sera mis en veille à %s, quand tout cela aura pris fin",
            stamp(page, last_end(leases), at));
    if (text_is(sleep, "via", "agent"))
        say(page, ", if its agent agrees", ", si son agent l’accepte");
    buf_puts(page->out, ".\n");
    if (json_count(leases) > 0)
        say(page, "To end it now: hallctl sleep %s --force\n",
            "Pour y mettre fin tout de suite" NBSP ": hallctl sleep %s --force\n",
            page->server->id);
}

static void write_rouse(const struct page *page)
{
    const struct json *guard = json_get(page->status, "guard");
    const int64_t until = why_time(guard, "until");
    const char *name = json_get_string(guard, "name");
    char at[LOCAL_SIZE];

    if (name && until > 0)
        say(page, "The guard %s refuses to wake it until %s.\n",
            "La garde %s refuse de le réveiller jusqu’à %s.\n", name, stamp(page, until, at));
    else if (name)
        say(page, "The guard %s refuses to wake it.\n", "La garde %s refuse de le réveiller.\n",
            name);
    if (is_state(page, IS_DOWN))
        say(page, "A visit of its sites wakes it, or: hallctl wake %s --wait\n",
            "Une visite de ses sites le réveille, ou" NBSP ": hallctl wake %s --wait\n",
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
    say(page, "Its policy is %s", "Sa politique est «" NBSP "%s" NBSP "»",
        word(page, PARAM_POLICY, policy));
    if (json_number(json_get(page->config, "idle_s"), &idle))
        say(page, "; a visit keeps it on for %s",
            NNBSP "; une visite le maintient allumé pendant %s",
            span((int64_t)(idle * 1000), shown));
    if (json_get_bool(page->config, "keep_awake", false))
        say(page, "; keep-awake is on", NNBSP "; keep-awake est activé");
    buf_puts(page->out, ".\n");
    if (json_count(needs) == 0)
        return;
    say(page, "It needs", "Il a besoin de");
    for (const struct json *need = json_first(needs); need; need = json_next(need))
        say(page, "%s %s", "%s %s", need == json_first(needs) ? "" : ",",
            or_else(json_string(need), "?"));
    buf_puts(page->out, ".\n");
}

static void write_next(const struct page *page)
{
    const struct json *next = json_get(page->status, "next_event");
    const int64_t at = why_time(next, "at");
    char shown[LOCAL_SIZE];

    if (at == 0)
        return;
    say(page, "Next: at %s %s: ", "Ensuite" NBSP ": à %s, %s" NBSP ": ", stamp(page, at, shown),
        say_coming(or_else(json_get_string(next, "what"), "?"), page->how.language));
    say_key_or_not(page, next, "reason");
    buf_puts(page->out, ".\n");
}

static void write_check(const struct page *page, const struct json *check)
{
    const char *site = json_get_string(check, "site");
    struct buf reason = BUF_INIT(SAY_SENTENCE_MAX);
    bool passing;
    int64_t status;

    say(page, "; %s", NNBSP "; %s", or_else(json_get_string(check, "kind"), "?"));
    if (site)
        say(page, " (%s)", " (%s)", site);
    if (!json_bool(json_get(check, "passing"), &passing))
        say(page, " not known", NBSP ": inconnu");
    else if (passing)
        say(page, " passes", NBSP ": bon");
    else
        say(page, " fails", NBSP ": échec");
    if (json_integer(json_get(check, "status"), &status) && status > 0)
        say(page, ", HTTP %lld", ", HTTP %lld", (long long)status);
    if (say_member(check, "reason", page->how, &reason))
        say(page, " (%s)", " (%s)", buf_text(&reason));
    buf_finish(&reason);
}

static const char *agent_word(const struct page *page, const char *said)
{
    static const char *const french[][2] = {
        {"online", "en ligne"}, {"sleeping", "en veille"}, {"offline", "hors ligne"}};

    for (size_t i = 0; page->how.language == SAY_FRENCH && i < ARRAY_SIZE(french); i++)
        if (strcmp(french[i][0], said) == 0)
            return french[i][1];
    return said;
}

static void write_evidence(const struct page *page)
{
    const struct json *evidence = json_get(page->status, "evidence");
    const char *agent = json_get_string(evidence, "agent");
    const struct json *checks = json_get(evidence, "checks");

    if (!evidence || json_type(evidence) != JSON_OBJECT)
        return;
    if (agent)
        say(page, "Evidence: its agent says %s", "Indices" NBSP ": selon son agent, %s",
            agent_word(page, agent));
    else
        say(page, "Evidence: nothing was heard of its agent",
            "Indices" NBSP ": rien n’a été entendu de son agent");
    if (text_is(evidence, "mac", "match"))
        say(page, "; its MAC answers at its address",
            NNBSP "; son adresse MAC répond à son adresse");
    else if (text_is(evidence, "mac", "other"))
        say(page, "; another machine has its address: %s",
            NNBSP "; une autre machine a son adresse" NBSP ": %s",
            or_else(json_get_string(evidence, "other_mac"), "?"));
    for (const struct json *check = json_first(checks); check; check = json_next(check))
        write_check(page, check);
    buf_puts(page->out, ".\n");
}

static void write_boot(const struct page *page)
{
    char shown[SPAN_SIZE];
    double boot;

    if (json_number(json_get(page->status, "last_boot_s"), &boot))
        say(page, "The last wake took %s.\n", "Le dernier réveil a pris %s.\n",
            span((int64_t)(boot * 1000), shown));
}

void why_write(const struct known *server, struct say_how how, struct buf *out)
{
    static void (*const parts[])(const struct page *page) = {
        write_state,  write_problem, write_leases, write_wake,   write_sleep,    write_refusal,
        write_vetoes, write_rouse,   write_next,   write_policy, write_evidence, write_boot,
    };
    const struct page page = {server, server->status, server->config, how, out};

    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        parts[i](&page);
}

void why_write_short(const struct known *server, struct say_how how, struct buf *out)
{
    const struct page page = {server, server->status, server->config, how, out};
    const struct json *leases = leases_of(server->status);

    if (say_key(&page, server->status, "problem"))
        return;
    if (json_count(leases) == 0)
        say_key(&page, server->status, "reason");
    for (const struct json *lease = json_first(leases); lease; lease = json_next(lease)) {
        buf_puts(out, lease == json_first(leases) ? "" : ", ");
        write_lease_words(&page, lease);
    }
    if (leases_more(server->status) > 0)
        say(&page, " and %" PRId64 " more", " et %" PRId64 " de plus", leases_more(server->status));
}
