#include "config/complaint.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"

enum {
    POINTER_MAX = 16 * 1024,
    POINTER_SHOWN = 256,
    FOUND_SHOWN = 160,
    ALLOWED_SHOWN = 320,
    WORD_MAX = 32
};

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

static void add_cut(struct buf *out, const char *text, size_t most)
{
    char shown[ALLOWED_SHOWN];
    buf_puts(out,
             text_show(shown, most < sizeof(shown) ? most : sizeof(shown), text, strlen(text)));
}

void report_error(struct report *report, const struct pointer *at, const char *found,
                  const char *allowed)
{
    if (report->n++ >= REPORT_LINES_MAX)
        return;
    struct buf place = BUF_INIT(POINTER_MAX);
    add_pointer(&place, at);
    buf_printf(report->errors, "%s: ", report->file);
    add_cut(report->errors, place.length > 0 ? buf_text(&place) : "/", POINTER_SHOWN);
    buf_puts(report->errors, ": found ");
    add_cut(report->errors, found, FOUND_SHOWN);
    buf_puts(report->errors, "; allowed: ");
    add_cut(report->errors, allowed, ALLOWED_SHOWN);
    buf_putc(report->errors, '\n');
    buf_finish(&place);
}

void report_error_at(struct report *report, const char *const *keys, const char *found,
                     const char *allowed)
{
    struct pointer chain[8];
    size_t n = 0;
    for (; keys[n] && n < ARRAY_SIZE(chain); n++)
        chain[n] = (struct pointer){.parent = n > 0 ? &chain[n - 1] : NULL, .key = keys[n]};
    report_error(report, n > 0 ? &chain[n - 1] : NULL, found, allowed);
}

bool report_is_full(const struct report *report)
{
    return report->n >= REPORT_LINES_MAX;
}

int report_end(struct report *report)
{
    if (report->n > REPORT_LINES_MAX)
        buf_printf(report->errors, "%s: and %zu more\n", report->file,
                   report->n - REPORT_LINES_MAX);
    return report->n > 0 ? -EINVAL : 0;
}

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

char *report_show(const struct json *value, char out[SHOWN_SIZE])
{
    double number = 0;
    bool flag = false;

    switch (json_type(value)) {
    case JSON_STRING:
        show_string(json_string(value), out, SHOWN_SIZE);
        break;
    case JSON_NUMBER:
        json_number(value, &number);
        snprintf(out, SHOWN_SIZE, "%.15g", number);
        break;
    case JSON_BOOL:
        json_bool(value, &flag);
        snprintf(out, SHOWN_SIZE, "%s", flag ? "true" : "false");
        break;
    case JSON_NULL:
        snprintf(out, SHOWN_SIZE, "null");
        break;
    case JSON_ARRAY:
        snprintf(out, SHOWN_SIZE, "an array of %zu", json_count(value));
        break;
    case JSON_OBJECT:
        snprintf(out, SHOWN_SIZE, "an object");
        break;
    }
    return out;
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
