#include "mqtt/mqtt_refusal.h"

#include <mqtt_protocol.h>

bool mqtt_refusal_is_old(int reason)
{
    return reason < MQTT_RC_UNSPECIFIED;
}

bool mqtt_refusal_is_of_version(int reason)
{
    return mqtt_refusal_is_old(reason) || reason == MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION ||
           reason == MQTT_RC_MALFORMED_PACKET || reason == MQTT_RC_PROTOCOL_ERROR;
}

const char *mqtt_refusal_advice(const struct mqtt_options *options, int reason)
{
    if (reason != MQTT_RC_NOT_AUTHORIZED && reason != MQTT_RC_BAD_USERNAME_OR_PASSWORD &&
        reason != CONNACK_REFUSED_BAD_USERNAME_PASSWORD && reason != CONNACK_REFUSED_NOT_AUTHORIZED)
        return "";
    if (!options->broker.username)
        return "; no user is configured (mqtt.username)";
    return options->password ? "; check the user and HALL_MQTT_PASSWORD"
                             : "; HALL_MQTT_PASSWORD is not set";
}
