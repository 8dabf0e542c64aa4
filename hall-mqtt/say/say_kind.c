#include "say/say_kind.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/number.h"
#include "base/text.h"
#include "core/facts/lease.h"

#define NNBSP       "\u202f" /* before a French unit */
#define NUMBER_MOST (INT64_C(1) << 52)

enum { WORDS_MAX = 16, TEXT_MOST = 2048 };

/* ---- numbers and times in sentences ---- */

static bool is_french(struct say_how how)
{
    return how.language == SAY_FRENCH;
}

static void show_count(int64_t number, const char *unit, struct say_how how, struct buf *out)
{
    buf_printf(out, is_french(how) ? "%lld" NNBSP "%s" : "%lld %s", (long long)number, unit);
}

static void show_number(int64_t number, struct say_how how, struct buf *out)
{
    (void)how;
    buf_printf(out, "%lld", (long long)number);
}

static void show_seconds(int64_t ms, struct say_how how, struct buf *out)
{
    show_number(ms / 1000, how, out);
}

/* "1.2 MB", from 10 on without a fraction. */
static void show_size(int64_t bytes, const char *per, struct say_how how, struct buf *out)
{
    static const char *const units[SAY_LANGUAGES][4] = {{"kB", "MB", "GB", "TB"},
                                                        {"ko", "Mo", "Go", "To"}};
    static const char *const few[SAY_LANGUAGES][2] = {{"bytes", "B"}, {"octets", "o"}};
    double number = (double)bytes / 1000;
    char digits[32];
    size_t unit = 0;

    while (number >= 999.5 && unit < 3) {
        number /= 1000;
        unit++;
    }
    if (bytes < 1000) {
        show_count(bytes, few[how.language][*per != '\0'], how, out);
    } else {
        snprintf(digits, sizeof(digits), number < 9.95 ? "%.1f" : "%.0f", number);
        char *point = strchr(digits, '.');
        if (point && is_french(how))
            *point = ',';
        buf_printf(out, "%s%s%s", digits, is_french(how) ? NNBSP : " ", units[how.language][unit]);
    }
    buf_puts(out, per);
}

static void show_bytes(int64_t bytes, struct say_how how, struct buf *out)
{
    show_size(bytes, "", how, out);
}

static void show_rate(int64_t bytes, struct say_how how, struct buf *out)
{
    show_size(bytes, "/s", how, out);
}

static void show_ago(int64_t at, struct say_how how, struct buf *out)
{
    const int64_t ms = how.now > at ? how.now - at : 0;

    buf_puts(out, is_french(how) ? "il y a " : "");
    if (ms < 60000)
        show_count(ms / 1000, "s", how, out);
    else if (ms < 5400000)
        show_count(ms / 60000, "min", how, out);
    else
        show_count(ms / 3600000, "h", how, out);
    buf_puts(out, is_french(how) ? "" : " ago");
}

static void show_quiet(int64_t ms, struct say_how how, struct buf *out)
{
    if (ms < 90000)
        show_count(ms / 1000, "s", how, out);
    else
        show_count(ms / 60000, "min", how, out);
}

static void show_span(int64_t ms, struct say_how how, struct buf *out)
{
    char text[RFC3339_SIZE];

    (void)how;
    buf_puts(out, duration_format(ms, text, sizeof(text)));
}

/* Hundredths and thousandths, with the language's mark. */
static void show_hundredths(int64_t number, struct say_how how, struct buf *out)
{
    buf_printf(out, "%lld%s%02lld", (long long)(number / 100), is_french(how) ? "," : ".",
               (long long)(number % 100));
}

static void show_exact(int64_t ms, struct say_how how, struct buf *out)
{
    buf_printf(out, "%lld%s%03lld", (long long)(ms / 1000), is_french(how) ? "," : ".",
               (long long)(ms % 1000));
}

static void show_instant(int64_t at, struct say_how how, struct buf *out)
{
    char text[RFC3339_SIZE], shown[LOCAL_SIZE];

    if (how.local)
        buf_puts(out, local_short(how.local, at - how.behind, how.now - how.behind, shown));
    else
        buf_puts(out, rfc3339_format(at, text));
}

/* Of a time that is near, hours and minutes are what people want. */
static void show_clock(int64_t at, struct say_how how, struct buf *out)
{
    char text[RFC3339_SIZE];

    if (how.local)
        show_instant(at, how, out);
    else
        buf_printf(out, "%.5s UTC", rfc3339_format(at, text) + 11);
}

/* ---- values in JSON ---- */

static void put_hundredths(struct json_writer *json, const char *key, int64_t number)
{
    json_put_number(json, key, (double)number / 100);
}

static bool read_scaled(const struct json *json, double factor, struct told_value *value)
{
    double number;

    if (!json_number(json, &number) || number < 0 || number * factor > (double)NUMBER_MOST)
        return false;
    value->number = (int64_t)(number * factor + 0.5);
    return true;
}

static bool read_number(const struct json *json, struct told_value *value)
{
    return read_scaled(json, 1, value);
}

static bool read_hundredths(const struct json *json, struct told_value *value)
{
    return read_scaled(json, 100, value);
}

static bool read_seconds(const struct json *json, struct told_value *value)
{
    return read_scaled(json, 1000, value);
}

static bool read_time(const struct json *json, struct told_value *value)
{
    const char *text = json_string(json);

    return text && rfc3339_parse(text, &value->number) == 0 && value->number > 0;
}

static bool read_text(const struct json *json, struct told_value *value)
{
    value->text = json_string(json);
    return value->text && value->text[0] != '\0' && strlen(value->text) <= TEXT_MOST;
}

/* ---- which numbers are known ---- */

static bool is_some(int64_t number)
{
    return number != 0;
}

static bool is_not_negative(int64_t number)
{
    return number >= 0;
}

static bool is_time(int64_t at)
{
    return at > 0 && at != LEASE_FOREVER;
}

/* ---- words of closed lists ---- */

/* after: the word behind the last one. */
#define WORDS(list_, n_, after_)                                                                   \
    static const char *list_##_word(unsigned word)                                                 \
    {                                                                                              \
        const unsigned n = (n_);                                                                   \
        return word < n ? list_##_name(word) : word == n ? (after_) : NULL;                        \
    }
WORDS(stage, STAGES, "none")
WORDS(guard, GUARDS, NULL)
WORDS(command_action, COMMAND_ACTIONS, "command")
WORDS(policy_mode, POLICY_ON_DEMAND + 1, NULL)
WORDS(power_state, POWER_STATES, NULL)
WORDS(project_verb, PROJECT_VERBS, NULL)
WORDS(stream_kind, STREAM_KINDS, NULL)
WORDS(wake_kind, WAKE_KINDS, NULL)

bool say_find_word(const char *(*list)(unsigned word), const char *name, uint8_t *ret_word)
{
    for (unsigned word = 0; word < WORDS_MAX; word++) {
        const char *known = list(word);

        if (!known || strcmp(known, name) != 0)
            continue;
        *ret_word = (uint8_t)word;
        return true;
    }
    return false;
}

/* ---- what the subject is ---- */

/* A model with fewer servers or sites than the fact says is none of its own: it has no names. */
static bool fits(int subject, size_t n)
{
    return subject >= 0 && (size_t)subject < n;
}

static const char *server_text(const struct fact_part *part, const struct model *model, char *about)
{
    (void)about;
    return fits(part->subject, model->n_servers) ? model->servers[part->subject].id : NULL;
}

static const char *group_text(const struct fact_part *part, const struct model *model, char *about)
{
    (void)about;
    return fits(part->subject, model->n_servers) ? model->servers[part->subject].group : NULL;
}

static const char *domain_text(const struct fact_part *part, const struct model *model, char *about)
{
    (void)about;
    return fits(part->subject, model->n_domains) ? model->domains[part->subject].name : NULL;
}

static const char *site_text(const struct fact_part *part, const struct model *model, char *about)
{
    (void)about;
    return fits(part->subject, model->n_sites) ? model->sites[part->subject].id : NULL;
}

/* The check of a fact about a check; NULL: it names none. */
static const struct model_check *check_of(const struct fact_part *part, const struct model *model)
{
    if (!fits(part->subject, model->n_servers) ||
        part->word >= model->servers[part->subject].n_checks)
        return NULL;
    return &model->servers[part->subject].checks[part->word];
}

static const char *check_kind_of(const struct model_check *check)
{
    return check->site != MODEL_NONE ? "site" : check_kind_name(check->kind);
}

/* What it looks at; an address is written to `about`. NULL: its agent. */
static const char *about_check(const struct model_check *check, const struct model *model,
                               char about[SAY_ABOUT_SIZE])
{
    char address[INET_ADDRSTRLEN] = "";

    if (check->site != MODEL_NONE)
        return model->sites[check->site].id;
    if (check->kind == CHECK_HTTP)
        return check->url;
    if (check->kind == CHECK_AGENT)
        return NULL;
    inet_ntop(AF_INET, &check->address, address, sizeof(address));
    if (check->kind == CHECK_TCP)
        snprintf(about, SAY_ABOUT_SIZE, "%s:%u", address, (unsigned)check->port);
    else
        snprintf(about, SAY_ABOUT_SIZE, "%s", address);
    return about;
}

static const char *check_text(const struct fact_part *part, const struct model *model, char *about)
{
    const struct model_check *check = check_of(part, model);

    (void)about;
    return check ? check_kind_of(check) : NULL;
}

static const char *about_text(const struct fact_part *part, const struct model *model, char *about)
{
    const struct model_check *check = check_of(part, model);

    return check ? about_check(check, model, about) : NULL;
}

bool say_find_check(const char *kind, const char *about, const struct model *model, int server,
                    struct fact_part *part)
{
    char text[SAY_ABOUT_SIZE];

    for (size_t i = 0; server != MODEL_NONE && i < model->servers[server].n_checks; i++) {
        const struct model_check *check = &model->servers[server].checks[i];

        if (!text_equal(check_kind_of(check), kind) ||
            !text_equal(about_check(check, model, text), about))
            continue;
        part->subject = server;
        part->word = (uint8_t)i;
        return true;
    }
    return false;
}

/* ---- the table ---- */

/* clang-format off */
#define TIME    .holds = is_time, .put = json_put_time, .read = read_time
#define MS      .holds = is_not_negative, .put = json_put_seconds, .read = read_seconds
#define INTEGER .put = json_put_integer, .read = read_number

const struct say_kind say_kinds[PARAM_KINDS] = {
    [PARAM_SERVER] = {.read = read_text, .text = server_text, .find = model_server_by_id},
    [PARAM_DOMAIN] = {.read = read_text, .text = domain_text, .find = model_domain_by_host},
    [PARAM_SITE] = {.read = read_text, .text = site_text, .find = model_site_by_id},
    [PARAM_CHECK] = {.read = read_text, .text = check_text},
    [PARAM_ABOUT] = {.read = read_text, .text = about_text},
    [PARAM_GROUP] = {.read = read_text, .text = group_text},
    [PARAM_STAGE] = {.read = read_text, .word = stage_word},
    [PARAM_GUARD] = {.read = read_text, .word = guard_word},
    [PARAM_ACTION] = {.read = read_text, .word = command_action_word},
    [PARAM_POLICY] = {.read = read_text, .word = policy_mode_word},
    [PARAM_STATE] = {.read = read_text, .word = power_state_word},
    [PARAM_VERB] = {.read = read_text, .word = project_verb_word},
    [PARAM_STREAM] = {.read = read_text, .word = stream_kind_word},
    [PARAM_KIND] = {.read = read_text, .word = wake_kind_word},
    [PARAM_NUMBER] = {INTEGER, .holds = is_some, .show = show_number},
    [PARAM_SECONDS] = {MS, .show = show_seconds},
    [PARAM_EXACT] = {MS, .show = show_exact},
    [PARAM_SPAN] = {MS, .show = show_span},
    [PARAM_QUIET] = {MS, .show = show_quiet},
    [PARAM_BYTES] = {INTEGER, .holds = is_not_negative, .show = show_bytes},
    [PARAM_RATE] = {INTEGER, .holds = is_not_negative, .show = show_rate},
    [PARAM_LOAD] = {.holds = is_not_negative, .show = show_hundredths, .put = put_hundredths, .read = read_hundredths},
    [PARAM_AGO] = {TIME, .show = show_ago},
    [PARAM_CLOCK] = {TIME, .show = show_clock},
    [PARAM_INSTANT] = {TIME, .show = show_instant},
    [PARAM_TEXT] = {.read = read_text},
};
/* clang-format on */
