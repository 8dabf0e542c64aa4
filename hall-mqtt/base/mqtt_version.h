/* mqtt_version: which MQTT is spoken, as the configuration and the bus both know it. */
#ifndef HALL_BASE_MQTT_VERSION_H
#define HALL_BASE_MQTT_VERSION_H

enum mqtt_version {
    MQTT_VERSION_AUTO, /* 5, or 3.1.1 if the broker does not speak 5 */
    MQTT_VERSION_5,
    MQTT_VERSION_311,
};

#endif
