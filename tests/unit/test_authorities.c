/* Where distributions keep the authorities that they trust. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/authorities.h"
#include "unit.h"

/* The best known first. */
static const char *const known[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
};

/* Makes the file, or only the folders above it. */
static void make(const char *root, const char *file, bool whole)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s%s", root, file);
    for (char *at = path + strlen(root) + 1; (at = strchr(at, '/')); *at++ = '/') {
        *at = '\0';
        (void)mkdir(path, 0755);
    }
    FILE *made = whole ? fopen(path, "w") : NULL;
    if (made)
        (void)fclose(made);
}

static void remove_all(const char *root)
{
    char command[600];
    (void)snprintf(command, sizeof command, "rm -r %s", root);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a folder of our own */
}

static void test_each_distributions_file_is_found(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        char root[] = "/tmp/hall-authorities-XXXXXX";
        assert_non_null(mkdtemp(root));
        assert_null(authorities_find(root));
        make(root, known[i], false);
        assert_null(authorities_find(root));
        make(root, known[i], true);
        assert_string_equal(authorities_find(root), known[i]);
        for (size_t j = i + 1; j < ARRAY_SIZE(known); j++)
            make(root, known[j], true);
        assert_string_equal(authorities_find(root), known[i]);
        remove_all(root);
    }
}

static void test_what_the_environment_says_is_kept(void **state)
{
    (void)setenv("SSL_CERT_FILE", "/mine", 1);
    authorities_announce();
    assert_string_equal(getenv("SSL_CERT_FILE"), "/mine");
    (void)unsetenv("SSL_CERT_FILE");
    (void)setenv("SSL_CERT_DIR", "/mine", 1);
    authorities_announce();
    assert_null(getenv("SSL_CERT_FILE"));
    (void)unsetenv("SSL_CERT_DIR");
    authorities_announce();
    const char *found = authorities_find(""), *said = getenv("SSL_CERT_FILE");
    assert_true(found ? said && strcmp(found, said) == 0 : !said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_distributions_file_is_found),
        cmocka_unit_test(test_what_the_environment_says_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
