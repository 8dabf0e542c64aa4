/* hall-wol: a relay for magic packets. Options, configuration, then the three phases: create, run,
 * destroy. */
#include <stdio.h>
#include <stdlib.h>

#include "base/program.h"
#include "bridges/relay/relay.h"

static const struct program program = {
    .name = "hall-wol",
    .purpose = "Sends the magic packets that Hall asks for, on a network where Hall is not.",
    .config = "/etc/hall/relay.json",
    .secrets = "The password at the broker comes from the environment: HALL_MQTT_PASSWORD, or a "
               "credential hall-mqtt-password.",
};

static int serve(const struct config_relay *config, const struct secrets *secrets)
{
    struct relay *relay = NULL;
    int result = relay_create(config, secrets->mqtt_password, &relay);
    if (result == 0)
        result = relay_run(relay);
    relay_destroy(relay);
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
    struct program_arguments arguments;
    struct buf errors = BUF_INIT(PROGRAM_ERRORS_LIMIT);
    struct config_relay *config = NULL;
    struct secrets secrets = {0};
    int status = program_arguments(&program, argc, argv, &arguments);
    if (status >= 0)
        return status;
    log_init(arguments.level);
    const int config_error = config_relay_load(arguments.config, &config, &errors);
    const int secrets_error = secrets_load(&secrets, &errors);
    if (config_error < 0 || secrets_error < 0) {
        fputs(buf_text(&errors), stderr);
        status = arguments.check ? EXIT_FAILURE : PROGRAM_EXIT_CONFIG;
    } else if (arguments.check) {
        printf("%s: ok: relay %s\n", config->file, config->id);
        status = EXIT_SUCCESS;
    } else {
        program_prepare();
        status = serve(config, &secrets);
    }
    secrets_finish(&secrets);
    config_relay_free(config);
    buf_finish(&errors);
    return status;
}
