#include "bridges/relay/config_relay.h"

#include <errno.h>

#include "bridges/relay/relay_guard.h"
#include "config/document.h"
#include "config/rows.h"

struct raw_relay {
    struct config_relay out;
    const char *schema;
};

/* clang-format off */
static const struct option root_rows[] = {
    {"$schema", TEXT(any, 1024), AT(raw_relay, schema), .help = "For editors; the relay ignores it."},
    {"id", TEXT(slug, 64), AT(raw_relay, out.id), .required = true,
     .help = "What servers of Hall's configuration name in wake.relay, and the user at the broker."},
    {"mqtt", OBJECT(document_mqtt_table), AT(raw_relay, out.mqtt), .required = true, .help = "The broker."},
    {"interface", TEXT(interface, 15), AT(raw_relay, out.interface),
     .help = "The interface packets leave by; by default the route decides."},
    {"raw", .kind = OPTION_BOOL, AT(raw_relay, out.raw), .fallback = "false",
     .help = "Whether each packet is sent as an Ethernet frame of type 0x0842 too."},
    {"packets_per_second", INTEGER(1, RELAY_RATE_MAX), AT(raw_relay, out.rate), .fallback = "10",
     .help = "More are refused."},
};
/* clang-format on */
static const struct option_table root_table = TABLE("relay", raw_relay, root_rows);

static void check(const void *target, struct report *report)
{
    const struct raw_relay *raw = target;
    if (raw->out.raw && !raw->out.interface)
        report_error_at(report, (const char *const[]){"interface", NULL}, "nothing",
                        "the interface that frames leave by, as \"eth0\"; raw needs it");
}

static int finish(struct arena *arena, const char *file, const struct raw_relay *raw,
                  struct config_relay **ret_config)
{
    struct config_relay *config = arena_alloc(arena, 1, sizeof(*config));
    if (config) {
        *config = raw->out;
        config->file = arena_copy(arena, file);
        config->memory = arena;
        if (!config->mqtt.username)
            config->mqtt.username = config->id;
    }
    if (arena_failed(arena)) {
        arena_destroy(arena);
        return -ENOMEM;
    }
    *ret_config = config;
    return 0;
}

int config_relay_parse(const char *file, const char *text, size_t length,
                       struct config_relay **ret_config, struct buf *errors)
{
    struct raw_relay raw = {0};
    struct arena *arena;
    const struct document document = {.table = &root_table, .raw = &raw, .check = check};
    const int error = document_parse(file, text, length, &document, &arena, errors);
    return error < 0 ? error : finish(arena, file, &raw, ret_config);
}

int config_relay_load(const char *file, struct config_relay **ret_config, struct buf *errors)
{
    struct raw_relay raw = {0};
    struct arena *arena;
    const struct document document = {.table = &root_table, .raw = &raw, .check = check};
    const int error = document_load(file, &document, &arena, errors);
    return error < 0 ? error : finish(arena, file, &raw, ret_config);
}

void config_relay_free(struct config_relay *config)
{
    if (config)
        arena_destroy(config->memory); /* the config itself is in there */
}
