#include "base/authorities.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/array.h"

/* Each is all of the system's authorities in one file. */
static const char *const files[] = {
    "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Ubuntu, Arch, Gentoo */
    "/etc/pki/tls/certs/ca-bundle.crt",                  /* AlmaLinux, RHEL, older Fedora */
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* Fedora */
    "/etc/ssl/ca-bundle.pem",                            /* openSUSE */
    "/etc/ssl/cert.pem",                                 /* Alpine, Void */
};

const char *authorities_find(const char *root)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        const int n = snprintf(path, sizeof(path), "%s%s", root, files[i]);
        if (n > 0 && (size_t)n < sizeof(path) && access(path, R_OK) == 0)
            return files[i];
    }
    return NULL;
}

void authorities_announce(void)
{
    const char *file = authorities_find("");
    if (file && !getenv("SSL_CERT_DIR"))
        (void)setenv("SSL_CERT_FILE", file, 0);
}
