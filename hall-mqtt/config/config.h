/*
 * config: domains.json and the environment become a model and the settings of the adapters. Every
 * option is one row of a table (name, type, range, default, help), from which the JSON Schema is
 * made too. Pure but for the reading of the file. A configuration that has any error is refused
 * whole; all errors are told at once.
 */
#ifndef HALL_CONFIG_CONFIG_H
#define HALL_CONFIG_CONFIG_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/buf.h"
#include "base/clock_judge.h"
#include "base/mqtt_broker.h"
#include "config/complaint.h"
#include "core/model.h"

enum {
    CONFIG_LISTEN_MAX = 8
}; /* addresses that the gateway, or the dashboard, listens on at most */

struct config_mqtt {
    struct mqtt_broker broker;
    const char *base_topic;       /* "hall" */
    const char *discovery_prefix; /* "homeassistant" */
};

struct config_http {
    size_t n_gateway; /* never none; default 127.0.0.1:8880 */
    struct sockaddr_in *gateway;
    size_t n_admin; /* never none; default 127.0.0.1:8881 */
    struct sockaddr_in *admin;
    size_t n_trusted_proxies; /* default 127.0.0.1 */
    struct cidr *trusted_proxies;
    size_t n_admin_allow;
    struct cidr *admin_allow;
    size_t n_admin_hosts;
    const char **admin_hosts;
    size_t
        n_monitors; /* User-Agent substrings that never wake; default: a list of well-known ones */
    const char **monitors;
};

/* For what a reverse proxy in front is told. */
struct config_proxy {
    const char *hall; /* URL of the gateway as the proxy sees it; NULL: http.gateway */
    bool fail_open;   /* default false */
    bool tls;         /* the proxy speaks TLS to visitors; default true */
    const char *entry_point, *http_entry_point; /* Traefik's: "websecure", "web" */
    const char *resolver;     /* Traefik's certificate resolver; "none": its own certificates */
    const char *certificates; /* nginx, HAProxy: folder with those of the domains; NULL: its own */
    size_t n_trusted;
    struct cidr *trusted; /* proxies in front of the proxy, which tell it who the visitor is */
};

struct config_store {
    const char *path;
    int keep_days;
    int max_mb;
    int backups;
};

struct config_clock {
    enum clock_trust trust;
};

struct config_energy {
    double price_kwh; /* negative: not configured */
    const char *currency;
    double hall_watts;
};

struct config {
    const char *file;
    const char *timezone; /* default "UTC" */
    const char *site;     /* default "hall": name of this Hall, slug */
    enum config_language language;
    struct config_mqtt mqtt;
    struct config_http http;
    struct config_store store;
    struct config_clock clock;
    struct config_energy energy;
    struct config_proxy proxy;
    struct model model;
    void *memory; /* owns every string and array above */
};

/* From the environment, or from $CREDENTIALS_DIRECTORY (file names in lower case with '-':
 * hall-mqtt-password). Empty counts as unset. Never logged. */
struct secrets {
    const char *mqtt_password;       /* HALL_MQTT_PASSWORD */
    const char *admin_password_hash; /* HALL_ADMIN_PASSWORD_HASH */
    const char *admin_password;      /* ADMIN_PASSWORD: first start only */
    const char *secret_key;          /* HALL_SECRET_KEY */
    const char *api_key;             /* HALL_API_KEY, else WOL_API_KEY */
    void *memory;
};

/*
 * Reads a whole configuration. On failure ret_config is untouched and the report has all errors.
 * -EINVAL errors in the file; -ENOENT, -EACCES ... it cannot be read (reported too); -ENOMEM.
 */
int config_load(const char *file, struct config **ret_config, struct report *report);
int config_parse(const char *file, const char *text, size_t length, struct config **ret_config,
                 struct report *report);
/* The text of the file, for config_parse; to be freed. */
int config_read(const char *file, char **ret_text, size_t *ret_length, struct report *report);
/* Reports that a file cannot be read, why, and what to do. Returns error. */
int config_unreadable(struct report *report, const char *file, int error, const char *why);
void config_free(struct config *config);

/* What is no error but good to know, one line each: which containers several projects share.
 * -ENOMEM */
int config_notes(const struct config *config, struct buf *out);

int config_write_schema(
    struct buf *out); /* JSON Schema draft 2020-12 of domains.json, made from the option table */

int secrets_load(struct secrets *ret_secrets, struct report *report);
void secrets_finish(struct secrets *secrets); /* wipes */

/* A secret that the configuration names, HALL_SECRET_...: as above, a variable or a credential.
 * NULL: not set. To be given to secret_free. -EINVAL, -EMSGSIZE, -EACCES: reported. */
int secret_find(const char *variable, char **ret_value, struct report *report);
void secret_free(char *value); /* wipes */
/* Are all there that the configuration names? -EINVAL: each that is not is reported. */
int secrets_check(const struct config *config, struct report *report);

#endif
