/* Facts as JSON, written and read. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "core/facts/lease.h"
#include "say/say_table.h"

enum { TEXT_MOST = 2048 };

#define NUMBER_MOST (INT64_C(1) << 52)

/* ---- writing ---- */

static void put_value(struct json_writer *json, const struct say_param *param,
                      const struct told_value *value)
{
    if (!value->known) {
        json_put_null(json, param->name);
        return;
    }
    if (value->text) {
        json_put_string(json, param->name, value->text);
        return;
    }
    switch ((enum param_kind)param->kind) {
    case PARAM_SECONDS:
    case PARAM_EXACT:
    case PARAM_SPAN:
    case PARAM_QUIET:
        json_put_seconds(json, param->name, value->number);
        break;
    case PARAM_LOAD:
        json_put_number(json, param->name, (double)value->number / 100);
        break;
    case PARAM_AGO:
    case PARAM_CLOCK:
    case PARAM_INSTANT:
        json_put_time(json, param->name, value->number);
        break;
    case PARAM_NUMBER:
    case PARAM_BYTES:
    case PARAM_RATE:
    case PARAM_END:
    case PARAM_SERVER:
    case PARAM_DOMAIN:
    case PARAM_SITE:
    case PARAM_CHECK:
    case PARAM_ABOUT:
    case PARAM_GROUP:
    case PARAM_STAGE:
    case PARAM_GUARD:
    case PARAM_ACTION:
    case PARAM_POLICY:
    case PARAM_STATE:
    case PARAM_VERB:
    case PARAM_STREAM:
    case PARAM_KIND:
    case PARAM_TEXT:
    case PARAM_CAUSE:
        json_put_integer(json, param->name, value->number);
        break;
    }
}

static void put_part(struct json_writer *json, const char *key, const struct told *told, size_t at)
{
    const struct told_part *part = at < FACT_DEPTH ? &told->parts[at] : NULL;

    if (!part || part->code == FACT_NONE) {
        json_put_null(json, key);
        return;
    }
    const struct say_param *param = say_rows[part->code].params;

    json_begin_object(json, key);
    json_put_string(json, "code", say_rows[part->code].name);
    for (size_t i = 0; param[i].name; i++)
        if (param[i].kind == PARAM_CAUSE)
            put_part(json, param[i].name, told, at + 1);
        else
            put_value(json, &param[i], &part->values[i]);
    if (!say_has_cause(part->code) && at + 1 < FACT_DEPTH && part[1].code != FACT_NONE)
        put_part(json, "and", told, at + 1);
    json_end_object(json);
}

void say_put_told(struct json_writer *json, const char *key, const struct told *told)
{
    put_part(json, key, told, 0);
}

void say_put_fact(struct json_writer *json, const char *key, const struct fact *fact,
                  const struct model *model)
{
    struct told told;

    say_resolve(fact, model, &told);
    say_put_told(json, key, &told);
}

/* ---- reading ---- */

static bool read_scaled(const struct json *json, double factor, int64_t *ret_number)
{
    double number;

    if (!json_number(json, &number) || number < 0 || number * factor > (double)NUMBER_MOST)
        return false;
    *ret_number = (int64_t)(number * factor + 0.5);
    return true;
}

static bool read_text(const struct json *json, struct told_value *value)
{
    value->text = json_string(json);
    return value->text && value->text[0] != '\0' && strlen(value->text) <= TEXT_MOST;
}

static bool read_time(const struct json *json, struct told_value *value)
{
    const char *text = json_string(json);

    return text && rfc3339_parse(text, &value->number) == 0 && value->number > 0;
}

static bool read_value(const struct json *json, enum param_kind kind, struct told_value *value)
{
    switch (kind) {
    case PARAM_SERVER:
    case PARAM_DOMAIN:
    case PARAM_SITE:
    case PARAM_CHECK:
    case PARAM_ABOUT:
    case PARAM_GROUP:
    case PARAM_STAGE:
    case PARAM_GUARD:
    case PARAM_ACTION:
    case PARAM_POLICY:
    case PARAM_STATE:
    case PARAM_VERB:
    case PARAM_STREAM:
    case PARAM_KIND:
    case PARAM_TEXT:
        return read_text(json, value);
    case PARAM_AGO:
    case PARAM_CLOCK:
    case PARAM_INSTANT:
        return read_time(json, value);
    case PARAM_SECONDS:
    case PARAM_EXACT:
    case PARAM_SPAN:
    case PARAM_QUIET:
        return read_scaled(json, 1000, &value->number);
    case PARAM_LOAD:
        return read_scaled(json, 100, &value->number);
    case PARAM_NUMBER:
    case PARAM_BYTES:
    case PARAM_RATE:
        return read_scaled(json, 1, &value->number);
    case PARAM_END:
    case PARAM_CAUSE:
        break;
    }
    return true;
}

static int read_part(const struct json *json, struct told *told, size_t at);

/* A cause, or what stands beside it; what cannot be read is left out. */
static void read_next(const struct json *json, struct told *told, size_t at)
{
    if (at < FACT_DEPTH && read_part(json, told, at) < 0)
        memset(&told->parts[at], 0, (FACT_DEPTH - at) * sizeof(*told->parts));
}

static int read_part(const struct json *json, struct told *told, size_t at)
{
    const char *name = json_get_string(json, "code");
    struct told_part *part = &told->parts[at];
    enum fact_code code;

    if (!name || !say_code_from_name(name, &code))
        return -EINVAL;
    part->code = code;
    for (size_t i = 0; say_rows[code].params[i].name; i++) {
        const struct say_param *param = &say_rows[code].params[i];
        const struct json *value = json_get(json, param->name);

        if (!value || json_type(value) == JSON_NULL)
            continue;
        if (param->kind == PARAM_CAUSE) {
            read_next(value, told, at + 1);
        } else if (!read_value(value, (enum param_kind)param->kind, &part->values[i])) {
            return -EINVAL;
        } else {
            part->values[i].known = true;
        }
    }
    if (!say_has_cause(code) && json_get(json, "and"))
        read_next(json_get(json, "and"), told, at + 1);
    return 0;
}

int say_read_fact(const struct json *json, struct told *ret_told)
{
    struct told told;
    int error;

    memset(&told, 0, sizeof(told));
    if (!json || json_type(json) != JSON_OBJECT)
        return -EINVAL;
    error = read_part(json, &told, 0);
    if (error == 0)
        *ret_told = told;
    return error;
}
