#include "hall/in_probes.h"

#include <string.h>

static void on_outcome(void *context, int server, unsigned check, enum probe_outcome outcome,
                       struct fault fault, uint16_t detail)
{
    turn_feed(context,
              &(struct fleet_event){
                  .kind = FLEET_PROBE,
                  .server = server,
                  .probe = {.check = check, .outcome = outcome, .fault = fault, .detail = detail}});
}

static void on_neighbour(void *context, int server, enum mac_verdict verdict, const uint8_t mac[6])
{
    struct fleet_event event = {
        .kind = FLEET_NEIGHBOUR, .server = server, .neighbour = {.verdict = verdict}};

    if (verdict != MAC_UNKNOWN)
        memcpy(event.neighbour.mac, mac, sizeof(event.neighbour.mac));
    turn_feed(context, &event);
}

static void on_moved(void *context, int server, struct in_addr address)
{
    turn_feed(context, &(struct fleet_event){
                           .kind = FLEET_MOVED, .server = server, .moved = {.address = address}});
}

static bool is_learned(void *context, int server, const uint8_t mac[6])
{
    return macs_have(&fleet_power(turn_fleet(context), server)->evidence.macs, mac);
}

const struct prober_listener in_probes_listener = {
    .outcome = on_outcome, .neighbour = on_neighbour, .moved = on_moved, .owns = is_learned};
