/* hall-agent: what a server says and does for Hall. Options, configuration, then the three phases:
 * create, run, destroy. */
#include <stdio.h>
#include <stdlib.h>

#include "base/program.h"
#include "bridges/agent/agent.h"
#include "bridges/agent/config_agent.h"

static const struct program program = {
    .name = "hall-agent",
    .purpose = "Reports to Hall what this server does, and lets it sleep when nobody needs it.",
    .config = "/etc/hall/agent.json",
    .secrets = "The password at the broker comes from the environment: HALL_MQTT_PASSWORD, or a "
               "credential hall-mqtt-password.",
};

static int serve(const struct config_agent *config, const struct secrets *secrets)
{
    struct agent *agent = NULL;
    int result = agent_create(config, secrets->mqtt_password, &agent);
    if (result == 0)
        result = agent_run(agent);
    agent_destroy(agent);
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
    struct program_arguments arguments;
    struct buf errors = BUF_INIT(PROGRAM_ERRORS_LIMIT);
    struct config_agent *config = NULL;
    struct secrets secrets = {0};
    int status = program_arguments(&program, argc, argv, &arguments);
    if (status >= 0)
        return status;
    log_init(arguments.level);
    const int config_error = config_agent_load(arguments.config, &config, &errors);
    const int secrets_error = secrets_load(&secrets, &errors);
    if (config_error < 0 || secrets_error < 0) {
        fputs(buf_text(&errors), stderr);
        status = arguments.check ? EXIT_FAILURE : PROGRAM_EXIT_CONFIG;
    } else if (arguments.check) {
        printf("%s: ok: agent of %s\n", config->file, config->id);
        status = EXIT_SUCCESS;
    } else {
        program_prepare();
        status = serve(config, &secrets);
    }
    secrets_finish(&secrets);
    config_agent_free(config);
    buf_finish(&errors);
    return status;
}
