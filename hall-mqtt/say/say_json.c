/* Facts as JSON, written and read. */
#include <errno.h>
#include <string.h>

#include "say/say_table.h"

/* ---- writing ---- */

static void put_value(struct json_writer *json, const struct say_param *param,
                      const struct told_value *value)
{
    if (!value->known)
        json_put_null(json, param->name);
    else if (value->text)
        json_put_string(json, param->name, value->text);
    else
        say_kinds[param->kind].put(json, param->name, value->number);
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
        } else if (!say_kinds[param->kind].read(value, &part->values[i])) {
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
