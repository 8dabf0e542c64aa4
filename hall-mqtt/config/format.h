/*
 * format: the kinds of strings of domains.json. Each parser stores at its target what is named
 * beside it.
 */
#ifndef HALL_CONFIG_FORMAT_H
#define HALL_CONFIG_FORMAT_H

#include "base/address.h"
#include "config/option.h"

extern const struct format format_text;         /* const char *; printable, not empty */
extern const struct format format_any;          /* const char *; whatever it is */
extern const struct format format_slug;         /* const char * */
extern const struct format format_host;         /* const char *, lower case */
extern const struct format format_zone;         /* const char * */
extern const struct format format_topic;        /* const char * */
extern const struct format format_interface;    /* const char * */
extern const struct format format_file;         /* const char * */
extern const struct format format_path;         /* const char *: of a project, normalised */
extern const struct format format_method;       /* const char * */
extern const struct format format_health;       /* const char *: path and query */
extern const struct format format_container;    /* const char * */
extern const struct format format_http_url;     /* const char * */
extern const struct format format_upstream_url; /* const char * */
extern const struct format format_mqtt_url;  /* struct mqtt_broker: host or unix_path, port, tls */
extern const struct format format_unicast;   /* struct in_addr of one machine */
extern const struct format format_ipv4;      /* struct in_addr */
extern const struct format format_cidr;      /* struct cidr */
extern const struct format format_endpoint;  /* struct sockaddr_in */
extern const struct format format_mac;       /* uint8_t[6] */
extern const struct format format_secureon;  /* struct model_wake: secureon and its length */
extern const struct format format_user;      /* const char *: of a Unix system */
extern const struct format format_host_key;  /* const char *: type and base64, one blank between */
extern const struct format format_key_file;  /* const char *: as ssh takes one */
extern const struct format format_header;    /* const char *: the name of one, as given */
extern const struct format format_secret;    /* const char *: HALL_SECRET_... */
extern const struct format format_days;      /* uint8_t, bit 0 Monday */
extern const struct format format_time_from; /* uint16_t, minutes */
extern const struct format format_time_to;   /* uint16_t, minutes; "24:00" too */
extern const struct format format_date;      /* struct model_date */

/* Stores a copy of the text; WORDING_NONE, as a parser that accepts it. */
enum wording format_keep(struct arena *arena, const char *text, void *target);

#endif
