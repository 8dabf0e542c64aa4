#include "hallctl/picture.h"

#include <stdlib.h>
#include <string.h>

#include "config/complaint.h"

void picture_init(struct picture *picture, const char *base)
{
    *picture = (struct picture){.base = base};
}

static void known_free(struct known *known)
{
    json_free(known->status);
    json_free(known->config);
    json_free(known->report);
    free(known);
}

static void list_finish(struct known_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        known_free(list->all[i]);
    free(list->all);
}

void picture_finish(struct picture *picture)
{
    list_finish(&picture->servers);
    list_finish(&picture->projects);
    json_free(picture->info);
    *picture = (struct picture){0};
}

/* Where it is, or would be. */
static size_t place_of(const struct known_list *list, const char *id)
{
    size_t low = 0, high = list->n;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (strcmp(list->all[middle]->id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct known_list *list, size_t place, const char *id)
{
    return place < list->n && strcmp(list->all[place]->id, id) == 0;
}

const struct known *picture_find(const struct known_list *list, const char *id)
{
    const size_t place = place_of(list, id);

    return is_at(list, place, id) ? list->all[place] : NULL;
}

const struct json *picture_vetoes(const struct known *server)
{
    const struct json *evidence = json_get(server->status, "evidence");
    const bool up = text_equal(server->state, "booting") || text_equal(server->state, "ready") ||
                    text_equal(server->state, "degraded");

    return up && text_equal(json_get_string(evidence, "agent"), "online")
               ? json_get(server->report, "vetoes")
               : NULL;
}

static bool make_room(struct known_list *list)
{
    const size_t size = list->size > 0 ? list->size * 2 : 16;

    if (list->n < list->size)
        return true;
    if (list->n >= PICTURE_MOST)
        return false;
    struct known **all = realloc(list->all, size * sizeof(struct known *));
    if (!all)
        return false;
    list->all = all;
    list->size = size;
    return true;
}

static struct known *find_or_add(struct known_list *list, const char *id)
{
    const size_t place = place_of(list, id);

    if (is_at(list, place, id))
        return list->all[place];
    struct known *known = make_room(list) ? calloc(1, sizeof(*known)) : NULL;
    if (!known)
        return NULL;
    text_copy(known->id, sizeof(known->id), id);
    memmove(&list->all[place + 1], &list->all[place], (list->n - place) * sizeof(struct known *));
    list->all[place] = known;
    list->n++;
    return known;
}

static void forget(struct known_list *list, const char *id)
{
    const size_t place = place_of(list, id);

    if (!is_at(list, place, id))
        return;
    known_free(list->all[place]);
    list->n--;
    memmove(&list->all[place], &list->all[place + 1], (list->n - place) * sizeof(struct known *));
}

/* One word of a closed set, or nothing. */
static void take_word(char word[PICTURE_WORD_SIZE], const void *payload, size_t length)
{
    text_show(word, PICTURE_WORD_SIZE, payload, length);
}

/* What is no object is no news. */
static void take_json(struct json **known, const void *payload, size_t length)
{
    struct json_error error;
    struct json *value = NULL;

    if (json_read(payload, length, &json_limits_payload, &value, &error) < 0 ||
        json_type(value) != JSON_OBJECT) {
        json_free(value);
        return;
    }
    json_free(*known);
    *known = value;
}

static void take_known(struct known *known, enum topic_kind kind, const void *payload,
                       size_t length)
{
    if (kind == TOPIC_SERVER_STATE || kind == TOPIC_PROJECT_STATE)
        take_word(known->state, payload, length);
    else if (kind == TOPIC_SERVER_POWER)
        take_word(known->power, payload, length);
    else
        take_json(kind == TOPIC_SERVER_CONFIG  ? &known->config
                  : kind == TOPIC_AGENT_REPORT ? &known->report
                                               : &known->status,
                  payload, length);
}

static void take_listed(struct known_list *list, const struct topic *topic, const void *payload,
                        size_t length)
{
    /* An agent alone makes no server: it may be one of another Hall, or of none any more. */
    const bool is_report = topic->kind == TOPIC_AGENT_REPORT;
    const bool is_listed = is_at(list, place_of(list, topic->id), topic->id);

    if (length == 0 && !is_report)
        forget(list, topic->id);
    if (length == 0 || (is_report && !is_listed))
        return;
    struct known *known = find_or_add(list, topic->id);
    if (known)
        take_known(known, topic->kind, payload, length);
}

bool picture_take(struct picture *picture, const char *topic, const void *payload, size_t length,
                  struct topic *ret_topic)
{
    *ret_topic = (struct topic){.kind = TOPIC_AGENT_COMMAND};
    if (!topic_parse(picture->base, topic, ret_topic))
        return false;
    const enum topic_kind kind = ret_topic->kind;
    if (kind == TOPIC_STATUS)
        take_word(picture->hall, payload, length);
    else if (kind == TOPIC_INFO)
        take_json(&picture->info, payload, length);
    else if (kind == TOPIC_PROJECT_STATE || kind == TOPIC_PROJECT_STATUS)
        take_listed(&picture->projects, ret_topic, payload, length);
    else if (kind == TOPIC_SERVER_STATE || kind == TOPIC_SERVER_POWER ||
             kind == TOPIC_SERVER_STATUS || kind == TOPIC_SERVER_CONFIG ||
             kind == TOPIC_AGENT_REPORT)
        take_listed(&picture->servers, ret_topic, payload, length);
    else
        return false;
    return true;
}

char *picture_names(const struct known_list *list, char *out, size_t size)
{
    size_t used = 0;

    text_copy(out, size, "none");
    for (size_t i = 0; i < list->n; i++) {
        const char *id = list->all[i]->id;
        const size_t length = strlen(id) + (i > 0 ? 2 : 0);

        if (used + length + sizeof ", ..." > size) {
            text_copy(out + used, size - used, ", ...");
            break;
        }
        memcpy(out + used, ", ", i > 0 ? 2 : 0);
        memcpy(out + used + (i > 0 ? 2 : 0), id, strlen(id) + 1);
        used += length;
    }
    return out;
}

const char *picture_guess(const struct known_list *list, const char *id)
{
    const char *best = NULL;
    unsigned nearest = 3; /* more edits are another word */

    for (size_t i = 0; i < list->n; i++) {
        const unsigned distance = report_distance(id, list->all[i]->id);

        if (distance < nearest) {
            nearest = distance;
            best = list->all[i]->id;
        }
    }
    return best;
}
