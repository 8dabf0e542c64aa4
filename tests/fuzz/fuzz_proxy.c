/*
 * Whatever a configuration names: it is a word in the proxy's language, and never more. The shape
 * of the same file made of plain names is the measure: each line begins with a word that begins one
 * there, quotes and braces are closed, and a statement ends with its line.
 *
 * Input: a byte of options, then the lines of `fields` below, which stand in a configuration; or,
 * by that byte, a whole configuration.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"
#include "base/text.h"
#include "bridges/proxy/proxy_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 16 * 1024, WORDS_MAX = 512, WORD_SIZE = 96 };
enum { OPEN = 1, LISTEN = 2, WHOLE = 4, PLAIN_HTTP = 8, UNVERIFIED = 16 };

/* ---- configurations ---- */

/* Two domains and two projects of every kind: TLS and HTTP/2, with and without a path behind them,
 * and one that Hall answers for. The names in capitals are fields. */
static const char frame[] =
    "{\"proxy\":{\"hall\":HALL,\"certificates\":FOLDER,\"entry_point\":ENTRY,\"resolver\":RESOLVER,"
    "\"tls\":%s},\"servers\":{\"s\":{\"address\":\"192.0.2.1\",\"mac\":\"02:00:00:00:00:01\"}},"
    "\"domains\":{HOST:{\"server\":\"s\",\"name\":NAME,\"upstream\":UPSTREAM,\"tls\":{\"ca\":CA,"
    "\"name\":SNI,\"verify\":%s},\"projects\":{PROJECT:{\"name\":NAME,\"path\":PATH,"
    "\"containers\":[CONTAINER],\"upstream\":OTHER},\"part\":{\"path\":DEEPER}}},"
    "\"h2c.example\":{\"server\":\"s\",\"upstream\":\"h2c://192.0.2.1:1\"},"
    "\"based.example\":{\"server\":\"s\",\"upstream\":\"https://192.0.2.1/base\"},"
    "\"none.example\":{\"server\":\"s\",\"projects\":{\"alone\":{\"path\":\"/alone\"}}}}}";

static const struct {
    const char *name, *plain;
} fields[] = {
    {"HALL", "http://192.0.2.2:8880"},
    {"FOLDER", "/etc/letsencrypt/live"},
    {"ENTRY", "websecure"},
    {"RESOLVER", "letsencrypt"},
    {"HOST", "a.example"},
    {"NAME", "A name"},
    {"UPSTREAM", "https://192.0.2.1:8443/base"},
    {"CA", "/etc/hall/ca.pem"},
    {"SNI", "inside.example"},
    {"PROJECT", "project"},
    {"PATH", "/path"},
    {"CONTAINER", "container"},
    {"OTHER", "http://192.0.2.1:8080/other"},
    {"DEEPER", "/path/deeper"},
};

static void put_value(struct buf *out, const char *value)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_put_string(&writer, NULL, value);
}

/* values: one for each field, or NULL for its plain one. */
static void fill(struct buf *out, unsigned options, char *const values[])
{
    char text[2048];
    snprintf(text, sizeof text, frame, options & PLAIN_HTTP ? "false" : "true",
             options & UNVERIFIED ? "false" : "true");
    for (const char *at = text; *at != '\0';) {
        size_t length = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"), i = 0;
        while (i < ARRAY_SIZE(fields) &&
               (strlen(fields[i].name) != length || memcmp(at, fields[i].name, length) != 0))
            i++;
        if (i == ARRAY_SIZE(fields)) {
            buf_putc(out, *at++);
            continue;
        }
        put_value(out, values && values[i] ? values[i] : fields[i].plain);
        at += length;
    }
}

/* The n-th line of the input; NULL behind the last. An empty one stands for the plain value. */
static void split(char *text, char *values[ARRAY_SIZE(fields)])
{
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        char *end = text ? strchr(text, '\n') : NULL;
        values[i] = text && *text != '\n' && *text != '\0' ? text : NULL;
        if (end)
            *end = '\0';
        text = end ? end + 1 : NULL;
    }
}

static struct config *parse(const char *text, size_t length)
{
    struct report report = {0};
    struct config *config = NULL;
    (void)config_parse("F", text, length, &config, &report);
    report_finish(&report);
    return config;
}

/* ---- words of a line ---- */

static const struct language {
    const char *quotes;
    const char *ends;  /* of a statement, at the end of a line only */
    const char *hosts; /* what the address of a site is made of, which begins a block of its own */
} languages[PROXY_KINDS] = {
    [PROXY_CADDY] = {"\"`", "", "abcdefghijklmnopqrstuvwxyz0123456789-_.:/"},
    [PROXY_NGINX] = {"\"'", ";", ""},
};

struct words {
    size_t n;
    char list[WORDS_MAX][WORD_SIZE];
};

static bool knows(const struct words *words, const char *word)
{
    for (size_t i = 0; i < words->n; i++) {
        if (strcmp(words->list[i], word) == 0)
            return true;
    }
    return false;
}

/* With learn: takes it up. */
static void check_known(struct words *words, bool learn, const char *word)
{
    if (learn && !knows(words, word)) {
        assert(words->n < WORDS_MAX && strlen(word) < WORD_SIZE);
        memcpy(words->list[words->n++], word, strlen(word) + 1);
    }
    assert(knows(words, word));
}

/* Skips one word; a quoted one is closed within its line, and nothing is stuck to it. */
static const char *skip_word(const struct language *language, const char *at)
{
    const char quote = *at;
    if (*at == '\0' || !strchr(language->quotes, quote)) {
        for (size_t length = strcspn(at, " \t"); length > 0; length--, at++)
            assert(!strchr(language->quotes, *at) &&
                   (!strchr(language->ends, *at) || at[1] == '\0'));
        return at;
    }
    for (at++; *at != quote; at++) {
        assert(*at != '\0');
        at += *at == '\\' && quote != '`' && at[1] != '\0';
    }
    at++;
    at += strncmp(at, ") ", 2) == 0; /* of a condition */
    assert(*at == '\0' || *at == ' ' || *at == '\t' ||
           (*at != '\0' && strchr(language->ends, *at) && at[1] == '\0'));
    return at;
}

/* What it is called: a matcher, a quoted word and the address of a site by their kind. */
static void class_of(const struct language *language, const char *word, size_t length, bool outside,
                     char out[WORD_SIZE])
{
    assert(length > 0);
    if (*word == '@' || strchr(language->quotes, *word))
        snprintf(out, WORD_SIZE, "%c", *word);
    else if (outside && strspn(word, language->hosts) == length)
        snprintf(out, WORD_SIZE, "a host");
    else
        snprintf(out, WORD_SIZE, "%.*s", (int)length, word);
}

static int check_line(const struct language *language, struct words *words, bool learn,
                      const char *line, int depth)
{
    char first[WORD_SIZE];
    const char *at = line + strspn(line, " \t");
    if (*at == '\0' || *at == '#')
        return depth;
    for (size_t number = 0; *at != '\0'; number++) {
        const char *end = skip_word(language, at);
        size_t length = (size_t)(end - at);
        bool quoted = strchr(language->quotes, *at) != NULL;
        if (number == 0) {
            class_of(language, at, length, depth == 0, first);
            check_known(words, learn, first);
        }
        if (!quoted && length == 1 && *at == '{') {
            assert(*end == '\0');
            depth++;
        } else if (!quoted && length == 1 && *at == '}') {
            assert(number == 0 && *end == '\0');
            depth--;
        } else if (!quoted && (memchr(at, '{', length) || memchr(at, '}', length))) {
            char word[WORD_SIZE];
            snprintf(word, sizeof word, "%.*s", (int)length, at);
            check_known(words, learn, word);
        }
        at = end + (*end != '\0' && strchr(language->ends, *end));
        at += strspn(at, " \t");
    }
    assert(depth >= 0);
    return depth;
}

static void check_lines(enum proxy_kind kind, struct words *words, bool learn, char *text)
{
    int depth = 0;
    if (!languages[kind].quotes)
        return;
    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        depth = check_line(&languages[kind], words, learn, line, depth);
    }
    assert(depth == 0);
}

/* HAProxy's quotes may begin and end within a word; only there may a name have signs of its own. */
static void check_haproxy_line(struct words *words, bool learn, const char *line)
{
    char first[WORD_SIZE];
    bool quoted = false;
    line += strspn(line, " ");
    if (*line == '\0' || *line == '#')
        return;
    snprintf(first, sizeof first, "%.*s", (int)strcspn(line, " "), line);
    check_known(words, learn, first);
    for (const char *at = line; *at != '\0'; at++) {
        assert(quoted || *at != '#');
        if (!quoted && *at == '\\') {
            at++;
            assert(*at == '\'');
        } else if (*at == '\'') {
            quoted = !quoted;
        }
    }
    assert(!quoted);
}

static void check_haproxy(struct words *words, bool learn, char *text)
{
    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        check_haproxy_line(words, learn, line);
    }
}

/* ---- what is made ---- */

static void check_json(const char *text, size_t length)
{
    static const struct json_limits limits = {PROXY_CONFIG_MAX, 16};
    struct json_error error;
    struct json *json = NULL;
    int r = json_read(text, length, &limits, &json, &error);
    assert(r == 0 || r == -EMSGSIZE);
    json_free(json);
}

/* One line for each thing that cannot be said. */
static void check_errors(const struct buf *errors)
{
    const char *text = errors->length > 0 ? errors->text : "";
    assert(text_is_utf8(text, errors->length) &&
           (errors->length == 0 || text[errors->length - 1] == '\n'));
}

static void check(const struct config *config, const struct proxy_options *options,
                  struct words *words, bool learn)
{
    struct buf out = BUF_INIT(PROXY_CONFIG_MAX), errors = BUF_INIT(64 * 1024);
    int error = proxy_config_write(config, options, &out, &errors);
    check_errors(&errors);
    assert(!learn || error == 0);
    if (error == 0) {
        const char *text = buf_text(&out);
        assert(text_is_utf8(text, out.length));
        for (size_t i = 0; i < out.length; i++)
            assert((unsigned char)text[i] >= 0x20 || text[i] == '\n' || text[i] == '\t');
        if (options->kind == PROXY_TRAEFIK)
            check_json(text, out.length);
        if (options->kind == PROXY_HAPROXY)
            check_haproxy(words, learn, out.text);
        check_lines(options->kind, words, learn, out.text);
    }
    buf_finish(&out);
    buf_finish(&errors);
}

static const struct {
    enum proxy_kind kind;
    enum proxy_form form;
} forms[] = {
    {PROXY_TRAEFIK, PROXY_WHOLE}, {PROXY_TRAEFIK, PROXY_MIDDLEWARE}, {PROXY_CADDY, PROXY_WHOLE},
    {PROXY_NGINX, PROXY_WHOLE},   {PROXY_NGINX, PROXY_SNIPPET},      {PROXY_NGINX, PROXY_SWAG},
    {PROXY_HAPROXY, PROXY_WHOLE},
};

static struct proxy_options options_of(unsigned bits, size_t form, const struct config *config)
{
    const bool one = forms[form].form == PROXY_SNIPPET || forms[form].form == PROXY_SWAG;
    return (struct proxy_options){
        .kind = forms[form].kind,
        .form = forms[form].form,
        .domain = one && config->model.n_domains > 0 ? config->model.domains[0].name : NULL,
        .fail_open = (bits & OPEN) != 0,
        .listen = bits & LISTEN ? "127.0.0.1:8080" : NULL};
}

/* Of all options, made of plain names. */
static void learn(struct words known[ARRAY_SIZE(forms)])
{
    for (unsigned bits = 0; bits < 2 * UNVERIFIED; bits++) {
        struct buf text = BUF_INIT(64 * 1024);
        fill(&text, bits, NULL);
        struct config *config = parse(buf_text(&text), text.length);
        assert(config);
        for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
            struct proxy_options options = options_of(bits, i, config);
            check(config, &options, &known[i], true);
        }
        config_free(config);
        buf_finish(&text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct words known[ARRAY_SIZE(forms)];
    static bool learned;
    struct buf text = BUF_INIT(512 * 1024);
    char *values[ARRAY_SIZE(fields)];

    if (!learned)
        learn(known);
    learned = true;
    if (size < 1 || size > INPUT_MAX)
        return 0;
    char *lines = calloc(1, size);
    memcpy(lines, data + 1, size - 1);
    if (data[0] & WHOLE) {
        buf_add(&text, lines, size - 1);
    } else {
        split(lines, values);
        fill(&text, data[0], values);
    }
    struct config *config = parse(buf_text(&text), text.length);
    for (size_t i = 0; config && i < ARRAY_SIZE(forms); i++) {
        struct proxy_options options = options_of(data[0], i, config);
        check(config, &options, &known[i], false);
    }
    config_free(config);
    buf_finish(&text);
    free(lines);
    return 0;
}
