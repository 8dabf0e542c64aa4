#include "simulate/telling.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/number.h"

enum { LINE_LIMIT = 8192 };

static const int64_t minute = 60000, hour = 3600000, day = 86400000;

/* ---- times within the core's sentences ---- */

/* "2026-03-28T09:00:00Z" at the beginning of text? */
static bool is_instant(const char *text, int64_t *ret_at)
{
    char word[21];

    if (strlen(text) < 20 || text[19] != 'Z')
        return false;
    snprintf(word, sizeof(word), "%.20s", text);
    return rfc3339_parse(word, ret_at) == 0;
}

/* "14:32 UTC" at the beginning of text? As the next time at which it is so late. */
static bool is_time_of_day(const char *text, int64_t now, int64_t *ret_at)
{
    if (strlen(text) < 9 || strncmp(text + 5, " UTC", 4) != 0 || text[2] != ':' ||
        !isdigit((unsigned char)text[0]) || !isdigit((unsigned char)text[1]) ||
        !isdigit((unsigned char)text[3]) || !isdigit((unsigned char)text[4]))
        return false;
    const int64_t of_day = ((text[0] - '0') * 10 + (text[1] - '0')) * hour +
                           ((text[3] - '0') * 10 + (text[4] - '0')) * minute;
    *ret_at = now - now % day + of_day;
    if (*ret_at + minute <= now)
        *ret_at += day;
    return true;
}

/* The core speaks of UTC by Hall's clock; whoever reads this thinks in the zone of the script. */
static void add_localized(const struct telling *telling, struct buf *out, const char *text)
{
    char shown[LOCAL_SIZE];
    int64_t at = 0;

    while (*text) {
        const size_t length = is_instant(text, &at)                                       ? 20
                              : is_time_of_day(text, telling->now + telling->behind, &at) ? 9
                                                                                          : 0;
        if (length > 0)
            buf_puts(out, local_short(telling->local, at - telling->behind, telling->now, shown));
        else
            buf_putc(out, *text);
        text += length > 0 ? length : 1;
    }
}

/* ---- lines ---- */

static void print_text(const struct telling *telling, const char *subject, const char *what,
                       const char *text)
{
    char stamp[LOCAL_SIZE];

    fprintf(telling->out, "%s  %-*s  %-15s  %s\n", local_stamp(telling->local, telling->now, stamp),
            telling->width, subject, what, text);
}

static void print_buf(const struct telling *telling, struct buf *out)
{
    if (buf_error(out) == 0)
        fprintf(telling->out, "%s\n", buf_text(out));
    buf_finish(out);
}

static void print_json(const struct telling *telling, const char *subject, const char *what,
                       const char *text)
{
    struct buf out = BUF_INIT(LINE_LIMIT);
    struct json_writer writer;
    char stamp[LOCAL_SIZE];

    json_writer_init(&writer, &out);
    json_begin_object(&writer, NULL);
    json_put_time(&writer, "at", telling->now);
    json_put_string(&writer, "local", local_stamp(telling->local, telling->now, stamp));
    json_put_string(&writer, "subject", subject);
    json_put_string(&writer, "what", what);
    json_put_string(&writer, "text", text);
    json_end_object(&writer);
    print_buf(telling, &out);
}

void telling_line(const struct telling *telling, const char *subject, const char *what,
                  const char *format, ...)
{
    char text[TELLING_TEXT_SIZE];
    struct buf localized = BUF_INIT(2 * sizeof(text));
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    add_localized(telling, &localized, text);
    if (telling->json)
        print_json(telling, subject, what, buf_text(&localized));
    else
        print_text(telling, subject, what, buf_text(&localized));
    buf_finish(&localized);
}

/* ---- the summary ---- */

static bool is_metered(const struct telling_account *account)
{
    return account->watts_on >= 0 && account->watts_asleep >= 0;
}

static double kwh(double watts, int64_t ms)
{
    return watts * (double)ms / 3.6e9;
}

static double used(const struct telling_account *account, int64_t whole)
{
    return kwh(account->watts_on, account->on) + kwh(account->watts_asleep, whole - account->on);
}

static void print_account(const struct telling *telling, const struct telling_account *account,
                          int64_t whole)
{
    char on[32], wait[32] = "-", energy[64] = "-";

    if (account->wait >= 0)
        duration_show(account->wait, wait, sizeof(wait));
    if (is_metered(account))
        snprintf(energy, sizeof(energy), "%.2f kWh of %.2f", used(account, whole),
                 kwh(account->watts_on, whole));
    fprintf(telling->out, "%-*s  %12s %3.0f %%  %6u  %5u  %6u  %7u  %12s%s  %s\n", telling->width,
            account->server, duration_show(account->on, on, sizeof(on)),
            100.0 * (double)account->on / (double)whole, account->visits, account->wakes,
            account->failed, account->refused, wait, account->waiting ? "+" : " ", energy);
}

static void summary_text(const struct telling *telling, int64_t from, int64_t until,
                         const struct telling_account *accounts, size_t n)
{
    char first[LOCAL_SIZE], last[LOCAL_SIZE];
    bool waiting = false;

    fprintf(telling->out, "\n%s to %s, %s: %lld h\n", local_stamp(telling->local, from, first),
            local_stamp(telling->local, until, last), telling->local->zone,
            (long long)((until - from) / hour));
    fprintf(telling->out, "%-*s  %12s       %6s  %5s  %6s  %7s  %12s   %s\n", telling->width,
            "server", "on", "visits", "wakes", "failed", "refused", "longest wait",
            "energy, of always on");
    for (size_t i = 0; i < n; i++) {
        print_account(telling, &accounts[i], until - from);
        waiting |= accounts[i].waiting;
    }
    if (waiting)
        fputs("+ a visitor still waits at the end\n", telling->out);
}

static void put_energy(struct json_writer *writer, const struct telling_account *account,
                       int64_t whole)
{
    if (is_metered(account)) {
        json_put_number(writer, "kwh", used(account, whole));
        json_put_number(writer, "kwh_always_on", kwh(account->watts_on, whole));
    } else {
        json_put_null(writer, "kwh");
        json_put_null(writer, "kwh_always_on");
    }
}

static void put_account(struct json_writer *writer, const struct telling_account *account,
                        int64_t whole)
{
    json_begin_object(writer, NULL);
    json_put_string(writer, "server", account->server);
    json_put_seconds(writer, "on_s", account->on);
    json_put_integer(writer, "visits", account->visits);
    json_put_integer(writer, "wakes", account->wakes);
    json_put_integer(writer, "failed", account->failed);
    json_put_integer(writer, "refused", account->refused);
    if (account->wait >= 0)
        json_put_seconds(writer, "longest_wait_s", account->wait);
    else
        json_put_null(writer, "longest_wait_s");
    json_put_bool(writer, "still_waiting", account->waiting);
    put_energy(writer, account, whole);
    json_end_object(writer);
}

static void summary_json(const struct telling *telling, int64_t from, int64_t until,
                         const struct telling_account *accounts, size_t n)
{
    struct buf out = BUF_INIT(LINE_LIMIT + n * 512);
    struct json_writer writer;

    json_writer_init(&writer, &out);
    json_begin_object(&writer, NULL);
    json_put_string(&writer, "what", "summary");
    json_put_time(&writer, "from", from);
    json_put_time(&writer, "until", until);
    json_put_string(&writer, "timezone", telling->local->zone);
    json_begin_array(&writer, "servers");
    for (size_t i = 0; i < n; i++)
        put_account(&writer, &accounts[i], until - from);
    json_end_array(&writer);
    json_end_object(&writer);
    print_buf(telling, &out);
}

void telling_summary(const struct telling *telling, int64_t from, int64_t until,
                     const struct telling_account *accounts, size_t n)
{
    if (telling->json)
        summary_json(telling, from, until, accounts, n);
    else
        summary_text(telling, from, until, accounts, n);
}
