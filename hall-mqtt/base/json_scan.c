#include "base/json_scan.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

struct scan {
    const char *start, *at, *end;
    unsigned depth, depth_max;
    size_t values, values_max;
    struct json_error *error;
};

/* The column counts characters, not bytes, as editors do. */
static void locate(const struct scan *scan, struct json_error *error)
{
    error->line = error->column = 1;
    for (const char *at = scan->start; at < scan->at; at++) {
        error->line += *at == '\n';
        error->column = *at == '\n' ? 1 : error->column + (((unsigned char)*at & 0xc0) != 0x80);
    }
}

__attribute__((format(printf, 3, 4))) static int fail(struct scan *scan, int error,
                                                      const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(scan->error->what, sizeof(scan->error->what), format, args);
    va_end(args);
    locate(scan, scan->error);
    return error;
}

/* "expected X, found what is here". */
static int fail_expected(struct scan *scan, const char *expected)
{
    char shown[8];
    if (scan->at == scan->end)
        return fail(scan, -EBADMSG, "the text ends where %s is expected", expected);
    size_t step = text_utf8_step(scan->at, (size_t)(scan->end - scan->at));
    text_show(shown, sizeof(shown), scan->at, step == 0 ? 1 : step);
    return fail(scan, -EBADMSG, "found \"%s\" where %s is expected", shown, expected);
}

static char peek(const struct scan *scan)
{
    if (scan->at < scan->end)
        return *scan->at;
    return '\0';
}

static bool accept_char(struct scan *scan, char c)
{
    const bool found = scan->at < scan->end && *scan->at == c;
    scan->at += found;
    return found;
}

static void skip_space(struct scan *scan)
{
    while (peek(scan) != '\0' && strchr(" \t\n\r", peek(scan)))
        scan->at++;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int scan_digits(struct scan *scan)
{
    if (!is_digit(peek(scan)))
        return fail_expected(scan, "a digit");
    while (is_digit(peek(scan)))
        scan->at++;
    return 0;
}

static int check_magnitude(struct scan *scan, const char *start)
{
    char number[JSON_NUMBER_MAX + 1];
    size_t length = (size_t)(scan->at - start);
    if (length >= sizeof(number)) {
        scan->at = start;
        return fail(scan, -EBADMSG, "a number has %zu characters; %d are allowed", length,
                    JSON_NUMBER_MAX);
    }
    memcpy(number, start, length);
    number[length] = '\0';
    if (isfinite(strtod(number, NULL)))
        return 0;
    scan->at = start;
    return fail(scan, -EBADMSG, "the number %s is too large", number);
}

static int scan_number(struct scan *scan)
{
    const char *start = scan->at;
    int r = 0;

    accept_char(scan, '-');
    if (accept_char(scan, '0')) {
        if (is_digit(peek(scan)))
            return fail(scan, -EBADMSG, "a number begins with a zero too many");
    } else {
        r = scan_digits(scan);
    }
    if (r == 0 && accept_char(scan, '.'))
        r = scan_digits(scan);
    if (r == 0 && (accept_char(scan, 'e') || accept_char(scan, 'E'))) {
        if (!accept_char(scan, '+'))
            accept_char(scan, '-');
        r = scan_digits(scan);
    }
    return r < 0 ? r : check_magnitude(scan, start);
}

static bool scan_hex4(struct scan *scan, unsigned *ret_unit)
{
    static const char digits[] = "0123456789abcdef";
    *ret_unit = 0;
    for (int i = 0; i < 4; i++, scan->at++) {
        const char *found = strchr(digits, tolower((unsigned char)peek(scan)));
        if (!found || *found == '\0')
            return false;
        *ret_unit = *ret_unit << 4 | (unsigned)(found - digits);
    }
    return true;
}

/* Behind "\u". A surrogate is only good as the first of a pair. */
static int scan_unicode_escape(struct scan *scan)
{
    unsigned unit;
    unsigned low;

    if (!scan_hex4(scan, &unit))
        return fail_expected(scan, "a hexadecimal digit of \\uXXXX");
    if (unit == 0)
        return fail(scan, -EBADMSG, "\\u0000 in a string is not accepted");
    if (unit < 0xd800 || unit > 0xdfff)
        return 0;
    if (unit <= 0xdbff && accept_char(scan, '\\') && accept_char(scan, 'u') &&
        scan_hex4(scan, &low) && low >= 0xdc00 && low <= 0xdfff)
        return 0;
    return fail(scan, -EBADMSG, "half of a surrogate pair in a \\u escape");
}

static int scan_escape(struct scan *scan)
{
    char c = peek(scan);
    if (c == '\0' || !strchr("\"\\/bfnrtu", c))
        return fail_expected(scan, "one of \" \\ / b f n r t u behind a backslash");
    scan->at++;
    return c == 'u' ? scan_unicode_escape(scan) : 0;
}

static int scan_character(struct scan *scan)
{
    if ((unsigned char)*scan->at < 0x20)
        return fail(scan, -EBADMSG,
                    "a control character (0x%02x) in a string; write it as \\u00%02x",
                    (unsigned)*scan->at, (unsigned)*scan->at);
    size_t step = text_utf8_step(scan->at, (size_t)(scan->end - scan->at));
    if (step == 0)
        return fail(scan, -EBADMSG, "broken UTF-8 (byte 0x%02x)", (unsigned char)*scan->at);
    scan->at += step;
    return 0;
}

static int scan_string(struct scan *scan)
{
    const char *start = scan->at++;
    while (scan->at < scan->end) {
        if (accept_char(scan, '"'))
            return 0;
        int r = accept_char(scan, '\\') ? scan_escape(scan) : scan_character(scan);
        if (r < 0)
            return r;
    }
    scan->at = start;
    return fail(scan, -EBADMSG, "a string begins here and never ends");
}

static int scan_value(struct scan *scan);

static int scan_member(struct scan *scan)
{
    if (peek(scan) != '"')
        return fail_expected(scan, "a key in double quotes");
    int r = scan_string(scan);
    if (r < 0)
        return r;
    skip_space(scan);
    if (!accept_char(scan, ':'))
        return fail_expected(scan, "':'");
    return scan_value(scan);
}

static int scan_container(struct scan *scan, char close, int (*scan_item)(struct scan *))
{
    if (scan->depth == scan->depth_max)
        return fail(scan, -EMSGSIZE, "nested more than %u deep", scan->depth_max);
    scan->at++;
    skip_space(scan);
    if (accept_char(scan, close))
        return 0;
    scan->depth++;
    for (;;) {
        skip_space(scan);
        int r = scan_item(scan);
        if (r < 0)
            return r;
        skip_space(scan);
        if (accept_char(scan, close))
            break;
        if (!accept_char(scan, ','))
            return fail_expected(scan, close == '}' ? "',' or '}'" : "',' or ']'");
    }
    scan->depth--;
    return 0;
}

static int scan_word(struct scan *scan, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(scan->end - scan->at) < length || memcmp(scan->at, word, length) != 0)
        return fail_expected(scan, "a value");
    scan->at += length;
    return 0;
}

static int scan_value(struct scan *scan)
{
    skip_space(scan);
    if (++scan->values > scan->values_max)
        return fail(scan, -EMSGSIZE, "more than %zu values", scan->values_max);
    switch (peek(scan)) {
    case '{':
        return scan_container(scan, '}', scan_member);
    case '[':
        return scan_container(scan, ']', scan_value);
    case '"':
        return scan_string(scan);
    case 't':
        return scan_word(scan, "true");
    case 'f':
        return scan_word(scan, "false");
    case 'n':
        return scan_word(scan, "null");
    default:
        break;
    }
    if (peek(scan) == '-' || is_digit(peek(scan)))
        return scan_number(scan);
    return fail_expected(scan, "a value");
}

int json_scan(const char *bytes, size_t length, const struct json_limits *limits,
              struct json_error *ret_error)
{
    struct scan scan = {
        .start = bytes,
        .at = bytes,
        .end = bytes + length,
        .depth_max = limits->depth < JSON_DEPTH_MAX ? limits->depth : JSON_DEPTH_MAX,
        .values_max =
            limits->bytes / 8 + 1, /* a value costs cJSON 64 bytes, so memory is bounded */
        .error = ret_error,
    };
    if (length > limits->bytes) {
        *ret_error = (struct json_error){0};
        snprintf(ret_error->what, sizeof(ret_error->what), "%zu bytes; at most %zu are allowed",
                 length, limits->bytes);
        return -EMSGSIZE;
    }
    if (length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
        return fail(&scan, -EBADMSG, "the text begins with a byte order mark; save it without");
    int r = scan_value(&scan);
    if (r < 0)
        return r;
    skip_space(&scan);
    return scan.at == scan.end ? 0 : fail_expected(&scan, "the end of the text");
}
