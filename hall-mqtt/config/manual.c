#include "config/manual.h"

#include <stdio.h>
#include <string.h>

#include "base/version.h"
#include "config/option.h"

enum { PATH_SIZE = 128, ALLOWED_SIZE = 512, DEPTH_MAX = 8 };

static const char head[] =
    ".TH domains.json 5 2026-11-25 \"hall " HALL_VERSION "\" \"Hall\"\n"
    ".SH NAME\n"
    "domains.json \\- the configuration of hall\n"
    ".SH DESCRIPTION\n"
    "One JSON file says which servers there are, which domains stand in front of them, and how "
    "Hall\n"
    "is reached. Only the address and the MAC of a server, and the server of a domain, are "
    "required.\n"
    "Unknown keys are errors.\n"
    ".B hall \\-\\-check\n"
    "names every error at once, with its place. A changed file is taken by\n"
    ".BR \"hallctl reload\" ,\n"
    "or by SIGHUP: whole, or not at all. Secrets are not in it; see\n"
    ".BR hall (8).\n"
    ".PP\n"
    "Below, <name> stands for the key of an entry, and [] for the items of a list.\n"
    ".SH OPTIONS\n"
    ".ad l\n";

static const char tail[] =
    ".SH EXAMPLE\n"
    ".nf\n"
    ".RS\n"
    "{\n"
    "  \"mqtt\": { \"url\": \"mqtt://127.0.0.1:1883\", \"username\": \"hall\" },\n"
    "  \"servers\": {\n"
    "    \"testing\": { \"address\": \"192.168.1.20\", \"mac\": "
    "\"aa:bb:cc:dd:ee:01\" }\n"
    "  },\n"
    "  \"domains\": {\n"
    "    \"testing.example.org\": { \"server\": \"testing\", \"upstream\": "
    "\"http://192.168.1.20:8080\" }\n"
    "  }\n"
    "}\n"
    ".RE\n"
    ".fi\n"
    ".SH FILES\n"
    ".I /var/lib/hall/domains.json\n"
    ".SH SEE ALSO\n"
    ".BR hall (8),\n"
    ".BR hallctl (1)\n";

/* roff reads a backslash, and a dot or quote that begins a line. */
static void put_text(struct buf *out, const char *text)
{
    if (text[0] == '.' || text[0] == '\'')
        buf_puts(out, "\\&");
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            buf_puts(out, "\\e");
        else if (*text == '-')
            buf_puts(out, "\\-");
        else if (*text == '~')
            buf_puts(out, "\\(ti");
        else if (*text == '^')
            buf_puts(out, "\\(ha");
        else
            buf_putc(out, *text);
    }
}

/* Items are joined by ',': a line may break behind it. */
static void put_list(struct buf *out, const char *text)
{
    char item[ALLOWED_SIZE];
    while (text[0] != '\0') {
        const size_t length = strcspn(text, ",");
        snprintf(item, sizeof(item), "%.*s", (int)length, text);
        put_text(out, item);
        buf_puts(out, text[length] == ',' ? ", " : "");
        text += length + (text[length] == ',');
    }
}

static const struct option *item_of(const struct option *row)
{
    return row->item ? row->item : row;
}

static void put_allowed(struct buf *out, const struct option *row)
{
    char names[OPTION_NAMES_SIZE], text[PHRASE_SIZE];
    const struct phrase allowed = option_allowed(row, names);
    if (item_of(row)->table)
        return;
    buf_puts(out, "\nAllowed: ");
    put_text(out, phrase_english(&allowed, text));
    buf_puts(out, ".\n");
}

static void put_row(struct buf *out, const struct option *row, const char *path)
{
    buf_puts(out, ".TP\n.B ");
    put_text(out, path);
    buf_putc(out, '\n');
    put_text(out, row->help ? row->help : "");
    put_allowed(out, row);
    if (row->required)
        buf_puts(out, "\nRequired.\n");
    if (row->fallback && row->fallback[0] != '\0') {
        buf_puts(out, "\nDefault: ");
        put_list(out, row->fallback);
        buf_puts(out, ".\n");
    }
    buf_putc(out, '\n');
}

/* As deep as the tables, which know no cycle. */
// NOLINTNEXTLINE(misc-no-recursion)
static void put_table(struct buf *out, const struct option_table *table, const char *before,
                      unsigned depth)
{
    for (size_t i = 0; i < table->n_rows && depth < DEPTH_MAX; i++) {
        const struct option *row = &table->rows[i];
        char path[PATH_SIZE], inside[PATH_SIZE];
        snprintf(path, sizeof(path), "%s%s%s", before, before[0] != '\0' ? "." : "", row->key);
        if (depth == 0 && item_of(row)->table) {
            buf_puts(out, ".SS ");
            put_text(out, row->key);
            buf_putc(out, '\n');
        }
        put_row(out, row, path);
        /* The path of what is inside. */
        snprintf(inside, PATH_SIZE, "%.*s%s", PATH_SIZE - 8, path,
                 row->kind == OPTION_MAP    ? ".<name>"
                 : row->kind == OPTION_LIST ? "[]"
                                            : "");
        if (item_of(row)->table)
            put_table(out, item_of(row)->table, inside, depth + 1);
    }
}

int manual_write(struct buf *out)
{
    buf_puts(out, head);
    put_table(out, &option_root, "", 0);
    buf_puts(out, tail);
    return buf_error(out);
}
