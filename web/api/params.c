/* What may stand in a query and in a body: every parameter is one row, and whatever is not known is
 * refused by name. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/address.h"
#include "base/array.h"
#include "base/clock.h"
#include "base/number.h"
#include "base/text.h"
#include "web/api/api_internal.h"

/* ---- what may stand in a query ---- */

enum { QUERY_MAX = 4096 };

enum param_kind {
    KIND_SLUG,
    KIND_HOST,
    KIND_WORD,
    KIND_TEXT,
    KIND_ADDRESS,
    KIND_FORMAT,
    KIND_TIME,
    KIND_ID,
    KIND_LIMIT
};

#define PLACE(field_) offsetof(struct api_params, field_), sizeof(((struct api_params *)0)->field_)

static const struct param {
    const char *name;
    unsigned bit;
    enum param_kind kind;
    size_t text, size; /* where its text goes */
    size_t number;     /* and its number */
    const char *allowed;
} param_rows[] = {
    {"server", PARAM_SERVER, KIND_SLUG, PLACE(server), 0, "the id of a server"},
    {"domain", PARAM_DOMAIN, KIND_HOST, PLACE(domain), 0, "a host name"},
    {"project", PARAM_PROJECT, KIND_SLUG, PLACE(project), 0, "the id of a project"},
    {"type", PARAM_TYPE, KIND_WORD, PLACE(type), 0, "a type of event, such as ready"},
    {"search", PARAM_SEARCH, KIND_TEXT, PLACE(search), 0, "1 to 100 printable bytes"},
    {"address", PARAM_ADDRESS, KIND_ADDRESS, PLACE(address), 0, "an IPv4 address"},
    {"format", PARAM_FORMAT, KIND_FORMAT, PLACE(format), 0, "csv or json"},
    {"from", PARAM_TIMES, KIND_TIME, PLACE(from_text), offsetof(struct api_params, from),
     "an instant, such as 2026-11-22T09:28:29Z"},
    {"to", PARAM_TIMES, KIND_TIME, PLACE(to_text), offsetof(struct api_params, to),
     "an instant, such as 2026-11-22T09:28:29Z"},
    {"before", PARAM_BEFORE, KIND_ID, PLACE(number), offsetof(struct api_params, before),
     "`next` of the page before"},
    {"after", PARAM_AFTER, KIND_ID, PLACE(number), offsetof(struct api_params, after),
     "`next` of the page before"},
    {"limit", PARAM_LIMIT, KIND_LIMIT, PLACE(number), offsetof(struct api_params, limit),
     "a whole number from 1 to 200"},
};
enum { PARAMS = ARRAY_SIZE(param_rows) };

static bool read_param(const struct param *param, const char *text, int64_t *number)
{
    struct cidr range;
    switch (param->kind) {
    case KIND_SLUG:
        return text_is_slug(text);
    case KIND_HOST:
        return text[0] != '\0' &&
               text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "0123456789.-_")] == '\0';
    case KIND_WORD:
        return text[0] != '\0' && text[strspn(text, "abcdefghijklmnopqrstuvwxyz_")] == '\0';
    case KIND_TEXT:
        return text[0] != '\0' && !text_has_control(text) && text_is_utf8(text, strlen(text));
    case KIND_ADDRESS:
        return cidr_parse(text, &range) == 0;
    case KIND_FORMAT:
        return strcmp(text, "csv") == 0 || strcmp(text, "json") == 0;
    case KIND_TIME:
        return rfc3339_parse(text, number) == 0;
    case KIND_ID:
        return number_parse(text, 1, INT64_C(1) << 53, number) == 0;
    case KIND_LIMIT:
        return number_parse(text, 1, 200, number) == 0;
    }
    return false;
}

static const struct param *find_param(const struct api_call *call, struct span name)
{
    for (size_t i = 0; i < PARAMS; i++)
        if ((call->route->params & param_rows[i].bit) != 0 &&
            strlen(param_rows[i].name) == name.length &&
            memcmp(param_rows[i].name, name.at, name.length) == 0)
            return &param_rows[i];
    return NULL;
}

/* Every name in the query is one this route knows, and stands there once. */
static bool check_names(struct api_call *call)
{
    struct span rest = call->request->query;
    unsigned seen = 0;
    while (rest.at && rest.length > 0) {
        char shown[48];
        const char *end = memchr(rest.at, '&', rest.length);
        size_t length = end ? (size_t)(end - rest.at) : rest.length;
        const char *equal = memchr(rest.at, '=', length);
        struct span name = {rest.at, equal ? (size_t)(equal - rest.at) : length};
        const struct param *param = find_param(call, name);
        unsigned bit = param ? 1U << (param - param_rows) : 0;
        text_show(shown, sizeof(shown), name.at, name.length);
        if (!param || (seen & bit) != 0) {
            api_problem(call, 400, "The parameter \"%s\" %s.", shown,
                        !param ? "is not known here; see /api/v1/openapi.json"
                               : "stands there twice");
            return false;
        }
        seen |= bit;
        rest.at += length;
        rest.length -= length;
        if (rest.length > 0) {
            rest.at++;
            rest.length--;
        }
    }
    return true;
}

static bool take_param(struct api_call *call, struct span query, const struct param *param,
                       struct api_params *params)
{
    char *text = (char *)params + param->text;
    int64_t *number = (int64_t *)(void *)((char *)params + param->number);
    int64_t none = 0;
    int length = uri_parameter(query, param->name, text, param->size);
    if (length == -ENOENT)
        return true;
    if (length >= 0 && read_param(param, text, param->number > 0 ? number : &none))
        return true;
    api_problem(call, 400, "The parameter \"%s\" is not understood; allowed: %s.", param->name,
                param->allowed);
    return false;
}

/* Forms write a blank as '+'. */
static bool take_query(struct api_call *call, char text[QUERY_MAX], struct span *ret_query)
{
    const struct span query = call->request->query;
    if (!query.at)
        return true;
    if (query.length > QUERY_MAX) {
        api_problem(call, 400, "The query is longer than %d bytes.", QUERY_MAX);
        return false;
    }
    for (size_t i = 0; i < query.length; i++)
        text[i] = (char)(query.at[i] == '+' ? ' ' : query.at[i]);
    *ret_query = (struct span){text, query.length};
    return true;
}

bool api_params(struct api_call *call, struct api_params *ret_params)
{
    char text[QUERY_MAX];
    struct span query = {NULL, 0};

    *ret_params = (struct api_params){.limit = 50};
    if (!take_query(call, text, &query) || !check_names(call))
        return false;
    for (size_t i = 0; i < PARAMS; i++)
        if ((call->route->params & param_rows[i].bit) != 0 &&
            !take_param(call, query, &param_rows[i], ret_params))
            return false;
    if (ret_params->from != 0 && ret_params->to != 0 && ret_params->from >= ret_params->to) {
        api_problem(call, 400, "\"from\" is not before \"to\".");
        return false;
    }
    return true;
}

/* ---- what may stand in a body ---- */

static bool is_json_type(const char *type)
{
    static const char json[] = "application/json";
    if (!type || strncasecmp(type, json, sizeof(json) - 1) != 0)
        return false;
    type += sizeof(json) - 1;
    return *type == '\0' || *type == ';' || *type == ' ';
}

/* Less deep than the reader allows, because what was read is written again within other objects. */
const struct json_limits api_limits = {.bytes = API_CONFIG_MAX, .depth = 12};

/* What curl -d says by itself. No page can send the key along, so it need not be kept from forms.
 */
static bool is_scripts_type(const struct api_request *request)
{
    static const char form[] = "application/x-www-form-urlencoded";
    const char *type = request->content_type;
    return strcmp(request->by, "api-key") == 0 &&
           (!type || type[0] == '\0' || strcmp(type, form) == 0);
}

bool api_body(struct api_call *call, bool optional, struct json **ret_json)
{
    const struct api_request *request = call->request;
    struct json_error error;
    *ret_json = NULL;
    if (request->length == 0 && optional)
        return true;
    if (request->length > 0 && !is_json_type(request->content_type) && !is_scripts_type(request)) {
        api_problem(call, 415, "The body must be application/json.");
        return false;
    }
    if (request->length > api_body_max(request->path)) {
        api_problem(call, 413, "The body is longer than %zu bytes.", api_body_max(request->path));
        return false;
    }
    if (json_read(request->body ? request->body : "", request->length, &api_limits, ret_json,
                  &error) < 0) {
        api_problem(call, 400, "The JSON cannot be read: %s (line %u, column %u).", error.what,
                    error.line, error.column);
        return false;
    }
    if (json_type(*ret_json) == JSON_OBJECT)
        return true;
    api_problem(call, 400, "The body is %s; allowed: an object.",
                json_type_name(json_type(*ret_json)));
    json_free(*ret_json);
    *ret_json = NULL;
    return false;
}

bool api_keys(struct api_call *call, const struct json *json, const char *const keys[])
{
    const struct json *member = json ? json_first(json) : NULL;
    for (; member; member = json_next(member)) {
        const char *key = json_key(member);
        char shown[48];
        size_t i = 0;
        while (keys[i] && strcmp(keys[i], key) != 0)
            i++;
        if (keys[i])
            continue;
        api_problem(call, 400, "\"%s\" is not known here; see /api/v1/openapi.json.",
                    text_show(shown, sizeof(shown), key, strlen(key)));
        return false;
    }
    return true;
}
