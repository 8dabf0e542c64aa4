#include "bridges/relay/config_relay.h"

#include "bridges/relay/relay_guard.h"
#include "config/rows.h"

struct raw_relay {
    struct config_relay out;
    const char *schema;
};

/* clang-format off */
static const struct option root_rows[] = {
    {"$schema", TEXT(any, 1024), AT(raw_relay, schema), .help = "For editors; the relay ignores it."},
    {"id", TEXT(slug, 64), AT(raw_relay, out.head.id), .required = true,
     .help = "What servers of Hall's configuration name in wake.relay, and the user at the broker."},
    {"mqtt", OBJECT(document_mqtt_table), AT(raw_relay, out.head.mqtt), .required = true, .help = "The broker."},
    {"interface", TEXT(interface, 15), AT(raw_relay, out.interface),
     .help = "The interface packets leave by; by default the route decides."},
    {"raw", .kind = OPTION_BOOL, AT(raw_relay, out.raw), .fallback = "false",
     .help = "Whether each packet is sent as an Ethernet frame of type 0x0842 too."},
    {"packets_per_second", INTEGER(1, RELAY_RATE_MAX), AT(raw_relay, out.rate), .fallback = "10",
     .help = "More are refused."},
};
/* clang-format on */
static const struct option_table root_table = TABLE("relay", raw_relay, root_rows);

static void finish(struct arena *arena, void *target, struct report *report)
{
    const struct config_relay *config = target;
    (void)arena;
    if (config->raw && !config->interface)
        report_error_at(report, COMPLAINT_MISSING, KEYS("interface"), PHRASE(NOTHING),
                        PHRASE(FRAME_INTERFACE));
}

const struct document config_relay_document = {.table = &root_table, .finish = finish};
