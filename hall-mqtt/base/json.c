#include "base/json.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_scan.h"
#include "base/text.h"

/* A struct json is a cJSON under another name; nothing but these casts knows. */

const struct json_limits json_limits_payload = {.bytes = UINT64_C(64) * 1024,
                                                .depth = JSON_DEPTH_MAX};
const struct json_limits json_limits_config = {.bytes = UINT64_C(4) * 1024 * 1024,
                                               .depth = JSON_DEPTH_MAX};

#define INTEGER_MAX 9007199254740992.0 /* 2^53: beyond it a double skips whole numbers */

static const cJSON *tree(const struct json *value)
{
    return (const cJSON *)(const void *)value;
}

static const struct json *borrow(const cJSON *value)
{
    return (const struct json *)(const void *)value;
}

/* Where a container is, for the message about a key in it. */
struct place {
    const struct place *parent;
    const cJSON *value;
};

void json_pointer_key(struct buf *out, const char *key)
{
    for (; *key != '\0'; key++) {
        if (*key == '~')
            buf_puts(out, "~0");
        else if (*key == '/')
            buf_puts(out, "~1");
        else
            buf_putc(out, *key);
    }
}

static void print_place(const struct place *place, struct buf *out)
{
    if (!place->parent)
        return;
    print_place(place->parent, out);
    buf_putc(out, '/');
    if (place->value->string) {
        json_pointer_key(out, place->value->string);
        return;
    }
    size_t index = 0;
    for (const cJSON *at = place->parent->value->child; at != place->value; at = at->next)
        index++;
    buf_printf(out, "%zu", index);
}

static int fail_duplicate(const struct place *place, const char *key, struct json_error *error)
{
    char shown_key[48];
    char shown_place[64];
    struct buf path = BUF_INIT(4096);

    print_place(place, &path);
    text_show(shown_key, sizeof(shown_key), key, strlen(key));
    text_show(shown_place, sizeof(shown_place), buf_text(&path), strlen(buf_text(&path)));
    *error = (struct json_error){0};
    snprintf(error->what, sizeof(error->what), "the key \"%s\" appears twice in %s", shown_key,
             *shown_place != '\0' ? shown_place : "the outermost object");
    buf_finish(&path);
    return -EEXIST;
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, so that an object of many members costs n log n. */
static int check_keys(const struct place *place, struct json_error *error)
{
    size_t n = 0;
    for (const cJSON *at = place->value->child; at; at = at->next)
        n++;
    if (n < 2)
        return 0;
    const char **keys = calloc(n, sizeof(*keys));
    if (!keys)
        return -ENOMEM;
    size_t used = 0;
    for (const cJSON *at = place->value->child; at; at = at->next)
        keys[used++] = at->string;
    qsort(keys, n, sizeof(*keys), compare_keys);
    int r = 0;
    for (size_t i = 1; i < n && r == 0; i++) {
        if (strcmp(keys[i - 1], keys[i]) == 0)
            r = fail_duplicate(place, keys[i], error);
    }
    free(keys);
    return r;
}

/* Recurses at most JSON_DEPTH_MAX deep: json_scan has seen to it. */
static int check_duplicates(const struct place *place, struct json_error *error)
{
    int r = cJSON_IsObject(place->value) ? check_keys(place, error) : 0;
    for (const cJSON *at = place->value->child; at && r == 0; at = at->next) {
        if (at->child)
            r = check_duplicates(&(struct place){.parent = place, .value = at}, error);
    }
    return r;
}

static int fail_plain(struct json_error *error, int code, const char *what)
{
    *error = (struct json_error){0};
    text_copy(error->what, sizeof(error->what), what);
    return code;
}

int json_read(const char *bytes, size_t length, const struct json_limits *limits,
              struct json **ret_value, struct json_error *ret_error)
{
    int r = json_scan(bytes, length, limits, ret_error);
    if (r < 0)
        return r;
    cJSON *root = cJSON_ParseWithLengthOpts(bytes, length, NULL, 0);
    if (!root) /* the text is sound */
        return fail_plain(ret_error, -ENOMEM, "out of memory");
    r = check_duplicates(&(struct place){.value = root}, ret_error);
    if (r < 0) {
        cJSON_Delete(root);
        return r == -ENOMEM ? fail_plain(ret_error, r, "out of memory") : r;
    }
    *ret_value = (struct json *)(void *)root;
    return 0;
}

int json_read_object(const char *bytes, size_t length, struct json **ret_object, char *why,
                     size_t size)
{
    struct json *root = NULL;
    struct json_error error;
    if (json_read(bytes, length, &json_limits_payload, &root, &error) < 0) {
        snprintf(why, size, "the JSON cannot be read: %s (line %u, column %u)", error.what,
                 error.line, error.column);
        return -EINVAL;
    }
    if (json_type(root) != JSON_OBJECT) {
        snprintf(why, size, "the payload is %s; allowed: an object",
                 json_type_name(json_type(root)));
        json_free(root);
        return -EINVAL;
    }
    *ret_object = root;
    return 0;
}

void json_free(struct json *value)
{
    cJSON_Delete((cJSON *)(void *)value);
}

enum json_type json_type(const struct json *value)
{
    const cJSON *item = tree(value);
    if (cJSON_IsBool(item))
        return JSON_BOOL;
    if (cJSON_IsNumber(item))
        return JSON_NUMBER;
    if (cJSON_IsString(item))
        return JSON_STRING;
    if (cJSON_IsArray(item))
        return JSON_ARRAY;
    return cJSON_IsObject(item) ? JSON_OBJECT : JSON_NULL;
}

const char *json_type_name(enum json_type type)
{
    static const char *const names[] = {
        [JSON_NULL] = "null",     [JSON_BOOL] = "true or false", [JSON_NUMBER] = "number",
        [JSON_STRING] = "string", [JSON_ARRAY] = "array",        [JSON_OBJECT] = "object",
    };
    return names[type];
}

const struct json *json_get(const struct json *object, const char *key)
{
    const cJSON *item = tree(object);
    return cJSON_IsObject(item) ? borrow(cJSON_GetObjectItemCaseSensitive(item, key)) : NULL;
}

const char *json_string(const struct json *value)
{
    return cJSON_GetStringValue(tree(value));
}

const char *json_get_string(const struct json *object, const char *key)
{
    return json_string(json_get(object, key));
}

bool json_get_bool(const struct json *object, const char *key, bool fallback)
{
    bool value = fallback;
    json_bool(json_get(object, key), &value);
    return value;
}

bool json_bool(const struct json *value, bool *ret)
{
    if (!cJSON_IsBool(tree(value)))
        return false;
    *ret = cJSON_IsTrue(tree(value));
    return true;
}

bool json_integer(const struct json *value, int64_t *ret)
{
    double number;
    if (!json_number(value, &number) || fabs(number) > INTEGER_MAX || trunc(number) != number)
        return false;
    *ret = (int64_t)number;
    return true;
}

bool json_number(const struct json *value, double *ret)
{
    const cJSON *item = tree(value);
    if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble))
        return false;
    *ret = item->valuedouble;
    return true;
}

const struct json *json_first(const struct json *container)
{
    return container ? borrow(tree(container)->child) : NULL;
}

const struct json *json_next(const struct json *value)
{
    return borrow(tree(value)->next);
}

const char *json_key(const struct json *member)
{
    return tree(member)->string;
}

size_t json_count(const struct json *container)
{
    size_t n = 0;
    for (const struct json *at = json_first(container); at; at = json_next(at))
        n++;
    return n;
}
