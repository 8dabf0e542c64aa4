#include "bridges/agent/docker/docker_api.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"
#include "base/text.h"

static const struct json_limits answer_limits = {.bytes = DOCKER_ANSWER_MAX, .depth = 16};

/* --- names --- */

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_name(const char *text)
{
    if (!is_letter_or_digit(*text))
        return false;
    for (const char *c = text; *c; c++)
        if (!is_letter_or_digit(*c) && !strchr("_.-", *c))
            return false;
    return true;
}

/* Whole or not at all: a cut name would be another's. */
static bool take(char *target, size_t size, const char *text)
{
    if (!text || strlen(text) >= size || text_has_control(text))
        return false;
    text_copy(target, size, text);
    return true;
}

/* --- one container of the list --- */

/* "/web" is its own name; "/other/web" is how a linked one calls it. */
static bool read_name(const struct json *container, struct docker_entry *entry)
{
    const struct json *names = json_get(container, "Names");
    if (!names || json_type(names) != JSON_ARRAY)
        return false;
    for (const struct json *at = json_first(names); at; at = json_next(at)) {
        const char *name = json_string(at);
        if (name && *name == '/')
            name++;
        if (name && is_name(name) && take(entry->shown.name, sizeof(entry->shown.name), name))
            return true;
    }
    return false;
}

struct word {
    const char *from;
    const char *to;
};

/* Docker's states, then Podman's other words for them. */
static const struct word states[] = {
    {"created", "created"},     {"running", "running"},
    {"paused", "paused"},       {"restarting", "restarting"},
    {"removing", "removing"},   {"exited", "exited"},
    {"dead", "dead"},           {"configured", "created"},
    {"initialized", "created"}, {"stopping", "running"},
    {"stopped", "exited"},
};

/* What the word stands for, or NULL. */
static const char *look_up(const struct word *words, size_t n, const char *text)
{
    for (size_t i = 0; text && i < n; i++)
        if (strcmp(words[i].from, text) == 0)
            return words[i].to;
    return NULL;
}

/* How the status text of a running container ends: "Up 5 seconds (healthy)". */
static const struct word endings[] = {
    {"(healthy)", "healthy"},
    {"(unhealthy)", "unhealthy"},
    {"(health: starting)", "starting"},
    {"(starting)", "starting"},
};

static const char *health_in_text(const struct json *container)
{
    const char *status = json_get_string(container, "Status");
    const char *ending = status ? strrchr(status, '(') : NULL;
    return look_up(endings, ARRAY_SIZE(endings), ending);
}

/* The word as the contract has it, "" for none; NULL: no such word. */
static const char *health_word(const char *text)
{
    static const struct word words[] = {{"healthy", "healthy"},
                                        {"unhealthy", "unhealthy"},
                                        {"starting", "starting"},
                                        {"none", ""},
                                        {"", ""}};
    return look_up(words, ARRAY_SIZE(words), text);
}

static void read_health(const struct json *container, struct docker_entry *entry)
{
    entry->sight = DOCKER_SIGHT_LISTED;
    if (strcmp(entry->shown.state, "running") != 0)
        return;
    /* Newer engines (v1.52) list it beside the text. */
    const char *health = health_word(json_get_string(json_get(container, "Health"), "Status"));
    if (!health)
        health = health_in_text(container);
    if (health)
        text_copy(entry->shown.health, sizeof(entry->shown.health), health);
    else
        entry->sight = DOCKER_SIGHT_UNKNOWN;
}

static const char *or_nothing(const char *text)
{
    return text ? text : "";
}

/* What "compose run" leaves behind is no part of its project. */
static void read_labels(const struct json *labels, struct docker_entry *entry)
{
    struct docker_container *shown = &entry->shown;
    bool lasting =
        strcmp(or_nothing(json_get_string(labels, "com.docker.compose.oneoff")), "True") != 0;
    (void)take(entry->compose, sizeof(entry->compose),
               json_get_string(labels, "com.docker.compose.project"));
    (void)take(entry->service, sizeof(entry->service),
               json_get_string(labels, "com.docker.compose.service"));
    (void)take(entry->depends, sizeof(entry->depends),
               json_get_string(labels, "com.docker.compose.depends_on"));
    if (!take(shown->project, sizeof(shown->project), json_get_string(labels, "hall.project")) &&
        lasting)
        text_copy(shown->project, sizeof(shown->project), entry->compose);
    shown->busy = strcmp(or_nothing(json_get_string(labels, "hall.busy")), "true") == 0;
}

static bool read_entry(const struct json *container, struct docker_entry *entry)
{
    const char *id = json_get_string(container, "Id");
    const size_t digits = id ? strspn(id, "0123456789abcdef") : 0;
    *entry = (struct docker_entry){0};
    if (digits < 12 || digits >= DOCKER_ID_SIZE || id[digits] != '\0' ||
        !read_name(container, entry))
        return false;
    text_copy(entry->id, sizeof(entry->id), id);
    const char *state = look_up(states, ARRAY_SIZE(states), json_get_string(container, "State"));
    text_copy(entry->shown.state, sizeof(entry->shown.state), state ? state : "unknown");
    read_labels(json_get(container, "Labels"), entry);
    read_health(container, entry);
    return true;
}

/* --- the list --- */

/* Reads those that have a project, or those that have none, until the list is full. */
static void read_entries(const struct json *containers, bool in_project, struct docker_list *list)
{
    struct docker_entry entry;
    for (const struct json *at = json_first(containers); at; at = json_next(at)) {
        if (list->n == DOCKER_CONTAINERS_MAX)
            return;
        if (read_entry(at, &entry) && (*entry.shown.project != '\0') == in_project)
            list->entries[list->n++] = entry;
    }
}

static int compare_names(const void *a, const void *b)
{
    const struct docker_entry *one = a, *other = b;
    return strcmp(one->shown.name, other->shown.name);
}

static int read_containers(const struct json *containers, struct docker_list **ret_list)
{
    size_t told = json_count(containers);
    size_t room = told < DOCKER_CONTAINERS_MAX ? told : DOCKER_CONTAINERS_MAX;
    struct docker_list *list = calloc(1, sizeof(*list) + room * sizeof(*list->entries));
    if (!list)
        return -ENOMEM;
    read_entries(containers, true, list);
    read_entries(containers, false, list);
    list->left_out = told - list->n;
    qsort(list->entries, list->n, sizeof(*list->entries), compare_names);
    *ret_list = list;
    return 0;
}

/* -EBADMSG too where a key comes twice. */
static int read_json(const char *bytes, size_t length, enum json_type type, struct json **ret_value)
{
    struct json_error error;
    struct json *value;
    int r = json_read(bytes, length, &answer_limits, &value, &error);
    if (r < 0)
        return r == -EEXIST ? -EBADMSG : r;
    if (json_type(value) != type) {
        json_free(value);
        return -EBADMSG;
    }
    *ret_value = value;
    return 0;
}

int docker_api_list(const char *bytes, size_t length, struct docker_list **ret_list)
{
    struct json *containers;
    int r = read_json(bytes, length, JSON_ARRAY, &containers);
    if (r < 0)
        return r;
    r = read_containers(containers, ret_list);
    json_free(containers);
    return r;
}

/* --- the smaller answers --- */

static int read_inspected(const struct json *container, char ret_health[24])
{
    const struct json *state = json_get(container, "State");
    if (!state || json_type(state) != JSON_OBJECT)
        return -EBADMSG;
    const struct json *health = json_get(state, "Health");
    if (!health || json_type(health) == JSON_NULL) /* Podman before 4 called it otherwise */
        health = json_get(state, "Healthcheck");
    const char *word = health_word(or_nothing(json_get_string(health, "Status")));
    if (!word)
        return -EBADMSG;
    text_copy(ret_health, 24, word);
    return 0;
}

int docker_api_health(const char *bytes, size_t length, char ret_health[24])
{
    struct json *container;
    int r = read_json(bytes, length, JSON_OBJECT, &container);
    if (r < 0)
        return r;
    r = read_inspected(container, ret_health);
    json_free(container);
    return r;
}

bool docker_api_event_matters(const char *bytes, size_t length)
{
    /* What an engine that passes over the filter tells besides; health checks make the most of it.
     */
    static const char *const idle[] = {"exec", "top", "attach", "resize", "mount", "sync", "kill"};
    struct json *event;
    if (read_json(bytes, length, JSON_OBJECT, &event) < 0)
        return true;
    const char *type = json_get_string(event, "Type");
    const char *action = json_get_string(event, "Action");
    bool matters = !type || strcmp(type, "container") == 0;
    for (size_t i = 0; action && i < ARRAY_SIZE(idle); i++)
        matters = matters && strncmp(action, idle[i], strlen(idle[i])) != 0;
    json_free(event);
    return matters;
}

char *docker_api_message(const char *bytes, size_t length, char *out, size_t size)
{
    struct json *answer;
    *out = '\0';
    if (read_json(bytes, length, JSON_OBJECT, &answer) < 0)
        return out;
    const char *message = or_nothing(json_get_string(answer, "message"));
    text_show(out, size, message, strlen(message));
    json_free(answer);
    return out;
}

/* --- order --- */

/* Does a depends_on label ("db:service_started:false,cache") name this service? */
static bool depends_on(const char *depends, const char *service)
{
    size_t wanted = strlen(service);
    while (*depends) {
        size_t item = strcspn(depends, ",");
        size_t name = strcspn(depends, ":,");
        if (wanted > 0 && name == wanted && memcmp(depends, service, wanted) == 0)
            return true;
        depends += item + (depends[item] == ',');
    }
    return false;
}

static bool goes_behind(const struct docker_entry *one, const struct docker_entry *other)
{
    return one != other && *one->compose && strcmp(one->compose, other->compose) == 0 &&
           strcmp(one->service, other->service) != 0 && depends_on(one->depends, other->service);
}

static bool waits(const struct docker_entry *const *entries, const bool *placed, size_t n, size_t i)
{
    for (size_t k = 0; k < n; k++)
        if (!placed[k] && goes_behind(entries[i], entries[k]))
            return true;
    return false;
}

void docker_api_order(const struct docker_entry *const *entries, size_t n, size_t *order)
{
    bool placed[DOCKER_CONTAINERS_MAX] = {false};
    assert(n <= DOCKER_CONTAINERS_MAX);
    for (size_t i = 0; i < n; i++) {
        size_t first = 0, next = 0;
        while (placed[first])
            first++;
        for (next = first; next < n && (placed[next] || waits(entries, placed, n, next)); next++)
            ;
        order[i] = next < n ? next : first;
        placed[order[i]] = true;
    }
}

/* --- lines --- */

void docker_lines_init(struct docker_lines *lines)
{
    *lines = (struct docker_lines){.text = BUF_INIT(DOCKER_LINE_MAX)};
}

void docker_lines_finish(struct docker_lines *lines)
{
    buf_finish(&lines->text);
    lines->skipping = false;
}

void docker_lines_feed(struct docker_lines *lines, const char *bytes, size_t length,
                       void (*line)(void *context, const char *bytes, size_t length), void *context)
{
    while (length > 0) {
        const char *end = memchr(bytes, '\n', length);
        size_t part = end ? (size_t)(end - bytes) : length;
        if (!lines->skipping)
            buf_add(&lines->text, bytes, part);
        const bool fits = lines->skipping || buf_error(&lines->text) == 0;
        if (!fits)
            line(context, "", 0);
        else if (end && !lines->skipping && lines->text.length > 0)
            line(context, buf_text(&lines->text), lines->text.length);
        if (!fits || end)
            buf_clear(&lines->text);
        lines->skipping = !end && (lines->skipping || !fits);
        part += end ? 1 : 0;
        bytes += part;
        length -= part;
    }
}
