#include "web/page/page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "web/page/phrase.h"
#include "web/wait_page.h"

static void put_escaped(struct buf *out, const char *text)
{
    for (;;) {
        size_t plain = strcspn(text, "&<>\"'");
        buf_add(out, text, plain);
        text += plain;
        if (*text == '\0')
            return;
        buf_printf(out, "&#%d;", *text++);
    }
}

/* What `put` writes, escaped. Names are a few dozen characters, sentences a few hundred. */
static void put_text(const struct view *view, void (*put)(const struct view *, struct buf *),
                     struct buf *out)
{
    struct buf text = BUF_INIT(4096);
    put(view, &text);
    put_escaped(out, buf_text(&text));
    buf_finish(&text);
}

static void put_word(const struct view *view, struct buf *out, enum word word)
{
    buf_puts(out, visitor_word(word, phrase_language(view))); /* our own: nothing to escape */
}

static void hole_lang(const struct view *view, struct buf *out)
{
    put_word(view, out, WORD_TAG);
}

static void hole_headline(const struct view *view, struct buf *out)
{
    put_text(view, phrase_headline, out);
}

static void hole_message(const struct view *view, struct buf *out)
{
    put_text(view, phrase_message, out);
}

static void hole_estimate(const struct view *view, struct buf *out)
{
    put_text(view, phrase_estimate, out);
}

static void hole_view(const struct view *view, struct buf *out)
{
    buf_puts(out, view_kind_name(view->kind));
}

static void hole_reference(const struct view *view, struct buf *out)
{
    put_escaped(out, view->reference);
}

/* As the value of a parameter: what steers a query string is encoded once more. */
static void hole_reference_value(const struct view *view, struct buf *out)
{
    const char *at = view->reference;
    for (;;) {
        size_t plain = strcspn(at, "%&+#?='\"<>");
        buf_add(out, at, plain);
        at += plain;
        if (*at == '\0')
            return;
        buf_printf(out, "%%%02X", *at++);
    }
}

/* Without script the page asks again by itself; /.hall/wait never wakes, so a failure stays to be
 * read. */
static void hole_refresh(const struct view *view, struct buf *out)
{
    if (view->reload_s > 0)
        buf_printf(out, "<noscript><meta http-equiv=\"refresh\" content=\"%d\"></noscript>",
                   view->reload_s);
    if (view->reload_s > 0 || view->sent || (!view_goes_on(view) && view->kind != VIEW_READY))
        return;
    buf_puts(out, "<noscript><meta http-equiv=\"refresh\" content=\"4;url=/.hall/wait?path=");
    hole_reference_value(view, out);
    buf_puts(out, "\"></noscript>");
}

static void hole_version(const struct view *view, struct buf *out)
{
    buf_printf(out, "%u", view->notice.version);
}

static void hole_elapsed_s(const struct view *view, struct buf *out)
{
    buf_printf(out, "%d", (int)((view->elapsed < 0 ? 0 : view->elapsed) / 1000));
}

static void hole_total_s(const struct view *view, struct buf *out)
{
    if (view->eta > 0)
        buf_printf(out, "%d", (int)((view->elapsed + view->eta) / 1000));
}

static void hole_lost(const struct view *view, struct buf *out)
{
    put_word(view, out, WORD_LOST);
}

/* Rises from behind the hills with the progress; wait.js moves it on by the same rule. */
static void hole_sun(const struct view *view, struct buf *out)
{
    double progress = view_progress(view);
    buf_printf(out, "%d", 166 - (progress < 0 ? 8 : (int)(progress * 100)));
}

static void hole_where(const struct view *view, struct buf *out)
{
    put_text(view, phrase_where, out);
}

static void put_hidden(struct buf *out, bool hidden)
{
    if (hidden)
        buf_puts(out, " hidden");
}

static void hole_when_hidden(const struct view *view, struct buf *out)
{
    put_hidden(out, phrase_when(view) == WORDS);
}

static void hole_when(const struct view *view, struct buf *out)
{
    if (phrase_when(view) != WORDS)
        put_word(view, out, phrase_when(view));
}

static void hole_until(const struct view *view, struct buf *out)
{
    char time[RFC3339_SIZE];
    if (view->until != 0)
        buf_puts(out, rfc3339_format(view->until, time));
}

/* "2026-11-22 14:05 UTC", where no script makes it the visitor's own time. Not earlier than it is.
 */
static void hole_until_text(const struct view *view, struct buf *out)
{
    char time[RFC3339_SIZE];
    if (view->until == 0)
        return;
    rfc3339_format(view->until + 59999, time);
    buf_printf(out, "%.10s %.5s UTC", time, time + 11);
}

static void hole_form_hidden(const struct view *view, struct buf *out)
{
    put_hidden(out, phrase_button(view) == WORDS);
}

static void hole_button(const struct view *view, struct buf *out)
{
    enum word word = phrase_button(view);
    put_word(view, out, word == WORDS ? WORD_RETRY : word);
}

static void hole_progress_hidden(const struct view *view, struct buf *out)
{
    put_hidden(out, !view_is_under_way(view) && view->kind != VIEW_READY);
}

static void hole_progress_label(const struct view *view, struct buf *out)
{
    put_word(view, out, WORD_PROGRESS);
}

static void hole_progress_value(const struct view *view, struct buf *out)
{
    double progress = view_progress(view);
    if (progress >= 0)
        buf_printf(out, " value=\"%d\"", (int)(progress * 100));
}

static void hole_elapsed_label(const struct view *view, struct buf *out)
{
    put_word(view, out, WORD_ELAPSED);
}

static void hole_elapsed(const struct view *view, struct buf *out)
{
    int seconds = (int)((view->elapsed < 0 ? 0 : view->elapsed) / 1000);
    buf_printf(out, "%d:%02d", seconds / 60, seconds % 60);
}

static void hole_stages_label(const struct view *view, struct buf *out)
{
    put_word(view, out, WORD_STAGES_LABEL);
}

static void hole_stages_hidden(const struct view *view, struct buf *out)
{
    put_hidden(out, view->kind == VIEW_CLICK || view->kind == VIEW_REFUSED ||
                        view->kind == VIEW_HELD || view->kind == VIEW_LIMITED);
}

static void hole_stages(const struct view *view, struct buf *out)
{
    for (int stage = 0; stage < STAGES && view->kind != VIEW_REFUSED; stage++) {
        enum stage_status status = view_stage_status(view, stage);
        buf_printf(out, "<li data-s=\"%s\" class=\"%s\"%s%s><b>%s</b><small>",
                   stage_name((enum stage)stage), stage_status_name(status),
                   status == STAGE_NOW ? " aria-current=\"step\"" : "",
                   view_shows_stage(view, stage) ? "" : " hidden",
                   visitor_word(phrase_stage_word(stage), phrase_language(view)));
        phrase_stage(view, stage, out);
        buf_puts(out, "</small></li>");
    }
}

static void hole_footer(const struct view *view, struct buf *out)
{
    bool refused = view->kind == VIEW_REFUSED || view->kind == VIEW_LIMITED;
    put_word(view, out, refused ? WORD_FOOTER_REFUSED : WORD_FOOTER);
}

static void hole_reload(const struct view *view, struct buf *out)
{
    if (view->reload_s > 0)
        buf_printf(out, "%d", view->reload_s);
}

/* A form that was sent is kept by the browser, as long as it is asked to send it again. */
static void hole_sent(const struct view *view, struct buf *out)
{
    if (!view->sent)
        return;
    buf_puts(out, "<p id=\"z\" class=\"n\">");
    put_word(view, out, WORD_SENT);
    buf_puts(out, "</p>");
}

static void hole_noscript(const struct view *view, struct buf *out)
{
    if (view_goes_on(view) && !view->sent)
        put_word(view, out, WORD_NOSCRIPT);
}

static const struct hole {
    const char *name;
    void (*put)(const struct view *view, struct buf *out);
} holes[] = {
    {"lang", hole_lang},
    {"refresh", hole_refresh},
    {"headline", hole_headline},
    {"view", hole_view},
    {"reference", hole_reference},
    {"reference_value", hole_reference_value},
    {"version", hole_version},
    {"elapsed_s", hole_elapsed_s},
    {"total_s", hole_total_s},
    {"lost", hole_lost},
    {"sun", hole_sun},
    {"where", hole_where},
    {"message", hole_message},
    {"when_hidden", hole_when_hidden},
    {"when", hole_when},
    {"until", hole_until},
    {"until_text", hole_until_text},
    {"form_hidden", hole_form_hidden},
    {"button", hole_button},
    {"progress_label", hole_progress_label},
    {"progress_hidden", hole_progress_hidden},
    {"progress_value", hole_progress_value},
    {"estimate", hole_estimate},
    {"elapsed_label", hole_elapsed_label},
    {"elapsed", hole_elapsed},
    {"stages_label", hole_stages_label},
    {"stages_hidden", hole_stages_hidden},
    {"stages", hole_stages},
    {"footer", hole_footer},
    {"noscript", hole_noscript},
    {"reload", hole_reload},
    {"sent", hole_sent},
};

/* ---- The template, taken apart ---- */

enum { SEGMENTS_MAX = 64, POLICY_SIZE = 400, BASE64_SHA256_SIZE = 45 };

struct segment {
    const char *text; /* written first */
    size_t length;
    const struct hole *hole; /* then this; NULL at the end */
};

struct page {
    size_t n;
    struct segment segments[SEGMENTS_MAX];
    char policy[POLICY_SIZE];
};

static const struct hole *find_hole(const char *name, size_t length)
{
    for (size_t i = 0; i < ARRAY_SIZE(holes); i++) {
        if (strlen(holes[i].name) == length && memcmp(holes[i].name, name, length) == 0)
            return &holes[i];
    }
    return NULL;
}

/* RFC 4648 of 32 bytes. */
static void base64_sha256(const unsigned char bytes[32], char out[BASE64_SHA256_SIZE])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t length = 0;
    for (size_t i = 0; i < 33; i += 3) {
        unsigned third = i + 2 < 32 ? bytes[i + 2] : 0;
        unsigned bits = (unsigned)bytes[i] << 16 | (unsigned)bytes[i + 1] << 8 | third;
        for (int shift = 18; shift >= 0; shift -= 6)
            out[length++] = digits[bits >> shift & 63];
    }
    out[43] = '=';
    out[44] = '\0';
}

int page_create(struct page **ret_page)
{
    struct page *page = calloc(1, sizeof(*page));
    const char *at = wait_page_html;
    if (!page)
        return -ENOMEM;
    for (const char *open; (open = strstr(at, "{{")) && page->n < SEGMENTS_MAX - 1;) {
        const char *close = strstr(open, "}}");
        const struct hole *hole = close ? find_hole(open + 2, (size_t)(close - open - 2)) : NULL;
        if (!hole) {
            free(page);
            return -EBADMSG; /* the template names a hole that is not in the table: our own bug */
        }
        page->segments[page->n++] = (struct segment){at, (size_t)(open - at), hole};
        at = close + 2;
    }
    page->segments[page->n++] = (struct segment){at, strlen(at), NULL};
    char script[BASE64_SHA256_SIZE];
    char style[BASE64_SHA256_SIZE];
    base64_sha256(wait_page_script_sha256, script);
    base64_sha256(wait_page_style_sha256, style);
    snprintf(page->policy, sizeof(page->policy),
             "default-src 'none'; script-src 'sha256-%s'; style-src 'sha256-%s'; img-src data:; "
             "connect-src 'self'; "
             "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
             script, style);
    *ret_page = page;
    return 0;
}

void page_destroy(struct page *page)
{
    free(page);
}

const char *page_policy(const struct page *page)
{
    return page->policy;
}

void page_write(const struct page *page, const struct view *view, struct buf *out)
{
    for (size_t i = 0; i < page->n; i++) {
        buf_add(out, page->segments[i].text, page->segments[i].length);
        if (page->segments[i].hole)
            page->segments[i].hole->put(view, out);
    }
}
