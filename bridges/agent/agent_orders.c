#include "bridges/agent/agent_orders.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"

enum { WRONG_SIZE = 160, IDLE_MOST_S = 366 * 24 * 3600 };

static const struct verb_row {
    const char *name;
    unsigned right;
} verbs[ORDER_VERBS] = {
    [ORDER_SUSPEND] = {"suspend", RIGHT_SUSPEND},
    [ORDER_HIBERNATE] = {"hibernate", RIGHT_HIBERNATE},
    [ORDER_POWEROFF] = {"poweroff", RIGHT_POWEROFF},
    [ORDER_REBOOT] = {"reboot", RIGHT_REBOOT},
    [ORDER_START] = {"start", RIGHT_CONTAINERS},
    [ORDER_STOP] = {"stop", RIGHT_CONTAINERS},
    [ORDER_RESTART] = {"restart", RIGHT_CONTAINERS},
};

const char *order_verb_name(enum order_verb verb)
{
    return verbs[verb].name;
}

static int refuse(struct fact *ret_why, int error, struct fact why)
{
    *ret_why = why;
    return error;
}

/* ---- one payload ---- */

static int read_id(const struct json *root, struct order_name *name, struct fact *ret_why)
{
    const char *id = json_get_string(root, "id");
    if (!id || id[0] == '\0' || strlen(id) >= ORDER_ID_SIZE || text_has_control(id))
        return refuse(ret_why, -EINVAL, FACT(AGENT_BAD_ID, .n = {ORDER_ID_SIZE - 1}));
    text_copy(name->id, sizeof(name->id), id);
    return 0;
}

static int read_verb(const struct json *root, const struct order_name *name,
                     enum order_verb *ret_verb, struct fact *ret_why)
{
    const char *action = json_get_string(root, "action");
    for (unsigned verb = 0; verb < ORDER_VERBS; verb++)
        if (text_equal(verbs[verb].name, action)) {
            *ret_verb = (enum order_verb)verb;
            return 0;
        }
    return refuse(ret_why, -EINVAL, fact_with(FACT(AGENT_BAD_ACTION), name->action, NULL));
}

static int read_force(const struct json *root, bool *ret_force, struct fact *ret_why)
{
    const struct json *force = json_get(root, "force");
    *ret_force = false;
    if (!force || json_type(force) == JSON_NULL || json_bool(force, ret_force))
        return 0;
    return refuse(ret_why, -EINVAL,
                  fact_with(FACT(AGENT_BAD_FORCE), json_type_name(json_type(force)), NULL));
}

/* Only what it is, if it is there: a Hall that does not say it is an older one. */
static int read_idle(const struct json *root, int64_t *ret_idle_ms, struct fact *ret_why)
{
    const struct json *idle = json_get(root, "idle_s");
    int64_t seconds = 0;
    if (idle && json_type(idle) != JSON_NULL &&
        (!json_integer(idle, &seconds) || seconds < 0 || seconds > IDLE_MOST_S))
        return refuse(ret_why, -EINVAL, FACT(AGENT_BAD_IDLE, .n = {IDLE_MOST_S}));
    *ret_idle_ms = seconds * 1000;
    return 0;
}

static int read_expiry(const struct json *root, int64_t now, struct fact *ret_why)
{
    const char *text = json_get_string(root, "expires");
    int64_t expires;
    if (!text || rfc3339_parse(text, &expires) < 0)
        return refuse(ret_why, -EINVAL, FACT(AGENT_BAD_EXPIRES, .n = {now}));
    if (expires > now)
        return 0;
    return refuse(ret_why, -ESTALE, FACT(AGENT_EXPIRED, .n = {expires, now}));
}

static int read_names(const struct json *list, struct order *order, struct fact *ret_why)
{
    if (!list || json_type(list) == JSON_NULL)
        return 0;
    if (json_type(list) != JSON_ARRAY || json_count(list) > ORDER_CONTAINERS_MAX)
        return refuse(ret_why, -EINVAL, FACT(AGENT_BAD_CONTAINERS, .n = {ORDER_CONTAINERS_MAX}));
    for (const struct json *item = json_first(list); item; item = json_next(item)) {
        const char *name = json_string(item);
        if (!name || name[0] == '\0' || strlen(name) >= DOCKER_NAME_SIZE || text_has_control(name))
            return refuse(ret_why, -EINVAL, FACT(AGENT_BAD_CONTAINER));
        text_copy(order->names[order->n_names++], DOCKER_NAME_SIZE, name);
    }
    return 0;
}

static int read_containers(const struct json *root, struct order *order, struct fact *ret_why)
{
    const struct json *project = json_get(root, "project");
    if (project && json_type(project) != JSON_NULL) {
        if (!json_string(project) || !text_is_slug(json_string(project)))
            return refuse(ret_why, -EINVAL, FACT(AGENT_BAD_PROJECT));
        text_copy(order->project, sizeof(order->project), json_string(project));
    }
    const int error = read_names(json_get(root, "containers"), order, ret_why);
    if (error == 0 && order->project[0] == '\0' && order->n_names == 0)
        return refuse(ret_why, -EINVAL,
                      fact_with(FACT(AGENT_NO_TARGET), verbs[order->verb].name, NULL));
    return error;
}

/* ---- the ids seen ---- */

static int remember(struct orders *orders, const char *id, struct fact *ret_why)
{
    for (size_t i = 0; i < ORDERS_KEPT; i++)
        if (strcmp(orders->ids[i], id) == 0)
            return refuse(ret_why, -EALREADY, FACT(AGENT_REPEATED));
    text_copy(orders->ids[orders->next], ORDER_ID_SIZE, id);
    orders->next = (orders->next + 1) % ORDERS_KEPT;
    return 0;
}

/* ---- all together ---- */

static int read_order(struct orders *orders, const struct json *root, int64_t now, unsigned rights,
                      struct order *order, struct order_name *name, struct fact *ret_why)
{
    const char *action = json_get_string(root, "action");
    if (action) /* the refusal shows it */
        text_show(name->action, sizeof(name->action), action, strlen(action));
    int error = read_id(root, name, ret_why);
    if (error == 0)
        error = read_verb(root, name, &order->verb, ret_why);
    if (error == 0)
        error = read_expiry(root, now, ret_why);
    if (error == 0)
        error = read_force(root, &order->force, ret_why);
    if (error == 0)
        error = read_idle(root, &order->idle_ms, ret_why);
    if (error == 0 && !order_is_power(order->verb))
        error = read_containers(root, order, ret_why);
    if (error == 0)
        error = remember(orders, name->id, ret_why);
    if (error == 0 && (verbs[order->verb].right & rights) == 0)
        error = refuse(ret_why, -EACCES,
                       fact_with(FACT(AGENT_NOT_ALLOWED), verbs[order->verb].name, NULL));
    return error;
}

int orders_read(struct orders *orders, const void *payload, size_t length, bool retained,
                int64_t now_wall, unsigned rights, struct order *ret_order,
                struct order_name *ret_name, struct fact *ret_why)
{
    struct json *root = NULL;
    struct order order = {0};
    char wrong[WRONG_SIZE];
    *ret_name = (struct order_name){0};
    int error = json_read_object(payload, length, &root, wrong, sizeof(wrong));
    if (error < 0)
        return refuse(ret_why, error, fact_with(FACT(ANSWER_INVALID), wrong, NULL));
    error = read_order(orders, root, now_wall, rights, &order, ret_name, ret_why);
    if (error == 0 && retained)
        error = refuse(ret_why, -ESTALE, FACT(AGENT_RETAINED));
    json_free(root);
    if (error < 0)
        return error;
    text_copy(order.id, sizeof(order.id), ret_name->id);
    *ret_order = order;
    return 0;
}
