/* Documents of the bus in another language. */
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "say/say.h"

enum { KEY_SIZE = 96 };

/* Lists of sentences, and where their facts are. */
static const struct list {
    const char *sentences, *facts;
} lists[] = {{"vetoes", "veto_facts"}};

/* The fact that stands beside the sentence of this key; false: none that can be read. */
static bool fact_beside(const struct json *object, const char *key, struct told *ret_told)
{
    char name[KEY_SIZE];
    const int length = snprintf(name, sizeof(name), "%s_fact", key);
    const struct json *fact = length < KEY_SIZE ? json_get(object, name) : NULL;

    return fact && json_type(fact) == JSON_OBJECT && say_read_fact(fact, ret_told) == 0;
}

static void put_sentence(struct json_writer *json, const char *key, const struct told *told,
                         struct say_how how)
{
    struct buf text = BUF_INIT(SAY_SENTENCE_MAX);

    say_sentence(told, how, &text);
    json_put_string(json, key, buf_text(&text));
    buf_finish(&text);
}

static void put_sentences(struct json_writer *json, const char *key, const struct json *sentences,
                          const struct json *facts, struct say_how how)
{
    const struct json *fact = json_first(facts);
    struct told told;

    json_begin_array(json, key);
    for (const struct json *at = json_first(sentences); at; at = json_next(at)) {
        if (fact && json_type(fact) == JSON_OBJECT && say_read_fact(fact, &told) == 0)
            put_sentence(json, NULL, &told, how);
        else
            json_put_value(json, NULL, at);
        fact = fact ? json_next(fact) : NULL;
    }
    json_end_array(json);
}

static const struct json *facts_of_list(const struct json *object, const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        if (strcmp(lists[i].sentences, key) == 0)
            return json_get(object, lists[i].facts);
    return NULL;
}

/* As deep as its document, which the reader bounds. */
// NOLINTNEXTLINE(misc-no-recursion)
static void put(struct json_writer *json, const struct json *parent, const struct json *value,
                struct say_how how)
{
    const char *key = json_key(value);
    const struct json *facts = key ? facts_of_list(parent, key) : NULL;
    const enum json_type type = json_type(value);
    struct told told;

    if (type == JSON_STRING && key && fact_beside(parent, key, &told)) {
        put_sentence(json, key, &told, how);
    } else if (type == JSON_ARRAY && facts) {
        put_sentences(json, key, value, facts, how);
    } else if (type == JSON_ARRAY || type == JSON_OBJECT) {
        (type == JSON_ARRAY ? json_begin_array : json_begin_object)(json, key);
        for (const struct json *at = json_first(value); at; at = json_next(at))
            put(json, value, at, how);
        (type == JSON_ARRAY ? json_end_array : json_end_object)(json);
    } else {
        json_put_value(json, key, value);
    }
}

void say_localize(const struct json *document, struct say_how how, struct json_writer *json)
{
    put(json, NULL, document, how);
}
