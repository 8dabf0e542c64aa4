/* The small things that every message of an agent is read with. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "say/say.h"
#include "words/agent_report_internal.h"

int report_refuse(char ret_reason[REASON_SIZE], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(ret_reason, REASON_SIZE, format, args);
    va_end(args);
    return -EINVAL;
}

int report_member(const struct json *object, const char *key, enum json_type type,
                  const struct json **ret_value, char ret_reason[REASON_SIZE])
{
    const struct json *value = json_get(object, key);
    if (value && json_type(value) == JSON_NULL)
        value = NULL;
    if (value && json_type(value) != type)
        return report_refuse(ret_reason, "\"%s\" is %s; allowed: %s", key,
                             json_type_name(json_type(value)), json_type_name(type));
    *ret_value = value;
    return 0;
}

int report_read_schema(const struct json *root, int *ret_schema, char ret_reason[REASON_SIZE])
{
    const struct json *value = NULL;
    int64_t schema = 0;
    int error = report_member(root, "schema", JSON_NUMBER, &value, ret_reason);
    if (error == 0 && value && (!json_integer(value, &schema) || schema < 1 || schema > INT16_MAX))
        error =
            report_refuse(ret_reason, "\"schema\" is out of range; allowed: 1 to %d", INT16_MAX);
    *ret_schema = (int)schema;
    return error;
}

bool report_is_foreign(int schema)
{
    return schema > 0 && schema != AGENT_SCHEMA;
}

struct fact report_said(const char *words)
{
    char shown[FACT_TEXT_SIZE];

    return fact_with(FACT(AGENT_SAID), text_show(shown, sizeof(shown), words, strlen(words)), NULL);
}

bool report_read_fact(const struct json *json, struct fact *ret_fact)
{
    struct told told;

    if (!json || say_read_fact(json, &told) < 0)
        return false;
    for (size_t i = 0; i < FACT_DEPTH && told.parts[i].code != FACT_NONE; i++)
        if (!fact_is_of_agent(told.parts[i].code))
            return false;
    if (!say_locate(&told, NULL, MODEL_NONE, ret_fact))
        return false;
    for (size_t i = 0; i < sizeof(ret_fact->text); i++)
        if (((unsigned char)ret_fact->text[i] < ' ' && ret_fact->text[i] != '\0') ||
            ret_fact->text[i] == 0x7f)
            ret_fact->text[i] = '?';
    return true;
}
