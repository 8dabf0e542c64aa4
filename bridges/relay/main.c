/* hall-wol: a relay for magic packets. */
#include "bridges/companion/companion.h"
#include "bridges/relay/relay.h"

static int serve(const void *config, const char *password)
{
    struct relay *relay = NULL;
    int result = relay_create(config, password, &relay);
    if (result == 0)
        result = relay_run(relay);
    relay_destroy(relay);
    return result;
}

int main(int argc, char *argv[])
{
    static const struct companion companion = {
        .name = "hall-wol",
        .purpose = "Sends the magic packets that Hall asks for, on a network where Hall is not.",
        .file = "/etc/hall/relay.json",
        .what = "relay",
        .document = &config_relay_document,
        .serve = serve,
    };
    return companion_main(&companion, argc, argv);
}
