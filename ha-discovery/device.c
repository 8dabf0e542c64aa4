#include "ha-discovery/device.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

char *discovery_node(const char *base, char out[DISCOVERY_NODE_SIZE])
{
    size_t length = 0;

    for (; *base != '\0' && length + 4 < DISCOVERY_NODE_SIZE; base++) {
        const unsigned char c = (unsigned char)*base;

        if ((c < 0x80 && isalnum(c)) || c == '_')
            out[length++] = (char)c;
        else
            length += (size_t)snprintf(out + length, DISCOVERY_NODE_SIZE - length,
                                       c == '/'   ? "-_"
                                       : c == '-' ? "--"
                                                  : "-%02x",
                                       c);
    }
    out[length] = '\0';
    return out;
}

size_t discovery_count(const struct discovery *discovery)
{
    const struct model *model = discovery->model;

    return 1 + model->n_servers + model->n_domains;
}

struct device discovery_device(const struct discovery *discovery, size_t number)
{
    const size_t n_servers = discovery->model->n_servers;

    if (number == 0)
        return (struct device){.kind = DEVICE_HUB};
    if (number <= n_servers)
        return (struct device){.kind = DEVICE_SERVER, .index = (int)(number - 1)};
    return (struct device){.kind = DEVICE_DOMAIN, .index = (int)(number - 1 - n_servers)};
}

bool discovery_has(const struct discovery *discovery, const struct device *device)
{
    return device->kind != DEVICE_DOMAIN || discovery->model->domains[device->index].n_projects > 0;
}

static long find_domain(const struct discovery *discovery, const char *word)
{
    char host[DISCOVERY_OBJECT_SIZE];

    snprintf(host, sizeof(host), "%s", word);
    for (char *gap = host; (gap = strchr(gap, '_'));)
        *gap = '.';
    const int domain = model_domain_by_host(discovery->model, host);
    return domain == MODEL_NONE ? -ENOENT : 1 + (long)discovery->model->n_servers + domain;
}

long discovery_find(const struct discovery *discovery, const char *object)
{
    int server;

    if (strcmp(object, "hub") == 0)
        return 0;
    if (strncmp(object, "domain_", 7) == 0)
        return find_domain(discovery, object + 7);
    if (strncmp(object, "server_", 7) != 0)
        return -ENOENT;
    server = model_server_by_id(discovery->model, object + 7);
    return server == MODEL_NONE ? -ENOENT : 1 + server;
}

char *discovery_object(const struct discovery *discovery, const struct device *device,
                       char out[DISCOVERY_OBJECT_SIZE])
{
    const struct model *model = discovery->model;

    switch (device->kind) {
    case DEVICE_HUB:
        snprintf(out, DISCOVERY_OBJECT_SIZE, "hub");
        break;
    case DEVICE_SERVER:
        snprintf(out, DISCOVERY_OBJECT_SIZE, "server_%s", model->servers[device->index].id);
        break;
    case DEVICE_DOMAIN: /* a host name has no '_' of its own */
        snprintf(out, DISCOVERY_OBJECT_SIZE, "domain_%s", model->domains[device->index].name);
        for (char *dot = out; (dot = strchr(dot, '.'));)
            *dot = '_';
        break;
    }
    return out;
}

char *discovery_topic(const struct discovery *discovery, const char *object,
                      char out[DISCOVERY_TOPIC_SIZE])
{
    char node[DISCOVERY_NODE_SIZE];

    snprintf(out, DISCOVERY_TOPIC_SIZE, "%s/device/%s/%s/config", discovery->prefix,
             discovery_node(discovery->base_topic, node), object);
    return out;
}

bool discovery_parse_topic(const struct discovery *discovery, const char *topic,
                           char out[DISCOVERY_OBJECT_SIZE])
{
    char filter[DISCOVERY_TOPIC_SIZE];
    const char *plus = strrchr(discovery_topic(discovery, "+", filter), '+');
    const size_t before = (size_t)(plus - filter), length = strlen(topic);
    const size_t behind = strlen(plus + 1);

    if (length <= before + behind || length - before - behind >= DISCOVERY_OBJECT_SIZE ||
        strncmp(topic, filter, before) != 0 || strcmp(topic + length - behind, plus + 1) != 0)
        return false;
    memcpy(out, topic + before, length - before - behind);
    out[length - before - behind] = '\0';
    return !strchr(out, '/');
}

char *discovery_birth_topic(const struct discovery *discovery, char out[DISCOVERY_TOPIC_SIZE])
{
    snprintf(out, DISCOVERY_TOPIC_SIZE, "%s/status", discovery->prefix);
    return out;
}
