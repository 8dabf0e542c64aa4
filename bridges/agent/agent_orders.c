#include "bridges/agent/agent_orders.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"

enum { SHOWN_SIZE = 48, IDLE_MOST_S = 366 * 24 * 3600 };

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

__attribute__((format(printf, 3, 4))) static int refuse(char ret_reason[ORDER_REASON_SIZE],
                                                        int error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(ret_reason, ORDER_REASON_SIZE, format, args);
    va_end(args);
    return error;
}

/* ---- one payload ---- */

static int read_id(const struct json *root, struct order_name *name,
                   char ret_reason[ORDER_REASON_SIZE])
{
    const char *id = json_get_string(root, "id");
    if (!id || id[0] == '\0' || strlen(id) >= ORDER_ID_SIZE || text_has_control(id))
        return refuse(ret_reason, -EINVAL,
                      "\"id\" is missing or no id; allowed: 1 to %d printable bytes",
                      ORDER_ID_SIZE - 1);
    text_copy(name->id, sizeof(name->id), id);
    return 0;
}

/* As far as it is a text; the refusal shows it. */
static void read_action(const struct json *root, struct order_name *name)
{
    const char *action = json_get_string(root, "action");
    if (action)
        text_show(name->action, sizeof(name->action), action, strlen(action));
}

static int read_verb(const struct json *root, const struct order_name *name,
                     enum order_verb *ret_verb, char ret_reason[ORDER_REASON_SIZE])
{
    const char *action = json_get_string(root, "action");
    for (unsigned verb = 0; verb < ORDER_VERBS; verb++)
        if (text_equal(verbs[verb].name, action)) {
            *ret_verb = (enum order_verb)verb;
            return 0;
        }
    return refuse(
        ret_reason, -EINVAL,
        "\"action\" is \"%s\"; allowed: suspend, hibernate, poweroff, reboot, start, stop, restart",
        name->action);
}

static int read_force(const struct json *root, bool *ret_force, char ret_reason[ORDER_REASON_SIZE])
{
    const struct json *force = json_get(root, "force");
    *ret_force = false;
    if (!force || json_type(force) == JSON_NULL || json_bool(force, ret_force))
        return 0;
    return refuse(ret_reason, -EINVAL, "\"force\" is %s; allowed: true or false",
                  json_type_name(json_type(force)));
}

/* Only what it is, if it is there: a Hall that does not say it is an older one. */
static int read_idle(const struct json *root, int64_t *ret_idle_ms,
                     char ret_reason[ORDER_REASON_SIZE])
{
    const struct json *idle = json_get(root, "idle_s");
    int64_t seconds = 0;
    if (idle && json_type(idle) != JSON_NULL &&
        (!json_integer(idle, &seconds) || seconds < 0 || seconds > IDLE_MOST_S))
        return refuse(ret_reason, -EINVAL,
                      "\"idle_s\" must be a number of seconds; allowed: 0 to %d", IDLE_MOST_S);
    *ret_idle_ms = seconds * 1000;
    return 0;
}

static int read_expiry(const struct json *root, int64_t now, char ret_reason[ORDER_REASON_SIZE])
{
    const char *text = json_get_string(root, "expires");
    char here[RFC3339_SIZE], shown[SHOWN_SIZE];
    int64_t expires;
    if (!text || rfc3339_parse(text, &expires) < 0)
        return refuse(ret_reason, -EINVAL, "\"expires\" is missing or no time; allowed: as \"%s\"",
                      rfc3339_format(now, here));
    if (expires > now)
        return 0;
    return refuse(ret_reason, -ESTALE,
                  "it expired at %s, here it is %s: it came too late, or the clocks differ",
                  text_show(shown, sizeof(shown), text, strlen(text)), rfc3339_format(now, here));
}

static int read_names(const struct json *list, struct order *order,
                      char ret_reason[ORDER_REASON_SIZE])
{
    if (!list || json_type(list) == JSON_NULL)
        return 0;
    if (json_type(list) != JSON_ARRAY || json_count(list) > ORDER_CONTAINERS_MAX)
        return refuse(ret_reason, -EINVAL,
                      "\"containers\" is no list of names; allowed: at most %d",
                      ORDER_CONTAINERS_MAX);
    for (const struct json *item = json_first(list); item; item = json_next(item)) {
        const char *name = json_string(item);
        if (!name || name[0] == '\0' || strlen(name) >= DOCKER_NAME_SIZE || text_has_control(name))
            return refuse(ret_reason, -EINVAL,
                          "\"containers\" has something that is no container's name");
        text_copy(order->names[order->n_names++], DOCKER_NAME_SIZE, name);
    }
    return 0;
}

static int read_containers(const struct json *root, struct order *order,
                           char ret_reason[ORDER_REASON_SIZE])
{
    const struct json *project = json_get(root, "project");
    if (project && json_type(project) != JSON_NULL) {
        if (!json_string(project) || !text_is_slug(json_string(project)))
            return refuse(ret_reason, -EINVAL,
                          "\"project\" is no id; allowed: a-z, 0-9, '_' and '-'");
        text_copy(order->project, sizeof(order->project), json_string(project));
    }
    const int error = read_names(json_get(root, "containers"), order, ret_reason);
    if (error == 0 && order->project[0] == '\0' && order->n_names == 0)
        return refuse(ret_reason, -EINVAL, "neither \"project\" nor \"containers\" says what to %s",
                      verbs[order->verb].name);
    return error;
}

/* ---- the ids seen ---- */

static bool was_seen(const struct orders *orders, const char *id)
{
    for (size_t i = 0; i < ORDERS_KEPT; i++)
        if (strcmp(orders->ids[i], id) == 0)
            return true;
    return false;
}

static int remember(struct orders *orders, const char *id, char ret_reason[ORDER_REASON_SIZE])
{
    if (was_seen(orders, id))
        return refuse(ret_reason, -EALREADY, "a command with this id was handled before");
    text_copy(orders->ids[orders->next], ORDER_ID_SIZE, id);
    orders->next = (orders->next + 1) % ORDERS_KEPT;
    return 0;
}

/* ---- all together ---- */

static int check_right(enum order_verb verb, unsigned rights, char ret_reason[ORDER_REASON_SIZE])
{
    if ((verbs[verb].right & rights) != 0)
        return 0;
    return refuse(ret_reason, -EACCES,
                  "%s is switched off on this server: see \"allow\" in the agent's configuration",
                  verbs[verb].name);
}

static int read_order(struct orders *orders, const struct json *root, int64_t now, unsigned rights,
                      struct order *order, struct order_name *name,
                      char ret_reason[ORDER_REASON_SIZE])
{
    read_action(root, name);
    int error = read_id(root, name, ret_reason);
    if (error == 0)
        error = read_verb(root, name, &order->verb, ret_reason);
    if (error == 0)
        error = read_expiry(root, now, ret_reason);
    if (error == 0)
        error = read_force(root, &order->force, ret_reason);
    if (error == 0)
        error = read_idle(root, &order->idle_ms, ret_reason);
    if (error == 0 && !order_is_power(order->verb))
        error = read_containers(root, order, ret_reason);
    if (error == 0)
        error = remember(orders, name->id, ret_reason);
    return error < 0 ? error : check_right(order->verb, rights, ret_reason);
}

int orders_read(struct orders *orders, const void *payload, size_t length, bool retained,
                int64_t now_wall, unsigned rights, struct order *ret_order,
                struct order_name *ret_name, char ret_reason[ORDER_REASON_SIZE])
{
    struct json *root = NULL;
    struct order order = {0};
    *ret_name = (struct order_name){0};
    int error = json_read_object(payload, length, &root, ret_reason, ORDER_REASON_SIZE);
    if (error < 0)
        return error;
    error = read_order(orders, root, now_wall, rights, &order, ret_name, ret_reason);
    if (error == 0 && retained)
        error =
            refuse(ret_reason, -ESTALE,
                   "it is retained: a command is said once, or it would be repeated at each start");
    json_free(root);
    if (error < 0)
        return error;
    text_copy(order.id, sizeof(order.id), ret_name->id);
    *ret_order = order;
    return 0;
}
