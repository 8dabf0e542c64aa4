/* What somebody publishes below the discovery prefix: two topics and payloads, heard before and
 * after the broker was read; the first byte says how the rest is parted. Whatever is offered then
 * is JSON of its own, or nothing. */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "ha-discovery/announcer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct model_server servers[] = {{.id = "a", .name = "A"}};
static struct model_site sites[] = {
    {.id = "d.org", .name = "d.org", .path = "/"},
    {.id = "p", .name = "P", .is_project = true, .path = "/p"},
};
static struct model_domain domains[] = {{.name = "d.org", .n_projects = 1, .projects = {1}}};
static const struct model model = {.n_servers = 1,
                                   .servers = servers,
                                   .n_domains = 1,
                                   .domains = domains,
                                   .n_sites = 2,
                                   .sites = sites};
static const struct discovery discovery = {
    .model = &model, .base_topic = "hall", .prefix = "ha", .version = "1", .site = "hall"};

static const char *const objects[] = {"hub", "server_a", "domain_d_org", "server_gone"};

static void hear(struct announcer *announcer, unsigned which, const uint8_t *data, size_t size)
{
    char topic[DISCOVERY_TOPIC_SIZE], object[DISCOVERY_OBJECT_SIZE], name[DISCOVERY_OBJECT_SIZE];
    const char *chosen = objects[which % 4];

    if (which % 5 == 4) { /* a topic of its own */
        const size_t length = size < sizeof(name) - 1 ? size : sizeof(name) - 1;

        memcpy(name, data, length);
        name[length] = '\0';
        chosen = name;
    }
    announcer_hear(announcer, discovery_topic(&discovery, chosen, topic), (const char *)data, size,
                   1000, object);
}

static void drain(struct announcer *announcer, int64_t now)
{
    struct announcement next;
    int result;

    for (unsigned i = 0; i < 1000 && (result = announcer_next(announcer, now, &next)) != 0; i++) {
        struct json *root = NULL;
        struct json_error error;

        if (result == -EAGAIN)
            continue;
        assert(result == 1);
        assert(next.length == 0 ||
               json_read(next.payload, next.length, &json_limits_payload, &root, &error) == 0);
        json_free(root);
        announcer_taken(announcer, next.token, true);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct announcer *announcer = NULL;

    if (size < 2 || announcer_create(&discovery, &announcer) < 0)
        return 0;
    const size_t half = 2 + (size - 2) * (data[0] >> 4) / 15;

    announcer_connected(announcer);
    hear(announcer, data[0] & 15, data + 2, half - 2);
    announcer_browsed(announcer);
    drain(announcer, 1000);
    hear(announcer, data[1], data + half, size - half);
    drain(announcer, 10000);
    drain(announcer, 20000);
    assert(announcer_is_done(announcer));
    announcer_destroy(announcer);
    return 0;
}
