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

static void put_allowed(const struct option *row, char *out, size_t size)
{
    char from[40];
    char to[40];

    switch (row->kind) {
    case OPTION_TEXT:
        snprintf(out, size, "%s", row->format->allowed);
        break;
    case OPTION_INTEGER:
    case OPTION_PORT:
        snprintf(out, size, "a whole number from %lld to %lld", (long long)row->min,
                 (long long)row->max);
        break;
    case OPTION_NUMBER:
        snprintf(out, size, "a number from %lld to %lld", (long long)row->min, (long long)row->max);
        break;
    case OPTION_BOOL:
        snprintf(out, size, "true or false");
        break;
    case OPTION_DURATION:
        snprintf(out, size, "a duration from %s to %s, as \"90s\", \"20m\" or \"1h30m\"",
                 duration_format(row->min, from, sizeof(from)),
                 duration_format(row->max, to, sizeof(to)));
        break;
    case OPTION_CHOICE:
        join_names(row->names, out, size);
        break;
    case OPTION_STATUS:
        snprintf(out, size, "an HTTP status from 100 to 599, \"2xx\" or \"200-299\"");
        break;
    case OPTION_OBJECT:
    case OPTION_MAP:
        snprintf(out, size, "an object");
        break;
    case OPTION_LIST:
        snprintf(out, size, "an array of at most %lld%s", (long long)row->max,
                 row->or_bool ? ", true or false" : "");
        break;
    }
}

char *option_allowed(const struct option *row, char *out, size_t size)
{
    put_allowed(row, out, size);
    size_t used = strlen(out);
    if (row->hint)
        snprintf(out + used, size - used, "; %s", row->hint);
    return out;
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

const char *option_secret_hint(const struct option_table *table, const char *key)
{
    static const struct {
        const char *table, *key, *hint;
    } secrets[] = {
        {"mqtt", "password", "put it in HALL_MQTT_PASSWORD, in the environment file"},
        {"mqtt", "pass", "put it in HALL_MQTT_PASSWORD, in the environment file"},
        {NULL, "mqtt_password", "put it in HALL_MQTT_PASSWORD, in the environment file"},
        {NULL, "password", "put its hash in HALL_ADMIN_PASSWORD_HASH, in the environment file"},
        {NULL, "admin_password",
         "put its hash in HALL_ADMIN_PASSWORD_HASH, in the environment file"},
        {NULL, "admin_password_hash",
         "put it in HALL_ADMIN_PASSWORD_HASH, in the environment file"},
        {NULL, "secret_key", "put it in HALL_SECRET_KEY, in the environment file"},
        {NULL, "secret", "put it in HALL_SECRET_KEY, in the environment file"},
        {NULL, "api_key", "put it in HALL_API_KEY, in the environment file"},
        {NULL, "token", "put it in HALL_API_KEY, in the environment file"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
        bool here = !secrets[i].table || strcmp(secrets[i].table, table->name) == 0;
        if (here && strcmp(secrets[i].key, key) == 0)
            return secrets[i].hint;
    }
    return NULL;
}
