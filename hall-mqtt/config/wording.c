#include "config/wording.h"

#include <string.h>

#include "base/holes.h"
#include "base/number.h"
#include "base/text.h"
#include "config/wording_table.h"

static void put_param(const struct phrase *phrase, const struct param *param,
                      enum config_language language, struct buf *out)
{
    const int64_t number = phrase->numbers[param->place];
    char text[40];

    switch (param->kind) {
    case PARAM_TEXT:
        buf_puts(out, phrase->texts[param->place] ? phrase->texts[param->place] : "");
        break;
    case PARAM_NUMBER:
        buf_printf(out, "%lld", (long long)number);
        break;
    case PARAM_SPAN:
        buf_puts(out, duration_format(number, text, sizeof(text)));
        break;
    case PARAM_WORDING:
        buf_puts(out, wording_text(phrase->format, language));
        break;
    }
}

static const struct param *find_param(const struct wording_row *row, const char *name,
                                      size_t length)
{
    for (const struct param *param = row->params; param->name; param++)
        if (strlen(param->name) == length && strncmp(param->name, name, length) == 0)
            return param;
    return NULL;
}

/* A phrase in a language. */
struct said_phrase {
    const struct phrase *phrase;
    enum config_language language;
};

static enum hole find_hole(const void *of, const char *name, size_t length)
{
    const struct said_phrase *said = of;

    return find_param(&wording_rows[said->phrase->kind], name, length) ? HOLE_FILLED : HOLE_NONE;
}

static void put_hole(const void *of, const char *name, size_t length, struct buf *out)
{
    const struct said_phrase *said = of;

    put_param(said->phrase, find_param(&wording_rows[said->phrase->kind], name, length),
              said->language, out);
}

void phrase_say(const struct phrase *phrase, enum config_language language, struct buf *out)
{
    const struct said_phrase said = {phrase, language};
    const struct holes holes = {.of = &said, .find = find_hole, .put = put_hole};

    holes_fill(&holes, wording_text(phrase->kind, language), out);
}

char *phrase_english(const struct phrase *phrase, char out[PHRASE_SIZE])
{
    struct buf text = BUF_INIT(2 * PHRASE_SIZE);

    phrase_say(phrase, CONFIG_ENGLISH, &text);
    text_copy(out, PHRASE_SIZE, buf_text(&text));
    buf_finish(&text);
    return out;
}

void phrase_put(struct json_writer *json, const char *key, const struct phrase *phrase)
{
    if (phrase->kind == WORDING_NONE) {
        json_put_null(json, key);
        return;
    }
    json_begin_object(json, key);
    json_put_string(json, "code", wording_rows[phrase->kind].name);
    for (const struct param *param = wording_rows[phrase->kind].params; param->name; param++)
        switch (param->kind) {
        case PARAM_TEXT:
            json_put_string(json, param->name, phrase->texts[param->place]);
            break;
        case PARAM_NUMBER:
            json_put_integer(json, param->name, phrase->numbers[param->place]);
            break;
        case PARAM_SPAN:
            json_put_seconds(json, param->name, phrase->numbers[param->place]);
            break;
        case PARAM_WORDING:
            json_put_string(json, param->name, wording_rows[phrase->format].name);
            break;
        }
    json_end_object(json);
}

const char *wording_name(enum wording wording)
{
    return wording_rows[wording].name;
}

const char *wording_text(enum wording wording, enum config_language language)
{
    const char *text = wording_rows[wording].texts[language];

    return text ? text : "";
}
