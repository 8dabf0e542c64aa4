/*
 * say_setup: what `hallctl setup` says: every code with its parameters and its text in each
 * language. A code never changes its meaning; new ones may come. Pure.
 *
 * In a text {name} is a parameter.
 */
#ifndef HALL_SAY_SAY_SETUP_H
#define HALL_SAY_SAY_SETUP_H

#include <stdbool.h>

#include "base/buf.h"
#include "say/say.h"

enum setup_code {
    SETUP_ROOT,
    SETUP_NO_TERMINAL,
    SETUP_MISSING,
    SETUP_UNREADABLE,
    SETUP_PASSWORD_EMPTY,
    SETUP_SERVER_FORM,
    SETUP_SERVER_ID,
    SETUP_SERVER_ROLE,
    SETUP_SERVER_TWICE,
    SETUP_SERVER_ADDRESS,
    SETUP_SERVER_MAC,
    SETUP_SERVER_NETWORK,
    SETUP_SERVER_OWN,
    SETUP_SERVER_SILENT,
    SETUP_SITE_FORM,
    SETUP_SITE_TWICE,
    SETUP_SITE_SERVER,
    SETUP_SITE_POLICY,
    SETUP_INTERFACE,
    SETUP_NO_INTERFACE,
    SETUP_LANGUAGE,
    SETUP_PROXY,
    SETUP_PROXY_MISSING,
    SETUP_FILE_TAKEN,
    SETUP_TRAEFIK_TAKEN,
    SETUP_HAPROXY_TAKEN,
    SETUP_PROXY_REFUSED,
    SETUP_CERTIFICATE,
    SETUP_BROKER_URL,
    SETUP_BROKER_MISSING,
    SETUP_BROKER_OPTION,
    SETUP_BROKER_FOREIGN,
    SETUP_BROKER_PASSWORD,
    SETUP_BROKER_REFUSED,
    SETUP_PORT_TAKEN,
    SETUP_CONFIGURATION,
    SETUP_TOO_MANY,
    SETUP_SHARE,
    SETUP_WRITE,
    SETUP_COMMAND,
    SETUP_UNDONE,
    SETUP_MEMORY,
    SETUP_NOTHING,
    SETUP_HEAD,
    SETUP_FILE_NEW,
    SETUP_FILE_CHANGED,
    SETUP_USERS,
    SETUP_RENEW,
    SETUP_CERTIFICATES,
    SETUP_RESTARTS,
    SETUP_RELOADS,
    SETUP_DRY_RUN,
    SETUP_STOPPED,
    SETUP_ACL_KEPT,
    SETUP_NO_SYSTEMD,
    SETUP_BROKER_SILENT,
    SETUP_HALL_SILENT,
    SETUP_HALL_ANSWERS,
    SETUP_GATEWAY_SILENT,
    SETUP_SITE_ANSWERS,
    SETUP_SITE_SILENT,
    SETUP_SITE_ASTRAY,
    SETUP_OPEN,
    SETUP_NO_PASSWORD,
    SETUP_ENROLL,
    SETUP_ASK_INTRO,
    SETUP_ASK_INTERFACE,
    SETUP_ASK_BROKER,
    SETUP_ASK_USER,
    SETUP_ASK_CA,
    SETUP_ASK_BROKER_PASSWORD,
    SETUP_ASK_LANGUAGE,
    SETUP_ASK_SCAN,
    SETUP_ASK_SERVER,
    SETUP_ASK_ADDRESS,
    SETUP_ASK_MAC,
    SETUP_ASK_SITE,
    SETUP_ASK_SITE_SERVER,
    SETUP_ASK_SITE_URL,
    SETUP_ASK_SITE_POLICY,
    SETUP_ASK_PROXY,
    SETUP_ASK_HTTPS,
    SETUP_ASK_PASSWORD,
    SETUP_ASK_AGAIN,
    SETUP_ASK_DIFFERENT,
    SETUP_ASK_SHORT,
    SETUP_ASK_WRITE,
    SETUP_WHO,
};
enum { SETUP_CODES = SETUP_WHO + 1, SETUP_PARAMS_MAX = 3 };

struct setup_row {
    const char *name; /* "setup.server_mac" */
    bool is_error;    /* else a remark */
    const char *params[SETUP_PARAMS_MAX + 1];
    const char *texts[SAY_LANGUAGES];
};

extern const struct setup_row setup_rows[SETUP_CODES];

/* Values in the order of the row's parameters; borrowed. */
struct setup_note {
    enum setup_code code;
    const char *values[SETUP_PARAMS_MAX];
};

/* Its text, without the end of the line. */
void setup_say(const struct setup_note *note, enum say_language language, struct buf *out);

#endif
