#include "simulate/telling.h"

#include <stdarg.h>

#include "base/json.h"
#include "base/number.h"

enum { LINE_LIMIT = 8192 };

static const int64_t hour = 3600000;

/* ---- lines ---- */

static void print_buf(const struct telling *telling, struct buf *out)
{
    if (buf_error(out) == 0)
        fprintf(telling->out, "%s\n", buf_text(out));
    buf_finish(out);
}

static void print_json(const struct telling *telling, const char *subject, const char *what,
                       const char *text)
{
    struct buf out = BUF_INIT(2 * LINE_LIMIT);
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
    struct buf text = BUF_INIT(LINE_LIMIT);
    va_list args;

    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    if (telling->json) {
        print_json(telling, subject, what, buf_text(&text));
    } else {
        char stamp[LOCAL_SIZE];
        fprintf(telling->out, "%s  %-*s  %-15s  %s\n",
                local_stamp(telling->local, telling->now, stamp), telling->width, subject, what,
                buf_text(&text));
    }
    buf_finish(&text);
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
    if (is_metered(account)) {
        json_put_number(writer, "kwh", used(account, whole));
        json_put_number(writer, "kwh_always_on", kwh(account->watts_on, whole));
    } else {
        json_put_null(writer, "kwh");
        json_put_null(writer, "kwh_always_on");
    }
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
