/*
 * device: the devices that Home Assistant is shown (Hall, every server, every domain that has
 * projects), by number; their ids and topics. Pure.
 */
#ifndef HALL_HA_DISCOVERY_DEVICE_H
#define HALL_HA_DISCOVERY_DEVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/model.h"

enum {
    DISCOVERY_OBJECT_SIZE = 288, /* "domain_" and a host name */
    DISCOVERY_TOPIC_SIZE = 1024,
    DISCOVERY_NODE_SIZE = 520,
};

/* What all payloads have in common; borrowed. */
struct discovery {
    const struct model *model;
    const char *base_topic, *prefix, *version;
    const char *site;  /* this Hall's name: "hall" is not worth saying */
    unsigned language; /* of the names: 0 English, 1 French */
    const char *url;   /* of the dashboard, or NULL */
};

enum device_kind { DEVICE_HUB, DEVICE_SERVER, DEVICE_DOMAIN };

struct device {
    enum device_kind kind;
    int index;        /* of the server or the domain */
    bool can_restart; /* a server: by its agent */
    bool has_windows; /* a server: a domain of it may be scheduled */
};

/* How many there are; the device of a number, in the order in which they are announced: each comes
 * behind the one it is connected via. */
size_t discovery_count(const struct discovery *discovery);
struct device discovery_device(const struct discovery *discovery, size_t number);

/* Not every domain has projects, so not every number has a device. */
bool discovery_has(const struct discovery *discovery, const struct device *device);
/* The number of an object; -ENOENT. */
long discovery_find(const struct discovery *discovery, const char *object);

/* "hub", "server_testing", "domain_testing_example_org". Returns out. */
char *discovery_object(const struct discovery *discovery, const struct device *device,
                       char out[DISCOVERY_OBJECT_SIZE]);
/* The topic of an object; "+" makes the filter of all. Returns out. */
char *discovery_topic(const struct discovery *discovery, const char *object,
                      char out[DISCOVERY_TOPIC_SIZE]);
/* The object of one of our topics; false for any other topic. */
bool discovery_parse_topic(const struct discovery *discovery, const char *topic,
                           char out[DISCOVERY_OBJECT_SIZE]);
/* Where Home Assistant says that it is there. Returns out. */
char *discovery_birth_topic(const struct discovery *discovery, char out[DISCOVERY_TOPIC_SIZE]);

/* The base topic as one word of [a-zA-Z0-9_-]; two base topics never make the same. Returns out. */
char *discovery_node(const char *base_topic, char out[DISCOVERY_NODE_SIZE]);

#endif
