#include "bridges/agent/agent_commands.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"

enum { WRONG_SIZE = 160, IDLE_MOST_S = 366 * 24 * 3600 };

static const struct verb_row {
    const char *name;
    unsigned right;
} verbs[AGENT_VERBS] = {
    [VERB_SUSPEND] = {"suspend", RIGHT_SUSPEND},
    [VERB_HIBERNATE] = {"hibernate", RIGHT_HIBERNATE},
    [VERB_POWEROFF] = {"poweroff", RIGHT_POWEROFF},
    [VERB_REBOOT] = {"reboot", RIGHT_REBOOT},
    [VERB_START] = {"start", RIGHT_CONTAINERS},
    [VERB_STOP] = {"stop", RIGHT_CONTAINERS},
    [VERB_RESTART] = {"restart", RIGHT_CONTAINERS},
};

const char *agent_verb_name(enum agent_verb verb)
{
    return verbs[verb].name;
}

static int refuse(struct fact *ret_why, int error, struct fact why)
{
    *ret_why = why;
    return error;
}

/* ---- one payload ---- */

static int read_id(const struct json *root, struct agent_command_name *name, struct fact *ret_why)
{
    const char *id = json_get_string(root, "id");
    if (!id || id[0] == '\0' || strlen(id) >= AGENT_COMMAND_ID_SIZE || text_has_control(id))
        return refuse(ret_why, -EINVAL, FACT(AGENT_BAD_ID, .n = {AGENT_COMMAND_ID_SIZE - 1}));
    text_copy(name->id, sizeof(name->id), id);
    return 0;
}

static int read_verb(const struct json *root, const struct agent_command_name *name,
                     enum agent_verb *ret_verb, struct fact *ret_why)
{
    const char *action = json_get_string(root, "action");
    for (unsigned verb = 0; verb < AGENT_VERBS; verb++)
        if (text_equal(verbs[verb].name, action)) {
            *ret_verb = (enum agent_verb)verb;
            return 0;
        }
    return refuse(ret_why, -EINVAL, fact_with(FACT(AGENT_BAD_ACTION), name->action, NULL));
}

static int read_flag(const struct json *root, const char *key, enum fact_code code, bool *ret_flag,
                     struct fact *ret_why)
{
    const struct json *flag = json_get(root, key);
    const struct fact wrong = {.parts = {{.code = (uint16_t)code}}};
    *ret_flag = false;
    if (!flag || json_type(flag) == JSON_NULL || json_bool(flag, ret_flag))
        return 0;
    return refuse(ret_why, -EINVAL, fact_with(wrong, json_type_name(json_type(flag)), NULL));
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

static int read_names(const struct json *list, struct agent_command *command, struct fact *ret_why)
{
    if (!list || json_type(list) == JSON_NULL)
        return 0;
    if (json_type(list) != JSON_ARRAY || json_count(list) > AGENT_COMMAND_CONTAINERS_MAX)
        return refuse(ret_why, -EINVAL,
                      FACT(AGENT_BAD_CONTAINERS, .n = {AGENT_COMMAND_CONTAINERS_MAX}));
    for (const struct json *item = json_first(list); item; item = json_next(item)) {
        const char *name = json_string(item);
        if (!name || name[0] == '\0' || strlen(name) >= DOCKER_NAME_SIZE || text_has_control(name))
            return refuse(ret_why, -EINVAL, FACT(AGENT_BAD_CONTAINER));
        text_copy(command->names[command->n_names++], DOCKER_NAME_SIZE, name);
    }
    return 0;
}

static int read_containers(const struct json *root, struct agent_command *command,
                           struct fact *ret_why)
{
    const struct json *project = json_get(root, "project");
    if (project && json_type(project) != JSON_NULL) {
        if (!json_string(project) || !text_is_slug(json_string(project)))
            return refuse(ret_why, -EINVAL, FACT(AGENT_BAD_PROJECT));
        text_copy(command->project, sizeof(command->project), json_string(project));
    }
    const int error = read_names(json_get(root, "containers"), command, ret_why);
    if (error == 0 && command->project[0] == '\0' && command->n_names == 0)
        return refuse(ret_why, -EINVAL,
                      fact_with(FACT(AGENT_NO_TARGET), verbs[command->verb].name, NULL));
    return error;
}

/* ---- the ids seen ---- */

static int remember(struct agent_commands *commands, const char *id, struct fact *ret_why)
{
    for (size_t i = 0; i < AGENT_COMMANDS_KEPT; i++)
        if (strcmp(commands->ids[i], id) == 0)
            return refuse(ret_why, -EALREADY, FACT(AGENT_REPEATED));
    text_copy(commands->ids[commands->next], AGENT_COMMAND_ID_SIZE, id);
    commands->next = (commands->next + 1) % AGENT_COMMANDS_KEPT;
    return 0;
}

/* ---- all together ---- */

static int read_command(struct agent_commands *commands, const struct json *root, int64_t now,
                        unsigned rights, struct agent_command *command,
                        struct agent_command_name *name, struct fact *ret_why)
{
    const char *action = json_get_string(root, "action");
    if (action) /* the refusal shows it */
        text_show(name->action, sizeof(name->action), action, strlen(action));
    int error = read_id(root, name, ret_why);
    if (error == 0)
        error = read_verb(root, name, &command->verb, ret_why);
    if (error == 0)
        error = read_expiry(root, now, ret_why);
    if (error == 0)
        error = read_flag(root, "force", FACT_AGENT_BAD_FORCE, &command->force, ret_why);
    if (error == 0)
        error = read_flag(root, "asked", FACT_AGENT_BAD_ASKED, &command->asked, ret_why);
    if (error == 0)
        error = read_idle(root, &command->idle_ms, ret_why);
    if (error == 0 && !agent_verb_is_power(command->verb))
        error = read_containers(root, command, ret_why);
    if (error == 0)
        error = remember(commands, name->id, ret_why);
    if (error == 0 && (verbs[command->verb].right & rights) == 0)
        error = refuse(ret_why, -EACCES,
                       fact_with(FACT(AGENT_NOT_ALLOWED), verbs[command->verb].name, NULL));
    return error;
}

int agent_commands_read(struct agent_commands *commands, const void *payload, size_t length,
                        bool retained, int64_t now_wall, unsigned rights,
                        struct agent_command *ret_command, struct agent_command_name *ret_name,
                        struct fact *ret_why)
{
    struct json *root = NULL;
    struct agent_command command = {0};
    char wrong[WRONG_SIZE];
    *ret_name = (struct agent_command_name){0};
    int error = json_read_object(payload, length, &root, wrong, sizeof(wrong));
    if (error < 0)
        return refuse(ret_why, error, fact_with(FACT(ANSWER_INVALID), wrong, NULL));
    error = read_command(commands, root, now_wall, rights, &command, ret_name, ret_why);
    if (error == 0 && retained)
        error = refuse(ret_why, -ESTALE, FACT(AGENT_RETAINED));
    json_free(root);
    if (error < 0)
        return error;
    text_copy(command.id, sizeof(command.id), ret_name->id);
    *ret_command = command;
    return 0;
}
