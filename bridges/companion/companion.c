#include "bridges/companion/companion.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/program.h"
#include "mqtt/client_id.h"

static int run(const struct companion *companion, const struct program_arguments *arguments,
               const struct document_head *config, const struct secrets *secrets)
{
    if (arguments->check) {
        printf("%s: ok: %s %s\n", config->file, companion->what, config->id);
        return EXIT_SUCCESS;
    }
    program_prepare();
    return companion->serve(config, secrets->mqtt_password) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int companion_main(const struct companion *companion, int argc, char *argv[])
{
    const struct program program = {
        .name = companion->name,
        .purpose = companion->purpose,
        .config = companion->file,
        .secrets = "The password at the broker comes from the environment: HALL_MQTT_PASSWORD, or "
                   "a credential hall-mqtt-password.",
    };
    struct program_arguments arguments;
    struct buf errors = BUF_INIT(PROGRAM_ERRORS_LIMIT);
    struct report report = {0};
    struct secrets secrets = {0};
    int status = program_arguments(&program, argc, argv, &arguments);
    if (status >= 0)
        return status;
    log_init(arguments.level);
    struct document_head *config = document_load(companion->document, arguments.config, &report);
    if (secrets_load(&secrets, &report) < 0 || !config) {
        report_say(&report, CONFIG_ENGLISH, &errors);
        fputs(buf_text(&errors), stderr);
        status = arguments.check ? EXIT_FAILURE : PROGRAM_EXIT_CONFIG;
    } else {
        status = run(companion, &arguments, config, &secrets);
    }
    secrets_finish(&secrets);
    document_free(config);
    report_finish(&report);
    buf_finish(&errors);
    return status;
}

int companion_connect(sd_event *loop, const struct document_head *config, const char *password,
                      const struct companion_topics *topics, const struct mqtt_listener *listener,
                      void *context, struct mqtt **ret_mqtt)
{
    const struct config_mqtt *mqtt = &config->mqtt;
    const struct client_id_owner owner = {
        .role = topics->role,
        .name = config->id,
        .base_topic = mqtt->base_topic,
        .username = mqtt->broker.username,
        .password = password,
    };
    char client_id[CLIENT_ID_SIZE];
    client_id_derive(&owner, client_id);
    const struct mqtt_options options = {
        .broker = mqtt->broker,
        .client_id = client_id,
        .password = password,
        .will_topic = topics->state,
        .will_payload = "offline",
        .birth_payload = "online",
        .subscriptions = &topics->heard,
        .n_subscriptions = 1,
    };
    return mqtt_create(loop, &options, listener, context, ret_mqtt);
}
