#include "config/complaint.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "config/arena.h"

/* Room for every name that is allowed. */
enum { POINTER_MAX = 64 * 1024, POINTER_SHOWN = 1024, TEXT_SHOWN = 640, WORD_MAX = 32 };

static const char *const codes[COMPLAINTS] = {
    [COMPLAINT_FILE] = "config.file",         [COMPLAINT_SYNTAX] = "config.syntax",
    [COMPLAINT_VALUE] = "config.value",       [COMPLAINT_UNKNOWN_KEY] = "config.unknown_key",
    [COMPLAINT_MISSING] = "config.missing",   [COMPLAINT_CONFLICT] = "config.conflict",
    [COMPLAINT_SECRET] = "config.secret",     [COMPLAINT_UNSET] = "config.unset",
    [COMPLAINT_VARIABLE] = "config.variable", [COMPLAINT_MORE] = "config.more",
};

const char *complaint_code_name(enum complaint_code code)
{
    return codes[code];
}

/* ---- the list ---- */

static const char *keep(struct report *report, const char *text, size_t most)
{
    char shown[POINTER_SHOWN];

    return arena_copy(report->memory, text_show(shown, most, text, strlen(text)));
}

static struct phrase keep_phrase(struct report *report, struct phrase phrase)
{
    for (size_t i = 0; i < ARRAY_SIZE(phrase.texts); i++)
        if (phrase.texts[i])
            phrase.texts[i] = keep(report, phrase.texts[i], TEXT_SHOWN);
    return phrase;
}

/* Without memory it is only counted. */
static void add(struct report *report, const struct complaint *given)
{
    if (!report->memory)
        report->memory = arena_create();
    struct complaint *complaint =
        report->memory ? arena_alloc(report->memory, 1, sizeof(*complaint)) : NULL;
    if (!complaint)
        return;
    *complaint = *given;
    complaint->subject = keep(report, given->subject ? given->subject : "", POINTER_SHOWN);
    complaint->found = keep_phrase(report, given->found);
    complaint->allowed = keep_phrase(report, given->allowed);
    if (given->pointer)
        complaint->pointer = keep(report, given->pointer, POINTER_SHOWN);
    if (arena_failed(report->memory))
        return;
    if (report->last)
        report->last->next = complaint;
    else
        report->first = complaint;
    report->last = complaint;
}

void report_begin(struct report *report, const char *file)
{
    report->file = file;
    report->n = 0;
}

void report_finish(struct report *report)
{
    if (report->memory)
        arena_destroy(report->memory);
    *report = (struct report){0};
}

static void add_pointer(struct buf *out, const struct pointer *at)
{
    if (!at)
        return;
    add_pointer(out, at->parent);
    buf_putc(out, '/');
    if (at->key)
        json_pointer_key(out, at->key);
    else
        buf_printf(out, "%zu", at->index);
}

void report_error(struct report *report, enum complaint_code code, const struct pointer *at,
                  struct phrase found, struct phrase allowed)
{
    if (report->n++ >= REPORT_ERRORS_MAX)
        return;
    struct buf place = BUF_INIT(POINTER_MAX);
    add_pointer(&place, at);
    add(report, &(struct complaint){.code = code,
                                    .subject = report->file,
                                    .pointer = buf_text(&place),
                                    .found = found,
                                    .allowed = allowed});
    buf_finish(&place);
}

void report_error_at(struct report *report, enum complaint_code code, const char *const *keys,
                     struct phrase found, struct phrase allowed)
{
    struct pointer chain[8];
    size_t n = 0;
    for (; keys[n] && n < ARRAY_SIZE(chain); n++)
        chain[n] = (struct pointer){.parent = n > 0 ? &chain[n - 1] : NULL, .key = keys[n]};
    report_error(report, code, n > 0 ? &chain[n - 1] : NULL, found, allowed);
}

void report_whole(struct report *report, enum complaint_code code, const char *subject,
                  struct phrase why)
{
    if (report->n++ < REPORT_ERRORS_MAX)
        add(report, &(struct complaint){.code = code, .subject = subject, .found = why});
}

void report_syntax(struct report *report, const struct json_error *error)
{
    report->n++;
    add(report, &(struct complaint){.code = COMPLAINT_SYNTAX,
                                    .subject = report->file,
                                    .line = error->line,
                                    .column = error->column,
                                    .found = PHRASE(SAID, .texts = {error->what})});
}

bool report_is_full(const struct report *report)
{
    return report->n >= REPORT_ERRORS_MAX;
}

int report_end(struct report *report)
{
    const size_t more = report->n - REPORT_ERRORS_MAX;

    if (report->n > REPORT_ERRORS_MAX)
        add(report, &(struct complaint){.code = COMPLAINT_MORE,
                                        .subject = report->file,
                                        .found = PHRASE(MORE, .numbers = {(int64_t)more})});
    return report->n > 0 ? -EINVAL : 0;
}

/* ---- for people and programs ---- */

#define NBSP  "\u00a0"
#define NNBSP "\u202f"

/* {"found ", "; allowed: "} */
static const char *const around[CONFIG_LANGUAGES][2] = {
    {"found ", "; allowed: "}, {"trouvé" NBSP ": ", NNBSP "; attendu" NBSP ": "}};

void complaint_say_message(const struct complaint *complaint, enum config_language language,
                           struct buf *out)
{
    if (complaint->pointer)
        buf_puts(out, around[language][0]);
    phrase_say(&complaint->found, language, out);
    if (!complaint->pointer)
        return;
    buf_puts(out, around[language][1]);
    phrase_say(&complaint->allowed, language, out);
}

/* "FILE: /json/pointer", "FILE:3:7", "FILE" */
static void say_subject(const struct complaint *complaint, struct buf *out)
{
    buf_puts(out, complaint->subject);
    if (complaint->line > 0)
        buf_printf(out, ":%u:%u", complaint->line, complaint->column);
    if (complaint->pointer)
        buf_printf(out, ": %s", complaint->pointer[0] ? complaint->pointer : "/");
}

void complaint_say(const struct complaint *complaint, enum config_language language,
                   struct buf *out)
{
    say_subject(complaint, out);
    buf_puts(out, ": ");
    complaint_say_message(complaint, language, out);
}

void complaint_say_place(const struct complaint *complaint, enum config_language language,
                         struct buf *out)
{
    if (complaint->pointer)
        say_subject(complaint, out);
    else
        complaint_say(complaint, language, out);
}

void report_say(const struct report *report, enum config_language language, struct buf *out)
{
    for (const struct complaint *at = report->first; at; at = at->next) {
        complaint_say(at, language, out);
        buf_putc(out, '\n');
    }
}

static void put_count(struct json_writer *json, const char *key, unsigned count)
{
    if (count > 0)
        json_put_integer(json, key, count);
    else
        json_put_null(json, key);
}

void complaint_put(struct json_writer *json, const char *key, const struct complaint *complaint)
{
    json_begin_object(json, key);
    json_put_string(json, "code", codes[complaint->code]);
    json_put_string(json, "subject", complaint->subject);
    json_put_string(json, "pointer", complaint->pointer);
    put_count(json, "line", complaint->line);
    put_count(json, "column", complaint->column);
    phrase_put(json, "found", &complaint->found);
    phrase_put(json, "allowed", &complaint->allowed);
    json_end_object(json);
}

/* ---- values ---- */

/* What stands before the '@' of a URL is nobody's business. */
static void show_string(const char *text, char *out, size_t size)
{
    char shown[SHOWN_SIZE - 24];
    const char *authority = strstr(text, "://");
    const char *at_sign = authority ? strrchr(authority, '@') : NULL;

    if (!at_sign) {
        snprintf(out, size, "\"%s\"", text_show(shown, sizeof(shown), text, strlen(text)));
        return;
    }
    text_show(shown, sizeof(shown), at_sign, strlen(at_sign));
    size_t scheme = (size_t)(authority - text) < 12 ? (size_t)(authority - text) : 0;
    snprintf(out, size, "\"%.*s://***%s\"", (int)scheme, text, shown);
}

struct phrase report_show(const struct json *value, char shown[SHOWN_SIZE])
{
    double number = 0;
    bool flag = false;

    switch (json_type(value)) {
    case JSON_STRING:
        show_string(json_string(value), shown, SHOWN_SIZE);
        break;
    case JSON_NUMBER:
        json_number(value, &number);
        snprintf(shown, SHOWN_SIZE, "%.15g", number);
        break;
    case JSON_BOOL:
        json_bool(value, &flag);
        snprintf(shown, SHOWN_SIZE, "%s", flag ? "true" : "false");
        break;
    case JSON_NULL:
        snprintf(shown, SHOWN_SIZE, "null");
        break;
    case JSON_ARRAY:
        return PHRASE(ARRAY, .numbers = {(int64_t)json_count(value)});
    case JSON_OBJECT:
        return PHRASE(OBJECT);
    }
    return PHRASE(VALUE, .texts = {shown});
}

unsigned report_distance(const char *a, const char *b)
{
    size_t length_a = strlen(a);
    size_t length_b = strlen(b);
    unsigned row[WORD_MAX + 1];

    if (length_a > WORD_MAX || length_b > WORD_MAX)
        return UINT_MAX;
    for (size_t j = 0; j <= length_b; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= length_a; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= length_b; j++) {
            unsigned best = diagonal + (a[i - 1] != b[j - 1]);
            best = row[j] + 1 < best ? row[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[length_b];
}
