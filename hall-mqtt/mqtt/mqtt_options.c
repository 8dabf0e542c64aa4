#include "mqtt/mqtt_options.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

static const size_t texts[] = {
    offsetof(struct mqtt_options, broker.host),     offsetof(struct mqtt_options, broker.unix_path),
    offsetof(struct mqtt_options, broker.ca),       offsetof(struct mqtt_options, client_id),
    offsetof(struct mqtt_options, broker.username), offsetof(struct mqtt_options, password),
    offsetof(struct mqtt_options, will_topic),      offsetof(struct mqtt_options, will_payload),
    offsetof(struct mqtt_options, birth_payload),   offsetof(struct mqtt_options, echo_topic),
};
enum { TEXTS = ARRAY_SIZE(texts) };

static const char **text_at(struct mqtt_options *options, size_t index)
{
    return (const char **)(void *)((char *)options + texts[index]);
}

bool mqtt_options_are_valid(const struct mqtt_options *options)
{
    return (options->broker.host) != (options->broker.unix_path) && options->client_id &&
           options->will_topic && options->will_payload && options->birth_payload &&
           (options->echo_topic || options->n_retained_filters == 0) &&
           (!options->broker.host || options->broker.port != 0);
}

static bool copy_text(const char **text)
{
    *text = *text ? strdup(*text) : NULL;
    return *text;
}

/* The list first: mqtt_options_finish frees as many texts as it has, NULL or not. */
static bool copy_list(const char *const **list, size_t n)
{
    const char *const *from = *list;
    const char **copy = calloc(n + 1, sizeof(char *));
    bool complete = copy;
    *list = copy;
    for (size_t i = 0; complete && i < n; i++) {
        copy[i] = strdup(from[i]);
        complete = copy[i];
    }
    return complete;
}

static void free_list(const char *const *list, size_t n)
{
    for (size_t i = 0; list && i < n; i++)
        free((void *)list[i]);
    free((void *)list);
}

int mqtt_options_copy(const struct mqtt_options *options, struct mqtt_options *ret_copy)
{
    bool complete = true;
    *ret_copy = *options;
    for (size_t i = 0; i < TEXTS; i++) {
        const char **text = text_at(ret_copy, i);
        bool wanted = *text;
        complete = (copy_text(text) || !wanted) && complete;
    }
    complete = copy_list(&ret_copy->subscriptions, options->n_subscriptions) && complete;
    complete = copy_list(&ret_copy->retained_filters, options->n_retained_filters) && complete;
    complete = copy_list(&ret_copy->browsed_filters, options->n_browsed_filters) && complete;
    return complete ? 0 : -ENOMEM;
}

void mqtt_options_finish(struct mqtt_options *copy)
{
    for (size_t i = 0; i < TEXTS; i++)
        free((void *)*text_at(copy, i));
    free_list(copy->subscriptions, copy->n_subscriptions);
    free_list(copy->retained_filters, copy->n_retained_filters);
    free_list(copy->browsed_filters, copy->n_browsed_filters);
}
