/* Events as a file: longer than an answer, so it leaves in pieces as it is read. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "store/archive.h"
#include "web/api/api_internal.h"

enum {
    ROWS_MAX = 100000,
    PAGE_ROWS = 500,
    PIECE = 16 * 1024,
    PIECE_MAX = 128 * 1024,
    LIMIT_MS = 30000,
};

struct export
{
    struct api_call *call;
    bool csv;
    struct buf piece;
    struct json_writer writer;
    int64_t rows;
    int error; /* the client is gone */
};

static void send_piece(struct export *export)
{
    const struct api_request *request = export->call->request;
    if (export->error == 0 && export->piece.length > 0)
        export->error =
            request->write(request->context, buf_text(&export->piece), export->piece.length);
    buf_clear(&export->piece);
}

static void send_head(struct export *export)
{
    char day[RFC3339_SIZE];
    rfc3339_format(clock_now().wall, day);
    buf_printf(&export->piece,
               "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n"
               "Content-Disposition: attachment; filename=\"hall-events-%.10s.%s\"\r\n"
               "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n%s"
               "Connection: close\r\n\r\n",
               export->csv ? "text/csv; charset=utf-8" : "application/json", day,
               export->csv ? "csv" : "json",
               export->call->answer->always ? export->call->answer->always : "");
}

/* RFC 4180. What a spreadsheet would take for a formula gets an apostrophe in front. */
static void put_cell(struct buf *out, const char *text, bool last)
{
    const char *end = last ? "\r\n" : ",";
    if (!text || text[0] == '\0') {
        buf_puts(out, end);
        return;
    }
    buf_putc(out, '"');
    if (strchr("=+-@\t\r", text[0]))
        buf_putc(out, '\'');
    for (; *text != '\0'; text++) {
        if (*text == '"')
            buf_putc(out, '"');
        buf_putc(out, *text);
    }
    buf_printf(out, "\"%s", end);
}

static void put_line(struct buf *out, const struct store_entry *entry)
{
    char at[RFC3339_SIZE];
    struct json *body = NULL;
    struct json_error error;
    const char *text = entry->texts[4] ? entry->texts[4] : "{}";
    (void)json_read(text, strlen(text), &api_limits, &body, &error);
    buf_printf(out, "%lld,%s,", (long long)entry->id, rfc3339_format(entry->numbers[0], at));
    for (int i = 0; i < 4; i++)
        put_cell(out, entry->texts[i], false);
    put_cell(out, body ? api_event_detail(body) : NULL, true);
    json_free(body);
}

static bool put_row(void *context, const struct store_entry *entry)
{
    struct export *export = context;
    export->rows++;
    if (export->csv) {
        put_line(&export->piece, entry);
    } else {
        buf_puts(&export->piece, export->rows > 1 ? ",\n" : "\n");
        json_writer_init(&export->writer, &export->piece);
        api_put_event(&export->writer, entry);
    }
    if (export->piece.length >= PIECE)
        send_piece(export);
    return export->error == 0;
}

/* The last line says so where there is more. */
static void send_end(struct export *export, bool complete)
{
    static const char more[] = "there are more events: ask for a shorter time";
    if (export->csv && !complete)
        buf_printf(&export->piece, ",,,,,,\"%s\"\r\n", more);
    if (!export->csv && !complete)
        buf_printf(&export->piece, "%s{\"incomplete\":\"%s\"}", export->rows > 0 ? ",\n" : "\n",
                   more);
    if (!export->csv)
        buf_puts(&export->piece, "\n]\n");
    send_piece(export);
}

static void run(struct export *export, struct archive *archive, struct archive_filter *filter)
{
    char why[ARCHIVE_SENTENCE];
    int64_t next = 0, deadline = clock_boot_ns() + INT64_C(1000000) * LIMIT_MS;
    bool complete = false;
    send_head(export);
    if (strcmp(export->call->request->method, "HEAD") == 0) {
        send_piece(export);
        return;
    }
    buf_puts(&export->piece, export->csv ? "id,at,server,domain,project,type,detail\r\n" : "[");
    while (!complete && export->error == 0 && export->rows < ROWS_MAX &&
           clock_boot_ns() < deadline) {
        filter->limit = PAGE_ROWS;
        if (archive_page(archive, STORE_EVENTS, filter, put_row, export, &next, why) < 0)
            break;
        complete = next == 0;
        filter->before = next;
    }
    send_end(export, complete);
}

void api_past_export(struct api_call *call)
{
    struct api_params params;
    struct archive_filter filter;
    if (!api_params(call, &params))
        return;
    struct archive *archive = api_archive(call, LIMIT_MS, true, false);
    if (!archive)
        return;
    api_filter(&params, &filter);
    struct export export = {
        .call = call, .csv = strcmp(params.format, "json") != 0, .piece = BUF_INIT(PIECE_MAX)};
    run(&export, archive, &filter);
    buf_finish(&export.piece);
    archive_close(archive);
    call->answer->status = 200;
    call->answer->length = 0;
    call->answer->close = true;
}
