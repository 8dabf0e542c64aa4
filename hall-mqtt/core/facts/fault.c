#include "core/facts/fault.h"

#include <string.h>

static const char *const names[FAULTS] = {
    [FAULT_SILENT] = "silent",
    [FAULT_REFUSED] = "refused",
    [FAULT_STATUS] = "status",
    [FAULT_SLOW] = "slow",
    [FAULT_CLOSED] = "closed",
    [FAULT_UNRESOLVED] = "unresolved",
    [FAULT_SELF_SIGNED] = "certificate.self_signed",
    [FAULT_UNTRUSTED] = "certificate.untrusted",
    [FAULT_EXPIRED] = "certificate.expired",
    [FAULT_NOT_YET_VALID] = "certificate.not_yet_valid",
    [FAULT_WRONG_NAME] = "certificate.wrong_name",
    [FAULT_BAD_CERTIFICATE] = "certificate.refused",
    [FAULT_CA_FILE] = "certificate.ca_file",
    [FAULT_NO_TLS] = "tls",
    [FAULT_UNABLE] = "unable",
    [FAULT_NO_AGENT] = "agent",
};

const char *fault_name(enum fault_code code)
{
    return names[code];
}

bool fault_is_of_tls(enum fault_code code)
{
    return code >= FAULT_SELF_SIGNED && code <= FAULT_CA_FILE;
}
