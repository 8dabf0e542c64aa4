#include "words/agent_report.h"

#include <string.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/text.h"
#include "words/agent_report_internal.h"

enum { SHOWN_SIZE = 48, LIMIT_MOST_S = 3600 };

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
    return report_refuse(ret_reason, "its state is \"%s\"; allowed: online, sleeping, offline",
                         text_show(shown, sizeof(shown), payload, length));
}

/* ---- report ---- */

static int read_number(const struct json *root, const char *key, double *ret_number,
                       char ret_reason[REASON_SIZE])
{
    const struct json *value = NULL;
    double number = -1;
    int error = report_member(root, key, JSON_NUMBER, &value, ret_reason);
    if (error < 0)
        return error;
    if (value && (!json_number(value, &number) || number < 0 || number > 1e12))
        return report_refuse(ret_reason, "\"%s\" is out of range; allowed: 0 to 1e12", key);
    *ret_number = number;
    return 0;
}

static int read_boot_id(const struct json *root, struct agent_report *report,
                        char ret_reason[REASON_SIZE])
{
    const struct json *value = NULL;
    int error = report_member(root, "boot_id", JSON_STRING, &value, ret_reason);
    if (error < 0 || !value)
        return error;
    const char *text = json_string(value);
    if (strlen(text) >= sizeof(report->boot_id) || text_has_control(text))
        return report_refuse(ret_reason,
                             "\"boot_id\" is no boot id; allowed: up to %zu printable bytes",
                             sizeof(report->boot_id) - 1);
    text_copy(report->boot_id, sizeof(report->boot_id), text);
    return 0;
}

/* As ethtool(8) writes what wakes it. */
static int read_letters(const char *text, struct agent_report *report, char ret_reason[REASON_SIZE])
{
    char shown[SHOWN_SIZE];
    if (text[strspn(text, "pumbagsfd")] != '\0' || strlen(text) >= sizeof(report->wol_letters))
        return report_refuse(ret_reason, "\"letters\" is \"%s\"; allowed: those of pumbagsfd",
                             text_show(shown, sizeof(shown), text, strlen(text)));
    text_copy(report->wol_letters, sizeof(report->wol_letters), text);
    return 0;
}

static int read_wol(const struct json *root, struct agent_report *report,
                    char ret_reason[REASON_SIZE])
{
    const struct json *wol = NULL, *armed = NULL, *interface = NULL, *letters = NULL;
    int error = report_member(root, "wol", JSON_OBJECT, &wol, ret_reason);
    if (error == 0 && wol)
        error = report_member(wol, "armed", JSON_BOOL, &armed, ret_reason);
    if (error == 0 && wol)
        error = report_member(wol, "interface", JSON_STRING, &interface, ret_reason);
    if (error == 0 && wol)
        error = report_member(wol, "letters", JSON_STRING, &letters, ret_reason);
    report->wol_known = armed && json_bool(armed, &report->wol_armed);
    if (error == 0 && interface)
        text_show(report->wol_interface, sizeof(report->wol_interface), json_string(interface),
                  strlen(json_string(interface)));
    if (error == 0 && letters)
        error = read_letters(json_string(letters), report, ret_reason);
    return error;
}

/* Of more than there is room for the first count: those of its way to the network. */
static int read_macs(const struct json *root, struct agent_report *report,
                     char ret_reason[REASON_SIZE])
{
    const struct json *macs = NULL;
    int error = report_member(root, "macs", JSON_ARRAY, &macs, ret_reason);
    const struct json *item = error == 0 && macs ? json_first(macs) : NULL;
    char shown[SHOWN_SIZE];
    for (; item && report->n_macs < MACS_MAX; item = json_next(item)) {
        const char *text = json_string(item);
        if (!text || text_parse_mac(text, report->macs[report->n_macs]) < 0)
            return report_refuse(
                ret_reason, "\"macs\" has \"%s\"; allowed: MAC addresses such as 02:00:00:00:00:01",
                text_show(shown, sizeof(shown), text ? text : "", text ? strlen(text) : 0));
        report->n_macs++;
    }
    return error;
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
    if (error == 0)
        error = read_macs(root, report, ret_reason);
    if (error == 0) {
        const struct json *can = NULL;
        error = report_member(root, "can", JSON_OBJECT, &can, ret_reason);
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
    int error = report_read_schema(root, &schema, ret_reason);
    event->report.schema = (int16_t)schema;
    event->report.load = -1;
    event->report.uptime_s = -1;
    event->uses.unknown = report_is_foreign(schema);
    if (error < 0 || event->uses.unknown)
        return error;
    error = read_known_report(root, &event->report, ret_reason);
    if (error == 0)
        error = report_read_uses(root, &event->uses, ret_reason);
    event->report.n_cut = event->uses.n_cut < UINT16_MAX ? (uint16_t)event->uses.n_cut : UINT16_MAX;
    return error;
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
    event.report.mark = hash_add(HASH_START, payload, length);
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
        return report_refuse(ret_reason, "a container is %s; allowed: an object",
                             json_type_name(json_type(container)));
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        int error = report_member(container, keys[i], JSON_STRING, &value, ret_reason);
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
        else
            told->n_cut++;
    }
    return 0;
}

static int read_containers(const struct json *root, struct containers_told *told,
                           char ret_reason[REASON_SIZE])
{
    const struct json *docker = NULL, *containers = NULL, *problem = NULL;
    int error = report_read_schema(root, &told->schema, ret_reason);
    if (error < 0 || report_is_foreign(told->schema))
        return error;
    error = report_member(root, "docker", JSON_BOOL, &docker, ret_reason);
    if (error == 0)
        error = report_member(root, "containers", JSON_ARRAY, &containers, ret_reason);
    if (error == 0)
        error = report_member(root, "problem", JSON_STRING, &problem, ret_reason);
    if (error == 0)
        error = read_list(containers, told, ret_reason);
    if (error < 0)
        return error;
    if (!docker)
        return report_refuse(ret_reason, "\"docker\" is missing; allowed: true or false");
    (void)json_bool(docker, &told->docker_up);
    if (!report_read_fact(json_get(root, "problem_fact"), &told->problem))
        told->problem =
            problem && json_string(problem)[0] ? report_said(json_string(problem)) : FACT(NONE);
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
    ret_told->n = ret_told->n_cut = 0;
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
    return report_refuse(ret_reason,
                         "\"outcome\" is \"%s\"; allowed: accepted, refused, done, failed", shown);
}

/* The vetoes side by side, by their codes; FACT_NONE: there are none, or one has no code. */
static struct fact read_vetoes(const struct json *root)
{
    const struct json *one = json_first(json_get(root, "veto_facts"));
    struct fact vetoes[FACT_DEPTH], all = {0};
    size_t n = 0;

    for (; one && n < FACT_DEPTH; one = json_next(one))
        if (!report_read_fact(one, &vetoes[n++]))
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
    int error = report_member(root, "vetoes", JSON_ARRAY, &vetoes, ret_reason);
    if (error == 0)
        error = report_member(root, "veto_facts", JSON_ARRAY, &facts, ret_reason);
    if (error == 0)
        error = report_member(root, "reason", JSON_STRING, &reason, ret_reason);
    if (error < 0)
        return error;
    *ret_why = read_vetoes(root);
    const struct json *veto = vetoes ? json_first(vetoes) : NULL;
    if (!fact_is(ret_why, FACT_NONE) ||
        (!veto && report_read_fact(json_get(root, "reason_fact"), ret_why)))
        return 0;
    for (; veto; veto = json_next(veto))
        if (json_string(veto))
            buf_printf(&text, "%s%s", text.length > 0 ? ", " : "", json_string(veto));
    if (text.length == 0 && reason)
        buf_puts(&text, json_string(reason));
    *ret_why = text.length > 0 ? report_said(buf_text(&text)) : FACT(NONE);
    buf_finish(&text);
    return 0;
}

/* How long it may take to go. Of an agent that would never go an hour counts. */
static int read_limit(const struct json *root, int64_t *ret_ms, char ret_reason[REASON_SIZE])
{
    const struct json *limit = json_get(root, "limit_s");
    int64_t seconds = 0;

    if (limit && json_type(limit) != JSON_NULL && (!json_integer(limit, &seconds) || seconds < 0))
        return report_refuse(ret_reason,
                             "\"limit_s\" is no number of seconds; allowed: 0 to %d, or null",
                             LIMIT_MOST_S);
    *ret_ms = 1000 * (seconds < LIMIT_MOST_S ? seconds : LIMIT_MOST_S);
    return 0;
}

static int read_result(const struct json *root, struct fleet_event *event,
                       char ret_reason[REASON_SIZE])
{
    const char *id = json_get_string(root, "id");
    if (!id || id[0] == '\0' || strlen(id) >= sizeof(event->sleep.id) || text_has_control(id))
        return report_refuse(ret_reason,
                             "\"id\" is missing or no id; allowed: the id of Hall's command");
    text_copy(event->sleep.id, sizeof(event->sleep.id), id);
    int error = read_outcome(root, &event->sleep.answer, ret_reason);
    if (error == 0)
        error = read_limit(root, &event->sleep.limit, ret_reason);
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
