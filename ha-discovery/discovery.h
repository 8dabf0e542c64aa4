/*
 * discovery: what Home Assistant is told so that it shows Hall by itself: one retained message for
 * each device (Hall, every server, every domain that has projects), on
 * PREFIX/device/NODE/OBJECT/config, where NODE is made of the base topic, so that several Halls
 * live on one broker. Pure: reads the model, writes JSON. announcer.h decides what is sent, and
 * when.
 *
 * Valid for Home Assistant 2024.11 (device discovery) to 2026.11: at the top level only the keys
 * that all of them know, newer ones in the components, where older versions pass over them.
 */
#ifndef HALL_HA_DISCOVERY_DISCOVERY_H
#define HALL_HA_DISCOVERY_DISCOVERY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "core/model.h"

enum {
    DISCOVERY_LIMIT = 60000,     /* bytes of one payload: below the packet size of our broker */
    DISCOVERY_OBJECT_SIZE = 288, /* "domain_" and a host name */
    DISCOVERY_TOPIC_SIZE = 1024,
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

/*
 * The payload of a device. stale: components it had before and has no more (as discovery_stale
 * tells them), or NULL: they are written with their platform only, which makes Home Assistant
 * remove them; the payload after that leaves them out. -EMSGSIZE, -ENOMEM.
 */
int discovery_write(const struct discovery *discovery, const struct device *device,
                    const char *stale, struct buf *out);

/* Did a Hall write this payload? */
bool discovery_is_ours(const char *payload, size_t length);

/*
 * Appends the components of the old payload that the new one has not, or has on another platform, a
 * line each: KEY PLATFORM. An old payload that cannot be read has none.
 */
void discovery_stale(const char *old, size_t old_length, const char *new, size_t new_length,
                     struct buf *out);

#endif
