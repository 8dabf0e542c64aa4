/*
 * raw: what domains.json says, checked one by one but not yet against each other. config.c makes
 * the model of it.
 */
#ifndef HALL_CONFIG_RAW_H
#define HALL_CONFIG_RAW_H

#include "config/config.h"
#include "config/option.h"

struct raw_expect {
    size_t n;
    struct status_range *ranges; /* NULL: not given */
};

struct raw_tls {
    struct model_tls out;
    enum option_given verify_given;
};

struct raw_check {
    unsigned kind;          /* enum check_kind */
    struct in_addr address; /* 0: the server's */
    uint16_t port;
    const char *url;
    struct raw_expect expect;
    struct raw_tls tls;
    int64_t timeout;
};

/* An item of webhook.headers: exactly one of value and secret. */
struct raw_header {
    struct option_key key;
    unsigned kind;
    const char *value, *secret;
};

struct raw_webhook {
    struct model_webhook out;
    size_t n_headers;
    struct raw_header *headers;
};

struct raw_sleep {
    struct model_sleep out;
    struct model_ssh ssh;
    struct raw_webhook webhook;
    enum option_given via_given, ssh_given, webhook_given;
    enum option_given user_given, key_given, host_key_given, url_given;
};

struct raw_server {
    struct option_key key;
    struct model_server out; /* without sleep, checks and depends_on */
    struct raw_sleep sleep;
    size_t n_checks;
    struct raw_check *checks; /* NULL: not given */
    size_t n_depends_on;
    const char **depends_on;
};

/* A domain's own site, or a project. */
struct raw_site {
    struct option_key key;
    struct model_site out;
    const char *health;
    struct raw_expect expect;
    struct raw_tls tls;
    enum option_given hours_given; /* the windows */
    int access_wakes_per_day;      /* of a project: its quotas, where they stand in its access */
    int access_minutes_per_day;
};

struct raw_policy {
    struct model_policy out;
    enum option_given mode_given, windows_given, otherwise_given;
};

struct raw_access {
    struct model_access out;
    enum option_given hours_given; /* the windows */
    enum option_given websocket_given;
};

struct raw_domain {
    struct option_key key;
    const char *server;
    struct raw_site own;
    struct raw_policy policy;
    struct raw_access access;
    size_t n_projects;
    struct raw_site *projects;
};

struct raw_config {
    const char *schema;
    struct config config; /* without the model */
    size_t n_servers;
    struct raw_server *servers;
    size_t n_domains;
    struct raw_domain *domains;
    /* Made by link_raw. */
    int *servers_by_id;   /* indexes of servers, sorted by id */
    int *domains_by_name; /* indexes of domains, sorted by name */
    int *domain_servers;  /* of each domain its server, or MODEL_NONE */
    size_t *check_counts; /* of each server its checks, those of its sites included */
};

/*
 * Checks everything against everything else, and resolves ids to indexes. Errors go to the report.
 * What the model keeps is in arena, the rest in scratch.
 */
void link_raw(struct arena *arena, struct arena *scratch, struct report *report,
              struct raw_config *raw);

/* Of that, what policies and hours of access must hold each by itself. */
void link_policies(struct report *report, const struct raw_config *raw);

/* Of that, what each way of putting a server to sleep needs. */
void link_sleeps(struct report *report, const struct raw_config *raw);

/* Makes the model of a raw configuration without errors; asks for memory only. */
void build_model(struct arena *arena, const struct raw_config *raw, struct model *ret_model);

#endif
