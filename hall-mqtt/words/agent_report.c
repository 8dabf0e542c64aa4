#include "words/agent_report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/text.h"
#include "say/say.h"

enum { SHOWN_SIZE = 48, QUIET_MOST_S = 24 * 3600 };

__attribute__((format(printf, 2, 3))) static int refuse(char ret_reason[REASON_SIZE],
                                                        const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(ret_reason, REASON_SIZE, format, args);
    va_end(args);
    return -EINVAL;
}

int report_read_state(const void *payload, size_t length, struct fleet_event *ret_event,
                      char ret_reason[REASON_SIZE])
{
    static const enum agent_word words[] = {AGENT_ONLINE, AGENT_SLEEPING, AGENT_OFFLINE};
    char shown[SHOWN_SIZE];
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        const char *name = agent_word_name(words[i]);
        if (strlen(name) == length && memcmp(name, payload, length) == 0) {
            *ret_event = (struct fleet_event){.kind = FLEET_AGENT, .agent = {.word = words[i]}};
            return 0;
        }
    }
    return refuse(ret_reason, "its state is \"%s\"; allowed: online, sleeping, offline",
                  text_show(shown, sizeof(shown), payload, length));
}

/* The value of a key that may be absent or null (NULL, no error), else must have the type. */
static int member(const struct json *object, const char *key, enum json_type type,
                  const struct json **ret_value, char ret_reason[REASON_SIZE])
{
    const struct json *value = json_get(object, key);
    if (value && json_type(value) == JSON_NULL)
        value = NULL;
    if (value && json_type(value) != type)
        return refuse(ret_reason, "\"%s\" is %s; allowed: %s", key,
                      json_type_name(json_type(value)), json_type_name(type));
    *ret_value = value;
    return 0;
}

/* ---- report ---- */

static int read_number(const struct json *root, const char *key, double *ret_number,
                       char ret_reason[REASON_SIZE])
{
    const struct json *value = NULL;
    double number = -1;
    int error = member(root, key, JSON_NUMBER, &value, ret_reason);
    if (error < 0)
        return error;
    if (value && (!json_number(value, &number) || number < 0 || number > 1e12))
        return refuse(ret_reason, "\"%s\" is out of range; allowed: 0 to 1e12", key);
    *ret_number = number;
    return 0;
}

static int read_boot_id(const struct json *root, struct agent_report *report,
                        char ret_reason[REASON_SIZE])
{
    const struct json *value = NULL;
    int error = member(root, "boot_id", JSON_STRING, &value, ret_reason);
    if (error < 0 || !value)
        return error;
    const char *text = json_string(value);
    if (strlen(text) >= sizeof(report->boot_id) || text_has_control(text))
        return refuse(ret_reason, "\"boot_id\" is no boot id; allowed: up to %zu printable bytes",
                      sizeof(report->boot_id) - 1);
    text_copy(report->boot_id, sizeof(report->boot_id), text);
    return 0;
}

static int read_wol(const struct json *root, struct agent_report *report,
                    char ret_reason[REASON_SIZE])
{
    const struct json *wol = NULL, *armed = NULL, *interface = NULL;
    int error = member(root, "wol", JSON_OBJECT, &wol, ret_reason);
    if (error == 0 && wol)
        error = member(wol, "armed", JSON_BOOL, &armed, ret_reason);
    if (error == 0 && wol)
        error = member(wol, "interface", JSON_STRING, &interface, ret_reason);
    report->wol_known = armed && json_bool(armed, &report->wol_armed);
    if (error == 0 && interface)
        text_show(report->wol_interface, sizeof(report->wol_interface), json_string(interface),
                  strlen(json_string(interface)));
    return error;
}

/* Has the message another schema? Then nothing else of it is understood. */
static int read_schema(const struct json *root, int *ret_schema, char ret_reason[REASON_SIZE])
{
    const struct json *value = NULL;
    int64_t schema = 0;
    int error = member(root, "schema", JSON_NUMBER, &value, ret_reason);
    if (error == 0 && value && (!json_integer(value, &schema) || schema < 1 || schema > INT16_MAX))
        error = refuse(ret_reason, "\"schema\" is out of range; allowed: 1 to %d", INT16_MAX);
    *ret_schema = (int)schema;
    return error;
}

static bool is_foreign(int schema)
{
    return schema > 0 && schema != AGENT_SCHEMA;
}

/* The words of an agent that gives no code for them. */
static struct fact said(const char *words)
{
    char shown[FACT_TEXT_SIZE];

    return fact_with(FACT(AGENT_SAID), text_show(shown, sizeof(shown), words, strlen(words)), NULL);
}

/* What an agent says with a code. One that Hall does not know, or that is none of its codes, counts
 * for nothing: then its words do. */
static bool read_agent_fact(const struct json *json, struct fact *ret_fact)
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

/* The check that a veto comes from, as far as its code says so. */
static const char *check_of(const struct fact *veto)
{
    static const char *const checks[] = {
        [FACT_VETO_SESSION - FACT_VETO_SESSION] = "sessions",
        [FACT_VETO_REMOTE_SESSION - FACT_VETO_SESSION] = "sessions",
        [FACT_VETO_INHIBITOR - FACT_VETO_SESSION] = "inhibitors",
        [FACT_VETO_CONNECTION - FACT_VETO_SESSION] = AGENT_STREAM,
        [FACT_VETO_CONNECTION_QUIET - FACT_VETO_SESSION] = AGENT_STREAM,
        [FACT_VETO_CONNECTION_PACKET - FACT_VETO_SESSION] = AGENT_STREAM,
        [FACT_VETO_PROCESS - FACT_VETO_SESSION] = "processes",
        [FACT_VETO_LOAD - FACT_VETO_SESSION] = "load",
        [FACT_VETO_NETWORK - FACT_VETO_SESSION] = "network",
        [FACT_VETO_DISK - FACT_VETO_SESSION] = "disk",
        [FACT_VETO_COMMAND - FACT_VETO_SESSION] = "command",
        [FACT_VETO_CONTAINER - FACT_VETO_SESSION] = "containers",
    };
    const enum fact_code code = (enum fact_code)veto->parts[0].code;

    if (code >= FACT_VETO_SESSION && code <= FACT_VETO_CONTAINER)
        return checks[code - FACT_VETO_SESSION];
    const bool names = code == FACT_VETO_UNKNOWN || code == FACT_VETO_MORE;
    const char *name = names ? fact_text(veto, 0, 0) : "";

    return name[0] ? name : AGENT_WORDS;
}

/* One lease for each check, and one for all words without a code; of more vetoes of one the first
 * is shown, and those of too many checks are left out. */
static void add_use(struct agent_uses *uses, const char *words, const struct json *fact)
{
    struct agent_use use = {0};

    if (!read_agent_fact(fact, &use.veto)) {
        if (words[0] == '\0')
            return;
        use.veto = said(words);
    }
    text_copy(use.holder, sizeof(use.holder), check_of(&use.veto));
    for (size_t i = 0; i < uses->n; i++)
        if (strcmp(uses->list[i].holder, use.holder) == 0)
            return;
    if (uses->n < AGENT_USES_MAX)
        uses->list[uses->n++] = use;
}

/* How long ago something moved on the liveliest connection of the list; 0 where nothing tells. */
static int64_t read_quiet(const struct json *connections)
{
    const struct json *connection = connections ? json_first(connections) : NULL;
    int64_t least = INT64_MAX, seconds = 0;
    for (; connection; connection = json_next(connection))
        if (json_integer(json_get(connection, "quiet_s"), &seconds) && seconds < least)
            least = seconds;
    return least > 0 && least <= QUIET_MOST_S ? least * 1000 : 0;
}

static int read_connections(const struct json *root, struct agent_uses *uses,
                            char ret_reason[REASON_SIZE])
{
    const struct json *connections = NULL;
    int error = member(root, "connections", JSON_ARRAY, &connections, ret_reason);
    for (size_t i = 0; error == 0 && i < uses->n; i++)
        if (strcmp(uses->list[i].holder, AGENT_STREAM) == 0)
            uses->list[i].quiet = read_quiet(connections);
    return error;
}

static int read_uses(const struct json *root, struct agent_uses *uses, char ret_reason[REASON_SIZE])
{
    const struct json *vetoes = NULL, *facts = NULL;
    int error = member(root, "vetoes", JSON_ARRAY, &vetoes, ret_reason);
    if (error == 0)
        error = member(root, "veto_facts", JSON_ARRAY, &facts, ret_reason);
    const struct json *veto = error == 0 && vetoes ? json_first(vetoes) : NULL;
    const struct json *fact = facts ? json_first(facts) : NULL;
    for (; veto; veto = json_next(veto), fact = fact ? json_next(fact) : NULL)
        if (json_string(veto))
            add_use(uses, json_string(veto), fact);
    return error < 0 ? error : read_connections(root, uses, ret_reason);
}

static int read_known_report(const struct json *root, struct agent_report *report,
                             char ret_reason[REASON_SIZE])
{
    double uptime = -1;
    int error = read_boot_id(root, report, ret_reason);
    if (error == 0)
        error = read_number(root, "load", &report->load, ret_reason);
    if (error == 0)
        error = read_number(root, "uptime_s", &uptime, ret_reason);
    if (error == 0)
        error = read_wol(root, report, ret_reason);
    if (error == 0) {
        const struct json *can = NULL;
        error = member(root, "can", JSON_OBJECT, &can, ret_reason);
        if (error == 0 && can)
            report->can_restart =
                json_get_bool(can, "restart", false) || json_get_bool(can, "reboot", false);
    }
    report->uptime_s = (int64_t)uptime;
    return error;
}

static int read_report(const struct json *root, struct fleet_event *event,
                       char ret_reason[REASON_SIZE])
{
    int schema = 0;
    int error = read_schema(root, &schema, ret_reason);
    event->report.schema = (int16_t)schema;
    event->report.load = -1;
    event->report.uptime_s = -1;
    if (error < 0 || is_foreign(schema))
        return error;
    error = read_known_report(root, &event->report, ret_reason);
    return error < 0 ? error : read_uses(root, &event->uses, ret_reason);
}

int report_read_report(const void *payload, size_t length, struct fleet_event *ret_event,
                       char ret_reason[REASON_SIZE])
{
    struct json *root = NULL;
    struct fleet_event event = {.kind = FLEET_REPORT};
    int error = json_read_object(payload, length, &root, ret_reason, REASON_SIZE);
    if (error < 0)
        return error;
    event.report.heard = true;
    error = read_report(root, &event, ret_reason);
    json_free(root);
    if (error == 0)
        *ret_event = event;
    return error;
}

/* ---- containers ---- */

static int check_container(const struct json *container, char ret_reason[REASON_SIZE])
{
    static const char *const keys[] = {"name", "project", "state", "health"};
    const struct json *value = NULL;
    if (json_type(container) != JSON_OBJECT)
        return refuse(ret_reason, "a container is %s; allowed: an object",
                      json_type_name(json_type(container)));
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        int error = member(container, keys[i], JSON_STRING, &value, ret_reason);
        if (error < 0)
            return error;
    }
    return 0;
}

static void copy_text(char *target, size_t size, const char *text)
{
    text_show(target, size, text ? text : "", text ? strlen(text) : 0);
}

/* One without a name speaks for all of its project; with neither it cannot be told from others. */
static void read_container(const struct json *container, struct containers_told *told)
{
    struct container_told *one = &told->list[told->n];
    const char *name = json_get_string(container, "name");
    if (name && strlen(name) >= sizeof(one->name))
        return;
    *one = (struct container_told){0};
    copy_text(one->name, sizeof(one->name), name);
    copy_text(one->project, sizeof(one->project), json_get_string(container, "project"));
    one->state = container_state_from_name(json_get_string(container, "state"));
    one->health = container_health_from_name(json_get_string(container, "health"));
    one->busy = json_get_bool(container, "busy", false);
    told->n += one->name[0] != '\0' || one->project[0] != '\0';
}

static int read_list(const struct json *containers, struct containers_told *told,
                     char ret_reason[REASON_SIZE])
{
    const struct json *container = containers ? json_first(containers) : NULL;
    for (; container; container = json_next(container)) {
        int error = check_container(container, ret_reason);
        if (error < 0)
            return error;
        if (told->n < CONTAINERS_TOLD_MAX)
            read_container(container, told);
    }
    return 0;
}

static int read_containers(const struct json *root, struct containers_told *told,
                           char ret_reason[REASON_SIZE])
{
    const struct json *docker = NULL, *containers = NULL, *problem = NULL;
    int error = read_schema(root, &told->schema, ret_reason);
    if (error < 0 || is_foreign(told->schema))
        return error;
    error = member(root, "docker", JSON_BOOL, &docker, ret_reason);
    if (error == 0)
        error = member(root, "containers", JSON_ARRAY, &containers, ret_reason);
    if (error == 0)
        error = member(root, "problem", JSON_STRING, &problem, ret_reason);
    if (error == 0)
        error = read_list(containers, told, ret_reason);
    if (error < 0)
        return error;
    if (!docker)
        return refuse(ret_reason, "\"docker\" is missing; allowed: true or false");
    (void)json_bool(docker, &told->docker_up);
    if (!read_agent_fact(json_get(root, "problem_fact"), &told->problem))
        told->problem =
            problem && json_string(problem)[0] ? said(json_string(problem)) : FACT(NONE);
    return 0;
}

int report_read_containers(const void *payload, size_t length, struct containers_told *ret_told,
                           char ret_reason[REASON_SIZE])
{
    struct json *root = NULL;
    int error = json_read_object(payload, length, &root, ret_reason, REASON_SIZE);
    if (error < 0)
        return error;
    ret_told->docker_up = false;
    ret_told->schema = 0;
    ret_told->problem = FACT(NONE);
    ret_told->n = 0;
    error = read_containers(root, ret_told, ret_reason);
    json_free(root);
    return error;
}

/* ---- result ---- */

static const struct {
    const char *outcome;
    enum sleep_answer answer;
} outcomes[] = {
    {"accepted", SLEEP_ACCEPTED},
    {"done", SLEEP_DONE},
    {"refused", SLEEP_VETOED},
    {"failed", SLEEP_FAILED},
};

static int read_outcome(const struct json *root, enum sleep_answer *ret_answer,
                        char ret_reason[REASON_SIZE])
{
    const char *text = json_get_string(root, "outcome");
    char shown[SHOWN_SIZE];
    for (size_t i = 0; text && i < ARRAY_SIZE(outcomes); i++)
        if (strcmp(outcomes[i].outcome, text) == 0) {
            *ret_answer = outcomes[i].answer;
            return 0;
        }
    text_show(shown, sizeof(shown), text ? text : "", text ? strlen(text) : 0);
    return refuse(ret_reason, "\"outcome\" is \"%s\"; allowed: accepted, refused, done, failed",
                  shown);
}

/* The vetoes side by side, by their codes; FACT_NONE: there are none, or one has no code. */
static struct fact read_vetoes(const struct json *root)
{
    const struct json *one = json_first(json_get(root, "veto_facts"));
    struct fact vetoes[FACT_DEPTH], all = {0};
    size_t n = 0;

    for (; one && n < FACT_DEPTH; one = json_next(one))
        if (!read_agent_fact(one, &vetoes[n++]))
            return FACT(NONE);
    while (n-- > 0)
        all = fact_because(vetoes[n], &all);
    return all;
}

/* What its codes say; else "ssh session of root, rsync", or the reason the agent gives. */
static int read_why(const struct json *root, struct fact *ret_why, char ret_reason[REASON_SIZE])
{
    const struct json *vetoes = NULL, *reason = NULL, *facts = NULL;
    struct buf text = BUF_INIT(4096);
    int error = member(root, "vetoes", JSON_ARRAY, &vetoes, ret_reason);
    if (error == 0)
        error = member(root, "veto_facts", JSON_ARRAY, &facts, ret_reason);
    if (error == 0)
        error = member(root, "reason", JSON_STRING, &reason, ret_reason);
    if (error < 0)
        return error;
    *ret_why = read_vetoes(root);
    const struct json *veto = vetoes ? json_first(vetoes) : NULL;
    if (!fact_is(ret_why, FACT_NONE) ||
        (!veto && read_agent_fact(json_get(root, "reason_fact"), ret_why)))
        return 0;
    for (; veto; veto = json_next(veto))
        if (json_string(veto))
            buf_printf(&text, "%s%s", text.length > 0 ? ", " : "", json_string(veto));
    if (text.length == 0 && reason)
        buf_puts(&text, json_string(reason));
    *ret_why = text.length > 0 ? said(buf_text(&text)) : FACT(NONE);
    buf_finish(&text);
    return 0;
}

static int read_result(const struct json *root, struct fleet_event *event,
                       char ret_reason[REASON_SIZE])
{
    const char *id = json_get_string(root, "id");
    if (!id || id[0] == '\0' || strlen(id) >= sizeof(event->sleep.id) || text_has_control(id))
        return refuse(ret_reason, "\"id\" is missing or no id; allowed: the id of Hall's command");
    text_copy(event->sleep.id, sizeof(event->sleep.id), id);
    int error = read_outcome(root, &event->sleep.answer, ret_reason);
    return error < 0 ? error : read_why(root, &event->sleep.reason, ret_reason);
}

int report_read_result(const void *payload, size_t length, struct fleet_event *ret_event,
                       char ret_reason[REASON_SIZE])
{
    struct json *root = NULL;
    struct fleet_event event = {.kind = FLEET_SLEEP_ANSWER};
    int error = json_read_object(payload, length, &root, ret_reason, REASON_SIZE);
    if (error < 0)
        return error;
    error = read_result(root, &event, ret_reason);
    json_free(root);
    if (error == 0)
        *ret_event = event;
    return error;
}
