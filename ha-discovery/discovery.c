#include "ha-discovery/discovery.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "ha-discovery/entities.h"
#include "words/topic.h"

enum { ID_SIZE = 640, NAME_SIZE = 320 };

static const char maker[] = "Hall";

/* What one payload is written with. */
struct page {
    const struct discovery *discovery;
    const struct device *device;
    const char *stale; /* or NULL */
    struct json_writer json;
    char node[DISCOVERY_NODE_SIZE];
};

/* ---- the device itself ---- */

static const char *device_id(const struct page *page, const struct device *device,
                             char out[ID_SIZE])
{
    char object[DISCOVERY_OBJECT_SIZE];

    snprintf(out, ID_SIZE, "%s_%s", page->node, discovery_object(page->discovery, device, object));
    return out;
}

static const char *device_name(const struct page *page, char hub[NAME_SIZE])
{
    const struct model *model = page->discovery->model;

    switch (page->device->kind) {
    case DEVICE_HUB:
        break;
    case DEVICE_SERVER:
        return model->servers[page->device->index].name;
    case DEVICE_DOMAIN:
        return model->sites[model->domains[page->device->index].site].name;
    }
    snprintf(hub, NAME_SIZE, "%s%s%s", maker, strcmp(page->discovery->site, "hall") ? " " : "",
             strcmp(page->discovery->site, "hall") ? page->discovery->site : "");
    return hub;
}

/* The device behind which this one stands; false for Hall itself. */
static bool find_via(const struct page *page, struct device *ret_via)
{
    switch (page->device->kind) {
    case DEVICE_HUB:
        return false;
    case DEVICE_SERVER:
        *ret_via = (struct device){.kind = DEVICE_HUB};
        break;
    case DEVICE_DOMAIN:
        *ret_via =
            (struct device){.kind = DEVICE_SERVER,
                            .index = page->discovery->model->domains[page->device->index].server};
        break;
    }
    return true;
}

static void put_device(struct page *page)
{
    static const char *const models[] = {
        [DEVICE_HUB] = "Hub", [DEVICE_SERVER] = "Server", [DEVICE_DOMAIN] = "Projects"};
    struct json_writer *json = &page->json;
    struct device via;
    char id[ID_SIZE], hub[NAME_SIZE];

    json_begin_object(json, "device");
    json_begin_array(json, "identifiers");
    json_put_string(json, NULL, device_id(page, page->device, id));
    json_end_array(json);
    json_put_string(json, "name", device_name(page, hub));
    json_put_string(json, "manufacturer", maker);
    json_put_string(json, "model", models[page->device->kind]);
    if (page->device->kind == DEVICE_HUB)
        json_put_string(json, "sw_version", page->discovery->version);
    if (find_via(page, &via))
        json_put_string(json, "via_device", device_id(page, &via, id));
    if (page->discovery->url)
        json_put_string(json, "configuration_url", page->discovery->url);
    json_end_object(json);
}

/* ---- components ---- */

/* Whom a row is written for: the key and name in front of its own; topics have the subject's id. */
struct subject {
    const char *id, *name;
    bool is_project;
};

static void put_topic(struct page *page, const char *key, uint8_t kind, const char *id)
{
    char topic[TOPIC_MAX];

    if (kind > 0)
        json_put_string(&page->json, key,
                        topic_format(page->discovery->base_topic, (enum topic_kind)(kind - 1), id,
                                     NULL, topic));
}

static void put_text(struct page *page, const char *key, const char *text)
{
    if (text)
        json_put_string(&page->json, key, text);
}

/* Entities that show sentences show them in the language of their names. */
static void put_template(struct page *page, const char *key, const char *english,
                         const char *localized)
{
    put_text(page, key, page->discovery->language != 0 && localized ? localized : english);
}

static void put_presence(struct page *page, const char *topic_id, bool agent)
{
    struct json_writer *json = &page->json;

    json_begin_array(json, "availability");
    json_begin_object(json, NULL);
    put_topic(page, "topic", TOPIC_STATUS + 1, NULL);
    json_end_object(json);
    if (agent) {
        json_begin_object(json, NULL);
        put_topic(page, "topic", TOPIC_AGENT_STATE + 1, topic_id);
        /* "sleeping" must count as well: a word that is neither would change nothing. */
        json_put_string(json, "value_template",
                        "{{ 'online' if value == 'online' else 'offline' }}");
        json_end_object(json);
    }
    json_end_array(json);
    json_put_string(json, "availability_mode", "all");
}

/* The name with {} replaced by the project's. */
static const char *fill_name(const char *name, const struct subject *subject, char out[NAME_SIZE])
{
    const char *gap = strstr(name, "{}");

    if (!gap)
        return name;
    snprintf(out, NAME_SIZE, "%.*s%s%s", (int)(gap - name), name, subject->name, gap + 2);
    return out;
}

/* A word of an entity id: [a-z0-9_], single underscores, none at its ends. */
static void add_word(char *out, size_t size, const char *text)
{
    size_t length = strlen(out);

    for (; *text != '\0' && length + 2 < size; text++) {
        const unsigned char c = (unsigned char)*text;

        if (c < 0x80 && isalnum(c))
            out[length++] = (char)tolower(c);
        else if (length > 0 && out[length - 1] != '_' && out[length - 1] != '.')
            out[length++] = '_';
    }
    out[length] = '\0';
}

/* The same in every language, so that automations can be copied. */
static void put_entity_id(struct page *page, const struct entity *entity,
                          const struct subject *subject)
{
    char out[ID_SIZE];

    snprintf(out, sizeof(out), "%s.%s", entity->platform, subject->is_project ? "project_" : "");
    add_word(out, sizeof(out) - 32, subject->id);
    if (entity->names[0]) {
        const size_t length = strlen(out);
        if (length > 0 && out[length - 1] != '_' && out[length - 1] != '.') {
            out[length] = '_';
            out[length + 1] = '\0';
        }
        add_word(out, sizeof(out), entity->key);
    }
    for (size_t length = strlen(out); length > 0 && out[length - 1] == '_';)
        out[--length] = '\0';
    if (out[strlen(out) - 1] != '.')
        json_put_string(&page->json, "default_entity_id", out);
}

static void put_unique_id(struct page *page, const struct entity *entity,
                          const struct subject *subject)
{
    char id[ID_SIZE], of_device[ID_SIZE];

    if (subject->is_project)
        snprintf(id, sizeof(id), "%s_project_%s_%s", page->node, subject->id, entity->key);
    else
        snprintf(id, sizeof(id), "%.*s_%s", ID_SIZE - 40, device_id(page, page->device, of_device),
                 entity->key);
    json_put_string(&page->json, "unique_id", id);
}

static void put_words(struct page *page, const struct entity *entity)
{
    const char *word;

    if (entity->words == WORDS_NONE)
        return;
    json_begin_array(&page->json, entity->words == WORDS_EVENTS ? "event_types" : "options");
    for (unsigned i = 0; (word = entity_word(entity->words, i)); i++)
        /* What Hall would refuse is not offered. */
        if (entity->words != WORDS_POLICIES || i != POLICY_SCHEDULED || page->device->has_windows)
            json_put_string(&page->json, NULL, word);
    json_end_array(&page->json);
}

static void put_options(struct page *page, const struct entity *entity)
{
    for (size_t i = 0; i < ENTITY_OPTIONS && entity->options[i].key; i++) {
        const struct entity_option *option = &entity->options[i];

        if (option->text)
            json_put_string(&page->json, option->key, option->text);
        else
            json_put_integer(&page->json, option->key, option->number);
    }
}

/* Is this component to be removed first, for it changes its platform? */
static bool is_stale(const struct page *page, const char *key)
{
    const size_t length = strlen(key);

    for (const char *line = page->stale; line && *line != '\0'; line = strchr(line, '\n') + 1)
        if (strncmp(line, key, length) == 0 && line[length] == ' ')
            return true;
    return false;
}

static void put_component(struct page *page, const struct entity *entity,
                          const struct subject *subject)
{
    char key[ID_SIZE];

    if (subject->is_project)
        snprintf(key, ID_SIZE, "%s_%s", subject->id, entity->key);
    else
        snprintf(key, ID_SIZE, "%s", entity->key);
    if (is_stale(page, key))
        return;
    json_begin_object(&page->json, key);
    json_put_string(&page->json, "platform", entity->platform);
    put_unique_id(page, entity, subject);
    put_entity_id(page, entity, subject);
    const char *name = entity->names[page->discovery->language];
    char filled[NAME_SIZE];
    json_put_string(&page->json, "name", name ? fill_name(name, subject, filled) : NULL);
    put_topic(page, "state_topic", entity->state, subject->id);
    put_template(page, "value_template", entity->value_template, entity->localized.value);
    put_topic(page, "command_topic", entity->command, subject->id);
    put_text(page, "payload_press", entity->press);
    put_topic(page, "json_attributes_topic", entity->attributes, subject->id);
    put_template(page, "json_attributes_template", entity->attributes_template,
                 entity->localized.attributes);
    put_text(page, "entity_category", entity->category);
    put_text(page, "icon", entity->icon);
    put_words(page, entity);
    put_options(page, entity);
    if (entity->presence == PRESENCE_AGENT)
        put_presence(page, subject->id, true);
    else if (entity->owner == OWNER_HUB && entity->presence == PRESENCE_HALL)
        put_presence(page, NULL, false);
    json_end_object(&page->json);
}

static bool is_needed(const struct page *page, const struct entity *entity)
{
    const struct model *model = page->discovery->model;

    switch (entity->need) {
    case NEED_NOTHING:
        break;
    case NEED_SLEEP:
        return model->servers[page->device->index].sleep.via != SLEEP_VIA_NONE;
    case NEED_RESTART:
        return page->device->can_restart;
    }
    return true;
}

static void put_entities(struct page *page, enum entity_owner owner, const struct subject *subject)
{
    for (size_t i = 0; i < n_entities; i++)
        if (entities[i].owner == owner && is_needed(page, &entities[i]))
            put_component(page, &entities[i], subject);
}

static void put_projects(struct page *page, const struct model_domain *domain)
{
    const struct model *model = page->discovery->model;

    for (size_t i = 0; i < domain->n_projects; i++) {
        const struct model_site *site = &model->sites[domain->projects[i]];

        put_entities(page, OWNER_PROJECT,
                     &(struct subject){.id = site->id, .name = site->name, .is_project = true});
    }
}

static void put_stale(struct page *page)
{
    for (const char *line = page->stale; line && *line != '\0'; line = strchr(line, '\n') + 1) {
        const size_t key = strcspn(line, " "), platform = strcspn(line + key + 1, "\n");
        char text[2][ID_SIZE];

        snprintf(text[0], ID_SIZE, "%.*s", (int)key, line);
        snprintf(text[1], ID_SIZE, "%.*s", (int)platform, line + key + 1);
        json_begin_object(&page->json, text[0]);
        json_put_string(&page->json, "platform", text[1]);
        json_end_object(&page->json);
    }
}

static void put_components(struct page *page)
{
    const struct model *model = page->discovery->model;
    const struct device *device = page->device;

    json_begin_object(&page->json, "components");
    switch (device->kind) {
    case DEVICE_HUB:
        put_entities(page, OWNER_HUB, &(struct subject){.id = page->node});
        break;
    case DEVICE_SERVER:
        put_entities(page, OWNER_SERVER, &(struct subject){.id = model->servers[device->index].id});
        break;
    case DEVICE_DOMAIN:
        put_projects(page, &model->domains[device->index]);
        break;
    }
    put_stale(page);
    json_end_object(&page->json);
}

int discovery_write(const struct discovery *discovery, const struct device *device,
                    const char *stale, struct buf *out)
{
    struct page page = {.discovery = discovery, .device = device, .stale = stale};

    discovery_node(discovery->base_topic, page.node);
    json_writer_init(&page.json, out);
    json_begin_object(&page.json, NULL);
    put_device(&page);
    json_begin_object(&page.json, "origin");
    json_put_string(&page.json, "name", maker);
    json_put_string(&page.json, "sw_version", page.discovery->version);
    json_end_object(&page.json);
    put_components(&page);
    /* Hall says that it is off-line by its own status, not by its own absence. */
    if (device->kind != DEVICE_HUB)
        put_presence(&page, NULL, false);
    json_put_integer(&page.json, "qos", 1);
    json_end_object(&page.json);
    return buf_error(out);
}

/* ---- reading what the broker holds ---- */

static struct json *read_payload(const char *payload, size_t length)
{
    struct json *root = NULL;
    struct json_error error;

    return json_read(payload, length, &json_limits_payload, &root, &error) == 0 ? root : NULL;
}

bool discovery_is_ours(const char *payload, size_t length)
{
    struct json *root = read_payload(payload, length);
    const struct json *origin = root ? json_get(root, "origin") : NULL;
    const char *name = origin ? json_get_string(origin, "name") : NULL;
    const bool ours = name && strcmp(name, maker) == 0;

    json_free(root);
    return ours;
}

/* Keys and platforms come from the network: only such as ours are written again. */
static bool is_word(const char *text)
{
    const size_t length = strlen(text);

    return length > 0 && length < 160 &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") == length;
}

void discovery_stale(const char *old, size_t old_length, const char *new, size_t new_length,
                     struct buf *out)
{
    struct json *before = read_payload(old, old_length), *after = read_payload(new, new_length);
    const struct json *kept = after ? json_get(after, "components") : NULL;
    const struct json *had = before ? json_get(before, "components") : NULL;

    for (const struct json *at = had && kept ? json_first(had) : NULL; at; at = json_next(at)) {
        const char *key = json_key(at), *platform = json_get_string(at, "platform");
        const struct json *same = key ? json_get(kept, key) : NULL;
        const char *now = same ? json_get_string(same, "platform") : NULL;

        if (key && platform && is_word(key) && is_word(platform) && json_count(at) > 1 &&
            (!now || strcmp(now, platform) != 0))
            buf_printf(out, "%s %s\n", key, platform);
    }
    json_free(before);
    json_free(after);
}
