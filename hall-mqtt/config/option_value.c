#include "base/array.h"
#include "config/option.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "core/model.h"

static void join_names(const char *const *names, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; names[i] && used < size; i++) {
        if (names[i][0] != '\0')
            used += (size_t)snprintf(out + used, size - used, "%s\"%s\"", used > 0 ? ", " : "",
                                     names[i]);
    }
}

struct phrase option_allowed(const struct option *row, char names[OPTION_NAMES_SIZE])
{
    struct phrase phrase = {.numbers = {row->min, row->max}};

    switch (row->kind) {
    case OPTION_TEXT:
        phrase.kind = row->format->allowed;
        break;
    case OPTION_INTEGER:
    case OPTION_PORT:
        phrase.kind = row->no_limit ? WORDING_INTEGER_OR_NONE : WORDING_INTEGER;
        break;
    case OPTION_NUMBER:
        phrase.kind = WORDING_NUMBER;
        break;
    case OPTION_BOOL:
        phrase.kind = WORDING_BOOL;
        break;
    case OPTION_DURATION:
        phrase.kind = WORDING_DURATION;
        break;
    case OPTION_CHOICE:
        join_names(row->names, names, OPTION_NAMES_SIZE);
        return PHRASE(CHOICE, .texts = {names});
    case OPTION_STATUS:
        phrase.kind = WORDING_STATUS;
        break;
    case OPTION_OBJECT:
    case OPTION_MAP:
        phrase.kind = WORDING_OBJECT;
        break;
    case OPTION_LIST:
        if (row->or_one)
            return PHRASE(ONE_OR_LIST, .format = row->item->format->allowed, .numbers = {row->max});
        return (struct phrase){.kind = row->or_bool ? WORDING_LIST_OR_BOOL : WORDING_LIST,
                               .numbers = {row->max}};
    }
    return phrase;
}

/* Enums are stored as what they are made of. */
_Static_assert(sizeof(enum policy_mode) == sizeof(unsigned), "a choice is an unsigned");

static bool choose(const struct option *row, const char *text, void *target)
{
    for (unsigned i = 0; row->names[i]; i++) {
        if (text[0] != '\0' && strcmp(row->names[i], text) == 0) {
            memcpy(target, &i, sizeof(i));
            return true;
        }
    }
    return false;
}

static bool store_integer(const struct option *row, int64_t value, void *target)
{
    if (value < row->min || value > row->max)
        return false;
    if (row->kind == OPTION_PORT)
        *(uint16_t *)target = (uint16_t)value;
    else
        *(int *)target = (int)value;
    return true;
}

static bool store_duration(const struct option *row, const char *text, void *target)
{
    int64_t ms;
    if (duration_parse(text, &ms) < 0 || ms < row->min || ms > row->max)
        return false;
    *(int64_t *)target = ms;
    return true;
}

/* "2xx", "404" or "200-299". */
static bool parse_status_text(const char *text, struct status_range *ret)
{
    char low[4];
    int64_t from;
    int64_t to;

    if (strlen(text) == 3 && text[0] >= '1' && text[0] <= '5' && strcmp(text + 1, "xx") == 0) {
        uint16_t hundred = (uint16_t)((text[0] - '0') * 100);
        *ret = (struct status_range){.low = hundred, .high = (uint16_t)(hundred + 99)};
        return true;
    }
    const char *dash = strlen(text) == 7 && text[3] == '-' ? text + 4 : text;
    text_copy(low, sizeof(low), text);
    if (strlen(dash) != 3 || number_parse(low, 100, 599, &from) < 0 ||
        number_parse(dash, 100, 599, &to) < 0 || from > to)
        return false;
    *ret = (struct status_range){.low = (uint16_t)from, .high = (uint16_t)to};
    return true;
}

static bool store_status(const struct json *value, struct status_range *target)
{
    int64_t status;
    if (json_string(value))
        return parse_status_text(json_string(value), target);
    if (!json_integer(value, &status) || status < 100 || status > 599)
        return false;
    *target = (struct status_range){.low = (uint16_t)status, .high = (uint16_t)status};
    return true;
}

bool option_store(const struct option *row, const struct json *value, void *target)
{
    const char *text = json_string(value);
    int64_t integer;

    switch (row->kind) {
    case OPTION_INTEGER:
    case OPTION_PORT:
        return json_integer(value, &integer) && store_integer(row, integer, target);
    case OPTION_NUMBER: {
        double number;
        if (!json_number(value, &number) || number < (double)row->min || number > (double)row->max)
            return false;
        *(double *)target = number;
        return true;
    }
    case OPTION_BOOL:
        return json_bool(value, target);
    case OPTION_DURATION:
        return text && store_duration(row, text, target);
    case OPTION_CHOICE:
        return text && choose(row, text, target);
    case OPTION_STATUS:
        return store_status(value, target);
    case OPTION_TEXT:
    case OPTION_OBJECT:
    case OPTION_LIST:
    case OPTION_MAP:
        break;
    }
    return false;
}

void option_store_default(const struct option *row, struct arena *arena, void *target)
{
    if (row->kind == OPTION_NUMBER)
        *(double *)target = row->fallback ? strtod(row->fallback, NULL) : -1;
    if (!row->fallback)
        return;
    switch (row->kind) {
    case OPTION_TEXT:
        row->format->parse(arena, row->fallback, target);
        break;
    case OPTION_INTEGER:
    case OPTION_PORT:
        store_integer(row, strtoll(row->fallback, NULL, 10), target);
        break;
    case OPTION_BOOL:
        *(bool *)target = strcmp(row->fallback, "true") == 0;
        break;
    case OPTION_DURATION:
        store_duration(row, row->fallback, target);
        break;
    case OPTION_CHOICE:
        choose(row, row->fallback, target);
        break;
    case OPTION_NUMBER:
    case OPTION_STATUS:
    case OPTION_OBJECT:
    case OPTION_LIST:
    case OPTION_MAP:
        break;
    }
}

struct phrase option_secret_hint(const struct option_table *table, const char *key)
{
    static const struct {
        const char *table, *key, *variable;
        bool hashed;
    } secrets[] = {
        {"mqtt", "password", "HALL_MQTT_PASSWORD", false},
        {"mqtt", "pass", "HALL_MQTT_PASSWORD", false},
        {NULL, "mqtt_password", "HALL_MQTT_PASSWORD", false},
        {NULL, "password", "HALL_ADMIN_PASSWORD_HASH", true},
        {NULL, "admin_password", "HALL_ADMIN_PASSWORD_HASH", true},
        {NULL, "admin_password_hash", "HALL_ADMIN_PASSWORD_HASH", false},
        {NULL, "secret_key", "HALL_SECRET_KEY", false},
        {NULL, "secret", "HALL_SECRET_KEY", false},
        {NULL, "api_key", "HALL_API_KEY", false},
        {NULL, "token", "HALL_API_KEY", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
        bool here = !secrets[i].table || strcmp(secrets[i].table, table->name) == 0;
        if (here && strcmp(secrets[i].key, key) == 0)
            return (struct phrase){.kind = secrets[i].hashed ? WORDING_PUT_HASH_IN : WORDING_PUT_IN,
                                   .texts = {secrets[i].variable}};
    }
    return (struct phrase){0};
}
