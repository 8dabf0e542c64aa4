/* mqtt_broker: where a broker is and who asks, as the configuration and the bus both know it. */
#ifndef HALL_BASE_MQTT_BROKER_H
#define HALL_BASE_MQTT_BROKER_H

#include <stdbool.h>
#include <stdint.h>

enum mqtt_version {
    MQTT_VERSION_AUTO, /* 5, or 3.1.1 if the broker does not speak 5 */
    MQTT_VERSION_5,
    MQTT_VERSION_311,
};

struct mqtt_broker {
    const char *host;      /* name or dotted address; or NULL with unix_path */
    const char *unix_path; /* mqtt+unix:///run/mosquitto.sock, or NULL */
    uint16_t port;
    bool tls; /* mqtts://: verifies the certificate against host, be it a name or an address */
    const char *ca; /* file, or NULL: the system's */
    enum mqtt_version version;
    const char *username; /* or NULL */
};

#endif
