/*
 * say_doctor: the findings of `hallctl doctor`: every code with its verdict, its parameters, its
 * sentence in each language and the command that mends it. A code never changes its meaning; new
 * ones may come. Pure.
 *
 * In a sentence {name} is a parameter; a part in brackets is left out while a parameter in it is
 * empty. In a command the same, each value quoted for a shell.
 */
#ifndef HALL_SAY_SAY_DOCTOR_H
#define HALL_SAY_SAY_DOCTOR_H

#include "base/buf.h"
#include "say/say.h"

enum doctor_code {
    DOCTOR_CHECK_LATE,
    DOCTOR_CHECK_FAILED,
    DOCTOR_CHECK_ROOT,
    DOCTOR_SETTINGS_ERROR,
    DOCTOR_CONFIGURATION_GOOD,
    DOCTOR_CONFIGURATION_NOTE,
    DOCTOR_CONFIGURATION_NONE,
    DOCTOR_CONFIGURATION_CLOSED,
    DOCTOR_CONFIGURATION_ERROR,
    DOCTOR_CONFIGURATION_OLD,
    DOCTOR_SECRETS_GOOD,
    DOCTOR_SECRETS_OPEN,
    DOCTOR_BROKER_GOOD,
    DOCTOR_BROKER_UNRESOLVED,
    DOCTOR_BROKER_STOPPED,
    DOCTOR_BROKER_UNREACHABLE,
    DOCTOR_BROKER_TLS,
    DOCTOR_BROKER_LOGIN,
    DOCTOR_BROKER_NO_PASSWORD,
    DOCTOR_BROKER_SILENT,
    DOCTOR_RIGHTS_GOOD,
    DOCTOR_RIGHTS_WRITE,
    DOCTOR_RIGHTS_READ,
    DOCTOR_HALL_GOOD,
    DOCTOR_HALL_OFFLINE,
    DOCTOR_HALL_SILENT,
    DOCTOR_STORE_SALVAGED,
    DOCTOR_STORE_PROBLEM,
    DOCTOR_VERSION_GOOD,
    DOCTOR_VERSION_HALLCTL,
    DOCTOR_VERSION_AGENT,
    DOCTOR_SERVER_GOOD,
    DOCTOR_SERVER_VETOED,
    DOCTOR_SERVER_UNKNOWN,
    DOCTOR_SERVER_FAILED,
    DOCTOR_SERVER_UNREACHABLE,
    DOCTOR_SERVER_PROBLEM,
    DOCTOR_SERVER_OTHER_MAC,
    DOCTOR_SERVER_AGENT_OFFLINE,
    DOCTOR_SERVER_AGENT_NEVER,
    DOCTOR_SERVER_NO_USER,
    DOCTOR_SERVER_WOL_OFF,
    DOCTOR_SERVER_SLOW,
    DOCTOR_SERVER_RELAY_OFFLINE,
    DOCTOR_NETWORK_GOOD,
    DOCTOR_NETWORK_RELAY,
    DOCTOR_NETWORK_NO_INTERFACE,
    DOCTOR_NETWORK_DOWN,
    DOCTOR_NETWORK_FAR,
    DOCTOR_NETWORK_BROADCAST,
    DOCTOR_PING_GOOD,
    DOCTOR_PING_CLOSED,
    DOCTOR_CLOCK_GOOD,
    DOCTOR_CLOCK_NO_RTC,
    DOCTOR_CLOCK_FREE,
    DOCTOR_CLOCK_DISTRUSTED,
    DOCTOR_PORT_GOOD,
    DOCTOR_PORT_CLOSED,
    DOCTOR_PORT_SILENT,
    DOCTOR_PORT_TAKEN,
    DOCTOR_PORT_EVERYWHERE,
    DOCTOR_DNS_GOOD,
    DOCTOR_DNS_UNRESOLVED,
    DOCTOR_DNS_ELSEWHERE,
    DOCTOR_DNS_UPSTREAM,
    DOCTOR_PROXY_GOOD,
    DOCTOR_PROXY_NONE,
    DOCTOR_PROXY_HEADERS,
    DOCTOR_PROXY_ASTRAY,
    DOCTOR_PROXY_TOLD,
    DOCTOR_PROXY_UNASKED,
    DOCTOR_PROXY_UNTRUSTED,
    DOCTOR_PROXY_MISSING,
    DOCTOR_PROXY_CLAIMED,
    DOCTOR_PROXY_OTHER,
    DOCTOR_PROXY_CLOSED,
    DOCTOR_PROXY_NO_KEY,
    DOCTOR_PROXY_UNHEARD,
    DOCTOR_PROXY_ROUTES,
    DOCTOR_PROXY_BYPASS,
    DOCTOR_PROXY_API,
    DOCTOR_PROXY_NAMESPACE,
    DOCTOR_PROXY_NAMESPACE_AGENT,
    DOCTOR_DISK_GOOD,
    DOCTOR_DISK_LOW,
    DOCTOR_DISK_FULL,
    DOCTOR_DISK_READONLY,
    DOCTOR_DISK_MISSING,
    DOCTOR_UNIT_GOOD,
    DOCTOR_UNIT_NO_SYSTEMD,
    DOCTOR_UNIT_UNSEEN,
    DOCTOR_UNIT_FAILED,
    DOCTOR_UNIT_STOPPED,
    DOCTOR_UNIT_DISABLED,
    DOCTOR_UNIT_RESTARTS,
    DOCTOR_UNIT_HIDES,
    DOCTOR_UNIT_STALE,
    DOCTOR_CERTIFICATE_GOOD,
    DOCTOR_CERTIFICATE_SOON,
    DOCTOR_CERTIFICATE_ENDS,
    DOCTOR_CERTIFICATE_UNREADABLE,
    DOCTOR_UPSTREAM_GOOD,
    DOCTOR_UPSTREAM_SOON,
    DOCTOR_UPSTREAM_ENDS,
};
enum { DOCTOR_CODES = DOCTOR_UPSTREAM_ENDS + 1, DOCTOR_PARAMS_MAX = 6, DOCTOR_VALUE_SIZE = 256 };

enum doctor_verdict { DOCTOR_IS_GOOD, DOCTOR_IS_WARNING, DOCTOR_IS_BAD };
enum { DOCTOR_VERDICTS = DOCTOR_IS_BAD + 1 };

struct doctor_row {
    const char *name; /* "doctor.ping.closed" */
    enum doctor_verdict verdict;
    const char *params[DOCTOR_PARAMS_MAX + 1];
    const char *texts[SAY_LANGUAGES];
    const char *command; /* NULL: there is nothing to mend */
};

extern const struct doctor_row doctor_rows[DOCTOR_CODES];

/* One line of the doctor's; values in the order of the row's parameters, "" is none. */
struct doctor_finding {
    enum doctor_code code;
    char values[DOCTOR_PARAMS_MAX][DOCTOR_VALUE_SIZE];
};

/* Its sentence, without a full stop. */
void doctor_say(const struct doctor_finding *finding, enum say_language language, struct buf *out);
/* What to type; nothing where there is nothing to mend. */
void doctor_say_command(const struct doctor_finding *finding, struct buf *out);

const char *doctor_verdict_name(enum doctor_verdict verdict); /* "good", "warning", "bad" */
/* As people read it. */
const char *doctor_verdict_shown(enum doctor_verdict verdict, enum say_language language);

#endif
