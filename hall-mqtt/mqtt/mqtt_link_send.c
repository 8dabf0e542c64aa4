#include <errno.h>

#include "mqtt/mqtt_link_internal.h"

/* The message itself cannot be sent on this connection, and trying again would change nothing. */
static bool is_message_fault(int rc)
{
    return rc == MOSQ_ERR_OVERSIZE_PACKET || rc == MOSQ_ERR_PAYLOAD_SIZE || rc == MOSQ_ERR_INVAL ||
           rc == MOSQ_ERR_MALFORMED_UTF8 || rc == MOSQ_ERR_QOS_NOT_SUPPORTED;
}

static int properties_of(const struct mqtt_link *link, const struct mqtt_parcel *parcel,
                         mosquitto_property **properties)
{
    int rc = MOSQ_ERR_SUCCESS;
    if (link->setup.v311)
        return rc;
    if (parcel->correlation_length > 0)
        rc = mosquitto_property_add_binary(properties, MQTT_PROP_CORRELATION_DATA,
                                           parcel->correlation,
                                           (uint16_t)parcel->correlation_length);
    if (rc == MOSQ_ERR_SUCCESS && parcel->response_topic)
        rc = mosquitto_property_add_string(properties, MQTT_PROP_RESPONSE_TOPIC,
                                           parcel->response_topic);
    if (rc == MOSQ_ERR_SUCCESS && parcel->marked)
        rc = mosquitto_property_add_string_pair(properties, MQTT_PROP_USER_PROPERTY, MQTT_LINK_MARK,
                                                link->setup.mark);
    return rc;
}

int mqtt_link_publish(struct mqtt_link *link, const struct mqtt_parcel *parcel, int *ret_id,
                      const char **ret_refusal)
{
    mosquitto_property *properties = NULL;
    if (link->failed)
        return -ENOTCONN;
    int rc = properties_of(link, parcel, &properties);
    if (rc == MOSQ_ERR_SUCCESS)
        rc = mosquitto_publish_v5(link->client, ret_id, parcel->topic, (int)parcel->length,
                                  parcel->payload, parcel->qos, parcel->retain, properties);
    mosquitto_property_free_all(&properties);
    if (!is_message_fault(rc))
        return mqtt_link_settle(link, rc);
    *ret_refusal = mosquitto_strerror(rc);
    return -EBADMSG;
}

/* libmosquitto wants them so, and changes nothing. */
static char *const *mutable_list(const char *const *filters)
{
    return (char *const *)(const void *)filters;
}

void mqtt_link_subscribe(struct mqtt_link *link, const char *const *filters, size_t n, int qos,
                         enum mqtt_link_reading reading, int *ret_id)
{
    static const int options[] = {
        [MQTT_LINK_OTHERS] = MQTT_SUB_OPT_RETAIN_AS_PUBLISHED | MQTT_SUB_OPT_NO_LOCAL,
        [MQTT_LINK_ALL] = MQTT_SUB_OPT_RETAIN_AS_PUBLISHED,
        [MQTT_LINK_OTHERS_ONLY] = MQTT_SUB_OPT_RETAIN_AS_PUBLISHED | MQTT_SUB_OPT_NO_LOCAL |
                                  MQTT_SUB_OPT_SEND_RETAIN_NEVER,
    };
    if (!link->failed)
        mqtt_link_settle(
            link, mosquitto_subscribe_multiple(link->client, ret_id, (int)n, mutable_list(filters),
                                               qos, link->setup.v311 ? 0 : options[reading], NULL));
}

void mqtt_link_unsubscribe(struct mqtt_link *link, const char *const *filters, size_t n)
{
    if (!link->failed)
        mqtt_link_settle(link, mosquitto_unsubscribe_multiple(link->client, NULL, (int)n,
                                                              mutable_list(filters), NULL));
}
