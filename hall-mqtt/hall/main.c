/* hall: the daemon. Options, configuration, then the three phases: create, run, destroy. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/places.h"
#include "base/program.h"
#include "base/reload_signal.h"
#include "hall/hall.h"
#include "hall/start.h"

static const struct program program = {
    .name = "hall",
    .purpose = "Wakes servers when someone needs them and lets them sleep afterwards.",
    .config = PLACE_CONFIG,
    .reloads = true,
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

static int check(const struct config *config, const struct buf *errors)
{
    struct buf notes = BUF_INIT(PROGRAM_ERRORS_LIMIT);

    if (errors->length > 0) {
        fputs(buf_text(errors), stderr);
        return EXIT_FAILURE;
    }
    const size_t servers = config->model.n_servers, domains = config->model.n_domains;

    printf("%s: ok: %zu server%s, %zu domain%s\n", config->file, servers, servers == 1 ? "" : "s",
           domains, domains == 1 ? "" : "s");
    if (config_notes(config, &notes) == 0)
        fputs(buf_text(&notes), stdout);
    buf_finish(&notes);
    return EXIT_SUCCESS;
}

static int serve(struct start *start, const struct secrets *secrets)
{
    struct hall *hall = NULL;
    int result = hall_create(start->config, secrets, &start->trouble, &hall);

    if (result == 0) {
        start_keep(start);
        result = hall_run(hall);
    }
    hall_destroy(hall);
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* A broken file does not keep the sites closed, where Hall ran before. secrets: NULL where they
 * cannot be used. */
static int run(struct start *start, const char *file, const struct secrets *secrets,
               const struct report *report, struct buf *errors)
{
    const bool ready =
        secrets && (start->config || start_fall_back(start, file, report, errors) == 0);

    log_error_lines(buf_text(errors));
    if (!ready)
        return PROGRAM_EXIT_CONFIG;
    program_prepare();
    return serve(start, secrets);
}

int main(int argc, char *argv[])
{
    struct program_arguments arguments;
    struct buf errors = BUF_INIT(PROGRAM_ERRORS_LIMIT);
    struct report report = {0};
    struct start start = {0};
    struct secrets secrets = {0};
    int status = program_arguments(&program, argc, argv, &arguments);

    if (status >= 0)
        return status;
    if (arguments.reload)
        return reload_signal_send("hall --reload", arguments.reload) ? EXIT_SUCCESS : EXIT_FAILURE;
    log_init(arguments.level);
    (void)start_read(&start, arguments.config, &report);
    const bool has_secrets = secrets_load(&secrets, &report) == 0;
    report_say(&report, CONFIG_ENGLISH, &errors);
    status = arguments.check
                 ? check(start.config, &errors)
                 : run(&start, arguments.config, has_secrets ? &secrets : NULL, &report, &errors);
    secrets_finish(&secrets);
    start_finish(&start);
    report_finish(&report);
    buf_finish(&errors);
    return status;
}
