#include "core/fault.h"

#include <stdio.h>
#include <string.h>

#define NNBSP "\u202f" /* before a French semicolon */

/* In a text "#" stands for the number. */
struct row {
    const char *name;
    const char *texts[FAULT_LANGUAGES];
};

static const struct row rows[FAULTS] = {
    [FAULT_NONE] = {NULL, {"", ""}},
    [FAULT_SILENT] = {"silent", {"no answer", "aucune réponse"}},
    [FAULT_REFUSED] = {"refused", {"connection refused", "connexion refusée"}},
    [FAULT_STATUS] = {"status", {"it answers with status #", "il répond avec le statut #"}},
    [FAULT_SLOW] = {"slow", {"no answer within # s", "aucune réponse en # s"}},
    [FAULT_CLOSED] = {"closed",
                      {"the connection was closed without an answer",
                       "la connexion a été fermée sans réponse"}},
    [FAULT_UNRESOLVED] = {"unresolved",
                          {"its host name has no address", "son nom d’hôte n’a pas d’adresse"}},
    [FAULT_SELF_SIGNED] = {"certificate.self_signed",
                           {"its certificate is self-signed; name it in tls.ca, or set tls.verify "
                            "to false",
                            "son certificat est auto-signé" NNBSP
                            "; indiquez-le dans tls.ca, ou mettez "
                            "tls.verify à false"}},
    [FAULT_UNTRUSTED] = {"certificate.untrusted",
                         {"the authority of its certificate is not trusted; name it in tls.ca",
                          "l’autorité de son certificat n’est pas reconnue" NNBSP
                          "; indiquez-la dans "
                          "tls.ca"}},
    [FAULT_EXPIRED] = {"certificate.expired",
                       {"its certificate has expired", "son certificat a expiré"}},
    [FAULT_NOT_YET_VALID] = {"certificate.not_yet_valid",
                             {"its certificate is not valid yet",
                              "son certificat n’est pas encore valide"}},
    [FAULT_WRONG_NAME] = {"certificate.wrong_name",
                          {"its certificate is for another name (name mismatch); set tls.name",
                           "son certificat est établi pour un autre nom" NNBSP
                           "; définissez tls.name"}},
    [FAULT_BAD_CERTIFICATE] = {"certificate.refused",
                               {"its certificate is refused (OpenSSL error #)",
                                "son certificat est refusé (erreur OpenSSL #)"}},
    [FAULT_CA_FILE] = {"certificate.ca_file",
                       {"the file in tls.ca cannot be read",
                        "le fichier indiqué dans tls.ca est illisible"}},
    [FAULT_NO_TLS] = {"tls", {"the TLS handshake failed", "la négociation TLS a échoué"}},
    [FAULT_UNABLE] = {"unable",
                      {"this machine cannot make the check",
                       "cette machine ne peut pas effectuer ce contrôle"}},
    [FAULT_NO_AGENT] = {"agent", {"its agent is not online", "son agent n’est pas en ligne"}},
};

const char *fault_name(enum fault_code code)
{
    return rows[code].name;
}

bool fault_from_name(const char *name, enum fault_code *ret_code)
{
    for (unsigned code = FAULT_NONE + 1; code < FAULTS; code++) {
        if (strcmp(rows[code].name, name) != 0)
            continue;
        *ret_code = (enum fault_code)code;
        return true;
    }
    return false;
}

bool fault_is_of_tls(enum fault_code code)
{
    return code >= FAULT_SELF_SIGNED && code <= FAULT_CA_FILE;
}

char *fault_say(struct fault fault, enum fault_language language, char out[FAULT_TEXT_SIZE])
{
    const char *text = rows[fault.code].texts[language];
    const char *hole = strchr(text, '#');

    if (hole)
        snprintf(out, FAULT_TEXT_SIZE, "%.*s%u%s", (int)(hole - text), text, (unsigned)fault.number,
                 hole + 1);
    else
        snprintf(out, FAULT_TEXT_SIZE, "%s", text);
    return out;
}
