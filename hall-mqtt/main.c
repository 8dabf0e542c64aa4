/* hall: the daemon. Options, configuration, then the three phases: create, run, destroy. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/program.h"
#include "hall.h"

static const struct program program = {
    .name = "hall",
    .purpose = "Wakes servers when someone needs them and lets them sleep afterwards.",
    .config = "/etc/hall/domains.json",
    .secrets =
        "Secrets come from the environment: HALL_MQTT_PASSWORD and others, see .env.example.",
};

/* Debian's libcurl brings GnuTLS along, for parts that Hall never uses. It would set itself up
 * before main() and keep 110 KB; what its header calls GNUTLS_SKIP_GLOBAL_INIT tells it not to. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl*): the name is GnuTLS's choice */
int _gnutls_global_init_skip(void);

int _gnutls_global_init_skip(void)
{
    return 1;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl*) */

static int check(const struct config *config)
{
    const size_t servers = config->model.n_servers, domains = config->model.n_domains;
    struct buf notes = BUF_INIT(PROGRAM_ERRORS_LIMIT);

    printf("%s: ok: %zu server%s, %zu domain%s\n", config->file, servers, servers == 1 ? "" : "s",
           domains, domains == 1 ? "" : "s");
    if (config_notes(config, &notes) == 0)
        fputs(buf_text(&notes), stdout);
    buf_finish(&notes);
    return EXIT_SUCCESS;
}

static int serve(const struct config *config, const struct secrets *secrets)
{
    struct hall *hall = NULL;
    int result = hall_create(config, secrets, &hall);

    if (result == 0)
        result = hall_run(hall);
    hall_destroy(hall);
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
    struct program_arguments arguments;
    struct buf errors = BUF_INIT(PROGRAM_ERRORS_LIMIT);
    struct config *config = NULL;
    struct secrets secrets = {0};
    int status = program_arguments(&program, argc, argv, &arguments);

    if (status >= 0)
        return status;
    log_init(arguments.level);
    const int config_error = config_load(arguments.config, &config, &errors);
    int secrets_error = secrets_load(&secrets, &errors);
    if (config_error == 0 && secrets_check(config, &errors) < 0)
        secrets_error = -EINVAL;
    if (config_error < 0 || secrets_error < 0) {
        fputs(buf_text(&errors), stderr);
        status = EXIT_FAILURE;
    } else if (arguments.check) {
        status = check(config);
    } else {
        program_prepare();
        status = serve(config, &secrets);
    }
    secrets_finish(&secrets);
    config_free(config);
    buf_finish(&errors);
    return status;
}
