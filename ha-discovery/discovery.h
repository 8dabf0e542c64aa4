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
#include "ha-discovery/device.h"

enum { DISCOVERY_LIMIT = 60000 }; /* bytes of one payload: below the packet size of our broker */

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
